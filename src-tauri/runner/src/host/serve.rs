//! The host process itself: one thread that polls, and one that waits for processes to end.

mod clients;
mod crowd;
mod events;
mod ladder;
mod output;
mod reaper;
mod spawn;
mod streams;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use contract::Timestamp;

use super::protocol::{ExitReport, HostEvent, LaunchSpec, Progress, Request, SpawnFailure, SpawnFailureKind};
use events::Host;

/// How long a host waits for its launch spec.
const SPEC_DEADLINE: Duration = Duration::from_secs(20);

/// The program behind the hidden subcommand `paperclip run-host`. Reads its launch spec from stdin, which is
/// a socket and remains the connection to whoever launched it.
pub fn serve(_args: impl Iterator<Item = OsString>) -> ExitCode {
    match receive() {
        Ok((spec, launcher, said)) => run(spec, launcher, said),
        Err(_) => ExitCode::from(2),
    }
}

fn receive() -> io::Result<(LaunchSpec, UnixStream, Vec<u8>)> {
    close_inherited_on_exec();
    // Away from the program's session and its folder, so that neither takes the host down.
    rustix::process::setsid()?;
    std::env::set_current_dir("/")?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let launcher = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    launcher.set_read_timeout(Some(SPEC_DEADLINE))?;
    let mut line = String::new();
    let mut reader = BufReader::new(&launcher);
    reader.read_line(&mut line)?;
    // The launcher may have said more already, for example that it changed its mind.
    let said = reader.buffer().to_vec();
    match serde_json::from_str(&line)? {
        Request::Launch(spec) => Ok((*spec, launcher, said)),
        Request::Kill { .. } | Request::Finish => Err(io::Error::other("a host begins with a launch")),
    }
}

fn run(spec: LaunchSpec, launcher: UnixStream, said: Vec<u8>) -> ExitCode {
    match prepare_folder(&spec.run_dir).and_then(|()| Host::open(spec, &launcher, said)) {
        Ok(host) => {
            host.run();
            ExitCode::SUCCESS
        }
        Err(e) => {
            // There is no journal to say it in, but the launcher still listens.
            let message = format!("the run host cannot set itself up: {e}");
            let failure = SpawnFailure { kind: SpawnFailureKind::Other, message };
            let event = HostEvent::Exited(Box::new(never_started(failure)));
            let _ = serde_json::to_writer(&launcher, &event);
            ExitCode::FAILURE
        }
    }
}

fn never_started(failure: SpawnFailure) -> ExitReport {
    ExitReport {
        attempt: 1,
        started: None,
        spawn_failure: Some(failure),
        exit_code: None,
        signal: None,
        kill: None,
        at: now(),
        reaped: 0,
        progress: Progress::default(),
        log_truncated: None,
    }
}

fn prepare_folder(run_dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(run_dir)
}

/// Graphical libraries open files without close-on-exec; none of them may reach an agent.
fn close_inherited_on_exec() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = open.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // SAFETY: the number was just listed as open. The one that listed it is closed by now, for which
        // fcntl answers EBADF; nothing else opens or closes files, this process has one thread.
        #[allow(unsafe_code)]
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        let _ = rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC);
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}
