//! How well what stands around a place fits what stood around a quote.

use std::ops::Range;

use contract::annotation::TextQuote;

use super::projection::whole_chars;
use super::selector::CONTEXT;
use super::token::{weight, words};

/// So many bytes are looked at on each side; a word cut off at the far end is not.
const REACH: usize = 160;

/// The likeness of both sides, 0 to 1 each; none where nothing is known of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Context {
    pub before: Option<f64>,
    pub after: Option<f64>,
}

impl Context {
    pub(super) fn of(text: &str, range: &Range<usize>, quote: &TextQuote) -> Self {
        Self::between(text, range, &quote.prefix, &quote.suffix)
    }

    /// How well a place fits between what stood before and after.
    pub(super) fn between(text: &str, range: &Range<usize>, prefix: &str, suffix: &str) -> Self {
        let head = &text[whole_chars(text, range.start.saturating_sub(REACH)..range.start)];
        let tail = &text[whole_chars(text, range.end..range.end + REACH)];
        let mut wanted: Vec<&str> = words(prefix, 0).map(|r| &prefix[r]).collect();
        let mut found: Vec<&str> = words(head, 0).map(|r| &head[r]).collect();
        // The far end of what was kept is mostly cut within a word.
        if wanted.len() > 1 && prefix.chars().count() >= CONTEXT {
            wanted.remove(0);
        }
        wanted.reverse();
        found.reverse();
        let before = likeness(&wanted, &found);
        let mut wanted: Vec<&str> = words(suffix, 0).map(|r| &suffix[r]).collect();
        let found: Vec<&str> = words(tail, 0).map(|r| &tail[r]).collect();
        if wanted.len() > 1 && suffix.chars().count() >= CONTEXT {
            wanted.pop();
        }
        Self { before, after: likeness(&wanted, &found) }
    }

    /// Both sides as one number, where a side without anything to fit fits.
    pub(super) fn known(self) -> f64 {
        f64::midpoint(self.before.unwrap_or(1.0), self.after.unwrap_or(1.0))
    }

    /// Both sides as one number; a side of which nothing is known says nothing.
    pub(super) fn mean(self) -> f64 {
        match (self.before, self.after) {
            (Some(a), Some(b)) => f64::midpoint(a, b),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0.0,
        }
    }
}

/// What share of the wanted words, nearest first, is found in that order; near words count more than far ones.
fn likeness(wanted: &[&str], found: &[&str]) -> Option<f64> {
    let worth: Vec<f64> =
        wanted.iter().enumerate().map(|(n, w)| f64::from(weight(w)) / (1.0 + n as f64 / 4.0)).collect();
    let all: f64 = worth.iter().sum();
    if all <= 0.0 {
        return None;
    }
    let found = &found[..found.len().min(wanted.len() + 4)];
    // The longest common sequence, by worth.
    let mut row = vec![0.0_f64; found.len() + 1];
    for (word, worth) in wanted.iter().zip(worth) {
        let mut diagonal = 0.0;
        for (j, other) in found.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if word == other { diagonal + worth } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    Some(row.last().copied().unwrap_or(0.0) / all)
}
