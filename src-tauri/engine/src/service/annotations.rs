//! Threads about a piece of a document's text: who says what there, and whom that wakes.

mod anchors;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use contract::annotation::{AnchorConfidence, AnchorReason, AnchorSelector, AnchorState};
use contract::document::IssueDocument;
use contract::document_annotation::*;
use contract::issue::{Issue, IssueStatus};
use contract::operations::*;
use contract::run::InvocationSource;
use contract::{AnnotationThreadId, ApiError, DocumentId, IssueRef};
use serde_json::json;
use store::{SqliteConnection, WriteTx};

use self::anchors::{Base, Selection};
use super::documents::refuse_locked;
use super::issues::author;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::wake::Wake;
use crate::{Caller, Engine};

/// Open threads that a document may have: each is followed in every save of it, while all other writes wait.
const MOST_OPEN: i64 = 2000;
/// How much of a comment the trail of what happened tells, in characters.
const SNIPPET: usize = 200;

impl Handle<ListAnnotationsOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: ListAnnotations,
    ) -> Answer<Vec<DocumentAnnotationThread>> {
        let mut conn = self.store.read().await.answer()?;
        let document = self.document_id(&mut conn, caller, &q.id, q.key.as_str()).await?;
        let filter = q.status.unwrap_or(ThreadFilter::Open);
        self.threads_of(&mut conn, document, filter, q.include_comments).await
    }
}

impl Handle<GetAnnotation> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: AnnotationPath,
    ) -> Answer<DocumentAnnotationThread> {
        let mut conn = self.store.read().await.answer()?;
        let document = self.document_id(&mut conn, caller, &q.id, q.key.as_str()).await?;
        let thread = thread(&mut conn, document, q.thread_id).await?;
        let comments = store::annotations::comments(&mut conn, &[thread.id]).await.answer()?;
        Ok(DocumentAnnotationThread::new(thread, Some(comments.into_values().flatten().collect())))
    }
}

impl Handle<ListAnchorSnapshots> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: AnnotationPath,
    ) -> Answer<Vec<AnchorRemapSnapshot>> {
        let mut conn = self.store.read().await.answer()?;
        let document = self.document_id(&mut conn, caller, &q.id, q.key.as_str()).await?;
        let thread = thread(&mut conn, document, q.thread_id).await?;
        store::annotations::snapshots(&mut conn, thread.id).await.answer()
    }
}

impl Handle<CreateAnnotationOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: CreateAnnotation,
    ) -> Answer<DocumentAnnotationThread> {
        let base = Base { id: q.base_revision_id, number: q.base_revision_number };
        let selection = Selection::of(q.selector, q.range)?;
        let selector = self.selector(caller, &q.id, q.key.as_str(), base, selection).await?;
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        self.may_annotate(&mut tx, caller, &mut issue).await?;
        // Read again: somebody may have written meanwhile.
        let document = base.newest(&mut tx, issue.id, q.key.as_str()).await?;
        self.may_open_one_more(&mut tx, document.summary.id).await?;
        let thread = self.new_thread(&tx, caller, &document, base, selector);
        store::annotations::create(&mut tx, &thread).await.answer()?;
        let action = "issue.document_annotation_created";
        let comment = self.say(&mut tx, caller, &mut issue, &thread, q.body.into_string(), action).await?;
        tx.commit().await.answer()?;
        Ok(DocumentAnnotationThread::new(thread, Some(vec![comment])))
    }
}

impl Handle<ReplyToAnnotationOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ReplyToAnnotation) -> Answer<AnnotationComment> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        let thread = thread_at(&mut tx, &issue, q.key.as_str(), q.thread_id).await?;
        self.may_annotate(&mut tx, caller, &mut issue).await?;
        let action = "issue.document_annotation_replied";
        let comment = self.say(&mut tx, caller, &mut issue, &thread, q.body.into_string(), action).await?;
        tx.commit().await.answer()?;
        Ok(comment)
    }
}

impl Handle<UpdateAnnotationOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: UpdateAnnotation,
    ) -> Answer<DocumentAnnotationThread> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        let mut thread = thread_at(&mut tx, &issue, q.key.as_str(), q.thread_id).await?;
        self.may_annotate(&mut tx, caller, &mut issue).await?;
        let action = match q.status.filter(|s| *s != thread.status) {
            None => return Ok(DocumentAnnotationThread::new(thread, None)),
            Some(ThreadStatus::Resolved) => {
                thread.resolved_by_agent_id = caller.agent_id();
                thread.resolved_by_user_id = caller.user_id();
                thread.resolved_at = Some(tx.at());
                thread.status = ThreadStatus::Resolved;
                "issue.document_annotation_resolved"
            }
            Some(ThreadStatus::Open) => {
                self.may_open_one_more(&mut tx, thread.document_id).await?;
                thread.resolved_by_agent_id = None;
                thread.resolved_by_user_id = None;
                thread.resolved_at = None;
                thread.status = ThreadStatus::Open;
                let document =
                    store::documents::get(&mut tx, issue.id, q.key.as_str()).await.or_missing("Document")?;
                self.catch_up(&mut tx, &mut thread, document).await?;
                "issue.document_annotation_reopened"
            }
        };
        thread.updated_at = tx.at();
        store::annotations::save(&mut tx, &thread).await.answer()?;
        self.note_change(&mut tx, caller, &mut issue, &thread, action).await?;
        tx.commit().await.answer()?;
        Ok(DocumentAnnotationThread::new(thread, None))
    }
}

impl Handle<AttachAnnotationOp> for Engine {
    async fn handle(
        self: &Arc<Self>,
        caller: &Caller,
        q: AttachAnnotation,
    ) -> Answer<DocumentAnnotationThread> {
        let base = Base { id: q.base_revision_id, number: q.base_revision_number };
        let selection = Selection::of(q.selector, q.range)?;
        let selector = self.selector(caller, &q.id, q.key.as_str(), base, selection).await?;
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        self.may_mutate(&mut tx, caller, &mut issue).await?;
        self.may_deliver(&mut tx, caller).await?;
        let document = base.newest(&mut tx, issue.id, q.key.as_str()).await?;
        refuse_locked(caller, &document)?;
        let mut thread = thread(&mut tx, document.summary.id, q.thread_id).await?;
        self.attach(&mut tx, &mut thread, base, selector).await?;
        let action = "issue.document_annotation_attached";
        self.note_change(&mut tx, caller, &mut issue, &thread, action).await?;
        tx.commit().await.answer()?;
        Ok(DocumentAnnotationThread::new(thread, None))
    }
}

async fn thread(
    conn: &mut SqliteConnection,
    document: DocumentId,
    id: AnnotationThreadId,
) -> Answer<AnnotationThread> {
    store::annotations::thread(conn, document, id).await.or_missing("Annotation thread")
}

async fn thread_at(
    conn: &mut SqliteConnection,
    issue: &Issue,
    key: &str,
    id: AnnotationThreadId,
) -> Answer<AnnotationThread> {
    let document = store::documents::id_of(conn, issue.id, key).await.or_missing("Document")?;
    thread(conn, document, id).await
}

impl Engine {
    async fn document_id(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        issue: &IssueRef,
        key: &str,
    ) -> Answer<DocumentId> {
        let issue = self.issue(conn, caller, issue).await?;
        store::documents::id_of(conn, issue.id, key).await.or_missing("Document")
    }

    /// The threads of a document in the order of their places, those that have lost theirs at the end.
    pub(super) async fn threads_of(
        &self,
        conn: &mut SqliteConnection,
        document: DocumentId,
        filter: ThreadFilter,
        with_comments: bool,
    ) -> Answer<Vec<DocumentAnnotationThread>> {
        let mut threads = store::annotations::threads(conn, document, filter).await.answer()?;
        // They come oldest first, and stay so at the same place.
        threads.sort_by_key(|t| {
            let at = t.anchor_selector.position;
            (t.anchor_state == AnchorState::Orphaned, at.markdown_start, at.markdown_end)
        });
        if !with_comments {
            return Ok(threads.into_iter().map(|t| DocumentAnnotationThread::new(t, None)).collect());
        }
        let ids: Vec<AnnotationThreadId> = threads.iter().map(|t| t.id).collect();
        let mut comments = store::annotations::comments(conn, &ids).await.answer()?;
        let with = |t: AnnotationThread| {
            let comments = comments.remove(&t.id).unwrap_or_default();
            DocumentAnnotationThread::new(t, Some(comments))
        };
        Ok(threads.into_iter().map(with).collect())
    }

    /// Who may comment on the issue may speak about its documents, unless the run is only to say what becomes of it.
    async fn may_annotate(&self, tx: &mut WriteTx, caller: &Caller, issue: &mut Issue) -> Answer<()> {
        self.may_comment(tx, caller, issue).await?;
        self.may_deliver(tx, caller).await
    }

    async fn may_open_one_more(&self, tx: &mut WriteTx, document: DocumentId) -> Answer<()> {
        if store::annotations::open_count(tx, document).await.answer()? < MOST_OPEN {
            return Ok(());
        }
        Err(ApiError::conflict(format!(
            "This document has {MOST_OPEN} open threads, as many as there may be"
        ))
        .with_hint("Resolve those that are settled."))
    }

    fn new_thread(
        &self,
        tx: &WriteTx,
        caller: &Caller,
        document: &IssueDocument,
        base: Base,
        selector: AnchorSelector,
    ) -> AnnotationThread {
        let d = &document.summary;
        AnnotationThread {
            id: self.new_id(),
            company_id: d.company_id,
            issue_id: d.issue_id,
            document_id: d.id,
            document_key: d.key.clone(),
            status: ThreadStatus::Open,
            anchor_state: AnchorState::Active,
            anchor_confidence: AnchorConfidence::Exact,
            anchor_reason: AnchorReason::Unchanged,
            original_revision_id: Some(base.id),
            original_revision_number: base.number,
            current_revision_id: Some(base.id),
            current_revision_number: base.number,
            original_quote: selector.quote.clone(),
            anchor_selector: selector,
            created_by_agent_id: caller.agent_id(),
            created_by_user_id: caller.user_id(),
            resolved_by_agent_id: None,
            resolved_by_user_id: None,
            resolved_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        }
    }

    /// Adds to a thread, and wakes whom that concerns.
    async fn say(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &mut Issue,
        thread: &AnnotationThread,
        body: String,
        action: &str,
    ) -> Answer<AnnotationComment> {
        if caller.is_operator() {
            // A try that waits for its time would keep the agent from hearing it now.
            self.drop_scheduled(tx, issue).await?;
        }
        let comment = AnnotationComment {
            id: self.new_id(),
            company_id: thread.company_id,
            thread_id: thread.id,
            issue_id: thread.issue_id,
            document_id: thread.document_id,
            body,
            author_type: author(caller),
            author_agent_id: caller.agent_id(),
            author_user_id: caller.user_id(),
            created_by_run_id: caller.run_id(),
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::annotations::add_comment(tx, &comment).await.answer()?;
        self.note_mentions(tx, issue, "comment", &comment.id.to_string(), &comment.body).await?;
        issue.updated_at = tx.at();
        store::issues::save(tx, issue).await.answer()?;
        let details = json!({
            "key": thread.document_key,
            "documentId": thread.document_id,
            "threadId": thread.id,
            "commentId": comment.id,
            "quoteSnippet": snippet(&thread.anchor_selector.quote.exact),
            "bodySnippet": snippet(&comment.body),
        });
        self.log_issue(tx, caller, issue, action, details).await?;
        let wakes = self.wakes_of_annotation(tx, caller, issue, thread, &comment).await?;
        self.wake_all(tx, caller, wakes).await?;
        Ok(comment)
    }

    /// A person's words are for the assignee, unless the issue is put aside or over; an agent's for whom it mentions.
    async fn wakes_of_annotation(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        thread: &AnnotationThread,
        comment: &AnnotationComment,
    ) -> Answer<Vec<Wake>> {
        let about = |agent, reason: &str| {
            Wake::about(issue, agent, InvocationSource::Automation, reason)
                .with("annotationThreadId", thread.id.to_string())
                .with("annotationCommentId", comment.id.to_string())
                .with("documentKey", thread.document_key.clone())
                .with("mutation", "document_annotation")
        };
        let assignee = issue.assignee_agent_id.filter(|_| caller.is_operator());
        let mut wakes = Vec::new();
        if let Some(agent) = assignee
            && issue.status != IssueStatus::Backlog
            && !issue.status.is_terminal()
        {
            wakes.push(about(agent, "issue_commented"));
        }
        for agent in self.mentioned(tx, issue.company_id, &comment.body).await? {
            if Some(agent) != assignee && Some(agent) != comment.author_agent_id {
                wakes.push(about(agent, "issue_comment_mentioned"));
            }
        }
        Ok(wakes)
    }

    /// Notes what became of a thread other than by words.
    async fn note_change(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &mut Issue,
        thread: &AnnotationThread,
        action: &str,
    ) -> Answer<()> {
        issue.updated_at = tx.at();
        store::issues::save(tx, issue).await.answer()?;
        let details = json!({
            "key": thread.document_key,
            "documentId": thread.document_id,
            "threadId": thread.id,
            "quoteSnippet": snippet(&thread.anchor_selector.quote.exact),
            "anchorState": thread.anchor_state,
        });
        self.log_issue(tx, caller, issue, action, details).await
    }
}

fn snippet(text: &str) -> String {
    text.chars().take(SNIPPET).collect()
}
