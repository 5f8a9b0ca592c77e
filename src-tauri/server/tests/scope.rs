//! An agent's key opens nothing of another company, whatever is asked and however it is named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod door;

use contract::operations::ALL;
use contract::{Access, OperationInfo};
use door::Door;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// One of everything that a path can name.
struct Estate {
    company: String,
    agent: String,
    key: String,
    issue: Value,
    comment: String,
    revision: String,
    /// About the document's text.
    thread: String,
    label: String,
    goal: String,
    project: String,
    run: String,
    approval: String,
    attachment: String,
    product: String,
    /// Where the issue is worked on; there once its run was started.
    workspace: String,
    /// What was done there.
    operation: String,
    _code: tempfile::TempDir,
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}

impl Estate {
    async fn build(d: &Door, name: &str) -> Self {
        let company = d.company(name).await;
        let (agent, key) = d.agent(&company, "Ada").await;
        let at = |what: &str| format!("/api/companies/{company}/{what}");
        let awake = json!({ "runtimeConfig": { "heartbeat": { "wakeOnDemand": true } } });
        d.ok("PATCH", &format!("/api/agents/{agent}"), Some(awake)).await;
        let policy = json!({ "enabled": true, "defaultMode": "shared_workspace" });
        let project = json!({ "name": "Secret of the house", "executionWorkspacePolicy": policy });
        let project = id(&d.ok("POST", &at("projects"), Some(project)).await);
        let code = tempfile::tempdir().unwrap();
        let place = json!({ "name": "Secret of the house", "cwd": code.path() });
        d.ok("POST", &format!("/api/projects/{project}/workspaces"), Some(place)).await;
        let body = json!({ "title": "Secret of the house", "assigneeAgentId": agent, "projectId": project });
        let issue = d.ok("POST", &at("issues"), Some(body)).await;
        let of_issue = |what: &str| format!("/api/issues/{}/{what}", issue["id"].as_str().unwrap());
        let comment =
            d.ok("POST", &of_issue("comments"), Some(json!({ "body": "Secret of the house" }))).await;
        let text = json!({ "format": "markdown", "body": "Secret of the house" });
        let document = d.ok("PUT", &of_issue("documents/plan"), Some(text)).await;
        let thread = json!({ "baseRevisionId": document["latestRevisionId"], "baseRevisionNumber": 1,
            "range": { "markdownStart": 0, "markdownEnd": 6 }, "body": "Secret of the house" });
        let thread = d.ok("POST", &of_issue("documents/plan/annotations"), Some(thread)).await;
        let file = json!({ "path": "AGENTS.md", "content": "Secret of the house" });
        d.ok("PUT", &format!("/api/agents/{agent}/instructions-bundle/file"), Some(file)).await;
        let label = d.ok("POST", &at("labels"), Some(json!({ "name": "bug", "color": "#ff0000" }))).await;
        let goal = d.ok("POST", &at("goals"), Some(json!({ "title": "Secret of the house" }))).await;
        let asked =
            json!({ "type": "request_board_approval", "payload": { "title": "Secret of the house" } });
        let approval = d.ok("POST", &at("approvals"), Some(asked)).await;
        let file = json!({ "file": { "name": "secret.txt", "type": "text/plain", "content": "Secret of the house" } });
        let attachment = d.ok("POST", &at(&format!("issues/{}/attachments", id(&issue))), Some(file)).await;
        let product = json!({ "type": "branch", "provider": "custom", "title": "Secret of the house" });
        let product = d.ok("POST", &of_issue("work-products"), Some(product)).await;
        let runs = d.ok("GET", &at("heartbeat-runs"), None).await;
        Self {
            company,
            agent,
            key,
            comment: id(&comment),
            revision: document["latestRevisionId"].as_str().unwrap().to_owned(),
            thread: id(&thread),
            label: id(&label),
            goal: id(&goal),
            project,
            workspace: String::new(),
            operation: String::new(),
            _code: code,
            run: id(&runs[0]),
            approval: id(&approval),
            attachment: id(&attachment),
            product: id(&product),
            issue,
        }
    }

    /// Waits until the run has had its place.
    async fn worked_on(&mut self, d: &Door) {
        let path = format!("/api/companies/{}/execution-workspaces", self.company);
        for _ in 0..300 {
            let all = d.ok("GET", &path, None).await;
            if let Some(w) = all.as_array().unwrap().first() {
                self.workspace = id(w);
                let steps = format!("/api/execution-workspaces/{}/workspace-operations", self.workspace);
                self.operation = id(&d.ok("GET", &steps, None).await[0]);
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the run never had its place");
    }

    /// The operation's path, naming what is here.
    fn path(&self, op: &OperationInfo) -> String {
        let named = |segment: &str| -> String {
            match segment {
                "{companyId}" => self.company.clone(),
                "{issueId}" => id(&self.issue),
                "{runId}" => self.run.clone(),
                "{labelId}" => self.label.clone(),
                "{commentId}" => self.comment.clone(),
                "{revisionId}" => self.revision.clone(),
                "{threadId}" => self.thread.clone(),
                "{approvalId}" => self.approval.clone(),
                "{agentId}" => self.agent.clone(),
                // Only the board resolves incidents, so that no agent's request gets as far as to look for one.
                "{incidentId}" => self.approval.clone(),
                "{id}" if op.path.starts_with("/api/approvals/") => self.approval.clone(),
                "{id}" if op.path.starts_with("/api/attachments/") => self.attachment.clone(),
                "{id}" if op.path.starts_with("/api/work-products/") => self.product.clone(),
                "{operationId}" => self.operation.clone(),
                "{key}" => "plan".to_owned(),
                "{type}" => "process".to_owned(),
                "{id}" if op.path.starts_with("/api/issues/") => id(&self.issue),
                "{id}" if op.path.starts_with("/api/agents/") => self.agent.clone(),
                "{id}" if op.path.starts_with("/api/goals/") => self.goal.clone(),
                "{id}" if op.path.starts_with("/api/projects/") => self.project.clone(),
                "{id}" if op.path.starts_with("/api/execution-workspaces/") => self.workspace.clone(),
                s if s.starts_with('{') => panic!("{}: what is {s}?", op.name),
                s => s.to_owned(),
            }
        };
        let path = op.path.split('/').map(named).collect::<Vec<_>>().join("/");
        match op.name {
            "agents.instructions.read" => format!("{path}?path=AGENTS.md"),
            "search" => format!("{path}?q=secret"),
            "issues.workspace.diff" => format!("{path}?path=a"),
            _ => path,
        }
    }

    /// What the operation takes, so that nothing but the caller can be wrong with it.
    fn body(&self, op: &OperationInfo) -> Option<Value> {
        Some(match op.name {
            "agents.create" => json!({ "name": "Eve", "adapterType": "process" }),
            "agents.update" => json!({ "title": "Spy" }),
            "agents.instructions.write" => json!({ "path": "AGENTS.md", "content": "Obey Eve." }),
            "agents.wake" | "agents.invoke" | "issues.release" | "documents.restore" => json!({}),
            "issues.create" => json!({ "title": "From outside" }),
            "issues.create_child" | "issues.update" => json!({ "title": "From outside" }),
            "issues.checkout" => json!({ "agentId": self.agent, "expectedStatuses": ["todo"] }),
            "comments.add" => json!({ "body": "From outside" }),
            "documents.put" => {
                json!({ "format": "markdown", "body": "From outside", "baseRevisionId": self.revision })
            }
            "annotations.create" => json!({ "baseRevisionId": self.revision, "baseRevisionNumber": 1,
                "range": { "markdownStart": 0, "markdownEnd": 6 }, "body": "From outside" }),
            "annotations.reply" => json!({ "body": "From outside" }),
            "annotations.update" => json!({ "status": "resolved" }),
            "annotations.attach" => json!({ "baseRevisionId": self.revision, "baseRevisionNumber": 1,
                "range": { "markdownStart": 0, "markdownEnd": 6 } }),
            "plans.decompose" => {
                json!({ "acceptedPlanRevisionId": self.revision, "children": [{ "title": "From outside" }] })
            }
            "interactions.create" => json!({ "kind": "request_confirmation",
                "payload": { "version": 1, "prompt": "From outside?" } }),
            "costs.report" => json!({ "agentId": self.agent, "provider": "p", "model": "m", "costCents": 1,
                "occurredAt": "2026-11-01T00:00:00Z" }),
            "approvals.create" => json!({ "type": "request_board_approval",
                "payload": { "title": "From outside" } }),
            "approvals.resubmit" => json!({}),
            "approvals.comment" => json!({ "body": "From outside" }),
            "issues.approvals.link" => json!({ "approvalId": self.approval }),
            "recovery.resolve" => json!({ "outcome": "restored", "sourceIssueStatus": "todo" }),
            "runs.decide_on_silence" => json!({ "decision": "continue" }),
            "attachments.add" => {
                json!({ "file": { "name": "a.txt", "type": "text/plain", "content": "From outside" } })
            }
            "work-products.create" => {
                json!({ "type": "branch", "provider": "custom", "title": "From outside" })
            }
            "work-products.update" => json!({ "title": "From outside" }),
            "labels.create" => json!({ "name": "outside", "color": "#00ff00" }),
            "goals.create" => json!({ "title": "From outside" }),
            "projects.create" => json!({ "name": "From outside" }),
            "projects.update" => json!({ "description": "From outside" }),
            _ => return None,
        })
    }
}

fn scoped() -> impl Iterator<Item = &'static OperationInfo> {
    ALL.iter().filter(|o| o.access == Access::Company)
}

#[tokio::test]
async fn no_operation_of_a_company_answers_an_agent_of_another() {
    let d = Door::open().await;
    let (mut home, mut abroad) = (Estate::build(&d, "Home").await, Estate::build(&d, "Abroad").await);
    // Its runs are started and come to nothing, for no program hosts them; then everything stands still.
    d.engine.start().await.unwrap();
    home.worked_on(&d).await;
    abroad.worked_on(&d).await;
    d.ok("POST", "/api/instance/pause", None).await;
    let over = |r: &Value| !matches!(r["status"].as_str(), Some("queued" | "running" | "scheduled_retry"));
    for estate in [&home, &abroad] {
        let path = format!("/api/companies/{}/heartbeat-runs", estate.company);
        while !d.ok("GET", &path, None).await.as_array().unwrap().iter().all(over) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    let cursor = d.ok("GET", "/api/changes", None).await["cursor"].clone();
    for op in scoped() {
        let (path, body) = (abroad.path(op), abroad.body(op));
        let (status, answer) = d.send(op.method.as_str(), &path, Some(&home.key), body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{} {path}: {answer}", op.name);
        assert!(!answer.to_string().contains("Secret"), "{}: {answer}", op.name);
        // By its identifier, which anybody can guess.
        let guessed = path.replace(&id(&abroad.issue), abroad.issue["identifier"].as_str().unwrap());
        if guessed != path {
            let (status, answer) =
                d.send(op.method.as_str(), &guessed, Some(&home.key), abroad.body(op)).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{} {guessed}: {answer}", op.name);
        }
    }
    let page = d.ok("GET", &format!("/api/changes?after={cursor}"), None).await;
    assert_eq!(page["changes"], json!([]), "nothing changed");
    // It was the caller that was wrong, and nothing else: the same is understood when it comes from the operator.
    for op in scoped().filter(|o| o.name != "labels.delete") {
        let (status, answer) =
            d.send(op.method.as_str(), &abroad.path(op), Some(&d.operator), abroad.body(op)).await;
        let understood = status.is_success() || matches!(status.as_u16(), 409 | 422);
        assert!(understood, "{} {}: {status} {answer}", op.name, abroad.path(op));
    }
}

#[tokio::test]
async fn nothing_of_another_company_is_named_in_what_an_agent_writes_at_home() {
    let d = Door::open().await;
    let (home, abroad) = (Estate::build(&d, "Home").await, Estate::build(&d, "Abroad").await);
    let issues = format!("/api/companies/{}/issues", home.company);
    let own = format!("/api/issues/{}", id(&home.issue));
    let foreign = [
        json!({ "parentId": id(&abroad.issue) }),
        json!({ "projectId": abroad.project }),
        json!({ "goalId": abroad.goal }),
        json!({ "assigneeAgentId": abroad.agent }),
        json!({ "labelIds": [abroad.label] }),
        json!({ "blockedByIssueIds": [id(&abroad.issue)] }),
    ];
    for reference in &foreign {
        let mut body = reference.clone();
        body["title"] = "With a foreign part".into();
        for token in [&home.key, &d.operator] {
            let (status, answer) = d.send("POST", &issues, Some(token), Some(body.clone())).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "create with {reference}: {answer}");
        }
        let (status, answer) = d.send("PATCH", &own, Some(&d.operator), Some(reference.clone())).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "update with {reference}: {answer}");
    }
    let all = d.ok("GET", &issues, None).await;
    assert_eq!(all.as_array().unwrap().len(), 1, "nothing half-written is left: {all:#}");

    // Parts of another issue, asked for by way of one's own.
    for path in [
        format!("{own}/comments/{}", abroad.comment),
        format!("{own}/documents/plan/revisions/{}", abroad.revision),
        format!("{own}/documents/plan/annotations/{}", abroad.thread),
        format!("{own}/documents/plan/annotations/{}/anchors", abroad.thread),
        format!("/api/companies/{}/issues?projectId={}", home.company, abroad.project),
    ] {
        let (_, answer) = d.send("GET", &path, Some(&home.key), None).await;
        assert!(!answer.to_string().contains("Secret"), "{path}: {answer}");
    }
    let restore = format!("{own}/documents/plan/revisions/{}/restore", abroad.revision);
    let (status, answer) = d.send("POST", &restore, Some(&d.operator), Some(json!({}))).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    // A wake about an issue abroad is about nothing.
    let wake = json!({ "payload": { "issueId": id(&abroad.issue) } });
    let (_, answer) =
        d.send("POST", &format!("/api/agents/{}/wakeup", home.agent), Some(&home.key), Some(wake)).await;
    assert_ne!(answer["status"], "queued", "{answer}");
    // A key with the run of another agent.
    let r = d.client.get(format!("{}/api/agents/me", d.url)).bearer_auth(&home.key);
    let r = r.header("x-paperclip-run-id", &abroad.run).send().await.unwrap();
    assert_eq!(r.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn no_agent_comes_by_the_operators_token_through_settings_or_instructions() {
    let d = Door::open().await;
    let company = d.company("Home").await;
    let agents = format!("/api/companies/{company}/agents");
    let body = json!({ "name": "Ceo", "role": "ceo", "adapterType": "claude_local" });
    let hirer = id(&d.ok("POST", &agents, Some(body)).await);
    let key = d.ok("POST", &format!("/api/agents/{hirer}/keys"), Some(json!({}))).await;
    let key = key["token"].as_str().unwrap();
    let (token, root) = (d.engine.paths().operator_token(), d.engine.paths().root());

    // By hiring somebody whose instructions are the token, or who works in the data folder.
    let hire =
        |config: &Value| json!({ "name": "Eve", "adapterType": "claude_local", "adapterConfig": config });
    for config in [
        json!({ "instructionsFilePath": token }),
        json!({ "cwd": root.join("backups") }),
        json!({ "env": { "LOOK": root } }),
    ] {
        let (status, answer) = d.send("POST", &agents, Some(key), Some(hire(&config))).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{config}: {answer}");
    }
    let at = |agent: &str, what: &str| format!("/api/agents/{agent}/{what}");
    for config in [json!({ "instructionsFilePath": token }), json!({ "cwd": root.join("backups") })] {
        let (status, answer) = d.send("POST", &agents, Some(&d.operator), Some(hire(&config))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{config}: {answer}");
        let change = json!({ "adapterConfig": config });
        let path = format!("/api/agents/{hirer}");
        let (status, answer) = d.send("PATCH", &path, Some(&d.operator), Some(change)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{config}: {answer}");
    }

    // From somebody else's instructions, and from a folder of the board's choice that the data lies below.
    let hired = d.send("POST", &agents, Some(key), Some(hire(&json!({ "model": "m" })))).await;
    assert_eq!(hired.0, StatusCode::CREATED, "{}", hired.1);
    for what in ["instructions-bundle", "instructions-bundle/file?path=AGENTS.md"] {
        let (status, _) = d.send("GET", &at(&id(&hired.1), what), Some(key), None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
        let (status, _) = d.send("GET", &at(&hirer, what), Some(key), None).await;
        assert_eq!(status, StatusCode::OK, "{what}");
    }
    let file = |name: &str| at(&hirer, &format!("instructions-bundle/file?path={name}"));
    let above = json!({ "adapterConfig": { "instructionsFilePath": root.parent().unwrap().join("A.md") } });
    d.ok("PATCH", &format!("/api/agents/{hirer}"), Some(above)).await;
    let way = format!("{}/operator-token", root.file_name().unwrap().to_str().unwrap());
    let (status, answer) = d.send("GET", &file(&way), Some(key), None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    let own = json!({ "adapterConfig": { "instructionsFilePath": null } });
    d.ok("PATCH", &format!("/api/agents/{hirer}"), Some(own)).await;

    // By links that it left among its own.
    #[cfg(unix)]
    {
        let folder = d.engine.paths().instructions(hirer.parse().unwrap());
        std::fs::remove_file(folder.join("AGENTS.md")).unwrap();
        for name in ["AGENTS.md", "AGENTS.partial"] {
            std::os::unix::fs::symlink(&token, folder.join(name)).unwrap();
        }
        let (status, answer) = d.send("GET", &file("AGENTS.md"), Some(key), None).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        let text = json!({ "path": "AGENTS.md", "content": "mine" });
        let (status, answer) =
            d.send("PUT", &at(&hirer, "instructions-bundle/file"), Some(key), Some(text)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(std::fs::read_to_string(&token).unwrap().trim(), d.operator, "the token is what it was");
    }

    // How an issue is executed is the board's to say from its beginning.
    let issues = format!("/api/companies/{company}/issues");
    for part in ["assigneeAdapterOverrides", "executionWorkspaceSettings"] {
        let body = json!({ "title": "T", part: { "cwd": root } });
        let (status, answer) = d.send("POST", &issues, Some(key), Some(body)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{part}: {answer}");
    }
}

#[tokio::test]
async fn an_agent_sees_nothing_of_how_another_is_set_up() {
    let d = Door::open().await;
    let company = d.company("Home").await;
    let agents = format!("/api/companies/{company}/agents");
    let config = json!({ "command": "true", "env": { "DATABASE_URL": "postgres://u:pw@h/db", "API_KEY": "k-123456" } });
    let db = json!({ "name": "Db", "adapterType": "process", "adapterConfig": config, "runtimeConfig": { "x": 1 } });
    let db = id(&d.ok("POST", &agents, Some(db)).await);
    let mut keys = Vec::new();
    for (name, role) in [("Ada", "engineer"), ("Ceo", "ceo")] {
        let agent = json!({ "name": name, "role": role, "adapterType": "process" });
        let agent = id(&d.ok("POST", &agents, Some(agent)).await);
        let key = d.ok("POST", &format!("/api/agents/{agent}/keys"), Some(json!({}))).await;
        keys.push(key["token"].as_str().unwrap().to_owned());
    }
    let own = d.ok("POST", &format!("/api/agents/{db}/keys"), Some(json!({}))).await;
    for path in [agents.clone(), format!("/api/agents/{db}")] {
        let (_, seen) = d.send("GET", &path, Some(&keys[0]), None).await;
        assert!(!seen.to_string().contains("DATABASE_URL"), "{path}: {seen}");
        // Who hires sees how, and no value.
        let (_, seen) = d.send("GET", &path, Some(&keys[1]), None).await;
        assert!(
            seen.to_string().contains("DATABASE_URL") && !seen.to_string().contains("pw@h"),
            "{path}: {seen}"
        );
        let (_, seen) = d.send("GET", &path, own["token"].as_str(), None).await;
        assert!(
            seen.to_string().contains("pw@h") && !seen.to_string().contains("k-123456"),
            "{path}: {seen}"
        );
    }
}
