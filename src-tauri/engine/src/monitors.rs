//! Issues that are looked at again at a set time.

use std::sync::Arc;
use std::time::Duration;

use contract::agent::AgentStatus;
use contract::company::CompanyStatus;
use contract::execution::*;
use contract::issue::{CreateIssue, Issue, IssuePath, IssuePriority, IssueStatus};
use contract::operations::CheckMonitorNow;
use contract::run::InvocationSource;
use contract::text::Title;
use contract::{ApiError, Done, IssueId};
use domain::monitor::{Due, due, misplaced};
use serde_json::json;
use store::WriteTx;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::service::{NewComment, keep_policy, object, policy_of, state_of};
use crate::wake::{DEFERRED, Wake, Woken};
use crate::{Caller, Engine};

/// How soon what is due is tried again while it is paused.
const TRY_AGAIN: Duration = Duration::from_secs(5 * 60);
/// Issues looked at in one go.
const AT_ONCE: i64 = 50;

impl Handle<CheckMonitorNow> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Done> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        may_manage(caller, &issue)?;
        if issue.monitor_next_check_at.is_none() {
            return Err(ApiError::unprocessable("The issue is not set to be looked at again"));
        }
        self.look_at(&mut tx, issue.id, true).await?;
        tx.commit().await.answer()?;
        Ok(Done::OK)
    }
}

/// The operator, and the agent whose issue it is.
fn may_manage(caller: &Caller, issue: &Issue) -> Answer<()> {
    match caller.agent_id() {
        Some(id) if issue.assignee_agent_id != Some(id) => Err(ApiError::forbidden(
            "Only the assignee or the board may set when an issue is looked at again",
        )),
        _ => Ok(()),
    }
}

impl Engine {
    /// Looks at the issues whose time has come.
    pub(crate) async fn look_at_due(&self) -> Answer<()> {
        if self.settings().paused_at.is_some() {
            return Ok(());
        }
        let due = {
            let mut conn = self.store.read().await.answer()?;
            store::decisions::to_look_at(&mut conn, self.now(), AT_ONCE).await.answer()?
        };
        for issue in due {
            let mut tx = self.store.write(self.now()).await.answer()?;
            self.look_at(&mut tx, issue.id, false).await?;
            tx.commit().await.answer()?;
        }
        Ok(())
    }

    /// Sets, keeps or takes away the time at which an issue is looked at again. Answers whether one was set.
    pub(crate) fn apply_monitor(
        &self,
        tx: &WriteTx,
        caller: &Caller,
        i: &mut Issue,
        wanted: Option<MonitorPolicy>,
    ) -> Answer<bool> {
        let mut state = state_of(i).unwrap_or(ExecutionState::idle());
        let before = state.monitor.clone();
        let scheduled = before.as_ref().is_some_and(|m| m.status == MonitorStatus::Scheduled);
        let Some(m) = wanted else {
            if scheduled {
                may_manage(caller, i)?;
                clear(i, MonitorCleared::Manual, tx);
            }
            return Ok(false);
        };
        may_manage(caller, i)?;
        let by = if caller.agent().is_some() { "assignee" } else { "board" };
        state.monitor = Some(MonitorState {
            status: MonitorStatus::Scheduled,
            next_check_at: Some(m.next_check_at),
            last_triggered_at: before.as_ref().and_then(|b| b.last_triggered_at),
            attempt_count: before.as_ref().map_or(0, |b| b.attempt_count),
            notes: m.notes.map(|n| n.into_string()),
            scheduled_by: Some(by.to_owned()),
            kind: m.kind,
            service_name: m.service_name.map(|n| n.into_string()),
            external_ref: m.external_ref.map(|n| n.into_string()),
            timeout_at: m.timeout_at,
            max_attempts: m.max_attempts,
            recovery_policy: m.recovery_policy,
            cleared_at: None,
            clear_reason: None,
        });
        i.monitor_next_check_at = Some(m.next_check_at);
        i.monitor_notes = state.monitor.as_ref().and_then(|m| m.notes.clone());
        i.monitor_scheduled_by = Some(by.to_owned());
        i.execution_state = object(state);
        Ok(true)
    }

    /// Refuses a time that was just set where it has no place, and takes away one that has none any more.
    pub(crate) fn settle_monitor(&self, tx: &WriteTx, i: &mut Issue, just_set: bool) -> Answer<()> {
        if just_set
            && let Some(policy) = policy_of(i).and_then(|p| p.monitor)
            && let Some(state) = state_of(i).and_then(|s| s.monitor)
            && let Some(why) = domain::monitor::refuse(i, &policy, state.attempt_count, tx.at())
        {
            return Err(ApiError::unprocessable(why));
        }
        if i.monitor_next_check_at.is_some()
            && let Some(why) = misplaced(i)
        {
            clear(i, why, tx);
        }
        Ok(())
    }

    async fn look_at(&self, tx: &mut WriteTx, id: IssueId, by_hand: bool) -> Answer<()> {
        let mut i = store::issues::get(tx, id).await.or_missing("Issue")?;
        let Some(m) = state_of(&i).and_then(|s| s.monitor) else {
            i.monitor_next_check_at = None;
            return store::issues::save(tx, &i).await.answer();
        };
        match due(&i, &m, tx.at(), by_hand) {
            Due::NotYet => Ok(()),
            Due::Clear(why) => {
                clear(&mut i, why, tx);
                store::issues::save(tx, &i).await.answer()
            }
            Due::Fire if self.rests(tx, &i).await? => {
                let why = "The issue's tree, its agent or its company is paused";
                if by_hand {
                    return Err(ApiError::conflict(why).with_hint("Resume it, then look."));
                }
                self.postpone(tx, i).await
            }
            Due::Fire => self.fire(tx, i, m).await,
            Due::Exhausted(why, recovery) => {
                clear(&mut i, why, tx);
                store::issues::save(tx, &i).await.answer()?;
                let details = json!({ "reason": why, "recoveryPolicy": recovery });
                self.log_issue(tx, &Caller::system(), &i, "issue.monitor_exhausted", details).await?;
                self.recover_monitor(tx, i, &m, recovery).await
            }
        }
    }

    /// Whether somebody paused what the issue stands in: its time comes when that is over.
    async fn rests(&self, tx: &mut WriteTx, i: &Issue) -> Answer<bool> {
        if self.settings().paused_at.is_some() || store::trees::is_paused(tx, Some(i.id)).await.answer()? {
            return Ok(true);
        }
        let company = store::companies::get(tx, i.company_id).await.or_missing("Company")?;
        let agent = match i.assignee_agent_id {
            Some(id) => store::agents::get(tx, id).await.answer()?,
            None => None,
        };
        let paused =
            agent.is_some_and(|a| matches!(a.status, AgentStatus::Paused | AgentStatus::PendingApproval));
        Ok(paused || company.status == CompanyStatus::Paused)
    }

    async fn postpone(&self, tx: &mut WriteTx, mut i: Issue) -> Answer<()> {
        let later = tx.at().plus(TRY_AGAIN);
        let mut state = state_of(&i).unwrap_or(ExecutionState::idle());
        if let Some(m) = state.monitor.as_mut() {
            m.next_check_at = Some(later);
        }
        i.execution_state = object(state);
        if let Some(mut policy) = policy_of(&i) {
            if let Some(m) = policy.monitor.as_mut() {
                m.next_check_at = later;
            }
            keep_policy(&mut i, policy);
        }
        i.monitor_next_check_at = Some(later);
        store::issues::save(tx, &i).await.answer()
    }

    async fn fire(&self, tx: &mut WriteTx, mut i: Issue, m: MonitorState) -> Answer<()> {
        let Some(agent) = i.assignee_agent_id else { return Ok(()) };
        let at = m.next_check_at.unwrap_or(tx.at());
        let attempt = m.attempt_count + 1;
        let notes = m.notes.clone();
        put(&mut i, |s| {
            *s = MonitorState {
                status: MonitorStatus::Triggered,
                next_check_at: None,
                last_triggered_at: Some(tx.at()),
                attempt_count: attempt,
                ..m
            };
        });
        i.monitor_last_triggered_at = Some(tx.at());
        i.monitor_attempt_count = attempt;
        store::issues::save(tx, &i).await.answer()?;
        let details = json!({ "attempt": attempt, "notes": notes });
        self.log_issue(tx, &Caller::system(), &i, "issue.monitor_triggered", details).await?;
        let mut wake = Wake::about(&i, agent, InvocationSource::Automation, "issue_monitor_due")
            .with("monitorAttempt", attempt)
            .with("monitorNotes", notes.unwrap_or_default());
        wake.idempotency_key = Some(format!("issue-monitor:{}:{at}", i.id));
        match self.wake(tx, &Caller::system(), wake).await? {
            Woken::Run(_) => {}
            // It follows the run that is at work.
            Woken::Nothing(s) if s.reason == DEFERRED => {}
            _ => {
                clear(&mut i, MonitorCleared::DispatchSkipped, tx);
                store::issues::save(tx, &i).await.answer()?;
            }
        }
        Ok(())
    }

    /// The last try is over: somebody is told, as was asked for.
    async fn recover_monitor(
        &self,
        tx: &mut WriteTx,
        mut i: Issue,
        m: &MonitorState,
        recovery: MonitorRecovery,
    ) -> Answer<()> {
        let caller = Caller::system();
        let what =
            m.notes.clone().filter(|n| !n.trim().is_empty()).unwrap_or_else(|| "what it waits for".into());
        match recovery {
            MonitorRecovery::WakeOwner => {
                let Some(agent) = i.assignee_agent_id else { return Ok(()) };
                let mut wake = Wake::about(&i, agent, InvocationSource::Automation, "issue_monitor_recovery");
                domain::context::put_on_the_cheap_lane(&mut wake.payload);
                self.wake_all(tx, &caller, vec![wake]).await
            }
            MonitorRecovery::CreateRecoveryIssue => {
                let title = format!("{} has looked in vain: {what}", i.display_key());
                let title: String = title.chars().take(300).collect();
                let Ok(title) = Title::new(title) else { return Ok(()) };
                let mut new = CreateIssue::titled(i.company_id, title);
                new.parent_id = Some(i.id);
                new.priority = Some(IssuePriority::High);
                new.status = Some(IssueStatus::Todo);
                new.assignee_agent_id = i.assignee_agent_id.map(Into::into);
                new.project_id = i.project_id;
                self.create_issue(tx, &caller, new).await.map(drop)
            }
            MonitorRecovery::EscalateToBoard => {
                domain::issue::set_status(&mut i, IssueStatus::Blocked, tx.at());
                i.updated_at = tx.at();
                store::issues::save(tx, &i).await.answer()?;
                let body = format!("Looked {} times in vain for: {what}. It needs you.", m.attempt_count);
                let new = NewComment { body, author: None, presentation: None, metadata: None };
                self.add_comment(tx, &caller, &i, new, false).await.map(drop)
            }
        }
    }
}

fn put(i: &mut Issue, change: impl FnOnce(&mut MonitorState)) {
    let mut state = state_of(i).unwrap_or(ExecutionState::idle());
    if let Some(m) = state.monitor.as_mut() {
        change(m);
    }
    i.monitor_next_check_at = None;
    i.execution_state = object(state);
    if let Some(mut policy) = policy_of(i) {
        policy.monitor = None;
        keep_policy(i, policy);
    }
}

fn clear(i: &mut Issue, why: MonitorCleared, tx: &WriteTx) {
    let at = tx.at();
    put(i, |m| {
        m.status = MonitorStatus::Cleared;
        m.next_check_at = None;
        m.cleared_at = Some(at);
        m.clear_reason = Some(why);
    });
    i.monitor_scheduled_by = None;
}

#[cfg(test)]
mod tests;
