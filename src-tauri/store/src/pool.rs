//! Opening the database: versions, pragmas, the writer and the readers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contract::Timestamp;
use deadpool::Runtime;
use deadpool::managed::{Metrics, Object, Pool, RecycleResult};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use tokio::sync::{Mutex, watch};

use crate::checkpoint::Checkpointer;
use crate::damage::{self, Damage};
use crate::{Result, StoreError, WriteTx};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// KiB of pages that each reader may keep in memory (negative: SQLite's way of giving KiB).
const READER_CACHE: &str = "-2048";
const WRITER_CACHE: &str = "-8192";
/// How long a statement waits for a lock that another program holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for its turn at a connection.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// Pages after which the writer itself writes the log back, should the checkpointer not keep up: 64 MiB.
const LOG_BOUND_PAGES: &str = "16384";

/// How to open the store.
#[derive(Clone, Debug)]
pub struct Options {
    pub path: PathBuf,
    pub readers: usize,
    /// Tells every statement to `tracing`, at level `TRACE`.
    pub trace: bool,
}

impl Options {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 4, trace: false }
    }
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    writer: Arc<Mutex<SqliteConnection>>,
    readers: Pool<Readers>,
    announce: Announce,
    checkpointer: Checkpointer,
    damage: Arc<Damage>,
}

/// Where a commit is announced.
#[derive(Clone)]
pub(crate) struct Announce {
    pub feed: watch::Sender<i64>,
    /// Counts every commit, also one that the feed does not tell of.
    pub commits: Arc<AtomicU64>,
}

/// A connection that sees one committed state a statement and cannot write. Goes back when dropped.
pub type Reader = Object<Readers>;

/// Opens the reading connections.
pub struct Readers {
    options: SqliteConnectOptions,
}

impl deadpool::managed::Manager for Readers {
    type Type = SqliteConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> std::result::Result<SqliteConnection, sqlx::Error> {
        self.options.connect().await
    }

    async fn recycle(&self, _: &mut SqliteConnection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        // A reader holds no transaction, so that there is nothing to clear, whatever became of its last caller.
        Ok(())
    }
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
        let mut base = connect_options(&path);
        if options.trace {
            // Switching the log off had made every statement a slow one, and those silent.
            base = base
                .log_slow_statements(log::LevelFilter::Off, Duration::MAX)
                .log_statements(log::LevelFilter::Trace);
        }
        migrate(&base).await?;
        let mut writer = base
            .clone()
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", LOG_BOUND_PAGES)
            .connect()
            .await?;
        crate::guard::lay(&mut writer).await?;
        let last: i64 = sqlx::query("SELECT coalesce(max(seq), 0) FROM changes")
            .fetch_one(&mut writer)
            .await?
            .try_get(0)?;
        let readers = Readers {
            options: base
                .clone()
                .read_only(true)
                .pragma("query_only", "ON")
                .pragma("cache_size", READER_CACHE),
        };
        let readers = Pool::builder(readers)
            .max_size(options.readers.max(1))
            .wait_timeout(Some(TURN_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| StoreError::Other(e.to_string()))?;
        let announce = Announce { feed: watch::Sender::new(last), commits: Arc::default() };
        let damage = Arc::new(Damage::of(&path));
        let checkpointer = Checkpointer::start(base, announce.feed.subscribe(), Arc::clone(&damage));
        Ok(Self { path, writer: Arc::new(Mutex::new(writer)), readers, announce, checkpointer, damage })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for a reading connection.
    pub async fn read(&self) -> Result<Reader> {
        Ok(self.readers.get().await?)
    }

    /// Waits for the writer and begins. Everything in the transaction happens at `now`. Refused once damage was met.
    pub async fn write(&self, now: Timestamp) -> Result<WriteTx> {
        if let Some(what) = self.damage.seen() {
            return Err(StoreError::Damaged { what: what.to_owned() });
        }
        let writer = tokio::time::timeout(TURN_TIMEOUT, Arc::clone(&self.writer).lock_owned()).await;
        WriteTx::begin(writer.map_err(|_| StoreError::Locked)?, now, self.announce.clone()).await
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
        self.announce.feed.subscribe()
    }

    /// The state of the data as a number that moves with every commit, at hand without a query.
    ///
    /// Taken before a read, it tells later whether what was read may have changed.
    pub fn version(&self) -> u64 {
        self.announce.commits.load(Ordering::Acquire)
    }

    /// Lets the database grow no further, as a full disk does, or as far as it likes again. For tests of what follows.
    pub async fn set_full(&self, full: bool) -> Result<()> {
        let mut writer = self.writer.lock().await;
        // The least that SQLite takes is what the file has already.
        let pages = if full { 1_i64 } else { i64::from(u32::MAX - 1) };
        sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
            .execute(&mut *writer)
            .await?;
        Ok(())
    }

    /// Lets that many transactions through and no other any more, as if the program were killed at the one after them.
    /// For tests of what the next start finds.
    pub async fn cut_after(&self, commits: u32) -> Result<()> {
        let mut writer = self.writer.lock().await;
        let mut left = commits;
        writer.lock_handle().await?.set_commit_hook(move || {
            let goes_through = left > 0;
            left = left.saturating_sub(1);
            goes_through
        });
        Ok(())
    }

    /// Looks anew at how much there is of what, where that has changed much: statements are planned by it, and a program
    /// that runs for months is never closed.
    pub async fn refresh_statistics(&self) -> Result<()> {
        let mut writer = self.writer.lock().await;
        sqlx::query("PRAGMA optimize").execute(&mut *writer).await?;
        Ok(())
    }

    /// Waits for the statements under way, writes the log back and closes the file.
    pub async fn close(&self) {
        self.readers.close();
        self.checkpointer.stop().await;
        let mut writer = self.writer.lock().await;
        let _ = sqlx::query("PRAGMA optimize").execute(&mut *writer).await;
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *writer).await;
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

/// Brings the schema up to this version, in a new file from nothing.
async fn migrate(options: &SqliteConnectOptions) -> Result<()> {
    let once = SqlitePoolOptions::new().max_connections(1);
    let pool = once.connect_with(options.clone().create_if_missing(true)).await?;
    MIGRATOR.run(&pool).await?;
    pool.close().await;
    Ok(())
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
