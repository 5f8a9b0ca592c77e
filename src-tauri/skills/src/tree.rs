//! Skills in folders of this machine: finding them and reading them whole, without being led elsewhere.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::bundle::{Bundle, BundleError, Limits, check_file, shown};
use crate::inventory::ENTRYPOINT;
use crate::path::{self, is_foreign};

/// How far skills are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchLimits {
    pub folders: usize,
    /// Folders within folders.
    pub depth: usize,
    pub skills: usize,
    /// Of all skills together: they are held in memory.
    pub total_bytes: u64,
}

impl SearchLimits {
    pub const TREE: Self = Self { folders: 50_000, depth: 12, skills: 2_000, total_bytes: 256 << 20 };
}

#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error("{} is neither a folder nor a Markdown file", .0.display())]
    NoSkill(PathBuf),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("there are more than {0} folders")]
    ManyFolders(usize),
    #[error("there are more than {0} skills")]
    ManySkills(usize),
    #[error("the skills have more than {0} bytes together")]
    Large(u64),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl TreeError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}

/// What lies in a skill's folder under one path, as it is: for the audit, which has something to say of all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// With `/`; not checked.
    pub path: String,
    pub found: Found,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    File(Vec<u8>),
    /// Not read. Its bytes.
    Oversized(u64),
    /// Not followed. Where it points.
    Link(String),
    /// A socket, a device, or a name that is no text.
    Special,
}

/// A folder with a SKILL.md.
#[derive(Debug)]
pub struct Local {
    /// Below the place that was searched, with `/`; empty for that place itself.
    pub path: String,
    pub folder: PathBuf,
    pub bundle: Result<Bundle, TreeError>,
}

/// What of a skill's folder is the skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of it, without further skills within.
    Folder,
    /// SKILL.md and the folders that the format names: the rest belongs to a project that has its skill at the root.
    Project,
}

impl Scope {
    fn holds(self, path: &str) -> bool {
        self == Self::Folder
            || path == ENTRYPOINT
            || matches!(path.split('/').next(), Some("references" | "scripts" | "assets"))
    }
}

/// Everything in a skill's folder but what belongs to version control. Links are told of and not followed.
pub fn survey(folder: &Path, limits: &Limits) -> Result<Vec<Entry>, TreeError> {
    let mut walk = Walk::new(folder, Scope::Folder, true, limits)?;
    walk.folder(folder, "", 0)?;
    Ok(walk.entries)
}

/// The skill in a folder. A link is taken for the file it leads to if that is within the folder, else refused.
pub fn read(folder: &Path, scope: Scope, limits: &Limits) -> Result<Bundle, TreeError> {
    let mut walk = Walk::new(folder, scope, false, limits)?;
    walk.folder(folder, "", 0)?;
    let mut files = Vec::with_capacity(walk.entries.len());
    for Entry { path, found } in walk.entries {
        let bytes = match found {
            Found::File(bytes) => bytes,
            Found::Oversized(size) => {
                return Err(BundleError::LargeFile { path, size, limit: limits.file_bytes }.into());
            }
            Found::Link(_) => followed(folder, &path, limits)?,
            Found::Special => return Err(BundleError::Special(shown(&path)).into()),
        };
        files.push((path, bytes));
    }
    Ok(Bundle::new(files, limits)?)
}

/// The skill in a file: a SKILL.md, or a Markdown file by another name.
pub fn read_file(file: &Path, limits: &Limits) -> Result<Bundle, TreeError> {
    let is_markdown = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("md"));
    if !is_markdown || !file.is_file() {
        return Err(TreeError::NoSkill(file.to_path_buf()));
    }
    match content(file, None, limits).map_err(TreeError::io(file))? {
        Found::File(bytes) => Ok(Bundle::new([(ENTRYPOINT.to_owned(), bytes)], limits)?),
        Found::Oversized(size) => {
            Err(BundleError::LargeFile { path: ENTRYPOINT.into(), size, limit: limits.file_bytes }.into())
        }
        Found::Link(_) | Found::Special => Err(TreeError::NoSkill(file.to_path_buf())),
    }
}

/// All skills at a place: of a file the one, of a folder each folder within that has a SKILL.md, by path.
///
/// A skill that cannot be read does not hold up the others.
pub fn read_tree(root: &Path, search: &SearchLimits, limits: &Limits) -> Result<Vec<Local>, TreeError> {
    if root.is_file() {
        let folder = root.parent().unwrap_or(root).to_path_buf();
        return Ok(vec![Local { path: String::new(), folder, bundle: Ok(read_file(root, limits)?) }]);
    }
    let found = discover(root, search)?;
    let several = found.len() > 1;
    let mut total: u64 = 0;
    let mut out = Vec::with_capacity(found.len());
    for (path, folder) in found {
        let scope = if path.is_empty() && several { Scope::Project } else { Scope::Folder };
        let bundle = read(&folder, scope, limits);
        total = total.saturating_add(bundle.as_ref().map_or(0, Bundle::size));
        if total > search.total_bytes {
            return Err(TreeError::Large(search.total_bytes));
        }
        out.push(Local { path, folder, bundle });
    }
    Ok(out)
}

/// The folders with a SKILL.md at and below a place, by path, as `(path below it, folder)`.
///
/// Links are passed over: what one of them leads to within the place is found where it is, and what lies outside is
/// not the place's.
pub fn discover(root: &Path, limits: &SearchLimits) -> Result<Vec<(String, PathBuf)>, TreeError> {
    if !root.is_dir() {
        return Err(TreeError::NoSkill(root.to_path_buf()));
    }
    let mut found = Vec::new();
    let mut folders = 0;
    let mut waiting = vec![(String::new(), root.to_path_buf(), 0)];
    while let Some((path, folder, depth)) = waiting.pop() {
        folders += 1;
        if folders > limits.folders {
            return Err(TreeError::ManyFolders(limits.folders));
        }
        // A folder that may not be looked into holds no skill for us, unless it is the one that was asked for.
        let entries = match fs::read_dir(&folder) {
            Err(_) if depth > 0 => continue,
            entries => entries.map_err(TreeError::io(&folder))?,
        };
        for entry in entries.filter_map(Result::ok) {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
            if name == ENTRYPOINT && !kind.is_dir() {
                if found.len() == limits.skills {
                    return Err(TreeError::ManySkills(limits.skills));
                }
                found.push((path.clone(), folder.clone()));
            } else if kind.is_dir() && depth < limits.depth && !is_foreign(&name) && name != "node_modules" {
                waiting.push((joined(&path, &name), entry.path(), depth + 1));
            }
        }
    }
    found.sort();
    Ok(found)
}

struct Walk<'a> {
    /// The skill's folder without links in it.
    root: PathBuf,
    limits: &'a Limits,
    scope: Scope,
    /// Whether folders with a SKILL.md of their own belong to it.
    nested: bool,
    total: u64,
    entries: Vec<Entry>,
}

impl<'a> Walk<'a> {
    fn new(folder: &Path, scope: Scope, nested: bool, limits: &'a Limits) -> Result<Self, TreeError> {
        let root = folder.canonicalize().map_err(TreeError::io(folder))?;
        Ok(Self { root, limits, scope, nested, total: 0, entries: Vec::new() })
    }

    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), TreeError> {
        let mut entries = fs::read_dir(folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(TreeError::io(folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let at = entry.path();
            let kind = entry.file_type().map_err(TreeError::io(&at))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.push(joined(prefix, &name.to_string_lossy()), Found::Special)?;
                continue;
            };
            let path = joined(prefix, name);
            if is_foreign(name) || !self.scope.holds(&path) {
                continue;
            }
            if kind.is_dir() {
                if !self.nested && at.join(ENTRYPOINT).is_file() {
                    continue;
                }
                if depth == self.limits.depth {
                    return Err(BundleError::Deep { path, limit: self.limits.depth }.into());
                }
                self.folder(&at, &path, depth + 1)?;
            } else if kind.is_symlink() {
                let target = fs::read_link(&at).map_err(TreeError::io(&at))?;
                self.push(path, Found::Link(target.to_string_lossy().into_owned()))?;
            } else if kind.is_file() {
                let found = content(&at, Some(&self.root), self.limits).map_err(TreeError::io(&at))?;
                self.push(path, found)?;
            } else {
                self.push(path, Found::Special)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, path: String, found: Found) -> Result<(), BundleError> {
        if self.entries.len() == self.limits.files {
            return Err(BundleError::ManyFiles(self.limits.files));
        }
        if let Found::File(bytes) = &found {
            self.total = self.total.saturating_add(bytes.len() as u64);
            if self.total > self.limits.total_bytes {
                return Err(BundleError::Large(self.limits.total_bytes));
            }
        }
        self.entries.push(Entry { path, found });
        Ok(())
    }
}

/// The file behind a link, if that lies within the skill's folder and not in its version control.
fn followed(folder: &Path, path: &str, limits: &Limits) -> Result<Vec<u8>, TreeError> {
    let refused = || BundleError::Link(shown(path));
    let root = folder.canonicalize().map_err(TreeError::io(folder))?;
    let target = folder.join(path).canonicalize().map_err(|_| refused())?;
    let inside = target.strip_prefix(&root).map_err(|_| refused())?;
    let foreign = inside.components().any(|c| c.as_os_str().to_str().is_none_or(is_foreign));
    check_file(path, 0, limits)?;
    match content(&target, Some(&root), limits) {
        Ok(Found::File(bytes)) if !foreign => Ok(bytes),
        Ok(Found::Oversized(size)) if !foreign => {
            Err(BundleError::LargeFile { path: path.to_owned(), size, limit: limits.file_bytes }.into())
        }
        _ => Err(refused().into()),
    }
}

/// A file's bytes. What was opened is looked at again: by now somebody may have put a pipe there, or a link to
/// elsewhere in place of it or of a folder above it.
fn content(file: &Path, root: Option<&Path>, limits: &Limits) -> io::Result<Found> {
    let file = open(file)?;
    if let (Some(root), Some(place)) = (root, place(&file))
        && !place.starts_with(root)
    {
        return Ok(Found::Link(place.to_string_lossy().into_owned()));
    }
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(Found::Special);
    }
    if meta.len() > limits.file_bytes {
        return Ok(Found::Oversized(meta.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
    file.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    let size = bytes.len() as u64;
    Ok(if size > limits.file_bytes { Found::Oversized(size) } else { Found::File(bytes) })
}

/// Where an open file really lies, as far as the system tells.
#[cfg(target_os = "linux")]
fn place(file: &File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd as _;

    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

#[cfg(not(target_os = "linux"))]
fn place(_: &File) -> Option<PathBuf> {
    None
}

#[cfg(unix)]
fn open(file: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;
    // Neither follow a link nor wait for the other end of a pipe.
    let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits();
    File::options().read(true).custom_flags(i32::try_from(flags).unwrap_or_default()).open(file)
}

#[cfg(not(unix))]
fn open(file: &Path) -> io::Result<File> {
    File::open(file)
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") }
}

/// A skill of a tree that is in memory: what it is made of, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<T> {
    /// Its folder within the tree; empty for the tree's root.
    pub path: String,
    /// Paths within that folder.
    pub files: Vec<(String, T)>,
}

/// The skills among the files of a tree that is in memory, each with the files that are its own, by path.
///
/// The same rules as for a tree on the disk. Paths are given with `/`; what belongs to no skill is left out.
pub fn split<T>(files: Vec<(String, T)>, search: &SearchLimits) -> Result<Vec<Part<T>>, TreeError> {
    let mut skills: BTreeMap<String, Vec<(String, T)>> = BTreeMap::new();
    for (path, _) in &files {
        let folder = match path.rsplit_once('/') {
            Some((folder, ENTRYPOINT)) => folder,
            None if path == ENTRYPOINT => "",
            _ => continue,
        };
        let passed = |name: &str| is_foreign(name) || name == "node_modules";
        if path::depth(path) <= search.depth && !folder.split('/').any(passed) {
            skills.insert(folder.to_owned(), Vec::new());
        }
    }
    if skills.len() > search.skills {
        return Err(TreeError::ManySkills(search.skills));
    }
    let several = skills.len() > 1;
    for (path, file) in files {
        let Some(folder) = owner(&path, |f| skills.contains_key(f)) else { continue };
        let inner = path.strip_prefix(folder).map_or("", |p| p.trim_start_matches('/')).to_owned();
        let scope = if folder.is_empty() && several { Scope::Project } else { Scope::Folder };
        if scope.holds(&inner)
            && !inner.split('/').any(is_foreign)
            && let Some(own) = skills.get_mut(folder)
        {
            own.push((inner, file));
        }
    }
    Ok(skills.into_iter().map(|(path, files)| Part { path, files }).collect())
}

/// The innermost folder of a path that is a skill's.
fn owner(path: &str, is_skill: impl Fn(&str) -> bool) -> Option<&str> {
    let mut rest = path;
    while let Some((folder, _)) = rest.rsplit_once('/') {
        if is_skill(folder) {
            return Some(folder);
        }
        rest = folder;
    }
    is_skill("").then_some("")
}

#[cfg(test)]
mod tests;
