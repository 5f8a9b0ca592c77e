//! Hosts that are really started, and really killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use contract::run::OutputStream;
use runner::host::{Adoption, HostEvent, KillCause, SandboxLevel, SpawnFailureKind, adopt, launch};
use support::*;

#[tokio::test]
async fn a_command_runs_to_its_end_and_its_host_leaves_when_dismissed() {
    let place = Place::new();
    let mut handle = launch(&launcher(), place.spec("/bin/true", &[])).await.unwrap();
    let started = started(&mut handle).await;
    assert_eq!(started.pid, started.pgid);
    let report = exited(&mut handle).await;
    assert_eq!((report.exit_code, report.signal, report.attempt), (Some(0), None, 1));
    assert_eq!(report.started, Some(started));
    handle.control().finish().await.unwrap();
    host_left(&place).await;
    for step in ["launching", "started", "exited", "ended"] {
        assert!(place.journal().contains(&format!("\"{step}\"")), "{step}");
    }
}

#[tokio::test]
async fn output_is_kept_by_stream_and_in_order() {
    let place = Place::new();
    let report = run(place.shell("echo one; echo two; echo bad >&2; printf unfinished; exit 3")).await;
    assert_eq!(report.exit_code, Some(3));
    let lines = place.lines();
    let of =
        |stream| lines.iter().filter(|l| l.stream == stream).map(|l| l.chunk.clone()).collect::<Vec<_>>();
    assert_eq!(of(OutputStream::Stdout), ["one\n", "two\n", "unfinished"]);
    assert_eq!(of(OutputStream::Stderr), ["bad\n"]);
    assert_eq!(report.progress.lines, 4);
    assert_eq!(report.progress.bytes, place.log().bytes().unwrap());
}

#[tokio::test]
async fn what_goes_to_stdin_arrives_whole_while_output_is_read() {
    let place = Place::new();
    let prompt = "ä prompt line\n".repeat(200_000);
    let mut spec = place.shell("cat");
    spec.invocation.stdin = Some(prompt.clone());
    assert_eq!(run(spec).await.exit_code, Some(0));
    assert_eq!(place.text(), prompt);
}

#[tokio::test]
async fn a_million_lines_are_kept_and_any_page_of_them_is_found() {
    let place = Place::new();
    let report = run(place.shell("seq 0 999999")).await;
    assert_eq!(report.progress.lines, 1_000_000);
    for from in [0, 500_001, 999_990] {
        let page = place.log().read_lines(from, 10).unwrap();
        let expected: Vec<String> = (from..from + 10).map(|n| n.to_string()).collect();
        assert_eq!(page.iter().map(|l| l.text().to_owned()).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn a_line_of_100_mb_is_kept_in_chunks() {
    let place = Place::new();
    let report = run(place.shell("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo after")).await;
    assert_eq!(report.exit_code, Some(0));
    let lines = place.lines();
    assert!(lines.iter().all(|l| l.chunk.len() <= runner::log::MAX_CHUNK));
    assert_eq!(lines.iter().map(|l| l.chunk.len()).sum::<usize>(), 100_000_001 + 6);
    assert_eq!(lines.last().unwrap().text(), "after");
}

#[tokio::test]
async fn bytes_that_are_not_text_are_replaced() {
    let place = Place::new();
    run(place.shell(r"printf 'a\xff\xfe\x00b\n'")).await;
    assert_eq!(place.text(), "a\u{fffd}\u{fffd}\u{0}b\n");
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named_with_folder_and_path() {
    let place = Place::new();
    let report = run(place.spec("/nowhere/agent", &[])).await;
    let failure = report.spawn_failure.unwrap();
    assert_eq!(failure.kind, SpawnFailureKind::CommandMissing);
    for part in ["/nowhere/agent", place.work().to_str().unwrap(), "PATH: /usr/local/bin"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    assert_eq!(report.started, None);

    let place = Place::new();
    let report = run(place.spec("/etc/passwd", &[])).await;
    assert_eq!(report.spawn_failure.unwrap().kind, SpawnFailureKind::NotExecutable);
}

#[tokio::test]
async fn a_working_folder_that_is_gone_is_named() {
    let place = Place::new();
    let mut spec = place.spec("/bin/true", &[]);
    spec.invocation.cwd = place.dir.path().join("gone");
    let failure = run(spec).await.spawn_failure.unwrap();
    assert_eq!(failure.kind, SpawnFailureKind::CwdMissing);
    assert!(failure.message.contains("/gone"), "{}", failure.message);
}

#[tokio::test]
async fn daemons_that_left_the_group_and_cleared_their_environment_do_not_outlive_the_run() {
    let place = Place::new();
    let report = run(place.shell(
        r#"for i in 1 2 3; do
             setsid env -i /bin/bash -c 'trap "" TERM HUP INT; (setsid /bin/sleep 600 &) ; echo $$ >> pids; exec /bin/sleep 600' &
           done
           while [ "$(wc -l < pids 2>/dev/null || echo 0)" -lt 3 ]; do sleep 0.05; done
           exit 0"#,
    ))
    .await;
    assert_eq!(report.exit_code, Some(0));
    assert!(report.reaped >= 6, "{report:?}");
    for pid in std::fs::read_to_string(place.work().join("pids")).unwrap().lines() {
        assert!(!is_alive(pid.parse().unwrap()), "{pid} outlived its run");
    }
}

#[tokio::test]
async fn a_command_that_ignores_signals_is_killed_with_all_its_descendants() {
    let place = Place::new();
    let mut handle = launch(
        &launcher(),
        place.shell(r#"trap "" TERM INT; (setsid bash -c 'trap "" TERM; echo $$ > daemon; while :; do sleep 1; done' &); while [ ! -s daemon ]; do sleep 0.05; done; echo ready; while :; do sleep 1; done"#),
    )
    .await
    .unwrap();
    let started = started(&mut handle).await;
    until("the agent is ready", || place.text().contains("ready")).await;
    let grace = Some(Duration::from_millis(300));
    handle.control().kill(KillCause::Cancelled, Some("by the operator".into()), grace).await.unwrap();
    let report = exited(&mut handle).await;
    assert_eq!(report.signal.as_deref(), Some("SIGKILL"));
    let kill = report.kill.unwrap();
    assert_eq!((kill.cause, kill.reason.as_deref()), (KillCause::Cancelled, Some("by the operator")));
    let daemon = std::fs::read_to_string(place.work().join("daemon")).unwrap().trim().parse().unwrap();
    assert!(!is_alive(started.pid) && !is_alive(daemon));
    assert_eq!(place.survivors(), [] as [i32; 0]);
    let journal = place.journal();
    assert!(journal.find("\"kill\"").unwrap() < journal.find("\"exited\"").unwrap());
    handle.control().finish().await.unwrap();
}

#[tokio::test]
async fn a_run_over_its_time_is_ended_by_the_host_alone() {
    let place = Place::new();
    let mut spec = place.shell("echo begun; sleep 600");
    spec.invocation.timeout = Some(Duration::from_millis(300));
    // Nobody listens: the program is away.
    drop(launch(&launcher(), spec).await.unwrap());
    until("the run ends", || place.journal().contains("\"ended\"")).await;
    let Adoption::Ended(report) = adopt(&place.run_dir()).await.unwrap() else { panic!("not ended") };
    assert_eq!(report.kill.unwrap().cause, KillCause::Timeout);
    assert_eq!(report.signal.as_deref(), Some("SIGTERM"));
    assert_eq!(place.text(), "begun\n");
}

#[tokio::test]
async fn a_run_that_falls_silent_is_ended() {
    let place = Place::new();
    let mut spec = place.shell("printf unfinished; sleep 600");
    spec.invocation.silence = Some(Duration::from_secs(2));
    let report = run(spec).await;
    assert_eq!(report.kill.unwrap().cause, KillCause::Silence);
    assert_eq!(place.text(), "unfinished");
}

#[tokio::test]
async fn a_run_that_spawns_without_end_is_ended_with_all_it_spawned() {
    for storm in [
        // One that starts them all, deaf to signals, each in a session of its own.
        "trap '' TERM INT HUP; while :; do setsid sleep 600 & done",
        // Each starts two more.
        "b() { sleep 0.05; b & b & wait; }; b",
    ] {
        let place = Place::new();
        let mut spec = place.shell(storm);
        spec.invocation.max_processes = 60;
        let report = run(spec).await;
        let kill = report.kill.unwrap();
        assert_eq!(kill.cause, KillCause::Crowd, "{storm}");
        assert_eq!(kill.reason.as_deref(), Some("started more than 60 processes at once"));
        assert!(report.reaped > 0);
        let run = place.run_id.to_string();
        assert!(!pids().any(|p| {
            std::fs::read(format!("/proc/{p}/environ"))
                .is_ok_and(|env| String::from_utf8_lossy(&env).contains(&format!("RUN_HOST_ID={run}")))
        }));
    }
}

#[tokio::test]
async fn a_run_that_breeds_while_it_is_being_stopped_is_ended_at_once() {
    let place = Place::new();
    // Once it is asked to end it starts without end instead, and would have a minute for it.
    let mut spec = place
        .shell("trap 'while :; do setsid sleep 600 & done' TERM; echo ready; while :; do sleep 0.1; done");
    spec.invocation.max_processes = 60;
    spec.invocation.grace = Duration::from_secs(60);
    let mut handle = launch(&launcher(), spec).await.unwrap();
    started(&mut handle).await;
    until("it listens", || place.text().contains("ready")).await;
    handle.control().kill(KillCause::Cancelled, Some("Stopped".into()), None).await.unwrap();
    let report = tokio::time::timeout(Duration::from_secs(40), exited(&mut handle))
        .await
        .expect("it went on breeding");
    assert_eq!(report.kill.unwrap().cause, KillCause::Cancelled, "the first reason is kept");
}

#[tokio::test]
async fn a_command_that_lingers_after_its_last_word_is_ended() {
    let place = Place::new();
    let mut spec = place.shell(r#"echo '{"subtype":"success","type":"result"}'; sleep 600"#);
    spec.invocation.terminal = Some(runner::adapter::TerminalMarker {
        key: "type".into(),
        value: "result".into(),
        grace: Duration::from_millis(100),
    });
    assert_eq!(run(spec).await.kill.unwrap().cause, KillCause::TerminalResult);
}

#[tokio::test]
async fn a_live_host_is_adopted_and_tells_all_that_matters() {
    let place = Place::new();
    assert!(std::process::Command::new("mkfifo").arg(place.work().join("go")).status().unwrap().success());
    let mut first = launch(&launcher(), place.shell("echo one; read x < go; echo two")).await.unwrap();
    let begun = started(&mut first).await;
    until("the first line", || place.text() == "one\n").await;
    drop(first);
    let Adoption::Live(mut handle) = adopt(&place.run_dir()).await.unwrap() else {
        panic!("not live: {}", place.journal())
    };
    assert_eq!(started(&mut handle).await, begun);
    let HostEvent::Progress(progress) = event(&mut handle).await else { panic!("no progress") };
    assert_eq!(progress.lines, 1);
    // A second one listens too.
    let Adoption::Live(mut second) = adopt(&place.run_dir()).await.unwrap() else { panic!() };
    std::fs::write(place.work().join("go"), "x\n").unwrap();
    let report = exited(&mut handle).await;
    assert_eq!(report.exit_code, Some(0));
    assert_eq!(exited(&mut second).await, report);
    // The end is known from the journal from now on, whether the host waits or not.
    for _ in 0..2 {
        let Adoption::Ended(again) = adopt(&place.run_dir()).await.unwrap() else { panic!() };
        assert_eq!(*again, report);
    }
    assert_eq!(place.text(), "one\ntwo\n");
}

#[tokio::test]
async fn a_killed_host_leaves_a_whole_transcript_and_no_process() {
    let place = Place::new();
    let mut handle = launch(
        &launcher(),
        place.shell(
            r#"for i in $(seq 1 1000); do echo "line $i"; done
               setsid bash -c 'trap "" TERM; echo $$ > stray; exec sleep 600' &
               setsid env -i /bin/bash -c 'echo $$ > cleared; exec /bin/sleep 600' &
               while [ ! -s stray ] || [ ! -s cleared ]; do sleep 0.05; done
               echo done; sleep 600"#,
        ),
    )
    .await
    .unwrap();
    let begun = started(&mut handle).await;
    until("the output", || place.text().ends_with("done\n")).await;
    // The one that cleared its environment is known once the host has looked round.
    until("the strays are written down", || place.journal().contains("\"seen\"")).await;
    kill_host(&mut handle, parent_of(begun.pid)).await;
    let Adoption::Lost(lost) = adopt(&place.run_dir()).await.unwrap() else { panic!("not lost") };
    assert_eq!(lost.started, Some(begun.clone()));
    assert!(lost.why.contains("is gone"), "{}", lost.why);
    assert_eq!(lost.progress.lines, 1001);
    for name in ["stray", "cleared"] {
        let pid = std::fs::read_to_string(place.work().join(name)).unwrap().trim().parse().unwrap();
        assert!(!is_alive(pid), "{name}");
        assert!(lost.swept.contains(&pid), "{name}: {lost:?}");
    }
    assert!(!is_alive(begun.pid));
    assert_eq!(place.survivors(), [] as [i32; 0]);
    assert_eq!(place.lines()[999].text(), "line 1000");
    // Once more changes nothing.
    let Adoption::Lost(again) = adopt(&place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(again.swept, [] as [i32; 0]);
}

#[tokio::test]
async fn a_run_that_never_began_is_lost_without_having_started() {
    let place = Place::new();
    let Adoption::Lost(lost) = adopt(&place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!((lost.started, lost.progress.lines), (None, 0));
}

#[tokio::test]
async fn a_second_attempt_goes_on_in_the_same_log_and_journal() {
    let place = Place::new();
    assert_eq!(run(place.shell("echo first; exit 1")).await.attempt, 1);
    let report = run(place.shell("echo second")).await;
    assert_eq!((report.attempt, report.exit_code), (2, Some(0)));
    assert_eq!(place.text(), "first\nsecond\n");
    let Adoption::Ended(again) = adopt(&place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(again.attempt, 2);
}

#[tokio::test]
async fn secrets_never_reach_the_disk() {
    let place = Place::new();
    let mut spec = place.shell(
        r#"printf 'token: sk-live'; sleep 1.5; printf -- '-12345 end\n'; echo "$SECRET" >&2; head -c 65530 /dev/zero | tr '\0' x; echo "$SECRET"; cat"#,
    );
    spec.invocation.env.insert("SECRET".into(), "sk-live-12345".into());
    spec.invocation.stdin = Some("sk-live-12345".into());
    spec.invocation.redact = vec!["sk-live-12345".into()];
    assert_eq!(run(spec).await.exit_code, Some(0));
    assert_eq!(place.text().matches("***REDACTED***").count(), 4);
    for file in std::fs::read_dir(place.run_dir()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("sk-live-12345"));
    }
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_nothing_else() {
    let place = Place::new();
    let mut spec = place.spec("/usr/bin/env", &[]);
    spec.invocation.env.insert("GIVEN".into(), "yes".into());
    run(spec).await;
    let mut names: Vec<String> =
        place.text().lines().filter_map(|l| Some(l.split_once('=')?.0.to_owned())).collect();
    names.sort();
    assert_eq!(names, ["GIVEN", "PATH", "RUN_HOST_ID"]);
}

/// What an agent could try, as the user it is and with what the system offers.
fn attack(place: &Place) -> (runner::host::LaunchSpec, std::path::PathBuf) {
    let home = place.data().join("agents/one");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("notes"), "mine").unwrap();
    let instructions = place.data().join("instructions");
    std::fs::create_dir_all(&instructions).unwrap();
    std::fs::write(instructions.join("AGENTS.md"), "be good").unwrap();
    let mut spec = place.shell(&format!(
        r#"cat {token} && echo REACHED
           cat ../../operator-token && echo REACHED
           for pid in 1 $PPID; do cat /proc/$pid/root{token} && echo REACHED; done
           umount {data} && cat {token} && echo REACHED
           unshare -rm sh -c 'umount {data}; cat {token}' && echo REACHED
           nsenter -t $PPID -m cat {token} && echo REACHED
           ls {data}/runs && echo REACHED
           cat {instructions}/AGENTS.md; echo
           echo bad > {instructions}/AGENTS.md && echo REACHED
           ln -sf {token} {instructions}/AGENTS.md && echo REACHED
           ln -s {token} {instructions}/AGENTS.partial && echo REACHED
           rm -f {instructions}/AGENTS.md && echo REACHED
           mv {instructions} {data}/moved && echo REACHED
           mount -o remount,bind,rw {instructions} && echo REACHED
           unshare -rm sh -c 'mount -o remount,bind,rw {instructions} && echo REACHED; touch {instructions}/x && echo REACHED'
           touch {data}/new && echo REACHED
           ls /tmp/paperclip-*/* $XDG_RUNTIME_DIR/paperclip/*/* && echo REACHED
           cat notes; echo; echo kept > written
           true"#,
        token = place.data().join("operator-token").display(),
        data = place.data().display(),
        instructions = instructions.display(),
    ));
    spec.own = vec![home.clone()];
    spec.shared = vec![instructions.clone()];
    spec.invocation.expose_read_only = vec![instructions];
    if let Ok(dir) = std::env::var("XDG_RUNTIME_DIR") {
        spec.invocation.env.insert("XDG_RUNTIME_DIR".into(), dir);
    }
    spec.invocation.cwd = home.clone();
    (spec, home)
}

fn assert_held(place: &Place, home: &std::path::Path, sandbox: &runner::host::Sandbox) {
    if sandbox.level == SandboxLevel::None {
        eprintln!("this machine allows no namespace: {:?}", sandbox.why);
        assert!(sandbox.why.is_some());
        return;
    }
    let text = place.text();
    assert!(!text.contains("REACHED") && !text.contains("the-operators-token"), "{text}");
    assert!(text.contains("mine") && text.contains("be good"), "{text}");
    let kept = |file: &str| std::fs::read_to_string(place.data().join("instructions").join(file));
    assert_eq!(kept("AGENTS.md").unwrap(), "be good");
    assert!(kept("AGENTS.partial").is_err() && kept("x").is_err());
    assert_eq!(std::fs::read_to_string(home.join("written")).unwrap(), "kept\n");
    assert_eq!(std::fs::read_to_string(place.data().join("operator-token")).unwrap(), "the-operators-token");
}

#[tokio::test]
async fn an_agent_cannot_reach_the_data_folder_but_for_what_is_exposed() {
    let place = Place::new();
    let (spec, home) = attack(&place);
    let report = run(spec).await;
    assert_held(&place, &home, &report.started.unwrap().sandbox);
}

#[tokio::test]
async fn nor_can_an_agent_of_a_user_without_privileges() {
    if !rustix::process::geteuid().is_root() {
        // The test before this one is the same then.
        return;
    }
    let place = Place::new();
    let (spec, home) = attack(&place);
    let binary = place.dir.path().join("host");
    std::fs::copy(host_binary(), &binary).unwrap();
    let chown = ["-R".as_ref(), "65534:65534".as_ref(), place.dir.path().as_os_str()];
    assert!(std::process::Command::new("chown").args(chown).status().unwrap().success());
    let mut launcher = launcher();
    launcher.program = "/usr/bin/setpriv".into();
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups"].map(Into::into);
    launcher.leading_args = user.into_iter().chain([binary.into(), "run-host".into()]).collect();
    let mut handle = launch(&launcher, spec).await.unwrap();
    let report = exited(&mut handle).await;
    assert_eq!(report.exit_code, Some(0), "{report:?}");
    assert_held(&place, &home, &report.started.unwrap().sandbox);
    handle.control().finish().await.unwrap();
}

#[tokio::test]
async fn a_working_folder_in_the_data_folder_is_refused_unless_it_is_the_runs_own() {
    let place = Place::new();
    std::fs::create_dir_all(place.data().join("backups")).unwrap();
    for cwd in [place.data(), place.data().join("backups")] {
        let mut spec = place.spec("/bin/true", &[]);
        spec.invocation.cwd = cwd;
        assert_eq!(run(spec).await.spawn_failure.unwrap().kind, SpawnFailureKind::SandboxUnavailable);
    }
}

#[tokio::test]
async fn a_log_at_its_limit_costs_lines_but_not_the_run() {
    let place = Place::new();
    let mut spec = place.shell("seq 1 200000; exit 4");
    spec.log_limit = 100_000;
    let report = run(spec).await;
    assert_eq!(report.exit_code, Some(4));
    assert!(report.log_truncated.unwrap().contains("limit"));
    assert!(place.journal().contains("log_truncated"));
    assert!(place.log().bytes().unwrap() <= 100_000);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_any_more_costs_lines_but_not_the_run() {
    let place = Place::new();
    let mut launcher = launcher();
    // A limit on the size of files stands in for a disk that is full.
    let script = r#"trap "" XFSZ; ulimit -f 200; exec "$@""#;
    launcher.leading_args = ["-c", script, "host"].map(Into::into).into();
    launcher.leading_args.extend([host_binary().into(), "run-host".into()]);
    launcher.program = "/bin/bash".into();
    let mut handle = launch(&launcher, place.shell("seq 1 200000; exit 4")).await.unwrap();
    let report = exited(&mut handle).await;
    handle.control().finish().await.unwrap();
    assert_eq!(report.exit_code, Some(4));
    assert!(report.log_truncated.unwrap().contains("cannot be written"));
    assert!(place.journal().contains("log_truncated") && place.journal().contains("\"ended\""));
    // What is there is whole.
    let lines = place.lines();
    assert!(lines.len() > 100);
    assert!(lines.iter().zip(1..).all(|(line, n)| line.text() == n.to_string()));
}

#[tokio::test]
async fn an_end_that_found_no_room_in_the_journal_is_written_when_there_is_some() {
    let place = Place::new();
    let mut launcher = launcher();
    let script = r#"trap "" XFSZ; ulimit -S -f 200; exec "$@""#;
    launcher.leading_args = ["-c", script, "host"].map(Into::into).into();
    launcher.leading_args.extend([host_binary().into(), "run-host".into()]);
    launcher.program = "/bin/bash".into();
    // Lines of a journal that says nothing, up to where the first steps still fit and the end does not.
    std::fs::create_dir_all(place.run_dir()).unwrap();
    let journal = place.run_dir().join("journal.ndjson");
    std::fs::write(&journal, "\n".repeat(200 * 1024 - 700)).unwrap();
    let mut handle = launch(&launcher, place.shell("exit 4")).await.unwrap();
    assert_eq!(exited(&mut handle).await.exit_code, Some(4), "whoever listens hears it");
    assert!(!place.journal().contains("\"ended\""), "there was no room");

    let host = pids().find(|pid| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            let line = String::from_utf8_lossy(&line).into_owned();
            line.contains("run-host") && line.contains(&place.run_id.to_string())
        })
    });
    let host = rustix::process::Pid::from_raw(host.unwrap()).unwrap();
    let room = rustix::process::Rlimit { current: None, maximum: None };
    rustix::process::prlimit(Some(host), rustix::process::Resource::Fsize, room).unwrap();
    until("the end in the journal", || place.journal().contains("\"ended\"")).await;
    drop(handle);
    assert!(matches!(adopt(&place.run_dir()).await.unwrap(), Adoption::Ended(r) if r.exit_code == Some(4)));
}

#[tokio::test]
async fn a_run_folder_that_cannot_be_made_fails_the_run_with_a_reason() {
    let place = Place::new();
    let mut spec = place.spec("/bin/true", &[]);
    spec.run_dir = place.data().join("operator-token/run");
    let mut handle = launch(&launcher(), spec).await.unwrap();
    let failure = exited(&mut handle).await.spawn_failure.unwrap();
    assert!(failure.message.contains("set itself up"), "{}", failure.message);
}

#[tokio::test]
async fn a_cancel_right_after_the_launch_is_heard() {
    let place = Place::new();
    let mut handle = launch(&launcher(), place.shell("sleep 600")).await.unwrap();
    handle.control().kill(KillCause::Cancelled, None, Some(Duration::ZERO)).await.unwrap();
    assert_eq!(exited(&mut handle).await.kill.unwrap().cause, KillCause::Cancelled);
    handle.control().finish().await.unwrap();
}

/// Not a check: prints what a host weighs while it runs a command that writes, and what a run costs.
#[tokio::test]
async fn weight_of_a_host() {
    let place = Place::new();
    let clock = std::time::Instant::now();
    let mut handle = launch(&launcher(), place.shell("seq 1 100000; sleep 600")).await.unwrap();
    let begun = started(&mut handle).await;
    let to_start = clock.elapsed();
    until("the output", || place.log().total_lines().unwrap() == 100_000).await;
    let host = parent_of(begun.pid);
    let rollup = std::fs::read_to_string(format!("/proc/{host}/smaps_rollup")).unwrap_or_default();
    let pss = rollup.lines().find(|l| l.starts_with("Pss:")).unwrap_or("Pss: unknown");
    let mut ends = Vec::new();
    for _ in 0..20 {
        let (place, clock) = (Place::new(), std::time::Instant::now());
        run(place.spec("/bin/true", &[])).await;
        ends.push(clock.elapsed());
    }
    ends.sort();
    eprintln!(
        "host: {pss}, launch to Started {to_start:?}, a whole run of /bin/true {:?} (median)",
        ends[10]
    );
    handle.control().kill(KillCause::Cancelled, None, Some(Duration::ZERO)).await.unwrap();
    exited(&mut handle).await;
    handle.control().finish().await.unwrap();
}
