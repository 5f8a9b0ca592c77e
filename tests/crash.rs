//! Promise one: kill the program at any instant, and no work is lost; promise two: no process outlives its run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use support::Place;
use support::client::Client;
use support::company::{Company, text};
use support::processes;
use support::program::{Headless, command_on};

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

/// Kills of the program in one test.
const ROUNDS: usize = 20;
/// Issues that are given to agents; the others are only written.
const GIVEN: usize = 24;
const COUNTED: usize = 200;

/// Instants of killing that differ from round to round and are the same each time the test runs.
struct Dice(u64);

impl Dice {
    fn millis(&mut self, most: u64) -> Duration {
        // Xorshift, after Marsaglia.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(self.0 % most)
    }
}

/// What the program said it had written: paths, and what must be found there.
#[derive(Default)]
struct Acknowledged {
    issues: BTreeMap<String, String>,
    comments: BTreeMap<String, String>,
    /// Issues for the demo agent and for the one that counts.
    demo: Vec<String>,
    counted: Vec<String>,
}

#[derive(Clone)]
struct Writer {
    client: Client,
    company: String,
    demo: String,
    counter: String,
    next: Arc<AtomicUsize>,
    acknowledged: Arc<Mutex<Acknowledged>>,
}

impl Writer {
    /// Writes issues and comments until the program is gone.
    async fn write(self) {
        loop {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            let mut body = json!({ "title": format!("Issue {n}"), "status": "todo" });
            let given = n < GIVEN * 2 && n.is_multiple_of(2);
            if given {
                let agent = if n.is_multiple_of(4) { &self.demo } else { &self.counter };
                body["assigneeAgentId"] = agent.clone().into();
            }
            let Some(issue) = self.post(&format!("/api/companies/{}/issues", self.company), &body).await
            else {
                return;
            };
            let path = format!("/api/issues/{}", text(&issue["id"]));
            {
                let mut all = self.acknowledged.lock().unwrap();
                all.issues.insert(path.clone(), text(&body["title"]));
                if given {
                    let to = if n.is_multiple_of(4) { &mut all.demo } else { &mut all.counted };
                    to.push(path.clone());
                }
            }
            if given {
                continue;
            }
            let comments = format!("{path}/comments");
            let said = format!("Said of {n}");
            let Some(comment) = self.post(&comments, &json!({ "body": said })).await else { return };
            let path = format!("{comments}/{}", text(&comment["id"]));
            self.acknowledged.lock().unwrap().comments.insert(path, said);
        }
    }

    /// `None` when the program was killed before it answered: then nothing is promised.
    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let answer = self.client.request(Method::POST, path).json(body).send().await.ok()?;
        let status = answer.status();
        let body = answer.text().await.ok()?;
        assert_eq!(status, StatusCode::CREATED, "POST {path}: {body}");
        serde_json::from_str(&body).ok()
    }
}

async fn agent(client: &Client, company: &Company, name: &str, adapter: &str, config: Value) -> String {
    let body = json!({
        "name": name, "adapterType": adapter, "adapterConfig": config,
        "runtimeConfig": { "heartbeat": { "maxConcurrentRuns": 4 } },
    });
    text(&client.post(&format!("/api/companies/{}/agents", company.id), body).await["id"])
}

/// All runs, oldest first, by the issue they are about.
async fn runs_by_issue(client: &Client, company: &Company) -> BTreeMap<String, Vec<Value>> {
    let runs = client.get(&format!("{}?limit=1000", company.runs())).await;
    let mut by_issue: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for run in runs.as_array().unwrap().iter().rev() {
        by_issue.entry(run["issueId"].as_str().unwrap_or("none").to_owned()).or_default().push(run.clone());
    }
    by_issue
}

#[tokio::test]
async fn however_often_the_program_is_killed_while_all_write_nothing_acknowledged_is_lost() {
    let place = Place::new("crash-loop");
    // Agents call back where they were told to.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let start = || Headless::start_as(&place, command_on(&place, port));
    let mut program = start();
    let client = program.client();
    let company = Company::found(&client, "process", json!({ "command": "/bin/true" })).await;
    let count = format!("i=0; while [ $i -lt {COUNTED} ]; do echo line-$i; i=$((i+1)); sleep 0.005; done");
    let counting = json!({ "command": "/bin/sh", "args": ["-c", count], "graceSec": 1 });
    let writer = Writer {
        demo: agent(&client, &company, "Demo", "demo", json!({ "pace": 20, "askQuestion": false })).await,
        counter: agent(&client, &company, "Counter", "process", counting).await,
        company: company.id.clone(),
        client,
        next: Arc::default(),
        acknowledged: Arc::default(),
    };

    let mut dice = Dice(0x5eed_0f5e_edba_d5e7);
    for round in 0..ROUNDS {
        let writers = [tokio::spawn(writer.clone().write()), tokio::spawn(writer.clone().write())];
        tokio::time::sleep(dice.millis(700)).await;
        program.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        if round % 4 == 3 {
            // And once more while it starts.
            let mut early = command_on(&place, port);
            early.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            let mut early = processes::Kept(early.spawn().unwrap());
            tokio::time::sleep(dice.millis(80)).await;
            early.signal(Signal::KILL);
            early.0.wait().unwrap();
        }
        program = start();
        for (issue, runs) in runs_by_issue(&writer.client, &company).await {
            let live = runs.iter().filter(|r| ["queued", "running"].contains(&r["status"].as_str().unwrap()));
            assert!(live.count() <= 1, "round {round}: two live runs of {issue}: {runs:#?}");
        }
    }

    let client = &writer.client;
    let over = |runs: &Value| {
        let live = |r: &Value| ["queued", "running"].contains(&r["status"].as_str().unwrap());
        !runs.as_array().unwrap().iter().any(live)
    };
    client.until(&format!("{}?limit=1000", company.runs()), Duration::from_secs(120), over).await;
    let all = std::mem::take(&mut *writer.acknowledged.lock().unwrap());
    assert!(all.issues.len() > ROUNDS && all.comments.len() > ROUNDS / 2 && !all.demo.is_empty());
    for (path, title) in &all.issues {
        assert_eq!(client.get(path).await["title"], json!(title), "{path}");
    }
    for (path, body) in &all.comments {
        assert_eq!(client.get(path).await["body"], json!(body), "{path}");
    }
    let by_issue = runs_by_issue(client, &company).await;
    for (issue, runs) in &by_issue {
        for pair in runs.windows(2).filter(|p| p[1]["startedAt"].is_string()) {
            let (before, after) =
                (pair[0]["finishedAt"].as_str().unwrap(), pair[1]["startedAt"].as_str().unwrap());
            assert!(before <= after, "two runs of {issue} at once: {pair:#?}");
        }
    }
    for path in &all.demo {
        assert_eq!(client.get(path).await["status"], "done", "{path}: {:#?}", by_issue.get(&path[12..]));
    }
    for path in &all.counted {
        let runs = &by_issue[&path[12..]];
        assert_eq!(runs.last().unwrap()["status"], "succeeded", "{runs:#?}");
        for run in runs {
            let lines = counted(client, run["id"].as_str().unwrap()).await;
            assert_eq!(lines, (0..lines.len()).collect::<Vec<_>>(), "a gap in {run:#}");
            if run["status"] == "succeeded" {
                assert_eq!(lines.len(), COUNTED, "{run:#}");
            }
        }
    }
    let report = client.post("/api/instance/doctor", json!({})).await;
    for finding in report["findings"].as_array().unwrap() {
        assert!(finding["level"] == "ok" || finding["check"] == "backups", "{report:#}");
    }
    processes::assert_none_left(place.path(), &[program.ready.pid], SOON).await;
}
