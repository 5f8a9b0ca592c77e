//! A skill in memory: its files, whole and checked.

use std::borrow::Cow;
use std::collections::HashMap;

use contract::skill::{CatalogSkillFile, SkillCompatibility, SkillFileEntry, SkillFileKind, SkillTrustLevel};

use crate::front_matter::{self, FrontMatter, FrontMatterError};
use crate::hash;
use crate::inventory::{self, ENTRYPOINT};
use crate::path::{self, BadPath};

/// What a skill may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub files: usize,
    /// Of one file.
    pub file_bytes: u64,
    /// Of all files together.
    pub total_bytes: u64,
    /// Folders within folders.
    pub depth: usize,
}

impl Limits {
    /// Of one skill.
    pub const SKILL: Self = Self { files: 500, file_bytes: 1 << 20, total_bytes: 16 << 20, depth: 8 };
}

/// Why files are no skill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    #[error("there is no {ENTRYPOINT}")]
    MissingEntrypoint,
    #[error("the path {path:?} is refused: {why}")]
    Path { path: String, why: BadPath },
    #[error("{a:?} and {b:?} would be one file on some systems")]
    Clash { a: String, b: String },
    #[error("{0:?} is a link that leaves the skill's folder or leads nowhere")]
    Link(String),
    #[error("{0:?} is neither a file nor a folder")]
    Special(String),
    #[error("{path:?} has {size} bytes; a file has at most {limit}")]
    LargeFile { path: String, size: u64, limit: u64 },
    #[error("it has more than {0} files")]
    ManyFiles(usize),
    #[error("its files have more than {0} bytes together")]
    Large(u64),
    #[error("{path:?} lies more than {limit} folders deep")]
    Deep { path: String, limit: usize },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: String,
    /// What ships with the program is not copied.
    pub bytes: Cow<'static, [u8]>,
    pub sha256: String,
    pub kind: SkillFileKind,
}

/// The files of one skill. It has a SKILL.md, every path is sound and none stands in another's way, and all of it is
/// within limits; SKILL.md comes first, the others by path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    files: Vec<File>,
}

impl Bundle {
    pub fn new<B: Into<Cow<'static, [u8]>>>(
        files: impl IntoIterator<Item = (String, B)>,
        limits: &Limits,
    ) -> Result<Self, BundleError> {
        let mut taken = Vec::new();
        let mut total: u64 = 0;
        for (path, bytes) in files {
            let bytes: Cow<'static, [u8]> = bytes.into();
            let size = bytes.len() as u64;
            if taken.len() == limits.files {
                return Err(BundleError::ManyFiles(limits.files));
            }
            check_file(&path, size, limits)?;
            total = total.saturating_add(size);
            if total > limits.total_bytes {
                return Err(BundleError::Large(limits.total_bytes));
            }
            taken.push((path, bytes));
        }
        taken.sort_by(|a, b| hash::order(&a.0).cmp(&hash::order(&b.0)));
        clashes(taken.iter().map(|(path, _)| path.as_str()))?;
        if taken.first().is_none_or(|(path, _)| path != ENTRYPOINT) {
            return Err(BundleError::MissingEntrypoint);
        }
        let files = taken
            .into_iter()
            .map(|(path, bytes)| File {
                sha256: hash::sha256(&bytes),
                kind: inventory::kind(&path),
                path,
                bytes,
            })
            .collect();
        Ok(Self { files })
    }

    pub fn files(&self) -> &[File] {
        &self.files
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|f| f.path == path)
    }

    /// Of all files together, in bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|f| f.bytes.len() as u64).sum()
    }

    pub fn trust_level(&self) -> SkillTrustLevel {
        inventory::trust(self.files.iter().map(|f| f.kind))
    }

    /// `sha256:` and hexadecimal.
    pub fn content_hash(&self) -> String {
        hash::content(self.files.iter().map(|f| (f.path.as_str(), f.sha256.as_str())))
    }

    pub fn inventory(&self) -> Vec<SkillFileEntry> {
        self.files.iter().map(|f| SkillFileEntry { path: f.path.clone(), kind: f.kind }).collect()
    }

    /// The inventory with sizes and hashes.
    pub fn manifest(&self) -> Vec<CatalogSkillFile> {
        let file = |f: &File| CatalogSkillFile {
            path: f.path.clone(),
            kind: f.kind,
            size_bytes: f.bytes.len() as u64,
            sha256: f.sha256.clone(),
        };
        self.files.iter().map(file).collect()
    }

    /// SKILL.md's text. `None`: it is no UTF-8.
    pub fn markdown(&self) -> Option<&str> {
        std::str::from_utf8(&self.files.first()?.bytes).ok()
    }

    pub fn front_matter(&self) -> Result<FrontMatter, FrontMatterError> {
        let bytes = self.files.first().map(|f| &*f.bytes).unwrap_or_default();
        front_matter::parse_bytes(bytes).map(|parsed| parsed.front)
    }

    pub fn compatibility(&self) -> SkillCompatibility {
        front_matter::compatibility(&self.front_matter())
    }
}

/// What can be said of a file by its path and size alone.
pub(crate) fn check_file(path: &str, size: u64, limits: &Limits) -> Result<(), BundleError> {
    path::check(path).map_err(|why| BundleError::Path { path: shown(path), why })?;
    if path::depth(path) > limits.depth {
        return Err(BundleError::Deep { path: path.to_owned(), limit: limits.depth });
    }
    if size > limits.file_bytes {
        return Err(BundleError::LargeFile { path: path.to_owned(), size, limit: limits.file_bytes });
    }
    Ok(())
}

/// Two paths that differ in case only, and a file where another needs a folder.
fn clashes<'a>(paths: impl Iterator<Item = &'a str> + Clone) -> Result<(), BundleError> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    let clash = |a: &str, b: &str| Err(BundleError::Clash { a: a.to_owned(), b: b.to_owned() });
    for path in paths.clone() {
        if let Some(other) = seen.insert(path.to_lowercase(), path) {
            return clash(other, path);
        }
    }
    for path in paths {
        let lower = path.to_lowercase();
        for (at, _) in lower.match_indices('/') {
            if let Some(file) = seen.get(&lower[..at]) {
                return clash(file, path);
            }
        }
    }
    Ok(())
}

/// A path for a message: not too long, and visible.
pub(crate) fn shown(path: &str) -> String {
    visible(&path.chars().take(200).collect::<String>())
}

/// A text in which nothing is hidden and nothing is obeyed by a terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || path::is_invisible(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "---\nname: x\ndescription: y\n---\n";

    fn bundle(files: &[(&str, &str)]) -> Result<Bundle, BundleError> {
        Bundle::new(files.iter().map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec())), &Limits::SKILL)
    }

    #[test]
    fn files_are_ordered_hashed_and_told_apart() {
        let b = bundle(&[("scripts/a.sh", "x"), ("README.md", ""), ("SKILL.md", TEXT)]).unwrap();
        let paths: Vec<&str> = b.files().iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["SKILL.md", "README.md", "scripts/a.sh"]);
        assert_eq!(b.file("README.md").unwrap().sha256, hash::sha256(b""));
        assert_eq!(b.trust_level(), SkillTrustLevel::ScriptsExecutables);
        assert_eq!(b.compatibility(), SkillCompatibility::Compatible);
        assert_eq!(
            b.content_hash(),
            bundle(&[("SKILL.md", TEXT), ("scripts/a.sh", "x"), ("README.md", "")]).unwrap().content_hash()
        );
        assert_eq!(b.manifest()[2].size_bytes, 1);
    }

    #[test]
    fn files_that_would_not_be_kept_apart_everywhere_are_refused() {
        for (a, b) in [("a.md", "a.md"), ("a.md", "A.md"), ("ä", "Ä"), ("x", "x/y"), ("X", "x/y/z")] {
            let result = bundle(&[("SKILL.md", TEXT), (a, ""), (b, "")]);
            assert!(matches!(result, Err(BundleError::Clash { .. })), "{a} {b}");
        }
        assert!(matches!(bundle(&[("SKILL.md", TEXT), ("skill.md", TEXT)]), Err(BundleError::Clash { .. })));
        assert!(bundle(&[("SKILL.md", TEXT), ("x", ""), ("x.md/y", ""), ("xy/z", "")]).is_ok());
    }

    #[test]
    fn each_limit_is_named_when_it_is_passed() {
        let small = Limits { files: 2, file_bytes: 40, total_bytes: 60, depth: 1 };
        let new = |files: &[(&str, usize)]| {
            Bundle::new(files.iter().map(|(p, n)| ((*p).to_owned(), vec![b'x'; *n])), &small).err()
        };
        assert_eq!(new(&[("SKILL.md", 40), ("a/b", 20)]), None);
        assert_eq!(new(&[("SKILL.md", 1), ("a", 1), ("b", 1)]), Some(BundleError::ManyFiles(2)));
        assert_eq!(
            new(&[("SKILL.md", 41)]),
            Some(BundleError::LargeFile { path: "SKILL.md".into(), size: 41, limit: 40 })
        );
        assert_eq!(new(&[("SKILL.md", 40), ("a", 21)]), Some(BundleError::Large(60)));
        assert_eq!(
            new(&[("SKILL.md", 1), ("a/b/c", 1)]),
            Some(BundleError::Deep { path: "a/b/c".into(), limit: 1 })
        );
        assert_eq!(new(&[("a", 1)]), Some(BundleError::MissingEntrypoint));
        assert_eq!(new(&[]), Some(BundleError::MissingEntrypoint));
        assert!(matches!(new(&[("../SKILL.md", 1)]), Some(BundleError::Path { why: BadPath::Escapes, .. })));
    }
}
