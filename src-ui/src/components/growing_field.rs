//! A plain field that grows with its text: for what is one line or one paragraph, and the place where a Markdown editor
//! stands before it is needed.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::state::keys::command;

/// Fits the height of a text area to its text.
pub fn grow(el: &web_sys::HtmlTextAreaElement) {
    let style = el.unchecked_ref::<web_sys::HtmlElement>().style();
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", el.scroll_height() + 2));
}

/// Shows a text in a text area without moving its cursor for nothing.
pub fn show(el: &web_sys::HtmlTextAreaElement, text: &str) {
    if el.value() != text {
        el.set_value(text);
    }
    grow(el);
}

#[component]
pub fn GrowingField(
    value: RwSignal<String>,
    #[prop(into)] placeholder: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] testid: String,
    #[prop(optional, into)] class: String,
    /// Ctrl+Enter.
    #[prop(optional, into)]
    submit: Option<Callback<()>>,
    /// Escape.
    #[prop(optional, into)]
    cancel: Option<Callback<()>>,
    #[prop(optional)] node: NodeRef<html::Textarea>,
) -> impl IntoView {
    Effect::new(move |_| {
        value.track();
        if let Some(el) = node.get() {
            value.with_untracked(|v| show(&el, v));
        }
    });
    let keydown = move |ev: web_sys::KeyboardEvent| {
        let deed = match ev.key().as_str() {
            "Enter" if command(&ev) => submit,
            "Escape" => cancel,
            _ => None,
        };
        if let Some(deed) = deed {
            ev.prevent_default();
            ev.stop_propagation();
            deed.run(());
        }
    };
    view! {
        <div class=format!("editor {class}")>
            <textarea
                node_ref=node
                rows="1"
                aria-label=label
                placeholder=placeholder
                data-testid=testid
                on:input:target=move |ev| value.set(ev.target().value())
                on:keydown=keydown
            ></textarea>
        </div>
    }
}
