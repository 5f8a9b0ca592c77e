//! Writing the log back into the database file, beside the writer.
//!
//! SQLite would have the writer do it every thousand pages and wait for the disk meanwhile; a caller in a
//! hundred would feel that.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::damage::Damage;

/// Writes that come within this time are written back together.
const TOGETHER: Duration = Duration::from_secs(2);

/// The task that checkpoints after writes.
#[derive(Clone)]
pub(crate) struct Checkpointer {
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
    stop: watch::Sender<bool>,
}

impl Checkpointer {
    /// Goes on until stopped or until damage is met.
    pub fn start(options: SqliteConnectOptions, feed: watch::Receiver<i64>, damage: Arc<Damage>) -> Self {
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(run(options, feed, damage, stop.subscribe()));
        Self { task: Arc::new(Mutex::new(Some(task))), stop }
    }

    /// Ends once the checkpoint under way is done.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

async fn run(
    options: SqliteConnectOptions,
    mut feed: watch::Receiver<i64>,
    damage: Arc<Damage>,
    mut stop: watch::Receiver<bool>,
) {
    let mut conn: Option<SqliteConnection> = None;
    loop {
        tokio::select! {
            _ = stop.wait_for(|s| *s) => break,
            changed = feed.changed() => if changed.is_err() { break },
        }
        tokio::select! {
            _ = stop.wait_for(|s| *s) => break,
            () = tokio::time::sleep(TOGETHER) => {}
        }
        if damage.seen().is_some() {
            break;
        }
        feed.mark_unchanged();
        if conn.is_none() {
            conn = options.clone().pragma("cache_size", "-64").connect().await.ok();
        }
        if let Some(c) = &mut conn
            && let Err(e) = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *c).await
        {
            tracing::warn!("writing the database's log back: {e}");
            conn = None;
        }
    }
    if let Some(c) = conn {
        let _ = c.close().await;
    }
}
