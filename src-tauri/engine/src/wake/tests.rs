#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::ErrorCode;
use contract::recovery::OutlookState;
use contract::run::{Run, RunStatus};
use serde_json::{Value, json};

use crate::sim::{Ends, Sim, invariants};

const MINUTE: Duration = Duration::from_secs(60);

fn with_timer(seconds: u32) -> Value {
    json!({ "runtimeConfig": { "heartbeat": { "enabled": true, "intervalSec": seconds } } })
}

async fn tick(sim: &Sim, time: Duration) -> Vec<Run> {
    sim.pass(time).await;
    sim.started().await
}

/// What the run would be told to go on with.
async fn session(sim: &Sim, run: &Run) -> bool {
    let ctx = sim.run(run.id).await.context_snapshot.unwrap_or_default();
    !domain::context::wants_fresh_session(&ctx)
}

#[tokio::test]
async fn a_timer_never_goes_on_in_an_earlier_session() {
    let sim = Sim::new(91).await;
    // Nothing but its timer wakes it, and each ring finds the same work.
    let timer = json!({ "runtimeConfig": { "heartbeat": { "enabled": true, "intervalSec": 60, "wakeOnDemand": false } } });
    let ada = sim.agent("Ada", timer).await;
    sim.issue(&ada).await;
    let mut rings = 0;
    for _ in 0..100 {
        for run in tick(&sim, MINUTE).await {
            rings += 1;
            assert!(!session(&sim, &run).await, "ring {rings}: {run:?}");
            sim.end(&run, Ends::Well("Swept.")).await;
        }
    }
    assert!(rings > 50, "{rings}");
}

#[tokio::test]
async fn a_timer_starts_nothing_while_the_only_work_waits_for_an_answer() {
    let sim = Sim::new(92).await;
    let ada = sim.agent("Ada", with_timer(60)).await;
    let issue = sim.issue(&ada).await;
    let run = sim.one().await;
    let card = json!({ "id": issue, "kind": "ask_user_questions", "continuationPolicy": "wake_assignee",
        "payload": { "version": 1, "questions": [{ "id": "q", "prompt": "Which colour?", "selectionMode": "single",
            "options": [{ "id": "a", "label": "Red" }, { "id": "b", "label": "Blue" }] }] } });
    sim.try_ask(&Sim::as_run(&run), "interactions.create", card).await.unwrap();
    sim.end(&run, Ends::Well("I have asked.")).await;
    for _ in 0..60 {
        assert!(tick(&sim, MINUTE).await.is_empty(), "an answer is waited for");
    }
    invariants(&sim).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_silences_no_timer_and_lengthens_no_wait() {
    let sim = Sim::new(93).await;
    let ada = sim.agent("Ada", with_timer(600)).await;
    let issue = sim.issue(&ada).await;
    let first = sim.one().await;
    sim.end(&first, Ends::TurnedAway(None)).await;
    let due = sim.live(issue).await.unwrap().scheduled_retry_at.unwrap();
    let day = Duration::from_secs(86_400);
    let left = due.since(sim.engine.now());
    sim.set_back(day);
    sim.engine.set_back(day).await.unwrap();
    let now = sim.live(issue).await.unwrap().scheduled_retry_at.unwrap();
    assert_eq!(now.since(sim.engine.now()), left, "the wait is as long as it was");
    // Its last heartbeat lies a day ahead: the timer rings within its interval all the same.
    let agent: contract::agent::Agent =
        serde_json::from_value(sim.ask("agents.get", json!({ "id": ada })).await).unwrap();
    let policy = domain::agent::HeartbeatPolicy::of(&agent.runtime_config);
    let next = policy.next_timer(agent.last_heartbeat_at, agent.created_at, sim.engine.now()).unwrap();
    assert!(next.since(sim.engine.now()) <= Duration::from_secs(600));
}

#[tokio::test]
async fn who_asks_by_hand_does_not_wait_for_the_time_of_a_retry() {
    let sim = Sim::new(94).await;
    let ada = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&ada).await;
    let first = sim.one().await;
    sim.end(&first, Ends::TurnedAway(Some(sim.engine.now().plus(MINUTE * 2)))).await;
    sim.pass(MINUTE).await;
    assert!(sim.started().await.is_empty());
    let wake = json!({ "id": ada, "payload": { "issueId": issue } });
    let out = sim.ask("agents.wake", wake).await;
    assert_eq!(out["status"], "queued", "{out}");
    sim.pass(MINUTE * 2).await;
    assert_eq!(sim.one().await.issue_id, Some(issue));
    invariants(&sim).await;
}

#[tokio::test]
async fn one_conversation_is_gone_on_with_by_one_run_at_a_time() {
    let sim = Sim::new(95).await;
    let ada = sim.agent("Ada", json!({})).await;
    let wake = || sim.ask("agents.wake", json!({ "id": ada }));
    wake().await;
    let first = sim.one().await;
    wake().await;
    wake().await;
    assert!(sim.started().await.is_empty(), "it would resume the same session");
    let waiting: Vec<Run> = {
        let mut conn = sim.engine.store.read().await.unwrap();
        store::runs::with_status(&mut conn, RunStatus::Queued).await.unwrap()
    };
    assert_eq!(waiting.len(), 1);
    let said_of = sim.ask("runs.outlook", json!({ "runId": waiting[0].id })).await;
    assert_eq!(said_of["state"], OutlookState::Queued.as_str());
    assert!(said_of["reason"].as_str().unwrap().contains("same conversation"), "{said_of}");
    sim.end(&first, Ends::Well("Done.")).await;
    assert_eq!(sim.one().await.id, waiting[0].id);
    invariants(&sim).await;
}

#[tokio::test]
async fn no_lock_is_ever_given_to_a_run_that_is_over() {
    let sim = Sim::new(96).await;
    let ada = sim.agent("Ada", json!({})).await;
    let mine = sim.issue(&ada).await;
    let run = sim.one().await;
    sim.end(&run, Ends::Well("Done.")).await;
    for run in sim.started().await {
        sim.end(&run, Ends::Well("Done.")).await;
    }
    sim.ask("issues.update", json!({ "id": mine, "status": "todo" })).await;
    let over = Sim::as_run(&run);
    let checkout = json!({ "id": mine, "agentId": ada, "expectedStatuses": ["todo", "in_progress"] });
    let update = json!({ "id": mine, "status": "in_progress" });
    for (operation, input) in [("issues.checkout", checkout), ("issues.update", update)] {
        let refused = sim.try_ask(&over, operation, input).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Conflict, "{operation}: {refused}");
    }
    assert_eq!(sim.get(mine).await.checkout_run_id, None);
    invariants(&sim).await;
}

#[tokio::test]
async fn a_wake_that_names_an_earlier_run_goes_on_in_its_session_and_in_no_other_agents() {
    let sim = Sim::new(98).await;
    let (ada, bo) = (sim.agent("Ada", json!({})).await, sim.agent("Bo", json!({})).await);
    sim.issue(&ada).await;
    let first = sim.one().await;
    sim.end(&first, Ends::Well("Half of it.")).await;
    let mut tx = sim.engine.store.write(sim.engine.now()).await.unwrap();
    let mut ended = store::runs::get(&mut tx, first.id).await.unwrap().unwrap();
    ended.session_id_after = Some("talk-1".to_owned());
    store::runs::save(&mut tx, &ended).await.unwrap();
    tx.commit().await.unwrap();
    sim.started().await;
    for (agent, session) in [(&ada, Some("talk-1")), (&bo, None)] {
        let other = sim.issue(agent).await;
        let payload = json!({ "issueId": other, "resumeFromRunId": first.id });
        sim.ask("agents.wake", json!({ "id": agent, "payload": payload })).await;
        let run = sim.started().await.into_iter().find(|r| r.issue_id == Some(other)).expect("a run");
        let mut conn = sim.engine.store.read().await.unwrap();
        let agent = store::agents::get(&mut conn, run.agent_id).await.unwrap().unwrap();
        let ctx = run.context_snapshot.clone().unwrap();
        let told = sim.engine.session_of(&mut conn, &run, &agent, &ctx).await.unwrap();
        assert_eq!(told.and_then(|s| Some(s.get("sessionId")?.as_str()?.to_owned())).as_deref(), session);
    }
}
