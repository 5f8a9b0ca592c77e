//! A real history: the README of this program in its first ten revisions.
//!
//! Here the truth comes from the texts: a sentence that stands once in each of two revisions, letter by letter, is the
//! same sentence. One that has gone from the text, and of which not even half the words stand together anywhere, is gone.

use contract::annotation::{AnchorConfidence, AnchorState};
use domain::anchor::{Anchor, Projection, remap, select_source};

const REVISIONS: [&str; 10] = [
    include_str!("readme/01.md"),
    include_str!("readme/02.md"),
    include_str!("readme/03.md"),
    include_str!("readme/04.md"),
    include_str!("readme/05.md"),
    include_str!("readme/06.md"),
    include_str!("readme/07.md"),
    include_str!("readme/08.md"),
    include_str!("readme/09.md"),
    include_str!("readme/10.md"),
];

/// Sentences, lines of code and items that stand once in a text.
fn sentences(text: &str) -> Vec<&str> {
    let pieces = text.lines().flat_map(|l| l.split_inclusive(". "));
    let trimmed = pieces.map(|p| p.trim_matches(|c: char| !c.is_alphanumeric()));
    // Where a link leads is not seen, so it is not selected.
    trimmed.filter(|s| !s.contains("](") && s.chars().count() >= 12 && text.matches(s).count() == 1).collect()
}

/// The most words in a row of a sentence that stand in a text, as a share of all.
fn remains(sentence: &str, text: &str) -> f64 {
    let words: Vec<&str> = sentence.split(' ').collect();
    let longest = (0..words.len())
        .flat_map(|a| (a + 1..=words.len()).map(move |b| (a, b)))
        .filter(|(a, b)| text.contains(&words[*a..*b].join(" ")))
        .map(|(a, b)| b - a);
    longest.max().unwrap_or(0) as f64 / words.len() as f64
}

#[test]
fn threads_keep_their_places_through_the_history_of_a_readme() {
    let (mut right, mut missed, mut wrong, mut gone, mut all) = (0, 0, 0, 0, 0);
    // Every revision to every later one, and back: an older text restored is an edit too.
    for (n, old) in REVISIONS.iter().enumerate() {
        let p = Projection::of(old);
        let sentences = sentences(old);
        let selectors: Vec<_> = sentences
            .iter()
            .map(|s| {
                let at = old.find(s).unwrap();
                select_source(&p, at..at + s.len()).unwrap()
            })
            .collect();
        let (state, confidence) = (AnchorState::Active, AnchorConfidence::Exact);
        let anchors: Vec<_> =
            selectors.iter().map(|s| Anchor { quote: &s.quote, selector: s, state, confidence }).collect();
        for new in REVISIONS.iter().enumerate().filter(|(k, _)| *k != n).map(|(_, new)| new) {
            let q = Projection::of(new);
            for (sentence, outcome) in sentences.iter().zip(remap(old, new, &anchors)) {
                all += 1;
                let at = outcome
                    .selector
                    .map(|s| q.source_bytes(&(s.position.markdown_start..s.position.markdown_end)));
                if new.matches(sentence).count() == 1 {
                    let start = new.find(sentence).unwrap();
                    let truth = start..start + sentence.len();
                    match at {
                        Some(at) if at == truth => right += 1,
                        Some(at) if at.start < truth.end && truth.start < at.end => {
                            missed += 1;
                            println!("{sentence:?} is only {:?}", &new[at]);
                        }
                        Some(at) => {
                            wrong += 1;
                            println!("{sentence:?} is taken for {:?}", &new[at]);
                        }
                        None => {
                            missed += 1;
                            println!("{sentence:?} is not found");
                        }
                    }
                } else if remains(sentence, new) < 0.3 {
                    gone += 1;
                    if let Some(at) = at.filter(|_| outcome.confidence != AnchorConfidence::Ambiguous) {
                        wrong += 1;
                        println!("{sentence:?} is taken for {:?}", &new[at]);
                    }
                }
            }
        }
    }
    println!("of {all}: {right} right, {missed} missed, {gone} gone, {wrong} wrong");
    assert!(right > 3000, "the history has many sentences that stay");
    assert!(right * 1000 >= (right + missed + wrong) * 995);
    assert_eq!(wrong, 0);
}
