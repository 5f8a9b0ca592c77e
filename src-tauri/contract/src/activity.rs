//! The audit trail: who did what, when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::query;
use crate::words::words;
use crate::{ActivityId, AgentId, CompanyId, IssueRef, JsonObject, RunId, Timestamp};

words! {
    pub enum ActorType {
        Agent = "agent",
        User = "user",
        System = "system",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    pub id: ActivityId,
    pub company_id: CompanyId,
    pub actor_type: ActorType,
    pub actor_id: String,
    /// Dotted verb: `issue.created`, `agent.paused`.
    pub action: String,
    pub entity_type: String,
    pub entity_id: String,
    pub agent_id: Option<AgentId>,
    pub run_id: Option<RunId>,
    pub details: Option<JsonObject>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListActivity {
    pub company_id: CompanyId,
    #[serde(default)]
    pub agent_id: Option<AgentId>,
    #[serde(default)]
    pub entity_type: Option<String>,
    #[serde(default)]
    pub entity_id: Option<String>,
    /// Only entries older than this one.
    #[serde(default)]
    pub before: Option<ActivityId>,
    /// 100 unless given, 500 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssueActivityPath {
    pub id: IssueRef,
}
