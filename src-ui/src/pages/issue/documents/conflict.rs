//! A merge in which both writers changed the same words: what is settled, and for the rest the operator chooses.

use std::collections::HashMap;

use leptos::prelude::*;

use crate::components::base::Icon;
use crate::components::icons as i;
use crate::diff::{Mark, edited};
use crate::merge::{By, Piece};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Mine,
    Theirs,
    Both,
}

/// Lines of settled text that are shown at either end of a long stretch.
const AROUND: usize = 2;

/// The text that a choice makes of a conflict.
fn chosen(taken: Taken, mine: &str, theirs: &str) -> String {
    match taken {
        Taken::Mine => mine.to_owned(),
        Taken::Theirs => theirs.to_owned(),
        Taken::Both => {
            let gap = if mine.is_empty() || mine.ends_with('\n') { "" } else { "\n" };
            format!("{mine}{gap}{theirs}")
        }
    }
}

#[component]
pub fn Merging(pieces: Vec<Piece>, take: Callback<String>, leave: Callback<()>) -> impl IntoView {
    let taken = RwSignal::new(HashMap::<usize, Taken>::new());
    let conflicts = pieces.iter().filter(|p| matches!(p, Piece::Conflict { .. })).count();
    let pieces = StoredValue::new(pieces);
    let finish = move |_: web_sys::MouseEvent| {
        let text = pieces.with_value(|all| {
            taken.with_untracked(|taken| {
                all.iter()
                    .enumerate()
                    .map(|(n, p)| match p {
                        Piece::Settled { text, .. } => Some(text.clone()),
                        Piece::Conflict { mine, theirs, .. } => {
                            taken.get(&n).map(|t| chosen(*t, mine, theirs))
                        }
                    })
                    .collect::<Option<String>>()
            })
        });
        if let Some(text) = text {
            take.run(text);
        }
    };
    let left = move || conflicts - taken.with(HashMap::len);
    view! {
        <div class="merging" data-testid="merging">
            <div class="notice tone-yellow" role="alert">
                <Icon d=i::TRIANGLE_ALERT />
                <span>
                    {move || match left() {
                        0 => "All is chosen. Use the merged text, look it through and save it.".to_owned(),
                        1 => "You and they changed the same words in one place. Choose what stays.".to_owned(),
                        n => format!("You and they changed the same words in {n} places. Choose what stays."),
                    }}
                </span>
            </div>
            {pieces
                .get_value()
                .into_iter()
                .enumerate()
                .map(|(n, p)| match p {
                    Piece::Settled { text, by } => view! { <Settled text=text by=by /> }.into_any(),
                    Piece::Conflict { base, mine, theirs } => {
                        view! { <Conflict n=n base=base mine=mine theirs=theirs taken=taken /> }.into_any()
                    }
                })
                .collect_view()}
            <div class="edit-actions">
                <button class="btn quiet" on:click=move |_| leave.run(())>
                    "Back to my text"
                </button>
                <button
                    class="btn primary"
                    data-testid="merge-use"
                    disabled=move || left() != 0
                    on:click=finish
                >
                    "Use the merged text"
                </button>
            </div>
        </div>
    }
}

#[component]
fn Settled(text: String, by: By) -> impl IntoView {
    let lines: Vec<&str> = text.lines().collect();
    let shown = if by == By::Nobody && lines.len() > 2 * AROUND + 1 {
        let (head, tail) = (&lines[..AROUND], &lines[lines.len() - AROUND..]);
        format!("{}\n⋯ {} lines\n{}", head.join("\n"), lines.len() - 2 * AROUND, tail.join("\n"))
    } else {
        text.trim_end_matches('\n').to_owned()
    };
    let (class, label) = match by {
        By::Nobody => ("settled", ""),
        By::Mine => ("settled mine", "Yours"),
        By::Theirs => ("settled theirs", "Theirs"),
        By::Both => ("settled both", "Both"),
    };
    view! {
        <div class=class>
            {(!label.is_empty()).then(|| view! { <span class="merge-by">{label}</span> })}
            <pre>{shown}</pre>
        </div>
    }
}

#[component]
fn Conflict(
    n: usize,
    base: String,
    mine: String,
    theirs: String,
    taken: RwSignal<HashMap<usize, Taken>>,
) -> impl IntoView {
    let side = |text: &str| {
        edited(&base, text)
            .into_iter()
            .filter(|r| r.mark != Mark::Removed)
            .map(|r| match r.mark {
                Mark::Added => view! { <ins>{r.text}</ins> }.into_any(),
                _ => r.text.into_any(),
            })
            .collect_view()
    };
    let choice = move |what: Taken, label: &'static str, testid: &'static str| {
        let on = Memo::new(move |_| taken.with(|t| t.get(&n) == Some(&what)));
        view! {
            <label class="option" class:on=on>
                <input
                    type="radio"
                    name=format!("merge-{n}")
                    data-testid=testid
                    prop:checked=on
                    on:change=move |_| {
                        taken.update(|t| {
                            t.insert(n, what);
                        });
                    }
                />
                {label}
            </label>
        }
    };
    view! {
        <fieldset class="conflict" data-testid="conflict">
            <legend class="hidden">"What stays"</legend>
            <div class="conflict-sides">
                <div>
                    <h4>"Before"</h4>
                    <pre>{base.clone()}</pre>
                </div>
                <div>
                    <h4>"Yours"</h4>
                    <pre>{side(&mine)}</pre>
                </div>
                <div>
                    <h4>"Theirs"</h4>
                    <pre>{side(&theirs)}</pre>
                </div>
            </div>
            <div class="conflict-choices">
                {choice(Taken::Mine, "Keep yours", "keep-mine")}
                {choice(Taken::Theirs, "Keep theirs", "keep-theirs")}
                {choice(Taken::Both, "Keep both, yours first", "keep-both")}
            </div>
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_stand_on_lines_of_their_own() {
        assert_eq!(chosen(Taken::Both, "a\n", "b\n"), "a\nb\n");
        assert_eq!(chosen(Taken::Both, "a", "b"), "a\nb");
        assert_eq!(chosen(Taken::Both, "", "b"), "b");
        assert_eq!(chosen(Taken::Theirs, "a", "b"), "b");
    }
}
