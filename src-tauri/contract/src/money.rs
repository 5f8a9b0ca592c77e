//! Money: limits in whole cents of a US dollar, costs in millionths of a dollar.

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

/// Millionths of a US dollar: what one message of a model costs is less than a cent. A correction is negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Micros(i64);

impl Micros {
    pub const ZERO: Self = Self(0);
    const A_CENT: i64 = 10_000;

    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn of_cents(cents: Cents) -> Self {
        Self(cents.get().saturating_mul(Self::A_CENT))
    }

    /// A price as adapters give it. What is no number costs nothing.
    pub fn of_usd(usd: f64) -> Self {
        // `as` saturates, and makes zero of what is no number.
        Self((usd * 1_000_000.0).round() as i64)
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whole cents that are reached: a limit of whole cents is reached exactly when these reach it.
    pub const fn whole_cents(self) -> Cents {
        Cents::new(self.0.div_euclid(Self::A_CENT))
    }

    /// Rounded to cents, for a ledger in cents; negative for a correction.
    pub const fn rounded_cents(self) -> i64 {
        self.0.saturating_add(Self::A_CENT / 2).div_euclid(Self::A_CENT)
    }

    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// At least zero.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        let left = self.0.saturating_sub(other.0);
        Self(if left < 0 { 0 } else { left })
    }
}

impl std::iter::Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_cents_is_reached_when_the_whole_cents_reach_it() {
        for (micros, cents) in [(0, 0), (9_999, 0), (10_000, 1), (19_999, 1), (-1, 0)] {
            assert_eq!(Micros::new(micros).whole_cents().get(), cents, "{micros}");
            let reached = Micros::new(micros) >= Micros::of_cents(Cents::new(1));
            assert_eq!(reached, cents >= 1, "{micros}");
        }
        assert_eq!(Micros::of_usd(0.0042), Micros::new(4200));
        assert_eq!(Micros::of_usd(f64::NAN), Micros::ZERO);
        assert_eq!(Micros::new(-4_999).rounded_cents(), 0);
        assert_eq!(Micros::new(-5_001).rounded_cents(), -1);
    }
}
