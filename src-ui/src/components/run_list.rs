//! Runs and wakes as rows: what happened, why, how long, at what cost.

use contract::run::{RunStatus, RunSummary};
use contract::wake::{WakeupLine, WakeupStatus};
use leptos::prelude::*;

use crate::components::base::{Ago, Avatar, Elapsed, Link, State};
use crate::format;
use crate::labels;
use crate::state::route::Page;
use crate::state::{app, company};

/// Tokens and cost of a run, as far as they are known.
pub fn usage(r: &RunSummary) -> Option<String> {
    let tokens = match (r.input_tokens, r.output_tokens) {
        (None, None) => None,
        (i, o) => Some(format!("{} tokens", format::tokens(i.unwrap_or(0) + o.unwrap_or(0)))),
    };
    let cost = r.cost_usd.filter(|c| *c > 0.0).map(format::usd);
    match (tokens, cost) {
        (None, None) => None,
        (Some(t), None) => Some(t),
        (None, Some(c)) => Some(c),
        (Some(t), Some(c)) => Some(format!("{t} · {c}")),
    }
}

#[component]
pub fn RunRow(
    run: RunSummary,
    #[prop(optional)] hide_agent: bool,
    #[prop(optional)] hide_issue: bool,
) -> impl IntoView {
    let co = company();
    let why = labels::wake_reason(run.wake_reason.as_deref(), run.invocation_source);
    let error = labels::run_error(run.error_code.as_deref(), run.error.as_deref())
        .filter(|_| run.status.is_terminal() && run.status != contract::run::RunStatus::Succeeded);
    let about = run.issue_identifier.clone().filter(|_| !hide_issue);
    let title = run.issue_title.clone().unwrap_or_default();
    let spent = usage(&run);
    let fallback = error.clone().or_else(|| run.summary.clone()).unwrap_or_default();
    view! {
        <div data-testid="run-row" class="run-row">
            <Link to=co.route(Page::Run(run.id.to_string())) class="run-link">
                <span class="run-state-cell">
                    <State look=labels::run_status(run.status) why=error.clone().unwrap_or_default() />
                </span>
                {(!hide_agent)
                    .then(|| {
                        view! {
                            <span class="person">
                                <Avatar name=run.agent_name.clone() />
                                <span class="ellipsis">{run.agent_name.clone()}</span>
                            </span>
                        }
                    })}
                <span class="run-about ellipsis">
                    {match about {
                        Some(id) => view! { <span class="identifier">{id}</span> " " {title} }.into_any(),
                        None => format::first_line(&fallback, 140).into_any(),
                    }}
                </span>
                <span class="run-why muted">{why}</span>
                <span class="run-usage muted num">{spent}</span>
                <span class="run-time num">
                    {run.started_at.map(|s| view! { <Elapsed start=s end=run.finished_at /> })}
                </span>
                <span class="row-date">
                    <Ago at=run.created_at />
                </span>
            </Link>
        </div>
    }
}

/// One attempt to wake an agent and what became of it.
#[component]
pub fn WakeRow(line: WakeupLine, #[prop(optional)] hide_issue: bool) -> impl IntoView {
    let co = company();
    let slow = app().slow;
    let WakeupLine { wake, issue_identifier, issue_title, retry_at } = line;
    let agent = wake.agent_id;
    let look = match retry_at {
        Some(_) => labels::run_status(RunStatus::ScheduledRetry),
        None => labels::wakeup_status(wake.status),
    };
    let why = wake.error.clone().map(|e| if e.contains(' ') { e } else { format::words(&e) });
    view! {
        <div class="wake-row">
            <State look=look />
            <span class="ellipsis">
                {move || co.agent_name(agent)}
                " · "
                {labels::wake_reason(wake.reason.as_deref(), wake.source)}
                {(wake.coalesced_count > 0)
                    .then(|| match wake.status {
                        WakeupStatus::Skipped => format!(" · {} times", wake.coalesced_count + 1),
                        _ => format!(" · {} folded in", wake.coalesced_count),
                    })}
            </span>
            {issue_identifier
                .filter(|_| !hide_issue)
                .map(|id| {
                    let to = co.route(Page::Issue(id.clone()));
                    view! {
                        <Link to=to class="quiet-link ellipsis">
                            <span class="identifier">{id}</span>
                            " "
                            {issue_title}
                        </Link>
                    }
                })}
            {retry_at.map(|at| view! { <span class="muted">{move || format::ahead(at, slow.get())}</span> })}
            {wake.run_id
                .map(|run| {
                    let to = co.route(Page::Run(run.to_string()));
                    view! { <Link to=to class="quiet-link">"the run"</Link> }
                })}
            {why.map(|w| view! { <span class="muted ellipsis" title=w.clone()>{w.clone()}</span> })}
            <span class="row-date push">
                <Ago at=wake.requested_at />
            </span>
        </div>
    }
}
