//! The kill ladder: which signal is due when.

use std::time::{Duration, Instant};

use crate::adapter::StopSignal;

/// How long descendants may go on by themselves once the command is gone.
const LINGER: Duration = Duration::from_secs(1);
/// From the request to end to the order to end, for descendants.
const DESCENDANT_GRACE: Duration = Duration::from_secs(2);
/// How often what is left is killed again, until nothing is.
const SWEEP: Duration = Duration::from_millis(100);

/// A signal that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// To the command's process group.
    Group(StopSignal),
    /// SIGTERM to every descendant there is.
    TermAll,
    /// SIGKILL to every descendant there is.
    KillAll,
}

#[derive(Default)]
pub struct Ladder {
    /// In order of time. The last is repeated when it is `KillAll`.
    rungs: Vec<(Instant, Rung)>,
}

impl Ladder {
    /// The command is to end. Another request may only make it faster.
    pub fn begin(&mut self, now: Instant, stop: StopSignal, grace: Duration) {
        let kill = (now + grace, Rung::KillAll);
        if self.rungs.last().is_some_and(|last| last.0 <= kill.0) {
            return;
        }
        self.rungs = match stop {
            StopSignal::Term => vec![(now, Rung::Group(StopSignal::Term)), kill],
            StopSignal::Int => vec![
                (now, Rung::Group(StopSignal::Int)),
                (now + grace / 2, Rung::Group(StopSignal::Term)),
                kill,
            ],
        };
    }

    /// The command is gone, its descendants are not.
    pub fn orphaned(&mut self, now: Instant) {
        // A command that was being stopped gives its descendants no further time of their own.
        let (term, kill) = match self.rungs.last() {
            None => (now + LINGER, now + LINGER + DESCENDANT_GRACE),
            Some(last) => (now, last.0.min(now + DESCENDANT_GRACE)),
        };
        self.rungs = vec![(term, Rung::TermAll), (kill, Rung::KillAll)];
    }

    pub fn next(&self) -> Option<Instant> {
        self.rungs.first().map(|r| r.0)
    }

    /// The next rung whose time has come.
    pub fn take_due(&mut self, now: Instant) -> Option<Rung> {
        let (at, rung) = *self.rungs.first()?;
        if at > now {
            return None;
        }
        if self.rungs.len() == 1 {
            self.rungs[0].0 = now + SWEEP;
        } else {
            self.rungs.remove(0);
        }
        Some(rung)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn all_due(ladder: &mut Ladder, now: Instant) -> Vec<Rung> {
        std::iter::from_fn(|| ladder.take_due(now)).collect()
    }

    #[test]
    fn an_interrupt_is_followed_by_term_and_kill_until_nothing_is_left() {
        let (mut ladder, t) = (Ladder::default(), Instant::now());
        assert_eq!(ladder.next(), None);
        ladder.begin(t, StopSignal::Int, 10 * S);
        assert_eq!(all_due(&mut ladder, t), [Rung::Group(StopSignal::Int)]);
        assert_eq!(all_due(&mut ladder, t + 5 * S), [Rung::Group(StopSignal::Term)]);
        assert_eq!(all_due(&mut ladder, t + 10 * S), [Rung::KillAll]);
        assert_eq!(all_due(&mut ladder, t + 10 * S), []);
        assert_eq!(all_due(&mut ladder, t + 11 * S), [Rung::KillAll]);
    }

    #[test]
    fn a_second_request_makes_it_faster_but_never_slower() {
        let (mut ladder, t) = (Ladder::default(), Instant::now());
        ladder.begin(t, StopSignal::Term, 10 * S);
        ladder.begin(t, StopSignal::Term, 20 * S);
        assert_eq!(all_due(&mut ladder, t + 10 * S).last(), Some(&Rung::KillAll));
        let mut ladder = Ladder::default();
        ladder.begin(t, StopSignal::Term, 10 * S);
        ladder.begin(t, StopSignal::Term, Duration::ZERO);
        assert_eq!(all_due(&mut ladder, t), [Rung::Group(StopSignal::Term), Rung::KillAll]);
    }

    #[test]
    fn descendants_of_a_command_that_ended_by_itself_get_a_moment() {
        let (mut ladder, t) = (Ladder::default(), Instant::now());
        ladder.orphaned(t);
        assert_eq!(all_due(&mut ladder, t), []);
        assert_eq!(all_due(&mut ladder, t + S), [Rung::TermAll]);
        assert_eq!(all_due(&mut ladder, t + 3 * S), [Rung::KillAll]);
        let mut stopped = Ladder::default();
        stopped.begin(t, StopSignal::Term, 10 * S);
        stopped.orphaned(t + S);
        assert_eq!(all_due(&mut stopped, t + S), [Rung::TermAll]);
    }
}
