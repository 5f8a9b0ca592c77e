//! Issues: the work, who holds it, and what stands in its way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::comment::IssueComment;
use crate::document::{IssueDocument, IssueDocumentSummary};
use crate::label::IssueLabel;
use crate::planning::{Goal, InProject, Project};
use crate::query;
use crate::run::RunSummary;
use crate::text::{Body, Prose, Text, Title};
use crate::watchdog::IssueProductivityReview;
use crate::words::words;
use crate::{
    AgentId, CompanyId, GoalId, IssueId, IssueRef, JsonObject, LabelId, Patch, ProjectId, RunId, Timestamp,
};

words! {
    /// In the order of a board's columns.
    pub enum IssueStatus {
        Backlog = "backlog",
        Todo = "todo",
        InProgress = "in_progress",
        InReview = "in_review",
        Blocked = "blocked",
        Done = "done",
        Cancelled = "cancelled",
    }
}

impl IssueStatus {
    /// Nothing more will happen by itself.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

words! {
    /// Most urgent first.
    pub enum IssuePriority {
        Critical = "critical",
        High = "high",
        Medium = "medium",
        Low = "low",
    }
}

words! {
    pub enum WorkMode {
        Standard = "standard",
        Planning = "planning",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    pub id: IssueId,
    pub company_id: CompanyId,
    pub project_id: Option<ProjectId>,
    pub project_workspace_id: Option<String>,
    pub goal_id: Option<GoalId>,
    pub parent_id: Option<IssueId>,
    pub title: String,
    pub description: Option<String>,
    pub status: IssueStatus,
    pub work_mode: WorkMode,
    pub priority: IssuePriority,
    pub assignee_agent_id: Option<AgentId>,
    pub assignee_user_id: Option<String>,
    /// The run that owns the right to work on the issue.
    pub checkout_run_id: Option<RunId>,
    /// The run that is live on the issue.
    pub execution_run_id: Option<RunId>,
    pub execution_agent_name_key: Option<String>,
    pub execution_locked_at: Option<Timestamp>,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub issue_number: Option<i64>,
    pub identifier: Option<String>,
    pub origin_kind: String,
    pub origin_id: Option<String>,
    pub origin_run_id: Option<String>,
    pub origin_fingerprint: String,
    pub request_depth: i64,
    pub billing_code: Option<String>,
    pub assignee_adapter_overrides: Option<JsonObject>,
    pub execution_policy: Option<JsonObject>,
    pub execution_state: Option<JsonObject>,
    pub monitor_next_check_at: Option<Timestamp>,
    pub monitor_last_triggered_at: Option<Timestamp>,
    pub monitor_attempt_count: i64,
    pub monitor_notes: Option<String>,
    pub monitor_scheduled_by: Option<String>,
    pub execution_workspace_id: Option<String>,
    pub execution_workspace_preference: Option<String>,
    pub execution_workspace_settings: Option<JsonObject>,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub cancelled_at: Option<Timestamp>,
    pub hidden_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Issue {
    /// The identifier, or the id of an issue that has none.
    pub fn display_key(&self) -> String {
        self.identifier.clone().unwrap_or_else(|| self.id.to_string())
    }
}

/// An issue as a list shows it. Descriptions are cut at 1200 characters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueRow {
    #[serde(flatten)]
    pub issue: Issue,
    pub label_ids: Vec<LabelId>,
    pub labels: Vec<IssueLabel>,
    pub active_run: Option<RunSummary>,
    /// Blockers of this issue that are not done.
    pub unresolved_blocker_count: i64,
    pub child_count: i64,
    pub done_child_count: i64,
    pub pending_interaction_count: i64,
    /// The recovery that is open on it.
    pub active_recovery_action: Option<crate::recovery::RecoveryAction>,
    pub last_activity_at: Timestamp,
    pub is_unread_for_me: bool,
}

/// An issue as another one names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueSummary {
    pub id: IssueId,
    pub identifier: Option<String>,
    pub title: String,
    pub status: IssueStatus,
    pub priority: IssuePriority,
    pub assignee_agent_id: Option<AgentId>,
    pub assignee_user_id: Option<String>,
}

/// Issues that this one mentions, and issues that mention it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RelatedWork {
    pub outbound: Vec<RelatedWorkItem>,
    pub inbound: Vec<RelatedWorkItem>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RelatedWorkItem {
    pub issue: IssueSummary,
    pub mention_count: i64,
}

/// Everything the issue's own page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueDetail {
    #[serde(flatten)]
    pub issue: Issue,
    pub label_ids: Vec<LabelId>,
    pub labels: Vec<IssueLabel>,
    /// Nearest parent first.
    pub ancestors: Vec<IssueSummary>,
    pub children: Vec<IssueSummary>,
    pub blocked_by: Vec<IssueSummary>,
    pub blocks: Vec<IssueSummary>,
    pub related_work: RelatedWork,
    pub referenced_issue_identifiers: Vec<String>,
    pub plan_document: Option<IssueDocument>,
    pub document_summaries: Vec<IssueDocumentSummary>,
    pub project: Option<Project>,
    pub goal: Option<Goal>,
    pub active_run: Option<RunSummary>,
    /// Somebody is asked whether its agent gets anywhere with it.
    pub productivity_review: Option<IssueProductivityReview>,
    /// Whether what holds it up is on its way. Absent: nothing holds it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocker_attention: Option<crate::graph::IssueBlockerAttention>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewRequest {
    pub instructions: String,
}

/// Fields of a new issue that are not about where it lives.
///
/// Without a status it becomes `todo` when it has an assignee, else `backlog`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateIssue {
    pub company_id: CompanyId,
    pub title: Title,
    #[serde(default)]
    pub description: Option<Prose>,
    #[serde(default)]
    pub status: Option<IssueStatus>,
    #[serde(default)]
    pub work_mode: Option<WorkMode>,
    #[serde(default)]
    pub priority: Option<IssuePriority>,
    #[serde(default)]
    pub project_id: Option<ProjectId>,
    #[serde(default)]
    pub project_workspace_id: Option<String>,
    #[serde(default)]
    pub goal_id: Option<GoalId>,
    #[serde(default)]
    pub parent_id: Option<IssueId>,
    #[serde(default)]
    pub blocked_by_issue_ids: Option<Vec<IssueId>>,
    #[serde(default)]
    pub inherit_execution_workspace_from_issue_id: Option<IssueId>,
    #[serde(default)]
    pub assignee_agent_id: Option<crate::AgentRef>,
    #[serde(default)]
    pub assignee_user_id: Option<Text<1, 200>>,
    #[serde(default)]
    pub request_depth: Option<i64>,
    #[serde(default)]
    pub billing_code: Option<Text<1, 200>>,
    #[serde(default)]
    pub assignee_adapter_overrides: Option<JsonObject>,
    #[serde(default)]
    pub execution_policy: Option<JsonObject>,
    #[serde(default)]
    pub execution_workspace_id: Option<String>,
    #[serde(default)]
    pub execution_workspace_preference: Option<String>,
    #[serde(default)]
    pub execution_workspace_settings: Option<JsonObject>,
    #[serde(default)]
    pub label_ids: Option<Vec<LabelId>>,
}

impl CreateIssue {
    /// An issue with nothing but a title.
    pub fn titled(company_id: CompanyId, title: Title) -> Self {
        Self {
            company_id,
            title,
            description: None,
            status: None,
            work_mode: None,
            priority: None,
            project_id: None,
            project_workspace_id: None,
            goal_id: None,
            parent_id: None,
            blocked_by_issue_ids: None,
            inherit_execution_workspace_from_issue_id: None,
            assignee_agent_id: None,
            assignee_user_id: None,
            request_depth: None,
            billing_code: None,
            assignee_adapter_overrides: None,
            execution_policy: None,
            execution_workspace_id: None,
            execution_workspace_preference: None,
            execution_workspace_settings: None,
            label_ids: None,
        }
    }
}

/// A change of an issue, with a comment if there is something to say about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateIssue {
    pub id: IssueRef,
    #[serde(default, deserialize_with = "crate::patch::given", skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub description: Patch<Prose>,
    #[serde(default, deserialize_with = "crate::patch::given", skip_serializing_if = "Option::is_none")]
    pub status: Option<IssueStatus>,
    #[serde(default, deserialize_with = "crate::patch::given", skip_serializing_if = "Option::is_none")]
    pub work_mode: Option<WorkMode>,
    #[serde(default, deserialize_with = "crate::patch::given", skip_serializing_if = "Option::is_none")]
    pub priority: Option<IssuePriority>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub project_id: Patch<ProjectId>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub project_workspace_id: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub goal_id: Patch<GoalId>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub parent_id: Patch<IssueId>,
    /// Replaces the whole set.
    #[serde(default, deserialize_with = "crate::patch::given", skip_serializing_if = "Option::is_none")]
    pub blocked_by_issue_ids: Option<Vec<IssueId>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub inherit_execution_workspace_from_issue_id: Patch<IssueId>,
    /// An agent's UUID or URL key.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub assignee_agent_id: Patch<crate::AgentRef>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub assignee_user_id: Patch<Text<1, 200>>,
    #[serde(default, deserialize_with = "crate::patch::given", skip_serializing_if = "Option::is_none")]
    pub request_depth: Option<i64>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub billing_code: Patch<Text<1, 200>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub assignee_adapter_overrides: Patch<JsonObject>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub execution_policy: Patch<JsonObject>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub execution_workspace_id: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub execution_workspace_preference: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub execution_workspace_settings: Patch<JsonObject>,
    #[serde(default, deserialize_with = "crate::patch::given", skip_serializing_if = "Option::is_none")]
    pub label_ids: Option<Vec<LabelId>>,
    #[serde(default, deserialize_with = "crate::patch::given", skip_serializing_if = "Option::is_none")]
    pub comment: Option<Body>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub review_request: Patch<ReviewRequest>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopen: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resume: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupt: bool,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub hidden_at: Patch<Timestamp>,
}

impl UpdateIssue {
    /// A change of nothing, to set fields on.
    pub fn of(id: impl Into<IssueRef>) -> Self {
        Self {
            id: id.into(),
            title: None,
            description: Patch::Keep,
            status: None,
            work_mode: None,
            priority: None,
            project_id: Patch::Keep,
            project_workspace_id: Patch::Keep,
            goal_id: Patch::Keep,
            parent_id: Patch::Keep,
            blocked_by_issue_ids: None,
            inherit_execution_workspace_from_issue_id: Patch::Keep,
            assignee_agent_id: Patch::Keep,
            assignee_user_id: Patch::Keep,
            request_depth: None,
            billing_code: Patch::Keep,
            assignee_adapter_overrides: Patch::Keep,
            execution_policy: Patch::Keep,
            execution_workspace_id: Patch::Keep,
            execution_workspace_preference: Patch::Keep,
            execution_workspace_settings: Patch::Keep,
            label_ids: None,
            comment: None,
            review_request: Patch::Keep,
            reopen: false,
            resume: false,
            interrupt: false,
            hidden_at: Patch::Keep,
        }
    }
}

/// An issue after a change, with the comment that came with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdatedIssue {
    #[serde(flatten)]
    pub issue: Issue,
    pub comment: Option<IssueComment>,
}

/// Names one issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssuePath {
    pub id: IssueRef,
}

impl<T: Into<IssueRef>> From<T> for IssuePath {
    fn from(id: T) -> Self {
        Self { id: id.into() }
    }
}

words! {
    pub enum SortDir {
        Asc = "asc",
        Desc = "desc",
    }
}

words! {
    pub enum IssueSort {
        Updated = "updated",
        Created = "created",
        Priority = "priority",
        Status = "status",
        Title = "title",
    }
}

/// Filters of a list; every one that is given must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListIssues {
    pub company_id: CompanyId,
    #[serde(default, deserialize_with = "query::list")]
    pub status: Vec<IssueStatus>,
    #[serde(default, deserialize_with = "query::list")]
    pub priority: Vec<IssuePriority>,
    /// `none` finds issues without an agent.
    #[serde(default)]
    pub assignee_agent_id: Option<String>,
    /// `me` is the operator.
    #[serde(default)]
    pub assignee_user_id: Option<String>,
    #[serde(default)]
    pub participant_agent_id: Option<AgentId>,
    #[serde(default)]
    pub created_by_agent_id: Option<AgentId>,
    #[serde(default)]
    pub touched_by_user_id: Option<String>,
    #[serde(default)]
    pub unread_for_user_id: Option<String>,
    /// `none` finds issues without a project.
    #[serde(default)]
    pub project_id: Option<InProject>,
    #[serde(default)]
    pub goal_id: Option<GoalId>,
    #[serde(default)]
    pub parent_id: Option<IssueId>,
    #[serde(default)]
    pub descendant_of: Option<IssueId>,
    #[serde(default)]
    pub label_id: Option<LabelId>,
    #[serde(default)]
    pub origin_kind: Option<String>,
    #[serde(default)]
    pub origin_id: Option<String>,
    /// Only issues with a run in flight.
    #[serde(default, deserialize_with = "query::flag")]
    pub live: bool,
    /// Only issues that wait for the operator: with a card to answer, or assigned to the operator and open.
    #[serde(default, deserialize_with = "query::flag")]
    pub waiting: bool,
    #[serde(default, deserialize_with = "query::flag")]
    pub include_hidden: bool,
    #[serde(default, deserialize_with = "query::flag")]
    pub include_routine_executions: bool,
    #[serde(default, deserialize_with = "query::flag")]
    pub include_plugin_operations: bool,
    #[serde(default, deserialize_with = "query::flag")]
    pub include_blocked_by: bool,
    /// Words looked for in title, identifier, description and comments.
    #[serde(default)]
    pub q: Option<String>,
    #[serde(default)]
    pub sort_field: Option<IssueSort>,
    #[serde(default)]
    pub sort_dir: Option<SortDir>,
    /// 500 unless given, 1000 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
    #[serde(default, deserialize_with = "query::number")]
    pub offset: Option<u32>,
}

impl ListIssues {
    /// Every visible issue of a company.
    pub fn of(company_id: CompanyId) -> Self {
        Self {
            company_id,
            status: Vec::new(),
            priority: Vec::new(),
            assignee_agent_id: None,
            assignee_user_id: None,
            participant_agent_id: None,
            created_by_agent_id: None,
            touched_by_user_id: None,
            unread_for_user_id: None,
            project_id: None,
            goal_id: None,
            parent_id: None,
            descendant_of: None,
            label_id: None,
            origin_kind: None,
            origin_id: None,
            live: false,
            waiting: false,
            include_hidden: false,
            include_routine_executions: false,
            include_plugin_operations: false,
            include_blocked_by: false,
            q: None,
            sort_field: None,
            sort_dir: None,
            limit: None,
            offset: None,
        }
    }
}

/// How many issues a filter finds, by status, for a board's headers and a virtual list's height.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueCount {
    pub count: i64,
    pub by_status: std::collections::BTreeMap<String, i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckoutIssue {
    pub id: IssueRef,
    pub agent_id: AgentId,
    pub expected_statuses: Vec<IssueStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForceReleaseIssue {
    pub id: IssueRef,
    #[serde(default, deserialize_with = "query::flag")]
    pub clear_assignee: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviousLocks {
    pub checkout_run_id: Option<RunId>,
    pub execution_run_id: Option<RunId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForceReleased {
    pub issue: Issue,
    pub previous: PreviousLocks,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueReadState {
    pub id: IssueId,
    pub last_read_at: Option<Timestamp>,
}
