//! What a run said and did, line by line, as the window and the command line show it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{RunId, Timestamp, query};

/// One thing in a transcript. Most output lines give one entry, some give none or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptEntry {
    /// Number of the log line it was read from, counted from zero.
    pub line: u64,
    pub ts: Timestamp,
    #[serde(flatten)]
    pub body: EntryBody,
}

/// The kinds of entries, after Paperclip's transcript model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum EntryBody {
    Assistant {
        text: String,
        /// Continues the entry before it.
        #[serde(default)]
        delta: bool,
    },
    Thinking {
        text: String,
        #[serde(default)]
        delta: bool,
    },
    User {
        text: String,
    },
    ToolCall {
        name: String,
        input: Value,
        tool_use_id: Option<String>,
    },
    ToolResult {
        tool_use_id: Option<String>,
        content: String,
        is_error: bool,
    },
    Init {
        model: Option<String>,
        session_id: Option<String>,
    },
    Result {
        text: String,
        input_tokens: i64,
        output_tokens: i64,
        cached_tokens: i64,
        cost_usd: Option<f64>,
        subtype: Option<String>,
        is_error: bool,
        errors: Vec<String>,
    },
    Stdout {
        text: String,
    },
    Stderr {
        text: String,
    },
    /// Said by the program, not by the agent.
    System {
        text: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadTranscript {
    pub run_id: RunId,
    /// First log line wanted; the last page when absent.
    #[serde(default, deserialize_with = "query::number")]
    pub from_line: Option<u64>,
    /// Log lines, 500 unless given, 5000 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
    /// Show lines as they were written, without reading them as an agent's events.
    #[serde(default, deserialize_with = "query::flag")]
    pub raw: bool,
}

/// A page of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptPage {
    pub entries: Vec<TranscriptEntry>,
    /// First line of the page.
    pub from_line: u64,
    /// Line after the page's last.
    pub next_line: u64,
    /// Lines in the log so far.
    pub total_lines: u64,
    /// The run may still write.
    pub live: bool,
}
