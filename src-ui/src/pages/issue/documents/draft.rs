//! What was typed into a document and is not saved yet. It survives a closed editor, a reload and a crash.

use std::cell::RefCell;
use std::rc::Rc;

use contract::{DocumentId, RevisionId, Timestamp};
use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::state::{clock, prefs};

/// Typing pauses this long (milliseconds) before it is written down: a document may be a megabyte.
const PAUSE: u32 = 350;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The revision that it was begun from.
    pub base: RevisionId,
    pub number: i64,
    pub text: String,
    pub at: Timestamp,
}

fn key(document: DocumentId) -> String {
    format!("draft:{document}")
}

pub fn load(document: DocumentId) -> Option<Draft> {
    prefs::load(&key(document))
}

pub fn forget(document: DocumentId) {
    prefs::forget(&key(document));
}

/// Writes a text down while it is typed, and once more when its editor closes. `saved` is the text that needs no
/// draft. Answers whether the last try to keep it failed.
pub fn keep(
    document: DocumentId,
    text: RwSignal<String>,
    base: RwSignal<(RevisionId, i64)>,
    saved: StoredValue<String>,
) -> RwSignal<bool> {
    let failed = RwSignal::new(false);
    let write = move || {
        let (Some(text), Some((base, number))) = (text.try_get_untracked(), base.try_get_untracked()) else {
            return;
        };
        if saved.try_with_value(|s| *s == text).unwrap_or(true) {
            forget(document);
        } else {
            let kept = prefs::save(&key(document), &Draft { base, number, text, at: clock() });
            failed.try_set(!kept);
        }
    };
    let pending = Rc::new(RefCell::new(None::<Timeout>));
    let later = pending.clone();
    Effect::new(move |before: Option<()>| {
        text.track();
        base.track();
        if before.is_some() {
            *later.borrow_mut() = Some(Timeout::new(PAUSE, write));
        }
    });
    let kept = StoredValue::new_local(pending);
    on_cleanup(move || {
        let waiting = kept.try_with_value(|p| p.borrow_mut().take()).flatten();
        if waiting.is_some() {
            write();
        }
    });
    failed
}
