//! Work that nobody moves: what becomes of it, who is to see to it, and the life of a recovery action.

use contract::agent::{Agent, AgentRole};
use contract::issue::IssueStatus;
use contract::recovery::{RecoveryKind, RecoveryOutcome, RecoveryStatus};
use contract::run::RunStatus;
use contract::{AgentId, Timestamp};

use crate::failure::{ASSIGNMENT, Class, MOST_IN_A_ROW, PastRun, failures_in_a_row, streak};

/// Why work is left as it is although nothing is on its way to it. Each is shown on the issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Not work of an agent that is open: nothing to see to.
    NotOurs,
    /// The last run ended well and left the issue as it is.
    EndedWell,
    /// Whoever may stop runs stopped the last one.
    Stopped,
}

impl Rest {
    /// One sentence for a person.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotOurs => "Nothing is due",
            Self::EndedWell => "The last run ended well and left the issue open: wake the agent to go on",
            Self::Stopped => "The last run was stopped: wake the agent to go on",
        }
    }
}

/// Why a person or a manager has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// What should have begun the work failed as well.
    AssignmentFailed,
    /// What should have gone on with it failed as often as is allowed.
    ContinuationFailed,
    /// The failure is one that trying again does not mend.
    NotRetryable,
    /// Runs end well, but none says what becomes of the issue.
    MissingDisposition,
}

impl Cause {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssignmentFailed => "assignment_recovery_failed",
            Self::ContinuationFailed => "continuation_retries_exhausted",
            Self::NotRetryable => "non_retryable_failure",
            Self::MissingDisposition => "successful_run_missing_state",
        }
    }

    pub const fn kind(self) -> RecoveryKind {
        match self {
            Self::MissingDisposition => RecoveryKind::MissingDisposition,
            _ => RecoveryKind::StrandedAssignedIssue,
        }
    }

    /// One sentence for a person.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AssignmentFailed => "The agent was started on the issue twice and failed both times",
            Self::ContinuationFailed => "Going on with the issue failed as often as is allowed",
            Self::NotRetryable => "The run failed in a way that trying again does not mend",
            Self::MissingDisposition => {
                "Runs on the issue end well, but none says whether it is done, in review or blocked"
            }
        }
    }
}

/// What becomes of an agent's open issue on which nothing is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Leave(Rest),
    /// Nobody ever began: as if it had been assigned just now.
    Assign,
    /// Begin again, once, what failed before it was in progress.
    Begin,
    /// Go on with what is in progress.
    Continue(Source),
    /// Too soon after the last failure.
    Wait(Timestamp),
    Escalate(Cause),
}

/// What a continuation follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    AfterFailure,
    /// The last run did something and ended, and nothing else carries on.
    AfterProductiveEnd,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AfterFailure => "issue.continuation_recovery",
            Self::AfterProductiveEnd => PRODUCTIVE_CONTINUATION,
        }
    }
}

/// The source of a continuation after a productive end.
pub const PRODUCTIVE_CONTINUATION: &str = "issue.productive_terminal_continuation_recovery";
/// The `retryReason` of the one run that asks for what a run left out: what becomes of the issue.
pub const HANDOFF: &str = "finish_successful_run_handoff";

/// What is known of an open issue of an agent, without a live run or a wait for one.
#[derive(Clone, Copy, Debug)]
pub struct Stranded<'a> {
    pub status: IssueStatus,
    /// The ended runs of its agent on it that were at work, newest first.
    pub runs: &'a [PastRun],
    /// What the newest run was a continuation from, if it was one.
    pub latest_source: Option<&'a str>,
    /// A lock of a run is still on it.
    pub locked: bool,
    pub now: Timestamp,
}

/// Decides what becomes of it.
pub fn next(f: &Stranded<'_>) -> Next {
    match f.status {
        IssueStatus::Todo => next_of_todo(f),
        IssueStatus::InProgress => next_in_progress(f),
        _ => Next::Leave(Rest::NotOurs),
    }
}

fn next_of_todo(f: &Stranded<'_>) -> Next {
    let Some(latest) = f.runs.first() else { return Next::Assign };
    if latest.status == RunStatus::Succeeded {
        return Next::Leave(Rest::EndedWell);
    }
    if latest.class() == Class::Stopped {
        return Next::Leave(Rest::Stopped);
    }
    if latest.class().max_continuations() == 0 {
        return Next::Escalate(Cause::NotRetryable);
    }
    if latest.retry_reason.as_deref() == Some(ASSIGNMENT) {
        return Next::Escalate(Cause::AssignmentFailed);
    }
    Next::Begin
}

fn next_in_progress(f: &Stranded<'_>) -> Next {
    let Some(latest) = f.runs.first() else {
        return if f.locked { Next::Continue(Source::AfterFailure) } else { Next::Assign };
    };
    if latest.retry_reason.as_deref() == Some(HANDOFF) {
        return Next::Escalate(Cause::MissingDisposition);
    }
    if latest.status == RunStatus::Succeeded {
        return match (latest.productive, f.latest_source) {
            (false, _) => Next::Leave(Rest::EndedWell),
            (true, Some(PRODUCTIVE_CONTINUATION)) => Next::Escalate(Cause::MissingDisposition),
            (true, _) => Next::Continue(Source::AfterProductiveEnd),
        };
    }
    let class = latest.class();
    if class == Class::Stopped {
        return Next::Leave(Rest::Stopped);
    }
    if class.max_continuations() == 0 {
        return Next::Escalate(Cause::NotRetryable);
    }
    if !latest.is_continuation() {
        return Next::Continue(Source::AfterFailure);
    }
    let failures = streak(f.runs);
    if failures >= class.max_continuations() || failures_in_a_row(f.runs) >= MOST_IN_A_ROW {
        return Next::Escalate(Cause::ContinuationFailed);
    }
    match latest.finished_at.map(|t| t.plus(class.continuation_backoff(failures))) {
        Some(due) if due > f.now => Next::Wait(due),
        _ => Next::Continue(Source::AfterFailure),
    }
}

/// Who may be asked to see to an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Agent(AgentId),
    /// The operator.
    Board,
}

/// Chooses the owner of a recovery: the managers of assignee and creator, the creator, the CTO, the CEO, and last
/// the assignee itself. `eligible` says who can be woken.
pub fn owner(
    agents: &[Agent],
    assignee: Option<AgentId>,
    creator: Option<AgentId>,
    eligible: impl Fn(AgentId) -> bool,
) -> Owner {
    managers(agents, [assignee, creator].into_iter().flatten())
        .into_iter()
        .chain(creator)
        .chain(by_role(agents, AgentRole::Cto))
        .chain(by_role(agents, AgentRole::Ceo))
        .chain(assignee)
        .find(|id| eligible(*id))
        .map_or(Owner::Board, Owner::Agent)
}

fn managers(agents: &[Agent], of: impl Iterator<Item = AgentId>) -> Vec<AgentId> {
    of.filter_map(|id| agents.iter().find(|a| a.id == id)?.reports_to).collect()
}

/// Those of a role, the longest there first.
fn by_role(agents: &[Agent], role: AgentRole) -> impl Iterator<Item = AgentId> {
    let mut found: Vec<&Agent> = agents.iter().filter(|a| a.role == role).collect();
    found.sort_by_key(|a| (a.created_at, a.id));
    found.into_iter().map(|a| a.id)
}

/// Who stands above these agents: their managers, in order, then the CTO and the CEO.
pub fn above(agents: &[Agent], of: impl Iterator<Item = AgentId>) -> Vec<AgentId> {
    let mut all = managers(agents, of);
    all.extend(by_role(agents, AgentRole::Cto));
    all.extend(by_role(agents, AgentRole::Ceo));
    all
}

/// The `originKind`s of issues that are themselves about seeing to other work: what becomes of them is never seen
/// to by more of the same.
pub const REVIEWS: [&str; 4] = [
    crate::watchdog::EVALUATION,
    crate::productivity::REVIEW,
    crate::graph::UNBLOCKING,
    "stranded_issue_recovery",
];

/// Whether an issue is one of them.
pub fn is_review(origin_kind: &str) -> bool {
    REVIEWS.contains(&origin_kind)
}

/// Whether a recovery action may go from one state to another.
pub fn may_become(from: RecoveryStatus, to: RecoveryStatus) -> bool {
    use RecoveryStatus::*;
    match from {
        Active => matches!(to, Escalated | Resolved | Cancelled),
        Escalated => matches!(to, Active | Resolved | Cancelled),
        Resolved | Cancelled => false,
    }
}

/// Why an outcome cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `blocked` says that something else has to be done first.
    NeedsBlocker,
    /// The outcome and the status that the issue is to have do not go together.
    StatusDoesNotFit,
    BoardOnly,
}

impl Refusal {
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NeedsBlocker => "To leave the issue blocked it needs a blocker that is not done",
            Self::StatusDoesNotFit => "This outcome does not go with that status",
            Self::BoardOnly => "Only the board may call a recovery a false alarm or cancel it",
        }
    }
}

/// Checks how somebody wants to resolve a recovery.
pub fn check_resolution(
    outcome: RecoveryOutcome,
    status: IssueStatus,
    unresolved_blockers: usize,
    by_board: bool,
) -> Result<(), Refusal> {
    if matches!(outcome, RecoveryOutcome::FalsePositive | RecoveryOutcome::Cancelled) && !by_board {
        return Err(Refusal::BoardOnly);
    }
    match (outcome, status) {
        (RecoveryOutcome::Blocked, IssueStatus::Blocked) if unresolved_blockers == 0 => {
            Err(Refusal::NeedsBlocker)
        }
        (RecoveryOutcome::Blocked, IssueStatus::Blocked) => Ok(()),
        (RecoveryOutcome::Blocked, _) => Err(Refusal::StatusDoesNotFit),
        (RecoveryOutcome::Restored, IssueStatus::Blocked) => Err(Refusal::StatusDoesNotFit),
        (_, IssueStatus::Todo | IssueStatus::Done | IssueStatus::InReview | IssueStatus::Blocked) => Ok(()),
        _ => Err(Refusal::StatusDoesNotFit),
    }
}

/// What is known of an issue under recovery after somebody changed it.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub status: IssueStatus,
    pub has_agent: bool,
    pub has_user: bool,
    pub unresolved_blockers: usize,
    /// A participant, a pending card or a pending approval.
    pub review_path: bool,
    pub future_monitor: bool,
}

/// Whether the issue has, by a lasting change, a way on again, so that its recovery is over. Why, in one sentence.
pub fn is_settled(s: &Standing) -> Option<&'static str> {
    match s.status {
        IssueStatus::Done | IssueStatus::Cancelled => Some("The issue was closed"),
        IssueStatus::Todo | IssueStatus::InProgress if s.has_agent => Some("An agent has the issue again"),
        _ if s.has_user => Some("A person has the issue"),
        IssueStatus::Blocked if s.unresolved_blockers > 0 => Some("The issue waits for its blockers"),
        IssueStatus::InReview if s.review_path => Some("The issue has somebody who reviews it"),
        _ if s.future_monitor => Some("The issue is looked at again at a set time"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::failure::CONTINUATION;
    use crate::failure::tests::failed;

    fn stranded(status: IssueStatus, runs: &[PastRun]) -> Next {
        let now = Timestamp::from_millis(0);
        next(&Stranded { status, runs, latest_source: None, locked: false, now })
    }

    fn succeeded(productive: bool, retry_reason: Option<&str>) -> PastRun {
        PastRun { status: RunStatus::Succeeded, productive, ..failed("", retry_reason) }
    }

    #[test]
    fn work_that_nobody_began_begins_and_fails_twice_at_the_most() {
        assert_eq!(stranded(IssueStatus::Todo, &[]), Next::Assign);
        assert_eq!(stranded(IssueStatus::Todo, &[failed("adapter_failed", None)]), Next::Begin);
        let twice = [failed("adapter_failed", Some(ASSIGNMENT)), failed("adapter_failed", None)];
        assert_eq!(stranded(IssueStatus::Todo, &twice), Next::Escalate(Cause::AssignmentFailed));
        assert_eq!(
            stranded(IssueStatus::Todo, &[failed("claude_auth_required", None)]),
            Next::Escalate(Cause::NotRetryable)
        );
    }

    #[test]
    fn work_in_progress_goes_on_by_the_cause_of_its_failures() {
        let c = Some(CONTINUATION);
        let at = |runs: &[PastRun], minutes: u64| {
            let now = Timestamp::from_millis(0).plus(Duration::from_secs(60 * minutes));
            next(&Stranded { status: IssueStatus::InProgress, runs, latest_source: None, locked: false, now })
        };
        assert_eq!(at(&[failed("x", None)], 0), Next::Continue(Source::AfterFailure));
        assert_eq!(at(&[failed("x", c), failed("x", None)], 0), Next::Escalate(Cause::ContinuationFailed));
        let two = [failed("timeout", c), failed("timeout", c), failed("adapter_failed", c)];
        assert_eq!(at(&two, 1), Next::Wait(Timestamp::from_millis(120_000)), "the backoff doubles");
        assert_eq!(at(&two, 2), Next::Continue(Source::AfterFailure));
        let three = [failed("timeout", c), failed("timeout", c), failed("timeout", c)];
        assert_eq!(at(&three, 500), Next::Escalate(Cause::ContinuationFailed));
        assert_eq!(at(&[failed("cancelled", None)], 0), Next::Leave(Rest::Stopped));
    }

    #[test]
    fn runs_that_end_well_and_settle_nothing_are_asked_once_and_then_shown_to_somebody() {
        assert_eq!(
            stranded(IssueStatus::InProgress, &[succeeded(false, None)]),
            Next::Leave(Rest::EndedWell)
        );
        assert_eq!(
            stranded(IssueStatus::InProgress, &[succeeded(true, None)]),
            Next::Continue(Source::AfterProductiveEnd)
        );
        assert_eq!(
            stranded(IssueStatus::InProgress, &[succeeded(true, Some(HANDOFF))]),
            Next::Escalate(Cause::MissingDisposition)
        );
    }

    proptest! {
        /// However an agent's runs fail, the program begins no more of them than their classes allow.
        #[test]
        fn a_failing_agent_is_started_a_few_times_and_then_shown_to_somebody(
            codes in prop::collection::vec(0..5usize, 64), begun: bool,
        ) {
            const CODES: [&str; 5] = ["adapter_failed", "timeout", "process_lost", "", "claude_auth_required"];
            let mut runs: Vec<PastRun> = Vec::new();
            let mut now = Timestamp::from_millis(0);
            let mut status = if begun { IssueStatus::InProgress } else { IssueStatus::Todo };
            let mut escalated = false;
            let mut starts = 0;
            for code in codes {
                let f = Stranded { status, runs: &runs, latest_source: None, locked: false, now };
                let reason = match next(&f) {
                    Next::Assign => None,
                    Next::Begin => Some(ASSIGNMENT),
                    Next::Continue(_) => Some(CONTINUATION),
                    Next::Wait(until) => { prop_assert!(until > now); now = until; continue; }
                    Next::Escalate(_) => { escalated = true; break; }
                    Next::Leave(_) => unreachable!("every run failed"),
                };
                starts += 1;
                status = IssueStatus::InProgress;
                runs.insert(0, PastRun { finished_at: Some(now), ..failed(CODES[code], reason) });
            }
            prop_assert!(escalated && starts <= 8, "{starts}");
        }

        #[test]
        fn what_is_over_stays_over(from in 0..4usize, to in 0..4usize) {
            let (from, to) = (RecoveryStatus::ALL[from], RecoveryStatus::ALL[to]);
            let over = matches!(from, RecoveryStatus::Resolved | RecoveryStatus::Cancelled);
            prop_assert!(!over || !may_become(from, to));
        }
    }
}
