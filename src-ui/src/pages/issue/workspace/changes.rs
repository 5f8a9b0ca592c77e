//! The files in which a workspace differs from its base, each with its difference.

use contract::IssueId;
use contract::operations as op;
use contract::workspace::{ChangedFile, FileChange, ReadWorkspaceDiff, WorkspaceDiff, WorkspaceGit};
use leptos::prelude::*;

use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, loaded};
use crate::components::icons as i;
use crate::format;
use crate::state::company;

/// Files shown before one asks for all.
const FIRST: usize = 30;
/// Lines of a difference that are drawn.
const MOST_LINES: usize = 1500;

#[component]
pub fn Changes(issue: IssueId, git: WorkspaceGit) -> impl IntoView {
    let (total, uncommitted) = (git.file_count, git.uncommitted);
    let files = git.files;
    let shown = files.len();
    let all = RwSignal::new(shown <= FIRST);
    let left_out = total.saturating_sub(shown);
    let summary = match (total, uncommitted) {
        (0, _) => "Nothing differs from the base.".to_owned(),
        (n, 0) => format!("{}, all committed", format::count(n as i64, "changed file", "changed files")),
        (n, u) => {
            let files = format::count(n as i64, "changed file", "changed files");
            format!("{files}, {}", format::count(u as i64, "uncommitted change", "uncommitted changes"))
        }
    };
    let files = StoredValue::new(files);
    view! {
        <p class="muted num" data-testid="workspace-summary">{summary}</p>
        <ul class="changes" class:hidden=move || total == 0>
            {move || {
                let most = if all.get() { usize::MAX } else { FIRST };
                files
                    .with_value(|f| f.iter().take(most).cloned().collect::<Vec<_>>())
                    .into_iter()
                    .map(|file| view! { <File issue=issue file=file /> })
                    .collect_view()
            }}
        </ul>
        <Show when=move || !all.get()>
            <button class="btn quiet" on:click=move |_| all.set(true)>
                {format!("Show all {shown}")}
            </button>
        </Show>
        {(left_out > 0).then(|| view! { <p class="muted">{format!("{left_out} more are not listed.")}</p> })}
    }
}

const fn mark(change: FileChange) -> (&'static str, &'static str, &'static str) {
    match change {
        FileChange::Added => ("A", "Added", "tone-green"),
        FileChange::Untracked => ("U", "New, not known to git", "tone-green"),
        FileChange::Modified => ("M", "Modified", "tone-blue"),
        FileChange::Renamed => ("R", "Renamed", "tone-violet"),
        FileChange::Deleted => ("D", "Deleted", "tone-red"),
        FileChange::Conflicted => ("!", "In conflict", "tone-orange"),
    }
}

#[component]
fn File(issue: IssueId, file: ChangedFile) -> impl IntoView {
    let open = RwSignal::new(false);
    let (letter, word, tone) = mark(file.change);
    let name = match &file.old_path {
        Some(old) => format!("{old} → {}", file.path),
        None => file.path.clone(),
    };
    let path = StoredValue::new(file.path.clone());
    view! {
        <li data-testid="changed-file" data-path=file.path.clone()>
            <button
                class="fold-head"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|o| *o = !*o)
            >
                <span class="fold" class:open=open>
                    <Icon d=i::CHEVRON_RIGHT />
                </span>
                <span class=format!("change mono {tone}") title=word>
                    {letter}
                </span>
                <span class="mono ellipsis">{name}</span>
                {file.is_uncommitted.then(|| view! { <span class="muted">"not committed"</span> })}
                <span class="push mono num">
                    {if file.is_binary {
                        view! { <span class="muted">"binary"</span> }.into_any()
                    } else {
                        view! {
                            <span class="added">{format!("+{}", file.additions)}</span>
                            " "
                            <span class="removed">{format!("−{}", file.deletions)}</span>
                        }
                            .into_any()
                    }}
                </span>
            </button>
            <Show when=move || open.get()>
                <Difference issue=issue path=path.get_value() />
            </Show>
        </li>
    }
}

#[component]
fn Difference(issue: IssueId, path: String) -> impl IntoView {
    let co = company();
    let query = use_query::<op::ReadWorkspaceDiffOp>(move || {
        Some(Ask::within(ReadWorkspaceDiff { id: issue.into(), path: path.clone() }, co.id))
    });
    loaded(query, 3, move |diff| move || diff.with(|d| lines(d)))
}

fn lines(d: &WorkspaceDiff) -> AnyView {
    if d.file.is_binary {
        return view! { <p class="muted">"It is no text, so there is nothing to show."</p> }.into_any();
    }
    let cut = d.is_cut || d.patch.lines().nth(MOST_LINES).is_some();
    let rows = d
        .patch
        .lines()
        .take(MOST_LINES)
        .map(|line| {
            let class = match line.as_bytes().first() {
                Some(b'+') => "diff-line added",
                Some(b'-') => "diff-line removed",
                Some(b'@') => "diff-line hunk",
                _ => "diff-line",
            };
            view! { <span class=class>{line.to_owned()}</span> }
        })
        .collect_view();
    view! {
        <div class="diff selectable" role="region" aria-label="Difference" tabindex="0">
            {rows}
        </div>
        {cut.then(|| view! { <p class="muted">"There is more than is shown here: see it in the folder."</p> })}
    }
    .into_any()
}
