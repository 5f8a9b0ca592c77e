//! Reading issues.

use std::sync::Arc;

use contract::document::{CONTINUATION_SUMMARY, PLAN};
use contract::heartbeat::*;
use contract::issue::*;
use contract::operations::*;
use contract::{ApiError, LOCAL_OPERATOR};
use store::SqliteConnection;

use super::super::bounded;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

impl Engine {
    /// Everything the issue's page shows.
    pub(crate) async fn issue_detail(
        &self,
        conn: &mut SqliteConnection,
        issue: Issue,
    ) -> Answer<IssueDetail> {
        let id = issue.id;
        let labels = store::labels::of_issues(conn, &[id]).await.answer()?.remove(&id).unwrap_or_default();
        let documents = store::documents::list(conn, id).await.answer()?;
        let around = store::relations::neighbours(conn, id).await.answer()?;
        let project = match issue.project_id {
            Some(p) => store::planning::project(conn, p).await.answer()?,
            None => None,
        };
        let goal_id = issue.goal_id.or(project.as_ref().and_then(|p| p.goal_id));
        let goal = match goal_id {
            Some(g) => store::planning::goal(conn, g).await.answer()?,
            None => store::planning::default_goal(conn, issue.company_id).await.answer()?,
        };
        // One whose work is done still holds up until its workspace is finalized.
        let blocker_attention = match around.blocked_by.is_empty() {
            true => None,
            false => self.chains(conn, &[id]).await?.attention(id),
        };
        Ok(IssueDetail {
            label_ids: labels.iter().map(|l| l.id).collect(),
            labels,
            ancestors: store::relations::ancestors(conn, &issue).await.answer()?,
            children: around.children,
            blocked_by: around.blocked_by,
            blocks: around.blocks,
            referenced_issue_identifiers: around
                .related
                .outbound
                .iter()
                .filter_map(|r| r.issue.identifier.clone())
                .collect(),
            related_work: around.related,
            plan_document: documents.iter().find(|d| d.summary.key == PLAN).cloned(),
            document_summaries: documents
                .into_iter()
                .map(|d| d.summary)
                .filter(|s| s.key != CONTINUATION_SUMMARY)
                .collect(),
            project,
            goal,
            active_run: store::runs::of_issue(conn, id, true).await.answer()?.into_iter().next(),
            productivity_review: self.productivity_review(conn, id).await?,
            blocker_attention,
            issue,
        })
    }
}

impl Handle<ListIssuesOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListIssues) -> Answer<Vec<IssueRow>> {
        let mut conn = self.store.read().await.answer()?;
        check_filters(caller, &q)?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::issues::list(&mut conn, &q, bounded(q.limit, 500, 1000)).await.answer()
    }
}

impl Handle<CountIssues> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListIssues) -> Answer<IssueCount> {
        let mut conn = self.store.read().await.answer()?;
        check_filters(caller, &q)?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::issues::count(&mut conn, &q).await.answer()
    }
}

/// `me` is the operator; an agent that says it means itself gets told what to say.
fn check_filters(caller: &Caller, q: &ListIssues) -> Answer<()> {
    caller.within(q.company_id)?;
    let me = [&q.assignee_user_id, &q.touched_by_user_id, &q.unread_for_user_id];
    if !caller.is_operator() && me.iter().any(|f| f.as_deref() == Some("me")) {
        return Err(
            ApiError::forbidden("`me` is for the board").with_hint("Agents filter by assigneeAgentId.")
        );
    }
    Ok(())
}

impl Handle<GetIssue> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<IssueDetail> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        self.issue_detail(&mut conn, issue).await
    }
}

impl Handle<GetContext> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: GetHeartbeatContext) -> Answer<HeartbeatContext> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let comment_cursor = store::comments::cursor(&mut conn, issue.id).await.answer()?;
        let wake_comment = match q.wake_comment_id {
            Some(id) => store::comments::get(&mut conn, issue.id, id).await.answer()?,
            None => None,
        };
        let continuation_summary =
            store::documents::get(&mut conn, issue.id, CONTINUATION_SUMMARY).await.answer()?;
        let workspace = self.workspace_of(&mut conn, &issue).await?.filter(|w| w.closed_at.is_none());
        let attachments = self.attachment_briefs(&mut conn, &issue).await?;
        let d = self.issue_detail(&mut conn, issue).await?;
        let i = d.issue;
        Ok(HeartbeatContext {
            issue: HeartbeatContextIssue {
                id: i.id,
                identifier: i.identifier,
                title: i.title,
                description: i.description,
                status: i.status,
                work_mode: i.work_mode,
                priority: i.priority,
                project_id: i.project_id,
                goal_id: d.goal.as_ref().map(|g| g.id),
                parent_id: i.parent_id,
                blocked_by: d.blocked_by,
                blocks: d.blocks,
                assignee_agent_id: i.assignee_agent_id,
                assignee_user_id: i.assignee_user_id,
                origin_kind: i.origin_kind,
                origin_id: i.origin_id,
                productivity_review: d.productivity_review,
                blocker_attention: d.blocker_attention,
                updated_at: i.updated_at,
            },
            ancestors: d.ancestors,
            project: d.project,
            goal: d.goal,
            comment_cursor,
            wake_comment,
            attachments,
            continuation_summary,
            current_execution_workspace: workspace
                .and_then(|w| serde_json::to_value(w).ok()?.as_object().cloned()),
        })
    }
}

impl Handle<MarkRead> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<IssueReadState> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        let id = self.new_id::<uuid::Uuid>().to_string();
        let state = store::issues::mark_read(&mut tx, &issue, LOCAL_OPERATOR, id).await.answer()?;
        tx.commit().await.answer()?;
        Ok(state)
    }
}

impl Handle<MarkUnread> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<IssueReadState> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        let state = store::issues::mark_unread(&mut tx, &issue, LOCAL_OPERATOR).await.answer()?;
        tx.commit().await.answer()?;
        Ok(state)
    }
}
