//! Backups: taken while the program works, checked by opening them.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row};

use crate::check::integrity_of;
use crate::pool::{connect_options, known_version};
use crate::{Result, Store, StoreError, damage};

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
    // The copy has its final name only once it is known to be good, and on the disk: SQLite leaves that to us.
    std::fs::File::open(&partial)?.sync_all()?;
    std::fs::rename(&partial, to)?;
    sync_folder_of(to);
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
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    check(file, options).await
}

/// The same of the database itself, which nobody has open: with what stands in its log.
pub async fn check_database(file: &Path) -> Result<()> {
    check(file, connect_options(file).create_if_missing(false)).await
}

async fn check(file: &Path, options: SqliteConnectOptions) -> Result<()> {
    let mut conn = options.disable_statement_logging().connect().await?;
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
pub async fn restore(backup: &Path, database: &Path) -> Result<Option<PathBuf>> {
    check_file(backup).await?;
    let partial = partial_name(database);
    let copied = std::fs::copy(backup, &partial).and_then(|_| std::fs::File::open(&partial)?.sync_all());
    if let Err(e) = copied {
        let _ = std::fs::remove_file(&partial);
        return Err(e.into());
    }
    // Under this name it is known to be whole: whoever is stopped from here on is finished by the next start.
    std::fs::rename(&partial, restored_name(database))?;
    finish_restore(database)
}

/// Puts the restored copy in its place, if there is one.
pub(crate) fn finish_restore(database: &Path) -> Result<Option<PathBuf>> {
    let restored = restored_name(database);
    let Ok(meta) = std::fs::metadata(&restored) else { return Ok(None) };
    // The same name each time that this is tried, so that what belongs together stays together.
    let stamp = meta.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    let aside = with_suffix(database, &format!(".before-restore-{stamp}"));
    for suffix in ["-wal", "-shm", ""] {
        let file = with_suffix(database, suffix);
        if file.exists() {
            std::fs::rename(&file, with_suffix(&aside, suffix))?;
        }
    }
    std::fs::rename(&restored, database)?;
    damage::forget(database)?;
    Ok(aside.exists().then_some(aside))
}

fn restored_name(database: &Path) -> PathBuf {
    with_suffix(database, ".restored")
}

/// Has the names in a file's folder outlive a power cut. Some file systems cannot; the file itself is safe then.
fn sync_folder_of(file: &Path) {
    if let Some(dir) = file.parent().and_then(|dir| std::fs::File::open(dir).ok()) {
        let _ = dir.sync_all();
    }
}

fn partial_name(path: &Path) -> PathBuf {
    with_suffix(path, ".partial")
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut s = path.as_os_str().to_owned();
    s.push(suffix);
    PathBuf::from(s)
}
