//! Agents and the revisions of their configuration.

use contract::agent::{Agent, AgentConfigRevision, AgentStatus};
use contract::feed::ChangeOp;
use contract::{AgentId, AgentRevisionId, CompanyId, JsonObject, Kind, Timestamp};
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::entity::{Column, Cursor, entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    Agent,
    "agents",
    id,
    [
        company_id,
        name,
        url_key,
        role,
        title,
        icon,
        status,
        reports_to,
        capabilities,
        adapter_type,
        adapter_config,
        runtime_config,
        default_environment_id,
        budget_monthly_cents,
        spent_monthly_cents,
        pause_reason,
        paused_at,
        permissions,
        last_heartbeat_at,
        metadata,
        created_at,
        updated_at,
    ]
);

entity!(
    AgentConfigRevision,
    "agent_config_revisions",
    id,
    [
        company_id,
        agent_id,
        created_by_agent_id,
        created_by_user_id,
        source,
        rolled_back_from_revision_id,
        changed_keys,
        before_config,
        after_config,
        created_at,
    ]
);

pub async fn get(conn: &mut SqliteConnection, id: AgentId) -> Result<Option<Agent>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// Agents with this URL key, in one company or in all: the living ones, or where none lives the one that was
/// terminated last, whose name may have been given away since.
pub async fn by_key(
    conn: &mut SqliteConnection,
    key: &str,
    company: Option<CompanyId>,
) -> Result<Vec<Agent>> {
    let living: Vec<Agent> =
        select("WHERE url_key = ?1 AND (?2 IS NULL OR company_id = ?2) AND status <> 'terminated'")
            .text(key)
            .bind(&company)
            .all(conn)
            .await?;
    if !living.is_empty() {
        return Ok(living);
    }
    select("WHERE url_key = ?1 AND (?2 IS NULL OR company_id = ?2) ORDER BY updated_at DESC LIMIT 1")
        .text(key)
        .bind(&company)
        .all(conn)
        .await
}

/// Agents of a company that are not terminated, oldest first.
pub async fn list(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<Agent>> {
    select("WHERE company_id = ? AND status <> 'terminated' ORDER BY created_at, id")
        .bind(&company)
        .all(conn)
        .await
}

/// All agents that a company ever had, oldest first.
pub async fn ever(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<Agent>> {
    select("WHERE company_id = ? ORDER BY created_at, id").bind(&company).all(conn).await
}

/// What an agent is called.
#[derive(Clone, Debug)]
pub struct AgentName {
    pub id: AgentId,
    pub name: String,
    pub url_key: String,
    pub title: Option<String>,
    pub updated_at: Timestamp,
}

/// The names of a company's agents that are not terminated, without the configuration that each carries.
pub async fn names(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<AgentName>> {
    let q = sqlx::query(
        "SELECT id, name, url_key, title, updated_at FROM agents \
         WHERE company_id = ? AND status <> 'terminated' ORDER BY created_at, id",
    );
    let rows = company.bind(q).fetch_all(conn).await?;
    rows.iter()
        .map(|r| {
            let mut c = Cursor::new(r);
            Ok(AgentName {
                id: c.next()?,
                name: c.next()?,
                url_key: c.next()?,
                title: c.next()?,
                updated_at: c.next()?,
            })
        })
        .collect()
}

/// Agents whose timer may be due, over all companies that work.
pub async fn with_timer(conn: &mut SqliteConnection) -> Result<Vec<Agent>> {
    select(
        "WHERE status NOT IN ('paused', 'terminated', 'pending_approval') \
           AND json_extract(runtime_config, '$.heartbeat.enabled') = 1 \
           AND company_id IN (SELECT id FROM companies WHERE status = 'active')",
    )
    .all(conn)
    .await
}

pub async fn create(tx: &mut WriteTx, a: &Agent) -> Result<()> {
    insert(tx, a).await?;
    announce(tx, a, ChangeOp::Created, a.status, a.last_heartbeat_at);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, a: &Agent) -> Result<()> {
    update(tx, a).await?;
    announce(tx, a, ChangeOp::Updated, a.status, a.last_heartbeat_at);
    Ok(())
}

/// Sets what runs set, and nothing else.
pub async fn set_status(
    tx: &mut WriteTx,
    a: &Agent,
    status: AgentStatus,
    last_heartbeat_at: Option<Timestamp>,
) -> Result<()> {
    let at = tx.at();
    let q = sqlx::query(
        "UPDATE agents SET status = ?, last_heartbeat_at = coalesce(?, last_heartbeat_at), updated_at = ? WHERE id = ?",
    );
    let q = a.id.bind(at.bind(last_heartbeat_at.bind(status.bind(q))));
    q.execute(&mut **tx).await?;
    announce(tx, a, ChangeOp::Updated, status, last_heartbeat_at.or(a.last_heartbeat_at));
    Ok(())
}

/// Live clients are told the agent's state with the change.
fn announce(tx: &mut WriteTx, a: &Agent, op: ChangeOp, status: AgentStatus, last: Option<Timestamp>) {
    let mut p = JsonObject::new();
    p.insert("agentId".into(), a.id.to_string().into());
    p.insert("status".into(), status.as_str().into());
    p.insert("lastHeartbeatAt".into(), last.map_or(Value::Null, |t| t.to_string().into()));
    tx.record_with(a.company_id, Kind::Agent, op, a.id, p);
}

pub async fn add_revision(tx: &mut WriteTx, r: &AgentConfigRevision) -> Result<()> {
    insert(tx, r).await?;
    tx.record(r.company_id, Kind::AgentRevision, ChangeOp::Created, r.id);
    Ok(())
}

pub async fn revisions(conn: &mut SqliteConnection, agent: AgentId) -> Result<Vec<AgentConfigRevision>> {
    select("WHERE agent_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 200").bind(&agent).all(conn).await
}

pub async fn revision(
    conn: &mut SqliteConnection,
    agent: AgentId,
    id: AgentRevisionId,
) -> Result<Option<AgentConfigRevision>> {
    select("WHERE id = ? AND agent_id = ?").bind(&id).bind(&agent).one(conn).await
}
