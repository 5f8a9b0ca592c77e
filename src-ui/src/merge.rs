//! What two writers made of the same text, brought together: changes that do not touch each other are merged, by lines
//! and where that does not do by words; the others are left to the operator.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::diff::words;

/// Who changed a piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Nobody,
    Mine,
    Theirs,
    /// Both, in the same way or by words that do not touch.
    Both,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Settled { text: String, by: By },
    Conflict { base: String, mine: String, theirs: String },
}

/// Merges two edits of `base`.
pub fn merge(base: &str, mine: &str, theirs: &str) -> Vec<Piece> {
    let (b, m, t) = (lines(base), lines(mine), lines(theirs));
    pieces(&b, &m, &t, Unit::Lines)
        .into_iter()
        .map(|piece| match piece {
            Piece::Conflict { base, mine, theirs } => by_words(base, mine, theirs),
            settled @ Piece::Settled { .. } => settled,
        })
        .collect()
}

/// The merged text, when nothing is left to choose.
pub fn settled(pieces: &[Piece]) -> Option<String> {
    pieces
        .iter()
        .map(|p| match p {
            Piece::Settled { text, .. } => Some(text.as_str()),
            Piece::Conflict { .. } => None,
        })
        .collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn by_words(base: String, mine: String, theirs: String) -> Piece {
    match settled(&pieces(&words(&base), &words(&mine), &words(&theirs), Unit::Words)) {
        Some(text) => Piece::Settled { text, by: By::Both },
        None => Piece::Conflict { base, mine, theirs },
    }
}

/// One change: what it takes the place of, and what it puts there.
struct Change {
    base: Range<usize>,
    new: Range<usize>,
}

fn changes(base: &[&str], new: &[&str]) -> Vec<Change> {
    capture_diff_slices(Algorithm::Myers, base, new)
        .into_iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .map(|op| Change { base: op.old_range(), new: op.new_range() })
        .collect()
}

#[derive(Clone, Copy)]
enum Unit {
    Lines,
    Words,
}

/// Whether two changes cannot both be made without one knowing of the other. Words side by side mean something together.
const fn touch(a: &Range<usize>, b: &Range<usize>, unit: Unit) -> bool {
    if matches!(unit, Unit::Words) {
        return a.start <= b.end && b.start <= a.end;
    }
    let same_point = a.start == a.end && b.start == b.end && a.start == b.start;
    same_point || (a.start < b.end && b.start < a.end)
}

/// What a side made of a stretch of the base: its changes there, and the base between them.
fn side(base: &[&str], new: &[&str], changes: &[Change], over: &Range<usize>) -> String {
    let (mut out, mut at) = (String::new(), over.start);
    for c in changes {
        out.push_str(&base[at..c.base.start].concat());
        out.push_str(&new[c.new.clone()].concat());
        at = c.base.end;
    }
    out.push_str(&base[at..over.end].concat());
    out
}

fn pieces(base: &[&str], mine: &[&str], theirs: &[&str], unit: Unit) -> Vec<Piece> {
    let (m, t) = (changes(base, mine), changes(base, theirs));
    let (mut i, mut j, mut at) = (0, 0, 0);
    let mut out = Vec::new();
    let settle = |out: &mut Vec<Piece>, text: String, by: By| {
        if !text.is_empty() || by != By::Nobody {
            out.push(Piece::Settled { text, by });
        }
    };
    while i < m.len() || j < t.len() {
        // The next change of either side, and all that hang together with it.
        let first_is_mine = match (m.get(i), t.get(j)) {
            (Some(a), Some(b)) => (a.base.start, a.base.end) <= (b.base.start, b.base.end),
            (a, _) => a.is_some(),
        };
        let (from_i, from_j) = (i, j);
        let Some(first) = (if first_is_mine { m.get(i) } else { t.get(j) }) else { break };
        let mut over = first.base.clone();
        if first_is_mine {
            i += 1
        } else {
            j += 1
        }
        loop {
            let mut grown = false;
            for (side, n) in [(&m, &mut i), (&t, &mut j)] {
                while let Some(c) = side.get(*n).filter(|c| touch(&c.base, &over, unit)) {
                    over = over.start.min(c.base.start)..over.end.max(c.base.end);
                    *n += 1;
                    grown = true;
                }
            }
            if !grown {
                break;
            }
        }
        settle(&mut out, base[at..over.start].concat(), By::Nobody);
        let (my, their) = (side(base, mine, &m[from_i..i], &over), side(base, theirs, &t[from_j..j], &over));
        if from_j == j {
            settle(&mut out, my, By::Mine);
        } else if from_i == i {
            settle(&mut out, their, By::Theirs);
        } else if my == their {
            settle(&mut out, my, By::Both);
        } else {
            out.push(Piece::Conflict { base: base[over.clone()].concat(), mine: my, theirs: their });
        }
        at = over.end;
    }
    settle(&mut out, base[at..].concat(), By::Nobody);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "# Plan\n\nFirst measure, then mend.\n\n- one\n- two\n\nThe end.\n";

    fn merged(base: &str, mine: &str, theirs: &str) -> Option<String> {
        settled(&merge(base, mine, theirs))
    }

    #[test]
    fn changes_of_one_side_alone_are_that_sides_text() {
        let other = BASE.replace("two", "2").replace("# Plan", "# The plan") + "More.\n";
        assert_eq!(merged(BASE, &other, BASE).as_deref(), Some(&*other));
        assert_eq!(merged(BASE, BASE, &other).as_deref(), Some(&*other));
        assert_eq!(merged(BASE, &other, &other).as_deref(), Some(&*other));
        assert_eq!(merged("", "mine", ""), Some("mine".into()));
    }

    #[test]
    fn changes_apart_from_each_other_are_both_made() {
        let mine = BASE.replace("- one", "- uno");
        let theirs = BASE.replace("- two", "- due").replace("The end.\n", "");
        let both = mine.replace("- two", "- due").replace("The end.\n", "");
        assert_eq!(merged(BASE, &mine, &theirs), Some(both));
    }

    #[test]
    fn two_edits_of_one_line_are_merged_by_words_or_left_to_choose() {
        let mine = BASE.replace("measure,", "measure twice,");
        let theirs = BASE.replace("mend.", "mend it.");
        assert_eq!(
            merged(BASE, &mine, &theirs),
            Some(BASE.replace("measure, then mend.", "measure twice, then mend it."))
        );
        let theirs = BASE.replace("measure,", "look closely,");
        let pieces = merge(BASE, &mine, &theirs);
        let conflicts: Vec<_> = pieces.iter().filter(|p| matches!(p, Piece::Conflict { .. })).collect();
        let [Piece::Conflict { base, mine, theirs }] = conflicts.as_slice() else { panic!("{pieces:?}") };
        assert_eq!(base, "First measure, then mend.\n");
        assert_eq!(mine, "First measure twice, then mend.\n");
        assert_eq!(theirs, "First look closely, then mend.\n");
    }

    #[test]
    fn two_additions_at_one_place_are_left_to_choose() {
        let pieces = merge("a\n", "a\nmine\n", "a\ntheirs\n");
        assert_eq!(pieces[0], Piece::Settled { text: "a\n".into(), by: By::Nobody });
        assert!(matches!(&pieces[1], Piece::Conflict { base, .. } if base.is_empty()), "{pieces:?}");
    }

    #[test]
    fn nothing_of_either_side_is_lost_in_the_pieces() {
        let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];
        let text = |seed: u32| {
            let mut state = seed;
            let mut out = String::new();
            for n in 0..24 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let word = words[(state >> 16) as usize % words.len()];
                // Mostly the same lines, so that there is something to merge.
                out.push_str(if seed > 1 && state.is_multiple_of(5) { word } else { words[n % 6] });
                out.push('\n');
            }
            out
        };
        for seed in 2..400 {
            let (base, mine, theirs) = (text(0), text(seed), text(seed * 7 + 1));
            let pieces = merge(&base, &mine, &theirs);
            let side = |choose: &dyn Fn(&Piece) -> String| pieces.iter().map(choose).collect::<String>();
            // Where only one side wrote, choosing that side everywhere gives back each of its lines in order.
            let my = side(&|p| match p {
                Piece::Settled { text, by } if *by != By::Theirs => text.clone(),
                Piece::Settled { .. } => String::new(),
                Piece::Conflict { mine, .. } => mine.clone(),
            });
            let mut rest = my.lines();
            let only_mine = mine.lines().filter(|l| !base.contains(l));
            assert!(only_mine.into_iter().all(|l| rest.any(|r| r == l)));
            assert_eq!(merged(&base, &mine, &base), Some(mine.clone()));
        }
    }
}
