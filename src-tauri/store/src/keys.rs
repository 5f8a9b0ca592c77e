//! Agent API keys. Only their hashes are kept.

use contract::agent::AgentKey;
use contract::feed::ChangeOp;
use contract::{AgentId, AgentKeyId, CompanyId, Kind, Timestamp};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, select};
use crate::{Result, WriteTx};

entity!(AgentKey, "agent_api_keys", id, [name, created_at, last_used_at, revoked_at]);

/// Whose key it is.
#[derive(Clone, Copy, Debug)]
pub struct KeyOwner {
    pub id: AgentKeyId,
    pub agent_id: AgentId,
    pub company_id: CompanyId,
    pub last_used_at: Option<Timestamp>,
}

pub async fn list(conn: &mut SqliteConnection, agent: AgentId) -> Result<Vec<AgentKey>> {
    select("WHERE agent_id = ? ORDER BY created_at DESC").bind(&agent).all(conn).await
}

/// The owner of a key that is not revoked.
pub async fn owner(conn: &mut SqliteConnection, hash: &str) -> Result<Option<KeyOwner>> {
    let row = sqlx::query(
        "SELECT id, agent_id, company_id, last_used_at FROM agent_api_keys WHERE key_hash = ? AND revoked_at IS NULL",
    )
    .bind(hash.to_owned())
    .fetch_optional(conn)
    .await?;
    row.map(|r| {
        Ok(KeyOwner {
            id: Column::read(&r, 0)?,
            agent_id: Column::read(&r, 1)?,
            company_id: Column::read(&r, 2)?,
            last_used_at: Column::read(&r, 3)?,
        })
    })
    .transpose()
}

pub async fn create(
    tx: &mut WriteTx,
    company: CompanyId,
    agent: AgentId,
    key: &AgentKey,
    hash: &str,
) -> Result<()> {
    let q = sqlx::query(
        "INSERT INTO agent_api_keys (id, company_id, agent_id, name, key_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)",
    );
    let q = agent.bind(company.bind(key.id.bind(q)));
    let q = q.bind(key.name.clone()).bind(hash.to_owned()).bind(key.created_at.millis());
    q.execute(&mut **tx).await?;
    tx.record(company, Kind::AgentKey, ChangeOp::Created, key.id);
    Ok(())
}

pub async fn touch(tx: &mut WriteTx, id: AgentKeyId) -> Result<()> {
    let at = tx.at();
    let q = id.bind(at.bind(sqlx::query("UPDATE agent_api_keys SET last_used_at = ? WHERE id = ?")));
    q.execute(&mut **tx).await?;
    Ok(())
}

/// Revokes one key of an agent, or all of them. Answers how many.
pub async fn revoke(
    tx: &mut WriteTx,
    company: CompanyId,
    agent: AgentId,
    id: Option<AgentKeyId>,
) -> Result<u64> {
    let at = tx.at();
    let q = sqlx::query(
        "UPDATE agent_api_keys SET revoked_at = ? WHERE agent_id = ? AND revoked_at IS NULL AND (?3 IS NULL OR id = ?3)",
    );
    let n = id.bind(agent.bind(at.bind(q))).execute(&mut **tx).await?.rows_affected();
    if n > 0 {
        let what = id.map_or_else(|| agent.to_string(), |k| k.to_string());
        tx.record(company, Kind::AgentKey, ChangeOp::Updated, what);
    }
    Ok(n)
}
