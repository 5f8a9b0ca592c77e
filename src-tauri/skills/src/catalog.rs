//! The catalog of skills that ships inside the program.
//!
//! The files lie in `catalog/<kind>/<category>/<slug>` and are embedded by the build script; the manifest beside them
//! is made by `cargo xtask catalog` and checked in.

mod install;
mod make;
mod provenance;
mod search;

use std::sync::LazyLock;

use contract::Timestamp;
use contract::skill::{CatalogSkill, CatalogSkillFileDetail, ListCatalogSkills};
use serde::{Deserialize, Serialize};

use crate::bundle::{Bundle, BundleError, Limits};
use crate::inventory::{self, ENTRYPOINT};
use crate::reference::{self, ReferenceError};

pub use install::{Decision, Installed, Refusal, decide, hold, may_replace};
pub use make::{Problem, check, fresh, make, render};
pub use provenance::Provenance;
pub use search::Index;

include!(concat!(env!("OUT_DIR"), "/catalog_files.rs"));

const MANIFEST: &str = include_str!("../catalog/manifest.json");

/// The name of the package that the catalog is, as provenance records it.
pub const PACKAGE: &str = "paperclip-desktop-skills";
pub const PACKAGE_VERSION: &str = env!("CARGO_PKG_VERSION");
const SCHEMA_VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    pub schema_version: u32,
    pub package_name: String,
    pub package_version: String,
    /// When the skills in it last changed.
    pub generated_at: Timestamp,
    /// Bundled ones first, then by category and slug.
    pub skills: Vec<CatalogSkill>,
}

/// Why a file of the catalog cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreviewError {
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error("the skill {slug} has no file {path:?}")]
    NoFile { slug: String, path: String },
    #[error("{0:?} is no text")]
    NotText(String),
}

/// The embedded manifest. The tests hold that it is one; a program without a catalog would still run.
static CATALOG: LazyLock<Index> = LazyLock::new(|| {
    let skills = serde_json::from_str::<Manifest>(MANIFEST).map(|m| m.skills).unwrap_or_default();
    let with_package = |skill| CatalogSkill {
        package_name: Some(PACKAGE.to_owned()),
        package_version: Some(PACKAGE_VERSION.to_owned()),
        ..skill
    };
    Index::new(skills.into_iter().map(with_package).collect())
});

/// Every skill of the catalog.
pub fn skills() -> &'static [CatalogSkill] {
    CATALOG.skills()
}

/// The skills that a query asks for, the best match first.
pub fn browse(query: &ListCatalogSkills) -> Vec<&'static CatalogSkill> {
    CATALOG.search(query)
}

/// The skill that an id, a key or a slug names.
pub fn find(reference: &str) -> Result<&'static CatalogSkill, ReferenceError> {
    reference::resolve(reference, skills())
}

/// A skill's files, ready to be audited, compared and written.
pub fn bundle(skill: &CatalogSkill) -> Result<Bundle, BundleError> {
    Bundle::new(files(skill).map(|(path, bytes)| (path.to_owned(), bytes)), &Limits::SKILL)
}

/// One file of a skill, SKILL.md unless another is named.
pub fn preview(reference: &str, path: Option<&str>) -> Result<CatalogSkillFileDetail, PreviewError> {
    let skill = find(reference)?;
    let path = path.filter(|p| !p.is_empty()).unwrap_or(ENTRYPOINT);
    let (_, bytes) = files(skill)
        .find(|(p, _)| *p == path)
        .ok_or_else(|| PreviewError::NoFile { slug: skill.slug.clone(), path: crate::bundle::shown(path) })?;
    let content = std::str::from_utf8(bytes).map_err(|_| PreviewError::NotText(path.to_owned()))?;
    Ok(CatalogSkillFileDetail {
        catalog_skill_id: skill.id.clone(),
        path: path.to_owned(),
        kind: inventory::kind(path),
        content: content.to_owned(),
        language: inventory::language(path).map(str::to_owned),
        markdown: inventory::is_markdown(path),
    })
}

fn files(skill: &CatalogSkill) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let folder = format!("{}/", skill.path);
    FILES.iter().filter_map(move |(path, bytes)| path.strip_prefix(folder.as_str()).map(|p| (p, *bytes)))
}

#[cfg(test)]
mod tests;
