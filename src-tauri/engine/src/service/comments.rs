//! Comments: what they do to an issue and whom they wake.

use std::sync::Arc;

use contract::comment::*;
use contract::interaction::{InteractionKind, InteractionStatus};
use contract::issue::{Issue, IssueStatus, SortDir};
use contract::operations::*;
use contract::run::InvocationSource;
use contract::{AgentId, ApiError, CompanyId, JsonObject};
use domain::issue::Reopening;
use serde_json::{Value, json};
use store::WriteTx;

use super::bounded;
use super::issues::{author, commenter};
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::wake::Wake;
use crate::{Caller, Engine};

/// A comment about to be written.
pub(crate) struct NewComment {
    pub body: String,
    /// The caller when absent.
    pub author: Option<AuthorType>,
    pub presentation: Option<JsonObject>,
    pub metadata: Option<JsonObject>,
}

impl Handle<ListCommentsOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListComments) -> Answer<Vec<IssueComment>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let order = q.order.unwrap_or(SortDir::Desc);
        store::comments::list(&mut conn, issue.id, q.after, q.before, order, bounded(q.limit, 500, 500))
            .await
            .answer()
    }
}

impl Handle<GetComment> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CommentPath) -> Answer<IssueComment> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        store::comments::get(&mut conn, issue.id, q.comment_id).await.or_missing("Comment")
    }
}

impl Handle<AddCommentOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AddComment) -> Answer<IssueComment> {
        if q.presentation.is_some() || q.metadata.is_some() || q.author_type.is_some() {
            caller.board_only("give a comment an author, a presentation or metadata")?;
        }
        if q.interrupt {
            caller.board_only("interrupt a run")?;
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        self.may_comment(&mut tx, caller, &mut issue).await?;
        if caller.is_operator() {
            self.drop_scheduled(&mut tx, &mut issue).await?;
        }
        let kills = if q.interrupt {
            let kills = self.cancel_issue_run(&mut tx, issue.id, "Interrupted by a comment").await?;
            // What it held is free now.
            issue = store::issues::get(&mut tx, issue.id).await.or_missing("Issue")?;
            kills
        } else {
            Vec::new()
        };
        let blockers = store::relations::unresolved(&mut tx, issue.id).await.answer()?.len();
        let who = commenter(caller, &issue);
        let reopened = match domain::issue::reopening(&issue, who, q.reopen, q.resume, blockers) {
            Reopening::Stays => false,
            Reopening::Reopens => {
                domain::issue::set_status(&mut issue, IssueStatus::Todo, tx.at());
                true
            }
            Reopening::Refused(why) => return Err(ApiError::conflict(why)),
        };
        issue.updated_at = tx.at();
        store::issues::save(&mut tx, &issue).await.answer()?;
        if reopened {
            self.fold_recovery(&mut tx, &issue).await?;
        }
        let new = NewComment {
            body: q.body.into_string(),
            author: q.author_type,
            presentation: q.presentation,
            metadata: q.metadata,
        };
        let (comment, wakes) = self.add_comment(&mut tx, caller, &issue, new, reopened).await?;
        self.wake_all(&mut tx, caller, wakes).await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(comment)
    }
}

impl Engine {
    /// An agent may speak where it was called: on its own issues, and where its run was woken by a mention.
    pub(super) async fn may_comment(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &mut Issue,
    ) -> Answer<()> {
        if let Some(run) = caller.run_id()
            && let Some(run) = store::runs::get(tx, run).await.answer()?
            && run.issue_id == Some(issue.id)
        {
            return Ok(());
        }
        self.may_mutate(tx, caller, issue).await
    }

    /// Writes a comment. Answers it with the wakes that it brings.
    pub(crate) async fn add_comment(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        new: NewComment,
        reopened: bool,
    ) -> Answer<(IssueComment, Vec<Wake>)> {
        let author_type = new.author.unwrap_or_else(|| author(caller));
        let comment = IssueComment {
            id: self.new_id(),
            company_id: issue.company_id,
            issue_id: issue.id,
            author_type,
            author_agent_id: caller.agent_id(),
            author_user_id: if author_type == AuthorType::User { caller.user_id() } else { None },
            created_by_run_id: caller.run_id(),
            body: new.body,
            presentation: new.presentation,
            metadata: new.metadata,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::comments::create(tx, &comment).await.answer()?;
        self.note_mentions(tx, issue, "comment", &comment.id.to_string(), &comment.body).await?;
        let snippet: String = comment.body.chars().take(200).collect();
        let details = json!({ "commentId": comment.id, "bodySnippet": snippet, "reopened": reopened });
        self.log_issue(tx, caller, issue, "issue.comment_added", details).await?;
        if author_type == AuthorType::System {
            return Ok((comment, Vec::new()));
        }
        if caller.is_operator() {
            self.supersede_confirmations(tx, issue, &comment).await?;
        }
        let wakes = self.wakes_of_comment(tx, issue, &comment, reopened).await?;
        Ok((comment, wakes))
    }

    async fn wakes_of_comment(
        &self,
        tx: &mut WriteTx,
        issue: &Issue,
        comment: &IssueComment,
        reopened: bool,
    ) -> Answer<Vec<Wake>> {
        let mut wakes = Vec::new();
        let about = |agent, reason: &str| {
            Wake::about(issue, agent, InvocationSource::Automation, reason)
                .with("commentId", comment.id.to_string())
                .with("mutation", "comment")
        };
        let open = !issue.status.is_terminal();
        if let Some(agent) = issue.assignee_agent_id
            && (open || reopened)
        {
            let reason = if reopened { "issue_reopened_via_comment" } else { "issue_commented" };
            wakes.push(about(agent, reason));
        }
        for agent in self.mentioned(tx, issue.company_id, &comment.body).await? {
            if Some(agent) != issue.assignee_agent_id && Some(agent) != comment.author_agent_id {
                wakes.push(about(agent, "issue_comment_mentioned"));
            }
        }
        Ok(wakes)
    }

    /// Agents of a company that a text mentions.
    pub(super) async fn mentioned(
        &self,
        tx: &mut WriteTx,
        company: CompanyId,
        text: &str,
    ) -> Answer<Vec<AgentId>> {
        if !domain::reference::may_mention(text) {
            return Ok(Vec::new());
        }
        let agents = store::agents::names(tx, company).await.answer()?;
        let names = agents.iter().map(|a| (a.id, a.name.as_str(), a.url_key.as_str()));
        Ok(domain::reference::mentions(text, names))
    }

    /// Confirmations that said so are void once the operator has something else to say.
    async fn supersede_confirmations(
        &self,
        tx: &mut WriteTx,
        issue: &Issue,
        comment: &IssueComment,
    ) -> Answer<()> {
        for mut card in store::interactions::pending(tx, issue.id).await.answer()? {
            let wants = card.payload.get("supersedeOnUserComment").and_then(Value::as_bool) == Some(true);
            if card.kind != InteractionKind::RequestConfirmation || !wants {
                continue;
            }
            card.status = InteractionStatus::Expired;
            card.resolved_at = Some(tx.at());
            card.updated_at = tx.at();
            let result = json!({ "version": 1, "outcome": "superseded_by_comment", "commentId": comment.id });
            card.result = result.as_object().cloned();
            store::interactions::save(tx, &card).await.answer()?;
        }
        Ok(())
    }
}
