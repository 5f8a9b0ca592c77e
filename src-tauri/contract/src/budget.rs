//! Budgets: what a company, a project or an agent may cost, and what happens when it does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::approval::ApprovalStatus;
use crate::company::PauseReason;
use crate::text::Text;
use crate::words::words;
use crate::{AgentRef, ApprovalId, BudgetIncidentId, BudgetPolicyId, Cents, CompanyId, Timestamp};

words! {
    pub enum BudgetScope {
        Company = "company",
        Agent = "agent",
        Project = "project",
    }
}

words! {
    pub enum BudgetMetric {
        BilledCents = "billed_cents",
    }
}

words! {
    /// The time over which a budget counts.
    pub enum BudgetWindow {
        CalendarMonthUtc = "calendar_month_utc",
        Lifetime = "lifetime",
    }
}

words! {
    pub enum BudgetThreshold {
        /// The warning.
        Soft = "soft",
        /// The stop.
        Hard = "hard",
    }
}

words! {
    pub enum BudgetIncidentStatus {
        Open = "open",
        Resolved = "resolved",
        Dismissed = "dismissed",
    }
}

words! {
    pub enum BudgetResolution {
        KeepPaused = "keep_paused",
        RaiseBudgetAndResume = "raise_budget_and_resume",
    }
}

words! {
    pub enum BudgetStatus {
        Ok = "ok",
        Warning = "warning",
        HardStop = "hard_stop",
    }
}

/// A budget as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetPolicy {
    pub id: BudgetPolicyId,
    pub company_id: CompanyId,
    pub scope_type: BudgetScope,
    pub scope_id: Uuid,
    pub metric: BudgetMetric,
    pub window_kind: BudgetWindow,
    pub amount: Cents,
    pub warn_percent: i64,
    pub hard_stop_enabled: bool,
    pub notify_enabled: bool,
    pub is_active: bool,
    pub created_by_user_id: Option<String>,
    pub updated_by_user_id: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A budget with what was spent of it in its present window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetPolicySummary {
    pub policy_id: BudgetPolicyId,
    pub company_id: CompanyId,
    pub scope_type: BudgetScope,
    pub scope_id: Uuid,
    pub scope_name: String,
    pub metric: BudgetMetric,
    pub window_kind: BudgetWindow,
    pub amount: Cents,
    pub observed_amount: Cents,
    pub remaining_amount: Cents,
    /// Held for runs that are at work, and so not to be had by others.
    pub reserved_amount: Cents,
    pub utilization_percent: f64,
    pub warn_percent: i64,
    pub hard_stop_enabled: bool,
    pub notify_enabled: bool,
    pub is_active: bool,
    pub status: BudgetStatus,
    pub paused: bool,
    pub pause_reason: Option<PauseReason>,
    pub window_start: Timestamp,
    pub window_end: Timestamp,
}

/// A threshold that was crossed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetIncident {
    pub id: BudgetIncidentId,
    pub company_id: CompanyId,
    pub policy_id: BudgetPolicyId,
    pub scope_type: BudgetScope,
    pub scope_id: Uuid,
    pub scope_name: String,
    pub metric: BudgetMetric,
    pub window_kind: BudgetWindow,
    pub window_start: Timestamp,
    pub window_end: Timestamp,
    pub threshold_type: BudgetThreshold,
    pub amount_limit: Cents,
    pub amount_observed: Cents,
    pub status: BudgetIncidentStatus,
    pub approval_id: Option<ApprovalId>,
    pub approval_status: Option<ApprovalStatus>,
    pub resolved_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Everything about a company's budgets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetOverview {
    pub company_id: CompanyId,
    pub policies: Vec<BudgetPolicySummary>,
    pub active_incidents: Vec<BudgetIncident>,
    pub paused_agent_count: i64,
    pub paused_project_count: i64,
    pub pending_approval_count: i64,
}

/// Sets a budget; an amount of zero lifts it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpsertBudgetPolicy {
    pub company_id: CompanyId,
    pub scope_type: BudgetScope,
    pub scope_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<BudgetMetric>,
    /// The calendar month unless given; the lifetime for projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_kind: Option<BudgetWindow>,
    pub amount: Cents,
    /// 1 to 99; 80 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_percent: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_stop_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateCompanyBudget {
    pub company_id: CompanyId,
    pub budget_monthly_cents: Cents,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateAgentBudget {
    pub agent_id: AgentRef,
    pub budget_monthly_cents: Cents,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveBudgetIncident {
    pub company_id: CompanyId,
    pub incident_id: BudgetIncidentId,
    pub action: BudgetResolution,
    /// The new limit, above what was spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Cents>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_note: Option<Text<0, 5000>>,
}
