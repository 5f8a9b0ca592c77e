//! What crosses a boundary: operations, their inputs and outputs, and errors.
//!
//! This crate is plain data. It builds for the native core and for the window's
//! WebAssembly alike, so both sides of every door share one set of types. JSON
//! names and values follow Paperclip's HTTP API.

pub mod activity;
pub mod adapter;
pub mod agent;
pub mod agent_skill;
pub mod annotation;
pub mod approval;
pub mod attachment;
pub mod budget;
pub mod catalog_skill;
pub mod child;
pub mod comment;
pub mod company;
pub mod cost;
pub mod dashboard;
pub mod document;
pub mod document_annotation;
pub mod error;
pub mod execution;
pub mod feed;
pub mod graph;
pub mod heartbeat;
pub mod id;
pub mod instance;
pub mod interaction;
pub mod issue;
pub mod label;
pub mod live;
pub mod money;
pub mod operation;
pub mod operations;
pub mod patch;
pub mod planning;
pub mod project_workspace;
pub mod query;
pub mod recovery;
pub mod run;
pub mod search;
pub mod skill;
pub mod text;
pub mod time;
pub mod transcript;
pub mod tree;
pub mod wake;
pub mod watchdog;
mod words;
pub mod work_product;
pub mod workspace;

pub use error::{ApiError, ErrorCode};
pub use id::*;
pub use money::{Cents, Micros};
pub use operation::{Access, Bytes, Kind, Method, Operation, OperationInfo};
pub use patch::Patch;
pub use text::Text;
pub use time::Timestamp;

/// A JSON object whose shape the program does not own (adapter settings, payloads).
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// What an operation answers when there is nothing to say but that it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Done {
    pub ok: bool,
}

impl Done {
    pub const OK: Self = Self { ok: true };
}

/// The user id under which the one operator of this machine acts, as Paperclip names it.
pub const LOCAL_OPERATOR: &str = "local-board";
