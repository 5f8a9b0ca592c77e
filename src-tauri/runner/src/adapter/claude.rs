//! `claude_local`: Claude Code, driven without a terminal.

mod bundle;
mod check;
mod errors;
mod limits;
mod models;
mod parser;
mod prices;

use std::path::Path;
use std::time::Duration;

use contract::adapter::{
    AdapterCapabilities, AdapterDetection, AdapterInfo, AdapterModel, EnvironmentTest, FieldKind,
};
use contract::{JsonObject, RunId, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub use parser::StreamParser;

use super::env::{Scope, child, configured};
use super::form::{PLAIN, built_in, field, grace, max_processes, timeout};
use super::{
    Adapter, AdapterError, BillingType, BoxFuture, Conclusion, ExitReport, Invocation, Outcome, OutputParser,
    Parsed, Payee, ProbeContext, RunContext, SessionChange, StopSignal, TerminalMarker, config, prompt,
    verdict,
};
use crate::path::find_executable;

pub const COMMAND: &str = "claude";
const VERSION_DEADLINE: Duration = Duration::from_secs(5);
const TERMINAL_GRACE_MS: f64 = 5000.0;

pub struct ClaudeAdapter;

/// What Claude Code always gets, unless an agent's own environment says otherwise.
pub fn standard_env() -> Vec<(String, String)> {
    // Telemetry, update checks and title requests: nothing that the operator asked for.
    let mut env = vec![("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC".to_owned(), "1".to_owned())];
    if crate::platform::is_root() {
        // Without it, Claude Code refuses to run tools as root. The run host is the sandbox.
        env.push(("IS_SANDBOX".to_owned(), "1".to_owned()));
    }
    env
}

/// How the provider is paid, from the environment that the command gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Billing {
    Bedrock,
    Api,
    Subscription,
}

impl Billing {
    fn of<'a>(var: impl Fn(&str) -> Option<&'a str>) -> Self {
        let set = |name: &str| var(name).is_some_and(|v| !v.trim().is_empty());
        if var("CLAUDE_CODE_USE_BEDROCK").is_some_and(|v| matches!(v, "1" | "true"))
            || set("ANTHROPIC_BEDROCK_BASE_URL")
        {
            Self::Bedrock
        } else if set("ANTHROPIC_API_KEY") {
            Self::Api
        } else {
            Self::Subscription
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::Api => "api",
            Self::Subscription => "subscription",
        }
    }
}

impl Adapter for ClaudeAdapter {
    fn kind(&self) -> &'static str {
        "claude_local"
    }

    fn info(&self) -> AdapterInfo {
        let fields = vec![
            field("model", "Model", FieldKind::Model).help("Claude Code's own default unless given.").into(),
            field("effort", "Effort", FieldKind::Select).options(&["low", "medium", "high", "max"]).into(),
            field("dangerouslySkipPermissions", "Work without asking for permissions", FieldKind::Toggle)
                .help("A heartbeat has nobody to ask: switched off, tools that need a permission are denied.")
                .default(true)
                .into(),
            field("cwd", "Working folder", FieldKind::Folder)
                .help("Used when the work brings no workspace. The agent's own folder unless given.")
                .into(),
            field("maxTurnsPerRun", "Most turns in a run", FieldKind::Number).advanced(),
            field("chrome", "Let it use Chrome", FieldKind::Toggle).default(false).advanced(),
            field("command", "Command", FieldKind::Text).default(COMMAND).advanced(),
            field("extraArgs", "Extra arguments", FieldKind::List).help("One a line.").advanced(),
            field("env", "Environment", FieldKind::Env).advanced(),
            timeout(),
            max_processes(),
            grace(20),
        ];
        AdapterInfo {
            models_count: u32::try_from(models::FALLBACK.len()).unwrap_or(0),
            recommended: true,
            capabilities: AdapterCapabilities {
                supports_instructions_bundle: true,
                supports_skills: true,
                supports_local_agent_jwt: true,
                supports_sessions: true,
                supports_models: true,
                ..PLAIN
            },
            ..built_in(
                self.kind(),
                "Claude Code",
                "Anthropic's coding agent on this machine, with your subscription or an API key.",
                fields,
            )
        }
    }

    fn prepare(&self, run: &RunContext) -> Result<Invocation, AdapterError> {
        let command = config::text(&run.config, "command").unwrap_or(COMMAND);
        let cwd = config::cwd(run, [run.workspace_cwd.clone(), config::configured_cwd(&run.config)])?;
        let mut env = child(run, Scope::Full);
        let own = configured(&run.config);
        for (name, value) in standard_env() {
            if !own.contains_key(&name) && !run.env_overlay.contains_key(&name) {
                env.vars.insert(name, value);
            }
        }
        let path = env.vars.get("PATH").map(String::as_str).unwrap_or_default();
        let found = find_executable(command, path.as_ref(), Some(&cwd));
        let program = found.executable.ok_or_else(|| {
            AdapterError::CommandMissing(format!("Command \"{command}\" was not found. {}", found.why))
        })?;
        let bundle = bundle::build(run)?;
        let resumed = resumable(run, &cwd, &bundle.key);
        let billing = Billing::of(|name| env.vars.get(name).map(String::as_str));
        // The bundle is found again by its key, so that no run may change what the next one starts from. An agent
        // changes its instructions by asking the program.
        let mut expose_read_only = vec![bundle.dir.clone()];
        expose_read_only.extend(run.instructions.iter().filter_map(|i| i.path.parent().map(Path::to_owned)));
        Ok(Invocation {
            args: arguments(run, &bundle, resumed.as_deref(), billing),
            carry: carry(run, &cwd, &bundle.key, resumed.as_deref(), billing),
            stdin: Some(prompt::assemble(&run.prompt, resumed.is_some())),
            // On SIGTERM it leaves its tools running; on SIGINT it stops them and says its last word.
            stop: StopSignal::Int,
            terminal: Some(TerminalMarker {
                key: "type".into(),
                value: "result".into(),
                grace: Duration::from_millis(
                    config::number(&run.config, "terminalResultCleanupGraceMs").unwrap_or(TERMINAL_GRACE_MS)
                        as u64,
                ),
            }),
            timeout: config::timeout(&run.config),
            max_processes: config::max_processes(&run.config),
            grace: config::grace(&run.config, 20),
            expose: vec![run.agent_home.clone()],
            expose_read_only,
            notes: vec![found.why, "The prompt goes to the command's standard input.".into()],
            ..Invocation::plain(program, cwd, env)
        })
    }

    fn account(&self, config: &JsonObject) -> Option<String> {
        let own = configured(config);
        let var = |name: &str| own.get(name).cloned().or_else(|| std::env::var(name).ok());
        let billing = Billing::of(|name| own.get(name).map(String::as_str));
        let billing = if matches!(billing, Billing::Subscription) && var("ANTHROPIC_API_KEY").is_some() {
            Billing::Api
        } else {
            billing
        };
        let who = match billing {
            Billing::Api => var("ANTHROPIC_API_KEY"),
            Billing::Bedrock => var("AWS_PROFILE").or_else(|| var("AWS_ACCESS_KEY_ID")),
            Billing::Subscription => var("CLAUDE_CONFIG_DIR").or_else(|| var("HOME")),
        };
        let place = var("ANTHROPIC_BASE_URL").unwrap_or_default();
        let mark = Sha256::digest(format!("{place}\n{}", who.unwrap_or_default()));
        let short: String = mark.iter().take(6).map(|b| format!("{b:02x}")).collect();
        Some(format!("claude:{}:{short}", billing.as_str()))
    }

    fn payee(&self, carry: &JsonObject) -> Payee {
        let (billing, biller) = match config::text(carry, "billing").unwrap_or_default() {
            "bedrock" => (BillingType::MeteredApi, "aws_bedrock"),
            "api" => (BillingType::MeteredApi, "anthropic"),
            "subscription" => (BillingType::SubscriptionIncluded, "anthropic"),
            _ => (BillingType::Unknown, "unknown"),
        };
        Payee { provider: "anthropic".into(), biller: biller.into(), billing }
    }

    fn parser(&self) -> Box<dyn OutputParser> {
        Box::<StreamParser>::default()
    }

    fn conclude(&self, carry: &JsonObject, parsed: &Parsed, exit: &ExitReport, now: Timestamp) -> Conclusion {
        let mut conclusion = verdict::imposed(exit).unwrap_or_else(|| judge(carry, parsed, exit, now));
        let payee = self.payee(carry);
        conclusion.billing_type = payee.billing;
        conclusion.biller = (payee.billing != BillingType::Unknown).then_some(payee.biller);
        conclusion.provider = Some(payee.provider);
        conclusion.model = parsed.model.clone().or_else(|| config::text(carry, "model").map(str::to_owned));
        conclusion.usage = (!parsed.usage.is_zero()).then_some(parsed.usage);
        conclusion.cost_usd = parsed.cost_usd;
        conclusion.result_json = parsed.result_json.clone();
        conclusion.summary = parsed
            .result_text
            .clone()
            .or_else(|| Some(parsed.assistant_text.clone()))
            .map(|s| s.trim().to_owned())
            .filter(|s| !s.is_empty());
        conclusion.session = session(carry, parsed, &conclusion);
        conclusion
    }

    fn detect<'a>(&'a self, command: Option<&'a str>) -> BoxFuture<'a, AdapterDetection> {
        Box::pin(async move {
            let command = command.map(str::trim).filter(|c| !c.is_empty()).unwrap_or(COMMAND);
            let found = find_executable(command, &crate::path::agent_path().await, None);
            let version = match &found.executable {
                Some(file) => version(file).await,
                None => None,
            };
            AdapterDetection {
                r#type: self.kind().into(),
                command: command.into(),
                executable: found.executable.map(|e| e.to_string_lossy().into_owned()),
                version,
                why: found.why,
            }
        })
    }

    fn test_environment<'a>(&'a self, probe: &'a ProbeContext) -> BoxFuture<'a, EnvironmentTest> {
        Box::pin(check::run(probe))
    }

    fn models<'a>(&'a self, probe: &'a ProbeContext, refresh: bool) -> BoxFuture<'a, Vec<AdapterModel>> {
        Box::pin(models::list(&probe.config, refresh))
    }
}

async fn version(file: &Path) -> Option<String> {
    let none = JsonObject::new();
    let asked = super::probe::ask(file, &["--version"], &none, Path::new("/"), "", VERSION_DEADLINE).await;
    let answer = asked.ok().flatten().filter(|a| a.success)?;
    answer.stdout.split_whitespace().next().map(str::to_owned)
}

fn arguments(
    run: &RunContext,
    bundle: &bundle::Bundle,
    resumed: Option<&str>,
    billing: Billing,
) -> Vec<String> {
    let mut args: Vec<String> =
        ["--print", "--output-format", "stream-json", "--verbose"].map(str::to_owned).into();
    let mut pair = |name: &str, value: &str| args.extend([name.to_owned(), value.to_owned()]);
    if let Some(session) = resumed {
        pair("--resume", session);
    }
    // On Bedrock only Bedrock's own model names mean anything.
    let model = config::text(&run.config, "model");
    if let Some(model) = model.filter(|m| billing != Billing::Bedrock || models::is_bedrock(m)) {
        pair("--model", model);
    }
    if let Some(effort) = config::text(&run.config, "effort") {
        pair("--effort", effort);
    }
    if let Some(turns) = config::number(&run.config, "maxTurnsPerRun").filter(|n| *n >= 1.0) {
        pair("--max-turns", &(turns as u64).to_string());
    }
    if let (None, Some(file)) = (resumed, &bundle.instructions) {
        pair("--append-system-prompt-file", &file.to_string_lossy());
    }
    pair("--add-dir", &bundle.dir.to_string_lossy());
    if config::flag(&run.config, "dangerouslySkipPermissions", true) {
        args.push("--dangerously-skip-permissions".into());
    }
    if config::flag(&run.config, "chrome", false) {
        args.push("--chrome".into());
    }
    args.extend(config::list(&run.config, "extraArgs"));
    args
}

/// The session to go on with: it was left in this folder, with this bundle, and its name is one.
fn resumable(run: &RunContext, cwd: &Path, bundle_key: &str) -> Option<String> {
    let saved = run.session.as_ref()?;
    let id = config::text(saved, "sessionId")?;
    let same = |key: &str, now: &str| config::text(saved, key).is_none_or(|then| then == now);
    // Anything but a UUID would be taken for a title and searched for.
    let is_uuid = id.parse::<RunId>().is_ok();
    (is_uuid && same("cwd", &cwd.to_string_lossy()) && same("promptBundleKey", bundle_key))
        .then(|| id.to_owned())
}

/// What `conclude` needs to know of this attempt.
fn carry(
    run: &RunContext,
    cwd: &Path,
    bundle_key: &str,
    resumed: Option<&str>,
    billing: Billing,
) -> JsonObject {
    let mut carry = JsonObject::new();
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            carry.insert(key.into(), value.into());
        }
    };
    put("cwd", Some(&cwd.to_string_lossy()));
    put("promptBundleKey", Some(bundle_key));
    put("resumed", resumed);
    put("billing", Some(billing.as_str()));
    put("model", config::text(&run.config, "model"));
    for (key, var) in [
        ("workspaceId", "PAPERCLIP_WORKSPACE_ID"),
        ("repoUrl", "PAPERCLIP_WORKSPACE_REPO_URL"),
        ("repoRef", "PAPERCLIP_WORKSPACE_REPO_REF"),
    ] {
        put(key, run.env.get(var).map(String::as_str));
    }
    carry
}

/// The conclusion of a run that ended by itself.
fn judge(carry: &JsonObject, parsed: &Parsed, exit: &ExitReport, now: Timestamp) -> Conclusion {
    // Ended for lingering: its last word counts, not how it went.
    let lingered = exit.kill.is_some();
    let problem = if lingered { None } else { verdict::exit_problem(exit) };
    if !parsed.terminal {
        let silent = || "Failed to parse claude JSON output: it ended without a result".to_owned();
        let said = errors::from_stderr(&parsed.stderr_excerpt).or(problem);
        return errors::classify(parsed, said.unwrap_or_else(silent), now);
    }
    if !parsed.is_error && problem.is_none() {
        return Conclusion::of(Outcome::Succeeded);
    }
    let message = errors::message(parsed, problem);
    let mut conclusion = errors::classify(parsed, message, now);
    let unknown_session = errors::is_unknown_session(parsed);
    conclusion.rerun_fresh = unknown_session && carry.contains_key("resumed");
    if unknown_session {
        conclusion.error_code = Some("claude_session_unknown".into());
    }
    conclusion
}

fn session(carry: &JsonObject, parsed: &Parsed, conclusion: &Conclusion) -> SessionChange {
    let code = conclusion.error_code.as_deref();
    // A session at its limit of turns would only hit it again.
    if conclusion.rerun_fresh || matches!(code, Some("claude_session_unknown" | "max_turns_exhausted")) {
        return SessionChange::Clear;
    }
    let Some(id) = parsed.session_id.as_deref() else { return SessionChange::Keep };
    let mut params = JsonObject::new();
    params.insert("sessionId".into(), id.into());
    for key in ["cwd", "promptBundleKey", "workspaceId", "repoUrl", "repoRef"] {
        if let Some(value @ Value::String(_)) = carry.get(key) {
            params.insert(key.into(), value.clone());
        }
    }
    SessionChange::Save { params, display_id: id.to_owned() }
}

#[cfg(test)]
mod tests;
