//! The clock: timers, backups, and keeping the feed short.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use contract::run::{InvocationSource, TriggerDetail};
use contract::{JsonObject, Timestamp};
use domain::agent::HeartbeatPolicy;

use crate::error::{Answer, OrAnswer};
use crate::wake::Wake;
use crate::{Caller, Engine};

/// Paperclip's tick.
const TICK: Duration = Duration::from_secs(30);
/// A tick that comes so late: the machine slept, or its clock was set.
const SLEPT: Duration = Duration::from_secs(5 * 60);
/// How often all open work is looked through for some that nothing moves.
const SWEEP: Duration = Duration::from_secs(5 * 60);
/// How long changes stay readable, and how many in any case.
const FEED_DAYS: u64 = 7;
const FEED_KEPT: i64 = 50_000;

impl Engine {
    /// Ticks as long as the engine lives. Ticks never overlap.
    pub(crate) async fn run_schedule(self: Arc<Self>) {
        // By a clock that nobody sets: one that is set back would stop all that is due until it has caught up.
        let mut last_prune: Option<Instant> = None;
        let mut last_sweep: Option<Instant> = None;
        let mut last_tick = (self.now(), Instant::now());
        self.chore("workspaces", Box::pin(self.reconcile_workspaces())).await;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(TICK) => {}
            }
            let tick = (self.now(), Instant::now());
            // The clock was set, or the machine slept, which the other clock does not count.
            if tick.0 < last_tick.0 || tick.0.since(last_tick.0) > SLEPT {
                self.begin_to_watch();
            }
            if tick.0 < last_tick.0 {
                let by = last_tick.0.since(tick.0) + tick.1.duration_since(last_tick.1);
                self.chore("a clock that was set back", Box::pin(self.set_back(by))).await;
            }
            last_tick = tick;
            self.chore("budgets", Box::pin(self.mind_budgets())).await;
            self.chore("timers", Box::pin(self.tick_timers())).await;
            self.chore("issues to look at again", Box::pin(self.look_at_due())).await;
            if last_sweep.is_none_or(|t| tick.1.duration_since(t) >= SWEEP) {
                last_sweep = Some(tick.1);
                self.chore("work at a standstill", Box::pin(self.sweep())).await;
                self.chore("silent runs", Box::pin(self.watch_silence())).await;
                self.chore("productivity", Box::pin(self.review_productivity())).await;
                self.chore("chains of blockers", Box::pin(self.unblock_when_wanted())).await;
                self.chore("workspaces", Box::pin(self.reconcile_workspaces())).await;
                let _ = tokio::task::spawn_blocking(runner::platform::give_memory_back).await;
            }
            self.back_up_when_due().await;
            if last_prune.is_none_or(|t| tick.1.duration_since(t) >= Duration::from_secs(3600)) {
                last_prune = Some(tick.1);
                self.chore("files", Box::pin(self.sweep_files())).await;
                self.chore("pruning the feed", Box::pin(self.prune_feed(self.now()))).await;
            }
        }
    }

    /// Moves what waits for a time that was reckoned from a clock which has been set back since: the wait stays as long.
    pub(crate) async fn set_back(&self, by: Duration) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        for mut run in store::retries::waiting(&mut tx).await.answer()? {
            run.scheduled_retry_at = run.scheduled_retry_at.map(|t| t.minus(by));
            run.updated_at = tx.at();
            store::runs::save(&mut tx, &run).await.answer()?;
        }
        tx.commit_if_changed().await.answer().map(drop)
    }

    /// Does one of the things that are due. One that fails is told in the log and keeps no other from being done.
    async fn chore<T>(&self, what: &str, doing: Pin<Box<impl Future<Output = Answer<T>> + Send>>) {
        if let Err(e) = doing.await {
            self.mind_damage(&e);
            tracing::error!("{what}: {e}");
        }
    }

    /// Wakes the agents whose timers are due. Each leaves a row that says what became of it.
    pub(crate) async fn tick_timers(&self) -> Answer<()> {
        let now = self.now();
        let due: Vec<_> = {
            let mut conn = self.store.read().await.answer()?;
            let agents = store::agents::with_timer(&mut conn).await.answer()?;
            agents
                .into_iter()
                .filter(|a| {
                    let policy = HeartbeatPolicy::of(&a.runtime_config);
                    policy.next_timer(a.last_heartbeat_at, a.created_at, now).is_some_and(|t| t <= now)
                })
                .collect()
        };
        for agent in due {
            let mut tx = self.store.write(now).await.answer()?;
            let wake = Wake {
                agent: agent.id,
                source: InvocationSource::Timer,
                trigger: TriggerDetail::System,
                reason: Some("heartbeat_timer".to_owned()),
                payload: JsonObject::new(),
                idempotency_key: None,
            };
            match self.wake(&mut tx, &Caller::system(), wake).await {
                // The heartbeat counts as had, so that the timer rings once an interval and not once a tick.
                Ok(_) => {
                    let now_agent = store::agents::get(&mut tx, agent.id).await.answer()?;
                    if let Some(a) = now_agent {
                        store::agents::set_status(&mut tx, &a, a.status, Some(now)).await.answer()?;
                    }
                    tx.commit().await.answer()?;
                }
                Err(e) => tracing::debug!(agent = %agent.id, "its timer came to nothing: {e}"),
            }
        }
        Ok(())
    }

    async fn back_up_when_due(&self) {
        let general = self.settings().general;
        if !general.backup_enabled {
            return;
        }
        let every = Duration::from_secs(u64::from(general.backup_interval_minutes) * 60);
        if self.last_backup().is_some_and(|t| self.now().since(t) < every) {
            return;
        }
        // Nothing was committed since the last one but its own entry: another would only be a copy of it.
        let version = self.store.version();
        if self.backed_up.load(Ordering::Relaxed) == version {
            return;
        }
        match self.back_up("scheduled").await {
            Ok(b) => {
                let now = self.store.version();
                // One commit is the backup's own; with more, something was written meanwhile.
                let own = if now == version + 1 { now } else { version };
                self.backed_up.store(own, Ordering::Relaxed);
                tracing::info!(file = b.backup_file, "backup made");
            }
            Err(e) => {
                self.mind_damage(&e);
                tracing::error!("the backup failed: {e}");
            }
        }
    }

    async fn prune_feed(&self, now: Timestamp) -> Answer<()> {
        let mut tx = self.store.write(now).await.answer()?;
        let before = now.minus(Duration::from_secs(FEED_DAYS * 86_400));
        store::changes::prune(&mut tx, before, FEED_KEPT).await.answer()?;
        tx.commit().await.answer()?;
        self.store.refresh_statistics().await.answer()
    }
}
