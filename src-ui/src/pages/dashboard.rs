//! The company at a glance: what runs, what waits, what happened.

use contract::activity::ListActivity;
use contract::company::CompanyPath;
use contract::dashboard::{Dashboard as Figures, RunActivityDay};
use contract::issue::{IssueSort, ListIssues, SortDir};
use contract::operations as op;
use contract::run::{RunStatus, RunSummary};
use leptos::prelude::*;
use std::sync::Arc;

use super::activity::ActivityRow;
use super::waiting::{WaitingRow, open_issues, why};
use crate::api::query::{Ask, use_query};
use crate::components::approval::pending_approvals;
use crate::components::base::{Avatar, Elapsed, Empty, Icon, Link, State, loaded};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::components::silence::SilenceBadge;
use crate::components::transcript::Transcript;
use crate::format;
use crate::labels;
use crate::state::company;
use crate::state::route::Page;

/// Live runs whose transcripts are shown; more of them are only counted.
const SHOWN: usize = 4;

#[component]
pub fn Dashboard() -> impl IntoView {
    let co = company();
    let figures =
        use_query::<op::GetDashboard>(move || Some(Ask::within(CompanyPath { company_id: co.id }, co.id)));
    view! {
        <div class="page">
            <Topbar title="Dashboard" />
            <div class="page-body">
                <div class="page-inner">
                    <Nobody />
                    <Live />
                    {loaded(figures, 5, |f| view! { <Tiles figures=f /> })}
                    <div class="two">
                        <section class="box">
                            <header>
                                <h2>"Runs, last 14 days"</h2>
                                <div class="legend">
                                    <span class="tone-green">
                                        <i class="swatch"></i>
                                        "Succeeded"
                                    </span>
                                    <span class="tone-red">
                                        <i class="swatch"></i>
                                        "Failed"
                                    </span>
                                    <span class="tone-grey">
                                        <i class="swatch"></i>
                                        "Other"
                                    </span>
                                </div>
                            </header>
                            <div class="pad">
                                {loaded(figures, 3, |f| move || chart(&f.get().run_activity))}
                            </div>
                        </section>
                        <WaitingBox />
                    </div>
                    <div class="two">
                        <RecentIssues />
                        <RecentActivity />
                    </div>
                </div>
            </div>
        </div>
    }
}

/// A company without agents does nothing: the way to the first one.
#[component]
fn Nobody() -> impl IntoView {
    let co = company();
    let none = Memo::new(move |_| co.agents.data.with(|a| a.as_ref().is_some_and(|a| a.is_empty())));
    view! {
        <Show when=move || none.get()>
            <div class="notice tone-blue">
                <Icon d=i::BOT />
                <span>"Nobody works here yet. Agents do the work: create the first one and give it an issue."</span>
                <Link to=co.route(Page::NewAgent) class="btn primary" testid="first-agent">
                    "New agent"
                </Link>
            </div>
        </Show>
    }
}

#[component]
fn Live() -> impl IntoView {
    let co = company();
    let running = Memo::new(move |_| {
        co.live.data.with(|l| {
            l.iter()
                .flat_map(|l| l.iter())
                .filter(|r| r.status == RunStatus::Running)
                .cloned()
                .collect::<Vec<RunSummary>>()
        })
    });
    let more = move || running.with(Vec::len).saturating_sub(SHOWN);
    view! {
        <Show when=move || !running.with(Vec::is_empty)>
            <div class="live-grid">
                <For each={move || running.get().into_iter().take(SHOWN).collect::<Vec<_>>()} key=|r| (r.id, r.output_silence.as_ref().map(|s| s.level)) let:r>
                    <article class="live-card">
                        <Link to=co.route(Page::Run(r.id.to_string())) class="live-head">
                            <Avatar name=r.agent_name.clone() />
                            <strong>{r.agent_name.clone()}</strong>
                            <span class="identifier">{r.issue_identifier.clone()}</span>
                            <span class="ellipsis">{r.issue_title.clone()}</span>
                            <SilenceBadge silence=r.output_silence.clone() />
                            <span class="push">
                                <State look=labels::run_status(r.status) />
                            </span>
                            {r.started_at.map(|s| view! { <Elapsed start=s end=None /> })}
                        </Link>
                        <Transcript run=r.id />
                    </article>
                </For>
            </div>
            {move || (more() > 0).then(|| view! { <p class="muted">{format!("and {} more running", more())}</p> })}
        </Show>
    }
}

#[component]
fn Tiles(figures: Signal<Arc<Figures>>) -> impl IntoView {
    let co = company();
    move || {
        let f = figures.get();
        let agents = f.agents.active + f.agents.running + f.agents.paused + f.agents.error;
        let trouble = match (f.agents.error, f.agents.paused) {
            (0, 0) if agents == 0 => "Nobody works here yet".to_owned(),
            (0, 0) => "All ready for work".to_owned(),
            (0, p) => format!("{p} paused"),
            (e, 0) => format!("{e} with errors"),
            (e, p) => format!("{e} with errors, {p} paused"),
        };
        let budget = if f.costs.month_budget_cents.get() > 0 {
            format!(
                "{:.0}% of {}",
                f.costs.month_utilization_percent,
                format::money(f.costs.month_budget_cents)
            )
        } else {
            "No budget set".into()
        };
        let waiting = f.pending_interactions + f.pending_approvals;
        let open = format::thousands(f.tasks.open);
        let moving = format!("{} in progress, {} blocked", f.tasks.in_progress, f.tasks.blocked);
        view! {
            <div class="tiles">
                <Link to=co.route(Page::Agents("all".into())) class="tile">
                    <span class="tile-name"><Icon d=i::BOT /> "Agents"</span>
                    <strong>{agents}</strong>
                    <small>{trouble}</small>
                </Link>
                <Link to=co.route(Page::Issues("status=todo,in_progress,in_review,blocked".into())) class="tile">
                    <span class="tile-name"><Icon d=i::LIST_TODO /> "Open issues"</span>
                    <strong>{open}</strong>
                    <small>{moving}</small>
                </Link>
                <Link to=co.route(Page::Waiting) class="tile">
                    <span class="tile-name"><Icon d=i::BELL /> "Waiting for you"</span>
                    <strong>{waiting}</strong>
                    <small>{if waiting == 0 { "Nothing to decide" } else { "Questions, reviews and decisions" }}</small>
                </Link>
                <div class="tile">
                    <span class="tile-name"><Icon d=i::CREDIT_CARD /> "Spent this month"</span>
                    <strong>{format::money(f.costs.month_spend_cents)}</strong>
                    <small>{budget}</small>
                </div>
            </div>
        }
    }
}

/// Bars of a fortnight, each with its numbers on hover.
fn chart(days: &[RunActivityDay]) -> AnyView {
    const W: f64 = 560.0;
    const H: f64 = 132.0;
    const BASE: f64 = 112.0;
    let days: Vec<RunActivityDay> = days.iter().rev().take(14).rev().cloned().collect();
    if days.iter().all(|d| d.total == 0) {
        return view! { <p class="muted">"No run has ended in this time."</p> }.into_any();
    }
    let most = days.iter().map(|d| d.total).max().unwrap_or(1).max(1) as f64;
    let step = W / days.len().max(1) as f64;
    let bar = (step * 0.55).min(26.0);
    let bars = days
        .iter()
        .enumerate()
        .map(|(n, d)| {
            let x = n as f64 * step + (step - bar) / 2.0;
            let mut top = BASE;
            let parts = [("succeeded", d.succeeded), ("other", d.other), ("failed", d.failed)]
                .into_iter()
                .filter(|(_, v)| *v > 0)
                .map(|(class, v)| {
                    let h = v as f64 / most * (BASE - 14.0);
                    top -= h;
                    view! { <rect class=class x=x y=top width=bar height=(h - 1.0).max(1.0) rx="2" /> }
                })
                .collect_view();
            let day = d.date.get(8..10).unwrap_or_default().trim_start_matches('0').to_owned();
            let told =
                format!("{}: {} succeeded, {} failed, {} other", d.date, d.succeeded, d.failed, d.other);
            view! {
                <g>
                    <title>{told}</title>
                    <rect class="hit" x=n as f64 * step y="0" width=step height=BASE rx="4" />
                    {parts}
                    <text x=x + bar / 2.0 y=H - 4.0 text-anchor="middle">
                        {day}
                    </text>
                </g>
            }
        })
        .collect_view();
    view! {
        <svg class="chart" viewBox=format!("0 0 {W} {H}") role="img" aria-label="Runs by day">
            <line class="grid" x1="0" x2=W y1=BASE + 0.5 y2=BASE + 0.5 />
            {bars}
            <text x="0" y="9">
                {most as i64}
            </text>
        </svg>
    }
    .into_any()
}

#[component]
fn WaitingBox() -> impl IntoView {
    let co = company();
    let issues = open_issues();
    let asked = pending_approvals();
    let approvals = Memo::new(move |_| asked.data.with(|a| a.as_ref().map_or(0, |a| a.len())));
    view! {
        <section class="box">
            <header>
                <h2>"Waiting for you"</h2>
                <Link to=co.route(Page::Waiting) class="quiet-link">
                    "All"
                </Link>
            </header>
            <Show when=move || { approvals.get() > 0 }>
                <Link to=co.route(Page::Waiting) class="line-item">
                    <Icon d=i::SHIELD_ALERT />
                    {move || {
                        let n = i64::try_from(approvals.get()).unwrap_or(0);
                        format::count(n, "approval or spent budget to decide", "approvals and spent budgets to decide")
                    }}
                </Link>
            </Show>
            {loaded(
                issues,
                4,
                move |rows| {
                    let waiting = Memo::new(move |_| {
                        rows.with(|r| {
                            r.iter().filter(|r| why(r).is_some()).take(5).cloned().map(Arc::new).collect::<Vec<_>>()
                        })
                    });
                    view! {
                        <Show
                            when=move || !waiting.with(Vec::is_empty)
                            fallback=move || {
                                (approvals.get() == 0)
                                    .then(|| view! { <p class="pad muted">"Nothing waits for you."</p> })
                            }
                        >
                            <For
                                each=move || waiting.get()
                                key=|r| (r.issue.id, r.issue.updated_at, r.pending_interaction_count)
                                let:r
                            >
                                <WaitingRow row=r />
                            </For>
                        </Show>
                    }
                },
            )}
        </section>
    }
}

#[component]
fn RecentIssues() -> impl IntoView {
    let co = company();
    let recent = use_query::<op::ListIssuesOp>(move || {
        let mut q = ListIssues::of(co.id);
        q.sort_field = Some(IssueSort::Updated);
        q.sort_dir = Some(SortDir::Desc);
        q.limit = Some(8);
        Some(Ask::within(q, co.id))
    });
    view! {
        <section class="box">
            <header>
                <h2>"Recent issues"</h2>
                <Link to=co.route(Page::Issues(String::new())) class="quiet-link">
                    "All"
                </Link>
            </header>
            {loaded(
                recent,
                6,
                |rows| {
                    view! {
                        <Show
                            when=move || !rows.with(|r| r.is_empty())
                            fallback=|| {
                                view! { <Empty icon=i::LIST_TODO title="No issues yet" text="Press C to write the first one." /> }
                            }
                        >
                            <For
                                each={move || rows.get().iter().cloned().map(Arc::new).collect::<Vec<_>>()}
                                key=|r| (r.issue.id, r.last_activity_at, r.issue.status)
                                let:r
                            >
                                <WaitingRow row=r />
                            </For>
                        </Show>
                    }
                },
            )}
        </section>
    }
}

#[component]
fn RecentActivity() -> impl IntoView {
    let co = company();
    let recent = use_query::<op::ListActivityOp>(move || {
        let input = ListActivity {
            company_id: co.id,
            agent_id: None,
            entity_type: None,
            entity_id: None,
            before: None,
            limit: Some(8),
        };
        Some(Ask::within(input, co.id))
    });
    view! {
        <section class="box">
            <header>
                <h2>"Activity"</h2>
                <Link to=co.route(Page::Activity) class="quiet-link">
                    "All"
                </Link>
            </header>
            {loaded(
                recent,
                6,
                |rows| {
                    view! {
                        <div>
                            <For each=move || rows.get().to_vec() key=|a| a.id let:a>
                                <ActivityRow entry=a />
                            </For>
                        </div>
                    }
                },
            )}
        </section>
    }
}
