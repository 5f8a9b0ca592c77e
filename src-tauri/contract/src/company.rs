//! Companies: the root that everything else belongs to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{Name, Prose};
use crate::words::words;
use crate::{Cents, CompanyId, Patch, Timestamp};

words! {
    pub enum CompanyStatus {
        Active = "active",
        Paused = "paused",
        Archived = "archived",
    }
}

words! {
    /// Why something stands still.
    pub enum PauseReason {
        Manual = "manual",
        Budget = "budget",
        System = "system",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Company {
    pub id: CompanyId,
    pub name: String,
    pub description: Option<String>,
    pub status: CompanyStatus,
    pub pause_reason: Option<PauseReason>,
    pub paused_at: Option<Timestamp>,
    /// Prefix of issue identifiers, unique on this machine, fixed for life.
    pub issue_prefix: String,
    pub issue_counter: i64,
    pub budget_monthly_cents: Cents,
    pub spent_monthly_cents: Cents,
    /// Bytes.
    pub attachment_max_bytes: i64,
    pub require_board_approval_for_new_agents: bool,
    pub feedback_data_sharing_enabled: bool,
    pub brand_color: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateCompany {
    pub name: Name,
    #[serde(default)]
    pub description: Option<Prose>,
    #[serde(default)]
    pub budget_monthly_cents: Cents,
    #[serde(default)]
    pub attachment_max_bytes: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateCompany {
    pub company_id: CompanyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub description: Patch<Prose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<CompanyStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_monthly_cents: Option<Cents>,
    /// The largest file that may be attached, in bytes: 1 to 2^30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_max_bytes: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_board_approval_for_new_agents: Option<bool>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub brand_color: Patch<String>,
}

impl UpdateCompany {
    /// One that changes nothing yet.
    pub fn of(company_id: CompanyId) -> Self {
        Self {
            company_id,
            name: None,
            description: Patch::Keep,
            status: None,
            budget_monthly_cents: None,
            attachment_max_bytes: None,
            require_board_approval_for_new_agents: None,
            brand_color: Patch::Keep,
        }
    }
}

/// Names one company.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompanyPath {
    pub company_id: CompanyId,
}

/// The input of operations that take nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// How much a company holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanyStats {
    /// Agents that are not terminated.
    pub agent_count: i64,
    /// Issues, open or not, that are not hidden.
    pub issue_count: i64,
}
