//! Finds every thread's place again in a new revision.

use std::ops::Range;

use contract::annotation::{AnchorConfidence, AnchorReason, AnchorSelector, AnchorState, TextQuote};

use super::context::Context;
use super::edit::Edit;
use super::follow::{Fate, Own};
use super::projection::{Projection, whole_chars};
use super::search::{Search, Wanted};
use super::selector::{CONTEXT, NoSelector, select, squeezed};
use super::token::weight_of;

/// How much of a quote must have gone through an edit for its thread to stay where it is.
const STAYS: f64 = 0.5;
/// A quote of this weight (about six words) is known again wherever it turns up.
const TELLING: u32 = 30;
/// What a shorter one needs of its surroundings besides.
const VOUCHED: f64 = 0.8;
/// How like it was one side must be to vouch alone, and how much of that must be new.
const SAME: f64 = 0.9;
const ALONG: f64 = 0.8;
/// How like a quote something must be to be looked at, and with its surroundings to be taken.
const LIKE: f64 = 0.5;
const TAKEN: f64 = 0.58;
/// The least that it must have in common with the quote: about three words.
const IN_COMMON: u32 = 12;
/// Two places closer than this in their score could both be meant.
const APART: f64 = 0.05;
/// How much worse the surroundings of another place may fit for it to be meant as well.
const RIVAL: f64 = 0.15;
/// A selector that grows over its limit with the text it covers is cut to so many characters.
const LONGEST: usize = 9_900;

/// A thread's anchor, as the last revision left it.
#[derive(Clone, Copy, Debug)]
pub struct Anchor<'a> {
    /// What was selected when the thread was made, or was last attached by hand.
    pub quote: &'a TextQuote,
    /// Its place; its last one when it is orphaned.
    pub selector: &'a AnchorSelector,
    pub state: AnchorState,
    pub confidence: AnchorConfidence,
}

/// What a revision made of an anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub state: AnchorState,
    pub confidence: AnchorConfidence,
    /// The new place. An orphan has none, and keeps the last one it had.
    pub selector: Option<AnchorSelector>,
    pub reason: AnchorReason,
}

/// Finds the places of all anchors of a document in its next revision, in the order given.
///
/// Each is followed through the edit. What the edit took away is looked for in what it brought: as it was, or else
/// much like it. Anything that could be wrong is said to be ambiguous, or left orphaned, rather than attached.
pub fn remap(old: &str, new: &str, anchors: &[Anchor<'_>]) -> Vec<Outcome> {
    remap_projected(&Projection::of(old), &Projection::of(new), anchors)
}

/// Like [`remap`], for a caller that has the projections already.
pub fn remap_projected(old: &Projection<'_>, new: &Projection<'_>, anchors: &[Anchor<'_>]) -> Vec<Outcome> {
    let edit = Edit::between(old, new);
    let mut remap = Remap { old, new, edit: &edit, search: None };
    anchors.iter().map(|anchor| remap.one(anchor)).collect()
}

struct Remap<'a> {
    old: &'a Projection<'a>,
    new: &'a Projection<'a>,
    edit: &'a Edit<'a>,
    /// Made when the first quote is looked for.
    search: Option<Search<'a>>,
}

/// A place that a quote may have now.
struct Found {
    range: Range<usize>,
    score: f64,
    exact: bool,
    /// Others could be meant as well.
    unsure: bool,
    /// There are others, less likely ones.
    others: bool,
}

impl<'a> Remap<'a> {
    fn one(&mut self, anchor: &Anchor<'_>) -> Outcome {
        if anchor.state == AnchorState::Orphaned {
            return self.find(anchor, None);
        }
        let Some(range) = place(self.old, anchor.selector) else { return self.find(anchor, None) };
        let (old, new) = (self.old.text(), self.new.text());
        let own = Own::of(old, &range, &anchor.quote.exact);
        match self.edit.follow(old, new, &range, &own) {
            Fate::Whole { range: to, moved } => {
                if self.edit.zone(&range).is_some() || self.rival(anchor, &range, &to).is_some() {
                    return self.ambiguous(to);
                }
                let reason = if moved {
                    AnchorReason::Moved
                } else if range == to {
                    AnchorReason::Unchanged
                } else {
                    AnchorReason::Shifted
                };
                self.whole(anchor, to, reason)
            }
            Fate::Part { range: to, moved, share } if share >= STAYS => {
                match self.torn_from(anchor, &to).or_else(|| self.rival(anchor, &range, &to)) {
                    Some(other) => self.ambiguous(other),
                    None => self.edited(anchor, to, moved),
                }
            }
            _ => {
                if let Some(twin) = self.edit.zone(&range).and_then(|z| z.twin(old, &range))
                    && let Fate::Whole { range: to, .. } = self.edit.follow(old, new, &twin, &own)
                {
                    return self.ambiguous(to);
                }
                self.find(anchor, Some(range.start))
            }
        }
    }

    fn outcome(
        &self,
        state: AnchorState,
        confidence: AnchorConfidence,
        range: Range<usize>,
        reason: AnchorReason,
    ) -> Outcome {
        let selector = match select(self.new, range.clone()) {
            Err(NoSelector::TooLong) => {
                let text = &self.new.text()[range.clone()];
                let len = text.char_indices().nth(LONGEST).map_or(text.len(), |(n, _)| n);
                select(self.new, range.start..range.start + len)
            }
            other => other,
        };
        match selector {
            Ok(selector) => Outcome { state, confidence, selector: Some(selector), reason },
            Err(_) => gone(),
        }
    }

    fn ambiguous(&self, range: Range<usize>) -> Outcome {
        let (state, confidence) = (AnchorState::Stale, AnchorConfidence::Ambiguous);
        self.outcome(state, confidence, range, AnchorReason::SeveralPlaces)
    }

    /// All of the text is there: the thread stays as it was, unless that is what was selected at first.
    fn whole(&self, anchor: &Anchor<'_>, to: Range<usize>, reason: AnchorReason) -> Outcome {
        if anchor.confidence == AnchorConfidence::Fuzzy
            && let Some(original) = restored(self.new.text(), &to, &anchor.quote.exact)
        {
            return self.outcome(
                AnchorState::Active,
                AnchorConfidence::Exact,
                original,
                AnchorReason::Restored,
            );
        }
        self.outcome(anchor.state, anchor.confidence, to, reason)
    }

    /// Most of the text is there.
    fn edited(&self, anchor: &Anchor<'_>, to: Range<usize>, moved: bool) -> Outcome {
        let unsure = anchor.confidence == AnchorConfidence::Ambiguous;
        if !unsure && let Some(original) = restored(self.new.text(), &to, &anchor.quote.exact) {
            return self.outcome(
                AnchorState::Active,
                AnchorConfidence::Exact,
                original,
                AnchorReason::Restored,
            );
        }
        let confidence = if unsure { AnchorConfidence::Ambiguous } else { AnchorConfidence::Fuzzy };
        let reason = if moved { AnchorReason::MovedAndEdited } else { AnchorReason::Edited };
        self.outcome(AnchorState::Stale, confidence, to, reason)
    }

    /// Where all of the text stands beside a place to which only a part of it was followed.
    fn torn_from(&mut self, anchor: &Anchor<'_>, to: &Range<usize>) -> Option<Range<usize>> {
        let beside = self.edit.rewritten_around(&self.new.blocks_over(to))?;
        let whole = self.search().standing(&anchor.selector.quote.exact, &beside)?;
        (whole.end <= to.start || to.end <= whole.start).then_some(whole)
    }

    /// Where else, in or beside what was rewritten, the same words came in the same surroundings: then the edit may have
    /// been read the wrong way round. What stands in other blocks is no surrounding here, for a copy has other
    /// neighbours.
    fn rival(&mut self, anchor: &Anchor<'_>, from: &Range<usize>, to: &Range<usize>) -> Option<Range<usize>> {
        let beside = self.edit.rewritten_around(&self.new.blocks_over(to))?;
        let (old, text) = (self.old.text(), self.new.text());
        let quote = &anchor.selector.quote;
        let wanted = Wanted::new(&quote.prefix, &quote.exact, &quote.suffix);
        let found = self.search().exact(&wanted, &beside).found;
        let (head, tail) = self.old.block_around(from);
        let context =
            |r: &Range<usize>| Context::between(text, r, &old[head.clone()], &old[tail.clone()]).known();
        let own = context(to);
        let other = |r: &Range<usize>| r.end <= to.start || to.end <= r.start || r.len() > to.len();
        found.into_iter().find(|r| other(r) && context(r) > own - RIVAL)
    }

    /// Looks for what is not where it was.
    fn find(&mut self, anchor: &Anchor<'_>, from: Option<usize>) -> Outcome {
        let expected = from.map(|at| self.edit.expected(at));
        let quotes = [anchor.quote, &anchor.selector.quote];
        let quotes = if quotes[0].exact == quotes[1].exact { &quotes[..1] } else { &quotes[..] };
        let contexts = [&anchor.selector.quote, anchor.quote];
        let found = quotes
            .iter()
            .find_map(|q| self.exactly(q, &contexts, expected))
            .or_else(|| quotes.iter().rev().find_map(|q| self.nearly(q, &contexts, expected)));
        let Some(mut found) = found else { return gone() };
        // Across blocks only a part of a quote may be new.
        if !found.exact
            && let Some(whole) = restored(self.new.text(), &found.range, &anchor.quote.exact)
        {
            (found.range, found.exact) = (whole, true);
        }
        if found.unsure {
            return self.ambiguous(found.range);
        }
        let came_back = anchor.state == AnchorState::Orphaned;
        let reason = match (came_back, found.exact) {
            (true, true) => AnchorReason::Restored,
            (false, true) => AnchorReason::Moved,
            (_, false) => AnchorReason::MovedAndEdited,
        };
        let original = squeezed(&self.new.text()[found.range.clone()], &anchor.quote.exact);
        if !original {
            return self.outcome(AnchorState::Stale, AnchorConfidence::Fuzzy, found.range, reason);
        }
        let confidence = if found.others { AnchorConfidence::Duplicate } else { AnchorConfidence::Exact };
        self.outcome(AnchorState::Active, confidence, found.range, reason)
    }

    fn search(&mut self) -> &mut Search<'a> {
        let (new, edit) = (self.new, self.edit);
        // The search lives as long as what it reads; only the borrow of it is short.
        self.search.get_or_insert_with(|| Search::new(new.text(), edit))
    }

    fn exactly(
        &mut self,
        quote: &TextQuote,
        contexts: &[&TextQuote],
        expected: Option<usize>,
    ) -> Option<Found> {
        let all = 0..self.new.text().len();
        let exact = self.search().exact(&Wanted::new(&quote.prefix, &quote.exact, &quote.suffix), &all);
        let telling = f64::from(weight_of(&quote.exact)) / f64::from(TELLING);
        let text = self.new.text();
        let mut best: Option<(f64, f64, Range<usize>)> = None;
        let mut second = f64::NEG_INFINITY;
        let count = exact.found.len();
        for range in exact.found {
            let context = fitting(text, &range, contexts);
            let vouched = if self.came_along(&range, context) {
                VOUCHED
            } else {
                telling.min(1.0) * VOUCHED + context.mean()
            };
            let score = 0.7 * context.mean() + 0.3 * nearness(expected, &range);
            if best.as_ref().is_none_or(|(b, ..)| score > *b) {
                second = best.map_or(second, |(b, ..)| b.max(second));
                best = Some((score, vouched, range));
            } else {
                second = second.max(score);
            }
        }
        let (score, _, range) = best.filter(|(_, vouched, _)| *vouched >= VOUCHED)?;
        let unsure = exact.more || score - second < APART;
        Some(Found { range, score, exact: true, unsure, others: count > 1 })
    }

    /// Whether what stood on one side of a quote is new here as well: it was moved, or brought back, together with it.
    fn came_along(&self, range: &Range<usize>, context: Context) -> bool {
        let all = self.new.text().len();
        let is_new = |side: Range<usize>| side.len() >= CONTEXT / 2 && self.edit.new_share(&side) >= ALONG;
        (context.before >= Some(SAME) && is_new(range.start.saturating_sub(CONTEXT)..range.start))
            || (context.after >= Some(SAME) && is_new(range.end..all.min(range.end + CONTEXT)))
    }

    fn nearly(
        &mut self,
        quote: &TextQuote,
        contexts: &[&TextQuote],
        expected: Option<usize>,
    ) -> Option<Found> {
        let like = self.search().like(&Wanted::new(&quote.prefix, &quote.exact, &quote.suffix));
        let text = self.new.text();
        let mut found: Vec<Found> = like
            .into_iter()
            .filter(|l| l.likeness >= LIKE && l.common >= IN_COMMON)
            .map(|l| {
                let context = fitting(text, &l.range, contexts);
                let near = nearness(expected, &l.range);
                let score = 0.65 * l.likeness + 0.35 * context.mean().max(0.5 * near);
                Found { range: l.range, score, exact: false, unsure: false, others: false }
            })
            .filter(|f| f.score >= TAKEN)
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        let second = found.get(1).map_or(f64::NEG_INFINITY, |f| f.score);
        let mut best = found.into_iter().next()?;
        best.unsure = best.score - second < APART;
        Some(best)
    }
}

const fn gone() -> Outcome {
    Outcome {
        state: AnchorState::Orphaned,
        confidence: AnchorConfidence::Missing,
        selector: None,
        reason: AnchorReason::Gone,
    }
}

/// The place that a selector names in the revision it was made for.
fn place(p: &Projection<'_>, selector: &AnchorSelector) -> Option<Range<usize>> {
    let (at, text) = (&selector.position, p.text());
    let exact: &str = &selector.quote.exact;
    let own = p.text_bytes(&(at.normalized_start..at.normalized_end));
    if !own.is_empty() && text[own.clone()] == *exact {
        return Some(own);
    }
    let own = p.to_text(p.source_bytes(&(at.markdown_start..at.markdown_end)));
    (!own.is_empty() && squeezed(&text[own.clone()], exact)).then_some(own)
}

/// The better fitting of the contexts that are known.
fn fitting(text: &str, range: &Range<usize>, contexts: &[&TextQuote]) -> Context {
    let all = contexts.iter().map(|q| Context::of(text, range, q));
    all.max_by(|a, b| a.mean().total_cmp(&b.mean())).unwrap_or_default()
}

fn nearness(expected: Option<usize>, range: &Range<usize>) -> f64 {
    expected.map_or(0.0, |at| 1.0 / (1.0 + at.abs_diff(range.start) as f64 / 200.0))
}

/// Where the words that were selected at first stand, at a place that was followed through an edit.
fn restored(text: &str, place: &Range<usize>, exact: &str) -> Option<Range<usize>> {
    let near = whole_chars(text, place.start.saturating_sub(exact.len())..place.end + exact.len());
    let mut found =
        text[near.clone()].match_indices(exact).map(|(n, s)| near.start + n..near.start + n + s.len());
    let one = found.find(|r| r.start < place.end && place.start < r.end)?;
    found.all(|r| r.start >= place.end).then_some(one)
}
