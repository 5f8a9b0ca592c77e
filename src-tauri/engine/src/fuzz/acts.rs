//! What people and runs do about money and silence, and about what somebody planned.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use contract::budget::{BudgetScope, BudgetStatus};
use contract::run::{Run, RunStatus};
use serde_json::json;

use super::Life;
use crate::sim::Sim;

impl Life {
    /// A run's model says something, which costs.
    pub(super) async fn spend(&mut self, sim: &Sim) {
        let Some(run) = self.dice.pick(&self.running).cloned() else { return };
        if sim.run(run.id).await.status != RunStatus::Running {
            return;
        }
        let cents = [1.0, 30.0, 400.0][self.dice.roll(3)];
        self.words += 1;
        self.told.push(format!("{} costs {cents} cents", run.id));
        sim.say(&run, &format!("word-{}", self.words), cents).await;
    }

    /// The operator sets, raises or lifts a budget, or decides what a spent one asks.
    pub(super) async fn fund(&mut self, sim: &Sim) {
        if self.dice.roll(2) == 0 {
            let asked = sim.ask("approvals.list", json!({ "companyId": sim.company })).await;
            for a in asked.as_array().unwrap().iter().filter(|a| a["status"] == "pending") {
                let how = ["approvals.approve", "approvals.reject"][self.dice.roll(2)];
                self.operator(sim, how, json!({ "id": a["id"] })).await;
            }
            return;
        }
        let (kind, scope) = match self.dice.roll(4) {
            0 => ("company", sim.company.clone()),
            1 => ("project", self.project.clone()),
            _ => ("agent", self.dice.pick(&self.agents).unwrap().clone()),
        };
        let amount = [0, 5, 100, 2_000][self.dice.roll(4)];
        let policy =
            json!({ "companyId": sim.company, "scopeType": kind, "scopeId": scope, "amount": amount });
        self.operator(sim, "budgets.set", policy).await;
    }

    /// The operator decides about a run, silent or not.
    pub(super) async fn judge(&mut self, sim: &Sim) {
        let Some(run) = self.dice.pick(&self.running).cloned() else { return };
        let mut decision = json!({ "runId": run.id });
        match self.dice.roll(3) {
            0 => {
                decision["decision"] = "snooze".into();
                decision["snoozedUntil"] = json!(sim.engine.now().plus(Duration::from_secs(7200)));
            }
            1 => decision["decision"] = "continue".into(),
            _ => decision["decision"] = "dismissed_false_positive".into(),
        }
        self.operator(sim, "runs.decide_on_silence", decision).await;
    }

    /// Nothing starts on money that is not there.
    pub(super) async fn afforded(&self, sim: &Sim, run: &Run) {
        let project = match run.issue_id {
            Some(issue) => sim.get(issue).await.project_id,
            None => None,
        };
        for p in sim.budgets().await.policies {
            let over = match p.scope_type {
                BudgetScope::Company => true,
                BudgetScope::Agent => p.scope_id == run.agent_id.0,
                BudgetScope::Project => project.is_some_and(|id| id.0 == p.scope_id),
            };
            let spent = p.is_active && p.hard_stop_enabled && p.status == BudgetStatus::HardStop;
            assert!(!(over && spent), "started although its budget is spent: {p:#?}\n{run:#?}");
        }
    }

    /// No budget stands in anybody's way any more.
    pub(super) async fn lift_budgets(&mut self, sim: &Sim) {
        for p in sim.budgets().await.policies {
            let lifted = json!({ "companyId": sim.company, "scopeType": p.scope_type, "scopeId": p.scope_id,
                "metric": p.metric, "windowKind": p.window_kind, "amount": 0 });
            self.operator(sim, "budgets.set", lifted).await;
        }
    }
}
