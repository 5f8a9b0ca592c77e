//! The panel of what is said about a document's text: open threads, those whose text is gone, and those that are
//! settled; and a comment that is being written.

use std::ops::Range;

use contract::document_annotation::{CreateAnnotation, MarkdownRange};
use contract::operations as op;
use contract::{ApiError, RevisionId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

use super::desk::{Desk, Listed};
use super::thread::ThreadCard;
use super::write::{Note, Send};
use crate::api::call;
use crate::components::base::{Icon, Kbd};
use crate::components::icons as i;
use crate::state::keys::{self, use_keys};
use crate::state::{app, prefs};
use crate::text::checked;

/// Where a comment that is being written belongs, so that it is found again after a restart or another revision.
#[derive(Serialize, Deserialize)]
struct Kept {
    revision: RevisionId,
    start: u32,
    end: u32,
    /// The Markdown there.
    quote: String,
}

fn place_key(desk: Desk) -> String {
    format!("note-place:{}:{}", desk.issue, desk.key().as_str())
}

fn text_key(desk: Desk) -> String {
    format!("note:{}:{}", desk.issue, desk.key().as_str())
}

/// Where a quote stands in a text, nearest to where it stood: by bytes.
fn nearest(text: &str, quote: &str, at: usize) -> Option<usize> {
    if quote.is_empty() {
        return None;
    }
    text.match_indices(quote).map(|(n, _)| n).min_by_key(|n| n.abs_diff(at))
}

/// Keeps the place of a comment that is being written, and takes it up again: after a restart, and in each revision
/// that takes the place of the one it was begun in.
pub fn keep_place(desk: Desk) {
    let begun = StoredValue::new(false);
    Effect::new(move |_| {
        let Some(shown) = desk.shown.get() else { return };
        // A comment without words is begun anew.
        let written: String = prefs::load(&text_key(desk)).unwrap_or_default();
        let first = !begun.get_value();
        begun.set_value(true);
        let open = desk.composing.with_untracked(Option::is_some);
        if (first && written.trim().is_empty()) || !(first || open) {
            return;
        }
        let Some(kept) = prefs::load::<Kept>(&place_key(desk)) else { return };
        if first {
            desk.open.set(true);
        }
        if kept.revision == shown.revision {
            return desk.composing.set(Some(Some(kept.start..kept.end)));
        }
        let units = |text: &str| crate::markdown::source::units(text);
        let body = shown.body();
        // A byte is at most as far as a code unit: near enough to choose among equal quotes.
        let found = nearest(body, &kept.quote, kept.start as usize);
        let place = found.map(|at| {
            let start = units(&body[..at]);
            start..start + units(&kept.quote)
        });
        desk.composing.set(Some(place));
    });
    Effect::new(move |before: Option<bool>| {
        let place = desk.composing.get();
        match (&place, desk.shown.get_untracked()) {
            (Some(Some(at)), Some(shown)) => {
                let quote = shown.slice(at);
                prefs::save(
                    &place_key(desk),
                    &Kept { revision: shown.revision, start: at.start, end: at.end, quote },
                );
            }
            (None, _) if before == Some(true) => prefs::forget(&place_key(desk)),
            _ => {}
        }
        place.is_some()
    });
}

/// Keys of a document that is read: one to comment on what is selected.
pub fn comment_keys(desk: Desk) {
    use_keys(move |ev, key| {
        let over = app().dialog.with_untracked(Option::is_some) || app().menu.with_untracked(Option::is_some);
        if over {
            return false;
        }
        let chord = keys::command(ev) && ev.alt_key() && key.eq_ignore_ascii_case("m");
        let plain = key == "a" && !keys::typing(ev) && !keys::command(ev);
        (chord || plain) && desk.take_selection()
    });
}

#[component]
pub fn ThreadsPanel(desk: Desk) -> impl IntoView {
    let count = move |which| Memo::new(move |_| desk.threads.with(|t| t.count(which)));
    let (open, lost, settled) = (count(Listed::Open), count(Listed::Lost), count(Listed::Resolved));
    let ids = Memo::new(move |_| {
        let which = desk.listed.get();
        desk.threads.with(|t| t.listed(which).map(|t| t.thread.id).collect::<Vec<_>>())
    });
    let composing = Memo::new(move |_| desk.composing.with(Option::is_some));
    panel_keys(desk);
    let tab = move |which: Listed, name: &'static str, n: Memo<usize>, testid: &'static str| {
        view! {
            <button
                class:on=move || desk.listed.get() == which
                aria-pressed=move || (desk.listed.get() == which).to_string()
                data-testid=testid
                on:click=move |_| desk.listed.set(which)
            >
                {name}
                <span class="muted num">{n}</span>
            </button>
        }
    };
    view! {
        <aside class="panel threads" aria-label="Comments on the document" data-testid="threads">
            <header class="threads-head">
                <h2>"Comments"</h2>
                <button
                    class="icon-btn push"
                    aria-label="Close comments"
                    title="Close (Esc)"
                    on:click=move |_| desk.open.set(false)
                >
                    <Icon d=i::X />
                </button>
            </header>
            <div class="segments" role="group" aria-label="Which comments">
                {tab(Listed::Open, "Open", open, "threads-open")}
                {tab(Listed::Lost, "Text gone", lost, "threads-lost")}
                {tab(Listed::Resolved, "Resolved", settled, "threads-resolved")}
            </div>
            <Show when=move || composing.get()>
                <NewThread desk=desk />
            </Show>
            {move || {
                desk.attaching
                    .get()
                    .map(|_| {
                        view! {
                            <div class="notice tone-blue" role="status">
                                <Icon d=i::LINK />
                                <span>"Select the text that the comment is about"</span>
                                <button class="btn" on:click=move |_| desk.attaching.set(None)>
                                    "Stop"
                                </button>
                            </div>
                        }
                    })
            }}
            <div class="thread-list" role="list">
                <For each=move || ids.get() key=|id| *id let:id>
                    <ThreadCard desk=desk id=id />
                </For>
            </div>
            <Show when=move || ids.with(Vec::is_empty) && !composing.get()>
                <Nothing desk=desk />
            </Show>
        </aside>
    }
}

#[component]
fn Nothing(desk: Desk) -> impl IntoView {
    move || {
        let (title, text) = match desk.listed.get() {
            Listed::Open => ("No open comments", "Select text in the document to comment on it."),
            Listed::Lost => ("Nothing is lost", "Comments whose text a revision removes are kept here."),
            Listed::Resolved => {
                ("Nothing is resolved yet", "Resolved comments can be opened again from here.")
            }
        };
        view! {
            <div class="threads-empty">
                <Icon d=i::MESSAGE_SQUARE />
                <strong>{title}</strong>
                <p>{text}</p>
                <Show when=move || desk.listed.get() == Listed::Open>
                    <p>
                        <Kbd keys="A" />
                        " comments on what is selected"
                    </p>
                </Show>
            </div>
        }
    }
}

fn panel_keys(desk: Desk) {
    use_keys(move |ev, key| {
        let over = app().dialog.with_untracked(Option::is_some) || app().menu.with_untracked(Option::is_some);
        if over || keys::typing(ev) || keys::command(ev) || ev.alt_key() {
            return false;
        }
        let active = desk.active.get_untracked();
        match key {
            "j" => desk.step(1),
            "k" => desk.step(-1),
            "r" if active.is_some() => desk.replying.set(active),
            "d" => match active.and_then(|a| desk.threads.with_untracked(|t| t.find(a).cloned())) {
                Some(thread) => desk.settle(&thread),
                None => return false,
            },
            "Escape" if desk.selected.get_untracked().is_some() => {
                if let Ok(Some(selection)) = window().get_selection() {
                    let _ = selection.remove_all_ranges();
                }
                desk.selected.set(None);
            }
            "Escape" if desk.attaching.get_untracked().is_some() => desk.attaching.set(None),
            "Escape" if active.is_some() => desk.active.set(None),
            "Escape" => desk.open.set(false),
            _ => return false,
        }
        true
    });
}

/// A comment to come, about a piece of text.
#[component]
fn NewThread(desk: Desk) -> impl IntoView {
    let quote = Memo::new(move |_| {
        let place = desk.composing.get().flatten()?;
        desk.shown.with(|s| s.as_ref().map(|s| s.slice(&place)))
    });
    let hindered = Signal::derive(move || {
        desk.composing
            .with(|c| *c == Some(None))
            .then_some("A newer revision no longer has that text. Select other text for your comment.")
    });
    let send: Send = Callback::new(move |(body, answer): (String, Callback<Result<(), ApiError>>)| {
        let (Some(Some(place)), Some(shown)) = (desk.composing.get_untracked(), desk.shown.get_untracked())
        else {
            return answer.run(Err(ApiError::invalid("Select the text that the comment is about")));
        };
        create(desk, place, (shown.revision, shown.number), body, answer);
    });
    view! {
        <section class="remark composing" data-testid="new-thread">
            {move || quote.get().map(|q| view! { <blockquote class="remark-quote">{q}</blockquote> })}
            <Note
                draft=text_key(desk)
                label="Write a comment"
                action="Comment"
                send=send
                cancel=Callback::new(move |()| desk.composing.set(None))
                hindered=hindered
            />
        </section>
    }
}

fn create(
    desk: Desk,
    place: Range<u32>,
    base: (RevisionId, i64),
    body: String,
    answer: Callback<Result<(), ApiError>>,
) {
    let body = match checked("The comment", body) {
        Ok(body) => body,
        Err(e) => return answer.run(Err(e)),
    };
    let input = CreateAnnotation {
        id: desk.issue.into(),
        key: desk.key(),
        base_revision_id: base.0,
        base_revision_number: base.1,
        selector: None,
        range: Some(MarkdownRange { markdown_start: place.start, markdown_end: place.end }),
        body,
    };
    spawn_local(async move {
        match call::<op::CreateAnnotationOp>(&input).await {
            Ok(thread) => {
                answer.run(Ok(()));
                desk.composing.try_set(None);
                desk.active.try_set(Some(thread.thread.id));
            }
            Err(e) => answer.run(Err(e)),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_found_again_where_it_is_nearest() {
        assert_eq!(nearest("one two one two one", "two", 11), Some(12));
        assert_eq!(nearest("one two one two one", "two", 6), Some(4));
        assert_eq!(nearest("one", "two", 0), None);
        assert_eq!(nearest("one", "", 0), None);
    }
}
