//! A document's text, drawn part by part as it comes into view, with its threads highlighted. Text that is selected can
//! be commented on; text that is pointed at or clicked names its thread.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use contract::AnnotationThreadId;
use contract::annotation::AnchorState;
use contract::document_annotation::ThreadStatus;
use gloo_timers::callback::Timeout;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use super::desk::{Desk, Listed, Selected};
use super::marks::{self, ACTIVE, DRAFT, FLASH, HOVER, Look};
use super::sheet::{Nearness, Slot};
use crate::components::base::{Icon, Kbd};
use crate::components::icons as i;
use crate::markdown::parse_part;
use crate::markdown::view::blocks;

/// Parts that are drawn before anybody knows what is seen.
const AT_ONCE: usize = 2;
/// Time that a selection has to stand still, in milliseconds.
const STILL: u32 = 90;
/// How long a place that a link led to stands out, in milliseconds.
const FLASHES: u32 = 1600;

type Places = Arc<Vec<(Range<u32>, Look)>>;

/// What is highlighted of the text: open threads, and those of the list that is open.
fn places(desk: Desk) -> Memo<Places> {
    Memo::new(move |_| {
        let Some(shown) = desk.shown.get() else { return Places::default() };
        let listed = desk.listed.get();
        let all = desk.threads.get();
        let seen = all.all.iter().filter(|t| {
            let here = t.thread.current_revision_number == shown.number;
            here && t.thread.anchor_state != AnchorState::Orphaned
        });
        let seen = seen.filter_map(|t| {
            let look = match (t.thread.status, t.thread.anchor_state) {
                (ThreadStatus::Resolved, _) if listed == Listed::Resolved && desk.open.get() => Look::Settled,
                (ThreadStatus::Resolved, _) => return None,
                (ThreadStatus::Open, AnchorState::Active) => Look::Note,
                (ThreadStatus::Open, _) => Look::Stale,
            };
            Some((t.anchor.markdown_start..t.anchor.markdown_end, look))
        });
        Arc::new(seen.collect())
    })
}

#[component]
pub fn DocumentText(desk: Desk) -> impl IntoView {
    let places = places(desk);
    let parts = Memo::new(move |_| {
        desk.shown.with(|s| {
            s.as_ref().map(|s| {
                s.outline.parts.iter().enumerate().map(|(n, p)| (n < AT_ONCE, p.key)).collect::<Vec<_>>()
            })
        })
    });
    let node = NodeRef::<html::Div>::new();
    selections(desk, node);
    extra_marks(desk);
    let pointed = Rc::new(Cell::new(false));
    let empty = Memo::new(move |_| parts.with(|p| p.as_ref().is_some_and(Vec::is_empty)));
    view! {
        <div
            node_ref=node
            class="md document-text"
            data-testid="document-text"
            on:click=move |ev| {
                let clicked = under(desk, f64::from(ev.client_x()), f64::from(ev.client_y()));
                if let Some(thread) = clicked.filter(|_| nothing_selected()) {
                    desk.listed.set(Listed::Open);
                    desk.open.set(true);
                    desk.active.set(Some(thread));
                }
            }
            on:mousemove=move |ev| {
                // Once a frame: the engine has to look for what is under the pointer.
                if pointed.replace(true) {
                    return;
                }
                let pointed = pointed.clone();
                let (x, y) = (f64::from(ev.client_x()), f64::from(ev.client_y()));
                request_animation_frame(move || {
                    pointed.set(false);
                    let found = under(desk, x, y);
                    if desk.hovered.try_get_untracked().is_some_and(|h| h != found) {
                        desk.hovered.set(found);
                    }
                });
            }
            on:mouseleave=move |_| desk.hovered.set(None)
        >
            <For each=move || parts.get().unwrap_or_default() key=|(_, key)| *key let:p>
                <PartView desk=desk part=p.1 at_once=p.0 places=places />
            </For>
            <Show when=move || empty.get()>
                <p class="muted">"Nothing written yet"</p>
            </Show>
        </div>
        <Offer desk=desk />
    }
}

#[component]
fn PartView(desk: Desk, part: u64, at_once: bool, places: Memo<Places>) -> impl IntoView {
    let near = RwSignal::new(at_once);
    // The engine looks at every highlight whenever it paints a word, so there are some only where one looks.
    let seen = RwSignal::new(at_once);
    let node = NodeRef::<html::Div>::new();
    let drawn = RwSignal::new(0_u32);
    let reread = StoredValue::new(0_u32);
    let height = desk
        .shown
        .with_untracked(|s| s.as_ref().and_then(|s| s.outline.find(part).map(|p| p.height)))
        .unwrap_or_default();
    Effect::new(move |_| {
        if let Some(el) = node.get() {
            desk.with_sheet(|s| s.borrow_mut().watch(&el, part, Nearness { wanted: near, seen }));
        }
    });
    Effect::new(move |_| {
        let version = drawn.get();
        let Some(shown) = desk.shown.get().filter(|_| version > 0) else { return };
        let places = places.get();
        if reread.get_value() != version {
            reread.set_value(version);
            desk.with_sheet(|s| s.borrow_mut().reread(part));
            desk.drawn.update(|n| *n = n.wrapping_add(1));
        }
        let seen = seen.get();
        desk.with_sheet(|s| {
            let s = s.borrow();
            let marks = if seen { s.marks(&shown.outline, part, &places) } else { Vec::new() };
            marks::put((s.id(), part), marks);
        });
    });
    on_cleanup(move || {
        desk.with_sheet(|s| s.borrow_mut().forget(part));
    });
    let draw = move || {
        let shown = desk.shown.get_untracked()?;
        let source = shown.body().get(shown.outline.find(part)?.bytes.clone())?;
        let (read, map) = parse_part(source, &shown.outline.definitions);
        // As soon as its nodes are there.
        queue_microtask(move || {
            let Some(el) = node.try_get_untracked().flatten() else { return };
            desk.with_sheet(|s| s.borrow_mut().draw(part, Slot::new(el.unchecked_into(), map), drawn));
            drawn.try_update(|n| *n = n.wrapping_add(1));
        });
        Some(blocks(read))
    };
    view! {
        <div
            node_ref=node
            class="md-part"
            data-part=format!("{part:x}")
            style:min-height=move || (!near.get()).then(|| format!("{height:.0}px"))
        >
            {move || near.get().then(draw)}
        </div>
    }
}

/// Highlights that do not belong to a part: of the thread that is read or pointed at, and of a comment to come.
fn extra_marks(desk: Desk) {
    let mark = move |owner: u64, look: Look, source: Option<Range<u32>>| {
        desk.drawn.track();
        let Some(shown) = desk.shown.get() else { return };
        desk.with_sheet(|s| {
            let s = s.borrow();
            let ranges = source.map(|r| s.ranges(&shown.outline, &r)).unwrap_or_default();
            marks::put((s.id(), owner), ranges.into_iter().map(|r| (look, r)).collect());
        });
    };
    let place = move |id: Option<AnnotationThreadId>| {
        let thread = desk.thread(id?)?;
        let number = desk.shown.with(|s| s.as_ref().map(|s| s.number))?;
        let here = thread.thread.current_revision_number == number
            && thread.thread.anchor_state != AnchorState::Orphaned;
        here.then_some(thread.anchor.markdown_start..thread.anchor.markdown_end)
    };
    Effect::new(move |_| mark(ACTIVE, Look::Active, place(desk.active.get()).filter(|_| desk.open.get())));
    Effect::new(move |_| mark(HOVER, Look::Hover, place(desk.hovered.get())));
    Effect::new(move |_| mark(DRAFT, Look::Draft, desk.composing.get().flatten()));
    let flashing = RwSignal::new(None::<AnnotationThreadId>);
    Effect::new(move |_| mark(FLASH, Look::Flash, place(flashing.get())));
    let end = StoredValue::new_local(None::<Timeout>);
    Effect::new(move |before: Option<Option<AnnotationThreadId>>| {
        let active = desk.active.get();
        if active.is_some() && before.flatten() != active {
            flashing.set(active);
            end.set_value(Some(Timeout::new(FLASHES, move || {
                flashing.try_set(None);
            })));
        }
        active
    });
}

/// The thread whose text stands under a point: the shortest, where several do.
fn under(desk: Desk, x: f64, y: f64) -> Option<AnnotationThreadId> {
    let shown = desk.shown.try_get_untracked()??;
    desk.with_sheet(|s| {
        let s = s.borrow();
        let at = s.source_at(&shown.outline, x, y)?;
        let all = desk.threads.get_untracked();
        let mut over: Vec<_> = all
            .listed(Listed::Open)
            .filter(|t| t.thread.current_revision_number == shown.number)
            .filter(|t| t.anchor.markdown_start <= at && at <= t.anchor.markdown_end)
            .collect();
        over.sort_by_key(|t| t.anchor.markdown_end - t.anchor.markdown_start);
        // The engine names the nearest text, also of a point beside it.
        let hit = over.into_iter().find(|t| {
            let ranges = s.ranges(&shown.outline, &(t.anchor.markdown_start..t.anchor.markdown_end));
            ranges.iter().filter_map(web_sys::Range::get_client_rects).any(|rects| {
                (0..rects.length())
                    .filter_map(|n| rects.item(n))
                    .any(|r| r.left() <= x && x <= r.right() && r.top() <= y && y <= r.bottom())
            })
        });
        hit.map(|t| t.thread.id)
    })?
}

fn selection() -> Option<web_sys::Range> {
    let selection = window().get_selection().ok()??;
    if selection.is_collapsed() || selection.range_count() == 0 {
        return None;
    }
    selection.get_range_at(0).ok()
}

fn nothing_selected() -> bool {
    selection().is_none()
}

/// What is selected of the document now.
pub fn selected(desk: Desk) -> Option<Selected> {
    let range = selection()?;
    let shown = desk.shown.try_get_untracked()??;
    let source = desk.with_sheet(|s| s.borrow().source_of(&shown.outline, &range))??;
    let quote = String::from(range.to_string());
    if quote.trim().is_empty() {
        return None;
    }
    // Offered at the first line of what is selected, within what is seen.
    let whole = range.get_bounding_client_rect();
    let first = range.get_client_rects().and_then(|r| r.item(0)).unwrap_or_else(|| whole.clone());
    let top = desk
        .with_sheet(|s| s.borrow().scroller().map(|e| e.get_bounding_client_rect().top()))
        .flatten()
        .unwrap_or_default();
    let x = first.left() + first.width().min(whole.width()) / 2.0;
    Some(Selected { source, quote: quote.trim().to_owned(), x, y: first.top().max(top + 44.0) })
}

/// Follows the page's selection.
fn selections(desk: Desk, node: NodeRef<html::Div>) {
    let pending = Rc::new(RefCell::new(None::<Timeout>));
    let held = Rc::new(Cell::new(false));
    let read = {
        let (pending, held) = (pending.clone(), held.clone());
        move || {
            let held = held.clone();
            *pending.borrow_mut() = Some(Timeout::new(STILL, move || {
                // Not while it is being drawn up with the pointer.
                if !held.get() && desk.selected.try_with_untracked(|_| ()).is_some() {
                    let now = selected(desk);
                    if desk.selected.get_untracked() != now {
                        desk.selected.set(now);
                    }
                }
            }));
        }
    };
    let changed = Closure::<dyn FnMut()>::new(read.clone());
    let _ = document().add_event_listener_with_callback("selectionchange", changed.as_ref().unchecked_ref());
    let down = {
        let held = held.clone();
        window_event_listener(leptos::ev::pointerdown, move |ev| {
            let target = ev.target().and_then(|t| t.dyn_into::<web_sys::Node>().ok());
            let here = node.try_get_untracked().flatten();
            held.set(here.is_some_and(|n| n.contains(target.as_ref())));
        })
    };
    let up = window_event_listener(leptos::ev::pointerup, move |_| {
        if held.replace(false) {
            read();
        }
    });
    let kept = StoredValue::new_local((changed, pending));
    on_cleanup(move || {
        down.remove();
        up.remove();
        let _ = kept.try_with_value(|(changed, pending)| {
            pending.borrow_mut().take();
            let _ = document()
                .remove_event_listener_with_callback("selectionchange", changed.as_ref().unchecked_ref());
        });
    });
}

/// What can be done with the selected text, beside it.
#[component]
fn Offer(desk: Desk) -> impl IntoView {
    move || {
        desk.selected.get().map(|s| {
            let attaching = desk.attaching.get().is_some();
            view! {
                <div
                    class="selection-offer"
                    style:left=format!("{:.0}px", s.x)
                    style:top=format!("{:.0}px", s.y)
                    // The selection stays.
                    on:mousedown=move |ev| ev.prevent_default()
                >
                    <button
                        class="btn"
                        data-testid="annotate"
                        on:click=move |_| {
                            desk.take_selection();
                        }
                    >
                        <Icon d=if attaching { i::LINK } else { i::MESSAGE_SQUARE } />
                        {if attaching { "Attach the comment here" } else { "Comment" }}
                        <Kbd keys="A" />
                    </button>
                </div>
            }
        })
    }
}
