//! Documents and their revisions.

use contract::document::{DocumentRevision, IssueDocument, IssueDocumentSummary, RevisionSummary};
use contract::feed::ChangeOp;
use contract::{DocumentId, IssueId, Kind, RevisionId, RunId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::entity::{Column, Cursor, scalar};
use crate::{Result, WriteTx};

const SELECT: &str = "SELECT id, company_id, issue_id, key, title, format, latest_revision_id, latest_revision_number, \
     created_by_agent_id, created_by_user_id, updated_by_agent_id, updated_by_user_id, locked_at, \
     locked_by_agent_id, locked_by_user_id, created_at, updated_at, latest_body FROM documents";

fn document(row: &SqliteRow) -> Result<IssueDocument> {
    let mut c = Cursor::new(row);
    Ok(IssueDocument {
        summary: IssueDocumentSummary {
            id: c.next()?,
            company_id: c.next()?,
            issue_id: c.next()?,
            key: c.next()?,
            title: c.next()?,
            format: c.next()?,
            latest_revision_id: c.next()?,
            latest_revision_number: c.next()?,
            created_by_agent_id: c.next()?,
            created_by_user_id: c.next()?,
            updated_by_agent_id: c.next()?,
            updated_by_user_id: c.next()?,
            locked_at: c.next()?,
            locked_by_agent_id: c.next()?,
            locked_by_user_id: c.next()?,
            created_at: c.next()?,
            updated_at: c.next()?,
        },
        body: c.next()?,
    })
}

pub async fn get(conn: &mut SqliteConnection, issue: IssueId, key: &str) -> Result<Option<IssueDocument>> {
    let sql = format!("{SELECT} WHERE issue_id = ? AND key = ?");
    let q = issue.bind(sqlx::query(sqlx::AssertSqlSafe(sql))).bind(key.to_owned());
    q.fetch_optional(conn).await?.as_ref().map(document).transpose()
}

/// For those who need to know it only to look further, and not its text.
pub async fn id_of(conn: &mut SqliteConnection, issue: IssueId, key: &str) -> Result<Option<DocumentId>> {
    let q = sqlx::query("SELECT id FROM documents WHERE issue_id = ? AND key = ?");
    scalar(conn, issue.bind(q).bind(key.to_owned())).await
}

pub async fn list(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueDocument>> {
    let sql = format!("{SELECT} WHERE issue_id = ? ORDER BY created_at, seq");
    let q = issue.bind(sqlx::query(sqlx::AssertSqlSafe(sql)));
    q.fetch_all(conn).await?.iter().map(document).collect()
}

pub async fn create(tx: &mut WriteTx, d: &IssueDocument) -> Result<()> {
    let s = &d.summary;
    let q = sqlx::query(
        "INSERT INTO documents (id, company_id, issue_id, key, title, format, latest_body, latest_revision_id, \
         latest_revision_number, created_by_agent_id, created_by_user_id, updated_by_agent_id, updated_by_user_id, \
         created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let q = s.key.bind(s.issue_id.bind(s.company_id.bind(s.id.bind(q))));
    let q = d.body.bind(s.format.bind(s.title.bind(q)));
    let q = s.latest_revision_number.bind(s.latest_revision_id.bind(q));
    let q = s.created_by_user_id.bind(s.created_by_agent_id.bind(q));
    let q = s.updated_by_user_id.bind(s.updated_by_agent_id.bind(q));
    s.updated_at.bind(s.created_at.bind(q)).execute(&mut **tx).await?;
    tx.record(s.company_id, Kind::Document, ChangeOp::Created, s.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, d: &IssueDocument) -> Result<()> {
    let s = &d.summary;
    let q = sqlx::query(
        "UPDATE documents SET title = ?, latest_body = ?, latest_revision_id = ?, latest_revision_number = ?, \
         updated_by_agent_id = ?, updated_by_user_id = ?, locked_at = ?, locked_by_agent_id = ?, \
         locked_by_user_id = ?, updated_at = ? WHERE id = ?",
    );
    let q = s.latest_revision_number.bind(s.latest_revision_id.bind(d.body.bind(s.title.bind(q))));
    let q = s.updated_by_user_id.bind(s.updated_by_agent_id.bind(q));
    let q = s.locked_by_user_id.bind(s.locked_by_agent_id.bind(s.locked_at.bind(q)));
    s.id.bind(s.updated_at.bind(q)).execute(&mut **tx).await?;
    tx.record(s.company_id, Kind::Document, ChangeOp::Updated, s.id);
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, d: &IssueDocument) -> Result<()> {
    d.summary.id.bind(sqlx::query("DELETE FROM documents WHERE id = ?")).execute(&mut **tx).await?;
    tx.record(d.summary.company_id, Kind::Document, ChangeOp::Deleted, d.summary.id);
    Ok(())
}

pub async fn add_revision(tx: &mut WriteTx, r: &DocumentRevision, run: Option<RunId>) -> Result<()> {
    let q = sqlx::query(
        "INSERT INTO document_revisions (id, company_id, document_id, revision_number, title, format, body, \
         change_summary, created_by_agent_id, created_by_user_id, created_by_run_id, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let q = r.revision_number.bind(r.document_id.bind(r.company_id.bind(r.id.bind(q))));
    let q = r.change_summary.bind(r.body.bind(r.format.bind(r.title.bind(q))));
    let q = run.bind(r.created_by_user_id.bind(r.created_by_agent_id.bind(q)));
    r.created_at.bind(q).execute(&mut **tx).await?;
    Ok(())
}

const REVISION: &str = "SELECT r.id, r.company_id, r.document_id, d.issue_id, d.key, r.revision_number, r.title, \
     r.format, r.body, r.change_summary, r.created_by_agent_id, r.created_by_user_id, r.created_at \
     FROM document_revisions r JOIN documents d ON d.id = r.document_id";

fn revision_row(row: &SqliteRow) -> Result<DocumentRevision> {
    let mut c = Cursor::new(row);
    Ok(DocumentRevision {
        id: c.next()?,
        company_id: c.next()?,
        document_id: c.next()?,
        issue_id: c.next()?,
        key: c.next()?,
        revision_number: c.next()?,
        title: c.next()?,
        format: c.next()?,
        body: c.next()?,
        change_summary: c.next()?,
        created_by_agent_id: c.next()?,
        created_by_user_id: c.next()?,
        created_at: c.next()?,
    })
}

/// Newest first.
pub async fn revisions(conn: &mut SqliteConnection, document: DocumentId) -> Result<Vec<DocumentRevision>> {
    let sql = format!("{REVISION} WHERE r.document_id = ? ORDER BY r.revision_number DESC LIMIT 500");
    let q = document.bind(sqlx::query(sqlx::AssertSqlSafe(sql)));
    q.fetch_all(conn).await?.iter().map(revision_row).collect()
}

pub async fn revision(
    conn: &mut SqliteConnection,
    document: DocumentId,
    id: RevisionId,
) -> Result<Option<DocumentRevision>> {
    let sql = format!("{REVISION} WHERE r.document_id = ? AND r.id = ?");
    let q = id.bind(document.bind(sqlx::query(sqlx::AssertSqlSafe(sql))));
    q.fetch_optional(conn).await?.as_ref().map(revision_row).transpose()
}

/// Newest first, without their texts.
pub async fn history(conn: &mut SqliteConnection, document: DocumentId) -> Result<Vec<RevisionSummary>> {
    let q = sqlx::query(
        "SELECT id, revision_number, title, change_summary, octet_length(body), created_by_agent_id, \
         created_by_user_id, created_at FROM document_revisions WHERE document_id = ? \
         ORDER BY revision_number DESC LIMIT 500",
    );
    document.bind(q).fetch_all(conn).await?.iter().map(summary_row).collect()
}

fn summary_row(row: &SqliteRow) -> Result<RevisionSummary> {
    let mut c = Cursor::new(row);
    Ok(RevisionSummary {
        id: c.next()?,
        revision_number: c.next()?,
        title: c.next()?,
        change_summary: c.next()?,
        size: c.next()?,
        created_by_agent_id: c.next()?,
        created_by_user_id: c.next()?,
        created_at: c.next()?,
    })
}
