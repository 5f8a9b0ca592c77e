//! The title and the description of an issue, edited where they stand.

use contract::{Patch, Text};
use leptos::html;
use leptos::prelude::*;

use super::Current;
use crate::components::base::Icon;
use crate::components::editor::Editor;
use crate::components::growing_field::GrowingField;
use crate::components::icons as i;
use crate::markdown::view::Markdown;
use crate::state::{app, ask_to_discard};
use crate::text::{checked, optional};

/// The title, edited where it stands.
#[component]
pub fn Title(current: Current) -> impl IntoView {
    let detail = current.detail;
    let node = NodeRef::<html::Textarea>::new();
    let title = Memo::new(move |_| detail.with(|d| d.issue.title.clone()));
    let text = RwSignal::new(title.get_untracked());
    let focused = RwSignal::new(false);
    Effect::new(move |_| {
        let t = title.get();
        if !focused.get_untracked() {
            text.set(t);
        }
    });
    let save = move || {
        focused.set(false);
        let typed = text.get_untracked();
        if typed.trim() == title.get_untracked() {
            return;
        }
        match checked("The title", typed) {
            // What was typed stays in the field, should the core refuse it.
            Ok(t) => current.save(|u| u.title = Some(t), || ()),
            Err(e) => app().fail(&e),
        }
    };
    view! {
        <div
            class="issue-title"
            on:focusin=move |_| focused.set(true)
            on:focusout=move |_| save()
            on:keydown=move |ev| {
                // A title is one line.
                if ev.key() == "Enter" {
                    ev.prevent_default();
                    if let Some(el) = node.get_untracked() {
                        let _ = el.blur();
                    }
                }
            }
        >
            <GrowingField
                value=text
                label="Title"
                placeholder="Title"
                testid="issue-title"
                class="title-editor"
                node=node
                submit=Callback::new(move |()| {
                    if let Some(el) = node.get_untracked() {
                        let _ = el.blur();
                    }
                })
                cancel=Callback::new(move |()| {
                    text.set(title.get_untracked());
                    if let Some(el) = node.get_untracked() {
                        let _ = el.blur();
                    }
                })
            />
        </div>
    }
}

/// The description: read, or written in its place.
#[component]
pub fn Description(current: Current, editing: RwSignal<bool>) -> impl IntoView {
    let detail = current.detail;
    let source = Memo::new(move |_| detail.with(|d| d.issue.description.clone().unwrap_or_default()));
    let text = RwSignal::new(String::new());
    Effect::new(move |_| {
        if editing.get() {
            text.set(source.get_untracked());
        }
    });
    let leave = move || {
        let same = text.with_untracked(|t| source.with_untracked(|s| t == s));
        if same {
            return editing.set(false);
        }
        ask_to_discard(Callback::new(move |()| editing.set(false)));
    };
    let save = move || {
        let typed = text.get_untracked();
        if typed == source.get_untracked() {
            return editing.set(false);
        }
        match optional("The description", typed) {
            // The editor stays until it is saved.
            Ok(t) => current.save(|u| u.description = Patch::from(t), move || editing.set(false)),
            Err(e) => app().fail(&e),
        }
    };
    view! {
        <Show
            when=move || editing.get()
            fallback=move || {
                view! {
                    <div class="description" data-testid="issue-description">
                        <Show
                            when=move || source.with(|s| !s.trim().is_empty())
                            fallback=move || {
                                view! {
                                    <button class="placeholder" on:click=move |_| editing.set(true)>
                                        "Add a description"
                                    </button>
                                }
                            }
                        >
                            <Markdown
                                source=source
                                on_tick=Callback::new(move |ticked: String| {
                                    current.save(|u| u.description = Patch::from(Text::new(ticked).ok()), || ());
                                })
                            />
                            <button
                                class="icon-btn edit-corner"
                                aria-label="Edit description"
                                title="Edit (E)"
                                on:click=move |_| editing.set(true)
                            >
                                <Icon d=i::PENCIL />
                            </button>
                        </Show>
                    </div>
                }
            }
        >
            <div class="edit-box">
                <Editor
                    value=text
                    label="Description"
                    placeholder="Describe what should be true when this is done"
                    autofocus=true
                    class="bare tall"
                    submit=Callback::new(move |()| save())
                    cancel=Callback::new(move |()| leave())
                />
                <div class="edit-actions">
                    <button class="btn quiet" on:click=move |_| leave()>
                        "Discard"
                    </button>
                    <button class="btn primary" on:click=move |_| save()>
                        "Save"
                    </button>
                </div>
            </div>
        </Show>
    }
}
