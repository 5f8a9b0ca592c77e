//! Runs that wait for a later time, and the runs that came before them.

use contract::run::Run;
use contract::{AgentId, IssueId, RunId, Timestamp};
use sqlx::SqliteConnection;

use crate::entity::{Column, scalar, select};
use crate::{Result, WriteTx};

/// Runs whose time has come, longest due first.
pub async fn due(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<Run>> {
    select(
        "WHERE status = 'scheduled_retry' AND scheduled_retry_at <= ? ORDER BY scheduled_retry_at LIMIT 100",
    )
    .bind(&now)
    .all(conn)
    .await
}

/// All runs that wait for a later time.
pub async fn waiting(conn: &mut SqliteConnection) -> Result<Vec<Run>> {
    select("WHERE status = 'scheduled_retry' AND status IN ('queued', 'scheduled_retry', 'running')")
        .all(conn)
        .await
}

/// When the next run's time comes.
pub async fn next_due(conn: &mut SqliteConnection) -> Result<Option<Timestamp>> {
    let q = sqlx::query(
        "SELECT scheduled_retry_at FROM heartbeat_runs WHERE status = 'scheduled_retry' \
         ORDER BY scheduled_retry_at LIMIT 1",
    );
    Ok(scalar::<Option<Timestamp>>(conn, q).await?.flatten())
}

/// The ended runs of an agent on an issue which were at work, newest first.
pub async fn past(
    conn: &mut SqliteConnection,
    issue: IssueId,
    agent: AgentId,
    limit: i64,
) -> Result<Vec<Run>> {
    select(
        "WHERE issue_id = ? AND agent_id = ? AND started_at IS NOT NULL \
         AND status NOT IN ('queued', 'scheduled_retry', 'running') ORDER BY created_at DESC, rowid DESC LIMIT ?",
    )
    .bind(&issue)
    .bind(&agent)
    .bind(&limit)
    .all(conn)
    .await
}

/// The account with a provider that a run's agent used.
pub async fn account(conn: &mut SqliteConnection, run: RunId) -> Result<Option<String>> {
    let q = sqlx::query("SELECT provider_account FROM heartbeat_runs WHERE id = ?");
    Ok(scalar::<Option<String>>(conn, run.bind(q)).await?.flatten())
}

pub async fn set_account(tx: &mut WriteTx, run: RunId, account: &str) -> Result<()> {
    let q =
        sqlx::query("UPDATE heartbeat_runs SET provider_account = ? WHERE id = ?").bind(account.to_owned());
    run.bind(q).execute(&mut **tx).await?;
    Ok(())
}
