//! Issues: rows, locks and read marks.

mod list;

use std::collections::HashMap;

use contract::feed::ChangeOp;
use contract::issue::{Issue, IssueReadState};
use contract::{AgentId, CompanyId, IssueId, IssueRef, Kind, RunId};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::entity::{Column, entity, insert, scalar, select, update};
use crate::relations::json_list;
use crate::{Result, WriteTx};

pub use list::{count, list, needs_text_search, waiting_count};

entity!(
    Issue,
    "issues",
    id,
    [
        company_id,
        project_id,
        project_workspace_id,
        goal_id,
        parent_id,
        title,
        description,
        status,
        work_mode,
        priority,
        assignee_agent_id,
        assignee_user_id,
        checkout_run_id,
        execution_run_id,
        execution_agent_name_key,
        execution_locked_at,
        created_by_agent_id,
        created_by_user_id,
        issue_number,
        identifier,
        origin_kind,
        origin_id,
        origin_run_id,
        origin_fingerprint,
        request_depth,
        billing_code,
        assignee_adapter_overrides,
        execution_policy,
        execution_state,
        monitor_next_check_at,
        monitor_last_triggered_at,
        monitor_attempt_count,
        monitor_notes,
        monitor_scheduled_by,
        execution_workspace_id,
        execution_workspace_preference,
        execution_workspace_settings,
        started_at,
        completed_at,
        cancelled_at,
        hidden_at,
        created_at,
        updated_at,
    ]
);

pub async fn get(conn: &mut SqliteConnection, id: IssueId) -> Result<Option<Issue>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// These issues, those that are there.
pub async fn many(conn: &mut SqliteConnection, ids: &[IssueId]) -> Result<Vec<Issue>> {
    select("WHERE id IN (SELECT value FROM json_each(?))").text(&json_list(ids)).all(conn).await
}

pub async fn find(conn: &mut SqliteConnection, r: &IssueRef) -> Result<Option<Issue>> {
    match r {
        IssueRef::Id(id) => get(conn, *id).await,
        IssueRef::Identifier(s) => select("WHERE identifier = ?").text(s).one(conn).await,
    }
}

/// The issues that these identifiers name, of one company.
pub async fn by_identifiers(
    conn: &mut SqliteConnection,
    company: CompanyId,
    identifiers: &[String],
) -> Result<Vec<(String, IssueId)>> {
    if identifiers.is_empty() {
        return Ok(Vec::new());
    }
    let mut q = QueryBuilder::<Sqlite>::new("SELECT identifier, id FROM issues WHERE company_id = ");
    q.push_bind(company.to_string()).push(" AND identifier IN (");
    let mut list = q.separated(", ");
    for s in identifiers {
        list.push_bind(s.clone());
    }
    q.push(")");
    q.build().fetch_all(conn).await?.iter().map(|r| Ok((Column::read(r, 0)?, Column::read(r, 1)?))).collect()
}

/// Open assignments of an agent: what it is at first, then by urgency.
pub async fn assigned_open(
    conn: &mut SqliteConnection,
    company: CompanyId,
    agent: AgentId,
) -> Result<Vec<Issue>> {
    select(
        "WHERE company_id = ? AND assignee_agent_id = ? AND status IN ('todo', 'in_progress', 'in_review', 'blocked') \
         AND hidden_at IS NULL \
         ORDER BY CASE status WHEN 'in_progress' THEN 0 WHEN 'in_review' THEN 1 WHEN 'todo' THEN 2 ELSE 3 END, \
                  priority_rank, created_at LIMIT 200",
    )
    .bind(&company)
    .bind(&agent)
    .all(conn)
    .await
}

/// Issues that a run holds by either lock.
pub async fn held_by_run(conn: &mut SqliteConnection, run: RunId) -> Result<Vec<Issue>> {
    select(
        "WHERE id IN (SELECT id FROM issues WHERE execution_run_id = ?1 \
         UNION SELECT id FROM issues WHERE checkout_run_id = ?1)",
    )
    .bind(&run)
    .all(conn)
    .await
}

/// Locks that point at runs which are over, with the run's state.
pub async fn dangling_locks(conn: &mut SqliteConnection) -> Result<Vec<Issue>> {
    select(
        "WHERE execution_run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM heartbeat_runs r \
         WHERE r.id = issues.execution_run_id AND r.status IN ('queued', 'scheduled_retry', 'running'))",
    )
    .all(conn)
    .await
}

/// Whether `ancestor` stands above `issue`, or is it.
pub async fn is_within(conn: &mut SqliteConnection, issue: IssueId, ancestor: IssueId) -> Result<bool> {
    let mut at = Some(issue);
    let mut seen: Vec<IssueId> = Vec::new();
    while let Some(id) = at
        && !seen.contains(&id)
    {
        if id == ancestor {
            return Ok(true);
        }
        seen.push(id);
        let q = id.bind(sqlx::query("SELECT parent_id FROM issues WHERE id = ?"));
        at = scalar::<Option<IssueId>>(&mut *conn, q).await?.flatten();
    }
    Ok(false)
}

pub async fn create(tx: &mut WriteTx, i: &Issue) -> Result<()> {
    insert(tx, i).await?;
    tx.record(i.company_id, Kind::Issue, ChangeOp::Created, i.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, i: &Issue) -> Result<()> {
    update(tx, i).await?;
    tx.record(i.company_id, Kind::Issue, ChangeOp::Updated, i.id);
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, i: &Issue) -> Result<()> {
    i.id.bind(sqlx::query("DELETE FROM issues WHERE id = ?")).execute(&mut **tx).await?;
    tx.record(i.company_id, Kind::Issue, ChangeOp::Deleted, i.id);
    Ok(())
}

/// Moves the issue's time of change, so that lists bring it up.
pub async fn touch(tx: &mut WriteTx, i: &Issue) -> Result<()> {
    let at = tx.at();
    i.id.bind(at.bind(sqlx::query("UPDATE issues SET updated_at = ? WHERE id = ?")))
        .execute(&mut **tx)
        .await?;
    tx.record(i.company_id, Kind::Issue, ChangeOp::Updated, i.id);
    Ok(())
}

pub async fn mark_read(tx: &mut WriteTx, i: &Issue, user: &str, id: String) -> Result<IssueReadState> {
    note_read(tx, i, user, id).await?;
    tx.record(i.company_id, Kind::ReadState, ChangeOp::Updated, i.id);
    Ok(IssueReadState { id: i.id, last_read_at: Some(tx.at()) })
}

/// The same along with a change of the issue, which is announced by itself.
pub async fn note_read(tx: &mut WriteTx, i: &Issue, user: &str, id: String) -> Result<()> {
    let at = tx.at();
    let q = sqlx::query(
        "INSERT INTO issue_read_states (id, company_id, issue_id, user_id, last_read_at, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5) \
         ON CONFLICT (issue_id, user_id) DO UPDATE SET last_read_at = ?5, updated_at = ?5",
    )
    .bind(id);
    let q = i.id.bind(i.company_id.bind(q)).bind(user.to_owned());
    at.bind(q).execute(&mut **tx).await?;
    Ok(())
}

pub async fn mark_unread(tx: &mut WriteTx, i: &Issue, user: &str) -> Result<IssueReadState> {
    let q = sqlx::query("DELETE FROM issue_read_states WHERE issue_id = ? AND user_id = ?");
    i.id.bind(q).bind(user.to_owned()).execute(&mut **tx).await?;
    tx.record(i.company_id, Kind::ReadState, ChangeOp::Deleted, i.id);
    Ok(IssueReadState { id: i.id, last_read_at: None })
}

/// Open issues of a company by status.
pub async fn status_counts(conn: &mut SqliteConnection, company: CompanyId) -> Result<HashMap<String, i64>> {
    let q = company.bind(sqlx::query(
        "SELECT status, count(*) FROM issues WHERE company_id = ? AND hidden_at IS NULL GROUP BY status",
    ));
    q.fetch_all(conn).await?.iter().map(|r| Ok((Column::read(r, 0)?, Column::read(r, 1)?))).collect()
}
