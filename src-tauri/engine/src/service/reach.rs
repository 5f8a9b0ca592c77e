//! What an agent's settings may name of this machine's files: nothing of the program's own data, but for the
//! agent's home.

use std::path::{Component, Path, PathBuf};

use contract::{AgentId, ApiError, JsonObject};
use runner::path::expand_home;
use serde_json::Value;

use crate::Paths;
use crate::error::Answer;

/// The settings by which a run is given a folder, or the program a file to read.
const OPENED: [&str; 2] = ["cwd", "instructionsFilePath"];
const INSTRUCTIONS_FILE: &str = "instructionsFilePath";

/// Refuses settings that would open the program's data to the agent, whoever made them.
pub(crate) fn check(paths: &Paths, agent: AgentId, config: &JsonObject) -> Answer<()> {
    for key in OPENED {
        let Some(path) = config.get(key).and_then(Value::as_str) else { continue };
        let path = resolved(path);
        if path.starts_with(paths.root()) && !path.starts_with(paths.agent_home(agent)) {
            return Err(ApiError::unprocessable(format!("{key} lies in the program's own data"))
                .with_hint("Name a folder of your own, or leave it out: the agent then works in its home."));
        }
    }
    Ok(())
}

/// Refuses what an agent may not say of another that it hires.
pub(crate) fn check_from_agent(paths: &Paths, config: &JsonObject) -> Answer<()> {
    if config.get(INSTRUCTIONS_FILE).is_some_and(|v| !v.is_null()) {
        return Err(ApiError::forbidden("Only the board may keep instructions outside of the program")
            .with_hint("Send the instructions themselves, as instructionsBundle."));
    }
    if config.values().any(|v| names_data(paths.root(), v)) {
        return Err(ApiError::forbidden("These settings name the program's own data"));
    }
    Ok(())
}

fn names_data(root: &Path, value: &Value) -> bool {
    match value {
        Value::String(s) => {
            // Also within a command line or an argument.
            root.to_str().is_some_and(|root| mentions(root, s)) || resolved(s).starts_with(root)
        }
        Value::Array(items) => items.iter().any(|v| names_data(root, v)),
        Value::Object(fields) => fields.values().any(|v| names_data(root, v)),
        _ => false,
    }
}

/// Whether a text has the path in it, and not only one that begins alike.
fn mentions(path: &str, text: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.match_indices(path).any(|(at, found)| !text[at + found.len()..].starts_with(goes_on))
}

/// The path without links and dots, as far as it exists. What is put in its way later is for those to refuse who
/// open it.
fn resolved(path: &str) -> PathBuf {
    let path = expand_home(path.trim());
    let mut at = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                at.pop();
            }
            part => {
                at.push(part);
                if path.is_absolute()
                    && let Ok(real) = at.canonicalize()
                {
                    at = real;
                }
            }
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use contract::ErrorCode;
    use serde_json::json;

    use super::*;

    fn settings(value: Value) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn nothing_of_the_data_folder_but_the_agents_home_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let paths = Paths::create(&data).unwrap();
        let (agent, other) = (AgentId(uuid::Uuid::from_u128(1)), AgentId(uuid::Uuid::from_u128(2)));
        let home = paths.agent_home(agent);
        std::fs::create_dir_all(home.join("work")).unwrap();
        let root = paths.root();
        let dotted = dir.path().join("gone/../data/backups");
        let mut inside = vec![
            root.to_owned(),
            paths.operator_token(),
            paths.backups(),
            paths.agent_home(other),
            paths.instructions(agent),
            home.join("../instructions"),
            dotted,
        ];
        #[cfg(unix)]
        {
            let link = dir.path().join("link");
            std::os::unix::fs::symlink(root, &link).unwrap();
            inside.push(link.join("operator-token"));
            std::os::unix::fs::symlink(root, home.join("link")).unwrap();
            inside.push(home.join("link/backups"));
        }
        for path in inside {
            for key in OPENED {
                let refused = check(&paths, agent, &settings(json!({ key: path }))).unwrap_err();
                assert_eq!(refused.code, ErrorCode::Unprocessable, "{key} {}", path.display());
            }
            for config in [json!({ "extraArgs": [path] }), json!({ "env": { "A": { "value": path } } })] {
                assert!(check_from_agent(&paths, &settings(config)).is_err(), "{}", path.display());
            }
        }
        let project = dir.path().join("database");
        for path in [&home, &home.join("work"), &home.join("new"), &project, &dir.path().to_owned()] {
            let config = settings(json!({ "cwd": path, "instructionsFilePath": path, "model": "m" }));
            assert!(check(&paths, agent, &config).is_ok(), "{}", path.display());
        }
        let own =
            settings(json!({ "cwd": project, "args": ["-c", "echo ../data"], "instructionsFilePath": null }));
        assert!(check_from_agent(&paths, &own).is_ok());
        assert!(check_from_agent(&paths, &settings(json!({ "instructionsFilePath": "/srv/A.md" }))).is_err());
        let said = format!("cat {} | sh", paths.operator_token().display());
        assert!(check_from_agent(&paths, &settings(json!({ "command": said }))).is_err());
    }
}
