//! The end of a run: one transaction that leaves nothing half done.

use contract::comment::AuthorType;
use contract::document::{
    CONTINUATION_SUMMARY, DocumentFormat, DocumentRevision, IssueDocument, IssueDocumentSummary,
};
use contract::run::{CommentDuty, Run, RunStatus};
use contract::wake::WakeupStatus;
use contract::{AgentId, ApiError, Cents, JsonObject, RunId};
use runner::adapter::{Conclusion, Outcome, Parsed, SessionChange};
use runner::host::{ExitReport, LostReport, Progress, Started};
use serde_json::{Value, json};
use store::WriteTx;

use crate::error::{Answer, OrAnswer, OrMissing};
use crate::service::{NewComment, runtime_of};
use crate::{Caller, Engine};

/// Characters of the summary that a next run starts from.
const MAX_SUMMARY: usize = 8000;
/// Characters of the comment that is written for a run which wrote none.
const MAX_COMMENT: usize = 4000;

/// How a run ended, as far as the program knows.
pub(crate) struct End {
    exit: Option<ExitReport>,
    /// The command, where its host is gone without an end.
    started: Option<Started>,
    parsed: Parsed,
    conclusion: Option<Conclusion>,
    error: Option<String>,
    error_code: Option<String>,
    progress: Option<Progress>,
}

impl End {
    /// Its adapter said what became of it.
    pub fn concluded(exit: ExitReport, parsed: Parsed, conclusion: Conclusion) -> Self {
        let progress = Some(exit.progress.clone());
        Self {
            exit: Some(exit),
            started: None,
            parsed,
            conclusion: Some(conclusion),
            error: None,
            error_code: None,
            progress,
        }
    }

    /// It could not be started or followed.
    pub fn broken(e: &ApiError) -> Self {
        let code = e.details.as_ref().and_then(|d| d.get("errorCode")).and_then(Value::as_str);
        Self {
            exit: None,
            started: None,
            parsed: Parsed::default(),
            conclusion: None,
            error: Some(e.message.clone()),
            error_code: Some(code.unwrap_or("adapter_failed").to_owned()),
            progress: None,
        }
    }

    /// Its host is gone without an end.
    pub fn lost(why: &str, report: Option<&LostReport>) -> Self {
        Self {
            exit: None,
            started: report.and_then(|r| r.started.clone()),
            parsed: Parsed::default(),
            conclusion: None,
            error: Some(format!("The run's process was lost: {why}")),
            error_code: Some("process_lost".to_owned()),
            progress: report.map(|r| r.progress.clone()),
        }
    }

    fn started(&self) -> bool {
        self.started.is_some() || self.exit.as_ref().is_some_and(|e| e.started.is_some())
    }

    fn status(&self) -> RunStatus {
        match self.conclusion.as_ref().map(|c| c.outcome) {
            Some(Outcome::Succeeded) => RunStatus::Succeeded,
            Some(Outcome::Cancelled) => RunStatus::Cancelled,
            Some(Outcome::TimedOut) => RunStatus::TimedOut,
            Some(Outcome::Failed) | None => RunStatus::Failed,
        }
    }

    fn summary(&self) -> Option<&str> {
        self.conclusion.as_ref().and_then(|c| c.summary.as_deref()).filter(|s| !s.trim().is_empty())
    }
}

impl Engine {
    /// Writes the end: the run, its wakes, what it used, its session, its agent, its issue, and who is next.
    pub(crate) async fn finish(&self, id: RunId, end: &End) -> Answer<()> {
        let dir = {
            let mut conn = self.store.read().await.answer()?;
            let run = store::runs::get(&mut conn, id).await.or_missing("Run")?;
            self.paths.run(run.company_id, run.id)
        };
        let place = self.inspect_place(id).await?;
        let hash = tokio::task::spawn_blocking(move || runner::log::RunLog::open(&dir)?.sha256()).await;
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut run = store::runs::get(&mut tx, id).await.or_missing("Run")?;
        if run.status.is_terminal() {
            return Ok(());
        }
        let agent = store::agents::get(&mut tx, run.agent_id).await.or_missing("Agent")?;
        fill(&mut run, end, tx.at());
        if run.status != RunStatus::Succeeded
            && let Some(why) = store::runs::cancel_reason(&mut tx, id).await.answer()?
        {
            stopped(&mut run, why);
            if let Some(code) = store::runs::cancel_code(&mut tx, id).await.answer()? {
                run.result_json.get_or_insert_default().insert("stopReason".into(), code.clone().into());
                run.error_code = Some(code);
            }
        }
        if crate::recovery::account_of(&agent).is_some() {
            if let Some(why) = end.exit.as_ref().and_then(|e| e.log_truncated.as_ref()) {
                crate::budget::flag(&mut run, why);
            } else if end.error_code.as_deref() == Some("process_lost") && end.started() {
                crate::budget::flag(&mut run, "what it used after the last line that is kept is not known");
            }
        }
        run.log_sha256 = hash.ok().and_then(Result::ok).filter(|h| !h.is_empty());
        self.judge(&mut tx, &mut run, &agent, end.summary().unwrap_or_default()).await?;
        self.settle_comment(&mut tx, &mut run, end).await?;
        store::runs::save(&mut tx, &run).await.answer()?;
        let level = if run.status == RunStatus::Succeeded { "info" } else { "error" };
        let message = match &run.error {
            Some(e) => format!("run {}: {e}", run.status),
            None => format!("run {}", run.status),
        };
        store::runs::add_event(&mut tx, &run, "lifecycle", level, &message, run.result_json.clone())
            .await
            .answer()?;
        self.end_wakes(&mut tx, &run, wake_status(run.status), run.error.as_deref()).await?;
        self.save_account(&mut tx, &run, &agent, end).await?;
        self.save_session(&mut tx, &run, &agent, end).await?;
        let others = store::runs::live_of_agent(&mut tx, agent.id).await.answer()?;
        let others = others.iter().any(|r| r.id != run.id && r.status == RunStatus::Running);
        let status = domain::agent::status_after_run(agent.status, run.status, others);
        let at = tx.at();
        store::agents::set_status(&mut tx, &agent, status, Some(at)).await.answer()?;
        self.remember(&mut tx, &run, end).await?;
        if let Some(place) = &place {
            let clean = match &end.conclusion {
                Some(_) => Ok(()),
                None => Err(end.error.as_deref().unwrap_or("The run did not end well")),
            };
            self.note_finalize(&mut tx, Some(&run), place, clean).await?;
        }
        // As the end left it: whether it may be tried again depends on it.
        let agent = store::agents::get(&mut tx, agent.id).await.or_missing("Agent")?;
        Box::pin(self.after_run(&mut tx, &run, &agent)).await?;
        Box::pin(self.end_finished_pauses(&mut tx)).await?;
        if let Some(place) = &place {
            self.wake_after(&mut tx, place).await?;
        }
        let details = json!({ "agentName": agent.name, "status": run.status, "errorCode": run.error_code });
        let caller = Caller::system();
        self.log(
            &mut tx,
            &caller,
            run.company_id,
            "heartbeat.finished",
            ("heartbeat_run", run.id.to_string()),
            details,
        )
        .await?;
        tx.commit().await.answer()
    }

    /// Notes whether the run left a comment, and writes one from its result where it left none.
    async fn settle_comment(&self, tx: &mut WriteTx, run: &mut Run, end: &End) -> Answer<()> {
        let Some(issue_id) = run.issue_id else { return Ok(()) };
        if let Some(comment) = store::comments::by_run(tx, issue_id, run.id).await.answer()? {
            run.issue_comment_status = CommentDuty::Satisfied;
            run.issue_comment_satisfied_by_comment_id = Some(comment);
            return Ok(());
        }
        let (RunStatus::Succeeded, Some(summary)) = (run.status, end.summary()) else { return Ok(()) };
        let Some(issue) = store::issues::get(tx, issue_id).await.answer()? else { return Ok(()) };
        let body: String = summary.chars().take(MAX_COMMENT).collect();
        let author = Caller {
            actor: crate::Actor::Agent { id: run.agent_id, company: run.company_id, run: Some(run.id) },
        };
        let new = NewComment { body, author: Some(AuthorType::Agent), presentation: None, metadata: None };
        // What the agent said at its end is a report, not a call for somebody: it wakes nobody.
        let (comment, _) = self.add_comment(tx, &author, &issue, new, false).await?;
        run.issue_comment_status = CommentDuty::Satisfied;
        run.issue_comment_satisfied_by_comment_id = Some(comment.id);
        Ok(())
    }

    async fn save_account(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        agent: &contract::agent::Agent,
        end: &End,
    ) -> Answer<()> {
        let at = tx.at();
        let mut state = runtime_of(tx, agent, at).await?;
        if let Some(c) = &end.conclusion {
            let usage = c.usage.unwrap_or(end.parsed.usage);
            state.total_input_tokens += usage.input_tokens;
            state.total_output_tokens += usage.output_tokens;
            state.total_cached_input_tokens += usage.cached_input_tokens;
        }
        // What was billed, as the ledger has it: of a run that was stopped too.
        let spent = store::costs::spent_of_agent(tx, agent.id).await.answer()?;
        state.total_cost_cents = Cents::new(spent.rounded_cents());
        state.adapter_type.clone_from(&agent.adapter_type);
        state.last_run_id = Some(run.id);
        state.last_run_status = Some(run.status.as_str().to_owned());
        state.last_error.clone_from(&run.error);
        state.updated_at = at;
        store::sessions::save_runtime(tx, &state).await.answer()
    }

    async fn save_session(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        agent: &contract::agent::Agent,
        end: &End,
    ) -> Answer<()> {
        let Some(c) = &end.conclusion else { return Ok(()) };
        let key = self.session_key(tx, run).await?;
        match &c.session {
            SessionChange::Keep => Ok(()),
            SessionChange::Clear => {
                store::sessions::forget(tx, agent.id, Some(&key)).await.answer()?;
                Ok(())
            }
            SessionChange::Save { params, display_id } => {
                let earlier = store::sessions::get(tx, agent.id, &agent.adapter_type, &key).await.answer()?;
                let session = contract::agent::AgentTaskSession {
                    id: earlier.as_ref().map_or_else(|| self.new_id(), |s| s.id),
                    company_id: agent.company_id,
                    agent_id: agent.id,
                    adapter_type: agent.adapter_type.clone(),
                    task_key: key,
                    session_params_json: Some(params.clone()),
                    session_display_id: Some(display_id.chars().take(128).collect()),
                    last_run_id: Some(run.id),
                    last_error: run.error.clone(),
                    created_at: earlier.map_or(tx.at(), |s| s.created_at),
                    updated_at: tx.at(),
                };
                store::sessions::save(tx, &session).await.answer()
            }
        }
    }

    /// Refreshes the summary that a run without a session starts from.
    async fn remember(&self, tx: &mut WriteTx, run: &Run, end: &End) -> Answer<()> {
        let (Some(issue_id), Some(summary)) = (run.issue_id, end.summary()) else { return Ok(()) };
        if store::issues::get(tx, issue_id).await.answer()?.is_none() {
            return Ok(());
        }
        let body: String = summary.chars().take(MAX_SUMMARY).collect();
        let now = store::documents::get(tx, issue_id, CONTINUATION_SUMMARY).await.answer()?;
        let revision_id = self.new_id();
        let mut before = None;
        let document = match now {
            Some(mut d) => {
                before = Some(std::mem::replace(&mut d.body, body));
                d.summary.latest_revision_id = Some(revision_id);
                d.summary.latest_revision_number += 1;
                d.summary.updated_by_agent_id = Some(run.agent_id);
                d.summary.updated_by_user_id = None;
                d.summary.updated_at = tx.at();
                store::documents::save(tx, &d).await.answer()?;
                d
            }
            None => {
                let d = self.summary_document(tx, run, run.agent_id, issue_id, revision_id, body);
                store::documents::create(tx, &d).await.answer()?;
                d
            }
        };
        let s = &document.summary;
        let revision = DocumentRevision {
            id: revision_id,
            company_id: s.company_id,
            document_id: s.id,
            issue_id,
            key: s.key.clone(),
            revision_number: s.latest_revision_number,
            title: None,
            format: s.format,
            body: document.body.clone(),
            change_summary: None,
            created_by_agent_id: Some(run.agent_id),
            created_by_user_id: None,
            created_at: tx.at(),
        };
        store::documents::add_revision(tx, &revision, Some(run.id)).await.answer()?;
        match before {
            Some(before) => self.follow_threads(tx, before, &document).await,
            None => Ok(()),
        }
    }

    fn summary_document(
        &self,
        tx: &WriteTx,
        run: &Run,
        agent: AgentId,
        issue_id: contract::IssueId,
        revision: contract::RevisionId,
        body: String,
    ) -> IssueDocument {
        IssueDocument {
            summary: IssueDocumentSummary {
                id: self.new_id(),
                company_id: run.company_id,
                issue_id,
                key: CONTINUATION_SUMMARY.to_owned(),
                title: None,
                format: DocumentFormat::Markdown,
                latest_revision_id: Some(revision),
                latest_revision_number: 1,
                created_by_agent_id: Some(agent),
                created_by_user_id: None,
                updated_by_agent_id: Some(agent),
                updated_by_user_id: None,
                locked_at: None,
                locked_by_agent_id: None,
                locked_by_user_id: None,
                created_at: tx.at(),
                updated_at: tx.at(),
            },
            body,
        }
    }
}

/// Writes into a run whose end was decided that it was stopped, whatever came of that.
pub(super) fn stopped(run: &mut Run, why: String) {
    run.status = RunStatus::Cancelled;
    run.error = Some(why);
    run.error_code = Some("cancelled".to_owned());
    run.result_json.get_or_insert_default().insert("stopReason".into(), "cancelled".into());
}

pub(super) fn wake_status(status: RunStatus) -> WakeupStatus {
    match status {
        RunStatus::Succeeded => WakeupStatus::Completed,
        RunStatus::Cancelled => WakeupStatus::Cancelled,
        RunStatus::TimedOut => WakeupStatus::TimedOut,
        _ => WakeupStatus::Failed,
    }
}

/// Writes into the run what is known of its end.
fn fill(run: &mut Run, end: &End, now: contract::Timestamp) {
    let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    run.status = end.status();
    run.finished_at = Some(now);
    run.updated_at = now;
    run.error.clone_from(&end.error);
    run.error_code.clone_from(&end.error_code);
    if let Some(s) = end.started.as_ref().or_else(|| end.exit.as_ref()?.started.as_ref()) {
        run.process_pid = Some(s.pid.into());
        run.process_group_id = Some(s.pgid.into());
        run.process_started_at = Some(s.at);
    }
    let mut result = JsonObject::new();
    if let Some(exit) = &end.exit {
        run.exit_code = exit.exit_code;
        run.signal.clone_from(&exit.signal);
        if let Some(why) = &exit.log_truncated {
            result.insert("logTruncated".into(), why.clone().into());
        }
        if exit.reaped > 0 {
            result.insert("reapedProcesses".into(), exit.reaped.into());
        }
    }
    if let Some(p) = &end.progress {
        run.last_output_seq = int(p.lines);
        run.last_output_bytes = Some(int(p.bytes));
        run.log_bytes = Some(int(p.bytes));
        run.last_output_stream = p.stream;
        run.last_output_at = p.at.or(run.last_output_at);
    }
    run.stdout_excerpt = some_text(&end.parsed.stdout_excerpt);
    run.stderr_excerpt = some_text(&end.parsed.stderr_excerpt);
    run.session_id_after = end.parsed.session_id.clone();
    if let Some(c) = &end.conclusion {
        run.error.clone_from(&c.error);
        run.error_code.clone_from(&c.error_code);
        result.extend(c.result_json.clone().unwrap_or_default());
        if let Some(s) = &c.summary {
            result.insert("summary".into(), s.clone().into());
        }
        if let Some(f) = c.error_family {
            result.insert("errorFamily".into(), f.as_str().into());
        }
        if let Some(t) = c.retry_not_before {
            result.insert("retryNotBefore".into(), t.to_string().into());
        }
        if let Some(meta) = &c.error_meta {
            result.insert("errorMeta".into(), meta.clone().into());
        }
        let usage = c.usage.unwrap_or(end.parsed.usage);
        if !usage.is_zero() || c.cost_usd.is_some() {
            let json = json!({
                "inputTokens": usage.input_tokens,
                "cachedInputTokens": usage.cached_input_tokens,
                "cacheWriteTokens": usage.cache_write_tokens,
                "outputTokens": usage.output_tokens,
                "costUsd": c.cost_usd,
                "provider": c.provider,
                "biller": c.biller,
                "model": c.model,
                "billingType": c.billing_type.as_str(),
                "freshSession": run.session_id_before.is_none(),
            });
            run.usage_json = json.as_object().cloned();
        }
    }
    let reason = match run.status {
        RunStatus::Succeeded => "completed",
        RunStatus::TimedOut => "timeout",
        RunStatus::Cancelled => "cancelled",
        _ => run.error_code.as_deref().unwrap_or("adapter_failed"),
    };
    result.insert("stopReason".into(), reason.into());
    run.result_json = Some(result);
}

fn some_text(s: &str) -> Option<String> {
    (!s.is_empty()).then(|| s.to_owned())
}
