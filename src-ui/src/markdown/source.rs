//! Where what is drawn of a piece of Markdown stands in its source.
//!
//! The drawn text is all text of the drawn nodes in their order. Offsets count UTF-16 code units, as browsers and the
//! core's annotations do.

use std::ops::Range;

/// A stretch of the drawn text, up to where the next one begins. Of the same length as its source it is a copy of it;
/// otherwise it stands for the source as a whole, as `&` does for `&amp;`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    drawn: u32,
    source: u32,
    source_end: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    pieces: Vec<Piece>,
    len: u32,
}

pub fn units(text: &str) -> u32 {
    text.chars().map(|c| c.len_utf16() as u32).sum()
}

impl SourceMap {
    /// Length of the drawn text.
    pub const fn len(&self) -> u32 {
        self.len
    }

    fn end_of(&self, n: usize) -> u32 {
        self.pieces.get(n + 1).map_or(self.len, |p| p.drawn)
    }

    fn is_copy(&self, n: usize) -> bool {
        self.pieces.get(n).is_some_and(|p| self.end_of(n) - p.drawn == p.source_end - p.source)
    }

    /// The source of a stretch of the drawn text; `None` when the stretch is empty.
    pub fn to_source(&self, drawn: Range<u32>) -> Option<Range<u32>> {
        let drawn = drawn.start..drawn.end.min(self.len);
        if drawn.is_empty() {
            return None;
        }
        let first = self.pieces.partition_point(|p| p.drawn <= drawn.start).checked_sub(1)?;
        let last = self.pieces.partition_point(|p| p.drawn < drawn.end).checked_sub(1)?;
        let (from, to) = (self.pieces.get(first)?, self.pieces.get(last)?);
        let start = from.source + if self.is_copy(first) { drawn.start - from.drawn } else { 0 };
        let end = if self.is_copy(last) { to.source + (drawn.end - to.drawn) } else { to.source_end };
        (start < end).then_some(start..end)
    }

    /// What is drawn of a stretch of the source; `None` when nothing is.
    pub fn to_drawn(&self, source: Range<u32>) -> Option<Range<u32>> {
        let first = self.pieces.partition_point(|p| p.source_end <= source.start);
        let last = self.pieces.partition_point(|p| p.source < source.end).checked_sub(1)?;
        let (from, to) = (self.pieces.get(first)?, self.pieces.get(last)?);
        if source.is_empty() || first > last {
            return None;
        }
        let copied = |n: usize, p: &Piece, at: u32| {
            if self.is_copy(n) { p.drawn + at.clamp(p.source, p.source_end) - p.source } else { p.drawn }
        };
        let start = copied(first, from, source.start);
        let end = if self.is_copy(last) { copied(last, to, source.end) } else { self.end_of(last) };
        (start < end).then_some(start..end)
    }
}

/// Writes a map down while the text is read. Its sources are bytes until the map is finished.
#[derive(Debug)]
pub(super) struct MapWriter<'a> {
    source: &'a str,
    pieces: Vec<(u32, Range<usize>)>,
    len: u32,
}

impl<'a> MapWriter<'a> {
    pub fn new(source: &'a str) -> Self {
        Self { source, pieces: Vec::new(), len: 0 }
    }

    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Forgets what was drawn after an offset.
    pub fn cut(&mut self, len: u32) {
        self.len = self.len.min(len);
        let kept = self.pieces.partition_point(|(drawn, _)| *drawn < self.len);
        self.pieces.truncate(kept);
        if let Some((drawn, range)) = self.pieces.last_mut()
            && let Some(copy) = self.source.get(range.clone())
        {
            // A copy that loses its end stays a copy.
            let mut left = self.len - *drawn;
            let kept = copy.char_indices().find(|(_, c)| {
                let over = left == 0;
                left = left.saturating_sub(c.len_utf16() as u32);
                over
            });
            if let Some((n, _)) = kept {
                range.end = range.start + n;
            }
        }
    }

    /// Text that is drawn next, and the source that says it.
    pub fn words(&mut self, text: &str, range: Range<usize>) {
        match self.source.get(range.clone()) {
            Some(same) if same == text => self.push(units(text), range, true),
            Some(other) if other.starts_with('&') && other.ends_with(';') => {
                self.push(units(text), range, false);
            }
            _ => self.differing(text, range),
        }
    }

    /// Text that the source says otherwise: code whose lines stand in a quote, a line's end that is drawn as a space.
    fn differing(&mut self, text: &str, range: Range<usize>) {
        let mut at = range.start;
        for (n, c) in text.char_indices() {
            let rest = self.source.get(at..range.end).unwrap_or_default();
            let found = if c.is_whitespace() {
                let here = rest.chars().next().filter(|c| c.is_whitespace());
                here.map(|c| (0, c)).or_else(|| rest.char_indices().find(|(_, other)| *other == c))
            } else {
                rest.find(c).map(|n| (n, c))
            };
            let Some((skipped, found)) = found else {
                return self.push(units(&text[n..]), at..range.end, false);
            };
            let start = at + skipped;
            at = start + found.len_utf8();
            self.push(c.len_utf16() as u32, start..at, true);
        }
    }

    fn push(&mut self, len: u32, range: Range<usize>, copy: bool) {
        if len == 0 {
            return;
        }
        let drawn = self.len;
        self.len += len;
        let joins = copy
            && self.pieces.last().is_some_and(|(before, last)| {
                let same = self.source.get(last.clone()).is_some_and(|s| units(s) == drawn - before);
                last.end == range.start && same
            });
        match self.pieces.last_mut() {
            Some((_, last)) if joins => last.end = range.end,
            _ => self.pieces.push((drawn, range)),
        }
    }

    pub fn finish(self) -> SourceMap {
        let table = Table::of(self.source);
        let pieces = self
            .pieces
            .into_iter()
            .map(|(drawn, range)| Piece {
                drawn,
                source: table.at(self.source, range.start),
                source_end: table.at(self.source, range.end),
            })
            .collect();
        SourceMap { pieces, len: self.len }
    }
}

/// UTF-16 offsets of a text's bytes, every so often.
struct Table(Vec<u32>);

impl Table {
    const STEP: usize = 128;

    fn of(text: &str) -> Self {
        let mut steps = Vec::with_capacity(text.len() / Self::STEP + 1);
        let mut count = 0;
        for (n, c) in text.char_indices() {
            while steps.len() * Self::STEP <= n {
                steps.push(count);
            }
            count += c.len_utf16() as u32;
        }
        Self(steps)
    }

    fn at(&self, text: &str, byte: usize) -> u32 {
        // The first character that begins at or after the step.
        let step = (byte / Self::STEP).min(self.0.len().saturating_sub(1));
        let mut from = (step * Self::STEP).min(byte);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        self.0.get(step).copied().unwrap_or(0) + text.get(from..byte).map_or(0, units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown::outline::{Definitions, outline};
    use crate::markdown::{Block, Inline, parse_part};

    fn flat(blocks: &[Block], out: &mut String) {
        for b in blocks {
            match b {
                Block::Paragraph(t) | Block::Heading(_, t) => inlines(t, out),
                Block::Code { text, .. } => out.push_str(text),
                Block::Quote(b) => flat(b, out),
                Block::List { items, .. } => items.iter().for_each(|i| flat(&i.blocks, out)),
                Block::Table { head, rows, .. } => {
                    head.iter().chain(rows.iter().flatten()).for_each(|c| inlines(c, out));
                }
                Block::Rule => {}
            }
        }
    }

    fn inlines(all: &[Inline], out: &mut String) {
        for i in all {
            match i {
                Inline::Text(t) | Inline::Code(t) | Inline::Issue(t) => out.push_str(t),
                Inline::Emphasis(t) | Inline::Strong(t) | Inline::Strike(t) => inlines(t, out),
                Inline::Link { text, .. } => inlines(text, out),
                Inline::Image { alt, .. } => out.push_str(alt),
                Inline::Mention { text, .. } => out.push_str(text),
                Inline::Break => {}
            }
        }
    }

    fn utf16(text: &str, range: Range<u32>) -> String {
        let units: Vec<u16> = text.encode_utf16().collect();
        String::from_utf16_lossy(&units[range.start as usize..range.end as usize])
    }

    const HARD: &str = "# A *heading* with `co de`\r\n\r\nFirst line\r\n  second &amp; third, \\*no star\\*, 😀 and é\u{301}.\n\
        See [the **plan** of @ada](https://a.b/c?d) or ![a picture](x.png) and ![](y.png), ABC-12; [@Ada](agent://x).\n\n\
        > quoted `a\n> b` text\n> ```rust\n> let x = 1;\n>\n> let y = 2;\n> ```\n\n\
        1. one\n   - [x] two *three*\n\n     loose\n2. four<br>five  \n   six\n\n\
        | a \\| b | c |\n|---|--:|\n| 漢字 | ~~old~~ `x|y` |\n\n<div>\nraw &lt; html\n</div>\n\n\
            indented code\n    more\n\n[ref]: https://example.org\n\nעברית ו [a ref][ref] end\n***\nlast";

    #[test]
    fn every_drawn_word_stands_where_the_map_says() {
        let (blocks, map) = parse_part(HARD, &Definitions::default());
        let mut drawn = String::new();
        flat(&blocks, &mut drawn);
        assert_eq!(units(&drawn), map.len(), "{drawn}");
        let mut at = 0;
        for c in drawn.chars() {
            let range = at..at + c.len_utf16() as u32;
            at = range.end;
            // White space may be said otherwise, and so is `&amp;`.
            if c.is_whitespace() || c == '&' {
                continue;
            }
            let source = map.to_source(range.clone()).unwrap();
            assert_eq!(utf16(HARD, source.clone()), c.to_string(), "in {drawn:?}");
            assert_eq!(map.to_drawn(source), Some(range));
        }
        let first = drawn.find("let y").unwrap();
        let start = units(&drawn[..first]);
        let source = map.to_source(start..start + 10).unwrap();
        assert_eq!(utf16(HARD, source), "let y = 2;");
    }

    #[test]
    fn what_is_said_otherwise_stands_for_its_source_as_a_whole() {
        let text = "a &amp; b";
        let (_, map) = parse_part(text, &Definitions::default());
        assert_eq!(map.to_source(2..3), Some(2..7));
        assert_eq!(map.to_drawn(4..5), Some(2..3));
        assert_eq!(map.to_source(3..3), None);
        assert_eq!(map.to_drawn(40..50), None);
        let (_, map) = parse_part("**bold** x", &Definitions::default());
        assert_eq!(map.to_source(0..4), Some(2..6));
        assert_eq!(map.to_drawn(0..2), None, "markers are not drawn");
        assert_eq!(map.to_drawn(0..9), Some(0..5));
    }

    #[test]
    fn parts_of_a_document_are_read_as_the_whole_is() {
        let text = format!("{HARD}\n\n{HARD}").repeat(12);
        let whole = outline(&text);
        assert!(whole.parts.len() > 3, "{}", whole.parts.len());
        let (mut together, mut apart) = (String::new(), String::new());
        flat(&parse_part(&text, &Definitions::default()).0, &mut together);
        let mut end = 0;
        for part in &whole.parts {
            assert!(part.bytes.start >= end);
            assert_eq!(part.start, units(&text[..part.bytes.start]));
            end = part.bytes.end;
            flat(&parse_part(&text[part.bytes.clone()], &whole.definitions).0, &mut apart);
        }
        assert_eq!(apart, together);
    }
}
