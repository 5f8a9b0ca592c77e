//! The audit trail, newest first, as far back as one scrolls.

use contract::activity::{Activity, ListActivity};
use contract::operations as op;
use contract::{ActivityId, Kind};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;

use crate::api::{call, feed};
use crate::components::base::{Ago, Avatar, Empty, Failed, Icon, Link, Skeleton};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::pages::issue::actor;
use crate::state::route::{AgentTab, Page, Route};
use crate::state::{Co, company};
use crate::thread;

const PAGE: u32 = 100;
const KINDS: [(&str, &str); 6] = [
    ("", "All"),
    ("issue", "Issues"),
    ("agent", "Agents"),
    ("run", "Runs"),
    ("company", "Company"),
    ("project", "Projects"),
];

/// Where an entry leads, if it leads anywhere.
fn target(a: &Activity, co: Co) -> Option<(String, Route)> {
    let detail = |k: &str| a.details.as_ref()?.get(k)?.as_str().map(str::to_owned);
    match a.entity_type.as_str() {
        "issue" => {
            let name = detail("identifier").or_else(|| detail("issueIdentifier"));
            let to = name.clone().unwrap_or_else(|| a.entity_id.clone());
            Some((name.unwrap_or_else(|| "the issue".into()), co.route(Page::Issue(to))))
        }
        "agent" => {
            let agent = co.agent(a.entity_id.parse().ok()?)?;
            Some((agent.name, co.route(Page::Agent(agent.url_key, AgentTab::Overview))))
        }
        "run" | "heartbeat_run" => Some(("the run".into(), co.route(Page::Run(a.entity_id.clone())))),
        _ => None,
    }
}

#[component]
pub fn ActivityRow(entry: Activity) -> impl IntoView {
    let co = company();
    let title = entry
        .details
        .as_ref()
        .and_then(|d| d.get("title").or_else(|| d.get("issueTitle")).or_else(|| d.get("name")))
        .and_then(|v| v.as_str().map(str::to_owned));
    let human = entry.actor_type == contract::activity::ActorType::User;
    let (e, at) = (entry.clone(), entry.created_at);
    let said = thread::sentence(&entry);
    view! {
        <div class="line-item">
            {
                let e = e.clone();
                move || view! { <Avatar name=actor(&e, co) human=human /> }
            }
            <span class="ellipsis">
                <b>
                    {
                        let e = e.clone();
                        move || actor(&e, co)
                    }
                </b>
                " "
                {said}
                " "
                {move || {
                    target(&e, co)
                        .map(|(name, to)| {
                            view! {
                                <Link to=to class="issue-chip">
                                    {name}
                                </Link>
                            }
                        })
                }}
                {title.map(|t| view! { <span class="muted">" " {t}</span> })}
            </span>
            <span class="push">
                <Ago at=at />
            </span>
        </div>
    }
}

#[component]
pub fn ActivityPage() -> impl IntoView {
    let co = company();
    let kind = RwSignal::new("");
    let entries = RwSignal::new(None::<Vec<Activity>>);
    let error = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let ended = RwSignal::new(false);
    let read = move |before: Option<ActivityId>| {
        let entity = kind.get_untracked();
        let input = ListActivity {
            company_id: co.id,
            agent_id: None,
            entity_type: (!entity.is_empty()).then(|| entity.to_owned()),
            entity_id: None,
            before,
            limit: Some(PAGE),
        };
        busy.set(true);
        spawn_local(async move {
            let answer = call::<op::ListActivityOp>(&input).await;
            busy.try_set(false);
            if kind.try_get_untracked() != Some(entity) {
                return;
            }
            match answer {
                Ok(page) => {
                    error.set(None);
                    if before.is_some() {
                        ended.set(page.len() < PAGE as usize);
                        entries.update(|e| e.get_or_insert_default().extend(page));
                    } else {
                        // Fresh entries go on top of what was read before.
                        entries.update(|e| {
                            let old = e.take().unwrap_or_default();
                            let last = page.last().map(|p| p.id);
                            let tail = old.into_iter().skip_while(|o| Some(o.id) != last).skip(1);
                            *e = Some(page.into_iter().chain(tail).collect());
                        });
                    }
                }
                Err(e) => error.set(Some(e)),
            }
        });
    };
    Effect::new(move |_| {
        kind.track();
        entries.set(None);
        ended.set(false);
        read(None);
    });
    let listener = feed::listen(
        &[Kind::Activity],
        Some(co.id),
        None,
        Rc::new(move || {
            if busy.try_get_untracked() == Some(false) {
                read(None);
            }
        }),
    );
    on_cleanup(move || feed::ignore(listener));
    let on_scroll = move |ev: web_sys::Event| {
        use wasm_bindgen::JsCast;
        let Some(el) = ev.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else { return };
        let near = el.scroll_height() - el.scroll_top() - el.client_height() < 600;
        if near && !busy.get_untracked() && !ended.get_untracked() {
            read(entries.with_untracked(|e| e.as_ref().and_then(|e| e.last().map(|e| e.id))));
        }
    };
    view! {
        <div class="page">
            <Topbar title="Activity">
                <div class="segments" role="group" aria-label="Of what">
                    {KINDS
                        .into_iter()
                        .map(|(key, label)| {
                            view! {
                                <button class:on=move || kind.get() == key on:click=move |_| kind.set(key)>
                                    {label}
                                </button>
                            }
                        })
                        .collect_view()}
                </div>
            </Topbar>
            <div class="page-body" on:scroll=on_scroll>
                <div class="page-inner narrow">
                    {move || error.get().map(|e| view! { <Failed error=e /> })}
                    <Show when=move || entries.with(Option::is_none) && error.with(Option::is_none)>
                        <Skeleton rows=12 />
                    </Show>
                    <Show when=move || entries.with(|e| e.as_ref().is_some_and(Vec::is_empty))>
                        <Empty icon=i::ACTIVITY title="Nothing has happened yet" text="Everything that anybody does is written down here." />
                    </Show>
                    <div class="flat-list">
                        <For each=move || entries.get().unwrap_or_default() key=|e| e.id let:e>
                            <ActivityRow entry=e />
                        </For>
                    </div>
                    <Show when=move || busy.get() && entries.with(Option::is_some)>
                        <p class="muted pad">
                            <Icon d=i::LOADER_CIRCLE />
                        </p>
                    </Show>
                </div>
            </div>
        </div>
    }
}
