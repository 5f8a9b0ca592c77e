//! Whether what an issue waits for is itself on its way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

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
