//! Documents of issues.

use std::sync::Arc;

use contract::document::*;
use contract::document_annotation::ThreadFilter;
use contract::issue::Issue;
use contract::operations::*;
use contract::{ApiError, Done, ErrorCode, RevisionId};
use serde_json::json;
use store::WriteTx;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

impl Handle<ListDocumentsOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListDocuments) -> Answer<Vec<IssueDocument>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let all = store::documents::list(&mut conn, issue.id).await.answer()?;
        Ok(all.into_iter().filter(|d| q.include_system || d.summary.key != CONTINUATION_SUMMARY).collect())
    }
}

impl Handle<GetDocumentOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: GetDocument) -> Answer<AnnotatedDocument> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let document =
            store::documents::get(&mut conn, issue.id, q.key.as_str()).await.or_missing("Document")?;
        // An agent reads a document to work on it, and what is asked of it there is a part of the work.
        let wanted = q.include_annotations.unwrap_or_else(|| caller.agent().is_some());
        let annotations = if wanted {
            let with_comments = q.include_annotation_comments;
            let id = document.summary.id;
            Some(self.threads_of(&mut conn, id, ThreadFilter::Open, with_comments).await?)
        } else {
            None
        };
        Ok(AnnotatedDocument { document, annotations })
    }
}

/// What a new revision says.
struct Revision {
    title: Option<String>,
    body: String,
    summary: Option<String>,
}

impl Handle<PutDocumentOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: PutDocument) -> Answer<IssueDocument> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        self.may_mutate(&mut tx, caller, &mut issue).await?;
        self.may_deliver(&mut tx, caller).await?;
        let now = store::documents::get(&mut tx, issue.id, q.key.as_str()).await.answer()?;
        let revision = Revision {
            title: q.title.map(|t| t.into_string()).filter(|t| !t.is_empty()),
            body: q.body.into_string(),
            summary: q.change_summary.map(|s| s.into_string()).filter(|s| !s.is_empty()),
        };
        let document = match now {
            None if q.base_revision_id.is_some() => {
                return Err(
                    stale(None).with_hint("The document is gone. Write it anew without baseRevisionId.")
                );
            }
            None => self.new_document(&mut tx, caller, &issue, q.key.as_str(), revision).await?,
            Some(d) => {
                refuse_locked(caller, &d)?;
                if q.base_revision_id != d.summary.latest_revision_id {
                    return Err(stale(Some(&d)));
                }
                self.revise(&mut tx, caller, &issue, d, revision).await?
            }
        };
        tx.commit().await.answer()?;
        Ok(document)
    }
}

pub(super) fn stale(now: Option<&IssueDocument>) -> ApiError {
    let details = json!({
        "latestRevisionId": now.and_then(|d| d.summary.latest_revision_id),
        "latestRevisionNumber": now.map(|d| d.summary.latest_revision_number),
    });
    ApiError::new(ErrorCode::StaleRevision, "The document has changed since that revision")
        .with_details(details)
        .with_hint("Read it again and send its latestRevisionId as baseRevisionId.")
}

/// Only the board writes what it has locked.
pub(super) fn refuse_locked(caller: &Caller, d: &IssueDocument) -> Answer<()> {
    if d.summary.locked_at.is_some() && !caller.is_operator() {
        return Err(ApiError::conflict("The board has locked this document"));
    }
    Ok(())
}

impl Engine {
    async fn new_document(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        key: &str,
        r: Revision,
    ) -> Answer<IssueDocument> {
        let revision_id: RevisionId = self.new_id();
        let document = IssueDocument {
            summary: IssueDocumentSummary {
                id: self.new_id(),
                company_id: issue.company_id,
                issue_id: issue.id,
                key: key.to_owned(),
                title: r.title.clone(),
                format: DocumentFormat::Markdown,
                latest_revision_id: Some(revision_id),
                latest_revision_number: 1,
                created_by_agent_id: caller.agent_id(),
                created_by_user_id: caller.user_id(),
                updated_by_agent_id: caller.agent_id(),
                updated_by_user_id: caller.user_id(),
                locked_at: None,
                locked_by_agent_id: None,
                locked_by_user_id: None,
                created_at: tx.at(),
                updated_at: tx.at(),
            },
            body: r.body,
        };
        store::documents::create(tx, &document).await.answer()?;
        self.record_revision(tx, caller, issue, &document, r.summary, "issue.document_created").await?;
        Ok(document)
    }

    async fn revise(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        mut d: IssueDocument,
        r: Revision,
    ) -> Answer<IssueDocument> {
        d.summary.title = r.title.or(d.summary.title);
        let before = std::mem::replace(&mut d.body, r.body);
        d.summary.latest_revision_id = Some(self.new_id());
        d.summary.latest_revision_number += 1;
        d.summary.updated_by_agent_id = caller.agent_id();
        d.summary.updated_by_user_id = caller.user_id();
        d.summary.updated_at = tx.at();
        store::documents::save(tx, &d).await.answer()?;
        self.record_revision(tx, caller, issue, &d, r.summary, "issue.document_updated").await?;
        self.follow_threads(tx, before, &d).await?;
        self.expire_confirmations_of(tx, issue, &d).await?;
        Ok(d)
    }

    async fn record_revision(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        d: &IssueDocument,
        change_summary: Option<String>,
        action: &str,
    ) -> Answer<()> {
        let s = &d.summary;
        let Some(id) = s.latest_revision_id else {
            return Err(ApiError::internal("a document without a revision"));
        };
        let revision = DocumentRevision {
            id,
            company_id: s.company_id,
            document_id: s.id,
            issue_id: s.issue_id,
            key: s.key.clone(),
            revision_number: s.latest_revision_number,
            title: s.title.clone(),
            format: s.format,
            body: d.body.clone(),
            change_summary,
            created_by_agent_id: caller.agent_id(),
            created_by_user_id: caller.user_id(),
            created_at: tx.at(),
        };
        store::documents::add_revision(tx, &revision, caller.run_id()).await.answer()?;
        self.note_mentions(tx, issue, "document", &s.id.to_string(), &d.body).await?;
        store::issues::touch(tx, issue).await.answer()?;
        let details = json!({ "key": s.key, "documentId": s.id, "revisionId": id, "revisionNumber": s.latest_revision_number });
        self.log_issue(tx, caller, issue, action, details).await
    }

    /// A confirmation of one revision is void once there is a later one.
    async fn expire_confirmations_of(
        &self,
        tx: &mut WriteTx,
        issue: &Issue,
        d: &IssueDocument,
    ) -> Answer<()> {
        use contract::interaction::{InteractionKind, InteractionStatus};
        for mut card in store::interactions::pending(tx, issue.id).await.answer()? {
            let target = card.payload.get("target");
            let names = |key: &str| target.and_then(|t| t.get(key)).and_then(|v| v.as_str());
            let about =
                names("type") == Some("issue_document") && names("key") == Some(d.summary.key.as_str());
            if card.kind != InteractionKind::RequestConfirmation || !about {
                continue;
            }
            card.status = InteractionStatus::Expired;
            card.resolved_at = Some(tx.at());
            card.updated_at = tx.at();
            let result = json!({ "version": 1, "outcome": "stale_target", "latestRevisionId": d.summary.latest_revision_id });
            card.result = result.as_object().cloned();
            store::interactions::save(tx, &card).await.answer()?;
        }
        Ok(())
    }
}

impl Handle<ListDocumentRevisions> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DocumentPath) -> Answer<Vec<DocumentRevision>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let document =
            store::documents::get(&mut conn, issue.id, q.key.as_str()).await.or_missing("Document")?;
        store::documents::revisions(&mut conn, document.summary.id).await.answer()
    }
}

impl Handle<ListDocumentHistory> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DocumentPath) -> Answer<Vec<RevisionSummary>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let document =
            store::documents::id_of(&mut conn, issue.id, q.key.as_str()).await.or_missing("Document")?;
        store::documents::history(&mut conn, document).await.answer()
    }
}

impl Handle<GetDocumentRevision> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RevisionPath) -> Answer<DocumentRevision> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        let document =
            store::documents::id_of(&mut conn, issue.id, q.key.as_str()).await.or_missing("Document")?;
        store::documents::revision(&mut conn, document, q.revision_id).await.or_missing("Revision")
    }
}

impl Handle<RestoreDocument> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RestoreRevision) -> Answer<IssueDocument> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        self.may_mutate(&mut tx, caller, &mut issue).await?;
        self.may_deliver(&mut tx, caller).await?;
        let document =
            store::documents::get(&mut tx, issue.id, q.key.as_str()).await.or_missing("Document")?;
        refuse_locked(caller, &document)?;
        let old = store::documents::revision(&mut tx, document.summary.id, q.revision_id)
            .await
            .or_missing("Revision")?;
        if document.summary.latest_revision_id == Some(old.id) {
            return Err(ApiError::conflict("That is the newest revision already"));
        }
        let revision = Revision {
            title: old.title,
            body: old.body,
            summary: Some(format!("Restored revision {}", old.revision_number)),
        };
        let document = self.revise(&mut tx, caller, &issue, document, revision).await?;
        tx.commit().await.answer()?;
        Ok(document)
    }
}

impl Handle<DeleteDocument> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DocumentPath) -> Answer<Done> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        let document =
            store::documents::get(&mut tx, issue.id, q.key.as_str()).await.or_missing("Document")?;
        store::documents::delete(&mut tx, &document).await.answer()?;
        self.log_issue(
            &mut tx,
            caller,
            &issue,
            "issue.document_deleted",
            json!({ "key": document.summary.key }),
        )
        .await?;
        tx.commit().await.answer()?;
        Ok(Done::OK)
    }
}

impl Handle<LockDocument> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DocumentPath) -> Answer<IssueDocument> {
        self.set_lock(caller, q, true).await
    }
}

impl Handle<UnlockDocument> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DocumentPath) -> Answer<IssueDocument> {
        self.set_lock(caller, q, false).await
    }
}

impl Engine {
    /// Locks or unlocks a document; to find it so already is as well.
    async fn set_lock(&self, caller: &Caller, q: DocumentPath, locked: bool) -> Answer<IssueDocument> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        let mut document =
            store::documents::get(&mut tx, issue.id, q.key.as_str()).await.or_missing("Document")?;
        let s = &mut document.summary;
        if s.locked_at.is_some() == locked {
            return Ok(document);
        }
        s.locked_at = locked.then(|| tx.at());
        s.locked_by_agent_id = caller.agent_id().filter(|_| locked);
        s.locked_by_user_id = caller.user_id().filter(|_| locked);
        store::documents::save(&mut tx, &document).await.answer()?;
        let action = if locked { "issue.document_locked" } else { "issue.document_unlocked" };
        self.log_issue(&mut tx, caller, &issue, action, json!({ "key": document.summary.key })).await?;
        tx.commit().await.answer()?;
        Ok(document)
    }
}
