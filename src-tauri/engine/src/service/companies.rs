//! Companies, their dashboard and their audit trail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use contract::activity::{Activity, IssueActivityPath, ListActivity};
use contract::agent::AgentStatus;
use contract::company::*;
use contract::dashboard::*;
use contract::operations::*;
use contract::run::RunStatus;
use contract::{Cents, CompanyId, Timestamp};
use serde_json::json;

use super::{bounded, text};
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
        self.company(&mut conn, caller, q.company_id).await
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
        c.budget_monthly_cents = q.budget_monthly_cents.unwrap_or(c.budget_monthly_cents);
        c.require_board_approval_for_new_agents =
            q.require_board_approval_for_new_agents.unwrap_or(c.require_board_approval_for_new_agents);
        set_status(&mut c, q.status.unwrap_or(before), tx.at());
        c.updated_at = tx.at();
        store::companies::save(&mut tx, &c).await.answer()?;
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
        Ok(c)
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
        let spent = store::runs::spent_cents(&mut conn, Some(company.id), month_start(now)).await.answer()?;
        let budget = company.budget_monthly_cents;
        let percent = if budget.get() > 0 { spent / budget.get() as f64 * 100.0 } else { 0.0 };
        let days = store::runs::by_day(&mut conn, company.id, now.minus(DAY * 14)).await.answer()?;
        let pending = store::interactions::pending_count(&mut conn, Some(company.id)).await.answer()?;
        let waiting = store::recovery::waiting_for_board(&mut conn, Some(company.id)).await.answer()?;
        Ok(Dashboard {
            company_id: company.id,
            budgets: BudgetCounts { paused_agents: agents.paused, ..BudgetCounts::default() },
            agents,
            tasks,
            costs: CostSummary {
                month_spend_cents: Cents::new(spent.round() as i64),
                month_budget_cents: budget,
                month_utilization_percent: percent,
            },
            pending_approvals: 0,
            pending_interactions: pending + waiting,
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

/// The first moment of the month (UTC), from which budgets count.
pub(super) fn month_start(now: Timestamp) -> Timestamp {
    Timestamp::parse(&format!("{}-01T00:00:00Z", &now.to_string()[..7])).unwrap_or(now)
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
