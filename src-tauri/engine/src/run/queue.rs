//! The queue: which run starts next, and the gates it passes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use contract::agent::{Agent, AgentStatus};
use contract::issue::{Issue, IssueStatus};
use contract::run::{InvocationSource, Run, RunStatus};
use contract::wake::WakeupStatus;
use contract::{AgentId, JsonObject, RunId};
use domain::account::Standing;
use domain::agent::HeartbeatPolicy;
use domain::checkout::Claim;
use domain::context;
use domain::retry::Reason;
use domain::run::{Gate, QueueRank, StartFacts};
use serde_json::json;
use store::WriteTx;
use store::runs::InLine;

use super::LiveRun;
use crate::budget::{Funds, Ledger, Scopes};
use crate::error::{Answer, OrAnswer, OrMissing, may_pass};
use crate::{Caller, Engine, token};

/// The queue is looked at when something changes, and this often in any case.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// Memory a run is reckoned with when the cap follows from the machine's size.
const MEMORY_A_RUN: u64 = 400 << 20;
/// Memory left to everything else.
const MEMORY_KEPT: u64 = 2 << 30;
/// Statuses from which the program itself may check an issue out for a run.
const CHECKOUT_FROM: &[IssueStatus] =
    &[IssueStatus::Todo, IssueStatus::Backlog, IssueStatus::Blocked, IssueStatus::InProgress];

impl Engine {
    /// Starts queued runs as long as the engine lives.
    pub(crate) async fn run_queue(self: Arc<Self>) {
        let mut news = self.store.feed();
        loop {
            news.mark_unchanged();
            let mut again = LOOK_AGAIN;
            match self.promote_due().await {
                Ok(next) => again = self.until(next).min(again),
                Err(e) => {
                    self.mind_damage(&e);
                    tracing::error!("runs whose time has come: {e}");
                }
            }
            if let Err(e) = self.start_queued().await {
                self.mind_damage(&e);
                tracing::error!("the queue: {e}");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = news.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(again) => {}
            }
        }
    }

    /// How long it is until then.
    fn until(&self, at: Option<contract::Timestamp>) -> Duration {
        at.map_or(LOOK_AGAIN, |t| t.since(self.now()).max(Duration::from_millis(20)))
    }

    /// Whether logs would not be written any more.
    pub(crate) fn disk_is_scarce(&self) -> bool {
        runner::log::is_disk_scarce(self.paths.root())
    }

    /// How many runs may be live at once.
    pub(crate) fn max_live_runs(&self) -> u32 {
        let set = self.settings().general.max_live_runs;
        set.unwrap_or_else(|| {
            let spare = runner::platform::total_memory().saturating_sub(MEMORY_KEPT);
            u32::try_from(spare / MEMORY_A_RUN).unwrap_or(64).clamp(2, 64)
        })
    }

    pub(crate) async fn start_queued(self: &Arc<Self>) -> Answer<()> {
        if self.settings().paused_at.is_some() {
            return Ok(());
        }
        if self.disk_is_scarce() {
            // What a run says could not be kept, nor what it costs be metered.
            return Ok(());
        }
        for run in self.next_in_line().await? {
            if self.stop.is_cancelled() {
                return Ok(());
            }
            let Err(e) = self.start_run(run).await else { continue };
            if may_pass(&e) || self.stop.is_cancelled() {
                return Err(e);
            }
            // It would fail the next time as well, and keep all that stand behind it from their turn.
            tracing::error!(%run, "it cannot be started: {e}");
            let why = format!("The run could not be started: {}", e.message);
            match self.end_barely(run, "start_failed", &why).await {
                Err(e) if may_pass(&e) => return Err(e),
                Err(e) => tracing::error!(%run, "nor could that be written: {e}"),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Queued runs in the order in which they start, as many as there is room for.
    async fn next_in_line(&self) -> Answer<Vec<RunId>> {
        let mut conn = self.store.read().await.answer()?;
        let queued = store::runs::in_line(&mut conn).await.answer()?;
        if queued.is_empty() {
            return Ok(Vec::new());
        }
        let running = store::runs::running_by_agent(&mut conn).await.answer()?;
        let total: i64 = running.values().sum();
        let room = i64::from(self.max_live_runs()).saturating_sub(total);
        let mut slots: HashMap<AgentId, i64> = HashMap::new();
        let mut line: Vec<(QueueRank, RunId, AgentId)> = Vec::new();
        for run in &queued {
            slots.entry(run.agent_id).or_insert_with(|| {
                let most = HeartbeatPolicy::of(&run.runtime_config).max_concurrent_runs;
                i64::from(most) - running.get(&run.agent_id).copied().unwrap_or(0)
            });
            let issue = run.status.zip(run.priority);
            let rank = domain::run::queue_rank(issue, run.unresolved_blockers, run.queued_at);
            line.push((rank, run.id, run.agent_id));
        }
        line.sort_by_key(|(rank, ..)| *rank);
        self.leave_out_the_turned_away(&mut conn, &mut line).await?;
        self.leave_out_the_unfunded(&mut conn, &queued, &mut line).await?;
        // Two would overwrite each other's work.
        let kept_out = store::execution_workspaces::kept_out(&mut conn).await.answer()?;
        let behind = store::runs::behind_their_own(&mut conn).await.answer()?;
        line.retain(|(_, run, _)| !kept_out.contains(run) && !behind.contains(run));
        let mut out = Vec::new();
        for (_, id, agent) in line {
            if i64::try_from(out.len()).unwrap_or(i64::MAX) >= room {
                break;
            }
            if let Some(free) = slots.get_mut(&agent)
                && *free > 0
            {
                *free -= 1;
                out.push(id);
            }
        }
        Ok(out)
    }

    /// Takes those out of the line whose provider turns them away for now, so that they keep nobody from their turn.
    async fn leave_out_the_turned_away(
        &self,
        conn: &mut store::SqliteConnection,
        line: &mut Vec<(QueueRank, RunId, AgentId)>,
    ) -> Answer<()> {
        let accounts = store::accounts::all(conn).await.answer()?;
        if accounts.is_empty() {
            return Ok(());
        }
        let mut stays: HashMap<AgentId, Option<usize>> = HashMap::new();
        let mut probed = vec![false; accounts.len()];
        let mut kept = Vec::with_capacity(line.len());
        for (rank, run, agent) in line.drain(..) {
            let at = match stays.entry(agent) {
                std::collections::hash_map::Entry::Occupied(e) => *e.get(),
                std::collections::hash_map::Entry::Vacant(e) => {
                    let agent = store::agents::get(conn, agent).await.answer()?;
                    let name = agent.as_ref().and_then(crate::recovery::account_of);
                    *e.insert(accounts.iter().position(|a| Some(&a.account) == name.as_ref()))
                }
            };
            let Some(at) = at else {
                kept.push((rank, run, agent));
                continue;
            };
            let standing = self.account_standing(conn, &accounts[at], run).await?;
            if standing == Standing::Probe && !std::mem::replace(&mut probed[at], true) {
                kept.push((rank, run, agent));
            }
        }
        *line = kept;
        Ok(())
    }

    /// Takes those out of the line for whom there is no money now, for the same reason.
    async fn leave_out_the_unfunded(
        &self,
        conn: &mut store::SqliteConnection,
        queued: &[InLine],
        line: &mut Vec<(QueueRank, RunId, AgentId)>,
    ) -> Answer<()> {
        if store::budgets::in_force(conn).await.answer()?.is_empty()
            && store::budgets::paused(conn).await.answer()?.is_empty()
        {
            return Ok(());
        }
        let by_id: HashMap<RunId, &InLine> = queued.iter().map(|q| (q.id, q)).collect();
        let mut ledger = Ledger::default();
        let mut kept = Vec::with_capacity(line.len());
        for (rank, run, agent) in line.drain(..) {
            let Some(q) = by_id.get(&run) else { continue };
            let scopes = Scopes { company: q.company_id, agent, project: q.project_id };
            if let Funds::Granted(_) = self.funds(conn, &mut ledger, scopes).await? {
                kept.push((rank, run, agent));
            }
        }
        *line = kept;
        Ok(())
    }

    /// Passes a queued run through its gates and starts it.
    async fn start_run(self: &Arc<Self>, id: RunId) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        // It may have been paused while this waited for its turn to write.
        if self.settings().paused_at.is_some() {
            return Ok(());
        }
        let Some(run) =
            store::runs::get(&mut tx, id).await.answer()?.filter(|r| r.status == RunStatus::Queued)
        else {
            return Ok(());
        };
        let agent = store::agents::get(&mut tx, run.agent_id).await.or_missing("Agent")?;
        let company = store::companies::get(&mut tx, run.company_id).await.or_missing("Company")?;
        let issue = match run.issue_id {
            Some(i) => Some(store::issues::get(&mut tx, i).await.answer()?),
            None => None,
        };
        let blockers = match issue.as_ref().and_then(|i| i.as_ref()) {
            Some(i) => store::relations::unresolved(&mut tx, i.id).await.answer()?.len(),
            None => 0,
        };
        let empty = JsonObject::new();
        let ctx = run.context_snapshot.as_ref().unwrap_or(&empty);
        let paused = store::trees::is_paused(&mut tx, run.issue_id).await.answer()?;
        let facts = StartFacts {
            agent: agent.id,
            agent_status: domain::budget::status_but_for_budget(&agent),
            company_active: domain::budget::active_but_for_budget(&company),
            timer: (run.invocation_source == InvocationSource::Timer)
                .then(|| HeartbeatPolicy::of(&agent.runtime_config).enabled),
            goes_on: run.scheduled_retry_reason.as_deref() == Some(Reason::MaxTurns.as_str()),
            issue: issue.as_ref().map(Option::as_ref),
            unresolved_blockers: i64::try_from(blockers).unwrap_or(i64::MAX),
            held: paused && !context::speaks_under_pause(ctx),
            interaction: context::is_interaction(ctx),
        };
        if let Err(gate) = domain::run::start_gate(&facts) {
            self.turn_away(&mut tx, run, gate).await?;
            return tx.commit().await.answer();
        }
        if store::runs::behind_their_own(&mut tx).await.answer()?.contains(&run.id) {
            return self.leave_in_line(tx, run.id, "Another run goes on with the same conversation").await;
        }
        if let Some(other) = store::execution_workspaces::in_the_way(&mut tx, run.id).await.answer()? {
            let why = format!("{other} is worked on in the same worktree");
            return self.leave_in_line(tx, run.id, &why).await;
        }
        let project = issue.as_ref().and_then(|i| i.as_ref()).and_then(|i| i.project_id);
        let scopes = Scopes::of(&run, project);
        let reserved = match self.funds(&mut tx, &mut Ledger::default(), scopes).await? {
            Funds::Granted(amount) => amount,
            Funds::Spent(short) => return self.leave_in_line(tx, run.id, &short.reason()).await,
            Funds::Reserved(short) => {
                let why =
                    format!("What is left of the budget of {} is set aside for runs at work", short.name);
                return self.leave_in_line(tx, run.id, &why).await;
            }
        };
        if !self.enter_account(&mut tx, &run, &agent).await? {
            return Ok(());
        }
        store::budgets::reserve(&mut tx, run.id, reserved).await.answer()?;
        let (run, token) = self.claim_run(&mut tx, run, &agent, issue.flatten()).await?;
        // Known before it is running in the database: whoever cancels it from then on finds it.
        self.live_runs().insert(run.id, LiveRun::new());
        if let Err(e) = tx.commit().await {
            self.live_runs().remove(&run.id);
            return Err(crate::error::store_error(e));
        }
        if !self.world.carry(run.id) {
            let this = Arc::clone(self);
            self.tasks.spawn(async move { this.execute(run, token).await });
        }
        Ok(())
    }

    /// Leaves a run where it stands, with the reason on what it stands for.
    async fn leave_in_line(&self, mut tx: WriteTx, run: RunId, why: &str) -> Answer<()> {
        self.hold_wakes(&mut tx, run, Some(why)).await?;
        tx.commit_if_changed().await.answer().map(drop)
    }

    async fn turn_away(&self, tx: &mut WriteTx, mut run: Run, gate: Gate) -> Answer<()> {
        run.status = RunStatus::Cancelled;
        run.finished_at = Some(tx.at());
        run.updated_at = tx.at();
        run.error = Some(gate.reason().to_owned());
        run.error_code = Some(gate.code().to_owned());
        run.result_json = json!({ "stopReason": gate.code() }).as_object().cloned();
        store::runs::save(tx, &run).await.answer()?;
        let message = format!("not started: {}", gate.reason());
        store::runs::add_event(tx, &run, "lifecycle", "warn", &message, None).await.answer()?;
        self.end_wakes(tx, &run, WakeupStatus::Skipped, Some(gate.reason())).await?;
        self.release_issue(tx, &run).await
    }

    /// Makes the run the running one: its token, its locks, its agent's state.
    async fn claim_run(
        &self,
        tx: &mut WriteTx,
        mut run: Run,
        agent: &Agent,
        issue: Option<Issue>,
    ) -> Answer<(Run, String)> {
        let token = token::mint(token::RUN, &*self.world);
        run.status = RunStatus::Running;
        run.started_at = Some(tx.at());
        run.updated_at = tx.at();
        run.log_store = Some("local_file".to_owned());
        run.log_ref = Some(crate::Paths::run_ref(run.company_id, run.id));
        let mut ctx = run.context_snapshot.take().unwrap_or_default();
        if let Some(mut issue) = issue {
            let checked_out = self.check_out_for(tx, &run, agent, &mut issue, &ctx).await?;
            ctx.insert("paperclipHarnessCheckedOut".into(), checked_out.into());
            let mine = issue.assignee_agent_id == Some(agent.id);
            if mine && issue.execution_run_id.is_none() {
                issue.execution_run_id = Some(run.id);
                issue.execution_agent_name_key = Some(agent.name.to_lowercase());
                issue.execution_locked_at = Some(tx.at());
                store::issues::save(tx, &issue).await.answer()?;
            }
        }
        run.context_snapshot = Some(ctx);
        store::runs::save(tx, &run).await.answer()?;
        store::runs::set_token(tx, run.id, &token::hash(&token)).await.answer()?;
        for mut w in store::wakeups::open_for_run(tx, run.id).await.answer()? {
            w.status = WakeupStatus::Claimed;
            w.claimed_at = Some(tx.at());
            w.error = None;
            w.updated_at = tx.at();
            store::wakeups::save(tx, &w).await.answer()?;
        }
        store::agents::set_status(tx, agent, AgentStatus::Running, None).await.answer()?;
        store::runs::add_event(tx, &run, "lifecycle", "info", "run started", None).await.answer()?;
        Ok((run, token))
    }

    /// Checks the issue out in the run's name where that is what the wake is for. Answers whether the run holds it.
    async fn check_out_for(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        agent: &Agent,
        issue: &mut Issue,
        ctx: &JsonObject,
    ) -> Answer<bool> {
        let reason = context::text(ctx, "wakeReason").unwrap_or_default();
        let only_asked = reason.is_empty()
            || reason == "issue_comment_mentioned"
            || reason == "source_scoped_recovery_action"
            || reason.starts_with("execution_");
        let blocked = ctx.get("dependencyBlockedInteraction").is_some() || context::speaks_under_pause(ctx);
        if only_asked
            || blocked
            || issue.assignee_agent_id != Some(agent.id)
            || !CHECKOUT_FROM.contains(&issue.status)
        {
            return Ok(false);
        }
        let claim = Claim { agent: agent.id, run: Some(run.id), expected: CHECKOUT_FROM };
        match self.claim(tx, &Caller::system(), issue, agent, &claim).await {
            Ok(()) => Ok(true),
            Err(e) if e.code == contract::ErrorCode::CheckoutConflict => Ok(false),
            Err(e) => Err(e),
        }
    }
}
