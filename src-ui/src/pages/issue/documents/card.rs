//! A document on its issue's page: folded, read, edited, commented on.

use contract::IssueId;
use contract::document::{DocumentKey, IssueDocumentSummary};
use leptos::prelude::*;

use super::desk::{Desk, Mode};
use super::edit::Editing;
use super::text::DocumentText;
use super::threads::{comment_keys, keep_place};
use super::{Front, draft, menu};
use crate::components::base::{Ago, Failed, Icon, Link, Skeleton};
use crate::components::icons as i;
use crate::state::{Co, ask_to_discard, company};

/// Who last wrote a document.
pub fn author(d: &IssueDocumentSummary, co: Co) -> String {
    d.updated_by_agent_id.or(d.created_by_agent_id).map_or_else(|| "You".into(), |a| co.agent_name(a))
}

#[component]
pub fn DocumentCard(
    issue: IssueId,
    reference: String,
    summary: IssueDocumentSummary,
    front: Front,
) -> impl IntoView {
    let co = company();
    let Some(key) = DocumentKey::new(&summary.key) else { return ().into_any() };
    // What the program writes for itself is read on demand.
    let unfolded = RwSignal::new(!key.is_system());
    let desk = Desk::open(issue, reference, key.clone(), unfolded.into()).inline();
    let name = menu::name(summary.title.as_deref(), &summary.key);
    let document = summary.id;
    let newest = Memo::new(move |_| desk.summary().unwrap_or_else(|| summary.clone()));
    let editing = Memo::new(move |_| desk.mode.get() == Mode::Edit);
    front.follow(desk);
    keep_place(desk);
    comment_keys(desk);
    let open = Memo::new(move |_| desk.threads.with(|t| t.count(super::desk::Listed::Open)));
    view! {
        <article class="document" data-testid="document" data-key=key.as_str().to_owned()>
            <header class="document-head">
                <button
                    class="fold-head"
                    aria-expanded=move || unfolded.get().to_string()
                    on:click=move |_| {
                        // What is being written is not folded away.
                        if !(unfolded.get_untracked() && editing.get_untracked()) {
                            unfolded.update(|o| *o = !*o);
                        }
                    }
                >
                    <span class="fold" class:open=unfolded>
                        <Icon d=i::CHEVRON_RIGHT />
                    </span>
                    <Icon d=i::FILE_TEXT />
                    <span class="fold-name">{name}</span>
                    <span class="muted">
                        {move || newest.with(|d| format!("rev {} · {}", d.latest_revision_number, author(d, co)))}
                    </span>
                    {move || view! { <Ago at=newest.with(|d| d.updated_at) /> }}
                    {move || {
                        newest
                            .with(|d| d.locked_at.is_some())
                            .then(|| view! { <span class="state tone-grey"><Icon d=i::LOCK />"Locked"</span> })
                    }}
                </button>
                <button
                    class="icon-btn counted"
                    aria-label="Comments"
                    title="Comments on the text"
                    aria-pressed=move || desk.open.get().to_string()
                    data-testid="document-comments"
                    on:click=move |_| desk.open.update(|o| *o = !*o)
                >
                    <Icon d=i::MESSAGE_SQUARE />
                    {move || (open.get() > 0).then(|| view! { <span class="num">{open.get()}</span> })}
                </button>
                <button
                    class="icon-btn"
                    aria-label="Edit document"
                    title="Edit"
                    data-testid="document-edit"
                    on:click=move |_| {
                        unfolded.set(true);
                        menu::edit(desk);
                    }
                >
                    <Icon d=i::PENCIL />
                </button>
                <Link to=co.route(desk.page("view=history")) class="icon-btn" title="Revisions" testid="document-history">
                    <Icon d=i::HISTORY />
                </Link>
                <Link to=co.route(desk.page("")) class="icon-btn" title="Open large" testid="document-large">
                    <Icon d=i::MAXIMIZE_2 />
                </Link>
                <button
                    class="icon-btn"
                    aria-label="More"
                    data-testid="document-more"
                    on:click=move |ev| menu::open(&ev, desk, false, Callback::new(|()| ()))
                >
                    <Icon d=i::MORE_HORIZONTAL />
                </button>
            </header>
            <Show when=move || unfolded.get()>
                <Show
                    when=move || editing.get()
                    fallback=move || {
                        view! {
                            <KeptDraft desk=desk document=document />
                            <Reading desk=desk />
                        }
                    }
                >
                    <Editing desk=desk />
                </Show>
            </Show>
        </article>
    }
    .into_any()
}

/// The text, or what became of asking for it.
#[component]
fn Reading(desk: Desk) -> impl IntoView {
    let there = Memo::new(move |_| desk.shown.with(Option::is_some));
    let long = Memo::new(move |_| desk.is_cut());
    move || {
        if there.get() {
            return view! {
                <div class="document-body" class:clipped=long>
                    <DocumentText desk=desk />
                </div>
                <Show when=move || long.get()>
                    <Link to=company().route(desk.page("")) class="document-rest">
                        <Icon d=i::MAXIMIZE_2 />
                        "Read it whole"
                    </Link>
                </Show>
            }
            .into_any();
        }
        match desk.query.error.get() {
            Some(e) => {
                view! { <Failed error=e retry=Callback::new(move |()| desk.query.refetch()) /> }.into_any()
            }
            None => view! { <Skeleton rows=3 /> }.into_any(),
        }
    }
}

/// Tells of text that was typed here and never saved.
#[component]
pub fn KeptDraft(desk: Desk, document: contract::DocumentId) -> impl IntoView {
    let kept = RwSignal::new(draft::load(document));
    move || {
        let kept_text = kept.get()?;
        // A draft of what was saved meanwhile is none.
        if desk.shown.with(|s| s.as_ref().is_none_or(|s| s.body() == kept_text.text)) {
            return None;
        }
        Some(view! {
            <div class="notice tone-blue" role="status" data-testid="kept-draft">
                <Icon d=i::PENCIL />
                <span>
                    "What you typed here is not saved yet · " <Ago at=kept_text.at />
                </span>
                <button class="btn" data-testid="draft-continue" on:click=move |_| menu::edit(desk)>
                    "Go on writing"
                </button>
                <button
                    class="btn quiet"
                    on:click=move |_| {
                        ask_to_discard(
                            Callback::new(move |()| {
                                draft::forget(document);
                                kept.try_set(None);
                            }),
                        );
                    }
                >
                    "Discard"
                </button>
            </div>
        })
    }
}
