//! Disk and database agree again: no worktree that nobody knows of, no record of a worktree that is gone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use contract::workspace::*;
use contract::{CompanyId, ExecutionWorkspaceId};
use workspaces::KeepIgnored;

use super::blocking;
use super::close::{Close, trash_name};
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

impl Engine {
    /// Ends what the program was in the middle of when it stopped. Called once, before runs start.
    pub(crate) async fn recover_workspaces(&self) -> Answer<()> {
        self.end_broken_steps().await
    }

    /// Looks for what does not fit together, and mends it. Each trouble is for itself: none keeps the others back.
    pub(crate) async fn reconcile_workspaces(&self) -> Answer<()> {
        let open = {
            let mut conn = self.store.read().await.answer()?;
            store::execution_workspaces::open(&mut conn).await.answer()?
        };
        let own: HashMap<PathBuf, ExecutionWorkspaceId> = open
            .iter()
            .filter(|w| w.strategy_type == WorkspaceStrategy::GitWorktree)
            .filter_map(|w| Some((PathBuf::from(w.cwd.as_ref()?), w.id)))
            .collect();
        let (root, known) = (self.paths.worktrees(), own.keys().cloned().collect::<Vec<_>>());
        let survey = blocking(move || workspaces::survey(&root, &known)).await?;
        for path in survey.interrupted {
            if let Some(id) = own.get(&path) {
                self.mend(*id, "finishing its removal", Box::pin(self.finish_removal(*id))).await;
            }
        }
        for path in survey.missing {
            if let Some(id) = own.get(&path) {
                self.mend(*id, "its folder is gone", Box::pin(self.archive_missing(*id))).await;
            }
        }
        for path in survey.leftovers {
            if let Err(e) = blocking(move || workspaces::purge_folder(&path)).await? {
                tracing::warn!("what is kept already cannot be deleted: {e}");
            }
        }
        for path in survey.orphans {
            if let Err(e) = self.keep_orphan(&path).await {
                tracing::warn!("the folder {} belongs to nobody and stays: {e}", path.display());
            }
        }
        for w in open {
            if w.source_issue_id.is_none() {
                self.mend(w.id, "its issue is gone", Box::pin(self.close_unowned(w.id))).await;
            } else {
                self.mend(w.id, "its finalize", Box::pin(self.finalize_late(w))).await;
            }
        }
        self.purge_trash().await
    }

    async fn mend(&self, id: ExecutionWorkspaceId, what: &str, work: impl Future<Output = Answer<()>>) {
        if let Err(e) = work.await {
            self.mind_damage(&e);
            tracing::warn!(workspace = %id, "{what}: {e}");
        }
    }

    /// The workspace, if it is open, nobody is busy with it and no run is at work in it.
    async fn at_rest(&self, id: ExecutionWorkspaceId) -> Answer<Option<ExecutionWorkspace>> {
        let mut conn = self.store.read().await.answer()?;
        let w = store::execution_workspaces::get(&mut conn, id).await.answer()?;
        let busy = !store::execution_workspaces::runs_in(&mut conn, id).await.answer()?.is_empty();
        Ok(w.filter(|w| w.closed_at.is_none() && !busy))
    }

    /// A removal that was interrupted is finished: all is kept in any case.
    async fn finish_removal(&self, id: ExecutionWorkspaceId) -> Answer<()> {
        let turn = self.turns.of(id);
        let Ok(_mine) = turn.try_lock() else { return Ok(()) };
        let Some(w) = self.at_rest(id).await? else { return Ok(()) };
        let reason = "Its removal was interrupted";
        self.take_away(&w, reason, KeepIgnored::No, None).await?;
        self.archive(&w, reason).await
    }

    /// The folder of a record was taken away by somebody else, or the program ended after it took it away itself.
    async fn archive_missing(&self, id: ExecutionWorkspaceId) -> Answer<()> {
        let turn = self.turns.of(id);
        let Ok(_mine) = turn.try_lock() else { return Ok(()) };
        let Some(w) = self.at_rest(id).await? else { return Ok(()) };
        if w.cwd.as_deref().is_some_and(|c| Path::new(c).exists()) {
            return Ok(());
        }
        // Finds the snapshot if there was time for one, and makes the repository forget the worktree.
        self.take_away(&w, "Its folder is gone", KeepIgnored::No, None).await?;
        self.archive(&w, "Its folder is gone").await
    }

    async fn archive(&self, w: &ExecutionWorkspace, reason: &str) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let Some(mut w) = store::execution_workspaces::get(&mut tx, w.id).await.answer()? else {
            return Ok(());
        };
        w.status = ExecutionWorkspaceStatus::Archived;
        w.closed_at = Some(tx.at());
        w.cleanup_reason = Some(reason.to_owned());
        w.updated_at = tx.at();
        store::execution_workspaces::save(&mut tx, &w).await.answer()?;
        self.wake_finalized(&mut tx, w.id).await?;
        tx.commit().await.answer()
    }

    /// A workspace whose issue was deleted, and that no other issue is worked on in.
    async fn close_unowned(&self, id: ExecutionWorkspaceId) -> Answer<()> {
        {
            let mut conn = self.store.read().await.answer()?;
            if !store::execution_workspaces::issues_in(&mut conn, id).await.answer()?.is_empty() {
                return Ok(());
            }
        }
        if self.at_rest(id).await?.is_none() {
            return Ok(());
        }
        let how = Close { reason: "Its issue is gone", keep: KeepIgnored::No, run: None };
        self.close_workspace(&Caller::system(), id, how).await.map(drop)
    }

    /// Finalizes a workspace whose last run could not: it was lost, or never began. Nobody is at work in it now.
    async fn finalize_late(&self, w: ExecutionWorkspace) -> Answer<()> {
        let id = w.id;
        {
            let mut conn = self.store.read().await.answer()?;
            if store::workspace_operations::is_finalized(&mut conn, id).await.answer()? {
                return Ok(());
            }
        }
        let turn = self.turns.of(id);
        let Ok(_mine) = turn.try_lock() else { return Ok(()) };
        let Some(w) = self.at_rest(id).await? else { return Ok(()) };
        let found = self.inspect(w).await?;
        let mut tx = self.store.write(self.now()).await.answer()?;
        // A run may have begun while the folder was looked at.
        if !store::execution_workspaces::runs_in(&mut tx, id).await.answer()?.is_empty() {
            return Ok(());
        }
        if self.note_finalize(&mut tx, None, &found, Ok(())).await? {
            self.wake_after(&mut tx, &found).await?;
            tx.commit().await.answer()?;
        }
        Ok(())
    }

    /// A folder that no record names: its state is kept in the trash, then it goes.
    async fn keep_orphan(&self, path: &Path) -> Answer<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let plain = name.strip_suffix(".going").unwrap_or(&name).to_owned();
        let place = path.with_file_name(&plain);
        let group = path.parent().and_then(Path::file_name).map(|g| g.to_string_lossy().into_owned());
        let company: Option<CompanyId> = group.and_then(|g| g.parse().ok());
        let repo = {
            let path = path.to_owned();
            blocking(move || workspaces::main_repository(&path)).await?
        };
        let mut t = {
            let mut tx = self.store.write(self.now()).await.answer()?;
            let open = store::execution_workspaces::open(&mut tx).await.answer()?;
            // It may have been made since the survey.
            if open.iter().any(|w| w.cwd.as_deref().is_some_and(|c| Path::new(c) == place)) {
                return Ok(());
            }
            let company = match company {
                Some(c) => store::companies::get(&mut tx, c).await.answer()?.map(|c| c.id),
                None => None,
            };
            let mut t = self.orphan_row(&tx, plain, &place, company);
            // Announced before, so that it is found again if the program ends in the middle.
            match &repo {
                Some(_) => t.snapshot_ref = Some(format!("{}{}", workspaces::SNAPSHOTS, trash_name(&t))),
                None => t.folder = Some(self.trash_folder(&t).display().to_string()),
            }
            t.repo_root = repo.as_ref().map(|r| r.display().to_string());
            store::workspace_trash::create(&mut tx, &t).await.answer()?;
            tx.commit().await.answer()?;
            t
        };
        let kept = {
            let (path, place, name, trash) =
                (path.to_owned(), place.clone(), trash_name(&t), self.paths.workspace_trash());
            blocking(move || keep(repo, &path, &place, &name, &trash)).await?
        };
        let mut tx = self.store.write(self.now()).await.answer()?;
        match kept {
            Ok(kept) => {
                t.repo_root = kept.repo.map(|r| r.display().to_string());
                t.folder = kept.folder.map(|f| f.display().to_string());
                t.snapshot_ref = None;
                if let Some(s) = kept.snapshot {
                    t.snapshot_ref = Some(s.reference);
                    t.branch_name = s.branch;
                    t.has_unsaved_work = s.unsaved;
                    t.ignored_count = i64::try_from(s.ignored_total).unwrap_or(i64::MAX);
                }
                store::workspace_trash::save(&mut tx, &t).await.answer()?;
                tx.commit().await.answer()
            }
            Err(e) => {
                store::workspace_trash::delete(&mut tx, &t).await.answer()?;
                tx.commit().await.answer()?;
                Err(super::failed(&e))
            }
        }
    }

    fn trash_folder(&self, t: &TrashedWorkspace) -> PathBuf {
        self.paths.workspace_trash().join(trash_name(t).replace('/', "-"))
    }

    fn orphan_row(
        &self,
        tx: &store::WriteTx,
        name: String,
        place: &Path,
        company: Option<CompanyId>,
    ) -> TrashedWorkspace {
        let days = std::time::Duration::from_secs(domain::workspace::TRASH_DAYS * 86_400);
        TrashedWorkspace {
            id: self.new_id(),
            company_id: company,
            execution_workspace_id: None,
            issue_id: None,
            name,
            path: place.display().to_string(),
            repo_root: None,
            snapshot_ref: None,
            folder: None,
            branch_name: None,
            has_unsaved_work: true,
            ignored_count: 0,
            reason: "Nobody knew what it belonged to".to_owned(),
            created_at: tx.at(),
            expires_at: tx.at().plus(days),
            restored_at: None,
        }
    }
}

struct Kept {
    repo: Option<PathBuf>,
    snapshot: Option<workspaces::Snapshot>,
    folder: Option<PathBuf>,
}

/// Keeps a folder that belongs to nobody: as a snapshot where it is a worktree, else as it is.
fn keep(
    repo: Option<PathBuf>,
    path: &Path,
    place: &Path,
    name: &str,
    trash: &Path,
) -> Result<Kept, workspaces::GitError> {
    if let Some(repo) = repo
        && let Ok(gone) = workspaces::remove(&repo, place, name, KeepIgnored::No, trash)
    {
        return Ok(Kept { repo: Some(repo), snapshot: gone.snapshot, folder: gone.aside });
    }
    let aside = trash.join(name.replace('/', "-"));
    if path.exists() {
        workspaces::set_aside(path, &aside)?;
    }
    Ok(Kept { repo: None, snapshot: None, folder: Some(aside) })
}
