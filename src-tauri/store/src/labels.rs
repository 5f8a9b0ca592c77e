//! Labels and which issues carry them.

use std::collections::HashMap;

use contract::feed::ChangeOp;
use contract::label::IssueLabel;
use contract::{CompanyId, IssueId, Kind, LabelId};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::entity::{Column, Entity, entity, insert, select};
use crate::relations::json_list;
use crate::{Result, WriteTx};

entity!(IssueLabel, "labels", id, [company_id, name, color, created_at, updated_at]);

pub async fn list(conn: &mut SqliteConnection, company: CompanyId) -> Result<Vec<IssueLabel>> {
    select("WHERE company_id = ? ORDER BY name COLLATE NOCASE").bind(&company).all(conn).await
}

pub async fn get(conn: &mut SqliteConnection, id: LabelId) -> Result<Option<IssueLabel>> {
    select("WHERE id = ?").bind(&id).one(conn).await
}

pub async fn create(tx: &mut WriteTx, l: &IssueLabel) -> Result<()> {
    insert(tx, l).await?;
    tx.record(l.company_id, Kind::Label, ChangeOp::Created, l.id);
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, l: &IssueLabel) -> Result<()> {
    l.id.bind(sqlx::query("DELETE FROM labels WHERE id = ?")).execute(&mut **tx).await?;
    tx.record(l.company_id, Kind::Label, ChangeOp::Deleted, l.id);
    Ok(())
}

/// Makes these the issue's labels. Fails when one is not the company's.
pub async fn set(tx: &mut WriteTx, company: CompanyId, issue: IssueId, labels: &[LabelId]) -> Result<bool> {
    issue.bind(sqlx::query("DELETE FROM issue_labels WHERE issue_id = ?")).execute(&mut **tx).await?;
    let at = tx.at();
    for label in labels {
        let q = sqlx::query(
            "INSERT OR IGNORE INTO issue_labels (issue_id, label_id, company_id, created_at) \
             SELECT ?1, id, ?2, ?3 FROM labels WHERE id = ?4 AND company_id = ?2",
        );
        let done = label.bind(at.bind(company.bind(issue.bind(q)))).execute(&mut **tx).await?;
        if done.rows_affected() == 0 && !labels[..].iter().take_while(|l| *l != label).any(|l| l == label) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The labels of each of these issues.
pub async fn of_issues(
    conn: &mut SqliteConnection,
    issues: &[IssueId],
) -> Result<HashMap<IssueId, Vec<IssueLabel>>> {
    let mut out: HashMap<IssueId, Vec<IssueLabel>> = HashMap::new();
    if issues.is_empty() {
        return Ok(out);
    }
    let sql = IssueLabel::SELECT.replacen(" FROM labels", ", issue_labels.issue_id FROM labels", 1);
    let mut q = QueryBuilder::<Sqlite>::new(sql);
    q.push(" JOIN issue_labels ON issue_labels.label_id = labels.id ");
    q.push("WHERE issue_labels.issue_id IN (SELECT value FROM json_each(").push_bind(json_list(issues));
    q.push(")) ORDER BY labels.name COLLATE NOCASE");
    for row in q.build().fetch_all(conn).await? {
        let issue = IssueId::read(&row, row.len() - 1)?;
        out.entry(issue).or_default().push(IssueLabel::from_row(&row)?);
    }
    Ok(out)
}
