//! Systems that have no run host yet. Whoever would start a run is told so; there is no run to follow or to find.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::{Adoption, HostError, HostEvent, HostLauncher, KillCause, LaunchSpec};

/// No host is ever started, so there is none to hold.
pub struct HostHandle(Infallible);

/// Nor is there one to command.
#[derive(Clone)]
pub struct HostControl(Infallible);

impl HostHandle {
    pub async fn next_event(&mut self) -> Result<HostEvent, HostError> {
        match self.0 {}
    }

    pub fn control(&self) -> HostControl {
        match self.0 {}
    }
}

impl HostControl {
    pub async fn kill(
        &self,
        _cause: KillCause,
        _reason: Option<String>,
        _grace: Option<Duration>,
    ) -> Result<(), HostError> {
        match self.0 {}
    }

    pub async fn finish(&self) -> Result<(), HostError> {
        match self.0 {}
    }
}

pub async fn launch(_launcher: &HostLauncher, _spec: LaunchSpec) -> Result<HostHandle, HostError> {
    Err(HostError::NotSupported)
}

pub async fn adopt(_run_dir: &Path) -> Result<Adoption, HostError> {
    Err(HostError::NotSupported)
}

/// Nobody counts them here.
pub const fn processes_beside(_pid: i32) -> Option<u32> {
    None
}

pub fn serve(_args: impl Iterator<Item = OsString>) -> ExitCode {
    let _ = writeln!(std::io::stderr().lock(), "paperclip: {}", HostError::NotSupported);
    ExitCode::from(2)
}
