//! System packages: what each purpose needs, and how they get there on Debian and Ubuntu.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::project::{on_path, output, say, step};

/// What the packages are for. Each purpose includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    Build,
    Run,
    Test,
}

/// Debian's names, the smallest set that was found to be enough, with what each is for.
const PACKAGES: &[(Purpose, &str, &str)] = &[
    (Purpose::Build, "build-essential", "the linker and the C compiler"),
    (Purpose::Build, "pkg-config", "finding the libraries below"),
    (Purpose::Build, "libwebkit2gtk-4.1-dev", "the window"),
    (Purpose::Run, "libayatana-appindicator3-1", "the tray icon"),
    (Purpose::Run, "git", "workspaces"),
    (Purpose::Test, "xvfb", "a display for the window's tests"),
    (Purpose::Test, "webkit2gtk-driver", "driving the window"),
    (Purpose::Test, "dbus-daemon", "a bus for the tray's tests"),
];

/// Programs that tests start, with the package that brings each where it is missing.
const TEST_PROGRAMS: &[(&str, &str)] = &[("npm", "npm")];

/// Makes sure that what `purpose` needs is installed, installing it where that is possible.
pub fn require(purpose: Purpose) -> Result<()> {
    if !cfg!(target_os = "linux") {
        say(
            "xtask: only Linux is tested; on this system the webview's own build requirements are yours to install",
        );
        return wasm_target();
    }
    let wanted = PACKAGES.iter().filter(|(p, ..)| *p <= purpose);
    if !is_debian() {
        say(
            "xtask: system packages are installed on Debian and Ubuntu only; elsewhere these are needed, by Debian's names:",
        );
        for (_, name, reason) in wanted {
            say(format_args!("  {name:30} {reason}"));
        }
        if on_path("pkg-config")
            && output(Command::new("pkg-config").args(["--exists", "webkit2gtk-4.1"])).is_ok()
        {
            return wasm_target();
        }
        bail!("webkit2gtk-4.1 was not found by pkg-config: install the packages above, then run this again");
    }
    let mut missing: Vec<&str> = wanted.map(|(_, name, _)| *name).filter(|name| !installed(name)).collect();
    if purpose == Purpose::Test {
        missing.extend(TEST_PROGRAMS.iter().filter(|(p, _)| !on_path(p)).map(|(_, package)| *package));
    }
    if !missing.is_empty() {
        install(&missing)?;
    }
    wasm_target()
}

fn is_debian() -> bool {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    on_path("apt-get")
        && release
            .lines()
            .filter(|l| l.starts_with("ID=") || l.starts_with("ID_LIKE="))
            .any(|l| l.contains("debian") || l.contains("ubuntu"))
}

fn installed(package: &str) -> bool {
    output(Command::new("dpkg-query").args(["-W", "-f=${Status}", package]))
        .is_ok_and(|status| status == "install ok installed")
}

fn install(packages: &[&str]) -> Result<()> {
    let install = || {
        let mut args = vec!["apt-get", "install", "-y", "--no-install-recommends"];
        args.extend(packages);
        args
    };
    let root = output(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0");
    if !root {
        say("xtask: some system packages are missing. They are installed now with:");
        say("  sudo apt-get update");
        say(format_args!("  sudo {}", install().join(" ")));
        if !on_path("sudo") {
            bail!("sudo is not installed: run the commands above as root, then run this again");
        }
    }
    let command = |args: &[&str]| {
        let mut command = if root { Command::new("env") } else { Command::new("sudo") };
        command.arg("DEBIAN_FRONTEND=noninteractive").args(args);
        command
    };
    step("apt-get update", &mut command(&["apt-get", "update", "-qq"]))?;
    step(&format!("install {}", packages.join(" ")), &mut command(&install()))
}

/// The frontend is compiled for this target. With rustup, rust-toolchain.toml brings it; this is for when it did not.
fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let dir = output(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))
        .context("the Rust compiler does not answer")?;
    if std::path::Path::new(dir.trim()).is_dir() {
        return Ok(());
    }
    if !on_path("rustup") {
        bail!(
            "the Rust target {TARGET} is missing, and there is no rustup to add it: install it as your distribution does"
        );
    }
    step("add the WebAssembly target", Command::new("rustup").args(["target", "add", TARGET]))
}
