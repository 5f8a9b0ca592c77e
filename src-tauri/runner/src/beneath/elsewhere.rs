//! Where folders cannot be entered step by step, every part of a path is looked at before it is used.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{MAX_FOLDERS, partial_name, parts, read_text, refused};

pub struct Folder {
    path: PathBuf,
    closed: Option<PathBuf>,
}

impl Folder {
    /// Opens a folder. `closed` is a folder that is not entered, neither on the way there nor below.
    pub fn open(root: &Path, closed: Option<&Path>) -> io::Result<Self> {
        let closed = closed.map(Path::canonicalize).transpose()?;
        let folder = Self { path: root.canonicalize()?, closed };
        folder.entered(&folder.path)?;
        if folder.path.is_dir() { Ok(folder) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// The real one.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn read(&self, name: &str) -> io::Result<String> {
        read_text(File::open(self.within(name)?)?)
    }

    /// Writes a file whole or not at all: somebody may be reading it.
    pub fn write(&self, name: &str, content: &str) -> io::Result<()> {
        let path = self.within(name)?;
        let dir = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(dir)?;
        let partial = dir.join(partial_name());
        File::create_new(&partial)?.write_all(content.as_bytes())?;
        fs::rename(&partial, &path)
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.within(name)?)
    }

    /// The plain files below, with their sizes; links are none.
    pub fn files(&self, most: usize) -> Vec<(String, u64)> {
        let (mut out, mut open, mut entered) = (Vec::new(), vec![self.path.clone()], 0);
        while let Some(dir) = open.pop()
            && entered < MAX_FOLDERS
            && out.len() < most
        {
            entered += 1;
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let (path, Ok(about)) = (entry.path(), entry.metadata()) else { continue };
                if about.is_dir() && self.entered(&path).is_ok() {
                    open.push(path);
                } else if about.is_file()
                    && out.len() < most
                    && let Ok(name) = path.strip_prefix(&self.path)
                {
                    out.push((name.to_string_lossy().replace('\\', "/"), about.len()));
                }
            }
        }
        out
    }

    fn within(&self, name: &str) -> io::Result<PathBuf> {
        let mut at = self.path.clone();
        for part in parts(name)? {
            at.push(part);
            if at.symlink_metadata().is_ok_and(|m| m.is_symlink()) {
                return Err(refused("The path leads through a link"));
            }
            self.entered(&at)?;
        }
        Ok(at)
    }

    fn entered(&self, at: &Path) -> io::Result<()> {
        let real = at.canonicalize().unwrap_or_else(|_| at.to_owned());
        match &self.closed {
            Some(closed) if real.starts_with(closed) => {
                Err(refused("The path leads into the program's own data"))
            }
            _ => Ok(()),
        }
    }
}
