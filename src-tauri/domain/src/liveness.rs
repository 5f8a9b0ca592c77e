//! What a run did for its issue, and the one thing that follows from a run that ended well.

use contract::issue::IssueStatus;
use contract::run::RunStatus;

/// What a run did for its issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    Failed,
    Completed,
    Blocked,
    EmptyResponse,
    Advanced,
    /// It said what it would do and did nothing of it.
    PlanOnly,
    NeedsFollowup,
}

impl Liveness {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Blocked => "blocked",
            Self::EmptyResponse => "empty_response",
            Self::Advanced => "advanced",
            Self::PlanOnly => "plan_only",
            Self::NeedsFollowup => "needs_followup",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Failed,
            Self::Completed,
            Self::Blocked,
            Self::EmptyResponse,
            Self::Advanced,
            Self::PlanOnly,
            Self::NeedsFollowup,
        ]
        .into_iter()
        .find(|l| l.as_str() == word)
    }

    /// One sentence for a person.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Failed => "The run did not end well",
            Self::Completed => "The issue is closed",
            Self::Blocked => "The issue waits for somebody or something",
            Self::EmptyResponse => "The run left nothing behind",
            Self::Advanced => "The run left something behind",
            Self::PlanOnly => "The run said what it would do and did nothing of it",
            Self::NeedsFollowup => "The run said something and left the issue open",
        }
    }

    /// Whether the run moved its issue.
    /// Whether a run that ended so is followed by another one that goes on.
    pub const fn is_continued(self) -> bool {
        matches!(self, Self::PlanOnly | Self::EmptyResponse)
    }

    pub const fn is_productive(self) -> bool {
        matches!(self, Self::Advanced | Self::Completed | Self::Blocked | Self::NeedsFollowup)
    }
}

/// What is known of a run that is over.
#[derive(Clone, Copy, Debug)]
pub struct RunTraces<'a> {
    pub status: RunStatus,
    pub issue: IssueStatus,
    /// Comments, revisions of documents, work products, changes to issues, tool calls: anything but words.
    pub evidence: bool,
    /// The issue asks for words: a plan, a document.
    pub asks_for_words: bool,
    /// What the run said: its comments, its closing words.
    pub words: &'a str,
}

/// Phrases with which agents announce what they are going to do.
const ANNOUNCES: [&str; 12] = [
    "i will ",
    "i'll ",
    "i am going to ",
    "i'm going to ",
    "let me ",
    "next i ",
    "next, i ",
    "my plan is",
    "the plan is to",
    "next steps",
    "i plan to ",
    "i would start",
];

/// Phrases with which they say that somebody else has to do something first.
const WAITS: [&str; 14] = [
    "waiting for approval",
    "needs your approval",
    "need your approval",
    "awaiting approval",
    "waiting for your",
    "waiting on your",
    "please provide",
    "please grant",
    "missing credentials",
    "no credentials",
    "api key is missing",
    "do not have access",
    "don't have access",
    "cannot proceed without",
];

/// Classifies a run.
pub fn classify(t: &RunTraces<'_>) -> Liveness {
    if t.status != RunStatus::Succeeded {
        return Liveness::Failed;
    }
    if t.issue.is_terminal() {
        return Liveness::Completed;
    }
    let words = t.words.trim().to_lowercase().replace('\u{2019}', "'");
    let says = |phrases: &[&str]| phrases.iter().any(|p| words.contains(p));
    if t.issue == IssueStatus::Blocked || says(&WAITS) {
        return Liveness::Blocked;
    }
    if words.is_empty() && !t.evidence {
        return Liveness::EmptyResponse;
    }
    if t.evidence || t.asks_for_words {
        return Liveness::Advanced;
    }
    if says(&ANNOUNCES) { Liveness::PlanOnly } else { Liveness::NeedsFollowup }
}

/// How often a run is continued that only announced work or said nothing.
pub const MAX_CONTINUATIONS: i64 = 2;

/// The one thing that follows from a run that ended well on an issue that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUp {
    Nothing,
    /// It owed a comment and left none: it is asked for it, once.
    AskForComment,
    /// It announced work: on with it.
    Continue {
        attempt: i64,
    },
    /// It announced work once more after all the continuations there are.
    ContinuationsUsedUp,
    /// It did something but did not say what becomes of the issue: it is asked for that, once.
    AskForDisposition,
}

/// What is known when a run has ended well.
#[derive(Clone, Copy, Debug)]
pub struct AfterSuccess {
    pub liveness: Liveness,
    pub issue: IssueStatus,
    /// The issue is still the agent's who ran.
    pub mine: bool,
    /// The run owed its issue a comment, left none and was not asked for it before.
    pub owes_comment: bool,
    /// Somebody or something carries on: a live run or a wait for one, a pending card or approval, an unresolved
    /// blocker, a review, an open recovery, a pause, a spent budget.
    pub other_path: bool,
    /// A comment waits for its turn, so that the agent comes back anyway.
    pub comment_waits: bool,
    /// The run itself was there to be asked for something.
    pub corrective: bool,
    /// Continuations of this kind that came before.
    pub attempts: i64,
}

/// Decides what follows.
pub fn follow_up(a: &AfterSuccess) -> FollowUp {
    let open = matches!(a.issue, IssueStatus::Todo | IssueStatus::InProgress);
    if a.owes_comment && a.mine && !a.comment_waits && !a.corrective {
        return FollowUp::AskForComment;
    }
    if !open || !a.mine || a.other_path || a.comment_waits || a.corrective {
        return FollowUp::Nothing;
    }
    match a.liveness {
        Liveness::PlanOnly | Liveness::EmptyResponse if a.attempts >= MAX_CONTINUATIONS => {
            FollowUp::ContinuationsUsedUp
        }
        Liveness::PlanOnly | Liveness::EmptyResponse => FollowUp::Continue { attempt: a.attempts + 1 },
        l if l.is_productive() && a.issue == IssueStatus::InProgress => FollowUp::AskForDisposition,
        _ => FollowUp::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn traces<'a>(words: &'a str, evidence: bool) -> RunTraces<'a> {
        RunTraces {
            status: RunStatus::Succeeded,
            issue: IssueStatus::InProgress,
            evidence,
            asks_for_words: false,
            words,
        }
    }

    #[test]
    fn words_alone_are_a_plan_and_deeds_are_progress() {
        assert_eq!(classify(&traces("", false)), Liveness::EmptyResponse);
        assert_eq!(classify(&traces("I\u{2019}ll fix the parser next.", false)), Liveness::PlanOnly);
        assert_eq!(classify(&traces("I'll fix the parser next.", true)), Liveness::Advanced);
        assert_eq!(classify(&traces("The parser is odd.", false)), Liveness::NeedsFollowup);
        assert_eq!(classify(&traces("Please provide the API token.", true)), Liveness::Blocked);
        let planning = RunTraces { asks_for_words: true, ..traces("I will build it in three steps", false) };
        assert_eq!(classify(&planning), Liveness::Advanced);
        let done = RunTraces { issue: IssueStatus::Done, ..traces("", false) };
        assert_eq!(classify(&done), Liveness::Completed);
    }

    fn after(liveness: Liveness) -> AfterSuccess {
        AfterSuccess {
            liveness,
            issue: IssueStatus::InProgress,
            mine: true,
            owes_comment: false,
            other_path: false,
            comment_waits: false,
            corrective: false,
            attempts: 0,
        }
    }

    #[test]
    fn a_plan_is_continued_twice_and_deeds_without_a_word_on_the_issue_are_asked_about_once() {
        assert_eq!(follow_up(&after(Liveness::PlanOnly)), FollowUp::Continue { attempt: 1 });
        let third = AfterSuccess { attempts: 2, ..after(Liveness::PlanOnly) };
        assert_eq!(follow_up(&third), FollowUp::ContinuationsUsedUp);
        assert_eq!(follow_up(&after(Liveness::Advanced)), FollowUp::AskForDisposition);
        let asked = AfterSuccess { corrective: true, ..after(Liveness::Advanced) };
        assert_eq!(follow_up(&asked), FollowUp::Nothing);
        let silent = AfterSuccess { owes_comment: true, ..after(Liveness::Advanced) };
        assert_eq!(follow_up(&silent), FollowUp::AskForComment);
    }

    proptest! {
        /// A run that was asked for something is asked for nothing more, so that no chain has more than these links.
        #[test]
        fn nothing_follows_where_somebody_carries_on_or_was_asked_already(
            l in 0..7usize, status in 0..7usize, mine: bool, owes: bool, other: bool, waits: bool,
            corrective: bool, attempts in 0..5i64,
        ) {
            const ALL: [Liveness; 7] = [
                Liveness::Failed, Liveness::Completed, Liveness::Blocked, Liveness::EmptyResponse,
                Liveness::Advanced, Liveness::PlanOnly, Liveness::NeedsFollowup,
            ];
            let a = AfterSuccess {
                liveness: ALL[l], issue: IssueStatus::ALL[status], mine, owes_comment: owes, other_path: other,
                comment_waits: waits, corrective, attempts,
            };
            let next = follow_up(&a);
            prop_assert!(!corrective && mine && !waits || next == FollowUp::Nothing);
            prop_assert!(!other || matches!(next, FollowUp::Nothing | FollowUp::AskForComment));
            if let FollowUp::Continue { attempt } = next {
                prop_assert!(attempt <= MAX_CONTINUATIONS);
            }
        }
    }
}
