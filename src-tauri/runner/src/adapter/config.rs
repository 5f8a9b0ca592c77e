//! Reads `adapterConfig`, whose values people and other programs wrote.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::JsonObject;
use serde_json::Value;

use super::context::MAX_PROCESSES;
use super::{AdapterError, RunContext};
use crate::path::expand_home;

/// A setting's text; absent when missing or blank.
pub fn text<'a>(config: &'a JsonObject, key: &str) -> Option<&'a str> {
    config.get(key)?.as_str().map(str::trim).filter(|s| !s.is_empty())
}

/// A switch; the words that forms and environments use count too.
pub fn flag(config: &JsonObject, key: &str, default: bool) -> bool {
    match config.get(key) {
        Some(Value::Bool(on)) => *on,
        Some(Value::String(word)) => match word.as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => default,
        },
        _ => default,
    }
}

/// A number that is not negative, also when written as text.
pub fn number(config: &JsonObject, key: &str) -> Option<f64> {
    let value = match config.get(key)? {
        Value::Number(n) => n.as_f64()?,
        Value::String(s) => s.trim().parse().ok()?,
        _ => return None,
    };
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// A list of texts; one text is a list of its lines.
pub fn list(config: &JsonObject, key: &str) -> Vec<String> {
    match config.get(key) {
        Some(Value::Array(items)) => items.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        Some(Value::String(s)) => {
            s.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// `timeoutSec`; zero means none.
pub fn timeout(config: &JsonObject) -> Option<Duration> {
    number(config, "timeoutSec").filter(|s| *s > 0.0).map(seconds)
}

/// `maxProcesses`; zero means the usual limit.
pub fn max_processes(config: &JsonObject) -> u32 {
    let set = number(config, "maxProcesses").filter(|n| *n >= 1.0);
    set.map_or(MAX_PROCESSES, |n| n.min(100_000.0) as u32)
}

/// `graceSec`, at least a second.
pub fn grace(config: &JsonObject, default: u64) -> Duration {
    number(config, "graceSec").map_or(Duration::from_secs(default), seconds).max(Duration::from_secs(1))
}

fn seconds(s: f64) -> Duration {
    // A year is as good as for ever and safe to add to a clock.
    Duration::from_secs_f64(s.min(31_536_000.0))
}

/// The folder to run in: `choices` in order, then the agent's own. The agent's own is created; one that was
/// chosen must be there, since making it anew would hide that a drive or a project is gone.
pub fn cwd(run: &RunContext, choices: [Option<PathBuf>; 2]) -> Result<PathBuf, AdapterError> {
    let home = &run.agent_home;
    let chosen = choices.into_iter().flatten().next().filter(|dir| dir != home);
    let Some(dir) = chosen else {
        std::fs::create_dir_all(home)
            .map_err(|source| AdapterError::Io { what: format!("the folder {}", home.display()), source })?;
        return Ok(home.clone());
    };
    match dir_problem(&dir) {
        None => Ok(dir),
        Some(message) => Err(AdapterError::Config { code: "cwd_missing", message }),
    }
}

/// What is wrong with a working folder, and what to do about it.
pub fn dir_problem(dir: &Path) -> Option<String> {
    let shown = dir.display();
    if !dir.is_absolute() {
        return Some(format!(
            "The working folder {shown} is not an absolute path. Write it from the root on."
        ));
    }
    if dir.is_dir() {
        return None;
    }
    let problem = if dir.exists() { "is not a folder" } else { "does not exist" };
    Some(format!("The working folder {shown} {problem}. Create it or choose another one."))
}

/// `cwd` of the settings.
pub fn configured_cwd(config: &JsonObject) -> Option<PathBuf> {
    text(config, "cwd").map(expand_home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        let serde_json::Value::Object(config) = serde_json::json!({
            "a": " x ", "b": "", "on": "yes", "off": false, "n": "1.5", "bad": -1, "huge": 1e300,
            "list": ["a", 1, "b"], "lines": "a\n\n b ",
        }) else {
            unreachable!()
        };
        assert_eq!((text(&config, "a"), text(&config, "b")), (Some("x"), None));
        assert!(flag(&config, "on", false) && !flag(&config, "off", true) && flag(&config, "none", true));
        assert_eq!((number(&config, "n"), number(&config, "bad")), (Some(1.5), None));
        assert_eq!(list(&config, "list"), ["a", "b"]);
        assert_eq!(list(&config, "lines"), ["a", "b"]);
        assert!(seconds(number(&config, "huge").unwrap()) < Duration::from_secs(40_000_000));
    }
}
