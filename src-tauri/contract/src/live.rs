//! What the per-company WebSocket says, in Paperclip's format.

use serde::{Deserialize, Serialize};

use crate::words::words;
use crate::{CompanyId, JsonObject, Timestamp};

words! {
    pub enum LiveEventType {
        RunQueued = "heartbeat.run.queued",
        RunStatus = "heartbeat.run.status",
        RunEvent = "heartbeat.run.event",
        RunLog = "heartbeat.run.log",
        AgentStatus = "agent.status",
        ActivityLogged = "activity.logged",
    }
}

/// One text frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveEvent {
    pub id: i64,
    pub company_id: CompanyId,
    pub r#type: LiveEventType,
    pub created_at: Timestamp,
    pub payload: JsonObject,
}
