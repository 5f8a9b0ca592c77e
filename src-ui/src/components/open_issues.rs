//! The open issues of a project or of an agent, the latest first.

use std::sync::Arc;

use contract::issue::{IssueSort, IssueStatus, ListIssues, SortDir};
use contract::operations as op;
use leptos::prelude::*;

use crate::api::query::{Ask, use_query};
use crate::components::base::{Link, loaded};
use crate::pages::waiting::WaitingRow;
use crate::state::company;
use crate::state::route::Page;

/// Rows shown; the rest are behind the link.
const ROWS: u32 = 12;

#[component]
pub fn OpenIssues<F>(
    /// Narrows the list to whose issues they are.
    of: F,
    /// The same as a query of the issues page.
    query: String,
    /// Said when there is none.
    none: &'static str,
) -> impl IntoView
where
    F: Fn(&mut ListIssues) + Copy + Send + Sync + 'static,
{
    let co = company();
    let issues = use_query::<op::ListIssuesOp>(move || {
        let mut q = ListIssues::of(co.id);
        of(&mut q);
        q.status = IssueStatus::ALL.iter().copied().filter(|s| !s.is_terminal()).collect();
        q.sort_field = Some(IssueSort::Updated);
        q.sort_dir = Some(SortDir::Desc);
        q.limit = Some(ROWS);
        Some(Ask::within(q, co.id))
    });
    view! {
        <section class="box">
            <header>
                <h2>"Open issues"</h2>
                <Link to=co.route(Page::Issues(query)) class="quiet-link">
                    "All its issues"
                </Link>
            </header>
            {loaded(
                issues,
                4,
                move |rows| {
                    view! {
                        <Show
                            when=move || !rows.with(|r| r.is_empty())
                            fallback=move || view! { <p class="pad muted">{none}</p> }
                        >
                            <For
                                each={move || rows.get().iter().cloned().map(Arc::new).collect::<Vec<_>>()}
                                key=|r| (r.issue.id, r.last_activity_at, r.issue.status)
                                let:r
                            >
                                <WaitingRow row=r />
                            </For>
                        </Show>
                    }
                },
            )}
        </section>
    }
}
