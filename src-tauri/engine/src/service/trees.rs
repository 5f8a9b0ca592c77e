//! Steering a whole tree of issues: what an act would do, doing it, and ending a pause.

mod preview;

use std::sync::Arc;

use contract::issue::{Issue, IssuePath, IssueStatus};
use contract::operations::*;
use contract::run::{InvocationSource, RunStatus};
use contract::tree::*;
use contract::{ApiError, JsonObject, Text};
use domain::tree::restored;
use serde_json::{Value, json};
use store::{SqliteConnection, WriteTx};

use self::preview::Seen;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::run::Kill;
use crate::wake::Wake;
use crate::{Caller, Engine};

impl Handle<PreviewTreeOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: PreviewTree) -> Answer<TreePreview> {
        let mut conn = self.store.read().await.answer()?;
        let root = self.issue(&mut conn, caller, &q.id).await?;
        let seen = self.see_tree(&mut conn, root, q.mode).await?;
        self.preview(&seen, q.mode, q.release_policy)
    }
}

impl Handle<CreateTreeHoldOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateTreeHold) -> Answer<TreeHoldMade> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let root = self.issue(&mut tx, caller, &q.id).await?;
        let seen = self.see_tree(&mut tx, root.clone(), q.mode).await?;
        let preview = self.preview(&seen, q.mode, q.release_policy.clone())?;
        refuse_in_vain(&seen, &q, &preview)?;
        let hold = self.new_hold(&tx, caller, &root, &q);
        let members = self.members_of(&hold, &seen);
        store::trees::create(&mut tx, &hold, &members).await.answer()?;
        let details =
            json!({ "holdId": hold.id, "mode": q.mode, "affected": preview.totals.affected_issues });
        self.log_issue(&mut tx, caller, &root, "issue.tree_hold_created", details).await?;
        let kills = match q.mode {
            TreeMode::Pause => self.pause_tree(&mut tx, &seen, &q).await?,
            TreeMode::Resume => {
                self.resume_tree(&mut tx, caller, &root, &seen, q.reason).await?;
                Vec::new()
            }
            TreeMode::Cancel => self.cancel_tree(&mut tx, caller, &hold, seen).await?,
            TreeMode::Restore => {
                let wake = q.metadata.as_ref().and_then(|m| m.get("wakeAgents")) == Some(&Value::Bool(true));
                self.restore_tree(&mut tx, caller, &hold, seen, wake).await?;
                Vec::new()
            }
        };
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(TreeHoldMade { hold: TreeHoldDetail { hold, members: Some(members) }, preview })
    }
}

/// An act that would do nothing is refused with what stands in its way.
fn refuse_in_vain(seen: &[Seen], q: &CreateTreeHold, preview: &TreePreview) -> Answer<()> {
    let finish =
        q.release_policy.as_ref().map(|p| p.strategy) == Some(ReleaseStrategy::AfterActiveRunsFinish);
    if q.mode == TreeMode::Pause && finish && preview.totals.active_runs == 0 {
        return Err(ApiError::unprocessable("No run is at work in the tree: the pause would end at once"));
    }
    // The pause lies above: what is asked for cannot be done from here.
    let (held, begins) = (seen.iter().any(|s| s.node.held), seen.iter().any(|s| s.begins));
    if q.mode == TreeMode::Resume && held && !begins {
        return Err(ApiError::unprocessable("The pause begins at an issue above this one"));
    }
    if preview.totals.affected_issues > 0 {
        return Ok(());
    }
    let why = preview.warnings.first().map_or("There is nothing to do", |w| w.message.as_str());
    Err(ApiError::unprocessable(why))
}

impl Engine {
    fn new_hold(&self, tx: &WriteTx, caller: &Caller, root: &Issue, q: &CreateTreeHold) -> TreeHold {
        let lasts = matches!(q.mode, TreeMode::Pause | TreeMode::Cancel);
        let policy = q.release_policy.as_ref().and_then(|p| serde_json::to_value(p).ok());
        let mut hold = TreeHold {
            id: self.new_id(),
            company_id: root.company_id,
            root_issue_id: root.id,
            mode: q.mode,
            status: TreeHoldStatus::Active,
            reason: q.reason.as_ref().map(ToString::to_string),
            release_policy: policy.and_then(|p| p.as_object().cloned()),
            created_by_actor_type: caller.actor_type(),
            created_by_agent_id: caller.agent_id(),
            created_by_user_id: caller.user_id(),
            created_by_run_id: caller.run_id(),
            released_at: None,
            released_by_actor_type: None,
            released_by_agent_id: None,
            released_by_user_id: None,
            released_by_run_id: None,
            release_reason: None,
            release_metadata: q.metadata.clone().filter(|_| !lasts),
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        if !lasts {
            released(&mut hold, caller, tx);
        }
        hold
    }

    fn members_of(&self, hold: &TreeHold, seen: &[Seen]) -> Vec<TreeHoldMember> {
        seen.iter()
            .map(|s| TreeHoldMember {
                id: self.new_id(),
                company_id: hold.company_id,
                hold_id: hold.id,
                issue_id: s.issue.id,
                parent_issue_id: s.issue.parent_id,
                depth: s.depth,
                issue_identifier: s.issue.identifier.clone(),
                issue_title: s.issue.title.clone(),
                issue_status: s.issue.status,
                assignee_agent_id: s.issue.assignee_agent_id,
                assignee_user_id: s.issue.assignee_user_id.clone(),
                active_run_id: s.run.as_ref().map(|r| r.id),
                active_run_status: s.run.as_ref().map(|r| r.status),
                skipped: s.skip.is_some(),
                skip_reason: s.skip,
                created_at: hold.created_at,
            })
            .collect()
    }

    async fn pause_tree(&self, tx: &mut WriteTx, seen: &[Seen], q: &CreateTreeHold) -> Answer<Vec<Kill>> {
        let policy = q.release_policy.as_ref().map_or(ReleaseStrategy::Manual, |p| p.strategy);
        let mut kills = Vec::new();
        for s in seen {
            let Some(run) = &s.run else { continue };
            let finishes =
                run.status == RunStatus::Running && policy == ReleaseStrategy::AfterActiveRunsFinish;
            if !finishes {
                kills.extend(self.cancel_issue_run(tx, s.issue.id, "Its tree of issues was paused").await?);
            }
        }
        Ok(kills)
    }

    async fn resume_tree(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        root: &Issue,
        seen: &[Seen],
        reason: Option<Text<1, 1000>>,
    ) -> Answer<()> {
        let reason = reason.map(|r| r.into_string());
        for s in seen {
            if let Some(hold) = store::trees::pause_of(tx, s.issue.id).await.answer()? {
                self.release_hold(tx, caller, hold, reason.clone(), None).await?;
            }
        }
        self.take_up_tree(tx, caller, root.clone()).await
    }

    async fn cancel_tree(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        hold: &TreeHold,
        seen: Vec<Seen>,
    ) -> Answer<Vec<Kill>> {
        let mut kills = Vec::new();
        // From the top down: who is cancelled as well is not told that its children ended.
        for s in seen.into_iter().filter(|s| s.skip.is_none()) {
            let before = s.issue;
            kills.extend(self.cancel_issue_run(tx, before.id, "Its tree of issues was cancelled").await?);
            let mut issue = store::issues::get(tx, before.id).await.or_missing("Issue")?;
            domain::issue::set_status(&mut issue, IssueStatus::Cancelled, tx.at());
            self.save_of_tree(tx, caller, hold, &before, &issue).await?;
        }
        Ok(kills)
    }

    async fn restore_tree(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        hold: &TreeHold,
        seen: Vec<Seen>,
        wake: bool,
    ) -> Answer<()> {
        let mut wakes = Vec::new();
        for s in seen.into_iter().filter(|s| s.skip.is_none()) {
            let Some((_, was)) = s.node.taken else { continue };
            let mut issue = s.issue.clone();
            domain::issue::set_status(&mut issue, restored(was), tx.at());
            self.save_of_tree(tx, caller, hold, &s.issue, &issue).await?;
            if let Some(agent) = issue.assignee_agent_id.filter(|_| wake && issue.status == IssueStatus::Todo)
            {
                let source = InvocationSource::Automation;
                wakes.push(Wake::about(&issue, agent, source, "issue_tree_restored"));
            }
        }
        for ended in store::trees::spent_cancels(tx, hold.root_issue_id).await.answer()? {
            self.release_hold(tx, caller, ended, Some("Restored".to_owned()), None).await?;
        }
        // One wake an issue: each has an agent of its own to wake, or the same one several times.
        for w in wakes {
            self.wake_all(tx, caller, vec![w]).await?;
        }
        Ok(())
    }

    async fn save_of_tree(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        hold: &TreeHold,
        before: &Issue,
        issue: &Issue,
    ) -> Answer<()> {
        let mut issue = issue.clone();
        issue.updated_at = tx.at();
        store::issues::save(tx, &issue).await.answer()?;
        self.fold_recovery(tx, &issue).await?;
        let details = json!({
            "status": issue.status, "treeHoldId": hold.id, "_previous": { "status": before.status },
        });
        self.log_issue(tx, caller, &issue, "issue.updated", details).await?;
        let wakes = self.wakes_of_end(tx, before, &issue).await?;
        self.wake_all(tx, caller, wakes).await
    }

    async fn release_hold(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        mut hold: TreeHold,
        reason: Option<String>,
        metadata: Option<JsonObject>,
    ) -> Answer<TreeHold> {
        released(&mut hold, caller, tx);
        hold.release_reason = reason;
        hold.release_metadata = metadata;
        store::trees::save(tx, &hold).await.answer()?;
        let root = store::issues::get(tx, hold.root_issue_id).await.or_missing("Issue")?;
        let details = json!({ "holdId": hold.id, "mode": hold.mode });
        self.log_issue(tx, caller, &root, "issue.tree_hold_released", details).await?;
        Ok(hold)
    }

    /// Takes up what stood still in a tree: what waited for its turn, what was said, and open work.
    async fn take_up_tree(&self, tx: &mut WriteTx, caller: &Caller, root: Issue) -> Answer<()> {
        for s in self.see_tree(tx, root, TreeMode::Pause).await? {
            if s.node.held || s.run.is_some() {
                continue;
            }
            let id = s.issue.id;
            self.promote_deferred(tx, id).await?;
            if let Some(missed) = store::wakeups::missed_in_tree(tx, id).await.answer()?
                && let Some(payload) = missed.payload
            {
                let source = InvocationSource::Automation;
                let reason = "issue_commented";
                let mut wake = Wake::about(&s.issue, missed.agent_id, source, reason);
                wake.payload.extend(payload);
                self.wake_all(tx, caller, vec![wake]).await?;
            }
            let open = matches!(s.issue.status, IssueStatus::Todo | IssueStatus::InProgress);
            let Some(agent) = s.issue.assignee_agent_id.filter(|_| open) else { continue };
            if store::runs::live_on_issue(tx, id).await.answer()?.is_none()
                && !self.has_path(tx, &s.issue).await?
            {
                let source = InvocationSource::Automation;
                let wake = Wake::about(&s.issue, agent, source, "issue_tree_resumed");
                self.wake_all(tx, caller, vec![wake]).await?;
            }
        }
        Ok(())
    }

    /// Ends the pauses that were to end when the runs in their tree have.
    pub(crate) async fn end_finished_pauses(&self, tx: &mut WriteTx) -> Answer<()> {
        for hold in store::trees::ending_by_themselves(tx).await.answer()? {
            let root = store::issues::get(tx, hold.root_issue_id).await.or_missing("Issue")?;
            let seen = self.see_tree(tx, root.clone(), TreeMode::Pause).await?;
            if seen.iter().any(|s| s.run.as_ref().is_some_and(|r| r.status == RunStatus::Running)) {
                continue;
            }
            let why = Some("The runs that were live have ended".to_owned());
            self.release_hold(tx, &Caller::system(), hold, why, None).await?;
            self.take_up_tree(tx, &Caller::system(), root).await?;
        }
        Ok(())
    }

    /// Refuses work on an issue whose tree is paused.
    pub(in crate::service) async fn refuse_if_held(&self, tx: &mut WriteTx, issue: &Issue) -> Answer<()> {
        let Some(hold) = store::trees::pause_over(tx, issue.id).await.answer()? else { return Ok(()) };
        Err(ApiError::conflict("The tree of this issue is paused")
            .with_details(json!({ "holdId": hold.id, "rootIssueId": hold.root_issue_id }))
            .with_hint("Leave it. Its agent is woken when the board resumes the tree."))
    }

    async fn with_members(
        &self,
        conn: &mut SqliteConnection,
        hold: TreeHold,
        wanted: bool,
    ) -> Answer<TreeHoldDetail> {
        let members = if wanted { Some(store::trees::members(conn, hold.id).await.answer()?) } else { None };
        Ok(TreeHoldDetail { hold, members })
    }
}

fn released(hold: &mut TreeHold, caller: &Caller, tx: &WriteTx) {
    hold.status = TreeHoldStatus::Released;
    hold.released_at = Some(tx.at());
    hold.released_by_actor_type = Some(caller.actor_type());
    hold.released_by_agent_id = caller.agent_id();
    hold.released_by_user_id = caller.user_id();
    hold.released_by_run_id = caller.run_id();
    hold.updated_at = tx.at();
}

impl Handle<GetTreeState> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<TreeState> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        Ok(TreeState { active_pause_hold: store::trees::pause_over(&mut conn, issue.id).await.answer()? })
    }
}

impl Handle<ListTreeHoldsOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListTreeHolds) -> Answer<Vec<TreeHoldDetail>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let mut out = Vec::new();
        for hold in store::trees::list(&mut conn, issue.id, &q).await.answer()? {
            out.push(self.with_members(&mut conn, hold, q.include_members).await?);
        }
        Ok(out)
    }
}

impl Handle<GetTreeHold> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: TreeHoldPath) -> Answer<TreeHoldDetail> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let hold = store::trees::get(&mut conn, issue.id, q.hold_id).await.or_missing("Hold")?;
        self.with_members(&mut conn, hold, true).await
    }
}

impl Handle<ReleaseTreeHoldOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ReleaseTreeHold) -> Answer<TreeHoldDetail> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let root = self.issue(&mut tx, caller, &q.id).await?;
        let hold = store::trees::get(&mut tx, root.id, q.hold_id).await.or_missing("Hold")?;
        if hold.mode != TreeMode::Pause {
            return Err(ApiError::unprocessable("Only a pause is released; restore what was cancelled"));
        }
        if hold.status == TreeHoldStatus::Released {
            return Err(ApiError::conflict("The pause has ended already"));
        }
        let reason = q.reason.map(|r| r.into_string());
        let hold = self.release_hold(&mut tx, caller, hold, reason, q.metadata).await?;
        self.take_up_tree(&mut tx, caller, root).await?;
        let detail = self.with_members(&mut tx, hold, true).await?;
        tx.commit().await.answer()?;
        Ok(detail)
    }
}

#[cfg(test)]
mod tests;
