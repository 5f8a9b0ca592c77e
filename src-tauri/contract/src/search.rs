//! Search over a company.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::issue::IssueSummary;
use crate::query;
use crate::words::words;
use crate::{CompanyId, Timestamp};

words! {
    pub enum SearchScope {
        All = "all",
        Issues = "issues",
        Comments = "comments",
        Documents = "documents",
        Agents = "agents",
        Projects = "projects",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Search {
    pub company_id: CompanyId,
    /// Cut at 200 characters; at most 8 words count.
    #[serde(default)]
    pub q: String,
    #[serde(default)]
    pub scope: Option<SearchScope>,
    /// 20 unless given, 50 at the most.
    #[serde(default, deserialize_with = "query::number")]
    pub limit: Option<u32>,
    #[serde(default, deserialize_with = "query::number")]
    pub offset: Option<u32>,
}

/// A part of a snippet that matched, in characters of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Highlight {
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snippet {
    pub field: String,
    pub label: String,
    pub text: String,
    pub highlights: Vec<Highlight>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchResult {
    pub id: String,
    /// `issue`, `agent` or `project`
    pub r#type: String,
    pub score: f64,
    pub title: String,
    pub href: String,
    pub matched_fields: Vec<String>,
    pub source_label: Option<String>,
    pub snippet: Option<String>,
    pub snippets: Vec<Snippet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<IssueSummary>,
    pub updated_at: Option<Timestamp>,
    pub preview_image_url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchResponse {
    pub query: String,
    pub normalized_query: String,
    pub scope: SearchScope,
    pub limit: u32,
    pub offset: u32,
    pub results: Vec<SearchResult>,
    pub counts_by_type: std::collections::BTreeMap<String, i64>,
    pub has_more: bool,
}
