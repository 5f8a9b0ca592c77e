//! Issues below another one: made one at a time, or as what an accepted plan becomes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::issue::{IssuePriority, IssueStatus, WorkMode};
use crate::text::{Prose, Title};
use crate::words::words;
use crate::{
    AgentId, AgentRef, CompanyId, DecompositionId, GoalId, InteractionId, IssueId, IssueRef, JsonObject,
    LabelId, ProjectId, RevisionId, RunId, Text, Timestamp,
};

/// Declares the fields of a child once, for the child of a plan and for the one that is made by itself.
macro_rules! child {
    ($($(#[$doc:meta])* $field:ident: $type:ty),* $(,)?) => {
        /// A child that a plan asks for. What is not given comes from the parent: project, goal, billing code.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct PlannedChild {
            pub title: Title,
            $($(#[$doc])* #[serde(default)] pub $field: $type),*
        }

        /// An issue below another one. What is not given comes from the parent: project, goal, billing code.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct CreateChildIssue {
            /// The parent.
            pub id: IssueRef,
            pub title: Title,
            $($(#[$doc])* #[serde(default)] pub $field: $type),*
        }

        impl CreateChildIssue {
            pub fn child(self) -> PlannedChild {
                PlannedChild { title: self.title, $($field: self.$field),* }
            }
        }
    };
}

child! {
    description: Option<Prose>,
    status: Option<IssueStatus>,
    work_mode: Option<WorkMode>,
    priority: Option<IssuePriority>,
    project_id: Option<ProjectId>,
    project_workspace_id: Option<String>,
    goal_id: Option<GoalId>,
    blocked_by_issue_ids: Option<Vec<IssueId>>,
    assignee_agent_id: Option<AgentRef>,
    assignee_user_id: Option<Text<1, 200>>,
    request_depth: Option<i64>,
    billing_code: Option<Text<1, 200>>,
    assignee_adapter_overrides: Option<JsonObject>,
    execution_policy: Option<JsonObject>,
    execution_workspace_id: Option<String>,
    execution_workspace_preference: Option<String>,
    execution_workspace_settings: Option<JsonObject>,
    label_ids: Option<Vec<LabelId>>,
    /// What must hold for the child to be done, 20 at the most; written below its description.
    acceptance_criteria: Vec<Text<1, 500>>,
    /// The parent waits for this child.
    block_parent_until_done: bool,
}

words! {
    pub enum DecompositionStatus {
        /// Claimed; children are made, or will be as soon as somebody goes on.
        InFlight = "in_flight",
        Completed = "completed",
    }
}

/// An accepted plan that becomes issues, exactly once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanDecomposition {
    pub id: DecompositionId,
    pub company_id: CompanyId,
    pub source_issue_id: IssueId,
    pub accepted_plan_revision_id: RevisionId,
    pub accepted_interaction_id: Option<InteractionId>,
    pub status: DecompositionStatus,
    /// SHA-256 of the revision and the children that were asked for.
    pub request_fingerprint: String,
    pub requested_child_count: i64,
    pub requested_children: Vec<PlannedChild>,
    /// In the order in which they were asked for.
    pub child_issue_ids: Vec<IssueId>,
    pub owner_agent_id: Option<AgentId>,
    pub owner_user_id: Option<String>,
    pub owner_run_id: Option<RunId>,
    pub completed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecomposePlan {
    pub id: IssueRef,
    /// The revision of the document `plan` that the board accepted.
    pub accepted_plan_revision_id: RevisionId,
    /// 1 to 25.
    pub children: Vec<PlannedChild>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanDecomposed {
    pub decomposition: PlanDecomposition,
    pub child_issue_ids: Vec<IssueId>,
    /// Those that this call made.
    pub newly_created_child_issue_ids: Vec<IssueId>,
}
