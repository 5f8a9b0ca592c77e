//! Runs whose output cannot be kept whole: what is not kept is not metered.

use contract::RunId;
use contract::run::Run;
use serde_json::json;

use super::Scopes;
use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// The key in a run's result that says why what it cost is not fully known.
pub(crate) const UNACCOUNTED: &str = "unaccounted";

impl Engine {
    /// Some of a run's output is lost from here on. Where a budget covers it, it is stopped: its limit could be passed
    /// without anybody noticing.
    pub(crate) async fn stop_unmetered(&self, id: RunId, why: &str) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let Some(run) = store::runs::get(&mut tx, id).await.answer()?.filter(|r| !r.status.is_terminal())
        else {
            return Ok(());
        };
        let told = format!("some of its output is lost: {why}");
        store::runs::add_event(&mut tx, &run, "log.truncated", "warn", &told, None).await.answer()?;
        let scopes = Scopes::of(&run, self.project_of(&mut tx, &run).await?);
        let limits = store::budgets::in_force(&mut tx).await.answer()?;
        let covered =
            scopes.all().any(|(kind, id)| limits.iter().any(|p| (p.scope_type, p.scope_id) == (kind, id)));
        let mut kills = Vec::new();
        if covered && self.spends(&mut tx, &run).await? {
            let why = format!("A budget covers it, and what it costs cannot be seen any more: {why}");
            kills.extend(self.cancel_run(&mut tx, run, &why).await?);
        }
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(())
    }

    /// Whether a run of this agent pays somebody.
    async fn spends(&self, conn: &mut store::SqliteConnection, run: &Run) -> Answer<bool> {
        let agent = store::agents::get(conn, run.agent_id).await.answer()?;
        Ok(agent.is_some_and(|a| crate::recovery::account_of(&a).is_some()))
    }
}

/// Notes that what a run cost is not fully known, and why.
pub(crate) fn flag(run: &mut Run, why: &str) {
    run.result_json.get_or_insert_default().insert(UNACCOUNTED.to_owned(), json!(why));
}
