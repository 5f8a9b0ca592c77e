//! What only the operator can move on: budgets that are spent, approvals, cards to answer, issues to review, failures
//! to look at.

use contract::graph::{UnblockingItem, UnblockingRequest};
use contract::issue::{IssueRow, IssueSort, IssueStatus, ListIssues, SortDir};
use contract::operations as op;
use contract::run::{ListRuns, RunStatus};
use leptos::prelude::*;

use crate::api::query::{Ask, Query, use_query};
use crate::components::approval::{ApprovalCard, is_asked, pending_approvals};
use crate::components::base::{Empty, Link, loaded};
use crate::components::budget::{SpentBudget, budgets, deciding};
use crate::components::icons as i;
use crate::components::issue_row::RowContent;
use crate::components::run_list::RunRow;
use crate::components::shell::Topbar;
use crate::state::company;
use crate::state::route::Page;

/// Issues that wait for the operator, those that moved last first.
pub fn open_issues() -> Query<Vec<IssueRow>> {
    let co = company();
    use_query::<op::ListIssuesOp>(move || {
        let mut q = ListIssues::of(co.id);
        q.waiting = true;
        q.sort_field = Some(IssueSort::Updated);
        q.sort_dir = Some(SortDir::Desc);
        q.limit = Some(300);
        Some(Ask::within(q, co.id))
    })
}

/// Whether an issue waits for the operator, and why.
pub fn why(r: &IssueRow) -> Option<&'static str> {
    let mine = r.issue.assignee_user_id.is_some();
    match r.issue.status {
        _ if r.pending_interaction_count > 0 => Some("A card waits for your answer"),
        _ if needs_you(r) => Some("Needs you to look at it"),
        IssueStatus::InReview if mine => Some("Waits for your review"),
        IssueStatus::Todo | IssueStatus::InProgress if mine => Some("Assigned to you"),
        _ => None,
    }
}

/// Whether a recovery of the issue is the operator's to resolve.
fn needs_you(r: &IssueRow) -> bool {
    let open = r.active_recovery_action.as_ref();
    open.is_some_and(|a| a.owner_type == contract::recovery::RecoveryOwnerType::Board)
}

#[component]
pub fn WaitingRow(row: std::sync::Arc<IssueRow>) -> impl IntoView {
    let key = row.issue.display_key();
    let co = company();
    let reason = why(&row);
    view! {
        <div class="issue-row" data-testid="issue-row" data-identifier=key.clone() on:click=move |_| co.go(Page::Issue(key.clone()))>
            <RowContent row=row />
            {reason.map(|why| view! { <span class="row-why">{why}</span> })}
        </div>
    }
}

/// An issue that waits for what nothing moves; leads to where it hangs.
#[component]
fn HaltRow(halt: UnblockingItem) -> impl IntoView {
    let co = company();
    let leaf = halt.recovery_identifier.clone().unwrap_or_default();
    view! {
        <div class="issue-row" on:click=move |_| co.go(Page::Issue(leaf.clone()))>
            <span class="identifier">{halt.identifier}</span>
            <span class="ellipsis">{halt.title}</span>
            <span class="row-why">{halt.reason}</span>
        </div>
    }
}

#[component]
pub fn Waiting() -> impl IntoView {
    let co = company();
    let issues = open_issues();
    let failed = use_query::<op::ListRunsOp>(move || {
        let input = ListRuns {
            company_id: co.id,
            agent_id: None,
            status: vec![RunStatus::Failed, RunStatus::TimedOut],
            limit: Some(20),
            offset: None,
        };
        Some(Ask::within(input, co.id))
    });
    let overview = budgets();
    let asked = pending_approvals();
    let spent = deciding(overview);
    let approvals = Memo::new(move |_| {
        asked
            .data
            .with(|a| a.iter().flat_map(|a| a.iter()).filter(|a| is_asked(a)).cloned().collect::<Vec<_>>())
    });
    let hangs =
        use_query::<op::PreviewUnblocking>(|| Some(Ask::of(UnblockingRequest { lookback_hours: Some(720) })));
    let halts = Memo::new(move |_| {
        let ours = |h: &&UnblockingItem| {
            h.identifier.as_deref().and_then(|i| i.rsplit_once('-')).is_some_and(|(p, _)| p == co.prefix())
        };
        hangs.data.with(|p| p.iter().flat_map(|p| &p.items).filter(ours).cloned().collect::<Vec<_>>())
    });
    let nothing_else =
        move || approvals.with(Vec::is_empty) && spent.with(Vec::is_empty) && halts.with(Vec::is_empty);
    let again = Callback::new(move |()| {
        overview.refetch();
        asked.refetch();
    });
    view! {
        <div class="page">
            <Topbar title="Waiting for you" />
            <div class="page-body">
                <div class="page-inner">
                    <For
                        each=move || spent.get()
                        key=|s| (s.policy.policy_id, s.policy.amount, s.policy.status, s.incident.as_ref().map(|i| i.id))
                        let:s
                    >
                        <SpentBudget spent=s done=again />
                    </For>
                    <For each=move || approvals.get() key=|a| (a.id, a.updated_at) let:a>
                        <ApprovalCard approval=a done=again />
                    </For>
                    {loaded(
                        issues,
                        6,
                        move |rows| {
                            let waiting = Memo::new(move |_| {
                                rows.with(|r| {
                                    r.iter()
                                        .filter(|r| why(r).is_some())
                                        .map(|r| std::sync::Arc::new(r.clone()))
                                        .collect::<Vec<_>>()
                                })
                            });
                            view! {
                                <Show
                                    when=move || !waiting.with(Vec::is_empty)
                                    fallback=move || {
                                        view! {
                                            <Show when=nothing_else>
                                                <Empty
                                                    icon=i::CIRCLE_CHECK
                                                    title="Nothing waits for you"
                                                    text="Questions, decisions and reviews appear here as soon as an agent needs you."
                                                />
                                            </Show>
                                        }
                                    }
                                >
                                    <section class="box">
                                        <header>
                                            <h2>"Decisions and reviews"</h2>
                                            <span class="muted num">{move || waiting.with(Vec::len)}</span>
                                        </header>
                                        <For
                                            each=move || waiting.get()
                                            key=|r| (r.issue.id, r.issue.updated_at, r.pending_interaction_count)
                                            let:r
                                        >
                                            <WaitingRow row=r />
                                        </For>
                                    </section>
                                </Show>
                            }
                        },
                    )}
                    <Show when=move || !halts.with(Vec::is_empty)>
                        <section class="box" data-testid="waiting-halts">
                            <header>
                                <h2>"Work that hangs"</h2>
                                <Link to=co.route(Page::Settings) class="quiet-link">
                                    "Ask for help"
                                </Link>
                            </header>
                            <For each=move || halts.get() key=|h| (h.issue_id, h.reason.clone()) let:h>
                                <HaltRow halt=h />
                            </For>
                        </section>
                    </Show>
                    <Show when=move || failed.data.with(|f| f.as_ref().is_some_and(|f| !f.is_empty()))>
                        <section class="box">
                            <header>
                                <h2>"Runs that failed lately"</h2>
                                <Link to=co.route(Page::Activity) class="quiet-link">
                                    "All activity"
                                </Link>
                            </header>
                            <div class="box-body">
                                <For each=move || failed.get().map(|f| f.to_vec()).unwrap_or_default() key=|r| r.id let:r>
                                    <RunRow run=r />
                                </For>
                            </div>
                        </section>
                    </Show>
                </div>
            </div>
        </div>
    }
}
