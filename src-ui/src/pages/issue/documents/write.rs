//! Where text is written: a document's own, and what is said about it. Nothing else here knows the editor.

use contract::ApiError;
use leptos::prelude::*;

use crate::components::base::{Icon, Kbd};
use crate::components::editor::Editor;
use crate::components::icons as i;
use crate::state::prefs;

/// The Markdown of a document.
#[component]
pub fn Body(text: RwSignal<String>, save: Callback<()>, leave: Callback<()>) -> impl IntoView {
    view! {
        <Editor
            value=text
            label="Document"
            placeholder="Markdown"
            autofocus=true
            class="bare tall"
            testid="document-editor"
            submit=save
            cancel=leave
        />
    }
}

/// Sends what was written; the answer says why not.
pub type Send = Callback<(String, Callback<Result<(), ApiError>>)>;

/// A comment that is being written. It is kept under `draft` until it is sent.
#[component]
pub fn Note(
    #[prop(into)] draft: String,
    label: &'static str,
    /// What the button says.
    action: &'static str,
    send: Send,
    cancel: Callback<()>,
    /// It has nothing to be about now, and this is why.
    #[prop(optional, into)]
    hindered: Signal<Option<&'static str>>,
) -> impl IntoView {
    let text = RwSignal::new(prefs::load::<String>(&draft).unwrap_or_default());
    let draft = StoredValue::new(draft);
    let error = RwSignal::new(None::<ApiError>);
    let busy = RwSignal::new(false);
    prefs::keep(draft, text);
    let send = move || {
        let body = text.get_untracked();
        let free = !busy.get_untracked() && hindered.get_untracked().is_none();
        if body.trim().is_empty() || !free {
            return;
        }
        busy.set(true);
        error.set(None);
        let answer = Callback::new(move |answer: Result<(), ApiError>| {
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    // By the time of the answer this may be gone, and its draft must go all the same.
                    if let Some(key) = draft.try_get_value() {
                        prefs::forget(&key);
                    }
                    text.try_set(String::new());
                }
                Err(e) => {
                    error.try_set(Some(e));
                }
            }
        });
        send.run((body, answer));
    };
    view! {
        <div class="remark-note">
            <Editor
                value=text
                label=label
                placeholder=format!("{label}{} @ names an agent", if label.ends_with('?') { "" } else { "," })
                autofocus=true
                class="bare"
                testid="note"
                submit=Callback::new(move |()| send())
                cancel=cancel
            />
            {move || {
                error
                    .get()
                    .map(|e| {
                        view! {
                            <p class="field-error" role="alert">
                                {e.message}
                                {e.hint.map(|h| view! { " " <span class="muted">{h}</span> })}
                            </p>
                        }
                    })
            }}
            {move || {
                hindered
                    .get()
                    .map(|why| {
                        view! {
                            <div class="notice tone-yellow">
                                <Icon d=i::TRIANGLE_ALERT />
                                <span>{why}</span>
                            </div>
                        }
                    })
            }}
            <div class="edit-actions">
                <button class="btn quiet" on:click=move |_| cancel.run(())>
                    "Not now"
                </button>
                <button
                    class="btn primary"
                    data-testid="note-send"
                    disabled=move || {
                        busy.get() || hindered.with(Option::is_some) || text.with(|t| t.trim().is_empty())
                    }
                    on:click=move |_| send()
                >
                    {action}
                    <Kbd keys="Ctrl ↵" />
                </button>
            </div>
        </div>
    }
}
