//! The store on a real file: versions, the feed, locks that are indexes, search, backup and restore.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use contract::company::{Company, CompanyStatus};
use contract::issue::{Issue, IssueStatus, ListIssues};
use contract::planning::{InProject, Project, ProjectStatus};
use contract::{Cents, CompanyId, IssueId, ProjectId, Timestamp};
use store::{Options, Store, StoreError, WriteTx};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

async fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(Options::at(dir.path().join("paperclip.db"))).await.unwrap()
}

fn company(n: u128) -> Company {
    Company {
        id: CompanyId(Uuid::from_u128(n)),
        name: format!("Company {n}"),
        description: None,
        status: CompanyStatus::Active,
        pause_reason: None,
        paused_at: None,
        issue_prefix: format!("C{n}"),
        issue_counter: 0,
        budget_monthly_cents: Cents::ZERO,
        spent_monthly_cents: Cents::ZERO,
        attachment_max_bytes: 1,
        require_board_approval_for_new_agents: false,
        feedback_data_sharing_enabled: false,
        brand_color: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn project(company: CompanyId) -> Project {
    Project {
        id: ProjectId(Uuid::from_u128(500)),
        company_id: company,
        url_key: "site".into(),
        goal_id: None,
        name: "Site".into(),
        description: None,
        status: ProjectStatus::Planned,
        lead_agent_id: None,
        target_date: None,
        color: None,
        env: None,
        pause_reason: None,
        paused_at: None,
        execution_workspace_policy: None,
        archived_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

async fn issue(tx: &mut WriteTx, company: CompanyId, n: u128, title: &str) -> Issue {
    let (prefix, number) = store::companies::next_issue_number(tx, company).await.unwrap();
    let mut issue = domain::issue::new(IssueId(Uuid::from_u128(1000 + n)), company, title, NOW);
    issue.description = Some("x".repeat(3000));
    issue.status = IssueStatus::Todo;
    issue.issue_number = Some(number);
    issue.identifier = Some(format!("{prefix}-{number}"));
    store::issues::create(tx, &issue).await.unwrap();
    issue
}

#[tokio::test]
async fn a_row_reads_back_as_it_was_written_and_lists_cut_descriptions() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    let written = issue(&mut tx, c.id, 1, "Fix the login").await;
    tx.commit().await.unwrap();

    let mut conn = store.read().await.unwrap();
    assert_eq!(store::issues::get(&mut conn, written.id).await.unwrap(), Some(written.clone()));
    let rows = store::issues::list(&mut conn, &ListIssues::of(c.id), 50).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].issue.description.as_deref().map(str::len), Some(1200));
    assert!(rows[0].is_unread_for_me);
    let count = store::issues::count(&mut conn, &ListIssues::of(c.id)).await.unwrap();
    assert_eq!((count.count, count.by_status["todo"]), (1, 1));
}

#[tokio::test]
async fn issues_of_a_project_and_issues_of_none_are_found_apart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    let project = project(c.id);
    store::planning::create_project(&mut tx, &project).await.unwrap();
    let free = issue(&mut tx, c.id, 1, "Of no project").await;
    let mut bound = issue(&mut tx, c.id, 2, "Of the project").await;
    bound.project_id = Some(project.id);
    store::issues::save(&mut tx, &bound).await.unwrap();
    tx.commit().await.unwrap();

    let mut conn = store.read().await.unwrap();
    for (place, wanted) in [(InProject::None, free.id), (InProject::One(project.id), bound.id)] {
        let q = ListIssues { project_id: Some(place), ..ListIssues::of(c.id) };
        let rows = store::issues::list(&mut conn, &q, 50).await.unwrap();
        assert_eq!(rows.iter().map(|r| r.issue.id).collect::<Vec<_>>(), [wanted]);
        assert_eq!(store::issues::count(&mut conn, &q).await.unwrap().count, 1);
    }
}

#[tokio::test]
async fn the_feed_tells_committed_changes_in_order_and_nothing_that_was_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let mut feed = store.feed();
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    tx.commit().await.unwrap();
    feed.changed().await.unwrap();
    let first = *feed.borrow_and_update();

    let mut tx = store.write(NOW).await.unwrap();
    issue(&mut tx, c.id, 1, "Never happened").await;
    drop(tx);
    let mut tx = store.write(NOW).await.unwrap();
    let kept = issue(&mut tx, c.id, 2, "Happened").await;
    store::issues::touch(&mut tx, &kept).await.unwrap();
    tx.commit().await.unwrap();

    let mut conn = store.read().await.unwrap();
    let page = store::changes::read(&mut conn, first, None, 100).await.unwrap();
    let seen: Vec<_> = page.changes.iter().map(|c| (c.seq, c.entity_id.clone())).collect();
    assert_eq!(
        seen,
        [(first + 1, kept.id.to_string())],
        "one change for create and touch in one transaction"
    );
    assert_eq!(kept.identifier.as_deref(), Some("C1-1"), "a rolled back number is given out again");
    assert!(store::changes::read(&mut conn, page.cursor + 5, None, 10).await.unwrap().reset);
}

#[tokio::test]
async fn readers_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let mut conn = store.read().await.unwrap();
    assert!(sqlx::query("DELETE FROM companies").execute(&mut *conn).await.is_err());
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let mut tx = store.write(NOW).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let path = dir.path().join("paperclip.db");
    let before = std::fs::read(&path).unwrap();
    let e = Store::open(Options::at(&path)).await.err().unwrap();
    assert!(matches!(e, StoreError::Newer { found: 9999, .. }), "{e}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_and_a_damaged_one_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("paperclip.db");
    std::fs::write(&path, b"this is a letter to my aunt, and not a database at all, however long it may be")
        .unwrap();
    let e = Store::open(Options::at(&path)).await.err().unwrap();
    assert!(matches!(e, StoreError::NotADatabase(_) | StoreError::Damaged { .. }), "{e}");
    assert!(std::fs::read(&path).unwrap().starts_with(b"this is a letter"));
}

#[tokio::test]
async fn a_backup_is_whole_and_restores() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    issue(&mut tx, c.id, 1, "Before the backup").await;
    tx.commit().await.unwrap();
    let file = dir.path().join("backups/one.db");
    assert!(store::backup::create(&store, &file).await.unwrap() > 0);
    let mut tx = store.write(NOW).await.unwrap();
    issue(&mut tx, c.id, 2, "After the backup").await;
    tx.commit().await.unwrap();
    store.close().await;

    let path = dir.path().join("paperclip.db");
    let kept = store::backup::restore(&file, &path).await.unwrap().unwrap();
    assert!(kept.exists(), "the replaced database is kept");
    let store = open(&dir).await;
    let mut conn = store.read().await.unwrap();
    let rows = store::issues::list(&mut conn, &ListIssues::of(c.id), 50).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.issue.title.as_str()).collect::<Vec<_>>(), ["Before the backup"]);
    assert!(store::check::integrity_of(&mut conn).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_truncated_backup_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let file = dir.path().join("one.db");
    store::backup::create(&store, &file).await.unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    assert!(store::backup::check_file(&file).await.is_err());
    assert!(store::backup::restore(&file, &dir.path().join("paperclip.db")).await.is_err());
}

#[tokio::test]
async fn search_finds_words_by_their_beginning_in_titles_and_comments_and_follows_edits() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    let mut i = issue(&mut tx, c.id, 1, "Größe of the login page").await;
    issue(&mut tx, c.id, 2, "Something else").await;
    tx.commit().await.unwrap();
    let find = async |words: &str| {
        let mut conn = store.read().await.unwrap();
        let e = store::search::Expression::of(words).unwrap();
        use store::search::{Field, hits};
        hits(&mut conn, c.id, &e, &[Field::Title]).await.unwrap().len()
    };
    assert_eq!(find("grosse").await + find("größe").await, 1, "diacritics fold, ß does not");
    assert_eq!(find("log pag").await, 0, "only the last word is a beginning");
    assert_eq!(find("login pag").await, 1);
    i.title = "Renamed".into();
    let mut tx = store.write(NOW).await.unwrap();
    store::issues::save(&mut tx, &i).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((find("login").await, find("renam").await), (0, 1));
    let mut q = ListIssues::of(c.id);
    q.q = Some("c1-2".into());
    let mut conn = store.read().await.unwrap();
    assert_eq!(store::issues::list(&mut conn, &q, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_transaction_that_fails_for_want_of_room_leaves_the_writer_fit_for_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    // What a full disk is to SQLite: no page more.
    sqlx::query("PRAGMA max_page_count = 1").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.write(NOW).await.unwrap();
    let mut refused = None;
    for n in 0..200 {
        let mut big = domain::issue::new(IssueId(Uuid::from_u128(n)), c.id, "Big", NOW);
        big.description = Some("x".repeat(100_000));
        if let Err(e) = store::issues::create(&mut tx, &big).await {
            refused = Some(e);
            break;
        }
    }
    assert!(matches!(refused, Some(StoreError::DiskFull)), "{refused:?}");
    drop(tx);

    let mut tx = store.write(NOW).await.unwrap();
    issue(&mut tx, c.id, 1, "After").await;
    tx.commit().await.unwrap();
    let mut conn = store.read().await.unwrap();
    let rows = store::issues::list(&mut conn, &ListIssues::of(c.id), 50).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.issue.title.as_str()).collect::<Vec<_>>(), ["After"]);
}

#[tokio::test]
async fn a_restore_that_was_cut_short_is_finished_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    tx.commit().await.unwrap();
    let path = dir.path().join("paperclip.db");
    store::backup::create(&store, &dir.path().join("paperclip.db.restored")).await.unwrap();
    store.close().await;
    // As it is between moving the old database away and moving the restored one in.
    std::fs::rename(&path, dir.path().join("paperclip.db.before-restore-1")).unwrap();
    let store = open(&dir).await;
    let mut conn = store.read().await.unwrap();
    assert!(store::companies::get(&mut conn, c.id).await.unwrap().is_some(), "not an empty new database");
}

#[tokio::test]
async fn a_company_finds_its_own_however_much_newer_another_has() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let (quiet, busy) = (company(1), company(2));
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &quiet).await.unwrap();
    store::companies::create(&mut tx, &busy).await.unwrap();
    let own = issue(&mut tx, quiet.id, 1, "The login page").await;
    for n in 0..130 {
        issue(&mut tx, busy.id, 10 + n, "Another login").await;
    }
    tx.commit().await.unwrap();
    let mut conn = store.read().await.unwrap();
    let words = store::search::Expression::of("login").unwrap();
    let found =
        store::search::hits(&mut conn, quiet.id, &words, &[store::search::Field::Title]).await.unwrap();
    assert_eq!(found.iter().map(|h| h.issue).collect::<Vec<_>>(), [own.id]);
}

#[tokio::test]
async fn writing_a_row_changes_what_differs_and_leaves_what_others_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    let mut i = issue(&mut tx, c.id, 1, "Before").await;
    tx.commit().await.unwrap();
    i.title = "After".into();
    i.description = None;
    let version = store.version();
    let mut tx = store.write(NOW).await.unwrap();
    store::issues::save(&mut tx, &i).await.unwrap();
    tx.commit().await.unwrap();
    assert!(store.version() > version, "kept answers are void after a commit");
    let mut conn = store.read().await.unwrap();
    assert_eq!(store::issues::get(&mut conn, i.id).await.unwrap(), Some(i));
}

#[tokio::test]
async fn a_transaction_that_is_dropped_half_way_leaves_the_writer_free_and_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let c = company(1);
    let mut tx = store.write(NOW).await.unwrap();
    store::companies::create(&mut tx, &c).await.unwrap();
    drop(tx);
    // Dropped while it begins.
    let begun = tokio::time::timeout(std::time::Duration::from_micros(1), store.write(NOW)).await;
    drop(begun);
    let mut tx = store.write(NOW).await.unwrap();
    assert!(store::companies::get(&mut tx, c.id).await.unwrap().is_none());
    store::companies::create(&mut tx, &c).await.unwrap();
    tx.commit().await.unwrap();
}
