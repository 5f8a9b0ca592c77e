//! Comments on issues.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::issue::SortDir;
use crate::query;
use crate::text::Body;
use crate::words::words;
use crate::{AgentId, CommentId, CompanyId, IssueId, IssueRef, JsonObject, RunId, Timestamp};

words! {
    pub enum AuthorType {
        User = "user",
        Agent = "agent",
        System = "system",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueComment {
    pub id: CommentId,
    pub company_id: CompanyId,
    pub issue_id: IssueId,
    pub author_type: AuthorType,
    pub author_agent_id: Option<AgentId>,
    pub author_user_id: Option<String>,
    pub created_by_run_id: Option<RunId>,
    pub body: String,
    /// How a system notice is shown: kind, tone, title.
    pub presentation: Option<JsonObject>,
    /// Typed rows of a system notice.
    pub metadata: Option<JsonObject>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddComment {
    pub id: IssueRef,
    pub body: Body,
    /// Who it is said to be by; only the board may say other than itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_type: Option<AuthorType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presentation: Option<JsonObject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<JsonObject>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopen: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resume: bool,
    /// Stop the run that is live on the issue; board only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupt: bool,
}

impl AddComment {
    pub fn of(id: impl Into<IssueRef>, body: Body) -> Self {
        Self {
            id: id.into(),
            body,
            author_type: None,
            presentation: None,
            metadata: None,
            reopen: false,
            resume: false,
            interrupt: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListComments {
    pub id: IssueRef,
    /// Only comments after this one.
    #[serde(default, alias = "afterCommentId", skip_serializing_if = "Option::is_none")]
    pub after: Option<CommentId>,
    /// Only comments before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<CommentId>,
    /// Newest first unless `asc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<SortDir>,
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommentPath {
    pub id: IssueRef,
    pub comment_id: CommentId,
}
