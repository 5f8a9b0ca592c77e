//! Recovery actions, and the open work that nothing moves.

use contract::feed::ChangeOp;
use contract::recovery::RecoveryAction;
use contract::{CompanyId, IssueId, JsonObject, Kind};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    RecoveryAction,
    "issue_recovery_actions",
    id,
    [
        company_id,
        source_issue_id,
        recovery_issue_id,
        kind,
        status,
        owner_type,
        owner_agent_id,
        owner_user_id,
        previous_owner_agent_id,
        return_owner_agent_id,
        cause,
        fingerprint,
        evidence,
        next_action,
        wake_policy,
        monitor_policy,
        attempt_count,
        max_attempts,
        timeout_at,
        last_attempt_at,
        outcome,
        resolution_note,
        resolved_at,
        created_at,
        updated_at,
    ]
);

/// The recovery of an issue that is not over. There is never more than one.
pub async fn open_of(conn: &mut SqliteConnection, issue: IssueId) -> Result<Option<RecoveryAction>> {
    select("WHERE source_issue_id = ? AND status IN ('active', 'escalated')").bind(&issue).one(conn).await
}

/// All of an issue, newest first.
pub async fn of_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<RecoveryAction>> {
    select("WHERE source_issue_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 50")
        .bind(&issue)
        .all(conn)
        .await
}

/// Those of a company that are not over, newest first.
pub async fn open_in(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<RecoveryAction>> {
    select("WHERE company_id = ? AND status IN ('active', 'escalated') ORDER BY created_at DESC LIMIT 200")
        .bind(&company)
        .all(conn)
        .await
}

pub async fn create(tx: &mut WriteTx, a: &RecoveryAction) -> Result<()> {
    insert(tx, a).await?;
    announce(tx, a, ChangeOp::Created);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, a: &RecoveryAction) -> Result<()> {
    update(tx, a).await?;
    announce(tx, a, ChangeOp::Updated);
    Ok(())
}

fn announce(tx: &mut WriteTx, a: &RecoveryAction, op: ChangeOp) {
    let mut p = JsonObject::new();
    p.insert("issueId".into(), a.source_issue_id.to_string().into());
    p.insert("status".into(), a.status.as_str().into());
    p.insert("ownerType".into(), a.owner_type.as_str().into());
    tx.record_with(a.company_id, Kind::Recovery, op, a.id, p);
}

/// Open issues of agents who can work, on which no run is under way or waited for and no recovery is open.
pub async fn at_a_standstill(conn: &mut SqliteConnection, limit: i64) -> Result<Vec<IssueId>> {
    let rows = sqlx::query(
        "WITH RECURSIVE held (id) AS ( \
           SELECT root_issue_id FROM issue_tree_holds WHERE mode = 'pause' AND status = 'active' \
           UNION SELECT i.id FROM held h JOIN issues i ON i.parent_id = h.id) \
         SELECT i.id FROM issues i JOIN agents a ON a.id = i.assignee_agent_id \
         JOIN companies c ON c.id = i.company_id AND c.status = 'active' \
         WHERE i.status IN ('todo', 'in_progress') AND i.assignee_agent_id IS NOT NULL AND i.hidden_at IS NULL \
           AND a.status NOT IN ('paused', 'terminated', 'pending_approval') \
           AND NOT EXISTS (SELECT 1 FROM heartbeat_runs r WHERE r.issue_id = i.id \
             AND r.status IN ('queued', 'scheduled_retry', 'running')) \
           AND NOT EXISTS (SELECT 1 FROM agent_wakeup_requests w WHERE w.issue_id = i.id \
             AND w.agent_id = a.id AND w.status = 'deferred_issue_execution') \
           AND NOT EXISTS (SELECT 1 FROM issue_recovery_actions x WHERE x.source_issue_id = i.id \
             AND x.status IN ('active', 'escalated')) \
           AND i.id NOT IN (SELECT id FROM held) \
           AND NOT EXISTS (SELECT 1 FROM projects p WHERE p.id = i.project_id AND p.pause_reason = 'budget') \
         LIMIT ?",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|r| Column::read(r, 0)).collect()
}
