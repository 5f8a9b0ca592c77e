//! Lists of issues: filters, order, paging, and what each row shows besides the issue.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use contract::issue::{Issue, IssueCount, IssueRow, IssueSort, ListIssues, SortDir};
use contract::planning::InProject;
use contract::{CompanyId, LOCAL_OPERATOR, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::entity::{Column, Cursor, Entity};
use crate::search::Expression;
use crate::{Result, labels, recovery, relations, runs};

const DESCRIPTION_IN_LISTS: usize = 1200;

/// Whether the filter looks for words.
pub fn needs_text_search(q: &ListIssues) -> bool {
    q.q.as_deref().is_some_and(|s| !s.trim().is_empty())
}

/// A page of issues.
///
/// The filter, the order and the page are settled inside, so that what a row shows besides its issue is looked
/// up for the rows of the page alone.
pub async fn list(conn: &mut SqliteConnection, q: &ListIssues, limit: u32) -> Result<Vec<IssueRow>> {
    let below = below(conn, q).await?;
    let mut sql = QueryBuilder::<Sqlite>::new(ROW.as_str());
    sql.push(" FROM (SELECT * FROM issues");
    push_filters(&mut sql, q, below.as_deref());
    push_order(&mut sql, q);
    sql.push(" LIMIT ").push_bind(i64::from(limit));
    sql.push(" OFFSET ").push_bind(i64::from(q.offset.unwrap_or(0)));
    sql.push(") AS page");
    push_order(&mut sql, q);
    let found = sql.build().fetch_all(&mut *conn).await?;
    rows(conn, &found).await
}

/// How many issues a filter finds, and how many of each status when statuses are left out of it.
pub async fn count(conn: &mut SqliteConnection, q: &ListIssues) -> Result<IssueCount> {
    let below = below(conn, q).await?;
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT issues.status, count(*) FROM issues");
    push_filters(&mut sql, q, below.as_deref());
    sql.push(" GROUP BY issues.status");
    let mut by_status = BTreeMap::new();
    for row in sql.build().fetch_all(conn).await? {
        by_status.insert(String::read(&row, 0)?, i64::read(&row, 1)?);
    }
    Ok(IssueCount { count: by_status.values().sum(), by_status })
}

/// How many issues of a company wait for the operator: with a card, a recovery of theirs, or given to them. The same that
/// a list with `waiting` shows, found without looking at the others.
pub async fn waiting_count(conn: &mut SqliteConnection, company: CompanyId) -> Result<i64> {
    let q = company.bind(sqlx::query(
        "SELECT count(*) FROM issues i WHERE i.hidden_at IS NULL AND i.id IN ( \
           SELECT issue_id FROM issue_thread_interactions WHERE company_id = ?1 AND status = 'pending' \
           UNION SELECT source_issue_id FROM issue_recovery_actions \
             WHERE company_id = ?1 AND status IN ('active', 'escalated') AND owner_type = 'board' \
           UNION SELECT id FROM issues WHERE company_id = ?1 AND assignee_user_id = ?2 \
             AND status IN ('todo', 'in_progress', 'in_review'))",
    ));
    Ok(crate::entity::scalar(conn, q.bind(LOCAL_OPERATOR)).await?.unwrap_or(0))
}

/// The issues below the one that the filter names, as a list of their ids.
async fn below(conn: &mut SqliteConnection, q: &ListIssues) -> Result<Option<String>> {
    let Some(top) = q.descendant_of else { return Ok(None) };
    Ok(Some(relations::json_list(&relations::descendants(conn, top).await?)))
}

fn push_filters(sql: &mut QueryBuilder<Sqlite>, q: &ListIssues, below: Option<&str>) {
    sql.push(" WHERE issues.company_id = ").push_bind(q.company_id.to_string());
    if !q.include_hidden {
        sql.push(" AND issues.hidden_at IS NULL");
    }
    push_words(sql, "issues.status", q.status.iter().map(|s| s.as_str()));
    push_words(sql, "issues.priority", q.priority.iter().map(|p| p.as_str()));
    push_people(sql, q);
    push_place(sql, q);
    if let Some(ids) = below {
        sql.push(" AND issues.id IN (SELECT value FROM json_each(").push_bind(ids.to_owned()).push("))");
    }
    if q.live {
        sql.push(
            " AND issues.id IN (SELECT issue_id FROM heartbeat_runs \
             WHERE status IN ('queued', 'scheduled_retry', 'running') AND issue_id IS NOT NULL)",
        );
    }
    if q.waiting {
        sql.push(
            " AND (issues.id IN (SELECT issue_id FROM issue_thread_interactions WHERE status = 'pending') \
             OR issues.id IN (SELECT source_issue_id FROM issue_recovery_actions \
               WHERE status IN ('active', 'escalated') AND owner_type = 'board') \
             OR (issues.assignee_user_id = ",
        );
        sql.push_bind(LOCAL_OPERATOR);
        sql.push(" AND issues.status IN ('todo', 'in_progress', 'in_review')))");
    }
    if let Some(words) = q.q.as_deref().and_then(Expression::of) {
        let words = words.begun().to_owned();
        let text = q.q.clone().unwrap_or_default().trim().to_ascii_uppercase();
        sql.push(" AND (issues.identifier = ").push_bind(text);
        sql.push(" OR issues.seq IN (SELECT rowid FROM issues_search WHERE issues_search MATCH ")
            .push_bind(words.clone());
        sql.push(
            ") OR issues.id IN (SELECT c.issue_id FROM comments_search m \
             CROSS JOIN issue_comments c ON c.seq = m.rowid WHERE comments_search MATCH ",
        )
        .push_bind(words);
        sql.push(" AND c.company_id = ").push_bind(q.company_id.to_string());
        sql.push(" ORDER BY m.rowid DESC LIMIT 2000))");
    }
}

fn push_words<'a>(
    sql: &mut QueryBuilder<Sqlite>,
    column: &'static str,
    words: impl Iterator<Item = &'a str>,
) {
    let words: Vec<String> = words.map(str::to_owned).collect();
    if words.is_empty() {
        return;
    }
    sql.push(" AND ").push(column).push(" IN (");
    let mut list = sql.separated(", ");
    for w in words {
        list.push_bind(w);
    }
    sql.push(")");
}

fn push_people(sql: &mut QueryBuilder<Sqlite>, q: &ListIssues) {
    match q.assignee_agent_id.as_deref() {
        None | Some("") => {}
        Some("none") => {
            sql.push(" AND issues.assignee_agent_id IS NULL AND issues.assignee_user_id IS NULL");
        }
        Some(agent) => {
            sql.push(" AND issues.assignee_agent_id = ").push_bind(agent.to_owned());
        }
    }
    if let Some(user) = q.assignee_user_id.as_deref() {
        sql.push(" AND issues.assignee_user_id = ").push_bind(user_id(user));
    }
    if let Some(agent) = q.created_by_agent_id {
        sql.push(" AND issues.created_by_agent_id = ").push_bind(agent.to_string());
    }
    if let Some(agent) = q.participant_agent_id {
        let a = agent.to_string();
        sql.push(" AND (issues.assignee_agent_id = ").push_bind(a.clone());
        sql.push(" OR issues.created_by_agent_id = ").push_bind(a.clone());
        sql.push(" OR issues.id IN (SELECT issue_id FROM issue_comments WHERE author_agent_id = ")
            .push_bind(a);
        sql.push("))");
    }
    if let Some(user) = q.touched_by_user_id.as_deref() {
        let u = user_id(user);
        sql.push(" AND (issues.created_by_user_id = ").push_bind(u.clone());
        sql.push(" OR issues.assignee_user_id = ").push_bind(u.clone());
        sql.push(" OR issues.id IN (SELECT issue_id FROM issue_comments WHERE author_user_id = ")
            .push_bind(u);
        sql.push("))");
    }
    if let Some(user) = q.unread_for_user_id.as_deref() {
        sql.push(" AND NOT EXISTS (SELECT 1 FROM issue_read_states s WHERE s.issue_id = issues.id AND s.user_id = ")
            .push_bind(user_id(user));
        sql.push(" AND s.last_read_at >= issues.updated_at)");
    }
}

fn push_place(sql: &mut QueryBuilder<Sqlite>, q: &ListIssues) {
    match q.project_id {
        Some(InProject::One(v)) => {
            sql.push(" AND issues.project_id = ").push_bind(v.to_string());
        }
        Some(InProject::None) => {
            sql.push(" AND issues.project_id IS NULL");
        }
        None => {}
    }
    if let Some(v) = q.goal_id {
        sql.push(" AND issues.goal_id = ").push_bind(v.to_string());
    }
    if let Some(v) = q.parent_id {
        sql.push(" AND issues.parent_id = ").push_bind(v.to_string());
    }
    if let Some(v) = q.label_id {
        sql.push(" AND issues.id IN (SELECT issue_id FROM issue_labels WHERE label_id = ")
            .push_bind(v.to_string());
        sql.push(")");
    }
    match q.origin_kind.as_deref() {
        Some(kind) => {
            sql.push(" AND issues.origin_kind = ").push_bind(kind.to_owned());
        }
        None => {
            if !q.include_routine_executions {
                sql.push(" AND issues.origin_kind <> 'routine_execution'");
            }
        }
    }
    if let Some(v) = &q.origin_id {
        sql.push(" AND issues.origin_id = ").push_bind(v.clone());
    }
}

fn user_id(s: &str) -> String {
    if s == "me" { LOCAL_OPERATOR.to_owned() } else { s.to_owned() }
}

/// The order, for the issues themselves and again for the page of them.
fn push_order(sql: &mut QueryBuilder<Sqlite>, q: &ListIssues) {
    let dir = match q.sort_dir {
        Some(SortDir::Asc) => "ASC",
        Some(SortDir::Desc) => "DESC",
        None => match q.sort_field {
            Some(IssueSort::Title | IssueSort::Priority | IssueSort::Status) => "ASC",
            _ => "DESC",
        },
    };
    let column = match q.sort_field.unwrap_or(IssueSort::Updated) {
        IssueSort::Updated => "updated_at",
        IssueSort::Created => "created_at",
        IssueSort::Priority => "priority_rank",
        IssueSort::Title => "title COLLATE NOCASE",
        IssueSort::Status => {
            "CASE status WHEN 'in_progress' THEN 0 WHEN 'in_review' THEN 1 WHEN 'blocked' THEN 2 \
             WHEN 'todo' THEN 3 WHEN 'backlog' THEN 4 WHEN 'done' THEN 5 ELSE 6 END"
        }
    };
    sql.push(" ORDER BY ").push(column).push(" ").push(dir);
    if !matches!(q.sort_field, None | Some(IssueSort::Updated | IssueSort::Created)) {
        sql.push(", updated_at DESC");
    }
}

/// What a row shows besides its issue. An operator's read mark is the one of [`LOCAL_OPERATOR`].
const FACTS: &str = concat!(
    "(SELECT count(*) FROM issues c WHERE c.parent_id = page.id), \
    (SELECT count(*) FROM issues c WHERE c.parent_id = page.id AND c.status IN ('done', 'cancelled')), \
    (SELECT count(*) FROM issue_thread_interactions t WHERE t.company_id = page.company_id \
       AND t.issue_id = page.id AND t.status = 'pending'), \
    (SELECT count(*) FROM issue_relations r JOIN issues b ON b.id = r.issue_id \
       WHERE r.type = 'blocks' AND r.related_issue_id = page.id AND ",
    crate::relations::holds_up!("b"),
    "), \
    (SELECT last_read_at FROM issue_read_states s WHERE s.issue_id = page.id AND s.user_id = '{operator}'), \
    page.status = 'blocked' AND EXISTS (SELECT 1 FROM issue_recovery_actions x WHERE x.source_issue_id = page.id \
       AND x.status IN ('active', 'escalated')), \
    EXISTS (SELECT 1 FROM issue_labels l WHERE l.issue_id = page.id), \
    EXISTS (SELECT 1 FROM heartbeat_runs r WHERE r.issue_id = page.id \
       AND r.status IN ('queued', 'scheduled_retry', 'running'))"
);

static ROW: LazyLock<String> = LazyLock::new(|| {
    let columns = Issue::SELECT.strip_suffix(" FROM issues").unwrap_or(Issue::SELECT);
    format!("{}, {}", columns.replace("issues.", "page."), FACTS.replace("{operator}", LOCAL_OPERATOR))
});

/// Makes rows of what was found; labels and runs are asked for only where there are some.
async fn rows(conn: &mut SqliteConnection, found: &[SqliteRow]) -> Result<Vec<IssueRow>> {
    let (mut out, mut labelled, mut live) = (Vec::with_capacity(found.len()), Vec::new(), Vec::new());
    let mut recovering = Vec::new();
    for row in found {
        let issue = shortened(Issue::from_row(row)?);
        let mut c = Cursor::at(row, row.len() - FACT_COLUMNS);
        let (child_count, done_child_count) = (c.next()?, c.next()?);
        let (pending_interaction_count, unresolved_blocker_count) = (c.next()?, c.next()?);
        let read_at: Option<Timestamp> = c.next()?;
        if c.next::<bool>()? {
            recovering.push(issue.id);
        }
        if c.next::<bool>()? {
            labelled.push(issue.id);
        }
        if c.next::<bool>()? {
            live.push(issue.id);
        }
        out.push(IssueRow {
            labels: Vec::new(),
            label_ids: Vec::new(),
            active_run: None,
            unresolved_blocker_count,
            child_count,
            done_child_count,
            pending_interaction_count,
            active_recovery_action: None,
            last_activity_at: issue.updated_at,
            is_unread_for_me: read_at.is_none_or(|t| t < issue.updated_at),
            issue,
        });
    }
    let mut labels = labels::of_issues(conn, &labelled).await?;
    let mut live = runs::live_by_issue(conn, &live).await?;
    for row in &mut out {
        row.labels = labels.remove(&row.issue.id).unwrap_or_default();
        row.label_ids = row.labels.iter().map(|l| l.id).collect();
        row.active_run = live.remove(&row.issue.id);
        if recovering.contains(&row.issue.id) {
            row.active_recovery_action = recovery::open_of(conn, row.issue.id).await?;
        }
    }
    Ok(out)
}

/// Columns that [`FACTS`] adds.
const FACT_COLUMNS: usize = 8;

fn shortened(mut issue: Issue) -> Issue {
    if let Some(d) = &mut issue.description
        && let Some((at, _)) = d.char_indices().nth(DESCRIPTION_IN_LISTS)
    {
        d.truncate(at);
    }
    issue
}
