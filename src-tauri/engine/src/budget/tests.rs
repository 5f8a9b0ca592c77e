#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use contract::agent::{Agent, AgentStatus};
use contract::approval::{Approval, ApprovalStatus};
use contract::budget::{
    BudgetIncidentStatus, BudgetMetric, BudgetOverview, BudgetPolicy, BudgetScope, BudgetStatus,
    BudgetThreshold, BudgetWindow,
};
use contract::company::{Company, PauseReason};
use contract::recovery::{OutlookAction, OutlookState};
use contract::run::{Run, RunStatus};
use contract::wake::{WakeupRequest, WakeupStatus};
use contract::{Cents, ErrorCode, Micros};
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Ends, Sim, id, invariants, metered, payee};

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Sim {
    async fn funded(&self, name: &str, cents: i64) -> String {
        self.agent(name, json!({ "budgetMonthlyCents": cents })).await
    }

    async fn agent_now(&self, agent: &str) -> Agent {
        serde_json::from_value(self.ask("agents.get", json!({ "id": agent })).await).unwrap()
    }

    async fn company_now(&self) -> Company {
        serde_json::from_value(self.ask("companies.get", json!({ "companyId": self.company })).await).unwrap()
    }

    pub(crate) async fn budgets(&self) -> BudgetOverview {
        let all = self.ask("budgets.overview", json!({ "companyId": self.company })).await;
        serde_json::from_value(all).unwrap()
    }

    async fn approvals(&self) -> Vec<Approval> {
        let all = self.ask("approvals.list", json!({ "companyId": self.company })).await;
        serde_json::from_value(all).unwrap()
    }

    async fn wakes(&self, agent: &str) -> Vec<WakeupRequest> {
        let q = json!({ "companyId": self.company, "agentId": agent });
        serde_json::from_value(self.ask("wakeups.list", q).await).unwrap()
    }

    fn ask_policy(&self, agent: &str, amount: i64) -> BudgetPolicy {
        let at = self.engine.now();
        BudgetPolicy {
            id: self.engine.new_id(),
            company_id: self.company.parse().unwrap(),
            scope_type: BudgetScope::Agent,
            scope_id: agent.parse().unwrap(),
            metric: BudgetMetric::BilledCents,
            window_kind: BudgetWindow::CalendarMonthUtc,
            amount: Cents::new(amount),
            warn_percent: 80,
            hard_stop_enabled: true,
            notify_enabled: true,
            is_active: true,
            created_by_user_id: None,
            updated_by_user_id: None,
            created_at: at,
            updated_at: at,
        }
    }

    async fn spent(&self, run: &Run) -> Micros {
        let mut conn = self.engine.store.read().await.unwrap();
        store::costs::of_run(&mut conn, run.id).await.unwrap().iter().map(|e| e.cost_micros).sum()
    }

    /// Why a run at work is to end, if it is.
    async fn stopping(&self, run: &Run) -> Option<String> {
        let mut conn = self.engine.store.read().await.unwrap();
        store::runs::cancel_reason(&mut conn, run.id).await.unwrap()
    }

    async fn resolve(
        &self,
        incident: &contract::BudgetIncidentId,
        action: &str,
        amount: Option<i64>,
    ) -> Value {
        let q =
            json!({ "companyId": self.company, "incidentId": incident, "action": action, "amount": amount });
        self.ask("budgets.resolve", q).await
    }
}

#[tokio::test]
async fn a_run_is_stopped_by_the_message_that_reaches_its_limit_and_everybody_is_told_why() {
    let sim = Sim::new(1).await;
    let one_at_a_time = json!({ "heartbeat": { "maxConcurrentRuns": 1 } });
    let agent = json!({ "budgetMonthlyCents": 100, "runtimeConfig": one_at_a_time });
    let agent = sim.agent("Ada", agent).await;
    let issue = sim.issue(&agent).await;
    let waiting = sim.issue(&agent).await;
    let run = sim.one().await;
    sim.say(&run, "0:a", 60.0).await;
    assert_eq!(sim.stopping(&run).await, None);
    assert!(sim.budgets().await.active_incidents.is_empty());
    sim.say(&run, "0:b", 25.0).await;
    let warned = sim.budgets().await.active_incidents;
    assert_eq!(warned.len(), 1);
    assert_eq!((warned[0].threshold_type, warned[0].amount_observed.get()), (BudgetThreshold::Soft, 85));
    sim.say(&run, "0:c", 5.0).await;
    assert_eq!(sim.budgets().await.active_incidents.len(), 1, "one warning a window");

    sim.say(&run, "0:d", 30.0).await;
    assert_eq!(sim.stopping(&run).await.as_deref(), Some("The budget of Ada is spent"));
    let now = sim.agent_now(&agent).await;
    assert_eq!((now.status, now.pause_reason), (AgentStatus::Paused, Some(PauseReason::Budget)));
    assert_eq!((now.budget_monthly_cents.get(), now.spent_monthly_cents.get()), (100, 120));
    let all = sim.budgets().await;
    assert_eq!(all.active_incidents.len(), 1, "the stop takes the place of the warning");
    let stop = &all.active_incidents[0];
    assert_eq!(
        (stop.threshold_type, stop.approval_status),
        (BudgetThreshold::Hard, Some(ApprovalStatus::Pending))
    );
    assert_eq!((all.policies[0].status, all.pending_approval_count), (BudgetStatus::HardStop, 1));

    // The message before the last found room: no more than one message goes over.
    assert!(sim.spent(&run).await.get() - 1_000_000 < 300_000);
    sim.end(&run, Ends::Badly("cancelled")).await;
    let ended = sim.run(run.id).await;
    assert_eq!((ended.status, ended.error_code.as_deref()), (RunStatus::Cancelled, Some("budget_paused")));
    assert_eq!(ended.result_json.unwrap()["stopReason"], "budget_paused");
    invariants(&sim).await;

    // What waits is held with its reason, and so is what comes in.
    assert!(sim.started().await.is_empty());
    for held in [issue, waiting] {
        let outlook = sim.outlook(held).await;
        assert_eq!((outlook.state, outlook.action), (OutlookState::Held, Some(OutlookAction::RaiseBudget)));
        assert_eq!(outlook.reason, "The budget of Ada is spent");
    }
    sim.ask("comments.add", json!({ "id": issue, "body": "And please tell me." })).await;
    let newest = &sim.wakes(&agent).await[0];
    assert_eq!(newest.status, WakeupStatus::Queued);
    assert_eq!(newest.error.as_deref(), Some("Held: the budget of Ada is spent"));
    let refused = sim.try_ask(&Caller::operator(), "agents.wake", json!({ "id": agent })).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    assert_eq!(refused.details.unwrap()["scopeType"], "agent");
    assert!(sim.started().await.is_empty());
    let resume = sim.try_ask(&Caller::operator(), "agents.resume", json!({ "id": agent })).await;
    assert_eq!(resume.unwrap_err().message, "The budget of Ada is spent");
}

#[tokio::test]
async fn raising_a_budget_lets_everything_go_on_once() {
    let sim = Sim::new(2).await;
    let agent = sim.funded("Ada", 100).await;
    let cut = sim.issue(&agent).await;
    let run = sim.one().await;
    sim.say(&run, "0:a", 100.0).await;
    sim.end(&run, Ends::Badly("cancelled")).await;
    let held = sim.issue(&agent).await;
    sim.ask("comments.add", json!({ "id": held, "body": "Soon." })).await;
    assert!(sim.started().await.is_empty());
    let incident = sim.budgets().await.active_incidents[0].id;
    let low = json!({ "companyId": sim.company, "incidentId": incident, "action": "raise_budget_and_resume",
        "amount": 100 });
    let refused = sim.try_ask(&Caller::operator(), "budgets.resolve", low).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unprocessable, "not above what is spent");

    let resolved = sim.resolve(&incident, "raise_budget_and_resume", Some(500)).await;
    assert_eq!(
        (resolved["status"].as_str(), resolved["approvalStatus"].as_str()),
        (Some("resolved"), Some("approved"))
    );
    let now = sim.agent_now(&agent).await;
    assert_eq!((now.pause_reason, now.budget_monthly_cents.get()), (None, 500));
    let mut started: Vec<_> = sim.started().await.iter().map(|r| r.issue_id.unwrap()).collect();
    started.sort();
    let mut both = vec![cut, held];
    both.sort();
    assert_eq!(started, both, "what was cut short and what was held, each once");
    assert!(sim.wakes(&agent).await.iter().all(|w| w.error.is_none() || w.status != WakeupStatus::Claimed));
    let again = json!({ "companyId": sim.company, "incidentId": incident, "action": "keep_paused" });
    let refused = sim.try_ask(&Caller::operator(), "budgets.resolve", again).await.unwrap_err();
    assert_eq!(refused.message, "The incident is resolved already");
    invariants(&sim).await;
}

#[tokio::test]
async fn what_is_read_again_after_a_restart_counts_once_and_the_total_has_the_last_word() {
    let sim = Sim::new(3).await;
    let agent = sim.funded("Ada", 1000).await;
    sim.issue(&agent).await;
    let run = sim.one().await;
    // A message grows while it is written.
    sim.say(&run, "0:a", 2.0).await;
    sim.say(&run, "0:a", 3.0).await;
    sim.say(&run, "0:b", 4.5).await;
    let version = sim.engine.store.version();
    // The whole log once more, from its beginning.
    for (key, cents) in [("0:a", 2.0), ("0:a", 3.0), ("0:b", 4.5)] {
        sim.say(&run, key, cents).await;
    }
    assert_eq!(sim.spent(&run).await, Micros::new(75_000));
    assert_eq!(sim.engine.store.version(), version, "nothing was written");
    // The agent's own total is 8 cents: half a cent more than was reckoned; then 7.
    for (correction, total) in [(0.5, 80_000), (0.5, 80_000), (-0.5, 70_000)] {
        let m = [metered("0:total", correction, true)];
        sim.engine.meter(run.id, &payee(), &m).await.unwrap();
        assert_eq!(sim.spent(&run).await, Micros::new(total));
    }
    let range = json!({ "companyId": sim.company });
    let by_agent = sim.ask("costs.by_agent", range.clone()).await;
    assert_eq!((by_agent[0]["costCents"].as_i64(), by_agent[0]["apiRunCount"].as_i64()), (Some(7), Some(1)));
    for sums in ["costs.by_agent_model", "costs.by_provider", "costs.by_project"] {
        let rows = sim.ask(sums, range.clone()).await;
        assert_eq!((rows.as_array().unwrap().len(), rows[0]["costCents"].as_i64()), (1, Some(7)), "{sums}");
    }
    let summary = sim.ask("costs.summary", range).await;
    assert_eq!((summary["spendCents"].as_i64(), summary["budgetCents"].as_i64()), (Some(7), Some(0)));
    assert_eq!(sim.company_now().await.spent_monthly_cents.get(), 7);
    assert_eq!(sim.agent_now(&agent).await.spent_monthly_cents.get(), 7);
}

#[tokio::test]
async fn a_crash_leaves_neither_an_entry_without_its_stop_nor_a_run_that_goes_on() {
    let sim = Sim::new(4).await;
    let agent = sim.funded("Ada", 50).await;
    sim.issue(&agent).await;
    let run = sim.one().await;
    // Before the commit: as if nothing had been read.
    {
        let mut tx = sim.engine.store.write(sim.engine.now()).await.unwrap();
        let m = [metered("0:a", 60.0, false)];
        let kills = sim.engine.enter(&mut tx, &run, &payee(), &m).await.unwrap();
        assert_eq!(kills.len(), 1);
    }
    assert_eq!((sim.spent(&run).await, sim.stopping(&run).await), (Micros::ZERO, None));
    // After the commit, before the host was told: the run is known to end, whoever takes it up.
    {
        let mut tx = sim.engine.store.write(sim.engine.now()).await.unwrap();
        let m = [metered("0:a", 60.0, false)];
        let kills = sim.engine.enter(&mut tx, &run, &payee(), &m).await.unwrap();
        tx.commit().await.unwrap();
        drop(kills);
    }
    assert!(sim.stopping(&run).await.is_some());
    assert_eq!(sim.agent_now(&agent).await.pause_reason, Some(PauseReason::Budget));
    // Taken up again, its log is read again, and it ends without another try.
    sim.say(&run, "0:a", 60.0).await;
    sim.end(&run, Ends::Lost).await;
    assert_eq!(sim.run(run.id).await.status, RunStatus::Cancelled);
    assert_eq!(sim.spent(&run).await, Micros::new(600_000));
    assert_eq!(sim.approvals().await.len(), 1, "asked once");
    sim.pass(DAY).await;
    assert!(sim.started().await.is_empty());
}

#[tokio::test]
async fn a_limit_that_is_reached_while_nobody_looked_stops_at_the_next_look() {
    let sim = Sim::new(5).await;
    let agent = sim.agent("Ada", json!({})).await;
    sim.issue(&agent).await;
    let run = sim.one().await;
    sim.say(&run, "0:a", 60.0).await;
    // Set past the engine, as by a restored backup.
    let mut tx = sim.engine.store.write(sim.engine.now()).await.unwrap();
    let policy = sim.ask_policy(&agent, 50);
    store::budgets::create(&mut tx, &policy).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sim.stopping(&run).await, None);
    sim.settle().await;
    assert!(sim.stopping(&run).await.is_some());
    assert_eq!(sim.agent_now(&agent).await.pause_reason, Some(PauseReason::Budget));
    let version = sim.engine.store.version();
    sim.settle().await;
    assert_eq!(sim.engine.store.version(), version, "and is not written again");
}

#[tokio::test]
async fn runs_that_start_together_never_set_aside_more_than_there_is() {
    let sim = Sim::new(6).await;
    sim.ask("budgets.company", json!({ "companyId": sim.company, "budgetMonthlyCents": 25 })).await;
    let mut issues = Vec::new();
    for name in ["Ada", "Bo", "Cy", "Di"] {
        let agent = sim.agent(name, json!({})).await;
        issues.push(sim.issue(&agent).await);
    }
    // Ten cents each are set aside: two fit into 25, a third does not.
    let two = sim.started().await;
    assert_eq!(two.len(), 2);
    let summary = &sim.budgets().await.policies[0];
    assert_eq!((summary.reserved_amount.get(), summary.observed_amount.get()), (20, 0));
    let waiting = issues.iter().find(|i| two.iter().all(|r| r.issue_id != Some(**i))).unwrap();
    let outlook = sim.outlook(*waiting).await;
    assert_eq!(outlook.state, OutlookState::Queued);
    assert!(outlook.reason.contains("budget of Sim is set aside"), "{}", outlook.reason);
    // One ends cheap: what it had set aside is free for one other.
    sim.say(&two[0], "0:a", 1.0).await;
    sim.end(&two[0], Ends::Well("")).await;
    sim.ask("issues.update", json!({ "id": two[0].issue_id, "status": "done" })).await;
    let mut next = sim.started().await;
    next.retain(|r| r.issue_id != two[0].issue_id);
    assert_eq!(next.len(), 1, "{next:#?}");
    // Both spend up to the end: the limit stops both, and what goes over is at most one message of each.
    sim.say(&two[1], "0:a", 15.0).await;
    sim.say(&next[0], "0:a", 12.0).await;
    assert!(sim.stopping(&two[1]).await.is_some() && sim.stopping(&next[0]).await.is_some());
    assert_eq!(sim.company_now().await.pause_reason, Some(PauseReason::Budget));
    let last = issues
        .iter()
        .find(|i| [two[0].issue_id, two[1].issue_id, next[0].issue_id].iter().all(|r| *r != Some(**i)));
    assert_eq!(sim.outlook(*last.unwrap()).await.reason, "The budget of Sim is spent");
    invariants(&sim).await;
}

#[tokio::test]
async fn a_new_month_lets_work_go_on_and_what_was_decided_stays() {
    let sim = Sim::new(7).await;
    let (ada, bo) = (sim.funded("Ada", 100).await, sim.funded("Bo", 100).await);
    let issue = sim.issue(&ada).await;
    sim.issue(&bo).await;
    for run in sim.started().await {
        sim.say(&run, "0:a", 130.0).await;
        sim.end(&run, Ends::Badly("cancelled")).await;
    }
    let incidents = sim.budgets().await.active_incidents;
    let of = |agent: &str| incidents.iter().find(|i| i.scope_id.to_string() == agent).unwrap().id;
    sim.resolve(&of(&bo), "keep_paused", None).await;
    let kept = sim.approvals().await;
    assert_eq!(kept.iter().filter(|a| a.status == ApprovalStatus::Rejected).count(), 1);
    sim.settle().await;
    assert_eq!(sim.budgets().await.active_incidents.len(), 1, "who decided is not asked again");

    sim.pass(40 * DAY).await;
    let (ada_now, bo_now) = (sim.agent_now(&ada).await, sim.agent_now(&bo).await);
    assert_eq!((ada_now.pause_reason, ada_now.spent_monthly_cents), (None, Cents::ZERO));
    assert_eq!(bo_now.pause_reason, Some(PauseReason::Budget), "kept paused until somebody says otherwise");
    assert_eq!(sim.one().await.issue_id, Some(issue));
    assert!(sim.budgets().await.active_incidents.is_empty());
    assert!(sim.approvals().await.iter().all(|a| a.status != ApprovalStatus::Pending));
    let listed = sim.ask("agents.list", json!({ "companyId": sim.company })).await;
    assert!(listed.as_array().unwrap().iter().all(|a| a["spentMonthlyCents"] == 0), "{listed}");
    // With money, the operator can resume it.
    sim.ask("agents.resume", json!({ "id": bo })).await;
    assert_eq!(sim.one().await.agent_id.to_string(), bo);
}

#[tokio::test]
async fn a_budget_never_ends_a_pause_of_the_operator() {
    let sim = Sim::new(8).await;
    let agent = sim.funded("Ada", 100).await;
    sim.issue(&agent).await;
    let run = sim.one().await;
    // Paused by hand while it works, and then its budget is reached by its last message.
    sim.ask("agents.pause", json!({ "id": agent })).await;
    sim.say(&run, "0:a", 130.0).await;
    assert_eq!(sim.agent_now(&agent).await.pause_reason, Some(PauseReason::Manual));
    let incident = sim.budgets().await.active_incidents[0].id;
    sim.resolve(&incident, "raise_budget_and_resume", Some(900)).await;
    let now = sim.agent_now(&agent).await;
    assert_eq!((now.status, now.pause_reason), (AgentStatus::Paused, Some(PauseReason::Manual)));
    sim.end(&run, Ends::Badly("cancelled")).await;

    // Paused by a budget, and then by hand: the pause is the operator's.
    let other = sim.funded("Bo", 100).await;
    sim.issue(&other).await;
    let run = sim.one().await;
    sim.say(&run, "0:a", 130.0).await;
    sim.end(&run, Ends::Badly("cancelled")).await;
    sim.ask("agents.pause", json!({ "id": other })).await;
    sim.ask("budgets.agent", json!({ "agentId": other, "budgetMonthlyCents": 0 })).await;
    sim.pass(40 * DAY).await;
    assert_eq!(sim.agent_now(&other).await.pause_reason, Some(PauseReason::Manual));
    assert!(sim.started().await.is_empty());
}

#[tokio::test]
async fn the_number_an_agent_or_a_company_carries_and_its_budget_are_one() {
    let sim = Sim::new(9).await;
    let agent = sim.funded("Ada", 100).await;
    let amounts = |b: &BudgetOverview| b.policies.iter().map(|p| p.amount.get()).collect::<Vec<_>>();
    assert_eq!(amounts(&sim.budgets().await), [100]);
    sim.ask("agents.update", json!({ "id": agent, "budgetMonthlyCents": 200 })).await;
    sim.ask("companies.update", json!({ "companyId": sim.company, "budgetMonthlyCents": 700 })).await;
    assert_eq!(amounts(&sim.budgets().await), [200, 700]);
    let set = json!({ "companyId": sim.company, "scopeType": "agent", "scopeId": agent, "amount": 300 });
    sim.ask("budgets.set", set).await;
    assert_eq!(sim.agent_now(&agent).await.budget_monthly_cents.get(), 300);
    // Lifted, it limits nothing; lowered below what is spent, it stops at once.
    sim.issue(&agent).await;
    let run = sim.one().await;
    sim.say(&run, "0:a", 250.0).await;
    assert_eq!(sim.stopping(&run).await, None);
    sim.ask("agents.update", json!({ "id": agent, "budgetMonthlyCents": 240 })).await;
    assert!(sim.stopping(&run).await.is_some());
    sim.end(&run, Ends::Badly("cancelled")).await;
    let lifted = sim.ask("budgets.agent", json!({ "agentId": agent, "budgetMonthlyCents": 0 })).await;
    assert_eq!(
        (lifted["status"].as_str(), lifted["pauseReason"].is_null()),
        (Some("idle"), true),
        "{lifted}"
    );
    assert_eq!(sim.approvals().await[0].status, ApprovalStatus::Cancelled, "the question became needless");
    assert_eq!(sim.one().await.agent_id.to_string(), agent);
}

#[tokio::test]
async fn a_project_s_budget_stops_its_work_and_no_other() {
    let sim = Sim::new(10).await;
    let agent = sim.agent("Ada", json!({})).await;
    let project = id(&sim.ask("projects.create", json!({ "companyId": sim.company, "name": "Moon" })).await);
    let set = json!({ "companyId": sim.company, "scopeType": "project", "scopeId": project, "amount": 100 });
    let policy = sim.ask("budgets.set", set).await;
    assert_eq!(policy["windowKind"], "lifetime");
    let body =
        json!({ "companyId": sim.company, "title": "Fly", "assigneeAgentId": agent, "projectId": project });
    let inside = id(&sim.ask("issues.create", body).await).parse().unwrap();
    let outside = sim.issue(&agent).await;
    let runs = sim.started().await;
    let (of_project, other): (Vec<_>, Vec<_>) = runs.into_iter().partition(|r| r.issue_id == Some(inside));
    sim.say(&other[0], "0:a", 500.0).await;
    sim.say(&of_project[0], "0:a", 100.0).await;
    assert!(sim.stopping(&of_project[0]).await.is_some());
    assert_eq!(sim.stopping(&other[0]).await, None);
    sim.end(&of_project[0], Ends::Badly("cancelled")).await;
    sim.end(&other[0], Ends::Badly("cancelled")).await;
    let project_now = sim.ask("projects.get", json!({ "id": project })).await;
    assert_eq!(project_now["pauseReason"], "budget");
    sim.pass(40 * DAY).await;
    sim.engine.sweep().await.unwrap();
    assert!(sim.started().await.iter().all(|r| r.issue_id != Some(inside)), "a lifetime has no new month");
    assert_eq!(sim.outlook(inside).await.reason, "The budget of Moon is spent");
    assert_ne!(sim.outlook(outside).await.state, OutlookState::Held);
    let incident = sim.budgets().await.active_incidents[0].id;
    sim.resolve(&incident, "raise_budget_and_resume", None).await;
    assert!(sim.started().await.iter().any(|r| r.issue_id == Some(inside)));
}

#[tokio::test]
async fn an_approval_of_the_board_raises_the_budget_and_is_given_once() {
    let sim = Sim::new(11).await;
    let agent = sim.funded("Ada", 100).await;
    sim.issue(&agent).await;
    let run = sim.one().await;
    sim.say(&run, "0:a", 110.0).await;
    sim.end(&run, Ends::Badly("cancelled")).await;
    let asked = sim.approvals().await.remove(0);
    assert_eq!(
        (asked.payload["scopeName"].as_str(), asked.payload["proposedAmount"].as_i64()),
        (Some("Ada"), Some(200))
    );
    let as_agent = Sim::as_run(&run);
    let refused = sim.try_ask(&as_agent, "approvals.approve", json!({ "id": asked.id })).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Forbidden);
    let revise =
        sim.try_ask(&Caller::operator(), "approvals.request_revision", json!({ "id": asked.id })).await;
    assert_eq!(revise.unwrap_err().code, ErrorCode::Unprocessable);
    let note = json!({ "id": asked.id, "decisionNote": "Go on." });
    let given = sim.ask("approvals.approve", note.clone()).await;
    assert_eq!(
        (given["status"].as_str(), given["decisionNote"].as_str()),
        (Some("approved"), Some("Go on."))
    );
    assert_eq!(sim.agent_now(&agent).await.budget_monthly_cents.get(), 200);
    assert_eq!(sim.started().await.len(), 1);
    // Again: nothing more happens. The other way: refused with the reason.
    sim.ask("approvals.approve", note).await;
    assert_eq!(sim.agent_now(&agent).await.budget_monthly_cents.get(), 200);
    assert!(sim.started().await.is_empty());
    let no =
        sim.try_ask(&Caller::operator(), "approvals.reject", json!({ "id": asked.id })).await.unwrap_err();
    assert_eq!(
        (no.code, no.message.as_str()),
        (ErrorCode::Unprocessable, "The approval is approved already")
    );
    assert_eq!(sim.budgets().await.active_incidents.len(), 0);
    // The raised limit is crossed in turn: the same incident opens again, with a question of its own.
    let run = sim.started().await.pop();
    assert!(run.is_none());
    let mut conn = sim.engine.store.read().await.unwrap();
    let live = store::runs::live(&mut conn, None).await.unwrap().remove(0);
    drop(conn);
    sim.say(&live, "0:a", 95.0).await;
    let open = sim.budgets().await.active_incidents;
    assert_eq!(
        (open.len(), open[0].status, open[0].amount_limit.get()),
        (1, BudgetIncidentStatus::Open, 200)
    );
    assert_eq!(sim.approvals().await.len(), 2);
}

#[tokio::test]
async fn agents_report_what_they_alone_know_and_for_themselves_alone() {
    let sim = Sim::new(14).await;
    let agent = sim.funded("Ada", 100).await;
    let other = sim.agent("Bo", json!({})).await;
    sim.issue(&agent).await;
    let run = sim.one().await;
    let me = Sim::as_run(&run);
    let report = |agent: &str, cents: i64, billing: &str| {
        json!({ "companyId": sim.company, "agentId": agent, "provider": "other", "model": "m", "costCents": cents,
            "billingType": billing, "heartbeatRunId": run.id, "occurredAt": sim.engine.now() })
    };
    let refused = sim.try_ask(&me, "costs.report", report(&other, 5, "metered_api")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Forbidden);
    let free = sim.try_ask(&me, "costs.report", report(&agent, 900, "subscription_included")).await.unwrap();
    assert_eq!(free["costCents"], 0, "a subscription is paid for already");
    assert_eq!(sim.stopping(&run).await, None);
    let dear = sim.try_ask(&me, "costs.report", report(&agent, 101, "metered_api")).await.unwrap();
    assert_eq!((dear["costCents"].as_i64(), dear["biller"].as_str()), (Some(101), Some("other")));
    assert!(sim.stopping(&run).await.is_some());
}

#[tokio::test]
async fn a_run_whose_cost_cannot_be_seen_any_more_is_stopped_where_a_budget_covers_it() {
    let sim = Sim::new(77).await;
    let (poor, rich) = (sim.funded("Ada", 5000).await, sim.agent("Bo", json!({})).await);
    for agent in [&poor, &rich] {
        sim.issue(agent).await;
    }
    for run in sim.started().await {
        sim.engine.stop_unmetered(run.id, "the disk is nearly full").await.unwrap();
        let stops = sim.stopping(&run).await;
        if run.agent_id.to_string() == poor {
            assert!(stops.unwrap().contains("the disk is nearly full"));
        } else {
            assert_eq!(stops, None, "nobody set a limit");
        }
        sim.end(&run, Ends::Lost).await;
        let ended = sim.run(run.id).await;
        assert!(ended.result_json.is_none_or(|r| !r.contains_key("unaccounted")), "it had not begun");
    }
    invariants(&sim).await;
}
