//! Blocks that were taken away in one place and put down, as they were, in another.

use std::collections::HashMap;
use std::ops::Range;

use imara_diff::{Hunk, Token};

use super::edit::{Items, usizes};
use super::token::weight_of;

/// What a block must say at least to be known again by itself: about two long words.
const KNOWN: u32 = 12;

pub(super) struct Moved {
    /// Runs of blocks, old and new.
    pub pairs: Vec<(Range<usize>, Range<usize>)>,
    pub old: Vec<bool>,
    pub new: Vec<bool>,
}

/// Finds blocks of which exactly one is gone and exactly one came, and what moved together with them.
pub(super) fn find(hunks: &[Hunk], before: &Items, after: &Items, old: &str) -> Moved {
    let mut moved =
        Moved { pairs: Vec::new(), old: vec![false; before.at.len()], new: vec![false; after.at.len()] };
    let (mut gone, mut came) = (vec![false; before.at.len()], vec![false; after.at.len()]);
    hunks.iter().for_each(|h| gone[usizes(&h.before)].fill(true));
    hunks.iter().for_each(|h| came[usizes(&h.after)].fill(true));
    let (from, to) = (once(before, &gone), once(after, &came));
    for (n, id) in before.ids.iter().enumerate() {
        let (Some(Some(i)), Some(Some(j))) = (from.get(id), to.get(id)) else { continue };
        if *i != n || moved.old[n] || before.at.get(n).is_none_or(|r| weight_of(&old[r.clone()]) < KNOWN) {
            continue;
        }
        let (mut i, mut j, mut len) = (*i, *j, 1);
        let same = |i: usize, j: usize, moved: &Moved| {
            gone.get(i) == Some(&true)
                && came.get(j) == Some(&true)
                && before.ids.get(i) == after.ids.get(j)
                && !moved.old[i]
                && !moved.new[j]
        };
        while i > 0 && j > 0 && same(i - 1, j - 1, &moved) {
            (i, j, len) = (i - 1, j - 1, len + 1);
        }
        while same(i + len, j + len, &moved) {
            len += 1;
        }
        moved.old[i..i + len].fill(true);
        moved.new[j..j + len].fill(true);
        moved.pairs.push((i..i + len, j..j + len));
    }
    moved
}

/// The marked blocks by what they say: where, if there is only one.
fn once(items: &Items, marked: &[bool]) -> HashMap<Token, Option<usize>> {
    let mut out = HashMap::new();
    for (n, id) in items.ids.iter().enumerate().filter(|(n, _)| marked.get(*n) == Some(&true)) {
        out.entry(*id).and_modify(|one| *one = None).or_insert(Some(n));
    }
    out
}
