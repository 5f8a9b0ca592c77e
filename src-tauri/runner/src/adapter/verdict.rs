//! How a run ended, as far as that is the same for every adapter.

use super::{BillingType, Conclusion, Outcome, Parsed, SessionChange};
use crate::host::{ExitReport, KillCause, SpawnFailureKind};

impl Conclusion {
    /// A conclusion with nothing but its outcome.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            error_code: None,
            error_family: None,
            retry_not_before: None,
            error: None,
            error_meta: None,
            usage: None,
            cost_usd: None,
            billing_type: BillingType::Unknown,
            provider: None,
            biller: None,
            model: None,
            session: SessionChange::Keep,
            summary: None,
            result_json: None,
            rerun_fresh: false,
        }
    }

    /// Sets what went wrong.
    #[must_use]
    pub fn because(mut self, code: &str, message: impl Into<String>) -> Self {
        self.error_code = Some(code.to_owned());
        self.error = Some(message.into());
        self
    }
}

/// The conclusion where it does not depend on what the agent said: nothing was started, or the host ended it.
pub fn imposed(exit: &ExitReport) -> Option<Conclusion> {
    if let Some(failure) = &exit.spawn_failure {
        let code = match failure.kind {
            SpawnFailureKind::CommandMissing | SpawnFailureKind::NotExecutable => "command_not_found",
            SpawnFailureKind::CwdMissing => "cwd_missing",
            SpawnFailureKind::SandboxUnavailable => "sandbox_unavailable",
            SpawnFailureKind::Other => "adapter_failed",
        };
        return Some(Conclusion::of(Outcome::Failed).because(code, failure.message.clone()));
    }
    let kill = exit.kill.as_ref()?;
    let reason = |otherwise: &str| kill.reason.clone().unwrap_or_else(|| otherwise.to_owned());
    match kill.cause {
        KillCause::TerminalResult => None,
        KillCause::Timeout => {
            let message = upper_first(&reason("timed out"));
            Some(Conclusion::of(Outcome::TimedOut).because("timeout", message))
        }
        KillCause::Silence => {
            let message = format!("Stopped because it {}", reason("wrote nothing for too long"));
            Some(Conclusion::of(Outcome::TimedOut).because("silent", message))
        }
        KillCause::Crowd => {
            let message = format!("Stopped because it {}", reason("started too many processes"));
            Some(Conclusion::of(Outcome::Failed).because("too_many_processes", message))
        }
        KillCause::Cancelled => {
            Some(Conclusion::of(Outcome::Cancelled).because("cancelled", reason("Cancelled")))
        }
        KillCause::Budget => {
            Some(Conclusion::of(Outcome::Cancelled).because("budget_exceeded", reason("The budget is spent")))
        }
    }
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The end of a command that nobody ended: its code or signal in words, `None` when it went well.
pub fn exit_problem(exit: &ExitReport) -> Option<String> {
    match (exit.exit_code, &exit.signal) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("Process exited with code {code}")),
        (None, Some(signal)) => Some(format!("Process was ended by {signal}")),
        (None, None) => Some("Process ended in an unknown way".to_owned()),
    }
}

/// `resultJson` of adapters whose agents say nothing structured.
pub fn excerpts(parsed: &Parsed) -> contract::JsonObject {
    let mut result = contract::JsonObject::new();
    result.insert("stdout".into(), parsed.stdout_excerpt.clone().into());
    result.insert("stderr".into(), parsed.stderr_excerpt.clone().into());
    result
}
