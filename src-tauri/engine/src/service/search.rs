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
        let mut results: Vec<Found> = Vec::new();
        if let Some(expression) = store::search::Expression::of(&query) {
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
            results = group(hits);
            if let Some(id) = exact {
                bring_up(&mut conn, &mut results, id).await?;
            }
            if within(SearchScope::Agents) {
                for a in store::agents::list(&mut conn, q.company_id).await.answer()? {
                    let text = format!("{} {}", a.name, a.title.as_deref().unwrap_or("")).to_lowercase();
                    if words.iter().all(|w| text.contains(w.as_str())) {
                        let href = format!("/agents/{}", a.url_key);
                        results.push(named("agent", a.id.to_string(), a.name, href, a.updated_at).into());
                    }
                }
            }
            if within(SearchScope::Projects) {
                for p in store::planning::projects(&mut conn, q.company_id).await.answer()? {
                    if words.iter().all(|w| p.name.to_lowercase().contains(w.as_str())) {
                        let href = format!("/projects/{}", p.url_key);
                        results.push(named("project", p.id.to_string(), p.name, href, p.updated_at).into());
                    }
                }
            }
        }
        let by_rank = |a: &SearchResult, b: &SearchResult| {
            b.score.total_cmp(&a.score).then(b.updated_at.cmp(&a.updated_at))
        };
        results.sort_by(|a, b| by_rank(&a.result, &b.result));
        let mut counts_by_type: BTreeMap<String, i64> = BTreeMap::new();
        for r in &results {
            *counts_by_type.entry(r.result.r#type.clone()).or_default() += 1;
        }
        let (limit, offset) = (bounded(q.limit, 20, 50), q.offset.unwrap_or(0).min(200));
        let has_more = results.len() > (offset + limit) as usize;
        let page = results.into_iter().skip(offset as usize).take(limit as usize);
        let results = page.map(|found| found.shown(&words)).collect();
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

/// A result, and the places it was found in, for the snippets of those that are shown.
struct Found {
    result: SearchResult,
    hits: Vec<Hit>,
}

impl From<SearchResult> for Found {
    fn from(result: SearchResult) -> Self {
        Self { result, hits: Vec::new() }
    }
}

impl Found {
    fn shown(self, words: &[String]) -> SearchResult {
        let mut r = self.result;
        for hit in self.hits {
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
        r
    }
}

/// One result an issue, whatever the number of places in it that matched.
fn group(hits: Vec<Hit>) -> Vec<Found> {
    let mut order: Vec<IssueId> = Vec::new();
    let mut by_issue: HashMap<IssueId, Found> = HashMap::new();
    for hit in hits {
        let id = hit.issue.id;
        let found = by_issue.entry(id).or_insert_with(|| {
            order.push(id);
            let key = hit.issue.identifier.clone().unwrap_or_else(|| id.to_string());
            let href = format!("/issues/{key}");
            let mut r = named("issue", id.to_string(), hit.issue.title.clone(), href, hit.updated_at);
            r.matched_fields.clear();
            r.score = 0.0;
            r.issue = Some(hit.issue.clone());
            r.into()
        });
        let r = &mut found.result;
        if r.matched_fields.iter().any(|f| f == hit.field) {
            continue;
        }
        r.score += field_weight(hit.field);
        r.matched_fields.push(hit.field.to_owned());
        found.hits.push(hit);
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
    results: &mut Vec<Found>,
    id: IssueId,
) -> Answer<()> {
    let key = id.to_string();
    if !results.iter().any(|r| r.result.id == key) {
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
        results.push(r.into());
    }
    if let Some(r) = results.iter_mut().map(|f| &mut f.result).find(|r| r.id == key) {
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
