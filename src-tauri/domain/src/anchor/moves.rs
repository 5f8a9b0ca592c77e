//! Blocks that were taken away in one place and put down, as they were, in another.

use std::collections::HashMap;
use std::ops::Range;

use imara_diff::{Hunk, Token};

use super::edit::{Items, usizes};
use super::token::{weight, weight_of, words};

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

/// Words that stand in more of the blocks that came do not tell which is meant.
const IN_BLOCKS: usize = 16;
/// How like each other two blocks are that are taken for one.
const ALIKE: f64 = 0.5;
/// By how much the next best must be less like it.
const CLEARLY: f64 = 0.1;

/// Pairs of blocks that are much like each other, and more so than like any other.
pub(super) fn alike(
    gone: &[Range<usize>],
    old: &str,
    came: &[Range<usize>],
    new: &str,
) -> Vec<(Range<usize>, Range<usize>)> {
    let mut index: HashMap<&str, Vec<usize>> = HashMap::new();
    for (n, block) in came.iter().enumerate() {
        for word in words(&new[block.clone()], block.start) {
            let places = index.entry(&new[word]).or_default();
            if places.len() <= IN_BLOCKS && places.last() != Some(&n) {
                places.push(n);
            }
        }
    }
    let weights = |text: &str, blocks: &[Range<usize>]| -> Vec<u32> {
        blocks.iter().map(|b| weight_of(&text[b.clone()])).collect()
    };
    let (before, after) = (weights(old, gone), weights(new, came));
    // For each block that came, the best and the second best of those that are gone; and the other way round.
    let mut best_of = vec![(0.0_f64, 0, 0.0_f64); came.len()];
    let mut pairs = Vec::new();
    for (n, block) in gone.iter().enumerate() {
        let mut common: HashMap<usize, u32> = HashMap::new();
        let mut seen = std::collections::HashSet::new();
        for word in words(&old[block.clone()], block.start).map(|r| &old[r]).filter(|w| seen.insert(*w)) {
            let places = index.get(word).filter(|p| p.len() <= IN_BLOCKS);
            places.into_iter().flatten().for_each(|p| *common.entry(*p).or_default() += weight(word));
        }
        let mut best = (0.0_f64, 0, 0.0_f64);
        for (p, common) in common {
            let alike = 2.0 * f64::from(common) / f64::from(before[n].saturating_add(after[p]).max(1));
            enter(&mut best, alike, p);
            enter(&mut best_of[p], alike, n);
        }
        pairs.push(best);
    }
    let clear = |(best, _, second): (f64, usize, f64)| best >= ALIKE && best - second >= CLEARLY;
    let mutual = pairs.into_iter().enumerate().filter(|(n, best)| {
        before[*n] >= KNOWN * 2 && clear(*best) && best_of[best.1].1 == *n && clear(best_of[best.1])
    });
    mutual.filter_map(|(n, (_, p, _))| Some((gone.get(n)?.clone(), came.get(p)?.clone()))).collect()
}

/// Keeps the best one with its score, and the second best score.
fn enter(best: &mut (f64, usize, f64), score: f64, which: usize) {
    if score > best.0 {
        *best = (score, which, best.0);
    } else {
        best.2 = best.2.max(score);
    }
}
