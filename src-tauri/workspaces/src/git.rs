//! The system's git, as this program calls it: bounded in time, and deaf to hooks, prompts and the network.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{GitError, Result};
use crate::process;

/// For what looks at a repository.
pub const QUICK: Duration = Duration::from_secs(60);
/// For what writes a whole tree.
pub const SLOW: Duration = Duration::from_secs(10 * 60);
/// Bytes of output that are kept.
const KEEP: usize = 32 << 20;

/// Settings that hold for every call, over those of the repository and the user.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    // No transport at all: a worktree is made of what is here.
    "protocol.allow=never",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "advice.detachedHead=false",
    "core.quotePath=false",
    // Large files that are here are put in their place; those that are not stay pointers.
    "lfs.fetchexclude=*",
];

/// A git call in the making.
pub struct Git {
    dir: PathBuf,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    time: Duration,
}

impl Git {
    /// A call within `dir`.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), args: Vec::new(), env: Vec::new(), time: QUICK }
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    pub fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name, value.as_ref().to_owned()));
        self
    }

    pub fn within(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Runs it; an exit other than zero is an error with what git said.
    pub fn run(self) -> Result<Vec<u8>> {
        let what = self.what();
        let (ok, stdout, stderr) = self.ask()?;
        if ok {
            return Ok(stdout);
        }
        let said = String::from_utf8_lossy(&stderr);
        let why = said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("it failed");
        Err(GitError::Failed { what, why: why.trim_start_matches("fatal: ").to_owned() })
    }

    /// Runs it; answers its one line.
    pub fn line(self) -> Result<String> {
        let out = self.run()?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Runs it; answers whether it went well, with what it wrote.
    pub fn ask(self) -> Result<(bool, Vec<u8>, Vec<u8>)> {
        if !self.dir.is_dir() {
            return Err(GitError::FolderMissing(self.dir));
        }
        let what = self.what();
        let mut c = Command::new("git");
        for setting in SETTINGS {
            c.args(["-c", setting]);
        }
        c.args(&self.args).current_dir(&self.dir);
        // A repository named from outside would be worked on instead of this one.
        for (name, _) in std::env::vars_os().filter(|(k, _)| k.to_string_lossy().starts_with("GIT_")) {
            c.env_remove(name);
        }
        c.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("SSH_ASKPASS", "");
        c.env("GIT_SSH_COMMAND", "false").env("GIT_NO_LAZY_FETCH", "1").env("GIT_OPTIONAL_LOCKS", "0");
        c.env("GIT_EDITOR", "true").env("GIT_PAGER", "cat").env("LC_ALL", "C");
        c.envs(self.env);
        let out = process::run(c, self.time, KEEP).map_err(|e| {
            if e.kind() == std::io::ErrorKind::NotFound {
                GitError::GitMissing
            } else {
                GitError::Io { path: self.dir, source: e }
            }
        })?;
        let Some(status) = out.status else {
            return Err(GitError::TimedOut { what, after: self.time });
        };
        Ok((status.success(), out.stdout, out.stderr))
    }

    /// The first words of the call, for messages.
    fn what(&self) -> String {
        let words = self.args.iter().take(2).map(|a| a.to_string_lossy());
        words.take_while(|w| !w.starts_with('-')).collect::<Vec<_>>().join(" ")
    }
}

/// A path as git wrote it.
pub fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        PathBuf::from(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
    }
}
