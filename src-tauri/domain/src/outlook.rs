//! Why an issue stands where it stands, and the one action that moves it.

use contract::agent::AgentStatus;
use contract::issue::IssueStatus;
use contract::recovery::{IssueOutlook, OutlookAction, OutlookState, RunOutlook};
use contract::run::RunStatus;
use contract::{RunId, Timestamp};

use crate::recovery::Next;

/// A run that is on its way to the issue or at work on it.
#[derive(Clone, Debug)]
pub struct LiveRun {
    pub id: RunId,
    pub status: RunStatus,
    pub due: Option<Timestamp>,
    /// What made it wait for a later time, in one sentence.
    pub because: Option<String>,
}

/// What keeps queued runs from starting.
#[derive(Clone, Debug)]
pub enum Held {
    Everything,
    /// The provider's account turns requests away until then.
    Provider(Timestamp),
    /// The agent is at work on as many runs as it may.
    AgentBusy,
    /// As many runs are live as the machine may carry.
    Slots,
    /// The disk has too little room left for what the run would say.
    Disk,
    /// Another run goes on with the same conversation.
    Session,
    /// A run of this issue works in the same worktree.
    Workspace(String),
    /// The budget of this company, agent or project is spent.
    Budget(String),
    /// What is left of this one's budget is set aside for runs at work.
    Reserved(String),
    Nothing,
}

/// What is known of an issue.
#[derive(Clone, Debug)]
pub struct Facts {
    pub status: IssueStatus,
    /// Name and state of its agent, and whether it wakes on demand.
    pub agent: Option<(String, AgentStatus, bool)>,
    pub is_a_persons: bool,
    pub run: Option<LiveRun>,
    pub held: Held,
    /// The issue from which its tree is paused.
    pub paused_from: Option<String>,
    /// Whose budget is spent, so that nothing starts on it.
    pub budget_spent: Option<String>,
    /// The reason of its open recovery, who is to see to it (nobody: the operator), and what to do.
    pub recovery: Option<(String, Option<String>, String)>,
    /// Titles of what waits for the operator.
    pub cards: usize,
    /// Approvals that it is tied to and that wait for the board.
    pub approvals: usize,
    /// Identifiers of blockers that are not done.
    pub blockers: Vec<String>,
    /// Where what it waits for has come to a halt, in one sentence.
    pub halt: Option<String>,
    pub reviewer: Option<String>,
    pub next_check: Option<Timestamp>,
    /// What recovery would do with it.
    pub next: Next,
}

fn say(state: OutlookState, reason: impl Into<String>, action: Option<OutlookAction>) -> IssueOutlook {
    IssueOutlook { state, reason: reason.into(), run_id: None, at: None, action, blocker: None }
}

/// Says what the issue waits for.
pub fn outlook(f: &Facts) -> IssueOutlook {
    use OutlookAction as Do;
    use OutlookState as S;
    if let Some(run) = &f.run {
        return with_run(f, run);
    }
    match f.status {
        IssueStatus::Done => return say(S::AtRest, "Done", None),
        IssueStatus::Cancelled => return say(S::AtRest, "Cancelled", None),
        _ => {}
    }
    if let Some(root) = &f.paused_from {
        return say(S::Held, format!("Paused with its tree, from {root}"), Some(Do::ResumeTree));
    }
    if let Some((reason, owner, what)) = &f.recovery {
        return match owner {
            Some(name) => say(S::Recovering, format!("{reason}. {name} is asked to see to it"), None),
            None => say(S::Recovering, format!("{reason}. {what}"), Some(Do::ResolveRecovery)),
        };
    }
    if f.cards > 0 || f.approvals > 0 {
        return say(S::Deciding, "It waits for your decision", Some(Do::Decide));
    }
    if let Some(halt) = &f.halt {
        return say(S::Stalled, halt.clone(), Some(Do::OpenBlocker));
    }
    if !f.blockers.is_empty() {
        return say(S::Blocked, format!("It waits for {}", f.blockers.join(", ")), None);
    }
    if let Some(t) = f.next_check {
        return IssueOutlook {
            at: Some(t),
            ..say(S::Scheduled, "It is looked at again at a set time", Some(Do::CheckNow))
        };
    }
    if f.is_a_persons {
        return say(S::Deciding, "It is yours to do", None);
    }
    let Some((name, status, on_demand)) = &f.agent else {
        let reason = "Nobody is assigned: nothing starts by itself";
        return say(S::AtRest, reason, Some(Do::Assign));
    };
    if let Some(whose) = f.budget_spent.as_ref().filter(|_| f.status != IssueStatus::Backlog) {
        return spent(whose);
    }
    match status {
        AgentStatus::Paused => return say(S::Stalled, format!("{name} is paused"), Some(Do::ResumeAgent)),
        AgentStatus::Terminated => {
            return say(
                S::Stalled,
                format!("{name} is gone: give the issue to somebody else"),
                Some(Do::Assign),
            );
        }
        AgentStatus::PendingApproval => {
            return say(S::Stalled, format!("{name} waits for your approval"), Some(Do::Decide));
        }
        _ => {}
    }
    match f.status {
        IssueStatus::Backlog => say(S::AtRest, "In the backlog: nothing starts by itself", Some(Do::Wake)),
        IssueStatus::InReview => match &f.reviewer {
            Some(r) => {
                say(S::Stalled, format!("{r} is to review it, and no run is under way"), Some(Do::Wake))
            }
            None => say(S::Stalled, "In review, and nobody is asked to review it", Some(Do::Review)),
        },
        IssueStatus::Blocked => say(
            S::Stalled,
            "Blocked, and no issue says by what: answer it, or set it to todo",
            Some(Do::Wake),
        ),
        _ if !on_demand => say(S::Stalled, format!("{name} does not wake on demand"), Some(Do::Wake)),
        _ => match f.next {
            Next::Leave(rest) => say(S::Stalled, rest.reason(), Some(Do::Wake)),
            _ => say(S::Queued, "It is taken up shortly", Some(Do::Wake)),
        },
    }
}

fn spent(whose: &str) -> IssueOutlook {
    say(OutlookState::Held, format!("The budget of {whose} is spent"), Some(OutlookAction::RaiseBudget))
}

fn with_run(f: &Facts, run: &LiveRun) -> IssueOutlook {
    let name = f.agent.as_ref().map_or("An agent", |a| a.0.as_str());
    let RunOutlook { state, reason, at, action } = run_outlook(run, &f.held, name);
    IssueOutlook { state, reason, run_id: Some(run.id), at, action, blocker: None }
}

/// Says what a run of this agent waits for, or that it is at work.
pub fn run_outlook(run: &LiveRun, held: &Held, agent: &str) -> RunOutlook {
    use OutlookState as S;
    let say = |state, reason: &str| RunOutlook { state, reason: reason.to_owned(), at: None, action: None };
    match (run.status, held) {
        (RunStatus::Running, _) => say(S::Running, "A run is at work on it"),
        (RunStatus::ScheduledRetry, _) => {
            let because = run.because.as_deref().unwrap_or("The last run failed");
            RunOutlook {
                at: run.due,
                action: Some(OutlookAction::RetryNow),
                ..say(S::Scheduled, &format!("{because}. It is tried again at a set time"))
            }
        }
        (_, Held::Everything) => {
            RunOutlook { action: Some(OutlookAction::ResumeAll), ..say(S::Held, "Everything is paused") }
        }
        (_, Held::Provider(until)) => RunOutlook {
            at: Some(*until),
            ..say(S::Queued, &format!("The provider turns {agent} away for now"))
        },
        (_, Held::AgentBusy) => say(S::Queued, &format!("{agent} is at work on as many runs as it may")),
        (_, Held::Disk) => say(S::Held, "The disk is nearly full: nothing starts until there is room again"),
        (_, Held::Session) => {
            say(S::Queued, "It stands in line: another run goes on with the same conversation")
        }
        (_, Held::Workspace(issue)) => {
            say(S::Queued, &format!("It stands in line: {issue} is worked on in the same worktree"))
        }
        (_, Held::Slots) => say(S::Queued, "It stands in line: as many runs are live as may be"),
        (_, Held::Budget(whose)) => RunOutlook {
            action: Some(OutlookAction::RaiseBudget),
            ..say(S::Held, &format!("The budget of {whose} is spent"))
        },
        (_, Held::Reserved(whose)) => say(
            S::Queued,
            &format!(
                "It stands in line: what is left of the budget of {whose} is set aside for runs at work"
            ),
        ),
        (_, Held::Nothing) => say(S::Queued, "It starts in a moment"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::recovery::{Cause, Rest, Source};

    proptest! {
        /// An open issue of an agent is moved by something, or says what moves it.
        #[test]
        fn no_open_issue_of_an_agent_is_without_a_mover_or_a_word(
            status in 0..5usize, agent in 0..7usize, person: bool, run in 0..4usize, held in 0..10usize,
            recovery in 0..3usize, (cards, approvals) in (0..2usize, 0..2usize), blockers in 0..3usize,
            (on_demand, paused, poor) in any::<(bool, bool, bool)>(), next in 0..5usize,
        ) {
            const OPEN: [IssueStatus; 5] = [
                IssueStatus::Backlog, IssueStatus::Todo, IssueStatus::InProgress, IssueStatus::InReview,
                IssueStatus::Blocked,
            ];
            let t = Timestamp::from_millis(5);
            let facts = Facts {
                status: OPEN[status],
                agent: Some(("Ada".into(), AgentStatus::ALL[agent], on_demand)),
                is_a_persons: person,
                run: (run > 0).then(|| LiveRun {
                    id: RunId(Uuid::nil()),
                    status: [RunStatus::Queued, RunStatus::Running, RunStatus::ScheduledRetry][run - 1],
                    due: Some(t),
                    because: None,
                }),
                paused_from: paused.then(|| "A-2".into()),
                held: [Held::Everything, Held::Provider(t), Held::AgentBusy, Held::Slots, Held::Budget("Ada".into()),
                    Held::Reserved("Ada".into()), Held::Workspace("A-3".into()), Held::Disk,
                    Held::Session, Held::Nothing][held].clone(),
                budget_spent: poor.then(|| "Ada".into()),
                recovery: (recovery > 0).then(|| ("R".into(), (recovery == 1).then(|| "Bo".into()), "Do".into())),
                cards,
                approvals,
                blockers: vec!["A-1".into(); blockers],
                halt: (blockers > 1).then(|| "It waits for A-1, which is paused".into()),
                reviewer: None,
                next_check: None,
                next: [
                    Next::Leave(Rest::EndedWell), Next::Assign, Next::Begin,
                    Next::Continue(Source::AfterFailure), Next::Escalate(Cause::NotRetryable),
                ][next],
            };
            let o = outlook(&facts);
            prop_assert!(!o.reason.is_empty());
            let moved = o.run_id.is_some()
                || matches!(o.state, OutlookState::Blocked | OutlookState::Recovering | OutlookState::Deciding);
            prop_assert!(moved || o.action.is_some(), "{o:?}");
        }
    }
}
