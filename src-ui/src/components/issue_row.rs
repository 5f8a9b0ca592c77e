//! An issue as a row and as a card.

use std::sync::Arc;

use contract::IssueId;
use contract::issue::{IssueRow, IssueSummary};
use contract::label::IssueLabel;
use contract::work_product::WorkProduct;
use leptos::prelude::*;

use crate::api::query::Query;
use crate::components::base::{Ago, Avatar, Icon, Link, PriorityIcon, RunBadge, StatusIcon};
use crate::components::icons as i;
use crate::components::pickers::Assignee;
use crate::labels;
use crate::state::company;
use crate::state::route::Page;

/// Labels as dots with names; more than two become a number.
#[component]
pub fn Labels(labels: Vec<IssueLabel>) -> impl IntoView {
    let more = labels.len().saturating_sub(2);
    let names = labels.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ");
    view! {
        <span class="labels" title=names>
            {labels
                .into_iter()
                .take(2)
                .map(|l| {
                    view! {
                        <span class="label">
                            <span class="swatch" style:background-color=l.color></span>
                            {l.name}
                        </span>
                    }
                })
                .collect_view()}
            {(more > 0).then(|| view! { <span class="label">{format!("+{more}")}</span> })}
        </span>
    }
}

/// What stands out about an issue: live, waiting for the operator, blocked, how far its sub-issues are.
#[component]
pub fn IssueBadges(row: Arc<IssueRow>) -> impl IntoView {
    let waiting = row.pending_interaction_count;
    let blockers = row.unresolved_blocker_count;
    let (done, children) = (row.done_child_count, row.child_count);
    view! {
        <span class="badges">
            {row.active_run.as_ref().map(|r| view! { <RunBadge status=r.status /> })}
            {(waiting > 0)
                .then(|| {
                    view! {
                        <span class="badge tone-violet" title="A card waits for your answer">
                            <Icon d=i::MESSAGE_CIRCLE_QUESTION_MARK />
                            <span class="badge-word">"Waits for you"</span>
                        </span>
                    }
                })}
            {(blockers > 0)
                .then(|| {
                    view! {
                        <span class="badge tone-red" title="Blockers that are not done">
                            <Icon d=i::LINK />
                            {blockers}
                        </span>
                    }
                })}
            {(children > 0)
                .then(|| {
                    view! {
                        <span class="badge" title="Sub-issues done">
                            <Icon d=i::GIT_BRANCH />
                            {format!("{done}/{children}")}
                        </span>
                    }
                })}
        </span>
    }
}

/// The assignee's initials, or an empty ring.
#[component]
pub fn AssigneeMark(assignee: Assignee) -> impl IntoView {
    let co = company();
    move || match &assignee {
        Assignee::Nobody => view! { <span class="avatar none" title="Unassigned"></span> }.into_any(),
        a => {
            let name = a.label(co);
            view! {
                <span title=name.clone()>
                    <Avatar name=name.clone() human=*a == Assignee::You />
                </span>
            }
            .into_any()
        }
    }
}

/// The content of a row of the issue list.
#[component]
pub fn RowContent(row: Arc<IssueRow>) -> impl IntoView {
    let co = company();
    let key = row.issue.display_key();
    let project = row.issue.project_id;
    let unread = row.is_unread_for_me;
    let title = row.issue.title.clone();
    view! {
        <PriorityIcon priority=row.issue.priority />
        <span class="identifier">{key.clone()}</span>
        <StatusIcon status=row.issue.status />
        <Link to=co.route(Page::Issue(key)) class="row-title">
            <span class="ellipsis" class:unread=unread>
                {title}
            </span>
        </Link>
        <IssueBadges row=row.clone() />
        <Labels labels=row.labels.clone() />
        <span class="row-project ellipsis">{move || project.and_then(|p| co.project_name(p))}</span>
        <AssigneeMark assignee=Assignee::of(&row.issue) />
        <span class="row-date">
            <Ago at=row.last_activity_at />
        </span>
    }
}

/// The content of a card of the board.
#[component]
pub fn CardContent(row: Arc<IssueRow>) -> impl IntoView {
    let key = row.issue.display_key();
    view! {
        <div class="card-head">
            <span class="identifier">{key}</span>
            <IssueBadges row=row.clone() />
            <AssigneeMark assignee=Assignee::of(&row.issue) />
        </div>
        <div class="card-title">{row.issue.title.clone()}</div>
        <div class="card-foot">
            <PriorityIcon priority=row.issue.priority />
            <Labels labels=row.labels.clone() />
            <PrimaryOutput issue=row.issue.id />
            <span class="push">
                <Ago at=row.last_activity_at />
            </span>
        </div>
    }
}

/// What the issue brought forth, where it says which of it counts.
#[component]
fn PrimaryOutput(issue: IssueId) -> impl IntoView {
    let all = use_context::<Query<Vec<WorkProduct>>>();
    let mine = Memo::new(move |_| {
        let all = all?.get()?;
        all.iter().find(|w| w.issue_id == issue).map(|w| (w.kind, w.title.clone(), w.status))
    });
    move || {
        mine.get().map(|(kind, title, status)| {
            let look = labels::work_product_status(status);
            let whole = format!("{}: {title} ({})", labels::work_product_type(kind).1, look.word);
            view! {
                <span class=format!("card-output tone-{}", look.tone) title=whole>
                    <Icon d=labels::work_product_type(kind).0 />
                    <span class="ellipsis">{title}</span>
                </span>
            }
        })
    }
}

/// An issue in a short list.
#[component]
pub fn SummaryRow(issue: IssueSummary, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let co = company();
    let key = issue.identifier.clone().unwrap_or_else(|| issue.id.to_string());
    let assignee = match (issue.assignee_agent_id, &issue.assignee_user_id) {
        (Some(a), _) => Assignee::Agent(a),
        (None, Some(_)) => Assignee::You,
        (None, None) => Assignee::Nobody,
    };
    view! {
        <div class="mini-row">
            <Link to=co.route(Page::Issue(key.clone())) class="mini-link">
                <StatusIcon status=issue.status />
                <span class="identifier">{key}</span>
                <span class="ellipsis">{issue.title}</span>
            </Link>
            <AssigneeMark assignee=assignee />
            {children.map(|c| c())}
        </div>
    }
}
