//! Random lives of random companies, on the simulated clock: whatever people, agents, providers and the machine do, in
//! whatever order, the rules of `sim::invariants` hold after every step, and once everybody lets go it comes to rest.
//!
//! A life follows from its seed alone. One that breaks a rule prints its seed and its steps;
//! `PAPERCLIP_SIM_SEED=<seed>` lives it again by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acts;
mod faults;
mod plans;

use std::time::Duration;

use contract::recovery::OutlookState;
use contract::run::{Run, RunStatus};
use contract::{ErrorCode, IssueId};
use serde_json::{Value, json};

use crate::Caller;
use crate::sim::{Ends, Sim, id, invariants};

/// Lives in one test, and steps of a life.
const LIVES: u64 = 500;
const STEPS: usize = 20;
/// Runs that one issue may take to come to rest.
const RESTLESS: usize = 40;

/// Numbers without pattern that follow from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { Some(&of[self.roll(of.len())]) }
    }
}

struct Life {
    dice: Dice,
    agents: Vec<String>,
    project: String,
    issues: Vec<IssueId>,
    plans: Vec<plans::Plan>,
    running: Vec<Run>,
    told: Vec<String>,
    /// Messages of models so far.
    words: usize,
    disk_full: bool,
    refused_by_disk: usize,
}

impl Life {
    async fn begin(sim: &mut Sim, seed: u64) -> Self {
        sim.found(&format!("Life {seed}")).await;
        let mut agents = Vec::new();
        for name in ["Ada", "Bo", "Cy"] {
            // In every other company somebody stands above the others.
            let more = match agents.first() {
                Some(boss) if seed.is_multiple_of(2) => json!({ "reportsTo": boss }),
                _ => json!({}),
            };
            agents.push(sim.agent(name, more).await);
        }
        let project = json!({ "companyId": sim.company, "name": "Things" });
        let project = id(&sim.ask("projects.create", project).await);
        // In some companies a manager is asked for the way out of what hangs.
        let asks = json!({ "enableIssueGraphLivenessAutoRecovery": seed.is_multiple_of(4) });
        sim.ask("settings.patch-experimental", asks).await;
        let (issues, plans, running, told) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            dice: Dice(seed),
            agents,
            project,
            issues,
            plans,
            running,
            told,
            words: 0,
            disk_full: false,
            refused_by_disk: 0,
        }
    }

    /// Does something, which may be refused but never fails.
    async fn ask(&mut self, sim: &Sim, caller: &Caller, operation: &str, input: Value) -> Option<Value> {
        let told = format!("{operation} {input}");
        match sim.try_ask(caller, operation, input).await {
            Ok(v) => {
                self.told.push(told);
                Some(v)
            }
            Err(e) => {
                let full = self.disk_full && e.code == ErrorCode::DiskFull;
                let broken = matches!(
                    e.code,
                    ErrorCode::Internal
                        | ErrorCode::ValidationError
                        | ErrorCode::StoreUnavailable
                        | ErrorCode::StoreDamaged
                        | ErrorCode::DiskFull
                );
                let cut = sim.is_dying() && e.code == ErrorCode::StoreUnavailable;
                assert!(full || cut || !broken, "{told}: {e:?}");
                self.refused_by_disk += usize::from(full);
                self.told.push(format!("{told} (refused: {})", e.message));
                None
            }
        }
    }

    async fn operator(&mut self, sim: &Sim, operation: &str, input: Value) -> Option<Value> {
        self.ask(sim, &Caller::operator(), operation, input).await
    }

    async fn step(&mut self, sim: &Sim) {
        match self.dice.roll(29) {
            0..=2 => self.create(sim).await,
            3..=4 => self.change(sim).await,
            5 => self.speak(sim).await,
            6..=8 => self.work(sim).await,
            9..=11 => self.finish(sim).await,
            12..=13 => self.wait(sim).await,
            14 => self.pause(sim).await,
            15..=16 => self.steer(sim).await,
            17 => self.decide(sim).await,
            18 => self.sweep(sim).await,
            19..=20 => self.spend(sim).await,
            21..=22 => self.fund(sim).await,
            23 => self.judge(sim).await,
            24 => Box::pin(self.hard_times(sim)).await,
            25 => self.ring(sim).await,
            26..=27 => Box::pin(self.plan(sim)).await,
            _ => self.wait(sim).await,
        }
        Box::pin(self.look(sim)).await;
    }

    async fn create(&mut self, sim: &Sim) {
        let mut issue = json!({ "companyId": sim.company, "title": "Do it" });
        if self.dice.roll(6) > 0 {
            issue["assigneeAgentId"] = self.dice.pick(&self.agents).unwrap().clone().into();
        }
        if self.dice.roll(3) == 0 {
            issue["projectId"] = self.project.clone().into();
        }
        if let Some(parent) = self.dice.pick(&self.issues).copied().filter(|_| self.dice.roll(2) == 0) {
            issue["parentId"] = json!(parent);
        }
        if let Some(blocker) = self.dice.pick(&self.issues).copied().filter(|_| self.dice.roll(3) == 0) {
            issue["blockedByIssueIds"] = json!([blocker]);
        }
        if self.dice.roll(4) == 0 {
            let reviewer = self.dice.pick(&self.agents).unwrap();
            let kind = ["review", "approval"][self.dice.roll(2)];
            let who = json!({ "type": "agent", "agentId": reviewer });
            issue["executionPolicy"] = json!({ "stages": [{ "type": kind, "participants": [who] }] });
        }
        if let Some(made) = self.operator(sim, "issues.create", issue).await {
            self.issues.push(made["id"].as_str().unwrap().parse().unwrap());
        }
    }

    async fn change(&mut self, sim: &Sim) {
        let Some(issue) = self.dice.pick(&self.issues).copied() else { return };
        let mut input = json!({ "id": issue });
        match self.dice.roll(4) {
            0 => input["assigneeAgentId"] = self.dice.pick(&self.agents).unwrap().clone().into(),
            1 => {
                let others: Vec<_> = self.issues.iter().filter(|i| **i != issue).copied().collect();
                input["blockedByIssueIds"] = json!(self.dice.pick(&others).into_iter().collect::<Vec<_>>());
            }
            _ => {
                let all = ["backlog", "todo", "in_progress", "in_review", "blocked", "done", "cancelled"];
                input["status"] = all[self.dice.roll(all.len())].into();
                if self.dice.roll(2) == 0 {
                    input["comment"] = "So it is.".into();
                }
            }
        }
        self.operator(sim, "issues.update", input).await;
    }

    async fn speak(&mut self, sim: &Sim) {
        let Some(issue) = self.dice.pick(&self.issues).copied() else { return };
        let body = match self.dice.roll(2) {
            0 => "How is it?".to_owned(),
            _ => format!("[@Somebody](agent://{}) look", self.dice.pick(&self.agents).unwrap()),
        };
        let input = json!({ "id": issue, "body": body, "interrupt": self.dice.roll(4) == 0 });
        self.operator(sim, "comments.add", input).await;
    }

    /// A run's agent does something in its own name.
    async fn work(&mut self, sim: &Sim) {
        let Some(run) = self.dice.pick(&self.running).cloned() else { return };
        let Some(issue) = run.issue_id else { return };
        let me = Sim::as_run(&run);
        match self.dice.roll(8) {
            0 => {
                let input =
                    json!({ "id": issue, "agentId": run.agent_id, "expectedStatuses": ["todo", "backlog"] });
                self.ask(sim, &me, "issues.checkout", input).await;
            }
            1 => drop(self.ask(sim, &me, "issues.release", json!({ "id": issue })).await),
            2 => {
                drop(self.ask(sim, &me, "comments.add", json!({ "id": issue, "body": "Half of it." })).await)
            }
            3 => {
                let card = json!({ "id": issue, "kind": "request_confirmation",
                    "continuationPolicy": "wake_assignee", "payload": { "version": 1, "prompt": "Shall I?" } });
                self.ask(sim, &me, "interactions.create", card).await;
            }
            4 => {
                let at = sim.engine.now().plus(Duration::from_secs(60 * (1 + self.dice.roll(90) as u64)));
                let policy = json!({ "monitor": { "nextCheckAt": at, "maxAttempts": self.dice.roll(3) } });
                let input = json!({ "id": issue, "executionPolicy": policy });
                self.ask(sim, &me, "issues.update", input).await;
            }
            n => {
                let status = ["done", "in_review", "blocked", "in_progress"][(n + self.dice.roll(2)) % 4];
                let input = json!({ "id": issue, "status": status, "comment": "As I see it." });
                self.ask(sim, &me, "issues.update", input).await;
            }
        }
    }

    async fn finish(&mut self, sim: &Sim) {
        if self.running.is_empty() {
            return;
        }
        let run = self.running.swap_remove(self.dice.roll(self.running.len()));
        // It may have been told to stop, or be over since.
        if sim.run(run.id).await.status != RunStatus::Running {
            return;
        }
        let ends = match self.dice.roll(8) {
            0..=2 => Ends::Well("Done with it."),
            3 => Ends::Well(""),
            4 => Ends::Badly(
                ["max_turns_exhausted", "adapter_failed", "claude_auth_required"][self.dice.roll(3)],
            ),
            5 => Ends::TurnedAway(None),
            6 => Ends::TurnedAway(Some(sim.engine.now().plus(Duration::from_secs(1800)))),
            _ => Ends::Lost,
        };
        self.told.push(format!("{} ends: {ends:?}", run.id));
        sim.end(&run, ends).await;
    }

    async fn wait(&mut self, sim: &Sim) {
        let seconds = [1, 20, 130, 700, 3700, 40_000][self.dice.roll(6)];
        self.told.push(format!("{seconds} s pass"));
        sim.pass(Duration::from_secs(seconds)).await;
    }

    async fn pause(&mut self, sim: &Sim) {
        let agent = self.dice.pick(&self.agents).unwrap().clone();
        let company = sim.company.clone();
        let (operation, input) = match self.dice.roll(6) {
            0 | 1 => ("agents.pause", json!({ "id": agent })),
            2 | 3 => ("agents.resume", json!({ "id": agent })),
            4 => ("companies.update", json!({ "companyId": company, "status": "paused" })),
            _ => ("companies.update", json!({ "companyId": company, "status": "active" })),
        };
        self.operator(sim, operation, input).await;
    }

    async fn steer(&mut self, sim: &Sim) {
        let Some(issue) = self.dice.pick(&self.issues).copied() else { return };
        let mode = ["pause", "resume", "cancel", "restore"][self.dice.roll(4)];
        let input =
            json!({ "id": issue, "mode": mode, "metadata": { "wakeAgents": self.dice.roll(2) == 0 } });
        self.operator(sim, "trees.hold", input).await;
    }

    /// The operator answers what waits for them.
    async fn decide(&mut self, sim: &Sim) {
        let Some(issue) = self.dice.pick(&self.issues).copied() else { return };
        let cards = sim.ask("interactions.list", json!({ "id": issue })).await;
        for card in cards.as_array().unwrap().iter().filter(|c| c["status"] == "pending") {
            let how = ["interactions.accept", "interactions.reject"][self.dice.roll(2)];
            self.operator(sim, how, json!({ "id": issue, "interactionId": card["id"] })).await;
        }
        let outcome = json!({ "id": issue, "outcome": "restored", "sourceIssueStatus": "todo" });
        self.operator(sim, "recovery.resolve", outcome).await;
        self.operator(sim, "issues.retry_now", json!({ "id": issue })).await;
    }

    /// Takes up what started, and checks that it was allowed to.
    async fn look(&mut self, sim: &Sim) {
        for run in sim.started().await {
            self.told.push(format!("{} starts on {:?}", run.id, run.issue_id));
            let agent = sim.ask("agents.get", json!({ "id": run.agent_id })).await;
            assert!(
                !matches!(agent["status"].as_str(), Some("paused" | "terminated" | "pending_approval")),
                "started although {}: {run:#?}",
                agent["status"]
            );
            self.afforded(sim, &run).await;
            if let Some(issue) = run.issue_id {
                let ctx = run.context_snapshot.clone().unwrap_or_default();
                let paused = sim.try_paused(issue).await;
                assert!(!paused || domain::context::speaks_under_pause(&ctx), "under a pause: {run:#?}");
            }
            if run.status == RunStatus::Running {
                self.running.push(run);
            }
        }
        self.decomposed_once(sim).await;
        invariants(sim).await;
    }

    /// An agent is given a timer, or loses it.
    async fn ring(&mut self, sim: &Sim) {
        let agent = self.dice.pick(&self.agents).unwrap().clone();
        self.set_timer(sim, agent, self.dice.0.is_multiple_of(3)).await;
    }

    async fn set_timer(&mut self, sim: &Sim, agent: String, on: bool) {
        let heartbeat = json!({ "heartbeat": { "enabled": on, "intervalSec": 1800 } });
        self.operator(sim, "agents.update", json!({ "id": agent, "runtimeConfig": heartbeat })).await;
    }

    /// Everybody lets go: nothing is paused, runs end as they come. It comes to rest, and says of every open issue what
    /// it waits for.
    async fn rest(&mut self, sim: &Sim) {
        let company = sim.company.clone();
        self.operator(sim, "companies.update", json!({ "companyId": company, "status": "active" })).await;
        self.lift_budgets(sim).await;
        for agent in self.agents.clone() {
            self.operator(sim, "agents.resume", json!({ "id": agent })).await;
            self.set_timer(sim, agent, false).await;
        }
        let bad = self.dice.roll(2) == 0;
        let mut runs = 0;
        loop {
            Box::pin(self.look(sim)).await;
            let ending = std::mem::take(&mut self.running);
            if ending.is_empty() && !self.something_due(sim).await {
                break;
            }
            for run in ending {
                if sim.run(run.id).await.status == RunStatus::Running {
                    runs += 1;
                    sim.end(
                        &run,
                        if bad { Ends::Badly("adapter_failed") } else { Ends::Well("All I can do.") },
                    )
                    .await;
                }
            }
            invariants(sim).await;
            let most = RESTLESS * (self.issues.len() + 1);
            assert!(runs < most, "{runs} runs, and still it does not come to rest");
            sim.pass(Duration::from_secs(4000)).await;
            self.sweep(sim).await;
        }
        for issue in self.issues.clone() {
            let i = sim.get(issue).await;
            if i.status.is_terminal() || i.assignee_agent_id.is_none() {
                continue;
            }
            let o = sim.outlook(issue).await;
            let shown = o.run_id.is_some()
                || o.action.is_some()
                || matches!(
                    o.state,
                    OutlookState::Blocked | OutlookState::Recovering | OutlookState::Deciding
                );
            assert!(shown && !o.reason.is_empty(), "nothing moves {issue} and nothing shows it: {o:?}");
        }
    }

    async fn something_due(&self, sim: &Sim) -> bool {
        for issue in &self.issues {
            // A time that comes under a pause waits for its end, and nobody ends it here.
            let watched = sim.get(*issue).await.monitor_next_check_at.is_some();
            if sim.live(*issue).await.is_some() || (watched && !sim.try_paused(*issue).await) {
                return true;
            }
        }
        false
    }
}

/// Answers how often the full disk refused something.
async fn live(mut sim: Sim, seed: u64) -> (Sim, usize) {
    let mut life = Life::begin(&mut sim, seed).await;
    let teller = Teller(seed);
    for _ in 0..STEPS {
        let fate = life.dice.roll(60);
        if fate == 1 {
            Box::pin(life.die(&sim)).await;
        }
        if fate <= 1 {
            // The program is killed and started again; the runs in flight had no host that outlived it.
            life.told.push("crash".into());
            life.running.clear();
            sim = Box::pin(sim.crash()).await;
        }
        Box::pin(life.step(&sim)).await;
        teller.keep(&life.told);
    }
    Box::pin(life.rest(&sim)).await;
    let company = sim.company.clone();
    life.operator(&sim, "companies.archive", json!({ "companyId": company })).await;
    for run in life.running.drain(..) {
        sim.end(&run, Ends::Stopped).await;
    }
    (sim, life.refused_by_disk)
}

/// Tells, when a life breaks a rule, which it was and what had happened.
struct Teller(u64);

thread_local! {
    static STORY: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl Teller {
    fn keep(&self, told: &[String]) {
        STORY.with_borrow_mut(|s| told.clone_into(s));
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let story = STORY.with_borrow(|s| s.join("\n  "));
            // Printed with the failure, by the test's own capture.
            #[allow(clippy::print_stderr)]
            {
                eprintln!("seed {} (PAPERCLIP_SIM_SEED={}) after:\n  {story}", self.0, self.0);
            }
        }
    }
}

async fn lives(first: u64) {
    if let Some(seed) = std::env::var("PAPERCLIP_SIM_SEED").ok().and_then(|s| s.parse().ok()) {
        live(Sim::new(seed).await, seed).await;
        return;
    }
    // A new machine now and then, so that a life that is told of needs only its own.
    let mut sim = Sim::new(first).await;
    let mut refused = 0;
    for n in 0..LIVES {
        let seed = first + n;
        if n.is_multiple_of(12) {
            sim = Sim::new(seed).await;
        }
        let by_disk;
        (sim, by_disk) = live(sim, seed).await;
        refused += by_disk;
    }
    assert!(refused > 0, "the disk was never full");
}

#[tokio::test]
async fn no_life_breaks_a_rule_one() {
    lives(1_000_000).await;
}

#[tokio::test]
async fn no_life_breaks_a_rule_two() {
    lives(2_000_000).await;
}

#[tokio::test]
async fn no_life_breaks_a_rule_three() {
    lives(3_000_000).await;
}

#[tokio::test]
async fn no_life_breaks_a_rule_four() {
    lives(4_000_000).await;
}
