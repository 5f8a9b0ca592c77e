//! Boxes of task lists that are ticked where they are read.

use leptos::prelude::*;
use pulldown_cmark::{Event, Options, Parser};
use wasm_bindgen::JsCast;

/// Whether boxes can be ticked here.
#[derive(Clone, Copy)]
pub struct Ticking(pub bool);

/// What a box is besides its picture, where it can be ticked.
pub fn attributes() -> (Option<&'static str>, Option<&'static str>) {
    match use_context::<Ticking>() {
        Some(Ticking(true)) => (Some("checkbox"), Some("0")),
        _ => (None, None),
    }
}

/// The source with its box `n` ticked or unticked, counted in the order of the text. Nothing else of it changes.
pub fn tick(source: &str, n: usize) -> Option<String> {
    let boxes = Parser::new_ext(source, Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES)
        .into_offset_iter()
        .filter_map(|(event, range)| match event {
            Event::TaskListMarker(on) => Some((on, range)),
            _ => None,
        });
    let (on, range) = { boxes }.nth(n)?;
    let open = range.start + source[range.clone()].find('[')? + 1;
    let close = range.start + source[range].rfind(']')?;
    let mut ticked = source.to_owned();
    ticked.replace_range(open..close, if on { " " } else { "x" });
    Some(ticked)
}

/// The number of the box that an event is for, among those below `root`.
pub fn target(ev: &web_sys::Event, root: &web_sys::Element) -> Option<usize> {
    let element: web_sys::Element = ev.target()?.dyn_into().ok()?;
    let hit = element.closest(".task-box[role=checkbox]").ok()??;
    let all = root.query_selector_all(".task-box").ok()?;
    (0..all.length()).position(|n| all.item(n).is_some_and(|b| b.is_same_node(Some(&hit))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_ticked_and_nothing_else_changes() {
        let source = "- [ ] a\r\n- [x] b\r\n\r\n`- [ ] code`\r\n\r\n```\r\n- [ ] code\r\n```\r\n\r\n1. [X] c\r\n   - [ ] d [ ]\r\n> - [ ] e  ";
        let at = |n: usize| tick(source, n);
        assert_eq!(at(0).unwrap(), source.replacen("- [ ] a", "- [x] a", 1));
        assert_eq!(at(1).unwrap(), source.replacen("[x] b", "[ ] b", 1));
        assert_eq!(at(2).unwrap(), source.replacen("[X] c", "[ ] c", 1));
        assert_eq!(at(3).unwrap(), source.replacen("[ ] d [ ]", "[x] d [ ]", 1));
        assert_eq!(at(4).unwrap(), source.replacen("[ ] e", "[x] e", 1));
        assert_eq!(at(5), None);
    }
}
