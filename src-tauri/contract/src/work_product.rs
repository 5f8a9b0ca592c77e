//! What an issue brought forth: branches, pull requests, pages to look at, files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::patch::Patch;
use crate::text::{Name, Prose, Text, Title};
use crate::words::words;
use crate::{
    CompanyId, ExecutionWorkspaceId, IssueId, IssueRef, JsonObject, ProjectId, RunId, Timestamp,
    WorkProductId,
};

words! {
    pub enum WorkProductType {
        PreviewUrl = "preview_url",
        RuntimeService = "runtime_service",
        PullRequest = "pull_request",
        Branch = "branch",
        Commit = "commit",
        Artifact = "artifact",
        Document = "document",
    }
}

words! {
    pub enum WorkProductStatus {
        Active = "active",
        ReadyForReview = "ready_for_review",
        Approved = "approved",
        ChangesRequested = "changes_requested",
        Merged = "merged",
        Closed = "closed",
        Failed = "failed",
        Archived = "archived",
        Draft = "draft",
    }
}

words! {
    pub enum WorkProductReview {
        None = "none",
        NeedsBoardReview = "needs_board_review",
        Approved = "approved",
        ChangesRequested = "changes_requested",
    }
}

words! {
    pub enum HealthStatus {
        Unknown = "unknown",
        Healthy = "healthy",
        Unhealthy = "unhealthy",
    }
}

/// One thing that an issue brought forth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkProduct {
    pub id: WorkProductId,
    pub company_id: CompanyId,
    pub project_id: Option<ProjectId>,
    pub issue_id: IssueId,
    pub execution_workspace_id: Option<ExecutionWorkspaceId>,
    pub runtime_service_id: Option<String>,
    #[serde(rename = "type")]
    pub kind: WorkProductType,
    /// `paperclip`, `github`, `vercel`, `s3`, `custom`, or any other word.
    pub provider: String,
    /// What the provider calls it.
    pub external_id: Option<String>,
    pub title: String,
    pub url: Option<String>,
    pub status: WorkProductStatus,
    pub review_state: WorkProductReview,
    /// The one of its issue that is shown before the others.
    pub is_primary: bool,
    pub health_status: HealthStatus,
    pub summary: Option<String>,
    pub metadata: Option<JsonObject>,
    pub created_by_run_id: Option<RunId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An address of the web: `http` or `https`.
pub type Url = Text<1, 2000>;
pub type Word = Text<1, 100>;
pub type ExternalId = Text<1, 500>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateWorkProduct {
    pub id: IssueRef,
    #[serde(rename = "type")]
    pub kind: WorkProductType,
    pub provider: Word,
    pub title: Title,
    #[serde(default)]
    pub url: Option<Url>,
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    #[serde(default)]
    pub project_id: Option<ProjectId>,
    #[serde(default)]
    pub execution_workspace_id: Option<ExecutionWorkspaceId>,
    #[serde(default)]
    pub runtime_service_id: Option<Name>,
    #[serde(default)]
    pub status: Option<WorkProductStatus>,
    #[serde(default)]
    pub review_state: Option<WorkProductReview>,
    #[serde(default)]
    pub is_primary: bool,
    #[serde(default)]
    pub health_status: Option<HealthStatus>,
    #[serde(default)]
    pub summary: Option<Prose>,
    #[serde(default)]
    pub metadata: Option<JsonObject>,
    /// The caller's own run where it is an agent's.
    #[serde(default)]
    pub created_by_run_id: Option<RunId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateWorkProduct {
    pub id: WorkProductId,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<WorkProductType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub url: Patch<Url>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub external_id: Patch<ExternalId>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub project_id: Patch<ProjectId>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub execution_workspace_id: Patch<ExecutionWorkspaceId>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub runtime_service_id: Patch<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<WorkProductStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_state: Option<WorkProductReview>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_primary: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_status: Option<HealthStatus>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub summary: Patch<Prose>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub metadata: Patch<JsonObject>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub created_by_run_id: Patch<RunId>,
}

impl CreateWorkProduct {
    pub fn of(issue: impl Into<IssueRef>, kind: WorkProductType, provider: Word, title: Title) -> Self {
        Self {
            id: issue.into(),
            kind,
            provider,
            title,
            url: None,
            external_id: None,
            project_id: None,
            execution_workspace_id: None,
            runtime_service_id: None,
            status: None,
            review_state: None,
            is_primary: false,
            health_status: None,
            summary: None,
            metadata: None,
            created_by_run_id: None,
        }
    }
}

impl UpdateWorkProduct {
    /// One that changes nothing yet.
    pub fn of(id: WorkProductId) -> Self {
        Self {
            id,
            kind: None,
            provider: None,
            title: None,
            url: Patch::Keep,
            external_id: Patch::Keep,
            project_id: Patch::Keep,
            execution_workspace_id: Patch::Keep,
            runtime_service_id: Patch::Keep,
            status: None,
            review_state: None,
            is_primary: None,
            health_status: None,
            summary: Patch::Keep,
            metadata: Patch::Keep,
            created_by_run_id: Patch::Keep,
        }
    }
}

/// Names one work product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkProductPath {
    pub id: WorkProductId,
}
