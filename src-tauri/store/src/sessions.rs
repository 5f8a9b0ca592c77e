//! Sessions that agents resume, and what agents have used.

use contract::agent::{AgentRuntimeState, AgentTaskSession};
use contract::feed::ChangeOp;
use contract::{AgentId, Kind};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    AgentRuntimeState,
    "agent_runtime_state",
    agent_id,
    [
        company_id,
        adapter_type,
        session_id,
        state_json,
        last_run_id,
        last_run_status,
        total_input_tokens,
        total_output_tokens,
        total_cached_input_tokens,
        total_cost_cents,
        last_error,
        created_at,
        updated_at,
    ]
);

entity!(
    AgentTaskSession,
    "agent_task_sessions",
    id,
    [
        company_id,
        agent_id,
        adapter_type,
        task_key,
        session_params_json,
        session_display_id,
        last_run_id,
        last_error,
        created_at,
        updated_at,
    ]
);

pub async fn runtime(conn: &mut SqliteConnection, agent: AgentId) -> Result<Option<AgentRuntimeState>> {
    select("WHERE agent_id = ?").bind(&agent).one(conn).await
}

pub async fn save_runtime(tx: &mut WriteTx, s: &AgentRuntimeState) -> Result<()> {
    if !update(tx, s).await? {
        insert(tx, s).await?;
    }
    tx.record(s.company_id, Kind::AgentSession, ChangeOp::Updated, s.agent_id);
    Ok(())
}

pub async fn list(conn: &mut SqliteConnection, agent: AgentId) -> Result<Vec<AgentTaskSession>> {
    select("WHERE agent_id = ? ORDER BY updated_at DESC LIMIT 200").bind(&agent).all(conn).await
}

pub async fn get(
    conn: &mut SqliteConnection,
    agent: AgentId,
    adapter: &str,
    task_key: &str,
) -> Result<Option<AgentTaskSession>> {
    select("WHERE agent_id = ? AND adapter_type = ? AND task_key = ?")
        .bind(&agent)
        .text(adapter)
        .text(task_key)
        .one(conn)
        .await
}

pub async fn save(tx: &mut WriteTx, s: &AgentTaskSession) -> Result<()> {
    if !update(tx, s).await? {
        insert(tx, s).await?;
    }
    tx.record(s.company_id, Kind::AgentSession, ChangeOp::Updated, s.id);
    Ok(())
}

/// Forgets one task's session or all of an agent's. Answers how many.
pub async fn forget(tx: &mut WriteTx, agent: AgentId, task_key: Option<&str>) -> Result<u64> {
    let q =
        sqlx::query("DELETE FROM agent_task_sessions WHERE agent_id = ?1 AND (?2 IS NULL OR task_key = ?2)");
    let q = agent.bind(q).bind(task_key.map(str::to_owned));
    Ok(q.execute(&mut **tx).await?.rows_affected())
}
