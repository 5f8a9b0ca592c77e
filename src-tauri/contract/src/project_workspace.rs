//! Where a project's code lies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::planning::Project;
use crate::text::{Name, Text};
use crate::words::words;
use crate::{CompanyId, JsonObject, Patch, ProjectId, ProjectWorkspaceId, Timestamp};

words! {
    pub enum ProjectWorkspaceSource {
        LocalPath = "local_path",
        GitRepo = "git_repo",
        RemoteManaged = "remote_managed",
        NonGitPath = "non_git_path",
    }
}

words! {
    pub enum ProjectWorkspaceVisibility {
        Default = "default",
        Advanced = "advanced",
    }
}

/// Where a project's code lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectWorkspace {
    pub id: ProjectWorkspaceId,
    pub company_id: CompanyId,
    pub project_id: ProjectId,
    pub name: String,
    pub source_type: ProjectWorkspaceSource,
    /// A folder of this machine.
    pub cwd: Option<String>,
    pub repo_url: Option<String>,
    pub repo_ref: Option<String>,
    /// What new branches start from; the repository's own branch when absent.
    pub default_ref: Option<String>,
    pub visibility: ProjectWorkspaceVisibility,
    /// Run in a worktree after it was made, unless the project's policy has a provision command.
    pub setup_command: Option<String>,
    /// Run in a worktree before it is taken away.
    pub cleanup_command: Option<String>,
    pub remote_provider: Option<String>,
    pub remote_workspace_ref: Option<String>,
    pub shared_workspace_key: Option<String>,
    pub metadata: Option<JsonObject>,
    pub runtime_config: Option<JsonObject>,
    /// A project has exactly one, as soon as it has any.
    pub is_primary: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A project with where its code lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectDetail {
    #[serde(flatten)]
    pub project: Project,
    pub workspaces: Vec<ProjectWorkspace>,
    pub primary_workspace: Option<ProjectWorkspace>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProjectWorkspace {
    /// The project.
    pub id: ProjectId,
    #[serde(default)]
    pub name: Option<Name>,
    #[serde(default)]
    pub source_type: Option<ProjectWorkspaceSource>,
    #[serde(default)]
    pub cwd: Option<Text<1, 4000>>,
    #[serde(default)]
    pub repo_url: Option<Text<1, 2000>>,
    #[serde(default)]
    pub repo_ref: Option<Text<0, 300>>,
    #[serde(default)]
    pub default_ref: Option<Text<0, 300>>,
    #[serde(default)]
    pub visibility: Option<ProjectWorkspaceVisibility>,
    #[serde(default)]
    pub setup_command: Option<Text<0, 8000>>,
    #[serde(default)]
    pub cleanup_command: Option<Text<0, 8000>>,
    #[serde(default)]
    pub remote_provider: Option<Text<0, 300>>,
    #[serde(default)]
    pub remote_workspace_ref: Option<Text<0, 300>>,
    #[serde(default)]
    pub shared_workspace_key: Option<Text<0, 300>>,
    #[serde(default)]
    pub metadata: Option<JsonObject>,
    #[serde(default)]
    pub runtime_config: Option<JsonObject>,
    #[serde(default)]
    pub is_primary: bool,
}

impl CreateProjectWorkspace {
    /// A folder of this machine.
    pub fn at(project: ProjectId, cwd: Text<1, 4000>) -> Self {
        Self {
            id: project,
            name: None,
            source_type: None,
            cwd: Some(cwd),
            repo_url: None,
            repo_ref: None,
            default_ref: None,
            visibility: None,
            setup_command: None,
            cleanup_command: None,
            remote_provider: None,
            remote_workspace_ref: None,
            shared_workspace_key: None,
            metadata: None,
            runtime_config: None,
            is_primary: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateProjectWorkspace {
    /// The project.
    pub id: ProjectId,
    pub workspace_id: ProjectWorkspaceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_type: Option<ProjectWorkspaceSource>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub cwd: Patch<Text<1, 4000>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub repo_url: Patch<Text<1, 2000>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub repo_ref: Patch<Text<0, 300>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub default_ref: Patch<Text<0, 300>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<ProjectWorkspaceVisibility>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub setup_command: Patch<Text<0, 8000>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub cleanup_command: Patch<Text<0, 8000>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub remote_provider: Patch<Text<0, 300>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub remote_workspace_ref: Patch<Text<0, 300>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub shared_workspace_key: Patch<Text<0, 300>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub metadata: Patch<JsonObject>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub runtime_config: Patch<JsonObject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_primary: Option<bool>,
}

impl UpdateProjectWorkspace {
    /// A change of nothing yet.
    pub fn of(w: &ProjectWorkspace) -> Self {
        Self {
            id: w.project_id,
            workspace_id: w.id,
            name: None,
            source_type: None,
            cwd: Patch::Keep,
            repo_url: Patch::Keep,
            repo_ref: Patch::Keep,
            default_ref: Patch::Keep,
            visibility: None,
            setup_command: Patch::Keep,
            cleanup_command: Patch::Keep,
            remote_provider: Patch::Keep,
            remote_workspace_ref: Patch::Keep,
            shared_workspace_key: Patch::Keep,
            metadata: Patch::Keep,
            runtime_config: Patch::Keep,
            is_primary: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectWorkspacePath {
    /// The project.
    pub id: ProjectId,
    pub workspace_id: ProjectWorkspaceId,
}
