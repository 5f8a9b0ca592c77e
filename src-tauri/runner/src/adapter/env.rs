//! The environment an agent's command gets.

/// Stands in for a value that must not be shown.
pub const MASK: &str = crate::host::redact::MASK;

/// Whether a variable of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "token", "secret", "password", "passwd", "authorization", "cookie", "credential"]
        .iter()
        .any(|word| name.contains(word))
}
