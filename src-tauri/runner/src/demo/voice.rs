//! What the demo agent says: events a line, as Claude Code streams them.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Answer, DemoError, Door};

/// A result shown in a transcript is cut here.
const MAX_SHOWN: usize = 2000;

pub struct Voice {
    pace: Duration,
    session: String,
    begun: Instant,
    said: u32,
    calls: u32,
    /// Dollars that a message claims to cost.
    cost: f64,
}

impl Voice {
    pub fn new(pace: Duration, cents: f64, run_id: &str) -> Self {
        let cost = cents / 100.0;
        Self { pace, session: run_id.to_owned(), begun: Instant::now(), said: 0, calls: 0, cost }
    }

    fn emit(&self, mut event: Value) {
        event["session_id"] = self.session.as_str().into();
        let mut out = io::stdout().lock();
        // Nobody to hear it is no reason to stop working.
        let _ = writeln!(out, "{event}").and_then(|()| out.flush());
    }

    pub fn begin(&self) {
        self.emit(json!({ "type": "system", "subtype": "init", "model": "demo", "tools": ["PaperclipApi"] }));
    }

    pub fn say(&mut self, text: &str) {
        sleep(self.pace);
        self.said += 1;
        self.block(json!({ "type": "text", "text": text }));
    }

    fn block(&self, block: Value) {
        let id = format!("demo_{}_{}", self.said, self.calls);
        let message = json!({ "id": id, "role": "assistant", "model": "demo", "content": [block],
            "usage": { "input_tokens": 0, "output_tokens": 0, "cost_usd": self.cost } });
        self.emit(json!({ "type": "assistant", "message": message }));
    }

    /// Calls the door, in the open. A refusal is an answer like any other here.
    pub fn call(
        &mut self,
        door: &Door,
        method: &'static str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, DemoError> {
        sleep(self.pace);
        self.calls += 1;
        let id = format!("call_{}", self.calls);
        let mut input = json!({ "method": method, "path": path });
        if let Some(body) = &body {
            input["body"] = body.clone();
        }
        self.block(json!({ "type": "tool_use", "id": id, "name": "PaperclipApi", "input": input }));
        let answer = door.ask(method, path, body.as_ref());
        let (content, is_error) = match &answer {
            Ok(answer) => (shown(answer), answer.status >= 400),
            Err(error) => (error.to_string(), true),
        };
        let result =
            json!({ "type": "tool_result", "tool_use_id": id, "content": content, "is_error": is_error });
        self.emit(json!({ "type": "user", "message": { "role": "user", "content": [result] } }));
        answer
    }

    /// The same where anything but success ends the heartbeat.
    pub fn must(
        &mut self,
        door: &Door,
        method: &'static str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, DemoError> {
        let answer = self.call(door, method, path, body)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        let message = answer.body["error"].as_str().unwrap_or("no reason given").to_owned();
        Err(DemoError::Refused { method, path: path.to_owned(), status: answer.status, message })
    }

    pub fn end(&mut self, summary: &str, is_error: bool) {
        let elapsed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.emit(json!({
            "type": "result",
            "subtype": if is_error { "error_during_execution" } else { "success" },
            "is_error": is_error,
            "result": summary,
            "num_turns": self.said + self.calls,
            "duration_ms": elapsed,
            "total_cost_usd": f64::from(self.said + self.calls) * self.cost,
            "usage": { "input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0 },
        }));
    }
}

fn shown(answer: &Answer) -> String {
    let body = if answer.body.is_null() { String::new() } else { answer.body.to_string() };
    let cut: String = body.chars().take(MAX_SHOWN).collect();
    let more = if cut.len() < body.len() { "…" } else { "" };
    format!("{} {cut}{more}", answer.status)
}
