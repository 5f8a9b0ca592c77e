//! Documents of an issue: read, written against a known revision, restored from an earlier one.

use contract::document::{
    AnnotatedDocument, DocumentFormat, DocumentKey, DocumentPath, DocumentRevision, GetDocument,
    IssueDocument, IssueDocumentSummary, PutDocument, RestoreRevision,
};
use contract::operations as op;
use contract::{ApiError, ErrorCode, IssueId, RevisionId, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Current;
use crate::api::call;
use crate::api::query::{Ask, Query, use_query};
use crate::components::base::{Ago, Icon, copy, loaded};
use crate::components::editor::Editor;
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::markdown::view::Markdown;
use crate::state::{Co, Dialog, act, app, ask_to_discard, company};
use crate::text::checked;

#[component]
pub fn Documents(current: Current) -> impl IntoView {
    let documents = Memo::new(move |_| current.detail.with(|d| d.document_summaries.clone()));
    let issue = current.detail.with_untracked(|d| d.issue.id);
    let adding = RwSignal::new(false);
    view! {
        <section class="block" class:block-empty=move || documents.with(Vec::is_empty) && !adding.get()>
            <header class="block-head">
                <h2>"Documents"</h2>
                <span class="muted num">
                    {move || documents.with(|d| (!d.is_empty()).then_some(d.len()))}
                </span>
                <button
                    class="icon-btn push"
                    aria-label="New document"
                    title="New document"
                    on:click=move |_| adding.update(|a| *a = !*a)
                >
                    <Icon d=i::PLUS />
                </button>
            </header>
            <Show when=move || adding.get()>
                <NewDocument issue=issue done=Callback::new(move |()| adding.set(false)) />
            </Show>
            <For each=move || documents.get() key=|d| d.key.clone() let:d>
                <DocumentView issue=issue summary=d />
            </For>
        </section>
    }
}

/// Who last wrote a document.
fn author(d: &IssueDocumentSummary, co: Co) -> String {
    d.updated_by_agent_id.or(d.created_by_agent_id).map_or_else(|| "You".into(), |a| co.agent_name(a))
}

#[component]
fn NewDocument(issue: IssueId, done: Callback<()>) -> impl IntoView {
    let key = RwSignal::new(String::new());
    let error = RwSignal::new(None::<ApiError>);
    let create = move || {
        let Some(k) = DocumentKey::new(key.get_untracked().trim()) else {
            error.set(Some(ApiError::invalid("A key is 1 to 64 letters, digits, - or _, like “plan”")));
            return;
        };
        let Ok(body) = Text::new(String::new()) else { return };
        let input = PutDocument {
            id: issue.into(),
            key: k,
            title: None,
            format: DocumentFormat::Markdown,
            body,
            change_summary: None,
            base_revision_id: None,
        };
        spawn_local(async move {
            match call::<op::PutDocumentOp>(&input).await {
                Ok(_) => done.run(()),
                Err(e) => {
                    error.try_set(Some(e));
                }
            }
        });
    };
    view! {
        <div class="inline-form">
            <input
                class="field"
                type="text"
                placeholder="Key, for example plan or design"
                aria-label="Document key"
                on:input:target=move |ev| key.set(ev.target().value())
                on:keydown=move |ev| match ev.key().as_str() {
                    "Enter" => create(),
                    "Escape" => done.run(()),
                    _ => {}
                }
            />
            <button class="btn primary" on:click=move |_| create()>
                "Create"
            </button>
            <button class="btn quiet" on:click=move |_| done.run(())>
                "Discard"
            </button>
        </div>
        {move || error.get().map(|e| view! { <p class="field-error" role="alert">{e.message}</p> })}
    }
}

#[component]
fn DocumentView(issue: IssueId, summary: IssueDocumentSummary) -> impl IntoView {
    let co = company();
    let Some(key) = DocumentKey::new(&summary.key) else { return ().into_any() };
    let name =
        summary.title.clone().filter(|t| !t.is_empty()).unwrap_or_else(|| crate::format::words(&summary.key));
    let open = RwSignal::new(true);
    let editing = RwSignal::new(false);
    let doc_key = StoredValue::new(key.clone());
    let query: Query<AnnotatedDocument> = use_query::<op::GetDocumentOp>(move || {
        open.get().then(|| {
            Ask::within(
                GetDocument {
                    id: issue.into(),
                    key: doc_key.get_value(),
                    include_annotations: Some(false),
                    include_annotation_comments: false,
                },
                co.id,
            )
        })
    });
    let newest = Memo::new(move |_| {
        query.data.with(|d| d.as_ref().map(|d| d.document.summary.clone())).unwrap_or_else(|| summary.clone())
    });
    view! {
        <article class="document" data-testid="document" data-key=key.as_str().to_owned()>
            <header class="document-head">
                <button
                    class="fold-head"
                    aria-expanded=move || open.get().to_string()
                    on:click=move |_| {
                        // What is being written is not folded away.
                        if !(open.get_untracked() && editing.get_untracked()) {
                            open.update(|o| *o = !*o);
                        }
                    }
                >
                    <span class="fold" class:open=open>
                        <Icon d=i::CHEVRON_RIGHT />
                    </span>
                    <Icon d=i::FILE_TEXT />
                    <span class="fold-name">{name}</span>
                    <span class="muted">
                        {move || newest.with(|d| format!("rev {} · {}", d.latest_revision_number, author(d, co)))}
                    </span>
                    {move || view! { <Ago at=newest.with(|d| d.updated_at) /> }}
                </button>
                <button class="icon-btn" aria-label="Edit document" title="Edit" on:click=move |_| { open.set(true); editing.set(true); }>
                    <Icon d=i::PENCIL />
                </button>
                <button
                    class="icon-btn"
                    aria-label="Revisions"
                    title="Revisions"
                    on:click=move |ev| revisions(&ev, issue, doc_key.get_value())
                >
                    <Icon d=i::HISTORY />
                </button>
                <button
                    class="icon-btn"
                    aria-label="More"
                    on:click=move |ev| document_menu(&ev, issue, doc_key.get_value(), query)
                >
                    <Icon d=i::MORE_HORIZONTAL />
                </button>
            </header>
            <Show when=move || open.get()>
                {loaded(
                    query,
                    3,
                    move |doc| {
                        let body = Memo::new(move |_| doc.with(|d| d.document.body.clone()));
                        view! {
                            <Show
                                when=move || editing.get()
                                fallback=move || {
                                    view! {
                                        <div class="document-body">
                                            <Show
                                                when=move || body.with(|b| !b.trim().is_empty())
                                                fallback=|| view! { <p class="muted">"Nothing written yet"</p> }
                                            >
                                                <Markdown source=body />
                                            </Show>
                                        </div>
                                    }
                                }
                            >
                                <DocumentEditor
                                    issue=issue
                                    doc=doc.with_untracked(|d| d.document.clone())
                                    newest=Signal::derive(move || doc.with(|d| d.document.summary.latest_revision_id))
                                    done=Callback::new(move |()| editing.set(false))
                                />
                            </Show>
                        }
                    },
                )}
            </Show>
        </article>
    }
    .into_any()
}

#[component]
fn DocumentEditor(
    issue: IssueId,
    doc: IssueDocument,
    /// The newest revision: when it moves on, somebody else has written.
    newest: Signal<Option<RevisionId>>,
    done: Callback<()>,
) -> impl IntoView {
    let base = RwSignal::new(doc.summary.latest_revision_id);
    let text = RwSignal::new(doc.body.clone());
    let error = RwSignal::new(None::<ApiError>);
    let busy = RwSignal::new(false);
    let stale = Memo::new(move |_| newest.get() != base.get());
    let key = StoredValue::new(doc.summary.key.clone());
    let title = StoredValue::new(doc.summary.title.clone());
    let save = move || {
        let Some(k) = DocumentKey::new(&key.get_value()) else { return };
        let body = match checked("The document", text.get_untracked()) {
            Ok(body) => body,
            Err(e) => return error.set(Some(e)),
        };
        let input = PutDocument {
            id: issue.into(),
            key: k,
            title: title.get_value().and_then(|t| Text::new(t).ok()),
            format: DocumentFormat::Markdown,
            body,
            change_summary: None,
            base_revision_id: base.get_untracked(),
        };
        busy.set(true);
        spawn_local(async move {
            let answer = call::<op::PutDocumentOp>(&input).await;
            busy.try_set(false);
            match answer {
                Ok(_) => done.run(()),
                Err(e) => {
                    error.try_set(Some(e));
                }
            }
        });
    };
    let written = StoredValue::new(doc.body);
    let leave = move || {
        if text.with_untracked(|t| written.with_value(|w| t == w)) {
            return done.run(());
        }
        ask_to_discard(done);
    };
    // The operator has read the warning: this text wins over the newer revision, which stays in the history.
    let overwrite = move |_| {
        base.set(newest.get_untracked());
        error.set(None);
        save();
    };
    view! {
        <div class="edit-box">
            <Editor
                value=text
                label="Document"
                placeholder="Markdown"
                autofocus=true
                class="bare tall"
                submit=Callback::new(move |()| save())
                cancel=Callback::new(move |()| leave())
            />
            <Show when=move || {
                stale.get() || error.with(|e| e.as_ref().is_some_and(|e| e.code == ErrorCode::StaleRevision))
            }>
                <div class="notice tone-yellow" role="alert">
                    <Icon d=i::TRIANGLE_ALERT />
                    <span>
                        "Somebody wrote a newer revision while you were editing. Copy your text and discard, or save over it; the newer revision stays in the history."
                    </span>
                    <button class="btn" on:click=move |_| copy(text.get_untracked(), "Your text")>
                        "Copy mine"
                    </button>
                    <button class="btn danger" on:click=overwrite>
                        "Save over it"
                    </button>
                </div>
            </Show>
            {move || {
                error
                    .get()
                    .filter(|e| e.code != ErrorCode::StaleRevision)
                    .map(|e| view! { <p class="field-error" role="alert">{e.message}</p> })
            }}
            <div class="edit-actions">
                <button class="btn quiet" on:click=move |_| leave()>
                    "Discard"
                </button>
                <button class="btn primary" disabled=move || busy.get() || stale.get() on:click=move |_| save()>
                    "Save revision"
                </button>
            </div>
        </div>
    }
}

/// Opens the list of revisions; picking one restores it as a new revision.
fn revisions(ev: &web_sys::MouseEvent, issue: IssueId, key: DocumentKey) {
    let Some(el) = anchor(ev) else { return };
    let co = company();
    spawn_local(async move {
        let path = DocumentPath { id: issue.into(), key: key.clone() };
        let list = match call::<op::ListDocumentRevisions>(&path).await {
            Ok(l) => l,
            Err(e) => return app().fail(&e),
        };
        let describe = |r: &DocumentRevision| {
            let who = r.created_by_agent_id.map_or_else(|| "You".into(), |a| co.agent_name(a));
            let what = r.change_summary.clone().unwrap_or_else(|| crate::format::first_line(&r.body, 40));
            format!("{} · {who} · {what}", r.revision_number)
        };
        let choices = list
            .iter()
            .enumerate()
            .map(|(n, r)| {
                let age = crate::format::ago(r.created_at, crate::state::clock());
                Choice::new(r.id.to_string(), describe(r), Glyph::Icon(i::HISTORY)).hint(age).selected(n == 0)
            })
            .collect();
        let newest = list.first().map(|r| r.id.to_string());
        let pick = Callback::new(move |id: String| {
            if Some(&id) == newest.as_ref() {
                return;
            }
            let Ok(revision_id) = id.parse() else { return };
            let input = RestoreRevision { id: issue.into(), key: key.clone(), revision_id };
            act::<op::RestoreDocument>(input, |d| {
                app().say(format!("Restored as revision {}", d.summary.latest_revision_number));
            });
        });
        Menu::under(&el, "Restore a revision", choices, pick).open();
    });
}

fn document_menu(
    ev: &web_sys::MouseEvent,
    issue: IssueId,
    key: DocumentKey,
    query: Query<AnnotatedDocument>,
) {
    let Some(el) = anchor(ev) else { return };
    let choices = vec![
        Choice::new("copy", "Copy Markdown", Glyph::Icon(i::COPY)),
        Choice::new("delete", "Delete document", Glyph::Icon(i::TRASH_2)).danger(),
    ];
    let pick = Callback::new(move |what: String| {
        if what == "copy" {
            copy(
                query
                    .data
                    .with_untracked(|d| d.as_ref().map(|d| d.document.body.clone()).unwrap_or_default()),
                "Document",
            );
            return;
        }
        let path = DocumentPath { id: issue.into(), key: key.clone() };
        app().dialog.set(Some(Dialog::Confirm {
            title: format!("Delete the document {}?", path.key.as_str()),
            body: "It goes with all its revisions. This cannot be undone.".into(),
            action: "Delete".into(),
            danger: true,
            then: Callback::new(move |()| {
                act::<op::DeleteDocument>(path.clone(), |_| app().say("Document deleted"));
            }),
        }));
    });
    Menu::under(&el, "Document", choices, pick).open();
}
