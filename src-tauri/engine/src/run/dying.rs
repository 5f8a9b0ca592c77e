//! The program dies after any one of the transactions that a run's life takes, and is started again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::issue::IssueStatus;
use contract::run::{Run, RunStatus};
use contract::{ErrorCode, IssueId};
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Ends, Sim, id, invariants};

/// What is asked of a program that may be dying. `None`: it died before it answered.
async fn ask(sim: &Sim, caller: &Caller, operation: &str, input: Value) -> Option<Value> {
    match sim.try_ask(caller, operation, input).await {
        Ok(v) => Some(v),
        Err(e) => {
            assert!(sim.is_dying() && e.code == ErrorCode::StoreUnavailable, "{operation}: {e:?}");
            None
        }
    }
}

/// An issue from its creation to its end, with one that waits for it. `None`: cut short.
async fn whole_life(sim: &Sim, agent: &str) -> Option<()> {
    let board = Caller::operator();
    let issue = json!({ "companyId": sim.company, "title": "Do it", "assigneeAgentId": agent });
    let issue = id(&ask(sim, &board, "issues.create", issue).await?);
    let next = json!({ "companyId": sim.company, "title": "Then this", "assigneeAgentId": agent,
        "blockedByIssueIds": [issue] });
    ask(sim, &board, "issues.create", next).await?;
    let run = sim.started().await.pop()?;
    let me = Sim::as_run(&run);
    let checkout =
        json!({ "id": issue, "agentId": run.agent_id, "expectedStatuses": ["todo", "in_progress"] });
    ask(sim, &me, "issues.checkout", checkout).await?;
    sim.say(&run, "word", 2.0).await;
    ask(sim, &me, "comments.add", json!({ "id": issue, "body": "Half of it." })).await?;
    ask(sim, &board, "comments.add", json!({ "id": issue, "body": "And the other half?" })).await?;
    ask(sim, &me, "issues.update", json!({ "id": issue, "status": "done", "comment": "All of it." })).await?;
    sim.end(&run, Ends::Well("Did it.")).await;
    sim.settle().await;
    let next = sim.started().await;
    (!next.is_empty()).then_some(())
}

async fn runs(sim: &Sim) -> Vec<Run> {
    let all = sim.ask("runs.list", json!({ "companyId": sim.company })).await;
    let mut runs = Vec::new();
    for r in all.as_array().unwrap() {
        runs.push(sim.run(r["id"].as_str().unwrap().parse().unwrap()).await);
    }
    runs
}

/// Whatever was reached, it is known, it says what happens next, and it goes on to its end.
async fn is_known_and_goes_on(sim: &Sim, after: u32) {
    invariants(sim).await;
    for run in runs(sim).await.iter().filter(|r| r.status == RunStatus::Failed) {
        let told = run.error.as_deref().unwrap_or_default();
        assert!(!told.is_empty() && run.error_code.is_some(), "after {after}: it says nothing: {run:#?}");
    }
    let all = sim.ask("issues.list", json!({ "companyId": sim.company })).await;
    let issues: Vec<IssueId> = all.as_array().unwrap().iter().map(|i| id(i).parse().unwrap()).collect();
    for _ in 0..12 {
        for run in sim.started().await {
            let open = run.issue_id.filter(|_| run.status == RunStatus::Running);
            if let Some(issue) = open {
                let done = json!({ "id": issue, "status": "done", "comment": "Done." });
                sim.try_ask(&Sim::as_run(&run), "issues.update", done).await.unwrap();
            }
            sim.end(&run, Ends::Well("Done.")).await;
        }
        for issue in &issues {
            let i = sim.get(*issue).await;
            let o = sim.outlook(*issue).await;
            let moves = i.status.is_terminal() || o.run_id.is_some() || !o.reason.is_empty();
            assert!(moves, "after {after}: nothing says what comes next: {o:?}");
        }
        invariants(sim).await;
        sim.pass(Duration::from_secs(600)).await;
        Box::pin(sim.engine.sweep()).await.unwrap();
    }
    for issue in issues {
        let i = sim.get(issue).await;
        assert_eq!(i.status, IssueStatus::Done, "after {after}: {i:#?}\n{:#?}", sim.outlook(issue).await);
    }
}

#[tokio::test]
async fn whenever_the_program_dies_its_runs_are_in_a_known_state_and_the_work_goes_on() {
    for after in 0.. {
        let sim = Sim::new(700 + u64::from(after)).await;
        let agent = sim.agent("Ada", json!({})).await;
        sim.die_after(after).await;
        let whole = Box::pin(whole_life(&sim, &agent)).await.is_some();
        let sim = Box::pin(sim.crash()).await;
        Box::pin(is_known_and_goes_on(&sim, after)).await;
        if whole {
            assert!(after > 8, "a life of {after} transactions");
            break;
        }
    }
}
