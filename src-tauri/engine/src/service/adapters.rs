//! Adapters: what there is, what would be started, whether it would work.

use std::sync::Arc;

use contract::adapter::*;
use contract::company::Nothing;
use contract::operations::*;
use contract::{ApiError, JsonObject};
use runner::adapter::{Adapter, ProbeContext, adapters};

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer};
use crate::{Caller, Engine};

impl Engine {
    pub(crate) fn adapter(&self, kind: &str) -> Answer<&'static dyn Adapter> {
        adapters().get(kind).ok_or_else(|| {
            let known: Vec<&str> = adapters().iter().map(|a| a.kind()).collect();
            ApiError::unprocessable(format!("There is no adapter {kind:?}"))
                .with_hint(format!("This version has: {}.", known.join(", ")))
        })
    }

    fn probe(&self, config: JsonObject) -> Answer<ProbeContext> {
        let cwd = self.paths.root().join("probe");
        std::fs::create_dir_all(&cwd)
            .map_err(|e| ApiError::internal(format!("cannot make a folder to test in: {e}")))?;
        Ok(ProbeContext { config, cwd })
    }
}

impl Handle<ListAdapters> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, _: Nothing) -> Answer<Vec<AdapterInfo>> {
        Ok(adapters().iter().map(|a| a.info()).collect())
    }
}

impl Handle<DetectAdaptersOp> for Engine {
    async fn handle(self: &Arc<Self>, _: &Caller, q: DetectAdapters) -> Answer<Vec<AdapterDetection>> {
        let mut out = Vec::new();
        for a in adapters().iter() {
            if q.r#type.as_deref().is_none_or(|t| t == a.kind()) {
                out.push(a.detect(q.command.as_deref()).await);
            }
        }
        Ok(out)
    }
}

impl Handle<ListModels> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListAdapterModels) -> Answer<Vec<AdapterModel>> {
        caller.within(q.company_id)?;
        let adapter = self.adapter(&q.r#type)?;
        Ok(adapter.models(&self.probe(JsonObject::new())?, q.refresh).await)
    }
}

impl Handle<TestAdapter> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: TestEnvironment) -> Answer<EnvironmentTest> {
        let mut conn = self.store.read().await.answer()?;
        store::companies::get(&mut conn, q.company_id)
            .await
            .answer()?
            .ok_or_else(|| ApiError::not_found("Company"))?;
        drop(conn);
        caller.within(q.company_id)?;
        let adapter = self.adapter(&q.r#type)?;
        Ok(adapter.test_environment(&self.probe(q.adapter_config)?).await)
    }
}
