//! The ledger of what was done with workspaces.

use contract::feed::ChangeOp;
use contract::workspace::WorkspaceOperation;
use contract::{ExecutionWorkspaceId, Kind, RunId, WorkspaceOperationId};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, scalar, select, update};
use crate::{Result, WriteTx};

entity!(
    WorkspaceOperation,
    "workspace_operations",
    id,
    [
        company_id,
        execution_workspace_id,
        heartbeat_run_id,
        phase,
        command,
        cwd,
        status,
        exit_code,
        log_store,
        log_ref,
        log_bytes,
        log_sha256,
        log_compressed,
        stdout_excerpt,
        stderr_excerpt,
        metadata,
        started_at,
        finished_at,
        created_at,
        updated_at,
    ]
);

/// Newest first.
pub async fn of_workspace(
    conn: &mut SqliteConnection,
    workspace: ExecutionWorkspaceId,
    limit: u32,
) -> Result<Vec<WorkspaceOperation>> {
    select("WHERE execution_workspace_id = ? ORDER BY seq DESC LIMIT ?")
        .bind(&workspace)
        .bind(&i64::from(limit))
        .all(conn)
        .await
}

/// Oldest first.
pub async fn of_run(conn: &mut SqliteConnection, run: RunId) -> Result<Vec<WorkspaceOperation>> {
    select("WHERE heartbeat_run_id = ? ORDER BY seq LIMIT 500").bind(&run).all(conn).await
}

pub async fn get(
    conn: &mut SqliteConnection,
    id: WorkspaceOperationId,
) -> Result<Option<WorkspaceOperation>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// Those that the program was in the middle of when it ended.
pub async fn unfinished(conn: &mut SqliteConnection) -> Result<Vec<WorkspaceOperation>> {
    select("WHERE status = 'running' ORDER BY seq LIMIT 500").all(conn).await
}

/// Whether the last step of a workspace in use was a finalize that succeeded, or there was none.
///
/// What is done to take a workspace away is no work in it. The blockers in `relations` follow the same rule.
pub async fn is_finalized(conn: &mut SqliteConnection, workspace: ExecutionWorkspaceId) -> Result<bool> {
    let q = sqlx::query(
        "SELECT o.phase = 'workspace_finalize' AND o.status = 'succeeded' FROM workspace_operations o \
         JOIN execution_workspaces w ON w.id = o.execution_workspace_id \
         WHERE o.execution_workspace_id = ? AND w.closed_at IS NULL \
           AND o.phase IN ('worktree_prepare', 'workspace_provision', 'workspace_finalize') \
         ORDER BY o.seq DESC LIMIT 1",
    );
    Ok(scalar::<bool>(conn, workspace.bind(q)).await?.unwrap_or(true))
}

pub async fn create(tx: &mut WriteTx, o: &WorkspaceOperation) -> Result<()> {
    insert(tx, o).await?;
    tx.record(o.company_id, Kind::Workspace, ChangeOp::Created, o.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, o: &WorkspaceOperation) -> Result<()> {
    update(tx, o).await?;
    tx.record(o.company_id, Kind::Workspace, ChangeOp::Updated, o.id);
    Ok(())
}
