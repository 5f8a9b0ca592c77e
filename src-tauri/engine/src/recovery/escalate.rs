//! The recovery of an issue: somebody is asked to see to it, once.

use contract::AgentId;
use contract::agent::Agent;
use contract::issue::{Issue, IssueStatus};
use contract::recovery::{RecoveryAction, RecoveryOutcome, RecoveryOwnerType, RecoveryStatus};
use contract::run::{InvocationSource, Run};
use domain::recovery::{Cause, Owner, Standing, is_review, is_settled, owner};
use serde_json::json;
use store::WriteTx;

use super::class_of;
use crate::error::{Answer, OrAnswer};
use crate::wake::Wake;
use crate::{Caller, Engine};

/// The wake of whoever is asked to see to an issue.
pub(super) const RECOVERY_WAKE: &str = "source_scoped_recovery_action";

impl Engine {
    /// Blocks the issue and asks somebody to see to it. What recovery itself began is never recovered: it goes to
    /// the operator.
    pub(super) async fn escalate(
        &self,
        tx: &mut WriteTx,
        issue: Issue,
        run: &Run,
        cause: Cause,
    ) -> Answer<()> {
        let agents = store::agents::list(tx, issue.company_id).await.answer()?;
        let before = issue.assignee_agent_id;
        // What the agent cannot mend by being started once more is not asked of it.
        let itself = cause == Cause::MissingDisposition;
        let asked = !super::is_recovery_run(run) && !is_review(&issue.origin_kind);
        let eligible = |id: AgentId| {
            asked
                && agents.iter().any(|a| a.id == id && domain::agent::is_invokable(a.status))
                && (itself || Some(id) != before)
        };
        let owner = owner(&agents, before, issue.created_by_agent_id, eligible);
        let action = self.recovery_action(tx, &issue, run, cause, owner);
        store::recovery::create(tx, &action).await.answer()?;
        let issue = self.block_for(tx, issue, owner).await?;
        let told = told(&agents, owner, cause, run);
        self.notice(tx, &issue, run, "Needs somebody to look at it", &told).await?;
        let caller = Caller::system();
        let details = json!({ "status": issue.status, "recoveryActionId": action.id, "cause": action.cause });
        let what = if cause == Cause::MissingDisposition {
            "issue.successful_run_handoff_escalated"
        } else {
            "issue.updated"
        };
        self.log_issue(tx, &caller, &issue, what, details).await?;
        if let Owner::Agent(id) = owner {
            let mut wake = Wake::about(&issue, id, InvocationSource::Automation, RECOVERY_WAKE)
                .with("recoveryActionId", action.id.to_string())
                .with("recoveryCause", action.cause.clone());
            domain::context::put_on_the_cheap_lane(&mut wake.payload);
            self.wake_all(tx, &caller, vec![wake]).await?;
        }
        Ok(())
    }

    fn recovery_action(
        &self,
        tx: &WriteTx,
        issue: &Issue,
        run: &Run,
        cause: Cause,
        owner: Owner,
    ) -> RecoveryAction {
        let (status, owner_type, owner_agent) = match owner {
            Owner::Agent(id) => (RecoveryStatus::Active, RecoveryOwnerType::Agent, Some(id)),
            Owner::Board => (RecoveryStatus::Escalated, RecoveryOwnerType::Board, None),
        };
        let evidence = json!({
            "reason": cause.reason(), "runId": run.id, "runStatus": run.status, "errorCode": run.error_code,
            "error": run.error, "issueStatus": issue.status,
        });
        RecoveryAction {
            id: self.new_id(),
            company_id: issue.company_id,
            source_issue_id: issue.id,
            recovery_issue_id: None,
            kind: cause.kind(),
            status,
            owner_type,
            owner_agent_id: owner_agent,
            owner_user_id: None,
            previous_owner_agent_id: issue.assignee_agent_id,
            return_owner_agent_id: issue.assignee_agent_id,
            cause: cause.as_str().to_owned(),
            fingerprint: format!(
                "source_scoped_recovery:{}:{}:{}",
                issue.company_id,
                issue.id,
                cause.as_str()
            ),
            evidence: evidence.as_object().cloned().unwrap_or_default(),
            next_action: next_action(cause, run).to_owned(),
            wake_policy: None,
            monitor_policy: None,
            attempt_count: 1,
            max_attempts: Some(1),
            timeout_at: None,
            last_attempt_at: Some(tx.at()),
            outcome: None,
            resolution_note: None,
            resolved_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        }
    }

    /// Blocks the issue and gives it to whoever is to see to it. With the operator it stays its agent's.
    async fn block_for(&self, tx: &mut WriteTx, mut issue: Issue, owner: Owner) -> Answer<Issue> {
        domain::issue::set_status(&mut issue, IssueStatus::Blocked, tx.at());
        domain::issue::clear_locks(&mut issue);
        if let Owner::Agent(id) = owner {
            issue.assignee_agent_id = Some(id);
        }
        issue.updated_at = tx.at();
        store::issues::save(tx, &issue).await.answer()?;
        Ok(issue)
    }

    /// A recovery that its owner left as it was goes to the operator: there is no recovery of a recovery.
    pub(super) async fn pass_to_board(&self, tx: &mut WriteTx, run: &Run) -> Answer<()> {
        let Some(issue) = run.issue_id.filter(|_| super::said(run, "wakeReason") == Some(RECOVERY_WAKE))
        else {
            return Ok(());
        };
        let Some(mut action) = store::recovery::open_of(tx, issue).await.answer()? else { return Ok(()) };
        action.status = RecoveryStatus::Escalated;
        action.owner_type = RecoveryOwnerType::Board;
        action.owner_agent_id = None;
        action.updated_at = tx.at();
        store::recovery::save(tx, &action).await.answer()
    }

    /// Ends the open recovery of an issue that has a way on again. Called after lasting changes, not after words.
    pub(crate) async fn fold_recovery(&self, tx: &mut WriteTx, issue: &Issue) -> Answer<()> {
        let Some(action) = store::recovery::open_of(tx, issue.id).await.answer()? else { return Ok(()) };
        let blockers = store::relations::unresolved(tx, issue.id).await.answer()?.len();
        let cards = !store::interactions::pending(tx, issue.id).await.answer()?.is_empty();
        let participant = crate::service::reviewer_of(issue).is_some();
        let standing = Standing {
            status: issue.status,
            has_agent: issue.assignee_agent_id.is_some(),
            has_user: issue.assignee_user_id.is_some(),
            unresolved_blockers: blockers,
            review_path: cards || participant,
            future_monitor: issue.monitor_next_check_at.is_some_and(|t| t > tx.at()),
        };
        match is_settled(&standing) {
            Some(why) => {
                let end = (RecoveryStatus::Cancelled, RecoveryOutcome::Cancelled);
                self.end_recovery(tx, action, end, Some(why.to_owned())).await.map(drop)
            }
            None => Ok(()),
        }
    }

    pub(crate) async fn end_recovery(
        &self,
        tx: &mut WriteTx,
        mut action: RecoveryAction,
        (status, outcome): (RecoveryStatus, RecoveryOutcome),
        note: Option<String>,
    ) -> Answer<RecoveryAction> {
        action.status = status;
        action.outcome = Some(outcome);
        action.resolution_note = note;
        action.resolved_at = Some(tx.at());
        action.updated_at = tx.at();
        store::recovery::save(tx, &action).await.answer()?;
        Ok(action)
    }
}

fn next_action(cause: Cause, run: &Run) -> &'static str {
    match cause {
        Cause::MissingDisposition => {
            "Say what becomes of the issue: done, in review, blocked, or back to its agent."
        }
        _ if run.error_code.as_deref() == Some(crate::workspace::WORKSPACE_FAILED) => {
            "Mend the project's workspace settings or its repository, then wake the agent."
        }
        _ => class_of(run).advice(),
    }
}

/// What the thread is told.
fn told(agents: &[Agent], owner: Owner, cause: Cause, run: &Run) -> String {
    let who = match owner {
        Owner::Agent(id) => {
            let name = agents.iter().find(|a| a.id == id).map_or("An agent", |a| a.name.as_str());
            format!("{name} is asked to see to it.")
        }
        Owner::Board => "Nobody but you can see to it.".to_owned(),
    };
    let error = run.error.as_deref().map(|e| format!(" The last error: {e}.")).unwrap_or_default();
    let error = error.replace("..", ".");
    format!("{}.{error} {} {who}", cause.reason(), next_action(cause, run))
}
