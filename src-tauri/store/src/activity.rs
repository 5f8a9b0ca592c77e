//! The audit trail.

use contract::activity::{Activity, ListActivity};
use contract::feed::ChangeOp;
use contract::{IssueId, JsonObject, Kind, RunId};
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, scalar, select};
use crate::{Result, WriteTx};

entity!(
    Activity,
    "activity_log",
    id,
    [company_id, actor_type, actor_id, action, entity_type, entity_id, agent_id, run_id, details, created_at,]
);

pub async fn create(tx: &mut WriteTx, a: &Activity) -> Result<()> {
    insert(tx, a).await?;
    let mut payload = JsonObject::new();
    for (key, value) in [
        ("actorType", Value::from(a.actor_type.as_str())),
        ("actorId", Value::from(a.actor_id.clone())),
        ("action", Value::from(a.action.clone())),
        ("entityType", Value::from(a.entity_type.clone())),
        ("entityId", Value::from(a.entity_id.clone())),
        ("agentId", a.agent_id.map_or(Value::Null, |v| v.to_string().into())),
        ("runId", a.run_id.map_or(Value::Null, |v| v.to_string().into())),
        ("details", a.details.clone().map_or(Value::Null, Value::Object)),
    ] {
        payload.insert(key.into(), value);
    }
    tx.record_with(a.company_id, Kind::Activity, ChangeOp::Created, a.id, payload);
    Ok(())
}

/// Newest first.
pub async fn list(conn: &mut SqliteConnection, q: &ListActivity, limit: u32) -> Result<Vec<Activity>> {
    select(
        "WHERE company_id = ?1 AND (?2 IS NULL OR agent_id = ?2) AND (?3 IS NULL OR entity_type = ?3) \
         AND (?4 IS NULL OR entity_id = ?4) \
         AND (?5 IS NULL OR seq < (SELECT seq FROM activity_log WHERE id = ?5)) \
         ORDER BY seq DESC LIMIT ?6",
    )
    .bind(&q.company_id)
    .bind(&q.agent_id)
    .bind(&q.entity_type)
    .bind(&q.entity_id)
    .bind(&q.before)
    .bind(&i64::from(limit))
    .all(conn)
    .await
}

pub async fn of_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<Activity>> {
    select("WHERE entity_type = 'issue' AND entity_id = ? ORDER BY seq DESC LIMIT 500")
        .bind(&issue)
        .all(conn)
        .await
}

/// Whether a run's agent did anything that the trail knows of, beyond taking the issue.
pub async fn acted(conn: &mut SqliteConnection, run: RunId) -> Result<bool> {
    let q = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM activity_log WHERE run_id = ? AND actor_type = 'agent' \
         AND action NOT IN ('issue.checked_out', 'issue.checkout_lock_adopted'))",
    );
    Ok(scalar(conn, run.bind(q)).await?.unwrap_or(false))
}
