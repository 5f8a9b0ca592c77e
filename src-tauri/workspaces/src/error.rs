//! Why git work was refused or failed.

use std::path::PathBuf;
use std::time::Duration;

/// The stable word of a failure. Callers match on it, never on the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no git on this machine.
    GitMissing,
    /// The folder is not there.
    FolderMissing,
    /// The folder is there and belongs to no git repository.
    NotARepository,
    /// The repository has no commit yet, so there is nothing to branch from.
    NoCommit,
    /// A merge, rebase or the like is under way in the repository.
    RepositoryBusy,
    /// The base ref names no commit of the repository.
    BaseMissing,
    /// The name is no branch name.
    BadBranch,
    /// The branch is checked out in another worktree.
    BranchInUse,
    /// Something that is not this worktree is where it should be.
    PathTaken,
    /// The worktree is on another branch, or on none, with changes that are not committed.
    WorktreeDirty,
    /// The worktree is locked: its owner does not want it touched.
    WorktreeLocked,
    /// There is no such snapshot.
    SnapshotMissing,
    /// Git did not end in time and was stopped.
    TimedOut,
    /// Git or the disk refused for a reason of its own.
    Failed,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitMissing => "git_missing",
            Self::FolderMissing => "folder_missing",
            Self::NotARepository => "not_a_repository",
            Self::NoCommit => "no_commit",
            Self::RepositoryBusy => "repository_busy",
            Self::BaseMissing => "base_missing",
            Self::BadBranch => "bad_branch",
            Self::BranchInUse => "branch_in_use",
            Self::PathTaken => "path_taken",
            Self::WorktreeDirty => "worktree_dirty",
            Self::WorktreeLocked => "worktree_locked",
            Self::SnapshotMissing => "snapshot_missing",
            Self::TimedOut => "git_timed_out",
            Self::Failed => "git_failed",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git is not installed, or not on the PATH")]
    GitMissing,
    #[error("the folder {0} is not there")]
    FolderMissing(PathBuf),
    #[error("{0} is not in a git repository")]
    NotARepository(PathBuf),
    #[error("the repository {0} has no commit yet")]
    NoCommit(PathBuf),
    #[error("in the repository {repo} a {what} is under way: finish or abort it")]
    RepositoryBusy { repo: PathBuf, what: &'static str },
    #[error("the base {base:?} names no commit of {repo}")]
    BaseMissing { repo: PathBuf, base: String },
    #[error("{0:?} is no name for a branch")]
    BadBranch(String),
    #[error("the branch {branch} is checked out in {}", path.display())]
    BranchInUse { branch: String, path: PathBuf },
    #[error("{} is there and is not the worktree: {why}", path.display())]
    PathTaken { path: PathBuf, why: String },
    #[error("the worktree {} is {found} instead of on {wanted}, and has {changes} changes that are not committed", path.display())]
    WorktreeDirty { path: PathBuf, wanted: String, found: String, changes: usize },
    #[error("the worktree {} is locked{}", path.display(), said(why))]
    WorktreeLocked { path: PathBuf, why: String },
    #[error("there is no snapshot {0}")]
    SnapshotMissing(String),
    #[error("git {what} did not end within {} seconds and was stopped", after.as_secs())]
    TimedOut { what: String, after: Duration },
    #[error("git {what}: {why}")]
    Failed { what: String, why: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("reading the repository: {}", .0.message())]
    Read(#[from] git2::Error),
}

fn said(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(": {why}") }
}

impl GitError {
    pub const fn reason(&self) -> Reason {
        match self {
            Self::GitMissing => Reason::GitMissing,
            Self::FolderMissing(_) => Reason::FolderMissing,
            Self::NotARepository(_) => Reason::NotARepository,
            Self::NoCommit(_) => Reason::NoCommit,
            Self::RepositoryBusy { .. } => Reason::RepositoryBusy,
            Self::BaseMissing { .. } => Reason::BaseMissing,
            Self::BadBranch(_) => Reason::BadBranch,
            Self::BranchInUse { .. } => Reason::BranchInUse,
            Self::PathTaken { .. } => Reason::PathTaken,
            Self::WorktreeDirty { .. } => Reason::WorktreeDirty,
            Self::WorktreeLocked { .. } => Reason::WorktreeLocked,
            Self::SnapshotMissing(_) => Reason::SnapshotMissing,
            Self::TimedOut { .. } => Reason::TimedOut,
            Self::Failed { .. } | Self::Io { .. } | Self::Read(_) => Reason::Failed,
        }
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

pub(crate) type Result<T> = std::result::Result<T, GitError>;
