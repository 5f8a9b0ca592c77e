//! Accounts with providers: while one is turned away, all agents that use it wait, and one of them tries first.

use std::time::Duration;

use contract::agent::Agent;
use contract::run::{Run, RunStatus};
use contract::{RunId, Timestamp};
use domain::account::{Standing, retry_after, standing};
use domain::failure::Class;
use store::accounts::ProviderAccount;
use store::{SqliteConnection, WriteTx};

use super::class_of;
use crate::Engine;
use crate::error::{Answer, OrAnswer};

/// The account that an agent's runs are billed to, if its adapter knows one.
pub(crate) fn account_of(agent: &Agent) -> Option<String> {
    runner::adapter::adapters().get(&agent.adapter_type)?.account(&agent.adapter_config)
}

impl Engine {
    /// How an account stands for a run that wants to start.
    pub(crate) async fn account_standing(
        &self,
        conn: &mut SqliteConnection,
        account: &ProviderAccount,
        run: RunId,
    ) -> Answer<Standing> {
        let probing = match account.probe_run_id {
            Some(id) if id != run => {
                let probe = store::runs::get(conn, id).await.answer()?;
                probe.is_some_and(|r| r.status == RunStatus::Running)
            }
            _ => false,
        };
        Ok(standing(account.blocked_until, probing, self.now()))
    }

    /// Notes which account a run uses as it starts. `false`: the account is turned away, and the run waits.
    pub(crate) async fn enter_account(&self, tx: &mut WriteTx, run: &Run, agent: &Agent) -> Answer<bool> {
        let Some(name) = account_of(agent) else { return Ok(true) };
        if let Some(mut account) = store::accounts::get(tx, &name).await.answer()? {
            match self.account_standing(tx, &account, run.id).await? {
                Standing::Probe => {
                    account.probe_run_id = Some(run.id);
                    store::accounts::save(tx, &account).await.answer()?;
                }
                Standing::Closed => return Ok(false),
            }
        }
        store::retries::set_account(tx, run.id, &name).await.answer()?;
        Ok(true)
    }

    /// Learns from a run's end whether its account takes requests.
    pub(super) async fn leave_account(&self, tx: &mut WriteTx, run: &Run) -> Answer<()> {
        let Some(name) = store::retries::account(tx, run.id).await.answer()? else { return Ok(()) };
        let known = store::accounts::get(tx, &name).await.answer()?;
        if class_of(run) == Class::Upstream {
            let refusals = known.map_or(0, |a| a.refusals) + 1;
            let account = ProviderAccount {
                account: name,
                blocked_until: retry_after(refusals, tx.at(), reset_of(run)),
                refusals,
                reason: run.error.clone(),
                probe_run_id: None,
            };
            return store::accounts::save(tx, &account).await.answer();
        }
        let Some(mut account) = known else { return Ok(()) };
        // A run that used the provider shows that it takes requests, however the run ended.
        let answered = run.status == RunStatus::Succeeded || run.usage_json.is_some();
        if answered && run.started_at.is_some_and(|t| t >= account.blocked_until) {
            return store::accounts::forget(tx, &account.account).await.answer();
        }
        if account.probe_run_id == Some(run.id) {
            account.probe_run_id = None;
            store::accounts::save(tx, &account).await.answer()?;
        }
        Ok(())
    }

    /// When the account of a run that was turned away takes requests again, as far as is known.
    pub(super) async fn account_reset(&self, tx: &mut WriteTx, run: &Run) -> Answer<Option<Timestamp>> {
        // The account's own wait bounds who starts; the run's own schedule follows what the provider named.
        Ok(reset_of(run).filter(|t| t.since(tx.at()) > Duration::ZERO))
    }
}

fn reset_of(run: &Run) -> Option<Timestamp> {
    let text = run.result_json.as_ref()?.get("retryNotBefore")?.as_str()?;
    Timestamp::parse(text)
}
