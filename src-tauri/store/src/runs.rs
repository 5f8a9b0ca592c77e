//! Runs and their events.

use std::collections::HashMap;

use contract::feed::ChangeOp;
use contract::issue::{IssuePriority, IssueStatus};
use contract::run::{ListRuns, OutputStream, Run, RunEvent, RunStatus, RunSummary};
use contract::{AgentId, CompanyId, IssueId, JsonObject, Kind, ProjectId, RunId, Timestamp};
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, SqliteConnection};

use crate::entity::{Column, Cursor, entity, insert, scalar, select, update};
use crate::relations::json_list;
use crate::{Result, WriteTx};

entity!(
    Run,
    "heartbeat_runs",
    id,
    [
        company_id,
        agent_id,
        invocation_source,
        trigger_detail,
        status,
        started_at,
        finished_at,
        error,
        wakeup_request_id,
        exit_code,
        signal,
        usage_json,
        result_json,
        session_id_before,
        session_id_after,
        log_store,
        log_ref,
        log_bytes,
        log_sha256,
        log_compressed,
        stdout_excerpt,
        stderr_excerpt,
        error_code,
        external_run_id,
        process_pid,
        process_group_id,
        process_started_at,
        last_output_at,
        last_output_seq,
        last_output_stream,
        last_output_bytes,
        retry_of_run_id,
        process_loss_retry_count,
        scheduled_retry_at,
        scheduled_retry_attempt,
        scheduled_retry_reason,
        issue_comment_status,
        issue_comment_satisfied_by_comment_id,
        liveness_state,
        liveness_reason,
        continuation_attempt,
        last_useful_action_at,
        next_action,
        context_snapshot,
        issue_id,
        created_at,
        updated_at,
    ]
);

// A query for one live state names all of them besides: only so does SQLite see that the index of the live runs,
// a few among hundreds of thousands, holds what it looks for.

const SUMMARY: &str = "SELECT r.id, r.company_id, r.agent_id, a.name, a.adapter_type, r.status, r.invocation_source, \
     r.trigger_detail, CASE WHEN json_extract(r.context_snapshot, '$.interactionId') IS NULL \
     THEN json_extract(r.context_snapshot, '$.wakeReason') ELSE 'interaction_resolved' END, r.issue_id, i.identifier, i.title, \
     r.error, r.error_code, json_extract(r.usage_json, '$.inputTokens'), \
     json_extract(r.usage_json, '$.outputTokens'), CAST(json_extract(r.usage_json, '$.costUsd') AS REAL), \
     json_extract(r.usage_json, '$.model'), json_extract(r.result_json, '$.summary'), r.last_output_at, \
     r.started_at, r.finished_at, r.created_at \
     FROM heartbeat_runs r JOIN agents a ON a.id = r.agent_id LEFT JOIN issues i ON i.id = r.issue_id";

fn summary(row: &SqliteRow) -> Result<RunSummary> {
    let mut c = Cursor::new(row);
    Ok(RunSummary {
        id: c.next()?,
        company_id: c.next()?,
        agent_id: c.next()?,
        agent_name: c.next()?,
        adapter_type: c.next()?,
        status: c.next()?,
        invocation_source: c.next()?,
        trigger_detail: c.next()?,
        wake_reason: c.next()?,
        issue_id: c.next()?,
        issue_identifier: c.next()?,
        issue_title: c.next()?,
        error: c.next()?,
        error_code: c.next()?,
        input_tokens: c.next()?,
        output_tokens: c.next()?,
        cost_usd: c.next()?,
        model: c.next()?,
        summary: c.next()?,
        last_output_at: c.next()?,
        started_at: c.next()?,
        finished_at: c.next()?,
        created_at: c.next()?,
        output_silence: None,
    })
}

pub async fn get(conn: &mut SqliteConnection, id: RunId) -> Result<Option<Run>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// The run on its way to or at work on an issue. There is never more than one.
pub async fn live_on_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<Option<Run>> {
    select("WHERE issue_id = ? AND status IN ('queued', 'scheduled_retry', 'running')")
        .bind(&issue)
        .one(conn)
        .await
}

/// Queued runs of a task that is no issue, of which another run is at work: both would go on with one conversation.
pub async fn behind_their_own(conn: &mut SqliteConnection) -> Result<Vec<RunId>> {
    let q = sqlx::query(
        "SELECT q.id FROM heartbeat_runs q CROSS JOIN heartbeat_runs r ON r.agent_id = q.agent_id AND r.task_key = q.task_key \
           AND r.issue_id IS NULL AND r.task_key IS NOT NULL AND r.status = 'running' \
         WHERE q.issue_id IS NULL AND q.task_key IS NOT NULL \
           AND q.status = 'queued' AND q.status IN ('queued', 'scheduled_retry', 'running')",
    );
    q.fetch_all(conn).await?.iter().map(|r| Column::read(r, 0)).collect()
}

/// Runs of an agent that wait for a task which is no issue, or work on it.
pub async fn live_on_task(conn: &mut SqliteConnection, agent: AgentId, task_key: &str) -> Result<Vec<Run>> {
    select(
        "WHERE agent_id = ? AND task_key = ? AND issue_id IS NULL \
         AND status IN ('queued', 'scheduled_retry', 'running') ORDER BY created_at",
    )
    .bind(&agent)
    .text(task_key)
    .all(conn)
    .await
}

/// Runs in one of the live states, oldest first, over all companies.
pub async fn with_status(conn: &mut SqliteConnection, status: RunStatus) -> Result<Vec<Run>> {
    select(
        "WHERE status = ? AND status IN ('queued', 'scheduled_retry', 'running') ORDER BY created_at, rowid",
    )
    .bind(&status)
    .all(conn)
    .await
}

/// What decides when a queued run starts.
#[derive(Clone, Debug)]
pub struct InLine {
    pub id: RunId,
    pub company_id: CompanyId,
    pub agent_id: AgentId,
    /// Of its issue.
    pub project_id: Option<ProjectId>,
    pub queued_at: Timestamp,
    /// Of its issue, when it is about one that is there.
    pub status: Option<IssueStatus>,
    pub priority: Option<IssuePriority>,
    pub unresolved_blockers: i64,
    /// Of its agent.
    pub runtime_config: JsonObject,
}

/// The queued runs of all companies, oldest first.
pub async fn in_line(conn: &mut SqliteConnection) -> Result<Vec<InLine>> {
    let q = sqlx::query(concat!(
        "SELECT r.id, r.company_id, r.agent_id, i.project_id, r.created_at, i.status, i.priority, \
           (SELECT count(*) FROM issue_relations e JOIN issues b ON b.id = e.issue_id \
            WHERE e.related_issue_id = r.issue_id AND e.type = 'blocks' AND ",
        crate::relations::holds_up!("b"),
        "), a.runtime_config \
         FROM heartbeat_runs r JOIN agents a ON a.id = r.agent_id LEFT JOIN issues i ON i.id = r.issue_id \
         WHERE r.status = 'queued' AND r.status IN ('queued', 'scheduled_retry', 'running') \
         ORDER BY r.created_at, r.rowid"
    ));
    let rows = q.fetch_all(conn).await?;
    rows.iter()
        .map(|row| {
            let mut c = Cursor::new(row);
            Ok(InLine {
                id: c.next()?,
                company_id: c.next()?,
                agent_id: c.next()?,
                project_id: c.next()?,
                queued_at: c.next()?,
                status: c.next()?,
                priority: c.next()?,
                unresolved_blockers: c.next()?,
                runtime_config: c.next()?,
            })
        })
        .collect()
}

/// An agent's runs that are not over.
pub async fn live_of_agent(conn: &mut SqliteConnection, agent: AgentId) -> Result<Vec<Run>> {
    select("WHERE agent_id = ? AND status IN ('queued', 'scheduled_retry', 'running') ORDER BY created_at")
        .bind(&agent)
        .all(conn)
        .await
}

/// A company's runs that are not over; of all companies when absent.
pub async fn live(conn: &mut SqliteConnection, company: Option<CompanyId>) -> Result<Vec<Run>> {
    select(
        "WHERE status IN ('queued', 'scheduled_retry', 'running') AND (?1 IS NULL OR company_id = ?1) \
         ORDER BY created_at",
    )
    .bind(&company)
    .all(conn)
    .await
}

/// How many runs are running: of each agent, over all companies.
pub async fn running_by_agent(conn: &mut SqliteConnection) -> Result<HashMap<AgentId, i64>> {
    let rows = sqlx::query(
        "SELECT agent_id, count(*) FROM heartbeat_runs WHERE status = 'running' \
         AND status IN ('queued', 'scheduled_retry', 'running') GROUP BY agent_id",
    )
    .fetch_all(conn)
    .await?;
    rows.iter().map(|r| Ok((Column::read(r, 0)?, Column::read(r, 1)?))).collect()
}

/// How many runs are in one of the live states, over all companies.
pub async fn count(conn: &mut SqliteConnection, status: RunStatus) -> Result<i64> {
    let q = status.bind(sqlx::query(
        "SELECT count(*) FROM heartbeat_runs WHERE status = ? \
         AND status IN ('queued', 'scheduled_retry', 'running')",
    ));
    Ok(scalar(conn, q).await?.unwrap_or(0))
}

pub async fn list(conn: &mut SqliteConnection, q: &ListRuns, limit: u32) -> Result<Vec<RunSummary>> {
    let mut sql = QueryBuilder::<Sqlite>::new(SUMMARY);
    sql.push(" WHERE r.company_id = ").push_bind(q.company_id.to_string());
    if let Some(agent) = q.agent_id {
        sql.push(" AND r.agent_id = ").push_bind(agent.to_string());
    }
    if !q.status.is_empty() {
        sql.push(" AND r.status IN (");
        let mut list = sql.separated(", ");
        for s in &q.status {
            list.push_bind(s.as_str());
        }
        sql.push(")");
    }
    sql.push(" ORDER BY r.created_at DESC LIMIT ").push_bind(i64::from(limit));
    sql.push(" OFFSET ").push_bind(i64::from(q.offset.unwrap_or(0)));
    sql.build().fetch_all(conn).await?.iter().map(summary).collect()
}

/// Runs about an issue, newest first.
pub async fn of_issue(
    conn: &mut SqliteConnection,
    issue: IssueId,
    live_only: bool,
) -> Result<Vec<RunSummary>> {
    let live = if live_only { "AND r.status IN ('queued', 'scheduled_retry', 'running')" } else { "" };
    let sql = format!("{SUMMARY} WHERE r.issue_id = ? {live} ORDER BY r.created_at DESC LIMIT 200");
    let rows = issue.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(conn).await?;
    rows.iter().map(summary).collect()
}

/// A company's runs in flight, newest first.
pub async fn live_summaries(
    conn: &mut SqliteConnection,
    company: CompanyId,
    limit: u32,
) -> Result<Vec<RunSummary>> {
    let sql = format!(
        "{SUMMARY} WHERE r.company_id = ? AND r.status IN ('queued', 'scheduled_retry', 'running') \
         ORDER BY r.created_at DESC LIMIT ?"
    );
    let q = company.bind(sqlx::query(AssertSqlSafe(sql))).bind(i64::from(limit));
    q.fetch_all(conn).await?.iter().map(summary).collect()
}

/// The live run of each of these issues.
pub async fn live_by_issue(
    conn: &mut SqliteConnection,
    issues: &[IssueId],
) -> Result<HashMap<IssueId, RunSummary>> {
    if issues.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = QueryBuilder::<Sqlite>::new(SUMMARY);
    sql.push(" WHERE r.status IN ('queued', 'scheduled_retry', 'running') ");
    sql.push("AND r.issue_id IN (SELECT value FROM json_each(").push_bind(json_list(issues)).push("))");
    let mut out = HashMap::new();
    for row in sql.build().fetch_all(conn).await? {
        let s = summary(&row)?;
        if let Some(issue) = s.issue_id {
            out.insert(issue, s);
        }
    }
    Ok(out)
}

pub async fn create(tx: &mut WriteTx, r: &Run, task_key: Option<&str>) -> Result<()> {
    insert(tx, r).await?;
    if let Some(key) = task_key {
        let q = sqlx::query("UPDATE heartbeat_runs SET task_key = ? WHERE id = ?").bind(key.to_owned());
        r.id.bind(q).execute(&mut **tx).await?;
    }
    let mut p = base_payload(r);
    p.insert("wakeupRequestId".into(), r.wakeup_request_id.map_or(Value::Null, |w| w.to_string().into()));
    tx.record_with(r.company_id, Kind::Run, ChangeOp::Created, r.id, p);
    Ok(())
}

/// Writes the run and announces its state.
pub async fn save(tx: &mut WriteTx, r: &Run) -> Result<()> {
    update(tx, r).await?;
    let mut p = base_payload(r);
    for (key, value) in [
        ("status", Value::from(r.status.as_str())),
        ("error", r.error.clone().map_or(Value::Null, Value::from)),
        ("errorCode", r.error_code.clone().map_or(Value::Null, Value::from)),
        ("startedAt", r.started_at.map_or(Value::Null, |t| t.to_string().into())),
        ("finishedAt", r.finished_at.map_or(Value::Null, |t| t.to_string().into())),
    ] {
        p.insert(key.into(), value);
    }
    tx.record_with(r.company_id, Kind::Run, ChangeOp::Updated, r.id, p);
    Ok(())
}

fn base_payload(r: &Run) -> JsonObject {
    let mut p = JsonObject::new();
    p.insert("runId".into(), r.id.to_string().into());
    p.insert("agentId".into(), r.agent_id.to_string().into());
    p.insert("issueId".into(), r.issue_id.map_or(Value::Null, |i| i.to_string().into()));
    p.insert("invocationSource".into(), r.invocation_source.as_str().into());
    p.insert("triggerDetail".into(), r.trigger_detail.map_or(Value::Null, |t| t.as_str().into()));
    p
}

/// Notes how far a running run's output has come. Too frequent to announce.
pub async fn progress(
    tx: &mut WriteTx,
    id: RunId,
    lines: i64,
    bytes: i64,
    stream: Option<OutputStream>,
    at: Timestamp,
) -> Result<()> {
    let q = sqlx::query(
        "UPDATE heartbeat_runs SET last_output_seq = ?, last_output_bytes = ?, log_bytes = ?2, last_output_stream = ?, \
         last_output_at = ? WHERE id = ? AND status = 'running'",
    );
    let q = at.bind(stream.bind(q.bind(lines).bind(bytes)));
    id.bind(q).execute(&mut **tx).await?;
    Ok(())
}

/// Gives the run its token.
pub async fn set_token(tx: &mut WriteTx, id: RunId, hash: &str) -> Result<()> {
    let q = sqlx::query("UPDATE heartbeat_runs SET token_hash = ? WHERE id = ?").bind(hash.to_owned());
    id.bind(q).execute(&mut **tx).await?;
    Ok(())
}

/// The running run that a token belongs to. A run that has ended has no token any more.
pub async fn by_token(
    conn: &mut SqliteConnection,
    hash: &str,
) -> Result<Option<(RunId, AgentId, CompanyId)>> {
    let row = sqlx::query(
        "SELECT id, agent_id, company_id FROM heartbeat_runs WHERE token_hash = ? AND status = 'running'",
    )
    .bind(hash.to_owned())
    .fetch_optional(conn)
    .await?;
    row.map(|r| Ok((Column::read(&r, 0)?, Column::read(&r, 1)?, Column::read(&r, 2)?))).transpose()
}

/// Notes that the running run is to end, in the transaction that decides it. The first reason stays.
pub async fn request_cancel(tx: &mut WriteTx, id: RunId, why: &str) -> Result<()> {
    let at = tx.at();
    let q = sqlx::query(
        "UPDATE heartbeat_runs SET cancel_requested_at = ?, cancel_reason = ? \
         WHERE id = ? AND cancel_requested_at IS NULL",
    );
    let q = at.bind(q).bind(why.to_owned());
    id.bind(q).execute(&mut **tx).await?;
    Ok(())
}

/// Notes the stable word for why the run is to end.
pub async fn set_cancel_code(tx: &mut WriteTx, id: RunId, code: &str) -> Result<()> {
    let q = sqlx::query("UPDATE heartbeat_runs SET cancel_code = coalesce(cancel_code, ?) WHERE id = ?");
    id.bind(q.bind(code.to_owned())).execute(&mut **tx).await?;
    Ok(())
}

pub async fn cancel_code(conn: &mut SqliteConnection, id: RunId) -> Result<Option<String>> {
    let q = id.bind(sqlx::query("SELECT cancel_code FROM heartbeat_runs WHERE id = ?"));
    Ok(scalar::<Option<String>>(conn, q).await?.flatten())
}

/// Why the run is to end, where that was decided while it was running.
pub async fn cancel_reason(conn: &mut SqliteConnection, id: RunId) -> Result<Option<String>> {
    let q = "SELECT cancel_reason FROM heartbeat_runs WHERE id = ? AND cancel_requested_at IS NOT NULL";
    Ok(scalar::<Option<String>>(conn, id.bind(sqlx::query(q))).await?.flatten())
}

pub async fn task_key(conn: &mut SqliteConnection, id: RunId) -> Result<Option<String>> {
    Ok(scalar::<Option<String>>(
        conn,
        id.bind(sqlx::query("SELECT task_key FROM heartbeat_runs WHERE id = ?")),
    )
    .await?
    .flatten())
}

/// Appends a step to the run's events.
pub async fn add_event(
    tx: &mut WriteTx,
    r: &Run,
    event_type: &str,
    level: &'static str,
    message: &str,
    payload: Option<JsonObject>,
) -> Result<()> {
    let at = tx.at();
    let q = sqlx::query(
        "INSERT INTO heartbeat_run_events (company_id, run_id, agent_id, seq, event_type, stream, level, message, payload, created_at) \
         VALUES (?1, ?2, ?3, (SELECT coalesce(max(seq), 0) + 1 FROM heartbeat_run_events WHERE run_id = ?2), \
                 ?4, 'system', ?5, ?6, ?7, ?8) RETURNING seq",
    );
    let q = r.agent_id.bind(r.id.bind(r.company_id.bind(q)));
    let q = q.bind(event_type.to_owned()).bind(level).bind(message.to_owned());
    let q = at.bind(payload.bind(q));
    let seq = scalar::<i64>(tx, q).await?.unwrap_or(0);
    let mut p = JsonObject::new();
    for (key, value) in [
        ("runId", Value::from(r.id.to_string())),
        ("agentId", r.agent_id.to_string().into()),
        ("seq", seq.into()),
        ("eventType", event_type.into()),
        ("stream", "system".into()),
        ("level", level.into()),
        ("color", Value::Null),
        ("message", message.into()),
    ] {
        p.insert(key.into(), value);
    }
    tx.record_with(r.company_id, Kind::RunEvent, ChangeOp::Created, format!("{}:{seq}", r.id), p);
    Ok(())
}

pub async fn events(
    conn: &mut SqliteConnection,
    run: RunId,
    after: i64,
    limit: u32,
) -> Result<Vec<RunEvent>> {
    let q = sqlx::query(
        "SELECT id, company_id, run_id, agent_id, seq, event_type, stream, level, color, message, payload, created_at \
         FROM heartbeat_run_events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?",
    );
    let rows = run.bind(q).bind(after).bind(i64::from(limit)).fetch_all(conn).await?;
    rows.iter()
        .map(|r| {
            let mut c = Cursor::new(r);
            Ok(RunEvent {
                id: c.next()?,
                company_id: c.next()?,
                run_id: c.next()?,
                agent_id: c.next()?,
                seq: c.next()?,
                event_type: c.next()?,
                stream: c.next()?,
                level: c.next()?,
                color: c.next()?,
                message: c.next()?,
                payload: c.next()?,
                created_at: c.next()?,
            })
        })
        .collect()
}

/// How the newest process was kept away from the data folder: the level, and why it was no better.
pub async fn newest_sandbox(conn: &mut SqliteConnection) -> Result<Option<(String, Option<String>)>> {
    let row = sqlx::query(
        "SELECT json_extract(payload, '$.sandbox.level'), json_extract(payload, '$.sandbox.why') \
         FROM heartbeat_run_events WHERE event_type = 'process.started' ORDER BY id DESC LIMIT 1",
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let level: Option<String> = Column::read(&row, 0)?;
    level.map(|l| Column::read(&row, 1).map(|why| (l, why))).transpose()
}

/// Ended runs of the last days, by day (UTC) and outcome.
pub async fn by_day(
    conn: &mut SqliteConnection,
    company: CompanyId,
    since: Timestamp,
) -> Result<Vec<(String, RunStatus, i64)>> {
    let q = sqlx::query(
        "SELECT date(finished_at / 1000, 'unixepoch'), status, count(*) FROM heartbeat_runs \
         WHERE company_id = ? AND finished_at >= ? GROUP BY 1, 2 ORDER BY 1",
    );
    let rows = since.bind(company.bind(q)).fetch_all(conn).await?;
    rows.iter().map(|r| Ok((Column::read(r, 0)?, Column::read(r, 1)?, Column::read(r, 2)?))).collect()
}

/// Runs which had a host and ended since then, over all companies.
pub async fn ended_since(conn: &mut SqliteConnection, at: Timestamp) -> Result<Vec<(RunId, CompanyId)>> {
    // Company by company, as the index of the ended runs begins with the company.
    let q = sqlx::query(
        "SELECT r.id, r.company_id FROM companies c CROSS JOIN heartbeat_runs r \
         ON r.company_id = c.id AND r.finished_at >= ? WHERE r.log_ref IS NOT NULL",
    );
    let rows = at.bind(q).fetch_all(conn).await?;
    rows.iter().map(|r| Ok((Column::read(r, 0)?, Column::read(r, 1)?))).collect()
}

/// Failed runs since then, over all companies.
pub async fn failed_since(conn: &mut SqliteConnection, since: Timestamp) -> Result<i64> {
    let q = since.bind(sqlx::query(
        "SELECT count(*) FROM heartbeat_runs WHERE finished_at >= ? AND status IN ('failed', 'timed_out')",
    ));
    Ok(scalar(conn, q).await?.unwrap_or(0))
}
