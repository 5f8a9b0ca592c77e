#![allow(clippy::unwrap_used)]

use contract::budget::BudgetMetric;
use contract::{BudgetPolicyId, CompanyId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn policy(amount: i64) -> BudgetPolicy {
    let at = Timestamp::from_millis(0);
    BudgetPolicy {
        id: BudgetPolicyId(Uuid::nil()),
        company_id: CompanyId(Uuid::nil()),
        scope_type: BudgetScope::Agent,
        scope_id: Uuid::nil(),
        metric: BudgetMetric::BilledCents,
        window_kind: BudgetWindow::CalendarMonthUtc,
        amount: Cents::new(amount),
        warn_percent: 80,
        hard_stop_enabled: true,
        notify_enabled: true,
        is_active: true,
        created_by_user_id: None,
        updated_by_user_id: None,
        created_at: at,
        updated_at: at,
    }
}

fn cents(n: i64) -> Micros {
    Micros::of_cents(Cents::new(n))
}

fn at(s: &str) -> Timestamp {
    Timestamp::parse(s).unwrap()
}

#[test]
fn a_month_ends_where_the_next_begins_also_at_the_turn_of_the_year() {
    let w = window(BudgetWindow::CalendarMonthUtc, at("2026-12-31T23:59:59.999Z"));
    assert_eq!(w, Window { start: at("2026-12-01T00:00:00Z"), end: at("2027-01-01T00:00:00Z") });
    assert_eq!(window(BudgetWindow::CalendarMonthUtc, w.end).start, w.end);
    assert_eq!(month_key(w.start), "2026-12");
    let life = window(BudgetWindow::Lifetime, at("2026-02-03T00:00:00Z"));
    assert_eq!((life.start.millis(), life.end), (0, at("9999-01-01T00:00:00Z")));
}

#[test]
fn a_budget_warns_and_stops_at_its_thresholds_and_not_before() {
    let p = policy(101);
    assert_eq!(warn_at(&p).get(), 81, "80 % of 101 is 80.8: rounded up");
    assert_eq!(status(&p, Micros::new(809_999)), BudgetStatus::Ok);
    assert_eq!(status(&p, cents(81)), BudgetStatus::Warning);
    assert_eq!(status(&p, Micros::new(1_009_999)), BudgetStatus::Warning);
    assert_eq!(crossed(&p, cents(101)), Some(BudgetThreshold::Hard));
    assert!(stops(&p, cents(101)) && !stops(&p, Micros::new(1_009_999)));
    let soft = BudgetPolicy { hard_stop_enabled: false, ..policy(101) };
    assert_eq!((stops(&soft, cents(500)), crossed(&soft, cents(500))), (false, Some(BudgetThreshold::Soft)));
    for p in [policy(0), BudgetPolicy { is_active: false, ..policy(10) }] {
        assert_eq!((status(&p, cents(900)), stops(&p, cents(900))), (BudgetStatus::Ok, false));
    }
}

#[test]
fn an_incident_that_is_decided_is_not_decided_again() {
    use BudgetIncidentStatus as S;
    use IncidentEvent as E;
    for event in [E::Raised, E::Kept] {
        let decided = incident_after(S::Open, event).unwrap();
        assert_ne!(decided, S::Open);
        assert_eq!(incident_after(decided, E::Raised), None);
        assert_eq!(incident_after(decided, E::Kept), None);
    }
    assert_eq!(incident_after(S::Resolved, E::Crossed), Some(S::Open), "crossed again after a raise");
    assert_eq!(incident_after(S::Dismissed, E::Crossed), None);
}

#[test]
fn a_rest_smaller_than_the_estimate_is_not_lost_but_goes_to_one_run_alone() {
    let cap = Cap { amount: Cents::new(50), observed: cents(45), held: Micros::ZERO, live: 0 };
    assert_eq!(reserve(cents(10), &[cap]), Ok(cents(5)));
    let busy = Cap { held: cents(5), live: 1, ..cap };
    assert_eq!(reserve(cents(10), &[busy]), Err(Refusal::Reserved(0)));
    let spent = Cap { observed: cents(50), ..cap };
    assert_eq!(reserve(cents(10), &[busy, spent]), Err(Refusal::Spent(1)));
    assert_eq!(reserve(cents(10), &[]), Ok(cents(10)), "nothing limits it");
}

proptest! {
    #[test]
    fn a_proposed_raise_is_above_both(limit in 1..1_000_000i64, spent in 0..2_000_000i64) {
        let raise = proposed_raise(Cents::new(limit), cents(spent));
        prop_assert!(raise.get() > limit && raise.get() > spent);
    }

    #[test]
    fn a_scope_that_is_paused_or_spent_is_never_passed(facts in proptest::collection::vec((any::<bool>(), any::<bool>()), 0..3)) {
        let scopes = [BudgetScope::Company, BudgetScope::Agent, BudgetScope::Project];
        let all: Vec<_> = facts.iter().zip(scopes)
            .map(|(&(paused_by_budget, spent), scope)| ScopeFacts { scope, paused_by_budget, spent })
            .collect();
        let blocked = all.iter().any(|s| s.paused_by_budget || s.spent);
        prop_assert_eq!(gate(&all).is_some(), blocked);
    }

    /// Runs of three agents under limits of their own, of their company and of a project start, speak and end in
    /// any order; whoever is at work under a limit when it is reached may say one thing more, and no more.
    #[test]
    fn no_order_of_starts_and_messages_exceeds_a_limit_by_more_than_one_message_a_live_run(
        amounts in (20..300i64, 20..200i64, 20..200i64, 20..300i64),
        steps in proptest::collection::vec((0..3usize, 0..4u8, 1..200_000i64, any::<prop::sample::Index>()), 1..200),
    ) {
        let mut model = Model::new([amounts.0, amounts.1, amounts.2, amounts.3]);
        for (agent, kind, cost, which) in steps {
            match kind {
                0 | 1 => model.start(agent, cost)?,
                2 => model.end(which),
                _ => model.message(which, Micros::new(cost))?,
            }
        }
    }

    /// What the operator and the world do to one incident, in any order: it is open exactly while the scope stands
    /// still for want of a decision, and a scope over its limit never passes the gate.
    #[test]
    fn no_order_of_spending_raising_and_keeping_lets_a_spent_scope_pass(
        steps in proptest::collection::vec((0..4u8, 1..80i64), 1..60),
    ) {
        let mut p = policy(100);
        let (mut observed, mut paused, mut incident) = (Micros::ZERO, false, None::<BudgetIncidentStatus>);
        for (kind, n) in steps {
            let facts = |p: &BudgetPolicy, observed, paused| ScopeFacts {
                scope: BudgetScope::Agent, paused_by_budget: paused, spent: stops(p, observed),
            };
            match kind {
                0 if gate(&[facts(&p, observed, paused)]).is_none() => observed = observed.plus(cents(n)),
                1 if incident == Some(BudgetIncidentStatus::Open) => {
                    p.amount = proposed_raise(p.amount, observed);
                    incident = incident_after(BudgetIncidentStatus::Open, IncidentEvent::Raised);
                    paused = false;
                }
                2 if incident == Some(BudgetIncidentStatus::Open) => {
                    incident = incident_after(BudgetIncidentStatus::Open, IncidentEvent::Kept);
                }
                _ => {}
            }
            if stops(&p, observed) {
                paused = true;
                incident = match incident {
                    None => Some(BudgetIncidentStatus::Open),
                    Some(s) => incident_after(s, IncidentEvent::Crossed).or(incident),
                };
            }
            let passes = gate(&[facts(&p, observed, paused)]).is_none();
            prop_assert!(!(stops(&p, observed) && passes));
            prop_assert_eq!(incident == Some(BudgetIncidentStatus::Open), paused && incident != Some(BudgetIncidentStatus::Dismissed));
        }
    }
}

/// A run of the model: whose, what it reserved, what it has cost, and whether it was told to stop.
struct Live {
    agent: usize,
    reserved: Micros,
    settled: Micros,
    told: bool,
}

/// Limits of a company (0), of two agents (1, 2; the third has none), and of a project (3) that agents 1 and 2 share.
struct Model {
    amounts: [i64; 4],
    observed: [Micros; 4],
    /// What each limit may be exceeded by, from the moment it is reached.
    allowed: [Option<Micros>; 4],
    runs: Vec<Live>,
}

const MOST: Micros = Micros::new(200_000);

impl Model {
    fn new(amounts: [i64; 4]) -> Self {
        Self { amounts, observed: [Micros::ZERO; 4], allowed: [None; 4], runs: Vec::new() }
    }

    fn caps_of(agent: usize) -> Vec<usize> {
        match agent {
            0 => vec![0, 1],
            1 => vec![0, 2, 3],
            _ => vec![0, 3],
        }
    }

    fn under(&self, cap: usize) -> impl Iterator<Item = &Live> {
        self.runs.iter().filter(move |r| Self::caps_of(r.agent).contains(&cap))
    }

    fn cap(&self, n: usize) -> Cap {
        Cap {
            amount: Cents::new(self.amounts[n]),
            observed: self.observed[n],
            held: self.under(n).map(|r| r.reserved.less(r.settled)).sum(),
            live: self.under(n).count(),
        }
    }

    fn start(&mut self, agent: usize, want: i64) -> Result<(), TestCaseError> {
        let names = Self::caps_of(agent);
        let caps: Vec<Cap> = names.iter().map(|&n| self.cap(n)).collect();
        let Ok(reserved) = reserve(estimate(&[Micros::new(want)]), &caps) else { return Ok(()) };
        self.runs.push(Live { agent, reserved, settled: Micros::ZERO, told: false });
        for &n in &names {
            let cap = self.cap(n);
            prop_assert!(self.allowed[n].is_none(), "nothing starts under a limit that is reached");
            let promised = cap.observed.plus(cap.held);
            prop_assert!(promised <= Micros::of_cents(cap.amount), "{promised:?} of {:?}", cap.amount);
        }
        Ok(())
    }

    fn end(&mut self, which: prop::sample::Index) {
        if !self.runs.is_empty() {
            self.runs.remove(which.index(self.runs.len()));
        }
    }

    fn message(&mut self, which: prop::sample::Index, cost: Micros) -> Result<(), TestCaseError> {
        if self.runs.is_empty() {
            return Ok(());
        }
        let at = which.index(self.runs.len());
        let run = &mut self.runs[at];
        run.settled = run.settled.plus(cost);
        let (agent, over) = (run.agent, run.told);
        for n in Self::caps_of(agent) {
            self.observed[n] = self.observed[n].plus(cost);
            let limit = cents(self.amounts[n]);
            if self.observed[n] >= limit && self.allowed[n].is_none() {
                prop_assert!(
                    self.observed[n].less(limit) <= cost,
                    "only the last message is beyond the limit"
                );
                let live = i64::try_from(self.under(n).count()).unwrap();
                self.allowed[n] = Some(self.observed[n].plus(Micros::new(MOST.get() * live)));
                for r in self.runs.iter_mut().filter(|r| Self::caps_of(r.agent).contains(&n)) {
                    r.told = true;
                }
            }
            if let Some(most) = self.allowed[n] {
                prop_assert!(self.observed[n] <= most, "more than one message a live run");
            }
        }
        if over {
            self.runs.remove(at);
        }
        Ok(())
    }
}
