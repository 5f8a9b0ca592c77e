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
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Items of one batch. Nothing more is read from the stream until it is sent, so nothing heaps up here.
const MOST: usize = 2_000;
/// Bytes a second that the browser engine takes without falling behind. Larger batches are followed by a pause.
const PACE: u64 = 8 * 1024 * 1024;
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

/// Sends a stream's pages into a channel until either ends.
pub async fn relay<P: Page>(pages: impl Stream<Item = P>, channel: &Channel<InvokeResponseBody>) {
    batches(pages, |body| channel.send(body).is_ok()).await;
}

async fn batches<P: Page>(pages: impl Stream<Item = P>, mut send: impl FnMut(InvokeResponseBody) -> bool) {
    let mut pages = pin!(pages.fuse());
    while let Some(mut batch) = pages.next().await {
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
        sleep_until(due.max(Instant::now() + pause)).await;
    }
}

/// The streams that the window follows now.
#[derive(Default)]
pub struct Follows(Mutex<Open>);

#[derive(Default)]
struct Open {
    last: u64,
    tasks: HashMap<u64, JoinHandle<()>>,
}

impl Follows {
    /// Runs a stream to its end and gives the number to end it sooner.
    pub fn start(&self, stream: impl Future<Output = ()> + Send + 'static) -> u64 {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.tasks.retain(|_, task| !task.is_finished());
        open.last += 1;
        let id = open.last;
        open.tasks.insert(id, tokio::spawn(stream));
        id
    }

    pub fn end(&self, id: u64) {
        if let Some(task) = self.0.lock().unwrap_or_else(PoisonError::into_inner).tasks.remove(&id) {
            task.abort();
        }
    }

    /// The window is gone, and with it whoever listened.
    pub fn end_all(&self) {
        for (_, task) in self.0.lock().unwrap_or_else(PoisonError::into_inner).tasks.drain() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn page(cursor: i64) -> ChangePage {
        ChangePage { changes: Vec::new(), cursor, reset: false }
    }

    async fn sent(pages: impl Stream<Item = ChangePage>) -> Vec<ChangePage> {
        let mut sent = Vec::new();
        batches(pages, |body| {
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
}
