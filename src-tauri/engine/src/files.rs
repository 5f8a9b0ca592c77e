//! Files that callers bring: received as an upload, kept as an asset, swept when nothing speaks of them any more.
//!
//! A file lies at its place before the row that names it is committed, and is taken away after the row's end was, so
//! that a row without its file is never seen; what a crash in between leaves behind, the sweep finds.

mod upload;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::attachment::FileContent;
use contract::{ApiError, CompanyId, ErrorCode, Timestamp, UploadId};

use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

pub(crate) use upload::Received;
pub use upload::Receiving;

/// How long an upload waits to be used.
const UPLOAD_KEPT: Duration = Duration::from_secs(3600);
/// A file that nothing speaks of may still be on its way into the database while it is young.
const ORPHAN_AGE: Duration = Duration::from_secs(3600);
/// Names looked up at once.
const SWEPT_AT_ONCE: usize = 500;

/// Uploads that nothing has used yet.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<HashMap<UploadId, Received>>);

impl Uploads {
    fn keep(&self, id: UploadId, received: Received) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, received);
    }

    fn take(&self, id: UploadId, caller: &Caller) -> Option<Received> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(&id)?.by != caller.actor {
            return None;
        }
        all.remove(&id)
    }

    /// Lets go of those from before `since`; their files go with them.
    fn forget(&self, since: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, r| r.at >= since);
    }
}

impl Engine {
    /// Takes an upload that the caller made.
    pub(crate) fn take_upload(&self, caller: &Caller, id: UploadId) -> Answer<Received> {
        self.uploads.take(id, caller).ok_or_else(|| {
            ApiError::unprocessable("There is no such upload")
                .with_hint("An upload is used once, within an hour.")
        })
    }

    /// Puts an upload to where an asset's bytes lie. Answers the key.
    pub(crate) async fn place(&self, company: CompanyId, received: Received) -> Answer<Placed> {
        let key = format!("{company}/{}", self.new_id::<contract::AssetId>());
        let to = self.paths.assets().join(&key);
        let at = to.clone();
        let moved = tokio::task::spawn_blocking(move || received.move_to(&at)).await;
        moved.map_err(|e| ApiError::internal(e.to_string()))?.map_err(|e| cannot_keep(&e))?;
        Ok(Placed { key, path: Some(to) })
    }

    /// Where the bytes of an asset lie.
    ///
    /// # Errors
    /// `not_found` when the file is gone.
    pub async fn open_file(self: &Arc<Self>, content: &FileContent) -> Result<tokio::fs::File, ApiError> {
        let path = self.paths.assets().join(&content.object_key);
        tokio::fs::File::open(&path).await.map_err(|e| {
            tracing::error!("the file of an attachment cannot be read: {}: {e}", path.display());
            ApiError::not_found("File").with_hint("`paperclip doctor` lists the files that are missing.")
        })
    }

    pub(crate) async fn remove_file(&self, key: &str) {
        let path = self.paths.assets().join(key);
        if let Err(e) = tokio::fs::remove_file(&path).await
            && e.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{} stays: {e}", path.display());
        }
    }

    /// Takes away uploads that nobody used, and files that nothing speaks of.
    pub(crate) async fn sweep_files(&self) -> Answer<()> {
        self.uploads.forget(self.now().minus(UPLOAD_KEPT));
        let root = self.paths.assets();
        let old = tokio::task::spawn_blocking(move || old_files(&root)).await;
        let old = old.map_err(|e| ApiError::internal(e.to_string()))?;
        for some in old.chunks(SWEPT_AT_ONCE) {
            let unknown = {
                let mut conn = self.store.read().await.answer()?;
                store::attachments::unknown_keys(&mut conn, some).await.answer()?
            };
            for key in unknown {
                tracing::info!("{key} belongs to nothing any more and is taken away");
                self.remove_file(&key).await;
            }
        }
        Ok(())
    }
}

/// An asset's file whose row is not committed yet: taken away again unless it is kept.
pub(crate) struct Placed {
    key: String,
    path: Option<PathBuf>,
}

impl Placed {
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Keys of the files that are old enough to be somebody's.
fn old_files(root: &Path) -> Vec<String> {
    let old = |f: &std::fs::DirEntry| {
        let age = f.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        age.is_some_and(|age| age > ORPHAN_AGE)
    };
    let folders = std::fs::read_dir(root).into_iter().flatten().flatten();
    let files = folders.flat_map(|f| std::fs::read_dir(f.path()).into_iter().flatten().flatten());
    files
        .filter(old)
        .filter_map(|f| {
            let path = f.path();
            Some(path.strip_prefix(root).ok()?.to_str()?.to_owned())
        })
        .collect()
}

fn cannot_keep(e: &std::io::Error) -> ApiError {
    match e.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            ApiError::new(ErrorCode::DiskFull, "The disk is full")
                .with_hint("Nothing was changed. Free some space and try again.")
        }
        _ => ApiError::new(ErrorCode::StoreUnavailable, format!("The file cannot be kept: {e}"))
            .with_hint("See that the disk of the data folder is there and writable."),
    }
}
