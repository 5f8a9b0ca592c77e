//! What is kept of workspaces of the issue that were taken away.

use contract::operations as op;
use contract::workspace::{TrashPath, TrashedWorkspace};
use leptos::prelude::*;

use crate::components::base::Icon;
use crate::components::icons as i;
use crate::format;
use crate::state::{act, app, clock};

#[component]
pub fn Trash(kept: Vec<TrashedWorkspace>) -> impl IntoView {
    let none = kept.is_empty();
    view! {
        <ul class="box" class:hidden=none data-testid="workspace-trash">
            {kept.into_iter().map(|t| view! { <Kept kept=t /> }).collect_view()}
        </ul>
    }
}

#[component]
fn Kept(kept: TrashedWorkspace) -> impl IntoView {
    let id = kept.id;
    let what = if kept.has_unsaved_work { "with changes that were not committed" } else { "all committed" };
    let ignored = (kept.ignored_count > 0)
        .then(|| format!(", without {}", format::count(kept.ignored_count, "ignored path", "ignored paths")));
    let days = kept.expires_at.since(clock()).as_secs().div_ceil(86_400);
    let left = format!("{} left", format::count(i64::try_from(days).unwrap_or(0), "day", "days"));
    let restored = kept.restored_at.is_some();
    let folder = kept.folder.clone();
    let by_ref = kept.snapshot_ref.is_some();
    view! {
        <li class="line-item" data-testid="trashed-workspace">
            <Icon d=i::TRASH_2 />
            <span class="ellipsis">
                <strong>{kept.name}</strong>
                <span class="muted">{format!(" {}: {what}", kept.reason)} {ignored}</span>
            </span>
            <span class="push muted num">{left}</span>
            {if by_ref {
                view! {
                    <button
                        class="btn"
                        data-testid="trash-restore"
                        title="Make its worktree again, as it was"
                        on:click=move |_| {
                            act::<
                                op::RestoreWorkspace,
                            >(
                                TrashPath { trash_id: id },
                                |w| app().say(format!("{} is back", w.name)),
                            );
                        }
                    >
                        <Icon d=i::ROTATE_CCW />
                        {if restored { "Restore again" } else { "Restore" }}
                    </button>
                }
                    .into_any()
            } else {
                view! { <span class="muted mono">{folder}</span> }.into_any()
            }}
        </li>
    }
}
