//! Many agents and much work on the simulated clock: idleness starts nothing, and what a tick costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use contract::IssueId;
use contract::run::Run;
use serde_json::{Value, json};

use crate::sim::{Ends, Sim};

const TICK: Duration = Duration::from_secs(30);
/// How many wakes are decided to see how long one takes.
const WAKES: usize = 2000;
/// Ticks between two sweeps.
const SWEEP: u32 = 10;

/// An agent that looks for work every five minutes by itself.
fn with_timer() -> Value {
    json!({ "runtimeConfig": { "heartbeat": { "enabled": true, "intervalSec": 300 } } })
}

impl Sim {
    /// What the clock does each half a minute.
    async fn tick(&self, n: u32) {
        self.pass(TICK).await;
        if n.is_multiple_of(SWEEP) {
            Box::pin(self.engine.sweep()).await.unwrap();
            Box::pin(self.engine.watch_silence()).await.unwrap();
            Box::pin(self.engine.review_productivity()).await.unwrap();
            Box::pin(self.engine.unblock_when_wanted()).await.unwrap();
        }
        self.settle().await;
    }
}

#[tokio::test]
async fn an_idle_company_of_a_hundred_agents_starts_nothing_in_a_day() {
    let sim = Sim::new(1).await;
    for n in 0..100 {
        sim.agent(&format!("Agent {n}"), with_timer()).await;
    }
    for n in 0..24 * 120 {
        sim.tick(n).await;
    }
    assert!(sim.started().await.is_empty());
    let runs = sim.ask("runs.list", json!({ "companyId": sim.company })).await;
    assert_eq!(runs, json!([]));
    let wakes = sim.ask("wakeups.list", json!({ "companyId": sim.company, "limit": 500 })).await;
    let wakes = wakes.as_array().unwrap();
    // Each says why nothing started, how often that was looked at, and fills no disk.
    assert_eq!(wakes.len(), 100);
    for w in wakes {
        assert_eq!(w["status"], "skipped");
        assert!(!w["error"].as_str().unwrap().is_empty());
        assert!(w["coalescedCount"].as_i64().unwrap() > 250, "{w:#}");
    }
}

/// Measured by `cargo xtask bench`, in a release build: an hour of 200 agents on 5,000 issues, each of which waits for
/// earlier ones, with at most 50 runs at a time.
#[tokio::test]
#[ignore = "a measurement: `cargo xtask bench` runs it"]
async fn an_hour_of_two_hundred_agents() {
    let sim = Sim::new(1).await;
    sim.ask("settings.patch", json!({ "maxLiveRuns": 50 })).await;
    let mut agents = Vec::new();
    for n in 0..200 {
        agents.push(sim.agent(&format!("Agent {n}"), with_timer()).await);
    }
    let made = Instant::now();
    let mut issues: Vec<IssueId> = Vec::new();
    for n in 0..5000_usize {
        // A deep graph: each but the first of its agent waits for the one before and for one of another agent.
        let mut blockers = Vec::new();
        if n >= agents.len() {
            blockers.push(issues[n - agents.len()]);
            blockers.push(issues[n - agents.len() + 1 - usize::from(n % agents.len() == agents.len() - 1)]);
        }
        let issue = json!({ "assigneeAgentId": agents[n % agents.len()], "blockedByIssueIds": blockers });
        issues.push(sim.issue_with(issue).await);
    }
    println!("figure load_issues_per_s {:.0}", 5000.0 / made.elapsed().as_secs_f64());
    let (mut ticks, mut ended) = (Vec::new(), 0_usize);
    let mut ending = Duration::ZERO;
    let mut running: Vec<Run> = Vec::new();
    for n in 0..120 {
        let begun = Instant::now();
        sim.tick(n).await;
        ticks.push(begun.elapsed());
        running.extend(sim.started().await);
        // Half of what runs comes to its end, and wakes whoever waited for it.
        for run in running.drain(..running.len().div_ceil(2)).collect::<Vec<_>>() {
            let done = json!({ "id": run.issue_id, "status": "done", "comment": "Done." });
            let begun = Instant::now();
            sim.try_ask(&Sim::as_run(&run), "issues.update", done).await.unwrap();
            sim.end(&run, Ends::Well("Done.")).await;
            ending += begun.elapsed();
            ended += 1;
        }
    }
    // Each leaves its row, whatever became of it.
    let begun = Instant::now();
    for agent in agents.iter().cycle().take(WAKES) {
        sim.ask("agents.wake", json!({ "id": agent, "reason": "manual" })).await;
    }
    let waking = begun.elapsed();
    ticks.sort();
    println!("figure load_tick_p50_ms {:.1}", ticks[60].as_secs_f64() * 1000.0);
    println!("figure load_tick_max_ms {:.1}", ticks[119].as_secs_f64() * 1000.0);
    println!("figure load_runs_ended {ended}");
    println!("figure load_ends_per_s {:.0}", ended as f64 / ending.as_secs_f64());
    println!("figure load_wakes_per_s {:.0}", WAKES as f64 / waking.as_secs_f64());
    assert!(ended > 500, "{ended}");
}
