//! Keeps a Rust string in step with a text that is edited elsewhere and counted in UTF-16 units.

/// A place that is known in both counts. Typing goes on where it last was, so that hardly anything is ever counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mirror {
    units: usize,
    bytes: usize,
}

/// A change that does not fit the text: the two have come apart.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfStep;

impl Mirror {
    /// Replaces the range `from..to`, in UTF-16 units.
    pub fn splice(
        &mut self,
        text: &mut String,
        from: usize,
        to: usize,
        insert: &str,
    ) -> Result<(), OutOfStep> {
        // An earlier text may have been another one.
        if !text.is_char_boundary(self.bytes) {
            *self = Self::default();
        }
        let start = self.seek(text, from)?;
        let end = if to == from { start } else { Self { units: from, bytes: start }.seek(text, to)? };
        if start > end {
            return Err(OutOfStep);
        }
        text.replace_range(start..end, insert);
        *self = Self { units: from, bytes: start };
        Ok(())
    }

    /// The byte at which a unit begins.
    fn seek(&mut self, text: &str, units: usize) -> Result<usize, OutOfStep> {
        if units < self.units / 2 {
            *self = Self::default();
        }
        while self.units < units {
            let c = text[self.bytes..].chars().next().ok_or(OutOfStep)?;
            self.units += c.len_utf16();
            self.bytes += c.len_utf8();
        }
        while self.units > units {
            let c = text[..self.bytes].chars().next_back().ok_or(OutOfStep)?;
            self.units -= c.len_utf16();
            self.bytes -= c.len_utf8();
        }
        // Half a character is nobody's offset.
        if self.units == units { Ok(self.bytes) } else { Err(OutOfStep) }
    }

    /// Forgets the place: the text is another one now.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// The source after a plain text field was typed in. Such a field knows only `\n`; what was not touched keeps the line
/// endings that it had.
pub fn retype(source: &str, typed: &str) -> String {
    if !source.contains('\r') {
        return typed.to_owned();
    }
    // Each character as the field shows it, with the bytes of the source that it stands for.
    let mut shown: Vec<(char, usize, usize)> = Vec::with_capacity(source.len());
    let mut rest = source.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let end = match (c, rest.peek()) {
            ('\r', Some((_, '\n'))) => {
                rest.next();
                at + 2
            }
            _ => at + c.len_utf8(),
        };
        shown.push((if c == '\r' { '\n' } else { c }, at, end));
    }
    let new: Vec<char> = typed.chars().collect();
    let shorter = shown.len().min(new.len());
    let head = (0..shorter).take_while(|n| shown[*n].0 == new[*n]).count();
    let tail =
        (0..shorter - head).take_while(|n| shown[shown.len() - 1 - n].0 == new[new.len() - 1 - n]).count();
    let ending = if source.contains("\r\n") { "\r\n" } else { "\r" };
    let mut out = source[..shown.get(head).map_or(source.len(), |s| s.1)].to_owned();
    for c in &new[head..new.len() - tail] {
        match c {
            '\n' => out.push_str(ending),
            c => out.push(*c),
        }
    }
    if tail > 0 {
        out.push_str(&source[shown[shown.len() - tail].1..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_counted_in_utf16_reach_the_right_bytes() {
        let mut text = "aä😀b\r\nz".to_owned();
        let mut mirror = Mirror::default();
        mirror.splice(&mut text, 4, 5, "B!").unwrap();
        assert_eq!(text, "aä😀B!\r\nz");
        mirror.splice(&mut text, 2, 4, "").unwrap();
        assert_eq!(text, "aäB!\r\nz");
        mirror.splice(&mut text, 7, 7, "漢").unwrap();
        assert_eq!(text, "aäB!\r\nz漢");
        mirror.splice(&mut text, 0, 8, "x").unwrap();
        assert_eq!(text, "x");
    }

    #[test]
    fn a_change_that_does_not_fit_changes_nothing() {
        let mut text = "a😀".to_owned();
        for (from, to) in [(2, 3), (0, 2), (4, 4), (3, 9), (3, 1)] {
            assert_eq!(Mirror::default().splice(&mut text, from, to, "x"), Err(OutOfStep), "{from}..{to}");
        }
        assert_eq!(text, "a😀");
    }

    #[test]
    fn a_mirror_of_another_text_finds_its_place_again() {
        let mut mirror = Mirror::default();
        let mut text = "aaaaaaaa".to_owned();
        mirror.splice(&mut text, 7, 7, "b").unwrap();
        let mut other = "ääääää".to_owned();
        mirror.reset();
        mirror.splice(&mut other, 5, 6, "").unwrap();
        assert_eq!(other, "äääää");
    }

    #[test]
    fn a_plain_field_leaves_the_line_endings_that_it_does_not_know() {
        assert_eq!(retype("a\r\nb\nc\r\n", "a\nbx\nc\n"), "a\r\nbx\nc\r\n");
        assert_eq!(retype("a\r\nb", "a\n\nb"), "a\r\n\r\nb");
        assert_eq!(retype("a\r\nb\rc", ""), "");
        assert_eq!(retype("a\rb", "a\nb"), "a\rb");
        assert_eq!(retype("a\nb", "a\n\nb"), "a\n\nb");
        assert_eq!(retype("\r\n\r\n", "\n"), "\r\n");
    }
}
