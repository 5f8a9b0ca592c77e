//! Markdown as a tree of plain data. It never becomes a string of HTML; raw HTML in it is shown as the text it is.

mod code;
mod diagram;
mod tasks;
pub mod view;

use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Paragraph(Vec<Inline>),
    Heading(u8, Vec<Inline>),
    Code {
        language: String,
        text: String,
    },
    Quote(Vec<Block>),
    /// Ordered lists know their first number.
    List {
        first: Option<u64>,
        items: Vec<Item>,
    },
    Table {
        align: Vec<Align>,
        head: Vec<Vec<Inline>>,
        rows: Vec<Vec<Vec<Inline>>>,
    },
    Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Start,
    Center,
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Set in task lists.
    pub checked: Option<bool>,
    pub blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    Text(String),
    Code(String),
    Emphasis(Vec<Inline>),
    Strong(Vec<Inline>),
    Strike(Vec<Inline>),
    Link {
        url: String,
        text: Vec<Inline>,
    },
    /// A picture is not fetched: nothing leaves this machine by looking at a text.
    Image {
        url: String,
        alt: String,
    },
    /// `ABC-12`
    Issue(String),
    /// `agent://id`, or `@key` in text.
    Mention(String),
    Break,
}

/// Longer texts are shown as they were written: reading them as Markdown would hold up the window.
const LONGEST: usize = 400_000;

/// Only these may be opened, and only outside the window.
pub fn is_safe_link(url: &str) -> bool {
    let lower = url.trim().to_ascii_lowercase();
    ["http://", "https://", "mailto:"].iter().any(|s| lower.starts_with(s))
        && !lower.contains(['\n', '\r', '\0'])
}

/// Reads Markdown.
pub fn parse(source: &str) -> Vec<Block> {
    if source.len() > LONGEST {
        return vec![Block::Code { language: String::new(), text: source.to_owned() }];
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut reader = Reader { events: Parser::new_ext(source, options).collect::<Vec<_>>().into_iter() };
    reader.blocks(None)
}

struct Reader<'a> {
    events: std::vec::IntoIter<Event<'a>>,
}

impl<'a> Reader<'a> {
    /// Reads blocks up to the end of the one they stand in.
    fn blocks(&mut self, until: Option<TagEnd>) -> Vec<Block> {
        let mut out = Vec::new();
        // Text that stands in a list item without a paragraph of its own.
        let mut loose: Vec<Inline> = Vec::new();
        while let Some(event) = self.events.next() {
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
                    if let Some(inline) = self.inline(other, &mut loose) {
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
                let text = self.text(TagEnd::HtmlBlock);
                Block::Paragraph(vec![Inline::Text(text.trim_end().to_owned())])
            }
            other => Block::Paragraph(self.inlines(other.to_end())),
        }
    }

    fn items(&mut self, until: TagEnd) -> Vec<Item> {
        let mut items = Vec::new();
        while let Some(event) = self.events.next() {
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
            Some(Event::TaskListMarker(on)) => Some(*on),
            // In a loose list the marker stands within the first paragraph.
            Some(Event::Start(Tag::Paragraph)) => match self.events.as_slice().get(1) {
                Some(Event::TaskListMarker(on)) => Some(*on),
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
        while let Some(event) = self.events.next() {
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
        for event in self.events.by_ref() {
            match event {
                Event::End(end) if end == until => break,
                Event::Text(t) | Event::Html(t) | Event::InlineHtml(t) | Event::Code(t) => out.push_str(&t),
                Event::SoftBreak | Event::HardBreak => out.push('\n'),
                _ => {}
            }
        }
        out
    }

    fn inlines(&mut self, until: TagEnd) -> Vec<Inline> {
        let mut out = Vec::new();
        while let Some(event) = self.events.next() {
            if matches!(&event, Event::End(end) if *end == until) {
                break;
            }
            if let Some(inline) = self.inline(event, &mut out) {
                out.push(inline);
            }
        }
        join(out)
    }

    /// Reads one inline thing; text goes to `out` by itself, since it may be several.
    fn inline(&mut self, event: Event<'a>, out: &mut Vec<Inline>) -> Option<Inline> {
        Some(match event {
            Event::Text(t) => {
                match out.last_mut() {
                    Some(Inline::Text(last)) => last.push_str(&t),
                    _ => out.push(Inline::Text(t.into_string())),
                }
                return None;
            }
            Event::Html(t) | Event::InlineHtml(t) => Inline::Text(t.into_string()),
            Event::Code(t) => Inline::Code(t.into_string()),
            Event::SoftBreak => Inline::Text("\n".into()),
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

    /// Inlines whose text is left alone: within a link nothing else is a link.
    fn plain(&mut self, until: TagEnd) -> Vec<Inline> {
        let mut out = Vec::new();
        while let Some(event) = self.events.next() {
            if matches!(&event, Event::End(end) if *end == until) {
                break;
            }
            if let Some(inline) = self.inline(event, &mut out) {
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
        return Inline::Mention(agent.split('?').next().unwrap_or_default().to_owned());
    }
    Inline::Link { url, text }
}

/// Finds links, issues and mentions in runs of text.
fn join(inlines: Vec<Inline>) -> Vec<Inline> {
    let mut merged: Vec<Inline> = Vec::with_capacity(inlines.len());
    for i in inlines {
        match (merged.last_mut(), i) {
            (Some(Inline::Text(last)), Inline::Text(t)) => last.push_str(&t),
            (_, i) => merged.push(i),
        }
    }
    merged
        .into_iter()
        .flat_map(|i| match i {
            Inline::Text(t) => autolink(&t),
            other => vec![other],
        })
        .collect()
}

fn autolink(text: &str) -> Vec<Inline> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let mut out = Vec::new();
    for span in finder.spans(text) {
        let s = span.as_str();
        if span.kind().is_some() && is_safe_link(s) {
            out.push(Inline::Link { url: s.to_owned(), text: vec![Inline::Text(s.to_owned())] });
        } else {
            references(s, &mut out);
        }
    }
    out
}

/// Splits text at issue identifiers and mentions.
fn references(text: &str, out: &mut Vec<Inline>) {
    let mut plain = String::new();
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let found = (!before.is_alphanumeric() && before != '-' && before != '_' && before != '/')
            .then(|| identifier(rest).map(Inline::Issue).or_else(|| mention(rest).map(Inline::Mention)))
            .flatten();
        let taken = match &found {
            Some(Inline::Issue(s)) => s.len(),
            Some(Inline::Mention(s)) => s.len() + 1,
            _ => 0,
        };
        match found {
            Some(inline) => {
                if !plain.is_empty() {
                    out.push(Inline::Text(std::mem::take(&mut plain)));
                }
                out.push(inline);
                before = 'x';
                rest = &rest[taken..];
            }
            None => {
                plain.push(c);
                before = c;
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    if !plain.is_empty() {
        out.push(Inline::Text(plain));
    }
}

/// `ABC-12` at the beginning of a text: two to ten capitals or digits, a dash, digits, and no word after them.
fn identifier(text: &str) -> Option<String> {
    let prefix = text.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count();
    if !(2..=10).contains(&prefix) || !text.as_bytes()[0].is_ascii_uppercase() {
        return None;
    }
    let rest = text[prefix..].strip_prefix('-')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest[digits..].chars().next();
    let word = after.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
    ((1..=7).contains(&digits) && !word).then(|| text[..prefix + 1 + digits].to_owned())
}

/// `@name` at the beginning of a text.
fn mention(text: &str) -> Option<String> {
    let rest = text.strip_prefix('@')?;
    let n = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_').count();
    (n > 0 && rest.as_bytes()[0].is_ascii_alphabetic()).then(|| rest[..n].trim_end_matches('-').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &str) -> Inline {
        Inline::Text(s.into())
    }

    #[test]
    fn raw_html_stays_the_text_it_is() {
        let blocks = parse("<script>alert(1)</script>\n\nhi <img src=x onerror=y>");
        assert_eq!(blocks[0], Block::Paragraph(vec![text("<script>alert(1)</script>")]));
        assert_eq!(blocks[1], Block::Paragraph(vec![text("hi <img src=x onerror=y>")]));
    }

    #[test]
    fn only_web_and_mail_links_are_safe() {
        for good in ["https://a.b/c", "http://localhost:3100", "mailto:a@b.c", "HTTPS://A"] {
            assert!(is_safe_link(good), "{good}");
        }
        for bad in
            ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", " java\nscript:x", "//x", ""]
        {
            assert!(!is_safe_link(bad), "{bad}");
        }
    }

    #[test]
    fn bare_links_issues_and_mentions_are_found_in_text_but_not_in_code_or_links() {
        let Block::Paragraph(p) = &parse("See PAP-12, https://example.org/PAP-1 and @ada. `PAP-3`")[0] else {
            panic!()
        };
        assert_eq!(p[1], Inline::Issue("PAP-12".into()));
        assert_eq!(
            p[3],
            Inline::Link {
                url: "https://example.org/PAP-1".into(),
                text: vec![text("https://example.org/PAP-1")]
            }
        );
        assert!(p.contains(&Inline::Mention("ada".into())));
        assert_eq!(p.last(), Some(&Inline::Code("PAP-3".into())));
        for no in ["UTF-8x", "a-PAP-1x", "mail@ada.de", "PAP-", "AB-12345678"] {
            let Block::Paragraph(p) = &parse(no)[0] else { panic!() };
            assert!(!p.iter().any(|i| matches!(i, Inline::Issue(_) | Inline::Mention(_))), "{no}: {p:?}");
        }
    }

    #[test]
    fn task_lists_tables_and_code_keep_their_shape() {
        let blocks =
            parse("- [x] done\n- [ ] open\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```rust\nlet x;\n```");
        let Block::List { first: None, items } = &blocks[0] else { panic!("{blocks:?}") };
        assert_eq!(items.iter().map(|i| i.checked).collect::<Vec<_>>(), vec![Some(true), Some(false)]);
        assert_eq!(items[0].blocks, vec![Block::Paragraph(vec![text("done")])]);
        let Block::Table { align, head, rows } = &blocks[1] else { panic!() };
        assert_eq!(align[1], Align::End);
        assert_eq!((head.len(), rows.len()), (2, 1));
        assert_eq!(blocks[2], Block::Code { language: "rust".into(), text: "let x;\n".into() });
    }

    #[test]
    fn nested_lists_and_quotes_nest() {
        let blocks = parse("1. one\n   - two\n\n> quoted\n> **bold**");
        let Block::List { first: Some(1), items } = &blocks[0] else { panic!("{blocks:?}") };
        assert!(matches!(items[0].blocks[1], Block::List { first: None, .. }));
        let Block::Quote(q) = &blocks[1] else { panic!() };
        assert!(matches!(&q[0], Block::Paragraph(p) if matches!(p[1], Inline::Strong(_))));
    }
}
