//! Masks secrets before anything is shown or kept.

use contract::JsonObject;
use serde_json::Value;

/// What stands in a secret's place.
pub const MASK: &str = "***REDACTED***";

/// Whether a name says that its value is a secret (the list is Paperclip's, and credentials).
pub fn is_secret_name(name: &str) -> bool {
    let n = name.to_ascii_lowercase();
    ["key", "token", "secret", "password", "passwd", "authorization", "cookie", "credential"]
        .iter()
        .any(|w| n.contains(w))
}

/// Settings with the values of secret-named environment variables and fields masked.
pub fn config(config: &JsonObject) -> JsonObject {
    config.iter().map(|(k, v)| (k.clone(), field(k, v))).collect()
}

/// Settings as another agent may see them that hires agents: every variable of the environment may hold a credential.
pub fn config_for_others(settings: &JsonObject) -> JsonObject {
    let mut out = config(settings);
    if let Some(Value::Object(env)) = out.get_mut("env") {
        for value in env.values_mut() {
            match value {
                Value::Object(o) if o.contains_key("value") => {
                    o.insert("value".into(), MASK.into());
                }
                Value::Object(_) => {}
                plain => *plain = MASK.into(),
            }
        }
    }
    out
}

fn field(name: &str, value: &Value) -> Value {
    match value {
        // A reference to a secret names it and holds no value.
        Value::Object(o) if o.get("type").and_then(Value::as_str) == Some("secret_ref") => value.clone(),
        Value::Object(o) if is_secret_name(name) && o.contains_key("value") => {
            let mut o = o.clone();
            o.insert("value".into(), MASK.into());
            Value::Object(o)
        }
        Value::Object(o) => Value::Object(config(o)),
        Value::String(s) if !s.is_empty() && is_secret_name(name) => MASK.into(),
        v => v.clone(),
    }
}

/// Settings in which masks that came back from a form are replaced by the values they stood for.
pub fn unmask(incoming: &JsonObject, before: &JsonObject) -> JsonObject {
    incoming
        .iter()
        .map(|(k, v)| {
            let v = match (v, before.get(k)) {
                (Value::String(s), Some(old)) if s == MASK => old.clone(),
                (Value::Object(new), Some(Value::Object(old))) => Value::Object(unmask(new, old)),
                (v, _) => v.clone(),
            };
            (k.clone(), v)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_and_a_form_that_sends_the_mask_back_keeps_them() {
        let c = json!({"env": {"API_KEY": "s3cret", "PLAIN": "x", "AWS_CREDENTIALS": "cr3d", "DB_PASSWORD": {"type": "plain", "value": "p"},
            "REF_TOKEN": {"type": "secret_ref", "secretId": "1"}}, "model": "m"});
        let c = c.as_object().unwrap();
        let shown = config(c);
        let text = serde_json::to_string(&shown).unwrap();
        assert!(
            !text.contains("s3cret")
                && !text.contains("cr3d")
                && !text.contains("\"p\"")
                && text.contains("secretId")
        );
        assert_eq!(&unmask(&shown, c), c);
    }
}
