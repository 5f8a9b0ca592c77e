//! Streams into the window, in batches: a page in the browser engine takes thirty messages a second well, and three
//! thousand badly.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::feed::ChangePage;
use contract::transcript::TranscriptPage;
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tauri::ipc::{Channel, InvokeResponseBody};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Items of one batch. Nothing more is read from the stream until it is sent, so nothing heaps up here.
const MOST: usize = 2_000;
/// Bytes a second that the browser engine takes without falling behind. Larger batches are followed by a pause.
const PACE: u64 = 8 * 1024 * 1024;
/// Batches that are on their way to the page at once. The next is read only once the page has taken one of them, so
/// that a page that is slow, or hidden and not drawn at all, leaves the rest where it is: in the log and the feed.
const UNTAKEN: u64 = 4;
/// Small messages are handed over within a script, large ones are fetched by it: as bytes, then.
const WITHIN_SCRIPT: usize = 8 * 1024;

/// A page that another can be joined to.
pub trait Page: Serialize {
    /// From the first page of a batch to its sending.
    const GATHER: Duration;
    fn items(&self) -> usize;
    fn join(&mut self, next: Self);
}

impl Page for ChangePage {
    const GATHER: Duration = Duration::from_millis(40);

    fn items(&self) -> usize {
        self.changes.len()
    }

    fn join(&mut self, next: Self) {
        self.changes.extend(next.changes);
        self.cursor = next.cursor;
        self.reset |= next.reset;
    }
}

impl Page for TranscriptPage {
    /// The engine gathers lines itself.
    const GATHER: Duration = Duration::ZERO;

    fn items(&self) -> usize {
        self.entries.len()
    }

    fn join(&mut self, next: Self) {
        self.entries.extend(next.entries);
        self.next_line = next.next_line;
        self.total_lines = next.total_lines;
        self.live = next.live;
    }
}

/// How many batches of a stream the page has taken.
pub type Taken = watch::Receiver<u64>;

/// Sends a stream's pages into a channel until either ends, no faster than the page takes them.
pub async fn relay<P: Page>(
    pages: impl Stream<Item = P>,
    channel: &Channel<InvokeResponseBody>,
    taken: Taken,
) {
    batches(pages, taken, |body| channel.send(body).is_ok()).await;
}

async fn batches<P: Page>(
    pages: impl Stream<Item = P>,
    mut taken: Taken,
    mut send: impl FnMut(InvokeResponseBody) -> bool,
) {
    let mut pages = pin!(pages.fuse());
    let mut sent = 0;
    loop {
        // Before reading, not before sending: what is not read waits in the log and needs no memory.
        if taken.wait_for(|n| sent - (*n).min(sent) < UNTAKEN).await.is_err() {
            return;
        }
        let Some(mut batch) = pages.next().await else { return };
        let due = Instant::now() + P::GATHER;
        let mut ended = false;
        while batch.items() < MOST && !ended {
            match timeout_at(due, pages.next()).await {
                Ok(Some(next)) => batch.join(next),
                Ok(None) => ended = true,
                Err(_) => break,
            }
        }
        let Ok(json) = serde_json::to_string(&batch) else { return };
        let pause = Duration::from_micros(json.len() as u64 * 1_000_000 / PACE);
        let body = if json.len() < WITHIN_SCRIPT {
            InvokeResponseBody::Json(json)
        } else {
            InvokeResponseBody::Raw(json.into_bytes())
        };
        if !send(body) || ended {
            return;
        }
        sent += 1;
        sleep_until(due.max(Instant::now() + pause)).await;
    }
}

/// The streams that the window follows now.
#[derive(Default)]
pub struct Follows(Mutex<Open>);

#[derive(Default)]
struct Open {
    last: u64,
    streams: HashMap<u64, Followed>,
}

struct Followed {
    task: JoinHandle<()>,
    taken: watch::Sender<u64>,
}

impl Follows {
    /// Runs a stream to its end and gives the number to end it sooner. The stream is told what the page has taken.
    pub fn start<F>(&self, stream: impl FnOnce(Taken) -> F) -> u64
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.streams.retain(|_, s| !s.task.is_finished());
        open.last += 1;
        let id = open.last;
        let (taken, receiver) = watch::channel(0);
        open.streams.insert(id, Followed { task: tokio::spawn(stream(receiver)), taken });
        id
    }

    /// The page has taken so many batches of a stream since it began.
    pub fn took(&self, id: u64, batches: u64) {
        if let Some(s) = self.0.lock().unwrap_or_else(PoisonError::into_inner).streams.get(&id) {
            s.taken.send_modify(|n| *n = batches.max(*n));
        }
    }

    pub fn end(&self, id: u64) {
        if let Some(s) = self.0.lock().unwrap_or_else(PoisonError::into_inner).streams.remove(&id) {
            s.task.abort();
        }
    }

    /// The window is gone, and with it whoever listened.
    pub fn end_all(&self) {
        for (_, s) in self.0.lock().unwrap_or_else(PoisonError::into_inner).streams.drain() {
            s.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures_util::stream;

    use super::*;

    fn page(cursor: i64) -> ChangePage {
        ChangePage { changes: Vec::new(), cursor, reset: false }
    }

    async fn sent(pages: impl Stream<Item = ChangePage>) -> Vec<ChangePage> {
        let mut sent = Vec::new();
        let (taken, receiver) = watch::channel(0);
        batches(pages, receiver, |body| {
            taken.send_modify(|n| *n += 1);
            let InvokeResponseBody::Json(json) = body else { panic!("small pages go as JSON") };
            sent.push(serde_json::from_str(&json).unwrap());
            true
        })
        .await;
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn pages_that_come_close_together_are_sent_as_one() {
        let sent = sent(stream::iter([page(2), page(5), page(6)])).await;
        assert_eq!(sent, [page(6)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_does_not_wait_for_one_that_comes_late() {
        let late = stream::once(async { page(1) }).chain(stream::once(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            page(2)
        }));
        assert_eq!(sent(late).await, [page(1), page(2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_never_rests_sends_no_more_than_thirty_messages_a_second() {
        let begun = Instant::now();
        let busy = stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            (n < 2_000).then_some((page(n), n + 1))
        });
        let sent = sent(busy).await;
        let seconds = begun.elapsed().as_secs_f64();
        assert!(sent.len() as f64 / seconds <= 30.0, "{} in {seconds} s", sent.len());
        assert_eq!(sent.last().unwrap().cursor, 1_999);
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_takes_nothing_is_sent_four_batches_and_nothing_more_is_read_for_it() {
        let read = Arc::new(AtomicI64::new(0));
        let count = read.clone();
        // Far enough apart that each page is a batch of its own.
        let flood = stream::unfold(0, move |n| {
            count.store(n, Ordering::Relaxed);
            async move {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Some((page(n), n + 1))
            }
        });
        let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
        let follows = Follows::default();
        let id = follows.start(|taken| batches(flood, taken, move |body| sender.send(body).is_ok()));
        let mut arrived = async |follows: &Follows, took: u64| {
            follows.took(id, took);
            tokio::time::sleep(Duration::from_secs(600)).await;
            std::iter::from_fn(|| received.try_recv().ok()).count()
        };
        assert_eq!(arrived(&follows, 0).await, 4);
        let so_far = read.load(Ordering::Relaxed);
        assert_eq!(arrived(&follows, 0).await, 0);
        assert_eq!(
            read.load(Ordering::Relaxed),
            so_far,
            "the stream was read though nobody took what was sent"
        );
        assert_eq!(arrived(&follows, 1).await, 1);
        assert_eq!(arrived(&follows, 5).await, 4);
        // Told twice, or of an earlier batch: nothing new is owed for it.
        assert_eq!(arrived(&follows, 3).await, 0);
        follows.end(id);
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_falls_behind_gets_every_item_once_it_takes_again() {
        let all = stream::iter((0..50).map(page)).then(|p| async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            p
        });
        let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
        let follows = Follows::default();
        let id = follows.start(|taken| batches(all, taken, move |body| sender.send(body).is_ok()));
        let mut cursors = Vec::new();
        while let Some(body) = received.recv().await {
            let InvokeResponseBody::Json(json) = body else { panic!("small pages go as JSON") };
            cursors.push(serde_json::from_str::<ChangePage>(&json).unwrap().cursor);
            tokio::time::sleep(Duration::from_secs(1)).await;
            follows.took(id, cursors.len() as u64);
        }
        assert_eq!(cursors, (0..50).collect::<Vec<_>>());
    }
}
