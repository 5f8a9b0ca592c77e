//! Opening the database: versions, pragmas, the writer and the readers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use contract::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row, Sqlite};
use tokio::sync::watch;

use crate::damage::{self, Damage};
use crate::{Result, StoreError, WriteTx};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Pages of 4 KiB that each reader may keep in memory.
const READER_CACHE_PAGES: &str = "-2048";
const WRITER_CACHE_PAGES: &str = "-8192";
/// How long a statement waits for a lock that another program holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How to open the store.
#[derive(Clone, Debug)]
pub struct Options {
    pub path: PathBuf,
    pub readers: u32,
}

impl Options {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 4 }
    }
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
    feed: watch::Sender<i64>,
    damage: Arc<Damage>,
}

impl Store {
    /// Opens the database, creating or migrating it as needed.
    ///
    /// A database of a newer version or a damaged one is refused before anything is written to it.
    pub async fn open(options: Options) -> Result<Self> {
        let path = options.path;
        crate::backup::finish_restore(&path)?;
        if std::fs::metadata(&path).is_ok_and(|m| m.len() > 0) {
            inspect(&path).await?;
        }
        let base = connect_options(&path);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(30))
            // On a full disk SQLite ends a transaction by itself. sqlx then still counts one, and would never begin
            // another on this connection.
            .after_release(|conn, _| {
                let usable = !conn.is_in_transaction();
                Box::pin(std::future::ready(Ok(usable)))
            })
            .connect_with(base.clone().create_if_missing(true).pragma("cache_size", WRITER_CACHE_PAGES))
            .await?;
        MIGRATOR.run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .min_connections(1)
            .idle_timeout(Duration::from_secs(60))
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(
                base.read_only(true).pragma("query_only", "ON").pragma("cache_size", READER_CACHE_PAGES),
            )
            .await?;
        let last: i64 =
            sqlx::query("SELECT coalesce(max(seq), 0) FROM changes").fetch_one(&readers).await?.try_get(0)?;
        let damage = Arc::new(Damage::of(&path));
        Ok(Self { path, writer, readers, feed: watch::Sender::new(last), damage })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connection that sees one committed state a statement and cannot write.
    pub async fn read(&self) -> Result<PoolConnection<Sqlite>> {
        Ok(self.readers.acquire().await?)
    }

    /// Waits for the writer and begins. Everything in the transaction happens at `now`. Refused once damage was met.
    pub async fn write(&self, now: Timestamp) -> Result<WriteTx> {
        if let Some(what) = self.damage.seen() {
            return Err(StoreError::Damaged { what: what.to_owned() });
        }
        let tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(WriteTx::new(tx, now, self.feed.clone()))
    }

    /// Somebody met damage: from now on nothing is written, and the next start looks at every page first. Answers
    /// whether this was the first to be met.
    pub fn note_damage(&self, what: &str) -> bool {
        self.damage.note(what)
    }

    /// The first damage that was met.
    pub fn damage(&self) -> Option<&str> {
        self.damage.seen()
    }

    /// The number of the newest change, as it moves on.
    pub fn feed(&self) -> watch::Receiver<i64> {
        self.feed.subscribe()
    }

    /// Waits for the statements under way, writes the log back and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Ok(mut conn) = self.writer.acquire().await {
            let _ = sqlx::query("PRAGMA optimize").execute(&mut *conn).await;
            let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *conn).await;
        }
        self.writer.close().await;
    }
}

pub(crate) fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode a killed program loses nothing; a power cut may lose the last commits but never damages.
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

/// The number of the newest migration this version has.
pub(crate) fn known_version() -> i64 {
    MIGRATOR.iter().map(|m| m.version).max().unwrap_or(0)
}

/// Looks at an existing file without changing it.
async fn inspect(path: &Path) -> Result<()> {
    let not_ours = |e: StoreError| match e {
        StoreError::Damaged { what } if what.contains("not a database") => {
            StoreError::NotADatabase(path.into())
        }
        e => e,
    };
    let mut conn = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(|e| not_ours(e.into()))?;
    let version: String = sqlx::query("SELECT sqlite_version()").fetch_one(&mut conn).await?.try_get(0)?;
    if !at_least(&version, [3, 51, 3]) {
        return Err(StoreError::OldSqlite(version));
    }
    let ledger: i64 =
        sqlx::query("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'")
            .fetch_one(&mut conn)
            .await
            .map_err(|e| not_ours(e.into()))?
            .try_get(0)?;
    if ledger > 0 {
        let found: i64 = sqlx::query("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
            .fetch_one(&mut conn)
            .await?
            .try_get(0)?;
        let known = known_version();
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
    } else {
        let tables: i64 =
            sqlx::query("SELECT count(*) FROM sqlite_master").fetch_one(&mut conn).await?.try_get(0)?;
        if tables > 0 {
            return Err(StoreError::NotADatabase(path.into()));
        }
    }
    damage::refuse_marked(path, &mut conn).await?;
    conn.close().await?;
    Ok(())
}

fn at_least(version: &str, wanted: [u32; 3]) -> bool {
    let mut parts = version.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    let found = [parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0)];
    found >= wanted
}
