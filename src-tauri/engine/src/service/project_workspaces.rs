//! Where projects have their code.

use std::path::Path;
use std::sync::Arc;

use contract::ApiError;
use contract::operations::*;
use contract::planning::{Project, ProjectPath};
use contract::workspace::*;
use serde_json::json;
use store::{SqliteConnection, WriteTx};

use super::text;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::workspace::check_folder;
use crate::{Caller, Engine};

impl Engine {
    /// A project that the caller may see.
    async fn project(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        id: contract::ProjectId,
    ) -> Answer<Project> {
        let project = store::planning::project(conn, id).await.or_missing("Project")?;
        caller.within(project.company_id)?;
        Ok(project)
    }

    async fn project_workspace(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        project: contract::ProjectId,
        id: contract::ProjectWorkspaceId,
    ) -> Answer<ProjectWorkspace> {
        self.project(conn, caller, project).await?;
        let w = store::project_workspaces::get(conn, id).await.or_missing("Project workspace")?;
        if w.project_id == project { Ok(w) } else { Err(ApiError::not_found("Project workspace")) }
    }

    async fn log_code(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        w: &ProjectWorkspace,
        action: &str,
    ) -> Answer<()> {
        let entity = ("project", w.project_id.to_string());
        let details = json!({ "workspaceId": w.id, "name": w.name, "cwd": w.cwd });
        self.log(tx, caller, w.company_id, action, entity, details).await
    }

    async fn add_project_workspace(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        project: &Project,
        q: CreateProjectWorkspace,
    ) -> Answer<ProjectWorkspace> {
        let first = store::project_workspaces::list(tx, project.id).await.answer()?.is_empty();
        let cwd = q.cwd.map(|c| c.into_string());
        let repo_url = q.repo_url.map(|u| u.into_string());
        let source = if cwd.is_some() || repo_url.is_none() {
            ProjectWorkspaceSource::LocalPath
        } else {
            ProjectWorkspaceSource::GitRepo
        };
        let w = ProjectWorkspace {
            id: self.new_id(),
            company_id: project.company_id,
            project_id: project.id,
            name: q.name.map_or_else(|| name_of(cwd.as_deref(), repo_url.as_deref()), |n| n.into_string()),
            source_type: q.source_type.unwrap_or(source),
            cwd,
            repo_url,
            repo_ref: q.repo_ref.map(|t| t.into_string()),
            default_ref: q.default_ref.map(|t| t.into_string()),
            visibility: q.visibility.unwrap_or(ProjectWorkspaceVisibility::Default),
            setup_command: q.setup_command.map(|t| t.into_string()),
            cleanup_command: q.cleanup_command.map(|t| t.into_string()),
            remote_provider: q.remote_provider.map(|t| t.into_string()),
            remote_workspace_ref: q.remote_workspace_ref.map(|t| t.into_string()),
            shared_workspace_key: q.shared_workspace_key.map(|t| t.into_string()),
            metadata: q.metadata,
            runtime_config: q.runtime_config,
            is_primary: q.is_primary || first,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        check(self, &w)?;
        if w.is_primary {
            store::project_workspaces::unmark_others(tx, &w).await.answer()?;
        }
        store::project_workspaces::create(tx, &w).await.answer()?;
        self.log_code(tx, caller, &w, "project.workspace_created").await?;
        Ok(w)
    }

    /// Adds the workspace that was sent along with a new project.
    pub(super) async fn add_inline_workspace(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        project: &Project,
        mut fields: contract::JsonObject,
    ) -> Answer<()> {
        caller.board_only("say where a project's code lies")?;
        fields.insert("id".into(), project.id.to_string().into());
        let q: CreateProjectWorkspace = serde_path_to_error::deserialize(serde_json::Value::Object(fields))
            .map_err(|e| {
            ApiError::invalid(format!("Validation error: workspace.{}: {}", e.path(), e.inner()))
        })?;
        self.add_project_workspace(tx, caller, project, q).await.map(drop)
    }
}

/// Refuses what no run could use.
fn check(engine: &Engine, w: &ProjectWorkspace) -> Answer<()> {
    let Some(cwd) = w.cwd.as_deref() else {
        if w.repo_url.is_none() && w.remote_workspace_ref.is_none() {
            return Err(ApiError::unprocessable("A project workspace needs a cwd, a repoUrl or a remote"));
        }
        return Ok(());
    };
    let path = check_folder(&engine.paths, cwd)?;
    if !path.is_dir() {
        return Err(ApiError::unprocessable(format!("{} is no folder", path.display()))
            .with_hint("Choose a folder that is there."));
    }
    Ok(())
}

fn name_of(cwd: Option<&str>, url: Option<&str>) -> String {
    let last = |s: &str| {
        let name = Path::new(s.trim_end_matches('/')).file_name()?.to_str()?;
        Some(name.trim_end_matches(".git").to_owned())
    };
    let name = cwd.and_then(last).or_else(|| url.and_then(last));
    name.filter(|n| !n.is_empty()).unwrap_or_else(|| "Workspace".to_owned())
}

impl Handle<ListProjectWorkspaces> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ProjectPath) -> Answer<Vec<ProjectWorkspace>> {
        let mut conn = self.store.read().await.answer()?;
        let project = self.project(&mut conn, caller, q.id).await?;
        store::project_workspaces::list(&mut conn, project.id).await.answer()
    }
}

impl Handle<CreateProjectWorkspaceOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: CreateProjectWorkspace,
    ) -> Answer<ProjectWorkspace> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let project = self.project(&mut tx, caller, q.id).await?;
        let w = self.add_project_workspace(&mut tx, caller, &project, q).await?;
        tx.commit().await.answer()?;
        Ok(w)
    }
}

impl Handle<UpdateProjectWorkspaceOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: UpdateProjectWorkspace,
    ) -> Answer<ProjectWorkspace> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut w = self.project_workspace(&mut tx, caller, q.id, q.workspace_id).await?;
        if q.is_primary == Some(false) && w.is_primary {
            return Err(ApiError::unprocessable("A project has exactly one primary workspace")
                .with_hint("Make another one the primary."));
        }
        if let Some(name) = q.name {
            w.name = name.into_string();
        }
        w.source_type = q.source_type.unwrap_or(w.source_type);
        w.cwd = text(q.cwd).apply(w.cwd);
        w.repo_url = text(q.repo_url).apply(w.repo_url);
        w.repo_ref = text(q.repo_ref).apply(w.repo_ref);
        w.default_ref = text(q.default_ref).apply(w.default_ref);
        w.visibility = q.visibility.unwrap_or(w.visibility);
        w.setup_command = text(q.setup_command).apply(w.setup_command);
        w.cleanup_command = text(q.cleanup_command).apply(w.cleanup_command);
        w.remote_provider = text(q.remote_provider).apply(w.remote_provider);
        w.remote_workspace_ref = text(q.remote_workspace_ref).apply(w.remote_workspace_ref);
        w.shared_workspace_key = text(q.shared_workspace_key).apply(w.shared_workspace_key);
        w.metadata = q.metadata.apply(w.metadata);
        w.runtime_config = q.runtime_config.apply(w.runtime_config);
        w.is_primary = q.is_primary.unwrap_or(w.is_primary);
        check(self, &w)?;
        if w.is_primary {
            store::project_workspaces::unmark_others(&mut tx, &w).await.answer()?;
        }
        w.updated_at = tx.at();
        store::project_workspaces::save(&mut tx, &w).await.answer()?;
        self.log_code(&mut tx, caller, &w, "project.workspace_updated").await?;
        tx.commit().await.answer()?;
        Ok(w)
    }
}

impl Handle<DeleteProjectWorkspace> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ProjectWorkspacePath) -> Answer<ProjectWorkspace> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let w = self.project_workspace(&mut tx, caller, q.id, q.workspace_id).await?;
        store::project_workspaces::delete(&mut tx, &w).await.answer()?;
        let next = store::project_workspaces::list(&mut tx, w.project_id).await.answer()?.into_iter().next();
        if let Some(mut next) = next.filter(|n| w.is_primary && !n.is_primary) {
            next.is_primary = true;
            next.updated_at = tx.at();
            store::project_workspaces::save(&mut tx, &next).await.answer()?;
        }
        self.log_code(&mut tx, caller, &w, "project.workspace_deleted").await?;
        tx.commit().await.answer()?;
        Ok(w)
    }
}
