//! The ledger of costs and its sums.

use contract::cost::{
    CostByAgent, CostByAgentModel, CostByBiller, CostByProject, CostByProviderModel, CostEvent, CostRange,
    CostWindowSpend,
};
use contract::feed::ChangeOp;
use contract::{AgentId, Cents, CompanyId, IssueId, Kind, Micros, RunId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::entity::{Column, Cursor, entity, insert, scalar, select};
use crate::{Result, WriteTx};

entity!(
    CostEvent,
    "cost_events",
    id,
    [
        company_id,
        agent_id,
        issue_id,
        project_id,
        goal_id,
        heartbeat_run_id,
        billing_code,
        provider,
        biller,
        billing_type,
        model,
        input_tokens,
        cached_input_tokens,
        output_tokens,
        cost_cents,
        cost_micros,
        occurred_at,
        created_at,
    ]
);

pub async fn create(tx: &mut WriteTx, e: &CostEvent) -> Result<()> {
    insert(tx, e).await?;
    tx.record(e.company_id, Kind::Cost, ChangeOp::Created, e.id);
    Ok(())
}

/// Writes what is known of a message of a run, once a key. Answers whether that is more than what was known.
///
/// What is read again is less than, or the same as, what was read before, so the most stands; but for the run's own
/// total (`replaces`), which takes the place of the one before.
pub async fn meter(tx: &mut WriteTx, e: &CostEvent, key: &str, replaces: bool) -> Result<bool> {
    const KEEP: &str = "CASE WHEN ?2 THEN excluded.{} ELSE max({}, excluded.{}) END";
    let fields = ["input_tokens", "cached_input_tokens", "output_tokens", "cost_cents", "cost_micros"];
    let set: Vec<String> = fields.iter().map(|f| format!("{f} = {}", KEEP.replace("{}", f))).collect();
    let differs: Vec<String> = fields.iter().map(|f| format!("{f} <> {}", KEEP.replace("{}", f))).collect();
    let sql = format!(
        "INSERT INTO cost_events (source_key, id, company_id, agent_id, issue_id, project_id, goal_id, \
           heartbeat_run_id, billing_code, provider, biller, billing_type, model, input_tokens, \
           cached_input_tokens, output_tokens, cost_cents, cost_micros, occurred_at, created_at) \
         VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21) \
         ON CONFLICT (heartbeat_run_id, source_key) WHERE source_key IS NOT NULL \
         DO UPDATE SET {} WHERE {}",
        set.join(", "),
        differs.join(" OR "),
    );
    let q = sqlx::query(AssertSqlSafe(sql)).bind(key.to_owned()).bind(replaces);
    let q = crate::Entity::bind_insert(e, q);
    let news = q.execute(&mut **tx).await?.rows_affected() > 0;
    if news {
        tx.record(e.company_id, Kind::Cost, ChangeOp::Created, e.id);
    }
    Ok(news)
}

/// The entries of a run, in the order in which they came.
pub async fn of_run(conn: &mut SqliteConnection, run: RunId) -> Result<Vec<CostEvent>> {
    select("WHERE heartbeat_run_id = ? ORDER BY rowid").bind(&run).all(conn).await
}

/// What was spent since then, over all companies or one.
pub async fn spent_since(
    conn: &mut SqliteConnection,
    company: Option<CompanyId>,
    since: Timestamp,
) -> Result<Micros> {
    // Company by company, as the index begins with the company.
    let q = sqlx::query(
        "SELECT coalesce(sum(e.cost_micros), 0) FROM companies c CROSS JOIN cost_events e \
         ON e.company_id = c.id AND e.occurred_at >= ?1 WHERE ?2 IS NULL OR c.id = ?2",
    );
    Ok(scalar(conn, company.bind(since.bind(q))).await?.unwrap_or_default())
}

/// What was spent within a range.
pub async fn spent_within(conn: &mut SqliteConnection, range: &CostRange) -> Result<Micros> {
    let q = sqlx::query(
        "SELECT coalesce(sum(cost_micros), 0) FROM cost_events \
         WHERE company_id = ? AND occurred_at >= ? AND occurred_at <= ?",
    );
    Ok(scalar(conn, bind_range(q, range)).await?.unwrap_or_default())
}

/// What all of an agent's runs and reports cost.
pub async fn spent_of_agent(conn: &mut SqliteConnection, agent: AgentId) -> Result<Micros> {
    let q = sqlx::query(
        "SELECT coalesce(sum(micros), 0) FROM cost_months WHERE scope_type = 'agent' AND scope_id = ?",
    );
    Ok(scalar(conn, agent.bind(q)).await?.unwrap_or_default())
}

fn bind_range<'q>(q: crate::entity::Q<'q>, range: &CostRange) -> crate::entity::Q<'q> {
    let from = range.from.unwrap_or(Timestamp::from_millis(0));
    let to = range.to.unwrap_or(Timestamp::from_millis(i64::MAX));
    to.bind(from.bind(range.company_id.bind(q)))
}

const SUMS: &str =
    "sum(e.cost_micros), sum(e.input_tokens), sum(e.cached_input_tokens), sum(e.output_tokens)";
const BY_BILLING: &str = "count(DISTINCT CASE WHEN e.billing_type = 'metered_api' THEN e.heartbeat_run_id END), \
     count(DISTINCT CASE WHEN e.billing_type LIKE 'subscription%' THEN e.heartbeat_run_id END), \
     sum(CASE WHEN e.billing_type LIKE 'subscription%' THEN e.cached_input_tokens ELSE 0 END), \
     sum(CASE WHEN e.billing_type LIKE 'subscription%' THEN e.input_tokens ELSE 0 END), \
     sum(CASE WHEN e.billing_type LIKE 'subscription%' THEN e.output_tokens ELSE 0 END)";
const WITHIN: &str = "WHERE e.company_id = ? AND e.occurred_at >= ? AND e.occurred_at <= ?";

async fn sums<T>(
    conn: &mut SqliteConnection,
    range: &CostRange,
    sql: String,
    read: impl Fn(&mut Cursor<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let rows: Vec<SqliteRow> = bind_range(sqlx::query(AssertSqlSafe(sql)), range).fetch_all(conn).await?;
    rows.iter().map(|r| read(&mut Cursor::new(r))).collect()
}

fn cents(micros: Micros) -> Cents {
    Cents::new(micros.rounded_cents())
}

/// The dearest first, as all of these.
pub async fn by_agent(conn: &mut SqliteConnection, range: &CostRange) -> Result<Vec<CostByAgent>> {
    let sql = format!(
        "SELECT e.agent_id, a.name, a.status, {SUMS}, {BY_BILLING} FROM cost_events e \
         LEFT JOIN agents a ON a.id = e.agent_id {WITHIN} GROUP BY e.agent_id ORDER BY 4 DESC, e.agent_id"
    );
    sums(conn, range, sql, |c| {
        Ok(CostByAgent {
            agent_id: c.next()?,
            agent_name: c.next()?,
            agent_status: c.next()?,
            cost_cents: cents(c.next()?),
            input_tokens: c.next()?,
            cached_input_tokens: c.next()?,
            output_tokens: c.next()?,
            api_run_count: c.next()?,
            subscription_run_count: c.next()?,
            subscription_cached_input_tokens: c.next()?,
            subscription_input_tokens: c.next()?,
            subscription_output_tokens: c.next()?,
        })
    })
    .await
}

pub async fn by_agent_model(conn: &mut SqliteConnection, range: &CostRange) -> Result<Vec<CostByAgentModel>> {
    let sql = format!(
        "SELECT e.agent_id, a.name, e.provider, e.biller, e.billing_type, e.model, {SUMS} FROM cost_events e \
         LEFT JOIN agents a ON a.id = e.agent_id {WITHIN} \
         GROUP BY e.agent_id, e.provider, e.biller, e.billing_type, e.model ORDER BY 7 DESC, e.agent_id, e.model"
    );
    sums(conn, range, sql, |c| {
        Ok(CostByAgentModel {
            agent_id: c.next()?,
            agent_name: c.next()?,
            provider: c.next()?,
            biller: c.next()?,
            billing_type: c.next()?,
            model: c.next()?,
            cost_cents: cents(c.next()?),
            input_tokens: c.next()?,
            cached_input_tokens: c.next()?,
            output_tokens: c.next()?,
        })
    })
    .await
}

pub async fn by_provider(conn: &mut SqliteConnection, range: &CostRange) -> Result<Vec<CostByProviderModel>> {
    let sql = format!(
        "SELECT e.provider, e.biller, e.billing_type, e.model, {SUMS}, {BY_BILLING} FROM cost_events e {WITHIN} \
         GROUP BY e.provider, e.biller, e.billing_type, e.model ORDER BY 5 DESC, e.model"
    );
    sums(conn, range, sql, |c| {
        Ok(CostByProviderModel {
            provider: c.next()?,
            biller: c.next()?,
            billing_type: c.next()?,
            model: c.next()?,
            cost_cents: cents(c.next()?),
            input_tokens: c.next()?,
            cached_input_tokens: c.next()?,
            output_tokens: c.next()?,
            api_run_count: c.next()?,
            subscription_run_count: c.next()?,
            subscription_cached_input_tokens: c.next()?,
            subscription_input_tokens: c.next()?,
            subscription_output_tokens: c.next()?,
        })
    })
    .await
}

pub async fn by_biller(conn: &mut SqliteConnection, range: &CostRange) -> Result<Vec<CostByBiller>> {
    let sql = format!(
        "SELECT e.biller, {SUMS}, {BY_BILLING}, count(DISTINCT e.provider), count(DISTINCT e.model) \
         FROM cost_events e {WITHIN} GROUP BY e.biller ORDER BY 2 DESC, e.biller"
    );
    sums(conn, range, sql, |c| {
        Ok(CostByBiller {
            biller: c.next()?,
            cost_cents: cents(c.next()?),
            input_tokens: c.next()?,
            cached_input_tokens: c.next()?,
            output_tokens: c.next()?,
            api_run_count: c.next()?,
            subscription_run_count: c.next()?,
            subscription_cached_input_tokens: c.next()?,
            subscription_input_tokens: c.next()?,
            subscription_output_tokens: c.next()?,
            provider_count: c.next()?,
            model_count: c.next()?,
        })
    })
    .await
}

/// What was spent within a range that is called by this name.
pub async fn in_window(
    conn: &mut SqliteConnection,
    range: &CostRange,
    (window, hours): (&str, i64),
) -> Result<Vec<CostWindowSpend>> {
    let sql = format!(
        "SELECT e.provider, e.biller, {SUMS} FROM cost_events e {WITHIN} \
         GROUP BY e.provider, e.biller ORDER BY 3 DESC, e.provider, e.biller"
    );
    sums(conn, range, sql, |c| {
        Ok(CostWindowSpend {
            provider: c.next()?,
            biller: c.next()?,
            window: window.to_owned(),
            window_hours: hours,
            cost_cents: cents(c.next()?),
            input_tokens: c.next()?,
            cached_input_tokens: c.next()?,
            output_tokens: c.next()?,
        })
    })
    .await
}

/// What these issues cost and took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfIssues {
    pub cost: Micros,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    pub runs: i64,
    pub runtime_ms: i64,
}

/// Adds it up, with runs at work until now.
pub async fn of_issues(conn: &mut SqliteConnection, issues: &[IssueId], now: Timestamp) -> Result<OfIssues> {
    let q = sqlx::query(
        "SELECT c.cost, c.fresh, c.cached, c.written, r.n, r.ms FROM \
           (SELECT coalesce(sum(cost_micros), 0) AS cost, coalesce(sum(input_tokens), 0) AS fresh, \
              coalesce(sum(cached_input_tokens), 0) AS cached, coalesce(sum(output_tokens), 0) AS written \
            FROM cost_events WHERE issue_id IN (SELECT value FROM json_each(?1))) c, \
           (SELECT count(*) AS n, coalesce(sum(max(coalesce(finished_at, ?2) - started_at, 0)), 0) AS ms \
            FROM heartbeat_runs WHERE started_at IS NOT NULL \
              AND issue_id IN (SELECT value FROM json_each(?1))) r",
    );
    let row = now.bind(q.bind(crate::relations::json_list(issues))).fetch_one(conn).await?;
    let mut c = Cursor::new(&row);
    Ok(OfIssues {
        cost: c.next()?,
        input_tokens: c.next()?,
        cached_input_tokens: c.next()?,
        output_tokens: c.next()?,
        runs: c.next()?,
        runtime_ms: c.next()?,
    })
}

pub async fn by_project(conn: &mut SqliteConnection, range: &CostRange) -> Result<Vec<CostByProject>> {
    let sql = format!(
        "SELECT e.project_id, p.name, {SUMS} FROM cost_events e LEFT JOIN projects p ON p.id = e.project_id \
         {WITHIN} GROUP BY e.project_id ORDER BY 3 DESC, e.project_id"
    );
    sums(conn, range, sql, |c| {
        Ok(CostByProject {
            project_id: c.next()?,
            project_name: c.next()?,
            cost_cents: cents(c.next()?),
            input_tokens: c.next()?,
            cached_input_tokens: c.next()?,
            output_tokens: c.next()?,
        })
    })
    .await
}
