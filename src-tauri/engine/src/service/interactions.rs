//! Cards by which agents ask and the operator decides.

use std::collections::HashSet;
use std::sync::Arc;

use contract::interaction::{Answer as QuestionAnswer, *};
use contract::issue::{CreateIssue, Issue, IssuePath, IssueStatus};
use contract::operations::*;
use contract::run::InvocationSource;
use contract::text::{Prose, Title};
use contract::{ApiError, IssueId, JsonObject, LOCAL_OPERATOR};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::WriteTx;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::wake::Wake;
use crate::{Caller, Engine};

impl Handle<ListInteractions> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Vec<Interaction>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        store::interactions::list(&mut conn, issue.id).await.answer()
    }
}

impl Handle<CreateInteractionOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: CreateInteraction) -> Answer<Interaction> {
        check_payload(q.kind, &q.payload)?;
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        if caller.agent().is_some() && caller.run_id().is_none() {
            return Err(ApiError::new(contract::ErrorCode::RunIdRequired, "Agent run id required"));
        }
        if issue.status.is_terminal() {
            return Err(ApiError::conflict("The issue is closed"));
        }
        if let Some(key) = q.idempotency_key.as_deref()
            && let Some(earlier) =
                store::interactions::by_idempotency_key(&mut tx, issue.id, key).await.answer()?
        {
            return if earlier.kind == q.kind && earlier.payload == q.payload {
                Ok(earlier)
            } else {
                Err(ApiError::conflict("This idempotency key was used for another card"))
            };
        }
        self.check_target(&mut tx, &issue, &q.payload).await?;
        let plan = domain::plan::asked(&q.payload).is_some();
        let policy = q.continuation_policy.unwrap_or(match q.kind {
            InteractionKind::RequestConfirmation if !plan => ContinuationPolicy::None,
            _ => ContinuationPolicy::WakeAssignee,
        });
        let card = Interaction {
            id: self.new_id(),
            company_id: issue.company_id,
            issue_id: issue.id,
            kind: q.kind,
            status: InteractionStatus::Pending,
            continuation_policy: policy,
            idempotency_key: q.idempotency_key.map(|k| k.into_string()),
            source_comment_id: q.source_comment_id,
            source_run_id: q.source_run_id.or(caller.run_id()),
            title: q.title.map(|t| t.into_string()),
            summary: q.summary.map(|t| t.into_string()),
            created_by_agent_id: caller.agent_id(),
            created_by_user_id: caller.user_id(),
            resolved_by_agent_id: None,
            resolved_by_user_id: None,
            payload: q.payload,
            result: None,
            resolved_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::interactions::create(&mut tx, &card).await.answer()?;
        store::issues::touch(&mut tx, &issue).await.answer()?;
        self.fold_recovery(&mut tx, &issue).await?;
        let details = json!({ "interactionId": card.id, "interactionKind": card.kind });
        self.log_issue(&mut tx, caller, &issue, "issue.thread_interaction_created", details).await?;
        tx.commit().await.answer()?;
        Ok(card)
    }
}

/// One suggested issue.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SuggestedTask {
    client_key: String,
    parent_client_key: Option<String>,
    parent_id: Option<IssueId>,
    title: Title,
    description: Option<Prose>,
    priority: Option<contract::issue::IssuePriority>,
    work_mode: Option<contract::issue::WorkMode>,
    assignee_agent_id: Option<contract::AgentId>,
    assignee_user_id: Option<contract::Text<1, 200>>,
    project_id: Option<contract::ProjectId>,
    goal_id: Option<contract::GoalId>,
    billing_code: Option<contract::Text<1, 200>>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the payload; labels are matched by name when the card is shown")]
    labels: Vec<String>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the payload; only the card reads it")]
    hidden_in_preview: bool,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SuggestedTasks {
    version: u32,
    default_parent_id: Option<IssueId>,
    tasks: Vec<SuggestedTask>,
}

fn read<T: DeserializeOwned>(payload: &JsonObject) -> Answer<T> {
    serde_path_to_error::deserialize(Value::Object(payload.clone()))
        .map_err(|e| ApiError::invalid(format!("Validation error: payload.{}: {}", e.path(), e.inner())))
}

fn check_payload(kind: InteractionKind, payload: &JsonObject) -> Answer<()> {
    let (version, bounds_ok) = match kind {
        InteractionKind::AskUserQuestions => {
            let q: Questions = read(payload)?;
            let ids: HashSet<&str> = q.questions.iter().map(|q| &*q.id).collect();
            let options = q.questions.iter().all(|q| (1..=10).contains(&q.options.len()));
            (q.version, (1..=10).contains(&q.questions.len()) && options && ids.len() == q.questions.len())
        }
        InteractionKind::RequestConfirmation => (read::<Confirmation>(payload)?.version, true),
        InteractionKind::SuggestTasks => {
            let t: SuggestedTasks = read(payload)?;
            let keys: HashSet<&str> = t.tasks.iter().map(|t| t.client_key.as_str()).collect();
            let parents =
                t.tasks.iter().filter_map(|t| t.parent_client_key.as_deref()).all(|p| keys.contains(p));
            (t.version, (1..=50).contains(&t.tasks.len()) && keys.len() == t.tasks.len() && parents)
        }
    };
    if version != 1 {
        return Err(ApiError::invalid("Validation error: payload.version: expected 1"));
    }
    if !bounds_ok {
        return Err(ApiError::invalid(
            "Validation error: payload: 1 to 10 questions with 1 to 10 options, or 1 to 50 tasks, with keys that are \
             unique and parents that exist",
        ));
    }
    Ok(())
}

impl Engine {
    /// A confirmation of a document is of its newest revision.
    async fn check_target(&self, tx: &mut WriteTx, issue: &Issue, payload: &JsonObject) -> Answer<()> {
        let Some(target) = payload.get("target").and_then(Value::as_object) else { return Ok(()) };
        if target.get("type").and_then(Value::as_str) != Some("issue_document") {
            return Ok(());
        }
        let key = target.get("key").and_then(Value::as_str).unwrap_or_default();
        let document = store::documents::get(tx, issue.id, key).await.answer()?;
        let latest = document.and_then(|d| d.summary.latest_revision_id).map(|r| r.to_string());
        if latest.is_none() || latest.as_deref() != target.get("revisionId").and_then(Value::as_str) {
            return Err(ApiError::unprocessable(
                "The target is not the newest revision of a document of this issue",
            )
            .with_details(json!({ "key": key, "latestRevisionId": latest })));
        }
        Ok(())
    }

    /// A card that still waits.
    async fn pending_card(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &contract::IssueRef,
        id: contract::InteractionId,
    ) -> Answer<(Issue, Interaction)> {
        let issue = self.issue(tx, caller, issue).await?;
        let card = store::interactions::get(tx, issue.id, id).await.or_missing("Interaction")?;
        if card.status != InteractionStatus::Pending {
            return Err(ApiError::conflict(format!("This was {} before", card.status))
                .with_details(json!({ "status": card.status, "resolvedAt": card.resolved_at })));
        }
        Ok((issue, card))
    }

    /// Settles a card, and wakes the assignee as its policy says.
    async fn settle(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        mut card: Interaction,
        status: InteractionStatus,
        result: Value,
    ) -> Answer<Interaction> {
        card.status = status;
        card.result = result.as_object().cloned();
        card.resolved_at = Some(tx.at());
        card.resolved_by_user_id = Some(LOCAL_OPERATOR.to_owned());
        card.updated_at = tx.at();
        store::interactions::save(tx, &card).await.answer()?;
        let action = format!("issue.thread_interaction_{status}");
        let details = json!({ "interactionId": card.id, "interactionKind": card.kind });
        self.log_issue(tx, caller, issue, &action, details).await?;
        // The agent may have handed the issue over while it waited; it gets it back to go on with.
        let mut issue = issue.clone();
        if issue.assignee_agent_id.is_none()
            && let Some(agent) = card.created_by_agent_id
            && status != InteractionStatus::Cancelled
        {
            issue.assignee_user_id = None;
            issue.assignee_agent_id = Some(agent);
            if issue.status == IssueStatus::InReview {
                domain::issue::set_status(&mut issue, IssueStatus::Todo, tx.at());
            }
        }
        issue.updated_at = tx.at();
        store::issues::save(tx, &issue).await.answer()?;
        let wakes = match card.continuation_policy {
            ContinuationPolicy::None => false,
            ContinuationPolicy::WakeAssignee => status != InteractionStatus::Expired,
            ContinuationPolicy::WakeAssigneeOnAccept => status == InteractionStatus::Accepted,
        };
        if let Some(agent) = issue.assignee_agent_id
            && wakes
            && !issue.status.is_terminal()
        {
            let mut wake = Wake::about(&issue, agent, InvocationSource::Automation, "issue_commented")
                .with("mutation", "interaction")
                .with("interactionId", card.id.to_string())
                .with("interactionKind", card.kind.as_str())
                .with("interactionStatus", status.as_str())
                .with("continuationPolicy", card.continuation_policy.as_str());
            if domain::plan::accepted(&card).is_some() {
                // Who planned is not who builds: the next run begins afresh and only makes the sub-issues.
                wake = wake
                    .with("workspaceRefreshReason", "accepted_plan_confirmation")
                    .with("forceFreshSession", true);
            }
            self.wake_all(tx, caller, vec![wake]).await?;
        }
        Ok(card)
    }

    /// Creates the suggested issues that were chosen, parents first, all or none.
    async fn create_suggested(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        issue: &Issue,
        card: &Interaction,
        chosen: Option<HashSet<String>>,
    ) -> Answer<Value> {
        let suggested: SuggestedTasks = read(&card.payload)?;
        let wanted = |key: &str| chosen.as_ref().is_none_or(|c| c.contains(key));
        let default_parent = suggested.default_parent_id.unwrap_or(issue.id);
        let mut made: Vec<(String, IssueId)> = Vec::new();
        let mut created = Vec::new();
        let mut skipped = Vec::new();
        let (mut open, rest): (Vec<_>, Vec<_>) =
            suggested.tasks.into_iter().partition(|t| wanted(&t.client_key));
        skipped.extend(rest.into_iter().map(|t| t.client_key));
        while !open.is_empty() {
            let ready = |t: &SuggestedTask| match &t.parent_client_key {
                None => true,
                Some(p) => made.iter().any(|(k, _)| k == p),
            };
            let Some(at) = open.iter().position(ready) else {
                return Err(ApiError::unprocessable("A task was chosen without its parent"));
            };
            let t = open.remove(at);
            let parent = match &t.parent_client_key {
                Some(p) => made.iter().find(|(k, _)| k == p).map(|(_, id)| *id),
                None => Some(t.parent_id.unwrap_or(default_parent)),
            };
            let mut new = CreateIssue::titled(issue.company_id, t.title);
            new.description = t.description;
            new.priority = t.priority;
            new.work_mode = t.work_mode;
            new.parent_id = parent;
            new.assignee_agent_id = t.assignee_agent_id.map(Into::into);
            new.assignee_user_id = t.assignee_user_id;
            new.project_id = t.project_id.or(issue.project_id);
            new.goal_id = t.goal_id.or(issue.goal_id);
            new.billing_code = t.billing_code;
            new.request_depth = Some(issue.request_depth + 1);
            let child = self.create_issue(tx, caller, new).await?;
            created.push(json!({
                "clientKey": t.client_key, "issueId": child.id, "identifier": child.identifier,
                "title": child.title, "parentIssueId": child.parent_id,
            }));
            made.push((t.client_key, child.id));
        }
        Ok(json!({ "version": 1, "createdTasks": created, "skippedClientKeys": skipped }))
    }
}

impl Handle<AcceptInteractionOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: AcceptInteraction) -> Answer<Interaction> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let (issue, card) = self.pending_card(&mut tx, caller, &q.id, q.interaction_id).await?;
        let result = match card.kind {
            InteractionKind::AskUserQuestions => {
                return Err(ApiError::unprocessable("Questions are answered, not accepted")
                    .with_hint("POST …/respond"));
            }
            InteractionKind::RequestConfirmation => {
                self.needs_finalize(&mut tx, &issue).await?;
                json!({ "version": 1, "outcome": "accepted" })
            }
            InteractionKind::SuggestTasks => {
                let chosen = q.selected_client_keys.map(|k| k.into_iter().map(|k| k.into_string()).collect());
                self.create_suggested(&mut tx, caller, &issue, &card, chosen).await?
            }
        };
        let card = self.settle(&mut tx, caller, &issue, card, InteractionStatus::Accepted, result).await?;
        tx.commit().await.answer()?;
        Ok(card)
    }
}

impl Handle<RejectInteractionOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RejectInteraction) -> Answer<Interaction> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let (issue, card) = self.pending_card(&mut tx, caller, &q.id, q.interaction_id).await?;
        let reason = q.reason.map(|r| r.into_string()).filter(|r| !r.trim().is_empty());
        if card.kind == InteractionKind::AskUserQuestions {
            return Err(ApiError::unprocessable("Questions are answered or cancelled, not rejected"));
        }
        let needs = card.payload.get("rejectRequiresReason").and_then(Value::as_bool) == Some(true);
        if needs && reason.is_none() {
            return Err(ApiError::unprocessable("A reason is required"));
        }
        let result =
            json!({ "version": 1, "outcome": "rejected", "reason": reason, "rejectionReason": reason });
        let card = self.settle(&mut tx, caller, &issue, card, InteractionStatus::Rejected, result).await?;
        tx.commit().await.answer()?;
        Ok(card)
    }
}

impl Handle<RespondInteractionOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RespondInteraction) -> Answer<Interaction> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let (issue, card) = self.pending_card(&mut tx, caller, &q.id, q.interaction_id).await?;
        if card.kind != InteractionKind::AskUserQuestions {
            return Err(
                ApiError::unprocessable("Only questions are answered").with_hint("POST …/accept or …/reject")
            );
        }
        let questions: Questions = read(&card.payload)?;
        check_answers(&questions, &q.answers)?;
        let result = json!({
            "version": 1,
            "answers": q.answers,
            "summaryMarkdown": q.summary_markdown.map(|s| s.into_string()),
        });
        let card = self.settle(&mut tx, caller, &issue, card, InteractionStatus::Answered, result).await?;
        tx.commit().await.answer()?;
        Ok(card)
    }
}

fn check_answers(questions: &Questions, answers: &[QuestionAnswer]) -> Answer<()> {
    for a in answers {
        let Some(q) = questions.questions.iter().find(|q| *q.id == *a.question_id) else {
            return Err(ApiError::unprocessable(format!("There is no question {:?}", &*a.question_id)));
        };
        if a.option_ids.iter().any(|o| !q.options.iter().any(|p| *p.id == **o)) {
            return Err(ApiError::unprocessable(format!("{:?} has no such option", &*q.prompt)));
        }
        if q.selection_mode == SelectionMode::Single && a.option_ids.len() > 1 {
            return Err(ApiError::unprocessable(format!("{:?} takes one answer", &*q.prompt)));
        }
    }
    let answered = |q: &Question| answers.iter().any(|a| *a.question_id == *q.id && !a.option_ids.is_empty());
    match questions.questions.iter().find(|q| q.required && !answered(q)) {
        Some(q) => Err(ApiError::unprocessable(format!("{:?} needs an answer", &*q.prompt))),
        None => Ok(()),
    }
}

impl Handle<CancelInteractionOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: RejectInteraction) -> Answer<Interaction> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let (issue, card) = self.pending_card(&mut tx, caller, &q.id, q.interaction_id).await?;
        let result =
            json!({ "version": 1, "outcome": "cancelled", "reason": q.reason.map(|r| r.into_string()) });
        let card = self.settle(&mut tx, caller, &issue, card, InteractionStatus::Cancelled, result).await?;
        tx.commit().await.answer()?;
        Ok(card)
    }
}
