//! Who holds an issue: checkout, ownership of a run, release.

use contract::issue::{Issue, IssueStatus};
use contract::{AgentId, RunId};

/// A run that asks to check an issue out.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub agent: AgentId,
    /// Absent when the operator checks out in an agent's name: no lock is taken then.
    pub run: Option<RunId>,
    pub expected: &'a [IssueStatus],
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Take the issue: assignee, both locks, `in_progress`.
    Take,
    /// The run holds it already.
    AlreadyHeld,
    /// The lock's run is over; take it over and say so.
    Adopt,
    Conflict,
}

/// Decides a claim. `stale` says of a lock's run that it has ended or is gone.
pub fn decide(issue: &Issue, claim: &Claim<'_>, stale: impl Fn(RunId) -> bool) -> Verdict {
    let execution_free = match issue.execution_run_id {
        None => true,
        Some(held) => Some(held) == claim.run || stale(held),
    };
    let mine = issue.assignee_agent_id == Some(claim.agent);
    if mine && issue.status == IssueStatus::InProgress && claim.run.is_some() {
        return match issue.checkout_run_id {
            held if held == claim.run => Verdict::AlreadyHeld,
            None if execution_free => Verdict::Adopt,
            Some(held) if stale(held) && execution_free => Verdict::Adopt,
            _ => Verdict::Conflict,
        };
    }
    let unassigned = issue.assignee_agent_id.is_none() && issue.assignee_user_id.is_none();
    let checkout_free = issue.checkout_run_id.is_none_or(|held| Some(held) == claim.run || stale(held));
    let free = (unassigned || (mine && checkout_free)) && execution_free;
    if free && claim.expected.contains(&issue.status) { Verdict::Take } else { Verdict::Conflict }
}

/// Whether an agent may change an issue, and on what ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    Allowed,
    /// Allowed after taking over a lock whose run is over.
    AllowedByAdoption,
    /// Another agent is at work on it.
    Busy,
    /// It is not the agent's.
    NotYours,
    /// Its own issue, but another of its runs holds it.
    OtherRun,
    /// Its own issue in progress: the call must say for which run it acts.
    RunRequired,
}

pub fn may_mutate(
    issue: &Issue,
    agent: AgentId,
    run: Option<RunId>,
    stale: impl Fn(RunId) -> bool,
) -> Mutation {
    let in_progress = issue.status == IssueStatus::InProgress;
    match issue.assignee_agent_id {
        None if issue.assignee_user_id.is_none() => Mutation::Allowed,
        Some(a) if a == agent => {
            if !in_progress {
                return Mutation::Allowed;
            }
            match (run, issue.checkout_run_id) {
                (None, _) => Mutation::RunRequired,
                (Some(r), Some(held)) if r == held => Mutation::Allowed,
                (Some(_), None) => Mutation::AllowedByAdoption,
                (Some(_), Some(held)) if stale(held) => Mutation::AllowedByAdoption,
                _ => Mutation::OtherRun,
            }
        }
        _ if in_progress => Mutation::Busy,
        _ => Mutation::NotYours,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::issue::tests::issue;

    fn agent(n: u8) -> AgentId {
        AgentId(Uuid::from_u128(n.into()))
    }

    fn run(n: u8) -> RunId {
        RunId(Uuid::from_u128(n.into()))
    }

    const OPEN: &[IssueStatus] = &[IssueStatus::Todo, IssueStatus::Backlog, IssueStatus::Blocked];

    #[test]
    fn a_free_issue_is_taken_and_a_held_one_is_not() {
        let mut i = issue(IssueStatus::Todo);
        let claim = Claim { agent: agent(1), run: Some(run(1)), expected: OPEN };
        assert_eq!(decide(&i, &claim, |_| false), Verdict::Take);
        i.status = IssueStatus::InProgress;
        i.assignee_agent_id = Some(agent(1));
        i.checkout_run_id = Some(run(1));
        i.execution_run_id = Some(run(1));
        assert_eq!(decide(&i, &claim, |_| false), Verdict::AlreadyHeld);
        let second = Claim { run: Some(run(2)), ..claim };
        assert_eq!(decide(&i, &second, |_| false), Verdict::Conflict);
        assert_eq!(decide(&i, &second, |_| true), Verdict::Adopt);
        let other = Claim { agent: agent(2), ..second };
        assert_eq!(decide(&i, &other, |_| false), Verdict::Conflict);
    }

    #[test]
    fn a_status_that_was_not_expected_is_a_conflict() {
        let i = issue(IssueStatus::Done);
        let claim = Claim { agent: agent(1), run: Some(run(1)), expected: OPEN };
        assert_eq!(decide(&i, &claim, |_| false), Verdict::Conflict);
    }

    proptest! {
        /// Whatever the state, two different live runs are never both told that they hold the issue.
        #[test]
        fn two_live_runs_never_both_hold_an_issue(
            status in 0..7usize, assignee in 0..3u8, checkout in 0..3u8, execution in 0..3u8,
            stale_mask in 0..8u8, a in 1..3u8, b in 1..3u8,
        ) {
            let mut i = issue(IssueStatus::ALL[status]);
            i.assignee_agent_id = (assignee > 0).then(|| agent(assignee));
            i.checkout_run_id = (checkout > 0).then(|| run(checkout));
            i.execution_run_id = (execution > 0).then(|| run(execution));
            let stale = |r: RunId| (1..3u8).any(|n| run(n) == r && stale_mask & (1 << n) != 0);
            prop_assume!(!stale(run(1)) && !stale(run(2)));
            let all = IssueStatus::ALL;
            let first = Claim { agent: agent(a), run: Some(run(1)), expected: all };
            if decide(&i, &first, stale) == Verdict::Conflict {
                return Ok(());
            }
            // The first one has it now.
            i.assignee_agent_id = Some(agent(a));
            i.assignee_user_id = None;
            i.checkout_run_id = Some(run(1));
            i.execution_run_id = Some(run(1));
            i.status = IssueStatus::InProgress;
            let second = Claim { agent: agent(b), run: Some(run(2)), expected: all };
            prop_assert_eq!(decide(&i, &second, stale), Verdict::Conflict);
        }
    }
}
