//! What becomes of an attempt to wake an agent.

use contract::AgentId;
use contract::agent::AgentStatus;
use contract::budget::BudgetScope;
use contract::run::{InvocationSource, Run, RunStatus};

use crate::agent::HeartbeatPolicy;

/// Why a wake starts nothing. The code is recorded with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    AgentNotInvokable(AgentStatus),
    HeartbeatDisabled,
    WakeOnDemandDisabled,
    InstancePaused,
    CompanyNotActive,
    IssueNotFound,
    DependenciesBlocked,
    /// The tree that the issue stands in is paused.
    TreePaused,
    /// A timer rang and nothing was due.
    NoDueWork,
    /// A timer rang while a run of the agent was at work or waiting.
    AlreadyAtWork,
    BudgetSpent(BudgetScope),
}

impl Skip {
    pub const fn code(self) -> &'static str {
        match self {
            Self::AgentNotInvokable(_) => "agent_not_invokable",
            Self::HeartbeatDisabled => "heartbeat.disabled",
            Self::WakeOnDemandDisabled => "heartbeat.wakeOnDemand.disabled",
            Self::InstancePaused => "instance.paused",
            Self::CompanyNotActive => "company.not_active",
            Self::IssueNotFound => "issue_execution_issue_not_found",
            Self::DependenciesBlocked => "issue_dependencies_blocked",
            Self::TreePaused => "issue_tree_hold_active",
            Self::NoDueWork => "heartbeat.no_due_work",
            Self::BudgetSpent(_) => "budget.blocked",
            Self::AlreadyAtWork => "heartbeat.already_at_work",
        }
    }

    /// One sentence for a person.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AgentNotInvokable(AgentStatus::Paused) => "The agent is paused",
            Self::AgentNotInvokable(AgentStatus::Terminated) => "The agent is terminated",
            Self::AgentNotInvokable(AgentStatus::PendingApproval) => "The agent waits for approval",
            Self::AgentNotInvokable(_) => "The agent cannot be woken in its current state",
            Self::HeartbeatDisabled => "The agent's timer is off",
            Self::WakeOnDemandDisabled => "The agent does not wake on demand",
            Self::InstancePaused => "Everything is paused",
            Self::CompanyNotActive => "The company is paused or archived",
            Self::IssueNotFound => "The issue is gone",
            Self::DependenciesBlocked => "Blockers of the issue are not done",
            Self::TreePaused => "The tree of the issue is paused",
            Self::NoDueWork => "Nothing was due: no open work assigned to the agent",
            Self::BudgetSpent(BudgetScope::Company) => "The company's budget is spent",
            Self::BudgetSpent(BudgetScope::Agent) => "The agent's budget is spent",
            Self::BudgetSpent(BudgetScope::Project) => "The project's budget is spent",
            Self::AlreadyAtWork => "A run of the agent is at work or waiting already",
        }
    }
}

/// What is known when a wake arrives.
#[derive(Clone, Copy, Debug)]
pub struct WakeFacts<'a> {
    pub source: InvocationSource,
    pub agent: AgentId,
    pub agent_status: AgentStatus,
    pub policy: HeartbeatPolicy,
    pub instance_paused: bool,
    pub company_active: bool,
    /// The outermost scope whose budget lets nothing start.
    pub budget_spent: Option<BudgetScope>,
    /// The wake is about an issue, which is there or not.
    pub issue: Option<bool>,
    pub unresolved_blockers: usize,
    /// The tree that the issue stands in is paused, and this is not the operator who speaks.
    pub held: bool,
    /// A comment or mention asks for an answer.
    pub interaction: bool,
    /// The run on its way to or at work on the issue (or, without an issue, on the same task).
    pub live: Option<&'a Run>,
    /// Open work for a timer to find; counted only for timers.
    pub due_work: Option<usize>,
}

/// What becomes of the wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Skip(Skip),
    /// Merge into the run that has not started yet.
    Coalesce,
    /// Wait until the live run ends.
    Defer,
    Queue,
}

/// Decides a wake.
///
/// A wake merges only into a run that has not yet read its context. Into one at work it would be lost,
/// so it waits and follows.
pub fn decide(f: &WakeFacts<'_>) -> Decision {
    if f.instance_paused {
        return Decision::Skip(Skip::InstancePaused);
    }
    if !crate::agent::is_invokable(f.agent_status) {
        return Decision::Skip(Skip::AgentNotInvokable(f.agent_status));
    }
    if !f.company_active {
        return Decision::Skip(Skip::CompanyNotActive);
    }
    // A timer rings again, and who asks now can be told. What comes of an event is held until there is money.
    if let Some(scope) = f.budget_spent
        && matches!(f.source, InvocationSource::Timer | InvocationSource::OnDemand)
    {
        return Decision::Skip(Skip::BudgetSpent(scope));
    }
    if f.source == InvocationSource::Timer {
        if !f.policy.enabled {
            return Decision::Skip(Skip::HeartbeatDisabled);
        }
        if f.live.is_some() {
            return Decision::Skip(Skip::AlreadyAtWork);
        }
        if f.due_work == Some(0) {
            return Decision::Skip(Skip::NoDueWork);
        }
    } else if !f.policy.wake_on_demand {
        return Decision::Skip(Skip::WakeOnDemandDisabled);
    }
    match f.issue {
        Some(false) => return Decision::Skip(Skip::IssueNotFound),
        Some(true) if f.held => return Decision::Skip(Skip::TreePaused),
        Some(true) if f.unresolved_blockers > 0 && !f.interaction && f.live.is_none() => {
            return Decision::Skip(Skip::DependenciesBlocked);
        }
        _ => {}
    }
    match f.live {
        None => Decision::Queue,
        Some(run) if run.agent_id == f.agent && run.status != RunStatus::Running => Decision::Coalesce,
        Some(_) if f.issue.is_some() => Decision::Defer,
        // Without an issue a second run of the same task simply queues behind the one at work.
        Some(_) => Decision::Queue,
    }
}

#[cfg(test)]
mod tests {
    use contract::JsonObject;
    use uuid::Uuid;

    use super::*;

    fn facts<'a>() -> WakeFacts<'a> {
        WakeFacts {
            source: InvocationSource::Assignment,
            agent: AgentId(Uuid::from_u128(1)),
            agent_status: AgentStatus::Idle,
            policy: HeartbeatPolicy::of(&JsonObject::new()),
            instance_paused: false,
            company_active: true,
            budget_spent: None,
            issue: Some(true),
            unresolved_blockers: 0,
            held: false,
            interaction: false,
            live: None,
            due_work: None,
        }
    }

    #[test]
    fn an_ordinary_assignment_queues() {
        assert_eq!(decide(&facts()), Decision::Queue);
    }

    #[test]
    fn blockers_stop_work_but_not_answers() {
        let f = WakeFacts { unresolved_blockers: 1, ..facts() };
        assert_eq!(decide(&f), Decision::Skip(Skip::DependenciesBlocked));
        assert_eq!(decide(&WakeFacts { interaction: true, ..f }), Decision::Queue);
    }

    #[test]
    fn an_agent_that_cannot_be_woken_is_skipped_and_a_paused_instance_says_so() {
        for status in [AgentStatus::Paused, AgentStatus::Terminated, AgentStatus::PendingApproval] {
            assert_eq!(
                decide(&WakeFacts { agent_status: status, ..facts() }),
                Decision::Skip(Skip::AgentNotInvokable(status))
            );
        }
        assert_eq!(
            decide(&WakeFacts { instance_paused: true, ..facts() }),
            Decision::Skip(Skip::InstancePaused)
        );
    }

    #[test]
    fn a_spent_budget_holds_what_comes_of_events_and_refuses_what_is_asked_for_now() {
        let f = WakeFacts { budget_spent: Some(BudgetScope::Agent), ..facts() };
        assert_eq!(decide(&f), Decision::Queue);
        assert_eq!(
            decide(&WakeFacts { source: InvocationSource::OnDemand, ..f }),
            Decision::Skip(Skip::BudgetSpent(BudgetScope::Agent))
        );
    }

    #[test]
    fn a_timer_with_nothing_to_do_starts_nothing() {
        let mut config = JsonObject::new();
        config.insert("heartbeat".into(), serde_json::json!({"enabled": true, "intervalSec": 60}));
        let f = WakeFacts {
            source: InvocationSource::Timer,
            issue: None,
            policy: HeartbeatPolicy::of(&config),
            due_work: Some(0),
            ..facts()
        };
        assert_eq!(decide(&f), Decision::Skip(Skip::NoDueWork));
        assert_eq!(decide(&WakeFacts { due_work: Some(1), ..f }), Decision::Queue);
        assert_eq!(
            decide(&WakeFacts { policy: HeartbeatPolicy::of(&JsonObject::new()), ..f }),
            Decision::Skip(Skip::HeartbeatDisabled)
        );
    }
}
