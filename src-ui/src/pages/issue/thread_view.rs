//! The thread: comments, runs with their transcripts, cards and events, as they happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::activity::{Activity, ActorType, IssueActivityPath};
use contract::comment::{AuthorType, IssueComment, ListComments};
use contract::interaction::Interaction;
use contract::issue::IssuePath;
use contract::operations as op;
use contract::run::{IssueRunsPath, RunStatus, RunSummary};
use contract::wake::ListWakeups;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Current;
use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Avatar, Elapsed, Failed, Icon, Link, Skeleton, State};
use crate::components::icons as i;
use crate::components::interaction::Card;
use crate::components::run_list::{RunRow, WakeRow, usage};
use crate::components::transcript::Transcript;
use crate::labels;
use crate::markdown::view::Markdown;
use crate::state::route::Page;
use crate::state::{Co, app, company};
use crate::thread::{self, Item};

/// Comments read at once.
const PAGE: u32 = 200;

#[derive(Clone, Copy)]
struct Parts {
    comments: Memo<Vec<IssueComment>>,
    runs: Memo<Arc<Vec<RunSummary>>>,
    cards: Memo<Arc<Vec<Interaction>>>,
    events: Memo<Arc<Vec<Activity>>>,
}

#[component]
pub fn Thread(current: Current) -> impl IntoView {
    let co = company();
    let id = current.detail.with_untracked(|d| d.issue.id);
    let comments = use_query::<op::ListCommentsOp>(move || {
        let input = ListComments { id: id.into(), after: None, before: None, order: None, limit: Some(PAGE) };
        Some(Ask::within(input, co.id))
    });
    let runs = use_query::<op::ListIssueRuns>(move || {
        Some(Ask::within(IssueRunsPath { issue_id: id.into() }, co.id))
    });
    let cards =
        use_query::<op::ListInteractions>(move || Some(Ask::within(IssuePath { id: id.into() }, co.id)));
    let events = use_query::<op::ListIssueActivity>(move || {
        Some(Ask::within(IssueActivityPath { id: id.into() }, co.id))
    });
    let wakes = use_query::<op::ListWakeupsOp>(move || {
        let input = ListWakeups { company_id: co.id, agent_id: None, issue_id: Some(id), limit: Some(50) };
        Some(Ask::within(input, co.id))
    });
    let older = RwSignal::new(Vec::<IssueComment>::new());
    let exhausted = RwSignal::new(false);
    // What leaves the newest page because more came is kept, so that no comment goes from sight.
    let kept = StoredValue::new(BTreeMap::new());
    let parts = Parts {
        comments: Memo::new(move |_| {
            let newest = comments.get();
            let read = newest.iter().flat_map(|c| c.iter()).cloned().chain(older.get());
            kept.update_value(|k| k.extend(read.map(|c| ((c.created_at, c.id), c))));
            kept.with_value(|k| k.values().cloned().collect::<Vec<_>>())
        }),
        runs: Memo::new(move |_| runs.get().unwrap_or_default()),
        cards: Memo::new(move |_| cards.get().unwrap_or_default()),
        events: Memo::new(move |_| events.get().unwrap_or_default()),
    };
    let items = Memo::new(move |_| {
        parts.comments.with(|c| {
            parts.runs.with(|r| parts.cards.with(|k| parts.events.with(|e| thread::arrange(c, r, k, e))))
        })
    });
    let tab = RwSignal::new("thread");
    let full = Memo::new(move |_| {
        !exhausted.get() && comments.data.with(|c| c.as_ref().is_some_and(|c| c.len() >= PAGE as usize))
    });
    let more = move |_| {
        let oldest = parts.comments.with_untracked(|c| c.iter().min_by_key(|c| c.created_at).map(|c| c.id));
        let input =
            ListComments { id: id.into(), after: None, before: oldest, order: None, limit: Some(PAGE) };
        spawn_local(async move {
            match call::<op::ListCommentsOp>(&input).await {
                Ok(page) => {
                    exhausted.try_set(page.len() < PAGE as usize);
                    older.try_update(|o| o.extend(page));
                }
                Err(e) => app().fail(&e),
            }
        });
    };
    let tabs = move |key: &'static str, label: &'static str, count: Signal<usize>| {
        view! {
            <button
                role="tab"
                aria-selected=move || (tab.get() == key).to_string()
                class:on=move || tab.get() == key
                on:click=move |_| tab.set(key)
            >
                {label}
                <span class="muted num">
                    {move || {
                        let n = count.get();
                        (n > 0).then_some(n)
                    }}
                </span>
            </button>
        }
    };
    view! {
        <section class="thread" aria-label="Thread">
            <div class="tabs" role="tablist">
                {tabs("thread", "Thread", Signal::derive(move || parts.comments.with(Vec::len)))}
                {tabs("runs", "Runs", Signal::derive(move || parts.runs.with(|r| r.len())))}
                {tabs(
                    "wakes",
                    "Wakes",
                    Signal::derive(move || wakes.data.with(|w| w.as_ref().map_or(0, |w| w.len()))),
                )}
            </div>
            {move || comments.error.get().map(|e| view! { <Failed error=e /> })}
            {move || match tab.get() {
                "runs" => view! {
                    <div class="flat-list">
                        <For each=move || parts.runs.get().to_vec() key=|r| (r.id, r.status, r.finished_at) let:r>
                            <RunRow run=r hide_issue=true />
                        </For>
                        <Show when=move || parts.runs.with(|r| r.is_empty())>
                            <p class="muted pad">"No agent has worked on this issue yet."</p>
                        </Show>
                    </div>
                }
                    .into_any(),
                "wakes" => view! {
                    <div class="flat-list">
                        <p class="muted pad">
                            "Every attempt to wake an agent for this issue, and why it did or did not start a run."
                        </p>
                        <For
                            each=move || wakes.get().map(|w| w.to_vec()).unwrap_or_default()
                            key=|w| (w.wake.id, w.wake.status, w.wake.coalesced_count, w.retry_at)
                            let:w
                        >
                            <WakeRow line=w hide_issue=true />
                        </For>
                    </div>
                }
                    .into_any(),
                _ => view! {
                    <Show when=move || comments.data.with(Option::is_none) && comments.error.with(Option::is_none)>
                        <Skeleton rows=3 />
                    </Show>
                    <Show when=move || full.get()>
                        <button class="btn quiet wide" on:click=more>
                            "Show older comments"
                        </button>
                    </Show>
                    <div class="thread-items">
                        <For each=move || items.get() key=|i| *i let:item>
                            {draw(item, parts, co)}
                        </For>
                    </div>
                }
                    .into_any(),
            }}
        </section>
    }
}

fn draw(item: Item, parts: Parts, co: Co) -> AnyView {
    match item {
        Item::Comment(id) => {
            let comment = Memo::new(move |_| parts.comments.with(|c| c.iter().find(|c| c.id == id).cloned()));
            (move || comment.get().map(|c| view! { <Comment comment=c /> })).into_any()
        }
        Item::Card(id) => {
            let card = Memo::new(move |_| parts.cards.with(|c| c.iter().find(|c| c.id == id).cloned()));
            (move || card.get().map(|c| view! { <Card card=c /> })).into_any()
        }
        Item::Run(id) => {
            let run = Memo::new(move |_| parts.runs.with(|r| r.iter().find(|r| r.id == id).cloned()));
            match run.get_untracked() {
                Some(first) => view! { <RunFold first=first run=run /> }.into_any(),
                None => ().into_any(),
            }
        }
        Item::Events(first) => {
            let row = Memo::new(move |_| {
                parts.comments.with(|c| {
                    parts.runs.with(|r| {
                        parts.cards.with(|k| {
                            parts.events.with(|e| {
                                thread::row(first, c, r, k, e).into_iter().cloned().collect::<Vec<_>>()
                            })
                        })
                    })
                })
            });
            (move || row.get().into_iter().map(|e| event(&e, co)).collect_view()).into_any()
        }
    }
}

/// Who did something, for a sentence.
pub fn actor(a: &Activity, co: Co) -> String {
    // The program hands an issue to the agent that it starts on it: that one takes it.
    let takes = a.details.as_ref().filter(|_| a.action == "issue.checked_out");
    if let Some(id) = takes.and_then(|d| d.get("agentId")?.as_str()?.parse().ok()) {
        return co.agent_name(id);
    }
    match (a.actor_type, a.agent_id) {
        (ActorType::Agent, Some(id)) => co.agent_name(id),
        (ActorType::Agent, None) => {
            a.actor_id.parse().map_or_else(|_| "An agent".into(), |id| co.agent_name(id))
        }
        (ActorType::User, _) => "You".into(),
        (ActorType::System, _) => "Paperclip".into(),
    }
}

fn event(e: &Activity, co: Co) -> AnyView {
    let (e, at) = (e.clone(), e.created_at);
    let sentence = thread::sentence_here(&e);
    view! {
        <div class="event">
            <span class="event-dot" aria-hidden="true"></span>
            <span class="ellipsis">
                <b>{move || actor(&e, co)}</b>
                " "
                {sentence}
            </span>
            <Ago at=at />
        </div>
    }
    .into_any()
}

#[component]
fn Comment(comment: IssueComment) -> impl IntoView {
    let co = company();
    let (kind, agent) = (comment.author_type, comment.author_agent_id);
    let name = move || match (kind, agent) {
        (AuthorType::Agent, Some(a)) => co.agent_name(a),
        (AuthorType::Agent, None) => "An agent".into(),
        (AuthorType::User, _) => "You".into(),
        (AuthorType::System, _) => "Paperclip".into(),
    };
    if kind == AuthorType::System {
        return view! {
            <div class="system-comment" data-testid="comment" data-author="system">
                <Icon d=i::INFO />
                <Markdown source=comment.body />
                <Ago at=comment.created_at />
            </div>
        }
        .into_any();
    }
    view! {
        <article class="comment" class:mine=kind == AuthorType::User data-testid="comment" data-author=kind.as_str() id=format!("comment-{}", comment.id)>
            <header class="comment-head">
                {move || view! { <Avatar name=name() human=kind == AuthorType::User /> }}
                <strong>{name}</strong>
                <Ago at=comment.created_at />
                {comment
                    .created_by_run_id
                    .map(|r| {
                        view! {
                            <Link to=co.route(Page::Run(r.to_string())) class="quiet-link">
                                "from a run"
                            </Link>
                        }
                    })}
            </header>
            <Markdown source=comment.body />
        </article>
    }
    .into_any()
}

/// A run as one line that opens into its transcript. A live one is open.
#[component]
fn RunFold(first: RunSummary, run: Memo<Option<RunSummary>>) -> impl IntoView {
    let co = company();
    let id = first.id;
    let open = RwSignal::new(first.status == RunStatus::Running);
    let now = Memo::new(move |_| run.get().unwrap_or_else(|| first.clone()));
    // A run that starts while one looks opens by itself; one that ends stays as it is.
    Effect::new(move |before: Option<RunStatus>| {
        let status = now.with(|r| r.status);
        if before.is_some_and(|b| b != RunStatus::Running) && status == RunStatus::Running {
            open.set(true);
        }
        status
    });
    let started = Memo::new(move |_| now.with(|r| r.started_at.is_some()));
    view! {
        <section class="run-fold" class:live=move || now.with(|r| r.status == RunStatus::Running) data-testid="run-fold">
            <div class="run-fold-head">
                <button
                    class="fold-head"
                    aria-expanded=move || open.get().to_string()
                    on:click=move |_| open.update(|o| *o = !*o)
                >
                    <span class="fold" class:open=open>
                        <Icon d=i::CHEVRON_RIGHT />
                    </span>
                    {move || now.with(|r| view! { <Avatar name=r.agent_name.clone() /> })}
                    <span class="fold-name">{move || now.with(|r| r.agent_name.clone())}</span>
                    {move || {
                        now.with(|r| {
                            let why = labels::run_error(r.error_code.as_deref(), r.error.as_deref());
                            view! {
                                <State look=labels::run_status(r.status) why=why.unwrap_or_default() />
                            }
                        })
                    }}
                    <span class="muted ellipsis">
                        {move || {
                            now.with(|r| labels::wake_reason(r.wake_reason.as_deref(), r.invocation_source))
                        }}
                    </span>
                    <span class="push muted num">{move || now.with(usage)}</span>
                    <span class="num">
                        {move || {
                            now.with(|r| {
                                r.started_at.map(|s| view! { <Elapsed start=s end=r.finished_at /> })
                            })
                        }}
                    </span>
                </button>
                <Link to=co.route(Page::Run(id.to_string())) class="icon-btn" title="Open the run">
                    <Icon d=i::EXTERNAL_LINK />
                </Link>
            </div>
            {move || {
                now.with(|r| labels::run_error(r.error_code.as_deref(), r.error.as_deref()))
                    .filter(|_| now.with(|r| matches!(r.status, RunStatus::Failed | RunStatus::TimedOut)))
                    .map(|e| view! { <p class="run-error">{e}</p> })
            }}
            <Show when=move || open.get()>
                <Show
                    when=move || started.get()
                    fallback=|| view! { <p class="muted pad">"Not started yet: it waits for a free place."</p> }
                >
                    <Transcript run=id />
                </Show>
            </Show>
        </section>
    }
}
