//! Goals and projects.

use std::sync::Arc;

use contract::ApiError;
use contract::company::CompanyPath;
use contract::operations::*;
use contract::planning::*;
use contract::workspace::ProjectDetail;
use serde_json::json;

use super::text;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

impl Handle<ListGoals> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Vec<Goal>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::planning::goals(&mut conn, q.company_id).await.answer()
    }
}

impl Handle<GetGoal> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: GoalPath) -> Answer<Goal> {
        let mut conn = self.store.read().await.answer()?;
        let goal = store::planning::goal(&mut conn, q.id).await.or_missing("Goal")?;
        caller.within(goal.company_id)?;
        Ok(goal)
    }
}

impl Handle<CreateGoalOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateGoal) -> Answer<Goal> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.company(&mut tx, caller, q.company_id).await?;
        if let Some(parent) = q.parent_id {
            let parent = store::planning::goal(&mut tx, parent).await.answer()?;
            if parent.is_none_or(|p| p.company_id != q.company_id) {
                return Err(ApiError::unprocessable("parentId names no goal of this company"));
            }
        }
        let goal = Goal {
            id: self.new_id(),
            company_id: q.company_id,
            title: q.title.into_string(),
            description: q.description.map(|d| d.into_string()),
            level: q.level.unwrap_or(GoalLevel::Task),
            status: q.status.unwrap_or(GoalStatus::Planned),
            parent_id: q.parent_id,
            owner_agent_id: q.owner_agent_id,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::planning::create_goal(&mut tx, &goal).await.answer()?;
        let id = goal.id.to_string();
        self.log(&mut tx, caller, q.company_id, "goal.created", ("goal", id), json!({ "title": goal.title }))
            .await?;
        tx.commit().await.answer()?;
        Ok(goal)
    }
}

impl Handle<ListProjects> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Vec<Project>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::planning::projects(&mut conn, q.company_id).await.answer()
    }
}

impl Handle<GetProject> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ProjectPath) -> Answer<ProjectDetail> {
        let mut conn = self.store.read().await.answer()?;
        let project = store::planning::project(&mut conn, q.id).await.or_missing("Project")?;
        caller.within(project.company_id)?;
        let workspaces = store::project_workspaces::list(&mut conn, project.id).await.answer()?;
        let primary_workspace = workspaces.iter().find(|w| w.is_primary).cloned();
        Ok(ProjectDetail { project, workspaces, primary_workspace })
    }
}

/// A policy holds commands that are run on this machine, so it is for the board.
fn check_policy(caller: &Caller, policy: Option<&contract::JsonObject>) -> Answer<()> {
    let Some(policy) = policy else { return Ok(()) };
    caller.board_only("change how issues of a project are executed")?;
    domain::workspace::check(policy)
        .map_err(|why| ApiError::unprocessable(format!("executionWorkspacePolicy: {why}")))
}

/// Colours that new projects take in turn.
const COLORS: [&str; 10] = [
    "#6366f1", "#8b5cf6", "#ec4899", "#ef4444", "#f97316", "#eab308", "#22c55e", "#14b8a6", "#06b6d4",
    "#3b82f6",
];

impl Handle<CreateProjectOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateProject) -> Answer<Project> {
        check_policy(caller, q.execution_workspace_policy.as_ref())?;
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.company(&mut tx, caller, q.company_id).await?;
        let others = store::planning::projects(&mut tx, q.company_id).await.answer()?;
        let name =
            domain::naming::free_variant(&q.name, |n| others.iter().any(|p| p.name.eq_ignore_ascii_case(n)));
        let project = Project {
            id: self.new_id(),
            company_id: q.company_id,
            url_key: domain::naming::slug(&name),
            goal_id: q.goal_id,
            name,
            description: q.description.map(|d| d.into_string()),
            status: q.status.unwrap_or(ProjectStatus::Backlog),
            lead_agent_id: q.lead_agent_id,
            target_date: q.target_date,
            color: Some(q.color.unwrap_or_else(|| COLORS[others.len() % COLORS.len()].to_owned())),
            env: None,
            pause_reason: None,
            paused_at: None,
            execution_workspace_policy: q.execution_workspace_policy,
            archived_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::planning::create_project(&mut tx, &project).await.answer()?;
        let id = project.id.to_string();
        self.log(
            &mut tx,
            caller,
            q.company_id,
            "project.created",
            ("project", id),
            json!({ "name": project.name }),
        )
        .await?;
        if let Some(workspace) = q.workspace {
            self.add_inline_workspace(&mut tx, caller, &project, workspace).await?;
        }
        tx.commit().await.answer()?;
        Ok(project)
    }
}

impl Handle<UpdateProjectOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpdateProject) -> Answer<Project> {
        if !q.execution_workspace_policy.is_keep() {
            caller.board_only("change how issues of a project are executed")?;
        }
        check_policy(caller, q.execution_workspace_policy.as_set())?;
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut p = store::planning::project(&mut tx, q.id).await.or_missing("Project")?;
        caller.within(p.company_id)?;
        if let Some(name) = q.name {
            p.url_key = domain::naming::slug(&name);
            p.name = name.into_string();
        }
        p.description = text(q.description).apply(p.description);
        p.status = q.status.unwrap_or(p.status);
        p.goal_id = q.goal_id.apply(p.goal_id);
        p.lead_agent_id = q.lead_agent_id.apply(p.lead_agent_id);
        p.color = q.color.apply(p.color);
        p.target_date = q.target_date.apply(p.target_date);
        p.archived_at = q.archived_at.apply(p.archived_at);
        p.execution_workspace_policy = q.execution_workspace_policy.apply(p.execution_workspace_policy);
        p.updated_at = tx.at();
        store::planning::save_project(&mut tx, &p).await.answer()?;
        let id = p.id.to_string();
        self.log(
            &mut tx,
            caller,
            p.company_id,
            "project.updated",
            ("project", id),
            json!({ "name": p.name }),
        )
        .await?;
        tx.commit().await.answer()?;
        Ok(p)
    }
}
