//! Agents: who they are, what they may do, and their ends.

use std::sync::Arc;

use contract::agent::*;
use contract::budget::BudgetScope;
use contract::company::{Company, CompanyPath, Nothing, PauseReason};
use contract::heartbeat::InboxLiteEntry;
use contract::operations::*;
use contract::{AgentId, ApiError, Cents, IssueId};
use serde_json::json;
use store::{SqliteConnection, WriteTx};

use super::{reach, text};
use crate::budget::Change;
use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Caller, Engine};

impl Engine {
    async fn agent_detail(
        &self,
        conn: &mut SqliteConnection,
        caller: &Caller,
        mut agent: Agent,
    ) -> Answer<AgentDetail> {
        agent.spent_monthly_cents = self.month_spent(conn, BudgetScope::Agent, agent.id.0).await?;
        let all = store::agents::list(conn, agent.company_id).await.answer()?;
        let chain_of_command = domain::agent::chain_of_command(&all, &agent)
            .into_iter()
            .filter_map(|id| all.iter().find(|a| a.id == id))
            .map(|a| ChainOfCommandEntry {
                id: a.id,
                name: a.name.clone(),
                role: a.role,
                title: a.title.clone(),
            })
            .collect();
        let agent = self.viewer(conn, caller).await?.shown(agent);
        Ok(AgentDetail { agent, chain_of_command })
    }

    /// Refuses settings that would be passed over in silence for their type.
    fn check_settings(&self, agent: &Agent) -> Answer<()> {
        let fields = self.adapter(&agent.adapter_type)?.info().fields;
        let wrong = |e: domain::settings::WrongType| ApiError::invalid(format!("Validation error: {e}"));
        domain::settings::check_adapter(&fields, &agent.adapter_config).map_err(wrong)?;
        domain::settings::check_runtime(&agent.runtime_config).map_err(wrong)
    }

    /// Refuses a manager of another company, and a circle.
    async fn check_manager(&self, tx: &mut WriteTx, agent: &Agent, manager: AgentId) -> Answer<()> {
        let all = store::agents::list(tx, agent.company_id).await.answer()?;
        if !all.iter().any(|a| a.id == manager) {
            return Err(ApiError::unprocessable("reportsTo names no agent of this company"));
        }
        if !domain::agent::may_report_to(&all, agent.id, manager) {
            return Err(ApiError::unprocessable("An agent cannot report to itself or to somebody below it"));
        }
        Ok(())
    }

    /// A name that no living agent of the company has, and its URL key.
    async fn free_name(&self, tx: &mut WriteTx, agent: &Agent, name: &str) -> Answer<(String, String)> {
        let all = store::agents::list(tx, agent.company_id).await.answer()?;
        let taken = |n: &str| {
            let key = domain::naming::slug(n);
            all.iter().any(|a| a.id != agent.id && (a.url_key == key || a.name.eq_ignore_ascii_case(n)))
        };
        let name = domain::naming::free_variant(name, taken);
        let key = domain::naming::slug(&name);
        Ok((name, key))
    }
}

/// An agent as it may be shown: secrets in its settings are masked.
pub(super) fn shown(mut a: Agent) -> Agent {
    a.adapter_config = domain::redact::config(&a.adapter_config);
    a
}

/// Whose eyes an agent is shown to.
pub(super) enum Viewer {
    Board,
    /// An agent, and whether it hires others and so has to know how they are set up.
    Agent {
        id: AgentId,
        hires: bool,
    },
}

impl Viewer {
    /// An agent sees its own settings whole; of another's it sees nothing, or as a hirer no credential.
    pub(super) fn shown(&self, mut a: Agent) -> Agent {
        match self {
            Self::Board => shown(a),
            Self::Agent { id, .. } if *id == a.id => shown(a),
            Self::Agent { hires: true, .. } => {
                a.adapter_config = domain::redact::config_for_others(&a.adapter_config);
                a
            }
            Self::Agent { hires: false, .. } => {
                a.adapter_config.clear();
                a.runtime_config.clear();
                a
            }
        }
    }
}

impl Engine {
    pub(super) async fn viewer(&self, conn: &mut SqliteConnection, caller: &Caller) -> Answer<Viewer> {
        let Some(id) = caller.agent_id() else { return Ok(Viewer::Board) };
        let agent = store::agents::get(conn, id).await.answer()?;
        Ok(Viewer::Agent { id, hires: agent.is_some_and(|a| a.permissions.can_create_agents) })
    }
}

impl Handle<ListAgents> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: ListAgentsIn) -> Answer<Vec<Agent>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        let viewer = self.viewer(&mut conn, caller).await?;
        let all = if q.include_terminated {
            store::agents::ever(&mut conn, q.company_id).await.answer()?
        } else {
            store::agents::list(&mut conn, q.company_id).await.answer()?
        };
        Ok(all.into_iter().map(|a| viewer.shown(a)).collect())
    }
}

impl Handle<GetAgent> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<AgentDetail> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, q.company_id).await?;
        self.agent_detail(&mut conn, caller, agent).await
    }
}

impl Handle<GetAgentConfiguration> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<AgentConfiguration> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.agent(&mut conn, caller, &q.id, q.company_id).await?;
        let a = self.viewer(&mut conn, caller).await?.shown(agent);
        Ok(AgentConfiguration {
            id: a.id,
            company_id: a.company_id,
            name: a.name,
            role: a.role,
            title: a.title,
            status: a.status,
            reports_to: a.reports_to,
            adapter_type: a.adapter_type,
            adapter_config: a.adapter_config,
            runtime_config: a.runtime_config,
            permissions: a.permissions,
            updated_at: a.updated_at,
        })
    }
}

impl Handle<GetMe> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, _: Nothing) -> Answer<AgentDetail> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.calling_agent(&mut conn, caller).await?;
        self.agent_detail(&mut conn, caller, agent).await
    }
}

impl Handle<GetInboxLite> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, _: Nothing) -> Answer<Vec<InboxLiteEntry>> {
        let mut conn = self.store.read().await.answer()?;
        let agent = self.calling_agent(&mut conn, caller).await?;
        let open = store::issues::assigned_open(&mut conn, agent.company_id, agent.id).await.answer()?;
        let ids: Vec<IssueId> = open.iter().map(|i| i.id).collect();
        let mut live = store::runs::live_by_issue(&mut conn, &ids).await.answer()?;
        let mut blocked = store::relations::unresolved_of(&mut conn, &ids).await.answer()?;
        let mut out = Vec::with_capacity(open.len());
        for i in open {
            let blockers = blocked.remove(&i.id).unwrap_or_default();
            out.push(InboxLiteEntry {
                id: i.id,
                identifier: i.identifier,
                title: i.title,
                status: i.status,
                priority: i.priority,
                project_id: i.project_id,
                goal_id: i.goal_id,
                parent_id: i.parent_id,
                updated_at: i.updated_at,
                active_run: live.remove(&i.id),
                dependency_ready: blockers.is_empty(),
                unresolved_blocker_count: i64::try_from(blockers.len()).unwrap_or(i64::MAX),
                unresolved_blocker_issue_ids: blockers,
            });
        }
        Ok(out)
    }
}

impl Handle<GetOrg> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CompanyPath) -> Answer<Vec<OrgNode>> {
        let mut conn = self.store.read().await.answer()?;
        self.company(&mut conn, caller, q.company_id).await?;
        let all = store::agents::list(&mut conn, q.company_id).await.answer()?;
        let known = |id: Option<AgentId>| id.is_some_and(|m| all.iter().any(|a| a.id == m));
        Ok(all.iter().filter(|a| !known(a.reports_to)).map(|a| node(&all, a, 0)).collect())
    }
}

fn node(all: &[Agent], a: &Agent, depth: usize) -> OrgNode {
    // Cycles are refused on writing; the depth guards against a database that was edited by hand.
    let below = all.iter().filter(|b| depth < 64 && b.reports_to == Some(a.id));
    OrgNode {
        id: a.id,
        name: a.name.clone(),
        role: a.role,
        status: a.status,
        reports: below.map(|b| node(all, b, depth + 1)).collect(),
    }
}

impl Handle<CreateAgentOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateAgent) -> Answer<Agent> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let company = self.company(&mut tx, caller, q.company_id).await?;
        if let Some((id, ..)) = caller.agent() {
            let hirer = store::agents::get(&mut tx, id).await.answer()?;
            if !hirer.is_some_and(|a| a.permissions.can_create_agents) {
                return Err(ApiError::forbidden("This agent may not create agents"));
            }
            if company.require_board_approval_for_new_agents {
                return Err(ApiError::conflict("The company wants the board's approval of new agents"));
            }
        }
        let agent = self.create_agent(&mut tx, caller, &company, q).await?;
        tx.commit().await.answer()?;
        Ok(shown(agent))
    }
}

impl Engine {
    /// Creates an agent that the caller may create, with its instructions and its budget.
    pub(super) async fn create_agent(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        company: &Company,
        q: CreateAgent,
    ) -> Answer<Agent> {
        self.adapter(&q.adapter_type)?;
        let mut agent = Agent {
            id: self.new_id(),
            company_id: company.id,
            name: String::new(),
            url_key: String::new(),
            role: q.role,
            title: q.title.map(|t| t.into_string()),
            icon: q.icon.map(|t| t.into_string()),
            status: AgentStatus::Idle,
            reports_to: None,
            capabilities: q.capabilities.map(|t| t.into_string()),
            adapter_type: q.adapter_type.into_string(),
            adapter_config: q.adapter_config,
            runtime_config: q.runtime_config,
            default_environment_id: q.default_environment_id,
            budget_monthly_cents: q.budget_monthly_cents,
            spent_monthly_cents: Cents::ZERO,
            pause_reason: None,
            paused_at: None,
            permissions: q.permissions.unwrap_or(AgentPermissions {
                can_create_agents: q.role == AgentRole::Ceo,
                can_assign_tasks: true,
            }),
            last_heartbeat_at: None,
            metadata: q.metadata,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        if !caller.is_operator() {
            reach::check_from_agent(&self.paths, &agent.adapter_config)?;
        }
        reach::check(&self.paths, agent.id, &agent.adapter_config)?;
        self.check_settings(&agent)?;
        (agent.name, agent.url_key) = self.free_name(tx, &agent, &q.name).await?;
        if let Some(manager) = q.reports_to {
            self.check_manager(tx, &agent, manager).await?;
            agent.reports_to = Some(manager);
        }
        if let Some(desired) = q.desired_skills {
            agent.adapter_config.insert("paperclipSkillSync".into(), json!({ "desiredSkills": desired }));
        }
        // Whatever it is made of: it may be given another adapter later, and is the same agent then.
        super::write_defaults(&self.paths, &agent, q.instructions_bundle.as_ref())?;
        store::agents::create(tx, &agent).await.answer()?;
        if agent.budget_monthly_cents > Cents::ZERO {
            let amount = agent.budget_monthly_cents;
            let change = Change::monthly(agent.company_id, BudgetScope::Agent, agent.id.0, amount);
            // Nothing of it runs yet: there is nothing to end.
            self.set_budget(tx, caller, change).await?;
        }
        self.add_revision(tx, caller, None, &agent, "create", None).await?;
        let details = json!({ "role": agent.role, "adapterType": agent.adapter_type });
        self.log_agent(tx, caller, &agent, "agent.created", details).await?;
        Ok(agent)
    }
}

impl Handle<UpdateAgentOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpdateAgent) -> Answer<AgentDetail> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let before = self.agent(&mut tx, caller, &q.id, q.company_id).await?;
        self.may_configure(&mut tx, caller, &before, &q).await?;
        let mut a = before.clone();
        if let Some(name) = &q.name
            && **name != *before.name
        {
            (a.name, a.url_key) = self.free_name(&mut tx, &before, name).await?;
        }
        a.role = q.role.unwrap_or(a.role);
        a.title = text(q.title).apply(a.title);
        a.icon = text(q.icon).apply(a.icon);
        a.capabilities = text(q.capabilities).apply(a.capabilities);
        a.metadata = q.metadata.apply(a.metadata);
        if let Some(manager) = q.reports_to.as_set() {
            self.check_manager(&mut tx, &before, *manager).await?;
        }
        a.reports_to = q.reports_to.apply(a.reports_to);
        if let Some(kind) = q.adapter_type {
            self.adapter(&kind)?;
            a.adapter_type = kind.into_string();
        }
        if let Some(config) = q.adapter_config {
            let config = domain::redact::unmask(&config, &before.adapter_config);
            if q.replace_adapter_config {
                a.adapter_config = config;
            } else {
                a.adapter_config.extend(config);
                a.adapter_config.retain(|_, v| !v.is_null());
            }
            reach::check(&self.paths, a.id, &a.adapter_config)?;
        }
        if let Some(runtime) = q.runtime_config {
            a.runtime_config.extend(runtime);
            a.runtime_config.retain(|_, v| !v.is_null());
        }
        self.check_settings(&a)?;
        let budget = q.budget_monthly_cents.filter(|b| *b != before.budget_monthly_cents);
        if a == before && budget.is_none() {
            return self.agent_detail(&mut tx, caller, before).await;
        }
        a.updated_at = tx.at();
        store::agents::save(&mut tx, &a).await.answer()?;
        let mut kills = Vec::new();
        if let Some(amount) = budget {
            let change = Change::monthly(a.company_id, BudgetScope::Agent, a.id.0, amount);
            kills = self.set_budget(&mut tx, caller, change).await?.1;
            a = store::agents::get(&mut tx, a.id).await.or_missing("Agent")?;
        }
        let changed = self.add_revision(&mut tx, caller, Some(&before), &a, "patch", None).await?;
        let details = json!({ "changedKeys": changed });
        self.log_agent(&mut tx, caller, &a, "agent.updated", details).await?;
        let detail = self.agent_detail(&mut tx, caller, a).await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(detail)
    }
}

impl Engine {
    /// The operator may change everything. An agent that may hire may change others; every agent may change
    /// how it describes itself. How an agent is started is for the board.
    async fn may_configure(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        agent: &Agent,
        q: &UpdateAgent,
    ) -> Answer<()> {
        let Some((id, ..)) = caller.agent() else { return Ok(()) };
        let machine =
            q.adapter_config.is_some() || q.adapter_type.is_some() || q.budget_monthly_cents.is_some();
        if machine || q.runtime_config.is_some() {
            return Err(ApiError::forbidden(
                "Only the board may change how an agent is started, woken or paid for",
            ));
        }
        let itself = id == agent.id && q.role.is_none() && q.reports_to.is_keep();
        let hirer = store::agents::get(tx, id).await.answer()?;
        if itself || hirer.is_some_and(|a| a.permissions.can_create_agents) {
            return Ok(());
        }
        Err(ApiError::forbidden("This agent may not change other agents"))
    }
}

impl Handle<UpdatePermissions> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: UpdateAgentPermissions) -> Answer<AgentDetail> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut a = self.agent(&mut tx, caller, &q.id, None).await?;
        a.permissions =
            AgentPermissions { can_create_agents: q.can_create_agents, can_assign_tasks: q.can_assign_tasks };
        a.updated_at = tx.at();
        store::agents::save(&mut tx, &a).await.answer()?;
        let details = json!({ "permissions": a.permissions });
        self.log_agent(&mut tx, caller, &a, "agent.permissions_updated", details).await?;
        let detail = self.agent_detail(&mut tx, caller, a).await?;
        tx.commit().await.answer()?;
        Ok(detail)
    }
}

impl Handle<PauseAgent> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<Agent> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut a = self.agent(&mut tx, caller, &q.id, q.company_id).await?;
        if a.status == AgentStatus::Terminated {
            return Err(ApiError::conflict("A terminated agent cannot be paused"));
        }
        a.status = AgentStatus::Paused;
        a.pause_reason = Some(PauseReason::Manual);
        a.paused_at = Some(tx.at());
        a.updated_at = tx.at();
        store::agents::save(&mut tx, &a).await.answer()?;
        self.log_agent(&mut tx, caller, &a, "agent.paused", json!({})).await?;
        let kills = self.cancel_agent(&mut tx, a.id, "The agent was paused").await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(shown(a))
    }
}

impl Handle<ResumeAgent> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<Agent> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut a = self.agent(&mut tx, caller, &q.id, q.company_id).await?;
        if matches!(a.status, AgentStatus::Terminated | AgentStatus::PendingApproval) {
            return Err(ApiError::conflict(format!("An agent that is {} cannot be resumed", a.status)));
        }
        self.must_have_money(&mut tx, &a).await?;
        if matches!(a.status, AgentStatus::Paused | AgentStatus::Error) {
            a.status = AgentStatus::Idle;
        }
        a.pause_reason = None;
        let since = a.paused_at.take();
        a.updated_at = tx.at();
        store::agents::save(&mut tx, &a).await.answer()?;
        self.log_agent(&mut tx, caller, &a, "agent.resumed", json!({})).await?;
        if let Some(since) = since {
            self.take_up_words(&mut tx, caller, &a, since).await?;
        }
        self.take_up_work(&mut tx, caller, &a).await?;
        tx.commit().await.answer()?;
        Ok(shown(a))
    }
}

impl Engine {
    /// Refuses to resume an agent whom its budget would stop again.
    async fn must_have_money(&self, tx: &mut WriteTx, a: &Agent) -> Answer<()> {
        if a.pause_reason != Some(PauseReason::Budget) {
            return Ok(());
        }
        for p in store::budgets::of_scope(tx, a.id.0).await.answer()? {
            if self.is_spent(tx, &p).await? {
                return Err(ApiError::conflict(format!("The budget of {} is spent", a.name))
                    .with_details(json!({ "scopeType": p.scope_type, "scopeId": p.scope_id }))
                    .with_hint("Raise the budget: the agent goes on by itself then."));
            }
        }
        Ok(())
    }
}

impl Handle<TerminateAgent> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AgentPath) -> Answer<Agent> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let mut a = self.agent(&mut tx, caller, &q.id, q.company_id).await?;
        a.status = AgentStatus::Terminated;
        a.updated_at = tx.at();
        store::agents::save(&mut tx, &a).await.answer()?;
        store::keys::revoke(&mut tx, a.company_id, a.id, None).await.answer()?;
        self.log_agent(&mut tx, caller, &a, "agent.terminated", json!({})).await?;
        let kills = self.cancel_agent(&mut tx, a.id, "The agent was terminated").await?;
        tx.commit().await.answer()?;
        self.kill_all(kills).await;
        Ok(shown(a))
    }
}
