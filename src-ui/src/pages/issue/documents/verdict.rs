//! A decision that an agent asks for about this document: read here, given here, with the comments on its text.

use contract::annotation::AnchorState;
use contract::interaction::{
    AcceptInteraction, Confirmation, Interaction, InteractionKind, InteractionStatus, RejectInteraction,
};
use contract::issue::IssuePath;
use contract::operations as op;
use leptos::prelude::*;
use serde_json::Value;

use super::desk::{Desk, Listed, Thread};
use super::write::{Note, Send};
use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::format;
use crate::state::{act_or, app, company};
use crate::text::checked;

/// The most that a reason may hold, in characters.
const LONGEST: usize = 4000;
/// How much of a quote or a comment goes with a reason.
const SNIPPET: usize = 240;

/// The document and revision that a card is about.
pub fn target(card: &Interaction) -> Option<(&str, &str)> {
    let target = card.payload.get("target")?;
    let text = |key: &str| target.get(key).and_then(Value::as_str);
    (text("type") == Some("issue_document")).then_some((text("key")?, text("revisionId")?))
}

/// What the operator says, and the open comments that go with it, so that the agent has both in one.
fn reason(typed: &str, threads: &[Thread]) -> String {
    let mut out = typed.trim().to_owned();
    let mut left = threads.len();
    for t in threads {
        let said = t.comments.as_ref().and_then(|all| {
            // The operator's own words; what an agent answered it knows.
            all.iter().rfind(|c| c.author_agent_id.is_none()).or_else(|| all.last())
        });
        let said = said.map(|c| c.body.as_str()).unwrap_or_default();
        let about = if t.thread.anchor_state == AnchorState::Orphaned { "text that is gone" } else { "text" };
        let gap = if out.is_empty() { "" } else { "\n\n" };
        let more = format!(
            "{gap}> {}\n\n{} (comment {} on this {about})",
            format::first_line(&t.anchor.selected_text, SNIPPET),
            format::first_line(said, SNIPPET),
            t.thread.id,
        );
        // Room for the line that counts the rest.
        if out.chars().count() + more.chars().count() + 60 > LONGEST {
            out.push_str(&format!(
                "\n\nand {} in the document",
                format::count(left as i64, "comment", "comments")
            ));
            break;
        }
        out.push_str(&more);
        left -= 1;
    }
    out
}

#[component]
pub fn Verdict(desk: Desk) -> impl IntoView {
    let co = company();
    let cards = use_query::<op::ListInteractions>(move || {
        Some(Ask::within(IssuePath { id: desk.issue.into() }, co.id))
    });
    // The one that waits, else the last that was decided.
    let card = Memo::new(move |_| {
        let key = desk.key();
        let about = |c: &&Interaction| {
            c.kind == InteractionKind::RequestConfirmation
                && target(c).is_some_and(|(k, _)| k == key.as_str())
        };
        cards.data.with(|all| {
            let all: Vec<&Interaction> = all.iter().flat_map(|a| a.iter()).filter(about).collect();
            let waits = all.iter().rfind(|c| c.status == InteractionStatus::Pending);
            waits.or_else(|| all.last()).map(|c| (*c).clone())
        })
    });
    move || card.get().map(|c| view! { <Asked desk=desk card=c /> })
}

#[component]
fn Asked(desk: Desk, card: Interaction) -> impl IntoView {
    let co = company();
    let about = target(&card).map(|(_, revision)| revision.to_owned()).unwrap_or_default();
    let current =
        Memo::new(move |_| desk.shown.with(|s| s.as_ref().is_some_and(|s| s.revision.to_string() == about)));
    let who = card.created_by_agent_id.map_or_else(|| "You".into(), |a| co.agent_name(a));
    match card.status {
        InteractionStatus::Pending => view! { <Decide desk=desk card=card who=who /> }.into_any(),
        status => {
            let (tone, icon, told) = match status {
                InteractionStatus::Accepted => ("green", i::CIRCLE_CHECK, "You accepted this revision"),
                InteractionStatus::Rejected => {
                    ("orange", i::CIRCLE_ALERT, "You asked for changes to this revision")
                }
                _ => return ().into_any(),
            };
            view! {
                <Show when=move || current.get()>
                    <div class=format!("notice tone-{tone}") data-testid="verdict" data-status=status.as_str()>
                        <Icon d=icon />
                        <span>{told}</span>
                    </div>
                </Show>
            }
            .into_any()
        }
    }
}

#[component]
fn Decide(desk: Desk, card: Interaction, who: String) -> impl IntoView {
    let ask = serde_json::from_value::<Confirmation>(Value::Object(card.payload.clone()));
    let prompt = ask.as_ref().map(|a| a.prompt.to_string()).unwrap_or_default();
    let word = |given: Option<&str>, or: &str| given.filter(|g| !g.is_empty()).unwrap_or(or).to_owned();
    let accept_label = word(ask.as_ref().ok().and_then(|a| a.accept_label.as_deref()), "Accept");
    let (issue, id) = (card.issue_id, card.id);
    let busy = RwSignal::new(false);
    let changing = RwSignal::new(false);
    let open = Memo::new(move |_| desk.threads.with(|t| t.count(Listed::Open) + t.count(Listed::Lost)));
    let accept = move |_| {
        busy.set(true);
        let input = AcceptInteraction { id: issue.into(), interaction_id: id, selected_client_keys: None };
        let free = move || {
            busy.try_set(false);
        };
        act_or::<op::AcceptInteractionOp>(input, move |_| free(), free);
    };
    let send: Send = Callback::new(move |(typed, answer): (String, Callback<_>)| {
        let threads: Vec<Thread> = desk
            .threads
            .with_untracked(|t| t.listed(Listed::Open).chain(t.listed(Listed::Lost)).cloned().collect());
        let reason = match checked("The reason", reason(&typed, &threads)) {
            Ok(reason) => Some(reason),
            Err(e) => return answer.run(Err(e)),
        };
        let input = RejectInteraction { id: issue.into(), interaction_id: id, reason };
        leptos::task::spawn_local(async move {
            answer.run(call::<op::RejectInteractionOp>(&input).await.map(|_| app().say("Asked for changes")));
        });
    });
    let attached = move || match open.get() {
        0 => "No open comments go with it.".to_owned(),
        n => format!(
            "{} on the text will go with it.",
            format::count(n as i64, "open comment", "open comments")
        ),
    };
    view! {
        <section class="verdict" data-testid="verdict" data-status="pending">
            <div class="verdict-head">
                <Icon d=i::CIRCLE_DOT />
                <span>
                    <strong>{format!("{who} asks for your decision")}</strong>
                    <span class="verdict-prompt">{prompt}</span>
                </span>
                <Show when=move || !changing.get()>
                    <button class="btn" data-testid="verdict-change" on:click=move |_| changing.set(true)>
                        "Ask for changes"
                        {move || (open.get() > 0).then(|| view! { <span class="muted num">{open.get()}</span> })}
                    </button>
                    <button class="btn primary" data-testid="verdict-accept" disabled=busy on:click=accept>
                        <Icon d=i::CHECK />
                        {accept_label.clone()}
                    </button>
                </Show>
            </div>
            <Show when=move || changing.get()>
                <Note
                    draft=format!("verdict:{id}")
                    label="What should be different?"
                    action="Ask for changes"
                    send=send
                    cancel=Callback::new(move |()| changing.set(false))
                />
                <p class="muted">{attached}</p>
            </Show>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn thread(quote: &str, said: &str) -> Thread {
        let id = "018f3b5a-0000-7000-8000-000000000001";
        let at = "2026-11-01T00:00:00.000Z";
        let quoted = json!({ "exact": quote, "prefix": "", "suffix": "" });
        let place = json!({ "normalizedStart": 0, "normalizedEnd": 1, "markdownStart": 0, "markdownEnd": 1 });
        let comment = json!({ "id": id, "companyId": id, "threadId": id, "issueId": id, "documentId": id,
            "body": said, "authorType": "user", "createdAt": at, "updatedAt": at });
        let thread = json!({ "id": id, "companyId": id, "issueId": id, "documentId": id, "documentKey": "plan",
            "status": "open", "anchorState": "active", "anchorConfidence": "exact", "anchorReason": "unchanged",
            "originalRevisionNumber": 1, "currentRevisionNumber": 1, "originalQuote": quoted,
            "anchorSelector": { "quote": quoted, "position": place }, "createdAt": at, "updatedAt": at,
            "selectedText": quote, "prefixText": "", "suffixText": "", "normalizedStart": 0, "normalizedEnd": 1,
            "markdownStart": 0, "markdownEnd": 1, "comments": [comment] });
        Arc::new(serde_json::from_value(thread).unwrap())
    }

    #[test]
    fn the_open_comments_go_with_the_reason_as_far_as_there_is_room() {
        let one = reason(" Too vague ", &[thread("who uses it", "Ask Eve.\nSoon.")]);
        assert!(one.starts_with("Too vague\n\n> who uses it\n\nAsk Eve. (comment 018f"), "{one}");
        assert_eq!(reason("Too vague", &[]), "Too vague");
        let many: Vec<Thread> = (0..90).map(|n| thread(&format!("quote {n}"), &"word ".repeat(60))).collect();
        let long = reason("All of it", &many);
        assert!(long.chars().count() <= LONGEST);
        assert!(long.contains("> quote 0") && long.ends_with("comments in the document"), "{long}");
    }
}
