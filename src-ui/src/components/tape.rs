//! A run's transcript in memory: read by page, followed live, never more of it than can be seen soon.

use std::cell::RefCell;
use std::rc::Rc;

use contract::operations as op;
use contract::transcript::{ReadTranscript, TranscriptEntry, TranscriptPage};
use contract::{ApiError, RunId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::call;
use crate::ipc::Follow;

/// How much of a transcript is in memory.
#[derive(Clone, Copy)]
pub struct Reach {
    /// Log lines read at once.
    page: u32,
    /// Entries kept. Beyond it the far end is dropped, and read again when one scrolls there.
    kept: usize,
}

/// A page of its own.
pub const WIDE: Reach = Reach { page: 400, kept: 1_600 };
/// A box within a page, of which several may stream at once.
pub const NARROW: Reach = Reach { page: 120, kept: 400 };

/// The part of a transcript that is in memory.
#[derive(Clone, Copy)]
pub struct Tape {
    run: RunId,
    reach: Reach,
    pub entries: RwSignal<Vec<TranscriptEntry>>,
    pub from: RwSignal<u64>,
    next: RwSignal<u64>,
    pub total: RwSignal<u64>,
    pub live: RwSignal<bool>,
    pub ready: RwSignal<bool>,
    pub error: RwSignal<Option<ApiError>>,
    /// The end is in memory and new lines are added to it.
    pub tail: RwSignal<bool>,
    busy: RwSignal<bool>,
    follow: StoredValue<Rc<RefCell<Option<Follow>>>, LocalStorage>,
}

impl Tape {
    /// Reads the last page and follows the run if it is live, until the owner is gone.
    pub fn open(run: RunId, reach: Reach) -> Self {
        let tape = Self {
            run,
            reach,
            entries: RwSignal::new(Vec::new()),
            from: RwSignal::new(0),
            next: RwSignal::new(0),
            total: RwSignal::new(0),
            live: RwSignal::new(false),
            ready: RwSignal::new(false),
            error: RwSignal::new(None),
            tail: RwSignal::new(true),
            busy: RwSignal::new(false),
            follow: StoredValue::new_local(Rc::default()),
        };
        tape.latest();
        on_cleanup(move || {
            let _ = tape.follow.try_with_value(|f| f.borrow_mut().take());
        });
        tape
    }

    async fn read(self, from_line: Option<u64>, limit: u32) -> Option<TranscriptPage> {
        if self.busy.try_get_untracked() != Some(false) {
            return None;
        }
        self.busy.set(true);
        let input = ReadTranscript { run_id: self.run, from_line, limit: Some(limit), raw: false };
        let answer = call::<op::ReadTranscriptOp>(&input).await;
        self.busy.try_set(false);
        match answer {
            Ok(page) => {
                self.error.try_set(None);
                Some(page)
            }
            Err(e) => {
                self.error.try_set(Some(e));
                None
            }
        }
    }

    /// Goes to the end and stays there.
    pub fn latest(self) {
        spawn_local(async move {
            let Some(page) = self.read(None, self.reach.page).await else { return };
            if self.ready.try_get_untracked().is_none() {
                return;
            }
            self.from.set(page.from_line);
            self.next.set(page.next_line);
            self.total.set(page.total_lines.max(page.next_line));
            self.live.set(page.live);
            self.entries.set(page.entries);
            self.tail.set(true);
            self.ready.set(true);
            let following = self.follow.try_with_value(|f| f.borrow().is_some()).unwrap_or(true);
            if page.live && !following {
                self.follow_from(page.next_line);
            }
        });
    }

    fn follow_from(self, line: u64) {
        let args = serde_json::json!({ "runId": self.run, "fromLine": line, "raw": false });
        let follow = Follow::start(
            "follow_run",
            args,
            move |page: TranscriptPage| self.append(page),
            move |e| {
                self.error.try_set(Some(e));
            },
        );
        let _ = self.follow.try_with_value(|f| *f.borrow_mut() = Some(follow));
    }

    fn append(self, page: TranscriptPage) {
        if self.live.try_get_untracked().is_none() {
            return;
        }
        self.total.update(|t| *t = page.total_lines.max(page.next_line).max(*t));
        if self.tail.get_untracked() && !page.entries.is_empty() {
            let known = self.next.get_untracked();
            let mut dropped = None;
            self.entries.update(|all| {
                all.extend(page.entries.into_iter().filter(|e| e.line >= known));
                if all.len() > self.reach.kept {
                    let cut = cut_at_line(all, all.len() - self.reach.kept * 3 / 4);
                    all.drain(..cut);
                    dropped = all.first().map(|e| e.line);
                }
            });
            if let Some(line) = dropped {
                self.from.set(line);
            }
            self.next.set(page.next_line.max(known));
        }
        if !page.live {
            self.live.set(false);
        }
    }

    /// Reads the page before what is in memory; `moved` hears that it is there.
    pub fn earlier(self, moved: impl FnOnce() + 'static) {
        let from = self.from.get_untracked();
        if from == 0 {
            return;
        }
        let start = from.saturating_sub(u64::from(self.reach.page));
        spawn_local(async move {
            let Some(page) = self.read(Some(start), (from - start) as u32).await else { return };
            if self.tail.try_get_untracked().is_none() {
                return;
            }
            self.entries.update(|all| {
                let mut fresh = page.entries;
                fresh.append(all);
                if fresh.len() > self.reach.kept {
                    let cut = cut_at_line(&fresh, self.reach.kept);
                    if let Some(e) = fresh.get(cut) {
                        self.next.set(e.line);
                        self.tail.set(false);
                    }
                    fresh.truncate(cut);
                }
                *all = fresh;
            });
            self.from.set(start);
            moved();
        });
    }

    /// Reads the page after what is in memory; `moved` hears that it is there.
    pub fn later(self, moved: impl FnOnce() + 'static) {
        let next = self.next.get_untracked();
        if self.tail.get_untracked() || next >= self.total.get_untracked() {
            return;
        }
        spawn_local(async move {
            let Some(page) = self.read(Some(next), self.reach.page).await else { return };
            if self.tail.try_get_untracked().is_none() {
                return;
            }
            self.entries.update(|all| {
                all.extend(page.entries);
                if all.len() > self.reach.kept {
                    let cut = cut_at_line(all, all.len() - self.reach.kept);
                    all.drain(..cut);
                    if let Some(e) = all.first() {
                        self.from.set(e.line);
                    }
                }
            });
            self.next.set(page.next_line);
            self.total.update(|t| *t = page.total_lines.max(*t));
            self.tail.set(page.next_line >= page.total_lines);
            moved();
        });
    }

    /// Goes to the beginning.
    pub fn first(self) {
        spawn_local(async move {
            let Some(page) = self.read(Some(0), self.reach.page).await else { return };
            if self.tail.try_get_untracked().is_none() {
                return;
            }
            self.from.set(0);
            self.next.set(page.next_line);
            self.tail.set(page.next_line >= page.total_lines);
            self.total.update(|t| *t = page.total_lines.max(*t));
            self.entries.set(page.entries);
        });
    }
}

/// The first entry at or after `at` that begins a log line: a line is never cut in two.
fn cut_at_line(entries: &[TranscriptEntry], at: usize) -> usize {
    let mut cut = at.min(entries.len());
    while cut > 0 && cut < entries.len() && entries[cut].line == entries[cut - 1].line {
        cut += 1;
    }
    cut
}
