//! The issues of a view, read by the page as they come into sight, and kept fresh.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use contract::issue::{IssueCount, IssueRow, IssueStatus, ListIssues, UpdateIssue};
use contract::operations as op;
use contract::{ApiError, IssueId, Kind};
use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{call, feed};
use crate::filters::{Group, IssueView, Section};
use crate::state::{act_or, app, company};

/// Rows read at once.
const PAGE: usize = 50;
/// Pages kept; those long out of sight are read again when they come back.
const KEPT: usize = 24;

type Pages = HashMap<(String, usize), Arc<Vec<Arc<IssueRow>>>>;

#[derive(Clone, Copy)]
pub struct IssueSource {
    pub sections: Memo<Vec<Section>>,
    /// Rows of each section; `None` until counted.
    pub counts: RwSignal<Option<HashMap<String, usize>>>,
    pub error: RwSignal<Option<ApiError>>,
    pages: RwSignal<Pages>,
    wanted: StoredValue<HashSet<(String, usize)>>,
    state: StoredValue<Rc<Reading>, LocalStorage>,
}

#[derive(Default)]
struct Reading {
    /// Grows with each change of the view: answers to an older one are dropped.
    turn: Cell<u32>,
    in_flight: RefCell<HashSet<(String, usize)>>,
    pending: RefCell<Option<Timeout>>,
}

impl IssueSource {
    /// Reads for a view until the owner is gone.
    pub fn new(view: Signal<IssueView>) -> Self {
        let co = company();
        let sections = Memo::new(move |_| {
            let v = view.get();
            let (mut agents, mut projects) = (Vec::new(), Vec::new());
            if v.group == Group::Assignee && !v.board {
                co.agents.data.with(|a| {
                    agents.extend(a.iter().flat_map(|a| a.iter()).map(|a| (a.id, a.name.clone())));
                });
            }
            if v.group == Group::Project && !v.board {
                co.projects.data.with(|p| {
                    projects.extend(p.iter().flat_map(|p| p.iter()).map(|p| (p.id, p.name.clone())));
                });
            }
            v.sections(co.id, &agents, &projects)
        });
        let me = Self {
            sections,
            counts: RwSignal::new(None),
            error: RwSignal::new(None),
            pages: RwSignal::new(HashMap::new()),
            wanted: StoredValue::new(HashSet::new()),
            state: StoredValue::new_local(Rc::default()),
        };
        Effect::new(move |before: Option<bool>| {
            sections.track();
            let v = view.get();
            untrack(|| me.restart(&v, before.is_some()));
            true
        });
        let again = move || me.soon(view);
        let listener = feed::listen(
            &[Kind::Issue, Kind::Run, Kind::Label, Kind::Interaction],
            Some(co.id),
            None,
            Rc::new(again),
        );
        on_cleanup(move || {
            feed::ignore(listener);
            let _ = me.state.try_with_value(|s| s.pending.borrow_mut().take());
        });
        me
    }

    fn restart(self, view: &IssueView, keep: bool) {
        self.state.with_value(|s| {
            s.turn.set(s.turn.get() + 1);
            s.in_flight.borrow_mut().clear();
        });
        self.pages.update(HashMap::clear);
        if !keep {
            self.counts.set(None);
        }
        self.count(view);
        for (key, page) in self.wanted.get_value() {
            self.fetch(&key, page);
        }
    }

    /// Reads again, a little later, what is in sight.
    fn soon(self, view: Signal<IssueView>) {
        let _ = self.state.try_with_value(|s| {
            if s.pending.borrow().is_some() {
                return;
            }
            let state = s.clone();
            *s.pending.borrow_mut() = Some(Timeout::new(250, move || {
                state.pending.borrow_mut().take();
                if let Some(v) = view.try_get_untracked() {
                    self.refresh(&v);
                }
            }));
        });
    }

    fn refresh(self, view: &IssueView) {
        self.count(view);
        let wanted = self.wanted.get_value();
        self.pages.update_untracked(|p| p.retain(|k, _| wanted.contains(k)));
        for (key, page) in wanted {
            self.fetch(&key, page);
        }
    }

    /// Counts the sections: one question where the answer holds the statuses, else one for each.
    fn count(self, view: &IssueView) {
        let sections = self.sections.get_untracked();
        let group = if view.board { Group::Status } else { view.group };
        let co = company_id(&sections);
        let turn = self.turn();
        let base = co.map(|c| view.list(c));
        spawn_local(async move {
            let counted = match (group, base) {
                (Group::None | Group::Status, Some(base)) => {
                    call::<op::CountIssues>(&base).await.map(|c| by_section(&c, &sections))
                }
                _ => count_each(sections).await,
            };
            if self.state.try_with_value(|s| s.turn.get()) != Some(turn) {
                return;
            }
            match counted {
                Ok(c) => {
                    self.error.set(None);
                    if self.counts.with_untracked(|now| now.as_ref() != Some(&c)) {
                        self.counts.set(Some(c));
                    }
                }
                Err(e) => self.error.set(Some(e)),
            }
        });
    }

    fn turn(self) -> u32 {
        self.state.with_value(|s| s.turn.get())
    }

    /// The row at an offset of a section, once it is there. Asks for its page when it is not.
    pub fn row(self, section: &str, offset: usize) -> Option<Arc<IssueRow>> {
        let key = (section.to_owned(), offset / PAGE);
        let row = self.pages.with(|p| p.get(&key).map(|rows| rows.get(offset % PAGE).cloned()));
        match row {
            Some(row) => row,
            None => {
                self.want(&key.0, key.1);
                None
            }
        }
    }

    fn want(self, section: &str, page: usize) {
        self.wanted.update_value(|w| {
            w.insert((section.to_owned(), page));
        });
        self.fetch(section, page);
    }

    /// Says which pages are in sight, so that only they are read again.
    pub fn in_sight(self, pages: HashSet<(String, usize)>) {
        self.wanted.set_value(pages);
    }

    /// Says which pages of one section are in sight.
    pub fn in_sight_of(self, section: &str, pages: std::ops::RangeInclusive<usize>) {
        self.wanted.update_value(|w| {
            w.retain(|(s, _)| s != section);
            w.extend(pages.map(|p| (section.to_owned(), p)));
        });
    }

    pub const fn page_of(offset: usize) -> usize {
        offset / PAGE
    }

    fn fetch(self, section: &str, page: usize) {
        let Some(filter) = self
            .sections
            .with_untracked(|all| all.iter().find(|s| s.key == section).map(|s| s.filter.clone()))
        else {
            return;
        };
        let key = (section.to_owned(), page);
        let turn = self.turn();
        if !self.state.with_value(|s| s.in_flight.borrow_mut().insert(key.clone())) {
            return;
        }
        spawn_local(async move {
            let input = ListIssues { limit: Some(PAGE as u32), offset: Some((page * PAGE) as u32), ..filter };
            let answer = call::<op::ListIssuesOp>(&input).await;
            let current = self.state.try_with_value(|s| {
                s.in_flight.borrow_mut().remove(&key);
                s.turn.get() == turn
            });
            if current != Some(true) {
                return;
            }
            match answer {
                Ok(rows) => self.keep(key, rows),
                Err(e) => self.error.set(Some(e)),
            }
        });
    }

    fn keep(self, key: (String, usize), rows: Vec<IssueRow>) {
        let wanted = self.wanted.get_value();
        self.pages.update(|p| {
            // Rows that did not change stay the same rows, so that nothing is drawn again.
            let rows = rows
                .into_iter()
                .map(|r| {
                    let old = p.get(&key).and_then(|old| old.iter().find(|o| ***o == r).cloned());
                    old.unwrap_or_else(|| Arc::new(r))
                })
                .collect();
            p.insert(key, Arc::new(rows));
            if p.len() > KEPT {
                p.retain(|k, _| wanted.contains(k));
            }
        });
    }

    /// A row that is in memory, by its id.
    pub fn known(self, id: IssueId) -> Option<Arc<IssueRow>> {
        self.pages.with_untracked(|p| p.values().flat_map(|r| r.iter()).find(|r| r.issue.id == id).cloned())
    }

    /// Changes an issue: shown at once, taken back when the core refuses.
    pub fn change(
        self,
        view: Signal<IssueView>,
        id: IssueId,
        show: impl Fn(&mut IssueRow),
        input: UpdateIssue,
    ) {
        let before = self.pages.get_untracked();
        self.pages.update(|p| {
            for rows in p.values_mut() {
                if rows.iter().any(|r| r.issue.id == id) {
                    for r in Arc::make_mut(rows).iter_mut().filter(|r| r.issue.id == id) {
                        show(Arc::make_mut(r));
                    }
                }
            }
        });
        act_or::<op::UpdateIssueOp>(
            input,
            move |_| self.refresh_if_open(view),
            move || {
                let _ = self.pages.try_set(before);
            },
        );
    }

    /// Moves an issue to another column: shown there at once, put back when the core refuses.
    pub fn move_to(self, view: Signal<IssueView>, row: &Arc<IssueRow>, to: IssueStatus) {
        if row.issue.status == to {
            return;
        }
        let (pages, counts) = (self.pages.get_untracked(), self.counts.get_untracked());
        let mut moved = (**row).clone();
        let from = moved.issue.status;
        moved.issue.status = to;
        let id = moved.issue.id;
        self.pages.update(|p| {
            for rows in p.values_mut() {
                Arc::make_mut(rows).retain(|r| r.issue.id != id);
            }
            if let Some(first) = p.get_mut(&(to.as_str().to_owned(), 0)) {
                Arc::make_mut(first).insert(0, Arc::new(moved));
            }
        });
        self.counts.update(|c| {
            let Some(c) = c else { return };
            if let Some(n) = c.get_mut(from.as_str()) {
                *n = n.saturating_sub(1);
            }
            *c.entry(to.as_str().into()).or_default() += 1;
        });
        let mut input = UpdateIssue::of(id);
        input.status = Some(to);
        act_or::<op::UpdateIssueOp>(
            input,
            move |_| {
                self.refresh_if_open(view);
                app().say(format!("Moved to {}", crate::labels::issue_status(to)));
            },
            move || {
                let _ = self.pages.try_set(pages);
                let _ = self.counts.try_set(counts);
            },
        );
    }

    fn refresh_if_open(self, view: Signal<IssueView>) {
        if let Some(v) = view.try_get_untracked() {
            self.refresh(&v);
        }
    }
}

fn company_id(sections: &[Section]) -> Option<contract::CompanyId> {
    sections.first().map(|s| s.filter.company_id)
}

fn by_section(c: &IssueCount, sections: &[Section]) -> HashMap<String, usize> {
    let size = |n: i64| usize::try_from(n).unwrap_or(0);
    sections
        .iter()
        .map(|s| {
            let n = if s.key == "all" { c.count } else { c.by_status.get(&s.key).copied().unwrap_or(0) };
            (s.key.clone(), size(n))
        })
        .collect()
}

async fn count_each(sections: Vec<Section>) -> Result<HashMap<String, usize>, ApiError> {
    let mut out = HashMap::new();
    for s in sections {
        let c = call::<op::CountIssues>(&s.filter).await?;
        out.insert(s.key, usize::try_from(c.count).unwrap_or(0));
    }
    Ok(out)
}
