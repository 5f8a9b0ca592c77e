//! Workspaces: where issues are worked on, what was done there, and what is kept of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::query;
use crate::text::{Name, Text};
use crate::words::words;
use crate::{
    AgentId, CompanyId, ExecutionWorkspaceId, IssueId, IssueRef, JsonObject, Patch, ProjectId,
    ProjectWorkspaceId, RunId, Timestamp, TrashedWorkspaceId, WorkspaceOperationId,
};

pub use crate::project_workspace::*;

words! {
    pub enum WorkspaceMode {
        /// The project's own folder, together with everybody else.
        SharedWorkspace = "shared_workspace",
        /// A folder of the issue's own.
        IsolatedWorkspace = "isolated_workspace",
        /// The project's own folder, on whatever branch the operator has there.
        OperatorBranch = "operator_branch",
        AdapterManaged = "adapter_managed",
        CloudSandbox = "cloud_sandbox",
    }
}

words! {
    pub enum WorkspaceStrategy {
        ProjectPrimary = "project_primary",
        GitWorktree = "git_worktree",
        AdapterManaged = "adapter_managed",
        CloudSandbox = "cloud_sandbox",
    }
}

words! {
    pub enum WorkspaceProvider {
        LocalFs = "local_fs",
        GitWorktree = "git_worktree",
        AdapterManaged = "adapter_managed",
        CloudSandbox = "cloud_sandbox",
    }
}

words! {
    pub enum ExecutionWorkspaceStatus {
        Active = "active",
        Idle = "idle",
        InReview = "in_review",
        Archived = "archived",
        CleanupFailed = "cleanup_failed",
    }
}

words! {
    /// A step in the life of a workspace.
    pub enum WorkspacePhase {
        WorktreePrepare = "worktree_prepare",
        WorkspaceProvision = "workspace_provision",
        WorkspaceTeardown = "workspace_teardown",
        WorktreeCleanup = "worktree_cleanup",
        /// After a run. Until it has succeeded nothing that waits for the work goes on.
        WorkspaceFinalize = "workspace_finalize",
    }
}

words! {
    pub enum WorkspaceOperationStatus {
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Skipped = "skipped",
    }
}

/// Where an issue is worked on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionWorkspace {
    pub id: ExecutionWorkspaceId,
    pub company_id: CompanyId,
    pub project_id: ProjectId,
    pub project_workspace_id: Option<ProjectWorkspaceId>,
    pub source_issue_id: Option<IssueId>,
    pub mode: WorkspaceMode,
    pub strategy_type: WorkspaceStrategy,
    pub name: String,
    pub status: ExecutionWorkspaceStatus,
    pub cwd: Option<String>,
    pub repo_url: Option<String>,
    pub base_ref: Option<String>,
    pub branch_name: Option<String>,
    pub provider_type: WorkspaceProvider,
    pub provider_ref: Option<String>,
    pub derived_from_execution_workspace_id: Option<ExecutionWorkspaceId>,
    pub last_used_at: Timestamp,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub cleanup_eligible_at: Option<Timestamp>,
    pub cleanup_reason: Option<String>,
    /// Its own commands, over those of the project.
    pub config: Option<JsonObject>,
    pub metadata: Option<JsonObject>,
    /// The agent that works in it. Another takes it over only with a word in the issue's thread.
    pub owner_agent_id: Option<AgentId>,
    /// The repository that it is a worktree of.
    pub repo_root: Option<String>,
    /// The commit of the base when the branch was made.
    pub base_commit: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One step in the life of a workspace, with how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceOperation {
    pub id: WorkspaceOperationId,
    pub company_id: CompanyId,
    pub execution_workspace_id: Option<ExecutionWorkspaceId>,
    pub heartbeat_run_id: Option<RunId>,
    pub phase: WorkspacePhase,
    pub command: Option<String>,
    pub cwd: Option<String>,
    pub status: WorkspaceOperationStatus,
    pub exit_code: Option<i32>,
    pub log_store: Option<String>,
    pub log_ref: Option<String>,
    pub log_bytes: Option<i64>,
    pub log_sha256: Option<String>,
    pub log_compressed: bool,
    /// The end of what it wrote.
    pub stdout_excerpt: Option<String>,
    pub stderr_excerpt: Option<String>,
    /// What is known of it; `reason` is the sentence for a person.
    pub metadata: Option<JsonObject>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What is kept of a worktree that was taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrashedWorkspace {
    pub id: TrashedWorkspaceId,
    pub company_id: Option<CompanyId>,
    pub execution_workspace_id: Option<ExecutionWorkspaceId>,
    pub issue_id: Option<IssueId>,
    pub name: String,
    /// Where it lay.
    pub path: String,
    pub repo_root: Option<String>,
    /// The hidden ref that holds all of its files but the ignored ones.
    pub snapshot_ref: Option<String>,
    /// Where the folder itself is kept, when a snapshot could not hold all of it.
    pub folder: Option<String>,
    pub branch_name: Option<String>,
    /// It held something that no commit of its branch has.
    pub has_unsaved_work: bool,
    /// Files and folders that git ignores and that were not kept.
    pub ignored_count: i64,
    pub reason: String,
    pub created_at: Timestamp,
    /// When it is deleted for good.
    pub expires_at: Timestamp,
    pub restored_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListExecutionWorkspaces {
    pub company_id: CompanyId,
    #[serde(default)]
    pub project_id: Option<ProjectId>,
    #[serde(default)]
    pub project_workspace_id: Option<ProjectWorkspaceId>,
    #[serde(default)]
    pub issue_id: Option<IssueId>,
    #[serde(default, deserialize_with = "query::list")]
    pub status: Vec<ExecutionWorkspaceStatus>,
    /// Only those that another run may go on in.
    #[serde(default, deserialize_with = "query::flag")]
    pub reuse_eligible: bool,
    /// Taken for Paperclip's clients; rows are light as they are.
    #[serde(default, deserialize_with = "query::flag")]
    pub summary: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecutionWorkspacePath {
    pub id: ExecutionWorkspaceId,
}

/// A change of a workspace. The status `archived` closes it: its state is kept, then its folder goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateExecutionWorkspace {
    pub id: ExecutionWorkspaceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub cwd: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub repo_url: Patch<Text<0, 2000>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub base_ref: Patch<Text<0, 300>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub branch_name: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub provider_ref: Patch<Text<0, 2000>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ExecutionWorkspaceStatus>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub cleanup_eligible_at: Patch<Timestamp>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub cleanup_reason: Patch<Text<0, 2000>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub config: Patch<JsonObject>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub metadata: Patch<JsonObject>,
    /// When it is closed, files that git ignores are kept as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_ignored: bool,
}

impl UpdateExecutionWorkspace {
    /// A change of nothing yet.
    pub fn of(id: ExecutionWorkspaceId) -> Self {
        Self {
            id,
            name: None,
            cwd: Patch::Keep,
            repo_url: Patch::Keep,
            base_ref: Patch::Keep,
            branch_name: Patch::Keep,
            provider_ref: Patch::Keep,
            status: None,
            cleanup_eligible_at: Patch::Keep,
            cleanup_reason: Patch::Keep,
            config: Patch::Keep,
            metadata: Patch::Keep,
            keep_ignored: false,
        }
    }
}

words! {
    pub enum CloseState {
        Ready = "ready",
        ReadyWithWarnings = "ready_with_warnings",
        Blocked = "blocked",
    }
}

words! {
    pub enum CloseActionKind {
        ArchiveRecord = "archive_record",
        StopRuntimeServices = "stop_runtime_services",
        CleanupCommand = "cleanup_command",
        TeardownCommand = "teardown_command",
        GitWorktreeRemove = "git_worktree_remove",
        GitBranchDelete = "git_branch_delete",
        RemoveLocalDirectory = "remove_local_directory",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloseAction {
    pub kind: CloseActionKind,
    pub label: String,
    pub description: String,
    pub command: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloseLinkedIssue {
    pub id: IssueId,
    pub identifier: Option<String>,
    pub title: String,
    pub status: String,
    pub is_terminal: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloseGit {
    pub repo_root: Option<String>,
    pub workspace_path: Option<String>,
    pub branch_name: Option<String>,
    pub base_ref: Option<String>,
    pub has_dirty_tracked_files: bool,
    pub has_untracked_files: bool,
    pub dirty_entry_count: usize,
    pub untracked_entry_count: usize,
    pub ahead_count: Option<usize>,
    pub behind_count: Option<usize>,
    pub is_merged_into_base: Option<bool>,
    pub created_by_runtime: bool,
}

/// Whether a workspace can be closed, why or why not, and what would be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloseReadiness {
    pub workspace_id: ExecutionWorkspaceId,
    pub state: CloseState,
    pub blocking_reasons: Vec<String>,
    pub warnings: Vec<String>,
    pub linked_issues: Vec<CloseLinkedIssue>,
    pub planned_actions: Vec<CloseAction>,
    pub is_destructive_close_allowed: bool,
    pub is_shared_workspace: bool,
    pub is_project_primary_workspace: bool,
    pub git: Option<CloseGit>,
    pub runtime_services: Vec<JsonObject>,
}

words! {
    pub enum FileChange {
        Added = "added",
        Modified = "modified",
        Deleted = "deleted",
        Renamed = "renamed",
        Untracked = "untracked",
        Conflicted = "conflicted",
    }
}

/// A file in which a workspace differs from its base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFile {
    pub path: String,
    pub old_path: Option<String>,
    pub change: FileChange,
    pub additions: usize,
    pub deletions: usize,
    pub is_binary: bool,
    /// Not all of it is in a commit.
    pub is_uncommitted: bool,
}

/// What git says of a workspace now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceGit {
    /// Absent when nothing but a commit is checked out.
    pub branch: Option<String>,
    pub head: Option<String>,
    pub base_ref: Option<String>,
    /// Commits of the branch that the base has not, and the other way round; absent when the base is gone.
    pub ahead: Option<usize>,
    pub behind: Option<usize>,
    pub is_merged: Option<bool>,
    pub uncommitted: usize,
    pub untracked: usize,
    pub conflicted: usize,
    pub files: Vec<ChangedFile>,
    /// Those included that are not in `files`.
    pub file_count: usize,
}

/// Everything about where an issue is worked on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueWorkspace {
    /// The open one, or the one that was closed last.
    pub workspace: Option<ExecutionWorkspace>,
    pub git: Option<WorkspaceGit>,
    /// Why there is no workspace, or nothing to say of its git.
    pub reason: Option<String>,
    /// Nothing that waits for the work is held up by it.
    pub is_finalized: bool,
    /// Newest first.
    pub operations: Vec<WorkspaceOperation>,
    pub trash: Vec<TrashedWorkspace>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadWorkspaceDiff {
    pub id: IssueRef,
    /// As `files` of the issue's workspace names it.
    pub path: String,
}

/// The difference of one file from the base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceDiff {
    pub file: ChangedFile,
    /// Hunks in the unified format.
    pub patch: String,
    /// There is more than is sent.
    pub is_cut: bool,
}

/// What a workspace takes on its disk, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceDiskUse {
    pub path: Option<String>,
    pub bytes: u64,
    pub files: u64,
    /// Of that, in folders which a build can make anew.
    pub rebuildable_bytes: u64,
    /// Not all could be counted in time.
    pub is_cut: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadWorkspaceOperationLog {
    pub operation_id: WorkspaceOperationId,
    /// Bytes from the beginning of what is kept.
    #[serde(default, deserialize_with = "query::number")]
    pub offset: Option<u64>,
    /// 256,000 unless given, 1 MiB at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit_bytes: Option<u32>,
}

/// What a step wrote: the end of its output, then of its errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceOperationLog {
    pub operation_id: WorkspaceOperationId,
    pub store: String,
    pub log_ref: String,
    pub content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrashPath {
    pub trash_id: TrashedWorkspaceId,
}
