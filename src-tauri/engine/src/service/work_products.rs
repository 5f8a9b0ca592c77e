//! What issues brought forth.

use std::sync::Arc;

use contract::company::CompanyPath;
use contract::issue::IssuePath;
use contract::operations::*;
use contract::text::Text;
use contract::work_product::*;
use contract::{ApiError, CompanyId};
use serde_json::json;
use store::SqliteConnection;

use super::text;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

impl Handle<ListWorkProducts> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Vec<WorkProduct>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        store::work_products::list(&mut conn, issue.id).await.answer()
    }
}

impl Handle<ListPrimaryWorkProducts> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Vec<WorkProduct>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::work_products::primary(&mut conn, q.company_id).await.answer()
    }
}

impl Handle<CreateWorkProductOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateWorkProduct) -> Answer<WorkProduct> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut issue = self.issue(&mut tx, caller, &q.id).await?;
        self.may_mutate(&mut tx, caller, &mut issue).await?;
        self.may_deliver(&mut tx, caller).await?;
        let workspace = self.workspace_of(&mut tx, &issue).await?.map(|w| w.id);
        let product = WorkProduct {
            id: self.new_id(),
            company_id: issue.company_id,
            project_id: q.project_id.or(issue.project_id),
            issue_id: issue.id,
            execution_workspace_id: q.execution_workspace_id.or(workspace),
            runtime_service_id: q.runtime_service_id.map(Text::into_string),
            kind: q.kind,
            provider: q.provider.into_string(),
            external_id: q.external_id.map(Text::into_string),
            title: q.title.into_string(),
            url: q.url.map(Text::into_string),
            status: q.status.unwrap_or(WorkProductStatus::Active),
            review_state: q.review_state.unwrap_or(WorkProductReview::None),
            is_primary: q.is_primary,
            health_status: q.health_status.unwrap_or(HealthStatus::Unknown),
            summary: q.summary.map(Text::into_string).filter(|s| !s.is_empty()),
            metadata: q.metadata,
            created_by_run_id: q.created_by_run_id.or(caller.run_id()),
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        check(&mut tx, &product).await?;
        store::work_products::create(&mut tx, &product).await.answer()?;
        let details = json!({ "workProductId": product.id, "type": product.kind, "title": product.title });
        self.log_issue(&mut tx, caller, &issue, "issue.work_product_created", details).await?;
        tx.commit().await.answer()?;
        Ok(product)
    }
}

impl Handle<UpdateWorkProductOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpdateWorkProduct) -> Answer<WorkProduct> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut w = store::work_products::get(&mut tx, q.id).await.or_missing("Work product")?;
        caller.within(w.company_id)?;
        let mut issue = self.issue(&mut tx, caller, &w.issue_id.into()).await?;
        self.may_mutate(&mut tx, caller, &mut issue).await?;
        self.may_deliver(&mut tx, caller).await?;
        w.kind = q.kind.unwrap_or(w.kind);
        w.provider = q.provider.map_or(w.provider, Text::into_string);
        w.title = q.title.map_or(w.title, Text::into_string);
        w.url = text(q.url).apply(w.url);
        w.external_id = text(q.external_id).apply(w.external_id);
        w.project_id = q.project_id.apply(w.project_id);
        w.execution_workspace_id = q.execution_workspace_id.apply(w.execution_workspace_id);
        w.runtime_service_id = text(q.runtime_service_id).apply(w.runtime_service_id);
        w.status = q.status.unwrap_or(w.status);
        w.review_state = q.review_state.unwrap_or(w.review_state);
        w.is_primary = q.is_primary.unwrap_or(w.is_primary);
        w.health_status = q.health_status.unwrap_or(w.health_status);
        w.summary = text(q.summary).apply(w.summary);
        w.metadata = q.metadata.apply(w.metadata);
        w.created_by_run_id = q.created_by_run_id.apply(w.created_by_run_id);
        w.updated_at = tx.at();
        check(&mut tx, &w).await?;
        store::work_products::save(&mut tx, &w).await.answer()?;
        let details = json!({ "workProductId": w.id, "title": w.title, "status": w.status });
        self.log_issue(&mut tx, caller, &issue, "issue.work_product_updated", details).await?;
        tx.commit().await.answer()?;
        Ok(w)
    }
}

impl Handle<DeleteWorkProduct> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: WorkProductPath) -> Answer<WorkProduct> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let w = store::work_products::get(&mut tx, q.id).await.or_missing("Work product")?;
        caller.within(w.company_id)?;
        let mut issue = self.issue(&mut tx, caller, &w.issue_id.into()).await?;
        self.may_mutate(&mut tx, caller, &mut issue).await?;
        self.may_deliver(&mut tx, caller).await?;
        store::work_products::delete(&mut tx, &w).await.answer()?;
        let details = json!({ "workProductId": w.id, "title": w.title });
        self.log_issue(&mut tx, caller, &issue, "issue.work_product_deleted", details).await?;
        tx.commit().await.answer()?;
        Ok(w)
    }
}

/// What it speaks of is of its company, and its address is one of the web: the window opens it.
async fn check(conn: &mut SqliteConnection, w: &WorkProduct) -> Answer<()> {
    if let Some(url) = &w.url
        && !["https://", "http://"].iter().any(|s| url.starts_with(s) && url.len() > s.len())
    {
        return Err(ApiError::unprocessable("url must be an http or https address"));
    }
    let company = w.company_id;
    if let Some(id) = w.project_id {
        let project = store::planning::project(conn, id).await.answer()?;
        belongs("projectId", company, project.map(|p| p.company_id))?;
    }
    if let Some(id) = w.execution_workspace_id {
        let workspace = store::execution_workspaces::get(conn, id).await.answer()?;
        belongs("executionWorkspaceId", company, workspace.map(|w| w.company_id))?;
    }
    if let Some(id) = w.created_by_run_id {
        let run = store::runs::get(conn, id).await.answer()?;
        belongs("createdByRunId", company, run.map(|r| r.company_id))?;
    }
    Ok(())
}

fn belongs(field: &str, company: CompanyId, its: Option<CompanyId>) -> Answer<()> {
    match its {
        Some(c) if c == company => Ok(()),
        _ => Err(ApiError::unprocessable(format!("{field} names nothing of this company"))),
    }
}
