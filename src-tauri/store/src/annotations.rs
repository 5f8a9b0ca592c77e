//! Threads about a piece of a document's text.

use std::collections::HashMap;

use contract::document_annotation::{AnchorRemapSnapshot, AnnotationComment, AnnotationThread, ThreadFilter};
use contract::feed::ChangeOp;
use contract::{
    AnnotationCommentId, AnnotationThreadId, CompanyId, DocumentId, IssueId, Kind, RevisionId, Timestamp,
};
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::entity::{Column, Entity, entity, insert, scalar, select, update};
use crate::relations::json_list;
use crate::{Result, StoreError, WriteTx};

/// Snapshots written by one statement: a revision may orphan every thread there is.
const SNAPSHOTS_AT_ONCE: usize = 50;

entity!(
    AnnotationThread,
    "document_annotation_threads",
    id,
    [
        company_id,
        issue_id,
        document_id,
        document_key,
        status,
        anchor_state,
        anchor_confidence,
        anchor_reason,
        original_revision_id,
        original_revision_number,
        current_revision_id,
        current_revision_number,
        original_quote,
        anchor_selector,
        created_by_agent_id,
        created_by_user_id,
        resolved_by_agent_id,
        resolved_by_user_id,
        resolved_at,
        created_at,
        updated_at,
    ]
);

entity!(
    AnnotationComment,
    "document_annotation_comments",
    id,
    [
        company_id,
        thread_id,
        issue_id,
        document_id,
        body,
        author_type,
        author_agent_id,
        author_user_id,
        created_by_run_id,
        created_at,
        updated_at,
    ]
);

entity!(
    AnchorRemapSnapshot,
    "document_annotation_anchor_snapshots",
    id,
    [
        company_id,
        thread_id,
        document_id,
        from_revision_id,
        from_revision_number,
        to_revision_id,
        to_revision_number,
        previous_anchor,
        next_anchor,
        anchor_state,
        anchor_confidence,
        failure_reason,
        created_at,
    ]
);

/// The threads of a document, oldest first.
pub async fn threads(
    conn: &mut SqliteConnection,
    document: DocumentId,
    filter: ThreadFilter,
) -> Result<Vec<AnnotationThread>> {
    select("WHERE document_id = ?1 AND (?2 = 'all' OR status = ?2) ORDER BY created_at, id")
        .bind(&document)
        .text(filter.as_str())
        .all(conn)
        .await
}

pub async fn thread(
    conn: &mut SqliteConnection,
    document: DocumentId,
    id: AnnotationThreadId,
) -> Result<Option<AnnotationThread>> {
    select("WHERE id = ? AND document_id = ?").bind(&id).bind(&document).one(conn).await
}

/// How many open threads a document has.
pub async fn open_count(conn: &mut SqliteConnection, document: DocumentId) -> Result<i64> {
    let q = sqlx::query(
        "SELECT count(*) FROM document_annotation_threads WHERE document_id = ? AND status = 'open'",
    );
    Ok(scalar(conn, document.bind(q)).await?.unwrap_or(0))
}

/// The comments of each of these threads, oldest first.
pub async fn comments(
    conn: &mut SqliteConnection,
    threads: &[AnnotationThreadId],
) -> Result<HashMap<AnnotationThreadId, Vec<AnnotationComment>>> {
    let rows: Vec<AnnotationComment> =
        select("WHERE thread_id IN (SELECT value FROM json_each(?)) ORDER BY created_at, rowid")
            .text(&json_list(threads))
            .all(conn)
            .await?;
    let mut out: HashMap<AnnotationThreadId, Vec<AnnotationComment>> = HashMap::new();
    for c in rows {
        out.entry(c.thread_id).or_default().push(c);
    }
    Ok(out)
}

/// These comments, those that are of this issue, oldest first, each with its thread.
pub async fn said(
    conn: &mut SqliteConnection,
    issue: IssueId,
    ids: &[AnnotationCommentId],
) -> Result<Vec<(AnnotationThread, AnnotationComment)>> {
    let comments: Vec<AnnotationComment> =
        select("WHERE id IN (SELECT value FROM json_each(?)) AND issue_id = ? ORDER BY created_at, rowid")
            .text(&json_list(ids))
            .bind(&issue)
            .all(conn)
            .await?;
    let mut out = Vec::with_capacity(comments.len());
    for c in comments {
        out.extend(thread(conn, c.document_id, c.thread_id).await?.map(|t| (t, c)));
    }
    Ok(out)
}

/// What revisions did to a thread's place, newest first.
pub async fn snapshots(
    conn: &mut SqliteConnection,
    thread: AnnotationThreadId,
) -> Result<Vec<AnchorRemapSnapshot>> {
    select("WHERE thread_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 500").bind(&thread).all(conn).await
}

pub async fn create(tx: &mut WriteTx, t: &AnnotationThread) -> Result<()> {
    insert(tx, t).await?;
    announce(tx, t.company_id, t.document_id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, t: &AnnotationThread) -> Result<()> {
    update(tx, t).await?;
    announce(tx, t.company_id, t.document_id);
    Ok(())
}

pub async fn add_comment(tx: &mut WriteTx, c: &AnnotationComment) -> Result<()> {
    insert(tx, c).await?;
    announce(tx, c.company_id, c.document_id);
    Ok(())
}

/// Keeps what a revision did to the places of threads.
pub async fn add_snapshots(tx: &mut WriteTx, snapshots: &[AnchorRemapSnapshot]) -> Result<()> {
    for some in snapshots.chunks(SNAPSHOTS_AT_ONCE) {
        let rows = some.iter().skip(1).map(|_| row_of(AnchorRemapSnapshot::INSERT)).collect::<String>();
        let sql = format!("{}{rows}", AnchorRemapSnapshot::INSERT);
        let q = some.iter().fold(sqlx::query(AssertSqlSafe(sql)), |q, s| s.bind_insert(q));
        q.execute(&mut **tx).await?;
    }
    Ok(())
}

/// One more row for an insert of one.
fn row_of(insert: &str) -> String {
    insert.rsplit_once("VALUES").map_or_else(String::new, |(_, row)| format!(",{row}"))
}

/// Whoever shows the document shows what is said about it.
fn announce(tx: &mut WriteTx, company: CompanyId, document: DocumentId) {
    tx.record(company, Kind::Document, ChangeOp::Updated, document);
}

/// Notes the new places of many threads of one document at once: a thousand of them are followed in each save. Part of
/// the document's own change.
pub async fn follow(
    tx: &mut WriteTx,
    revision: (Option<RevisionId>, i64),
    threads: &[AnnotationThread],
    at: Timestamp,
) -> Result<()> {
    let row = |t: &AnnotationThread| {
        let selector = serde_json::to_string(&t.anchor_selector)?;
        Ok(serde_json::json!([t.id, t.anchor_state, t.anchor_confidence, t.anchor_reason, selector]))
    };
    let rows = threads.iter().map(row).collect::<serde_json::Result<Vec<_>>>();
    let rows = rows.and_then(|r| serde_json::to_string(&r)).map_err(|e| StoreError::Value(e.to_string()))?;
    sqlx::query(
        "UPDATE document_annotation_threads SET anchor_state = v.value ->> 1, anchor_confidence = v.value ->> 2, \
           anchor_reason = v.value ->> 3, anchor_selector = v.value ->> 4, current_revision_id = ?2, \
           current_revision_number = ?3, updated_at = ?4 \
         FROM json_each(?1) v WHERE document_annotation_threads.id = v.value ->> 0",
    )
    .bind(rows)
    .bind(revision.0.map(|r| r.to_string()))
    .bind(revision.1)
    .bind(at.millis())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
