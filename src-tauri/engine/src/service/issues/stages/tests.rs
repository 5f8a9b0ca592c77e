#![allow(clippy::unwrap_used, clippy::expect_used)]

use contract::issue::IssueStatus;
use contract::{ErrorCode, IssueId};
use serde_json::{Value, json};

use crate::sim::{Ends, Sim, invariants, said};

fn agent(id: &str) -> Value {
    json!({ "type": "agent", "agentId": id })
}

fn you() -> Value {
    json!({ "type": "user", "userId": "local-board" })
}

async fn reviewed(sim: &Sim, worker: &str, stages: Value) -> IssueId {
    let policy = json!({ "stages": stages });
    sim.issue_with(json!({ "assigneeAgentId": worker, "executionPolicy": policy })).await
}

#[tokio::test]
async fn work_goes_through_review_and_approval_and_back_until_both_have_said_yes() {
    let sim = Sim::new(1).await;
    let (ada, bo) = (sim.agent("Ada", json!({})).await, sim.agent("Bo", json!({})).await);
    let stages = json!([
        { "type": "review", "participants": [agent(&bo)] },
        { "type": "approval", "participants": [you()] },
    ]);
    let issue = reviewed(&sim, &ada, stages).await;
    let work = sim.one().await;
    let done = |comment: &str| json!({ "id": issue, "status": "done", "comment": comment });
    sim.try_ask(&Sim::as_run(&work), "issues.update", done("Ready.")).await.unwrap();
    let now = sim.get(issue).await;
    assert_eq!((now.status, now.assignee_agent_id), (IssueStatus::InReview, Some(bo.parse().unwrap())));
    sim.end(&work, Ends::Well("Handed in.")).await;
    let review = sim.one().await;
    assert_eq!(said(&review, "wakeReason"), "execution_review_requested");
    // Nobody approves in another's place, and not without a word.
    let refused = sim.try_ask(&crate::Caller::operator(), "issues.update", done("Fine.")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unprocessable);
    let silent = json!({ "id": issue, "status": "done" });
    assert!(sim.try_ask(&Sim::as_run(&review), "issues.update", silent).await.is_err());
    // Bo wants changes: it goes back to Ada, who is woken for that.
    let back = json!({ "id": issue, "status": "in_progress", "comment": "A test is missing." });
    sim.try_ask(&Sim::as_run(&review), "issues.update", back).await.unwrap();
    sim.end(&review, Ends::Well("Sent back.")).await;
    let again = sim.one().await;
    assert_eq!(said(&again, "wakeReason"), "execution_changes_requested");
    assert_eq!(sim.get(issue).await.assignee_agent_id, Some(ada.parse().unwrap()));
    invariants(&sim).await;
    // Ada mends it, Bo approves, the operator approves.
    sim.try_ask(&Sim::as_run(&again), "issues.update", done("With a test.")).await.unwrap();
    sim.end(&again, Ends::Well("Handed in again.")).await;
    let review = sim.one().await;
    sim.try_ask(&Sim::as_run(&review), "issues.update", done("Good.")).await.unwrap();
    sim.end(&review, Ends::Well("Approved.")).await;
    let now = sim.get(issue).await;
    assert_eq!((now.status, now.assignee_user_id.as_deref()), (IssueStatus::InReview, Some("local-board")));
    assert!(sim.started().await.is_empty(), "it waits for a person");
    sim.ask("issues.update", done("Ship it.")).await;
    assert_eq!(sim.get(issue).await.status, IssueStatus::Done);
    let decisions = sim.ask("stages.decisions", json!({ "id": issue })).await;
    let told: Vec<_> = decisions.as_array().unwrap().iter().map(|d| d["outcome"].as_str().unwrap()).collect();
    assert_eq!(told, ["changes_requested", "approved", "approved"]);
    invariants(&sim).await;
}

#[tokio::test]
async fn no_agent_reviews_itself_or_takes_its_reviewers_away() {
    let sim = Sim::new(2).await;
    let ada = sim.agent("Ada", json!({})).await;
    let own_review = json!([{ "type": "review", "participants": [agent(&ada)] }]);
    let issue = reviewed(&sim, &ada, own_review).await;
    let run = sim.one().await;
    // A review by itself is none, and keeps nothing up.
    let done = json!({ "id": issue, "status": "done", "comment": "Done." });
    sim.try_ask(&Sim::as_run(&run), "issues.update", done).await.unwrap();
    assert_eq!(sim.get(issue).await.status, IssueStatus::Done);
    sim.end(&run, Ends::Well("Done.")).await;

    let own_approval = json!([{ "type": "approval", "participants": [agent(&ada)] }]);
    let issue = reviewed(&sim, &ada, own_approval).await;
    let run = sim.one().await;
    let ada = Sim::as_run(&run);
    let done = json!({ "id": issue, "status": "done", "comment": "Done." });
    let refused = sim.try_ask(&ada, "issues.update", done.clone()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unprocessable, "an approval by itself is none");
    for policy in [Value::Null, json!({ "stages": [] })] {
        let without = json!({ "id": issue, "executionPolicy": policy });
        let refused = sim.try_ask(&ada, "issues.update", without).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Forbidden);
    }
    // The operator may, and then it goes through.
    sim.ask("issues.update", json!({ "id": issue, "executionPolicy": null })).await;
    sim.try_ask(&ada, "issues.update", done).await.unwrap();
    assert_eq!(sim.get(issue).await.status, IssueStatus::Done);
}

#[tokio::test]
async fn a_policy_that_names_nobody_is_refused() {
    let sim = Sim::new(3).await;
    let ada = sim.agent("Ada", json!({})).await;
    for stages in [
        json!([{ "type": "review", "participants": [] }]),
        json!([{ "type": "review", "participants": [{ "type": "user", "userId": "somebody" }] }]),
        json!([{ "type": "review", "participants": [agent("018f3b5a-0000-7000-8000-000000000001")] }]),
        json!([{ "type": "vote", "participants": [agent(&ada)] }]),
    ] {
        let issue =
            json!({ "companyId": sim.company, "title": "T", "executionPolicy": { "stages": stages } });
        let refused = sim.try_ask(&crate::Caller::operator(), "issues.create", issue).await.unwrap_err();
        assert!(
            matches!(refused.code, ErrorCode::ValidationError | ErrorCode::Unprocessable),
            "{stages}: {refused:?}"
        );
    }
}
