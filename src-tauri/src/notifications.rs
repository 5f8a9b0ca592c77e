//! Native notifications: for decisions that wait for the operator and for runs that failed, and for nothing else.
//! A click leads to what it is about.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use contract::approval::{ApprovalPath, ApprovalStatus, ApprovalType};
use contract::company::{CompanyPath, Nothing};
use contract::feed::{Change, ChangeOp};
use contract::interaction::InteractionStatus;
use contract::operations::{
    GetAgent, GetApproval, GetCompany, GetGeneralSettings, GetIssue, GetRun, ListInteractions, ListRecoveries,
};
use contract::recovery::RecoveryOwnerType;
use contract::run::{RunPath, RunStatus};
use contract::{ApiError, ApprovalId, CompanyId, IssueId, Kind, RunId};
use paperclip_core::Core;
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt as _;

use crate::{platform, window};

/// Notifications within [`BURST`] before they are drawn together.
const MOST: usize = 3;
const BURST: Duration = Duration::from_secs(10);
/// Titles that a notification of several lists.
const LISTED: usize = 4;
/// The name under which the program's icon is installed.
const ICON: &str = "dev.paperclip.desktop";
/// Things that were notified of, so that no later change of theirs does it again.
const REMEMBERED: usize = 256;

/// Makes a click on a notification lead somewhere.
pub fn listen(app: &AppHandle) {
    let handle = app.clone();
    let listening = app.notification().on_action(move |performed| {
        let path = performed
            .notification()
            .and_then(|n| n.extra().get("path"))
            .and_then(|p| p.as_str())
            .map(str::to_owned);
        window::open(&handle, path.as_deref());
    });
    if let Err(error) = listening {
        tracing::warn!(%error, "a click on a notification will lead nowhere");
    }
}

/// What was notified of lately.
#[derive(Default)]
pub struct Notifier {
    seen: VecDeque<String>,
    shown: VecDeque<Instant>,
    /// Those that were too many at once; told together as soon as there is room.
    held_back: Vec<Notice>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    title: String,
    body: String,
    path: String,
}

/// A change that may be worth a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Candidate {
    Decision {
        company: CompanyId,
        id: String,
        issue: Option<IssueId>,
    },
    /// Something went wrong on an issue, and only the operator can go on with it.
    Recovery {
        company: CompanyId,
        id: String,
        issue: IssueId,
    },
    /// The board is asked something, by an agent or because a budget is spent.
    Approval {
        company: CompanyId,
        id: ApprovalId,
    },
    Run(RunId),
}

impl Notifier {
    /// Looks through changes and notifies of what the operator should know.
    pub async fn look(&mut self, app: &AppHandle, core: &Core, changes: &[Change]) {
        let candidates: Vec<Candidate> = changes.iter().filter_map(candidate).collect();
        if candidates.is_empty() {
            return;
        }
        let wanted = core.call::<GetGeneralSettings>(Nothing {}).await.is_ok_and(|s| s.notifications);
        for candidate in candidates {
            let key = match &candidate {
                Candidate::Decision { id, .. } | Candidate::Recovery { id, .. } => id.clone(),
                Candidate::Approval { id, .. } => id.to_string(),
                Candidate::Run(id) => id.to_string(),
            };
            if self.seen.contains(&key) {
                continue;
            }
            match notice(core, &candidate).await {
                Ok(Some(notice)) => {
                    // Also what is told to nobody is over then, and not told when it changes once more.
                    let untold = if !wanted {
                        Some("notifications are off")
                    } else if window::is_looked_at(app) {
                        Some("the window is looked at")
                    } else {
                        self.show(app, notice, Instant::now());
                        None
                    };
                    if let Some(because) = untold {
                        tracing::info!(about = key, because, "not notified");
                    }
                    self.remember(key);
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, ?candidate, "nothing to notify of"),
            }
        }
    }

    fn remember(&mut self, key: String) {
        self.seen.push_back(key);
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
    }

    fn show(&mut self, app: &AppHandle, notice: Notice, now: Instant) {
        if let Some(notice) = self.admit(notice, now) {
            tell(app, notice);
        }
    }

    /// When what was held back is to be told.
    pub fn due(&self) -> Option<Instant> {
        if self.held_back.is_empty() { None } else { self.shown.front().map(|at| *at + BURST) }
    }

    /// Tells what was held back, if its time has come.
    pub fn tell_held_back(&mut self, app: &AppHandle) {
        if let Some(notice) = self.drawn_together(Instant::now()) {
            tell(app, notice);
        }
    }

    /// Lets a notification through, or keeps it for [`Self::drawn_together`].
    fn admit(&mut self, notice: Notice, now: Instant) -> Option<Notice> {
        self.forget(now);
        if self.shown.len() >= MOST {
            self.held_back.push(notice);
            return None;
        }
        self.shown.push_back(now);
        Some(notice)
    }

    fn drawn_together(&mut self, now: Instant) -> Option<Notice> {
        self.forget(now);
        if self.held_back.is_empty() || self.shown.len() >= MOST {
            return None;
        }
        self.shown.push_back(now);
        let mut held = std::mem::take(&mut self.held_back);
        if held.len() == 1 {
            return held.pop();
        }
        let titles: Vec<_> = held.iter().take(LISTED).map(|n| n.title.as_str()).collect();
        let rest = held.len().saturating_sub(LISTED);
        let more = if rest > 0 { format!("\nand {rest} more") } else { String::new() };
        Some(Notice {
            title: format!("{} more want your attention", held.len()),
            body: format!("{}{more}", titles.join("\n")),
            path: "/waiting".into(),
        })
    }

    fn forget(&mut self, now: Instant) {
        while self.shown.front().is_some_and(|at| now.duration_since(*at) >= BURST) {
            self.shown.pop_front();
        }
    }
}

fn tell(app: &AppHandle, notice: Notice) {
    let shown = app
        .notification()
        .builder()
        .title(notice.title)
        .body(platform::notification_text(&notice.body))
        .icon(ICON)
        .extra("path", notice.path)
        .show();
    if let Err(error) = shown {
        tracing::debug!(%error, "the system showed no notification");
    }
}

fn candidate(change: &Change) -> Option<Candidate> {
    let told = |key: &str| change.payload.as_ref()?.get(key)?.as_str();
    match (change.kind, change.op) {
        (Kind::Interaction, ChangeOp::Created) => Some(Candidate::Decision {
            company: change.company_id?,
            id: change.entity_id.clone(),
            issue: told("issueId").and_then(|id| id.parse().ok()),
        }),
        (Kind::Recovery, ChangeOp::Created | ChangeOp::Updated) => Some(Candidate::Recovery {
            company: change.company_id?,
            id: change.entity_id.clone(),
            issue: told("issueId")?.parse().ok()?,
        })
        .filter(|_| told("ownerType") == Some(RecoveryOwnerType::Board.as_str())),
        (Kind::Approval, ChangeOp::Created) => {
            Some(Candidate::Approval { company: change.company_id?, id: change.entity_id.parse().ok()? })
        }
        (Kind::Run, ChangeOp::Updated) => {
            let failed = told("status").is_none_or(|s| s.parse().is_ok_and(is_failure));
            failed.then(|| change.entity_id.parse().ok().map(Candidate::Run)).flatten()
        }
        _ => None,
    }
}

const fn is_failure(status: RunStatus) -> bool {
    matches!(status, RunStatus::Failed | RunStatus::TimedOut)
}

async fn notice(core: &Core, candidate: &Candidate) -> Result<Option<Notice>, ApiError> {
    match candidate {
        Candidate::Decision { company, id, issue } => decision(core, *company, id, *issue).await,
        Candidate::Recovery { company, issue, .. } => recovery(core, *company, *issue).await,
        Candidate::Approval { company, id } => approval(core, *company, *id).await,
        Candidate::Run(id) => failure(core, *id).await,
    }
}

async fn decision(
    core: &Core,
    company: CompanyId,
    id: &str,
    issue: Option<IssueId>,
) -> Result<Option<Notice>, ApiError> {
    let prefix = core.call::<GetCompany>(CompanyPath { company_id: company }).await?.issue_prefix;
    let Some(issue) = issue else {
        return Ok(Some(Notice {
            title: "A decision waits for you".into(),
            body: String::new(),
            path: format!("/{prefix}/waiting"),
        }));
    };
    let cards = core.call::<ListInteractions>(issue.into()).await?;
    let card = cards.into_iter().find(|c| c.id.to_string() == id && c.status == InteractionStatus::Pending);
    let Some(card) = card else { return Ok(None) };
    let issue = core.call::<GetIssue>(issue.into()).await?.issue;
    let name = issue.identifier.clone().unwrap_or_else(|| issue.id.to_string());
    Ok(Some(Notice {
        title: format!("{name} waits for your decision"),
        body: card.title.or(card.summary).unwrap_or(issue.title),
        path: format!("/{prefix}/issues/{name}"),
    }))
}

async fn recovery(core: &Core, company: CompanyId, issue: IssueId) -> Result<Option<Notice>, ApiError> {
    let Some(open) = core.call::<ListRecoveries>(issue.into()).await?.active else { return Ok(None) };
    let prefix = core.call::<GetCompany>(CompanyPath { company_id: company }).await?.issue_prefix;
    let issue = core.call::<GetIssue>(issue.into()).await?.issue;
    let name = issue.identifier.clone().unwrap_or_else(|| issue.id.to_string());
    let said = |key: &str| open.evidence.get(key).and_then(|v| v.as_str()).filter(|s| !s.is_empty());
    let why = said("error").or_else(|| said("reason")).unwrap_or(&issue.title);
    Ok(Some(Notice {
        title: format!("{name} needs you"),
        body: why.chars().take(300).collect(),
        path: format!("/{prefix}/issues/{name}"),
    }))
}

async fn approval(core: &Core, company: CompanyId, id: ApprovalId) -> Result<Option<Notice>, ApiError> {
    let asked = core.call::<GetApproval>(ApprovalPath { id }).await?;
    if asked.status != ApprovalStatus::Pending {
        return Ok(None);
    }
    let prefix = core.call::<GetCompany>(CompanyPath { company_id: company }).await?.issue_prefix;
    let said = |key: &str| asked.payload.get(key).and_then(|v| v.as_str()).filter(|s| !s.is_empty());
    let (title, body) = match asked.kind {
        ApprovalType::BudgetOverrideRequired => (
            format!("The budget of {} is spent", said("scopeName").unwrap_or("a company")),
            "Its work is held until you decide.",
        ),
        ApprovalType::HireAgent => ("An agent is to be hired".to_owned(), said("name").unwrap_or_default()),
        ApprovalType::ApproveCeoStrategy | ApprovalType::RequestBoardApproval => {
            ("An approval waits for you".to_owned(), said("title").or(said("summary")).unwrap_or_default())
        }
    };
    let body = body.chars().take(300).collect();
    Ok(Some(Notice { title, body, path: format!("/{prefix}/waiting") }))
}

/// A run that failed on an issue is told of only once nothing more is tried by itself; then the issue needs somebody,
/// and that is told instead.
async fn failure(core: &Core, id: RunId) -> Result<Option<Notice>, ApiError> {
    let run = core.call::<GetRun>(RunPath { run_id: id }).await?.run;
    if !is_failure(run.status) || run.issue_id.is_some() {
        return Ok(None);
    }
    let prefix = core.call::<GetCompany>(CompanyPath { company_id: run.company_id }).await?.issue_prefix;
    let agent = core
        .call::<GetAgent>(contract::agent::AgentPath { id: run.agent_id.into(), company_id: None })
        .await?
        .agent
        .name;
    let what = if run.status == RunStatus::TimedOut { "ran out of time" } else { "failed" };
    Ok(Some(Notice {
        title: format!("{agent}: a run {what}"),
        body: run.error.unwrap_or_default().chars().take(300).collect(),
        path: format!("/{prefix}/runs/{id}"),
    }))
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;
    use serde_json::json;

    use super::*;

    fn change(kind: Kind, op: ChangeOp, payload: serde_json::Value) -> Change {
        Change {
            seq: 1,
            company_id: Some("018f3b5a-0000-7000-8000-000000000001".parse().unwrap()),
            kind,
            op,
            entity_id: "018f3b5a-0000-7000-8000-000000000002".into(),
            payload: payload.as_object().cloned(),
            at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn only_new_decisions_and_failed_runs_are_worth_a_notification() {
        let worth = |kind, op, payload| candidate(&change(kind, op, payload)).is_some();
        assert!(worth(Kind::Interaction, ChangeOp::Created, json!({})));
        assert!(!worth(Kind::Interaction, ChangeOp::Updated, json!({})));
        assert!(worth(Kind::Run, ChangeOp::Updated, json!({"status": "failed"})));
        assert!(worth(Kind::Run, ChangeOp::Updated, json!({"status": "timed_out"})));
        assert!(!worth(Kind::Run, ChangeOp::Updated, json!({"status": "succeeded"})));
        assert!(!worth(Kind::Run, ChangeOp::Updated, json!({"status": "cancelled"})));
        assert!(worth(Kind::Approval, ChangeOp::Created, json!({})));
        assert!(!worth(Kind::Approval, ChangeOp::Updated, json!({})));
        assert!(!worth(Kind::Comment, ChangeOp::Created, json!({})));
    }

    #[test]
    fn a_flood_is_told_together_even_if_nothing_follows_it() {
        let mut notifier = Notifier::default();
        let notice = |n: usize| Notice { title: format!("t{n}"), body: "b".into(), path: "/".into() };
        let begun = Instant::now();
        let let_through = (0..10).filter(|n| notifier.admit(notice(*n), begun).is_some()).count();
        assert_eq!(let_through, MOST);
        assert_eq!(notifier.drawn_together(begun), None, "too soon");
        let due = notifier.due().unwrap();
        let told = notifier.drawn_together(due).unwrap();
        assert_eq!(told.title, "7 more want your attention");
        assert_eq!(told.body, "t3\nt4\nt5\nt6\nand 3 more");
        assert_eq!(notifier.due(), None, "and only once");
    }

    #[test]
    fn a_single_one_that_was_held_back_is_told_as_itself() {
        let mut notifier = Notifier::default();
        let notice = |n: usize| Notice { title: format!("t{n}"), body: "b".into(), path: format!("/{n}") };
        let begun = Instant::now();
        for n in 0..=MOST {
            notifier.admit(notice(n), begun);
        }
        assert_eq!(notifier.drawn_together(begun + BURST), Some(notice(MOST)));
    }
}
