//! The files of an issue: pictures as a gallery, others as rows; dropped, pasted or chosen.

use contract::IssueId;
use contract::attachment::{Attachment, AttachmentPath};
use contract::issue::IssuePath;
use contract::operations as op;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Current;
use crate::api::query::{Ask, use_query};
use crate::api::upload;
use crate::components::attachment::{Kind, Picture, Preview, kind, save};
use crate::components::base::{Ago, Icon};
use crate::components::icons as i;
use crate::format;
use crate::state::{Co, Dialog, act, app, company};

/// A file that is being sent, and which share of it is there.
#[derive(Clone)]
struct Sending {
    n: usize,
    name: String,
    share: RwSignal<f64>,
}

/// What the section and the page's drop zone share.
#[derive(Clone, Copy)]
pub struct Files {
    co: Co,
    issue: IssueId,
    sending: RwSignal<Vec<Sending>>,
    count: StoredValue<usize>,
}

impl Files {
    pub fn of(issue: IssueId) -> Self {
        Self { co: company(), issue, sending: RwSignal::default(), count: StoredValue::new(0) }
    }

    /// Sends files one after the other; a refusal is told and keeps no other from being sent.
    pub fn send(self, files: Vec<web_sys::File>) {
        let waiting: Vec<(Sending, web_sys::File)> = files
            .into_iter()
            .map(|file| {
                let n = self.count.with_value(|n| *n);
                self.count.set_value(n + 1);
                (Sending { n, name: file.name(), share: RwSignal::new(0.0) }, file)
            })
            .collect();
        self.sending.update(|s| s.extend(waiting.iter().map(|(s, _)| s.clone())));
        spawn_local(async move {
            for (row, file) in waiting {
                let told = move |share| {
                    row.share.try_set(share);
                };
                if let Err(e) = upload::attach(self.co.id, self.issue, None, &file, told).await {
                    app().fail(&e);
                }
                self.sending.try_update(|s| s.retain(|s| s.n != row.n));
            }
        });
    }
}

/// The files that a drop or a paste brings.
pub fn files_of(data: Option<web_sys::DataTransfer>) -> Vec<web_sys::File> {
    let Some(list) = data.and_then(|d| d.files()) else { return Vec::new() };
    (0..list.length()).filter_map(|n| list.get(n)).collect()
}

#[component]
pub fn Attachments(current: Current, files: Files) -> impl IntoView {
    let co = company();
    let id = current.detail.with_untracked(|d| d.issue.id);
    let all = use_query::<op::ListAttachments>(move || Some(Ask::within(IssuePath { id: id.into() }, co.id)));
    let list = Memo::new(move |_| all.get().map(|a| a.to_vec()).unwrap_or_default());
    let pick = NodeRef::<html::Input>::new();
    let open = RwSignal::new(None::<Attachment>);
    let pictures = Memo::new(move |_| list.with(|l| of_kind(l, |k| k == Kind::Picture)));
    let others = Memo::new(move |_| list.with(|l| of_kind(l, |k| k != Kind::Picture)));
    let choose = move |_| {
        if let Some(input) = pick.get_untracked() {
            input.click();
        }
    };
    let chosen = move |_| {
        let Some(input) = pick.get_untracked() else { return };
        let picked = input.files();
        let picked = picked.map(|l| (0..l.length()).filter_map(|n| l.get(n)).collect()).unwrap_or_default();
        files.send(picked);
        // The same file may be chosen again.
        input.set_value("");
    };
    view! {
        <section
            class="block"
            class:block-empty=move || list.with(Vec::is_empty) && files.sending.with(Vec::is_empty)
            data-testid="attachments"
        >
            <header class="block-head">
                <h2>"Attachments"</h2>
                <span class="muted num">{move || list.with(|l| (!l.is_empty()).then_some(l.len()))}</span>
                <button
                    class="icon-btn push"
                    aria-label="Attach files"
                    title="Attach files (or drop them anywhere on this page)"
                    on:click=choose
                >
                    <Icon d=i::PLUS />
                </button>
                <input
                    node_ref=pick
                    type="file"
                    multiple
                    hidden
                    data-testid="attach-input"
                    on:change=chosen
                />
            </header>
            <Show when=move || !pictures.with(Vec::is_empty)>
                <div class="gallery">
                    <For each=move || pictures.get() key=|a| a.id let:a>
                        <Thumb attachment=a open=open />
                    </For>
                </div>
            </Show>
            <Show when=move || !others.with(Vec::is_empty) || !files.sending.with(Vec::is_empty)>
                <div class="mini-list">
                    <For each=move || others.get() key=|a| a.id let:a>
                        <FileRow attachment=a open=open />
                    </For>
                    <For each=move || files.sending.get() key=|s| s.n let:s>
                        <div class="mini-row">
                            <span class="mini-link">
                                <Icon d=i::LOADER_CIRCLE />
                                <span class="ellipsis">{s.name}</span>
                            </span>
                            <progress max="1" value=move || s.share.get()></progress>
                        </div>
                    </For>
                </div>
            </Show>
            {move || {
                open.get()
                    .map(|a| view! { <Preview attachment=a close=Callback::new(move |()| open.set(None)) /> })
            }}
        </section>
    }
}

fn of_kind(all: &[Attachment], wanted: impl Fn(Kind) -> bool) -> Vec<Attachment> {
    all.iter().filter(|a| wanted(kind(a))).cloned().collect()
}

fn name(a: &Attachment) -> String {
    a.original_filename.clone().unwrap_or_else(|| "Attachment".to_owned())
}

/// Asks, and takes the file away for good.
fn delete(a: &Attachment) {
    let id = a.id;
    app().dialog.set(Some(Dialog::Confirm {
        title: format!("Delete {}?", name(a)),
        body: "The file is taken away for good. Texts that show it will say that it is gone.".into(),
        action: "Delete".into(),
        danger: true,
        then: Callback::new(move |()| act::<op::DeleteAttachment>(AttachmentPath { id }, |_| ())),
    }));
}

#[component]
fn Thumb(attachment: Attachment, open: RwSignal<Option<Attachment>>) -> impl IntoView {
    let name = name(&attachment);
    let (shown, gone) = (attachment.clone(), attachment.clone());
    view! {
        <figure class="thumb" data-testid="attachment">
            <button
                class="thumb-open"
                aria-label=format!("Show {name}")
                title=name.clone()
                on:click=move |_| open.set(Some(shown.clone()))
            >
                <Picture id=attachment.id alt=name.clone() />
            </button>
            <figcaption>
                <span class="ellipsis">{name.clone()}</span>
                <button
                    class="icon-btn"
                    aria-label=format!("Delete {name}")
                    title="Delete"
                    on:click=move |_| delete(&gone)
                >
                    <Icon d=i::TRASH_2 />
                </button>
            </figcaption>
        </figure>
    }
}

#[component]
fn FileRow(attachment: Attachment, open: RwSignal<Option<Attachment>>) -> impl IntoView {
    let co = company();
    let id = attachment.id;
    let name = name(&attachment);
    let (shown, gone) = (attachment.clone(), attachment.clone());
    let is_text = kind(&attachment) == Kind::Text;
    let by = attachment.created_by_agent_id;
    view! {
        <div class="mini-row" data-testid="attachment">
            <button
                class="mini-link"
                title=if is_text { "Show" } else { "Save as…" }
                on:click=move |_| if is_text { open.set(Some(shown.clone())) } else { save(id) }
            >
                <Icon d=i::FILE_TEXT />
                <span class="ellipsis">{name.clone()}</span>
            </button>
            <span class="muted">{format::bytes(attachment.byte_size.unsigned_abs())}</span>
            <span class="muted ellipsis">{move || by.map_or_else(|| "You".to_owned(), |a| co.agent_name(a))}</span>
            <Ago at=attachment.created_at />
            <button
                class="icon-btn"
                aria-label=format!("Save {name}")
                title="Save as…"
                on:click=move |_| save(id)
            >
                <Icon d=i::ARROW_DOWN />
            </button>
            <button
                class="icon-btn"
                aria-label=format!("Delete {name}")
                title="Delete"
                on:click=move |_| delete(&gone)
            >
                <Icon d=i::TRASH_2 />
            </button>
        </div>
    }
}
