//! Reading runs, their steps, logs and transcripts; stopping them.

use std::sync::Arc;

use contract::issue::IssueSummary;
use contract::operations::*;
use contract::recovery::RunOutlook;
use contract::run::*;
use contract::transcript::*;
use contract::watchdog::RunDetail;
use contract::{ApiError, RunId};
use runner::log::{LogLine, RunLog};
use serde_json::json;
use store::SqliteConnection;

use super::bounded;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

/// Lines read before a page, so that the parser knows what the page's first lines belong to.
const LEAD_IN: u64 = 64;
/// Bytes of a page, about.
const PAGE_BYTES: usize = 4 << 20;

impl Engine {
    pub(super) async fn visible_run(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        id: RunId,
    ) -> Answer<Run> {
        let run = store::runs::get(conn, id).await.or_missing("Run")?;
        caller.within(run.company_id)?;
        Ok(run)
    }
}

/// A run as it may be shown.
fn shown(mut r: Run) -> Run {
    r.context_snapshot = r.context_snapshot.map(|c| domain::redact::config(&c));
    r
}

impl Handle<ListRunsOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListRuns) -> Answer<Vec<RunSummary>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::runs::list(&mut conn, &q, bounded(q.limit, 100, 500)).await.answer()
    }
}

impl Handle<ListLiveRunsOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListLiveRuns) -> Answer<Vec<RunSummary>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        let mut runs = store::runs::live_summaries(&mut conn, q.company_id, bounded(q.limit, 100, 500))
            .await
            .answer()?;
        for summary in runs.iter_mut().filter(|r| r.status == RunStatus::Running) {
            if let Some(run) = store::runs::get(&mut conn, summary.id).await.answer()? {
                summary.output_silence = Some(self.silence_of(&mut conn, &run).await?);
            }
        }
        let wanted = q.min_count.unwrap_or(0).min(50) as usize;
        if runs.len() < wanted {
            let recent = ListRuns {
                company_id: q.company_id,
                agent_id: None,
                status: Vec::new(),
                limit: None,
                offset: None,
            };
            for r in store::runs::list(&mut conn, &recent, 100).await.answer()? {
                if runs.len() < wanted && !runs.iter().any(|l| l.id == r.id) {
                    runs.push(r);
                }
            }
        }
        Ok(runs)
    }
}

impl Handle<GetRun> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RunPath) -> Answer<RunDetail> {
        let mut conn = self.store.read().await.answer()?;
        let run = self.visible_run(&mut conn, caller, q.run_id).await?;
        let output_silence = self.silence_of(&mut conn, &run).await?;
        let live = run.process_pid.filter(|_| run.status == RunStatus::Running);
        let processes = live.and_then(|pid| runner::host::processes_beside(pid.try_into().ok()?));
        Ok(RunDetail { run: shown(run), output_silence, processes })
    }
}

impl Handle<ListRunIssues> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RunPath) -> Answer<Vec<IssueSummary>> {
        let mut conn = self.store.read().await.answer()?;
        let run = self.visible_run(&mut conn, caller, q.run_id).await?;
        store::relations::touched_by(&mut conn, run.id).await.answer()
    }
}

impl Handle<GetRunOutlook> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RunPath) -> Answer<Option<RunOutlook>> {
        let mut conn = self.store.read().await.answer()?;
        let run = self.visible_run(&mut conn, caller, q.run_id).await?;
        self.run_outlook(&mut conn, &run).await
    }
}

impl Handle<ListIssueRuns> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssueRunsPath) -> Answer<Vec<RunSummary>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.issue_id).await?;
        store::runs::of_issue(&mut conn, issue.id, false).await.answer()
    }
}

impl Handle<ListIssueLiveRuns> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssueRunsPath) -> Answer<Vec<RunSummary>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.issue_id).await?;
        store::runs::of_issue(&mut conn, issue.id, true).await.answer()
    }
}

impl Handle<GetActiveRun> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssueRunsPath) -> Answer<Option<RunSummary>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.issue_id).await?;
        Ok(store::runs::of_issue(&mut conn, issue.id, true).await.answer()?.into_iter().next())
    }
}

impl Handle<CancelRun> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RunPath) -> Answer<Run> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let run = self.visible_run(&mut tx, caller, q.run_id).await?;
        if run.status.is_terminal() {
            return Err(ApiError::conflict(format!("The run has {} already", run.status))
                .with_details(json!({ "status": run.status })));
        }
        let id = run.id;
        let details = json!({ "agentId": run.agent_id, "status": run.status });
        self.log(
            &mut tx,
            caller,
            run.company_id,
            "heartbeat.cancelled",
            ("heartbeat_run", id.to_string()),
            details,
        )
        .await?;
        let kill = self.cancel_run(&mut tx, run, "Stopped by the operator").await?;
        tx.commit().await.answer()?;
        self.kill_all(kill.into_iter().collect()).await;
        let mut conn = self.store.read().await.answer()?;
        store::runs::get(&mut conn, id).await.or_missing("Run").map(shown)
    }
}

impl Handle<ListRunEventsOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListRunEvents) -> Answer<Vec<RunEvent>> {
        let mut conn = self.store.read().await.answer()?;
        let run = self.visible_run(&mut conn, caller, q.run_id).await?;
        let limit = bounded(q.limit, 200, 1000);
        let mut events =
            store::runs::events(&mut conn, run.id, q.after_seq.unwrap_or(0), limit).await.answer()?;
        // How another agent's command was started tells its environment.
        if caller.agent_id().is_some_and(|id| id != run.agent_id) {
            for event in events.iter_mut().filter(|e| e.event_type == "adapter.invoke") {
                event.payload = None;
            }
        }
        Ok(events)
    }
}

impl Handle<ReadRunLogOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ReadRunLog) -> Answer<RunLogSlice> {
        let mut conn = self.store.read().await.answer()?;
        let run = self.visible_run(&mut conn, caller, q.run_id).await?;
        drop(conn);
        let dir = self.paths.run(run.company_id, run.id);
        let (offset, limit) = (q.offset.unwrap_or(0), bounded(q.limit_bytes, 256_000, 1 << 20) as usize);
        let (content, next_offset) = blocking(move || RunLog::open(&dir)?.read_bytes(offset, limit)).await?;
        let log_ref = crate::Paths::run_ref(run.company_id, run.id);
        Ok(RunLogSlice { run_id: run.id, store: "local_file".to_owned(), log_ref, content, next_offset })
    }
}

impl Handle<ReadTranscriptOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ReadTranscript) -> Answer<TranscriptPage> {
        let mut conn = self.store.read().await.answer()?;
        // Read before the log: a run that is over in this reading has written everything.
        let run = self.visible_run(&mut conn, caller, q.run_id).await?;
        let agent = store::agents::get(&mut conn, run.agent_id).await.answer()?;
        drop(conn);
        let dir = self.paths.run(run.company_id, run.id);
        let limit = bounded(q.limit, 500, 5000) as usize;
        let from = q.from_line;
        let (total, first, lines) = blocking(move || {
            let log = RunLog::open(&dir)?;
            let total = log.total_lines()?;
            let first = from.unwrap_or_else(|| total.saturating_sub(limit as u64));
            let lead = first.saturating_sub(LEAD_IN);
            let lines = log.read_page(lead, first, limit, PAGE_BYTES)?;
            Ok((total, first, lines))
        })
        .await?;
        let next_line = lines.last().map_or(first, |l| l.line + 1).max(first);
        let entries = match agent.as_ref().and_then(|a| runner::adapter::adapters().get(&a.adapter_type)) {
            Some(adapter) if !q.raw => read_entries(adapter, &lines, first),
            _ => lines.iter().filter(|l| l.line >= first).map(raw_entry).collect(),
        };
        Ok(TranscriptPage {
            entries,
            from_line: first,
            next_line,
            total_lines: total.max(next_line),
            live: !run.status.is_terminal(),
        })
    }
}

fn read_entries(
    adapter: &dyn runner::adapter::Adapter,
    lines: &[LogLine],
    first: u64,
) -> Vec<TranscriptEntry> {
    let mut parser = adapter.parser();
    let mut out = Vec::new();
    for line in lines {
        let bodies = parser.line(line);
        if line.line >= first {
            out.extend(bodies.into_iter().map(|body| TranscriptEntry { line: line.line, ts: line.ts, body }));
        }
    }
    out
}

fn raw_entry(l: &LogLine) -> TranscriptEntry {
    let text = l.text().to_owned();
    let body = match l.stream {
        OutputStream::Stdout => EntryBody::Stdout { text },
        OutputStream::Stderr => EntryBody::Stderr { text },
        OutputStream::System => EntryBody::System { text },
    };
    TranscriptEntry { line: l.line, ts: l.ts, body }
}

/// Reads files where waiting for the disk holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Answer<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| ApiError::internal(e.to_string()))?;
    done.map_err(|e| ApiError::internal(format!("The run's log cannot be read: {e}")))
}
