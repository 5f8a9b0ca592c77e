//! Open work of agents on which nothing is under way.

use contract::company::CompanyStatus;
use contract::run::{InvocationSource, RunStatus};
use contract::{IssueId, Timestamp};
use domain::agent::HeartbeatPolicy;
use domain::failure::{ASSIGNMENT, CONTINUATION, LOOK_BACK, PastRun};
use domain::recovery::{Next, Source, Stranded, next};
use store::WriteTx;

use super::{Again, SOURCE, past, said};
use crate::budget::{Ledger, Scopes};
use crate::error::{Answer, OrAnswer};
use crate::wake::Wake;
use crate::{Caller, Engine};

/// Issues seen to in one go.
const AT_ONCE: i64 = 100;

impl Engine {
    /// Sees to all open work on which nothing is under way. What ends, fails or is refused is seen to when it
    /// happens; this is for what happened while the program was away, and for what nobody thought of.
    pub(crate) async fn sweep(&self) -> Answer<usize> {
        if self.settings().paused_at.is_some() {
            return Ok(0);
        }
        {
            // A run may have ended otherwise than by its own end.
            let mut tx = self.store.write(self.now()).await.answer()?;
            Box::pin(self.end_finished_pauses(&mut tx)).await?;
            tx.commit_if_changed().await.answer()?;
        }
        Box::pin(self.finish_left_plans()).await?;
        let standing = {
            let mut conn = self.store.read().await.answer()?;
            store::recovery::at_a_standstill(&mut conn, AT_ONCE).await.answer()?
        };
        let mut moved = 0;
        for issue in standing {
            let mut tx = self.store.write(self.now()).await.answer()?;
            Box::pin(self.reconcile(&mut tx, issue)).await?;
            moved += usize::from(tx.commit_if_changed().await.answer()?);
        }
        Ok(moved)
    }

    /// Decides what becomes of an open issue of an agent on which nothing is under way, and does it.
    pub(crate) async fn reconcile(&self, tx: &mut WriteTx, id: IssueId) -> Answer<()> {
        let Some((issue, agent, runs)) = self.stranded(tx, id).await? else { return Ok(()) };
        match self.decide(&issue, &runs, tx.at()) {
            Next::Leave(_) => Ok(()),
            Next::Assign => {
                let wake = Wake::about(&issue, agent.id, InvocationSource::Assignment, "issue_assigned")
                    .with("mutation", "assigned_todo_liveness_dispatch");
                self.wake_all(tx, &Caller::system(), vec![wake]).await
            }
            Next::Begin => {
                let Some(latest) = runs.first() else { return Ok(()) };
                let again = Again::new(latest, "issue_assignment_recovery", ASSIGNMENT);
                self.run_again(tx, &agent, again).await.map(drop)
            }
            Next::Continue(source) => self.carry_on(tx, &agent, &runs, source, None).await,
            Next::Wait(until) => self.carry_on(tx, &agent, &runs, Source::AfterFailure, Some(until)).await,
            Next::Escalate(cause) => {
                let Some(latest) = runs.first() else { return Ok(()) };
                self.escalate(tx, issue, latest, cause).await
            }
        }
    }

    /// What recovery would do with an issue, leaving out what else may move it.
    pub(crate) async fn next_for(
        &self,
        conn: &mut store::SqliteConnection,
        issue: &contract::issue::Issue,
    ) -> Answer<Next> {
        let Some(agent) = issue.assignee_agent_id else {
            return Ok(Next::Leave(domain::recovery::Rest::NotOurs));
        };
        let look_back = i64::try_from(LOOK_BACK).unwrap_or(i64::MAX);
        let runs = store::retries::past(conn, issue.id, agent, look_back).await.answer()?;
        Ok(self.decide(issue, &runs, self.now()))
    }

    fn decide(&self, issue: &contract::issue::Issue, runs: &[contract::run::Run], now: Timestamp) -> Next {
        let history: Vec<PastRun> = runs.iter().map(past).collect();
        next(&Stranded {
            status: issue.status,
            runs: &history,
            latest_source: runs.first().and_then(|r| said(r, SOURCE)),
            locked: issue.checkout_run_id.is_some() || issue.execution_run_id.is_some(),
            now,
        })
    }

    async fn carry_on(
        &self,
        tx: &mut WriteTx,
        agent: &contract::agent::Agent,
        runs: &[contract::run::Run],
        source: Source,
        at: Option<Timestamp>,
    ) -> Answer<()> {
        let Some(latest) = runs.first() else { return Ok(()) };
        let before = if said(latest, super::RETRY_REASON) == Some(CONTINUATION) {
            latest.scheduled_retry_attempt
        } else {
            0
        };
        let mut again = Again::new(latest, CONTINUATION, CONTINUATION);
        again.context.push((SOURCE, source.as_str().into()));
        again.at = at;
        again.attempt = before + 1;
        self.run_again(tx, agent, again).await.map(drop)
    }

    /// The issue with its agent and the agent's runs on it, newest first, if nothing moves it and something should.
    async fn stranded(
        &self,
        tx: &mut WriteTx,
        id: IssueId,
    ) -> Answer<Option<(contract::issue::Issue, contract::agent::Agent, Vec<contract::run::Run>)>> {
        use contract::issue::IssueStatus;
        let Some(issue) = store::issues::get(tx, id).await.answer()? else { return Ok(None) };
        let open = matches!(issue.status, IssueStatus::Todo | IssueStatus::InProgress);
        let Some(agent_id) = issue.assignee_agent_id.filter(|_| open && issue.hidden_at.is_none()) else {
            return Ok(None);
        };
        if self.settings().paused_at.is_some() {
            return Ok(None);
        }
        let Some(agent) = store::agents::get(tx, agent_id).await.answer()? else { return Ok(None) };
        let company = store::companies::get(tx, issue.company_id).await.answer()?;
        let awake = domain::agent::is_invokable(agent.status)
            && HeartbeatPolicy::of(&agent.runtime_config).wake_on_demand
            && company.is_some_and(|c| c.status == CompanyStatus::Active);
        if !awake
            || store::runs::live_on_issue(tx, id).await.answer()?.is_some()
            || !store::wakeups::deferred_for_issue(tx, id).await.answer()?.is_empty()
            || self.has_path(tx, &issue).await?
        {
            return Ok(None);
        }
        let scopes = Scopes { company: issue.company_id, agent: agent.id, project: issue.project_id };
        if self.short(tx, &mut Ledger::default(), scopes).await?.is_some() {
            return Ok(None);
        }
        let look_back = i64::try_from(LOOK_BACK).unwrap_or(i64::MAX);
        let runs = store::retries::past(tx, id, agent_id, look_back).await.answer()?;
        debug_assert!(runs.iter().all(|r| r.status != RunStatus::Running));
        Ok(Some((issue, agent, runs)))
    }
}
