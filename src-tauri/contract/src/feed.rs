//! The feed of changes, followed by cursor by the window, the tray and live clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::query;
use crate::words::words;
use crate::{CompanyId, JsonObject, Kind, Timestamp};

words! {
    pub enum ChangeOp {
        Created = "created",
        Updated = "updated",
        Deleted = "deleted",
    }
}

/// One thing that changed. Appended in the transaction that changed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Grows by one with each change, without gaps within a database.
    pub seq: i64,
    /// Absent when the change belongs to the whole instance.
    pub company_id: Option<CompanyId>,
    pub kind: Kind,
    pub op: ChangeOp,
    /// UUID of the thing, or its key where it has none.
    pub entity_id: String,
    /// What live clients are told about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<JsonObject>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadChanges {
    /// Changes after this number; absent means from now on.
    #[serde(default, deserialize_with = "query::number")]
    pub after: Option<i64>,
    #[serde(default)]
    pub company_id: Option<CompanyId>,
    /// 500 unless given, 2000 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangePage {
    pub changes: Vec<Change>,
    /// Where to read on.
    pub cursor: i64,
    /// The cursor was older than what is kept: read everything anew.
    pub reset: bool,
}
