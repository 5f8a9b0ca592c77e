//! The rules of the code base that a machine can check.

mod advisories;
mod arrows;
mod licences;
mod sources;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::project::{Project, output, say, step};
use crate::system::{self, Purpose};

pub fn check(project: &Project) -> Result<()> {
    system::require(Purpose::Build)?;
    rules(project)?;
    lints(project)
}

/// What needs no compiler: format, arrows, sources, licences, advisories. All are looked at before any fails.
pub fn rules(project: &Project) -> Result<()> {
    step("format", &mut project.cargo(["fmt", "--all", "--check"]))?;
    let metadata: Value =
        serde_json::from_str(&output(&mut project.cargo(["metadata", "--format-version", "1", "--locked"]))?)
            .context("cargo metadata")?;
    let mut broken = Vec::new();
    for (rule, found) in [
        ("dependency direction", arrows::check(&metadata)),
        ("sources", sources::check(project)?),
        ("licences", licences::check(&metadata)),
        ("licences of the editor", licences::of_lock(&project.root.join("src-ui/editor/package-lock.json"))?),
        ("advisories", advisories::check(project, &metadata)?),
    ] {
        say(format_args!("xtask: {rule}: {}", if found.is_empty() { "ok" } else { "broken" }));
        broken.extend(found.into_iter().map(|f| format!("  {rule}: {f}")));
    }
    if broken.is_empty() { Ok(()) } else { bail!("rules are broken:\n{}", broken.join("\n")) }
}

/// Clippy on what runs natively and on what runs in the window.
pub fn lints(project: &Project) -> Result<()> {
    step(
        "lint the program",
        project
            .cargo(["clippy", "--workspace", "--exclude", "paperclip-ui", "--all-targets", "--"])
            .args(["-D", "warnings"]),
    )?;
    // The same profile as the frontend's build, whose macros and build scripts it then shares.
    step(
        "lint the frontend",
        project.cargo(["clippy", "-p", "paperclip-ui", "--target", "wasm32-unknown-unknown"]).args([
            "--profile",
            "wasm-release",
            "--",
            "-D",
            "warnings",
        ]),
    )
}

/// Name, and whatever else a rule wants, of each package of `cargo metadata`.
fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
