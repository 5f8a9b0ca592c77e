//! Runs that follow from another run.

use contract::agent::Agent;
use contract::run::{InvocationSource, Run, RunStatus, TriggerDetail};
use contract::wake::{WakeupRequest, WakeupStatus};
use contract::{JsonObject, RunId, Timestamp};
use domain::context;
use serde_json::Value;
use store::WriteTx;

use super::RETRY_REASON;
use crate::Engine;
use crate::error::{Answer, OrAnswer};
use crate::run::CARRY;

/// A run that follows from one that ended.
pub(crate) struct Again<'a> {
    pub of: &'a Run,
    /// What the agent is told.
    pub wake_reason: &'static str,
    /// What recovery later counts by.
    pub retry_reason: &'static str,
    /// Keys that go into the context beside those of the run before.
    pub context: Vec<(&'static str, Value)>,
    /// Not before this time.
    pub at: Option<Timestamp>,
    /// Which attempt of its kind this is, for people to read.
    pub attempt: i64,
    /// The same key again starts nothing.
    pub key: String,
    /// It only reports what becomes of the issue: no deliverable, the cheap model.
    pub status_only: bool,
}

impl<'a> Again<'a> {
    pub fn new(of: &'a Run, wake_reason: &'static str, retry_reason: &'static str) -> Self {
        Self {
            of,
            wake_reason,
            retry_reason,
            context: Vec::new(),
            at: None,
            attempt: 0,
            key: format!("{wake_reason}:{}", of.id),
            status_only: false,
        }
    }

    fn ctx(&self) -> JsonObject {
        let mut ctx = self.of.context_snapshot.clone().unwrap_or_default();
        ctx.remove(CARRY);
        context::keep_off_the_cheap_lane(&mut ctx);
        ctx.insert("wakeReason".into(), self.wake_reason.into());
        ctx.insert(RETRY_REASON.into(), self.retry_reason.into());
        ctx.insert("retryOfRunId".into(), self.of.id.to_string().into());
        ctx.remove(super::SOURCE);
        for (key, value) in &self.context {
            ctx.insert((*key).to_owned(), value.clone());
        }
        if self.status_only {
            context::put_on_the_cheap_lane(&mut ctx);
        }
        ctx
    }
}

impl Engine {
    /// Queues the run, or sets it for its time. Nothing when somebody is on the issue already, or when the same was
    /// queued before.
    pub(crate) async fn run_again(
        &self,
        tx: &mut WriteTx,
        agent: &Agent,
        again: Again<'_>,
    ) -> Answer<Option<RunId>> {
        let of = again.of;
        if store::wakeups::by_idempotency_key(tx, agent.id, &again.key).await.answer()?.is_some() {
            return Ok(None);
        }
        if let Some(issue) = of.issue_id
            && store::runs::live_on_issue(tx, issue).await.answer()?.is_some_and(|r| r.id != of.id)
        {
            return Ok(None);
        }
        let task = store::runs::task_key(tx, of.id).await.answer()?;
        let waiting = self.waiting_for_task(tx, of, task.as_deref()).await?;
        let id: RunId = waiting.as_ref().map_or_else(|| self.new_id(), |w| w.id);
        let mut wake = self.wake_of(tx, &again, id);
        if let Some(next) = waiting {
            wake.status = WakeupStatus::Coalesced;
            wake.finished_at = Some(tx.at());
            wake.error = Some("Merged into a run that had not started yet".to_owned());
            store::wakeups::create(tx, &wake).await.answer()?;
            self.merge_into(tx, next, &again).await?;
        } else {
            store::wakeups::create(tx, &wake).await.answer()?;
            let mut run = self.queued_run(tx, id, agent, &wake, of.issue_id, again.ctx());
            run.retry_of_run_id = Some(of.id);
            // Losses add up along a chain of runs, whatever the links.
            run.process_loss_retry_count = of.process_loss_retry_count;
            run.scheduled_retry_attempt = again.attempt;
            run.scheduled_retry_reason = Some(again.retry_reason.to_owned());
            if let Some(at) = again.at {
                run.status = RunStatus::ScheduledRetry;
                run.scheduled_retry_at = Some(at);
            }
            store::runs::create(tx, &run, task.as_deref()).await.answer()?;
        }
        self.pass_locks(tx, of, id).await?;
        Ok(Some(id))
    }

    /// Only one run may wait for a task that is no issue: where one does already, it takes up what this one was for.
    async fn waiting_for_task(&self, tx: &mut WriteTx, of: &Run, task: Option<&str>) -> Answer<Option<Run>> {
        let (None, Some(key)) = (of.issue_id, task) else { return Ok(None) };
        let live = store::runs::live_on_task(tx, of.agent_id, key).await.answer()?;
        Ok(live.into_iter().find(|r| r.status != RunStatus::Running))
    }

    async fn merge_into(&self, tx: &mut WriteTx, mut next: Run, again: &Again<'_>) -> Answer<()> {
        // What waits came later, so it has the last word.
        let later = next.context_snapshot.take().unwrap_or_default();
        next.context_snapshot = Some(context::merge(&again.ctx(), &later));
        next.retry_of_run_id.get_or_insert(again.of.id);
        next.updated_at = tx.at();
        store::runs::save(tx, &next).await.answer()
    }

    fn wake_of(&self, tx: &WriteTx, again: &Again<'_>, run: RunId) -> WakeupRequest {
        let mut payload = JsonObject::new();
        payload.insert("retryOfRunId".into(), again.of.id.to_string().into());
        if let Some(issue) = again.of.issue_id {
            payload.insert("issueId".into(), issue.to_string().into());
        }
        WakeupRequest {
            id: self.new_id(),
            company_id: again.of.company_id,
            agent_id: again.of.agent_id,
            source: InvocationSource::Automation,
            trigger_detail: Some(TriggerDetail::System),
            reason: Some(again.wake_reason.to_owned()),
            payload: Some(payload),
            status: WakeupStatus::Queued,
            coalesced_count: 0,
            requested_by_actor_type: Some("system".to_owned()),
            requested_by_actor_id: Some("system".to_owned()),
            idempotency_key: Some(again.key.clone()),
            run_id: Some(run),
            issue_id: again.of.issue_id,
            requested_at: tx.at(),
            claimed_at: None,
            finished_at: None,
            error: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        }
    }

    /// The locks go to the run that follows, so that nobody comes between.
    async fn pass_locks(&self, tx: &mut WriteTx, from: &Run, to: RunId) -> Answer<()> {
        for mut issue in store::issues::held_by_run(tx, from.id).await.answer()? {
            if issue.execution_run_id == Some(from.id) {
                issue.execution_run_id = Some(to);
            }
            if issue.checkout_run_id == Some(from.id) {
                issue.checkout_run_id = Some(to);
            }
            store::issues::save(tx, &issue).await.answer()?;
        }
        Ok(())
    }
}
