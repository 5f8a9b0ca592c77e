//! Where issues are worked on: workspaces, their steps, what git says of them, and what is kept of them.

use std::sync::Arc;

use contract::ApiError;
use contract::company::CompanyPath;
use contract::issue::IssuePath;
use contract::operations::*;
use contract::run::RunPath;
use contract::workspace::*;
use serde_json::json;
use store::SqliteConnection;
use workspaces::KeepIgnored;

use super::text;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::workspace::Close;
use crate::{Caller, Engine};

/// Steps that are listed.
const MOST_STEPS: u32 = 500;

impl Engine {
    /// A workspace that the caller may see.
    async fn workspace(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        id: contract::ExecutionWorkspaceId,
    ) -> Answer<ExecutionWorkspace> {
        let w = store::execution_workspaces::get(conn, id).await.or_missing("Workspace")?;
        caller.within(w.company_id)?;
        Ok(w)
    }
}

impl Handle<ListExecutionWorkspacesOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: ListExecutionWorkspaces,
    ) -> Answer<Vec<ExecutionWorkspace>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::execution_workspaces::list(&mut conn, &q).await.answer()
    }
}

impl Handle<GetExecutionWorkspace> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: ExecutionWorkspacePath,
    ) -> Answer<ExecutionWorkspace> {
        let mut conn = self.store.read().await.answer()?;
        self.workspace(&mut conn, caller, q.id).await
    }
}

impl Handle<GetCloseReadiness> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ExecutionWorkspacePath) -> Answer<CloseReadiness> {
        let w = {
            let mut conn = self.store.read().await.answer()?;
            self.workspace(&mut conn, caller, q.id).await?
        };
        Box::pin(self.close_readiness(&w)).await
    }
}

impl Handle<UpdateExecutionWorkspaceOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: UpdateExecutionWorkspace,
    ) -> Answer<ExecutionWorkspace> {
        if !q.cwd.is_keep() || !q.branch_name.is_keep() {
            return Err(ApiError::unprocessable("cwd and branchName follow the worktree")
                .with_hint("Move or switch the worktree itself; the record follows with the next run."));
        }
        let (id, closes, keep_ignored) =
            (q.id, q.status == Some(ExecutionWorkspaceStatus::Archived), q.keep_ignored);
        let mut tx = self.store.write(self.now()).await.answer()?;
        let before = self.workspace(&mut tx, caller, id).await?;
        let mut w = before.clone();
        apply(&mut w, q)?;
        if w != before {
            w.updated_at = tx.at();
            store::execution_workspaces::save(&mut tx, &w).await.answer()?;
            let entity = ("execution_workspace", w.id.to_string());
            let details = json!({ "name": w.name, "status": w.status });
            self.log(&mut tx, caller, w.company_id, "execution_workspace.updated", entity, details).await?;
            tx.commit().await.answer()?;
        } else {
            drop(tx);
        }
        if !closes {
            return Ok(w);
        }
        let keep = if keep_ignored { KeepIgnored::Yes } else { KeepIgnored::No };
        let how = Close { reason: "Closed by the operator", keep, run: None };
        Box::pin(self.close_workspace(caller, id, how)).await
    }
}

/// Changes everything but what closing brings.
fn apply(w: &mut ExecutionWorkspace, q: UpdateExecutionWorkspace) -> Answer<()> {
    if let Some(name) = q.name {
        w.name = name.into_string();
    }
    w.repo_url = text(q.repo_url).apply(w.repo_url.take());
    w.base_ref = text(q.base_ref).apply(w.base_ref.take()).filter(|r| !r.trim().is_empty());
    w.provider_ref = text(q.provider_ref).apply(w.provider_ref.take());
    w.cleanup_eligible_at = q.cleanup_eligible_at.apply(w.cleanup_eligible_at);
    w.cleanup_reason = text(q.cleanup_reason).apply(w.cleanup_reason.take());
    w.config = q.config.apply(w.config.take());
    w.metadata = q.metadata.apply(w.metadata.take());
    match q.status {
        None | Some(ExecutionWorkspaceStatus::Archived) => {}
        Some(_) if w.closed_at.is_some() => {
            return Err(ApiError::conflict("The workspace is closed")
                .with_hint("Bring it back from the trash: POST /api/workspace-trash/{trashId}/restore"));
        }
        Some(status) => w.status = status,
    }
    Ok(())
}

impl Handle<ListWorkspaceOperations> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: ExecutionWorkspacePath,
    ) -> Answer<Vec<WorkspaceOperation>> {
        let mut conn = self.store.read().await.answer()?;
        let w = self.workspace(&mut conn, caller, q.id).await?;
        store::workspace_operations::of_workspace(&mut conn, w.id, MOST_STEPS).await.answer()
    }
}

impl Handle<ListRunWorkspaceOperations> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RunPath) -> Answer<Vec<WorkspaceOperation>> {
        let mut conn = self.store.read().await.answer()?;
        let run = store::runs::get(&mut conn, q.run_id).await.or_missing("Run")?;
        caller.within(run.company_id)?;
        store::workspace_operations::of_run(&mut conn, run.id).await.answer()
    }
}

impl Handle<ReadWorkspaceOperationLogOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: ReadWorkspaceOperationLog,
    ) -> Answer<WorkspaceOperationLog> {
        let step = {
            let mut conn = self.store.read().await.answer()?;
            store::workspace_operations::get(&mut conn, q.operation_id).await.or_missing("Operation")?
        };
        caller.within(step.company_id)?;
        let log = |store: &str, log_ref: String, (content, next_offset)| WorkspaceOperationLog {
            operation_id: step.id,
            store: store.to_owned(),
            log_ref,
            content,
            next_offset,
        };
        let Some(log_ref) = step.log_ref.clone() else {
            // A step without a command writes nothing; one of an earlier version's left what the ledger holds.
            let text = [step.stdout_excerpt, step.stderr_excerpt].into_iter().flatten().collect::<String>();
            return Ok(log("database", step.id.to_string(), (text, None)));
        };
        let (dir, offset) = (self.step_dir(&step), q.offset.unwrap_or(0));
        let limit = super::bounded(q.limit_bytes, 256_000, 1 << 20) as usize;
        let read =
            tokio::task::spawn_blocking(move || crate::workspace::output_text(&dir, offset, limit)).await;
        let read = read.map_err(|e| ApiError::internal(e.to_string()))?;
        let part = read.map_err(|e| ApiError::internal(format!("The log cannot be read: {e}")))?;
        Ok(log("local_file", log_ref, part))
    }
}

impl Handle<GetIssueWorkspace> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<IssueWorkspace> {
        let issue = {
            let mut conn = self.store.read().await.answer()?;
            self.issue(&mut conn, caller, &q.id).await?
        };
        Box::pin(self.issue_workspace(issue)).await
    }
}

impl Handle<ReadWorkspaceDiffOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ReadWorkspaceDiff) -> Answer<WorkspaceDiff> {
        let w = {
            let mut conn = self.store.read().await.answer()?;
            let issue = self.issue(&mut conn, caller, &q.id).await?;
            self.workspace_of(&mut conn, &issue).await?
        };
        self.workspace_diff(w, q.path).await
    }
}

impl Handle<GetWorkspaceDiskUse> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<WorkspaceDiskUse> {
        let w = {
            let mut conn = self.store.read().await.answer()?;
            let issue = self.issue(&mut conn, caller, &q.id).await?;
            self.workspace_of(&mut conn, &issue).await?
        };
        self.workspace_disk(w).await
    }
}

impl Handle<ListWorkspaceTrash> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Vec<TrashedWorkspace>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::workspace_trash::list(&mut conn, q.company_id).await.answer()
    }
}

impl Handle<RestoreWorkspace> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: TrashPath) -> Answer<ExecutionWorkspace> {
        Box::pin(self.restore_workspace(caller, q.trash_id)).await
    }
}
