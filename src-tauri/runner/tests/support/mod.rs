//! A data folder, and hosts that are started for real.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::{JsonObject, RunId};
use runner::adapter::{Invocation, StopSignal};
use runner::host::{ExitReport, HostEvent, HostHandle, HostLauncher, LaunchSpec, Started, launch};
use runner::log::{LogLine, RunLog};

pub const LONG: Duration = Duration::from_secs(120);

pub fn host_binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_runner-test-host"))
}

pub fn launcher() -> HostLauncher {
    HostLauncher::new(host_binary())
}

pub struct Place {
    pub dir: tempfile::TempDir,
    pub run_id: RunId,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap(), run_id: RunId(uuid::Uuid::new_v4()) };
        std::fs::create_dir_all(place.work()).unwrap();
        std::fs::create_dir_all(place.data()).unwrap();
        std::fs::write(place.data().join("operator-token"), "the-operators-token").unwrap();
        place
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub fn run_dir(&self) -> PathBuf {
        self.data().join("runs/company").join(self.run_id.to_string())
    }

    pub fn spec(&self, program: &str, args: &[&str]) -> LaunchSpec {
        LaunchSpec::new(self.run_id, self.run_dir(), self.data(), invocation(program, args, &self.work()))
    }

    pub fn shell(&self, script: &str) -> LaunchSpec {
        self.spec("/bin/bash", &["-c", script])
    }

    pub fn log(&self) -> RunLog {
        RunLog::open(&self.run_dir()).unwrap()
    }

    pub fn lines(&self) -> Vec<LogLine> {
        self.log().read_lines(0, usize::MAX).unwrap()
    }

    pub fn text(&self) -> String {
        self.lines().iter().map(|l| l.chunk.as_str()).collect()
    }

    pub fn journal(&self) -> String {
        std::fs::read_to_string(self.run_dir().join("journal.ndjson")).unwrap_or_default()
    }

    /// Processes that carry this run's marker.
    pub fn survivors(&self) -> Vec<i32> {
        let marker = format!("RUN_HOST_ID={}", self.run_id);
        pids()
            .filter(|pid| {
                std::fs::read(format!("/proc/{pid}/environ"))
                    .is_ok_and(|env| env.split(|&b| b == 0).any(|v| v == marker.as_bytes()))
            })
            .filter(|pid| is_alive(*pid))
            .collect()
    }
}

pub fn invocation(program: &str, args: &[&str], cwd: &Path) -> Invocation {
    Invocation {
        program: program.into(),
        args: args.iter().map(ToString::to_string).collect(),
        cwd: cwd.to_owned(),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]),
        stdin: None,
        redact: Vec::new(),
        stop: StopSignal::Term,
        terminal: None,
        timeout: None,
        silence: None,
        max_processes: runner::adapter::MAX_PROCESSES,
        grace: Duration::from_secs(5),
        expose: Vec::new(),
        expose_read_only: Vec::new(),
        carry: JsonObject::new(),
        notes: Vec::new(),
        secret_env: Vec::new(),
    }
}

pub fn pids() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok())
}

/// Exists and is no zombie.
pub fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

pub async fn run(spec: LaunchSpec) -> ExitReport {
    let mut handle = launch(&launcher(), spec).await.unwrap();
    let report = exited(&mut handle).await;
    handle.control().finish().await.unwrap();
    report
}

pub async fn exited(handle: &mut HostHandle) -> ExitReport {
    loop {
        if let HostEvent::Exited(report) = event(handle).await {
            return *report;
        }
    }
}

pub async fn started(handle: &mut HostHandle) -> Started {
    loop {
        match event(handle).await {
            HostEvent::Started(started) => return started,
            HostEvent::Exited(report) => panic!("ended before it started: {report:?}"),
            HostEvent::Progress(_) => {}
        }
    }
}

pub async fn event(handle: &mut HostHandle) -> HostEvent {
    tokio::time::timeout(LONG, handle.next_event()).await.expect("the host says nothing").unwrap()
}

/// Waits until `condition` holds; the deadline only catches what would hang.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = std::time::Instant::now() + LONG;
    while !condition() {
        assert!(std::time::Instant::now() < give_up, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn parent_of(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Kills a host outright, and waits until nothing more comes from it.
pub async fn kill_host(handle: &mut HostHandle, host: i32) {
    assert!(std::process::Command::new("kill").args(["-9", &host.to_string()]).status().unwrap().success());
    while handle.next_event().await.is_ok() {}
    until("the host is gone", || !is_alive(host)).await;
}

/// Waits until the host of a run that was dismissed has left.
pub async fn host_left(place: &Place) {
    let run = place.run_id.to_string();
    until("the host leaves", || {
        !pids().any(|p| {
            std::fs::read_to_string(format!("/proc/{p}/cmdline"))
                .is_ok_and(|c| c.contains("run-host") && c.contains(&run))
        })
    })
    .await;
}
