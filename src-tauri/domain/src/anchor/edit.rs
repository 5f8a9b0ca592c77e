//! What became of each stretch of a text in its next revision.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, Interner, Token};

use super::moves;
use super::projection::{Projection, is_space};
use super::slide::{self, Zone};
use super::token::{weight, words};

/// Beyond so many words on both sides together a rewritten passage is not compared word by word: its words are only
/// looked up. Comparing is fast but for texts that repeat a few words in ever other orders.
const MOST_WORDS: usize = 120_000;
/// A word that was replaced by one much like it keeps what they share.
const WORDS_IN_PAIRS: usize = 8;

/// A block of which less than this was found where it stood has nothing there but strays.
const STRAY: f64 = 0.35;
/// So many rewritten blocks on each side are looked at to see whether a place could be meant in one of them.
const NEARBY: usize = 32;

/// Text that is the same, byte for byte, in both revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub old: usize,
    pub new: usize,
    pub len: usize,
    /// It stands in another order to its surroundings than before.
    pub moved: bool,
}

impl Stretch {
    pub const fn old_end(&self) -> usize {
        self.old + self.len
    }

    pub const fn new_end(&self) -> usize {
        self.new + self.len
    }
}

/// The difference of two revisions of a text.
#[derive(Debug)]
pub(super) struct Edit {
    /// By their place in the old text; none overlap, in neither text.
    pub kept: Vec<Stretch>,
    /// The same by their place in the new text, each with the bytes kept before it.
    taken: Vec<(Range<usize>, usize)>,
    /// Blocks of the new text that have something new.
    pub changed: Vec<Range<usize>>,
    /// Where it cannot be told which of several equal things was added or taken away.
    pub zones: Vec<Zone>,
}

/// A list of things to compare, and where each stands.
pub(super) struct Items {
    pub ids: Vec<Token>,
    pub at: Vec<Range<usize>>,
}

impl Items {
    fn new<'a>(text: &'a str, at: Vec<Range<usize>>, interner: &mut Interner<&'a str>) -> Self {
        Self { ids: at.iter().map(|r| interner.intern(&text[r.clone()])).collect(), at }
    }

    /// From where the first of them begins to where the last one ends.
    pub fn span(&self, n: Range<usize>) -> Range<usize> {
        match (self.at.get(n.start), n.end.checked_sub(1).and_then(|last| self.at.get(last))) {
            (Some(first), Some(last)) if n.start < n.end => first.start..last.end,
            _ => 0..0,
        }
    }
}

pub(super) fn usizes(r: &Range<u32>) -> Range<usize> {
    r.start as usize..r.end as usize
}

impl Edit {
    pub(super) fn between(old: &Projection<'_>, new: &Projection<'_>) -> Self {
        let mut interner = Interner::new(1024);
        let before = Items::new(old.text(), old.blocks().collect(), &mut interner);
        let after = Items::new(new.text(), new.blocks().collect(), &mut interner);
        let hunks = hunks(&before, &after, interner.num_tokens());
        let moved = moves::find(&hunks, &before, &after, old.text());
        let mut build = Build { old: old.text(), new: new.text(), kept: Vec::new(), zones: Vec::new() };
        build.zones = slide::zones(&hunks, &before, &after);
        let ends = Hunk { before: end_of(&before), after: end_of(&after) };
        let (mut i, mut j) = (0, 0);
        for hunk in hunks.iter().chain([&ends]) {
            let (gone, came) = (usizes(&hunk.before), usizes(&hunk.after));
            build.keep(before.span(i..gone.start), after.span(j..came.start), false);
            let still = |items: &Items, range: &Range<usize>, moved: &[bool]| -> Vec<Range<usize>> {
                let stays = range.clone().filter(|n| moved.get(*n) != Some(&true));
                stays.filter_map(|n| items.at.get(n).cloned()).collect()
            };
            let (a, b) = (still(&before, &gone, &moved.old), still(&after, &came, &moved.new));
            if !a.is_empty() && !b.is_empty() {
                build.rewritten(&a, &b);
            }
            (i, j) = (gone.end, came.end);
        }
        for (from, to) in &moved.pairs {
            build.keep(before.span(from.clone()), after.span(to.clone()), true);
        }
        let left = |hunks: &[Hunk]| {
            let blocks = |side: fn(&Hunk) -> &Range<u32>, items: &Items, moved: &[bool]| {
                let all = hunks.iter().flat_map(|h| usizes(side(h))).filter(|n| moved.get(*n) != Some(&true));
                all.filter_map(|n| items.at.get(n).cloned()).collect::<Vec<_>>()
            };
            (blocks(|h| &h.before, &before, &moved.old), blocks(|h| &h.after, &after, &moved.new))
        };
        let (gone, came) = left(&hunks);
        build.relocated(&gone, &came);
        build.finish(&after, &hunks)
    }

    /// The run of blocks with something new that a place of the new text lies in.
    pub(super) fn rewritten_around(&self, place: &Range<usize>) -> Option<Range<usize>> {
        let n = self.changed.partition_point(|b| b.end <= place.start);
        let here = self.changed.get(n).filter(|b| b.start < place.end)?;
        let touch = |a: &Range<usize>, b: &Range<usize>| a.end + 1 >= b.start;
        let mut around = here.clone();
        for block in self.changed[..n].iter().rev().take(NEARBY) {
            if !touch(block, &around) {
                break;
            }
            around.start = block.start;
        }
        for block in self.changed[n + 1..].iter().take(NEARBY) {
            if !touch(&around, block) {
                break;
            }
            around.end = block.end;
        }
        Some(around)
    }

    /// What share of a stretch of the new text was not in the old one.
    pub(super) fn new_share(&self, range: &Range<usize>) -> f64 {
        if range.is_empty() {
            return 0.0;
        }
        1.0 - taken_in(&self.taken, range) as f64 / range.len() as f64
    }
}

/// Stretches of the new text that are not new, each with the bytes of those before it.
fn taken(kept: &[Stretch]) -> Vec<(Range<usize>, usize)> {
    let mut taken: Vec<_> = kept.iter().map(|s| s.new..s.new_end()).collect();
    taken.sort_unstable_by_key(|r| r.start);
    let mut sum = 0;
    let with_sum = |r: Range<usize>| {
        let before = sum;
        sum += r.len();
        (r, before)
    };
    taken.into_iter().map(with_sum).collect()
}

/// How many bytes of a stretch of the new text are not new.
fn taken_in(taken: &[(Range<usize>, usize)], range: &Range<usize>) -> usize {
    let sum = |at: usize| {
        let n = taken.partition_point(|(r, _)| r.start < at);
        let last = n.checked_sub(1).and_then(|n| taken.get(n));
        last.map_or(0, |(r, before)| before + r.end.min(at) - r.start)
    };
    sum(range.end) - sum(range.start)
}

fn end_of(items: &Items) -> Range<u32> {
    let end = super::utf16::narrow(items.at.len());
    end..end
}

fn hunks(before: &Items, after: &Items, kinds: u32) -> Vec<Hunk> {
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Histogram, &before.ids, &after.ids, kinds);
    let hunks: Vec<Hunk> = diff.hunks().collect();
    hunks
}

struct Build<'a> {
    old: &'a str,
    new: &'a str,
    kept: Vec<Stretch>,
    zones: Vec<Zone>,
}

impl<'a> Build<'a> {
    fn keep(&mut self, old: Range<usize>, new: Range<usize>, moved: bool) {
        if !old.is_empty() && old.len() == new.len() {
            self.kept.push(Stretch { old: old.start, new: new.start, len: old.len(), moved });
        }
    }

    /// Compares blocks that stand in each other's place, word by word.
    fn rewritten(&mut self, gone: &[Range<usize>], came: &[Range<usize>]) {
        let mut interner: Interner<&'a str> = Interner::new(64);
        let split = |text: &'a str, blocks: &[Range<usize>]| -> Vec<Range<usize>> {
            blocks.iter().flat_map(|b| words(&text[b.clone()], b.start)).collect()
        };
        let (a, b) = (split(self.old, gone), split(self.new, came));
        if a.len() + b.len() > MOST_WORDS {
            return;
        }
        let before = Items::new(self.old, a, &mut interner);
        let after = Items::new(self.new, b, &mut interner);
        let hunks = hunks(&before, &after, interner.num_tokens());
        self.zones.extend(slide::zones(&hunks, &before, &after));
        let mut runs = runs(&hunks, &before, &after);
        self.drop_strays(&mut runs, &before, &after);
        let mut last = (0, 0);
        for (from, to) in &runs {
            self.replaced(&before, &after, last.0..from.start, last.1..to.start);
            self.keep_words(&before, &after, from.clone(), to.start);
            last = (from.end, to.end);
        }
        self.replaced(&before, &after, last.0..before.at.len(), last.1..after.at.len());
    }

    /// Compares blocks that were taken to another place and edited there.
    fn relocated(&mut self, gone: &[Range<usize>], came: &[Range<usize>]) {
        self.kept.sort_unstable_by_key(|s| s.old);
        let old_share = |b: &Range<usize>, kept: &[Stretch]| {
            let first = kept.partition_point(|s| s.old_end() <= b.start);
            let inside = kept[first..].iter().take_while(|s| s.old < b.end);
            inside.map(|s| s.old_end().min(b.end) - s.old.max(b.start)).sum::<usize>() as f64
                / b.len().max(1) as f64
        };
        let gone: Vec<_> = gone.iter().filter(|b| old_share(b, &self.kept) < STRAY).cloned().collect();
        let taken = taken(&self.kept);
        let came: Vec<_> = came
            .iter()
            .filter(|b| taken_in(&taken, b) as f64 / (b.len().max(1) as f64) < STRAY)
            .cloned()
            .collect();
        for (from, to) in moves::alike(&gone, self.old, &came, self.new) {
            let inside = |s: &Stretch| {
                (from.start <= s.old && s.old < from.end) || (to.start <= s.new && s.new < to.end)
            };
            self.kept.retain(|s| !inside(s));
            let first = self.kept.len();
            self.rewritten(std::slice::from_ref(&from), std::slice::from_ref(&to));
            self.kept[first..].iter_mut().for_each(|s| s.moved = true);
        }
    }

    /// Forgets words that happen to be the same amid text that has nothing in common.
    fn drop_strays(&self, runs: &mut Vec<(Range<usize>, Range<usize>)>, before: &Items, after: &Items) {
        let (a, b) = (sums(self.old, before), sums(self.new, after));
        let weight = |sums: &[u32], r: Range<usize>| sums[r.end] - sums[r.start];
        loop {
            let mut kept = Vec::with_capacity(runs.len());
            let mut last = (0, 0);
            for (n, (from, to)) in runs.iter().enumerate() {
                let next =
                    runs.get(n + 1).map_or((before.at.len(), after.at.len()), |(f, t)| (f.start, t.start));
                let left = weight(&a, last.0..from.start).max(weight(&b, last.1..to.start));
                let right = weight(&a, from.end..next.0).max(weight(&b, to.end..next.1));
                let own = weight(&a, from.clone());
                if own < 24 && own * 2 < left && own * 2 < right {
                    continue;
                }
                last = (from.end, to.end);
                kept.push((from.clone(), to.clone()));
            }
            if kept.len() == runs.len() {
                return;
            }
            *runs = kept;
        }
    }

    /// Keeps a run of words as few stretches: as long as the spaces between them are the same as well.
    fn keep_words(&mut self, before: &Items, after: &Items, from: Range<usize>, to: usize) {
        let mut start = 0;
        let gap = |items: &Items, n: usize| Some(items.at.get(n)?.start - items.at.get(n - 1)?.end);
        for k in 1..=from.len() {
            let (i, j) = (from.start + k, to + k);
            let goes_on = k < from.len() && gap(before, i) == gap(after, j) && gap(before, i) <= Some(1);
            if !goes_on {
                self.keep(before.span(from.start + start..i), after.span(to + start..j), false);
                start = k;
            }
        }
    }

    /// Words that stand in the place of as many others, each perhaps only spelt otherwise.
    fn replaced(&mut self, before: &Items, after: &Items, from: Range<usize>, to: Range<usize>) {
        if from.len() != to.len() || from.len() > WORDS_IN_PAIRS {
            return;
        }
        for (a, b) in from.zip(to) {
            let (Some(a), Some(b)) = (before.at.get(a), after.at.get(b)) else { continue };
            let (old, new) = (&self.old[a.clone()], &self.new[b.clone()]);
            let same = |(x, y): &(char, char)| x == y;
            let head: usize = old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
            let ends = old[head..].chars().rev().zip(new[head..].chars().rev());
            let tail: usize = ends.take_while(same).map(|(c, _)| c.len_utf8()).sum();
            if (head + tail) * 2 >= old.len().max(new.len()) {
                self.keep(a.start..a.start + head, b.start..b.start + head, false);
                self.keep(a.end - tail..a.end, b.end - tail..b.end, false);
            }
        }
    }

    fn finish(mut self, after: &Items, hunks: &[Hunk]) -> Edit {
        self.kept.sort_unstable_by_key(|s| s.old);
        let taken = taken(&self.kept);
        let mut edit = Edit { kept: self.kept, taken, changed: Vec::new(), zones: self.zones };
        let came = hunks.iter().flat_map(|h| usizes(&h.after)).filter_map(|n| after.at.get(n));
        let changed = came.filter(|b| edit.new_share(b) > 0.0).cloned().collect();
        edit.changed = changed;
        edit.zones.sort_unstable_by_key(|z| z.old.start);
        edit
    }
}

/// The stretches of the second text whose words are those of the first.
pub(super) fn shared(a: &str, b: &str) -> impl Iterator<Item = Range<usize>> {
    let mut interner = Interner::new(64);
    let before = Items::new(a, words(a, 0).collect(), &mut interner);
    let after = Items::new(b, words(b, 0).collect(), &mut interner);
    let runs = runs(&hunks(&before, &after, interner.num_tokens()), &before, &after);
    runs.into_iter().map(move |(_, to)| after.span(to))
}

/// What lies between the hunks.
fn runs(hunks: &[Hunk], before: &Items, after: &Items) -> Vec<(Range<usize>, Range<usize>)> {
    let mut out = Vec::with_capacity(hunks.len() + 1);
    let (mut i, mut j) = (0, 0);
    for hunk in hunks {
        let (gone, came) = (usizes(&hunk.before), usizes(&hunk.after));
        out.push((i..gone.start, j..came.start));
        (i, j) = (gone.end, came.end);
    }
    out.push((i..before.at.len(), j..after.at.len()));
    out.retain(|(from, _)| !from.is_empty());
    out
}

/// The weights of all words up to each.
fn sums(text: &str, items: &Items) -> Vec<u32> {
    let mut sum: u32 = 0;
    let each = items.at.iter().map(|r| {
        sum = sum.saturating_add(weight(&text[r.clone()]));
        sum
    });
    std::iter::once(0).chain(each).collect()
}

/// How many characters of a text are not white space.
pub(super) fn solid(text: &str) -> usize {
    text.chars().filter(|c| !is_space(*c)).count()
}
