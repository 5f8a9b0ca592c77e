//! Linux and macOS.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use rustix::process::{Pid, Signal};
use tokio::process::Command;

pub fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

pub fn read_exact_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buf, offset)
}

/// The shell that knows the operator's PATH.
pub fn login_shell() -> Option<String> {
    Some(std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into()))
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Gives the command a process group of its own, to be ended whole.
pub fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// Ends the group of a command that leads one.
pub fn end_group(leader: u32) {
    if let Some(group) = Pid::from_raw(leader.cast_signed()) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Whether less than this is left on a folder's disk, or less than a twentieth of a small one. A disk that cannot be
/// asked is not taken for full: writing tells.
pub fn has_less_than(folder: &Path, reserve: u64) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| {
        let left = disk.f_bavail.saturating_mul(disk.f_frsize);
        left < reserve.min(disk.f_blocks.saturating_mul(disk.f_frsize) / 20)
    })
}
