//! What an issue's accepted plan became.

use contract::child::DecompositionStatus;
use contract::issue::IssuePath;
use contract::operations as op;
use leptos::prelude::*;

use super::Current;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Icon};
use crate::components::icons as i;
use crate::components::pickers::YOU;
use crate::format;
use crate::state::company;

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
                view! {
                    <div class=format!("notice tone-{tone}") data-testid="decomposition" data-status=d.status.as_str()>
                        <Icon d=icon />
                        <span>{told}</span>
                        <Ago at=d.updated_at />
                    </div>
                }
            })
            .collect_view()
    }
}
