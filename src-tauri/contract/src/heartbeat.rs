//! What an agent reads at the beginning of a heartbeat: its assignments, and what it needs to know of one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::comment::IssueComment;
use crate::document::IssueDocument;
use crate::issue::{IssuePriority, IssueStatus, IssueSummary, WorkMode};
use crate::planning::{Goal, Project};
use crate::run::RunSummary;
use crate::{AgentId, CommentId, GoalId, IssueId, IssueRef, JsonObject, ProjectId, Timestamp};

/// One entry of the calling agent's open assignments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InboxLiteEntry {
    pub id: IssueId,
    pub identifier: Option<String>,
    pub title: String,
    pub status: IssueStatus,
    pub priority: IssuePriority,
    pub project_id: Option<ProjectId>,
    pub goal_id: Option<GoalId>,
    pub parent_id: Option<IssueId>,
    pub updated_at: Timestamp,
    pub active_run: Option<RunSummary>,
    pub dependency_ready: bool,
    pub unresolved_blocker_count: i64,
    pub unresolved_blocker_issue_ids: Vec<IssueId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetHeartbeatContext {
    pub id: IssueRef,
    #[serde(default)]
    pub wake_comment_id: Option<CommentId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommentCursor {
    pub total_comments: i64,
    pub latest_comment_id: Option<CommentId>,
    pub latest_comment_at: Option<Timestamp>,
}

/// The part of an issue that an agent needs to start work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatContextIssue {
    pub id: IssueId,
    pub identifier: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub status: IssueStatus,
    pub work_mode: WorkMode,
    pub priority: IssuePriority,
    pub project_id: Option<ProjectId>,
    pub goal_id: Option<GoalId>,
    pub parent_id: Option<IssueId>,
    pub blocked_by: Vec<IssueSummary>,
    pub blocks: Vec<IssueSummary>,
    pub assignee_agent_id: Option<AgentId>,
    pub assignee_user_id: Option<String>,
    pub origin_kind: String,
    pub origin_id: Option<String>,
    pub productivity_review: Option<crate::watchdog::IssueProductivityReview>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocker_attention: Option<crate::graph::IssueBlockerAttention>,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatContext {
    pub issue: HeartbeatContextIssue,
    pub ancestors: Vec<IssueSummary>,
    pub project: Option<Project>,
    pub goal: Option<Goal>,
    pub comment_cursor: CommentCursor,
    pub wake_comment: Option<IssueComment>,
    pub attachments: Vec<crate::attachment::AttachmentBrief>,
    pub continuation_summary: Option<IssueDocument>,
    pub current_execution_workspace: Option<JsonObject>,
}
