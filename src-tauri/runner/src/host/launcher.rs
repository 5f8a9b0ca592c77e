//! How a host is started and found again, in terms that hold on every system.

use std::ffi::OsString;
use std::path::PathBuf;

use super::HostHandle;
use super::protocol::{ExitReport, Progress, Started};

/// How to start a host: this program's command line with its hidden subcommands.
#[derive(Clone, Debug)]
pub struct HostLauncher {
    /// The `paperclip` binary.
    pub program: PathBuf,
    /// What makes it a host: `["run-host"]`.
    pub leading_args: Vec<OsString>,
}

impl HostLauncher {
    /// `program run-host`.
    pub fn new(program: PathBuf) -> Self {
        Self { program, leading_args: vec!["run-host".into()] }
    }

    /// The command of the built-in agent, for [`crate::adapter::RunContext::demo_agent`].
    pub fn demo_agent(&self) -> Vec<OsString> {
        vec![self.program.clone().into_os_string(), "demo-agent".into()]
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("cannot start a run host from {program}: {source}")]
    Start { program: PathBuf, source: std::io::Error },
    /// The host is gone without a word: [`super::adopt`] the run folder to learn what is left.
    #[error("the run host is gone")]
    Gone,
    #[error("the run host said something that is not understood: {0}")]
    Protocol(String),
    #[error("cannot read the run folder {path}: {source}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("runs are not supported on this system yet, only on Linux")]
    NotSupported,
}

/// What is left of a run that this program did not see to its end.
pub enum Adoption {
    /// Its host lives: go on reading events.
    Live(HostHandle),
    /// It ended while nobody looked. The host, if it still waited, has been told to leave.
    Ended(Box<ExitReport>),
    /// Its host is gone without an end (killed, or the machine went down). Nothing of it runs any more.
    Lost(Box<LostReport>),
}

/// A run without its host, after the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostReport {
    /// Absent when the command had not been started yet: starting it again repeats nothing.
    pub started: Option<Started>,
    /// What the log holds.
    pub progress: Progress,
    /// Processes of the run that were still there and have been ended.
    pub swept: Vec<i32>,
    /// A sentence: how it is known that the host is gone.
    pub why: String,
}
