//! Agents: the company's employees, their settings, revisions and keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::company::PauseReason;
use crate::text::{Name, Prose, Text};
use crate::words::words;
use crate::{
    AgentId, AgentKeyId, AgentRef, AgentRevisionId, Cents, CompanyId, JsonObject, Patch, RunId,
    TaskSessionId, Timestamp,
};

words! {
    pub enum AgentStatus {
        Active = "active",
        Paused = "paused",
        Idle = "idle",
        Running = "running",
        Error = "error",
        PendingApproval = "pending_approval",
        Terminated = "terminated",
    }
}

words! {
    pub enum AgentRole {
        Ceo = "ceo",
        Cto = "cto",
        Cmo = "cmo",
        Cfo = "cfo",
        Security = "security",
        Engineer = "engineer",
        Designer = "designer",
        Pm = "pm",
        Qa = "qa",
        Devops = "devops",
        Researcher = "researcher",
        General = "general",
    }
}

/// What an agent may do beyond its own work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentPermissions {
    pub can_create_agents: bool,
    pub can_assign_tasks: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    pub id: AgentId,
    pub company_id: CompanyId,
    pub name: String,
    /// Slug of the name, usable in place of the id.
    pub url_key: String,
    pub role: AgentRole,
    pub title: Option<String>,
    pub icon: Option<String>,
    pub status: AgentStatus,
    pub reports_to: Option<AgentId>,
    pub capabilities: Option<String>,
    pub adapter_type: String,
    pub adapter_config: JsonObject,
    pub runtime_config: JsonObject,
    pub default_environment_id: Option<String>,
    pub budget_monthly_cents: Cents,
    pub spent_monthly_cents: Cents,
    pub pause_reason: Option<PauseReason>,
    pub paused_at: Option<Timestamp>,
    pub permissions: AgentPermissions,
    pub last_heartbeat_at: Option<Timestamp>,
    pub metadata: Option<JsonObject>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One superior of an agent, nearest first in a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChainOfCommandEntry {
    pub id: AgentId,
    pub name: String,
    pub role: AgentRole,
    pub title: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentDetail {
    #[serde(flatten)]
    pub agent: Agent,
    pub chain_of_command: Vec<ChainOfCommandEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateAgent {
    pub company_id: CompanyId,
    pub name: Name,
    #[serde(default = "general_role")]
    pub role: AgentRole,
    #[serde(default)]
    pub title: Option<Name>,
    #[serde(default)]
    pub icon: Option<Text<1, 60>>,
    #[serde(default)]
    pub reports_to: Option<AgentId>,
    #[serde(default)]
    pub capabilities: Option<Prose>,
    #[serde(default)]
    pub desired_skills: Option<Vec<String>>,
    #[serde(default = "process_adapter")]
    pub adapter_type: Text<1, 60>,
    #[serde(default)]
    pub adapter_config: JsonObject,
    /// Files of the agent's instructions; the default ones are written when absent.
    #[serde(default)]
    pub instructions_bundle: Option<NewInstructionsBundle>,
    #[serde(default)]
    pub runtime_config: JsonObject,
    #[serde(default)]
    pub default_environment_id: Option<String>,
    #[serde(default)]
    pub budget_monthly_cents: Cents,
    #[serde(default)]
    pub permissions: Option<AgentPermissions>,
    #[serde(default)]
    pub metadata: Option<JsonObject>,
}

fn general_role() -> AgentRole {
    AgentRole::General
}

fn process_adapter() -> Text<1, 60> {
    match Text::new("process") {
        Ok(t) => t,
        Err(_) => unreachable!("a fixed word within its bounds"),
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewInstructionsBundle {
    #[serde(default)]
    pub entry_file: Option<Text<1, 200>>,
    pub files: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateAgent {
    pub id: AgentRef,
    /// Needed when `id` is a URL key that several companies use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_id: Option<CompanyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<AgentRole>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub title: Patch<Name>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub icon: Patch<Text<1, 60>>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub reports_to: Patch<AgentId>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub capabilities: Patch<Prose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter_type: Option<Text<1, 60>>,
    /// Merged into the present settings key by key, unless `replaceAdapterConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter_config: Option<JsonObject>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace_adapter_config: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_config: Option<JsonObject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_monthly_cents: Option<Cents>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub metadata: Patch<JsonObject>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListAgentsIn {
    pub company_id: CompanyId,
    /// Also those that are terminated, so that history keeps its names.
    #[serde(default, deserialize_with = "crate::query::flag", skip_serializing_if = "std::ops::Not::not")]
    pub include_terminated: bool,
}

/// How an agent is started and woken, secrets masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentConfiguration {
    pub id: AgentId,
    pub company_id: CompanyId,
    pub name: String,
    pub role: AgentRole,
    pub title: Option<String>,
    pub status: AgentStatus,
    pub reports_to: Option<AgentId>,
    pub adapter_type: String,
    pub adapter_config: JsonObject,
    pub runtime_config: JsonObject,
    pub permissions: AgentPermissions,
    pub updated_at: Timestamp,
}

/// Names one agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentPath {
    pub id: AgentRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_id: Option<CompanyId>,
}

impl From<AgentId> for AgentPath {
    fn from(id: AgentId) -> Self {
        Self { id: id.into(), company_id: None }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateAgentPermissions {
    pub id: AgentRef,
    pub can_create_agents: bool,
    pub can_assign_tasks: bool,
}

/// One node of the reporting tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgNode {
    pub id: AgentId,
    pub name: String,
    pub role: AgentRole,
    pub status: AgentStatus,
    pub reports: Vec<OrgNode>,
}

/// One change of an agent's configuration, secrets redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentConfigRevision {
    pub id: AgentRevisionId,
    pub company_id: CompanyId,
    pub agent_id: AgentId,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    /// `create`, `patch` or `rollback`.
    pub source: String,
    pub rolled_back_from_revision_id: Option<AgentRevisionId>,
    pub changed_keys: Vec<String>,
    pub before_config: JsonObject,
    pub after_config: JsonObject,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentRevisionPath {
    pub id: AgentRef,
    pub revision_id: AgentRevisionId,
}

/// A long-lived key of an agent; the secret itself is never stored or shown again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentKey {
    pub id: AgentKeyId,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateAgentKey {
    pub id: AgentRef,
    #[serde(default)]
    pub name: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentKeyCreated {
    pub id: AgentKeyId,
    pub name: String,
    /// Shown this once.
    pub token: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentKeyPath {
    pub id: AgentRef,
    pub key_id: AgentKeyId,
}

/// What an agent used and where its sessions stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentRuntimeState {
    pub agent_id: AgentId,
    pub company_id: CompanyId,
    pub adapter_type: String,
    pub session_id: Option<String>,
    pub state_json: JsonObject,
    pub last_run_id: Option<RunId>,
    pub last_run_status: Option<String>,
    pub total_input_tokens: i64,
    pub total_output_tokens: i64,
    pub total_cached_input_tokens: i64,
    pub total_cost_cents: Cents,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The session an agent resumes for one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentTaskSession {
    pub id: TaskSessionId,
    pub company_id: CompanyId,
    pub agent_id: AgentId,
    pub adapter_type: String,
    pub task_key: String,
    pub session_params_json: Option<JsonObject>,
    pub session_display_id: Option<String>,
    pub last_run_id: Option<RunId>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetSession {
    pub id: AgentRef,
    /// Absent: every session of the agent.
    #[serde(default)]
    pub task_key: Option<String>,
}

/// One file of an agent's instructions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstructionsFileSummary {
    /// Relative to the bundle's root.
    pub path: String,
    /// Bytes.
    pub size: u64,
    pub language: String,
    pub markdown: bool,
    pub is_entry_file: bool,
    pub editable: bool,
    pub deprecated: bool,
    pub r#virtual: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstructionsFileDetail {
    #[serde(flatten)]
    pub summary: InstructionsFileSummary,
    pub content: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstructionsBundle {
    pub agent_id: AgentId,
    pub company_id: CompanyId,
    /// `managed` or `external`.
    pub mode: Option<String>,
    pub root_path: Option<String>,
    pub managed_root_path: String,
    pub entry_file: String,
    pub resolved_entry_path: Option<String>,
    pub editable: bool,
    pub warnings: Vec<String>,
    pub legacy_prompt_template_active: bool,
    pub legacy_bootstrap_prompt_template_active: bool,
    pub files: Vec<InstructionsFileSummary>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstructionsFilePath {
    pub id: AgentRef,
    pub path: Text<1, 400>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteInstructionsFile {
    pub id: AgentRef,
    pub path: Text<1, 400>,
    pub content: Prose,
    #[serde(default)]
    pub clear_legacy_prompt_template: bool,
    /// Refuse when there is such a file already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_only: bool,
}
