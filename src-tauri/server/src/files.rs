//! Bytes at the HTTP door: files that come with a request, and files that are the answer.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use contract::attachment::FileContent;
use contract::{ApiError, CompanyId};
use engine::Caller;
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::{Map, Value};
use tokio_util::io::ReaderStream;

use crate::http::{Door, HINT};

/// Bytes of a field that is no file.
const FIELD_LIMIT: u64 = 64 * 1024;
/// Nothing runs in what is sent: no script, no page of ours around it, nothing fetched.
const BOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Reads a request whose part `file` is a file. The file goes into an upload that the input then names; what else is
/// sent are fields of the input.
pub(crate) async fn take(
    door: &Door,
    caller: &Caller,
    company: CompanyId,
    request: Request,
) -> Result<Map<String, Value>, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|_| {
        ApiError::invalid("The file must be sent as multipart/form-data, in the field `file`").with_hint(HINT)
    })?;
    // The file has a limit of its own, which the upload minds.
    let limits = SizeLimit::new().per_field(u64::MAX);
    let body = request.into_body().into_data_stream();
    let mut parts = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let mut input = Map::new();
    while let Some(mut part) = parts.next_field().await.map_err(|e| broken(&e))? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            if input.contains_key("uploadId") {
                return Err(ApiError::invalid("One file at a time"));
            }
            let mut upload = door.engine.receive(caller, company).await?;
            while let Some(bytes) = part.chunk().await.map_err(|e| broken(&e))? {
                upload.write(&bytes).await?;
            }
            let kind = part.content_type().map(ToString::to_string);
            let id = upload.finish(part.file_name(), kind.as_deref()).await?;
            input.insert("uploadId".to_owned(), Value::String(id.to_string()));
            continue;
        }
        let mut text = Vec::new();
        while let Some(bytes) = part.chunk().await.map_err(|e| broken(&e))? {
            text.extend_from_slice(&bytes);
            if text.len() as u64 > FIELD_LIMIT {
                return Err(ApiError::invalid(format!("The field {name} is too long")));
            }
        }
        let text = String::from_utf8(text)
            .map_err(|_| ApiError::invalid(format!("The field {name} is not valid UTF-8")))?;
        // A form has no other way to say that there is none.
        if !text.is_empty() && text != "null" {
            input.insert(name, Value::String(text));
        }
    }
    if !input.contains_key("uploadId") {
        return Err(ApiError::invalid("Missing file field 'file'").with_hint(HINT));
    }
    Ok(input)
}

fn broken(e: &multer::Error) -> ApiError {
    ApiError::invalid(format!("The request cannot be read: {e}")).with_hint("Nothing was kept.")
}

/// Sends a file as what it is, so that no client takes it for more.
pub(crate) async fn send(door: &Door, asked: &HeaderMap, content: FileContent) -> Result<Response, ApiError> {
    let tag = format!("\"{}\"", content.sha256);
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == tag.as_bytes());
    let mut r = Response::new(Body::empty());
    if known {
        *r.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let file = door.engine.open_file(&content).await?;
        *r.body_mut() = Body::from_stream(ReaderStream::with_capacity(file, 64 * 1024));
    }
    let headers = r.headers_mut();
    let mut put = |name: header::HeaderName, value: &str| {
        if let Ok(v) = HeaderValue::from_str(value) {
            headers.insert(name, v);
        }
    };
    put(header::ETAG, &tag);
    put(header::CACHE_CONTROL, "private, max-age=31536000, immutable");
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::CONTENT_DISPOSITION, &disposition(&content));
    if content.may_hold_scripts() {
        put(header::CONTENT_SECURITY_POLICY, BOX);
    }
    if !known {
        put(header::CONTENT_TYPE, &content.content_type);
        put(header::CONTENT_LENGTH, &content.byte_size.to_string());
    }
    Ok(r)
}

/// The name in plain ASCII for the old, and whole for the others (RFC 6266, RFC 8187).
fn disposition(content: &FileContent) -> String {
    let how = if content.is_shown_inline() { "inline" } else { "attachment" };
    let Some(name) = &content.filename else { return how.to_owned() };
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !"\"\\".contains(c) || c == ' ' { c } else { '_' })
        .collect();
    let mut whole = String::new();
    for b in name.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            whole.push(char::from(b));
        } else {
            whole.push_str(&format!("%{b:02X}"));
        }
    }
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8\'\'{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(name: &str, kind: &str) -> FileContent {
        FileContent {
            object_key: String::new(),
            content_type: kind.to_owned(),
            byte_size: 1,
            sha256: String::new(),
            filename: Some(name.to_owned()),
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        let said = disposition(&content("ä\"; evil=\"1.png", "image/png"));
        assert_eq!(
            said,
            "inline; filename=\"__; evil=_1.png\"; filename*=UTF-8\'\'%C3%A4%22%3B%20evil%3D%221.png"
        );
        assert!(disposition(&content("a.exe", "application/octet-stream")).starts_with("attachment;"));
    }
}
