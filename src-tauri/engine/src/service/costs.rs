//! Reporting costs, and reading what work cost.

use std::sync::Arc;
use std::time::Duration;

use contract::company::CompanyPath;
use contract::cost::*;
use contract::operations::*;
use contract::{ApiError, CompanyId, Micros};
use store::WriteTx;

use super::budgets::percent;
use crate::budget::Scopes;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

impl Handle<ReportCostOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ReportCost) -> Answer<CostEvent> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.company(&mut tx, caller, q.company_id).await?;
        if caller.agent_id().is_some_and(|id| id != q.agent_id) {
            return Err(ApiError::forbidden("An agent reports its own costs alone"));
        }
        let e = self.reported(&mut tx, q).await?;
        store::costs::create(&mut tx, &e).await.answer()?;
        let scopes = Scopes { company: e.company_id, agent: e.agent_id, project: e.project_id };
        let kills = self.weigh(&mut tx, scopes).await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(e)
    }
}

impl Engine {
    /// The entry that a report makes; everything it names must be of the company.
    async fn reported(&self, tx: &mut WriteTx, q: ReportCost) -> Answer<CostEvent> {
        let company = q.company_id;
        let same = |owner: Option<CompanyId>, field: &str| {
            let foreign = owner != Some(company);
            let e = || ApiError::unprocessable(format!("{field} names nothing of this company"));
            if foreign { Err(e()) } else { Ok(()) }
        };
        let agent = store::agents::get(tx, q.agent_id).await.answer()?;
        same(agent.map(|a| a.company_id), "agentId")?;
        let mut project_id = q.project_id;
        if let Some(id) = q.issue_id {
            let issue = store::issues::get(tx, id).await.answer()?;
            same(issue.as_ref().map(|i| i.company_id), "issueId")?;
            // What is spent on an issue is its project's to pay.
            project_id = project_id.or(issue.and_then(|i| i.project_id));
        }
        if let Some(id) = project_id {
            let project = store::planning::project(tx, id).await.answer()?;
            same(project.map(|p| p.company_id), "projectId")?;
        }
        if let Some(id) = q.goal_id {
            same(store::planning::goal(tx, id).await.answer()?.map(|g| g.company_id), "goalId")?;
        }
        if let Some(id) = q.heartbeat_run_id {
            let run = store::runs::get(tx, id).await.answer()?;
            let own = run.filter(|r| r.agent_id == q.agent_id);
            same(own.map(|r| r.company_id), "heartbeatRunId")?;
        }
        let billing_type = q.billing_type.unwrap_or(BillingType::Unknown);
        let included = billing_type == BillingType::SubscriptionIncluded;
        let cost = if included { Micros::ZERO } else { Micros::of_cents(q.cost_cents) };
        let provider = q.provider.into_string();
        Ok(CostEvent {
            id: self.new_id(),
            company_id: company,
            agent_id: q.agent_id,
            issue_id: q.issue_id,
            project_id,
            goal_id: q.goal_id,
            heartbeat_run_id: q.heartbeat_run_id,
            billing_code: q.billing_code.map(|c| c.into_string()),
            biller: q.biller.map_or_else(|| provider.clone(), |b| b.into_string()),
            provider,
            billing_type,
            model: q.model.into_string(),
            input_tokens: q.input_tokens.into(),
            cached_input_tokens: q.cached_input_tokens.into(),
            output_tokens: q.output_tokens.into(),
            cost_cents: cost.rounded_cents(),
            cost_micros: cost,
            occurred_at: q.occurred_at,
            created_at: tx.at(),
        })
    }
}

impl Handle<GetCostSummary> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CostRange) -> Answer<CompanyCosts> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        let company = store::companies::get(&mut conn, q.company_id).await.or_missing("Company")?;
        let spent = store::costs::spent_within(&mut conn, &q).await.answer()?.whole_cents();
        let budget = company.budget_monthly_cents;
        Ok(CompanyCosts {
            company_id: company.id,
            spend_cents: spent,
            budget_cents: budget,
            utilization_percent: percent(spent, budget),
        })
    }
}

macro_rules! sums {
    ($($op:ident => $read:ident -> $row:ty),* $(,)?) => {$(
        impl Handle<$op> for Engine {
            async fn handle(self: &Arc<Self>, caller: &Caller, q: CostRange) -> Answer<Vec<$row>> {
                let mut conn = self.store.read().await.answer()?;
                self.company(&mut conn, caller, q.company_id).await?;
                store::costs::$read(&mut conn, &q).await.answer()
            }
        }
    )*};
}

sums! {
    ListCostsByAgent => by_agent -> CostByAgent,
    ListCostsByAgentModel => by_agent_model -> CostByAgentModel,
    ListCostsByProvider => by_provider -> CostByProviderModel,
    ListCostsByProject => by_project -> CostByProject,
    ListCostsByBiller => by_biller -> CostByBiller,
}

/// Windows in which providers limit use, and their hours.
const WINDOWS: [(&str, i64); 3] = [("5h", 5), ("24h", 24), ("7d", 168)];

impl Handle<ListWindowSpend> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Vec<CostWindowSpend>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        let mut rows = Vec::new();
        for (name, hours) in WINDOWS {
            let length = Duration::from_secs(3600 * hours.unsigned_abs());
            let from = Some(self.now().minus(length));
            let range = CostRange { company_id: q.company_id, from, to: None };
            rows.extend(store::costs::in_window(&mut conn, &range, (name, hours)).await.answer()?);
        }
        Ok(rows)
    }
}

impl Handle<GetIssueCosts> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssueCostsOf) -> Answer<IssueCostSummary> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let mut tree = store::relations::descendants(&mut conn, issue.id).await.answer()?;
        if !q.exclude_root {
            tree.push(issue.id);
        }
        let sums = store::costs::of_issues(&mut conn, &tree, self.now()).await.answer()?;
        Ok(IssueCostSummary {
            issue_id: issue.id,
            issue_count: i64::try_from(tree.len()).unwrap_or(i64::MAX),
            include_descendants: true,
            cost_cents: contract::Cents::new(sums.cost.rounded_cents()),
            input_tokens: sums.input_tokens,
            cached_input_tokens: sums.cached_input_tokens,
            output_tokens: sums.output_tokens,
            run_count: sums.runs,
            runtime_ms: sums.runtime_ms,
        })
    }
}

#[cfg(test)]
mod tests;
