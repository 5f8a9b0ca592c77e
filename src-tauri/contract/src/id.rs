//! Typed identifiers. A value of one of these types names something that may exist; it is never malformed.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A string that is not the identifier it was meant to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct BadId {
    pub value: String,
    pub expected: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(s: &str) -> Result<Self, BadId> {
                Uuid::parse_str(s).map(Self).map_err(|_| BadId { value: clip(s), expected: "a UUID" })
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    CompanyId;
    AgentId;
    AgentKeyId;
    AgentRevisionId;
    IssueId;
    CommentId;
    LabelId;
    ProjectId;
    GoalId;
    RunId;
    WakeupId;
    ActivityId;
    DocumentId;
    RevisionId;
    InteractionId;
    TaskSessionId;
    ApprovalId;
    ApprovalCommentId;
    BudgetPolicyId;
    BudgetIncidentId;
    CostEventId;
    RecoveryActionId;
    DecisionId;
    StageId;
    DecompositionId;
    TreeHoldId;
    TreeHoldMemberId;
    ProjectWorkspaceId;
    ExecutionWorkspaceId;
    WorkspaceOperationId;
    TrashedWorkspaceId;
    WatchdogDecisionId;
    AnnotationThreadId;
    AssetId;
    AttachmentId;
    UploadId;
    WorkProductId;
    AnnotationCommentId;
    AnchorSnapshotId;
    SkillId;
}

/// An issue by its UUID or by its identifier (`ABC-12`, in any case).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IssueRef {
    Id(IssueId),
    Identifier(String),
}

/// An agent by its UUID or by its URL key (the slug of its name).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AgentRef {
    Id(AgentId),
    Key(String),
}

impl FromStr for IssueRef {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        if let Ok(id) = s.parse() {
            return Ok(Self::Id(id));
        }
        let (prefix, number) = s.rsplit_once('-').unwrap_or(("", ""));
        let ok = !prefix.is_empty()
            && prefix.len() <= 32
            && prefix.bytes().all(|b| b.is_ascii_alphanumeric())
            && !number.is_empty()
            && number.len() <= 10
            && number.bytes().all(|b| b.is_ascii_digit());
        if ok {
            Ok(Self::Identifier(s.to_ascii_uppercase()))
        } else {
            Err(BadId { value: clip(s), expected: "an issue UUID or identifier such as ABC-12" })
        }
    }
}

impl FromStr for AgentRef {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        if let Ok(id) = s.parse() {
            return Ok(Self::Id(id));
        }
        let ok = !s.is_empty()
            && s.len() <= 120
            && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if ok {
            Ok(Self::Key(s.to_owned()))
        } else {
            Err(BadId { value: clip(s), expected: "an agent UUID or URL key" })
        }
    }
}

impl From<IssueId> for IssueRef {
    fn from(id: IssueId) -> Self {
        Self::Id(id)
    }
}

impl From<AgentId> for AgentRef {
    fn from(id: AgentId) -> Self {
        Self::Id(id)
    }
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Identifier(s) => f.write_str(s),
        }
    }
}

impl fmt::Display for AgentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Key(s) => f.write_str(s),
        }
    }
}

macro_rules! string_serde {
    ($($name:ident: $what:literal),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $what })
            }
        }
    )*};
}

string_serde! {
    IssueRef: "UUID or identifier (ABC-12)",
    AgentRef: "UUID or URL key"
}

/// Keeps a hostile value from filling an error message.
fn clip(s: &str) -> String {
    if s.chars().count() <= 60 { s.to_owned() } else { s.chars().take(60).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issue_refs_take_uuids_and_identifiers_in_any_case() {
        assert_eq!("abc-12".parse(), Ok(IssueRef::Identifier("ABC-12".into())));
        assert!(matches!("6f1c2d9e-0000-7000-8000-000000000001".parse(), Ok(IssueRef::Id(_))));
        for bad in ["", "-", "abc", "abc-", "abc-1x", "../etc", "a b-1"] {
            assert!(bad.parse::<IssueRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_long_bad_id_does_not_flood_the_message() {
        let e = "x".repeat(10_000).parse::<IssueId>().unwrap_err();
        assert!(e.to_string().len() < 200);
    }
}
