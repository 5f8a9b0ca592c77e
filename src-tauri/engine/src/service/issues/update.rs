//! Changing issues: fields, status, assignee, with the wakes that follow.

use std::sync::Arc;

use contract::comment::AuthorType;
use contract::issue::*;
use contract::operations::*;
use contract::run::InvocationSource;
use contract::{ApiError, ErrorCode, Patch};
use domain::issue::{Commenter, Reopening};
use domain::recovery::{REVIEWS, is_review};
use serde_json::json;
use store::WriteTx;

use super::super::comments::NewComment;
use super::super::text;
use super::stages::{reviewer_of, wakes_of_stage};
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::run::Kill;
use crate::wake::Wake;
use crate::{Caller, Engine};

impl Handle<UpdateIssueOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpdateIssue) -> Answer<UpdatedIssue> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let (updated, kills) = self.update_issue(&mut tx, caller, q).await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(updated)
    }
}

impl Engine {
    async fn update_issue(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        q: UpdateIssue,
    ) -> Answer<(UpdatedIssue, Vec<Kill>)> {
        let mut issue = self.issue(tx, caller, &q.id).await?;
        if q.interrupt {
            caller.board_only("interrupt a run")?;
        }
        self.may_mutate(tx, caller, &mut issue).await?;
        let before = issue.clone();
        if q.comment.is_some() && q.status.is_none() && caller.is_operator() {
            self.drop_scheduled(tx, &mut issue).await?;
        }
        self.apply_fields(tx, caller, &mut issue, &q).await?;
        self.apply_assignee(tx, caller, &mut issue, &q).await?;
        let watched = self.apply_policy(tx, caller, &mut issue, &q.execution_policy).await?;
        let blockers = self.unresolved_after(tx, caller, &issue, q.blocked_by_issue_ids.as_deref()).await?;
        let reopened = Box::pin(self.apply_status(tx, caller, &mut issue, &q, blockers)).await?;
        self.settle_monitor(tx, &mut issue, watched)?;
        self.one_review_at_a_time(tx, &before, &issue).await?;
        let spoken = q.comment.is_some() || q.blocked_by_issue_ids.is_some() || q.label_ids.is_some();
        if spoken || issue != before {
            issue.updated_at = tx.at();
        }
        store::issues::save(tx, &issue).await.answer()?;
        self.fold_recovery(tx, &issue).await?;
        if let Some(labels) = &q.label_ids {
            self.set_labels(tx, &issue, labels).await?;
        }
        if issue.title != before.title || issue.description != before.description {
            self.note_own_mentions(tx, &issue).await?;
        }
        let changed = changes(&before, &issue);
        if !changed.is_empty() || q.blocked_by_issue_ids.is_some() || q.label_ids.is_some() {
            self.log_issue(tx, caller, &issue, "issue.updated", changed.into()).await?;
        }
        let mut wakes =
            wakes_of_stage(&before, &issue).unwrap_or_else(|| wakes_of_change(&before, &issue, reopened));
        let comment = match q.comment {
            None => None,
            Some(body) => {
                let new =
                    NewComment { body: body.into_string(), author: None, presentation: None, metadata: None };
                let (comment, more) = self.add_comment(tx, caller, &issue, new, reopened).await?;
                wakes.extend(more);
                Some(comment)
            }
        };
        wakes.extend(self.wakes_of_end(tx, &before, &issue).await?);
        let mut kills = Vec::new();
        if q.interrupt || (issue.status == IssueStatus::Cancelled && before.status != issue.status) {
            kills = self.cancel_issue_run(tx, issue.id, "Stopped from the issue").await?;
            issue = store::issues::get(tx, issue.id).await.or_missing("Issue")?;
        }
        self.wake_all(tx, caller, wakes).await?;
        Ok((UpdatedIssue { issue, comment }, kills))
    }

    /// Refuses to open a review again while another one of the same is open.
    pub(crate) async fn one_review_at_a_time(
        &self,
        tx: &mut WriteTx,
        before: &Issue,
        now: &Issue,
    ) -> Answer<()> {
        let was = before.status.is_terminal() || before.hidden_at.is_some();
        let is = now.status.is_terminal() || now.hidden_at.is_some();
        let Some(origin) = now.origin_id.as_deref().filter(|_| was && !is && is_review(&now.origin_kind))
        else {
            return Ok(());
        };
        match store::watchdog::open_from(tx, &now.origin_kind, origin).await.answer()? {
            Some(open) if open.id != now.id => {
                Err(ApiError::conflict(format!("{} asks the same already, and is open", open.display_key()))
                    .with_hint("Go on there, or close it first."))
            }
            _ => Ok(()),
        }
    }

    async fn apply_fields(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        i: &mut Issue,
        q: &UpdateIssue,
    ) -> Answer<()> {
        if let Some(t) = &q.title {
            i.title = t.to_string();
        }
        i.description = text(q.description.clone()).apply(i.description.take()).filter(|d| !d.is_empty());
        i.work_mode = q.work_mode.unwrap_or(i.work_mode);
        i.priority = q.priority.unwrap_or(i.priority);
        if let Some(p) = q.project_id.as_set() {
            let project = store::planning::project(tx, *p).await.answer()?;
            if project.is_none_or(|p| p.company_id != i.company_id) {
                return Err(ApiError::unprocessable("projectId names no project of this company"));
            }
        }
        i.project_id = q.project_id.clone().apply(i.project_id);
        i.project_workspace_id = q.project_workspace_id.clone().apply(i.project_workspace_id.take());
        if let Some(g) = q.goal_id.as_set() {
            let goal = store::planning::goal(tx, *g).await.answer()?;
            if goal.is_none_or(|g| g.company_id != i.company_id) {
                return Err(ApiError::unprocessable("goalId names no goal of this company"));
            }
        }
        i.goal_id = q.goal_id.clone().apply(i.goal_id);
        if let Some(parent) = q.parent_id.as_set() {
            self.check_parent(tx, i, *parent).await?;
        }
        i.parent_id = q.parent_id.clone().apply(i.parent_id);
        i.request_depth = q.request_depth.unwrap_or(i.request_depth).max(0);
        i.billing_code = text(q.billing_code.clone()).apply(i.billing_code.take());
        let machine = !q.assignee_adapter_overrides.is_keep()
            || !q.execution_workspace_settings.is_keep()
            // What waits for an agent's work waits for the workspace that the issue names.
            || !q.execution_workspace_id.is_keep();
        super::create::may_set_execution(caller, machine)?;
        super::create::check_settings(q.execution_workspace_settings.as_set())?;
        i.assignee_adapter_overrides =
            q.assignee_adapter_overrides.clone().apply(i.assignee_adapter_overrides.take());
        i.execution_workspace_id = q.execution_workspace_id.clone().apply(i.execution_workspace_id.take());
        i.execution_workspace_preference =
            q.execution_workspace_preference.clone().apply(i.execution_workspace_preference.take());
        i.execution_workspace_settings =
            q.execution_workspace_settings.clone().apply(i.execution_workspace_settings.take());
        i.hidden_at = q.hidden_at.clone().apply(i.hidden_at);
        Ok(())
    }

    async fn check_parent(&self, tx: &mut WriteTx, issue: &Issue, parent: contract::IssueId) -> Answer<()> {
        let found = store::issues::get(tx, parent).await.answer()?;
        if found.is_none_or(|p| p.company_id != issue.company_id) {
            return Err(ApiError::unprocessable("parentId names no issue of this company"));
        }
        if store::issues::is_within(tx, parent, issue.id).await.answer()? {
            return Err(ApiError::unprocessable("An issue cannot stand below itself"));
        }
        Ok(())
    }

    async fn apply_assignee(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        i: &mut Issue,
        q: &UpdateIssue,
    ) -> Answer<()> {
        let agent = match &q.assignee_agent_id {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(r) => {
                Patch::Set(self.assignee(tx, caller, i.company_id, r, i.assignee_agent_id).await?)
            }
        };
        let user = text(q.assignee_user_id.clone());
        if agent.as_set().is_some() && user.as_set().is_some() {
            return Err(ApiError::unprocessable("An issue has one assignee: an agent or a user"));
        }
        let before = (i.assignee_agent_id, i.assignee_user_id.clone());
        if agent.as_set().is_some() {
            i.assignee_user_id = None;
        }
        if user.as_set().is_some() {
            i.assignee_agent_id = None;
        }
        i.assignee_agent_id = agent.apply(i.assignee_agent_id);
        i.assignee_user_id = user.apply(i.assignee_user_id.take());
        if before != (i.assignee_agent_id, i.assignee_user_id.clone()) {
            // The new owner starts from the beginning of the line; the old run may end, but holds nothing.
            domain::issue::clear_locks(i);
            if i.status == IssueStatus::InProgress && q.status.is_none() {
                domain::issue::set_status(i, IssueStatus::Todo, tx.at());
            }
        }
        Ok(())
    }

    /// Sets the blockers if they are given; answers how many are not done.
    async fn unresolved_after(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        blockers: Option<&[contract::IssueId]>,
    ) -> Answer<Vec<IssueSummary>> {
        if let Some(b) = blockers {
            self.set_blockers(tx, caller, issue, b).await?;
        }
        store::relations::unresolved(tx, issue.id).await.answer()
    }

    /// Applies the status that was asked for, or the reopening that a comment brings. Answers whether it reopened.
    async fn apply_status(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        i: &mut Issue,
        q: &UpdateIssue,
        blockers: Vec<IssueSummary>,
    ) -> Answer<bool> {
        let Some(to) = q.status else {
            if q.comment.is_none() && !q.reopen && !q.resume {
                return Ok(false);
            }
            let who = commenter(caller, i);
            return match domain::issue::reopening(i, who, q.reopen, q.resume, blockers.len()) {
                Reopening::Stays => Ok(false),
                Reopening::Reopens => {
                    domain::issue::set_status(i, IssueStatus::Todo, tx.at());
                    Ok(true)
                }
                Reopening::Refused(why) => Err(ApiError::conflict(why)),
            };
        };
        if self.move_through_stages(tx, caller, i, q, to).await? {
            return Ok(false);
        }
        if to == IssueStatus::InProgress && i.status != to {
            if i.assignee_agent_id.is_none() && i.assignee_user_id.is_none() {
                return Err(ApiError::unprocessable("An issue in progress needs an assignee"));
            }
            if !blockers.is_empty() {
                return Err(blocked_by(&blockers));
            }
        }
        if to == IssueStatus::InReview && caller.agent().is_some() {
            self.needs_review_path(tx, i).await?;
        }
        domain::issue::set_status(i, to, tx.at());
        if to == IssueStatus::InProgress
            && let Some((agent, _, Some(run))) = caller.agent()
            && i.assignee_agent_id == Some(agent)
        {
            i.checkout_run_id = Some(run);
        }
        Ok(false)
    }

    /// An agent may hand over for review only when somebody is there to review.
    async fn needs_review_path(&self, tx: &mut WriteTx, i: &Issue) -> Answer<()> {
        let pending = !store::interactions::pending(tx, i.id).await.answer()?.is_empty();
        let participant = reviewer_of(i).is_some();
        let monitor = i.monitor_next_check_at.is_some_and(|t| t > tx.at());
        let asked = store::approvals::waiting_of_issue(tx, i.id).await.answer()? > 0;
        if i.assignee_user_id.is_some() || pending || asked || participant || monitor {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::InvalidIssueDisposition,
            "An issue in review needs somebody who moves it on",
        )
        .with_details(json!({ "code": "invalid_issue_disposition", "validPaths": [
                "a pending interaction (POST /api/issues/{id}/interactions)", "a human assignee",
                "a linked approval that is not decided",
                "a review or approval stage", "a scheduled monitor"] }))
        .with_hint("Ask with an interaction first, or set the issue to done or blocked."))
    }

    /// Wakes of those for whom this issue was the last that held them up.
    pub(crate) async fn wakes_of_done(&self, tx: &mut WriteTx, i: &Issue) -> Answer<Vec<Wake>> {
        let mut wakes = Vec::new();
        for d in store::relations::blocked(tx, i.id).await.answer()? {
            let open = !matches!(d.status, IssueStatus::Backlog | IssueStatus::Done | IssueStatus::Cancelled);
            if !open || !store::relations::unresolved(tx, d.id).await.answer()?.is_empty() {
                continue;
            }
            if let (Some(agent), Some(full)) =
                (d.assignee_agent_id, store::issues::get(tx, d.id).await.answer()?)
            {
                let source = InvocationSource::Automation;
                wakes.push(Wake::about(&full, agent, source, "issue_blockers_resolved"));
            }
        }
        Ok(wakes)
    }

    /// Wakes that follow when an issue ends: dependents whose last blocker it was, and its parent.
    pub(crate) async fn wakes_of_end(
        &self,
        tx: &mut WriteTx,
        before: &Issue,
        i: &Issue,
    ) -> Answer<Vec<Wake>> {
        let mut wakes = Vec::new();
        if before.status == i.status || !i.status.is_terminal() {
            return Ok(wakes);
        }
        if i.status == IssueStatus::Done {
            wakes = self.wakes_of_done(tx, i).await?;
        }
        if is_review(&i.origin_kind) {
            // The end of a review is no news of the work itself.
            wakes.extend(self.wake_after_review(tx, i).await?);
            return Ok(wakes);
        }
        if let Some(parent) = i.parent_id
            && let Some(p) = store::issues::get(tx, parent).await.answer()?
            && !p.status.is_terminal()
            && p.status != IssueStatus::Backlog
            && let Some(agent) = p.assignee_agent_id
        {
            let (_, open) = store::relations::working_children(tx, parent, &REVIEWS).await.answer()?;
            if open == 0 {
                wakes.push(Wake::about(&p, agent, InvocationSource::Automation, "issue_children_completed"));
            }
        }
        Ok(wakes)
    }
}

pub(in crate::service) fn commenter(caller: &Caller, i: &Issue) -> Commenter {
    match caller.agent_id() {
        Some(id) => Commenter::Agent { is_assignee: i.assignee_agent_id == Some(id) },
        None => Commenter::Operator,
    }
}

pub(super) fn blocked_by(blockers: &[IssueSummary]) -> ApiError {
    let name = |b: &IssueSummary| {
        let name = b.identifier.clone()?;
        // Done, and its workspace is not finalized.
        Some(if b.status == IssueStatus::Done { format!("{name} (its workspace)") } else { name })
    };
    let names: Vec<String> = blockers.iter().filter_map(name).collect();
    let ids: Vec<String> = blockers.iter().map(|b| b.id.to_string()).collect();
    ApiError::new(ErrorCode::DependenciesBlocked, format!("Blockers are not done: {}", names.join(", ")))
        .with_details(json!({ "unresolvedBlockerIssueIds": ids }))
        .with_hint("Finish the blockers, or take them off the issue.")
}

/// The wake that a change of assignee or status brings.
fn wakes_of_change(before: &Issue, i: &Issue, reopened: bool) -> Vec<Wake> {
    let Some(agent) = i.assignee_agent_id else { return Vec::new() };
    if i.status == IssueStatus::Backlog || i.status.is_terminal() {
        return Vec::new();
    }
    if before.assignee_agent_id != i.assignee_agent_id {
        return vec![
            Wake::about(i, agent, InvocationSource::Assignment, "issue_assigned").with("mutation", "update"),
        ];
    }
    let was_closed = before.status.is_terminal();
    let moved = before.status != i.status
        && (before.status == IssueStatus::Backlog
            || was_closed
            || (before.status == IssueStatus::Blocked && i.status == IssueStatus::Todo));
    if moved && !reopened {
        return vec![
            Wake::about(i, agent, InvocationSource::Automation, "issue_status_changed")
                .with("mutation", "update"),
        ];
    }
    Vec::new()
}

/// Which fields changed, from what to what, for the audit trail.
fn changes(before: &Issue, after: &Issue) -> contract::JsonObject {
    let of =
        |i: &Issue| serde_json::to_value(i).ok().and_then(|v| v.as_object().cloned()).unwrap_or_default();
    let (old, new) = (of(before), of(after));
    let mut out = contract::JsonObject::new();
    let mut previous = contract::JsonObject::new();
    for (key, value) in new {
        if key == "updatedAt" || old.get(&key) == Some(&value) {
            continue;
        }
        // Long text is in the issue; the trail says that it changed.
        let long = matches!(key.as_str(), "description");
        previous
            .insert(key.clone(), if long { true.into() } else { old.get(&key).cloned().unwrap_or_default() });
        out.insert(key, if long { true.into() } else { value });
    }
    if !previous.is_empty() {
        out.insert("_previous".into(), previous.into());
    }
    out
}

impl Engine {
    /// Cancels what is on its way to or at work on an issue. The caller kills after its commit.
    pub(crate) async fn cancel_issue_run(
        &self,
        tx: &mut WriteTx,
        issue: contract::IssueId,
        why: &str,
    ) -> Answer<Vec<Kill>> {
        let Some(run) = store::runs::live_on_issue(tx, issue).await.answer()? else { return Ok(Vec::new()) };
        Ok(self.cancel_run(tx, run, why).await?.into_iter().collect())
    }
}

/// Who a comment is by, unless the board says otherwise.
pub(in crate::service) fn author(caller: &Caller) -> AuthorType {
    match caller.actor {
        crate::Actor::Agent { .. } => AuthorType::Agent,
        crate::Actor::Operator => AuthorType::User,
        _ => AuthorType::System,
    }
}
