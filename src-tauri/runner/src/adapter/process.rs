//! `process`: any command. It succeeds when it exits with 0.

use contract::adapter::{
    AdapterCapabilities, AdapterDetection, AdapterInfo, AdapterModel, EnvironmentTest, FieldKind,
};
use contract::run::OutputStream;
use contract::transcript::EntryBody;
use contract::{JsonObject, Timestamp};

use super::env::{Scope, child};
use super::form::field;
use super::lines::keep_excerpt;
use super::probe::Checks;
use super::{
    Adapter, AdapterError, BoxFuture, Conclusion, Invocation, Outcome, OutputParser, Parsed, ProbeContext,
    RunContext, StopSignal, config, verdict,
};
use crate::log::LogLine;
use crate::path::find_executable;

pub struct ProcessAdapter;

impl Adapter for ProcessAdapter {
    fn kind(&self) -> &'static str {
        "process"
    }

    fn info(&self) -> AdapterInfo {
        AdapterInfo {
            r#type: self.kind().into(),
            label: "Process".into(),
            description:
                "Runs any command. It gets its identity but no token, and succeeds when it exits with 0."
                    .into(),
            source: "builtin".into(),
            models_count: 0,
            loaded: true,
            disabled: false,
            recommended: false,
            capabilities: AdapterCapabilities {
                supports_instructions_bundle: false,
                supports_skills: false,
                supports_local_agent_jwt: false,
                requires_materialized_runtime_skills: false,
                supports_sessions: false,
                supports_models: false,
            },
            fields: vec![
                field("command", "Command", FieldKind::Text).required(),
                field("args", "Arguments", FieldKind::List).help("One a line; no shell reads them.").into(),
                field("cwd", "Working folder", FieldKind::Folder)
                    .help("The agent's own folder unless given.")
                    .into(),
                field("env", "Environment", FieldKind::Env).advanced(),
                field("timeoutSec", "Time limit in seconds", FieldKind::Number).default(0).advanced(),
                field("graceSec", "Seconds between asking to stop and killing", FieldKind::Number)
                    .default(15)
                    .advanced(),
            ],
        }
    }

    fn prepare(&self, run: &RunContext) -> Result<Invocation, AdapterError> {
        let command = config::text(&run.config, "command").ok_or_else(|| AdapterError::Config {
            code: "process_command_missing",
            message: "No command is set. Name one in the agent's configuration.".into(),
        })?;
        let cwd = config::cwd(run, [config::configured_cwd(&run.config), run.workspace_cwd.clone()])?;
        let env = child(run, Scope::Identity);
        let path = env.vars.get("PATH").map(String::as_str).unwrap_or_default();
        let found = find_executable(command, path.as_ref(), Some(&cwd));
        let program = found.executable.ok_or_else(|| {
            AdapterError::CommandMissing(format!("Command \"{command}\" was not found. {}", found.why))
        })?;
        Ok(Invocation {
            program,
            args: config::list(&run.config, "args"),
            cwd,
            env: env.vars,
            stdin: None,
            redact: env.redact,
            stop: StopSignal::Term,
            terminal: None,
            timeout: config::timeout(&run.config),
            silence: None,
            grace: config::grace(&run.config, 15),
            expose: vec![run.agent_home.clone()],
            carry: JsonObject::new(),
            notes: vec![found.why],
            secret_env: env.secret_names,
        })
    }

    fn parser(&self) -> Box<dyn OutputParser> {
        Box::<PlainParser>::default()
    }

    fn conclude(
        &self,
        _carry: &JsonObject,
        parsed: &Parsed,
        exit: &super::ExitReport,
        _now: Timestamp,
    ) -> Conclusion {
        let mut conclusion = verdict::imposed(exit).unwrap_or_else(|| match verdict::exit_problem(exit) {
            None => Conclusion::of(Outcome::Succeeded),
            Some(problem) => Conclusion::of(Outcome::Failed).because("adapter_failed", problem),
        });
        conclusion.result_json = Some(verdict::excerpts(parsed));
        conclusion
    }

    fn detect<'a>(&'a self, command: Option<&'a str>) -> BoxFuture<'a, AdapterDetection> {
        Box::pin(async move {
            let command = command.unwrap_or_default().trim();
            let found = if command.is_empty() {
                crate::path::Found { executable: None, why: "No command is set.".into() }
            } else {
                find_executable(command, &crate::path::agent_path().await, None)
            };
            AdapterDetection {
                r#type: self.kind().into(),
                command: command.into(),
                executable: found.executable.map(|e| e.to_string_lossy().into_owned()),
                version: None,
                why: found.why,
            }
        })
    }

    fn test_environment<'a>(&'a self, probe: &'a ProbeContext) -> BoxFuture<'a, EnvironmentTest> {
        Box::pin(async move {
            let mut checks = Checks::new(self.kind());
            let cwd = checks.cwd("process", probe);
            match config::text(&probe.config, "command") {
                None => checks
                    .error("process_command_missing", "No command is set.")
                    .hint("Name the command to run."),
                Some(command) => {
                    crate::path::agent_path().await;
                    checks.command("process", command, &probe.config, &cwd);
                }
            }
            checks.done()
        })
    }

    fn models<'a>(&'a self, _probe: &'a ProbeContext, _refresh: bool) -> BoxFuture<'a, Vec<AdapterModel>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// Shows every line as it is.
#[derive(Default)]
struct PlainParser {
    parsed: Parsed,
}

impl OutputParser for PlainParser {
    fn line(&mut self, line: &LogLine) -> Vec<EntryBody> {
        keep_excerpt(&mut self.parsed, line);
        let text = line.text().to_owned();
        vec![match line.stream {
            OutputStream::Stdout => EntryBody::Stdout { text },
            OutputStream::Stderr => EntryBody::Stderr { text },
            OutputStream::System => EntryBody::System { text },
        }]
    }

    fn parsed(&self) -> &Parsed {
        &self.parsed
    }
}
