//! Offsets as JavaScript counts them.

/// One entry of the table stands for so many bytes.
const STEP: usize = 256;

/// Translates between bytes of a text and UTF-16 code units, in time that does not grow with the text.
#[derive(Debug, Default)]
pub(super) struct Utf16 {
    /// Code units before each step; empty when the text is ASCII and both counts are the same.
    before: Vec<u32>,
    /// Code units of the whole text.
    len: u32,
}

/// Code units of the characters that begin in these bytes.
fn units(bytes: &[u8]) -> u32 {
    let count: usize = bytes.iter().map(|b| usize::from((*b & 0xC0) != 0x80) + usize::from(*b >= 0xF0)).sum();
    narrow(count)
}

/// Texts are far below four gigabytes; one that is not has its end here.
pub(super) fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Utf16 {
    pub(super) fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self { before: Vec::new(), len: narrow(text.len()) };
        }
        let mut sum = 0;
        let mut before = Vec::with_capacity(text.len() / STEP + 1);
        for step in text.as_bytes().chunks(STEP) {
            before.push(sum);
            sum += units(step);
        }
        Self { before, len: sum }
    }

    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    /// The offset of a byte at which a character begins, or of the end.
    pub(super) fn of_byte(&self, text: &str, byte: usize) -> u32 {
        let byte = byte.min(text.len());
        let step = byte / STEP;
        match self.before.get(step) {
            Some(before) => before + units(&text.as_bytes()[step * STEP..byte]),
            None if self.before.is_empty() => narrow(byte),
            None => self.len,
        }
    }

    /// The byte at an offset. Within a surrogate pair it is where the pair begins, beyond the end it is the end.
    pub(super) fn to_byte(&self, text: &str, offset: u32) -> usize {
        if offset >= self.len {
            return text.len();
        }
        if self.before.is_empty() {
            return offset as usize;
        }
        let step = self.before.partition_point(|before| *before <= offset).saturating_sub(1);
        let mut at = step * STEP;
        while !text.is_char_boundary(at) {
            at += 1;
        }
        let mut left = offset - self.before.get(step).copied().unwrap_or(0);
        for c in text[at..].chars() {
            let units = narrow(c.len_utf16());
            if units > left {
                break;
            }
            left -= units;
            at += c.len_utf8();
        }
        at
    }

    /// Like [`Self::to_byte`], but within a surrogate pair it is where the pair ends.
    pub(super) fn to_byte_end(&self, text: &str, offset: u32) -> usize {
        let at = self.to_byte(text, offset);
        if self.of_byte(text, at) >= offset.min(self.len) {
            return at;
        }
        at + text[at..].chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn offsets_are_those_of_a_plain_count(text in "[a-z😀é漢\u{301} ]{0,700}") {
            let table = Utf16::of(&text);
            let mut units = 0;
            for (at, c) in text.char_indices() {
                prop_assert_eq!(table.of_byte(&text, at), units);
                prop_assert_eq!(table.to_byte(&text, units), at);
                prop_assert_eq!(table.to_byte_end(&text, units), at);
                if c.len_utf16() == 2 {
                    prop_assert_eq!(table.to_byte(&text, units + 1), at);
                    prop_assert_eq!(table.to_byte_end(&text, units + 1), at + c.len_utf8());
                }
                units += c.len_utf16() as u32;
            }
            prop_assert_eq!(table.len(), units);
            prop_assert_eq!(table.of_byte(&text, text.len()), units);
            prop_assert_eq!(table.to_byte(&text, units), text.len());
            prop_assert_eq!(table.to_byte(&text, u32::MAX), text.len());
        }
    }
}
