//! Waiting for a database that is full, locked or damaged for now.

use std::time::Duration;

use contract::ApiError;

use crate::Engine;
use crate::error::may_pass;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(15);
/// Tries for an error of which nobody knows that it passes.
const TRIES: u32 = 5;

/// Waits between tries of something that must be written, longer each time.
#[derive(Default)]
pub(super) struct Patience {
    tries: u32,
}

pub(super) enum Waited {
    Again,
    /// The program stops.
    Stopping,
    /// Trying again would change nothing.
    InVain,
}

impl Patience {
    pub async fn wait(&mut self, engine: &Engine, e: &ApiError) -> Waited {
        engine.mind_damage(e);
        self.tries += 1;
        if self.tries >= TRIES && !may_pass(e) {
            return Waited::InVain;
        }
        let wait = FIRST.saturating_mul(2u32.saturating_pow(self.tries - 1)).min(LONGEST);
        tokio::select! {
            () = engine.stop.cancelled() => Waited::Stopping,
            () = tokio::time::sleep(wait) => Waited::Again,
        }
    }
}
