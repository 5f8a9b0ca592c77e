//! What an agent is given of its company's skills, and how its adapter hands it over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AgentRef;
use crate::skill::SkillReference;
use crate::words::words;

words! {
    /// How an adapter hands skills to its tool.
    pub enum AgentSkillSyncMode {
        Unsupported = "unsupported",
        /// Linked into the tool's own folder of skills.
        Persistent = "persistent",
        /// Mounted for a run.
        Ephemeral = "ephemeral",
    }
}

words! {
    pub enum AgentSkillState {
        Available = "available",
        Configured = "configured",
        Installed = "installed",
        Missing = "missing",
        Stale = "stale",
        External = "external",
    }
}

words! {
    pub enum AgentSkillOrigin {
        CompanyManaged = "company_managed",
        PaperclipRequired = "paperclip_required",
        UserInstalled = "user_installed",
        ExternalUnknown = "external_unknown",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSkillEntry {
    pub key: String,
    pub runtime_name: Option<String>,
    pub desired: bool,
    pub managed: bool,
    pub required: bool,
    pub required_reason: Option<String>,
    pub state: AgentSkillState,
    pub origin: AgentSkillOrigin,
    pub origin_label: Option<String>,
    pub location_label: Option<String>,
    pub read_only: bool,
    pub source_path: Option<String>,
    pub target_path: Option<String>,
    pub detail: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSkillSnapshot {
    pub adapter_type: String,
    pub supported: bool,
    pub mode: AgentSkillSyncMode,
    pub desired_skills: Vec<String>,
    pub entries: Vec<AgentSkillEntry>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncAgentSkills {
    pub id: AgentRef,
    /// By id, key or unique slug. Replaces what was desired; required skills stay.
    pub desired_skills: Vec<SkillReference>,
}
