//! Wakeup requests.

use contract::feed::ChangeOp;
use contract::wake::{ListWakeups, WakeupRequest};
use contract::{AgentId, IssueId, Kind, RunId, Timestamp, WakeupId};
use sqlx::SqliteConnection;

use crate::entity::{entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    WakeupRequest,
    "agent_wakeup_requests",
    id,
    [
        company_id,
        agent_id,
        source,
        trigger_detail,
        reason,
        payload,
        status,
        coalesced_count,
        requested_by_actor_type,
        requested_by_actor_id,
        idempotency_key,
        run_id,
        issue_id,
        requested_at,
        claimed_at,
        finished_at,
        error,
        created_at,
        updated_at,
    ]
);

pub async fn get(conn: &mut SqliteConnection, id: WakeupId) -> Result<Option<WakeupRequest>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

pub async fn by_idempotency_key(
    conn: &mut SqliteConnection,
    agent: AgentId,
    key: &str,
) -> Result<Option<WakeupRequest>> {
    select("WHERE agent_id = ? AND idempotency_key = ?").bind(&agent).text(key).one(conn).await
}

/// The wait of one agent for one issue.
pub async fn deferred(
    conn: &mut SqliteConnection,
    agent: AgentId,
    issue: IssueId,
) -> Result<Option<WakeupRequest>> {
    select("WHERE agent_id = ? AND issue_id = ? AND status = 'deferred_issue_execution'")
        .bind(&agent)
        .bind(&issue)
        .one(conn)
        .await
}

/// Who waits for an issue, longest first.
pub async fn deferred_for_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<WakeupRequest>> {
    select("WHERE issue_id = ? AND status = 'deferred_issue_execution' ORDER BY requested_at, rowid")
        .bind(&issue)
        .all(conn)
        .await
}

/// Requests that a run stands for and that are not over.
pub async fn open_for_run(conn: &mut SqliteConnection, run: RunId) -> Result<Vec<WakeupRequest>> {
    select("WHERE run_id = ? AND status IN ('queued', 'claimed')").bind(&run).all(conn).await
}

/// Deferred requests of an agent.
pub async fn deferred_of_agent(conn: &mut SqliteConnection, agent: AgentId) -> Result<Vec<WakeupRequest>> {
    select("WHERE agent_id = ? AND status = 'deferred_issue_execution'").bind(&agent).all(conn).await
}

/// Wakes of an agent since then that brought words of somebody and found it, its company or everything paused.
/// Oldest first.
pub async fn missed_words(
    conn: &mut SqliteConnection,
    agent: AgentId,
    since: Timestamp,
) -> Result<Vec<WakeupRequest>> {
    select(
        "WHERE agent_id = ? AND requested_at >= ? AND status = 'skipped' \
         AND reason IN ('instance.paused', 'agent_not_invokable', 'company.not_active') AND issue_id IS NOT NULL \
         AND (json_extract(payload, '$.commentId') IS NOT NULL \
           OR json_extract(payload, '$.annotationCommentId') IS NOT NULL \
           OR json_extract(payload, '$.interactionId') IS NOT NULL) ORDER BY requested_at, rowid LIMIT 200",
    )
    .bind(&agent)
    .bind(&since)
    .all(conn)
    .await
}

/// The newest words about an issue that were not heard because its tree was paused, since a run of it last began.
pub async fn missed_in_tree(conn: &mut SqliteConnection, issue: IssueId) -> Result<Option<WakeupRequest>> {
    select(
        "WHERE issue_id = ?1 AND status = 'skipped' AND reason = 'issue_tree_hold_active' \
         AND (json_extract(payload, '$.commentId') IS NOT NULL \
           OR json_extract(payload, '$.annotationCommentId') IS NOT NULL \
           OR json_extract(payload, '$.interactionId') IS NOT NULL) \
         AND requested_at >= coalesce((SELECT max(started_at) FROM heartbeat_runs WHERE issue_id = ?1), 0) \
         ORDER BY requested_at DESC, rowid DESC LIMIT 1",
    )
    .bind(&issue)
    .one(conn)
    .await
}

/// The latest of an agent.
pub async fn latest_of_agent(conn: &mut SqliteConnection, agent: AgentId) -> Result<Option<WakeupRequest>> {
    select("WHERE agent_id = ? ORDER BY requested_at DESC, rowid DESC LIMIT 1").bind(&agent).one(conn).await
}

/// Newest first.
pub async fn list(conn: &mut SqliteConnection, q: &ListWakeups, limit: u32) -> Result<Vec<WakeupRequest>> {
    let limit = i64::from(limit);
    let q = match (q.issue_id, q.agent_id) {
        (Some(issue), agent) => select(
            "WHERE company_id = ?1 AND issue_id = ?2 AND (?3 IS NULL OR agent_id = ?3) \
             ORDER BY requested_at DESC, rowid DESC LIMIT ?4",
        )
        .bind(&q.company_id)
        .bind(&issue)
        .bind(&agent)
        .bind(&limit),
        (None, Some(agent)) => {
            select("WHERE company_id = ?1 AND agent_id = ?2 ORDER BY requested_at DESC, rowid DESC LIMIT ?3")
                .bind(&q.company_id)
                .bind(&agent)
                .bind(&limit)
        }
        (None, None) => select("WHERE company_id = ?1 ORDER BY requested_at DESC, rowid DESC LIMIT ?2")
            .bind(&q.company_id)
            .bind(&limit),
    };
    q.all(conn).await
}

pub async fn create(tx: &mut WriteTx, w: &WakeupRequest) -> Result<()> {
    insert(tx, w).await?;
    tx.record(w.company_id, Kind::Wakeup, ChangeOp::Created, w.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, w: &WakeupRequest) -> Result<()> {
    update(tx, w).await?;
    tx.record(w.company_id, Kind::Wakeup, ChangeOp::Updated, w.id);
    Ok(())
}
