//! What is made of a run that says nothing, and the decision about it.

use std::time::Duration;

use contract::RunId;
use contract::operations as op;
use contract::watchdog::{DecideOnSilence, OutputSilence, SilenceLevel, SilenceVerdict};
use leptos::prelude::*;

use crate::components::base::{Icon, IssueChip, Link};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::format;
use crate::labels;
use crate::state::route::Page;
use crate::state::{act, app, clock, company};

/// How long a silence can be left alone: hours and what is said.
const SNOOZES: [(u64, &str); 4] =
    [(1, "For an hour"), (4, "For 4 hours"), (12, "For 12 hours"), (72, "For 3 days")];

/// Says for how long a run has been silent, and lets one decide about it. Nothing while there is nothing to say.
#[component]
pub fn Silence(
    run: RunId,
    silence: Signal<Option<OutputSilence>>,
    /// Set in the issue in which the run is looked at: it links to the run, and not to itself.
    #[prop(optional)]
    in_the_look: bool,
) -> impl IntoView {
    let co = company();
    let level =
        Memo::new(move |_| silence.with(|s| s.as_ref().map_or(SilenceLevel::NotApplicable, |s| s.level)));
    let now = app().now;
    let age = move || {
        let since = silence.with(|s| s.as_ref().and_then(|s| s.silence_started_at));
        since.map(|t| format::duration(now.get().since(t).as_millis() as i64)).unwrap_or_default()
    };
    move || match level.get() {
        SilenceLevel::Suspicious | SilenceLevel::Critical => {
            let tone = if level.get() == SilenceLevel::Critical { "red" } else { "yellow" };
            let looked_at = silence
                .with(|s| s.as_ref().and_then(|s| s.evaluation_issue_identifier.clone()))
                .filter(|_| !in_the_look);
            view! {
                <div class=format!("notice tone-{tone}") data-testid="silence" data-level=level.get().as_str()>
                    <Icon d=i::TIMER />
                    <span>
                        {move || format!("Has said nothing for {}.", age())}
                        {looked_at.map(|id| view! { " Looked at in " <IssueChip identifier=id /> })}
                    </span>
                    {in_the_look
                        .then(|| {
                            view! {
                                <Link to=co.route(Page::Run(run.to_string())) class="btn">
                                    "Open the run"
                                </Link>
                            }
                        })}
                    <button class="btn" data-testid="silence-continue" title="Look again in half an hour" on:click=move |_| decide(run, SilenceVerdict::Continue, None)>
                        "Keep going"
                    </button>
                    <button class="btn" aria-haspopup="listbox" data-testid="silence-snooze" on:click=move |ev| snooze(&ev, run)>
                        "Snooze"
                        <Icon d=i::CHEVRONS_UP_DOWN />
                    </button>
                    <button class="btn" data-testid="silence-dismiss" title="This run is not looked at again" on:click=move |_| decide(run, SilenceVerdict::DismissedFalsePositive, None)>
                        "Nothing is wrong"
                    </button>
                </div>
            }
            .into_any()
        }
        SilenceLevel::Snoozed => {
            let until = silence.with(|s| s.as_ref().and_then(|s| s.snoozed_until));
            view! {
                <div class="notice tone-grey" data-testid="silence" data-level="snoozed">
                    <Icon d=i::TIMER />
                    <span>
                        {move || format!("Has said nothing for {}. ", age())}
                        {match until {
                            Some(t) => {
                                (move || format!("It is looked at again {}.", format::ahead(t, now.get()))).into_any()
                            }
                            None => "You said that nothing is wrong with it.".into_any(),
                        }}
                    </span>
                </div>
            }
            .into_any()
        }
        SilenceLevel::Ok | SilenceLevel::NotApplicable => ().into_any(),
    }
}

fn snooze(ev: &web_sys::MouseEvent, run: RunId) {
    let Some(el) = anchor(ev) else { return };
    let choices = SNOOZES.iter().map(|(h, label)| Choice::new(h.to_string(), *label, Glyph::Icon(i::CLOCK)));
    let pick = Callback::new(move |hours: String| {
        if let Ok(hours) = hours.parse::<u64>() {
            decide(run, SilenceVerdict::Snooze, Some(Duration::from_secs(hours * 3600)));
        }
    });
    Menu::under(&el, "Leave its silence alone", choices.collect(), pick).open();
}

fn decide(run: RunId, decision: SilenceVerdict, quiet: Option<Duration>) {
    let input = DecideOnSilence {
        run_id: run,
        decision,
        reason: None,
        snoozed_until: quiet.map(|d| clock().plus(d)),
        evaluation_issue_id: None,
    };
    act::<op::DecideOnSilenceOp>(input, move |_| app().say(labels::silence_decided(decision)));
}

/// A run among others: how long it has been silent, where that is worth a look.
#[component]
pub fn SilenceBadge(silence: Option<OutputSilence>) -> impl IntoView {
    let silence = silence.filter(|s| matches!(s.level, SilenceLevel::Suspicious | SilenceLevel::Critical))?;
    let tone = if silence.level == SilenceLevel::Critical { "red" } else { "yellow" };
    let now = app().now;
    let since = silence.silence_started_at?;
    Some(view! {
        <span class=format!("badge tone-{tone}") title="It has said nothing for long: look at it" data-testid="silence-badge">
            <Icon d=i::TIMER />
            {move || format!("Silent {}", format::duration(now.get().since(since).as_millis() as i64))}
        </span>
    })
}
