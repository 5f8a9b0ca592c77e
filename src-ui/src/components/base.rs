//! The smallest widgets: icons, badges, times, links, and what a page shows while it has nothing to show.

use std::sync::Arc;

use contract::agent::AgentStatus;
use contract::issue::{IssuePriority, IssueStatus};
use contract::run::RunStatus;
use contract::{ApiError, Timestamp};
use leptos::prelude::*;

use crate::api::query::Query;
use crate::components::icons as i;
use crate::format;
use crate::labels::{self, Look};
use crate::state::route::{Page, Route};
use crate::state::{Tone, app, company};

/// An icon, decorative unless words say otherwise beside it.
#[component]
pub fn Icon(d: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=d />
        </svg>
    }
}

/// The ring that fills as an issue moves on.
#[component]
pub fn StatusIcon(status: IssueStatus) -> impl IntoView {
    let class = format!("status-icon s-{}", status.as_str());
    let inner = match status {
        IssueStatus::Backlog => view! { <circle class="ring dashed" cx="7" cy="7" r="5.5" /> }.into_any(),
        IssueStatus::Todo => view! { <circle class="ring" cx="7" cy="7" r="5.5" /> }.into_any(),
        IssueStatus::InProgress => view! {
            <circle class="ring" cx="7" cy="7" r="5.5" />
            <path class="fill" d="M7 3.75a3.25 3.25 0 0 1 0 6.5z" />
        }
        .into_any(),
        IssueStatus::InReview => view! {
            <circle class="ring" cx="7" cy="7" r="5.5" />
            <path class="fill" d="M7 7V3.75A3.25 3.25 0 1 1 3.75 7z" />
        }
        .into_any(),
        IssueStatus::Blocked => view! {
            <circle class="disc" cx="7" cy="7" r="6" />
            <path class="cut" d="M4.2 7h5.6" />
        }
        .into_any(),
        IssueStatus::Done => view! {
            <circle class="disc" cx="7" cy="7" r="6" />
            <path class="cut" d="M4.4 7.2l1.9 1.9 3.5-3.9" />
        }
        .into_any(),
        IssueStatus::Cancelled => view! {
            <circle class="disc" cx="7" cy="7" r="6" />
            <path class="cut" d="M5 5l4 4M9 5l-4 4" />
        }
        .into_any(),
    };
    view! {
        <svg class=class viewBox="0 0 14 14" role="img" aria-label=labels::issue_status(status)>
            {inner}
        </svg>
    }
}

/// Bars that grow with urgency; a filled square with a mark for critical.
#[component]
pub fn PriorityIcon(priority: IssuePriority) -> impl IntoView {
    let class = format!("priority-icon p-{}", priority.as_str());
    let bars = match priority {
        IssuePriority::Critical => None,
        IssuePriority::High => Some(3),
        IssuePriority::Medium => Some(2),
        IssuePriority::Low => Some(1),
    };
    let inner = match bars {
        None => view! {
            <rect class="on" x="1" y="1" width="12" height="12" rx="3" />
            <path class="cut" d="M7 4v3.6M7 10v.1" />
        }
        .into_any(),
        Some(n) => {
            let on = move |k: i32| if k <= n { "on" } else { "off" };
            view! {
                <rect class=on(1) x="1.5" y="8" width="3" height="4.5" rx="1" />
                <rect class=on(2) x="5.5" y="5" width="3" height="7.5" rx="1" />
                <rect class=on(3) x="9.5" y="2" width="3" height="10.5" rx="1" />
            }
            .into_any()
        }
    };
    view! {
        <svg class=class viewBox="0 0 14 14" role="img" aria-label=labels::priority(priority)>
            {inner}
        </svg>
    }
}

/// A state: icon, word, colour.
#[component]
pub fn State(look: Look, #[prop(optional, into)] why: Option<String>) -> impl IntoView {
    let spin = look.word == "Running";
    view! {
        <span class=format!("state tone-{}", look.tone) class:spin=spin title=why>
            <Icon d=look.icon />
            {look.word}
        </span>
    }
}

#[component]
pub fn RunState(status: RunStatus) -> impl IntoView {
    view! { <State look=labels::run_status(status) /> }
}

/// A pulsing dot and how many runs are live.
#[component]
pub fn LiveBadge(#[prop(optional)] count: Option<i64>) -> impl IntoView {
    view! {
        <span class="live-badge" title="A run is live">
            <span class="pulse" aria-hidden="true"></span>
            {count.map_or_else(|| "Live".to_owned(), |n| n.to_string())}
        </span>
    }
}

/// The run in flight of an issue: one that runs is live, one that waits says what for.
#[component]
pub fn RunBadge(status: RunStatus) -> impl IntoView {
    if status == RunStatus::Running {
        return view! { <LiveBadge /> }.into_any();
    }
    let look = labels::run_status(status);
    view! {
        <span class=format!("badge tone-{}", look.tone) title=look.word data-testid="run-badge">
            <Icon d=look.icon />
            <span class="badge-word">{look.word}</span>
        </span>
    }
    .into_any()
}

/// The dot beside an agent's name.
#[component]
pub fn AgentDot(status: AgentStatus) -> impl IntoView {
    let l = labels::agent_status(status);
    view! {
        <span
            class=format!("dot tone-{}", l.tone)
            class:pulsing=status == AgentStatus::Running
            role="img"
            aria-label=l.word
            title=l.word
        ></span>
    }
}

/// Initials on a colour that the name decides.
#[component]
pub fn Avatar(#[prop(into)] name: String, #[prop(optional)] human: bool) -> impl IntoView {
    let hue = name.bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b))) % 8;
    let class = if human { "avatar human".to_owned() } else { format!("avatar hue-{hue}") };
    view! {
        <span class=class aria-hidden="true">
            {format::initials(&name)}
        </span>
    }
}

/// How long ago; the exact time stands in the tooltip.
#[component]
pub fn Ago(at: Timestamp) -> impl IntoView {
    let slow = app().slow;
    view! {
        <time class="ago" title=local_time(at)>
            {move || format::ago(at, slow.get())}
        </time>
    }
}

/// A length of time that grows while there is no end.
#[component]
pub fn Elapsed(start: Timestamp, end: Option<Timestamp>) -> impl IntoView {
    let now = app().now;
    match end {
        Some(_) => view! { <span class="num">{format::elapsed(start, end, start)}</span> }.into_any(),
        None => {
            view! { <span class="num">{move || format::elapsed(start, None, now.get())}</span> }.into_any()
        }
    }
}

/// Date and time as this machine's language writes them.
pub fn local_time(at: Timestamp) -> String {
    let date = js_sys::Date::new(&(at.millis() as f64).into());
    String::from(date.to_locale_string("default", &wasm_bindgen::JsValue::UNDEFINED))
}

/// A link within the window.
#[component]
pub fn Link(
    #[prop(into)] to: Route,
    #[prop(optional, into)] class: String,
    #[prop(optional, into)] testid: String,
    #[prop(optional, into)] title: Option<String>,
    children: Children,
) -> impl IntoView {
    let href = to.href();
    let testid = (!testid.is_empty()).then_some(testid);
    view! {
        <a
            class=class
            href=href
            title=title
            data-testid=testid
            on:click=move |ev| {
                ev.prevent_default();
                ev.stop_propagation();
                app().go(to.clone());
            }
        >
            {children()}
        </a>
    }
}

/// An issue named by its identifier.
#[component]
pub fn IssueChip(
    #[prop(into)] identifier: String,
    #[prop(optional, into)] title: Option<String>,
) -> impl IntoView {
    let to = company().route(Page::Issue(identifier.clone()));
    view! {
        <Link to=to class="issue-chip" title=title.unwrap_or_default()>
            {identifier}
        </Link>
    }
}

#[component]
pub fn Kbd(keys: &'static str) -> impl IntoView {
    view! {
        <span class="kbd">
            {keys.split(' ').map(|k| view! { <kbd>{k}</kbd> }).collect_view()}
        </span>
    }
}

/// What a list says when it has nothing, and what to do about it.
#[component]
pub fn Empty(
    icon: &'static str,
    #[prop(into)] title: String,
    #[prop(optional, into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <div class="empty-icon">
                <Icon d=icon />
            </div>
            <h2>{title}</h2>
            {(!text.is_empty()).then(|| view! { <p>{text}</p> })}
            {children.map(|c| view! { <div class="empty-actions">{c()}</div> })}
        </div>
    }
}

/// A refusal, told in full, with a way to try again.
#[component]
pub fn Failed(error: ApiError, #[prop(optional)] retry: Option<Callback<()>>) -> impl IntoView {
    view! {
        <div class="failed" role="alert">
            <Icon d=i::TRIANGLE_ALERT />
            <div>
                <strong>{error.message}</strong>
                {error.hint.map(|h| view! { <p>{h}</p> })}
            </div>
            {retry
                .map(|r| {
                    view! {
                        <button class="btn" on:click=move |_| r.run(())>
                            "Try again"
                        </button>
                    }
                })}
        </div>
    }
}

/// Grey lines in the shape of what is on its way.
#[component]
pub fn Skeleton(#[prop(default = 6)] rows: usize) -> impl IntoView {
    view! {
        <div class="skeleton" aria-busy="true" aria-label="Loading">
            {(0..rows).map(|_| view! { <div class="skeleton-row"></div> }).collect_view()}
        </div>
    }
}

/// Draws `show` once an answer is there, with a signal of the newest one; until then a skeleton or the refusal.
pub fn loaded<T, V>(
    query: Query<T>,
    rows: usize,
    show: impl Fn(Signal<Arc<T>>) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let there = Memo::new(move |_| query.data.with(Option::is_some));
    move || {
        if there.get()
            && let Some(first) = query.data.get_untracked()
        {
            let newest = Memo::new(move |_| query.data.get().unwrap_or_else(|| first.clone()));
            return show(newest.into()).into_any();
        }
        match query.error.get() {
            Some(e) => view! { <Failed error=e retry=Callback::new(move |()| query.refetch()) /> }.into_any(),
            None => view! { <Skeleton rows=rows /> }.into_any(),
        }
    }
}

/// A switch with its label and a sentence below it.
#[component]
pub fn Toggle(
    #[prop(into)] label: String,
    #[prop(optional, into)] help: String,
    #[prop(into)] on: Signal<bool>,
    set: Callback<bool>,
    #[prop(optional, into)] testid: Option<String>,
) -> impl IntoView {
    view! {
        <label class="setting">
            <span class="setting-text">
                <span>{label}</span>
                {(!help.is_empty()).then(|| view! { <small>{help}</small> })}
            </span>
            <input
                type="checkbox"
                class="switch"
                role="switch"
                data-testid=testid
                prop:checked=move || on.get()
                on:change:target=move |ev| {
                    let wanted = ev.target().checked();
                    // It shows what is set, not what was clicked: the core may refuse.
                    ev.target().set_checked(on.get_untracked());
                    set.run(wanted);
                }
            />
        </label>
    }
}

pub const fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Info => "tone-blue",
        Tone::Good => "tone-green",
        Tone::Bad => "tone-red",
    }
}

/// Copies text and says so.
pub fn copy(text: String, what: &'static str) {
    wasm_bindgen_futures::spawn_local(async move {
        let clipboard = window().navigator().clipboard();
        match wasm_bindgen_futures::JsFuture::from(clipboard.write_text(&text)).await {
            Ok(_) => app().say(format!("{what} copied")),
            Err(_) => app().toast(Tone::Bad, format!("{what} could not be copied"), None, None),
        }
    });
}
