//! What was typed, as the text that an operation takes: refused with a sentence and never dropped.

use contract::{ApiError, Text};

/// `what` begins the sentence: "The description is too long: …".
pub fn checked<const MIN: usize, const MAX: usize>(
    what: &str,
    typed: impl Into<String>,
) -> Result<Text<MIN, MAX>, ApiError> {
    Text::new(typed).map_err(|e| ApiError::invalid(format!("{what} {e}")))
}

/// The same for a field that may be left empty.
pub fn optional<const MIN: usize, const MAX: usize>(
    what: &str,
    typed: impl AsRef<str>,
) -> Result<Option<Text<MIN, MAX>>, ApiError> {
    let typed = typed.as_ref();
    if typed.trim().is_empty() { Ok(None) } else { checked(what, typed).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_refused_with_its_length_and_what_is_empty_is_nothing() {
        let long = checked::<1, 5>("The title", "abcdef").unwrap_err();
        assert_eq!(long.message, "The title is too long: 6 characters, at most 5");
        assert!(optional::<1, 5>("The title", "abcdef").is_err());
        assert_eq!(optional::<1, 5>("The title", "  "), Ok(None));
        assert_eq!(optional::<0, 5>("It", "a").unwrap().unwrap().to_string(), "a");
    }
}
