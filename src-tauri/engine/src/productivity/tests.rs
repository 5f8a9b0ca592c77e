#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::IssueId;
use contract::issue::{Issue, IssuePriority, IssueStatus};
use domain::productivity::REVIEW;
use serde_json::json;

use crate::sim::{Ends, Sim, invariants, said};

const MINUTE: Duration = Duration::from_secs(60);

async fn reviews(sim: &Sim, issue: IssueId) -> Vec<Issue> {
    sim.engine.review_productivity().await.unwrap();
    invariants(sim).await;
    let mut conn = sim.engine.store.read().await.unwrap();
    store::watchdog::all_from(&mut conn, REVIEW, &issue.to_string()).await.unwrap()
}

/// Runs that say nothing in the thread, an hour apart.
async fn mute_runs(sim: &Sim, agent: &str, issue: IssueId, runs: usize) {
    for _ in 0..runs {
        sim.pass(MINUTE * 61).await;
        let wake = json!({ "id": agent, "reason": "manual", "payload": { "issueId": issue } });
        sim.ask("agents.wake", wake).await;
        for run in sim.started().await {
            sim.end(&run, Ends::Badly("adapter_failed")).await;
        }
    }
}

#[tokio::test]
async fn an_issue_that_gets_nowhere_is_reviewed_once_and_not_sent_on() {
    let sim = Sim::new(1).await;
    sim.agent("Cora", json!({ "role": "ceo" })).await;
    let ada = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&ada).await;
    let first = sim.one().await;
    sim.end(&first, Ends::Badly("adapter_failed")).await;
    mute_runs(&sim, &ada, issue, 5).await;
    assert!(reviews(&sim, issue).await.is_empty());
    mute_runs(&sim, &ada, issue, 12).await;
    let mut open = sim.get(issue).await;
    if open.status == IssueStatus::Blocked {
        // Recovery asked somebody before: back to work.
        sim.ask("issues.update", json!({ "id": issue, "status": "in_progress", "assigneeAgentId": ada }))
            .await;
        mute_runs(&sim, &ada, issue, 1).await;
        open = sim.get(issue).await;
    }
    assert!(matches!(open.status, IssueStatus::Todo | IssueStatus::InProgress), "{open:?}");
    let review = reviews(&sim, issue).await.remove(0);
    assert_eq!((review.parent_id, review.priority), (Some(issue), IssuePriority::High));
    assert_eq!(reviews(&sim, issue).await.len(), 1, "one at a time");
    let shown = sim.ask("issues.get", json!({ "id": issue })).await;
    assert_eq!(shown["productivityReview"]["trigger"], "no_comment_streak");
    assert!(shown["productivityReview"]["noCommentStreak"].as_i64().unwrap() >= 10);
    // Reminded of once an hour, three times.
    for _ in 0..6 {
        sim.pass(MINUTE * 61).await;
        reviews(&sim, issue).await;
    }
    let words = sim.ask("comments.list", json!({ "id": review.id })).await.to_string();
    assert_eq!(words.matches("left no word in its thread").count(), 3, "{words}");
}

/// An issue on which runs were started and stopped ten times within the hour.
async fn churned(sim: &Sim, agent: &str) -> IssueId {
    let issue = sim.issue(agent).await;
    for n in 0..11 {
        if n > 0 {
            let wake = json!({ "id": agent, "reason": "manual", "payload": { "issueId": issue } });
            sim.ask("agents.wake", wake).await;
        }
        let run = sim.one().await;
        if n == 10 {
            break;
        }
        sim.ask("runs.cancel", json!({ "runId": run.id })).await;
        sim.end(&run, Ends::Stopped).await;
        sim.pass(MINUTE).await;
    }
    issue
}

#[tokio::test]
async fn an_agent_under_review_is_sent_on_when_the_review_is_over() {
    for held in [false, true] {
        let sim = Sim::new(2).await;
        let ada = sim.agent("Ada", json!({})).await;
        let issue = churned(&sim, &ada).await;
        let run = sim.live(issue).await.unwrap();
        if held {
            let review = reviews(&sim, issue).await.remove(0);
            assert_eq!(review.assignee_user_id.as_deref(), Some("local-board"), "nobody is above Ada");
        }
        sim.end(&run, Ends::Well("I will now begin with the parser.")).await;
        let next = sim.started().await;
        let sent_on = next.iter().any(|r| said(r, "wakeReason") == "run_liveness_continuation");
        assert_eq!(sent_on, !held, "{next:#?}");
        if held {
            let review = reviews(&sim, issue).await.remove(0);
            sim.ask("issues.update", json!({ "id": review.id, "status": "done" })).await;
            assert_eq!(said(&sim.one().await, "wakeReason"), "productivity_review_resolved");
        }
    }
}

#[tokio::test]
async fn a_review_ends_with_the_work_and_is_no_sub_issue_that_counts() {
    let sim = Sim::new(4).await;
    sim.agent("Cora", json!({ "role": "ceo" })).await;
    let ada = sim.agent("Ada", json!({})).await;
    let issue = churned(&sim, &ada).await;
    let run = sim.live(issue).await.unwrap();
    let child = sim.issue_with(json!({ "parentId": issue })).await;
    let review = reviews(&sim, issue).await.remove(0);
    let cora = sim.one().await;
    let ctx = cora.context_snapshot.clone().unwrap();
    assert_eq!((cora.issue_id, ctx["allowDocumentUpdates"].as_bool()), (Some(review.id), Some(false)));
    sim.end(&run, Ends::Well("Waiting for the sub-issue.")).await;
    sim.end(&cora, Ends::Well("I have looked.")).await;
    for r in sim.started().await {
        sim.end(&r, Ends::Well("Nothing to add.")).await;
    }
    sim.ask("issues.update", json!({ "id": child, "status": "done" })).await;
    let woken: Vec<_> = sim.started().await;
    assert!(woken.iter().any(|r| said(r, "wakeReason") == "issue_children_completed"), "{woken:#?}");
    sim.ask("issues.update", json!({ "id": issue, "status": "done" })).await;
    reviews(&sim, issue).await;
    assert_eq!(sim.get(review.id).await.status, IssueStatus::Done);
}

#[tokio::test]
async fn long_work_is_looked_at_in_peace_and_its_review_holds_for_six_hours() {
    let sim = Sim::new(3).await;
    let ada = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&ada).await;
    let run = sim.one().await;
    sim.try_ask(
        &Sim::as_run(&run),
        "issues.checkout",
        json!({ "id": issue, "agentId": ada, "expectedStatuses": ["todo"] }),
    )
    .await
    .unwrap();
    sim.pass(MINUTE * 359).await;
    assert!(reviews(&sim, issue).await.is_empty());
    sim.pass(MINUTE).await;
    let review = reviews(&sim, issue).await.remove(0);
    assert_eq!(review.priority, IssuePriority::Medium);
    sim.ask("issues.update", json!({ "id": review.id, "status": "done" })).await;
    sim.pass(MINUTE * 359).await;
    assert_eq!(reviews(&sim, issue).await.len(), 1);
    sim.pass(MINUTE).await;
    assert_eq!(reviews(&sim, issue).await.len(), 2);
}
