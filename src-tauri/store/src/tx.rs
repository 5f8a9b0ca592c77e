//! The write transaction, and the changes it will announce.

use std::ops::{Deref, DerefMut};

use contract::feed::ChangeOp;
use contract::{CompanyId, JsonObject, Kind, Timestamp};
use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::sync::watch;

use crate::Result;

/// The one write transaction there can be at a time. Dropped without [`WriteTx::commit`], nothing happened.
pub struct WriteTx {
    tx: Transaction<'static, Sqlite>,
    at: Timestamp,
    pending: Vec<Pending>,
    announce: watch::Sender<i64>,
}

struct Pending {
    company_id: Option<CompanyId>,
    kind: Kind,
    op: ChangeOp,
    entity_id: String,
    payload: Option<JsonObject>,
}

impl WriteTx {
    pub(crate) fn new(tx: Transaction<'static, Sqlite>, at: Timestamp, announce: watch::Sender<i64>) -> Self {
        Self { tx, at, pending: Vec::new(), announce }
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

    /// Kinds announced so far.
    pub fn recorded(&self) -> impl Iterator<Item = Kind> + '_ {
        self.pending.iter().map(|p| p.kind)
    }

    /// Appends the changes to the feed, commits, and tells the followers.
    pub async fn commit(mut self) -> Result<()> {
        let mut last = None;
        for p in std::mem::take(&mut self.pending) {
            let payload = p.payload.map(|v| serde_json::to_string(&v).unwrap_or_default());
            let done = sqlx::query(
                "INSERT INTO changes (company_id, kind, op, entity_id, payload, at) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(p.company_id.map(|c| c.to_string()))
            .bind(p.kind.as_str())
            .bind(p.op.as_str())
            .bind(p.entity_id)
            .bind(payload)
            .bind(self.at.millis())
            .execute(&mut *self.tx)
            .await?;
            last = Some(done.last_insert_rowid());
        }
        self.tx.commit().await?;
        if let Some(seq) = last {
            self.announce.send_replace(seq);
        }
        Ok(())
    }
}

impl Deref for WriteTx {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.tx
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}
