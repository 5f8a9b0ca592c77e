//! Checks of the database itself.

use sqlx::{Row, SqliteConnection};

use crate::Result;

/// What SQLite finds wrong with the file. Empty when it is sound.
pub async fn integrity_of(conn: &mut SqliteConnection) -> Result<Vec<String>> {
    let rows = sqlx::query("PRAGMA integrity_check(20)").fetch_all(conn).await?;
    let lines: Vec<String> =
        rows.iter().map(|r| r.try_get::<String, _>(0)).collect::<std::result::Result<_, _>>()?;
    Ok(lines.into_iter().filter(|l| l != "ok").collect())
}

/// Rows that point at rows which are not there: table, and how many.
pub async fn broken_references(conn: &mut SqliteConnection) -> Result<Vec<(String, usize)>> {
    let rows = sqlx::query("PRAGMA foreign_key_check").fetch_all(conn).await?;
    let mut out: Vec<(String, usize)> = Vec::new();
    for row in rows {
        let table: String = row.try_get(0)?;
        match out.iter_mut().find(|(t, _)| *t == table) {
            Some((_, n)) => *n += 1,
            None => out.push((table, 1)),
        }
    }
    Ok(out)
}

/// Log folders of runs that wrote something, newest first, to be looked for on disk.
pub async fn run_logs(conn: &mut SqliteConnection, limit: u32) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query(
        "SELECT id, log_ref FROM heartbeat_runs WHERE log_ref IS NOT NULL AND log_bytes > 0 \
         ORDER BY created_at DESC LIMIT ?",
    )
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.iter().map(|r| Ok((r.try_get(0)?, r.try_get(1)?))).collect()
}
