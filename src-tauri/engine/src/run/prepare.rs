//! Gathering what a run starts from.

use std::collections::BTreeMap;

use contract::agent::Agent;
use contract::document::CONTINUATION_SUMMARY;
use contract::run::Run;
use contract::{AgentId, AnnotationCommentId, CommentId, InteractionId, IssueId, JsonObject};
use domain::context;
use domain::prompt::{AnnotationBrief, CommentBrief, HEARTBEAT, IssueBrief, WakeBrief, render};
use runner::adapter::{Instructions, PromptParts, RunContext, SkillMount};
use serde_json::{Value, json};
use store::SqliteConnection;

use crate::Engine;
use crate::error::{Answer, OrAnswer};
use crate::service::{bundle_of, reach};

impl Engine {
    /// Everything that the adapter needs for a run. `fresh` leaves out the session there may be.
    pub(super) async fn run_context(
        &self,
        run: &Run,
        agent: &Agent,
        token: &str,
        fresh: bool,
    ) -> Answer<RunContext> {
        let empty = JsonObject::new();
        let ctx = run.context_snapshot.as_ref().unwrap_or(&empty);
        let mut conn = self.store.read().await.answer()?;
        let brief = self.brief(&mut conn, run, ctx).await?;
        let session = if fresh { None } else { self.session_of(&mut conn, run, agent, ctx).await? };
        drop(conn);
        let api_url = self.settings().api_url.unwrap_or_default();
        let home = self.paths.agent_home(agent.id);
        // Settings may be older than the rule, or a link may have come into their way.
        let coded = |e: contract::ApiError, code: &str| e.with_details(json!({ "errorCode": code }));
        reach::check(&self.paths, agent.id, &agent.adapter_config)
            .map_err(|e| coded(e, "workspace_failed"))?;
        let place = Box::pin(self.place_for(run, agent)).await?;
        let configured = agent.adapter_config.get("cwd").and_then(Value::as_str).filter(|_| place.is_none());
        let workspace = workspaces::resolve(configured, &home).map_err(|e| {
            let gone = matches!(e, workspaces::WorkspaceError::Gone(_));
            let code = if gone { "cwd_missing" } else { "workspace_failed" };
            coded(contract::ApiError::unprocessable(e.to_string()), code)
        })?;
        std::fs::create_dir_all(&home)
            .map_err(|e| contract::ApiError::internal(format!("the agent's home cannot be made: {e}")))?;
        let skill = skills::unpack_runtime_skill(&self.paths.skills()).map_err(|e| {
            contract::ApiError::internal(format!("the runtime skill cannot be unpacked: {e}"))
        })?;
        let bundle = bundle_of(&self.paths, agent);
        let text = bundle.open().and_then(|folder| folder.read(&bundle.entry)).ok();
        let instructions = text.map(|text| Instructions { path: bundle.root.join(&bundle.entry), text });
        let mut env = wake_env(ctx, &brief);
        env.insert("PAPERCLIP_WORKSPACE_CWD".into(), workspace.cwd.display().to_string());
        env.insert("PAPERCLIP_WORKSPACE_SOURCE".into(), workspace.source.as_str().into());
        env.insert("AGENT_HOME".into(), home.display().to_string());
        let own = (workspace.source == workspaces::Source::Configured).then_some(workspace.cwd);
        let workspace_cwd = match place {
            Some(place) => {
                env.extend(place.env);
                Some(place.cwd)
            }
            None => own,
        };
        Ok(RunContext {
            run_id: run.id,
            agent_id: agent.id,
            agent_name: agent.name.clone(),
            company_id: agent.company_id,
            config: agent.adapter_config.clone(),
            session,
            prompt: prompt_parts(run, agent, &brief, ctx),
            env,
            env_overlay: BTreeMap::new(),
            run_token: Some(token.to_owned()),
            api_url,
            workspace_cwd,
            agent_home: home,
            bundle_root: self.paths.bundles(agent.company_id),
            instructions,
            skills: vec![SkillMount { name: skills::RUNTIME_SKILL.to_owned(), source: skill }],
            demo_agent: self.config.launcher.demo_agent(),
            secrets: Vec::new(),
        })
    }

    pub(crate) async fn session_of(
        &self,
        conn: &mut SqliteConnection,
        run: &Run,
        agent: &Agent,
        ctx: &JsonObject,
    ) -> Answer<Option<JsonObject>> {
        if let Some(session) = self.named_session(conn, agent, ctx).await? {
            return Ok(Some(session));
        }
        if context::wants_fresh_session(ctx) {
            return Ok(None);
        }
        let key = self.session_key(conn, run).await?;
        let session = store::sessions::get(conn, agent.id, &agent.adapter_type, &key).await.answer()?;
        Ok(session.and_then(|s| s.session_params_json))
    }

    /// The session of the run that the wake says to go on from. Another agent's is none of this one's.
    async fn named_session(
        &self,
        conn: &mut SqliteConnection,
        agent: &Agent,
        ctx: &JsonObject,
    ) -> Answer<Option<JsonObject>> {
        let Some(from) = context::resume_from(ctx) else { return Ok(None) };
        let earlier = store::runs::get(conn, from).await.answer()?;
        let Some(earlier) = earlier.filter(|r| r.agent_id == agent.id) else { return Ok(None) };
        let key = self.session_key(conn, &earlier).await?;
        let kept = store::sessions::get(conn, agent.id, &agent.adapter_type, &key).await.answer()?;
        // Later runs of the same task have gone on in theirs: then only its name is left.
        let whole = kept.filter(|s| s.last_run_id == Some(from)).and_then(|s| s.session_params_json);
        let named =
            earlier.session_id_after.map(|id| JsonObject::from_iter([("sessionId".to_owned(), id.into())]));
        Ok(whole.or(named))
    }

    /// What the run's session is kept under.
    pub(super) async fn session_key(&self, conn: &mut SqliteConnection, run: &Run) -> Answer<String> {
        if let Some(issue) = run.issue_id {
            return Ok(issue.to_string());
        }
        let key = store::runs::task_key(conn, run.id).await.answer()?;
        Ok(key.unwrap_or_else(|| context::HEARTBEAT_TASK.to_owned()))
    }

    pub(crate) async fn brief(
        &self,
        conn: &mut SqliteConnection,
        run: &Run,
        ctx: &JsonObject,
    ) -> Answer<WakeBrief> {
        let mut brief = WakeBrief {
            reason: context::text(ctx, "wakeReason").map(str::to_owned),
            checked_out: ctx.get("paperclipHarnessCheckedOut").and_then(Value::as_bool) == Some(true),
            ..WakeBrief::default()
        };
        let Some(id) = run.issue_id else { return Ok(brief) };
        let Some(issue) = store::issues::get(conn, id).await.answer()? else { return Ok(brief) };
        let ids: Vec<CommentId> = context::comment_ids(ctx).iter().filter_map(|s| s.parse().ok()).collect();
        brief.comments_pending = ids.len();
        for c in store::comments::by_ids(conn, id, &ids).await.answer()? {
            let author = author(conn, c.author_agent_id).await?;
            brief.comments.push(CommentBrief { id: c.id, author, at: c.created_at, body: c.body });
        }
        brief.annotations = annotations(conn, id, ctx).await?;
        brief.unresolved_blockers = store::relations::unresolved(conn, id).await.answer()?;
        if brief.reason.as_deref() == Some("issue_children_completed") {
            brief.children = store::relations::children(conn, id).await.answer()?;
        }
        if let Some(card) = context::text(ctx, "interactionId").and_then(|s| s.parse::<InteractionId>().ok())
        {
            brief.interaction = store::interactions::get(conn, id, card).await.answer()?;
        }
        brief.continuation_summary =
            store::documents::get(conn, id, CONTINUATION_SUMMARY).await.answer()?.map(|d| d.body);
        brief.issue = Some(IssueBrief {
            id,
            identifier: issue.display_key(),
            title: issue.title,
            description: issue.description,
            status: issue.status,
            priority: issue.priority,
            work_mode: issue.work_mode,
        });
        Ok(brief)
    }
}

/// The name of who wrote something.
async fn author(conn: &mut SqliteConnection, agent: Option<AgentId>) -> Answer<String> {
    let agent = match agent {
        Some(a) => store::agents::get(conn, a).await.answer()?,
        None => None,
    };
    Ok(agent.map_or_else(|| "Board".to_owned(), |a| a.name))
}

/// What was said about the issue's documents. Of another issue nothing is told, whatever a wake names.
async fn annotations(
    conn: &mut SqliteConnection,
    issue: IssueId,
    ctx: &JsonObject,
) -> Answer<Vec<AnnotationBrief>> {
    let ids: Vec<AnnotationCommentId> =
        context::annotation_ids(ctx).iter().filter_map(|s| s.parse().ok()).collect();
    let mut out = Vec::new();
    for (thread, comment) in store::annotations::said(conn, issue, &ids).await.answer()? {
        out.push(AnnotationBrief {
            id: comment.id,
            thread: thread.id,
            document: thread.document_key,
            quote: thread.anchor_selector.quote.exact.into_string(),
            anchor: thread.anchor_state,
            status: thread.status,
            author: author(conn, comment.author_agent_id).await?,
            at: comment.created_at,
            body: comment.body,
        });
    }
    Ok(out)
}

fn prompt_parts(run: &Run, agent: &Agent, brief: &WakeBrief, ctx: &JsonObject) -> PromptParts {
    let own =
        |key: &str| agent.adapter_config.get(key).and_then(Value::as_str).filter(|s| !s.trim().is_empty());
    let values = json!({
        "agentId": agent.id,
        "companyId": agent.company_id,
        "runId": run.id,
        "company": { "id": agent.company_id },
        "agent": { "id": agent.id, "name": agent.name, "role": agent.role, "title": agent.title },
        "run": { "id": run.id, "source": run.invocation_source },
        "context": ctx,
    });
    PromptParts {
        bootstrap: own("bootstrapPromptTemplate").map(|t| render(t, &values)).unwrap_or_default(),
        wake_fresh: brief.markdown(false),
        wake_resumed: brief.markdown(true),
        session_handoff: String::new(),
        task: brief.task(),
        heartbeat: render(own("promptTemplate").unwrap_or(HEARTBEAT), &values),
    }
}

/// The variables that tell a run why it was woken.
fn wake_env(ctx: &JsonObject, brief: &WakeBrief) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(v) = value.filter(|v| !v.is_empty()) {
            env.insert(name.to_owned(), v.to_owned());
        }
    };
    put("PAPERCLIP_TASK_ID", context::text(ctx, "issueId").or_else(|| context::text(ctx, "taskId")));
    put("PAPERCLIP_WAKE_REASON", context::text(ctx, "wakeReason"));
    put("PAPERCLIP_WAKE_COMMENT_ID", context::text(ctx, "wakeCommentId"));
    put("PAPERCLIP_APPROVAL_ID", context::text(ctx, "approvalId"));
    put("PAPERCLIP_APPROVAL_STATUS", context::text(ctx, "approvalStatus"));
    let linked: Vec<&str> = ctx
        .get("issueIds")
        .and_then(Value::as_array)
        .map(|ids| ids.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    put("PAPERCLIP_LINKED_ISSUE_IDS", Some(&linked.join(",")));
    put("PAPERCLIP_ISSUE_WORK_MODE", brief.issue.as_ref().map(|i| i.work_mode.as_str()));
    put("PAPERCLIP_WAKE_PAYLOAD_JSON", Some(&brief.json().to_string()));
    env
}
