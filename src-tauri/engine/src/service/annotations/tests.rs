#![allow(clippy::unwrap_used, clippy::expect_used)]

mod places;
mod wakes;
mod who;

use contract::{ApiError, ErrorCode, IssueId};
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Ends, Sim, id};

/// An issue with a document, and nobody at work.
pub(super) struct Desk {
    pub sim: Sim,
    pub issue: IssueId,
}

impl Desk {
    pub async fn with(seed: u64, body: &str) -> Self {
        let sim = Sim::new(seed).await;
        let issue = sim.issue_with(json!({})).await;
        let desk = Self { sim, issue };
        desk.write(body).await;
        desk
    }

    /// An agent's issue whose plan waits for the board, and the agent.
    pub async fn planned(seed: u64, body: &str) -> (Self, String) {
        let sim = Sim::new(seed).await;
        let agent = sim.agent("Ada", json!({})).await;
        let issue = sim.issue_with(json!({ "assigneeAgentId": agent, "workMode": "planning" })).await;
        let run = sim.one().await;
        let desk = Self { sim, issue };
        let document = desk.write(body).await;
        let target =
            json!({ "type": "issue_document", "key": "plan", "revisionId": document["latestRevisionId"] });
        let card = json!({ "id": issue, "kind": "request_confirmation",
            "payload": { "version": 1, "prompt": "Shall I?", "target": target } });
        desk.sim.try_ask(&Sim::as_run(&run), "interactions.create", card).await.unwrap();
        desk.sim.end(&run, Ends::Well("Planned.")).await;
        assert!(desk.sim.started().await.is_empty(), "it waits for the board");
        (desk, agent)
    }

    /// What an operation on the issue's plan takes.
    pub fn about(&self, more: Value) -> Value {
        let mut input = json!({ "id": self.issue, "key": "plan" });
        input.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        input
    }

    pub async fn read(&self) -> Value {
        self.sim.ask("documents.get", self.about(json!({}))).await
    }

    /// Saves the next revision.
    pub async fn write(&self, body: &str) -> Value {
        let base = self.sim.try_ask(&Caller::operator(), "documents.get", self.about(json!({}))).await;
        let base = base.map_or(Value::Null, |d| d["latestRevisionId"].clone());
        let text = json!({ "format": "markdown", "body": body, "baseRevisionId": base });
        self.sim.ask("documents.put", self.about(text)).await
    }

    /// Input of an operation that names a range of the newest revision.
    pub async fn selecting(&self, words: &str, more: Value) -> Value {
        let document = self.read().await;
        let (start, end) = units(document["body"].as_str().unwrap(), words);
        let mut input = self.about(json!({
            "baseRevisionId": document["latestRevisionId"],
            "baseRevisionNumber": document["latestRevisionNumber"],
            "range": { "markdownStart": start, "markdownEnd": end },
        }));
        input.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        input
    }

    pub async fn try_annotate(&self, caller: &Caller, words: &str, says: &str) -> Result<Value, ApiError> {
        let input = self.selecting(words, json!({ "body": says })).await;
        self.sim.try_ask(caller, "annotations.create", input).await
    }

    /// Begins a thread about these words.
    pub async fn annotate(&self, words: &str) -> Value {
        self.try_annotate(&Caller::operator(), words, "Why?").await.unwrap()
    }

    pub async fn reply(&self, caller: &Caller, thread: &Value, says: &str) -> Result<Value, ApiError> {
        let input = self.about(json!({ "threadId": id(thread), "body": says }));
        self.sim.try_ask(caller, "annotations.reply", input).await
    }

    pub async fn set(&self, caller: &Caller, thread: &Value, status: &str) -> Result<Value, ApiError> {
        let input = self.about(json!({ "threadId": id(thread), "status": status }));
        self.sim.try_ask(caller, "annotations.update", input).await
    }

    /// The thread as it is now.
    pub async fn thread(&self, thread: &Value) -> Value {
        self.sim.ask("annotations.get", self.about(json!({ "threadId": id(thread) }))).await
    }

    pub async fn snapshots(&self, thread: &Value) -> Vec<Value> {
        let all = self.sim.ask("annotations.snapshots", self.about(json!({ "threadId": id(thread) }))).await;
        all.as_array().unwrap().clone()
    }

    pub async fn threads(&self, status: &str) -> Vec<Value> {
        let all = self.sim.ask("annotations.list", self.about(json!({ "status": status }))).await;
        all.as_array().unwrap().clone()
    }

    /// What the trail of the issue tells, newest first.
    pub async fn trail(&self) -> Vec<(String, Value)> {
        let all = self.sim.ask("issues.activity", json!({ "id": self.issue })).await;
        let told = |a: &Value| (a["action"].as_str().unwrap().to_owned(), a["details"].clone());
        all.as_array().unwrap().iter().map(told).collect()
    }
}

/// Where these words stand first, as JavaScript counts.
pub(super) fn units(body: &str, words: &str) -> (usize, usize) {
    let before = &body[..body.find(words).unwrap()];
    let start = before.encode_utf16().count();
    (start, start + words.encode_utf16().count())
}

/// State, confidence and what it stands on.
pub(super) fn place(thread: &Value) -> (&str, &str, &str) {
    let text = |key: &str| thread[key].as_str().unwrap();
    (text("anchorState"), text("anchorConfidence"), text("selectedText"))
}

pub(super) fn refused(answer: Result<Value, ApiError>, code: ErrorCode) -> ApiError {
    let e = answer.unwrap_err();
    assert_eq!(e.code, code, "{e:?}");
    e
}
