//! The dialog for a new issue. What is typed survives closing it.

use contract::issue::{CreateIssue, IssuePriority, IssueStatus, WorkMode};
use contract::operations as op;
use contract::{ApiError, LabelId, ProjectId, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

use crate::api::call;
use crate::components::base::{Avatar, Icon, Kbd, PriorityIcon, StatusIcon};
use crate::components::dialog::Overlay;
use crate::components::editor::Editor;
use crate::components::icons as i;
use crate::components::menu::{Menu, anchor};
use crate::components::pickers::{
    Assignee, assignee_choices, pick_labels, priority_choices, project_choices, status_choices,
};
use crate::labels;
use crate::state::keys::command;
use crate::state::route::Page;
use crate::state::{NewIssueDefaults, Tone, app, company, prefs};
use crate::text::{checked, optional};

/// What is kept of an issue that was not sent.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq)]
struct Draft {
    title: String,
    description: String,
}

#[component]
pub fn NewIssue(defaults: NewIssueDefaults) -> impl IntoView {
    let app = app();
    let co = company();
    let draft_key = format!("new-issue:{}", co.id);
    let draft: Draft = prefs::load(&draft_key).unwrap_or_default();
    let title = RwSignal::new(draft.title);
    let description = RwSignal::new(draft.description);
    let status = RwSignal::new(defaults.status);
    let priority = RwSignal::new(IssuePriority::Medium);
    let assignee = RwSignal::new(defaults.assignee.map_or(Assignee::Nobody, Assignee::Agent));
    let project = RwSignal::new(defaults.project);
    let chosen_labels = RwSignal::new(Vec::<LabelId>::new());
    let planning = RwSignal::new(false);
    let parent = StoredValue::new(defaults.parent.clone());
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<ApiError>);

    let key = StoredValue::new(draft_key);
    Effect::new(move |_| {
        let d = Draft { title: title.get(), description: description.get() };
        if d == Draft::default() {
            prefs::forget(&key.get_value());
        } else {
            prefs::save(&key.get_value(), &d);
        }
    });
    // Without a choice the core decides: an assigned issue is to do, any other waits in the backlog.
    let effective = Memo::new(move |_| {
        status.get().unwrap_or(if assignee.get() == Assignee::Nobody {
            IssueStatus::Backlog
        } else {
            IssueStatus::Todo
        })
    });
    let parked = Memo::new(move |_| {
        matches!(assignee.get(), Assignee::Agent(_)) && effective.get() == IssueStatus::Backlog
    });
    let submit = move || {
        if busy.get_untracked() {
            return;
        }
        let name = match checked("The title", title.get_untracked()) {
            Ok(name) => name,
            Err(e) => return error.set(Some(e)),
        };
        let about = match optional("The description", description.get_untracked()) {
            Ok(about) => about,
            Err(e) => return error.set(Some(e)),
        };
        let mut input = CreateIssue::titled(co.id, name);
        input.description = about;
        input.status = Some(effective.get_untracked());
        input.priority = Some(priority.get_untracked());
        input.project_id = project.get_untracked();
        input.label_ids = Some(chosen_labels.get_untracked()).filter(|l| !l.is_empty());
        input.work_mode = planning.get_untracked().then_some(WorkMode::Planning);
        input.parent_id = parent.get_value().map(|(id, _)| id);
        match assignee.get_untracked() {
            Assignee::Agent(a) => input.assignee_agent_id = Some(a.into()),
            Assignee::You => input.assignee_user_id = Text::new(contract::LOCAL_OPERATOR).ok(),
            Assignee::Nobody => {}
        }
        busy.set(true);
        spawn_local(async move {
            let answer = call::<op::CreateIssueOp>(&input).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(created) => {
                    prefs::forget(&key.get_value());
                    title.set(String::new());
                    description.set(String::new());
                    let id = created.issue.display_key();
                    app.dialog.set(None);
                    app.toast(
                        Tone::Good,
                        format!("{id} created"),
                        Some(created.issue.title),
                        Some(co.route(Page::Issue(id))),
                    );
                }
                Err(e) => error.set(Some(e)),
            }
        });
    };
    let pick_status = move |ev: web_sys::MouseEvent| {
        if let Some(el) = anchor(&ev) {
            let set = Callback::new(move |s: String| status.set(s.parse().ok()));
            Menu::under(&el, "Set status", status_choices(Some(effective.get_untracked())), set).open();
        }
    };
    let pick_priority = move |ev: web_sys::MouseEvent| {
        if let Some(el) = anchor(&ev) {
            let set = Callback::new(move |p: String| {
                if let Ok(p) = p.parse() {
                    priority.set(p);
                }
            });
            Menu::under(&el, "Set priority", priority_choices(Some(priority.get_untracked())), set).open();
        }
    };
    let pick_assignee = move |ev: web_sys::MouseEvent| {
        if let Some(el) = anchor(&ev) {
            let set = Callback::new(move |a: String| {
                if let Some(a) = Assignee::parse(&a) {
                    assignee.set(a);
                }
            });
            Menu::under(&el, "Assign to", assignee_choices(co, Some(&assignee.get_untracked())), set).open();
        }
    };
    let pick_project = move |ev: web_sys::MouseEvent| {
        if let Some(el) = anchor(&ev) {
            let set = Callback::new(move |p: String| project.set(p.parse::<ProjectId>().ok()));
            Menu::under(&el, "Set project", project_choices(co, project.get_untracked()), set).open();
        }
    };
    let open_labels = move |ev: web_sys::MouseEvent| {
        if let Some(el) = anchor(&ev) {
            let set = Callback::new(move |l| chosen_labels.set(l));
            pick_labels(&el, co, chosen_labels.get_untracked(), set);
        }
    };
    view! {
        <Overlay label="New issue" class="new-issue" close=Callback::new(move |()| app.dialog.set(None))>
            <div
                class="new-issue-body"
                data-testid="new-issue"
                on:keydown=move |ev| {
                    if ev.key() == "Enter" && command(&ev) {
                        ev.prevent_default();
                        submit();
                    }
                }
            >
                <div class="new-issue-head">
                    <span class="chip">{co.prefix()}</span>
                    <Icon d=i::CHEVRON_RIGHT />
                    {match parent.get_value() {
                        Some((_, name)) => format!("New sub-issue of {name}"),
                        None => "New issue".into(),
                    }}
                    <button class="icon-btn push" aria-label="Close" on:click=move |_| app.dialog.set(None)>
                        <Icon d=i::X />
                    </button>
                </div>
                <input
                    class="title-input"
                    type="text"
                    aria-label="Title"
                    placeholder="Issue title"
                    maxlength="500"
                    data-autofocus=""
                    data-testid="new-issue-title"
                    prop:value=move || title.get()
                    on:input:target=move |ev| title.set(ev.target().value())
                />
                <Editor
                    value=description
                    label="Description"
                    placeholder="Describe what should be true when this is done. Markdown works, @ names an agent, # an issue."
                    testid="new-issue-description"
                    class="bare tall"
                    late=true
                />
                <div class="chips">
                    <button class="chip-btn" data-testid="new-issue-status" on:click=pick_status>
                        {move || view! { <StatusIcon status=effective.get() /> }}
                        {move || labels::issue_status(effective.get())}
                    </button>
                    <button class="chip-btn" data-testid="new-issue-priority" on:click=pick_priority>
                        {move || view! { <PriorityIcon priority=priority.get() /> }}
                        {move || labels::priority(priority.get())}
                    </button>
                    <button class="chip-btn" data-testid="new-issue-assignee" on:click=pick_assignee>
                        {move || match assignee.get() {
                            Assignee::Nobody => view! { <Icon d=i::USER /> }.into_any(),
                            a => view! { <Avatar name=a.label(co) /> }.into_any(),
                        }}
                        {move || match assignee.get() {
                            Assignee::Nobody => "Assignee".to_owned(),
                            a => a.label(co),
                        }}
                    </button>
                    <button class="chip-btn" data-testid="new-issue-labels" on:click=open_labels>
                        <Icon d=i::TAG />
                        {move || match chosen_labels.with(Vec::len) {
                            0 => "Labels".to_owned(),
                            n => crate::format::count(n as i64, "label", "labels"),
                        }}
                    </button>
                    <button class="chip-btn" data-testid="new-issue-project" on:click=pick_project>
                        <Icon d=i::FOLDER />
                        {move || {
                            project.get().and_then(|p| co.project_name(p)).unwrap_or_else(|| "Project".into())
                        }}
                    </button>
                    <button
                        class="chip-btn"
                        aria-pressed=move || planning.get().to_string()
                        title="A planning issue asks the agent for a plan before any work"
                        on:click=move |_| planning.update(|p| *p = !*p)
                    >
                        <Icon d=i::LIST_CHECKS />
                        {move || if planning.get() { "Plan first" } else { "Standard" }}
                    </button>
                </div>
                {move || {
                    parked
                        .get()
                        .then(|| {
                            view! {
                                <div class="notice tone-yellow">
                                    <Icon d=i::TRIANGLE_ALERT />
                                    <span>
                                        "An agent is assigned, but it will not start while the issue is in the backlog."
                                    </span>
                                    <button class="btn" on:click=move |_| status.set(Some(IssueStatus::Todo))>
                                        "Move to Todo"
                                    </button>
                                </div>
                            }
                        })
                }}
                {move || error.get().map(|e| view! { <div class="notice tone-red" role="alert"><Icon d=i::CIRCLE_ALERT /><span>{e.message}</span></div> })}
                <div class="dialog-actions">
                    <span class="muted">"Drafts are kept until the issue is created"</span>
                    <button
                        class="btn primary"
                        data-testid="new-issue-submit"
                        disabled=move || busy.get() || title.with(|t| t.trim().is_empty())
                        on:click=move |_| submit()
                    >
                        "Create issue"
                        <Kbd keys="Ctrl ↵" />
                    </button>
                </div>
            </div>
        </Overlay>
    }
}
