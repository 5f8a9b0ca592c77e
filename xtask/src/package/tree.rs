//! The files of the package, laid out as they will lie on the system.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::project::{output, step};

pub struct Tree(PathBuf);

impl Tree {
    /// An empty tree, in place of what an earlier packing left.
    pub fn new(path: PathBuf) -> Result<Self> {
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        }
        let tree = Self(path);
        tree.folder(&tree.0)?;
        Ok(tree)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn program(&self, from: &Path, to: &str) -> Result<()> {
        self.copy(from, to, 0o755)
    }

    pub fn file(&self, from: &Path, to: &str) -> Result<()> {
        self.copy(from, to, 0o644)
    }

    pub fn text(&self, to: &str, text: &str) -> Result<()> {
        self.write(to, text.as_bytes(), 0o644)
    }

    pub fn script(&self, to: &str, text: &str) -> Result<()> {
        self.write(to, text.as_bytes(), 0o755)
    }

    /// A text that is kept compressed, without a name or time in it, so that the same text gives the same bytes.
    pub fn packed(&self, to: &str, text: &str) -> Result<()> {
        let mut gzip = Command::new("gzip")
            .arg("-9n")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start gzip")?;
        let mut stdin = gzip.stdin.take().context("gzip takes input")?;
        let text = text.to_owned();
        let feeding = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let out = gzip.wait_with_output()?;
        let fed = feeding.join().is_ok_and(|written| written.is_ok());
        if !out.status.success() || !fed {
            bail!("gzip did not pack {to}");
        }
        self.write(to, &out.stdout, 0o644)
    }

    /// Takes out of programs what only a debugger reads.
    pub fn strip(&self, programs: &[&str]) -> Result<()> {
        let mut strip = Command::new("strip");
        strip.args(["--strip-unneeded", "--remove-section=.comment", "--remove-section=.note"]);
        step("strip", strip.args(programs.iter().map(|p| self.0.join(p))))
    }

    /// The files that will be on the system, by their path from its root, sorted.
    pub fn files(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        self.collect(&self.0, &mut found)?;
        found.retain(|f| !f.starts_with("DEBIAN/"));
        found.sort_unstable();
        Ok(found)
    }

    fn collect(&self, dir: &Path, found: &mut Vec<String>) -> Result<()> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                self.collect(&path, found)?;
            } else {
                found.push(path.strip_prefix(&self.0)?.display().to_string());
            }
        }
        Ok(())
    }

    /// What the files take up, as Debian counts it.
    pub fn kib(&self) -> Result<u64> {
        self.files()?
            .iter()
            .try_fold(0, |sum, file| Ok(sum + fs::metadata(self.0.join(file))?.len().div_ceil(1024)))
    }

    /// What `dpkg --verify` compares the installed files with.
    pub fn sums(&self) -> Result<String> {
        output(Command::new("md5sum").current_dir(&self.0).args(self.files()?))
    }

    fn copy(&self, from: &Path, to: &str, mode: u32) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("{} is missing", from.display()))?;
        self.write(to, &bytes, mode)
    }

    fn write(&self, to: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let path = self.0.join(to);
        if let Some(dir) = path.parent() {
            self.folder(dir)?;
        }
        fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        set_mode(&path, mode)
    }

    /// A folder with those above it, down from the tree's root, each open to all whatever the umask says.
    fn folder(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        for part in dir.ancestors().take_while(|part| part.starts_with(&self.0)) {
            set_mode(part, 0o755)?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(|| path.display().to_string())
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<()> {
    Ok(())
}
