//! Known bad packages: a short list that is always checked, and `cargo deny` where it is installed.

use std::process::{Command, Stdio};

use anyhow::Result;
use serde_json::Value;

use super::{packages, text};
use crate::project::{Project, say};

/// Packages that must not come in, below which version (empty: any), and why.
const DENIED: &[(&str, &str, &str)] = &[
    ("serde_yml", "", "RUSTSEC-2025-0068: unsound and unmaintained"),
    ("libyml", "", "RUSTSEC-2025-0067: unsound and unmaintained"),
    ("yaml-rust", "", "RUSTSEC-2024-0320: unmaintained"),
    ("users", "", "RUSTSEC-2023-0040: unmaintained"),
    ("atty", "", "RUSTSEC-2021-0145: unaligned reads, unmaintained"),
    ("failure", "", "RUSTSEC-2019-0036: type confusion, unmaintained"),
    ("rustc-serialize", "", "RUSTSEC-2022-0004: stack overflow on nested JSON"),
    ("tempdir", "", "RUSTSEC-2018-0017: unmaintained"),
    ("net2", "", "RUSTSEC-2020-0016: unmaintained"),
    ("stdweb", "", "RUSTSEC-2020-0056: unmaintained"),
    ("dotenv", "", "RUSTSEC-2021-0141: unmaintained"),
    ("ansi_term", "", "RUSTSEC-2021-0139: unmaintained"),
    ("backoff", "", "RUSTSEC-2025-0012: unmaintained"),
    ("chrono", "0.4.20", "RUSTSEC-2020-0159: reads the environment unsafely"),
    ("time", "0.2.23", "RUSTSEC-2020-0071: reads the environment unsafely"),
    ("libsqlite3-sys", "0.37.0", "bundles an SQLite before 3.51.3, whose WAL two connections can corrupt"),
];

pub fn check(project: &Project, metadata: &Value) -> Result<Vec<String>> {
    let mut broken: Vec<String> = packages(metadata)
        .filter_map(|p| {
            let (name, version) = (text(p, "name"), text(p, "version"));
            let (.., why) = DENIED
                .iter()
                .find(|(denied, below, _)| *denied == name && (below.is_empty() || older(version, below)))?;
            Some(format!("{name} {version}: {why}"))
        })
        .collect();
    broken.extend(cargo_deny(project)?);
    Ok(broken)
}

/// The whole advisory database, where the tool and its copy of the database are there. Nothing is fetched: a check
/// that needs the network would fail for reasons that are not the code's.
fn cargo_deny(project: &Project) -> Result<Option<String>> {
    let there = project
        .cargo(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !there {
        say("xtask: advisories: cargo-deny is not installed, so only the project's own list was checked");
        return Ok(None);
    }
    let mut command: Command = project.cargo(["deny", "--offline", "check", "advisories", "--disable-fetch"]);
    let out = command.output()?;
    let errors = String::from_utf8_lossy(&out.stderr);
    if out.status.success() {
        return Ok(None);
    }
    if errors.contains("failed to load advisory database") || errors.contains("failed to fetch") {
        say(
            "xtask: advisories: cargo-deny has no advisory database here, so only the project's own list was checked",
        );
        return Ok(None);
    }
    Ok(Some(format!("cargo deny check advisories:\n{}", errors.trim())))
}

/// Whether `a` comes before `b`, both plain `major.minor.patch` (a pre-release counts as its release).
fn older(a: &str, b: &str) -> bool {
    let parts = |v: &str| -> Vec<u64> {
        v.split(['-', '+']).next().unwrap_or_default().split('.').map_while(|n| n.parse().ok()).collect()
    };
    parts(a) < parts(b)
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_compare_as_numbers() {
        assert!(super::older("0.4.9", "0.4.20"));
        assert!(!super::older("0.4.20", "0.4.20"));
        assert!(!super::older("0.37.0+3.51.3", "0.37.0"));
    }
}
