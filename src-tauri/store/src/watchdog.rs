//! Runs that say nothing, what was decided about them, and issues that get nowhere.

use contract::issue::Issue;
use contract::run::Run;
use contract::watchdog::WatchdogDecision;
use contract::{AgentId, IssueId, RunId, Timestamp};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, scalar, select};
use crate::{Result, WriteTx};

entity!(
    WatchdogDecision,
    "heartbeat_run_watchdog_decisions",
    id,
    [
        company_id,
        run_id,
        evaluation_issue_id,
        decision,
        snoozed_until,
        reason,
        created_by_agent_id,
        created_by_user_id,
        created_by_run_id,
        created_at,
    ]
);

/// The run is announced by its own change.
pub async fn create(tx: &mut WriteTx, d: &WatchdogDecision) -> Result<()> {
    insert(tx, d).await
}

/// The latest decision about a run.
pub async fn latest(conn: &mut SqliteConnection, run: RunId) -> Result<Option<WatchdogDecision>> {
    select("WHERE run_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 1").bind(&run).one(conn).await
}

/// Runs at work that have said nothing since then, the most silent first.
pub async fn silent_since(conn: &mut SqliteConnection, then: Timestamp, limit: i64) -> Result<Vec<Run>> {
    select(
        "WHERE status = 'running' AND status IN ('queued', 'scheduled_retry', 'running') \
         AND coalesce(last_output_at, process_started_at, started_at, created_at) <= ? \
         ORDER BY coalesce(last_output_at, process_started_at, started_at, created_at) LIMIT ?",
    )
    .bind(&then)
    .bind(&limit)
    .all(conn)
    .await
}

/// The open issue of a kind that came from this run or issue.
pub async fn open_from(conn: &mut SqliteConnection, kind: &str, origin: &str) -> Result<Option<Issue>> {
    select(
        "WHERE origin_kind = ? AND origin_id = ? AND origin_kind <> 'manual' AND hidden_at IS NULL \
         AND status NOT IN ('done', 'cancelled')",
    )
    .text(kind)
    .text(origin)
    .one(conn)
    .await
}

/// All open issues of a kind.
pub async fn open_of_kind(conn: &mut SqliteConnection, kind: &str, limit: i64) -> Result<Vec<Issue>> {
    select(
        "WHERE origin_kind = ? AND origin_kind <> 'manual' AND hidden_at IS NULL \
         AND status NOT IN ('done', 'cancelled') ORDER BY created_at LIMIT ?",
    )
    .text(kind)
    .bind(&limit)
    .all(conn)
    .await
}

/// Takes away what issues wait for that is a look which is over: a look holds nothing up once it ended, however it did.
pub async fn drop_ended_looks(tx: &mut WriteTx, kind: &str) -> Result<Vec<IssueId>> {
    let rows = sqlx::query(
        "DELETE FROM issue_relations WHERE type = 'blocks' AND issue_id IN ( \
           SELECT id FROM issues WHERE origin_kind = ? AND origin_kind <> 'manual' \
             AND (hidden_at IS NOT NULL OR status IN ('done', 'cancelled'))) RETURNING related_issue_id",
    )
    .bind(kind.to_owned())
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|r| Column::read(r, 0)).collect()
}

/// Whether this run has closed this issue since then.
pub async fn closed_by(
    conn: &mut SqliteConnection,
    run: RunId,
    issue: IssueId,
    since: Timestamp,
) -> Result<bool> {
    let q = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM activity_log WHERE run_id = ? AND entity_type = 'issue' \
         AND entity_id = ? AND created_at >= ? \
         AND json_extract(details, '$.status') IN ('done', 'cancelled'))",
    );
    let q = since.bind(run.bind(q).bind(issue.to_string()));
    Ok(scalar(conn, q).await?.unwrap_or(false))
}

/// Open issues on which their agents have worked since then and may go on, and that are no reviews themselves nor lie
/// below one; the latest first.
pub async fn to_review(
    conn: &mut SqliteConnection,
    reviews: &[&str],
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Issue>> {
    let kinds = serde_json::to_string(reviews).unwrap_or_default();
    select(
        "WHERE status IN ('todo', 'in_progress') AND hidden_at IS NULL \
         AND assignee_agent_id IN ( \
           SELECT id FROM agents WHERE status NOT IN ('paused', 'terminated', 'pending_approval')) \
         AND id IN (SELECT r.issue_id FROM companies c CROSS JOIN heartbeat_runs r ON r.company_id = c.id \
           WHERE c.status = 'active' AND r.created_at >= ? AND r.issue_id IS NOT NULL \
           UNION SELECT issue_id FROM heartbeat_runs WHERE status = 'running' \
             AND status IN ('queued', 'scheduled_retry', 'running') AND issue_id IS NOT NULL) \
         AND company_id IN (SELECT id FROM companies WHERE status = 'active') \
         AND id NOT IN ( \
           WITH RECURSIVE under (id) AS ( \
             SELECT id FROM issues WHERE origin_kind <> 'manual' \
               AND origin_kind IN (SELECT value FROM json_each(?)) \
             UNION SELECT i.id FROM under u JOIN issues i ON i.parent_id = u.id) \
           SELECT id FROM under) \
         AND id NOT IN ( \
           WITH RECURSIVE held (id) AS ( \
             SELECT root_issue_id FROM issue_tree_holds WHERE mode = 'pause' AND status = 'active' \
             UNION SELECT i.id FROM held h JOIN issues i ON i.parent_id = h.id) \
           SELECT id FROM held) \
         ORDER BY updated_at DESC LIMIT ?",
    )
    .bind(&since)
    .text(&kinds)
    .bind(&limit)
    .all(conn)
    .await
}

/// How many words the program itself has said in an issue's thread, and when the last.
pub async fn own_words(conn: &mut SqliteConnection, issue: IssueId) -> Result<(i64, Option<Timestamp>)> {
    let q = sqlx::query(
        "SELECT count(*), max(created_at) FROM issue_comments WHERE issue_id = ? AND author_type = 'system'",
    );
    let row = issue.bind(q).fetch_one(conn).await?;
    Ok((Column::read(&row, 0)?, Column::read(&row, 1)?))
}

/// What an agent has done on an issue lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doings {
    /// Its latest runs there that are over and left no comment, until the first that did.
    pub without_comment: i64,
    pub runs_in_an_hour: i64,
    pub runs_in_six_hours: i64,
    pub comments_in_an_hour: i64,
    pub comments_in_six_hours: i64,
    /// When the issue was last something else than in progress, as far as the trail says.
    pub otherwise_at: Option<Timestamp>,
}

/// Counts it.
pub async fn doings(
    conn: &mut SqliteConnection,
    issue: IssueId,
    agent: AgentId,
    now: Timestamp,
) -> Result<Doings> {
    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
    let (hour, six) = (now.minus(HOUR), now.minus(HOUR * 6));
    let q = sqlx::query(
        "WITH ended AS ( \
           SELECT r.id, r.created_at, r.rowid AS n, \
             EXISTS (SELECT 1 FROM issue_comments c WHERE c.issue_id = ?1 AND c.created_by_run_id = r.id) AS spoke \
           FROM heartbeat_runs r WHERE r.issue_id = ?1 AND r.agent_id = ?2 AND r.started_at IS NOT NULL \
             AND r.status NOT IN ('queued', 'scheduled_retry', 'running') \
           ORDER BY r.created_at DESC, r.rowid DESC LIMIT 100) \
         SELECT \
           (SELECT count(*) FROM ended e WHERE NOT EXISTS (SELECT 1 FROM ended s WHERE s.spoke \
             AND (s.created_at, s.n) >= (e.created_at, e.n))), \
           (SELECT count(*) FROM heartbeat_runs WHERE issue_id = ?1 AND agent_id = ?2 \
             AND started_at IS NOT NULL AND created_at >= ?3), \
           (SELECT count(*) FROM heartbeat_runs WHERE issue_id = ?1 AND agent_id = ?2 \
             AND started_at IS NOT NULL AND created_at >= ?4), \
           (SELECT count(*) FROM issue_comments WHERE issue_id = ?1 AND author_agent_id = ?2 \
             AND created_at >= ?3), \
           (SELECT count(*) FROM issue_comments WHERE issue_id = ?1 AND author_agent_id = ?2 \
             AND created_at >= ?4), \
           (SELECT max(created_at) FROM activity_log WHERE entity_type = 'issue' AND entity_id = ?1 \
             AND json_extract(details, '$.status') <> 'in_progress')",
    );
    let row = six.bind(hour.bind(agent.bind(issue.bind(q)))).fetch_one(conn).await?;
    Ok(Doings {
        without_comment: Column::read(&row, 0)?,
        runs_in_an_hour: Column::read(&row, 1)?,
        runs_in_six_hours: Column::read(&row, 2)?,
        comments_in_an_hour: Column::read(&row, 3)?,
        comments_in_six_hours: Column::read(&row, 4)?,
        otherwise_at: Column::read(&row, 5)?,
    })
}

/// All issues of a kind that came from this run or issue, newest first.
pub async fn all_from(conn: &mut SqliteConnection, kind: &str, origin: &str) -> Result<Vec<Issue>> {
    select(
        "WHERE origin_kind = ? AND origin_id = ? AND origin_kind <> 'manual' \
         ORDER BY created_at DESC, rowid DESC LIMIT 50",
    )
    .text(kind)
    .text(origin)
    .all(conn)
    .await
}
