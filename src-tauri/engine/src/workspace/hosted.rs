//! Runs a command of the operator's in a host of its own, as an agent's command is run.
//!
//! What lies in a worktree is the work of agents. A command that builds or installs it runs their code, so it
//! reaches no more than they do; and what it starts ends with it, also when this program is killed in the middle.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::run::OutputStream;
use contract::workspace::WorkspaceOperation;
use contract::{ApiError, ErrorCode, RunId};
use runner::adapter::Invocation;
use runner::adapter::env::ChildEnv;
use runner::host::{Adoption, ExitReport, HostEvent, HostHandle, KillCause, LaunchSpec, adopt, launch};
use runner::log::RunLog;
use serde_json::json;
use tokio::sync::watch;

use super::blocking;
use super::ledger::Ended;
use crate::Engine;
use crate::error::Answer;

/// How long a command of the operator may take.
const TIME: Duration = Duration::from_secs(30 * 60);
/// From the first signal to the last.
const GRACE: Duration = Duration::from_secs(5);
/// How long after it should have ended a host may say nothing.
const UNHEARD: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 20 });
/// Bytes of output that are kept.
const LOG_LIMIT: u64 = 64 << 20;
/// How long a host waits for somebody to take note of the end. Nobody does after a crash: the command is run again.
const LINGER: Duration = Duration::from_secs(30);
/// Bytes of each stream that stand in the ledger.
const EXCERPT: usize = 16 << 10;
/// Lines that may hold them.
const LAST_LINES: u64 = 2000;
const PAGE: usize = 1000;

/// Where `/bin/sh` is not, runs are not supported either.
const SHELL: &str = "/bin/sh";

impl Engine {
    /// Runs the command of a step to its end. Fails only when the program stops before it.
    pub(super) async fn run_hosted(
        &self,
        step: &WorkspaceOperation,
        env: ChildEnv,
        stop: Option<watch::Receiver<Option<String>>>,
    ) -> Answer<Ended> {
        let spec = self.spec_of(step, env);
        let dir = spec.run_dir.clone();
        let handle = match launch(&self.config.launcher, spec).await {
            Ok(handle) => handle,
            Err(e) => return Ok(Ended::badly(&format!("It could not be started: {e}"))),
        };
        let mut end = match self.to_the_end(handle, &dir, stop).await? {
            Ok(exit) => ended(&exit),
            Err(why) => Ended::badly(&why),
        };
        match blocking(move || excerpts(&dir)).await? {
            Ok((stdout, stderr, log)) => {
                end.add_last_line([&stderr, &stdout]);
                (end.stdout, end.stderr, end.log) = (Some(stdout), Some(stderr), Some(log));
            }
            Err(e) => tracing::warn!(step = %step.id, "what the command wrote cannot be read: {e}"),
        }
        Ok(end)
    }

    fn spec_of(&self, step: &WorkspaceOperation, env: ChildEnv) -> LaunchSpec {
        let cwd = PathBuf::from(step.cwd.clone().unwrap_or_default());
        // A worktree lies in the program's data; this one is the command's to work in.
        let own = if cwd.starts_with(self.paths.worktrees()) { vec![cwd.clone()] } else { Vec::new() };
        let mut invocation = Invocation::plain(PathBuf::from(SHELL), cwd, env);
        invocation.args = vec!["-c".to_owned(), step.command.clone().unwrap_or_default()];
        invocation.timeout = Some(TIME);
        invocation.grace = GRACE;
        let dir = self.step_dir(step);
        LaunchSpec {
            sandbox: self.config.sandbox,
            own,
            log_limit: LOG_LIMIT,
            linger: LINGER,
            ..LaunchSpec::new(RunId(step.id.0), dir, self.paths.root().to_owned(), invocation)
        }
    }

    pub(crate) fn step_dir(&self, step: &WorkspaceOperation) -> PathBuf {
        self.paths.root().join(crate::Paths::step_ref(step.company_id, step.id))
    }

    /// Follows a command. Inside, an error is a sentence about a host that is gone.
    async fn to_the_end(
        &self,
        mut handle: HostHandle,
        dir: &Path,
        stop: Option<watch::Receiver<Option<String>>>,
    ) -> Answer<Result<ExitReport, String>> {
        let control = handle.control();
        let told = told_to_stop(stop);
        tokio::pin!(told);
        let mut is_told = false;
        // A host that hangs answers nothing, also not that it is to stop.
        let silent = tokio::time::sleep(TIME + UNHEARD);
        tokio::pin!(silent);
        loop {
            let event = tokio::select! {
                () = self.stop.cancelled() => {
                    // Its end would be noted by nobody, and it is run again at the next start.
                    let _ = control.kill(KillCause::Cancelled, Some("The program stops".to_owned()), None).await;
                    return Err(ApiError::new(ErrorCode::Unavailable, "The program stops"));
                }
                why = &mut told, if !is_told => {
                    is_told = true;
                    silent.as_mut().reset(tokio::time::Instant::now() + UNHEARD);
                    let _ = control.kill(KillCause::Cancelled, Some(why), None).await;
                    continue;
                }
                () = &mut silent => {
                    drop(handle);
                    return Ok(without_host(dir).await);
                }
                event = handle.next_event() => event,
            };
            match event {
                Ok(HostEvent::Exited(report)) => {
                    let _ = control.finish().await;
                    return Ok(Ok(*report));
                }
                Ok(_) => {}
                Err(_) => return Ok(without_host(dir).await),
            }
        }
    }

    /// Ends a command that the program left behind when it was killed.
    pub(super) async fn end_hosted(&self, step: &WorkspaceOperation) {
        let dir = self.step_dir(step);
        if step.command.is_none() || !tokio::fs::try_exists(&dir).await.unwrap_or(false) {
            return;
        }
        let mut handle = match adopt(&dir).await {
            Ok(Adoption::Live(handle)) => handle,
            Ok(Adoption::Ended(_) | Adoption::Lost(_)) => return,
            Err(e) => {
                tracing::warn!(step = %step.id, "whether its command still runs is not known: {e}");
                return;
            }
        };
        let control = handle.control();
        let why = "The program was away and begins it anew".to_owned();
        let _ = control.kill(KillCause::Cancelled, Some(why), None).await;
        let exited = async {
            while let Ok(event) = handle.next_event().await {
                if matches!(event, HostEvent::Exited(_)) {
                    return;
                }
            }
        };
        // The ladder takes as long as its grace; a host that hangs is left to the next start.
        if tokio::time::timeout(GRACE * 3, exited).await.is_err() {
            tracing::warn!(step = %step.id, "its command does not end");
        }
        let _ = control.finish().await;
    }
}

/// What became of a command whose host is gone or hangs: what its journal knows of the end. Ends what is left of it.
async fn without_host(dir: &Path) -> Result<ExitReport, String> {
    match adopt(dir).await {
        Ok(Adoption::Ended(report)) => Ok(*report),
        Ok(Adoption::Lost(lost)) => Err(format!("Its host was lost: {}", lost.why)),
        Ok(Adoption::Live(_)) => Err("Its host cannot be followed".to_owned()),
        Err(e) => Err(format!("Its host is gone: {e}")),
    }
}

/// Comes back when the run for which the command is run is to stop.
async fn told_to_stop(stop: Option<watch::Receiver<Option<String>>>) -> String {
    let Some(mut stop) = stop else { return std::future::pending().await };
    let told = stop.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
    match told {
        Some(why) => why,
        None => std::future::pending().await,
    }
}

fn ended(exit: &ExitReport) -> Ended {
    if let Some(failure) = &exit.spawn_failure {
        return Ended::badly(&format!("It could not be started: {}", failure.message));
    }
    let mut end = match (&exit.kill, exit.exit_code) {
        (Some(kill), _) if kill.cause == KillCause::Timeout => {
            Ended::badly(&format!("It did not end within {} minutes", TIME.as_secs() / 60))
        }
        (Some(kill), _) => Ended::badly(&format!(
            "It was ended: {}",
            kill.reason.as_deref().unwrap_or("no reason was given")
        )),
        (None, Some(0)) => Ended::well(json!({})),
        (None, Some(code)) => Ended::badly(&format!("It ended with code {code}")),
        (None, None) => {
            Ended::badly(&format!("It was ended by {}", exit.signal.as_deref().unwrap_or("a signal")))
        }
    };
    end.exit_code = exit.exit_code;
    if let Some(why) = exit.started.as_ref().and_then(|s| s.sandbox.why.clone()) {
        end.facts.insert("withoutSandbox".to_owned(), why.into());
    }
    end
}

/// What is known of a command's whole output.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub bytes: i64,
    pub sha256: String,
}

/// The last of what was written on each stream.
fn excerpts(dir: &Path) -> std::io::Result<(String, String, Kept)> {
    let log = RunLog::open(dir)?;
    let total = log.total_lines()?;
    let from = total.saturating_sub(LAST_LINES);
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let mut next = from;
    loop {
        let lines = log.read_page(next, next, PAGE, 1 << 20)?;
        let Some(last) = lines.last() else { break };
        next = last.line + 1;
        for line in &lines {
            let of = if line.stream == OutputStream::Stderr { &mut stderr } else { &mut stdout };
            of.push_str(&line.chunk);
            if of.len() > 2 * EXCERPT {
                keep_last(of);
            }
        }
    }
    keep_last(&mut stdout);
    keep_last(&mut stderr);
    let kept = Kept { bytes: i64::try_from(log.bytes()?).unwrap_or(i64::MAX), sha256: log.sha256()? };
    Ok((stdout, stderr, kept))
}

fn keep_last(text: &mut String) {
    if text.len() > EXCERPT {
        let from = text.ceil_char_boundary(text.len() - EXCERPT);
        text.drain(..from);
    }
}

/// A part of a command's whole output, from this byte of its text, and where the next part begins. Waits for the
/// disk: not for an async task.
pub(crate) fn output_text(dir: &Path, offset: u64, limit: usize) -> std::io::Result<(String, Option<u64>)> {
    let log = RunLog::open(dir)?;
    let mut slice = Slice { offset, limit, at: 0, text: String::new() };
    let mut next = 0;
    loop {
        let lines = log.read_page(next, next, PAGE, 1 << 20)?;
        let Some(last) = lines.last() else { return Ok((slice.text, None)) };
        next = last.line + 1;
        for line in &lines {
            if let Some(more) = slice.push(&line.chunk) {
                return Ok((slice.text, Some(more)));
            }
        }
    }
}

/// A part of a text that comes in chunks, cut between characters.
struct Slice {
    offset: u64,
    limit: usize,
    /// Bytes that have come by.
    at: u64,
    text: String,
}

impl Slice {
    /// Takes what belongs to it. Answers where the next part begins once it is full.
    fn push(&mut self, chunk: &str) -> Option<u64> {
        let skip = self.offset.saturating_sub(self.at);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
        let begin = chunk.ceil_char_boundary(skip);
        let rest = &chunk[begin..];
        let mut room = rest.floor_char_boundary(self.limit.saturating_sub(self.text.len()).min(rest.len()));
        if room == 0 && self.text.is_empty() {
            // A limit below one character would never get on.
            room = rest.ceil_char_boundary(1.min(rest.len()));
        }
        self.text.push_str(&rest[..room]);
        let next = self.at + (begin + room) as u64;
        self.at += chunk.len() as u64;
        (room < rest.len()).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::Slice;

    fn part(chunks: &[&str], offset: u64, limit: usize) -> (String, Option<u64>) {
        let mut slice = Slice { offset, limit, at: 0, text: String::new() };
        let more = chunks.iter().find_map(|c| slice.push(c));
        (slice.text, more)
    }

    #[test]
    fn an_output_is_read_to_its_end_in_parts_of_any_size() {
        let chunks = ["aé日", "🦀", "\n", "z"];
        for limit in 1..15 {
            let (mut read, mut at) = (String::new(), Some(0));
            while let Some(offset) = at {
                let (text, next) = part(&chunks, offset, limit);
                assert!(next.is_none_or(|n| n > offset), "it gets on");
                read.push_str(&text);
                at = next;
            }
            assert_eq!(read, chunks.concat(), "{limit} at a time");
        }
        assert_eq!(part(&chunks, 1000, 10), (String::new(), None));
    }
}
