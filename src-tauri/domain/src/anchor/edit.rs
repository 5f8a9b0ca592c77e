//! What became of each stretch of a text in its next revision.

use std::collections::HashMap;
use std::ops::Range;

use super::diff::{Differ, Hunk, Run, hunks};
use super::lexicon::{Lexicon, Words};
use super::moves;
use super::projection::{Projection, is_space};
use super::slide::{self, Zone};

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
pub(super) struct Edit<'a> {
    /// By their place in the old text; none overlap, in neither text.
    pub kept: Vec<Stretch>,
    /// The same by their place in the new text, each with the bytes kept before it.
    taken: Vec<(Range<usize>, usize)>,
    /// Blocks of the new text that have something new.
    changed: Vec<Range<usize>>,
    /// Where it cannot be told which of several equal things was added or taken away.
    pub zones: Vec<Zone>,
    pub lexicon: Lexicon<'a>,
    /// The words of all blocks that came.
    pub came: Words,
}

impl<'a> Edit<'a> {
    pub(super) fn between(old: &'a Projection<'_>, new: &'a Projection<'_>) -> Self {
        let mut known = HashMap::new();
        let before = blocks(old, &mut known);
        let after = blocks(new, &mut known);
        let mut differ = Differ::default();
        let runs = differ.runs(&before.ids, &after.ids, &|_| 2);
        let hunks = hunks(&runs, before.ids.len(), after.ids.len());
        let moved = moves::exactly(&hunks, &before, &after, old.text());
        let mut build = Build {
            old: old.text(),
            new: new.text(),
            kept: Vec::new(),
            zones: slide::zones(&hunks, &before, &after),
            differ,
            lexicon: Lexicon::default(),
            gone: Words::default(),
            came: Words::default(),
        };
        for run in &runs {
            build.keep(before.span(run.a..run.a + run.len), after.span(run.b..run.b + run.len), false);
        }
        for (from, to) in &moved.pairs {
            build.keep(before.span(from.clone()), after.span(to.clone()), true);
        }
        let (mut gone, mut came) = (Vec::new(), Vec::new());
        for hunk in &hunks {
            let from = (build.gone.ids.len(), build.came.ids.len());
            for n in hunk.gone.clone().filter(|n| !moved.old[*n]) {
                gone.push(build.read_old(&before.at[n]));
            }
            for n in hunk.came.clone().filter(|n| !moved.new[*n]) {
                came.push(build.read_new(&after.at[n]));
            }
            build.rewritten(from.0..build.gone.ids.len(), from.1..build.came.ids.len(), false);
        }
        build.relocated(&gone, &came);
        build.finish(&came)
    }

    /// The run of blocks with something new that some blocks of the new text are in, or stand beside, with them.
    pub(super) fn rewritten_around(&self, blocks: &Range<usize>) -> Option<Range<usize>> {
        let touch = |a: &Range<usize>, b: &Range<usize>| a.start <= b.end + 1 && b.start <= a.end + 1;
        let join = |a: &Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        let first = self.changed.partition_point(|b| b.end + 1 < blocks.start);
        let mut around = join(blocks, self.changed.get(first).filter(|b| touch(b, blocks))?);
        let (before, after) = self.changed.split_at(first);
        for block in before.iter().rev().take(NEARBY).chain(after.iter().take(NEARBY)) {
            if touch(block, &around) {
                around = join(&around, block);
            }
        }
        Some(around)
    }

    /// What share of a stretch of the new text was not in the old one.
    pub(super) fn new_share(&self, range: &Range<usize>) -> f64 {
        if range.is_empty() { 0.0 } else { 1.0 - taken_share(&self.taken, range) }
    }

    pub(super) fn changed(&self) -> &[Range<usize>] {
        &self.changed
    }
}

fn blocks<'a>(p: &'a Projection<'_>, known: &mut HashMap<&'a str, u32>) -> Words {
    let mut out = Words::default();
    for block in p.blocks() {
        let next = super::utf16::narrow(known.len());
        out.ids.push(*known.entry(&p.text()[block.clone()]).or_insert(next));
        out.at.push(block);
    }
    out
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

/// What share of a stretch of the new text is not new.
fn taken_share(taken: &[(Range<usize>, usize)], range: &Range<usize>) -> f64 {
    let sum = |at: usize| {
        let n = taken.partition_point(|(r, _)| r.start < at);
        let last = n.checked_sub(1).and_then(|n| taken.get(n));
        last.map_or(0, |(r, before)| before + r.end.min(at) - r.start)
    };
    (sum(range.end) - sum(range.start)) as f64 / range.len().max(1) as f64
}

struct Build<'a> {
    old: &'a str,
    new: &'a str,
    kept: Vec<Stretch>,
    zones: Vec<Zone>,
    differ: Differ,
    lexicon: Lexicon<'a>,
    /// The words of all blocks that are gone, and of those that came.
    gone: Words,
    came: Words,
}

/// A block that is gone or came: its place, and which words are its.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub at: Range<usize>,
    pub words: Range<usize>,
}

impl<'a> Build<'a> {
    fn read_old(&mut self, block: &Range<usize>) -> Block {
        let first = self.gone.ids.len();
        self.lexicon.read(self.old, block.clone(), &mut self.gone);
        Block { at: block.clone(), words: first..self.gone.ids.len() }
    }

    fn read_new(&mut self, block: &Range<usize>) -> Block {
        let first = self.came.ids.len();
        self.lexicon.read(self.new, block.clone(), &mut self.came);
        Block { at: block.clone(), words: first..self.came.ids.len() }
    }

    fn keep(&mut self, old: Range<usize>, new: Range<usize>, moved: bool) {
        if !old.is_empty() && old.len() == new.len() {
            self.kept.push(Stretch { old: old.start, new: new.start, len: old.len(), moved });
        }
    }

    /// Compares words that stand in each other's place.
    fn rewritten(&mut self, from: Range<usize>, to: Range<usize>, moved: bool) {
        if from.is_empty() || to.is_empty() {
            return;
        }
        let part = |words: &Words, range: &Range<usize>| Words {
            ids: words.ids[range.clone()].to_vec(),
            at: words.at[range.clone()].to_vec(),
        };
        let (before, after) = (part(&self.gone, &from), part(&self.came, &to));
        let lexicon = &self.lexicon;
        let mut runs = self.differ.runs(&before.ids, &after.ids, &|id| 2 * lexicon.worth(id));
        let hunks = hunks(&runs, before.ids.len(), after.ids.len());
        self.zones.extend(slide::zones(&hunks, &before, &after));
        self.drop_strays(&mut runs, &before, &after);
        let mut last = (0, 0);
        for run in runs.iter().copied().chain([Run { a: before.ids.len(), b: after.ids.len(), len: 0 }]) {
            self.respelt(&before, &after, &Hunk { gone: last.0..run.a, came: last.1..run.b }, moved);
            self.keep_words(&before, &after, run, moved);
            last = (run.a + run.len, run.b + run.len);
        }
    }

    /// Forgets words that happen to be the same amid text that has nothing in common.
    fn drop_strays(&self, runs: &mut Vec<Run>, before: &Words, after: &Words) {
        let sums = |words: &Words| -> Vec<u32> {
            let mut sum: u32 = 0;
            let each = words.ids.iter().map(|id| {
                sum = sum.saturating_add(self.lexicon.worth(*id));
                sum
            });
            std::iter::once(0).chain(each).collect()
        };
        let (a, b) = (sums(before), sums(after));
        loop {
            let mut kept: Vec<Run> = Vec::with_capacity(runs.len());
            let mut last = (0, 0);
            for (n, run) in runs.iter().enumerate() {
                let next = runs.get(n + 1).map_or((before.ids.len(), after.ids.len()), |r| (r.a, r.b));
                let end = (run.a + run.len, run.b + run.len);
                let left = (a[run.a] - a[last.0]).max(b[run.b] - b[last.1]);
                let right = (a[next.0] - a[end.0]).max(b[next.1] - b[end.1]);
                let own = a[end.0] - a[run.a];
                if own >= 24 || own * 2 >= left || own * 2 >= right {
                    last = end;
                    kept.push(*run);
                }
            }
            if kept.len() == runs.len() {
                return;
            }
            *runs = kept;
        }
    }

    /// Keeps a run of words as few stretches: as long as the spaces between them are the same as well.
    fn keep_words(&mut self, before: &Words, after: &Words, run: Run, moved: bool) {
        let gap = |words: &Words, n: usize| words.at[n].start - words.at[n - 1].end;
        let mut start = 0;
        for k in 1..=run.len {
            let (i, j) = (run.a + k, run.b + k);
            let goes_on = k < run.len && gap(before, i) <= 1 && gap(before, i) == gap(after, j);
            if !goes_on {
                self.keep(before.span(run.a + start..i), after.span(run.b + start..j), moved);
                start = k;
            }
        }
    }

    /// Words that stand in the place of as many others, each perhaps only spelt otherwise.
    fn respelt(&mut self, before: &Words, after: &Words, hunk: &Hunk, moved: bool) {
        if hunk.gone.len() != hunk.came.len() || hunk.gone.len() > WORDS_IN_PAIRS {
            return;
        }
        for (a, b) in hunk.gone.clone().zip(hunk.came.clone()) {
            let (a, b) = (before.at[a].clone(), after.at[b].clone());
            let (old, new) = (&self.old[a.clone()], &self.new[b.clone()]);
            let same = |(x, y): &(char, char)| x == y;
            let head: usize = old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
            let ends = old[head..].chars().rev().zip(new[head..].chars().rev());
            let tail: usize = ends.take_while(same).map(|(c, _)| c.len_utf8()).sum();
            if (head + tail) * 2 >= old.len().max(new.len()) {
                self.keep(a.start..a.start + head, b.start..b.start + head, moved);
                self.keep(a.end - tail..a.end, b.end - tail..b.end, moved);
            }
        }
    }

    /// Compares blocks that were taken to another place and edited there.
    fn relocated(&mut self, gone: &[Block], came: &[Block]) {
        if gone.is_empty() || came.is_empty() {
            return;
        }
        let taken_new = taken(&self.kept);
        let turned = |s: &Stretch| Stretch { old: s.new, new: s.old, ..*s };
        let taken_old = taken(&self.kept.iter().map(turned).collect::<Vec<_>>());
        let loose = |blocks: &[Block], taken: &[(Range<usize>, usize)]| -> Vec<Block> {
            blocks.iter().filter(|b| taken_share(taken, &b.at) < STRAY).cloned().collect()
        };
        let (gone, came) = (loose(gone, &taken_old), loose(came, &taken_new));
        let pairs = moves::nearly(&gone, &self.gone, &came, &self.came, &self.lexicon);
        let sorted = |mut blocks: Vec<Range<usize>>| {
            blocks.sort_unstable_by_key(|r| r.start);
            blocks
        };
        let old = sorted(pairs.iter().map(|(a, _)| a.at.clone()).collect());
        let new = sorted(pairs.iter().map(|(_, b)| b.at.clone()).collect());
        let within = |blocks: &[Range<usize>], at: usize| {
            let n = blocks.partition_point(|b| b.start <= at);
            n.checked_sub(1).and_then(|n| blocks.get(n)).is_some_and(|b| at < b.end)
        };
        self.kept.retain(|s| !within(&old, s.old) && !within(&new, s.new));
        for (from, to) in pairs {
            self.rewritten(from.words, to.words, true);
        }
    }

    fn finish(mut self, came: &[Block]) -> Edit<'a> {
        self.kept.sort_unstable_by_key(|s| s.old);
        let taken = taken(&self.kept);
        let changed = came.iter().map(|b| b.at.clone()).filter(|b| taken_share(&taken, b) < 1.0).collect();
        self.zones.sort_unstable_by_key(|z| z.old.start);
        let (lexicon, came) = (self.lexicon, self.came);
        Edit { kept: self.kept, taken, changed, zones: self.zones, lexicon, came }
    }
}

/// The stretches of the second text whose words are those of the first.
pub(super) fn shared(a: &str, b: &str) -> Vec<Range<usize>> {
    let mut lexicon = Lexicon::default();
    let (mut before, mut after) = (Words::default(), Words::default());
    lexicon.read(a, 0..a.len(), &mut before);
    lexicon.read(b, 0..b.len(), &mut after);
    let runs = Differ::default().runs(&before.ids, &after.ids, &|id| 2 * lexicon.worth(id));
    runs.into_iter().map(|r| after.span(r.b..r.b + r.len)).collect()
}

/// How many characters of a text are not white space.
pub(super) fn solid(text: &str) -> usize {
    text.chars().filter(|c| !is_space(*c)).count()
}
