//! Where projects have their code.

use contract::feed::ChangeOp;
use contract::workspace::ProjectWorkspace;
use contract::{Kind, ProjectId, ProjectWorkspaceId};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    ProjectWorkspace,
    "project_workspaces",
    id,
    [
        company_id,
        project_id,
        name,
        source_type,
        cwd,
        repo_url,
        repo_ref,
        default_ref,
        visibility,
        setup_command,
        cleanup_command,
        remote_provider,
        remote_workspace_ref,
        shared_workspace_key,
        metadata,
        runtime_config,
        is_primary,
        created_at,
        updated_at,
    ]
);

/// Those of a project, the primary one first.
pub async fn list(conn: &mut SqliteConnection, project: ProjectId) -> Result<Vec<ProjectWorkspace>> {
    select("WHERE project_id = ? ORDER BY is_primary DESC, created_at, id").bind(&project).all(conn).await
}

pub async fn get(conn: &mut SqliteConnection, id: ProjectWorkspaceId) -> Result<Option<ProjectWorkspace>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

pub async fn create(tx: &mut WriteTx, w: &ProjectWorkspace) -> Result<()> {
    insert(tx, w).await?;
    tx.record(w.company_id, Kind::Workspace, ChangeOp::Created, w.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, w: &ProjectWorkspace) -> Result<()> {
    update(tx, w).await?;
    tx.record(w.company_id, Kind::Workspace, ChangeOp::Updated, w.id);
    Ok(())
}

/// Takes the primary mark from the others of its project.
pub async fn unmark_others(tx: &mut WriteTx, w: &ProjectWorkspace) -> Result<()> {
    let q = sqlx::query("UPDATE project_workspaces SET is_primary = 0 WHERE project_id = ? AND id <> ?");
    w.id.bind(w.project_id.bind(q)).execute(&mut **tx).await?;
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, w: &ProjectWorkspace) -> Result<()> {
    w.id.bind(sqlx::query("DELETE FROM project_workspaces WHERE id = ?")).execute(&mut **tx).await?;
    tx.record(w.company_id, Kind::Workspace, ChangeOp::Deleted, w.id);
    Ok(())
}
