//! Goals and projects.

use contract::feed::ChangeOp;
use contract::planning::{Goal, Project};
use contract::{CompanyId, GoalId, Kind, ProjectId};
use sqlx::SqliteConnection;

use crate::entity::{entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    Goal,
    "goals",
    id,
    [company_id, title, description, level, status, parent_id, owner_agent_id, created_at, updated_at,]
);

entity!(
    Project,
    "projects",
    id,
    [
        company_id,
        url_key,
        goal_id,
        name,
        description,
        status,
        lead_agent_id,
        target_date,
        color,
        env,
        pause_reason,
        paused_at,
        execution_workspace_policy,
        archived_at,
        created_at,
        updated_at,
    ]
);

pub async fn goals(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<Goal>> {
    select("WHERE company_id = ? ORDER BY created_at, id").bind(&company).all(conn).await
}

pub async fn goal(conn: &mut SqliteConnection, id: GoalId) -> Result<Option<Goal>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// The goal that work without one falls back to.
pub async fn default_goal(conn: &mut SqliteConnection, company: CompanyId) -> Result<Option<Goal>> {
    select("WHERE company_id = ? AND level = 'company' AND status = 'active' ORDER BY created_at, id LIMIT 1")
        .bind(&company)
        .one(conn)
        .await
}

pub async fn create_goal(tx: &mut WriteTx, g: &Goal) -> Result<()> {
    insert(tx, g).await?;
    tx.record(g.company_id, Kind::Goal, ChangeOp::Created, g.id);
    Ok(())
}

pub async fn projects(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<Project>> {
    select("WHERE company_id = ? AND archived_at IS NULL ORDER BY created_at, id")
        .bind(&company)
        .all(conn)
        .await
}

pub async fn project(conn: &mut SqliteConnection, id: ProjectId) -> Result<Option<Project>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

pub async fn create_project(tx: &mut WriteTx, p: &Project) -> Result<()> {
    insert(tx, p).await?;
    tx.record(p.company_id, Kind::Project, ChangeOp::Created, p.id);
    Ok(())
}

pub async fn save_project(tx: &mut WriteTx, p: &Project) -> Result<()> {
    update(tx, p).await?;
    tx.record(p.company_id, Kind::Project, ChangeOp::Updated, p.id);
    Ok(())
}
