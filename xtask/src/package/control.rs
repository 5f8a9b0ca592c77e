//! What the package says of itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::NAME;
use crate::project::output;

const MAINTAINER: &str = "Paperclip Desktop contributors <paperclip-desktop@localhost>";

/// What the program loads while it runs, which no look at the binaries shows.
const LOADED: &str = "libayatana-appindicator3-1";

pub struct Control<'a> {
    pub version: &'a str,
    pub arch: &'a str,
    /// The libraries that the binaries were linked against, with their versions.
    pub depends: &'a str,
    pub installed_kib: u64,
}

impl Control<'_> {
    pub fn text(&self) -> String {
        let Self { version, arch, depends, installed_kib } = self;
        format!(
            "Package: {NAME}
Version: {version}
Architecture: {arch}
Maintainer: {MAINTAINER}
Installed-Size: {installed_kib}
Depends: {depends}, {LOADED}
Recommends: git, xdg-utils, dbus-user-session | dbus-session-bus
Section: devel
Priority: optional
Description: native, local-only control plane for teams of AI agents
 One program, one database file, one window and a tray icon, for one operator
 on one machine: companies, org charts, issues, documents, heartbeats, budgets
 and approvals, with the agents' own command lines as workers.
 .
 The paperclip command does all that the window does, and the same program
 runs headless on a server.
"
        )
    }
}

/// The packages of the libraries that programs in a tree were linked against, each with the oldest version that has
/// what is used of it.
pub fn libraries(tree: &Path, programs: &[&str]) -> Result<String> {
    // The tool is made for source packages and wants to see one.
    let source = tree.with_extension("shlibdeps");
    fs::create_dir_all(source.join("debian"))?;
    fs::write(
        source.join("debian/control"),
        format!("Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n"),
    )?;
    let mut tool = Command::new("dpkg-shlibdeps");
    tool.current_dir(&source).arg("-O");
    for program in programs {
        tool.arg("-e").arg(tree.join(program));
    }
    let said = output(&mut tool)?;
    fs::remove_dir_all(&source)?;
    let found = said.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    found.map(str::to_owned).context("dpkg-shlibdeps names no library")
}

pub fn changelog(version: &str, date: &str) -> String {
    format!(
        "{NAME} ({version}) unstable; urgency=medium\n\n  * Version {version}.\n\n -- {MAINTAINER}  {date}\n"
    )
}
