//! The editor's script, `src-ui/editor`, as seen from here.

use js_sys::{Array, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use super::HighlightEvent;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = loadEditor, catch)]
    async fn load_editor() -> Result<JsValue, JsValue>;

    type Module;
    #[wasm_bindgen(method, catch)]
    fn create(
        this: &Module,
        parent: &web_sys::Element,
        options: &Object,
        calls: &Object,
    ) -> Result<Script, JsValue>;

    /// An editor that stands in the page.
    pub type Script;
    #[wasm_bindgen(method)]
    pub fn text(this: &Script) -> String;
    #[wasm_bindgen(method, js_name = setText)]
    pub fn set_text(this: &Script, text: &str);
    #[wasm_bindgen(method)]
    pub fn focus(this: &Script);
    #[wasm_bindgen(method, js_name = setReadOnly)]
    pub fn set_read_only(this: &Script, on: bool);
    #[wasm_bindgen(method, js_name = setNotes)]
    pub fn set_notes(this: &Script, json: &str);
    #[wasm_bindgen(method)]
    pub fn run(this: &Script, command: &str);
    #[wasm_bindgen(method)]
    pub fn destroy(this: &Script);
}

/// What an editor is made with.
pub struct Options<'a> {
    pub value: &'a str,
    /// Anchor and head, in UTF-16 units of a text whose lines end with one.
    pub selection: Option<(u32, u32)>,
    pub label: &'a str,
    pub placeholder: &'a str,
    pub testid: &'a str,
    pub read_only: bool,
}

/// What an editor calls. The closures live as long as the editor does: one of them may be what is running while its
/// editor goes.
pub struct Calls(Object);

impl Calls {
    pub fn new() -> Self {
        Self(Object::new())
    }

    fn set(&self, name: &str, door: JsValue) {
        let _ = Reflect::set(&self.0, &name.into(), &door);
    }

    /// A change of the source: UTF-16 units, what comes instead, and whether it is the last of one edit.
    pub fn change(&self, f: impl FnMut(u32, u32, String, bool) + 'static) {
        self.set("change", Closure::<dyn FnMut(u32, u32, String, bool)>::new(f).into_js_value());
    }

    /// Ctrl+Enter or Escape.
    pub fn key(&self, name: &str, to: Callback<()>) {
        let press = move || {
            to.run(());
            true
        };
        self.set(name, Closure::<dyn FnMut() -> bool>::new(press).into_js_value());
    }

    /// Names that begin with what is typed: a promise of JSON.
    pub fn offer(&self, f: impl FnMut(String, String) -> js_sys::Promise + 'static) {
        self.set("offer", Closure::<dyn FnMut(String, String) -> js_sys::Promise>::new(f).into_js_value());
    }

    /// Files that were pasted or dropped, and their place in the text.
    pub fn files(&self, f: impl Fn(Vec<web_sys::File>, Place) + 'static) {
        let take = move |list: Array, insert: js_sys::Function| {
            f(list.iter().filter_map(|file| file.dyn_into().ok()).collect(), Place(insert));
        };
        self.set("files", Closure::<dyn FnMut(Array, js_sys::Function)>::new(take).into_js_value());
    }

    pub fn select(&self, to: Callback<(u32, u32)>) {
        let tell = move |from, until| to.run((from, until));
        self.set("select", Closure::<dyn FnMut(u32, u32)>::new(tell).into_js_value());
    }

    pub fn highlight(&self, to: Callback<(String, HighlightEvent)>) {
        let tell = move |id: String, what: String| {
            let event = match what.as_str() {
                "click" => HighlightEvent::Click,
                "over" => HighlightEvent::Over,
                _ => HighlightEvent::Out,
            };
            to.run((id, event));
        };
        self.set("note", Closure::<dyn FnMut(String, String)>::new(tell).into_js_value());
    }
}

/// Where files were put in a text. It moves with what is written before it.
pub struct Place(js_sys::Function);

impl Place {
    /// Writes the Markdown that stands for the files, once. An empty text gives the place up.
    pub fn put(&self, markdown: &str) {
        let _ = self.0.call1(&JsValue::NULL, &markdown.into());
    }
}

/// The script, loaded once for the window.
pub async fn load() -> Result<JsValue, JsValue> {
    load_editor().await
}

/// Puts an editor into the page.
pub fn create(
    module: &JsValue,
    parent: &web_sys::Element,
    options: &Options<'_>,
    calls: &Calls,
) -> Result<Script, JsValue> {
    let given = Object::new();
    let set = |name: &str, value: JsValue| {
        let _ = Reflect::set(&given, &name.into(), &value);
    };
    set("value", options.value.into());
    set("label", options.label.into());
    set("placeholder", options.placeholder.into());
    set("testid", options.testid.into());
    set("readOnly", options.read_only.into());
    if let Some((anchor, head)) = options.selection {
        set("selection", Array::of2(&anchor.into(), &head.into()).into());
    }
    module.unchecked_ref::<Module>().create(parent, &given, &calls.0)
}
