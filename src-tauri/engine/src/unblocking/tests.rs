#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::graph::{Stall, UnblockingDone, UnblockingPreview};
use contract::issue::{Issue, IssuePriority, IssueStatus};
use contract::{ErrorCode, IssueId};
use domain::graph::UNBLOCKING;
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Sim, invariants};

const HOUR: Duration = Duration::from_secs(3600);

async fn asking(sim: &Sim, leaf: IssueId) -> Vec<Issue> {
    let mut conn = sim.engine.store.read().await.unwrap();
    store::watchdog::all_from(&mut conn, UNBLOCKING, &leaf.to_string()).await.unwrap()
}

async fn run(sim: &Sim) -> UnblockingDone {
    let done = serde_json::from_value(sim.ask("unblocking.run", json!({})).await).unwrap();
    invariants(sim).await;
    done
}

async fn switch(sim: &Sim, on: bool) {
    let set = json!({ "enableIssueGraphLivenessAutoRecovery": on });
    assert_eq!(sim.ask("settings.patch-experimental", set).await["enableIssueGraphLivenessAutoRecovery"], on);
}

async fn blockers(sim: &Sim, issue: IssueId) -> Value {
    sim.ask("issues.get", json!({ "id": issue })).await["blockedBy"].clone()
}

#[tokio::test]
async fn nobody_is_asked_unless_the_operator_wants_it_and_then_once() {
    let sim = Sim::new(81).await;
    let boss = sim.agent("Cora", json!({ "role": "ceo" })).await;
    let ada = sim.agent("Ada", json!({ "reportsTo": boss })).await;
    let leaf = sim.issue_with(json!({ "title": "The ground" })).await;
    let waits = json!({ "assigneeAgentId": ada, "status": "blocked", "blockedByIssueIds": [leaf] });
    let (first, second) = (sim.issue_with(waits.clone()).await, sim.issue_with(waits).await);
    sim.engine.unblock_when_wanted().await.unwrap();
    assert!(asking(&sim, leaf).await.is_empty(), "off unless switched on");

    let seen: UnblockingPreview =
        serde_json::from_value(sim.ask("unblocking.preview", json!({})).await).unwrap();
    assert_eq!((seen.findings, seen.recoverable_findings, seen.items[0].state), (1, 1, Stall::Unassigned));
    assert_eq!(seen.items[0].recovery_issue_id, leaf);
    assert_eq!(seen.items[0].recommended_owner_agent_id.unwrap().to_string(), boss);
    let source = seen.items[0].issue_id;
    assert!([first, second].contains(&source) && seen.items[0].dependency_path.len() == 2);

    switch(&sim, true).await;
    for _ in 0..3 {
        sim.engine.unblock_when_wanted().await.unwrap();
    }
    let asks = asking(&sim, leaf).await;
    assert_eq!(asks.len(), 1, "one at a time");
    assert_eq!((asks[0].parent_id, asks[0].priority), (Some(leaf), IssuePriority::High));
    assert_eq!(asks[0].assignee_agent_id.unwrap().to_string(), boss);
    assert!(blockers(&sim, source).await.to_string().contains(&asks[0].id.to_string()));

    // Closed without a way out: no more of it before its time, and it holds nothing up.
    sim.ask("issues.update", json!({ "id": asks[0].id, "status": "cancelled" })).await;
    sim.engine.watch_silence().await.unwrap();
    assert_eq!(blockers(&sim, source).await.as_array().unwrap().len(), 1);
    assert_eq!((run(&sim).await.existing, asking(&sim, leaf).await.len()), (1, 1));
    sim.pass(HOUR * 25).await;
    assert_eq!(run(&sim).await.skipped_outside_lookback, 1, "nothing of it changed for longer than that");
    sim.ask("issues.update", json!({ "id": leaf, "priority": "high" })).await;
    assert_eq!(run(&sim).await.created, 1);

    // The halt is over: so is the question.
    sim.ask("issues.update", json!({ "id": leaf, "status": "todo", "assigneeAgentId": ada })).await;
    switch(&sim, false).await;
    sim.engine.unblock_when_wanted().await.unwrap();
    assert!(asking(&sim, leaf).await.iter().all(|i| i.status.is_terminal()), "also while it is switched off");
    assert_eq!(asking(&sim, leaf).await.iter().filter(|i| i.status == IssueStatus::Done).count(), 1);
    invariants(&sim).await;
}

#[tokio::test]
async fn what_is_always_on_or_not_there_cannot_be_switched() {
    let sim = Sim::new(82).await;
    for (input, code) in [
        (json!({ "enableIsolatedWorkspaces": false }), ErrorCode::Unprocessable),
        (json!({ "enableCloudSync": true }), ErrorCode::Unprocessable),
        (json!({ "issueGraphLivenessAutoRecoveryLookbackHours": 0 }), ErrorCode::ValidationError),
        (json!({ "enableEverything": true }), ErrorCode::ValidationError),
    ] {
        let e = sim.try_ask(&Caller::operator(), "settings.patch-experimental", input).await.unwrap_err();
        assert_eq!(e.code, code, "{e}");
    }
    let same = json!({ "enableIsolatedWorkspaces": true, "issueGraphLivenessAutoRecoveryLookbackHours": 48 });
    let now = sim.ask("settings.patch-experimental", same).await;
    assert_eq!(now["issueGraphLivenessAutoRecoveryLookbackHours"], 48);
    let sim = sim.crash().await;
    assert_eq!(sim.ask("settings.experimental", json!({})).await, now, "kept");
}
