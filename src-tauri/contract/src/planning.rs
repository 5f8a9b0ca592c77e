//! Goals and projects: what the work is for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::company::PauseReason;
use crate::text::{Name, Prose};
use crate::words::words;
use crate::{AgentId, CompanyId, GoalId, JsonObject, Patch, ProjectId, Timestamp};

words! {
    pub enum GoalLevel {
        Company = "company",
        Team = "team",
        Agent = "agent",
        Task = "task",
    }
}

words! {
    pub enum GoalStatus {
        Planned = "planned",
        Active = "active",
        Achieved = "achieved",
        Cancelled = "cancelled",
    }
}

words! {
    pub enum ProjectStatus {
        Backlog = "backlog",
        Planned = "planned",
        InProgress = "in_progress",
        Completed = "completed",
        Cancelled = "cancelled",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    pub id: GoalId,
    pub company_id: CompanyId,
    pub title: String,
    pub description: Option<String>,
    pub level: GoalLevel,
    pub status: GoalStatus,
    pub parent_id: Option<GoalId>,
    pub owner_agent_id: Option<AgentId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateGoal {
    pub company_id: CompanyId,
    pub title: Name,
    #[serde(default)]
    pub description: Option<Prose>,
    #[serde(default)]
    pub level: Option<GoalLevel>,
    #[serde(default)]
    pub status: Option<GoalStatus>,
    #[serde(default)]
    pub parent_id: Option<GoalId>,
    #[serde(default)]
    pub owner_agent_id: Option<AgentId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GoalPath {
    pub id: GoalId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    pub id: ProjectId,
    pub company_id: CompanyId,
    pub url_key: String,
    pub goal_id: Option<GoalId>,
    pub name: String,
    pub description: Option<String>,
    pub status: ProjectStatus,
    pub lead_agent_id: Option<AgentId>,
    pub target_date: Option<String>,
    pub color: Option<String>,
    pub env: Option<JsonObject>,
    pub pause_reason: Option<PauseReason>,
    pub paused_at: Option<Timestamp>,
    pub execution_workspace_policy: Option<JsonObject>,
    pub archived_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProject {
    pub company_id: CompanyId,
    pub name: Name,
    #[serde(default)]
    pub description: Option<Prose>,
    #[serde(default)]
    pub status: Option<ProjectStatus>,
    #[serde(default)]
    pub goal_id: Option<GoalId>,
    #[serde(default)]
    pub lead_agent_id: Option<AgentId>,
    #[serde(default)]
    pub target_date: Option<String>,
    #[serde(default)]
    pub color: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateProject {
    pub id: ProjectId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub description: Patch<Prose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ProjectStatus>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub goal_id: Patch<GoalId>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub lead_agent_id: Patch<AgentId>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub color: Patch<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectPath {
    pub id: ProjectId,
}
