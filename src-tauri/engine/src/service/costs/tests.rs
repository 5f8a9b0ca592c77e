#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::cost::{CostByBiller, CostWindowSpend, IssueCostSummary};
use serde_json::json;

use crate::sim::{Ends, Sim};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn an_issue_tells_what_it_cost_with_all_below_it() {
    let sim = Sim::new(1).await;
    let ada = sim.agent("Ada", json!({})).await;
    let root = sim.issue(&ada).await;
    let first = sim.one().await;
    sim.say(&first, "a", 25.0).await;
    sim.pass(HOUR).await;
    sim.end(&first, Ends::Well("Half of it.")).await;
    let bo = sim.agent("Bo", json!({})).await;
    let child = sim.issue_with(json!({ "parentId": root, "assigneeAgentId": bo })).await;
    let second = sim.started().await.into_iter().find(|r| r.issue_id == Some(child)).unwrap();
    sim.say(&second, "b", 10.0).await;
    sim.pass(HOUR).await;

    let of = async |id, exclude: bool| -> IssueCostSummary {
        let q = json!({ "id": id, "excludeRoot": exclude });
        serde_json::from_value(sim.ask("costs.of_issue", q).await).unwrap()
    };
    let whole = of(root, false).await;
    assert_eq!((whole.issue_count, whole.cost_cents.get()), (2, 35));
    assert_eq!(whole.output_tokens, 200, "a hundred a message");
    let below = of(root, true).await;
    assert_eq!((below.issue_count, below.cost_cents.get(), below.run_count), (1, 10, 1));
    assert_eq!(below.runtime_ms, 3_600_000, "it is still at work");
    assert_eq!(of(child, false).await.cost_cents.get(), 10);
}

#[tokio::test]
async fn spending_is_told_by_biller_and_by_the_windows_of_providers() {
    let sim = Sim::new(2).await;
    let ada = sim.agent("Ada", json!({})).await;
    sim.issue(&ada).await;
    let run = sim.one().await;
    sim.say(&run, "a", 40.0).await;
    sim.pass(HOUR * 6).await;
    sim.say(&run, "b", 2.0).await;
    let company = json!({ "companyId": sim.company });
    let billers: Vec<CostByBiller> =
        serde_json::from_value(sim.ask("costs.by_biller", company.clone()).await).unwrap();
    let told: Vec<_> =
        billers.iter().map(|b| (b.biller.as_str(), b.cost_cents.get(), b.model_count)).collect();
    assert_eq!(told, [("anthropic", 42, 1)]);
    let windows: Vec<CostWindowSpend> =
        serde_json::from_value(sim.ask("costs.window_spend", company).await).unwrap();
    let told: Vec<_> = windows.iter().map(|w| (w.window.as_str(), w.cost_cents.get())).collect();
    assert_eq!(told, [("5h", 2), ("24h", 42), ("7d", 42)]);
}
