//! What an issue's accepted plan became.

use contract::IssueId;
use contract::child::DecompositionStatus;
use contract::issue::IssuePath;
use contract::operations as op;
use leptos::prelude::*;

use super::Current;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Icon, Link};
use crate::components::icons as i;
use crate::components::pickers::YOU;
use crate::format;
use crate::state::company;
use crate::state::route::Page;

/// One line a plan: how many issues it became, who made them, and whether all are there.
#[component]
pub fn Decomposition(current: Current) -> impl IntoView {
    let co = company();
    let id = current.detail.with_untracked(|d| d.issue.id);
    let all =
        use_query::<op::ListDecompositions>(move || Some(Ask::within(IssuePath { id: id.into() }, co.id)));
    move || {
        let all = all.get().unwrap_or_default();
        all.iter()
            .map(|d| {
                let made = d.child_issue_ids.len() as i64;
                let whole = d.status == DecompositionStatus::Completed;
                let (tone, icon) = if whole { ("green", i::CIRCLE_CHECK) } else { ("blue", i::LOADER_CIRCLE) };
                let who = d.owner_agent_id.map_or_else(|| YOU.to_owned(), |a| co.agent_name(a));
                let told = if whole {
                    format!("The plan became {}, made once by {who}", format::count(made, "issue", "issues"))
                } else {
                    format!("The plan becomes {} issues: {made} are made, by {who}", d.requested_child_count)
                };
                let children: Vec<_> = d
                    .requested_children
                    .iter()
                    .enumerate()
                    .map(|(n, child)| (d.child_issue_ids.get(n).copied(), child.title.to_string()))
                    .collect();
                view! {
                    <div class=format!("notice tone-{tone}") data-testid="decomposition" data-status=d.status.as_str()>
                        <Icon d=icon />
                        <div class="became">
                            <span>{told}</span>
                            <ol>
                                {children
                                    .into_iter()
                                    .map(|(id, title)| view! { <Child current=current id=id title=title /> })
                                    .collect_view()}
                            </ol>
                        </div>
                        <Ago at=d.updated_at />
                    </div>
                }
            })
            .collect_view()
    }
}

/// One issue that the plan asks for: a link once it is made.
#[component]
fn Child(current: Current, id: Option<IssueId>, title: String) -> impl IntoView {
    let co = company();
    let made = id.and_then(|id| {
        current.detail.with_untracked(|d| {
            d.children
                .iter()
                .find(|c| c.id == id)
                .map(|c| c.identifier.clone().unwrap_or_else(|| c.id.to_string()))
        })
    });
    match (made, id) {
        (Some(key), _) => view! {
            <li>
                <Link to=co.route(Page::Issue(key.clone())) class="quiet-link">
                    <span class="identifier">{key}</span>
                    " "
                    {title}
                </Link>
            </li>
        }
        .into_any(),
        // It was moved elsewhere or deleted since.
        (None, Some(_)) => view! { <li>{title}</li> }.into_any(),
        (None, None) => view! { <li class="muted">{title} " · not made yet"</li> }.into_any(),
    }
}
