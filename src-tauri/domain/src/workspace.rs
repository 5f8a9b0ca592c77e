//! Where an issue is worked on: the choice between folders, and what may be done at the end.

use contract::workspace::{
    CloseAction, CloseActionKind, CloseGit, CloseLinkedIssue, CloseState, ExecutionWorkspace,
    ProjectWorkspace, WorkspaceMode, WorkspaceStrategy,
};
use contract::{ExecutionWorkspaceId, JsonObject};
use serde_json::Value;

/// How branches are named unless a project says otherwise.
pub const BRANCH_TEMPLATE: &str = "{{issue.identifier}}-{{slug}}";
/// How long what was taken away is kept.
pub const TRASH_DAYS: u64 = 30;

/// What a project, or a single issue, says of its workspaces. What is absent is said by nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub base_ref: Option<String>,
    pub branch_template: Option<String>,
    /// Where worktrees are made; in the program's own data when absent.
    pub worktree_parent: Option<String>,
    pub provision: Option<String>,
    pub teardown: Option<String>,
    pub cleanup: Option<String>,
    pub environment: Option<String>,
}

fn text(o: Option<&JsonObject>, key: &str) -> Option<String> {
    let text = o?.get(key)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn strategy(o: Option<&JsonObject>) -> Option<&JsonObject> {
    o?.get("workspaceStrategy")?.as_object()
}

/// What holds for an issue: its own settings over the project's policy over the workspace of the project.
pub fn settings(
    issue: Option<&JsonObject>,
    policy: Option<&JsonObject>,
    project: Option<&ProjectWorkspace>,
) -> Settings {
    let of = |key: &str| text(strategy(issue), key).or_else(|| text(strategy(policy), key));
    let filled = |s: &Option<String>| s.clone().filter(|s| !s.trim().is_empty());
    Settings {
        base_ref: of("baseRef")
            .or_else(|| project.and_then(|p| filled(&p.default_ref).or_else(|| filled(&p.repo_ref)))),
        branch_template: of("branchTemplate"),
        worktree_parent: of("worktreeParentDir"),
        provision: of("provisionCommand").or_else(|| project.and_then(|p| filled(&p.setup_command))),
        teardown: of("teardownCommand"),
        cleanup: project.and_then(|p| filled(&p.cleanup_command)),
        environment: text(issue, "environmentId").or_else(|| text(policy, "environmentId")),
    }
}

/// What is known when a run needs its place.
#[derive(Clone, Debug, Default)]
pub struct PlanFacts<'a> {
    /// `executionWorkspacePreference` of the issue.
    pub preference: Option<&'a str>,
    /// `executionWorkspaceSettings` of the issue.
    pub issue: Option<&'a JsonObject>,
    /// `executionWorkspacePolicy` of the project.
    pub policy: Option<&'a JsonObject>,
    /// The folder of the project lies in a git repository.
    pub is_git: bool,
    /// The workspace that the issue names, if another run may go on in it.
    pub named: Option<ExecutionWorkspaceId>,
}

/// Where a run is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Where the agent's own settings say.
    Agents,
    /// In the project's folder, with everybody else.
    Shared(WorkspaceMode),
    /// In a worktree of the issue's own.
    Worktree,
    /// In this workspace, because the issue says so.
    Reuse(ExecutionWorkspaceId),
}

/// Chooses: the issue's word counts before the project's, unless the project does not allow it; a project that says
/// nothing has its issues apart from each other where git can do that.
pub fn plan(f: &PlanFacts<'_>) -> Plan {
    let overridable =
        f.policy.and_then(|p| p.get("allowIssueOverride")).and_then(Value::as_bool) != Some(false);
    if overridable {
        let own = text(f.issue, "mode").or_else(|| f.preference.map(str::to_owned));
        match (own.as_deref(), f.named) {
            (Some("reuse_existing"), Some(id)) => return Plan::Reuse(id),
            (None | Some("inherit" | "reuse_existing"), _) => {}
            (Some(mode), _) => {
                if let Some(plan) = of_mode(mode, f.is_git) {
                    return plan;
                }
            }
        }
    }
    let said = f.policy.and_then(|p| p.get("enabled")).and_then(Value::as_bool);
    if said == Some(false) {
        return Plan::Shared(WorkspaceMode::SharedWorkspace);
    }
    text(f.policy, "defaultMode").and_then(|m| of_mode(&m, f.is_git)).unwrap_or_else(|| apart(f.is_git))
}

fn apart(is_git: bool) -> Plan {
    if is_git { Plan::Worktree } else { Plan::Shared(WorkspaceMode::SharedWorkspace) }
}

fn of_mode(mode: &str, is_git: bool) -> Option<Plan> {
    Some(match mode {
        // The older words of Paperclip are understood as well.
        "isolated_workspace" | "isolated" => apart(is_git),
        "shared_workspace" | "project_primary" => Plan::Shared(WorkspaceMode::SharedWorkspace),
        "operator_branch" => Plan::Shared(WorkspaceMode::OperatorBranch),
        "agent_default" | "adapter_default" => Plan::Agents,
        _ => return None,
    })
}

/// Refuses a policy or settings of a wrong shape, with a sentence.
pub fn check(o: &JsonObject) -> Result<(), String> {
    const WORDS: [&str; 8] = [
        "inherit",
        "shared_workspace",
        "isolated_workspace",
        "operator_branch",
        "reuse_existing",
        "agent_default",
        "adapter_default",
        "project_primary",
    ];
    for key in ["enabled", "allowIssueOverride"] {
        if o.get(key).is_some_and(|v| !v.is_boolean() && !v.is_null()) {
            return Err(format!("{key} is true or false"));
        }
    }
    for key in ["mode", "defaultMode"] {
        let ok = |v: &Value| v.is_null() || v.as_str().is_some_and(|m| WORDS.contains(&m) || m == "isolated");
        if o.get(key).is_some_and(|v| !ok(v)) {
            return Err(format!("{key} is one of {}", WORDS.join(", ")));
        }
    }
    let Some(strategy) = o.get("workspaceStrategy").filter(|v| !v.is_null()) else { return Ok(()) };
    let Some(strategy) = strategy.as_object() else { return Err("workspaceStrategy is an object".into()) };
    for (key, value) in strategy {
        if !value.is_string() && !value.is_null() {
            return Err(format!("workspaceStrategy.{key} is a text"));
        }
    }
    if let Some(parent) = text(Some(strategy), "worktreeParentDir")
        && !parent.starts_with('/')
    {
        return Err("workspaceStrategy.worktreeParentDir is an absolute path".into());
    }
    Ok(())
}

/// What is known when a workspace is to be closed.
#[derive(Clone, Debug)]
pub struct CloseFacts<'a> {
    pub workspace: &'a ExecutionWorkspace,
    pub git: Option<&'a CloseGit>,
    /// Why git said nothing, where it should have.
    pub git_trouble: Option<&'a str>,
    pub linked: &'a [CloseLinkedIssue],
    pub run_is_live: bool,
    pub folder_is_there: bool,
    pub teardown: Option<&'a str>,
    pub cleanup: Option<&'a str>,
}

/// Whether a workspace can be closed, and what is done then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    pub state: CloseState,
    pub blocking: Vec<String>,
    pub warnings: Vec<String>,
    pub actions: Vec<CloseAction>,
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Judges. Nothing that is not saved stands in the way, for all of it is kept; it is only named.
pub fn closing(f: &CloseFacts<'_>) -> Closing {
    let mut blocking = Vec::new();
    let mut warnings = Vec::new();
    if f.workspace.closed_at.is_some() {
        blocking.push("It is closed already".to_owned());
    }
    if f.run_is_live {
        blocking.push("A run is at work in it".to_owned());
    }
    let own = f.workspace.strategy_type == WorkspaceStrategy::GitWorktree;
    if own && let Some(why) = f.git_trouble.filter(|_| f.folder_is_there) {
        blocking.push(format!("What it holds cannot be read: {why}"));
    }
    for i in f.linked.iter().filter(|i| !i.is_terminal) {
        let name = i.identifier.as_deref().unwrap_or(&i.title);
        warnings.push(format!("{name} is {} and will get another workspace with its next run", i.status));
    }
    if let Some(g) = f.git.filter(|_| own) {
        let dirty = g.dirty_entry_count + g.untracked_entry_count;
        if dirty > 0 {
            let files = counted(dirty, "file is", "files are");
            warnings.push(format!("{files} not committed: kept in the trash for {TRASH_DAYS} days"));
        }
        match g.ahead_count {
            Some(n @ 1..) => {
                let commits = counted(n, "commit is", "commits are");
                warnings.push(format!("{commits} not in the base: the branch stays"));
            }
            None => {
                warnings.push("The base is gone, so nobody can say what is merged: the branch stays".into())
            }
            Some(0) => {}
        }
    }
    let state = match (blocking.is_empty(), warnings.is_empty()) {
        (false, _) => CloseState::Blocked,
        (true, false) => CloseState::ReadyWithWarnings,
        (true, true) => CloseState::Ready,
    };
    Closing { state, blocking, warnings, actions: actions(f, own) }
}

fn actions(f: &CloseFacts<'_>, own: bool) -> Vec<CloseAction> {
    let mut out = Vec::new();
    let mut add = |kind, label: &str, description: String, command: Option<String>| {
        out.push(CloseAction { kind, label: label.to_owned(), description, command });
    };
    if own {
        let run = |what: &str| format!("Runs the project's {what} command in the workspace");
        if let Some(line) = f.teardown.filter(|_| f.folder_is_there) {
            add(CloseActionKind::TeardownCommand, "Tear down", run("teardown"), Some(line.to_owned()));
        }
        if let Some(line) = f.cleanup.filter(|_| f.folder_is_there) {
            add(CloseActionKind::CleanupCommand, "Clean up", run("cleanup"), Some(line.to_owned()));
        }
        let path = f.workspace.cwd.clone().unwrap_or_default();
        let kept = format!("Keeps all files of {path} for {TRASH_DAYS} days, then takes the folder away");
        add(CloseActionKind::GitWorktreeRemove, "Remove the worktree", kept, None);
        if let Some(branch) = deletable_branch(f.workspace, f.git) {
            let told = format!("All commits of {branch} are in the base");
            add(CloseActionKind::GitBranchDelete, "Delete the branch", told, None);
        }
    }
    let told = if own { "The record and its steps stay readable" } else { "The folder and its files stay" };
    add(CloseActionKind::ArchiveRecord, "Archive the record", told.to_owned(), None);
    out
}

/// The branch that goes with its worktree: the program made it, and the base has all of it.
pub fn deletable_branch<'a>(workspace: &'a ExecutionWorkspace, git: Option<&CloseGit>) -> Option<&'a str> {
    let git = git?;
    let merged = git.is_merged_into_base == Some(true) && git.created_by_runtime;
    let clean = git.dirty_entry_count + git.untracked_entry_count == 0;
    workspace.branch_name.as_deref().filter(|b| merged && clean && git.branch_name.as_deref() == Some(*b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(v: Value) -> JsonObject {
        v.as_object().cloned().unwrap()
    }

    #[test]
    fn issues_of_a_git_project_work_apart_unless_somebody_says_otherwise() {
        let git = PlanFacts { is_git: true, ..PlanFacts::default() };
        assert_eq!(plan(&git), Plan::Worktree);
        assert_eq!(plan(&PlanFacts::default()), Plan::Shared(WorkspaceMode::SharedWorkspace), "no git");
        let off = object(json!({ "enabled": false, "defaultMode": "isolated_workspace" }));
        assert_eq!(
            plan(&PlanFacts { policy: Some(&off), ..git.clone() }),
            of_mode("shared_workspace", true).unwrap()
        );
        let shared = object(json!({ "enabled": true, "defaultMode": "shared_workspace" }));
        let with = PlanFacts { policy: Some(&shared), ..git.clone() };
        assert_eq!(plan(&with), Plan::Shared(WorkspaceMode::SharedWorkspace));
        let own = object(json!({ "mode": "isolated_workspace" }));
        assert_eq!(plan(&PlanFacts { issue: Some(&own), ..with.clone() }), Plan::Worktree);
        let fixed =
            object(json!({ "enabled": true, "defaultMode": "operator_branch", "allowIssueOverride": false }));
        let held = PlanFacts { policy: Some(&fixed), issue: Some(&own), ..git.clone() };
        assert_eq!(plan(&held), Plan::Shared(WorkspaceMode::OperatorBranch));
        let named = ExecutionWorkspaceId(uuid::Uuid::nil());
        let reuse = PlanFacts { preference: Some("reuse_existing"), ..git.clone() };
        assert_eq!(plan(&reuse), Plan::Worktree, "what it named is gone");
        assert_eq!(plan(&PlanFacts { named: Some(named), ..reuse }), Plan::Reuse(named));
        assert_eq!(plan(&PlanFacts { named: Some(named), ..git.clone() }), Plan::Worktree, "never unasked");
        assert_eq!(plan(&PlanFacts { preference: Some("agent_default"), ..git }), Plan::Agents);
    }

    #[test]
    fn the_nearest_word_counts_and_empty_words_are_none() {
        let policy =
            object(json!({ "workspaceStrategy": { "baseRef": "develop", "provisionCommand": " " } }));
        let issue = object(json!({ "workspaceStrategy": { "baseRef": "release" }, "environmentId": "e" }));
        let s = settings(Some(&issue), Some(&policy), None);
        assert_eq!(
            (s.base_ref.as_deref(), s.provision, s.environment.as_deref()),
            (Some("release"), None, Some("e"))
        );
        assert_eq!(settings(None, Some(&policy), None).base_ref.as_deref(), Some("develop"));
        assert!(check(&policy).is_ok() && check(&issue).is_ok());
        for bad in [
            json!({ "enabled": "yes" }),
            json!({ "mode": "alone" }),
            json!({ "workspaceStrategy": 1 }),
            json!({ "workspaceStrategy": { "baseRef": 1 } }),
            json!({ "workspaceStrategy": { "worktreeParentDir": "here" } }),
        ] {
            assert!(check(&object(bad.clone())).is_err(), "{bad}");
        }
    }

    fn workspace() -> ExecutionWorkspace {
        serde_json::from_value(json!({
            "id": uuid::Uuid::nil(), "companyId": uuid::Uuid::nil(), "projectId": uuid::Uuid::nil(),
            "projectWorkspaceId": null, "sourceIssueId": null, "mode": "isolated_workspace",
            "strategyType": "git_worktree", "name": "w", "status": "idle", "cwd": "/w", "repoUrl": null,
            "baseRef": "main", "branchName": "b", "providerType": "git_worktree", "providerRef": null,
            "derivedFromExecutionWorkspaceId": null, "lastUsedAt": "2026-01-01T00:00:00Z",
            "openedAt": "2026-01-01T00:00:00Z", "closedAt": null, "cleanupEligibleAt": null,
            "cleanupReason": null, "config": null, "metadata": null, "ownerAgentId": null, "repoRoot": "/r",
            "baseCommit": null, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
        }))
        .unwrap()
    }

    proptest! {
        #[test]
        fn a_branch_goes_only_with_all_of_it_in_the_base_and_a_live_run_always_blocks(
            ahead in prop::option::of(0..3usize), dirty in 0..2usize, new in 0..2usize, live: bool, ours: bool,
            shared: bool,
        ) {
            let mut w = workspace();
            if shared {
                w.strategy_type = WorkspaceStrategy::ProjectPrimary;
            }
            let git = CloseGit {
                branch_name: Some("b".into()), dirty_entry_count: dirty, untracked_entry_count: new,
                ahead_count: ahead, is_merged_into_base: ahead.map(|n| n == 0), created_by_runtime: ours,
                ..CloseGit::default()
            };
            let facts = CloseFacts {
                workspace: &w, git: Some(&git), git_trouble: None, linked: &[], run_is_live: live,
                folder_is_there: true, teardown: None, cleanup: Some("make clean"),
            };
            let c = closing(&facts);
            let has = |k| c.actions.iter().any(|a| a.kind == k);
            prop_assert_eq!(c.state == CloseState::Blocked, live);
            let safe = ahead == Some(0) && dirty + new == 0 && ours && !shared;
            prop_assert_eq!(has(CloseActionKind::GitBranchDelete), safe);
            prop_assert_eq!(has(CloseActionKind::GitWorktreeRemove), !shared);
            prop_assert_eq!(has(CloseActionKind::CleanupCommand), !shared);
            prop_assert!(has(CloseActionKind::ArchiveRecord));
            let silent = shared || (ahead == Some(0) && dirty + new == 0);
            prop_assert_eq!(c.warnings.is_empty(), silent);
        }
    }
}
