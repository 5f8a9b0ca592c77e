//! Plans that the board accepted.

use contract::RevisionId;
use contract::interaction::{Interaction, InteractionKind, InteractionStatus};

/// The key of the document that holds an issue's plan.
pub const KEY: &str = "plan";

/// The revision of the plan that a card asks about.
pub fn asked(payload: &contract::JsonObject) -> Option<RevisionId> {
    let target = payload.get("target")?.as_object()?;
    let says = |key: &str| target.get(key).and_then(serde_json::Value::as_str);
    let plan = says("type") == Some("issue_document") && says("key") == Some(KEY);
    says("revisionId").filter(|_| plan)?.parse().ok()
}

/// The revision of the plan that the board accepted with this card.
pub fn accepted(card: &Interaction) -> Option<RevisionId> {
    let yes = card.kind == InteractionKind::RequestConfirmation && card.status == InteractionStatus::Accepted;
    asked(&card.payload).filter(|_| yes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::asked;

    #[test]
    fn only_a_revision_of_the_plan_counts() {
        let id = "018f3b5a-0000-7000-8000-000000000001";
        let of = |target: serde_json::Value| asked(json!({ "target": target }).as_object().unwrap());
        assert!(of(json!({ "type": "issue_document", "key": "plan", "revisionId": id })).is_some());
        assert!(of(json!({ "type": "issue_document", "key": "notes", "revisionId": id })).is_none());
        assert!(of(json!({ "type": "custom", "key": "plan", "revisionId": id })).is_none());
        assert!(of(json!({ "type": "issue_document", "key": "plan", "revisionId": "1" })).is_none());
        assert!(asked(&contract::JsonObject::new()).is_none());
    }
}
