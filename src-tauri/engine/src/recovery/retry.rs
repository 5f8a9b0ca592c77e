//! Tries at a later time: setting them, and letting them go when their time comes.

use contract::agent::Agent;
use contract::run::{Run, RunStatus};
use contract::wake::WakeupStatus;
use contract::{RunId, Timestamp};
use domain::failure::Class;
use domain::retry::{DueFacts, Gate, Reason, TurnPolicy, gate, transient_retry_at};
use serde_json::{Value, json};
use store::WriteTx;

use super::{Again, class_of, said};
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::service::reviewer_of;
use crate::{Caller, Engine};

/// How often a run is tried again whose process was lost, or which never came to have one.
const RETRIES_OF_STARTED: i64 = 1;
/// What never began is repeated without harm; the bound is for a machine on which nothing ever begins.
const RETRIES_OF_NEVER_BEGUN: i64 = 5;

/// Where the context counts tries, so that they add up along a chain of runs of which some follow for other reasons.
const fn attempts_key(reason: Reason) -> &'static str {
    match reason {
        Reason::Transient => "transientAttempts",
        Reason::MaxTurns => "turnContinuations",
    }
}

fn attempts(run: &Run, reason: Reason) -> i64 {
    let counted = run.context_snapshot.as_ref().and_then(|c| c.get(attempts_key(reason)));
    counted.and_then(Value::as_i64).unwrap_or(0)
}

impl Engine {
    /// Tries a run again whose process was lost.
    pub(super) async fn retry_lost(&self, tx: &mut WriteTx, run: &Run, agent: &Agent) -> Answer<bool> {
        let most = if run.process_pid.is_some() { RETRIES_OF_STARTED } else { RETRIES_OF_NEVER_BEGUN };
        if run.process_loss_retry_count >= most || !domain::agent::is_invokable(agent.status) {
            return Ok(false);
        }
        let again = Again::new(run, "process_lost_retry", "process_lost");
        let Some(id) = self.run_again(tx, agent, again).await? else { return Ok(false) };
        if let Some(mut next) = store::runs::get(tx, id).await.answer()? {
            next.process_loss_retry_count = run.process_loss_retry_count + 1;
            store::runs::save(tx, &next).await.answer()?;
        }
        let told = "the lost run is tried once more";
        store::runs::add_event(tx, run, "lifecycle", "warn", told, None).await.answer()?;
        Ok(true)
    }

    /// Sets a time for another try, where the failure calls for one and there are tries left.
    pub(super) async fn retry_later(&self, tx: &mut WriteTx, run: &Run, agent: &Agent) -> Answer<bool> {
        let reason = match class_of(run) {
            Class::Upstream => Reason::Transient,
            Class::TurnLimit => Reason::MaxTurns,
            _ => return Ok(false),
        };
        // A timer rings again by itself.
        if run.issue_id.is_none() && said(run, "wakeReason") == Some("heartbeat_timer") {
            return Ok(false);
        }
        if self.gate_of(tx, run, agent, reason).await?.is_err() {
            return Ok(false);
        }
        let before = attempts(run, reason);
        let at = match reason {
            Reason::Transient => {
                let asked = self.account_reset(tx, run).await?;
                transient_retry_at(before, tx.at(), asked, self.chance())
            }
            Reason::MaxTurns => TurnPolicy::of(&agent.runtime_config).retry_at(before, tx.at()),
        };
        let Some(at) = at else {
            let told = format!("no try is left after {before} of them");
            store::runs::add_event(tx, run, "lifecycle", "warn", &told, None).await.answer()?;
            return Ok(false);
        };
        let mut again = Again::new(run, reason.wake_reason(), reason.as_str());
        again.at = Some(at);
        again.attempt = before + 1;
        again.context.push((attempts_key(reason), (before + 1).into()));
        let Some(next) = self.run_again(tx, agent, again).await? else { return Ok(false) };
        let told = format!("tried again at {at} (attempt {})", before + 1);
        let payload = json!({ "runId": next, "at": at, "reason": reason.as_str() });
        store::runs::add_event(tx, run, "lifecycle", "info", &told, payload.as_object().cloned())
            .await
            .answer()?;
        Ok(true)
    }

    /// A number from 0 to 1.
    fn chance(&self) -> f64 {
        let mut bytes = [0u8; 2];
        self.world.fill(&mut bytes);
        f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
    }

    async fn gate_of(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        agent: &Agent,
        reason: Reason,
    ) -> Answer<Result<(), Gate>> {
        let issue = match run.issue_id {
            Some(id) => Some(store::issues::get(tx, id).await.answer()?),
            None => None,
        };
        let blockers = match run.issue_id {
            Some(id) => store::relations::unresolved(tx, id).await.answer()?.len(),
            None => 0,
        };
        Ok(gate(&DueFacts {
            reason,
            run: run.id,
            agent: agent.id,
            agent_status: domain::budget::status_but_for_budget(agent),
            issue: issue.as_ref().map(Option::as_ref),
            unresolved_blockers: blockers,
            held: store::trees::is_paused(tx, run.issue_id).await.answer()?,
            reviewer: issue.as_ref().and_then(Option::as_ref).and_then(reviewer_of).and_then(|p| p.agent_id),
        }))
    }

    /// Queues the runs whose time has come; answers when to look again.
    pub(crate) async fn promote_due(&self) -> Answer<Option<Timestamp>> {
        let (due, next) = {
            let mut conn = self.store.read().await.answer()?;
            let next = store::retries::next_due(&mut conn).await.answer()?;
            if next.is_none_or(|t| t > self.now()) {
                return Ok(next);
            }
            (store::retries::due(&mut conn, self.now()).await.answer()?, next)
        };
        for run in due {
            let mut tx = self.store.write(self.now()).await.answer()?;
            if let Err(gate) = self.promote_retry(&mut tx, run.id).await? {
                tracing::info!(run = %run.id, "given up: {}", gate.reason());
            }
            tx.commit().await.answer()?;
        }
        Ok(next)
    }

    /// Queues a run that waits for its time, or gives it up with the reason.
    pub(crate) async fn promote_retry(&self, tx: &mut WriteTx, id: RunId) -> Answer<Result<(), Gate>> {
        let run = store::runs::get(tx, id).await.answer()?;
        let Some(mut run) = run.filter(|r| r.status == RunStatus::ScheduledRetry) else { return Ok(Ok(())) };
        let agent = store::agents::get(tx, run.agent_id).await.or_missing("Agent")?;
        let reason =
            run.scheduled_retry_reason.as_deref().and_then(Reason::parse).unwrap_or(Reason::Transient);
        let verdict = self.gate_of(tx, &run, &agent, reason).await?;
        run.updated_at = tx.at();
        match verdict {
            Ok(()) => {
                run.status = RunStatus::Queued;
                store::runs::save(tx, &run).await.answer()?;
                let told = "its time has come: queued";
                store::runs::add_event(tx, &run, "lifecycle", "info", told, None).await.answer()?;
            }
            Err(gate) => {
                run.status = RunStatus::Cancelled;
                run.finished_at = Some(tx.at());
                run.error = Some(gate.reason().to_owned());
                run.error_code = Some(gate.code().to_owned());
                run.result_json = json!({ "stopReason": gate.code() }).as_object().cloned();
                store::runs::save(tx, &run).await.answer()?;
                let told = format!("given up: {}", gate.reason());
                store::runs::add_event(tx, &run, "lifecycle", "warn", &told, None).await.answer()?;
                self.end_wakes(tx, &run, WakeupStatus::Skipped, Some(gate.reason())).await?;
                self.release_issue(tx, &run).await?;
            }
        }
        Ok(verdict)
    }

    /// A person has spoken on an issue whose run waits for a later time: they are answered now, and the wait is over.
    pub(crate) async fn drop_scheduled(
        &self,
        tx: &mut WriteTx,
        issue: &mut contract::issue::Issue,
    ) -> Answer<bool> {
        let live = store::runs::live_on_issue(tx, issue.id).await.answer()?;
        let Some(run) = live.filter(|r| r.status == RunStatus::ScheduledRetry) else { return Ok(false) };
        self.cancel_run(tx, run, "A comment came before its time").await?;
        if let Some(now) = store::issues::get(tx, issue.id).await.answer()? {
            *issue = now;
        }
        if issue.status == contract::issue::IssueStatus::InProgress {
            domain::issue::set_status(issue, contract::issue::IssueStatus::Todo, tx.at());
        }
        let caller = Caller::system();
        self.log_issue(tx, &caller, issue, "issue.scheduled_retry_dropped", Value::Null).await?;
        Ok(true)
    }
}
