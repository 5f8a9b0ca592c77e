//! Comments.

use contract::comment::IssueComment;
use contract::feed::ChangeOp;
use contract::heartbeat::CommentCursor;
use contract::issue::SortDir;
use contract::{CommentId, IssueId, Kind, RunId};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, scalar, select};
use crate::{Result, WriteTx};

entity!(
    IssueComment,
    "issue_comments",
    id,
    [
        company_id,
        issue_id,
        author_type,
        author_agent_id,
        author_user_id,
        created_by_run_id,
        body,
        presentation,
        metadata,
        created_at,
        updated_at,
    ]
);

pub async fn get(conn: &mut SqliteConnection, issue: IssueId, id: CommentId) -> Result<Option<IssueComment>> {
    select("WHERE id = ? AND issue_id = ?").bind(&id).bind(&issue).one(conn).await
}

/// A part of a thread. `after` and `before` are exclusive.
pub async fn list(
    conn: &mut SqliteConnection,
    issue: IssueId,
    after: Option<CommentId>,
    before: Option<CommentId>,
    order: SortDir,
    limit: u32,
) -> Result<Vec<IssueComment>> {
    let sql = match order {
        SortDir::Asc => {
            "WHERE issue_id = ?1 \
             AND (?2 IS NULL OR seq > (SELECT seq FROM issue_comments WHERE id = ?2)) \
             AND (?3 IS NULL OR seq < (SELECT seq FROM issue_comments WHERE id = ?3)) \
             ORDER BY seq ASC LIMIT ?4"
        }
        SortDir::Desc => {
            "WHERE issue_id = ?1 \
             AND (?2 IS NULL OR seq > (SELECT seq FROM issue_comments WHERE id = ?2)) \
             AND (?3 IS NULL OR seq < (SELECT seq FROM issue_comments WHERE id = ?3)) \
             ORDER BY seq DESC LIMIT ?4"
        }
    };
    select(sql).bind(&issue).bind(&after).bind(&before).bind(&i64::from(limit)).all(conn).await
}

/// These comments of an issue, in the order of the thread.
pub async fn by_ids(
    conn: &mut SqliteConnection,
    issue: IssueId,
    ids: &[CommentId],
) -> Result<Vec<IssueComment>> {
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        out.extend(get(conn, issue, *id).await?);
    }
    out.sort_by_key(|c| c.created_at);
    Ok(out)
}

pub async fn cursor(conn: &mut SqliteConnection, issue: IssueId) -> Result<CommentCursor> {
    let total = scalar::<i64>(
        conn,
        issue.bind(sqlx::query("SELECT count(*) FROM issue_comments WHERE issue_id = ?")),
    )
    .await?
    .unwrap_or(0);
    let latest = list(conn, issue, None, None, SortDir::Desc, 1).await?.pop();
    Ok(CommentCursor {
        total_comments: total,
        latest_comment_id: latest.as_ref().map(|c| c.id),
        latest_comment_at: latest.map(|c| c.created_at),
    })
}

/// The newest comment that a run left on an issue.
pub async fn by_run(conn: &mut SqliteConnection, issue: IssueId, run: RunId) -> Result<Option<CommentId>> {
    let q = sqlx::query(
        "SELECT id FROM issue_comments WHERE created_by_run_id = ? AND issue_id = ? ORDER BY seq DESC LIMIT 1",
    );
    scalar(conn, issue.bind(run.bind(q))).await
}

pub async fn create(tx: &mut WriteTx, c: &IssueComment) -> Result<()> {
    insert(tx, c).await?;
    tx.record(c.company_id, Kind::Comment, ChangeOp::Created, c.id);
    Ok(())
}
