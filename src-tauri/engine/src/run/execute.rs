//! Following a run's host from its start to its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::agent::Agent;
use contract::run::Run;
use contract::{ApiError, JsonObject, RunId};
use runner::adapter::{Adapter, Conclusion, Invocation, Metered, OutputParser, Parsed, Payee, adapters};
use runner::host::{ExitReport, HostEvent, HostHandle, KillCause, LaunchSpec, Progress, Started, launch};
use runner::log::RunLog;
use tokio::sync::watch;

use super::finish::End;
use super::patience::{Patience, Waited};
use crate::Engine;
use crate::error::{Answer, OrAnswer, OrMissing};

/// How often a running run's progress goes into the database.
const NOTE_EVERY: Duration = Duration::from_secs(10);
/// How much of a log is understood at a time.
const LINES_AT_ONCE: usize = 4000;
const BYTES_AT_ONCE: usize = 4 << 20;
/// How soon what a run says is metered: well within the time a model takes for its next message.
const METER_EVERY: Duration = Duration::from_millis(200);
/// How long a host that was told to stop may say nothing before it is asked whether it is there.
const UNHEARD: Duration = Duration::from_secs(20);

/// Reads a run's log as it grows.
struct Reader {
    dir: PathBuf,
    parser: Box<dyn OutputParser>,
    next: u64,
    payee: Payee,
    /// What was read and does not stand in the ledger yet.
    unmetered: Vec<Metered>,
}

impl Reader {
    fn new(dir: PathBuf, adapter: &dyn Adapter, carry: &JsonObject) -> Self {
        let payee = adapter.payee(carry);
        Self { dir, parser: adapter.parser(), next: 0, payee, unmetered: Vec::new() }
    }

    /// As [`Reader::catch_up`], where waiting for the disk holds nobody up. What cannot be read now is read later.
    async fn caught_up(mut self) -> Answer<Self> {
        let task = tokio::task::spawn_blocking(move || {
            if let Err(e) = self.catch_up() {
                tracing::warn!("reading a run's log: {e}");
            }
            self.unmetered.extend(self.parser.metered());
            self
        });
        task.await.map_err(|e| ApiError::internal(e.to_string()))
    }

    /// Reads all there is. Waits for the disk: not for an async task.
    fn catch_up(&mut self) -> std::io::Result<()> {
        let log = RunLog::open(&self.dir)?;
        loop {
            let lines = log.read_page(self.next, self.next, LINES_AT_ONCE, BYTES_AT_ONCE)?;
            let Some(last) = lines.last() else { return Ok(()) };
            self.next = last.line + 1;
            for line in &lines {
                self.parser.line(line);
            }
        }
    }
}

impl Engine {
    /// Takes a claimed run to its end. Every way out writes one.
    pub(super) async fn execute(self: Arc<Self>, run: Run, token: String) {
        let id = run.id;
        let end = match self.attempts(&run, &token).await {
            Ok(Some(end)) => end,
            // The program stops; the run goes on in its host and is adopted at the next start.
            Ok(None) => return,
            Err(e) => End::broken(&e),
        };
        self.finish_and_forget(id, end).await;
    }

    pub(super) async fn finish_and_forget(self: &Arc<Self>, id: RunId, end: End) {
        let mut patience = Patience::default();
        while let Err(e) = self.finish(id, &end).await {
            tracing::error!(run = %id, "the end of the run could not be written: {e}");
            match patience.wait(self, &e).await {
                Waited::Again => {}
                // Its host, or its journal, tells the end to the next start.
                Waited::Stopping => return,
                Waited::InVain => {
                    let why = format!("The run's end could not be written: {}", e.message);
                    if !self.end_in_any_case(id, &why).await {
                        return;
                    }
                    break;
                }
            }
        }
        let live = self.live_runs().remove(&id);
        if let Some(control) = live.and_then(|l| l.control) {
            // The journal keeps the end until it stands in the database.
            let _ = control.finish().await;
        }
    }

    /// Runs the command, and once more without its session if the agent does not know it any more.
    async fn attempts(self: &Arc<Self>, run: &Run, token: &str) -> Answer<Option<End>> {
        let agent = {
            let mut conn = self.store.read().await.answer()?;
            store::agents::get(&mut conn, run.agent_id).await.or_missing("Agent")?
        };
        let adapter = self.adapter(&agent.adapter_type)?;
        let mut fresh = false;
        loop {
            let ctx = match self.run_context(run, &agent, token, fresh).await {
                Ok(ctx) => ctx,
                // A command that prepared its place was ended with the program: no fault of the run's.
                Err(_) if self.stop.is_cancelled() => return Ok(None),
                Err(e) => return Err(e),
            };
            let session_before = ctx.session.clone();
            let mut own = vec![self.paths.agent_home(agent.id)];
            // A worktree lies in the program's data; this one is the run's.
            own.extend(ctx.workspace_cwd.clone().filter(|cwd| cwd.starts_with(self.paths.worktrees())));
            // Asks the login shell the first time, with a deadline; known from then on.
            runner::path::agent_path().await;
            // It reads skills and writes the prompt bundle, so it may wait for the disk.
            let prepared = tokio::task::spawn_blocking(move || adapter.prepare(&ctx)).await;
            let invocation = prepared.map_err(|e| ApiError::internal(e.to_string()))?.map_err(|e| {
                ApiError::unprocessable(e.to_string())
                    .with_details(serde_json::json!({ "errorCode": e.code() }))
            })?;
            let carry = invocation.carry.clone();
            let mut patience = Patience::default();
            while let Err(e) = self.note_invocation(run, &agent, &invocation, session_before.as_ref()).await {
                match patience.wait(self, &e).await {
                    Waited::Again => {}
                    Waited::Stopping => return Ok(None),
                    Waited::InVain => return Err(e),
                }
            }
            let spec = LaunchSpec {
                sandbox: self.config.sandbox,
                own,
                shared: vec![
                    self.paths.instructions(agent.id),
                    self.paths.bundles(run.company_id),
                    self.paths.skills(),
                ],
                ..LaunchSpec::new(
                    run.id,
                    self.paths.run(run.company_id, run.id),
                    self.paths.root().to_owned(),
                    invocation,
                )
            };
            let handle = launch(&self.config.launcher, spec).await.map_err(|e| {
                ApiError::internal(e.to_string())
                    .with_details(serde_json::json!({ "errorCode": "host_failed" }))
            })?;
            let followed = self.follow(run, handle, adapter, &carry).await?;
            let Some((exit, parsed)) = followed else { return Ok(None) };
            let conclusion = adapter.conclude(&carry, &parsed, &exit, self.now());
            if conclusion.rerun_fresh && !fresh {
                fresh = true;
                self.run_event(
                    run,
                    "lifecycle",
                    "warn",
                    "the session was not known any more: starting afresh",
                    None,
                )
                .await;
                self.let_host_go(run.id).await;
                continue;
            }
            return Ok(Some(End::concluded(exit, parsed, conclusion)));
        }
    }

    async fn let_host_go(&self, id: RunId) {
        let control = self.live_runs().get_mut(&id).and_then(|l| l.control.take());
        if let Some(c) = control {
            let _ = c.finish().await;
        }
    }

    /// Records what is about to be started, with what the end will need after a restart.
    async fn note_invocation(
        &self,
        run: &Run,
        agent: &Agent,
        invocation: &Invocation,
        session: Option<&JsonObject>,
    ) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut now = store::runs::get(&mut tx, run.id).await.or_missing("Run")?;
        let mut ctx = now.context_snapshot.take().unwrap_or_default();
        ctx.insert(CARRY.into(), invocation.carry.clone().into());
        now.context_snapshot = Some(ctx);
        now.session_id_before =
            session.and_then(|s| s.get("sessionId")).and_then(|v| v.as_str()).map(str::to_owned);
        now.updated_at = tx.at();
        store::runs::save(&mut tx, &now).await.answer()?;
        let payload = invocation.describe(&agent.adapter_type);
        store::runs::add_event(&mut tx, &now, "adapter.invoke", "info", "adapter invocation", Some(payload))
            .await
            .answer()?;
        tx.commit().await.answer()
    }

    /// Follows a host to the end of its command. `None`: the program stops first.
    pub(super) async fn follow(
        self: &Arc<Self>,
        run: &Run,
        mut handle: HostHandle,
        adapter: &'static dyn Adapter,
        carry: &JsonObject,
    ) -> Answer<Option<(ExitReport, Parsed)>> {
        let mut stop = {
            let mut live = self.live_runs();
            live.get_mut(&run.id).map(|l| {
                l.control = Some(handle.control());
                l.stop_reason.subscribe()
            })
        };
        let pending = stop.as_ref().and_then(|s| s.borrow().clone());
        if let Some(reason) = pending {
            let _ = handle.control().kill(KillCause::Cancelled, Some(reason), None).await;
        }
        let mut reader = Reader::new(self.paths.run(run.company_id, run.id), adapter, carry);
        // When what was written since is metered.
        let mut meter_at: Option<tokio::time::Instant> = None;
        let mut noted: Option<Instant> = None;
        // A database that does not take a note is no reason to let go of a host whose command works.
        let mut unnoted: Option<Started> = None;
        let mut is_whole = true;
        loop {
            let event = tokio::select! {
                () = self.stop.cancelled() => return Ok(None),
                event = handle.next_event() => event,
                () = unheard(&mut stop) => {
                    tracing::warn!(run = %run.id, "its host was told to stop and has not answered");
                    return self.host_gone(run, adapter, carry).await;
                }
                () = at_time(meter_at), if meter_at.is_some() => {
                    meter_at = None;
                    reader = reader.caught_up().await?;
                    if let Err(e) = self.enter_read(run, &mut reader).await {
                        // Tried again with what is read next, and with patience at the end.
                        tracing::warn!(run = %run.id, "what it used could not be noted: {e}");
                    }
                    continue;
                }
            };
            match event {
                Ok(HostEvent::Started(s)) => {
                    if let Err(e) = self.note_started(run, &s).await {
                        tracing::warn!(run = %run.id, "its start could not be noted: {e}");
                        unnoted = Some(s);
                    }
                }
                Ok(HostEvent::Progress(p)) => {
                    meter_at.get_or_insert_with(|| tokio::time::Instant::now() + METER_EVERY);
                    if let Some(l) = self.live_runs().get(&run.id) {
                        l.progress.send_replace(p.lines);
                    }
                    if let Some(why) = p.truncated.as_ref().filter(|_| is_whole) {
                        // Tried again with the next word of the host, if it cannot be written now.
                        is_whole = self.stop_unmetered(run.id, why).await.is_err();
                    }
                    if noted.is_none_or(|t| t.elapsed() >= NOTE_EVERY) {
                        noted = Some(Instant::now());
                        if let Err(e) = self.note_along(run, &p, &mut unnoted).await {
                            tracing::warn!(run = %run.id, "its progress could not be noted: {e}");
                        }
                    }
                }
                Ok(HostEvent::Exited(report)) => {
                    let report = *report;
                    if let Some(l) = self.live_runs().get(&run.id) {
                        l.progress.send_replace(report.progress.lines);
                    }
                    reader = reader.caught_up().await?;
                    if !self.enter_rest(run, &mut reader).await {
                        return Ok(None);
                    }
                    return Ok(Some((report, reader.parser.parsed().clone())));
                }
                Err(e) => {
                    tracing::warn!(run = %run.id, "its host: {e}");
                    return self.host_gone(run, adapter, carry).await;
                }
            }
        }
    }

    async fn note_started(&self, run: &Run, s: &Started) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut now = store::runs::get(&mut tx, run.id).await.or_missing("Run")?;
        if now.process_pid == Some(s.pid.into()) {
            return Ok(());
        }
        now.process_pid = Some(s.pid.into());
        now.process_group_id = Some(s.pgid.into());
        now.process_started_at = Some(s.at);
        now.updated_at = tx.at();
        store::runs::save(&mut tx, &now).await.answer()?;
        let payload = serde_json::to_value(s).ok().and_then(|v| v.as_object().cloned());
        let message = match &s.sandbox.why {
            None => "process started".to_owned(),
            Some(why) => format!("process started without a sandbox: {why}"),
        };
        store::runs::add_event(&mut tx, &now, "process.started", "info", &message, payload).await.answer()?;
        tx.commit().await.answer()
    }

    async fn note_along(&self, run: &Run, p: &Progress, unnoted: &mut Option<Started>) -> Answer<()> {
        if let Some(s) = unnoted {
            self.note_started(run, s).await?;
            *unnoted = None;
        }
        self.note_progress(run, p).await
    }

    async fn note_progress(&self, run: &Run, p: &Progress) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let at = p.at.unwrap_or_else(|| tx.at());
        store::runs::progress(&mut tx, run.id, int(p.lines), int(p.bytes), p.stream, at).await.answer()?;
        tx.commit().await.answer()
    }

    async fn enter_read(&self, run: &Run, reader: &mut Reader) -> Answer<()> {
        self.meter(run.id, &reader.payee, &reader.unmetered).await?;
        reader.unmetered.clear();
        Ok(())
    }

    /// Enters what is left at a run's end, with patience: it is read no more afterwards. `false`: the program stops.
    async fn enter_rest(&self, run: &Run, reader: &mut Reader) -> bool {
        let mut patience = Patience::default();
        while let Err(e) = self.enter_read(run, reader).await {
            match patience.wait(self, &e).await {
                Waited::Again => {}
                Waited::Stopping => return false,
                Waited::InVain => {
                    tracing::error!(run = %run.id, "what it used could not be noted: {e}");
                    break;
                }
            }
        }
        true
    }

    /// Reads the whole log of a run that ended while nobody followed. `None`: the program stops.
    pub(super) async fn read_whole(
        &self,
        run: &Run,
        adapter: &'static dyn Adapter,
        carry: &JsonObject,
    ) -> Answer<Option<Parsed>> {
        let reader = Reader::new(self.paths.run(run.company_id, run.id), adapter, carry);
        let mut reader = reader.caught_up().await?;
        let entered = self.enter_rest(run, &mut reader).await;
        Ok(entered.then(|| reader.parser.parsed().clone()))
    }
}

/// Comes back when a host was told to stop and has had the time for it. One that still answers is followed on then,
/// one that hangs is ended with all it started.
async fn unheard(stop: &mut Option<watch::Receiver<Option<String>>>) {
    let Some(stop) = stop else { return std::future::pending().await };
    if stop.wait_for(Option::is_some).await.is_err() {
        return std::future::pending().await;
    }
    tokio::time::sleep(UNHEARD).await;
}

/// Waits for a moment; for ever without one.
async fn at_time(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Where a run keeps what its adapter wants back at the end.
pub(crate) const CARRY: &str = "_adapterCarry";

pub(super) fn carry_of(run: &Run) -> JsonObject {
    let carry = run.context_snapshot.as_ref().and_then(|c| c.get(CARRY)).and_then(|v| v.as_object());
    carry.cloned().unwrap_or_default()
}

/// The adapter of a run's agent.
pub(super) fn adapter_of(agent: &Agent) -> Option<&'static dyn Adapter> {
    adapters().get(&agent.adapter_type)
}

pub(super) fn conclude(
    adapter: &dyn Adapter,
    run: &Run,
    parsed: &Parsed,
    exit: &ExitReport,
    now: contract::Timestamp,
) -> Conclusion {
    adapter.conclude(&carry_of(run), parsed, exit, now)
}
