//! Edges between issues: blockers and mentions.

use std::collections::HashMap;

use contract::issue::{Issue, IssueSummary, RelatedWork, RelatedWorkItem};
use contract::{AgentId, CompanyId, IssueId, RunId};
use sqlx::{AssertSqlSafe, SqliteConnection};

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

/// Whether a blocker, named `$blocker` in the query, still holds up what it blocks: it is not done, or the workspace in
/// which it was done is not finalized. The steps that count are those of
/// [`is_finalized`](crate::workspace_operations::is_finalized).
macro_rules! holds_up {
    ($blocker:literal) => {
        concat!(
            "(",
            $blocker,
            ".status <> 'done' OR COALESCE((SELECT NOT (o.phase = 'workspace_finalize' AND o.status = 'succeeded') \
             FROM workspace_operations o JOIN execution_workspaces w ON w.id = o.execution_workspace_id \
             WHERE o.execution_workspace_id = ",
            $blocker,
            ".execution_workspace_id AND w.closed_at IS NULL \
             AND o.phase IN ('worktree_prepare', 'workspace_provision', 'workspace_finalize') \
             ORDER BY o.seq DESC LIMIT 1), 0))"
        )
    };
}

pub(crate) use holds_up;

async fn summaries(
    conn: &mut SqliteConnection,
    rest: &'static str,
    id: IssueId,
) -> Result<Vec<IssueSummary>> {
    let q = sqlx::query(AssertSqlSafe(format!("{SUMMARY} {rest}")));
    id.bind(q).fetch_all(conn).await?.iter().map(|r| summary(&mut Cursor::new(r))).collect()
}

/// These issues in short.
pub async fn summaries_of(
    conn: &mut SqliteConnection,
    issues: &[IssueId],
) -> Result<HashMap<IssueId, IssueSummary>> {
    let sql = format!("{SUMMARY} FROM issues i WHERE i.id IN (SELECT value FROM json_each(?))");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(json_list(issues)).fetch_all(conn).await?;
    rows.iter().map(|r| summary(&mut Cursor::new(r)).map(|s| (s.id, s))).collect()
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

/// Issues that a run touched, as the audit trail tells, and the one that it was about; oldest first.
pub async fn touched_by(conn: &mut SqliteConnection, run: RunId) -> Result<Vec<IssueSummary>> {
    let sql = format!(
        "{SUMMARY} FROM issues i WHERE i.hidden_at IS NULL AND i.id IN \
         (SELECT entity_id FROM activity_log WHERE run_id = ?1 AND entity_type = 'issue' \
          UNION SELECT issue_id FROM heartbeat_runs WHERE id = ?1 AND issue_id IS NOT NULL) ORDER BY i.seq"
    );
    let rows = run.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(conn).await?;
    rows.iter().map(|r| summary(&mut Cursor::new(r))).collect()
}

/// Direct children, oldest first.
pub async fn children(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueSummary>> {
    summaries(conn, "FROM issues i WHERE i.parent_id = ? AND i.hidden_at IS NULL ORDER BY i.seq", issue).await
}

/// Direct children that are work and not a review of it: how many, and how many of them are open.
pub async fn working_children(
    conn: &mut SqliteConnection,
    issue: IssueId,
    reviews: &[&str],
) -> Result<(i64, i64)> {
    let q = issue.bind(sqlx::query(
        "SELECT count(*), count(CASE WHEN status NOT IN ('done', 'cancelled') THEN 1 END) FROM issues \
         WHERE parent_id = ? AND hidden_at IS NULL AND origin_kind NOT IN (SELECT value FROM json_each(?))",
    ));
    let row = q.bind(json_list(reviews)).fetch_one(conn).await?;
    Ok((Column::read(&row, 0)?, Column::read(&row, 1)?))
}

/// Levels looked at above an issue. Parents cannot form a ring; should a row say so, the walk ends.
const MOST_LEVELS: usize = 64;

/// Parents, nearest first.
///
/// One look-up a level: the planner turns a recursive query into a scan of all issues, for a filter that it
/// builds to save itself look-ups.
pub async fn ancestors(conn: &mut SqliteConnection, issue: &Issue) -> Result<Vec<IssueSummary>> {
    let mut out = Vec::new();
    let mut above = issue.parent_id;
    while let Some(id) = above
        && out.len() < MOST_LEVELS
    {
        let q = sqlx::query(AssertSqlSafe(format!("{SUMMARY}, i.parent_id FROM issues i WHERE i.id = ?")));
        let Some(row) = id.bind(q).fetch_optional(&mut *conn).await? else { break };
        let mut c = Cursor::new(&row);
        out.push(summary(&mut c)?);
        above = c.next()?;
    }
    Ok(out)
}

/// The ids of all issues below one, at every level.
pub async fn descendants(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueId>> {
    let mut out: Vec<IssueId> = Vec::new();
    let mut level = vec![issue];
    let mut depth = 0;
    while !level.is_empty() && depth < MOST_LEVELS {
        let q = sqlx::query("SELECT id FROM issues WHERE parent_id IN (SELECT value FROM json_each(?))");
        let rows = q.bind(json_list(&level)).fetch_all(&mut *conn).await?;
        level = rows.iter().map(|r| Column::read(r, 0)).collect::<Result<_>>()?;
        out.extend_from_slice(&level);
        depth += 1;
    }
    Ok(out)
}

/// Everything that stands in a relation to an issue.
#[derive(Debug, Default)]
pub struct Neighbours {
    pub children: Vec<IssueSummary>,
    pub blocked_by: Vec<IssueSummary>,
    pub blocks: Vec<IssueSummary>,
    pub related: RelatedWork,
}

/// Mentions shown a direction.
const MENTIONS: usize = 50;

/// Reads all relations of an issue at once.
pub async fn neighbours(conn: &mut SqliteConnection, issue: IssueId) -> Result<Neighbours> {
    let sql = format!(
        "{SUMMARY}, 'child', 0, i.seq FROM issues i WHERE i.parent_id = ?1 AND i.hidden_at IS NULL \
         UNION ALL {SUMMARY}, 'blocked_by', 0, i.seq FROM issue_relations r JOIN issues i ON i.id = r.issue_id \
           WHERE r.related_issue_id = ?1 AND r.type = 'blocks' \
         UNION ALL {SUMMARY}, 'blocks', 0, i.seq FROM issue_relations r JOIN issues i ON i.id = r.related_issue_id \
           WHERE r.issue_id = ?1 AND r.type = 'blocks' \
         UNION ALL {SUMMARY}, 'mentions', count(*), -i.seq FROM issue_reference_mentions m \
           JOIN issues i ON i.id = m.target_issue_id WHERE m.source_issue_id = ?1 GROUP BY i.id \
         UNION ALL {SUMMARY}, 'mentioned_by', count(*), -i.seq FROM issue_reference_mentions m \
           JOIN issues i ON i.id = m.source_issue_id WHERE m.target_issue_id = ?1 GROUP BY i.id \
         ORDER BY 9 DESC, 10"
    );
    let rows = issue.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(conn).await?;
    let mut out = Neighbours::default();
    for row in &rows {
        let mut c = Cursor::new(row);
        let s = summary(&mut c)?;
        let (relation, mention_count): (String, i64) = (c.next()?, c.next()?);
        match relation.as_str() {
            "child" => out.children.push(s),
            "blocked_by" => out.blocked_by.push(s),
            "blocks" => out.blocks.push(s),
            "mentions" => out.related.outbound.push(RelatedWorkItem { issue: s, mention_count }),
            _ => out.related.inbound.push(RelatedWorkItem { issue: s, mention_count }),
        }
    }
    out.related.outbound.truncate(MENTIONS);
    out.related.inbound.truncate(MENTIONS);
    Ok(out)
}

/// Ids as one value, so that a statement stays the same however many there are.
pub(crate) fn json_list<T: ToString>(ids: &[T]) -> String {
    serde_json::Value::from(ids.iter().map(T::to_string).collect::<Vec<_>>()).to_string()
}

/// The blockers of each of these issues that hold it up. Issues without any are left out.
pub async fn unresolved_of(
    conn: &mut SqliteConnection,
    issues: &[IssueId],
) -> Result<HashMap<IssueId, Vec<IssueId>>> {
    let mut out: HashMap<IssueId, Vec<IssueId>> = HashMap::new();
    if issues.is_empty() {
        return Ok(out);
    }
    let q = sqlx::query(concat!(
        "SELECT r.related_issue_id, b.id FROM issue_relations r JOIN issues b ON b.id = r.issue_id \
         WHERE r.type = 'blocks' AND r.related_issue_id IN (SELECT value FROM json_each(?)) AND ",
        holds_up!("b"),
        " ORDER BY b.seq"
    ));
    for row in q.bind(json_list(issues)).fetch_all(conn).await? {
        out.entry(Column::read(&row, 0)?).or_default().push(Column::read(&row, 1)?);
    }
    Ok(out)
}

/// Blockers of this issue that hold it up: those that are not done, and those whose work is done and not finalized.
pub async fn unresolved(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<IssueSummary>> {
    summaries(
        conn,
        concat!(
            "FROM issue_relations r JOIN issues i ON i.id = r.issue_id \
             WHERE r.related_issue_id = ? AND r.type = 'blocks' AND ",
            holds_up!("i"),
            " ORDER BY i.seq"
        ),
        issue,
    )
    .await
}

/// Those of these issues on which something is under way or waited for: a run, a wake, a card, an approval, a check at
/// a set time, a recovery.
pub async fn moving(
    conn: &mut SqliteConnection,
    issues: &[IssueId],
    now: contract::Timestamp,
) -> Result<Vec<IssueId>> {
    let q = sqlx::query(
        "SELECT i.id FROM issues i WHERE i.id IN (SELECT value FROM json_each(?1)) AND ( \
           i.monitor_next_check_at > ?2 \
           OR EXISTS (SELECT 1 FROM heartbeat_runs r WHERE r.issue_id = i.id \
             AND r.status IN ('queued', 'scheduled_retry', 'running')) \
           OR EXISTS (SELECT 1 FROM agent_wakeup_requests w WHERE w.issue_id = i.id \
             AND w.status = 'deferred_issue_execution') \
           OR EXISTS (SELECT 1 FROM issue_thread_interactions t WHERE t.issue_id = i.id AND t.status = 'pending') \
           OR EXISTS (SELECT 1 FROM issue_approvals l JOIN approvals a ON a.id = l.approval_id \
             WHERE l.issue_id = i.id AND a.status IN ('pending', 'revision_requested')) \
           OR EXISTS (SELECT 1 FROM issue_recovery_actions x WHERE x.source_issue_id = i.id \
             AND x.status IN ('active', 'escalated')))",
    );
    let rows = q.bind(json_list(issues)).bind(now.millis()).fetch_all(conn).await?;
    rows.iter().map(|r| Column::read(r, 0)).collect()
}

/// Open issues of agents that wait for others, of all companies at work, without those of these kinds.
pub async fn waiting(conn: &mut SqliteConnection, but: &[&str], limit: i64) -> Result<Vec<IssueId>> {
    let q = sqlx::query(
        "SELECT i.id FROM companies c CROSS JOIN issues i ON i.company_id = c.id AND c.status = 'active' \
         WHERE EXISTS (SELECT 1 FROM issue_relations r WHERE r.related_issue_id = i.id AND r.type = 'blocks') \
           AND i.status IN ('todo', 'in_progress', 'in_review', 'blocked') AND i.assignee_agent_id IS NOT NULL \
           AND i.hidden_at IS NULL AND i.origin_kind NOT IN (SELECT value FROM json_each(?)) \
         ORDER BY i.updated_at DESC LIMIT ?",
    );
    let rows = q.bind(json_list(but)).bind(limit).fetch_all(conn).await?;
    rows.iter().map(|r| Column::read(r, 0)).collect()
}

/// A path of blockers from `from` to `to`, when there is one: `to` would come to block itself.
pub async fn blocking_path(
    conn: &mut SqliteConnection,
    from: IssueId,
    to: IssueId,
) -> Result<Option<Vec<IssueId>>> {
    let mut came: HashMap<IssueId, IssueId> = HashMap::new();
    let mut level = vec![from];
    while !level.is_empty() && !came.contains_key(&to) && from != to {
        let q = sqlx::query(
            "SELECT issue_id, related_issue_id FROM issue_relations \
             WHERE type = 'blocks' AND issue_id IN (SELECT value FROM json_each(?))",
        );
        let rows = q.bind(json_list(&level)).fetch_all(&mut *conn).await?;
        level.clear();
        for row in &rows {
            let (blocker, blocked) = (IssueId::read(row, 0)?, IssueId::read(row, 1)?);
            if blocked != from && !came.contains_key(&blocked) {
                came.insert(blocked, blocker);
                level.push(blocked);
            }
        }
    }
    if from != to && !came.contains_key(&to) {
        return Ok(None);
    }
    let mut path = vec![to];
    let mut step = to;
    while let Some(before) = came.get(&step)
        && step != from
    {
        step = *before;
        path.push(step);
    }
    path.reverse();
    Ok(Some(path))
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
    for blocker in blockers {
        add_blocker(tx, company, (issue, *blocker), by_agent, by_user, new_id()).await?;
    }
    Ok(())
}

/// Makes an issue wait for one more. Nothing where it waits for it already.
pub async fn add_blocker(
    tx: &mut WriteTx,
    company: CompanyId,
    (issue, blocker): (IssueId, IssueId),
    by_agent: Option<AgentId>,
    by_user: Option<&str>,
    id: String,
) -> Result<()> {
    let at = tx.at();
    let q = sqlx::query(
        "INSERT OR IGNORE INTO issue_relations \
         (id, company_id, issue_id, related_issue_id, type, created_by_agent_id, created_by_user_id, created_at, updated_at) \
         VALUES (?, ?, ?, ?, 'blocks', ?, ?, ?, ?)",
    )
    .bind(id);
    let q = by_agent.bind(issue.bind(blocker.bind(company.bind(q))));
    q.bind(by_user.map(str::to_owned)).bind(at.millis()).bind(at.millis()).execute(&mut **tx).await?;
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
