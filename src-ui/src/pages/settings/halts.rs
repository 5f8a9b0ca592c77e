//! Where chains of blockers have come to a halt, and whether somebody is asked for the way out.

use contract::company::Nothing;
use contract::graph::{UnblockingDone, UnblockingItem, UnblockingPreview, UnblockingRequest};
use contract::instance::PatchExperimentalSettings;
use contract::operations as op;
use leptos::prelude::*;

use crate::api::query::{Ask, Query, use_query};
use crate::components::base::{Icon, Toggle};
use crate::components::icons as i;
use crate::state::{Tone, act, app};

#[component]
pub fn Halts() -> impl IntoView {
    let settings = use_query::<op::GetExperimentalSettings>(|| Some(Ask::of(Nothing {})));
    let found = use_query::<op::PreviewUnblocking>(|| Some(Ask::of(UnblockingRequest::default())));
    let on =
        Signal::derive(move || settings.get().is_some_and(|s| s.enable_issue_graph_liveness_auto_recovery));
    let patch = move |p: PatchExperimentalSettings| {
        act::<op::PatchExperimental>(p, move |_| {
            settings.refetch();
            found.refetch();
        });
    };
    let set = Callback::new(move |on: bool| {
        let enable_issue_graph_liveness_auto_recovery = Some(on);
        patch(PatchExperimentalSettings { enable_issue_graph_liveness_auto_recovery, ..Default::default() });
    });
    let hours = Signal::derive(move || {
        settings.get().map_or(24, |s| s.issue_graph_liveness_auto_recovery_lookback_hours)
    });
    let set_hours = move |typed: String| {
        let Ok(hours @ 1..=720) = typed.trim().parse::<u32>() else {
            settings.refetch();
            return app().toast(Tone::Info, "Between 1 and 720 hours", None, None);
        };
        let issue_graph_liveness_auto_recovery_lookback_hours = Some(hours);
        patch(PatchExperimentalSettings {
            issue_graph_liveness_auto_recovery_lookback_hours,
            ..Default::default()
        });
    };
    view! {
        <section class="form-section">
            <h2>"Work that hangs"</h2>
            <Toggle
                label="Ask for help where a chain of blockers hangs"
                help="Where work waits for an issue that nothing moves, a manager is asked for the way out. That costs a run."
                on=on
                set=set
                testid="settings-unblock".to_owned()
            />
            <label class="setting">
                <span class="setting-text">
                    <span>"Only where something changed lately"</span>
                    <small>"Hours. What has hung for longer is left alone."</small>
                </span>
                <input
                    class="field"
                    type="number"
                    min="1"
                    max="720"
                    aria-label="Hours within which something changed"
                    prop:value=move || hours.get().to_string()
                    on:change:target=move |ev| set_hours(ev.target().value())
                />
            </label>
            {move || found.get().map(|p| view! { <Found items=p.items.clone() again=found /> })}
        </section>
    }
}

/// What hangs now, with the way to ask for help at once.
#[component]
fn Found(items: Vec<UnblockingItem>, again: Query<UnblockingPreview>) -> impl IntoView {
    if items.is_empty() {
        return view! { <p class="muted" data-testid="halts-none">"Nothing hangs now."</p> }.into_any();
    }
    let ask = move |_| {
        act::<op::RunUnblocking>(UnblockingRequest::default(), move |done: UnblockingDone| {
            again.refetch();
            let said = match done.created {
                0 => "Somebody is asked already".to_owned(),
                1 => "One issue asks for the way out".to_owned(),
                n => format!("{n} issues ask for the way out"),
            };
            app().say(said);
        });
    };
    let rows = items
        .into_iter()
        .map(|h| {
            let key = h.identifier.clone().unwrap_or_default();
            view! {
                <li class="halt" data-testid="halt" data-state=h.state.as_str()>
                    <b class="mono">{key}</b>
                    <span>{h.reason}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <ul class="halts">{rows}</ul>
        <div class="setting">
            <span class="setting-text"></span>
            <button class="btn" data-testid="settings-unblock-now" on:click=ask>
                <Icon d=i::ZAP />
                "Ask for help now"
            </button>
        </div>
    }
    .into_any()
}
