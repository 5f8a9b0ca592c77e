//! The operator's commands around a workspace: what they are told, and what becomes of them.

use std::collections::BTreeMap;

use contract::RunId;
use contract::agent::Agent;
use contract::issue::Issue;
use contract::workspace::{ExecutionWorkspace, WorkspacePhase};
use runner::adapter::env::ChildEnv;

use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// Whom and what a command is run for.
#[derive(Clone, Copy, Default)]
pub(super) struct For<'a> {
    pub run: Option<RunId>,
    pub agent: Option<&'a Agent>,
    pub issue: Option<&'a Issue>,
    /// The project's own folder.
    pub base_cwd: Option<&'a str>,
    /// The worktree was made just now.
    pub created: bool,
}

/// The environment of a command: the program's own without `PAPERCLIP_*`, and what is known of the workspace.
fn environment(w: &ExecutionWorkspace, f: For<'_>) -> BTreeMap<String, String> {
    let mut env = runner::adapter::env::inherited();
    let mut put = |name: &str, value: Option<String>| {
        env.insert(format!("PAPERCLIP_{name}"), value.unwrap_or_default());
    };
    for name in ["WORKSPACE_CWD", "WORKSPACE_PATH", "WORKSPACE_WORKTREE_PATH"] {
        put(name, w.cwd.clone());
    }
    put("WORKSPACE_BRANCH", w.branch_name.clone());
    put("WORKSPACE_BASE_CWD", f.base_cwd.map(str::to_owned).or_else(|| w.repo_root.clone()));
    put("WORKSPACE_REPO_ROOT", w.repo_root.clone());
    put("WORKSPACE_SOURCE", Some("project_primary".to_owned()));
    put("WORKSPACE_REPO_REF", w.base_ref.clone());
    put("WORKSPACE_REPO_URL", w.repo_url.clone());
    put("WORKSPACE_CREATED", Some(f.created.to_string()));
    put("PROJECT_ID", Some(w.project_id.to_string()));
    put("PROJECT_WORKSPACE_ID", w.project_workspace_id.map(|p| p.to_string()));
    put("AGENT_ID", f.agent.map(|a| a.id.to_string()));
    put("AGENT_NAME", f.agent.map(|a| a.name.clone()));
    put("COMPANY_ID", Some(w.company_id.to_string()));
    put("ISSUE_ID", f.issue.map(|i| i.id.to_string()));
    put("ISSUE_IDENTIFIER", f.issue.and_then(|i| i.identifier.clone()));
    put("ISSUE_TITLE", f.issue.map(|i| i.title.clone()));
    put("ISSUE_WORK_MODE", f.issue.map(|i| i.work_mode.as_str().to_owned()));
    env
}

impl Engine {
    /// Runs a command in a workspace, on the record. Answers why it failed, if it did.
    pub(super) async fn run_in_workspace(
        &self,
        w: &ExecutionWorkspace,
        phase: WorkspacePhase,
        line: &str,
        whom: For<'_>,
    ) -> Answer<Option<String>> {
        let step = {
            let mut tx = self.store.write(self.now()).await.answer()?;
            let step = self.begin_step(&mut tx, w, whom.run, phase, Some(line.to_owned())).await?;
            tx.commit().await.answer()?;
            step
        };
        // Asks the login shell the first time, so that the command finds what the operator finds.
        runner::path::agent_path().await;
        let env = ChildEnv { vars: environment(w, whom), ..ChildEnv::default() };
        let stop = whom.run.and_then(|r| self.live_runs().get(&r).map(|l| l.stop_reason.subscribe()));
        let end = Box::pin(self.run_hosted(&step, env, stop)).await?;
        let why = end.facts.get("reason").and_then(|r| r.as_str()).map(str::to_owned);
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.end_step(&mut tx, step, end).await?;
        tx.commit().await.answer()?;
        Ok(why)
    }
}
