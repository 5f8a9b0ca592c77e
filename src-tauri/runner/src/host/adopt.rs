//! Finding a run again after a restart.

use std::path::Path;

use super::client::{HostError, HostHandle};
use super::protocol::{ExitReport, Progress, Started};

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

/// Finds out what became of the run in this folder, and ends what is left of it when its host is gone.
pub async fn adopt(_run_dir: &Path) -> Result<Adoption, HostError> {
    Err(HostError::Gone)
}
