//! A document with the page to itself: wide enough to read, with its comments or its revisions beside it.

use contract::document::DocumentKey;
use contract::issue::{IssueDetail, IssuePath};
use contract::operations as op;
use contract::{AnnotationThreadId, ErrorCode, IssueRef};
use leptos::prelude::*;

use super::card::{KeptDraft, author};
use super::compare::Compare;
use super::desk::{Desk, Listed, Mode};
use super::edit::Editing;
use super::history::HistoryPanel;
use super::menu;
use super::text::DocumentText;
use super::threads::{ThreadsPanel, comment_keys, keep_place};
use super::verdict::Verdict;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Empty, Failed, Icon, Link, Skeleton, loaded};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::state::keys::{self, use_keys};
use crate::state::route::{Page, Route};
use crate::state::{app, company};

#[component]
pub fn DocumentPage(issue: String, document: String) -> impl IntoView {
    let co = company();
    let (Ok(id), Some(key)) = (issue.parse::<IssueRef>(), DocumentKey::new(&document)) else {
        return view! { <NotThere issue=issue /> }.into_any();
    };
    let asked = id.clone();
    let query = use_query::<op::GetIssue>(move || Some(Ask::within(IssuePath { id: asked.clone() }, co.id)));
    view! {
        {loaded(
            query,
            8,
            move |detail| {
                let (id, reference) = detail.with_untracked(|d: &std::sync::Arc<IssueDetail>| {
                    (d.issue.id, d.issue.display_key())
                });
                let desk = Desk::open(id, reference.clone(), key.clone(), Signal::stored(true));
                view! { <Whole desk=desk reference=reference /> }
            },
        )}
    }
    .into_any()
}

#[component]
fn NotThere(#[prop(into)] issue: String) -> impl IntoView {
    view! {
        <div class="page">
            <Topbar crumbs=vec![("Issues".into(), Page::Issues(String::new()))] title="Document".to_owned() />
            <Empty icon=i::FILE_TEXT title="There is no such document" text="It may have been deleted.">
                <Link to=company().route(Page::Issue(issue)) class="btn">
                    "Its issue"
                </Link>
            </Empty>
        </div>
    }
}

/// The place within the document that the path names.
fn spot() -> Memo<String> {
    Memo::new(move |_| match app().route.get() {
        Route::Company(_, Page::Document { spot, .. }) | Route::Last(Page::Document { spot, .. }) => spot,
        _ => String::new(),
    })
}

fn named<'a>(spot: &'a str, what: &str) -> Option<&'a str> {
    spot.split('&').filter_map(|p| p.split_once('=')).find(|(k, _)| *k == what).map(|(_, v)| v)
}

/// Goes where the path leads: to a thread, to a comment in it, to the revisions.
fn follow_spot(desk: Desk) {
    let spot = spot();
    let gone = StoredValue::new(String::new());
    Effect::new(move |_| {
        let spot = spot.get();
        let ready = desk.read.get() && desk.shown.with(Option::is_some);
        if !ready || gone.with_value(|g| *g == spot) {
            return;
        }
        gone.set_value(spot.clone());
        if named(&spot, "view") == Some("history") {
            desk.open.set(false);
            desk.history.set(true);
        }
        if let Some(id) = named(&spot, "thread").and_then(|t| t.parse::<AnnotationThreadId>().ok()) {
            if desk.threads.with_untracked(|t| t.find(id).is_none()) {
                return app().say("That comment is not there any more");
            }
            desk.comment.set(named(&spot, "comment").and_then(|c| c.parse().ok()));
            // After what is known by now is drawn.
            request_animation_frame(move || desk.go_to(id));
        }
    });
}

fn page_keys(desk: Desk, reference: String) {
    use_keys(move |ev, key| {
        let over = app().dialog.with_untracked(Option::is_some) || app().menu.with_untracked(Option::is_some);
        if over || keys::typing(ev) || keys::command(ev) || ev.alt_key() {
            return false;
        }
        match key {
            "e" => menu::edit(desk),
            "h" => desk.history.update(|h| *h = !*h),
            "m" => desk.open.update(|o| *o = !*o),
            "j" | "k" => {
                desk.open.set(true);
                desk.step(if key == "j" { 1 } else { -1 });
            }
            "Escape" if desk.mode.get_untracked() != Mode::Edit => {
                if desk.mode.get_untracked() == Mode::Read {
                    company().go(Page::Issue(reference.clone()));
                } else {
                    desk.mode.set(Mode::Read);
                }
            }
            _ => return false,
        }
        true
    });
}

#[component]
fn Whole(desk: Desk, reference: String) -> impl IntoView {
    let key = desk.key();
    let crumbs = vec![
        ("Issues".to_owned(), Page::Issues(String::new())),
        (reference.clone(), Page::Issue(reference.clone())),
    ];
    let title = Memo::new(move |_| {
        desk.summary().map_or_else(|| key.as_str().to_owned(), |s| menu::name(s.title.as_deref(), &s.key))
    });
    let missing = Memo::new(move |_| {
        desk.query.error.with(|e| e.as_ref().is_some_and(|e| e.code == ErrorCode::NotFound))
    });
    page_keys(desk, reference.clone());
    comment_keys(desk);
    keep_place(desk);
    follow_spot(desk);
    // One of them stands beside the text.
    Effect::new(move |_| {
        if desk.history.get() {
            desk.open.set(false);
        }
    });
    Effect::new(move |_| {
        if desk.open.get() {
            desk.history.set(false);
        }
    });
    // Comments that are there are shown.
    let looked = StoredValue::new(false);
    Effect::new(move |_| {
        if desk.read.get() && !looked.get_value() {
            looked.set_value(true);
            if desk.threads.with_untracked(|t| t.count(Listed::Open) > 0) && !desk.history.get_untracked() {
                desk.open.set(true);
            }
        }
    });
    let back = reference.clone();
    let gone = Callback::new(move |()| company().go(Page::Issue(back.clone())));
    let issue = StoredValue::new(reference);
    view! {
        <Show
            when=move || !missing.get()
            fallback=move || view! { <NotThere issue=issue.get_value() /> }
        >
            <div class="page document-page" data-testid="document-page">
                <Topbar crumbs=crumbs.clone() title=title>
                    <Written desk=desk />
                    <PageActions desk=desk gone=gone />
                </Topbar>
                <div class="split">
                    <div class="document-main">
                        <div class="document-column" class:wide=move || desk.mode.get() != Mode::Read>
                            <Verdict desk=desk />
                            <Content desk=desk />
                        </div>
                    </div>
                    <Show when=move || desk.open.get()>
                        <ThreadsPanel desk=desk />
                    </Show>
                    <Show when=move || desk.history.get()>
                        <HistoryPanel desk=desk />
                    </Show>
                </div>
            </div>
        </Show>
    }
}

/// Which revision is shown, and who wrote it.
#[component]
fn Written(desk: Desk) -> impl IntoView {
    let co = company();
    move || {
        desk.summary().map(|s| {
            let locked = s.locked_at.is_some();
            view! {
                <span class="muted num">
                    {format!("rev {} · {} · ", s.latest_revision_number, author(&s, co))}
                    <Ago at=s.updated_at />
                </span>
                {locked.then(|| view! { <span class="state tone-grey"><Icon d=i::LOCK />"Locked"</span> })}
            }
        })
    }
}

#[component]
fn PageActions(desk: Desk, gone: Callback<()>) -> impl IntoView {
    let open = Memo::new(move |_| desk.threads.with(|t| t.count(Listed::Open)));
    view! {
        <button class="btn" title="Edit (E)" data-testid="document-edit" on:click=move |_| menu::edit(desk)>
            <Icon d=i::PENCIL />
            "Edit"
        </button>
        <button
            class="icon-btn"
            aria-label="Revisions"
            title="Revisions (H)"
            aria-pressed=move || desk.history.get().to_string()
            data-testid="document-history"
            on:click=move |_| desk.history.update(|h| *h = !*h)
        >
            <Icon d=i::HISTORY />
        </button>
        <button
            class="icon-btn counted"
            aria-label="Comments"
            title="Comments (M)"
            aria-pressed=move || desk.open.get().to_string()
            data-testid="document-comments"
            on:click=move |_| desk.open.update(|o| *o = !*o)
        >
            <Icon d=i::MESSAGE_SQUARE />
            {move || (open.get() > 0).then(|| view! { <span class="num">{open.get()}</span> })}
        </button>
        <button
            class="icon-btn"
            aria-label="More"
            data-testid="document-more"
            on:click=move |ev| menu::open(&ev, desk, true, gone)
        >
            <Icon d=i::MORE_HORIZONTAL />
        </button>
    }
}

#[component]
fn Content(desk: Desk) -> impl IntoView {
    let there = Memo::new(move |_| desk.shown.with(Option::is_some));
    // Another pair of revisions is the same view of others.
    let mode = Memo::new(move |_| match desk.mode.get() {
        Mode::Read => 0,
        Mode::Edit => 1,
        Mode::Compare { .. } => 2,
    });
    move || {
        if !there.get() {
            return match desk.query.error.get() {
                Some(e) => view! { <Failed error=e retry=Callback::new(move |()| desk.query.refetch()) /> }
                    .into_any(),
                None => view! { <Skeleton rows=12 /> }.into_any(),
            };
        }
        match mode.get() {
            1 => view! { <Editing desk=desk /> }.into_any(),
            2 => view! { <Compare desk=desk /> }.into_any(),
            _ => {
                let document = desk.shown.with_untracked(|s| s.as_ref().map(|s| s.document));
                view! {
                    {document.map(|document| view! { <KeptDraft desk=desk document=document /> })}
                    <DocumentText desk=desk />
                }
                .into_any()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_names_what_it_leads_to() {
        assert_eq!(named("thread=t&comment=c", "comment"), Some("c"));
        assert_eq!(named("view=history", "thread"), None);
    }
}
