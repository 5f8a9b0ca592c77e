//! Adapters: how an agent's command line is started and understood.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::query;
use crate::text::Text;
use crate::words::words;
use crate::{CompanyId, JsonObject, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterCapabilities {
    pub supports_instructions_bundle: bool,
    pub supports_skills: bool,
    /// The run gets a token of its own as `PAPERCLIP_API_KEY`.
    pub supports_local_agent_jwt: bool,
    pub requires_materialized_runtime_skills: bool,
    pub supports_sessions: bool,
    pub supports_models: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterInfo {
    pub r#type: String,
    pub label: String,
    /// One sentence for the person who chooses.
    pub description: String,
    /// Always `builtin` here.
    pub source: String,
    pub models_count: u32,
    pub loaded: bool,
    pub disabled: bool,
    pub recommended: bool,
    pub capabilities: AdapterCapabilities,
    /// Fields of the adapter's settings, in the order of the form.
    pub fields: Vec<AdapterField>,
}

words! {
    pub enum FieldKind {
        Text = "text",
        Multiline = "multiline",
        Number = "number",
        Toggle = "toggle",
        Select = "select",
        /// One value a line.
        List = "list",
        /// `NAME=value` a line.
        Env = "env",
        Folder = "folder",
        Model = "model",
    }
}

/// One field of an adapter's settings form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterField {
    /// Key in `adapterConfig`.
    pub key: String,
    pub label: String,
    pub help: Option<String>,
    pub kind: FieldKind,
    pub default: Option<serde_json::Value>,
    pub options: Vec<String>,
    pub required: bool,
    /// Folded away until asked for.
    pub advanced: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterModel {
    pub id: String,
    pub label: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListAdapterModels {
    pub company_id: CompanyId,
    pub r#type: Text<1, 60>,
    #[serde(default, deserialize_with = "query::flag")]
    pub refresh: bool,
    #[serde(default)]
    pub environment_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestEnvironment {
    pub company_id: CompanyId,
    pub r#type: Text<1, 60>,
    #[serde(default)]
    pub adapter_config: JsonObject,
    #[serde(default)]
    pub environment_id: Option<String>,
}

words! {
    pub enum CheckLevel {
        Info = "info",
        Warn = "warn",
        Error = "error",
    }
}

words! {
    pub enum TestStatus {
        Pass = "pass",
        Warn = "warn",
        Fail = "fail",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentCheck {
    pub code: String,
    pub level: CheckLevel,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentTest {
    pub adapter_type: String,
    pub status: TestStatus,
    pub checks: Vec<EnvironmentCheck>,
    pub tested_at: Timestamp,
}

/// Which executable an adapter would start, and why that one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterDetection {
    pub r#type: String,
    pub command: String,
    /// Absent when nothing was found.
    pub executable: Option<String>,
    pub version: Option<String>,
    /// A sentence: where it was looked for and what decided.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DetectAdapters {
    /// Look only for this one.
    #[serde(default)]
    pub r#type: Option<Text<1, 60>>,
    /// Look for this command instead of the adapter's own.
    #[serde(default)]
    pub command: Option<String>,
}
