//! Stopping runs: the queued ones at once, the running ones through their hosts.

use contract::run::{Run, RunStatus};
use contract::wake::WakeupStatus;
use contract::{AgentId, CompanyId, JsonObject, RunId};
use runner::host::KillCause;
use serde_json::json;
use store::WriteTx;

use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// A running run to be ended once the transaction that decided it is committed.
pub(crate) struct Kill {
    run: RunId,
    reason: String,
}

impl Engine {
    /// Ends a run that has not started, or notes that one at work is to end. The run stays `running` until its
    /// processes are gone: only then is its issue free.
    pub(crate) async fn cancel_run(&self, tx: &mut WriteTx, mut run: Run, why: &str) -> Answer<Option<Kill>> {
        if run.status.is_terminal() {
            return Ok(None);
        }
        if run.status == RunStatus::Running {
            // Whoever sees to the run after us, should the program end now, ends it and does not try it again.
            store::runs::request_cancel(tx, run.id, why).await.answer()?;
            store::runs::add_event(tx, &run, "lifecycle", "info", &format!("stopping: {why}"), None)
                .await
                .answer()?;
            return Ok(Some(Kill { run: run.id, reason: why.to_owned() }));
        }
        run.status = RunStatus::Cancelled;
        run.finished_at = Some(tx.at());
        run.updated_at = tx.at();
        run.error = Some(why.to_owned());
        run.error_code = Some("cancelled".to_owned());
        run.result_json = json!({ "stopReason": "cancelled" }).as_object().cloned();
        store::runs::save(tx, &run).await.answer()?;
        store::runs::add_event(
            tx,
            &run,
            "lifecycle",
            "info",
            &format!("cancelled before it started: {why}"),
            None,
        )
        .await
        .answer()?;
        self.end_wakes(tx, &run, WakeupStatus::Cancelled, Some(why)).await?;
        self.release_issue(tx, &run).await?;
        Ok(None)
    }

    /// Ends all of these runs.
    pub(crate) async fn cancel_runs(&self, tx: &mut WriteTx, runs: Vec<Run>, why: &str) -> Answer<Vec<Kill>> {
        let mut kills = Vec::new();
        for run in runs {
            // An earlier one of these may have promoted or ended it in the same transaction.
            if let Some(now) = store::runs::get(tx, run.id).await.answer()? {
                kills.extend(self.cancel_run(tx, now, why).await?);
            }
        }
        Ok(kills)
    }

    /// Ends an agent's runs and takes its waits away.
    pub(crate) async fn cancel_agent(
        &self,
        tx: &mut WriteTx,
        agent: AgentId,
        why: &str,
    ) -> Answer<Vec<Kill>> {
        for mut w in store::wakeups::deferred_of_agent(tx, agent).await.answer()? {
            w.status = WakeupStatus::Cancelled;
            w.error = Some(why.to_owned());
            w.finished_at = Some(tx.at());
            w.updated_at = tx.at();
            store::wakeups::save(tx, &w).await.answer()?;
        }
        let runs = store::runs::live_of_agent(tx, agent).await.answer()?;
        self.cancel_runs(tx, runs, why).await
    }

    /// Ends a company's runs.
    pub(crate) async fn cancel_company(
        &self,
        tx: &mut WriteTx,
        company: CompanyId,
        why: &str,
    ) -> Answer<Vec<Kill>> {
        let runs = store::runs::live(tx, Some(company)).await.answer()?;
        self.cancel_runs(tx, runs, why).await
    }

    /// Tells the hosts. A host that has not been started yet is told when it is.
    pub(crate) async fn kill_all(&self, kills: Vec<Kill>) {
        for kill in kills {
            let control = {
                let mut live = self.live_runs();
                let Some(run) = live.get_mut(&kill.run) else { continue };
                run.stop_reason.send_replace(Some(kill.reason.clone()));
                run.control.clone()
            };
            if let Some(control) = control
                && let Err(e) = control.kill(KillCause::Cancelled, Some(kill.reason), None).await
            {
                tracing::warn!(run = %kill.run, "its host could not be told to stop: {e}");
            }
        }
    }

    /// Ends the requests that a run stood for.
    pub(crate) async fn end_wakes(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        status: WakeupStatus,
        error: Option<&str>,
    ) -> Answer<()> {
        for mut w in store::wakeups::open_for_run(tx, run.id).await.answer()? {
            w.status = status;
            w.error = error.map(str::to_owned);
            w.finished_at = Some(tx.at());
            w.updated_at = tx.at();
            store::wakeups::save(tx, &w).await.answer()?;
        }
        Ok(())
    }

    /// Lets go of the issues that a run holds, and lets whoever waits for its issue take its turn.
    pub(crate) async fn release_issue(&self, tx: &mut WriteTx, run: &Run) -> Answer<()> {
        self.unlock_issues(tx, run).await?;
        match run.issue_id {
            Some(issue) => self.promote_deferred(tx, issue).await,
            None => Ok(()),
        }
    }

    pub(super) async fn unlock_issues(&self, tx: &mut WriteTx, run: &Run) -> Answer<()> {
        for mut issue in store::issues::held_by_run(tx, run.id).await.answer()? {
            if issue.execution_run_id == Some(run.id) {
                issue.execution_run_id = None;
                issue.execution_agent_name_key = None;
                issue.execution_locked_at = None;
            }
            if issue.checkout_run_id == Some(run.id) {
                issue.checkout_run_id = None;
            }
            store::issues::save(tx, &issue).await.answer()?;
        }
        Ok(())
    }

    /// Writes a step of a run into its events, in a transaction of its own.
    pub(crate) async fn run_event(
        &self,
        run: &Run,
        kind: &str,
        level: &'static str,
        message: &str,
        payload: Option<JsonObject>,
    ) {
        let written = async {
            let mut tx = self.store.write(self.now()).await?;
            store::runs::add_event(&mut tx, run, kind, level, message, payload).await?;
            tx.commit().await
        };
        if let Err(e) = written.await {
            tracing::warn!(run = %run.id, "an event could not be written: {e}");
        }
    }
}
