//! The contract between the control plane and the command lines that agents are made of.

mod claude;
mod config;
mod context;
mod demo;
pub mod env;
mod form;
mod lines;
mod outcome;
mod probe;
mod process;
pub mod prompt;
#[cfg(test)]
mod testing;
mod verdict;

use std::future::Future;
use std::pin::Pin;

use contract::adapter::{AdapterDetection, AdapterInfo, AdapterModel, EnvironmentTest};
use contract::transcript::EntryBody;
use contract::{JsonObject, Timestamp};

pub use context::*;
pub use contract::cost::BillingType;
pub use outcome::*;

use crate::host::ExitReport;
use crate::log::LogLine;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a run could not be prepared. The run fails with `code` and the message; nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A setting is missing or has the wrong type.
    #[error("{message}")]
    Config { code: &'static str, message: String },
    /// The command was not found; the sentence says where it was looked for.
    #[error("{0}")]
    CommandMissing(String),
    #[error("cannot prepare {what}: {source}")]
    Io { what: String, source: std::io::Error },
}

impl AdapterError {
    /// Stable word for the run's `errorCode`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Config { code, .. } => code,
            Self::CommandMissing(_) => "command_not_found",
            Self::Io { .. } => "adapter_failed",
        }
    }
}

/// One kind of agent.
pub trait Adapter: Send + Sync {
    /// The word in `adapterType`.
    fn kind(&self) -> &'static str;

    /// What lists and forms show.
    fn info(&self) -> AdapterInfo;

    /// What to start for this run. Creates the agent's folder and what the command reads; starts nothing.
    /// Blocking: reads and writes files.
    fn prepare(&self, run: &RunContext) -> Result<Invocation, AdapterError>;

    /// A reader of this adapter's output. Give it every log line in order, from the first.
    fn parser(&self) -> Box<dyn OutputParser>;

    /// What became of the run. `carry` is [`Invocation::carry`] of the attempt that ended; the caller keeps
    /// it with the run, so that a run adopted after a restart is judged like any other. `now` anchors
    /// reset times that the output gives as a clock time.
    fn conclude(&self, carry: &JsonObject, parsed: &Parsed, exit: &ExitReport, now: Timestamp) -> Conclusion;

    /// The account with a provider that runs with these settings use, so that all of them wait while the provider
    /// turns it away. Nothing that is secret can be read off it. `None`: no provider is known.
    fn account(&self, _config: &JsonObject) -> Option<String> {
        None
    }

    /// Who is paid for the run. `carry` is [`Invocation::carry`] of the attempt at work.
    fn payee(&self, _carry: &JsonObject) -> Payee {
        Payee { provider: self.kind().into(), biller: "unknown".into(), billing: BillingType::Unknown }
    }

    /// Whether its agents speak for themselves on their issues. What others leave undone is not asked of them.
    fn reports(&self) -> bool {
        true
    }

    /// Which executable would be started, and why. `command` overrides the adapter's own.
    fn detect<'a>(&'a self, command: Option<&'a str>) -> BoxFuture<'a, AdapterDetection>;

    /// Whether these settings would work on this machine. Bounded by a deadline of its own.
    fn test_environment<'a>(&'a self, probe: &'a ProbeContext) -> BoxFuture<'a, EnvironmentTest>;

    /// Models to choose from; `refresh` passes over the cache. Never fails: a fixed list is the last resort.
    fn models<'a>(&'a self, probe: &'a ProbeContext, refresh: bool) -> BoxFuture<'a, Vec<AdapterModel>>;
}

/// Reads one run's output as it arrives.
pub trait OutputParser: Send {
    /// What this line shows in a transcript: nothing, one entry or several.
    fn line(&mut self, line: &LogLine) -> Vec<EntryBody>;

    /// Everything understood so far.
    fn parsed(&self) -> &Parsed;

    /// What became known of the use of models since this was asked last. Empty where output does not tell.
    fn metered(&mut self) -> Vec<Metered> {
        Vec::new()
    }
}

/// Every adapter of this program, by type.
pub struct Registry {
    adapters: Vec<Box<dyn Adapter>>,
}

impl Registry {
    pub fn get(&self, kind: &str) -> Option<&dyn Adapter> {
        self.iter().find(|a| a.kind() == kind)
    }

    /// In the order in which a person should see them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Adapter> {
        self.adapters.iter().map(|a| &**a)
    }
}

/// The built-in adapters.
pub fn adapters() -> &'static Registry {
    static REGISTRY: std::sync::LazyLock<Registry> = std::sync::LazyLock::new(|| Registry {
        adapters: vec![
            Box::new(claude::ClaudeAdapter),
            Box::new(process::ProcessAdapter),
            Box::new(demo::DemoAdapter),
        ],
    });
    &REGISTRY
}
