//! A file that is being received, piece by piece, into a folder of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::{ApiError, CompanyId, ErrorCode, Timestamp, UploadId};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::cannot_keep;
use crate::caller::Actor;
use crate::error::OrAnswer;
use crate::{Caller, Engine};

/// Paperclip's limit, whatever a company allows.
const MOST: i64 = 1 << 30;
const NAME_CHARS: usize = 255;

/// A file on its way in. Dropped before its end, it leaves nothing.
pub struct Receiving {
    engine: Arc<Engine>,
    by: Actor,
    file: tokio::fs::File,
    at: Temporary,
    hash: Sha256,
    size: i64,
    most: i64,
}

/// A file that came in whole.
pub(crate) struct Received {
    pub by: Actor,
    pub at: Timestamp,
    pub size: i64,
    pub sha256: String,
    pub filename: Option<String>,
    pub content_type: String,
    file: Temporary,
}

/// Taken away when it is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Engine {
    /// Begins to receive a file, of no more bytes than the company takes.
    pub async fn receive(
        self: &Arc<Self>,
        caller: &Caller,
        company: CompanyId,
    ) -> Result<Receiving, ApiError> {
        let company = {
            let mut conn = self.store.read().await.answer()?;
            self.company(&mut conn, caller, company).await?
        };
        if runner::log::is_disk_scarce(self.paths.root()) {
            return Err(ApiError::new(ErrorCode::DiskFull, "The disk is nearly full")
                .with_hint("Nothing was changed. Free some space and try again."));
        }
        let folder = self.paths.uploads();
        tokio::fs::create_dir_all(&folder).await.map_err(|e| cannot_keep(&e))?;
        let path = folder.join(self.new_id::<UploadId>().to_string());
        let mut open = tokio::fs::OpenOptions::new();
        open.write(true).create_new(true);
        #[cfg(unix)]
        open.mode(0o600);
        let file = open.open(&path).await.map_err(|e| cannot_keep(&e))?;
        Ok(Receiving {
            engine: Arc::clone(self),
            by: caller.actor.clone(),
            file,
            at: Temporary(path),
            hash: Sha256::new(),
            size: 0,
            most: company.attachment_max_bytes.clamp(1, MOST),
        })
    }
}

impl Receiving {
    /// # Errors
    /// `unprocessable` once it is larger than the company takes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        self.size += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if self.size > self.most {
            return Err(ApiError::unprocessable(format!(
                "The file is larger than {}, which is the most that this company takes",
                size_in_words(self.most)
            ))
            .with_details(serde_json::json!({ "maxBytes": self.most })));
        }
        self.hash.update(bytes);
        self.file.write_all(bytes).await.map_err(|e| cannot_keep(&e))
    }

    /// All bytes are here. Answers the name by which an operation uses them, once and within an hour.
    pub async fn finish(
        mut self,
        filename: Option<&str>,
        content_type: Option<&str>,
    ) -> Result<UploadId, ApiError> {
        self.file.flush().await.map_err(|e| cannot_keep(&e))?;
        self.file.sync_all().await.map_err(|e| cannot_keep(&e))?;
        let filename = filename.and_then(plain_name);
        let received = Received {
            by: self.by,
            at: self.engine.now(),
            size: self.size,
            sha256: hex(&self.hash.finalize()),
            content_type: kind_of(content_type, filename.as_deref()),
            filename,
            file: self.at,
        };
        let id = self.engine.new_id();
        self.engine.uploads.keep(id, received);
        Ok(id)
    }
}

impl Received {
    pub(super) fn move_to(&self, to: &Path) -> io::Result<()> {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::rename(&self.file.0, to)?;
        // The name has to survive a power cut as well, for the row that speaks of it will.
        to.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// The last part of what a client calls the file, without what no file system or header takes.
fn plain_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    let clean = clean.trim();
    (!clean.is_empty() && clean != "." && clean != "..").then(|| clean.to_owned())
}

/// What the client says it is, or what its name says, or just bytes.
fn kind_of(declared: Option<&str>, filename: Option<&str>) -> String {
    const BYTES: &str = "application/octet-stream";
    let sane = |kind: &&str| {
        kind.len() <= 200
            && kind.is_ascii()
            && kind.contains('/')
            && !kind.bytes().any(|b| b.is_ascii_control())
    };
    let declared = declared.map(str::trim).filter(sane).filter(|k| *k != BYTES);
    declared.map(str::to_owned).unwrap_or_else(|| {
        let guess = filename.and_then(|f| mime_guess::from_path(f).first());
        guess.map_or_else(|| BYTES.to_owned(), |m| m.essence_str().to_owned())
    })
}

fn size_in_words(bytes: i64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_plain() {
        let plain = |n: &str| plain_name(n);
        assert_eq!(plain("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(plain("C:\\temp\\a b.png").as_deref(), Some("a b.png"));
        assert_eq!(plain("a\r\nb\0.txt").as_deref(), Some("ab.txt"));
        assert_eq!((plain(".."), plain("x/"), plain("")), (None, None, None));
    }

    #[test]
    fn kinds_are_taken_from_the_client_or_the_name() {
        assert_eq!(kind_of(Some("image/png"), Some("a.txt")), "image/png");
        assert_eq!(kind_of(Some("application/octet-stream"), Some("a.txt")), "text/plain");
        assert_eq!(kind_of(Some("no kind"), Some("a.pdf")), "application/pdf");
        assert_eq!(kind_of(Some("a/b\r\nX-Evil: 1"), None), "application/octet-stream");
    }
}
