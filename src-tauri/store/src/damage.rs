//! Damage that is met while the database is open. From then on nothing is written, lest more of it be spoilt, and
//! the next start looks at every page before it goes on.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sqlx::SqliteConnection;

use crate::backup::with_suffix;
use crate::check::integrity_of;
use crate::{Result, StoreError};

#[derive(Debug)]
pub(crate) struct Damage {
    seen: OnceLock<String>,
    marker: PathBuf,
}

impl Damage {
    pub fn of(database: &Path) -> Self {
        Self { seen: OnceLock::new(), marker: marker(database) }
    }

    pub fn seen(&self) -> Option<&str> {
        self.seen.get().map(String::as_str)
    }

    /// Remembers the first damage, beyond the end of the program. Answers whether it was the first.
    pub fn note(&self, what: &str) -> bool {
        if self.seen.set(what.to_owned()).is_err() {
            return false;
        }
        if let Err(e) = std::fs::write(&self.marker, what) {
            tracing::warn!("the damage could not be marked for the next start: {e}");
        }
        true
    }
}

/// Refuses a database that was found damaged, unless it turns out to be sound by now.
pub(crate) async fn refuse_marked(database: &Path, conn: &mut SqliteConnection) -> Result<()> {
    if !marker(database).exists() {
        return Ok(());
    }
    if let Some(what) = integrity_of(conn).await?.into_iter().next() {
        return Err(StoreError::Damaged { what });
    }
    forget(database)
}

/// Another database has taken its place.
pub(crate) fn forget(database: &Path) -> Result<()> {
    match std::fs::remove_file(marker(database)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

fn marker(database: &Path) -> PathBuf {
    with_suffix(database, ".damaged")
}
