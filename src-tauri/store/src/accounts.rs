//! Accounts with providers that turned requests away.

use contract::{RunId, Timestamp};
use sqlx::SqliteConnection;

use crate::entity::{Column, Cursor};
use crate::{Result, WriteTx};

/// An account that turned requests away lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderAccount {
    pub account: String,
    pub blocked_until: Timestamp,
    /// So often in a row.
    pub refusals: i64,
    pub reason: Option<String>,
    /// The run that tries whether requests are taken again.
    pub probe_run_id: Option<RunId>,
}

const COLUMNS: &str = "SELECT account, blocked_until, refusals, reason, probe_run_id FROM provider_accounts";

fn account(row: &sqlx::sqlite::SqliteRow) -> Result<ProviderAccount> {
    let mut c = Cursor::new(row);
    Ok(ProviderAccount {
        account: c.next()?,
        blocked_until: c.next()?,
        refusals: c.next()?,
        reason: c.next()?,
        probe_run_id: c.next()?,
    })
}

pub async fn get(conn: &mut SqliteConnection, name: &str) -> Result<Option<ProviderAccount>> {
    let q = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE account = ?")));
    q.bind(name).fetch_optional(conn).await?.as_ref().map(account).transpose()
}

/// All of them: a machine has a handful.
pub async fn all(conn: &mut SqliteConnection) -> Result<Vec<ProviderAccount>> {
    let q = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY account")));
    q.fetch_all(conn).await?.iter().map(account).collect()
}

pub async fn save(tx: &mut WriteTx, a: &ProviderAccount) -> Result<()> {
    let q = sqlx::query(
        "INSERT INTO provider_accounts (account, blocked_until, refusals, reason, probe_run_id, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (account) DO UPDATE SET blocked_until = ?2, refusals = ?3, \
         reason = ?4, probe_run_id = ?5, updated_at = ?6",
    );
    let at = tx.at();
    let q = a.blocked_until.bind(q.bind(&a.account)).bind(a.refusals).bind(&a.reason);
    at.bind(a.probe_run_id.bind(q)).execute(&mut **tx).await?;
    Ok(())
}

/// It takes requests again.
pub async fn forget(tx: &mut WriteTx, name: &str) -> Result<()> {
    sqlx::query("DELETE FROM provider_accounts WHERE account = ?").bind(name).execute(&mut **tx).await?;
    Ok(())
}
