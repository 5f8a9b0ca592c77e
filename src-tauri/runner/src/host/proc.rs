//! What `/proc` knows about processes. The parts of the host that only Linux has are here and in `sandbox`.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use rustix::process::{Pid, Signal};

use super::protocol::RUN_MARKER;

/// A process named beyond reuse of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ProcessId {
    pub pid: i32,
    /// Clock ticks since boot.
    pub start_time: u64,
}

impl ProcessId {
    pub fn of(pid: i32) -> Option<Self> {
        Some(Self { pid, start_time: stat(pid)?.start_time })
    }

    /// The same process still exists and is not a zombie.
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|s| s.start_time == self.start_time && s.state != b'Z')
    }
}

pub struct Stat {
    pub state: u8,
    pub parent: i32,
    pub session: i32,
    pub start_time: u64,
}

/// Reads `/proc/<pid>/stat`; `None` when the process is gone.
pub fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so fields are counted from its last parenthesis.
    let rest = &text[text.iter().rposition(|&b| b == b')')? + 2..];
    let mut fields = std::str::from_utf8(rest).ok()?.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = parse(fields.next())?;
    let session = parse(fields.nth(1))?;
    let start_time = parse(fields.nth(15))?;
    Some(Stat { state, parent, session, start_time })
}

fn parse<T: FromStr>(field: Option<&str>) -> Option<T> {
    field?.parse().ok()
}

/// Names one boot of the machine: process numbers of another boot mean nothing.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Every process number there is.
pub fn all() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok())
}

/// All living descendants of `root`, by asking every process for its parent. For the end of a run.
pub fn descendants(root: i32) -> Vec<i32> {
    let parents: Vec<(i32, i32)> = all()
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .filter(|(_, s)| s.state != b'Z')
        .map(|(pid, s)| (pid, s.parent))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The same, cheaply, from the kernel's own child lists; empty where the kernel keeps none. Stops at `limit`.
pub fn descendants_listed(root: i32, limit: usize) -> Vec<i32> {
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() && found.len() <= limit {
        let tasks = fs::read_dir(format!("/proc/{}/task", found[next])).into_iter().flatten().flatten();
        for task in tasks {
            let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
        }
        next += 1;
    }
    found.split_off(1)
}

/// How many processes a run has, by the number of its command: all that descend from the host that started it.
pub fn processes_beside(command: i32) -> Option<u32> {
    const MOST: usize = 4096;
    let host = stat(command)?.parent;
    // One whose host is gone was given to the system's first process, from which everything descends.
    let line = fs::read(format!("/proc/{host}/cmdline")).ok()?;
    if !line.split(|&b| b == 0).any(|arg| arg == b"run-host") {
        return None;
    }
    u32::try_from(descendants_listed(host, MOST).len()).ok().filter(|n| *n > 0)
}

/// Whether a process carries the marker of a run in its environment.
pub fn has_marker(pid: i32, run_id: &str) -> bool {
    let wanted = format!("{RUN_MARKER}={run_id}");
    fs::read(Path::new("/proc").join(pid.to_string()).join("environ"))
        .is_ok_and(|env| env.split(|&b| b == 0).any(|var| var == wanted.as_bytes()))
}

/// Whether a process is the host of this run, as [`crate::host::HostLauncher`] starts it: `… run-host <run>`.
pub fn is_host_of(pid: i32, run_id: &str) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
        let line = line.strip_suffix(b"\0").unwrap_or(&line);
        let mut args = line.rsplit(|&b| b == 0);
        args.next() == Some(run_id.as_bytes()) && args.next() == Some(b"run-host")
    })
}

/// Sends a signal; a process that is gone is no error.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Sends a signal to a process group.
pub fn signal_group(pgid: i32, signal: Signal) {
    if let Some(pgid) = Pid::from_raw(pgid) {
        let _ = rustix::process::kill_process_group(pgid, signal);
    }
}

/// `SIGTERM` for 15, and so on.
pub fn signal_name(number: i32) -> String {
    const NAMES: [&str; 32] = [
        "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
        "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    match usize::try_from(number).ok().and_then(|n| NAMES.get(n)) {
        Some(name) => format!("SIG{name}"),
        None => format!("SIG{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_under_its_start_time_only() {
        let me = ProcessId::of(std::process::id().cast_signed()).unwrap();
        assert!(me.is_alive());
        assert!(!ProcessId { start_time: me.start_time + 1, ..me }.is_alive());
    }

    #[test]
    fn a_child_is_found_both_ways() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (me, pid) = (std::process::id().cast_signed(), child.id().cast_signed());
        assert!(descendants(me).contains(&pid));
        let listed = descendants_listed(me, 1000);
        assert!(listed.is_empty() || listed.contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(signal_name(9), "SIGKILL");
    }
}
