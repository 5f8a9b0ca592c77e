//! Runs that are tried again later: when, how often, and what still has to hold when their time comes.

use std::time::Duration;

use contract::agent::AgentStatus;
use contract::issue::{Issue, IssueStatus};
use contract::{AgentId, JsonObject, RunId, Timestamp};
use serde_json::Value;

/// Why a run waits for a later time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The provider was busy, limited or down.
    Transient,
    /// The agent used up its turns.
    MaxTurns,
}

impl Reason {
    /// What the run records as `scheduledRetryReason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient_failure",
            Self::MaxTurns => "max_turns_continuation",
        }
    }

    /// The wake reason that the agent is told.
    pub const fn wake_reason(self) -> &'static str {
        match self {
            Self::Transient => "transient_failure_retry",
            Self::MaxTurns => "max_turns_continuation_retry",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Transient, Self::MaxTurns].into_iter().find(|r| r.as_str() == word)
    }
}

/// Delays before the tries after transient failures. There are no more tries than delays.
const TRANSIENT: [Duration; 4] = [
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
];
/// Share of a delay by which it is shortened or lengthened, so that agents do not come back all at once.
const JITTER: f64 = 0.25;

/// When the try after `attempts` earlier ones is due, or nothing once they are used up.
///
/// `chance` is a number from 0 to 1. What the provider named as its reset counts where it is later, and is not
/// moved earlier by chance.
pub fn transient_retry_at(
    attempts: i64,
    now: Timestamp,
    not_before: Option<Timestamp>,
    chance: f64,
) -> Option<Timestamp> {
    let delay = TRANSIENT.get(usize::try_from(attempts).ok()?)?;
    let factor = 1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0);
    let due = now.plus(delay.mul_f64(factor));
    Some(not_before.map_or(due, |t| due.max(t)))
}

/// How often and how soon a run goes on that used up its turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnPolicy {
    pub max_attempts: i64,
    pub delay: Duration,
}

impl TurnPolicy {
    /// From `runtimeConfig.heartbeat.maxTurnContinuation`, with Paperclip's defaults and bounds.
    pub fn of(runtime_config: &JsonObject) -> Self {
        let given = runtime_config.get("heartbeat").and_then(|h| h.get("maxTurnContinuation"));
        let field = |key: &str| given.and_then(|g| g.get(key));
        let enabled = field("enabled").and_then(Value::as_bool).unwrap_or(true);
        let attempts = field("maxAttempts").and_then(Value::as_i64).unwrap_or(2).clamp(0, 10);
        let delay = field("delayMs").and_then(Value::as_u64).unwrap_or(1000).min(300_000);
        Self { max_attempts: if enabled { attempts } else { 0 }, delay: Duration::from_millis(delay) }
    }

    pub fn retry_at(&self, attempts: i64, now: Timestamp) -> Option<Timestamp> {
        (attempts < self.max_attempts).then(|| now.plus(self.delay))
    }
}

/// Why a retry whose time has come is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    AgentNotInvokable,
    IssueNotFound,
    IssueReassigned,
    IssueCancelled,
    IssueTerminal,
    IssueNotInProgress,
    ExecutionLockChanged,
    ReviewParticipantChanged,
    IssuePaused,
    DependenciesBlocked,
}

impl Gate {
    pub const fn code(self) -> &'static str {
        match self {
            Self::AgentNotInvokable => "agent_not_invokable",
            Self::IssueNotFound => "issue_not_found",
            Self::IssueReassigned => "issue_reassigned",
            Self::IssueCancelled => "issue_cancelled",
            Self::IssueTerminal => "issue_terminal_status",
            Self::IssueNotInProgress => "issue_not_in_progress",
            Self::ExecutionLockChanged => "issue_execution_lock_changed",
            Self::ReviewParticipantChanged => "issue_review_participant_changed",
            Self::IssuePaused => "issue_paused",
            Self::DependenciesBlocked => "issue_dependencies_blocked",
        }
    }

    /// One sentence for a person.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AgentNotInvokable => "The agent is paused, terminated or waits for approval",
            Self::IssueNotFound => "The issue is gone",
            Self::IssueReassigned => "The issue was given to somebody else",
            Self::IssueCancelled => "The issue was cancelled",
            Self::IssueTerminal => "The issue is done",
            Self::IssueNotInProgress => "The issue is not in progress any more",
            Self::ExecutionLockChanged => "Another run holds the issue",
            Self::ReviewParticipantChanged => "Somebody else reviews the issue now",
            Self::IssuePaused => "The issue's tree is paused",
            Self::DependenciesBlocked => "Blockers of the issue are not done",
        }
    }
}

/// What is known of a retry whose time has come.
#[derive(Clone, Copy, Debug)]
pub struct DueFacts<'a> {
    pub reason: Reason,
    pub run: RunId,
    pub agent: AgentId,
    pub agent_status: AgentStatus,
    /// `Some(None)`: the run names an issue that is gone.
    pub issue: Option<Option<&'a Issue>>,
    pub unresolved_blockers: usize,
    /// The issue lies in a tree that is paused.
    pub held: bool,
    /// The agent whose turn it is to review, where the issue is in review by an agent.
    pub reviewer: Option<AgentId>,
}

/// Decides whether a retry may be queued.
pub fn gate(f: &DueFacts<'_>) -> Result<(), Gate> {
    if !crate::agent::is_invokable(f.agent_status) {
        return Err(Gate::AgentNotInvokable);
    }
    let issue = match f.issue {
        None => return Ok(()),
        Some(None) => return Err(Gate::IssueNotFound),
        Some(Some(issue)) => issue,
    };
    match issue.status {
        IssueStatus::Cancelled => return Err(Gate::IssueCancelled),
        IssueStatus::Done => return Err(Gate::IssueTerminal),
        IssueStatus::InReview if f.reviewer.is_some_and(|r| r != f.agent) => {
            return Err(Gate::ReviewParticipantChanged);
        }
        _ => {}
    }
    if issue.assignee_agent_id != Some(f.agent) {
        return Err(Gate::IssueReassigned);
    }
    if f.held {
        return Err(Gate::IssuePaused);
    }
    if f.unresolved_blockers > 0 {
        return Err(Gate::DependenciesBlocked);
    }
    if f.reason == Reason::MaxTurns {
        if issue.status != IssueStatus::InProgress {
            return Err(Gate::IssueNotInProgress);
        }
        if issue.execution_run_id.is_some_and(|held| held != f.run) {
            return Err(Gate::ExecutionLockChanged);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::issue::tests::issue;

    #[test]
    fn tries_after_transient_failures_are_four_and_wait_for_the_providers_reset() {
        let now = Timestamp::from_millis(0);
        let minutes = |n: u64| now.plus(Duration::from_secs(n * 60));
        assert_eq!(transient_retry_at(0, now, None, 0.5), Some(minutes(2)));
        assert_eq!(transient_retry_at(3, now, None, 0.5), Some(minutes(120)));
        assert_eq!(transient_retry_at(4, now, None, 0.5), None);
        // A reset that is named is waited for to the second, be it later or sooner than the delay.
        assert_eq!(transient_retry_at(0, now, Some(minutes(300)), 0.0), Some(minutes(300)));
    }

    #[test]
    fn turns_go_on_twice_unless_said_otherwise() {
        let of = |v: serde_json::Value| TurnPolicy::of(v.as_object().unwrap());
        let now = Timestamp::from_millis(0);
        let usual = of(json!({}));
        assert_eq!(usual.retry_at(1, now), Some(now.plus(Duration::from_secs(1))));
        assert_eq!(usual.retry_at(2, now), None);
        let off = of(json!({"heartbeat": {"maxTurnContinuation": {"enabled": false}}}));
        assert_eq!(off.retry_at(0, now), None);
        let many = of(json!({"heartbeat": {"maxTurnContinuation": {"maxAttempts": 99, "delayMs": 1e9}}}));
        assert_eq!((many.max_attempts, many.delay), (10, Duration::from_secs(1)));
    }

    proptest! {
        #[test]
        fn no_retry_starts_an_agent_that_may_not_work_or_on_work_that_is_not_its_own(
            status in 0..7usize, agent in 0..7usize, mine: bool, held: bool, blockers in 0..2usize, turns: bool,
        ) {
            let me = AgentId(Uuid::from_u128(1));
            let mut i = issue(IssueStatus::ALL[status]);
            i.assignee_agent_id = Some(if mine { me } else { AgentId(Uuid::from_u128(2)) });
            let facts = DueFacts {
                reason: if turns { Reason::MaxTurns } else { Reason::Transient },
                run: RunId(Uuid::from_u128(9)),
                agent: me,
                agent_status: AgentStatus::ALL[agent],
                issue: Some(Some(&i)),
                unresolved_blockers: blockers,
                held,
                reviewer: None,
            };
            if gate(&facts).is_ok() {
                prop_assert!(mine && !held && blockers == 0 && !i.status.is_terminal());
                prop_assert!(crate::agent::is_invokable(facts.agent_status));
                prop_assert!(!turns || i.status == IssueStatus::InProgress);
            }
        }

        #[test]
        fn chance_moves_a_delay_by_a_quarter_at_the_most(attempts in 0..4i64, chance in 0.0..1.0f64) {
            let now = Timestamp::from_millis(0);
            let exact = transient_retry_at(attempts, now, None, 0.5).unwrap().millis();
            let moved = transient_retry_at(attempts, now, None, chance).unwrap().millis();
            prop_assert!((moved - exact).abs() * 4 <= exact + 4);
        }
    }
}
