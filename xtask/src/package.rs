//! Makes the Debian package: a staged tree of a release build, packed by `dpkg-deb`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::build::{self, Profile};
use crate::project::{Project, on_path, output, say, step};
use crate::system::{self, Purpose};

const NAME: &str = "paperclip-desktop";
/// The id under which desktops know the window; the desktop file bears it as its name.
const APP_ID: &str = "dev.paperclip.desktop";

pub fn package(project: &Project) -> Result<()> {
    if !on_path("dpkg-deb") {
        bail!("packages are made with dpkg-deb, which this system does not have");
    }
    system::require(Purpose::Build)?;
    let built = build::build(project, Profile::Release)?;
    let arch = output(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let version = env!("CARGO_PKG_VERSION");
    let out = project.target.join("package");
    let tree = out.join(format!("{NAME}_{version}_{arch}"));
    let _ = fs::remove_dir_all(&tree);

    // The desktop program looks for the command beside itself, so both lie in the same folder.
    stage(&built.desktop, &tree.join("usr/bin").join(NAME), 0o755)?;
    stage(&built.cli, &tree.join("usr/bin/paperclip"), 0o755)?;
    let icons = project.root.join("icons");
    for size in [32, 128, 256, 512] {
        stage(
            &icons.join(format!("{size}x{size}.png")),
            &tree.join(format!("usr/share/icons/hicolor/{size}x{size}/apps/{APP_ID}.png")),
            0o644,
        )?;
    }
    stage(
        &icons.join("icon.svg"),
        &tree.join(format!("usr/share/icons/hicolor/scalable/apps/{APP_ID}.svg")),
        0o644,
    )?;
    write(&tree.join(format!("usr/share/applications/{APP_ID}.desktop")), &desktop_file())?;
    documents(project, &tree.join("usr/share/doc").join(NAME))?;
    let size = installed_kib(&tree)?;
    write(&tree.join("DEBIAN/control"), &control(version, &arch, &libc_version()?, size))?;

    let deb: PathBuf = out.join(format!("{NAME}_{version}_{arch}.deb"));
    step(
        "pack",
        Command::new("dpkg-deb").args(["--root-owner-group", "-Zxz", "--build"]).arg(&tree).arg(&deb),
    )?;
    say(format_args!("xtask: {} ({} KiB)", deb.display(), fs::metadata(&deb)?.len() / 1024));
    say(format_args!("xtask: install it with: sudo apt-get install {}", deb.display()));
    Ok(())
}

/// The licences of the program and of the fonts and icons within it.
fn documents(project: &Project, to: &Path) -> Result<()> {
    let licence = fs::read_to_string(project.root.join("LICENSE"))?;
    write(&to.join("copyright"), &format!("{COPYRIGHT}{}", indented(&licence)))?;
    for folder in ["fonts", "icons"] {
        for entry in fs::read_dir(project.root.join("src-ui").join(folder))? {
            let path = entry?.path();
            if let Some(name) = path.file_name().filter(|n| n.to_string_lossy().starts_with("LICENSE")) {
                stage(&path, &to.join(name), 0o644)?;
            }
        }
    }
    Ok(())
}

/// Text as a field of Debian's copyright file takes it.
fn indented(text: &str) -> String {
    text.lines().map(|l| if l.is_empty() { " .\n".to_owned() } else { format!(" {l}\n") }).collect()
}

/// The C library that the program was linked against, which is the oldest it is known to run with.
fn libc_version() -> Result<String> {
    let said = output(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    said.split_whitespace().last().map(str::to_owned).context("getconf names no version")
}

fn control(version: &str, arch: &str, libc: &str, installed_kib: u64) -> String {
    format!(
        "Package: {NAME}
Version: {version}
Architecture: {arch}
Maintainer: Paperclip Desktop contributors <paperclip-desktop@localhost>
Installed-Size: {installed_kib}
Depends: libc6 (>= {libc}), libwebkit2gtk-4.1-0, libgtk-3-0 | libgtk-3-0t64, libayatana-appindicator3-1, git
Recommends: gnome-keyring | org.freedesktop.secrets
Section: devel
Priority: optional
Description: Native, local-only control plane for teams of AI agents
 One program, one database file, one window and a tray icon, for one operator
 on one machine: companies, org charts, issues, documents, heartbeats, budgets
 and approvals, with the agents' own command lines as workers.
"
    )
}

fn desktop_file() -> String {
    format!(
        "[Desktop Entry]
Type=Application
Name=Paperclip Desktop
Comment=Run a team of AI agents on this machine
Exec={NAME}
Icon={APP_ID}
Terminal=false
Categories=Development;Office;
StartupWMClass={NAME}
StartupNotify=true
"
    )
}

const COPYRIGHT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: Paperclip Desktop contributors
License: MIT
";

fn stage(from: &Path, to: &Path, mode: u32) -> Result<()> {
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::copy(from, to).with_context(|| format!("{} is missing", from.display()))?;
    set_mode(to, mode)
}

fn write(to: &Path, text: &str) -> Result<()> {
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(to, text)?;
    set_mode(to, 0o644)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).context("permissions")
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<()> {
    Ok(())
}

fn installed_kib(tree: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(tree)? {
        let entry = entry?;
        bytes += if entry.path().is_dir() {
            installed_kib(&entry.path())? * 1024
        } else {
            entry.metadata()?.len().next_multiple_of(4096)
        };
    }
    Ok(bytes.div_ceil(1024))
}
