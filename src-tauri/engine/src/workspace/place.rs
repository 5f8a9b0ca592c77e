//! The folder of a run on an issue of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use contract::agent::Agent;
use contract::issue::Issue;
use contract::planning::Project;
use contract::run::Run;
use contract::workspace::*;
use contract::{ApiError, ExecutionWorkspaceId};
use domain::workspace::{BRANCH_TEMPLATE, Plan, PlanFacts, Settings, plan, settings};
use serde_json::{Value, json};
use store::{SqliteConnection, WriteTx};
use workspaces::{KeepIgnored, Made, Wanted, branch_name, folder_name};

use super::close::Close;
use super::commands::For;
use super::ledger::Ended;
use super::{WORKSPACE_FAILED, blocking, failed};
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine, Paths};

/// Where a run works, and what it is told of that.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub cwd: PathBuf,
    pub env: BTreeMap<String, String>,
}

/// What is known of an issue and its project.
pub(super) struct Ground {
    pub issue: Issue,
    pub project: Project,
    pub code: ProjectWorkspace,
    pub settings: Settings,
    /// The folder of the project.
    pub folder: PathBuf,
}

/// Refuses a folder of a project that lies in the program's own data, or that is none.
pub(crate) fn check_folder(paths: &Paths, cwd: &str) -> Answer<PathBuf> {
    let path = runner::path::expand_home(cwd.trim());
    if !path.is_absolute() {
        return Err(ApiError::unprocessable("cwd is an absolute path"));
    }
    let real = path.canonicalize().unwrap_or_else(|_| path.clone());
    if real.starts_with(paths.root()) {
        return Err(ApiError::unprocessable("cwd lies in the program's own data")
            .with_hint("Name a folder of your own."));
    }
    Ok(real)
}

fn no_place(why: impl Into<String>) -> ApiError {
    ApiError::unprocessable(why).with_details(json!({ "errorCode": WORKSPACE_FAILED }))
}

impl Engine {
    /// The place that the issue's project has for a run. `None`: the agent works where its own settings say.
    ///
    /// May be called again for the same run. Fails with the code of a run that got no workspace.
    pub(crate) async fn place_for(&self, run: &Run, agent: &Agent) -> Answer<Option<Place>> {
        let Some(ground) = self.ground(run).await? else { return Ok(None) };
        if !ground.folder.is_dir() {
            let why = format!("The folder {} of the project is not there", ground.folder.display());
            return Err(
                no_place(why).with_hint("Put the folder back, or change it in the project's settings.")
            );
        }
        let folder = ground.folder.clone();
        let is_git = blocking(move || workspaces::is_repository(&folder)).await?;
        let named = self.named(&ground).await?;
        let chosen = plan(&PlanFacts {
            preference: ground.issue.execution_workspace_preference.as_deref(),
            issue: ground.issue.execution_workspace_settings.as_ref(),
            policy: ground.project.execution_workspace_policy.as_ref(),
            is_git,
            named: named.as_ref().map(|w| w.id),
        });
        let workspace = match chosen {
            Plan::Agents => return Ok(None),
            Plan::Shared(mode) => self.shared(run, agent, &ground, mode).await?,
            Plan::Worktree => self.worktree(run, agent, &ground, None).await?,
            Plan::Reuse(_) => match named {
                Some(w) if w.strategy_type == WorkspaceStrategy::GitWorktree => {
                    self.worktree(run, agent, &ground, Some(w)).await?
                }
                Some(w) => self.enter_shared(run, agent, &ground, w).await?,
                None => return Ok(None),
            },
        };
        self.provision(run, agent, &ground, &workspace).await?;
        Ok(Some(place(&ground, &workspace)))
    }

    async fn ground(&self, run: &Run) -> Answer<Option<Ground>> {
        let mut conn = self.store.read().await.answer()?;
        let Some(id) = run.issue_id else { return Ok(None) };
        let Some(issue) = store::issues::get(&mut conn, id).await.answer()? else { return Ok(None) };
        self.ground_of(&mut conn, issue).await
    }

    /// What the issue's project says of where it is worked on. `None`: it has no folder.
    pub(super) async fn ground_of(
        &self,
        conn: &mut SqliteConnection,
        issue: Issue,
    ) -> Answer<Option<Ground>> {
        let Some(project) = issue.project_id else { return Ok(None) };
        let Some(project) = store::planning::project(conn, project).await.answer()? else { return Ok(None) };
        let all = store::project_workspaces::list(conn, project.id).await.answer()?;
        let preferred = project
            .execution_workspace_policy
            .as_ref()
            .and_then(|p| p.get("defaultProjectWorkspaceId"))
            .and_then(Value::as_str);
        let by_id = |id: Option<&str>| all.iter().find(|w| id.is_some_and(|i| i == w.id.to_string()));
        let code = by_id(issue.project_workspace_id.as_deref()).or_else(|| by_id(preferred));
        // The primary one comes first.
        let Some(code) = code.or_else(|| all.first()).cloned() else { return Ok(None) };
        let Some(cwd) = code.cwd.as_deref().filter(|c| !c.trim().is_empty()) else { return Ok(None) };
        let folder = check_folder(&self.paths, cwd)
            .map_err(|e| e.with_details(json!({ "errorCode": WORKSPACE_FAILED })))?;
        let settings = settings(
            issue.execution_workspace_settings.as_ref(),
            project.execution_workspace_policy.as_ref(),
            Some(&code),
        );
        Ok(Some(Ground { issue, project, code, settings, folder }))
    }

    /// The open workspace of the same project that the issue names.
    async fn named(&self, g: &Ground) -> Answer<Option<ExecutionWorkspace>> {
        let Some(id) = g.issue.execution_workspace_id.as_deref().and_then(|s| s.parse().ok()) else {
            return Ok(None);
        };
        let mut conn = self.store.read().await.answer()?;
        let w = store::execution_workspaces::get(&mut conn, id).await.answer()?;
        let ours = |w: &ExecutionWorkspace| {
            w.company_id == g.issue.company_id && w.project_id == g.project.id && w.closed_at.is_none()
        };
        Ok(w.filter(ours))
    }

    /// The project's own folder, with a record of its own for each issue, so that each has its own ledger.
    async fn shared(
        &self,
        run: &Run,
        agent: &Agent,
        g: &Ground,
        mode: WorkspaceMode,
    ) -> Answer<ExecutionWorkspace> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut there = store::execution_workspaces::open_of(&mut tx, g.issue.id, mode).await.answer()?;
        if let Some(w) = there.as_mut().filter(|w| !is_of(w, g)) {
            w.status = ExecutionWorkspaceStatus::Archived;
            w.closed_at = Some(tx.at());
            w.cleanup_reason = Some("The issue's code lies elsewhere now".to_owned());
            store::execution_workspaces::save(&mut tx, w).await.answer()?;
        }
        let w = match there.filter(|w| w.closed_at.is_none()) {
            Some(w) => w,
            None => {
                let w = self.record(&tx, g, agent, mode, g.folder.clone(), None);
                store::execution_workspaces::create(&mut tx, &w).await.answer()?;
                w
            }
        };
        let w = self.move_in(&mut tx, run, agent, g, w).await?;
        self.note_entry(&mut tx, &w, run, json!({ "shared": true, "created": false })).await?;
        tx.commit().await.answer()?;
        Ok(w)
    }

    async fn enter_shared(
        &self,
        run: &Run,
        agent: &Agent,
        g: &Ground,
        w: ExecutionWorkspace,
    ) -> Answer<ExecutionWorkspace> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let w = self.move_in(&mut tx, run, agent, g, w).await?;
        self.note_entry(&mut tx, &w, run, json!({ "shared": true, "reused": true })).await?;
        tx.commit().await.answer()?;
        Ok(w)
    }

    /// Once a run: it may ask for its place again when it starts afresh.
    async fn note_entry(
        &self,
        tx: &mut WriteTx,
        w: &ExecutionWorkspace,
        run: &Run,
        facts: Value,
    ) -> Answer<()> {
        let steps = store::workspace_operations::of_run(tx, run.id).await.answer()?;
        let noted = |s: &WorkspaceOperation| {
            s.execution_workspace_id == Some(w.id) && s.phase == WorkspacePhase::WorktreePrepare
        };
        if steps.iter().any(noted) {
            return Ok(());
        }
        self.note_step(tx, w, Some(run.id), WorkspacePhase::WorktreePrepare, Ended::well(facts)).await
    }

    /// Notes that a run works in it, for its issue.
    async fn move_in(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        agent: &Agent,
        g: &Ground,
        mut w: ExecutionWorkspace,
    ) -> Answer<ExecutionWorkspace> {
        w.status = ExecutionWorkspaceStatus::Active;
        w.cleanup_reason = None;
        w.last_used_at = tx.at();
        // Who only goes on in another issue's workspace does not take it over.
        if w.source_issue_id == Some(g.issue.id) || w.owner_agent_id.is_none() {
            w.owner_agent_id = Some(agent.id);
        }
        w.updated_at = tx.at();
        store::execution_workspaces::save(tx, &w).await.answer()?;
        let issue = store::issues::get(tx, g.issue.id).await.answer()?;
        if let Some(mut issue) = issue
            && issue.execution_workspace_id != Some(w.id.to_string())
        {
            issue.execution_workspace_id = Some(w.id.to_string());
            store::issues::save(tx, &issue).await.answer()?;
            tracing::debug!(run = %run.id, "its issue is worked on in {}", w.id);
        }
        Ok(w)
    }

    /// A new record.
    fn record(
        &self,
        tx: &WriteTx,
        g: &Ground,
        agent: &Agent,
        mode: WorkspaceMode,
        cwd: PathBuf,
        branch: Option<String>,
    ) -> ExecutionWorkspace {
        let own = branch.is_some();
        let key = g.issue.display_key();
        ExecutionWorkspace {
            id: self.new_id(),
            company_id: g.issue.company_id,
            project_id: g.project.id,
            project_workspace_id: Some(g.code.id),
            source_issue_id: Some(g.issue.id),
            mode,
            strategy_type: if own {
                WorkspaceStrategy::GitWorktree
            } else {
                WorkspaceStrategy::ProjectPrimary
            },
            name: branch.clone().unwrap_or_else(|| format!("{key} in {}", g.code.name)),
            status: ExecutionWorkspaceStatus::Active,
            cwd: Some(cwd.display().to_string()),
            repo_url: g.code.repo_url.clone(),
            base_ref: g.settings.base_ref.clone(),
            branch_name: branch,
            provider_type: if own { WorkspaceProvider::GitWorktree } else { WorkspaceProvider::LocalFs },
            provider_ref: None,
            derived_from_execution_workspace_id: None,
            last_used_at: tx.at(),
            opened_at: tx.at(),
            closed_at: None,
            cleanup_eligible_at: None,
            cleanup_reason: None,
            config: json!({ "environmentId": intended(g, agent) }).as_object().cloned(),
            metadata: None,
            owner_agent_id: Some(agent.id),
            repo_root: own.then(|| g.folder.display().to_string()),
            base_commit: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        }
    }

    /// A worktree: the named one, the one that the issue has, or a new one.
    async fn worktree(
        &self,
        run: &Run,
        agent: &Agent,
        g: &Ground,
        named: Option<ExecutionWorkspace>,
    ) -> Answer<ExecutionWorkspace> {
        let mut derived = None;
        // Twice at most: what is closed meanwhile, or not for this agent, gives way to a new one.
        for _ in 0..3 {
            let there = match (&named, derived) {
                (Some(w), None) => Some(w.clone()),
                _ => {
                    let mut conn = self.store.read().await.answer()?;
                    let mode = WorkspaceMode::IsolatedWorkspace;
                    store::execution_workspaces::open_of(&mut conn, g.issue.id, mode).await.answer()?
                }
            };
            let w = match there {
                Some(w) => w,
                None => self.open_record(g, agent, derived).await?,
            };
            let turn = self.turns.of(w.id);
            let _mine = turn.lock().await;
            let Some(w) = self.still_open(w.id).await? else {
                derived = Some(w.id);
                continue;
            };
            if !self.is_for(&w, g, agent, run).await? {
                derived = Some(w.id);
                continue;
            }
            return self.realize(run, agent, g, w).await;
        }
        Err(no_place("The workspace was closed again and again while the run wanted to start"))
    }

    /// Whether the agent may go on in a worktree, which is then its own or told of. What is not for it any more is
    /// closed if it is the issue's own, and left to its issue else.
    async fn is_for(&self, w: &ExecutionWorkspace, g: &Ground, agent: &Agent, run: &Run) -> Answer<bool> {
        let coded = |e: ApiError| e.with_details(json!({ "errorCode": WORKSPACE_FAILED }));
        if w.source_issue_id != Some(g.issue.id) {
            return Ok(persisted(w) == intended(g, agent));
        }
        if !is_of(w, g) {
            let how = Close {
                reason: "The issue's code lies elsewhere now",
                keep: KeepIgnored::No,
                run: Some(run.id),
            };
            Box::pin(self.close_in_turn(&Caller::system(), w.id, how)).await.map_err(coded)?;
            return Ok(false);
        }
        match w.owner_agent_id.filter(|o| *o != agent.id) {
            Some(before) => Box::pin(self.hand_over(w, g, before, agent, run)).await.map_err(coded),
            None => Ok(true),
        }
    }

    async fn still_open(&self, id: ExecutionWorkspaceId) -> Answer<Option<ExecutionWorkspace>> {
        let mut conn = self.store.read().await.answer()?;
        let w = store::execution_workspaces::get(&mut conn, id).await.answer()?;
        Ok(w.filter(|w| w.closed_at.is_none()))
    }

    /// Records a worktree before it is made, so that it is never one that nobody knows of.
    async fn open_record(
        &self,
        g: &Ground,
        agent: &Agent,
        derived: Option<ExecutionWorkspaceId>,
    ) -> Answer<ExecutionWorkspace> {
        let branch = wanted_branch(g, agent).ok_or_else(|| {
            no_place("The branch template gives no name").with_hint("Change it in the project's settings.")
        })?;
        let parent = match &g.settings.worktree_parent {
            Some(dir) => PathBuf::from(dir),
            None => self.paths.worktrees().join(g.issue.company_id.to_string()),
        };
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mode = WorkspaceMode::IsolatedWorkspace;
        let cwd = parent.join(folder_name(&branch));
        let mut w = self.record(&tx, g, agent, mode, cwd, Some(branch));
        let mut n = 1;
        while let Some(cwd) = &w.cwd
            && store::execution_workspaces::is_taken(&mut tx, cwd, w.id).await.answer()?
        {
            n += 1;
            let branch = format!("{}-{n}", wanted_branch(g, agent).unwrap_or_default());
            w.cwd = Some(parent.join(folder_name(&branch)).display().to_string());
            w.name.clone_from(&branch);
            w.branch_name = Some(branch);
        }
        w.derived_from_execution_workspace_id = derived;
        store::execution_workspaces::create(&mut tx, &w).await.answer()?;
        tx.commit().await.answer()?;
        Ok(w)
    }

    /// Makes the worktree, or finds it, on the record.
    async fn realize(
        &self,
        run: &Run,
        agent: &Agent,
        g: &Ground,
        w: ExecutionWorkspace,
    ) -> Answer<ExecutionWorkspace> {
        let (w, step) = {
            let mut tx = self.store.write(self.now()).await.answer()?;
            let w = self.move_in(&mut tx, run, agent, g, w).await?;
            let phase = WorkspacePhase::WorktreePrepare;
            let step = self.begin_step(&mut tx, &w, Some(run.id), phase, None).await?;
            tx.commit().await.answer()?;
            (w, step)
        };
        let turn = self.turns.in_project(g.project.id);
        let made = {
            let _mine = turn.lock().await;
            let (repo, w) = (g.folder.clone(), w.clone());
            blocking(move || make(&repo, &w)).await?
        };
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut w = store::execution_workspaces::get(&mut tx, w.id).await.answer()?.unwrap_or(w);
        let answer = match made {
            Ok((made, drift)) => {
                let facts = json!({
                    "created": made.created, "branchCreated": made.branch_created, "branch": made.branch,
                    "baseRef": made.base, "head": made.head, "ahead": drift.map(|d| d.0), "behind": drift.map(|d| d.1),
                });
                self.end_step(&mut tx, step, Ended::well(facts)).await?;
                keep(&mut w, &made);
                Ok(w.clone())
            }
            Err(e) => {
                self.end_step(&mut tx, step, Ended::badly(&e.to_string())).await?;
                if w.metadata.as_ref().is_none_or(|m| m.get("realized").is_none()) {
                    // It was never there: the next run begins from the settings as they are then.
                    w.status = ExecutionWorkspaceStatus::Archived;
                    w.closed_at = Some(tx.at());
                }
                w.cleanup_reason = Some(e.to_string());
                Err(failed(&e))
            }
        };
        w.updated_at = tx.at();
        store::execution_workspaces::save(&mut tx, &w).await.answer()?;
        tx.commit().await.answer()?;
        answer
    }

    /// Runs the provision command where it has not succeeded yet.
    async fn provision(&self, run: &Run, agent: &Agent, g: &Ground, w: &ExecutionWorkspace) -> Answer<()> {
        let own = super::close::own_command(w, "provisionCommand");
        let Some(line) = own.or_else(|| g.settings.provision.clone()) else { return Ok(()) };
        let done = |m: &contract::JsonObject| m.get("provisioned").and_then(Value::as_bool) == Some(true);
        if w.strategy_type != WorkspaceStrategy::GitWorktree || w.metadata.as_ref().is_some_and(done) {
            return Ok(());
        }
        let turn = self.turns.of(w.id);
        let _mine = turn.lock().await;
        let base_cwd = g.folder.to_str();
        let whom =
            For { run: Some(run.id), agent: Some(agent), issue: Some(&g.issue), base_cwd, created: true };
        if let Some(why) = self.run_in_workspace(w, WorkspacePhase::WorkspaceProvision, &line, whom).await? {
            return Err(no_place(format!("The provision command failed. {why}"))
                .with_hint("Mend the command in the project's settings, then wake the agent."));
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        if let Some(mut w) = store::execution_workspaces::get(&mut tx, w.id).await.answer()? {
            w.metadata.get_or_insert_default().insert("provisioned".into(), true.into());
            store::execution_workspaces::save(&mut tx, &w).await.answer()?;
        }
        tx.commit().await.answer()
    }
}

/// Whether a workspace is of the code that the issue's project has now.
fn is_of(w: &ExecutionWorkspace, g: &Ground) -> bool {
    let place = if w.strategy_type == WorkspaceStrategy::GitWorktree { &w.repo_root } else { &w.cwd };
    w.project_id == g.project.id && place.as_deref().is_none_or(|p| g.folder.starts_with(p))
}

/// The environment that a workspace was made for.
pub(super) fn persisted(w: &ExecutionWorkspace) -> Option<String> {
    w.config.as_ref()?.get("environmentId")?.as_str().map(str::to_owned)
}

/// The environment that the agent would work in on this issue.
pub(super) fn intended(g: &Ground, agent: &Agent) -> Option<String> {
    g.settings.environment.clone().or_else(|| agent.default_environment_id.clone())
}

fn wanted_branch(g: &Ground, agent: &Agent) -> Option<String> {
    let template = g.settings.branch_template.as_deref().unwrap_or(BRANCH_TEMPLATE);
    // Words of any script stay: git knows them all.
    let slug: String = g.issue.title.to_lowercase().chars().take(60).collect();
    let slug = branch_name(&slug.replace('/', "-")).unwrap_or_default();
    let values = json!({
        "issue": { "id": g.issue.id, "identifier": g.issue.display_key(), "title": g.issue.title },
        "agent": { "id": agent.id, "name": agent.name },
        "project": { "id": g.project.id, "name": g.project.name },
        "workspace": { "repoRef": g.settings.base_ref },
        "slug": slug,
    });
    branch_name(&domain::prompt::render(template, &values))
}

type Drift = Option<(usize, usize)>;

fn make(repo: &Path, w: &ExecutionWorkspace) -> Result<(Made, Drift), workspaces::GitError> {
    let cwd = PathBuf::from(w.cwd.clone().unwrap_or_default());
    let branch = w.branch_name.as_deref().unwrap_or_default();
    let made = workspaces::create(&Wanted { repo, path: &cwd, branch, base: w.base_ref.as_deref() })?;
    let drift = workspaces::drift(&cwd, &made.base)?.map(|d| (d.ahead, d.behind));
    Ok((made, drift))
}

/// Keeps what is known of a worktree that is there.
fn keep(w: &mut ExecutionWorkspace, made: &Made) {
    let m = w.metadata.get_or_insert_default();
    m.insert("realized".into(), true.into());
    if made.branch_created {
        m.insert("branchCreated".into(), true.into());
    }
    if made.created {
        m.remove("provisioned");
    }
    if w.base_commit.is_none() && !made.base_commit.is_empty() {
        w.base_commit = Some(made.base_commit.clone());
    }
    if w.base_ref.is_none() {
        w.base_ref = Some(made.base.clone());
    }
    if made.branch.is_some() {
        w.branch_name.clone_from(&made.branch);
    }
    w.repo_root = Some(made.repo_root.display().to_string());
}

fn place(g: &Ground, w: &ExecutionWorkspace) -> Place {
    let cwd = PathBuf::from(w.cwd.clone().unwrap_or_default());
    let mut env = BTreeMap::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(v) = value.filter(|v| !v.is_empty()) {
            env.insert(format!("PAPERCLIP_WORKSPACE_{name}"), v);
        }
    };
    let own = w.strategy_type == WorkspaceStrategy::GitWorktree;
    put("CWD", w.cwd.clone());
    put("SOURCE", Some("project_primary".to_owned()));
    put("STRATEGY", Some(w.strategy_type.as_str().to_owned()));
    put("ID", Some(w.id.to_string()));
    put("REPO_URL", w.repo_url.clone());
    put("REPO_REF", w.base_ref.clone());
    put("BRANCH", w.branch_name.clone());
    put("WORKTREE_PATH", w.cwd.clone().filter(|_| own));
    let hints = json!([{
        "workspaceId": g.code.id, "cwd": g.folder, "repoUrl": g.code.repo_url, "repoRef": g.settings.base_ref,
    }]);
    env.insert("PAPERCLIP_WORKSPACES_JSON".to_owned(), hints.to_string());
    Place { cwd, env }
}
