//! Waking agents: what becomes of each attempt, recorded with its reason.

use contract::agent::Agent;
use contract::issue::Issue;
use contract::run::{CommentDuty, InvocationSource, Run, RunStatus, TriggerDetail};
use contract::wake::{WakeOutcome, WakeSkipped, WakeupRequest, WakeupStatus};
use contract::{AgentId, ApiError, IssueId, IssueRef, JsonObject, RunId};
use domain::agent::HeartbeatPolicy;
use domain::context;
use domain::wake::{Decision, Skip, WakeFacts};
use store::WriteTx;

use crate::budget::{Ledger, Scopes, Short};
use crate::error::{Answer, OrAnswer, OrMissing, may_pass};
use crate::{Caller, Engine};

/// An attempt to get an agent to work.
#[derive(Clone, Debug)]
pub(crate) struct Wake {
    pub agent: AgentId,
    pub source: InvocationSource,
    pub trigger: TriggerDetail,
    pub reason: Option<String>,
    pub payload: JsonObject,
    pub idempotency_key: Option<String>,
}

impl Wake {
    /// A wake that follows from something that happened to an issue.
    pub fn about(issue: &Issue, agent: AgentId, source: InvocationSource, reason: &str) -> Self {
        let mut payload = JsonObject::new();
        payload.insert("issueId".into(), issue.id.to_string().into());
        Self {
            agent,
            source,
            trigger: TriggerDetail::System,
            reason: Some(reason.to_owned()),
            payload,
            idempotency_key: None,
        }
    }

    pub fn with(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.payload.insert(key.to_owned(), value.into());
        self
    }
}

/// What a wake is answered that waits for the run at work.
pub(crate) const DEFERRED: &str = "issue_execution_deferred";

/// What became of it.
pub(crate) enum Woken {
    Run(Box<Run>),
    Nothing(WakeSkipped),
    /// Recorded as well, but who asked for it directly is refused.
    NotInvokable(WakeSkipped),
    /// The same, for want of money.
    Unfunded(WakeSkipped, Short),
}

impl From<Woken> for WakeOutcome {
    fn from(w: Woken) -> Self {
        match w {
            Woken::Run(run) => Self::Run(run),
            Woken::Nothing(s) | Woken::NotInvokable(s) | Woken::Unfunded(s, _) => Self::Skipped(s),
        }
    }
}

impl Engine {
    /// Wakes agents after a mutation, in its transaction: one wake an agent, the first one given wins.
    ///
    /// A wake that cannot be is no reason for the mutation to fail.
    pub(crate) async fn wake_all(&self, tx: &mut WriteTx, caller: &Caller, wakes: Vec<Wake>) -> Answer<()> {
        let mut asked: Vec<AgentId> = Vec::new();
        for wake in wakes {
            // Agents do not wake themselves by what they do to their own issues.
            if asked.contains(&wake.agent) || caller.agent_id() == Some(wake.agent) {
                continue;
            }
            asked.push(wake.agent);
            match self.wake(tx, caller, wake).await {
                Ok(_) => {}
                Err(e) if e.code == contract::ErrorCode::Internal || may_pass(&e) => return Err(e),
                Err(e) => tracing::debug!("a wake came to nothing: {e}"),
            }
        }
        Ok(())
    }

    /// Decides a wake and records it.
    pub(crate) async fn wake(&self, tx: &mut WriteTx, caller: &Caller, wake: Wake) -> Answer<Woken> {
        let agent = store::agents::get(tx, wake.agent).await.or_missing("Agent")?;
        if let Some(key) = wake.idempotency_key.as_deref()
            && let Some(earlier) = store::wakeups::by_idempotency_key(tx, agent.id, key).await.answer()?
        {
            return self.repeat(tx, caller, &agent, &wake, &earlier).await;
        }
        let company = store::companies::get(tx, agent.company_id).await.or_missing("Company")?;
        let issue = self.issue_of(tx, &agent, &wake.payload).await?;
        let mut ctx = context::of_wake(
            wake.reason.as_deref(),
            wake.source.as_str(),
            Some(wake.trigger.as_str()),
            &wake.payload,
        );
        if let Some(Some(i)) = &issue {
            ctx.insert("issueId".into(), i.id.to_string().into());
            ctx.insert("taskId".into(), i.id.to_string().into());
            if let Some(p) = i.project_id {
                ctx.insert("projectId".into(), p.to_string().into());
            }
        }
        let task_key = match &issue {
            Some(Some(i)) => i.id.to_string(),
            _ => context::task_key(&ctx).unwrap_or_else(|| context::HEARTBEAT_TASK.to_owned()),
        };
        let live = self.live_for(tx, &agent, issue.as_ref().and_then(|i| i.as_ref()), &task_key).await?;
        let blockers = match &issue {
            Some(Some(i)) => store::relations::unresolved(tx, i.id).await.answer()?,
            _ => Vec::new(),
        };
        let due_work = match wake.source {
            InvocationSource::Timer => Some(self.due_work(tx, &agent).await?),
            _ => None,
        };
        let interaction = context::is_interaction(&ctx);
        let about = issue.as_ref().and_then(|i| i.as_ref()).map(|i| i.id);
        let paused = store::trees::is_paused(tx, about).await.answer()?;
        // A person who speaks is answered all the same.
        let asked = interaction && caller.is_operator() && context::brings_words(&ctx);
        if paused && asked {
            ctx.insert(context::SPEAKS_UNDER_PAUSE.into(), true.into());
        }
        let scopes = Scopes {
            company: agent.company_id,
            agent: agent.id,
            project: issue.as_ref().and_then(|i| i.as_ref()).and_then(|i| i.project_id),
        };
        let short = self.short(tx, &mut Ledger::default(), scopes).await?;
        let decision = domain::wake::decide(&WakeFacts {
            source: wake.source,
            agent: agent.id,
            agent_status: domain::budget::status_but_for_budget(&agent),
            policy: HeartbeatPolicy::of(&agent.runtime_config),
            instance_paused: self.settings().paused_at.is_some(),
            company_active: domain::budget::active_but_for_budget(&company),
            budget_spent: short.as_ref().map(|s| s.scope),
            issue: issue.as_ref().map(Option::is_some),
            unresolved_blockers: blockers.len(),
            held: paused && !asked,
            interaction,
            live: live.as_ref(),
            due_work,
        });
        if interaction && !blockers.is_empty() {
            ctx.insert("dependencyBlockedInteraction".into(), true.into());
            let ids: Vec<String> = blockers.iter().map(|b| b.id.to_string()).collect();
            ctx.insert("unresolvedBlockerIssueIds".into(), ids.into());
        }
        let request = Request { wake, agent, issue: issue.flatten(), ctx, task_key, live, short };
        match decision {
            Decision::Skip(why) => self.skip(tx, caller, request, why).await,
            Decision::Coalesce => self.coalesce(tx, caller, request).await,
            Decision::Defer => self.defer(tx, caller, request).await,
            Decision::Queue => self.enqueue(tx, caller, request).await,
        }
    }

    /// The same wake again: what became of it the first time.
    async fn repeat(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        agent: &Agent,
        wake: &Wake,
        earlier: &WakeupRequest,
    ) -> Answer<Woken> {
        let mut row = self.row(tx, caller, agent, wake);
        // The key stays with the first.
        row.idempotency_key = None;
        row.issue_id = earlier.issue_id;
        row.run_id = earlier.run_id;
        row.status = WakeupStatus::Coalesced;
        row.finished_at = Some(tx.at());
        row.error = Some("The same wake was asked for before".to_owned());
        store::wakeups::create(tx, &row).await.answer()?;
        if let Some(id) = earlier.run_id
            && let Some(run) = store::runs::get(tx, id).await.answer()?
        {
            return Ok(Woken::Run(Box::new(run)));
        }
        Ok(Woken::Nothing(skipped(
            "wakeup_repeated",
            "The same wake was asked for before",
            earlier.issue_id,
            None,
        )))
    }

    /// The issue a wake is about. `Some(None)` when it names one that is not there.
    async fn issue_of(
        &self,
        tx: &mut WriteTx,
        agent: &Agent,
        payload: &JsonObject,
    ) -> Answer<Option<Option<Issue>>> {
        let named = ["issueId", "taskId"].iter().find_map(|k| context::text(payload, k));
        let Some(named) = named else { return Ok(None) };
        let Ok(r) = named.parse::<IssueRef>() else { return Ok(Some(None)) };
        let issue = store::issues::find(tx, &r).await.answer()?;
        Ok(Some(issue.filter(|i| i.company_id == agent.company_id)))
    }

    async fn live_for(
        &self,
        tx: &mut WriteTx,
        agent: &Agent,
        issue: Option<&Issue>,
        task_key: &str,
    ) -> Answer<Option<Run>> {
        if let Some(i) = issue {
            return store::runs::live_on_issue(tx, i.id).await.answer();
        }
        let mut runs = store::runs::live_on_task(tx, agent.id, task_key).await.answer()?;
        // One that has not started is where a later wake goes.
        runs.sort_by_key(|r| r.status == RunStatus::Running);
        Ok(runs.into_iter().next())
    }

    /// Work that a timer would find: assigned, open, and neither behind blockers nor moved by something else, such as a
    /// card that waits for its answer or a run at work.
    pub(crate) async fn due_work(&self, conn: &mut store::SqliteConnection, agent: &Agent) -> Answer<usize> {
        use contract::issue::IssueStatus;
        let open = store::issues::assigned_open(conn, agent.company_id, agent.id).await.answer()?;
        let ids: Vec<IssueId> = open.iter().map(|i| i.id).collect();
        let blocked = store::relations::unresolved_of(conn, &ids).await.answer()?;
        let moving = store::relations::moving(conn, &ids, self.now()).await.answer()?;
        let ready = |i: &&Issue| {
            matches!(i.status, IssueStatus::Todo | IssueStatus::InProgress)
                && !blocked.contains_key(&i.id)
                && !moving.contains(&i.id)
        };
        if !store::trees::any_pause(conn).await.answer()? {
            return Ok(open.iter().filter(ready).count());
        }
        let mut due = 0;
        for issue in open.iter().filter(ready) {
            due += usize::from(store::trees::pause_over(conn, issue.id).await.answer()?.is_none());
        }
        Ok(due)
    }

    /// Wakes an agent for the ready work that nobody is at, as after a pause during which its wakes came to nothing.
    pub(crate) async fn take_up_work(&self, tx: &mut WriteTx, caller: &Caller, agent: &Agent) -> Answer<()> {
        use contract::issue::IssueStatus;
        let open = store::issues::assigned_open(tx, agent.company_id, agent.id).await.answer()?;
        let ids: Vec<IssueId> = open.iter().map(|i| i.id).collect();
        let blocked = store::relations::unresolved_of(tx, &ids).await.answer()?;
        let live = store::runs::live_by_issue(tx, &ids).await.answer()?;
        let asked = store::interactions::pending_of(tx, &ids).await.answer()?;
        for issue in open.iter().filter(|i| matches!(i.status, IssueStatus::Todo | IssueStatus::InProgress)) {
            let id = &issue.id;
            if !blocked.contains_key(id) && !live.contains_key(id) && !asked.contains(id) {
                let wake = Wake::about(issue, agent.id, InvocationSource::Automation, "agent_resumed");
                self.wake_all(tx, caller, vec![wake]).await?;
            }
        }
        Ok(())
    }

    /// Wakes the agents of a company for the work that stood still, and for what they were told since then.
    pub(crate) async fn take_up_company(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        company: contract::CompanyId,
        since: Option<contract::Timestamp>,
    ) -> Answer<()> {
        for agent in store::agents::list(tx, company).await.answer()? {
            if let Some(since) = since {
                self.take_up_words(tx, caller, &agent, since).await?;
            }
            self.take_up_work(tx, caller, &agent).await?;
        }
        Ok(())
    }

    /// Wakes an agent for what it was told while it could not be woken: comments, mentions, answered cards.
    pub(crate) async fn take_up_words(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        agent: &Agent,
        since: contract::Timestamp,
    ) -> Answer<()> {
        for missed in store::wakeups::missed_words(tx, agent.id, since).await.answer()? {
            let Some(issue) = missed.issue_id else { continue };
            let Some(issue) = store::issues::get(tx, issue).await.answer()? else { continue };
            let own = issue.assignee_agent_id == Some(agent.id);
            let reason = if own { "issue_commented" } else { "issue_comment_mentioned" };
            let mut wake = Wake::about(&issue, agent.id, InvocationSource::Automation, reason);
            wake.payload.extend(missed.payload.unwrap_or_default());
            self.wake_all(tx, caller, vec![wake]).await?;
        }
        Ok(())
    }

    async fn skip(&self, tx: &mut WriteTx, caller: &Caller, r: Request, why: Skip) -> Answer<Woken> {
        let mut w = self.request_row(tx, caller, &r);
        w.status = WakeupStatus::Skipped;
        w.reason = Some(why.code().to_owned());
        w.error = Some(why.reason().to_owned());
        w.finished_at = Some(tx.at());
        let refused = matches!(why, Skip::AgentNotInvokable(_) | Skip::BudgetSpent(_));
        if refused {
            // A refusal is no answer to stand for the same question: asked again of an agent resumed, it is heard.
            w.idempotency_key = None;
        }
        let rings_again =
            w.source == InvocationSource::Timer && self.skipped_before(tx, &r.agent, why).await?;
        if !rings_again {
            store::wakeups::create(tx, &w).await.answer()?;
        }
        let answer = skipped("wakeup_skipped", why.reason(), w.issue_id, r.live.as_ref());
        if let (Skip::BudgetSpent(_), Some(short)) = (why, r.short) {
            return Ok(Woken::Unfunded(answer, short));
        }
        Ok(if refused { Woken::NotInvokable(answer) } else { Woken::Nothing(answer) })
    }

    /// A timer that finds what it found the last time leaves no row of its own: an agent that idles for a year would
    /// fill the disk with them.
    async fn skipped_before(&self, tx: &mut WriteTx, agent: &Agent, why: Skip) -> Answer<bool> {
        let Some(mut last) = store::wakeups::latest_of_agent(tx, agent.id).await.answer()? else {
            return Ok(false);
        };
        let same = last.source == InvocationSource::Timer
            && last.status == WakeupStatus::Skipped
            && last.reason.as_deref() == Some(why.code())
            && last.error.as_deref() == Some(why.reason());
        if !same {
            return Ok(false);
        }
        last.coalesced_count += 1;
        last.requested_at = tx.at();
        last.finished_at = Some(tx.at());
        last.updated_at = tx.at();
        store::wakeups::save(tx, &last).await.answer()?;
        Ok(true)
    }

    async fn coalesce(&self, tx: &mut WriteTx, caller: &Caller, r: Request) -> Answer<Woken> {
        let mut w = self.request_row(tx, caller, &r);
        let Some(mut run) = r.live else { return Err(ApiError::internal("nothing to merge into")) };
        run.context_snapshot = Some(match run.context_snapshot.take() {
            Some(before) => context::merge(&before, &r.ctx),
            None => r.ctx,
        });
        run.updated_at = tx.at();
        w.status = WakeupStatus::Coalesced;
        w.run_id = Some(run.id);
        w.finished_at = Some(tx.at());
        w.error = Some("Merged into a run that had not started yet".to_owned());
        store::wakeups::create(tx, &w).await.answer()?;
        store::runs::save(tx, &run).await.answer()?;
        if run.status == RunStatus::ScheduledRetry && caller.is_operator() {
            // Whoever asks now is not made to wait for the time of a retry.
            let _ = Box::pin(self.promote_retry(tx, run.id)).await?;
            run = store::runs::get(tx, run.id).await.or_missing("Run")?;
        }
        Ok(Woken::Run(Box::new(run)))
    }

    async fn defer(&self, tx: &mut WriteTx, caller: &Caller, r: Request) -> Answer<Woken> {
        let Some(issue) = &r.issue else { return Err(ApiError::internal("nothing to wait for")) };
        let waiting = store::wakeups::deferred(tx, r.agent.id, issue.id).await.answer()?;
        let message = "Waits until the run that is live on the issue ends";
        match waiting {
            Some(mut w) => {
                let payload = w.payload.get_or_insert_with(JsonObject::new);
                let before =
                    payload.get(WAKE_CONTEXT).and_then(|v| v.as_object()).cloned().unwrap_or_default();
                payload.insert(WAKE_CONTEXT.into(), context::merge(&before, &r.ctx).into());
                w.coalesced_count += 1;
                w.updated_at = tx.at();
                store::wakeups::save(tx, &w).await.answer()?;
            }
            None => {
                let mut w = self.request_row(tx, caller, &r);
                w.status = WakeupStatus::Deferred;
                w.payload
                    .get_or_insert_with(JsonObject::new)
                    .insert(WAKE_CONTEXT.into(), r.ctx.clone().into());
                w.error = Some(message.to_owned());
                store::wakeups::create(tx, &w).await.answer()?;
            }
        }
        let mut answer = skipped(DEFERRED, message, Some(issue.id), r.live.as_ref());
        if let Some(run) = &r.live {
            answer.execution_agent_name =
                store::agents::get(tx, run.agent_id).await.answer()?.map(|a| a.name);
        }
        Ok(Woken::Nothing(answer))
    }

    async fn enqueue(&self, tx: &mut WriteTx, caller: &Caller, r: Request) -> Answer<Woken> {
        let mut w = self.request_row(tx, caller, &r);
        let run_id: RunId = self.new_id();
        w.run_id = Some(run_id);
        // It stands in line until there is money.
        w.error = r.short.as_ref().map(Short::held);
        store::wakeups::create(tx, &w).await.answer()?;
        let run = self.queued_run(tx, run_id, &r.agent, &w, r.issue.as_ref().map(|i| i.id), r.ctx);
        let task = r.issue.is_none().then_some(r.task_key.as_str());
        // A second run of a task that is at work waits beside the first; only one may wait.
        store::runs::create(tx, &run, task).await.answer()?;
        Ok(Woken::Run(Box::new(run)))
    }

    /// Turns the longest wait for an issue into a queued run, once the issue is free.
    pub(crate) async fn promote_deferred(&self, tx: &mut WriteTx, issue: IssueId) -> Answer<()> {
        if store::runs::live_on_issue(tx, issue).await.answer()?.is_some() {
            return Ok(());
        }
        let paused = store::trees::is_paused(tx, Some(issue)).await.answer()?;
        for mut w in store::wakeups::deferred_for_issue(tx, issue).await.answer()? {
            let waiting = w.payload.as_ref().and_then(|p| p.get(WAKE_CONTEXT)?.as_object());
            if paused && !waiting.is_some_and(context::speaks_under_pause) {
                continue;
            }
            let agent = store::agents::get(tx, w.agent_id).await.answer()?;
            w.updated_at = tx.at();
            let Some(agent) =
                agent.filter(|a| domain::agent::is_invokable(domain::budget::status_but_for_budget(a)))
            else {
                w.status = WakeupStatus::Failed;
                w.error = Some("The agent could not be woken when its turn came".to_owned());
                w.finished_at = Some(tx.at());
                store::wakeups::save(tx, &w).await.answer()?;
                continue;
            };
            let ctx = w.payload.as_mut().and_then(|p| p.remove(WAKE_CONTEXT));
            let ctx = ctx.and_then(|v| v.as_object().cloned()).unwrap_or_default();
            let run_id: RunId = self.new_id();
            w.status = WakeupStatus::Queued;
            w.reason = Some("issue_execution_promoted".to_owned());
            w.run_id = Some(run_id);
            w.error = None;
            store::wakeups::save(tx, &w).await.answer()?;
            let run = self.queued_run(tx, run_id, &agent, &w, Some(issue), ctx);
            store::runs::create(tx, &run, None).await.answer()?;
            return Ok(());
        }
        Ok(())
    }

    fn request_row(&self, tx: &WriteTx, caller: &Caller, r: &Request) -> WakeupRequest {
        let issue_id = r.issue.as_ref().map(|i| i.id);
        WakeupRequest { issue_id, ..self.row(tx, caller, &r.agent, &r.wake) }
    }

    fn row(&self, tx: &WriteTx, caller: &Caller, agent: &Agent, wake: &Wake) -> WakeupRequest {
        WakeupRequest {
            id: self.new_id(),
            company_id: agent.company_id,
            agent_id: agent.id,
            source: wake.source,
            trigger_detail: Some(wake.trigger),
            reason: wake.reason.clone(),
            payload: Some(wake.payload.clone()),
            status: WakeupStatus::Queued,
            coalesced_count: 0,
            requested_by_actor_type: Some(caller.actor_type().as_str().to_owned()),
            requested_by_actor_id: Some(caller.actor_id()),
            idempotency_key: wake.idempotency_key.clone(),
            run_id: None,
            issue_id: None,
            requested_at: tx.at(),
            claimed_at: None,
            finished_at: None,
            error: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        }
    }

    pub(crate) fn queued_run(
        &self,
        tx: &WriteTx,
        id: RunId,
        agent: &Agent,
        w: &WakeupRequest,
        issue: Option<IssueId>,
        ctx: JsonObject,
    ) -> Run {
        Run {
            id,
            company_id: agent.company_id,
            agent_id: agent.id,
            invocation_source: w.source,
            trigger_detail: w.trigger_detail,
            status: RunStatus::Queued,
            started_at: None,
            finished_at: None,
            error: None,
            wakeup_request_id: Some(w.id),
            exit_code: None,
            signal: None,
            usage_json: None,
            result_json: None,
            session_id_before: None,
            session_id_after: None,
            log_store: None,
            log_ref: None,
            log_bytes: None,
            log_sha256: None,
            log_compressed: false,
            stdout_excerpt: None,
            stderr_excerpt: None,
            error_code: None,
            external_run_id: None,
            process_pid: None,
            process_group_id: None,
            process_started_at: None,
            last_output_at: None,
            last_output_seq: 0,
            last_output_stream: None,
            last_output_bytes: None,
            retry_of_run_id: None,
            process_loss_retry_count: 0,
            scheduled_retry_at: None,
            scheduled_retry_attempt: 0,
            scheduled_retry_reason: None,
            issue_comment_status: CommentDuty::NotApplicable,
            issue_comment_satisfied_by_comment_id: None,
            liveness_state: None,
            liveness_reason: None,
            continuation_attempt: 0,
            last_useful_action_at: None,
            next_action: None,
            context_snapshot: Some(ctx),
            issue_id: issue,
            created_at: tx.at(),
            updated_at: tx.at(),
        }
    }
}

/// Where a waiting request keeps the context its run will start from.
const WAKE_CONTEXT: &str = "_paperclipWakeContext";

struct Request {
    wake: Wake,
    agent: Agent,
    issue: Option<Issue>,
    ctx: JsonObject,
    task_key: String,
    live: Option<Run>,
    /// Whose budget keeps it from starting now.
    short: Option<Short>,
}

fn skipped(reason: &str, message: &str, issue: Option<IssueId>, live: Option<&Run>) -> WakeSkipped {
    WakeSkipped {
        status: "skipped".to_owned(),
        reason: reason.to_owned(),
        message: Some(message.to_owned()),
        issue_id: issue,
        execution_run_id: live.map(|r| r.id),
        execution_agent_id: live.map(|r| r.agent_id),
        execution_agent_name: None,
    }
}

#[cfg(test)]
mod tests;
