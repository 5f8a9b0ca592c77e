//! The real Claude Code, headless, works an issue: its model is a server of this test's own on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use support::client::Client;
use support::company::{Company, text};
use support::model::{Model, Turn};
use support::program::Headless;
use support::{Place, cli, processes};

const PATIENCE: Duration = Duration::from_secs(60);
const KEY: &str = "test-key-that-opens-nothing";

/// Where the test command has installed it.
fn claude() -> PathBuf {
    let path = std::env::var_os("PAPERCLIP_TEST_CLAUDE")
        .map(PathBuf::from)
        .expect("PAPERCLIP_TEST_CLAUDE names the executable; `cargo xtask test` installs it and sets this");
    assert!(path.is_file(), "{} is missing", path.display());
    path
}

/// What an agent does over the HTTP door, written with the command line instead of a web client: it claims the
/// issue, says what it did and finishes it.
fn work() -> String {
    let cli = cli().display().to_string();
    format!(
        "set -e; P='{cli}'; I=\"$PAPERCLIP_TASK_ID\"; \
         \"$P\" issues checkout \"$I\" --agent-id \"$PAPERCLIP_AGENT_ID\" \
         --expected-statuses todo,in_progress,done,backlog,blocked,in_review >/dev/null; \
         \"$P\" comments add \"$I\" --body 'Counted the sheep: 12.' >/dev/null; \
         \"$P\" issues update \"$I\" --status done >/dev/null; echo worked"
    )
}

#[tokio::test]
async fn claude_code_works_an_issue_and_takes_up_its_session_again() {
    let place = Place::new("claude-code");
    let model = Model::start(|asked| {
        if asked.answers_a_tool() { Turn::Text("The sheep are counted.".into()) } else { Turn::Shell(work()) }
    })
    .await;
    let program = Headless::start(&place);
    let client = program.client();
    let config = json!({
        "command": claude(),
        "cwd": place.work(),
        "dangerouslySkipPermissions": true,
        "env": {
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": KEY,
            // Whatever would still phone home finds nobody there.
            "HTTPS_PROXY": model.url,
            "NO_PROXY": "127.0.0.1,localhost",
        },
    });
    let company = Company::found(&client, "claude_local", config).await;
    let issue = company.issue(&client, "Count the sheep").await;
    let id = text(&issue["id"]);
    let path = format!("/api/issues/{id}");

    let first = finished(&client, &place, &company, 1).await;
    assert_eq!(first["status"], "succeeded", "{first:#}");
    client.until(&path, PATIENCE, |i| i["status"] == "done").await;
    let comments = client.get(&format!("{path}/comments")).await;
    let comment = &comments.as_array().unwrap()[0];
    assert_eq!(comment["body"], "Counted the sheep: 12.");
    assert_eq!(comment["authorAgentId"], json!(company.agent), "the agent spoke for itself");
    let session = text(&first["sessionIdAfter"]);

    let page = client.get(&format!("/api/heartbeat-runs/{}/transcript?fromLine=0", text(&first["id"]))).await;
    let entries = page["entries"].as_array().unwrap();
    let of = |kind: &str| entries.iter().filter(|e| e["kind"] == kind).cloned().collect::<Vec<Value>>();
    assert_eq!(of("init")[0]["sessionId"], json!(session));
    assert_eq!(of("tool_call")[0]["name"], "Bash");
    assert!(text(&of("tool_result")[0]["content"]).contains("worked"), "{entries:#?}");
    assert_eq!(of("tool_result")[0]["isError"], false);
    assert!(of("assistant").iter().any(|e| e["text"] == "The sheep are counted."));
    assert!(of("result")[0]["outputTokens"].as_i64().unwrap() > 0);

    let asked = model.asked();
    assert!(asked.iter().all(|a| a.key.as_deref() == Some(KEY)));
    assert!(asked[0].prompt().contains("Count the sheep"), "the agent is told of its issue");
    assert_no_secret(&client, &first, &program.token).await;

    // A word of the operator's wakes the agent, and it remembers.
    let before = asked.len();
    client
        .post(
            &format!("{path}/comments"),
            json!({ "body": "One was hiding. Count again, please.", "reopen": true }),
        )
        .await;
    let second = finished(&client, &place, &company, 2).await;
    assert_eq!(second["status"], "succeeded", "{second:#}");
    assert_eq!(second["sessionIdBefore"], json!(session));
    assert_eq!(second["sessionIdAfter"], json!(session));
    let asked = model.asked();
    assert!(asked[before].turns_before() > 0, "the conversation goes on");
    assert!(asked[before].prompt().contains("One was hiding"), "{}", asked[before].prompt());
    client.until(&path, PATIENCE, |i| i["status"] == "done").await;

    processes::assert_none_left(place.path(), &[program.ready.pid], PATIENCE).await;
}

/// The newest run, once there are so many and none is live. What it did is kept with the test's artifacts.
async fn finished(client: &Client, place: &Place, company: &Company, count: usize) -> Value {
    let runs = client
        .until(&company.runs(), PATIENCE, |runs| {
            runs.as_array().is_some_and(|r| r.len() >= count && r.iter().all(|r| !r["finishedAt"].is_null()))
        })
        .await;
    let path = format!("/api/heartbeat-runs/{}", text(&runs[0]["id"]));
    let run = client.get(&path).await;
    let page = client.get(&format!("{path}/transcript?fromLine=0")).await;
    std::fs::write(place.artifact(&format!("run-{count}.json")), format!("{run:#}\n{page:#}")).unwrap();
    run
}

/// Neither the run, nor its events, nor its log show a secret.
async fn assert_no_secret(client: &Client, run: &Value, token: &str) {
    let id = text(&run["id"]);
    for path in ["", "/events", "/log"] {
        let shown = client.get(&format!("/api/heartbeat-runs/{id}{path}")).await.to_string();
        assert!(!shown.contains(KEY), "{path} shows the model's key");
        assert!(!shown.contains(token), "{path} shows the operator's token");
    }
}
