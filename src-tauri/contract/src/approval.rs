//! Approvals: what agents, or the program itself, ask of the board.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{Body, Text};
use crate::words::words;
use crate::{
    AgentId, ApprovalCommentId, ApprovalId, Cents, CompanyId, IssueId, IssueRef, JsonObject, Timestamp, query,
};

words! {
    pub enum ApprovalType {
        HireAgent = "hire_agent",
        ApproveCeoStrategy = "approve_ceo_strategy",
        /// Filed by the program alone, when a budget stops something.
        BudgetOverrideRequired = "budget_override_required",
        RequestBoardApproval = "request_board_approval",
    }
}

words! {
    pub enum ApprovalStatus {
        Pending = "pending",
        RevisionRequested = "revision_requested",
        Approved = "approved",
        Rejected = "rejected",
        /// Became needless before anybody decided.
        Cancelled = "cancelled",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    pub id: ApprovalId,
    pub company_id: CompanyId,
    #[serde(rename = "type")]
    pub kind: ApprovalType,
    pub requested_by_agent_id: Option<AgentId>,
    pub requested_by_user_id: Option<String>,
    pub status: ApprovalStatus,
    /// What is asked, by type. Of [`ApprovalType::RequestBoardApproval`]: `title` and `summary`.
    pub payload: JsonObject,
    pub decision_note: Option<String>,
    pub decided_by_user_id: Option<String>,
    pub decided_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalComment {
    pub id: ApprovalCommentId,
    pub company_id: CompanyId,
    pub approval_id: ApprovalId,
    pub author_agent_id: Option<AgentId>,
    pub author_user_id: Option<String>,
    pub body: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An approval's tie to an issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueApproval {
    pub issue_id: IssueId,
    pub approval_id: ApprovalId,
    pub company_id: CompanyId,
    pub linked_by_agent_id: Option<AgentId>,
    pub linked_by_user_id: Option<String>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListApprovals {
    pub company_id: CompanyId,
    #[serde(default, deserialize_with = "query::list", skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<ApprovalStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalPath {
    pub id: ApprovalId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApproval {
    pub company_id: CompanyId,
    pub r#type: ApprovalType,
    /// For whom the board asks; an agent asks for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by_agent_id: Option<AgentId>,
    pub payload: JsonObject,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issue_ids: Vec<IssueId>,
}

/// A decision of the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideApproval {
    pub id: ApprovalId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_note: Option<Text<0, 5000>>,
    /// The new limit, when a budget is raised; the one that the approval proposes unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Cents>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResubmitApproval {
    pub id: ApprovalId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<JsonObject>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddApprovalComment {
    pub id: ApprovalId,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkIssueApproval {
    pub id: IssueRef,
    pub approval_id: ApprovalId,
}
