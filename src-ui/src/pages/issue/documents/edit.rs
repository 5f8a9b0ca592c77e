//! Editing a document: saved against the revision it was begun from, merged with whatever came in between, and never
//! lost.

use contract::document::{DocumentFormat, DocumentRevision, GetDocument, PutDocument, RevisionPath};
use contract::operations as op;
use contract::{ApiError, ErrorCode, RevisionId, Timestamp};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::conflict::Merging;
use super::desk::{Desk, Mode};
use super::draft;
use super::write::Body;
use crate::api::call;
use crate::components::base::{Ago, Icon};
use crate::components::icons as i;
use crate::merge::{Piece, merge, settled};
use crate::state::{app, ask_to_discard, company};
use crate::text::{checked, optional};

/// What an editor holds.
#[derive(Clone, Copy)]
struct Work {
    desk: Desk,
    text: RwSignal<String>,
    /// The revision that the text is an edit of.
    base: RwSignal<(RevisionId, i64)>,
    /// The text of that revision, or what stood in the editor when it was opened on it.
    saved: StoredValue<String>,
    summary: RwSignal<String>,
    error: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
    /// Both writers changed the same words.
    conflict: RwSignal<Option<(Vec<Piece>, DocumentRevision)>>,
    /// The number of a revision that was merged in, and what was here before.
    merged: RwSignal<Option<(i64, String)>>,
}

#[component]
pub fn Editing(desk: Desk) -> impl IntoView {
    let Some(shown) = desk.shown.get_untracked() else { return ().into_any() };
    let document = shown.document;
    let kept = draft::load(document);
    let restored: Option<Timestamp> = kept.as_ref().map(|d| d.at);
    let base = kept.as_ref().map_or((shown.revision, shown.number), |d| (d.base, d.number));
    let work = Work {
        desk,
        text: RwSignal::new(kept.map_or_else(|| shown.body().to_owned(), |d| d.text)),
        base: RwSignal::new(base),
        saved: StoredValue::new(shown.body().to_owned()),
        summary: RwSignal::new(String::new()),
        error: RwSignal::new(None),
        busy: RwSignal::new(false),
        conflict: RwSignal::new(None),
        merged: RwSignal::new(None),
    };
    let unkept = draft::keep(document, work.text, work.base, work.saved);
    let changed = move || work.text.with_untracked(|t| work.saved.with_value(|s| t != s));
    let close = move || {
        if changed() {
            app().say("Your changes are kept here as a draft");
        }
        desk.mode.set(Mode::Read);
    };
    let discard = Callback::new(move |()| {
        work.text.set(work.saved.get_value());
        draft::forget(document);
        desk.mode.set(Mode::Read);
    });
    let throw_away = move || if changed() { ask_to_discard(discard) } else { discard.run(()) };
    let stale =
        Memo::new(move |_| desk.shown.with(|s| s.as_ref().is_some_and(|s| s.revision != work.base.get().0)));
    let conflicting = Memo::new(move |_| work.conflict.with(Option::is_some));
    view! {
        <div class="edit-box" data-testid="document-editing">
            {restored
                .map(|at| {
                    view! {
                        <p class="muted">
                            "Typed here and not saved yet · " <Ago at=at />
                        </p>
                    }
                })}
            <Show
                when=move || conflicting.get()
                fallback=move || {
                    view! {
                        <Body
                            text=work.text
                            save=Callback::new(move |()| work.save_or_merge())
                            leave=Callback::new(move |()| close())
                        />
                    }
                }
            >
                {move || {
                    work.conflict
                        .get()
                        .map(|(pieces, newest)| {
                            let take = Callback::new(move |text: String| work.take(text, newest.clone()));
                            view! {
                                <Merging
                                    pieces=pieces
                                    take=take
                                    leave=Callback::new(move |()| work.conflict.set(None))
                                />
                            }
                        })
                }}
            </Show>
            <Show when=move || stale.get() && !conflicting.get()>
                <Overtaken work=work />
            </Show>
            <Merged work=work />
            <Show when=move || unkept.get()>
                <p class="field-error" role="alert">
                    "This text is too long to be kept as a draft. Save it before you close the window."
                </p>
            </Show>
            {move || work.error.get().map(|e| view! { <p class="field-error" role="alert">{e.message}</p> })}
            <Show when=move || !conflicting.get()>
                <div class="edit-actions">
                    <input
                        class="field summary"
                        type="text"
                        aria-label="What changed"
                        placeholder="What changed (optional)"
                        on:input:target=move |ev| work.summary.set(ev.target().value())
                    />
                    <button class="btn quiet" data-testid="document-discard" on:click=move |_| throw_away()>
                        "Discard"
                    </button>
                    <button class="btn" on:click=move |_| close()>
                        "Close"
                    </button>
                    <button
                        class="btn primary"
                        data-testid="document-save"
                        disabled=work.busy
                        on:click=move |_| work.save_or_merge()
                    >
                        {move || if stale.get() { "Merge" } else { "Save revision" }}
                    </button>
                </div>
            </Show>
        </div>
    }
    .into_any()
}

/// Somebody else wrote while this was edited.
#[component]
fn Overtaken(work: Work) -> impl IntoView {
    let co = company();
    let by = Memo::new(move |_| {
        work.desk.summary().map(|s| {
            let who = s.updated_by_agent_id.map_or_else(|| "You".into(), |a| co.agent_name(a));
            (who, s.latest_revision_number)
        })
    });
    move || {
        by.get().map(|(who, number)| {
            view! {
                <div class="notice tone-yellow" role="alert" data-testid="overtaken">
                    <Icon d=i::TRIANGLE_ALERT />
                    <span>
                        {format!("{who} wrote revision {number} while you were editing revision {}. ", work.base.get().1)}
                        "Merge brings both together; what both changed is left for you to choose."
                    </span>
                    <button class="btn" data-testid="document-merge" on:click=move |_| work.merge()>
                        "Merge"
                    </button>
                </div>
            }
        })
    }
}

#[component]
fn Merged(work: Work) -> impl IntoView {
    move || {
        work.merged.get().map(|(number, before)| {
            view! {
                <div class="notice tone-green" role="status" data-testid="merged">
                    <Icon d=i::CIRCLE_CHECK />
                    <span>{format!("Merged with revision {number}. Look it through and save it.")}</span>
                    <button
                        class="btn"
                        on:click=move |_| {
                            work.text.set(before.clone());
                            work.merged.set(None);
                        }
                    >
                        "Only mine"
                    </button>
                </div>
            }
        })
    }
}

impl Work {
    fn save_or_merge(self) {
        let newest = self.desk.shown.get_untracked().map(|s| s.revision);
        if newest.is_some_and(|n| n != self.base.get_untracked().0) {
            self.merge();
        } else {
            self.save();
        }
    }

    fn save(self) {
        if self.busy.get_untracked() {
            return;
        }
        let text = self.text.get_untracked();
        let (body, change_summary) = match (
            checked("The document", text.clone()),
            optional("What changed", self.summary.get_untracked()),
        ) {
            (Ok(body), Ok(summary)) => (body, summary),
            (Err(e), _) | (_, Err(e)) => return self.error.set(Some(e)),
        };
        let input = PutDocument {
            id: self.desk.issue.into(),
            key: self.desk.key(),
            title: None,
            format: DocumentFormat::Markdown,
            body,
            change_summary,
            base_revision_id: Some(self.base.get_untracked().0),
        };
        self.busy.set(true);
        self.error.set(None);
        spawn_local(async move {
            let answer = call::<op::PutDocumentOp>(&input).await;
            self.busy.try_set(false);
            match answer {
                Ok(d) => {
                    self.saved.try_set_value(text);
                    draft::forget(d.summary.id);
                    self.desk.query.refetch();
                    self.desk.mode.try_set(Mode::Read);
                }
                // It was overtaken just now.
                Err(e) if e.code == ErrorCode::StaleRevision => self.merge(),
                Err(e) => {
                    self.error.try_set(Some(e));
                }
            }
        });
    }

    /// Brings the text together with the newest revision.
    fn merge(self) {
        let (issue, key) = (self.desk.issue, self.desk.key());
        let Some((base, _)) = self.base.try_get_untracked() else { return };
        let at = RevisionPath { id: issue.into(), key: key.clone(), revision_id: base };
        self.busy.try_set(true);
        spawn_local(async move {
            let newest = newest(GetDocument {
                id: issue.into(),
                key,
                include_annotations: Some(false),
                include_annotation_comments: false,
            });
            let read = match (call::<op::GetDocumentRevision>(&at).await, newest.await) {
                (Ok(base), Ok(newest)) => Ok((base, newest)),
                (Err(e), _) | (_, Err(e)) => Err(e),
            };
            self.busy.try_set(false);
            let (base, newest) = match read {
                Ok(read) => read,
                Err(e) => {
                    self.error.try_set(Some(e));
                    return;
                }
            };
            let Some(mine) = self.text.try_get_untracked() else { return };
            let pieces = merge(&base.body, &mine, &newest.body);
            match settled(&pieces) {
                Some(text) => {
                    let number = newest.revision_number;
                    self.take(text, newest);
                    self.merged.try_set(Some((number, mine)));
                }
                None => {
                    self.conflict.try_set(Some((pieces, newest)));
                }
            }
        });
    }

    /// Goes on with a merged text, as an edit of the newest revision.
    fn take(self, text: String, newest: DocumentRevision) {
        self.saved.try_set_value(newest.body);
        self.base.try_set((newest.id, newest.revision_number));
        self.text.try_set(text);
        self.conflict.try_set(None);
        self.error.try_set(None);
    }
}

async fn newest(at: GetDocument) -> Result<DocumentRevision, ApiError> {
    let path = (at.id.clone(), at.key.clone());
    let now = call::<op::GetDocumentOp>(&at).await?.document.summary.latest_revision_id;
    let revision_id = now.ok_or_else(|| ApiError::internal("a document without a revision"))?;
    call::<op::GetDocumentRevision>(&RevisionPath { id: path.0, key: path.1, revision_id }).await
}
