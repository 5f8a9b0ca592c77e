//! The gate after a run: what waits for its work goes on once the workspace is known to be in order.

use std::path::PathBuf;

use contract::issue::{Issue, IssueStatus};
use contract::run::Run;
use contract::workspace::*;
use contract::{ApiError, ExecutionWorkspaceId, RunId};
use serde_json::{Value, json};
use store::WriteTx;

use super::blocking;
use super::ledger::Ended;
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

/// What was found in the workspace of a run that ended.
pub(crate) struct Finalized {
    workspace: ExecutionWorkspaceId,
    branch: Option<String>,
    found: Result<Value, String>,
}

impl Engine {
    /// Looks at the workspace of a run that ended. `None`: it had none, or that is closed.
    pub(crate) async fn inspect_place(&self, run: RunId) -> Answer<Option<Finalized>> {
        let w = {
            let mut conn = self.store.read().await.answer()?;
            let steps = store::workspace_operations::of_run(&mut conn, run).await.answer()?;
            let Some(id) = steps.iter().rev().find_map(|s| s.execution_workspace_id) else {
                return Ok(None);
            };
            store::execution_workspaces::get(&mut conn, id).await.answer()?
        };
        match w.filter(|w| w.closed_at.is_none()) {
            Some(w) => self.inspect(w).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn inspect(&self, w: ExecutionWorkspace) -> Answer<Finalized> {
        let id = w.id;
        let (branch, found) = match blocking(move || look(&w)).await? {
            Ok((branch, facts)) => (branch, Ok(facts)),
            Err(why) => (None, Err(why)),
        };
        Ok(Finalized { workspace: id, branch, found })
    }

    /// Records the finalize of a workspace. `clean`: the run came back from its command, however it went there.
    pub(crate) async fn note_finalize(
        &self,
        tx: &mut WriteTx,
        run: Option<&Run>,
        f: &Finalized,
        clean: Result<(), &str>,
    ) -> Answer<bool> {
        let Some(mut w) = store::execution_workspaces::get(tx, f.workspace).await.answer()? else {
            return Ok(false);
        };
        let end = match (&f.found, clean) {
            (Ok(facts), Ok(())) => Ended::well(facts.clone()),
            (Err(why), _) => Ended::badly(why),
            (Ok(facts), Err(why)) => {
                let mut end = Ended::badly(why);
                end.facts.extend(facts.as_object().cloned().unwrap_or_default());
                end
            }
        };
        let well = end.status == WorkspaceOperationStatus::Succeeded;
        self.note_step(tx, &w, run.map(|r| r.id), WorkspacePhase::WorkspaceFinalize, end).await?;
        let in_review = match w.source_issue_id {
            Some(id) => {
                store::issues::get(tx, id).await.answer()?.is_some_and(|i| i.status == IssueStatus::InReview)
            }
            None => false,
        };
        w.status =
            if in_review { ExecutionWorkspaceStatus::InReview } else { ExecutionWorkspaceStatus::Idle };
        if f.branch.is_some() {
            w.branch_name.clone_from(&f.branch);
        }
        w.last_used_at = tx.at();
        w.updated_at = tx.at();
        store::execution_workspaces::save(tx, &w).await.answer()?;
        Ok(well)
    }

    /// Wakes those who waited for issues that were done in a workspace which is now finalized.
    pub(crate) async fn wake_finalized(
        &self,
        tx: &mut WriteTx,
        workspace: ExecutionWorkspaceId,
    ) -> Answer<()> {
        let mut wakes = Vec::new();
        for id in store::execution_workspaces::issues_in(tx, workspace).await.answer()? {
            let issue = store::issues::get(tx, id).await.answer()?;
            if let Some(issue) = issue.filter(|i| i.status == IssueStatus::Done) {
                let due = self.wakes_of_done(tx, &issue).await?;
                wakes.extend(due.into_iter().map(|w| w.with("deferredFor", "workspace_finalize")));
            }
        }
        self.wake_all(tx, &Caller::system(), wakes).await
    }

    /// As [`Engine::wake_finalized`], of the workspace that was looked at.
    pub(crate) async fn wake_after(&self, tx: &mut WriteTx, f: &Finalized) -> Answer<()> {
        self.wake_finalized(tx, f.workspace).await
    }

    /// Refuses to accept what an agent presents while its workspace is not finalized.
    pub(crate) async fn needs_finalize(&self, tx: &mut WriteTx, issue: &Issue) -> Answer<()> {
        let id = issue.execution_workspace_id.as_deref().and_then(|s| s.parse().ok());
        let Some(id): Option<ExecutionWorkspaceId> = id else { return Ok(()) };
        if store::workspace_operations::is_finalized(tx, id).await.answer()? {
            return Ok(());
        }
        let latest = store::workspace_operations::of_workspace(tx, id, 1).await.answer()?;
        let live = !store::execution_workspaces::runs_in(tx, id).await.answer()?.is_empty();
        let (why, hint) = if live {
            ("A run is still at work in the issue's workspace", "Accept it once the run has ended.")
        } else {
            (
                "The issue's workspace is not finalized after its last run",
                "It is looked at again within minutes; the issue's workspace section says what is wrong.",
            )
        };
        Err(ApiError::conflict(why).with_hint(hint).with_details(json!({
            "reason": "workspace_not_finalized", "executionWorkspaceId": id,
            "latestOperation": latest.first().map(|o| json!({ "id": o.id, "phase": o.phase, "status": o.status })),
        })))
    }
}

/// What a workspace holds, for the record.
fn look(w: &ExecutionWorkspace) -> Result<(Option<String>, Value), String> {
    let path = PathBuf::from(w.cwd.clone().unwrap_or_default());
    if !path.is_dir() {
        return Err(format!("The folder {} is gone", path.display()));
    }
    let own = w.strategy_type == WorkspaceStrategy::GitWorktree;
    if !own && !workspaces::is_repository(&path) {
        return Ok((None, json!({ "git": false })));
    }
    let read = || -> Result<_, workspaces::GitError> {
        let status = workspaces::status(&path, 0)?;
        let drift = match &w.base_ref {
            Some(base) => workspaces::drift(&path, base)?,
            None => None,
        };
        Ok((status, drift))
    };
    let (status, drift) = read().map_err(|e| e.to_string())?;
    let facts = json!({
        "head": status.head, "branch": status.branch, "uncommitted": status.total, "untracked": status.untracked,
        "ahead": drift.as_ref().map(|d| d.ahead), "behind": drift.as_ref().map(|d| d.behind),
    });
    Ok((status.branch.filter(|_| own), facts))
}
