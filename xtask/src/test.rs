//! Everything that must hold before a change is taken, from a fresh checkout.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::build::Profile;
use crate::project::{Project, say, step};
use crate::system::{self, Purpose};
use crate::{check, editor, ui};

/// The agent command line that the end-to-end test runs, at the version it was written against.
const CLAUDE_CODE: (&str, &str) = ("@anthropic-ai/claude-code", "2.1.197");

pub fn test(project: &Project, args: &[String]) -> Result<()> {
    let begun = Instant::now();
    system::require(Purpose::Test)?;
    let claude = claude_code(project)?;
    check::rules(project)?;
    editor::check_if_possible(project)?;
    ui::build(project, Profile::Release)?;
    check::lints(project)?;

    // One selection of packages and features for building and testing: another would compile half of it again.
    // `test` alone would leave out the command line, which has no tests of that kind and which the end-to-end tests
    // start.
    step("build the programs", &mut project.cargo(["build", "--workspace", "--all-targets"]))?;
    step("build the tests", &mut project.cargo(["test", "--workspace", "--all-targets", "--no-run"]))?;
    let artifacts = project.root.join("artifacts");
    std::fs::create_dir_all(&artifacts)?;
    let mut tests = project.cargo(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    tests.env("PAPERCLIP_TEST_CLAUDE", &claude).env("PAPERCLIP_TEST_ARTIFACTS", &artifacts);
    // The end-to-end tests each start a display, a browser engine and the program; many at once would only
    // measure how long they wait for each other.
    tests.arg("--").arg("--test-threads=2").args(args);
    step("test", &mut tests)?;
    say(format_args!("xtask: everything holds, after {} s", begun.elapsed().as_secs()));
    Ok(())
}

/// Installs the pinned agent command line from npm, below the target folder, and gives its executable.
fn claude_code(project: &Project) -> Result<PathBuf> {
    let (package, version) = CLAUDE_CODE;
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (os, arch) => bail!("there is no Claude Code for {os} on {arch} that the tests know of"),
    };
    let prefix = project.target.join("agents").join(format!("claude-code-{version}"));
    // The native executable comes in a package for the platform; the main package only starts it.
    let executable = prefix.join("node_modules").join(format!("{package}-{platform}")).join("claude");
    if !executable.is_file() {
        std::fs::create_dir_all(&prefix)?;
        step(
            &format!("install Claude Code {version}"),
            Command::new("npm")
                .args([
                    "install",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--loglevel=error",
                    "--prefix",
                ])
                .arg(&prefix)
                .arg(format!("{package}@{version}")),
        )?;
    }
    executable.is_file().then_some(executable.clone()).with_context(|| {
        format!("npm installed {package}@{version}, but {} is not there", executable.display())
    })
}
