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

/// The FTS5 expression for a person's words: each must occur, the last one as a beginning.
pub fn match_expression(words: &str) -> Option<String> {
    let tokens: Vec<String> = words
        .chars()
        .take(200)
        .collect::<String>()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|t| !t.is_empty())
        .take(MAX_TOKENS)
        .map(str::to_owned)
        .collect();
    if tokens.is_empty() {
        return None;
    }
    let last = tokens.len() - 1;
    let quoted = tokens
        .iter()
        .enumerate()
        .map(|(i, t)| if i == last { format!("\"{t}\"*") } else { format!("\"{t}\"") });
    Some(quoted.collect::<Vec<_>>().join(" AND "))
}

const FIELDS: &str = "i.id, i.identifier, i.title, i.status, i.priority, i.assignee_agent_id, i.assignee_user_id, i.updated_at";

async fn hits(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &str,
    text: &'static str,
    from: &'static str,
    field: &'static str,
) -> Result<Vec<Hit>> {
    let sql = format!("SELECT {FIELDS}, {text} FROM {from} WHERE i.company_id = ? AND i.hidden_at IS NULL");
    let q = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(expression.to_owned()).bind(CANDIDATES);
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
pub async fn issues(conn: &mut SqliteConnection, company: CompanyId, expression: &str) -> Result<Vec<Hit>> {
    let mut out = hits(
        conn,
        company,
        &format!("title : ({expression})"),
        "i.title",
        "(SELECT rowid AS at FROM issues_search WHERE issues_search MATCH ? ORDER BY rowid DESC LIMIT ?) m \
         JOIN issues i ON i.seq = m.at",
        "title",
    )
    .await?;
    out.extend(
        hits(
            conn,
            company,
            &format!("description : ({expression})"),
            "substr(i.description, 1, 4000)",
            "(SELECT rowid AS at FROM issues_search WHERE issues_search MATCH ? ORDER BY rowid DESC LIMIT ?) m \
             JOIN issues i ON i.seq = m.at",
            "description",
        )
        .await?,
    );
    Ok(out)
}

pub async fn comments(conn: &mut SqliteConnection, company: CompanyId, expression: &str) -> Result<Vec<Hit>> {
    hits(
        conn,
        company,
        expression,
        "substr(c.body, 1, 4000)",
        "(SELECT rowid AS at FROM comments_search WHERE comments_search MATCH ? ORDER BY rowid DESC LIMIT ?) m \
         JOIN issue_comments c ON c.seq = m.at JOIN issues i ON i.id = c.issue_id",
        "comment",
    )
    .await
}

pub async fn documents(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &str,
) -> Result<Vec<Hit>> {
    hits(
        conn,
        company,
        expression,
        "substr(coalesce(d.title || char(10), '') || d.latest_body, 1, 8000)",
        "(SELECT rowid AS at FROM documents_search WHERE documents_search MATCH ? ORDER BY rowid DESC LIMIT ?) m \
         JOIN documents d ON d.seq = m.at JOIN issues i ON i.id = d.issue_id",
        "document",
    )
    .await
}

/// The issue that an identifier names, for an exact query.
pub async fn identifier(conn: &mut SqliteConnection, company: CompanyId, s: &str) -> Result<Option<IssueId>> {
    let q = company.bind(sqlx::query("SELECT id FROM issues WHERE company_id = ? AND identifier = ?"));
    crate::entity::scalar(conn, q.bind(s.to_ascii_uppercase())).await
}

#[cfg(test)]
mod tests {
    use super::match_expression;

    #[test]
    fn a_persons_words_never_become_query_syntax() {
        assert_eq!(
            match_expression("login \"OR\" (bug)").as_deref(),
            Some("\"login\" AND \"OR\" AND \"bug\"*")
        );
        assert_eq!(match_expression("  ** -- "), None);
        assert_eq!(match_expression("NEAR").as_deref(), Some("\"NEAR\"*"));
    }
}
