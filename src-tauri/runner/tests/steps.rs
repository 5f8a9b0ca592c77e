//! A host that is killed after any step of its journal, or in the middle of writing one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use runner::host::{Adoption, HostHandle, KillCause, adopt, launch};
use support::*;

/// How far the run is when its host dies.
#[derive(Clone, Copy, Debug)]
enum Scene {
    /// The command works.
    AtWork,
    /// It was told to stop, and does not.
    BeingStopped,
    /// The command is gone, and something that it started lives on.
    LeftBehind,
}

/// A run whose host was just killed, and what it had written by then.
async fn killed_in(scene: Scene) -> (Place, Vec<i32>, String) {
    let place = Place::new();
    let stubborn = r#"trap "" TERM; echo $BASHPID > stray; while :; do sleep 1; done"#;
    let script = match scene {
        Scene::AtWork => "echo $$ > stray; echo said; exec sleep 600".to_owned(),
        Scene::BeingStopped => format!("echo said; {stubborn}"),
        // A process of the same session that holds no pipe and heeds no kind word.
        Scene::LeftBehind => {
            format!(
                "({stubborn}) < /dev/null > /dev/null 2>&1 & while [ ! -s stray ]; do sleep 0.02; done; echo said"
            )
        }
    };
    let mut spec = place.shell(&script);
    // Long enough for the host to be met before it ends what was left behind.
    spec.invocation.grace = Duration::from_secs(2);
    let mut handle: HostHandle = launch(&launcher(), spec).await.unwrap();
    let begun = started(&mut handle).await;
    let host = parent_of(begun.pid);
    until("it is at work", || place.text() == "said\n" && place.work().join("stray").exists()).await;
    match scene {
        Scene::AtWork => {}
        Scene::BeingStopped => {
            handle.control().kill(KillCause::Cancelled, None, Some(LONG)).await.unwrap();
            until("the stop is written down", || place.journal().contains("\"kill\"")).await;
        }
        Scene::LeftBehind => until("the command is gone", || place.journal().contains("\"exited\"")).await,
    }
    kill_host(&mut handle, host).await;
    let stray = std::fs::read_to_string(place.work().join("stray")).unwrap().trim().parse().unwrap();
    let journal = place.journal();
    (place, vec![begun.pid, stray], journal)
}

/// Every place where the writing may have stopped: before, between and after lines, and within each.
fn stops(journal: &str) -> Vec<usize> {
    let mut stops = vec![0];
    let mut at = 0;
    for line in journal.split_inclusive('\n') {
        stops.extend([at + line.len() / 2, at + line.len()]);
        at += line.len();
    }
    stops
}

async fn every_stop_of(scene: Scene) {
    let (_, _, whole) = killed_in(scene).await;
    let most = stops(&whole).len();
    for n in 0..most {
        let (place, pids, journal) = killed_in(scene).await;
        let Some(stop) = stops(&journal).get(n).copied() else { continue };
        let kept = &journal[..stop];
        std::fs::write(place.run_dir().join("journal.ndjson"), kept).unwrap();
        let told = format!("{scene:?}, of whose journal this was left:\n{kept}");
        let Adoption::Lost(lost) = adopt(&place.run_dir()).await.unwrap() else { panic!("not lost: {told}") };
        // What was written whole is known.
        let steps = kept.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
        let steps: Vec<_> = steps.collect();
        let knows = |step: &str| steps.iter().any(|s| s.get(step).is_some());
        assert_eq!(lost.started.is_some(), knows("started"), "{told}");
        let why = if knows("launching") { "is gone" } else { "never began" };
        assert!(lost.why.contains(why), "{}: {told}", lost.why);
        assert_eq!(lost.progress.lines, 1, "{told}");
        // Whatever was written, nothing is left running, and looking again changes nothing.
        // One that was just killed may still be on its way out.
        until(&told, || pids.iter().all(|p| !is_alive(*p))).await;
        assert_eq!(place.survivors(), [] as [i32; 0], "{told}");
        let Adoption::Lost(again) = adopt(&place.run_dir()).await.unwrap() else { panic!("{told}") };
        assert_eq!((again.swept, again.started), (Vec::new(), lost.started), "{told}");
        // A new attempt goes on behind the torn line.
        let report = run(place.shell("echo again")).await;
        assert_eq!(report.exit_code, Some(0), "{told}");
        let Adoption::Ended(ended) = adopt(&place.run_dir()).await.unwrap() else { panic!("{told}") };
        assert_eq!(*ended, report, "{told}");
        assert_eq!(place.text(), "said\nagain\n", "{told}");
    }
}

#[tokio::test]
async fn a_run_whose_host_is_killed_at_work_ends_in_a_known_state_whatever_was_written() {
    every_stop_of(Scene::AtWork).await;
}

#[tokio::test]
async fn a_run_whose_host_is_killed_while_stopping_it_ends_in_a_known_state_whatever_was_written() {
    every_stop_of(Scene::BeingStopped).await;
}

#[tokio::test]
async fn a_run_whose_host_is_killed_while_clearing_up_ends_in_a_known_state_whatever_was_written() {
    every_stop_of(Scene::LeftBehind).await;
}

/// A host that died between the end of its run and writing it down.
#[tokio::test]
async fn a_run_whose_end_was_not_written_is_lost_with_all_that_is_known_of_it() {
    let place = Place::new();
    let report = run(place.shell("echo said; exit 3")).await;
    host_left(&place).await;
    let journal = place.journal();
    let ended = journal.rfind("\"ended\"").unwrap();
    let kept = &journal[..=journal[..ended].rfind('\n').unwrap()];
    std::fs::write(place.run_dir().join("journal.ndjson"), kept).unwrap();
    let Adoption::Lost(lost) = adopt(&place.run_dir()).await.unwrap() else { panic!("{kept}") };
    assert_eq!(lost.started, report.started);
    assert_eq!((lost.progress.lines, lost.swept.len()), (1, 0));
}
