//! Plans: written by a run, shown to the board, and made into issues.
#![allow(clippy::unwrap_used)]

use contract::run::RunStatus;
use serde_json::json;

use super::Life;
use crate::sim::Sim;

/// A plan that was shown to the board.
#[derive(Clone)]
pub(super) struct Plan {
    pub issue: contract::IssueId,
    pub revision: String,
}

impl Life {
    /// One of the runs writes a plan and asks for it, or makes one that was accepted into issues.
    pub(super) async fn plan(&mut self, sim: &Sim) {
        let Some(run) = self.dice.pick(&self.running).cloned() else { return };
        let Some(issue) = run.issue_id else { return };
        if sim.run(run.id).await.status != RunStatus::Running {
            return;
        }
        let me = Sim::as_run(&run);
        let shown = self.plans.iter().find(|p| p.issue == issue).cloned();
        if let Some(plan) = shown {
            let titles = ["First", "Second", "Third"];
            let children: Vec<_> = titles[..1 + self.dice.roll(3)]
                .iter()
                .map(|t| json!({ "title": t, "assigneeAgentId": self.dice.pick(&self.agents), "blockParentUntilDone": true }))
                .collect();
            let input = json!({ "id": issue, "acceptedPlanRevisionId": plan.revision, "children": children });
            self.ask(sim, &me, "plans.decompose", input).await;
            return;
        }
        let body = json!({ "id": issue, "key": "plan", "format": "markdown", "body": "1. First" });
        let Some(written) = self.ask(sim, &me, "documents.put", body).await else { return };
        let revision = written["latestRevisionId"].as_str().unwrap().to_owned();
        let target = json!({ "type": "issue_document", "key": "plan", "revisionId": revision });
        let card = json!({ "id": issue, "kind": "request_confirmation",
            "payload": { "version": 1, "prompt": "Shall I?", "target": target } });
        if self.ask(sim, &me, "interactions.create", card).await.is_some() {
            self.plans.push(Plan { issue, revision });
        }
    }

    /// Every accepted plan has the children that were asked for first, once, or is still being made into them.
    pub(super) async fn decomposed_once(&self, sim: &Sim) {
        for plan in &self.plans {
            let state = sim.ask("plans.list", json!({ "id": plan.issue })).await;
            let claims = state.as_array().unwrap();
            let same: Vec<_> =
                claims.iter().filter(|c| c["acceptedPlanRevisionId"] == plan.revision.as_str()).collect();
            assert!(same.len() <= 1, "one plan was claimed twice: {same:#?}");
            let Some(claim) = same.first().filter(|c| c["status"] == "completed") else { continue };
            let made = claim["childIssueIds"].as_array().map_or(0, Vec::len);
            let asked = claim["requestedChildCount"].as_u64().unwrap_or(0);
            assert_eq!(u64::try_from(made).unwrap(), asked, "{claim:#}");
        }
    }
}
