//! Selectors: what is kept of a selection, so that its place can be found again.

use std::ops::Range;

use contract::annotation::{AnchorMismatch, AnchorSelector, Beside, Exact, TextPosition, TextQuote};

use super::projection::{Projection, is_space, parts, trimmed, whole_chars};

/// How many characters are kept of what stands before and after a quote.
pub const CONTEXT: usize = 48;
/// How far beside the given place a foreign quote is looked for, in bytes: readers may disagree on what surrounds it.
const BESIDE: usize = 256;

/// Why nothing can be attached to a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSelector {
    #[error("nothing that a reader sees is selected")]
    Empty,
    #[error("more is selected than a thread can be attached to")]
    TooLong,
}

/// The selector of a stretch of the Markdown, in bytes.
pub fn select_source(p: &Projection<'_>, range: Range<usize>) -> Result<AnchorSelector, NoSelector> {
    select(p, p.to_text(range))
}

/// The selector of a stretch of the text as a reader sees it, in bytes.
pub fn select(p: &Projection<'_>, range: Range<usize>) -> Result<AnchorSelector, NoSelector> {
    let text = p.text();
    let mut range = trimmed(text, range);
    while !parts(text, range.start) {
        range.start = whole_chars(text, range.start - 1..range.end).start;
    }
    while !parts(text, range.end) {
        range.end = whole_chars(text, range.start..range.end + 1).end;
    }
    if range.is_empty() {
        return Err(NoSelector::Empty);
    }
    let exact = Exact::new(&text[range.clone()]).map_err(|_| NoSelector::TooLong)?;
    let quote = TextQuote { exact, prefix: before(text, range.start), suffix: after(text, range.end) };
    Ok(AnchorSelector { quote, position: position(p, &range) })
}

fn position(p: &Projection<'_>, range: &Range<usize>) -> TextPosition {
    let (text, source) = (p.text_units(range), p.source_units(&p.to_source(range.clone())));
    TextPosition {
        normalized_start: text.start,
        normalized_end: text.end,
        markdown_start: source.start,
        markdown_end: source.end,
    }
}

fn before(text: &str, at: usize) -> Beside {
    let head = &text[..at];
    let mut from = head.char_indices().rev().take(CONTEXT).last().map_or(at, |(n, _)| n);
    while from < at && !parts(text, from) {
        from = whole_chars(text, from..from + 1).end;
    }
    Beside::new(&text[from..at]).unwrap_or_default()
}

fn after(text: &str, at: usize) -> Beside {
    let mut to = at + text[at..].chars().take(CONTEXT).map(char::len_utf8).sum::<usize>();
    while to > at && !parts(text, to) {
        to = whole_chars(text, to - 1..to).start;
    }
    Beside::new(&text[at..to]).unwrap_or_default()
}

/// Checks a selector that a client made of this document, and answers it as this program would have made it.
///
/// Other clients may see small things otherwise, such as how cells of a table are spaced or whether a checkbox is
/// text. So the place in the Markdown is what counts: the quote must stand there, white space and punctuation aside,
/// or overlap it in one place only.
pub fn verify(p: &Projection<'_>, selector: &AnchorSelector) -> Result<AnchorSelector, AnchorMismatch> {
    let at = &selector.position;
    let in_source = at.markdown_start < at.markdown_end && at.markdown_end <= p.source_len_units();
    if !in_source || at.normalized_start >= at.normalized_end {
        return Err(AnchorMismatch::InvalidRange);
    }
    let exact: &str = &selector.quote.exact;
    let source = p.source_bytes(&(at.markdown_start..at.markdown_end));
    let place = p.to_text(source);
    let range = found_at(p, exact, selector, &place).ok_or_else(|| {
        let anywhere = !place.is_empty() && p.text().contains(&collapsed(exact));
        if anywhere { AnchorMismatch::PositionMismatch } else { AnchorMismatch::QuoteMismatch }
    })?;
    select(p, range).map_err(|_| AnchorMismatch::InvalidRange)
}

fn found_at(
    p: &Projection<'_>,
    exact: &str,
    selector: &AnchorSelector,
    place: &Range<usize>,
) -> Option<Range<usize>> {
    let text = p.text();
    if place.is_empty() {
        return None;
    }
    // Both positions say the same and the words are there: nothing to interpret.
    let own = p.text_bytes(&(selector.position.normalized_start..selector.position.normalized_end));
    if text[own.clone()] == *exact && own.start < place.end && place.start < own.end {
        return Some(own);
    }
    if squeezed(&text[place.clone()], exact) {
        return Some(place.clone());
    }
    match loose(text, place, exact).as_slice() {
        [one] => return Some(one.clone()),
        [_, ..] => return None,
        [] => {}
    }
    let letters = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let said = letters(exact);
    (!said.is_empty() && said == letters(&text[place.clone()])).then(|| place.clone())
}

/// Whether two texts are the same but for white space.
pub(super) fn squeezed(a: &str, b: &str) -> bool {
    a == b || a.chars().filter(|c| !is_space(*c)).eq(b.chars().filter(|c| !is_space(*c)))
}

fn collapsed(text: &str) -> String {
    text.split(is_space).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The first two places where a quote overlaps a stretch of the text, white space aside.
fn loose(text: &str, place: &Range<usize>, quote: &str) -> Vec<Range<usize>> {
    let wanted: String = quote.chars().filter(|c| !is_space(*c)).collect();
    let within = whole_chars(text, place.start.saturating_sub(BESIDE)..place.end + BESIDE);
    let mut plain = String::new();
    let mut places = Vec::new();
    for (n, c) in text[within.clone()].char_indices().filter(|(_, c)| !is_space(*c)) {
        places.extend(std::iter::repeat_n(within.start + n, c.len_utf8()));
        plain.push(c);
    }
    let range = |at: usize| {
        let last = places.get(at + wanted.len() - 1).copied()?;
        Some(*places.get(at)?..last + text[last..].chars().next().map_or(0, char::len_utf8))
    };
    let mut from = 0;
    let next = || {
        let at = from + plain.get(from..)?.find(&wanted)?;
        from = whole_chars(&plain, at..at + 1).end;
        range(at)
    };
    let all = if wanted.is_empty() { None } else { Some(std::iter::from_fn(next)) };
    all.into_iter().flatten().filter(|r| r.start < place.end && place.start < r.end).take(2).collect()
}
