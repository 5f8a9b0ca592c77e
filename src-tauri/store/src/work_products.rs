//! What issues brought forth.

use contract::feed::ChangeOp;
use contract::work_product::WorkProduct;
use contract::{CompanyId, IssueId, Kind, WorkProductId};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, select, update};
use crate::{Result, WriteTx};

entity!(
    WorkProduct,
    "issue_work_products",
    id,
    [
        company_id,
        project_id,
        issue_id,
        execution_workspace_id,
        runtime_service_id,
        kind,
        provider,
        external_id,
        title,
        url,
        status,
        review_state,
        is_primary,
        health_status,
        summary,
        metadata,
        created_by_run_id,
        created_at,
        updated_at,
    ]
);

/// An issue's, the primary one first, then in the order in which they came.
pub async fn list(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<WorkProduct>> {
    select("WHERE issue_id = ? ORDER BY is_primary DESC, created_at, rowid").bind(&issue).all(conn).await
}

/// The primary ones of a company's issues.
pub async fn primary(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<WorkProduct>> {
    select("WHERE company_id = ? AND is_primary = 1").bind(&company).all(conn).await
}

pub async fn get(conn: &mut SqliteConnection, id: WorkProductId) -> Result<Option<WorkProduct>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

pub async fn create(tx: &mut WriteTx, w: &WorkProduct) -> Result<()> {
    make_way(tx, w).await?;
    insert(tx, w).await?;
    tx.record(w.company_id, Kind::WorkProduct, ChangeOp::Created, w.id);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, w: &WorkProduct) -> Result<()> {
    make_way(tx, w).await?;
    update(tx, w).await?;
    tx.record(w.company_id, Kind::WorkProduct, ChangeOp::Updated, w.id);
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, w: &WorkProduct) -> Result<()> {
    w.id.bind(sqlx::query("DELETE FROM issue_work_products WHERE id = ?")).execute(&mut **tx).await?;
    tx.record(w.company_id, Kind::WorkProduct, ChangeOp::Deleted, w.id);
    Ok(())
}

/// Another one is the primary one from now on.
async fn make_way(tx: &mut WriteTx, w: &WorkProduct) -> Result<()> {
    if !w.is_primary {
        return Ok(());
    }
    let q = sqlx::query(
        "UPDATE issue_work_products SET is_primary = 0 WHERE issue_id = ? AND is_primary = 1 AND id <> ?",
    );
    w.id.bind(w.issue_id.bind(q)).execute(&mut **tx).await?;
    Ok(())
}
