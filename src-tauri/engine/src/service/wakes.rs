//! Asking agents to work, and reading what became of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use contract::agent::AgentPath;
use contract::operations::*;
use contract::run::{InvocationSource, RunStatus, TriggerDetail};
use contract::wake::*;
use contract::{ApiError, JsonObject};
use serde_json::json;

use super::bounded;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::wake::{Wake as WakeOf, Woken};
use crate::{Caller, Engine};

impl Handle<Wake> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: WakeAgent) -> Answer<WakeOutcome> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let agent = self.agent(&mut tx, caller, &q.id, None).await?;
        if caller.agent_id().is_some_and(|id| id != agent.id) {
            return Err(ApiError::forbidden("An agent may wake only itself")
                .with_hint("Mention the other agent in a comment, or assign it an issue."));
        }
        let mut payload = q.payload.unwrap_or_default();
        if q.force_fresh_session {
            payload.insert("forceFreshSession".into(), true.into());
        }
        let wake = WakeOf {
            agent: agent.id,
            source: q.source.unwrap_or(InvocationSource::OnDemand),
            trigger: q.trigger_detail.unwrap_or(TriggerDetail::Manual),
            reason: q.reason.map(|r| r.into_string()).filter(|r| !r.is_empty()),
            payload,
            idempotency_key: q.idempotency_key.map(|k| k.into_string()).filter(|k| !k.is_empty()),
        };
        let woken = self.wake(&mut tx, caller, wake).await?;
        if let Woken::Run(run) = &woken {
            let details = json!({ "agentId": agent.id, "name": agent.name, "source": run.invocation_source });
            self.log(
                &mut tx,
                caller,
                agent.company_id,
                "heartbeat.invoked",
                ("heartbeat_run", run.id.to_string()),
                details,
            )
            .await?;
        }
        tx.commit().await.answer()?;
        if let Woken::NotInvokable(_) = &woken {
            return Err(ApiError::conflict("Agent is not invokable in its current state")
                .with_details(json!({ "status": agent.status }))
                .with_hint("Resume or approve the agent first."));
        }
        if let Woken::Unfunded(_, short) = &woken {
            return Err(ApiError::conflict(short.reason())
                .with_details(json!({ "scopeType": short.scope, "scopeId": short.id }))
                .with_hint("Raise the budget, or lift it."));
        }
        Ok(woken.into())
    }
}

impl Handle<InvokeHeartbeat> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<WakeOutcome> {
        let wake = WakeAgent { payload: Some(JsonObject::new()), ..WakeAgent::of(q.id) };
        Handle::<Wake>::handle(self, caller, wake).await
    }
}

impl Handle<ListWakeupsOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListWakeups) -> Answer<Vec<WakeupLine>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        let wakes = store::wakeups::list(&mut conn, &q, bounded(q.limit, 100, 500)).await.answer()?;
        let about: BTreeSet<_> = wakes.iter().filter_map(|w| w.issue_id).collect();
        let issues = store::issues::many(&mut conn, &about.into_iter().collect::<Vec<_>>()).await.answer()?;
        let mut lines = Vec::with_capacity(wakes.len());
        for wake in wakes {
            let issue = issues.iter().find(|i| Some(i.id) == wake.issue_id);
            let retry_at = match wake.run_id.filter(|_| wake.status == WakeupStatus::Queued) {
                Some(run) => {
                    let run = store::runs::get(&mut conn, run).await.answer()?;
                    run.filter(|r| r.status == RunStatus::ScheduledRetry).and_then(|r| r.scheduled_retry_at)
                }
                None => None,
            };
            lines.push(WakeupLine {
                issue_identifier: issue.and_then(|i| i.identifier.clone()),
                issue_title: issue.map(|i| i.title.clone()),
                wake,
                retry_at,
            });
        }
        Ok(lines)
    }
}
