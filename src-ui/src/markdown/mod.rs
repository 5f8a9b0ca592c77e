//! Markdown as a tree of plain data. It never becomes a string of HTML; raw HTML in it is shown as the text it is.

mod code;
mod diagram;
pub mod outline;
mod read;
pub mod source;
mod tasks;
pub mod view;
mod words;

use pulldown_cmark::{Options, Parser};

use self::outline::Definitions;
use self::read::Reader;
use self::source::SourceMap;

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
    /// `agent://id`, or `@key` in text, and how the source has it.
    Mention {
        who: String,
        text: String,
    },
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

const OPTIONS: Options =
    Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_TASKLISTS);

/// Reads Markdown.
pub fn parse(source: &str) -> Vec<Block> {
    if source.len() > LONGEST {
        return vec![Block::Code { language: String::new(), text: source.to_owned() }];
    }
    Reader::new(source, Parser::new_ext(source, OPTIONS).into_offset_iter()).read().0
}

/// Reads a part of a document that [`outline::outline`] has cut out, and where in it each drawn character stands.
pub fn parse_part(source: &str, definitions: &Definitions) -> (Vec<Block>, SourceMap) {
    let known = |link: pulldown_cmark::BrokenLink<'_>| definitions.find(&link.reference);
    let parser = Parser::new_with_broken_link_callback(source, OPTIONS, Some(known));
    Reader::new(source, parser.into_offset_iter()).read()
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
        assert!(p.contains(&Inline::Mention { who: "ada".into(), text: "@ada".into() }));
        assert_eq!(p.last(), Some(&Inline::Code("PAP-3".into())));
        for no in ["UTF-8x", "a-PAP-1x", "mail@ada.de", "PAP-", "AB-12345678"] {
            let Block::Paragraph(p) = &parse(no)[0] else { panic!() };
            assert!(!p.iter().any(|i| matches!(i, Inline::Issue(_) | Inline::Mention { .. })), "{no}: {p:?}");
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
