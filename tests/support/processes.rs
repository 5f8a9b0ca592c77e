//! Processes: ends those a test started, and finds those it left behind.

use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A child that does not outlive the test.
pub struct Kept(pub Child);

impl Kept {
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.0.id().cast_signed()).unwrap();
        let _ = kill_process(pid, signal);
    }

    pub async fn ended(&mut self, at_most: Duration) -> ExitStatus {
        let deadline = Instant::now() + at_most;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "process {} did not end within {at_most:?}", self.0.id());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that has to do with a place: it has the place's path in its command line or environment, or works in it.
#[derive(Debug)]
pub struct Found {
    pub pid: u32,
    pub command: String,
}

/// The live processes of a place.
pub fn of(place: &Path) -> Vec<Found> {
    let needle = place.to_string_lossy();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        if pid == std::process::id() {
            continue;
        }
        let read = |name: &str| {
            let bytes = std::fs::read(entry.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let stat = read("stat");
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        if matches!(state, None | Some('Z' | 'X')) {
            continue;
        }
        let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let command = read("cmdline");
        if command.contains(&*needle) || cwd.starts_with(place) || read("environ").contains(&*needle) {
            found.push(Found { pid, command });
        }
    }
    found
}

/// Waits until nothing of a place runs but what is named in `spared`.
pub async fn assert_none_left(place: &Path, spared: &[u32], at_most: Duration) {
    let deadline = Instant::now() + at_most;
    loop {
        let mut left = of(place);
        left.retain(|p| !spared.contains(&p.pid));
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still running after {at_most:?}: {left:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until nothing of a place runs but hosts of runs, which wait to be asked how their run ended.
pub async fn assert_none_left_but_hosts(place: &Path, at_most: Duration) {
    let deadline = Instant::now() + at_most;
    loop {
        let mut left = of(place);
        left.retain(|p| !p.command.contains("run-host"));
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still running after {at_most:?}: {left:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Ends one of the processes that [`of`] found.
pub fn kill(pid: u32) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
