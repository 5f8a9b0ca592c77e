//! Checks of an environment test, and commands that are run for one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use contract::adapter::{CheckLevel, EnvironmentCheck, EnvironmentTest, TestStatus};
use contract::{JsonObject, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::env::{configured, inherited};
use super::{ProbeContext, config};
use crate::path::find_executable;
use crate::platform::{end_group, lead_group};

/// Output of a probe beyond this is not kept.
const MAX_OUTPUT: u64 = 1 << 20;

/// Collects checks; the worst one decides.
pub struct Checks {
    adapter: &'static str,
    list: Vec<EnvironmentCheck>,
}

/// The check that was added last, to say more about it.
pub struct Added<'a>(&'a mut EnvironmentCheck);

impl Added<'_> {
    pub fn hint(self, hint: impl Into<String>) {
        self.0.hint = Some(hint.into());
    }

    pub fn detail(self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }
}

impl Checks {
    pub fn new(adapter: &'static str) -> Self {
        Self { adapter, list: Vec::new() }
    }

    fn add(&mut self, level: CheckLevel, code: impl Into<String>, message: impl Into<String>) -> Added<'_> {
        let check =
            EnvironmentCheck { code: code.into(), level, message: message.into(), detail: None, hint: None };
        let at = self.list.len();
        self.list.push(check);
        Added(&mut self.list[at])
    }

    pub fn info(&mut self, code: impl Into<String>, message: impl Into<String>) -> Added<'_> {
        self.add(CheckLevel::Info, code, message)
    }

    pub fn warn(&mut self, code: impl Into<String>, message: impl Into<String>) -> Added<'_> {
        self.add(CheckLevel::Warn, code, message)
    }

    pub fn error(&mut self, code: impl Into<String>, message: impl Into<String>) -> Added<'_> {
        self.add(CheckLevel::Error, code, message)
    }

    pub fn failed(&self) -> bool {
        self.list.iter().any(|c| c.level == CheckLevel::Error)
    }

    /// Checks the working folder; answers the one to use.
    pub fn cwd(&mut self, prefix: &str, probe: &ProbeContext) -> PathBuf {
        let Some(cwd) = config::configured_cwd(&probe.config) else { return probe.cwd.clone() };
        match config::dir_problem(&cwd) {
            None => {
                self.info(format!("{prefix}_cwd_valid"), format!("The working folder is {}.", cwd.display()));
                cwd
            }
            Some(problem) => {
                self.error(format!("{prefix}_cwd_invalid"), problem);
                probe.cwd.clone()
            }
        }
    }

    /// Checks that the command can be found; answers where.
    pub fn command(
        &mut self,
        prefix: &str,
        command: &str,
        config: &JsonObject,
        cwd: &Path,
    ) -> Option<PathBuf> {
        let env = configured(config);
        let path = env.get("PATH").map_or_else(crate::path::known_path, Into::into);
        let found = find_executable(command, &path, Some(cwd));
        match &found.executable {
            Some(file) => {
                let message = format!("{command} is {}.", file.display());
                let _ = self.info(format!("{prefix}_command_resolvable"), message).detail(found.why);
            }
            None => {
                let message = format!("The command {command} was not found.");
                self.error(format!("{prefix}_command_unresolvable"), message)
                    .detail(found.why)
                    .hint("Install it, or name it in full in the agent's configuration.");
            }
        }
        found.executable
    }

    pub fn done(self) -> EnvironmentTest {
        let has = |level| self.list.iter().any(|c| c.level == level);
        let status = if has(CheckLevel::Error) {
            TestStatus::Fail
        } else if has(CheckLevel::Warn) {
            TestStatus::Warn
        } else {
            TestStatus::Pass
        };
        let tested_at = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        EnvironmentTest { adapter_type: self.adapter.into(), status, checks: self.list, tested_at }
    }
}

/// What a probe's command said.
pub struct Answer {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command for a probe; `None` when it does not end before the deadline. Its whole group is ended then.
pub async fn ask(
    program: &Path,
    args: &[&str],
    config: &JsonObject,
    cwd: &Path,
    stdin: &str,
    deadline: Duration,
) -> std::io::Result<Option<Answer>> {
    let mut env = inherited();
    env.extend(super::claude::standard_env());
    env.extend(configured(config));
    let mut command = Command::new(program);
    lead_group(&mut command);
    let mut child = command
        .args(args.iter().map(OsStr::new))
        .env_clear()
        .envs(env)
        .current_dir(cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let leader = child.id();
    let conversation = async {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (input, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            if let Some(mut input) = input {
                let _ = input.write_all(stdin.as_bytes()).await;
            }
        };
        let read_out = async {
            if let Some(pipe) = stdout {
                let _ = pipe.take(MAX_OUTPUT).read_to_end(&mut out).await;
            }
        };
        let read_err = async {
            if let Some(pipe) = stderr {
                let _ = pipe.take(MAX_OUTPUT).read_to_end(&mut err).await;
            }
        };
        tokio::join!(write, read_out, read_err);
        let status = child.wait().await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { success: status.success(), stdout: text(out), stderr: text(err) })
    };
    match tokio::time::timeout(deadline, conversation).await {
        Ok(answer) => answer.map(Some),
        Err(_) => {
            if let Some(leader) = leader {
                end_group(leader);
            }
            Ok(None)
        }
    }
}
