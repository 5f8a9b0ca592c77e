//! The built-in agent: works an issue over the HTTP door with what its environment tells it, as any agent
//! does, and needs no account. Its transcript has the form of Claude Code's.

mod http;
mod plan;
mod voice;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

/// How the agent was asked to behave.
struct Manner {
    /// Between two steps, so that they can be watched.
    pace: Duration,
    /// Ask the operator once before finishing.
    asks: bool,
    /// Cents that each message claims to cost.
    cost: f64,
}

/// The program behind the hidden subcommand `paperclip demo-agent`. Arguments: `--pace=<milliseconds>`,
/// `--no-question`, `--cost=<cents>`.
pub fn serve(args: impl Iterator<Item = OsString>) -> ExitCode {
    let mut manner = Manner { pace: Duration::from_millis(250), asks: true, cost: 0.0 };
    for arg in args {
        let arg = arg.to_string_lossy();
        if let Some(pace) = arg.strip_prefix("--pace=").and_then(|ms| ms.parse().ok()) {
            manner.pace = Duration::from_millis(pace);
        } else if let Some(cost) = arg.strip_prefix("--cost=").and_then(|c| c.parse().ok()) {
            manner.cost = cost;
        } else if arg == "--no-question" {
            manner.asks = false;
        }
    }
    let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let mut voice = voice::Voice::new(manner.pace, manner.cost, &var("PAPERCLIP_RUN_ID").unwrap_or_default());
    voice.begin();
    let outcome =
        http::Door::from_env(&var).and_then(|door| work::heartbeat(&door, &mut voice, &manner, &var));
    match outcome {
        Ok(summary) => {
            voice.end(&summary, false);
            ExitCode::SUCCESS
        }
        Err(error) => {
            voice.end(&error.to_string(), true);
            ExitCode::FAILURE
        }
    }
}
