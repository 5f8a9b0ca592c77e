//! The services: each operation of the contract, implemented once.

mod adapters;
mod agents;
mod annotations;
mod approvals;
mod attachments;
mod budgets;
mod comments;
mod companies;
mod config;
mod costs;
mod decompositions;
mod documents;
mod instance;
mod instructions;
mod interactions;
mod issues;
mod keys;
mod labels;
mod maintenance;
mod planning;
mod project_workspaces;
pub(crate) mod reach;
mod recovery;
mod runs;
mod search;
mod sessions;
mod trees;
mod wakes;
mod work_products;
mod workspaces;

pub(crate) use comments::NewComment;
pub(crate) use instructions::{bundle_of, write_defaults};
pub(crate) use issues::{Origin, keep_policy, object, policy_of, reviewer_of, state_of};
pub(crate) use maintenance::backups;
pub(crate) use sessions::runtime_of;

use contract::activity::Activity;
use contract::agent::Agent;
use contract::company::Company;
use contract::issue::Issue;
use contract::{AgentRef, ApiError, CompanyId, IssueRef, JsonObject, Patch, Text};
use serde_json::Value;
use store::{SqliteConnection, WriteTx};

use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

impl Engine {
    /// A company that the caller may see.
    pub(crate) async fn company(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        id: CompanyId,
    ) -> Answer<Company> {
        caller.within(id)?;
        store::companies::get(conn, id).await.or_missing("Company")
    }

    /// An issue that the caller may see.
    pub(crate) async fn issue(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        r: &IssueRef,
    ) -> Answer<Issue> {
        let issue = store::issues::find(conn, r).await.or_missing("Issue")?;
        caller.within(issue.company_id)?;
        Ok(issue)
    }

    /// An agent that the caller may see. A URL key that several companies use needs the company.
    async fn agent(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        r: &AgentRef,
        company: Option<CompanyId>,
    ) -> Answer<Agent> {
        let own = caller.agent().map(|(_, c, _)| c);
        let agent = match r {
            AgentRef::Id(id) => store::agents::get(conn, *id).await.or_missing("Agent")?,
            AgentRef::Key(key) => {
                let mut found = store::agents::by_key(conn, key, company.or(own)).await.answer()?;
                match found.len() {
                    0 => return Err(ApiError::not_found("Agent")),
                    1 => found.remove(0),
                    _ => {
                        return Err(ApiError::conflict("Several companies have an agent with this URL key")
                            .with_hint("Add ?companyId= or use the agent's id."));
                    }
                }
            }
        };
        caller.within(agent.company_id)?;
        Ok(agent)
    }

    /// Refuses deliverables from a run that is only to say what becomes of its issue.
    async fn may_deliver(&self, conn: &mut SqliteConnection, caller: &Caller) -> Answer<()> {
        let Some(id) = caller.run_id() else { return Ok(()) };
        let run = store::runs::get(conn, id).await.answer()?;
        let status_only =
            run.and_then(|r| r.context_snapshot).is_some_and(|c| domain::context::is_status_only(&c));
        if !status_only {
            return Ok(());
        }
        Err(ApiError::forbidden("This run only says what becomes of its issue").with_hint(
            "Set the issue's status with a comment. To go on with the work, resume it: a run of its own follows.",
        ))
    }

    /// Writes what happened into the audit trail.
    pub(crate) async fn log(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        company: CompanyId,
        action: &str,
        entity: (&str, String),
        details: Value,
    ) -> Answer<()> {
        let activity = Activity {
            id: self.new_id(),
            company_id: company,
            actor_type: caller.actor_type(),
            actor_id: caller.actor_id(),
            action: action.to_owned(),
            entity_type: entity.0.to_owned(),
            entity_id: entity.1,
            agent_id: caller.agent_id(),
            run_id: caller.run_id(),
            details: match details {
                Value::Object(o) if !o.is_empty() => Some(o),
                _ => None,
            },
            created_at: tx.at(),
        };
        store::activity::create(tx, &activity).await.answer()
    }

    /// As [`Engine::log`], about an issue, whose identifier and title go along.
    pub(crate) async fn log_issue(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        action: &str,
        details: Value,
    ) -> Answer<()> {
        let mut all = JsonObject::new();
        all.insert("identifier".into(), issue.identifier.clone().map_or(Value::Null, Value::from));
        all.insert("issueTitle".into(), issue.title.clone().into());
        if let Value::Object(o) = details {
            all.extend(o);
        }
        self.log(tx, caller, issue.company_id, action, ("issue", issue.id.to_string()), all.into()).await?;
        if caller.user_id().is_some() && action != "issue.deleted" {
            // One's own changes are no news.
            let id = self.new_id::<uuid::Uuid>().to_string();
            store::issues::note_read(tx, issue, contract::LOCAL_OPERATOR, id).await.answer()?;
        }
        Ok(())
    }

    /// As [`Engine::log`], about an agent, whose name goes along.
    async fn log_agent(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        agent: &Agent,
        action: &str,
        details: Value,
    ) -> Answer<()> {
        let mut all = JsonObject::new();
        all.insert("name".into(), agent.name.clone().into());
        if let Value::Object(o) = details {
            all.extend(o);
        }
        self.log(tx, caller, agent.company_id, action, ("agent", agent.id.to_string()), all.into()).await
    }
}

/// A limit as asked for, within bounds.
fn bounded(asked: Option<u32>, default: u32, most: u32) -> u32 {
    asked.unwrap_or(default).clamp(1, most)
}

/// A patch of checked text as one of plain text.
fn text<const MIN: usize, const MAX: usize>(p: Patch<Text<MIN, MAX>>) -> Patch<String> {
    match p {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(t) => Patch::Set(t.into_string()),
    }
}
