//! An issue's own page: what it says, what happens on it, who does what next.

pub mod attachments;
mod decomposition;
mod documents;
mod outlook;
mod outputs;
mod properties;
mod review;
mod stages;
mod subissues;
mod texts;
mod thread_view;
mod workspace;

pub use documents::DocumentPage;
pub use thread_view::actor;
pub use workspace::CloseWorkspace;

use std::sync::Arc;

use contract::issue::{IssueDetail, IssuePath, IssueStatus, UpdateIssue};
use contract::operations as op;
use contract::run::RunPath;
use contract::tree::TreeMode;
use contract::wake::{WakeAgent, WakeOutcome};
use contract::{ErrorCode, IssueRef, Text};
use leptos::html;
use leptos::prelude::*;

use crate::api::query::{Ask, Query, use_query};
use crate::components::attachment::AttachTo;
use crate::components::base::{Empty, Icon, Link, RunBadge, copy, loaded};
use crate::components::composer::{Composer, Outcome};
use crate::components::icons as i;
use crate::components::markdown_editor::FocusRequest;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::components::shell::Topbar;
use crate::components::virtual_list::watch_height;
use crate::state::keys::{self, use_keys};
use crate::state::route::Page;
use crate::state::{Co, Dialog, NewIssueDefaults, Tone, act, act_or, app, clock, company};

/// The issue of the page, and a way to change it.
#[derive(Clone, Copy)]
pub struct Current {
    pub query: Query<IssueDetail>,
    pub detail: Signal<Arc<IssueDetail>>,
}

impl Current {
    /// Changes the issue and says when that is done. Nothing is shown before: what was typed is where it was typed.
    pub fn save(self, edit: impl FnOnce(&mut UpdateIssue), done: impl FnOnce() + 'static) {
        let mut input = UpdateIssue::of(self.detail.with_untracked(|d| d.issue.id));
        edit(&mut input);
        let query = self.query;
        act::<op::UpdateIssueOp>(input, move |answer| {
            query.patch(|d| d.issue = answer.issue);
            query.refetch();
            done();
        });
    }

    /// Changes the issue: `show` at once, taken back when the core refuses.
    pub fn change(self, show: impl FnOnce(&mut IssueDetail), edit: impl FnOnce(&mut UpdateIssue)) {
        let before = self.query.data.get_untracked();
        let mut input = UpdateIssue::of(self.detail.with_untracked(|d| d.issue.id));
        edit(&mut input);
        self.query.patch(show);
        act_or::<op::UpdateIssueOp>(
            input,
            move |_| self.query.refetch(),
            move || {
                self.query.data.try_set(before);
            },
        );
    }
}

#[component]
pub fn IssuePage(reference: String) -> impl IntoView {
    let co = company();
    let Ok(id) = reference.parse::<IssueRef>() else {
        return view! { <NotThere reference=reference /> }.into_any();
    };
    let asked = id.clone();
    let query = use_query::<op::GetIssue>(move || Some(Ask::within(IssuePath { id: asked.clone() }, co.id)));
    let missing = Memo::new(move |_| {
        query.error.with(|e| e.as_ref().is_some_and(|e| e.code == ErrorCode::NotFound))
            && query.data.with(Option::is_none)
    });
    let title = reference.clone();
    view! {
        <Show
            when=move || !missing.get()
            fallback=move || view! { <NotThere reference=reference.clone() /> }
        >
            {
                let title = title.clone();
                let there = Memo::new(move |_| query.data.with(Option::is_some));
                view! {
                    <Show when=move || !there.get()>
                        <Topbar crumbs=vec![("Issues".into(), Page::Issues(String::new()))] title=title.clone() />
                    </Show>
                    {loaded(query, 8, move |detail| view! { <Detail current=Current { query, detail } /> })}
                }
            }
        </Show>
    }
    .into_any()
}

#[component]
fn NotThere(reference: String) -> impl IntoView {
    view! {
        <div class="page">
            <Topbar crumbs=vec![("Issues".into(), Page::Issues(String::new()))] title=reference.clone() />
            <Empty
                icon=i::LIST_TODO
                title=format!("There is no issue {reference}")
                text="It may have been deleted, or belong to another company."
            >
                <Link to=company().route(Page::Issues(String::new())) class="btn">
                    "All issues"
                </Link>
            </Empty>
        </div>
    }
}

#[component]
fn Detail(current: Current) -> impl IntoView {
    let app = app();
    let co = company();
    let detail = current.detail;
    let id = detail.with_untracked(|d| d.issue.id);
    let key = detail.with_untracked(|d| d.issue.display_key());
    let mut crumbs = vec![("Issues".to_owned(), Page::Issues(String::new()))];
    detail.with_untracked(|d| {
        for a in d.ancestors.iter().rev() {
            let name = a.identifier.clone().unwrap_or_else(|| a.id.to_string());
            crumbs.push((name.clone(), Page::Issue(name)));
        }
    });
    mark_read(id);
    let composer = FocusRequest::new();
    let editing = RwSignal::new(false);
    let front = documents::Front::new();
    use_keys(move |ev, key| {
        let over = app.dialog.with_untracked(Option::is_some) || app.menu.with_untracked(Option::is_some);
        if over || keys::typing(ev) || keys::command(ev) {
            return false;
        }
        match key {
            "e" => editing.set(true),
            "r" => composer.now(),
            "s" | "p" | "a" => return properties::open(key, current, co),
            "Escape" => co.go(Page::Issues(String::new())),
            _ => return false,
        }
        true
    });
    // An issue that was just made is watched: the end of its thread stays in view until one scrolls up.
    let main = NodeRef::<html::Div>::new();
    let files = attachments::Files::of(id);
    provide_context(AttachTo { company: co.id, issue: id });
    let dropping = RwSignal::new(false);
    let column = NodeRef::<html::Div>::new();
    let young = detail.with_untracked(|d| {
        d.issue.assignee_agent_id.is_some() && clock().since(d.issue.created_at).as_secs() < 60
    });
    let stuck = RwSignal::new(young);
    watch_height(column, move |_| {
        if let (Some(true), Some(el)) = (stuck.try_get_untracked(), main.try_get_untracked().flatten()) {
            el.set_scroll_top(el.scroll_height());
        }
    });
    let outcome = Signal::derive(move || outcome(&detail.get(), co));
    let live = Memo::new(move |_| detail.with(|d| d.active_run.clone()).filter(|r| !r.status.is_terminal()));
    view! {
        <div class="page">
            <Topbar crumbs=crumbs title=key.clone()>
                {move || live.get().map(|r| view! { <RunBadge status=r.status /> })}
                <RunActions current=current />
                <button
                    class="icon-btn"
                    aria-label="More"
                    title="More"
                    data-testid="issue-more"
                    on:click=move |ev| more(&ev, current, co)
                >
                    <Icon d=i::MORE_HORIZONTAL />
                </button>
                <button
                    class="icon-btn"
                    aria-label="Toggle properties"
                    title="Properties ]"
                    on:click=move |_| app.panel.update(|p| *p = !*p)
                >
                    <Icon d=i::PANEL_RIGHT />
                </button>
            </Topbar>
            <div class="split">
                <div
                    node_ref=main
                    class="issue-main"
                    class:dropping=move || dropping.get()
                    on:dragover=move |ev: web_sys::DragEvent| {
                        if ev.data_transfer().is_some_and(|d| d.types().includes(&"Files".into(), 0)) {
                            ev.prevent_default();
                            dropping.set(true);
                        }
                    }
                    on:dragleave=move |_| dropping.set(false)
                    on:drop=move |ev: web_sys::DragEvent| {
                        dropping.set(false);
                        if ev.default_prevented() {
                            // A text has taken them.
                            return;
                        }
                        let dropped = attachments::files_of(ev.data_transfer());
                        if !dropped.is_empty() {
                            ev.prevent_default();
                            files.send(dropped);
                        }
                    }
                    on:wheel=move |ev| {
                        if ev.delta_y() < 0.0 {
                            stuck.set(false);
                        }
                    }
                >
                    <div node_ref=column class="column-read">
                        <texts::Title current=current />
                        <outlook::Outlook current=current />
                        <review::Review detail=detail />
                        <texts::Description current=current editing=editing />
                        <decomposition::Decomposition current=current />
                        <subissues::SubIssues current=current />
                        <documents::Documents current=current front=front />
                        <outputs::Outputs current=current />
                        <attachments::Attachments current=current files=files />
                        <workspace::Workspace current=current />
                        <thread_view::Thread current=current />
                        <Composer
                            issue=id
                            effect=outcome
                            sent=Callback::new(move |()| {
                                stuck.set(true);
                                mark_read(id);
                            })
                            focus=composer
                        />
                    </div>
                </div>
                <documents::FrontThreads front=front />
                <Show when=move || app.panel.get() && !front.is_some()>
                    <properties::Properties current=current />
                </Show>
            </div>
        </div>
    }
}

/// Tells the core that the operator has seen the issue. Nothing to say when that fails.
fn mark_read(id: contract::IssueId) {
    leptos::task::spawn_local(async move {
        let _ = crate::api::call::<op::MarkRead>(&IssuePath { id: id.into() }).await;
    });
}

/// What a comment will set off.
fn outcome(d: &IssueDetail, co: Co) -> Outcome {
    let agent = d.issue.assignee_agent_id.map(|a| co.agent_name(a));
    let live = d.active_run.as_ref().filter(|r| !r.status.is_terminal());
    match (agent, live) {
        (_, Some(r)) => Outcome::Live(r.agent_name.clone()),
        (Some(_), None) if d.issue.status.is_terminal() => Outcome::Reopens,
        (Some(name), None) => Outcome::Wakes(name),
        (None, None) if d.issue.assignee_user_id.is_some() => Outcome::None,
        (None, None) => Outcome::Nobody,
    }
}

/// Says what became of a wake.
pub fn told(out: WakeOutcome, co: Co) {
    let app = app();
    match out {
        WakeOutcome::Run(r) => {
            let to = co.route(Page::Run(r.id.to_string()));
            app.toast(Tone::Good, "Woken", Some("A run is on its way.".into()), Some(to));
        }
        WakeOutcome::Skipped(s) => {
            let why = s.message.unwrap_or_else(|| crate::format::words(&s.reason));
            app.toast(Tone::Info, "Nothing was started", Some(why), None);
        }
    }
}

/// Stops the live run, or wakes the assignee.
#[component]
fn RunActions(current: Current) -> impl IntoView {
    let co = company();
    let detail = current.detail;
    let live = Memo::new(move |_| {
        detail.with(|d| d.active_run.as_ref().filter(|r| !r.status.is_terminal()).map(|r| r.id))
    });
    let agent = Memo::new(move |_| detail.with(|d| d.issue.assignee_agent_id));
    move || match (live.get(), agent.get()) {
        (Some(run), _) => view! {
            <button
                class="btn"
                data-testid="stop-run"
                on:click=move |_| {
                    act::<op::CancelRun>(RunPath { run_id: run }, |_| crate::state::app().say("Run stopped"));
                }
            >
                <Icon d=i::CIRCLE_STOP />
                "Stop run"
            </button>
        }
        .into_any(),
        (None, Some(agent)) => view! {
            <button
                class="btn"
                data-testid="wake-now"
                title="Start a run on this issue now"
                on:click=move |_| {
                    let mut input = WakeAgent::of(agent);
                    let id = detail.with_untracked(|d| d.issue.id);
                    input.payload = serde_json::json!({ "issueId": id }).as_object().cloned();
                    input.reason = Text::new("manual").ok();
                    act::<op::Wake>(input, move |out| told(out, co));
                }
            >
                <Icon d=i::ZAP />
                "Wake now"
            </button>
        }
        .into_any(),
        (None, None) => ().into_any(),
    }
}

fn more(ev: &web_sys::MouseEvent, current: Current, co: Co) {
    let Some(el) = anchor(ev) else { return };
    let app = app();
    let (id, key, title, locked, text) = current.detail.with_untracked(|d| {
        let i = &d.issue;
        let locked = i.checkout_run_id.is_some() || i.execution_run_id.is_some();
        let text =
            format!("# {}: {}\n\n{}", i.display_key(), i.title, i.description.clone().unwrap_or_default());
        (i.id, i.display_key(), i.title.clone(), locked, text)
    });
    let mut choices = vec![
        Choice::new("sub", "New sub-issue", Glyph::Icon(i::GIT_BRANCH)),
        Choice::new("copy", "Copy as Markdown", Glyph::Icon(i::COPY)),
        Choice::new("unread", "Mark as unread", Glyph::Icon(i::INBOX)),
    ];
    if locked {
        choices.push(Choice::new("locks", "Break its locks", Glyph::Icon(i::LOCK)));
    }
    let cancelled = current.detail.with_untracked(|d| d.issue.status == IssueStatus::Cancelled);
    if cancelled {
        choices.push(Choice::new("restore", "Restore with all below", Glyph::Icon(i::ROTATE_CCW)));
    } else {
        choices.push(Choice::new("pause", "Pause with all below", Glyph::Icon(i::CIRCLE_PAUSE)));
        choices.push(Choice::new("cancel", "Cancel with all below", Glyph::Icon(i::CIRCLE_X)));
    }
    let tree = {
        let key = key.clone();
        move |mode| app.dialog.set(Some(Dialog::Tree { issue: id, key: key.clone(), mode }))
    };
    choices.push(Choice::new("delete", "Delete issue", Glyph::Icon(i::TRASH_2)).danger());
    let pick = Callback::new(move |what: String| match what.as_str() {
        "sub" => app.dialog.set(Some(Dialog::NewIssue(NewIssueDefaults {
            parent: Some((id, key.clone())),
            ..NewIssueDefaults::default()
        }))),
        "pause" => tree(TreeMode::Pause),
        "cancel" => tree(TreeMode::Cancel),
        "restore" => tree(TreeMode::Restore),
        "copy" => copy(text.clone(), "Issue"),
        "unread" => act::<op::MarkUnread>(IssuePath { id: id.into() }, move |_| app.say("Marked as unread")),
        "locks" => {
            let input = contract::issue::ForceReleaseIssue { id: id.into(), clear_assignee: false };
            act::<op::ForceRelease>(input, move |_| app.say("Locks broken"));
        }
        "delete" => app.dialog.set(Some(Dialog::Confirm {
            title: format!("Delete {key}?"),
            body: format!("“{title}” goes with its comments, documents and cards. This cannot be undone."),
            action: "Delete".into(),
            danger: true,
            then: Callback::new(move |()| {
                act::<op::DeleteIssue>(IssuePath { id: id.into() }, move |_| {
                    app.say("Issue deleted");
                    co.go(Page::Issues(String::new()));
                });
            }),
        })),
        _ => {}
    });
    Menu::under(&el, "Do", choices, pick).open();
}
