//! Makes the Debian package: a staged tree of a release build, packed by `dpkg-deb`.

mod control;
mod licences;
mod man;
mod tree;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::build::{self, Built, Profile};
use crate::project::{Project, on_path, output, say, step};
use crate::system::{self, Purpose};
use control::Control;
use tree::Tree;

const NAME: &str = "paperclip-desktop";
/// The id under which desktops know the program; the desktop file and the icons bear it as their name.
const APP_ID: &str = "dev.paperclip.desktop";
/// Where the programs are installed; the core finds the other two from there.
const PROGRAMS: [&str; 3] =
    ["usr/bin/paperclip-desktop", "usr/bin/paperclip", "usr/lib/paperclip-desktop/paperclip-core"];
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn package(project: &Project, args: &[String]) -> Result<()> {
    if !on_path("dpkg-deb") {
        bail!("packages are made with dpkg-deb, which this system does not have");
    }
    system::require(Purpose::Build)?;
    let built = match args {
        [] => build::build(project, Profile::Release)?,
        [flag, folder] if flag == "--binaries" => Built {
            desktop: Path::new(folder).join("paperclip-desktop"),
            cli: Path::new(folder).join("paperclip"),
            core: Path::new(folder).join("paperclip-core"),
        },
        _ => bail!("only --binaries DIR is understood here, found: {}", args.join(" ")),
    };
    let contents = Contents {
        manuals: [man::of(&built.desktop)?, man::of(&built.cli)?],
        libraries: licences::of_libraries(project)?,
        released: released(project)?,
        built,
    };
    let deb = pack(project, &contents, &project.target.join("package"))?;
    say(format_args!("xtask: {} ({} KiB)", deb.display(), deb.metadata()?.len() / 1024));
    say(format_args!("xtask: install it with: sudo apt-get install {}", deb.display()));
    Ok(())
}

/// What goes into the package and is not in the checkout.
struct Contents {
    built: Built,
    manuals: [man::Page; 2],
    libraries: String,
    released: Released,
}

/// When the packed state of the checkout was made: the same state gives the same package, at any time.
struct Released {
    /// Seconds since 1970.
    epoch: String,
    /// As mails and changelogs write it.
    date: String,
}

fn released(project: &Project) -> Result<Released> {
    let mut git = Command::new("git");
    git.current_dir(&project.root).args(["log", "-1", "--format=%ct %cD"]);
    let said = output(&mut git).context("git says when the packed state was made")?;
    let (epoch, date) = said.trim().split_once(' ').context("git names no date")?;
    Ok(Released { epoch: epoch.into(), date: date.into() })
}

fn pack(project: &Project, contents: &Contents, out: &Path) -> Result<PathBuf> {
    let arch = output(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let name = format!("{NAME}_{VERSION}_{arch}");
    let tree = Tree::new(out.join(&name))?;
    fill(&tree, project, contents)?;
    tree.strip(&PROGRAMS)?;
    let depends = control::libraries(tree.path(), &PROGRAMS)?;
    let control = Control { version: VERSION, arch: &arch, depends: &depends, installed_kib: tree.kib()? };
    tree.text("DEBIAN/control", &control.text())?;
    let sums = tree.sums()?;
    tree.text("DEBIAN/md5sums", &sums)?;
    let deb = out.join(format!("{name}.deb"));
    step(
        "pack",
        Command::new("dpkg-deb")
            .env("SOURCE_DATE_EPOCH", &contents.released.epoch)
            .args(["--root-owner-group", "-Zxz", "--build"])
            .args([tree.path(), &deb]),
    )?;
    Ok(deb)
}

/// Puts every file of the package in its place but those that say what is in it.
fn fill(tree: &Tree, project: &Project, contents: &Contents) -> Result<()> {
    // The desktop program looks for the command beside itself, so both lie in the same folder.
    let [desktop, cli, core] = PROGRAMS;
    tree.program(&contents.built.desktop, desktop)?;
    tree.program(&contents.built.cli, cli)?;
    tree.program(&contents.built.core, core)?;
    for page in &contents.manuals {
        tree.packed(&format!("usr/share/man/man1/{}.1.gz", page.program), &page.text)?;
    }
    let icons = project.root.join("icons");
    let hicolor = "usr/share/icons/hicolor";
    for size in ["32x32", "128x128", "256x256", "512x512"] {
        tree.file(&icons.join(format!("{size}.png")), &format!("{hicolor}/{size}/apps/{APP_ID}.png"))?;
    }
    tree.file(&icons.join("icon.svg"), &format!("{hicolor}/scalable/apps/{APP_ID}.svg"))?;
    tree.text(
        &format!("usr/share/applications/{APP_ID}.desktop"),
        include_str!("../../package/dev.paperclip.desktop.desktop"),
    )?;
    tree.text(&format!("usr/share/{NAME}/apparmor"), include_str!("../../package/apparmor"))?;
    tree.text(
        &format!("usr/share/lintian/overrides/{NAME}"),
        include_str!("../../package/lintian-overrides"),
    )?;
    documents(tree, project, contents)?;
    tree.text("DEBIAN/triggers", include_str!("../../package/triggers"))?;
    tree.script("DEBIAN/postinst", include_str!("../../package/postinst"))?;
    tree.script("DEBIAN/postrm", include_str!("../../package/postrm"))
}

fn documents(tree: &Tree, project: &Project, contents: &Contents) -> Result<()> {
    let folder = format!("usr/share/doc/{NAME}");
    tree.text(&format!("{folder}/copyright"), &licences::copyright(project)?)?;
    tree.packed(&format!("{folder}/third-party-licences.gz"), &contents.libraries)?;
    let changelog = control::changelog(VERSION, &contents.released.date);
    tree.packed(&format!("{folder}/changelog.gz"), &changelog)
}

#[cfg(test)]
mod tests;
