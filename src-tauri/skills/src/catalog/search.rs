//! Finding skills of the catalog by words.

use contract::skill::{CatalogSkill, ListCatalogSkills};

use crate::key;

/// Words of a query that count; more of them narrow nothing.
const MOST_WORDS: usize = 12;

/// Skills with what is searched of them, in lower case.
pub struct Index {
    skills: Vec<CatalogSkill>,
    texts: Vec<Texts>,
}

struct Texts {
    /// Slug and name.
    title: String,
    /// Tags, category and roles.
    labels: String,
    rest: String,
}

impl Index {
    pub fn new(skills: Vec<CatalogSkill>) -> Self {
        let texts = skills.iter().map(Texts::of).collect();
        Self { skills, texts }
    }

    pub fn skills(&self) -> &[CatalogSkill] {
        &self.skills
    }

    /// The skills of a kind and category in which each word of the query is found, the best match first; without
    /// words all of them, in the catalog's order.
    pub fn search(&self, query: &ListCatalogSkills) -> Vec<&CatalogSkill> {
        let category = query.category.as_deref().filter(|c| !c.trim().is_empty()).map(key::slug);
        let words = words(query.q.as_deref().unwrap_or_default());
        let mut found: Vec<(u32, &CatalogSkill)> = self
            .skills
            .iter()
            .zip(&self.texts)
            .filter(|(s, _)| query.kind.is_none_or(|k| k == s.kind))
            .filter(|(s, _)| category.as_ref().is_none_or(|c| c.as_deref() == Some(s.category.as_str())))
            .filter_map(|(s, texts)| Some((texts.score(&words)?, s)))
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, skill)| skill).collect()
    }
}

impl Texts {
    fn of(skill: &CatalogSkill) -> Self {
        let labels = skill.tags.iter().chain([&skill.category]).chain(&skill.recommended_for_roles);
        Self {
            title: format!("{} {}", skill.slug.replace('-', " "), skill.name).to_lowercase(),
            labels: labels.map(|l| l.to_lowercase()).collect::<Vec<_>>().join(" "),
            rest: format!("{} {} {}", skill.description, skill.id, skill.key).to_lowercase(),
        }
    }

    /// How well all words are met. `None`: one of them is not.
    fn score(&self, words: &[String]) -> Option<u32> {
        let mut score = 0;
        for word in words {
            // A plural finds the singular as well.
            let singular = word.strip_suffix('s').filter(|w| w.len() > 3);
            let within =
                |text: &str| text.contains(word.as_str()) || singular.is_some_and(|s| text.contains(s));
            let [title, labels, rest] = [&self.title, &self.labels, &self.rest].map(|t| within(t));
            if !(title || labels || rest) {
                return None;
            }
            score += u32::from(title) * 100 + u32::from(labels) * 10 + u32::from(rest);
        }
        // Words that stand together as asked for.
        if words.len() > 1 {
            let phrase = words.join(" ");
            score += u32::from(self.title.contains(&phrase)) * 400
                + u32::from(self.labels.contains(&phrase)) * 200;
        }
        Some(score)
    }
}

fn words(query: &str) -> Vec<String> {
    // An id or a key is one word.
    let apart = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '(' | ')');
    let words = query.split(apart).filter(|w| !w.is_empty()).take(MOST_WORDS);
    words.map(|w| w.chars().take(100).collect::<String>().to_lowercase()).collect()
}
