//! Skills: a company's library, the catalog that ships with the program, and audits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{Name, Prose, Text};
use crate::words::words;
use crate::{AgentId, CompanyId, JsonObject, ProjectId, ProjectWorkspaceId, SkillId, Timestamp};

pub use crate::agent_skill::*;
pub use crate::catalog_skill::*;

words! {
    /// Where a skill came from.
    pub enum SkillSourceType {
        LocalPath = "local_path",
        Github = "github",
        Gitea = "gitea",
        Url = "url",
        Catalog = "catalog",
        SkillsSh = "skills_sh",
    }
}

words! {
    /// How a skill's source is shown.
    pub enum SkillSourceBadge {
        Paperclip = "paperclip",
        Github = "github",
        Gitea = "gitea",
        Local = "local",
        Url = "url",
        Catalog = "catalog",
        SkillsSh = "skills_sh",
    }
}

words! {
    /// What a skill could do, judged by the kinds of its files. In rising order of trust needed.
    pub enum SkillTrustLevel {
        MarkdownOnly = "markdown_only",
        Assets = "assets",
        ScriptsExecutables = "scripts_executables",
    }
}

words! {
    /// Whether a skill's front matter says what an agent needs to find it.
    pub enum SkillCompatibility {
        Compatible = "compatible",
        Unknown = "unknown",
        Invalid = "invalid",
    }
}

words! {
    /// What a file is to its skill.
    pub enum SkillFileKind {
        /// SKILL.md
        Skill = "skill",
        Markdown = "markdown",
        Reference = "reference",
        Script = "script",
        Asset = "asset",
        Other = "other",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillFileEntry {
    /// Relative to the skill's folder, with `/`.
    pub path: String,
    pub kind: SkillFileKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanySkill {
    pub id: SkillId,
    pub company_id: CompanyId,
    /// Canonical; unique within the company.
    pub key: String,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    /// SKILL.md as it is.
    pub markdown: String,
    pub source_type: SkillSourceType,
    pub source_locator: Option<String>,
    /// The commit or catalog hash that it is pinned to.
    pub source_ref: Option<String>,
    pub trust_level: SkillTrustLevel,
    pub compatibility: SkillCompatibility,
    pub file_inventory: Vec<SkillFileEntry>,
    pub metadata: Option<JsonObject>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A row of the library: without the texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanySkillListItem {
    pub id: SkillId,
    pub company_id: CompanyId,
    pub key: String,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub source_type: SkillSourceType,
    pub source_locator: Option<String>,
    pub source_ref: Option<String>,
    pub trust_level: SkillTrustLevel,
    pub compatibility: SkillCompatibility,
    pub file_inventory: Vec<SkillFileEntry>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub attached_agent_count: u64,
    pub editable: bool,
    pub editable_reason: Option<String>,
    pub source_label: Option<String>,
    pub source_badge: SkillSourceBadge,
    pub source_path: Option<String>,
    pub catalog_kind: Option<CatalogSkillKind>,
    pub origin_hash: Option<String>,
    pub package_name: Option<String>,
    pub package_version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillUsageAgent {
    pub id: AgentId,
    pub name: String,
    pub url_key: String,
    pub adapter_type: String,
    pub desired: bool,
    pub actual_state: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanySkillDetail {
    #[serde(flatten)]
    pub skill: CompanySkill,
    pub attached_agent_count: u64,
    pub used_by_agents: Vec<SkillUsageAgent>,
    pub editable: bool,
    pub editable_reason: Option<String>,
    pub source_label: Option<String>,
    pub source_badge: SkillSourceBadge,
    pub source_path: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanySkillFileDetail {
    pub skill_id: SkillId,
    pub path: String,
    pub kind: SkillFileKind,
    pub content: String,
    /// For highlighting.
    pub language: Option<String>,
    pub markdown: bool,
    pub editable: bool,
}

words! {
    /// Why an update is not installed.
    pub enum SkillUpdateHoldReason {
        LocalModifications = "local_modifications",
        AuditHardStop = "audit_hard_stop",
        OriginUnavailable = "origin_unavailable",
        CompatibilityInvalid = "compatibility_invalid",
        OperatorHold = "operator_hold",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillUpdateStatus {
    pub supported: bool,
    /// Why it is not supported, or what stands in the way.
    pub reason: Option<String>,
    pub tracking_ref: Option<String>,
    pub current_ref: Option<String>,
    pub latest_ref: Option<String>,
    pub has_update: bool,
    pub installed_hash: Option<String>,
    pub origin_hash: Option<String>,
    pub user_modified_at: Option<Timestamp>,
    pub update_hold_reason: Option<SkillUpdateHoldReason>,
    pub audit_verdict: Option<SkillAuditVerdict>,
    pub audit_codes: Vec<SkillAuditCode>,
}

words! {
    pub enum SkillAuditSeverity {
        Warning = "warning",
        Error = "error",
    }
}

words! {
    pub enum SkillAuditVerdict {
        Pass = "pass",
        Warning = "warning",
        /// A hard stop: nothing is installed, and force does not help.
        Fail = "fail",
    }
}

words! {
    /// What an audit can find. Those up to `origin_unavailable` are errors, the others warnings.
    pub enum SkillAuditCode {
        PathOutOfTree = "path_out_of_tree",
        Symlink = "symlink",
        MissingSkillMd = "missing_skill_md",
        InventoryMismatch = "inventory_mismatch",
        InvalidFrontmatter = "invalid_frontmatter",
        OversizedFile = "oversized_file",
        NonTextFile = "non_text_file",
        RemoteFetchExec = "remote_fetch_exec",
        SecretExfiltration = "secret_exfiltration",
        OriginUnavailable = "origin_unavailable",
        AssetTrust = "asset_trust",
        ScriptTrust = "script_trust",
        OtherTrust = "other_trust",
        NetworkReference = "network_reference",
        SecretReference = "secret_reference",
        BrokenInternalLink = "broken_internal_link",
        LocalModifications = "local_modifications",
    }
}

impl SkillAuditCode {
    pub fn severity(self) -> SkillAuditSeverity {
        if self <= Self::OriginUnavailable { SkillAuditSeverity::Error } else { SkillAuditSeverity::Warning }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillAuditFinding {
    pub code: SkillAuditCode,
    pub severity: SkillAuditSeverity,
    pub message: String,
    /// The file; absent for what concerns the skill as a whole.
    pub path: Option<String>,
    /// From 1. Not in Paperclip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The line itself, shortened, with credentials masked. Not in Paperclip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillAuditResult {
    pub skill_id: SkillId,
    pub installed_hash: Option<String>,
    pub origin_hash: Option<String>,
    pub verdict: SkillAuditVerdict,
    /// Each once, errors first.
    pub codes: Vec<SkillAuditCode>,
    pub findings: Vec<SkillAuditFinding>,
    pub scanned_at: Timestamp,
    pub scan_version: String,
}

words! {
    pub enum SkillFileChange {
        Added = "added",
        Changed = "changed",
        Removed = "removed",
    }
}

/// A file in which two states of a skill differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillDiffFile {
    pub path: String,
    pub change: SkillFileChange,
    pub before_sha256: Option<String>,
    pub after_sha256: Option<String>,
    /// Lines.
    pub additions: u64,
    pub deletions: u64,
    /// Hunks in the unified format. Absent when the file is no text or too large to compare.
    pub patch: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillImportResult {
    pub imported: Vec<CompanySkill>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillProjectScanSkipped {
    pub project_id: ProjectId,
    pub project_name: String,
    pub workspace_id: Option<ProjectWorkspaceId>,
    pub workspace_name: Option<String>,
    pub path: Option<String>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillProjectScanConflict {
    pub slug: String,
    pub key: String,
    pub project_id: ProjectId,
    pub project_name: String,
    pub workspace_id: ProjectWorkspaceId,
    pub workspace_name: String,
    pub path: String,
    pub existing_skill_id: SkillId,
    pub existing_skill_key: String,
    pub existing_source_locator: Option<String>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillProjectScanResult {
    pub scanned_projects: u64,
    pub scanned_workspaces: u64,
    pub discovered: u64,
    pub imported: Vec<CompanySkill>,
    pub updated: Vec<CompanySkill>,
    pub skipped: Vec<SkillProjectScanSkipped>,
    pub conflicts: Vec<SkillProjectScanConflict>,
    pub warnings: Vec<String>,
}

/// A skill by id, key or unique slug, as a person writes it.
pub type SkillReference = Text<1, 500>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListCompanySkills {
    pub company_id: CompanyId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompanySkillPath {
    pub company_id: CompanyId,
    pub skill_id: SkillId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadCompanySkillFile {
    pub company_id: CompanyId,
    pub skill_id: SkillId,
    /// SKILL.md unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteCompanySkillFile {
    pub company_id: CompanyId,
    pub skill_id: SkillId,
    pub path: Text<1, 500>,
    pub content: Text<0, 1_048_576>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateCompanySkill {
    pub company_id: CompanyId,
    pub name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<0, 1024>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markdown: Option<Prose>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportSkills {
    pub company_id: CompanyId,
    /// A path, `owner/repo`, `owner/repo/skill`, an address, or a pasted `npx skills add …`.
    pub source: Text<1, 2000>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScanProjectSkills {
    pub company_id: CompanyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_ids: Option<Vec<ProjectId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_ids: Option<Vec<ProjectWorkspaceId>>,
}

/// Installs an update, or restores the pinned bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplaceCompanySkill {
    pub company_id: CompanyId,
    pub skill_id: SkillId,
    /// Discards local changes. Never a hard stop of the audit.
    #[serde(default)]
    pub force: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn severity_follows_the_order_of_the_codes() {
        let errors: Vec<_> = SkillAuditCode::ALL
            .iter()
            .filter(|c| c.severity() == SkillAuditSeverity::Error)
            .map(|c| c.as_str())
            .collect();
        assert_eq!(errors.len(), 10);
        assert_eq!(SkillAuditCode::AssetTrust.severity(), SkillAuditSeverity::Warning);
        assert_eq!(SkillAuditCode::ALL.len(), 17);
    }

    #[test]
    fn a_finding_has_paperclips_fields_even_when_it_concerns_the_whole_skill() {
        let f = SkillAuditFinding {
            code: SkillAuditCode::MissingSkillMd,
            severity: SkillAuditSeverity::Error,
            message: "m".into(),
            path: None,
            line: None,
            excerpt: None,
        };
        let wire = serde_json::to_value(f).unwrap();
        assert_eq!(
            wire,
            json!({"code": "missing_skill_md", "severity": "error", "message": "m", "path": null})
        );
    }
}
