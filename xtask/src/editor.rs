//! The window's Markdown editor: JavaScript, bundled with npm and esbuild. The bundle is checked in, so that building
//! the program needs neither; this makes it anew from `src-ui/editor`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::project::{Project, on_path, say, step};
use crate::ui::{Files, collect, publish};

/// What the bundle is made from, within `src-ui/editor`.
const SOURCES: [&str; 3] = ["package.json", "package-lock.json", "build.mjs"];

pub fn editor(project: &Project, args: &[String]) -> Result<()> {
    match args {
        [] => write(project),
        [only] if only == "--check" => check(project),
        _ => bail!("only --check is understood here, found: {}", args.join(" ")),
    }
}

/// The bundle's folder in the checkout.
pub fn bundle(project: &Project) -> PathBuf {
    project.root.join("src-ui/editor/dist")
}

fn write(project: &Project) -> Result<()> {
    let built = build(project)?;
    let written = publish(&bundle(project), &built)?;
    say(format_args!("xtask: src-ui/editor/dist is made anew: {written} files changed"));
    Ok(())
}

/// Fails when the bundle is not what its sources make.
fn check(project: &Project) -> Result<()> {
    let built = build(project)?;
    if built != collect(&bundle(project))? {
        bail!("src-ui/editor/dist is not what its sources make: run `cargo xtask editor`");
    }
    say("xtask: the editor's bundle is what its sources make");
    Ok(())
}

/// Checks the bundle where npm is there to make it.
pub fn check_if_possible(project: &Project) -> Result<()> {
    if on_path("npm") {
        return check(project);
    }
    say("xtask: without npm the editor's bundle is taken as it is");
    Ok(())
}

/// Installs the pinned packages, runs the editor's tests, and gives the bundle. All of it happens below the target
/// folder: a checkout holds no installed packages.
fn build(project: &Project) -> Result<Files> {
    let from = project.root.join("src-ui/editor");
    let stage = project.target.join("editor");
    fs::create_dir_all(&stage)?;
    let wanted = fs::read(from.join("package-lock.json")).context("src-ui/editor/package-lock.json")?;
    let lock = stage.join("package-lock.json");
    let installed = fs::read(&lock).is_ok_and(|old| old == wanted) && stage.join("node_modules").is_dir();
    for name in SOURCES {
        fs::copy(from.join(name), stage.join(name)).with_context(|| format!("src-ui/editor/{name}"))?;
    }
    for folder in ["src", "test"] {
        publish(&stage.join(folder), &collect(&from.join(folder))?)?;
    }
    if !installed {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        let done = step("install the editor's packages", npm.current_dir(&stage));
        if done.is_err() {
            // The next attempt shall not take half of them for all.
            let _ = fs::remove_file(&lock);
        }
        done?;
    }
    let node = || {
        let mut node = Command::new("node");
        node.current_dir(&stage);
        node
    };
    step("test the editor", node().args(["--test", "--test-reporter=dot", "test/"]))?;
    step("bundle the editor", node().args(["build.mjs", "out"]))?;
    collect(Path::new(&stage.join("out")))
}
