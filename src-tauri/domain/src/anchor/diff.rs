//! The difference of two lists, found in time that is bounded whatever they hold.
//!
//! General algorithms take seconds on a long text that repeats few words, or that is changed everywhere. Here sequences
//! that stand once in each list are matched first, long ones before short ones; what is left between them is compared
//! in full where it is small, and given up where it is not.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Lengths of the sequences that are looked for, in turn.
const LENGTHS: [usize; 3] = [8, 3, 1];
/// How often what lies between is searched anew.
const ROUNDS: usize = 4;
/// Two stretches are compared in full up to so many pairs,
const PAIRS: usize = 65_536;
/// and all together up to so many.
const ALL_PAIRS: usize = 8_000_000;

/// Items that both lists have, in the same order: from where in the first, from where in the second, how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub a: usize,
    pub b: usize,
    pub len: usize,
}

/// What lies between two runs: gone from the first list, come in the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hunk {
    pub gone: Range<usize>,
    pub came: Range<usize>,
}

/// The hunks around runs.
pub(super) fn hunks(runs: &[Run], a: usize, b: usize) -> Vec<Hunk> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    for run in runs.iter().copied().chain([Run { a, b, len: 0 }]) {
        if i < run.a || j < run.b {
            out.push(Hunk { gone: i..run.a, came: j..run.b });
        }
        (i, j) = (run.a + run.len, run.b + run.len);
    }
    out
}

/// Compares lists of numbers. One may be used for many lists: its bound holds for all of them together.
#[derive(Debug, Default)]
pub(super) struct Differ {
    compared: usize,
    steps: Vec<Step>,
}

/// Where a sequence begins in each list, and whether it does so once.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    a: Option<u32>,
    b: Option<u32>,
    twice: bool,
}

impl Differ {
    /// The runs that two lists have in common, in order. Of what cannot be had together the worthier is taken.
    pub(super) fn runs(&mut self, a: &[u32], b: &[u32], worth: &dyn Fn(u32) -> u32) -> Vec<Run> {
        let mut out = Vec::new();
        self.within(a, b, (0, 0), ROUNDS, worth, &mut out);
        out.sort_unstable_by_key(|r| r.a);
        // What goes on is one run.
        out.dedup_by(|next, kept| {
            let goes_on = kept.a + kept.len == next.a && kept.b + kept.len == next.b;
            kept.len += if goes_on { next.len } else { 0 };
            goes_on
        });
        out
    }

    fn within(
        &mut self,
        mut a: &[u32],
        mut b: &[u32],
        (mut i, mut j): (usize, usize),
        rounds: usize,
        worth: &dyn Fn(u32) -> u32,
        out: &mut Vec<Run>,
    ) {
        let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        if head > 0 {
            out.push(Run { a: i, b: j, len: head });
            (a, b, i, j) = (&a[head..], &b[head..], i + head, j + head);
        }
        let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
        if tail > 0 {
            (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
            out.push(Run { a: i + a.len(), b: j + b.len(), len: tail });
        }
        let pairs = a.len().saturating_mul(b.len());
        if pairs == 0 {
            return;
        }
        if pairs <= PAIRS {
            return self.in_full(a, b, (i, j), worth, out);
        }
        if rounds == 0 {
            return;
        }
        for length in LENGTHS {
            let fixed = once_in_each(a, b, length);
            if fixed.is_empty() {
                continue;
            }
            let (mut x, mut y) = (0, 0);
            for run in fixed.into_iter().chain([Run { a: a.len(), b: b.len(), len: 0 }]) {
                self.within(&a[x..run.a], &b[y..run.b], (i + x, j + y), rounds - 1, worth, out);
                if run.len > 0 {
                    out.push(Run { a: i + run.a, b: j + run.b, len: run.len });
                }
                (x, y) = (run.a + run.len, run.b + run.len);
            }
            return;
        }
    }

    /// The worthiest common sequence of two short lists. Items that go on with others are worth more.
    fn in_full(
        &mut self,
        a: &[u32],
        b: &[u32],
        (i, j): (usize, usize),
        worth: &dyn Fn(u32) -> u32,
        out: &mut Vec<Run>,
    ) {
        self.compared = self.compared.saturating_add(a.len() * b.len());
        if self.compared > ALL_PAIRS {
            return;
        }
        let width = b.len();
        self.steps.clear();
        self.steps.resize(a.len() * width, Step::PastA);
        // What can be had from each place of the second list on, with the item after this one of the first and with it.
        let (mut next, mut here) = (vec![0_u32; width + 1], vec![0_u32; width + 1]);
        for (x, steps) in self.steps.chunks_exact_mut(width).enumerate().rev() {
            let (item, own, after) = (a[x], worth(a[x]), a.get(x + 1));
            let mut last = 0;
            let places = here.iter_mut().zip(next.windows(2)).zip(steps).zip(b).enumerate().rev();
            for (y, (((here, next), step), other)) in places {
                let (mut best, mut way) = (next[0], Step::PastA);
                if last > best {
                    (best, way) = (last, Step::PastB);
                }
                if item == *other {
                    let goes_on = after.is_some() && after == b.get(y + 1);
                    let both = own + u32::from(goes_on) + next[1];
                    if both >= best {
                        (best, way) = (both, Step::Both);
                    }
                }
                (*here, *step, last) = (best, way, best);
            }
            std::mem::swap(&mut next, &mut here);
        }
        let (mut x, mut y) = (0, 0);
        while x < a.len() && y < b.len() {
            match self.steps[x * width + y] {
                Step::Both => {
                    out.push(Run { a: i + x, b: j + y, len: 1 });
                    (x, y) = (x + 1, y + 1);
                }
                Step::PastA => x += 1,
                Step::PastB => y += 1,
            }
        }
    }
}

/// How two lists are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    PastA,
    PastB,
    Both,
}

/// Sequences of a length that stand once in each list, as many as keep their order, and what goes on with them.
fn once_in_each(a: &[u32], b: &[u32], length: usize) -> Vec<Run> {
    let mut known: HashMap<u64, Seen, BuildHasherDefault<Mixed>> =
        HashMap::with_capacity_and_hasher(a.len(), BuildHasherDefault::default());
    for (at, hash) in sequences(a, length) {
        let seen = known.entry(hash).or_default();
        seen.twice |= seen.a.replace(at).is_some();
    }
    for (at, hash) in sequences(b, length) {
        if let Some(seen) = known.get_mut(&hash) {
            seen.twice |= seen.b.replace(at).is_some();
        }
    }
    let once = known.values().filter(|s| !s.twice);
    let mut pairs: Vec<(u32, u32)> = once.filter_map(|s| Some((s.a?, s.b?))).collect();
    pairs.sort_unstable();
    let (mut x, mut y, mut out) = (0, 0, Vec::<Run>::new());
    for (p, q) in rising(&pairs) {
        let (mut p, mut q) = (p as usize, q as usize);
        if p < x || q < y || a.get(p..p + length) != b.get(q..q + length) {
            continue;
        }
        let back = a[x..p].iter().rev().zip(b[y..q].iter().rev()).take_while(|(m, n)| m == n).count();
        (p, q) = (p - back, q - back);
        let len = a[p..].iter().zip(&b[q..]).take_while(|(m, n)| m == n).count();
        out.push(Run { a: p, b: q, len });
        (x, y) = (p + len, q + len);
    }
    out
}

/// The hash of each sequence of so many items, and where it begins.
fn sequences(list: &[u32], length: usize) -> impl Iterator<Item = (u32, u64)> + '_ {
    const BASE: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |item: u32| (u64::from(item) + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let top = (1..length).fold(1_u64, |t, _| t.wrapping_mul(BASE));
    let mut hash = 0_u64;
    list.iter().enumerate().filter_map(move |(n, item)| {
        if n >= length {
            hash = hash.wrapping_sub(mix(list[n - length]).wrapping_mul(top));
        }
        hash = hash.wrapping_mul(BASE).wrapping_add(mix(*item));
        (n + 1 >= length).then(|| (super::utf16::narrow(n + 1 - length), hash))
    })
}

/// The longest rising sequence of the second numbers.
fn rising(pairs: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (n, (_, q)) in pairs.iter().enumerate() {
        let at = ends.partition_point(|e| pairs[*e].1 < *q);
        before.push(at.checked_sub(1).map(|k| ends[k]));
        if at == ends.len() { ends.push(n) } else { ends[at] = n }
    }
    let mut out = Vec::with_capacity(ends.len());
    let mut last = ends.last().copied();
    while let Some(n) = last {
        out.push(pairs[n]);
        last = before[n];
    }
    out.reverse();
    out
}

/// For keys that are hashes already.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = (self.0 ^ u64::from(*b)).wrapping_mul(0x0100_0000_01B3));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n ^ (n >> 32);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs(a: &[u32], b: &[u32]) -> Vec<Run> {
        Differ::default().runs(a, b, &|_| 1)
    }

    #[test]
    fn what_is_inserted_is_not_in_a_run() {
        let a: Vec<u32> = (0..1000).collect();
        let mut b = a.clone();
        b.splice(400..400, 5000..5010);
        assert_eq!(runs(&a, &b), [Run { a: 0, b: 0, len: 400 }, Run { a: 400, b: 410, len: 600 }]);
        assert_eq!(hunks(&runs(&a, &b), 1000, 1010), [Hunk { gone: 400..400, came: 400..410 }]);
    }

    #[test]
    fn a_long_list_of_few_items_that_is_changed_all_over_is_compared_within_its_bound() {
        let mut n = 1_u32;
        let mut noise = || {
            n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (n >> 20) % 2
        };
        let a: Vec<u32> = (0..200_000).map(|_| noise()).collect();
        let b: Vec<u32> = (0..200_000).map(|_| noise()).collect();
        let mut differ = Differ::default();
        let found = differ.runs(&a, &b, &|_| 1);
        assert!(found.windows(2).all(|w| w[0].a + w[0].len <= w[1].a && w[0].b + w[0].len <= w[1].b));
        assert!(differ.compared <= ALL_PAIRS + PAIRS);
    }

    proptest! {
        #[test]
        fn runs_are_common_and_in_order(
            a in prop::collection::vec(0..12_u32, 0..400),
            b in prop::collection::vec(0..12_u32, 0..400),
        ) {
            let runs = runs(&a, &b);
            for run in &runs {
                prop_assert!(run.len > 0);
                prop_assert_eq!(&a[run.a..run.a + run.len], &b[run.b..run.b + run.len]);
            }
            prop_assert!(runs.windows(2).all(|w| w[0].a + w[0].len <= w[1].a && w[0].b + w[0].len <= w[1].b));
            let gone: usize = hunks(&runs, a.len(), b.len()).iter().map(|h| h.gone.len()).sum();
            prop_assert_eq!(gone + runs.iter().map(|r| r.len).sum::<usize>(), a.len());
        }
    }
}
