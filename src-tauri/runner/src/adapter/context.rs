//! What an adapter is given.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use contract::{AgentId, CompanyId, JsonObject, RunId};
use serde::{Deserialize, Serialize};

/// The parts a prompt is put together from, already rendered. Empty parts are dropped.
#[derive(Clone, Debug, Default)]
pub struct PromptParts {
    /// Only for a fresh session.
    pub bootstrap: String,
    /// The wake, headed for an agent that knows nothing yet.
    pub wake_fresh: String,
    /// The wake, headed as a change since the session's last turn.
    pub wake_resumed: String,
    /// Note that carries an older session's state into a new one.
    pub session_handoff: String,
    /// The issue as Markdown.
    pub task: String,
    /// The standing instructions of a heartbeat; left out when a session is resumed with a wake.
    pub heartbeat: String,
}

/// The agent's instruction file. Its text goes into the prompt bundle; its folder is told to the agent,
/// so that files named relative to it can be read.
#[derive(Clone, Debug)]
pub struct Instructions {
    pub path: PathBuf,
    pub text: String,
}

/// A skill folder to hand to the agent.
#[derive(Clone, Debug)]
pub struct SkillMount {
    /// Folder name under which the agent sees it.
    pub name: String,
    /// A folder with a `SKILL.md`.
    pub source: PathBuf,
}

/// Everything a run is made of. The engine fills it; the adapter turns it into an [`Invocation`].
#[derive(Clone, Debug)]
pub struct RunContext {
    pub run_id: RunId,
    pub agent_id: AgentId,
    pub agent_name: String,
    pub company_id: CompanyId,
    /// `adapterConfig` with secrets resolved.
    pub config: JsonObject,
    /// `sessionParams` of the last run on this task; absent for a fresh session.
    pub session: Option<JsonObject>,
    pub prompt: PromptParts,
    /// The wake and workspace variables (`PAPERCLIP_TASK_ID`, `PAPERCLIP_WAKE_REASON`, …). The adapter adds
    /// those that every run gets, and leaves these out where its type gets none.
    pub env: BTreeMap<String, String>,
    /// Variables of the project or routine, laid over the agent's own; `PAPERCLIP_*` in them is ignored.
    pub env_overlay: BTreeMap<String, String>,
    /// Becomes `PAPERCLIP_API_KEY`.
    pub run_token: Option<String>,
    /// Base URL of the HTTP door.
    pub api_url: String,
    /// The workspace's folder, when the wake has one that is not merely the agent's home.
    pub workspace_cwd: Option<PathBuf>,
    /// The agent's own folder; the working folder when nothing else is given.
    pub agent_home: PathBuf,
    /// Folder for prompt bundles of this company; content-addressed below it.
    pub bundle_root: PathBuf,
    pub instructions: Option<Instructions>,
    pub skills: Vec<SkillMount>,
    /// This program's command line (`paperclip`) with the arguments that make it the demo agent; see
    /// [`crate::host::HostLauncher::demo_agent`].
    pub demo_agent: Vec<std::ffi::OsString>,
    /// Values known to be secret beyond those the adapter sees itself.
    pub secrets: Vec<String>,
}

/// What to test or ask an adapter outside of a run.
#[derive(Clone, Debug)]
pub struct ProbeContext {
    /// `adapterConfig` with secrets resolved.
    pub config: JsonObject,
    /// A folder for the probe to run in.
    pub cwd: PathBuf,
}

/// How to start one attempt of a run. Holds secrets: it goes to the host over a pipe, never to a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// As found on the PATH.
    pub program: PathBuf,
    pub args: Vec<String>,
    /// Absolute.
    pub cwd: PathBuf,
    /// The whole environment of the child.
    pub env: BTreeMap<String, String>,
    pub stdin: Option<String>,
    /// Values that are masked wherever they show up in the output.
    pub redact: Vec<String>,
    pub stop: StopSignal,
    /// Ends the run when the agent has said its last word and lingers.
    pub terminal: Option<TerminalMarker>,
    /// No limit when absent.
    pub timeout: Option<Duration>,
    /// Ends a run that writes nothing for this long.
    pub silence: Option<Duration>,
    /// Processes of the run at once; more end it.
    #[serde(default = "max_processes")]
    pub max_processes: u32,
    /// From the first signal to the last.
    pub grace: Duration,
    /// Paths that the agent may reach although they lie within the program's data folder.
    pub expose: Vec<PathBuf>,
    /// Likewise, but only to read: what the program itself will read again.
    #[serde(default)]
    pub expose_read_only: Vec<PathBuf>,
    /// Not secret; the caller keeps it with the run for [`super::Adapter::conclude`].
    pub carry: JsonObject,
    /// What a person should know about how the command was put together.
    pub notes: Vec<String>,
    /// The names in `env` that must not be shown.
    pub secret_env: Vec<String>,
}

/// Processes that a run may have at once unless its agent's settings say otherwise: a parallel build of a large program
/// stays well below, a run that spawns without end reaches it within seconds.
pub const MAX_PROCESSES: u32 = 1000;

const fn max_processes() -> u32 {
    MAX_PROCESSES
}

/// The first signal of the kill ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopSignal {
    #[default]
    Term,
    /// Some command lines stop their tools only on an interrupt.
    Int,
}

/// Recognises the last line of an agent's output: a JSON object whose top-level `key` is `value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalMarker {
    pub key: String,
    pub value: String,
    /// How long the command may linger after that line.
    pub grace: Duration,
}

impl Invocation {
    /// A command that is told to stop in the usual way, without arguments, input or limits.
    pub fn plain(program: PathBuf, cwd: PathBuf, env: super::env::ChildEnv) -> Self {
        Self {
            program,
            args: Vec::new(),
            cwd,
            env: env.vars,
            stdin: None,
            redact: env.redact,
            stop: StopSignal::default(),
            terminal: None,
            timeout: None,
            silence: None,
            max_processes: MAX_PROCESSES,
            grace: Duration::ZERO,
            expose: Vec::new(),
            expose_read_only: Vec::new(),
            carry: JsonObject::new(),
            notes: Vec::new(),
            secret_env: env.secret_names,
        }
    }

    /// The payload of the run event `adapter.invoke`: everything but secrets.
    pub fn describe(&self, adapter_type: &str) -> JsonObject {
        let env: JsonObject = self
            .env
            .iter()
            .map(|(k, v)| {
                let shown = if self.secret_env.contains(k) || super::env::is_secret_name(k) {
                    super::env::MASK
                } else {
                    v.as_str()
                };
                (k.clone(), self.masked(shown).into())
            })
            .collect();
        let serde_json::Value::Object(payload) = serde_json::json!({
            "adapterType": adapter_type,
            "command": self.program,
            "cwd": self.cwd,
            "commandArgs": self.args.iter().map(|a| self.masked(a)).collect::<Vec<_>>(),
            "commandNotes": self.notes,
            "env": env,
            "prompt": self.stdin.as_deref().map(|p| self.masked(p)),
            "promptMetrics": { "chars": self.stdin.as_ref().map_or(0, |p| p.chars().count()) },
        }) else {
            return JsonObject::new();
        };
        payload
    }

    fn masked(&self, text: &str) -> String {
        crate::host::redact::Redactor::new(&self.redact).mask_str(text)
    }
}
