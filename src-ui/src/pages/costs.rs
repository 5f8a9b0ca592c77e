//! What the work costs this month, and what it may cost.

use contract::cost::CostRange;
use contract::operations as op;
use contract::{Cents, CompanyId, Timestamp};
use leptos::prelude::*;

use crate::api::query::{Ask, use_query};
use crate::components::base::{Empty, loaded};
use crate::components::budget::{BudgetField, Whose, budgets};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::format;
use crate::state::{app, company};

/// This month (UTC), from which monthly budgets count.
fn this_month(company_id: CompanyId, now: Timestamp) -> CostRange {
    let first: String = now.to_string().chars().take(7).chain("-01T00:00:00Z".chars()).collect();
    CostRange { company_id, from: Timestamp::parse(&first), to: None }
}

#[component]
pub fn Costs() -> impl IntoView {
    view! {
        <div class="page">
            <Topbar title="Costs" />
            <div class="page-body">
                <div class="page-inner narrow">
                    <Budgets />
                    <ByAgent />
                    <ByProject />
                    <ByModel />
                </div>
            </div>
        </div>
    }
}

#[component]
fn Budgets() -> impl IntoView {
    let co = company();
    let overview = budgets();
    let name = move || co.company.get().map_or_else(String::new, |c| c.name.clone());
    view! {
        <section class="form-section" data-testid="budgets">
            <h2>"Budgets"</h2>
            <p>"In dollars. Agents and the company by the calendar month (UTC), projects from their beginning."</p>
            {move || view! { <BudgetField label=name() whose=Whose::Company(co.id) overview=overview /> }}
            <For
                each=move || co.agents.get().map(|a| a.to_vec()).unwrap_or_default()
                key=|a| (a.id, a.name.clone())
                let:a
            >
                <BudgetField label=a.name.clone() whose=Whose::Agent(a.id) overview=overview />
            </For>
            <For
                each=move || co.projects.get().map(|p| p.to_vec()).unwrap_or_default()
                key=|p| (p.id, p.name.clone())
                let:p
            >
                <BudgetField label=format!("Project {}", p.name) whose=Whose::Project(p.id) overview=overview />
            </For>
        </section>
    }
}

/// A line of a sum.
#[component]
fn Line(name: String, detail: String, cost: Cents) -> impl IntoView {
    view! {
        <div class="line-item" data-testid="cost-line">
            <strong class="ellipsis">{name}</strong>
            <span class="muted ellipsis">{detail}</span>
            <span class="push num">{format::money(cost)}</span>
        </div>
    }
}

fn tokens(read: i64, cached: i64, written: i64) -> String {
    format!(
        "{} read, {} from cache, {} written",
        format::tokens(read),
        format::tokens(cached),
        format::tokens(written)
    )
}

#[component]
fn ByAgent() -> impl IntoView {
    let co = company();
    let rows = use_query::<op::ListCostsByAgent>(move || {
        Some(Ask::within(this_month(co.id, app().now.get_untracked()), co.id))
    });
    view! {
        <section class="box">
            <header>
                <h2>"By agent, this month"</h2>
            </header>
            {loaded(
                rows,
                4,
                |rows| {
                    view! {
                        <Show
                            when=move || !rows.with(|r| r.is_empty())
                            fallback=|| {
                                view! {
                                    <Empty
                                        icon=i::CREDIT_CARD
                                        title="Nothing was spent yet"
                                        text="What models cost appears here message by message while agents work."
                                    />
                                }
                            }
                        >
                            {move || {
                                rows.get()
                                    .iter()
                                    .map(|r| {
                                        let name = r.agent_name.clone().unwrap_or_else(|| "Former agent".into());
                                        let mut detail = tokens(r.input_tokens, r.cached_input_tokens, r.output_tokens);
                                        if r.subscription_run_count > 0 {
                                            detail += ", partly by subscription";
                                        }
                                        view! { <Line name=name detail=detail cost=r.cost_cents /> }
                                    })
                                    .collect_view()
                            }}
                        </Show>
                    }
                },
            )}
        </section>
    }
}

#[component]
fn ByProject() -> impl IntoView {
    let co = company();
    let rows = use_query::<op::ListCostsByProject>(move || {
        Some(Ask::within(this_month(co.id, app().now.get_untracked()), co.id))
    });
    move || {
        rows.get().filter(|r| r.iter().any(|r| r.project_id.is_some())).map(|rows| {
            view! {
                <section class="box">
                    <header>
                        <h2>"By project, this month"</h2>
                    </header>
                    {rows
                        .iter()
                        .map(|r| {
                            let name = r.project_name.clone().unwrap_or_else(|| "Without a project".into());
                            let detail = tokens(r.input_tokens, r.cached_input_tokens, r.output_tokens);
                            view! { <Line name=name detail=detail cost=r.cost_cents /> }
                        })
                        .collect_view()}
                </section>
            }
        })
    }
}

#[component]
fn ByModel() -> impl IntoView {
    let co = company();
    let rows = use_query::<op::ListCostsByProvider>(move || {
        Some(Ask::within(this_month(co.id, app().now.get_untracked()), co.id))
    });
    move || {
        rows.get().filter(|r| !r.is_empty()).map(|rows| {
            view! {
                <section class="box">
                    <header>
                        <h2>"By model, this month"</h2>
                    </header>
                    {rows
                        .iter()
                        .map(|r| {
                            let how = format::words(r.billing_type.as_str()).to_lowercase();
                            let detail = format!("{}, {how}", r.provider);
                            view! { <Line name=r.model.clone() detail=detail cost=r.cost_cents /> }
                        })
                        .collect_view()}
                </section>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_day() {
        let company = "018f3b5a-0000-7000-8000-000000000001".parse().unwrap();
        let now = Timestamp::parse("2026-11-28T05:00:00Z").unwrap();
        assert_eq!(this_month(company, now).from, Timestamp::parse("2026-11-01T00:00:00Z"));
    }
}
