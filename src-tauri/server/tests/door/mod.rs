//! The doors of an engine of a test's own, and a client.

// Each test file takes of this what it needs.
#![allow(dead_code)]

use std::sync::Arc;

use engine::{Config, Engine};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use server::ServerConfig;

pub struct Door {
    pub engine: Arc<Engine>,
    pub url: String,
    pub operator: String,
    pub client: Client,
    _dir: tempfile::TempDir,
}

impl Door {
    pub async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // No run is started here: there is no program that could host one.
        let config = Config::new(dir.path().to_owned(), dir.path().join("no-such-program"));
        let engine = Engine::open(config).await.unwrap();
        let running = server::serve(Arc::clone(&engine), ServerConfig { port: Some(0) }).await.unwrap();
        let operator = std::fs::read_to_string(engine.paths().operator_token()).unwrap().trim().to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { url: running.url, engine, operator, client, _dir: dir }
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut r = self.client.request(method, format!("{}{path}", self.url));
        if let Some(t) = token {
            r = r.bearer_auth(t);
        }
        match body {
            Some(b) if b.get("file").is_some_and(Value::is_object) => {
                r = r
                    .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
                    .body(multipart(&b));
            }
            Some(b) => r = r.json(&b),
            None => {}
        }
        let r = r.send().await.unwrap();
        let status = r.status();
        (status, serde_json::from_slice(&r.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    /// As the operator, and it must succeed.
    pub async fn ok(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, v) = self.send(method, path, Some(&self.operator), body).await;
        assert!(status.is_success(), "{method} {path}: {status} {v}");
        v
    }

    pub async fn company(&self, name: &str) -> String {
        self.ok("POST", "/api/companies", Some(json!({ "name": name }))).await["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// An agent that is never started, with a key of its own.
    pub async fn agent(&self, company: &str, name: &str) -> (String, String) {
        let body = json!({ "name": name, "adapterType": "process", "adapterConfig": { "command": "true", "env": { "API_KEY": "hidden" } },
            "runtimeConfig": { "heartbeat": { "wakeOnDemand": false } } });
        let agent = self.ok("POST", &format!("/api/companies/{company}/agents"), Some(body)).await;
        let id = agent["id"].as_str().unwrap().to_owned();
        let key = self.ok("POST", &format!("/api/agents/{id}/keys"), Some(json!({}))).await;
        (id, key["token"].as_str().unwrap().to_owned())
    }
}

const BOUNDARY: &str = "----part";

/// A form with the file `{ name, type, content }` under `file`, and text in its other fields.
fn multipart(form: &Value) -> Vec<u8> {
    let mut out = String::new();
    for (key, value) in form.as_object().unwrap() {
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        out += &match value {
            Value::Object(file) => format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{key}\"; filename=\"{}\"\r\n\
                 Content-Type: {}\r\n\r\n{}\r\n",
                text(&file["name"]),
                text(&file["type"]),
                text(&file["content"])
            ),
            v => format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{}\r\n",
                text(v)
            ),
        };
    }
    out += &format!("--{BOUNDARY}--\r\n");
    out.into_bytes()
}

/// A path of the right shape for every parameter.
pub fn example(path: &str) -> String {
    let id = "6f1c2d9e-0000-7000-8000-000000000001";
    path.split('/')
        .map(|s| match s {
            "{key}" => "plan",
            "{type}" => "process",
            s if s.starts_with('{') => id,
            s => s,
        })
        .collect::<Vec<_>>()
        .join("/")
}
