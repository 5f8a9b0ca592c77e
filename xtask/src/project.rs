//! Where things are, and how commands are started.

use std::fmt::Display;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// Says something to whoever runs the command. Output that programs read goes to stdout instead.
pub fn say(line: impl Display) {
    // A closed terminal is no reason to stop a build.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

pub struct Project {
    /// The checkout.
    pub root: PathBuf,
    /// Cargo's target folder, which several checkouts may share.
    pub target: PathBuf,
}

impl Project {
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in the workspace")?
            .to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => std::path::absolute(dir)?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The window's page and program, embedded into the desktop binary. One for each checkout.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// A cargo command in the checkout, of the same toolchain as the one that runs now.
    pub fn cargo<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(args);
        command
    }
}

/// Runs a command to its end with its output shown, says how long it took, and fails when it fails.
pub fn step(what: &str, command: &mut Command) -> Result<()> {
    say(format_args!("xtask: {what}"));
    let begun = Instant::now();
    let status = command.status().with_context(|| format!("could not start {}", shown(command)))?;
    if !status.success() {
        bail!("{what} failed ({status}): {}", shown(command));
    }
    say(format_args!("xtask: {what}: {:.1} s", begun.elapsed().as_secs_f32()));
    Ok(())
}

/// Runs a command and gives what it wrote to stdout.
pub fn output(command: &mut Command) -> Result<String> {
    let out = command.output().with_context(|| format!("could not start {}", shown(command)))?;
    if !out.status.success() {
        bail!("{} failed ({}): {}", shown(command), out.status, String::from_utf8_lossy(&out.stderr).trim());
    }
    String::from_utf8(out.stdout)
        .with_context(|| format!("{} wrote something that is not text", shown(command)))
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let mut line = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

/// Whether a program of this name is on the PATH.
pub fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
