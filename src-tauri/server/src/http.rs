//! The HTTP door: one route for every declared operation.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequest, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use contract::operations::ALL;
use contract::{ApiError, Bytes, CompanyId, ErrorCode, Method, OperationInfo, RunId};
use engine::{Caller, Engine};
use serde_json::{Map, Value};

use crate::{files, guard, openapi, ws};

/// Paperclip's limit for a JSON body.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// Where a caller finds what is expected.
pub(crate) const HINT: &str = "GET /api/openapi.json describes what each route takes.";

/// What every handler needs.
#[derive(Clone)]
pub(crate) struct Door {
    pub engine: Arc<Engine>,
    pub port: u16,
}

/// A refusal on its way out.
pub(crate) struct Refusal(pub ApiError);

impl From<ApiError> for Refusal {
    fn from(e: ApiError) -> Self {
        Self(e)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        json(status, body)
    }
}

fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut r = Response::new(body.into());
    *r.status_mut() = status;
    let headers = r.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    r
}

pub(crate) fn router(engine: Arc<Engine>, port: u16) -> Router {
    let door = Door { engine, port };
    let mut router = Router::new();
    let mut paths: Vec<&'static str> = ALL.iter().map(|o| o.path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let mut methods: MethodRouter<Door> = MethodRouter::new();
        for op in ALL.iter().filter(|o| o.path == path) {
            methods = methods.merge(route(op));
        }
        router = router.route(path, methods.fallback(not_found));
    }
    router
        .route("/api/openapi.json", get(describe))
        .route("/api/companies/{companyId}/events/ws", get(ws::events))
        .fallback(not_found)
        .with_state(door)
}

/// Text that cannot be read is refused like all other bad input, not before it is known who calls.
type Params = Result<RawPathParams, RawPathParamsRejection>;

fn route(op: &'static OperationInfo) -> MethodRouter<Door> {
    let filter = match op.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    };
    on(filter, move |State(door): State<Door>, params: Params, request: Request| async move {
        match answer(&door, op, params, request).await {
            Ok(r) => r,
            Err(e) => Refusal(e).into_response(),
        }
    })
}

async fn answer(
    door: &Door,
    op: &OperationInfo,
    params: Params,
    request: Request,
) -> Result<Response, ApiError> {
    let caller = admit(door, request.headers(), None).await?;
    caller_may(&caller, op)?;
    let query = request.uri().query().unwrap_or_default().to_owned();
    let params = params.map_err(|_| ApiError::invalid("The path is not valid UTF-8").with_hint(HINT))?;
    let headers = request.headers().clone();
    let body = match (op.method, op.bytes) {
        (Method::Get, _) => Map::new(),
        (_, Bytes::Taken) => files::take(door, &caller, company_of(&params)?, request).await?,
        _ => read_body(request).await?,
    };
    let input = gather(body, &query, &params)?;
    let reply = door.engine.call(&caller, op.name, input).await?;
    if op.bytes == Bytes::Given {
        let content = serde_json::from_slice(&reply.body).map_err(|e| ApiError::internal(e.to_string()))?;
        return files::send(door, &headers, content).await;
    }
    Ok(json(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK), reply.body))
}

/// The company that the path names.
fn company_of(params: &RawPathParams) -> Result<CompanyId, ApiError> {
    let named = params.iter().find(|(k, _)| *k == "companyId").map(|(_, v)| v).unwrap_or_default();
    named.parse().map_err(|e| ApiError::invalid(format!("companyId: {e}")).with_hint(HINT))
}

/// Refuses before the body is read. The engine checks again, as it does for every door.
fn caller_may(caller: &Caller, op: &OperationInfo) -> Result<(), ApiError> {
    caller.admitted(op.access)
}

/// Checks where the request came from and whom its token belongs to.
pub(crate) async fn admit(door: &Door, headers: &HeaderMap, token: Option<&str>) -> Result<Caller, ApiError> {
    guard::check(headers, door.port)?;
    let bearer = match headers.get(header::AUTHORIZATION) {
        None => token,
        Some(v) => {
            let text = v.to_str().ok().and_then(|s| s.split_once(' '));
            match text {
                Some((scheme, t)) if scheme.eq_ignore_ascii_case("bearer") => Some(t.trim()),
                _ => return Err(ApiError::unauthorized("The Authorization header must be `Bearer <token>`")),
            }
        }
    };
    let run = match headers.get("x-paperclip-run-id").map(|v| v.to_str().unwrap_or_default().trim()) {
        None | Some("") => None,
        Some(s) => {
            Some(s.parse::<RunId>().map_err(|e| ApiError::invalid(format!("X-Paperclip-Run-Id: {e}")))?)
        }
    };
    door.engine.authenticate(bearer, run).await
}

async fn read_body(request: Request) -> Result<Map<String, Value>, ApiError> {
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|n| n > MAX_BODY) {
        return Err(too_large());
    }
    let request = request.map(|b| Body::new(http_body_util::Limited::new(b, MAX_BODY)));
    let bytes = axum::body::Bytes::from_request(request, &()).await.map_err(|_| too_large())?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(o)) => Ok(o),
        Ok(_) => Err(ApiError::invalid("The body must be a JSON object").with_hint(HINT)),
        Err(e) => Err(ApiError::invalid(format!("The body is not valid JSON: {e}")).with_hint(HINT)),
    }
}

fn too_large() -> ApiError {
    ApiError::new(ErrorCode::PayloadTooLarge, "The body is larger than 10 MiB").with_hint(
        "Nothing was changed. Send less at once: split the text, or keep it in a file of the workspace.",
    )
}

/// One input from body, query and path. The path says what is meant, so it wins.
fn gather(mut input: Map<String, Value>, query: &str, params: &RawPathParams) -> Result<Value, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| ApiError::invalid("The query cannot be read").with_hint(HINT))?;
    for (key, value) in pairs {
        input.entry(key).or_insert(Value::String(value));
    }
    for (key, value) in params {
        input.insert(key.to_owned(), Value::String(value.to_owned()));
    }
    Ok(Value::Object(input))
}

async fn not_found(State(door): State<Door>, headers: HeaderMap) -> Response {
    let e = match admit(&door, &headers, None).await {
        Ok(_) => ApiError::new(ErrorCode::NotFound, "API route not found")
            .with_hint("GET /api/openapi.json lists the routes."),
        Err(e) => e,
    };
    Refusal(e).into_response()
}

async fn describe(State(door): State<Door>, headers: HeaderMap) -> Result<Response, Refusal> {
    admit(&door, &headers, None).await?.admitted(contract::Access::Company)?;
    let body = serde_json::to_vec(openapi::document()).unwrap_or_default();
    Ok(json(StatusCode::OK, body))
}
