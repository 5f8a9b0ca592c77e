//! The log of a run as it was written, one line a row: read by page as it comes into sight, followed while it grows.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::rc::Rc;

use contract::operations as op;
use contract::transcript::{ReadTranscript, TranscriptEntry, TranscriptPage};
use contract::{Kind, RunId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{call, feed};
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::components::virtual_list::{ListHandle, VirtualList};
use crate::format;
use crate::ipc::Follow;
use crate::state::app;
use crate::transcript::raw_text;

const ROW: f64 = 18.0;
/// Lines of a page.
const PAGE: u64 = 400;
/// Pages kept. A million lines are not: those far from what is seen are read again when needed.
const KEPT: usize = 12;
/// Characters of a line that are drawn.
const WIDEST: usize = 4_000;

/// A line, and whether it was written as an error.
type Line = (String, bool);

/// The pages of a log that are in memory.
#[derive(Default)]
struct Pages {
    pages: BTreeMap<u64, Page>,
    asked: HashSet<u64>,
    /// Pages that were last in sight.
    seen: Option<(u64, u64)>,
    total: u64,
}

#[derive(Default)]
struct Page {
    lines: HashMap<u64, Line>,
    /// Nothing is missing from its beginning to the end of the log as it is known here.
    whole: bool,
}

impl Pages {
    fn line(&self, n: u64) -> Option<&Line> {
        self.pages.get(&(n / PAGE))?.lines.get(&n)
    }

    /// The pages to read for what is in sight now.
    fn wanted(&mut self, sight: RangeInclusive<u64>) -> Vec<u64> {
        self.seen = Some((*sight.start(), *sight.end()));
        let missing = sight.filter(|p| !self.pages.get(p).is_some_and(|p| p.whole));
        missing.filter(|p| self.asked.insert(*p)).collect()
    }

    /// Takes a page that was asked for. Lines that came by the feed in the meantime stay.
    fn read(&mut self, number: u64, answer: &TranscriptPage) {
        self.asked.remove(&number);
        self.total = self.total.max(answer.total_lines).max(answer.next_line);
        let page = self.pages.entry(number).or_default();
        page.whole = true;
        for e in &answer.entries {
            page.lines.entry(e.line).or_insert_with(|| raw_text(&e.body));
        }
        self.forget_far_ones(number);
    }

    fn failed(&mut self, number: u64) {
        self.asked.remove(&number);
    }

    /// Adds lines that the feed brings. Those of pages that nobody has read, or is reading, are left to be read when
    /// somebody looks there.
    fn add(&mut self, entries: &[TranscriptEntry], next_line: u64) {
        for e in entries {
            let number = e.line / PAGE;
            if e.line.is_multiple_of(PAGE) && e.line >= self.total {
                self.pages.entry(number).or_default().whole = true;
            } else if !self.pages.contains_key(&number) && !self.asked.contains(&number) {
                continue;
            }
            let page = self.pages.entry(number).or_default();
            page.lines.entry(e.line).or_insert_with(|| raw_text(&e.body));
        }
        self.total = self.total.max(next_line);
        self.forget_far_ones(self.total / PAGE);
    }

    fn forget_far_ones(&mut self, newest: u64) {
        let (first, last) = self.seen.unwrap_or((newest, newest));
        while self.pages.len() > KEPT {
            let away = |p: &u64| {
                if (first..=last).contains(p) { 0 } else { p.abs_diff(first).min(p.abs_diff(last)) }
            };
            let Some(far) = self.pages.keys().copied().max_by_key(away) else { return };
            self.pages.remove(&far);
        }
    }
}

#[component]
pub fn RawLog(run: RunId) -> impl IntoView {
    let pages = RwSignal::new(Pages::default());
    let total = Memo::new(move |_| pages.with(|p| p.total));
    let ready = RwSignal::new(false);
    let live = RwSignal::new(false);
    let following = StoredValue::new_local(Rc::new(RefCell::new(None::<Follow>)));
    let handle = ListHandle::default();
    let at_end = RwSignal::new(false);
    // On the way to the new end: that more was written is no scrolling away.
    let moving = StoredValue::new(false);
    // A live log is read at its end, as it is written.
    let stay_at_end = move || {
        if live.get_untracked() && at_end.get_untracked() {
            moving.set_value(true);
            request_animation_frame(move || {
                handle.to_end();
                let _ = moving.try_set_value(false);
            });
        }
    };
    let follow = move |from: u64| {
        let args = serde_json::json!({ "runId": run, "fromLine": from, "raw": true });
        let started = Follow::start(
            "follow_run",
            args,
            move |page: TranscriptPage| {
                if pages.try_update(|p| p.add(&page.entries, page.next_line)).is_none() {
                    return;
                }
                live.set(page.live);
                stay_at_end();
            },
            |e| app().fail(&e),
        );
        let _ = following.try_with_value(|f| *f.borrow_mut() = Some(started));
    };
    let fetch = move |number: u64| {
        spawn_local(async move {
            let input = ReadTranscript {
                run_id: run,
                from_line: Some(number * PAGE),
                limit: Some(PAGE as u32),
                raw: true,
            };
            let answer = call::<op::ReadTranscriptOp>(&input).await;
            let Some(is_following) = following.try_with_value(|f| f.borrow().is_some()) else { return };
            match answer {
                Ok(page) => {
                    pages.update(|p| p.read(number, &page));
                    ready.set(true);
                    if page.live && !is_following {
                        live.set(true);
                        at_end.set(true);
                        stay_at_end();
                        follow(pages.with_untracked(|p| p.total));
                    }
                }
                Err(e) => {
                    pages.update(|p| p.failed(number));
                    app().fail(&e);
                }
            }
        });
    };
    let look_at = move |sight: RangeInclusive<u64>| {
        let mut wanted = Vec::new();
        pages.update_untracked(|p| wanted = p.wanted(sight));
        wanted.into_iter().for_each(fetch);
    };
    look_at(0..=0);
    // A run that only waited begins to write.
    let listener = feed::listen(
        &[Kind::Run],
        None,
        Some(run.to_string()),
        Rc::new(move || {
            if following.try_with_value(|f| f.borrow().is_none()) == Some(true) {
                fetch(total.get_untracked() / PAGE);
            }
        }),
    );
    on_cleanup(move || {
        feed::ignore(listener);
        let _ = following.try_with_value(|f| f.borrow_mut().take());
    });
    let seen = Callback::new(move |(start, end): (usize, usize)| {
        if !moving.get_value() {
            at_end.set(end as u64 >= total.get_untracked());
        }
        look_at((start as u64 / PAGE)..=(end.saturating_sub(1) as u64 / PAGE));
    });
    let draw = move |n: usize| {
        let n = n as u64;
        let line = Memo::new(move |_| pages.with(|p| p.line(n).cloned()));
        view! {
            <div class="raw-row" class:err=move || line.with(|l| l.as_ref().is_some_and(|l| l.1))>
                <span class="ln">{n + 1}</span>
                <span>{move || line.with(|l| l.as_ref().map(|l| l.0.chars().take(WIDEST).collect::<String>()))}</span>
            </div>
        }
    };
    view! {
        <div class="transcript tall raw" data-testid="raw-log" data-lines=total>
            <Show when=move || ready.get() && total.get() == 0>
                <p class="transcript-empty">
                    {move || if live.get() { "Waiting for the first output" } else { "The run left no output" }}
                </p>
            </Show>
            <VirtualList
                count=Signal::derive(move || total.get() as usize)
                row=ROW
                handle=handle
                label="Raw log"
                role="log"
                draw=draw
                seen=seen
            />
            <Show when=move || !at_end.get() && total.get() != 0>
                <button class="btn jump" on:click=move |_| handle.to_end()>
                    <Icon d=i::ARROW_DOWN />
                    {move || format!("{} lines. To the end", format::thousands(total.get() as i64))}
                </button>
            </Show>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;
    use contract::transcript::EntryBody;

    use super::*;

    fn lines(range: std::ops::Range<u64>) -> Vec<TranscriptEntry> {
        range
            .map(|line| TranscriptEntry {
                line,
                ts: Timestamp::from_millis(0),
                body: EntryBody::Stdout { text: format!("line {line}\n") },
            })
            .collect()
    }

    fn answer(range: std::ops::Range<u64>, total: u64) -> TranscriptPage {
        TranscriptPage {
            from_line: range.start,
            next_line: range.end,
            entries: lines(range),
            total_lines: total,
            live: true,
        }
    }

    fn text(p: &Pages, n: u64) -> Option<&str> {
        p.line(n).map(|l| l.0.as_str())
    }

    #[test]
    fn a_live_log_is_added_to_and_nothing_is_read_twice() {
        let mut p = Pages::default();
        assert_eq!(p.wanted(0..=0), [0]);
        assert!(p.wanted(0..=0).is_empty(), "asked already");
        p.read(0, &answer(0..300, 300));
        p.add(&lines(300..450), 450);
        assert_eq!((p.total, text(&p, 299), text(&p, 449)), (450, Some("line 299"), Some("line 449")));
        assert!(
            p.wanted(0..=1).is_empty(),
            "both pages are whole: one was read, one grew here from its first line"
        );
    }

    #[test]
    fn lines_that_come_while_their_page_is_read_are_not_lost() {
        let mut p = Pages::default();
        p.wanted(0..=0);
        p.read(0, &answer(0..400, 1_000));
        assert_eq!(p.wanted(2..=2), [2]);
        // The answer on its way ends at 1,000; these are written before it arrives.
        p.add(&lines(1_000..1_010), 1_010);
        p.read(2, &answer(800..1_000, 1_000));
        p.add(&lines(1_010..1_020), 1_020);
        assert!((800..1_020).all(|n| p.line(n).is_some()));
        assert_eq!(p.total, 1_020);
    }

    #[test]
    fn a_page_that_was_not_read_stays_to_be_read() {
        let mut p = Pages::default();
        p.wanted(0..=0);
        p.read(0, &answer(0..400, 1_000));
        p.add(&lines(1_000..1_300), 1_300);
        assert!(p.line(1_100).is_none(), "the beginning of its page is not here");
        assert_eq!(p.wanted(2..=3), [2], "the page from 1,200 on grew here and is whole");
    }

    #[test]
    fn a_flood_keeps_what_is_seen_and_few_pages_besides() {
        let mut p = Pages::default();
        p.wanted(0..=1);
        p.read(0, &answer(0..400, 800));
        p.read(1, &answer(400..800, 800));
        for n in 2..2_500 {
            p.add(&lines(n * PAGE..(n + 1) * PAGE), (n + 1) * PAGE);
        }
        assert!(p.pages.len() <= KEPT);
        assert_eq!((p.total, text(&p, 5)), (1_000_000, Some("line 5")));
        assert_eq!(p.wanted(2_400..=2_400), [2_400]);
    }
}
