//! Where a selection truly is after any edits, and what an answer about it is worth.

use std::collections::HashSet;
use std::ops::Range;

use contract::annotation::{AnchorConfidence, AnchorState};
use domain::anchor::Outcome;

use crate::tagged::Tagged;

/// What became of the characters that were selected.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// All of them are there, in order, with nothing between them.
    Intact(Range<usize>),
    /// Most of them are there, together.
    Edited(Range<usize>),
    /// Some are left: to follow them is right, and so is to give up.
    Remains,
    Gone,
}

/// The worth of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    Right,
    /// Not sure of its place, and right.
    UnsureRight,
    /// Not sure of its place, which is another one.
    UnsureElsewhere,
    /// Attached to the text, but to too much or too little of it.
    Loose,
    /// Orphaned, though the text is there.
    Missed,
    /// Orphaned, and the text is gone.
    RightlyGone,
    /// The text is gone but for some of it, or was replaced: what is there now was followed.
    Followed,
    /// Attached, without a doubt, to something else.
    Wrong,
}

/// The letters and digits that a reader selected.
pub struct Selected {
    ids: Vec<u32>,
    set: HashSet<u32>,
}

impl Selected {
    pub fn new(doc: &Tagged, range: Range<usize>) -> Self {
        let seen = doc.visible();
        let ids: Vec<u32> = range.filter(|n| seen[*n]).map(|n| doc.chars[n].id).collect();
        Self { set: ids.iter().copied().collect(), ids }
    }

    pub fn truth(&self, now: &Now<'_>) -> Truth {
        let places: Vec<usize> = self.ids.iter().filter_map(|id| now.places.get(id).copied()).collect();
        let room = self.ids.len().max(60);
        let mut clusters: Vec<Vec<usize>> = Vec::new();
        for place in &places {
            match clusters.last_mut() {
                Some(cluster)
                    if cluster.last().is_some_and(|l| l < place && now.between(*l, *place) <= room) =>
                {
                    cluster.push(*place);
                }
                _ => clusters.push(vec![*place]),
            }
        }
        let Some(best) = clusters.iter().max_by_key(|c| c.len()) else { return Truth::Gone };
        let span = best[0]..best[best.len() - 1] + 1;
        let share = best.len() * 100 / self.ids.len().max(1);
        if best.len() == self.ids.len() && now.seen[span.clone()].iter().filter(|s| **s).count() == best.len()
        {
            Truth::Intact(span)
        } else if share >= 60 {
            Truth::Edited(span)
        } else if share >= 15 {
            Truth::Remains
        } else {
            Truth::Gone
        }
    }

    pub fn judge(&self, now: &Now<'_>, truth: &Truth, outcome: &Outcome) -> Verdict {
        let exists = matches!(truth, Truth::Intact(_) | Truth::Edited(_));
        let Some(selector) = &outcome.selector else {
            return if exists { Verdict::Missed } else { Verdict::RightlyGone };
        };
        assert_ne!(outcome.state, AnchorState::Orphaned);
        let at = now.chars(selector.position.markdown_start)..now.chars(selector.position.markdown_end);
        let answered: Vec<usize> = at.clone().filter(|n| now.seen[*n]).collect();
        let char = |n: &usize| now.doc.chars[*n];
        let theirs =
            answered.iter().filter(|n| self.set.contains(&char(n).heir_of) || self.set.contains(&char(n).id));
        let theirs = theirs.count();
        let place = match truth {
            Truth::Intact(span) => {
                let all: Vec<usize> = span.clone().filter(|n| now.seen[*n]).collect();
                (all == answered, theirs > 0)
            }
            Truth::Edited(span) => {
                let inside = answered.iter().filter(|n| span.contains(n)).count();
                let survivors = span.clone().filter(|n| self.set.contains(&char(n).id)).count();
                let covered =
                    answered.iter().filter(|n| span.contains(n) && self.set.contains(&char(n).id)).count();
                let good = covered * 2 >= survivors && inside.max(theirs) * 2 >= answered.len();
                (good, theirs > 0 || inside > 0)
            }
            Truth::Remains | Truth::Gone => (false, theirs > 0),
        };
        let unsure = outcome.confidence == AnchorConfidence::Ambiguous;
        match place {
            (true, _) if unsure => Verdict::UnsureRight,
            (true, _) => Verdict::Right,
            (false, true) if exists => Verdict::Loose,
            (false, true) => Verdict::Followed,
            (false, false) if unsure => Verdict::UnsureElsewhere,
            (false, false) => Verdict::Wrong,
        }
    }
}

/// A revision, as the truth needs it.
pub struct Now<'a> {
    pub doc: &'a Tagged,
    places: std::collections::HashMap<u32, usize>,
    seen: Vec<bool>,
    /// Letters and digits before each character.
    letters: Vec<usize>,
    /// UTF-16 code units before each character.
    units: Vec<u32>,
}

impl<'a> Now<'a> {
    pub fn new(doc: &'a Tagged) -> Self {
        let seen = doc.visible();
        let (mut letters, mut units) = (vec![0], vec![0]);
        for (c, seen) in doc.chars.iter().zip(&seen) {
            letters.push(letters[letters.len() - 1] + usize::from(*seen));
            units.push(units[units.len() - 1] + c.c.len_utf16() as u32);
        }
        Self { doc, places: doc.places(), seen, letters, units }
    }

    fn between(&self, a: usize, b: usize) -> usize {
        self.letters[b] - self.letters[a + 1]
    }

    fn chars(&self, units: u32) -> usize {
        self.units.binary_search(&units).expect("an offset never lies within a character")
    }
}
