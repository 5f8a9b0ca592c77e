#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::ErrorCode;
use contract::issue::{Issue, IssuePriority, IssueStatus};
use contract::run::{Run, RunStatus};
use contract::watchdog::SilenceLevel;
use domain::watchdog::EVALUATION;
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Ends, Sim, invariants, said};

const MINUTE: Duration = Duration::from_secs(60);

/// The open look at a run.
async fn look(sim: &Sim, run: &Run) -> Option<Issue> {
    let mut conn = sim.engine.store.read().await.unwrap();
    store::watchdog::open_from(&mut conn, EVALUATION, &run.id.to_string()).await.unwrap()
}

async fn after(sim: &Sim, minutes: u32) {
    sim.pass(MINUTE * minutes).await;
    sim.engine.watch_silence().await.unwrap();
    invariants(sim).await;
}

async fn level(sim: &Sim, run: &Run) -> SilenceLevel {
    let run = sim.ask("runs.get", json!({ "runId": run.id })).await;
    serde_json::from_value(run["outputSilence"]["level"].clone()).unwrap()
}

/// A company with a chief, and Ada at work on an issue.
async fn at_work(seed: u64) -> (Sim, Issue, Run) {
    let sim = Sim::new(seed).await;
    sim.agent("Cora", json!({ "role": "ceo" })).await;
    let ada = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&ada).await;
    let run = sim.one().await;
    let issue = sim.get(issue).await;
    (sim, issue, run)
}

fn decision(run: &Run, what: &str) -> Value {
    json!({ "runId": run.id, "decision": what })
}

#[tokio::test]
async fn silence_is_looked_at_once_and_becomes_pressing() {
    let (sim, issue, run) = at_work(1).await;
    after(&sim, 59).await;
    assert!(look(&sim, &run).await.is_none());
    assert_eq!(level(&sim, &run).await, SilenceLevel::Ok);
    after(&sim, 1).await;
    let first = look(&sim, &run).await.unwrap();
    assert_eq!(first.title, "Review silent active run for Ada");
    assert_eq!(first.priority, IssuePriority::Medium);
    assert!(first.description.unwrap().contains("said nothing for 1 h"));
    assert_eq!(level(&sim, &run).await, SilenceLevel::Suspicious);
    let cora = sim.one().await;
    assert_eq!((cora.issue_id, Some(cora.agent_id)), (Some(first.id), first.assignee_agent_id));
    after(&sim, 60).await;
    assert_eq!(look(&sim, &run).await.unwrap().id, first.id, "once");
    sim.end(&cora, Ends::Well("I wait for it.")).await;
    after(&sim, 121).await;
    let pressing = look(&sim, &run).await.unwrap();
    assert_eq!((pressing.id, pressing.priority), (first.id, IssuePriority::High));
    let shown = sim.ask("issues.get", json!({ "id": issue.id })).await;
    assert_eq!(shown["blockedBy"][0]["id"], json!(first.id), "nothing more is started on it");
    after(&sim, 60).await;
    let words = sim.ask("comments.list", json!({ "id": first.id })).await.to_string();
    assert_eq!(words.matches("The run has now said nothing").count(), 1, "told once");
}

#[tokio::test]
async fn who_was_asked_decides_and_nobody_else() {
    let (sim, _, run) = at_work(2).await;
    after(&sim, 300).await;
    let first = look(&sim, &run).await.unwrap();
    assert_eq!(first.priority, IssuePriority::High, "as pressing as it is from the start");
    let cora = sim.one().await;
    let refused = sim.try_ask(&Sim::as_run(&run), "runs.decide_on_silence", decision(&run, "continue")).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Forbidden);
    let mut elsewhere = decision(&run, "continue");
    elsewhere["evaluationIssueId"] = json!(run.issue_id);
    let refused = sim.try_ask(&Caller::operator(), "runs.decide_on_silence", elsewhere).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Unprocessable);
    let refused = sim.try_ask(&Caller::operator(), "runs.decide_on_silence", decision(&run, "snooze")).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Unprocessable);
    let made = sim.try_ask(&Sim::as_run(&cora), "runs.decide_on_silence", decision(&run, "continue")).await;
    assert_eq!(made.unwrap()["evaluationIssueId"], json!(first.id));
    assert_eq!(sim.get(first.id).await.status, IssueStatus::Done, "the question is answered");
    assert_eq!(level(&sim, &run).await, SilenceLevel::Snoozed);
    after(&sim, 29).await;
    assert!(look(&sim, &run).await.is_none());
    after(&sim, 1).await;
    let second = look(&sim, &run).await.unwrap();
    assert_ne!(second.id, first.id);
    sim.ask("runs.decide_on_silence", decision(&run, "dismissed_false_positive")).await;
    after(&sim, 6000).await;
    assert!(look(&sim, &run).await.is_none(), "for good");
    sim.end(&run, Ends::Well("Done.")).await;
    let late = sim.try_ask(&Caller::operator(), "runs.decide_on_silence", decision(&run, "continue")).await;
    assert_eq!(late.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_snooze_holds_as_long_as_it_says() {
    let (sim, _, run) = at_work(3).await;
    let mut snooze = decision(&run, "snooze");
    snooze["snoozedUntil"] = json!(sim.engine.now().plus(MINUTE * 90));
    sim.ask("runs.decide_on_silence", snooze).await;
    after(&sim, 89).await;
    assert!(look(&sim, &run).await.is_none());
    after(&sim, 1).await;
    assert!(look(&sim, &run).await.is_some());
}

#[tokio::test]
async fn a_look_ends_when_the_run_speaks_or_ends() {
    let (sim, issue, run) = at_work(4).await;
    after(&sim, 60).await;
    let first = look(&sim, &run).await.unwrap();
    let mut spoke = sim.run(run.id).await;
    spoke.last_output_at = Some(sim.engine.now());
    let mut tx = sim.engine.store.write(sim.engine.now()).await.unwrap();
    store::runs::save(&mut tx, &spoke).await.unwrap();
    tx.commit().await.unwrap();
    after(&sim, 0).await;
    assert_eq!(sim.get(first.id).await.status, IssueStatus::Done);
    after(&sim, 300).await;
    let second = look(&sim, &run).await.unwrap();
    sim.end(&run, Ends::Badly("adapter_failed")).await;
    after(&sim, 0).await;
    assert_eq!(sim.get(second.id).await.status, IssueStatus::Done);
    let blockers = sim.ask("issues.get", json!({ "id": issue.id })).await["blockedBy"].clone();
    assert!(blockers.as_array().unwrap().iter().all(|b| b["status"] == "done"), "nothing holds it up");
}

#[tokio::test]
async fn work_that_is_done_does_not_wait_for_its_process() {
    let (sim, issue, run) = at_work(5).await;
    sim.pass(MINUTE).await;
    let done = json!({ "id": issue.id, "status": "done", "comment": "Done." });
    sim.try_ask(&Sim::as_run(&run), "issues.update", done).await.unwrap();
    after(&sim, 59).await;
    assert!(look(&sim, &run).await.is_none());
    let steps = sim.ask("runs.events", json!({ "runId": run.id })).await.to_string();
    assert!(steps.contains("It closed its issue and then said nothing more"), "{steps}");
    sim.end(&run, Ends::Stopped).await;
    assert_eq!(sim.run(run.id).await.status, RunStatus::Cancelled);
    assert!(sim.started().await.is_empty(), "nothing follows");
}

#[tokio::test]
async fn nobody_looks_at_who_looks_and_without_a_manager_the_operator_does() {
    let (sim, _, run) = at_work(6).await;
    after(&sim, 60).await;
    let cora = sim.one().await;
    after(&sim, 600).await;
    assert!(look(&sim, &cora).await.is_none(), "a look at a look");
    assert_eq!(said(&cora, "wakeReason"), "issue_assigned");
    // Cora herself has nobody above her.
    let alone = sim.issue(&cora.agent_id.to_string()).await;
    sim.ask("runs.decide_on_silence", decision(&run, "dismissed_false_positive")).await;
    sim.end(&cora, Ends::Well("Looked at it.")).await;
    let own = sim.started().await.into_iter().find(|r| r.issue_id == Some(alone)).unwrap();
    after(&sim, 60).await;
    let look = look(&sim, &own).await.unwrap();
    assert_eq!((look.assignee_agent_id, look.assignee_user_id.as_deref()), (None, Some("local-board")));
}

#[tokio::test]
async fn time_in_which_nobody_could_watch_is_no_silence() {
    let (sim, _, run) = at_work(7).await;
    sim.pass(MINUTE * 600).await;
    sim.engine.begin_to_watch();
    after(&sim, 59).await;
    assert!(look(&sim, &run).await.is_none());
    after(&sim, 1).await;
    assert!(look(&sim, &run).await.is_some());
}

#[tokio::test]
async fn a_look_that_is_closed_without_a_decision_is_not_begun_again_at_once() {
    let (sim, issue, run) = at_work(8).await;
    after(&sim, 240).await;
    let mut looks = Vec::new();
    for closed in ["done", "cancelled"] {
        let open = look(&sim, &run).await.unwrap();
        sim.ask("issues.update", json!({ "id": open.id, "status": closed })).await;
        looks.push(open.id);
        after(&sim, 1).await;
        let waits = sim.ask("issues.get", json!({ "id": issue.id })).await["blockedBy"].clone();
        assert_eq!(waits, json!([]), "a look that is over holds nothing up");
        // Half an hour the first time, an hour the second.
        after(&sim, 28 * looks.len() as u32).await;
        assert!(look(&sim, &run).await.is_none());
        after(&sim, 5 * looks.len() as u32).await;
    }
    assert!(!looks.contains(&look(&sim, &run).await.unwrap().id));
}

#[tokio::test]
async fn a_run_that_is_stopped_under_a_look_stays_stopped() {
    let (sim, issue, run) = at_work(9).await;
    after(&sim, 300).await;
    for cora in sim.started().await {
        sim.end(&cora, Ends::Well("I wait for it.")).await;
    }
    sim.ask("runs.cancel", json!({ "runId": run.id })).await;
    sim.end(&run, Ends::Stopped).await;
    after(&sim, 5).await;
    Box::pin(sim.engine.sweep()).await.unwrap();
    assert!(look(&sim, &run).await.is_none(), "there is nothing to look at");
    let again = sim.started().await.into_iter().find(|r| r.issue_id == Some(issue.id));
    assert!(again.is_none(), "{again:#?}");
}

#[tokio::test]
async fn a_look_that_waits_for_its_own_issue_keeps_no_other_run_from_being_looked_at() {
    let (sim, issue, run) = at_work(10).await;
    after(&sim, 60).await;
    let first = look(&sim, &run).await.unwrap();
    sim.ask("issues.update", json!({ "id": first.id, "blockedByIssueIds": [issue.id] })).await;
    let bo = sim.agent("Bo", json!({})).await;
    let other = sim.issue(&bo).await;
    let second = sim.started().await.into_iter().find(|r| r.issue_id == Some(other)).unwrap();
    after(&sim, 240).await;
    let now = sim.get(first.id).await;
    assert_eq!((now.priority, now.origin_fingerprint.as_str()), (IssuePriority::High, "critical"));
    assert!(look(&sim, &second).await.is_some());
}

#[tokio::test]
async fn a_word_about_a_look_that_is_over_is_kept_and_opens_no_second_one() {
    let (sim, _, run) = at_work(11).await;
    after(&sim, 60).await;
    let first = look(&sim, &run).await.unwrap();
    sim.ask("runs.decide_on_silence", decision(&run, "continue")).await;
    after(&sim, 31).await;
    assert_ne!(look(&sim, &run).await.unwrap().id, first.id);
    sim.ask("comments.add", json!({ "id": first.id, "body": "It was the build." })).await;
    assert_eq!(sim.get(first.id).await.status, IssueStatus::Done);
    let reopened =
        sim.try_ask(&Caller::operator(), "issues.update", json!({ "id": first.id, "status": "todo" })).await;
    assert!(reopened.unwrap_err().message.contains("asks the same already"));
}
