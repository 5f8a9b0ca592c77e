//! The journal of a run: each step is written down before the next is taken.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use contract::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

use super::proc::ProcessId;
use super::protocol::{ExitReport, Kill, Started};

const FILE: &str = "journal.ndjson";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Launching {
    pub attempt: u32,
    pub run_id: RunId,
    pub host: ProcessId,
    pub boot_id: String,
    pub socket: PathBuf,
    /// For the sweep, should the host be lost.
    pub grace_ms: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Launching(Launching),
    Started(Started),
    /// Descendants that left the command's session, so that they are found even without their host.
    Seen(Vec<ProcessId>),
    Kill(Kill),
    LogTruncated(String),
    /// The command itself is gone; its descendants may not be.
    Exited {
        code: Option<i32>,
        signal: Option<String>,
    },
    /// Nothing is left.
    Ended(Box<ExitReport>),
}

#[derive(Serialize, Deserialize)]
struct Entry<S> {
    ts: Timestamp,
    #[serde(flatten)]
    step: S,
}

pub struct Journal {
    file: File,
    len: u64,
}

impl Journal {
    /// Opens the journal for appending. A line torn by a crash is closed, so that it harms no other.
    pub fn open(run_dir: &Path) -> io::Result<Self> {
        let path = run_dir.join(FILE);
        let torn = std::fs::read(&path).is_ok_and(|text| text.last().is_some_and(|&b| b != b'\n'));
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        if torn {
            file.write_all(b"\n")?;
        }
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }

    pub fn record(&mut self, ts: Timestamp, step: &Step) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Entry { ts, step })?;
        line.push(b'\n');
        if let Err(e) = self.file.write_all(&line) {
            // Half a line would spoil the next one too.
            let _ = self.file.set_len(self.len);
            return Err(e);
        }
        self.len += line.len() as u64;
        Ok(())
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// What the journal says of the last attempt.
#[derive(Debug, Default)]
pub struct Account {
    pub launching: Option<Launching>,
    pub started: Option<Started>,
    pub seen: Vec<ProcessId>,
    pub ended: Option<Box<ExitReport>>,
}

/// Reads the journal of a run folder; lines that are not understood (torn, or of a newer version) are
/// passed over.
pub fn read(run_dir: &Path) -> io::Result<Account> {
    let text = match std::fs::read(run_dir.join(FILE)) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(e),
    };
    let mut account = Account::default();
    for line in text.split(|&b| b == b'\n') {
        let Ok(entry) = serde_json::from_slice::<Entry<Step>>(line) else { continue };
        match entry.step {
            Step::Launching(launching) => {
                account = Account { launching: Some(launching), ..Account::default() }
            }
            Step::Started(started) => account.started = Some(started),
            Step::Seen(seen) => account.seen.extend(seen),
            Step::Ended(report) => account.ended = Some(report),
            Step::Kill(_) | Step::LogTruncated(_) | Step::Exited { .. } => {}
        }
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launching(attempt: u32) -> Step {
        Step::Launching(Launching {
            attempt,
            run_id: RunId(Default::default()),
            host: ProcessId { pid: 7, start_time: 9 },
            boot_id: "b".into(),
            socket: "/s".into(),
            grace_ms: 1,
        })
    }

    #[test]
    fn a_torn_line_is_passed_over_and_spoils_nothing_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(0);
        Journal::open(dir.path()).unwrap().record(now, &launching(1)).unwrap();
        let mut raw = OpenOptions::new().append(true).open(dir.path().join(FILE)).unwrap();
        raw.write_all(br#"{"ts":"2026-01-01T00:00:00.000Z","ex"#).unwrap();
        let seen = vec![ProcessId { pid: 3, start_time: 4 }];
        Journal::open(dir.path()).unwrap().record(now, &Step::Seen(seen.clone())).unwrap();
        let account = read(dir.path()).unwrap();
        assert_eq!(account.launching.unwrap().attempt, 1);
        assert_eq!(account.seen, seen);
    }

    #[test]
    fn a_new_attempt_forgets_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        let now = Timestamp::from_millis(0);
        journal.record(now, &launching(1)).unwrap();
        journal.record(now, &Step::Seen(vec![ProcessId { pid: 3, start_time: 4 }])).unwrap();
        journal.record(now, &launching(2)).unwrap();
        let account = read(dir.path()).unwrap();
        assert_eq!(account.launching.unwrap().attempt, 2);
        assert!(account.seen.is_empty());
    }
}
