//! Why the issue stands where it stands, with the one action that moves it.

use contract::agent::AgentPath;
use contract::company::Nothing;
use contract::issue::{IssuePath, IssueStatus, IssueSummary};
use contract::operations as op;
use contract::recovery::{
    IssueOutlook, OutlookAction, OutlookState, RecoveryOutcome, ResolveRecovery, RetryNow, RetryNowOutcome,
};
use contract::wake::WakeAgent;
use contract::{IssueId, Text};
use leptos::prelude::*;

use super::properties::pick_assignee;
use super::{Current, told};
use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, IssueChip};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::components::tree_dialog;
use crate::format;
use crate::state::route::Page;
use crate::state::{Tone, act, app, company};

/// The line that says what the issue waits for. Silent where the page shows it anyway.
#[component]
pub fn Outlook(current: Current) -> impl IntoView {
    let co = company();
    let id = current.detail.with_untracked(|d| d.issue.id);
    let query = use_query::<op::GetOutlook>(move || Some(Ask::within(IssuePath { id: id.into() }, co.id)));
    move || {
        query.get().filter(|o| is_told(o)).map(|o| view! { <Line current=current outlook=(*o).clone() /> })
    }
}

/// A live run has its own place in the thread, and so has a card; what is closed needs no word.
fn is_told(o: &IssueOutlook) -> bool {
    match o.state {
        OutlookState::Running | OutlookState::Deciding => false,
        OutlookState::AtRest => o.action.is_some(),
        _ => true,
    }
}

fn look(state: OutlookState) -> (&'static str, &'static str) {
    match state {
        OutlookState::Queued => ("tone-grey", i::CLOCK),
        OutlookState::Scheduled => ("tone-blue", i::TIMER),
        OutlookState::Blocked => ("tone-red", i::LINK),
        OutlookState::Recovering => ("tone-red", i::SHIELD_ALERT),
        OutlookState::Held => ("tone-yellow", i::CIRCLE_PAUSE),
        OutlookState::Stalled => ("tone-yellow", i::CIRCLE_ALERT),
        _ => ("tone-grey", i::INFO),
    }
}

#[component]
fn Line(current: Current, outlook: IssueOutlook) -> impl IntoView {
    let (tone, icon) = look(outlook.state);
    let at = outlook.at;
    let now = app().now;
    let when =
        move || at.map(|t| view! { <span class="num muted">{move || format::ahead(t, now.get())}</span> });
    // A blocker that is done holds up until its workspace is finalized: then the reason says it in words.
    let open = current.detail.with_untracked(|d| d.blocked_by.iter().any(|b| b.status != IssueStatus::Done));
    let blockers =
        (outlook.state == OutlookState::Blocked && open).then(|| view! { <Blockers current=current /> });
    let words = blockers.is_none().then(|| outlook.reason.clone());
    view! {
        <div class=format!("notice {tone}") data-testid="outlook" data-state=outlook.state.as_str() role="status">
            <Icon d=icon />
            <span>{words} {blockers}</span>
            {when}
            {outlook.blocker.map(|b| view! { <Open blocker=b /> })}
            {outlook.action.map(|a| view! { <Action current=current action=a /> })}
        </div>
    }
}

#[component]
fn Blockers(current: Current) -> impl IntoView {
    let open = move || {
        current.detail.with(|d| {
            let open = d.blocked_by.iter().filter(|b| b.status != IssueStatus::Done);
            open.map(|b| b.identifier.clone().unwrap_or_default()).collect::<Vec<_>>()
        })
    };
    view! {
        "Blocked by "
        {move || {
            open()
                .into_iter()
                .map(|key| {
                    view! {
                        <IssueChip identifier=key />
                        " "
                    }
                })
                .collect_view()
        }}
        "It goes on by itself when they are done."
    }
}

/// The way to the issue that nothing moves.
#[component]
fn Open(blocker: IssueSummary) -> impl IntoView {
    let co = company();
    let key = blocker.identifier.unwrap_or_default();
    let label = format!("Open {key}");
    view! {
        <button
            class="btn"
            data-testid="outlook-action"
            title=blocker.title
            on:click=move |_| co.go(Page::Issue(key.clone()))
        >
            <Icon d=i::ARROW_RIGHT />
            {label}
        </button>
    }
}

#[component]
fn Action(current: Current, action: OutlookAction) -> impl IntoView {
    let id = current.detail.with_untracked(|d| d.issue.id);
    let co = company();
    match action {
        OutlookAction::RetryNow => button("Retry now", i::ROTATE_CCW, move || {
            act::<op::RetryNowOp>(IssuePath { id: id.into() }, retried);
        }),
        OutlookAction::Wake if current.detail.with_untracked(|d| d.issue.status == IssueStatus::Backlog) => {
            button("Move to Todo", i::ARROW_RIGHT, move || {
                let todo = IssueStatus::Todo;
                current.change(|d| d.issue.status = todo, |u| u.status = Some(todo));
            })
        }
        OutlookAction::Wake => button("Wake now", i::ZAP, move || wake(current, id)),
        OutlookAction::ResumeAgent => button("Resume the agent", i::PLAY, move || {
            let Some(agent) = current.detail.with_untracked(|d| d.issue.assignee_agent_id) else { return };
            let input = AgentPath { id: agent.into(), company_id: None };
            act::<op::ResumeAgent>(input, |_| app().say("The agent works again"));
        }),
        OutlookAction::RaiseBudget => button("Raise the budget", i::CREDIT_CARD, || {
            company().go(Page::Waiting);
        }),
        OutlookAction::ResolveRecovery => view! { <Resolve current=current /> }.into_any(),
        OutlookAction::Assign => picker("Assign", i::USER, move |el| pick_assignee(el, current, co)),
        OutlookAction::Review => picker("Decide", i::CIRCLE_CHECK, move |el| review(el, current)),
        OutlookAction::ResumeAll => button("Resume everything", i::PLAY, || {
            act::<op::ResumeInstance>(Nothing {}, |_| app().say("Work goes on"));
        }),
        OutlookAction::Decide => button("Decide", i::BELL, move || co.go(Page::Waiting)),
        // It has a button of its own.
        OutlookAction::OpenBlocker => ().into_any(),
        OutlookAction::CheckNow => button("Look now", i::ZAP, move || {
            act::<op::CheckMonitorNow>(IssuePath { id: id.into() }, move |_| {
                current.query.refetch();
                app().say("Its agent is asked to look");
            });
        }),
        OutlookAction::ResumeTree => button("Resume the tree", i::PLAY, move || tree_dialog::resume(id)),
    }
}

fn button(label: &'static str, icon: &'static str, go: impl Fn() + 'static) -> AnyView {
    view! {
        <button class="btn" data-testid="outlook-action" on:click=move |_| go()>
            <Icon d=icon />
            {label}
        </button>
    }
    .into_any()
}

/// What becomes of work that nobody was asked to review.
fn review(el: &web_sys::Element, current: Current) {
    let choices = vec![
        Choice::new("done", "It is done", Glyph::Icon(i::CIRCLE_CHECK)),
        Choice::new("todo", "Back to its agent", Glyph::Icon(i::ROTATE_CCW)),
    ];
    let pick = Callback::new(move |what: String| {
        let status = if what == "done" { IssueStatus::Done } else { IssueStatus::Todo };
        current.change(|d| d.issue.status = status, |u| u.status = Some(status));
    });
    Menu::under(el, "Decide", choices, pick).open();
}

/// A button that opens a menu below itself.
fn picker(label: &'static str, icon: &'static str, open: impl Fn(&web_sys::Element) + 'static) -> AnyView {
    let click = move |ev: web_sys::MouseEvent| {
        if let Some(el) = anchor(&ev) {
            open(&el);
        }
    };
    view! {
        <button class="btn" data-testid="outlook-action" on:click=click>
            <Icon d=icon />
            {label}
        </button>
    }
    .into_any()
}

fn wake(current: Current, id: IssueId) {
    let co = company();
    let Some(agent) = current.detail.with_untracked(|d| d.issue.assignee_agent_id) else { return };
    let mut input = WakeAgent::of(agent);
    input.payload = serde_json::json!({ "issueId": id }).as_object().cloned();
    input.reason = Text::new("manual").ok();
    act::<op::Wake>(input, move |out| told(out, co));
}

fn retried(answer: RetryNow) {
    let tone = match answer.outcome {
        RetryNowOutcome::Promoted | RetryNowOutcome::AlreadyPromoted => Tone::Good,
        _ => Tone::Info,
    };
    app().toast(tone, "Retry", Some(answer.message), None);
}

/// The ways out of a recovery: back to work, or one of the others.
#[component]
fn Resolve(current: Current) -> impl IntoView {
    let id = current.detail.with_untracked(|d| d.issue.id);
    let resolve = move |outcome, status, said: &'static str| {
        let input = ResolveRecovery {
            id: id.into(),
            action_id: None,
            outcome,
            source_issue_status: status,
            resolution_note: None,
        };
        act::<op::ResolveRecoveryOp>(input, move |_| {
            app().say(said);
            current.query.refetch();
        });
    };
    let more = move |ev: web_sys::MouseEvent| {
        let Some(el) = anchor(&ev) else { return };
        let choices = vec![
            Choice::new("done", "It is done", Glyph::Icon(i::CIRCLE_CHECK)),
            Choice::new("blocked", "It waits for its blockers", Glyph::Icon(i::LINK)),
            Choice::new("false", "False alarm: leave it in Todo", Glyph::Icon(i::X)),
        ];
        let pick = Callback::new(move |what: String| match what.as_str() {
            "done" => resolve(RecoveryOutcome::Restored, IssueStatus::Done, "Marked as done"),
            "blocked" => resolve(RecoveryOutcome::Blocked, IssueStatus::Blocked, "It waits for its blockers"),
            _ => resolve(RecoveryOutcome::FalsePositive, IssueStatus::Todo, "Back in Todo"),
        });
        Menu::under(&el, "Resolve", choices, pick).open();
    };
    view! {
        <button
            class="btn"
            data-testid="outlook-action"
            title="Back to its agent, which is woken"
            on:click=move |_| resolve(RecoveryOutcome::Restored, IssueStatus::Todo, "Back to its agent")
        >
            <Icon d=i::ROTATE_CCW />
            "Try again"
        </button>
        <button class="btn" aria-haspopup="menu" on:click=more>
            "Other ways"
        </button>
    }
}
