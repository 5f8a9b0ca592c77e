//! Two revisions of a text beside each other: by lines, and by words where a line was edited.

use similar::{Algorithm, DiffOp, capture_diff_slices};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Same,
    Removed,
    Added,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub mark: Mark,
    pub text: String,
}

/// A line of either revision, or one of both. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Same {
        old: usize,
        new: usize,
        text: String,
    },
    Removed {
        old: usize,
        text: String,
    },
    Added {
        new: usize,
        text: String,
    },
    /// The same line, edited.
    Edited {
        old: usize,
        new: usize,
        runs: Vec<Run>,
    },
}

impl Row {
    pub const fn is_same(&self) -> bool {
        matches!(self, Self::Same { .. })
    }
}

/// Lines of which less than this share is common are not one line that was edited.
const KIN: f32 = 0.3;
/// Hunks with more pairs of lines than this are paired in their order alone.
const MOST_PAIRS: usize = 2_500;

/// The lines of a text, without what ends them.
fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// Words, runs of white space, and each other character.
pub fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind =
            |c: char| if c.is_alphanumeric() || c == '_' { 1 } else { u8::from(c.is_whitespace()) * 2 };
        let len = match kind(first) {
            0 => first.len_utf8(),
            k => rest.find(|c| kind(c) != k).unwrap_or(rest.len()),
        };
        out.push(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

pub fn rows(old: &str, new: &str) -> Vec<Row> {
    let (old, new) = (lines(old), lines(new));
    let mut out = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (of, nf) = (op.old_range(), op.new_range());
        if let DiffOp::Equal { .. } = op {
            out.extend(of.zip(nf).map(|(o, n)| Row::Same {
                old: o + 1,
                new: n + 1,
                text: new[n].to_owned(),
            }));
        } else {
            hunk(&old[of.clone()], of.start, &new[nf.clone()], nf.start, &mut out);
        }
    }
    out
}

/// Lines that gave way to others: those that are alike are one line that was edited.
fn hunk(old: &[&str], old_at: usize, new: &[&str], new_at: usize, out: &mut Vec<Row>) {
    let removed = |n: usize| Row::Removed { old: old_at + n + 1, text: old[n].to_owned() };
    let added = |n: usize| Row::Added { new: new_at + n + 1, text: new[n].to_owned() };
    let (mut o, mut n) = (0, 0);
    for (a, b) in pairs(old, new) {
        out.extend((o..a).map(removed));
        out.extend((n..b).map(added));
        let runs = edited(old[a], new[b]);
        out.push(Row::Edited { old: old_at + a + 1, new: new_at + b + 1, runs });
        (o, n) = (a + 1, b + 1);
    }
    out.extend((o..old.len()).map(removed));
    out.extend((n..new.len()).map(added));
}

/// Which lines of a hunk belong together, in order, so that the most is common.
fn pairs(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    if old.len() * new.len() > MOST_PAIRS {
        return (0..old.len().min(new.len()))
            .filter(|n| likeness(old[*n], new[*n]) >= KIN)
            .map(|n| (n, n))
            .collect();
    }
    let width = new.len() + 1;
    let mut best = vec![0.0_f32; (old.len() + 1) * width];
    let mut alike = vec![0.0_f32; old.len() * new.len()];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            let l = likeness(old[a], new[b]);
            alike[a * new.len() + b] = l;
            let paired = if l >= KIN { l + best[(a + 1) * width + b + 1] } else { 0.0 };
            best[a * width + b] = paired.max(best[(a + 1) * width + b]).max(best[a * width + b + 1]);
        }
    }
    let (mut a, mut b, mut out) = (0, 0, Vec::new());
    while a < old.len() && b < new.len() {
        let l = alike[a * new.len() + b];
        let here = best[a * width + b];
        if l >= KIN && here <= l + best[(a + 1) * width + b + 1] {
            out.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if here <= best[(a + 1) * width + b] {
            a += 1;
        } else {
            b += 1;
        }
    }
    out
}

/// The share of two lines' words that both have, from 0 to 1. White space does not count.
fn likeness(a: &str, b: &str) -> f32 {
    let bag = |text: &str| {
        let mut all: Vec<String> =
            words(text).into_iter().filter(|w| !w.trim().is_empty()).map(str::to_lowercase).collect();
        all.sort_unstable();
        all
    };
    let (a, b) = (bag(a), bag(b));
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, common) = (i + 1, j + 1, common + 1),
        }
    }
    let all = a.len() + b.len();
    if all == 0 { 0.0 } else { 2.0 * common as f32 / all as f32 }
}

/// What was done to a line, by words.
pub fn edited(old: &str, new: &str) -> Vec<Run> {
    let (old, new) = (words(old), words(new));
    let mut out: Vec<Run> = Vec::new();
    let mut put = |mark: Mark, text: String| match out.last_mut() {
        Some(last) if last.mark == mark => last.text.push_str(&text),
        _ if text.is_empty() => {}
        _ => out.push(Run { mark, text }),
    };
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    let (mut gone, mut come) = (String::new(), String::new());
    for (n, op) in ops.iter().enumerate() {
        let (o, w) = (old[op.old_range()].concat(), new[op.new_range()].concat());
        let between = n > 0 && n + 1 < ops.len();
        match op {
            // A space alone between two changed words would cut one change into many.
            DiffOp::Equal { .. } if between && o.trim().is_empty() => {
                gone.push_str(&o);
                come.push_str(&w);
            }
            DiffOp::Equal { .. } => {
                put(Mark::Removed, std::mem::take(&mut gone));
                put(Mark::Added, std::mem::take(&mut come));
                put(Mark::Same, o);
            }
            _ => {
                gone.push_str(&o);
                come.push_str(&w);
            }
        }
    }
    put(Mark::Removed, gone);
    put(Mark::Added, come);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(rows: &[Row]) -> (String, String) {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for row in rows {
            match row {
                Row::Same { text, .. } => {
                    old.push(text.clone());
                    new.push(text.clone());
                }
                Row::Removed { text, .. } => old.push(text.clone()),
                Row::Added { text, .. } => new.push(text.clone()),
                Row::Edited { runs, .. } => {
                    let side = |not: Mark| {
                        runs.iter().filter(|r| r.mark != not).map(|r| r.text.as_str()).collect::<String>()
                    };
                    old.push(side(Mark::Added));
                    new.push(side(Mark::Removed));
                }
            }
        }
        (old.join("\n"), new.join("\n"))
    }

    #[test]
    fn both_sides_can_be_read_off_the_rows() {
        let texts = [
            "",
            "a",
            "# Plan\n\nFirst measure, then mend.\n\n- one\n- two",
            "# Plan\n\nA new beginning.\n\nFirst measure twice, then mend it.\n\n- two\n- three",
            "wholly\nother\nlines",
            "Ein Satz mit Umlauten: äöü 😀.\nUnd noch einer.",
        ];
        for old in texts {
            for new in texts {
                let rows = rows(old, new);
                assert_eq!(sides(&rows), (old.to_owned(), new.to_owned()), "{rows:?}");
                assert_eq!(rows.iter().all(Row::is_same), old == new);
            }
        }
    }

    #[test]
    fn an_edited_line_is_found_beside_a_new_one_and_told_by_words() {
        let rows =
            rows("keep\nFirst measure, then mend.", "keep\nSomething else\nFirst measure twice, then mend.");
        assert!(matches!(&rows[1], Row::Added { new: 2, .. }), "{rows:?}");
        let Row::Edited { old: 2, new: 3, runs } = &rows[2] else { panic!("{rows:?}") };
        let changed: Vec<_> = runs.iter().filter(|r| r.mark != Mark::Same).collect();
        assert_eq!(changed.len(), 1);
        assert_eq!((changed[0].mark, changed[0].text.trim()), (Mark::Added, "twice"));
    }

    #[test]
    fn words_that_changed_side_by_side_are_one_change() {
        let runs = edited("the quick brown fox", "the slow red fox");
        let told: Vec<_> = runs.iter().map(|r| (r.mark, r.text.as_str())).collect();
        assert_eq!(
            told,
            [
                (Mark::Same, "the "),
                (Mark::Removed, "quick brown"),
                (Mark::Added, "slow red"),
                (Mark::Same, " fox")
            ]
        );
    }
}
