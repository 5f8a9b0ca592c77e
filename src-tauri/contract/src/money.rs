//! Money, always in whole cents of a US dollar.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// An amount of at least zero cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Cents(i64);

impl Cents {
    pub const ZERO: Self = Self(0);

    /// Negative amounts become zero.
    pub const fn new(cents: i64) -> Self {
        Self(if cents < 0 { 0 } else { cents })
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let cents = i64::deserialize(d)?;
        if cents < 0 {
            return Err(serde::de::Error::custom("an amount of money cannot be negative"));
        }
        Ok(Self(cents))
    }
}
