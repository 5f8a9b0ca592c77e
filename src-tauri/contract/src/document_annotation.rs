//! Threads about a piece of a document's text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::annotation::{AnchorConfidence, AnchorReason, AnchorSelector, AnchorState, TextQuote};
use crate::comment::AuthorType;
use crate::document::DocumentKey;
use crate::query;
use crate::text::Body;
use crate::words::words;
use crate::{
    AgentId, AnchorSnapshotId, AnnotationCommentId, AnnotationThreadId, CompanyId, DocumentId, IssueId,
    IssueRef, RevisionId, RunId, Timestamp,
};

words! {
    pub enum ThreadStatus {
        Open = "open",
        Resolved = "resolved",
    }
}

/// A thread as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnnotationThread {
    pub id: AnnotationThreadId,
    pub company_id: CompanyId,
    pub issue_id: IssueId,
    pub document_id: DocumentId,
    pub document_key: String,
    pub status: ThreadStatus,
    pub anchor_state: AnchorState,
    pub anchor_confidence: AnchorConfidence,
    /// What the last revision did to its place.
    pub anchor_reason: AnchorReason,
    pub original_revision_id: Option<RevisionId>,
    pub original_revision_number: i64,
    pub current_revision_id: Option<RevisionId>,
    pub current_revision_number: i64,
    /// What was selected when it was made, or attached again by hand.
    pub original_quote: TextQuote,
    /// Where it is now; an orphan's last place.
    pub anchor_selector: AnchorSelector,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub resolved_by_agent_id: Option<AgentId>,
    pub resolved_by_user_id: Option<String>,
    pub resolved_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A thread as clients see it: its place is told twice, as Paperclip does, and its comments where they are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentAnnotationThread {
    #[serde(flatten)]
    pub thread: AnnotationThread,
    #[serde(flatten)]
    pub anchor: AnchorPlace,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<Vec<AnnotationComment>>,
}

/// A place in one level, without what it is nested in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnchorPlace {
    pub selected_text: String,
    pub prefix_text: String,
    pub suffix_text: String,
    pub normalized_start: u32,
    pub normalized_end: u32,
    pub markdown_start: u32,
    pub markdown_end: u32,
}

impl From<&AnchorSelector> for AnchorPlace {
    fn from(s: &AnchorSelector) -> Self {
        Self {
            selected_text: s.quote.exact.to_string(),
            prefix_text: s.quote.prefix.to_string(),
            suffix_text: s.quote.suffix.to_string(),
            normalized_start: s.position.normalized_start,
            normalized_end: s.position.normalized_end,
            markdown_start: s.position.markdown_start,
            markdown_end: s.position.markdown_end,
        }
    }
}

impl DocumentAnnotationThread {
    pub fn new(thread: AnnotationThread, comments: Option<Vec<AnnotationComment>>) -> Self {
        Self { anchor: AnchorPlace::from(&thread.anchor_selector), thread, comments }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnnotationComment {
    pub id: AnnotationCommentId,
    pub company_id: CompanyId,
    pub thread_id: AnnotationThreadId,
    pub issue_id: IssueId,
    pub document_id: DocumentId,
    pub body: String,
    pub author_type: AuthorType,
    pub author_agent_id: Option<AgentId>,
    pub author_user_id: Option<String>,
    pub created_by_run_id: Option<RunId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a revision did to a thread's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnchorRemapSnapshot {
    pub id: AnchorSnapshotId,
    pub company_id: CompanyId,
    pub thread_id: AnnotationThreadId,
    pub document_id: DocumentId,
    pub from_revision_id: Option<RevisionId>,
    pub from_revision_number: Option<i64>,
    pub to_revision_id: Option<RevisionId>,
    pub to_revision_number: i64,
    pub previous_anchor: AnchorPlace,
    pub next_anchor: Option<AnchorPlace>,
    pub anchor_state: AnchorState,
    pub anchor_confidence: AnchorConfidence,
    /// Why it is not simply where it was.
    pub failure_reason: Option<String>,
    pub created_at: Timestamp,
}

words! {
    /// Which threads are asked for.
    pub enum ThreadFilter {
        Open = "open",
        Resolved = "resolved",
        All = "all",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListAnnotations {
    pub id: IssueRef,
    pub key: DocumentKey,
    /// The open ones unless said otherwise.
    #[serde(default)]
    pub status: Option<ThreadFilter>,
    #[serde(default, deserialize_with = "query::flag")]
    pub include_comments: bool,
}

/// A stretch of the Markdown, in UTF-16 code units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MarkdownRange {
    pub markdown_start: u32,
    pub markdown_end: u32,
}

/// A new thread. Either `selector`, as Paperclip's clients make it, or `range`, of which this program makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateAnnotation {
    pub id: IssueRef,
    pub key: DocumentKey,
    pub base_revision_id: RevisionId,
    pub base_revision_number: i64,
    #[serde(default)]
    pub selector: Option<AnchorSelector>,
    #[serde(default)]
    pub range: Option<MarkdownRange>,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnnotationPath {
    pub id: IssueRef,
    pub key: DocumentKey,
    pub thread_id: AnnotationThreadId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplyToAnnotation {
    pub id: IssueRef,
    pub key: DocumentKey,
    pub thread_id: AnnotationThreadId,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateAnnotation {
    pub id: IssueRef,
    pub key: DocumentKey,
    pub thread_id: AnnotationThreadId,
    #[serde(default)]
    pub status: Option<ThreadStatus>,
}

/// Attaches a thread to another piece of the text: an orphan, or one that was led astray.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttachAnnotation {
    pub id: IssueRef,
    pub key: DocumentKey,
    pub thread_id: AnnotationThreadId,
    pub base_revision_id: RevisionId,
    pub base_revision_number: i64,
    #[serde(default)]
    pub selector: Option<AnchorSelector>,
    #[serde(default)]
    pub range: Option<MarkdownRange>,
}
