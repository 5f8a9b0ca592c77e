//! Budgets at work.
//!
//! - `meter` takes the use of models from the output of runs into the ledger, once a message.
//! - `weigh` looks at what is spent of a limit after every entry: it warns, and it stops.
//! - `funds` decides whether a run may start, and what it sets aside.
//! - `unmetered` stops what cannot be metered any more, and says so of what was not.
//! - `resolve` sets and raises limits, and lets work go on; also when a month turns.

mod funds;
mod meter;
mod resolve;
#[cfg(test)]
mod tests;
mod unmetered;
mod weigh;

pub(crate) use funds::{Funds, Ledger, Short};
pub(crate) use resolve::Change;
pub(crate) use unmetered::flag;

use contract::budget::BudgetScope;
use contract::run::Run;
use contract::{AgentId, CompanyId, ProjectId};
use uuid::Uuid;

/// The word that a run carries whose budget was spent while it was at work.
pub(crate) const STOPPED: &str = "budget_paused";

/// What a piece of work is paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scopes {
    pub company: CompanyId,
    pub agent: AgentId,
    pub project: Option<ProjectId>,
}

impl Scopes {
    pub fn of(run: &Run, project: Option<ProjectId>) -> Self {
        Self { company: run.company_id, agent: run.agent_id, project }
    }

    /// From the outermost in.
    pub fn all(&self) -> impl Iterator<Item = (BudgetScope, Uuid)> {
        let project = self.project.map(|p| (BudgetScope::Project, p.0));
        [(BudgetScope::Company, self.company.0), (BudgetScope::Agent, self.agent.0)]
            .into_iter()
            .chain(project)
    }
}
