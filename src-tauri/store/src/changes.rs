//! The feed of changes.

use contract::feed::{Change, ChangePage};
use contract::{CompanyId, Timestamp};
use sqlx::SqliteConnection;

use crate::entity::{Column, Cursor, scalar};
use crate::{Result, WriteTx};

pub async fn latest(conn: &mut SqliteConnection) -> Result<i64> {
    Ok(scalar(conn, sqlx::query("SELECT coalesce(max(seq), 0) FROM changes")).await?.unwrap_or(0))
}

/// Changes after a cursor, of one company (and those of the instance) or of all.
pub async fn read(
    conn: &mut SqliteConnection,
    after: i64,
    company: Option<CompanyId>,
    limit: u32,
) -> Result<ChangePage> {
    let oldest =
        scalar::<i64>(conn, sqlx::query("SELECT coalesce(min(seq), 0) FROM changes")).await?.unwrap_or(0);
    let newest = latest(conn).await?;
    if after > newest || (oldest > 0 && after + 1 < oldest) {
        return Ok(ChangePage { changes: Vec::new(), cursor: newest, reset: true });
    }
    let q = sqlx::query(
        "SELECT seq, company_id, kind, op, entity_id, payload, at FROM changes \
         WHERE seq > ?1 AND (?2 IS NULL OR company_id IS NULL OR company_id = ?2) ORDER BY seq LIMIT ?3",
    );
    let rows = company.bind(q.bind(after)).bind(i64::from(limit)).fetch_all(conn).await?;
    let changes: Vec<Change> = rows
        .iter()
        .map(|r| {
            let mut c = Cursor::new(r);
            Ok(Change {
                seq: c.next()?,
                company_id: c.next()?,
                kind: c.next()?,
                op: c.next()?,
                entity_id: c.next()?,
                payload: c.next()?,
                at: c.next()?,
            })
        })
        .collect::<Result<_>>()?;
    let last = changes.last().map_or(after, |c| c.seq);
    // A page that is not full has seen everything up to the newest, whatever company it was of, and perhaps one that
    // came after the newest was asked for.
    let cursor = if changes.len() < limit as usize { newest.max(last) } else { last };
    Ok(ChangePage { changes, cursor, reset: false })
}

/// Drops changes older than this, but keeps the newest `keep`. Followers behind it read anew.
pub async fn prune(tx: &mut WriteTx, before: Timestamp, keep: i64) -> Result<u64> {
    let q = sqlx::query("DELETE FROM changes WHERE at < ? AND seq <= (SELECT max(seq) FROM changes) - ?");
    Ok(before.bind(q).bind(keep).execute(&mut **tx).await?.rows_affected())
}
