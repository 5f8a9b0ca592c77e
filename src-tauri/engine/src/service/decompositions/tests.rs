#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use contract::child::DecomposePlan;
use contract::operations::DecomposePlanOp;
use contract::run::Run;
use contract::{ErrorCode, IssueId};
use serde_json::{Value, json};

use crate::Caller;
use crate::dispatch::Handle;
use crate::sim::{Ends, Sim, id, invariants, said};

/// An issue whose plan the board accepted, and the run that was woken by that.
struct Planned {
    sim: Sim,
    agent: String,
    issue: IssueId,
    revision: String,
    run: Run,
}

impl Planned {
    async fn accepted(seed: u64) -> Self {
        let sim = Sim::new(seed).await;
        let agent = sim.agent("Ada", json!({})).await;
        let issue = sim.issue_with(json!({ "assigneeAgentId": agent, "workMode": "planning" })).await;
        let planning = sim.one().await;
        let ada = Sim::as_run(&planning);
        let plan = json!({ "id": issue, "key": "plan", "format": "markdown", "body": "1. a\n2. b" });
        let written = sim.try_ask(&ada, "documents.put", plan).await.unwrap();
        let revision = written["latestRevisionId"].as_str().unwrap().to_owned();
        let target = json!({ "type": "issue_document", "key": "plan", "revisionId": revision });
        let card = json!({ "id": issue, "kind": "request_confirmation",
            "payload": { "version": 1, "prompt": "Shall I?", "target": target } });
        let card = sim.try_ask(&ada, "interactions.create", card).await.unwrap();
        sim.end(&planning, Ends::Well("Planned.")).await;
        assert!(sim.started().await.is_empty(), "it waits for the board");
        sim.ask("interactions.accept", json!({ "id": issue, "interactionId": id(&card) })).await;
        let run = sim.one().await;
        Self { sim, agent, issue, revision, run }
    }

    fn input(&self, titles: &[&str]) -> Value {
        let child =
            |t: &&str| json!({ "title": t, "assigneeAgentId": self.agent, "blockParentUntilDone": true });
        let children: Vec<Value> = titles.iter().map(child).collect();
        json!({ "id": self.issue, "acceptedPlanRevisionId": self.revision, "children": children })
    }

    /// Titles of what stands below the issue, in the order in which it was made.
    async fn below(&self) -> Vec<String> {
        let all = self
            .sim
            .ask("issues.list", json!({ "companyId": self.sim.company, "parentId": self.issue }))
            .await;
        let mut all: Vec<_> = all.as_array().unwrap().clone();
        all.sort_by_key(|i| i["issueNumber"].as_i64());
        all.iter().map(|i| i["title"].as_str().unwrap().to_owned()).collect()
    }

    async fn state(&self) -> Value {
        self.sim.ask("plans.list", json!({ "id": self.issue })).await
    }
}

#[tokio::test]
async fn an_accepted_plan_becomes_issues_once_however_often_it_is_asked_for() {
    let p = Planned::accepted(1).await;
    assert_eq!(said(&p.run, "workspaceRefreshReason"), "accepted_plan_confirmation");
    assert_eq!(p.run.context_snapshot.as_ref().unwrap()["forceFreshSession"], true);
    let ada = Sim::as_run(&p.run);
    // Two at once, as when an agent gives up waiting and asks again.
    let (one, two) = tokio::join!(
        p.sim.try_ask(&ada, "plans.decompose", p.input(&["a", "b", "c"])),
        p.sim.try_ask(&ada, "plans.decompose", p.input(&["a", "b", "c"])),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let made = |v: &Value| v["newlyCreatedChildIssueIds"].as_array().unwrap().len();
    assert_eq!(made(&one) + made(&two), 3, "{one:#} {two:#}");
    let again = p.sim.try_ask(&ada, "plans.decompose", p.input(&["a", "b", "c"])).await.unwrap();
    assert_eq!(made(&again), 0);
    assert_eq!(again["decomposition"]["status"], "completed");
    assert_eq!(p.below().await, ["a", "b", "c"]);
    // Other children of the same plan are refused, and so is who has no part in it.
    let other = p.sim.try_ask(&ada, "plans.decompose", p.input(&["a", "b", "d"])).await.unwrap_err();
    assert_eq!(other.code, ErrorCode::Conflict);
    let bo = p.sim.agent("Bo", json!({})).await;
    let stranger = Caller {
        actor: crate::Actor::Agent { id: bo.parse().unwrap(), company: p.run.company_id, run: None },
    };
    let refused = p.sim.try_ask(&stranger, "plans.decompose", p.input(&["a", "b", "c"])).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Forbidden);
    // The plan's issue waits for what it became, and the run that made it ends without another.
    p.sim.ask("issues.update", json!({ "id": p.issue, "status": "blocked" })).await;
    p.sim.end(&p.run, Ends::Well("Made.")).await;
    let on: Vec<_> = p.sim.started().await.into_iter().filter(|r| r.issue_id == Some(p.issue)).collect();
    assert!(on.is_empty(), "nobody works on the plan's own issue: {on:#?}");
    invariants(&p.sim).await;
}

#[tokio::test]
async fn nothing_becomes_of_a_plan_that_was_not_accepted_or_cannot_be_made() {
    let p = Planned::accepted(2).await;
    let ada = Sim::as_run(&p.run);
    let put = json!({ "id": p.issue, "key": "plan", "format": "markdown", "body": "1. other",
                      "baseRevisionId": p.revision });
    let newer = p.sim.ask("documents.put", put).await;
    let mut input = p.input(&["a"]);
    input["acceptedPlanRevisionId"] = newer["latestRevisionId"].clone();
    let refused = p.sim.try_ask(&ada, "plans.decompose", input).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unprocessable, "{refused:?}");
    // The last of three cannot be: none of them is.
    let mut input = p.input(&["a", "b", "c"]);
    input["children"][2]["assigneeAgentId"] = json!("nobody-of-this-name");
    let refused = p.sim.try_ask(&ada, "plans.decompose", input).await.unwrap_err();
    assert!(refused.message.starts_with("children[2]: "), "{refused:?}");
    for bad in [json!([]), json!(vec![json!({ "title": "x" }); 26])] {
        let mut input = p.input(&[]);
        input["children"] = bad;
        assert!(p.sim.try_ask(&ada, "plans.decompose", input).await.is_err());
    }
    assert!(p.below().await.is_empty());
    assert_eq!(p.state().await, json!([]));
    // And the same plan, mended, goes through.
    p.sim.try_ask(&ada, "plans.decompose", p.input(&["a"])).await.unwrap();
    assert_eq!(p.below().await, ["a"]);
}

/// Polls a future so often and drops it then: what a crash at that point leaves.
async fn cut_short<F: Future>(after: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    std::future::poll_fn(move |cx| {
        if polls == after {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_crash_at_any_point_loses_no_child_and_makes_none_twice() {
    let titles = ["a", "b", "c", "d"];
    let (mut interrupted, mut half) = (0, 0);
    for after in (1..600).step_by(3) {
        let p = Planned::accepted(100 + after as u64).await;
        let ada = Sim::as_run(&p.run);
        // Not by way of a door: what a door has begun goes on when its caller leaves.
        let input: DecomposePlan = serde_json::from_value(p.input(&titles)).unwrap();
        let call = Box::pin(Handle::<DecomposePlanOp>::handle(&p.sim.engine, &ada, input));
        let done = cut_short(after, call).await;
        // Whatever the transaction that was cut short held is given back before anybody else writes.
        let claimed = p.state().await.as_array().unwrap().len() == 1;
        let there = p.below().await.len();
        interrupted += usize::from(done.is_none());
        half += usize::from(claimed && (1..titles.len()).contains(&there));
        assert!(claimed || there == 0, "children without a claim");
        // The run that began it is gone; the program goes on by itself.
        p.sim.end(&p.run, Ends::Lost).await;
        p.sim.pass(Duration::from_secs(600)).await;
        p.sim.engine.sweep().await.unwrap();
        if claimed {
            assert_eq!(p.below().await, titles, "cut short after {after} steps");
            assert_eq!(p.state().await[0]["status"], "completed");
        }
        // And whoever asks again, finds it done or does it.
        let late = p.sim.ask("plans.decompose", p.input(&titles)).await;
        assert_eq!(late["childIssueIds"].as_array().unwrap().len(), titles.len());
        assert_eq!(p.below().await, titles);
        invariants(&p.sim).await;
        if done.is_some() {
            break;
        }
    }
    assert!(interrupted > 3 && half > 0, "the cuts fell where they matter: {interrupted}, {half}");
}
