//! What can be done with a document as a whole.

use contract::document::DocumentPath;
use contract::operations as op;
use leptos::prelude::*;

use super::desk::{Desk, Mode};
use crate::components::base::copy;
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::state::{Dialog, act, app, company};
use crate::{format, ipc};

/// What a document is called.
pub fn name(title: Option<&str>, key: &str) -> String {
    title.filter(|t| !t.is_empty()).map_or_else(|| format::words(key), str::to_owned)
}

/// Opens the menu. `large` is whether the document has the page to itself.
pub fn open(ev: &web_sys::MouseEvent, desk: Desk, large: bool, deleted: Callback<()>) {
    let (Some(el), Some(summary)) = (anchor(ev), desk.summary()) else { return };
    let locked = summary.locked_at.is_some();
    let mut choices = Vec::new();
    if !large {
        choices.push(Choice::new("open", "Open large", Glyph::Icon(i::MAXIMIZE_2)));
    }
    choices.extend([
        Choice::new("copy", "Copy Markdown", Glyph::Icon(i::COPY)),
        Choice::new("link", "Copy link", Glyph::Icon(i::LINK)),
        Choice::new("download", "Save as a file", Glyph::Icon(i::DOWNLOAD)),
        if locked {
            Choice::new("unlock", "Unlock for agents", Glyph::Icon(i::LOCK_OPEN))
        } else {
            Choice::new("lock", "Lock against agents", Glyph::Icon(i::LOCK))
        },
        Choice::new("delete", "Delete document", Glyph::Icon(i::TRASH_2)).danger(),
    ]);
    let pick = Callback::new(move |what: String| {
        let path = DocumentPath { id: desk.issue.into(), key: desk.key() };
        match what.as_str() {
            "open" => company().go(desk.page("")),
            "copy" => copy(body(desk), "Document"),
            "link" => copy(company().route(desk.page("")).href(), "Link"),
            "download" => download(desk),
            "lock" => act::<op::LockDocument>(path, move |_| {
                desk.query.refetch();
                app().say("Locked: agents cannot write it");
            }),
            "unlock" => act::<op::UnlockDocument>(path, move |_| {
                desk.query.refetch();
                app().say("Unlocked");
            }),
            "delete" => delete(path, deleted),
            _ => {}
        }
    });
    Menu::under(&el, "Document", choices, pick).open();
}

fn body(desk: Desk) -> String {
    desk.shown.with_untracked(|s| s.as_ref().map(|s| s.body().to_owned()).unwrap_or_default())
}

fn download(desk: Desk) {
    let name = format!("{}.md", desk.key().as_str());
    leptos::task::spawn_local(async move {
        match ipc::save_text(&name, &body(desk)).await {
            Ok(Some(path)) => app().say(format!("Saved as {path}")),
            Ok(None) => {}
            Err(e) => app().fail(&e),
        }
    });
}

fn delete(path: DocumentPath, deleted: Callback<()>) {
    app().dialog.set(Some(Dialog::Confirm {
        title: format!("Delete the document {}?", path.key.as_str()),
        body: "It goes with all its revisions and comments. This cannot be undone.".into(),
        action: "Delete".into(),
        danger: true,
        then: Callback::new(move |()| {
            act::<op::DeleteDocument>(path.clone(), move |_| {
                app().say("Document deleted");
                deleted.run(());
            });
        }),
    }));
}

/// Edits the document, or leaves what is being edited alone.
pub fn edit(desk: Desk) {
    if desk.shown.with_untracked(Option::is_some) {
        desk.mode.set(Mode::Edit);
    }
}
