//! Full-text search.
//!
//! Ranking a common word over a hundred thousand issues would read them all, so each index gives its
//! newest matches and the engine ranks those.

use std::collections::HashMap;

use contract::{CompanyId, IssueId, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use crate::entity::Column;
use crate::{Result, StoreError};

/// Matches looked at in each index.
const CANDIDATES: i64 = 60;
const MAX_TOKENS: usize = 8;

/// One place where the words were found.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    pub issue: IssueId,
    pub updated_at: Timestamp,
    pub field: Field,
    /// Which record of its kind, for [`texts`].
    pub record: i64,
}

/// A kind of text that is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Title,
    Description,
    Comment,
    Document,
}

impl Field {
    /// As clients know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Comment => "comment",
            Self::Document => "document",
        }
    }

    pub const ALL: [Self; 4] = [Self::Title, Self::Description, Self::Comment, Self::Document];

    /// Its place in [`Self::ALL`], by which rows name it.
    const fn number(self) -> i64 {
        self as i64
    }

    fn of(number: i64) -> Self {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n).copied()).unwrap_or(Self::Comment)
    }

    /// Its index, and the column of it.
    const fn index(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Title => ("issues_search", Some("title")),
            Self::Description => ("issues_search", Some("description")),
            Self::Comment => ("comments_search", None),
            Self::Document => ("documents_search", None),
        }
    }

    /// From a match `m` to the issue `i`. `CROSS` has SQLite begin with the matches, newest first.
    const fn joins(self) -> &'static str {
        match self {
            Self::Title | Self::Description => "CROSS JOIN issues i ON i.seq = m.rowid",
            Self::Comment => {
                "CROSS JOIN issue_comments c ON c.seq = m.rowid CROSS JOIN issues i ON i.id = c.issue_id"
            }
            Self::Document => {
                "CROSS JOIN documents d ON d.seq = m.rowid CROSS JOIN issues i ON i.id = d.issue_id"
            }
        }
    }

    /// As much of a record's text as a snippet is looked for in, and its table.
    const fn text(self) -> &'static str {
        match self {
            Self::Title => "title FROM issues",
            Self::Description => "substr(coalesce(description, ''), 1, 4000) FROM issues",
            Self::Comment => "substr(body, 1, 4000) FROM issue_comments",
            Self::Document => {
                "substr(coalesce(title || char(10), '') || latest_body, 1, 8000) FROM documents"
            }
        }
    }
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

/// The newest matches in each of these places. A whole word is read newest first and at once, so it is asked for first;
/// where it fills the page, words that only begin so would rank below it.
pub async fn hits(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &Expression,
    fields: &[Field],
) -> Result<Vec<Hit>> {
    let mut found = matches(conn, company, &expression.whole, fields).await?;
    if expression.begun == expression.whole {
        return Ok(found);
    }
    let full = usize::try_from(CANDIDATES).unwrap_or(0);
    let open: Vec<Field> =
        fields.iter().filter(|f| found.iter().filter(|h| h.field == **f).count() < full).copied().collect();
    found.retain(|h| !open.contains(&h.field));
    found.extend(matches(conn, company, &expression.begun, &open).await?);
    Ok(found)
}

/// One question for all of them, and one row for each: a question costs a way to the database's thread and back,
/// and so does a row, which is more than finding it.
async fn matches(
    conn: &mut SqliteConnection,
    company: CompanyId,
    expression: &str,
    fields: &[Field],
) -> Result<Vec<Hit>> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let each: Vec<String> = fields
        .iter()
        .map(|field| {
            let (index, _) = field.index();
            format!(
                "SELECT {}, json_group_array(json_array(id, updated_at, rowid)) FROM \
                 (SELECT i.id, i.updated_at, m.rowid FROM {index} m {} \
                 WHERE {index} MATCH ? AND i.company_id = ? AND i.hidden_at IS NULL \
                 ORDER BY m.rowid DESC LIMIT {CANDIDATES})",
                field.number(),
                field.joins()
            )
        })
        .collect();
    let mut q = sqlx::query(sqlx::AssertSqlSafe(each.join(" UNION ALL ")));
    for field in fields {
        let expression = match field.index().1 {
            Some(column) => format!("{column} : ({expression})"),
            None => expression.to_owned(),
        };
        q = company.bind(q.bind(expression));
    }
    let mut hits = Vec::new();
    for row in q.fetch_all(conn).await? {
        let field = Field::of(Column::read(&row, 0)?);
        let found: &str = row.try_get(1)?;
        let found: Vec<(IssueId, i64, i64)> =
            serde_json::from_str(found).map_err(|e| StoreError::Value(e.to_string()))?;
        hits.extend(found.into_iter().map(|(issue, updated_at, record)| Hit {
            issue,
            updated_at: Timestamp::from_millis(updated_at),
            field,
            record,
        }));
    }
    Ok(hits)
}

/// The texts of these records.
pub async fn texts(
    conn: &mut SqliteConnection,
    records: &[(Field, i64)],
) -> Result<HashMap<(Field, i64), String>> {
    let mut each = Vec::new();
    let mut lists = Vec::new();
    for field in Field::ALL {
        let of: Vec<i64> = records.iter().filter(|(f, _)| *f == field).map(|(_, r)| *r).collect();
        if !of.is_empty() {
            each.push(format!(
                "SELECT {}, seq, {} WHERE seq IN (SELECT value FROM json_each(?))",
                field.number(),
                field.text()
            ));
            lists.push(serde_json::Value::from(of).to_string());
        }
    }
    if each.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q = sqlx::query(sqlx::AssertSqlSafe(each.join(" UNION ALL ")));
    for list in lists {
        q = q.bind(list);
    }
    let rows = q.fetch_all(conn).await?;
    rows.iter()
        .map(|r| Ok(((Field::of(Column::read(r, 0)?), Column::read(r, 1)?), Column::read(r, 2)?)))
        .collect()
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
