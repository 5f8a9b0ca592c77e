//! Wakes: every attempt to get an agent to work, and what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::query;
use crate::run::{InvocationSource, Run, TriggerDetail};
use crate::text::Text;
use crate::words::words;
use crate::{AgentId, AgentRef, CompanyId, IssueId, JsonObject, RunId, Timestamp, WakeupId};

words! {
    pub enum WakeupStatus {
        Queued = "queued",
        /// Waits until the issue's live run ends.
        Deferred = "deferred_issue_execution",
        Claimed = "claimed",
        Coalesced = "coalesced",
        Skipped = "skipped",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
        TimedOut = "timed_out",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WakeupRequest {
    pub id: WakeupId,
    pub company_id: CompanyId,
    pub agent_id: AgentId,
    pub source: InvocationSource,
    pub trigger_detail: Option<TriggerDetail>,
    pub reason: Option<String>,
    pub payload: Option<JsonObject>,
    pub status: WakeupStatus,
    pub coalesced_count: i64,
    pub requested_by_actor_type: Option<String>,
    pub requested_by_actor_id: Option<String>,
    pub idempotency_key: Option<String>,
    pub run_id: Option<RunId>,
    pub issue_id: Option<IssueId>,
    pub requested_at: Timestamp,
    pub claimed_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Why it was skipped, deferred or failed.
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A wake as a list shows it: with what it is about and how its run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WakeupLine {
    #[serde(flatten)]
    pub wake: WakeupRequest,
    pub issue_identifier: Option<String>,
    pub issue_title: Option<String>,
    /// Its run waits for this time before it is tried again.
    pub retry_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WakeAgent {
    pub id: AgentRef,
    #[serde(default)]
    pub source: Option<InvocationSource>,
    #[serde(default)]
    pub trigger_detail: Option<TriggerDetail>,
    #[serde(default)]
    pub reason: Option<Text<0, 200>>,
    #[serde(default)]
    pub payload: Option<JsonObject>,
    #[serde(default)]
    pub idempotency_key: Option<Text<0, 255>>,
    #[serde(default)]
    pub force_fresh_session: bool,
}

impl WakeAgent {
    pub fn of(id: impl Into<AgentRef>) -> Self {
        Self {
            id: id.into(),
            source: None,
            trigger_detail: None,
            reason: None,
            payload: None,
            idempotency_key: None,
            force_fresh_session: false,
        }
    }
}

/// A wake that started nothing, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WakeSkipped {
    /// Always `skipped`.
    pub status: String,
    pub reason: String,
    pub message: Option<String>,
    pub issue_id: Option<IssueId>,
    pub execution_run_id: Option<RunId>,
    pub execution_agent_id: Option<AgentId>,
    pub execution_agent_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WakeOutcome {
    Run(Box<Run>),
    Skipped(WakeSkipped),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListWakeups {
    pub company_id: CompanyId,
    #[serde(default)]
    pub agent_id: Option<AgentId>,
    #[serde(default)]
    pub issue_id: Option<IssueId>,
    /// 100 unless given, 500 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
}
