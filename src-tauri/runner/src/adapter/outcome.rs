//! What an adapter makes of a run.

use contract::{JsonObject, Timestamp};
use serde::{Deserialize, Serialize};

/// Tokens as the provider bills them; `input_tokens` does not include cached ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    /// Tokens written to the provider's cache.
    pub cache_write_tokens: i64,
    pub output_tokens: i64,
}

impl Usage {
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_add(other.cached_input_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }

    pub const fn is_zero(&self) -> bool {
        self.input_tokens == 0
            && self.cached_input_tokens == 0
            && self.cache_write_tokens == 0
            && self.output_tokens == 0
    }
}

/// What has been read from a run's output so far. While it runs, `usage` is metered message by message and
/// `output_tokens` is an estimate; the agent's own result replaces both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    pub session_id: Option<String>,
    pub model: Option<String>,
    pub usage: Usage,
    /// `usage` is the agent's own final count.
    pub usage_final: bool,
    pub cost_usd: Option<f64>,
    /// The agent's closing words.
    pub result_text: Option<String>,
    /// The last things the agent said, when there is no result. At most 32 KiB.
    pub assistant_text: String,
    /// The result says that the run failed.
    pub is_error: bool,
    pub subtype: Option<String>,
    pub stop_reason: Option<String>,
    pub api_status: Option<u16>,
    pub errors: Vec<String>,
    pub turns: Option<i64>,
    /// When the provider will take requests again.
    pub retry_not_before: Option<Timestamp>,
    /// The terminal result has been seen.
    pub terminal: bool,
    /// The result event as the agent gave it, without what is elsewhere in this struct.
    pub result_json: Option<JsonObject>,
    /// The end of what came on stdout and stderr, at most 32 KiB each.
    pub stdout_excerpt: String,
    pub stderr_excerpt: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
}

/// Errors that are answered alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorFamily {
    /// The provider is busy, limited or down: the same run may work later.
    TransientUpstream,
}

impl ErrorFamily {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransientUpstream => "transient_upstream",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillingType {
    MeteredApi,
    Subscription,
    Unknown,
}

impl BillingType {
    /// The word that cost events carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MeteredApi => "metered_api",
            Self::Subscription => "subscription_included",
            Self::Unknown => "unknown",
        }
    }
}

/// What to keep for the task's next run.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionChange {
    /// The adapter has no sessions, or the run ended before one was known: leave what is there.
    Keep,
    Save {
        params: JsonObject,
        display_id: String,
    },
    /// What was saved cannot be resumed.
    Clear,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    pub outcome: Outcome,
    /// Stable word for the run's `errorCode`.
    pub error_code: Option<String>,
    pub error_family: Option<ErrorFamily>,
    pub retry_not_before: Option<Timestamp>,
    /// One sentence for a person.
    pub error: Option<String>,
    /// Facts about the error, such as a login URL.
    pub error_meta: Option<JsonObject>,
    pub usage: Option<Usage>,
    pub cost_usd: Option<f64>,
    pub billing_type: BillingType,
    pub provider: Option<String>,
    pub biller: Option<String>,
    pub model: Option<String>,
    pub session: SessionChange,
    pub summary: Option<String>,
    pub result_json: Option<JsonObject>,
    /// The session was unknown to the agent: launch once more, within the same run and run folder, from a
    /// [`super::RunContext`] whose `session` is `None`. Never set when the attempt was fresh already.
    pub rerun_fresh: bool,
}
