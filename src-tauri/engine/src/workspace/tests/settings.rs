//! What projects and issues say of where they are worked on, and who may say it.

use std::path::{Path, PathBuf};

use contract::ErrorCode;
use serde_json::json;

use super::{Bench, git};
use crate::Caller;
use crate::sim::{Ends, Sim};

#[tokio::test]
async fn an_issue_that_moves_to_other_code_gets_another_workspace_and_what_it_had_is_kept() {
    let b = Bench::new(14).await;
    let agent = b.sim.agent("Ada", json!({})).await;
    let issue = b.issue(&agent, json!({})).await;
    let run = b.sim.one().await;
    let place = b.enter(&run).await;
    std::fs::write(place.cwd.join("half"), "h\n").unwrap();
    let elsewhere = b.repo.with_file_name("elsewhere");
    git(b.repo.parent().unwrap(), &["clone", "-q", "the code", "elsewhere"]);
    let new = json!({ "companyId": b.sim.company, "name": "Else", "workspace": { "cwd": elsewhere } });
    let other = b.sim.ask("projects.create", new).await;
    b.sim.end(&run, Ends::Well("Half of it.")).await;
    b.sim.ask("issues.update", json!({ "id": issue, "projectId": other["id"] })).await;
    let run = b.started_on(issue).await;
    let now = b.enter(&run).await;
    assert!(now.cwd.join("a.txt").exists() && !now.cwd.join("half").exists());
    assert_eq!(workspaces::main_repository(&now.cwd), Some(elsewhere));
    let kept = b.of(issue).await.trash;
    assert!(kept.len() == 1 && kept[0].has_unsaved_work && b.worktrees() == 0);
    // An agent does not take the gate from its issue.
    let free = json!({ "id": issue, "executionWorkspaceId": null });
    let refused = b.sim.try_ask(&Sim::as_run(&run), "issues.update", free).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Forbidden);
}

#[tokio::test]
async fn a_project_is_made_together_with_its_folder_or_not_at_all() {
    let b = Bench::new(13).await;
    let new = |cwd: &Path| json!({ "companyId": b.sim.company, "name": "Both", "workspace": { "cwd": cwd } });
    let refused = b.sim.try_ask(&Caller::operator(), "projects.create", new(&b.repo.join("gone"))).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Unprocessable);
    let made = b.sim.ask("projects.create", new(&b.repo)).await;
    let read = b.sim.ask("projects.get", json!({ "id": made["id"] })).await;
    assert_eq!((&read["name"], &read["primaryWorkspace"]["cwd"]), (&json!("Both"), &json!(b.repo)));
    let second = json!({ "id": made["id"], "cwd": b.repo, "isPrimary": true });
    let second = b.sim.ask("project-workspaces.create", second).await;
    let all = b.sim.ask("project-workspaces.list", json!({ "id": made["id"] })).await;
    let primary: Vec<_> = all.as_array().unwrap().iter().filter(|w| w["isPrimary"] == true).collect();
    assert_eq!((primary.len(), &primary[0]["id"]), (1, &second["id"]));
    b.sim.ask("project-workspaces.delete", json!({ "id": made["id"], "workspaceId": second["id"] })).await;
    let all = b.sim.ask("project-workspaces.list", json!({ "id": made["id"] })).await;
    assert_eq!((all.as_array().unwrap().len(), &all[0]["isPrimary"]), (1, &json!(true)));
}

#[tokio::test]
async fn agents_choose_neither_folders_nor_commands_and_no_folder_is_the_programs_own() {
    let b = Bench::new(12).await;
    let agent = b.sim.agent("Ada", json!({})).await;
    b.issue(&agent, json!({})).await;
    let run = b.sim.one().await;
    let as_run = Sim::as_run(&run);
    let root = b.sim.engine.paths().root().to_owned();
    let policy = json!({ "workspaceStrategy": { "provisionCommand": "true" } });
    for (operation, input) in [
        ("project-workspaces.create", json!({ "id": b.project, "cwd": b.repo })),
        (
            "project-workspaces.update",
            json!({ "id": b.project, "workspaceId": b.code, "setupCommand": "true" }),
        ),
        ("projects.update", json!({ "id": b.project, "executionWorkspacePolicy": policy })),
        (
            "projects.create",
            json!({ "companyId": b.sim.company, "name": "X", "executionWorkspacePolicy": policy }),
        ),
    ] {
        let refused = b.sim.try_ask(&as_run, operation, input).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Forbidden, "{operation}");
    }
    for cwd in [root.clone(), root.join("worktrees"), PathBuf::from("relative")] {
        let input = json!({ "id": b.project, "cwd": cwd });
        let refused =
            b.sim.try_ask(&Caller::operator(), "project-workspaces.create", input).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unprocessable, "{}", cwd.display());
    }
}
