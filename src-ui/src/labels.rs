//! The word, the icon and the tone of every state. No state is shown without all three.

use contract::agent::{Agent, AgentStatus};
use contract::company::{CompanyStatus, PauseReason};
use contract::execution::StageStatus;
use contract::instance::FindingLevel;
use contract::issue::{IssuePriority, IssueStatus};
use contract::planning::{GoalStatus, ProjectStatus};
use contract::run::{InvocationSource, RunStatus};
use contract::wake::WakeupStatus;
use contract::watchdog::SilenceVerdict;
use contract::work_product::{WorkProductStatus, WorkProductType};
use contract::workspace::{ExecutionWorkspaceStatus, WorkspaceOperationStatus, WorkspacePhase};

use crate::components::icons as i;
use crate::format;

/// How a state is shown: icon, word, and the name of its colour in the style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub icon: &'static str,
    pub word: &'static str,
    pub tone: &'static str,
}

const fn look(icon: &'static str, word: &'static str, tone: &'static str) -> Look {
    Look { icon, word, tone }
}

pub const fn goal_status(s: GoalStatus) -> Look {
    match s {
        GoalStatus::Planned => look(i::CIRCLE_DOT, "Planned", "grey"),
        GoalStatus::Active => look(i::GOAL, "Active", "cyan"),
        GoalStatus::Achieved => look(i::CIRCLE_CHECK, "Achieved", "green"),
        GoalStatus::Cancelled => look(i::CIRCLE_X, "Cancelled", "grey"),
    }
}

pub const fn company_status(s: CompanyStatus) -> Look {
    match s {
        CompanyStatus::Active => look(i::CIRCLE_CHECK, "At work", "green"),
        CompanyStatus::Paused => look(i::CIRCLE_PAUSE, "Paused", "yellow"),
        CompanyStatus::Archived => look(i::INBOX, "Archived", "grey"),
    }
}

pub const fn project_status(s: ProjectStatus) -> Look {
    match s {
        ProjectStatus::Backlog => look(i::CIRCLE_DOT, "Backlog", "grey"),
        ProjectStatus::Planned => look(i::CIRCLE_DOT, "Planned", "blue"),
        ProjectStatus::InProgress => look(i::CIRCLE_PLAY, "In progress", "yellow"),
        ProjectStatus::Completed => look(i::CIRCLE_CHECK, "Completed", "green"),
        ProjectStatus::Cancelled => look(i::CIRCLE_X, "Cancelled", "grey"),
    }
}

pub const fn stage_status(s: StageStatus) -> Look {
    match s {
        StageStatus::Idle => look(i::CIRCLE_DOT, "Not handed in", "grey"),
        StageStatus::Pending => look(i::CLOCK, "Is looked at", "blue"),
        StageStatus::ChangesRequested => look(i::ROTATE_CCW, "Changes wanted", "yellow"),
        StageStatus::Completed => look(i::CIRCLE_CHECK, "Passed", "green"),
    }
}

pub const fn issue_status(s: IssueStatus) -> &'static str {
    match s {
        IssueStatus::Backlog => "Backlog",
        IssueStatus::Todo => "Todo",
        IssueStatus::InProgress => "In progress",
        IssueStatus::InReview => "In review",
        IssueStatus::Blocked => "Blocked",
        IssueStatus::Done => "Done",
        IssueStatus::Cancelled => "Cancelled",
    }
}

pub const fn priority(p: IssuePriority) -> &'static str {
    match p {
        IssuePriority::Critical => "Critical",
        IssuePriority::High => "High",
        IssuePriority::Medium => "Medium",
        IssuePriority::Low => "Low",
    }
}

pub const fn run_status(s: RunStatus) -> Look {
    match s {
        RunStatus::Queued => look(i::CLOCK, "Queued", "grey"),
        RunStatus::ScheduledRetry => look(i::ROTATE_CCW, "Retry scheduled", "sky"),
        RunStatus::Running => look(i::LOADER_CIRCLE, "Running", "cyan"),
        RunStatus::Succeeded => look(i::CIRCLE_CHECK, "Succeeded", "green"),
        RunStatus::Failed => look(i::CIRCLE_X, "Failed", "red"),
        RunStatus::Cancelled => look(i::CIRCLE_STOP, "Cancelled", "grey"),
        RunStatus::TimedOut => look(i::TIMER, "Timed out", "orange"),
    }
}

/// What is said once somebody decided about a silent run.
pub const fn silence_decided(v: SilenceVerdict) -> &'static str {
    match v {
        SilenceVerdict::Snooze => "Its silence is left alone for now",
        SilenceVerdict::Continue => "It goes on; looked at again in half an hour",
        SilenceVerdict::DismissedFalsePositive => "This run is not looked at again",
    }
}

pub const fn agent_status(s: AgentStatus) -> Look {
    match s {
        AgentStatus::Active => look(i::CIRCLE_CHECK, "Active", "green"),
        AgentStatus::Idle => look(i::CIRCLE_CHECK, "Idle", "green"),
        AgentStatus::Running => look(i::LOADER_CIRCLE, "Running", "cyan"),
        AgentStatus::Paused => look(i::CIRCLE_PAUSE, "Paused", "yellow"),
        AgentStatus::Error => look(i::CIRCLE_ALERT, "Error", "red"),
        AgentStatus::PendingApproval => look(i::SHIELD_ALERT, "Awaits approval", "orange"),
        AgentStatus::Terminated => look(i::CIRCLE_X, "Terminated", "grey"),
    }
}

/// Why an agent stands as it stands, in a sentence.
pub fn agent_reason(a: &Agent) -> &'static str {
    match (a.status, a.pause_reason) {
        (AgentStatus::Paused, Some(PauseReason::Budget)) => "Paused: its budget for the month is spent",
        (AgentStatus::Paused, Some(PauseReason::System)) => "Paused by the program",
        (AgentStatus::Paused, _) => "Paused by you",
        (AgentStatus::Error, _) => "Its last run failed",
        (AgentStatus::Running, _) => "Working now",
        (AgentStatus::PendingApproval, _) => "Waits for your approval before its first run",
        (AgentStatus::Terminated, _) => "Ended for good",
        (AgentStatus::Active | AgentStatus::Idle, _) => "Ready for work",
    }
}

pub const fn wakeup_status(s: WakeupStatus) -> Look {
    match s {
        WakeupStatus::Queued => look(i::CLOCK, "Queued", "grey"),
        WakeupStatus::Deferred => look(i::CIRCLE_PAUSE, "Waits for the live run", "yellow"),
        WakeupStatus::Claimed => look(i::LOADER_CIRCLE, "Started", "cyan"),
        WakeupStatus::Coalesced => look(i::LAYERS, "Folded into a waiting run", "grey"),
        WakeupStatus::Skipped => look(i::CIRCLE_STOP, "Skipped", "yellow"),
        WakeupStatus::Completed => look(i::CIRCLE_CHECK, "Completed", "green"),
        WakeupStatus::Failed => look(i::CIRCLE_X, "Failed", "red"),
        WakeupStatus::Cancelled => look(i::CIRCLE_STOP, "Cancelled", "grey"),
        WakeupStatus::TimedOut => look(i::TIMER, "Timed out", "orange"),
    }
}

pub const fn finding(l: FindingLevel) -> Look {
    match l {
        FindingLevel::Ok => look(i::CIRCLE_CHECK, "Fine", "green"),
        FindingLevel::Warn => look(i::TRIANGLE_ALERT, "Warning", "yellow"),
        FindingLevel::Error => look(i::CIRCLE_X, "Error", "red"),
    }
}

pub const fn source(s: InvocationSource) -> &'static str {
    match s {
        InvocationSource::Timer => "Heartbeat timer",
        InvocationSource::Assignment => "Assignment",
        InvocationSource::OnDemand => "On demand",
        InvocationSource::Automation => "Automation",
    }
}

/// Why an agent was woken, as a person would say it. A reason the window has no sentence for is shown as words.
pub fn wake_reason(reason: Option<&str>, source: InvocationSource) -> String {
    let Some(reason) = reason.filter(|r| !r.is_empty()) else { return self::source(source).into() };
    match reason {
        "issue_assigned" => "Issue assigned".into(),
        "issue_status_changed" => "Issue status changed".into(),
        "issue_commented" | "issue_comment" => "New comment".into(),
        "issue_comment_mentioned" | "comment_mention" | "mention" => "Mentioned in a comment".into(),
        "issue_reopened" | "issue_reopened_via_comment" => "Reopened by a comment".into(),
        "issue_blockers_resolved" => "Blockers resolved".into(),
        "issue_children_completed" => "Sub-issues completed".into(),
        "interaction_resolved" | "interaction_accepted" | "interaction_answered" => {
            "You answered its card".into()
        }
        "execution_review_requested" => "Asked to review".into(),
        "execution_approval_requested" => "Asked to approve".into(),
        "execution_changes_requested" => "Changes wanted".into(),
        "issue_monitor_due" => "Time to look again".into(),
        "issue_monitor_recovery" => "Looked in vain too often".into(),
        "issue_tree_resumed" => "Its tree was resumed".into(),
        "issue_tree_restored" => "Restored with its tree".into(),
        "heartbeat_timer" | "timer" => "Heartbeat timer".into(),
        "manual" | "on_demand" | "wake_now" => "Woken by you".into(),
        other if other.contains(' ') => other.to_owned(),
        other => format::words(other),
    }
}

/// Error codes of runs that have a plain sentence.
pub fn run_error(code: Option<&str>, message: Option<&str>) -> Option<String> {
    match (message.filter(|m| !m.trim().is_empty()), code) {
        (Some(m), _) => Some(m.to_owned()),
        (None, Some(c)) => Some(format::words(c)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_is_ever_unknown() {
        for s in InvocationSource::ALL {
            for r in
                [None, Some(""), Some("issue_assigned"), Some("some_new_reason"), Some("The disk is full")]
            {
                let said = wake_reason(r, *s);
                assert!(!said.is_empty() && !said.to_lowercase().contains("unknown"), "{r:?}");
            }
        }
    }
}

pub const fn workspace_status(s: ExecutionWorkspaceStatus) -> Look {
    match s {
        ExecutionWorkspaceStatus::Active => look(i::LOADER_CIRCLE, "In use", "cyan"),
        ExecutionWorkspaceStatus::Idle => look(i::CIRCLE_DOT, "Idle", "grey"),
        ExecutionWorkspaceStatus::InReview => look(i::CIRCLE_DOT, "In review", "violet"),
        ExecutionWorkspaceStatus::Archived => look(i::CIRCLE_CHECK, "Closed", "grey"),
        ExecutionWorkspaceStatus::CleanupFailed => look(i::CIRCLE_X, "Could not be closed", "red"),
    }
}

pub const fn workspace_operation_status(s: WorkspaceOperationStatus) -> Look {
    match s {
        WorkspaceOperationStatus::Running => look(i::LOADER_CIRCLE, "Under way", "cyan"),
        WorkspaceOperationStatus::Succeeded => look(i::CIRCLE_CHECK, "Succeeded", "green"),
        WorkspaceOperationStatus::Failed => look(i::CIRCLE_X, "Failed", "red"),
        WorkspaceOperationStatus::Skipped => look(i::CIRCLE_STOP, "Skipped", "grey"),
    }
}

pub const fn workspace_phase(p: WorkspacePhase) -> &'static str {
    match p {
        WorkspacePhase::WorktreePrepare => "Prepare",
        WorkspacePhase::WorkspaceProvision => "Provision",
        WorkspacePhase::WorkspaceTeardown => "Tear down",
        WorkspacePhase::WorktreeCleanup => "Clean up",
        WorkspacePhase::WorkspaceFinalize => "Finalize",
    }
}

/// Icon and name of a kind of output.
pub const fn work_product_type(t: WorkProductType) -> (&'static str, &'static str) {
    match t {
        WorkProductType::PreviewUrl => (i::MONITOR, "Preview"),
        WorkProductType::RuntimeService => (i::ZAP, "Service"),
        WorkProductType::PullRequest => (i::GIT_BRANCH, "Pull request"),
        WorkProductType::Branch => (i::GIT_BRANCH, "Branch"),
        WorkProductType::Commit => (i::CIRCLE_DOT, "Commit"),
        WorkProductType::Artifact => (i::LAYERS, "Artifact"),
        WorkProductType::Document => (i::FILE_TEXT, "Document"),
    }
}

pub const fn work_product_status(s: WorkProductStatus) -> Look {
    match s {
        WorkProductStatus::Active => look(i::CIRCLE_DOT, "Active", "blue"),
        WorkProductStatus::ReadyForReview => look(i::CIRCLE_HELP, "Ready for review", "violet"),
        WorkProductStatus::Approved => look(i::CIRCLE_CHECK, "Approved", "green"),
        WorkProductStatus::ChangesRequested => look(i::PENCIL, "Changes requested", "orange"),
        WorkProductStatus::Merged => look(i::CIRCLE_CHECK, "Merged", "green"),
        WorkProductStatus::Closed => look(i::CIRCLE_STOP, "Closed", "grey"),
        WorkProductStatus::Failed => look(i::CIRCLE_X, "Failed", "red"),
        WorkProductStatus::Archived => look(i::LAYERS, "Archived", "grey"),
        WorkProductStatus::Draft => look(i::SQUARE_PEN, "Draft", "grey"),
    }
}
