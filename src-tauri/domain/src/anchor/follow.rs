//! Follows a stretch of text through an edit.

use std::ops::Range;

use super::edit::{Edit, Stretch, shared, solid};
use super::projection::{trimmed, whole_chars};
use super::selector::squeezed;
use super::slide::Zone;

/// What became of a stretch of text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate {
    /// All of it is there, in one piece.
    Whole {
        range: Range<usize>,
        moved: bool,
    },
    /// A part of it is there, so much of it (0 to 1).
    Part {
        range: Range<usize>,
        moved: bool,
        share: f64,
    },
    Gone,
}

/// A piece of what is followed: the stretch it lies in, and its place before and after.
struct Piece {
    nth: usize,
    old: Range<usize>,
    new: Range<usize>,
}

/// The parts of a passage that were selected at first; all of it when there are none.
#[derive(Debug, Default)]
pub(super) struct Own(Vec<Range<usize>>);

impl Own {
    /// Finds them by the words that the passage and the quote have in common.
    pub(super) fn of(text: &str, range: &Range<usize>, exact: &str) -> Self {
        let here = &text[range.clone()];
        if squeezed(here, exact) {
            return Self::default();
        }
        let here = shared(exact, here).into_iter().map(|r| range.start + r.start..range.start + r.end);
        Self(here.collect())
    }

    /// How much there is of it in a stretch of the passage.
    fn size(&self, text: &str, range: &Range<usize>) -> usize {
        let whole = solid(&text[range.clone()]);
        if self.0.is_empty() {
            return whole * FOREIGN;
        }
        let inside = self.0.iter().map(|r| r.start.max(range.start)..r.end.min(range.end));
        let own: usize = inside.filter(|r| r.start < r.end).map(|r| solid(&text[r])).sum();
        whole + own * (FOREIGN - 1)
    }
}

/// How much more what was selected counts than what came into it.
const FOREIGN: usize = 8;

/// Stretches that repeat themselves may lie within each other; so many are looked at.
const ZONES: usize = 4;

/// So much may have been added within a short passage before it counts as torn apart, in characters.
const WIDENED: usize = 60;

impl Edit<'_> {
    /// Follows a stretch of the old text into the new one. When parts of it came in later, by edits, those that are
    /// its own count most: it does not go where what once was put into it goes.
    pub(super) fn follow(&self, old: &str, new: &str, range: &Range<usize>, own: &Own) -> Fate {
        let pieces = self.pieces(range);
        let size = |p: &Piece| own.size(old, &p.old);
        let room = solid(&old[range.clone()]).max(WIDENED);
        // What still stands together, in the old order.
        let mut best: (usize, Range<usize>) = (0, 0..0);
        let (mut start, mut sum) = (0, 0);
        for (n, piece) in pieces.iter().enumerate() {
            let last = if n > start { pieces.get(n - 1) } else { None };
            if last.is_some_and(|p| !self.stays_by(new, p, piece, room)) {
                (start, sum) = (n, 0);
            }
            sum += size(piece);
            if sum > best.0 {
                best = (sum, start..n + 1);
            }
        }
        let together = &pieces[best.1];
        let (Some(first), Some(last)) = (together.first(), together.last()) else { return Fate::Gone };
        let moved = together.iter().any(|p| self.kept.get(p.nth).is_some_and(|s| s.moved));
        let hull = first.new.start..last.new.end;
        let all = own.size(old, range);
        if best.0 == all && squeezed(&old[range.clone()], &new[hull.clone()]) {
            return Fate::Whole { range: hull, moved };
        }
        let start = self.replaced_before(first, range.start).unwrap_or(hull.start);
        let end = self.replaced_after(last, range.end).unwrap_or(hull.end);
        let range = trimmed(new, whole_chars(new, start..end));
        Fate::Part { range, moved, share: best.0 as f64 / all.max(1) as f64 }
    }

    /// Whether a piece still comes after another one, with no more than so much between them.
    fn stays_by(&self, new: &str, last: &Piece, next: &Piece, room: usize) -> bool {
        // A character is at most four bytes long; so long a gap is not counted out.
        let gap = last.new.end..next.new.start;
        gap.start <= gap.end && gap.len() <= room.saturating_mul(5) && solid(&new[gap]) <= room
    }

    fn pieces(&self, range: &Range<usize>) -> Vec<Piece> {
        let first = self.kept.partition_point(|s| s.old_end() <= range.start);
        let inside = self.kept.iter().enumerate().skip(first).take_while(|(_, s)| s.old < range.end);
        let cut = |(nth, s): (usize, &Stretch)| {
            let old = s.old.max(range.start)..s.old_end().min(range.end);
            let new = s.new + (old.start - s.old)..s.new + (old.end - s.old);
            Piece { nth, old, new }
        };
        inside.map(cut).collect()
    }

    /// Where the text begins that took the place of all between the stretch before and the first piece, if what is
    /// followed began with that.
    fn replaced_before(&self, first: &Piece, start: usize) -> Option<usize> {
        let stretch = self.kept.get(first.nth)?;
        let (old_from, new_from) = match first.nth.checked_sub(1).and_then(|n| self.kept.get(n)) {
            Some(before) => (before.old_end(), before.new_end()),
            None => (0, 0),
        };
        let fits = first.old.start == stretch.old && start < first.old.start && start <= old_from + 1;
        (fits && self.is_swap(old_from..stretch.old, new_from..stretch.new)).then_some(new_from)
    }

    fn replaced_after(&self, last: &Piece, end: usize) -> Option<usize> {
        let stretch = self.kept.get(last.nth)?;
        // Behind the last stretch there is nothing to hold on to.
        let after = self.kept.get(last.nth + 1)?;
        let fits = last.old.end == stretch.old_end() && end > last.old.end && end + 1 >= after.old;
        (fits && self.is_swap(stretch.old_end()..after.old, stretch.new_end()..after.new))
            .then_some(after.new)
    }

    /// Whether the new text stands in the place of the old one, is all new, and is not much longer.
    fn is_swap(&self, old: Range<usize>, new: Range<usize>) -> bool {
        new.start <= new.end && new.len() <= old.len() * 2 + 40 && self.new_share(&new) > 0.99
    }

    /// Where in the new text one would look for what stood at a place of the old one.
    pub(super) fn expected(&self, old: usize) -> usize {
        let n = self.kept.partition_point(|s| s.old <= old);
        match n.checked_sub(1).and_then(|n| self.kept.get(n)) {
            Some(s) => s.new + (old - s.old).min(s.len),
            None => self.kept.first().map_or(0, |s| s.new),
        }
    }

    /// Where a stretch of the old text lies, if that repeats itself and it cannot be told which repetition was added or
    /// taken away.
    pub(super) fn zone(&self, range: &Range<usize>) -> Option<&Zone> {
        let past = self.zones.partition_point(|z| z.old.start <= range.start);
        self.zones[..past].iter().rev().take(ZONES).find(|z| range.end <= z.old.end)
    }
}

impl Zone {
    /// The next repetition of a stretch, or else the one before.
    pub(super) fn twin(&self, old: &str, range: &Range<usize>) -> Option<Range<usize>> {
        let text = old.get(range.clone())?;
        let later = range.start + self.period..range.end + self.period;
        let sooner = range.start.checked_sub(self.period).map(|start| start..range.end - self.period);
        let inside = |r: &Range<usize>| self.old.start <= r.start && r.end <= self.old.end;
        Some(later).into_iter().chain(sooner).find(|r| inside(r) && old.get(r.clone()) == Some(text))
    }
}
