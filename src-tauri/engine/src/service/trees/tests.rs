#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::issue::IssueStatus;
use contract::recovery::{OutlookAction, OutlookState};
use contract::run::{Run, RunStatus};
use contract::{ErrorCode, IssueId};
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Ends, Sim, invariants, said};

const MINUTE: Duration = Duration::from_secs(60);

/// A root with two children of two agents, all at work.
struct Tree {
    sim: Sim,
    agents: [String; 2],
    root: IssueId,
    children: [IssueId; 2],
    runs: Vec<Run>,
}

impl Tree {
    async fn at_work(seed: u64) -> Self {
        let sim = Sim::new(seed).await;
        let agents = [sim.agent("Ada", json!({})).await, sim.agent("Bo", json!({})).await];
        let root = sim.issue_with(json!({})).await;
        let child = |agent: &str| json!({ "parentId": root, "assigneeAgentId": agent });
        let children = [sim.issue_with(child(&agents[0])).await, sim.issue_with(child(&agents[1])).await];
        let runs = sim.started().await;
        assert_eq!(runs.len(), 2);
        Self { sim, agents, root, children, runs }
    }

    async fn act(&self, on: IssueId, mode: &str) -> Value {
        self.sim.ask("trees.hold", json!({ "id": on, "mode": mode })).await
    }

    /// The hosts have done what they were told.
    async fn stopped(&self) {
        for run in &self.runs {
            if self.sim.run(run.id).await.status == RunStatus::Running {
                self.sim.end(run, Ends::Stopped).await;
            }
        }
        invariants(&self.sim).await;
    }

    async fn statuses(&self) -> [IssueStatus; 3] {
        let [a, b] = self.children;
        [self.sim.get(self.root).await.status, self.sim.get(a).await.status, self.sim.get(b).await.status]
    }
}

#[tokio::test]
async fn a_paused_tree_stands_still_until_it_is_resumed_and_then_all_of_it_goes_on() {
    let tree = Tree::at_work(1).await;
    let sim = &tree.sim;
    let made = tree.act(tree.root, "pause").await;
    assert_eq!(made["preview"]["totals"]["activeRuns"], 2);
    tree.stopped().await;
    for hours in 0..30 {
        sim.pass(60 * MINUTE).await;
        sim.engine.sweep().await.unwrap();
        assert!(sim.started().await.is_empty(), "hour {hours}");
    }
    let outlook = sim.outlook(tree.children[0]).await;
    assert_eq!((outlook.state, outlook.action), (OutlookState::Held, Some(OutlookAction::ResumeTree)));
    // Neither work that is new below it, nor a wake by hand, nor a checkout begins anything.
    let late =
        sim.issue_with(json!({ "parentId": tree.children[0], "assigneeAgentId": tree.agents[1] })).await;
    let woken = sim
        .ask("agents.wake", json!({ "id": tree.agents[0], "payload": { "issueId": tree.children[0] } }))
        .await;
    assert_eq!(woken["status"], "skipped", "{woken}");
    let taken = json!({ "id": late, "agentId": tree.agents[1], "expectedStatuses": ["todo"] });
    let refused = sim.try_ask(&Caller::operator(), "issues.checkout", taken).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    assert!(sim.started().await.is_empty());

    tree.act(tree.root, "resume").await;
    let again = sim.started().await;
    let mut on: Vec<_> = again.iter().filter_map(|r| r.issue_id).collect();
    on.sort();
    let mut all = vec![tree.children[0], tree.children[1], late];
    all.sort();
    assert_eq!(on, all);
    invariants(sim).await;
}

#[tokio::test]
async fn the_operator_is_answered_under_a_pause_and_agents_are_heard_after_it() {
    let tree = Tree::at_work(2).await;
    let (sim, [first, second]) = (&tree.sim, tree.children);
    tree.act(tree.root, "pause").await;
    tree.stopped().await;
    // An agent speaks: nothing starts, and it is not lost.
    let bo = Sim::as_agent(&tree.runs[1]);
    let note = json!({ "id": second, "body": format!("[@Ada](agent://{}) look", tree.agents[0]) });
    let _ = sim.try_ask(&bo, "comments.add", note).await;
    assert!(sim.started().await.is_empty());
    sim.ask("comments.add", json!({ "id": first, "body": "Why so slow?" })).await;
    let answer = sim.one().await;
    assert_eq!(said(&answer, "wakeReason"), "issue_commented");
    sim.end(&answer, Ends::Well("Because.")).await;
    invariants(sim).await;
    sim.pass(60 * MINUTE).await;
    sim.engine.sweep().await.unwrap();
    assert!(sim.started().await.is_empty(), "the answer resumes nothing");
}

#[tokio::test]
async fn a_pause_that_lets_runs_finish_ends_with_the_last_of_them() {
    let tree = Tree::at_work(3).await;
    let sim = &tree.sim;
    let finish = json!({ "strategy": "after_active_runs_finish" });
    let input = json!({ "id": tree.root, "mode": "pause", "releasePolicy": finish });
    sim.ask("trees.hold", input).await;
    sim.end(&tree.runs[0], Ends::Well("Half of it.")).await;
    assert!(sim.started().await.is_empty());
    assert!(sim.try_paused(tree.root).await);
    sim.end(&tree.runs[1], Ends::Well("The rest.")).await;
    assert!(!sim.try_paused(tree.root).await);
    assert!(!sim.started().await.is_empty(), "what is open is taken up");
    invariants(sim).await;
}

#[tokio::test]
async fn what_was_cancelled_together_is_restored_together_but_for_what_was_changed_since() {
    let tree = Tree::at_work(4).await;
    let (sim, [first, second]) = (&tree.sim, tree.children);
    let done = sim.issue_with(json!({ "parentId": tree.root, "status": "done" })).await;
    tree.act(tree.root, "cancel").await;
    tree.stopped().await;
    assert_eq!(tree.statuses().await, [IssueStatus::Cancelled; 3]);
    assert_eq!(sim.get(done).await.status, IssueStatus::Done);
    assert!(sim.started().await.is_empty(), "nobody is woken by it");
    // One of them is opened and cancelled by hand: that was meant.
    sim.pass(MINUTE).await;
    for status in ["backlog", "cancelled"] {
        sim.ask("issues.update", json!({ "id": second, "status": status })).await;
    }
    let preview = sim.ask("trees.preview", json!({ "id": tree.root, "mode": "restore" })).await;
    assert_eq!(preview["totals"]["affectedIssues"], 2, "{preview:#}");
    let input = json!({ "id": tree.root, "mode": "restore", "metadata": { "wakeAgents": true } });
    sim.ask("trees.hold", input).await;
    let was = [IssueStatus::Backlog, IssueStatus::Todo, IssueStatus::Cancelled];
    assert_eq!(tree.statuses().await, was, "work under way stands in line again");
    let run = sim.one().await;
    assert_eq!((run.issue_id, said(&run, "wakeReason").as_str()), (Some(first), "issue_tree_restored"));
    // Nothing is left to restore.
    let again = json!({ "id": tree.root, "mode": "restore" });
    assert!(sim.try_ask(&Caller::operator(), "trees.hold", again).await.is_err());
    let open = sim.ask("trees.list", json!({ "id": tree.root, "status": "active" })).await;
    assert_eq!(open, json!([]), "and no act on the tree is open");
    invariants(sim).await;
}

#[tokio::test]
async fn of_what_there_is_one_at_a_time_a_restore_brings_back_one() {
    for kind in ["issue_productivity_review", "harness_liveness_escalation"] {
        Box::pin(brings_back_one(kind)).await;
    }
}

async fn brings_back_one(kind: &str) {
    let tree = Tree::at_work(6).await;
    let sim = &tree.sim;
    let mut reviews = Vec::new();
    for _ in 0..2 {
        let review = sim.issue_with(json!({ "parentId": tree.root, "status": "backlog" })).await;
        tree.act(review, "cancel").await;
        let mut tx = sim.engine.store.write(sim.engine.now()).await.unwrap();
        let mut row = store::issues::get(&mut tx, review).await.unwrap().unwrap();
        (row.origin_kind, row.origin_id) = (kind.to_owned(), Some("the work".to_owned()));
        store::issues::save(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        reviews.push(review);
    }
    sim.pass(MINUTE).await;
    tree.act(tree.root, "restore").await;
    let open = async || {
        let (a, b) = (sim.get(reviews[0]).await, sim.get(reviews[1]).await);
        [a, b].iter().filter(|i| !i.status.is_terminal()).count()
    };
    assert_eq!(open().await, 1, "both were taken, by acts of their own");
    let preview = sim.ask("trees.preview", json!({ "id": tree.root, "mode": "restore" })).await;
    assert_eq!(preview["totals"]["affectedIssues"], 0, "the other one has a successor: {preview:#}");
}

#[tokio::test]
async fn a_pause_within_a_pause_outlives_it() {
    let tree = Tree::at_work(5).await;
    let (sim, [first, second]) = (&tree.sim, tree.children);
    let inner = tree.act(first, "pause").await;
    tree.act(tree.root, "pause").await;
    tree.stopped().await;
    // From below, the pause above cannot be lifted.
    let lift = json!({ "id": second, "mode": "resume" });
    assert_eq!(
        sim.try_ask(&Caller::operator(), "trees.hold", lift).await.unwrap_err().code,
        ErrorCode::Unprocessable
    );
    let state = sim.ask("trees.state", json!({ "id": second })).await;
    let release = json!({ "id": tree.root, "holdId": state["activePauseHold"]["id"] });
    sim.ask("trees.release", release.clone()).await;
    assert_eq!(sim.one().await.issue_id, Some(second), "the other one goes on");
    assert_eq!(
        sim.try_ask(&Caller::operator(), "trees.release", release).await.unwrap_err().code,
        ErrorCode::Conflict
    );
    sim.ask("trees.release", json!({ "id": first, "holdId": inner["hold"]["id"] })).await;
    assert_eq!(sim.one().await.issue_id, Some(first));
}
