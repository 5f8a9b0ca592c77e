//! What work costs: the ledger, and its sums by who, what and with whom.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::AgentStatus;
use crate::text::Text;
use crate::words::words;
use crate::{
    AgentId, Cents, CompanyId, CostEventId, GoalId, IssueId, IssueRef, Micros, ProjectId, RunId, Timestamp,
    query,
};

words! {
    /// How a provider is paid.
    pub enum BillingType {
        MeteredApi = "metered_api",
        /// Covered by a subscription: it costs nothing more, and counts for no budget.
        SubscriptionIncluded = "subscription_included",
        SubscriptionOverage = "subscription_overage",
        Credits = "credits",
        Fixed = "fixed",
        Unknown = "unknown",
    }
}

/// An entry of the ledger: a message of a model, a correction of what its messages were reckoned with, or what an
/// agent reported by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostEvent {
    pub id: CostEventId,
    pub company_id: CompanyId,
    pub agent_id: AgentId,
    pub issue_id: Option<IssueId>,
    pub project_id: Option<ProjectId>,
    pub goal_id: Option<GoalId>,
    pub heartbeat_run_id: Option<RunId>,
    pub billing_code: Option<String>,
    pub provider: String,
    pub biller: String,
    pub billing_type: BillingType,
    pub model: String,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    /// Rounded; negative in a correction.
    pub cost_cents: i64,
    /// The same unrounded, in millionths of a dollar.
    pub cost_micros: Micros,
    pub occurred_at: Timestamp,
    pub created_at: Timestamp,
}

/// What an agent used that the program did not see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportCost {
    pub company_id: CompanyId,
    pub agent_id: AgentId,
    #[serde(default)]
    pub issue_id: Option<IssueId>,
    #[serde(default)]
    pub project_id: Option<ProjectId>,
    #[serde(default)]
    pub goal_id: Option<GoalId>,
    #[serde(default)]
    pub heartbeat_run_id: Option<RunId>,
    #[serde(default)]
    pub billing_code: Option<Text<0, 200>>,
    pub provider: Text<1, 200>,
    /// The provider unless given.
    #[serde(default)]
    pub biller: Option<Text<1, 200>>,
    #[serde(default)]
    pub billing_type: Option<BillingType>,
    pub model: Text<1, 200>,
    #[serde(default)]
    pub input_tokens: u32,
    #[serde(default)]
    pub cached_input_tokens: u32,
    #[serde(default)]
    pub output_tokens: u32,
    pub cost_cents: Cents,
    pub occurred_at: Timestamp,
}

/// A company's costs within a time; without an end, up to now; without a beginning, from the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostRange {
    pub company_id: CompanyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// What a company spent in a time, beside its monthly budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanyCosts {
    pub company_id: CompanyId,
    pub spend_cents: Cents,
    pub budget_cents: Cents,
    pub utilization_percent: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostByAgent {
    pub agent_id: AgentId,
    pub agent_name: Option<String>,
    pub agent_status: Option<AgentStatus>,
    pub cost_cents: Cents,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    pub api_run_count: i64,
    pub subscription_run_count: i64,
    pub subscription_cached_input_tokens: i64,
    pub subscription_input_tokens: i64,
    pub subscription_output_tokens: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostByAgentModel {
    pub agent_id: AgentId,
    pub agent_name: Option<String>,
    pub provider: String,
    pub biller: String,
    pub billing_type: BillingType,
    pub model: String,
    pub cost_cents: Cents,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostByProviderModel {
    pub provider: String,
    pub biller: String,
    pub billing_type: BillingType,
    pub model: String,
    pub cost_cents: Cents,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    pub api_run_count: i64,
    pub subscription_run_count: i64,
    pub subscription_cached_input_tokens: i64,
    pub subscription_input_tokens: i64,
    pub subscription_output_tokens: i64,
}

/// What one biller is owed, whoever's models were used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostByBiller {
    pub biller: String,
    pub cost_cents: Cents,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    pub api_run_count: i64,
    pub subscription_run_count: i64,
    pub subscription_cached_input_tokens: i64,
    pub subscription_input_tokens: i64,
    pub subscription_output_tokens: i64,
    pub provider_count: i64,
    pub model_count: i64,
}

/// What was spent within the windows in which providers limit use: 5 hours, a day, a week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostWindowSpend {
    pub provider: String,
    pub biller: String,
    /// `5h`, `24h` or `7d`.
    pub window: String,
    pub window_hours: i64,
    pub cost_cents: Cents,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssueCostsOf {
    pub id: IssueRef,
    /// Only what lies below the issue.
    #[serde(default, deserialize_with = "query::flag")]
    pub exclude_root: bool,
}

/// What an issue with all below it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueCostSummary {
    pub issue_id: IssueId,
    pub issue_count: i64,
    pub include_descendants: bool,
    pub cost_cents: Cents,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    pub run_count: i64,
    /// Milliseconds that its runs were at work, also those that still are.
    pub runtime_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostByProject {
    pub project_id: Option<ProjectId>,
    pub project_name: Option<String>,
    pub cost_cents: Cents,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
}
