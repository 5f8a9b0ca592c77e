//! The use of models, from the output of runs into the ledger.

use contract::cost::CostEvent;
use contract::run::Run;
use contract::{Micros, ProjectId, RunId};
use runner::adapter::{Metered, Payee};
use store::{SqliteConnection, WriteTx};

use super::Scopes;
use crate::Engine;
use crate::error::{Answer, OrAnswer};
use crate::run::Kill;

/// An entry about a run, of which message and cost are still to be filled in.
fn entry(id: contract::CostEventId, run: &Run, payee: &Payee, at: contract::Timestamp) -> CostEvent {
    CostEvent {
        id,
        company_id: run.company_id,
        agent_id: run.agent_id,
        issue_id: run.issue_id,
        project_id: None,
        goal_id: None,
        heartbeat_run_id: Some(run.id),
        billing_code: None,
        provider: payee.provider.clone(),
        biller: payee.biller.clone(),
        billing_type: payee.billing,
        model: "unknown".to_owned(),
        input_tokens: 0,
        cached_input_tokens: 0,
        output_tokens: 0,
        cost_cents: 0,
        cost_micros: Micros::ZERO,
        occurred_at: at,
        created_at: at,
    }
}

impl Engine {
    /// Enters what a run's output tells of its use of models, and stops what may not go on. The entry and the stop
    /// are one transaction: no crash comes between them.
    pub(crate) async fn meter(&self, run: RunId, payee: &Payee, messages: &[Metered]) -> Answer<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.write(self.now()).await.answer()?;
        let Some(run) = store::runs::get(&mut tx, run).await.answer()? else { return Ok(()) };
        let kills = self.enter(&mut tx, &run, payee, messages).await?;
        // Read again after a restart, the messages are known already.
        if tx.commit_if_changed().await.answer()? {
            self.kill_all(kills).await;
        }
        Ok(())
    }

    pub(super) async fn enter(
        &self,
        tx: &mut WriteTx,
        run: &Run,
        payee: &Payee,
        messages: &[Metered],
    ) -> Answer<Vec<Kill>> {
        let issue = match run.issue_id {
            Some(id) => store::issues::get(tx, id).await.answer()?,
            None => None,
        };
        let mut news = false;
        for m in messages {
            let mut e = entry(self.new_id(), run, payee, tx.at());
            e.issue_id = issue.as_ref().map(|i| i.id);
            e.project_id = issue.as_ref().and_then(|i| i.project_id);
            e.goal_id = issue.as_ref().and_then(|i| i.goal_id);
            e.billing_code = issue.as_ref().and_then(|i| i.billing_code.clone());
            if let Some(model) = &m.model {
                e.model.clone_from(model);
            }
            e.input_tokens = m.usage.input_tokens.saturating_add(m.usage.cache_write_tokens);
            e.cached_input_tokens = m.usage.cached_input_tokens;
            e.output_tokens = m.usage.output_tokens;
            e.cost_micros = payee.billed(m.cost);
            e.cost_cents = e.cost_micros.rounded_cents();
            news |= store::costs::meter(tx, &e, &m.key, m.correction).await.answer()?;
        }
        if !news {
            return Ok(Vec::new());
        }
        let scopes = Scopes::of(run, issue.and_then(|i| i.project_id));
        self.weigh(tx, scopes).await
    }

    /// The project that a run works for now.
    pub(crate) async fn project_of(
        &self,
        conn: &mut SqliteConnection,
        run: &Run,
    ) -> Answer<Option<ProjectId>> {
        let Some(id) = run.issue_id else { return Ok(None) };
        Ok(store::issues::get(conn, id).await.answer()?.and_then(|i| i.project_id))
    }
}
