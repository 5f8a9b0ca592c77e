//! Runs: one agent, started once, from the queue to its end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::query;
use crate::watchdog::OutputSilence;
use crate::words::words;
use crate::{AgentId, CommentId, CompanyId, IssueId, IssueRef, JsonObject, RunId, Timestamp, WakeupId};

words! {
    pub enum RunStatus {
        Queued = "queued",
        ScheduledRetry = "scheduled_retry",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
        TimedOut = "timed_out",
    }
}

impl RunStatus {
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::TimedOut)
    }

    /// Queued, scheduled or running: the issue has somebody to move it.
    pub const fn is_execution_path(self) -> bool {
        !self.is_terminal()
    }
}

words! {
    pub enum InvocationSource {
        Timer = "timer",
        Assignment = "assignment",
        OnDemand = "on_demand",
        Automation = "automation",
    }
}

words! {
    pub enum TriggerDetail {
        Manual = "manual",
        Ping = "ping",
        Callback = "callback",
        System = "system",
    }
}

words! {
    pub enum OutputStream {
        Stdout = "stdout",
        Stderr = "stderr",
        System = "system",
    }
}

words! {
    /// Whether a run that owed its issue a comment left one.
    pub enum CommentDuty {
        NotApplicable = "not_applicable",
        Satisfied = "satisfied",
        RetryQueued = "retry_queued",
        RetryExhausted = "retry_exhausted",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub id: RunId,
    pub company_id: CompanyId,
    pub agent_id: AgentId,
    pub invocation_source: InvocationSource,
    pub trigger_detail: Option<TriggerDetail>,
    pub status: RunStatus,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub error: Option<String>,
    pub wakeup_request_id: Option<WakeupId>,
    pub exit_code: Option<i32>,
    pub signal: Option<String>,
    pub usage_json: Option<JsonObject>,
    pub result_json: Option<JsonObject>,
    pub session_id_before: Option<String>,
    pub session_id_after: Option<String>,
    pub log_store: Option<String>,
    pub log_ref: Option<String>,
    /// Bytes.
    pub log_bytes: Option<i64>,
    pub log_sha256: Option<String>,
    pub log_compressed: bool,
    pub stdout_excerpt: Option<String>,
    pub stderr_excerpt: Option<String>,
    pub error_code: Option<String>,
    pub external_run_id: Option<String>,
    pub process_pid: Option<i64>,
    pub process_group_id: Option<i64>,
    pub process_started_at: Option<Timestamp>,
    pub last_output_at: Option<Timestamp>,
    pub last_output_seq: i64,
    pub last_output_stream: Option<OutputStream>,
    pub last_output_bytes: Option<i64>,
    pub retry_of_run_id: Option<RunId>,
    pub process_loss_retry_count: i64,
    pub scheduled_retry_at: Option<Timestamp>,
    pub scheduled_retry_attempt: i64,
    pub scheduled_retry_reason: Option<String>,
    pub issue_comment_status: CommentDuty,
    pub issue_comment_satisfied_by_comment_id: Option<CommentId>,
    pub liveness_state: Option<String>,
    pub liveness_reason: Option<String>,
    pub continuation_attempt: i64,
    pub last_useful_action_at: Option<Timestamp>,
    pub next_action: Option<String>,
    pub context_snapshot: Option<JsonObject>,
    /// The issue the run is about, if it is about one.
    pub issue_id: Option<IssueId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A run as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    pub id: RunId,
    pub company_id: CompanyId,
    pub agent_id: AgentId,
    pub agent_name: String,
    pub adapter_type: String,
    pub status: RunStatus,
    pub invocation_source: InvocationSource,
    pub trigger_detail: Option<TriggerDetail>,
    /// Why the agent was woken.
    pub wake_reason: Option<String>,
    pub issue_id: Option<IssueId>,
    pub issue_identifier: Option<String>,
    pub issue_title: Option<String>,
    pub error: Option<String>,
    pub error_code: Option<String>,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub cost_usd: Option<f64>,
    pub model: Option<String>,
    pub summary: Option<String>,
    pub last_output_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// What is made of its silence; said among the runs in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_silence: Option<OutputSilence>,
}

/// One step in the life of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunEvent {
    pub id: i64,
    pub company_id: CompanyId,
    pub run_id: RunId,
    pub agent_id: AgentId,
    pub seq: i64,
    /// `lifecycle`, `adapter.invoke`, `error` and others.
    pub event_type: String,
    pub stream: Option<OutputStream>,
    pub level: Option<String>,
    pub color: Option<String>,
    pub message: Option<String>,
    pub payload: Option<JsonObject>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunPath {
    pub run_id: RunId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListRuns {
    pub company_id: CompanyId,
    #[serde(default)]
    pub agent_id: Option<AgentId>,
    #[serde(default, deserialize_with = "query::list")]
    pub status: Vec<RunStatus>,
    /// 100 unless given, 500 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
    #[serde(default, deserialize_with = "query::number")]
    pub offset: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListLiveRuns {
    pub company_id: CompanyId,
    /// Fill up with the most recent ended runs to this many, 50 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub min_count: Option<u32>,
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssueRunsPath {
    pub issue_id: IssueRef,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListRunEvents {
    pub run_id: RunId,
    #[serde(default, deserialize_with = "query::number")]
    pub after_seq: Option<i64>,
    /// 200 unless given, 1000 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadRunLog {
    pub run_id: RunId,
    /// Bytes from the beginning of the log.
    #[serde(default, deserialize_with = "query::number")]
    pub offset: Option<u64>,
    /// 256,000 unless given, 1 MiB at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit_bytes: Option<u32>,
}

/// A slice of the run's log: lines of `{ts, stream, chunk}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunLogSlice {
    pub run_id: RunId,
    pub store: String,
    pub log_ref: String,
    pub content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u64>,
}
