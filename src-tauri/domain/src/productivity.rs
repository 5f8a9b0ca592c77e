//! Issues that agents work on without getting anywhere: when somebody is asked to look.

use std::time::Duration;

use contract::Timestamp;
use contract::issue::{IssuePriority, IssueStatus};
use contract::watchdog::ProductivityTrigger;

/// The `originKind` of a review; its `originId` is the issue, its `originFingerprint` the trigger.
pub const REVIEW: &str = "issue_productivity_review";
/// Runs in a row without a word in the issue's thread.
const STREAK: i64 = 10;
/// Runs or comments that are many for an hour, and for six.
const MANY_IN_AN_HOUR: i64 = 10;
const MANY_IN_SIX_HOURS: i64 = 30;
/// Time in progress that is long.
const LONG: Duration = Duration::from_secs(6 * 3600);
/// How long a resolved review holds.
const HOLDS: Duration = Duration::from_secs(6 * 3600);
/// Reviews of one issue in a day, at most.
const MOST_A_DAY: usize = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Reminders in one review, at most, and the time between them.
const MOST_REMINDERS: i64 = 3;
const BETWEEN_REMINDERS: Duration = Duration::from_secs(3600);
/// Only what was worked on lately is looked at: what lies still is seen to by recovery.
pub const LOOK_BACK: Duration = DAY;

/// What is known of an agent's open issue.
#[derive(Clone, Copy, Debug)]
pub struct Doings {
    pub status: IssueStatus,
    pub started_at: Option<Timestamp>,
    /// The latest runs that are over and left no comment, until the first that did.
    pub without_comment: i64,
    pub runs_in_an_hour: i64,
    pub runs_in_six_hours: i64,
    pub comments_in_an_hour: i64,
    pub comments_in_six_hours: i64,
}

/// What about it is worth a look; the most telling first.
pub fn trigger(d: &Doings, now: Timestamp) -> Option<ProductivityTrigger> {
    let many = |hour: i64, six: i64| hour >= MANY_IN_AN_HOUR || six >= MANY_IN_SIX_HOURS;
    if d.without_comment >= STREAK {
        return Some(ProductivityTrigger::NoCommentStreak);
    }
    if many(d.runs_in_an_hour, d.runs_in_six_hours) || many(d.comments_in_an_hour, d.comments_in_six_hours) {
        return Some(ProductivityTrigger::HighChurn);
    }
    let long = d.status == IssueStatus::InProgress && d.started_at.is_some_and(|t| now.since(t) >= LONG);
    long.then_some(ProductivityTrigger::LongActiveDuration)
}

/// How pressing a review is.
pub const fn priority(t: ProductivityTrigger) -> IssuePriority {
    match t {
        ProductivityTrigger::LongActiveDuration => IssuePriority::Medium,
        _ => IssuePriority::High,
    }
}

/// Whether the issue's agent is not sent on by itself while the review is open.
pub const fn holds_continuations(t: ProductivityTrigger) -> bool {
    !matches!(t, ProductivityTrigger::LongActiveDuration)
}

/// The reviews that an issue had.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reviews {
    /// The open one: how often it was reminded of, and when the last word was said.
    pub open: Option<(i64, Timestamp)>,
    /// Those begun within the last day.
    pub within_a_day: usize,
    pub last_resolved_at: Option<Timestamp>,
}

impl Reviews {
    /// Reads them off the times at which each began and was resolved.
    pub fn of(
        all: &[(Timestamp, Option<Timestamp>)],
        reminders: i64,
        spoken: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            open: all.iter().any(|(_, end)| end.is_none()).then_some((reminders, spoken)),
            within_a_day: all.iter().filter(|(begun, _)| now.since(*begun) < DAY).count(),
            last_resolved_at: all.iter().filter_map(|(_, end)| *end).max(),
        }
    }
}

/// What is done about an issue that is worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Leave,
    Review,
    /// Whoever reviews it is told that it goes on like this.
    Remind,
}

pub fn step(r: &Reviews, now: Timestamp) -> Step {
    if let Some((reminders, spoken)) = r.open {
        let due = reminders < MOST_REMINDERS && now.since(spoken) >= BETWEEN_REMINDERS;
        return if due { Step::Remind } else { Step::Leave };
    }
    let held = r.last_resolved_at.is_some_and(|t| now.since(t) < HOLDS);
    if held || r.within_a_day >= MOST_A_DAY { Step::Leave } else { Step::Review }
}

/// What a review says about the issue, in one sentence.
pub fn reason(t: ProductivityTrigger, d: &Doings, now: Timestamp) -> String {
    match t {
        ProductivityTrigger::NoCommentStreak => {
            format!("Its last {} runs left no word in its thread", d.without_comment)
        }
        ProductivityTrigger::HighChurn => format!(
            "{} runs and {} comments in an hour, {} runs and {} comments in six",
            d.runs_in_an_hour, d.comments_in_an_hour, d.runs_in_six_hours, d.comments_in_six_hours
        ),
        ProductivityTrigger::LongActiveDuration => {
            let hours = d.started_at.map_or(0, |t| now.since(t).as_secs() / 3600);
            format!("It has been in progress for {hours} hours")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const QUIET: Doings = Doings {
        status: IssueStatus::InProgress,
        started_at: None,
        without_comment: 0,
        runs_in_an_hour: 0,
        runs_in_six_hours: 0,
        comments_in_an_hour: 0,
        comments_in_six_hours: 0,
    };

    #[test]
    fn the_most_telling_comes_first() {
        assert_eq!(trigger(&QUIET, NOW), None);
        let long = Doings { started_at: Some(NOW.minus(LONG)), ..QUIET };
        assert_eq!(trigger(&long, NOW), Some(ProductivityTrigger::LongActiveDuration));
        assert_eq!(trigger(&Doings { status: IssueStatus::Todo, ..long }, NOW), None);
        let churn = Doings { comments_in_six_hours: 30, ..long };
        assert_eq!(trigger(&churn, NOW), Some(ProductivityTrigger::HighChurn));
        assert_eq!(
            trigger(&Doings { runs_in_an_hour: 10, ..QUIET }, NOW),
            Some(ProductivityTrigger::HighChurn)
        );
        assert_eq!(trigger(&Doings { runs_in_an_hour: 9, runs_in_six_hours: 29, ..QUIET }, NOW), None);
        let mute = Doings { without_comment: 10, ..churn };
        assert_eq!(trigger(&mute, NOW), Some(ProductivityTrigger::NoCommentStreak));
    }

    proptest! {
        /// One review at a time, three a day, six hours of peace after each, three reminders an hour apart.
        #[test]
        fn reviews_never_pile_up(looks in prop::collection::vec((1_u64..180, any::<bool>()), 1..120)) {
            let mut now = NOW;
            let mut all: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
            let (mut reminders, mut spoken) = (0_i64, NOW);
            for (minutes, resolve) in looks {
                now = now.plus(Duration::from_secs(minutes * 60));
                match step(&Reviews::of(&all, reminders, spoken, now), now) {
                    Step::Review => {
                        prop_assert!(all.iter().all(|(_, end)| end.is_some_and(|t| now.since(t) >= HOLDS)));
                        all.push((now, None));
                        (reminders, spoken) = (0, now);
                    }
                    Step::Remind => {
                        prop_assert!(now.since(spoken) >= BETWEEN_REMINDERS);
                        (reminders, spoken) = (reminders + 1, now);
                    }
                    Step::Leave => {}
                }
                prop_assert!(reminders <= MOST_REMINDERS);
                prop_assert!(all.iter().filter(|(t, _)| now.since(*t) < DAY).count() <= MOST_A_DAY);
                if let Some(last) = all.last_mut().filter(|l| resolve && l.1.is_none()) {
                    last.1 = Some(now);
                }
            }
        }
    }
}
