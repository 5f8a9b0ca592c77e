//! What git says of an issue's workspace.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::ApiError;
use contract::issue::Issue;
use contract::workspace::*;
use store::SqliteConnection;
use workspaces::{ChangeKind, FileDiff, GitError};

use super::{blocking, failed};
use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// How long git may take to be asked.
const PATIENCE: Duration = Duration::from_secs(20);
/// Files that are named.
const MOST_FILES: usize = 500;
/// Files that are looked through for whether they are committed.
const MOST_CHANGES: usize = 20_000;
/// Bytes of one file's difference.
const MOST_BYTES: usize = 256 << 10;
/// Steps that are told.
const MOST_STEPS: u32 = 30;

impl Engine {
    /// The workspace of an issue: the one that it names, else the one that was made for it last.
    pub(crate) async fn workspace_of(
        &self,
        conn: &mut SqliteConnection,
        issue: &Issue,
    ) -> Answer<Option<ExecutionWorkspace>> {
        let named = match issue.execution_workspace_id.as_deref().and_then(|s| s.parse().ok()) {
            Some(id) => store::execution_workspaces::get(conn, id).await.answer()?,
            None => None,
        };
        match named.filter(|w| w.company_id == issue.company_id) {
            Some(w) => Ok(Some(w)),
            None => store::execution_workspaces::last_of(conn, issue.id).await.answer(),
        }
    }

    /// Everything about where an issue is worked on.
    pub(crate) async fn issue_workspace(&self, issue: Issue) -> Answer<IssueWorkspace> {
        let (workspace, operations, trash, is_finalized, has_ground) = {
            let mut conn = self.store.read().await.answer()?;
            let w = self.workspace_of(&mut conn, &issue).await?;
            let (steps, finalized) = match &w {
                Some(w) => (
                    store::workspace_operations::of_workspace(&mut conn, w.id, MOST_STEPS).await.answer()?,
                    store::workspace_operations::is_finalized(&mut conn, w.id).await.answer()?,
                ),
                None => (Vec::new(), true),
            };
            let trash = store::workspace_trash::of_issue(&mut conn, issue.id).await.answer()?;
            let ground = self.ground_of(&mut conn, issue).await;
            (w, steps, trash, finalized, ground.is_ok_and(|g| g.is_some()))
        };
        let (git, reason) = match &workspace {
            None if has_ground => (None, Some("The first run makes its workspace".to_owned())),
            None => {
                (None, Some("Its project has no folder: agents work where their own settings say".into()))
            }
            Some(w) if w.closed_at.is_some() => {
                let why = w.cleanup_reason.clone().unwrap_or_else(|| "It was closed".to_owned());
                (None, Some(why))
            }
            Some(w) => match self.git_of(w.clone()).await? {
                Ok(git) => (git, None),
                Err(why) => (None, Some(why)),
            },
        };
        Ok(IssueWorkspace { workspace, git, reason, is_finalized, operations, trash })
    }

    async fn git_of(&self, w: ExecutionWorkspace) -> Answer<Result<Option<WorkspaceGit>, String>> {
        match tokio::time::timeout(PATIENCE, blocking(move || read_git(&w))).await {
            Ok(read) => Ok(read?.map_err(|e| e.to_string())),
            Err(_) => Ok(Err(format!("Git did not answer within {} seconds", PATIENCE.as_secs()))),
        }
    }

    /// How one file of a workspace differs from the base.
    pub(crate) async fn workspace_diff(
        &self,
        w: Option<ExecutionWorkspace>,
        path: String,
    ) -> Answer<WorkspaceDiff> {
        let Some(w) = w.filter(|w| w.closed_at.is_none()) else {
            return Err(ApiError::not_found("Open workspace"));
        };
        let read = blocking(move || {
            let cwd = PathBuf::from(w.cwd.clone().unwrap_or_default());
            let diff = workspaces::diff(&cwd, base(&w), Some(&path), 1, MOST_BYTES)?;
            let open = workspaces::status(&cwd, MOST_CHANGES)?;
            let open: HashSet<String> = open.changes.into_iter().map(|c| c.path).collect();
            Ok::<_, GitError>(diff.files.into_iter().next().map(|f| (changed(&f, &open), f)))
        });
        let read = tokio::time::timeout(PATIENCE, read)
            .await
            .map_err(|_| ApiError::unprocessable("Git did not answer in time"))??;
        let Some((file, f)) = read.map_err(|e| failed(&e))? else {
            return Err(ApiError::not_found("Changed file"));
        };
        Ok(WorkspaceDiff { file, patch: f.patch, is_cut: f.cut })
    }

    /// What a workspace takes on its disk.
    pub(crate) async fn workspace_disk(&self, w: Option<ExecutionWorkspace>) -> Answer<WorkspaceDiskUse> {
        let cwd = w.filter(|w| w.closed_at.is_none()).and_then(|w| w.cwd);
        let folder = PathBuf::from(cwd.clone().unwrap_or_default());
        let used = blocking(move || {
            if folder.is_dir() { workspaces::disk_use(&folder, PATIENCE / 4) } else { Default::default() }
        })
        .await?;
        Ok(WorkspaceDiskUse {
            path: cwd,
            bytes: used.bytes,
            files: used.files,
            rebuildable_bytes: used.rebuildable_bytes,
            is_cut: used.cut_short,
        })
    }
}

/// What a workspace is compared with: its base, and in the project's own folder what is committed.
fn base(w: &ExecutionWorkspace) -> Option<&str> {
    let own = w.strategy_type == WorkspaceStrategy::GitWorktree;
    w.base_ref.as_deref().filter(|_| own)
}

fn read_git(w: &ExecutionWorkspace) -> Result<Option<WorkspaceGit>, GitError> {
    let cwd = PathBuf::from(w.cwd.clone().unwrap_or_default());
    let own = w.strategy_type == WorkspaceStrategy::GitWorktree;
    if !own && !workspaces::is_repository(&cwd) && Path::new(&cwd).is_dir() {
        return Ok(None);
    }
    let status = workspaces::status(&cwd, MOST_CHANGES)?;
    let drift = match base(w) {
        Some(name) => workspaces::drift(&cwd, name)?,
        None => None,
    };
    // The base may have been renamed or deleted; where the branch began is still known.
    let from = if drift.is_some() { base(w) } else { w.base_commit.as_deref().filter(|_| own) };
    let diff = workspaces::diff(&cwd, from, None, MOST_FILES, 0)?;
    let open: HashSet<String> = status.changes.into_iter().map(|c| c.path).collect();
    Ok(Some(WorkspaceGit {
        branch: status.branch,
        head: status.head,
        base_ref: base(w).map(str::to_owned),
        ahead: drift.as_ref().map(|d| d.ahead),
        behind: drift.as_ref().map(|d| d.behind),
        is_merged: drift.as_ref().map(|d| d.ahead == 0),
        uncommitted: status.total,
        untracked: status.untracked,
        conflicted: status.conflicted,
        files: diff.files.iter().map(|f| changed(f, &open)).collect(),
        file_count: diff.total,
    }))
}

fn changed(f: &FileDiff, open: &HashSet<String>) -> ChangedFile {
    ChangedFile {
        path: f.path.clone(),
        old_path: f.old_path.clone(),
        change: match f.kind {
            ChangeKind::Added => FileChange::Added,
            ChangeKind::Modified => FileChange::Modified,
            ChangeKind::Deleted => FileChange::Deleted,
            ChangeKind::Renamed => FileChange::Renamed,
            ChangeKind::Untracked => FileChange::Untracked,
            ChangeKind::Conflicted => FileChange::Conflicted,
        },
        additions: f.additions,
        deletions: f.deletions,
        is_binary: f.binary,
        is_uncommitted: open.contains(&f.path),
    }
}
