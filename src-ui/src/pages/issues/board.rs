//! The board: a column for each status, cards moved by pointer or by keys.
//!
//! Dragging uses pointer events: HTML5 drag and drop is not reliable in webviews.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use contract::company::CompanyPath;
use contract::issue::{IssueRow, IssueStatus};
use contract::operations as op;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::edit;
use super::list::NoIssues;
use super::source::IssueSource;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, StatusIcon};
use crate::components::icons as i;
use crate::components::issue_row::CardContent;
use crate::components::virtual_list::{ListHandle, VirtualList};
use crate::filters::IssueView;
use crate::labels;
use crate::state::keys::{self, use_keys};
use crate::state::route::Page;
use crate::state::{Dialog, NewIssueDefaults, app, company};

const CARD: f64 = 112.0;
/// Pixels that a pressed pointer moves before it drags.
const SLOP: f64 = 5.0;
/// Within this many pixels of an edge, the board scrolls.
const EDGE: f64 = 56.0;

#[derive(Clone, PartialEq)]
struct Drag {
    row: Arc<IssueRow>,
    x: f64,
    y: f64,
    over: Option<IssueStatus>,
}

#[component]
pub fn Board(view: RwSignal<IssueView>, source: IssueSource) -> impl IntoView {
    let app = app();
    let co = company();
    let drag = RwSignal::new(None::<Drag>);
    let cursor = RwSignal::new(None::<(IssueStatus, usize)>);
    let columns = Memo::new(move |_| {
        source
            .sections
            .with(|s| s.iter().filter_map(|s| s.key.parse::<IssueStatus>().ok()).collect::<Vec<_>>())
    });
    let empty =
        Memo::new(move |_| source.counts.with(|c| c.as_ref().is_some_and(|c| c.values().all(|n| *n == 0))));
    let count = move |s: IssueStatus| {
        source.counts.with(|c| c.as_ref().and_then(|c| c.get(s.as_str()).copied()).unwrap_or(0))
    };
    use_keys(move |ev, key| {
        let over = app.dialog.with_untracked(Option::is_some) || app.menu.with_untracked(Option::is_some);
        if over || keys::typing(ev) || keys::command(ev) {
            return false;
        }
        let cols = columns.get_untracked();
        let Some((col, at)) = cursor.get_untracked() else {
            if matches!(key, "j" | "k" | "ArrowDown" | "ArrowRight") {
                let first = cols.iter().find(|c| untrack(|| count(**c)) > 0);
                cursor.set(first.map(|c| (*c, 0)));
                return true;
            }
            return false;
        };
        let place = cols.iter().position(|c| *c == col).unwrap_or(0);
        let row = untrack(|| source.row(col.as_str(), at));
        let sideways = match key {
            "ArrowRight" | "l" => 1,
            "ArrowLeft" | "h" => -1,
            _ => 0,
        };
        if sideways != 0 {
            let Some(next) = place.checked_add_signed(sideways).and_then(|p| cols.get(p)).copied() else {
                return true;
            };
            if ev.shift_key() {
                if let Some(row) = row {
                    source.move_to(view.into(), &row, next);
                    cursor.set(Some((next, 0)));
                }
            } else {
                let last = untrack(|| count(next)).saturating_sub(1);
                cursor.set(Some((next, at.min(last))));
            }
            return true;
        }
        match (key, row) {
            ("j" | "ArrowDown", _) => {
                cursor.set(Some((col, (at + 1).min(untrack(|| count(col)).saturating_sub(1)))));
            }
            ("k" | "ArrowUp", _) => cursor.set(Some((col, at.saturating_sub(1)))),
            ("Enter", Some(r)) if !keys::on_control(ev) => co.go(Page::Issue(r.issue.display_key())),
            ("Escape", _) => cursor.set(None),
            ("s" | "p" | "a", Some(r)) => {
                return match document().query_selector(".card.at").ok().flatten() {
                    Some(el) => edit(key, &el, vec![r.issue.id], view, source),
                    None => false,
                };
            }
            _ => return false,
        }
        true
    });
    provide_context(use_query::<op::ListPrimaryWorkProducts>(move || {
        Some(Ask::within(CompanyPath { company_id: co.id }, co.id))
    }));
    view! {
        <Show when=move || empty.get()>
            <NoIssues view=view />
        </Show>
        <div
            class="board"
            class:hidden=empty
            class:dragging=move || drag.with(Option::is_some)
            data-testid="issue-board"
            role="group"
            aria-label="Board. Shift with left and right arrows moves the chosen card."
        >
            <For each=move || columns.get() key=|c| *c let:status>
                <Column
                    status=status
                    count=Signal::derive(move || count(status))
                    view=view
                    source=source
                    drag=drag
                    cursor=cursor
                />
            </For>
        </div>
        {move || {
            drag.get()
                .map(|d| {
                    view! {
                        <div class="card ghost" style:transform=format!("translate({}px, {}px)", d.x, d.y)>
                            <CardContent row=d.row />
                        </div>
                    }
                })
        }}
    }
}

#[component]
fn Column(
    status: IssueStatus,
    count: Signal<usize>,
    view: RwSignal<IssueView>,
    source: IssueSource,
    drag: RwSignal<Option<Drag>>,
    cursor: RwSignal<Option<(IssueStatus, usize)>>,
) -> impl IntoView {
    let handle = ListHandle::default();
    let over = Memo::new(move |_| drag.with(|d| d.as_ref().is_some_and(|d| d.over == Some(status))));
    Effect::new(move |_| {
        if let Some((col, at)) = cursor.get()
            && col == status
        {
            handle.reveal(at, count.get_untracked(), CARD);
        }
    });
    let seen = Callback::new(move |(start, end): (usize, usize)| {
        let pages = IssueSource::page_of(start)..=IssueSource::page_of(end.saturating_sub(1));
        source.in_sight_of(status.as_str(), pages);
    });
    let draw = move |n: usize| {
        let row = Memo::new(move |_| source.row(status.as_str(), n));
        move || match row.get() {
            Some(r) => {
                view! { <Card row=r n=n status=status view=view source=source drag=drag cursor=cursor /> }
                    .into_any()
            }
            None => {
                view! { <div class="card waiting" aria-busy="true"><div class="skeleton-row"></div></div> }
                    .into_any()
            }
        }
    };
    view! {
        <section class="column" class:over=over data-column=status.as_str() aria-label=labels::issue_status(status)>
            <header class="column-head">
                <StatusIcon status=status />
                <h2>{labels::issue_status(status)}</h2>
                <span class="muted num">{move || crate::format::thousands(count.get() as i64)}</span>
                <button
                    class="icon-btn push"
                    aria-label="New issue in this column"
                    on:click=move |_| {
                        app()
                            .dialog
                            .set(
                                Some(
                                    Dialog::NewIssue(NewIssueDefaults {
                                        status: Some(status),
                                        ..NewIssueDefaults::default()
                                    }),
                                ),
                            );
                    }
                >
                    <Icon d=i::PLUS />
                </button>
            </header>
            <VirtualList count=count row=CARD handle=handle class="column-list" label="Cards" draw=draw seen=seen />
        </section>
    }
}

#[component]
fn Card(
    row: Arc<IssueRow>,
    n: usize,
    status: IssueStatus,
    view: RwSignal<IssueView>,
    source: IssueSource,
    drag: RwSignal<Option<Drag>>,
    cursor: RwSignal<Option<(IssueStatus, usize)>>,
) -> impl IntoView {
    let co = company();
    let key = row.issue.display_key();
    let open = key.clone();
    let id = row.issue.id;
    let held = StoredValue::new(row.clone());
    let lifted = Memo::new(move |_| drag.with(|d| d.as_ref().is_some_and(|d| d.row.issue.id == id)));
    view! {
        <div class="card-slot">
            <article
                class="card"
                class:at=move || cursor.get() == Some((status, n))
                class:lifted=lifted
                data-testid="issue-card"
                data-identifier=key
                data-status=status.as_str()
                on:pointerdown=move |ev| begin(&ev, held.get_value(), view, source, drag)
                on:click=move |_| {
                    cursor.set(Some((status, n)));
                    if !dragged_just_now() {
                        co.go(Page::Issue(open.clone()));
                    }
                }
            >
                <CardContent row=row />
            </article>
        </div>
    }
}

thread_local! {
    /// When the last drag ended: the click that follows it opens nothing.
    static DROPPED: RefCell<f64> = const { RefCell::new(0.0) };
}

fn dragged_just_now() -> bool {
    js_sys::Date::now() - DROPPED.with_borrow(|d| *d) < 300.0
}

/// The column under a point.
fn column_at(x: f64, y: f64) -> Option<IssueStatus> {
    let el = document().element_from_point(x as f32, y as f32)?;
    el.closest("[data-column]").ok()??.get_attribute("data-column")?.parse().ok()
}

/// Scrolls the board and the column under the pointer when it is near an edge.
fn scroll_edges(x: f64, y: f64) {
    let nudge = |at: f64, low: f64, high: f64| -> i32 {
        if at < low + EDGE {
            -14
        } else if at > high - EDGE {
            14
        } else {
            0
        }
    };
    if let Ok(Some(board)) = document().query_selector(".board") {
        let r = board.get_bounding_client_rect();
        board.set_scroll_left(board.scroll_left() + nudge(x, r.left(), r.right()));
    }
    let list = document()
        .element_from_point(x as f32, y as f32)
        .and_then(|e| e.closest(".column").ok().flatten())
        .and_then(|c| c.query_selector(".virtual").ok().flatten());
    if let Some(list) = list {
        let r = list.get_bounding_client_rect();
        list.set_scroll_top(list.scroll_top() + nudge(y, r.top(), r.bottom()));
    }
}

/// Follows a pressed pointer: past the slop it drags the card, and where it is let go the card lands.
fn begin(
    ev: &web_sys::PointerEvent,
    row: Arc<IssueRow>,
    view: RwSignal<IssueView>,
    source: IssueSource,
    drag: RwSignal<Option<Drag>>,
) {
    if ev.button() != 0 {
        return;
    }
    let (sx, sy) = (f64::from(ev.client_x()), f64::from(ev.client_y()));
    let offset =
        ev.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()).map_or((0.0, 0.0), |el| {
            let r = el.get_bounding_client_rect();
            (sx - r.left(), sy - r.top())
        });
    let handles: Rc<RefCell<Vec<WindowListenerHandle>>> = Rc::default();
    let scroller = Rc::new(RefCell::new(None::<gloo_timers::callback::Interval>));
    let moved = {
        let (row, scroller) = (row.clone(), scroller.clone());
        window_event_listener(leptos::ev::pointermove, move |ev| {
            let (x, y) = (f64::from(ev.client_x()), f64::from(ev.client_y()));
            let started = drag.with_untracked(Option::is_some);
            if !started && (x - sx).hypot(y - sy) < SLOP {
                return;
            }
            ev.prevent_default();
            if !started {
                *scroller.borrow_mut() = Some(gloo_timers::callback::Interval::new(16, move || {
                    if let Some((x, y)) = drag
                        .try_with_untracked(|d| d.as_ref().map(|d| (d.x + offset.0, d.y + offset.1)))
                        .flatten()
                    {
                        scroll_edges(x, y);
                    }
                }));
            }
            drag.set(Some(Drag {
                row: row.clone(),
                x: x - offset.0,
                y: y - offset.1,
                over: column_at(x, y),
            }));
        })
    };
    let end = {
        let (handles, scroller) = (handles.clone(), scroller.clone());
        move |land: bool| {
            scroller.borrow_mut().take();
            for h in handles.borrow_mut().drain(..) {
                h.remove();
            }
            let Some(d) = drag.try_update(Option::take).flatten() else { return };
            DROPPED.with_borrow_mut(|t| *t = js_sys::Date::now());
            if let (true, Some(to)) = (land, d.over) {
                source.move_to(view.into(), &d.row, to);
            }
        }
    };
    let (up_end, cancel_end, key_end) = (end.clone(), end.clone(), end);
    let up = window_event_listener(leptos::ev::pointerup, move |_| up_end(true));
    let cancel = window_event_listener(leptos::ev::pointercancel, move |_| cancel_end(false));
    let escape = window_event_listener(leptos::ev::keydown, move |ev| {
        if ev.key() == "Escape" {
            key_end(false);
        }
    });
    handles.borrow_mut().extend([moved, up, cancel, escape]);
}
