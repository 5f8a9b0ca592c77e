//! The wake context: what a run knows of why it was started.

use contract::{JsonObject, RunId};
use serde_json::Value;

/// Keys that only an answered card may carry.
const INTERACTION_KEYS: [&str; 4] =
    ["interactionId", "interactionKind", "interactionStatus", "continuationPolicy"];

/// Keys that say where an annotation stands.
const ANNOTATION_KEYS: [&str; 2] = ["annotationThreadId", "documentKey"];

/// Words that a wake is about: what a payload calls one of them, and what a context calls the latest and all.
struct Words {
    one: &'static str,
    latest: &'static str,
    all: &'static str,
}

const COMMENTS: Words = Words { one: "commentId", latest: "wakeCommentId", all: "wakeCommentIds" };
const ANNOTATIONS: Words =
    Words { one: "annotationCommentId", latest: "annotationCommentId", all: "wakeAnnotationCommentIds" };

impl Words {
    /// Oldest first.
    fn ids(&self, c: &JsonObject) -> Vec<String> {
        let list = c.get(self.all).and_then(Value::as_array);
        list.map(|l| l.iter().filter_map(Value::as_str).map(str::to_owned).collect()).unwrap_or_default()
    }

    fn set(&self, c: &mut JsonObject, ids: Vec<String>) {
        if let Some(last) = ids.last() {
            c.insert(self.one.into(), last.clone().into());
            c.insert(self.latest.into(), last.clone().into());
            c.insert(self.all.into(), ids.into());
        }
    }

    /// Those that a payload names.
    fn named(&self, payload: &JsonObject) -> Vec<String> {
        let one = payload.get(self.one).and_then(Value::as_str).map(str::to_owned);
        added(self.ids(payload), one)
    }
}

/// Each once, in order.
fn added(mut ids: Vec<String>, later: impl IntoIterator<Item = String>) -> Vec<String> {
    for id in later {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Wakes that ask for an answer rather than for work.
const INTERACTION_REASONS: [&str; 3] =
    ["issue_commented", "issue_reopened_via_comment", "issue_comment_mentioned"];

/// Builds the context of a wake from its reason and payload.
pub fn of_wake(
    reason: Option<&str>,
    source: &str,
    trigger: Option<&str>,
    payload: &JsonObject,
) -> JsonObject {
    let mut c = JsonObject::new();
    if let Some(r) = reason {
        c.insert("wakeReason".into(), r.into());
    }
    c.insert("wakeSource".into(), source.into());
    if let Some(t) = trigger {
        c.insert("wakeTriggerDetail".into(), t.into());
    }
    for key in [
        "issueId",
        "taskId",
        "taskKey",
        "modelProfile",
        "mutation",
        "resumeFromRunId",
        "approvalId",
        "approvalStatus",
        "issueIds",
    ] {
        if let Some(v) = payload.get(key) {
            c.insert(key.into(), v.clone());
        }
    }
    if !c.contains_key("issueId")
        && let Some(v) = c.get("taskId").cloned()
    {
        c.insert("issueId".into(), v);
    }
    if payload.get("mutation").and_then(Value::as_str) == Some("interaction") {
        for key in INTERACTION_KEYS {
            if let Some(v) = payload.get(key) {
                c.insert(key.into(), v.clone());
            }
        }
    }
    if let Some(v) = payload.get("forceFreshSession") {
        c.insert("forceFreshSession".into(), v.clone());
    }
    for key in ["recoveryActionId", "recoveryCause", "workspaceRefreshReason"] {
        if let Some(v) = payload.get(key) {
            c.insert(key.into(), v.clone());
        }
    }
    if is_status_only(payload) {
        put_on_the_cheap_lane(&mut c);
    }
    for words in [COMMENTS, ANNOTATIONS] {
        words.set(&mut c, words.named(payload));
    }
    if c.contains_key(ANNOTATIONS.latest) {
        for key in ANNOTATION_KEYS {
            if let Some(v) = payload.get(key) {
                c.insert(key.into(), v.clone());
            }
        }
    }
    c
}

/// Merges a later wake into the context of a run that has not started.
///
/// The later wake wins key by key, comments and annotations add up in order, and an answered card does not outlive its own wake.
pub fn merge(before: &JsonObject, later: &JsonObject) -> JsonObject {
    let mut out = before.clone();
    if !INTERACTION_KEYS.iter().any(|k| later.contains_key(*k)) {
        for key in INTERACTION_KEYS {
            out.remove(key);
        }
    }
    for (k, v) in later {
        out.insert(k.clone(), v.clone());
    }
    for words in [COMMENTS, ANNOTATIONS] {
        words.set(&mut out, added(words.ids(before), words.ids(later)));
    }
    out
}

/// Comments that the wake is about, oldest first.
pub fn comment_ids(c: &JsonObject) -> Vec<String> {
    COMMENTS.ids(c)
}

/// Comments on a document's text that the wake is about, oldest first.
pub fn annotation_ids(c: &JsonObject) -> Vec<String> {
    ANNOTATIONS.ids(c)
}

/// Whether somebody said something.
pub fn brings_words(c: &JsonObject) -> bool {
    c.contains_key(COMMENTS.latest) || c.contains_key(ANNOTATIONS.latest)
}

pub fn text<'a>(c: &'a JsonObject, key: &str) -> Option<&'a str> {
    c.get(key).and_then(Value::as_str)
}

/// Whether the wake asks for an answer: a comment, a mention or a decided card.
pub fn is_interaction(c: &JsonObject) -> bool {
    text(c, "wakeReason").is_some_and(|r| INTERACTION_REASONS.contains(&r))
        && (brings_words(c) || c.contains_key("interactionId"))
}

/// Marks a run that speaks on an issue although its tree is paused: the operator asked it something.
pub const SPEAKS_UNDER_PAUSE: &str = "treeHoldInteraction";

/// Whether the run answers the operator on an issue whose tree is paused.
pub fn speaks_under_pause(c: &JsonObject) -> bool {
    c.get(SPEAKS_UNDER_PAUSE).and_then(serde_json::Value::as_bool).unwrap_or(false)
}

/// What marks a run that only says what becomes of its issue: no deliverable, and the cheap model.
const CHEAP_LANE: [&str; 5] = [
    "modelProfile",
    "recoveryIntent",
    "allowDeliverableWork",
    "allowDocumentUpdates",
    "resumeRequiresNormalModel",
];

/// Makes the run one that only says what becomes of its issue.
pub fn put_on_the_cheap_lane(c: &mut JsonObject) {
    c.insert("modelProfile".into(), "cheap".into());
    c.insert("recoveryIntent".into(), "status_only".into());
    c.insert("allowDeliverableWork".into(), false.into());
    c.insert("allowDocumentUpdates".into(), false.into());
    c.insert("resumeRequiresNormalModel".into(), true.into());
}

/// Makes the run one that works, whatever it follows from.
pub fn keep_off_the_cheap_lane(c: &mut JsonObject) {
    if is_status_only(c) {
        for key in CHEAP_LANE {
            c.remove(key);
        }
    }
}

/// Whether the run may only say what becomes of its issue.
pub fn is_status_only(c: &JsonObject) -> bool {
    text(c, "recoveryIntent") == Some("status_only")
}

/// What a run's session is kept under.
pub fn task_key(c: &JsonObject) -> Option<String> {
    ["taskKey", "taskId", "issueId"].iter().find_map(|k| text(c, k)).map(str::to_owned)
}

/// The task key of timer wakes that are about nothing in particular.
pub const HEARTBEAT_TASK: &str = "__heartbeat__";

/// Whether the agent starts without the session it had. A timer that rings for nothing in particular never goes on in
/// one: it would grow, and cost more, with every tick.
pub fn wants_fresh_session(c: &JsonObject) -> bool {
    let timer = text(c, "wakeSource") == Some("timer") || text(c, "wakeReason") == Some("heartbeat_timer");
    c.get("forceFreshSession").and_then(Value::as_bool) == Some(true)
        || (timer && text(c, "issueId").is_none())
        || text(c, "wakeReason").is_some_and(|r| {
            matches!(
                r,
                "issue_assigned"
                    | "execution_review_requested"
                    | "execution_approval_requested"
                    | "execution_changes_requested"
            )
        })
}

/// The run whose session is to be resumed, when the wake names one.
pub fn resume_from(c: &JsonObject) -> Option<RunId> {
    text(c, "resumeFromRunId")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn obj(v: Value) -> JsonObject {
        v.as_object().unwrap().clone()
    }

    #[test]
    fn comments_add_up_and_the_latest_is_named() {
        let a = of_wake(
            Some("issue_commented"),
            "automation",
            None,
            &obj(json!({"issueId": "i", "commentId": "1"})),
        );
        let b = of_wake(
            Some("issue_commented"),
            "automation",
            None,
            &obj(json!({"issueId": "i", "commentId": "2"})),
        );
        let c = merge(&merge(&a, &b), &a);
        assert_eq!(comment_ids(&c), ["1", "2"]);
        assert_eq!(text(&c, "wakeCommentId"), Some("2"));
        assert!(is_interaction(&c));
    }

    #[test]
    fn annotations_add_up_beside_comments_and_the_latest_says_where() {
        let of = |payload: Value| of_wake(Some("issue_commented"), "automation", None, &obj(payload));
        let at = |id: &str, thread: &str, key: &str| json!({"issueId": "i", "annotationCommentId": id, "annotationThreadId": thread, "documentKey": key});
        let a = of(at("1", "x", "plan"));
        let b = of(at("2", "y", "notes"));
        let said = of(json!({"issueId": "i", "commentId": "c"}));
        assert!(is_interaction(&a));
        let c = merge(&merge(&merge(&a, &b), &a), &said);
        assert_eq!(annotation_ids(&c), ["1", "2"]);
        assert_eq!(comment_ids(&c), ["c"]);
        assert_eq!(text(&merge(&a, &b), "annotationThreadId"), Some("y"));
        assert_eq!(text(&merge(&a, &b), "documentKey"), Some("notes"));
        assert!(!of(json!({"documentKey": "plan"})).contains_key("documentKey"), "only with an annotation");
    }

    #[test]
    fn an_answered_card_does_not_outlive_its_own_wake() {
        let card = obj(
            json!({"issueId": "i", "mutation": "interaction", "interactionId": "x", "interactionStatus": "answered"}),
        );
        let a = of_wake(Some("issue_commented"), "automation", None, &card);
        assert_eq!(text(&a, "interactionId"), Some("x"));
        let b = of_wake(
            Some("issue_commented"),
            "automation",
            None,
            &obj(json!({"issueId": "i", "commentId": "1"})),
        );
        assert!(!merge(&a, &b).contains_key("interactionId"));
        let forged = of_wake(Some("x"), "on_demand", None, &obj(json!({"interactionId": "x"})));
        assert!(!forged.contains_key("interactionId"));
    }
}
