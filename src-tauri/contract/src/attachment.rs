//! Files attached to issues and their comments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AgentId, AssetId, AttachmentId, CommentId, CompanyId, IssueId, IssueRef, Timestamp, UploadId};

/// Bytes that are kept, and what is known of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    pub id: AssetId,
    pub company_id: CompanyId,
    /// Always `local_disk`.
    pub provider: String,
    /// Where in the folder of assets.
    pub object_key: String,
    /// As it was declared, or guessed from the name. What a viewer does with the bytes never rests on it alone.
    pub content_type: String,
    pub byte_size: i64,
    pub sha256: String,
    pub original_filename: Option<String>,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// That an asset belongs to an issue, and to one of its comments where it came with that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentLink {
    pub id: AttachmentId,
    pub company_id: CompanyId,
    pub issue_id: IssueId,
    pub asset_id: AssetId,
    pub issue_comment_id: Option<CommentId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A file of an issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    pub id: AttachmentId,
    pub company_id: CompanyId,
    pub issue_id: IssueId,
    pub issue_comment_id: Option<CommentId>,
    pub asset_id: AssetId,
    pub provider: String,
    pub object_key: String,
    pub content_type: String,
    pub byte_size: i64,
    pub sha256: String,
    pub original_filename: Option<String>,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Path of its bytes at the HTTP door; Markdown that names it shows it.
    pub content_path: String,
}

impl Attachment {
    pub fn new(link: AttachmentLink, asset: Asset) -> Self {
        Self {
            content_path: content_path(link.id),
            id: link.id,
            company_id: link.company_id,
            issue_id: link.issue_id,
            issue_comment_id: link.issue_comment_id,
            asset_id: link.asset_id,
            provider: asset.provider,
            object_key: asset.object_key,
            content_type: asset.content_type,
            byte_size: asset.byte_size,
            sha256: asset.sha256,
            original_filename: asset.original_filename,
            created_by_agent_id: asset.created_by_agent_id,
            created_by_user_id: asset.created_by_user_id,
            created_at: link.created_at,
            updated_at: link.updated_at,
        }
    }
}

/// Where the bytes of an attachment are had.
pub fn content_path(id: AttachmentId) -> String {
    format!("/api/attachments/{id}/content")
}

/// The attachment whose bytes a path names.
pub fn of_content_path(path: &str) -> Option<AttachmentId> {
    path.strip_prefix("/api/attachments/")?.strip_suffix("/content")?.parse().ok()
}

/// What an agent is told of a file when it looks at its issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentBrief {
    pub id: AttachmentId,
    pub filename: Option<String>,
    pub content_type: String,
    pub byte_size: i64,
    pub content_path: String,
    pub created_at: Timestamp,
}

impl From<Attachment> for AttachmentBrief {
    fn from(a: Attachment) -> Self {
        Self {
            id: a.id,
            filename: a.original_filename,
            content_type: a.content_type,
            byte_size: a.byte_size,
            content_path: a.content_path,
            created_at: a.created_at,
        }
    }
}

/// Attaches what was uploaded. Over HTTP the file is a part of the same request; the door puts the upload in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddAttachment {
    pub company_id: CompanyId,
    pub issue_id: IssueRef,
    pub upload_id: UploadId,
    /// A comment of the same issue.
    #[serde(default)]
    pub issue_comment_id: Option<CommentId>,
}

/// Names one attachment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttachmentPath {
    pub id: AttachmentId,
}

/// Bytes that an operation answers with: the door sends the file instead of this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileContent {
    /// Where in the folder of assets.
    pub object_key: String,
    pub content_type: String,
    pub byte_size: i64,
    pub sha256: String,
    pub filename: Option<String>,
}

impl FileContent {
    /// Whether a viewer may show it in place of saving it: kinds that run nothing by themselves.
    pub fn is_shown_inline(&self) -> bool {
        let kind = essence(&self.content_type);
        kind.starts_with("image/") || kind.starts_with("text/") || INLINE.contains(&kind)
    }

    /// Whether it may hold a script, which then has to run in a box of its own: SVG, and what a browser would take for
    /// a page.
    pub fn may_hold_scripts(&self) -> bool {
        let kind = essence(&self.content_type);
        kind.contains("svg") || kind.contains("html") || kind.contains("xml")
    }
}

const INLINE: [&str; 3] = ["application/pdf", "application/json", "application/csv"];

/// A content type without its parameters.
pub fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// The beginning of a text file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentText {
    pub text: String,
    /// There is more than is shown.
    pub truncated: bool,
}
