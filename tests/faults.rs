//! Agents and hosts that misbehave as real processes do. After each: a known state, a whole transcript, no process left,
//! no lock held.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::Place;
use support::client::Client;
use support::company::{Company, text};
use support::processes::{self, Found};
use support::program::Headless;

const SOON: Duration = Duration::from_secs(30);

/// A program, and a run of a script that has said its first word.
struct Scene {
    place: Place,
    program: Headless,
    client: Client,
    issue: String,
    run: String,
}

impl Scene {
    async fn of(name: &str, script: &str) -> Self {
        let place = Place::new(name);
        let program = Headless::start(&place);
        let client = program.client();
        let script = format!("echo line-0; {script}");
        let config = json!({ "command": "/bin/bash", "args": ["-c", script], "graceSec": 1 });
        let company = Company::found(&client, "process", config).await;
        // What is seen here is one run: nothing follows from it.
        let quiet = json!({ "maxLiveRuns": 1 });
        client.send(reqwest::Method::PATCH, "/api/instance/settings/general", Some(&quiet)).await;
        let issue = text(&company.issue(&client, "Misbehave").await["id"]);
        let runs = client
            .until(&company.runs(), SOON, |r| {
                r.as_array().is_some_and(|r| r.iter().any(|r| r["status"] == "running"))
            })
            .await;
        let run = text(&runs[0]["id"]);
        client
            .until(&transcript(&run), SOON, |page| page["totalLines"].as_u64().is_some_and(|n| n >= 1))
            .await;
        Self { place, program, client, issue, run }
    }

    /// The live process of this place whose command line has these words.
    fn process(&self, words: &str) -> Found {
        let mut all = processes::of(self.place.path());
        all.retain(|p| p.command.contains(words));
        assert!(!all.is_empty(), "nothing runs with {words}");
        all.remove(0)
    }

    fn signal(&self, process: &Found, signal: Signal) {
        kill_process(Pid::from_raw(process.pid.cast_signed()).unwrap(), signal).unwrap();
    }

    async fn stop(&self) {
        self.client.post(&format!("/api/heartbeat-runs/{}/cancel", self.run), json!({})).await;
    }

    /// The run once it is over, with everything that must hold then.
    async fn over(&self, at_most: Duration) -> Value {
        let path = format!("/api/heartbeat-runs/{}", self.run);
        let run = self
            .client
            .until(&path, at_most, |r| {
                !["queued", "running"].contains(&r["status"].as_str().unwrap_or_default())
            })
            .await;
        let issue = format!("/api/issues/{}", self.issue);
        self.client
            .until(&issue, SOON, |i| i["checkoutRunId"] != self.run && i["executionRunId"] != self.run)
            .await;
        // Another try may be under way: it is stopped too, and then nothing may be left.
        self.client.post("/api/instance/pause", json!({})).await;
        processes::assert_none_left(self.place.path(), &[self.program.process.0.id()], SOON).await;
        run
    }

    async fn lines(&self) -> Vec<String> {
        let page = self.client.get(&transcript(&self.run)).await;
        let entries = page["entries"].as_array().unwrap().clone();
        let said = entries.iter().filter_map(|e| e["text"].as_str());
        said.flat_map(str::lines).filter(|l| l.starts_with("line-")).map(str::to_owned).collect()
    }
}

fn transcript(run: &str) -> String {
    format!("/api/heartbeat-runs/{run}/transcript?fromLine=0&limit=5000&raw=true")
}

#[tokio::test]
async fn a_killed_agent_is_a_failed_run_with_all_that_it_said() {
    let scene =
        Scene::of("fault-kill", "for i in $(seq 1 9); do echo line-$i; done; sleep 600; echo never").await;
    scene.client.until(&transcript(&scene.run), SOON, |p| p["totalLines"].as_u64() >= Some(10)).await;
    scene.signal(&scene.process("for i in"), Signal::KILL);
    let run = scene.over(SOON).await;
    assert_eq!(run["status"], "failed", "{run:#}");
    assert_eq!(run["signal"], "SIGKILL", "{run:#}");
    assert_eq!(scene.lines().await, (0..10).map(|n| format!("line-{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stopped_agent_ends_when_it_is_told_to() {
    let scene = Scene::of("fault-stopped-agent", "while :; do sleep 1; done").await;
    scene.signal(&scene.process("while :"), Signal::STOP);
    scene.stop().await;
    assert_eq!(scene.over(SOON).await["status"], "cancelled");
}

#[tokio::test]
async fn a_host_that_hangs_is_ended_with_all_it_started() {
    let scene = Scene::of("fault-stopped-host", "trap '' TERM; while :; do sleep 1; done").await;
    scene.signal(&scene.process("run-host"), Signal::STOP);
    scene.stop().await;
    let run = scene.over(Duration::from_secs(60)).await;
    assert_eq!(run["status"], "cancelled", "{run:#}");
    assert_eq!(scene.lines().await, ["line-0"]);
}

#[tokio::test]
async fn a_killed_host_takes_its_agent_with_it_and_the_program_goes_on() {
    let scene = Scene::of("fault-killed-host", "trap '' TERM; while :; do sleep 1; done").await;
    scene.signal(&scene.process("run-host"), Signal::KILL);
    let run = scene.over(SOON).await;
    assert_eq!(run["status"], "failed", "{run:#}");
    assert_eq!(run["errorCode"], "process_lost", "{run:#}");
    assert_eq!(scene.lines().await, ["line-0"]);
}

#[tokio::test]
async fn a_hundred_children_that_hear_no_signal_end_with_their_run() {
    let script = "trap '' TERM INT HUP; for i in $(seq 100); do \
        (trap '' TERM INT HUP; exec setsid bash -c 'trap \"\" TERM INT HUP; while :; do sleep 1; done') & done; \
        echo line-1; wait";
    let scene = Scene::of("fault-children", script).await;
    scene.client.until(&transcript(&scene.run), SOON, |p| p["totalLines"].as_u64() >= Some(2)).await;
    support::eventually("a hundred children", SOON, async || {
        (processes::of(scene.place.path()).len() > 100).then_some(())
    })
    .await;
    scene.stop().await;
    assert_eq!(scene.over(SOON).await["status"], "cancelled");
}

#[tokio::test]
async fn an_agent_that_closes_its_pipes_and_lives_on_is_still_its_runs() {
    let scene = Scene::of("fault-pipes", "exec <&- >&- 2>&-; while :; do sleep 1; done").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let now = scene.client.get(&format!("/api/heartbeat-runs/{}", scene.run)).await;
    assert_eq!(now["status"], "running", "it works, and says nothing");
    scene.stop().await;
    assert_eq!(scene.over(SOON).await["status"], "cancelled");
}

#[tokio::test]
async fn a_flood_of_output_leaves_the_program_at_work_and_the_run_whole() {
    let flood = "yes 'flood flood flood flood flood flood flood flood flood flood flood flood flood' \
        | head -c 200000000; echo; echo line-1";
    let scene = Scene::of("fault-flood", flood).await;
    let mut asked = 0;
    loop {
        let path = format!("/api/heartbeat-runs/{}", scene.run);
        let ask = scene.client.get(&path);
        let run = tokio::time::timeout(SOON, ask).await.expect("the program answers all the while");
        asked += 1;
        if run["status"] != "running" {
            assert_eq!(run["status"], "succeeded", "{run:#}");
            assert!(run["logBytes"].as_i64().unwrap() > 200_000_000, "{run:#}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(asked > 3, "it was over too soon to say anything");
    scene.over(SOON).await;
}
