//! No statement that is on a hot path reads a large table from one end to the other.
//!
//! The statements are taken as they run, the plans as SQLite makes them for the statistics of a large database.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use contract::issue::{IssueSort, ListIssues, SortDir};
use contract::run::{ListRuns, RunStatus};
use contract::{AgentId, CompanyId, IssueId, IssueRef, RunId, Timestamp};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use store::{Options, Store};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};
use uuid::Uuid;

const COMPANY: CompanyId = CompanyId(Uuid::from_u128(1));
const ISSUE: IssueId = IssueId(Uuid::from_u128(2));
const AGENT: AgentId = AgentId(Uuid::from_u128(3));
const RUN: RunId = RunId(Uuid::from_u128(4));
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Rows that the planner is told there are.
const LARGE: [(&str, u32); 16] = [
    ("issues", 100_000),
    ("issue_comments", 300_000),
    ("issue_relations", 50_000),
    ("issue_reference_mentions", 50_000),
    ("heartbeat_runs", 200_000),
    ("heartbeat_run_events", 2_000_000),
    ("activity_log", 1_000_000),
    ("agent_wakeup_requests", 300_000),
    ("cost_events", 2_000_000),
    ("documents", 100_000),
    ("assets", 200_000),
    ("issue_attachments", 200_000),
    ("issue_work_products", 100_000),
    ("document_annotation_threads", 100_000),
    ("document_annotation_comments", 300_000),
    ("document_annotation_anchor_snapshots", 500_000),
];

/// Collects what runs.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeSet<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        #[derive(Default)]
        struct Text {
            summary: String,
            whole: String,
        }
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                match field.name() {
                    "summary" => write!(self.summary, "{value:?}").unwrap(),
                    "db.statement" => write!(self.whole, "{value:?}").unwrap(),
                    _ => {}
                }
            }
            fn record_str(&mut self, field: &Field, value: &str) {
                match field.name() {
                    "summary" => value.clone_into(&mut self.summary),
                    "db.statement" => value.clone_into(&mut self.whole),
                    _ => {}
                }
            }
        }
        if event.metadata().target() == "sqlx::query" {
            let mut t = Text::default();
            event.record(&mut t);
            let sql = if t.whole.trim().is_empty() { t.summary } else { t.whole };
            self.0.lock().unwrap().insert(sql.trim().to_owned());
        }
    }
}

/// Gives the planner the statistics of a large database: each index tells rows apart well, the first column of
/// one that begins with the company or a status does not.
async fn pretend_it_is_large(path: &std::path::Path) {
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query("ANALYZE").execute(&mut conn).await.unwrap();
    for (table, rows) in LARGE {
        let indexes = sqlx::query("SELECT name FROM pragma_index_list(?)").bind(table);
        for index in indexes.fetch_all(&mut conn).await.unwrap() {
            let name: String = index.get(0);
            // Of all the rows only these few are live, wait or are pending.
            let few = ["live", "pending", "deferred", "token", "execution_run", "checkout_run"];
            let rows = if few.iter().any(|w| name.contains(w)) { 50 } else { rows };
            let columns =
                sqlx::query("SELECT name FROM pragma_index_info(?) ORDER BY seqno").bind(name.clone());
            let mut stat = rows.to_string();
            let mut group = rows;
            for column in columns.fetch_all(&mut conn).await.unwrap() {
                group = match column.get::<Option<String>, _>(0).unwrap_or_default().as_str() {
                    "company_id" => group,
                    "status" | "type" | "priority_rank" => group / 4,
                    _ => group.min(4),
                };
                write!(stat, " {}", group.max(1)).unwrap();
            }
            let q = sqlx::query("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)");
            q.bind(table).bind(name).bind(stat).execute(&mut conn).await.unwrap();
        }
    }
    conn.close().await.unwrap();
}

async fn use_hot_paths(store: &Store) {
    let mut conn = store.read().await.unwrap();
    let conn = &mut *conn;
    for q in filters() {
        store::issues::list(conn, &q, 50).await.unwrap();
        store::issues::count(conn, &q).await.unwrap();
    }
    let issue = domain::issue::new(ISSUE, COMPANY, "x", NOW);
    store::issues::get(conn, ISSUE).await.unwrap();
    store::issues::find(conn, &IssueRef::Identifier("X-1".into())).await.unwrap();
    store::issues::assigned_open(conn, COMPANY, AGENT).await.unwrap();
    store::runs::behind_their_own(conn).await.unwrap();
    store::retries::waiting(conn).await.unwrap();
    store::trees::replaced(conn, &[ISSUE]).await.unwrap();
    store::issues::held_by_run(conn, RUN).await.unwrap();
    store::issues::is_within(conn, ISSUE, IssueId(Uuid::nil())).await.unwrap();
    store::relations::neighbours(conn, ISSUE).await.unwrap();
    store::relations::ancestors(conn, &issue).await.unwrap();
    store::relations::unresolved(conn, ISSUE).await.unwrap();
    store::relations::waiting(conn, &["a"], 9).await.unwrap();
    store::relations::moving(conn, &[ISSUE], Timestamp::from_millis(1)).await.unwrap();
    store::issues::many(conn, &[ISSUE]).await.unwrap();
    store::relations::unresolved_of(conn, &[ISSUE]).await.unwrap();
    store::relations::blocking_path(conn, ISSUE, IssueId(Uuid::nil())).await.unwrap();
    store::labels::of_issues(conn, &[ISSUE]).await.unwrap();
    let workspace = contract::ExecutionWorkspaceId(Uuid::nil());
    let mode = contract::workspace::WorkspaceMode::IsolatedWorkspace;
    store::execution_workspaces::open_of(conn, ISSUE, mode).await.unwrap();
    store::execution_workspaces::runs_in(conn, workspace).await.unwrap();
    store::execution_workspaces::in_the_way(conn, RUN).await.unwrap();
    store::execution_workspaces::kept_out(conn).await.unwrap();
    store::execution_workspaces::issues_in(conn, workspace).await.unwrap();
    store::workspace_operations::of_run(conn, RUN).await.unwrap();
    store::workspace_operations::is_finalized(conn, workspace).await.unwrap();
    store::workspace_trash::of_issue(conn, ISSUE).await.unwrap();
    store::comments::list(conn, ISSUE, None, None, SortDir::Desc, 50).await.unwrap();
    store::comments::cursor(conn, ISSUE).await.unwrap();
    store::interactions::pending(conn, ISSUE).await.unwrap();
    store::interactions::pending_of(conn, &[ISSUE]).await.unwrap();
    store::documents::list(conn, ISSUE).await.unwrap();
    use_annotations(conn).await;
    use_files(conn).await;
    store::runs::in_line(conn).await.unwrap();
    store::runs::running_by_agent(conn).await.unwrap();
    store::runs::count(conn, RunStatus::Running).await.unwrap();
    store::runs::with_status(conn, RunStatus::Running).await.unwrap();
    store::runs::live(conn, Some(COMPANY)).await.unwrap();
    store::runs::live_by_issue(conn, &[ISSUE]).await.unwrap();
    store::runs::live_on_issue(conn, ISSUE).await.unwrap();
    store::runs::live_on_task(conn, AGENT, "x").await.unwrap();
    store::runs::of_issue(conn, ISSUE, false).await.unwrap();
    let all_runs =
        ListRuns { company_id: COMPANY, agent_id: None, status: Vec::new(), limit: None, offset: None };
    store::runs::list(conn, &all_runs, 50).await.unwrap();
    store::runs::by_token(conn, "x").await.unwrap();
    store::runs::events(conn, RUN, 0, 50).await.unwrap();
    store::runs::cancel_reason(conn, RUN).await.unwrap();
    store::runs::ended_since(conn, NOW).await.unwrap();
    store::costs::spent_since(conn, Some(COMPANY), NOW).await.unwrap();
    use contract::budget::BudgetScope;
    for scope in [BudgetScope::Company, BudgetScope::Agent, BudgetScope::Project] {
        store::budgets::spent(conn, scope, Uuid::nil(), ("2026-11", "2026-12")).await.unwrap();
        store::budgets::held(conn, scope, Uuid::nil()).await.unwrap();
        store::budgets::live_under(conn, scope, Uuid::nil()).await.unwrap();
    }
    store::budgets::recent_costs(conn, AGENT).await.unwrap();
    store::costs::spent_of_agent(conn, AGENT).await.unwrap();
    store::costs::of_issues(conn, &[ISSUE], NOW).await.unwrap();
    store::costs::of_run(conn, RUN).await.unwrap();
    store::approvals::waiting_of_issue(conn, ISSUE).await.unwrap();
    store::wakeups::open_for_run(conn, RUN).await.unwrap();
    store::wakeups::deferred_for_issue(conn, ISSUE).await.unwrap();
    store::changes::read(conn, 0, Some(COMPANY), 50).await.unwrap();
    let words = store::search::Expression::of("login pag").unwrap();
    use store::search::Field;
    store::search::hits(conn, COMPANY, &words, &Field::ALL).await.unwrap();
    store::search::texts(conn, &Field::ALL.map(|f| (f, 1))).await.unwrap();
    store::watchdog::latest(conn, RUN).await.unwrap();
    store::watchdog::silent_since(conn, NOW, 100).await.unwrap();
    store::watchdog::open_from(conn, "issue_productivity_review", "x").await.unwrap();
    store::watchdog::open_of_kind(conn, "stale_active_run_evaluation", 100).await.unwrap();
    store::watchdog::closed_by(conn, RUN, ISSUE, NOW).await.unwrap();
    store::watchdog::to_review(conn, &["issue_productivity_review"], NOW, 100).await.unwrap();
    store::watchdog::doings(conn, ISSUE, AGENT, NOW).await.unwrap();
    store::watchdog::all_from(conn, "issue_productivity_review", "x").await.unwrap();
    store::watchdog::own_words(conn, ISSUE).await.unwrap();
    store::wakeups::latest_of_agent(conn, AGENT).await.unwrap();
    store::issues::waiting_count(conn, COMPANY).await.unwrap();
    store::decisions::next_to_look_at(conn).await.unwrap();
    store::relations::summaries_of(conn, &[ISSUE]).await.unwrap();
    store::agents::names(conn, COMPANY).await.unwrap();
    let mut tx = store.write(NOW).await.unwrap();
    store::issues::touch(&mut tx, &issue).await.unwrap();
    store::issues::save(&mut tx, &issue).await.unwrap();
    store::runs::request_cancel(&mut tx, RUN, "x").await.unwrap();
    store::watchdog::drop_ended_looks(&mut tx, "stale_active_run_evaluation").await.unwrap();
    store::annotations::follow(&mut tx, (None, 2), &[], NOW).await.unwrap();
    store::attachments::delete(&mut tx, COMPANY, Uuid::nil().into()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn use_annotations(conn: &mut SqliteConnection) {
    use contract::document_annotation::ThreadFilter;
    let document = contract::DocumentId(Uuid::nil());
    let thread = contract::AnnotationThreadId(Uuid::nil());
    store::documents::id_of(conn, ISSUE, "plan").await.unwrap();
    store::documents::history(conn, document).await.unwrap();
    store::documents::revision(conn, document, contract::RevisionId(Uuid::nil())).await.unwrap();
    for filter in ThreadFilter::ALL {
        store::annotations::threads(conn, document, *filter).await.unwrap();
    }
    store::annotations::open_count(conn, document).await.unwrap();
    store::annotations::thread(conn, document, thread).await.unwrap();
    store::annotations::comments(conn, &[thread]).await.unwrap();
    store::annotations::said(conn, ISSUE, &[contract::AnnotationCommentId(Uuid::nil())]).await.unwrap();
    store::annotations::snapshots(conn, thread).await.unwrap();
}

/// Files and outputs of issues.
async fn use_files(conn: &mut SqliteConnection) {
    let id = Uuid::nil();
    store::attachments::list(conn, ISSUE).await.unwrap();
    store::attachments::get(conn, id.into()).await.unwrap();
    store::attachments::unknown_keys(conn, &["a/b".to_owned()]).await.unwrap();
    store::work_products::list(conn, ISSUE).await.unwrap();
    store::work_products::primary(conn, COMPANY).await.unwrap();
    store::work_products::get(conn, id.into()).await.unwrap();
}

fn filters() -> Vec<ListIssues> {
    let all = ListIssues::of(COMPANY);
    let mut out = vec![all.clone()];
    for sort in [IssueSort::Created, IssueSort::Priority, IssueSort::Updated] {
        out.push(ListIssues { sort_field: Some(sort), ..all.clone() });
    }
    out.push(ListIssues { assignee_agent_id: Some(AGENT.to_string()), ..all.clone() });
    out.push(ListIssues { parent_id: Some(ISSUE), ..all.clone() });
    out.push(ListIssues { descendant_of: Some(ISSUE), ..all.clone() });
    out.push(ListIssues { live: true, ..all.clone() });
    out.push(ListIssues { waiting: true, ..all });
    out
}

/// The lines of a plan that read all of a large table, or all of it for an index or filter made on the spot.
async fn bad_lines(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows =
        sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(conn).await.unwrap();
    let mut out = Vec::new();
    for row in rows {
        let line: String = row.get(3);
        // A filter of what a list in the statement holds costs nothing; one of a table reads the table.
        let on_the_spot = line.contains("BLOOM FILTER ON") || line.contains("AUTOMATIC");
        let large =
            LARGE.iter().any(|(table, _)| line.split(' ').nth(1).is_some_and(|name| is(sql, name, table)));
        if on_the_spot
            || reads_what_is_over(sql, &line)
            || (line.starts_with("SCAN ") && large && !line.contains("VIRTUAL TABLE"))
        {
            out.push(line);
        }
    }
    out
}

/// Live runs are looked for among all that there ever were of an agent, an issue or a company.
fn reads_what_is_over(sql: &str, line: &str) -> bool {
    let all = ["runs_agent_created", "runs_issue_created", "runs_company_created"];
    let since = line.contains("created_at>");
    sql.contains("status IN ('queued', 'scheduled_retry', 'running')")
        && all.iter().any(|index| line.contains(index))
        && !since
}

/// Whether this name stands for the table in the statement.
fn is(sql: &str, name: &str, table: &str) -> bool {
    name == table || sql.contains(&format!("{table} {name} ")) || sql.contains(&format!("{table} {name})"))
}

#[tokio::test]
async fn hot_statements_never_scan_a_large_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("paperclip.db");
    Store::open(Options::at(&path)).await.unwrap().close().await;
    pretend_it_is_large(&path).await;

    let statements = Statements::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(statements.clone())).unwrap();
    let store = Store::open(Options { trace: true, ..Options::at(&path) }).await.unwrap();
    use_hot_paths(&store).await;

    let seen = statements.0.lock().unwrap().clone();
    let reads: Vec<&String> = seen
        .iter()
        .filter(|s| s.starts_with("SELECT") || s.starts_with("UPDATE") || s.starts_with("WITH"))
        .collect();
    assert!(reads.len() > 40, "only {} statements were seen", reads.len());
    // A database that has grown since anybody looked at what is in it is planned for as if nothing were known of it.
    let young = dir.path().join("young.db");
    let young = Store::open(Options::at(&young)).await.unwrap();
    let mut bad = String::new();
    for (what, store) in [("", &store), (", without statistics", &young)] {
        let mut conn = store.read().await.unwrap();
        for sql in &reads {
            for line in bad_lines(&mut conn, sql).await {
                writeln!(bad, "{line}\n    in {sql}{what}").unwrap();
            }
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

#[tokio::test]
async fn a_scan_would_be_seen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("paperclip.db");
    let store = Store::open(Options::at(&path)).await.unwrap();
    let mut conn = store.read().await.unwrap();
    for sql in
        ["SELECT title FROM issues WHERE title = 'x'", "SELECT i.title FROM issues i WHERE i.title = 'x'"]
    {
        assert_eq!(bad_lines(&mut conn, sql).await.len(), 1, "{sql}");
    }
}
