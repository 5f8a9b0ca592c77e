//! The per-company WebSocket, in Paperclip's format, fed from the feed of changes.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use contract::feed::Change;
use contract::live::{LiveEvent, LiveEventType};
use contract::run::OutputStream;
use contract::transcript::{EntryBody, TranscriptPage};
use contract::{ApiError, CompanyId, JsonObject, Kind, RunId, Timestamp};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::http::{Door, Refusal, admit};

const PING_EVERY: Duration = Duration::from_secs(30);
/// The end of a batch of output that a frame carries.
const LOG_TAIL: usize = 8 * 1024;
/// Frames a slow client may have waiting before its output is held back.
const WAITING: usize = 256;
/// Frames the client may send; it has nothing to say.
const MAX_INCOMING: usize = 4 * 1024;

#[derive(Deserialize)]
pub(crate) struct Credentials {
    token: Option<String>,
}

pub(crate) async fn events(
    State(door): State<Door>,
    company: Result<Path<String>, PathRejection>,
    credentials: Result<Query<Credentials>, QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    // What is wrong with the rest is told to those only who may come in.
    let token = credentials.ok().and_then(|Query(c)| c.token);
    let caller = admit(&door, &headers, token.as_deref()).await?;
    let Path(company) = company.map_err(|_| invalid("The path is not valid UTF-8"))?;
    let company: CompanyId = company.parse().map_err(|e| invalid(format!("companyId: {e}")))?;
    let input = serde_json::json!({ "companyId": company });
    // Whoever may read the company may watch it.
    door.engine.call(&caller, "companies.get", input).await?;
    let upgrade = upgrade.map_err(|e| invalid(format!("This address is a WebSocket: {e}")))?;
    let pass = Pass { headers, token };
    Ok(upgrade.max_message_size(MAX_INCOMING).on_upgrade(move |socket| watch(door, company, pass, socket)))
}

/// What a client was let in with. A run's token dies with its run and a key can be revoked, also while it listens.
struct Pass {
    headers: HeaderMap,
    token: Option<String>,
}

impl Pass {
    async fn holds(&self, door: &Door) -> bool {
        admit(door, &self.headers, self.token.as_deref()).await.is_ok()
    }
}

/// Whether this could end somebody's right to listen.
fn may_end_a_pass(c: &Change) -> bool {
    matches!(c.kind, Kind::Run | Kind::Agent | Kind::AgentKey | Kind::Instance)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::invalid(message)
        .with_hint("Open a WebSocket on /api/companies/{companyId}/events/ws, with a token.")
}

async fn watch(door: Door, company: CompanyId, pass: Pass, socket: WebSocket) {
    let (mut out, mut incoming) = socket.split();
    let mut feed = door.engine.follow_changes(None, Some(company));
    let (logs, mut log_events) = mpsc::channel::<LiveEvent>(WAITING);
    let mut followed: HashSet<RunId> = HashSet::new();
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut heard = Instant::now();
    loop {
        let events = tokio::select! {
            page = feed.next() => match page {
                Some(page) => {
                    if page.changes.iter().any(may_end_a_pass) && !pass.holds(&door).await {
                        let _ = out.send(no_longer_admitted()).await;
                        break;
                    }
                    for run in page.changes.iter().filter_map(started) {
                        if followed.insert(run) {
                            follow(&door, company, run, logs.clone());
                        }
                    }
                    page.changes.into_iter().filter_map(|c| event_of(company, c)).collect()
                }
                None => break,
            },
            Some(e) = log_events.recv() => vec![e],
            message = incoming.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
            },
            _ = ping.tick() => {
                if !pass.holds(&door).await {
                    let _ = out.send(no_longer_admitted()).await;
                    break;
                }
                if heard.elapsed() > PING_EVERY * 2 || out.send(Message::Ping(Vec::new().into())).await.is_err() {
                    break;
                }
                continue;
            }
        };
        for event in events {
            let Ok(text) = serde_json::to_string(&event) else { continue };
            if out.send(Message::Text(text.into())).await.is_err() {
                return;
            }
        }
    }
    let _ = out.close().await;
}

/// 401 in the range of codes that a WebSocket leaves to programs.
fn no_longer_admitted() -> Message {
    let reason = "The token is not valid any more".into();
    Message::Close(Some(CloseFrame { code: 4401, reason }))
}

fn started(c: &Change) -> Option<RunId> {
    let running = c.payload.as_ref()?.get("status").and_then(Value::as_str) == Some("running");
    (c.kind == Kind::Run && running).then(|| c.entity_id.parse().ok()).flatten()
}

/// What a change is to a live client. Changes without a payload are for the window alone.
fn event_of(company: CompanyId, c: Change) -> Option<LiveEvent> {
    let payload = c.payload?;
    let kind = match c.kind {
        Kind::Activity => LiveEventType::ActivityLogged,
        Kind::RunEvent => LiveEventType::RunEvent,
        Kind::Run if payload.contains_key("status") => LiveEventType::RunStatus,
        Kind::Run => LiveEventType::RunQueued,
        Kind::Agent => LiveEventType::AgentStatus,
        _ => return None,
    };
    Some(LiveEvent { id: c.seq, company_id: company, r#type: kind, created_at: c.at, payload })
}

/// Follows a run's output for as long as the client listens.
fn follow(door: &Door, company: CompanyId, run: RunId, logs: mpsc::Sender<LiveEvent>) {
    let mut feed = door.engine.follow_run(run, 0, true);
    tokio::spawn(async move {
        while let Some(Ok(page)) = feed.next().await {
            for event in log_events(company, run, &page) {
                if logs.send(event).await.is_err() {
                    return;
                }
            }
        }
    });
}

/// One event a stream and batch: the end of what it wrote.
fn log_events(company: CompanyId, run: RunId, page: &TranscriptPage) -> Vec<LiveEvent> {
    let mut out = Vec::new();
    for stream in [OutputStream::Stdout, OutputStream::Stderr, OutputStream::System] {
        let mut chunk = String::new();
        let mut last: Option<Timestamp> = None;
        for e in &page.entries {
            let text = match (&e.body, stream) {
                (EntryBody::Stdout { text }, OutputStream::Stdout)
                | (EntryBody::Stderr { text }, OutputStream::Stderr)
                | (EntryBody::System { text }, OutputStream::System) => text,
                _ => continue,
            };
            chunk.push_str(text);
            chunk.push('\n');
            last = Some(e.ts);
        }
        let Some(ts) = last else { continue };
        let truncated = chunk.len() > LOG_TAIL;
        if truncated {
            let mut at = chunk.len() - LOG_TAIL;
            while !chunk.is_char_boundary(at) {
                at += 1;
            }
            chunk.drain(..at);
        }
        let mut payload = JsonObject::new();
        payload.insert("runId".into(), run.to_string().into());
        payload.insert("ts".into(), ts.to_string().into());
        payload.insert("stream".into(), stream.as_str().into());
        payload.insert("chunk".into(), chunk.into());
        payload.insert("truncated".into(), truncated.into());
        out.push(LiveEvent {
            id: 0,
            company_id: company,
            r#type: LiveEventType::RunLog,
            created_at: ts,
            payload,
        });
    }
    out
}
