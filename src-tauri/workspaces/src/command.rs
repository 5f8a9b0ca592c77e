//! The operator's own commands around the life of a worktree: provision, teardown, cleanup.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process;

/// A command line for the system's shell.
#[derive(Clone, Debug)]
pub struct Command {
    pub line: String,
    pub cwd: PathBuf,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    pub time: Duration,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Absent when it was stopped at the end of its time, or ended by a signal.
    pub exit_code: Option<i32>,
    pub timed_out: bool,
    /// The last of what it wrote.
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    pub fn succeeded(&self) -> bool {
        self.exit_code == Some(0)
    }
}

/// Bytes kept of each stream.
const KEEP: usize = 16 << 10;

/// Runs a command to its end. Nothing that it started in its process group lives on.
///
/// Waits for it: not for an async task. An error: it could not be started.
pub fn run_command(command: &Command) -> std::io::Result<Finished> {
    let mut c = shell(&command.line);
    c.current_dir(&command.cwd).env_clear().envs(&command.env);
    let out = process::run(c, command.time, KEEP)?;
    Ok(Finished {
        exit_code: out.status.and_then(|s| s.code()),
        timed_out: out.status.is_none(),
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
    })
}

#[cfg(unix)]
fn shell(line: &str) -> std::process::Command {
    let sh = Path::new("/bin/sh");
    let mut c = std::process::Command::new(sh);
    c.args(["-c", line]);
    c
}

#[cfg(not(unix))]
fn shell(line: &str) -> std::process::Command {
    let mut c = std::process::Command::new(Path::new("cmd"));
    c.args(["/C", line]);
    c
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_command_gets_its_folder_and_its_variables_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut command = Command {
            line: "echo $WORD; env | grep -c . ; pwd; echo bad >&2; exit 3".into(),
            cwd: dir.path().canonicalize().unwrap(),
            env: BTreeMap::from([("WORD".into(), "hello".into()), ("PATH".into(), path)]),
            time: Duration::from_secs(20),
        };
        let end = run_command(&command).unwrap();
        assert_eq!((end.exit_code, end.stderr.as_str(), end.succeeded()), (Some(3), "bad\n", false));
        let mut lines = end.stdout.lines();
        assert_eq!(lines.next(), Some("hello"));
        // The shell adds some of its own.
        assert!(lines.next().unwrap().parse::<u32>().unwrap() <= 6);
        assert_eq!(lines.next(), command.cwd.to_str());
        command.line = "sleep 60".into();
        command.time = Duration::from_millis(100);
        assert!(run_command(&command).unwrap().timed_out);
    }
}
