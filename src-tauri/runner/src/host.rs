//! One host per run: the small process that executes an agent's command and outlives this program.
//!
//! [`launch`] starts a host and hands it the [`LaunchSpec`] over a socket pair, so nothing secret is on
//! disk. The host answers with [`HostEvent`]s, writes the run's log and its journal, and stays after the end
//! until [`HostControl::finish`] or a bounded time. [`adopt`] finds it again after a restart, or says how
//! the run ended without us. To run once more within the same run (a forgotten session), `finish` and
//! `launch` again with the same run folder: log and journal continue, `attempt` goes up.

mod adopt;
mod client;
mod journal;
mod proc;
mod protocol;
pub mod redact;
mod runtime_dir;
mod sandbox;
mod serve;
mod writer;

pub use adopt::{Adoption, LostReport, adopt};
pub use client::{HostControl, HostError, HostHandle, HostLauncher, launch};
pub use proc::RUN_MARKER;
pub use protocol::{
    ExitReport, HostEvent, Kill, KillCause, LaunchSpec, Progress, Sandbox, SandboxLevel, SandboxPolicy,
    SpawnFailure, SpawnFailureKind, Started,
};
pub use serve::serve;

/// Ends a process group that this program leads no run host for: the command of a probe.
pub(crate) fn kill_group(pgid: i32) {
    proc::signal_group(pgid, rustix::process::Signal::KILL);
}
