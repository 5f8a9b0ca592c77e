//! A document as its reader sees it, and where each character of that stands in the Markdown.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use unicode_segmentation::GraphemeCursor;

use super::selector::CONTEXT;
use super::utf16::{Utf16, narrow};

/// A piece of the projected text, up to where the next one begins. Of the same length as its source it is a copy of
/// it; otherwise it stands for the source as a whole, as `&` does for `&amp;` and one space for a line's end.
#[derive(Clone, Copy, Debug)]
struct Piece {
    at: u32,
    source: u32,
    source_end: u32,
}

/// The text of a Markdown document without the markers of blocks, without inline formatting, and with one space for
/// each run of white space. What links and images say is kept, and so are code and raw HTML.
///
/// Offsets are bytes unless they are said to be UTF-16; a range given in bytes may be any, it is widened to whole
/// characters and cut to the text.
#[derive(Debug)]
pub struct Projection<'a> {
    source: &'a str,
    text: String,
    pieces: Vec<Piece>,
    /// Where each block of text begins: a paragraph, a heading, a row of a table, a line of code.
    blocks: Vec<u32>,
    text_units: Utf16,
    source_units: Utf16,
}

impl<'a> Projection<'a> {
    pub fn of(source: &'a str) -> Self {
        let mut writer = Writer::new(source);
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_FOOTNOTES;
        for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
            writer.event(event, range);
        }
        Self {
            source,
            text_units: Utf16::of(&writer.text),
            source_units: Utf16::of(source),
            text: writer.text,
            pieces: writer.pieces,
            blocks: writer.blocks,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub const fn source(&self) -> &'a str {
        self.source
    }

    /// The blocks of the text, in order, each without the space that parts it from the next.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let ends = self.blocks.iter().skip(1).map(|b| *b as usize - 1).chain([self.text.len()]);
        self.blocks.iter().map(|b| *b as usize).zip(ends).map(|(start, end)| start..end)
    }

    /// The blocks that a stretch of the text lies in, from the beginning of the first to the end of the last.
    pub(super) fn blocks_over(&self, range: &Range<usize>) -> Range<usize> {
        let begun = |at: usize| self.blocks.partition_point(|b| (*b as usize) <= at);
        let first =
            begun(range.start).checked_sub(1).and_then(|n| self.blocks.get(n)).map_or(0, |b| *b as usize);
        let next = self.blocks.get(begun(range.end.max(1) - 1));
        first..next.map_or(self.text.len(), |b| *b as usize - 1).max(range.end)
    }

    /// What stands in the same block before and after a stretch of the text, as far as context reaches.
    pub(super) fn block_around(&self, range: &Range<usize>) -> (Range<usize>, Range<usize>) {
        let Range { start: first, end } = self.blocks_over(range);
        let (head, tail) = (&self.text[first..range.start], &self.text[range.end..end]);
        let from = head.char_indices().rev().take(CONTEXT).last().map_or(range.start, |(n, _)| first + n);
        let to = tail.char_indices().nth(CONTEXT).map_or(range.end + tail.len(), |(n, _)| range.end + n);
        (from..range.start, range.end..to)
    }

    /// The Markdown that a stretch of the text was made from.
    pub fn to_source(&self, range: Range<usize>) -> Range<usize> {
        let Range { start, end } = whole_chars(&self.text, range);
        let first = self.pieces.partition_point(|p| p.at as usize <= start).saturating_sub(1);
        let (Some(from), true) = (self.pieces.get(first), start < end) else {
            let at = self.pieces.get(first).map_or(0, |p| p.source as usize);
            return at..at;
        };
        let last = self.pieces.partition_point(|p| (p.at as usize) < end).saturating_sub(1);
        let to = self.pieces.get(last).unwrap_or(from);
        let low = from.source as usize + if self.is_copy(first) { start - from.at as usize } else { 0 };
        let high = if self.is_copy(last) {
            to.source as usize + (end - to.at as usize)
        } else {
            to.source_end as usize
        };
        whole_chars(self.source, low..high)
    }

    /// What a reader sees of a stretch of the Markdown: every character that any of it stands for, without white
    /// space at the ends. Empty when a reader sees nothing of it.
    pub fn to_text(&self, range: Range<usize>) -> Range<usize> {
        let Range { start, end } = whole_chars(self.source, range);
        let first = self.pieces.partition_point(|p| p.source_end as usize <= start);
        let past = self.pieces.partition_point(|p| (p.source as usize) < end);
        let (Some(from), Some(to)) =
            (self.pieces.get(first), past.checked_sub(1).and_then(|n| self.pieces.get(n)))
        else {
            return 0..0;
        };
        if start >= end || first >= past {
            return 0..0;
        }
        let low = from.at as usize
            + if self.is_copy(first) { start.saturating_sub(from.source as usize) } else { 0 };
        let high = if self.is_copy(past - 1) {
            to.at as usize + (end.min(to.source_end as usize) - to.source as usize)
        } else {
            self.piece_end(past - 1)
        };
        trimmed(&self.text, low..high.max(low))
    }

    fn piece_end(&self, n: usize) -> usize {
        self.pieces.get(n + 1).map_or(self.text.len(), |p| p.at as usize)
    }

    fn is_copy(&self, n: usize) -> bool {
        self.pieces
            .get(n)
            .is_some_and(|p| self.piece_end(n) - p.at as usize == (p.source_end - p.source) as usize)
    }

    /// UTF-16 offsets of a stretch of the text.
    pub fn text_units(&self, range: &Range<usize>) -> Range<u32> {
        self.text_units.of_byte(&self.text, range.start)..self.text_units.of_byte(&self.text, range.end)
    }

    /// UTF-16 offsets of a stretch of the Markdown.
    pub fn source_units(&self, range: &Range<usize>) -> Range<u32> {
        self.source_units.of_byte(self.source, range.start)..self.source_units.of_byte(self.source, range.end)
    }

    /// The stretch of the text between UTF-16 offsets; half of a surrogate pair counts as the pair.
    pub fn text_bytes(&self, units: &Range<u32>) -> Range<usize> {
        self.text_units.to_byte(&self.text, units.start)..self.text_units.to_byte_end(&self.text, units.end)
    }

    /// The stretch of the Markdown between UTF-16 offsets; half of a surrogate pair counts as the pair.
    pub fn source_bytes(&self, units: &Range<u32>) -> Range<usize> {
        self.source_units.to_byte(self.source, units.start)
            ..self.source_units.to_byte_end(self.source, units.end)
    }

    /// The length of the Markdown in UTF-16 code units.
    pub const fn source_len_units(&self) -> u32 {
        self.source_units.len()
    }
}

/// What JavaScript's `\s` means. The zero character is no text either.
pub(super) fn is_space(c: char) -> bool {
    match c {
        '\0' | '\u{feff}' => true,
        '\u{85}' => false,
        c => c.is_whitespace(),
    }
}

/// A range within the text, widened to whole characters.
pub(super) fn whole_chars(text: &str, range: Range<usize>) -> Range<usize> {
    let mut start = range.start.min(text.len());
    let mut end = range.end.clamp(start, text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// The range without white space at its ends.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let range = whole_chars(text, range);
    let inner = &text[range.clone()];
    let start = range.end - inner.trim_start_matches(is_space).len();
    let end = range.start + inner.trim_end_matches(is_space).len();
    start..end.max(start)
}

/// Whether a reader's eye would part the text here: not within an emoji or between a letter and its accents.
pub(super) fn parts(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let plain = |at: usize| bytes.get(at).is_none_or(|b| b.is_ascii() && *b != b'\n');
    if at == 0 || at >= text.len() || (plain(at - 1) && plain(at)) {
        return true;
    }
    if !text.is_char_boundary(at) {
        return false;
    }
    // A row of flags may be as long as the text; this much of it is looked at.
    let from = whole_chars(text, at.saturating_sub(128)..at).start;
    let piece = &text[from..];
    GraphemeCursor::new(at - from, piece.len(), true).is_boundary(piece, 0).unwrap_or(true)
}

/// Writes the text down while the events of the parser go by.
struct Writer<'a> {
    source: &'a str,
    text: String,
    pieces: Vec<Piece>,
    blocks: Vec<u32>,
    /// White space, or what parts blocks, came since the last character.
    gap: bool,
    /// What comes next begins a block.
    fresh: bool,
    /// Each line begins a block.
    lines: bool,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str) -> Self {
        let text = String::with_capacity(source.len());
        Self { source, text, pieces: Vec::new(), blocks: Vec::new(), gap: false, fresh: true, lines: false }
    }

    fn event(&mut self, event: Event<'a>, range: Range<usize>) {
        match event {
            Event::Start(tag) => {
                self.lines = matches!(tag, Tag::CodeBlock(_) | Tag::HtmlBlock);
                match tag {
                    Tag::TableCell => self.gap = true,
                    tag if is_inline(&tag) => {}
                    _ => self.part(),
                }
            }
            Event::End(tag) => match tag {
                TagEnd::TableCell => self.gap = true,
                TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image => {}
                _ => {
                    self.lines = false;
                    self.part();
                }
            },
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.words(&text, range),
            Event::Code(text) => {
                let slice = self.source.get(range.clone()).unwrap_or_default();
                let ticks = slice.bytes().take_while(|b| *b == b'`').count();
                let inner = range.start + ticks..range.end.saturating_sub(ticks);
                self.words(&text, if inner.start < inner.end { inner } else { range });
            }
            Event::FootnoteReference(label) => {
                // `[^1]` is read as the 1 that it shows.
                let inner = (range.start + 2).min(range.end)..range.end.saturating_sub(1);
                self.words(&label, if inner.start < inner.end { inner } else { range });
            }
            Event::SoftBreak | Event::HardBreak => self.gap = true,
            Event::Rule => self.part(),
            _ => {}
        }
    }

    const fn part(&mut self) {
        self.gap = true;
        self.fresh = true;
    }

    /// Text that a reader sees, and the Markdown that says it.
    fn words(&mut self, text: &str, range: Range<usize>) {
        if self.source.get(range.clone()) == Some(text) {
            self.copy(text, range.start);
        } else {
            self.differing(text, range);
        }
    }

    /// Writes text that stands so in the Markdown from a place on.
    fn copy(&mut self, text: &str, source: usize) {
        let mut rest = text;
        while !rest.is_empty() {
            let at = source + text.len() - rest.len();
            let word = word_end(rest);
            if word == 0 {
                let after = rest.trim_start_matches(is_space);
                self.white(&rest[..rest.len() - after.len()]);
                rest = after;
            } else {
                self.piece(&rest[..word], at..at + word);
                rest = &rest[word..];
            }
        }
    }

    /// Writes text that the Markdown says otherwise: an entity, or code whose lines stand in a quote.
    fn differing(&mut self, text: &str, range: Range<usize>) {
        let slice = self.source.get(range.clone()).unwrap_or_default();
        if slice.starts_with('&') && slice.ends_with(';') {
            return self.whole(text, range);
        }
        let mut at = range.start;
        for (n, c) in text.char_indices() {
            if is_space(c) {
                self.white(&text[n..n + c.len_utf8()]);
                continue;
            }
            let Some(found) = self.source.get(at..range.end).and_then(|rest| rest.find(c)) else {
                return self.whole(&text[n..], at..range.end);
            };
            let start = at + found;
            at = start + c.len_utf8();
            self.piece(&text[n..n + c.len_utf8()], start..at);
        }
    }

    /// Writes text whose characters have no places of their own in the Markdown.
    fn whole(&mut self, text: &str, range: Range<usize>) {
        self.gap |= text.starts_with(is_space);
        let words: Vec<&str> = text.split(is_space).filter(|w| !w.is_empty()).collect();
        if !words.is_empty() {
            self.piece(&words.join(" "), range);
        }
        self.gap |= text.ends_with(is_space);
    }

    fn white(&mut self, space: &str) {
        if space.is_empty() {
            return;
        }
        self.gap = true;
        self.fresh |= self.lines && space.contains(['\n', '\r']);
    }

    /// Writes one word, or a part of it, after the space that is due.
    fn piece(&mut self, word: &str, source: Range<usize>) {
        if self.gap && !self.text.is_empty() {
            let from = self.pieces.last().map_or(0, |p| p.source_end as usize);
            self.push(" ", from.min(source.start)..source.start);
        }
        if self.fresh {
            self.blocks.push(narrow(self.text.len()));
        }
        (self.gap, self.fresh) = (false, false);
        self.push(word, source);
    }

    fn push(&mut self, text: &str, source: Range<usize>) {
        let (at, end) = (self.text.len(), narrow(source.end));
        let copied = text.len() == source.len();
        match self.pieces.last_mut() {
            // What goes on where the last copy ended is one copy with it.
            Some(last)
                if copied
                    && last.source_end as usize == source.start
                    && at - last.at as usize == (last.source_end - last.source) as usize =>
            {
                last.source_end = end;
            }
            _ => self.pieces.push(Piece { at: narrow(at), source: narrow(source.start), source_end: end }),
        }
        self.text.push_str(text);
    }
}

const fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. })
}

/// How far the text goes without white space. Single spaces between words are passed over, so that long stretches
/// are copied as one.
fn word_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        if b.is_ascii() {
            let inner = *b == b' ' && at > 0 && bytes.get(at + 1).is_some_and(|n| n.is_ascii_graphic());
            if b.is_ascii_graphic() || inner || !is_space(char::from(*b)) {
                at += 1;
                continue;
            }
            return at;
        }
        match text[at..].chars().next() {
            Some(c) if !is_space(c) => at += c.len_utf8(),
            _ => return at,
        }
    }
    at
}
