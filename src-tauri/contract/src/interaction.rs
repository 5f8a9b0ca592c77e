//! Cards in an issue's thread by which an agent asks and the operator decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::words::words;
use crate::{AgentId, CommentId, CompanyId, InteractionId, IssueId, IssueRef, JsonObject, RunId, Timestamp};

words! {
    pub enum InteractionKind {
        SuggestTasks = "suggest_tasks",
        RequestConfirmation = "request_confirmation",
        AskUserQuestions = "ask_user_questions",
    }
}

words! {
    pub enum InteractionStatus {
        Pending = "pending",
        Accepted = "accepted",
        Rejected = "rejected",
        Answered = "answered",
        Cancelled = "cancelled",
        Expired = "expired",
        Failed = "failed",
    }
}

words! {
    pub enum ContinuationPolicy {
        None = "none",
        WakeAssignee = "wake_assignee",
        WakeAssigneeOnAccept = "wake_assignee_on_accept",
    }
}

/// A card as stored. `payload` follows the kind: see [`Questions`] and [`Confirmation`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Interaction {
    pub id: InteractionId,
    pub company_id: CompanyId,
    pub issue_id: IssueId,
    pub kind: InteractionKind,
    pub status: InteractionStatus,
    pub continuation_policy: ContinuationPolicy,
    pub idempotency_key: Option<String>,
    pub source_comment_id: Option<CommentId>,
    pub source_run_id: Option<RunId>,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub created_by_agent_id: Option<AgentId>,
    pub created_by_user_id: Option<String>,
    pub resolved_by_agent_id: Option<AgentId>,
    pub resolved_by_user_id: Option<String>,
    pub payload: JsonObject,
    pub result: Option<JsonObject>,
    pub resolved_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

words! {
    pub enum SelectionMode {
        Single = "single",
        Multi = "multi",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuestionOption {
    pub id: Text<1, 120>,
    pub label: Text<1, 120>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<0, 500>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    pub id: Text<1, 120>,
    pub prompt: Text<1, 500>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help_text: Option<Text<0, 1000>>,
    pub selection_mode: SelectionMode,
    #[serde(default)]
    pub required: bool,
    pub options: Vec<QuestionOption>,
}

/// Payload of `ask_user_questions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Questions {
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text<0, 240>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submit_label: Option<Text<0, 120>>,
    pub questions: Vec<Question>,
}

/// Payload of `request_confirmation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Confirmation {
    pub version: u32,
    pub prompt: Text<1, 1000>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_label: Option<Text<0, 80>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_label: Option<Text<0, 80>>,
    #[serde(default)]
    pub reject_requires_reason: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason_label: Option<Text<0, 160>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_decline_reason: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason_placeholder: Option<Text<0, 240>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details_markdown: Option<Text<0, 20_000>>,
    #[serde(default)]
    pub supersede_on_user_comment: bool,
    /// What is confirmed, for example one revision of a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<JsonObject>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateInteraction {
    pub id: IssueRef,
    pub kind: InteractionKind,
    #[serde(default)]
    pub idempotency_key: Option<Text<1, 255>>,
    #[serde(default)]
    pub source_comment_id: Option<CommentId>,
    #[serde(default)]
    pub source_run_id: Option<RunId>,
    #[serde(default)]
    pub title: Option<Text<0, 240>>,
    #[serde(default)]
    pub summary: Option<Text<0, 1000>>,
    #[serde(default)]
    pub continuation_policy: Option<ContinuationPolicy>,
    pub payload: JsonObject,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcceptInteraction {
    pub id: IssueRef,
    pub interaction_id: InteractionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_client_keys: Option<Vec<Text<1, 120>>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RejectInteraction {
    pub id: IssueRef,
    pub interaction_id: InteractionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<0, 4000>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    pub question_id: Text<1, 120>,
    pub option_ids: Vec<Text<1, 120>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RespondInteraction {
    pub id: IssueRef,
    pub interaction_id: InteractionId,
    pub answers: Vec<Answer>,
    /// The answers in the operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_markdown: Option<Text<0, 20_000>>,
}
