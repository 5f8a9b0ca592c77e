//! Waiting for processes to end, in a thread of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, channel};

use rustix::io::Errno;
use rustix::process::WaitOptions;

use crate::host::proc;

/// What the reaping thread reports.
pub enum Reaped {
    Process {
        pid: i32,
        status: ExitStatus,
    },
    /// There is no child left, and this process being a subreaper, no descendant either.
    Nothing,
}

/// Waits for children in a thread of its own, so that the loop needs no signal handler. Ends when there is
/// nobody left to wait for.
pub fn watch_processes() -> io::Result<(Receiver<Reaped>, OwnedFd)> {
    let (sender, receiver) = channel();
    let (wake, waker) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&wake, true)?;
    std::thread::Builder::new().name("reaper".into()).stack_size(64 << 10).spawn(move || {
        loop {
            let news = match rustix::process::wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => Reaped::Process {
                    pid: pid.as_raw_nonzero().get(),
                    status: std::os::unix::process::ExitStatusExt::from_raw(status.as_raw()),
                },
                Ok(None) | Err(Errno::INTR) => continue,
                Err(_) => Reaped::Nothing,
            };
            let last = matches!(news, Reaped::Nothing);
            let told = sender.send(news).is_ok() && rustix::io::write(&waker, &[1]).is_ok();
            if last || !told {
                return;
            }
        }
    })?;
    Ok((receiver, wake))
}

pub fn exit_code(status: ExitStatus) -> Option<i32> {
    status.code()
}

pub fn exit_signal(status: ExitStatus) -> Option<String> {
    std::os::unix::process::ExitStatusExt::signal(&status).map(proc::signal_name)
}
