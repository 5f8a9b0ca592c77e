//! Where chains of blockers have come to a halt, somebody is asked for the way out, if the operator wants that.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use contract::agent::Agent;
use contract::graph::*;
use contract::issue::{CreateIssue, Issue, IssuePriority, IssueStatus};
use contract::operations::{PreviewUnblocking, RunUnblocking};
use contract::text::{Prose, Title};
use contract::{AgentId, ApiError, IssueId, Timestamp};
use domain::graph::{Finding, UNBLOCKING};
use domain::recovery::{Owner, REVIEWS, is_review};
use domain::watchdog::overseer;
use store::{SqliteConnection, WriteTx};

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::service::Origin;
use crate::watchdog::{owned_by, passing};
use crate::{Caller, Engine};

/// Issues looked at in one go.
const AT_ONCE: i64 = 1000;
/// New issues in one go: more at once would be read by nobody.
const ASKED_AT_ONCE: usize = 20;

/// A halt with all that is known of it.
struct Halt {
    source: Issue,
    leaf: Issue,
    /// From the source to the leaf.
    path: Vec<Issue>,
    stall: Stall,
    reason: String,
    owner: Owner,
}

/// All halts that were found.
struct Halts {
    all: Vec<Halt>,
    /// Everything was looked at: what is not among them is none.
    is_whole: bool,
}

impl Halts {
    /// Those that are not the operator's own will.
    fn to_ask_about(&self) -> impl Iterator<Item = &Halt> {
        self.all.iter().filter(|h| h.stall != Stall::Paused)
    }
}

impl Halt {
    /// The same halt has the same key.
    fn key(&self) -> String {
        let (company, stall) = (self.source.company_id, self.stall);
        format!("harness_liveness:{company}:{}:{stall}:{}", self.source.id, self.leaf.id)
    }

    fn changed_at(&self) -> Timestamp {
        self.path.iter().map(|i| i.updated_at).max().unwrap_or(self.source.updated_at)
    }
}

pub(crate) fn check_hours(hours: u32) -> Answer<()> {
    if (1..=720).contains(&hours) {
        return Ok(());
    }
    Err(ApiError::invalid("lookbackHours lies between 1 and 720"))
}

impl Handle<PreviewUnblocking> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, q: UnblockingRequest) -> Answer<UnblockingPreview> {
        let (hours, cutoff) = self.lookback(q)?;
        let mut conn = self.store.read().await.answer()?;
        let halts = self.halts(&mut conn).await?;
        let findings = halts.to_ask_about().count();
        let items: Vec<UnblockingItem> =
            halts.to_ask_about().filter(|h| h.changed_at() >= cutoff).map(item).collect();
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Ok(UnblockingPreview {
            lookback_hours: hours,
            cutoff,
            generated_at: self.now(),
            findings: number(findings),
            recoverable_findings: number(items.len()),
            skipped_outside_lookback: number(findings - items.len()),
            items,
        })
    }
}

impl Handle<RunUnblocking> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, q: UnblockingRequest) -> Answer<UnblockingDone> {
        let (_, cutoff) = self.lookback(q)?;
        Box::pin(self.unblock(cutoff)).await
    }
}

impl Engine {
    /// Asks for the way out of halts, if that is wanted, and ends in any case what is asked for no more.
    pub(crate) async fn unblock_when_wanted(&self) -> Answer<()> {
        let settings = self.settings();
        if settings.paused_at.is_some() {
            return Ok(());
        }
        if settings.experimental.enable_issue_graph_liveness_auto_recovery {
            let (_, cutoff) = self.lookback(UnblockingRequest::default())?;
            return self.unblock(cutoff).await.map(drop);
        }
        let mut conn = self.store.read().await.answer()?;
        if store::watchdog::open_of_kind(&mut conn, UNBLOCKING, 1).await.answer()?.is_empty() {
            return Ok(());
        }
        let halts = self.halts(&mut conn).await?;
        drop(conn);
        self.retire(&halts).await.map(drop)
    }

    fn lookback(&self, q: UnblockingRequest) -> Answer<(u32, Timestamp)> {
        let set = self.settings().experimental.issue_graph_liveness_auto_recovery_lookback_hours;
        let hours = q.lookback_hours.unwrap_or(set);
        check_hours(hours)?;
        Ok((hours, self.now().minus(Duration::from_secs(u64::from(hours) * 3600))))
    }

    async fn unblock(&self, cutoff: Timestamp) -> Answer<UnblockingDone> {
        let halts = {
            let mut conn = self.store.read().await.answer()?;
            self.halts(&mut conn).await?
        };
        let mut done = UnblockingDone {
            findings: i64::try_from(halts.to_ask_about().count()).unwrap_or(i64::MAX),
            retired: self.retire(&halts).await?,
            ..UnblockingDone::default()
        };
        for halt in halts.to_ask_about() {
            if halt.changed_at() < cutoff {
                done.skipped_outside_lookback += 1;
                continue;
            }
            if done.created_issue_ids.len() >= ASKED_AT_ONCE {
                break;
            }
            let mut tx = self.store.write(self.now()).await.answer()?;
            match Box::pin(self.ask_for_way_out(&mut tx, halt, cutoff)).await {
                Ok(Some(issue)) => {
                    tx.commit_if_changed().await.answer()?;
                    done.created += 1;
                    done.created_issue_ids.push(issue);
                }
                Ok(None) => done.existing += 1,
                Err(e) => passing(e, "a halt")?,
            }
        }
        Ok(done)
    }

    /// Where chains have come to a halt, each leaf once.
    async fn halts(&self, conn: &mut SqliteConnection) -> Answer<Halts> {
        let waiting = store::relations::waiting(conn, &REVIEWS, AT_ONCE).await.answer()?;
        let chains = self.chains(conn, &waiting).await?;
        let (waiting, sources) = (waiting.len(), waiting);
        let found: Vec<(IssueId, Finding)> =
            sources.into_iter().filter_map(|source| Some((source, chains.halt(source)?))).collect();
        let mut leaves = HashSet::new();
        let is_whole = !chains.is_cut && i64::try_from(waiting).unwrap_or(AT_ONCE) < AT_ONCE;
        let mut out = Halts { all: Vec::new(), is_whole };
        for (source, finding) in found {
            if let Some(halt) = self.halt(conn, source, &finding, chains.sentence(&finding)).await?
                && !is_review(&halt.leaf.origin_kind)
                && leaves.insert(halt.leaf.id)
            {
                out.all.push(halt);
            }
        }
        Ok(out)
    }

    async fn halt(
        &self,
        conn: &mut SqliteConnection,
        source: IssueId,
        finding: &Finding,
        reason: String,
    ) -> Answer<Option<Halt>> {
        let mut path = Vec::with_capacity(finding.path.len() + 1);
        for id in [source].iter().chain(&finding.path) {
            path.extend(store::issues::get(conn, *id).await.answer()?);
        }
        let (Some(first), Some(leaf)) = (path.first().cloned(), path.last().cloned()) else {
            return Ok(None);
        };
        let Some(worker) = leaf.assignee_agent_id.or(first.assignee_agent_id) else { return Ok(None) };
        let agents = store::agents::list(conn, first.company_id).await.answer()?;
        let owner = owner_of(&agents, worker, first.assignee_agent_id);
        Ok(Some(Halt { source: first, leaf, path, stall: finding.stall, reason, owner }))
    }

    /// Opens the issue that asks, unless somebody is asked or was asked since then.
    async fn ask_for_way_out(
        &self,
        tx: &mut WriteTx,
        halt: &Halt,
        since: Timestamp,
    ) -> Answer<Option<IssueId>> {
        let asked = store::watchdog::all_from(tx, UNBLOCKING, &halt.leaf.id.to_string()).await.answer()?;
        if asked.iter().any(|i| !i.status.is_terminal() || i.updated_at >= since) {
            return Ok(None);
        }
        // Something may have moved since the look.
        let chains = self.chains(tx, &[halt.source.id]).await?;
        if chains.halt(halt.source.id).and_then(|f| f.leaf()) != Some(halt.leaf.id) {
            return Ok(None);
        }
        let key = halt.source.display_key();
        let title: String = format!("Unblock liveness incident for {key}").chars().take(300).collect();
        let title = Title::new(title).map_err(|e| ApiError::internal(e.to_string()))?;
        let mut new = CreateIssue::titled(halt.source.company_id, title);
        new.description = Prose::new(brief(halt)).ok();
        new.priority = Some(IssuePriority::High);
        new.status = Some(IssueStatus::Todo);
        new.parent_id = Some(halt.leaf.id);
        owned_by(&mut new, halt.owner);
        let mut origin = Origin::of(UNBLOCKING, halt.leaf.id.to_string());
        origin.fingerprint = halt.key();
        let caller = Caller::system();
        let asks = self.create_issue_from(tx, &caller, new, origin).await?;
        if self.add_blocker(tx, &caller, &halt.source, asks.id).await.is_ok() {
            let details = serde_json::json!({ "addedBlockedByIssueId": asks.id });
            self.log_issue(tx, &caller, &halt.source, "issue.blockers_updated", details).await?;
        }
        Ok(Some(asks.id))
    }

    /// Ends what asks for the way out of a halt that is none any more.
    async fn retire(&self, halts: &Halts) -> Answer<i64> {
        if !halts.is_whole {
            return Ok(0);
        }
        let open = {
            let mut conn = self.store.read().await.answer()?;
            store::watchdog::open_of_kind(&mut conn, UNBLOCKING, AT_ONCE).await.answer()?
        };
        let hung: HashSet<String> = halts.all.iter().map(|h| h.leaf.id.to_string()).collect();
        let mut retired = 0;
        for asks in open {
            if asks.origin_id.as_ref().is_some_and(|leaf| hung.contains(leaf)) {
                continue;
            }
            let mut tx = self.store.write(self.now()).await.answer()?;
            let why = "What it was about is on its way again.";
            if let Err(e) = Box::pin(self.close_review(&mut tx, &Caller::system(), asks, why)).await {
                passing(e, "an issue about a halt")?;
                continue;
            }
            tx.commit_if_changed().await.answer()?;
            retired += 1;
        }
        Ok(retired)
    }
}

/// Who is asked: whoever stands above the one whose work it is, else above the one who waits; last the operator.
fn owner_of(agents: &[Agent], worker: AgentId, waiting: Option<AgentId>) -> Owner {
    let can = |id| agents.iter().any(|a| a.id == id && domain::agent::is_invokable(a.status));
    overseer(agents, Some(worker), waiting.unwrap_or(worker), can)
}

fn item(h: &Halt) -> UnblockingItem {
    let step = |i: &Issue| DependencyStep {
        issue_id: i.id,
        identifier: i.identifier.clone(),
        title: i.title.clone(),
        status: i.status,
    };
    UnblockingItem {
        issue_id: h.source.id,
        identifier: h.source.identifier.clone(),
        title: h.source.title.clone(),
        state: h.stall,
        severity: h.source.priority,
        reason: h.reason.clone(),
        recovery_issue_id: h.leaf.id,
        recovery_identifier: h.leaf.identifier.clone(),
        recovery_title: Some(h.leaf.title.clone()),
        recommended_owner_agent_id: match h.owner {
            Owner::Agent(id) => Some(id),
            Owner::Board => None,
        },
        incident_key: h.key(),
        latest_dependency_updated_at: h.changed_at(),
        dependency_path: h.path.iter().map(step).collect(),
    }
}

/// What whoever is asked has to know.
fn brief(h: &Halt) -> String {
    let way = match h.stall {
        Stall::Unassigned => "give it to somebody who can do it",
        Stall::Backlog => "move it to todo, or say why it has to wait",
        Stall::Uninvokable => "give it to somebody else, or have its agent resumed",
        Stall::Cancelled => "take it out of the blockers, or put something in its place",
        Stall::InvalidReviewer | Stall::ReviewWithoutPath => "name who reviews it, or decide it yourself",
        Stall::WithoutCause | Stall::Paused => "say by what it is blocked, or set it to todo",
    };
    format!(
        "{} ({}) does not get on. {}.\n\nFind the way out: {way}. Then close this issue: {} waits for it as well, and \
         goes on when both are resolved. Do none of the work itself here.",
        h.source.display_key(),
        h.source.title,
        h.reason,
        h.source.display_key()
    )
}

#[cfg(test)]
mod tests;
