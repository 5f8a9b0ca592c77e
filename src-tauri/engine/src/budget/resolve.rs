//! Setting and raising limits, and letting work go on that a spent budget stopped.

use contract::agent::AgentStatus;
use contract::approval::ApprovalStatus;
use contract::budget::{
    BudgetIncidentStatus, BudgetMetric, BudgetPolicy, BudgetScope, BudgetStatus, BudgetThreshold,
    BudgetWindow,
};
use contract::company::CompanyStatus;
use contract::run::RunStatus;
use contract::{AgentId, ApiError, ApprovalId, Cents, CompanyId, Micros, ProjectId};
use domain::approval::{Decision, Step};
use domain::budget::{IncidentEvent, incident_after, month_key, proposed_raise, status, stops};
use serde_json::json;
use store::WriteTx;
use store::incidents::Incident;
use uuid::Uuid;

use super::funds::observed;
use super::{Ledger, Scopes};
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::run::Kill;
use crate::{Caller, Engine};

/// A budget to be set.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub company: CompanyId,
    pub scope: BudgetScope,
    pub id: Uuid,
    pub window: BudgetWindow,
    pub amount: Cents,
    pub warn_percent: Option<i64>,
    pub hard_stop_enabled: Option<bool>,
    pub notify_enabled: Option<bool>,
    pub is_active: Option<bool>,
}

impl Change {
    /// The one number that a company or an agent carries.
    pub fn monthly(company: CompanyId, scope: BudgetScope, id: Uuid, amount: Cents) -> Self {
        Self {
            company,
            scope,
            id,
            window: BudgetWindow::CalendarMonthUtc,
            amount,
            warn_percent: None,
            hard_stop_enabled: None,
            notify_enabled: None,
            is_active: None,
        }
    }
}

impl Engine {
    /// Sets a budget and does what follows: what it stopped goes on, or what it does not allow any more stops.
    pub(crate) async fn set_budget(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        c: Change,
    ) -> Answer<(BudgetPolicy, Vec<Kill>)> {
        let metric = BudgetMetric::BilledCents;
        let known = store::budgets::of_scope(tx, c.id).await.answer()?;
        let known = known.into_iter().find(|p| {
            p.scope_type == c.scope
                && p.window_kind == c.window
                && p.metric == metric
                && p.company_id == c.company
        });
        let new = known.is_none();
        let mut p = known.unwrap_or_else(|| BudgetPolicy {
            id: self.new_id(),
            company_id: c.company,
            scope_type: c.scope,
            scope_id: c.id,
            metric,
            window_kind: c.window,
            amount: c.amount,
            warn_percent: 80,
            hard_stop_enabled: true,
            notify_enabled: true,
            is_active: true,
            created_by_user_id: caller.user_id(),
            updated_by_user_id: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        });
        p.amount = c.amount;
        p.warn_percent = c.warn_percent.unwrap_or(p.warn_percent);
        p.hard_stop_enabled = c.hard_stop_enabled.unwrap_or(p.hard_stop_enabled);
        p.notify_enabled = c.notify_enabled.unwrap_or(p.notify_enabled);
        p.is_active = c.is_active.unwrap_or(c.amount > Cents::ZERO);
        p.updated_by_user_id = caller.user_id();
        p.updated_at = tx.at();
        if new {
            store::budgets::create(tx, &p).await.answer()?;
        } else {
            store::budgets::save(tx, &p).await.answer()?;
        }
        let details = json!({ "scopeType": p.scope_type, "scopeId": p.scope_id, "amount": p.amount,
            "windowKind": p.window_kind });
        let about = ("budget_policy", p.id.to_string());
        self.log(tx, caller, p.company_id, "budget.policy_upserted", about, details).await?;
        let kills = self.settle_budget(tx, caller, &p).await?;
        Ok((p, kills))
    }

    /// What follows from a limit that changed.
    async fn settle_budget(&self, tx: &mut WriteTx, caller: &Caller, p: &BudgetPolicy) -> Answer<Vec<Kill>> {
        self.show_amount(tx, p).await?;
        let now = tx.at();
        let (_, spent) = observed(tx, p, now).await?;
        if !stops(p, spent) {
            for i in store::incidents::open_of(tx, p.id).await.answer()? {
                let over = i.threshold_type == BudgetThreshold::Hard || status(p, spent) == BudgetStatus::Ok;
                if over {
                    self.close(tx, caller, i, IncidentEvent::Raised, Decision::Cancel, None).await?;
                }
            }
            self.release_scope(tx, caller, p.scope_type, p.scope_id).await?;
        }
        self.weigh_policy(tx, p).await
    }

    /// The monthly budget of a company and an agent stands with them as well, as Paperclip shows it.
    async fn show_amount(&self, tx: &mut WriteTx, p: &BudgetPolicy) -> Answer<()> {
        if p.window_kind != BudgetWindow::CalendarMonthUtc {
            return Ok(());
        }
        let amount = if p.is_active { p.amount } else { Cents::ZERO };
        match p.scope_type {
            BudgetScope::Company => {
                let company = store::companies::get(tx, CompanyId(p.scope_id)).await.answer()?;
                if let Some(mut c) = company.filter(|c| c.budget_monthly_cents != amount) {
                    c.budget_monthly_cents = amount;
                    c.updated_at = tx.at();
                    store::companies::save(tx, &c).await.answer()?;
                }
            }
            BudgetScope::Agent => {
                let agent = store::agents::get(tx, AgentId(p.scope_id)).await.answer()?;
                if let Some(mut a) = agent.filter(|a| a.budget_monthly_cents != amount) {
                    a.budget_monthly_cents = amount;
                    a.updated_at = tx.at();
                    store::agents::save(tx, &a).await.answer()?;
                }
            }
            BudgetScope::Project => {}
        }
        Ok(())
    }

    /// Raises the limit of an incident above what is spent, and lets go on what it stopped.
    pub(crate) async fn raise(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        i: Incident,
        amount: Option<Cents>,
        note: Option<String>,
    ) -> Answer<Vec<Kill>> {
        must_be_open(&i)?;
        let mut p = store::budgets::get(tx, i.policy_id).await.or_missing("Budget")?;
        let now = tx.at();
        let (_, spent) = observed(tx, &p, now).await?;
        let amount = amount.unwrap_or_else(|| proposed_raise(p.amount, spent));
        if Micros::of_cents(amount) <= spent {
            return Err(ApiError::unprocessable("The new budget must be above what is spent")
                .with_details(json!({ "amount": amount, "observedAmount": spent.whole_cents() })));
        }
        p.amount = amount;
        p.is_active = true;
        p.updated_by_user_id = caller.user_id();
        p.updated_at = tx.at();
        store::budgets::save(tx, &p).await.answer()?;
        self.close(tx, caller, i, IncidentEvent::Raised, Decision::Approve, note).await?;
        self.settle_budget(tx, caller, &p).await
    }

    /// Lets what an incident stopped stay stopped.
    pub(crate) async fn keep_paused(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        i: Incident,
        note: Option<String>,
    ) -> Answer<()> {
        must_be_open(&i)?;
        self.close(tx, caller, i, IncidentEvent::Kept, Decision::Reject, note).await
    }

    /// Ends an incident, and the question to the board that goes with it.
    async fn close(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        mut i: Incident,
        event: IncidentEvent,
        decision: Decision,
        note: Option<String>,
    ) -> Answer<()> {
        let Some(status) = incident_after(i.status, event) else { return Ok(()) };
        i.status = status;
        i.resolved_at = Some(tx.at());
        i.updated_at = tx.at();
        store::incidents::save(tx, &i).await.answer()?;
        if let Some(id) = i.approval_id {
            self.decide_quietly(tx, caller, id, decision, note).await?;
        }
        let details = json!({ "scopeType": i.scope_type, "scopeId": i.scope_id, "status": status });
        let about = ("budget_incident", i.id.to_string());
        self.log(tx, caller, i.company_id, "budget.incident_resolved", about, details).await
    }

    /// Decides an approval that nobody waits for.
    async fn decide_quietly(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        id: ApprovalId,
        decision: Decision,
        note: Option<String>,
    ) -> Answer<()> {
        let Some(mut a) = store::approvals::get(tx, id).await.answer()? else { return Ok(()) };
        let Step::To(to) = domain::approval::after(a.status, decision) else { return Ok(()) };
        a.status = to;
        a.decision_note = note;
        a.decided_by_user_id = caller.user_id().filter(|_| to != ApprovalStatus::Cancelled);
        a.decided_at = Some(tx.at());
        a.updated_at = tx.at();
        store::approvals::save(tx, &a).await.answer()
    }

    /// Ends the pause of what a budget paused, unless one of its limits is still reached, and takes up its work.
    /// Answers whether it did.
    pub(crate) async fn release_scope(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        kind: BudgetScope,
        id: Uuid,
    ) -> Answer<bool> {
        if !self.is_paused(tx, kind, id).await? {
            return Ok(false);
        }
        for p in store::budgets::of_scope(tx, id).await.answer()? {
            let now = tx.at();
            let (_, spent) = observed(tx, &p, now).await?;
            if stops(&p, spent) {
                return Ok(false);
            }
        }
        let company = self.end_pause(tx, kind, id).await?;
        for run in store::budgets::live_under(tx, kind, id).await.answer()? {
            if run.status == RunStatus::Running {
                continue;
            }
            // Another budget may hold it still.
            let scopes = Scopes::of(&run, self.project_of(tx, &run).await?);
            let short = self.short(tx, &mut Ledger::default(), scopes).await?;
            self.hold_wakes(tx, run.id, short.map(|s| s.reason()).as_deref()).await?;
        }
        // What was cut short has no run that waits: its agents are woken for it.
        match kind {
            BudgetScope::Agent => {
                if let Some(agent) = store::agents::get(tx, AgentId(id)).await.answer()? {
                    self.take_up_work(tx, caller, &agent).await?;
                }
            }
            BudgetScope::Company | BudgetScope::Project => {
                if let Some(company) = company {
                    self.take_up_company(tx, caller, company, None).await?;
                }
            }
        }
        Ok(true)
    }

    /// Answers the company.
    async fn end_pause(&self, tx: &mut WriteTx, kind: BudgetScope, id: Uuid) -> Answer<Option<CompanyId>> {
        match kind {
            BudgetScope::Company => {
                let mut c = store::companies::get(tx, CompanyId(id)).await.or_missing("Company")?;
                c.status = CompanyStatus::Active;
                c.pause_reason = None;
                c.paused_at = None;
                c.updated_at = tx.at();
                store::companies::save(tx, &c).await.answer()?;
                Ok(Some(c.id))
            }
            BudgetScope::Agent => {
                let mut a = store::agents::get(tx, AgentId(id)).await.or_missing("Agent")?;
                a.status = AgentStatus::Idle;
                a.pause_reason = None;
                a.paused_at = None;
                a.updated_at = tx.at();
                store::agents::save(tx, &a).await.answer()?;
                Ok(Some(a.company_id))
            }
            BudgetScope::Project => {
                let mut p = store::planning::project(tx, ProjectId(id)).await.or_missing("Project")?;
                p.pause_reason = None;
                p.paused_at = None;
                p.updated_at = tx.at();
                store::planning::save_project(tx, &p).await.answer()?;
                Ok(Some(p.company_id))
            }
        }
    }

    /// Whether a limit lets nothing run any more.
    pub(crate) async fn is_spent(&self, tx: &mut WriteTx, p: &BudgetPolicy) -> Answer<bool> {
        let now = tx.at();
        let (_, spent) = observed(tx, p, now).await?;
        Ok(stops(p, spent))
    }

    /// Sees to budgets as time passes: incidents of a month that is over, pauses whose limit counts afresh, and
    /// limits that are reached while nothing stands still. The last is the net below [`Engine::meter`], which stops
    /// in the transaction that reaches a limit.
    pub(crate) async fn mind_budgets(&self) -> Answer<()> {
        let now = self.now();
        let month = month_key(now);
        let (stale, over, paused, policies) = {
            let mut conn = self.store.read().await.answer()?;
            (
                store::budgets::month_is_stale(&mut conn, &month).await.answer()?,
                store::incidents::outdated(&mut conn, now).await.answer()?,
                store::budgets::paused(&mut conn).await.answer()?,
                store::budgets::in_force(&mut conn).await.answer()?,
            )
        };
        let caller = Caller::system();
        if stale || !over.is_empty() {
            let mut tx = self.store.write(now).await.answer()?;
            store::budgets::turn_month(&mut tx, &month).await.answer()?;
            for i in over {
                let now = store::incidents::get(&mut tx, i.id).await.answer()?;
                if let Some(i) = now.filter(|i| i.status == BudgetIncidentStatus::Open) {
                    self.close(&mut tx, &caller, i, IncidentEvent::Raised, Decision::Cancel, None).await?;
                }
            }
            tx.commit().await.answer()?;
        }
        for scope in paused {
            let mut tx = self.store.write(now).await.answer()?;
            if !self.is_kept(&mut tx, scope.id).await?
                && self.release_scope(&mut tx, &caller, scope.kind, scope.id).await?
            {
                tx.commit().await.answer()?;
            }
        }
        for p in policies {
            self.mind_policy(&p).await?;
        }
        Ok(())
    }

    /// Whether the operator decided that it stays paused.
    async fn is_kept(&self, tx: &mut WriteTx, scope: Uuid) -> Answer<bool> {
        for p in store::budgets::of_scope(tx, scope).await.answer()? {
            let last = store::incidents::last_stop(tx, p.id).await.answer()?;
            if last.is_some_and(|i| i.status == BudgetIncidentStatus::Dismissed) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn mind_policy(&self, p: &BudgetPolicy) -> Answer<()> {
        {
            let mut conn = self.store.read().await.answer()?;
            let (_, spent) = observed(&mut conn, p, self.now()).await?;
            let standing = store::budgets::standing(&mut conn, p.scope_type, p.scope_id).await.answer()?;
            if !stops(p, spent) || standing.is_none_or(|s| s.paused || s.gone) {
                return Ok(());
            }
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        let Some(p) = store::budgets::get(&mut tx, p.id).await.answer()? else { return Ok(()) };
        let kills = self.weigh_policy(&mut tx, &p).await?;
        if tx.commit_if_changed().await.answer()? {
            self.kill_all(kills).await;
        }
        Ok(())
    }
}

fn must_be_open(i: &Incident) -> Answer<()> {
    if i.status == BudgetIncidentStatus::Open {
        return Ok(());
    }
    Err(ApiError::conflict(format!("The incident is {} already", i.status))
        .with_details(json!({ "status": i.status })))
}
