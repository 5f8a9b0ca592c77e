//! Putting a prompt together.

use serde_json::Value;

use super::PromptParts;

/// The prompt of a run: parts in the order that Paperclip's agents know, joined by blank lines. A resumed
/// session that is told of a wake is not told the standing instructions again.
pub fn assemble(parts: &PromptParts, resumed: bool) -> String {
    let wake = if resumed { &parts.wake_resumed } else { &parts.wake_fresh };
    let bootstrap = if resumed { "" } else { &parts.bootstrap };
    let heartbeat = if resumed && !wake.trim().is_empty() { "" } else { &parts.heartbeat };
    [bootstrap, wake, &parts.session_handoff, &parts.task, heartbeat]
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Fills `{{dotted.path}}` from `values`. What is missing becomes nothing; objects become JSON.
pub fn render(template: &str, values: &Value) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        let Some(len) = rest[start + 2..].find("}}") else { break };
        out.push_str(&rest[..start]);
        let path = rest[start + 2..start + 2 + len].trim();
        let value = path.split('.').try_fold(values, |value, key| value.get(key));
        match value {
            Some(Value::String(text)) => out.push_str(text),
            None | Some(Value::Null) => {}
            Some(other) => out.push_str(&other.to_string()),
        }
        rest = &rest[start + 4 + len..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> PromptParts {
        PromptParts {
            bootstrap: "boot".into(),
            wake_fresh: "wake\n".into(),
            wake_resumed: "delta".into(),
            session_handoff: String::new(),
            task: "task".into(),
            heartbeat: "heartbeat".into(),
        }
    }

    #[test]
    fn a_fresh_session_is_told_everything_and_a_resumed_one_what_is_new() {
        assert_eq!(assemble(&parts(), false), "boot\n\nwake\n\ntask\n\nheartbeat");
        assert_eq!(assemble(&parts(), true), "delta\n\ntask");
        let quiet = PromptParts { wake_resumed: " ".into(), ..parts() };
        assert_eq!(assemble(&quiet, true), "task\n\nheartbeat");
    }

    #[test]
    fn templates_are_filled_and_what_is_missing_is_nothing() {
        let values = serde_json::json!({"agent": {"name": "Ada"}, "n": 3});
        assert_eq!(render("Hi {{ agent.name }}, {{n}}{{none.at.all}}!", &values), "Hi Ada, 3!");
        assert_eq!(render("open {{ end", &values), "open {{ end");
    }
}
