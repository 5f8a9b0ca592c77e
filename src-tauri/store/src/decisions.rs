//! What was decided at the stages of issues.

use contract::IssueId;
use contract::Timestamp;
use contract::execution::StageDecision;
use contract::issue::Issue;
use sqlx::SqliteConnection;

use crate::entity::{entity, insert, scalar, select};
use crate::{Result, WriteTx};

entity!(
    StageDecision,
    "issue_execution_decisions",
    id,
    [
        company_id,
        issue_id,
        stage_id,
        stage_type,
        actor_agent_id,
        actor_user_id,
        outcome,
        body,
        created_by_run_id,
        created_at,
        updated_at,
    ]
);

/// Oldest first.
pub async fn of_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<StageDecision>> {
    select("WHERE issue_id = ? ORDER BY created_at, rowid LIMIT 500").bind(&issue).all(conn).await
}

/// The issue that the decision is about is announced by its own change.
pub async fn create(tx: &mut WriteTx, d: &StageDecision) -> Result<()> {
    insert(tx, d).await
}

/// Issues to look at again, the longest overdue first.
pub async fn to_look_at(conn: &mut SqliteConnection, now: Timestamp, limit: i64) -> Result<Vec<Issue>> {
    select("WHERE monitor_next_check_at <= ? ORDER BY monitor_next_check_at LIMIT ?")
        .bind(&now)
        .bind(&limit)
        .all(conn)
        .await
}

/// When the next issue is to be looked at again.
pub async fn next_to_look_at(conn: &mut SqliteConnection) -> Result<Option<Timestamp>> {
    let q =
        sqlx::query("SELECT min(monitor_next_check_at) FROM issues WHERE monitor_next_check_at IS NOT NULL");
    Ok(scalar(conn, q).await?.flatten())
}
