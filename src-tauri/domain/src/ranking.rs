//! Ranking of what a search found.

/// Points for where the words stood. A title says most, a comment least.
pub fn field_weight(field: &str) -> f64 {
    match field {
        "identifier" => 100.0,
        "title" => 10.0,
        "document" => 4.0,
        "description" => 3.0,
        _ => 2.0,
    }
}

/// A piece of text around the first match, with where each word stands in it (in characters).
pub fn snippet(text: &str, words: &[String], width: usize) -> (String, Vec<(u32, u32)>) {
    let words: Vec<Vec<char>> =
        words.iter().map(|w| w.chars().map(lower).collect()).filter(|w: &Vec<char>| !w.is_empty()).collect();
    let start = first_match(text, &words).saturating_sub(width / 4);
    // Only this piece is looked at further; a text may be long.
    let mut rest = text.chars().skip(start).map(|c| if c.is_whitespace() { ' ' } else { c });
    let piece: Vec<char> = rest.by_ref().take(width).collect();
    let (cut_before, cut_after) = (start > 0, rest.next().is_some());
    let low: Vec<char> = piece.iter().copied().map(lower).collect();
    let shift = usize::from(cut_before);
    let pos = |n: usize| u32::try_from(n + shift).unwrap_or(u32::MAX);
    let mut marks = Vec::new();
    for word in &words {
        let mut at = 0;
        while let Some(hit) = (at..low.len()).find(|n| low[*n..].starts_with(word)) {
            marks.push((pos(hit), pos(hit + word.len())));
            at = hit + word.len();
        }
    }
    marks.sort_unstable();
    let mut out = String::with_capacity(width + 8);
    if cut_before {
        out.push('…');
    }
    out.extend(&piece);
    if cut_after {
        out.push('…');
    }
    (out, marks)
}

/// One character for one, so that places in a text stay what they are.
fn lower(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

/// The character at which the first of the words begins, or the beginning.
fn first_match(text: &str, words: &[Vec<char>]) -> usize {
    let begins = |rest: &str, word: &[char]| {
        let mut chars = rest.chars().map(lower);
        word.iter().all(|w| chars.next() == Some(*w))
    };
    text.char_indices()
        .position(|(at, c)| {
            let c = lower(c);
            words.iter().any(|w| w.first() == Some(&c) && begins(&text[at..], w))
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_point_at_the_words() {
        let (text, marks) = snippet("The Login page breaks the login flow", &["login".into()], 80);
        let found: Vec<String> = marks
            .iter()
            .map(|(a, b)| text.chars().skip(*a as usize).take((b - a) as usize).collect())
            .collect();
        assert_eq!(found, ["Login", "login"]);
    }

    #[test]
    fn a_piece_is_cut_around_the_first_word_that_is_found() {
        let text = format!("{} Überfällig ist\ndie Rechnung {}", "a ".repeat(100), "z".repeat(300));
        let (piece, marks) = snippet(&text, &["RECHNUNG".into(), "überfällig".into()], 80);
        assert!(piece.starts_with('…') && piece.ends_with('…'), "{piece}");
        assert_eq!(piece.chars().count(), 82);
        let found: Vec<String> = marks
            .iter()
            .map(|(a, b)| piece.chars().skip(*a as usize).take((b - a) as usize).collect())
            .collect();
        assert_eq!(found, ["Überfällig", "Rechnung"]);
        assert_eq!(snippet("short", &["x".into()], 80), ("short".to_owned(), vec![]));
    }

    proptest! {
        #[test]
        fn marks_always_lie_within_the_snippet(text in ".{0,300}", word in "\\w{1,5}", width in 1..120usize) {
            let (s, marks) = snippet(&text, &[word], width);
            let len = s.chars().count() as u32;
            prop_assert!(marks.iter().all(|(a, b)| a < b && *b <= len));
        }
    }
}
