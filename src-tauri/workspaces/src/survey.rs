//! What lies where worktrees are made and nobody knows of, and what somebody knows of and is gone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::remove::going;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Folders that belong to nothing that is known.
    pub orphans: Vec<PathBuf>,
    /// Known worktrees whose folder is not there, while the disk that it was on is.
    pub missing: Vec<PathBuf>,
    /// Known worktrees whose removal was interrupted.
    pub interrupted: Vec<PathBuf>,
    /// What is left of folders that are kept already.
    pub leftovers: Vec<PathBuf>,
}

/// Compares what is known with what lies two levels below `root`, where each group has its own folder.
///
/// Names that begin with a dot are not looked at.
pub fn survey(root: &Path, known: &[PathBuf]) -> Survey {
    let mut out = Survey::default();
    let mut expected: HashSet<PathBuf> = HashSet::new();
    for path in known {
        let aside = going(path);
        if aside.is_dir() {
            out.interrupted.push(path.clone());
        } else if !path.exists() && (path.parent().is_some_and(Path::is_dir) || within(root, path)) {
            out.missing.push(path.clone());
        }
        expected.insert(path.clone());
        expected.insert(aside);
    }
    for group in folders(root) {
        let unknown = folders(&group).into_iter().filter(|f| !expected.contains(f));
        let (leftovers, orphans): (Vec<_>, Vec<_>) =
            unknown.partition(|f| f.extension().is_some_and(|e| e == "gone"));
        out.leftovers.extend(leftovers);
        out.orphans.extend(orphans);
    }
    out.orphans.sort_unstable();
    out
}

/// Whether a path lies where worktrees are made, on a disk that is there.
fn within(root: &Path, path: &Path) -> bool {
    root.is_dir() && path.starts_with(root)
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(of) else { return Vec::new() };
    let visible = |e: &std::fs::DirEntry| !e.file_name().to_string_lossy().starts_with('.');
    let real = |e: &std::fs::DirEntry| e.file_type().is_ok_and(|t| t.is_dir());
    entries.flatten().filter(|e| visible(e) && real(e)).map(|e| e.path()).collect()
}
