//! Approvals, what is said about them, and the issues they are tied to.

use contract::approval::{Approval, ApprovalComment, ApprovalStatus, IssueApproval};
use contract::feed::ChangeOp;
use contract::issue::Issue;
use contract::{ApprovalId, CompanyId, IssueId, JsonObject, Kind};
use sqlx::SqliteConnection;

use crate::entity::{Column, entity, insert, scalar, select, update};
use crate::{Result, WriteTx};

entity!(
    Approval,
    "approvals",
    id,
    [
        company_id,
        kind,
        requested_by_agent_id,
        requested_by_user_id,
        status,
        payload,
        decision_note,
        decided_by_user_id,
        decided_at,
        created_at,
        updated_at,
    ]
);

entity!(
    ApprovalComment,
    "approval_comments",
    id,
    [company_id, approval_id, author_agent_id, author_user_id, body, created_at, updated_at,]
);

pub async fn get(conn: &mut SqliteConnection, id: ApprovalId) -> Result<Option<Approval>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

/// Newest first, all or those in these states.
pub async fn list(
    conn: &mut SqliteConnection,
    company: CompanyId,
    status: &[ApprovalStatus],
) -> Result<Vec<Approval>> {
    let wanted: Vec<&str> = status.iter().map(|s| s.as_str()).collect();
    let wanted = serde_json::to_string(&wanted).unwrap_or_default();
    select(
        "WHERE company_id = ?1 AND (?2 = '[]' OR status IN (SELECT value FROM json_each(?2))) \
         ORDER BY created_at DESC, rowid DESC LIMIT 500",
    )
    .bind(&company)
    .text(&wanted)
    .all(conn)
    .await
}

/// How many wait for the board, of one company or of all.
pub async fn pending_count(conn: &mut SqliteConnection, company: Option<CompanyId>) -> Result<i64> {
    let q = sqlx::query(
        "SELECT count(*) FROM approvals WHERE status = 'pending' \
         AND status IN ('pending', 'revision_requested') AND (?1 IS NULL OR company_id = ?1)",
    );
    Ok(scalar(conn, company.bind(q)).await?.unwrap_or(0))
}

/// Those tied to an issue, oldest first.
pub async fn of_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<Approval>> {
    select(
        "JOIN issue_approvals l ON l.approval_id = approvals.id WHERE l.issue_id = ? \
         ORDER BY approvals.created_at, approvals.rowid",
    )
    .bind(&issue)
    .all(conn)
    .await
}

/// How many of those tied to an issue are not decided.
pub async fn waiting_of_issue(conn: &mut SqliteConnection, issue: IssueId) -> Result<i64> {
    let q = sqlx::query(
        "SELECT count(*) FROM issue_approvals l JOIN approvals a ON a.id = l.approval_id \
         WHERE l.issue_id = ? AND a.status IN ('pending', 'revision_requested')",
    );
    Ok(scalar(conn, issue.bind(q)).await?.unwrap_or(0))
}

/// The issues that an approval is tied to, oldest first.
pub async fn issues(conn: &mut SqliteConnection, approval: ApprovalId) -> Result<Vec<Issue>> {
    select(
        "JOIN issue_approvals l ON l.issue_id = issues.id WHERE l.approval_id = ? AND issues.hidden_at IS NULL \
         ORDER BY issues.seq",
    )
    .bind(&approval)
    .all(conn)
    .await
}

pub async fn create(tx: &mut WriteTx, a: &Approval) -> Result<()> {
    insert(tx, a).await?;
    announce(tx, a, ChangeOp::Created);
    Ok(())
}

pub async fn save(tx: &mut WriteTx, a: &Approval) -> Result<()> {
    update(tx, a).await?;
    announce(tx, a, ChangeOp::Updated);
    Ok(())
}

fn announce(tx: &mut WriteTx, a: &Approval, op: ChangeOp) {
    let mut p = JsonObject::new();
    p.insert("type".into(), a.kind.as_str().into());
    p.insert("status".into(), a.status.as_str().into());
    tx.record_with(a.company_id, Kind::Approval, op, a.id, p);
}

/// Ties an approval to an issue. Answers whether it was not tied already.
pub async fn link(tx: &mut WriteTx, l: &IssueApproval) -> Result<bool> {
    let q = sqlx::query(
        "INSERT INTO issue_approvals (issue_id, approval_id, company_id, linked_by_agent_id, linked_by_user_id, \
         created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    let q = l.company_id.bind(l.approval_id.bind(l.issue_id.bind(q)));
    let q = l.created_at.bind(l.linked_by_user_id.bind(l.linked_by_agent_id.bind(q)));
    let new = q.execute(&mut **tx).await?.rows_affected() > 0;
    if new {
        tx.record(l.company_id, Kind::Approval, ChangeOp::Updated, l.approval_id);
    }
    Ok(new)
}

/// Answers whether it was tied.
pub async fn unlink(
    tx: &mut WriteTx,
    company: CompanyId,
    issue: IssueId,
    approval: ApprovalId,
) -> Result<bool> {
    let q = sqlx::query("DELETE FROM issue_approvals WHERE issue_id = ? AND approval_id = ?");
    let gone = approval.bind(issue.bind(q)).execute(&mut **tx).await?.rows_affected() > 0;
    if gone {
        tx.record(company, Kind::Approval, ChangeOp::Updated, approval);
    }
    Ok(gone)
}

pub async fn add_comment(tx: &mut WriteTx, c: &ApprovalComment) -> Result<()> {
    insert(tx, c).await?;
    tx.record(c.company_id, Kind::Approval, ChangeOp::Updated, c.approval_id);
    Ok(())
}

/// Oldest first.
pub async fn comments(conn: &mut SqliteConnection, approval: ApprovalId) -> Result<Vec<ApprovalComment>> {
    select("WHERE approval_id = ? ORDER BY created_at, rowid").bind(&approval).all(conn).await
}
