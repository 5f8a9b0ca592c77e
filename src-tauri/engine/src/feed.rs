//! Following: the feed of changes, and the transcript of a run.

use std::sync::Arc;
use std::time::Duration;

use contract::feed::ChangePage;
use contract::transcript::{ReadTranscript, TranscriptPage};
use contract::{ApiError, CompanyId, RunId};
use tokio::sync::watch;

use crate::error::OrAnswer;
use crate::{Caller, Engine};

const CHANGES_A_PAGE: u32 = 500;
/// Log lines in one batch of a transcript.
const LINES_A_BATCH: u32 = 2000;
/// Least time between two batches: a frame or two, so that a flood costs the window nothing.
const BATCH_EVERY: Duration = Duration::from_millis(40);
/// How often a run without news is looked at all the same.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Follows the feed from a cursor. Nothing is missed: a follower that falls behind reads on from where it was.
pub struct ChangeFeed {
    engine: Arc<Engine>,
    company: Option<CompanyId>,
    cursor: i64,
    news: watch::Receiver<i64>,
}

impl ChangeFeed {
    /// The next changes; waits for some. `None` once the engine has stopped.
    pub async fn next(&mut self) -> Option<ChangePage> {
        loop {
            self.news.mark_unchanged();
            let page = match self.read().await {
                Ok(page) => page,
                Err(e) => {
                    tracing::warn!("reading the feed: {e}");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    if self.engine.stop.is_cancelled() {
                        return None;
                    }
                    continue;
                }
            };
            let news = page.reset || !page.changes.is_empty();
            self.cursor = page.cursor;
            if news {
                return Some(page);
            }
            tokio::select! {
                () = self.engine.stop.cancelled() => return None,
                changed = self.news.changed() => changed.ok()?,
            }
        }
    }

    async fn read(&self) -> Result<ChangePage, ApiError> {
        let mut conn = self.engine.store.read().await.answer()?;
        store::changes::read(&mut conn, self.cursor, self.company, CHANGES_A_PAGE).await.answer()
    }
}

/// Follows a run's transcript to its end.
pub struct RunFeed {
    engine: Arc<Engine>,
    run: RunId,
    raw: bool,
    next_line: u64,
    started: bool,
    done: bool,
}

impl RunFeed {
    /// The next batch; waits for one. `None` after the batch that was no longer live.
    pub async fn next(&mut self) -> Option<Result<TranscriptPage, ApiError>> {
        if self.done {
            return None;
        }
        loop {
            let mut news = self.engine.live_runs().get(&self.run).map(|l| l.progress.subscribe());
            if let Some(n) = &mut news {
                n.mark_unchanged();
            }
            let page = match self.page().await {
                Ok(page) => page,
                Err(e) => {
                    self.done = true;
                    return Some(Err(e));
                }
            };
            self.next_line = page.next_line;
            self.done = !page.live && page.next_line >= page.total_lines;
            if self.done || !page.entries.is_empty() || !self.started {
                self.started = true;
                tokio::time::sleep(BATCH_EVERY).await;
                return Some(Ok(page));
            }
            tokio::select! {
                () = self.engine.stop.cancelled() => return None,
                () = moved(&mut news) => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    async fn page(&self) -> Result<TranscriptPage, ApiError> {
        let q = ReadTranscript {
            run_id: self.run,
            from_line: Some(self.next_line),
            limit: Some(LINES_A_BATCH),
            raw: self.raw,
        };
        self.engine.run::<contract::operations::ReadTranscriptOp>(&Caller::operator(), q).await
    }
}

async fn moved(news: &mut Option<watch::Receiver<u64>>) {
    match news {
        Some(n) => {
            if n.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

impl Engine {
    /// Follows the changes after `after`, or from now on.
    pub fn follow_changes(self: &Arc<Self>, after: Option<i64>, company: Option<CompanyId>) -> ChangeFeed {
        let news = self.store.feed();
        let cursor = after.unwrap_or_else(|| *news.borrow());
        ChangeFeed { engine: Arc::clone(self), company, cursor, news }
    }

    /// Follows a run from a log line on.
    pub fn follow_run(self: &Arc<Self>, run: RunId, from_line: u64, raw: bool) -> RunFeed {
        RunFeed { engine: Arc::clone(self), run, raw, next_line: from_line, started: false, done: false }
    }
}
