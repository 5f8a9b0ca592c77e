//! Transcripts as they are read: deltas joined, tool calls with their results, runs of output folded.

use std::hash::{DefaultHasher, Hash, Hasher};

use contract::Timestamp;
use contract::transcript::{EntryBody, TranscriptEntry};
use serde_json::Value;

/// One tool call and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolUse {
    pub id: Option<String>,
    pub name: String,
    /// The part of the input that tells most: a command, a path, a pattern.
    pub summary: String,
    pub input: Value,
    pub result: Option<ToolResult>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    pub content: String,
    pub is_error: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Said(String),
    Thought(String),
    Asked(String),
    Tools(Vec<ToolUse>),
    Output { text: String, lines: usize, err: bool },
    Began { model: Option<String>, session: Option<String> },
    Ended(Ending),
    Note(String),
}

/// The agent's own account of how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    pub text: String,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cached_tokens: i64,
    pub cost_usd: Option<f64>,
    pub is_error: bool,
    pub errors: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Line of its first entry and place among the blocks of that line: stays while the block grows.
    pub key: (u64, u32),
    pub ts: Timestamp,
    pub piece: Piece,
}

impl Block {
    /// Changes whenever what is shown changes.
    pub fn version(&self) -> u64 {
        let mut h = DefaultHasher::new();
        self.key.hash(&mut h);
        match &self.piece {
            Piece::Said(t) | Piece::Thought(t) | Piece::Asked(t) | Piece::Note(t) => t.len().hash(&mut h),
            Piece::Output { text, .. } => text.len().hash(&mut h),
            Piece::Tools(tools) => {
                for t in tools {
                    (t.result.is_some(), &t.summary).hash(&mut h);
                }
            }
            Piece::Began { .. } | Piece::Ended(_) => {}
        }
        h.finish()
    }
}

/// The keys of an input that say most about a call, best first.
const TELLING: [&str; 12] = [
    "command",
    "file_path",
    "path",
    "pattern",
    "query",
    "url",
    "description",
    "prompt",
    "title",
    "status",
    "key",
    "name",
];

/// One line for a tool's input.
pub fn summarise(input: &Value) -> String {
    let Some(object) = input.as_object() else {
        return match input {
            Value::Null => String::new(),
            Value::String(s) => crate::format::first_line(s, 160),
            other => crate::format::first_line(&other.to_string(), 160),
        };
    };
    let told = TELLING.iter().find_map(|k| object.get(*k)?.as_str());
    match told {
        Some(s) => crate::format::first_line(s, 160),
        None if object.is_empty() => String::new(),
        None => crate::format::first_line(&input.to_string(), 160),
    }
}

/// Lines of output that are folded into one block. Blocks begin at multiples of it, so that a block is the same one
/// whichever page of the log it was reached from.
const FOLD: u64 = 400;

/// Puts entries together into what is shown.
pub fn group(entries: &[TranscriptEntry]) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    for e in entries {
        if !absorb(&mut out, e) {
            let sub = out.iter().rev().take_while(|b| b.key.0 == e.line).count() as u32;
            if let Some(piece) = begin(&e.body) {
                out.push(Block { key: (e.line, sub), ts: e.ts, piece });
            }
        }
    }
    out
}

/// Adds an entry to a block that is there already, if it belongs to one.
fn absorb(out: &mut [Block], e: &TranscriptEntry) -> bool {
    if let EntryBody::ToolResult { tool_use_id, content, is_error } = &e.body {
        let result = ToolResult { content: content.clone(), is_error: *is_error };
        return match pending_call(out, tool_use_id.as_deref()) {
            Some(call) => {
                call.result = Some(result);
                true
            }
            None => false,
        };
    }
    let Some(last) = out.last_mut() else { return false };
    let same_fold = last.key.0 / FOLD == e.line / FOLD;
    match (&mut last.piece, &e.body) {
        (Piece::Said(t), EntryBody::Assistant { text, delta: true })
        | (Piece::Thought(t), EntryBody::Thinking { text, delta: true }) => t.push_str(text),
        (Piece::Tools(tools), EntryBody::ToolCall { name, input, tool_use_id }) => {
            tools.push(call(name, input, tool_use_id));
        }
        (Piece::Output { text: t, lines, err: false }, EntryBody::Stdout { text })
        | (Piece::Output { text: t, lines, err: true }, EntryBody::Stderr { text })
            if same_fold =>
        {
            t.push('\n');
            t.push_str(text.trim_end_matches('\n'));
            *lines += 1;
        }
        _ => return false,
    }
    true
}

/// The youngest call that waits for this result.
fn pending_call<'a>(out: &'a mut [Block], id: Option<&str>) -> Option<&'a mut ToolUse> {
    out.iter_mut().rev().take(200).find_map(|b| match &mut b.piece {
        Piece::Tools(tools) => {
            tools.iter_mut().rev().find(|t| t.result.is_none() && (id.is_none() || t.id.as_deref() == id))
        }
        _ => None,
    })
}

fn call(name: &str, input: &Value, id: &Option<String>) -> ToolUse {
    ToolUse {
        id: id.clone(),
        name: name.to_owned(),
        summary: summarise(input),
        input: input.clone(),
        result: None,
    }
}

fn begin(body: &EntryBody) -> Option<Piece> {
    Some(match body {
        EntryBody::Assistant { text, .. } if text.trim().is_empty() => return None,
        EntryBody::Thinking { text, .. } if text.trim().is_empty() => return None,
        EntryBody::Assistant { text, .. } => Piece::Said(text.clone()),
        EntryBody::Thinking { text, .. } => Piece::Thought(text.clone()),
        EntryBody::User { text } => Piece::Asked(text.clone()),
        EntryBody::ToolCall { name, input, tool_use_id } => {
            Piece::Tools(vec![call(name, input, tool_use_id)])
        }
        // Its call is on an earlier page.
        EntryBody::ToolResult { content, is_error, .. } => {
            Piece::Output { text: content.clone(), lines: content.lines().count(), err: *is_error }
        }
        EntryBody::Init { model, session_id } => {
            Piece::Began { model: model.clone(), session: session_id.clone() }
        }
        EntryBody::Result {
            text,
            input_tokens,
            output_tokens,
            cached_tokens,
            cost_usd,
            is_error,
            errors,
            ..
        } => Piece::Ended(Ending {
            text: text.clone(),
            input_tokens: *input_tokens,
            output_tokens: *output_tokens,
            cached_tokens: *cached_tokens,
            cost_usd: *cost_usd,
            is_error: *is_error,
            errors: errors.clone(),
        }),
        EntryBody::Stdout { text } => output(text, false),
        EntryBody::Stderr { text } => output(text, true),
        EntryBody::System { text } => Piece::Note(text.clone()),
    })
}

fn output(text: &str, err: bool) -> Piece {
    Piece::Output { text: text.trim_end_matches('\n').to_owned(), lines: 1, err }
}

/// The text of an entry as it was written, for the raw view.
pub fn raw_text(body: &EntryBody) -> (String, bool) {
    match body {
        EntryBody::Stdout { text }
        | EntryBody::System { text }
        | EntryBody::Assistant { text, .. }
        | EntryBody::Thinking { text, .. }
        | EntryBody::User { text } => (text.trim_end_matches('\n').to_owned(), false),
        EntryBody::Stderr { text } => (text.trim_end_matches('\n').to_owned(), true),
        other => (serde_json::to_string(other).unwrap_or_default(), false),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(line: u64, body: EntryBody) -> TranscriptEntry {
        TranscriptEntry { line, ts: Timestamp::from_millis(0), body }
    }

    fn tool(line: u64, id: &str) -> TranscriptEntry {
        let body = EntryBody::ToolCall {
            name: "Bash".into(),
            input: json!({"command": "ls -la\nx"}),
            tool_use_id: Some(id.into()),
        };
        entry(line, body)
    }

    fn result(line: u64, id: &str) -> TranscriptEntry {
        let body =
            EntryBody::ToolResult { tool_use_id: Some(id.into()), content: id.into(), is_error: false };
        entry(line, body)
    }

    #[test]
    fn results_find_their_calls_even_when_they_come_in_another_order() {
        let blocks = group(&[tool(0, "a"), tool(1, "b"), result(2, "b"), result(3, "a")]);
        assert_eq!(blocks.len(), 1);
        let Piece::Tools(tools) = &blocks[0].piece else { panic!() };
        for t in tools {
            assert_eq!(t.result.as_ref().map(|r| &r.content), t.id.as_ref());
        }
        assert_eq!(tools[0].summary, "ls -la");
    }

    #[test]
    fn deltas_join_and_a_block_keeps_its_key_while_it_grows() {
        let said = |line, text: &str, delta| entry(line, EntryBody::Assistant { text: text.into(), delta });
        let one = group(&[said(0, "Hel", false)]);
        let two = group(&[said(0, "Hel", false), said(1, "lo", true)]);
        assert_eq!(two.len(), 1);
        assert_eq!(one[0].key, two[0].key);
        assert_ne!(one[0].version(), two[0].version());
        assert_eq!(two[0].piece, Piece::Said("Hello".into()));
    }

    #[test]
    fn a_result_whose_call_is_on_another_page_is_still_shown() {
        let blocks = group(&[result(7, "gone")]);
        assert!(matches!(&blocks[0].piece, Piece::Output { text, .. } if text == "gone"));
    }

    #[test]
    fn output_is_folded_alike_from_wherever_it_was_reached() {
        let line = |line| entry(line, EntryBody::Stdout { text: format!("l{line}\n") });
        let whole = group(&(0..2_000).map(line).collect::<Vec<_>>());
        let late = group(&(800..2_000).map(line).collect::<Vec<_>>());
        assert_eq!(whole.iter().map(|b| b.key.0).collect::<Vec<_>>(), [0, 400, 800, 1_200, 1_600]);
        assert_eq!(whole[2..], late);
    }

    #[test]
    fn output_lines_fold_by_stream_and_blocks_of_one_line_have_distinct_keys() {
        let o = |line, err: bool| {
            let text = format!("l{line}\n");
            entry(line, if err { EntryBody::Stderr { text } } else { EntryBody::Stdout { text } })
        };
        let blocks = group(&[o(0, false), o(1, false), o(2, true), o(3, false)]);
        assert_eq!(blocks.len(), 3);
        assert!(matches!(&blocks[0].piece, Piece::Output { lines: 2, text, .. } if text == "l0\nl1"));
        let same = group(&[
            entry(5, EntryBody::User { text: "a".into() }),
            entry(5, EntryBody::System { text: "b".into() }),
        ]);
        assert_ne!(same[0].key, same[1].key);
    }
}
