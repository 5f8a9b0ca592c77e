//! A model server on loopback that speaks Anthropic's messages API, streamed, and does as a test tells it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

/// What the model says to a request.
#[derive(Clone, Debug)]
pub enum Turn {
    Text(String),
    /// Runs a command with the agent's shell tool.
    Shell(String),
}

/// A request as the model got it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub key: Option<String>,
    pub body: Value,
}

impl Asked {
    /// What a person said last, as one text.
    pub fn prompt(&self) -> String {
        let messages = self.body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        messages
            .iter()
            .rev()
            .find(|m| m["role"] == "user" && !has_tool_result(m))
            .map(text_of)
            .unwrap_or_default()
    }

    /// Whether the model is told the result of the tool it asked for.
    pub fn answers_a_tool(&self) -> bool {
        self.body["messages"].as_array().and_then(|m| m.last()).is_some_and(has_tool_result)
    }

    /// How many times the model has spoken before in this conversation.
    pub fn turns_before(&self) -> usize {
        self.body["messages"].as_array().map_or(0, |m| m.iter().filter(|m| m["role"] == "assistant").count())
    }
}

fn has_tool_result(message: &Value) -> bool {
    message["content"].as_array().is_some_and(|blocks| blocks.iter().any(|b| b["type"] == "tool_result"))
}

fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|b| b["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

type Script = dyn Fn(&Asked) -> Turn + Send + Sync;

pub struct Model {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Model {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Model {
    pub async fn start(script: impl Fn(&Asked) -> Turn + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let script: Arc<Script> = Arc::new(script);
        let record = Arc::clone(&asked);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, record) = (Arc::clone(&script), Arc::clone(&record));
                let service = service_fn(move |request| {
                    let (script, record) = (Arc::clone(&script), Arc::clone(&record));
                    async move { Ok::<_, Infallible>(answer(request, &*script, &record).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, asked, server }
    }

    /// The requests for a turn, in the order they came.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    script: &Script,
    record: &Mutex<Vec<Asked>>,
) -> Response<Full<Bytes>> {
    let respond = |kind: &str, body: String| {
        Response::builder().header("content-type", kind).body(Full::new(Bytes::from(body))).unwrap()
    };
    let path = request.uri().path().to_owned();
    let key = request.headers().get("x-api-key").and_then(|v| v.to_str().ok()).map(str::to_owned);
    if request.method() != Method::POST || !path.contains("/messages") {
        return respond("application/json", "{}".into());
    }
    let bytes =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if path.ends_with("/count_tokens") {
        return respond("application/json", json!({ "input_tokens": 100 }).to_string());
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let asked = Asked { key, body };
    let turn = script(&asked);
    let number = {
        let mut record = record.lock().unwrap();
        record.push(asked.clone());
        record.len()
    };
    let model = asked.body["model"].as_str().unwrap_or("test-model");
    respond("text/event-stream", stream(model, number, &turn, shell_tool(&asked.body)))
}

/// The shell tool's name, as the agent declares it.
fn shell_tool(body: &Value) -> &str {
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    tools.iter().filter_map(|t| t["name"].as_str()).find(|n| n.eq_ignore_ascii_case("bash")).unwrap_or("Bash")
}

/// The turn as a stream of events, cut into pieces as a model writes.
fn stream(model: &str, number: usize, turn: &Turn, shell: &str) -> String {
    let (start, deltas, reason): (Value, Vec<Value>, &str) = match turn {
        Turn::Text(text) => (
            json!({ "type": "text", "text": "" }),
            pieces(text).map(|p| json!({ "type": "text_delta", "text": p })).collect(),
            "end_turn",
        ),
        Turn::Shell(command) => {
            let input = json!({ "command": command, "description": "Works the issue" }).to_string();
            (
                json!({ "type": "tool_use", "id": format!("toolu_{number:024}"), "name": shell, "input": {} }),
                pieces(&input).map(|p| json!({ "type": "input_json_delta", "partial_json": p })).collect(),
                "tool_use",
            )
        }
    };
    let usage = |output: u32| json!({ "input_tokens": 1200, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 300, "output_tokens": output });
    let mut events = vec![
        json!({ "type": "message_start", "message": {
            "id": format!("msg_{number:024}"), "type": "message", "role": "assistant", "model": model,
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage(1),
        }}),
        json!({ "type": "content_block_start", "index": 0, "content_block": start }),
    ];
    events
        .extend(deltas.into_iter().map(|d| json!({ "type": "content_block_delta", "index": 0, "delta": d })));
    events.push(json!({ "type": "content_block_stop", "index": 0 }));
    events.push(json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": usage(40) }));
    events.push(json!({ "type": "message_stop" }));
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
        .collect()
}

fn pieces(text: &str) -> impl Iterator<Item = String> + '_ {
    let chars: Vec<char> = text.chars().collect();
    (0..chars.len().div_ceil(16)).map(move |i| chars[i * 16..chars.len().min(i * 16 + 16)].iter().collect())
}
