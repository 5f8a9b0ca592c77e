//! What is kept of workspaces that were taken away.

use contract::feed::ChangeOp;
use contract::workspace::TrashedWorkspace;
use contract::{CompanyId, ExecutionWorkspaceId, IssueId, Kind, Timestamp, TrashedWorkspaceId};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    TrashedWorkspace,
    "workspace_trash",
    id,
    [
        company_id,
        execution_workspace_id,
        issue_id,
        name,
        path,
        repo_root,
        snapshot_ref,
        folder,
        branch_name,
        has_unsaved_work,
        ignored_count,
        reason,
        created_at,
        expires_at,
        restored_at,
    ]
);

pub async fn get(conn: &mut SqliteConnection, id: TrashedWorkspaceId) -> Result<Option<TrashedWorkspace>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// Of a company, newest first.
pub async fn list(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<TrashedWorkspace>> {
    select(
        "WHERE company_id = ? AND (snapshot_ref IS NOT NULL OR folder IS NOT NULL) ORDER BY created_at DESC, rowid DESC LIMIT 500")
        .bind(&company)
        .all(conn)
        .await
}

/// Of an issue, newest first.
pub async fn of_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<TrashedWorkspace>> {
    select("WHERE issue_id = ? AND (snapshot_ref IS NOT NULL OR folder IS NOT NULL) ORDER BY created_at DESC, rowid DESC LIMIT 50").bind(&issue).all(conn).await
}

/// What a removal that was begun and did not end wanted to keep.
pub async fn begun(
    conn: &mut SqliteConnection,
    workspace: ExecutionWorkspaceId,
) -> Result<Option<TrashedWorkspace>> {
    select("WHERE execution_workspace_id = ? AND snapshot_ref IS NULL AND folder IS NULL LIMIT 1")
        .bind(&workspace)
        .one(conn)
        .await
}

/// Those whose time is over.
pub async fn expired(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<TrashedWorkspace>> {
    select("WHERE expires_at <= ? ORDER BY expires_at LIMIT 100").bind(&now).all(conn).await
}

pub async fn create(tx: &mut WriteTx, t: &TrashedWorkspace) -> Result<()> {
    insert(tx, t).await?;
    tx.record(t.company_id, Kind::Workspace, ChangeOp::Created, t.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, t: &TrashedWorkspace) -> Result<()> {
    update(tx, t).await?;
    tx.record(t.company_id, Kind::Workspace, ChangeOp::Updated, t.id);
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, t: &TrashedWorkspace) -> Result<()> {
    t.id.bind(sqlx::query("DELETE FROM workspace_trash WHERE id = ?")).execute(&mut **tx).await?;
    tx.record(t.company_id, Kind::Workspace, ChangeOp::Deleted, t.id);
    Ok(())
}
