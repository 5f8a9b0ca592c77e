//! Closing a workspace: what is known of it, what would be done, and the word to do it.

use contract::ExecutionWorkspaceId;
use contract::operations as op;
use contract::workspace::{
    CloseReadiness, CloseState, ExecutionWorkspacePath, ExecutionWorkspaceStatus, UpdateExecutionWorkspace,
};
use leptos::prelude::*;

use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, loaded};
use crate::components::dialog::Overlay;
use crate::components::icons as i;
use crate::state::{act_or, app, company};

#[component]
pub fn CloseWorkspace(id: ExecutionWorkspaceId, close: Callback<()>) -> impl IntoView {
    let co = company();
    let query =
        use_query::<op::GetCloseReadiness>(move || Some(Ask::within(ExecutionWorkspacePath { id }, co.id)));
    let keep_ignored = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let ready = Memo::new(move |_| query.get().is_some_and(|r| r.state != CloseState::Blocked));
    let go = move |_| {
        let mut input = UpdateExecutionWorkspace::of(id);
        input.status = Some(ExecutionWorkspaceStatus::Archived);
        input.keep_ignored = keep_ignored.get_untracked();
        busy.set(true);
        act_or::<op::UpdateExecutionWorkspaceOp>(
            input,
            move |w| {
                app().say(format!("{} is closed", w.name));
                close.run(());
            },
            move || {
                busy.try_set(false);
                query.refetch();
            },
        );
    };
    view! {
        <Overlay label="Close the workspace" close=close>
            <header class="dialog-head">
                <h2>"Close the workspace"</h2>
                <button class="icon-btn" aria-label="Leave it open" on:click=move |_| close.run(())>
                    <Icon d=i::X />
                </button>
            </header>
            {loaded(
                query,
                4,
                move |r| move || r.with(|r| view! { <Readiness of=(**r).clone() keep_ignored=keep_ignored /> }),
            )}
            <div class="dialog-actions">
                <button class="btn" on:click=move |_| close.run(())>
                    "Keep it open"
                </button>
                <button
                    class="btn danger"
                    data-testid="workspace-close-confirm"
                    disabled=move || busy.get() || !ready.get()
                    on:click=go
                >
                    {move || if busy.get() { "Closing…" } else { "Close it" }}
                </button>
            </div>
        </Overlay>
    }
}

#[component]
fn Readiness(of: CloseReadiness, keep_ignored: RwSignal<bool>) -> impl IntoView {
    let line = |tone: &'static str, icon: &'static str, text: String| {
        view! {
            <div class=format!("notice {tone}")>
                <Icon d=icon />
                <span>{format!("{text}.")}</span>
            </div>
        }
    };
    let facts = of.git.map(|g| {
        let count = |n: Option<usize>| n.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
        view! {
            <dl class="kv">
                <dt>"Branch"</dt>
                <dd class="mono">{g.branch_name.unwrap_or_else(|| "none".into())}</dd>
                <dt>"Base"</dt>
                <dd class="mono">{g.base_ref.unwrap_or_else(|| "none".into())}</dd>
                <dt>"Not committed"</dt>
                <dd class="num">
                    {format!("{} changed, {} new", g.dirty_entry_count, g.untracked_entry_count)}
                </dd>
                <dt>"Commits"</dt>
                <dd class="num">
                    {format!("{} ahead, {} behind", count(g.ahead_count), count(g.behind_count))}
                </dd>
            </dl>
        }
    });
    let own = !of.is_shared_workspace;
    let linked = of
        .linked_issues
        .iter()
        .map(|i| {
            format!("{} ({})", i.identifier.as_deref().unwrap_or(&i.title), crate::format::words(&i.status))
        })
        .collect::<Vec<_>>()
        .join(", ");
    view! {
        <div class="form" data-testid="close-readiness" data-state=of.state.as_str()>
            {of.blocking_reasons.into_iter().map(|t| line("tone-red", i::CIRCLE_X, t)).collect_view()}
            {of.warnings.into_iter().map(|t| line("tone-yellow", i::TRIANGLE_ALERT, t)).collect_view()}
            {facts}
            {(!linked.is_empty()).then(|| view! { <p class="muted">{format!("Issues in it: {linked}")}</p> })}
            <ol class="planned">
                {of
                    .planned_actions
                    .into_iter()
                    .map(|a| {
                        view! {
                            <li>
                                <strong>{a.label}</strong>
                                <span class="muted">{format!(" {}", a.description)}</span>
                                {a.command.map(|c| view! { <code class="mono">{format!(" {c}")}</code> })}
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
            <Show when=move || own>
                <label class="option">
                    <input
                        type="checkbox"
                        prop:checked=keep_ignored
                        on:change:target=move |ev| keep_ignored.set(ev.target().checked())
                    />
                    <span>
                        "Keep ignored files as well"
                        <small>
                            "Builds and installed packages can be large; they are left out unless you say so."
                        </small>
                    </span>
                </label>
            </Show>
        </div>
    }
}
