//! Fills an empty data folder with a company of the size that the bench measures on.
//!
//! `cargo run --release -p store --example seed -- DATA_DIR ISSUES COMMENTS_PER_ISSUE`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use contract::agent::{Agent, AgentPermissions, AgentRole, AgentStatus};
use contract::comment::{AuthorType, IssueComment};
use contract::company::{Company, CompanyStatus};
use contract::issue::{Issue, IssuePriority, IssueStatus};
use contract::{AgentId, Cents, CommentId, CompanyId, IssueId, LOCAL_OPERATOR, Timestamp};
use store::{Options, Store};
use uuid::Uuid;

const START: i64 = 1_780_000_000_000;
/// Issues in one transaction.
const BATCH: u64 = 2000;
const WORDS: [&str; 24] = [
    "login", "page", "breaks", "when", "the", "session", "expires", "export", "invoice", "slow", "query",
    "retry", "worker", "queue", "deploy", "staging", "mobile", "layout", "budget", "report", "search",
    "index", "cache", "token",
];

/// A sequence without pattern that is the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn words(&mut self, n: usize) -> String {
        (0..n).map(|_| WORDS[self.roll(WORDS.len())]).collect::<Vec<_>>().join(" ")
    }
}

fn id(kind: u64, n: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000 | kind, 0x8000_0000_0000_0000 | n)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut args = std::env::args().skip(1);
    let dir = std::path::PathBuf::from(args.next().expect("a data folder"));
    let issues: u64 = args.next().map_or(100_000, |n| n.parse().expect("a number"));
    let comments: u64 = args.next().map_or(3, |n| n.parse().expect("a number"));
    std::fs::create_dir_all(&dir).unwrap();
    let store = Store::open(Options::at(dir.join("paperclip.db"))).await.unwrap();
    let mut dice = Dice(42);
    let company = CompanyId(id(1, 1));
    people(&store, company).await;
    let mut n = 0;
    while n < issues {
        let mut tx = store.write(Timestamp::from_millis(START)).await.unwrap();
        for _ in 0..BATCH.min(issues - n) {
            n += 1;
            let at = Timestamp::from_millis(START + i64::try_from(n).unwrap() * 60_000);
            let issue = issue(&mut tx, &mut dice, company, n, at).await;
            for c in 0..comments {
                comment(&mut tx, &mut dice, &issue, n * comments + c, at).await;
            }
        }
        tx.commit().await.unwrap();
    }
    store.close().await;
    println!("{company}");
}

async fn people(store: &Store, company: CompanyId) {
    let at = Timestamp::from_millis(START);
    let mut tx = store.write(at).await.unwrap();
    let c = Company {
        id: company,
        name: "Bench".into(),
        description: None,
        status: CompanyStatus::Active,
        pause_reason: None,
        paused_at: None,
        issue_prefix: "BEN".into(),
        issue_counter: 0,
        budget_monthly_cents: Cents::ZERO,
        spent_monthly_cents: Cents::ZERO,
        attachment_max_bytes: 1 << 20,
        require_board_approval_for_new_agents: false,
        feedback_data_sharing_enabled: false,
        brand_color: None,
        created_at: at,
        updated_at: at,
    };
    store::companies::create(&mut tx, &c).await.unwrap();
    for n in 0..50 {
        let a = Agent {
            id: AgentId(id(2, n)),
            company_id: company,
            name: format!("Agent {n}"),
            url_key: format!("agent-{n}"),
            role: AgentRole::Engineer,
            title: None,
            icon: None,
            status: AgentStatus::Idle,
            reports_to: None,
            capabilities: None,
            adapter_type: "process".into(),
            adapter_config: serde_json::from_str(r#"{"command": "/bin/true"}"#).unwrap(),
            // Comments on their issues leave a wake with its reason, but no run that would disturb the figures.
            runtime_config: serde_json::from_str(r#"{"heartbeat": {"wakeOnDemand": false}}"#).unwrap(),
            default_environment_id: None,
            budget_monthly_cents: Cents::ZERO,
            spent_monthly_cents: Cents::ZERO,
            pause_reason: None,
            paused_at: None,
            permissions: AgentPermissions::default(),
            last_heartbeat_at: None,
            metadata: None,
            created_at: at,
            updated_at: at,
        };
        store::agents::create(&mut tx, &a).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn issue(tx: &mut store::WriteTx, dice: &mut Dice, company: CompanyId, n: u64, at: Timestamp) -> Issue {
    let (prefix, number) = store::companies::next_issue_number(tx, company).await.unwrap();
    let status = [
        IssueStatus::Backlog,
        IssueStatus::Todo,
        IssueStatus::InReview,
        IssueStatus::Blocked,
        IssueStatus::Done,
        IssueStatus::Done,
    ][dice.roll(6)];
    let priority = IssuePriority::ALL[dice.roll(4)];
    let assigned = dice.roll(2) == 0;
    let agent = u64::try_from(dice.roll(50)).unwrap();
    let mut issue = domain::issue::new(IssueId(id(3, n)), company, dice.words(6), at);
    issue.parent_id = (n > 100 && n.is_multiple_of(9)).then(|| IssueId(id(3, n - 50)));
    issue.description = Some(dice.words(60));
    issue.status = status;
    issue.priority = priority;
    issue.assignee_agent_id = assigned.then(|| AgentId(id(2, agent)));
    issue.created_by_user_id = Some(LOCAL_OPERATOR.into());
    issue.issue_number = Some(number);
    issue.identifier = Some(format!("{prefix}-{number}"));
    issue.completed_at = (status == IssueStatus::Done).then_some(at);
    store::issues::create(tx, &issue).await.unwrap();
    issue
}

async fn comment(tx: &mut store::WriteTx, dice: &mut Dice, issue: &Issue, n: u64, at: Timestamp) {
    let c = IssueComment {
        id: CommentId(id(4, n)),
        company_id: issue.company_id,
        issue_id: issue.id,
        author_type: AuthorType::User,
        author_agent_id: None,
        author_user_id: Some(LOCAL_OPERATOR.into()),
        created_by_run_id: None,
        body: dice.words(30),
        presentation: None,
        metadata: None,
        created_at: at,
        updated_at: at,
    };
    store::comments::create(tx, &c).await.unwrap();
}
