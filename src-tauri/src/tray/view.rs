//! What the tray says, worked out from the state of the installation.

use contract::instance::{FindingLevel, InstanceStatus};
use jiff::Timestamp;
use jiff::tz::TimeZone;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Idle,
    Working,
    /// A decision is the operator's.
    Waiting,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub icon: Icon,
    pub tooltip: String,
    pub running: String,
    pub waiting: String,
    pub something_waits: bool,
    pub spent: String,
    pub next_wake: String,
    pub paused: bool,
    pub quit: String,
}

impl View {
    /// Before the core has answered for the first time.
    pub fn starting() -> Self {
        Self {
            icon: Icon::Idle,
            tooltip: "Paperclip Desktop: starting".into(),
            running: "Starting…".into(),
            waiting: "Nothing waits for you".into(),
            something_waits: false,
            spent: "$0.00 spent today".into(),
            next_wake: "No wake planned".into(),
            paused: false,
            quit: "Quit".into(),
        }
    }

    pub fn of(status: &InstanceStatus, zone: &TimeZone) -> Self {
        let paused = status.paused_at.is_some();
        let running = match (status.running_runs, status.queued_runs, paused) {
            (0, 0, true) => "Everything is paused".into(),
            (n, 0, true) => format!("Paused, {n} still running"),
            (0, 0, false) => "Nothing runs".into(),
            (n, 0, false) => format!("{n} running"),
            (n, queued, _) => format!("{n} running, {queued} queued"),
        };
        let something_waits = status.waiting_for_you > 0;
        let waiting = match status.waiting_for_you {
            0 => "Nothing waits for you".into(),
            n => format!("{n} waiting for you"),
        };
        let icon = if status.problems.iter().any(|p| p.level == FindingLevel::Error) {
            Icon::Error
        } else if something_waits {
            Icon::Waiting
        } else if status.running_runs > 0 {
            Icon::Working
        } else {
            Icon::Idle
        };
        let cents = status.spent_today_cents.get();
        Self {
            icon,
            tooltip: format!("Paperclip Desktop: {}, {}", lower(&running), lower(&waiting)),
            spent: format!("${}.{:02} spent today", cents / 100, cents % 100),
            next_wake: next_wake(status, zone),
            paused,
            quit: match status.running_runs {
                0 => "Quit".into(),
                1 => "Quit (the run goes on)".into(),
                n => format!("Quit ({n} runs go on)"),
            },
            running,
            waiting,
            something_waits,
        }
    }
}

fn next_wake(status: &InstanceStatus, zone: &TimeZone) -> String {
    if status.paused_at.is_some() {
        return "No wake while paused".into();
    }
    let at = status.next_wake_at.and_then(|t| Timestamp::from_millisecond(t.millis()).ok());
    match at {
        // The day is named, for the menu is not redrawn at midnight.
        Some(at) => format!("Next wake {}", at.to_zoned(zone.clone()).strftime("%a %H:%M")),
        None => "No wake planned".into(),
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use contract::instance::Finding;
    use contract::{Cents, Timestamp};

    use super::*;

    fn status() -> InstanceStatus {
        InstanceStatus {
            version: "0".into(),
            data_dir: String::new(),
            url: None,
            running_runs: 0,
            queued_runs: 0,
            max_live_runs: 4,
            waiting_for_you: 0,
            failed_runs_today: 0,
            spent_today_cents: Cents::ZERO,
            next_wake_at: None,
            paused_at: None,
            problems: Vec::new(),
        }
    }

    fn view(status: &InstanceStatus) -> View {
        View::of(status, &TimeZone::UTC)
    }

    #[test]
    fn what_matters_most_decides_the_icon() {
        let mut s = status();
        assert_eq!(view(&s).icon, Icon::Idle);
        s.running_runs = 2;
        assert_eq!(view(&s).icon, Icon::Working);
        s.waiting_for_you = 1;
        assert_eq!(view(&s).icon, Icon::Waiting);
        let problem = |level| Finding { check: "disk".into(), level, message: String::new(), hint: None };
        s.problems = vec![problem(FindingLevel::Warn)];
        assert_eq!(view(&s).icon, Icon::Waiting);
        s.problems.push(problem(FindingLevel::Error));
        assert_eq!(view(&s).icon, Icon::Error);
    }

    #[test]
    fn the_menu_says_what_is_so() {
        let mut s = status();
        s.running_runs = 3;
        s.waiting_for_you = 2;
        s.spent_today_cents = Cents::new(1205);
        s.next_wake_at = Some(Timestamp::from_millis(1_800_000_000_000));
        let v = view(&s);
        assert_eq!(v.running, "3 running");
        assert_eq!(v.waiting, "2 waiting for you");
        assert!(v.something_waits);
        assert_eq!(v.spent, "$12.05 spent today");
        assert_eq!(v.next_wake, "Next wake Fri 08:00");
        assert_eq!(v.quit, "Quit (3 runs go on)");
        assert_eq!(v.tooltip, "Paperclip Desktop: 3 running, 2 waiting for you");
    }

    #[test]
    fn a_pause_is_said_plainly() {
        let mut s = status();
        s.paused_at = Some(Timestamp::from_millis(0));
        s.next_wake_at = Some(Timestamp::from_millis(1_800_000_000_000));
        let v = view(&s);
        assert!(v.paused);
        assert_eq!(v.running, "Everything is paused");
        assert_eq!(v.next_wake, "No wake while paused");
        s.running_runs = 1;
        assert_eq!(view(&s).running, "Paused, 1 still running");
    }
}
