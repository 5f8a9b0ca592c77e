//! Errors of the engine, and how inner errors look at a door.

use std::path::PathBuf;

use contract::{ApiError, ErrorCode};
use store::StoreError;

/// Why the engine cannot be opened or started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("cannot use the data folder {path}: {source}")]
    DataFolder { path: PathBuf, source: std::io::Error },
    #[error("another program{} already uses the data folder {path}", pid.map(|p| format!(" (process {p})")).unwrap_or_default())]
    InUse { path: PathBuf, pid: Option<u32> },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Start(String),
}

impl EngineError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InUse { .. } => Some("Quit that program, or choose another folder with --data-dir."),
            Self::Store(StoreError::Newer { .. }) => Some(
                "Install the newer version again, or restore a backup made by this version into another folder.",
            ),
            Self::Store(StoreError::Damaged { .. }) => Some(
                "Nothing was changed. Put the newest file of the folder `backups` in its place with `paperclip restore FILE`; the damaged file is kept beside it.",
            ),
            Self::Store(StoreError::NotADatabase(_)) => {
                Some("Move that file away, or choose another folder with --data-dir.")
            }
            Self::Store(StoreError::Locked) => {
                Some("Close the program that has the database open and try again.")
            }
            Self::Store(StoreError::DiskFull) => Some("Free some space on that disk and start again."),
            Self::DataFolder { source, .. } if is_full(source) => {
                Some("Free some space on that disk and start again.")
            }
            Self::DataFolder { .. } | Self::Store(StoreError::Unusable { .. } | StoreError::Io(_)) => Some(
                "See that the disk has room and that you may write there, or choose another folder with --data-dir.",
            ),
            _ => None,
        }
    }
}

fn is_full(e: &std::io::Error) -> bool {
    matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Whether the same may succeed later, without anybody asking for something else: the disk is full, or another
/// program holds the database.
pub(crate) fn may_pass(e: &ApiError) -> bool {
    matches!(e.code, ErrorCode::StoreUnavailable | ErrorCode::StoreDamaged | ErrorCode::DiskFull)
}

/// The result of every service.
pub(crate) type Answer<T> = Result<T, ApiError>;

/// Turns an error of the store into what a caller is told.
pub(crate) fn store_error(e: StoreError) -> ApiError {
    match e {
        StoreError::Constraint { what } => {
            ApiError::conflict("That clashes with something that is there already")
                .with_details(serde_json::json!({ "reason": what }))
        }
        StoreError::Locked => {
            ApiError::new(ErrorCode::StoreUnavailable, "The database is locked by another program")
                .with_hint("Nothing was changed. Close the other program and try again.")
        }
        StoreError::DiskFull => ApiError::new(ErrorCode::DiskFull, "The disk is full")
            .with_hint("Nothing was changed. Free some space and try again."),
        StoreError::Damaged { what } => {
            ApiError::new(ErrorCode::StoreDamaged, format!("The database is damaged: {what}"))
                .with_details(serde_json::json!({ "reason": what }))
                .with_hint(
                    "Nothing is written any more. `paperclip doctor` says which backup to restore, and how.",
                )
        }
        StoreError::Unusable { what } => {
            ApiError::new(ErrorCode::StoreUnavailable, format!("The database file cannot be used: {what}"))
                .with_hint(
                    "Nothing was changed. See that its disk is there, writable and not full, and try again.",
                )
        }
        e => {
            tracing::error!("database: {e}");
            ApiError::internal("The database refused")
                .with_hint("The log file says more; `paperclip doctor` checks the database.")
        }
    }
}

/// `?` on a store call answers the caller.
pub(crate) trait OrAnswer<T> {
    fn answer(self) -> Answer<T>;
}

impl<T> OrAnswer<T> for store::Result<T> {
    fn answer(self) -> Answer<T> {
        self.map_err(store_error)
    }
}

/// `?` on something that must be there.
pub(crate) trait OrMissing<T> {
    fn or_missing(self, what: &str) -> Answer<T>;
}

impl<T> OrMissing<T> for store::Result<Option<T>> {
    fn or_missing(self, what: &str) -> Answer<T> {
        self.answer()?.ok_or_else(|| ApiError::not_found(what))
    }
}
