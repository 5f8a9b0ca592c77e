//! Rules about an issue's status and what follows from a change of it.

use contract::issue::{Issue, IssuePriority, IssueStatus, WorkMode};
use contract::{CompanyId, IssueId, Timestamp};

/// An issue of which nothing is known yet but its title: in the backlog, nobody's, with a person's origin.
pub fn new(id: IssueId, company_id: CompanyId, title: impl Into<String>, at: Timestamp) -> Issue {
    Issue {
        id,
        company_id,
        project_id: None,
        project_workspace_id: None,
        goal_id: None,
        parent_id: None,
        title: title.into(),
        description: None,
        status: IssueStatus::Backlog,
        work_mode: WorkMode::Standard,
        priority: IssuePriority::Medium,
        assignee_agent_id: None,
        assignee_user_id: None,
        checkout_run_id: None,
        execution_run_id: None,
        execution_agent_name_key: None,
        execution_locked_at: None,
        created_by_agent_id: None,
        created_by_user_id: None,
        issue_number: None,
        identifier: None,
        origin_kind: "manual".into(),
        origin_id: None,
        origin_run_id: None,
        origin_fingerprint: "default".into(),
        request_depth: 0,
        billing_code: None,
        assignee_adapter_overrides: None,
        execution_policy: None,
        execution_state: None,
        monitor_next_check_at: None,
        monitor_last_triggered_at: None,
        monitor_attempt_count: 0,
        monitor_notes: None,
        monitor_scheduled_by: None,
        execution_workspace_id: None,
        execution_workspace_preference: None,
        execution_workspace_settings: None,
        started_at: None,
        completed_at: None,
        cancelled_at: None,
        hidden_at: None,
        created_at: at,
        updated_at: at,
    }
}

/// The status of a new issue for which none was given.
pub fn initial_status(given: Option<IssueStatus>, has_assignee: bool) -> IssueStatus {
    given.unwrap_or(if has_assignee { IssueStatus::Todo } else { IssueStatus::Backlog })
}

/// Moves the issue to a status: stamps times, drops locks that the new status does not allow.
pub fn set_status(issue: &mut Issue, to: IssueStatus, now: Timestamp) {
    let from = issue.status;
    issue.status = to;
    match to {
        IssueStatus::InProgress if issue.started_at.is_none() => issue.started_at = Some(now),
        IssueStatus::Done if from != to => issue.completed_at = Some(now),
        IssueStatus::Cancelled if from != to => issue.cancelled_at = Some(now),
        _ => {}
    }
    if to != IssueStatus::Done {
        issue.completed_at = None;
    }
    if to != IssueStatus::Cancelled {
        issue.cancelled_at = None;
    }
    if from.is_terminal() && !to.is_terminal() {
        // What was looked at then is not what is done now.
        issue.execution_state = None;
    }
    if from == IssueStatus::InProgress && to != IssueStatus::InProgress {
        release_checkout(issue);
    }
    if to.is_terminal() {
        release_checkout(issue);
    }
}

/// Gives up the right to work. The execution lock stays until its run ends: it says what is live, not who may.
pub fn release_checkout(issue: &mut Issue) {
    issue.checkout_run_id = None;
}

/// Clears both locks, as after a change of assignee or a forced release.
pub fn clear_locks(issue: &mut Issue) {
    release_checkout(issue);
    issue.execution_run_id = None;
    issue.execution_agent_name_key = None;
    issue.execution_locked_at = None;
}

/// Who commented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commenter {
    Operator,
    /// An agent, and whether the issue is its own.
    Agent {
        is_assignee: bool,
    },
}

/// What a comment does to the issue's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopening {
    Stays,
    /// Back to `todo`.
    Reopens,
    /// An agent asked to resume what it may not.
    Refused(&'static str),
}

/// Whether a comment reopens the issue.
///
/// A person's comment on an agent's finished or blocked issue does, unless blockers stand before it.
/// An agent has to ask for it (`resume`), for its own issue, and never for a cancelled one.
pub fn reopening(
    issue: &Issue,
    who: Commenter,
    reopen: bool,
    resume: bool,
    unresolved_blockers: usize,
) -> Reopening {
    let closed = issue.status.is_terminal() || issue.status == IssueStatus::Blocked;
    match who {
        Commenter::Operator => {
            // A word about a review that is over asks for no other one.
            let review = crate::recovery::is_review(&issue.origin_kind);
            let agents_own = issue.assignee_agent_id.is_some() && !review;
            if closed && (agents_own || reopen || resume) && unresolved_blockers == 0 {
                Reopening::Reopens
            } else {
                Reopening::Stays
            }
        }
        Commenter::Agent { .. } if !(resume || reopen) => Reopening::Stays,
        Commenter::Agent { is_assignee: false } => {
            Reopening::Refused("Only the assignee may resume an issue")
        }
        Commenter::Agent { is_assignee: true } => match issue.status {
            IssueStatus::Cancelled => Reopening::Refused("A cancelled issue cannot be resumed by an agent"),
            IssueStatus::Done | IssueStatus::Blocked if unresolved_blockers == 0 => Reopening::Reopens,
            _ => Reopening::Stays,
        },
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use contract::{AgentId, CompanyId, IssueId, RunId};
    use uuid::Uuid;

    use super::*;

    pub fn issue(status: IssueStatus) -> Issue {
        let t = Timestamp::from_millis(0);
        let mut issue = new(IssueId(Uuid::nil()), CompanyId(Uuid::nil()), "T", t);
        issue.status = status;
        issue
    }

    #[test]
    fn closing_stamps_and_releases_and_reopening_takes_the_stamp_back() {
        let mut i = issue(IssueStatus::InProgress);
        i.checkout_run_id = Some(RunId(Uuid::from_u128(1)));
        i.execution_run_id = i.checkout_run_id;
        let now = Timestamp::from_millis(9);
        set_status(&mut i, IssueStatus::Done, now);
        assert_eq!((i.completed_at, i.checkout_run_id), (Some(now), None));
        assert!(i.execution_run_id.is_some(), "the run still lives and still says so");
        set_status(&mut i, IssueStatus::Todo, now);
        assert_eq!((i.completed_at, i.cancelled_at), (None, None));
    }

    #[test]
    fn a_persons_comment_reopens_an_agents_issue_unless_it_is_blocked() {
        let mut i = issue(IssueStatus::Done);
        assert_eq!(reopening(&i, Commenter::Operator, false, false, 0), Reopening::Stays, "nobody to wake");
        i.assignee_agent_id = Some(AgentId(Uuid::nil()));
        assert_eq!(reopening(&i, Commenter::Operator, false, false, 0), Reopening::Reopens);
        assert_eq!(reopening(&i, Commenter::Operator, true, false, 2), Reopening::Stays);
    }

    #[test]
    fn agents_reopen_only_what_is_theirs_and_only_when_they_say_so() {
        let own = Commenter::Agent { is_assignee: true };
        let other = Commenter::Agent { is_assignee: false };
        assert_eq!(reopening(&issue(IssueStatus::Done), own, false, false, 0), Reopening::Stays);
        assert_eq!(reopening(&issue(IssueStatus::Done), own, false, true, 0), Reopening::Reopens);
        assert!(matches!(reopening(&issue(IssueStatus::Done), other, false, true, 0), Reopening::Refused(_)));
        assert!(matches!(
            reopening(&issue(IssueStatus::Cancelled), own, false, true, 0),
            Reopening::Refused(_)
        ));
    }
}
