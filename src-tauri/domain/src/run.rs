//! The state machine of runs, the order of the queue, and the gates before a start.

use contract::agent::AgentStatus;
use contract::issue::{Issue, IssuePriority, IssueStatus};
use contract::run::RunStatus;
use contract::{AgentId, Timestamp};

/// Whether a run may go from one state to another.
pub fn may_become(from: RunStatus, to: RunStatus) -> bool {
    use RunStatus::*;
    match from {
        // What cannot be claimed fails where it stands, so that the queue goes on.
        Queued => matches!(to, Running | Cancelled | Failed),
        ScheduledRetry => matches!(to, Queued | Cancelled),
        Running => matches!(to, Succeeded | Failed | Cancelled | TimedOut),
        Succeeded | Failed | Cancelled | TimedOut => false,
    }
}

/// Where a queued run stands in its agent's line: the lower, the sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueRank {
    readiness: u8,
    priority: u8,
    queued_at: Timestamp,
}

/// Ready work in progress first, then ready work, then work that is no issue, then what is blocked;
/// by priority, then by age.
pub fn queue_rank(
    issue: Option<(IssueStatus, IssuePriority)>,
    unresolved_blockers: i64,
    queued_at: Timestamp,
) -> QueueRank {
    let readiness = match issue {
        Some(_) if unresolved_blockers > 0 => 3,
        Some((IssueStatus::InProgress, _)) => 0,
        Some(_) => 1,
        None => 2,
    };
    let priority = issue.map_or(4, |(_, priority)| match priority {
        IssuePriority::Critical => 0,
        IssuePriority::High => 1,
        IssuePriority::Medium => 2,
        IssuePriority::Low => 3,
    });
    QueueRank { readiness, priority, queued_at }
}

/// Why a queued run is not started after all. The code is what the run and its wake record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    AgentNotInvokable,
    CompanyNotActive,
    IssueNotFound,
    IssueAssigneeChanged,
    IssueTerminal,
    DependenciesBlocked,
    TreePaused,
    /// A timer rang, and was switched off before its run started.
    TimerOff,
    /// The run was to go on with work that is not under way any more.
    NotInProgress,
}

impl Gate {
    pub const fn code(self) -> &'static str {
        match self {
            Self::AgentNotInvokable => "agent_not_invokable",
            Self::CompanyNotActive => "company_not_active",
            Self::IssueNotFound => "issue_not_found",
            Self::IssueAssigneeChanged => "issue_assignee_changed",
            Self::IssueTerminal => "issue_terminal_status",
            Self::DependenciesBlocked => "issue_dependencies_blocked",
            Self::TreePaused => "issue_tree_hold_active",
            Self::TimerOff => "heartbeat.disabled",
            Self::NotInProgress => "issue_not_in_progress",
        }
    }

    /// One sentence for a person.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AgentNotInvokable => "The agent is paused, terminated or waits for approval",
            Self::CompanyNotActive => "The company is paused or archived",
            Self::IssueNotFound => "The issue is gone",
            Self::IssueAssigneeChanged => "The issue was given to somebody else before the run started",
            Self::IssueTerminal => "The issue was closed before the run started",
            Self::DependenciesBlocked => "Blockers of the issue are not done",
            Self::TreePaused => "The tree of the issue is paused",
            Self::TimerOff => "The agent's timer was switched off before the run started",
            Self::NotInProgress => "The issue was put aside before the run could go on with it",
        }
    }
}

/// What is known of a queued run at the moment it could start.
#[derive(Clone, Copy, Debug)]
pub struct StartFacts<'a> {
    pub agent: AgentId,
    pub agent_status: AgentStatus,
    pub company_active: bool,
    /// A timer rang for it, and the timer is on.
    pub timer: Option<bool>,
    /// It goes on where an earlier run used up its turns.
    pub goes_on: bool,
    /// `Some(None)`: the run names an issue that is gone.
    pub issue: Option<Option<&'a Issue>>,
    pub unresolved_blockers: i64,
    /// The tree that the issue stands in is paused, and it was not the operator who spoke.
    pub held: bool,
    /// A comment, mention or answered card woke the agent: it may speak on issues that are closed, blocked or not its own.
    pub interaction: bool,
}

/// Decides whether a queued run may start.
pub fn start_gate(f: &StartFacts<'_>) -> Result<(), Gate> {
    if !crate::agent::is_invokable(f.agent_status) {
        return Err(Gate::AgentNotInvokable);
    }
    if !f.company_active {
        return Err(Gate::CompanyNotActive);
    }
    if f.timer == Some(false) {
        return Err(Gate::TimerOff);
    }
    let issue = match f.issue {
        None => return Ok(()),
        Some(None) => return Err(Gate::IssueNotFound),
        Some(Some(issue)) => issue,
    };
    if f.goes_on && issue.status != IssueStatus::InProgress && !issue.status.is_terminal() {
        return Err(Gate::NotInProgress);
    }
    if f.held {
        return Err(Gate::TreePaused);
    }
    if f.interaction {
        return Ok(());
    }
    if issue.assignee_agent_id != Some(f.agent) {
        return Err(Gate::IssueAssigneeChanged);
    }
    if issue.status.is_terminal() {
        return Err(Gate::IssueTerminal);
    }
    if f.unresolved_blockers > 0 {
        return Err(Gate::DependenciesBlocked);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::issue::tests::issue;

    #[test]
    fn the_queue_prefers_ready_work_in_progress_then_urgency_then_age() {
        let at = |n| Timestamp::from_millis(n);
        let started = (IssueStatus::InProgress, IssuePriority::Low);
        let urgent = (IssueStatus::Todo, IssuePriority::Critical);
        let mut line = [
            ("blocked", queue_rank(Some(urgent), 1, at(0))),
            ("no issue", queue_rank(None, 0, at(0))),
            ("urgent later", queue_rank(Some(urgent), 0, at(9))),
            ("started", queue_rank(Some(started), 0, at(9))),
            ("urgent", queue_rank(Some(urgent), 0, at(1))),
        ];
        line.sort_by_key(|(_, r)| *r);
        assert_eq!(line.map(|(n, _)| n), ["started", "urgent", "urgent later", "no issue", "blocked"]);
    }

    proptest! {
        #[test]
        fn nothing_leaves_a_terminal_state(from in 0..7usize, to in 0..7usize) {
            let (from, to) = (RunStatus::ALL[from], RunStatus::ALL[to]);
            if from.is_terminal() {
                prop_assert!(!may_become(from, to));
            }
        }

        #[test]
        fn an_ineligible_agent_never_starts(
            status in 0..7usize, agent in 0..7usize, blockers in 0..3i64,
            (interaction, held, active, goes_on, mine) in any::<(bool, bool, bool, bool, bool)>(),
            timer in prop::option::of(any::<bool>()),
        ) {
            let mut i = issue(IssueStatus::ALL[status]);
            i.assignee_agent_id = mine.then_some(AgentId(Uuid::nil()));
            let facts = StartFacts {
                agent: AgentId(Uuid::nil()),
                agent_status: AgentStatus::ALL[agent],
                company_active: active,
                timer,
                goes_on,
                issue: Some(Some(&i)),
                unresolved_blockers: blockers,
                held,
                interaction,
            };
            prop_assert!(!held || start_gate(&facts).is_err());
            let stopped = matches!(facts.agent_status, AgentStatus::Paused | AgentStatus::Terminated | AgentStatus::PendingApproval);
            prop_assert!(!stopped || start_gate(&facts).is_err());
            prop_assert!((active && timer != Some(false)) || start_gate(&facts).is_err());
            // On what is another's, closed or blocked only an interaction may start.
            let foreign = !mine || i.status.is_terminal() || blockers > 0;
            prop_assert!(!foreign || interaction || start_gate(&facts).is_err());
            prop_assert!(!goes_on || i.status == IssueStatus::InProgress || i.status.is_terminal() || start_gate(&facts).is_err());
            let fine = active && !held && !stopped && !foreign && !goes_on && timer != Some(false);
            prop_assert!(!fine || start_gate(&facts).is_ok());
        }
    }
}
