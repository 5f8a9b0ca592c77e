//! The host's one loop: output, connections, processes and deadlines.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, ExitStatus};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use contract::run::OutputStream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::WaitOptions;

use super::clients::Clients;
use super::crowd;
use super::ladder::{Ladder, Rung};
use super::now;
use super::output::is_terminal;
use super::reaper::{Reaped, exit_code, exit_signal, watch_processes};
use super::spawn::spawn;
use super::streams::{Input, Output, READ_BLOCK, read_stream};
use crate::adapter::StopSignal;
use crate::host::journal::{self, Journal, Launching, Step};
use crate::host::proc::{self, ProcessId};
use crate::host::protocol::*;
use crate::host::redact::Redactor;
use crate::host::writer::LogWriter;

/// Clients hear of new output at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(40);
/// An unfinished line is written as it is after this time without more of it.
const SETTLE_AFTER: Duration = Duration::from_secs(1);
/// How often descendants are counted, and those looked for that left the session.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const MAX_SEEN: usize = 4096;
/// How soon a journal without room for the end is tried again.
const KEEP_END_EVERY: Duration = Duration::from_secs(1);
/// Output can outlast the run only where a pipe was handed to a process of somebody else.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

pub struct Host {
    spec: LaunchSpec,
    journal: Journal,
    log: LogWriter,
    secrets: Redactor,
    clients: Clients,
    attempt: u32,
    started: Option<Started>,
    started_at: Instant,
    stdin: Option<Input>,
    stdout: Output<ChildStdout>,
    stderr: Output<ChildStderr>,
    reaped: Option<(Receiver<Reaped>, OwnedFd)>,
    exit: Option<ExitStatus>,
    reaped_count: u32,
    nothing_left: bool,
    kill: Option<Kill>,
    ladder: Ladder,
    /// The agent has said its last word; the command is ended at this time.
    terminal_at: Option<Instant>,
    last_output: Instant,
    /// When an unfinished line is written as it is.
    settle_at: Option<Instant>,
    block: Vec<u8>,
    progress: Progress,
    told_at: Option<Instant>,
    untold: bool,
    seen: Vec<ProcessId>,
    look_at: Instant,
    ended: Option<Box<ExitReport>>,
    leave_at: Option<Instant>,
    /// When the journal, which had no room for the end, is tried again.
    keep_end_at: Option<Instant>,
}

impl Host {
    pub fn open(spec: LaunchSpec, launcher: &UnixStream, said: Vec<u8>) -> io::Result<Self> {
        let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let before = journal::read(&spec.run_dir)?;
        let attempt = before.launching.map_or(1, |l| l.attempt + 1);
        let mut journal = Journal::open(&spec.run_dir)?;
        let log = LogWriter::open(&spec.run_dir, spec.log_limit)?;
        let mut clients = Clients::open(&spec, base.as_deref())?;
        clients.add_launcher(launcher.try_clone()?, said)?;
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        journal.record(
            now(),
            &Step::Launching(Launching {
                attempt,
                run_id: spec.run_id,
                host: ProcessId::of(pid).unwrap_or(ProcessId { pid, start_time: 0 }),
                boot_id: proc::boot_id(),
                socket: clients.path().to_owned(),
                grace_ms: u64::try_from(spec.invocation.grace.as_millis()).unwrap_or(u64::MAX),
            }),
        )?;
        let progress =
            Progress { lines: log.lines(), bytes: log.bytes(), stream: None, at: None, truncated: None };
        let at = Instant::now();
        Ok(Self {
            secrets: Redactor::new(&spec.invocation.redact),
            spec,
            journal,
            log,
            clients,
            attempt,
            started: None,
            started_at: at,
            stdin: None,
            stdout: Output::new(None, OutputStream::Stdout),
            stderr: Output::new(None, OutputStream::Stderr),
            reaped: None,
            exit: None,
            reaped_count: 0,
            nothing_left: false,
            kill: None,
            ladder: Ladder::default(),
            terminal_at: None,
            last_output: at,
            settle_at: None,
            block: vec![0; READ_BLOCK],
            progress,
            told_at: None,
            untold: false,
            seen: Vec::new(),
            look_at: at + LOOK_EVERY,
            ended: None,
            leave_at: None,
            keep_end_at: None,
        })
    }

    /// Starts the command, sees it to its end and waits to be dismissed.
    pub fn run(mut self) {
        self.start();
        while !self.may_leave() {
            self.turn();
        }
        self.clients.flush();
    }

    fn start(&mut self) {
        let runtime_dir = self.clients.path().parent().unwrap_or(Path::new("/")).to_owned();
        match spawn(&self.spec, &runtime_dir) {
            Err(failure) => self.end(Some(failure)),
            Ok((mut child, sandbox)) => {
                let pid = child.id().cast_signed();
                let start_time = proc::stat(pid).map_or(0, |s| s.start_time);
                let started = Started { pid, pgid: pid, start_time, at: now(), sandbox };
                self.record(&Step::Started(started.clone()));
                self.clients.tell(&HostEvent::Started(started.clone()));
                self.started = Some(started);
                self.started_at = Instant::now();
                self.last_output = self.started_at;
                let text = self.spec.invocation.stdin.take().unwrap_or_default().into_bytes();
                self.stdin = child.stdin.take().map(|pipe| Input::new(pipe, text));
                self.stdout.pipe = child.stdout.take();
                self.stderr.pipe = child.stderr.take();
                self.make_nonblocking();
                // Reaped by the thread below; a `Child` that is dropped leaves its process alone.
                drop(child);
                match watch_processes() {
                    Ok(reaped) => self.reaped = Some(reaped),
                    Err(e) => self.abort(&e),
                }
            }
        }
    }

    /// Without the thread that reaps, the command cannot be seen to its end: it gets none of its own.
    fn abort(&mut self, error: &io::Error) {
        self.step_on(Rung::KillAll);
        while !matches!(rustix::process::wait(WaitOptions::empty()), Err(Errno::CHILD)) {
            self.step_on(Rung::KillAll);
        }
        let message = format!("the run host cannot watch the command: {error}");
        self.end(Some(SpawnFailure { kind: SpawnFailureKind::Other, message }));
    }

    fn make_nonblocking(&self) {
        let fds = [
            self.stdin.as_ref().map(|i| i.pipe.as_fd()),
            self.stdout.pipe.as_ref().map(AsFd::as_fd),
            self.stderr.pipe.as_ref().map(AsFd::as_fd),
        ];
        for fd in fds.into_iter().flatten() {
            let _ = rustix::io::ioctl_fionbio(fd, true);
        }
    }

    fn may_leave(&self) -> bool {
        self.ended.is_some() && self.leave_at.is_some_and(|at| at <= Instant::now())
    }

    /// Waits for the next thing to happen and sees to it.
    fn turn(&mut self) {
        let (ready_clients, accept) = self.wait();
        if accept {
            let state = self.state();
            self.clients.accept(|| state.clone());
        }
        self.hear_clients(ready_clients);
        if self.stdin.as_mut().is_some_and(Input::write) {
            self.stdin = None;
        }
        self.read_output();
        self.note_reaped();
        self.mind_deadlines();
        if self.keep_end_at.is_some_and(|at| at <= Instant::now()) {
            self.keep_end();
        }
        self.tell_progress();
        self.clients.drop_gone();
    }

    /// Polls. Answers how many clients were there, for those accepted later have nothing to say yet, and
    /// whether somebody waits to be accepted.
    fn wait(&mut self) -> (usize, bool) {
        let timeout = self.next_deadline().map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.map(|t| Timespec {
            tv_sec: i64::try_from(t.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: t.subsec_nanos().into(),
        });
        let count = self.clients.list().len();
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(count + 5);
        fds.push(PollFd::new(self.clients.listener(), PollFlags::IN));
        if let Some((_, wake)) = &self.reaped {
            fds.push(PollFd::new(wake, PollFlags::IN));
        }
        if let Some(pipe) = &self.stdout.pipe {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
        if let Some(pipe) = &self.stderr.pipe {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
        if let Some(input) = &self.stdin {
            fds.push(PollFd::new(&input.pipe, PollFlags::OUT));
        }
        for client in self.clients.list() {
            let write = if client.wants_to_write() { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::new(&client.stream, PollFlags::IN | write));
        }
        let polled = poll(&mut fds, timeout.as_ref());
        let accept = polled.is_ok() && fds.first().is_some_and(|fd| !fd.revents().is_empty());
        (count, accept)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let invocation = &self.spec.invocation;
        let running = self.started.is_some() && self.exit.is_none() && self.kill.is_none();
        [
            if self.nothing_left || self.ended.is_some() { None } else { self.ladder.next() },
            self.terminal_at.filter(|_| running),
            invocation.timeout.filter(|_| running).map(|t| self.started_at + t),
            invocation.silence.filter(|_| running).map(|t| self.last_output + t),
            (self.started.is_some() && !self.nothing_left && self.ended.is_none()).then_some(self.look_at),
            self.settle_at,
            self.told_at.filter(|_| self.untold).map(|at| at + PROGRESS_EVERY),
            self.leave_at,
            self.keep_end_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What a client that comes late needs to know.
    fn state(&self) -> Vec<HostEvent> {
        let mut state: Vec<HostEvent> = self.started.iter().cloned().map(HostEvent::Started).collect();
        state.push(HostEvent::Progress(self.progress.clone()));
        state.extend(self.ended.iter().cloned().map(HostEvent::Exited));
        state
    }

    fn hear_clients(&mut self, count: usize) {
        let mut requests = Vec::new();
        for client in self.clients.list_mut().iter_mut().take(count) {
            if client.wants_to_write() {
                client.write();
            }
            requests.extend(client.read());
        }
        self.clients.catch_up(&self.progress);
        for request in requests {
            match request {
                Request::Kill { cause, reason, grace } => self.begin_kill(cause, reason, grace),
                Request::Finish if self.ended.is_some() => self.leave_at = Some(Instant::now()),
                Request::Finish | Request::Launch(_) => {}
            }
        }
    }

    /// Takes what the command has written. Answers whether there was anything.
    fn read_output(&mut self) -> bool {
        let marker = self.spec.invocation.terminal.as_ref();
        let mut terminal = false;
        let (block, secrets, log) = (&mut self.block, &self.secrets, &mut self.log);
        let out = read_stream(&mut self.stdout, block, secrets, log, &mut |line| {
            terminal = terminal || marker.is_some_and(|marker| is_terminal(marker, line));
        });
        let err = read_stream(&mut self.stderr, block, secrets, log, &mut |_| {});
        if !out && !err {
            // A stream that has just ended may have left the rest of its last line.
            self.write_log();
            return false;
        }
        let at = Instant::now();
        self.last_output = at;
        if let (true, None, Some(marker)) = (terminal, self.terminal_at, marker) {
            self.terminal_at = Some(at + marker.grace);
        }
        let open_line = self.stdout.splitter.has_open_line() || self.stderr.splitter.has_open_line();
        self.settle_at = open_line.then_some(at + SETTLE_AFTER);
        self.progress.stream = Some(if err { OutputStream::Stderr } else { OutputStream::Stdout });
        self.write_log();
        true
    }

    fn write_log(&mut self) {
        self.log.flush(Instant::now(), now());
        if let Some(reason) = self.log.take_news() {
            self.progress.truncated = Some(reason.clone());
            self.untold = true;
            self.record(&Step::LogTruncated(reason));
        }
        if self.progress.bytes == self.log.bytes() {
            return;
        }
        self.progress.lines = self.log.lines();
        self.progress.bytes = self.log.bytes();
        self.progress.at = Some(now());
        self.untold = true;
    }

    fn tell_progress(&mut self) {
        let now = Instant::now();
        if self.untold && self.told_at.is_none_or(|at| now.duration_since(at) >= PROGRESS_EVERY) {
            self.clients.tell_progress(&self.progress);
            self.told_at = Some(now);
            self.untold = false;
        }
    }

    fn note_reaped(&mut self) {
        let Some((reaped, wake)) = &self.reaped else { return };
        let mut drained = [0; 64];
        while rustix::io::read(wake, &mut drained).is_ok_and(|n| n == drained.len()) {}
        let news: Vec<Reaped> = reaped.try_iter().collect();
        for item in news {
            match item {
                Reaped::Process { pid, status } if self.started.as_ref().is_some_and(|s| s.pid == pid) => {
                    self.exit = Some(status);
                    self.record(&Step::Exited { code: exit_code(status), signal: exit_signal(status) });
                    self.ladder.orphaned(Instant::now());
                }
                Reaped::Process { .. } => self.reaped_count += 1,
                Reaped::Nothing => self.nothing_left = true,
            }
        }
        if self.nothing_left && self.ended.is_none() {
            // The thread that reaps is done; its pipe would only say so again and again.
            self.reaped = None;
            // Nobody is left to write: what is in the pipes is all there is.
            let until = Instant::now() + DRAIN_LIMIT;
            while self.read_output() && Instant::now() < until {}
            self.end(None);
        }
    }

    fn mind_deadlines(&mut self) {
        let at = Instant::now();
        if self.ended.is_some() || self.started.is_none() {
            return;
        }
        if self.exit.is_none() && self.kill.is_none() {
            self.mind_limits(at);
        }
        while let Some(rung) = self.ladder.take_due(at).filter(|_| !self.nothing_left) {
            self.step_on(rung);
        }
        if at >= self.look_at {
            self.look_at = at + LOOK_EVERY;
            self.look_at_descendants();
        }
        if self.settle_at.is_some_and(|settle| at >= settle) {
            // What cannot be settled yet is not looked at again before there is more of it.
            self.settle_at = None;
            self.settle();
        }
    }

    fn mind_limits(&mut self, at: Instant) {
        let (timeout, silence) = (self.spec.invocation.timeout, self.spec.invocation.silence);
        if self.terminal_at.is_some_and(|t| at >= t) {
            self.begin_kill(KillCause::TerminalResult, None, None);
        } else if let Some(limit) = timeout.filter(|t| at >= self.started_at + *t) {
            self.begin_kill(
                KillCause::Timeout,
                Some(format!("timed out after {} s", limit.as_secs_f32())),
                None,
            );
        } else if let Some(limit) = silence.filter(|t| at >= self.last_output + *t) {
            let reason = format!("wrote nothing for {} s", limit.as_secs_f32());
            self.begin_kill(KillCause::Silence, Some(reason), None);
        }
    }

    fn begin_kill(&mut self, cause: KillCause, reason: Option<String>, grace: Option<Duration>) {
        if self.ended.is_some() || self.started.is_none() {
            return;
        }
        // After the command's own end only its descendants are left, and those are being ended already.
        if self.exit.is_none() && self.kill.is_none() {
            let kill = Kill { cause, reason, at: now() };
            self.record(&Step::Kill(kill.clone()));
            self.kill = Some(kill);
        }
        let (stop, usual) = (self.spec.invocation.stop, self.spec.invocation.grace);
        self.ladder.begin(Instant::now(), stop, grace.unwrap_or(usual));
    }

    fn step_on(&mut self, rung: Rung) {
        use rustix::process::Signal;
        let Some(started) = &self.started else { return };
        let me = rustix::process::getpid().as_raw_nonzero().get();
        let all = |signal| proc::descendants(me).into_iter().for_each(|pid| proc::signal(pid, signal));
        match rung {
            // Once the command is reaped its number, and with it the group's, may belong to another.
            Rung::Group(_) if self.exit.is_some() => {}
            Rung::Group(StopSignal::Int) => proc::signal_group(started.pgid, Signal::INT),
            Rung::Group(StopSignal::Term) => proc::signal_group(started.pgid, Signal::TERM),
            Rung::TermAll => all(Signal::TERM),
            Rung::KillAll => {
                if self.exit.is_none() {
                    proc::signal_group(started.pgid, Signal::KILL);
                }
                all(Signal::KILL);
            }
        }
    }

    fn look_at_descendants(&mut self) {
        let me = rustix::process::getpid().as_raw_nonzero().get();
        let most = self.spec.invocation.max_processes as usize;
        let all = proc::descendants_listed(me, MAX_SEEN.max(most.saturating_add(1)));
        // Also one that breeds while it is being ended.
        if all.len() > most {
            crowd::freeze(me);
            let reason = format!("started more than {most} processes at once");
            self.begin_kill(KillCause::Crowd, Some(reason), Some(Duration::ZERO));
        }
        self.note_strays(&all);
    }

    /// Descendants that left the session are written down: should this host be killed, whoever cleans up
    /// finds them also when they changed their environment.
    fn note_strays(&mut self, all: &[i32]) {
        let Some(started) = &self.started else { return };
        let strays: Vec<ProcessId> = all
            .iter()
            .copied()
            .filter(|pid| *pid != started.pid)
            .filter_map(|pid| Some((pid, proc::stat(pid)?)))
            .filter(|(_, stat)| stat.session != started.pid)
            .map(|(pid, stat)| ProcessId { pid, start_time: stat.start_time })
            .filter(|stray| !self.seen.contains(stray))
            .take(MAX_SEEN.saturating_sub(self.seen.len()))
            .collect();
        if !strays.is_empty() {
            self.record(&Step::Seen(strays.clone()));
            self.seen.extend(strays);
        }
    }

    fn settle(&mut self) {
        let (log, ts) = (&mut self.log, now());
        self.stdout.splitter.settle(&self.secrets, &mut |chunk, _| log.push(ts, OutputStream::Stdout, chunk));
        self.stderr.splitter.settle(&self.secrets, &mut |chunk, _| log.push(ts, OutputStream::Stderr, chunk));
        self.write_log();
    }

    fn end(&mut self, spawn_failure: Option<SpawnFailure>) {
        let (log, ts) = (&mut self.log, now());
        self.stdout.splitter.finish(&self.secrets, &mut |chunk, _| log.push(ts, OutputStream::Stdout, chunk));
        self.stderr.splitter.finish(&self.secrets, &mut |chunk, _| log.push(ts, OutputStream::Stderr, chunk));
        self.write_log();
        self.settle_at = None;
        (self.stdout.pipe, self.stderr.pipe, self.stdin) = (None, None, None);
        let report = Box::new(ExitReport {
            attempt: self.attempt,
            started: self.started.clone(),
            spawn_failure,
            exit_code: self.exit.and_then(exit_code),
            signal: self.exit.and_then(exit_signal),
            kill: self.kill.clone(),
            at: now(),
            reaped: self.reaped_count,
            progress: self.progress.clone(),
            log_truncated: self.log.truncated(),
        });
        self.untold = false;
        self.ended = Some(report.clone());
        self.keep_end();
        self.clients.tell_progress(&self.progress);
        self.clients.tell(&HostEvent::Exited(report));
        self.leave_at = Some(Instant::now() + self.spec.linger);
        // After telling, so that nobody waits for the disk; before leaving, so that it is on it.
        let _ = self.log.sync();
        let _ = self.journal.sync();
    }

    /// Writes the end down, or tries again soon: without it the next start of the program takes the run for lost.
    fn keep_end(&mut self) {
        let Some(report) = &self.ended else { return };
        let kept = self.journal.record(now(), &Step::Ended(report.clone()));
        self.keep_end_at = kept.is_err().then(|| Instant::now() + KEEP_END_EVERY);
    }

    /// A disk that is full must not end the run; what the journal lacks, the connected program still hears.
    fn record(&mut self, step: &Step) {
        let _ = self.journal.record(now(), step);
    }
}
