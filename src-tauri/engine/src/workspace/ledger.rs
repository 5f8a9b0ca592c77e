//! The ledger: what is done with a workspace stands there before it is done, and its end after.

use contract::workspace::{
    ExecutionWorkspace, WorkspaceOperation, WorkspaceOperationStatus as Status, WorkspacePhase,
};
use contract::{JsonObject, RunId};
use serde_json::Value;
use store::WriteTx;

use super::hosted::Kept;
use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// How a step ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub status: Status,
    pub exit_code: Option<i32>,
    pub stdout: Option<String>,
    pub stderr: Option<String>,
    /// Where a command wrote more than the ledger holds.
    pub log: Option<Kept>,
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
        Self { status, exit_code: None, stdout: None, stderr: None, log: None, facts }
    }

    /// Adds to the reason of a failure the last that the command said, of the first stream on which it said anything.
    pub fn add_last_line(&mut self, streams: [&str; 2]) {
        let Some(Value::String(reason)) = self.facts.get_mut("reason") else { return };
        let last = streams.into_iter().find_map(|s| s.lines().rfind(|l| !l.trim().is_empty()));
        if let Some(last) = last {
            reason.push_str(": ");
            reason.extend(last.trim().chars().take(300));
        }
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
        let id = self.new_id();
        let log_ref = command.is_some().then(|| crate::Paths::step_ref(workspace.company_id, id));
        let step = WorkspaceOperation {
            id,
            company_id: workspace.company_id,
            execution_workspace_id: Some(workspace.id),
            heartbeat_run_id: run,
            phase,
            command,
            cwd: workspace.cwd.clone(),
            status: Status::Running,
            exit_code: None,
            log_store: log_ref.is_some().then(|| "local_file".to_owned()),
            log_ref,
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
        if let Some(log) = end.log {
            (step.log_bytes, step.log_sha256) = (Some(log.bytes), Some(log.sha256));
        }
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
        // First what still works in a folder, lest the next run find it busy there.
        futures_util::future::join_all(broken.iter().map(|step| self.end_hosted(step))).await;
        let mut tx = self.store.write(self.now()).await.answer()?;
        for step in broken {
            self.end_step(&mut tx, step, Ended::badly("The program ended in the middle of it")).await?;
        }
        tx.commit().await.answer()
    }
}
