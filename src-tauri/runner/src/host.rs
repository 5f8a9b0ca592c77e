//! One host per run: the small process that executes an agent's command and outlives this program.
//!
//! [`launch`] starts a host and hands it the [`LaunchSpec`] over a socket pair, so nothing secret is on
//! disk. The host answers with [`HostEvent`]s, writes the run's log and its journal, and stays after the end
//! until [`HostControl::finish`] or a bounded time. [`adopt`] finds it again after a restart, or says how
//! the run ended without us. To run once more within the same run (a forgotten session), `finish` and
//! `launch` again with the same run folder: log and journal continue, `attempt` goes up.
//!
//! A host needs what only Linux has: to adopt the descendants of its command, to know processes by `/proc`, and to
//! cover the data folder. On other systems `elsewhere` stands in its place and says that it is not there yet.

#[cfg(target_os = "linux")]
mod adopt;
#[cfg(target_os = "linux")]
mod client;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod journal;
mod launcher;
#[cfg(target_os = "linux")]
mod proc;
mod protocol;
pub mod redact;
#[cfg(target_os = "linux")]
mod runtime_dir;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
mod serve;
#[cfg(target_os = "linux")]
mod writer;

#[cfg(target_os = "linux")]
pub use adopt::adopt;
#[cfg(target_os = "linux")]
pub use client::{HostControl, HostHandle, launch};
#[cfg(not(target_os = "linux"))]
pub use elsewhere::processes_beside;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{HostControl, HostHandle, adopt, launch, serve};
pub use launcher::{Adoption, HostError, HostLauncher, LostReport};
#[cfg(target_os = "linux")]
pub use proc::processes_beside;
pub use protocol::{
    ExitReport, HostEvent, Kill, KillCause, LINGER, LaunchSpec, Progress, RUN_MARKER, Sandbox, SandboxLevel,
    SandboxPolicy, SpawnFailure, SpawnFailureKind, Started,
};
#[cfg(target_os = "linux")]
pub use serve::serve;
