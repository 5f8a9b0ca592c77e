//! Files on their way to the core, in pieces: a file as a whole would stand in memory several times over.

use contract::attachment::{AddAttachment, Attachment};
use contract::operations::AddAttachmentOp;
use contract::{ApiError, CommentId, CompanyId, IssueId, UploadId};
use js_sys::{ArrayBuffer, Uint8Array};
use serde_json::json;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use super::call;
use crate::ipc;

/// Bytes sent at once.
const PIECE: f64 = 2.0 * 1024.0 * 1024.0;

/// Sends a file to the core. `told` hears which share of it is there.
async fn upload(company: CompanyId, file: &web_sys::File, told: impl Fn(f64)) -> Result<UploadId, ApiError> {
    let id: u64 = ipc::invoke_bytes("upload_begin", &json!({ "companyId": company })).await?;
    match send(id, file, told).await {
        Ok(()) => {
            let kind = Some(file.type_()).filter(|t| !t.is_empty());
            let named = json!({ "id": id, "filename": file.name(), "contentType": kind });
            ipc::invoke_bytes("upload_finish", &named).await
        }
        Err(e) => {
            ipc::send("upload_cancel", json!({ "id": id }));
            Err(e)
        }
    }
}

async fn send(id: u64, file: &web_sys::File, told: impl Fn(f64)) -> Result<(), ApiError> {
    let unreadable = || ApiError::invalid(format!("{} cannot be read", file.name()));
    let size = file.size();
    let mut at = 0.0;
    while at < size {
        let end = (at + PIECE).min(size);
        let piece = file.slice_with_f64_and_f64(at, end).map_err(|_| unreadable())?;
        let bytes = JsFuture::from(piece.array_buffer()).await.map_err(|_| unreadable())?;
        let bytes = Uint8Array::new(bytes.unchecked_ref::<ArrayBuffer>());
        ipc::invoke_raw("upload_part", &bytes, ("upload", &id.to_string())).await?;
        at = end;
        told(at / size);
    }
    Ok(())
}

/// Attaches a file to an issue, or to one of its comments.
pub async fn attach(
    company: CompanyId,
    issue: IssueId,
    comment: Option<CommentId>,
    file: &web_sys::File,
    told: impl Fn(f64),
) -> Result<Attachment, ApiError> {
    let upload_id = upload(company, file, told).await?;
    let input =
        AddAttachment { company_id: company, issue_id: issue.into(), upload_id, issue_comment_id: comment };
    call::<AddAttachmentOp>(&input).await
}

/// The Markdown that shows an attachment where it stands.
pub fn markdown(a: &Attachment) -> String {
    let name = a.original_filename.as_deref().unwrap_or("attachment").replace(['[', ']', '\\'], "");
    let mark = if a.content_type.starts_with("image/") { "!" } else { "" };
    format!("{mark}[{name}]({})", a.content_path)
}
