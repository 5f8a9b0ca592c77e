//! Taking a workspace away. Everything in it is kept first.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::agent::Agent;
use contract::run::Run;
use contract::workspace::*;
use contract::{AgentId, ApiError, ExecutionWorkspaceId, RunId};
use domain::workspace::{CloseFacts, Closing, TRASH_DAYS, closing, deletable_branch};
use serde_json::{Value, json};
use store::{SqliteConnection, WriteTx};
use workspaces::{GitError, KeepIgnored, Reason, Removed};

use super::commands::For;
use super::ledger::Ended;
use super::place::{Ground, intended, persisted};
use super::{blocking, failed};
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

/// How and for whom a workspace is closed.
pub(crate) struct Close<'a> {
    pub reason: &'a str,
    pub keep: KeepIgnored,
    /// The run in whose name it happens: it does not count as being at work in it.
    pub run: Option<RunId>,
}

/// A command of the workspace's own.
pub(super) fn own_command(w: &ExecutionWorkspace, key: &str) -> Option<String> {
    let line = w.config.as_ref()?.get(key)?.as_str()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// What is known of a workspace that may be closed.
struct Known {
    git: Option<CloseGit>,
    linked: Vec<CloseLinkedIssue>,
    closing: Closing,
    teardown: Option<String>,
    cleanup: Option<String>,
    folder_is_there: bool,
}

impl Engine {
    /// Whether a workspace can be closed, and what would be done.
    pub(crate) async fn close_readiness(&self, w: &ExecutionWorkspace) -> Answer<CloseReadiness> {
        let known = self.known(w, None).await?;
        let shared = w.strategy_type != WorkspaceStrategy::GitWorktree;
        Ok(CloseReadiness {
            workspace_id: w.id,
            state: known.closing.state,
            blocking_reasons: known.closing.blocking,
            warnings: known.closing.warnings,
            linked_issues: known.linked,
            planned_actions: known.closing.actions,
            is_destructive_close_allowed: known.closing.state != CloseState::Blocked && !shared,
            is_shared_workspace: shared,
            is_project_primary_workspace: shared,
            git: known.git,
            runtime_services: Vec::new(),
        })
    }

    async fn known(&self, w: &ExecutionWorkspace, but_run: Option<RunId>) -> Answer<Known> {
        let (linked, run_is_live, teardown, cleanup) = {
            let mut conn = self.store.read().await.answer()?;
            let linked = self.linked(&mut conn, w).await?;
            let live = store::execution_workspaces::runs_in(&mut conn, w.id).await.answer()?;
            let (teardown, cleanup) = self.last_commands(&mut conn, w).await?;
            (linked, live.iter().any(|r| Some(*r) != but_run), teardown, cleanup)
        };
        let read = {
            let w = w.clone();
            blocking(move || close_git(&w)).await?
        };
        let folder_is_there = w.cwd.as_deref().is_some_and(|c| Path::new(c).is_dir());
        let (git, trouble) = match read {
            Ok(git) => (git, None),
            // Without its repository nothing can be asked of it, and the folder is kept as it is.
            Err(_) if w.repo_root.as_deref().is_some_and(|r| !Path::new(r).is_dir()) => (None, None),
            Err(e) => (None, Some(e.to_string())),
        };
        let closing = closing(&CloseFacts {
            workspace: w,
            git: git.as_ref(),
            git_trouble: trouble.as_deref(),
            linked: &linked,
            run_is_live,
            folder_is_there,
            teardown: teardown.as_deref(),
            cleanup: cleanup.as_deref(),
        });
        Ok(Known { git, linked, closing, teardown, cleanup, folder_is_there })
    }

    async fn linked(
        &self,
        conn: &mut SqliteConnection,
        w: &ExecutionWorkspace,
    ) -> Answer<Vec<CloseLinkedIssue>> {
        let mut ids = store::execution_workspaces::issues_in(conn, w.id).await.answer()?;
        if let Some(source) = w.source_issue_id.filter(|s| !ids.contains(s)) {
            ids.push(source);
        }
        let found = store::relations::summaries_of(conn, &ids).await.answer()?;
        Ok(ids
            .iter()
            .filter_map(|id| found.get(id))
            .map(|i| CloseLinkedIssue {
                id: i.id,
                identifier: i.identifier.clone(),
                title: i.title.clone(),
                status: i.status.to_string(),
                is_terminal: i.status.is_terminal(),
            })
            .collect())
    }

    /// The commands at the end of a worktree: its own over those of its project.
    async fn last_commands(
        &self,
        conn: &mut SqliteConnection,
        w: &ExecutionWorkspace,
    ) -> Answer<(Option<String>, Option<String>)> {
        let project = store::planning::project(conn, w.project_id).await.answer()?;
        let code = match w.project_workspace_id {
            Some(id) => store::project_workspaces::get(conn, id).await.answer()?,
            None => None,
        };
        let policy = project.as_ref().and_then(|p| p.execution_workspace_policy.as_ref());
        let s = domain::workspace::settings(None, policy, code.as_ref());
        Ok((own_command(w, "teardownCommand").or(s.teardown), own_command(w, "cleanupCommand").or(s.cleanup)))
    }

    /// Closes a workspace: its commands, its snapshot, its folder, its record.
    pub(crate) async fn close_workspace(
        &self,
        caller: &Caller,
        id: ExecutionWorkspaceId,
        how: Close<'_>,
    ) -> Answer<ExecutionWorkspace> {
        let turn = self.turns.of(id);
        let _mine = turn.lock().await;
        self.close_in_turn(caller, id, how).await
    }

    /// As [`Engine::close_workspace`], for those whose turn it is.
    pub(super) async fn close_in_turn(
        &self,
        caller: &Caller,
        id: ExecutionWorkspaceId,
        how: Close<'_>,
    ) -> Answer<ExecutionWorkspace> {
        let w = {
            let mut conn = self.store.read().await.answer()?;
            store::execution_workspaces::get(&mut conn, id).await.or_missing("Workspace")?
        };
        let known = self.known(&w, how.run).await?;
        if known.closing.state == CloseState::Blocked {
            let why = known.closing.blocking.join(". ");
            return Err(ApiError::conflict(format!("The workspace cannot be closed: {why}"))
                .with_details(json!({ "blockingReasons": known.closing.blocking })));
        }
        if w.strategy_type == WorkspaceStrategy::GitWorktree {
            if known.folder_is_there {
                self.last_words(&w, &known, how.run).await?;
            }
            if let Err(e) = self.take_away(&w, how.reason, how.keep, how.run).await {
                self.cleanup_failed(&w, &e.message).await?;
                return Err(e);
            }
            self.drop_branch(&w, &known).await?;
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut w = store::execution_workspaces::get(&mut tx, id).await.or_missing("Workspace")?;
        w.status = ExecutionWorkspaceStatus::Archived;
        w.closed_at = Some(tx.at());
        w.cleanup_reason = Some(how.reason.to_owned());
        w.updated_at = tx.at();
        store::execution_workspaces::save(&mut tx, &w).await.answer()?;
        let details = json!({ "name": w.name, "reason": how.reason });
        let entity = ("execution_workspace", w.id.to_string());
        self.log(&mut tx, caller, w.company_id, "execution_workspace.archived", entity, details).await?;
        // What waited for the work in it waits no more.
        self.wake_finalized(&mut tx, w.id).await?;
        tx.commit().await.answer()?;
        Ok(w)
    }

    /// Runs the commands at the end. A command that fails leaves the workspace open.
    async fn last_words(&self, w: &ExecutionWorkspace, known: &Known, run: Option<RunId>) -> Answer<()> {
        let commands = [
            (WorkspacePhase::WorkspaceTeardown, "teardown", &known.teardown),
            (WorkspacePhase::WorktreeCleanup, "cleanup", &known.cleanup),
        ];
        for (phase, what, line) in commands {
            let Some(line) = line else { continue };
            let whom = For { run, ..For::default() };
            if let Some(why) = self.run_in_workspace(w, phase, line, whom).await? {
                let told = format!("The {what} command failed. {why}");
                self.cleanup_failed(w, &told).await?;
                return Err(ApiError::conflict(told)
                    .with_hint("Nothing was taken away. Mend the command, or clear it, and close again."));
            }
        }
        Ok(())
    }

    async fn cleanup_failed(&self, w: &ExecutionWorkspace, why: &str) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut w = store::execution_workspaces::get(&mut tx, w.id).await.or_missing("Workspace")?;
        w.status = ExecutionWorkspaceStatus::CleanupFailed;
        w.cleanup_reason = Some(why.to_owned());
        w.updated_at = tx.at();
        store::execution_workspaces::save(&mut tx, &w).await.answer()?;
        tx.commit().await.answer()
    }

    /// Keeps all files of a worktree and takes its folder away. May be called again after an interruption.
    pub(super) async fn take_away(
        &self,
        w: &ExecutionWorkspace,
        reason: &str,
        keep: KeepIgnored,
        run: Option<RunId>,
    ) -> Answer<()> {
        let (mut kept, step) = {
            let mut tx = self.store.write(self.now()).await.answer()?;
            let begun = store::workspace_trash::begun(&mut tx, w.id).await.answer()?;
            let kept = match begun {
                Some(t) => t,
                None => {
                    let t = self.trash_row(&tx, w, reason);
                    store::workspace_trash::create(&mut tx, &t).await.answer()?;
                    t
                }
            };
            let step = self.begin_step(&mut tx, w, run, WorkspacePhase::WorktreeCleanup, None).await?;
            tx.commit().await.answer()?;
            (kept, step)
        };
        let turn = self.turns.in_project(w.project_id);
        let gone = {
            let _mine = turn.lock().await;
            let (w, name, trash) = (w.clone(), trash_name(&kept), self.paths.workspace_trash());
            blocking(move || remove(&w, &name, keep, &trash)).await?
        };
        let mut tx = self.store.write(self.now()).await.answer()?;
        let answer = match gone {
            Ok(gone) => {
                let there = fill(&mut kept, &gone);
                if there {
                    store::workspace_trash::save(&mut tx, &kept).await.answer()?;
                } else {
                    store::workspace_trash::delete(&mut tx, &kept).await.answer()?;
                }
                let facts = json!({ "trashId": there.then_some(kept.id), "snapshotRef": kept.snapshot_ref,
                    "folder": kept.folder, "ignored": gone.removed.snapshot.map(|s| s.ignored) });
                self.end_step(&mut tx, step, Ended::well(facts)).await?;
                Ok(())
            }
            Err(e) => {
                // Nothing was taken away, so nothing is kept.
                store::workspace_trash::delete(&mut tx, &kept).await.answer()?;
                self.end_step(&mut tx, step, Ended::badly(&e.to_string())).await?;
                Err(failed(&e))
            }
        };
        tx.commit().await.answer()?;
        answer
    }

    pub(super) fn trash_row(&self, tx: &WriteTx, w: &ExecutionWorkspace, reason: &str) -> TrashedWorkspace {
        TrashedWorkspace {
            id: self.new_id(),
            company_id: Some(w.company_id),
            execution_workspace_id: Some(w.id),
            issue_id: w.source_issue_id,
            name: w.name.clone(),
            path: w.cwd.clone().unwrap_or_default(),
            repo_root: w.repo_root.clone(),
            snapshot_ref: None,
            folder: None,
            branch_name: w.branch_name.clone(),
            has_unsaved_work: false,
            ignored_count: 0,
            reason: reason.to_owned(),
            created_at: tx.at(),
            expires_at: tx.at().plus(Duration::from_secs(TRASH_DAYS * 86_400)),
            restored_at: None,
        }
    }

    /// Deletes the branch of a worktree that is gone, where the base has all of it.
    async fn drop_branch(&self, w: &ExecutionWorkspace, known: &Known) -> Answer<()> {
        let Some(branch) = deletable_branch(w, known.git.as_ref()).map(str::to_owned) else { return Ok(()) };
        let (repo, base) = (PathBuf::from(w.repo_root.clone().unwrap_or_default()), w.base_ref.clone());
        let turn = self.turns.in_project(w.project_id);
        let _mine = turn.lock().await;
        blocking(move || {
            let Some(base) = base else { return };
            // Looked at once more: somebody may have committed since.
            if let Err(e) = workspaces::delete_merged_branch(&repo, &branch, &base) {
                tracing::warn!("the branch {branch} stays: {e}");
            }
        })
        .await
    }

    /// Lets another agent go on in a worktree: what it holds is kept first, and the thread is told. `false`: the
    /// agent is meant for another environment, so the worktree was closed instead.
    pub(super) async fn hand_over(
        &self,
        w: &ExecutionWorkspace,
        g: &Ground,
        before: AgentId,
        agent: &Agent,
        run: &Run,
    ) -> Answer<bool> {
        let old = {
            let mut conn = self.store.read().await.answer()?;
            store::agents::get(&mut conn, before).await.answer()?
        };
        let old_name = old.map_or_else(|| "an agent that is gone".to_owned(), |a| a.name);
        if persisted(w) != intended(g, agent) {
            let reason = format!("{} works in another environment than {old_name}", agent.name);
            let how = Close { reason: &reason, keep: KeepIgnored::No, run: Some(run.id) };
            Box::pin(self.close_in_turn(&Caller::system(), w.id, how)).await?;
            let body = format!(
                "{reason}, so the workspace was not reused (reused_workspace_environment_mismatch). Its state is \
                 kept in the trash for {TRASH_DAYS} days; a new worktree on the issue's branch follows."
            );
            self.tell(g, run, "A new workspace", &body).await?;
            return Ok(false);
        }
        let cwd = PathBuf::from(w.cwd.clone().unwrap_or_default());
        if !cwd.is_dir() {
            return Ok(true);
        }
        let mut kept = {
            let tx = self.store.write(self.now()).await.answer()?;
            self.trash_row(&tx, w, &format!("As {old_name} left it to {}", agent.name))
        };
        let name = trash_name(&kept);
        let snap = blocking(move || workspaces::snapshot(&cwd, &name, KeepIgnored::No)).await?;
        let snap = snap.map_err(|e| failed(&e))?;
        let mut tx = self.store.write(self.now()).await.answer()?;
        kept.snapshot_ref = Some(snap.reference.clone());
        kept.has_unsaved_work = snap.unsaved;
        kept.ignored_count = i64::try_from(snap.ignored_total).unwrap_or(i64::MAX);
        store::workspace_trash::create(&mut tx, &kept).await.answer()?;
        let facts = json!({ "handedOverFrom": before, "handedOverTo": agent.id, "snapshotRef": snap.reference,
            "head": snap.head, "unsaved": snap.unsaved });
        let phase = WorkspacePhase::WorktreePrepare;
        self.note_step(&mut tx, w, Some(run.id), phase, Ended::well(facts)).await?;
        tx.commit().await.answer()?;
        let state =
            if snap.unsaved { "with changes that are not committed" } else { "with everything committed" };
        let body = format!(
            "{} goes on in the workspace of {old_name}, {state}. The state at this moment is kept in the trash for \
             {TRASH_DAYS} days.",
            agent.name
        );
        self.tell(g, run, "Workspace handed over", &body).await?;
        Ok(true)
    }

    async fn tell(&self, g: &Ground, run: &Run, title: &str, body: &str) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        if let Some(issue) = store::issues::get(&mut tx, g.issue.id).await.answer()? {
            self.notice(&mut tx, &issue, run, title, body).await?;
        }
        tx.commit().await.answer()
    }
}

/// The name of a snapshot, below the ref of all snapshots.
pub(super) fn trash_name(t: &TrashedWorkspace) -> String {
    match t.execution_workspace_id {
        Some(w) => format!("{w}/{}", t.id),
        None => format!("orphans/{}", t.id),
    }
}

/// What became of a folder.
pub(super) struct Gone {
    pub removed: Removed,
    /// The snapshot was made before an interruption.
    earlier: Option<String>,
}

fn remove(w: &ExecutionWorkspace, name: &str, keep: KeepIgnored, trash: &Path) -> Result<Gone, GitError> {
    let path = PathBuf::from(w.cwd.clone().unwrap_or_default());
    let repo = PathBuf::from(w.repo_root.clone().unwrap_or_default());
    match workspaces::remove(&repo, &path, name, keep, trash) {
        Ok(removed) => {
            let reference = format!("{}{name}", workspaces::SNAPSHOTS);
            let earlier = removed.snapshot.is_none() && workspaces::has_snapshot(&repo, &reference)?;
            Ok(Gone { removed, earlier: earlier.then_some(reference) })
        }
        // Without its repository nothing can be asked of it: the folder is kept as it is.
        Err(e) if matches!(e.reason(), Reason::FolderMissing | Reason::NotARepository) => {
            let mut removed = Removed::default();
            if path.is_dir() {
                let place = trash.join(name.replace('/', "-"));
                workspaces::set_aside(&path, &place)?;
                removed.aside = Some(place);
            }
            Ok(Gone { removed, earlier: None })
        }
        Err(e) => Err(e),
    }
}

/// Notes what is kept; answers whether anything is.
fn fill(t: &mut TrashedWorkspace, gone: &Gone) -> bool {
    t.folder = gone.removed.aside.as_ref().map(|p| p.display().to_string());
    if let Some(s) = &gone.removed.snapshot {
        t.snapshot_ref = Some(s.reference.clone());
        t.has_unsaved_work = s.unsaved;
        t.ignored_count = i64::try_from(s.ignored_total).unwrap_or(i64::MAX);
    } else if let Some(earlier) = &gone.earlier {
        t.snapshot_ref = Some(earlier.clone());
        t.has_unsaved_work = true;
    } else if t.folder.is_some() {
        t.has_unsaved_work = true;
    }
    t.snapshot_ref.is_some() || t.folder.is_some()
}

/// What git says of a workspace that is to be closed.
fn close_git(w: &ExecutionWorkspace) -> Result<Option<CloseGit>, GitError> {
    let path = PathBuf::from(w.cwd.clone().unwrap_or_default());
    let own = w.strategy_type == WorkspaceStrategy::GitWorktree;
    if !path.is_dir() || (!own && !workspaces::is_repository(&path)) {
        return Ok(None);
    }
    let status = workspaces::status(&path, 0)?;
    let drift = match &w.base_ref {
        Some(base) => workspaces::drift(&path, base)?,
        None => None,
    };
    let made = w.metadata.as_ref().and_then(|m| m.get("branchCreated")).and_then(Value::as_bool);
    Ok(Some(CloseGit {
        repo_root: w.repo_root.clone(),
        workspace_path: w.cwd.clone(),
        branch_name: status.branch,
        base_ref: w.base_ref.clone(),
        has_dirty_tracked_files: status.total > status.untracked,
        has_untracked_files: status.untracked > 0,
        dirty_entry_count: status.total - status.untracked,
        untracked_entry_count: status.untracked,
        ahead_count: drift.as_ref().map(|d| d.ahead),
        behind_count: drift.as_ref().map(|d| d.behind),
        is_merged_into_base: drift.as_ref().map(|d| d.ahead == 0),
        created_by_runtime: made == Some(true),
    }))
}
