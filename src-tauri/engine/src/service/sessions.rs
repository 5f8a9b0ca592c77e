//! What agents have used, and the sessions they resume.

use std::sync::Arc;

use contract::agent::*;
use contract::operations::*;
use contract::{Cents, JsonObject, Timestamp};
use serde_json::json;
use store::SqliteConnection;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

/// The agent's account, empty when it has never run.
pub(crate) async fn runtime_of(
    conn: &mut SqliteConnection,
    a: &Agent,
    now: Timestamp,
) -> Answer<AgentRuntimeState> {
    Ok(store::sessions::runtime(conn, a.id).await.answer()?.unwrap_or_else(|| AgentRuntimeState {
        agent_id: a.id,
        company_id: a.company_id,
        adapter_type: a.adapter_type.clone(),
        session_id: None,
        state_json: JsonObject::new(),
        last_run_id: None,
        last_run_status: None,
        total_input_tokens: 0,
        total_output_tokens: 0,
        total_cached_input_tokens: 0,
        total_cost_cents: Cents::ZERO,
        last_error: None,
        created_at: now,
        updated_at: now,
    }))
}

impl Handle<GetRuntimeState> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<AgentRuntimeState> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, q.company_id).await?;
        runtime_of(&mut conn, &agent, self.now()).await
    }
}

impl Handle<ListTaskSessions> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<Vec<AgentTaskSession>> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, q.company_id).await?;
        store::sessions::list(&mut conn, agent.id).await.answer()
    }
}

impl Handle<ResetAgentSession> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ResetSession) -> Answer<AgentRuntimeState> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let agent = self.agent(&mut tx, caller, &q.id, None).await?;
        let forgotten = store::sessions::forget(&mut tx, agent.id, q.task_key.as_deref()).await.answer()?;
        let at = tx.at();
        let mut state = runtime_of(&mut tx, &agent, at).await?;
        if q.task_key.is_none() {
            state.session_id = None;
        }
        state.updated_at = at;
        store::sessions::save_runtime(&mut tx, &state).await.answer()?;
        let details = json!({ "taskKey": q.task_key, "forgotten": forgotten });
        self.log_agent(&mut tx, caller, &agent, "agent.session_reset", details).await?;
        tx.commit().await.answer()?;
        Ok(state)
    }
}
