//! Settings of the installation.

use contract::feed::ChangeOp;
use contract::instance::{ExperimentalSettings, GeneralSettings};
use contract::{Kind, Timestamp};
use sqlx::SqliteConnection;

use crate::entity::Column;
use crate::{Result, StoreError, WriteTx};

/// The installation's one row.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    pub general: GeneralSettings,
    pub experimental: ExperimentalSettings,
    pub paused_at: Option<Timestamp>,
}

pub async fn get(conn: &mut SqliteConnection) -> Result<Instance> {
    let row = sqlx::query("SELECT general, experimental, paused_at FROM instance_settings WHERE id = 1")
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(Instance::default()) };
    Ok(Instance {
        general: json(&String::read(&row, 0)?)?,
        experimental: json(&String::read(&row, 1)?)?,
        paused_at: Column::read(&row, 2)?,
    })
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| StoreError::Value(e.to_string()))
}

pub async fn save(tx: &mut WriteTx, i: &Instance) -> Result<()> {
    let text =
        |v| serde_json::to_string::<serde_json::Value>(&v).map_err(|e| StoreError::Value(e.to_string()));
    let general = text(serde_json::json!(i.general))?;
    let experimental = text(serde_json::json!(i.experimental))?;
    let at = tx.at();
    let q = sqlx::query(
        "INSERT INTO instance_settings (id, general, experimental, paused_at, created_at, updated_at) \
         VALUES (1, ?1, ?2, ?3, ?4, ?4) \
         ON CONFLICT (id) DO UPDATE SET general = ?1, experimental = ?2, paused_at = ?3, updated_at = ?4",
    )
    .bind(general)
    .bind(experimental);
    at.bind(i.paused_at.bind(q)).execute(&mut **tx).await?;
    tx.record(None, Kind::Instance, ChangeOp::Updated, "settings");
    Ok(())
}
