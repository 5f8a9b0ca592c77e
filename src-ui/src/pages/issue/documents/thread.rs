//! One thread in the panel: folded to what it is about and how it began, or open with all that was said.

use std::sync::Arc;

use contract::annotation::{AnchorConfidence, AnchorReason, AnchorState};
use contract::document_annotation::{
    AnchorRemapSnapshot, AnnotationComment, AnnotationThread, ReplyToAnnotation, ThreadStatus,
};
use contract::operations as op;
use contract::{AnnotationThreadId, ApiError};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::desk::{Desk, Listed, Thread};
use super::write::{Note, Send};
use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Avatar, Icon, Kbd, copy};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::diff::{Mark, edited};
use crate::format;
use crate::markdown::view::Markdown;
use crate::state::{Co, company};
use crate::text::checked;

/// Why a thread does not simply stand where it was put.
fn strayed(t: &AnnotationThread) -> Option<&'static str> {
    Some(match (t.anchor_state, t.anchor_reason, t.anchor_confidence) {
        (AnchorState::Active, ..) => return None,
        (AnchorState::Orphaned, ..) => "Its text is gone",
        (_, AnchorReason::SeveralPlaces, _) | (_, _, AnchorConfidence::Ambiguous) => {
            "Its text stands in several places; this is a guess"
        }
        (_, AnchorReason::MovedAndEdited, _) => "The text it was on moved and changed",
        _ => "The text it was on changed",
    })
}

fn author(c: &AnnotationComment, co: Co) -> String {
    c.author_agent_id.map_or_else(|| "You".into(), |a| co.agent_name(a))
}

#[component]
pub fn ThreadCard(desk: Desk, id: AnnotationThreadId) -> impl IntoView {
    let thread = Memo::new(move |_| desk.thread(id));
    let active = Memo::new(move |_| desk.active.get() == Some(id));
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let (true, Some(el)) = (active.get(), node.get()) {
            // Once it is drawn whole.
            request_animation_frame(move || {
                let how = web_sys::ScrollIntoViewOptions::new();
                how.set_block(web_sys::ScrollLogicalPosition::Nearest);
                el.scroll_into_view_with_scroll_into_view_options(&how);
            });
        }
    });
    view! {
        <div
            node_ref=node
            class="remark"
            role="listitem"
            class:active=active
            class:pointed=move || desk.hovered.get() == Some(id)
            data-testid="thread"
            data-thread=id.to_string()
            data-state=move || thread.with(|t| t.as_ref().map(|t| t.thread.anchor_state.as_str()))
            data-status=move || thread.with(|t| t.as_ref().map(|t| t.thread.status.as_str()))
            on:mouseenter=move |_| desk.hovered.set(Some(id))
            on:mouseleave=move |_| desk.hovered.set(None)
        >
            {move || {
                let thread = thread.get()?;
                Some(
                    if active.get() {
                        view! { <Open desk=desk thread=thread /> }.into_any()
                    } else {
                        view! { <Folded desk=desk thread=thread /> }.into_any()
                    },
                )
            }}
        </div>
    }
}

#[component]
fn Folded(desk: Desk, thread: Thread) -> impl IntoView {
    let co = company();
    let id = thread.thread.id;
    let comments = thread.comments.clone().unwrap_or_default();
    let replies = comments.len().saturating_sub(1);
    let first = comments.first().map(|c| {
        let name = author(c, co);
        let said = format::first_line(&c.body, 160);
        view! {
            <span class="thread-first">
                <Avatar name=name human=c.author_agent_id.is_none() />
                <span class="thread-said">{said}</span>
                <Ago at=c.created_at />
            </span>
        }
    });
    view! {
        <button class="thread-fold" data-testid="thread-open" on:click=move |_| desk.go_to(id)>
            <span class="remark-quote">{format::first_line(&thread.anchor.selected_text, 120)}</span>
            {first}
            {(replies > 0).then(|| view! { <span class="muted">{format::count(replies as i64, "reply", "replies")}</span> })}
            {strayed(&thread.thread).map(|why| view! { <Strayed why=why thread=thread.clone() /> })}
        </button>
    }
}

#[component]
fn Strayed(why: &'static str, thread: Thread) -> impl IntoView {
    let lost = thread.thread.anchor_state == AnchorState::Orphaned;
    view! {
        <span class=if lost { "state tone-red" } else { "state tone-yellow" }>
            <Icon d=if lost { i::UNLINK } else { i::TRIANGLE_ALERT } />
            {why}
        </span>
    }
}

#[component]
fn Open(desk: Desk, thread: Thread) -> impl IntoView {
    let id = thread.thread.id;
    let settled = thread.thread.status == ThreadStatus::Resolved;
    let lost = Listed::of(&thread) == Listed::Lost;
    let told = RwSignal::new(false);
    let comments = thread.comments.clone().unwrap_or_default();
    let (to_settle, to_more) = (thread.clone(), thread.clone());
    let replying = Memo::new(move |_| desk.replying.get() == Some(id));
    view! {
        <button
            class="remark-quote"
            title="Show it in the text"
            disabled=lost
            on:click=move |_| desk.go_to(id)
        >
            {thread.anchor.selected_text.clone()}
        </button>
        {strayed(&thread.thread)
            .map(|why| {
                view! {
                    <div class="strayed">
                        <Strayed why=why thread=thread.clone() />
                        <Was thread=thread.clone() />
                        <button class="quiet-link" on:click=move |_| told.update(|t| *t = !*t)>
                            "What happened"
                        </button>
                    </div>
                }
            })}
        <Show when=move || told.get()>
            <Snapshots desk=desk id=id />
        </Show>
        <div class="thread-comments">
            {comments.into_iter().map(|c| view! { <Comment desk=desk thread=id comment=c /> }).collect_view()}
        </div>
        <Show
            when=move || replying.get()
            fallback=move || {
                let to_settle = to_settle.clone();
                let to_more = to_more.clone();
                view! {
                    <div class="thread-actions">
                        <button class="btn" data-testid="thread-reply" on:click=move |_| desk.replying.set(Some(id))>
                            "Reply"
                            <Kbd keys="R" />
                        </button>
                        <button class="btn" data-testid="thread-settle" on:click=move |_| desk.settle(&to_settle)>
                            <Icon d=if settled { i::ROTATE_CCW } else { i::CHECK } />
                            {if settled { "Open again" } else { "Resolve" }}
                            <Kbd keys="D" />
                        </button>
                        {lost
                            .then(|| {
                                view! {
                                    <button
                                        class="btn"
                                        data-testid="thread-attach"
                                        on:click=move |_| desk.attaching.set(Some(id))
                                    >
                                        <Icon d=i::LINK />
                                        "Attach"
                                    </button>
                                }
                            })}
                        <button class="icon-btn push" aria-label="More" on:click=move |ev| more(&ev, desk, &to_more)>
                            <Icon d=i::MORE_HORIZONTAL />
                        </button>
                    </div>
                }
            }
        >
            <Note
                draft=format!("reply:{id}")
                label="Write a reply"
                action="Reply"
                send=reply(desk, id)
                cancel=Callback::new(move |()| desk.replying.set(None))
            />
        </Show>
    }
}

/// What was selected at first, beside what stands there now.
#[component]
fn Was(thread: Thread) -> impl IntoView {
    let was = thread.thread.original_quote.exact.to_string();
    let now = &thread.anchor.selected_text;
    (was != *now).then(|| {
        let runs = edited(&was, now);
        view! {
            <p class="was">
                {runs
                    .into_iter()
                    .map(|r| match r.mark {
                        Mark::Same => view! { <span>{r.text}</span> }.into_any(),
                        Mark::Removed => view! { <del>{r.text}</del> }.into_any(),
                        Mark::Added => view! { <ins>{r.text}</ins> }.into_any(),
                    })
                    .collect_view()}
            </p>
        }
    })
}

#[component]
fn Comment(desk: Desk, thread: AnnotationThreadId, comment: AnnotationComment) -> impl IntoView {
    let co = company();
    let id = comment.id;
    let name = author(&comment, co);
    let node = NodeRef::<html::Div>::new();
    let meant = Memo::new(move |_| desk.comment.get() == Some(id));
    Effect::new(move |_| {
        if let (true, Some(el)) = (meant.get(), node.get()) {
            request_animation_frame(move || el.scroll_into_view());
        }
    });
    view! {
        <div
            node_ref=node
            class="thread-comment"
            class:meant=meant
            data-testid="thread-comment"
            data-author=if comment.author_agent_id.is_some() { "agent" } else { "user" }
        >
            <header>
                <Avatar name=name.clone() human=comment.author_agent_id.is_none() />
                <strong>{name}</strong>
                <Ago at=comment.created_at />
                <button
                    class="icon-btn push"
                    aria-label="Copy link to this comment"
                    title="Copy link"
                    on:click=move |_| copy(desk.link(thread, Some(id)), "Link")
                >
                    <Icon d=i::LINK />
                </button>
            </header>
            <Markdown source=comment.body />
        </div>
    }
}

fn reply(desk: Desk, thread: AnnotationThreadId) -> Send {
    Callback::new(move |(body, answer): (String, Callback<Result<(), ApiError>>)| {
        let body = match checked("The reply", body) {
            Ok(body) => body,
            Err(e) => return answer.run(Err(e)),
        };
        let input = ReplyToAnnotation { id: desk.issue.into(), key: desk.key(), thread_id: thread, body };
        spawn_local(async move {
            let answered = call::<op::ReplyToAnnotationOp>(&input).await.map(|_| ());
            let done = answered.is_ok();
            answer.run(answered);
            if done {
                desk.replying.try_set(None);
            }
        });
    })
}

fn more(ev: &web_sys::MouseEvent, desk: Desk, thread: &Thread) {
    let Some(el) = anchor(ev) else { return };
    let id = thread.thread.id;
    let mut choices = vec![
        Choice::new("link", "Copy link", Glyph::Icon(i::LINK)),
        Choice::new("quote", "Copy what it is about", Glyph::Icon(i::COPY)),
    ];
    if thread.thread.status == ThreadStatus::Open {
        choices.push(Choice::new("attach", "Attach to other text", Glyph::Icon(i::LINK)));
    }
    let quote = thread.anchor.selected_text.clone();
    let pick = Callback::new(move |what: String| match what.as_str() {
        "link" => copy(desk.link(id, None), "Link"),
        "quote" => copy(quote.clone(), "Text"),
        "attach" => desk.attaching.set(Some(id)),
        _ => {}
    });
    Menu::under(&el, "Thread", choices, pick).open();
}

/// What revisions did to the place of a thread.
#[component]
fn Snapshots(desk: Desk, id: AnnotationThreadId) -> impl IntoView {
    let co = company();
    let query = use_query::<op::ListAnchorSnapshots>(move || Some(Ask::within(desk.path_of(id), co.id)));
    move || {
        let all = query.get().unwrap_or_else(|| Arc::new(Vec::new()));
        let lines =
            all.iter().map(|s| view! { <li>{told(s)} " " <Ago at=s.created_at /></li> }).collect_view();
        view! { <ul class="snapshots">{lines}</ul> }
    }
}

fn told(s: &AnchorRemapSnapshot) -> String {
    let what = match (s.anchor_state, s.failure_reason.as_deref()) {
        (_, Some("attached_by_hand")) => "attached by hand".to_owned(),
        (AnchorState::Active, None) => "stayed with its text".to_owned(),
        (AnchorState::Orphaned, _) => "its text was gone".to_owned(),
        (_, Some(why)) => format::words(why).to_lowercase(),
        (AnchorState::Stale, None) => "its text changed".to_owned(),
    };
    let sure = match s.anchor_confidence {
        AnchorConfidence::Exact | AnchorConfidence::Missing => "",
        AnchorConfidence::Duplicate => ", which stands in several places",
        AnchorConfidence::Fuzzy => ", found by words much like it",
        AnchorConfidence::Ambiguous => ", a guess among several places",
    };
    format!("Revision {}: {what}{sure}", s.to_revision_number)
}
