//! How an issue is carried out: the stages at which somebody reviews or approves it, and the time at which it is
//! looked at again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::words::words;
use crate::{AgentId, CompanyId, DecisionId, IssueId, RunId, StageId, Timestamp};

words! {
    pub enum StageType {
        Review = "review",
        Approval = "approval",
    }
}

words! {
    pub enum PrincipalType {
        Agent = "agent",
        User = "user",
    }
}

words! {
    pub enum StageOutcome {
        Approved = "approved",
        ChangesRequested = "changes_requested",
    }
}

words! {
    pub enum StageStatus {
        Idle = "idle",
        Pending = "pending",
        ChangesRequested = "changes_requested",
        Completed = "completed",
    }
}

words! {
    /// What happens when a monitor has no try left.
    pub enum MonitorRecovery {
        WakeOwner = "wake_owner",
        CreateRecoveryIssue = "create_recovery_issue",
        EscalateToBoard = "escalate_to_board",
    }
}

words! {
    pub enum MonitorStatus {
        Scheduled = "scheduled",
        Triggered = "triggered",
        Cleared = "cleared",
    }
}

words! {
    /// Why a monitor is not set any more.
    pub enum MonitorCleared {
        Manual = "manual",
        Triggered = "triggered",
        Done = "done",
        Cancelled = "cancelled",
        InvalidStatus = "invalid_status",
        InvalidAssignee = "invalid_assignee",
        DispatchSkipped = "dispatch_skipped",
        TimeoutExceeded = "timeout_exceeded",
        MaxAttemptsExhausted = "max_attempts_exhausted",
    }
}

/// An agent, or a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Principal {
    pub r#type: PrincipalType,
    #[serde(default)]
    pub agent_id: Option<AgentId>,
    #[serde(default)]
    pub user_id: Option<String>,
}

impl Principal {
    pub const fn agent(id: AgentId) -> Self {
        Self { r#type: PrincipalType::Agent, agent_id: Some(id), user_id: None }
    }

    pub fn user(id: impl Into<String>) -> Self {
        Self { r#type: PrincipalType::User, agent_id: None, user_id: Some(id.into()) }
    }
}

/// A place at which the work is looked at before it goes on. One of the participants is enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    #[serde(default)]
    pub id: Option<StageId>,
    pub r#type: StageType,
    #[serde(default = "one")]
    pub approvals_needed: i64,
    #[serde(default)]
    pub participants: Vec<Principal>,
}

const fn one() -> i64 {
    1
}

/// When the issue is looked at again, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonitorPolicy {
    pub next_check_at: Timestamp,
    #[serde(default)]
    pub notes: Option<Text<0, 500>>,
    /// `assignee` or `board`.
    #[serde(default = "assignee")]
    pub scheduled_by: String,
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub service_name: Option<Text<1, 120>>,
    #[serde(default)]
    pub external_ref: Option<Text<1, 500>>,
    #[serde(default)]
    pub timeout_at: Option<Timestamp>,
    /// 0 to 100.
    #[serde(default)]
    pub max_attempts: Option<i64>,
    #[serde(default)]
    pub recovery_policy: Option<MonitorRecovery>,
}

fn assignee() -> String {
    "assignee".to_owned()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionPolicy {
    #[serde(default = "normal")]
    pub mode: String,
    #[serde(default = "yes")]
    pub comment_required: bool,
    #[serde(default)]
    pub stages: Vec<Stage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<MonitorPolicy>,
}

fn normal() -> String {
    "normal".to_owned()
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonitorState {
    pub status: MonitorStatus,
    #[serde(default)]
    pub next_check_at: Option<Timestamp>,
    #[serde(default)]
    pub last_triggered_at: Option<Timestamp>,
    #[serde(default)]
    pub attempt_count: i64,
    #[serde(default)]
    pub notes: Option<String>,
    #[serde(default)]
    pub scheduled_by: Option<String>,
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub service_name: Option<String>,
    #[serde(default)]
    pub external_ref: Option<String>,
    #[serde(default)]
    pub timeout_at: Option<Timestamp>,
    #[serde(default)]
    pub max_attempts: Option<i64>,
    #[serde(default)]
    pub recovery_policy: Option<MonitorRecovery>,
    #[serde(default)]
    pub cleared_at: Option<Timestamp>,
    #[serde(default)]
    pub clear_reason: Option<MonitorCleared>,
}

/// Where an issue stands in its stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionState {
    pub status: StageStatus,
    #[serde(default)]
    pub current_stage_id: Option<StageId>,
    #[serde(default)]
    pub current_stage_index: Option<i64>,
    #[serde(default)]
    pub current_stage_type: Option<StageType>,
    /// Who is asked now.
    #[serde(default)]
    pub current_participant: Option<Principal>,
    /// Who gets the issue back.
    #[serde(default)]
    pub return_assignee: Option<Principal>,
    #[serde(default)]
    pub completed_stage_ids: Vec<StageId>,
    #[serde(default)]
    pub last_decision_id: Option<DecisionId>,
    #[serde(default)]
    pub last_decision_outcome: Option<StageOutcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<MonitorState>,
}

impl ExecutionState {
    pub const fn idle() -> Self {
        Self {
            status: StageStatus::Idle,
            current_stage_id: None,
            current_stage_index: None,
            current_stage_type: None,
            current_participant: None,
            return_assignee: None,
            completed_stage_ids: Vec::new(),
            last_decision_id: None,
            last_decision_outcome: None,
            monitor: None,
        }
    }
}

/// What somebody decided at a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageDecision {
    pub id: DecisionId,
    pub company_id: CompanyId,
    pub issue_id: IssueId,
    pub stage_id: StageId,
    pub stage_type: StageType,
    pub actor_agent_id: Option<AgentId>,
    pub actor_user_id: Option<String>,
    pub outcome: StageOutcome,
    pub body: String,
    pub created_by_run_id: Option<RunId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
