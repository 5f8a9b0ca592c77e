//! Where issues are worked on.

use contract::feed::ChangeOp;
use contract::workspace::{ExecutionWorkspace, ListExecutionWorkspaces, WorkspaceMode};
use contract::{ExecutionWorkspaceId, IssueId, Kind, RunId};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, scalar, select, update};
use crate::relations::json_list;
use crate::{Result, WriteTx};

entity!(
    ExecutionWorkspace,
    "execution_workspaces",
    id,
    [
        company_id,
        project_id,
        project_workspace_id,
        source_issue_id,
        mode,
        strategy_type,
        name,
        status,
        cwd,
        repo_url,
        base_ref,
        branch_name,
        provider_type,
        provider_ref,
        derived_from_execution_workspace_id,
        last_used_at,
        opened_at,
        closed_at,
        cleanup_eligible_at,
        cleanup_reason,
        config,
        metadata,
        owner_agent_id,
        repo_root,
        base_commit,
        created_at,
        updated_at,
    ]
);

pub async fn get(
    conn: &mut SqliteConnection,
    id: ExecutionWorkspaceId,
) -> Result<Option<ExecutionWorkspace>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// Last used first, at most 500.
pub async fn list(
    conn: &mut SqliteConnection,
    q: &ListExecutionWorkspaces,
) -> Result<Vec<ExecutionWorkspace>> {
    select(
        "WHERE company_id = ?1 AND (?2 IS NULL OR project_id = ?2) \
         AND (?3 IS NULL OR project_workspace_id = ?3) \
         AND (?4 IS NULL OR source_issue_id = ?4 \
           OR id = (SELECT execution_workspace_id FROM issues WHERE issues.id = ?4)) \
         AND (?5 = '[]' OR status IN (SELECT value FROM json_each(?5))) \
         AND (?6 = 0 OR closed_at IS NULL) \
         ORDER BY last_used_at DESC, id LIMIT 500",
    )
    .bind(&q.company_id)
    .bind(&q.project_id)
    .bind(&q.project_workspace_id)
    .bind(&q.issue_id)
    .text(&json_list(&q.status))
    .bind(&q.reuse_eligible)
    .all(conn)
    .await
}

/// The open workspace that was made for an issue in this mode.
pub async fn open_of(
    conn: &mut SqliteConnection,
    issue: IssueId,
    mode: WorkspaceMode,
) -> Result<Option<ExecutionWorkspace>> {
    select("WHERE source_issue_id = ? AND mode = ? AND closed_at IS NULL")
        .bind(&issue)
        .bind(&mode)
        .one(conn)
        .await
}

/// The one that was opened for an issue last, open or not.
pub async fn last_of(conn: &mut SqliteConnection, issue: IssueId) -> Result<Option<ExecutionWorkspace>> {
    select("WHERE source_issue_id = ? ORDER BY closed_at IS NULL DESC, opened_at DESC, rowid DESC LIMIT 1")
        .bind(&issue)
        .one(conn)
        .await
}

/// All that are open, of every company.
pub async fn open(conn: &mut SqliteConnection) -> Result<Vec<ExecutionWorkspace>> {
    select("WHERE closed_at IS NULL ORDER BY opened_at, id").all(conn).await
}

/// Whether another open workspace is at this folder.
pub async fn is_taken(conn: &mut SqliteConnection, cwd: &str, by: ExecutionWorkspaceId) -> Result<bool> {
    let q = sqlx::query(
        "SELECT 1 FROM execution_workspaces WHERE cwd = ? AND closed_at IS NULL \
         AND strategy_type = 'git_worktree' AND id <> ?",
    );
    Ok(scalar::<i64>(conn, by.bind(q.bind(cwd.to_owned()))).await?.is_some())
}

/// The issues that are worked on in it.
pub async fn issues_in(conn: &mut SqliteConnection, id: ExecutionWorkspaceId) -> Result<Vec<IssueId>> {
    let q = sqlx::query("SELECT id FROM issues WHERE execution_workspace_id = ? ORDER BY seq LIMIT 200");
    id.bind(q).fetch_all(conn).await?.iter().map(|r| Column::read(r, 0)).collect()
}

/// Whether a running run `$run` works in the workspace `$workspace`: it entered it, or is about to.
macro_rules! works_in {
    ($run:literal, $workspace:literal) => {
        concat!(
            "(EXISTS (SELECT 1 FROM workspace_operations p WHERE p.heartbeat_run_id = ",
            $run,
            ".id AND p.execution_workspace_id = ",
            $workspace,
            ") OR (NOT EXISTS (SELECT 1 FROM workspace_operations p WHERE p.heartbeat_run_id = ",
            $run,
            ".id) AND ",
            $workspace,
            " IN (SELECT x.execution_workspace_id FROM issues x WHERE x.id = ",
            $run,
            ".issue_id UNION ALL SELECT s.id FROM execution_workspaces s WHERE s.source_issue_id = ",
            $run,
            ".issue_id)))"
        )
    };
}

/// From a run of an issue to another issue's run that is at work in the same worktree.
macro_rules! in_the_way {
    ($select:literal, $end:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM heartbeat_runs q CROSS JOIN issues i ON i.id = q.issue_id \
             CROSS JOIN execution_workspaces w ON w.id IN (i.execution_workspace_id, (SELECT own.id \
                 FROM execution_workspaces own WHERE own.source_issue_id = i.id AND own.closed_at IS NULL \
                   AND own.mode = 'isolated_workspace')) \
               AND w.closed_at IS NULL AND w.strategy_type = 'git_worktree' \
             CROSS JOIN heartbeat_runs r ON r.status = 'running' \
               AND r.status IN ('queued', 'scheduled_retry', 'running') AND r.issue_id <> i.id AND ",
            works_in!("r", "w.id"),
            " CROSS JOIN issues o ON o.id = r.issue_id ",
            $end
        )
    };
}

/// The issue whose run works in the worktree that a queued run would work in.
pub async fn in_the_way(conn: &mut SqliteConnection, run: RunId) -> Result<Option<String>> {
    let q = sqlx::query(in_the_way!("coalesce(o.identifier, o.title)", "WHERE q.id = ? LIMIT 1"));
    scalar(conn, run.bind(q)).await
}

/// The queued runs that something is in the way of.
pub async fn kept_out(conn: &mut SqliteConnection) -> Result<Vec<RunId>> {
    let q = sqlx::query(in_the_way!(
        "DISTINCT q.id",
        "WHERE q.status = 'queued' AND q.status IN ('queued', 'scheduled_retry', 'running')"
    ));
    q.fetch_all(conn).await?.iter().map(|r| Column::read(r, 0)).collect()
}

/// The runs that are at work in it, or about to be.
pub async fn runs_in(conn: &mut SqliteConnection, id: ExecutionWorkspaceId) -> Result<Vec<RunId>> {
    let q = sqlx::query(concat!(
        "SELECT r.id FROM heartbeat_runs r JOIN issues i ON i.id = r.issue_id \
         WHERE r.status = 'running' AND r.status IN ('queued', 'scheduled_retry', 'running') \
         AND (i.execution_workspace_id = ?1 \
           OR i.id = (SELECT source_issue_id FROM execution_workspaces WHERE id = ?1) OR ",
        works_in!("r", "?1"),
        ")"
    ));
    id.bind(q).fetch_all(conn).await?.iter().map(|r| Column::read(r, 0)).collect()
}

pub async fn create(tx: &mut WriteTx, w: &ExecutionWorkspace) -> Result<()> {
    insert(tx, w).await?;
    tx.record(w.company_id, Kind::Workspace, ChangeOp::Created, w.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, w: &ExecutionWorkspace) -> Result<()> {
    update(tx, w).await?;
    tx.record(w.company_id, Kind::Workspace, ChangeOp::Updated, w.id);
    Ok(())
}
