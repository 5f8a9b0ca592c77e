//! Whether Claude Code would work with these settings.

use std::path::Path;
use std::time::Duration;

use contract::adapter::EnvironmentTest;
use contract::{JsonObject, Timestamp};

use super::{Billing, COMMAND, StreamParser, errors};
use crate::adapter::env::configured;
use crate::adapter::probe::{Checks, ask};
use crate::adapter::{OutputParser, ProbeContext, config};
use crate::log::LogLine;

const PROBE_DEADLINE: Duration = Duration::from_secs(45);

pub async fn run(probe: &ProbeContext) -> EnvironmentTest {
    crate::path::agent_path().await;
    let mut checks = Checks::new("claude_local");
    let cwd = checks.cwd("claude", probe);
    let command = config::text(&probe.config, "command").unwrap_or(COMMAND);
    let program = checks.command("claude", command, &probe.config, &cwd);
    credentials(&mut checks, &probe.config);
    if let Some(program) = program.filter(|_| !checks.failed()) {
        // What another command would make of these arguments is not known.
        if Path::new(command).file_name().is_some_and(|name| name == COMMAND) {
            hello(&mut checks, &program, &probe.config, &cwd).await;
        } else {
            checks
                .info("claude_hello_probe_skipped", "The hello probe was skipped.")
                .hint("It is only made with the command claude.");
        }
    }
    checks.done()
}

fn credentials(checks: &mut Checks, config: &JsonObject) {
    let own = configured(config);
    let inherited: std::collections::HashMap<String, String> = std::env::vars().collect();
    let var = |name: &str| own.get(name).or_else(|| inherited.get(name)).map(String::as_str);
    match Billing::of(var) {
        Billing::Bedrock => {
            checks.info("claude_bedrock_auth", "Amazon Bedrock is used for authentication and billing.");
        }
        Billing::Api => {
            let place =
                if own.contains_key("ANTHROPIC_API_KEY") { "agent's settings" } else { "environment" };
            checks
                .warn(
                    "claude_anthropic_api_key_overrides_subscription",
                    format!("ANTHROPIC_API_KEY is set in the {place}: runs are billed to that key."),
                )
                .hint("Unset it to use a Claude subscription.");
        }
        Billing::Subscription => {
            checks.info(
                "claude_subscription_mode_possible",
                "No API key is set: a Claude subscription is used if you are logged in.",
            );
        }
    }
}

async fn hello(checks: &mut Checks, program: &Path, config: &JsonObject, cwd: &Path) {
    let mut args = vec!["--print", "--output-format", "stream-json", "--verbose", "--max-turns", "1"];
    if let Some(model) = config::text(config, "model") {
        args.extend(["--model", model]);
    }
    let asked = ask(program, &args, config, cwd, "Respond with hello.", PROBE_DEADLINE).await;
    let answer = match asked {
        Ok(Some(answer)) => answer,
        Ok(None) => {
            let message = format!("Claude Code did not answer within {} s.", PROBE_DEADLINE.as_secs());
            return checks
                .warn("claude_hello_probe_timed_out", message)
                .hint("Run it by hand in the same folder; the provider may be slow or unreachable.");
        }
        Err(e) => {
            checks.error("claude_hello_probe_failed", format!("Claude Code could not be started: {e}"));
            return;
        }
    };
    let mut parser = StreamParser::default();
    let lines = answer.stdout.split_inclusive('\n').map(|l| (contract::run::OutputStream::Stdout, l));
    let said = lines.chain([(contract::run::OutputStream::Stderr, answer.stderr.as_str())]);
    for (stream, chunk) in said {
        let ts = Timestamp::from_millis(0);
        parser.line(&LogLine { line: 0, ts, stream, chunk: chunk.to_owned() });
    }
    let parsed = parser.parsed();
    if parsed.is_error || !answer.success {
        let exit = (!answer.success).then(|| "it exited with an error".to_owned());
        let failure = errors::classify(parsed, errors::message(parsed, exit), Timestamp::from_millis(0));
        let message = failure.error.unwrap_or_default();
        if failure.error_code.as_deref() == Some("claude_auth_required") {
            return checks
                .warn("claude_hello_probe_auth_required", message)
                .hint("Run `claude` in a terminal and log in, or set ANTHROPIC_API_KEY.");
        }
        checks.error("claude_hello_probe_failed", format!("The hello probe failed: {message}"));
        return;
    }
    let text = parsed.result_text.clone().unwrap_or_else(|| parsed.assistant_text.clone());
    if text.to_lowercase().contains("hello") {
        checks.info("claude_hello_probe_passed", "Claude Code answered.");
    } else {
        let _ = checks
            .warn("claude_hello_probe_unexpected_output", "Claude Code answered, but not with hello.")
            .detail(text.chars().take(240).collect::<String>());
    }
}
