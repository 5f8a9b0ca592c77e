//! Blocks that were taken away in one place and put down in another.

use std::collections::HashMap;
use std::ops::Range;

use super::diff::Hunk;
use super::edit::Block;
use super::lexicon::{Lexicon, Words};
use super::token::weight_of;

/// What a block must say at least to be known again by itself: about two long words.
const KNOWN: u32 = 12;
/// Words that stand in more of the blocks that came do not tell which is meant.
const IN_BLOCKS: usize = 16;
/// How like each other two blocks are that are taken for one,
const ALIKE: f64 = 0.5;
/// and by how much the next best must be less like it.
const CLEARLY: f64 = 0.1;

pub(super) struct Moved {
    /// Runs of blocks, old and new.
    pub pairs: Vec<(Range<usize>, Range<usize>)>,
    pub old: Vec<bool>,
    pub new: Vec<bool>,
}

/// Finds blocks of which exactly one is gone and exactly one came, as it was, and what moved together with them.
pub(super) fn exactly(hunks: &[Hunk], before: &Words, after: &Words, old: &str) -> Moved {
    let (mut gone, mut came) = (vec![false; before.at.len()], vec![false; after.at.len()]);
    hunks.iter().for_each(|h| gone[h.gone.clone()].fill(true));
    hunks.iter().for_each(|h| came[h.came.clone()].fill(true));
    let (from, to) = (once(before, &gone), once(after, &came));
    let mut moved =
        Moved { pairs: Vec::new(), old: vec![false; before.at.len()], new: vec![false; after.at.len()] };
    for (n, id) in before.ids.iter().enumerate().filter(|(n, _)| gone[*n]) {
        let (Some(Some(_)), Some(Some(j))) = (from.get(id), to.get(id)) else { continue };
        if moved.old[n] || moved.new[*j] || weight_of(&old[before.at[n].clone()]) < KNOWN {
            continue;
        }
        let (mut i, mut j, mut len) = (n, *j, 1);
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
fn once(items: &Words, marked: &[bool]) -> HashMap<u32, Option<usize>> {
    let mut out = HashMap::new();
    for (n, id) in items.ids.iter().enumerate().filter(|(n, _)| marked[*n]) {
        out.entry(*id).and_modify(|one| *one = None).or_insert(Some(n));
    }
    out
}

/// Finds pairs of blocks that are much like each other, and more so than like any other.
pub(super) fn nearly(
    gone: &[Block],
    old: &Words,
    came: &[Block],
    new: &Words,
    lexicon: &Lexicon<'_>,
) -> Vec<(Block, Block)> {
    // In which blocks each word came; a word that came in many is not told apart by it.
    let mut index: Vec<Vec<u32>> = vec![Vec::new(); lexicon.len()];
    for (n, block) in (0_u32..).zip(came) {
        for id in &new.ids[block.words.clone()] {
            let places = &mut index[*id as usize];
            if places.len() <= IN_BLOCKS && places.last() != Some(&n) {
                places.push(n);
            }
        }
    }
    let weight = |words: &Words, block: &Block| -> u32 {
        words.ids[block.words.clone()].iter().map(|id| lexicon.worth(*id)).fold(0, u32::saturating_add)
    };
    let after: Vec<u32> = came.iter().map(|b| weight(new, b)).collect();
    let mut best_of = vec![Best::default(); came.len()];
    let mut best_for = vec![Best::default(); gone.len()];
    // What the block at hand has in common with each block that came, and which of those it met.
    let (mut common, mut met) = (vec![0_u32; came.len()], Vec::new());
    let mut read_for = vec![usize::MAX; lexicon.len()];
    for (n, block) in gone.iter().enumerate() {
        let own = weight(old, block);
        if own < KNOWN * 2 {
            continue;
        }
        for id in &old.ids[block.words.clone()] {
            if std::mem::replace(&mut read_for[*id as usize], n) == n {
                continue;
            }
            for p in index[*id as usize].iter().filter(|_| index[*id as usize].len() <= IN_BLOCKS) {
                if common[*p as usize] == 0 {
                    met.push(*p as usize);
                }
                common[*p as usize] += lexicon.worth(*id);
            }
        }
        for p in met.drain(..) {
            let both = std::mem::take(&mut common[p]);
            let alike = 2.0 * f64::from(both) / f64::from(own.saturating_add(after[p]).max(1));
            best_for[n].enter(alike, p);
            best_of[p].enter(alike, n);
        }
    }
    let mutual = best_for.iter().enumerate().filter(|(n, best)| {
        best.is_clear() && best_of.get(best.which).is_some_and(|b| b.which == *n && b.is_clear())
    });
    mutual.filter_map(|(n, best)| Some((gone.get(n)?.clone(), came.get(best.which)?.clone()))).collect()
}

/// The best of several with its score, and the score of the next.
#[derive(Clone, Copy, Debug, Default)]
struct Best {
    score: f64,
    which: usize,
    next: f64,
}

impl Best {
    const fn enter(&mut self, score: f64, which: usize) {
        if score > self.score {
            *self = Self { score, which, next: self.score };
        } else if score > self.next {
            self.next = score;
        }
    }

    fn is_clear(&self) -> bool {
        self.score >= ALIKE && self.score - self.next >= CLEARLY
    }
}
