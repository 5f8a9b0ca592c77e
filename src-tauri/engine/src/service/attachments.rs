//! Files of issues.

use std::sync::Arc;

use contract::attachment::*;
use contract::issue::{Issue, IssuePath};
use contract::operations::*;
use contract::{ApiError, Done};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

/// Bytes of a text file that are shown.
const SHOWN: u64 = 256 * 1024;

impl Handle<ListAttachments> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Vec<Attachment>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        store::attachments::list(&mut conn, issue.id).await.answer()
    }
}

impl Handle<AddAttachmentOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AddAttachment) -> Answer<Attachment> {
        let received = self.take_upload(caller, q.upload_id)?;
        if received.size == 0 {
            return Err(ApiError::unprocessable("The file is empty"));
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        self.company(&mut tx, caller, q.company_id).await?;
        let mut issue = self.issue(&mut tx, caller, &q.issue_id).await?;
        if issue.company_id != q.company_id {
            return Err(ApiError::not_found("Issue"));
        }
        self.may_mutate(&mut tx, caller, &mut issue).await?;
        self.may_deliver(&mut tx, caller).await?;
        if let Some(comment) = q.issue_comment_id
            && store::comments::get(&mut tx, issue.id, comment).await.answer()?.is_none()
        {
            return Err(ApiError::unprocessable("issueCommentId names no comment of this issue"));
        }
        let at = tx.at();
        let mut asset = Asset {
            id: self.new_id(),
            company_id: issue.company_id,
            provider: "local_disk".to_owned(),
            object_key: String::new(),
            content_type: received.content_type.clone(),
            byte_size: received.size,
            sha256: received.sha256.clone(),
            original_filename: received.filename.clone(),
            created_by_agent_id: caller.agent_id(),
            created_by_user_id: caller.user_id(),
            created_at: at,
            updated_at: at,
        };
        let link = AttachmentLink {
            id: self.new_id(),
            company_id: issue.company_id,
            issue_id: issue.id,
            asset_id: asset.id,
            issue_comment_id: q.issue_comment_id,
            created_at: at,
            updated_at: at,
        };
        let placed = self.place(issue.company_id, received).await?;
        asset.object_key = placed.key().to_owned();
        store::attachments::create(&mut tx, &asset, &link).await.answer()?;
        let details = json!({ "attachmentId": link.id, "originalFilename": asset.original_filename,
            "contentType": asset.content_type, "byteSize": asset.byte_size });
        self.log_issue(&mut tx, caller, &issue, "issue.attachment_added", details).await?;
        tx.commit().await.answer()?;
        placed.keep();
        Ok(Attachment::new(link, asset))
    }
}

impl Handle<DeleteAttachment> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AttachmentPath) -> Answer<Done> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let attachment = store::attachments::get(&mut tx, q.id).await.or_missing("Attachment")?;
        caller.within(attachment.company_id)?;
        let mut issue = self.issue(&mut tx, caller, &attachment.issue_id.into()).await?;
        self.may_mutate(&mut tx, caller, &mut issue).await?;
        self.may_deliver(&mut tx, caller).await?;
        store::attachments::delete(&mut tx, attachment.company_id, attachment.id).await.answer()?;
        let details =
            json!({ "attachmentId": attachment.id, "originalFilename": attachment.original_filename });
        self.log_issue(&mut tx, caller, &issue, "issue.attachment_removed", details).await?;
        tx.commit().await.answer()?;
        self.remove_file(&attachment.object_key).await;
        Ok(Done::OK)
    }
}

impl Handle<GetAttachmentContent> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AttachmentPath) -> Answer<FileContent> {
        let mut conn = self.store.read().await.answer()?;
        let a = store::attachments::get(&mut conn, q.id).await.or_missing("Attachment")?;
        caller.within(a.company_id)?;
        Ok(content(a))
    }
}

impl Handle<GetAttachmentText> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AttachmentPath) -> Answer<AttachmentText> {
        let content = Handle::<GetAttachmentContent>::handle(self, caller, q).await?;
        let file = self.open_file(&content).await?;
        let mut bytes = Vec::new();
        let read = file.take(SHOWN).read_to_end(&mut bytes).await;
        read.map_err(|e| ApiError::internal(format!("the file cannot be read: {e}")))?;
        if bytes.contains(&0) {
            return Err(ApiError::unprocessable("The file is not text"));
        }
        Ok(AttachmentText {
            truncated: content.byte_size > i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}

fn content(a: Attachment) -> FileContent {
    FileContent {
        object_key: a.object_key,
        content_type: a.content_type,
        byte_size: a.byte_size,
        sha256: a.sha256,
        filename: a.original_filename,
    }
}

impl Engine {
    /// What an agent is told of an issue's files.
    pub(crate) async fn attachment_briefs(
        &self,
        conn: &mut store::SqliteConnection,
        issue: &Issue,
    ) -> Answer<Vec<AttachmentBrief>> {
        let all = store::attachments::list(conn, issue.id).await.answer()?;
        Ok(all.into_iter().map(AttachmentBrief::from).collect())
    }
}
