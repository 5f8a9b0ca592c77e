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
    let chars: Vec<char> = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let lower: Vec<char> = chars.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let find = |from: usize, to: usize, word: &[char]| {
        (from..to.saturating_sub(word.len().saturating_sub(1))).find(|at| lower[*at..].starts_with(word))
    };
    let words: Vec<Vec<char>> = words
        .iter()
        .map(|w| w.to_lowercase().chars().collect())
        .filter(|w: &Vec<char>| !w.is_empty())
        .collect();
    let first = words.iter().filter_map(|w| find(0, chars.len(), w)).min().unwrap_or(0);
    let start = first.saturating_sub(width / 4);
    let end = (start + width).min(chars.len());
    let cut_before = start > 0;
    let mut marks = Vec::new();
    for word in &words {
        let mut at = start;
        while let Some(hit) = find(at, end, word) {
            let shift = usize::from(cut_before);
            let pos = |n: usize| u32::try_from(n - start + shift).unwrap_or(u32::MAX);
            marks.push((pos(hit), pos(hit + word.len())));
            at = hit + word.len();
        }
    }
    marks.sort_unstable();
    let mut out = String::new();
    if cut_before {
        out.push('…');
    }
    out.extend(&chars[start..end]);
    if end < chars.len() {
        out.push('…');
    }
    (out, marks)
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

    proptest! {
        #[test]
        fn marks_always_lie_within_the_snippet(text in ".{0,300}", word in "\\w{1,5}", width in 1..120usize) {
            let (s, marks) = snippet(&text, &[word], width);
            let len = s.chars().count() as u32;
            prop_assert!(marks.iter().all(|(a, b)| a < b && *b <= len));
        }
    }
}
