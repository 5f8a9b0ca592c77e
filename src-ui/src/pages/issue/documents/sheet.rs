//! What is drawn of a document: which of its parts, and where on the screen each stretch of its source stands.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{
    Element, IntersectionObserver, IntersectionObserverEntry, MutationObserver, MutationRecord, Node,
    ResizeObserver,
};

use super::desk::Shown;
use super::marks::{self, Look};
use crate::markdown::outline::Outline;
use crate::markdown::source::SourceMap;

/// What scrolls a document.
pub const SCROLLERS: &str = ".document-main, .issue-main";
/// Parts this far (in pixels) from what is seen are drawn.
const AHEAD: &str = "1400px 0px";
/// Frames within which a place that is scrolled to settles: what is drawn above it may still grow.
const FRAMES: u32 = 8;

/// A text node, and where its text begins in the drawn text of its part.
struct Words {
    node: Node,
    at: u32,
    /// Length of what it stands for.
    len: u32,
    /// It is an element that stands for its source as a whole: a picture, a drawing, somebody's name.
    whole: bool,
}

/// A part that is drawn.
pub struct Slot {
    el: Element,
    map: SourceMap,
    words: Vec<Words>,
}

impl Slot {
    pub fn new(el: Element, map: SourceMap) -> Self {
        let words = words_in(&el);
        Self { el, map, words }
    }

    /// The drawn offset of a place in the page.
    fn drawn_at(&self, node: &Node, offset: u32) -> u32 {
        if let Some(w) = self.words.iter().find(|w| w.node.contains(Some(node))) {
            return w.at + if w.whole { if offset > 0 { w.len } else { 0 } } else { offset.min(w.len) };
        }
        // Between elements: all text that begins before the place.
        let Some(place) = collapsed(node, offset) else { return 0 };
        let before = |w: &&Words| place.compare_point(&w.node, 0).is_ok_and(|side| side < 0);
        self.words.iter().rev().find(before).map_or(0, |w| w.at + w.len)
    }

    /// What is drawn of a stretch of the part's source, as a range of the page.
    fn range(&self, source: Range<u32>) -> Option<web_sys::Range> {
        let drawn = self.map.to_drawn(source)?;
        let (start, end) = (self.find(drawn.start, false)?, self.find(drawn.end, true)?);
        let range = document().create_range().ok()?;
        let at = |w: &Words, offset: u32, end: bool| {
            if !w.whole {
                return offset - w.at;
            }
            if end { w.node.child_nodes().length() } else { 0 }
        };
        range.set_start(&start.node, at(start, drawn.start, false)).ok()?;
        range.set_end(&end.node, at(end, drawn.end, true)).ok()?;
        Some(range)
    }

    fn find(&self, drawn: u32, end: bool) -> Option<&Words> {
        let past = |w: &Words| if end { w.at < drawn } else { w.at <= drawn };
        let n = self.words.partition_point(past).checked_sub(1)?;
        self.words[..=n].iter().rev().find(|w| w.len > 0 || !end)
    }
}

/// The text nodes below an element, and the elements that stand for something else than their text.
fn words_in(el: &Element) -> Vec<Words> {
    const ELEMENTS_AND_TEXT: u32 = 1 | 4;
    let mut out: Vec<Words> = Vec::new();
    let mut at = 0;
    let walker = document().create_tree_walker_with_what_to_show(el, ELEMENTS_AND_TEXT);
    let Ok(walker) = walker else { return out };
    while let Ok(Some(node)) = walker.next_node() {
        if out.last().is_some_and(|w| w.whole && w.node.contains(Some(&node))) {
            continue;
        }
        let (len, whole) = match node.dyn_ref::<Element>() {
            Some(el) => match el.get_attribute("data-plain").and_then(|len| len.parse().ok()) {
                Some(len) => (len, true),
                None => continue,
            },
            None => (node.unchecked_ref::<web_sys::Text>().length(), false),
        };
        out.push(Words { node, at, len, whole });
        at += len;
    }
    out
}

fn collapsed(node: &Node, offset: u32) -> Option<web_sys::Range> {
    let range = document().create_range().ok()?;
    range.set_start(node, offset).ok()?;
    range.set_end(node, offset).ok()?;
    Some(range)
}

/// The part that a node of the page lies in.
fn part_of(node: &Node) -> Option<(u64, Element)> {
    let el = node.dyn_ref::<Element>().cloned().or_else(|| node.parent_element())?;
    let part = el.closest("[data-part]").ok()??;
    Some((key_of(&part)?, part))
}

/// Whether a part is to be drawn, and whether it is near what is seen now.
#[derive(Clone, Copy)]
pub struct Nearness {
    pub wanted: RwSignal<bool>,
    pub seen: RwSignal<bool>,
}

type Wanted = Rc<RefCell<HashMap<u64, Nearness>>>;
/// Counts how often each part was drawn: code is coloured after a while, by other nodes.
type Versions = Rc<RefCell<HashMap<u64, RwSignal<u32>>>>;
/// How tall each part is.
type Heights = Rc<RefCell<HashMap<u64, f64>>>;

/// The observers and what they call.
struct Watch {
    near: IntersectionObserver,
    size: ResizeObserver,
    nodes: MutationObserver,
    _nodes: Closure<dyn FnMut(js_sys::Array)>,
    _near: Closure<dyn FnMut(js_sys::Array)>,
    _size: Closure<dyn FnMut(js_sys::Array)>,
}

pub struct Sheet {
    /// Tells the highlights of this document from those of others.
    id: u32,
    slots: HashMap<u64, Slot>,
    wanted: Wanted,
    versions: Versions,
    heights: Heights,
    watch: Option<Watch>,
    scroller: Option<Element>,
}

impl Sheet {
    pub fn new() -> Self {
        Self {
            id: marks::next(),
            slots: HashMap::new(),
            wanted: Rc::default(),
            versions: Rc::default(),
            heights: Rc::default(),
            watch: None,
            scroller: None,
        }
    }

    pub const fn id(&self) -> u32 {
        self.id
    }

    pub fn scroller(&self) -> Option<&Element> {
        self.scroller.as_ref()
    }

    /// Watches the place of a part, and tells it when it comes near.
    pub fn watch(&mut self, el: &Element, key: u64, near: Nearness) {
        self.wanted.borrow_mut().insert(key, near);
        if self.watch.is_none() {
            self.scroller = el.closest(SCROLLERS).ok().flatten();
            self.watch = watch(
                self.scroller.clone(),
                self.wanted.clone(),
                self.versions.clone(),
                self.heights.clone(),
            );
        }
        if let Some(w) = &self.watch {
            w.near.observe(el);
            w.size.observe(el);
        }
    }

    pub fn wake(&self, key: u64) {
        let near = self.wanted.borrow().get(&key).copied();
        if let Some(near) = near {
            near.wanted.try_set(true);
        }
    }

    /// A part was drawn; `version` is counted up whenever its nodes give way to others.
    pub fn draw(&mut self, key: u64, slot: Slot, version: RwSignal<u32>) {
        self.versions.borrow_mut().insert(key, version);
        if let Some(w) = &self.watch {
            let all = web_sys::MutationObserverInit::new();
            all.set_child_list(true);
            all.set_subtree(true);
            let _ = w.nodes.observe_with_options(&slot.el, &all);
        }
        self.slots.insert(key, slot);
    }

    /// Finds the text nodes of a part anew.
    pub fn reread(&mut self, key: u64) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.words = words_in(&slot.el);
        }
    }

    pub fn forget(&mut self, key: u64) {
        if let (Some(slot), Some(w)) = (self.slots.remove(&key), &self.watch) {
            w.near.unobserve(&slot.el);
            w.size.unobserve(&slot.el);
        }
        self.wanted.borrow_mut().remove(&key);
        self.versions.borrow_mut().remove(&key);
        self.heights.borrow_mut().remove(&key);
        marks::put((self.id, key), Vec::new());
    }

    /// The document is closed.
    pub fn leave(&mut self) {
        if let Some(w) = self.watch.take() {
            w.near.disconnect();
            w.size.disconnect();
            w.nodes.disconnect();
        }
        self.slots.clear();
        self.wanted.borrow_mut().clear();
        self.versions.borrow_mut().clear();
        marks::clear(self.id);
    }

    /// What is drawn of a stretch of the source: a range for each part that it lies in.
    pub fn ranges(&self, outline: &Outline, source: &Range<u32>) -> Vec<web_sys::Range> {
        outline.parts[outline.parts_over(source)]
            .iter()
            .filter_map(|p| {
                let within = source.start.max(p.start)..source.end.min(p.end);
                self.slots.get(&p.key)?.range(within.start - p.start..within.end - p.start)
            })
            .collect()
    }

    /// The same within one part, with how each is to look.
    pub fn marks(
        &self,
        outline: &Outline,
        key: u64,
        places: &[(Range<u32>, Look)],
    ) -> Vec<(Look, web_sys::Range)> {
        let (Some(part), Some(slot)) = (outline.find(key), self.slots.get(&key)) else { return Vec::new() };
        places
            .iter()
            .filter(|(r, _)| r.start < part.end && part.start < r.end)
            .filter_map(|(r, look)| {
                let within = r.start.max(part.start)..r.end.min(part.end);
                Some((*look, slot.range(within.start - part.start..within.end - part.start)?))
            })
            .collect()
    }

    /// The source of what is selected in the page; `None` when nothing of this document is.
    pub fn source_of(&self, outline: &Outline, range: &web_sys::Range) -> Option<Range<u32>> {
        let (start, end) = (range.start_container().ok()?, range.end_container().ok()?);
        let (from, _) = part_of(&start)?;
        let (first, slot) = (outline.find(from)?, self.slots.get(&from)?);
        let begun = slot.drawn_at(&start, range.start_offset().ok()?);
        // A selection may begin at the end of a part, or end at the beginning of the next.
        let low = match slot.map.to_source(begun..slot.map.len()) {
            Some(source) => first.start + source.start,
            None => first.end,
        };
        let high = match part_of(&end).and_then(|(key, _)| Some((outline.find(key)?, self.slots.get(&key)?)))
        {
            Some((part, slot)) => {
                let ended = slot.drawn_at(&end, range.end_offset().ok()?);
                slot.map.to_source(0..ended).map_or(part.start, |s| part.start + s.end)
            }
            // It ends beyond the document, as a click on the last paragraph three times over does.
            None if range.common_ancestor_container().is_ok_and(|c| part_of(&c).is_none()) => {
                outline.parts.last()?.end
            }
            None => return None,
        };
        (low < high).then_some(low..high)
    }

    /// The place in the source under a point of the page.
    pub fn source_at(&self, outline: &Outline, x: f64, y: f64) -> Option<u32> {
        let caret = marks::caret_at(x, y)?;
        let node = caret.start_container().ok()?;
        let (key, _) = part_of(&node)?;
        let (part, slot) = (outline.find(key)?, self.slots.get(&key)?);
        let at = slot.drawn_at(&node, caret.start_offset().ok()?);
        let source = slot.map.to_source(at..at + 1).map(|s| s.start);
        Some(part.start + source.or_else(|| slot.map.to_source(at.checked_sub(1)?..at).map(|s| s.end))?)
    }

    /// Draws a place and scrolls to it.
    pub fn reveal(this: &Rc<RefCell<Self>>, shown: Arc<Shown>, source: Range<u32>) {
        let parts = shown.outline.parts_over(&source);
        for part in &shown.outline.parts[parts] {
            this.borrow().wake(part.key);
        }
        settle(this.clone(), shown, source, FRAMES);
    }
}

/// Scrolls to a place until it stands still.
fn settle(sheet: Rc<RefCell<Sheet>>, shown: Arc<Shown>, source: Range<u32>, frames: u32) {
    request_animation_frame(move || {
        let moved = {
            let s = sheet.borrow();
            let range = s.ranges(&shown.outline, &source).into_iter().next();
            let target = range.map(|r| r.get_bounding_client_rect()).or_else(|| {
                // Not drawn yet: where its part will be.
                let part = shown.outline.parts.get(shown.outline.parts_over(&source).start)?;
                let css = format!("[data-part='{:x}']", part.key);
                Some(document().query_selector(&css).ok()??.get_bounding_client_rect())
            });
            match (&s.scroller, target) {
                (Some(scroller), Some(at)) => {
                    let frame = scroller.get_bounding_client_rect();
                    let wanted = frame.top() + frame.height() / 3.0;
                    let by = (at.top() - wanted) as i32;
                    let before = scroller.scroll_top();
                    scroller.set_scroll_top(before + by);
                    scroller.scroll_top() != before
                }
                _ => true,
            }
        };
        if moved && frames > 0 {
            settle(sheet, shown, source, frames - 1);
        }
    });
}

fn key_of(part: &Element) -> Option<u64> {
    u64::from_str_radix(&part.get_attribute("data-part")?, 16).ok()
}

fn watch(scroller: Option<Element>, wanted: Wanted, versions: Versions, heights: Heights) -> Option<Watch> {
    let near = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let entries = entries.iter().map(|e| e.unchecked_into::<IntersectionObserverEntry>());
        for entry in entries {
            let part = key_of(&entry.target()).and_then(|key| wanted.borrow().get(&key).copied());
            let (Some(part), here) = (part, entry.is_intersecting()) else { continue };
            if here {
                part.wanted.try_set(true);
            }
            if part.seen.try_get_untracked().is_some_and(|seen| seen != here) {
                part.seen.try_set(here);
            }
        }
    });
    let init = web_sys::IntersectionObserverInit::new();
    init.set_root(scroller.as_ref());
    init.set_root_margin(AHEAD);
    let observer = IntersectionObserver::new_with_options(near.as_ref().unchecked_ref(), &init).ok()?;
    // What is drawn above what one reads must not push it away. Before the frame is painted, so nobody sees it.
    let size = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let Some(scroller) = &scroller else { return };
        let top = scroller.get_bounding_client_rect().top();
        let mut grown = 0.0;
        for entry in entries.iter() {
            let el = entry.unchecked_into::<web_sys::ResizeObserverEntry>().target();
            let Some(key) = key_of(&el) else { continue };
            let rect = el.get_bounding_client_rect();
            let before = heights.borrow_mut().insert(key, rect.height());
            if let Some(before) = before
                && rect.top() + before <= top
            {
                grown += rect.height() - before;
            }
        }
        if grown.abs() >= 1.0 {
            scroller.set_scroll_top(scroller.scroll_top() + grown.round() as i32);
        }
    });
    let sizes = ResizeObserver::new(size.as_ref().unchecked_ref()).ok()?;
    let changed = Closure::<dyn FnMut(js_sys::Array)>::new(move |records: js_sys::Array| {
        let places = records.iter().filter_map(|r| r.unchecked_into::<MutationRecord>().target());
        let keys: HashSet<u64> = places.filter_map(|n| part_of(&n)).map(|(key, _)| key).collect();
        for key in keys {
            let version = versions.borrow().get(&key).copied();
            if let Some(version) = version {
                version.try_update(|v| *v = v.wrapping_add(1));
            }
        }
    });
    let nodes = MutationObserver::new(changed.as_ref().unchecked_ref()).ok()?;
    Some(Watch { near: observer, size: sizes, nodes, _near: near, _size: size, _nodes: changed })
}
