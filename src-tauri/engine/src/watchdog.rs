//! Runs that are at work and say nothing: somebody is asked to look, and says what is made of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use contract::issue::{CreateIssue, Issue, IssuePriority, IssueStatus};
use contract::operations::DecideOnSilenceOp;
use contract::run::{InvocationSource, Run, RunStatus};
use contract::text::{Prose, Title};
use contract::watchdog::*;
use contract::{ApiError, IssueId, RunId, Timestamp};
use domain::recovery::{Owner, is_review};
use domain::watchdog::{
    CRITICAL, EVALUATION, Quiet, SUSPICIOUS, Source, Stage, Step, after_look, level, overseer, step,
};
use serde_json::json;
use store::{SqliteConnection, WriteTx};

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::run::Kill;
use crate::service::Origin;
use crate::wake::Wake;
use crate::{Caller, Engine};

/// Runs looked at in one go.
const AT_ONCE: i64 = 100;

impl Handle<DecideOnSilenceOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DecideOnSilence) -> Answer<WatchdogDecision> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let run = store::runs::get(&mut tx, q.run_id).await.or_missing("Run")?;
        caller.within(run.company_id)?;
        let evaluation =
            store::watchdog::open_from(&mut tx, EVALUATION, &run.id.to_string()).await.answer()?;
        may_decide(caller, evaluation.as_ref(), &q)?;
        if run.status != RunStatus::Running {
            return Err(ApiError::conflict("The run is not at work any more: there is nothing to decide"));
        }
        let until = snoozed_until(&q, tx.at())?;
        let decision = WatchdogDecision {
            id: self.new_id(),
            company_id: run.company_id,
            run_id: run.id,
            evaluation_issue_id: evaluation.as_ref().map(|e| e.id),
            decision: q.decision,
            snoozed_until: until,
            reason: q.reason.map(|r| r.into_string()).filter(|r| !r.trim().is_empty()),
            created_by_agent_id: caller.agent_id(),
            created_by_user_id: caller.user_id(),
            created_by_run_id: caller.run_id(),
            created_at: tx.at(),
        };
        store::watchdog::create(&mut tx, &decision).await.answer()?;
        self.note_silence(&mut tx, &run, &decided(&decision)).await?;
        if let Some(e) = evaluation {
            self.close_review(&mut tx, caller, e, &decided(&decision)).await?;
        }
        tx.commit().await.answer()?;
        Ok(decision)
    }
}

/// The operator, and the agent who was asked to look.
fn may_decide(caller: &Caller, evaluation: Option<&Issue>, q: &DecideOnSilence) -> Answer<()> {
    if q.evaluation_issue_id.is_some() && q.evaluation_issue_id != evaluation.map(|e| e.id) {
        return Err(ApiError::unprocessable(
            "evaluationIssueId names no open issue in which this run is looked at",
        ));
    }
    match caller.agent_id() {
        None => Ok(()),
        Some(id) if evaluation.is_some_and(|e| e.assignee_agent_id == Some(id)) => Ok(()),
        Some(_) => Err(ApiError::forbidden("Only the board or the agent who was asked to look may decide")),
    }
}

fn snoozed_until(q: &DecideOnSilence, now: Timestamp) -> Answer<Option<Timestamp>> {
    match (q.decision, q.snoozed_until) {
        (SilenceVerdict::Snooze, None) => {
            Err(ApiError::unprocessable("snoozedUntil is needed to snooze").with_hint("Name a time ahead."))
        }
        (SilenceVerdict::Snooze, Some(t)) if t <= now => {
            Err(ApiError::unprocessable("snoozedUntil must lie ahead"))
        }
        (SilenceVerdict::Snooze, until) => Ok(until),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(ApiError::unprocessable("snoozedUntil belongs to a snooze alone")),
    }
}

/// A decision as one sentence.
fn decided(d: &WatchdogDecision) -> String {
    let what = match d.decision {
        SilenceVerdict::Snooze => "The run's silence is not looked at for now",
        SilenceVerdict::Continue => "The run may go on",
        SilenceVerdict::DismissedFalsePositive => "Nothing is wrong with the run's silence",
    };
    d.reason.as_ref().map_or_else(|| what.to_owned(), |r| format!("{what}: {r}"))
}

/// A time as one says it: `2 h 10 min`.
fn spoken(d: std::time::Duration) -> String {
    match (d.as_secs() / 3600, d.as_secs() / 60 % 60) {
        (0, m) => format!("{m} min"),
        (h, 0) => format!("{h} h"),
        (h, m) => format!("{h} h {m} min"),
    }
}

impl Engine {
    /// Silence from before this is nobody's fault: the machine slept, or the program was not there.
    pub(crate) fn begin_to_watch(&self) {
        self.watching_since.store(self.now().millis(), Ordering::Relaxed);
    }

    /// When a run fell silent.
    fn silent_since(&self, run: &Run) -> Timestamp {
        let spoke =
            run.last_output_at.or(run.process_started_at).or(run.started_at).unwrap_or(run.created_at);
        spoke.max(Timestamp::from_millis(self.watching_since.load(Ordering::Relaxed)))
    }

    /// What is made of a run's silence.
    pub(crate) async fn silence_of(&self, conn: &mut SqliteConnection, run: &Run) -> Answer<OutputSilence> {
        let at_work = run.status == RunStatus::Running;
        let mut silence = OutputSilence {
            last_output_at: run.last_output_at,
            last_output_seq: run.last_output_seq,
            last_output_stream: run.last_output_stream,
            silence_started_at: None,
            silence_age_ms: None,
            level: SilenceLevel::NotApplicable,
            suspicion_threshold_ms: millis(SUSPICIOUS),
            critical_threshold_ms: millis(CRITICAL),
            snoozed_until: None,
            evaluation_issue_id: None,
            evaluation_issue_identifier: None,
            evaluation_issue_assignee_agent_id: None,
        };
        if !at_work {
            return Ok(silence);
        }
        let (since, now) = (self.silent_since(run), self.now());
        let quiet = self.quiet(conn, run).await?;
        silence.silence_started_at = Some(since);
        silence.silence_age_ms = Some(millis(now.since(since)));
        silence.level = level(since, quiet, now);
        silence.snoozed_until = match quiet {
            Quiet::Until(t) if t > now => Some(t),
            _ => None,
        };
        if let Some(e) = store::watchdog::open_from(conn, EVALUATION, &run.id.to_string()).await.answer()? {
            silence.evaluation_issue_id = Some(e.id);
            silence.evaluation_issue_identifier = e.identifier;
            silence.evaluation_issue_assignee_agent_id = e.assignee_agent_id;
        }
        Ok(silence)
    }

    /// Looks at the runs that say nothing, and ends the looks that are not needed any more.
    pub(crate) async fn watch_silence(&self) -> Answer<()> {
        if self.settings().paused_at.is_some() {
            return Ok(());
        }
        let (looks, silent) = {
            let mut conn = self.store.read().await.answer()?;
            let before = self.now().minus(SUSPICIOUS);
            (
                store::watchdog::open_of_kind(&mut conn, EVALUATION, AT_ONCE).await.answer()?,
                store::watchdog::silent_since(&mut conn, before, AT_ONCE).await.answer()?,
            )
        };
        for look in looks {
            let mut tx = self.store.write(self.now()).await.answer()?;
            // What one of them meets keeps none of the others from being seen to.
            if let Err(e) = Box::pin(self.end_needless_look(&mut tx, look.id)).await {
                passing(e, "a look at a silent run")?;
                continue;
            }
            tx.commit_if_changed().await.answer()?;
        }
        self.free_from_ended_looks().await?;
        for run in silent {
            let mut tx = self.store.write(self.now()).await.answer()?;
            match Box::pin(self.look_at_silence(&mut tx, run.id)).await {
                Ok(kill) => {
                    tx.commit_if_changed().await.answer()?;
                    self.kill_all(kill.into_iter().collect()).await;
                }
                Err(e) => passing(e, "a silent run")?,
            }
        }
        Ok(())
    }

    /// A look that ended holds nothing up, also where somebody cancelled, hid or restored it.
    async fn free_from_ended_looks(&self) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.drop_ended_looks(&mut tx).await?;
        tx.commit_if_changed().await.answer().map(drop)
    }

    async fn drop_ended_looks(&self, tx: &mut WriteTx) -> Answer<()> {
        for kind in [EVALUATION, domain::graph::UNBLOCKING] {
            for id in store::watchdog::drop_ended_looks(tx, kind).await.answer()? {
                if let Some(freed) = store::issues::get(tx, id).await.answer()? {
                    let details = json!({ "removedBlockedBy": kind });
                    self.log_issue(tx, &Caller::system(), &freed, "issue.blockers_updated", details).await?;
                }
            }
        }
        Ok(())
    }

    /// For how long a run's silence is left alone: as was decided, or because somebody has looked a moment ago.
    async fn quiet(&self, conn: &mut SqliteConnection, run: &Run) -> Answer<Quiet> {
        let latest = store::watchdog::latest(conn, run.id).await.answer()?;
        let looks = store::watchdog::all_from(conn, EVALUATION, &run.id.to_string()).await.answer()?;
        let decided = Quiet::of(latest.as_ref());
        let undecided = looks.first().filter(|l| {
            let over = l.status.is_terminal() || l.hidden_at.is_some();
            over && latest.as_ref().and_then(|d| d.evaluation_issue_id) != Some(l.id)
        });
        Ok(match undecided {
            Some(l) => {
                let ended = l.completed_at.or(l.cancelled_at).or(l.hidden_at).unwrap_or(l.updated_at);
                decided.or(after_look(ended, looks.len()))
            }
            None => decided,
        })
    }

    async fn end_needless_look(&self, tx: &mut WriteTx, id: IssueId) -> Answer<()> {
        let Some(look) = store::issues::get(tx, id).await.answer()?.filter(|i| !i.status.is_terminal())
        else {
            return Ok(());
        };
        let run = match look.origin_id.as_deref().and_then(|id| id.parse::<RunId>().ok()) {
            Some(id) => store::runs::get(tx, id).await.answer()?,
            None => None,
        };
        let why = match run {
            None => "The run is gone.".to_owned(),
            Some(r) if r.status != RunStatus::Running => format!("The run has ended: {}.", r.status.as_str()),
            Some(r) if tx.at().since(self.silent_since(&r)) < SUSPICIOUS => {
                "The run speaks again.".to_owned()
            }
            Some(_) => return Ok(()),
        };
        self.close_review(tx, &Caller::system(), look, &why).await
    }

    async fn look_at_silence(&self, tx: &mut WriteTx, id: RunId) -> Answer<Option<Kill>> {
        let Some(run) = store::runs::get(tx, id).await.answer()?.filter(|r| r.status == RunStatus::Running)
        else {
            return Ok(None);
        };
        let quiet = self.quiet(tx, &run).await?;
        let level = level(self.silent_since(&run), quiet, tx.at());
        let issue = match run.issue_id {
            Some(id) => store::issues::get(tx, id).await.answer()?,
            None => None,
        };
        let source = self.source_of(tx, &run, issue.as_ref()).await?;
        let look = store::watchdog::open_from(tx, EVALUATION, &id.to_string()).await.answer()?;
        let issue = issue.filter(|_| source == Source::Open);
        match step(level, source, look.as_ref().map(|l| Stage::of(&l.origin_fingerprint))) {
            Step::Leave => Ok(None),
            Step::Fold => {
                let why = "It closed its issue and then said nothing more";
                if let Some(look) = look {
                    self.close_review(tx, &Caller::system(), look, &format!("{why}: it is ended.")).await?;
                }
                self.cancel_run(tx, run, why).await
            }
            Step::Evaluate(stage) => self.ask_to_look(tx, &run, issue.as_ref(), stage).await.map(|()| None),
            Step::Raise => match look {
                Some(look) => self.press(tx, &run, issue.as_ref(), look).await.map(|()| None),
                None => Ok(None),
            },
        }
    }

    async fn source_of(&self, tx: &mut WriteTx, run: &Run, issue: Option<&Issue>) -> Answer<Source> {
        let Some(issue) = issue else { return Ok(Source::None) };
        if is_review(&issue.origin_kind) || crate::recovery::is_recovery_run(run) {
            return Ok(Source::Review);
        }
        if !issue.status.is_terminal() {
            return Ok(Source::Open);
        }
        let spoke = run.last_output_at.or(run.started_at).unwrap_or(run.created_at);
        let closed = store::watchdog::closed_by(tx, run.id, issue.id, spoke).await.answer()?;
        Ok(if closed { Source::ClosedByRun } else { Source::Closed })
    }

    /// Makes the issue in which somebody looks.
    async fn ask_to_look(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        source: Option<&Issue>,
        stage: Stage,
    ) -> Answer<()> {
        let agents = store::agents::list(tx, run.company_id).await.answer()?;
        let name = agents.iter().find(|a| a.id == run.agent_id).map_or("an agent", |a| a.name.as_str());
        let invokable = |id| agents.iter().any(|a| a.id == id && domain::agent::is_invokable(a.status));
        let owner = overseer(&agents, source.and_then(|s| s.assignee_agent_id), run.agent_id, invokable);
        let title: String = format!("Review silent active run for {name}").chars().take(300).collect();
        let title = Title::new(title).map_err(|e| ApiError::internal(e.to_string()))?;
        let mut new = CreateIssue::titled(run.company_id, title);
        let silence = spoken(tx.at().since(self.silent_since(run)));
        new.description = Prose::new(brief(run, source, name, &silence)).ok();
        new.priority = Some(stage.priority());
        new.status = Some(IssueStatus::Todo);
        owned_by(&mut new, owner);
        let mut origin = Origin::of(EVALUATION, run.id.to_string());
        origin.fingerprint = stage.as_str().to_owned();
        let look = self.create_issue_from(tx, &Caller::system(), new, origin).await?;
        self.note_silence(
            tx,
            run,
            &format!("Said nothing for {silence}: looked at in {}", look.display_key()),
        )
        .await?;
        match source {
            Some(s) if stage == Stage::Critical => self.block_by_look(tx, s, &look).await,
            _ => Ok(()),
        }
    }

    async fn press(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        source: Option<&Issue>,
        mut look: Issue,
    ) -> Answer<()> {
        if matches!(look.priority, IssuePriority::Low | IssuePriority::Medium) {
            look.priority = Stage::Critical.priority();
        }
        look.origin_fingerprint = Stage::Critical.as_str().to_owned();
        look.updated_at = tx.at();
        store::issues::save(tx, &look).await.answer()?;
        let silence = spoken(tx.at().since(self.silent_since(run)));
        let body = format!("The run has now said nothing for {silence}. Decide what becomes of it.");
        self.notice(tx, &look, run, "Still silent", &body).await?;
        if let Some(s) = source {
            self.block_by_look(tx, s, &look).await?;
        }
        let Some(agent) = look.assignee_agent_id else { return Ok(()) };
        let wake = Wake::about(&look, agent, InvocationSource::Automation, "silent_run_critical");
        self.wake_all(tx, &Caller::system(), vec![wake]).await
    }

    /// Nothing more is started on the issue until somebody has looked.
    async fn block_by_look(&self, tx: &mut WriteTx, source: &Issue, look: &Issue) -> Answer<()> {
        let caller = Caller::system();
        if self.add_blocker(tx, &caller, source, look.id).await.is_err() {
            // Whoever looks waits for the issue itself: it cannot wait for them as well.
            return Ok(());
        }
        let details = json!({ "addedBlockedByIssueId": look.id });
        self.log_issue(tx, &caller, source, "issue.blockers_updated", details).await
    }

    /// Puts a word about a run's silence among its steps, where its page shows it.
    async fn note_silence(&self, tx: &mut WriteTx, run: &Run, what: &str) -> Answer<()> {
        store::runs::add_event(tx, run, "lifecycle", "warn", what, None).await.answer()?;
        store::runs::save(tx, run).await.answer()
    }

    /// Ends an issue that was only about seeing to other work, and lets go on what waited for it.
    pub(crate) async fn close_review(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        mut review: Issue,
        why: &str,
    ) -> Answer<()> {
        let before = review.clone();
        domain::issue::set_status(&mut review, IssueStatus::Done, tx.at());
        review.updated_at = tx.at();
        store::issues::save(tx, &review).await.answer()?;
        self.fold_recovery(tx, &review).await?;
        let details =
            json!({ "status": review.status, "_previous": { "status": before.status }, "reason": why });
        self.log_issue(tx, caller, &review, "issue.updated", details).await?;
        self.say_in(tx, &review, why).await?;
        // What waited only for the look is not sent on by its end: its run lives, or was stopped.
        self.drop_ended_looks(tx).await?;
        let wakes = self.wakes_of_end(tx, &before, &review).await?;
        self.wake_all(tx, caller, wakes).await
    }
}

/// What went wrong with one thing among many is told in the log; what is wrong with the database ends the round.
pub(crate) fn passing(e: ApiError, what: &str) -> Answer<()> {
    if crate::error::may_pass(&e) {
        return Err(e);
    }
    tracing::warn!("{what}: {e}");
    Ok(())
}

/// Gives an issue that is to be made to whoever is asked.
pub(crate) fn owned_by(new: &mut CreateIssue, owner: Owner) {
    match owner {
        Owner::Agent(id) => new.assignee_agent_id = Some(id.into()),
        Owner::Board => new.assignee_user_id = contract::Text::new(contract::LOCAL_OPERATOR).ok(),
    }
}

/// What whoever looks has to know.
fn brief(run: &Run, source: Option<&Issue>, name: &str, silence: &str) -> String {
    let on = source.map_or_else(String::new, |s| format!(" on {} ({})", s.display_key(), s.title));
    let last = [&run.stdout_excerpt, &run.stderr_excerpt]
        .into_iter()
        .flatten()
        .find(|t| !t.trim().is_empty())
        .map(|t| {
            let tail: Vec<&str> = t.trim_end().lines().rev().take(12).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            format!("\n\nIts last words:\n\n```\n{}\n```", tail.join("\n").replace("```", "'''"))
        })
        .unwrap_or_default();
    format!(
        "A run of {name}{on} has said nothing for {silence}. It may be at a long step, wait for something that never \
         comes, or hang.{last}\n\nLook at the run, then decide with `POST /api/heartbeat-runs/{id}/watchdog-decisions`:\n\n\
         - `{{\"decision\": \"continue\"}}`: it may go on; looked at again in half an hour\n\
         - `{{\"decision\": \"snooze\", \"snoozedUntil\": \"…\"}}`: not before that time\n\
         - `{{\"decision\": \"dismissed_false_positive\"}}`: nothing is wrong with it\n\n\
         The operator can stop the run. This issue closes by itself when the run speaks again or ends.",
        id = run.id
    )
}

fn millis(d: std::time::Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
