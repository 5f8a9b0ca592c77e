//! Budgets: the window a limit counts in, what is reached of it, who may start under it, and its incidents.
//!
//! A limit is whole cents and is reached when the cost of its window reaches it. While runs are at work their costs
//! arrive message by message, so a limit is kept in two ways: a run starts only with a reservation that fits into
//! what is left, and every message is weighed when it arrives, so that what goes on beyond a limit is at most one
//! message of each run that was at work when it was reached.

use contract::agent::{Agent, AgentStatus};
use contract::budget::{
    BudgetIncidentStatus, BudgetPolicy, BudgetScope, BudgetStatus, BudgetThreshold, BudgetWindow,
};
use contract::company::{Company, CompanyStatus, PauseReason};
use contract::{Cents, Micros, Timestamp};

#[cfg(test)]
mod tests;

/// What an agent could do if no budget paused it: what comes in for it meanwhile is held, not lost.
pub fn status_but_for_budget(a: &Agent) -> AgentStatus {
    match (a.status, a.pause_reason) {
        (AgentStatus::Paused, Some(PauseReason::Budget)) => AgentStatus::Idle,
        (status, _) => status,
    }
}

/// As [`status_but_for_budget`], of a company.
pub fn active_but_for_budget(c: &Company) -> bool {
    c.status == CompanyStatus::Active
        || c.status == CompanyStatus::Paused && c.pause_reason == Some(PauseReason::Budget)
}

/// From the beginning of a window up to, but without, its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// The end of a lifetime, as Paperclip writes it: 9999-01-01.
const FOREVER: Timestamp = Timestamp::from_millis(253_370_764_800_000);

/// The window of a limit at a moment.
pub fn window(kind: BudgetWindow, now: Timestamp) -> Window {
    match kind {
        BudgetWindow::Lifetime => Window { start: Timestamp::from_millis(0), end: FOREVER },
        BudgetWindow::CalendarMonthUtc => month_of(now),
    }
}

/// The calendar month (UTC) of a moment.
pub fn month_of(now: Timestamp) -> Window {
    let (year, month) = year_and_month(now);
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let first = |y: i32, m: u32| Timestamp::parse(&format!("{y:04}-{m:02}-01T00:00:00Z")).unwrap_or(now);
    Window { start: first(year, month), end: first(next_year, next_month) }
}

/// The name under which a month's spending is kept: `2026-11`.
pub fn month_key(at: Timestamp) -> String {
    at.to_string().chars().take(7).collect()
}

fn year_and_month(at: Timestamp) -> (i32, u32) {
    let key = month_key(at);
    let (year, month) = key.split_once('-').unwrap_or(("1970", "01"));
    (year.parse().unwrap_or(1970), month.parse().unwrap_or(1))
}

/// Whether a budget limits anything. Zero is no limit.
pub fn is_in_force(p: &BudgetPolicy) -> bool {
    p.is_active && p.amount > Cents::ZERO
}

/// Where the warning stands: that share of the limit, rounded up.
pub fn warn_at(p: &BudgetPolicy) -> Cents {
    let share = p.amount.get().saturating_mul(p.warn_percent.clamp(1, 99));
    Cents::new(share / 100 + i64::from(share % 100 != 0))
}

pub fn status(p: &BudgetPolicy, observed: Micros) -> BudgetStatus {
    if !is_in_force(p) {
        return BudgetStatus::Ok;
    }
    match observed.whole_cents() {
        spent if spent >= p.amount => BudgetStatus::HardStop,
        spent if spent >= warn_at(p) => BudgetStatus::Warning,
        _ => BudgetStatus::Ok,
    }
}

/// Whether nothing may run under this budget any more.
pub fn stops(p: &BudgetPolicy, observed: Micros) -> bool {
    p.hard_stop_enabled && status(p, observed) == BudgetStatus::HardStop
}

/// The threshold that is crossed, if one is worth an incident.
pub fn crossed(p: &BudgetPolicy, observed: Micros) -> Option<BudgetThreshold> {
    match status(p, observed) {
        BudgetStatus::Ok => None,
        BudgetStatus::HardStop if p.hard_stop_enabled => Some(BudgetThreshold::Hard),
        BudgetStatus::Warning | BudgetStatus::HardStop => p.notify_enabled.then_some(BudgetThreshold::Soft),
    }
}

/// A limit to propose to who has to decide: half as much again as the limit or the spending, whichever is more,
/// in whole dollars once it is a dollar.
pub fn proposed_raise(limit: Cents, observed: Micros) -> Cents {
    let from = limit.max(observed.whole_cents()).get();
    let more = from.saturating_add((from / 2).max(1));
    if more < 100 { Cents::new(more) } else { Cents::new(more.saturating_add(99) / 100 * 100) }
}

/// What happens to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentEvent {
    /// The threshold is crossed, for the first time or again after a raise.
    Crossed,
    /// The limit was raised above what was spent, or lifted.
    Raised,
    /// The operator lets the scope stay paused.
    Kept,
}

impl IncidentEvent {
    pub const ALL: [Self; 3] = [Self::Crossed, Self::Raised, Self::Kept];
}

/// The state of an incident after an event; `None`: the event has no place there.
///
/// | from | crossed | raised | kept |
/// |---|---|---|---|
/// | open | open | resolved | dismissed |
/// | resolved | open | – | – |
/// | dismissed | – | – | – |
///
/// A dismissed incident is over: what is spent later under another limit is another incident.
pub const fn incident_after(
    from: BudgetIncidentStatus,
    event: IncidentEvent,
) -> Option<BudgetIncidentStatus> {
    use BudgetIncidentStatus as S;
    match (from, event) {
        (S::Open | S::Resolved, IncidentEvent::Crossed) => Some(S::Open),
        (S::Open, IncidentEvent::Raised) => Some(S::Resolved),
        (S::Open, IncidentEvent::Kept) => Some(S::Dismissed),
        (S::Resolved, IncidentEvent::Raised | IncidentEvent::Kept) | (S::Dismissed, _) => None,
    }
}

/// One scope as the gate sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeFacts {
    pub scope: BudgetScope,
    pub paused_by_budget: bool,
    /// A limit of it is reached.
    pub spent: bool,
}

/// The first scope, of those given from the outermost in, that lets nothing start.
pub fn gate(scopes: &[ScopeFacts]) -> Option<BudgetScope> {
    scopes.iter().find(|s| s.paused_by_budget || s.spent).map(|s| s.scope)
}

/// The least that a run is reckoned with: a first run of an agent, and one whose runs were short, still sends its
/// prompt and gets an answer.
pub const LEAST_RESERVATION: Micros = Micros::new(100_000);

/// What to set aside for a run of an agent whose last runs cost this much: their mean, and never less than
/// [`LEAST_RESERVATION`].
///
/// The mean and not the most: a reservation keeps concurrent starts apart, it does not bound the run. What a run
/// costs beyond it is weighed against what is left at every message, like the cost of any other.
pub fn estimate(recent: &[Micros]) -> Micros {
    let count = i64::try_from(recent.len()).unwrap_or(i64::MAX).max(1);
    let sum: Micros = recent.iter().copied().sum();
    Micros::new(sum.get() / count).max(LEAST_RESERVATION)
}

/// A limit at the moment at which a run wants to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    pub amount: Cents,
    pub observed: Micros,
    /// What runs at work under it have reserved and not spent.
    pub held: Micros,
    /// Runs at work under it.
    pub live: usize,
}

impl Cap {
    fn left(&self) -> Micros {
        Micros::of_cents(self.amount).less(self.observed)
    }

    fn fits(&self, want: Micros) -> bool {
        self.observed.plus(self.held).plus(want) <= Micros::of_cents(self.amount)
    }
}

/// Which of the limits stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is left.
    Spent(usize),
    /// What is left is reserved by runs at work: when they end, there may be room.
    Reserved(usize),
}

/// What a run may reserve under these limits.
///
/// It must fit into what is left of each. Where nobody else is at work under a limit, what is left is enough,
/// however little: the run is weighed at every message, and a rest that is smaller than an estimate is not lost.
pub fn reserve(want: Micros, caps: &[Cap]) -> Result<Micros, Refusal> {
    let mut granted = want;
    for (n, cap) in caps.iter().enumerate() {
        if cap.left() == Micros::ZERO {
            return Err(Refusal::Spent(n));
        }
        if cap.live == 0 {
            granted = granted.min(cap.left());
        }
    }
    match caps.iter().position(|cap| !cap.fits(granted)) {
        Some(n) => Err(Refusal::Reserved(n)),
        None => Ok(granted),
    }
}
