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

/// The project that issues are looked for in; `none` means those that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum InProject {
    None,
    One(ProjectId),
}

impl From<InProject> for String {
    fn from(value: InProject) -> Self {
        match value {
            InProject::None => "none".to_owned(),
            InProject::One(id) => id.to_string(),
        }
    }
}

impl TryFrom<String> for InProject {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "none" {
            return Ok(Self::None);
        }
        text.parse().map(Self::One).map_err(|_| "expected a project's id or `none`")
    }
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
    #[serde(default)]
    pub execution_workspace_policy: Option<JsonObject>,
    /// Where its code lies: the fields of a new project workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<JsonObject>,
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
    /// A day as `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub target_date: Patch<String>,
    /// Set: no new issue is put into it. Cleared: it is open again.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub archived_at: Patch<Timestamp>,
    /// How its issues are given their workspaces.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub execution_workspace_policy: Patch<JsonObject>,
}

impl UpdateProject {
    /// A change of nothing.
    pub const fn of(id: ProjectId) -> Self {
        Self {
            id,
            name: None,
            description: Patch::Keep,
            status: None,
            goal_id: Patch::Keep,
            lead_agent_id: Patch::Keep,
            color: Patch::Keep,
            target_date: Patch::Keep,
            archived_at: Patch::Keep,
            execution_workspace_policy: Patch::Keep,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectPath {
    pub id: ProjectId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_are_looked_for_in_a_project_or_in_none_and_in_nothing_else() {
        let id: ProjectId = "6f1c2d9e-0000-7000-8000-000000000001".parse().unwrap();
        for place in [InProject::None, InProject::One(id)] {
            let json = serde_json::to_string(&place).unwrap();
            assert_eq!(serde_json::from_str::<InProject>(&json).unwrap(), place);
        }
        assert_eq!(serde_json::to_string(&InProject::None).unwrap(), "\"none\"");
        assert!(serde_json::from_str::<InProject>("\"nothing\"").is_err());
    }
}
