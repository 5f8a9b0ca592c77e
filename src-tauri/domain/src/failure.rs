//! What a failed run calls for: by class, never by message.

use std::time::Duration;

use contract::Timestamp;
use contract::run::RunStatus;

/// Failures that are answered alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The provider is busy, limited or down. The same run may work later.
    Upstream,
    /// The agent used up its turns and was still at work.
    TurnLimit,
    /// The run's process or host is gone.
    ProcessLost,
    /// The machine or the adapter faltered, for no reason that is known to stay.
    Infrastructure,
    /// A person has to do something first: log in, install, configure.
    Setup,
    /// Whoever may stop runs stopped it.
    Stopped,
    /// A rule stood in the way, and still does until something changes.
    Gate,
    /// Everything else: what the agent itself made of it.
    Unclassed,
}

/// Codes that name a missing login, command, folder or setting, or a limit that the work does not keep.
const SETUP: [&str; 8] = [
    "claude_auth_required",
    "command_not_found",
    "cwd_missing",
    "process_command_missing",
    "sandbox_unavailable",
    "too_many_processes",
    "workspace_failed",
    "secret_missing",
];

/// Codes of the gates before a start.
const GATES: [&str; 8] = [
    "agent_not_invokable",
    "agent_not_found",
    "budget_blocked",
    "budget_exhausted",
    "budget_exceeded",
    "issue_paused",
    "issue_dependencies_blocked",
    "company_not_active",
];

impl Class {
    /// The class of an error. `family` is what the adapter said of it, beyond its code.
    pub fn of(code: Option<&str>, family: Option<&str>) -> Self {
        if family == Some("transient_upstream") {
            return Self::Upstream;
        }
        match code {
            Some("claude_transient_upstream" | "codex_transient_upstream") => Self::Upstream,
            Some("max_turns_exhausted" | "turn_limit_exhausted") => Self::TurnLimit,
            Some("process_lost") => Self::ProcessLost,
            Some("adapter_failed" | "timeout" | "host_failed" | "start_failed") => Self::Infrastructure,
            Some("cancelled" | "paused" | "budget_paused") => Self::Stopped,
            Some(c) if SETUP.contains(&c) => Self::Setup,
            Some(c) if GATES.contains(&c) => Self::Gate,
            _ => Self::Unclassed,
        }
    }

    /// How often work in progress is continued after failures of this class in a row. The counts are Paperclip's;
    /// what only a person can mend is not tried again at all.
    pub const fn max_continuations(self) -> usize {
        match self {
            Self::Upstream | Self::Infrastructure => 3,
            Self::Setup | Self::Gate => 0,
            Self::TurnLimit | Self::ProcessLost | Self::Stopped | Self::Unclassed => 1,
        }
    }

    /// Time between the end of the newest failure and the next try, after `streak` failures in a row.
    pub fn continuation_backoff(self, streak: usize) -> Duration {
        match self {
            Self::Upstream | Self::Infrastructure if streak > 0 => {
                let doublings = u32::try_from(streak - 1).unwrap_or(u32::MAX).min(6);
                Duration::from_secs(60 << doublings)
            }
            _ => Duration::ZERO,
        }
    }

    /// What a person should know about what comes next.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Upstream => "The provider did not take the requests. Wake the agent once it does again.",
            Self::TurnLimit => "Raise the turn limit of the agent, or split the issue.",
            Self::ProcessLost => "Look at the run's steps for what ended its process, then wake the agent.",
            Self::Infrastructure => "Look at the run's output, then wake the agent.",
            Self::Setup => "Mend the agent's configuration, test it there, then wake the agent.",
            Self::Stopped => "The run was stopped. Wake the agent when it should go on.",
            Self::Gate => "Take away what stands in the way, then wake the agent.",
            Self::Unclassed => "Read the run, then say how it should go on.",
        }
    }
}

/// A run as far as retries and recovery look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    pub status: RunStatus,
    pub error_code: Option<String>,
    pub error_family: Option<String>,
    /// Why it was there at all, when it was there because of an earlier run.
    pub retry_reason: Option<String>,
    pub finished_at: Option<Timestamp>,
    /// It left something behind that moves the issue.
    pub productive: bool,
}

impl PastRun {
    pub fn class(&self) -> Class {
        Class::of(self.error_code.as_deref(), self.error_family.as_deref())
    }

    pub fn is_unsuccessful(&self) -> bool {
        matches!(self.status, RunStatus::Failed | RunStatus::TimedOut | RunStatus::Cancelled)
    }

    /// It was a continuation that the program itself began.
    pub fn is_continuation(&self) -> bool {
        self.retry_reason.as_deref() == Some(CONTINUATION)
    }
}

/// The `retryReason` of runs that go on with work in progress after a failure.
pub const CONTINUATION: &str = "issue_continuation_needed";
/// The `retryReason` of runs that begin work which an earlier run should have begun.
pub const ASSIGNMENT: &str = "assignment_recovery";

/// How many runs are looked back on.
pub const LOOK_BACK: usize = 10;

/// How many continuations may fail in a row whatever their errors. Without it a failure that changes its face each
/// time would be tried for ever.
pub const MOST_IN_A_ROW: usize = 6;

/// How many continuations failed in a row, whatever their errors.
pub fn failures_in_a_row(runs: &[PastRun]) -> usize {
    runs.iter().take(LOOK_BACK).take_while(|r| r.is_continuation() && r.is_unsuccessful()).count()
}

/// How many continuations failed in a row with the error of the latest run. `runs` come newest first.
///
/// Only consecutive failures with the latest error code count: a new error is a new cause. No code is a code of its own.
pub fn streak(runs: &[PastRun]) -> usize {
    let Some(latest) = runs.first() else { return 0 };
    runs.iter()
        .take(LOOK_BACK)
        .take_while(|r| r.is_continuation() && r.is_unsuccessful() && r.error_code == latest.error_code)
        .count()
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub fn failed(code: &str, retry_reason: Option<&str>) -> PastRun {
        PastRun {
            status: RunStatus::Failed,
            error_code: (!code.is_empty()).then(|| code.to_owned()),
            error_family: None,
            retry_reason: retry_reason.map(str::to_owned),
            finished_at: Some(Timestamp::from_millis(0)),
            productive: false,
        }
    }

    #[test]
    fn only_failures_in_a_row_with_the_latest_error_count() {
        let c = Some(CONTINUATION);
        let runs = [failed("adapter_failed", c), failed("adapter_failed", c), failed("timeout", c)];
        assert_eq!(streak(&runs), 2);
        assert_eq!(
            streak(&[failed("", c), failed("", c), failed("x", c)]),
            2,
            "no code is a code of its own"
        );
        assert_eq!(
            streak(&[failed("timeout", None), failed("timeout", c)]),
            0,
            "the latest was no continuation"
        );
        let mut good = failed("timeout", c);
        good.status = RunStatus::Succeeded;
        assert_eq!(streak(&[failed("timeout", c), good, failed("timeout", c)]), 1);
    }

    #[test]
    fn what_only_a_person_can_mend_is_never_tried_again() {
        for code in SETUP.iter().chain(&GATES) {
            assert_eq!(Class::of(Some(code), None).max_continuations(), 0, "{code}");
        }
        assert_eq!(Class::of(Some("anything"), Some("transient_upstream")), Class::Upstream);
    }

    proptest! {
        #[test]
        fn a_streak_never_exceeds_what_is_looked_back_on(codes in prop::collection::vec(0..3u8, 0..40)) {
            let runs: Vec<_> = codes.iter().map(|c| failed(&c.to_string(), Some(CONTINUATION))).collect();
            let n = streak(&runs);
            prop_assert!(n <= LOOK_BACK && n <= runs.len());
            prop_assert!(runs.iter().take(n).all(|r| r.error_code == runs[0].error_code));
        }

        #[test]
        fn the_wait_grows_and_ends_within_the_hour_and_a_half(class in 0..2usize, streak in 0..100usize) {
            let class = [Class::Upstream, Class::Infrastructure][class];
            prop_assert!(class.continuation_backoff(streak) <= class.continuation_backoff(streak + 1));
            prop_assert!(class.continuation_backoff(streak) <= Duration::from_secs(90 * 60));
        }
    }
}
