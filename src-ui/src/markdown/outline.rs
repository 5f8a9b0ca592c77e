//! A long document, cut into parts that are read and drawn each by itself, when they come into view.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, Parser, Tag};

use super::OPTIONS;
use super::source::units;

/// A part ends at the first block after so many bytes, or already at a heading after fewer.
const ENOUGH: usize = 3000;
const ENOUGH_AT_HEADING: usize = 800;

/// Whole blocks of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub bytes: Range<usize>,
    /// Where it begins and ends, in UTF-16 code units.
    pub start: u32,
    pub end: u32,
    /// The same text has the same key in the next revision, so that what is drawn of it stays.
    pub key: u64,
    /// How tall it may be, in pixels.
    pub height: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    pub parts: Vec<Part>,
    pub definitions: Definitions,
}

impl Outline {
    /// The parts that a stretch of the document lies in.
    pub fn parts_over(&self, source: &Range<u32>) -> Range<usize> {
        let first = self.parts.partition_point(|p| p.end <= source.start);
        let past = self.parts.partition_point(|p| p.start < source.end);
        first..past.max(first)
    }

    pub fn find(&self, key: u64) -> Option<&Part> {
        self.parts.iter().find(|p| p.key == key)
    }
}

/// Where reference links lead: they may be defined in another part than they stand in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definitions(HashMap<String, (String, String)>);

impl Definitions {
    pub fn find(&self, label: &str) -> Option<(CowStr<'static>, CowStr<'static>)> {
        let (to, title) = self.0.get(&label.to_lowercase())?;
        Some((to.clone().into(), title.clone().into()))
    }

    fn stamp(&self) -> u64 {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_unstable();
        let mut hasher = DefaultHasher::new();
        all.hash(&mut hasher);
        hasher.finish()
    }
}

struct Cutter<'a> {
    source: &'a str,
    parts: Vec<Part>,
    seen: HashMap<u64, u32>,
    /// The part that is being gathered.
    open: Option<Range<usize>>,
    /// How far code units were counted.
    counted: (usize, u32),
    stamp: u64,
}

/// Cuts a document into parts.
pub fn outline(source: &str) -> Outline {
    let parser = Parser::new_ext(source, OPTIONS);
    let definitions = Definitions(
        parser
            .reference_definitions()
            .iter()
            .map(|(label, to)| {
                let title = to.title.as_ref().map(ToString::to_string).unwrap_or_default();
                (label.to_lowercase(), (to.dest.to_string(), title))
            })
            .collect(),
    );
    let stamp = if definitions.0.is_empty() { 0 } else { definitions.stamp() };
    let mut cutter =
        Cutter { source, parts: Vec::new(), seen: HashMap::new(), open: None, counted: (0, 0), stamp };
    let mut depth = 0_u32;
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(tag) => {
                if depth == 0 {
                    cutter.block(range, matches!(tag, Tag::Heading { .. }));
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            _ if depth == 0 => cutter.block(range, false),
            _ => {}
        }
    }
    cutter.close();
    Outline { parts: cutter.parts, definitions }
}

impl Cutter<'_> {
    fn block(&mut self, range: Range<usize>, heading: bool) {
        // What indents a block belongs to it.
        let start = self.source[..range.start].rfind('\n').map_or(0, |n| n + 1);
        let size = self.open.as_ref().map_or(0, |o| o.end - o.start);
        if size >= ENOUGH || (heading && size >= ENOUGH_AT_HEADING) {
            self.close();
        }
        match &mut self.open {
            Some(open) => open.end = range.end.max(open.end),
            None => self.open = Some(start..range.end),
        }
    }

    fn close(&mut self) {
        let Some(bytes) = self.open.take() else { return };
        let text = &self.source[bytes.clone()];
        let start = self.counted.1 + units(&self.source[self.counted.0..bytes.start]);
        let end = start + units(text);
        self.counted = (bytes.end, end);
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        if text.contains(']') {
            self.stamp.hash(&mut hasher);
        }
        let same = self.seen.entry(hasher.finish()).or_default();
        same.hash(&mut hasher);
        *same += 1;
        let lines: usize = text.lines().map(|l| if l.is_empty() { 0 } else { 1 + l.len() / 105 }).sum();
        let gaps = text.lines().filter(|l| l.is_empty()).count();
        let height = lines as f64 * 21.0 + gaps as f64 * 9.0 + 12.0;
        self.parts.push(Part { bytes, start, end, key: hasher.finish(), height });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(n: usize) -> String {
        format!("## Section {n}\n\n{}\n\n- one\n- two\n\n", "Words that say something. ".repeat(40))
    }

    #[test]
    fn an_edit_leaves_the_parts_far_from_it_as_they_were() {
        let before: String = (0..60).map(section).collect();
        let after = before.replacen("Section 7\n", "Section seven, which grew by some words\n", 1);
        let (a, b) = (outline(&before), outline(&after));
        let kept = b.parts.iter().filter(|p| a.find(p.key).is_some()).count();
        assert!(kept + 2 >= b.parts.len(), "{kept} of {}", b.parts.len());
        let keys: std::collections::HashSet<u64> = a.parts.iter().map(|p| p.key).collect();
        assert_eq!(keys.len(), a.parts.len(), "equal parts have keys of their own");
    }

    #[test]
    fn parts_are_found_by_the_source_that_lies_in_them() {
        let text: String = (0..9).map(section).collect();
        let all = outline(&text);
        let last = all.parts.last().unwrap();
        assert_eq!(all.parts_over(&(last.start..last.start + 1)), all.parts.len() - 1..all.parts.len());
        assert_eq!(all.parts_over(&(0..units(&text))), 0..all.parts.len());
        assert!(all.parts_over(&(units(&text)..units(&text) + 5)).is_empty());
    }

    #[test]
    fn a_link_finds_what_it_refers_to_in_another_part() {
        let text = format!("[a link][Ref]\n\n{}[ref]: https://example.org\n", section(1).repeat(9));
        let all = outline(&text);
        let first = &text[all.parts[0].bytes.clone()];
        let (blocks, _) = super::super::parse_part(first, &all.definitions);
        let super::super::Block::Paragraph(p) = &blocks[0] else { panic!() };
        let super::super::Inline::Link { url, .. } = &p[0] else { panic!("{p:?}") };
        assert_eq!(url, "https://example.org");
    }
}
