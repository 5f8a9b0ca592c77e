//! The files that tell an agent who it is and how it works.

use contract::Text;
use contract::agent::{InstructionsFilePath, WriteInstructionsFile};
use contract::operations as op;
use leptos::prelude::*;

use super::Current;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Empty, Icon, loaded};
use crate::components::editor::Editor;
use crate::components::icons as i;
use crate::format;
use crate::state::{Dialog, act, app, company};
use crate::text::checked;

#[component]
pub fn Instructions(current: Current) -> impl IntoView {
    let co = company();
    let bundle = use_query::<op::GetInstructions>(move || Some(Ask::within(current.path(), co.id)));
    let chosen = RwSignal::new(None::<String>);
    let adding = RwSignal::new(false);
    let path = Memo::new(move |_| {
        // The entry file is shown first, if it was ever written.
        chosen.get().or_else(|| {
            bundle.data.with(|b| {
                let b = b.as_ref()?;
                b.files.iter().find(|f| f.is_entry_file).or(b.files.first()).map(|f| f.path.clone())
            })
        })
    });
    let add = move |name: String| {
        let there = bundle
            .data
            .with_untracked(|b| b.as_ref().is_some_and(|b| b.files.iter().any(|f| f.path == name)));
        if there {
            adding.set(false);
            app().say(format!("{name} is there already"));
            return chosen.set(Some(name));
        }
        let typed = (checked("The file's name", name.clone()), checked("The file", format!("# {name}\n")));
        let (file, content) = match typed {
            (Ok(file), Ok(content)) => (file, content),
            (Err(e), _) | (_, Err(e)) => return app().fail(&e),
        };
        let input = WriteInstructionsFile {
            id: current.path().id,
            path: file,
            content,
            clear_legacy_prompt_template: false,
            create_only: true,
        };
        act::<op::PutInstructionsFile>(input, move |_| {
            adding.try_set(false);
            chosen.try_set(Some(name));
            bundle.refetch();
        });
    };
    view! {
        <div class="page-inner">
            {loaded(
                bundle,
                6,
                move |b| {
                    view! {
                        {move || {
                            b.with(|b| b.warnings.clone())
                                .into_iter()
                                .map(|w| {
                                    view! {
                                        <div class="notice tone-yellow">
                                            <Icon d=i::TRIANGLE_ALERT />
                                            <span>{w}</span>
                                        </div>
                                    }
                                })
                                .collect_view()
                        }}
                        <div class="files">
                            <div class="file-list" role="list" aria-label="Files">
                                <For
                                    each=move || b.with(|b| b.files.clone())
                                    key=|f| (f.path.clone(), f.size)
                                    let:f
                                >
                                    {
                                        let (is, pick) = (f.path.clone(), f.path.clone());
                                        view! {
                                            <button
                                                class="file"
                                                class:on=move || path.with(|p| p.as_ref() == Some(&is))
                                                on:click=move |_| chosen.set(Some(pick.clone()))
                                            >
                                                <Icon d=i::FILE_TEXT />
                                                <span class="ellipsis">{f.path.clone()}</span>
                                                <span class="push muted num">{format::bytes(f.size)}</span>
                                            </button>
                                        }
                                    }
                                </For>
                                <Show
                                    when=move || adding.get()
                                    fallback=move || {
                                        view! {
                                            <button class="file muted" on:click=move |_| adding.set(true)>
                                                <Icon d=i::PLUS />
                                                "New file"
                                            </button>
                                        }
                                    }
                                >
                                    <input
                                        class="field"
                                        type="text"
                                        placeholder="notes.md"
                                        aria-label="File name"
                                        on:keydown:target=move |ev| match ev.key().as_str() {
                                            "Enter" => add(ev.target().value().trim().to_owned()),
                                            "Escape" => adding.set(false),
                                            _ => {}
                                        }
                                    />
                                </Show>
                            </div>
                            {move || match path.get() {
                                Some(p) => {
                                    let entry = b.with_untracked(|b| b.entry_file == p);
                                    let gone = Callback::new(move |()| {
                                        chosen.set(None);
                                        bundle.refetch();
                                    });
                                    view! { <FileEditor current=current path=p entry=entry gone=gone /> }.into_any()
                                }
                                None => {
                                    view! {
                                        <Empty
                                            icon=i::FILE_TEXT
                                            title="No instruction files"
                                            text="Add one to tell this agent who it is and how it shall work."
                                        />
                                    }
                                        .into_any()
                                }
                            }}
                        </div>
                    }
                },
            )}
        </div>
    }
}

#[component]
fn FileEditor(current: Current, path: String, entry: bool, gone: Callback<()>) -> impl IntoView {
    let co = company();
    let name = StoredValue::new(path.clone());
    let file_path = move || -> Option<InstructionsFilePath> {
        Some(InstructionsFilePath { id: current.path().id, path: Text::new(name.get_value()).ok()? })
    };
    let file = use_query::<op::GetInstructionsFile>(move || Some(Ask::within(file_path()?, co.id)));
    let delete = move |_| {
        let Some(p) = file_path() else { return };
        app().dialog.set(Some(Dialog::Confirm {
            title: format!("Delete {}?", name.get_value()),
            body: "The agent's next run no longer reads it.".into(),
            action: "Delete".into(),
            danger: true,
            then: Callback::new(move |()| {
                act::<op::DeleteInstructionsFile>(p.clone(), move |_| gone.run(()));
            }),
        }));
    };
    view! {
        <div class="edit-box">
            {loaded(
                file,
                8,
                move |f| {
                    let saved = Memo::new(move |_| f.with(|f| f.content.clone()));
                    let text = RwSignal::new(saved.get_untracked());
                    let dirty = Memo::new(move |_| text.with(|t| saved.with(|s| t != s)));
                    let editable = f.with_untracked(|f| f.summary.editable);
                    let save = move || {
                        let Some(p) = file_path() else { return };
                        let content = match checked("The file", text.get_untracked()) {
                            Ok(content) => content,
                            Err(e) => return app().fail(&e),
                        };
                        let input = WriteInstructionsFile {
                            id: p.id,
                            path: p.path,
                            content,
                            clear_legacy_prompt_template: false,
                            create_only: false,
                        };
                        act::<op::PutInstructionsFile>(input, move |_| {
                            file.refetch();
                            app().say("Saved. Its next run reads it.");
                        });
                    };
                    view! {
                        <Editor
                            value=text
                            label="File"
                            placeholder="Markdown"
                            class="bare tall mono"
                            submit=Callback::new(move |()| save())
                        />
                        <div class="edit-actions">
                            {entry
                                .then(|| view! { <span class="muted">"Every run begins with this file"</span> })}
                            <span class="push"></span>
                            {(!entry)
                                .then(|| {
                                    view! {
                                        <button class="btn quiet" on:click=delete>
                                            "Delete"
                                        </button>
                                    }
                                })}
                            <button
                                class="btn primary"
                                disabled=move || !dirty.get() || !editable
                                on:click=move |_| save()
                            >
                                "Save"
                            </button>
                        </div>
                    }
                },
            )}
        </div>
    }
}
