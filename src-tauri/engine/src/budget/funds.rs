//! Whether there is money for a run to start.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use contract::budget::{BudgetPolicy, BudgetScope};
use contract::company::PauseReason;
use contract::{AgentId, Micros, Timestamp};
use domain::budget::{
    Cap, Refusal, ScopeFacts, Window, estimate, gate, is_in_force, month_key, reserve, window,
};
use store::SqliteConnection;
use uuid::Uuid;

use super::Scopes;
use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// Whose budget stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    pub scope: BudgetScope,
    pub id: Uuid,
    pub name: String,
}

impl Short {
    /// One sentence for a person.
    pub fn reason(&self) -> String {
        format!("The budget of {} is spent", self.name)
    }

    /// The same, as it stands with a wake that waits for money.
    pub fn held(&self) -> String {
        format!("Held: the budget of {} is spent", self.name)
    }
}

/// What a run that wants to start is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Funds {
    /// It may start, with this set aside for it.
    Granted(Micros),
    /// Nothing is left.
    Spent(Short),
    /// What is left is set aside for runs at work: it waits for one of them to end.
    Reserved(Short),
}

/// What is known of budgets while one decision, or one look at the queue, is made.
#[derive(Default)]
pub(crate) struct Ledger {
    scopes: HashMap<(BudgetScope, Uuid), Scope>,
    estimates: HashMap<AgentId, Micros>,
}

struct Scope {
    name: String,
    paused: bool,
    caps: Vec<Cap>,
}

/// The window that a limit counts in now, and what is spent of it.
pub(super) async fn observed(
    conn: &mut SqliteConnection,
    p: &BudgetPolicy,
    now: Timestamp,
) -> Answer<(Window, Micros)> {
    let w = window(p.window_kind, now);
    let months = (month_key(w.start), month_key(w.end));
    let spent = store::budgets::spent(conn, p.scope_type, p.scope_id, (&months.0, &months.1)).await;
    Ok((w, spent.answer()?))
}

impl Engine {
    /// The outermost of these whose budget lets nothing start.
    pub(crate) async fn short(
        &self,
        conn: &mut SqliteConnection,
        ledger: &mut Ledger,
        scopes: Scopes,
    ) -> Answer<Option<Short>> {
        let mut facts = Vec::new();
        for (kind, id) in scopes.all() {
            let scope = self.scope(conn, ledger, kind, id).await?;
            let spent = scope.caps.iter().any(|c| c.observed >= Micros::of_cents(c.amount));
            facts.push(ScopeFacts { scope: kind, paused_by_budget: scope.paused, spent });
        }
        let Some(scope) = gate(&facts) else { return Ok(None) };
        let found = scopes.all().find(|(kind, _)| *kind == scope);
        Ok(found.map(|(scope, id)| {
            let name = ledger.scopes.get(&(scope, id)).map(|s| s.name.clone()).unwrap_or_default();
            Short { scope, id, name }
        }))
    }

    /// Decides whether a run may start. What is granted counts against what is asked for next of the same ledger.
    pub(crate) async fn funds(
        &self,
        conn: &mut SqliteConnection,
        ledger: &mut Ledger,
        scopes: Scopes,
    ) -> Answer<Funds> {
        if let Some(short) = self.short(conn, ledger, scopes).await? {
            return Ok(Funds::Spent(short));
        }
        let want = match ledger.estimates.entry(scopes.agent) {
            Entry::Occupied(e) => *e.get(),
            Entry::Vacant(e) => {
                let recent = store::budgets::recent_costs(conn, scopes.agent).await.answer()?;
                *e.insert(estimate(&recent))
            }
        };
        let mut caps = Vec::new();
        let mut whose = Vec::new();
        for (kind, id) in scopes.all() {
            let scope = self.scope(conn, ledger, kind, id).await?;
            caps.extend_from_slice(&scope.caps);
            whose.resize_with(caps.len(), || Short { scope: kind, id, name: scope.name.clone() });
        }
        match reserve(want, &caps) {
            Ok(granted) => {
                for key in scopes.all() {
                    for cap in ledger.scopes.get_mut(&key).into_iter().flat_map(|s| &mut s.caps) {
                        cap.held = cap.held.plus(granted);
                        cap.live += 1;
                    }
                }
                Ok(Funds::Granted(granted))
            }
            Err(Refusal::Spent(n)) => Ok(Funds::Spent(whose.swap_remove(n))),
            Err(Refusal::Reserved(n)) => Ok(Funds::Reserved(whose.swap_remove(n))),
        }
    }

    async fn scope<'l>(
        &self,
        conn: &mut SqliteConnection,
        ledger: &'l mut Ledger,
        kind: BudgetScope,
        id: Uuid,
    ) -> Answer<&'l Scope> {
        match ledger.scopes.entry((kind, id)) {
            Entry::Occupied(e) => Ok(e.into_mut()),
            Entry::Vacant(e) => {
                let standing = store::budgets::standing(conn, kind, id).await.answer()?;
                let mut scope = Scope { name: String::new(), paused: false, caps: Vec::new() };
                if let Some(s) = standing {
                    scope.name = s.name;
                    scope.paused = s.paused && s.reason == Some(PauseReason::Budget);
                }
                for p in store::budgets::of_scope(conn, id).await.answer()? {
                    if !is_in_force(&p) || !p.hard_stop_enabled {
                        continue;
                    }
                    let (_, spent) = observed(conn, &p, self.now()).await?;
                    let (live, held) = store::budgets::held(conn, kind, id).await.answer()?;
                    let live = usize::try_from(live).unwrap_or(usize::MAX);
                    scope.caps.push(Cap { amount: p.amount, observed: spent, held, live });
                }
                Ok(e.insert(scope))
            }
        }
    }
}
