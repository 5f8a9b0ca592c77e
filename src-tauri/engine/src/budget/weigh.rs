//! What follows from an entry in the ledger: a warning, or the stop of everything that is paid from a spent budget.

use contract::agent::AgentStatus;
use contract::approval::{Approval, ApprovalStatus, ApprovalType};
use contract::budget::{BudgetIncidentStatus, BudgetPolicy, BudgetScope, BudgetThreshold};
use contract::company::{CompanyStatus, PauseReason};
use contract::run::RunStatus;
use contract::{AgentId, Cents, CompanyId, Micros, ProjectId};
use domain::budget::{IncidentEvent, Window, crossed, incident_after, month_key, proposed_raise};
use serde_json::json;
use store::WriteTx;
use store::incidents::Incident;
use uuid::Uuid;

use super::funds::observed;
use super::{STOPPED, Scopes};
use crate::error::{Answer, OrAnswer};
use crate::run::Kill;
use crate::{Caller, Engine};

impl Engine {
    /// Weighs every limit that an entry counts under. Answers which runs are to be killed after the commit.
    pub(crate) async fn weigh(&self, tx: &mut WriteTx, scopes: Scopes) -> Answer<Vec<Kill>> {
        let month = month_key(tx.at());
        let next = month_key(domain::budget::month_of(tx.at()).end);
        let mut kills = Vec::new();
        for (kind, id) in scopes.all() {
            let spent = store::budgets::spent(tx, kind, id, (&month, &next)).await.answer()?;
            store::budgets::set_month_spent(tx, kind, id, spent.whole_cents()).await.answer()?;
            for p in store::budgets::of_scope(tx, id).await.answer()? {
                kills.extend(self.weigh_policy(tx, &p).await?);
            }
        }
        Ok(kills)
    }

    pub(super) async fn weigh_policy(&self, tx: &mut WriteTx, p: &BudgetPolicy) -> Answer<Vec<Kill>> {
        let now = tx.at();
        let (w, spent) = observed(tx, p, now).await?;
        match crossed(p, spent) {
            None => Ok(Vec::new()),
            Some(BudgetThreshold::Soft) => {
                self.open_incident(tx, p, w, spent, BudgetThreshold::Soft).await?;
                Ok(Vec::new())
            }
            Some(BudgetThreshold::Hard) => self.stop(tx, p, w, spent).await,
        }
    }

    /// Opens the incident of a threshold that is crossed, where none is open and it was not decided. `None`: nothing
    /// is new.
    async fn open_incident(
        &self,
        tx: &mut WriteTx,
        p: &BudgetPolicy,
        w: Window,
        spent: Micros,
        threshold: BudgetThreshold,
    ) -> Answer<Option<Incident>> {
        let before = store::incidents::newest(tx, p.id, w.start, threshold).await.answer()?;
        if let Some(mut i) = before {
            let same_limit = i.amount_limit == p.amount;
            match i.status {
                BudgetIncidentStatus::Open => return Ok(None),
                // One warning a window and limit.
                BudgetIncidentStatus::Resolved if same_limit && threshold == BudgetThreshold::Soft => {
                    return Ok(None);
                }
                BudgetIncidentStatus::Dismissed if same_limit && threshold == BudgetThreshold::Soft => {
                    return Ok(None);
                }
                // Who decided to keep it paused is not asked again while it is.
                BudgetIncidentStatus::Dismissed
                    if same_limit && self.is_paused(tx, p.scope_type, p.scope_id).await? =>
                {
                    return Ok(None);
                }
                _ => {}
            }
            if let Some(status) = incident_after(i.status, IncidentEvent::Crossed) {
                i.status = status;
                i.resolved_at = None;
                i.amount_limit = p.amount;
                i.amount_observed = spent.whole_cents();
                i.approval_id = self.ask_for_more(tx, p, w, &i).await?;
                i.updated_at = tx.at();
                store::incidents::save(tx, &i).await.answer()?;
                return Ok(Some(i));
            }
        }
        let mut i = Incident {
            id: self.new_id(),
            company_id: p.company_id,
            policy_id: p.id,
            scope_type: p.scope_type,
            scope_id: p.scope_id,
            metric: p.metric,
            window_kind: p.window_kind,
            window_start: w.start,
            window_end: w.end,
            threshold_type: threshold,
            amount_limit: p.amount,
            amount_observed: spent.whole_cents(),
            status: BudgetIncidentStatus::Open,
            approval_id: None,
            resolved_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        i.approval_id = self.ask_for_more(tx, p, w, &i).await?;
        store::incidents::create(tx, &i).await.answer()?;
        Ok(Some(i))
    }

    /// Files the question to the board that goes with a stop.
    async fn ask_for_more(
        &self,
        tx: &mut WriteTx,
        p: &BudgetPolicy,
        w: Window,
        i: &Incident,
    ) -> Answer<Option<contract::ApprovalId>> {
        if i.threshold_type == BudgetThreshold::Soft {
            return Ok(None);
        }
        let standing = store::budgets::standing(tx, p.scope_type, p.scope_id).await.answer()?;
        let payload = json!({
            "scopeType": p.scope_type,
            "scopeId": p.scope_id,
            "scopeName": standing.map(|s| s.name),
            "metric": p.metric,
            "windowKind": p.window_kind,
            "thresholdType": i.threshold_type,
            "budgetAmount": p.amount,
            "observedAmount": i.amount_observed,
            "proposedAmount": proposed_raise(p.amount, Micros::of_cents(i.amount_observed)),
            "warnPercent": p.warn_percent,
            "windowStart": w.start,
            "windowEnd": w.end,
            "policyId": p.id,
            "incidentId": i.id,
            "guidance": "Raise the budget and let the work go on, or keep it paused.",
        });
        let approval = Approval {
            id: self.new_id(),
            company_id: p.company_id,
            kind: ApprovalType::BudgetOverrideRequired,
            requested_by_agent_id: None,
            requested_by_user_id: None,
            status: ApprovalStatus::Pending,
            payload: payload.as_object().cloned().unwrap_or_default(),
            decision_note: None,
            decided_by_user_id: None,
            decided_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::approvals::create(tx, &approval).await.answer()?;
        Ok(Some(approval.id))
    }

    /// Stops everything that is paid from a spent budget: pauses whose it is, ends the runs at work and holds those
    /// that wait, each with the reason.
    async fn stop(&self, tx: &mut WriteTx, p: &BudgetPolicy, w: Window, spent: Micros) -> Answer<Vec<Kill>> {
        let opened = self.open_incident(tx, p, w, spent, BudgetThreshold::Hard).await?;
        let standing = store::budgets::standing(tx, p.scope_type, p.scope_id).await.answer()?;
        let name = standing.map(|s| s.name).unwrap_or_default();
        let why = format!("The budget of {name} is spent");
        if let Some(i) = &opened {
            self.resolve_warnings(tx, p).await?;
            let details = json!({ "name": name, "scopeType": p.scope_type, "scopeId": p.scope_id,
                "amountLimit": i.amount_limit, "amountObserved": i.amount_observed });
            let about = ("budget_incident", i.id.to_string());
            let action = "budget.hard_threshold_crossed";
            self.log(tx, &Caller::system(), p.company_id, action, about, details).await?;
        }
        self.pause_for_budget(tx, p.scope_type, p.scope_id).await?;
        let mut kills = Vec::new();
        for run in store::budgets::live_under(tx, p.scope_type, p.scope_id).await.answer()? {
            if run.status == RunStatus::Running {
                // Told once: what it still says while it ends is entered, and stops it no further.
                if store::runs::cancel_reason(tx, run.id).await.answer()?.is_none() {
                    store::runs::set_cancel_code(tx, run.id, STOPPED).await.answer()?;
                    kills.extend(self.cancel_run(tx, run, &why).await?);
                }
            } else {
                self.hold_wakes(tx, run.id, Some(&why)).await?;
            }
        }
        Ok(kills)
    }

    async fn resolve_warnings(&self, tx: &mut WriteTx, p: &BudgetPolicy) -> Answer<()> {
        for mut i in store::incidents::open_of(tx, p.id).await.answer()? {
            if i.threshold_type == BudgetThreshold::Soft {
                i.status = BudgetIncidentStatus::Resolved;
                i.resolved_at = Some(tx.at());
                i.updated_at = tx.at();
                store::incidents::save(tx, &i).await.answer()?;
            }
        }
        Ok(())
    }

    /// Writes onto the requests that a waiting run stands for why it waits, or that it does no more.
    pub(crate) async fn hold_wakes(
        &self,
        tx: &mut WriteTx,
        run: contract::RunId,
        why: Option<&str>,
    ) -> Answer<()> {
        for mut w in store::wakeups::open_for_run(tx, run).await.answer()? {
            let held = why.map(|w| format!("Held: {}", lower(w)));
            if w.error != held {
                w.error = held;
                w.updated_at = tx.at();
                store::wakeups::save(tx, &w).await.answer()?;
            }
        }
        Ok(())
    }

    pub(super) async fn is_paused(&self, tx: &mut WriteTx, kind: BudgetScope, id: Uuid) -> Answer<bool> {
        let standing = store::budgets::standing(tx, kind, id).await.answer()?;
        Ok(standing.is_some_and(|s| s.paused && s.reason == Some(PauseReason::Budget)))
    }

    /// Pauses whose budget is spent. What somebody paused already stays theirs.
    async fn pause_for_budget(&self, tx: &mut WriteTx, kind: BudgetScope, id: Uuid) -> Answer<()> {
        match kind {
            BudgetScope::Company => {
                let Some(mut c) = store::companies::get(tx, CompanyId(id)).await.answer()? else {
                    return Ok(());
                };
                if c.status == CompanyStatus::Active {
                    c.status = CompanyStatus::Paused;
                    c.pause_reason = Some(PauseReason::Budget);
                    c.paused_at = Some(tx.at());
                    c.updated_at = tx.at();
                    store::companies::save(tx, &c).await.answer()?;
                }
            }
            BudgetScope::Agent => {
                let Some(mut a) = store::agents::get(tx, AgentId(id)).await.answer()? else { return Ok(()) };
                if domain::agent::is_invokable(a.status) {
                    a.status = AgentStatus::Paused;
                    a.pause_reason = Some(PauseReason::Budget);
                    a.paused_at = Some(tx.at());
                    a.updated_at = tx.at();
                    store::agents::save(tx, &a).await.answer()?;
                }
            }
            BudgetScope::Project => {
                let Some(mut p) = store::planning::project(tx, ProjectId(id)).await.answer()? else {
                    return Ok(());
                };
                if p.pause_reason.is_none() {
                    p.pause_reason = Some(PauseReason::Budget);
                    p.paused_at = Some(tx.at());
                    p.updated_at = tx.at();
                    store::planning::save_project(tx, &p).await.answer()?;
                }
            }
        }
        Ok(())
    }

    /// What was spent of a month so far, as it is shown with a company or an agent.
    pub(crate) async fn month_spent(
        &self,
        conn: &mut store::SqliteConnection,
        kind: BudgetScope,
        id: Uuid,
    ) -> Answer<Cents> {
        let month = domain::budget::month_of(self.now());
        let keys = (month_key(month.start), month_key(month.end));
        let spent = store::budgets::spent(conn, kind, id, (&keys.0, &keys.1)).await.answer()?;
        Ok(spent.whole_cents())
    }
}

/// A sentence as the second half of one.
fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
