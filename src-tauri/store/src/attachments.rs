//! Files of issues: what is kept of each, and which issue it belongs to. The bytes are not here.

use std::collections::HashMap;

use contract::attachment::{Asset, Attachment, AttachmentLink};
use contract::feed::ChangeOp;
use contract::{AssetId, AttachmentId, CompanyId, IssueId, Kind};
use sqlx::{Row, SqliteConnection};

use crate::entity::{Column, entity, insert, select};
use crate::relations::json_list;
use crate::{Result, WriteTx};

entity!(
    Asset,
    "assets",
    id,
    [
        company_id,
        provider,
        object_key,
        content_type,
        byte_size,
        sha256,
        original_filename,
        created_by_agent_id,
        created_by_user_id,
        created_at,
        updated_at,
    ]
);

entity!(
    AttachmentLink,
    "issue_attachments",
    id,
    [company_id, issue_id, asset_id, issue_comment_id, created_at, updated_at,]
);

/// The files of an issue, oldest first.
pub async fn list(conn: &mut SqliteConnection, issue: IssueId) -> Result<Vec<Attachment>> {
    let links: Vec<AttachmentLink> =
        select("WHERE issue_id = ? ORDER BY created_at, rowid").bind(&issue).all(conn).await?;
    let ids: Vec<AssetId> = links.iter().map(|l| l.asset_id).collect();
    let assets: Vec<Asset> =
        select("WHERE id IN (SELECT value FROM json_each(?))").text(&json_list(&ids)).all(conn).await?;
    let mut assets: HashMap<AssetId, Asset> = assets.into_iter().map(|a| (a.id, a)).collect();
    let whole = links.into_iter().filter_map(|l| assets.remove(&l.asset_id).map(|a| Attachment::new(l, a)));
    Ok(whole.collect())
}

pub async fn get(conn: &mut SqliteConnection, id: AttachmentId) -> Result<Option<Attachment>> {
    let link: Option<AttachmentLink> = select("WHERE id = ?").bind(&id).one(conn).await?;
    let Some(link) = link else { return Ok(None) };
    let asset: Option<Asset> = select("WHERE id = ?").bind(&link.asset_id).one(conn).await?;
    Ok(asset.map(|a| Attachment::new(link, a)))
}

pub async fn create(tx: &mut WriteTx, asset: &Asset, link: &AttachmentLink) -> Result<()> {
    insert(tx, asset).await?;
    insert(tx, link).await?;
    tx.record(link.company_id, Kind::Attachment, ChangeOp::Created, link.id);
    Ok(())
}

/// Its asset goes with it.
pub async fn delete(tx: &mut WriteTx, company: CompanyId, id: AttachmentId) -> Result<()> {
    id.bind(sqlx::query("DELETE FROM issue_attachments WHERE id = ?")).execute(&mut **tx).await?;
    tx.record(company, Kind::Attachment, ChangeOp::Deleted, id);
    Ok(())
}

/// Those of these keys by which nothing is known.
pub async fn unknown_keys(conn: &mut SqliteConnection, keys: &[String]) -> Result<Vec<String>> {
    let q = sqlx::query(
        "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM assets WHERE object_key = value)",
    );
    let rows = q.bind(json_list(keys)).fetch_all(conn).await?;
    rows.iter().map(|r| Ok(r.try_get(0)?)).collect()
}

/// The newest files with the issue each belongs to, to be looked for on disk.
pub async fn newest(conn: &mut SqliteConnection, limit: u32) -> Result<Vec<(String, IssueId)>> {
    let q = sqlx::query(
        "SELECT a.object_key, l.issue_id FROM issue_attachments l JOIN assets a ON a.id = l.asset_id \
         ORDER BY l.rowid DESC LIMIT ?",
    );
    let rows = q.bind(i64::from(limit)).fetch_all(conn).await?;
    rows.iter().map(|r| Ok((r.try_get(0)?, IssueId::read(r, 1)?))).collect()
}
