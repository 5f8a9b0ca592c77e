//! Looks for a quote in what is new in a text: as it was, and much like it.
//!
//! What was there before is not looked at. It has been followed through the edit, so it is known to be something else.

use std::ops::Range;

use super::edit::Edit;
use super::lexicon::Words;
use super::projection::{is_space, whole_chars};
use super::selector::squeezed;
use super::token::{goes_on, weight, words};

/// A word that stands in more places than this does not lead to a quote.
const PLACES: usize = 64;
/// So many words of a quote are looked up to find what is like it.
const LOOKED_UP: usize = 24;
/// Pairs of words compared for all quotes of one revision together.
const COMPARED: usize = 24_000_000;
/// Bytes read for quotes that are less than a word, for all of one revision together.
const READ: usize = 8_000_000;
/// How much of an exact finding must be new.
const NEW: f64 = 0.6;

/// What is new in a text, by its words.
pub(super) struct Search<'a> {
    text: &'a str,
    edit: &'a Edit<'a>,
    /// The places of word `n` are `places[starts[n]..starts[n + 1]]`.
    starts: Vec<u32>,
    places: Vec<u32>,
    compared: usize,
    read: usize,
}

/// A quote, by its words.
pub(super) struct Wanted<'q> {
    text: &'q str,
    words: Vec<Range<usize>>,
    /// The words without those at the ends that are only parts of one.
    whole: Range<usize>,
}

impl<'q> Wanted<'q> {
    pub(super) fn new(prefix: &str, text: &'q str, suffix: &str) -> Self {
        let words: Vec<_> = words(text, 0).collect();
        let first = usize::from(goes_on(prefix.chars().last(), text.chars().next()));
        let last =
            words.len() - usize::from(goes_on(text.chars().last(), suffix.chars().next())).min(words.len());
        Self { text, whole: first.min(last)..last, words }
    }
}

/// Where a quote was found as it was.
#[derive(Debug, Default)]
pub(super) struct Exact {
    pub found: Vec<Range<usize>>,
    /// There may be more.
    pub more: bool,
}

/// Where something like a quote was found.
#[derive(Clone, Debug)]
pub(super) struct Like {
    pub range: Range<usize>,
    /// How like, 0 to 1.
    pub likeness: f64,
    /// The weight of the words that both have.
    pub common: u32,
}

impl<'a> Search<'a> {
    pub(super) fn new(text: &'a str, edit: &'a Edit<'a>) -> Self {
        let ids = &edit.came.ids;
        let mut starts = vec![0_u32; edit.lexicon.len() + 1];
        ids.iter().for_each(|id| starts[*id as usize + 1] += 1);
        for n in 1..starts.len() {
            starts[n] += starts[n - 1];
        }
        let (mut next, mut places) = (starts.clone(), vec![0_u32; ids.len()]);
        for (n, id) in ids.iter().enumerate() {
            let slot = &mut next[*id as usize];
            places[*slot as usize] = super::utf16::narrow(n);
            *slot += 1;
        }
        Self { text, edit, starts, places, compared: COMPARED, read: READ }
    }

    fn places(&self, id: Option<u32>) -> &[u32] {
        let Some(n) = id.map(|id| id as usize) else { return &[] };
        &self.places[self.starts[n] as usize..self.starts[n + 1] as usize]
    }

    /// The numbers of a quote's words, as far as they are known.
    fn ids(&self, wanted: &Wanted<'_>) -> Vec<Option<u32>> {
        wanted.words.iter().map(|w| self.edit.lexicon.find(&wanted.text[w.clone()])).collect()
    }

    /// All places within a stretch of the text where the quote stands as it was, white space aside.
    pub(super) fn exact(&mut self, wanted: &Wanted<'_>, within: &Range<usize>) -> Exact {
        let ids: Vec<Option<u32>> = self.ids(wanted)[wanted.whole.clone()].to_vec();
        let Some(rare) = (0..ids.len()).min_by_key(|n| self.places(ids[*n]).len()) else {
            return self.within_words(wanted.text, within);
        };
        let places = self.places(ids[rare]);
        let mut out = Exact::default();
        let Words { ids: all, at } = &self.edit.came;
        let places = &places[places.partition_point(|p| at[*p as usize].end <= within.start)..];
        let places = &places[..places.partition_point(|p| at[*p as usize].start < within.end)];
        out.more = places.len() > PLACES;
        for place in places.iter().take(PLACES) {
            let Some(first) = (*place as usize).checked_sub(rare) else { continue };
            let Some(here) = all.get(first..first + ids.len()) else { continue };
            if !here.iter().zip(&ids).all(|(a, b)| Some(*a) == *b) {
                continue;
            }
            let head = &wanted.text[..wanted.words[wanted.whole.start].start];
            let tail = &wanted.text[wanted.words[wanted.whole.end - 1].end..];
            let start = self.back(at[first].start, head);
            let end = self.forth(at[first + ids.len() - 1].end, tail);
            if let (Some(start), Some(end)) = (start, end)
                && self.edit.new_share(&(start..end)) >= NEW
                && squeezed(&self.text[start..end], wanted.text)
            {
                out.found.push(start..end);
            }
        }
        out
    }

    /// Where a text begins that ends here, if it does.
    fn back(&self, at: usize, text: &str) -> Option<usize> {
        let mut start = at;
        for c in text.chars().rev().filter(|c| !is_space(*c)) {
            start = self.text[..start].trim_end_matches(is_space).strip_suffix(c)?.len();
        }
        Some(start)
    }

    fn forth(&self, at: usize, text: &str) -> Option<usize> {
        let mut rest = &self.text[at..];
        for c in text.chars().filter(|c| !is_space(*c)) {
            rest = rest.trim_start_matches(is_space).strip_prefix(c)?;
        }
        Some(self.text.len() - rest.len())
    }

    /// Where a quote stands, letter by letter, within a stretch of the text that need not be new.
    pub(super) fn standing(&mut self, quote: &str, within: &Range<usize>) -> Option<Range<usize>> {
        let within =
            whole_chars(self.text, within.start.saturating_sub(quote.len())..within.end + quote.len());
        self.read = self.read.checked_sub(within.len())?;
        let at = within.start + self.text[within].find(quote)?;
        Some(at..at + quote.len())
    }

    /// Places of a quote that has no whole word.
    fn within_words(&mut self, quote: &str, within: &Range<usize>) -> Exact {
        let mut out = Exact::default();
        let blocks = self.edit.changed();
        let first = blocks.partition_point(|b| b.end <= within.start);
        for block in blocks[first..].iter().take_while(|b| b.start < within.end) {
            if self.read < block.len() || out.found.len() > PLACES {
                out.more = true;
                return out;
            }
            self.read -= block.len();
            let found = self.text[block.clone()].match_indices(quote).take(PLACES);
            let ranges = found.map(|(n, s)| block.start + n..block.start + n + s.len());
            out.found.extend(ranges.filter(|r| self.edit.new_share(r) >= NEW));
        }
        out
    }

    /// Up to three places whose words are most like those of the quote.
    pub(super) fn like(&mut self, wanted: &Wanted<'_>) -> Vec<Like> {
        let worth: Vec<u32> = wanted.words.iter().map(|w| weight(&wanted.text[w.clone()])).collect();
        let all: u32 = worth.iter().fold(0, |a, b| a.saturating_add(*b));
        let mut out: Vec<Like> = Vec::new();
        let ids = self.ids(wanted);
        for first in self.votes(&ids, &worth, all) {
            for like in self.compare(&ids, &worth, all, first) {
                if out.iter().all(|o| o.range.end <= like.range.start || like.range.end <= o.range.start) {
                    out.push(like);
                }
            }
        }
        out.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
        out
    }

    /// Where a quote would begin, as most of its rarer words have it.
    fn votes(&self, ids: &[Option<u32>], worth: &[u32], all: u32) -> Vec<usize> {
        let n = ids.len();
        let mut rare: Vec<(usize, usize)> = (0..n)
            .map(|k| (self.places(ids[k]).len(), k))
            .filter(|(count, _)| (1..=PLACES).contains(count))
            .collect();
        rare.sort_unstable();
        rare.truncate(LOOKED_UP);
        let bucket = (n / 4).max(4);
        let mut votes: Vec<(usize, u32)> = Vec::new();
        let mut most = 0;
        for (_, k) in &rare {
            most += worth[*k];
            let places = self.places(ids[*k]);
            votes.extend(places.iter().map(|p| ((*p as usize + n - k) / bucket, worth[*k])));
        }
        votes.sort_unstable_by_key(|(b, _)| *b);
        votes.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        // A quote may lie across the border of two buckets.
        let with_next = |k: usize| {
            let (b, v) = votes[k];
            let next = votes.get(k + 1).filter(|(n, _)| *n == b + 1).map_or(0, |(_, v)| *v);
            (v + next, b * bucket)
        };
        let mut best: Vec<(u32, usize)> = (0..votes.len()).map(with_next).collect();
        best.retain(|(v, _)| *v * 3 >= most && *v * 4 >= all.min(most * 4));
        best.sort_unstable_by_key(|(v, at)| (std::cmp::Reverse(*v), *at));
        let mut out: Vec<usize> = Vec::new();
        for (_, at) in best.into_iter().take(12) {
            if out.len() < 4 && out.iter().all(|o: &usize| o.abs_diff(at) > bucket) {
                out.push(at);
            }
        }
        // Votes count from one length of the quote before its first word, so that none is below zero.
        out.into_iter().map(|at| at.saturating_sub(n)).collect()
    }

    /// Compares the quote with what stands about so many words into the new text. Twice: what is found first is
    /// left out the second time, to see whether there is another like it beside.
    fn compare(&mut self, ids: &[Option<u32>], worth: &[u32], all: u32, first: usize) -> Vec<Like> {
        let n = ids.len();
        let slack = (n / 2).max(8);
        let window = first.saturating_sub(slack)..(first + n + 2 * slack).min(self.edit.came.ids.len());
        let Words { ids: all_ids, at } = &self.edit.came;
        let mut here: Vec<Option<u32>> = all_ids[window.clone()].iter().copied().map(Some).collect();
        let mut out = Vec::new();
        for _ in 0..2 {
            let Some(left) = self.compared.checked_sub(n * window.len()) else { break };
            self.compared = left;
            let pairs = common(ids, &here, worth);
            let Some(together) = self.densest(&pairs, worth, window.start) else { break };
            let (first, last) = (pairs[together.start].1, pairs[together.end - 1].1);
            here[first..=last].fill(None);
            let matched: u32 = pairs[together].iter().map(|(i, _)| worth[*i]).sum();
            let size = self.weight(window.start + first..window.start + last + 1);
            let range = at[window.start + first].start..at[window.start + last].end;
            if self.edit.new_share(&range) < NEW / 2.0 {
                continue;
            }
            let likeness = 2.0 * f64::from(matched) / f64::from(all.saturating_add(size).max(1));
            out.push(Like { range: whole_chars(self.text, range), likeness, common: matched });
        }
        out
    }

    fn weight(&self, words: Range<usize>) -> u32 {
        self.edit.came.ids[words].iter().map(|id| self.edit.lexicon.worth(*id)).sum()
    }

    /// The densest stretch of what two lists of words have in common: a word between counts against it by half.
    fn densest(&self, pairs: &[(usize, usize)], worth: &[u32], start: usize) -> Option<Range<usize>> {
        let (mut best, mut sum, mut from) = ((0.0, 0..0), 0.0, 0);
        for (k, (i, j)) in pairs.iter().enumerate() {
            if k > from {
                sum -= f64::from(self.weight(start + pairs[k - 1].1 + 1..start + *j)) / 2.0;
            }
            if sum <= 0.0 {
                (sum, from) = (0.0, k);
            }
            sum += f64::from(worth[*i]);
            if sum > best.0 {
                best = (sum, from..k + 1);
            }
        }
        (!best.1.is_empty()).then_some(best.1)
    }
}

/// The heaviest common sequence: pairs of places in both lists.
fn common(a: &[Option<u32>], b: &[Option<u32>], worth: &[u32]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut table = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let skip = table[(i + 1) * width + j].max(table[i * width + j + 1]);
            let pair =
                if a[i].is_some() && a[i] == b[j] { worth[i] + table[(i + 1) * width + j + 1] } else { 0 };
            table[i * width + j] = skip.max(pair);
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        let here = table[i * width + j];
        if a[i].is_some() && a[i] == b[j] && here == worth[i] + table[(i + 1) * width + j + 1] {
            out.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if here == table[(i + 1) * width + j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}
