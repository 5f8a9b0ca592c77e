//! Keyboard shortcuts. Whoever registered last hears a key first; who handles it ends its way.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

type Handler = Rc<dyn Fn(&KeyboardEvent, &str) -> bool>;

#[derive(Default)]
struct Stack {
    handlers: Vec<(u64, Handler)>,
    next: u64,
    /// Hears a key before all others: the second key of a chord.
    chord: Option<Handler>,
    /// The operator wants no keys that are letters.
    off: bool,
}

thread_local! {
    static STACK: RefCell<Stack> = RefCell::default();
}

/// Hears keys until the owner is gone. `handle` gets the event and its key, and says whether it took it.
pub fn use_keys(handle: impl Fn(&KeyboardEvent, &str) -> bool + 'static) {
    let id = STACK.with_borrow_mut(|s| {
        s.next += 1;
        s.handlers.push((s.next, Rc::new(handle)));
        s.next
    });
    on_cleanup(move || STACK.with_borrow_mut(|s| s.handlers.retain(|(i, _)| *i != id)));
}

/// Hears keys before everybody else until the owner is gone.
pub fn use_chord(handle: impl Fn(&KeyboardEvent, &str) -> bool + 'static) {
    STACK.with_borrow_mut(|s| s.chord = Some(Rc::new(handle)));
    on_cleanup(|| STACK.with_borrow_mut(|s| s.chord = None));
}

/// Switches the keys off that are letters and signs. Escape, Enter, arrows and those with Ctrl stay.
pub fn switch(on: bool) {
    STACK.with_borrow_mut(|s| s.off = !on);
}

/// Whether the event comes from a place where keys are text.
pub fn typing(ev: &KeyboardEvent) -> bool {
    let Some(target) = ev.target().and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return false;
    };
    matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || target.is_content_editable()
}

/// Whether Enter would press what has the focus.
pub fn on_control(ev: &KeyboardEvent) -> bool {
    let target = ev.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|t| matches!(t.tag_name().as_str(), "BUTTON" | "A" | "SUMMARY"))
}

/// Whether Ctrl or Cmd is held.
pub fn command(ev: &KeyboardEvent) -> bool {
    ev.ctrl_key() || ev.meta_key()
}

/// Offers a key to the handlers, newest first.
pub fn dispatch(ev: &KeyboardEvent) {
    let key = ev.key();
    let (handlers, off): (Vec<Handler>, bool) = STACK.with_borrow(|s| {
        let stacked = s.handlers.iter().rev().map(|(_, h)| h.clone());
        (s.chord.iter().cloned().chain(stacked).collect(), s.off)
    });
    if off && key.chars().count() == 1 && !command(ev) {
        return;
    }
    for h in handlers {
        if h(ev, &key) {
            ev.prevent_default();
            return;
        }
    }
}
