//! `process`: any command. It succeeds when it exits with 0.

use contract::adapter::{AdapterDetection, AdapterInfo, AdapterModel, EnvironmentTest, FieldKind};
use contract::run::OutputStream;
use contract::transcript::EntryBody;
use contract::{JsonObject, Timestamp};

use super::env::{Scope, child};
use super::form::{built_in, field, grace, max_processes, timeout};
use super::lines::keep_excerpt;
use super::probe::Checks;
use super::{
    Adapter, AdapterError, BoxFuture, Conclusion, Invocation, Outcome, OutputParser, Parsed, ProbeContext,
    RunContext, config, verdict,
};
use crate::log::LogLine;
use crate::path::find_executable;

pub struct ProcessAdapter;

impl Adapter for ProcessAdapter {
    fn kind(&self) -> &'static str {
        "process"
    }

    fn info(&self) -> AdapterInfo {
        built_in(
            self.kind(),
            "Process",
            "Runs any command. It gets its identity but no token, and succeeds when it exits with 0.",
            vec![
                field("command", "Command", FieldKind::Text).required(),
                field("args", "Arguments", FieldKind::List).help("One a line; no shell reads them.").into(),
                field("cwd", "Working folder", FieldKind::Folder)
                    .help("The agent's own folder unless given.")
                    .into(),
                field("env", "Environment", FieldKind::Env).advanced(),
                timeout(),
                max_processes(),
                grace(15),
            ],
        )
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
            args: config::list(&run.config, "args"),
            timeout: config::timeout(&run.config),
            max_processes: config::max_processes(&run.config),
            grace: config::grace(&run.config, 15),
            expose: vec![run.agent_home.clone()],
            notes: vec![found.why],
            ..Invocation::plain(program, cwd, env)
        })
    }

    fn reports(&self) -> bool {
        false
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
