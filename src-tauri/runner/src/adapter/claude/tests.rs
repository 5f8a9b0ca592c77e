//! Against what two versions of Claude Code really printed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use contract::Micros;
use contract::run::OutputStream;
use contract::transcript::EntryBody;
use serde_json::json;

use super::super::testing::{exited, run_context};
use super::*;
use crate::adapter::{Instructions, Metered, PromptParts, SkillMount, Usage};
use crate::host::{Kill, KillCause};
use crate::log::LogLine;

const VERSIONS: [&str; 2] = ["2.1.197", "2.1.329"];
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn fixture(name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude").join(name);
    std::fs::read_to_string(file).unwrap()
}

fn read(name: &str, stderr: &str) -> (Vec<EntryBody>, Parsed) {
    read_text(&fixture(name), stderr)
}

fn read_text(text: &str, stderr: &str) -> (Vec<EntryBody>, Parsed) {
    let mut parser = StreamParser::default();
    let out = text.split_inclusive('\n').map(|l| (OutputStream::Stdout, l));
    let err = stderr.split_inclusive('\n').map(|l| (OutputStream::Stderr, l));
    let mut entries = Vec::new();
    for (n, (stream, chunk)) in (0..).zip(out.chain(err)) {
        entries.extend(parser.line(&LogLine { line: n, ts: NOW, stream, chunk: chunk.to_owned() }));
    }
    (entries, parser.parsed().clone())
}

fn conclude(case: &str, code: i32) -> [Conclusion; 2] {
    VERSIONS.map(|version| {
        let parsed = read(&format!("{version}-{case}.jsonl"), "").1;
        ClaudeAdapter.conclude(&carry_of(None), &parsed, &exited(code), NOW)
    })
}

fn carry_of(resumed: Option<&str>) -> JsonObject {
    let mut carry = JsonObject::new();
    for (key, value) in [("cwd", "/project"), ("promptBundleKey", "bundle"), ("billing", "api")] {
        carry.insert(key.into(), value.into());
    }
    if let Some(id) = resumed {
        carry.insert("resumed".into(), id.into());
    }
    carry
}

#[test]
fn a_successful_run_is_understood_whole() {
    for version in VERSIONS {
        let (entries, parsed) = read(&format!("{version}-success.jsonl"), "");
        let kinds: Vec<&str> = entries
            .iter()
            .map(|e| match e {
                EntryBody::Init { session_id: Some(_), model: Some(_) } => "init",
                EntryBody::Assistant { text, .. } if text == "Working on ABC-1." => "said",
                EntryBody::ToolCall { name, .. } if name == "Bash" => "call",
                EntryBody::ToolResult { content, is_error: false, .. } if content == "ABC-1" => "answer",
                EntryBody::Assistant { .. } => "done",
                EntryBody::Result { is_error: false, output_tokens: 80, .. } => "result",
                other => panic!("{version}: {other:?}"),
            })
            .collect();
        assert_eq!(kinds, ["init", "said", "call", "answer", "done", "result"], "{version}");
        let usage =
            Usage { input_tokens: 1100, cached_input_tokens: 207, cache_write_tokens: 33, output_tokens: 80 };
        assert_eq!(parsed.usage, usage, "{version}");
        assert!(parsed.terminal && parsed.usage_final && parsed.cost_usd.is_some_and(|c| c > 0.006));

        let conclusion = ClaudeAdapter.conclude(&carry_of(None), &parsed, &exited(0), NOW);
        assert_eq!(conclusion.outcome, Outcome::Succeeded);
        assert_eq!(conclusion.summary.as_deref(), Some("All done with ABC-1."));
        let SessionChange::Save { params, display_id } = conclusion.session else { panic!("no session") };
        assert_eq!(params["sessionId"], display_id.as_str());
        assert_eq!((&params["cwd"], &params["promptBundleKey"]), (&"/project".into(), &"bundle".into()));
        assert_eq!(conclusion.billing_type, BillingType::MeteredApi);
    }
}

#[test]
fn usage_is_metered_message_by_message_before_the_result() {
    let file = fixture("2.1.197-success.jsonl");
    let mut parser = StreamParser::default();
    let mut inputs = Vec::new();
    for chunk in file.split_inclusive('\n').filter(|l| !l.contains("\"type\":\"result\"")) {
        parser.line(&LogLine { line: 0, ts: NOW, stream: OutputStream::Stdout, chunk: chunk.to_owned() });
        inputs.push(parser.parsed().usage.input_tokens);
    }
    // Two lines of one message count once.
    assert_eq!(inputs, [0, 1000, 1000, 1000, 1100]);
    assert!(parser.parsed().usage.output_tokens > 0 && !parser.parsed().usage_final);
    assert!(parser.parsed().session_id.is_some());
}

#[test]
fn what_was_metered_by_message_adds_up_to_what_the_agent_says_at_its_end_however_it_is_read() {
    for version in VERSIONS {
        let part = |name: &str| fixture(&format!("{version}-{name}.jsonl"));
        for text in [part("success"), part("resume"), part("success") + &part("success")] {
            let mut parser = StreamParser::default();
            let mut known: BTreeMap<String, Metered> = BTreeMap::new();
            let (mut messages, mut before) = (0, Micros::ZERO);
            for chunk in text.split_inclusive('\n') {
                parser.line(&LogLine {
                    line: 0,
                    ts: NOW,
                    stream: OutputStream::Stdout,
                    chunk: chunk.to_owned(),
                });
                for m in parser.metered() {
                    messages += i32::from(!m.correction && !known.contains_key(&m.key));
                    let earlier = known.insert(m.key.clone(), m.clone());
                    assert!(m.correction || earlier.is_none_or(|e| e.cost <= m.cost), "{version}");
                }
                if !parser.parsed().terminal {
                    before = known.values().map(|m| m.cost).sum();
                }
            }
            assert!(messages >= 2 && before > Micros::ZERO, "{version}: weighed before the end");
            let sum: Micros = known.values().map(|m| m.cost).sum();
            let said = Micros::of_usd(parser.parsed().cost_usd.unwrap());
            assert!((sum.get() - said.get()).abs() <= 2, "{version}: {sum:?} {said:?}");
            let used = known.values().fold(Usage::default(), |all, m| all.plus(m.usage));
            assert_eq!(used, parser.parsed().usage, "{version}");
            // Read again from the beginning, as after a restart: the same keys, and the same of each.
            let mut again = StreamParser::default();
            for chunk in text.split_inclusive('\n') {
                again.line(&LogLine {
                    line: 0,
                    ts: NOW,
                    stream: OutputStream::Stdout,
                    chunk: chunk.to_owned(),
                });
            }
            assert_eq!(again.metered(), known.into_values().collect::<Vec<_>>(), "{version}");
        }
    }
}

#[test]
fn a_subscription_is_metered_and_not_billed() {
    let carry = |billing: &str| json!({ "billing": billing }).as_object().cloned().unwrap();
    let cost = Micros::new(5);
    for (billing, billed) in [("api", cost), ("bedrock", cost), ("subscription", Micros::ZERO)] {
        assert_eq!(ClaudeAdapter.payee(&carry(billing)).billed(cost), billed, "{billing}");
    }
}

#[test]
fn a_resumed_run_costs_what_it_cost_and_not_what_its_session_did() {
    for version in VERSIONS {
        let first = read(&format!("{version}-success.jsonl"), "").1;
        let resumed = read(&format!("{version}-resume.jsonl"), "").1;
        assert_eq!(first.session_id, resumed.session_id, "{version}");
        assert_eq!(first.cost_usd, resumed.cost_usd, "{version}");
        assert_eq!(first.usage, resumed.usage, "{version}");
    }
}

#[test]
fn errors_fall_into_their_classes() {
    let transient = Some(ErrorFamily::TransientUpstream);
    for (case, code, error, family) in [
        ("err401", 1, "claude_auth_required", None),
        ("err403", 1, "claude_auth_required", None),
        ("nokey", 1, "claude_auth_required", None),
        ("err429", 1, "claude_transient_upstream", transient),
        ("err529", 1, "claude_transient_upstream", transient),
        ("refused", 1, "claude_transient_upstream", transient),
        ("maxturns", 1, "max_turns_exhausted", None),
        ("resume-bad", 1, "claude_session_unknown", None),
    ] {
        for conclusion in conclude(case, code) {
            assert_eq!(conclusion.outcome, Outcome::Failed, "{case}");
            assert_eq!(conclusion.error_code.as_deref(), Some(error), "{case}");
            assert_eq!(conclusion.error_family, family, "{case}");
            assert!(conclusion.error.is_some_and(|e| !e.is_empty()), "{case}");
        }
    }
}

use crate::adapter::ErrorFamily;

#[test]
fn a_retry_that_worked_is_a_success_and_a_denied_tool_too() {
    for case in ["retry429", "noperm"] {
        for conclusion in conclude(case, 0) {
            assert_eq!(conclusion.outcome, Outcome::Succeeded, "{case}");
        }
    }
    let (entries, _) = read("2.1.197-retry429.jsonl", "");
    let said =
        entries.iter().any(|e| matches!(e, EntryBody::System { text } if text.contains("429, rate_limit")));
    assert!(said, "{entries:?}");
}

#[test]
fn a_session_at_its_limit_of_turns_is_not_resumed() {
    for conclusion in conclude("maxturns", 1) {
        assert_eq!(conclusion.session, SessionChange::Clear);
    }
}

#[test]
fn an_unknown_session_is_run_again_fresh_but_only_once() {
    for version in VERSIONS {
        let parsed = read(&format!("{version}-resume-bad.jsonl"), "").1;
        let id = parsed.session_id.clone().unwrap();
        let resumed = ClaudeAdapter.conclude(&carry_of(Some(&id)), &parsed, &exited(1), NOW);
        assert!(resumed.rerun_fresh);
        assert_eq!(resumed.session, SessionChange::Clear);
        let fresh = ClaudeAdapter.conclude(&carry_of(None), &parsed, &exited(1), NOW);
        assert!(!fresh.rerun_fresh);
    }
}

#[test]
fn of_two_attempts_in_one_log_the_last_one_counts_and_both_are_paid() {
    for version in VERSIONS {
        let part = |name: &str| fixture(&format!("{version}-{name}.jsonl"));
        let (_, once) = read_text(&part("success"), "");
        let (_, parsed) = read_text(&(part("resume-bad") + &part("success")), "");
        assert!(!parsed.is_error && parsed.errors.is_empty() && parsed.terminal, "{version}");
        assert_eq!((parsed.usage, parsed.cost_usd), (once.usage, once.cost_usd), "{version}");
        let (_, twice) = read_text(&(part("success") + &part("success")), "");
        assert_eq!(twice.usage, once.usage.plus(once.usage), "{version}");
        // The second one was cut off: nothing of the first one's end is taken for its own.
        let cut = part("success").lines().take(3).collect::<Vec<_>>().join("\n") + "\n";
        let (_, parsed) = read_text(&(part("resume-bad") + &cut), "");
        assert!(!parsed.terminal && parsed.errors.is_empty() && parsed.result_text.is_none(), "{version}");
        assert!(parsed.usage.input_tokens > 0, "{version}");
    }
}

#[test]
fn a_cancelled_run_keeps_its_session() {
    for case in ["sigint-tool", "sigterm-tool"] {
        for version in VERSIONS {
            let parsed = read(&format!("{version}-{case}.jsonl"), "").1;
            let mut exit = exited(0);
            exit.kill = Some(Kill { cause: KillCause::Cancelled, reason: None, at: NOW });
            let conclusion = ClaudeAdapter.conclude(&carry_of(None), &parsed, &exit, NOW);
            assert_eq!(conclusion.outcome, Outcome::Cancelled, "{case} {version}");
            assert!(matches!(conclusion.session, SessionChange::Save { .. }), "{case} {version}");
        }
    }
}

#[test]
fn one_that_lingered_after_its_result_has_succeeded() {
    let parsed = read("2.1.329-success.jsonl", "").1;
    let mut exit = exited(0);
    (exit.exit_code, exit.signal) = (None, Some("SIGKILL".into()));
    exit.kill = Some(Kill { cause: KillCause::TerminalResult, reason: None, at: NOW });
    assert_eq!(ClaudeAdapter.conclude(&carry_of(None), &parsed, &exit, NOW).outcome, Outcome::Succeeded);
}

#[test]
fn without_a_result_the_last_words_on_stderr_are_the_reason() {
    let stderr = "noise\n--dangerously-skip-permissions cannot be used with root/sudo privileges\n";
    let mut parser = StreamParser::default();
    parser.line(&LogLine { line: 0, ts: NOW, stream: OutputStream::Stderr, chunk: stderr.into() });
    let conclusion = ClaudeAdapter.conclude(&carry_of(None), parser.parsed(), &exited(1), NOW);
    assert!(conclusion.error.unwrap().starts_with("--dangerously"));
    assert_eq!(conclusion.session, SessionChange::Keep);
    let silent = ClaudeAdapter.conclude(&carry_of(None), &Parsed::default(), &exited(0), NOW);
    assert!(silent.error.unwrap().contains("Failed to parse claude JSON output"));
}

#[test]
fn the_time_of_a_reset_is_taken_from_the_words() {
    let parsed = Parsed {
        terminal: true,
        is_error: true,
        result_text: Some("You've hit your limit · resets 3pm (UTC)".into()),
        ..Parsed::default()
    };
    let conclusion = ClaudeAdapter.conclude(&carry_of(None), &parsed, &exited(1), NOW);
    assert_eq!(conclusion.error_family, Some(ErrorFamily::TransientUpstream));
    assert_eq!(conclusion.retry_not_before.unwrap().to_string(), "2026-09-21T15:00:00.000Z");
}

#[test]
fn output_that_is_not_json_is_shown_as_it_is() {
    let mut parser = StreamParser::default();
    let mut line = |chunk: &str| {
        parser.line(&LogLine { line: 0, ts: NOW, stream: OutputStream::Stdout, chunk: chunk.into() })
    };
    assert_eq!(line("plain\n"), [EntryBody::Stdout { text: "plain".into() }]);
    assert_eq!(line("{\"type\":\"unheard of\"}\n"), []);
    assert_eq!(line("{broken\n"), [EntryBody::Stdout { text: "{broken".into() }]);
    assert_eq!(line("[1,2]\n"), [EntryBody::Stdout { text: "[1,2]".into() }]);
    assert_eq!(line("\n"), []);
}

struct Bench {
    dir: tempfile::TempDir,
    run: RunContext,
}

/// A run context with a claude that can be found.
fn bench() -> Bench {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let claude = dir.path().join("claude");
    std::fs::write(&claude, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&claude, std::fs::Permissions::from_mode(0o755)).unwrap();
    let skill = dir.path().join("skills/paperclip");
    std::fs::create_dir_all(&skill).unwrap();
    std::fs::write(skill.join("SKILL.md"), "---\nname: paperclip\n---\n").unwrap();
    let mut run = run_context();
    run.agent_home = dir.path().join("home");
    run.bundle_root = dir.path().join("bundles");
    run.config.insert("command".into(), claude.to_str().unwrap().into());
    run.instructions = Some(Instructions { path: dir.path().join("AGENTS.md"), text: "Be good.".into() });
    run.skills = vec![SkillMount { name: "paperclip".into(), source: skill }];
    run.prompt = PromptParts {
        wake_fresh: "fresh".into(),
        wake_resumed: "delta".into(),
        heartbeat: "beat".into(),
        ..PromptParts::default()
    };
    Bench { dir, run }
}

#[test]
fn a_fresh_run_gets_its_bundle_and_the_whole_prompt() {
    let bench = bench();
    let invocation = ClaudeAdapter.prepare(&bench.run).unwrap();
    assert_eq!(invocation.cwd, bench.run.agent_home);
    assert_eq!(invocation.stdin.as_deref(), Some("fresh\n\nbeat"));
    let args = invocation.args.join(" ");
    assert!(
        args.starts_with("--print --output-format stream-json --verbose --append-system-prompt-file "),
        "{args}"
    );
    assert!(args.ends_with("--dangerously-skip-permissions"), "{args}");
    let bundle = &invocation.args[invocation.args.iter().position(|a| a == "--add-dir").unwrap() + 1];
    let read = |file: &str| std::fs::read_to_string(Path::new(bundle).join(file)).unwrap();
    assert!(read("agent-instructions.md").starts_with("Be good.\n"));
    assert!(read(".claude/skills/paperclip/SKILL.md").contains("name: paperclip"));
    assert_eq!(invocation.expose, std::slice::from_ref(&bench.run.agent_home));
    assert!(invocation.expose_read_only.contains(&PathBuf::from(bundle)));
    assert_eq!(invocation.env["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"], "1");
    assert_eq!(invocation.env.contains_key("IS_SANDBOX"), rustix::process::geteuid().is_root());
}

#[test]
fn a_session_is_resumed_in_its_folder_with_its_bundle_only() {
    let mut bench = bench();
    let first = ClaudeAdapter.prepare(&bench.run).unwrap();
    let id = "11111111-2222-3333-4444-555555555555";
    let session = |id: &str, cwd: &Path, key: &Value| {
        let mut params = JsonObject::new();
        params.insert("sessionId".into(), id.into());
        params.insert("cwd".into(), cwd.to_str().unwrap().into());
        params.insert("promptBundleKey".into(), key.clone());
        Some(params)
    };
    let key = first.carry["promptBundleKey"].clone();
    bench.run.session = session(id, &first.cwd, &key);
    let resumed = ClaudeAdapter.prepare(&bench.run).unwrap();
    assert!(resumed.args.join(" ").contains(&format!("--resume {id}")));
    assert!(!resumed.args.iter().any(|a| a == "--append-system-prompt-file"));
    assert_eq!(resumed.stdin.as_deref(), Some("delta"));
    assert_eq!(resumed.carry["resumed"], id);

    for other in [
        session("a title", &first.cwd, &key),
        session(id, bench.dir.path(), &key),
        session(id, &first.cwd, &"another".into()),
    ] {
        bench.run.session = other;
        assert!(!ClaudeAdapter.prepare(&bench.run).unwrap().args.iter().any(|a| a == "--resume"));
    }

    // A changed skill is another bundle.
    bench.run.session = session(id, &first.cwd, &key);
    std::fs::write(bench.run.skills[0].source.join("extra.md"), "new").unwrap();
    let changed = ClaudeAdapter.prepare(&bench.run).unwrap();
    assert_ne!(changed.carry["promptBundleKey"], key);
    assert!(!changed.args.iter().any(|a| a == "--resume"));
}

#[test]
fn settings_become_arguments() {
    let mut bench = bench();
    let Value::Object(settings) = serde_json::json!({
        "model": "claude-sonnet-4-6", "effort": "low", "maxTurnsPerRun": 7, "chrome": true,
        "dangerouslySkipPermissions": false, "extraArgs": ["--mcp-config", "x.json"], "timeoutSec": 60,
    }) else {
        unreachable!()
    };
    bench.run.config.extend(settings);
    let invocation = ClaudeAdapter.prepare(&bench.run).unwrap();
    let args = invocation.args.join(" ");
    for part in ["--model claude-sonnet-4-6", "--effort low", "--max-turns 7", "--chrome --mcp-config x.json"]
    {
        assert!(args.contains(part), "{args}");
    }
    assert!(!args.contains("--dangerously-skip-permissions"));
    assert_eq!(invocation.timeout, Some(Duration::from_secs(60)));
    bench.run.config.insert("env".into(), serde_json::json!({"CLAUDE_CODE_USE_BEDROCK": "1"}));
    assert!(!ClaudeAdapter.prepare(&bench.run).unwrap().args.iter().any(|a| a == "--model"));
}

#[test]
fn a_missing_command_or_folder_says_what_to_do() {
    let mut bench = bench();
    bench.run.workspace_cwd = Some(bench.dir.path().join("gone"));
    let error = ClaudeAdapter.prepare(&bench.run).unwrap_err();
    assert_eq!(error.code(), "cwd_missing");
    assert!(error.to_string().contains("Create it"), "{error}");
    bench.run.workspace_cwd = None;
    bench.run.config.insert("command".into(), "no-such-agent".into());
    let error = ClaudeAdapter.prepare(&bench.run).unwrap_err();
    assert_eq!(error.code(), "command_not_found");
    assert!(error.to_string().contains("no-such-agent"), "{error}");
}

#[test]
fn what_is_described_holds_no_secret() {
    let mut bench = bench();
    bench.run.run_token = Some("run-token-value".into());
    bench.run.prompt.task = "your token is run-token-value".into();
    let described =
        serde_json::to_string(&ClaudeAdapter.prepare(&bench.run).unwrap().describe("claude_local")).unwrap();
    assert!(!described.contains("run-token-value"));
    assert!(described.contains("\"PAPERCLIP_API_KEY\":\"***REDACTED***\""));
}
