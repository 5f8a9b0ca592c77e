//! The thread of an issue: comments, runs, cards and events in the order they happened.

use contract::Timestamp;
use contract::activity::Activity;
use contract::comment::IssueComment;
use contract::interaction::Interaction;
use contract::run::RunSummary;
use contract::{CommentId, InteractionId, RunId};

/// One thing in a thread, by what tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    Comment(CommentId),
    Run(RunId),
    Card(InteractionId),
    /// A row of small events, named by its first.
    Events(contract::ActivityId),
}

/// Events that the thread already shows in another form.
fn is_shown_otherwise(a: &Activity) -> bool {
    let verb = a.action.as_str();
    verb.contains("comment")
        || verb.contains("interaction")
        || verb.starts_with("run.")
        || verb.starts_with("heartbeat.")
        || verb.contains("read")
}

/// Items in order. Events that follow each other become one row.
pub fn arrange(
    comments: &[IssueComment],
    runs: &[RunSummary],
    cards: &[Interaction],
    events: &[Activity],
) -> Vec<Item> {
    let mut all: Vec<(Timestamp, u8, Item)> = Vec::new();
    all.extend(
        events.iter().filter(|a| !is_shown_otherwise(a)).map(|a| (a.created_at, 0, Item::Events(a.id))),
    );
    all.extend(runs.iter().map(|r| (r.created_at, 1, Item::Run(r.id))));
    all.extend(comments.iter().map(|c| (c.created_at, 2, Item::Comment(c.id))));
    all.extend(cards.iter().map(|c| (c.created_at, 3, Item::Card(c.id))));
    all.sort_by_key(|(at, rank, _)| (*at, *rank));
    let mut out: Vec<Item> = Vec::with_capacity(all.len());
    for (_, _, item) in all {
        if matches!((out.last(), item), (Some(Item::Events(_)), Item::Events(_))) {
            continue;
        }
        out.push(item);
    }
    out
}

/// The events of the row that begins with `first`, oldest first.
pub fn row<'a>(
    first: contract::ActivityId,
    comments: &[IssueComment],
    runs: &[RunSummary],
    cards: &[Interaction],
    events: &'a [Activity],
) -> Vec<&'a Activity> {
    let mut shown: Vec<&Activity> = events.iter().filter(|a| !is_shown_otherwise(a)).collect();
    shown.sort_by_key(|a| a.created_at);
    let Some(start) = shown.iter().position(|a| a.id == first) else { return Vec::new() };
    let from = shown[start].created_at;
    // The row ends where anything else stands.
    let end = comments
        .iter()
        .map(|c| c.created_at)
        .chain(runs.iter().map(|r| r.created_at))
        .chain(cards.iter().map(|c| c.created_at))
        .filter(|t| *t >= from)
        .min();
    shown[start..].iter().take_while(|a| end.is_none_or(|e| a.created_at <= e)).copied().collect()
}

/// What an event says, after the name of who did it.
pub fn sentence(a: &Activity) -> String {
    let detail = |key: &str| a.details.as_ref().and_then(|d| d.get(key)).and_then(|v| v.as_str());
    let words = |s: &str| crate::format::words(s).to_lowercase();
    let status = detail("status").or_else(|| detail("to")).or_else(|| detail("newStatus"));
    match (a.action.as_str(), status) {
        ("issue.created", _) => "created the issue".into(),
        ("issue.updated" | "issue.status_changed", Some(s)) => format!("set the status to {}", words(s)),
        ("issue.checked_out" | "issue.checkout", _) => "took the issue to work on it".into(),
        ("issue.released", _) => "gave the issue back".into(),
        ("issue.tree_hold_created", _) => match detail("mode") {
            Some("pause") => "paused the tree of".into(),
            Some("resume") => "resumed the tree of".into(),
            Some("cancel") => "cancelled the tree of".into(),
            Some("restore") => "restored the tree of".into(),
            _ => "acted on the tree of".into(),
        },
        ("heartbeat.finished", ended) => match (detail("agentName"), ended) {
            (Some(name), Some(how)) => format!("saw a run of {name} end ({}):", words(how)),
            _ => "recorded the end of".into(),
        },
        ("issue.force_released" | "issue.admin_force_release", _) => "broke the issue's locks".into(),
        ("issue.updated", None) => match changed(a) {
            Some(list) => format!("changed {list}"),
            None => "changed the issue".into(),
        },
        ("issue.document_created" | "document.created", _) => match detail("key") {
            Some(k) => format!("wrote the document {k}"),
            None => "wrote a document".into(),
        },
        ("issue.document_updated" | "document.updated", _) => match detail("key") {
            Some(k) => format!("revised the document {k}"),
            None => "revised a document".into(),
        },
        (action, _) => plain(action).map_or_else(
            || {
                let (thing, verb) = action.split_once('.').unwrap_or((action, ""));
                format!("{} {}", words(verb), words(thing)).trim().to_owned()
            },
            str::to_owned,
        ),
    }
}

/// The same within the issue's own thread, where no name of the issue follows.
pub fn sentence_here(a: &Activity) -> String {
    let said = sentence(a);
    let open = [" of", " on", " from", " at", " blocks"].iter().any(|end| said.ends_with(end));
    if open { format!("{said} this issue") } else { said.trim_end_matches(':').to_owned() }
}

/// Sentences that need nothing but the action.
fn plain(action: &str) -> Option<&'static str> {
    Some(match action {
        "issue.comment_added" => "commented on",
        "issue.thread_interaction_created" => "asked for a decision on",
        "issue.thread_interaction_answered" => "answered a card on",
        "issue.thread_interaction_accepted" => "accepted a card on",
        "issue.thread_interaction_rejected" => "declined a card on",
        "issue.thread_interaction_cancelled" => "put a card aside on",
        "issue.thread_interaction_expired" => "let a card expire on",
        "issue.checkout_lock_adopted" => "took over the lock on",
        "issue.document_deleted" => "deleted a document of",
        "issue.document_locked" => "locked a document of",
        "issue.document_unlocked" => "unlocked a document of",
        "issue.document_annotation_created" => "annotated a document of",
        "issue.document_annotation_replied" => "answered an annotation on",
        "issue.document_annotation_resolved" => "resolved an annotation on",
        "issue.document_annotation_reopened" => "reopened an annotation on",
        "issue.document_annotation_attached" => "attached an annotation again on",
        "issue.deleted" => "deleted",
        "issue.blockers_updated" => "changed what blocks",
        "issue.approval_linked" => "asked for an approval on",
        "issue.approval_unlinked" => "took back an approval from",
        "issue.monitor_triggered" => "looked again, as set, at",
        "issue.monitor_exhausted" => "looked for the last time at",
        "issue.plan_decomposition_claimed" => "began to make sub-issues from the plan of",
        "issue.plan_decomposed" => "made sub-issues from the plan of",
        "issue.recovery_action_resolved" => "resolved the recovery of",
        "issue.scheduled_retry_dropped" => "dropped the next try on",
        "issue.scheduled_retry_now" => "brought the next try forward on",
        "issue.stage_decided" => "decided a stage of",
        "issue.successful_run_handoff_required" => "asked what becomes of",
        "issue.successful_run_handoff_escalated" => "asked for help, as nobody said what becomes of",
        "issue.tree_hold_released" => "let go on the tree of",
        "approval.created" => "asked for an approval:",
        "approval.approved" => "approved:",
        "approval.rejected" => "declined:",
        "approval.revision_requested" => "asked for changes to:",
        "execution_workspace.archived" => "closed the workspace of",
        "execution_workspace.restored" => "brought back the workspace of",
        "execution_workspace.updated" => "changed the workspace of",
        "approval.comment_added" => "commented on an approval:",
        "approval.resubmitted" => "asked again for an approval:",
        "budget.policy_upserted" => "set a budget for",
        "budget.hard_threshold_crossed" => "stopped work on a spent budget:",
        "budget.incident_resolved" => "decided about a spent budget:",
        "project.workspace_created" => "added a folder to the project",
        "project.workspace_updated" => "changed a folder of the project",
        "project.workspace_deleted" => "took a folder from the project",
        "heartbeat.invoked" => "started",
        "heartbeat.cancelled" => "stopped",
        "agent.created" => "hired",
        "agent.updated" => "changed the settings of",
        "agent.paused" => "paused",
        "agent.resumed" => "resumed",
        "agent.terminated" => "terminated",
        "agent.session_reset" => "reset the sessions of",
        "agent.permissions_updated" => "changed what it may do:",
        "agent.key_created" => "made a key for",
        "agent.key_revoked" => "revoked a key of",
        "agent.instructions_updated" => "rewrote instructions of",
        "agent.instructions_deleted" => "deleted instructions of",
        "agent.config_rolled_back" => "restored earlier settings of",
        "company.created" => "founded",
        "company.updated" => "changed the company",
        "company.archived" => "archived the company",
        "project.created" => "started the project",
        "project.updated" => "changed the project",
        "goal.created" => "set the goal",
        "label.created" => "made the label",
        "label.deleted" => "deleted the label",
        "instance.paused" => "paused all work",
        "instance.resumed" => "let work go on",
        _ => return None,
    })
}

/// A field of an issue as a person names it; `None` for what says nothing about the change.
fn field(key: &str) -> Option<String> {
    Some(match key {
        "assigneeAgentId" | "assigneeUserId" => "the assignee".into(),
        "labelIds" => "the labels".into(),
        "projectId" => "the project".into(),
        "parentId" => "the parent".into(),
        "goalId" => "the goal".into(),
        "blockedByIssueIds" => "what blocks it".into(),
        "title" | "description" | "priority" | "status" => format!("the {key}"),
        "identifier" | "issueId" | "issueTitle" | "source" => return None,
        k if k.starts_with('_') => return None,
        other => crate::format::words(other).to_lowercase(),
    })
}

/// The fields that an update names.
fn changed(a: &Activity) -> Option<String> {
    let d = a.details.as_ref()?;
    let listed = d.get("changedKeys").or_else(|| d.get("fields")).and_then(|v| v.as_array());
    let mut names: Vec<String> = match listed {
        Some(l) => l.iter().filter_map(|v| field(v.as_str()?)).collect(),
        // The title stands in every entry's details, to name the issue.
        None => d.keys().filter(|k| *k != "title").filter_map(|k| field(k)).collect(),
    };
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::activity::ActorType;

    fn event(n: u8, at: i64, action: &str) -> Activity {
        Activity {
            id: format!("6f1c2d9e-0000-7000-8000-0000000000{n:02}").parse().unwrap(),
            company_id: "6f1c2d9e-0000-7000-8000-000000000001".parse().unwrap(),
            actor_type: ActorType::User,
            actor_id: "local-board".into(),
            action: action.into(),
            entity_type: "issue".into(),
            entity_id: "x".into(),
            agent_id: None,
            run_id: None,
            details: None,
            created_at: Timestamp::from_millis(at),
        }
    }

    #[test]
    fn events_in_a_row_are_one_item_and_what_is_shown_otherwise_is_left_out() {
        let events =
            [event(1, 1, "issue.created"), event(2, 2, "issue.updated"), event(3, 3, "issue.comment_added")];
        let items = arrange(&[], &[], &[], &events);
        assert_eq!(items, vec![Item::Events(events[0].id)]);
        assert_eq!(row(events[0].id, &[], &[], &[], &events).len(), 2);
    }

    #[test]
    fn every_event_has_a_sentence() {
        let mut e = event(1, 1, "issue.updated");
        e.details = serde_json::json!({"status": "in_progress"}).as_object().cloned();
        assert_eq!(sentence(&e), "set the status to in progress");
        e.details = serde_json::json!({"assigneeAgentId": "x"}).as_object().cloned();
        assert_eq!(sentence(&e), "changed the assignee");
        assert_eq!(sentence(&event(2, 1, "agent.paused")), "paused");
        assert_eq!(sentence(&event(2, 1, "routine.ran_late")), "ran late routine");
    }
}
