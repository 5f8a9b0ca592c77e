//! Promise one: kill the program at any instant, and no work is lost; promise two: no process outlives its run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use support::Place;
use support::client::Client;
use support::company::{Company, text};
use support::processes;
use support::program::Headless;

const SOON: Duration = Duration::from_secs(20);
const LINES: usize = 60;

/// A command that writes a line every tenth of a second, and leaves a process behind in a session of its own.
fn worker() -> Value {
    let script = format!(
        "setsid sleep 600 & i=0; while [ $i -lt {LINES} ]; do echo line-$i; i=$((i+1)); sleep 0.1; done"
    );
    json!({ "command": "/bin/sh", "args": ["-c", script], "graceSec": 1 })
}

/// A company with a run in full swing, and the run's id.
async fn in_full_swing(client: &Client) -> (Company, String) {
    let company = Company::found(client, "process", worker()).await;
    company.issue(client, "Count to sixty").await;
    let runs = client
        .until(&company.runs(), SOON, |runs| {
            runs.as_array().is_some_and(|r| r.iter().any(|r| r["status"] == "running"))
        })
        .await;
    let run = text(&runs[0]["id"]);
    client.until(&transcript(&run), SOON, |page| page["totalLines"].as_u64().is_some_and(|n| n >= 5)).await;
    (company, run)
}

fn transcript(run: &str) -> String {
    format!("/api/heartbeat-runs/{run}/transcript?fromLine=0&limit=5000&raw=true")
}

async fn ended(client: &Client, run: &str) -> Value {
    client
        .until(&format!("/api/heartbeat-runs/{run}"), SOON, |run| {
            !["queued", "running"].contains(&run["status"].as_str().unwrap_or_default())
        })
        .await
}

/// The numbers of the lines that the worker wrote, as the transcript has them.
async fn counted(client: &Client, run: &str) -> Vec<usize> {
    let page = client.get(&transcript(run)).await;
    let entries = page["entries"].as_array().unwrap().clone();
    entries
        .iter()
        .filter_map(|e| e["text"].as_str())
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("line-")?.parse().ok())
        .collect()
}

#[tokio::test]
async fn a_killed_program_finds_its_run_again_and_not_a_line_is_missing() {
    let place = Place::new("crash-program");
    let mut program = Headless::start(&place);
    let (_, run) = in_full_swing(&program.client()).await;
    program.kill();
    assert!(!processes::of(place.path()).is_empty(), "the run goes on without the program");

    let mut program = Headless::start(&place);
    let client = program.client();
    let run_now = client.get(&format!("/api/heartbeat-runs/{run}")).await;
    assert_eq!(run_now["status"], "running", "the run was found again");
    assert_eq!(ended(&client, &run).await["status"], "succeeded");
    assert_eq!(counted(&client, &run).await, (0..LINES).collect::<Vec<_>>());

    processes::assert_none_left(place.path(), &[program.ready.pid], SOON).await;
    program.process.signal(Signal::TERM);
    assert!(program.process.ended(SOON).await.success());
}

#[tokio::test]
async fn a_program_that_quits_leaves_its_run_going_and_finds_it_again() {
    let place = Place::new("crash-quit");
    let mut program = Headless::start(&place);
    let (_, run) = in_full_swing(&program.client()).await;
    program.process.signal(Signal::TERM);
    assert!(program.process.ended(SOON).await.success());
    let left = processes::of(place.path());
    assert!(left.iter().any(|p| p.command.contains("run-host")), "{left:?}");

    // Longer than the run takes: it ends while no program watches.
    processes::assert_none_left_but_hosts(place.path(), Duration::from_secs(15)).await;
    let program = Headless::start(&place);
    let client = program.client();
    assert_eq!(ended(&client, &run).await["status"], "succeeded");
    assert_eq!(counted(&client, &run).await, (0..LINES).collect::<Vec<_>>());
    processes::assert_none_left(place.path(), &[program.ready.pid], SOON).await;
}

#[tokio::test]
async fn when_the_host_is_killed_too_the_run_ends_in_a_known_state_and_leaves_nothing() {
    let place = Place::new("crash-host");
    let mut program = Headless::start(&place);
    let (_, run) = in_full_swing(&program.client()).await;
    program.kill();
    for host in processes::of(place.path()).iter().filter(|p| p.command.contains("run-host")) {
        processes::kill(host.pid);
    }

    let program = Headless::start(&place);
    let client = program.client();
    let run_now = ended(&client, &run).await;
    assert_eq!(run_now["status"], "failed", "{run_now:#}");
    assert!(run_now["error"].as_str().is_some_and(|e| !e.is_empty()), "it says why");
    let lines = counted(&client, &run).await;
    assert!(lines.len() >= 5, "what was written before is kept: {lines:?}");
    assert_eq!(lines, (0..lines.len()).collect::<Vec<_>>());
    let worker = |p: &processes::Found| p.command.contains("sleep 600") || p.command.contains("while [");
    support::eventually("the agent's processes to be gone", SOON, async || {
        (!processes::of(place.path()).iter().any(worker)).then_some(())
    })
    .await;
}
