//! What is due follows from what is stored: a program that was ended, a machine that slept, and a clock that was set
//! lose nothing and do nothing twice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::run::InvocationSource;
use contract::wake::WakeupLine;
use serde_json::json;

use crate::sim::{Ends, Sim, invariants};

const TICK: Duration = Duration::from_secs(30);
const TICKS: usize = 60;

async fn ringing(seed: u64) -> (Sim, Vec<String>) {
    let sim = Sim::new(seed).await;
    let mut agents = Vec::new();
    for (name, every) in [("Ada", 300), ("Bo", 420), ("Cy", 1800)] {
        let timer = json!({ "runtimeConfig": { "heartbeat": { "enabled": true, "intervalSec": every } } });
        agents.push(sim.agent(name, timer).await);
    }
    (sim, agents)
}

async fn wakes(sim: &Sim) -> Vec<WakeupLine> {
    let all = sim.ask("wakeups.list", json!({ "companyId": sim.company, "limit": 500 })).await;
    serde_json::from_value(all).unwrap()
}

/// When each agent was woken in half an hour of ticks, and what became of it, with a restart after one of them.
async fn half_an_hour(restart: Option<usize>) -> Vec<String> {
    let (mut sim, agents) = ringing(31).await;
    let waits = sim.issue(&agents[0]).await;
    for n in 0..TICKS {
        sim.pass(TICK).await;
        for run in sim.started().await {
            // One is turned away once, so that a retry waits as well.
            let first = run.issue_id == Some(waits) && n < 3;
            sim.end(&run, if first { Ends::TurnedAway(None) } else { Ends::Well("Looked.") }).await;
        }
        if restart == Some(n) {
            sim = Box::pin(sim.crash()).await;
        }
    }
    invariants(&sim).await;
    let begun = sim.engine.now().minus(TICK * u32::try_from(TICKS).unwrap());
    let line = |w: &WakeupLine| {
        let who = agents.iter().position(|a| *a == w.wake.agent_id.to_string());
        let (at, why) = (w.wake.requested_at.since(begun).as_secs(), w.wake.reason.clone());
        let more = w.wake.coalesced_count;
        format!("{at:5} {who:?} {why:?} {} {more} folded in", w.wake.status)
    };
    let mut told: Vec<String> = wakes(&sim).await.iter().map(line).collect();
    told.sort();
    told
}

#[tokio::test]
async fn a_restart_at_any_tick_changes_nothing_that_is_due() {
    let without = half_an_hour(None).await;
    assert!(without.len() > 5 && without.iter().any(|w| w.contains(" 4 folded in")), "{without:#?}");
    for n in 0..TICKS {
        let with = Box::pin(half_an_hour(Some(n))).await;
        assert_eq!(with, without, "restarted after tick {n}");
    }
}

#[tokio::test]
async fn a_night_of_sleep_is_made_up_for_once() {
    let (sim, agents) = ringing(32).await;
    let retried = sim.issue(&agents[0]).await;
    let first = sim.one().await;
    sim.end(&first, Ends::TurnedAway(None)).await;
    assert!(sim.live(retried).await.is_some_and(|r| r.scheduled_retry_at.is_some()));
    let before = wakes(&sim).await.len();
    sim.pass(Duration::from_secs(9 * 3600)).await;
    let mut started = sim.started().await;
    let about: Vec<_> = started.iter().filter(|r| r.issue_id == Some(retried)).collect();
    assert_eq!(about.len(), 1, "the retry that came due in the night, once: {started:#?}");
    let after = wakes(&sim).await;
    let rings = |all: &[WakeupLine]| -> Vec<i64> {
        let of = |agent: &String| {
            let its = all.iter().filter(|w| w.wake.agent_id.to_string() == *agent);
            let timer = its.filter(|w| w.wake.source == InvocationSource::Timer);
            timer.map(|w| w.wake.coalesced_count + 1).sum()
        };
        agents.iter().map(of).collect()
    };
    assert_eq!(rings(&after), [1, 1, 1], "one ring for all that were missed");
    assert!(after.len() <= before + agents.len());
    // From then on as before.
    for run in started.drain(..) {
        sim.end(&run, Ends::Well("Looked.")).await;
    }
    sim.pass(Duration::from_secs(299)).await;
    assert_eq!(rings(&wakes(&sim).await), [1, 1, 1], "the next ring is a whole interval away");
    invariants(&sim).await;
}
