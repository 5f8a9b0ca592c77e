#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::ErrorCode;
use contract::issue::IssueStatus;
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Ends, Sim, invariants, said};

const MINUTE: Duration = Duration::from_secs(60);

fn watch(sim: &Sim, minutes: u32, more: Value) -> Value {
    let mut m = json!({ "nextCheckAt": sim.engine.now().plus(MINUTE * minutes), "notes": "the build" });
    m.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "monitor": m })
}

#[tokio::test]
async fn an_issue_is_looked_at_again_at_its_time_and_once() {
    let sim = Sim::new(1).await;
    let ada = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&ada).await;
    let run = sim.one().await;
    let input = json!({ "id": issue, "status": "in_review", "comment": "The build runs.",
                        "executionPolicy": watch(&sim, 30, json!({})) });
    // A time to look again is a way on from review.
    sim.try_ask(&Sim::as_run(&run), "issues.update", input).await.unwrap();
    sim.end(&run, Ends::Well("Waiting.")).await;
    invariants(&sim).await;
    sim.pass(29 * MINUTE).await;
    assert!(sim.started().await.is_empty());
    sim.pass(MINUTE).await;
    let again = sim.one().await;
    assert_eq!(said(&again, "wakeReason"), "issue_monitor_due");
    assert_eq!(sim.get(issue).await.monitor_attempt_count, 1);
    sim.end(&again, Ends::Well("Not yet.")).await;
    sim.pass(600 * MINUTE).await;
    let state = sim.get(issue).await.execution_state.unwrap();
    assert_eq!(state["monitor"]["status"], "triggered");
    assert!(sim.get(issue).await.monitor_next_check_at.is_none(), "once");
}

#[tokio::test]
async fn tries_are_bounded_and_then_somebody_is_told() {
    for (policy, told) in
        [("wake_owner", "issue_monitor_recovery"), ("create_recovery_issue", ""), ("escalate_to_board", "")]
    {
        let sim = Sim::new(2).await;
        let ada = sim.agent("Ada", json!({})).await;
        let issue = sim.issue(&ada).await;
        let mut run = sim.one().await;
        for attempt in 0..3 {
            let more = json!({ "maxAttempts": 2, "recoveryPolicy": policy });
            let input = json!({ "id": issue, "status": "in_review", "comment": "Waiting.",
                                "executionPolicy": watch(&sim, 10, more) });
            let set = sim.try_ask(&Sim::as_run(&run), "issues.update", input).await;
            sim.end(&run, Ends::Well("Waiting.")).await;
            if attempt == 2 {
                assert_eq!(set.unwrap_err().code, ErrorCode::Unprocessable, "{policy}: used up");
                break;
            }
            set.unwrap();
            sim.pass(10 * MINUTE).await;
            run = sim.one().await;
        }
        // One that was set with a time that runs out before it comes.
        let late = sim.issue_with(json!({ "assigneeAgentId": ada, "status": "todo" })).await;
        let mut started = sim.started().await;
        let run = started.swap_remove(started.iter().position(|r| r.issue_id == Some(late)).unwrap());
        let more = json!({ "timeoutAt": sim.engine.now().plus(5 * MINUTE), "recoveryPolicy": policy });
        let input = json!({ "id": late, "executionPolicy": watch(&sim, 10, more) });
        sim.try_ask(&Sim::as_run(&run), "issues.update", input).await.unwrap();
        sim.end(&run, Ends::Well("Waiting.")).await;
        sim.pass(10 * MINUTE).await;
        match policy {
            "wake_owner" => {
                let runs = sim.started().await;
                let of = runs.iter().find(|r| r.issue_id == Some(late)).unwrap();
                assert_eq!(said(of, "wakeReason"), told);
            }
            "create_recovery_issue" => {
                let below = json!({ "companyId": sim.company, "parentId": late });
                let below = sim.ask("issues.list", below).await;
                assert_eq!(below.as_array().unwrap().len(), 1, "{below:#}");
                assert_eq!(below[0]["priority"], "high");
            }
            _ => assert_eq!(sim.get(late).await.status, IssueStatus::Blocked),
        }
        invariants(&sim).await;
    }
}

#[tokio::test]
async fn a_time_to_look_again_has_no_place_where_nobody_would() {
    let sim = Sim::new(3).await;
    let (ada, bo) = (sim.agent("Ada", json!({})).await, sim.agent("Bo", json!({})).await);
    let issue = sim.issue(&ada).await;
    let run = sim.one().await;
    // Not by another agent, and not on what has nobody or is not under way.
    let input = json!({ "id": issue, "executionPolicy": watch(&sim, 10, json!({})) });
    sim.try_ask(&Sim::as_run(&run), "issues.update", input.clone()).await.unwrap();
    let bo =
        Caller { actor: crate::Actor::Agent { id: bo.parse().unwrap(), company: run.company_id, run: None } };
    assert!(sim.try_ask(&bo, "monitors.check", json!({ "id": issue })).await.is_err());
    let idle = sim.issue_with(json!({ "status": "backlog" })).await;
    let nobody = json!({ "id": idle, "executionPolicy": watch(&sim, 10, json!({})) });
    let refused = sim.try_ask(&Caller::operator(), "issues.update", nobody).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unprocessable);
    // Done takes it away; by hand it comes at once.
    sim.end(&run, Ends::Well("Later.")).await;
    for run in sim.started().await {
        sim.end(&run, Ends::Well("Later.")).await;
    }
    sim.ask("monitors.check", json!({ "id": issue })).await;
    assert_eq!(sim.get(issue).await.monitor_attempt_count, 1);
    sim.ask("issues.update", json!({ "id": issue, "status": "in_progress" })).await;
    sim.ask("issues.update", input).await;
    sim.ask("issues.update", json!({ "id": issue, "status": "done" })).await;
    let done = sim.get(issue).await;
    assert!(done.monitor_next_check_at.is_none());
    assert_eq!(done.execution_state.unwrap()["monitor"]["clearReason"], "done");
}

#[tokio::test]
async fn a_time_that_comes_during_a_pause_is_kept_for_after_it() {
    let sim = Sim::new(7).await;
    let ada = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&ada).await;
    let run = sim.one().await;
    let input = json!({ "id": issue, "status": "in_review", "comment": "The build runs.",
                        "executionPolicy": watch(&sim, 30, json!({})) });
    sim.try_ask(&Sim::as_run(&run), "issues.update", input).await.unwrap();
    sim.end(&run, Ends::Well("Waiting.")).await;
    sim.ask("agents.pause", json!({ "id": ada })).await;
    sim.pass(40 * MINUTE).await;
    assert!(sim.started().await.is_empty());
    assert!(sim.get(issue).await.monitor_next_check_at.is_some(), "it is not lost");
    let by_hand = json!({ "id": issue });
    let refused = sim.try_ask(&Caller::operator(), "monitors.check", by_hand).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    sim.ask("agents.resume", json!({ "id": ada })).await;
    sim.pass(10 * MINUTE).await;
    let again = sim.one().await;
    assert_eq!(said(&again, "wakeReason"), "issue_monitor_due");
    invariants(&sim).await;
}
