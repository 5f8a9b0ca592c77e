#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::issue::IssueStatus;
use contract::recovery::{OutlookAction, OutlookState, RecoveryOwnerType, RecoveryStatus};
use contract::run::RunStatus;
use serde_json::json;

use crate::Caller;
use crate::sim::{Ends, Sim, invariants, said};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_run_that_the_provider_turned_away_is_tried_again_when_the_provider_said() {
    let sim = Sim::new(1).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let first = sim.one().await;
    let reset = sim.engine.now().plus(63 * MINUTE);
    sim.end(&first, Ends::TurnedAway(Some(reset))).await;
    invariants(&sim).await;

    let waiting = sim.live(issue).await.unwrap();
    assert_eq!((waiting.status, waiting.scheduled_retry_at), (RunStatus::ScheduledRetry, Some(reset)));
    assert_eq!(sim.get(issue).await.execution_run_id, Some(waiting.id), "the issue stays its own");
    let outlook = sim.outlook(issue).await;
    assert_eq!(
        (outlook.state, outlook.at, outlook.action),
        (OutlookState::Scheduled, Some(reset), Some(OutlookAction::RetryNow))
    );
    sim.pass(62 * MINUTE).await;
    assert!(sim.started().await.is_empty(), "not before its time");
    sim.pass(MINUTE).await;
    let second = sim.one().await;
    assert_eq!(said(&second, "wakeReason"), "transient_failure_retry");
    assert_eq!(second.scheduled_retry_attempt, 1);
}

#[tokio::test]
async fn tries_end_after_four_and_somebody_is_asked() {
    let sim = Sim::new(2).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let mut runs = 0;
    while sim.recovery(issue).await.is_none() {
        for run in sim.started().await {
            runs += 1;
            sim.end(&run, Ends::TurnedAway(None)).await;
        }
        invariants(&sim).await;
        sim.pass(30 * MINUTE).await;
        assert!(runs < 20, "it never ends");
    }
    assert_eq!(runs, 1 + 4 + 3, "the first, its tries, and the continuations that its class allows");
    assert_eq!(sim.get(issue).await.status, IssueStatus::Blocked);
}

#[tokio::test]
async fn an_account_that_is_turned_away_makes_all_its_agents_wait_and_one_of_them_tries_first() {
    let sim = Sim::new(3).await;
    let key = json!({ "adapterConfig": { "env": { "ANTHROPIC_API_KEY": "one-account" } } });
    let other = json!({ "adapterConfig": { "env": { "ANTHROPIC_API_KEY": "another-account" } } });
    let first = sim.agent("Ada", key.clone()).await;
    sim.issue(&first).await;
    let run = sim.one().await;
    let reset = sim.engine.now().plus(60 * MINUTE);
    sim.end(&run, Ends::TurnedAway(Some(reset))).await;

    for name in ["Bo", "Cy", "Di"] {
        let agent = sim.agent(name, key.clone()).await;
        let issue = sim.issue(&agent).await;
        assert!(sim.started().await.is_empty(), "{name} waits");
        let outlook = sim.outlook(issue).await;
        assert_eq!((outlook.state, outlook.at), (OutlookState::Queued, Some(reset)), "{outlook:?}");
    }
    let free = sim.agent("Eve", other).await;
    sim.issue(&free).await;
    let eve = sim.one().await;
    sim.end(&eve, Ends::Well("Done.")).await;

    sim.pass(60 * MINUTE).await;
    let mut probe: Vec<_> = sim.started().await;
    probe.retain(|r| r.agent_id != free.parse().unwrap());
    assert_eq!(probe.len(), 1, "exactly one tries");
    let again = sim.engine.now().plus(30 * MINUTE);
    sim.end(&probe[0], Ends::TurnedAway(Some(again))).await;
    sim.pass(29 * MINUTE).await;
    assert!(sim.started().await.is_empty(), "and all wait once more");
    sim.pass(MINUTE).await;
    let probe = sim.one().await;
    sim.end(&probe, Ends::Well("It works.")).await;
    sim.settle().await;
    assert!(sim.started().await.len() >= 2, "the others follow");
}

#[tokio::test]
async fn turns_that_run_out_go_on_twice() {
    let sim = Sim::new(4).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    for attempt in 0..3 {
        let run = sim.one().await;
        assert_eq!(run.scheduled_retry_attempt, attempt);
        sim.end(&run, Ends::Badly("max_turns_exhausted")).await;
        invariants(&sim).await;
        sim.pass(Duration::from_secs(1)).await;
    }
    // One continuation by recovery, as for every failure, and then a person.
    let run = sim.one().await;
    assert_eq!(said(&run, "wakeReason"), "issue_continuation_needed");
    sim.end(&run, Ends::Badly("max_turns_exhausted")).await;
    let mut more = 0;
    while sim.recovery(issue).await.is_none() {
        sim.pass(Duration::from_secs(2)).await;
        for run in sim.started().await {
            more += 1;
            sim.end(&run, Ends::Badly("max_turns_exhausted")).await;
        }
        assert!(more < 10, "it never ends");
    }
}

#[tokio::test]
async fn what_only_a_person_can_mend_is_shown_at_once_and_never_tried_again() {
    let sim = Sim::new(5).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let run = sim.one().await;
    sim.end(&run, Ends::Badly("claude_auth_required")).await;
    invariants(&sim).await;
    let action = sim.recovery(issue).await.unwrap();
    assert_eq!((action.status, action.owner_type), (RecoveryStatus::Escalated, RecoveryOwnerType::Board));
    assert_eq!(sim.get(issue).await.status, IssueStatus::Blocked);
    sim.pass(600 * MINUTE).await;
    sim.engine.sweep().await.unwrap();
    assert!(sim.started().await.is_empty());
    let outlook = sim.outlook(issue).await;
    assert_eq!(
        (outlook.state, outlook.action),
        (OutlookState::Recovering, Some(OutlookAction::ResolveRecovery))
    );

    let resolved = json!({ "id": issue, "outcome": "restored", "sourceIssueStatus": "todo", "resolutionNote": "Logged in." });
    sim.ask("recovery.resolve", resolved.clone()).await;
    assert!(sim.recovery(issue).await.is_none());
    let run = sim.one().await;
    assert_eq!(said(&run, "wakeReason"), "issue_recovery_action_restored");
    let twice = sim.try_ask(&Caller::operator(), "recovery.resolve", resolved).await;
    assert!(twice.is_err(), "it is over");
}

#[tokio::test]
async fn a_manager_is_asked_and_what_they_leave_goes_to_the_operator() {
    let sim = Sim::new(6).await;
    let boss = sim.agent("Boss", json!({ "role": "ceo" })).await;
    let agent = sim.agent("Ada", json!({ "reportsTo": boss })).await;
    let issue = sim.issue(&agent).await;
    let run = sim.one().await;
    sim.end(&run, Ends::Badly("cwd_missing")).await;
    let action = sim.recovery(issue).await.unwrap();
    assert_eq!(action.owner_agent_id.unwrap().to_string(), boss);
    let asked = sim.one().await;
    assert_eq!(
        (asked.agent_id.to_string(), said(&asked, "wakeReason").as_str()),
        (boss, "source_scoped_recovery_action")
    );
    assert_eq!(said(&asked, "recoveryIntent"), "status_only");
    let document = json!({ "id": issue, "key": "notes", "format": "markdown", "body": "x" });
    let refused = sim.try_ask(&Sim::as_run(&asked), "documents.put", document).await.unwrap_err();
    assert_eq!(refused.code, contract::ErrorCode::Forbidden);
    sim.end(&asked, Ends::Badly("cwd_missing")).await;
    let action = sim.recovery(issue).await.unwrap();
    assert_eq!((action.status, action.owner_type), (RecoveryStatus::Escalated, RecoveryOwnerType::Board));
    sim.pass(600 * MINUTE).await;
    sim.engine.sweep().await.unwrap();
    assert!(sim.started().await.is_empty(), "there is no recovery of a recovery");
}

#[tokio::test]
async fn a_run_that_ends_well_and_settles_nothing_is_asked_once_and_then_shown() {
    let sim = Sim::new(7).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let run = sim.one().await;
    let comment = json!({ "id": issue, "body": "I changed the parser." });
    sim.try_ask(&Sim::as_run(&run), "comments.add", comment).await.unwrap();
    sim.end(&run, Ends::Well("I changed the parser.")).await;
    assert_eq!(sim.run(run.id).await.liveness_state.as_deref(), Some("advanced"));
    let asked = sim.one().await;
    assert_eq!(said(&asked, "wakeReason"), "finish_successful_run_handoff");
    sim.end(&asked, Ends::Well("Hm.")).await;
    invariants(&sim).await;
    let action = sim.recovery(issue).await.unwrap();
    assert_eq!(action.cause, "successful_run_missing_state");
}

#[tokio::test]
async fn announced_work_is_continued_twice_and_no_more() {
    let sim = Sim::new(8).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let mut reasons = Vec::new();
    for _ in 0..6 {
        for run in sim.started().await {
            reasons.push(said(&run, "wakeReason"));
            sim.end(&run, Ends::Well("I'll fix the parser next.")).await;
        }
        sim.pass(10 * MINUTE).await;
        sim.engine.sweep().await.unwrap();
    }
    assert_eq!(reasons, ["issue_assigned", "run_liveness_continuation", "run_liveness_continuation"]);
    let outlook = sim.outlook(issue).await;
    assert_eq!((outlook.state, outlook.action), (OutlookState::Stalled, Some(OutlookAction::Wake)));
}

#[tokio::test]
async fn a_persons_comment_does_not_wait_for_a_try_at_a_later_time() {
    let sim = Sim::new(9).await;
    let agent = sim.agent("Ada", json!({ "adapterConfig": { "env": { "ANTHROPIC_API_KEY": "k" } } })).await;
    let issue = sim.issue(&agent).await;
    let run = sim.one().await;
    sim.end(&run, Ends::Badly("max_turns_exhausted")).await;
    let waiting = sim.live(issue).await.unwrap();
    sim.ask("comments.add", json!({ "id": issue, "body": "Leave the parser." })).await;
    assert_eq!(sim.run(waiting.id).await.status, RunStatus::Cancelled);
    let run = sim.one().await;
    assert_eq!(said(&run, "wakeReason"), "issue_commented");
    invariants(&sim).await;
}

#[tokio::test]
async fn a_try_can_be_had_now_and_is_given_up_when_its_issue_is_not_its_agents_any_more() {
    let sim = Sim::new(10).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let run = sim.one().await;
    sim.end(&run, Ends::Badly("max_turns_exhausted")).await;
    let now = sim.ask("issues.retry_now", json!({ "id": issue })).await;
    assert_eq!(now["outcome"], "promoted", "{now}");
    let run = sim.one().await;
    sim.end(&run, Ends::Badly("max_turns_exhausted")).await;
    let waiting = sim.live(issue).await.unwrap();
    let other = sim.agent("Bo", json!({})).await;
    sim.ask("issues.update", json!({ "id": issue, "assigneeAgentId": other })).await;
    sim.pass(MINUTE).await;
    let gone = sim.run(waiting.id).await;
    assert_eq!((gone.status, gone.error_code.as_deref()), (RunStatus::Cancelled, Some("issue_reassigned")));
    assert_eq!(sim.one().await.agent_id.to_string(), other, "who has it now takes it up");
    invariants(&sim).await;
}

#[tokio::test]
async fn what_the_operator_stopped_stays_stopped_and_says_so() {
    let sim = Sim::new(11).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let run = sim.one().await;
    sim.ask("runs.cancel", json!({ "runId": run.id })).await;
    sim.end(&run, Ends::Badly("cancelled")).await;
    sim.pass(60 * MINUTE).await;
    sim.engine.sweep().await.unwrap();
    assert!(sim.started().await.is_empty());
    let outlook = sim.outlook(issue).await;
    assert_eq!(
        (outlook.state, outlook.action),
        (OutlookState::Stalled, Some(OutlookAction::Wake)),
        "{outlook:?}"
    );
}

#[tokio::test]
async fn work_that_was_never_begun_is_found_by_the_sweep() {
    let sim = Sim::new(12).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let queued = sim.live(issue).await.unwrap();
    let mut tx = sim.engine.store.write(sim.engine.now()).await.unwrap();
    let mut run = queued.clone();
    run.status = RunStatus::Cancelled;
    run.error_code = Some("issue_dependencies_blocked".to_owned());
    store::runs::save(&mut tx, &run).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sim.engine.sweep().await.unwrap(), 1);
    assert_eq!(said(&sim.one().await, "wakeReason"), "issue_assigned");
    assert_eq!(sim.engine.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_lost_process_is_tried_once_more_and_then_goes_the_way_of_every_failure() {
    let sim = Sim::new(13).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let mut reasons = Vec::new();
    while sim.recovery(issue).await.is_none() {
        for mut run in sim.started().await {
            reasons.push(said(&run, "wakeReason"));
            let mut tx = sim.engine.store.write(sim.engine.now()).await.unwrap();
            run.process_pid = Some(1);
            store::runs::save(&mut tx, &run).await.unwrap();
            tx.commit().await.unwrap();
            sim.end(&run, Ends::Lost).await;
        }
        invariants(&sim).await;
        assert!(reasons.len() < 10, "{reasons:?}");
    }
    assert_eq!(reasons, ["issue_assigned", "process_lost_retry", "issue_continuation_needed"]);
}

#[tokio::test]
async fn what_somebody_said_while_everything_was_paused_is_heard_afterwards() {
    let sim = Sim::new(14).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = json!({ "companyId": sim.company, "title": "Somebody else's" });
    let issue: contract::IssueId = crate::sim::id(&sim.ask("issues.create", issue).await).parse().unwrap();
    sim.ask("instance.pause", json!({})).await;
    sim.ask("comments.add", json!({ "id": issue, "body": "@ada please look" })).await;
    assert!(sim.started().await.is_empty());
    sim.pass(MINUTE).await;
    sim.ask("instance.resume", json!({})).await;
    let run = sim.one().await;
    assert_eq!(
        (run.agent_id.to_string(), said(&run, "wakeReason").as_str()),
        (agent, "issue_comment_mentioned")
    );
}
