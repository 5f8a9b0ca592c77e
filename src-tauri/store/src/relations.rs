//! Edges between issues: blockers and mentions.

use std::collections::HashMap;

use contract::issue::{IssueSummary, RelatedWork, RelatedWorkItem};
use contract::{AgentId, CompanyId, IssueId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::entity::{Column, Cursor};
use crate::{Result, WriteTx};

const SUMMARY: &str =
    "SELECT i.id, i.identifier, i.title, i.status, i.priority, i.assignee_agent_id, i.assignee_user_id";

pub(crate) fn summary(c: &mut Cursor<'_>) -> Result<IssueSummary> {
    Ok(IssueSummary {
        id: c.next()?,
        identifier: c.next()?,
        title: c.next()?,
        status: c.next()?,
        priority: c.next()?,
        assignee_agent_id: c.next()?,
        assignee_user_id: c.next()?,
    })
}

async fn summaries(
    conn: &mut SqliteConnection,
    rest: &'static str,
    id: IssueId,
) -> Result<Vec<IssueSummary>> {
    let q = sqlx::query(sqlx::AssertSqlSafe(format!("{SUMMARY} {rest}")));
    id.bind(q).fetch_all(conn).await?.iter().map(|r| summary(&mut Cursor::new(r))).collect()
}

/// Issues that block this one.
pub async fn blockers(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueSummary>> {
    summaries(
        conn,
        "FROM issue_relations r JOIN issues i ON i.id = r.issue_id \
         WHERE r.related_issue_id = ? AND r.type = 'blocks' ORDER BY i.seq",
        issue,
    )
    .await
}

/// Issues that this one blocks.
pub async fn blocked(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueSummary>> {
    summaries(
        conn,
        "FROM issue_relations r JOIN issues i ON i.id = r.related_issue_id \
         WHERE r.issue_id = ? AND r.type = 'blocks' ORDER BY i.seq",
        issue,
    )
    .await
}

/// Direct children, oldest first.
pub async fn children(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueSummary>> {
    summaries(conn, "FROM issues i WHERE i.parent_id = ? AND i.hidden_at IS NULL ORDER BY i.seq", issue).await
}

/// Parents, nearest first.
pub async fn ancestors(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueSummary>> {
    let sql = format!(
        "WITH RECURSIVE up(id, depth) AS ( \
           SELECT parent_id, 1 FROM issues WHERE id = ? AND parent_id IS NOT NULL \
           UNION ALL SELECT i.parent_id, up.depth + 1 FROM issues i JOIN up ON i.id = up.id \
             WHERE i.parent_id IS NOT NULL AND up.depth < 64) \
         {SUMMARY} FROM up JOIN issues i ON i.id = up.id ORDER BY up.depth"
    );
    let q = issue.bind(sqlx::query(sqlx::AssertSqlSafe(sql)));
    q.fetch_all(conn).await?.iter().map(|r| summary(&mut Cursor::new(r))).collect()
}

/// How many blockers of each of these issues are not done.
pub async fn unresolved_counts(
    conn: &mut SqliteConnection,
    issues: &[IssueId],
) -> Result<HashMap<IssueId, i64>> {
    if issues.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q = QueryBuilder::<Sqlite>::new(
        "SELECT r.related_issue_id, count(*) FROM issue_relations r JOIN issues b ON b.id = r.issue_id \
         WHERE r.type = 'blocks' AND b.status <> 'done' AND r.related_issue_id IN (",
    );
    let mut list = q.separated(", ");
    for id in issues {
        list.push_bind(id.to_string());
    }
    q.push(") GROUP BY r.related_issue_id");
    let pair = |r: &SqliteRow| Ok((Column::read(r, 0)?, Column::read(r, 1)?));
    q.build().fetch_all(conn).await?.iter().map(pair).collect()
}

/// Blockers of this issue that are not done.
pub async fn unresolved(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueSummary>> {
    summaries(
        conn,
        "FROM issue_relations r JOIN issues i ON i.id = r.issue_id \
         WHERE r.related_issue_id = ? AND r.type = 'blocks' AND i.status <> 'done' ORDER BY i.seq",
        issue,
    )
    .await
}

/// A path of blockers from `from` to `to`, when there is one: `to` would come to block itself.
pub async fn blocking_path(
    conn: &mut SqliteConnection,
    from: IssueId,
    to: IssueId,
) -> Result<Option<Vec<IssueId>>> {
    let mut came: HashMap<IssueId, IssueId> = HashMap::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            let mut path = vec![to];
            let mut step = to;
            while step != from {
                let Some(before) = came.get(&step) else { break };
                step = *before;
                path.push(step);
            }
            path.reverse();
            return Ok(Some(path));
        }
        let q = at.bind(sqlx::query(
            "SELECT related_issue_id FROM issue_relations WHERE issue_id = ? AND type = 'blocks'",
        ));
        for row in q.fetch_all(&mut *conn).await? {
            let next = IssueId::read(&row, 0)?;
            if next != from && !came.contains_key(&next) {
                came.insert(next, at);
                open.push(next);
            }
        }
    }
    Ok(None)
}

/// Makes these the issue's blockers.
pub async fn set_blockers(
    tx: &mut WriteTx,
    company: CompanyId,
    issue: IssueId,
    blockers: &[IssueId],
    by_agent: Option<AgentId>,
    by_user: Option<&str>,
    mut new_id: impl FnMut() -> String,
) -> Result<()> {
    issue
        .bind(sqlx::query("DELETE FROM issue_relations WHERE related_issue_id = ? AND type = 'blocks'"))
        .execute(&mut **tx)
        .await?;
    let at = tx.at();
    for blocker in blockers {
        let q = sqlx::query(
            "INSERT OR IGNORE INTO issue_relations \
             (id, company_id, issue_id, related_issue_id, type, created_by_agent_id, created_by_user_id, created_at, updated_at) \
             VALUES (?, ?, ?, ?, 'blocks', ?, ?, ?, ?)",
        )
        .bind(new_id());
        let q = by_agent.bind(issue.bind(blocker.bind(company.bind(q))));
        let q = q.bind(by_user.map(str::to_owned)).bind(at.millis()).bind(at.millis());
        q.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Replaces the mentions found in one record: an issue's own text, a comment or a document.
pub async fn set_mentions(
    tx: &mut WriteTx,
    company: CompanyId,
    source: IssueId,
    kind: &'static str,
    record: &str,
    targets: &[IssueId],
    mut new_id: impl FnMut() -> String,
) -> Result<()> {
    let q = sqlx::query(
        "DELETE FROM issue_reference_mentions WHERE source_issue_id = ? AND source_kind = ? AND source_record_id = ?",
    );
    source.bind(q).bind(kind).bind(record.to_owned()).execute(&mut **tx).await?;
    let at = tx.at();
    for target in targets.iter().filter(|t| **t != source) {
        let q = sqlx::query(
            "INSERT OR IGNORE INTO issue_reference_mentions \
             (id, company_id, source_issue_id, target_issue_id, source_kind, source_record_id, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new_id());
        let q = target.bind(source.bind(company.bind(q)));
        q.bind(kind).bind(record.to_owned()).bind(at.millis()).execute(&mut **tx).await?;
    }
    Ok(())
}

pub async fn related(conn: &mut SqliteConnection, issue: IssueId) -> Result<RelatedWork> {
    let outbound = mentions(conn, issue, "m.target_issue_id", "m.source_issue_id").await?;
    let inbound = mentions(conn, issue, "m.source_issue_id", "m.target_issue_id").await?;
    Ok(RelatedWork { outbound, inbound })
}

async fn mentions(
    conn: &mut SqliteConnection,
    issue: IssueId,
    other: &'static str,
    this: &'static str,
) -> Result<Vec<RelatedWorkItem>> {
    let sql = format!(
        "{SUMMARY}, count(*) FROM issue_reference_mentions m JOIN issues i ON i.id = {other} \
         WHERE {this} = ? GROUP BY i.id ORDER BY count(*) DESC, i.seq DESC LIMIT 50"
    );
    let rows = issue.bind(sqlx::query(sqlx::AssertSqlSafe(sql))).fetch_all(conn).await?;
    rows.iter()
        .map(|r| {
            let mut c = Cursor::new(r);
            Ok(RelatedWorkItem { issue: summary(&mut c)?, mention_count: c.next()? })
        })
        .collect()
}
