//! Whether an agent's settings have the types that are read: a wrong one would be passed over in silence.

use contract::JsonObject;
use contract::adapter::{AdapterField, FieldKind};
use serde_json::Value;

/// A setting of the wrong type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} must be {expected}")]
pub struct WrongType {
    pub path: String,
    pub expected: &'static str,
}

fn wrong(path: impl Into<String>, expected: &'static str) -> WrongType {
    WrongType { path: path.into(), expected }
}

/// Checks the settings that an adapter knows. Others pass: they may be of another version of it.
pub fn check_adapter(fields: &[AdapterField], config: &JsonObject) -> Result<(), WrongType> {
    for f in fields {
        match config.get(&f.key) {
            None | Some(Value::Null) => {}
            Some(v) => {
                check_field(f, v).map_err(|expected| wrong(format!("adapterConfig.{}", f.key), expected))?
            }
        }
    }
    Ok(())
}

fn check_field(f: &AdapterField, v: &Value) -> Result<(), &'static str> {
    let is = |holds: bool, expected| if holds { Ok(()) } else { Err(expected) };
    match f.kind {
        FieldKind::Text | FieldKind::Multiline | FieldKind::Folder | FieldKind::Model => {
            is(v.is_string(), "a text")
        }
        FieldKind::Select => {
            let known = v.as_str().is_some_and(|s| s.is_empty() || f.options.iter().any(|o| o == s));
            is(known, "one of its choices")
        }
        FieldKind::Number => is(v.as_f64().is_some_and(|n| n >= 0.0), "a number that is not negative"),
        FieldKind::Toggle => is(v.is_boolean(), "true or false"),
        FieldKind::List => {
            let texts = v.as_array().is_some_and(|a| a.iter().all(Value::is_string));
            is(texts || v.is_string(), "a list of texts")
        }
        FieldKind::Env => {
            let sound = |v: &Value| !v.is_array();
            is(v.as_object().is_some_and(|o| o.values().all(sound)), "an object of names and values")
        }
    }
}

/// Checks `runtimeConfig.heartbeat`.
pub fn check_runtime(config: &JsonObject) -> Result<(), WrongType> {
    let heartbeat = match config.get("heartbeat") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(h)) => h,
        Some(_) => return Err(wrong("runtimeConfig.heartbeat", "an object")),
    };
    let given = |key: &str| heartbeat.get(key).filter(|v| !v.is_null());
    for key in ["enabled", "wakeOnDemand", "wakeOnAssignment", "wakeOnOnDemand", "wakeOnAutomation"] {
        if given(key).is_some_and(|v| !v.is_boolean()) {
            return Err(wrong(format!("runtimeConfig.heartbeat.{key}"), "true or false"));
        }
    }
    for key in ["intervalSec", "cooldownSec", "maxConcurrentRuns"] {
        if given(key).is_some_and(|v| v.as_u64().is_none()) {
            return Err(wrong(
                format!("runtimeConfig.heartbeat.{key}"),
                "a whole number that is not negative",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(key: &str, kind: FieldKind) -> AdapterField {
        AdapterField {
            key: key.into(),
            label: key.into(),
            help: None,
            kind,
            default: None,
            options: vec!["a".into()],
            required: false,
            advanced: false,
        }
    }

    fn object(v: Value) -> JsonObject {
        v.as_object().cloned().unwrap()
    }

    #[test]
    fn a_known_setting_of_the_wrong_type_is_named_and_unknown_ones_pass() {
        let fields = [
            field("command", FieldKind::Text),
            field("timeoutSec", FieldKind::Number),
            field("env", FieldKind::Env),
            field("args", FieldKind::List),
            field("fast", FieldKind::Toggle),
            field("effort", FieldKind::Select),
        ];
        let check = |v: Value| check_adapter(&fields, &object(v)).map_err(|e| e.path);
        for good in [
            json!({}),
            json!({"command": "true", "timeoutSec": 0, "args": ["a"], "fast": true, "effort": "a"}),
            json!({"env": {"A": "b", "C": 1, "D": {"type": "secret_ref"}}, "command": null, "other": 5}),
        ] {
            assert_eq!(check(good), Ok(()));
        }
        for (key, bad) in [
            ("command", json!(5)),
            ("timeoutSec", json!("abc")),
            ("timeoutSec", json!(-1)),
            ("env", json!("A=b")),
            ("env", json!({"A": ["b"]})),
            ("args", json!([1])),
            ("fast", json!("yes")),
            ("effort", json!("b")),
        ] {
            assert_eq!(check(json!({ key: bad })), Err(format!("adapterConfig.{key}")));
        }
    }

    #[test]
    fn a_heartbeat_of_the_wrong_type_is_named() {
        let check = |v: Value| check_runtime(&object(json!({ "heartbeat": v }))).is_ok();
        assert!(check(json!({"enabled": true, "intervalSec": 60, "maxConcurrentRuns": null})));
        for bad in [
            json!({"enabled": "yes"}),
            json!({"intervalSec": -4}),
            json!({"maxConcurrentRuns": 1.5}),
            json!(5),
        ] {
            assert!(!check(bad.clone()), "{bad}");
        }
    }
}
