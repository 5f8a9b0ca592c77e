//! Of several equal things in a row, which one was added or taken away cannot be told.

use std::ops::Range;

use super::diff::Hunk;
use super::lexicon::Words;

/// A stretch of the old text that repeats itself, and in which a repetition was added or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub old: Range<usize>,
    /// After how many bytes it repeats.
    pub period: usize,
}

/// Finds the hunks that could as well stand a little earlier or later.
pub(super) fn zones(hunks: &[Hunk], before: &Words, after: &Words) -> Vec<Zone> {
    let mut out = Vec::new();
    for (n, Hunk { gone, came }) in hunks.iter().enumerate() {
        let (items, range) = match (gone.is_empty(), came.is_empty()) {
            (false, true) => (before, gone),
            (true, false) => (after, came),
            _ => continue,
        };
        // It slides over what is kept, so no further than to the next hunks.
        let floor = n.checked_sub(1).and_then(|n| hunks.get(n)).map_or(0, |h| h.gone.end);
        let roof = hunks.get(n + 1).map_or(before.ids.len(), |h| h.gone.start);
        let up = (0..gone.start - floor)
            .take_while(|k| items.ids.get(range.start - 1 - k) == items.ids.get(range.end - 1 - k))
            .count();
        let down = (0..roof - gone.end)
            .take_while(|k| items.ids.get(range.start + k) == items.ids.get(range.end + k))
            .count();
        if up + down > 0 {
            let first = items.at[range.start].start;
            let period =
                items.at.get(range.end).map_or(items.span(range.clone()).len() + 1, |r| r.start - first);
            out.push(Zone { old: before.span(gone.start - up..gone.end + down), period });
        }
    }
    out
}
