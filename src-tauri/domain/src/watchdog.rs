//! Runs that are at work and say nothing: when that is to be looked at, and what is done about it.

use std::time::Duration;

use contract::issue::IssuePriority;
use contract::watchdog::{SilenceLevel, SilenceVerdict, WatchdogDecision};
use contract::{AgentId, Timestamp};

use crate::recovery::Owner;

/// Silence that makes one wonder.
pub const SUSPICIOUS: Duration = Duration::from_secs(3600);
/// Silence that nothing sound explains.
pub const CRITICAL: Duration = Duration::from_secs(4 * 3600);
/// How long a run that may go on is left alone.
pub const REARM: Duration = Duration::from_secs(30 * 60);
/// The `originKind` of an issue in which somebody looks at a silent run; its `originId` is the run.
pub const EVALUATION: &str = "stale_active_run_evaluation";

/// For how long somebody wants a run's silence left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    No,
    Until(Timestamp),
    ForGood,
}

impl Quiet {
    /// What follows from the latest decision.
    pub fn of(latest: Option<&WatchdogDecision>) -> Self {
        let Some(d) = latest else { return Self::No };
        match d.decision {
            SilenceVerdict::Snooze => d.snoozed_until.map_or(Self::No, Self::Until),
            SilenceVerdict::Continue => Self::Until(d.created_at.plus(REARM)),
            SilenceVerdict::DismissedFalsePositive => Self::ForGood,
        }
    }
}

/// For how long a look that was closed without a decision holds, after so many looks at the same run: half an hour,
/// and twice as long each time, up to eight hours.
pub fn after_look(ended: Timestamp, looks: usize) -> Quiet {
    let doublings = u32::try_from(looks.saturating_sub(1)).unwrap_or(u32::MAX).min(4);
    Quiet::Until(ended.plus(REARM * 2_u32.pow(doublings)))
}

impl Quiet {
    /// The one that holds longer.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::ForGood, _) | (_, Self::ForGood) => Self::ForGood,
            (Self::No, q) | (q, Self::No) => q,
            (Self::Until(a), Self::Until(b)) => Self::Until(a.max(b)),
        }
    }
}

/// How far a look has come, kept as the issue's `originFingerprint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Suspicious,
    Critical,
}

impl Stage {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspicious => "suspicious",
            Self::Critical => "critical",
        }
    }

    /// What an issue's fingerprint says.
    pub fn of(fingerprint: &str) -> Self {
        if fingerprint == Self::Critical.as_str() { Self::Critical } else { Self::Suspicious }
    }

    pub const fn priority(self) -> IssuePriority {
        match self {
            Self::Suspicious => IssuePriority::Medium,
            Self::Critical => IssuePriority::High,
        }
    }
}

/// Judges the silence of a run at work that began at `since`.
pub fn level(since: Timestamp, quiet: Quiet, now: Timestamp) -> SilenceLevel {
    let silence = now.since(since);
    if silence < SUSPICIOUS {
        return SilenceLevel::Ok;
    }
    match quiet {
        Quiet::ForGood => SilenceLevel::Snoozed,
        Quiet::Until(t) if t > now => SilenceLevel::Snoozed,
        _ if silence < CRITICAL => SilenceLevel::Suspicious,
        _ => SilenceLevel::Critical,
    }
}

/// The issue that a silent run works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It works on none.
    None,
    Open,
    /// The run is itself about seeing to other work: its silence is not looked at by more of the same.
    Review,
    /// The run closed it after its last word, and did not end.
    ClosedByRun,
    /// It is closed; somebody else did it, or the run spoke since.
    Closed,
}

/// What is done about a silent run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Leave,
    /// The work is done, only the process is left: it is ended.
    Fold,
    /// Somebody is asked to look at it.
    Evaluate(Stage),
    /// Whoever looks at it is told that it is pressing now.
    Raise,
}

/// Decides about one run. `look` is how far the open issue has come in which somebody looks at it already.
pub const fn step(level: SilenceLevel, source: Source, look: Option<Stage>) -> Step {
    let now = match level {
        SilenceLevel::Suspicious => Stage::Suspicious,
        SilenceLevel::Critical => Stage::Critical,
        _ => return Step::Leave,
    };
    match (source, look, now) {
        (Source::Review, _, _) => Step::Leave,
        (Source::ClosedByRun, _, _) => Step::Fold,
        (_, None, now) => Step::Evaluate(now),
        (_, Some(Stage::Suspicious), Stage::Critical) => Step::Raise,
        _ => Step::Leave,
    }
}

/// Who is asked to look: the manager of the issue's assignee, the one of the run's agent, the CTO, the CEO, and
/// last the operator. Never the agent itself.
pub fn overseer(
    agents: &[contract::agent::Agent],
    assignee: Option<AgentId>,
    running: AgentId,
    eligible: impl Fn(AgentId) -> bool,
) -> Owner {
    crate::recovery::above(agents, [assignee, Some(running)].into_iter().flatten())
        .into_iter()
        .find(|id| *id != running && eligible(*id))
        .map_or(Owner::Board, Owner::Agent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn ago(d: Duration) -> Timestamp {
        Timestamp::from_millis(NOW.millis() - i64::try_from(d.as_millis()).unwrap())
    }

    #[test]
    fn silence_is_judged_by_its_length_and_by_what_was_decided() {
        let at = |d, quiet| level(ago(d), quiet, NOW);
        assert_eq!(at(SUSPICIOUS - Duration::from_millis(1), Quiet::No), SilenceLevel::Ok);
        assert_eq!(at(SUSPICIOUS, Quiet::No), SilenceLevel::Suspicious);
        assert_eq!(at(CRITICAL, Quiet::No), SilenceLevel::Critical);
        assert_eq!(at(CRITICAL, Quiet::Until(NOW.plus(REARM))), SilenceLevel::Snoozed);
        assert_eq!(at(CRITICAL, Quiet::Until(NOW)), SilenceLevel::Critical, "the time is over");
        assert_eq!(at(CRITICAL * 20, Quiet::ForGood), SilenceLevel::Snoozed);
    }

    #[test]
    fn a_run_that_may_go_on_is_left_alone_for_half_an_hour() {
        let decision = |decision, snoozed_until| WatchdogDecision {
            id: uuid::Uuid::nil().into(),
            company_id: uuid::Uuid::nil().into(),
            run_id: uuid::Uuid::nil().into(),
            evaluation_issue_id: None,
            decision,
            snoozed_until,
            reason: None,
            created_by_agent_id: None,
            created_by_user_id: None,
            created_by_run_id: None,
            created_at: NOW,
        };
        let quiet = |v, t| Quiet::of(Some(&decision(v, t)));
        assert_eq!(quiet(SilenceVerdict::Continue, None), Quiet::Until(NOW.plus(REARM)));
        assert_eq!(quiet(SilenceVerdict::Snooze, Some(NOW)), Quiet::Until(NOW));
        assert_eq!(quiet(SilenceVerdict::DismissedFalsePositive, None), Quiet::ForGood);
        assert_eq!(Quiet::of(None), Quiet::No);
    }

    #[test]
    fn a_look_that_was_closed_without_a_word_holds_longer_each_time() {
        let held = |looks| match after_look(NOW, looks) {
            Quiet::Until(t) => t.since(NOW).as_secs() / 60,
            other => panic!("{other:?}"),
        };
        assert_eq!([1, 2, 3, 4, 5, 6, 60].map(held), [30, 60, 120, 240, 480, 480, 480]);
        let later = NOW.plus(REARM);
        assert_eq!(Quiet::Until(NOW).or(Quiet::Until(later)), Quiet::Until(later));
        assert_eq!(Quiet::No.or(Quiet::Until(NOW)), Quiet::Until(NOW));
        assert_eq!(Quiet::Until(NOW).or(Quiet::ForGood), Quiet::ForGood);
    }

    fn levels() -> impl Strategy<Value = SilenceLevel> {
        prop::sample::select(SilenceLevel::ALL.to_vec())
    }

    fn sources() -> impl Strategy<Value = Source> {
        prop::sample::select(vec![
            Source::None,
            Source::Open,
            Source::Review,
            Source::ClosedByRun,
            Source::Closed,
        ])
    }

    proptest! {
        /// Silence is looked at once, by one issue, which only ever becomes more pressing; and never by a review of
        /// a review.
        #[test]
        fn one_look_at_a_time(
            level in levels(),
            source in sources(),
            stage in prop::option::of(prop::sample::select(vec![Stage::Suspicious, Stage::Critical])),
        ) {
            let s = step(level, source, stage);
            if !matches!(level, SilenceLevel::Suspicious | SilenceLevel::Critical) || source == Source::Review {
                prop_assert_eq!(s, Step::Leave);
            }
            match s {
                Step::Evaluate(_) => prop_assert!(stage.is_none()),
                Step::Raise => prop_assert!(level == SilenceLevel::Critical && stage.is_some()),
                Step::Fold => prop_assert_eq!(source, Source::ClosedByRun),
                Step::Leave => {}
            }
            // Having done what was decided, there is nothing more to do.
            let after = match s {
                Step::Evaluate(s) => step(level, source, Some(s)),
                Step::Raise => step(level, source, Some(Stage::Critical)),
                other => other,
            };
            prop_assert!(matches!(after, Step::Leave | Step::Fold));
        }
    }
}
