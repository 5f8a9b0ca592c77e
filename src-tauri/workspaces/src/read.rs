//! Reading a worktree: its state, its changes, its drift from the base. By way of libgit2, which asks nobody.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use git2::{Delta, DiffOptions, ErrorCode, Repository, StatusOptions};

use crate::error::{GitError, Result};

/// Larger files are said to differ, and not compared.
const LARGEST_FILE: i64 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
    Renamed,
    Untracked,
    Conflicted,
}

/// A file that is not as its branch has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    pub kind: ChangeKind,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// On a branch that has commits.
    #[default]
    OnBranch,
    Detached,
    /// On a branch without a commit.
    Unborn,
}

/// What a worktree holds beyond its commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    pub branch: Option<String>,
    pub head: Option<String>,
    /// The first of them, sorted by path.
    pub changes: Vec<Change>,
    pub total: usize,
    pub untracked: usize,
    pub conflicted: usize,
}

/// How far a worktree and its base are apart, in commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    pub base_commit: String,
    pub ahead: usize,
    pub behind: usize,
    /// Where they part; absent when they have nothing in common.
    pub merge_base: Option<String>,
}

/// One file's part of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    pub path: String,
    /// Its name before, where that was another.
    pub old_path: Option<String>,
    pub kind: ChangeKind,
    pub additions: usize,
    pub deletions: usize,
    pub binary: bool,
    /// Hunks in the unified format, without the header. Empty where only numbers were asked for.
    pub patch: String,
    /// Not all of the patch is here.
    pub cut: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    pub files: Vec<FileDiff>,
    /// Files that differ, those that are left out included.
    pub total: usize,
}

fn open(path: &Path) -> Result<Repository> {
    if !path.is_dir() {
        return Err(GitError::FolderMissing(path.to_owned()));
    }
    Repository::discover(path).map_err(|e| {
        if e.code() == ErrorCode::NotFound {
            GitError::NotARepository(path.to_owned())
        } else {
            GitError::Read(e)
        }
    })
}

/// The top folder of the repository or worktree that `path` lies in.
pub(crate) fn root_of(path: &Path) -> Result<PathBuf> {
    let repo = open(path)?;
    let root = repo.workdir().unwrap_or_else(|| repo.path());
    Ok(root.components().collect())
}

/// The commit at which a branch stands, if the base has all of it.
pub(crate) fn tip_within(repo: &Path, branch: &str, base: &str) -> Result<Option<String>> {
    let repo = open(repo)?;
    let tip = commit_of(&repo, &format!("refs/heads/{branch}"))?;
    let (Some(tip), Some(base)) = (tip, commit_of(&repo, base)?) else { return Ok(None) };
    let (ahead, _) = repo.graph_ahead_behind(tip, base)?;
    Ok((ahead == 0).then(|| tip.to_string()))
}

/// The repository that a folder is a worktree of.
pub fn main_repository(worktree: &Path) -> Option<PathBuf> {
    let repo = Repository::open(worktree).ok().filter(Repository::is_worktree)?;
    let common = repo.commondir();
    let own = common.file_name().is_some_and(|n| n == ".git");
    let root = if own { common.parent()? } else { common };
    Some(root.components().collect())
}

/// Whether a folder lies in a git repository that has files.
pub fn is_repository(path: &Path) -> bool {
    open(path).is_ok_and(|r| !r.is_bare())
}

/// Reads what is not committed, naming at most `most` files.
pub fn status(worktree: &Path, most: usize) -> Result<Status> {
    let repo = open(worktree)?;
    let mut out = Status::default();
    match repo.head() {
        Ok(head) => {
            out.head = head.peel_to_commit().ok().map(|c| c.id().to_string());
            if repo.head_detached()? {
                out.state = State::Detached;
            } else {
                out.branch = head.shorthand().ok().map(str::to_owned);
            }
        }
        Err(e) if matches!(e.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
            out.state = State::Unborn;
        }
        Err(e) => return Err(e.into()),
    }
    let mut options = StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).include_ignored(false);
    options.exclude_submodules(true).no_refresh(true);
    let all = repo.statuses(Some(&mut options))?;
    out.total = all.len();
    for entry in all.iter() {
        let kind = kind_of_status(entry.status());
        out.untracked += usize::from(kind == ChangeKind::Untracked);
        out.conflicted += usize::from(kind == ChangeKind::Conflicted);
        if out.changes.len() < most {
            let path = String::from_utf8_lossy(entry.path_bytes()).into_owned();
            out.changes.push(Change { path, kind });
        }
    }
    Ok(out)
}

fn kind_of_status(s: git2::Status) -> ChangeKind {
    use git2::Status as S;
    if s.contains(S::CONFLICTED) {
        ChangeKind::Conflicted
    } else if s.intersects(S::WT_NEW) && !s.intersects(S::INDEX_DELETED) {
        ChangeKind::Untracked
    } else if s.intersects(S::INDEX_NEW) {
        ChangeKind::Added
    } else if s.intersects(S::WT_DELETED | S::INDEX_DELETED) && !s.intersects(S::WT_NEW) {
        ChangeKind::Deleted
    } else if s.intersects(S::INDEX_RENAMED | S::WT_RENAMED) {
        ChangeKind::Renamed
    } else {
        ChangeKind::Modified
    }
}

/// Compares what is checked out with the base. `None`: the base is no more.
pub fn drift(worktree: &Path, base: &str) -> Result<Option<Drift>> {
    let repo = open(worktree)?;
    let Some(base) = commit_of(&repo, base)? else { return Ok(None) };
    let Ok(head) = repo.head().and_then(|h| h.peel_to_commit()) else { return Ok(None) };
    let (ahead, behind) = repo.graph_ahead_behind(head.id(), base)?;
    let merge_base = match repo.merge_base(head.id(), base) {
        Ok(id) => Some(id.to_string()),
        Err(e) if e.code() == ErrorCode::NotFound => None,
        Err(e) => return Err(e.into()),
    };
    Ok(Some(Drift { base_commit: base.to_string(), ahead, behind, merge_base }))
}

fn commit_of(repo: &Repository, name: &str) -> Result<Option<git2::Oid>> {
    match repo.revparse_single(name).and_then(|o| o.peel_to_commit()) {
        Ok(c) => Ok(Some(c.id())),
        Err(e) if matches!(e.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Peel) => {
            Ok(None)
        }
        Err(e) => Err(e.into()),
    }
}

/// What the folder holds that the point where it parted from `base` does not: commits, changes and new files.
///
/// Answers at most `most_files` files, and of each patch at most `most_bytes`; no patches when that is zero. `only`
/// asks for one path.
pub fn diff(
    worktree: &Path,
    base: Option<&str>,
    only: Option<&str>,
    most_files: usize,
    most_bytes: usize,
) -> Result<Diff> {
    let repo = open(worktree)?;
    let head = repo.head().and_then(|h| h.peel_to_commit()).ok().map(|c| c.id());
    let base = match base {
        Some(name) => commit_of(&repo, name)?,
        None => None,
    };
    let from = match (base, head) {
        (Some(base), Some(head)) => repo.merge_base(base, head).ok().or(Some(head)),
        (_, head) => head,
    };
    let tree = from.map(|id| repo.find_commit(id).and_then(|c| c.tree())).transpose()?;
    let mut options = DiffOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).show_untracked_content(true);
    options.ignore_submodules(true).max_size(LARGEST_FILE).context_lines(3);
    if let Some(path) = only {
        options.pathspec(path).disable_pathspec_match(true);
    }
    let mut diff = repo.diff_tree_to_workdir_with_index(tree.as_ref(), Some(&mut options))?;
    diff.find_similar(None)?;
    collect(&diff, most_files, most_bytes)
}

fn collect(diff: &git2::Diff<'_>, most_files: usize, most_bytes: usize) -> Result<Diff> {
    let out = RefCell::new(Diff { files: Vec::new(), total: diff.deltas().len() });
    let mut each_file = |delta: git2::DiffDelta<'_>, _: f32| {
        let mut out = out.borrow_mut();
        if out.files.len() == most_files {
            return false;
        }
        out.files.push(file_of(&delta));
        true
    };
    let mut each_binary = |_: git2::DiffDelta<'_>, _: git2::DiffBinary<'_>| {
        if let Some(f) = out.borrow_mut().files.last_mut() {
            f.binary = true;
        }
        true
    };
    let mut each_hunk = |_: git2::DiffDelta<'_>, hunk: git2::DiffHunk<'_>| {
        if let Some(f) = out.borrow_mut().files.last_mut() {
            write(f, None, hunk.header(), most_bytes);
        }
        true
    };
    let mut each_line = |_: git2::DiffDelta<'_>, _: Option<git2::DiffHunk<'_>>, line: git2::DiffLine<'_>| {
        if let Some(f) = out.borrow_mut().files.last_mut() {
            match line.origin() {
                '+' => f.additions += 1,
                '-' => f.deletions += 1,
                ' ' => {}
                // Remarks such as that a last line has no end.
                _ => return true,
            }
            write(f, Some(line.origin()), line.content(), most_bytes);
        }
        true
    };
    let walked =
        diff.foreach(&mut each_file, Some(&mut each_binary), Some(&mut each_hunk), Some(&mut each_line));
    match walked {
        Err(e) if e.code() != ErrorCode::User => Err(e.into()),
        _ => Ok(out.into_inner()),
    }
}

fn file_of(delta: &git2::DiffDelta<'_>) -> FileDiff {
    let name = |f: git2::DiffFile<'_>| f.path_bytes().map(|p| String::from_utf8_lossy(p).into_owned());
    let (old, new) = (name(delta.old_file()), name(delta.new_file()));
    let kind = match delta.status() {
        Delta::Added | Delta::Copied => ChangeKind::Added,
        Delta::Deleted => ChangeKind::Deleted,
        Delta::Renamed => ChangeKind::Renamed,
        Delta::Untracked => ChangeKind::Untracked,
        Delta::Conflicted => ChangeKind::Conflicted,
        _ => ChangeKind::Modified,
    };
    FileDiff {
        path: new.clone().or_else(|| old.clone()).unwrap_or_default(),
        old_path: old.filter(|o| Some(o) != new.as_ref()),
        kind,
        additions: 0,
        deletions: 0,
        binary: delta.flags().is_binary(),
        patch: String::new(),
        cut: false,
    }
}

fn write(f: &mut FileDiff, origin: Option<char>, content: &[u8], most: usize) {
    if most == 0 || f.cut {
        return;
    }
    if f.patch.len() + content.len() > most {
        f.cut = true;
        return;
    }
    f.patch.extend(origin);
    f.patch.push_str(&String::from_utf8_lossy(content));
    if !f.patch.ends_with('\n') {
        f.patch.push('\n');
    }
}
