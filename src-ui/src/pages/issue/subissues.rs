//! Sub-issues with how far they are.

use contract::issue::IssueStatus;
use leptos::prelude::*;

use super::Current;
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::components::issue_row::SummaryRow;
use crate::state::{Dialog, NewIssueDefaults, app};

#[component]
pub fn SubIssues(current: Current) -> impl IntoView {
    let children = Memo::new(move |_| current.detail.with(|d| d.children.clone()));
    let add = move |_| {
        let parent = current.detail.with_untracked(|d| (d.issue.id, d.issue.display_key()));
        let defaults = NewIssueDefaults { parent: Some(parent), ..NewIssueDefaults::default() };
        app().dialog.set(Some(Dialog::NewIssue(defaults)));
    };
    view! {
        <Show when=move || !children.with(Vec::is_empty)>
            <section class="block">
                <header class="block-head">
                    <h2>"Sub-issues"</h2>
                    <span class="muted num">
                        {move || {
                            children
                                .with(|c| {
                                    let done = c.iter().filter(|i| i.status == IssueStatus::Done).count();
                                    format!("{done} of {} done", c.len())
                                })
                        }}
                    </span>
                    <button class="icon-btn push" aria-label="New sub-issue" title="New sub-issue" on:click=add>
                        <Icon d=i::PLUS />
                    </button>
                </header>
                <div class="mini-list">
                    {move || children.get().into_iter().map(|c| view! { <SummaryRow issue=c /> }).collect_view()}
                </div>
            </section>
        </Show>
    }
}
