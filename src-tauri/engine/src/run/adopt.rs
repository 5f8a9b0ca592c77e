//! Runs that went on, ended or were lost while this program was away.

use std::sync::Arc;
use std::time::Duration;

use contract::run::{Run, RunStatus};
use contract::{CompanyId, JsonObject, RunId};
use runner::adapter::{Adapter, Parsed};
use runner::host::{Adoption, ExitReport, HostEvent, KillCause, LINGER, LostReport, adopt};

use super::LiveRun;
use super::execute::{adapter_of, carry_of, conclude};
use super::finish::End;
use super::patience::{Patience, Waited};
use crate::error::{Answer, OrAnswer, may_pass};
use crate::{Engine, EngineError};

/// How much longer than its linger time a host is looked for: it counts from its own end, the run from its commit.
const LEEWAY: Duration = Duration::from_secs(60);

impl Engine {
    /// Takes up every run that was running when the program ended.
    pub(crate) async fn adopt_runs(self: &Arc<Self>) -> Result<(), EngineError> {
        let (running, over) = {
            let mut conn = self.store.read().await?;
            let over = store::runs::ended_since(&mut conn, self.now().minus(LINGER + LEEWAY)).await?;
            (store::runs::with_status(&mut conn, RunStatus::Running).await?, over)
        };
        for (id, company) in over {
            let this = Arc::clone(self);
            self.tasks.spawn(async move { this.dismiss(id, company).await });
        }
        for run in running {
            self.live_runs().insert(run.id, LiveRun::new());
            let this = Arc::clone(self);
            self.tasks.spawn(async move {
                let id = run.id;
                let mut patience = Patience::default();
                let end = loop {
                    match this.take_up(&run).await {
                        Ok(Some(end)) => break end,
                        Ok(None) => return,
                        // Its host may live: that the database cannot be read now is no end of the run.
                        Err(e) if may_pass(&e) => {
                            if let Waited::Stopping = patience.wait(&this, &e).await {
                                return;
                            }
                        }
                        Err(e) => break End::broken(&e),
                    }
                };
                this.finish_and_forget(id, end).await;
            });
        }
        Ok(())
    }

    /// Sees that nothing is left of a run which is over. The program may have ended between the commit of the
    /// run's end and the word to its host, who would wait for that word all its linger time.
    async fn dismiss(&self, id: RunId, company: CompanyId) {
        let dir = self.paths.run(company, id);
        if !tokio::fs::try_exists(&dir).await.unwrap_or(false) {
            return;
        }
        let mut handle = match adopt(&dir).await {
            Ok(Adoption::Live(handle)) => handle,
            // A host that waited has been told, and what a host left behind is gone.
            Ok(Adoption::Ended(_) | Adoption::Lost(_)) => return,
            Err(e) => {
                tracing::warn!(run = %id, "whether its host is still there is not known: {e}");
                return;
            }
        };
        tracing::warn!(run = %id, "the run is over and its host is not: ending it");
        let control = handle.control();
        let _ = control.kill(KillCause::Cancelled, Some("The run is over".to_owned()), None).await;
        loop {
            let event = tokio::select! {
                () = self.stop.cancelled() => return,
                event = handle.next_event() => event,
            };
            match event {
                Ok(HostEvent::Exited(_)) => break,
                Ok(_) => {}
                Err(_) => return,
            }
        }
        let _ = control.finish().await;
    }

    async fn take_up(self: &Arc<Self>, run: &Run) -> Answer<Option<End>> {
        let (agent, stop) = {
            let mut conn = self.store.read().await.answer()?;
            let stop = store::runs::cancel_reason(&mut conn, run.id).await.answer()?;
            (store::agents::get(&mut conn, run.agent_id).await.answer()?, stop)
        };
        // Its host is told as soon as it is followed.
        if let Some(live) = self.live_runs().get_mut(&run.id)
            && stop.is_some()
        {
            live.stop_reason.send_replace(stop);
        }
        let Some(adapter) = agent.as_ref().and_then(adapter_of) else {
            return Ok(Some(End::lost("the run's agent or adapter is gone", None)));
        };
        match adopt(&self.paths.run(run.company_id, run.id)).await {
            Ok(Adoption::Live(handle)) => {
                self.run_event(
                    run,
                    "lifecycle",
                    "info",
                    "adopted: the run went on while the program was away",
                    None,
                )
                .await;
                match self.follow(run, handle, adapter, &carry_of(run)).await? {
                    Some((exit, parsed)) => Ok(Some(self.end_of(run, adapter, exit, parsed))),
                    None => Ok(None),
                }
            }
            Ok(Adoption::Ended(exit)) => {
                self.run_event(run, "lifecycle", "info", "the run ended while the program was away", None)
                    .await;
                let read = self.read_whole(run, adapter, &carry_of(run)).await?;
                Ok(read.map(|parsed| self.end_of(run, adapter, *exit, parsed)))
            }
            // What it used before it was lost is paid for all the same.
            Ok(Adoption::Lost(report)) => {
                let read = self.read_whole(run, adapter, &carry_of(run)).await?;
                Ok(read.map(|_| lost(&report)))
            }
            Err(e) => {
                let read = self.read_whole(run, adapter, &carry_of(run)).await?;
                Ok(read.map(|_| End::lost(&format!("nothing is left to adopt: {e}"), None)))
            }
        }
    }

    /// A host that stopped answering while it was followed.
    pub(super) async fn host_gone(
        self: &Arc<Self>,
        run: &Run,
        adapter: &'static dyn Adapter,
        carry: &JsonObject,
    ) -> Answer<Option<(ExitReport, Parsed)>> {
        let adopted = adopt(&self.paths.run(run.company_id, run.id)).await;
        if let Ok(Adoption::Live(handle)) = adopted {
            return Box::pin(self.follow(run, handle, adapter, carry)).await;
        }
        let Some(parsed) = self.read_whole(run, adapter, carry).await? else { return Ok(None) };
        match adopted {
            Ok(Adoption::Ended(exit)) => Ok(Some((*exit, parsed))),
            Ok(Adoption::Lost(report)) => Err(process_lost(&report.why)),
            Ok(Adoption::Live(_)) => Err(process_lost("it could not be followed")),
            Err(e) => Err(process_lost(&e.to_string())),
        }
    }

    fn end_of(&self, run: &Run, adapter: &dyn Adapter, exit: ExitReport, parsed: Parsed) -> End {
        let conclusion = conclude(adapter, run, &parsed, &exit, self.now());
        End::concluded(exit, parsed, conclusion)
    }
}

fn process_lost(why: &str) -> contract::ApiError {
    contract::ApiError::internal(format!("the run's host is gone: {why}"))
        .with_details(serde_json::json!({ "errorCode": "process_lost" }))
}

fn lost(report: &LostReport) -> End {
    End::lost(&report.why, Some(report))
}
