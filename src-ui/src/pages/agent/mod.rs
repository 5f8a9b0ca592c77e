//! An agent's own page.

mod configuration;
mod instructions;
mod overview;

use std::sync::Arc;

use contract::agent::{AgentDetail, AgentPath, AgentStatus};
use contract::operations as op;
use contract::run::{ListRuns, RunStatus};
use contract::wake::WakeAgent;
use contract::{AgentId, AgentRef, ErrorCode, Text};
use leptos::prelude::*;

use crate::api::query::{Ask, Query, use_query};
use crate::components::agent_form::role;
use crate::components::base::{Avatar, Empty, Icon, Link, State, copy, loaded};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::components::shell::Topbar;
use crate::labels;
use crate::pages::issue::told;
use crate::state::route::{AgentTab, Page, Route};
use crate::state::{Dialog, NewIssueDefaults, act, app, company};

/// The agent of the page.
#[derive(Clone, Copy)]
struct Current {
    query: Query<AgentDetail>,
    detail: Signal<Arc<AgentDetail>>,
}

impl Current {
    fn path(self) -> AgentPath {
        self.detail.with_untracked(|d| d.agent.id).into()
    }
}

#[component]
pub fn AgentPage(reference: String) -> impl IntoView {
    let co = company();
    let Ok(id) = reference.parse::<AgentRef>() else {
        return view! { <NotThere reference=reference /> }.into_any();
    };
    let query = use_query::<op::GetAgent>(move || {
        Some(Ask::within(AgentPath { id: id.clone(), company_id: Some(co.id) }, co.id))
    });
    let missing = Memo::new(move |_| {
        query.error.with(|e| e.as_ref().is_some_and(|e| e.code == ErrorCode::NotFound))
            && query.data.with(Option::is_none)
    });
    view! {
        <Show when=move || !missing.get() fallback=move || view! { <NotThere reference=reference.clone() /> }>
            {loaded(query, 8, move |detail| view! { <Detail current=Current { query, detail } /> })}
        </Show>
    }
    .into_any()
}

#[component]
fn NotThere(reference: String) -> impl IntoView {
    let co = company();
    view! {
        <div class="page">
            <Topbar crumbs=vec![("Agents".into(), Page::Agents("all".into()))] title=reference.clone() />
            <Empty icon=i::BOT title=format!("There is no agent {reference}") text="It may belong to another company.">
                <Link to=co.route(Page::Agents("all".into())) class="btn">
                    "All agents"
                </Link>
            </Empty>
        </div>
    }
}

#[component]
fn Detail(current: Current) -> impl IntoView {
    let co = company();
    let d = current.detail;
    let tab = Memo::new(move |_| match app().route.get() {
        Route::Company(_, Page::Agent(_, tab)) => tab,
        _ => AgentTab::Overview,
    });
    let key = d.with_untracked(|d| d.agent.url_key.clone());
    let title = Signal::derive(move || d.with(|d| d.agent.name.clone()));
    view! {
        <div class="page">
            <Topbar crumbs=vec![("Agents".into(), Page::Agents("all".into()))] title=title>
                <Actions current=current />
            </Topbar>
            <div class="run-head">
                <div class="agent-head">
                    {move || view! { <Avatar name=title.get() /> }}
                    <div>
                        <h1>{title}</h1>
                        <span class="muted">
                            {move || {
                                d.with(|d| d.agent.title.clone().unwrap_or_else(|| role(d.agent.role)))
                            }}
                            {move || {
                                d.with(|d| d.chain_of_command.first().map(|b| format!(" · reports to {}", b.name)))
                            }}
                        </span>
                    </div>
                    <span class="push">
                        {move || {
                            d.with(|d| {
                                view! {
                                    <State
                                        look=labels::agent_status(d.agent.status)
                                        why=labels::agent_reason(&d.agent)
                                    />
                                }
                            })
                        }}
                    </span>
                </div>
                {move || {
                    d.with(|d| {
                        matches!(
                            d.agent.status,
                            AgentStatus::Paused | AgentStatus::Error | AgentStatus::PendingApproval
                                | AgentStatus::Terminated
                        )
                            .then(|| {
                                let look = labels::agent_status(d.agent.status);
                                view! {
                                    <div class=format!("notice tone-{}", look.tone)>
                                        <Icon d=look.icon />
                                        <span>{labels::agent_reason(&d.agent)}</span>
                                        {(d.agent.status == AgentStatus::Error)
                                            .then(|| view! { <LastFailure agent=d.agent.id /> })}
                                    </div>
                                }
                            })
                    })
                }}
            </div>
            <div class="run-tabs">
                <div class="tabs" role="tablist">
                    {AgentTab::ALL
                        .into_iter()
                        .map(|t| {
                            let to = co.route(Page::Agent(key.clone(), t));
                            view! {
                                <button
                                    role="tab"
                                    aria-selected=move || (tab.get() == t).to_string()
                                    data-testid=format!("agent-tab-{}", t.slug())
                                    on:click=move |_| app().replace(to.clone())
                                >
                                    {t.label()}
                                </button>
                            }
                        })
                        .collect_view()}
                </div>
            </div>
            <div class="page-body">
                {move || match tab.get() {
                    AgentTab::Overview => view! { <overview::Overview current=current /> }.into_any(),
                    AgentTab::Runs => view! { <overview::Runs current=current /> }.into_any(),
                    AgentTab::Configuration => view! { <configuration::Configuration current=current /> }.into_any(),
                    AgentTab::Instructions => view! { <instructions::Instructions current=current /> }.into_any(),
                }}
            </div>
        </div>
    }
}

#[component]
fn Actions(current: Current) -> impl IntoView {
    let co = company();
    let d = current.detail;
    let status = Memo::new(move |_| d.with(|d| d.agent.status));
    let again = move || current.query.refetch();
    let assign = move |_| {
        let assignee = Some(d.with_untracked(|d| d.agent.id));
        app()
            .dialog
            .set(Some(Dialog::NewIssue(NewIssueDefaults { assignee, ..NewIssueDefaults::default() })));
    };
    let wake = move |_| {
        let mut input = WakeAgent::of(d.with_untracked(|d| d.agent.id));
        input.reason = Text::new("manual").ok();
        act::<op::Wake>(input, move |out| told(out, co));
    };
    view! {
        <Show when=move || status.get() != AgentStatus::Terminated>
            <button class="btn" on:click=assign>
                <Icon d=i::SQUARE_PEN />
                "Give an issue"
            </button>
            <button class="btn" data-testid="agent-wake" title="Let it look for due work now" on:click=wake>
                <Icon d=i::ZAP />
                "Wake now"
            </button>
            {move || {
                if status.get() == AgentStatus::Paused {
                    view! {
                        <button
                            class="btn primary"
                            data-testid="agent-resume"
                            on:click={move |_| act::<op::ResumeAgent>(current.path(), move |_| again())}
                        >
                            <Icon d=i::PLAY />
                            "Resume"
                        </button>
                    }
                        .into_any()
                } else {
                    view! {
                        <button
                            class="btn"
                            data-testid="agent-pause"
                            title="Stops its live runs and starts none"
                            on:click={move |_| act::<op::PauseAgent>(current.path(), move |_| again())}
                        >
                            <Icon d=i::PAUSE />
                            "Pause"
                        </button>
                    }
                        .into_any()
                }
            }}
            <button class="icon-btn" aria-label="More" on:click=move |ev| more(&ev, current)>
                <Icon d=i::MORE_HORIZONTAL />
            </button>
        </Show>
    }
}

fn more(ev: &web_sys::MouseEvent, current: Current) {
    let Some(el) = anchor(ev) else { return };
    let (id, name) = current.detail.with_untracked(|d| (d.agent.id, d.agent.name.clone()));
    let choices = vec![
        Choice::new("copy", "Copy its id", Glyph::Icon(i::COPY)),
        Choice::new("reset", "Begin afresh on every task", Glyph::Icon(i::ROTATE_CCW)),
        Choice::new("terminate", "Terminate", Glyph::Icon(i::CIRCLE_X)).danger(),
    ];
    let pick = Callback::new(move |what: String| match what.as_str() {
        "copy" => copy(id.to_string(), "Id"),
        "reset" => {
            let input = contract::agent::ResetSession { id: id.into(), task_key: None };
            act::<op::ResetAgentSession>(input, |_| app().say("Its next runs begin with fresh sessions"));
        }
        "terminate" => {
            let path = current.path();
            app().dialog.set(Some(Dialog::Confirm {
                title: format!("Terminate {name}?"),
                body: "Its live runs are cancelled and its keys revoked. Its work and its history stay. This is for good."
                    .into(),
                action: "Terminate".into(),
                danger: true,
                then: Callback::new(move |()| {
                    act::<op::TerminateAgent>(path.clone(), move |_| current.query.refetch());
                }),
            }));
        }
        _ => {}
    });
    Menu::under(&el, "Do", choices, pick).open();
}

/// What the agent's last failed run said, and the way to it.
#[component]
fn LastFailure(agent: AgentId) -> impl IntoView {
    let co = company();
    let failed = use_query::<op::ListRunsOp>(move || {
        let input = ListRuns {
            company_id: co.id,
            agent_id: Some(agent),
            status: vec![RunStatus::Failed, RunStatus::TimedOut],
            limit: Some(1),
            offset: None,
        };
        Some(Ask::within(input, co.id))
    });
    move || {
        failed.get().and_then(|all| all.first().cloned()).map(|r| {
            let why = labels::run_error(r.error_code.as_deref(), r.error.as_deref());
            view! {
                <span class="muted ellipsis">{why}</span>
                <Link to=co.route(Page::Run(r.id.to_string())) class="btn">
                    "Open the run"
                </Link>
            }
        })
    }
}
