//! Backups: taken while the program works, checked by opening them.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row};

use crate::check::integrity_of;
use crate::pool::{connect_options, known_version};
use crate::{Result, Store, StoreError};

/// Writes a copy of the database to `to` and checks it. `to` must not exist; a copy that fails the check is removed.
pub async fn create(store: &Store, to: &Path) -> Result<u64> {
    if let Some(dir) = to.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let partial = partial_name(to);
    let _ = std::fs::remove_file(&partial);
    let result = copy_and_check(store, &partial).await;
    if let Err(e) = result {
        let _ = std::fs::remove_file(&partial);
        return Err(e);
    }
    // The copy has its final name only once it is known to be good.
    std::fs::rename(&partial, to)?;
    Ok(std::fs::metadata(to)?.len())
}

async fn copy_and_check(store: &Store, to: &Path) -> Result<()> {
    let name = to.to_str().ok_or_else(|| StoreError::Other("the backup's path is not valid UTF-8".into()))?;
    // VACUUM INTO reads one state of the database and may run on a read connection beside the writer.
    let mut conn = connect_options(store.path()).connect().await?;
    sqlx::query("VACUUM INTO ?").bind(name.to_owned()).execute(&mut conn).await?;
    conn.close().await?;
    check_file(to).await
}

/// Opens a backup and checks that it is a sound database of this program that this version can read.
pub async fn check_file(file: &Path) -> Result<()> {
    let mut conn = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .immutable(true)
        .disable_statement_logging()
        .connect()
        .await?;
    let problems = integrity_of(&mut conn).await?;
    if let Some(what) = problems.into_iter().next() {
        return Err(StoreError::Damaged { what });
    }
    let found: i64 = sqlx::query("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
        .fetch_one(&mut conn)
        .await
        .map_err(|_| StoreError::NotADatabase(file.into()))?
        .try_get(0)?;
    conn.close().await?;
    let known = known_version();
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    Ok(())
}

/// Puts a backup in the place of the database, which must not be open. The database that was there is
/// kept beside it; its new name is returned.
pub async fn restore(backup: &Path, database: &Path, stamp: &str) -> Result<Option<PathBuf>> {
    check_file(backup).await?;
    let partial = partial_name(database);
    std::fs::copy(backup, &partial)?;
    std::fs::File::open(&partial)?.sync_all()?;
    let mut kept = None;
    if database.exists() {
        let aside = with_suffix(database, &format!(".before-restore-{stamp}"));
        for suffix in ["-wal", "-shm"] {
            let file = with_suffix(database, suffix);
            if file.exists() {
                std::fs::rename(&file, with_suffix(&aside, suffix))?;
            }
        }
        std::fs::rename(database, &aside)?;
        kept = Some(aside);
    }
    std::fs::rename(&partial, database)?;
    Ok(kept)
}

fn partial_name(path: &Path) -> PathBuf {
    with_suffix(path, ".partial")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut s = path.as_os_str().to_owned();
    s.push(suffix);
    PathBuf::from(s)
}
