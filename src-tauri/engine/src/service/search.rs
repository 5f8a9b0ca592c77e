//! Search over a company.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use contract::IssueId;
use contract::operations::*;
use contract::search::{Highlight, Search, SearchResponse, SearchResult, SearchScope, Snippet};
use domain::ranking::{field_weight, snippet};
use store::search::Hit;

use super::bounded;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

/// Characters of a snippet.
const SNIPPET: usize = 160;
const MAX_QUERY: usize = 200;

impl Handle<SearchCompany> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: Search) -> Answer<SearchResponse> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        let query: String = q.q.chars().take(MAX_QUERY).collect();
        let normalized = query.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let words: Vec<String> = normalized.split_whitespace().map(str::to_owned).collect();
        let scope = q.scope.unwrap_or(SearchScope::All);
        let within = |s: SearchScope| scope == SearchScope::All || scope == s;
        let mut results = Vec::new();
        if let Some(expression) = store::search::match_expression(&query) {
            let mut hits = Vec::new();
            if within(SearchScope::Issues) {
                hits.extend(store::search::issues(&mut conn, q.company_id, &expression).await.answer()?);
            }
            if within(SearchScope::Comments) {
                hits.extend(store::search::comments(&mut conn, q.company_id, &expression).await.answer()?);
            }
            if within(SearchScope::Documents) {
                hits.extend(store::search::documents(&mut conn, q.company_id, &expression).await.answer()?);
            }
            let exact = store::search::identifier(&mut conn, q.company_id, query.trim()).await.answer()?;
            results = group(hits, &words);
            if let Some(id) = exact {
                bring_up(&mut conn, &mut results, id).await?;
            }
            if within(SearchScope::Agents) {
                for a in store::agents::list(&mut conn, q.company_id).await.answer()? {
                    let text = format!("{} {}", a.name, a.title.as_deref().unwrap_or("")).to_lowercase();
                    if words.iter().all(|w| text.contains(w.as_str())) {
                        results.push(named(
                            "agent",
                            a.id.to_string(),
                            a.name,
                            format!("/agents/{}", a.url_key),
                            a.updated_at,
                        ));
                    }
                }
            }
            if within(SearchScope::Projects) {
                for p in store::planning::projects(&mut conn, q.company_id).await.answer()? {
                    if words.iter().all(|w| p.name.to_lowercase().contains(w.as_str())) {
                        results.push(named(
                            "project",
                            p.id.to_string(),
                            p.name,
                            format!("/projects/{}", p.url_key),
                            p.updated_at,
                        ));
                    }
                }
            }
        }
        results.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.updated_at.cmp(&a.updated_at)));
        let mut counts_by_type: BTreeMap<String, i64> = BTreeMap::new();
        for r in &results {
            *counts_by_type.entry(r.r#type.clone()).or_default() += 1;
        }
        let (limit, offset) = (bounded(q.limit, 20, 50), q.offset.unwrap_or(0).min(200));
        let has_more = results.len() > (offset + limit) as usize;
        let results = results.into_iter().skip(offset as usize).take(limit as usize).collect();
        Ok(SearchResponse {
            query,
            normalized_query: normalized,
            scope,
            limit,
            offset,
            results,
            counts_by_type,
            has_more,
        })
    }
}

/// One result an issue, whatever the number of places in it that matched.
fn group(hits: Vec<Hit>, words: &[String]) -> Vec<SearchResult> {
    let mut order: Vec<IssueId> = Vec::new();
    let mut by_issue: HashMap<IssueId, SearchResult> = HashMap::new();
    for hit in hits {
        let id = hit.issue.id;
        let r = by_issue.entry(id).or_insert_with(|| {
            order.push(id);
            let key = hit.issue.identifier.clone().unwrap_or_else(|| id.to_string());
            SearchResult {
                id: id.to_string(),
                r#type: "issue".to_owned(),
                score: 0.0,
                title: hit.issue.title.clone(),
                href: format!("/issues/{key}"),
                matched_fields: Vec::new(),
                source_label: None,
                snippet: None,
                snippets: Vec::new(),
                issue: Some(hit.issue.clone()),
                updated_at: Some(hit.updated_at),
                preview_image_url: None,
            }
        });
        if r.matched_fields.iter().any(|f| f == hit.field) {
            continue;
        }
        r.score += field_weight(hit.field);
        r.matched_fields.push(hit.field.to_owned());
        let (text, marks) = snippet(&hit.text, words, SNIPPET);
        if hit.field != "title" && r.snippet.is_none() {
            r.snippet = Some(text.clone());
            r.source_label = Some(label(hit.field).to_owned());
        }
        r.snippets.push(Snippet {
            field: hit.field.to_owned(),
            label: label(hit.field).to_owned(),
            text,
            highlights: marks.into_iter().map(|(start, end)| Highlight { start, end }).collect(),
        });
    }
    order.into_iter().filter_map(|id| by_issue.remove(&id)).collect()
}

fn label(field: &str) -> &'static str {
    match field {
        "title" => "Title",
        "description" => "Description",
        "document" => "Document",
        _ => "Comment",
    }
}

async fn bring_up(
    conn: &mut store::SqliteConnection,
    results: &mut Vec<SearchResult>,
    id: IssueId,
) -> Answer<()> {
    let key = id.to_string();
    if !results.iter().any(|r| r.id == key) {
        let Some(i) = store::issues::get(conn, id).await.answer()? else { return Ok(()) };
        let href = format!("/issues/{}", i.display_key());
        let mut r = named("issue", key.clone(), i.title.clone(), href, i.updated_at);
        r.issue = Some(contract::issue::IssueSummary {
            id: i.id,
            identifier: i.identifier,
            title: i.title,
            status: i.status,
            priority: i.priority,
            assignee_agent_id: i.assignee_agent_id,
            assignee_user_id: i.assignee_user_id,
        });
        results.push(r);
    }
    if let Some(r) = results.iter_mut().find(|r| r.id == key) {
        r.score += field_weight("identifier");
        r.matched_fields.insert(0, "identifier".to_owned());
    }
    Ok(())
}

fn named(
    kind: &str,
    id: String,
    title: String,
    href: String,
    updated_at: contract::Timestamp,
) -> SearchResult {
    SearchResult {
        id,
        r#type: kind.to_owned(),
        score: field_weight("title"),
        title,
        href,
        matched_fields: vec!["title".to_owned()],
        source_label: None,
        snippet: None,
        snippets: Vec::new(),
        issue: None,
        updated_at: Some(updated_at),
        preview_image_url: None,
    }
}
