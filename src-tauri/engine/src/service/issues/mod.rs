//! Issues: reading, creating, changing, claiming.

mod checkout;
mod create;
mod read;
mod stages;
mod update;

pub(crate) use create::Origin;
pub(crate) use stages::{keep_policy, object, policy_of, reviewer_of, state_of};
pub(in crate::service) use update::{author, commenter};

use contract::issue::Issue;
use contract::run::RunStatus;
use contract::{AgentId, AgentRef, ApiError, CompanyId, ErrorCode, IssueId, RunId};
use domain::checkout::Mutation;
use serde_json::json;
use store::{SqliteConnection, WriteTx};

use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

impl Engine {
    /// Refuses an agent that may not change the issue. Takes over a lock whose run is over.
    pub(super) async fn may_mutate(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &mut Issue,
    ) -> Answer<()> {
        let Some((agent, _, run)) = caller.agent() else { return Ok(()) };
        self.run_at_work(tx, caller).await?;
        let held_by_dead = self.run_is_over(tx, issue.checkout_run_id).await?;
        match domain::checkout::may_mutate(issue, agent, run, |_| held_by_dead) {
            Mutation::Allowed => Ok(()),
            Mutation::AllowedByAdoption => {
                let previous = issue.checkout_run_id;
                issue.checkout_run_id = run;
                let details = json!({ "previousCheckoutRunId": previous });
                self.log_issue(tx, caller, issue, "issue.checkout_lock_adopted", details).await
            }
            Mutation::RunRequired => Err(run_required()),
            Mutation::OtherRun => Err(ApiError::conflict("Issue run ownership conflict")
                .with_details(json!({ "checkoutRunId": issue.checkout_run_id, "executionRunId": issue.execution_run_id }))
                .with_hint("Another run of this agent holds the issue; leave it to that run.")),
            Mutation::Busy => Err(ApiError::conflict("Another agent is at work on this issue")
                .with_details(json!({ "assigneeAgentId": issue.assignee_agent_id, "status": issue.status }))),
            Mutation::NotYours => Err(ApiError::forbidden("This issue belongs to somebody else")
                .with_hint("Comment from your own issue, or ask for it to be assigned to you.")),
        }
    }

    /// Refuses a caller whose run is not at work: it may have ended since its token was looked at, and a key may name
    /// any. No lock is to point at it.
    pub(super) async fn run_at_work(&self, tx: &mut WriteTx, caller: &Caller) -> Answer<()> {
        let Some(run) = caller.run_id() else { return Ok(()) };
        let live = store::runs::get(tx, run).await.answer()?.is_some_and(|r| r.status == RunStatus::Running);
        if live {
            return Ok(());
        }
        Err(ApiError::conflict("The run is over: it changes nothing any more")
            .with_details(json!({ "runId": run })))
    }

    /// Whether a lock's run has ended or is gone.
    pub(crate) async fn run_is_over(&self, conn: &mut SqliteConnection, run: Option<RunId>) -> Answer<bool> {
        match run {
            None => Ok(false),
            Some(id) => Ok(store::runs::get(conn, id).await.answer()?.is_none_or(|r| r.status.is_terminal())),
        }
    }

    /// The agent that an issue is to be given to. Refuses one that is not of the company, that cannot be given work,
    /// or that the caller may not give it to; whom it belongs to already needs no leave.
    async fn assignee(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        company: CompanyId,
        named: &AgentRef,
        current: Option<AgentId>,
    ) -> Answer<AgentId> {
        // The issue's path is right, it is what it names that is not there: neither 404 nor, for an agent that
        // names one of another company, 403.
        let assignee = match self.agent(tx, caller, named, Some(company)).await {
            Ok(agent) if agent.company_id == company => agent,
            Err(e) if !matches!(e.code, ErrorCode::NotFound | ErrorCode::Forbidden) => return Err(e),
            _ => {
                return Err(ApiError::unprocessable("assigneeAgentId names no agent of this company").with_hint(
                    "Give an agent's id or its URL key, as GET /api/companies/{companyId}/agents lists them.",
                ));
            }
        };
        let agent = assignee.id;
        if current == Some(agent) {
            return Ok(agent);
        }
        if !domain::agent::is_assignable(assignee.status) {
            return Err(ApiError::conflict(format!(
                "{} is {} and cannot be given work",
                assignee.name, assignee.status
            )));
        }
        if let Some((id, ..)) = caller.agent()
            && id != agent
        {
            let giver = store::agents::get(tx, id).await.answer()?;
            if !giver.is_some_and(|a| a.permissions.can_assign_tasks) {
                return Err(ApiError::forbidden("This agent may not assign work to others"));
            }
        }
        Ok(agent)
    }

    /// Makes these the issue's blockers; refuses strangers, itself and circles, naming the circle.
    async fn set_blockers(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        blockers: &[IssueId],
    ) -> Answer<()> {
        for blocker in blockers {
            self.check_blocker(tx, issue, *blocker).await?;
        }
        let user = caller.user_id();
        store::relations::set_blockers(
            tx,
            issue.company_id,
            issue.id,
            blockers,
            caller.agent_id(),
            user.as_deref(),
            || self.new_id::<uuid::Uuid>().to_string(),
        )
        .await
        .answer()
    }

    /// Has an issue wait for one more.
    pub(crate) async fn add_blocker(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        blocker: IssueId,
    ) -> Answer<()> {
        self.check_blocker(tx, issue, blocker).await?;
        let (agent, user) = (caller.agent_id(), caller.user_id());
        let id = self.new_id::<uuid::Uuid>().to_string();
        store::relations::add_blocker(tx, issue.company_id, (issue.id, blocker), agent, user.as_deref(), id)
            .await
            .answer()
    }

    async fn check_blocker(&self, tx: &mut WriteTx, issue: &Issue, blocker: IssueId) -> Answer<()> {
        if blocker == issue.id {
            return Err(ApiError::unprocessable("An issue cannot block itself"));
        }
        let other = store::issues::get(tx, blocker).await.answer()?;
        if other.is_none_or(|o| o.company_id != issue.company_id) {
            return Err(ApiError::unprocessable(
                "blockedByIssueIds names an issue that is not of this company",
            )
            .with_details(json!({ "issueId": blocker })));
        }
        let Some(path) = store::relations::blocking_path(tx, issue.id, blocker).await.answer()? else {
            return Ok(());
        };
        let mut names = Vec::new();
        for id in path {
            names.extend(store::issues::get(tx, id).await.answer()?.map(|i| i.display_key()));
        }
        Err(ApiError::unprocessable(format!("That would block in a circle: {}", names.join(" → ")))
            .with_details(json!({ "path": names })))
    }

    /// Notes which issues a text mentions.
    pub(super) async fn note_mentions(
        &self,
        tx: &mut WriteTx,
        issue: &Issue,
        kind: &'static str,
        record: &str,
        text: &str,
    ) -> Answer<()> {
        let Some((prefix, _)) = issue.identifier.as_deref().and_then(|i| i.rsplit_once('-')) else {
            return Ok(());
        };
        let found = domain::reference::identifiers(text, prefix);
        let targets: Vec<IssueId> = store::issues::by_identifiers(tx, issue.company_id, &found)
            .await
            .answer()?
            .into_iter()
            .map(|(_, id)| id)
            .collect();
        store::relations::set_mentions(tx, issue.company_id, issue.id, kind, record, &targets, || {
            self.new_id::<uuid::Uuid>().to_string()
        })
        .await
        .answer()
    }
}

fn run_required() -> ApiError {
    ApiError::new(ErrorCode::RunIdRequired, "Agent run id required")
        .with_hint("Send the header X-Paperclip-Run-Id with the value of PAPERCLIP_RUN_ID.")
}
