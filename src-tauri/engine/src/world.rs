//! Time and chance, passed in so that every rule can be tested on a simulated clock.

use contract::{RunId, Timestamp};

/// Where the engine gets the time and random bytes from.
pub trait World: Send + Sync {
    fn now(&self) -> Timestamp;
    fn fill(&self, bytes: &mut [u8]);

    /// Takes a claimed run to its end in the engine's stead; `false`: it goes to a host. For simulations, in which
    /// no process is started.
    fn carry(&self, _run: RunId) -> bool {
        false
    }
}

/// The machine's clock and the operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemWorld;

impl World for SystemWorld {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn fill(&self, bytes: &mut [u8]) {
        if let Err(e) = getrandom::fill(bytes) {
            // Without randomness no token is safe. There is nothing sensible to go on with.
            tracing::error!("the operating system gives no random bytes: {e}");
            std::process::abort();
        }
    }
}
