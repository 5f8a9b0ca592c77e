//! Full-text search.
//!
//! Ranking a common word over a hundred thousand issues would read them all, so each index gives its
//! newest matches and the engine ranks those.

use contract::{CompanyId, IssueId, Timestamp};
use sqlx::SqliteConnection;

use crate::Result;
use crate::entity::{Column, Cursor};
use crate::relations::summary;

/// Matches looked at in each index.
const CANDIDATES: i64 = 120;
const MAX_TOKENS: usize = 8;

/// One place where the words were found.
#[derive(Clone, Debug)]
pub struct Hit {
    pub issue: contract::issue::IssueSummary,
    /// `title`, `description`, `comment` or `document`
    pub field: &'static str,
    pub text: String,
    pub updated_at: Timestamp,
}

/// What a person's words ask for, as FTS5 expressions. Each word must occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The last word as a whole one too.
    whole: String,
    /// The last word as a beginning. Holds all that the other one does.
    begun: String,
}

impl Expression {
    /// `None` when there is no word in it.
    pub fn of(words: &str) -> Option<Self> {
        let tokens: Vec<String> = words
            .chars()
            .take(200)
            .collect::<String>()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|t| !t.is_empty())
            .take(MAX_TOKENS)
            .map(|t| format!("\"{t}\""))
            .collect();
        let last = tokens.last()?;
        let whole = tokens.join(" AND ");
        // One letter begins too many words to mean any of them.
        let letters = last.chars().count() - 2;
        let begun = if letters < 2 { whole.clone() } else { format!("{whole}*") };
        Some(Self { whole, begun })
    }

    /// For a filter, which wants all that match.
    pub(crate) fn begun(&self) -> &str {
        &self.begun
    }
}

const FIELDS: &str = "i.id, i.identifier, i.title, i.status, i.priority, i.assignee_agent_id, i.assignee_user_id, i.updated_at";

/// Where a kind of text is found.
struct Place {
    field: &'static str,
    /// Index and column filter.
    index: &'static str,
    column: Option<&'static str>,
    text: &'static str,
    /// From a match `m.at` to the issue `i`.
    joins: &'static str,
}

const TITLE: Place = Place {
    field: "title",
    index: "issues_search",
    column: Some("title"),
    text: "i.title",
    joins: "JOIN issues i ON i.seq = m.at",
};
const DESCRIPTION: Place = Place {
    field: "description",
    index: "issues_search",
    column: Some("description"),
    text: "substr(i.description, 1, 4000)",
    joins: "JOIN issues i ON i.seq = m.at",
};
const COMMENT: Place = Place {
    field: "comment",
    index: "comments_search",
    column: None,
    text: "substr(c.body, 1, 4000)",
    joins: "JOIN issue_comments c ON c.seq = m.at JOIN issues i ON i.id = c.issue_id",
};
const DOCUMENT: Place = Place {
    field: "document",
    index: "documents_search",
    column: None,
    text: "substr(coalesce(d.title || char(10), '') || d.latest_body, 1, 8000)",
    joins: "JOIN documents d ON d.seq = m.at JOIN issues i ON i.id = d.issue_id",
};

/// The newest matches in one place. A whole word is read newest first and at once, so it is asked for first;
/// where it fills the page, words that only begin so would rank below it.
async fn hits(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &Expression,
    place: &Place,
) -> Result<Vec<Hit>> {
    let found = matches(conn, company, &expression.whole, place).await?;
    if expression.begun == expression.whole || found.len() >= usize::try_from(CANDIDATES).unwrap_or(0) {
        return Ok(found);
    }
    matches(conn, company, &expression.begun, place).await
}

async fn matches(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &str,
    place: &Place,
) -> Result<Vec<Hit>> {
    let Place { field, index, column, text, joins } = place;
    let expression = match column {
        Some(c) => format!("{c} : ({expression})"),
        None => expression.to_owned(),
    };
    let sql = format!(
        "SELECT {FIELDS}, {text} FROM \
         (SELECT rowid AS at FROM {index} WHERE {index} MATCH ? ORDER BY rowid DESC LIMIT ?) m \
         {joins} WHERE i.company_id = ? AND i.hidden_at IS NULL"
    );
    let q = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(expression).bind(CANDIDATES);
    let rows = company.bind(q).fetch_all(conn).await?;
    rows.iter()
        .map(|r| {
            let mut c = Cursor::new(r);
            Ok(Hit {
                issue: summary(&mut c)?,
                updated_at: c.next()?,
                text: c.next::<Option<String>>()?.unwrap_or_default(),
                field,
            })
        })
        .collect()
}

/// Issues whose title or description matches, newest first.
pub async fn issues(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &Expression,
) -> Result<Vec<Hit>> {
    let mut out = hits(conn, company, expression, &TITLE).await?;
    out.extend(hits(conn, company, expression, &DESCRIPTION).await?);
    Ok(out)
}

pub async fn comments(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &Expression,
) -> Result<Vec<Hit>> {
    hits(conn, company, expression, &COMMENT).await
}

pub async fn documents(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &Expression,
) -> Result<Vec<Hit>> {
    hits(conn, company, expression, &DOCUMENT).await
}

/// The issue that an identifier names, for an exact query.
pub async fn identifier(conn: &mut SqliteConnection, company: CompanyId, s: &str) -> Result<Option<IssueId>> {
    let q = company.bind(sqlx::query("SELECT id FROM issues WHERE company_id = ? AND identifier = ?"));
    crate::entity::scalar(conn, q.bind(s.to_ascii_uppercase())).await
}

#[cfg(test)]
mod tests {
    use super::Expression;

    fn begun(words: &str) -> Option<String> {
        Expression::of(words).map(|e| e.begun)
    }

    #[test]
    fn a_persons_words_never_become_query_syntax() {
        assert_eq!(begun("login \"OR\" (bug)").as_deref(), Some("\"login\" AND \"OR\" AND \"bug\"*"));
        assert_eq!(begun("  ** -- "), None);
        assert_eq!(begun("NEAR").as_deref(), Some("\"NEAR\"*"));
    }

    #[test]
    fn one_letter_is_a_word_and_not_a_beginning() {
        assert_eq!(begun("plan b").as_deref(), Some("\"plan\" AND \"b\""));
        assert_eq!(begun("plan ü").as_deref(), Some("\"plan\" AND \"ü\""));
        assert_eq!(begun("plan by").as_deref(), Some("\"plan\" AND \"by\"*"));
    }
}
