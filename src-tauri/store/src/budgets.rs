//! Budgets: their policies, what is spent of them, and what runs at work have set aside.

use contract::agent::AgentStatus;
use contract::budget::{BudgetPolicy, BudgetScope};
use contract::company::{CompanyStatus, PauseReason};
use contract::feed::ChangeOp;
use contract::run::Run;
use contract::{AgentId, BudgetPolicyId, Cents, CompanyId, Kind, Micros, ProjectId, RunId};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::entity::{Column, Cursor, entity, insert, scalar, select, update};
use crate::{Result, WriteTx};

entity!(
    BudgetPolicy,
    "budget_policies",
    id,
    [
        company_id,
        scope_type,
        scope_id,
        metric,
        window_kind,
        amount,
        warn_percent,
        hard_stop_enabled,
        notify_enabled,
        is_active,
        created_by_user_id,
        updated_by_user_id,
        created_at,
        updated_at,
    ]
);

pub async fn get(conn: &mut SqliteConnection, id: BudgetPolicyId) -> Result<Option<BudgetPolicy>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// All of a company, oldest first.
pub async fn list(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<BudgetPolicy>> {
    select("WHERE company_id = ? ORDER BY created_at, rowid").bind(&company).all(conn).await
}

/// Those of one company, agent or project.
pub async fn of_scope(conn: &mut SqliteConnection, scope: Uuid) -> Result<Vec<BudgetPolicy>> {
    select("WHERE scope_id = ? ORDER BY created_at, rowid").bind(&scope).all(conn).await
}

/// All that may stop something, over all companies.
pub async fn in_force(conn: &mut SqliteConnection) -> Result<Vec<BudgetPolicy>> {
    select("WHERE is_active = 1 AND amount > 0 ORDER BY created_at, rowid").all(conn).await
}

pub async fn create(tx: &mut WriteTx, p: &BudgetPolicy) -> Result<()> {
    insert(tx, p).await?;
    tx.record(p.company_id, Kind::Budget, ChangeOp::Created, p.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, p: &BudgetPolicy) -> Result<()> {
    update(tx, p).await?;
    tx.record(p.company_id, Kind::Budget, ChangeOp::Updated, p.id);
    Ok(())
}

/// What was spent in the months (`2026-11`) from one up to, but without, another.
pub async fn spent(
    conn: &mut SqliteConnection,
    kind: BudgetScope,
    scope: Uuid,
    (from, before): (&str, &str),
) -> Result<Micros> {
    let q = sqlx::query(
        "SELECT coalesce(sum(micros), 0) FROM cost_months \
         WHERE scope_type = ? AND scope_id = ? AND month >= ? AND month < ?",
    );
    let q = scope.bind(kind.bind(q)).bind(from.to_owned()).bind(before.to_owned());
    Ok(scalar(conn, q).await?.unwrap_or_default())
}

/// How many runs are at work under a scope, and what they have set aside and not spent.
pub async fn held(conn: &mut SqliteConnection, kind: BudgetScope, scope: Uuid) -> Result<(i64, Micros)> {
    let q = sqlx::query(
        "SELECT count(*), coalesce(sum(max(0, r.reserved_micros - coalesce((SELECT sum(c.cost_micros) \
           FROM cost_events c WHERE c.heartbeat_run_id = r.id), 0))), 0) \
         FROM heartbeat_runs r WHERE r.status = 'running' AND r.status IN ('queued', 'scheduled_retry', 'running') \
           AND CASE ?1 WHEN 'company' THEN r.company_id = ?2 WHEN 'agent' THEN r.agent_id = ?2 \
             ELSE EXISTS (SELECT 1 FROM issues i WHERE i.id = r.issue_id AND i.project_id = ?2) END",
    );
    let row = scope.bind(kind.bind(q)).fetch_one(conn).await?;
    Ok((Column::read(&row, 0)?, Column::read(&row, 1)?))
}

/// What an agent's last runs cost, newest first.
pub async fn recent_costs(conn: &mut SqliteConnection, agent: AgentId) -> Result<Vec<Micros>> {
    let q = sqlx::query(
        "SELECT coalesce((SELECT sum(c.cost_micros) FROM cost_events c WHERE c.heartbeat_run_id = r.id), 0) \
         FROM heartbeat_runs r WHERE r.agent_id = ? AND r.started_at IS NOT NULL AND r.finished_at IS NOT NULL \
         ORDER BY r.created_at DESC LIMIT 10",
    );
    let rows = agent.bind(q).fetch_all(conn).await?;
    rows.iter().map(|r| Column::read(r, 0)).collect()
}

/// Sets aside what a run may cost as it starts.
pub async fn reserve(tx: &mut WriteTx, run: RunId, amount: Micros) -> Result<()> {
    let q = sqlx::query("UPDATE heartbeat_runs SET reserved_micros = ? WHERE id = ?");
    run.bind(amount.bind(q)).execute(&mut **tx).await?;
    Ok(())
}

/// The runs of a scope that are not over.
pub async fn live_under(conn: &mut SqliteConnection, kind: BudgetScope, scope: Uuid) -> Result<Vec<Run>> {
    select(
        "WHERE status IN ('queued', 'scheduled_retry', 'running') \
           AND CASE ?1 WHEN 'company' THEN company_id = ?2 WHEN 'agent' THEN agent_id = ?2 \
             ELSE EXISTS (SELECT 1 FROM issues i WHERE i.id = heartbeat_runs.issue_id AND i.project_id = ?2) END \
         ORDER BY created_at, rowid",
    )
    .bind(&kind)
    .bind(&scope)
    .all(conn)
    .await
}

/// A scope that stands still because its budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    pub company: CompanyId,
    pub kind: BudgetScope,
    pub id: Uuid,
}

/// All of them, over all companies.
pub async fn paused(conn: &mut SqliteConnection) -> Result<Vec<Paused>> {
    let rows = sqlx::query(
        "SELECT id, 'company', id FROM companies WHERE status = 'paused' AND pause_reason = 'budget' \
         UNION ALL SELECT company_id, 'agent', id FROM agents WHERE status = 'paused' AND pause_reason = 'budget' \
         UNION ALL SELECT company_id, 'project', id FROM projects WHERE pause_reason = 'budget'",
    )
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|r| {
            let mut c = Cursor::new(r);
            Ok(Paused { company: c.next()?, kind: c.next()?, id: c.next()? })
        })
        .collect()
}

/// What was spent of the month that is shown with a company or an agent. Not announced: the ledger's change is.
pub async fn set_month_spent(tx: &mut WriteTx, kind: BudgetScope, scope: Uuid, spent: Cents) -> Result<()> {
    let sql = match kind {
        BudgetScope::Company => {
            "UPDATE companies SET spent_monthly_cents = ?1 WHERE id = ?2 AND spent_monthly_cents <> ?1"
        }
        BudgetScope::Agent => {
            "UPDATE agents SET spent_monthly_cents = ?1 WHERE id = ?2 AND spent_monthly_cents <> ?1"
        }
        BudgetScope::Project => return Ok(()),
    };
    scope.bind(spent.bind(sqlx::query(sql))).execute(&mut **tx).await?;
    Ok(())
}

/// Whether what is shown as spent with a company or an agent is of another month than this.
pub async fn month_is_stale(conn: &mut SqliteConnection, month: &str) -> Result<bool> {
    let q = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM companies t WHERE t.spent_monthly_cents <> max(0, coalesce((SELECT micros / 10000 \
           FROM cost_months m WHERE m.scope_type = 'company' AND m.scope_id = t.id AND m.month = ?1), 0))) \
         OR EXISTS (SELECT 1 FROM agents t WHERE t.spent_monthly_cents <> max(0, coalesce((SELECT micros / 10000 \
           FROM cost_months m WHERE m.scope_type = 'agent' AND m.scope_id = t.id AND m.month = ?1), 0)))",
    );
    Ok(scalar(conn, q.bind(month.to_owned())).await?.unwrap_or(false))
}

/// Sets what is shown as spent in this month (`2026-11`) anew for all companies and agents.
pub async fn turn_month(tx: &mut WriteTx, month: &str) -> Result<()> {
    for (table, kind) in [("companies", "company"), ("agents", "agent")] {
        let sum = format!(
            "coalesce((SELECT micros / 10000 FROM cost_months m \
             WHERE m.scope_type = '{kind}' AND m.scope_id = {table}.id AND m.month = ?1), 0)"
        );
        let sql = format!(
            "UPDATE {table} SET spent_monthly_cents = max(0, {sum}) WHERE spent_monthly_cents <> max(0, {sum})"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(month.to_owned()).execute(&mut **tx).await?;
    }
    tx.record(None, Kind::Cost, ChangeOp::Updated, month);
    Ok(())
}

/// How a company, an agent or a project stands, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub name: String,
    pub paused: bool,
    pub reason: Option<PauseReason>,
    /// It does not work any more: terminated, archived.
    pub gone: bool,
}

pub async fn standing(conn: &mut SqliteConnection, kind: BudgetScope, id: Uuid) -> Result<Option<Standing>> {
    let standing = match kind {
        BudgetScope::Company => crate::companies::get(conn, CompanyId(id)).await?.map(|c| Standing {
            name: c.name,
            paused: c.status == CompanyStatus::Paused,
            reason: c.pause_reason,
            gone: c.status == CompanyStatus::Archived,
        }),
        BudgetScope::Agent => crate::agents::get(conn, AgentId(id)).await?.map(|a| Standing {
            name: a.name,
            paused: a.status == AgentStatus::Paused,
            reason: a.pause_reason,
            gone: a.status == AgentStatus::Terminated,
        }),
        BudgetScope::Project => crate::planning::project(conn, ProjectId(id)).await?.map(|p| Standing {
            name: p.name,
            paused: p.pause_reason.is_some(),
            reason: p.pause_reason,
            gone: p.archived_at.is_some(),
        }),
    };
    Ok(standing)
}
