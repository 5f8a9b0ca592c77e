//! Steering a whole tree of issues at once: pausing, resuming, cancelling, restoring.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::ActorType;
use crate::issue::IssueStatus;
use crate::query;
use crate::run::RunStatus;
use crate::text::Text;
use crate::words::words;
use crate::{
    AgentId, CompanyId, IssueId, IssueRef, JsonObject, RunId, Timestamp, TreeHoldId, TreeHoldMemberId,
};

words! {
    /// What is done to the tree.
    pub enum TreeMode {
        /// Nothing of it is worked on until the hold is released.
        Pause = "pause",
        /// Releases the pauses within it.
        Resume = "resume",
        /// Cancels what is open.
        Cancel = "cancel",
        /// Brings back what a cancel took.
        Restore = "restore",
    }
}

words! {
    pub enum TreeHoldStatus {
        Active = "active",
        Released = "released",
    }
}

words! {
    /// When a pause ends.
    pub enum ReleaseStrategy {
        /// When somebody ends it. Live runs are stopped.
        Manual = "manual",
        /// By itself, when the runs that were live have ended; they are let finish, and nothing else starts.
        AfterActiveRunsFinish = "after_active_runs_finish",
    }
}

words! {
    /// Why an issue of the tree is left as it is.
    pub enum TreeSkip {
        TerminalStatus = "terminal_status",
        AlreadyHeld = "already_held",
        NotHeld = "not_held",
        NotCancelled = "not_cancelled",
        NotCancelledByTreeControl = "not_cancelled_by_tree_control",
        ChangedAfterCancel = "changed_after_cancel",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleasePolicy {
    #[serde(default = "manual")]
    pub strategy: ReleaseStrategy,
    #[serde(default)]
    pub note: Option<Text<1, 500>>,
}

const fn manual() -> ReleaseStrategy {
    ReleaseStrategy::Manual
}

/// One act on a tree, with what it did to each issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeHold {
    pub id: TreeHoldId,
    pub company_id: CompanyId,
    pub root_issue_id: IssueId,
    pub mode: TreeMode,
    pub status: TreeHoldStatus,
    pub reason: Option<String>,
    pub release_policy: Option<JsonObject>,
    pub created_by_actor_type: ActorType,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub created_by_run_id: Option<RunId>,
    pub released_at: Option<Timestamp>,
    pub released_by_actor_type: Option<ActorType>,
    pub released_by_agent_id: Option<AgentId>,
    pub released_by_user_id: Option<String>,
    pub released_by_run_id: Option<RunId>,
    pub release_reason: Option<String>,
    pub release_metadata: Option<JsonObject>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An issue as an act on its tree found it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeHoldMember {
    pub id: TreeHoldMemberId,
    pub company_id: CompanyId,
    pub hold_id: TreeHoldId,
    pub issue_id: IssueId,
    pub parent_issue_id: Option<IssueId>,
    /// Levels below the root, which has 0.
    pub depth: i64,
    pub issue_identifier: Option<String>,
    pub issue_title: String,
    pub issue_status: IssueStatus,
    pub assignee_agent_id: Option<AgentId>,
    pub assignee_user_id: Option<String>,
    pub active_run_id: Option<RunId>,
    pub active_run_status: Option<RunStatus>,
    pub skipped: bool,
    pub skip_reason: Option<TreeSkip>,
    pub created_at: Timestamp,
}

/// A hold, with its issues where they were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeHoldDetail {
    #[serde(flatten)]
    pub hold: TreeHold,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<TreeHoldMember>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeRun {
    pub id: RunId,
    pub issue_id: IssueId,
    pub agent_id: AgentId,
    pub status: RunStatus,
    pub started_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeAgent {
    pub agent_id: AgentId,
    pub issue_count: i64,
    pub active_run_count: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeIssue {
    pub id: IssueId,
    pub identifier: Option<String>,
    pub title: String,
    pub status: IssueStatus,
    pub parent_id: Option<IssueId>,
    pub depth: i64,
    pub assignee_agent_id: Option<AgentId>,
    pub assignee_user_id: Option<String>,
    pub active_run: Option<TreeRun>,
    pub active_hold_ids: Vec<TreeHoldId>,
    pub action: TreeMode,
    pub skipped: bool,
    pub skip_reason: Option<TreeSkip>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeWarning {
    /// `no_affected_issues`, `running_runs_present`, `queued_runs_present`, `no_active_pause_holds` or
    /// `restore_conflicts_present`.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_ids: Option<Vec<IssueId>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeTotals {
    pub total_issues: i64,
    pub affected_issues: i64,
    pub skipped_issues: i64,
    pub active_runs: i64,
    pub queued_runs: i64,
    pub affected_agents: i64,
}

/// What an act on the tree would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreePreview {
    pub company_id: CompanyId,
    pub root_issue_id: IssueId,
    pub mode: TreeMode,
    pub generated_at: Timestamp,
    pub release_policy: Option<ReleasePolicy>,
    pub totals: TreeTotals,
    pub counts_by_status: BTreeMap<String, i64>,
    pub issues: Vec<TreeIssue>,
    pub skipped_issues: Vec<TreeIssue>,
    pub active_runs: Vec<TreeRun>,
    pub affected_agents: Vec<TreeAgent>,
    pub warnings: Vec<TreeWarning>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewTree {
    pub id: IssueRef,
    pub mode: TreeMode,
    #[serde(default)]
    pub release_policy: Option<ReleasePolicy>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTreeHold {
    pub id: IssueRef,
    pub mode: TreeMode,
    #[serde(default)]
    pub reason: Option<Text<1, 1000>>,
    #[serde(default)]
    pub release_policy: Option<ReleasePolicy>,
    /// `wakeAgents: true` wakes the agents of what a restore brings back.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
}

/// What an act on the tree did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeHoldMade {
    pub hold: TreeHoldDetail,
    pub preview: TreePreview,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreeState {
    /// The nearest pause over the issue: its own, or of an issue above it.
    pub active_pause_hold: Option<TreeHold>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListTreeHolds {
    pub id: IssueRef,
    #[serde(default)]
    pub status: Option<TreeHoldStatus>,
    #[serde(default)]
    pub mode: Option<TreeMode>,
    #[serde(default, deserialize_with = "query::flag")]
    pub include_members: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TreeHoldPath {
    pub id: IssueRef,
    pub hold_id: TreeHoldId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseTreeHold {
    pub id: IssueRef,
    pub hold_id: TreeHoldId,
    #[serde(default)]
    pub reason: Option<Text<1, 1000>>,
    #[serde(default)]
    pub release_policy: Option<ReleasePolicy>,
    #[serde(default)]
    pub metadata: Option<JsonObject>,
}
