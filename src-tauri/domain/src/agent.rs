//! Rules about agents: who can work, how often, and what a run leaves them as.

use std::time::Duration;

use contract::agent::{Agent, AgentStatus};
use contract::run::RunStatus;
use contract::{AgentId, JsonObject, Timestamp};
use serde_json::Value;

/// Whether runs may start at all. An agent in error may be tried again.
pub fn is_invokable(status: AgentStatus) -> bool {
    !matches!(status, AgentStatus::Paused | AgentStatus::Terminated | AgentStatus::PendingApproval)
}

/// Whether the agent may be given work.
pub fn is_assignable(status: AgentStatus) -> bool {
    !matches!(status, AgentStatus::Terminated | AgentStatus::PendingApproval)
}

/// An agent's run policy, read from `runtimeConfig.heartbeat` with Paperclip's defaults and bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatPolicy {
    /// The timer. Off unless said otherwise.
    pub enabled: bool,
    pub interval: Duration,
    pub wake_on_demand: bool,
    /// Least time between the end of one run and the next timer wake.
    pub cooldown: Duration,
    pub max_concurrent_runs: u32,
}

impl HeartbeatPolicy {
    pub fn of(runtime_config: &JsonObject) -> Self {
        let empty = JsonObject::new();
        let h = runtime_config.get("heartbeat").and_then(Value::as_object).unwrap_or(&empty);
        let seconds = |key: &str| Duration::from_secs(h.get(key).and_then(Value::as_u64).unwrap_or(0));
        let on_demand = ["wakeOnDemand", "wakeOnAssignment", "wakeOnOnDemand", "wakeOnAutomation"]
            .iter()
            .find_map(|k| h.get(*k).and_then(Value::as_bool));
        Self {
            enabled: h.get("enabled").and_then(Value::as_bool).unwrap_or(false),
            interval: seconds("intervalSec"),
            wake_on_demand: on_demand.unwrap_or(true),
            cooldown: seconds("cooldownSec"),
            max_concurrent_runs: h
                .get("maxConcurrentRuns")
                .and_then(Value::as_u64)
                .map_or(20, |n| u32::try_from(n.clamp(1, 50)).unwrap_or(50)),
        }
    }

    /// When the timer next rings, if it is on. A last time that lies ahead was told by a clock that was wrong.
    pub fn next_timer(
        &self,
        last_heartbeat_at: Option<Timestamp>,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if !self.enabled || self.interval.is_zero() {
            return None;
        }
        Some(last_heartbeat_at.unwrap_or(created_at).min(now).plus(self.interval.max(self.cooldown)))
    }
}

/// The agent's state after one of its runs ended, while `others` of its runs go on.
pub fn status_after_run(now: AgentStatus, outcome: RunStatus, others_running: bool) -> AgentStatus {
    match (now, outcome) {
        (AgentStatus::Paused | AgentStatus::Terminated | AgentStatus::PendingApproval, _) => now,
        _ if others_running => AgentStatus::Running,
        (_, RunStatus::Failed | RunStatus::TimedOut) => AgentStatus::Error,
        _ => AgentStatus::Idle,
    }
}

/// The agents above one, nearest first. A cycle in stored data ends the chain.
pub fn chain_of_command(agents: &[Agent], of: &Agent) -> Vec<AgentId> {
    let mut chain = Vec::new();
    let mut next = of.reports_to;
    while let Some(id) = next {
        if id == of.id || chain.contains(&id) {
            break;
        }
        chain.push(id);
        next = agents.iter().find(|a| a.id == id).and_then(|a| a.reports_to);
    }
    chain
}

/// Whether `agent` may report to `manager`: never to itself or to somebody below it.
pub fn may_report_to(agents: &[Agent], agent: AgentId, manager: AgentId) -> bool {
    if agent == manager {
        return false;
    }
    agents.iter().find(|a| a.id == manager).is_some_and(|m| !chain_of_command(agents, m).contains(&agent))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(v: serde_json::Value) -> HeartbeatPolicy {
        HeartbeatPolicy::of(v.as_object().unwrap())
    }

    #[test]
    fn timers_are_off_and_demand_is_on_by_default() {
        let p = policy(json!({}));
        assert!(!p.enabled && p.wake_on_demand && p.max_concurrent_runs == 20);
        assert_eq!(p.next_timer(None, Timestamp::from_millis(0), Timestamp::from_millis(0)), None);
        assert!(!policy(json!({"heartbeat": {"wakeOnAssignment": false}})).wake_on_demand);
        assert_eq!(policy(json!({"heartbeat": {"maxConcurrentRuns": 900}})).max_concurrent_runs, 50);
    }

    #[test]
    fn a_timer_counts_from_the_last_heartbeat() {
        let p = policy(json!({"heartbeat": {"enabled": true, "intervalSec": 60}}));
        let at = |s: i64| Timestamp::from_millis(s * 1000);
        assert_eq!(p.next_timer(None, at(100), at(900)), Some(at(160)));
        assert_eq!(p.next_timer(Some(at(500)), at(100), at(900)), Some(at(560)));
        assert_eq!(p.next_timer(Some(at(500)), at(100), at(200)), Some(at(260)), "the clock was set back");
    }

    #[test]
    fn a_run_never_wakes_a_paused_agent_from_its_pause() {
        use AgentStatus as A;
        use RunStatus as R;
        assert_eq!(status_after_run(A::Paused, R::Succeeded, false), A::Paused);
        assert_eq!(status_after_run(A::Running, R::Failed, true), A::Running);
        assert_eq!(status_after_run(A::Running, R::TimedOut, false), A::Error);
        assert_eq!(status_after_run(A::Running, R::Cancelled, false), A::Idle);
    }
}
