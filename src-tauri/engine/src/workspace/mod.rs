//! Where issues are worked on, from the choice of a folder to what is kept of it.
//!
//! - `place` gives a run its folder: the project's own, or a worktree of its issue, made and provisioned when needed.
//! - `commands` are the operator's own around it, `hosted` runs them as an agent's are run.
//! - `ledger` records each step, before it is taken and after.
//! - `finalize` closes a run's part; what waits for the work goes on only then.
//! - `close` takes a workspace away, never before all of it is kept; `trash` brings it back, or gives it up in time.
//! - `reconcile` makes disk and database agree again, whatever happened between them.
//! - `read` tells what git says.

mod close;
mod commands;
mod finalize;
mod hosted;
mod ledger;
mod place;
mod read;
mod reconcile;
#[cfg(test)]
mod tests;
mod trash;

pub(crate) use close::Close;
pub(crate) use hosted::output_text;
pub(crate) use place::check_folder;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use contract::{ApiError, ExecutionWorkspaceId, ProjectId};
use serde_json::json;
use workspaces::{GitError, Reason};

use crate::error::Answer;

/// The failure code of a run that got no place to work.
pub(crate) const WORKSPACE_FAILED: &str = "workspace_failed";

type Turn = Arc<tokio::sync::Mutex<()>>;

/// One at a time makes, changes or takes away a workspace.
#[derive(Default)]
pub(crate) struct Turns {
    workspaces: Mutex<HashMap<ExecutionWorkspaceId, Weak<tokio::sync::Mutex<()>>>>,
    /// Git locks its lists of worktrees and refs without waiting.
    projects: Mutex<HashMap<ProjectId, Weak<tokio::sync::Mutex<()>>>>,
}

fn turn<K: std::hash::Hash + Eq>(all: &Mutex<HashMap<K, Weak<tokio::sync::Mutex<()>>>>, key: K) -> Turn {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|_, w| w.strong_count() > 0);
    if let Some(there) = all.get(&key).and_then(Weak::upgrade) {
        return there;
    }
    let new = Turn::default();
    all.insert(key, Arc::downgrade(&new));
    new
}

impl Turns {
    fn of(&self, workspace: ExecutionWorkspaceId) -> Turn {
        turn(&self.workspaces, workspace)
    }

    fn in_project(&self, project: ProjectId) -> Turn {
        turn(&self.projects, project)
    }
}

/// Does what waits for git or the disk off the async tasks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| ApiError::internal(e.to_string()))
}

/// How a failure of git looks at a door, and in a run's end.
fn failed(e: &GitError) -> ApiError {
    let hint = match e.reason() {
        Reason::GitMissing => "Install git, or give the project a folder that needs none.",
        Reason::FolderMissing => "Put the folder back, or change it in the project's settings.",
        Reason::NotARepository => "Choose a git repository in the project's settings, or the shared mode.",
        Reason::NoCommit => "Make a first commit in the repository.",
        Reason::RepositoryBusy => "Finish or abort it there, or name a base in the project's settings.",
        Reason::BaseMissing => "Name a branch, tag or commit of the repository in the project's settings.",
        Reason::BadBranch => "Change the branch template in the project's settings.",
        Reason::BranchInUse => "Check out another branch there, or change the branch template.",
        Reason::PathTaken => "Move away what lies there.",
        Reason::WorktreeDirty => "Commit or move what is not saved there, or check out the wanted branch.",
        Reason::WorktreeLocked => "Unlock it with `git worktree unlock`.",
        Reason::SnapshotMissing => "It may have been given up, or the repository may be another one.",
        Reason::TimedOut => "See whether the disk is busy, and try again.",
        Reason::Failed => "See what git says in that folder, and try again.",
    };
    ApiError::unprocessable(sentence(&e.to_string()))
        .with_hint(hint)
        .with_details(json!({ "errorCode": WORKSPACE_FAILED, "reason": e.reason().as_str() }))
}

/// The text with a capital letter, as a person reads it.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
