//! Review and approval stages of an issue: setting them, and moving through them.

use std::sync::Arc;

use contract::execution::*;
use contract::issue::{Issue, IssuePath, IssueStatus, UpdateIssue};
use contract::operations::ListStageDecisions;
use contract::run::InvocationSource;
use contract::{ApiError, JsonObject, LOCAL_OPERATOR, Patch};
use domain::stages::{Asked, Decided, Move, advance};
use serde_json::{Value, json};
use store::WriteTx;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::wake::Wake;
use crate::{Caller, Engine};

/// Stages of one issue.
const MOST_STAGES: usize = 10;
const MOST_PARTICIPANTS: usize = 10;

impl Handle<ListStageDecisions> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Vec<StageDecision>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        store::decisions::of_issue(&mut conn, issue.id).await.answer()
    }
}

/// The policy of an issue, if it has one that is understood.
pub(crate) fn policy_of(i: &Issue) -> Option<ExecutionPolicy> {
    serde_json::from_value(Value::Object(i.execution_policy.clone()?)).ok()
}

/// Where an issue stands in its stages.
pub(crate) fn state_of(i: &Issue) -> Option<ExecutionState> {
    serde_json::from_value(Value::Object(i.execution_state.clone()?)).ok()
}

/// Who is asked to look at an issue now.
pub(crate) fn reviewer_of(i: &Issue) -> Option<Principal> {
    state_of(i)?.current_participant
}

pub(crate) fn object(v: impl serde::Serialize) -> Option<JsonObject> {
    serde_json::to_value(v).ok().and_then(|v| v.as_object().cloned())
}

/// Keeps a policy, or none where it says nothing.
pub(crate) fn keep_policy(i: &mut Issue, policy: ExecutionPolicy) {
    let empty = policy.stages.is_empty() && policy.monitor.is_none();
    i.execution_policy = if empty { None } else { object(policy) };
}

fn assignee(i: &Issue) -> Option<Principal> {
    match (i.assignee_agent_id, &i.assignee_user_id) {
        (Some(a), _) => Some(Principal::agent(a)),
        (None, Some(u)) => Some(Principal::user(u.clone())),
        (None, None) => None,
    }
}

fn assign(i: &mut Issue, to: Option<&Principal>) {
    domain::issue::clear_locks(i);
    i.assignee_agent_id = to.and_then(|p| p.agent_id);
    i.assignee_user_id = to.and_then(|p| p.user_id.clone());
}

impl Engine {
    /// Takes a policy that was given. Answers whether it sets a time to look again.
    pub(super) async fn apply_policy(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        i: &mut Issue,
        given: &Patch<JsonObject>,
    ) -> Answer<bool> {
        let wanted = match given {
            Patch::Keep => return Ok(false),
            Patch::Clear => None,
            Patch::Set(policy) => Some(self.read_policy(tx, i, policy.clone()).await?),
        };
        let before = policy_of(i);
        let stages = |p: &Option<ExecutionPolicy>| p.as_ref().map(|p| p.stages.clone()).unwrap_or_default();
        let same = same_stages(&stages(&before), &stages(&wanted));
        if !same && caller.agent().is_some() && before.is_some_and(|b| !b.stages.is_empty()) {
            return Err(ApiError::forbidden("Only the board may change who reviews and approves"));
        }
        let mut policy = wanted.unwrap_or(ExecutionPolicy {
            mode: "normal".to_owned(),
            comment_required: true,
            stages: Vec::new(),
            monitor: None,
        });
        let monitor = policy.monitor.clone();
        if same {
            // Known by the ids that they have.
            policy.stages = policy_of(i).map(|p| p.stages).unwrap_or_default();
        } else {
            let kept = state_of(i).and_then(|s| s.monitor);
            i.execution_state =
                kept.and_then(|m| object(ExecutionState { monitor: Some(m), ..ExecutionState::idle() }));
        }
        keep_policy(i, policy);
        self.apply_monitor(tx, caller, i, monitor)
    }

    async fn read_policy(&self, tx: &mut WriteTx, i: &Issue, given: JsonObject) -> Answer<ExecutionPolicy> {
        let mut policy: ExecutionPolicy =
            serde_path_to_error::deserialize(Value::Object(given)).map_err(|e| {
                ApiError::invalid(format!("Validation error: executionPolicy.{}: {}", e.path(), e.inner()))
            })?;
        if policy.stages.len() > MOST_STAGES {
            return Err(ApiError::invalid(format!("executionPolicy.stages: {MOST_STAGES} at the most")));
        }
        for stage in &mut policy.stages {
            if !(1..=MOST_PARTICIPANTS).contains(&stage.participants.len()) || stage.approvals_needed != 1 {
                return Err(ApiError::invalid(format!(
                    "executionPolicy.stages: each has 1 to {MOST_PARTICIPANTS} participants, of whom one is enough"
                )));
            }
            for p in &stage.participants {
                let known = match (p.r#type, p.agent_id, p.user_id.as_deref()) {
                    (PrincipalType::Agent, Some(id), None) => {
                        store::agents::get(tx, id).await.answer()?.is_some_and(|a| {
                            a.company_id == i.company_id && domain::agent::is_assignable(a.status)
                        })
                    }
                    (PrincipalType::User, None, Some(user)) => user == LOCAL_OPERATOR,
                    _ => false,
                };
                if !known {
                    return Err(ApiError::unprocessable(
                        "A participant is no agent of this company, nor its operator",
                    )
                    .with_details(json!({ "participant": p })));
                }
            }
            stage.id = Some(stage.id.unwrap_or_else(|| self.new_id()));
        }
        Ok(policy)
    }

    /// Moves an issue with stages. Answers whether the stages decided what becomes of it.
    pub(super) async fn move_through_stages(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        i: &mut Issue,
        q: &UpdateIssue,
        to: IssueStatus,
    ) -> Answer<bool> {
        let Some(policy) = policy_of(i).filter(|p| !p.stages.is_empty()) else { return Ok(false) };
        let actor = match (caller.agent_id(), caller.user_id()) {
            (Some(id), _) => Principal::agent(id),
            (None, Some(user)) => Principal::user(user),
            (None, None) => return Ok(false),
        };
        let (state, holder) = (state_of(i), assignee(i));
        let comment = q.comment.as_ref().map(|c| c.trim()).filter(|c| !c.is_empty());
        let asked = Asked {
            policy: &policy,
            state: state.as_ref(),
            actor: &actor,
            is_operator: caller.is_operator(),
            assignee: holder.as_ref(),
            to,
            comment: comment.is_some(),
        };
        let moved = advance(&asked).map_err(|r| {
            let participant = state.as_ref().and_then(|s| s.current_participant.clone());
            ApiError::unprocessable(r.reason()).with_details(json!({ "currentParticipant": participant }))
        })?;
        let (mut state, decided, status) = match moved {
            Move::Free => return Ok(false),
            Move::Leave => {
                let back = state.and_then(|s| s.return_assignee);
                if q.assignee_agent_id.is_keep() && q.assignee_user_id.is_keep() {
                    assign(i, back.as_ref());
                }
                i.execution_state = None;
                return Ok(false);
            }
            Move::Ask { state, decided } => (state, decided, IssueStatus::InReview),
            Move::Finish { state, decided } => (state, decided, IssueStatus::Done),
            Move::Return { state, decided } => (state, Some(decided), IssueStatus::InProgress),
        };
        let next = match status {
            IssueStatus::InReview => state.current_participant.clone(),
            _ => state.return_assignee.clone(),
        };
        assign(i, next.as_ref());
        if let Some(d) = decided {
            state.last_decision_id =
                Some(self.note_decision(tx, caller, i, d, comment.unwrap_or_default()).await?);
        }
        i.execution_state = object(state);
        domain::issue::set_status(i, status, tx.at());
        Ok(true)
    }

    async fn note_decision(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        i: &Issue,
        d: Decided,
        body: &str,
    ) -> Answer<contract::DecisionId> {
        let decision = StageDecision {
            id: self.new_id(),
            company_id: i.company_id,
            issue_id: i.id,
            stage_id: d.stage,
            stage_type: d.kind,
            actor_agent_id: caller.agent_id(),
            actor_user_id: caller.user_id(),
            outcome: d.outcome,
            body: body.to_owned(),
            created_by_run_id: caller.run_id(),
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::decisions::create(tx, &decision).await.answer()?;
        let details = json!({ "stageType": d.kind, "outcome": d.outcome });
        self.log_issue(tx, caller, i, "issue.stage_decided", details).await?;
        Ok(decision.id)
    }
}

/// Whether two lists of stages ask for the same, whatever ids they go by.
fn same_stages(a: &[Stage], b: &[Stage]) -> bool {
    let told = |s: &Stage| (s.r#type, s.participants.clone());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| told(a) == told(b))
}

/// Who is to look at the issue now, or gets it back: none where nothing moved.
pub(super) fn wakes_of_stage(before: &Issue, i: &Issue) -> Option<Vec<Wake>> {
    let (was, now) = (state_of(before), state_of(i)?);
    let moved = was.as_ref().is_none_or(|w| {
        w.status != now.status
            || w.current_stage_id != now.current_stage_id
            || w.last_decision_id != now.last_decision_id
    });
    if !moved {
        return None;
    }
    let reason = match (now.status, now.current_stage_type) {
        (StageStatus::Pending, Some(StageType::Review)) => "execution_review_requested",
        (StageStatus::Pending, Some(StageType::Approval)) => "execution_approval_requested",
        (StageStatus::ChangesRequested, _) => "execution_changes_requested",
        _ => return None,
    };
    let agent = i.assignee_agent_id;
    Some(
        agent
            .map(|a| Wake::about(i, a, InvocationSource::Automation, reason).with("mutation", "update"))
            .into_iter()
            .collect(),
    )
}

#[cfg(test)]
mod tests;
