//! What an agent does and did.

use contract::operations as op;
use contract::run::{ListRuns, RunStatus};
use contract::wake::ListWakeups;
use leptos::prelude::*;

use super::Current;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Empty, Link, RunState, loaded};
use crate::components::budget::{BudgetField, Whose, budgets};
use crate::components::icons as i;
use crate::components::open_issues::OpenIssues;
use crate::components::run_list::{RunRow, WakeRow};
use crate::components::transcript::Transcript;
use crate::format;
use crate::state::company;
use crate::state::route::Page;

/// Runs read at once.
const PAGE: u32 = 100;

#[component]
pub fn Overview(current: Current) -> impl IntoView {
    let co = company();
    let id = current.detail.with_untracked(|d| d.agent.id);
    let live = Memo::new(move |_| {
        co.live.data.with(|l| {
            l.iter()
                .flat_map(|l| l.iter())
                .find(|r| r.agent_id == id && r.status == RunStatus::Running)
                .cloned()
        })
    });
    let live_id = Memo::new(move |_| live.with(|r| r.as_ref().map(|r| r.id)));
    let overview = budgets();
    let state = use_query::<op::GetRuntimeState>(move || Some(Ask::within(current.path(), co.id)));
    let wakes = use_query::<op::ListWakeupsOp>(move || {
        let input = ListWakeups { company_id: co.id, agent_id: Some(id), issue_id: None, limit: Some(12) };
        Some(Ask::within(input, co.id))
    });
    view! {
        <div class="page-inner">
            {move || {
                live_id
                    .get()
                    .and_then(|_| live.get_untracked())
                    .map(|r| {
                        view! {
                            <div class="live-grid">
                                <article class="live-card">
                                    <Link to=co.route(Page::Run(r.id.to_string())) class="live-head">
                                        <RunState status=r.status />
                                        <span class="identifier">{r.issue_identifier.clone()}</span>
                                        <span class="ellipsis">{r.issue_title.clone()}</span>
                                    </Link>
                                    <Transcript run=r.id />
                                </article>
                            </div>
                        }
                    })
            }}
            {move || {
                state
                    .get()
                    .map(|s| {
                        view! {
                            <div class="tiles">
                                <div class="tile">
                                    <span class="tile-name">"Tokens read"</span>
                                    <strong>{format::tokens(s.total_input_tokens)}</strong>
                                    <small>{format!("{} from cache", format::tokens(s.total_cached_input_tokens))}</small>
                                </div>
                                <div class="tile">
                                    <span class="tile-name">"Tokens written"</span>
                                    <strong>{format::tokens(s.total_output_tokens)}</strong>
                                    <small>"over all its runs"</small>
                                </div>
                                <div class="tile">
                                    <span class="tile-name">"Cost"</span>
                                    <strong>{format::money(s.total_cost_cents)}</strong>
                                    <small>"over all its runs"</small>
                                </div>
                                <div class="tile">
                                    <span class="tile-name">"This month"</span>
                                    <strong>
                                        {move || {
                                            current.detail.with(|d| format::money(d.agent.spent_monthly_cents))
                                        }}
                                    </strong>
                                    <small>
                                        {move || {
                                            current
                                                .detail
                                                .with(|d| match d.agent.budget_monthly_cents.get() {
                                                    0 => "no budget set".to_owned(),
                                                    _ => format!("of {}", format::money(d.agent.budget_monthly_cents)),
                                                })
                                        }}
                                    </small>
                                </div>
                            </div>
                        }
                    })
            }}
            <section class="form-section">
                <BudgetField label="Budget a month" whose=Whose::Agent(id) overview=overview />
            </section>
            <OpenIssues
                of=move |q| q.assignee_agent_id = Some(id.to_string())
                query=format!("assignee={id}")
                none="Nothing is assigned to it."
            />
            <section class="box">
                <header>
                    <h2>"Latest wakes"</h2>
                    <span class="muted">"why it did or did not start"</span>
                </header>
                {loaded(
                    wakes,
                    3,
                    |all| {
                        view! {
                            <div>
                                <Show when=move || all.with(|w| w.is_empty())>
                                    <p class="pad muted">"It has not been woken yet."</p>
                                </Show>
                                <For each=move || all.get().to_vec() key=|w| (w.wake.id, w.wake.status, w.wake.coalesced_count, w.retry_at) let:w>
                                    <WakeRow line=w />
                                </For>
                            </div>
                        }
                    },
                )}
            </section>
        </div>
    }
}

#[component]
pub fn Runs(current: Current) -> impl IntoView {
    let co = company();
    let id = current.detail.with_untracked(|d| d.agent.id);
    let offset = RwSignal::new(0_u32);
    let runs = use_query::<op::ListRunsOp>(move || {
        let input = ListRuns {
            company_id: co.id,
            agent_id: Some(id),
            status: Vec::new(),
            limit: Some(PAGE),
            offset: Some(offset.get()),
        };
        Some(Ask::within(input, co.id))
    });
    view! {
        <div class="page-inner">
            {loaded(
                runs,
                8,
                move |all| {
                    view! {
                        <Show
                            when=move || { !all.with(|r| r.is_empty()) || offset.get() > 0 }
                            fallback=|| {
                                view! {
                                    <Empty icon=i::ZAP title="No runs yet" text="A run starts when the agent gets an issue or you wake it." />
                                }
                            }
                        >
                            <section class="box">
                                <div class="box-body">
                                    <For
                                        each=move || all.get().to_vec()
                                        key=|r| (r.id, r.status, r.finished_at)
                                        let:r
                                    >
                                        <RunRow run=r hide_agent=true />
                                    </For>
                                </div>
                            </section>
                            <nav class="pager" aria-label="Runs">
                                <Show when=move || { offset.get() > 0 }>
                                    <button
                                        class="btn quiet"
                                        on:click=move |_| offset.update(|o| *o = o.saturating_sub(PAGE))
                                    >
                                        "Newer runs"
                                    </button>
                                </Show>
                                <Show when=move || { all.with(|r| r.len()) as u32 >= PAGE }>
                                    <button
                                        class="btn quiet push"
                                        data-testid="older-runs"
                                        on:click=move |_| offset.update(|o| *o += PAGE)
                                    >
                                        "Older runs"
                                    </button>
                                </Show>
                            </nav>
                        </Show>
                    }
                },
            )}
        </div>
    }
}
