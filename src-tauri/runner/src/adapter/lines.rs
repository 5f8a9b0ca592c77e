//! What parsers of all adapters share: joining chunks into lines, and keeping the end of a stream.

use std::borrow::Cow;

use contract::run::OutputStream;

use super::Parsed;
use crate::log::LogLine;

/// A JSON line longer than this is not joined; its chunks are shown as they are.
const MAX_JOINED: usize = 16 << 20;
/// How much of the end of a stream is kept.
pub const EXCERPT: usize = 32 << 10;

/// Joins the chunks of long JSON lines on stdout. Everything else is passed on as it comes.
#[derive(Default)]
pub struct Joiner {
    open: String,
}

impl Joiner {
    /// The line that is complete now, if one is.
    pub fn take<'a>(&mut self, line: &'a LogLine) -> Option<Cow<'a, str>> {
        if line.stream != OutputStream::Stdout {
            return Some(Cow::Borrowed(line.text()));
        }
        if self.open.is_empty() && (line.is_whole() || !line.chunk.starts_with('{')) {
            return Some(Cow::Borrowed(line.text()));
        }
        self.open.push_str(&line.chunk);
        if !line.is_whole() && self.open.len() <= MAX_JOINED {
            return None;
        }
        let joined = std::mem::take(&mut self.open);
        Some(Cow::Owned(joined.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

/// Appends to text of which only the end is kept.
pub fn keep_end(text: &mut String, more: &str, limit: usize) {
    text.push_str(more);
    // Not at every line: moving the end to the front costs as much as the end is long.
    if text.len() > 2 * limit {
        let from = text.ceil_char_boundary(text.len() - limit);
        text.drain(..from);
    }
}

/// Keeps the ends of stdout and stderr.
pub fn keep_excerpt(parsed: &mut Parsed, line: &LogLine) {
    match line.stream {
        OutputStream::Stdout => keep_end(&mut parsed.stdout_excerpt, &line.chunk, EXCERPT),
        OutputStream::Stderr => keep_end(&mut parsed.stderr_excerpt, &line.chunk, EXCERPT),
        OutputStream::System => {}
    }
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;

    use super::*;

    fn line(chunk: &str) -> LogLine {
        LogLine { line: 0, ts: Timestamp::from_millis(0), stream: OutputStream::Stdout, chunk: chunk.into() }
    }

    #[test]
    fn chunks_of_a_json_line_are_joined_and_of_other_lines_are_not() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.take(&line("{\"a\":")), None);
        assert_eq!(joiner.take(&line("1}\n")).as_deref(), Some("{\"a\":1}"));
        assert_eq!(joiner.take(&line("plain")).as_deref(), Some("plain"));
        assert_eq!(joiner.take(&line("{}\n")).as_deref(), Some("{}"));
    }

    #[test]
    fn only_the_end_of_a_text_is_kept_and_characters_stay_whole() {
        let mut text = String::new();
        for _ in 0..100 {
            keep_end(&mut text, "ä€", 10);
            assert!(text.len() <= 25);
        }
        assert!(text.ends_with("ä€"));
    }
}
