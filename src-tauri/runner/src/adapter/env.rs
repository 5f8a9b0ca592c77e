//! The environment an agent's command gets.

use std::collections::{BTreeMap, BTreeSet};

use contract::JsonObject;
pub use domain::redact::{MASK, is_secret_name};
use serde_json::Value;

use super::RunContext;

/// How much a type of adapter is told about its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Who it is and where the door is, no more.
    Identity,
    /// All of the wake and workspace, and a token.
    Full,
}

/// An environment, with what in it is secret.
#[derive(Clone, Debug, Default)]
pub struct ChildEnv {
    pub vars: BTreeMap<String, String>,
    /// Names whose values must not be shown.
    pub secret_names: Vec<String>,
    /// Values to mask in the output.
    pub redact: Vec<String>,
}

/// Whether a variable of this program's own environment is none of an agent's business: this system's own
/// variables, those of an agent that may have started the program, and those of its build and desktop.
fn is_foreign(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "CLAUDECODE",
        "CLAUDE_CODE_ENTRYPOINT",
        "CLAUDE_CODE_SESSION",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_CODE_PARENT_SESSION",
        "CLAUDE_CODE_SSE_PORT",
        "NOTIFY_SOCKET",
        "RUST_LOG",
        "RUST_BACKTRACE",
        "OLDPWD",
        "PWD",
        crate::host::RUN_MARKER,
    ];
    const PREFIXES: [&str; 6] = ["PAPERCLIP_", "CARGO_", "TAURI_", "WEBKIT_", "LISTEN_", "RUSTUP_TOOLCHAIN"];
    let kept = ["CARGO_HOME"];
    !kept.contains(&name) && (NAMES.contains(&name) || PREFIXES.iter().any(|p| name.starts_with(p)))
}

/// What an agent inherits from this program.
pub fn inherited() -> BTreeMap<String, String> {
    let vars = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let mut env: BTreeMap<String, String> = vars.filter(|(name, _)| !is_foreign(name)).collect();
    env.insert("PATH".into(), crate::path::known_path().to_string_lossy().into_owned());
    env
}

/// `env` of an agent's settings: plain values, or `{value}` as bindings resolve to.
pub fn configured(config: &JsonObject) -> BTreeMap<String, String> {
    let Some(Value::Object(env)) = config.get("env") else { return BTreeMap::new() };
    env.iter()
        .filter_map(|(name, value)| {
            let value = match value {
                Value::Object(binding) => binding.get("value")?,
                plain => plain,
            };
            let value = match value {
                Value::String(s) => s.clone(),
                Value::Number(n) => n.to_string(),
                Value::Bool(b) => b.to_string(),
                _ => return None,
            };
            is_sound(name, &value).then(|| (name.clone(), value))
        })
        .collect()
}

fn is_sound(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

/// The whole environment of a run's command.
pub fn child(run: &RunContext, scope: Scope) -> ChildEnv {
    let mut vars = inherited();
    let mut redact: Vec<String> = run.secrets.clone();
    // A path tells nothing, and masking it would spoil a transcript.
    let secret = |(name, value): &(&String, &String)| is_secret_name(name) && !value.starts_with('/');
    redact.extend(vars.iter().filter(secret).map(|(_, v)| v.clone()));
    let own = configured(&run.config);
    let own_key = own.get("PAPERCLIP_API_KEY").cloned();
    vars.insert("PAPERCLIP_AGENT_ID".into(), run.agent_id.to_string());
    vars.insert("PAPERCLIP_COMPANY_ID".into(), run.company_id.to_string());
    vars.insert("PAPERCLIP_API_URL".into(), run.api_url.clone());
    if scope == Scope::Full {
        vars.insert("PAPERCLIP_RUN_ID".into(), run.run_id.to_string());
        vars.insert("AGENT_HOME".into(), run.agent_home.to_string_lossy().into_owned());
        vars.extend(run.env.iter().filter(|(k, v)| is_sound(k, v)).map(|(k, v)| (k.clone(), v.clone())));
        if let Some(key) = own_key.or_else(|| run.run_token.clone()) {
            vars.insert("PAPERCLIP_API_KEY".into(), key);
        }
    }
    redact.extend(run.run_token.clone());
    // Names that the run itself owns are not for settings to change.
    let overlaid =
        own.iter().chain(&run.env_overlay).filter(|(k, v)| !k.starts_with("PAPERCLIP_") && is_sound(k, v));
    vars.extend(overlaid.map(|(k, v)| (k.clone(), v.clone())));
    let bound: BTreeSet<String> =
        own.keys().filter(|name| is_secret_binding(&run.config, name)).cloned().collect();
    let secret_names: Vec<String> =
        vars.keys().filter(|name| is_secret_name(name) || bound.contains(*name)).cloned().collect();
    let values = secret_names.iter().filter_map(|name| vars.get(name));
    redact.extend(values.filter(|v| !v.starts_with('/')).cloned());
    redact.sort_unstable();
    redact.dedup();
    ChildEnv { vars, secret_names, redact }
}

/// A value that came from the secret store, whatever its name.
fn is_secret_binding(config: &JsonObject, name: &str) -> bool {
    config
        .get("env")
        .and_then(|env| env.get(name))
        .and_then(|binding| binding.get("type"))
        .is_some_and(|kind| kind == "secret_ref" || kind == "secret")
}

#[cfg(test)]
mod tests {
    use super::super::testing::run_context;
    use super::*;

    #[test]
    fn a_full_run_gets_its_token_and_wake_and_settings_cannot_change_them() {
        let mut run = run_context();
        run.run_token = Some("run-token-value".into());
        run.env.insert("PAPERCLIP_TASK_ID".into(), "task".into());
        run.config.insert(
            "env".into(),
            serde_json::json!({
                "PAPERCLIP_RUN_ID": "forged", "PLAIN": {"type": "plain", "value": "v"}, "N": 3,
                "BOUND": {"type": "secret_ref", "secretId": "x", "value": "bound-secret"}, "BAD=": "x",
            }),
        );
        run.env_overlay.insert("PLAIN".into(), "overlaid".into());
        run.env_overlay.insert("PAPERCLIP_API_KEY".into(), "forged".into());
        let env = child(&run, Scope::Full);
        assert_eq!(env.vars["PAPERCLIP_RUN_ID"], run.run_id.to_string());
        assert_eq!(env.vars["PAPERCLIP_API_KEY"], "run-token-value");
        assert_eq!(env.vars["PAPERCLIP_TASK_ID"], "task");
        assert_eq!((&*env.vars["PLAIN"], &*env.vars["N"]), ("overlaid", "3"));
        assert!(!env.vars.contains_key("BAD="));
        for secret in ["run-token-value", "bound-secret"] {
            assert!(env.redact.iter().any(|r| r == secret), "{secret}");
        }
        assert!(env.secret_names.contains(&"BOUND".to_owned()));
    }

    #[test]
    fn an_agent_may_bring_a_key_of_its_own() {
        let mut run = run_context();
        run.run_token = Some("run-token-value".into());
        run.config.insert("env".into(), serde_json::json!({"PAPERCLIP_API_KEY": "own-key-value"}));
        assert_eq!(child(&run, Scope::Full).vars["PAPERCLIP_API_KEY"], "own-key-value");
    }

    #[test]
    fn a_plain_process_learns_who_it_is_and_nothing_of_its_run() {
        let mut run = run_context();
        run.run_token = Some("run-token-value".into());
        run.env.insert("PAPERCLIP_TASK_ID".into(), "task".into());
        let env = child(&run, Scope::Identity);
        let told: Vec<&str> =
            env.vars.keys().map(String::as_str).filter(|k| k.starts_with("PAPERCLIP_")).collect();
        assert_eq!(told, ["PAPERCLIP_AGENT_ID", "PAPERCLIP_API_URL", "PAPERCLIP_COMPANY_ID"]);
    }

    #[test]
    fn what_is_foreign_is_not_inherited() {
        for name in ["PAPERCLIP_HOME", "CLAUDECODE", "CARGO_MANIFEST_DIR", "TAURI_SIGNING_PRIVATE_KEY"] {
            assert!(is_foreign(name), "{name}");
        }
        for name in ["HOME", "ANTHROPIC_API_KEY", "CARGO_HOME", "LANG"] {
            assert!(!is_foreign(name), "{name}");
        }
    }
}
