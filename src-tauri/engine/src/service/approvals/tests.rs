#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::ErrorCode;
use contract::issue::IssueStatus;
use contract::recovery::OutlookState;
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Ends, Sim, id, invariants, said};

#[tokio::test]
async fn what_an_agent_asks_the_board_is_answered_by_a_wake() {
    let sim = Sim::new(12).await;
    let agent = sim.agent("Ada", json!({})).await;
    let other = sim.agent("Bo", json!({})).await;
    let issue = sim.issue(&agent).await;
    let run = sim.one().await;
    let me = Sim::as_run(&run);
    let ask = json!({ "companyId": sim.company, "type": "request_board_approval", "issueIds": [issue],
        "payload": { "title": "Buy a domain", "apiKey": "secret-of-ours" } });
    let asked = sim.try_ask(&me, "approvals.create", ask.clone()).await.unwrap();
    assert_eq!(
        (asked["requestedByAgentId"].as_str(), asked["status"].as_str()),
        (Some(&*agent), Some("pending"))
    );
    assert!(!asked.to_string().contains("secret-of-ours"));
    let mut for_another = ask;
    for_another["requestedByAgentId"] = other.clone().into();
    assert_eq!(
        sim.try_ask(&me, "approvals.create", for_another).await.unwrap_err().code,
        ErrorCode::Forbidden
    );
    let mut by_hand = json!({ "companyId": sim.company, "type": "budget_override_required", "payload": {} });
    assert!(sim.try_ask(&me, "approvals.create", by_hand.clone()).await.is_err());
    by_hand["companyId"] = sim.company.clone().into();
    assert!(sim.try_ask(&Caller::operator(), "approvals.create", by_hand).await.is_err());

    // While it waits, its issue is in good hands, and may be handed over for review.
    sim.try_ask(&me, "issues.update", json!({ "id": issue, "status": "in_review" })).await.unwrap();
    sim.end(&run, Ends::Well("Asked.")).await;
    sim.pass(Duration::from_secs(600)).await;
    assert_eq!(sim.outlook(issue).await.state, OutlookState::Deciding);
    assert!(sim.started().await.is_empty());

    let about = json!({ "id": asked["id"] });
    let with = |key: &str, v: Value| {
        let mut q = about.clone();
        q[key] = v;
        q
    };
    sim.ask("approvals.request_revision", with("decisionNote", "Which one?".into())).await;
    let asked_back = sim.one().await;
    assert_eq!(said(&asked_back, "wakeReason"), "approval_revision_requested");
    assert_eq!(said(&asked_back, "approvalStatus"), "revision_requested");
    let bo = Caller {
        actor: crate::Actor::Agent { id: other.parse().unwrap(), company: run.company_id, run: None },
    };
    let resubmit = with("payload", json!({ "title": "Buy paperclip.example" }));
    let refused = sim.try_ask(&bo, "approvals.resubmit", resubmit.clone()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Forbidden);
    let me = Sim::as_run(&asked_back);
    sim.try_ask(&me, "approvals.comment", with("body", "This one.".into())).await.unwrap();
    let again = sim.try_ask(&me, "approvals.resubmit", resubmit).await.unwrap();
    assert_eq!(
        (again["status"].as_str(), again["payload"]["title"].as_str()),
        (Some("pending"), Some("Buy paperclip.example"))
    );
    // The answer comes while it is at work on the issue: it is heard right after.
    sim.ask("approvals.approve", about.clone()).await;
    sim.ask("approvals.approve", about.clone()).await;
    assert!(sim.started().await.is_empty());
    sim.end(&asked_back, Ends::Well("Asked again.")).await;
    let told = sim.one().await;
    assert_eq!(
        (said(&told, "approvalId"), said(&told, "approvalStatus")),
        (id(&asked), "approved".to_owned())
    );
    assert_eq!(said(&told, "wakeReason"), "approval_approved");
    assert_eq!(sim.get(issue).await.status, IssueStatus::InReview);
    let ties = sim.ask("issues.approvals", json!({ "id": issue })).await;
    assert_eq!(ties.as_array().unwrap().len(), 1);
    let tie = json!({ "id": issue, "approvalId": asked["id"] });
    assert_eq!(
        sim.try_ask(&me, "issues.approvals.unlink", tie.clone()).await.unwrap_err().code,
        ErrorCode::Forbidden
    );
    sim.ask("issues.approvals.unlink", tie).await;
    assert_eq!(sim.ask("approvals.issues", about.clone()).await, json!([]));
    assert_eq!(sim.ask("approvals.comments", about).await[0]["body"], "This one.");
    invariants(&sim).await;
}

#[tokio::test]
async fn who_is_approved_begins_and_who_is_rejected_is_never_made() {
    let sim = Sim::new(13).await;
    let hire = |name: &str| {
        json!({ "companyId": sim.company, "type": "hire_agent",
            "payload": { "name": name, "adapterType": "claude_local", "budgetMonthlyCents": 400 } })
    };
    let nobody = json!({ "companyId": sim.company, "type": "hire_agent", "payload": { "role": "ceo" } });
    let refused = sim.try_ask(&Caller::operator(), "approvals.create", nobody).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unprocessable, "{refused:?}");
    let (ada, bo) =
        (sim.ask("approvals.create", hire("Ada")).await, sim.ask("approvals.create", hire("Bo")).await);
    let made = sim.ask("approvals.approve", json!({ "id": ada["id"] })).await;
    sim.ask("approvals.reject", json!({ "id": bo["id"] })).await;
    let agents = sim.ask("agents.list", json!({ "companyId": sim.company })).await;
    let names: Vec<_> = agents.as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ada"]);
    assert_eq!(made["payload"]["agentId"], agents[0]["id"]);
    assert_eq!(sim.budgets().await.policies[0].amount.get(), 400);
}
