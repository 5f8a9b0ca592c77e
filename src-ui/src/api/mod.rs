//! Operations of the core, called with their own types.

pub mod feed;
pub mod query;
pub mod upload;

use contract::{ApiError, Operation};

use crate::ipc;

/// Calls an operation.
pub async fn call<O: Operation>(input: &O::Input) -> Result<O::Output, ApiError> {
    let input = serde_json::to_value(input)
        .map_err(|e| ApiError::internal(format!("The input of {} cannot be written: {e}", O::NAME)))?;
    ipc::invoke_bytes("call", &serde_json::json!({ "name": O::NAME, "input": input })).await
}
