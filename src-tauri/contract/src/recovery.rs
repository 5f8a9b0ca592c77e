//! Recovery: what was decided about an issue that nobody moved, and how somebody resolves it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::issue::{Issue, IssueStatus, IssueSummary};
use crate::text::Text;
use crate::words::words;
use crate::{AgentId, CompanyId, IssueId, IssueRef, JsonObject, RecoveryActionId, RunId, Timestamp};

words! {
    pub enum RecoveryKind {
        MissingDisposition = "missing_disposition",
        StrandedAssignedIssue = "stranded_assigned_issue",
        ActiveRunWatchdog = "active_run_watchdog",
        IssueGraphLiveness = "issue_graph_liveness",
    }
}

words! {
    pub enum RecoveryStatus {
        /// Somebody is to see to it.
        Active = "active",
        /// Nobody could be asked but the operator, or whoever was asked failed as well.
        Escalated = "escalated",
        Resolved = "resolved",
        Cancelled = "cancelled",
    }
}

words! {
    pub enum RecoveryOwnerType {
        Agent = "agent",
        User = "user",
        Board = "board",
        System = "system",
    }
}

words! {
    pub enum RecoveryOutcome {
        Restored = "restored",
        Delegated = "delegated",
        FalsePositive = "false_positive",
        Blocked = "blocked",
        Escalated = "escalated",
        Cancelled = "cancelled",
    }
}

/// What was decided about one issue. There is never more than one that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryAction {
    pub id: RecoveryActionId,
    pub company_id: CompanyId,
    pub source_issue_id: IssueId,
    pub recovery_issue_id: Option<IssueId>,
    pub kind: RecoveryKind,
    pub status: RecoveryStatus,
    pub owner_type: RecoveryOwnerType,
    pub owner_agent_id: Option<AgentId>,
    pub owner_user_id: Option<String>,
    pub previous_owner_agent_id: Option<AgentId>,
    pub return_owner_agent_id: Option<AgentId>,
    /// Stable word for why.
    pub cause: String,
    pub fingerprint: String,
    /// What is known: the runs, their errors, the sentence for a person.
    pub evidence: JsonObject,
    /// What to do, in one sentence.
    pub next_action: String,
    pub wake_policy: Option<JsonObject>,
    pub monitor_policy: Option<JsonObject>,
    /// How often the same was decided.
    pub attempt_count: i64,
    pub max_attempts: Option<i64>,
    pub timeout_at: Option<Timestamp>,
    pub last_attempt_at: Option<Timestamp>,
    pub outcome: Option<RecoveryOutcome>,
    pub resolution_note: Option<String>,
    pub resolved_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The recoveries of an issue, newest first, and the one that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryActions {
    pub active: Option<RecoveryAction>,
    pub actions: Vec<RecoveryAction>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveRecovery {
    pub id: IssueRef,
    /// The open one unless given.
    #[serde(default)]
    pub action_id: Option<RecoveryActionId>,
    pub outcome: RecoveryOutcome,
    pub source_issue_status: IssueStatus,
    #[serde(default)]
    pub resolution_note: Option<Text<0, 4000>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryResolved {
    pub issue: Issue,
    pub recovery_action: RecoveryAction,
}

/// A run that waits for a later time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueScheduledRetry {
    pub run_id: RunId,
    pub status: crate::run::RunStatus,
    pub agent_id: AgentId,
    pub agent_name: Option<String>,
    pub retry_of_run_id: Option<RunId>,
    pub scheduled_retry_at: Option<Timestamp>,
    pub scheduled_retry_attempt: i64,
    pub scheduled_retry_reason: Option<String>,
    pub error: Option<String>,
    pub error_code: Option<String>,
}

words! {
    pub enum RetryNowOutcome {
        Promoted = "promoted",
        AlreadyPromoted = "already_promoted",
        NoScheduledRetry = "no_scheduled_retry",
        GateSuppressed = "gate_suppressed",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryNow {
    pub outcome: RetryNowOutcome,
    /// One sentence for a person.
    pub message: String,
    pub scheduled_retry: Option<IssueScheduledRetry>,
}

/// What a run that is not at work waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunOutlook {
    pub state: OutlookState,
    /// One sentence for a person.
    pub reason: String,
    /// When something happens by itself.
    pub at: Option<Timestamp>,
    pub action: Option<OutlookAction>,
}

/// Why an issue stands where it stands, and the one action that moves it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueOutlook {
    pub state: OutlookState,
    /// One sentence for a person.
    pub reason: String,
    /// The run that it is about, if it is about one.
    pub run_id: Option<RunId>,
    /// When something happens by itself.
    pub at: Option<Timestamp>,
    pub action: Option<OutlookAction>,
    /// The issue that nothing moves, of those that this one waits for.
    pub blocker: Option<IssueSummary>,
}

words! {
    /// What an issue waits for.
    pub enum OutlookState {
        /// Nothing is due: it is closed, in the backlog or nobody's.
        AtRest = "at_rest",
        Running = "running",
        /// A run stands in line.
        Queued = "queued",
        /// A run is set for a later time.
        Scheduled = "scheduled",
        /// A card, an approval or a person has to decide.
        Deciding = "deciding",
        Blocked = "blocked",
        /// The tree it stands in is paused, or a budget it works under is spent.
        Held = "held",
        /// Somebody is to see to it.
        Recovering = "recovering",
        /// Nothing moves it.
        Stalled = "stalled",
    }
}

words! {
    /// The one thing a person can do to move an issue on.
    pub enum OutlookAction {
        Wake = "wake",
        RetryNow = "retry_now",
        Decide = "decide",
        ResumeTree = "resume_tree",
        CheckNow = "check_now",
        ResumeAgent = "resume_agent",
        ResolveRecovery = "resolve_recovery",
        Assign = "assign",
        /// In review, and nobody is asked to review it: say what becomes of it.
        Review = "review",
        /// Everything is paused.
        ResumeAll = "resume_all",
        /// What it waits for is moved by nothing: go there.
        OpenBlocker = "open_blocker",
        /// A budget is spent: raise it.
        RaiseBudget = "raise_budget",
    }
}
