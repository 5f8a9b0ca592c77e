//! Finding a run again after a restart.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use contract::RunId;
use rustix::process::Signal;

use super::client::connect;
use super::journal::{self, Account, Launching};
use super::launcher::{Adoption, HostError, LostReport};
use super::proc::{self, ProcessId};
use super::protocol::Progress;
use crate::log::RunLog;

/// A sweep asks nicely for no longer than this, whatever the run's own grace.
const MAX_GRACE: Duration = Duration::from_secs(5);
/// A process that does not even die of SIGKILL hangs in the kernel; nothing can be done about it.
const GIVE_UP: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(30);

/// Finds out what became of the run in this folder, and ends what is left of it when its host is gone. The
/// folder bears the run's name.
pub async fn adopt(run_dir: &Path) -> Result<Adoption, HostError> {
    let account = read(run_dir).await?;
    let name = run_dir.file_name().and_then(|name| name.to_str()?.parse().ok());
    let run_id = match (&account.launching, name) {
        (Some(launching), _) => launching.run_id,
        (None, Some(run_id)) => run_id,
        (None, None) => {
            let source = io::Error::new(io::ErrorKind::NotFound, "it is not the folder of a run");
            return Err(HostError::Folder { path: run_dir.to_owned(), source });
        }
    };
    let Some(launching) = account.launching.clone() else {
        return lose(run_dir, run_id, account, "the run host never began".to_owned()).await;
    };
    let connected = connect(&launching.socket, run_id).await;
    // Read again: it may have ended, and left, in between.
    let account = read(run_dir).await?;
    match (account.ended, connected) {
        (Some(report), handle) => {
            if let Ok(handle) = handle {
                let _ = handle.control().finish().await;
            }
            Ok(Adoption::Ended(report))
        }
        (None, Ok(handle)) => Ok(Adoption::Live(handle)),
        (None, Err(_)) => {
            let why = obituary(&launching);
            lose(run_dir, run_id, Account { ended: None, ..account }, why).await
        }
    }
}

async fn read(run_dir: &Path) -> Result<Account, HostError> {
    let dir = run_dir.to_owned();
    let failed = |source| HostError::Folder { path: run_dir.to_owned(), source };
    tokio::task::spawn_blocking(move || journal::read(&dir))
        .await
        .map_err(|e| failed(e.into()))?
        .map_err(failed)
}

fn obituary(launching: &Launching) -> String {
    if launching.boot_id != proc::boot_id() {
        "the machine was restarted while it ran".to_owned()
    } else if launching.host.is_alive() {
        format!("its host (process {}) no longer answers and was ended", launching.host.pid)
    } else {
        format!("its host (process {}) is gone", launching.host.pid)
    }
}

async fn lose(run_dir: &Path, run_id: RunId, account: Account, why: String) -> Result<Adoption, HostError> {
    let dir = run_dir.to_owned();
    let failed = |source| HostError::Folder { path: run_dir.to_owned(), source };
    let work = move || -> io::Result<LostReport> {
        let swept = sweep(run_id, &account);
        if let Some(launching) = &account.launching {
            // Its host could not take them away.
            let _ = std::fs::remove_file(&launching.socket);
            let _ = launching.socket.parent().map(std::fs::remove_dir);
        }
        let log = RunLog::open(&dir)?;
        let progress = Progress {
            lines: log.total_lines()?,
            bytes: log.bytes()?,
            stream: None,
            at: None,
            truncated: None,
        };
        Ok(LostReport { started: account.started, progress, swept, why })
    };
    let report = tokio::task::spawn_blocking(work).await.map_err(|e| failed(e.into()))?.map_err(failed)?;
    Ok(Adoption::Lost(Box::new(report)))
}

/// Ends every process of a run whose host cannot do it. Answers which there were.
fn sweep(run_id: RunId, account: &Account) -> Vec<i32> {
    let run = run_id.to_string();
    let grace = account.launching.as_ref().map_or(0, |l| l.grace_ms);
    // Process numbers of another boot mean nothing now; the marker still does.
    let same_boot = account.launching.as_ref().is_some_and(|l| l.boot_id == proc::boot_id());
    let started = account.started.as_ref().filter(|_| same_boot);
    let mut known: Vec<ProcessId> = Vec::new();
    if same_boot {
        // First the host itself, lest it start something anew.
        if let Some(host) = account.launching.as_ref().map(|l| l.host).filter(|h| h.is_alive()) {
            proc::signal(host.pid, Signal::KILL);
        }
        known.extend(&account.seen);
    }
    let session = started.map(|s| (s.pid, s.start_time));
    let begun = Instant::now();
    let (term_until, give_up) = (begun + MAX_GRACE.min(Duration::from_millis(grace)), begun + GIVE_UP);
    let mut swept = BTreeSet::new();
    let mut asked = BTreeSet::new();
    loop {
        let left = survivors(&run, session, &known);
        swept.extend(&left);
        let now = Instant::now();
        if left.is_empty() || now > give_up {
            return swept.into_iter().collect();
        }
        for pid in left {
            if now >= term_until {
                proc::signal(pid, Signal::KILL);
            } else if asked.insert(pid) {
                proc::signal(pid, Signal::TERM);
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Processes of the run: by their marker, by their session, by having been seen, or as its host.
fn survivors(run: &str, session: Option<(i32, u64)>, known: &[ProcessId]) -> Vec<i32> {
    let me = std::process::id().cast_signed();
    proc::all()
        .filter(|&pid| pid != me)
        .filter(|&pid| {
            let Some(stat) = proc::stat(pid).filter(|s| s.state != b'Z') else { return false };
            // A session outlives its leader, and its number is not given away before.
            session.is_some_and(|(leader, since)| stat.session == leader && stat.start_time >= since)
                || known.contains(&ProcessId { pid, start_time: stat.start_time })
                || proc::has_marker(pid, run)
                || proc::is_host_of(pid, run)
        })
        .collect()
}
