//! Runs, from the queue to their end.

mod adopt;
mod bare;
mod cancel;
#[cfg(test)]
mod dying;
mod execute;
mod finish;
mod patience;
mod prepare;
mod queue;
#[cfg(test)]
mod tests;

use runner::host::HostControl;
use tokio::sync::watch;

pub(crate) use cancel::Kill;
pub(crate) use execute::CARRY;
#[cfg(test)]
pub(crate) use finish::End;

/// A run whose host this program follows.
pub(crate) struct LiveRun {
    /// Commands the host; absent until it has been started.
    pub control: Option<HostControl>,
    /// Log lines written so far.
    pub progress: watch::Sender<u64>,
    /// Set when somebody asked for the end, so that a host which starts late is told at once.
    pub stop_reason: watch::Sender<Option<String>>,
}

impl LiveRun {
    fn new() -> Self {
        Self { control: None, progress: watch::Sender::new(0), stop_reason: watch::Sender::new(None) }
    }
}
