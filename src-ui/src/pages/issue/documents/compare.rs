//! Two revisions compared: side by side, or in one column.

use std::sync::Arc;

use contract::RevisionId;
use contract::document::{DocumentRevision, RevisionPath};
use contract::operations as op;
use leptos::prelude::*;

use super::desk::{Desk, Mode};
use super::history::{author, restore, revisions_of};
use crate::api::query::{Ask, Query, use_query};
use crate::components::base::{Failed, Icon, Skeleton};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::diff::{Mark, Row, Run, rows};
use crate::state::{company, prefs};

/// Unchanged lines that are shown around a change.
const CONTEXT: usize = 3;
/// Shorter stretches of unchanged lines are not folded.
const WORTH: usize = 9;
/// Rows that are laid out together, or not at all while they are out of view.
const BATCH: usize = 60;

/// A stretch of the comparison.
#[derive(Clone, PartialEq)]
enum Stretch {
    Rows(Vec<Row>),
    /// Unchanged lines that can be unfolded.
    Folded(Vec<Row>),
}

fn stretches(rows: Vec<Row>) -> Vec<Stretch> {
    let mut out = Vec::new();
    let mut open: Vec<Row> = Vec::new();
    let total = rows.len();
    let mut at = 0;
    while at < total {
        let same = rows[at..].iter().take_while(|r| r.is_same()).count();
        if same == 0 {
            open.push(rows[at].clone());
            at += 1;
            continue;
        }
        let head = if at == 0 { 0 } else { CONTEXT };
        let tail = if at + same == total { 0 } else { CONTEXT };
        if same < WORTH.max(head + tail + 1) {
            open.extend_from_slice(&rows[at..at + same]);
        } else {
            open.extend_from_slice(&rows[at..at + head]);
            if !open.is_empty() {
                out.push(Stretch::Rows(std::mem::take(&mut open)));
            }
            out.push(Stretch::Folded(rows[at + head..at + same - tail].to_vec()));
            open.extend_from_slice(&rows[at + same - tail..at + same]);
        }
        at += same;
    }
    if !open.is_empty() {
        out.push(Stretch::Rows(open));
    }
    out
}

fn revision(desk: Desk, id: impl Fn() -> Option<RevisionId> + 'static) -> Query<DocumentRevision> {
    let co = company();
    use_query::<op::GetDocumentRevision>(move || {
        let at = RevisionPath { id: desk.issue.into(), key: desk.key(), revision_id: id()? };
        Some(Ask::within(at, co.id))
    })
}

#[component]
pub fn Compare(desk: Desk) -> impl IntoView {
    let ends = Memo::new(move |_| match desk.mode.get() {
        Mode::Compare { from, to } => Some((from, to)),
        Mode::Read | Mode::Edit => None,
    });
    let (old, new) =
        (revision(desk, move || Some(ends.get()?.0)), revision(desk, move || Some(ends.get()?.1)));
    let side = RwSignal::new(prefs::load("compare-side").unwrap_or(true));
    Effect::new(move |_| {
        prefs::save("compare-side", &side.get());
    });
    let compared = Memo::new(move |_| {
        let (old, new) = (old.get()?, new.get()?);
        let (from, to) = ends.get()?;
        // While the other answer is on its way nothing is compared.
        if (old.id, new.id) != (from, to) {
            return None;
        }
        let before = if from == to { "" } else { old.body.as_str() };
        Some(Arc::new(stretches(rows(before, &new.body))))
    });
    view! {
        <section class="compare" data-testid="compare">
            <CompareHead desk=desk side=side />
            {move || {
                let failed = old.error.get().or_else(|| new.error.get());
                match (compared.get(), failed) {
                    (Some(all), _) if all.iter().all(|s| matches!(s, Stretch::Folded(_))) => {
                        view! { <p class="muted pad">"These revisions say the same."</p> }.into_any()
                    }
                    (Some(all), _) => {
                        let side = side.get();
                        let all = all.iter().cloned().map(|s| view! { <StretchView of=s side=side /> });
                        view! { <div class="compared" class:side=side>{all.collect_view()}</div> }.into_any()
                    }
                    (None, Some(e)) => view! { <Failed error=e /> }.into_any(),
                    (None, None) => view! { <Skeleton rows=8 /> }.into_any(),
                }
            }}
        </section>
    }
}

#[component]
fn CompareHead(desk: Desk, side: RwSignal<bool>) -> impl IntoView {
    let co = company();
    let history = revisions_of(desk);
    let number = move |id: RevisionId| {
        history.data.with(|h| h.as_ref()?.iter().find(|r| r.id == id).map(|r| r.revision_number))
    };
    let choose = move |ev: &web_sys::MouseEvent, is_from: bool| {
        let (Some(el), Mode::Compare { from, to }) = (anchor(ev), desk.mode.get_untracked()) else { return };
        let here = if is_from { from } else { to };
        let choices = history.data.with_untracked(|h| {
            h.iter()
                .flat_map(|h| h.iter())
                .map(|r| {
                    let label = format!("Revision {} · {}", r.revision_number, author(r, co));
                    Choice::new(r.id.to_string(), label, Glyph::Icon(i::HISTORY))
                        .hint(crate::format::ago(r.created_at, crate::state::clock()))
                        .selected(r.id == here)
                })
                .collect()
        });
        let pick = Callback::new(move |id: String| {
            let Ok(id) = id.parse() else { return };
            desk.mode.set(if is_from {
                Mode::Compare { from: id, to }
            } else {
                Mode::Compare { from, to: id }
            });
        });
        Menu::under(&el, "Which revision", choices, pick).open();
    };
    let name = move |is_from: bool| match desk.mode.get() {
        Mode::Compare { from, to } if is_from && from == to => "Nothing".to_owned(),
        Mode::Compare { from, to } => {
            let n = number(if is_from { from } else { to });
            n.map_or_else(|| "Revision".into(), |n| format!("Revision {n}"))
        }
        _ => String::new(),
    };
    let old = move || match desk.mode.get() {
        Mode::Compare { from, to } if from != to => number(from).map(|n| (from, n)),
        _ => None,
    };
    view! {
        <header class="compare-head">
            <button class="btn" data-testid="compare-from" on:click=move |ev| choose(&ev, true)>
                {move || name(true)}
                <Icon d=i::CHEVRONS_UP_DOWN />
            </button>
            <Icon d=i::ARROW_RIGHT />
            <button class="btn" data-testid="compare-to" on:click=move |ev| choose(&ev, false)>
                {move || name(false)}
                <Icon d=i::CHEVRONS_UP_DOWN />
            </button>
            <div class="segments push" role="group" aria-label="How">
                <button
                    class:on=move || side.get()
                    aria-pressed=move || side.get().to_string()
                    data-testid="compare-side"
                    on:click=move |_| side.set(true)
                >
                    <Icon d=i::COLUMNS_2 />
                    "Side by side"
                </button>
                <button
                    class:on=move || !side.get()
                    aria-pressed=move || (!side.get()).to_string()
                    data-testid="compare-inline"
                    on:click=move |_| side.set(false)
                >
                    <Icon d=i::LIST />
                    "Inline"
                </button>
            </div>
            {move || {
                old()
                    .map(|(id, n)| {
                        view! {
                            <button class="btn" on:click=move |_| restore(desk, id, n)>
                                <Icon d=i::ROTATE_CCW />
                                {format!("Restore {n}")}
                            </button>
                        }
                    })
            }}
            <button class="btn" on:click=move |_| desk.mode.set(Mode::Read)>
                "Done"
            </button>
        </header>
    }
}

#[component]
fn StretchView(of: Stretch, side: bool) -> impl IntoView {
    match of {
        Stretch::Rows(all) => batches(&all, side).into_any(),
        Stretch::Folded(all) => {
            let open = RwSignal::new(false);
            let n = all.len();
            let all = StoredValue::new(all);
            view! {
                <Show
                    when=move || open.get()
                    fallback=move || {
                        view! {
                            <button class="unchanged" on:click=move |_| open.set(true)>
                                {format!("{} unchanged", crate::format::count(n as i64, "line", "lines"))}
                            </button>
                        }
                    }
                >
                    {all.with_value(|all| batches(all, side))}
                </Show>
            }
            .into_any()
        }
    }
}

fn batches(all: &[Row], side: bool) -> impl IntoView + use<> {
    all.chunks(BATCH)
        .map(|rows| {
            let rows = rows.iter().map(|r| if side { beside(r) } else { inline(r) }).collect_view();
            view! { <div class="compared-rows">{rows}</div> }
        })
        .collect_view()
}

fn numbered(n: Option<usize>) -> String {
    n.map(|n| n.to_string()).unwrap_or_default()
}

fn runs(all: &[Run], without: Option<Mark>) -> AnyView {
    all.iter()
        .filter(|r| Some(r.mark) != without)
        .map(|r| match r.mark {
            Mark::Same => r.text.clone().into_any(),
            Mark::Removed => view! { <del>{r.text.clone()}</del> }.into_any(),
            Mark::Added => view! { <ins>{r.text.clone()}</ins> }.into_any(),
        })
        .collect_view()
        .into_any()
}

fn cell(class: &'static str, n: Option<usize>, text: AnyView) -> AnyView {
    view! {
        <span class="line-no">{numbered(n)}</span>
        <span class=format!("line-text {class}")>{text}</span>
    }
    .into_any()
}

fn beside(row: &Row) -> AnyView {
    let nothing = || cell("none", None, ().into_any());
    let (left, right) = match row {
        Row::Same { old, new, text } => {
            (cell("", Some(*old), text.clone().into_any()), cell("", Some(*new), text.clone().into_any()))
        }
        Row::Removed { old, text } => {
            (cell("removed", Some(*old), view! { <del>{text.clone()}</del> }.into_any()), nothing())
        }
        Row::Added { new, text } => {
            (nothing(), cell("added", Some(*new), view! { <ins>{text.clone()}</ins> }.into_any()))
        }
        Row::Edited { old, new, runs: all } => (
            cell("removed", Some(*old), runs(all, Some(Mark::Added))),
            cell("added", Some(*new), runs(all, Some(Mark::Removed))),
        ),
    };
    view! { <div class="compared-row">{left} {right}</div> }.into_any()
}

fn inline(row: &Row) -> AnyView {
    let (class, old, new, text) = match row {
        Row::Same { old, new, text } => ("", Some(*old), Some(*new), text.clone().into_any()),
        Row::Removed { old, text } => {
            ("removed", Some(*old), None, view! { <del>{text.clone()}</del> }.into_any())
        }
        Row::Added { new, text } => {
            ("added", None, Some(*new), view! { <ins>{text.clone()}</ins> }.into_any())
        }
        Row::Edited { old, new, runs: all } => ("edited", Some(*old), Some(*new), runs(all, None)),
    };
    view! {
        <div class="compared-row">
            <span class="line-no">{numbered(old)}</span>
            {cell(class, new, text)}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_stretches_without_a_change_are_folded_and_nothing_is_left_out() {
        let old: String = (0..60).map(|n| format!("line {n}\n")).collect();
        let new = old.replace("line 30\n", "line thirty\n");
        let all = stretches(rows(&old, &new));
        let folded: Vec<usize> = all
            .iter()
            .filter_map(|s| match s {
                Stretch::Folded(rows) => Some(rows.len()),
                Stretch::Rows(_) => None,
            })
            .collect();
        assert_eq!(folded, [27, 26]);
        let total: usize = all
            .iter()
            .map(|s| match s {
                Stretch::Folded(rows) | Stretch::Rows(rows) => rows.len(),
            })
            .sum();
        assert_eq!(total, 60);
    }
}
