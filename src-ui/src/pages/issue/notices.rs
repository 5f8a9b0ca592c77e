//! What stands in an issue's way.

use contract::agent::Agent;
use contract::issue::IssueDetail;
use leptos::prelude::*;

use super::Current;
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::state::{Co, company};

fn assignee(d: &IssueDetail, co: Co) -> Option<Agent> {
    co.agent(d.issue.assignee_agent_id?)
}

/// What stands in the way, each with what to do about it.
#[component]
pub fn Notices(current: Current) -> impl IntoView {
    let co = company();
    let detail = current.detail;
    let parked = Memo::new(move |_| {
        detail.with(|d| {
            d.issue.status == contract::issue::IssueStatus::Backlog && d.issue.assignee_agent_id.is_some()
        })
    });
    let blockers = Memo::new(move |_| {
        detail.with(|d| {
            d.blocked_by
                .iter()
                .filter(|b| !b.status.is_terminal())
                .map(|b| b.identifier.clone().unwrap_or_default())
                .collect::<Vec<_>>()
        })
    });
    let stuck = Memo::new(move |_| {
        use contract::agent::AgentStatus as S;
        let a = assignee(&detail.get(), co)?;
        matches!(a.status, S::Paused | S::Error | S::PendingApproval | S::Terminated)
            .then(|| format!("{}: {}", a.name, crate::labels::agent_reason(&a)))
    });
    let to_todo = move |_| {
        let todo = contract::issue::IssueStatus::Todo;
        current.change(|d| d.issue.status = todo, |u| u.status = Some(todo));
    };
    view! {
        <Show when=move || parked.get()>
            <div class="notice tone-yellow">
                <Icon d=i::CIRCLE_PAUSE />
                <span>"Its agent does not start while the issue is in the backlog."</span>
                <button class="btn" on:click=to_todo>
                    "Move to Todo"
                </button>
            </div>
        </Show>
        {move || {
            let b = blockers.get();
            (!b.is_empty())
                .then(|| {
                    view! {
                        <div class="notice tone-red">
                            <Icon d=i::LINK />
                            <span>
                                "Blocked by "
                                {b
                                    .into_iter()
                                    .map(|k| {
                                        view! {
                                            <crate::components::base::IssueChip identifier=k />
                                            " "
                                        }
                                    })
                                    .collect_view()} "It goes on by itself when they are done."
                            </span>
                        </div>
                    }
                })
        }}
        {move || {
            stuck
                .get()
                .map(|why| {
                    view! {
                        <div class="notice tone-yellow">
                            <Icon d=i::CIRCLE_ALERT />
                            <span>{why}</span>
                        </div>
                    }
                })
        }}
    }
}
