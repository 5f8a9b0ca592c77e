#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contract::run::{Run, RunStatus};
use contract::wake::{WakeupRequest, WakeupStatus};
use contract::{ErrorCode, RunId, Timestamp};
use serde_json::{Value, json};

use super::finish::End;
use crate::{Caller, Config, Engine, SystemWorld, World, token};

/// The machine's clock and chance, but for the next few tokens, which are all the same.
#[derive(Default)]
struct Loaded {
    same_tokens: AtomicUsize,
}

impl World for Loaded {
    fn now(&self) -> Timestamp {
        SystemWorld.now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        let less = |n: usize| n.checked_sub(1);
        if bytes.len() == 24
            && self.same_tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
        {
            bytes.fill(7);
        } else {
            SystemWorld.fill(bytes);
        }
    }
}

/// An engine whose queue stands still, with a company.
struct Bench {
    engine: Arc<Engine>,
    world: Arc<Loaded>,
    company: String,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Arc::new(Loaded::default());
        let config = Config::new(dir.path().to_owned(), dir.path().join("no-such-program"));
        let engine = Engine::open_in(config, Arc::clone(&world) as Arc<dyn World>).await.unwrap();
        let mut bench = Self { engine, world, company: String::new(), _dir: dir };
        bench.company = text(&bench.ask("companies.create", json!({ "name": "Bench" })).await);
        bench
    }

    async fn ask(&self, operation: &str, input: Value) -> Value {
        let reply = self.engine.call(&Caller::operator(), operation, input).await.unwrap();
        serde_json::from_slice(&reply.body).unwrap()
    }

    async fn agent(&self, name: &str) -> String {
        let agent = json!({ "companyId": self.company, "name": name, "adapterType": "process",
            "adapterConfig": { "command": "true" } });
        text(&self.ask("agents.create", agent).await)
    }

    async fn wake(&self, agent: &str, payload: Value) -> RunId {
        let woken = self.ask("agents.wake", json!({ "id": agent, "payload": payload })).await;
        text(&woken).parse().unwrap()
    }

    async fn run(&self, id: RunId) -> Run {
        store::runs::get(&mut self.engine.store.read().await.unwrap(), id).await.unwrap().unwrap()
    }

    /// As the queue leaves a run that it has started.
    async fn running(&self, id: RunId) {
        let mut run = self.run(id).await;
        let mut tx = self.engine.store.write(self.engine.now()).await.unwrap();
        run.status = RunStatus::Running;
        run.started_at = Some(tx.at());
        run.log_ref = Some(crate::Paths::run_ref(run.company_id, run.id));
        store::runs::save(&mut tx, &run).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn queued(&self) -> Vec<Run> {
        let mut conn = self.engine.store.read().await.unwrap();
        store::runs::with_status(&mut conn, RunStatus::Queued).await.unwrap()
    }

    async fn wakeups(&self) -> Vec<WakeupRequest> {
        serde_json::from_value(self.ask("wakeups.list", json!({ "companyId": self.company })).await).unwrap()
    }

    async fn ended(&self, id: RunId) -> Run {
        let look = async {
            loop {
                let run = self.run(id).await;
                if run.status.is_terminal() {
                    return run;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), look).await.expect("the run never ended")
    }

    /// Decides that the run is to end, as a program that is killed before it tells the host.
    async fn decide_to_stop(&self, id: RunId, why: &str) {
        let run = self.run(id).await;
        let mut tx = self.engine.store.write(self.engine.now()).await.unwrap();
        assert!(self.engine.cancel_run(&mut tx, run, why).await.unwrap().is_some());
        tx.commit().await.unwrap();
    }
}

fn text(v: &Value) -> String {
    v["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_lost_run_gives_what_it_was_for_to_the_one_that_waits_behind_it() {
    let bench = Bench::new().await;
    let agent = bench.agent("One").await;
    let first = bench.wake(&agent, json!({ "commentId": "a" })).await;
    bench.running(first).await;
    let second = bench.wake(&agent, json!({ "commentId": "b" })).await;
    assert_ne!(first, second, "the second waits beside the first");

    bench.engine.finish(first, &End::lost("its host is gone", None)).await.unwrap();
    let run = bench.run(first).await;
    assert_eq!((run.status, run.error_code.as_deref()), (RunStatus::Failed, Some("process_lost")));
    let queued = bench.queued().await;
    assert_eq!(queued.iter().map(|r| r.id).collect::<Vec<_>>(), [second], "only one waits");
    assert_eq!(queued[0].retry_of_run_id, Some(first));
    let ctx = queued[0].context_snapshot.clone().unwrap();
    assert_eq!(domain::context::comment_ids(&ctx), ["a", "b"]);
    let merged = bench.wakeups().await;
    let merged = merged.iter().find(|w| w.reason.as_deref() == Some("process_lost_retry")).unwrap();
    assert_eq!((merged.status, merged.run_id), (WakeupStatus::Coalesced, Some(second)));
}

#[tokio::test]
async fn a_lost_run_with_nobody_behind_it_is_tried_again() {
    let bench = Bench::new().await;
    let agent = bench.agent("One").await;
    let first = bench.wake(&agent, json!({})).await;
    bench.running(first).await;
    bench.engine.finish(first, &End::lost("its host is gone", None)).await.unwrap();
    let queued = bench.queued().await;
    assert_eq!(queued.len(), 1);
    assert_eq!((queued[0].retry_of_run_id, queued[0].process_loss_retry_count), (Some(first), 1));
}

#[tokio::test]
async fn a_run_that_was_to_be_stopped_is_cancelled_and_not_tried_again_when_it_is_found_lost() {
    let bench = Bench::new().await;
    let agent = bench.agent("One").await;
    let run = bench.wake(&agent, json!({})).await;
    bench.running(run).await;
    bench.decide_to_stop(run, "Stopped by the operator").await;
    bench.decide_to_stop(run, "Everything was paused").await;

    // The next start: no host is there.
    bench.engine.adopt_runs().await.unwrap();
    let run = bench.ended(run).await;
    assert_eq!(run.status, RunStatus::Cancelled, "{run:?}");
    assert_eq!(run.error.as_deref(), Some("Stopped by the operator"), "the first reason stays");
    assert_eq!(run.error_code.as_deref(), Some("cancelled"));
    assert!(bench.queued().await.is_empty(), "it is not tried again");
    bench.engine.shutdown().await;
}

#[tokio::test]
async fn runs_that_had_a_host_and_ended_lately_are_looked_at_again() {
    let bench = Bench::new().await;
    let agent = bench.agent("One").await;
    let before = bench.engine.now();
    let run = bench.wake(&agent, json!({})).await;
    bench.running(run).await;
    bench.decide_to_stop(run, "Stopped by the operator").await;
    bench.engine.finish(run, &End::lost("its host is gone", None)).await.unwrap();
    // It never had a host.
    let other = bench.wake(&agent, json!({})).await;
    bench.ask("runs.cancel", json!({ "runId": other })).await;

    let company = bench.company.parse().unwrap();
    let mut conn = bench.engine.store.read().await.unwrap();
    assert_eq!(store::runs::ended_since(&mut conn, before).await.unwrap(), [(run, company)]);
    let later = Timestamp::from_millis(bench.engine.now().millis() + 1);
    assert_eq!(store::runs::ended_since(&mut conn, later).await.unwrap(), []);
}

#[tokio::test]
async fn the_least_of_an_end_frees_the_issue_and_ends_the_wakes() {
    let bench = Bench::new().await;
    let agent = bench.agent("One").await;
    let issue =
        json!({ "companyId": bench.company, "title": "Do it", "status": "todo", "assigneeAgentId": agent });
    let issue: contract::IssueId = text(&bench.ask("issues.create", issue).await).parse().unwrap();
    let run = bench.queued().await[0].id;
    bench.running(run).await;
    let mut tx = bench.engine.store.write(bench.engine.now()).await.unwrap();
    let mut held = store::issues::get(&mut tx, issue).await.unwrap().unwrap();
    (held.execution_run_id, held.checkout_run_id) = (Some(run), Some(run));
    store::issues::save(&mut tx, &held).await.unwrap();
    tx.commit().await.unwrap();

    bench.engine.end_barely(run, "end_not_written", "no more could be written").await.unwrap();
    let run = bench.run(run).await;
    assert_eq!((run.status, run.error.as_deref()), (RunStatus::Failed, Some("no more could be written")));
    let mut conn = bench.engine.store.read().await.unwrap();
    let free = store::issues::get(&mut conn, issue).await.unwrap().unwrap();
    assert_eq!((free.execution_run_id, free.checkout_run_id), (None, None));
    assert_eq!(store::wakeups::open_for_run(&mut conn, run.id).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_run_that_cannot_be_claimed_fails_and_the_next_one_starts() {
    let bench = Bench::new().await;
    // A token that is taken already makes the database refuse the claim of whoever gets it next.
    let over = bench.wake(&bench.agent("Over").await, json!({})).await;
    bench.ask("runs.cancel", json!({ "runId": over })).await;
    bench.world.same_tokens.store(1, Ordering::Relaxed);
    let taken = token::hash(&token::mint(token::RUN, &*bench.world));
    let mut tx = bench.engine.store.write(bench.engine.now()).await.unwrap();
    store::runs::set_token(&mut tx, over, &taken).await.unwrap();
    tx.commit().await.unwrap();

    let first = bench.wake(&bench.agent("One").await, json!({})).await;
    let next = bench.wake(&bench.agent("Two").await, json!({})).await;
    bench.world.same_tokens.store(1, Ordering::Relaxed);
    bench.engine.start_queued().await.unwrap();

    let first = bench.run(first).await;
    assert_eq!((first.status, first.error_code.as_deref()), (RunStatus::Failed, Some("start_failed")));
    assert!(first.error.is_some_and(|e| e.contains("clashes")), "it says why");
    assert!(first.started_at.is_none());
    assert!(bench.run(next).await.started_at.is_some(), "the queue goes on");
    bench.engine.shutdown().await;
}

#[tokio::test]
async fn a_wake_of_a_paused_agent_leaves_its_row_and_is_refused_to_who_asks_directly() {
    let bench = Bench::new().await;
    let agent = bench.agent("One").await;
    bench.ask("agents.pause", json!({ "id": agent })).await;
    let issue =
        json!({ "companyId": bench.company, "title": "Do it", "status": "todo", "assigneeAgentId": agent });
    bench.ask("issues.create", issue).await;
    let skipped =
        |w: &WakeupRequest| (w.status, w.reason.as_deref() == Some("agent_not_invokable"), w.error.clone());
    let paused = (WakeupStatus::Skipped, true, Some("The agent is paused".to_owned()));
    assert_eq!(bench.wakeups().await.iter().map(skipped).collect::<Vec<_>>(), std::slice::from_ref(&paused));

    let wake = json!({ "id": agent, "idempotencyKey": "once" });
    let refused = bench.engine.call(&Caller::operator(), "agents.wake", wake.clone()).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(bench.wakeups().await.iter().map(skipped).collect::<Vec<_>>(), vec![paused; 2]);

    bench.ask("agents.resume", json!({ "id": agent })).await;
    let woken = bench.ask("agents.wake", wake).await;
    assert!(woken["id"].is_string(), "what was refused may be asked again by the same key: {woken}");
}

/// What a host on the other side of its socket was told.
#[cfg(target_os = "linux")]
struct Listening {
    told: tokio::sync::mpsc::UnboundedReceiver<Value>,
}

#[cfg(target_os = "linux")]
impl Listening {
    /// Listens in a run's stead; its journal says that it was launched, and that it ended where `ended`.
    fn at(dir: &std::path::Path, run: RunId, ended: bool) -> Self {
        use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
        std::fs::create_dir_all(dir).unwrap();
        // Names of sockets are short: not in the data folder.
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("s");
        let launching = json!({ "attempt": 1, "runId": run, "host": { "pid": 0, "start_time": 0 }, "bootId": "another",
            "socket": socket, "graceMs": 1 });
        let report = json!({ "attempt": 1, "started": null, "spawnFailure": null, "exitCode": null, "signal": "SIGTERM",
            "kill": { "cause": "cancelled", "reason": "told to", "at": SystemWorld.now() }, "at": SystemWorld.now(),
            "reaped": 0, "progress": { "lines": 0, "bytes": 0, "stream": null, "at": null }, "logTruncated": null });
        let now = SystemWorld.now();
        let mut journal = format!("{}\n", json!({ "ts": now, "launching": launching }));
        if ended {
            journal += &format!("{}\n", json!({ "ts": now, "ended": report }));
        }
        std::fs::write(dir.join("journal.ndjson"), journal).unwrap();
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let (tell, told) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            let _place = place;
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let hello = format!("{}\n", json!({ "run_id": run }));
            write.write_all(hello.as_bytes()).await.unwrap();
            let mut lines = BufReader::new(read).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let request: Value = serde_json::from_str(&line).unwrap();
                if request.get("kill").is_some() {
                    let event = format!("{}\n", json!({ "exited": report }));
                    write.write_all(event.as_bytes()).await.unwrap();
                }
                let _ = tell.send(request);
            }
        });
        Self { told }
    }

    async fn next(&mut self) -> Value {
        tokio::time::timeout(Duration::from_secs(60), self.told.recv())
            .await
            .unwrap()
            .expect("nothing was said")
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn hosts_of_runs_that_are_over_are_told_so_at_the_next_start() {
    let bench = Bench::new().await;
    for ended in [true, false] {
        let run = bench.wake(&bench.agent(&format!("Of {ended}")).await, json!({})).await;
        bench.running(run).await;
        bench.decide_to_stop(run, "Stopped by the operator").await;
        bench.engine.finish(run, &End::lost("its host is gone", None)).await.unwrap();
        let dir = bench.engine.paths.run(bench.company.parse().unwrap(), run);
        let mut host = Listening::at(&dir, run, ended);
        bench.engine.adopt_runs().await.unwrap();
        if !ended {
            assert_eq!(host.next().await["kill"]["reason"], "The run is over");
        }
        assert_eq!(host.next().await, "finish");
        // The next round finds the next one only.
        std::fs::remove_dir_all(&dir).unwrap();
    }
    bench.engine.shutdown().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_run_that_was_to_be_stopped_is_ended_by_the_next_start() {
    let bench = Bench::new().await;
    let run = bench.wake(&bench.agent("One").await, json!({})).await;
    bench.running(run).await;
    bench.decide_to_stop(run, "Everything was paused").await;
    let dir = bench.engine.paths.run(bench.company.parse().unwrap(), run);
    let mut host = Listening::at(&dir, run, false);
    bench.engine.adopt_runs().await.unwrap();
    assert_eq!(host.next().await["kill"]["reason"], "Everything was paused");
    assert_eq!(bench.ended(run).await.status, RunStatus::Cancelled);
    assert_eq!(host.next().await, "finish");
    bench.engine.shutdown().await;
}
