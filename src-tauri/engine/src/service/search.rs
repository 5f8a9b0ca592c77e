//! Search over a company.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::operations::*;
use contract::search::{Highlight, Search, SearchResponse, SearchResult, SearchScope, Snippet};
use contract::{CompanyId, IssueId, Timestamp};
use domain::ranking::{field_weight, snippet};
use store::SqliteConnection;
use store::search::{Expression, Field, Hit};

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
        let mut found = Vec::new();
        if let Some(expression) = Expression::of(&query) {
            found = issues(&mut conn, q.company_id, scope, &query, &expression).await?;
            found.extend(people_and_places(&mut conn, q.company_id, scope, &words).await?);
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.updated_at.cmp(&a.updated_at)));
        let mut counts_by_type: BTreeMap<String, i64> = BTreeMap::new();
        for f in &found {
            *counts_by_type.entry(f.kind().to_owned()).or_default() += 1;
        }
        let (limit, offset) = (bounded(q.limit, 20, 50), q.offset.unwrap_or(0).min(200));
        let has_more = found.len() > (offset + limit) as usize;
        let page = found.into_iter().skip(offset as usize).take(limit as usize).collect();
        let results = shown(&mut conn, page, &words).await?;
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

/// What was found, before its text is looked at: only what comes on the page is worth that.
struct Found {
    what: What,
    score: f64,
    updated_at: Timestamp,
}

enum What {
    Issue { id: IssueId, exact: bool, hits: Vec<Hit> },
    Other { kind: &'static str, id: String, title: String, href: String },
}

impl Found {
    fn kind(&self) -> &'static str {
        match &self.what {
            What::Issue { .. } => "issue",
            What::Other { kind, .. } => kind,
        }
    }
}

/// Issues found by their words or by their name, each once.
async fn issues(
    conn: &mut SqliteConnection,
    company: CompanyId,
    scope: SearchScope,
    query: &str,
    expression: &Expression,
) -> Answer<Vec<Found>> {
    let within = |s: SearchScope| scope == SearchScope::All || scope == s;
    let mut found: BTreeMap<IssueId, Found> = BTreeMap::new();
    let fields: Vec<Field> = Field::ALL
        .into_iter()
        .filter(|f| {
            within(match f {
                Field::Title | Field::Description => SearchScope::Issues,
                Field::Comment => SearchScope::Comments,
                Field::Document => SearchScope::Documents,
            })
        })
        .collect();
    for hit in store::search::hits(conn, company, expression, &fields).await.answer()? {
        let f = found.entry(hit.issue).or_insert_with(|| Found {
            what: What::Issue { id: hit.issue, exact: false, hits: Vec::new() },
            score: 0.0,
            updated_at: hit.updated_at,
        });
        if let What::Issue { hits, .. } = &mut f.what
            && !hits.iter().any(|h| h.field == hit.field)
        {
            hits.push(hit);
            f.score += field_weight(hit.field.as_str());
        }
    }
    if let Some(named) = store::search::identifier(conn, company, query.trim()).await.answer()?
        && let Some(issue) = store::issues::get(conn, named).await.answer()?
    {
        let f = found.entry(named).or_insert_with(|| Found {
            what: What::Issue { id: named, exact: true, hits: Vec::new() },
            score: 0.0,
            updated_at: issue.updated_at,
        });
        if let What::Issue { exact, .. } = &mut f.what {
            *exact = true;
        }
        f.score += field_weight("identifier");
    }
    Ok(found.into_values().collect())
}

async fn people_and_places(
    conn: &mut SqliteConnection,
    company: CompanyId,
    scope: SearchScope,
    words: &[String],
) -> Answer<Vec<Found>> {
    let within = |s: SearchScope| scope == SearchScope::All || scope == s;
    let matches = |text: String| {
        let text = text.to_lowercase();
        words.iter().all(|w| text.contains(w.as_str()))
    };
    let score = field_weight("title");
    let mut out = Vec::new();
    if within(SearchScope::Agents) {
        for a in store::agents::names(conn, company).await.answer()? {
            if matches(format!("{} {}", a.name, a.title.as_deref().unwrap_or(""))) {
                let (id, href) = (a.id.to_string(), format!("/agents/{}", a.url_key));
                let what = What::Other { kind: "agent", id, title: a.name, href };
                out.push(Found { what, score, updated_at: a.updated_at });
            }
        }
    }
    if within(SearchScope::Projects) {
        for p in store::planning::projects(conn, company).await.answer()? {
            if matches(p.name.clone()) {
                let (id, href) = (p.id.to_string(), format!("/projects/{}", p.url_key));
                let what = What::Other { kind: "project", id, title: p.name, href };
                out.push(Found { what, score, updated_at: p.updated_at });
            }
        }
    }
    Ok(out)
}

/// Results for a page of what was found, with pieces of the texts.
async fn shown(conn: &mut SqliteConnection, page: Vec<Found>, words: &[String]) -> Answer<Vec<SearchResult>> {
    let mut ids: Vec<IssueId> = Vec::new();
    let mut records: Vec<(Field, i64)> = Vec::new();
    for f in &page {
        if let What::Issue { id, hits, .. } = &f.what {
            ids.push(*id);
            records.extend(hits.iter().map(|h| (h.field, h.record)));
        }
    }
    let mut summaries = store::relations::summaries_of(conn, &ids).await.answer()?;
    let mut texts = store::search::texts(conn, &records).await.answer()?;
    let mut out = Vec::with_capacity(page.len());
    for f in page {
        match f.what {
            What::Other { kind, id, title, href } => {
                let mut r = result(kind, id, title, href, f.score, f.updated_at);
                r.matched_fields.push("title".to_owned());
                out.push(r);
            }
            What::Issue { id, exact, hits } => {
                // Deleted since it was found.
                let Some(issue) = summaries.remove(&id) else { continue };
                let key = issue.identifier.clone().unwrap_or_else(|| id.to_string());
                let (title, href) = (issue.title.clone(), format!("/issues/{key}"));
                let mut r = result("issue", id.to_string(), title, href, f.score, f.updated_at);
                r.issue = Some(issue);
                if exact {
                    r.matched_fields.push("identifier".to_owned());
                }
                for h in hits {
                    let text = texts.remove(&(h.field, h.record)).unwrap_or_default();
                    add_snippet(&mut r, h.field, &text, words);
                }
                out.push(r);
            }
        }
    }
    Ok(out)
}

fn add_snippet(r: &mut SearchResult, field: Field, text: &str, words: &[String]) {
    let (text, marks) = snippet(text, words, SNIPPET);
    if field != Field::Title && r.snippet.is_none() {
        r.snippet = Some(text.clone());
        r.source_label = Some(label(field).to_owned());
    }
    r.matched_fields.push(field.as_str().to_owned());
    r.snippets.push(Snippet {
        field: field.as_str().to_owned(),
        label: label(field).to_owned(),
        text,
        highlights: marks.into_iter().map(|(start, end)| Highlight { start, end }).collect(),
    });
}

const fn label(field: Field) -> &'static str {
    match field {
        Field::Title => "Title",
        Field::Description => "Description",
        Field::Document => "Document",
        Field::Comment => "Comment",
    }
}

fn result(
    kind: &str,
    id: String,
    title: String,
    href: String,
    score: f64,
    updated_at: Timestamp,
) -> SearchResult {
    SearchResult {
        id,
        r#type: kind.to_owned(),
        score,
        title,
        href,
        matched_fields: Vec::new(),
        source_label: None,
        snippet: None,
        snippets: Vec::new(),
        issue: None,
        updated_at: Some(updated_at),
        preview_image_url: None,
    }
}
