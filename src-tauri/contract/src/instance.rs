//! The instance: this installation, its settings, its health and its backups.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;
use crate::{Cents, JsonObject, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `authenticated` while every request needs a token; `local_trusted` when local processes are trusted.
    pub deployment_mode: String,
    pub deployment_exposure: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_ready: Option<bool>,
    pub bootstrap_status: String,
    pub bootstrap_invite_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<JsonObject>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupRetention {
    pub daily_days: u32,
    pub weekly_weeks: u32,
    pub monthly_months: u32,
}

impl Default for BackupRetention {
    fn default() -> Self {
        Self { daily_days: 7, weekly_weeks: 4, monthly_months: 1 }
    }
}

/// Settings of the whole installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GeneralSettings {
    pub censor_username_in_logs: bool,
    pub keyboard_shortcuts: bool,
    /// Kept for Paperclip's clients; nothing is ever shared.
    pub feedback_data_sharing_preference: String,
    pub backup_retention: BackupRetention,
    pub backup_enabled: bool,
    pub backup_interval_minutes: u32,
    /// Live runs at once over all agents; absent: as many as memory allows.
    pub max_live_runs: Option<u32>,
    /// Let local processes in without a token, as Paperclip does. Off unless the operator says so.
    pub trust_local_processes: bool,
    pub start_at_login: bool,
    pub close_to_tray: bool,
    pub notifications: bool,
    /// `system`, `light` or `dark`
    pub theme: String,
}

impl Default for GeneralSettings {
    fn default() -> Self {
        Self {
            censor_username_in_logs: false,
            keyboard_shortcuts: true,
            feedback_data_sharing_preference: "not_allowed".into(),
            backup_retention: BackupRetention::default(),
            backup_enabled: true,
            backup_interval_minutes: 60,
            max_live_runs: None,
            trust_local_processes: false,
            start_at_login: false,
            close_to_tray: true,
            notifications: true,
            theme: "system".into(),
        }
    }
}

/// A change of some settings; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PatchGeneralSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub censor_username_in_logs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyboard_shortcuts: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback_data_sharing_preference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_retention: Option<BackupRetention>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_interval_minutes: Option<u32>,
    #[serde(skip_serializing_if = "crate::Patch::is_keep")]
    pub max_live_runs: crate::Patch<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_local_processes: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at_login: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_to_tray: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
}

/// What Paperclip keeps behind flags. Most of it is simply there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentalSettings {
    pub enable_environments: bool,
    pub enable_isolated_workspaces: bool,
    pub enable_issue_plan_decompositions: bool,
    pub enable_cloud_sync: bool,
    pub auto_restart_dev_server_when_idle: bool,
    /// Ask somebody to look where a chain of blockers has come to a halt.
    pub enable_issue_graph_liveness_auto_recovery: bool,
    /// Hours within which something of the chain changed: older halts are left alone.
    pub issue_graph_liveness_auto_recovery_lookback_hours: u32,
}

impl Default for ExperimentalSettings {
    fn default() -> Self {
        Self {
            enable_environments: false,
            enable_isolated_workspaces: true,
            enable_issue_plan_decompositions: true,
            enable_cloud_sync: false,
            auto_restart_dev_server_when_idle: false,
            enable_issue_graph_liveness_auto_recovery: false,
            issue_graph_liveness_auto_recovery_lookback_hours: 24,
        }
    }
}

/// A change of some of them; what is absent stays. What cannot be switched here is refused unless it is as asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PatchExperimentalSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_environments: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_isolated_workspaces: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_issue_plan_decompositions: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_cloud_sync: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_restart_dev_server_when_idle: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_issue_graph_liveness_auto_recovery: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_graph_liveness_auto_recovery_lookback_hours: Option<u32>,
}

/// What the whole installation is doing, for the tray and the status bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    pub version: String,
    pub data_dir: String,
    /// Of the HTTP door; absent when it could not be opened.
    pub url: Option<String>,
    pub running_runs: i64,
    pub queued_runs: i64,
    pub max_live_runs: u32,
    /// Decisions that wait for the operator.
    pub waiting_for_you: i64,
    pub failed_runs_today: i64,
    pub spent_today_cents: Cents,
    pub next_wake_at: Option<Timestamp>,
    /// Set while everything is paused.
    pub paused_at: Option<Timestamp>,
    /// Things that are wrong and what to do about each.
    pub problems: Vec<Finding>,
}

words! {
    pub enum FindingLevel {
        Ok = "ok",
        Warn = "warn",
        Error = "error",
    }
}

/// One result of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable name of the check: `integrity`, `foreign_keys`, `dangling_locks`.
    pub check: String,
    pub level: FindingLevel,
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorReport {
    pub level: FindingLevel,
    pub findings: Vec<Finding>,
    pub checked_at: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunDoctor {
    /// Mend what can be mended without a decision.
    #[serde(default)]
    pub repair: bool,
}

/// A backup that was made and checked by opening it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupResult {
    /// `manual` or `scheduled`
    pub trigger: String,
    pub backup_file: String,
    pub size_bytes: u64,
    pub pruned_count: u32,
    pub backup_dir: String,
    pub retention: BackupRetention,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    pub duration_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupEntry {
    pub file: String,
    pub size_bytes: u64,
    pub created_at: Timestamp,
}

/// Who the caller is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionUser {
    pub id: String,
    pub email: Option<String>,
    pub name: String,
    pub image: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    pub id: String,
    pub user_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub session: SessionInfo,
    pub user: SessionUser,
}
