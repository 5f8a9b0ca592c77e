//! What an adapter makes of a run.

use contract::cost::BillingType;
use contract::{JsonObject, Micros, Timestamp};
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

    /// What is missing to `all`; negative where `self` is more.
    #[must_use]
    pub const fn missing_to(self, all: Self) -> Self {
        Self {
            input_tokens: all.input_tokens.saturating_sub(self.input_tokens),
            cached_input_tokens: all.cached_input_tokens.saturating_sub(self.cached_input_tokens),
            cache_write_tokens: all.cache_write_tokens.saturating_sub(self.cache_write_tokens),
            output_tokens: all.output_tokens.saturating_sub(self.output_tokens),
        }
    }

    pub const fn is_zero(&self) -> bool {
        self.input_tokens == 0
            && self.cached_input_tokens == 0
            && self.cache_write_tokens == 0
            && self.output_tokens == 0
    }
}

/// What one message of a model used, as far as it has been read. The same key again takes the place of what was
/// said before of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    /// Names the message within its run, the same whenever the run's log is read.
    pub key: String,
    pub model: Option<String>,
    /// Negative counts in a correction.
    pub usage: Usage,
    /// At the provider's list price; who has a subscription pays nothing of it.
    pub cost: Micros,
    /// It is no message: the agent's own count at its end differs by this from what its messages were reckoned with.
    pub correction: bool,
}

/// Who is paid for a run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    pub provider: String,
    pub biller: String,
    pub billing: BillingType,
}

impl Payee {
    /// What is billed of a list price.
    pub fn billed(&self, cost: Micros) -> Micros {
        if self.billing == BillingType::SubscriptionIncluded { Micros::ZERO } else { cost }
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
