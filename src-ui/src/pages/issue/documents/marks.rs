//! Highlights over text, by the CSS Custom Highlight API: they overlap as they like and the page's nodes stay as they
//! are. The style sheet says how each looks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use leptos::prelude::document;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type Highlight;
    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<Highlight, JsValue>;
    #[wasm_bindgen(method)]
    fn add(this: &Highlight, range: &web_sys::Range);
    #[wasm_bindgen(method, js_name = delete)]
    fn remove(this: &Highlight, range: &web_sys::Range);
    #[wasm_bindgen(method, setter)]
    fn set_priority(this: &Highlight, priority: i32);
    #[wasm_bindgen(js_namespace = ["CSS", "highlights"], js_name = set, catch)]
    fn register(name: &str, highlight: &Highlight) -> Result<(), JsValue>;

    /// A document that can tell what stands under a point, by the way that this engine has.
    type Points;
    #[wasm_bindgen(method, js_name = caretRangeFromPoint, catch)]
    fn caret_range_from_point(this: &Points, x: f32, y: f32) -> Result<Option<web_sys::Range>, JsValue>;
}

/// How a piece of text is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// A thread is about it.
    Note,
    /// The same, and its text was edited since.
    Stale,
    /// The thread is settled.
    Settled,
    /// A comment about it is being written.
    Draft,
    /// The pointer is on it, or on its thread.
    Hover,
    /// Its thread is the one that is read.
    Active,
    /// A link led here.
    Flash,
}

impl Look {
    const ALL: [Self; 7] =
        [Self::Settled, Self::Note, Self::Stale, Self::Draft, Self::Hover, Self::Active, Self::Flash];

    const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Stale => "note-stale",
            Self::Settled => "note-settled",
            Self::Draft => "note-draft",
            Self::Hover => "note-hover",
            Self::Active => "note-active",
            Self::Flash => "note-flash",
        }
    }
}

/// Whose highlights: a document, and a part of it or something else within.
pub type Owner = (u32, u64);
/// What is not of one part.
pub const ACTIVE: u64 = u64::MAX;
pub const HOVER: u64 = u64::MAX - 1;
pub const DRAFT: u64 = u64::MAX - 2;
pub const FLASH: u64 = u64::MAX - 3;

#[derive(Default)]
struct Marks {
    /// Empty where the engine has no highlights: text is then found by the panel alone.
    sets: HashMap<Look, Highlight>,
    owned: HashMap<Owner, Vec<(Look, web_sys::Range)>>,
}

thread_local! {
    static MARKS: RefCell<Marks> = RefCell::new(Marks { sets: sets().unwrap_or_default(), ..Marks::default() });
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

fn sets() -> Result<HashMap<Look, Highlight>, JsValue> {
    let mut sets = HashMap::new();
    for (priority, look) in (0..).zip(Look::ALL) {
        let set = Highlight::new()?;
        set.set_priority(priority);
        register(look.name(), &set)?;
        sets.insert(look, set);
    }
    Ok(sets)
}

/// A number for a document that is opened.
pub fn next() -> u32 {
    NEXT.set(NEXT.get() + 1);
    NEXT.get()
}

/// Shows these highlights of an owner, and no others of it.
pub fn put(owner: Owner, marks: Vec<(Look, web_sys::Range)>) {
    MARKS.with_borrow_mut(|all| {
        let before =
            if marks.is_empty() { all.owned.remove(&owner) } else { all.owned.insert(owner, marks.clone()) };
        for (look, range) in before.into_iter().flatten() {
            if let Some(set) = all.sets.get(&look) {
                set.remove(&range);
            }
        }
        for (look, range) in &marks {
            if let Some(set) = all.sets.get(look) {
                set.add(range);
            }
        }
    });
}

/// Takes all highlights of a document away.
pub fn clear(document: u32) {
    let owners: Vec<Owner> =
        MARKS.with_borrow(|all| all.owned.keys().filter(|o| o.0 == document).copied().collect());
    for owner in owners {
        put(owner, Vec::new());
    }
}

/// The place in the page's text under a point.
pub fn caret_at(x: f64, y: f64) -> Option<web_sys::Range> {
    document().unchecked_into::<Points>().caret_range_from_point(x as f32, y as f32).ok().flatten()
}
