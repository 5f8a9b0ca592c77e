//! Words, as the unit in which edits are seen.

use std::ops::Range;

use super::projection::is_space;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Space,
    /// A letter or a digit of a script that parts words by spaces.
    Letter,
    /// A word of its own: a punctuation mark, a symbol, a letter of a script that does not part words.
    Alone,
    /// Belongs to what stands before it: accents, joiners, variants of emoji.
    Joined,
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => Class::Letter,
        c if is_space(c) => Class::Space,
        '\0'..='\x7f' => Class::Alone,
        '\u{300}'..='\u{36f}'
        | '\u{200c}'..='\u{200d}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0100}'..='\u{e01ef}' => Class::Joined,
        // Thai, Lao, Burmese and Khmer; punctuation and symbols; ideographs and kana; full-width forms; emoji.
        '\u{a1}'..='\u{bf}'
        | '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{2000}'..='\u{2bff}'
        | '\u{2e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}'
        | '\u{1f000}'..='\u{3ffff}' => Class::Alone,
        _ => Class::Letter,
    }
}

/// Whether a word of several characters goes on from one character to the next.
pub(super) fn goes_on(before: Option<char>, after: Option<char>) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| class(c) == Class::Letter);
    letter(before) && letter(after)
}

/// The words of a text, as byte ranges shifted by an offset.
pub(super) fn words(text: &str, offset: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = loop {
            let (at, c) = chars.next()?;
            let class = class(c);
            if class != Class::Space {
                break (at, class);
            }
        };
        while let Some((at, c)) = chars.peek() {
            match (first, class(*c)) {
                (_, Class::Joined) | (Class::Letter | Class::Joined, Class::Letter) => chars.next(),
                _ => return Some(offset + start..offset + at),
            };
        }
        Some(offset + start..offset + text.len())
    })
}

/// How much a word says when it is found again: little for a comma or an article, more for a long word.
pub(super) fn weight(word: &str) -> u32 {
    let Some(first) = word.chars().next() else { return 0 };
    match class(first) {
        Class::Alone if first.is_alphabetic() => 4,
        Class::Alone | Class::Space => 1,
        _ => match word.len() {
            0..=2 => 2,
            3 => 3,
            n => u32::try_from(n).unwrap_or(u32::MAX).min(16),
        },
    }
}

/// The weight of a whole text.
pub(super) fn weight_of(text: &str) -> u32 {
    words(text, 0).fold(0, |sum: u32, w| sum.saturating_add(weight(&text[w])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        words(text, 0).map(|r| &text[r]).collect()
    }

    #[test]
    fn words_are_parted_as_each_script_does_it() {
        assert_eq!(
            split("The cat's  snake_case, 3.5%"),
            ["The", "cat", "'", "s", "snake_case", ",", "3", ".", "5", "%"]
        );
        assert_eq!(split("cafe\u{301} été שלום עולם"), ["cafe\u{301}", "été", "שלום", "עולם"]);
        assert_eq!(split("東京 café"), ["東", "京", "café"]);
        assert_eq!(split("👩\u{200d}🚀👍\u{1f3fd}"), ["👩\u{200d}", "🚀", "👍\u{1f3fd}"]);
        assert_eq!(split(" \u{feff}\n"), [""; 0]);
    }
}
