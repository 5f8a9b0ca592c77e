//! Documents of an issue: read, written against a known revision, commented on where their text stands.

mod card;
mod compare;
mod conflict;
mod desk;
mod draft;
mod edit;
mod history;
mod marks;
mod menu;
mod page;
mod sheet;
mod text;
mod thread;
mod threads;
mod verdict;
mod write;

pub use page::DocumentPage;

use contract::document::{DocumentFormat, DocumentKey, IssueDocumentSummary, ListDocuments, PutDocument};
use contract::operations as op;
use contract::{ApiError, IssueId, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;

use self::card::DocumentCard;
use self::desk::Desk;
use self::threads::ThreadsPanel;
use super::Current;
use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::state::company;

/// The document whose comments stand beside the page.
#[derive(Clone, Copy)]
pub struct Front(RwSignal<Option<Desk>>);

impl Front {
    pub fn new() -> Self {
        Self(RwSignal::new(None))
    }

    pub fn is_some(self) -> bool {
        self.0.with(Option::is_some)
    }

    /// Brings a document to the front when its comments are opened, and away when they are closed.
    fn follow(self, desk: Desk) {
        let key = desk.key();
        let is_front = move |front: &Option<Desk>| front.is_some_and(|d| d.key() == key);
        let also = is_front.clone();
        Effect::new(move |_| {
            let open = desk.open.get();
            let front = self.0.with_untracked(&is_front);
            if open && !front {
                let before = self.0.get_untracked();
                self.0.set(Some(desk));
                if let Some(before) = before {
                    before.open.try_set(false);
                }
            } else if !open && front {
                self.0.set(None);
            }
        });
        on_cleanup(move || {
            if self.0.try_with_untracked(&also) == Some(true) {
                self.0.try_set(None);
            }
        });
    }
}

/// The comments of the document at the front.
#[component]
pub fn FrontThreads(front: Front) -> impl IntoView {
    move || front.0.get().map(|desk| view! { <ThreadsPanel desk=desk /> })
}

#[component]
pub fn Documents(current: Current, front: Front) -> impl IntoView {
    let own = Memo::new(move |_| current.detail.with(|d| d.document_summaries.clone()));
    let issue = current.detail.with_untracked(|d| d.issue.id);
    let reference = current.detail.with_untracked(|d| d.issue.display_key());
    let adding = RwSignal::new(false);
    let with_system = RwSignal::new(false);
    let system = system_documents(issue, with_system);
    let documents = Memo::new(move |_| {
        let mut all = own.get();
        all.extend(system.get());
        all
    });
    view! {
        <section class="block" class:block-empty=move || documents.with(Vec::is_empty) && !adding.get()>
            <header class="block-head">
                <h2>"Documents"</h2>
                <span class="muted num">
                    {move || documents.with(|d| (!d.is_empty()).then_some(d.len()))}
                </span>
                <button
                    class="quiet-link push"
                    aria-pressed=move || with_system.get().to_string()
                    data-testid="documents-system"
                    title="What the program keeps for its runs, such as the summary that the next one starts from"
                    on:click=move |_| with_system.update(|w| *w = !*w)
                >
                    {move || if with_system.get() { "Hide system documents" } else { "Show system documents" }}
                </button>
                <button
                    class="icon-btn"
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
            <Show when=move || with_system.get() && system.with(Vec::is_empty)>
                <p class="muted">"There are no system documents yet."</p>
            </Show>
            <For each=move || documents.get() key=|d| d.key.clone() let:d>
                <DocumentCard issue=issue reference=reference.clone() summary=d front=front />
            </For>
        </section>
    }
}

/// Those that are hidden unless asked for.
fn system_documents(issue: IssueId, wanted: RwSignal<bool>) -> Memo<Vec<IssueDocumentSummary>> {
    let co = company();
    let query = use_query::<op::ListDocumentsOp>(move || {
        let input = ListDocuments { id: issue.into(), include_system: true };
        wanted.get().then(|| Ask::within(input, co.id))
    });
    Memo::new(move |_| {
        if !wanted.get() {
            return Vec::new();
        }
        let is_system = |key: &str| DocumentKey::new(key).is_some_and(|k| k.is_system());
        query.data.with(|d| {
            d.iter().flat_map(|d| d.iter()).map(|d| d.summary.clone()).filter(|s| is_system(&s.key)).collect()
        })
    })
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
