//! The one step that follows from a run's end.

use contract::agent::Agent;
use contract::comment::AuthorType;
use contract::issue::{Issue, IssueStatus, WorkMode};
use contract::run::{CommentDuty, Run, RunStatus};
use domain::context;
use domain::failure::Class;
use domain::liveness::{AfterSuccess, FollowUp, Liveness, RunTraces, classify, follow_up};
use serde_json::json;
use store::WriteTx;

use super::escalate::RECOVERY_WAKE;
use super::{Again, class_of, said};
use crate::error::{Answer, OrAnswer};
use crate::service::NewComment;
use crate::{Caller, Engine};

/// The reasons for which a run owes its issue a comment.
fn owes_comment(wake_reason: Option<&str>) -> bool {
    matches!(
        wake_reason,
        Some("issue_assigned" | "execution_review_requested" | "execution_approval_requested")
    )
}

const MISSING_COMMENT: &str = "missing_issue_comment";
/// Wakes that ask a run for something it left out.
const CORRECTIVE: [&str; 3] = [MISSING_COMMENT, domain::recovery::HANDOFF, RECOVERY_WAKE];

impl Engine {
    /// Says what the run did for its issue. Called before the program writes anything in the run's name.
    pub(crate) async fn judge(
        &self,
        tx: &mut WriteTx,
        run: &mut Run,
        agent: &Agent,
        words: &str,
    ) -> Answer<()> {
        let Some(id) = run.issue_id else { return Ok(()) };
        let reports = runner::adapter::adapters().get(&agent.adapter_type).is_some_and(|a| a.reports());
        let Some(issue) = store::issues::get(tx, id).await.answer()?.filter(|_| reports) else {
            return Ok(());
        };
        if run.status == RunStatus::Succeeded {
            let reason = said(run, "wakeReason");
            if owes_comment(reason) {
                run.issue_comment_status = CommentDuty::RetryQueued;
            } else if reason == Some(MISSING_COMMENT) {
                run.issue_comment_status = CommentDuty::RetryExhausted;
            }
        }
        let liveness = classify(&RunTraces {
            status: run.status,
            issue: issue.status,
            evidence: store::activity::acted(tx, run.id).await.answer()?,
            asks_for_words: issue.work_mode == WorkMode::Planning,
            words,
        });
        run.liveness_state = Some(liveness.as_str().to_owned());
        run.liveness_reason = Some(liveness.reason().to_owned());
        if liveness == Liveness::Advanced {
            run.last_useful_action_at = Some(tx.at());
        }
        Ok(())
    }

    /// Takes the step that follows from a run whose end is written.
    pub(crate) async fn after_run(&self, tx: &mut WriteTx, run: &Run, agent: &Agent) -> Answer<()> {
        self.leave_account(tx, run).await?;
        let stopped = run.status == RunStatus::Cancelled;
        if !stopped && class_of(run) == Class::ProcessLost && self.retry_lost(tx, run, agent).await? {
            return Ok(());
        }
        let awaited = match run.issue_id {
            Some(id) => !store::wakeups::deferred_for_issue(tx, id).await.answer()?.is_empty(),
            None => false,
        };
        // Whoever waits for the issue brings news: they come first, and the retry is theirs.
        if !stopped && !awaited && self.retry_later(tx, run, agent).await? {
            return Ok(());
        }
        if run.status == RunStatus::Succeeded && self.follow_up(tx, run, agent).await? {
            return Ok(());
        }
        self.release_issue(tx, run).await?;
        self.pass_to_board(tx, run).await?;
        match run.issue_id {
            Some(id) => self.reconcile(tx, id).await,
            None => Ok(()),
        }
    }

    /// Answers whether something followed.
    async fn follow_up(&self, tx: &mut WriteTx, run: &Run, agent: &Agent) -> Answer<bool> {
        let Some(id) = run.issue_id else { return Ok(false) };
        let Some(issue) = store::issues::get(tx, id).await.answer()? else { return Ok(false) };
        let Some(liveness) = run.liveness_state.as_deref().and_then(Liveness::parse) else {
            return Ok(false);
        };
        let empty = contract::JsonObject::new();
        let ctx = run.context_snapshot.as_ref().unwrap_or(&empty);
        let waits = store::wakeups::deferred_for_issue(tx, id).await.answer()?;
        let facts = AfterSuccess {
            liveness,
            issue: issue.status,
            mine: issue.assignee_agent_id == Some(agent.id) && domain::agent::is_invokable(agent.status),
            owes_comment: run.issue_comment_status == CommentDuty::RetryQueued && !issue.status.is_terminal(),
            other_path: !waits.is_empty() || self.has_path(tx, &issue).await?,
            comment_waits: !waits.is_empty(),
            corrective: context::text(ctx, "wakeReason").is_some_and(|r| CORRECTIVE.contains(&r)),
            attempts: run.continuation_attempt,
        };
        match follow_up(&facts) {
            FollowUp::Nothing => Ok(false),
            FollowUp::AskForComment => {
                let mut again = Again::new(run, MISSING_COMMENT, MISSING_COMMENT);
                again.status_only = true;
                Ok(self.run_again(tx, agent, again).await?.is_some())
            }
            FollowUp::Continue { .. } if self.held_by_review(tx, id).await? => Ok(false),
            FollowUp::Continue { attempt } => self.continue_plan(tx, run, agent, liveness, attempt).await,
            FollowUp::ContinuationsUsedUp => {
                let body = "The last runs announced work and did none of it. Nothing more is started by itself: say \
                    how it should go on, or wake the agent.";
                self.notice(tx, &issue, run, "Announced work was not done", body).await?;
                Ok(false)
            }
            FollowUp::AskForDisposition => self.ask_for_disposition(tx, run, agent, &issue).await,
        }
    }

    async fn continue_plan(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        agent: &Agent,
        liveness: Liveness,
        attempt: i64,
    ) -> Answer<bool> {
        let mut again = Again::new(run, "run_liveness_continuation", "run_liveness_continuation");
        let issue = run.issue_id.map(|i| i.to_string()).unwrap_or_default();
        again.key = format!("run_liveness_continuation:{issue}:{}:{}:{attempt}", run.id, liveness.as_str());
        let Some(id) = self.run_again(tx, agent, again).await? else { return Ok(false) };
        if let Some(mut next) = store::runs::get(tx, id).await.answer()? {
            next.continuation_attempt = attempt;
            store::runs::save(tx, &next).await.answer()?;
        }
        Ok(true)
    }

    async fn ask_for_disposition(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        agent: &Agent,
        issue: &Issue,
    ) -> Answer<bool> {
        let mut again = Again::new(run, domain::recovery::HANDOFF, domain::recovery::HANDOFF);
        again.key = format!("{}:{}:{}:1", domain::recovery::HANDOFF, issue.id, run.id);
        again.status_only = true;
        if self.run_again(tx, agent, again).await?.is_none() {
            return Ok(false);
        }
        let body = "The run ended well and left the issue in progress without saying what becomes of it. The agent is \
            asked once: done, in review, blocked or handed over.";
        self.notice(tx, issue, run, "Missing issue disposition", body).await?;
        let caller = Caller::system();
        let details = json!({ "sourceRunId": run.id });
        self.log_issue(tx, &caller, issue, "issue.successful_run_handoff_required", details).await?;
        Ok(true)
    }

    /// A plain word of the program itself in an issue's thread.
    pub(crate) async fn say_in(&self, tx: &mut WriteTx, issue: &Issue, body: &str) -> Answer<()> {
        let new = NewComment {
            body: body.to_owned(),
            author: Some(AuthorType::System),
            presentation: None,
            metadata: None,
        };
        self.add_comment(tx, &Caller::system(), issue, new, false).await.map(drop)
    }

    /// A notice of the program itself in an issue's thread, about a run.
    pub(crate) async fn notice(
        &self,
        tx: &mut WriteTx,
        issue: &Issue,
        run: &Run,
        title: &str,
        body: &str,
    ) -> Answer<()> {
        let presentation = json!({ "kind": "system_notice", "tone": "warning", "title": title,
            "detailsDefaultOpen": false });
        let metadata = json!({ "version": 1, "sourceRunId": run.id, "sections": [
            { "title": "Run", "rows": [{ "type": "run_link", "label": "Source run", "runId": run.id }] }] });
        let new = NewComment {
            body: body.to_owned(),
            author: Some(AuthorType::System),
            presentation: presentation.as_object().cloned(),
            metadata: metadata.as_object().cloned(),
        };
        self.add_comment(tx, &Caller::system(), issue, new, false).await?;
        Ok(())
    }

    /// Whether somebody or something else than a run moves the issue on.
    pub(crate) async fn has_path(&self, tx: &mut WriteTx, issue: &Issue) -> Answer<bool> {
        if issue.assignee_user_id.is_some() || issue.monitor_next_check_at.is_some_and(|t| t > tx.at()) {
            return Ok(true);
        }
        if issue.status == IssueStatus::InReview && crate::service::reviewer_of(issue).is_some() {
            return Ok(true);
        }
        Ok(store::trees::pause_over(tx, issue.id).await.answer()?.is_some()
            || !store::relations::unresolved(tx, issue.id).await.answer()?.is_empty()
            || !store::interactions::pending(tx, issue.id).await.answer()?.is_empty()
            || store::approvals::waiting_of_issue(tx, issue.id).await.answer()? > 0
            || store::recovery::open_of(tx, issue.id).await.answer()?.is_some())
    }
}
