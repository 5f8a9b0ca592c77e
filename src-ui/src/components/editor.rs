//! A place to write Markdown: grows with its text, offers agents after `@`, sends with Ctrl+Enter.

use leptos::html;
use leptos::prelude::*;

use crate::components::base::Avatar;
use crate::state::company;
use crate::state::keys::command;

/// The beginning of a mention that ends at the cursor.
pub fn mention_before(text: &str, cursor: usize) -> Option<&str> {
    let head = text.get(..cursor)?;
    let at = head.rfind('@')?;
    let word = &head[at + 1..];
    let starts = head[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    (starts && word.len() <= 40 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .then_some(word)
}

/// Byte offset of a position counted in UTF-16 units, as browsers count.
fn byte_offset(text: &str, utf16: usize) -> usize {
    let mut units = 0;
    for (n, c) in text.char_indices() {
        if units >= utf16 {
            return n;
        }
        units += c.len_utf16();
    }
    text.len()
}

/// Fits the height of a text area to its text.
fn grow(el: &web_sys::HtmlTextAreaElement) {
    use wasm_bindgen::JsCast;
    let style = el.unchecked_ref::<web_sys::HtmlElement>().style();
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", el.scroll_height() + 2));
}

#[component]
pub fn Editor(
    value: RwSignal<String>,
    #[prop(into)] placeholder: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] testid: String,
    #[prop(optional, into)] class: String,
    /// Takes the focus when drawn.
    #[prop(optional)]
    autofocus: bool,
    /// Ctrl+Enter.
    #[prop(optional, into)]
    submit: Option<Callback<()>>,
    /// Escape.
    #[prop(optional, into)]
    cancel: Option<Callback<()>>,
    #[prop(optional)] node: NodeRef<html::Textarea>,
) -> impl IntoView {
    let co = company();
    let word = RwSignal::new(None::<String>);
    let pick = RwSignal::new(0usize);
    let found = Memo::new(move |_| {
        let Some(w) = word.get() else { return Vec::new() };
        let w = w.to_lowercase();
        co.agents.data.with(|a| {
            a.iter()
                .flat_map(|a| a.iter())
                .filter(|a| a.url_key.contains(&w) || a.name.to_lowercase().contains(&w))
                .take(6)
                .map(|a| (a.url_key.clone(), a.name.clone()))
                .collect::<Vec<_>>()
        })
    });
    Effect::new(move |_| {
        value.track();
        if let Some(el) = node.get() {
            if el.value() != value.get_untracked() {
                el.set_value(&value.get_untracked());
            }
            grow(&el);
        }
    });
    Effect::new(move |_| {
        if let Some(el) = node.get()
            && autofocus
        {
            request_animation_frame(move || {
                let _ = el.focus();
                let end = el.value().encode_utf16().count() as u32;
                let _ = el.set_selection_range(end, end);
                grow(&el);
            });
        }
    });
    let look = move |el: &web_sys::HtmlTextAreaElement| {
        let text = el.value();
        let at = el.selection_start().ok().flatten().unwrap_or(0) as usize;
        word.set(mention_before(&text, byte_offset(&text, at)).map(str::to_owned));
        pick.set(0);
    };
    let insert = move |key: &str| {
        let Some(el) = node.get_untracked() else { return };
        let text = el.value();
        let at = byte_offset(&text, el.selection_start().ok().flatten().unwrap_or(0) as usize);
        let Some(start) = mention_before(&text, at).map(|w| at - w.len()) else { return };
        let head = format!("{}{key} ", &text[..start]);
        let cursor = head.encode_utf16().count() as u32;
        value.set(format!("{head}{}", &text[at..]));
        el.set_value(&value.get_untracked());
        let _ = el.set_selection_range(cursor, cursor);
        let _ = el.focus();
        word.set(None);
    };
    let keydown = move |ev: web_sys::KeyboardEvent| {
        let n = found.with_untracked(Vec::len);
        match ev.key().as_str() {
            "Enter" if command(&ev) => match submit {
                Some(s) => s.run(()),
                None => return,
            },
            "ArrowDown" if n > 0 => pick.update(|p| *p = (*p + 1) % n),
            "ArrowUp" if n > 0 => pick.update(|p| *p = (*p + n - 1) % n),
            "Enter" | "Tab" if n > 0 => {
                if let Some((key, _)) = found.with_untracked(|f| f.get(pick.get_untracked()).cloned()) {
                    insert(&key);
                }
            }
            "Escape" if n > 0 => word.set(None),
            "Escape" => match cancel {
                Some(c) => c.run(()),
                None => return,
            },
            _ => return,
        }
        ev.prevent_default();
        ev.stop_propagation();
    };
    view! {
        <div class=format!("editor {class}")>
            <textarea
                node_ref=node
                rows="1"
                aria-label=label
                placeholder=placeholder
                data-testid=testid
                data-autofocus=autofocus.then_some("")
                on:input:target=move |ev| {
                    value.set(ev.target().value());
                    look(&ev.target());
                }
                on:keydown=keydown
                on:blur=move |_| word.set(None)
            ></textarea>
            <Show when=move || !found.with(Vec::is_empty)>
                <div class="mentions" role="listbox" aria-label="Agents">
                    {move || {
                        found
                            .get()
                            .into_iter()
                            .enumerate()
                            .map(|(n, (key, name))| {
                                view! {
                                    <div
                                        class="menu-item"
                                        role="option"
                                        aria-selected=move || (pick.get() == n).to_string()
                                        class:at=move || pick.get() == n
                                        on:pointerdown=move |ev| {
                                            ev.prevent_default();
                                            insert(&key);
                                        }
                                    >
                                        <Avatar name=name.clone() />
                                        <span class="menu-label">{name.clone()}</span>
                                    </div>
                                }
                            })
                            .collect_view()
                    }}
                </div>
            </Show>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_begins_at_a_word_and_ends_at_the_cursor() {
        assert_eq!(mention_before("hi @ad", 6), Some("ad"));
        assert_eq!(mention_before("@", 1), Some(""));
        assert_eq!(mention_before("mail a@b", 8), None);
        assert_eq!(mention_before("@ada said", 9), None);
        assert_eq!(byte_offset("ä😀x", 3), 6);
    }
}
