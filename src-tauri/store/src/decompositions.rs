//! Accepted plans that become issues.

use contract::child::PlanDecomposition;
use contract::feed::ChangeOp;
use contract::{AgentId, IssueId, JsonObject, Kind, RevisionId};
use sqlx::SqliteConnection;

use crate::entity::{entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    PlanDecomposition,
    "issue_plan_decompositions",
    id,
    [
        company_id,
        source_issue_id,
        accepted_plan_revision_id,
        accepted_interaction_id,
        status,
        request_fingerprint,
        requested_child_count,
        requested_children,
        child_issue_ids,
        owner_agent_id,
        owner_user_id,
        owner_run_id,
        completed_at,
        created_at,
        updated_at,
    ]
);

/// What became of one revision of an issue's plan.
pub async fn of_revision(
    conn: &mut SqliteConnection,
    issue: IssueId,
    revision: RevisionId,
) -> Result<Option<PlanDecomposition>> {
    select("WHERE source_issue_id = ? AND accepted_plan_revision_id = ?")
        .bind(&issue)
        .bind(&revision)
        .one(conn)
        .await
}

/// Newest first.
pub async fn of_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<PlanDecomposition>> {
    select("WHERE source_issue_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 50")
        .bind(&issue)
        .all(conn)
        .await
}

/// Those that are not complete and that nobody is at: the run that began them is over.
pub async fn left_behind(conn: &mut SqliteConnection) -> Result<Vec<PlanDecomposition>> {
    select(
        "WHERE status = 'in_flight' AND NOT EXISTS (SELECT 1 FROM heartbeat_runs r \
           WHERE r.id = owner_run_id AND r.status = 'running') LIMIT 100",
    )
    .all(conn)
    .await
}

/// Whether an agent is in the middle of another issue's plan.
pub async fn agent_is_at_another(
    conn: &mut SqliteConnection,
    agent: AgentId,
    issue: IssueId,
) -> Result<bool> {
    let open: Option<PlanDecomposition> =
        select("WHERE status = 'in_flight' AND owner_agent_id = ? AND source_issue_id <> ? LIMIT 1")
            .bind(&agent)
            .bind(&issue)
            .one(conn)
            .await?;
    Ok(open.is_some())
}

pub async fn create(tx: &mut WriteTx, d: &PlanDecomposition) -> Result<()> {
    insert(tx, d).await?;
    announce(tx, d, ChangeOp::Created);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, d: &PlanDecomposition) -> Result<()> {
    update(tx, d).await?;
    announce(tx, d, ChangeOp::Updated);
    Ok(())
}

fn announce(tx: &mut WriteTx, d: &PlanDecomposition, op: ChangeOp) {
    let mut p = JsonObject::new();
    p.insert("issueId".into(), d.source_issue_id.to_string().into());
    p.insert("status".into(), d.status.as_str().into());
    tx.record_with(d.company_id, Kind::Decomposition, op, d.id, p);
}
