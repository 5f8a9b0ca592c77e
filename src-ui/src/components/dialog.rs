//! Dialogs: a panel over a scrim that keeps the focus until it closes.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::components::base::{Icon, Kbd};
use crate::components::icons as i;
use crate::components::new_issue::NewIssue;
use crate::components::palette::Palette;
use crate::components::tree_dialog::TreeDialog;
use crate::pages::issue::CloseWorkspace;
use crate::pages::onboarding::NewCompany;
use crate::state::{Dialog, app};

const FOCUSABLE: &str =
    "a[href],button:not([disabled]),input:not([disabled]),textarea:not([disabled]),select,[tabindex='0']";

/// Keeps Tab within `root`.
fn keep_focus(root: &web_sys::Element, ev: &web_sys::KeyboardEvent) {
    let Ok(all) = root.query_selector_all(FOCUSABLE) else { return };
    let n = all.length();
    let at = |k: u32| all.item(k).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
    let (Some(first), Some(last)) = (at(0), at(n.saturating_sub(1))) else { return };
    let active = document().active_element();
    let is = |e: &web_sys::HtmlElement| active.as_ref().is_some_and(|a| a == e.unchecked_ref());
    let next = if ev.shift_key() && is(&first) {
        last
    } else if !ev.shift_key() && is(&last) {
        first
    } else {
        return;
    };
    ev.prevent_default();
    let _ = next.focus();
}

/// A panel over the page. Escape and a press outside close it.
#[component]
pub fn Overlay(
    #[prop(into)] label: String,
    #[prop(optional, into)] class: String,
    close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    let back = StoredValue::new_local(
        document().active_element().and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()),
    );
    Effect::new(move |_| {
        let Some(el) = root.get() else { return };
        let wanted = el.query_selector("[data-autofocus]").ok().flatten();
        let first = wanted.or_else(|| el.query_selector("input,textarea,button").ok().flatten());
        if let Some(el) = first.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = el.focus();
        }
    });
    on_cleanup(move || {
        let _ = back.try_with_value(|b| b.as_ref().map(web_sys::HtmlElement::focus));
    });
    let keydown = move |ev: web_sys::KeyboardEvent| match ev.key().as_str() {
        "Escape" => {
            ev.stop_propagation();
            close.run(());
        }
        "Tab" => {
            if let Some(el) = root.get_untracked() {
                keep_focus(&el, &ev);
            }
        }
        _ => {}
    };
    view! {
        <div class="scrim" on:pointerdown=move |_| close.run(())></div>
        <div
            node_ref=root
            class=format!("dialog {class}")
            role="dialog"
            aria-modal="true"
            aria-label=label
            tabindex="-1"
            on:keydown=keydown
        >
            {children()}
        </div>
    }
}

/// Draws the open dialog, if there is one.
#[component]
pub fn DialogLayer() -> impl IntoView {
    let dialog = app().dialog;
    let close = Callback::new(move |()| dialog.set(None));
    move || {
        dialog.get().map(|d| match d {
            Dialog::Palette => view! { <Palette /> }.into_any(),
            Dialog::Shortcuts => view! { <Shortcuts close /> }.into_any(),
            Dialog::NewIssue(defaults) => view! { <NewIssue defaults=defaults /> }.into_any(),
            Dialog::Tree { issue, key, mode } => view! { <TreeDialog issue key mode close /> }.into_any(),
            Dialog::CloseWorkspace(id) => view! { <CloseWorkspace id=id close /> }.into_any(),
            Dialog::NewCompany => view! { <NewCompany close /> }.into_any(),
            Dialog::Confirm { title, body, action, danger, then } => view! {
                <Overlay label=title.clone() class="confirm" close=close>
                    <h2>{title}</h2>
                    <p>{body}</p>
                    <div class="dialog-actions">
                        <button class="btn" on:click=move |_| close.run(())>
                            "Keep as it is"
                        </button>
                        <button
                            class=if danger { "btn danger" } else { "btn primary" }
                            data-autofocus=""
                            data-testid="confirm-yes"
                            on:click=move |_| {
                                close.run(());
                                then.run(());
                            }
                        >
                            {action}
                        </button>
                    </div>
                </Overlay>
            }
            .into_any(),
        })
    }
}

/// The sheet of shortcuts: context, then keys and what they do.
const SHORTCUTS: &[(&str, &[(&str, &str)])] = &[
    (
        "Everywhere",
        &[
            ("Ctrl K", "Command palette"),
            ("C", "New issue"),
            ("/", "Search this page"),
            ("[", "Sidebar"),
            ("]", "Properties panel"),
            ("?", "This sheet"),
            ("G D", "Dashboard"),
            ("G I", "Issues"),
            ("G A", "Agents"),
            ("G W", "Waiting for you"),
        ],
    ),
    (
        "Lists",
        &[
            ("J", "Next"),
            ("K", "Previous"),
            ("Enter", "Open"),
            ("X", "Select"),
            ("S", "Set status"),
            ("P", "Set priority"),
            ("A", "Assign"),
            ("Shift →", "Board: next column"),
            ("Shift ←", "Board: previous column"),
        ],
    ),
    (
        "Issue",
        &[
            ("E", "Edit description"),
            ("R", "Write a comment"),
            ("Ctrl Enter", "Send or save"),
            ("Esc", "Leave"),
        ],
    ),
    (
        "Document",
        &[
            ("A", "Comment on the selected text"),
            ("J", "Next comment"),
            ("K", "Previous comment"),
            ("R", "Reply"),
            ("D", "Resolve, or open again"),
            ("M", "Comments"),
            ("H", "Revisions"),
            ("E", "Edit"),
        ],
    ),
];

#[component]
fn Shortcuts(close: Callback<()>) -> impl IntoView {
    view! {
        <Overlay label="Keyboard shortcuts" class="shortcuts" close=close>
            <header class="dialog-head">
                <h2>"Keyboard shortcuts"</h2>
                <button class="icon-btn" aria-label="Close" on:click=move |_| close.run(())>
                    <Icon d=i::X />
                </button>
            </header>
            <div class="shortcut-columns">
                {SHORTCUTS
                    .iter()
                    .map(|(context, keys)| {
                        view! {
                            <section>
                                <h3>{*context}</h3>
                                <dl>
                                    {keys
                                        .iter()
                                        .map(|(k, what)| {
                                            view! {
                                                <div>
                                                    <dt>{*what}</dt>
                                                    <dd>
                                                        <Kbd keys=k />
                                                    </dd>
                                                </div>
                                            }
                                        })
                                        .collect_view()}
                                </dl>
                            </section>
                        }
                    })
                    .collect_view()}
            </div>
        </Overlay>
    }
}
