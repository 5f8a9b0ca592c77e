//! Settings of the installation.

use contract::feed::ChangeOp;
use contract::instance::GeneralSettings;
use contract::{Kind, Timestamp};
use sqlx::SqliteConnection;

use crate::entity::Column;
use crate::{Result, StoreError, WriteTx};

/// The installation's one row.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    pub general: GeneralSettings,
    pub paused_at: Option<Timestamp>,
}

pub async fn get(conn: &mut SqliteConnection) -> Result<Instance> {
    let row = sqlx::query("SELECT general, paused_at FROM instance_settings WHERE id = 1")
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(Instance::default()) };
    let general = String::read(&row, 0)?;
    Ok(Instance {
        general: serde_json::from_str(&general).map_err(|e| StoreError::Value(e.to_string()))?,
        paused_at: Column::read(&row, 1)?,
    })
}

pub async fn save(tx: &mut WriteTx, i: &Instance) -> Result<()> {
    let general = serde_json::to_string(&i.general).map_err(|e| StoreError::Value(e.to_string()))?;
    let at = tx.at();
    let q = sqlx::query(
        "INSERT INTO instance_settings (id, general, paused_at, created_at, updated_at) VALUES (1, ?1, ?2, ?3, ?3) \
         ON CONFLICT (id) DO UPDATE SET general = ?1, paused_at = ?2, updated_at = ?3",
    )
    .bind(general);
    at.bind(i.paused_at.bind(q)).execute(&mut **tx).await?;
    tx.record(None, Kind::Instance, ChangeOp::Updated, "settings");
    Ok(())
}
