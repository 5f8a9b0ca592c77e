//! Recovery as people and agents see it: why an issue stands still, tries at a later time, and resolving.

use std::sync::Arc;

use contract::ApiError;
use contract::company::CompanyPath;
use contract::issue::{Issue, IssuePath, IssueStatus};
use contract::operations::*;
use contract::recovery::*;
use contract::run::{InvocationSource, Run, RunStatus};
use domain::outlook::{Facts, Held, LiveRun, outlook, run_outlook};
use domain::recovery::check_resolution;
use serde_json::{Value, json};
use store::{SqliteConnection, WriteTx};

use crate::budget::{Funds, Ledger, Scopes};
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::recovery::account_of;
use crate::wake::Wake;
use crate::{Caller, Engine};

impl Handle<ListRecoveries> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<RecoveryActions> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let actions = store::recovery::of_issue(&mut conn, issue.id).await.answer()?;
        let open =
            |a: &&RecoveryAction| matches!(a.status, RecoveryStatus::Active | RecoveryStatus::Escalated);
        Ok(RecoveryActions { active: actions.iter().find(open).cloned(), actions })
    }
}

impl Handle<ListOpenRecoveries> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Vec<RecoveryAction>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::recovery::open_in(&mut conn, q.company_id).await.answer()
    }
}

impl Handle<ResolveRecoveryOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ResolveRecovery) -> Answer<RecoveryResolved> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        let open = store::recovery::open_of(&mut tx, issue.id).await.answer()?;
        let action = open
            .filter(|a| q.action_id.is_none_or(|id| id == a.id))
            .ok_or_else(|| ApiError::unprocessable("No recovery of this issue is open"))?;
        may_resolve(caller, &issue, &action)?;
        let blockers = store::relations::unresolved(&mut tx, issue.id).await.answer()?.len();
        check_resolution(q.outcome, q.source_issue_status, blockers, caller.is_operator())
            .map_err(|r| ApiError::unprocessable(r.reason()))?;
        let note = q.resolution_note.map(|n| n.into_string()).filter(|n| !n.trim().is_empty());
        let resolved =
            self.resolve(&mut tx, caller, issue, action, (q.outcome, q.source_issue_status), note).await?;
        tx.commit().await.answer()?;
        Ok(resolved)
    }
}

/// The operator, whoever is asked, and the agent whose issue it is.
fn may_resolve(caller: &Caller, issue: &Issue, action: &RecoveryAction) -> Answer<()> {
    match caller.agent_id() {
        None => Ok(()),
        Some(id) if Some(id) == issue.assignee_agent_id || Some(id) == action.owner_agent_id => Ok(()),
        Some(_) => {
            Err(ApiError::forbidden("Only the board, the assignee or whoever is asked may resolve this"))
        }
    }
}

impl Engine {
    async fn resolve(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        mut issue: Issue,
        action: RecoveryAction,
        (outcome, status): (RecoveryOutcome, IssueStatus),
        note: Option<String>,
    ) -> Answer<RecoveryResolved> {
        let end = if outcome == RecoveryOutcome::Cancelled {
            RecoveryStatus::Cancelled
        } else {
            RecoveryStatus::Resolved
        };
        let back = action.return_owner_agent_id;
        let action = self.end_recovery(tx, action, (end, outcome), note).await?;
        // The work goes back to whom it was taken from.
        if status == IssueStatus::Todo && issue.assignee_user_id.is_none() && back.is_some() {
            issue.assignee_agent_id = back;
        }
        domain::issue::set_status(&mut issue, status, tx.at());
        issue.updated_at = tx.at();
        store::issues::save(tx, &issue).await.answer()?;
        let details = json!({ "recoveryActionId": action.id, "outcome": outcome, "status": status });
        self.log_issue(tx, caller, &issue, "issue.recovery_action_resolved", details).await?;
        if let Some(agent) = issue.assignee_agent_id.filter(|_| status == IssueStatus::Todo) {
            let reason = "issue_recovery_action_restored";
            let wake = Wake::about(&issue, agent, InvocationSource::Automation, reason)
                .with("recoveryActionId", action.id.to_string());
            self.wake_all(tx, caller, vec![wake]).await?;
        }
        Ok(RecoveryResolved { issue, recovery_action: action })
    }
}

impl Handle<RetryNowOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<RetryNow> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        let live = store::runs::live_on_issue(&mut tx, issue.id).await.answer()?;
        let Some(run) = live else {
            return Ok(answer(RetryNowOutcome::NoScheduledRetry, "No run waits for a later time", None));
        };
        let shown = self.scheduled(&mut tx, &run).await?;
        if run.status != RunStatus::ScheduledRetry {
            return Ok(answer(
                RetryNowOutcome::AlreadyPromoted,
                "The run is on its way already",
                Some(shown),
            ));
        }
        let verdict = self.promote_retry(&mut tx, run.id).await?;
        self.log_issue(&mut tx, caller, &issue, "issue.scheduled_retry_now", Value::Null).await?;
        tx.commit().await.answer()?;
        Ok(match verdict {
            Ok(()) => answer(RetryNowOutcome::Promoted, "The run is in line", Some(shown)),
            Err(gate) => answer(RetryNowOutcome::GateSuppressed, gate.reason(), Some(shown)),
        })
    }
}

fn answer(outcome: RetryNowOutcome, message: &str, retry: Option<IssueScheduledRetry>) -> RetryNow {
    RetryNow { outcome, message: message.to_owned(), scheduled_retry: retry }
}

impl Engine {
    async fn scheduled(&self, conn: &mut SqliteConnection, run: &Run) -> Answer<IssueScheduledRetry> {
        let before = match run.retry_of_run_id {
            Some(id) => store::runs::get(conn, id).await.answer()?,
            None => None,
        };
        Ok(IssueScheduledRetry {
            run_id: run.id,
            status: run.status,
            agent_id: run.agent_id,
            agent_name: store::agents::get(conn, run.agent_id).await.answer()?.map(|a| a.name),
            retry_of_run_id: run.retry_of_run_id,
            scheduled_retry_at: run.scheduled_retry_at,
            scheduled_retry_attempt: run.scheduled_retry_attempt,
            scheduled_retry_reason: run.scheduled_retry_reason.clone(),
            error: before.as_ref().and_then(|r| r.error.clone()),
            error_code: before.and_then(|r| r.error_code),
        })
    }
}

impl Handle<GetOutlook> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<IssueOutlook> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let chains = self.chains(&mut conn, &[issue.id]).await?;
        let halt = chains.halt(issue.id);
        let facts = self.outlook_facts(&mut conn, &issue, halt.as_ref().map(|f| chains.sentence(f))).await?;
        let mut said = outlook(&facts);
        if said.action == Some(OutlookAction::OpenBlocker)
            && let Some(leaf) = halt.and_then(|f| f.leaf())
        {
            let found = store::relations::summaries_of(&mut conn, &[leaf]).await.answer()?;
            said.blocker = found.into_values().next();
        }
        Ok(said)
    }
}

impl Engine {
    async fn outlook_facts(
        &self,
        conn: &mut SqliteConnection,
        issue: &Issue,
        halt: Option<String>,
    ) -> Answer<Facts> {
        let agent = match issue.assignee_agent_id {
            Some(id) => store::agents::get(conn, id).await.answer()?,
            None => None,
        };
        let (run, held) = match store::runs::live_on_issue(conn, issue.id).await.answer()? {
            Some(run) => {
                let (run, held) = self.live_run(conn, &run).await?;
                (Some(run), held)
            }
            None => (None, Held::Nothing),
        };
        let blockers = store::relations::unresolved(conn, issue.id).await.answer()?;
        let reviewer = match super::reviewer_of(issue).and_then(|p| p.agent_id) {
            Some(id) => store::agents::get(conn, id).await.answer()?.map(|a| a.name),
            None => None,
        };
        Ok(Facts {
            status: issue.status,
            agent: agent.as_ref().map(|a| {
                let policy = domain::agent::HeartbeatPolicy::of(&a.runtime_config);
                let status = domain::budget::status_but_for_budget(a);
                (a.name.clone(), status, policy.wake_on_demand)
            }),
            is_a_persons: issue.assignee_user_id.is_some(),
            run,
            held,
            paused_from: self.paused_from(conn, issue).await?,
            recovery: self.recovery_words(conn, issue).await?,
            budget_spent: self.short_of(conn, issue).await?,
            approvals: usize::try_from(store::approvals::waiting_of_issue(conn, issue.id).await.answer()?)
                .unwrap_or(0),
            cards: store::interactions::pending(conn, issue.id).await.answer()?.len(),
            blockers: blockers.into_iter().map(awaited).collect(),
            halt,
            reviewer,
            next_check: issue.monitor_next_check_at.filter(|t| *t > self.now()),
            next: self.next_for(conn, issue).await?,
        })
    }

    /// A run that is not over, and what keeps it from starting.
    async fn live_run(&self, conn: &mut SqliteConnection, run: &Run) -> Answer<(LiveRun, Held)> {
        let held = if run.status == RunStatus::Queued { self.held(conn, run).await? } else { Held::Nothing };
        let because = self.scheduled(conn, run).await?.error;
        Ok((LiveRun { id: run.id, status: run.status, due: run.scheduled_retry_at, because }, held))
    }

    /// What a run that is not at work waits for.
    pub(super) async fn run_outlook(
        &self,
        conn: &mut SqliteConnection,
        run: &Run,
    ) -> Answer<Option<RunOutlook>> {
        if run.status.is_terminal() || run.status == RunStatus::Running {
            return Ok(None);
        }
        let name = store::agents::get(conn, run.agent_id).await.answer()?.map(|a| a.name);
        let (live, held) = self.live_run(conn, run).await?;
        let mut said = run_outlook(&live, &held, name.as_deref().unwrap_or("An agent"));
        // The attempt is brought forward by the issue that it is for.
        said.action = said.action.filter(|_| run.issue_id.is_some());
        Ok(Some(said))
    }

    async fn paused_from(&self, conn: &mut SqliteConnection, issue: &Issue) -> Answer<Option<String>> {
        let Some(hold) = store::trees::pause_over(conn, issue.id).await.answer()? else { return Ok(None) };
        let root = store::issues::get(conn, hold.root_issue_id).await.answer()?;
        Ok(root.map(|r| r.display_key()))
    }

    async fn recovery_words(
        &self,
        conn: &mut SqliteConnection,
        issue: &Issue,
    ) -> Answer<Option<(String, Option<String>, String)>> {
        let Some(action) = store::recovery::open_of(conn, issue.id).await.answer()? else { return Ok(None) };
        let owner = match action.owner_agent_id {
            Some(id) => store::agents::get(conn, id).await.answer()?.map(|a| a.name),
            None => None,
        };
        let reason =
            action.evidence.get("reason").and_then(Value::as_str).unwrap_or(&action.cause).to_owned();
        Ok(Some((reason, owner, action.next_action)))
    }

    /// Whose budget lets nothing start on an issue.
    async fn short_of(&self, conn: &mut SqliteConnection, issue: &Issue) -> Answer<Option<String>> {
        let Some(agent) = issue.assignee_agent_id else { return Ok(None) };
        let scopes = Scopes { company: issue.company_id, agent, project: issue.project_id };
        Ok(self.short(conn, &mut Ledger::default(), scopes).await?.map(|s| s.name))
    }

    /// What keeps a queued run from starting.
    async fn held(&self, conn: &mut SqliteConnection, run: &Run) -> Answer<Held> {
        if self.settings().paused_at.is_some() {
            return Ok(Held::Everything);
        }
        let agent = store::agents::get(conn, run.agent_id).await.or_missing("Agent")?;
        if let Some(name) = account_of(&agent)
            && let Some(account) = store::accounts::get(conn, &name).await.answer()?
            && self.account_standing(conn, &account, run.id).await? == domain::account::Standing::Closed
        {
            return Ok(Held::Provider(account.blocked_until));
        }
        if self.disk_is_scarce() {
            return Ok(Held::Disk);
        }
        if store::runs::behind_their_own(conn).await.answer()?.contains(&run.id) {
            return Ok(Held::Session);
        }
        if let Some(issue) = store::execution_workspaces::in_the_way(conn, run.id).await.answer()? {
            return Ok(Held::Workspace(issue));
        }
        let scopes = Scopes::of(run, self.project_of(conn, run).await?);
        match self.funds(conn, &mut Ledger::default(), scopes).await? {
            Funds::Granted(_) => {}
            Funds::Spent(short) => return Ok(Held::Budget(short.name)),
            Funds::Reserved(short) => return Ok(Held::Reserved(short.name)),
        }
        let running = store::runs::running_by_agent(conn).await.answer()?;
        let own = running.get(&agent.id).copied().unwrap_or(0);
        let most = domain::agent::HeartbeatPolicy::of(&agent.runtime_config).max_concurrent_runs;
        if own >= i64::from(most) {
            return Ok(Held::AgentBusy);
        }
        let full = running.values().sum::<i64>() >= i64::from(self.max_live_runs());
        Ok(if full { Held::Slots } else { Held::Nothing })
    }
}

/// A blocker as it is waited for. One that is done is waited for until its workspace is finalized.
fn awaited(b: contract::issue::IssueSummary) -> String {
    let done = b.status == IssueStatus::Done;
    let name = b.identifier.unwrap_or(b.title);
    if done { format!("{name} to finish with its workspace") } else { name }
}
