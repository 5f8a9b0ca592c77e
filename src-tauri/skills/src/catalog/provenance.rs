//! What a skill of the catalog keeps of where it came from: in its metadata, under Paperclip's names.

use contract::skill::{
    CatalogSkill, CatalogSkillKind, SkillAuditCode, SkillAuditVerdict, SkillUpdateHoldReason,
};
use contract::{JsonObject, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{PACKAGE, PACKAGE_VERSION};
use crate::audit::{Audit, SCAN_VERSION};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    pub catalog_id: String,
    pub catalog_key: String,
    pub catalog_kind: CatalogSkillKind,
    pub catalog_category: String,
    pub catalog_path: String,
    pub package_name: String,
    pub package_version: String,
    /// Of the bytes that it was installed from: what a reset restores.
    pub origin_hash: String,
    /// The package's version that these bytes are of.
    pub origin_version: String,
    /// Of the bytes that it has now, as of the last look.
    #[serde(default)]
    pub installed_hash: Option<String>,
    /// When somebody's change was first noticed.
    #[serde(default)]
    pub user_modified_at: Option<Timestamp>,
    #[serde(default)]
    pub update_hold_reason: Option<SkillUpdateHoldReason>,
    #[serde(default)]
    pub audit_verdict: Option<SkillAuditVerdict>,
    #[serde(default)]
    pub audit_codes: Vec<SkillAuditCode>,
    #[serde(default)]
    pub audit_scanned_at: Option<Timestamp>,
    #[serde(default)]
    pub audit_scan_version: Option<String>,
}

impl Provenance {
    /// Of a skill that is installed now, with what its audit said.
    pub fn of(skill: &CatalogSkill, audit: &Audit, now: Timestamp) -> Self {
        let new = Self {
            catalog_id: skill.id.clone(),
            catalog_key: skill.key.clone(),
            catalog_kind: skill.kind,
            catalog_category: skill.category.clone(),
            catalog_path: skill.path.clone(),
            package_name: PACKAGE.to_owned(),
            package_version: PACKAGE_VERSION.to_owned(),
            origin_hash: skill.content_hash.clone(),
            origin_version: PACKAGE_VERSION.to_owned(),
            installed_hash: None,
            user_modified_at: None,
            update_hold_reason: None,
            audit_verdict: None,
            audit_codes: Vec::new(),
            audit_scanned_at: None,
            audit_scan_version: None,
        };
        new.audited(audit, now)
    }

    /// After an audit of the bytes that it has now.
    pub fn audited(self, audit: &Audit, now: Timestamp) -> Self {
        let is_modified = audit.content_hash.as_deref().is_some_and(|h| h != self.origin_hash);
        Self {
            installed_hash: audit.content_hash.clone(),
            user_modified_at: is_modified.then(|| self.user_modified_at.unwrap_or(now)),
            update_hold_reason: audit
                .hold_reason()
                .or_else(|| is_modified.then_some(SkillUpdateHoldReason::LocalModifications)),
            audit_verdict: Some(audit.verdict),
            audit_codes: audit.codes(),
            audit_scanned_at: Some(now),
            audit_scan_version: Some(SCAN_VERSION.to_owned()),
            ..self
        }
    }

    /// What a skill's metadata says, if it came from a catalog.
    pub fn read(metadata: &JsonObject) -> Option<Self> {
        serde_json::from_value(Value::Object(metadata.clone())).ok()
    }

    /// The metadata with this in it; whatever else it holds stays.
    pub fn write(&self, mut metadata: JsonObject) -> JsonObject {
        if let Ok(Value::Object(own)) = serde_json::to_value(self) {
            metadata.extend(own);
        }
        metadata.insert("sourceKind".into(), "catalog".into());
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit, catalog};

    #[test]
    fn provenance_comes_back_from_metadata_and_leaves_the_rest_of_it() {
        let skill = &catalog::skills()[0];
        let bundle = catalog::bundle(skill).unwrap();
        let clean = audit::bundle(&bundle, &audit::Context::default());
        let p = Provenance::of(skill, &clean, Timestamp::from_millis(1));
        assert_eq!(p.installed_hash.as_deref(), Some(skill.content_hash.as_str()));
        assert_eq!((p.update_hold_reason, p.user_modified_at), (None, None));
        let mut metadata = JsonObject::new();
        metadata.insert("author".into(), "me".into());
        let metadata = p.write(metadata);
        assert_eq!((&metadata["sourceKind"], &metadata["author"]), (&"catalog".into(), &"me".into()));
        assert_eq!(metadata["catalogId"], skill.id);
        assert_eq!(Provenance::read(&metadata), Some(p));
        assert_eq!(Provenance::read(&JsonObject::new()), None);
    }

    #[test]
    fn a_change_is_dated_when_it_is_first_seen_and_forgotten_when_it_is_gone() {
        let skill = &catalog::skills()[0];
        let bundle = catalog::bundle(skill).unwrap();
        let clean = audit::bundle(&bundle, &audit::Context::default());
        let changed = audit::Audit { content_hash: Some("sha256:other".into()), ..clean.clone() };
        let at = Timestamp::from_millis;
        let p = Provenance::of(skill, &clean, at(1)).audited(&changed, at(2)).audited(&changed, at(3));
        assert_eq!(p.user_modified_at, Some(at(2)));
        assert_eq!(p.update_hold_reason, Some(SkillUpdateHoldReason::LocalModifications));
        let p = p.audited(&clean, at(4));
        assert_eq!((p.user_modified_at, p.update_hold_reason), (None, None));
    }
}
