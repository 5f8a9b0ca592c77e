//! Finds the running program and calls it over its HTTP door.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use contract::{ApiError, ErrorCode, JsonObject, Method, OperationInfo};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use runner::places;
use serde_json::Value;

use crate::failure::Failure;

/// Longer than any operation takes; a backup of a large database is the slowest.
const DEADLINE: Duration = Duration::from_secs(120);

/// What every command understands.
pub struct Globals {
    data_dir: Option<PathBuf>,
    api_base: Option<String>,
    api_key: Option<String>,
    pub company: Option<String>,
    pub json: bool,
}

impl Globals {
    pub fn read(matches: &ArgMatches) -> Self {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let data_dir = matches.get_one::<PathBuf>("data-dir").cloned();
        // A data folder that was asked for by name is meant, whatever the surroundings say.
        let surroundings = data_dir.is_none();
        let from_env = |name: &str| if surroundings { env(name) } else { None };
        Self {
            api_base: text("api-base").or_else(|| from_env("PAPERCLIP_API_URL")),
            api_key: text("api-key").or_else(|| from_env("PAPERCLIP_API_KEY")),
            company: text("company-id").or_else(|| from_env("PAPERCLIP_COMPANY_ID")),
            json: matches.get_flag("json-output"),
            data_dir,
        }
    }

    pub fn data_dir(&self) -> Result<PathBuf, Failure> {
        places::data_dir(self.data_dir.clone()).ok_or(Failure::NoDataDir)
    }
}

/// What a running program writes for its clients.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerFile {
    url: String,
    token_file: PathBuf,
}

/// A program that can be called.
pub struct Program {
    base: String,
    token: Option<String>,
    /// Where it was found, when it was found through its data folder.
    data_dir: Option<PathBuf>,
}

impl Program {
    pub fn find(globals: &Globals) -> Result<Self, Failure> {
        if let Some(base) = &globals.api_base {
            let base = base.trim_end_matches('/').to_owned();
            return Ok(Self { base, token: globals.api_key.clone(), data_dir: None });
        }
        let data_dir = globals.data_dir()?;
        let path = places::server_file(&data_dir);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Failure::NotRunning { data_dir });
            }
            Err(e) => return Err(Failure::BadFile { path, why: e.to_string() }),
        };
        let server: ServerFile =
            serde_json::from_str(&text).map_err(|e| Failure::BadFile { path, why: e.to_string() })?;
        let token = match &globals.api_key {
            Some(key) => key.clone(),
            None => std::fs::read_to_string(&server.token_file)
                .map_err(|e| Failure::BadFile { path: server.token_file, why: e.to_string() })?
                .trim()
                .to_owned(),
        };
        Ok(Self { base: server.url, token: Some(token), data_dir: Some(data_dir) })
    }

    /// Calls an operation and gives what it answered.
    pub fn call(&self, operation: &OperationInfo, mut input: JsonObject) -> Result<Value, Failure> {
        let mut path = String::new();
        for segment in operation.path.split('/').skip(1) {
            path.push('/');
            match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
                None => path.push_str(segment),
                Some(name) => {
                    let value = input.remove(name).unwrap_or_default();
                    let text = value.as_str().ok_or_else(|| Failure::usage(format!("{name} is missing")))?;
                    encode(text, &mut path);
                }
            }
        }
        let body = if operation.method == Method::Get {
            query(&input, &mut path);
            None
        } else {
            Some(Value::Object(input))
        };
        self.request(operation.method, &path, body)
    }

    /// The id of the company, where there is no choice.
    pub fn only_company(&self) -> Result<String, Failure> {
        let companies = self.request(Method::Get, "/api/companies", None)?;
        match companies.as_array().map(Vec::as_slice) {
            Some([only]) => Ok(only["id"].as_str().unwrap_or_default().to_owned()),
            Some([]) => {
                Err(Failure::usage("there is no company yet: create one with `paperclip companies create`"))
            }
            _ => Err(Failure::usage(
                "there are several companies: choose one with --company-id (`paperclip companies list` shows them)",
            )),
        }
    }

    fn request(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| self.unreachable(&e))?;
        runtime.block_on(async {
            match tokio::time::timeout(DEADLINE, self.exchange(method, path, body)).await {
                Ok(answer) => answer,
                Err(_) => Err(self.unreachable(&format!("no answer within {} s", DEADLINE.as_secs()))),
            }
        })
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let base: Uri = self.base.parse().map_err(|_| {
            Failure::usage(format!(
                "`{}` is no address; it should look like http://127.0.0.1:3100",
                self.base
            ))
        })?;
        let (Some("http"), Some(authority)) = (base.scheme_str(), base.authority()) else {
            return Err(Failure::usage(format!("`{}`: only http on this machine is spoken", self.base)));
        };
        let address = (authority.host().to_owned(), authority.port_u16().unwrap_or(80));
        let stream = tokio::net::TcpStream::connect(address).await.map_err(|e| self.not_there(&e))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| self.unreachable(&e))?;
        tokio::spawn(connection);

        let mut request = Request::builder()
            .method(method.as_str())
            .uri(path)
            .header("host", authority.as_str())
            .header("accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Ok(run) = std::env::var("PAPERCLIP_RUN_ID") {
            request = request.header("x-paperclip-run-id", run);
        }
        let bytes = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let request = request
            .body(Full::new(bytes))
            .map_err(|_| Failure::usage("the token or an id holds characters that cannot be sent"))?;
        let response = sender.send_request(request).await.map_err(|e| self.unreachable(&e))?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|e| self.unreachable(&e))?.to_bytes();
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|e| self.unreachable(&format!("an answer that is not JSON: {e}")));
        }
        Err(Failure::Refused(refusal(status, &bytes)))
    }

    fn not_there(&self, error: &std::io::Error) -> Failure {
        match &self.data_dir {
            Some(data_dir) => Failure::NotRunning { data_dir: data_dir.clone() },
            None => self.unreachable(error),
        }
    }

    fn unreachable(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::Unreachable { base: self.base.clone(), why: why.to_string() }
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> ApiError {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        ApiError::new(ErrorCode::Internal, format!("{status}: {}", String::from_utf8_lossy(body).trim()))
    })
}

/// Appends the fields as a query, lists with commas between their items.
fn query(input: &JsonObject, path: &mut String) {
    let mut before = '?';
    for (name, value) in input {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Array(items) => items
                .iter()
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(","),
            other => other.to_string(),
        };
        path.push(before);
        encode(name, path);
        path.push('=');
        encode(&text, path);
        before = '&';
    }
}

/// Percent-encodes all but what RFC 3986 calls unreserved, and the comma, which separates items.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn a_query_is_encoded() {
        let Value::Object(input) =
            json!({"q": "a b&c", "status": ["todo", "done"], "limit": 5, "none": null})
        else {
            unreachable!()
        };
        let mut path = String::from("/x");
        super::query(&input, &mut path);
        assert_eq!(path, "/x?limit=5&q=a%20b%26c&status=todo,done");
    }
}
