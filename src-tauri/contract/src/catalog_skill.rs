//! The catalog of skills that ships with the program.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CompanyId;
use crate::skill::{CompanySkill, SkillCompatibility, SkillFileKind, SkillReference, SkillTrustLevel};
use crate::text::Name;
use crate::words::words;

words! {
    pub enum CatalogSkillKind {
        Bundled = "bundled",
        Optional = "optional",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogSkillFile {
    pub path: String,
    pub kind: SkillFileKind,
    pub size_bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// A skill that ships with the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogSkill {
    /// `paperclipai:<kind>:<category>:<slug>`
    pub id: String,
    /// `paperclipai/<kind>/<category>/<slug>`
    pub key: String,
    pub kind: CatalogSkillKind,
    pub category: String,
    pub slug: String,
    pub name: String,
    pub description: String,
    /// Within the catalog.
    pub path: String,
    /// Always `SKILL.md`.
    pub entrypoint: String,
    pub trust_level: SkillTrustLevel,
    pub compatibility: SkillCompatibility,
    pub default_install: bool,
    pub recommended_for_roles: Vec<String>,
    /// Keys of skills that it builds on.
    pub requires: Vec<String>,
    pub tags: Vec<String>,
    /// SKILL.md first, then by path.
    pub files: Vec<CatalogSkillFile>,
    /// `sha256:` and hexadecimal, over paths and hashes of the files.
    pub content_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogSkillFileDetail {
    pub catalog_skill_id: String,
    pub path: String,
    pub kind: SkillFileKind,
    pub content: String,
    pub language: Option<String>,
    pub markdown: bool,
}

words! {
    pub enum SkillInstallAction {
        Created = "created",
        Updated = "updated",
        Unchanged = "unchanged",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallCatalogSkillResult {
    pub action: SkillInstallAction,
    pub skill: CompanySkill,
    pub catalog_skill: CatalogSkill,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListCatalogSkills {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CatalogSkillKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CatalogSkillPath {
    pub catalog_id: SkillReference,
    /// Instead of the id: keys hold slashes, which a path cannot.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "ref")]
    pub reference: Option<SkillReference>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadCatalogSkillFile {
    pub catalog_id: SkillReference,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "ref")]
    pub reference: Option<SkillReference>,
    /// SKILL.md unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstallCatalogSkill {
    pub company_id: CompanyId,
    pub catalog_skill_id: SkillReference,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<Name>,
    #[serde(default)]
    pub force: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_take_what_paperclips_client_sends() {
        let company = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
        let got: InstallCatalogSkill = serde_json::from_value(
            json!({"companyId": company, "catalogSkillId": "issue-triage", "slug": null, "force": true}),
        )
        .unwrap();
        assert!(got.slug.is_none() && got.force);
        let got: CatalogSkillPath =
            serde_json::from_value(json!({"catalogId": "ref", "ref": "paperclipai/bundled/docs/x"})).unwrap();
        assert_eq!(got.reference.as_deref(), Some("paperclipai/bundled/docs/x"));
    }
}
