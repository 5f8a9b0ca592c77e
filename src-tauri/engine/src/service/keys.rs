//! Agent API keys.

use std::sync::Arc;

use contract::agent::*;
use contract::operations::*;
use contract::{ApiError, Done};
use serde_json::json;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine, token};

impl Handle<ListKeys> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<Vec<AgentKey>> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, q.company_id).await?;
        store::keys::list(&mut conn, agent.id).await.answer()
    }
}

impl Handle<CreateKey> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateAgentKey) -> Answer<AgentKeyCreated> {
        let secret = token::mint(token::AGENT_KEY, &*self.world);
        let mut tx = self.store.write(self.now()).await.answer()?;
        let agent = self.agent(&mut tx, caller, &q.id, None).await?;
        if !domain::agent::is_assignable(agent.status) {
            return Err(ApiError::conflict(format!("An agent that is {} gets no keys", agent.status)));
        }
        let key = AgentKey {
            id: self.new_id(),
            name: q.name.map_or_else(|| "default".to_owned(), |n| n.into_string()),
            created_at: tx.at(),
            last_used_at: None,
            revoked_at: None,
        };
        store::keys::create(&mut tx, agent.company_id, agent.id, &key, &token::hash(&secret))
            .await
            .answer()?;
        let details = json!({ "keyName": key.name, "keyId": key.id });
        self.log_agent(&mut tx, caller, &agent, "agent.key_created", details).await?;
        tx.commit().await.answer()?;
        Ok(AgentKeyCreated { id: key.id, name: key.name, token: secret, created_at: key.created_at })
    }
}

impl Handle<RevokeKey> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentKeyPath) -> Answer<Done> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let agent = self.agent(&mut tx, caller, &q.id, None).await?;
        if store::keys::revoke(&mut tx, agent.company_id, agent.id, Some(q.key_id)).await.answer()? == 0 {
            return Err(ApiError::not_found("Key").with_hint("It may have been revoked before."));
        }
        let details = json!({ "keyId": q.key_id });
        self.log_agent(&mut tx, caller, &agent, "agent.key_revoked", details).await?;
        tx.commit().await.answer()?;
        Ok(Done::OK)
    }
}
