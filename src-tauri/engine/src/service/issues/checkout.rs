//! Checkout, release, forced release.

use std::sync::Arc;

use contract::issue::*;
use contract::operations::*;
use contract::run::InvocationSource;
use contract::{ApiError, ErrorCode};
use domain::checkout::{Claim, Verdict};
use serde_json::json;
use store::WriteTx;

use super::run_required;
use super::update::blocked_by;
use crate::budget::{Ledger, Scopes};
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::wake::Wake;
use crate::{Caller, Engine};

impl Handle<Checkout> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CheckoutIssue) -> Answer<Issue> {
        if q.expected_statuses.is_empty() {
            return Err(ApiError::invalid("expectedStatuses must name at least one status"));
        }
        if let Some((id, _, run)) = caller.agent() {
            if id != q.agent_id {
                return Err(ApiError::forbidden("An agent checks out for itself only"));
            }
            if run.is_none() {
                return Err(run_required());
            }
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.run_at_work(&mut tx, caller).await?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        let agent = store::agents::get(&mut tx, q.agent_id).await.or_missing("Agent")?;
        if agent.company_id != issue.company_id {
            return Err(ApiError::unprocessable("agentId names no agent of this company"));
        }
        if !domain::agent::is_assignable(agent.status) {
            return Err(ApiError::conflict(format!(
                "{} is {} and cannot be given work",
                agent.name, agent.status
            )));
        }
        self.refuse_if_held(&mut tx, &issue).await?;
        let scopes = Scopes { company: issue.company_id, agent: agent.id, project: issue.project_id };
        let short = self.short(&mut tx, &mut Ledger::default(), scopes).await?;
        if let Some(short) = short.filter(|_| caller.agent().is_some()) {
            return Err(ApiError::conflict(short.reason())
                .with_details(json!({ "scopeType": short.scope, "scopeId": short.id })));
        }
        let blockers = store::relations::unresolved(&mut tx, issue.id).await.answer()?;
        if !blockers.is_empty() {
            return Err(blocked_by(&blockers));
        }
        let claim = Claim { agent: agent.id, run: caller.run_id(), expected: &q.expected_statuses };
        self.claim(&mut tx, caller, &mut issue, &agent, &claim).await?;
        if caller.is_operator() {
            // No run holds it yet, so the agent is asked to come and take it.
            let wake = Wake::about(&issue, agent.id, InvocationSource::Assignment, "issue_checked_out");
            self.wake_all(&mut tx, caller, vec![wake]).await?;
        }
        tx.commit().await.answer()?;
        Ok(issue)
    }
}

impl Engine {
    /// Takes an issue for a run, or says who has it. Writes nothing on a conflict.
    pub(crate) async fn claim(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &mut Issue,
        agent: &contract::agent::Agent,
        claim: &Claim<'_>,
    ) -> Answer<()> {
        let mut over = Vec::new();
        for held in [issue.checkout_run_id, issue.execution_run_id] {
            if self.run_is_over(tx, held).await? {
                over.extend(held);
            }
        }
        let previous = issue.checkout_run_id;
        let verdict = domain::checkout::decide(issue, claim, |r| over.contains(&r));
        match verdict {
            Verdict::AlreadyHeld => return Ok(()),
            Verdict::Conflict => return Err(conflict(issue)),
            Verdict::Take => {
                issue.assignee_agent_id = Some(agent.id);
                issue.assignee_user_id = None;
                domain::issue::set_status(issue, IssueStatus::InProgress, tx.at());
            }
            Verdict::Adopt => {}
        }
        issue.checkout_run_id = claim.run;
        if claim.run.is_some() {
            issue.execution_run_id = claim.run;
            issue.execution_agent_name_key = Some(agent.name.to_lowercase());
            issue.execution_locked_at = Some(tx.at());
        }
        issue.updated_at = tx.at();
        store::issues::save(tx, issue).await.answer()?;
        if verdict == Verdict::Take {
            self.fold_recovery(tx, issue).await?;
        }
        let action = if verdict == Verdict::Adopt && previous.is_some() {
            "issue.checkout_lock_adopted"
        } else {
            "issue.checked_out"
        };
        let details = json!({ "agentId": agent.id, "previousCheckoutRunId": previous });
        self.log_issue(tx, caller, issue, action, details).await
    }
}

fn conflict(i: &Issue) -> ApiError {
    ApiError::new(ErrorCode::CheckoutConflict, "Issue checkout conflict")
        .with_details(json!({
            "issueId": i.id,
            "status": i.status,
            "assigneeAgentId": i.assignee_agent_id,
            "checkoutRunId": i.checkout_run_id,
            "executionRunId": i.execution_run_id,
        }))
        .with_hint("Somebody else has it. Do not try again; take other work.")
}

impl Handle<Release> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Issue> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        if let Some((agent, _, run)) = caller.agent() {
            if issue.assignee_agent_id != Some(agent) {
                return Err(ApiError::conflict("Only the assignee can release an issue"));
            }
            let run = run.ok_or_else(run_required)?;
            let stale = self.run_is_over(&mut tx, issue.checkout_run_id).await?;
            if issue.checkout_run_id.is_some_and(|held| held != run) && !stale {
                return Err(ApiError::conflict("Only the run that checked the issue out can release it")
                    .with_details(json!({ "checkoutRunId": issue.checkout_run_id })));
            }
        }
        let previous = issue.assignee_agent_id;
        domain::issue::set_status(&mut issue, IssueStatus::Todo, tx.at());
        domain::issue::clear_locks(&mut issue);
        issue.assignee_agent_id = None;
        issue.updated_at = tx.at();
        store::issues::save(&mut tx, &issue).await.answer()?;
        self.log_issue(
            &mut tx,
            caller,
            &issue,
            "issue.released",
            json!({ "previousAssigneeAgentId": previous }),
        )
        .await?;
        tx.commit().await.answer()?;
        Ok(issue)
    }
}

impl Handle<ForceRelease> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ForceReleaseIssue) -> Answer<ForceReleased> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        let previous = PreviousLocks {
            checkout_run_id: issue.checkout_run_id,
            execution_run_id: issue.execution_run_id,
        };
        domain::issue::clear_locks(&mut issue);
        if q.clear_assignee {
            issue.assignee_agent_id = None;
            issue.assignee_user_id = None;
        }
        if issue.status == IssueStatus::InProgress {
            domain::issue::set_status(&mut issue, IssueStatus::Todo, tx.at());
        }
        issue.updated_at = tx.at();
        store::issues::save(&mut tx, &issue).await.answer()?;
        let details = json!({ "previous": previous, "clearAssignee": q.clear_assignee });
        self.log_issue(&mut tx, caller, &issue, "issue.force_released", details).await?;
        tx.commit().await.answer()?;
        Ok(ForceReleased { issue, previous })
    }
}
