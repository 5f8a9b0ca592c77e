//! Approvals: what the board is asked, what it decides, and what follows.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use contract::agent::{Agent, AgentStatus, CreateAgent};
use contract::approval::*;
use contract::budget::BudgetScope;
use contract::issue::{Issue, IssuePath};
use contract::operations::*;
use contract::run::{InvocationSource, TriggerDetail};
use contract::{AgentId, ApiError, Cents, Done, JsonObject};
use domain::approval::{Decision, Step, after, wake_reason};
use serde_json::{Value, json};
use store::{SqliteConnection, WriteTx};

use crate::budget::Change;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::run::Kill;
use crate::wake::Wake;
use crate::{Caller, Engine};

/// Who is to be hired.
enum Hire {
    /// It is there and waits for the board.
    Waits(Box<Agent>),
    New(Box<CreateAgent>),
}

/// An approval as it may be shown.
fn shown(mut a: Approval) -> Approval {
    a.payload = domain::redact::config(&a.payload);
    a
}

impl Engine {
    /// An approval that the caller may see.
    async fn approval(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        id: contract::ApprovalId,
    ) -> Answer<Approval> {
        let a = store::approvals::get(conn, id).await.or_missing("Approval")?;
        caller.within(a.company_id)?;
        Ok(a)
    }
}

impl Handle<ListApprovalsOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListApprovals) -> Answer<Vec<Approval>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        let all = store::approvals::list(&mut conn, q.company_id, &q.status).await.answer()?;
        Ok(all.into_iter().map(shown).collect())
    }
}

impl Handle<GetApproval> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ApprovalPath) -> Answer<Approval> {
        let mut conn = self.store.read().await.answer()?;
        self.approval(&mut conn, caller, q.id).await.map(shown)
    }
}

impl Handle<CreateApprovalOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateApproval) -> Answer<Approval> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.company(&mut tx, caller, q.company_id).await?;
        self.must_be_askable(&mut tx, caller, &q).await?;
        let a = Approval {
            id: self.new_id(),
            company_id: q.company_id,
            kind: q.r#type,
            requested_by_agent_id: caller.agent_id().or(q.requested_by_agent_id),
            requested_by_user_id: caller.user_id(),
            status: ApprovalStatus::Pending,
            payload: q.payload,
            decision_note: None,
            decided_by_user_id: None,
            decided_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::approvals::create(&mut tx, &a).await.answer()?;
        for id in q.issue_ids {
            let issue = store::issues::get(&mut tx, id).await.answer()?;
            let issue = issue.filter(|i| i.company_id == a.company_id);
            let issue =
                issue.ok_or_else(|| ApiError::unprocessable("issueIds names no issue of this company"))?;
            self.tie(&mut tx, caller, &a, &issue).await?;
        }
        self.log_approval(&mut tx, caller, &a, "approval.created").await?;
        tx.commit().await.answer()?;
        Ok(shown(a))
    }
}

impl Engine {
    async fn must_be_askable(&self, tx: &mut WriteTx, caller: &Caller, q: &CreateApproval) -> Answer<()> {
        if q.r#type == ApprovalType::BudgetOverrideRequired {
            return Err(ApiError::unprocessable("Only the program files this, when a budget is spent"));
        }
        if let (Some(own), Some(asked)) = (caller.agent_id(), q.requested_by_agent_id)
            && own != asked
        {
            return Err(ApiError::forbidden("An agent asks for itself alone"));
        }
        if let Some(id) = q.requested_by_agent_id {
            let agent = store::agents::get(tx, id).await.answer()?;
            if agent.is_none_or(|a| a.company_id != q.company_id) {
                return Err(ApiError::unprocessable("requestedByAgentId names no agent of this company"));
            }
        }
        if q.r#type == ApprovalType::HireAgent {
            if let Some(id) = caller.agent_id() {
                let hirer = store::agents::get(tx, id).await.answer()?;
                if !hirer.is_some_and(|a| a.permissions.can_create_agents) {
                    return Err(ApiError::forbidden("This agent may not create agents"));
                }
            }
            self.must_be_hireable(tx, caller, q.company_id, &q.payload).await?;
        }
        Ok(())
    }

    /// Refuses a payload that nobody could be hired by, and from an agent one that would open what is not its own.
    async fn must_be_hireable(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        company: contract::CompanyId,
        payload: &JsonObject,
    ) -> Answer<()> {
        match self.hired(tx, company, payload).await? {
            Hire::New(new) if !caller.is_operator() => {
                super::reach::check_from_agent(&self.paths, &new.adapter_config)
            }
            Hire::New(_) | Hire::Waits(_) => Ok(()),
        }
    }

    /// Whom a payload of [`ApprovalType::HireAgent`] is about: an agent that waits, or one to be made.
    async fn hired(
        &self,
        tx: &mut WriteTx,
        company: contract::CompanyId,
        payload: &JsonObject,
    ) -> Answer<Hire> {
        if let Some(named) = payload.get("agentId").and_then(Value::as_str) {
            let id: Option<AgentId> = named.parse().ok();
            let agent = match id {
                Some(id) => store::agents::get(tx, id).await.answer()?,
                None => None,
            };
            let agent = agent.filter(|a| a.company_id == company);
            return agent
                .map(|a| Hire::Waits(Box::new(a)))
                .ok_or_else(|| ApiError::unprocessable("payload.agentId names no agent of this company"));
        }
        let mut wanted = payload.clone();
        wanted.insert("companyId".into(), company.to_string().into());
        let wanted = serde_json::from_value(Value::Object(wanted));
        wanted.map(Hire::New).map_err(|e| {
            ApiError::unprocessable(format!("payload describes no agent: {e}"))
                .with_hint("Send the fields of a new agent, or agentId of one that waits for approval.")
        })
    }

    async fn tie(&self, tx: &mut WriteTx, caller: &Caller, a: &Approval, issue: &Issue) -> Answer<bool> {
        let link = IssueApproval {
            issue_id: issue.id,
            approval_id: a.id,
            company_id: a.company_id,
            linked_by_agent_id: caller.agent_id(),
            linked_by_user_id: caller.user_id(),
            created_at: tx.at(),
        };
        store::approvals::link(tx, &link).await.answer()
    }

    async fn log_approval(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        a: &Approval,
        action: &str,
    ) -> Answer<()> {
        let title = a.payload.get("title").and_then(Value::as_str);
        let details = json!({ "type": a.kind, "status": a.status, "title": title });
        self.log(tx, caller, a.company_id, action, ("approval", a.id.to_string()), details).await
    }

    /// Takes a decision of the board: once. The same again changes nothing and tells nobody.
    async fn decide_approval(
        &self,
        caller: &Caller,
        q: DecideApproval,
        decision: Decision,
    ) -> Answer<Approval> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let a = self.approval(&mut tx, caller, q.id).await?;
        let to = match after(a.status, decision) {
            Step::Already => return Ok(shown(a)),
            Step::Refused => return Err(decided_already(&a)),
            Step::To(to) => to,
        };
        let note = q.decision_note.map(|n| n.into_string()).filter(|n| !n.trim().is_empty());
        let kills = if a.kind == ApprovalType::BudgetOverrideRequired {
            self.decide_budget(&mut tx, caller, &a, (decision, q.amount), note).await?
        } else {
            let mut decided = a.clone();
            decided.status = to;
            decided.decision_note = note;
            decided.decided_by_user_id = caller.user_id();
            decided.decided_at = Some(tx.at());
            decided.updated_at = tx.at();
            store::approvals::save(&mut tx, &decided).await.answer()?;
            if decided.kind == ApprovalType::HireAgent {
                self.decide_hire(&mut tx, caller, &mut decided).await?;
            }
            self.tell_requester(&mut tx, caller, &decided).await?;
            Vec::new()
        };
        let a = store::approvals::get(&mut tx, a.id).await.or_missing("Approval")?;
        self.log_approval(&mut tx, caller, &a, &format!("approval.{}", a.status)).await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(shown(a))
    }

    /// The decision is one about the incident that the question came from.
    async fn decide_budget(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        a: &Approval,
        (decision, amount): (Decision, Option<Cents>),
        note: Option<String>,
    ) -> Answer<Vec<Kill>> {
        let incident = store::incidents::by_approval(tx, a.id).await.or_missing("Incident")?;
        match decision {
            Decision::Approve => {
                let proposed = a.payload.get("proposedAmount").and_then(Value::as_i64).map(Cents::new);
                self.raise(tx, caller, incident, amount.or(proposed), note).await
            }
            Decision::Reject => {
                self.keep_paused(tx, caller, incident, note).await?;
                Ok(Vec::new())
            }
            Decision::RequestRevision | Decision::Resubmit | Decision::Cancel => {
                Err(ApiError::unprocessable("The program asked this: there is nobody to ask it differently")
                    .with_hint("Raise the budget, or keep it paused."))
            }
        }
    }

    /// Lets an agent begin that waited for it, makes the one that was described, or ends one that is not wanted.
    async fn decide_hire(&self, tx: &mut WriteTx, caller: &Caller, a: &mut Approval) -> Answer<()> {
        if !matches!(a.status, ApprovalStatus::Approved | ApprovalStatus::Rejected) {
            return Ok(());
        }
        let wanted = a.status == ApprovalStatus::Approved;
        match self.hired(tx, a.company_id, &a.payload).await? {
            Hire::Waits(mut agent) => {
                if agent.status != AgentStatus::PendingApproval {
                    return Ok(());
                }
                agent.status = if wanted { AgentStatus::Idle } else { AgentStatus::Terminated };
                agent.updated_at = tx.at();
                store::agents::save(tx, &agent).await.answer()?;
                if !wanted {
                    return store::keys::revoke(tx, agent.company_id, agent.id, None)
                        .await
                        .answer()
                        .map(drop);
                }
                let budget = a.payload.get("budgetMonthlyCents").and_then(Value::as_i64).map(Cents::new);
                if let Some(amount) = budget.filter(|b| *b > Cents::ZERO) {
                    let change = Change::monthly(agent.company_id, BudgetScope::Agent, agent.id.0, amount);
                    // Nothing of it runs yet: there is nothing to end.
                    self.set_budget(tx, caller, change).await?;
                }
                Ok(())
            }
            Hire::New(new) if wanted => {
                let company = self.company(tx, caller, a.company_id).await?;
                let agent = self.create_agent(tx, caller, &company, *new).await?;
                a.payload.insert("agentId".into(), agent.id.to_string().into());
                store::approvals::save(tx, a).await.answer()
            }
            Hire::New(_) => Ok(()),
        }
    }

    /// Wakes whoever asked, with what was decided and what it was about.
    async fn tell_requester(&self, tx: &mut WriteTx, caller: &Caller, a: &Approval) -> Answer<()> {
        let (Some(agent), Some(reason)) = (a.requested_by_agent_id, wake_reason(a.status)) else {
            return Ok(());
        };
        let issues = store::approvals::issues(tx, a.id).await.answer()?;
        let ids: Vec<String> = issues.iter().map(|i| i.id.to_string()).collect();
        let mut payload = JsonObject::new();
        payload.insert("approvalId".into(), a.id.to_string().into());
        payload.insert("approvalStatus".into(), a.status.as_str().into());
        if let Some(first) = ids.first() {
            payload.insert("issueId".into(), first.clone().into());
            payload.insert("issueIds".into(), ids.into());
        }
        let wake = Wake {
            agent,
            source: InvocationSource::Automation,
            trigger: TriggerDetail::System,
            reason: Some(reason.to_owned()),
            payload,
            idempotency_key: None,
        };
        self.wake_all(tx, caller, vec![wake]).await
    }
}

fn decided_already(a: &Approval) -> ApiError {
    ApiError::unprocessable(format!("The approval is {} already", a.status.as_str().replace('_', " ")))
        .with_details(json!({ "status": a.status, "decisionNote": a.decision_note }))
}

impl Handle<Approve> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DecideApproval) -> Answer<Approval> {
        Box::pin(self.decide_approval(caller, q, Decision::Approve)).await
    }
}

impl Handle<Reject> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DecideApproval) -> Answer<Approval> {
        Box::pin(self.decide_approval(caller, q, Decision::Reject)).await
    }
}

impl Handle<RequestRevision> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DecideApproval) -> Answer<Approval> {
        Box::pin(self.decide_approval(caller, q, Decision::RequestRevision)).await
    }
}

impl Handle<Resubmit> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ResubmitApproval) -> Answer<Approval> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut a = self.approval(&mut tx, caller, q.id).await?;
        if caller.agent_id().is_some_and(|id| a.requested_by_agent_id != Some(id)) {
            return Err(ApiError::forbidden("Only who asked may ask again"));
        }
        let Step::To(to) = after(a.status, Decision::Resubmit) else { return Err(decided_already(&a)) };
        if let Some(payload) = q.payload {
            if a.kind == ApprovalType::HireAgent {
                self.must_be_hireable(&mut tx, caller, a.company_id, &payload).await?;
            }
            a.payload = payload;
        }
        a.status = to;
        a.decision_note = None;
        a.decided_by_user_id = None;
        a.decided_at = None;
        a.updated_at = tx.at();
        store::approvals::save(&mut tx, &a).await.answer()?;
        self.log_approval(&mut tx, caller, &a, "approval.resubmitted").await?;
        tx.commit().await.answer()?;
        Ok(shown(a))
    }
}

impl Handle<ListApprovalIssues> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ApprovalPath) -> Answer<Vec<Issue>> {
        let mut conn = self.store.read().await.answer()?;
        self.approval(&mut conn, caller, q.id).await?;
        store::approvals::issues(&mut conn, q.id).await.answer()
    }
}

impl Handle<ListApprovalComments> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ApprovalPath) -> Answer<Vec<ApprovalComment>> {
        let mut conn = self.store.read().await.answer()?;
        self.approval(&mut conn, caller, q.id).await?;
        store::approvals::comments(&mut conn, q.id).await.answer()
    }
}

impl Handle<AddApprovalCommentOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AddApprovalComment) -> Answer<ApprovalComment> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let a = self.approval(&mut tx, caller, q.id).await?;
        let comment = ApprovalComment {
            id: self.new_id(),
            company_id: a.company_id,
            approval_id: a.id,
            author_agent_id: caller.agent_id(),
            author_user_id: caller.user_id(),
            body: q.body.into_string(),
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::approvals::add_comment(&mut tx, &comment).await.answer()?;
        self.log_approval(&mut tx, caller, &a, "approval.comment_added").await?;
        tx.commit().await.answer()?;
        Ok(comment)
    }
}

impl Handle<ListIssueApprovals> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Vec<Approval>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let all = store::approvals::of_issue(&mut conn, issue.id).await.answer()?;
        Ok(all.into_iter().map(shown).collect())
    }
}

impl Engine {
    /// The issue and the approval that are to be tied or untied.
    async fn to_tie(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        q: &LinkIssueApproval,
    ) -> Answer<(Issue, Approval)> {
        let issue = self.issue(tx, caller, &q.id).await?;
        let a = self.approval(tx, caller, q.approval_id).await?;
        if a.company_id != issue.company_id {
            return Err(ApiError::unprocessable("approvalId names no approval of this company"));
        }
        if let Some(id) = caller.agent_id() {
            let agent = store::agents::get(tx, id).await.answer()?;
            if !agent.is_some_and(|a| a.permissions.can_create_agents) {
                return Err(ApiError::forbidden("This agent may not tie approvals to issues"));
            }
        }
        Ok((issue, a))
    }
}

impl Handle<LinkApproval> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: LinkIssueApproval) -> Answer<Vec<Approval>> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let (issue, a) = self.to_tie(&mut tx, caller, &q).await?;
        if self.tie(&mut tx, caller, &a, &issue).await? {
            let details = json!({ "approvalId": a.id });
            self.log_issue(&mut tx, caller, &issue, "issue.approval_linked", details).await?;
        }
        let all = store::approvals::of_issue(&mut tx, issue.id).await.answer()?;
        tx.commit().await.answer()?;
        Ok(all.into_iter().map(shown).collect())
    }
}

impl Handle<UnlinkApproval> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: LinkIssueApproval) -> Answer<Done> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let (issue, a) = self.to_tie(&mut tx, caller, &q).await?;
        if !store::approvals::unlink(&mut tx, a.company_id, issue.id, a.id).await.answer()? {
            return Err(ApiError::not_found("Link"));
        }
        let details = json!({ "approvalId": a.id });
        self.log_issue(&mut tx, caller, &issue, "issue.approval_unlinked", details).await?;
        tx.commit().await.answer()?;
        Ok(Done::OK)
    }
}
