//! Reads the parser's events into blocks, and writes down where each drawn character comes from.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Tag, TagEnd};

use super::source::{MapWriter, SourceMap, units};
use super::words::join;
use super::{Align, Block, Inline, Item};

type Events<'a> = std::vec::IntoIter<(Event<'a>, Range<usize>)>;

pub(super) struct Reader<'a> {
    source: &'a str,
    events: Events<'a>,
    map: MapWriter<'a>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a str, events: impl Iterator<Item = (Event<'a>, Range<usize>)>) -> Self {
        Self { source, events: events.collect::<Vec<_>>().into_iter(), map: MapWriter::new(source) }
    }

    pub fn read(mut self) -> (Vec<Block>, SourceMap) {
        let blocks = self.blocks(None);
        (blocks, self.map.finish())
    }

    /// Reads blocks up to the end of the one they stand in.
    fn blocks(&mut self, until: Option<TagEnd>) -> Vec<Block> {
        let mut out = Vec::new();
        // Text that stands in a list item without a paragraph of its own.
        let mut loose: Vec<Inline> = Vec::new();
        while let Some((event, range)) = self.events.next() {
            if let Event::End(end) = &event
                && Some(*end) == until
            {
                break;
            }
            match event {
                Event::Start(tag) if is_block(&tag) => {
                    flush(&mut loose, &mut out);
                    out.push(self.block(tag));
                }
                Event::Rule => {
                    flush(&mut loose, &mut out);
                    out.push(Block::Rule);
                }
                Event::End(_) => {}
                other => {
                    if let Some(inline) = self.inline(other, range, &mut loose) {
                        loose.push(inline);
                    }
                }
            }
        }
        flush(&mut loose, &mut out);
        out
    }

    fn block(&mut self, tag: Tag<'a>) -> Block {
        match tag {
            Tag::Heading { level, .. } => Block::Heading(depth(level), self.inlines(TagEnd::Heading(level))),
            Tag::BlockQuote(kind) => Block::Quote(self.blocks(Some(TagEnd::BlockQuote(kind)))),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([' ', ',']).next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                Block::Code { language, text: self.text(TagEnd::CodeBlock) }
            }
            Tag::List(first) => Block::List { first, items: self.items(TagEnd::List(first.is_some())) },
            Tag::Table(align) => self.table(&align),
            Tag::HtmlBlock => {
                let drawn = self.map.len();
                let text = self.text(TagEnd::HtmlBlock);
                let shown = text.trim_end();
                self.map.cut(drawn + units(shown));
                Block::Paragraph(vec![Inline::Text(shown.to_owned())])
            }
            other => Block::Paragraph(self.inlines(other.to_end())),
        }
    }

    fn items(&mut self, until: TagEnd) -> Vec<Item> {
        let mut items = Vec::new();
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => items.push(self.item()),
                Event::End(end) if end == until => break,
                _ => {}
            }
        }
        items
    }

    fn item(&mut self) -> Item {
        let checked = match self.events.as_slice().first() {
            Some((Event::TaskListMarker(on), _)) => Some(*on),
            // In a loose list the marker stands within the first paragraph.
            Some((Event::Start(Tag::Paragraph), _)) => match self.events.as_slice().get(1) {
                Some((Event::TaskListMarker(on), _)) => Some(*on),
                _ => None,
            },
            _ => None,
        };
        Item { checked, blocks: self.blocks(Some(TagEnd::Item)) }
    }

    fn table(&mut self, align: &[Alignment]) -> Block {
        let align = align
            .iter()
            .map(|a| match a {
                Alignment::Center => Align::Center,
                Alignment::Right => Align::End,
                Alignment::Left | Alignment::None => Align::Start,
            })
            .collect();
        let (mut head, mut rows, mut row) = (Vec::new(), Vec::new(), Vec::new());
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::TableCell) => row.push(self.inlines(TagEnd::TableCell)),
                Event::End(TagEnd::TableHead) => head = std::mem::take(&mut row),
                Event::End(TagEnd::TableRow) => rows.push(std::mem::take(&mut row)),
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        Block::Table { align, head, rows }
    }

    /// The plain text up to an end.
    fn text(&mut self, until: TagEnd) -> String {
        let mut out = String::new();
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::End(end) if end == until => break,
                Event::Text(t) | Event::Html(t) | Event::InlineHtml(t) => {
                    self.map.words(&t, range);
                    out.push_str(&t);
                }
                Event::Code(t) => {
                    self.map.words(&t, self.within_ticks(range));
                    out.push_str(&t);
                }
                Event::SoftBreak | Event::HardBreak => {
                    self.map.words("\n", range);
                    out.push('\n');
                }
                _ => {}
            }
        }
        out
    }

    fn inlines(&mut self, until: TagEnd) -> Vec<Inline> {
        let mut out = Vec::new();
        while let Some((event, range)) = self.events.next() {
            if matches!(&event, Event::End(end) if *end == until) {
                break;
            }
            if let Some(inline) = self.inline(event, range, &mut out) {
                out.push(inline);
            }
        }
        join(out)
    }

    /// Reads one inline thing; text goes to `out` by itself, since it may be several.
    fn inline(&mut self, event: Event<'a>, range: Range<usize>, out: &mut Vec<Inline>) -> Option<Inline> {
        Some(match event {
            Event::Text(t) => {
                self.map.words(&t, range);
                match out.last_mut() {
                    Some(Inline::Text(last)) => last.push_str(&t),
                    _ => out.push(Inline::Text(t.into_string())),
                }
                return None;
            }
            Event::Html(t) | Event::InlineHtml(t) => {
                self.map.words(&t, range);
                Inline::Text(t.into_string())
            }
            Event::Code(t) => {
                self.map.words(&t, self.within_ticks(range));
                Inline::Code(t.into_string())
            }
            Event::SoftBreak => {
                self.map.words("\n", range);
                Inline::Text("\n".into())
            }
            Event::HardBreak => Inline::Break,
            Event::Start(Tag::Emphasis) => Inline::Emphasis(self.inlines(TagEnd::Emphasis)),
            Event::Start(Tag::Strong) => Inline::Strong(self.inlines(TagEnd::Strong)),
            Event::Start(Tag::Strikethrough) => Inline::Strike(self.inlines(TagEnd::Strikethrough)),
            Event::Start(Tag::Link { dest_url, .. }) => {
                link(dest_url.into_string(), self.plain(TagEnd::Link))
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                Inline::Image { url: dest_url.into_string(), alt: self.text(TagEnd::Image) }
            }
            _ => return None,
        })
    }

    /// What stands between the ticks of a piece of code.
    fn within_ticks(&self, range: Range<usize>) -> Range<usize> {
        let code = self.source.get(range.clone()).unwrap_or_default();
        let ticks = code.bytes().take_while(|b| *b == b'`').count();
        let inner = range.start + ticks..range.end.saturating_sub(ticks);
        if inner.start < inner.end { inner } else { range }
    }

    /// Inlines whose text is left alone: within a link nothing else is a link.
    fn plain(&mut self, until: TagEnd) -> Vec<Inline> {
        let mut out = Vec::new();
        while let Some((event, range)) = self.events.next() {
            if matches!(&event, Event::End(end) if *end == until) {
                break;
            }
            if let Some(inline) = self.inline(event, range, &mut out) {
                out.push(inline);
            }
        }
        out
    }
}

const fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

const fn is_block(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Paragraph
            | Tag::Heading { .. }
            | Tag::BlockQuote(_)
            | Tag::CodeBlock(_)
            | Tag::List(_)
            | Tag::Table(_)
            | Tag::HtmlBlock
    )
}

fn flush(loose: &mut Vec<Inline>, out: &mut Vec<Block>) {
    let inlines = join(std::mem::take(loose));
    if !inlines.is_empty() {
        out.push(Block::Paragraph(inlines));
    }
}

fn link(url: String, text: Vec<Inline>) -> Inline {
    if let Some(agent) = url.strip_prefix("agent://") {
        let mut said = String::new();
        flatten(&text, &mut said);
        return Inline::Mention { who: agent.split('?').next().unwrap_or_default().to_owned(), text: said };
    }
    Inline::Link { url, text }
}

/// The text that inlines draw.
fn flatten(inlines: &[Inline], out: &mut String) {
    for i in inlines {
        match i {
            Inline::Text(t) | Inline::Code(t) | Inline::Issue(t) => out.push_str(t),
            Inline::Emphasis(t) | Inline::Strong(t) | Inline::Strike(t) => flatten(t, out),
            Inline::Link { text, .. } => flatten(text, out),
            Inline::Image { alt: text, .. } | Inline::Mention { text, .. } => out.push_str(text),
            Inline::Break => {}
        }
    }
}
