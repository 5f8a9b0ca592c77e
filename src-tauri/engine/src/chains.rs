//! Chains of blockers: what an issue waits for, and whether that is on its way.

use std::collections::{HashMap, HashSet};

use contract::graph::IssueBlockerAttention;
use contract::issue::Issue;
use contract::{AgentId, IssueId};
use domain::graph::{Finding, Graph, Node};
use store::SqliteConnection;

use crate::Engine;
use crate::error::{Answer, OrAnswer};
use crate::service::reviewer_of;

/// Longer chains and larger graphs than these are not looked at to their end.
const DEPTH: usize = 40;
const NODES: usize = 2000;

/// What some issues wait for, with all that that waits for.
#[derive(Default)]
pub(crate) struct Chains {
    /// The unresolved blockers of each issue; none for those without any.
    waits_for: HashMap<IssueId, Vec<IssueId>>,
    graph: Graph,
    /// Some of it was not looked at to its end.
    pub is_cut: bool,
}

impl Chains {
    pub fn blockers(&self, issue: IssueId) -> &[IssueId] {
        self.waits_for.get(&issue).map_or(&[], Vec::as_slice)
    }

    /// Where what an issue waits for has come to a halt.
    pub fn halt(&self, issue: IssueId) -> Option<Finding> {
        self.graph.first_halt(self.blockers(issue))
    }

    pub fn sentence(&self, f: &Finding) -> String {
        self.graph.sentence(f)
    }

    pub fn attention(&self, issue: IssueId) -> Option<IssueBlockerAttention> {
        let blockers = self.blockers(issue);
        (!blockers.is_empty()).then(|| self.graph.attention(issue, blockers))
    }
}

impl Engine {
    /// Looks at what these issues wait for.
    pub(crate) async fn chains(&self, conn: &mut SqliteConnection, issues: &[IssueId]) -> Answer<Chains> {
        let mut waits_for = HashMap::new();
        let mut seen: HashSet<IssueId> = issues.iter().copied().collect();
        let mut level = issues.to_vec();
        let mut above: HashSet<IssueId> = HashSet::new();
        for _ in 0..DEPTH {
            if level.is_empty() || seen.len() > NODES {
                break;
            }
            let edges = store::relations::unresolved_of(conn, &level).await.answer()?;
            above.extend(edges.values().flatten());
            level = edges.values().flatten().copied().filter(|b| seen.insert(*b)).collect();
            waits_for.extend(edges);
        }
        let beyond: HashSet<IssueId> = level.into_iter().collect();
        let graph = self.graph(conn, &above, &waits_for, &beyond).await?;
        Ok(Chains { waits_for, graph, is_cut: !beyond.is_empty() })
    }

    async fn graph(
        &self,
        conn: &mut SqliteConnection,
        issues: &HashSet<IssueId>,
        waits_for: &HashMap<IssueId, Vec<IssueId>>,
        beyond: &HashSet<IssueId>,
    ) -> Answer<Graph> {
        if issues.is_empty() {
            return Ok(Graph::default());
        }
        let ids: Vec<IssueId> = issues.iter().copied().collect();
        let moving = store::relations::moving(conn, &ids, self.now()).await.answer()?;
        let moving: HashSet<IssueId> = moving.into_iter().collect();
        let mut agents = HashMap::new();
        let mut nodes = HashMap::new();
        for issue in store::issues::many(conn, &ids).await.answer()? {
            let agent = self.agent_in_chain(conn, &mut agents, issue.assignee_agent_id).await?;
            let reviewer = match reviewer_of(&issue) {
                Some(p) if p.agent_id.is_none() => Some(true),
                Some(p) => {
                    let able = self.agent_in_chain(conn, &mut agents, p.agent_id).await?;
                    Some(able.is_some_and(|(_, status)| domain::agent::is_invokable(status)))
                }
                None => None,
            };
            let node = Node {
                key: issue.display_key(),
                status: issue.status,
                agent,
                is_a_persons: issue.assignee_user_id.is_some(),
                moves: moving.contains(&issue.id),
                paused: self.lies_paused(conn, &issue).await?,
                reviewer,
                parent: issue.parent_id,
                waits_for: waits_for.get(&issue.id).cloned().unwrap_or_default(),
                beyond: beyond.contains(&issue.id),
            };
            nodes.insert(issue.id, node);
        }
        Ok(Graph(nodes))
    }

    async fn lies_paused(&self, conn: &mut SqliteConnection, issue: &Issue) -> Answer<bool> {
        if issue.status.is_terminal() {
            return Ok(false);
        }
        store::trees::is_paused(conn, Some(issue.id)).await.answer()
    }

    /// Name and state of an agent, asked for once.
    async fn agent_in_chain(
        &self,
        conn: &mut SqliteConnection,
        agents: &mut HashMap<AgentId, Option<(String, contract::agent::AgentStatus)>>,
        id: Option<AgentId>,
    ) -> Answer<Option<(String, contract::agent::AgentStatus)>> {
        let Some(id) = id else { return Ok(None) };
        if let Some(known) = agents.get(&id) {
            return Ok(known.clone());
        }
        let agent = store::agents::get(conn, id).await.answer()?;
        // A spent budget is said of the issue itself, and passes with the month.
        let known = agent.map(|a| {
            let status = domain::budget::status_but_for_budget(&a);
            (a.name, status)
        });
        agents.insert(id, known.clone());
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use contract::graph::BlockerAttentionState as State;
    use contract::issue::{IssueDetail, IssueStatus};
    use contract::recovery::{OutlookAction, OutlookState};
    use contract::{AgentId, IssueId};
    use serde_json::{Value, json};

    use crate::sim::{Ends, Sim};

    async fn blocked_by(sim: &Sim, agent: &str, blocker: IssueId) -> IssueId {
        sim.issue_with(
            json!({ "assigneeAgentId": agent, "status": "blocked", "blockedByIssueIds": [blocker] }),
        )
        .await
    }

    async fn detail(sim: &Sim, issue: IssueId) -> IssueDetail {
        serde_json::from_value(sim.ask("issues.get", json!({ "id": issue })).await).unwrap()
    }

    async fn change(sim: &Sim, issue: IssueId, mut with: Value) {
        with["id"] = json!(issue);
        sim.ask("issues.update", with).await;
    }

    /// Whatever blockers are named in whatever order: one that would close a circle is refused with the way round it,
    /// every other one is taken.
    #[tokio::test]
    async fn of_blockers_named_at_random_none_closes_a_circle() {
        const ISSUES: usize = 9;
        let sim = Sim::new(73).await;
        let agent = sim.agent("Ada", json!({})).await;
        let mut issues = Vec::new();
        for _ in 0..ISSUES {
            issues.push(sim.issue_with(json!({ "assigneeAgentId": agent, "status": "backlog" })).await);
        }
        let mut blocked_by = vec![std::collections::BTreeSet::<usize>::new(); ISSUES];
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..120 {
            let pick = || usize::try_from(sim.world.next() % ISSUES as u64).unwrap();
            let (issue, blocker) = (pick(), pick());
            let mut reached = vec![blocker];
            let mut at = 0;
            while at < reached.len() {
                let more: Vec<usize> = blocked_by[reached[at]].iter().copied().collect();
                reached.extend(more.into_iter().filter(|n| !reached.contains(n)).collect::<Vec<_>>());
                at += 1;
            }
            let mut wanted = blocked_by[issue].clone();
            wanted.insert(blocker);
            let ids: Vec<IssueId> = wanted.iter().map(|n| issues[*n]).collect();
            let input = json!({ "id": issues[issue], "blockedByIssueIds": ids });
            match sim.try_ask(&crate::Caller::operator(), "issues.update", input).await {
                Ok(_) => {
                    assert!(!reached.contains(&issue), "a circle was let through");
                    blocked_by[issue] = wanted;
                    taken += 1;
                }
                Err(e) => {
                    assert!(reached.contains(&issue), "{e}");
                    assert_eq!(e.code, contract::ErrorCode::Unprocessable);
                    let key = sim.get(issues[issue]).await.identifier.unwrap();
                    assert!(issue == blocker || e.message.contains(&key), "it says the way round: {e}");
                    refused += 1;
                }
            }
        }
        assert!(taken > 20 && refused > 20, "{taken} {refused}");
    }

    #[tokio::test]
    async fn a_chain_too_long_to_be_looked_at_is_not_said_to_hang() {
        let sim = Sim::new(72).await;
        let agent = sim.agent("Ada", json!({})).await;
        let ground = sim.issue(&agent).await;
        let mut top = ground;
        for _ in 0..super::DEPTH + 5 {
            top = blocked_by(&sim, &agent, top).await;
        }
        let said = sim.outlook(top).await;
        assert_eq!((said.state, said.blocker), (OutlookState::Blocked, None), "{}", said.reason);
        let done = sim.ask("unblocking.run", json!({})).await;
        assert_eq!((&done["findings"], &done["created"]), (&json!(0), &json!(0)), "{done}");
    }

    #[tokio::test]
    async fn who_waits_for_what_nothing_moves_is_told_where_it_hangs() {
        let sim = Sim::new(71).await;
        let agent = sim.agent("Ada", json!({})).await;
        let leaf = sim.issue_with(json!({ "title": "The ground" })).await;
        let middle = blocked_by(&sim, &agent, leaf).await;
        let top = blocked_by(&sim, &agent, middle).await;
        let said = async || {
            let o = sim.outlook(top).await;
            (o.state, o.action, o.blocker.map(|b| b.id), o.reason)
        };
        let (state, action, blocker, reason) = said().await;
        assert_eq!(
            (state, action, blocker),
            (OutlookState::Stalled, Some(OutlookAction::OpenBlocker), Some(leaf))
        );
        assert!(reason.contains("that one for") && reason.contains("nobody is assigned"), "{reason}");
        assert_eq!(detail(&sim, top).await.blocker_attention.unwrap().state, State::NeedsAttention);

        // In the backlog, then given to somebody: it is on its way.
        change(&sim, leaf, json!({ "assigneeAgentId": agent, "status": "backlog" })).await;
        assert!(said().await.3.contains("stands in the backlog"));
        change(&sim, leaf, json!({ "status": "todo" })).await;
        assert_eq!((said().await.0, said().await.2), (OutlookState::Blocked, None));
        let attention = detail(&sim, top).await.blocker_attention.unwrap();
        assert_eq!((attention.state, attention.covered_blocker_count), (State::Covered, 1));

        // Its agent goes away in the middle of it.
        let run = sim.one().await;
        assert_eq!(run.issue_id, Some(leaf));
        assert_eq!(said().await.0, OutlookState::Blocked);
        sim.end(&run, Ends::Well("Half of it.")).await;
        sim.ask("agents.pause", json!({ "id": agent })).await;
        let id: AgentId = agent.parse().unwrap();
        assert_eq!(sim.get(leaf).await.assignee_agent_id, Some(id));
        assert!(said().await.3.contains("whose agent Ada is paused"), "{}", said().await.3);
        sim.ask("agents.resume", json!({ "id": agent })).await;
        change(&sim, leaf, json!({ "status": "cancelled" })).await;
        assert!(said().await.3.contains("which was cancelled"));
        change(&sim, middle, json!({ "blockedByIssueIds": [] })).await;
        let (state, _, blocker, reason) = said().await;
        assert_ne!(sim.get(middle).await.status, IssueStatus::Done);
        assert_eq!(blocker, Some(middle), "{state} {reason}");
        assert!(reason.contains("no issue says by what"));
    }
}
