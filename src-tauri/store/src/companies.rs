//! Companies.

use std::collections::BTreeMap;

use contract::company::{Company, CompanyStats};
use contract::feed::ChangeOp;
use contract::{CompanyId, Kind};
use sqlx::SqliteConnection;

use crate::entity::{Column, Cursor, entity, insert, scalar, select, update};
use crate::{Result, StoreError, WriteTx};

entity!(
    Company,
    "companies",
    id,
    [
        name,
        description,
        status,
        pause_reason,
        paused_at,
        issue_prefix,
        issue_counter,
        budget_monthly_cents,
        spent_monthly_cents,
        attachment_max_bytes,
        require_board_approval_for_new_agents,
        feedback_data_sharing_enabled,
        brand_color,
        created_at,
        updated_at,
    ]
);

pub async fn get(conn: &mut SqliteConnection, id: CompanyId) -> Result<Option<Company>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

pub async fn list(conn: &mut SqliteConnection) -> Result<Vec<Company>> {
    select("ORDER BY created_at, id").all(conn).await
}

/// How much each company holds.
pub async fn stats(conn: &mut SqliteConnection) -> Result<BTreeMap<CompanyId, CompanyStats>> {
    let sql = "SELECT c.id, \
         (SELECT count(*) FROM agents a WHERE a.company_id = c.id AND a.status <> 'terminated'), \
         (SELECT count(*) FROM issues i WHERE i.company_id = c.id AND i.hidden_at IS NULL) FROM companies c";
    let rows = sqlx::query(sql).fetch_all(conn).await?;
    rows.iter()
        .map(|r| {
            let mut c = Cursor::new(r);
            Ok((c.next()?, CompanyStats { agent_count: c.next()?, issue_count: c.next()? }))
        })
        .collect()
}

pub async fn prefix_taken(conn: &mut SqliteConnection, prefix: &str) -> Result<bool> {
    let q = sqlx::query("SELECT 1 FROM companies WHERE issue_prefix = ?").bind(prefix.to_owned());
    Ok(scalar::<i64>(conn, q).await?.is_some())
}

pub async fn create(tx: &mut WriteTx, c: &Company) -> Result<()> {
    insert(tx, c).await?;
    tx.record(c.id, Kind::Company, ChangeOp::Created, c.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, c: &Company) -> Result<()> {
    update(tx, c).await?;
    tx.record(c.id, Kind::Company, ChangeOp::Updated, c.id);
    Ok(())
}

/// Takes the next issue number. Returns it with the company's prefix.
pub async fn next_issue_number(tx: &mut WriteTx, id: CompanyId) -> Result<(String, i64)> {
    let q = id.bind(sqlx::query(
        "UPDATE companies SET issue_counter = issue_counter + 1 WHERE id = ? RETURNING issue_prefix, issue_counter",
    ));
    let row =
        q.fetch_optional(&mut **tx).await?.ok_or_else(|| StoreError::Other("no such company".into()))?;
    Ok((String::read(&row, 0)?, i64::read(&row, 1)?))
}
