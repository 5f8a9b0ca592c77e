//! A run's transcript in memory: read by page, followed live, never more of it than can be seen soon.

use std::cell::RefCell;
use std::rc::Rc;

use contract::operations as op;
use contract::transcript::{EntryBody, ReadTranscript, TranscriptEntry, TranscriptPage};
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
    /// What is kept, in lines of output. Beyond it the far end is dropped, and read again when one scrolls there.
    kept: usize,
}

/// A page of its own.
pub const WIDE: Reach = Reach { page: 800, kept: 6_400 };
/// A box within a page, of which several may stream at once.
pub const NARROW: Reach = Reach { page: 120, kept: 1_600 };

/// What an entry takes, in lines of output: those are folded by the hundred, while all else is drawn by itself.
fn weight(e: &TranscriptEntry) -> usize {
    match e.body {
        EntryBody::Stdout { .. } | EntryBody::Stderr { .. } => 1,
        _ => 4,
    }
}

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
    /// One reads further up: what is read must not be dropped to make place for what is written.
    pub held: RwSignal<bool>,
    busy: RwSignal<bool>,
    /// Grows with each jump: what was asked for before it is dropped when it arrives.
    turn: StoredValue<u32>,
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
            held: RwSignal::new(false),
            busy: RwSignal::new(false),
            turn: StoredValue::new(0),
            follow: StoredValue::new_local(Rc::default()),
        };
        tape.latest();
        on_cleanup(move || {
            let _ = tape.follow.try_with_value(|f| f.borrow_mut().take());
        });
        tape
    }

    /// Reads lines next to those in memory. One reading at a time: scrolling asks often.
    async fn read(self, from_line: Option<u64>, limit: u32) -> Option<TranscriptPage> {
        if self.busy.try_get_untracked() != Some(false) {
            return None;
        }
        self.ask(from_line, limit).await
    }

    /// Reads lines to show in place of all others, whatever is being read now.
    async fn leap(self, from_line: Option<u64>) -> Option<TranscriptPage> {
        self.turn.try_update_value(|t| *t += 1)?;
        self.ask(from_line, self.reach.page).await
    }

    async fn ask(self, from_line: Option<u64>, limit: u32) -> Option<TranscriptPage> {
        let turn = self.turn.try_get_value()?;
        self.busy.set(true);
        let input = ReadTranscript { run_id: self.run, from_line, limit: Some(limit), raw: false };
        let answer = call::<op::ReadTranscriptOp>(&input).await;
        if self.turn.try_get_value() != Some(turn) {
            return None;
        }
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
            let Some(page) = self.leap(None).await else { return };
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
            let most = self.reach.kept;
            if page.from_line > known || self.held.get_untracked() && self.weight() >= most {
                // Lines were passed over while one was further up, or what one reads there would have to go.
                self.tail.set(false);
                self.live.set(page.live);
                return;
            }
            let mut dropped = None;
            self.entries.update(|all| {
                all.extend(page.entries.into_iter().filter(|e| e.line >= known));
                if heavy(all) > most && !self.held.get_untracked() {
                    let cut = cut_at_line(all, keep_last(all, most * 3 / 4));
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

    fn weight(self) -> usize {
        self.entries.with_untracked(|all| heavy(all))
    }

    /// Whether more can be read at the beginning without dropping any of the end.
    pub fn has_room(self) -> bool {
        self.weight() + self.reach.page as usize * 4 <= self.reach.kept
    }

    /// Lines after what is in memory.
    pub fn after(self) -> u64 {
        self.total.get().saturating_sub(self.next.get())
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
                if heavy(&fresh) > self.reach.kept {
                    let cut = cut_at_line(&fresh, keep_first(&fresh, self.reach.kept));
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
                if heavy(all) > self.reach.kept {
                    let cut = cut_at_line(all, keep_last(all, self.reach.kept));
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
            let Some(page) = self.leap(Some(0)).await else { return };
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

fn heavy(entries: &[TranscriptEntry]) -> usize {
    entries.iter().map(weight).sum()
}

/// How many of the first entries weigh at most this much.
fn keep_first(entries: &[TranscriptEntry], most: usize) -> usize {
    let mut sum = 0;
    entries
        .iter()
        .take_while(|e| {
            sum += weight(e);
            sum <= most
        })
        .count()
}

/// Where the last entries that weigh at most this much begin.
fn keep_last(entries: &[TranscriptEntry], most: usize) -> usize {
    let mut sum = 0;
    entries.len()
        - entries
            .iter()
            .rev()
            .take_while(|e| {
                sum += weight(e);
                sum <= most
            })
            .count()
}

/// The first entry at or after `at` that begins a log line: a line is never cut in two.
fn cut_at_line(entries: &[TranscriptEntry], at: usize) -> usize {
    let mut cut = at.min(entries.len());
    while cut > 0 && cut < entries.len() && entries[cut].line == entries[cut - 1].line {
        cut += 1;
    }
    cut
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;

    use super::*;

    fn entry(line: u64, body: EntryBody) -> TranscriptEntry {
        TranscriptEntry { line, ts: Timestamp::from_millis(0), body }
    }

    #[test]
    fn more_lines_of_output_are_kept_than_of_what_is_drawn_by_itself() {
        let output: Vec<_> = (0..100).map(|n| entry(n, EntryBody::Stdout { text: "x".into() })).collect();
        let said: Vec<_> =
            (0..100).map(|n| entry(n, EntryBody::Assistant { text: "x".into(), delta: false })).collect();
        assert_eq!((keep_first(&output, 40), keep_last(&output, 40)), (40, 60));
        assert_eq!((keep_first(&said, 40), keep_last(&said, 40)), (10, 90));
        assert_eq!((keep_first(&said, 4_000), keep_last(&said, 4_000)), (100, 0));
    }

    #[test]
    fn a_line_of_several_entries_is_never_cut_in_two() {
        let note = |line| entry(line, EntryBody::System { text: "x".into() });
        let entries = [note(0), note(1), note(1), note(1), note(2)];
        assert_eq!(cut_at_line(&entries, 2), 4);
        assert_eq!(cut_at_line(&entries, 1), 1);
        assert_eq!(cut_at_line(&entries, 9), 5);
    }
}
