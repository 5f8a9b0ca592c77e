//! Acts on trees of issues.

use std::collections::HashMap;

use contract::feed::ChangeOp;
use contract::issue::{Issue, IssueStatus};
use contract::tree::{ListTreeHolds, TreeHold, TreeHoldMember};
use contract::{IssueId, JsonObject, Kind, Timestamp, TreeHoldId};
use sqlx::SqliteConnection;

use crate::entity::{Column, Cursor, entity, insert, scalar, select, update};
use crate::relations::json_list;
use crate::{Result, WriteTx};

/// Levels looked at above and below an issue. Parents cannot form a ring; should a row say so, the walk ends.
const MOST_LEVELS: usize = 64;

entity!(
    TreeHold,
    "issue_tree_holds",
    id,
    [
        company_id,
        root_issue_id,
        mode,
        status,
        reason,
        release_policy,
        created_by_actor_type,
        created_by_agent_id,
        created_by_user_id,
        created_by_run_id,
        released_at,
        released_by_actor_type,
        released_by_agent_id,
        released_by_user_id,
        released_by_run_id,
        release_reason,
        release_metadata,
        created_at,
        updated_at,
    ]
);

entity!(
    TreeHoldMember,
    "issue_tree_hold_members",
    id,
    [
        company_id,
        hold_id,
        issue_id,
        parent_issue_id,
        depth,
        issue_identifier,
        issue_title,
        issue_status,
        assignee_agent_id,
        assignee_user_id,
        active_run_id,
        active_run_status,
        skipped,
        skip_reason,
        created_at,
    ]
);

/// An issue with all below it, level by level, the root first; and how deep each lies.
pub async fn tree(conn: &mut SqliteConnection, root: Issue) -> Result<Vec<(Issue, i64)>> {
    let mut level = vec![root.id];
    let mut out = vec![(root, 0)];
    for depth in 1..=MOST_LEVELS {
        let below: Vec<Issue> =
            select("WHERE parent_id IN (SELECT value FROM json_each(?)) AND hidden_at IS NULL ORDER BY seq")
                .text(&json_list(&level))
                .all(&mut *conn)
                .await?;
        if below.is_empty() {
            break;
        }
        level = below.iter().map(|i| i.id).collect();
        let depth = i64::try_from(depth).unwrap_or(i64::MAX);
        out.extend(below.into_iter().map(|i| (i, depth)));
    }
    Ok(out)
}

/// Whether anything is paused.
pub async fn any_pause(conn: &mut SqliteConnection) -> Result<bool> {
    let q = sqlx::query("SELECT 1 FROM issue_tree_holds WHERE mode = 'pause' AND status = 'active' LIMIT 1");
    Ok(scalar::<i64>(conn, q).await?.is_some())
}

/// The pause that lies over an issue: its own, or the nearest above.
pub async fn pause_over(conn: &mut SqliteConnection, issue: IssueId) -> Result<Option<TreeHold>> {
    // Asked at every wake and start, and nearly always in vain.
    if !any_pause(&mut *conn).await? {
        return Ok(None);
    }
    let mut at = Some(issue);
    for _ in 0..=MOST_LEVELS {
        let Some(id) = at else { break };
        if let Some(hold) = pause_of(&mut *conn, id).await? {
            return Ok(Some(hold));
        }
        let above = id.bind(sqlx::query("SELECT parent_id FROM issues WHERE id = ?"));
        at = scalar::<Option<IssueId>>(&mut *conn, above).await?.flatten();
    }
    Ok(None)
}

/// Whether a pause lies over the issue, if there is one.
pub async fn is_paused(conn: &mut SqliteConnection, issue: Option<IssueId>) -> Result<bool> {
    match issue {
        Some(id) => Ok(pause_over(conn, id).await?.is_some()),
        None => Ok(false),
    }
}

/// The pause that begins at an issue.
pub async fn pause_of(conn: &mut SqliteConnection, root: IssueId) -> Result<Option<TreeHold>> {
    select("WHERE root_issue_id = ? AND mode = 'pause' AND status = 'active'").bind(&root).one(conn).await
}

/// The pauses that begin at these issues.
pub async fn pauses_at(
    conn: &mut SqliteConnection,
    issues: &[IssueId],
) -> Result<HashMap<IssueId, TreeHoldId>> {
    let q = sqlx::query(
        "SELECT root_issue_id, id FROM issue_tree_holds WHERE mode = 'pause' AND status = 'active' \
         AND root_issue_id IN (SELECT value FROM json_each(?))",
    );
    let rows = q.bind(json_list(issues)).fetch_all(conn).await?;
    rows.iter().map(|r| Ok((Column::read(r, 0)?, Column::read(r, 1)?))).collect()
}

/// Cancels of which nothing is left to restore, among those that share an issue with the newest act on this root.
pub async fn spent_cancels(conn: &mut SqliteConnection, root: IssueId) -> Result<Vec<TreeHold>> {
    select(
        "WHERE mode = 'cancel' AND status = 'active' AND id IN (SELECT hold_id FROM issue_tree_hold_members \
           WHERE issue_id IN (SELECT m.issue_id FROM issue_tree_hold_members m \
             JOIN issue_tree_holds h ON h.id = m.hold_id WHERE h.root_issue_id = ?)) \
         AND NOT EXISTS (SELECT 1 FROM issue_tree_hold_members m JOIN issues i ON i.id = m.issue_id \
           WHERE m.hold_id = issue_tree_holds.id AND m.skipped = 0 AND i.status = 'cancelled' \
             AND i.cancelled_at = issue_tree_holds.created_at)",
    )
    .bind(&root)
    .all(conn)
    .await
}

/// Pauses that end by themselves.
pub async fn ending_by_themselves(conn: &mut SqliteConnection) -> Result<Vec<TreeHold>> {
    select(
        "WHERE mode = 'pause' AND status = 'active' \
         AND json_extract(release_policy, '$.strategy') = 'after_active_runs_finish'",
    )
    .all(conn)
    .await
}

/// For each of these issues the newest cancel of a tree that took it and is not restored: the hold, when it was, and
/// what the issue was before.
pub async fn taken(
    conn: &mut SqliteConnection,
    issues: &[IssueId],
) -> Result<HashMap<IssueId, (TreeHoldId, Timestamp, IssueStatus)>> {
    let q = sqlx::query(
        "SELECT m.issue_id, h.id, h.created_at, m.issue_status FROM issue_tree_hold_members m \
         JOIN issue_tree_holds h ON h.id = m.hold_id \
         WHERE m.issue_id IN (SELECT value FROM json_each(?)) AND m.skipped = 0 \
           AND h.mode = 'cancel' AND h.status = 'active' ORDER BY h.created_at",
    );
    let rows = q.bind(json_list(issues)).fetch_all(conn).await?;
    rows.iter()
        .map(|r| {
            let mut c = Cursor::new(r);
            Ok((c.next()?, (c.next()?, c.next()?, c.next()?)))
        })
        .collect()
}

/// Those of these issues in whose place another one is open: of what the program opens by itself, there is one at a
/// time of each origin.
pub async fn replaced(conn: &mut SqliteConnection, issues: &[IssueId]) -> Result<Vec<IssueId>> {
    let q = sqlx::query(
        "SELECT i.id FROM issues i WHERE i.id IN (SELECT value FROM json_each(?)) \
         AND i.origin_kind IN ('routine_execution', 'stale_active_run_evaluation', \
           'issue_productivity_review', 'harness_liveness_escalation') \
         AND EXISTS (SELECT 1 FROM issues o WHERE o.company_id = i.company_id AND o.origin_kind <> 'manual' \
           AND o.origin_kind = i.origin_kind AND o.origin_id = i.origin_id AND o.id <> i.id \
           AND (o.origin_kind <> 'routine_execution' OR o.origin_fingerprint = i.origin_fingerprint) \
           AND o.status NOT IN ('done', 'cancelled') AND o.hidden_at IS NULL)",
    );
    let rows = q.bind(json_list(issues)).fetch_all(conn).await?;
    rows.iter().map(|r| Column::read(r, 0)).collect()
}

pub async fn get(conn: &mut SqliteConnection, root: IssueId, id: TreeHoldId) -> Result<Option<TreeHold>> {
    select("WHERE id = ? AND root_issue_id = ?").bind(&id).bind(&root).one(conn).await
}

/// What was done to the tree below an issue, newest first.
pub async fn list(conn: &mut SqliteConnection, root: IssueId, q: &ListTreeHolds) -> Result<Vec<TreeHold>> {
    select(
        "WHERE root_issue_id = ?1 AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR mode = ?3) \
         ORDER BY created_at DESC, rowid DESC LIMIT 100",
    )
    .bind(&root)
    .bind(&q.status)
    .bind(&q.mode)
    .all(conn)
    .await
}

pub async fn members(conn: &mut SqliteConnection, hold: TreeHoldId) -> Result<Vec<TreeHoldMember>> {
    select("WHERE hold_id = ? ORDER BY depth, rowid").bind(&hold).all(conn).await
}

pub async fn create(tx: &mut WriteTx, h: &TreeHold, members: &[TreeHoldMember]) -> Result<()> {
    insert(tx, h).await?;
    for m in members {
        insert(tx, m).await?;
    }
    announce(tx, h, ChangeOp::Created);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, h: &TreeHold) -> Result<()> {
    update(tx, h).await?;
    announce(tx, h, ChangeOp::Updated);
    Ok(())
}

fn announce(tx: &mut WriteTx, h: &TreeHold, op: ChangeOp) {
    let mut p = JsonObject::new();
    p.insert("rootIssueId".into(), h.root_issue_id.to_string().into());
    p.insert("mode".into(), h.mode.as_str().into());
    p.insert("status".into(), h.status.as_str().into());
    tx.record_with(h.company_id, Kind::TreeHold, op, h.id, p);
}
