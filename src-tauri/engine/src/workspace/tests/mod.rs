#![allow(clippy::unwrap_used, clippy::expect_used)]

mod host;
mod settings;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use contract::recovery::RecoveryStatus;
use contract::run::{Run, RunStatus};
use contract::workspace::*;
use contract::{ApiError, ErrorCode, IssueId};
use serde_json::{Value, json};

use super::place::Place;
use crate::Caller;
use crate::run::End;
use crate::sim::{Ends, Sim, id, invariants, said};

/// A company with a project that has its code in a repository.
struct Bench {
    sim: Sim,
    repo: PathBuf,
    project: String,
    code: String,
    _dir: tempfile::TempDir,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

impl Bench {
    async fn new(seed: u64) -> Self {
        let sim = Sim::launching(seed, host::launcher()).await;
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().canonicalize().unwrap().join("the code");
        std::fs::create_dir_all(&repo).unwrap();
        git(&repo, &["init", "-q"]);
        std::fs::write(repo.join("a.txt"), "one\n").unwrap();
        git(&repo, &["add", "-A"]);
        git(&repo, &["commit", "-qm", "first"]);
        let project = json!({ "companyId": sim.company, "name": "Shop" });
        let project = id(&sim.ask("projects.create", project).await);
        let code = sim.ask("project-workspaces.create", json!({ "id": project, "cwd": repo })).await;
        assert_eq!((&code["name"], &code["isPrimary"]), (&json!("the code"), &json!(true)));
        Self { sim, repo, project, code: id(&code), _dir: dir }
    }

    async fn issue(&self, agent: &str, more: Value) -> IssueId {
        let mut issue = json!({ "companyId": self.sim.company, "title": "Größe & Maße", "projectId": self.project,
            "assigneeAgentId": agent });
        issue.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        id(&self.sim.ask("issues.create", issue).await).parse().unwrap()
    }

    async fn try_enter(&self, run: &Run) -> Result<Option<Place>, ApiError> {
        let agent = {
            let mut conn = self.sim.engine.store.read().await.unwrap();
            store::agents::get(&mut conn, run.agent_id).await.unwrap().unwrap()
        };
        self.sim.engine.place_for(run, &agent).await
    }

    async fn enter(&self, run: &Run) -> Place {
        self.try_enter(run).await.unwrap().unwrap()
    }

    async fn of(&self, issue: IssueId) -> IssueWorkspace {
        serde_json::from_value(self.sim.ask("issues.workspace", json!({ "id": issue })).await).unwrap()
    }

    async fn steps(&self, issue: IssueId) -> Vec<(WorkspacePhase, WorkspaceOperationStatus)> {
        let mut steps: Vec<_> = self.of(issue).await.operations.iter().map(|o| (o.phase, o.status)).collect();
        steps.reverse();
        steps
    }

    async fn policy(&self, policy: Value) {
        self.sim
            .ask("projects.update", json!({ "id": self.project, "executionWorkspacePolicy": policy }))
            .await;
    }

    async fn close(&self, workspace: &ExecutionWorkspace) -> Result<Value, ApiError> {
        let input = json!({ "id": workspace.id, "status": "archived" });
        self.sim.try_ask(&Caller::operator(), "execution-workspaces.update", input).await
    }

    async fn done(&self, run: &Run) {
        let input = json!({ "id": run.issue_id, "status": "done" });
        self.sim.try_ask(&Sim::as_run(run), "issues.update", input).await.unwrap();
    }

    /// The run of this issue among those that were started since the last time.
    async fn started_on(&self, issue: IssueId) -> Run {
        let started = self.sim.started().await;
        started.into_iter().find(|r| r.issue_id == Some(issue)).expect("no run of the issue")
    }

    async fn reconcile(&self) {
        Box::pin(self.sim.engine.reconcile_workspaces()).await.unwrap();
    }

    fn worktrees(&self) -> usize {
        workspaces::list(&self.repo).unwrap().len() - 1
    }
}

use WorkspaceOperationStatus::{Failed, Succeeded};
use WorkspacePhase::{
    WorkspaceFinalize as Finalize, WorkspaceProvision as Provision, WorktreePrepare as Prepare,
};

#[tokio::test]
async fn a_run_gets_a_worktree_of_its_issue_and_the_next_one_goes_on_in_it() {
    let b = Bench::new(1).await;
    let agent = b.sim.agent("Ada", json!({})).await;
    let issue = b.issue(&agent, json!({})).await;
    assert!(b.of(issue).await.reason.unwrap().contains("first run"));
    let run = b.sim.one().await;
    let place = b.enter(&run).await;
    let key = b.sim.get(issue).await.identifier.unwrap();
    assert!(place.cwd.starts_with(b.sim.engine.paths().worktrees()) && place.cwd.join("a.txt").exists());
    let w = b.of(issue).await.workspace.unwrap();
    let branch = format!("{key}-größe-maße");
    for (name, value) in [
        ("CWD", place.cwd.to_str().unwrap()),
        ("WORKTREE_PATH", place.cwd.to_str().unwrap()),
        ("BRANCH", &branch),
        ("SOURCE", "project_primary"),
        ("STRATEGY", "git_worktree"),
        ("REPO_REF", "main"),
        ("ID", &w.id.to_string()),
    ] {
        assert_eq!(place.env[&format!("PAPERCLIP_WORKSPACE_{name}")], value);
    }
    let again = b.enter(&run).await;
    assert_eq!(again.cwd, place.cwd);
    std::fs::write(place.cwd.join("new"), "n\n").unwrap();
    b.sim.end(&run, Ends::Well("Did it.")).await;
    let now = b.of(issue).await;
    let read = now.git.unwrap();
    assert_eq!((read.ahead, read.behind, read.uncommitted, read.files.len()), (Some(0), Some(0), 1, 1));
    assert!(read.files[0].is_uncommitted && read.files[0].change == FileChange::Untracked);
    assert!(now.is_finalized);
    let diff = b.sim.ask("issues.workspace.diff", json!({ "id": issue, "path": "new" })).await;
    assert_eq!(diff["patch"], "@@ -0,0 +1 @@\n+n\n");
    let disk = b.sim.ask("issues.workspace.disk", json!({ "id": issue })).await;
    assert!(disk["bytes"].as_u64().unwrap() > 0);

    let next = b.sim.one().await;
    assert_eq!(b.enter(&next).await.cwd, place.cwd);
    assert!(!b.of(issue).await.is_finalized, "it is at work again");
    b.sim.end(&next, Ends::Well("Done.")).await;
    assert!(b.steps(issue).await.ends_with(&[(Prepare, Succeeded), (Finalize, Succeeded)]));
    assert_eq!(b.worktrees(), 1);
    invariants(&b.sim).await;
}

#[tokio::test]
async fn two_issues_never_share_a_folder_unless_they_are_told_to() {
    let b = Bench::new(2).await;
    let (mut folders, mut runs) = (Vec::new(), Vec::new());
    for name in ["Ada", "Bo"] {
        let agent = b.sim.agent(name, json!({})).await;
        b.issue(&agent, json!({})).await;
        let run = b.sim.one().await;
        folders.push(b.enter(&run).await.cwd);
        runs.push(run);
    }
    let at_work = runs.remove(0);
    assert_ne!(folders[0], folders[1]);
    let agent = b.sim.agent("Cy", json!({})).await;
    let settings = json!({ "executionWorkspaceSettings": { "mode": "shared_workspace" } });
    let issue = b.issue(&agent, settings).await;
    let run = b.sim.one().await;
    let place = b.enter(&run).await;
    assert_eq!(place.cwd, b.repo);
    assert!(!place.env.contains_key("PAPERCLIP_WORKSPACE_WORKTREE_PATH"));
    b.sim.end(&run, Ends::Well("Done.")).await;
    assert_eq!(b.steps(issue).await, [(Prepare, Succeeded), (Finalize, Succeeded)]);
    // Closing it takes nothing away.
    let w = b.of(issue).await.workspace.unwrap();
    for run in b.sim.started().await {
        b.sim.end(&run, Ends::Badly("cwd_missing")).await;
    }
    b.close(&w).await.unwrap();
    assert!(b.repo.join("a.txt").exists());

    let agent = b.sim.agent("Di", json!({})).await;
    let named = b.of(issue).await.workspace.unwrap().id;
    let first: IssueId = {
        let all = b.sim.ask("execution-workspaces.list", json!({ "companyId": b.sim.company })).await;
        let other =
            all.as_array().unwrap().iter().find(|w| w["cwd"] == folders[0].to_str().unwrap()).unwrap();
        assert_ne!(other["id"], named.to_string());
        other["sourceIssueId"].as_str().unwrap().parse().unwrap()
    };
    let heir = b.issue(&agent, json!({ "inheritExecutionWorkspaceFromIssueId": first })).await;
    let others = b.sim.started().await;
    assert!(others.iter().all(|r| r.issue_id != Some(heir)), "the other's run is still at work there");
    let queued = b.sim.ask("issues.outlook", json!({ "id": heir })).await;
    assert!(queued["reason"].as_str().unwrap().contains("in the same worktree"), "{queued}");
    b.done(&at_work).await;
    b.sim.end(&at_work, Ends::Well("Done.")).await;
    let run = b.started_on(heir).await;
    assert_eq!(b.enter(&run).await.cwd, folders[0], "the issue says so");

    b.policy(json!({ "enabled": true, "defaultMode": "adapter_default" })).await;
    let agent = b.sim.agent("Eve", json!({})).await;
    let issue = b.issue(&agent, json!({})).await;
    assert!(
        b.try_enter(&b.started_on(issue).await).await.unwrap().is_none(),
        "where the agent's settings say"
    );
}

#[tokio::test]
async fn those_who_wait_go_on_only_after_the_finalize() {
    let b = Bench::new(3).await;
    let (ada, bo) = (b.sim.agent("Ada", json!({})).await, b.sim.agent("Bo", json!({})).await);
    let first = b.issue(&ada, json!({})).await;
    let run = b.sim.one().await;
    b.enter(&run).await;
    let second = b.issue(&bo, json!({ "blockedByIssueIds": [first], "status": "todo" })).await;
    b.sim.settle().await;
    b.done(&run).await;
    assert!(b.sim.started().await.is_empty(), "the run is still at work");
    let outlook = b.sim.outlook(second).await;
    assert!(outlook.reason.contains("finish"), "{outlook:?}");
    let checkout = json!({ "id": second, "agentId": bo, "expectedStatuses": ["todo"] });
    let refused = b.sim.try_ask(&Caller::operator(), "issues.checkout", checkout).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::DependenciesBlocked);
    b.sim.end(&run, Ends::Well("Done.")).await;
    let next = b.sim.one().await;
    assert_eq!(
        (next.issue_id, said(&next, "wakeReason").as_str()),
        (Some(second), "issue_blockers_resolved")
    );
    let wakes = b.sim.ask("wakeups.list", json!({ "companyId": b.sim.company })).await.to_string();
    assert!(wakes.contains(r#""deferredFor":"workspace_finalize""#), "{wakes}");
    invariants(&b.sim).await;
}

#[tokio::test]
async fn a_lost_run_holds_those_up_who_wait_until_its_workspace_is_looked_at() {
    let b = Bench::new(4).await;
    let (ada, bo) = (b.sim.agent("Ada", json!({})).await, b.sim.agent("Bo", json!({})).await);
    let first = b.issue(&ada, json!({})).await;
    let run = b.sim.one().await;
    b.enter(&run).await;
    let second = b.issue(&bo, json!({ "blockedByIssueIds": [first], "status": "todo" })).await;
    b.done(&run).await;
    b.sim.end(&run, Ends::Lost).await;
    assert_eq!(b.steps(first).await.last(), Some(&(Finalize, Failed)));
    let woken: Vec<_> = b.sim.started().await.into_iter().filter(|r| r.issue_id == Some(second)).collect();
    assert!(woken.is_empty(), "{woken:#?}");
    for run in b.sim.started().await {
        b.sim.end(&run, Ends::Badly("cwd_missing")).await;
    }
    b.reconcile().await;
    assert_eq!(b.steps(first).await.last(), Some(&(Finalize, Succeeded)));
    assert_eq!(b.sim.one().await.issue_id, Some(second));
}

#[tokio::test]
async fn a_plan_is_accepted_only_after_the_finalize_that_every_planning_run_records() {
    let b = Bench::new(5).await;
    let agent = b.sim.agent("Ada", json!({})).await;
    let issue = b.issue(&agent, json!({ "workMode": "planning" })).await;
    let run = b.sim.one().await;
    b.enter(&run).await;
    let card =
        json!({ "id": issue, "kind": "request_confirmation", "payload": { "version": 1, "prompt": "So?" } });
    let card = id(&b.sim.try_ask(&Sim::as_run(&run), "interactions.create", card).await.unwrap());
    let accept = json!({ "id": issue, "interactionId": card });
    let refused =
        b.sim.try_ask(&Caller::operator(), "interactions.accept", accept.clone()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    assert_eq!(refused.details.unwrap()["reason"], "workspace_not_finalized");
    b.sim.end(&run, Ends::Well("Here is the plan.")).await;
    assert_eq!(b.steps(issue).await.last(), Some(&(Finalize, Succeeded)));
    let accepted = b.sim.ask("interactions.accept", accept).await;
    assert_eq!(accepted["status"], "accepted");
}

#[tokio::test]
async fn a_workspace_that_cannot_be_made_ends_the_run_with_its_reason_and_asks_somebody() {
    let b = Bench::new(6).await;
    let provision =
        |line: &str| json!({ "enabled": true, "workspaceStrategy": { "provisionCommand": line } });
    b.policy(provision("echo \"at $PAPERCLIP_WORKSPACE_BRANCH\"; echo 'no toolchain' >&2; exit 7")).await;
    let agent = b.sim.agent("Ada", json!({})).await;
    let issue = b.issue(&agent, json!({})).await;
    let run = b.sim.one().await;
    let e = b.try_enter(&run).await.unwrap_err();
    assert!(e.message.contains("code 7: no toolchain"), "{e}");
    b.sim.engine.finish(run.id, &End::broken(&e)).await.unwrap();
    b.sim.engine.live_runs().remove(&run.id);
    let ended = b.sim.run(run.id).await;
    assert_eq!((ended.status, ended.error_code.as_deref()), (RunStatus::Failed, Some("workspace_failed")));
    let action = b.sim.recovery(issue).await.unwrap();
    assert_eq!(action.status, RecoveryStatus::Escalated);
    assert!(action.next_action.contains("workspace settings"), "{}", action.next_action);
    assert_eq!(b.steps(issue).await, [(Prepare, Succeeded), (Provision, Failed), (Finalize, Failed)]);
    let step = b.of(issue).await.operations.into_iter().find(|o| o.phase == Provision).unwrap();
    assert_eq!((step.exit_code, step.stderr_excerpt.as_deref()), (Some(7), Some("no toolchain\n")));
    assert!(step.stdout_excerpt.unwrap().contains("größe-maße"));
    let log = b.sim.ask("workspace-operations.log", json!({ "operationId": step.id })).await;
    assert!(log["content"].as_str().unwrap().ends_with("no toolchain\n"));

    b.policy(provision("echo $PAPERCLIP_ISSUE_TITLE >> .provisioned")).await;
    let resolved = json!({ "id": issue, "outcome": "restored", "sourceIssueStatus": "todo" });
    b.sim.ask("recovery.resolve", resolved).await;
    let run = b.sim.one().await;
    let place = b.enter(&run).await;
    b.enter(&run).await;
    let told = std::fs::read_to_string(place.cwd.join(".provisioned")).unwrap();
    assert_eq!(told, "Größe & Maße\n", "once");

    // A base that is not there, and a folder that is gone.
    for (strategy, word) in [(json!({ "baseRef": "release/9" }), "release/9")] {
        b.policy(json!({ "enabled": true, "workspaceStrategy": strategy })).await;
        let agent = b.sim.agent("Bo", json!({})).await;
        let issue = b.issue(&agent, json!({})).await;
        let run = b.started_on(issue).await;
        let e = b.try_enter(&run).await.unwrap_err();
        assert!(e.message.contains(word) && e.hint.is_some(), "{e:?}");
        assert_eq!(e.details.unwrap()["errorCode"], "workspace_failed");
        let w = b.of(issue).await.workspace.unwrap();
        assert!(w.closed_at.is_some(), "no record of what never was stays open");
        std::fs::rename(&b.repo, b.repo.with_file_name("moved")).unwrap();
        let e = b.try_enter(&run).await.unwrap_err();
        assert!(e.message.contains("is not there"), "{e}");
    }
}

#[tokio::test]
async fn another_agent_goes_on_in_a_workspace_only_with_a_word_about_it() {
    let b = Bench::new(7).await;
    let (ada, bo) = (b.sim.agent("Ada", json!({})).await, b.sim.agent("Bo", json!({})).await);
    let issue = b.issue(&ada, json!({})).await;
    let run = b.sim.one().await;
    let place = b.enter(&run).await;
    std::fs::write(place.cwd.join("half"), "half done\n").unwrap();
    b.sim.ask("issues.update", json!({ "id": issue, "assigneeAgentId": bo, "interrupt": true })).await;
    b.sim.end(&run, Ends::Badly("cancelled")).await;
    let next = b.sim.one().await;
    assert_eq!(next.agent_id.to_string(), bo);
    assert_eq!(b.enter(&next).await.cwd, place.cwd);
    let now = b.of(issue).await;
    assert_eq!(now.workspace.unwrap().owner_agent_id.unwrap().to_string(), bo);
    assert!(now.trash[0].has_unsaved_work && now.trash[0].snapshot_ref.is_some());
    let comments = b.sim.ask("comments.list", json!({ "id": issue })).await.to_string();
    assert!(comments.contains("Bo goes on in the workspace of Ada"), "{comments}");
    b.sim.end(&next, Ends::Badly("cancelled")).await;

    // One who is meant for another environment gets a folder of their own.
    let settings = json!({ "environmentId": "another" });
    let back = json!({ "id": issue, "assigneeAgentId": ada, "executionWorkspaceSettings": settings });
    b.sim.ask("issues.update", back).await;
    let run = b.started_on(issue).await;
    assert_eq!(run.agent_id.to_string(), ada);
    let old = b.of(issue).await.workspace.unwrap().id;
    let fresh = b.enter(&run).await;
    let w = b.of(issue).await.workspace.unwrap();
    assert_eq!(w.derived_from_execution_workspace_id, Some(old));
    assert!(!fresh.cwd.join("half").exists(), "nothing of the other is in it");
    let kept = b.of(issue).await.trash;
    assert_eq!(kept.len(), 2, "and nothing of the other is lost");
    let comments = b.sim.ask("comments.list", json!({ "id": issue })).await.to_string();
    assert!(comments.contains("reused_workspace_environment_mismatch"));
}

#[tokio::test]
async fn closing_keeps_everything_and_the_trash_brings_it_back_for_thirty_days() {
    let b = Bench::new(8).await;
    let update = json!({ "id": b.project, "workspaceId": b.code, "cleanupCommand": "cp unsaved \"$PAPERCLIP_WORKSPACE_REPO_ROOT/cleaned\"" });
    b.sim.ask("project-workspaces.update", update).await;
    let agent = b.sim.agent("Ada", json!({})).await;
    let issue = b.issue(&agent, json!({})).await;
    let run = b.sim.one().await;
    let place = b.enter(&run).await;
    std::fs::write(place.cwd.join("unsaved"), "precious\n").unwrap();
    let w = b.of(issue).await.workspace.unwrap();
    let ready = b.sim.ask("execution-workspaces.close-readiness", json!({ "id": w.id })).await;
    assert_eq!(ready["state"], "blocked");
    assert_eq!(b.close(&w).await.unwrap_err().code, ErrorCode::Conflict, "a run is at work in it");
    b.done(&run).await;
    b.sim.end(&run, Ends::Well("Done.")).await;
    let ready = b.sim.ask("execution-workspaces.close-readiness", json!({ "id": w.id })).await;
    let ready: CloseReadiness = serde_json::from_value(ready).unwrap();
    assert_eq!(ready.state, CloseState::ReadyWithWarnings);
    assert_eq!(ready.git.unwrap().untracked_entry_count, 1);
    let actions: Vec<_> = ready.planned_actions.iter().map(|a| a.kind).collect();
    use CloseActionKind as A;
    assert_eq!(actions, [A::CleanupCommand, A::GitWorktreeRemove, A::ArchiveRecord]);

    let closed = b.close(&w).await.unwrap();
    assert_eq!(closed["status"], "archived");
    assert!(!place.cwd.exists() && b.worktrees() == 0);
    let seen = b.repo.join("cleaned");
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "precious\n");
    std::fs::remove_file(seen).unwrap();
    assert!(b.close(&w).await.is_err(), "once");
    let now = b.of(issue).await;
    assert!(now.git.is_none() && now.is_finalized);
    let kept = &now.trash[0];
    assert!(kept.has_unsaved_work && kept.restored_at.is_none());

    let back = b.sim.ask("workspace-trash.restore", json!({ "trashId": kept.id })).await;
    assert_eq!(back["cwd"], place.cwd.to_str().unwrap());
    assert_eq!(std::fs::read_to_string(place.cwd.join("unsaved")).unwrap(), "precious\n");
    assert!(b.of(issue).await.is_finalized);
    let twice = json!({ "trashId": kept.id });
    let twice = b.sim.try_ask(&Caller::operator(), "workspace-trash.restore", twice).await.unwrap_err();
    assert_eq!(twice.code, ErrorCode::Conflict);

    let w = b.of(issue).await.workspace.unwrap();
    b.close(&w).await.unwrap();
    b.reconcile().await;
    let snapshots = || git(&b.repo, &["for-each-ref", "refs/paperclip"]).lines().count();
    assert_eq!(snapshots(), 2);
    b.sim.pass(Duration::from_secs(29 * 86_400)).await;
    b.reconcile().await;
    assert_eq!(snapshots(), 2, "not before its time");
    b.sim.pass(Duration::from_secs(2 * 86_400)).await;
    b.reconcile().await;
    assert_eq!((snapshots(), b.of(issue).await.trash.len()), (0, 0));
}

#[tokio::test]
async fn a_merged_branch_goes_with_its_worktree_and_a_failing_cleanup_takes_nothing_away() {
    let b = Bench::new(9).await;
    let agent = b.sim.agent("Ada", json!({})).await;
    let issue = b.issue(&agent, json!({})).await;
    let run = b.sim.one().await;
    let place = b.enter(&run).await;
    std::fs::write(place.cwd.join("work"), "w\n").unwrap();
    git(&place.cwd, &["add", "-A"]);
    git(&place.cwd, &["commit", "-qm", "work"]);
    b.done(&run).await;
    b.sim.end(&run, Ends::Well("Done.")).await;
    let w = b.of(issue).await.workspace.unwrap();
    let branch = w.branch_name.clone().unwrap();
    git(&b.repo, &["merge", "-q", "--no-edit", &branch]);

    let update =
        |line: Option<&str>| json!({ "id": b.project, "workspaceId": b.code, "cleanupCommand": line });
    b.sim.ask("project-workspaces.update", update(Some("echo stuck; exit 1"))).await;
    let refused = b.close(&w).await.unwrap_err();
    assert!(refused.message.contains("stuck"), "{refused}");
    assert!(place.cwd.join("work").exists());
    let stuck = b.of(issue).await.workspace.unwrap();
    assert_eq!(stuck.status, ExecutionWorkspaceStatus::CleanupFailed);
    b.sim.ask("project-workspaces.update", update(None)).await;
    b.close(&w).await.unwrap();
    assert!(!git(&b.repo, &["branch"]).contains(&branch));
    assert!(b.repo.join("work").exists());
}

#[tokio::test]
async fn disk_and_database_agree_again_whatever_happened_between_them() {
    let b = Bench::new(10).await;
    let agent =
        b.sim.agent("Ada", json!({ "runtimeConfig": { "heartbeat": { "maxConcurrentRuns": 5 } } })).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        let issue = b.issue(&agent, json!({})).await;
        let run = b.sim.one().await;
        let place = b.enter(&run).await;
        std::fs::write(place.cwd.join("mine"), issue.to_string()).unwrap();
        b.done(&run).await;
        b.sim.end(&run, Ends::Well("Done.")).await;
        made.push((issue, place.cwd));
    }
    let [(deleted, deleted_at), (gone, gone_at), (going, going_at), (kept, kept_at)] = &made[..] else {
        unreachable!()
    };
    // Somebody deleted a folder; a removal was interrupted; an issue is deleted; a folder has no record.
    std::fs::remove_dir_all(gone_at).unwrap();
    let mut name = going_at.file_name().unwrap().to_owned();
    name.push(".going");
    std::fs::rename(going_at, going_at.with_file_name(name)).unwrap();
    b.sim.ask("issues.delete", json!({ "id": deleted })).await;
    let orphan = kept_at.with_file_name("orphan");
    git(&b.repo, &["worktree", "add", "-q", "-b", "orphan", orphan.to_str().unwrap()]);
    std::fs::write(orphan.join("unsaved"), "o").unwrap();
    let stray = kept_at.with_file_name("stray");
    std::fs::create_dir_all(&stray).unwrap();
    std::fs::write(stray.join("file"), "s").unwrap();

    b.reconcile().await;
    for path in [deleted_at, gone_at, going_at, &orphan, &stray] {
        assert!(!path.exists(), "{}", path.display());
    }
    let left: Vec<_> = std::fs::read_dir(kept_at.parent().unwrap()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(kept_at.join("mine").exists() && b.worktrees() == 1);
    for issue in [gone, going] {
        assert!(b.of(*issue).await.workspace.unwrap().closed_at.is_some());
    }
    assert!(b.of(*kept).await.workspace.unwrap().closed_at.is_none());
    let trash = b.sim.ask("workspace-trash.list", json!({ "companyId": b.sim.company })).await;
    let trash: Vec<TrashedWorkspace> = serde_json::from_value(trash).unwrap();
    assert_eq!(trash.len(), 4, "all but the one whose files somebody deleted: {trash:#?}");
    let folder = trash.iter().find_map(|t| t.folder.clone()).unwrap();
    assert_eq!(std::fs::read_to_string(Path::new(&folder).join("file")).unwrap(), "s");
    for t in trash.iter().filter(|t| t.snapshot_ref.is_some()) {
        let reference = t.snapshot_ref.clone().unwrap();
        let files = git(&b.repo, &["ls-tree", "--name-only", &reference]);
        assert!(files.contains("mine") || files.contains("unsaved"), "{files}");
    }
    b.reconcile().await;
    let again = b.sim.ask("workspace-trash.list", json!({ "companyId": b.sim.company })).await;
    assert_eq!(again.as_array().unwrap().len(), 4, "and once is enough");
}

#[tokio::test]
async fn a_step_that_the_program_broke_off_is_told_as_failed_and_the_next_run_does_it_again() {
    let b = Bench::new(11).await;
    let agent = b.sim.agent("Ada", json!({})).await;
    let issue = b.issue(&agent, json!({})).await;
    let run = b.sim.one().await;
    let place = b.enter(&run).await;
    // As it stands in the database when the program is killed while git is at work.
    {
        let w = b.of(issue).await.workspace.unwrap();
        let engine = &b.sim.engine;
        let mut tx = engine.store.write(engine.now()).await.unwrap();
        engine.begin_step(&mut tx, &w, Some(run.id), Prepare, None).await.unwrap();
        tx.commit().await.unwrap();
    }
    b.sim.engine.recover_workspaces().await.unwrap();
    let steps = b.steps(issue).await;
    assert_eq!(steps, [(Prepare, Succeeded), (Prepare, Failed)]);
    assert_eq!(b.enter(&run).await.cwd, place.cwd);
    assert_eq!(b.worktrees(), 1);
}

#[tokio::test]
async fn a_command_whose_host_hangs_ends_with_its_run() {
    let b = Bench::new(21).await;
    b.policy(json!({ "enabled": true, "workspaceStrategy": { "provisionCommand": "echo begun > .begun; sleep 600" } }))
        .await;
    let agent = b.sim.agent("Ada", json!({})).await;
    let issue = b.issue(&agent, json!({})).await;
    let run = b.sim.one().await;
    let stops = async {
        let step = loop {
            let under_way = b.of(issue).await.operations.into_iter().find(|o| o.phase == Provision);
            if let Some(step) = under_way {
                let cwd = PathBuf::from(step.cwd.clone().unwrap());
                if cwd.join(".begun").exists() {
                    break step;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let host = host_of(&step.id.to_string());
        git(&b.repo, &["status"]);
        assert!(Command::new("kill").args(["-STOP", &host.to_string()]).status().unwrap().success());
        b.sim.ask("runs.cancel", json!({ "runId": run.id })).await;
        (host, step)
    };
    let (entered, (host, step)) = tokio::join!(b.try_enter(&run), stops);
    assert!(entered.unwrap_err().message.contains("no longer answers and was ended"));
    assert!(!Path::new(&format!("/proc/{host}")).exists(), "the host is gone");
    let left = std::fs::read_dir("/proc").unwrap().flatten().any(|p| {
        std::fs::read(p.path().join("environ"))
            .is_ok_and(|env| String::from_utf8_lossy(&env).contains(&step.id.to_string()))
    });
    assert!(!left, "and so is all that it started");
}

/// The process of the host of a step.
fn host_of(step: &str) -> u32 {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let is = |p: &Path| {
        std::fs::read(p.join("cmdline")).is_ok_and(|c| {
            let line = String::from_utf8_lossy(&c).into_owned();
            line.contains("run-host") && line.contains(step)
        })
    };
    all.filter(|p| is(&p.path())).find_map(|p| p.file_name().to_str()?.parse().ok()).expect("no host")
}
