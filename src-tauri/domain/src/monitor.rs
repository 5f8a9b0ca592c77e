//! Looking at an issue again at a set time, once.

use contract::Timestamp;
use contract::execution::{MonitorCleared, MonitorPolicy, MonitorRecovery, MonitorState, MonitorStatus};
use contract::issue::{Issue, IssueStatus};

/// Tries of one monitor, at the most.
pub const MOST_ATTEMPTS: i64 = 100;

/// Why a monitor cannot be set.
pub fn refuse(issue: &Issue, m: &MonitorPolicy, attempts: i64, now: Timestamp) -> Option<&'static str> {
    if let Some(why) = misplaced(issue) {
        return Some(match why {
            MonitorCleared::InvalidAssignee => "Only an issue of an agent is looked at again",
            _ => "Only an issue in progress or in review is looked at again",
        });
    }
    if m.max_attempts.is_some_and(|n| !(0..=MOST_ATTEMPTS).contains(&n)) {
        return Some("maxAttempts: 0 to 100");
    }
    if exhausted(m.timeout_at, m.max_attempts, attempts, now).is_some() {
        return Some("Its tries or its time are used up");
    }
    None
}

/// Why a monitor has no place on the issue as it is.
pub fn misplaced(issue: &Issue) -> Option<MonitorCleared> {
    match issue.status {
        IssueStatus::Done => Some(MonitorCleared::Done),
        IssueStatus::Cancelled => Some(MonitorCleared::Cancelled),
        _ if issue.assignee_agent_id.is_none() => Some(MonitorCleared::InvalidAssignee),
        IssueStatus::InProgress | IssueStatus::InReview => None,
        _ => Some(MonitorCleared::InvalidStatus),
    }
}

fn exhausted(
    timeout: Option<Timestamp>,
    most: Option<i64>,
    attempts: i64,
    now: Timestamp,
) -> Option<MonitorCleared> {
    if timeout.is_some_and(|t| t <= now) {
        return Some(MonitorCleared::TimeoutExceeded);
    }
    most.filter(|n| attempts >= *n).map(|_| MonitorCleared::MaxAttemptsExhausted)
}

/// What is due of a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    NotYet,
    /// Its agent is asked to look.
    Fire,
    /// It has no place here any more.
    Clear(MonitorCleared),
    /// It has no try left: somebody is told.
    Exhausted(MonitorCleared, MonitorRecovery),
}

/// Decides what is due. `now` of a check by hand is the time that was set.
pub fn due(issue: &Issue, m: &MonitorState, now: Timestamp, by_hand: bool) -> Due {
    let Some(at) = m.next_check_at.filter(|_| m.status == MonitorStatus::Scheduled) else {
        return Due::NotYet;
    };
    if let Some(why) = misplaced(issue) {
        return Due::Clear(why);
    }
    if at > now && !by_hand {
        return Due::NotYet;
    }
    match exhausted(m.timeout_at, m.max_attempts, m.attempt_count, now) {
        Some(why) => Due::Exhausted(why, m.recovery_policy.unwrap_or(MonitorRecovery::WakeOwner)),
        None => Due::Fire,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        /// A monitor that is set again after each time fires at most as often as it may, and then somebody is told.
        #[test]
        fn a_monitor_never_fires_more_often_than_it_may(most in 0..6i64, timeout in prop::option::of(0..20i64)) {
            let mut issue = crate::issue::new(contract::IssueId(Uuid::nil()), contract::CompanyId(Uuid::nil()), "T", Timestamp::from_millis(0));
            issue.status = IssueStatus::InProgress;
            issue.assignee_agent_id = Some(contract::AgentId(Uuid::nil()));
            let mut m = MonitorState {
                status: MonitorStatus::Scheduled, next_check_at: None, last_triggered_at: None, attempt_count: 0,
                notes: None, scheduled_by: None, kind: None, service_name: None, external_ref: None,
                timeout_at: timeout.map(Timestamp::from_millis), max_attempts: Some(most), recovery_policy: None,
                cleared_at: None, clear_reason: None,
            };
            let (mut fired, mut told) = (0, false);
            for now in 0..20 {
                let now = Timestamp::from_millis(now);
                m.status = MonitorStatus::Scheduled;
                m.next_check_at = Some(now);
                match due(&issue, &m, now, false) {
                    Due::Fire => { fired += 1; m.attempt_count += 1; }
                    Due::Exhausted(..) => { told = true; break; }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert!(fired <= most && told);
            issue.status = IssueStatus::Done;
            prop_assert_eq!(due(&issue, &m, Timestamp::from_millis(99), false), Due::Clear(MonitorCleared::Done));
        }
    }
}
