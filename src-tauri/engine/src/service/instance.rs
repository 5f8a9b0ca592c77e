//! The installation: health, status, settings, pausing everything, the feed.

use std::sync::Arc;

use contract::company::Nothing;
use contract::feed::{ChangePage, ReadChanges};
use contract::instance::*;
use contract::operations::*;
use contract::run::RunStatus;
use contract::{ApiError, Cents, JsonObject, LOCAL_OPERATOR, Patch, Timestamp};

use super::bounded;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Handle<GetHealth> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, _: Nothing) -> Answer<Health> {
        let mut conn = self.store.read().await.answer()?;
        store::changes::latest(&mut conn).await.answer()?;
        let known = !matches!(caller.actor, crate::Actor::Nobody);
        let mut features = JsonObject::new();
        features.insert("companyDeletionEnabled".into(), false.into());
        let trusted = self.settings().general.trust_local_processes;
        Ok(Health {
            status: if self.store.damage().is_none() { "ok" } else { "degraded" }.to_owned(),
            version: known.then(|| VERSION.to_owned()),
            deployment_mode: if trusted { "local_trusted" } else { "authenticated" }.to_owned(),
            deployment_exposure: "private".to_owned(),
            auth_ready: known.then_some(true),
            bootstrap_status: "ready".to_owned(),
            bootstrap_invite_active: false,
            features: known.then_some(features),
        })
    }
}

impl Handle<GetSession> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<Session> {
        Ok(Session {
            session: SessionInfo { id: LOCAL_OPERATOR.to_owned(), user_id: LOCAL_OPERATOR.to_owned() },
            user: SessionUser {
                id: LOCAL_OPERATOR.to_owned(),
                email: None,
                name: "Operator".to_owned(),
                image: None,
            },
        })
    }
}

impl Engine {
    async fn instance_status(&self) -> Answer<InstanceStatus> {
        let today = self.today();
        let mut conn = self.store.read().await.answer()?;
        let settings = self.settings();
        let tries = store::retries::next_due(&mut conn).await.answer()?;
        let looks = store::decisions::next_to_look_at(&mut conn).await.answer()?;
        let mut next = tries.into_iter().chain(looks).min();
        for a in store::agents::with_timer(&mut conn).await.answer()? {
            let policy = domain::agent::HeartbeatPolicy::of(&a.runtime_config);
            if let Some(t) = policy.next_timer(a.last_heartbeat_at, a.created_at, self.now()) {
                next = Some(next.map_or(t, |n| n.min(t)));
            }
        }
        let mut waiting = 0;
        for company in store::companies::list(&mut conn).await.answer()? {
            waiting += store::issues::waiting_count(&mut conn, company.id).await.answer()?;
        }
        Ok(InstanceStatus {
            version: VERSION.to_owned(),
            data_dir: self.paths.root().display().to_string(),
            url: settings.api_url,
            running_runs: store::runs::count(&mut conn, RunStatus::Running).await.answer()?,
            queued_runs: store::runs::count(&mut conn, RunStatus::Queued).await.answer()?,
            max_live_runs: self.max_live_runs(),
            waiting_for_you: waiting + store::approvals::pending_count(&mut conn, None).await.answer()?,
            failed_runs_today: store::runs::failed_since(&mut conn, today).await.answer()?,
            spent_today_cents: Cents::new(
                store::costs::spent_since(&mut conn, None, today).await.answer()?.rounded_cents(),
            ),
            next_wake_at: next,
            paused_at: settings.paused_at,
            problems: self.store.damage().map(|what| self.damaged(what)).into_iter().collect(),
        })
    }

    /// The first moment of the day, as the operator's clock has it.
    fn today(&self) -> Timestamp {
        let now = self.now();
        let start = jiff::Timestamp::from_millisecond(now.millis())
            .and_then(|t| t.to_zoned(jiff::tz::TimeZone::system()).start_of_day());
        start.map_or(now, |day| Timestamp::from_millis(day.timestamp().as_millisecond()))
    }
}

impl Handle<GetInstanceStatus> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<InstanceStatus> {
        self.instance_status().await
    }
}

impl Handle<PauseInstance> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<InstanceStatus> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut instance = store::instance::get(&mut tx).await.answer()?;
        if instance.paused_at.is_none() {
            instance.paused_at = Some(tx.at());
            store::instance::save(&mut tx, &instance).await.answer()?;
        }
        let live = store::runs::live(&mut tx, None).await.answer()?;
        let kills = self.cancel_runs(&mut tx, live, "Everything was paused").await?;
        // Known before the commit, while the queue cannot write: no run is claimed in between.
        let before = self.settings().paused_at;
        self.settings_mut(|s| s.paused_at = instance.paused_at);
        if let Err(e) = tx.commit().await.answer() {
            self.settings_mut(|s| s.paused_at = before);
            return Err(e);
        }
        self.kill_all(kills).await;
        self.instance_status().await
    }
}

impl Handle<ResumeInstance> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, _: Nothing) -> Answer<InstanceStatus> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut instance = store::instance::get(&mut tx).await.answer()?;
        let since = instance.paused_at.take();
        store::instance::save(&mut tx, &instance).await.answer()?;
        self.settings_mut(|s| s.paused_at = None);
        if let Err(e) = tx.commit().await.answer() {
            self.settings_mut(|s| s.paused_at = since);
            return Err(e);
        }
        let companies = store::companies::list(&mut *self.store.read().await.answer()?).await.answer()?;
        for company in companies {
            let mut tx = self.store.write(self.now()).await.answer()?;
            self.take_up_company(&mut tx, caller, company.id, since).await?;
            tx.commit().await.answer()?;
        }
        self.instance_status().await
    }
}

impl Handle<GetGeneralSettings> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<GeneralSettings> {
        Ok(self.settings().general)
    }
}

impl Handle<PatchSettings> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, q: PatchGeneralSettings) -> Answer<GeneralSettings> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut instance = store::instance::get(&mut tx).await.answer()?;
        apply(&mut instance.general, q)?;
        store::instance::save(&mut tx, &instance).await.answer()?;
        // Known before the commit: whoever is told by the feed reads it at once.
        let before = self.settings().general;
        self.settings_mut(|s| s.general = instance.general.clone());
        if let Err(e) = tx.commit().await.answer() {
            self.settings_mut(|s| s.general = before);
            return Err(e);
        }
        Ok(instance.general)
    }
}

impl Handle<GetExperimentalSettings> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<ExperimentalSettings> {
        Ok(self.settings().experimental)
    }
}

impl Handle<PatchExperimental> for Engine {
    async fn handle(
        self: &Arc<Self>,
        _: &Caller,
        q: PatchExperimentalSettings,
    ) -> Answer<ExperimentalSettings> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut instance = store::instance::get(&mut tx).await.answer()?;
        apply_experimental(&mut instance.experimental, q)?;
        store::instance::save(&mut tx, &instance).await.answer()?;
        let before = self.settings().experimental;
        self.settings_mut(|s| s.experimental = instance.experimental.clone());
        if let Err(e) = tx.commit().await.answer() {
            self.settings_mut(|s| s.experimental = before);
            return Err(e);
        }
        Ok(instance.experimental)
    }
}

fn apply_experimental(s: &mut ExperimentalSettings, q: PatchExperimentalSettings) -> Answer<()> {
    let fixed = [
        ("enableEnvironments", q.enable_environments, s.enable_environments),
        ("enableIsolatedWorkspaces", q.enable_isolated_workspaces, s.enable_isolated_workspaces),
        (
            "enableIssuePlanDecompositions",
            q.enable_issue_plan_decompositions,
            s.enable_issue_plan_decompositions,
        ),
        ("enableCloudSync", q.enable_cloud_sync, s.enable_cloud_sync),
        (
            "autoRestartDevServerWhenIdle",
            q.auto_restart_dev_server_when_idle,
            s.auto_restart_dev_server_when_idle,
        ),
    ];
    for (name, wanted, is) in fixed {
        if wanted.is_some_and(|w| w != is) {
            let how = if is { "always on" } else { "not there" };
            return Err(ApiError::unprocessable(format!(
                "{name} cannot be switched: it is {how} in this program"
            )));
        }
    }
    if let Some(hours) = q.issue_graph_liveness_auto_recovery_lookback_hours {
        crate::unblocking::check_hours(hours)?;
        s.issue_graph_liveness_auto_recovery_lookback_hours = hours;
    }
    if let Some(on) = q.enable_issue_graph_liveness_auto_recovery {
        s.enable_issue_graph_liveness_auto_recovery = on;
    }
    Ok(())
}

fn apply(g: &mut GeneralSettings, q: PatchGeneralSettings) -> Answer<()> {
    if let Some(t) = &q.theme
        && !matches!(t.as_str(), "system" | "light" | "dark")
    {
        return Err(ApiError::invalid("theme must be system, light or dark"));
    }
    if let Some(p) = &q.feedback_data_sharing_preference
        && !matches!(p.as_str(), "allowed" | "not_allowed" | "prompt")
    {
        return Err(ApiError::invalid(
            "feedbackDataSharingPreference must be allowed, not_allowed or prompt",
        ));
    }
    if matches!(q.max_live_runs, Patch::Set(0)) {
        return Err(
            ApiError::invalid("maxLiveRuns must be at least 1").with_hint("Pause everything to run nothing.")
        );
    }
    if let Some(r) = q.backup_retention {
        if r.daily_days == 0 {
            return Err(ApiError::invalid("backupRetention.dailyDays must be at least 1"));
        }
        g.backup_retention = r;
    }
    g.censor_username_in_logs = q.censor_username_in_logs.unwrap_or(g.censor_username_in_logs);
    g.keyboard_shortcuts = q.keyboard_shortcuts.unwrap_or(g.keyboard_shortcuts);
    if let Some(p) = q.feedback_data_sharing_preference {
        g.feedback_data_sharing_preference = p;
    }
    g.backup_enabled = q.backup_enabled.unwrap_or(g.backup_enabled);
    g.backup_interval_minutes =
        q.backup_interval_minutes.unwrap_or(g.backup_interval_minutes).clamp(5, 10_080);
    g.max_live_runs = q.max_live_runs.apply(g.max_live_runs).map(|n| n.min(500));
    g.trust_local_processes = q.trust_local_processes.unwrap_or(g.trust_local_processes);
    g.start_at_login = q.start_at_login.unwrap_or(g.start_at_login);
    g.close_to_tray = q.close_to_tray.unwrap_or(g.close_to_tray);
    g.notifications = q.notifications.unwrap_or(g.notifications);
    if let Some(t) = q.theme {
        g.theme = t;
    }
    Ok(())
}

impl Handle<GetChanges> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, q: ReadChanges) -> Answer<ChangePage> {
        let mut conn = self.store.read().await.answer()?;
        let after = match q.after {
            Some(seq) => seq,
            None => {
                let cursor = store::changes::latest(&mut conn).await.answer()?;
                return Ok(ChangePage { changes: Vec::new(), cursor, reset: false });
            }
        };
        store::changes::read(&mut conn, after, q.company_id, bounded(q.limit, 500, 2000)).await.answer()
    }
}
