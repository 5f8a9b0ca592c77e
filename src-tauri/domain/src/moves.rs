//! The state machines whose states are kept as one word a row, each with the table of its moves.
//!
//! The tables are not only asked by who moves something: the store lays them over the writing connection, so that no
//! statement, whoever wrote it, takes a row where its machine does not go (`store::guard`).

use contract::approval::ApprovalStatus;
use contract::budget::BudgetIncidentStatus;
use contract::child::DecompositionStatus;
use contract::interaction::InteractionStatus;
use contract::recovery::RecoveryStatus;
use contract::run::RunStatus;
use contract::tree::TreeHoldStatus;
use contract::wake::WakeupStatus;
use contract::workspace::WorkspaceOperationStatus;

use crate::budget::{IncidentEvent, incident_after};
use crate::{approval, recovery, run};

/// One state machine: what it is, where its state stands, and its moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What moves, as a message says it.
    pub name: &'static str,
    /// The table whose column `status` holds the state.
    pub table: &'static str,
    /// Every move from one state to another.
    pub moves: Vec<(&'static str, &'static str)>,
}

/// Every machine of the kind.
pub fn machines() -> Vec<Machine> {
    macro_rules! machine {
        ($name:literal, $table:literal, $state:ty, $may:expr) => {{
            let may: fn($state, $state) -> bool = $may;
            let pairs =
                <$state>::ALL.iter().flat_map(|from| <$state>::ALL.iter().map(move |to| (*from, *to)));
            let moves = pairs.filter(|(from, to)| from != to && may(*from, *to));
            Machine {
                name: $name,
                table: $table,
                moves: moves.map(|(from, to)| (from.as_str(), to.as_str())).collect(),
            }
        }};
    }
    vec![
        machine!("run", "heartbeat_runs", RunStatus, run::may_become),
        machine!("wake", "agent_wakeup_requests", WakeupStatus, wake),
        machine!("interaction", "issue_thread_interactions", InteractionStatus, interaction),
        machine!("decomposition", "issue_plan_decompositions", DecompositionStatus, decomposition),
        machine!("recovery action", "issue_recovery_actions", RecoveryStatus, recovery::may_become),
        machine!("budget incident", "budget_incidents", BudgetIncidentStatus, incident),
        machine!("approval", "approvals", ApprovalStatus, decided),
        machine!("hold", "issue_tree_holds", TreeHoldStatus, hold),
        machine!("workspace operation", "workspace_operations", WorkspaceOperationStatus, operation),
    ]
}

/// Whether a wake's row may go from one state to another.
///
/// It waits in line (`queued`), behind a run (`deferred_issue_execution`) or is with a run (`claimed`); whatever else it
/// becomes is told for good.
pub fn wake(from: WakeupStatus, to: WakeupStatus) -> bool {
    use WakeupStatus::*;
    match from {
        Queued => matches!(to, Claimed | Coalesced | Skipped | Failed | Cancelled),
        Deferred => matches!(to, Queued | Coalesced | Skipped | Failed | Cancelled),
        Claimed => matches!(to, Completed | Failed | Cancelled | TimedOut),
        Coalesced | Skipped | Completed | Failed | Cancelled | TimedOut => false,
    }
}

/// Whether a card in an issue's thread may go from one state to another: it is answered once.
pub fn interaction(from: InteractionStatus, to: InteractionStatus) -> bool {
    from == InteractionStatus::Pending && to != InteractionStatus::Pending
}

/// Whether an accepted plan's claim may go from one state to another: its children are made once.
pub fn decomposition(from: DecompositionStatus, to: DecompositionStatus) -> bool {
    from == DecompositionStatus::InFlight && to == DecompositionStatus::Completed
}

fn incident(from: BudgetIncidentStatus, to: BudgetIncidentStatus) -> bool {
    IncidentEvent::ALL.iter().any(|event| incident_after(from, *event) == Some(to))
}

fn decided(from: ApprovalStatus, to: ApprovalStatus) -> bool {
    approval::Decision::ALL.iter().any(|d| approval::after(from, *d) == approval::Step::To(to))
}

/// Whether a hold on an issue and all below it may go from one state to another: it is let go once.
fn hold(from: TreeHoldStatus, to: TreeHoldStatus) -> bool {
    from == TreeHoldStatus::Active && to == TreeHoldStatus::Released
}

/// Whether what is done to a workspace may go from one state to another.
fn operation(from: WorkspaceOperationStatus, to: WorkspaceOperationStatus) -> bool {
    from == WorkspaceOperationStatus::Running && to != WorkspaceOperationStatus::Running
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The states that a machine ends in, as the rest of the program counts on them.
    fn ends(table: &str) -> &'static [&'static str] {
        match table {
            "heartbeat_runs" => &["succeeded", "failed", "cancelled", "timed_out"],
            "agent_wakeup_requests" => {
                &["coalesced", "skipped", "completed", "failed", "cancelled", "timed_out"]
            }
            "issue_thread_interactions" => {
                &["accepted", "rejected", "answered", "cancelled", "expired", "failed"]
            }
            "issue_plan_decompositions" => &["completed"],
            "issue_recovery_actions" => &["resolved", "cancelled"],
            "approvals" => &["approved", "rejected", "cancelled"],
            "issue_tree_holds" => &["released"],
            "workspace_operations" => &["succeeded", "failed", "skipped"],
            _ => &[],
        }
    }

    #[test]
    fn nothing_leaves_an_end_and_every_end_is_reached() {
        for m in machines() {
            for end in ends(m.table) {
                assert!(m.moves.iter().all(|(from, _)| from != end), "{} leaves {end}", m.name);
                assert!(m.moves.iter().any(|(_, to)| to == end), "{} never gets to {end}", m.name);
            }
        }
    }

    #[test]
    fn from_every_state_there_is_a_way_to_an_end() {
        for m in machines().iter().filter(|m| !ends(m.table).is_empty()) {
            let states: HashSet<&str> = m.moves.iter().flat_map(|(a, b)| [*a, *b]).collect();
            for state in states {
                let mut seen = HashSet::from([state]);
                let mut open = vec![state];
                while let Some(at) = open.pop() {
                    for (_, to) in m.moves.iter().filter(|(from, _)| *from == at) {
                        if seen.insert(to) {
                            open.push(to);
                        }
                    }
                }
                assert!(seen.iter().any(|s| ends(m.table).contains(s)), "{}: {state} has no end", m.name);
            }
        }
    }
}
