//! The agents of a company.

use contract::agent::{Agent, AgentStatus};
use contract::run::RunStatus;
use leptos::prelude::*;

use crate::components::agent_form::role;
use crate::components::base::{Ago, Avatar, Empty, Icon, Link, LiveBadge, State, loaded};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::labels;
use crate::state::route::{AgentTab, Page, Route};
use crate::state::{app, company};

const TABS: [(&str, &str); 5] = [
    ("all", "All"),
    ("active", "Active"),
    ("paused", "Paused"),
    ("error", "Error"),
    ("terminated", "Terminated"),
];

fn belongs(a: &Agent, tab: &str) -> bool {
    match tab {
        "active" => matches!(a.status, AgentStatus::Active | AgentStatus::Idle | AgentStatus::Running),
        "paused" => a.status == AgentStatus::Paused,
        "error" => a.status == AgentStatus::Error,
        "terminated" => a.status == AgentStatus::Terminated,
        _ => a.status != AgentStatus::Terminated,
    }
}

#[component]
pub fn Agents() -> impl IntoView {
    let co = company();
    let tab = Memo::new(move |_| match app().route.get() {
        Route::Company(_, Page::Agents(t)) => t,
        _ => "all".into(),
    });
    view! {
        <div class="page">
            <Topbar title="Agents">
                <div class="segments" role="group" aria-label="Which">
                    {TABS
                        .into_iter()
                        .map(|(key, label)| {
                            view! {
                                <button
                                    class:on=move || tab.with(|t| t == key)
                                    on:click=move |_| app().replace(co.route(Page::Agents(key.into())))
                                >
                                    {label}
                                </button>
                            }
                        })
                        .collect_view()}
                </div>
                <Link to=co.route(Page::NewAgent) class="btn" testid="agent-new">
                    <Icon d=i::PLUS />
                    "New agent"
                </Link>
            </Topbar>
            <div class="page-body bare-body">
                {loaded(
                    co.everyone,
                    6,
                    move |all| {
                        let shown = Memo::new(move |_| {
                            let t = tab.get();
                            all.with(|a| a.iter().filter(|a| belongs(a, &t)).cloned().collect::<Vec<_>>())
                        });
                        view! {
                            <Show
                                when=move || !shown.with(Vec::is_empty)
                                fallback=move || {
                                    if co.agents.data.with(|a| a.as_ref().is_none_or(|a| a.is_empty())) && tab.get() == "all" {
                                        view! {
                                            <Empty
                                                icon=i::BOT
                                                title="No agents yet"
                                                text="Agents do the work. Create the first one and give it an issue."
                                            >
                                                <Link to=co.route(Page::NewAgent) class="btn primary">
                                                    "New agent"
                                                </Link>
                                            </Empty>
                                        }
                                            .into_any()
                                    } else {
                                        view! { <Empty icon=i::BOT title="No agent in this state" /> }.into_any()
                                    }
                                }
                            >
                                <For each=move || shown.get() key=|a| (a.id, a.status, a.updated_at) let:a>
                                    <AgentRow agent=a />
                                </For>
                            </Show>
                        }
                    },
                )}
            </div>
        </div>
    }
}

#[component]
fn AgentRow(agent: Agent) -> impl IntoView {
    let co = company();
    let id = agent.id;
    // The key of one that is terminated may have been given away.
    let key = match agent.status {
        AgentStatus::Terminated => id.to_string(),
        _ => agent.url_key.clone(),
    };
    let to = co.route(Page::Agent(key, AgentTab::Overview));
    let link = to.clone();
    let live = Memo::new(move |_| {
        co.live.data.with(|l| {
            let all = l.iter().flat_map(|l| l.iter());
            all.filter(|r| r.agent_id == id && r.status == RunStatus::Running).count() as i64
        })
    });
    let model = agent.adapter_config.get("model").and_then(|m| m.as_str()).map(str::to_owned);
    let boss = agent.reports_to;
    let name = agent.name.clone();
    let subtitle = agent.title.clone().unwrap_or_else(|| role(agent.role));
    view! {
        <div class="agent-row" data-testid="agent-row" data-name=agent.name.clone() on:click=move |_| app().go(to.clone())>
            <Avatar name=agent.name.clone() />
            <span class="agent-names">
                <Link to=link>
                    <strong>{name}</strong>
                </Link>
                <small class="ellipsis">
                    {subtitle}
                    {move || boss.map(|b| format!(" · reports to {}", co.agent_name(b)))}
                </small>
            </span>
            {move || (live.get() > 0).then(|| view! { <LiveBadge count=live.get() /> })}
            <span class="agent-state">
                <State look=labels::agent_status(agent.status) why=labels::agent_reason(&agent) />
            </span>
            <span class="agent-col ellipsis">{crate::format::words(&agent.adapter_type)}</span>
            <span class="agent-col ellipsis">{model}</span>
            <span class="row-date" title="Last heartbeat">
                {agent.last_heartbeat_at.map(|t| view! { <Ago at=t /> })}
            </span>
        </div>
    }
}
