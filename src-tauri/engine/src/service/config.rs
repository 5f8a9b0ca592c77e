//! Revisions of an agent's configuration.

use std::sync::Arc;

use contract::agent::*;
use contract::operations::*;
use contract::{AgentRevisionId, ApiError, JsonObject};
use serde_json::json;
use store::WriteTx;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

/// The parts of an agent that a revision holds.
fn snapshot(a: &Agent) -> JsonObject {
    let value = json!({
        "name": a.name,
        "role": a.role,
        "title": a.title,
        "reportsTo": a.reports_to,
        "capabilities": a.capabilities,
        "adapterType": a.adapter_type,
        "adapterConfig": a.adapter_config,
        "runtimeConfig": a.runtime_config,
        "defaultEnvironmentId": a.default_environment_id,
        "budgetMonthlyCents": a.budget_monthly_cents,
        "metadata": a.metadata,
    });
    value.as_object().cloned().unwrap_or_default()
}

impl Engine {
    /// Records a change of configuration, secrets redacted. Answers which keys changed; none, no revision.
    pub(super) async fn add_revision(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        before: Option<&Agent>,
        after: &Agent,
        source: &str,
        rolled_back_from: Option<AgentRevisionId>,
    ) -> Answer<Vec<String>> {
        let after_config = snapshot(after);
        let before_config = before.map(snapshot).unwrap_or_default();
        let changed: Vec<String> = after_config
            .iter()
            .filter(|(k, v)| before_config.get(*k) != Some(v))
            .map(|(k, _)| k.clone())
            .collect();
        if changed.is_empty() {
            return Ok(changed);
        }
        let revision = AgentConfigRevision {
            id: self.new_id(),
            company_id: after.company_id,
            agent_id: after.id,
            created_by_agent_id: caller.agent_id(),
            created_by_user_id: caller.user_id(),
            source: source.to_owned(),
            rolled_back_from_revision_id: rolled_back_from,
            changed_keys: changed.clone(),
            before_config: domain::redact::config(&before_config),
            after_config: domain::redact::config(&after_config),
            created_at: tx.at(),
        };
        store::agents::add_revision(tx, &revision).await.answer()?;
        Ok(changed)
    }
}

impl Handle<ListRevisions> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<Vec<AgentConfigRevision>> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, q.company_id).await?;
        store::agents::revisions(&mut conn, agent.id).await.answer()
    }
}

impl Handle<GetRevision> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentRevisionPath) -> Answer<AgentConfigRevision> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, None).await?;
        store::agents::revision(&mut conn, agent.id, q.revision_id).await.or_missing("Revision")
    }
}

impl Handle<RollbackAgent> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentRevisionPath) -> Answer<Agent> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let before = self.agent(&mut tx, caller, &q.id, None).await?;
        let revision =
            store::agents::revision(&mut tx, before.id, q.revision_id).await.or_missing("Revision")?;
        let wanted = &revision.after_config;
        let object = |key: &str, now: &JsonObject| {
            let kept = wanted.get(key).and_then(|v| v.as_object());
            // Secrets are redacted in revisions; those that the agent has now stay.
            kept.map_or_else(|| now.clone(), |o| domain::redact::unmask(o, now))
        };
        let word = |key: &str| wanted.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        let mut a = before.clone();
        a.title = word("title");
        a.capabilities = word("capabilities");
        a.adapter_type = word("adapterType").unwrap_or(a.adapter_type);
        a.adapter_config = object("adapterConfig", &before.adapter_config);
        a.runtime_config = object("runtimeConfig", &before.runtime_config);
        if let Some(role) = word("role").and_then(|r| r.parse().ok()) {
            a.role = role;
        }
        self.adapter(&a.adapter_type)?;
        super::reach::check(&self.paths, a.id, &a.adapter_config)?;
        if a == before {
            return Err(ApiError::conflict("The agent has this configuration already"));
        }
        a.updated_at = tx.at();
        store::agents::save(&mut tx, &a).await.answer()?;
        self.add_revision(&mut tx, caller, Some(&before), &a, "rollback", Some(revision.id)).await?;
        let details = json!({ "revisionId": revision.id });
        self.log_agent(&mut tx, caller, &a, "agent.config_rolled_back", details).await?;
        tx.commit().await.answer()?;
        Ok(super::agents::shown(a))
    }
}
