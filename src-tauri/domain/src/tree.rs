//! What an act on a tree does to each of its issues.

use contract::Timestamp;
use contract::issue::IssueStatus;
use contract::tree::{TreeMode, TreeSkip};

/// An issue of the tree as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub status: IssueStatus,
    pub cancelled_at: Option<Timestamp>,
    /// A pause lies over it, its own or one above.
    pub held: bool,
    /// The newest cancel of a tree that took this issue and was not restored: when, and what the issue was before.
    pub taken: Option<(Timestamp, IssueStatus)>,
    /// Another one is open in its place, of those of which there is one at a time.
    pub replaced: bool,
}

/// Whether the act leaves the issue as it is, and why.
pub fn skip(mode: TreeMode, node: &Node) -> Option<TreeSkip> {
    match mode {
        TreeMode::Pause if node.status.is_terminal() => Some(TreeSkip::TerminalStatus),
        TreeMode::Pause if node.held => Some(TreeSkip::AlreadyHeld),
        TreeMode::Resume if !node.held => Some(TreeSkip::NotHeld),
        TreeMode::Cancel if node.status.is_terminal() => Some(TreeSkip::TerminalStatus),
        TreeMode::Restore => match node.taken {
            _ if node.status != IssueStatus::Cancelled => Some(TreeSkip::NotCancelled),
            None => Some(TreeSkip::NotCancelledByTreeControl),
            // Opened and cancelled by hand since then.
            Some((at, _)) if node.cancelled_at != Some(at) => Some(TreeSkip::ChangedAfterCancel),
            Some(_) if node.replaced => Some(TreeSkip::ChangedAfterCancel),
            Some(_) => None,
        },
        _ => None,
    }
}

/// What an issue is again after a restore. Work that was under way stands in line: its run is gone.
pub const fn restored(before: IssueStatus) -> IssueStatus {
    match before {
        IssueStatus::InProgress => IssueStatus::Todo,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node() -> impl Strategy<Value = Node> {
        let status = (0..IssueStatus::ALL.len()).prop_map(|n| IssueStatus::ALL[n]);
        let taken = prop::option::of((0..3i64, (0..5usize).prop_map(|n| IssueStatus::ALL[n])));
        (status, prop::option::of(0..3i64), any::<bool>(), taken).prop_map(|(status, at, held, taken)| Node {
            status,
            cancelled_at: at.map(Timestamp::from_millis),
            held,
            taken: taken.map(|(t, s)| (Timestamp::from_millis(t), s)),
            replaced: false,
        })
    }

    proptest! {
        /// What is cancelled comes back, once, as something that can be worked on; nothing else is touched by it.
        #[test]
        fn a_restore_brings_back_exactly_what_the_cancel_took(n in node(), at in 0..9i64) {
            prop_assume!(skip(TreeMode::Cancel, &n).is_none());
            let at = Timestamp::from_millis(at);
            let cancelled = Node { status: IssueStatus::Cancelled, cancelled_at: Some(at), taken: Some((at, n.status)), ..n };
            prop_assert_eq!(skip(TreeMode::Restore, &cancelled), None);
            let back = restored(n.status);
            prop_assert!(!back.is_terminal() && back != IssueStatus::InProgress);
            let twin = Node { replaced: true, ..cancelled };
            prop_assert_eq!(skip(TreeMode::Restore, &twin), Some(TreeSkip::ChangedAfterCancel));
            let again = Node { status: back, cancelled_at: None, ..cancelled };
            prop_assert_eq!(skip(TreeMode::Restore, &again), Some(TreeSkip::NotCancelled));
            // Cancelled by hand since: that was meant.
            let by_hand = Node { cancelled_at: Some(Timestamp::from_millis(99)), ..cancelled };
            prop_assert_eq!(skip(TreeMode::Restore, &by_hand), Some(TreeSkip::ChangedAfterCancel));
        }

        /// Paused twice is paused once, and what is not paused cannot be resumed.
        #[test]
        fn a_pause_and_a_resume_never_both_apply(n in node()) {
            prop_assert!(skip(TreeMode::Pause, &n).is_some() || skip(TreeMode::Resume, &n).is_some());
        }
    }
}
