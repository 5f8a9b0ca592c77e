//! A file as it is shown: a picture, a name that saves it, or the beginning of its text.

use contract::attachment::{Attachment, AttachmentPath, essence};
use contract::operations as op;
use contract::{AttachmentId, CompanyId, IssueId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::json;

use crate::api::query::{Ask, use_query};
use crate::api::upload;
use crate::components::base::{Icon, Skeleton};
use crate::components::dialog::Overlay;
use crate::components::icons as i;
use crate::components::markdown_editor::{OnFiles, Place};
use crate::format;
use crate::ipc;
use crate::state::app;

/// Where the window finds the bytes.
fn address(id: AttachmentId) -> String {
    format!("attachment://localhost/{id}")
}

/// Lets the operator choose where a copy goes.
pub fn save(id: AttachmentId) {
    spawn_local(async move {
        match ipc::invoke_bytes::<bool>("save_attachment", &json!({ "id": id })).await {
            Ok(true) => app().say("Saved"),
            Ok(false) => {}
            Err(e) => app().fail(&e),
        }
    });
}

/// The issue whose attachments become what is pasted or dropped into a text.
#[derive(Clone, Copy)]
pub struct AttachTo {
    pub company: CompanyId,
    pub issue: IssueId,
}

impl AttachTo {
    /// Sends the files, and puts what shows them into the text.
    pub fn takes(self) -> OnFiles {
        Callback::new(move |(files, place): (Vec<web_sys::File>, Place)| {
            spawn_local(async move {
                let mut shown = Vec::new();
                for file in &files {
                    match upload::attach(self.company, self.issue, None, file, |_| ()).await {
                        Ok(a) => shown.push(upload::markdown(&a)),
                        Err(e) => app().fail(&e),
                    }
                }
                place.put(&shown.join("\n"));
            });
        })
    }
}

/// A picture within a text. One that cannot be shown is its words.
#[component]
pub fn Picture(id: AttachmentId, alt: String) -> impl IntoView {
    let broken = RwSignal::new(false);
    let words = if alt.is_empty() { "Picture".to_owned() } else { alt.clone() };
    move || {
        if broken.get() {
            let words = words.clone();
            return view! { <span class="dead-link" title="This picture cannot be shown">{words}</span> }
                .into_any();
        }
        view! {
            <img
                class="picture"
                src=address(id)
                alt=alt.clone()
                loading="lazy"
                decoding="async"
                on:error=move |_| broken.set(true)
            />
        }
        .into_any()
    }
}

/// A name within a text that saves the file.
#[component]
pub fn FileLink(id: AttachmentId, children: Children) -> impl IntoView {
    view! {
        <button class="quiet-link file-link" title="Save this file" on:click=move |_| save(id)>
            {children()}
        </button>
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Picture,
    Text,
    Other,
}

pub fn kind(a: &Attachment) -> Kind {
    let kind = essence(&a.content_type);
    match kind.split_once('/') {
        Some(("image", _)) => Kind::Picture,
        Some(("text", _)) => Kind::Text,
        _ if ["application/json", "application/xml", "application/yaml", "application/csv"]
            .contains(&kind) =>
        {
            Kind::Text
        }
        _ => Kind::Other,
    }
}

/// A file large, over the page.
#[component]
pub fn Preview(attachment: Attachment, close: Callback<()>) -> impl IntoView {
    let id = attachment.id;
    let name = attachment.original_filename.clone().unwrap_or_else(|| "Attachment".to_owned());
    let size = format::bytes(attachment.byte_size.unsigned_abs());
    let content = match kind(&attachment) {
        Kind::Picture => view! { <Picture id=id alt=name.clone() /> }.into_any(),
        _ => view! { <Words id=id /> }.into_any(),
    };
    view! {
        <Overlay label=name.clone() class="preview" close=close>
            <header class="preview-head">
                <strong class="ellipsis">{name.clone()}</strong>
                <span class="muted">{size}</span>
                <button class="btn push" on:click=move |_| save(id)>
                    "Save as…"
                </button>
                <button class="icon-btn" aria-label="Close" title="Close" on:click=move |_| close.run(())>
                    <Icon d=i::X />
                </button>
            </header>
            <div class="preview-body">{content}</div>
        </Overlay>
    }
}

#[component]
fn Words(id: AttachmentId) -> impl IntoView {
    let text = use_query::<op::GetAttachmentText>(move || Some(Ask::of(AttachmentPath { id })));
    move || {
        match (text.get(), text.error.get()) {
        (Some(t), _) => view! {
            <pre class="selectable">{t.text.clone()}</pre>
            {t.truncated.then(|| view! { <p class="muted pad">"There is more: save the file to see all of it."</p> })}
        }
        .into_any(),
        (None, Some(e)) => view! { <p class="muted pad">{e.message}</p> }.into_any(),
        (None, None) => view! { <Skeleton rows=4 /> }.into_any(),
    }
    }
}
