//! The company at a glance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cents, CompanyId};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentCounts {
    pub active: i64,
    pub running: i64,
    pub paused: i64,
    pub error: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskCounts {
    pub open: i64,
    pub in_progress: i64,
    pub blocked: i64,
    pub done: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostSummary {
    pub month_spend_cents: Cents,
    pub month_budget_cents: Cents,
    pub month_utilization_percent: f64,
}

/// Runs that ended on one day (UTC).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunActivityDay {
    /// `YYYY-MM-DD`
    pub date: String,
    pub succeeded: i64,
    pub failed: i64,
    pub other: i64,
    pub total: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetCounts {
    pub active_incidents: i64,
    pub pending_approvals: i64,
    pub paused_agents: i64,
    pub paused_projects: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    pub company_id: CompanyId,
    pub agents: AgentCounts,
    pub tasks: TaskCounts,
    pub costs: CostSummary,
    pub pending_approvals: i64,
    /// Cards in threads that wait for the operator.
    pub pending_interactions: i64,
    pub budgets: BudgetCounts,
    pub run_activity: Vec<RunActivityDay>,
}
