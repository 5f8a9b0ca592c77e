//! What was done with a workspace: each step with its state and its reason.

use contract::workspace::WorkspaceOperation;
use leptos::prelude::*;

use crate::components::base::{Ago, Icon, State};
use crate::components::icons as i;
use crate::labels;

#[component]
pub fn Steps(steps: Vec<WorkspaceOperation>) -> impl IntoView {
    // What went wrong last is told without being asked for.
    let trouble = steps.first().is_some_and(|s| {
        s.metadata.as_ref().is_some_and(|m| m.contains_key("reason")) && s.finished_at.is_some()
    });
    let open = RwSignal::new(trouble);
    let count = steps.len();
    let steps = StoredValue::new(steps);
    view! {
        <div class="fold-block" class:hidden=count == 0>
            <button
                class="fold-head"
                aria-expanded=move || open.get().to_string()
                data-testid="workspace-steps"
                on:click=move |_| open.update(|o| *o = !*o)
            >
                <span class="fold" class:open=open>
                    <Icon d=i::CHEVRON_RIGHT />
                </span>
                <Icon d=i::HISTORY />
                <span class="fold-name">"Steps"</span>
                <span class="muted num">{count}</span>
            </button>
            <Show when=move || open.get()>
                <ul class="box">
                    {move || steps.get_value().into_iter().map(|s| view! { <Step step=s /> }).collect_view()}
                </ul>
            </Show>
        </div>
    }
}

#[component]
fn Step(step: WorkspaceOperation) -> impl IntoView {
    let fact = |key: &str| step.metadata.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let reason = fact("reason").or_else(|| fact("branch").map(|b| format!("on {b}")));
    let code = step.exit_code.filter(|c| *c != 0).map(|c| format!("exit code {c}"));
    let output: Vec<String> = [step.stdout_excerpt, step.stderr_excerpt].into_iter().flatten().collect();
    view! {
        <li class="workspace-step">
            <div class="line-item">
                <strong>{labels::workspace_phase(step.phase)}</strong>
                <State look=labels::workspace_operation_status(step.status) />
                <span class="muted ellipsis">{reason.clone()}</span>
                <span class="muted num">{code}</span>
                <span class="push">
                    <Ago at=step.started_at />
                </span>
            </div>
            {step.command.map(|c| view! { <pre class="fold-text">{format!("$ {c}")}</pre> })}
            {(!output.is_empty()).then(|| view! { <pre class="fold-text">{output.concat()}</pre> })}
        </li>
    }
}
