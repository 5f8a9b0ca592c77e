//! Who calls, and what that allows.

use contract::activity::ActorType;
use contract::agent::{Agent, AgentStatus};
use contract::{Access, AgentId, ApiError, CompanyId, ErrorCode, LOCAL_OPERATOR, RunId, Timestamp};

use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Engine, token};

/// A key's time of last use is written at most this often.
const TOUCH_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// The one who acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The person at this machine.
    Operator,
    Agent {
        id: AgentId,
        company: CompanyId,
        run: Option<RunId>,
    },
    /// The program itself: the scheduler, recovery, a promoted wake.
    System,
    /// Nobody known; may ask for the health only.
    Nobody,
}

/// A caller of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub actor: Actor,
}

impl Caller {
    pub const fn operator() -> Self {
        Self { actor: Actor::Operator }
    }

    pub const fn nobody() -> Self {
        Self { actor: Actor::Nobody }
    }

    pub(crate) const fn system() -> Self {
        Self { actor: Actor::System }
    }

    pub const fn is_operator(&self) -> bool {
        matches!(self.actor, Actor::Operator)
    }

    /// The agent that calls, with its run.
    pub const fn agent(&self) -> Option<(AgentId, CompanyId, Option<RunId>)> {
        match self.actor {
            Actor::Agent { id, company, run } => Some((id, company, run)),
            _ => None,
        }
    }

    pub(crate) fn agent_id(&self) -> Option<AgentId> {
        self.agent().map(|(id, ..)| id)
    }

    pub(crate) fn run_id(&self) -> Option<RunId> {
        self.agent().and_then(|(.., run)| run)
    }

    /// The user to name as author; agents and the program are none.
    pub(crate) fn user_id(&self) -> Option<String> {
        self.is_operator().then(|| LOCAL_OPERATOR.to_owned())
    }

    pub(crate) fn actor_type(&self) -> ActorType {
        match self.actor {
            Actor::Agent { .. } => ActorType::Agent,
            Actor::Operator => ActorType::User,
            Actor::System | Actor::Nobody => ActorType::System,
        }
    }

    pub(crate) fn actor_id(&self) -> String {
        match &self.actor {
            Actor::Agent { id, .. } => id.to_string(),
            Actor::Operator => LOCAL_OPERATOR.to_owned(),
            Actor::System | Actor::Nobody => "system".to_owned(),
        }
    }

    /// Refuses an agent of another company.
    pub(crate) fn within(&self, company: CompanyId) -> Answer<()> {
        match self.agent() {
            Some((_, own, _)) if own != company => {
                Err(ApiError::forbidden("This agent cannot reach another company"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses everybody but the operator.
    pub(crate) fn board_only(&self, what: &str) -> Answer<()> {
        if self.is_operator() {
            Ok(())
        } else {
            Err(ApiError::forbidden(format!("Only the board may {what}")))
        }
    }

    /// Whether the declared access admits the caller at all.
    pub fn admitted(&self, access: Access) -> Result<(), ApiError> {
        match (&self.actor, access) {
            (_, Access::Public) | (Actor::System, _) => Ok(()),
            (Actor::Nobody, _) => Err(no_token()),
            (Actor::Operator, Access::Agent) => Err(ApiError::unauthorized("Agent authentication required")
                .with_hint("Call this with an agent's key or a run's token.")),
            (Actor::Operator, _) | (Actor::Agent { .. }, Access::Company | Access::Agent) => Ok(()),
            (Actor::Agent { .. }, Access::Board) => Err(ApiError::forbidden("Only the board may do this")),
        }
    }
}

fn no_token() -> ApiError {
    ApiError::unauthorized("A token is needed").with_hint(
        "Send `Authorization: Bearer <token>`; the operator's token stands in the file `operator-token` of the data folder.",
    )
}

fn bad_token() -> ApiError {
    ApiError::unauthorized("The token is unknown, revoked or expired")
}

impl Engine {
    /// Finds out whom a bearer token belongs to. A token that belongs to nobody is refused, always.
    ///
    /// `run` is the run the caller says it acts for (`X-Paperclip-Run-Id`).
    pub async fn authenticate(&self, bearer: Option<&str>, run: Option<RunId>) -> Result<Caller, ApiError> {
        let Some(token) = bearer else {
            let trusted = self.settings().general.trust_local_processes;
            return Ok(if trusted { Caller::operator() } else { Caller::nobody() });
        };
        let hash = token::hash(token);
        if token::same(&hash, &self.operator_token_hash) {
            return Ok(Caller::operator());
        }
        let mut conn = self.store.read().await.answer()?;
        if token.starts_with(token::RUN) {
            let found = store::runs::by_token(&mut conn, &hash).await.answer()?;
            let (own, agent, company) = found.ok_or_else(bad_token)?;
            if run.is_some_and(|r| r != own) {
                return Err(ApiError::unauthorized(
                    "The token belongs to another run than X-Paperclip-Run-Id names",
                ));
            }
            self.living_agent(&mut conn, agent).await?;
            return Ok(Caller { actor: Actor::Agent { id: agent, company, run: Some(own) } });
        }
        if !token.starts_with(token::AGENT_KEY) {
            return Err(bad_token());
        }
        let owner = store::keys::owner(&mut conn, &hash).await.answer()?.ok_or_else(bad_token)?;
        self.living_agent(&mut conn, owner.agent_id).await?;
        if let Some(r) = run {
            let named = store::runs::get(&mut conn, r).await.answer()?;
            if named.is_none_or(|n| n.agent_id != owner.agent_id) {
                return Err(ApiError::new(
                    ErrorCode::RunIdRequired,
                    "X-Paperclip-Run-Id names no run of this agent",
                ));
            }
        }
        drop(conn);
        self.touch_key(owner.id, owner.last_used_at);
        Ok(Caller { actor: Actor::Agent { id: owner.agent_id, company: owner.company_id, run } })
    }

    async fn living_agent(&self, conn: &mut store::SqliteConnection, id: AgentId) -> Answer<Agent> {
        let agent = store::agents::get(conn, id).await.answer()?.ok_or_else(bad_token)?;
        match agent.status {
            AgentStatus::Terminated | AgentStatus::PendingApproval => Err(bad_token()),
            _ => Ok(agent),
        }
    }

    /// Beside the request: reading must not wait for whoever writes.
    fn touch_key(&self, id: contract::AgentKeyId, last: Option<Timestamp>) {
        let now = self.now();
        if last.is_some_and(|t| now.since(t) < TOUCH_EVERY) {
            return;
        }
        let earlier =
            self.keys_noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id, now);
        if earlier.is_some_and(|t| now.since(t) < TOUCH_EVERY) {
            return;
        }
        let store = self.store.clone();
        self.tasks.spawn(async move {
            let written = async {
                let mut tx = store.write(now).await?;
                store::keys::touch(&mut tx, id).await?;
                tx.commit().await
            };
            if let Err(e) = written.await {
                tracing::warn!("cannot note the use of a key: {e}");
            }
        });
    }

    /// The calling agent. Refuses callers that are none.
    pub(crate) async fn calling_agent(
        &self,
        conn: &mut store::SqliteConnection,
        caller: &Caller,
    ) -> Answer<Agent> {
        let (id, ..) =
            caller.agent().ok_or_else(|| ApiError::unauthorized("Agent authentication required"))?;
        store::agents::get(conn, id).await.or_missing("Agent")
    }
}
