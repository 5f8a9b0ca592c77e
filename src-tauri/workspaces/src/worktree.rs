//! Making and finding worktrees.

use std::path::{Path, PathBuf};

use git2::RepositoryState;

use crate::error::{GitError, Result};
use crate::git::{Git, SLOW, path_of};
use crate::read;
use crate::remove::going;

/// What git says of a worktree while it makes it. A worktree that still says so was never finished.
const UNFINISHED: &str = "initializing";

/// A worktree as git lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub head: Option<String>,
    /// Without `refs/heads/`; absent when detached.
    pub branch: Option<String>,
    /// The reason of its lock, which may be empty.
    pub locked: Option<String>,
}

/// A worktree that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Any folder of the repository.
    pub repo: &'a Path,
    /// Where the worktree is to be; absolute.
    pub path: &'a Path,
    pub branch: &'a str,
    /// What a new branch starts from; what is checked out in the repository when absent.
    pub base: Option<&'a str>,
}

/// A worktree that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// It was not there before.
    pub created: bool,
    pub branch_created: bool,
    /// The branch that it is on, which may be another than was wanted; absent when detached.
    pub branch: Option<String>,
    /// The name of what it is compared with.
    pub base: String,
    /// The commit of the base at this time.
    pub base_commit: String,
    pub head: String,
    pub repo_root: PathBuf,
}

/// All worktrees of a repository, the main one first.
pub fn list(repo: &Path) -> Result<Vec<Entry>> {
    let out = Git::at(repo).args(["worktree", "list", "--porcelain", "-z"]).run()?;
    let mut all: Vec<Entry> = Vec::new();
    for field in out.split(|b| *b == 0) {
        let (word, value) = match field.iter().position(|b| *b == b' ') {
            Some(at) => (&field[..at], &field[at + 1..]),
            None => (field, &field[..0]),
        };
        let text = || String::from_utf8_lossy(value).into_owned();
        if word == b"worktree" {
            all.push(Entry { path: path_of(value), head: None, branch: None, locked: None });
            continue;
        }
        let Some(e) = all.last_mut() else { continue };
        match word {
            b"HEAD" => e.head = Some(text()),
            b"branch" => e.branch = Some(text().trim_start_matches("refs/heads/").to_owned()),
            b"locked" => e.locked = Some(text()),
            _ => {}
        }
    }
    Ok(all)
}

/// The worktree at this path, if the repository knows of one.
pub(crate) fn entry_at(all: &[Entry], path: &Path) -> Option<Entry> {
    let real = real(path);
    all.iter().find(|e| e.path == path || self::real(&e.path) == real).cloned()
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real_parent(parent).join(name),
        _ => path.to_owned(),
    }
}

fn real_parent(parent: &Path) -> PathBuf {
    parent.canonicalize().unwrap_or_else(|_| parent.to_owned())
}

/// Makes the worktree, or finds it as it was left. May be called again after an interruption at any point.
///
/// A worktree that somebody put on another branch is taken as it is while nothing in it is unsaved, or when the
/// wanted branch is no more (it was renamed); else it is refused, for somebody has to say which is meant.
pub fn create(wanted: &Wanted<'_>) -> Result<Made> {
    let repo_root = read::root_of(wanted.repo)?;
    let valid = Git::at(&repo_root).args(["check-ref-format", "--branch", wanted.branch]).ask()?.0;
    if !valid || wanted.branch.starts_with('-') {
        return Err(GitError::BadBranch(wanted.branch.to_owned()));
    }
    undo_removal(&repo_root, wanted.path)?;
    let mut all = list(&repo_root)?;
    if let Some(entry) = entry_at(&all, wanted.path) {
        let unfinished = entry.locked.as_deref() == Some(UNFINISHED);
        if wanted.path.is_dir() && !unfinished {
            return found(&repo_root, wanted, &entry);
        }
        if unfinished {
            drop_unfinished(&repo_root, wanted.path)?;
        } else {
            prune_entry(&repo_root, wanted.path)?;
        }
        all = list(&repo_root)?;
    }
    let (base, base_commit) = base_of(&repo_root, wanted.base)?;
    clear_way(wanted.path)?;
    let branch = format!("refs/heads/{}", wanted.branch);
    let exists = Git::at(&repo_root).args(["show-ref", "--verify", "--quiet", branch.as_str()]).ask()?.0;
    if exists && let Some(other) = all.iter().find(|e| e.branch.as_deref() == Some(wanted.branch)) {
        let branch = wanted.branch.to_owned();
        return Err(GitError::BranchInUse { branch, path: other.path.clone() });
    }
    let add = Git::at(&repo_root).within(SLOW).args(["worktree", "add", "--quiet"]);
    if exists {
        add.arg(wanted.path).arg(wanted.branch).run()?;
    } else {
        let add = add.args(["--no-track", "-b", wanted.branch]);
        add.arg(wanted.path).arg(&base_commit).run()?;
    }
    let head = Git::at(wanted.path).args(["rev-parse", "HEAD"]).line()?;
    Ok(Made {
        created: true,
        branch_created: !exists,
        branch: Some(wanted.branch.to_owned()),
        base,
        base_commit,
        head,
        repo_root,
    })
}

/// A worktree that is there already.
fn found(repo_root: &Path, wanted: &Wanted<'_>, entry: &Entry) -> Result<Made> {
    if entry.branch.as_deref() != Some(wanted.branch) {
        let changes = read::status(wanted.path, 1)?.total;
        let branch = format!("refs/heads/{}", wanted.branch);
        let renamed = entry.branch.is_some()
            && !Git::at(repo_root).args(["show-ref", "--verify", "--quiet", branch.as_str()]).ask()?.0;
        if changes > 0 && !renamed {
            return Err(GitError::WorktreeDirty {
                path: wanted.path.to_owned(),
                wanted: wanted.branch.to_owned(),
                found: entry.branch.as_ref().map_or("on no branch".to_owned(), |b| format!("on {b}")),
                changes,
            });
        }
    }
    let head = Git::at(wanted.path).args(["rev-parse", "HEAD"]).line()?;
    // A base that is gone by now takes nothing from a worktree that is there.
    let (base, base_commit) = match base_of(repo_root, wanted.base) {
        Ok(base) => base,
        Err(e) => match wanted.base {
            Some(name) => (name.to_owned(), String::new()),
            None => return Err(e),
        },
    };
    let branch = entry.branch.clone();
    let repo_root = repo_root.to_owned();
    Ok(Made { created: false, branch_created: false, branch, base, base_commit, head, repo_root })
}

/// The name and the commit that a new branch starts from.
fn base_of(repo: &Path, wanted: Option<&str>) -> Result<(String, String)> {
    let commit_of = |name: &str| -> Result<Option<String>> {
        let spec = format!("{name}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", spec.as_str()];
        let (ok, out, _) = Git::at(repo).args(args).ask()?;
        Ok(ok.then(|| String::from_utf8_lossy(&out).trim().to_owned()))
    };
    if let Some(name) = wanted {
        for candidate in [name.to_owned(), format!("origin/{name}")] {
            if let Some(commit) = commit_of(&candidate)? {
                return Ok((candidate, commit));
            }
        }
        return Err(GitError::BaseMissing { repo: repo.to_owned(), base: name.to_owned() });
    }
    let opened = git2::Repository::open(repo)?;
    let what = match opened.state() {
        RepositoryState::Merge => Some("merge"),
        RepositoryState::Rebase | RepositoryState::RebaseInteractive | RepositoryState::RebaseMerge => {
            Some("rebase")
        }
        RepositoryState::Revert | RepositoryState::RevertSequence => Some("revert"),
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => Some("cherry-pick"),
        RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => Some("patch series"),
        RepositoryState::Clean | RepositoryState::Bisect => None,
    };
    if let Some(what) = what {
        return Err(GitError::RepositoryBusy { repo: repo.to_owned(), what });
    }
    let Some(commit) = commit_of("HEAD")? else { return Err(GitError::NoCommit(repo.to_owned())) };
    let (on_branch, name, _) = Git::at(repo).args(["symbolic-ref", "--quiet", "--short", "HEAD"]).ask()?;
    let name = String::from_utf8_lossy(&name).trim().to_owned();
    Ok((if on_branch { name } else { commit.clone() }, commit))
}

/// An empty folder stands in nobody's way; anything else does.
fn clear_way(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_err() {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(GitError::io(parent))?;
        }
        return Ok(());
    }
    // Removes nothing but an empty folder.
    std::fs::remove_dir(path).map_err(|_| GitError::PathTaken {
        path: path.to_owned(),
        why: "the repository knows of no worktree there".to_owned(),
    })
}

/// Takes away what git had not finished making: nobody has worked in it.
fn drop_unfinished(repo: &Path, path: &Path) -> Result<()> {
    if path.is_dir() {
        // Twice: the lock is git's own.
        Git::at(repo).within(SLOW).args(["worktree", "remove", "--force", "--force"]).arg(path).run()?;
        return Ok(());
    }
    Git::at(repo).args(["worktree", "unlock"]).arg(path).run()?;
    prune_entry(repo, path)
}

/// Makes the repository forget a worktree whose folder is gone. Those of others are left alone, for their disk may
/// only be away.
pub fn prune_entry(repo: &Path, path: &Path) -> Result<()> {
    if path.exists() {
        return Err(GitError::PathTaken { path: path.to_owned(), why: "its folder is there".to_owned() });
    }
    let Some(entry) = entry_at(&list(repo)?, path) else { return Ok(()) };
    if let Some(why) = entry.locked {
        return Err(GitError::WorktreeLocked { path: path.to_owned(), why });
    }
    Git::at(repo).args(["worktree", "remove"]).arg(&entry.path).run().map(drop)
}

/// Puts a worktree back whose removal was interrupted.
fn undo_removal(repo: &Path, path: &Path) -> Result<()> {
    let aside = going(path);
    if !aside.is_dir() || path.exists() {
        return Ok(());
    }
    std::fs::rename(&aside, path).map_err(GitError::io(&aside))?;
    // Git may have noted where it was meanwhile.
    Git::at(repo).args(["worktree", "repair"]).arg(path).run().map(drop)
}
