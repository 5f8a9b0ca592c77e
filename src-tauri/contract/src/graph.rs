//! Whether what an issue waits for is itself on its way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::issue::{IssuePriority, IssueStatus};
use crate::words::words;
use crate::{AgentId, IssueId, Timestamp};

words! {
    /// Why nothing moves an issue that others wait for.
    pub enum Stall {
        Unassigned = "blocked_by_unassigned_issue",
        /// It stands in the backlog, where nothing starts by itself.
        Backlog = "blocked_by_assigned_backlog_issue",
        /// Its agent is paused, gone or waits for approval.
        Uninvokable = "blocked_by_uninvokable_assignee",
        /// Cancelled: it never will be done.
        Cancelled = "blocked_by_cancelled_issue",
        /// Whoever is to review it cannot.
        InvalidReviewer = "invalid_review_participant",
        /// In review, and nobody is asked to review it.
        ReviewWithoutPath = "in_review_without_action_path",
        /// Blocked, and no issue says by what.
        WithoutCause = "blocked_chain_stalled",
        /// Its tree is paused.
        Paused = "blocked_by_paused_issue",
    }
}

words! {
    pub enum BlockerAttentionState {
        None = "none",
        /// All that it waits for is on its way.
        Covered = "covered",
        /// A review that it waits for has come to a halt.
        Stalled = "stalled",
        NeedsAttention = "needs_attention",
    }
}

words! {
    pub enum BlockerAttentionReason {
        ActiveChild = "active_child",
        ActiveDependency = "active_dependency",
        StalledReview = "stalled_review",
        AttentionRequired = "attention_required",
    }
}

/// What an issue waits for, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueBlockerAttention {
    pub state: BlockerAttentionState,
    pub reason: Option<BlockerAttentionReason>,
    pub unresolved_blocker_count: i64,
    pub covered_blocker_count: i64,
    pub stalled_blocker_count: i64,
    pub attention_blocker_count: i64,
    pub sample_blocker_identifier: Option<String>,
    pub sample_stalled_blocker_identifier: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UnblockingRequest {
    /// 1 to 720; as the settings say when absent.
    pub lookback_hours: Option<u32>,
}

/// An issue on the way to a halt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DependencyStep {
    pub issue_id: IssueId,
    pub identifier: Option<String>,
    pub title: String,
    pub status: IssueStatus,
}

/// A halt for which somebody would be asked to find the way out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnblockingItem {
    /// The issue that waits.
    pub issue_id: IssueId,
    pub identifier: Option<String>,
    pub title: String,
    pub state: Stall,
    pub severity: IssuePriority,
    /// One sentence for a person.
    pub reason: String,
    /// The issue that nothing moves, below which the way out is asked for.
    pub recovery_issue_id: IssueId,
    pub recovery_identifier: Option<String>,
    pub recovery_title: Option<String>,
    /// Who would be asked; nobody: the operator.
    pub recommended_owner_agent_id: Option<AgentId>,
    pub incident_key: String,
    /// When something of the chain changed last.
    pub latest_dependency_updated_at: Timestamp,
    /// From the issue that waits to the one that nothing moves.
    pub dependency_path: Vec<DependencyStep>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnblockingPreview {
    pub lookback_hours: u32,
    pub cutoff: Timestamp,
    pub generated_at: Timestamp,
    pub findings: i64,
    pub recoverable_findings: i64,
    pub skipped_outside_lookback: i64,
    pub items: Vec<UnblockingItem>,
}

/// What a look at the chains did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnblockingDone {
    pub findings: i64,
    pub skipped_outside_lookback: i64,
    /// Somebody was asked a short while ago, or is being asked.
    pub existing: i64,
    pub created: i64,
    /// Ended, because the chain is on its way again.
    pub retired: i64,
    pub created_issue_ids: Vec<IssueId>,
}
