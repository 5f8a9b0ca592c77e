//! How well threads keep their places: generated edits with known truth, and a real history.
//!
//! `cargo test -p domain --test anchors -- --nocapture` shows the table; `ANCHORS_LIVES=20` looks at twenty times as
//! many documents, `ANCHORS_SEED=500` at others, `ANCHORS_ONLY=plan` at one of them.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that shows what it measures"
)]

mod edits;
mod history;
mod tagged;
mod truth;

use std::collections::BTreeMap;
use std::ops::Range;

use contract::annotation::{AnchorConfidence, AnchorReason, AnchorSelector, AnchorState, TextQuote};
use domain::anchor::{Anchor, Outcome, Projection, remap, select_source};
use edits::{Edit, Editor};
use tagged::{Random, Tagged};
use truth::{Now, Selected, Truth, Verdict};

const DOCUMENTS: &[(&str, &str)] = &[
    ("plan", include_str!("documents/plan.md")),
    ("reference", include_str!("documents/reference.md")),
    ("notes", include_str!("documents/notes.md")),
    ("scripts", include_str!("documents/scripts.md")),
    ("changelog", include_str!("documents/changelog.md")),
    ("readme", include_str!("documents/readme.md")),
];

/// A thread as a store would keep it.
struct Thread {
    kind: &'static str,
    selected: Selected,
    quote: TextQuote,
    selector: AnchorSelector,
    state: AnchorState,
    confidence: AnchorConfidence,
    /// An answer was wrong once, and those that follow from it are not counted again.
    lost: bool,
}

const KINDS: &[&str] = &["word", "phrase", "sentence", "block", "across"];

/// Something that a person might select: from the beginning of a word to the end of one.
fn selection(doc: &Tagged, random: &mut Random) -> Option<(&'static str, Range<usize>)> {
    let seen = doc.visible();
    let kind = *random.one(KINDS)?;
    let blocks = doc.blocks();
    let block = random.one(&blocks)?.clone();
    let letters: Vec<usize> = block.clone().filter(|n| seen[*n]).collect();
    let at = *random.one(&letters)?;
    let starts = |n: usize| seen[n] && (n == 0 || !seen[n - 1]);
    let ends = |n: usize| seen[n] && !seen.get(n + 1).copied().unwrap_or(false);
    let end_of = |n: usize| (n..doc.chars.len()).find(|n| ends(*n));
    let start = (0..=at).rev().find(|n| starts(*n))?;
    let end = match kind {
        "word" => end_of(at)?,
        "phrase" => {
            let mut end = end_of(at)?;
            for _ in 0..2 + random.below(6) {
                end = end_of((end + 1..doc.chars.len()).find(|n| seen[*n])?)?;
            }
            end
        }
        "sentence" => {
            (at..block.end).find(|n| matches!(doc.chars[*n].c, '.' | '?' | '。')).unwrap_or(*letters.last()?)
        }
        "block" => return Some((kind, *letters.first()?..letters.last()? + 1)),
        _ => end_of((end_of(at)? + 60 + random.below(200)).min(doc.chars.len() - 1))?,
    };
    // What a reader does not see is not where a selection ends.
    let end = (start..=end).rev().find(|n| seen[*n])?;
    Some((kind, start..end + 1))
}

fn bytes(text: &str, chars: &Range<usize>) -> Range<usize> {
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    at(chars.start)..at(chars.end)
}

fn threads(doc: &Tagged, random: &mut Random, count: usize) -> Vec<Thread> {
    let text = doc.text();
    let projection = Projection::of(&text);
    let mut out = Vec::new();
    while out.len() < count {
        let Some((kind, range)) = selection(doc, random) else { continue };
        let selector = select_source(&projection, bytes(&text, &range)).expect("something was selected");
        out.push(Thread {
            kind,
            selected: Selected::new(doc, range),
            quote: selector.quote.clone(),
            selector,
            state: AnchorState::Active,
            confidence: AnchorConfidence::Exact,
            lost: false,
        });
    }
    out
}

#[derive(Default)]
struct Count {
    verdicts: BTreeMap<Verdict, usize>,
    existed: usize,
    all: usize,
    states: BTreeMap<(AnchorState, AnchorConfidence), usize>,
}

impl Count {
    fn of(&self, verdict: Verdict) -> usize {
        self.verdicts.get(&verdict).copied().unwrap_or(0)
    }

    /// Percent of what exists that is attached to its place, and percent of all that is attached to another one.
    fn rates(&self) -> (f64, f64) {
        let right = self.of(Verdict::Right) + self.of(Verdict::UnsureRight);
        let share = |n: usize, of: usize| 100.0 * n as f64 / of.max(1) as f64;
        (share(right, self.existed), share(self.of(Verdict::Wrong), self.all))
    }

    fn row(&self, name: &str) -> String {
        let (right, wrong) = self.rates();
        let n = |v| self.of(v);
        format!(
            "{name:<16}{:>7}{:>8}{:>8}{:>8}{:>8}{:>7}{:>7}{:>7}{:>9}{:>7}{right:>9.2}%{wrong:>8.3}%",
            self.all,
            self.existed,
            n(Verdict::Right),
            n(Verdict::UnsureRight),
            n(Verdict::UnsureElsewhere),
            n(Verdict::Loose),
            n(Verdict::Missed),
            n(Verdict::RightlyGone),
            n(Verdict::Followed),
            n(Verdict::Wrong),
        )
    }
}

const HEAD: &str = "                 checks  exists   right  unsure  unsure  loose missed  right   followed  wrong  right of   wrong
                                               there  elsewhere              gone                    exists  of all";

#[derive(Default)]
struct Report {
    total: Count,
    parts: BTreeMap<String, Count>,
}

impl Report {
    fn add(
        &mut self,
        parts: &[String],
        truth: &Truth,
        verdict: Verdict,
        state: (AnchorState, AnchorConfidence),
    ) {
        let count = |c: &mut Count| {
            *c.verdicts.entry(verdict).or_default() += 1;
            *c.states.entry(state).or_default() += 1;
            c.all += 1;
            c.existed += usize::from(matches!(truth, Truth::Intact(_) | Truth::Edited(_)));
        };
        count(&mut self.total);
        parts.iter().for_each(|p| count(self.parts.entry(p.clone()).or_default()));
    }

    fn print(&self) {
        println!("{HEAD}");
        self.parts.iter().for_each(|(name, c)| println!("{}", c.row(name)));
        println!("{}", self.total.row("all"));
        for ((state, confidence), n) in &self.total.states {
            println!("  {state}/{confidence}: {n}");
        }
    }
}

/// What is shown, for whoever works on the rules: `ANCHORS_SHOW=wrong,missed`.
fn shown(verdict: Verdict) -> bool {
    let wanted = std::env::var("ANCHORS_SHOW").unwrap_or_default();
    wanted.split(',').any(|w| w.eq_ignore_ascii_case(&format!("{verdict:?}")))
}

/// One document through several revisions of one or more edits each.
struct Life<'r> {
    name: &'static str,
    seed: u64,
    /// The kind of all its edits, if they are of one.
    fixed: Option<Edit>,
    report: &'r mut Report,
}

impl Life<'_> {
    fn run(&mut self, text: &str) {
        let mut random = Random::new(self.seed);
        let mut doc = Tagged::new(text);
        let mut bin = Vec::new();
        let mut threads = threads(&doc, &mut random, 60);
        for revision in 0..5 {
            let old = doc.text();
            let count = if self.fixed.is_some() { 1 } else { 1 + random.below(5) };
            for _ in 0..count {
                let edit = match self.fixed {
                    // Only what was taken away can be brought back.
                    Some(Edit::BringBack) if revision % 2 == 0 => Edit::DeleteBlock,
                    Some(edit) => edit,
                    None => Edit::ALL[random.below(Edit::ALL.len())],
                };
                Editor { doc: &mut doc, bin: &mut bin, random: &mut random }.apply(edit);
            }
            self.save(&old, &doc, &mut threads);
        }
    }

    fn save(&mut self, old: &str, doc: &Tagged, threads: &mut [Thread]) {
        let now = Now::new(doc);
        let anchors: Vec<Anchor<'_>> = threads
            .iter()
            .map(|t| Anchor {
                quote: &t.quote,
                selector: &t.selector,
                state: t.state,
                confidence: t.confidence,
            })
            .collect();
        let outcomes = remap(old, &doc.text(), &anchors);
        assert_eq!(outcomes.len(), threads.len(), "no thread is lost");
        for (thread, outcome) in threads.iter_mut().zip(outcomes) {
            let truth = thread.selected.truth(&now);
            let verdict = thread.selected.judge(&now, &truth, &outcome);
            if !thread.lost {
                self.count(thread, &truth, verdict, &outcome);
            }
            thread.lost |= verdict == Verdict::Wrong;
            (thread.state, thread.confidence) = (outcome.state, outcome.confidence);
            if let Some(selector) = outcome.selector {
                thread.selector = selector;
            }
        }
    }

    fn count(&mut self, thread: &Thread, truth: &Truth, verdict: Verdict, outcome: &Outcome) {
        let edit = self.fixed.map_or_else(|| "any".to_owned(), |e| format!("{e:?}"));
        let mut parts = vec![format!("1 {}", self.name), format!("2 {}", thread.kind), format!("3 {edit}")];
        // What no edit came near is no proof of anything.
        if !matches!(outcome.reason, AnchorReason::Unchanged | AnchorReason::Shifted) {
            parts.push("4 touched".to_owned());
        }
        self.report.add(&parts, truth, verdict, (outcome.state, outcome.confidence));
        if shown(verdict) {
            println!(
                "--- {verdict:?} {} seed {} {edit}: {truth:?}\nwas {:?}",
                self.name, self.seed, thread.selector
            );
            println!("is {outcome:?}");
        }
    }
}

#[test]
fn threads_keep_their_places_through_realistic_edits() {
    let lives = std::env::var("ANCHORS_LIVES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_u64);
    let first = std::env::var("ANCHORS_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1_u64);
    let mut report = Report::default();
    let only = std::env::var("ANCHORS_ONLY").unwrap_or_default();
    for (n, (name, text)) in DOCUMENTS.iter().enumerate().filter(|(_, d)| only.is_empty() || d.0 == only) {
        for seed in first..first + lives {
            for (k, edit) in Edit::ALL.iter().enumerate() {
                let seed = seed * 1000 + k as u64 * 10 + n as u64;
                Life { name, seed, fixed: Some(*edit), report: &mut report }.run(text);
            }
        }
        for seed in first..first + lives * 10 {
            let seed = 1_000_000 + seed * 10 + n as u64;
            Life { name, seed, fixed: None, report: &mut report }.run(text);
        }
    }
    report.print();
    let (right, wrong) = report.total.rates();
    assert!(right >= 99.0, "{right:.2}% of what exists is attached to its place");
    let certain = 100.0 * report.total.of(Verdict::Right) as f64 / report.total.existed as f64;
    assert!(certain >= 99.0, "{certain:.2}% of what exists is attached to its place without a doubt");
    assert!(wrong < 0.1, "{wrong:.3}% of all is attached to something else");
}
