//! Budget incidents: thresholds that were crossed.

use contract::budget::{
    BudgetIncident, BudgetIncidentStatus, BudgetMetric, BudgetScope, BudgetThreshold, BudgetWindow,
};
use contract::feed::ChangeOp;
use contract::{ApprovalId, BudgetIncidentId, BudgetPolicyId, Cents, CompanyId, JsonObject, Kind, Timestamp};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::entity::{Column, entity, insert, scalar, select, update};
use crate::{Result, WriteTx};

/// An incident as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub id: BudgetIncidentId,
    pub company_id: CompanyId,
    pub policy_id: BudgetPolicyId,
    pub scope_type: BudgetScope,
    pub scope_id: Uuid,
    pub metric: BudgetMetric,
    pub window_kind: BudgetWindow,
    pub window_start: Timestamp,
    pub window_end: Timestamp,
    pub threshold_type: BudgetThreshold,
    pub amount_limit: Cents,
    pub amount_observed: Cents,
    pub status: BudgetIncidentStatus,
    pub approval_id: Option<ApprovalId>,
    pub resolved_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

entity!(
    Incident,
    "budget_incidents",
    id,
    [
        company_id,
        policy_id,
        scope_type,
        scope_id,
        metric,
        window_kind,
        window_start,
        window_end,
        threshold_type,
        amount_limit,
        amount_observed,
        status,
        approval_id,
        resolved_at,
        created_at,
        updated_at,
    ]
);

pub async fn get(conn: &mut SqliteConnection, id: BudgetIncidentId) -> Result<Option<Incident>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// The newest of a limit's window and threshold, whatever became of it.
pub async fn newest(
    conn: &mut SqliteConnection,
    policy: BudgetPolicyId,
    window_start: Timestamp,
    threshold: BudgetThreshold,
) -> Result<Option<Incident>> {
    select(
        "WHERE policy_id = ? AND window_start = ? AND threshold_type = ? \
         ORDER BY status = 'dismissed', created_at DESC, rowid DESC LIMIT 1",
    )
    .bind(&policy)
    .bind(&window_start)
    .bind(&threshold)
    .one(conn)
    .await
}

/// The newest stop of a limit, in whatever window.
pub async fn last_stop(conn: &mut SqliteConnection, policy: BudgetPolicyId) -> Result<Option<Incident>> {
    select("WHERE policy_id = ? AND threshold_type = 'hard' ORDER BY updated_at DESC, rowid DESC LIMIT 1")
        .bind(&policy)
        .one(conn)
        .await
}

pub async fn open_of(conn: &mut SqliteConnection, policy: BudgetPolicyId) -> Result<Vec<Incident>> {
    select("WHERE policy_id = ? AND status = 'open' ORDER BY created_at, rowid").bind(&policy).all(conn).await
}

/// Those of a company that are open, newest first.
pub async fn open_in(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<Incident>> {
    select("WHERE company_id = ? AND status = 'open' ORDER BY created_at DESC, rowid DESC LIMIT 200")
        .bind(&company)
        .all(conn)
        .await
}

/// Open ones of windows that are over, over all companies.
pub async fn outdated(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<Incident>> {
    select("WHERE status = 'open' AND window_end <= ? ORDER BY created_at, rowid").bind(&now).all(conn).await
}

pub async fn by_approval(conn: &mut SqliteConnection, approval: ApprovalId) -> Result<Option<Incident>> {
    select("WHERE approval_id = ?").bind(&approval).one(conn).await
}

pub async fn count_open(conn: &mut SqliteConnection, company: CompanyId) -> Result<i64> {
    let q = company
        .bind(sqlx::query("SELECT count(*) FROM budget_incidents WHERE company_id = ? AND status = 'open'"));
    Ok(scalar(conn, q).await?.unwrap_or(0))
}

pub async fn create(tx: &mut WriteTx, i: &Incident) -> Result<()> {
    insert(tx, i).await?;
    announce(tx, i, ChangeOp::Created);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, i: &Incident) -> Result<()> {
    update(tx, i).await?;
    announce(tx, i, ChangeOp::Updated);
    Ok(())
}

fn announce(tx: &mut WriteTx, i: &Incident, op: ChangeOp) {
    let mut p = JsonObject::new();
    p.insert("status".into(), i.status.as_str().into());
    p.insert("thresholdType".into(), i.threshold_type.as_str().into());
    tx.record_with(i.company_id, Kind::Budget, op, i.id, p);
}

/// The incident as it is shown.
pub async fn shown(conn: &mut SqliteConnection, i: Incident) -> Result<BudgetIncident> {
    let scope_name = crate::budgets::standing(conn, i.scope_type, i.scope_id).await?;
    let approval = match i.approval_id {
        Some(id) => crate::approvals::get(conn, id).await?,
        None => None,
    };
    Ok(BudgetIncident {
        id: i.id,
        company_id: i.company_id,
        policy_id: i.policy_id,
        scope_type: i.scope_type,
        scope_id: i.scope_id,
        scope_name: scope_name.map(|s| s.name).unwrap_or_default(),
        metric: i.metric,
        window_kind: i.window_kind,
        window_start: i.window_start,
        window_end: i.window_end,
        threshold_type: i.threshold_type,
        amount_limit: i.amount_limit,
        amount_observed: i.amount_observed,
        status: i.status,
        approval_id: i.approval_id,
        approval_status: approval.map(|a| a.status),
        resolved_at: i.resolved_at,
        created_at: i.created_at,
        updated_at: i.updated_at,
    })
}
