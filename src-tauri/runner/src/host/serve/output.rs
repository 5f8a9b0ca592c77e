//! Cuts a stream of bytes into lines, and long lines into chunks, masked and valid UTF-8.

use std::borrow::Cow;

use crate::adapter::TerminalMarker;
use crate::host::redact::Redactor;
use crate::log::MAX_CHUNK;

/// One of the two streams.
#[derive(Default)]
pub struct Splitter {
    /// The beginning of a line whose end has not come, unmasked.
    open: Vec<u8>,
    /// Part of that line has been emitted already.
    continued: bool,
    masked: Vec<u8>,
}

impl Splitter {
    /// Takes what was read and emits what is whole: lines with their end, and chunks of overlong lines.
    pub fn feed(&mut self, mut bytes: &[u8], secrets: &Redactor, emit: &mut dyn FnMut(&str, bool)) {
        while let Some(at) = bytes.iter().position(|&b| b == b'\n') {
            let (line, rest) = bytes.split_at(at + 1);
            bytes = rest;
            if self.open.is_empty() && line.len() <= MAX_CHUNK {
                self.emit(line, secrets, emit);
                self.continued = false;
            } else {
                self.open.extend_from_slice(line);
                self.cut(secrets, emit);
                let line = std::mem::take(&mut self.open);
                self.emit(&line, secrets, emit);
                self.continued = false;
                self.open = line;
                self.open.clear();
            }
        }
        self.open.extend_from_slice(bytes);
        self.cut(secrets, emit);
    }

    /// Emits an unfinished line as far as that is safe, because nothing has followed it for a while.
    pub fn settle(&mut self, secrets: &Redactor, emit: &mut dyn FnMut(&str, bool)) {
        let whole = secrets.settled(&self.open).min(whole_characters(&self.open));
        self.emit_head(whole, secrets, emit);
    }

    /// The stream has ended.
    pub fn finish(&mut self, secrets: &Redactor, emit: &mut dyn FnMut(&str, bool)) {
        self.emit_head(self.open.len(), secrets, emit);
    }

    pub fn has_open_line(&self) -> bool {
        !self.open.is_empty()
    }

    fn cut(&mut self, secrets: &Redactor, emit: &mut dyn FnMut(&str, bool)) {
        while self.open.len() > MAX_CHUNK {
            let head = &self.open[..MAX_CHUNK];
            // A secret longer than a chunk cannot be waited for.
            let at = match secrets.settled(head).min(whole_characters(head)) {
                0 => MAX_CHUNK,
                at => at,
            };
            self.emit_head(at, secrets, emit);
        }
    }

    fn emit_head(&mut self, len: usize, secrets: &Redactor, emit: &mut dyn FnMut(&str, bool)) {
        if len == 0 {
            return;
        }
        let rest = self.open.split_off(len);
        let head = std::mem::replace(&mut self.open, rest);
        self.emit(&head, secrets, emit);
        self.continued = true;
    }

    /// The flag says that this is a line from its beginning to its end.
    fn emit(&mut self, bytes: &[u8], secrets: &Redactor, emit: &mut dyn FnMut(&str, bool)) {
        let whole = !self.continued && bytes.ends_with(b"\n");
        self.masked.clear();
        secrets.mask(bytes, &mut self.masked);
        emit(&String::from_utf8_lossy(&self.masked), whole);
    }
}

/// Length without a character whose last bytes are still to come.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let needs = match bytes[at] {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            0x80..=0xBF => continue,
            _ => 1,
        };
        return if needs > back { at } else { bytes.len() };
    }
    bytes.len()
}

/// Whether a whole line is the agent's last word.
pub fn is_terminal(marker: &TerminalMarker, line: &str) -> bool {
    // Most lines are ruled out without parsing them.
    line.contains(&marker.value)
        && serde_json::from_str::<std::collections::HashMap<Cow<'_, str>, &serde_json::value::RawValue>>(line)
            .is_ok_and(|object| {
                object
                    .get(marker.key.as_str())
                    .and_then(|value| serde_json::from_str::<&str>(value.get()).ok())
                    .is_some_and(|value| value == marker.value)
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(parts: &[&[u8]], secrets: &[&str]) -> Vec<String> {
        let secrets = Redactor::new(&secrets.iter().map(ToString::to_string).collect::<Vec<_>>());
        let (mut splitter, mut out) = (Splitter::default(), Vec::new());
        for part in parts {
            splitter.feed(part, &secrets, &mut |chunk, _| out.push(chunk.to_owned()));
        }
        splitter.finish(&secrets, &mut |chunk, _| out.push(chunk.to_owned()));
        out
    }

    #[test]
    fn lines_are_whole_however_they_were_read() {
        assert_eq!(split(&[b"on", b"e\ntw", b"o\n", b"\nend"], &[]), ["one\n", "two\n", "\n", "end"]);
    }

    #[test]
    fn invalid_bytes_are_replaced_and_characters_split_between_reads_are_not() {
        assert_eq!(split(&[b"a\xff\xfeb\n"], &[]), ["a\u{fffd}\u{fffd}b\n"]);
        assert_eq!(split(&["ä€🙂".as_bytes().split_at(4).0, "ä€🙂".as_bytes().split_at(4).1], &[]), ["ä€🙂"]);
    }

    #[test]
    fn a_long_line_is_cut_between_characters_and_joins_to_itself() {
        let long = "€".repeat(MAX_CHUNK);
        let bytes = format!("{long}\nnext\n");
        let chunks: Vec<&[u8]> = bytes.as_bytes().chunks(50_001).collect();
        let out = split(&chunks, &[]);
        assert!(out.iter().all(|c| c.len() <= MAX_CHUNK && !c.contains('\u{fffd}')));
        assert_eq!(out.concat(), bytes);
    }

    #[test]
    fn a_secret_is_masked_wherever_reads_and_chunks_fall() {
        let secret = "sk-verysecret";
        for at in 0..secret.len() {
            let (a, b) = secret.split_at(at);
            let out = split(&[b"x ", a.as_bytes(), b.as_bytes(), b" y\n"], &[secret]).concat();
            assert_eq!(out, "x ***REDACTED*** y\n");
            // Across the place where an overlong line is cut.
            let long = "z".repeat(MAX_CHUNK - at);
            let out = split(&[long.as_bytes(), secret.as_bytes(), b" y"], &[secret]).concat();
            assert_eq!(out, format!("{long}***REDACTED*** y"));
        }
    }

    #[test]
    fn an_unfinished_line_is_shown_but_never_half_a_secret_or_character() {
        let secrets = Redactor::new(&["sk-verysecret".into()]);
        let (mut splitter, mut out) = (Splitter::default(), String::new());
        splitter.feed(b"key: sk-very", &secrets, &mut |_, _| {});
        splitter.settle(&secrets, &mut |chunk, _| out.push_str(chunk));
        assert_eq!(out, "key: ");
        splitter.feed("secret ü".as_bytes().split_last().unwrap().1, &secrets, &mut |_, _| {});
        splitter.settle(&secrets, &mut |chunk, _| out.push_str(chunk));
        assert_eq!(out, "key: ***REDACTED*** ");
    }

    #[test]
    fn the_last_word_is_known_by_its_own_key_only() {
        let marker =
            TerminalMarker { key: "type".into(), value: "result".into(), grace: std::time::Duration::ZERO };
        assert!(is_terminal(&marker, r#"{"x":1,"type":"result"}"#));
        assert!(!is_terminal(&marker, r#"{"type":"user","content":{"type":"result"}}"#));
        assert!(!is_terminal(&marker, r#"the result: {"type":"result"}"#));
    }
}
