//! Whether what an issue waits for is itself on its way: an issue is as stuck as the least of its blockers.

use std::collections::HashMap;

use contract::IssueId;
use contract::agent::AgentStatus;
use contract::graph::{
    BlockerAttentionReason as Reason, BlockerAttentionState as State, IssueBlockerAttention, Stall,
};
use contract::issue::IssueStatus;

use crate::agent::is_invokable;

/// The `originKind` of issues that ask for the way out of a halt.
pub const UNBLOCKING: &str = "harness_liveness_escalation";

/// An issue that others wait for.
#[derive(Clone, Debug)]
pub struct Node {
    /// As a person names it.
    pub key: String,
    pub status: IssueStatus,
    /// Whose it is: name and state.
    pub agent: Option<(String, AgentStatus)>,
    pub is_a_persons: bool,
    /// Something is under way or waited for: a run, a wake, a card, an approval, a check at a set time, a recovery.
    pub moves: bool,
    pub paused: bool,
    /// Whoever is to review it: whether they can. Absent: nobody is asked.
    pub reviewer: Option<bool>,
    pub parent: Option<IssueId>,
    /// The blockers that hold it up.
    pub waits_for: Vec<IssueId>,
    /// What it waits for was not looked at: the chain is longer than that.
    pub beyond: bool,
}

/// Where a chain of blockers has come to a halt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub stall: Stall,
    /// From the blocker of the issue in question to the one that nothing moves.
    pub path: Vec<IssueId>,
}

impl Finding {
    /// The issue that nothing moves.
    pub fn leaf(&self) -> Option<IssueId> {
        self.path.last().copied()
    }
}

/// What is known of all that some issues wait for.
#[derive(Clone, Debug, Default)]
pub struct Graph(pub HashMap<IssueId, Node>);

impl Graph {
    /// Why this issue does not get on by itself, as far as it is its own fault. `None`: it does, or waits for others.
    fn own_stall(n: &Node) -> Option<Stall> {
        match n.status {
            // It only has to finish with its workspace, and that is seen to.
            IssueStatus::Done => return None,
            IssueStatus::Cancelled => return Some(Stall::Cancelled),
            _ if n.paused => return Some(Stall::Paused),
            _ if n.moves || n.is_a_persons || n.beyond => return None,
            _ => {}
        }
        let Some((_, status)) = &n.agent else { return Some(Stall::Unassigned) };
        if n.status == IssueStatus::Backlog {
            return Some(Stall::Backlog);
        }
        if n.status == IssueStatus::InReview {
            return match n.reviewer {
                Some(true) => None,
                Some(false) => Some(Stall::InvalidReviewer),
                None => Some(Stall::ReviewWithoutPath),
            };
        }
        if !is_invokable(*status) {
            return Some(Stall::Uninvokable);
        }
        (n.status == IssueStatus::Blocked && n.waits_for.is_empty()).then_some(Stall::WithoutCause)
    }

    /// Where the chain that begins with this blocker has come to a halt, the nearest halt first.
    pub fn halt(&self, blocker: IssueId) -> Option<Finding> {
        let mut seen = vec![blocker];
        let mut level = vec![vec![blocker]];
        while !level.is_empty() {
            let mut next = Vec::new();
            for path in level {
                let Some(node) = path.last().and_then(|id| self.0.get(id)) else { continue };
                if let Some(stall) = Self::own_stall(node) {
                    return Some(Finding { stall, path });
                }
                if node.status.is_terminal() {
                    continue;
                }
                for id in &node.waits_for {
                    if !seen.contains(id) {
                        seen.push(*id);
                        next.push(path.iter().copied().chain([*id]).collect());
                    }
                }
            }
            level = next;
        }
        None
    }

    /// The first of these blockers whose chain has come to a halt.
    pub fn first_halt(&self, blockers: &[IssueId]) -> Option<Finding> {
        let all = blockers.iter().filter_map(|b| self.halt(*b));
        all.min_by_key(|f| f.path.len())
    }

    /// What an issue waits for, in numbers.
    pub fn attention(&self, issue: IssueId, blockers: &[IssueId]) -> IssueBlockerAttention {
        let key = |id: &IssueId| self.0.get(id).map(|n| n.key.clone());
        let halts: Vec<(IssueId, Option<Finding>)> = blockers.iter().map(|b| (*b, self.halt(*b))).collect();
        let is_review = |f: &Finding| matches!(f.stall, Stall::InvalidReviewer | Stall::ReviewWithoutPath);
        let count = |of: &dyn Fn(&Option<Finding>) -> bool| {
            i64::try_from(halts.iter().filter(|(_, f)| of(f)).count()).unwrap_or(i64::MAX)
        };
        let stalled = count(&|f| f.as_ref().is_some_and(is_review));
        let attention = count(&|f| f.as_ref().is_some_and(|f| !is_review(f)));
        let child = halts.iter().any(|(b, _)| self.0.get(b).is_some_and(|n| n.parent == Some(issue)));
        let (state, reason) = match (halts.len(), attention, stalled) {
            (0, ..) => (State::None, None),
            (_, 0, 0) => {
                (State::Covered, Some(if child { Reason::ActiveChild } else { Reason::ActiveDependency }))
            }
            (_, 0, _) => (State::Stalled, Some(Reason::StalledReview)),
            _ => (State::NeedsAttention, Some(Reason::AttentionRequired)),
        };
        IssueBlockerAttention {
            state,
            reason,
            unresolved_blocker_count: i64::try_from(halts.len()).unwrap_or(i64::MAX),
            covered_blocker_count: count(&Option::is_none),
            stalled_blocker_count: stalled,
            attention_blocker_count: attention,
            sample_blocker_identifier: halts.first().and_then(|(b, _)| key(b)),
            sample_stalled_blocker_identifier: halts
                .iter()
                .find_map(|(_, f)| f.as_ref())
                .and_then(Finding::leaf)
                .and_then(|leaf| key(&leaf)),
        }
    }

    /// The halt in one sentence for a person.
    pub fn sentence(&self, f: &Finding) -> String {
        let keys: Vec<&str> = f.path.iter().filter_map(|id| self.0.get(id)).map(|n| n.key.as_str()).collect();
        let agent = f.leaf().and_then(|l| self.0.get(&l)).and_then(|n| n.agent.as_ref());
        let name = agent.map_or("its agent", |a| a.0.as_str());
        let why = match f.stall {
            Stall::Unassigned => "to which nobody is assigned".to_owned(),
            Stall::Backlog => "which stands in the backlog".to_owned(),
            Stall::Cancelled => "which was cancelled".to_owned(),
            Stall::InvalidReviewer => "whose reviewer cannot work".to_owned(),
            Stall::ReviewWithoutPath => "which is in review, and nobody is asked to review it".to_owned(),
            Stall::WithoutCause => "which is blocked, and no issue says by what".to_owned(),
            Stall::Paused => "which is paused".to_owned(),
            Stall::Uninvokable => match agent.map(|a| a.1) {
                Some(AgentStatus::Terminated) => format!("whose agent {name} is gone"),
                Some(AgentStatus::PendingApproval) => format!("whose agent {name} waits for approval"),
                _ => format!("whose agent {name} is paused"),
            },
        };
        format!("It waits for {}, {why}", keys.join(", that one for "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(n: usize) -> IssueId {
        IssueId(Uuid::from_u128(n as u128 + 1))
    }

    fn node(n: usize, waits_for: &[usize]) -> Node {
        Node {
            key: format!("A-{n}"),
            status: IssueStatus::Todo,
            agent: Some(("Ada".into(), AgentStatus::Idle)),
            is_a_persons: false,
            moves: false,
            paused: false,
            reviewer: None,
            parent: None,
            waits_for: waits_for.iter().map(|n| id(*n)).collect(),
            beyond: false,
        }
    }

    fn graph(nodes: Vec<Node>) -> Graph {
        Graph(nodes.into_iter().enumerate().map(|(n, node)| (id(n), node)).collect())
    }

    #[test]
    fn every_kind_of_halt_is_found_and_said() {
        type Change = fn(&mut Node);
        let cases: [(Change, Option<Stall>, &str); 13] = [
            (|n| (n.status, n.beyond) = (IssueStatus::Blocked, true), None, "nobody looked further"),
            (|_| {}, None, ""),
            (|n| n.agent = None, Some(Stall::Unassigned), "nobody is assigned"),
            (|n| n.status = IssueStatus::Backlog, Some(Stall::Backlog), "backlog"),
            (
                |n| n.agent = Some(("Bo".into(), AgentStatus::Terminated)),
                Some(Stall::Uninvokable),
                "Bo is gone",
            ),
            (
                |n| (n.moves, n.agent) = (true, Some(("Bo".into(), AgentStatus::Paused))),
                None,
                "a card can be answered all the same",
            ),
            (|n| n.status = IssueStatus::Cancelled, Some(Stall::Cancelled), "cancelled"),
            (|n| n.status = IssueStatus::InReview, Some(Stall::ReviewWithoutPath), "nobody is asked"),
            (
                |n| (n.status, n.reviewer) = (IssueStatus::InReview, Some(false)),
                Some(Stall::InvalidReviewer),
                "reviewer",
            ),
            (|n| (n.status, n.reviewer) = (IssueStatus::InReview, Some(true)), None, ""),
            (|n| n.status = IssueStatus::Blocked, Some(Stall::WithoutCause), "no issue says"),
            (|n| (n.agent, n.is_a_persons) = (None, true), None, "the operator knows"),
            (|n| (n.paused, n.moves) = (true, true), Some(Stall::Paused), "is paused"),
        ];
        for (change, stall, word) in cases {
            let mut leaf = node(1, &[]);
            change(&mut leaf);
            let g = graph(vec![node(0, &[1]), leaf]);
            let found = g.halt(id(0));
            assert_eq!(found.as_ref().map(|f| f.stall), stall, "{word}");
            if let Some(f) = found {
                assert_eq!(f.path, [id(0), id(1)]);
                let said = g.sentence(&f);
                assert!(
                    said.starts_with("It waits for A-0, that one for A-1, ") && said.contains(word),
                    "{said}"
                );
            }
        }
    }

    #[test]
    fn the_numbers_tell_what_is_covered_from_what_is_not() {
        let mut child = node(0, &[]);
        child.parent = Some(id(9));
        let mut review = node(1, &[]);
        review.status = IssueStatus::InReview;
        let mut idle = node(2, &[]);
        idle.agent = None;
        let g = graph(vec![child, review, idle]);
        let a = g.attention(id(9), &[]);
        assert_eq!((a.state, a.reason), (State::None, None));
        let a = g.attention(id(9), &[id(0)]);
        assert_eq!((a.state, a.reason), (State::Covered, Some(Reason::ActiveChild)));
        let a = g.attention(id(9), &[id(0), id(1)]);
        assert_eq!((a.state, a.stalled_blocker_count, a.covered_blocker_count), (State::Stalled, 1, 1));
        let a = g.attention(id(9), &[id(0), id(1), id(2)]);
        assert_eq!((a.state, a.attention_blocker_count), (State::NeedsAttention, 1));
        assert_eq!(a.sample_stalled_blocker_identifier.as_deref(), Some("A-1"));
    }

    proptest! {
        /// A chain is on its way exactly if no issue that it leads to stands still by its own fault; also where
        /// somebody has managed to make a ring.
        #[test]
        fn a_chain_is_as_stuck_as_the_least_of_its_issues(
            edges in prop::collection::vec((0..8usize, 0..8usize), 0..20),
            idle in prop::collection::vec(any::<bool>(), 8),
        ) {
            let nodes = (0..8).map(|n| {
                let to: Vec<usize> = edges.iter().filter(|(a, _)| *a == n).map(|(_, b)| *b).collect();
                Node { agent: (!idle[n]).then(|| ("Ada".into(), AgentStatus::Idle)), ..node(n, &to) }
            });
            let g = graph(nodes.collect());
            let mut reached = vec![0];
            let mut at = 0;
            while at < reached.len() {
                let here = reached[at];
                for (_, to) in edges.iter().filter(|(from, _)| *from == here) {
                    if !reached.contains(to) {
                        reached.push(*to);
                    }
                }
                at += 1;
            }
            let stuck = reached.iter().any(|n| idle[*n]);
            prop_assert_eq!(g.halt(id(0)).is_some(), stuck);
        }
    }
}
