//! The HTTP door and the WebSocket, called by a real client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod door;

use contract::operations::ALL;
use contract::{Access, Method};
use door::{Door, example};
use engine::{Config, Engine};
use futures_util::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::ServerConfig;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

#[tokio::test]
async fn nothing_but_the_health_is_told_without_a_token_and_a_bad_token_is_401_everywhere() {
    let d = Door::open().await;
    for op in ALL {
        let path = example(op.path);
        let (status, body) = d.send(op.method.as_str(), &path, None, None).await;
        if op.access == Access::Public {
            assert_eq!(status, StatusCode::OK, "{}", op.name);
        } else {
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{} {body}", op.name);
            assert!(body["hint"].is_string(), "{}: {body}", op.name);
        }
        for bad in ["nonsense", "pcp_000000", "pcp_board_0", "pcp_run_1", ""] {
            let (status, _) = d.send(op.method.as_str(), &path, Some(bad), None).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{} with {bad:?}", op.name);
        }
    }
}

#[tokio::test]
async fn agents_are_refused_what_is_the_boards_and_reach_no_other_company() {
    let d = Door::open().await;
    let (one, two) = (d.company("One").await, d.company("Two").await);
    let (agent, key) = d.agent(&one, "Ada").await;
    for op in ALL.iter().filter(|o| o.access == Access::Board) {
        let (status, body) = d.send(op.method.as_str(), &example(op.path), Some(&key), None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{} {body}", op.name);
    }
    let issue =
        d.ok("POST", &format!("/api/companies/{two}/issues"), Some(json!({ "title": "Secret" }))).await;
    let id = issue["id"].as_str().unwrap();
    for path in [
        format!("/api/companies/{two}/issues"),
        format!("/api/companies/{two}/agents"),
        format!("/api/companies/{two}/search?q=secret"),
        format!("/api/issues/{id}"),
        format!("/api/issues/{}", issue["identifier"].as_str().unwrap()),
        format!("/api/issues/{id}/comments"),
    ] {
        let (status, body) = d.send("GET", &path, Some(&key), None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {body}");
    }
    let (status, me) = d.send("GET", "/api/agents/me", Some(&key), None).await;
    assert_eq!((status, me["id"].as_str()), (StatusCode::OK, Some(agent.as_str())));
    assert_eq!(me["adapterConfig"]["env"]["API_KEY"], "***REDACTED***");
    d.ok(
        "DELETE",
        &format!(
            "/api/agents/{agent}/keys/{}",
            d.ok("GET", &format!("/api/agents/{agent}/keys"), None).await[0]["id"].as_str().unwrap()
        ),
        None,
    )
    .await;
    assert_eq!(
        d.send("GET", "/api/agents/me", Some(&key), None).await.0,
        StatusCode::UNAUTHORIZED,
        "revoked"
    );
}

#[tokio::test]
async fn a_web_page_and_a_rebound_name_get_nothing() {
    let d = Door::open().await;
    for (name, value) in [
        ("host", "evil.example"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let r = d.client.get(format!("{}/api/companies", d.url)).bearer_auth(&d.operator).header(name, value);
        let r = r.send().await.unwrap();
        assert_eq!(r.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        assert_eq!(r.json::<Value>().await.unwrap()["code"], "foreign_origin");
    }
}

#[tokio::test]
async fn bad_input_is_named_and_changes_nothing() {
    let d = Door::open().await;
    let c = d.company("Acme").await;
    let issues = format!("/api/companies/{c}/issues");
    let long = "x".repeat(501);
    for (body, word) in [
        (json!({}), "title"),
        (json!({ "title": "  " }), "title"),
        (json!({ "title": long }), "too long: 501"),
        (json!({ "title": "T", "titel": "U" }), "titel"),
        (json!({ "title": "T", "status": "finished" }), "status"),
        (json!({ "title": 7 }), "title"),
        (json!({ "title": "T", "assigneeAgentId": 7 }), "assigneeAgentId"),
    ] {
        let (status, e) = d.send("POST", &issues, Some(&d.operator), Some(body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{e}");
        assert!(e["error"].as_str().unwrap().contains(word), "{e} should name {word}");
        assert_eq!(e["code"], "validation_error");
    }
    for raw in ["{", "[]", "\"x\"", "{\"title\": \"\\ud800\"}"] {
        let r = d
            .client
            .post(format!("{}{issues}", d.url))
            .bearer_auth(&d.operator)
            .body(raw)
            .send()
            .await
            .unwrap();
        assert_eq!(r.status(), StatusCode::BAD_REQUEST, "{raw}");
    }
    let huge = format!("{{\"title\": \"{}\"}}", "x".repeat(11 << 20));
    let r =
        d.client.post(format!("{}{issues}", d.url)).bearer_auth(&d.operator).body(huge).send().await.unwrap();
    assert_eq!(r.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(d.ok("GET", &issues, None).await, json!([]));
    // A name that is not UTF-8, an address that is none, a query that cannot be read.
    for path in ["/api/issues/%ff", "/api/companies/%ff/issues", "/api/companies/acme/issues"] {
        let (status, e) = d.send("GET", path, Some(&d.operator), None).await;
        assert_eq!(
            (status, &e["code"]),
            (StatusCode::BAD_REQUEST, &json!("validation_error")),
            "{path}: {e}"
        );
        assert!(e["hint"].is_string(), "{path}: {e}");
        assert_eq!(d.send("GET", path, None, None).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    let (status, e) = d.send("GET", &format!("{issues}?limit=many"), Some(&d.operator), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{e}");
    let (status, e) = d.send("GET", "/api/no/such/thing", Some(&d.operator), None).await;
    assert_eq!((status, e["error"].as_str()), (StatusCode::NOT_FOUND, Some("API route not found")));
}

#[tokio::test]
async fn an_issue_goes_through_its_life() {
    let d = Door::open().await;
    let c = d.company("Paperclip").await;
    let (ada, ada_key) = d.agent(&c, "Ada").await;
    let (bob, bob_key) = d.agent(&c, "Bob").await;
    let issues = format!("/api/companies/{c}/issues");
    let nobody = json!({ "title": "Fix the login", "assigneeAgentId": "eve" });
    let (status, e) = d.send("POST", &issues, Some(&d.operator), Some(nobody)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{e}");
    let body = json!({ "title": "Fix the login", "assigneeAgentId": "ada", "priority": "high" });
    let issue = d.ok("POST", &issues, Some(body)).await;
    assert_eq!(issue["assigneeAgentId"].as_str(), Some(&*ada), "by its name as well as by its id");
    assert_eq!((issue["identifier"].as_str(), issue["status"].as_str()), (Some("PAP-1"), Some("todo")));
    let wakes = d.ok("GET", &format!("/api/companies/{c}/wakeup-requests"), None).await;
    assert_eq!(wakes[0]["status"], "skipped", "the wake leaves a row that says why it came to nothing");
    assert_eq!(wakes[0]["reason"], "heartbeat.wakeOnDemand.disabled");

    let checkout = json!({ "agentId": ada, "expectedStatuses": ["todo"] });
    let (status, e) =
        d.send("POST", "/api/issues/PAP-1/checkout", Some(&ada_key), Some(checkout.clone())).await;
    assert_eq!((status, e["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("run_id_required")));
    let (status, e) = d.send("POST", "/api/issues/pap-1/checkout", Some(&bob_key), Some(checkout)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{e}");
    let (status, e) =
        d.send("PATCH", "/api/issues/PAP-1", Some(&bob_key), Some(json!({ "status": "done" }))).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{e}");
    let (status, e) =
        d.send("PATCH", "/api/issues/PAP-1", Some(&ada_key), Some(json!({ "status": "in_review" }))).await;
    assert_eq!(
        (status, e["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("invalid_issue_disposition"))
    );

    let blocker =
        d.ok("POST", &format!("/api/companies/{c}/issues"), Some(json!({ "title": "See PAP-1" }))).await;
    let b = blocker["id"].as_str().unwrap();
    d.ok("PATCH", "/api/issues/PAP-1", Some(json!({ "blockedByIssueIds": [b] }))).await;
    let (status, e) = d
        .send(
            "PATCH",
            "/api/issues/PAP-2",
            Some(&d.operator),
            Some(json!({ "blockedByIssueIds": [issue["id"]] })),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = e["error"].as_str().unwrap();
    assert!(said.contains("PAP-1") && said.contains("PAP-2"), "the way round is shown: {e}");
    let (status, e) = d
        .send("PATCH", "/api/issues/PAP-1", Some(&d.operator), Some(json!({ "status": "in_progress" })))
        .await;
    assert_eq!(
        (status, e["details"]["unresolvedBlockerIssueIds"][0].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some(b))
    );

    let detail = d.ok("GET", "/api/issues/PAP-1", None).await;
    assert_eq!(detail["blockedBy"][0]["identifier"], "PAP-2");
    assert_eq!(detail["relatedWork"]["inbound"][0]["issue"]["identifier"], "PAP-2");
    d.ok("PATCH", "/api/issues/PAP-1", Some(json!({ "status": "done", "comment": "Done by hand" }))).await;
    let comments = d.ok("GET", "/api/issues/PAP-1/comments", None).await;
    assert_eq!(comments[0]["body"], "Done by hand");
    let again = d.ok("POST", "/api/issues/PAP-1/comments", Some(json!({ "body": "Not quite, @Bob" }))).await;
    assert_eq!(again["authorType"], "user");
    assert_eq!(d.ok("GET", "/api/issues/PAP-1", None).await["status"], "done", "blockers keep it closed");
    let wakes = d.ok("GET", &format!("/api/companies/{c}/wakeup-requests?agentId={bob}"), None).await;
    assert_eq!(wakes[0]["payload"]["commentId"], again["id"], "a mention asks the one who was mentioned");
}

#[tokio::test]
async fn documents_refuse_an_edit_of_an_old_revision_and_restore() {
    let d = Door::open().await;
    let c = d.company("Acme").await;
    d.ok("POST", &format!("/api/companies/{c}/issues"), Some(json!({ "title": "T" }))).await;
    let put = |body: &str, base: Value| json!({ "format": "markdown", "body": body, "baseRevisionId": base });
    let path = "/api/issues/ACM-1/documents/plan";
    let one = d.ok("PUT", path, Some(put("first", Value::Null))).await;
    let two = d.ok("PUT", path, Some(put("second", one["latestRevisionId"].clone()))).await;
    let (status, e) =
        d.send("PUT", path, Some(&d.operator), Some(put("lost", one["latestRevisionId"].clone()))).await;
    assert_eq!(
        (status, e["details"]["latestRevisionId"].as_str()),
        (StatusCode::CONFLICT, two["latestRevisionId"].as_str())
    );
    let back = d
        .ok("POST", &format!("{path}/revisions/{}/restore", one["latestRevisionId"].as_str().unwrap()), None)
        .await;
    assert_eq!((back["body"].as_str(), back["latestRevisionNumber"].as_i64()), (Some("first"), Some(3)));
}

#[tokio::test]
async fn questions_are_answered_once() {
    let d = Door::open().await;
    let c = d.company("Acme").await;
    d.ok("POST", &format!("/api/companies/{c}/issues"), Some(json!({ "title": "T" }))).await;
    let card = json!({ "kind": "ask_user_questions", "idempotencyKey": "k", "payload": { "version": 1, "questions": [
        { "id": "q", "prompt": "Which?", "selectionMode": "single", "required": true,
          "options": [{ "id": "a", "label": "A" }, { "id": "b", "label": "B" }] }] } });
    let one = d.ok("POST", "/api/issues/ACM-1/interactions", Some(card.clone())).await;
    let same = d.ok("POST", "/api/issues/ACM-1/interactions", Some(card)).await;
    assert_eq!(one["id"], same["id"], "the same key is the same card");
    let path = format!("/api/issues/ACM-1/interactions/{}/respond", one["id"].as_str().unwrap());
    let answer = |option: &str| json!({ "answers": [{ "questionId": "q", "optionIds": [option] }] });
    assert_eq!(
        d.send("POST", &path, Some(&d.operator), Some(answer("z"))).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        d.send("POST", &path, Some(&d.operator), Some(json!({ "answers": [] }))).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(d.ok("POST", &path, Some(answer("b"))).await["status"], "answered");
    assert_eq!(d.send("POST", &path, Some(&d.operator), Some(answer("a"))).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn changes_stay_within_what_the_operations_declare() {
    let d = Door::open().await;
    let mut cursor = d.ok("GET", "/api/changes", None).await["cursor"].as_i64().unwrap();
    let c = d.company("Acme").await;
    let (agent, _) = d.agent(&c, "Ada").await;
    let calls = [
        (
            "issues.create",
            "POST",
            format!("/api/companies/{c}/issues"),
            json!({ "title": "T", "assigneeAgentId": agent }),
        ),
        (
            "issues.update",
            "PATCH",
            "/api/issues/ACM-1".to_owned(),
            json!({ "status": "blocked", "comment": "why" }),
        ),
        ("comments.add", "POST", "/api/issues/ACM-1/comments".to_owned(), json!({ "body": "@Ada look" })),
        (
            "documents.put",
            "PUT",
            "/api/issues/ACM-1/documents/plan".to_owned(),
            json!({ "format": "markdown", "body": "We ship." }),
        ),
        ("documents.lock", "POST", "/api/issues/ACM-1/documents/plan/lock".to_owned(), json!({})),
        ("documents.unlock", "POST", "/api/issues/ACM-1/documents/plan/unlock".to_owned(), json!({})),
        ("agents.pause", "POST", format!("/api/agents/{agent}/pause"), json!({})),
        (
            "labels.create",
            "POST",
            format!("/api/companies/{c}/labels"),
            json!({ "name": "bug", "color": "#ff0000" }),
        ),
        ("settings.patch", "PATCH", "/api/instance/settings/general".to_owned(), json!({ "theme": "dark" })),
        ("issues.read", "POST", "/api/issues/ACM-1/read".to_owned(), json!({})),
    ];
    cursor = d.ok("GET", &format!("/api/changes?after={cursor}"), None).await["cursor"].as_i64().unwrap();
    for (name, method, path, body) in calls {
        d.ok(method, &path, Some(body)).await;
        let page = d.ok("GET", &format!("/api/changes?after={cursor}"), None).await;
        let declared = ALL.iter().find(|o| o.name == name).unwrap().changes;
        let changes = page["changes"].as_array().unwrap();
        assert!(!changes.is_empty(), "{name} changes nothing");
        for change in changes {
            let kind = change["kind"].as_str().unwrap();
            assert!(declared.iter().any(|k| k.as_str() == kind), "{name} changes {kind} and does not say so");
        }
        cursor = page["cursor"].as_i64().unwrap();
    }
}

#[tokio::test]
async fn paperclips_client_annotates_a_document_as_it_is_used_to() {
    let d = Door::open().await;
    let c = d.company("Acme").await;
    let (agent, _) = d.agent(&c, "Ada").await;
    let issue = json!({ "title": "Plan it", "assigneeAgentId": agent });
    d.ok("POST", &format!("/api/companies/{c}/issues"), Some(issue)).await;
    let body = "# 🚀 Plan\r\n\r\nWe **ship** on Friday.\r\n";
    let text = json!({ "format": "markdown", "body": body });
    let document = d.ok("PUT", "/api/issues/ACM-1/documents/plan", Some(text)).await;
    let threads = "/api/issues/ACM-1/documents/plan/annotations";
    let create = json!({
        "baseRevisionId": document["latestRevisionId"], "baseRevisionNumber": 1,
        "selector": {
            "quote": { "exact": "ship on", "prefix": "🚀 Plan We ", "suffix": " Friday." },
            "position": { "normalizedStart": 11, "normalizedEnd": 18, "markdownStart": 18, "markdownEnd": 27 },
        },
        "body": "Why **then**?",
    });
    let cursor = d.ok("GET", "/api/changes", None).await["cursor"].clone();
    let (status, thread) = d.send("POST", threads, Some(&d.operator), Some(create.clone())).await;
    assert_eq!(status, StatusCode::CREATED, "{thread}");
    let page = d.ok("GET", &format!("/api/changes?after={cursor}"), None).await;
    let declared = ALL.iter().find(|o| o.name == "annotations.create").unwrap().changes;
    for change in page["changes"].as_array().unwrap() {
        let kind = change["kind"].as_str().unwrap();
        assert!(declared.iter().any(|k| k.as_str() == kind), "{kind} is not declared");
    }
    let told = json!({ "selectedText": "ship on", "prefixText": "🚀 Plan We ", "suffixText": " Friday.",
        "normalizedStart": 11, "normalizedEnd": 18, "markdownStart": 18, "markdownEnd": 27, "status": "open",
        "anchorState": "active", "anchorConfidence": "exact", "documentKey": "plan", "issueId": document["issueId"],
        "originalRevisionNumber": 1, "currentRevisionId": document["latestRevisionId"],
        "createdByAgentId": null, "resolvedAt": null });
    for (key, value) in told.as_object().unwrap() {
        assert_eq!(&thread[key], value, "{key} of {thread:#}");
    }
    assert_eq!(thread["comments"][0]["body"], "Why **then**?");
    let one = format!("{threads}/{}", thread["id"].as_str().unwrap());
    let reply = json!({ "body": "Because." });
    let (status, reply) = d.send("POST", &format!("{one}/comments"), Some(&d.operator), Some(reply)).await;
    assert_eq!((status, &reply["threadId"]), (StatusCode::CREATED, &thread["id"]));
    assert_eq!(d.ok("GET", &one, None).await["comments"].as_array().unwrap().len(), 2);
    assert_eq!(d.ok("PATCH", &one, Some(json!({ "status": "resolved" }))).await["status"], "resolved");
    assert_eq!(d.ok("GET", threads, None).await, json!([]));
    let all = d.ok("GET", &format!("{threads}?status=all&includeComments=true"), None).await;
    assert_eq!(all[0]["comments"][1]["id"], reply["id"]);

    let mut wrong = create;
    wrong["selector"]["quote"]["exact"] = "shop on".into();
    let (status, e) = d.send("POST", threads, Some(&d.operator), Some(wrong.clone())).await;
    assert_eq!(
        (status, &e["details"]["reason"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("quote_mismatch"))
    );
    let text =
        json!({ "format": "markdown", "body": "Else.", "baseRevisionId": document["latestRevisionId"] });
    let newest = d.ok("PUT", "/api/issues/ACM-1/documents/plan", Some(text)).await;
    let (status, e) = d.send("POST", threads, Some(&d.operator), Some(wrong)).await;
    assert_eq!((status, &e["code"]), (StatusCode::CONFLICT, &json!("stale_revision")));
    assert_eq!(e["details"]["latestRevisionId"], newest["latestRevisionId"]);
    let read = "/api/issues/ACM-1/documents/plan?includeAnnotations=true&includeAnnotationComments=true";
    assert_eq!(d.ok("GET", read, None).await["annotations"], json!([]));
}

#[tokio::test]
async fn the_websocket_tells_what_happens_and_lets_no_stranger_in() {
    let d = Door::open().await;
    let c = d.company("Acme").await;
    let (_, key) = d.agent(&c, "Ada").await;
    let other = d.company("Other").await;
    let url = format!("{}/api/companies/{c}/events/ws", d.url.replacen("http", "ws", 1));
    let refused =
        async |request: tungstenite::handshake::client::Request| match tokio_tungstenite::connect_async(
            request,
        )
        .await
        {
            Err(tungstenite::Error::Http(r)) => r.status().as_u16(),
            Err(e) => panic!("{e}"),
            Ok(_) => 101,
        };
    assert_eq!(refused(url.as_str().into_client_request().unwrap()).await, 401);
    assert_eq!(refused(format!("{url}?token=pcp_x").into_client_request().unwrap()).await, 401);
    let elsewhere = format!("{}?token={key}", url.replacen(&c, &other, 1));
    assert_eq!(refused(elsewhere.into_client_request().unwrap()).await, 403);
    let nowhere = format!("{}?token={key}", url.replacen(&c, "acme", 1));
    assert_eq!(refused(nowhere.into_client_request().unwrap()).await, 400);
    let (status, e) = d.send("GET", &format!("/api/companies/{c}/events/ws"), Some(&key), None).await;
    assert_eq!(
        (status, &e["code"]),
        (StatusCode::BAD_REQUEST, &json!("validation_error")),
        "no upgrade: {e}"
    );
    let mut page = format!("{url}?token={key}").into_client_request().unwrap();
    page.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(refused(page).await, 403);

    let (mut socket, _) = tokio_tungstenite::connect_async(format!("{url}?token={key}")).await.unwrap();
    d.ok("POST", &format!("/api/companies/{other}/issues"), Some(json!({ "title": "Elsewhere" }))).await;
    d.ok("POST", &format!("/api/companies/{c}/issues"), Some(json!({ "title": "Here" }))).await;
    let event = loop {
        let message =
            tokio::time::timeout(std::time::Duration::from_secs(20), socket.next()).await.unwrap().unwrap();
        if let tungstenite::Message::Text(t) = message.unwrap() {
            break serde_json::from_str::<Value>(&t).unwrap();
        }
    };
    assert_eq!(event["type"], "activity.logged");
    assert_eq!(event["payload"]["action"], "issue.created");
    assert_eq!(event["payload"]["details"]["issueTitle"], "Here");
    assert_eq!(event["companyId"].as_str(), Some(c.as_str()));
    socket.close(None).await.unwrap();
}

#[tokio::test]
async fn local_processes_are_trusted_only_when_the_setting_says_so() {
    let d = Door::open().await;
    assert_eq!(d.send("GET", "/api/companies", None, None).await.0, StatusCode::UNAUTHORIZED);
    d.ok("PATCH", "/api/instance/settings/general", Some(json!({ "trustLocalProcesses": true }))).await;
    assert_eq!(d.send("GET", "/api/companies", None, None).await.0, StatusCode::OK);
    assert_eq!(
        d.send("GET", "/api/companies", Some("pcp_bad"), None).await.0,
        StatusCode::UNAUTHORIZED,
        "a bad token is never trusted"
    );
}

#[tokio::test]
async fn a_second_engine_on_the_same_folder_and_a_taken_port_are_refused() {
    let d = Door::open().await;
    let config = Config::new(d.engine.paths().root().to_owned(), "x".into());
    let e = Engine::open(config).await.err().unwrap();
    assert!(e.to_string().contains("already uses") && e.hint().is_some(), "{e}");
    let dir = tempfile::tempdir().unwrap();
    let other = Engine::open(Config::new(dir.path().to_owned(), "x".into())).await.unwrap();
    let port = d.url.rsplit(':').next().unwrap().parse().unwrap();
    let e = server::serve(other, ServerConfig { port: Some(port) }).await.err().unwrap();
    assert!(matches!(e, server::ServerError::PortTaken(p) if p == port));
}

#[tokio::test]
async fn a_websocket_closes_when_its_key_is_revoked() {
    let d = Door::open().await;
    let c = d.company("Acme").await;
    let (ada, key) = d.agent(&c, "Ada").await;
    let url = format!("{}/api/companies/{c}/events/ws?token={key}", d.url.replacen("http", "ws", 1));
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let keys = d.ok("GET", &format!("/api/agents/{ada}/keys"), None).await;
    d.ok("DELETE", &format!("/api/agents/{ada}/keys/{}", keys[0]["id"].as_str().unwrap()), None).await;
    let code = loop {
        let message = tokio::time::timeout(std::time::Duration::from_secs(20), socket.next()).await.unwrap();
        match message {
            Some(Ok(tungstenite::Message::Close(frame))) => break frame.map(|f| u16::from(f.code)),
            Some(Ok(_)) => {}
            other => panic!("ended without a reason: {other:?}"),
        }
    };
    assert_eq!(code, Some(4401));
}

#[tokio::test]
async fn the_openapi_document_is_served() {
    let d = Door::open().await;
    for token in [None, Some("pcp_wrong")] {
        let (status, _) = d.send("GET", "/api/openapi.json", token, None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let (status, doc) = d.send("GET", "/api/openapi.json", Some(&d.operator), None).await;
    assert_eq!((status, doc["openapi"].as_str()), (StatusCode::OK, Some("3.1.0")));
    let count: usize = doc["paths"].as_object().unwrap().values().map(|p| p.as_object().unwrap().len()).sum();
    assert_eq!(count, ALL.len());
    assert!(ALL.iter().any(|o| o.method == Method::Get));
}
