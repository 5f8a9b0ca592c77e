//! Review and approval: who looks at an issue before it is done, and where it goes from there.

use contract::StageId;
use contract::execution::{ExecutionPolicy, ExecutionState, Principal, StageOutcome, StageStatus, StageType};
use contract::issue::IssueStatus;

/// Somebody asks for a status of an issue with stages.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub policy: &'a ExecutionPolicy,
    pub state: Option<&'a ExecutionState>,
    pub actor: &'a Principal,
    /// The operator may always take an issue out of review, but never approve in another's place.
    pub is_operator: bool,
    pub assignee: Option<&'a Principal>,
    pub to: IssueStatus,
    /// They said something with it.
    pub comment: bool,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// The stages have no say in it.
    Free,
    /// It is taken out of review; the stages begin anew.
    Leave,
    /// It goes to who is to look at it, with what was decided on the way.
    Ask { state: ExecutionState, decided: Option<Decided> },
    /// Every stage is passed: it is done.
    Finish { state: ExecutionState, decided: Option<Decided> },
    /// It goes back to who worked on it.
    Return { state: ExecutionState, decided: Decided },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    pub stage: StageId,
    pub kind: StageType,
    pub outcome: StageOutcome,
}

/// Why it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NotYourTurn,
    CommentNeeded,
    NobodyElse,
}

impl Refusal {
    /// One sentence for a person.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotYourTurn => "The issue is in review: only who is asked may move it on",
            Self::CommentNeeded => "A decision needs a comment that says why",
            Self::NobodyElse => "Nobody but its own worker is there to approve it",
        }
    }
}

/// Decides what becomes of a wanted status.
pub fn advance(a: &Asked<'_>) -> Result<Move, Refusal> {
    let pending = a.state.filter(|s| s.status == StageStatus::Pending);
    let at = pending.and_then(|s| {
        let stage = a.policy.stages.iter().find(|g| g.id.is_some() && g.id == s.current_stage_id)?;
        Some((s, stage, s.current_participant.as_ref()?))
    });
    match at {
        Some((state, stage, participant)) => {
            let Some(id) = stage.id else { return Ok(Move::Free) };
            if participant == a.actor {
                return decide(a, state, id, stage.r#type);
            }
            match a.to {
                IssueStatus::InReview => Ok(Move::Free),
                _ if a.is_operator && a.to != IssueStatus::Done => Ok(Move::Leave),
                _ => Err(Refusal::NotYourTurn),
            }
        }
        None if matches!(a.to, IssueStatus::Done | IssueStatus::InReview) => hand_in(a),
        None => Ok(Move::Free),
    }
}

/// Who is asked says yes or no.
fn decide(a: &Asked<'_>, state: &ExecutionState, stage: StageId, kind: StageType) -> Result<Move, Refusal> {
    match a.to {
        IssueStatus::InReview => return Ok(Move::Free),
        IssueStatus::Cancelled if a.is_operator => return Ok(Move::Leave),
        _ if !a.comment => return Err(Refusal::CommentNeeded),
        _ => {}
    }
    let mut next = state.clone();
    if a.to == IssueStatus::Done {
        let decided = Decided { stage, kind, outcome: StageOutcome::Approved };
        next.completed_stage_ids.push(stage);
        next.last_decision_outcome = Some(StageOutcome::Approved);
        let executor = state.return_assignee.clone();
        return to_next(a.policy, next, executor.as_ref(), true, Some(decided));
    }
    let decided = Decided { stage, kind, outcome: StageOutcome::ChangesRequested };
    next.status = StageStatus::ChangesRequested;
    next.current_participant = None;
    next.last_decision_outcome = Some(StageOutcome::ChangesRequested);
    Ok(Move::Return { state: next, decided })
}

/// Who worked on it hands it in.
fn hand_in(a: &Asked<'_>) -> Result<Move, Refusal> {
    let mut state = a.state.cloned().unwrap_or(ExecutionState::idle());
    if state.status == StageStatus::Completed {
        state.completed_stage_ids.clear();
    }
    let executor = a.assignee.unwrap_or(a.actor).clone();
    state.return_assignee = Some(executor.clone());
    let done = a.to == IssueStatus::Done;
    match to_next(a.policy, state, Some(&executor), done, None)? {
        Move::Finish { .. } if !done => Ok(Move::Free),
        m => Ok(m),
    }
}

/// To the first stage that is not passed, or to the end.
fn to_next(
    policy: &ExecutionPolicy,
    mut state: ExecutionState,
    executor: Option<&Principal>,
    done: bool,
    decided: Option<Decided>,
) -> Result<Move, Refusal> {
    for (index, stage) in policy.stages.iter().enumerate() {
        let Some(id) = stage.id.filter(|id| !state.completed_stage_ids.contains(id)) else { continue };
        let Some(participant) = stage.participants.iter().find(|p| Some(*p) != executor) else {
            // A worker needs no review by themselves; an approval by themselves is none.
            if stage.r#type == StageType::Review && done {
                state.completed_stage_ids.push(id);
                continue;
            }
            return Err(Refusal::NobodyElse);
        };
        state.status = StageStatus::Pending;
        state.current_stage_id = Some(id);
        state.current_stage_index = i64::try_from(index).ok();
        state.current_stage_type = Some(stage.r#type);
        state.current_participant = Some(participant.clone());
        return Ok(Move::Ask { state, decided });
    }
    state.status = StageStatus::Completed;
    state.current_stage_id = None;
    state.current_stage_index = None;
    state.current_stage_type = None;
    state.current_participant = None;
    Ok(Move::Finish { state, decided })
}

#[cfg(test)]
mod tests {
    use contract::AgentId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn who(n: u8) -> Principal {
        if n == 0 {
            Principal::user("local-board")
        } else {
            Principal::agent(AgentId(Uuid::from_u128(n.into())))
        }
    }

    fn policy() -> impl Strategy<Value = ExecutionPolicy> {
        let stage = (any::<bool>(), prop::collection::vec(0..4u8, 1..3));
        prop::collection::vec(stage, 1..4).prop_map(|stages| ExecutionPolicy {
            mode: "normal".into(),
            comment_required: true,
            monitor: None,
            stages: stages
                .into_iter()
                .enumerate()
                .map(|(n, (review, who_is))| contract::execution::Stage {
                    id: Some(StageId(Uuid::from_u128(100 + n as u128))),
                    r#type: if review { StageType::Review } else { StageType::Approval },
                    approvals_needed: 1,
                    participants: who_is.into_iter().map(who).collect(),
                })
                .collect(),
        })
    }

    proptest! {
        /// Whoever asks for whatever in whatever order: an issue is done only after each stage was approved by one of
        /// its participants who is not its worker, or is a review that has no other.
        #[test]
        fn nothing_is_done_that_was_not_looked_at(
            policy in policy(),
            asks in prop::collection::vec((0..4u8, 0..IssueStatus::ALL.len(), any::<bool>()), 1..40),
        ) {
            let mut state: Option<ExecutionState> = None;
            let mut assignee = who(1);
            let mut approved: Vec<StageId> = Vec::new();
            let mut worker = who(1);
            for (n, to, comment) in asks {
                let (actor, to) = (who(n), IssueStatus::ALL[to]);
                // Agents change only what is their own.
                if n != 0 && actor != assignee {
                    continue;
                }
                let in_review = state.as_ref().is_some_and(|s| s.status == StageStatus::Pending);
                let asked = Asked {
                    policy: &policy, state: state.as_ref(), actor: &actor, is_operator: n == 0,
                    assignee: Some(&assignee), to, comment,
                };
                match advance(&asked) {
                    Err(_) => {}
                    Ok(Move::Free) => prop_assert!(to != IssueStatus::Done, "done without a stage"),
                    Ok(Move::Leave) => {
                        prop_assert!(in_review && n == 0);
                        state = None;
                        approved.clear();
                        assignee = worker.clone();
                    }
                    Ok(Move::Ask { state: next, decided }) => {
                        if let Some(d) = decided {
                            prop_assert_eq!(d.outcome, StageOutcome::Approved);
                            approved.push(d.stage);
                        } else {
                            worker = assignee.clone();
                        }
                        let asked_now = next.current_participant.clone().unwrap();
                        prop_assert!(asked_now != worker, "its worker is asked");
                        assignee = asked_now;
                        state = Some(next);
                    }
                    Ok(Move::Return { state: next, .. }) => {
                        prop_assert!(comment);
                        assignee = next.return_assignee.clone().unwrap();
                        prop_assert_eq!(&assignee, &worker);
                        state = Some(next);
                    }
                    Ok(Move::Finish { decided, .. }) => {
                        approved.extend(decided.map(|d| d.stage));
                        if decided.is_none() {
                            worker = assignee.clone();
                        }
                        for g in &policy.stages {
                            let own = g.participants.iter().all(|p| *p == worker);
                            let passed = approved.contains(&g.id.unwrap());
                            prop_assert!(passed || (own && g.r#type == StageType::Review), "{g:?}");
                        }
                        return Ok(());
                    }
                }
            }
        }
    }
}
