//! The place to write Markdown. A plain field stands there at once; the editor, a script that is loaded when one is first
//! needed, takes its place with what was typed and where the cursor was. Should it not load, the field stays.
//!
//! What is written reaches `value` change by change, so that a long text is never copied for a letter, and nothing of the
//! text changes but what the writer changes: also not its line endings.

mod mirror;
pub mod names;
mod script;
mod toolbar;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use mirror::{Mirror, retype};
pub use names::Name;
pub use script::Place;
use script::{Calls, Options, Script};
use serde::Serialize;
use toolbar::Toolbar;
use wasm_bindgen::JsValue;

use crate::components::attachment::AttachTo;
use crate::components::base::Skeleton;
use crate::components::growing_field::{grow, show};
use crate::ipc;
use crate::state::keys::command;
use crate::state::{app, company};

/// Texts above this many bytes are not put into a plain field first: laying one out takes longer than loading the script.
const HEAVY: usize = 60_000;

/// A range of the text that something is said about. Offsets are UTF-16 units of the source; they move with what is written
/// until the list is given anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(dead_code, reason = "made by whoever annotates the text")]
pub struct EditorHighlight {
    pub from: u32,
    pub to: u32,
    pub id: String,
    /// Ends the class that colours it: `cm-note-{state}`.
    pub state: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HighlightEvent {
    Click,
    Over,
    Out,
}

/// Asks an editor to take the focus.
#[derive(Clone, Copy)]
pub struct FocusRequest(RwSignal<u32>);

impl FocusRequest {
    pub fn new() -> Self {
        Self(RwSignal::new(0))
    }

    pub fn now(self) {
        self.0.update(|n| *n += 1);
    }
}

/// What takes files that were pasted or dropped, and puts Markdown in their place.
pub type OnFiles = Callback<(Vec<web_sys::File>, Place)>;

#[component]
pub fn Editor(
    value: RwSignal<String>,
    #[prop(into)] placeholder: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] testid: String,
    /// `bare` has no frame, `tall` is high from the start, `mono` is all of one width.
    #[prop(optional, into)]
    class: String,
    /// Takes the focus when drawn.
    #[prop(optional)]
    autofocus: bool,
    /// Stays a plain field until it has the focus: for places where mostly nothing is written.
    #[prop(optional)]
    late: bool,
    #[prop(optional, into)] read_only: Signal<bool>,
    /// Ctrl+Enter.
    #[prop(optional, into)]
    submit: Option<Callback<()>>,
    /// Escape.
    #[prop(optional, into)]
    cancel: Option<Callback<()>>,
    /// Skills and routines, named after `/`.
    #[prop(optional, into)]
    skills: Signal<Vec<Name>>,
    #[prop(optional, into)] on_files: Option<OnFiles>,
    #[prop(optional, into)] highlights: Option<Signal<Vec<EditorHighlight>>>,
    #[prop(optional, into)] on_highlight: Option<Callback<(String, HighlightEvent)>>,
    /// The selected range, in UTF-16 units of the source, whenever it changes.
    #[prop(optional, into)]
    on_select: Option<Callback<(u32, u32)>>,
    #[prop(optional)] focus: Option<FocusRequest>,
) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    let host = NodeRef::<html::Div>::new();
    let script = StoredValue::new_local(None::<Script>);
    let heavy = value.with_untracked(|v| v.len() > HEAVY);
    let stage = RwSignal::new(if heavy { Stage::Blank } else { Stage::Field });
    let wire = Wire { value, script, mirror: StoredValue::default(), own: StoredValue::default() };
    let words = StoredValue::new((label.clone(), placeholder.clone(), testid.clone()));
    let composing = StoredValue::new(false);
    let wanted = StoredValue::new(false);
    let co = company();
    // On an issue's page files become its attachments.
    let on_files = on_files.or_else(|| use_context::<AttachTo>().map(AttachTo::takes));
    let calls = move || {
        let calls = Calls::new();
        calls.change(move |from, to, text, last| wire.change(from as usize, to as usize, &text, last));
        if let Some(to) = submit {
            calls.key("submit", to);
        }
        if let Some(to) = cancel {
            calls.key("cancel", to);
        }
        calls.offer(move |kind, typed| {
            wasm_bindgen_futures::future_to_promise(async move {
                Ok(JsValue::from_str(&names::offer(co, skills, &kind, &typed).await))
            })
        });
        calls.files(move |files, place| match on_files {
            Some(take) => take.run((files, place)),
            None => {
                place.put("");
                app().say("Files are attached to issues: drop them on an issue's page");
            }
        });
        if let Some(to) = on_select {
            calls.select(to);
        }
        if let Some(to) = on_highlight {
            calls.highlight(to);
        }
        calls
    };
    // Puts the script's editor in the field's place, with its text, its cursor and its focus.
    let replace = move |module: &JsValue| {
        let Some(host) = host.try_get_untracked().flatten() else { return };
        if script.with_value(Option::is_some) {
            return;
        }
        let field = field.try_get_untracked().flatten();
        let at = field.as_ref().and_then(|f| Some((f.selection_start().ok()??, f.selection_end().ok()??)));
        let active = field.as_ref().is_some_and(has_focus);
        let made = words.with_value(|(label, placeholder, testid)| {
            value.with_untracked(|text| {
                let options = Options {
                    value: text,
                    selection: if active { at } else { None },
                    label,
                    placeholder,
                    testid,
                    read_only: read_only.get_untracked(),
                };
                script::create(module, &host, &options, &calls())
            })
        });
        match made {
            Ok(made) => {
                if active || autofocus {
                    made.focus();
                }
                script.set_value(Some(made));
                stage.set(Stage::Script);
            }
            Err(e) => failed(stage, &e),
        }
    };
    let want = move || {
        if wanted.get_value() {
            return;
        }
        wanted.set_value(true);
        spawn_local(async move {
            match script::load().await {
                // Letters that are still being put together would be lost.
                Ok(_) if composing.try_get_value() == Some(true) => wanted.set_value(false),
                Ok(module) => replace(&module),
                Err(e) => failed(stage, &e),
            }
        });
    };
    Effect::new(move |_| {
        if host.get().is_some() && (!late || heavy) {
            want();
        }
    });
    Effect::new(move |_| {
        value.track();
        if let (Stage::Field, Some(el)) = (stage.get_untracked(), field.get()) {
            value.with_untracked(|v| show(&el, &v.replace("\r\n", "\n").replace('\r', "\n")));
        }
        wire.settle();
    });
    Effect::new(move |_| {
        if let Some(el) = field.get()
            && autofocus
        {
            request_animation_frame(move || take_focus(&el));
        }
    });
    Effect::new(move |_| {
        let on = read_only.get();
        wire.script(|s| s.set_read_only(on));
    });
    Effect::new(move |_| {
        let Some(json) = highlights.map(|h| h.with(|h| serde_json::to_string(h).unwrap_or_default())) else {
            return;
        };
        if stage.get() == Stage::Script {
            wire.script(|s| s.set_notes(&json));
        }
    });
    if let Some(FocusRequest(asked)) = focus {
        Effect::new(move |before: Option<()>| {
            asked.track();
            if before.is_none() {
                return;
            }
            if let Some(el) = host.get_untracked() {
                el.scroll_into_view();
            }
            if let Some(el) = field.get_untracked() {
                let _ = el.focus();
            }
            wire.script(Script::focus);
        });
    }
    on_cleanup(move || {
        if let Some(Some(gone)) = script.try_update_value(Option::take) {
            gone.destroy();
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
    let run = Callback::new(move |name: &'static str| {
        wire.script(|s| s.run(name));
    });
    view! {
        <div class=format!("editor {class}")>
            <Show when=move || stage.get() == Stage::Field>
                <textarea
                    node_ref=field
                    rows="1"
                    aria-label=label.clone()
                    placeholder=placeholder.clone()
                    data-testid=testid.clone()
                    data-autofocus=autofocus.then_some("")
                    readonly=read_only
                    on:focus=move |_| want()
                    on:compositionstart=move |_| composing.set_value(true)
                    on:compositionend=move |_| {
                        composing.set_value(false);
                        want();
                    }
                    on:input:target=move |ev| {
                        value.update(|v| *v = retype(v, &ev.target().value()));
                        grow(&ev.target());
                    }
                    on:keydown=keydown
                ></textarea>
            </Show>
            <Show when=move || stage.get() == Stage::Blank>
                <Skeleton rows=4 />
            </Show>
            <div node_ref=host class="editor-text"></div>
            <Show when=move || stage.get() == Stage::Script && !read_only.get()>
                <Toolbar run=run />
            </Show>
        </div>
    }
}

/// What stands in the editor's place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A long text waits for the script.
    Blank,
    Field,
    Script,
}

/// The script did not come: the plain field does the work.
fn failed(stage: RwSignal<Stage>, error: &JsValue) {
    ipc::log("error", &format!("the editor did not load: {error:?}"));
    stage.try_set(Stage::Field);
}

fn has_focus(el: &web_sys::HtmlTextAreaElement) -> bool {
    let element: &web_sys::Element = el;
    document().active_element().as_ref() == Some(element)
}

fn take_focus(el: &web_sys::HtmlTextAreaElement) {
    let _ = el.focus();
    let end = el.value().encode_utf16().count() as u32;
    let _ = el.set_selection_range(end, end);
    grow(el);
}

/// The way between the signal and the script.
#[derive(Clone, Copy)]
struct Wire {
    value: RwSignal<String>,
    script: StoredValue<Option<Script>, LocalStorage>,
    mirror: StoredValue<Mirror>,
    /// How long the text is after the script's last change, until the signal's followers have heard of it.
    own: StoredValue<Option<usize>>,
}

impl Wire {
    /// Does something with the script, when it is there.
    fn script(self, f: impl FnOnce(&Script)) {
        self.script.try_with_value(|script| {
            if let Some(script) = script {
                f(script);
            }
        });
    }

    /// The script has changed its text.
    fn change(self, from: usize, to: usize, insert: &str, last: bool) {
        let spliced = self.value.try_update_untracked(|text| {
            let done = self.mirror.try_update_value(|m| m.splice(text, from, to, insert))?;
            Some((done, text.len()))
        });
        let Some(Some((done, length))) = spliced else { return };
        if done.is_err() {
            // They have come apart, and what is on the screen is right.
            let whole = self.script.with_value(|s| s.as_ref().map(Script::text));
            if let Some(whole) = whole {
                self.own.set_value(Some(whole.len()));
                self.mirror.set_value(Mirror::default());
                self.value.set(whole);
            }
        } else if last {
            self.own.set_value(Some(length));
            self.value.notify();
        }
    }

    /// The signal has changed: the script hears of it, unless it was its own doing.
    fn settle(self) {
        let own = self.own.try_update_value(Option::take).flatten();
        self.value.with_untracked(|text| {
            if own == Some(text.len()) {
                return;
            }
            self.mirror.update_value(Mirror::reset);
            self.script(|s| s.set_text(text));
        });
    }
}
