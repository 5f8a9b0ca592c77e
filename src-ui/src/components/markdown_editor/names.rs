//! What may be named in a text while it is typed: agents, issues, and what the caller offers (skills and routines).

use contract::operations as op;
use contract::search::{Search, SearchScope};
use leptos::prelude::*;
use serde::Serialize;

use crate::api::call;
use crate::components::palette::score;
use crate::state::Co;

/// Names offered at once.
const MOST: usize = 8;

/// One thing that can be named.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Name {
    /// What is shown in the list.
    pub label: String,
    /// What tells it from others of that name.
    pub detail: String,
    /// The Markdown that names it.
    pub insert: String,
}

/// Names of a kind that begin with what is typed or have it in them, best first, as JSON.
pub async fn offer(co: Co, skills: Signal<Vec<Name>>, kind: &str, typed: &str) -> String {
    let found = match kind {
        "agent" => best(agents(co), typed),
        "issue" => issues(co, typed).await,
        _ => best(skills.try_get_untracked().unwrap_or_default(), typed),
    };
    serde_json::to_string(&found).unwrap_or_else(|_| "[]".into())
}

fn agents(co: Co) -> Vec<Name> {
    let all = co.agents.data.try_with_untracked(|agents| {
        agents
            .iter()
            .flat_map(|all| all.iter())
            .map(|a| Name {
                label: a.name.clone(),
                detail: a.title.clone().unwrap_or_else(|| crate::format::words(a.role.as_str())),
                insert: format!("@{}", a.url_key),
            })
            .collect()
    });
    all.unwrap_or_default()
}

async fn issues(co: Co, typed: &str) -> Vec<Name> {
    let search = Search {
        company_id: co.id,
        q: typed.to_owned(),
        scope: Some(SearchScope::Issues),
        limit: Some(MOST as u32),
        offset: None,
    };
    // Nothing is offered when the core does not answer: what is typed stands by itself.
    let Ok(found) = call::<op::SearchCompany>(&search).await else { return Vec::new() };
    let name = |i: contract::issue::IssueSummary| {
        let identifier = i.identifier?;
        Some(Name { label: i.title, detail: identifier.clone(), insert: identifier })
    };
    found.results.into_iter().filter_map(|r| name(r.issue?)).collect()
}

/// The names that match best, in the order in which they were given where nothing is typed.
fn best(all: Vec<Name>, typed: &str) -> Vec<Name> {
    let worth = |n: &Name| {
        let by_key = score(typed, n.insert.trim_start_matches(['@', '/']));
        score(typed, &n.label).max(by_key)
    };
    let mut scored: Vec<(i32, Name)> = all.into_iter().filter_map(|n| Some((worth(&n)?, n))).collect();
    if !typed.is_empty() {
        scored.sort_by_key(|(s, _)| -s);
    }
    scored.into_iter().map(|(_, n)| n).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_by_label_and_by_what_is_written_and_the_best_comes_first() {
        let name = |label: &str, insert: &str| Name {
            label: label.into(),
            detail: String::new(),
            insert: insert.into(),
        };
        let all = vec![name("Marada", "@marada"), name("Ada Lovelace", "@ada"), name("Grace", "@grace")];
        let found = |typed| best(all.clone(), typed).into_iter().map(|n| n.insert).collect::<Vec<_>>();
        assert_eq!(found("ada"), ["@ada", "@marada"]);
        assert_eq!(found("lov"), ["@ada"]);
        assert_eq!(found(""), ["@marada", "@ada", "@grace"]);
        assert!(found("zz").is_empty());
    }
}
