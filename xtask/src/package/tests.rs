use std::collections::BTreeMap;
use std::fs;

use super::*;

const HELP: &str = "\
What it is for

Usage: program [OPTIONS]

Options:
      --headless   Run without a window
  -h, --help       Print help
";

/// The package of a build, with a small program of the system in place of each binary.
fn packed(out: &Path) -> Result<PathBuf> {
    let any = PathBuf::from("/bin/true");
    let contents = Contents {
        built: Built { desktop: any.clone(), cli: any.clone(), core: any },
        manuals: [man::page("paperclip-desktop", HELP), man::page("paperclip", HELP)],
        libraries: "all of them".into(),
        released: Released { epoch: "1780000000".into(), date: "Thu, 28 May 2026 20:26:40 +0000".into() },
    };
    pack(&Project::find()?, &contents, out)
}

fn dpkg_deb(args: &[&str], deb: &Path) -> String {
    output(Command::new("dpkg-deb").args(args).arg(deb)).unwrap()
}

/// Packages are made where `dpkg-deb` is; elsewhere the command says so.
fn made_here() -> bool {
    if on_path("dpkg-deb") {
        return true;
    }
    let refused = package(&Project::find().unwrap(), &[]).unwrap_err().to_string();
    assert!(refused.contains("dpkg-deb"), "{refused}");
    false
}

#[test]
fn the_package_holds_the_programs_and_what_a_desktop_wants_of_them() {
    if !made_here() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let deb = packed(out.path()).unwrap();
    let listing = dpkg_deb(&["--contents"], &deb);
    let mut files = BTreeMap::new();
    for line in listing.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[1], "root/root", "{line}");
        let expected = if words[0].starts_with('d') { "drwxr-xr-x" } else { words[0] };
        assert_eq!(words[0], expected, "{line}");
        if words[0].starts_with('-') {
            files.insert(words[5].trim_start_matches("./").to_owned(), words[0].to_owned());
        }
    }
    let icon = |size: &str, kind: &str| format!("usr/share/icons/hicolor/{size}/apps/{APP_ID}.{kind}");
    let doc = |name: &str| format!("usr/share/doc/paperclip-desktop/{name}");
    let mut wanted: Vec<String> = [
        "usr/bin/paperclip",
        "usr/bin/paperclip-desktop",
        "usr/lib/paperclip-desktop/paperclip-core",
        "usr/share/applications/dev.paperclip.desktop.desktop",
        "usr/share/lintian/overrides/paperclip-desktop",
        "usr/share/man/man1/paperclip-desktop.1.gz",
        "usr/share/man/man1/paperclip.1.gz",
        "usr/share/paperclip-desktop/apparmor",
    ]
    .map(str::to_owned)
    .into();
    wanted.extend(["changelog.gz", "copyright", "third-party-licences.gz"].map(doc));
    wanted.extend(["32x32", "128x128", "256x256", "512x512"].map(|size| icon(size, "png")));
    wanted.push(icon("scalable", "svg"));
    wanted.sort();
    assert_eq!(files.keys().cloned().collect::<Vec<_>>(), wanted);
    for (file, mode) in &files {
        let expected = if PROGRAMS.contains(&file.as_str()) { "-rwxr-xr-x" } else { "-rw-r--r--" };
        assert_eq!(mode, expected, "{file}");
    }
}

#[test]
fn the_package_depends_on_what_its_programs_are_linked_with_and_load() {
    if !made_here() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let deb = packed(out.path()).unwrap();
    let field = |name: &str| {
        dpkg_deb(&["--field"], &deb)
            .lines()
            .find_map(|l| l.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    };
    assert_eq!(field("Package").unwrap(), "paperclip-desktop");
    assert_eq!(field("Version").unwrap(), env!("CARGO_PKG_VERSION"));
    let depends = field("Depends").unwrap();
    assert!(depends.starts_with("libc6 (>= "), "{depends}");
    assert!(depends.ends_with(", libayatana-appindicator3-1"), "{depends}");
    assert!(field("Installed-Size").unwrap().parse::<u64>().unwrap() > 100);
    assert!(field("Recommends").unwrap().contains("xdg-utils"), "links are opened with xdg-open");

    let control = out.path().join("control");
    output(Command::new("dpkg-deb").arg("--control").arg(&deb).arg(&control)).unwrap();
    let mut names: Vec<String> = fs::read_dir(&control)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["control", "md5sums", "postinst", "postrm", "triggers"]);

    let files = out.path().join("files");
    output(Command::new("dpkg-deb").arg("--extract").arg(&deb).arg(&files)).unwrap();
    let sums = control.join("md5sums");
    let checked = output(Command::new("md5sum").current_dir(&files).arg("--check").arg(&sums)).unwrap();
    assert_eq!(checked.lines().count(), fs::read_to_string(sums).unwrap().lines().count());
}

#[test]
fn the_same_state_gives_the_same_package() {
    if !made_here() {
        return;
    }
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let read = |out: &Path| fs::read(packed(out).unwrap()).unwrap();
    assert!(read(one.path()) == read(other.path()), "no time and no name of this machine is in it");
}

#[test]
fn a_manual_page_says_what_help_says() {
    let page = man::page("paperclip-desktop", HELP).text;
    assert!(page.contains(".SH NAME\npaperclip\\-desktop \\- What it is for\n"), "{page}");
    assert!(page.contains(".SH SYNOPSIS\n.B program [OPTIONS]\n"), "{page}");
    assert!(page.contains(".SH \"OPTIONS\"\n.TP\n.B \\-\\-headless\nRun without a window\n"), "{page}");
    assert!(!page.contains("\n--"), "a hyphen that is typed is not one that is set");
}

#[test]
fn the_licences_of_fonts_and_icons_are_named() {
    let text = licences::copyright(&Project::find().unwrap()).unwrap();
    for held in ["License: MIT", "License: OFL-1.1", "License: ISC", "Inter Project", "JetBrains", "Lucide"] {
        assert!(text.contains(held), "{held}");
    }
    // A line of a field begins with a space, or it would begin another field.
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with(' ')) {
        assert!(line.contains(": ") || line == "Comment:", "{line}");
    }
}

#[test]
fn the_profile_is_of_the_programs_where_they_are_installed() {
    let profile = include_str!("../../package/apparmor");
    for program in PROGRAMS {
        assert!(profile.contains(&format!(" /{program} flags=(unconfined) {{\n  userns,\n")), "{program}");
    }
}

/// A system on which the package's scripts run: its own root, and an AppArmor that can or cannot read the profile.
struct System {
    root: tempfile::TempDir,
}

impl System {
    fn new() -> Self {
        let system = Self { root: tempfile::tempdir().unwrap() };
        let at = |dir: &str| system.root.path().join(dir);
        for dir in ["bin", "etc/apparmor.d/local", "usr/share/paperclip-desktop", "var/cache/apparmor/x"] {
            fs::create_dir_all(at(dir)).unwrap();
        }
        for program in ["cp", "chmod", "rm"] {
            std::os::unix::fs::symlink(Path::new("/bin").join(program), at("bin").join(program)).unwrap();
        }
        let shipped = include_str!("../../package/apparmor");
        fs::write(at("usr/share/paperclip-desktop/apparmor"), shipped).unwrap();
        system
    }

    /// Installs a parser that writes down how it was called and answers so.
    fn parser(&self, answer: &str) {
        let log = self.root.path().join("parsed").display().to_string();
        for (name, text) in [
            ("apparmor_parser", format!("echo \"$*\" >>{log}\n{answer}\n")),
            ("aa-enabled", "exit 0\n".into()),
        ] {
            let path = self.root.path().join("bin").join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
    }

    fn run(&self, script: &str, action: &str) {
        let mut shell = Command::new("/bin/sh");
        shell.env("PATH", self.root.path().join("bin")).env("DPKG_ROOT", self.root.path());
        let script = Project::find().unwrap().root.join("xtask/package").join(script);
        output(shell.arg(script).arg(action)).unwrap();
    }

    fn profile(&self) -> Option<String> {
        fs::read_to_string(self.root.path().join("etc/apparmor.d/paperclip-desktop")).ok()
    }

    fn parsed(&self) -> String {
        fs::read_to_string(self.root.path().join("parsed")).unwrap_or_default()
    }
}

#[test]
fn the_profile_is_loaded_where_apparmor_can_read_it_and_goes_with_the_package() {
    let system = System::new();
    system.parser("exit 0");
    system.run("postinst", "configure");
    assert_eq!(system.profile().unwrap(), include_str!("../../package/apparmor"));
    assert!(system.parsed().contains("--replace"), "{}", system.parsed());

    let local = system.root.path().join("etc/apparmor.d/local/paperclip-desktop");
    fs::write(&local, "# the operator's own\n").unwrap();
    let cached = system.root.path().join("var/cache/apparmor/x/paperclip-desktop");
    fs::write(&cached, "").unwrap();
    system.run("postrm", "upgrade");
    assert!(system.profile().is_some(), "an upgrade keeps it");
    system.run("postrm", "remove");
    assert!(system.profile().is_none() && !cached.exists());
    assert!(system.parsed().contains("--remove"), "{}", system.parsed());
    assert!(local.exists(), "what the operator wrote stays until the package is purged");
    system.run("postrm", "purge");
    assert!(!local.exists());
}

#[test]
fn an_apparmor_that_is_not_there_or_cannot_read_the_profile_is_left_alone() {
    let system = System::new();
    system.run("postinst", "configure");
    assert!(system.profile().is_none());
    // What the parser of AppArmor 3 answers to this profile.
    system.parser("echo \"Could not open 'abi/4.0'\" >&2; exit 1");
    system.run("postinst", "configure");
    assert!(system.profile().is_none());
    assert!(!system.parsed().contains("--replace"), "{}", system.parsed());
    system.run("postrm", "purge");

    // It is read once AppArmor is a newer one, and again not when it goes back.
    system.parser("exit 0");
    system.run("postinst", "triggered");
    assert!(system.profile().is_some());
    system.parser("exit 1");
    system.run("postinst", "triggered");
    assert!(system.profile().is_none());
}
