//! Creating and deleting issues.

use std::sync::Arc;

use contract::child::{CreateChildIssue, PlannedChild};
use contract::issue::*;
use contract::operations::*;
use contract::run::InvocationSource;
use contract::text::Prose;
use contract::{ApiError, IssueId, Text};
use serde_json::json;
use store::WriteTx;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::wake::Wake;
use crate::{Caller, Engine};

impl Handle<CreateIssueOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateIssue) -> Answer<IssueDetail> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.create_issue(&mut tx, caller, q).await?;
        let detail = self.issue_detail(&mut tx, issue).await?;
        tx.commit().await.answer()?;
        Ok(detail)
    }
}

/// What an issue came from.
pub(crate) struct Origin {
    pub kind: &'static str,
    pub id: Option<String>,
    pub fingerprint: String,
}

impl Origin {
    pub fn of(kind: &'static str, id: String) -> Self {
        Self { kind, id: Some(id), ..Self::default() }
    }
}

impl Default for Origin {
    /// Somebody made it.
    fn default() -> Self {
        Self { kind: "manual", id: None, fingerprint: "default".to_owned() }
    }
}

/// Acceptance criteria of one issue.
const MOST_CRITERIA: usize = 20;

impl Handle<CreateChild> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateChildIssue) -> Answer<IssueDetail> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut parent = self.issue(&mut tx, caller, &q.id).await?;
        if q.block_parent_until_done {
            self.may_mutate(&mut tx, caller, &mut parent).await?;
        }
        let child = self.create_child(&mut tx, caller, &parent, q.child()).await?;
        let detail = self.issue_detail(&mut tx, child).await?;
        tx.commit().await.answer()?;
        Ok(detail)
    }
}

/// A child as an issue of its own, with what it takes from its parent.
fn below(parent: &Issue, q: PlannedChild) -> Answer<CreateIssue> {
    if q.acceptance_criteria.len() > MOST_CRITERIA {
        return Err(ApiError::invalid(format!("acceptanceCriteria: {MOST_CRITERIA} at the most")));
    }
    Ok(CreateIssue {
        company_id: parent.company_id,
        title: q.title,
        description: with_criteria(q.description, &q.acceptance_criteria)?,
        status: q.status,
        work_mode: q.work_mode,
        priority: q.priority,
        project_id: q.project_id.or(parent.project_id),
        project_workspace_id: q.project_workspace_id.or_else(|| parent.project_workspace_id.clone()),
        goal_id: q.goal_id.or(parent.goal_id),
        parent_id: Some(parent.id),
        blocked_by_issue_ids: q.blocked_by_issue_ids,
        inherit_execution_workspace_from_issue_id: None,
        assignee_agent_id: q.assignee_agent_id,
        assignee_user_id: q.assignee_user_id,
        request_depth: Some(q.request_depth.unwrap_or(0).max(parent.request_depth.saturating_add(1))),
        billing_code: q.billing_code.or_else(|| parent.billing_code.clone().and_then(|b| Text::new(b).ok())),
        assignee_adapter_overrides: q.assignee_adapter_overrides,
        execution_policy: q.execution_policy,
        execution_workspace_id: q.execution_workspace_id,
        execution_workspace_preference: q.execution_workspace_preference,
        execution_workspace_settings: q.execution_workspace_settings,
        label_ids: q.label_ids,
    })
}

/// A description with what must hold for the work to be done.
fn with_criteria(description: Option<Prose>, criteria: &[Text<1, 500>]) -> Answer<Option<Prose>> {
    if criteria.is_empty() {
        return Ok(description);
    }
    let list: String = criteria.iter().map(|c| format!("\n- {}", c.trim())).collect();
    let text = description.map(|d| format!("{}\n\n", d.trim_end())).unwrap_or_default();
    Prose::new(format!("{text}## Acceptance criteria\n{list}"))
        .map(Some)
        .map_err(|e| ApiError::invalid(format!("description: {e}")))
}

/// How and where an issue's agent is started is for the board, when it is created as when it is changed.
pub(super) fn may_set_execution(caller: &Caller, set: bool) -> Answer<()> {
    if set { caller.board_only("change how an issue is executed") } else { Ok(()) }
}

/// Refuses workspace settings of a wrong shape.
pub(super) fn check_settings(settings: Option<&contract::JsonObject>) -> Answer<()> {
    let Some(settings) = settings else { return Ok(()) };
    domain::workspace::check(settings)
        .map_err(|why| ApiError::unprocessable(format!("executionWorkspaceSettings: {why}")))
}

impl Engine {
    /// Creates an issue below another one, for which that one waits if it is asked to.
    pub(in crate::service) async fn create_child(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        parent: &Issue,
        q: PlannedChild,
    ) -> Answer<Issue> {
        let waits = q.block_parent_until_done;
        let child = self.create_issue(tx, caller, below(parent, q)?).await?;
        if waits {
            self.add_blocker(tx, caller, parent, child.id).await?;
            let details = json!({ "addedBlockedByIssueId": child.id });
            self.log_issue(tx, caller, parent, "issue.blockers_updated", details).await?;
        }
        Ok(child)
    }

    /// Creates an issue within a transaction and wakes its agent.
    pub(crate) async fn create_issue(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        q: CreateIssue,
    ) -> Answer<Issue> {
        self.create_issue_from(tx, caller, q, Origin::default()).await
    }

    /// The same for one that the program itself makes, with what it came from.
    pub(crate) async fn create_issue_from(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        q: CreateIssue,
        origin: Origin,
    ) -> Answer<Issue> {
        self.company(tx, caller, q.company_id).await?;
        self.check_place(tx, &q).await?;
        may_set_execution(
            caller,
            q.assignee_adapter_overrides.is_some() || q.execution_workspace_settings.is_some(),
        )?;
        check_settings(q.execution_workspace_settings.as_ref())?;
        if q.assignee_agent_id.is_some() && q.assignee_user_id.is_some() {
            return Err(ApiError::unprocessable("An issue has one assignee: an agent or a user"));
        }
        let agent = match &q.assignee_agent_id {
            Some(r) => Some(self.assignee(tx, caller, q.company_id, r, None).await?),
            None => None,
        };
        let assigned = q.assignee_agent_id.is_some() || q.assignee_user_id.is_some();
        let status = domain::issue::initial_status(q.status, assigned);
        if status == IssueStatus::InProgress && !assigned {
            return Err(ApiError::unprocessable("An issue in progress needs an assignee"));
        }
        let (prefix, number) = store::companies::next_issue_number(tx, q.company_id).await.answer()?;
        let mut issue = domain::issue::new(self.new_id(), q.company_id, q.title.into_string(), tx.at());
        issue.project_id = q.project_id;
        issue.project_workspace_id = q.project_workspace_id;
        issue.goal_id = q.goal_id;
        issue.parent_id = q.parent_id;
        issue.description = q.description.map(|d| d.into_string()).filter(|d| !d.is_empty());
        issue.work_mode = q.work_mode.unwrap_or(issue.work_mode);
        issue.priority = q.priority.unwrap_or(issue.priority);
        issue.assignee_agent_id = agent;
        issue.assignee_user_id = q.assignee_user_id.map(|u| u.into_string());
        issue.created_by_agent_id = caller.agent_id();
        issue.created_by_user_id = caller.user_id();
        issue.issue_number = Some(number);
        issue.identifier = Some(format!("{prefix}-{number}"));
        issue.origin_kind = origin.kind.to_owned();
        issue.origin_id = origin.id;
        issue.origin_fingerprint = origin.fingerprint;
        issue.origin_run_id = caller.run_id().map(|r| r.to_string());
        issue.request_depth = q.request_depth.unwrap_or(0).max(0);
        issue.billing_code = q.billing_code.map(|b| b.into_string());
        issue.assignee_adapter_overrides = q.assignee_adapter_overrides;
        issue.execution_workspace_id = q.execution_workspace_id;
        issue.execution_workspace_preference = q.execution_workspace_preference;
        if let Some(from) = q.inherit_execution_workspace_from_issue_id {
            self.inherit_workspace(tx, &mut issue, from).await?;
        }
        issue.execution_workspace_settings = q.execution_workspace_settings;
        domain::issue::set_status(&mut issue, status, tx.at());
        if let Some(policy) = q.execution_policy {
            let set = self.apply_policy(tx, caller, &mut issue, &contract::Patch::Set(policy)).await?;
            self.settle_monitor(tx, &mut issue, set)?;
        }
        store::issues::create(tx, &issue).await.answer()?;
        if let Some(labels) = &q.label_ids {
            self.set_labels(tx, &issue, labels).await?;
        }
        if let Some(blockers) = &q.blocked_by_issue_ids {
            self.set_blockers(tx, caller, &issue, blockers).await?;
        }
        self.note_own_mentions(tx, &issue).await?;
        self.log_issue(tx, caller, &issue, "issue.created", json!({ "status": issue.status })).await?;
        if let Some(agent) = issue.assignee_agent_id
            && issue.status != IssueStatus::Backlog
            && !issue.status.is_terminal()
        {
            let mut wake = Wake::about(&issue, agent, InvocationSource::Assignment, "issue_assigned")
                .with("mutation", "create");
            if issue.origin_kind == domain::productivity::REVIEW {
                // Looked at and said, not worked on.
                domain::context::put_on_the_cheap_lane(&mut wake.payload);
            }
            self.wake_all(tx, caller, vec![wake]).await?;
        }
        Ok(issue)
    }

    /// The new issue is worked on where another one is.
    async fn inherit_workspace(&self, tx: &mut WriteTx, issue: &mut Issue, from: IssueId) -> Answer<()> {
        let from = store::issues::get(tx, from).await.answer()?;
        let Some(from) = from.filter(|f| f.company_id == issue.company_id) else {
            return Err(ApiError::unprocessable(
                "inheritExecutionWorkspaceFromIssueId names no issue of this company",
            ));
        };
        issue.project_id = issue.project_id.or(from.project_id);
        issue.execution_workspace_id = from.execution_workspace_id;
        issue.execution_workspace_preference = Some("reuse_existing".to_owned());
        Ok(())
    }

    async fn check_place(&self, tx: &mut WriteTx, q: &CreateIssue) -> Answer<()> {
        let parent = match q.parent_id {
            Some(id) => store::issues::get(tx, id).await.answer()?.filter(|p| p.company_id == q.company_id),
            None => None,
        };
        if q.parent_id.is_some() && parent.is_none() {
            return Err(ApiError::unprocessable("parentId names no issue of this company"));
        }
        if let Some(project) = q.project_id {
            let project = store::planning::project(tx, project).await.answer()?;
            let Some(project) = project.filter(|p| p.company_id == q.company_id) else {
                return Err(ApiError::unprocessable("projectId names no project of this company"));
            };
            // What is begun there already may still fall into parts.
            let goes_on = parent.is_some_and(|p| p.project_id == Some(project.id));
            if project.archived_at.is_some() && !goes_on {
                return Err(ApiError::unprocessable(format!("The project {} is archived", project.name))
                    .with_hint("Open it again, or choose another project."));
            }
        }
        if let Some(goal) = q.goal_id {
            let goal = store::planning::goal(tx, goal).await.answer()?;
            if goal.is_none_or(|g| g.company_id != q.company_id) {
                return Err(ApiError::unprocessable("goalId names no goal of this company"));
            }
        }
        Ok(())
    }

    pub(super) async fn set_labels(
        &self,
        tx: &mut WriteTx,
        issue: &Issue,
        labels: &[contract::LabelId],
    ) -> Answer<()> {
        if store::labels::set(tx, issue.company_id, issue.id, labels).await.answer()? {
            Ok(())
        } else {
            Err(ApiError::unprocessable("labelIds names a label that is not of this company"))
        }
    }

    pub(super) async fn note_own_mentions(&self, tx: &mut WriteTx, issue: &Issue) -> Answer<()> {
        let text = format!("{}\n{}", issue.title, issue.description.as_deref().unwrap_or(""));
        self.note_mentions(tx, issue, "issue", &issue.id.to_string(), &text).await
    }
}

impl Handle<DeleteIssue> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Issue> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        refuse_while_live(&mut tx, issue.id).await?;
        self.log_issue(&mut tx, caller, &issue, "issue.deleted", json!({})).await?;
        store::issues::delete(&mut tx, &issue).await.answer()?;
        tx.commit().await.answer()?;
        Ok(issue)
    }
}

async fn refuse_while_live(tx: &mut WriteTx, issue: IssueId) -> Answer<()> {
    match store::runs::live_on_issue(tx, issue).await.answer()? {
        None => Ok(()),
        Some(run) => Err(ApiError::conflict("A run is live on this issue")
            .with_details(json!({ "runId": run.id, "status": run.status }))
            .with_hint("Stop the run first, or cancel the issue instead of deleting it.")),
    }
}
