//! A document's revisions: who wrote them and why, compared with each other, and brought back.

use std::sync::Arc;

use contract::RevisionId;
use contract::document::{DocumentPath, RestoreRevision, RevisionSummary};
use contract::operations as op;
use leptos::prelude::*;

use super::desk::{Desk, Mode};
use crate::api::query::{Ask, Query, use_query};
use crate::components::base::{Ago, Avatar, Icon, loaded};
use crate::components::icons as i;
use crate::format;
use crate::state::{Co, Dialog, act, app, company};

pub fn revisions_of(desk: Desk) -> Query<Vec<RevisionSummary>> {
    let co = company();
    use_query::<op::ListDocumentHistory>(move || {
        let at = DocumentPath { id: desk.issue.into(), key: desk.key() };
        let entity = desk.shown.with(|s| s.as_ref().map(|s| s.document.to_string()));
        Some(Ask { input: at, company: Some(co.id), entity })
    })
}

pub fn author(r: &RevisionSummary, co: Co) -> String {
    r.created_by_agent_id.map_or_else(|| "You".into(), |a| co.agent_name(a))
}

#[component]
pub fn HistoryPanel(desk: Desk) -> impl IntoView {
    let query = revisions_of(desk);
    view! {
        <aside class="panel threads" aria-label="Revisions" data-testid="history">
            <header class="threads-head">
                <h2>"Revisions"</h2>
                <button
                    class="icon-btn push"
                    aria-label="Close revisions"
                    on:click=move |_| {
                        desk.history.set(false);
                        desk.mode.update(|m| if matches!(m, Mode::Compare { .. }) { *m = Mode::Read });
                    }
                >
                    <Icon d=i::X />
                </button>
            </header>
            {loaded(query, 6, move |all| {
                let numbers = Memo::new(move |_| all.with(|a| (0..a.len()).collect::<Vec<_>>()));
                view! {
                    <ol class="revisions">
                        <For
                            each=move || numbers.get()
                            key=move |n| all.with_untracked(|a| a.get(*n).map(|r| r.id))
                            let:n
                        >
                            <Revision desk=desk all=all n=n />
                        </For>
                    </ol>
                }
            })}
        </aside>
    }
}

#[component]
fn Revision(desk: Desk, all: Signal<Arc<Vec<RevisionSummary>>>, n: usize) -> impl IntoView {
    let co = company();
    let Some(r) = all.with_untracked(|a| a.get(n).cloned()) else { return ().into_any() };
    let before = all.with_untracked(|a| a.get(n + 1).map(|r| r.id));
    let id = r.id;
    let name = author(&r, co);
    let newest = Memo::new(move |_| desk.shown.with(|s| s.as_ref().is_some_and(|s| s.revision == id)));
    let open = Memo::new(move |_| matches!(desk.mode.get(), Mode::Compare { to, .. } if to == id));
    let number = r.revision_number;
    let told = r.change_summary.clone().unwrap_or_else(|| format::bytes(r.size.max(0) as u64));
    view! {
        <li class="revision" class:active=open data-testid="revision" data-number=number.to_string()>
            <button
                class="revision-head"
                title="See what it changed"
                on:click=move |_| {
                    desk.mode.set(Mode::Compare { from: before.unwrap_or(id), to: id });
                }
            >
                <Avatar name=name.clone() human=r.created_by_agent_id.is_none() />
                <span class="revision-text">
                    <span>
                        <strong>{format!("Revision {number}")}</strong>
                        {move || newest.get().then_some(" · now")}
                    </span>
                    <span class="muted">{name} " · " <Ago at=r.created_at /></span>
                    <span class="revision-why">{told}</span>
                </span>
            </button>
            <Show when=move || !newest.get()>
                <button
                    class="icon-btn"
                    aria-label=format!("Restore revision {number}")
                    title="Restore"
                    data-testid="revision-restore"
                    on:click=move |_| restore(desk, id, number)
                >
                    <Icon d=i::ROTATE_CCW />
                </button>
            </Show>
        </li>
    }
    .into_any()
}

/// Brings an earlier revision back as a new one, when the operator means it.
pub fn restore(desk: Desk, id: RevisionId, number: i64) {
    app().dialog.set(Some(Dialog::Confirm {
        title: format!("Restore revision {number}?"),
        body: "Its text becomes a new revision. What stands there now stays in the history.".into(),
        action: "Restore".into(),
        danger: false,
        then: Callback::new(move |()| {
            let input = RestoreRevision { id: desk.issue.into(), key: desk.key(), revision_id: id };
            act::<op::RestoreDocument>(input, move |d| {
                app().say(format!("Restored as revision {}", d.summary.latest_revision_number));
                desk.mode.try_set(Mode::Read);
            });
        }),
    }));
}
