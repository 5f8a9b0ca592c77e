//! Companies, their dashboard and their audit trail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use contract::activity::{Activity, IssueActivityPath, ListActivity};
use contract::agent::AgentStatus;
use contract::budget::BudgetScope;
use contract::company::*;
use contract::dashboard::*;
use contract::operations::*;
use contract::run::RunStatus;
use contract::{ApiError, Cents, CompanyId, Timestamp};
use serde_json::json;

use super::budgets::percent;
use super::{bounded, text};
use crate::budget::Change;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ATTACHMENT_MAX_BYTES: i64 = 10 * 1024 * 1024;

impl Handle<ListCompanies> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<Vec<Company>> {
        store::companies::list(&mut *self.store.read().await.answer()?).await.answer()
    }
}

impl Handle<GetCompany> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Company> {
        let mut conn = self.store.read().await.answer()?;
        let mut c = self.company(&mut conn, caller, q.company_id).await?;
        c.spent_monthly_cents = self.month_spent(&mut conn, BudgetScope::Company, c.id.0).await?;
        Ok(c)
    }
}

impl Handle<GetCompanyStats> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<BTreeMap<CompanyId, CompanyStats>> {
        store::companies::stats(&mut *self.store.read().await.answer()?).await.answer()
    }
}

impl Handle<CreateCompanyOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateCompany) -> Answer<Company> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut prefix = domain::naming::issue_prefix(&q.name);
        while store::companies::prefix_taken(&mut tx, &prefix).await.answer()? {
            prefix.push('A');
        }
        let company = Company {
            id: self.new_id(),
            name: q.name.into_string(),
            description: q.description.map(|d| d.into_string()),
            status: CompanyStatus::Active,
            pause_reason: None,
            paused_at: None,
            issue_prefix: prefix,
            issue_counter: 0,
            budget_monthly_cents: q.budget_monthly_cents,
            spent_monthly_cents: Cents::ZERO,
            attachment_max_bytes: q.attachment_max_bytes.unwrap_or(ATTACHMENT_MAX_BYTES).clamp(1, 1 << 30),
            require_board_approval_for_new_agents: false,
            feedback_data_sharing_enabled: false,
            brand_color: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::companies::create(&mut tx, &company).await.answer()?;
        let id = company.id.to_string();
        self.log(
            &mut tx,
            caller,
            company.id,
            "company.created",
            ("company", id),
            json!({ "name": company.name }),
        )
        .await?;
        if company.budget_monthly_cents > Cents::ZERO {
            let amount = company.budget_monthly_cents;
            let change = Change::monthly(company.id, BudgetScope::Company, company.id.0, amount);
            self.set_budget(&mut tx, caller, change).await?;
        }
        tx.commit().await.answer()?;
        Ok(company)
    }
}

impl Handle<UpdateCompanyOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpdateCompany) -> Answer<Company> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut c = store::companies::get(&mut tx, q.company_id).await.or_missing("Company")?;
        let (before, since) = (c.status, c.paused_at);
        if let Some(name) = q.name {
            c.name = name.into_string();
        }
        c.description = text(q.description).apply(c.description);
        c.brand_color = q.brand_color.apply(c.brand_color);
        if let Some(most) = q.attachment_max_bytes {
            if !(1..=1 << 30).contains(&most) {
                return Err(ApiError::invalid("attachmentMaxBytes must be 1 to 1073741824"));
            }
            c.attachment_max_bytes = most;
        }
        c.require_board_approval_for_new_agents =
            q.require_board_approval_for_new_agents.unwrap_or(c.require_board_approval_for_new_agents);
        let to = q.status.unwrap_or(before);
        let by_budget = c.pause_reason == Some(PauseReason::Budget);
        set_status(&mut c, to, tx.at());
        if q.status == Some(CompanyStatus::Paused) && by_budget {
            // The operator pauses what stands still already: from now on the pause is theirs.
            c.pause_reason = Some(PauseReason::Manual);
        }
        c.updated_at = tx.at();
        store::companies::save(&mut tx, &c).await.answer()?;
        let mut budget_kills = Vec::new();
        if let Some(amount) = q.budget_monthly_cents.filter(|b| *b != c.budget_monthly_cents) {
            let change = Change::monthly(c.id, BudgetScope::Company, c.id.0, amount);
            budget_kills = self.set_budget(&mut tx, caller, change).await?.1;
            c = store::companies::get(&mut tx, c.id).await.or_missing("Company")?;
        }
        if by_budget && to == CompanyStatus::Active {
            self.company_has_money(&mut tx, &c).await?;
        }
        let id = c.id.to_string();
        self.log(
            &mut tx,
            caller,
            c.id,
            "company.updated",
            ("company", id),
            json!({ "name": c.name, "status": c.status }),
        )
        .await?;
        let stop = before == CompanyStatus::Active && c.status != CompanyStatus::Active;
        let kills = if stop {
            self.cancel_company(&mut tx, c.id, "The company was paused").await?
        } else {
            Vec::new()
        };
        if before != CompanyStatus::Active && c.status == CompanyStatus::Active {
            self.take_up_company(&mut tx, caller, c.id, since).await?;
        }
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        self.kill_all(budget_kills).await;
        c.spent_monthly_cents = {
            let mut conn = self.store.read().await.answer()?;
            self.month_spent(&mut conn, BudgetScope::Company, c.id.0).await?
        };
        Ok(c)
    }
}

impl Engine {
    /// Refuses to resume a company which its budget would stop again.
    async fn company_has_money(&self, tx: &mut store::WriteTx, c: &Company) -> Answer<()> {
        for p in store::budgets::of_scope(tx, c.id.0).await.answer()? {
            if self.is_spent(tx, &p).await? {
                return Err(ApiError::conflict(format!("The budget of {} is spent", c.name))
                    .with_details(json!({ "scopeType": p.scope_type, "scopeId": p.scope_id }))
                    .with_hint("Raise the budget: the company goes on by itself then."));
            }
        }
        Ok(())
    }
}

impl Handle<ArchiveCompany> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Company> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut c = store::companies::get(&mut tx, q.company_id).await.or_missing("Company")?;
        set_status(&mut c, CompanyStatus::Archived, tx.at());
        c.updated_at = tx.at();
        store::companies::save(&mut tx, &c).await.answer()?;
        let id = c.id.to_string();
        self.log(&mut tx, caller, c.id, "company.archived", ("company", id), json!({ "name": c.name }))
            .await?;
        let kills = self.cancel_company(&mut tx, c.id, "The company was archived").await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(c)
    }
}

fn set_status(c: &mut Company, to: CompanyStatus, now: Timestamp) {
    if c.status == to {
        return;
    }
    c.status = to;
    let paused = to == CompanyStatus::Paused;
    c.pause_reason = paused.then_some(PauseReason::Manual);
    c.paused_at = paused.then_some(now);
}

impl Handle<GetDashboard> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Dashboard> {
        let now = self.now();
        let mut conn = self.store.read().await.answer()?;
        let company = self.company(&mut conn, caller, q.company_id).await?;
        let mut agents = AgentCounts::default();
        for a in store::agents::list(&mut conn, company.id).await.answer()? {
            match a.status {
                AgentStatus::Running => agents.running += 1,
                AgentStatus::Paused => agents.paused += 1,
                AgentStatus::Error => agents.error += 1,
                AgentStatus::Idle | AgentStatus::Active => agents.active += 1,
                AgentStatus::PendingApproval | AgentStatus::Terminated => {}
            }
        }
        let by_status = store::issues::status_counts(&mut conn, company.id).await.answer()?;
        let of = |s: &str| by_status.get(s).copied().unwrap_or(0);
        let tasks = TaskCounts {
            open: of("backlog") + of("todo") + of("in_progress") + of("in_review") + of("blocked"),
            in_progress: of("in_progress"),
            blocked: of("blocked"),
            done: of("done"),
        };
        let spent = self.month_spent(&mut conn, BudgetScope::Company, company.id.0).await?;
        let budget = company.budget_monthly_cents;
        let approvals = store::approvals::pending_count(&mut conn, Some(company.id)).await.answer()?;
        let paused = self.paused_by_budget(&mut conn, company.id).await?;
        let days = store::runs::by_day(&mut conn, company.id, now.minus(DAY * 14)).await.answer()?;
        let waiting = store::issues::waiting_count(&mut conn, company.id).await.answer()?;
        Ok(Dashboard {
            company_id: company.id,
            budgets: BudgetCounts {
                active_incidents: store::incidents::count_open(&mut conn, company.id).await.answer()?,
                pending_approvals: approvals,
                paused_agents: paused.0,
                paused_projects: paused.1,
            },
            agents,
            tasks,
            costs: CostSummary {
                month_spend_cents: spent,
                month_budget_cents: budget,
                month_utilization_percent: percent(spent, budget),
            },
            pending_approvals: approvals,
            pending_interactions: waiting,
            run_activity: activity_by_day(days, now),
        })
    }
}

/// Fourteen days, also those on which nothing ran.
fn activity_by_day(rows: Vec<(String, RunStatus, i64)>, now: Timestamp) -> Vec<RunActivityDay> {
    let mut days: BTreeMap<String, RunActivityDay> = (0..14)
        .map(|n| {
            let date = now.minus(DAY * n).to_string()[..10].to_owned();
            (date.clone(), RunActivityDay { date, ..RunActivityDay::default() })
        })
        .collect();
    for (date, status, n) in rows {
        let Some(day) = days.get_mut(&date) else { continue };
        match status {
            RunStatus::Succeeded => day.succeeded += n,
            RunStatus::Failed | RunStatus::TimedOut => day.failed += n,
            _ => day.other += n,
        }
        day.total += n;
    }
    days.into_values().collect()
}

impl Handle<ListActivityOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListActivity) -> Answer<Vec<Activity>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::activity::list(&mut conn, &q, bounded(q.limit, 100, 500)).await.answer()
    }
}

impl Handle<ListIssueActivity> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssueActivityPath) -> Answer<Vec<Activity>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        store::activity::of_issue(&mut conn, issue.id).await.answer()
    }
}
