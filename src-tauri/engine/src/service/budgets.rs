//! Budgets as people see and set them.

use std::sync::Arc;

use contract::agent::Agent;
use contract::budget::*;
use contract::company::{Company, CompanyPath};
use contract::operations::*;
use contract::{AgentId, ApiError, Cents, CompanyId, Micros, ProjectId};
use domain::budget::{month_key, status, window};
use store::SqliteConnection;
use uuid::Uuid;

use super::agents::shown;
use crate::budget::Change;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

/// The share of a limit that is spent, in percent; 0 without a limit.
pub(super) fn percent(spent: Cents, of: Cents) -> f64 {
    if of == Cents::ZERO { 0.0 } else { spent.get() as f64 / of.get() as f64 * 100.0 }
}

impl Engine {
    async fn policy_summary(
        &self,
        conn: &mut SqliteConnection,
        p: BudgetPolicy,
    ) -> Answer<BudgetPolicySummary> {
        let w = window(p.window_kind, self.now());
        let months = (month_key(w.start), month_key(w.end));
        let spent = store::budgets::spent(conn, p.scope_type, p.scope_id, (&months.0, &months.1)).await;
        let spent: Micros = spent.answer()?;
        let (_, held) = store::budgets::held(conn, p.scope_type, p.scope_id).await.answer()?;
        let standing = store::budgets::standing(conn, p.scope_type, p.scope_id).await.answer()?;
        let seen = spent.whole_cents();
        Ok(BudgetPolicySummary {
            policy_id: p.id,
            company_id: p.company_id,
            scope_type: p.scope_type,
            scope_id: p.scope_id,
            scope_name: standing.as_ref().map(|s| s.name.clone()).unwrap_or_default(),
            metric: p.metric,
            window_kind: p.window_kind,
            amount: p.amount,
            observed_amount: seen,
            remaining_amount: Cents::new(p.amount.get() - seen.get()),
            reserved_amount: Cents::new(held.rounded_cents()),
            utilization_percent: percent(seen, p.amount),
            warn_percent: p.warn_percent,
            hard_stop_enabled: p.hard_stop_enabled,
            notify_enabled: p.notify_enabled,
            is_active: p.is_active,
            status: status(&p, spent),
            paused: standing.as_ref().is_some_and(|s| s.paused),
            pause_reason: standing.and_then(|s| s.reason),
            window_start: w.start,
            window_end: w.end,
        })
    }

    /// How many agents and projects of a company stand still for want of money.
    pub(super) async fn paused_by_budget(
        &self,
        conn: &mut SqliteConnection,
        company: CompanyId,
    ) -> Answer<(i64, i64)> {
        let (mut agents, mut projects) = (0, 0);
        for p in store::budgets::paused(conn).await.answer()?.iter().filter(|p| p.company == company) {
            match p.kind {
                BudgetScope::Agent => agents += 1,
                BudgetScope::Project => projects += 1,
                BudgetScope::Company => {}
            }
        }
        Ok((agents, projects))
    }

    /// Refuses a scope that is not there, or of another company.
    async fn must_be_of(
        &self,
        conn: &mut SqliteConnection,
        company: CompanyId,
        scope: BudgetScope,
        id: Uuid,
    ) -> Answer<()> {
        let owner = match scope {
            BudgetScope::Company => store::companies::get(conn, CompanyId(id)).await.answer()?.map(|c| c.id),
            BudgetScope::Agent => store::agents::get(conn, AgentId(id)).await.answer()?.map(|a| a.company_id),
            BudgetScope::Project => {
                store::planning::project(conn, ProjectId(id)).await.answer()?.map(|p| p.company_id)
            }
        };
        if owner == Some(company) {
            return Ok(());
        }
        Err(ApiError::unprocessable(format!("scopeId names no {scope} of this company")))
    }
}

impl Handle<GetBudgets> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<BudgetOverview> {
        let mut conn = self.store.read().await.answer()?;
        let company = self.company(&mut conn, caller, q.company_id).await?;
        let mut policies = Vec::new();
        for p in store::budgets::list(&mut conn, company.id).await.answer()? {
            policies.push(self.policy_summary(&mut conn, p).await?);
        }
        let mut active_incidents = Vec::new();
        for i in store::incidents::open_in(&mut conn, company.id).await.answer()? {
            active_incidents.push(store::incidents::shown(&mut conn, i).await.answer()?);
        }
        let (paused_agent_count, paused_project_count) = self.paused_by_budget(&mut conn, company.id).await?;
        Ok(BudgetOverview {
            company_id: company.id,
            policies,
            active_incidents,
            paused_agent_count,
            paused_project_count,
            pending_approval_count: store::approvals::pending_count(&mut conn, Some(company.id))
                .await
                .answer()?,
        })
    }
}

impl Handle<UpsertPolicy> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpsertBudgetPolicy) -> Answer<BudgetPolicySummary> {
        if q.warn_percent.is_some_and(|w| !(1..=99).contains(&w)) {
            return Err(ApiError::invalid("Validation error: warnPercent: expected 1 to 99"));
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.company(&mut tx, caller, q.company_id).await?;
        self.must_be_of(&mut tx, q.company_id, q.scope_type, q.scope_id).await?;
        let usual = match q.scope_type {
            BudgetScope::Project => BudgetWindow::Lifetime,
            BudgetScope::Company | BudgetScope::Agent => BudgetWindow::CalendarMonthUtc,
        };
        let change = Change {
            company: q.company_id,
            scope: q.scope_type,
            id: q.scope_id,
            window: q.window_kind.unwrap_or(usual),
            amount: q.amount,
            warn_percent: q.warn_percent,
            hard_stop_enabled: q.hard_stop_enabled,
            notify_enabled: q.notify_enabled,
            is_active: q.is_active,
        };
        let (policy, kills) = self.set_budget(&mut tx, caller, change).await?;
        let summary = self.policy_summary(&mut tx, policy).await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(summary)
    }
}

impl Handle<ResolveIncident> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ResolveBudgetIncident) -> Answer<BudgetIncident> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.company(&mut tx, caller, q.company_id).await?;
        let incident = store::incidents::get(&mut tx, q.incident_id).await.or_missing("Incident")?;
        if incident.company_id != q.company_id {
            return Err(ApiError::not_found("Incident"));
        }
        let note = q.decision_note.map(|n| n.into_string()).filter(|n| !n.trim().is_empty());
        let kills = match q.action {
            BudgetResolution::RaiseBudgetAndResume => {
                self.raise(&mut tx, caller, incident, q.amount, note).await?
            }
            BudgetResolution::KeepPaused => {
                self.keep_paused(&mut tx, caller, incident, note).await?;
                Vec::new()
            }
        };
        let incident = store::incidents::get(&mut tx, q.incident_id).await.or_missing("Incident")?;
        let shown = store::incidents::shown(&mut tx, incident).await.answer()?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(shown)
    }
}

impl Handle<SetCompanyBudget> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpdateCompanyBudget) -> Answer<Company> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let c = self.company(&mut tx, caller, q.company_id).await?;
        let change = Change::monthly(c.id, BudgetScope::Company, c.id.0, q.budget_monthly_cents);
        let (_, kills) = self.set_budget(&mut tx, caller, change).await?;
        let mut c = store::companies::get(&mut tx, c.id).await.or_missing("Company")?;
        c.spent_monthly_cents = self.month_spent(&mut tx, BudgetScope::Company, c.id.0).await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(c)
    }
}

impl Handle<SetAgentBudget> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpdateAgentBudget) -> Answer<Agent> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let before = self.agent(&mut tx, caller, &q.agent_id, None).await?;
        let change =
            Change::monthly(before.company_id, BudgetScope::Agent, before.id.0, q.budget_monthly_cents);
        let (_, kills) = self.set_budget(&mut tx, caller, change).await?;
        let mut a = store::agents::get(&mut tx, before.id).await.or_missing("Agent")?;
        self.add_revision(&mut tx, caller, Some(&before), &a, "budget", None).await?;
        a.spent_monthly_cents = self.month_spent(&mut tx, BudgetScope::Agent, a.id.0).await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(shown(a))
    }
}
