//! What becomes of wakes and runs in the whole program: queueing, waiting, stopping, and what an agent cannot reach.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::Place;
use support::client::Client;
use support::company::{Company, text};
use support::program::Headless;

const SOON: Duration = Duration::from_secs(30);

fn shell(script: &str) -> Value {
    json!({ "command": "/bin/sh", "args": ["-c", script] })
}

fn status_is(run: &Value, status: &str) -> bool {
    run["status"] == status
}

async fn run_until(client: &Client, company: &Company, status: &'static str) -> Value {
    client.until(&company.runs(), SOON, |runs| status_is(&runs[0], status)).await[0].clone()
}

async fn wakeups(client: &Client, company: &Company) -> Vec<Value> {
    client
        .get(&format!("/api/companies/{}/wakeup-requests?limit=500", company.id))
        .await
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_comment_during_a_run_waits_for_its_end_and_then_has_a_run_of_its_own() {
    let place = Place::new("runs-deferred");
    let program = Headless::start(&place);
    let client = program.client();
    let gate = place.work().join("go");
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    let company = Company::found(&client, "process", shell(&script)).await;
    let issue = company.issue(&client, "Wait for it").await;
    let path = format!("/api/issues/{}", text(&issue["identifier"]));
    run_until(&client, &company, "running").await;
    let held = client.get(&path).await;
    assert_eq!((&held["status"], held["checkoutRunId"].is_string()), (&json!("in_progress"), true));

    for body in ["first", "second"] {
        client.post(&format!("{path}/comments"), json!({ "body": body })).await;
    }
    let waiting: Vec<Value> = wakeups(&client, &company)
        .await
        .into_iter()
        .filter(|w| status_is(w, "deferred_issue_execution"))
        .collect();
    assert_eq!(waiting.len(), 1, "one wait, however many comments: {waiting:#?}");
    assert_eq!(client.get(&company.runs()).await.as_array().unwrap().len(), 1, "one run an issue");

    std::fs::write(&gate, "").unwrap();
    let runs = client
        .until(&company.runs(), SOON, |runs| {
            runs.as_array().unwrap().iter().filter(|r| status_is(r, "succeeded")).count() == 2
        })
        .await;
    let follow_up = client.get(&format!("/api/heartbeat-runs/{}", text(&runs[0]["id"]))).await;
    assert_eq!(
        follow_up["contextSnapshot"]["wakeCommentIds"].as_array().unwrap().len(),
        2,
        "it carries both comments"
    );
    let free =
        client.until(&path, SOON, |i| i["checkoutRunId"].is_null() && i["executionRunId"].is_null()).await;
    assert_eq!(free["activeRun"], Value::Null);
}

#[tokio::test]
async fn pausing_an_agent_ends_its_run_with_all_its_processes_and_stops_its_wakes() {
    let place = Place::new("runs-pause");
    let program = Headless::start(&place);
    let client = program.client();
    let script =
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & while :; do sleep 1; done";
    let mut config = shell(script);
    config["graceSec"] = json!(1);
    let company = Company::found(&client, "process", config).await;
    company.issue(&client, "Never ends").await;
    run_until(&client, &company, "running").await;
    client.until(&format!("{}?limit=1", company.runs()), SOON, |r| r[0]["startedAt"].is_string()).await;

    client.post(&format!("/api/agents/{}/pause", company.agent), json!({})).await;
    let run = run_until(&client, &company, "cancelled").await;
    assert!(run["error"].as_str().unwrap().contains("paused"), "{run:#}");
    support::processes::assert_none_left(place.path(), &[program.process.0.id()], SOON).await;
    let refused =
        client.send(Method::POST, &format!("/api/agents/{}/wakeup", company.agent), Some(&json!({}))).await;
    assert_eq!(refused.0, StatusCode::CONFLICT, "{}", refused.1);
    // What stood still is taken up again.
    client.post(&format!("/api/agents/{}/resume", company.agent), json!({})).await;
    run_until(&client, &company, "running").await;
    client.post("/api/instance/pause", json!({})).await;
    run_until(&client, &company, "cancelled").await;
    client.post("/api/instance/resume", json!({})).await;
    run_until(&client, &company, "running").await;
}

#[tokio::test]
async fn a_spent_budget_stops_a_run_in_the_middle_of_what_it_says_and_a_raise_lets_it_go_on() {
    let place = Place::new("runs-budget");
    let program = Headless::start(&place);
    let client = program.client();
    // Ten cents a message: the third one reaches the limit.
    let demo = json!({ "costPerMessage": 10, "pace": 700, "askQuestion": false });
    let company = Company::found(&client, "demo", demo).await;
    let budget = json!({ "budgetMonthlyCents": 25 });
    let set =
        client.send(Method::PATCH, &format!("/api/agents/{}/budgets", company.agent), Some(&budget)).await;
    assert_eq!((set.0, &set.1["budgetMonthlyCents"]), (StatusCode::OK, &json!(25)), "{}", set.1);
    let issue = company.issue(&client, "Costs more than there is").await;
    let run = run_until(&client, &company, "cancelled").await;
    assert_eq!(run["errorCode"], "budget_paused", "{run:#}");
    support::processes::assert_none_left(place.path(), &[program.process.0.id()], SOON).await;

    let agent = client.get(&format!("/api/agents/{}", company.agent)).await;
    let spent = agent["spentMonthlyCents"].as_i64().unwrap();
    assert!((30..=40).contains(&spent), "stopped within a message: {agent:#}");
    assert_eq!(agent["pauseReason"], "budget");
    let at = |what: &str| format!("/api/companies/{}/{what}", company.id);
    let overview = client.get(&at("budgets/overview")).await;
    let incident = text(&overview["activeIncidents"][0]["id"]);
    let outlook = client.get(&format!("/api/issues/{}/outlook", text(&issue["identifier"]))).await;
    assert_eq!(outlook["reason"], "The budget of Ada is spent");

    let raise = json!({ "action": "raise_budget_and_resume", "amount": 100_000 });
    let resolved = client.post(&at(&format!("budget-incidents/{incident}/resolve")), raise).await;
    assert_eq!(resolved["status"], "resolved", "{resolved:#}");
    run_until(&client, &company, "succeeded").await;
    // What the run said at its end is what its messages add up to: nothing is counted twice, and nothing is lost.
    let runs = client.get(&company.runs()).await;
    let said = runs[0]["costUsd"].as_f64().unwrap();
    let by_agent = client.get(&at("costs/by-agent")).await;
    let last = by_agent[0]["costCents"].as_i64().unwrap() - spent;
    assert_eq!(last, (said * 100.0).round() as i64, "{by_agent:#}");
}

#[tokio::test]
async fn many_wakes_at_once_make_one_run_of_an_issue() {
    let place = Place::new("runs-race");
    let program = Headless::start(&place);
    let client = program.client();
    let company = Company::found(&client, "process", shell("sleep 1")).await;
    let issue = company.issue(&client, "Everybody wants it").await;
    let wake = json!({ "source": "on_demand", "reason": "race", "payload": { "issueId": issue["id"] } });
    let calls = (0..200).map(|_| {
        let (client, path, wake) =
            (client.clone(), format!("/api/agents/{}/wakeup", company.agent), wake.clone());
        tokio::spawn(async move { client.send(Method::POST, &path, Some(&wake)).await.0 })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), StatusCode::ACCEPTED);
    }
    let runs = client.get(&company.runs()).await;
    let live = runs
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| matches!(r["status"].as_str(), Some("queued" | "running")))
        .count();
    assert_eq!(live, 1, "{runs:#}");
    assert_eq!(
        wakeups(&client, &company).await.len(),
        200 + 1 - deferred_merges(&client, &company).await,
        "every attempt left a row"
    );
}

/// Attempts that went into a row that was waiting already.
async fn deferred_merges(client: &Client, company: &Company) -> usize {
    let all = wakeups(client, company).await;
    all.iter().map(|w| usize::try_from(w["coalescedCount"].as_u64().unwrap()).unwrap()).sum()
}

#[tokio::test]
async fn an_agent_reaches_neither_the_operators_token_nor_the_database_and_its_own_token_dies_with_its_run() {
    let place = Place::new("runs-sandbox");
    let program = Headless::start(&place);
    let client = program.client();
    let data = place.data().canonicalize().unwrap();
    let script = format!(
        "ls -A {0} | sort | tr '\\n' ' '; cat {0}/operator-token {0}/paperclip.db 2>&1 | head -c 300; echo; echo end",
        data.display()
    );
    let company = Company::found(&client, "process", shell(&script)).await;
    company.issue(&client, "Look around").await;
    let run = run_until(&client, &company, "succeeded").await;
    let transcript =
        client.get(&format!("/api/heartbeat-runs/{}/transcript?raw=true", text(&run["id"]))).await;
    let events = client.get(&format!("/api/heartbeat-runs/{}/events", text(&run["id"]))).await;
    let started = events.as_array().unwrap().iter().find(|e| e["eventType"] == "process.started").unwrap();
    let said: String = transcript["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["text"].as_str().unwrap().to_owned() + "\n")
        .collect();
    if started["payload"]["sandbox"]["level"] == "namespace" {
        assert!(!said.contains(&program.token), "the operator's token was read");
        assert!(!said.contains("SQLite format") && !said.contains("backups"), "{said}");
    } else {
        assert!(started["message"].as_str().unwrap().contains("without a sandbox"), "{started:#}");
    }
    assert!(said.contains("end"));
}

#[tokio::test]
async fn what_cannot_start_fails_with_a_sentence_and_leaves_the_issue_free() {
    let place = Place::new("runs-broken");
    let program = Headless::start(&place);
    let client = program.client();
    for (config, word) in [
        (json!({ "command": "no-such-command-anywhere" }), "no-such-command-anywhere"),
        (json!({ "command": "/bin/true", "cwd": place.work().join("gone/away") }), "gone/away"),
        (json!({}), "command"),
    ] {
        let company = Company::found(&client, "process", config).await;
        let issue = company.issue(&client, "Cannot be").await;
        let run = run_until(&client, &company, "failed").await;
        assert!(run["error"].as_str().unwrap().contains(word), "{run:#} should name {word}");
        assert!(run["errorCode"].is_string());
        let free = client.get(&format!("/api/issues/{}", text(&issue["id"]))).await;
        assert_eq!((&free["checkoutRunId"], &free["executionRunId"]), (&Value::Null, &Value::Null));
        let agent = client.get(&format!("/api/agents/{}", company.agent)).await;
        assert_eq!(agent["status"], "error");
    }
    let report = client.post("/api/instance/doctor", json!({})).await;
    let logs = report["findings"].as_array().unwrap().iter().find(|f| f["check"] == "run_logs").unwrap();
    assert_eq!(logs["level"], "ok", "a run that never wrote has lost nothing: {logs}");
}

#[tokio::test]
async fn the_cap_on_live_runs_holds_and_the_queue_goes_on_when_there_is_room() {
    let place = Place::new("runs-cap");
    let program = Headless::start(&place);
    let client = program.client();
    let (status, _) = client
        .send(Method::PATCH, "/api/instance/settings/general", Some(&json!({ "maxLiveRuns": 2 })))
        .await;
    assert!(status.is_success());
    let company = Company::found(&client, "process", shell("sleep 0.3")).await;
    for n in 0..6 {
        company.issue(&client, &format!("Issue {n}")).await;
    }
    let mut most = 0;
    loop {
        let runs = client.get(&company.runs()).await;
        let count = |s: &str| runs.as_array().unwrap().iter().filter(|r| status_is(r, s)).count();
        most = most.max(count("running"));
        if count("succeeded") == 6 {
            break;
        }
        assert_eq!(count("failed") + count("cancelled"), 0, "{runs:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(most <= 2, "{most} ran at once");
}

#[tokio::test]
async fn a_flood_and_broken_bytes_are_kept_whole_and_read_by_page() {
    let place = Place::new("runs-flood");
    let program = Headless::start(&place);
    let client = program.client();
    let script =
        "seq 1 20000; printf 'bad \\377 byte\\n'; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last";
    let company = Company::found(&client, "process", shell(script)).await;
    company.issue(&client, "Flood").await;
    let run = run_until(&client, &company, "succeeded").await;
    let path = format!("/api/heartbeat-runs/{}", text(&run["id"]));
    let middle = client.get(&format!("{path}/transcript?fromLine=9999&limit=2&raw=true")).await;
    let texts: Vec<&str> =
        middle["entries"].as_array().unwrap().iter().map(|e| e["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["10000", "10001"]);
    let tail = client.get(&format!("{path}/transcript?raw=true&limit=1")).await;
    assert_eq!(tail["entries"][0]["text"], "last");
    assert!(tail["totalLines"].as_u64().unwrap() > 20_000);
    let bad = client.get(&format!("{path}/transcript?fromLine=20000&limit=1&raw=true")).await;
    assert_eq!(bad["entries"][0]["text"], "bad \u{fffd} byte");
    // The long line by page: whoever asks for much of it gets what fits, and where to go on.
    let (mut next, mut read) = (20_001, 0);
    loop {
        let page = client.get(&format!("{path}/transcript?fromLine={next}&limit=5000&raw=true")).await;
        let entries = page["entries"].as_array().unwrap();
        let size: usize = entries.iter().map(|e| e["text"].as_str().unwrap().len()).sum();
        assert!(size < 8 << 20, "a page of {size} bytes");
        read += size;
        next = page["nextLine"].as_u64().unwrap();
        if next == page["totalLines"].as_u64().unwrap() {
            break;
        }
    }
    assert_eq!(read, 100_000_000 + "last".len());
    let memory = std::fs::read_to_string(format!("/proc/{}/status", program.ready.pid)).unwrap();
    let peak = memory
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    assert!(peak.unwrap() < 300 << 10, "memory follows what an agent writes: {memory}");
    let slice = client.get(&format!("{path}/log?limitBytes=1000")).await;
    assert!(
        slice["nextOffset"].as_u64().is_some()
            && slice["content"].as_str().unwrap().contains("\"chunk\":\"1\\n\"")
    );
}
