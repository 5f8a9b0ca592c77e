//! The one error that every door speaks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Stable reason of a refusal. Programs match on this, never on the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The input does not have the declared shape.
    ValidationError,
    /// No token, or one that is unknown, revoked or expired.
    Unauthorized,
    /// An agent called without the run it acts for.
    RunIdRequired,
    /// The caller is known but may not do this.
    Forbidden,
    /// The request came from a page or a host name that is not this machine.
    ForeignOrigin,
    NotFound,
    /// The state of the thing does not allow it.
    Conflict,
    /// Another run holds the issue.
    CheckoutConflict,
    /// The edit was made against an older revision.
    StaleRevision,
    /// Well formed, but the rules refuse it.
    Unprocessable,
    /// An agent left an issue in a state that nothing would ever move on from.
    InvalidIssueDisposition,
    /// Unresolved blockers stand before the issue.
    DependenciesBlocked,
    PayloadTooLarge,
    RateLimited,
    /// The database is locked or out of reach for now: trying again may help.
    StoreUnavailable,
    /// The database is damaged: nothing is written any more until a backup is restored.
    StoreDamaged,
    /// The disk has no room left.
    DiskFull,
    /// The program is stopping or still starting.
    Unavailable,
    /// This version does not do it.
    Unsupported,
    Internal,
}

impl ErrorCode {
    /// The HTTP status that Paperclip's clients expect for this reason.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::ValidationError => 400,
            Self::Unauthorized | Self::RunIdRequired => 401,
            Self::Forbidden | Self::ForeignOrigin => 403,
            Self::NotFound => 404,
            Self::Conflict | Self::CheckoutConflict | Self::StaleRevision => 409,
            Self::PayloadTooLarge => 413,
            Self::Unprocessable | Self::InvalidIssueDisposition | Self::DependenciesBlocked => 422,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unsupported => 501,
            Self::StoreUnavailable | Self::StoreDamaged | Self::Unavailable => 503,
            Self::DiskFull => 507,
        }
    }
}

/// A refusal: what is wrong, and where possible what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// One sentence for a person. Paperclip's clients read it under this name.
    #[serde(rename = "error")]
    pub message: String,
    pub code: ErrorCode,
    /// What the caller can do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { message: message.into(), code, hint: None, details: None }
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ValidationError, message)
    }

    /// `what` is the thing's own name: "Issue", "Agent".
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("{what} not found"))
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unauthorized, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unprocessable, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }
}
