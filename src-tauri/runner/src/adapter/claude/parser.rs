//! Reads Claude Code's stream of JSON events, which the demo agent speaks too.

use std::collections::{BTreeMap, HashMap};

use contract::run::OutputStream;
use contract::transcript::EntryBody;
use contract::{JsonObject, Micros, Timestamp};
use serde_json::Value;

use super::prices;
use crate::adapter::lines::{EXCERPT, Joiner, keep_end, keep_excerpt};
use crate::adapter::{Metered, OutputParser, Parsed, Usage};
use crate::log::LogLine;

/// Bytes of text for a token, for the estimate until the agent gives its own count.
const BYTES_A_TOKEN: usize = 4;

#[derive(Default)]
pub struct StreamParser {
    parsed: Parsed,
    joiner: Joiner,
    /// The messages of this attempt by their ids: a message comes as one line a block, each with the whole usage.
    messages: HashMap<String, Message>,
    /// Which attempt in the log this is, from zero.
    attempt: u32,
    /// What became known and was not asked for yet.
    metered: BTreeMap<String, Metered>,
    /// Bytes the agent said or asked tools for.
    said: usize,
    /// What earlier attempts in the same log used and cost.
    before: Usage,
    cost_before: f64,
}

/// A message as far as it has been read.
#[derive(Default)]
struct Message {
    model: Option<String>,
    usage: Usage,
    /// Bytes of it.
    said: usize,
    /// A price that the message itself names, in dollars.
    price: Option<f64>,
}

impl Message {
    /// The input side is exact from the first block; of the output what is there already, if that is more than the
    /// beginning that the message says.
    fn usage(&self) -> Usage {
        let said = tokens_of(self.said);
        Usage { output_tokens: self.usage.output_tokens.max(said), ..self.usage }
    }

    fn cost(&self) -> Micros {
        match self.price {
            Some(usd) => Micros::of_usd(usd),
            None => prices::cost(self.model.as_deref(), self.usage()),
        }
    }
}

/// An estimate.
fn tokens_of(bytes: usize) -> i64 {
    i64::try_from(bytes / BYTES_A_TOKEN).unwrap_or(i64::MAX)
}

impl OutputParser for StreamParser {
    fn line(&mut self, line: &LogLine) -> Vec<EntryBody> {
        keep_excerpt(&mut self.parsed, line);
        let Some(text) = self.joiner.take(line) else { return Vec::new() };
        match line.stream {
            OutputStream::Stderr => vec![EntryBody::Stderr { text: text.into_owned() }],
            OutputStream::System => vec![EntryBody::System { text: text.into_owned() }],
            OutputStream::Stdout => match serde_json::from_str(&text) {
                Ok(Value::Object(event)) => self.event(event),
                _ if text.trim().is_empty() => Vec::new(),
                _ => vec![EntryBody::Stdout { text: text.into_owned() }],
            },
        }
    }

    fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    fn metered(&mut self) -> Vec<Metered> {
        std::mem::take(&mut self.metered).into_values().collect()
    }
}

fn string(object: &JsonObject, key: &str) -> Option<String> {
    object.get(key)?.as_str().map(str::to_owned)
}

fn count(object: Option<&Value>, key: &str) -> i64 {
    object.and_then(|o| o.get(key)).and_then(Value::as_i64).unwrap_or(0)
}

fn usage_of(usage: Option<&Value>) -> Usage {
    Usage {
        input_tokens: count(usage, "input_tokens"),
        cached_input_tokens: count(usage, "cache_read_input_tokens"),
        cache_write_tokens: count(usage, "cache_creation_input_tokens"),
        output_tokens: count(usage, "output_tokens"),
    }
}

impl StreamParser {
    fn event(&mut self, event: JsonObject) -> Vec<EntryBody> {
        match event.get("type").and_then(Value::as_str) {
            Some("system") => self.system(&event),
            Some("assistant") => self.assistant(&event),
            Some("user") => tool_results(&event),
            Some("result") => vec![self.result(event)],
            Some("rate_limit_event") => self.rate_limit(&event),
            // Other kinds tell of the command's own workings.
            _ => Vec::new(),
        }
    }

    fn system(&mut self, event: &JsonObject) -> Vec<EntryBody> {
        match event.get("subtype").and_then(Value::as_str) {
            Some("init") => {
                if self.parsed.terminal {
                    self.begin_again();
                }
                let (model, session_id) = (string(event, "model"), string(event, "session_id"));
                self.parsed.model.clone_from(&model);
                self.parsed.session_id.clone_from(&session_id);
                vec![EntryBody::Init { model, session_id }]
            }
            Some("api_retry") => {
                let number = |key: &str| event.get(key).and_then(Value::as_f64).unwrap_or(0.0);
                let status = event.get("error_status").and_then(Value::as_u64);
                let error = event.get("error").and_then(Value::as_str).unwrap_or("unreachable");
                let answer = status.map_or_else(|| error.to_owned(), |s| format!("{s}, {error}"));
                let text = format!(
                    "The provider does not answer ({answer}). Attempt {} of {} follows in {:.0} s.",
                    number("attempt"),
                    number("max_retries"),
                    (number("retry_delay_ms") / 1000.0).ceil(),
                );
                vec![EntryBody::System { text }]
            }
            _ => Vec::new(),
        }
    }

    /// Another attempt (a session that was not known), or another turn: what the one before said of its own
    /// end does not count any more, what it used does.
    fn begin_again(&mut self) {
        let last = std::mem::take(&mut self.parsed);
        self.before = last.usage;
        self.cost_before = last.cost_usd.unwrap_or(0.0);
        self.said = 0;
        self.messages.clear();
        self.attempt += 1;
        self.parsed.usage = last.usage;
        self.parsed.cost_usd = last.cost_usd;
    }

    fn assistant(&mut self, event: &JsonObject) -> Vec<EntryBody> {
        let Some(message) = event.get("message").and_then(Value::as_object) else { return Vec::new() };
        let id = string(message, "id").unwrap_or_else(|| format!("#{}", self.messages.len()));
        let said_before = self.said;
        if self.parsed.session_id.is_none() {
            self.parsed.session_id = string(event, "session_id");
        }
        let blocks = message.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let entries: Vec<EntryBody> = blocks.iter().filter_map(|block| self.block(block)).collect();
        if !self.parsed.usage_final {
            let usage = usage_of(message.get("usage"));
            let said = self.said - said_before;
            if self.meter(id, message, usage, said) {
                // The input side is exact from the first; the output side of an unfinished message is not.
                self.parsed.usage.input_tokens += usage.input_tokens;
                self.parsed.usage.cached_input_tokens += usage.cached_input_tokens;
                self.parsed.usage.cache_write_tokens += usage.cache_write_tokens;
            }
            self.parsed.usage.output_tokens = self.before.output_tokens.saturating_add(tokens_of(self.said));
        }
        entries
    }

    /// Notes what a block of a message adds to what is known of it. Answers whether it is the message's first.
    fn meter(&mut self, id: String, message: &JsonObject, usage: Usage, said: usize) -> bool {
        let key = format!("{}:{id}", self.attempt);
        let new = !self.messages.contains_key(&id);
        let known = self.messages.entry(id).or_default();
        if new {
            known.model = string(message, "model").or_else(|| self.parsed.model.clone());
            known.usage = usage;
        }
        known.usage.output_tokens = known.usage.output_tokens.max(usage.output_tokens);
        known.said += said;
        known.price = message.get("usage").and_then(|u| u.get("cost_usd")).and_then(Value::as_f64);
        let metered = Metered {
            key: key.clone(),
            model: known.model.clone(),
            usage: known.usage(),
            cost: known.cost(),
            correction: false,
        };
        self.metered.insert(key, metered);
        new
    }

    /// Notes by how much the agent's own count differs from what its messages were reckoned with.
    fn correct(&mut self, usage: Usage, cost_usd: Option<f64>) {
        let mut reckoned = Usage::default();
        let mut weighed = Micros::ZERO;
        for message in self.messages.values() {
            reckoned = reckoned.plus(message.usage());
            weighed = weighed.plus(message.cost());
        }
        // A result that counts nothing (an error before the first answer) does not undo what was metered.
        let counts = !usage.is_zero();
        let usage = if counts { reckoned.missing_to(usage) } else { Usage::default() };
        let said = cost_usd.map(Micros::of_usd).filter(|c| counts || *c != Micros::ZERO);
        let cost = said.map_or(Micros::ZERO, |c| Micros::new(c.get().saturating_sub(weighed.get())));
        if usage.is_zero() && cost == Micros::ZERO {
            return;
        }
        let key = format!("{}:total", self.attempt);
        let model = self.parsed.model.clone();
        self.metered.insert(key.clone(), Metered { key, model, usage, cost, correction: true });
    }

    fn block(&mut self, block: &Value) -> Option<EntryBody> {
        let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match block.get("type")?.as_str()? {
            "text" => {
                let text = text("text");
                self.said += text.len();
                if !self.parsed.assistant_text.is_empty() {
                    self.parsed.assistant_text.push_str("\n\n");
                }
                keep_end(&mut self.parsed.assistant_text, &text, EXCERPT);
                Some(EntryBody::Assistant { text, delta: false })
            }
            "thinking" => {
                let text = text("thinking");
                self.said += text.len();
                Some(EntryBody::Thinking { text, delta: false })
            }
            "tool_use" => {
                let input = block.get("input").cloned().unwrap_or(Value::Null);
                self.said += input.to_string().len();
                let tool_use_id = block.get("id").and_then(Value::as_str).map(str::to_owned);
                Some(EntryBody::ToolCall { name: text("name"), input, tool_use_id })
            }
            _ => None,
        }
    }

    fn result(&mut self, mut event: JsonObject) -> EntryBody {
        let parsed = &mut self.parsed;
        parsed.terminal = true;
        parsed.is_error = event.get("is_error").and_then(Value::as_bool).unwrap_or(false);
        parsed.subtype = string(&event, "subtype");
        parsed.stop_reason = string(&event, "terminal_reason").or_else(|| string(&event, "stop_reason"));
        parsed.api_status =
            event.get("api_error_status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok());
        parsed.turns = event.get("num_turns").and_then(Value::as_i64);
        let own_cost =
            cost_since_last_result(&event).or_else(|| event.get("total_cost_usd").and_then(Value::as_f64));
        parsed.cost_usd = own_cost.map(|cost| cost + self.cost_before);
        parsed.result_text = string(&event, "result");
        let errors = event.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        parsed.errors =
            errors.iter().map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned)).collect();
        if let Some(session) = string(&event, "session_id") {
            parsed.session_id = Some(session);
        }
        let usage = usage_of(event.get("usage"));
        // A result that counts nothing (an error before the first answer) does not undo what was metered.
        if !usage.is_zero() || parsed.usage.is_zero() {
            parsed.usage = self.before.plus(usage);
            parsed.usage_final = true;
        }
        if parsed.model.is_none() {
            let models = event.get("modelUsage").and_then(Value::as_object);
            parsed.model = models.and_then(|m| m.keys().next().cloned());
        }
        self.correct(usage, own_cost);
        let parsed = &mut self.parsed;
        for told_elsewhere in ["type", "result", "usage", "uuid", "session_id"] {
            event.remove(told_elsewhere);
        }
        parsed.result_json = Some(event);
        EntryBody::Result {
            text: parsed.result_text.clone().unwrap_or_default(),
            input_tokens: parsed.usage.input_tokens,
            output_tokens: parsed.usage.output_tokens,
            cached_tokens: parsed.usage.cached_input_tokens,
            cost_usd: parsed.cost_usd,
            subtype: parsed.subtype.clone(),
            is_error: parsed.is_error,
            errors: parsed.errors.clone(),
        }
    }

    /// How much of a subscription's window is used; only a refusal is worth a line.
    fn rate_limit(&mut self, event: &JsonObject) -> Vec<EntryBody> {
        let info = event.get("rate_limit_info");
        let field = |key: &str| info.and_then(|i| i.get(key));
        if field("status").and_then(Value::as_str) != Some("rejected") {
            return Vec::new();
        }
        let resets = field("resetsAt").and_then(Value::as_i64).map(|s| Timestamp::from_millis(s * 1000));
        self.parsed.retry_not_before = resets;
        let until = resets.map_or_else(String::new, |at| format!(" until {at}"));
        let which = field("rateLimitType").and_then(Value::as_str).unwrap_or("usage");
        vec![EntryBody::System { text: format!("The provider's {which} limit is reached{until}.") }]
    }
}

/// What this run cost. In newer versions (seen in 2.1.329) `total_cost_usd` of a resumed session counts the
/// session from its beginning, so that adding it up over runs would bill the first ones again and again.
fn cost_since_last_result(event: &JsonObject) -> Option<f64> {
    let models = event.get("model_usage_since_last_result")?.as_object()?;
    Some(models.values().filter_map(|model| model.get("costUSD").and_then(Value::as_f64)).sum())
}

fn tool_results(event: &JsonObject) -> Vec<EntryBody> {
    match event.get("message").and_then(|m| m.get("content")) {
        Some(Value::String(text)) => vec![EntryBody::User { text: text.clone() }],
        Some(Value::Array(blocks)) => blocks.iter().filter_map(tool_result).collect(),
        _ => Vec::new(),
    }
}

fn tool_result(block: &Value) -> Option<EntryBody> {
    match block.get("type")?.as_str()? {
        "text" => Some(EntryBody::User { text: block.get("text")?.as_str()?.to_owned() }),
        "tool_result" => Some(EntryBody::ToolResult {
            tool_use_id: block.get("tool_use_id").and_then(Value::as_str).map(str::to_owned),
            content: block.get("content").map_or_else(String::new, flat_text),
            is_error: block.get("is_error").and_then(Value::as_bool).unwrap_or(false),
        }),
        _ => None,
    }
}

/// Text of a tool's result, which is a text or a list of blocks.
fn flat_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks
            .iter()
            .map(|block| match block.get("text").and_then(Value::as_str) {
                Some(text) => text.to_owned(),
                None => format!("[{}]", block.get("type").and_then(Value::as_str).unwrap_or("block")),
            })
            .collect::<Vec<_>>()
            .join("\n"),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
