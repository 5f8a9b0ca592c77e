//! The demo agent, started by a real host, against a small HTTP server that keeps one issue.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use contract::transcript::EntryBody;
use contract::{AgentId, CompanyId, JsonObject, Timestamp};
use runner::adapter::{Conclusion, Outcome, PromptParts, RunContext, adapters};
use runner::host::LaunchSpec;
use serde_json::{Value, json};
use support::*;

const ISSUE: &str = "00000000-0000-7000-8000-000000000001";

/// The part of the control plane that the demo agent needs.
#[derive(Default)]
struct Plane {
    calls: Vec<String>,
    bodies: Vec<(String, Value)>,
    document: Option<(u32, String)>,
    card: Option<Value>,
    status: String,
    held: bool,
    /// Answers 503 so many times first.
    away: u32,
    stale: u32,
}

impl Plane {
    fn answer(&mut self, me: &str, call: &str, body: &Value) -> (u16, Value) {
        let issue = format!("/api/issues/{ISSUE}");
        match call.replace(&issue, "ISSUE").as_str() {
            "GET /api/agents/me" => (200, json!({ "id": me, "name": "Ada" })),
            "GET /api/agents/me/inbox-lite" => {
                (200, json!([{ "id": ISSUE, "status": "todo", "dependencyReady": true, "activeRun": null }]))
            }
            "GET ISSUE/heartbeat-context" => {
                let issue = json!({
                    "id": ISSUE, "title": "Say hello", "description": "In two languages.",
                    "status": self.status, "workMode": "standard",
                });
                (200, json!({ "issue": issue }))
            }
            "POST ISSUE/checkout" if self.held => (409, json!({ "error": "held" })),
            "POST ISSUE/checkout" => {
                self.status = "in_progress".into();
                (200, json!({ "id": ISSUE }))
            }
            "GET ISSUE/interactions" => (200, self.card.iter().cloned().collect()),
            "POST ISSUE/interactions" => {
                let mut card = body.clone();
                card["status"] = "pending".into();
                card["createdByAgentId"] = me.into();
                self.card = Some(card.clone());
                (201, card)
            }
            "POST ISSUE/comments" => (201, json!({ "id": "c" })),
            "GET ISSUE/documents" => {
                let all = self.document.iter().map(|(revision, body)| {
                    json!({ "key": "notes", "latestRevisionId": format!("r{revision}"), "body": body })
                });
                (200, all.collect())
            }
            "PUT ISSUE/documents/notes" => {
                let revision = self.document.as_ref().map_or(0, |d| d.0);
                let base = self.document.as_ref().map(|d| format!("r{}", d.0));
                if self.stale > 0 || body["baseRevisionId"].as_str() != base.as_deref() {
                    self.stale = self.stale.saturating_sub(1);
                    return (409, json!({ "error": "stale" }));
                }
                self.document = Some((revision + 1, body["body"].as_str().unwrap().to_owned()));
                (200, json!({}))
            }
            "PATCH ISSUE" => {
                self.status = body["status"].as_str().unwrap().to_owned();
                (200, json!({}))
            }
            other => (404, json!({ "error": format!("no such route: {other}") })),
        }
    }
}

struct Server {
    url: String,
    plane: Arc<Mutex<Plane>>,
}

fn serve(agent: AgentId, token: &'static str, run: String) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let plane = Arc::new(Mutex::new(Plane { status: "todo".into(), ..Plane::default() }));
    let shared = plane.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let header = |name: &str| {
                let found = head
                    .iter()
                    .filter_map(|l| l.split_once(": "))
                    .find(|(n, _)| n.eq_ignore_ascii_case(name));
                found.map(|(_, v)| v.to_owned()).unwrap_or_default()
            };
            let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let call: Vec<&str> = head[0].split(' ').take(2).collect();
            let call = call.join(" ");
            let mut plane = shared.lock().unwrap();
            let (status, answer) = if header("authorization") != format!("Bearer {token}")
                || header("x-paperclip-run-id") != run
            {
                (401, json!({ "error": "who are you?" }))
            } else if plane.away > 0 {
                plane.away -= 1;
                (503, Value::Null)
            } else {
                plane.calls.push(call.clone());
                plane.bodies.push((call.clone(), body.clone()));
                plane.answer(&agent.to_string(), &call, &body)
            };
            drop(plane);
            let text = answer.to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            );
        }
    });
    Server { url, plane }
}

const TOKEN: &str = "run-token-of-the-demo";

fn context(place: &Place, agent: AgentId, url: &str, config: Value) -> RunContext {
    let Value::Object(config) = config else { panic!() };
    RunContext {
        run_id: place.run_id,
        agent_id: agent,
        agent_name: "Ada".into(),
        company_id: CompanyId(uuid::Uuid::new_v4()),
        config,
        session: None,
        prompt: PromptParts::default(),
        env: BTreeMap::from([
            ("PAPERCLIP_TASK_ID".into(), ISSUE.into()),
            ("PAPERCLIP_WAKE_REASON".into(), "issue_assigned".into()),
        ]),
        env_overlay: BTreeMap::new(),
        run_token: Some(TOKEN.into()),
        api_url: url.into(),
        workspace_cwd: None,
        agent_home: place.data().join("agents/ada"),
        bundle_root: place.data().join("bundles"),
        instructions: None,
        skills: Vec::new(),
        demo_agent: launcher().demo_agent(),
        secrets: Vec::new(),
    }
}

/// What a run is started with: what of the data folder is its own is what the program gives it.
fn of(place: &Place, run: &RunContext) -> LaunchSpec {
    let mut spec = place.shell("");
    spec.own.push(run.agent_home.clone());
    spec.shared.push(run.bundle_root.clone());
    spec
}

/// One run of the demo agent, from settings to conclusion.
async fn heartbeat(place: &Place, run: &RunContext) -> (Conclusion, Vec<EntryBody>) {
    let adapter = adapters().get("demo").unwrap();
    let invocation = adapter.prepare(run).unwrap();
    let carry: JsonObject = invocation.carry.clone();
    let mut spec = of(place, run);
    spec.invocation = invocation;
    let before = place.log().total_lines().unwrap();
    let exit = support::run(spec).await;
    let mut parser = adapter.parser();
    let lines = place.log().read_lines(before, usize::MAX).unwrap();
    let entries = lines.iter().flat_map(|line| parser.line(line)).collect();
    (adapter.conclude(&carry, parser.parsed(), &exit, Timestamp::from_millis(0)), entries)
}

fn place_and_server() -> (Place, AgentId, Server) {
    let (place, agent) = (Place::new(), AgentId(uuid::Uuid::new_v4()));
    let server = serve(agent, TOKEN, place.run_id.to_string());
    (place, agent, server)
}

#[tokio::test]
async fn it_takes_an_issue_through_checkout_question_answer_and_done() {
    let (place, agent, server) = place_and_server();
    let run = context(&place, agent, &server.url, json!({ "pace": 0 }));
    let (first, entries) = heartbeat(&place, &run).await;
    assert_eq!(first.outcome, Outcome::Succeeded, "{first:?}");
    assert!(matches!(entries[0], EntryBody::Init { .. }));
    let calls = entries.iter().filter(|e| matches!(e, EntryBody::ToolCall { .. })).count();
    let results = entries.iter().filter(|e| matches!(e, EntryBody::ToolResult { .. })).count();
    assert!(calls >= 8 && calls == results, "{entries:?}");
    let failed = entries.iter().any(|e| matches!(e, EntryBody::ToolResult { is_error: true, .. }));
    assert!(!failed, "a first transcript should not look broken: {entries:?}");
    {
        let mut plane = server.plane.lock().unwrap();
        assert_eq!(plane.status, "in_progress", "it ends its turn without closing the issue");
        // What it asked is what the contract takes.
        let asked =
            plane.bodies.iter().find(|(call, _)| call.ends_with("/interactions") && call.starts_with("POST"));
        let mut asked = asked.unwrap().1.clone();
        asked["id"] = ISSUE.into();
        let card: contract::interaction::CreateInteraction = serde_json::from_value(asked).unwrap();
        let questions: contract::interaction::Questions =
            serde_json::from_value(Value::Object(card.payload)).unwrap();
        assert_eq!(questions.questions.len(), 1);
        for (call, body) in plane.bodies.iter().filter(|(call, _)| call.starts_with("PUT")) {
            let mut edit = body.clone();
            edit["id"] = ISSUE.into();
            edit["key"] = call.rsplit('/').next().unwrap().into();
            let base = edit.as_object_mut().unwrap().remove("baseRevisionId");
            assert_eq!(base, None, "the document is new");
            serde_json::from_value::<contract::document::PutDocument>(edit).unwrap();
        }
        // The operator answers.
        let card = plane.card.as_mut().unwrap();
        card["status"] = "answered".into();
        card["result"] = json!({ "answers": [{ "questionId": "depth", "optionIds": ["thorough"] }] });
        plane.calls.clear();
    }
    let (second, _) = heartbeat(&place, &run).await;
    assert_eq!(second.outcome, Outcome::Succeeded, "{second:?}");
    let plane = server.plane.lock().unwrap();
    assert_eq!(plane.status, "done");
    let (revision, body) = plane.document.clone().unwrap();
    assert_eq!(revision, 2);
    assert!(body.contains("Thorough"), "{body}");
    assert!(
        !plane.calls.iter().any(|c| c.starts_with("POST") && c.ends_with("/interactions")),
        "it asks once"
    );
    assert!(!place.text().contains(TOKEN));
}

#[tokio::test]
async fn without_a_question_it_finishes_at_once_and_survives_a_stale_revision() {
    let (place, agent, server) = place_and_server();
    server.plane.lock().unwrap().stale = 1;
    let run = context(&place, agent, &server.url, json!({ "pace": 0, "askQuestion": false }));
    assert_eq!(heartbeat(&place, &run).await.0.outcome, Outcome::Succeeded);
    assert_eq!(server.plane.lock().unwrap().status, "done");
}

#[tokio::test]
async fn it_leaves_an_issue_that_another_run_holds_and_waits_for_an_open_answer() {
    let (place, agent, server) = place_and_server();
    server.plane.lock().unwrap().held = true;
    let run = context(&place, agent, &server.url, json!({ "pace": 0 }));
    let (conclusion, _) = heartbeat(&place, &run).await;
    assert_eq!(conclusion.outcome, Outcome::Succeeded);
    assert!(conclusion.summary.unwrap().contains("Somebody else"));

    server.plane.lock().unwrap().held = false;
    heartbeat(&place, &run).await;
    let writes = |plane: &Plane| plane.calls.iter().filter(|c| !c.starts_with("GET")).count();
    let before = writes(&server.plane.lock().unwrap());
    let (conclusion, _) = heartbeat(&place, &run).await;
    assert!(conclusion.summary.unwrap().contains("waits for an answer"));
    assert_eq!(writes(&server.plane.lock().unwrap()), before + 1, "only the checkout");
}

#[tokio::test]
async fn it_waits_for_a_program_that_is_away_and_fails_with_the_reason_on_a_bad_token() {
    let (place, agent, server) = place_and_server();
    server.plane.lock().unwrap().away = 3;
    let mut run = context(&place, agent, &server.url, json!({ "pace": 0, "askQuestion": false }));
    assert_eq!(heartbeat(&place, &run).await.0.outcome, Outcome::Succeeded);
    run.run_token = Some("another-token".into());
    let (conclusion, _) = heartbeat(&place, &run).await;
    assert_eq!(conclusion.outcome, Outcome::Failed);
    assert!(conclusion.error.unwrap().contains("401: who are you?"));
}

#[tokio::test]
async fn the_process_adapter_runs_true_and_reports_false() {
    let place = Place::new();
    let agent = AgentId(uuid::Uuid::new_v4());
    let adapter = adapters().get("process").unwrap();
    for (command, outcome, error) in
        [("true", Outcome::Succeeded, None), ("false", Outcome::Failed, Some("Process exited with code 1"))]
    {
        let run = context(&place, agent, "http://127.0.0.1:1", json!({ "command": command }));
        let mut spec = of(&place, &run);
        spec.invocation = adapter.prepare(&run).unwrap();
        let exit = support::run(spec).await;
        let conclusion =
            adapter.conclude(&JsonObject::new(), adapter.parser().parsed(), &exit, Timestamp::from_millis(0));
        assert_eq!((conclusion.outcome, conclusion.error.as_deref()), (outcome, error));
    }
}
