//! The write transaction, and the changes it will announce.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;

use contract::feed::ChangeOp;
use contract::{CompanyId, JsonObject, Kind, Timestamp};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use tokio::sync::OwnedMutexGuard;

use crate::Result;
use crate::pool::Announce;

/// Changes written by one statement. SQLite allows 32766 values in one; each has six.
const CHANGES_AT_ONCE: usize = 100;

/// The one write transaction there can be at a time. Dropped without [`WriteTx::commit`], nothing happened.
pub struct WriteTx {
    conn: Writer,
    at: Timestamp,
    pending: Vec<Pending>,
    announce: Announce,
}

struct Pending {
    company_id: Option<CompanyId>,
    kind: Kind,
    op: ChangeOp,
    entity_id: String,
    payload: Option<JsonObject>,
}

impl WriteTx {
    pub(crate) async fn begin(
        conn: OwnedMutexGuard<SqliteConnection>,
        at: Timestamp,
        announce: Announce,
    ) -> Result<Self> {
        let mut conn = Writer(Some(conn));
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
        Ok(Self { conn, at, pending: Vec::new(), announce })
    }

    /// The one moment at which everything in this transaction happens.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Announces a change. Several of the same thing in one transaction become one.
    pub fn record(
        &mut self,
        company: impl Into<Option<CompanyId>>,
        kind: Kind,
        op: ChangeOp,
        id: impl ToString,
    ) {
        let (company_id, entity_id) = (company.into(), id.to_string());
        if self.pending.iter().any(|p| {
            p.kind == kind && p.payload.is_none() && p.entity_id == entity_id && p.op != ChangeOp::Deleted
        }) && op == ChangeOp::Updated
        {
            return;
        }
        self.pending.push(Pending { company_id, kind, op, entity_id, payload: None });
    }

    /// Announces a change together with what live clients are told about it.
    pub fn record_with(
        &mut self,
        company: CompanyId,
        kind: Kind,
        op: ChangeOp,
        id: impl ToString,
        payload: JsonObject,
    ) {
        self.pending.push(Pending {
            company_id: Some(company),
            kind,
            op,
            entity_id: id.to_string(),
            payload: Some(payload),
        });
    }

    /// Commits what changed something, and answers whether anything did. A look that found nothing to do is no change:
    /// answers that are kept stay good, and no backup is made of it.
    pub async fn commit_if_changed(self) -> Result<bool> {
        if self.pending.is_empty() {
            return Ok(false);
        }
        self.commit().await?;
        Ok(true)
    }

    /// Appends the changes to the feed, commits, and tells the followers.
    pub async fn commit(mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let mut last = None;
        for some in pending.chunks(CHANGES_AT_ONCE) {
            last = Some(self.append(some).await?);
        }
        sqlx::query("COMMIT").execute(&mut *self.conn).await?;
        self.conn.0 = None;
        self.announce.commits.fetch_add(1, Ordering::Release);
        if let Some(seq) = last {
            self.announce.feed.send_replace(seq);
        }
        Ok(())
    }

    /// Answers the number of the last one.
    async fn append(&mut self, changes: &[Pending]) -> Result<i64> {
        let mut q = QueryBuilder::<Sqlite>::new(
            "INSERT INTO changes (company_id, kind, op, entity_id, payload, at) ",
        );
        let at = self.at.millis();
        q.push_values(changes, |mut row, p| {
            row.push_bind(p.company_id.map(|c| c.to_string()))
                .push_bind(p.kind.as_str())
                .push_bind(p.op.as_str())
                .push_bind(p.entity_id.clone())
                .push_bind(p.payload.as_ref().map(|v| serde_json::to_string(v).unwrap_or_default()))
                .push_bind(at);
        });
        Ok(q.build().execute(&mut *self.conn).await?.last_insert_rowid())
    }
}

impl Deref for WriteTx {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.conn
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }
}

/// The writing connection in a transaction. Dropped with the connection still in it, the transaction is taken
/// back before anybody else has the connection; that covers errors and futures that are dropped half-way.
struct Writer(Option<OwnedMutexGuard<SqliteConnection>>);

impl Deref for Writer {
    type Target = SqliteConnection;
    #[expect(
        clippy::expect_used,
        reason = "emptied by commit, which consumes the transaction, and by drop alone"
    )]
    fn deref(&self) -> &SqliteConnection {
        self.0.as_deref().expect("the connection")
    }
}

impl DerefMut for Writer {
    #[expect(clippy::expect_used, reason = "as above")]
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.0.as_deref_mut().expect("the connection")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Without a runtime the program is over, and the connection with it.
        if let Some(mut conn) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                // Refused where the begin had failed or the commit had gone through: then there is none.
                let _ = sqlx::query("ROLLBACK").execute(&mut *conn).await;
            });
        }
    }
}
