//! The list of issues: sections under headers, one virtual list however many there are.

use std::collections::HashSet;
use std::sync::Arc;

use contract::IssueId;
use contract::issue::{IssueRow, IssueStatus};
use leptos::prelude::*;

use super::edit;
use super::source::IssueSource;
use crate::components::base::{Avatar, Empty, Failed, Icon, PriorityIcon, Skeleton, StatusIcon};
use crate::components::icons as i;
use crate::components::issue_row::RowContent;
use crate::components::virtual_list::{ListHandle, VirtualList};
use crate::filters::{Group, IssueView};
use crate::state::keys::{self, use_keys};
use crate::state::route::Page;
use crate::state::{Dialog, NewIssueDefaults, app, company};
use crate::virtual_window::{Sections, Slot};

const ROW: f64 = 36.0;

#[component]
pub fn List(view: RwSignal<IssueView>, source: IssueSource, total: Memo<Option<usize>>) -> impl IntoView {
    let app = app();
    let co = company();
    let folded = RwSignal::new(HashSet::<String>::new());
    let cursor = RwSignal::new(None::<usize>);
    let selected = RwSignal::new(HashSet::<IssueId>::new());
    let handle = ListHandle::default();
    // Sections without issues would only be headers in the way.
    let shown = Memo::new(move |_| {
        let counts = source.counts.get().unwrap_or_default();
        source
            .sections
            .get()
            .into_iter()
            .filter_map(|s| {
                let n = counts.get(&s.key).copied().unwrap_or(0);
                (n > 0).then_some((s.key, s.title, n))
            })
            .collect::<Vec<_>>()
    });
    let layout = Memo::new(move |_| {
        let grouped = view.with(|v| v.group != Group::None);
        let parts = shown
            .with(|s| folded.with(|f| s.iter().map(|(key, _, n)| (*n, f.contains(key))).collect::<Vec<_>>()));
        Sections::new(parts, grouped)
    });
    let count = Signal::derive(move || layout.with(Sections::len));
    let row_at = move |index: usize| -> Option<Arc<IssueRow>> {
        match layout.with(|l| l.at(index))? {
            Slot::Row { section, offset } => {
                let key = shown.with(|s| s.get(section).map(|s| s.0.clone()))?;
                source.row(&key, offset)
            }
            Slot::Header(_) => None,
        }
    };
    let seen = Callback::new(move |(start, end): (usize, usize)| {
        let pages = layout.with_untracked(|l| {
            (start..end)
                .filter_map(|n| match l.at(n)? {
                    Slot::Row { section, offset } => {
                        let key = shown.with_untracked(|s| s.get(section).map(|s| s.0.clone()))?;
                        Some((key, IssueSource::page_of(offset)))
                    }
                    Slot::Header(_) => None,
                })
                .collect()
        });
        source.in_sight(pages);
    });
    use_keys(move |ev, key| {
        let over = app.dialog.with_untracked(Option::is_some) || app.menu.with_untracked(Option::is_some);
        if over || keys::typing(ev) || keys::command(ev) {
            return false;
        }
        let step = match key {
            "j" | "ArrowDown" => 1,
            "k" | "ArrowUp" => -1,
            "PageDown" => 15,
            "PageUp" => -15,
            _ => 0,
        };
        if step != 0 {
            let next = layout.with_untracked(|l| l.step(cursor.get_untracked(), step));
            cursor.set(next);
            if let Some(n) = next {
                handle.reveal(n, count.get_untracked(), ROW);
            }
            return true;
        }
        let here = cursor.get_untracked().and_then(|n| untrack(|| row_at(n)));
        match (key, here) {
            ("Escape", _) if !selected.with_untracked(HashSet::is_empty) => selected.update(HashSet::clear),
            ("Escape", _) if cursor.get_untracked().is_some() => cursor.set(None),
            ("Enter", Some(r)) if !keys::on_control(ev) => co.go(Page::Issue(r.issue.display_key())),
            ("x", Some(r)) => selected.update(|s| {
                if !s.remove(&r.issue.id) {
                    s.insert(r.issue.id);
                }
            }),
            ("s" | "p" | "a", here) => {
                let mut ids: Vec<IssueId> = selected.get_untracked().into_iter().collect();
                if ids.is_empty() {
                    ids.extend(here.map(|r| r.issue.id));
                }
                let row = document().query_selector(".issue-row.at").ok().flatten();
                let anchor = row.or_else(|| document().query_selector(".bulk").ok().flatten());
                return match anchor {
                    Some(el) if !ids.is_empty() => edit(key, &el, ids, view, source),
                    _ => false,
                };
            }
            _ => return false,
        }
        true
    });
    let draw = move |index: usize| {
        let slot = Memo::new(move |_| layout.with(|l| l.at(index)));
        let row = Memo::new(move |_| row_at(index));
        // A part of its own: the slot stays the same when only the words of its section change.
        let head = Memo::new(move |_| match slot.get() {
            Some(Slot::Header(section)) => shown.with(|s| s.get(section).cloned()),
            _ => None,
        });
        move || match slot.get() {
            Some(Slot::Header(_)) => head
                .get()
                .map(|(key, title, n)| view! { <Header view=view key=key title=title n=n folded=folded /> })
                .into_any(),
            Some(Slot::Row { .. }) => match row.get() {
                Some(r) => view! {
                    <Row row=r index=index cursor=cursor selected=selected view=view source=source />
                }
                .into_any(),
                None => view! {
                    <div class="issue-row waiting" aria-busy="true">
                        <div class="skeleton-row"></div>
                    </div>
                }
                .into_any(),
            },
            None => ().into_any(),
        }
    };
    view! {
        {move || match (total.get(), source.error.get()) {
            (None, Some(e)) => view! { <Failed error=e /> }.into_any(),
            (None, None) => view! { <Skeleton rows=14 /> }.into_any(),
            (Some(0), _) => view! { <NoIssues view=view /> }.into_any(),
            _ => ().into_any(),
        }}
        <div class="list-frame" class:hidden=move || total.get().unwrap_or(0) == 0 data-testid="issue-list">
            <VirtualList
                count=count
                row=ROW
                handle=handle
                class="issue-list"
                label="Issues"
                role="list"
                draw=draw
                seen=seen
            />
            {move || {
                let ids = selected.get();
                (!ids.is_empty()).then(|| view! { <Bulk ids=ids selected=selected view=view source=source /> })
            }}
        </div>
    }
}

#[component]
fn Header(
    view: RwSignal<IssueView>,
    key: String,
    title: String,
    n: usize,
    folded: RwSignal<HashSet<String>>,
) -> impl IntoView {
    let group = view.with_untracked(|v| v.group);
    let mark = match group {
        Group::Status => key.parse().ok().map(|s| view! { <StatusIcon status=s /> }.into_any()),
        Group::Priority => key.parse().ok().map(|p| view! { <PriorityIcon priority=p /> }.into_any()),
        Group::Assignee => Some(view! { <Avatar name=title.clone() /> }.into_any()),
        Group::Project => Some(view! { <Icon d=i::FOLDER /> }.into_any()),
        Group::None => None,
    };
    let (fold_key, is_key, new_key) = (key.clone(), key.clone(), key);
    let is_folded = Memo::new(move |_| folded.with(|f| f.contains(&is_key)));
    let defaults = move || {
        let mut d = NewIssueDefaults {
            project: view.with_untracked(IssueView::one_project),
            ..NewIssueDefaults::default()
        };
        match group {
            Group::Status => d.status = new_key.parse::<IssueStatus>().ok(),
            Group::Assignee => d.assignee = new_key.parse().ok(),
            Group::Project => d.project = new_key.parse().ok(),
            Group::Priority | Group::None => {}
        }
        d
    };
    view! {
        <div class="group-head">
            <button
                class="group-fold"
                aria-expanded=move || (!is_folded.get()).to_string()
                on:click=move |_| {
                    folded
                        .update(|f| {
                            if !f.remove(&fold_key) {
                                f.insert(fold_key.clone());
                            }
                        });
                }
            >
                <span class="fold" class:open=move || !is_folded.get()>
                    <Icon d=i::CHEVRON_RIGHT />
                </span>
                {mark}
                <span>{title}</span>
                <span class="muted num">{crate::format::thousands(n as i64)}</span>
            </button>
            <button
                class="icon-btn"
                aria-label="New issue here"
                title="New issue here"
                on:click=move |_| app().dialog.set(Some(Dialog::NewIssue(defaults())))
            >
                <Icon d=i::PLUS />
            </button>
        </div>
    }
}

#[component]
fn Row(
    row: Arc<IssueRow>,
    index: usize,
    cursor: RwSignal<Option<usize>>,
    selected: RwSignal<HashSet<IssueId>>,
    view: RwSignal<IssueView>,
    source: IssueSource,
) -> impl IntoView {
    let co = company();
    let id = row.issue.id;
    let key = row.issue.display_key();
    let open = key.clone();
    let status = row.issue.status.as_str();
    let is_selected = Memo::new(move |_| selected.with(|s| s.contains(&id)));
    let quick = move |ev: &web_sys::MouseEvent, field: &str| {
        ev.stop_propagation();
        if let Some(el) = crate::components::menu::anchor(ev) {
            edit(field, &el, vec![id], view, source);
        }
    };
    view! {
        <div
            class="issue-row"
            class:at=move || cursor.get() == Some(index)
            class:selected=is_selected
            role="listitem"
            data-testid="issue-row"
            data-identifier=key
            data-status=status
            on:pointermove=move |_| {
                if cursor.get_untracked() != Some(index) {
                    cursor.set(Some(index));
                }
            }
            on:click=move |_| co.go(Page::Issue(open.clone()))
        >
            <input
                type="checkbox"
                class="row-check"
                aria-label="Select"
                prop:checked=is_selected
                on:click=move |ev| ev.stop_propagation()
                on:change=move |_| {
                    selected
                        .update(|s| {
                            if !s.remove(&id) {
                                s.insert(id);
                            }
                        });
                }
            />
            <RowContent row=row />
            <span class="row-quick">
                <button class="icon-btn" aria-label="Set status" title="Status (S)" on:click=move |ev| quick(&ev, "s")>
                    <Icon d=i::CIRCLE_DOT />
                </button>
                <button class="icon-btn" aria-label="Assign" title="Assign (A)" on:click=move |ev| quick(&ev, "a")>
                    <Icon d=i::USER />
                </button>
            </span>
        </div>
    }
}

/// What can be done with the selected issues.
#[component]
fn Bulk(
    ids: HashSet<IssueId>,
    selected: RwSignal<HashSet<IssueId>>,
    view: RwSignal<IssueView>,
    source: IssueSource,
) -> impl IntoView {
    let n = ids.len();
    let ids = StoredValue::new(ids.into_iter().collect::<Vec<_>>());
    let button = move |field: &'static str, label: &'static str, key: &'static str| {
        view! {
            <button
                class="btn"
                on:click=move |ev| {
                    if let Some(el) = crate::components::menu::anchor(&ev) {
                        edit(field, &el, ids.get_value(), view, source);
                    }
                }
            >
                {label}
                <kbd>{key}</kbd>
            </button>
        }
    };
    view! {
        <div class="bulk" role="toolbar" aria-label="Selected issues">
            <span>{format!("{n} selected")}</span>
            {button("s", "Status", "S")}
            {button("p", "Priority", "P")}
            {button("a", "Assign", "A")}
            <button class="icon-btn" aria-label="Clear selection" on:click=move |_| selected.update(HashSet::clear)>
                <Icon d=i::X />
            </button>
        </div>
    }
}

#[component]
pub fn NoIssues(view: RwSignal<IssueView>) -> impl IntoView {
    let app = app();
    move || {
        let filtered = view.with(|v| v.filters() > 0 || !v.text.is_empty());
        if filtered {
            view! {
                <Empty icon=i::FILTER title="No issue matches" text="Loosen a filter, or look at all issues.">
                    <button
                        class="btn"
                        on:click=move |_| {
                            view.update(|v| *v = IssueView { board: v.board, group: v.group, ..IssueView::default() });
                        }
                    >
                        "Show all issues"
                    </button>
                </Empty>
            }
            .into_any()
        } else {
            view! {
                <Empty
                    icon=i::LIST_TODO
                    title="No issues yet"
                    text="An issue is a piece of work. Give it to an agent and it starts."
                >
                    <button
                        class="btn primary"
                        on:click=move |_| {
                            app.dialog.set(Some(Dialog::NewIssue(NewIssueDefaults::default())));
                        }
                    >
                        <Icon d=i::PLUS />
                        "New issue"
                    </button>
                </Empty>
            }
            .into_any()
        }
    }
}
