//! Accounts with providers: who may try one that turned requests away.

use std::time::Duration;

use contract::Timestamp;

/// How an account that turned requests away stands for a run that wants to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its time has come: this run tries, the others wait for what comes of it.
    Probe,
    /// It is turned away, or another run is trying.
    Closed,
}

/// Decides for an account that was turned away.
pub fn standing(blocked_until: Timestamp, probing: bool, now: Timestamp) -> Standing {
    if now < blocked_until || probing { Standing::Closed } else { Standing::Probe }
}

/// Waits after one, two, … refusals in a row where the provider named no time.
const WAITS: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
];

/// When an account may be tried again that was turned away `refusals` times in a row.
pub fn retry_after(refusals: i64, now: Timestamp, named: Option<Timestamp>) -> Timestamp {
    if let Some(t) = named.filter(|t| *t > now) {
        return t;
    }
    let at = usize::try_from(refusals - 1).unwrap_or(0).min(WAITS.len() - 1);
    now.plus(WAITS[at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Many agents at one account: none starts before the reset, and after it one at a time until it is open.
        #[test]
        fn one_agent_at_a_time_tries_an_account_and_none_before_its_time(
            arrivals in prop::collection::vec(0..5_000i64, 1..60), reset in 1..4_000i64,
        ) {
            let until = Timestamp::from_millis(reset);
            let mut arrivals = arrivals;
            arrivals.sort_unstable();
            let mut probing = false;
            for t in arrivals {
                let now = Timestamp::from_millis(t);
                match standing(until, probing, now) {
                    Standing::Probe => {
                        prop_assert!(now >= until && !probing);
                        probing = true;
                    }
                    Standing::Closed => prop_assert!(now < until || probing),
                }
            }
        }

        #[test]
        fn waits_grow_with_refusals_and_a_named_time_wins(refusals in 0..50i64, named in -10..10i64) {
            let now = Timestamp::from_millis(0);
            prop_assert!(retry_after(refusals, now, None) > now);
            prop_assert!(retry_after(refusals, now, None) <= retry_after(refusals + 1, now, None));
            let named = Timestamp::from_millis(named);
            let at = retry_after(refusals, now, Some(named));
            prop_assert!(at > now);
            prop_assert!(named <= now || at == named);
        }
    }
}
