//! Making the catalog's manifest of its files, and finding everything that is wrong with them.

use std::collections::BTreeMap;
use std::fmt;

use contract::Timestamp;
use contract::agent::AgentRole;
use contract::skill::{CatalogSkill, CatalogSkillKind, SkillAuditCode, SkillAuditSeverity, SkillTrustLevel};

use super::{Manifest, PACKAGE, PACKAGE_VERSION, SCHEMA_VERSION};
use crate::audit;
use crate::bundle::{Bundle, Limits, check_file};
use crate::inventory::ENTRYPOINT;
use crate::key;
use crate::tree::{Entry, Found};

/// The manifest's own name in the catalog's folder.
pub(super) const MANIFEST_FILE: &str = "manifest.json";
/// The Agent Skills format's limits.
const LONGEST_NAME: usize = 64;
const LONGEST_DESCRIPTION: usize = 1024;

/// Kind, category and slug.
type Folder<'a> = (CatalogSkillKind, &'a str, &'a str);

/// One thing that is wrong with the catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Within the catalog.
    pub path: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// What the catalog's folder holds, as a manifest, and everything that is wrong with it.
///
/// The entries are those of the whole folder, as `tree::survey` finds them.
pub fn make(entries: &[Entry], generated_at: Timestamp) -> (Manifest, Vec<Problem>) {
    let mut maker = Maker::default();
    let mut folders: BTreeMap<Folder<'_>, Vec<(String, &[u8])>> = BTreeMap::new();
    for entry in entries.iter().filter(|e| e.path != MANIFEST_FILE) {
        let Some((kind, category, slug, file)) = place(&entry.path) else {
            maker.wrong(&entry.path, "lies outside bundled/<category>/<slug> and optional/<category>/<slug>");
            continue;
        };
        let files = folders.entry((kind, category, slug)).or_default();
        if let Some(bytes) = maker.file(entry, file) {
            files.push((file.to_owned(), bytes));
        }
    }
    let mut skills = Vec::new();
    for ((kind, category, slug), files) in folders {
        skills.extend(maker.skill(kind, category, slug, files));
    }
    maker.unique(&skills);
    maker.requirements(&skills);
    maker.problems.sort();
    let manifest = Manifest {
        schema_version: SCHEMA_VERSION,
        package_name: PACKAGE.to_owned(),
        package_version: PACKAGE_VERSION.to_owned(),
        generated_at,
        skills,
    };
    (manifest, maker.problems)
}

/// Everything that is wrong with the catalog, the checked-in manifest included.
pub fn check(entries: &[Entry], checked_in: &str) -> Vec<Problem> {
    let stale = |what: String| Problem { path: MANIFEST_FILE.to_owned(), what };
    let before = serde_json::from_str::<Manifest>(checked_in);
    let at = before.as_ref().map_or(Timestamp::from_millis(0), |m| m.generated_at);
    let (made, mut problems) = make(entries, at);
    match before {
        Err(error) => problems.push(stale(format!("is not valid: {error}"))),
        Ok(_) if render(&made) == checked_in => {}
        Ok(before) => {
            let names = differing(&before, &made).join(", ");
            let what = format!("is stale ({names}): `cargo xtask catalog` makes it anew");
            problems.push(stale(what));
        }
    }
    problems
}

/// The manifest to be checked in: the old one's time stays when nothing else changed.
pub fn fresh(made: Manifest, checked_in: Option<&str>) -> Manifest {
    let before = checked_in.and_then(|text| serde_json::from_str::<Manifest>(text).ok());
    match before {
        Some(before) if (Manifest { generated_at: before.generated_at, ..made.clone() }) == before => before,
        _ => made,
    }
}

/// The manifest as it is checked in.
pub fn render(manifest: &Manifest) -> String {
    // Serialising texts and numbers into memory cannot fail.
    let mut text = serde_json::to_string_pretty(manifest).unwrap_or_default();
    text.push('\n');
    text
}

fn differing(before: &Manifest, made: &Manifest) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for skill in before.skills.iter().chain(&made.skills) {
        let find = |m: &Manifest| m.skills.iter().find(|s| s.key == skill.key).cloned();
        if find(before) != find(made) && !out.contains(&skill.path) {
            out.push(skill.path.clone());
        }
    }
    if out.is_empty() {
        out.push("its head or its layout".to_owned());
    }
    out
}

/// Kind, category, slug and the path within the skill.
fn place(path: &str) -> Option<(CatalogSkillKind, &str, &str, &str)> {
    let mut parts = path.splitn(4, '/');
    let kind = parts.next()?.parse().ok()?;
    Some((kind, parts.next()?, parts.next()?, parts.next()?))
}

#[derive(Default)]
struct Maker {
    problems: Vec<Problem>,
}

impl Maker {
    fn wrong(&mut self, path: &str, what: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), what: what.into() });
    }

    /// A file's bytes, if it may be a part of a skill.
    fn file<'a>(&mut self, entry: &'a Entry, inner: &str) -> Option<&'a [u8]> {
        let size = match &entry.found {
            Found::File(bytes) => bytes.len() as u64,
            Found::Oversized(size) => *size,
            Found::Link(target) => {
                self.wrong(&entry.path, format!("is a link to {target}"));
                return None;
            }
            Found::Special => {
                self.wrong(&entry.path, "is no file, or its name is no text");
                return None;
            }
        };
        if let Err(why) = check_file(inner, size, &Limits::SKILL) {
            self.wrong(&entry.path, why.to_string());
            return None;
        }
        match &entry.found {
            Found::File(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn skill(
        &mut self,
        kind: CatalogSkillKind,
        category: &str,
        slug: &str,
        files: Vec<(String, &[u8])>,
    ) -> Option<CatalogSkill> {
        let path = format!("{kind}/{category}/{slug}");
        for (what, word) in [("category", category), ("slug", slug)] {
            if key::slug(word).as_deref() != Some(word) {
                self.wrong(&path, format!("the {what} {word:?} is no lower-case URL slug"));
            }
        }
        let owned = files.into_iter().map(|(p, b)| (p, b.to_vec()));
        let bundle = match Bundle::new(owned, &Limits::SKILL) {
            Ok(bundle) => bundle,
            Err(error) => {
                self.wrong(&path, error.to_string());
                return None;
            }
        };
        let entrypoint = format!("{path}/{ENTRYPOINT}");
        let front = match bundle.front_matter() {
            Ok(front) => front,
            Err(error) => {
                self.wrong(&entrypoint, error.to_string());
                return None;
            }
        };
        let own_key = format!("paperclipai/{path}");
        let name = front.name.unwrap_or_default();
        let description = front.description.unwrap_or_default();
        if name != slug || name.len() > LONGEST_NAME {
            self.wrong(&entrypoint, format!("the name {name:?} is not the folder's, {slug:?}"));
        }
        if description.is_empty() || description.chars().count() > LONGEST_DESCRIPTION {
            self.wrong(
                &entrypoint,
                format!("the description has to have 1 to {LONGEST_DESCRIPTION} characters"),
            );
        }
        if let Some(given) = front.key.filter(|k| *k != own_key) {
            self.wrong(&entrypoint, format!("the key {given:?} is not the generated one, {own_key:?}"));
        }
        for role in front.roles.iter().filter(|r| r.parse::<AgentRole>().is_err()) {
            self.wrong(&entrypoint, format!("there is no role {role:?}"));
        }
        self.content(&path, &bundle);
        Some(CatalogSkill {
            id: format!("paperclipai:{kind}:{category}:{slug}"),
            key: own_key,
            kind,
            category: category.to_owned(),
            slug: slug.to_owned(),
            name,
            description,
            path,
            entrypoint: ENTRYPOINT.to_owned(),
            trust_level: bundle.trust_level(),
            compatibility: bundle.compatibility(),
            default_install: front.default_install,
            recommended_for_roles: front.roles,
            requires: front.requires,
            tags: front.tags,
            files: bundle.manifest(),
            content_hash: bundle.content_hash(),
            package_name: None,
            package_version: None,
        })
    }

    /// What would keep a company from installing it.
    fn content(&mut self, path: &str, bundle: &Bundle) {
        if bundle.trust_level() == SkillTrustLevel::ScriptsExecutables {
            self.wrong(path, "brings scripts, which are not installed from the catalog");
        }
        let audit = audit::bundle(bundle, &audit::Context::default());
        let errors = audit.findings.iter().filter(|f| f.severity == SkillAuditSeverity::Error);
        // The front matter is looked at more closely above.
        for finding in errors.filter(|f| f.code != SkillAuditCode::InvalidFrontmatter) {
            let file = finding.path.as_deref().unwrap_or_default();
            let line = finding.line.unwrap_or_default();
            self.wrong(path, format!("{} in {file}:{line}: {}", finding.code, finding.message));
        }
    }

    fn unique(&mut self, skills: &[CatalogSkill]) {
        for (n, skill) in skills.iter().enumerate() {
            for other in &skills[..n] {
                for (what, same) in [
                    ("id", skill.id == other.id),
                    ("key", skill.key == other.key),
                    ("slug", skill.slug == other.slug),
                ] {
                    if same {
                        self.wrong(&skill.path, format!("has the {what} of {}", other.path));
                    }
                }
            }
        }
    }

    fn requirements(&mut self, skills: &[CatalogSkill]) {
        for skill in skills {
            for missing in skill.requires.iter().filter(|r| skills.iter().all(|s| s.key != **r)) {
                self.wrong(&skill.path, format!("requires {missing:?}, which is not in the catalog"));
            }
        }
    }
}
