//! Labels.

use std::sync::Arc;

use contract::ApiError;
use contract::company::CompanyPath;
use contract::label::*;
use contract::operations::*;
use serde_json::json;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

impl Handle<ListLabels> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Vec<IssueLabel>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        store::labels::list(&mut conn, q.company_id).await.answer()
    }
}

impl Handle<CreateLabelOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateLabel) -> Answer<IssueLabel> {
        let hex =
            q.color.strip_prefix('#').filter(|h| h.len() == 6 && h.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex.is_none() {
            return Err(ApiError::invalid("color must look like #rrggbb"));
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.company(&mut tx, caller, q.company_id).await?;
        let label = IssueLabel {
            id: self.new_id(),
            company_id: q.company_id,
            name: q.name.into_string(),
            color: q.color.into_string(),
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::labels::create(&mut tx, &label).await.map_err(|e| {
            if e.is_constraint() {
                ApiError::conflict(format!("There is a label {:?} already", label.name))
            } else {
                crate::error::store_error(e)
            }
        })?;
        let id = label.id.to_string();
        self.log(
            &mut tx,
            caller,
            q.company_id,
            "label.created",
            ("label", id),
            json!({ "name": label.name }),
        )
        .await?;
        tx.commit().await.answer()?;
        Ok(label)
    }
}

impl Handle<DeleteLabel> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: LabelPath) -> Answer<IssueLabel> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let label = store::labels::get(&mut tx, q.label_id).await.or_missing("Label")?;
        caller.within(label.company_id)?;
        store::labels::delete(&mut tx, &label).await.answer()?;
        let id = label.id.to_string();
        self.log(
            &mut tx,
            caller,
            label.company_id,
            "label.deleted",
            ("label", id),
            json!({ "name": label.name }),
        )
        .await?;
        tx.commit().await.answer()?;
        Ok(label)
    }
}
