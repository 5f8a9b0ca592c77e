//! `demo`: the agent that is built in, so that the first issue needs no account.

use contract::adapter::{
    AdapterCapabilities, AdapterDetection, AdapterInfo, AdapterModel, EnvironmentTest, FieldKind,
};
use contract::{JsonObject, Timestamp};

use super::claude::StreamParser;
use super::env::{Scope, child};
use super::form::{PLAIN, built_in, field, max_processes, timeout};
use super::probe::Checks;
use super::{
    Adapter, AdapterError, BoxFuture, Conclusion, ExitReport, Invocation, Outcome, OutputParser, Parsed,
    ProbeContext, RunContext, config, verdict,
};

/// Milliseconds between the steps of the demo agent, so that they can be watched.
const DEFAULT_PACE: u64 = 250;

pub struct DemoAdapter;

impl Adapter for DemoAdapter {
    fn kind(&self) -> &'static str {
        "demo"
    }

    fn info(&self) -> AdapterInfo {
        let fields = vec![
            field("askQuestion", "Ask a question before finishing", FieldKind::Toggle).default(true).into(),
            field("pace", "Milliseconds between steps", FieldKind::Number).default(DEFAULT_PACE).advanced(),
            field("costPerMessage", "Pretended cost of a message, in cents", FieldKind::Number).advanced(),
            timeout(),
            max_processes(),
        ];
        AdapterInfo {
            capabilities: AdapterCapabilities { supports_local_agent_jwt: true, ..PLAIN },
            ..built_in(
                self.kind(),
                "Demo agent",
                "Built in, needs no account. Plans an issue or works it, asks before it goes on, and writes down what it did.",
                fields,
            )
        }
    }

    fn prepare(&self, run: &RunContext) -> Result<Invocation, AdapterError> {
        let Some((program, leading)) = run.demo_agent.split_first() else {
            return Err(AdapterError::CommandMissing("This installation has no demo agent.".into()));
        };
        let cwd = config::cwd(run, [run.workspace_cwd.clone(), None])?;
        let env = child(run, Scope::Full);
        let pace = config::number(&run.config, "pace").map_or(DEFAULT_PACE, |ms| ms.min(60_000.0) as u64);
        let mut args: Vec<String> = leading.iter().map(|a| a.to_string_lossy().into_owned()).collect();
        args.push(format!("--pace={pace}"));
        if let Some(cents) = config::number(&run.config, "costPerMessage").filter(|c| *c > 0.0) {
            args.push(format!("--cost={cents}"));
        }
        if !config::flag(&run.config, "askQuestion", true) {
            args.push("--no-question".into());
        }
        Ok(Invocation {
            args,
            timeout: config::timeout(&run.config),
            max_processes: config::max_processes(&run.config),
            grace: config::grace(&run.config, 5),
            expose: vec![run.agent_home.clone()],
            notes: vec!["This program's own demo agent.".into()],
            ..Invocation::plain(program.into(), cwd, env)
        })
    }

    fn parser(&self) -> Box<dyn OutputParser> {
        Box::<StreamParser>::default()
    }

    fn conclude(
        &self,
        _carry: &JsonObject,
        parsed: &Parsed,
        exit: &ExitReport,
        _now: Timestamp,
    ) -> Conclusion {
        let problem = verdict::exit_problem(exit);
        let mut conclusion = verdict::imposed(exit).unwrap_or_else(|| match problem {
            None if !parsed.is_error => Conclusion::of(Outcome::Succeeded),
            problem => {
                let said =
                    parsed.result_text.clone().or(problem).unwrap_or_else(|| "The demo agent failed".into());
                Conclusion::of(Outcome::Failed).because("adapter_failed", said)
            }
        });
        conclusion.summary = parsed.result_text.clone();
        conclusion.model = parsed.model.clone();
        conclusion.cost_usd = parsed.cost_usd.filter(|c| *c > 0.0);
        conclusion.result_json = parsed.result_json.clone();
        conclusion
    }

    fn detect<'a>(&'a self, _command: Option<&'a str>) -> BoxFuture<'a, AdapterDetection> {
        let executable = std::env::current_exe().ok().map(|e| e.to_string_lossy().into_owned());
        Box::pin(std::future::ready(AdapterDetection {
            r#type: self.kind().into(),
            command: "demo-agent".into(),
            executable,
            version: Some(env!("CARGO_PKG_VERSION").into()),
            why: "Built into this program.".into(),
        }))
    }

    fn test_environment<'a>(&'a self, _probe: &'a ProbeContext) -> BoxFuture<'a, EnvironmentTest> {
        let mut checks = Checks::new(self.kind());
        checks.info("demo_built_in", "The demo agent is built into this program and needs nothing else.");
        Box::pin(std::future::ready(checks.done()))
    }

    fn models<'a>(&'a self, _probe: &'a ProbeContext, _refresh: bool) -> BoxFuture<'a, Vec<AdapterModel>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}
