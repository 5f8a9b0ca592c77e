//! What holds for anchors as a whole: offsets, selectors of this and other clients, and what a revision does to them.

use contract::annotation::{
    AnchorConfidence as C, AnchorMismatch, AnchorReason as R, AnchorSelector, AnchorState as S,
};
use proptest::prelude::*;

use super::*;

fn text(source: &str) -> String {
    Projection::of(source).text().to_owned()
}

/// The selector of a piece of the Markdown.
fn of(source: &str, piece: &str) -> AnchorSelector {
    let start = source.find(piece).unwrap();
    select_source(&Projection::of(source), start..start + piece.len()).unwrap()
}

fn follow(old: &str, new: &str, selector: &AnchorSelector) -> Outcome {
    let anchor = Anchor { quote: &selector.quote, selector, state: S::Active, confidence: C::Exact };
    remap(old, new, &[anchor]).pop().unwrap()
}

/// What became of a piece of the old text, in short: its state, the reason, and its text now.
fn fate(old: &str, new: &str, piece: &str) -> (S, C, R, String) {
    let outcome = follow(old, new, &of(old, piece));
    let now = outcome.selector.map(|s| s.quote.exact.to_string()).unwrap_or_default();
    (outcome.state, outcome.confidence, outcome.reason, now)
}

#[test]
fn a_reader_sees_no_markers() {
    assert_eq!(
        text("# Title #\n\nSome **bold**, _thin_ and ~~old~~ `co de`.\n"),
        "Title Some bold, thin and old co de."
    );
    assert_eq!(
        text("- [ ] one\n  - two\n\n    more\n1. three\n> > deep\n> quote"),
        "one two more three deep quote"
    );
    assert_eq!(text("[link](http://x.y \"title\") ![pic](a.png) <http://z.a>"), "link pic http://z.a");
    assert_eq!(text("| a | b |\n|:--|---|\n| `x\\|y` | **z** |\n"), "a b x|y z");
    assert_eq!(text("```rust\nlet a =  1;\n\n```\n\n    indented\n"), "let a = 1; indented");
    assert_eq!(text("a &amp; b &lt;c&gt; \\*d\\* &nbsp; e&#x1F600;"), "a & b <c> *d* e😀");
    assert_eq!(text("one\r\ntwo\rthree\r\n\r\nfour  \r\nfive"), "one two three four five");
    assert_eq!(text("<div>\n<b>raw</b>\n</div>\n\nin <i>line</i>"), "<div> <b>raw</b> </div> in <i>line</i>");
    assert_eq!(text("see[^n].\n\n[^n]: The note.\n\n---\n\nend"), "seen. The note. end");
    assert_eq!((text(""), text(" \n\n")), (String::new(), String::new()));
}

#[test]
fn every_word_is_found_in_the_markdown_it_came_from() {
    let source = "## Hé\r\n\r\n- a &amp; **b**c\r\n  > `x  y` 👩‍🚀 שלום\r\n\r\n| t\\|u | v |\r\n|---|---|\r\n| 東京 | [l](u) |\r\n";
    let p = Projection::of(source);
    assert_eq!(p.text(), "Hé a & bc x y 👩‍🚀 שלום t|u v 東京 l");
    let from = |word: &str| {
        let at = p.text().find(word).unwrap();
        &source[p.to_source(at..at + word.len())]
    };
    assert_eq!(
        ["Hé", "&", "bc", "x y", "👩‍🚀", "שלום", "東京", "l"].map(from),
        ["Hé", "&amp;", "b**c", "x  y", "👩‍🚀", "שלום", "東京", "l"]
    );
    let at = source.find("amp").unwrap();
    assert_eq!(&p.text()[p.to_text(at..at + 1)], "&", "any part of an entity is what it stands for");
    assert!(p.to_text(0..2).is_empty(), "a marker is not seen");
}

#[test]
fn a_selector_counts_as_javascript_does() {
    let selector = of("# 😀😀\n\nplain **w😀rd** end", "w😀rd");
    let at = selector.position;
    assert_eq!((at.normalized_start, at.normalized_end), (11, 16));
    assert_eq!((at.markdown_start, at.markdown_end), (16, 21));
    assert_eq!((&*selector.quote.prefix, &*selector.quote.suffix), ("😀😀 plain ", " end"));
}

#[test]
fn a_selection_is_widened_to_what_belongs_together_and_trimmed() {
    let p = Projection::of("say cafe\u{301} 👩‍🚀 now");
    let at = p.text().find("e\u{301}").unwrap();
    assert_eq!(&*select(&p, at..at + 1).unwrap().quote.exact, "e\u{301}");
    let at = p.text().find('🚀').unwrap();
    assert_eq!(&*select(&p, at - 4..at + 4).unwrap().quote.exact, "👩‍🚀");
    assert_eq!(&*select(&p, 3..9).unwrap().quote.exact, "cafe\u{301}");
    assert_eq!(select(&p, 3..4), Err(NoSelector::Empty));
    assert_eq!(select_source(&Projection::of("---"), 0..3), Err(NoSelector::Empty));
    let long = "x".repeat(10_001);
    assert_eq!(select_source(&Projection::of(&long), 0..10_001), Err(NoSelector::TooLong));
}

fn foreign(source: &str, piece: &str, exact: &str) -> AnchorSelector {
    let mut selector = of(source, piece);
    selector.quote.exact = contract::Text::new(exact).unwrap();
    // It counts other characters than this program does.
    selector.position.normalized_start += 7;
    selector.position.normalized_end += 9;
    selector
}

#[test]
fn a_selector_of_another_client_is_taken_where_it_is_clear_what_it_means() {
    let source =
        "- [ ] ship the thing\n\n| name | age |\n|---|---|\n| Ada | 36 |\n\nsay it, say it again, say it\n";
    let p = Projection::of(source);
    let taken = |piece: &str, exact: &str| verify(&p, &foreign(source, piece, exact));
    assert_eq!(taken("ship the thing", "ship the thing"), Ok(of(source, "ship the thing")));
    assert_eq!(taken("Ada | 36", "Ada36"), Ok(of(source, "Ada | 36")), "cells spaced otherwise");
    assert_eq!(
        taken("ship the thing", "[ ] ship the thing"),
        Ok(of(source, "ship the thing")),
        "a box as text"
    );
    assert_eq!(
        taken("ip the thi", "ship the thing"),
        Ok(of(source, "ship the thing")),
        "ends seen otherwise"
    );
    assert_eq!(taken("say it, say it again", "say it"), Err(AnchorMismatch::PositionMismatch), "one of two");
    assert_eq!(taken("ship", "again"), Err(AnchorMismatch::PositionMismatch));
    assert_eq!(taken("ship", "nowhere"), Err(AnchorMismatch::QuoteMismatch));
    let broken = |change: &dyn Fn(&mut AnchorSelector)| {
        let mut selector = of(source, "ship");
        change(&mut selector);
        verify(&p, &selector)
    };
    let range = Err(AnchorMismatch::InvalidRange);
    assert_eq!(broken(&|s| s.position.markdown_end = s.position.markdown_start), range);
    assert_eq!(broken(&|s| s.position.markdown_end = 10_000), range);
    assert_eq!(broken(&|s| s.position.normalized_end = 0), range);
    assert_eq!(
        broken(&|s| (s.position.markdown_start, s.position.markdown_end) = (0, 2)),
        Err(AnchorMismatch::QuoteMismatch)
    );
}

const PLAN: &str = "# Plan\n\nWe ship the new search on Thursday, behind a switch.\n\n- measure the index\n- call both customers\n\nNobody objected to the budget, and the team agreed on the date.\n";

#[test]
fn what_an_edit_leaves_alone_stays_with_its_words() {
    let now = |new: &str, piece: &str| fate(PLAN, new, piece);
    assert_eq!(now(PLAN, "new search").2, R::Unchanged);
    let longer = PLAN.replace("# Plan", "# The whole plan\n\nIn short.");
    assert_eq!(now(&longer, "new search"), (S::Active, C::Exact, R::Shifted, "new search".into()));
    let styled = PLAN.replace("new search", "**new** [search](http://x.y)").replace('\n', "\r\n");
    assert_eq!(now(&styled, "new search on"), (S::Active, C::Exact, R::Unchanged, "new search on".into()));
    let reflowed = PLAN.replace("on Thursday, ", "on\nThursday,\n");
    assert_eq!(now(&reflowed, "search on Thursday, behind").0, S::Active);
}

#[test]
fn what_is_edited_is_stale_and_what_is_moved_is_not() {
    let edited = PLAN.replace("new search on Thursday", "new search on Friday");
    assert_eq!(
        fate(PLAN, &edited, "We ship the new search on Thursday"),
        (S::Stale, C::Fuzzy, R::Edited, "We ship the new search on Friday".into())
    );
    let moved = "# Plan\n\nNobody objected to the budget, and the team agreed on the date.\n\nWe ship the new search on Thursday, behind a switch.\n\n- call both customers\n- measure the index\n";
    for piece in ["the budget", "new search", "measure the index", "call both customers"] {
        let (state, confidence, _, now) = fate(PLAN, moved, piece);
        assert_eq!((state, confidence, now.as_str()), (S::Active, C::Exact, piece));
    }
}

#[test]
fn what_is_deleted_is_orphaned_though_its_words_stand_elsewhere() {
    let old = "the team agreed on the date.\n\nNobody asked for the date.\n\nLater the date was changed.\n";
    let new = "Nobody asked for the date.\n\nLater the date was changed.\n";
    let (state, confidence, reason, _) = fate(old, new, "the date");
    assert_eq!((state, confidence, reason), (S::Orphaned, C::Missing, R::Gone));
    // Not even where the words are new, in other company.
    let other = new.to_owned() + "\nSomebody wrote the date on the wall.\n";
    assert_eq!(fate(old, &other, "the date").0, S::Orphaned);
}

#[test]
fn one_of_several_equal_lines_is_not_guessed_at() {
    let old = "- [ ] TODO\n- [ ] TODO\n- [ ] TODO\n";
    let (state, confidence, reason, now) = fate(old, "- [ ] TODO\n- [ ] TODO\n", "TODO");
    assert_eq!((state, confidence, reason, now.as_str()), (S::Stale, C::Ambiguous, R::SeveralPlaces, "TODO"));
}

/// An anchor as a store keeps it from revision to revision.
struct Kept {
    first: AnchorSelector,
    last: AnchorSelector,
    state: S,
    confidence: C,
}

impl Kept {
    fn new(source: &str, piece: &str) -> Self {
        let first = of(source, piece);
        Self { last: first.clone(), first, state: S::Active, confidence: C::Exact }
    }

    fn save(&mut self, old: &str, new: &str) -> (S, C, R) {
        let (quote, selector) = (&self.first.quote, &self.last);
        let anchor = Anchor { quote, selector, state: self.state, confidence: self.confidence };
        let outcome = remap(old, new, &[anchor]).pop().unwrap();
        (self.state, self.confidence) = (outcome.state, outcome.confidence);
        self.last = outcome.selector.unwrap_or_else(|| self.last.clone());
        (self.state, self.confidence, outcome.reason)
    }
}

#[test]
fn what_is_brought_back_is_attached_again_after_any_number_of_revisions() {
    let without = PLAN.replace("Nobody objected to the budget, and the team agreed on the date.\n", "");
    let more = without.replace("# Plan", "# Plan\n\nAnother budget is a matter for others.");
    let back = more.clone() + "\nNobody objected to the budget, and the team agreed on the date.\n";
    for piece in [
        "objected to the budget",
        "budget",
        "Nobody objected to the budget, and the team agreed on the date.",
    ] {
        let mut kept = Kept::new(PLAN, piece);
        assert_eq!(kept.save(PLAN, &without).0, S::Orphaned);
        assert_eq!(kept.save(&without, &more), (S::Orphaned, C::Missing, R::Gone), "{piece}");
        assert_eq!(kept.save(&more, &more.clone()), (S::Orphaned, C::Missing, R::Gone));
        assert_eq!(kept.save(&more, &back), (S::Active, C::Exact, R::Restored), "{piece}");
    }
}

#[test]
fn an_edit_that_is_taken_back_makes_a_stale_thread_active_again() {
    let edited = PLAN.replace("agreed on the date", "argued about every date");
    let longer = edited.replace("# Plan", "# Plan\n\nIn short.");
    let mut kept = Kept::new(PLAN, "the team agreed on the date");
    assert_eq!(kept.save(PLAN, &edited), (S::Stale, C::Fuzzy, R::Edited));
    assert_eq!(kept.save(&edited, &longer), (S::Stale, C::Fuzzy, R::Shifted));
    assert_eq!(kept.save(&longer, PLAN), (S::Active, C::Exact, R::Restored));
    assert_eq!(kept.last, kept.first);
}

#[test]
fn a_place_that_grows_beyond_what_a_selector_holds_is_cut() {
    let old = format!("begin {} end", "word ".repeat(1_900));
    let new = old.replacen("word", &"other ".repeat(400), 1).replacen("word", &"more ".repeat(400), 2);
    let outcome = follow(&old, &new, &select(&Projection::of(&old), 0..old.len()).unwrap());
    assert_eq!(outcome.state, S::Stale);
    assert!(outcome.selector.unwrap().quote.exact.chars().count() <= 10_000);
}

#[test]
fn documents_that_repeat_themselves_or_vanish_are_seen_to_within_bounds() {
    let a = "a ".repeat(100_000);
    let b = "b a ".repeat(50_000);
    let solid = "x".repeat(200_000);
    for (old, new) in [(&a, &b), (&b, &a), (&a, &solid), (&solid, &a), (&a, &String::new())] {
        let p = Projection::of(old);
        let selectors: Vec<_> =
            (0..50).map(|n| select(&p, n * 900..n * 900 + 1 + n * 150).unwrap()).collect();
        let (state, confidence) = (S::Active, C::Exact);
        let anchors: Vec<_> =
            selectors.iter().map(|s| Anchor { quote: &s.quote, selector: s, state, confidence }).collect();
        let outcomes = remap(old, new, &anchors);
        assert!(outcomes.iter().all(|o| o.state != S::Active), "nothing is taken for certain here");
    }
    assert_eq!(follow(PLAN, "", &of(PLAN, "budget")).state, S::Orphaned);
    assert_eq!(follow(PLAN, "\u{feff}", &of(PLAN, "budget")).state, S::Orphaned);
}

/// Pieces of Markdown, of any script, well formed or not.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,6}( [a-z]{1,6}){0,5}",
        1 => prop::sample::select(vec![
            "\n\n", "\n", "\r\n", "\r", "  \n", "# ", "\n- ", "\n- [x] ", "\n1. ", "> ", "**", "_", "`", "``", "```\n", "~~",
            "[", "](u)", "![", "<b>", "<!-- ", "-->", "\n| ", " | ", " |\n|---|---|\n", "&amp;", "&nbsp;", "&acE;", "\\*",
            "[^1]", "\n[^1]: ", "---", "\t", "    ", "<http://a.b>", "\0", "\u{feff}", "\u{85}",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "😀", "👩‍🚀", "🇯🇵🇪🇪", "e\u{301}", "שלום", "مرحبا", "東京都", "नमस्ते", "ไทย", "한글", "\u{301}", "\u{200d}", "ß",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|p| p.concat())
}

/// Cuts and pastes within a text.
fn edited() -> impl Strategy<Value = (String, String)> {
    (markdown(), markdown(), prop::collection::vec((any::<u16>(), any::<u16>(), 0..3_u8), 0..4)).prop_map(
        |(old, more, edits)| {
            let mut new: Vec<char> = old.chars().collect();
            for (a, b, what) in edits {
                let (a, b) = (usize::from(a) % (new.len() + 1), usize::from(b) % (new.len() + 1));
                let (a, b) = (a.min(b), a.max(b));
                let cut: Vec<char> = if what == 0 { new[a..b].to_vec() } else { new.drain(a..b).collect() };
                let at = if what == 2 { new.len() } else { 0 };
                new.splice(at..at, if what == 1 { more.chars().collect() } else { cut });
            }
            (old, new.into_iter().collect())
        },
    )
}

proptest! {
    #[test]
    fn what_a_reader_sees_leads_to_its_markdown_and_back(source in markdown()) {
        let p = Projection::of(&source);
        prop_assert!(!p.text().starts_with(' ') && !p.text().ends_with(' ') && !p.text().contains("  "));
        let mut last = 0;
        for (at, c) in p.text().char_indices() {
            let range = p.to_source(at..at + c.len_utf8());
            prop_assert!(range.start <= range.end && source.get(range.clone()).is_some());
            prop_assert!(range.end >= last, "places rise");
            last = range.end;
            if c != ' ' {
                let back = p.to_text(range.clone());
                prop_assert!(back.start <= at && at + c.len_utf8() <= back.end, "{:?} {:?} {:?}", c, range, back);
            }
        }
        let words: Vec<_> = p.blocks().collect();
        prop_assert!(words.iter().all(|b| b.start < b.end && p.text().get(b.clone()).is_some()));
    }

    #[test]
    fn a_selector_that_was_made_here_is_accepted_and_stays(source in markdown(), a in any::<u16>(), b in any::<u16>()) {
        let p = Projection::of(&source);
        let len = source.len() + 1;
        let (a, b) = (usize::from(a) % len, usize::from(b) % len);
        if let Ok(selector) = select_source(&p, a.min(b)..a.max(b)) {
            prop_assert_eq!(verify(&p, &selector), Ok(selector.clone()));
            let naive = |text: &str, byte: usize| text[..byte].encode_utf16().count() as u32;
            let text = p.text_bytes(&(selector.position.normalized_start..selector.position.normalized_end));
            prop_assert_eq!(&p.text()[text.clone()], &*selector.quote.exact);
            prop_assert_eq!(naive(p.text(), text.start), selector.position.normalized_start);
            let markdown = p.source_bytes(&(selector.position.markdown_start..selector.position.markdown_end));
            prop_assert_eq!(naive(&source, markdown.end), selector.position.markdown_end);
            let outcome = follow(&source, &source, &selector);
            prop_assert_eq!((outcome.state, outcome.confidence, outcome.reason), (S::Active, C::Exact, R::Unchanged));
            prop_assert_eq!(outcome.selector, Some(selector));
        }
    }

    #[test]
    fn a_place_always_lies_within_the_new_text_and_says_what_stands_there(
        (old, new) in edited(),
        picks in prop::collection::vec((any::<u16>(), any::<u16>(), 0..4_usize), 1..8),
    ) {
        let (p, q) = (Projection::of(&old), Projection::of(&new));
        let selectors: Vec<_> = picks
            .iter()
            .filter_map(|(a, b, n)| {
                let (a, b) = (usize::from(*a) % (old.len() + 1), usize::from(*b) % (old.len() + 1));
                Some((select_source(&p, a.min(b)..a.max(b)).ok()?, S::ALL[n % 3], C::ALL[*n]))
            })
            .collect();
        let anchor = |(s, state, confidence): &'_ (AnchorSelector, S, C)| (s.clone(), *state, *confidence);
        let owned: Vec<_> = selectors.iter().map(anchor).collect();
        let anchors: Vec<_> = owned
            .iter()
            .map(|(s, state, confidence)| Anchor { quote: &s.quote, selector: s, state: *state, confidence: *confidence })
            .collect();
        let outcomes = remap(&old, &new, &anchors);
        prop_assert_eq!(outcomes.len(), anchors.len());
        for outcome in outcomes {
            prop_assert_eq!(outcome.selector.is_none(), outcome.state == S::Orphaned);
            if let Some(selector) = outcome.selector {
                prop_assert_eq!(verify(&q, &selector), Ok(selector));
            }
        }
    }
}
