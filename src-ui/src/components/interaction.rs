//! Cards in a thread: an agent asks, the operator decides.

use std::collections::{HashMap, HashSet};

use contract::interaction::{
    AcceptInteraction, Answer, Confirmation, Interaction, InteractionKind, InteractionStatus, Question,
    Questions, RejectInteraction, RespondInteraction, SelectionMode,
};
use contract::operations as op;
use contract::{IssueId, JsonObject, Text};
use leptos::prelude::*;
use serde_json::Value;

use crate::components::base::{Ago, Avatar, Icon, Link};
use crate::components::editor::Editor;
use crate::components::icons as i;
use crate::format;
use crate::labels::Look;
use crate::markdown::view::Markdown;
use crate::state::route::Page;
use crate::state::{act_or, app, company};
use crate::text::optional;

const fn look(s: InteractionStatus) -> Look {
    let (icon, word, tone) = match s {
        InteractionStatus::Pending => (i::CIRCLE_DOT, "Waits for you", "violet"),
        InteractionStatus::Accepted => (i::CIRCLE_CHECK, "Accepted", "green"),
        InteractionStatus::Rejected => (i::CIRCLE_X, "Declined", "red"),
        InteractionStatus::Answered => (i::CIRCLE_CHECK, "Answered", "green"),
        InteractionStatus::Cancelled => (i::CIRCLE_STOP, "Cancelled", "grey"),
        InteractionStatus::Expired => (i::CLOCK, "Expired: something newer took its place", "grey"),
        InteractionStatus::Failed => (i::TRIANGLE_ALERT, "Failed", "red"),
    };
    Look { icon, word, tone }
}

fn heading(card: &Interaction) -> String {
    card.title.clone().filter(|t| !t.is_empty()).unwrap_or_else(|| {
        match card.kind {
            InteractionKind::AskUserQuestions => "Questions for you",
            InteractionKind::RequestConfirmation => "Asks for your decision",
            InteractionKind::SuggestTasks => "Suggests tasks",
        }
        .into()
    })
}

#[component]
pub fn Card(card: Interaction) -> impl IntoView {
    let co = company();
    let by = card.created_by_agent_id;
    let name = move || by.map_or_else(|| "You".to_owned(), |a| co.agent_name(a));
    let state = look(card.status);
    let pending = card.status == InteractionStatus::Pending;
    let payload = Value::Object(card.payload.clone());
    let body = match card.kind {
        InteractionKind::AskUserQuestions => match serde_json::from_value::<Questions>(payload) {
            Ok(q) => view! { <QuestionForm card=card.clone() questions=q /> }.into_any(),
            Err(e) => unreadable(&e),
        },
        InteractionKind::RequestConfirmation => match serde_json::from_value::<Confirmation>(payload) {
            Ok(c) => view! { <ConfirmForm card=card.clone() ask=c /> }.into_any(),
            Err(e) => unreadable(&e),
        },
        InteractionKind::SuggestTasks => view! { <TasksForm card=card.clone() /> }.into_any(),
    };
    view! {
        <section
            class="interaction"
            class:pending=pending
            data-testid="interaction-card"
            data-kind=card.kind.as_str()
            data-status=card.status.as_str()
        >
            <header class="interaction-head">
                {move || view! { <Avatar name=name() /> }}
                <div class="interaction-title">
                    <strong>{heading(&card)}</strong>
                    <span class="muted">{name} " · " <Ago at=card.created_at /></span>
                </div>
                <span class=format!("state tone-{}", state.tone)>
                    <Icon d=state.icon />
                    {state.word}
                </span>
            </header>
            {card.summary.clone().filter(|s| !s.is_empty()).map(|s| view! { <Markdown source=s /> })}
            {body}
        </section>
    }
}

fn unreadable(e: &serde_json::Error) -> AnyView {
    view! { <p class="muted">{format!("This card cannot be read: {e}")}</p> }.into_any()
}

/// Sends and stays shut until the answer is there.
fn shut<O: contract::Operation>(busy: RwSignal<bool>, input: O::Input) {
    busy.set(true);
    act_or::<O>(
        input,
        move |_| {
            busy.try_set(false);
        },
        move || {
            busy.try_set(false);
        },
    );
}

#[component]
fn QuestionForm(card: Interaction, questions: Questions) -> impl IntoView {
    let pending = card.status == InteractionStatus::Pending;
    let given: HashMap<String, HashSet<String>> = card
        .result
        .as_ref()
        .and_then(|r| serde_json::from_value::<Vec<Answer>>(r.get("answers")?.clone()).ok())
        .unwrap_or_default()
        .into_iter()
        .map(|a| (a.question_id.to_string(), a.option_ids.iter().map(ToString::to_string).collect()))
        .collect();
    let chosen = RwSignal::new(given);
    let note = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let asked = StoredValue::new(questions.questions.clone());
    let missing = Memo::new(move |_| {
        asked.with_value(|all| {
            chosen.with(|c| all.iter().any(|q| q.required && c.get(&*q.id).is_none_or(HashSet::is_empty)))
        })
    });
    let nothing = Memo::new(move |_| chosen.with(|c| c.values().all(HashSet::is_empty)));
    let (issue, id) = (card.issue_id, card.id);
    let submit = move |_| {
        let answers = asked.with_value(|all| {
            chosen.with_untracked(|c| {
                all.iter()
                    .filter_map(|q| {
                        let options = c.get(&*q.id)?;
                        let option_ids =
                            q.options.iter().filter(|o| options.contains(&*o.id)).map(|o| o.id.clone());
                        Some(Answer { question_id: q.id.clone(), option_ids: option_ids.collect() })
                    })
                    .collect()
            })
        });
        let summary_markdown = match optional("The note", note.get_untracked()) {
            Ok(summary) => summary,
            Err(e) => return app().fail(&e),
        };
        let input = RespondInteraction { id: issue.into(), interaction_id: id, answers, summary_markdown };
        shut::<op::RespondInteractionOp>(busy, input);
    };
    let cancel = move |_| {
        let input = RejectInteraction { id: issue.into(), interaction_id: id, reason: None };
        shut::<op::CancelInteractionOp>(busy, input);
    };
    let said = card
        .result
        .as_ref()
        .and_then(|r| r.get("summaryMarkdown").and_then(Value::as_str).map(str::to_owned))
        .filter(|s| !s.is_empty());
    let label =
        questions.submit_label.as_deref().filter(|l| !l.is_empty()).unwrap_or("Send answers").to_owned();
    view! {
        <div class="questions">
            {questions
                .questions
                .into_iter()
                .map(|q| view! { <QuestionView question=q chosen=chosen pending=pending /> })
                .collect_view()}
        </div>
        {said.map(|s| view! { <Markdown source=s /> })}
        {pending
            .then(|| {
                view! {
                    <Editor
                        value=note
                        label="Anything to add"
                        placeholder="Anything to add, in your own words (optional)"
                        late=true
                    />
                    <div class="interaction-actions">
                        <button
                            class="btn primary"
                            data-testid="answer-submit"
                            disabled=move || busy.get() || missing.get() || nothing.get()
                            on:click=submit
                        >
                            {label}
                        </button>
                        <button class="btn quiet" disabled=busy on:click=cancel>
                            "Not now"
                        </button>
                        {move || missing.get().then(|| view! { <span class="muted">"Answer the required questions first"</span> })}
                    </div>
                }
            })}
    }
}

#[component]
fn QuestionView(
    question: Question,
    chosen: RwSignal<HashMap<String, HashSet<String>>>,
    pending: bool,
) -> impl IntoView {
    let multi = question.selection_mode == SelectionMode::Multi;
    let qid = StoredValue::new(question.id.to_string());
    let group = format!("q-{}", question.id);
    let set = move |option: String| {
        chosen.update(|c| {
            let set = c.entry(qid.get_value()).or_default();
            if multi {
                if !set.remove(&option) {
                    set.insert(option);
                }
            } else {
                *set = HashSet::from([option]);
            }
        });
    };
    view! {
        <fieldset class="question" disabled=!pending>
            <legend>
                {question.prompt.to_string()}
                {question.required.then(|| view! { <span class="required" title="Required">"*"</span> })}
            </legend>
            {question.help_text.map(|h| view! { <p class="muted">{h.to_string()}</p> })}
            {question
                .options
                .into_iter()
                .map(|o| {
                    let (is_id, set_id) = (o.id.to_string(), o.id.to_string());
                    let on = Memo::new(move |_| {
                        chosen.with(|c| qid.with_value(|q| c.get(q).is_some_and(|s| s.contains(&is_id))))
                    });
                    view! {
                        <label class="option" class:on=on data-testid="answer-option" data-value=o.id.to_string()>
                            <input
                                type=if multi { "checkbox" } else { "radio" }
                                name=group.clone()
                                prop:checked=on
                                on:change=move |_| set(set_id.clone())
                            />
                            <span>
                                <span>{o.label.to_string()}</span>
                                {o.description.map(|d| view! { <small>{d.to_string()}</small> })}
                            </span>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

/// A link to the document that a decision is about: it is read, commented on and decided about there.
fn about(issue: IssueId, target: &JsonObject) -> Option<AnyView> {
    let text = |key: &str| target.get(key).and_then(Value::as_str);
    let key = text("key").filter(|_| text("type") == Some("issue_document"))?.to_owned();
    let revision = target.get("revisionNumber").and_then(Value::as_i64);
    let words = match revision {
        Some(n) => format!("Read {key}, revision {n}"),
        None => format!("Read {key}"),
    };
    let page = Page::Document { issue: issue.to_string(), key, spot: String::new() };
    Some(
        view! {
            <Link to=company().route(page) class="document-link" testid="interaction-document">
                <Icon d=i::FILE_TEXT />
                {words}
            </Link>
        }
        .into_any(),
    )
}

#[component]
fn ConfirmForm(card: Interaction, ask: Confirmation) -> impl IntoView {
    let pending = card.status == InteractionStatus::Pending;
    let busy = RwSignal::new(false);
    let declining = RwSignal::new(false);
    let reason = RwSignal::new(String::new());
    let (issue, id) = (card.issue_id, card.id);
    let must = ask.reject_requires_reason;
    let may = must || ask.allow_decline_reason.unwrap_or(true);
    let word =
        |t: &Option<Text<0, 80>>, or: &str| t.as_deref().filter(|l| !l.is_empty()).unwrap_or(or).to_owned();
    let accept_label = word(&ask.accept_label, "Accept");
    let reject_label = word(&ask.reject_label, "Decline");
    let again = reject_label.clone();
    let placeholder = ask
        .decline_reason_placeholder
        .as_deref()
        .filter(|p| !p.is_empty())
        .unwrap_or("What should be different?")
        .to_owned();
    let accept = move |_| {
        let input = AcceptInteraction { id: issue.into(), interaction_id: id, selected_client_keys: None };
        shut::<op::AcceptInteractionOp>(busy, input);
    };
    let reject = move || {
        let reason = match optional("The reason", reason.get_untracked()) {
            Ok(reason) => reason,
            Err(e) => return app().fail(&e),
        };
        shut::<op::RejectInteractionOp>(
            busy,
            RejectInteraction { id: issue.into(), interaction_id: id, reason },
        );
    };
    let told = card.result.as_ref().and_then(|r| r.get("reason")?.as_str().map(str::to_owned));
    let about = ask.target.as_ref().and_then(|t| about(card.issue_id, t));
    view! {
        <p class="interaction-prompt">{ask.prompt.to_string()}</p>
        {about}
        {ask.details_markdown.filter(|d| !d.is_empty()).map(|d| view! { <Markdown source=d.to_string() /> })}
        {told.map(|r| view! { <blockquote class="reason">{r}</blockquote> })}
        {pending
            .then(|| {
                view! {
                    <Show when=move || declining.get()>
                        <Editor
                            value=reason
                            label="Reason"
                            placeholder=placeholder.clone()
                            autofocus=true
                        />
                    </Show>
                    <div class="interaction-actions">
                        <button
                            class="btn primary"
                            data-testid="interaction-accept"
                            disabled=busy
                            on:click=accept
                        >
                            <Icon d=i::CHECK />
                            {accept_label}
                        </button>
                        <button
                            class="btn"
                            data-testid="interaction-reject"
                            disabled=move || {
                                busy.get() || (must && declining.get() && reason.with(|r| r.trim().is_empty()))
                            }
                            on:click=move |_| {
                                if may && !declining.get_untracked() {
                                    declining.set(true);
                                } else {
                                    reject();
                                }
                            }
                        >
                            {move || if declining.get() { format!("Send: {again}") } else { reject_label.clone() }}
                        </button>
                    </div>
                }
            })}
    }
}

/// A task that an agent suggests.
struct Suggested {
    key: String,
    title: String,
    text: String,
    depth: usize,
}

/// Tasks of a payload, children under their parents.
fn suggested(payload: &contract::JsonObject) -> Vec<Suggested> {
    let Some(tasks) = payload.get("tasks").and_then(Value::as_array) else { return Vec::new() };
    let text = |t: &Value, k: &str| t.get(k).and_then(Value::as_str).unwrap_or_default().to_owned();
    let parent_of: HashMap<String, String> =
        tasks.iter().map(|t| (text(t, "clientKey"), text(t, "parentClientKey"))).collect();
    tasks
        .iter()
        .map(|t| {
            let key = text(t, "clientKey");
            let (mut depth, mut at) = (0, &key);
            while let Some(p) = parent_of.get(at).filter(|p| !p.is_empty()) {
                depth += 1;
                at = p;
                if depth > 5 {
                    break;
                }
            }
            Suggested { title: text(t, "title"), text: text(t, "description"), key, depth: depth.min(4) }
        })
        .collect()
}

#[component]
fn TasksForm(card: Interaction) -> impl IntoView {
    let pending = card.status == InteractionStatus::Pending;
    let tasks = suggested(&card.payload);
    let total = tasks.len();
    let chosen = RwSignal::new(tasks.iter().map(|t| t.key.clone()).collect::<HashSet<_>>());
    let busy = RwSignal::new(false);
    let (issue, id) = (card.issue_id, card.id);
    let accept = move |_| {
        let keys = chosen.with_untracked(|c| c.iter().filter_map(|k| Text::new(k.clone()).ok()).collect());
        let input =
            AcceptInteraction { id: issue.into(), interaction_id: id, selected_client_keys: Some(keys) };
        shut::<op::AcceptInteractionOp>(busy, input);
    };
    let reject = move |_| {
        let input = RejectInteraction { id: issue.into(), interaction_id: id, reason: None };
        shut::<op::RejectInteractionOp>(busy, input);
    };
    view! {
        <ul class="suggested">
            {tasks
                .into_iter()
                .map(|t| {
                    let (is_key, set_key) = (t.key.clone(), t.key);
                    let on = Memo::new(move |_| chosen.with(|c| c.contains(&is_key)));
                    view! {
                        <li class=format!("depth-{}", t.depth)>
                            <label class="option" class:on=on>
                                <input
                                    type="checkbox"
                                    disabled=!pending
                                    prop:checked=on
                                    on:change=move |_| {
                                        chosen
                                            .update(|c| {
                                                if !c.remove(&set_key) {
                                                    c.insert(set_key.clone());
                                                }
                                            });
                                    }
                                />
                                <span>
                                    <span>{t.title}</span>
                                    {(!t.text.is_empty())
                                        .then(|| view! { <small>{format::first_line(&t.text, 160)}</small> })}
                                </span>
                            </label>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
        {pending
            .then(|| {
                view! {
                    <div class="interaction-actions">
                        <button
                            class="btn primary"
                            data-testid="interaction-accept"
                            disabled=move || busy.get() || chosen.with(HashSet::is_empty)
                            on:click=accept
                        >
                            {move || format!("Create {} of {total}", chosen.with(HashSet::len))}
                        </button>
                        <button class="btn" data-testid="interaction-reject" disabled=busy on:click=reject>
                            "Decline all"
                        </button>
                    </div>
                }
            })}
    }
}
