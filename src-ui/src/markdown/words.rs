//! Links, issues and mentions that stand in plain text.

use linkify::{LinkFinder, LinkKind};

use super::{Inline, is_safe_link};

/// Finds links, issues and mentions in runs of text.
pub(super) fn join(inlines: Vec<Inline>) -> Vec<Inline> {
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
            .then(|| identifier(rest).map(Inline::Issue).or_else(|| mention(rest)))
            .flatten();
        let taken = match &found {
            Some(Inline::Issue(s)) => s.len(),
            Some(Inline::Mention { text, .. }) => text.len(),
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
fn mention(text: &str) -> Option<Inline> {
    let rest = text.strip_prefix('@')?;
    let n = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_').count();
    let who = rest[..n].trim_end_matches('-');
    let named = who.starts_with(|c: char| c.is_ascii_alphabetic());
    named.then(|| Inline::Mention { who: who.to_owned(), text: format!("@{who}") })
}
