//! The program's side of a host.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::protocol::{HostEvent, KillCause, LaunchSpec};

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
}

/// Starts a host, which starts the command at once. Returns when the spec has been handed over.
pub async fn launch(_launcher: &HostLauncher, _spec: LaunchSpec) -> Result<HostHandle, HostError> {
    Err(HostError::Gone)
}

/// A connection to a live host. Dropping it leaves the host and its run alone.
pub struct HostHandle {
    control: HostControl,
}

impl HostHandle {
    /// The next thing the host tells. Safe to cancel. After `Exited` nothing follows until `finish`.
    pub async fn next_event(&mut self) -> Result<HostEvent, HostError> {
        Err(HostError::Gone)
    }

    /// The commanding half, to be kept where events are not awaited.
    pub fn control(&self) -> HostControl {
        self.control.clone()
    }
}

/// Commands a host.
#[derive(Clone)]
pub struct HostControl {}

impl HostControl {
    /// Begins the kill ladder; `grace` replaces the invocation's. `Exited` follows. The first cause is kept.
    pub async fn kill(
        &self,
        _cause: KillCause,
        _reason: Option<String>,
        _grace: Option<Duration>,
    ) -> Result<(), HostError> {
        Err(HostError::Gone)
    }

    /// The end is recorded: the host may leave. Kills nothing; a host whose run is live stays.
    pub async fn finish(&self) -> Result<(), HostError> {
        Err(HostError::Gone)
    }
}
