//! Files through the window's door: brought in pieces, shown by a scheme of their own, saved where the operator says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use contract::attachment::FileContent;
use contract::{ApiError, AttachmentId, CompanyId, ErrorCode, UploadId};
use paperclip_core::Receiving;
use tauri::http::{self, StatusCode, header};
use tauri::ipc::{InvokeBody, Request};
use tauri::{AppHandle, Manager as _, State, UriSchemeContext, UriSchemeResponder};
use tauri_plugin_dialog::DialogExt as _;
use tokio::io::AsyncReadExt as _;

use crate::desktop::Shell;

/// What the page asks for where it shows an attachment: `attachment://localhost/<id>`.
pub const SCHEME: &str = "attachment";
/// Larger files are not shown in a page: it would hold them in memory whole.
const SHOWN: i64 = 64 * 1024 * 1024;
/// Nothing runs in what is shown, and nothing is fetched for it.
const BOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Files that the page is sending.
#[derive(Default)]
pub struct Uploads {
    next: AtomicU64,
    all: Mutex<HashMap<u64, Arc<tokio::sync::Mutex<Receiving>>>>,
}

impl Uploads {
    fn get(&self, id: u64) -> Result<Arc<tokio::sync::Mutex<Receiving>>, ApiError> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&id).cloned().ok_or_else(|| ApiError::not_found("Upload"))
    }

    fn end(&self, id: u64) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// The page is gone, and what it was sending with it.
    pub fn forget(&self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Begins a file for a company, and answers with the number by which its pieces are sent.
#[tauri::command]
pub async fn upload_begin(shell: State<'_, Shell>, company_id: CompanyId) -> Result<u64, ApiError> {
    let receiving = shell.core.get().await?.receive(company_id).await?;
    let id = shell.uploads.next.fetch_add(1, Ordering::Relaxed);
    let receiving = Arc::new(tokio::sync::Mutex::new(receiving));
    shell.uploads.all.lock().unwrap_or_else(PoisonError::into_inner).insert(id, receiving);
    Ok(id)
}

/// Takes the next piece: raw bytes, with the number in the header `upload`.
#[tauri::command]
pub async fn upload_part(shell: State<'_, Shell>, request: Request<'_>) -> Result<(), ApiError> {
    let id = request.headers().get("upload").and_then(|v| v.to_str().ok()?.parse().ok());
    let id = id.ok_or_else(|| ApiError::invalid("the header `upload` names no upload"))?;
    let InvokeBody::Raw(bytes) = request.body() else {
        return Err(ApiError::invalid("a piece of a file is raw bytes"));
    };
    let receiving = shell.uploads.get(id)?;
    let taken = receiving.lock().await.write(bytes).await;
    if taken.is_err() {
        shell.uploads.end(id);
    }
    taken
}

/// All pieces are sent. Answers with the name by which an operation uses the file.
#[tauri::command]
pub async fn upload_finish(
    shell: State<'_, Shell>,
    id: u64,
    filename: Option<String>,
    content_type: Option<String>,
) -> Result<UploadId, ApiError> {
    let receiving = shell.uploads.get(id)?;
    shell.uploads.end(id);
    let receiving = Arc::try_unwrap(receiving)
        .map_err(|_| ApiError::invalid("a piece of the file is still on its way"))?
        .into_inner();
    receiving.finish(filename.as_deref(), content_type.as_deref()).await
}

/// The page does not go on with it.
#[tauri::command]
pub fn upload_cancel(shell: State<'_, Shell>, id: u64) {
    shell.uploads.end(id);
}

/// Lets the operator choose where a copy of an attachment is put. Answers whether one was made.
#[tauri::command]
pub async fn save_attachment(
    app: AppHandle,
    shell: State<'_, Shell>,
    id: AttachmentId,
) -> Result<bool, ApiError> {
    let (content, mut from) = shell.core.get().await?.file(id).await?;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let name = content.filename.unwrap_or_else(|| "attachment".to_owned());
    app.dialog().file().set_file_name(name).save_file(move |to| {
        let _ = sender.send(to);
    });
    let Some(to) = receiver.await.ok().flatten().and_then(|to| to.into_path().ok()) else { return Ok(false) };
    let cannot = |e: std::io::Error| {
        ApiError::new(ErrorCode::Unavailable, format!("{} cannot be written: {e}", to.display()))
    };
    let mut file = tokio::fs::File::create(&to).await.map_err(cannot)?;
    tokio::io::copy(&mut from, &mut file).await.map_err(cannot)?;
    file.sync_all().await.map_err(cannot)?;
    Ok(true)
}

/// Answers what the page asks for by the scheme.
pub fn serve<R: tauri::Runtime>(
    context: UriSchemeContext<'_, R>,
    request: http::Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let core = context.app_handle().state::<Shell>().core.clone();
    let id = request.uri().path().trim_start_matches('/').parse::<AttachmentId>();
    tauri::async_runtime::spawn(async move {
        let found = match id {
            Ok(id) => match core.get().await {
                Ok(core) => core.file(id).await,
                Err(e) => Err(e),
            },
            Err(_) => Err(ApiError::not_found("Attachment")),
        };
        let answer = match found {
            Ok((content, file)) => shown(content, file).await,
            Err(e) => Err(e),
        };
        responder.respond(answer.unwrap_or_else(|e| refused(&e)));
    });
}

async fn shown(content: FileContent, file: tokio::fs::File) -> Result<http::Response<Vec<u8>>, ApiError> {
    if content.byte_size > SHOWN {
        return Err(ApiError::unprocessable("The file is too large to be shown; save it"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(content.byte_size).unwrap_or(0));
    let most = u64::try_from(SHOWN).unwrap_or(u64::MAX);
    let read = file.take(most).read_to_end(&mut bytes).await;
    read.map_err(|e| ApiError::internal(format!("the file cannot be read: {e}")))?;
    http::Response::builder()
        .header(header::CONTENT_TYPE, content.content_type)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, BOX)
        .header(header::CACHE_CONTROL, "private, max-age=31536000, immutable")
        .body(bytes)
        .map_err(|e| ApiError::internal(e.to_string()))
}

fn refused(e: &ApiError) -> http::Response<Vec<u8>> {
    let mut r = http::Response::new(e.message.clone().into_bytes());
    *r.status_mut() = StatusCode::from_u16(e.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    r
}
