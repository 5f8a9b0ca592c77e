//! Where an issue is about seeing to other work, or other work is about it.

use std::sync::Arc;

use contract::RunId;
use contract::issue::IssueDetail;
use contract::operations as op;
use contract::run::RunPath;
use contract::watchdog::{ProductivityTrigger, SilenceLevel};
use leptos::prelude::*;

use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, IssueChip, Link};
use crate::components::icons as i;
use crate::components::silence::Silence;
use crate::state::company;
use crate::state::route::Page;

/// The `originKind` of an issue in which somebody looks at a silent run.
const SILENT_RUN: &str = "stale_active_run_evaluation";

#[component]
pub fn Review(detail: Signal<Arc<IssueDetail>>) -> impl IntoView {
    let run = detail.with_untracked(|d| {
        let about = d.issue.origin_kind == SILENT_RUN;
        d.issue.origin_id.as_deref().filter(|_| about).and_then(|id| id.parse::<RunId>().ok())
    });
    let reviewed = Memo::new(move |_| detail.with(|d| d.productivity_review.clone()));
    view! {
        {run.map(|run| view! { <AboutRun run=run /> })}
        {move || {
            reviewed.get().map(|r| {
                let why = match r.trigger {
                    Some(ProductivityTrigger::NoCommentStreak) => "Many runs left no word here.",
                    Some(ProductivityTrigger::HighChurn) => "Many runs and comments in little time.",
                    Some(ProductivityTrigger::LongActiveDuration) => "It has been in progress for long.",
                    None => "",
                };
                view! {
                    <div class="notice tone-yellow" data-testid="productivity-review">
                        <Icon d=i::ACTIVITY />
                        <span>
                            {why}
                            " Whether it gets anywhere is asked in "
                            <IssueChip identifier=r.review_identifier.unwrap_or_else(|| "a review".into()) />
                        </span>
                    </div>
                }
            })
        }}
    }
}

#[component]
fn AboutRun(run: RunId) -> impl IntoView {
    let co = company();
    let query = use_query::<op::GetRun>(move || {
        let mut ask = Ask::within(RunPath { run_id: run }, co.id);
        ask.entity = Some(run.to_string());
        Some(ask)
    });
    let silence = Signal::derive(move || query.get().map(|r| r.output_silence.clone()));
    // Said once: by the silence, or where there is none any more by this.
    let speaks = Memo::new(move |_| {
        silence.with(|s| {
            s.as_ref().is_some_and(|s| matches!(s.level, SilenceLevel::Ok | SilenceLevel::NotApplicable))
        })
    });
    view! {
        <Show when=move || speaks.get()>
            <div class="notice tone-grey" data-testid="about-run">
                <Icon d=i::ZAP />
                <span>"This was about a run that had fallen silent."</span>
                <Link to=co.route(Page::Run(run.to_string())) class="btn">
                    "Open the run"
                </Link>
            </div>
        </Show>
        <Silence run=run silence=silence in_the_look=true />
    }
}
