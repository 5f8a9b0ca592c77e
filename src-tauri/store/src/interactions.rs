//! Cards in issue threads.

use std::collections::HashSet;

use contract::feed::ChangeOp;
use contract::interaction::Interaction;
use contract::{InteractionId, IssueId, JsonObject, Kind};
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, select, update};
use crate::relations::json_list;
use crate::{Result, WriteTx};

entity!(
    Interaction,
    "issue_thread_interactions",
    id,
    [
        company_id,
        issue_id,
        kind,
        status,
        continuation_policy,
        idempotency_key,
        source_comment_id,
        source_run_id,
        title,
        summary,
        created_by_agent_id,
        created_by_user_id,
        resolved_by_agent_id,
        resolved_by_user_id,
        payload,
        result,
        resolved_at,
        created_at,
        updated_at,
    ]
);

pub async fn get(
    conn: &mut SqliteConnection,
    issue: IssueId,
    id: InteractionId,
) -> Result<Option<Interaction>> {
    select("WHERE id = ? AND issue_id = ?").bind(&id).bind(&issue).one(conn).await
}

/// Oldest first.
pub async fn list(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<Interaction>> {
    select("WHERE issue_id = ? ORDER BY created_at, rowid").bind(&issue).all(conn).await
}

/// Cards of an issue that wait for the operator.
pub async fn pending(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<Interaction>> {
    select("WHERE issue_id = ? AND status = 'pending' ORDER BY created_at, rowid")
        .bind(&issue)
        .all(conn)
        .await
}

/// Those of these issues that have a card which waits for the operator.
pub async fn pending_of(conn: &mut SqliteConnection, issues: &[IssueId]) -> Result<HashSet<IssueId>> {
    let q = sqlx::query(
        "SELECT DISTINCT issue_id FROM issue_thread_interactions \
         WHERE status = 'pending' AND issue_id IN (SELECT value FROM json_each(?))",
    );
    q.bind(json_list(issues)).fetch_all(conn).await?.iter().map(|r| Column::read(r, 0)).collect()
}

pub async fn by_idempotency_key(
    conn: &mut SqliteConnection,
    issue: IssueId,
    key: &str,
) -> Result<Option<Interaction>> {
    select("WHERE issue_id = ? AND idempotency_key = ?").bind(&issue).text(key).one(conn).await
}

pub async fn create(tx: &mut WriteTx, i: &Interaction) -> Result<()> {
    insert(tx, i).await?;
    announce(tx, i, ChangeOp::Created);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, i: &Interaction) -> Result<()> {
    update(tx, i).await?;
    announce(tx, i, ChangeOp::Updated);
    Ok(())
}

/// Followers need to know, without another read, whether something now waits for the operator.
fn announce(tx: &mut WriteTx, i: &Interaction, op: ChangeOp) {
    let mut p = JsonObject::new();
    for (key, value) in [
        ("issueId", Value::from(i.issue_id.to_string())),
        ("kind", i.kind.as_str().into()),
        ("status", i.status.as_str().into()),
        ("title", i.title.clone().map_or(Value::Null, Value::from)),
    ] {
        p.insert(key.into(), value);
    }
    tx.record_with(i.company_id, Kind::Interaction, op, i.id, p);
}
