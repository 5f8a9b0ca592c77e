//! The environment of an agent as lines of `NAME=value`, and back. What one does not touch stays what it was: a secret
//! stays bound, a number stays a number. A value that a line cannot hold is written as a JSON string.

use contract::JsonObject;
use serde_json::Value;

/// How a value is shown that the window does not know.
const SECRET: &str = "(a secret)";

fn plain(s: &str) -> String {
    // A quote at the beginning is how a written string begins.
    if s.contains(char::is_control) || s.starts_with('"') || s == SECRET {
        Value::from(s).to_string()
    } else {
        s.to_owned()
    }
}

/// The text that a binding holds. Paperclip binds variables as `{type, value}`; a secret's value is not shown.
fn bound(v: &Value) -> Option<&str> {
    let secret = v.get("type").and_then(Value::as_str).is_some_and(|t| t.starts_with("secret"));
    if secret { None } else { v.get("value")?.as_str() }
}

fn shown(v: &Value) -> String {
    match v {
        Value::String(s) => plain(s),
        Value::Object(_) => bound(v).map_or_else(|| SECRET.to_owned(), plain),
        other => other.to_string(),
    }
}

pub fn as_text(env: &JsonObject) -> String {
    env.iter().map(|(k, v)| format!("{k}={}", shown(v))).collect::<Vec<_>>().join("\n")
}

/// The typed lines as an environment, or what is wrong with them. `before` is what [`as_text`] showed.
pub fn from_text(text: &str, before: &JsonObject) -> Result<JsonObject, String> {
    let mut env = JsonObject::new();
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let Some((name, typed)) = line.split_once('=').filter(|(k, _)| !k.trim().is_empty()) else {
            return Err(format!(
                "Line {} is not NAME=value. A value of several lines is written in quotes, with \\n for each new line",
                n + 1
            ));
        };
        let name = name.trim();
        let value = match before.get(name) {
            Some(old) if shown(old) == typed => old.clone(),
            _ if typed == SECRET => return Err(format!("There is no secret bound to {name}")),
            old => {
                let text = serde_json::from_str::<String>(typed).unwrap_or_else(|_| typed.to_owned());
                rebound(old, text)
            }
        };
        if env.insert(name.to_owned(), value).is_some() {
            return Err(format!("{name} is set twice"));
        }
    }
    Ok(env)
}

/// A new text for a variable: a plain binding keeps its form, anything else becomes the text.
fn rebound(old: Option<&Value>, text: String) -> Value {
    match old {
        Some(old) if bound(old).is_some() => {
            let mut binding = old.clone();
            binding["value"] = text.into();
            binding
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(v: Value) -> JsonObject {
        v.as_object().cloned().unwrap()
    }

    #[test]
    fn an_environment_survives_the_way_through_its_field() {
        let env = map(serde_json::json!({
            "A": "1=2",
            "EMPTY": "",
            "KEY": "-----BEGIN-----\nabc\r\n-----END-----\n",
            "LOOKS": "\"quoted\"",
            "SAID": "(a secret)",
            "PATH": "C:\\tools",
            "PLAIN": {"type": "plain", "value": "x"},
            "TOKEN": {"type": "secret_ref", "secretId": "s1", "version": "latest"},
            "COUNT": 3,
            "ON": true,
            "NONE": null,
        }));
        assert_eq!(from_text(&as_text(&env), &env), Ok(env.clone()));
        // A string needs nothing but its line.
        let strings: JsonObject = env.into_iter().filter(|(_, v)| v.is_string()).collect();
        assert_eq!(from_text(&as_text(&strings), &JsonObject::new()), Ok(strings));
    }

    #[test]
    fn a_change_touches_its_own_variable() {
        let env = map(serde_json::json!({
            "A": "1", "P": {"type": "plain", "value": "x"}, "T": {"type": "secret_ref", "secretId": "s1"}
        }));
        let text = as_text(&env).replace("P=x", "P=y").replace("A=1\n", "");
        let wanted = serde_json::json!({
            "P": {"type": "plain", "value": "y"}, "T": {"type": "secret_ref", "secretId": "s1"}
        });
        assert_eq!(from_text(&text, &env), Ok(map(wanted)));
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        let none = JsonObject::new();
        assert!(from_text("A=1\nno sign", &none).unwrap_err().starts_with("Line 2 "));
        assert!(from_text("=1", &none).is_err());
        assert!(from_text("A=1\nA=2", &none).is_err());
        assert!(from_text("NEW=(a secret)", &none).is_err());
        assert_eq!(from_text(" \n", &none), Ok(none.clone()));
    }
}
