//! The dialog before an act on a whole tree of issues: what it will do, and the word that does it.

use std::sync::Arc;

use contract::IssueId;
use contract::operations as op;
use contract::tree::{
    CreateTreeHold, PreviewTree, ReleasePolicy, ReleaseStrategy, ReleaseTreeHold, TreeIssue, TreeMode,
    TreePreview,
};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, StatusIcon, Toggle, loaded};
use crate::components::dialog::Overlay;
use crate::components::icons as i;
use crate::format;
use crate::state::{act, app, company};
use crate::text::optional;

/// Issues listed before the rest is counted.
const LISTED: usize = 12;

const fn title(mode: TreeMode) -> &'static str {
    match mode {
        TreeMode::Pause => "Pause",
        TreeMode::Resume => "Resume",
        TreeMode::Cancel => "Cancel",
        TreeMode::Restore => "Restore",
    }
}

const fn meaning(mode: TreeMode) -> &'static str {
    match mode {
        TreeMode::Pause => {
            "Nothing of it is worked on until you resume it. Comments of yours are still answered."
        }
        TreeMode::Resume => "What stood still is taken up.",
        TreeMode::Cancel => {
            "Everything open in it is cancelled and its runs are stopped. You can restore it."
        }
        TreeMode::Restore => {
            "What was cancelled together comes back as it was; what you changed since stays."
        }
    }
}

#[component]
pub fn TreeDialog(issue: IssueId, key: String, mode: TreeMode, close: Callback<()>) -> impl IntoView {
    let co = company();
    let preview = use_query::<op::PreviewTreeOp>(move || {
        Some(Ask::within(PreviewTree { id: issue.into(), mode, release_policy: None }, co.id))
    });
    let reason = RwSignal::new(String::new());
    let finish = RwSignal::new(false);
    let wake = RwSignal::new(true);
    let busy = RwSignal::new(false);
    let go = move |_| {
        let reason = match optional("The reason", reason.get_untracked()) {
            Ok(reason) => reason,
            Err(e) => return app().fail(&e),
        };
        let strategy = if finish.get_untracked() {
            ReleaseStrategy::AfterActiveRunsFinish
        } else {
            ReleaseStrategy::Manual
        };
        let input = CreateTreeHold {
            id: issue.into(),
            mode,
            reason,
            release_policy: (mode == TreeMode::Pause).then_some(ReleasePolicy { strategy, note: None }),
            metadata: serde_json::json!({ "wakeAgents": wake.get_untracked() }).as_object().cloned(),
        };
        busy.set(true);
        spawn_local(async move {
            match call::<op::CreateTreeHoldOp>(&input).await {
                Ok(made) => {
                    close.run(());
                    let n = made.preview.totals.affected_issues;
                    app().say(format!("{}: {}", done(mode), format::count(n, "issue", "issues")));
                }
                Err(e) => {
                    busy.try_set(false);
                    app().fail(&e);
                }
            }
        });
    };
    let heading = format!("{} {key} and all below it", title(mode));
    let danger = mode == TreeMode::Cancel;
    view! {
        <Overlay label=heading.clone() class="tree-dialog" close=close>
            <h2>{heading}</h2>
            <p class="muted">{meaning(mode)}</p>
            {loaded(
                preview,
                4,
                move |p| {
                    let running = Memo::new(move |_| p.with(|p| p.totals.active_runs));
                    view! {
                        {move || summary(&p.get())}
                        <Show when=move || mode == TreeMode::Pause && { running.get() > 0 }>
                            <Toggle
                                label="Let live runs finish"
                                help="Nothing else starts meanwhile; the pause ends by itself with the last of them."
                                on=finish
                                set=Callback::new(move |on| finish.set(on))
                            />
                        </Show>
                    }
                },
            )}
            <Show when=move || mode == TreeMode::Restore>
                <Toggle
                    label="Wake their agents"
                    help="Off: it stands in Todo until somebody wakes them."
                    on=wake
                    set=Callback::new(move |on| wake.set(on))
                />
            </Show>
            <input
                class="field"
                type="text"
                maxlength="1000"
                placeholder="Why (for the record, optional)"
                aria-label="Reason"
                data-autofocus=""
                prop:value=reason
                on:input:target=move |ev| reason.set(ev.target().value())
            />
            <div class="dialog-actions">
                <button class="btn" on:click=move |_| close.run(())>
                    "Keep as it is"
                </button>
                <button
                    class=if danger { "btn danger" } else { "btn primary" }
                    data-testid="tree-go"
                    disabled=move || {
                        busy.get() || preview.data.with(|p| p.as_ref().is_none_or(|p| p.totals.affected_issues == 0))
                    }
                    on:click=go
                >
                    {title(mode)}
                </button>
            </div>
        </Overlay>
    }
}

const fn done(mode: TreeMode) -> &'static str {
    match mode {
        TreeMode::Pause => "Paused",
        TreeMode::Resume => "Resumed",
        TreeMode::Cancel => "Cancelled",
        TreeMode::Restore => "Restored",
    }
}

fn summary(p: &Arc<TreePreview>) -> AnyView {
    let rest = p.issues.len().saturating_sub(LISTED);
    let left = p.skipped_issues.len() as i64;
    let rows = p.issues.iter().take(LISTED).map(row).collect_view();
    let warnings = p
        .warnings
        .iter()
        .map(|w| {
            let count = w.issue_ids.as_ref().map(|l| format!(" ({})", l.len()));
            view! {
                <div class="notice tone-yellow">
                    <Icon d=i::TRIANGLE_ALERT />
                    <span>{w.message.clone()} {count}</span>
                </div>
            }
        })
        .collect_view();
    view! {
        <div class="tree-issues" data-testid="tree-preview">{rows}</div>
        {(rest > 0).then(|| view! { <p class="muted">{format!("and {rest} more")}</p> })}
        {(left > 0)
            .then(|| {
                let told = format::count(left, "issue is left as it is.", "issues are left as they are.");
                view! { <p class="muted">{told}</p> }
            })}
        {warnings}
    }
    .into_any()
}

fn row(t: &TreeIssue) -> impl IntoView + use<> {
    let live = t.active_run.is_some();
    view! {
        <div class="tree-issue" style:padding-left=format!("{}px", 10 + t.depth.min(8) * 16)>
            <StatusIcon status=t.status />
            <span class="identifier">{t.identifier.clone()}</span>
            <span class="ellipsis">{t.title.clone()}</span>
            {live.then(|| view! { <span class="push muted">"live run"</span> })}
        </div>
    }
}

/// Ends the pause that lies over an issue, wherever it begins.
pub fn resume(issue: IssueId) {
    let path = contract::issue::IssuePath { id: issue.into() };
    act::<op::GetTreeState>(path, |state| {
        let Some(hold) = state.active_pause_hold else { return app().say("It is not paused any more") };
        let input = ReleaseTreeHold {
            id: hold.root_issue_id.into(),
            hold_id: hold.id,
            reason: None,
            release_policy: None,
            metadata: None,
        };
        act::<op::ReleaseTreeHoldOp>(input, |_| app().say("Resumed: what stood still is taken up"));
    });
}
