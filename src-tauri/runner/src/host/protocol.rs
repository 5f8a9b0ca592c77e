//! What program and host say to each other: one JSON object a line, in both directions.

use std::path::PathBuf;
use std::time::Duration;

use contract::run::OutputStream;
use contract::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::adapter::Invocation;

/// How long a host stays after the end of its command for somebody to take note of it.
pub const LINGER: Duration = Duration::from_secs(600);

/// The variable that marks every process of a run, whatever the adapter gives it.
pub const RUN_MARKER: &str = "RUN_HOST_ID";

/// Everything a host needs. Carries secrets; written to the host's stdin only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchSpec {
    pub run_id: RunId,
    /// Holds the journal and the log, mode 0700: `<data>/runs/<company>/<run>`. Created if missing.
    pub run_dir: PathBuf,
    /// The program's data folder: hidden from the agent but for [`Invocation::expose`].
    pub data_dir: PathBuf,
    /// What of the data folder this run may be given to write to, whatever the invocation asks for.
    #[serde(default)]
    pub own: Vec<PathBuf>,
    /// What of it this run may be given to read.
    #[serde(default)]
    pub shared: Vec<PathBuf>,
    pub invocation: Invocation,
    pub sandbox: SandboxPolicy,
    /// Bytes after which the log ends and output is only drained.
    pub log_limit: u64,
    /// How long a host waits after the end for `finish`: [`LINGER`], but in tests.
    pub linger: Duration,
}

impl LaunchSpec {
    /// With the defaults of every limit.
    pub fn new(run_id: RunId, run_dir: PathBuf, data_dir: PathBuf, invocation: Invocation) -> Self {
        Self {
            run_id,
            run_dir,
            data_dir,
            own: Vec::new(),
            shared: Vec::new(),
            invocation,
            sandbox: SandboxPolicy::Preferred,
            log_limit: 4 << 30,
            linger: LINGER,
        }
    }
}

/// What to do where the data folder cannot be hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxPolicy {
    /// Do not start.
    Required,
    /// Start, and say so.
    Preferred,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// A mount namespace covers the data folder.
    Namespace,
    None,
}

/// The sandbox that was reached, and why not more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    pub level: SandboxLevel,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    pub pid: i32,
    /// The agent leads a session and a process group of its own.
    pub pgid: i32,
    /// In clock ticks since boot: with the pid, names the process beyond reuse of its number.
    pub start_time: u64,
    pub at: Timestamp,
    pub sandbox: Sandbox,
}

/// How far the log has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub lines: u64,
    pub bytes: u64,
    /// The stream that wrote last.
    pub stream: Option<OutputStream>,
    pub at: Option<Timestamp>,
    /// Why some of it could not be kept. What is not kept is not metered either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillCause {
    /// Somebody asked for it; the reason says who or why.
    Cancelled,
    Timeout,
    /// Nothing was written for too long.
    Silence,
    /// The agent was done and lingered: not a failure.
    TerminalResult,
    /// A budget is spent.
    Budget,
    /// It started more processes than it may.
    Crowd,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kill {
    pub cause: KillCause,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpawnFailureKind {
    CommandMissing,
    CwdMissing,
    NotExecutable,
    /// The policy wants a sandbox that this machine does not allow.
    SandboxUnavailable,
    Other,
}

/// Why nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnFailure {
    pub kind: SpawnFailureKind,
    pub message: String,
}

/// How an attempt ended. Sent when the command and all its descendants are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitReport {
    /// Counted from 1; more when a run was launched again in the same folder.
    pub attempt: u32,
    pub started: Option<Started>,
    pub spawn_failure: Option<SpawnFailure>,
    pub exit_code: Option<i32>,
    /// `SIGTERM` and the like.
    pub signal: Option<String>,
    /// The first reason for which the host ended the command.
    pub kill: Option<Kill>,
    pub at: Timestamp,
    /// Descendants that outlived the command and were reaped.
    pub reaped: u32,
    pub progress: Progress,
    /// Why the log does not hold everything.
    pub log_truncated: Option<String>,
}

/// What a host tells. A client that connects late first gets `Started` (when it has started), the present
/// `Progress`, and `Exited` when it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostEvent {
    Started(Started),
    Progress(Progress),
    /// Nothing of the attempt is left.
    Exited(Box<ExitReport>),
}

/// What a client asks of a host.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// The first line on the host's stdin, and only there.
    Launch(Box<LaunchSpec>),
    Kill {
        cause: KillCause,
        reason: Option<String>,
        grace: Option<Duration>,
    },
    /// The end has been recorded: the host may leave.
    Finish,
}

/// First line on every connection to the named socket.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub run_id: RunId,
}
