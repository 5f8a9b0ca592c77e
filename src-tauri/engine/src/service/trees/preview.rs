//! What an act on a tree of issues would find and do.

use std::collections::{BTreeMap, HashMap, HashSet};

use contract::issue::Issue;
use contract::run::{RunStatus, RunSummary};
use contract::tree::*;
use contract::{AgentId, ApiError, IssueId, TreeHoldId};
use domain::tree::{Node, skip};
use store::SqliteConnection;

use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// An issue of the tree with what is known of it.
pub(super) struct Seen {
    pub issue: Issue,
    pub depth: i64,
    pub run: Option<RunSummary>,
    pub holds: Vec<TreeHoldId>,
    /// A pause begins at this issue.
    pub begins: bool,
    pub node: Node,
    pub skip: Option<TreeSkip>,
}

impl Seen {
    fn tree_run(&self) -> Option<TreeRun> {
        self.run.as_ref().map(|r| TreeRun {
            id: r.id,
            issue_id: self.issue.id,
            agent_id: r.agent_id,
            status: r.status,
            started_at: r.started_at,
            created_at: r.created_at,
        })
    }

    fn shown(&self, mode: TreeMode) -> TreeIssue {
        TreeIssue {
            id: self.issue.id,
            identifier: self.issue.identifier.clone(),
            title: self.issue.title.clone(),
            status: self.issue.status,
            parent_id: self.issue.parent_id,
            depth: self.depth,
            assignee_agent_id: self.issue.assignee_agent_id,
            assignee_user_id: self.issue.assignee_user_id.clone(),
            active_run: self.tree_run(),
            active_hold_ids: self.holds.clone(),
            action: mode,
            skipped: self.skip.is_some(),
            skip_reason: self.skip,
        }
    }
}

impl Engine {
    /// Looks at a tree as an act would find it.
    pub(super) async fn see_tree(
        &self,
        conn: &mut SqliteConnection,
        root: Issue,
        mode: TreeMode,
    ) -> Answer<Vec<Seen>> {
        let above = match root.parent_id {
            Some(parent) => store::trees::pause_over(conn, parent).await.answer()?.map(|h| h.id),
            None => None,
        };
        let all = store::trees::tree(conn, root).await.answer()?;
        let ids: Vec<IssueId> = all.iter().map(|(i, _)| i.id).collect();
        let pauses = store::trees::pauses_at(conn, &ids).await.answer()?;
        let taken = store::trees::taken(conn, &ids).await.answer()?;
        let mut replaced: HashSet<IssueId> =
            store::trees::replaced(conn, &ids).await.answer()?.into_iter().collect();
        // Of two that were cancelled, one comes back.
        let mut origins = HashSet::new();
        for (issue, _) in all.iter().filter(|(i, _)| taken.contains_key(&i.id)) {
            if let Some(origin) = one_at_a_time(issue)
                && !replaced.contains(&issue.id)
                && !origins.insert(origin)
            {
                replaced.insert(issue.id);
            }
        }
        let mut runs = store::runs::live_by_issue(conn, &ids).await.answer()?;
        let mut held: HashMap<IssueId, Vec<TreeHoldId>> = HashMap::new();
        let mut out = Vec::with_capacity(all.len());
        for (issue, depth) in all {
            let mut holds = match issue.parent_id.and_then(|p| held.get(&p)) {
                Some(inherited) => inherited.clone(),
                None => above.into_iter().collect(),
            };
            holds.extend(pauses.get(&issue.id));
            held.insert(issue.id, holds.clone());
            let node = Node {
                status: issue.status,
                cancelled_at: issue.cancelled_at,
                held: !holds.is_empty(),
                taken: taken.get(&issue.id).map(|(_, at, before)| (*at, *before)),
                replaced: replaced.contains(&issue.id),
            };
            let skip = skip(mode, &node);
            let begins = pauses.contains_key(&issue.id);
            out.push(Seen { run: runs.remove(&issue.id), issue, depth, holds, begins, node, skip });
        }
        Ok(out)
    }

    pub(super) fn preview(
        &self,
        seen: &[Seen],
        mode: TreeMode,
        policy: Option<ReleasePolicy>,
    ) -> Answer<TreePreview> {
        let root = &seen.first().ok_or_else(|| ApiError::not_found("Issue"))?.issue;
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        let mut agents: BTreeMap<AgentId, (i64, i64)> = BTreeMap::new();
        for s in seen {
            *counts.entry(s.issue.status.as_str().to_owned()).or_default() += 1;
            if let Some(agent) = s.issue.assignee_agent_id.filter(|_| s.skip.is_none()) {
                let a = agents.entry(agent).or_default();
                a.0 += 1;
                a.1 += i64::from(s.run.is_some());
            }
        }
        let (kept, skipped): (Vec<&Seen>, Vec<&Seen>) = seen.iter().partition(|s| s.skip.is_none());
        let runs: Vec<TreeRun> = kept.iter().filter_map(|s| s.tree_run()).collect();
        let running = runs.iter().filter(|r| r.status == RunStatus::Running).count();
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Ok(TreePreview {
            company_id: root.company_id,
            root_issue_id: root.id,
            mode,
            generated_at: self.now(),
            release_policy: policy,
            totals: TreeTotals {
                total_issues: number(seen.len()),
                affected_issues: number(kept.len()),
                skipped_issues: number(skipped.len()),
                active_runs: number(running),
                queued_runs: number(runs.len().saturating_sub(running)),
                affected_agents: number(agents.len()),
            },
            counts_by_status: counts,
            issues: kept.iter().map(|s| s.shown(mode)).collect(),
            skipped_issues: skipped.iter().map(|s| s.shown(mode)).collect(),
            active_runs: runs,
            affected_agents: agents
                .into_iter()
                .map(|(agent_id, (issue_count, active_run_count))| TreeAgent {
                    agent_id,
                    issue_count,
                    active_run_count,
                })
                .collect(),
            warnings: warnings(seen, mode),
        })
    }
}

fn warnings(seen: &[Seen], mode: TreeMode) -> Vec<TreeWarning> {
    let mut out = Vec::new();
    let mut warn = |code: &str, message: &str, issues: Vec<IssueId>| {
        out.push(TreeWarning {
            code: code.to_owned(),
            message: message.to_owned(),
            issue_ids: (!issues.is_empty()).then_some(issues),
        });
    };
    let kept = || seen.iter().filter(|s| s.skip.is_none());
    if kept().next().is_none() {
        match mode {
            TreeMode::Resume => warn("no_active_pause_holds", "Nothing of the tree is paused", Vec::new()),
            _ => warn("no_affected_issues", "There is nothing in the tree to do this to", Vec::new()),
        }
    }
    let with = |running: bool| -> Vec<IssueId> {
        let live = |s: &&Seen| s.run.as_ref().is_some_and(|r| (r.status == RunStatus::Running) == running);
        kept().filter(live).map(|s| s.issue.id).collect()
    };
    if matches!(mode, TreeMode::Pause | TreeMode::Cancel) {
        let (running, queued) = (with(true), with(false));
        if !running.is_empty() {
            warn("running_runs_present", "Runs are at work in the tree", running);
        }
        if !queued.is_empty() {
            warn("queued_runs_present", "Runs wait to start in the tree", queued);
        }
    }
    let conflicts: Vec<IssueId> =
        seen.iter().filter(|s| s.skip == Some(TreeSkip::ChangedAfterCancel)).map(|s| s.issue.id).collect();
    if !conflicts.is_empty() {
        warn(
            "restore_conflicts_present",
            "Some were opened or cancelled by hand since; they stay as they are",
            conflicts,
        );
    }
    out
}

/// What of an issue may be open only once.
fn one_at_a_time(issue: &Issue) -> Option<(String, String, Option<String>)> {
    let kind = issue.origin_kind.clone();
    let origin = issue.origin_id.clone()?;
    match kind.as_str() {
        "routine_execution" => Some((kind, origin, Some(issue.origin_fingerprint.clone()))),
        "stale_active_run_evaluation" | "issue_productivity_review" | "harness_liveness_escalation" => {
            Some((kind, origin, None))
        }
        _ => None,
    }
}
