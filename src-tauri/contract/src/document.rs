//! Documents of an issue and their revisions.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::document_annotation::DocumentAnnotationThread;
use crate::query;
use crate::text::{DocumentBody, Text};
use crate::words::words;
use crate::{AgentId, CompanyId, DocumentId, IssueId, IssueRef, RevisionId, Timestamp};

words! {
    pub enum DocumentFormat {
        Markdown = "markdown",
    }
}

/// Names a document within its issue: lower-case letters, digits, `_` and `-`, at most 64.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct DocumentKey(String);

impl DocumentKey {
    /// Upper-case letters are lowered first, as Paperclip does.
    pub fn new(s: &str) -> Option<Self> {
        let s = s.to_ascii_lowercase();
        let mut bytes = s.bytes();
        let first = bytes.next()?;
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let ok = s.len() <= 64 && word(first) && bytes.all(|b| word(b) || b == b'_' || b == b'-');
        ok.then_some(Self(s))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Written by the program itself and hidden unless asked for.
    pub fn is_system(&self) -> bool {
        self.0 == CONTINUATION_SUMMARY
    }
}

/// The key under which an agent's plan is kept.
pub const PLAN: &str = "plan";
/// The key of the summary that a next run starts from.
pub const CONTINUATION_SUMMARY: &str = "continuation-summary";

impl<'de> Deserialize<'de> for DocumentKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let s = String::deserialize(d)?;
        Self::new(&s).ok_or_else(|| {
            serde::de::Error::custom(
                "a document key is 1 to 64 letters, digits, '_' or '-' and begins with a letter or digit",
            )
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueDocumentSummary {
    pub id: DocumentId,
    pub company_id: CompanyId,
    pub issue_id: IssueId,
    pub key: String,
    pub title: Option<String>,
    pub format: DocumentFormat,
    pub latest_revision_id: Option<RevisionId>,
    pub latest_revision_number: i64,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub updated_by_agent_id: Option<AgentId>,
    pub updated_by_user_id: Option<String>,
    pub locked_at: Option<Timestamp>,
    pub locked_by_agent_id: Option<AgentId>,
    pub locked_by_user_id: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueDocument {
    #[serde(flatten)]
    pub summary: IssueDocumentSummary,
    pub body: String,
}

/// A document with the open threads about its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnnotatedDocument {
    #[serde(flatten)]
    pub document: IssueDocument,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<DocumentAnnotationThread>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentRevision {
    pub id: RevisionId,
    pub company_id: CompanyId,
    pub document_id: DocumentId,
    pub issue_id: IssueId,
    pub key: String,
    pub revision_number: i64,
    pub title: Option<String>,
    pub format: DocumentFormat,
    pub body: String,
    pub change_summary: Option<String>,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub created_at: Timestamp,
}

/// A revision without its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionSummary {
    pub id: RevisionId,
    pub revision_number: i64,
    pub title: Option<String>,
    pub change_summary: Option<String>,
    /// Length of the text in bytes.
    pub size: i64,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListDocuments {
    pub id: IssueRef,
    #[serde(default, deserialize_with = "query::flag")]
    pub include_system: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DocumentPath {
    pub id: IssueRef,
    pub key: DocumentKey,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevisionPath {
    pub id: IssueRef,
    pub key: DocumentKey,
    pub revision_id: RevisionId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetDocument {
    pub id: IssueRef,
    pub key: DocumentKey,
    /// With its open threads. Agents get them unless they say otherwise, people only if they say so.
    #[serde(default, deserialize_with = "query::optional_flag")]
    pub include_annotations: Option<bool>,
    #[serde(default, deserialize_with = "query::flag")]
    pub include_annotation_comments: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutDocument {
    pub id: IssueRef,
    pub key: DocumentKey,
    #[serde(default)]
    pub title: Option<Text<0, 200>>,
    pub format: DocumentFormat,
    pub body: DocumentBody,
    #[serde(default)]
    pub change_summary: Option<Text<0, 500>>,
    /// The revision this edit was made against; absent only when the document is new.
    #[serde(default)]
    pub base_revision_id: Option<RevisionId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreRevision {
    pub id: IssueRef,
    pub key: DocumentKey,
    pub revision_id: RevisionId,
}
