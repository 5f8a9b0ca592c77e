//! What was taken away: brought back, or given up when its time is over.

use std::path::{Path, PathBuf};

use contract::workspace::*;
use contract::{ApiError, TrashedWorkspaceId};
use serde_json::json;

use super::ledger::Ended;
use super::{blocking, failed};
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

impl Engine {
    /// Brings a worktree back, with what was uncommitted in it uncommitted again.
    pub(crate) async fn restore_workspace(
        &self,
        caller: &Caller,
        id: TrashedWorkspaceId,
    ) -> Answer<ExecutionWorkspace> {
        let (t, old) = {
            let mut conn = self.store.read().await.answer()?;
            let t = store::workspace_trash::get(&mut conn, id).await.or_missing("Trashed workspace")?;
            caller.within(t.company_id.ok_or_else(|| ApiError::not_found("Trashed workspace"))?)?;
            let old = match t.execution_workspace_id {
                Some(w) => store::execution_workspaces::get(&mut conn, w).await.answer()?,
                None => None,
            };
            (t, old)
        };
        let kept_at = t.folder.clone().unwrap_or_default();
        let (Some(reference), Some(repo), Some(old)) = (&t.snapshot_ref, &t.repo_root, old) else {
            return Err(ApiError::conflict("Nobody knows to which workspace this belongs")
                .with_hint(format!("Its files are in {kept_at} until it expires: take out what you need.")));
        };
        let w = self.open_restored(&t, &old).await?;
        let turn = self.turns.of(w.id);
        let _mine = turn.lock().await;
        let in_project = self.turns.in_project(w.project_id);
        let back = {
            let _mine = in_project.lock().await;
            let (repo, reference) = (PathBuf::from(repo), reference.clone());
            let path = PathBuf::from(w.cwd.clone().unwrap_or_default());
            let branch = t.branch_name.clone().unwrap_or_else(|| w.name.clone());
            blocking(move || workspaces::restore(&repo, &reference, &path, &branch)).await?
        };
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut w = store::execution_workspaces::get(&mut tx, w.id).await.or_missing("Workspace")?;
        let answer = match back {
            Ok(made) => {
                w.branch_name.clone_from(&made.branch);
                let facts = json!({ "restoredFrom": t.id, "branch": made.branch, "head": made.head,
                    "nestedRepositoriesIn": t.folder });
                self.note_step(&mut tx, &w, None, WorkspacePhase::WorktreePrepare, Ended::well(facts))
                    .await?;
                // Nothing is at work in it: what it holds is what was kept.
                let phase = WorkspacePhase::WorkspaceFinalize;
                self.note_step(&mut tx, &w, None, phase, Ended::well(json!({ "restored": true }))).await?;
                let mut t = t.clone();
                t.restored_at = Some(tx.at());
                store::workspace_trash::save(&mut tx, &t).await.answer()?;
                self.point_issue_at(&mut tx, &w).await?;
                let entity = ("execution_workspace", w.id.to_string());
                let details = json!({ "name": w.name, "trashId": t.id });
                let what = "execution_workspace.restored";
                self.log(&mut tx, caller, w.company_id, what, entity, details).await?;
                Ok(w.clone())
            }
            Err(e) => {
                w.status = ExecutionWorkspaceStatus::Archived;
                w.closed_at = Some(tx.at());
                w.cleanup_reason = Some(e.to_string());
                self.note_step(
                    &mut tx,
                    &w,
                    None,
                    WorkspacePhase::WorktreePrepare,
                    Ended::badly(&e.to_string()),
                )
                .await?;
                Err(failed(&e))
            }
        };
        w.updated_at = tx.at();
        store::execution_workspaces::save(&mut tx, &w).await.answer()?;
        tx.commit().await.answer()?;
        answer
    }

    /// The record of a workspace that is about to come back, before anything lies on the disk.
    async fn open_restored(
        &self,
        t: &TrashedWorkspace,
        old: &ExecutionWorkspace,
    ) -> Answer<ExecutionWorkspace> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        if let Some(issue) = old.source_issue_id
            && let Some(open) =
                store::execution_workspaces::open_of(&mut tx, issue, old.mode).await.answer()?
        {
            return Err(ApiError::conflict("The issue has an open workspace")
                .with_details(json!({ "executionWorkspaceId": open.id }))
                .with_hint("Close that one first; it can be brought back in the same way."));
        }
        let mut w = old.clone();
        w.id = self.new_id();
        w.derived_from_execution_workspace_id = Some(old.id);
        w.status = ExecutionWorkspaceStatus::Idle;
        w.closed_at = None;
        w.cleanup_reason = None;
        (w.opened_at, w.last_used_at, w.created_at, w.updated_at) = (tx.at(), tx.at(), tx.at(), tx.at());
        let mut n = 1;
        let mut path = t.path.clone();
        while Path::new(&path).exists()
            || store::execution_workspaces::is_taken(&mut tx, &path, w.id).await.answer()?
        {
            n += 1;
            path = format!("{}-{n}", t.path);
        }
        w.cwd = Some(path);
        store::execution_workspaces::create(&mut tx, &w).await.answer()?;
        tx.commit().await.answer()?;
        Ok(w)
    }

    async fn point_issue_at(&self, tx: &mut store::WriteTx, w: &ExecutionWorkspace) -> Answer<()> {
        let Some(id) = w.source_issue_id else { return Ok(()) };
        if let Some(mut issue) = store::issues::get(tx, id).await.answer()? {
            issue.execution_workspace_id = Some(w.id.to_string());
            store::issues::save(tx, &issue).await.answer()?;
        }
        Ok(())
    }

    /// Gives up what was kept long enough.
    pub(super) async fn purge_trash(&self) -> Answer<()> {
        let expired = {
            let mut conn = self.store.read().await.answer()?;
            store::workspace_trash::expired(&mut conn, self.now()).await.answer()?
        };
        for t in expired {
            let gone = {
                let t = t.clone();
                blocking(move || give_up(&t)).await?
            };
            if let Err(e) = gone {
                tracing::warn!("the trashed workspace {} stays for now: {e}", t.name);
                continue;
            }
            let mut tx = self.store.write(self.now()).await.answer()?;
            store::workspace_trash::delete(&mut tx, &t).await.answer()?;
            tx.commit().await.answer()?;
        }
        Ok(())
    }
}

fn give_up(t: &TrashedWorkspace) -> Result<(), workspaces::GitError> {
    if let (Some(repo), Some(reference)) = (&t.repo_root, &t.snapshot_ref) {
        let repo = Path::new(repo);
        // A repository that is gone holds nothing any more.
        if workspaces::is_repository(repo) {
            workspaces::forget_snapshot(repo, reference)?;
        }
    }
    match &t.folder {
        Some(folder) => workspaces::purge_folder(Path::new(folder)),
        None => Ok(()),
    }
}
