//! What follows from the end of a run, and from open work that nothing moves.
//!
//! - `again` queues a run that follows from another; `retry` decides when, and what must still hold then.
//! - `after` looks at a run that ended and takes the one step that follows from it.
//! - `standstill` does the same for open issues on which nothing is under way, whatever the reason.
//! - `escalate` keeps the one recovery of an issue that somebody has to look at.
//! - `accounts` makes all agents of a provider's account wait while the provider turns it away.

mod accounts;
mod after;
mod again;
mod escalate;
mod retry;
mod standstill;
#[cfg(test)]
mod tests;

pub(crate) use accounts::account_of;
pub(crate) use again::Again;

use contract::run::Run;
use domain::failure::{Class, PastRun};
use domain::liveness::Liveness;
use serde_json::Value;

/// The context key that says why a run followed from another.
const RETRY_REASON: &str = "retryReason";
/// The context key that says what a continuation follows from.
const SOURCE: &str = "recoverySource";

fn said<'a>(run: &'a Run, key: &str) -> Option<&'a str> {
    run.context_snapshot.as_ref()?.get(key).and_then(Value::as_str)
}

/// Whether a run is one of whoever was asked to see to an issue.
pub(crate) fn is_recovery_run(run: &Run) -> bool {
    said(run, "wakeReason") == Some(escalate::RECOVERY_WAKE)
}

fn family(run: &Run) -> Option<&str> {
    run.result_json.as_ref()?.get("errorFamily").and_then(Value::as_str)
}

fn class_of(run: &Run) -> Class {
    Class::of(run.error_code.as_deref(), family(run))
}

fn past(run: &Run) -> PastRun {
    PastRun {
        status: run.status,
        error_code: run.error_code.clone(),
        error_family: family(run).map(str::to_owned),
        retry_reason: said(run, RETRY_REASON).map(str::to_owned),
        finished_at: run.finished_at,
        productive: run
            .liveness_state
            .as_deref()
            .and_then(Liveness::parse)
            .is_some_and(Liveness::is_productive),
    }
}
