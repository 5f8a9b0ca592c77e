//! An accepted plan becomes issues exactly once, whatever is killed in between.
//!
//! The claim is written before the first child, with all that was asked for; each child is written together with its
//! place in the claim. Whoever comes next, another call, another run or the program after a crash, goes on at the
//! place where the claim stands.

use std::sync::Arc;

use contract::child::*;
use contract::interaction::Interaction;
use contract::issue::{Issue, IssuePath};
use contract::operations::*;
use contract::run::RunStatus;
use contract::{ApiError, IssueId, RevisionId};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::WriteTx;

use crate::dispatch::Handle;
use crate::error::{Answer, OrAnswer, OrMissing};
use crate::{Actor, Caller, Engine};

/// Children of one plan.
const MOST_CHILDREN: usize = 25;
impl Handle<ListDecompositions> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: IssuePath) -> Answer<Vec<PlanDecomposition>> {
        let mut conn = self.store.read().await.answer()?;
        let issue = self.issue(&mut conn, caller, &q.id).await?;
        store::decompositions::of_issue(&mut conn, issue.id).await.answer()
    }
}

impl Handle<DecomposePlanOp> for Engine {
    async fn handle(self: &Arc<Self>, caller: &Caller, q: DecomposePlan) -> Answer<PlanDecomposed> {
        if !(1..=MOST_CHILDREN).contains(&q.children.len()) {
            return Err(ApiError::invalid(format!("children: 1 to {MOST_CHILDREN}")));
        }
        self.rehearse(caller, &q).await?;
        let claim = self.claim_plan(caller, &q).await?;
        let (decomposition, made) = self.make_children(caller, claim).await?;
        Ok(PlanDecomposed {
            child_issue_ids: decomposition.child_issue_ids.clone(),
            newly_created_child_issue_ids: made,
            decomposition,
        })
    }
}

/// The same for the same revision and the same children, and for no others.
fn fingerprint(revision: RevisionId, children: &[PlannedChild]) -> String {
    let told = serde_json::to_vec(&(revision, children)).unwrap_or_default();
    Sha256::digest(told).iter().map(|b| format!("{b:02x}")).collect()
}

impl Engine {
    /// Claims the plan, or finds the claim that there is. Durable when it returns.
    async fn claim_plan(&self, caller: &Caller, q: &DecomposePlan) -> Answer<PlanDecomposition> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        may_decompose(caller, &issue)?;
        let revision = q.accepted_plan_revision_id;
        let card = self.accepted_card(&mut tx, &issue, revision).await?;
        let print = fingerprint(revision, &q.children);
        if let Some(claim) = store::decompositions::of_revision(&mut tx, issue.id, revision).await.answer()? {
            return self.join_claim(tx, caller, claim, &print).await;
        }
        let claim = PlanDecomposition {
            id: self.new_id(),
            company_id: issue.company_id,
            source_issue_id: issue.id,
            accepted_plan_revision_id: revision,
            accepted_interaction_id: Some(card.id),
            status: DecompositionStatus::InFlight,
            request_fingerprint: print,
            requested_child_count: i64::try_from(q.children.len()).unwrap_or(i64::MAX),
            requested_children: q.children.clone(),
            child_issue_ids: Vec::new(),
            owner_agent_id: caller.agent_id(),
            owner_user_id: caller.user_id(),
            owner_run_id: caller.run_id(),
            completed_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::decompositions::create(&mut tx, &claim).await.answer()?;
        let details = json!({ "decompositionId": claim.id, "children": claim.requested_child_count });
        self.log_issue(&mut tx, caller, &issue, "issue.plan_decomposition_claimed", details).await?;
        tx.commit().await.answer()?;
        Ok(claim)
    }

    /// The card by which the board accepted exactly this revision of the issue's plan.
    async fn accepted_card(
        &self,
        tx: &mut WriteTx,
        issue: &Issue,
        revision: RevisionId,
    ) -> Answer<Interaction> {
        let plan = store::documents::get(tx, issue.id, domain::plan::KEY).await.answer()?;
        let known = match &plan {
            Some(p) => store::documents::revision(tx, p.summary.id, revision).await.answer()?.is_some(),
            None => false,
        };
        if !known {
            return Err(ApiError::unprocessable(
                "acceptedPlanRevisionId names no revision of this issue's plan",
            ));
        }
        let cards = store::interactions::list(tx, issue.id).await.answer()?;
        cards.into_iter().rev().find(|c| domain::plan::accepted(c) == Some(revision)).ok_or_else(|| {
            ApiError::unprocessable("The board has not accepted this revision of the plan")
                .with_hint("Ask for it: an interaction `request_confirmation` whose target is the plan's newest revision.")
        })
    }

    /// Goes on with a claim, or says why not.
    async fn join_claim(
        &self,
        mut tx: WriteTx,
        caller: &Caller,
        mut claim: PlanDecomposition,
        print: &str,
    ) -> Answer<PlanDecomposition> {
        if claim.request_fingerprint != print {
            return Err(ApiError::conflict("This plan was decomposed into other children before").with_details(json!({
                "decompositionId": claim.id, "status": claim.status, "childIssueIds": claim.child_issue_ids,
            })));
        }
        if claim.status == DecompositionStatus::Completed {
            return Ok(claim);
        }
        let same = claim.owner_run_id == caller.run_id() && claim.owner_agent_id == caller.agent_id();
        if !same {
            let owner = match claim.owner_run_id {
                Some(run) => store::runs::get(&mut tx, run).await.answer()?,
                None => None,
            };
            if owner.is_some_and(|r| r.status == RunStatus::Running) {
                return Err(ApiError::conflict("Another run is at this plan")
                    .with_details(json!({ "decompositionId": claim.id, "ownerRunId": claim.owner_run_id })));
            }
            claim.owner_agent_id = caller.agent_id();
            claim.owner_user_id = caller.user_id();
            claim.owner_run_id = caller.run_id();
            claim.updated_at = tx.at();
            store::decompositions::save(&mut tx, &claim).await.answer()?;
            tx.commit().await.answer()?;
        }
        Ok(claim)
    }

    /// Makes all the children and takes it back: a plan that cannot become issues is refused before it is claimed,
    /// and not when half of it is there.
    async fn rehearse(&self, caller: &Caller, q: &DecomposePlan) -> Answer<()> {
        let mut tx = self.store.write(self.now()).await.answer()?;
        let issue = self.issue(&mut tx, caller, &q.id).await?;
        let revision = q.accepted_plan_revision_id;
        if store::decompositions::of_revision(&mut tx, issue.id, revision).await.answer()?.is_some() {
            return Ok(());
        }
        may_decompose(caller, &issue)?;
        for (n, child) in q.children.iter().enumerate() {
            self.create_child(&mut tx, caller, &issue, child.clone()).await.map_err(|mut e| {
                e.message = format!("children[{n}]: {}", e.message);
                e
            })?;
        }
        Ok(())
    }

    /// Makes the children that are not there yet, one a transaction.
    async fn make_children(
        &self,
        caller: &Caller,
        mut claim: PlanDecomposition,
    ) -> Answer<(PlanDecomposition, Vec<IssueId>)> {
        let mut made = Vec::new();
        while claim.status == DecompositionStatus::InFlight {
            let mut tx = self.store.write(self.now()).await.answer()?;
            // As it is now: somebody may have gone on with it.
            let (source, revision) = (claim.source_issue_id, claim.accepted_plan_revision_id);
            claim = store::decompositions::of_revision(&mut tx, source, revision)
                .await
                .or_missing("Decomposition")?;
            let Some(next) = claim.requested_children.get(claim.child_issue_ids.len()).cloned() else {
                break;
            };
            let issue = store::issues::get(&mut tx, source).await.or_missing("Issue")?;
            let child = self.create_child(&mut tx, caller, &issue, next).await?;
            claim.child_issue_ids.push(child.id);
            claim.updated_at = tx.at();
            if claim.child_issue_ids.len() == claim.requested_children.len() {
                claim.status = DecompositionStatus::Completed;
                claim.completed_at = Some(tx.at());
                let details = json!({ "decompositionId": claim.id, "childIssueIds": claim.child_issue_ids });
                self.log_issue(&mut tx, caller, &issue, "issue.plan_decomposed", details).await?;
            }
            store::decompositions::save(&mut tx, &claim).await.answer()?;
            tx.commit().await.answer()?;
            made.push(child.id);
        }
        Ok((claim, made))
    }

    /// Goes on with plans whose owner is gone, in the owner's name.
    pub(crate) async fn finish_left_plans(&self) -> Answer<()> {
        let left = {
            let mut conn = self.store.read().await.answer()?;
            store::decompositions::left_behind(&mut conn).await.answer()?
        };
        for claim in left {
            let actor = match claim.owner_agent_id {
                Some(id) => Actor::Agent { id, company: claim.company_id, run: claim.owner_run_id },
                None => Actor::Operator,
            };
            let (id, issue) = (claim.id, claim.source_issue_id);
            if let Err(e) = self.make_children(&Caller { actor }, claim).await {
                tracing::warn!(decomposition = %id, %issue, "a plan could not be gone on with: {e}");
            }
        }
        Ok(())
    }
}

fn may_decompose(caller: &Caller, issue: &Issue) -> Answer<()> {
    match caller.agent_id() {
        Some(id) if issue.assignee_agent_id != Some(id) => {
            Err(ApiError::forbidden("Only the issue's assignee or the board may make its plan into issues"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
