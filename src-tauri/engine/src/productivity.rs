//! Issues that agents work on without getting anywhere: somebody is asked to look.

use contract::agent::Agent;
use contract::issue::{CreateIssue, Issue, IssueStatus};
use contract::run::InvocationSource;
use contract::text::{Prose, Title};
use contract::watchdog::{IssueProductivityReview, ProductivityTrigger};
use contract::{ApiError, IssueId};
use domain::productivity::*;
use domain::recovery::REVIEWS;
use domain::watchdog::overseer;
use store::{SqliteConnection, WriteTx};

use crate::error::{Answer, OrAnswer};
use crate::service::Origin;
use crate::wake::Wake;
use crate::watchdog::{owned_by, passing};
use crate::{Caller, Engine};

/// Issues looked at in one go.
const AT_ONCE: i64 = 250;

impl Engine {
    /// Looks at what agents have been working on lately.
    pub(crate) async fn review_productivity(&self) -> Answer<()> {
        if self.settings().paused_at.is_some() {
            return Ok(());
        }
        let candidates = {
            let mut conn = self.store.read().await.answer()?;
            let lately = self.now().minus(LOOK_BACK);
            store::watchdog::to_review(&mut conn, &REVIEWS, lately, AT_ONCE).await.answer()?
        };
        self.end_needless_reviews().await?;
        for issue in candidates {
            let seen = {
                let mut conn = self.store.read().await.answer()?;
                self.doings(&mut conn, &issue).await?
            };
            if seen.is_none_or(|d| trigger(&d, self.now()).is_none()) {
                continue;
            }
            let mut tx = self.store.write(self.now()).await.answer()?;
            if let Err(e) = Box::pin(self.look_at_doings(&mut tx, issue.id)).await {
                passing(e, "an issue that gets nowhere")?;
                continue;
            }
            tx.commit_if_changed().await.answer()?;
        }
        Ok(())
    }

    /// Ends the reviews of what no agent works on any more.
    async fn end_needless_reviews(&self) -> Answer<()> {
        let open = {
            let mut conn = self.store.read().await.answer()?;
            store::watchdog::open_of_kind(&mut conn, REVIEW, AT_ONCE).await.answer()?
        };
        for review in open {
            let mut tx = self.store.write(self.now()).await.answer()?;
            let source = self.reviewed(&mut tx, &review).await?;
            let worked_on = source.is_some_and(|s| {
                s.hidden_at.is_none()
                    && s.assignee_agent_id.is_some()
                    && matches!(s.status, IssueStatus::Todo | IssueStatus::InProgress)
            });
            if worked_on {
                continue;
            }
            let why = "No agent works on the issue any more: there is nothing to review.";
            if let Err(e) = Box::pin(self.close_review(&mut tx, &Caller::system(), review, why)).await {
                passing(e, "a review")?;
                continue;
            }
            tx.commit_if_changed().await.answer()?;
        }
        Ok(())
    }

    /// The issue that a review is about.
    async fn reviewed(&self, tx: &mut WriteTx, review: &Issue) -> Answer<Option<Issue>> {
        match review.origin_id.as_deref().and_then(|id| id.parse::<IssueId>().ok()) {
            Some(id) => store::issues::get(tx, id).await.answer(),
            None => Ok(None),
        }
    }

    /// The wake of an agent that was not sent on while its issue was under review: the review is over.
    pub(crate) async fn wake_after_review(&self, tx: &mut WriteTx, review: &Issue) -> Answer<Option<Wake>> {
        if review.origin_kind != REVIEW || !began_for(review).0.is_some_and(holds_continuations) {
            return Ok(None);
        }
        let Some(source) = self.reviewed(tx, review).await? else { return Ok(None) };
        let (Some(agent), IssueStatus::Todo | IssueStatus::InProgress) =
            (source.assignee_agent_id, source.status)
        else {
            return Ok(None);
        };
        let last = store::retries::past(tx, source.id, agent, 1).await.answer()?;
        let liveness = last
            .first()
            .and_then(|r| r.liveness_state.as_deref())
            .and_then(domain::liveness::Liveness::parse);
        let held = liveness.is_some_and(domain::liveness::Liveness::is_continued);
        let quiet = store::runs::live_on_issue(tx, source.id).await.answer()?.is_none();
        let source_kind = InvocationSource::Automation;
        Ok((held && quiet).then(|| Wake::about(&source, agent, source_kind, "productivity_review_resolved")))
    }

    async fn doings(&self, conn: &mut SqliteConnection, issue: &Issue) -> Answer<Option<Doings>> {
        let Some(agent) = issue.assignee_agent_id else { return Ok(None) };
        let d = store::watchdog::doings(conn, issue.id, agent, self.now()).await.answer()?;
        Ok(Some(Doings {
            status: issue.status,
            started_at: issue.started_at.max(d.otherwise_at.filter(|_| issue.started_at.is_some())),
            without_comment: d.without_comment,
            runs_in_an_hour: d.runs_in_an_hour,
            runs_in_six_hours: d.runs_in_six_hours,
            comments_in_an_hour: d.comments_in_an_hour,
            comments_in_six_hours: d.comments_in_six_hours,
        }))
    }

    async fn look_at_doings(&self, tx: &mut WriteTx, id: IssueId) -> Answer<()> {
        let Some(issue) = store::issues::get(tx, id).await.answer()? else { return Ok(()) };
        if !matches!(issue.status, IssueStatus::Todo | IssueStatus::InProgress) {
            return Ok(());
        }
        let Some(doings) = self.doings(tx, &issue).await? else { return Ok(()) };
        let Some(why) = trigger(&doings, tx.at()) else { return Ok(()) };
        let all = store::watchdog::all_from(tx, REVIEW, &id.to_string()).await.answer()?;
        let open = all.iter().find(|r| !r.status.is_terminal());
        let (reminders, spoken) = match open {
            Some(r) => {
                let (words, last) = store::watchdog::own_words(tx, r.id).await.answer()?;
                (words, last.unwrap_or(r.created_at))
            }
            None => (0, tx.at()),
        };
        let lives: Vec<_> = all
            .iter()
            .map(|r| {
                (
                    r.created_at,
                    r.status.is_terminal().then(|| r.completed_at.or(r.cancelled_at).unwrap_or(r.updated_at)),
                )
            })
            .collect();
        match step(&Reviews::of(&lives, reminders, spoken, tx.at()), tx.at()) {
            Step::Leave => Ok(()),
            Step::Review => self.open_review(tx, &issue, why, &doings).await,
            Step::Remind => match open {
                Some(r) => self.say_in(tx, r, &format!("{}.", reason(why, &doings, tx.at()))).await,
                None => Ok(()),
            },
        }
    }

    async fn open_review(
        &self,
        tx: &mut WriteTx,
        issue: &Issue,
        why: ProductivityTrigger,
        doings: &Doings,
    ) -> Answer<()> {
        let Some(worker) = issue.assignee_agent_id else { return Ok(()) };
        let agents = store::agents::list(tx, issue.company_id).await.answer()?;
        let invokable =
            |id| agents.iter().any(|a: &Agent| a.id == id && domain::agent::is_invokable(a.status));
        let owner = overseer(&agents, Some(worker), worker, invokable);
        let title: String =
            format!("Review productivity for {}", issue.display_key()).chars().take(300).collect();
        let title = Title::new(title).map_err(|e| ApiError::internal(e.to_string()))?;
        let mut new = CreateIssue::titled(issue.company_id, title);
        let name = agents.iter().find(|a| a.id == worker).map_or("Its agent", |a| a.name.as_str());
        new.description = Prose::new(brief(issue, name, &reason(why, doings, tx.at()))).ok();
        new.priority = Some(priority(why));
        new.status = Some(IssueStatus::Todo);
        new.parent_id = Some(issue.id);
        owned_by(&mut new, owner);
        let mut origin = Origin::of(REVIEW, issue.id.to_string());
        origin.fingerprint = format!("{}:{}", why.as_str(), doings.without_comment);
        self.create_issue_from(tx, &Caller::system(), new, origin).await.map(drop)
    }

    /// The open review of an issue.
    pub(crate) async fn productivity_review(
        &self,
        conn: &mut SqliteConnection,
        issue: IssueId,
    ) -> Answer<Option<IssueProductivityReview>> {
        let review = store::watchdog::open_from(conn, REVIEW, &issue.to_string()).await.answer()?;
        Ok(review.map(|r| {
            let (trigger, streak) = began_for(&r);
            IssueProductivityReview {
                review_issue_id: r.id,
                review_identifier: r.identifier,
                status: r.status,
                priority: r.priority,
                trigger,
                no_comment_streak: streak.filter(|_| trigger == Some(ProductivityTrigger::NoCommentStreak)),
                created_at: r.created_at,
                updated_at: r.updated_at,
            }
        }))
    }

    /// Whether the issue's agent is not sent on by itself, because somebody is asked whether it gets anywhere.
    pub(crate) async fn held_by_review(&self, tx: &mut WriteTx, issue: IssueId) -> Answer<bool> {
        let review = store::watchdog::open_from(tx, REVIEW, &issue.to_string()).await.answer()?;
        Ok(review.and_then(|r| began_for(&r).0).is_some_and(holds_continuations))
    }
}

/// What a review began for, and how many runs had left no word then.
fn began_for(review: &Issue) -> (Option<ProductivityTrigger>, Option<i64>) {
    let (word, streak) =
        review.origin_fingerprint.split_once(':').unwrap_or((review.origin_fingerprint.as_str(), ""));
    (word.parse().ok(), streak.parse().ok())
}

/// What whoever looks has to know.
fn brief(issue: &Issue, name: &str, why: &str) -> String {
    format!(
        "{name} works on {} ({}). {why}.\n\nRead its thread and its runs, and see whether it gets anywhere. Then say in \
         its thread what is to change, give it to somebody else, split it, block it or close it. Do none of its work \
         here. Closing this review lets the agent go on as before; it is not reviewed again for six hours.",
        issue.display_key(),
        issue.title
    )
}

#[cfg(test)]
mod tests;
