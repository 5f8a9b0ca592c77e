//! The issues of a company, as a list or a board.

mod board;
mod list;
mod source;
mod toolbar;

use contract::IssueId;
use contract::issue::{IssueStatus, UpdateIssue};
use leptos::prelude::*;

use crate::components::base::Icon;
use crate::components::icons as i;
use crate::components::menu::Menu;
use crate::components::pickers::{Assignee, assignee_choices, priority_choices, status_choices};
use crate::components::shell::Topbar;
use crate::filters::IssueView;
use crate::state::route::{Page, Route};
use crate::state::{Dialog, NewIssueDefaults, app, company, prefs};
use source::IssueSource;
use toolbar::Toolbar;

/// A view that was saved under a name.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct SavedView {
    name: String,
    view: IssueView,
}

#[component]
pub fn Issues() -> impl IntoView {
    let app = app();
    let co = company();
    let kept = format!("issues:{}", co.id);
    // A link with filters sets them; afterwards the view is the page's own.
    let linked = move || match app.route.get() {
        Route::Company(_, Page::Issues(q)) | Route::Last(Page::Issues(q)) if !q.is_empty() => {
            Some(IssueView::from_query(&q))
        }
        _ => None,
    };
    let first = untrack(linked).or_else(|| prefs::load::<IssueView>(&kept)).unwrap_or_default();
    let view = RwSignal::new(first);
    Effect::new(move |before: Option<()>| {
        if let (Some(v), Some(())) = (linked(), before) {
            view.set(v);
        }
    });
    Effect::new(move |_| {
        let v = IssueView { text: String::new(), ..view.get() };
        prefs::save(&kept, &v);
    });
    let source = IssueSource::new(view.into());
    let total = Memo::new(move |_| source.counts.with(|c| c.as_ref().map(|c| c.values().sum::<usize>())));
    let board = Memo::new(move |_| view.with(|v| v.board));
    let project_name = Memo::new(move |_| view.with(IssueView::one_project).and_then(|p| co.project_name(p)));
    let title = Signal::derive(move || project_name.get().unwrap_or_else(|| "Issues".into()));
    view! {
        <div class="page">
            <Topbar title=title>
                <span class="muted num">
                    {move || total.get().map(|n| crate::format::count(n as i64, "issue", "issues"))}
                </span>
                <button
                    class="btn"
                    on:click=move |_| {
                        let project = view.with_untracked(IssueView::one_project);
                        app.dialog
                            .set(
                                Some(Dialog::NewIssue(NewIssueDefaults { project, ..NewIssueDefaults::default() })),
                            );
                    }
                >
                    <Icon d=i::PLUS />
                    "New issue"
                </button>
            </Topbar>
            <Toolbar view=view />
            {move || {
                if board.get() {
                    view! { <board::Board view=view source=source /> }.into_any()
                } else {
                    view! { <list::List view=view source=source total=total /> }.into_any()
                }
            }}
        </div>
    }
}

/// Opens the menu of a field for issues that are in memory, and changes them all.
fn edit(
    key: &str,
    el: &web_sys::Element,
    ids: Vec<IssueId>,
    view: RwSignal<IssueView>,
    source: IssueSource,
) -> bool {
    let co = company();
    let first = ids.first().and_then(|id| source.known(*id));
    let now = first.as_ref().map(|r| &r.issue);
    match key {
        "s" => {
            let pick = Callback::new(move |s: String| {
                let Ok(s) = s.parse::<IssueStatus>() else { return };
                for id in &ids {
                    let mut u = UpdateIssue::of(*id);
                    u.status = Some(s);
                    source.change(view.into(), *id, move |r| r.issue.status = s, u);
                }
            });
            Menu::under(el, "Set status", status_choices(now.map(|n| n.status)), pick).open();
        }
        "p" => {
            let pick = Callback::new(move |p: String| {
                let Ok(p) = p.parse() else { return };
                for id in &ids {
                    let mut u = UpdateIssue::of(*id);
                    u.priority = Some(p);
                    source.change(view.into(), *id, move |r| r.issue.priority = p, u);
                }
            });
            Menu::under(el, "Set priority", priority_choices(now.map(|n| n.priority)), pick).open();
        }
        "a" => {
            let pick = Callback::new(move |a: String| {
                let Some(a) = Assignee::parse(&a) else { return };
                for id in &ids {
                    let mut u = UpdateIssue::of(*id);
                    a.put(&mut u);
                    let shown = a.clone();
                    source.change(view.into(), *id, move |r| shown.show(&mut r.issue), u);
                }
            });
            let holder = now.map(Assignee::of);
            Menu::under(el, "Assign to", assignee_choices(co, holder.as_ref()), pick).open();
        }
        _ => return false,
    }
    true
}
