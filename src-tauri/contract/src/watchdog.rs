//! Runs that say nothing any more, and what was decided about them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::issue::{IssuePriority, IssueStatus};
use crate::run::{OutputStream, Run};
use crate::text::Text;
use crate::words::words;
use crate::{AgentId, CompanyId, IssueId, RunId, Timestamp, WatchdogDecisionId};

words! {
    /// How much a run's silence says.
    pub enum SilenceLevel {
        /// The run is not at work.
        NotApplicable = "not_applicable",
        Ok = "ok",
        Suspicious = "suspicious",
        Critical = "critical",
        /// Somebody decided that the silence is nothing to see to, for now or for good.
        Snoozed = "snoozed",
    }
}

/// How long a run has said nothing, and what is made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputSilence {
    pub last_output_at: Option<Timestamp>,
    pub last_output_seq: i64,
    pub last_output_stream: Option<OutputStream>,
    /// When it began. Time in which the program did not watch, as while the machine slept, is not counted.
    pub silence_started_at: Option<Timestamp>,
    pub silence_age_ms: Option<i64>,
    pub level: SilenceLevel,
    pub suspicion_threshold_ms: i64,
    pub critical_threshold_ms: i64,
    pub snoozed_until: Option<Timestamp>,
    /// The issue in which somebody looks at it.
    pub evaluation_issue_id: Option<IssueId>,
    pub evaluation_issue_identifier: Option<String>,
    pub evaluation_issue_assignee_agent_id: Option<AgentId>,
}

/// A run with what is made of its silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunDetail {
    #[serde(flatten)]
    pub run: Run,
    pub output_silence: OutputSilence,
    /// How many processes it has now; absent when it has none, or where they cannot be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
}

words! {
    pub enum SilenceVerdict {
        /// Not to be looked at before a set time.
        Snooze = "snooze",
        /// It may go on; looked at again in half an hour.
        Continue = "continue",
        /// Nothing is wrong with it: not looked at again.
        DismissedFalsePositive = "dismissed_false_positive",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideOnSilence {
    pub run_id: RunId,
    pub decision: SilenceVerdict,
    #[serde(default)]
    pub reason: Option<Text<0, 4000>>,
    /// Must lie ahead; a snooze needs it.
    #[serde(default)]
    pub snoozed_until: Option<Timestamp>,
    /// The issue in which it was looked at: the open one unless given.
    #[serde(default)]
    pub evaluation_issue_id: Option<IssueId>,
}

/// What was decided about a silent run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WatchdogDecision {
    pub id: WatchdogDecisionId,
    pub company_id: CompanyId,
    pub run_id: RunId,
    pub evaluation_issue_id: Option<IssueId>,
    pub decision: SilenceVerdict,
    pub snoozed_until: Option<Timestamp>,
    pub reason: Option<String>,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub created_by_run_id: Option<RunId>,
    pub created_at: Timestamp,
}

words! {
    /// What about an issue made somebody look whether it gets anywhere.
    pub enum ProductivityTrigger {
        /// Many runs in a row without a word in its thread.
        NoCommentStreak = "no_comment_streak",
        /// It has been in progress for long.
        LongActiveDuration = "long_active_duration",
        /// Many runs or comments in little time.
        HighChurn = "high_churn",
    }
}

/// The open review of an issue that gets nowhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueProductivityReview {
    pub review_issue_id: IssueId,
    pub review_identifier: Option<String>,
    pub status: IssueStatus,
    pub priority: IssuePriority,
    pub trigger: Option<ProductivityTrigger>,
    /// Runs in a row without a comment, when it began for that.
    pub no_comment_streak: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
