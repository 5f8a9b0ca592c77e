//! An engine on a simulated clock, whose agents are scripts: no process, no waiting, no chance but the seed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::issue::Issue;
use contract::recovery::{IssueOutlook, RecoveryAction, RecoveryActions};
use contract::run::{Run, RunStatus};
use contract::{ApiError, ErrorCode, IssueId, JsonObject, Micros, RunId, Timestamp};
use runner::adapter::{BillingType, Conclusion, ErrorFamily, Metered, Outcome, Parsed, Payee, Usage};
use runner::host::{ExitReport, HostLauncher, Progress};
use serde_json::{Value, json};

use crate::run::End;
use crate::{Actor, Caller, Config, Engine, World};

/// Time that stands still unless it is moved, and numbers that follow from a seed.
pub(crate) struct SimWorld {
    now: AtomicI64,
    seed: AtomicU64,
    carried: Mutex<Vec<RunId>>,
    /// How far the clock moves on each time it is looked at: the store takes its time.
    drift: AtomicI64,
    /// The program is dying: what it still tries may fail.
    dying: AtomicBool,
}

impl SimWorld {
    /// A number that follows from the seed (splitmix64).
    pub fn next(&self) -> u64 {
        let mut z = self.seed.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl World for SimWorld {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.fetch_add(self.drift.load(Ordering::Relaxed), Ordering::Relaxed))
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    fn carry(&self, run: RunId) -> bool {
        self.carried.lock().unwrap().push(run);
        true
    }
}

pub(crate) struct Sim {
    pub engine: Arc<Engine>,
    pub world: Arc<SimWorld>,
    pub company: String,
    dir: tempfile::TempDir,
}

/// How a scripted run ends.
#[derive(Debug)]
pub(crate) enum Ends {
    Well(&'static str),
    Badly(&'static str),
    /// The provider turned it away, until then if it said so.
    TurnedAway(Option<Timestamp>),
    Lost,
    /// It was told to stop, and has.
    Stopped,
}

impl Sim {
    /// One in which no command can be started: runs are ended by the test that speaks for them.
    pub async fn new(seed: u64) -> Self {
        Self::launching(seed, HostLauncher::new("no-such-program".into())).await
    }

    /// One whose commands around workspaces really run.
    pub async fn launching(seed: u64, launcher: HostLauncher) -> Self {
        // Where there is memory to be had as a folder, nothing waits for a disk.
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let world = Arc::new(SimWorld {
            now: AtomicI64::new(1_790_000_000_000),
            seed: AtomicU64::new(seed),
            carried: Mutex::default(),
            drift: AtomicI64::new(0),
            dying: AtomicBool::new(false),
        });
        let config = Config { launcher, ..Config::new(dir.path().to_owned(), PathBuf::new()) };
        let engine = Engine::open_in(config, Arc::clone(&world) as Arc<dyn World>).await.unwrap();
        let mut sim = Self { engine, world, company: String::new(), dir };
        sim.found("Sim").await;
        sim
    }

    /// The program is killed and started again on what it left. No run had a host that outlived it.
    pub async fn crash(self) -> Self {
        let Self { engine, world, company, dir } = self;
        world.carried.lock().unwrap().clear();
        world.dying.store(false, Ordering::Relaxed);
        let config = engine.config.clone();
        engine.shutdown().await;
        drop(engine);
        let engine = Engine::open_in(config, Arc::clone(&world) as Arc<dyn World>).await.unwrap();
        engine.adopt_runs().await.unwrap();
        while !engine.live_runs().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Self { engine, world, company, dir }
    }

    /// A new company, which is the one spoken of from now on.
    pub async fn found(&mut self, name: &str) {
        self.company = id(&self.ask("companies.create", json!({ "name": name })).await);
    }

    pub async fn try_ask(&self, caller: &Caller, operation: &str, input: Value) -> Result<Value, ApiError> {
        let reply = self.engine.call(caller, operation, input).await?;
        Ok(serde_json::from_slice(&reply.body).unwrap())
    }

    pub async fn ask(&self, operation: &str, input: Value) -> Value {
        self.try_ask(&Caller::operator(), operation, input).await.unwrap()
    }

    pub async fn agent(&self, name: &str, more: Value) -> String {
        let mut agent = json!({ "companyId": self.company, "name": name, "adapterType": "claude_local" });
        agent.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        id(&self.ask("agents.create", agent).await)
    }

    pub async fn issue(&self, agent: &str) -> IssueId {
        let issue = json!({ "companyId": self.company, "title": "Do it", "assigneeAgentId": agent });
        id(&self.ask("issues.create", issue).await).parse().unwrap()
    }

    /// An issue with these fields.
    pub async fn issue_with(&self, fields: Value) -> IssueId {
        let mut issue = json!({ "companyId": self.company, "title": "Do it" });
        issue.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
        id(&self.ask("issues.create", issue).await).parse().unwrap()
    }

    /// Whether a pause lies over the issue.
    pub async fn try_paused(&self, issue: IssueId) -> bool {
        !self.ask("trees.state", json!({ "id": issue })).await["activePauseHold"].is_null()
    }

    /// Moves the clock and lets everything happen that is due.
    pub async fn pass(&self, time: Duration) {
        self.world.now.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
        self.settle().await;
    }

    /// The clock goes back.
    pub fn set_back(&self, time: Duration) {
        self.world.now.fetch_sub(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// A message of a run's model arrives, and is metered as the run's output is.
    pub async fn say(&self, run: &Run, key: &str, cents: f64) {
        self.must(self.engine.meter(run.id, &payee(), &[metered(key, cents, false)]).await);
    }

    pub async fn settle(&self) {
        self.must(self.engine.mind_budgets().await);
        self.must(Box::pin(self.engine.promote_due()).await);
        self.must(Box::pin(self.engine.tick_timers()).await);
        self.must(Box::pin(self.engine.look_at_due()).await);
        self.must(Box::pin(self.engine.start_queued()).await);
    }

    /// What the program does by itself succeeds, unless it is dying.
    pub fn must<T>(&self, done: Result<T, ApiError>) {
        if let Err(e) = done {
            let cut = self.is_dying() && e.code == ErrorCode::StoreUnavailable;
            assert!(cut, "{e:?}");
        }
    }

    /// The program is killed at the transaction after so many; `crash` starts it again.
    pub async fn die_after(&self, commits: u32) {
        self.world.dying.store(true, Ordering::Relaxed);
        self.engine.store.cut_after(commits).await.unwrap();
    }

    pub fn is_dying(&self) -> bool {
        self.world.dying.load(Ordering::Relaxed)
    }

    /// From now on so much time passes from one look at the clock to the next.
    pub fn drift(&self, by: Duration) {
        self.world.drift.store(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// The runs that were started since the last time.
    pub async fn started(&self) -> Vec<Run> {
        self.settle().await;
        let ids: Vec<RunId> = std::mem::take(&mut *self.world.carried.lock().unwrap());
        let mut out = Vec::new();
        for run in ids {
            out.push(self.run(run).await);
        }
        out
    }

    /// The one run that was started since the last time.
    pub async fn one(&self) -> Run {
        let mut started = self.started().await;
        assert_eq!(started.len(), 1, "{started:#?}");
        started.remove(0)
    }

    /// As the run's agent.
    pub fn as_run(run: &Run) -> Caller {
        Caller { actor: Actor::Agent { id: run.agent_id, company: run.company_id, run: Some(run.id) } }
    }

    /// As the agent of a run, by a key of its own.
    pub fn as_agent(run: &Run) -> Caller {
        Caller { actor: Actor::Agent { id: run.agent_id, company: run.company_id, run: None } }
    }

    pub async fn end(&self, run: &Run, ends: Ends) {
        self.must(self.engine.finish(run.id, &end(ends, self.engine.now())).await);
        self.engine.live_runs().remove(&run.id);
    }

    pub async fn run(&self, run: RunId) -> Run {
        store::runs::get(&mut self.engine.store.read().await.unwrap(), run).await.unwrap().unwrap()
    }

    pub async fn get(&self, issue: IssueId) -> Issue {
        store::issues::get(&mut self.engine.store.read().await.unwrap(), issue).await.unwrap().unwrap()
    }

    pub async fn live(&self, issue: IssueId) -> Option<Run> {
        store::runs::live_on_issue(&mut self.engine.store.read().await.unwrap(), issue).await.unwrap()
    }

    pub async fn outlook(&self, issue: IssueId) -> IssueOutlook {
        serde_json::from_value(self.ask("issues.outlook", json!({ "id": issue })).await).unwrap()
    }

    pub async fn recovery(&self, issue: IssueId) -> Option<RecoveryAction> {
        let all = self.ask("recovery.list", json!({ "id": issue })).await;
        serde_json::from_value::<RecoveryActions>(all).unwrap().active
    }
}

pub(crate) fn payee() -> Payee {
    Payee { provider: "anthropic".into(), biller: "anthropic".into(), billing: BillingType::MeteredApi }
}

pub(crate) fn metered(key: &str, cents: f64, correction: bool) -> Metered {
    let usage = Usage { input_tokens: 1000, output_tokens: 100, ..Usage::default() };
    let cost = Micros::of_usd(cents / 100.0);
    Metered { key: key.to_owned(), model: Some("claude-opus-4-8".into()), usage, cost, correction }
}

pub(crate) fn id(v: &Value) -> String {
    v["id"].as_str().unwrap().to_owned()
}

fn end(ends: Ends, now: Timestamp) -> End {
    let conclusion = match ends {
        Ends::Lost => return End::lost("its host is gone", None),
        Ends::Well(summary) => {
            let mut c = Conclusion::of(Outcome::Succeeded);
            c.summary = (!summary.is_empty()).then(|| summary.to_owned());
            c
        }
        Ends::Stopped => Conclusion::of(Outcome::Cancelled).because("cancelled", "stopped".to_owned()),
        Ends::Badly(code) => Conclusion::of(Outcome::Failed).because(code, format!("it said {code}")),
        Ends::TurnedAway(until) => {
            let mut c =
                Conclusion::of(Outcome::Failed).because("claude_transient_upstream", "You've hit your limit");
            c.error_family = Some(ErrorFamily::TransientUpstream);
            c.retry_not_before = until;
            c
        }
    };
    let exit = ExitReport {
        attempt: 1,
        started: None,
        spawn_failure: None,
        exit_code: Some(0),
        signal: None,
        kill: None,
        at: now,
        reaped: 0,
        progress: Progress::default(),
        log_truncated: None,
    };
    End::concluded(exit, Parsed::default(), conclusion)
}

/// The context a run started from.
pub(crate) fn said(run: &Run, key: &str) -> String {
    let ctx: &JsonObject = run.context_snapshot.as_ref().unwrap();
    ctx.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Checked after every step, whatever happened.
pub(crate) async fn invariants(sim: &Sim) {
    let mut conn = sim.engine.store.read().await.unwrap();
    let company = sim.company.parse().unwrap();
    let live = store::runs::live(&mut conn, Some(company)).await.unwrap();
    for run in &live {
        let Some(issue) = run.issue_id else { continue };
        let on_it: Vec<_> = live.iter().filter(|r| r.issue_id == Some(issue)).collect();
        assert_eq!(on_it.len(), 1, "two live runs of one issue: {on_it:#?}");
    }
    for run in &live {
        let counted = |key: &str| run.context_snapshot.as_ref()?.get(key)?.as_i64();
        let tries =
            (counted("transientAttempts"), counted("turnContinuations"), run.process_loss_retry_count);
        assert!(tries.0 <= Some(4) && tries.1 <= Some(2) && tries.2 <= 5, "tried {tries:?} times: {run:#?}");
    }
    for run in live.iter().filter(|r| r.status == RunStatus::Running) {
        let carried = sim.engine.live_runs().contains_key(&run.id);
        assert!(carried, "a run that nobody carries: {run:#?}");
    }
    if let Some(issue) = store::issues::dangling_locks(&mut conn).await.unwrap().first() {
        let holder = match issue.execution_run_id {
            Some(id) => store::runs::get(&mut conn, id).await.unwrap(),
            None => None,
        };
        panic!("a lock of a run that is over: {issue:#?} held by {holder:#?}");
    }
}
