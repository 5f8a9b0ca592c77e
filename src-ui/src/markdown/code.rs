//! Code that is read, in colours. What colours it is the part of the editor's script that tells words apart; it is loaded
//! when the first block is drawn, and until then, and for languages that it does not know, code is plain.

use js_sys::Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = loadHighlighter, catch)]
    async fn load_highlighter() -> Result<JsValue, JsValue>;

    type Highlighter;
    #[wasm_bindgen(method, catch)]
    fn highlight(this: &Highlighter, code: &str, language: &str) -> Result<Array, JsValue>;
}

/// A coloured run: UTF-16 offsets and the class that colours it.
type Run = (usize, usize, String);

#[component]
pub fn Code(language: String, text: String) -> impl IntoView {
    let parts = RwSignal::new(vec![(text.clone(), None)]);
    if !language.is_empty() {
        spawn_local(async move {
            let Ok(module) = load_highlighter().await else { return };
            let found = module.unchecked_ref::<Highlighter>().highlight(&text, &language).map(|r| runs(&r));
            if let Ok(found) = found
                && !found.is_empty()
            {
                parts.try_set(cut(&text, &found));
            }
        });
    }
    view! {
        <code>
            {move || {
                parts
                    .get()
                    .into_iter()
                    .map(|(text, class)| match class {
                        Some(class) => view! { <span class=class>{text}</span> }.into_any(),
                        None => text.into_any(),
                    })
                    .collect_view()
            }}
        </code>
    }
}

/// The script's flat list of offsets and classes.
fn runs(flat: &Array) -> Vec<Run> {
    let all = flat.to_vec();
    all.chunks_exact(3)
        .filter_map(|run| Some((run[0].as_f64()? as usize, run[1].as_f64()? as usize, run[2].as_string()?)))
        .collect()
}

/// Cuts a text at its runs. Together the parts are always the whole text, whatever the runs say.
fn cut(text: &str, runs: &[Run]) -> Vec<(String, Option<String>)> {
    let mut parts = Vec::with_capacity(runs.len() * 2 + 1);
    let (mut rest, mut at) = (text, 0);
    let mut take = |until: usize, class: Option<&String>| {
        let mut end = 0;
        for c in rest.chars() {
            if at >= until {
                break;
            }
            at += c.len_utf16();
            end += c.len_utf8();
        }
        let (part, after) = rest.split_at(end);
        if !part.is_empty() {
            parts.push((part.to_owned(), class.cloned()));
        }
        rest = after;
    };
    for (from, to, class) in runs {
        take(*from, None);
        take(*to, Some(class));
    }
    take(usize::MAX, None);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_at_utf16_offsets_and_are_the_whole_text() {
        let class = |c: &str| Some(c.to_owned());
        let parts = cut("ä😀 = 1;", &[(0, 3, "a".into()), (6, 7, "b".into())]);
        let wanted = [("ä😀", class("a")), (" = ", None), ("1", class("b")), (";", None)];
        assert_eq!(parts, wanted.map(|(t, c)| (t.to_owned(), c)));
        for odd in [vec![(9, 3, "x".into())], vec![(2, 4, "x".into()), (0, 99, "y".into())], vec![]] {
            let whole: String = cut("ä😀 = 1;", &odd).into_iter().map(|(t, _)| t).collect();
            assert_eq!(whole, "ä😀 = 1;");
        }
    }
}
