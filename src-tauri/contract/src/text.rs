//! Text with a length that is checked once, at the door.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// Text of `MIN` to `MAX` characters, counted after surrounding white space is gone when `MIN` is above zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// One line that names something: a title, a name.
pub type Name = Text<1, 200>;
/// The title of an issue.
pub type Title = Text<1, 500>;
/// Markdown that a person or an agent wrote.
pub type Body = Text<1, 200_000>;
/// Markdown that may be empty.
pub type Prose = Text<0, 200_000>;
/// A document may be longer than a comment.
pub type DocumentBody = Text<0, 1_000_000>;

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    #[error("must not be empty")]
    Empty,
    #[error("is too short: {len} characters, at least {min}")]
    Short { len: usize, min: usize },
    #[error("is too long: {len} characters, at most {max}")]
    Long { len: usize, max: usize },
    #[error("contains a NUL character")]
    Nul,
}

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    pub fn new(s: impl Into<String>) -> Result<Self, BadText> {
        let mut s: String = s.into();
        if s.contains('\0') {
            return Err(BadText::Nul);
        }
        if MIN > 0 && s.trim().is_empty() {
            return Err(BadText::Empty);
        }
        // A name or title is a line; a body keeps its own white space.
        if MIN > 0 && MAX <= 1000 && s.trim().len() != s.len() {
            s = s.trim().to_owned();
        }
        let len = s.chars().count();
        if len < MIN {
            return Err(BadText::Short { len, min: MIN });
        }
        if len > MAX {
            return Err(BadText::Long { len, max: MAX });
        }
        Ok(Self(s))
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> Default for Text<0, MAX> {
    fn default() -> Self {
        Self(String::new())
    }
}

impl<const MIN: usize, const MAX: usize> Deref for Text<MIN, MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<String> for Text<MIN, MAX> {
    type Error = BadText;
    fn try_from(s: String) -> Result<Self, BadText> {
        Self::new(s)
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

impl<const MIN: usize, const MAX: usize> JsonSchema for Text<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": MIN, "maxLength": MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters_and_the_message_names_the_limit() {
        assert!(Text::<1, 3>::new("äöü").is_ok());
        let e = Text::<1, 3>::new("äöüß").unwrap_err();
        assert_eq!(e.to_string(), "is too long: 4 characters, at most 3");
        assert_eq!(Text::<1, 3>::new("  "), Err(BadText::Empty));
    }

    #[test]
    fn names_are_trimmed_and_bodies_are_not() {
        assert_eq!(&*Name::new("  Ada ").unwrap(), "Ada");
        assert_eq!(&*Body::new("  code\n").unwrap(), "  code\n");
    }
}
