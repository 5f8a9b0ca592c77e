//! Worktrees in the whole program: a run works in its issue's own, within the sandbox, and a killed program loses none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use support::Place;
use support::client::Client;
use support::company::{Company, text};
use support::program::Headless;
use support::window::Window;

const SOON: Duration = Duration::from_secs(40);

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

/// A repository with one commit, and a project of the company that has its code there.
async fn project(place: &Place, client: &Client, company: &Company, policy: Value) -> (PathBuf, String) {
    let repo = place.work().join("the code");
    std::fs::create_dir_all(&repo).unwrap();
    git(&repo, &["init", "-q"]);
    std::fs::write(repo.join("a.txt"), "one\n").unwrap();
    git(&repo, &["add", "-A"]);
    git(&repo, &["commit", "-qm", "first"]);
    let body = json!({ "name": "Shop", "executionWorkspacePolicy": policy });
    let project = client.post(&format!("/api/companies/{}/projects", company.id), body).await;
    let project = text(&project["id"]);
    client.post(&format!("/api/projects/{project}/workspaces"), json!({ "cwd": repo })).await;
    (repo, project)
}

async fn issue(client: &Client, company: &Company, project: &str) -> String {
    let body = json!({ "title": "Change it", "status": "todo", "assigneeAgentId": company.agent, "projectId": project });
    text(&client.post(&format!("/api/companies/{}/issues", company.id), body).await["id"])
}

#[tokio::test]
async fn a_run_works_in_a_worktree_of_its_issue_and_sees_nothing_else_of_the_programs_data() {
    let place = Place::new("workspaces-run");
    let program = Headless::start(&place);
    let client = program.client();
    let script = format!(
        "pwd; echo changed >> a.txt; echo new > new.txt; git add new.txt; \
         git -c user.name=A -c user.email=a@example.org commit -qm work && git log --oneline | wc -l; \
         ls {data} | wc -l; cat {data}/operator-token 2>&1 | head -c 200; ls {data}/worktrees/* | wc -l",
        data = place.data().display()
    );
    let company =
        Company::found(&client, "process", json!({ "command": "/bin/sh", "args": ["-c", script] })).await;
    let (repo, project) = project(&place, &client, &company, json!({ "enabled": true })).await;
    let issue = issue(&client, &company, &project).await;
    let path = format!("/api/issues/{issue}/workspace");
    let seen = client.until(&path, SOON, |w| w["git"]["ahead"] == 1 && w["isFinalized"] == true).await;
    let cwd = text(&seen["workspace"]["cwd"]);
    assert!(cwd.contains("/worktrees/") && Path::new(&cwd).join("new.txt").exists());
    assert_eq!((&seen["git"]["uncommitted"], &seen["git"]["fileCount"]), (&json!(1), &json!(2)));
    assert!(git(&repo, &["status", "--porcelain"]).is_empty(), "the project's own folder is as it was");
    let run = text(&client.get(&company.runs()).await[0]["id"]);
    let said = client.get(&format!("/api/heartbeat-runs/{run}/transcript?raw=true")).await;
    let said: Vec<String> = said["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["text"].as_str())
        .map(str::to_owned)
        .collect();
    assert!(said.contains(&cwd), "{said:?}");
    assert!(!said.iter().any(|l| l.contains(&program.token)), "the operator's token is out of reach");
    let steps = client.get(&format!("/api/heartbeat-runs/{run}/workspace-operations")).await;
    let steps: Vec<(String, String)> =
        steps.as_array().unwrap().iter().map(|s| (text(&s["phase"]), text(&s["status"]))).collect();
    let well = |phase: &str| (phase.to_owned(), "succeeded".to_owned());
    assert_eq!(steps, [well("worktree_prepare"), well("workspace_finalize")]);
}

#[tokio::test]
async fn a_program_that_is_killed_while_it_provisions_does_it_again() {
    let place = Place::new("workspaces-killed");
    let gate = place.work().join("go");
    // What prepares a worktree runs the code that agents wrote there, so it sees no more than they do.
    let token = place.data().join("operator-token");
    let provision = format!(
        "echo begun >> .provisioned; cat '{}' >> .provisioned; while [ ! -e '{}' ]; do sleep 0.05; done; \
         echo ended >> .provisioned",
        token.display(),
        gate.display()
    );
    let policy = json!({ "enabled": true, "workspaceStrategy": { "provisionCommand": provision } });
    let mut program = Headless::start(&place);
    let client = program.client();
    let company = Company::found(
        &client,
        "process",
        json!({ "command": "/bin/sh", "args": ["-c", "cat .provisioned"] }),
    )
    .await;
    let (repo, project) = project(&place, &client, &company, policy).await;
    let issue = issue(&client, &company, &project).await;
    let path = format!("/api/issues/{issue}/workspace");
    let under_way = |w: &Value| {
        w["operations"][0]["phase"] == "workspace_provision" && w["operations"][0]["status"] == "running"
    };
    let seen = client.until(&path, SOON, under_way).await;
    let cwd = PathBuf::from(text(&seen["workspace"]["cwd"]));
    program.process.0.kill().unwrap();
    program.process.0.wait().unwrap();
    drop(program);

    let program = Headless::start(&place);
    let client = program.client();
    // The first one was left waiting: it is ended before the second one begins.
    let told = || std::fs::read_to_string(cwd.join(".provisioned")).unwrap_or_default();
    let begun = std::time::Instant::now();
    while told() != "begun\nbegun\n" {
        assert!(begun.elapsed() < SOON, "it is not begun again: {}", told());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    std::fs::write(&gate, "").unwrap();
    let ended = client
        .until(&path, SOON, |w| {
            let steps = w["operations"].as_array().unwrap();
            let is = |s: &Value, status: &str| s["phase"] == "workspace_provision" && s["status"] == status;
            steps.iter().any(|s| is(s, "failed")) && steps.iter().any(|s| is(s, "succeeded"))
        })
        .await;
    assert_eq!(text(&ended["workspace"]["cwd"]), cwd.to_str().unwrap());
    assert!(token.exists());
    assert_eq!(told(), "begun\nbegun\nended\n");
    let step = ended["operations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["status"] == "succeeded" && s["phase"] == "workspace_provision");
    let log = client.get(&format!("/api/workspace-operations/{}/log", text(&step.unwrap()["id"]))).await;
    assert!(
        text(&log["content"]).contains("operator-token"),
        "what the command complained of is kept: {log}"
    );
    assert_eq!(git(&repo, &["worktree", "list"]).lines().count(), 2, "one worktree, the same");
}

/// Calls an operation as the page does.
async fn call(window: &Window, name: &str, input: Value) -> Value {
    let script = "const [name, input, done] = arguments; \
                  window.__TAURI_INTERNALS__.invoke('call', { name, input }).then( \
                  bytes => done(JSON.parse(new TextDecoder().decode(bytes))), error => done({ error }));";
    let answer = window.page.execute_async(script, vec![name.into(), input]).await.unwrap();
    assert!(answer.get("error").is_none(), "{name}: {answer}");
    answer
}

#[tokio::test]
async fn the_operator_sets_up_a_project_reads_the_changes_closes_the_workspace_and_brings_it_back() {
    let place = Place::new("workspaces-window");
    let repo = place.work().join("code");
    std::fs::create_dir_all(&repo).unwrap();
    git(&repo, &["init", "-q"]);
    std::fs::write(repo.join("a.txt"), "one\ntwo\n").unwrap();
    git(&repo, &["add", "-A"]);
    git(&repo, &["commit", "-qm", "first"]);
    let window = Window::open(&place).await;
    window.page.set_window_size(1280, 1000).await.unwrap();
    window.find("onboarding").await;
    let company = call(&window, "companies.create", json!({ "name": "Acme" })).await;
    window.lead(&format!("/{}/projects", text(&company["issuePrefix"]))).await;

    window.click("project-new").await;
    window
        .select("[data-testid=project-form] input[aria-label='Project name']")
        .await
        .send_keys("Shop")
        .await
        .unwrap();
    window.fill("project-folder", repo.to_str().unwrap()).await;
    window.fill("project-provision", "echo ready > ready.txt").await;
    window.picture(&place, "1-project.png").await;
    window.click("project-save").await;
    window.click("project-settings").await;
    window.select("[data-testid=project-save]:not([disabled])").await;
    window.picture(&place, "2-settings.png").await;
    let project =
        call(&window, "projects.list", json!({ "companyId": company["id"] })).await[0]["id"].clone();
    let kept = call(&window, "projects.get", json!({ "id": project })).await;
    assert_eq!(kept["primaryWorkspace"]["cwd"], repo.to_str().unwrap());

    let script = "sed -i s/two/2/ a.txt; echo new > new.txt";
    let agent = json!({ "companyId": company["id"], "name": "Ada", "adapterType": "process",
        "adapterConfig": { "command": "/bin/sh", "args": ["-c", script] } });
    let agent = call(&window, "agents.create", agent).await["id"].clone();
    let issue = json!({ "companyId": company["id"], "title": "Change it", "status": "todo",
        "assigneeAgentId": agent, "projectId": project });
    let issue = call(&window, "issues.create", issue).await;
    window.lead(&format!("/{}/issues/{}", text(&company["issuePrefix"]), text(&issue["identifier"]))).await;
    window.find("workspace-facts").await;
    window.select("[data-testid=changed-file][data-path='new.txt']").await;
    window.click_on("[data-testid=changed-file][data-path='a.txt'] button").await;
    assert_eq!(window.select(".diff .diff-line.removed").await.text().await.unwrap(), "-two");
    assert_eq!(window.select(".diff .diff-line.added").await.text().await.unwrap(), "+2");
    window.find("workspace-disk").await;
    window.click("workspace-steps").await;
    window.picture(&place, "3-workspace.png").await;

    // The run may come again; it is over once the operator closes the issue.
    call(&window, "issues.update", json!({ "id": issue["id"], "status": "done" })).await;
    window.click("workspace-close").await;
    window.select("[data-testid=close-readiness][data-state=ready_with_warnings]").await;
    window.picture(&place, "4-close.png").await;
    window.click("workspace-close-confirm").await;
    window.find("trashed-workspace").await;
    window.picture(&place, "5-closed.png").await;
    window.click("trash-restore").await;
    window.select("[data-testid=changed-file][data-path='new.txt']").await;
    window.picture(&place, "6-back.png").await;
    window.close().await;
}
