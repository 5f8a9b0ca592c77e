//! Budgets: a field that sets one beside what is spent of it, and what is asked when one is spent.

use std::sync::Arc;

use contract::budget::{
    BudgetIncident, BudgetOverview, BudgetPolicySummary, BudgetResolution, BudgetScope, BudgetStatus,
    BudgetThreshold, BudgetWindow, ResolveBudgetIncident, UpsertBudgetPolicy,
};
use contract::company::{CompanyPath, PauseReason};
use contract::operations as op;
use contract::{AgentId, ApiError, Cents, CompanyId, ProjectId};
use leptos::prelude::*;

use crate::api::query::{Ask, Query, use_query};
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::format;
use crate::state::{act, act_or, app, company};

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Company(CompanyId),
    Agent(AgentId),
    Project(ProjectId),
}

impl Whose {
    const fn scope(self) -> BudgetScope {
        match self {
            Self::Company(_) => BudgetScope::Company,
            Self::Agent(_) => BudgetScope::Agent,
            Self::Project(_) => BudgetScope::Project,
        }
    }

    /// A project's budget counts from its beginning, the others by the month.
    const fn window(self) -> BudgetWindow {
        match self {
            Self::Company(_) | Self::Agent(_) => BudgetWindow::CalendarMonthUtc,
            Self::Project(_) => BudgetWindow::Lifetime,
        }
    }

    fn policy(self, all: &BudgetOverview) -> Option<BudgetPolicySummary> {
        let id = match self {
            Self::Company(id) => id.0,
            Self::Agent(id) => id.0,
            Self::Project(id) => id.0,
        };
        let own = |p: &&BudgetPolicySummary| p.scope_id == id && p.window_kind == self.window();
        all.policies.iter().find(own).cloned()
    }

    fn set(self, company: CompanyId, amount: Cents) -> UpsertBudgetPolicy {
        UpsertBudgetPolicy {
            company_id: company,
            scope_type: self.scope(),
            scope_id: match self {
                Self::Company(id) => id.0,
                Self::Agent(id) => id.0,
                Self::Project(id) => id.0,
            },
            metric: None,
            window_kind: Some(self.window()),
            amount,
            warn_percent: None,
            hard_stop_enabled: None,
            notify_enabled: None,
            is_active: None,
        }
    }
}

/// The budgets of the company that is shown.
pub fn budgets() -> Query<BudgetOverview> {
    let co = company();
    use_query::<op::GetBudgets>(move || Some(Ask::within(CompanyPath { company_id: co.id }, co.id)))
}

/// What is spent, in a sentence.
fn spent(p: Option<&BudgetPolicySummary>, whose: Whose) -> String {
    let over = if whose.window() == BudgetWindow::Lifetime { "so far" } else { "this month" };
    match p.filter(|p| p.is_active && p.amount > Cents::ZERO) {
        None => format!("No limit. Counted {over}; warns at 80%, stops the work when it is spent."),
        Some(p) => {
            let mut said = format!(
                "{} of {} spent {over} ({:.0}%)",
                format::money(p.observed_amount),
                format::money(p.amount),
                p.utilization_percent
            );
            if p.reserved_amount > Cents::ZERO {
                said += &format!(", {} set aside for runs at work", format::money(p.reserved_amount));
            }
            said
        }
    }
}

/// Sets a budget in dollars; left empty, there is no limit.
#[component]
pub fn BudgetField(
    #[prop(into)] label: String,
    whose: Whose,
    overview: Query<BudgetOverview>,
) -> impl IntoView {
    let co = company();
    let policy = Memo::new(move |_| overview.data.with(|d| d.as_ref().and_then(|d| whose.policy(d))));
    let shown = Signal::derive(move || {
        policy.with(|p| {
            p.as_ref().filter(|p| p.is_active).map_or_else(String::new, |p| format::money_field(p.amount))
        })
    });
    let wrong = RwSignal::new(None::<&'static str>);
    let set = move |typed: String| match format::parse_money(&typed) {
        Err(why) => wrong.set(Some(why)),
        Ok(amount) => {
            wrong.set(None);
            act_or::<op::UpsertPolicy>(
                whose.set(co.id, amount),
                move |p| {
                    app().say(if amount == Cents::ZERO {
                        format!("{} has no limit", p.scope_name)
                    } else {
                        format!("The budget of {} is {}", p.scope_name, format::money(amount))
                    });
                    overview.refetch();
                },
                // The field shows what is set again.
                move || overview.refetch(),
            );
        }
    };
    let aria = format!("Budget of {label} in dollars");
    let tone = move || match policy.with(|p| p.as_ref().map(|p| p.status)) {
        Some(BudgetStatus::HardStop) => "tone-red",
        Some(BudgetStatus::Warning) => "tone-yellow",
        _ => "tone-grey",
    };
    view! {
        <label class="setting" data-testid="budget">
            <span class="setting-text">
                <span>{label}</span>
                {move || match wrong.get() {
                    Some(why) => view! { <small class="wrong" role="alert">{why}</small> }.into_any(),
                    None => {
                        view! { <small class=tone>{policy.with(|p| spent(p.as_ref(), whose))}</small> }
                            .into_any()
                    }
                }}
            </span>
            <span class="money">
                <span aria-hidden="true">"$"</span>
                <input
                    class="field"
                    type="text"
                    inputmode="decimal"
                    placeholder="No limit"
                    autocomplete="off"
                    data-testid="budget-amount"
                    aria-label=aria
                    aria-invalid=move || wrong.get().is_some().to_string()
                    prop:value=shown
                    on:change:target=move |ev| set(ev.target().value())
                />
            </span>
        </label>
    }
}

/// A budget that somebody has to decide about.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    pub policy: BudgetPolicySummary,
    pub incident: Option<BudgetIncident>,
}

/// What is to be decided: open incidents, and what stands still for want of money after one was dismissed.
pub fn to_decide(all: &BudgetOverview) -> Vec<Spent> {
    let mut out = Vec::new();
    for p in &all.policies {
        let mut open: Vec<_> = all.active_incidents.iter().filter(|i| i.policy_id == p.policy_id).collect();
        open.sort_by_key(|i| i.threshold_type != BudgetThreshold::Hard);
        let kept = p.status == BudgetStatus::HardStop && p.pause_reason == Some(PauseReason::Budget);
        if !open.is_empty() || kept {
            out.push(Spent { policy: p.clone(), incident: open.first().map(|i| (*i).clone()) });
        }
    }
    out
}

/// Says what is spent, and takes the decision.
#[component]
pub fn SpentBudget(spent: Spent, done: Callback<()>) -> impl IntoView {
    let co = company();
    let Spent { policy: p, incident } = spent;
    let over = if p.window_kind == BudgetWindow::Lifetime { "" } else { " this month" };
    let hard = p.status == BudgetStatus::HardStop;
    let title = if hard {
        format!("The budget of {} is spent", p.scope_name)
    } else {
        format!("{} has used {:.0}% of its budget", p.scope_name, p.utilization_percent)
    };
    let figures = format!("{} of {} spent{over}", format::money(p.observed_amount), format::money(p.amount));
    let what = match (hard, &incident) {
        (false, _) => "It is stopped when the budget is spent.",
        (true, Some(_)) => "Its runs are stopped and its work is held.",
        (true, None) => "You kept it paused: its work is held.",
    };
    let limit = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let open = incident.as_ref().map(|i| i.id);
    let company_id = p.company_id;
    let again = StoredValue::new(p.clone());
    let resolve = move |id, action, amount: Option<Cents>, said: &'static str| {
        busy.set(true);
        let input =
            ResolveBudgetIncident { company_id, incident_id: id, action, amount, decision_note: None };
        act_or::<op::ResolveIncident>(
            input,
            move |_| {
                app().say(said);
                done.run(());
            },
            move || {
                busy.try_set(false);
            },
        );
    };
    let raise = move |_| {
        let amount = match format::parse_money(&limit.get_untracked()) {
            Ok(amount) => Some(amount).filter(|a| *a > Cents::ZERO),
            Err(why) => return app().fail(&ApiError::invalid(why)),
        };
        match (open, amount) {
            (Some(id), amount) => {
                resolve(id, BudgetResolution::RaiseBudgetAndResume, amount, "Raised. Its work goes on.");
            }
            (None, None) => app().fail(&ApiError::invalid("Enter the new budget in dollars")),
            (None, Some(amount)) => {
                let p = again.get_value();
                let input = UpsertBudgetPolicy {
                    company_id: co.id,
                    scope_type: p.scope_type,
                    scope_id: p.scope_id,
                    metric: None,
                    window_kind: Some(p.window_kind),
                    amount,
                    warn_percent: None,
                    hard_stop_enabled: None,
                    notify_enabled: None,
                    is_active: None,
                };
                act::<op::UpsertPolicy>(input, move |_| {
                    app().say("Raised. Its work goes on.");
                    done.run(());
                });
            }
        }
    };
    let keep = move |_| {
        let Some(id) = open else { return };
        let said = if hard { "It stays paused" } else { "Noted" };
        resolve(id, BudgetResolution::KeepPaused, None, said);
    };
    let hint = if open.is_some() { "half as much again" } else { "new budget" };
    let aria = format!("New budget of {} in dollars", p.scope_name);
    view! {
        <section class="interaction pending" data-testid="budget-incident" data-scope=p.scope_type.as_str()>
            <header class="interaction-head">
                <Icon d=i::CREDIT_CARD />
                <div class="interaction-title">
                    <strong>{title}</strong>
                    <span class="muted num">{figures} ". " {what}</span>
                </div>
            </header>
            <div class="interaction-actions">
                <span class="money">
                    <span aria-hidden="true">"$"</span>
                    <input
                        class="field"
                        type="text"
                        inputmode="decimal"
                        autocomplete="off"
                        placeholder=hint
                        aria-label=aria
                        data-testid="budget-limit"
                        on:input:target=move |ev| limit.set(ev.target().value())
                    />
                </span>
                <button class="btn primary" data-testid="budget-raise" disabled=busy on:click=raise>
                    {if hard { "Raise and resume" } else { "Raise" }}
                </button>
                {open
                    .map(|_| {
                        view! {
                            <button class="btn quiet" data-testid="budget-keep" disabled=busy on:click=keep>
                                {if hard { "Keep paused" } else { "Leave it so" }}
                            </button>
                        }
                    })}
            </div>
        </section>
    }
}

/// The decisions about budgets that wait, as they are now.
pub fn deciding(overview: Query<BudgetOverview>) -> Memo<Vec<Spent>> {
    Memo::new(move |_| {
        overview
            .data
            .with(|d: &Option<Arc<BudgetOverview>>| d.as_ref().map(|d| to_decide(d)).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use contract::budget::{BudgetIncidentStatus, BudgetMetric};
    use contract::{BudgetIncidentId, BudgetPolicyId, Timestamp};

    use super::*;

    fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u8) -> T {
        format!("018f3b5a-0000-7000-8000-0000000000{n:02}").parse().unwrap()
    }

    fn policy(n: u8, status: BudgetStatus, reason: Option<PauseReason>) -> BudgetPolicySummary {
        let at = Timestamp::from_millis(0);
        let agent: AgentId = id(n);
        BudgetPolicySummary {
            policy_id: id::<BudgetPolicyId>(n),
            company_id: id(90),
            scope_type: BudgetScope::Agent,
            scope_id: agent.0,
            scope_name: "Ada".into(),
            metric: BudgetMetric::BilledCents,
            window_kind: BudgetWindow::CalendarMonthUtc,
            amount: Cents::new(100),
            observed_amount: Cents::new(120),
            remaining_amount: Cents::ZERO,
            reserved_amount: Cents::ZERO,
            utilization_percent: 120.0,
            warn_percent: 80,
            hard_stop_enabled: true,
            notify_enabled: true,
            is_active: true,
            status,
            paused: reason.is_some(),
            pause_reason: reason,
            window_start: at,
            window_end: at,
        }
    }

    fn incident(of: u8, threshold: BudgetThreshold) -> BudgetIncident {
        let at = Timestamp::from_millis(0);
        let p = policy(of, BudgetStatus::HardStop, None);
        BudgetIncident {
            id: id::<BudgetIncidentId>(of + 50),
            company_id: p.company_id,
            policy_id: p.policy_id,
            scope_type: p.scope_type,
            scope_id: p.scope_id,
            scope_name: p.scope_name,
            metric: p.metric,
            window_kind: p.window_kind,
            window_start: at,
            window_end: at,
            threshold_type: threshold,
            amount_limit: p.amount,
            amount_observed: p.observed_amount,
            status: BudgetIncidentStatus::Open,
            approval_id: None,
            approval_status: None,
            resolved_at: None,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn what_is_decided_about_is_what_is_open_or_kept_paused() {
        let by_budget = Some(PauseReason::Budget);
        let all = BudgetOverview {
            company_id: id(90),
            policies: vec![
                policy(1, BudgetStatus::HardStop, by_budget),
                policy(2, BudgetStatus::HardStop, by_budget),
                policy(3, BudgetStatus::Warning, None),
                policy(4, BudgetStatus::Ok, None),
                policy(5, BudgetStatus::HardStop, Some(PauseReason::Manual)),
            ],
            active_incidents: vec![
                incident(1, BudgetThreshold::Soft),
                incident(1, BudgetThreshold::Hard),
                incident(3, BudgetThreshold::Soft),
            ],
            paused_agent_count: 2,
            paused_project_count: 0,
            pending_approval_count: 1,
        };
        let told: Vec<_> = to_decide(&all)
            .into_iter()
            .map(|s| (s.policy.policy_id, s.incident.map(|i| i.threshold_type)))
            .collect();
        let expected =
            [(id(1), Some(BudgetThreshold::Hard)), (id(2), None), (id(3), Some(BudgetThreshold::Soft))];
        assert_eq!(told, expected);
        let agent = Whose::Agent(id(3));
        assert_eq!(agent.policy(&all).map(|p| p.status), Some(BudgetStatus::Warning));
        assert_eq!(Whose::Project(id(3)).policy(&all), None, "a project's counts from its beginning");
        assert!(spent(agent.policy(&all).as_ref(), agent).starts_with("$1.20 of $1.00 spent this month"));
    }
}
