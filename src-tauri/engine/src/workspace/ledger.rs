//! The ledger: what is done with a workspace stands there before it is done, and its end after.

use std::time::Duration;

use contract::workspace::{
    ExecutionWorkspace, WorkspaceOperation, WorkspaceOperationStatus as Status, WorkspacePhase,
};
use contract::{JsonObject, RunId};
use serde_json::Value;
use store::WriteTx;

use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// How a step ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub status: Status,
    pub exit_code: Option<i32>,
    pub stdout: Option<String>,
    pub stderr: Option<String>,
    pub facts: JsonObject,
}

impl Ended {
    /// Well, with what is known of it.
    pub fn well(facts: Value) -> Self {
        Self::with(Status::Succeeded, facts)
    }

    /// Badly, for this reason.
    pub fn badly(reason: &str) -> Self {
        Self::with(Status::Failed, serde_json::json!({ "reason": reason }))
    }

    fn with(status: Status, facts: Value) -> Self {
        let facts = facts.as_object().cloned().unwrap_or_default();
        Self { status, exit_code: None, stdout: None, stderr: None, facts }
    }
}

impl Engine {
    /// Notes a step that is about to be taken.
    pub(super) async fn begin_step(
        &self,
        tx: &mut WriteTx,
        workspace: &ExecutionWorkspace,
        run: Option<RunId>,
        phase: WorkspacePhase,
        command: Option<String>,
    ) -> Answer<WorkspaceOperation> {
        let step = WorkspaceOperation {
            id: self.new_id(),
            company_id: workspace.company_id,
            execution_workspace_id: Some(workspace.id),
            heartbeat_run_id: run,
            phase,
            command,
            cwd: workspace.cwd.clone(),
            status: Status::Running,
            exit_code: None,
            log_store: None,
            log_ref: None,
            log_bytes: None,
            log_sha256: None,
            log_compressed: false,
            stdout_excerpt: None,
            stderr_excerpt: None,
            metadata: None,
            started_at: tx.at(),
            finished_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::workspace_operations::create(tx, &step).await.answer()?;
        Ok(step)
    }

    /// Notes how a step ended.
    pub(super) async fn end_step(
        &self,
        tx: &mut WriteTx,
        mut step: WorkspaceOperation,
        end: Ended,
    ) -> Answer<()> {
        step.status = end.status;
        step.exit_code = end.exit_code;
        step.stdout_excerpt = end.stdout.filter(|s| !s.is_empty());
        step.stderr_excerpt = end.stderr.filter(|s| !s.is_empty());
        if !end.facts.is_empty() {
            step.metadata.get_or_insert_default().extend(end.facts);
        }
        step.finished_at = Some(tx.at());
        step.updated_at = tx.at();
        store::workspace_operations::save(tx, &step).await.answer()
    }

    /// A step that is over as soon as it is known.
    pub(super) async fn note_step(
        &self,
        tx: &mut WriteTx,
        workspace: &ExecutionWorkspace,
        run: Option<RunId>,
        phase: WorkspacePhase,
        end: Ended,
    ) -> Answer<()> {
        let step = self.begin_step(tx, workspace, run, phase, None).await?;
        self.end_step(tx, step, end).await
    }

    /// Ends the steps that the program was in the middle of when it ended itself.
    pub(super) async fn end_broken_steps(&self) -> Answer<()> {
        let broken = {
            let mut conn = self.store.read().await.answer()?;
            store::workspace_operations::unfinished(&mut conn).await.answer()?
        };
        if broken.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        for step in broken {
            self.end_step(&mut tx, step, Ended::badly("The program ended in the middle of it")).await?;
        }
        tx.commit().await.answer()
    }
}

/// How long a command of the operator may take.
pub(super) const COMMAND_TIME: Duration = Duration::from_secs(30 * 60);
