//! Of several equal things in a row, which one was added or taken away cannot be told.

use std::ops::Range;

use imara_diff::Hunk;

use super::edit::{Items, usizes};

/// A stretch of the old text that repeats itself, and in which a repetition was added or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub old: Range<usize>,
    /// After how many bytes it repeats.
    pub period: usize,
}

/// Finds the hunks that could as well stand a little earlier or later.
pub(super) fn zones(hunks: &[Hunk], before: &Items, after: &Items) -> Vec<Zone> {
    let mut out = Vec::new();
    for (n, hunk) in hunks.iter().enumerate() {
        let (gone, came) = (usizes(&hunk.before), usizes(&hunk.after));
        let (items, range) = match (gone.is_empty(), came.is_empty()) {
            (false, true) => (before, &gone),
            (true, false) => (after, &came),
            _ => continue,
        };
        // It slides over what is kept, so no further than to the next hunks.
        let floor = n.checked_sub(1).and_then(|n| hunks.get(n)).map_or(0, |h| h.before.end as usize);
        let roof = hunks.get(n + 1).map_or(before.at.len(), |h| h.before.start as usize);
        let up = (0..gone.start - floor)
            .take_while(|k| items.ids.get(range.start - 1 - k) == items.ids.get(range.end - 1 - k))
            .count();
        let down = (0..roof - gone.end)
            .take_while(|k| items.ids.get(range.start + k) == items.ids.get(range.end + k))
            .count();
        if up + down > 0 {
            let period = items.at.get(range.end).map_or_else(
                || items.span(range.clone()).len() + 1,
                |next| next.start - items.at[range.start].start,
            );
            out.push(Zone { old: before.span(gone.start - up..gone.end + down), period });
        }
    }
    out
}
