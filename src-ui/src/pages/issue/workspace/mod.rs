//! Where the issue is worked on: branch, changes, disk, steps, and what is kept of it.

mod changes;
mod close;
mod steps;
mod trash;

pub use close::CloseWorkspace;

use contract::issue::IssuePath;
use contract::operations as op;
use contract::workspace::{ExecutionWorkspace, IssueWorkspace, WorkspaceGit, WorkspaceStrategy};
use leptos::prelude::*;

use super::Current;
use crate::api::query::{Ask, Query, use_query};
use crate::components::base::{Icon, State, copy};
use crate::components::icons as i;
use crate::format;
use crate::labels;
use crate::state::{Dialog, app, company};

/// The section. Absent where the issue has no project and never had a workspace.
#[component]
pub fn Workspace(current: Current) -> impl IntoView {
    let co = company();
    let id = current.detail.with_untracked(|d| d.issue.id);
    let query =
        use_query::<op::GetIssueWorkspace>(move || Some(Ask::within(IssuePath { id: id.into() }, co.id)));
    let in_project = Memo::new(move |_| current.detail.with(|d| d.issue.project_id.is_some()));
    // Another project may mean another place.
    Effect::new(move |before: Option<bool>| {
        let now = in_project.get();
        if before.is_some_and(|b| b != now) {
            query.refetch();
        }
        now
    });
    move || {
        let shown = query.get().filter(|w| in_project.get() || w.workspace.is_some() || !w.trash.is_empty());
        shown.map(|w| view! { <Section current=current query=query of=(*w).clone() /> })
    }
}

#[component]
fn Section(current: Current, query: Query<IssueWorkspace>, of: IssueWorkspace) -> impl IntoView {
    let issue = current.detail.with_untracked(|d| d.issue.id);
    let open = of.workspace.clone().filter(|w| w.closed_at.is_none());
    let look = of.workspace.as_ref().map(|w| labels::workspace_status(w.status));
    let closable = open.as_ref().map(|w| w.id);
    let unfinalized = !of.is_finalized;
    view! {
        <section class="block" class:block-empty=of.workspace.is_none() data-testid="workspace">
            <header class="block-head">
                <h2>"Workspace"</h2>
                {look.map(|look| view! { <State look=look /> })}
                <button
                    class="icon-btn push"
                    aria-label="Look at the workspace again"
                    title="Look again"
                    on:click=move |_| query.refetch()
                >
                    <Icon d=i::ROTATE_CCW />
                </button>
                {closable
                    .map(|id| {
                        view! {
                            <button
                                class="btn quiet"
                                data-testid="workspace-close"
                                on:click=move |_| app().dialog.set(Some(Dialog::CloseWorkspace(id)))
                            >
                                "Close"
                            </button>
                        }
                    })}
            </header>
            {of.reason.clone().map(|why| view! { <p class="muted">{format!("{why}.")}</p> })}
            <Show when=move || unfinalized>
                <div class="notice tone-yellow" role="status">
                    <Icon d=i::CLOCK />
                    <span>
                        "Not finalized: what waits for this work goes on after the run has ended and its workspace is in order."
                    </span>
                </div>
            </Show>
            {open.map(|w| view! { <Facts issue=issue workspace=w git=of.git.clone() /> })}
            {of.git.map(|git| view! { <changes::Changes issue=issue git=git /> })}
            <steps::Steps steps=of.operations />
            <trash::Trash kept=of.trash />
        </section>
    }
}

#[component]
fn Facts(
    issue: contract::IssueId,
    workspace: ExecutionWorkspace,
    git: Option<WorkspaceGit>,
) -> impl IntoView {
    let shared = workspace.strategy_type != WorkspaceStrategy::GitWorktree;
    let path = workspace.cwd.clone().unwrap_or_default();
    let folder = path.clone();
    let branch = git.as_ref().and_then(|g| g.branch.clone()).or(workspace.branch_name);
    let drift = git.as_ref().and_then(|g| Some((g.ahead?, g.behind?)));
    let base = git.as_ref().and_then(|g| g.base_ref.clone());
    view! {
        <dl class="kv" data-testid="workspace-facts">
            <dt>"Branch"</dt>
            <dd class="mono">
                {branch.unwrap_or_else(|| if git.is_some() { "none: a commit is checked out" } else { "no git" }.into())}
            </dd>
            {base
                .map(|base| {
                    let words = match drift {
                        Some((0, 0)) => "even with it".to_owned(),
                        Some((ahead, behind)) => format!("{ahead} ahead, {behind} behind"),
                        None => "the base is gone".to_owned(),
                    };
                    view! {
                        <dt>"Base"</dt>
                        <dd>
                            <span class="mono">{base}</span>
                            " "
                            <span class="muted num">{words}</span>
                        </dd>
                    }
                })}
            <dt>"Folder"</dt>
            <dd>
                <button
                    class="link mono"
                    title="Copy the path"
                    on:click=move |_| copy(path.clone(), "The path")
                >
                    {folder}
                </button>
                {shared.then(|| view! { <span class="muted">" shared with the whole project"</span> })}
            </dd>
            <dt>"Disk"</dt>
            <dd>
                <Disk issue=issue />
            </dd>
        </dl>
    }
}

/// Measured once the section is shown: it takes its time in a large folder.
#[component]
fn Disk(issue: contract::IssueId) -> impl IntoView {
    let co = company();
    let query = use_query::<op::GetWorkspaceDiskUse>(move || {
        Some(Ask::within(IssuePath { id: issue.into() }, co.id))
    });
    move || {
        query.get().map(|d| {
            let more = if d.is_cut { "more than " } else { "" };
            let made = (d.rebuildable_bytes > 0)
                .then(|| format!(", {} of it can be built anew", format::bytes(d.rebuildable_bytes)));
            view! {
                <span class="num" data-testid="workspace-disk">
                    {format!("{more}{}", format::bytes(d.bytes))}
                </span>
                <span class="muted">{made}</span>
            }
        })
    }
}
