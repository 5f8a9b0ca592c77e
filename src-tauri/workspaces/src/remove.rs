//! Taking a worktree away, never before all of it is kept.

use std::path::{Path, PathBuf};

use crate::error::{GitError, Result};
use crate::git::Git;
use crate::read;
use crate::snapshot::{KeepIgnored, Snapshot, snapshot};
use crate::worktree::{entry_at, list};

/// What became of a worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Absent when there was nothing to keep: the folder was gone.
    pub snapshot: Option<Snapshot>,
    /// Where the folder itself is kept, when a snapshot alone could not hold all of it.
    pub aside: Option<PathBuf>,
}

/// The name that a folder has while it is taken away: whoever still knows it by its own name does not find it any
/// more, so nothing is written between the snapshot and the end.
pub(crate) fn going(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".going");
    path.with_file_name(name)
}

/// The name that a folder has once all of it is kept: whatever is left of it may be deleted.
pub(crate) fn gone(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".gone");
    path.with_file_name(name)
}

/// Keeps a worktree as the snapshot `name`, then takes it away. May be called again after an interruption.
///
/// A folder with repositories of its own in it is moved into `trash` as it is. Never takes away the repository's own
/// folder, nor a worktree that is locked.
pub fn remove(repo: &Path, path: &Path, name: &str, keep: KeepIgnored, trash: &Path) -> Result<Removed> {
    let root = read::root_of(repo)?;
    let all = list(&root)?;
    let (aside, rest) = (going(path), gone(path));
    purge_folder(&rest)?;
    if !path.exists() && !aside.is_dir() {
        forget_entry(&root, path)?;
        return Ok(Removed::default());
    }
    let entry = entry_at(&all, path).or_else(|| entry_at(&all, &aside));
    let not_ours = |why: &str| GitError::PathTaken { path: path.to_owned(), why: why.to_owned() };
    let Some(entry) = entry else { return Err(not_ours("the repository knows of no worktree there")) };
    if all.first().is_some_and(|main| main.path == entry.path) {
        return Err(not_ours("it is the repository's own folder"));
    }
    if let Some(why) = entry.locked {
        return Err(GitError::WorktreeLocked { path: path.to_owned(), why });
    }
    if path.exists() {
        if aside.exists() {
            return Err(not_ours("a folder whose removal was interrupted lies beside it"));
        }
        std::fs::rename(path, &aside).map_err(GitError::io(path))?;
    }
    let kept = match snapshot(&aside, name, keep) {
        Ok(kept) => kept,
        Err(e) => {
            put_back(&root, &aside, path)?;
            return Err(e);
        }
    };
    let mut out = Removed { aside: None, snapshot: None };
    if kept.nested.is_empty() {
        // From here on the folder counts as deleted, however long that takes and whatever stops it: it must never be
        // kept again with half of its files.
        if let Err(e) = std::fs::rename(&aside, &rest) {
            put_back(&root, &aside, path)?;
            return Err(GitError::io(&aside)(e));
        }
        let _ = std::fs::remove_dir_all(&rest);
    } else {
        let place = trash.join(name.replace('/', "-"));
        if let Err(e) = set_aside(&aside, &place) {
            put_back(&root, &aside, path)?;
            return Err(e);
        }
        out.aside = Some(place);
    }
    out.snapshot = Some(kept);
    // A record that stays is found, and forgotten, by whoever makes a worktree there again.
    let _ = forget_entry(&root, path);
    Ok(out)
}

fn put_back(root: &Path, aside: &Path, path: &Path) -> Result<()> {
    std::fs::rename(aside, path).map_err(GitError::io(aside))?;
    Git::at(root).args(["worktree", "repair"]).arg(path).run().map(drop)
}

/// Makes the repository forget the worktree under either of its names.
fn forget_entry(root: &Path, path: &Path) -> Result<()> {
    crate::worktree::prune_entry(root, path)?;
    crate::worktree::prune_entry(root, &going(path))
}

/// Moves a folder, as it is, to `place`.
pub fn set_aside(folder: &Path, place: &Path) -> Result<()> {
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent).map_err(GitError::io(parent))?;
    }
    if place.exists() {
        return Err(GitError::PathTaken {
            path: place.to_owned(),
            why: "something is kept there".to_owned(),
        });
    }
    std::fs::rename(folder, place).map_err(GitError::io(folder))
}

/// Moves a folder that was set aside back to where it was.
pub fn put_folder_back(place: &Path, folder: &Path) -> Result<()> {
    if !place.is_dir() {
        return Err(GitError::FolderMissing(place.to_owned()));
    }
    set_aside(place, folder)
}

/// Deletes a folder that was set aside, for good. Its absence is as good.
pub fn purge_folder(place: &Path) -> Result<()> {
    match std::fs::remove_dir_all(place) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(GitError::io(place)(e)),
        _ => Ok(()),
    }
}

/// Whether there is a snapshot under this ref.
pub fn has_snapshot(repo: &Path, reference: &str) -> Result<bool> {
    Ok(Git::at(repo).args(["show-ref", "--verify", "--quiet", reference]).ask()?.0)
}

/// Deletes a branch of which the base has every commit. Answers whether it did.
pub fn delete_merged_branch(repo: &Path, branch: &str, base: &str) -> Result<bool> {
    let tip = read::tip_within(repo, branch, base)?;
    match tip {
        Some(tip) => delete_branch(repo, branch, &tip),
        None => Ok(false),
    }
}

/// Deletes a branch that stands at `expected` and is checked out nowhere. Answers whether it did.
pub fn delete_branch(repo: &Path, branch: &str, expected: &str) -> Result<bool> {
    if list(repo)?.iter().any(|e| e.branch.as_deref() == Some(branch)) {
        return Ok(false);
    }
    let reference = format!("refs/heads/{branch}");
    Ok(Git::at(repo).args(["update-ref", "-d", reference.as_str(), expected]).ask()?.0)
}
