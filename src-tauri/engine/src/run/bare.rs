//! The least of an end, for a run whose whole end cannot be written.

use contract::RunId;
use contract::run::RunStatus;
use serde_json::json;

use super::finish::{stopped, wake_status};
use super::patience::{Patience, Waited};
use crate::Engine;
use crate::error::{Answer, OrAnswer};

impl Engine {
    /// Writes the least of an end. `false`: the program stops first, and the next start finds the run.
    pub(super) async fn end_in_any_case(&self, id: RunId, why: &str) -> bool {
        let mut patience = Patience::default();
        while let Err(e) = self.end_barely(id, "end_not_written", why).await {
            tracing::error!(run = %id, "not even that it ended could be written: {e}");
            match patience.wait(self, &e).await {
                Waited::Again => {}
                Waited::Stopping => return false,
                Waited::InVain => break,
            }
        }
        true
    }

    /// The least that an end must be, where more cannot be written: the run over, its wakes too, its issues free.
    pub(super) async fn end_barely(&self, id: RunId, code: &str, why: &str) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let run = store::runs::get(&mut tx, id).await.answer()?;
        let Some(mut run) = run.filter(|r| !r.status.is_terminal()) else { return Ok(()) };
        let was_running = run.status == RunStatus::Running;
        run.status = RunStatus::Failed;
        run.finished_at = Some(tx.at());
        run.updated_at = tx.at();
        run.error = Some(why.to_owned());
        run.error_code = Some(code.to_owned());
        run.result_json = json!({ "stopReason": code }).as_object().cloned();
        if let Some(why) = store::runs::cancel_reason(&mut tx, id).await.answer()? {
            stopped(&mut run, why);
        }
        store::runs::save(&mut tx, &run).await.answer()?;
        let message = format!("run {}: {why}", run.status);
        store::runs::add_event(&mut tx, &run, "lifecycle", "error", &message, None).await.answer()?;
        self.end_wakes(&mut tx, &run, wake_status(run.status), run.error.as_deref()).await?;
        self.unlock_issues(&mut tx, &run).await?;
        if was_running && let Some(agent) = store::agents::get(&mut tx, run.agent_id).await.answer()? {
            let others = store::runs::live_of_agent(&mut tx, agent.id).await.answer()?;
            let others = others.iter().any(|r| r.status == RunStatus::Running);
            let status = domain::agent::status_after_run(agent.status, run.status, others);
            store::agents::set_status(&mut tx, &agent, status, None).await.answer()?;
        }
        tx.commit().await.answer()?;
        // On its own: that nobody else can take their turn is no reason for this run not to end.
        if let Some(issue) = run.issue_id {
            let mut tx = self.store.write(self.now()).await.answer()?;
            match self.promote_deferred(&mut tx, issue).await {
                Ok(()) => tx.commit().await.answer()?,
                Err(e) => {
                    tracing::error!(run = %id, "who waits for its issue could not take their turn: {e}")
                }
            }
        }
        Ok(())
    }
}
