//! The quiet row of buttons below an editor.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::components::base::Icon;
use crate::components::icons as i;

/// Command of the script, what it does, its keys, its icon. An empty command parts two groups.
const BUTTONS: [(&str, &str, &str, &str); 15] = [
    ("bold", "Bold", "Ctrl+B", i::BOLD),
    ("italic", "Italic", "Ctrl+I", i::ITALIC),
    ("strike", "Strike through", "Ctrl+Shift+X", i::STRIKETHROUGH),
    ("code", "Code", "Ctrl+E", i::CODE),
    ("link", "Link", "Ctrl+Shift+K", i::LINK),
    ("", "", "", ""),
    ("bullets", "List", "Ctrl+Shift+8", i::LIST),
    ("numbers", "Numbered list", "Ctrl+Shift+7", i::LIST_ORDERED),
    ("tasks", "Task list", "Ctrl+Shift+9", i::LIST_TODO),
    ("quote", "Quote", "", i::TEXT_QUOTE),
    ("fence", "Code block", "", i::SQUARE_CODE),
    ("table", "Insert table", "", i::TABLE),
    ("align", "Align the table's columns", "", i::TABLE_PROPERTIES),
    ("", "", "", ""),
    ("find", "Find and replace", "Ctrl+F", i::SEARCH),
];

#[component]
pub fn Toolbar(run: Callback<&'static str>) -> impl IntoView {
    let bar = NodeRef::<html::Div>::new();
    // One stop for Tab; the arrows go from button to button.
    let stop = RwSignal::new(0usize);
    let walk = move |ev: web_sys::KeyboardEvent| {
        let count = BUTTONS.len();
        let mut to = stop.get_untracked();
        loop {
            to = match ev.key().as_str() {
                "ArrowRight" => (to + 1) % count,
                "ArrowLeft" => (to + count - 1) % count,
                _ => return,
            };
            if !BUTTONS[to].0.is_empty() {
                break;
            }
        }
        ev.prevent_default();
        ev.stop_propagation();
        stop.set(to);
        let button = bar.get_untracked().and_then(|b| b.children().item(to as u32));
        if let Some(button) = button.and_then(|b| b.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = button.focus();
        }
    };
    view! {
        <div
            node_ref=bar
            class="editor-bar"
            role="toolbar"
            aria-label="Formatting"
            on:keydown=walk
            // The text keeps the focus and its selection.
            on:pointerdown=|ev| ev.prevent_default()
            on:mousedown=|ev| ev.prevent_default()
        >
            {BUTTONS
                .into_iter()
                .enumerate()
                .map(|(n, (command, label, keys, icon))| {
                    if command.is_empty() {
                        return view! { <span class="editor-bar-gap" role="separator"></span> }.into_any();
                    }
                    let title = if keys.is_empty() { label.to_owned() } else { format!("{label} ({keys})") };
                    view! {
                        <button
                            type="button"
                            class="icon-btn"
                            aria-label=label
                            title=title
                            data-command=command
                            tabindex=move || if stop.get() == n { "0" } else { "-1" }
                            on:click=move |_| run.run(command)
                        >
                            <Icon d=icon />
                        </button>
                    }
                        .into_any()
                })
                .collect_view()}
        </div>
    }
}
