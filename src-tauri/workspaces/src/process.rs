//! A child process with an end: its time, its output and its descendants are bounded.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a child left.
pub struct Output {
    /// Absent when it was stopped at the end of its time.
    pub status: Option<ExitStatus>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Pause between two looks at a child, in the beginning and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));
/// How long the pipes are still read after the child and its group are gone.
const DRAIN: Duration = Duration::from_secs(2);

/// Runs a command to its end, or stops it and all of its process group at the end of its time.
///
/// Of each stream the last `keep` bytes are kept. Waits for the child: not for an async task.
pub fn run(mut command: Command, time: Duration, keep: usize) -> std::io::Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let out = read_along(child.stdout.take(), keep);
    let err = read_along(child.stderr.take(), keep);
    let status = wait(&mut child, time)?;
    // What it left behind in its group goes with it.
    kill_group(&child);
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let rest = |of: mpsc::Receiver<Vec<u8>>| of.recv_timeout(DRAIN).unwrap_or_default();
    Ok(Output { status, stdout: rest(out), stderr: rest(err) })
}

fn wait(child: &mut Child, time: Duration) -> std::io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    let mut pause = LOOK.0;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() >= time {
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LOOK.1);
    }
}

#[cfg(unix)]
fn kill_group(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // Gone already, as it should be.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}

/// Reads a stream in a thread of its own and hands over its end.
fn read_along(from: Option<impl Read + Send + 'static>, keep: usize) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    let Some(mut from) = from else { return receive };
    std::thread::spawn(move || {
        let (mut kept, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            kept.extend_from_slice(&chunk[..n]);
            if kept.len() > keep.saturating_mul(2) {
                kept.drain(..kept.len() - keep);
            }
        }
        let over = kept.len().saturating_sub(keep);
        kept.drain(..over);
        let _ = send.send(kept);
    });
    receive
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut c = Command::new("sh");
        c.args(["-c", script]);
        c
    }

    #[test]
    fn a_child_that_does_not_end_is_stopped_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!("sleep 300 & echo $! > '{}'; echo said; wait", pid.display());
        let began = Instant::now();
        let out = run(sh(&script), Duration::from_millis(400), 1000).unwrap();
        assert!(out.status.is_none() && began.elapsed() < Duration::from_secs(10));
        assert_eq!(out.stdout, b"said\n");
        let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z")
        });
        assert!(gone, "its own child lives on");
    }

    #[test]
    fn of_a_long_output_the_end_is_kept() {
        let out = run(sh("head -c 3000000 /dev/zero; printf end"), Duration::from_secs(30), 10).unwrap();
        assert!(out.status.unwrap().success() && out.stdout.len() == 10 && out.stdout.ends_with(b"end"));
    }
}
