//! Starting the command.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal};

use crate::adapter::Invocation;
use crate::host::protocol::{
    LaunchSpec, RUN_MARKER, Sandbox, SandboxLevel, SandboxPolicy, SpawnFailure, SpawnFailureKind,
};
use crate::host::sandbox::{Plan, Stage};

/// Sent instead of a sandbox stage when the working folder cannot be entered.
const CWD: u8 = 100;

/// Starts the command in a session of its own, within the best sandbox there is.
pub fn spawn(spec: &LaunchSpec, runtime_dir: &Path) -> Result<(Child, Sandbox), SpawnFailure> {
    let invocation = &spec.invocation;
    if spec.sandbox == SandboxPolicy::Off {
        let child = attempt(spec, None).map_err(|e| e.explain(invocation))?;
        return Ok((child, Sandbox { level: SandboxLevel::None, why: Some("switched off".into()) }));
    }
    let unavailable = |message| SpawnFailure { kind: SpawnFailureKind::SandboxUnavailable, message };
    let plan = Plan::new(&[&spec.data_dir, runtime_dir], spec).map_err(unavailable)?;
    match attempt(spec, Some(plan)) {
        Ok(child) => Ok((child, Sandbox { level: SandboxLevel::Namespace, why: None })),
        Err(Failed { stage: Some(stage), error }) if stage != CWD => {
            let why = format!("{} ({error})", Stage::describe(stage));
            if spec.sandbox == SandboxPolicy::Required {
                return Err(unavailable(why));
            }
            let child = attempt(spec, None).map_err(|e| e.explain(invocation))?;
            Ok((child, Sandbox { level: SandboxLevel::None, why: Some(why) }))
        }
        Err(failed) => Err(failed.explain(invocation)),
    }
}

/// A child that did not come to execute its command.
struct Failed {
    stage: Option<u8>,
    error: io::Error,
}

impl Failed {
    fn explain(&self, invocation: &Invocation) -> SpawnFailure {
        let (program, cwd) = (invocation.program.display(), invocation.cwd.display());
        let path = invocation.env.get("PATH").map_or("", String::as_str);
        let (kind, message) = match (self.stage, self.error.kind()) {
            (Some(_), _) => (
                SpawnFailureKind::CwdMissing,
                format!("The working folder {cwd} cannot be entered: {}", self.error),
            ),
            (None, io::ErrorKind::NotFound) => (
                SpawnFailureKind::CommandMissing,
                format!("Failed to start command \"{program}\" in \"{cwd}\": it was not found. PATH: {path}"),
            ),
            (None, io::ErrorKind::PermissionDenied) => (
                SpawnFailureKind::NotExecutable,
                format!("Failed to start command \"{program}\" in \"{cwd}\": it may not be executed"),
            ),
            (None, _) => (
                SpawnFailureKind::Other,
                format!("Failed to start command \"{program}\" in \"{cwd}\": {}", self.error),
            ),
        };
        SpawnFailure { kind, message }
    }
}

fn attempt(spec: &LaunchSpec, plan: Option<Plan>) -> Result<Child, Failed> {
    let plain = |error| Failed { stage: None, error };
    let invocation = &spec.invocation;
    // Tells the stage at which the child failed; closed without a word when the command is executed.
    let (mut told, tell) = pipe_with(PipeFlags::CLOEXEC)
        .map(|(r, w)| (std::fs::File::from(r), std::fs::File::from(w)))
        .map_err(|e| plain(e.into()))?;
    let mut command = Command::new(&invocation.program);
    command
        .args(&invocation.args)
        .env_clear()
        .envs(&invocation.env)
        .env(RUN_MARKER, spec.run_id.to_string())
        .stdin(if invocation.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let host = rustix::process::getpid();
    let cwd = invocation.cwd.clone();
    let tell = OwnedFd::from(tell);
    // SAFETY: the host has a single thread until the command runs (the one that reaps is started after),
    // so the child of the fork may allocate and lock like any process.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || become_agent(host, plan.as_ref(), &cwd, &tell));
    }
    let spawned = command.spawn();
    // The command holds the writing end and the plan; gone, the reading end sees the end.
    drop(command);
    spawned.map_err(|error| {
        let mut stage = [0];
        let stage = matches!(told.read(&mut stage), Ok(1)).then_some(stage[0]);
        Failed { stage, error }
    })
}

/// In the child, between fork and exec.
fn become_agent(host: Pid, plan: Option<&Plan>, cwd: &Path, tell: &OwnedFd) -> io::Result<()> {
    let failed = |stage: u8, error: io::Error| {
        let _ = tell.try_clone().map(|fd| std::fs::File::from(fd).write_all(&[stage]));
        // Only a number crosses to the parent.
        io::Error::from_raw_os_error(error.raw_os_error().unwrap_or(rustix::io::Errno::IO.raw_os_error()))
    };
    rustix::process::setsid()?;
    if let Some(plan) = plan {
        plan.enter().map_err(|(stage, error)| failed(stage as u8, error))?;
    }
    // Last, because a change of capabilities takes it back; and the host may have died before.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != Some(host) {
        return Err(rustix::io::Errno::SRCH.into());
    }
    // Only now: entered before, the folder would lead to what the sandbox covers.
    std::env::set_current_dir(cwd).map_err(|error| failed(CWD, error))
}
