//! The state machine of approvals.

use contract::approval::ApprovalStatus;

/// What is done to an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Reject,
    RequestRevision,
    Resubmit,
    /// It became needless: what it asks for happened in another way.
    Cancel,
}

impl Decision {
    pub const ALL: [Self; 5] =
        [Self::Approve, Self::Reject, Self::RequestRevision, Self::Resubmit, Self::Cancel];
}

/// What a decision does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    To(ApprovalStatus),
    /// It was decided so before: nothing happens, and nobody is told again.
    Already,
    /// It has no place there.
    Refused,
}

/// The state after a decision.
///
/// | from | approve | reject | request revision | resubmit | cancel |
/// |---|---|---|---|---|---|
/// | pending | approved | rejected | revision requested | – | cancelled |
/// | revision requested | approved | rejected | already | pending | cancelled |
/// | approved | already | – | – | – | – |
/// | rejected | – | already | – | – | – |
/// | cancelled | – | – | – | – | already |
pub const fn after(from: ApprovalStatus, decision: Decision) -> Step {
    use ApprovalStatus as S;
    match (from, decision) {
        (S::Pending | S::RevisionRequested, Decision::Approve) => Step::To(S::Approved),
        (S::Pending | S::RevisionRequested, Decision::Reject) => Step::To(S::Rejected),
        (S::Pending | S::RevisionRequested, Decision::Cancel) => Step::To(S::Cancelled),
        (S::Pending, Decision::RequestRevision) => Step::To(S::RevisionRequested),
        (S::RevisionRequested, Decision::Resubmit) => Step::To(S::Pending),
        (S::Approved, Decision::Approve)
        | (S::Rejected, Decision::Reject)
        | (S::RevisionRequested, Decision::RequestRevision)
        | (S::Cancelled, Decision::Cancel) => Step::Already,
        (S::Pending, Decision::Resubmit) | (S::Approved | S::Rejected | S::Cancelled, _) => Step::Refused,
    }
}

/// The reason of the wake by which who asked hears of a decision. The first is Paperclip's.
pub const fn wake_reason(to: ApprovalStatus) -> Option<&'static str> {
    match to {
        ApprovalStatus::Approved => Some("approval_approved"),
        ApprovalStatus::Rejected => Some("approval_rejected"),
        ApprovalStatus::RevisionRequested => Some("approval_revision_requested"),
        ApprovalStatus::Pending | ApprovalStatus::Cancelled => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_decided_stays_decided(steps in proptest::collection::vec(0..5usize, 1..40)) {
            let mut now = ApprovalStatus::Pending;
            let mut end: Option<ApprovalStatus> = None;
            for step in steps {
                let decision = Decision::ALL[step];
                if let Step::To(next) = after(now, decision) {
                    prop_assert_eq!(end, None, "nothing follows a decision");
                    prop_assert_ne!(next, now);
                    // Deciding the same again is heard and does nothing.
                    if !matches!(decision, Decision::Resubmit) {
                        prop_assert_eq!(after(next, decision), Step::Already);
                    }
                    now = next;
                }
                if !matches!(now, ApprovalStatus::Pending | ApprovalStatus::RevisionRequested) {
                    end = Some(now);
                }
                prop_assert!(end.is_none_or(|e| e == now));
            }
        }
    }
}
