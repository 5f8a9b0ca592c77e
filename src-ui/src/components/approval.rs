//! What an agent asks of the board, with the three answers there are.

use contract::approval::{Approval, ApprovalStatus, ApprovalType, DecideApproval, ListApprovals};
use contract::operations as op;
use contract::{ApiError, Operation};
use leptos::prelude::*;
use serde_json::Value;

use crate::api::query::{Ask, Query, use_query};
use crate::components::base::{Ago, Avatar, Icon};
use crate::components::icons as i;
use crate::format;
use crate::markdown::view::Markdown;
use crate::state::{act_or, app, company};
use crate::text::optional;

/// What waits for the board's answer, but for budgets, which are decided where they are shown.
pub fn pending_approvals() -> Query<Vec<Approval>> {
    let co = company();
    use_query::<op::ListApprovalsOp>(move || {
        let input = ListApprovals { company_id: co.id, status: vec![ApprovalStatus::Pending] };
        Some(Ask::within(input, co.id))
    })
}

pub fn is_asked(a: &Approval) -> bool {
    a.status == ApprovalStatus::Pending && a.kind != ApprovalType::BudgetOverrideRequired
}

fn text<'a>(a: &'a Approval, key: &str) -> Option<&'a str> {
    a.payload.get(key).and_then(Value::as_str).filter(|s| !s.trim().is_empty())
}

fn heading(a: &Approval) -> String {
    if let Some(title) = text(a, "title") {
        return title.to_owned();
    }
    match a.kind {
        ApprovalType::HireAgent => match text(a, "name") {
            Some(name) => format!("Hire {name}"),
            None => "Hire an agent".into(),
        },
        ApprovalType::ApproveCeoStrategy => "Approve the strategy".into(),
        ApprovalType::BudgetOverrideRequired => "A budget is spent".into(),
        ApprovalType::RequestBoardApproval => "Asks for your approval".into(),
    }
}

/// The rest of what is asked, as names and values.
fn facts(a: &Approval) -> Vec<(String, String)> {
    const ELSEWHERE: [&str; 7] =
        ["title", "summary", "plan", "description", "companyId", "agentId", "adapterConfig"];
    let told = a.payload.iter().filter(|(key, _)| !ELSEWHERE.contains(&key.as_str()));
    told.filter_map(|(key, value)| {
        let shown = match value {
            Value::String(s) if !s.trim().is_empty() => s.clone(),
            Value::Number(n) => match n.as_i64().filter(|_| key.ends_with("Cents")) {
                Some(cents) => format::money(contract::Cents::new(cents)),
                None => n.to_string(),
            },
            Value::Bool(b) => (if *b { "yes" } else { "no" }).to_owned(),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => return None,
        };
        Some((format::words(key.trim_end_matches("Cents")), shown))
    })
    .collect()
}

#[component]
pub fn ApprovalCard(approval: Approval, done: Callback<()>) -> impl IntoView {
    let co = company();
    let by = approval.requested_by_agent_id;
    let name = move || by.map_or_else(|| "You".to_owned(), |a| co.agent_name(a));
    let id = approval.id;
    let note = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let input = move || {
        let decision_note = optional("The note", note.get_untracked())?;
        Ok::<_, ApiError>(DecideApproval { id, decision_note, amount: None })
    };
    let approve = move |_| decide::<op::Approve>(busy, input(), "Approved", done);
    let reject = move |_| decide::<op::Reject>(busy, input(), "Rejected", done);
    let revise = move |_| decide::<op::RequestRevision>(busy, input(), "Sent back", done);
    let words = ["summary", "plan", "description"].into_iter().find_map(|k| text(&approval, k));
    let words = words.map(str::to_owned);
    view! {
        <section class="interaction pending" data-testid="approval" data-kind=approval.kind.as_str()>
            <header class="interaction-head">
                {move || view! { <Avatar name=name() /> }}
                <div class="interaction-title">
                    <strong>{heading(&approval)}</strong>
                    <span class="muted">{name} " · " <Ago at=approval.updated_at /></span>
                </div>
                <span class="state tone-orange">
                    <Icon d=i::SHIELD_ALERT />
                    "Awaits approval"
                </span>
            </header>
            {words.map(|w| view! { <Markdown source=w /> })}
            {facts(&approval)
                .into_iter()
                .map(|(key, value)| {
                    view! {
                        <p class="fact">
                            <span class="muted">{key}</span>
                            <span>{value}</span>
                        </p>
                    }
                })
                .collect_view()}
            <textarea
                class="field"
                rows="2"
                aria-label="A note with your decision"
                placeholder="A note with your decision; to ask for a revision, what should be different"
                data-testid="approval-note"
                on:input:target=move |ev| note.set(ev.target().value())
            ></textarea>
            <div class="interaction-actions">
                <button
                    class="btn primary"
                    data-testid="approval-approve"
                    disabled=busy
                    on:click=approve
                >
                    "Approve"
                </button>
                <button
                    class="btn"
                    data-testid="approval-reject"
                    disabled=busy
                    on:click=reject
                >
                    "Reject"
                </button>
                <button
                    class="btn quiet"
                    data-testid="approval-revise"
                    title="Say above what should be different"
                    disabled=move || busy.get() || note.with(|n| n.trim().is_empty())
                    on:click=revise
                >
                    "Ask for a revision"
                </button>
            </div>
        </section>
    }
}

/// Sends a decision and stays shut until the answer is there.
fn decide<O: Operation<Input = DecideApproval>>(
    busy: RwSignal<bool>,
    input: Result<DecideApproval, ApiError>,
    said: &'static str,
    done: Callback<()>,
) {
    let input = match input {
        Ok(input) => input,
        Err(e) => return app().fail(&e),
    };
    busy.set(true);
    act_or::<O>(
        input,
        move |_| {
            app().say(said);
            done.run(());
        },
        move || {
            busy.try_set(false);
        },
    );
}
