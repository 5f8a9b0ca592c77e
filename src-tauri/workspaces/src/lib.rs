//! Where agents work: folders, git worktrees, and what is kept of them when they go.
//!
//! This crate knows git and files and nothing of issues, runs or the database.
//!
//! - `folder` chooses the folder of a run that has no worktree.
//! - `git` runs the system's git: bounded in time, without prompts, hooks or network.
//! - `worktree` makes and finds worktrees; `remove` takes one away, never without a snapshot before.
//! - `snapshot` keeps the whole state of a worktree as a commit on a hidden ref, and brings it back.
//! - `read` tells state, changes and drift by way of libgit2.
//! - `command` runs the operator's own commands around a worktree's life.
//! - `disk` measures, `survey` finds what nobody knows of.

mod disk;
mod error;
mod folder;
mod git;
mod name;
mod process;
mod read;
mod remove;
mod snapshot;
mod survey;
mod worktree;

pub use disk::{DiskUse, disk_use};
pub use error::{GitError, Reason};
pub use folder::{Source, Workspace, WorkspaceError, resolve};
pub use name::{branch_name, folder_name};
pub use read::{
    Change, ChangeKind, Diff, Drift, FileDiff, State, Status, diff, drift, is_repository, main_repository,
    status,
};
pub use remove::{
    Removed, delete_branch, delete_merged_branch, has_snapshot, purge_folder, put_folder_back, remove,
    set_aside,
};
pub use snapshot::{KeepIgnored, SNAPSHOTS, Snapshot, forget_snapshot, restore, snapshot};
pub use survey::{Survey, survey};
pub use worktree::{Entry, Made, Wanted, create, list, prune_entry};
