//! Step by step, each from the folder before it and never through a link: what `openat2` with `BENEATH` and
//! `NO_SYMLINKS` does, on every Unix and within filters that do not know that call.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

use super::{MAX_FOLDERS, partial_name, parts, read_text, refused};

#[cfg(target_os = "linux")]
const ENTER: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const ENTER: OFlags = OFlags::RDONLY;
const PLAIN: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// An open folder.
pub struct Folder {
    path: PathBuf,
    fd: OwnedFd,
    closed: Option<Stat>,
}

impl Folder {
    /// Opens a folder. `closed` is a folder that is not entered, neither on the way there nor below.
    pub fn open(root: &Path, closed: Option<&Path>) -> io::Result<Self> {
        let closed = closed.map(rustix::fs::stat).transpose()?;
        // Resolved once; whoever puts a link on the way after that is refused.
        let path = root.canonicalize()?;
        let mut fd = rustix::fs::open("/", ENTER | OFlags::DIRECTORY | PLAIN, Mode::empty())?;
        for part in path.components() {
            if let Component::Normal(name) = part {
                fd = enter(&fd, name, closed.as_ref())?;
            }
        }
        Ok(Self { path, fd, closed })
    }

    /// The real one.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn read(&self, name: &str) -> io::Result<String> {
        let (dir, name) = self.parent(name, false)?;
        // Not to wait for the other end of a pipe.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | PLAIN;
        let file = openat(&dir, name, flags, Mode::empty()).map_err(|e| explained(&dir, name, e))?;
        read_text(File::from(file))
    }

    /// Writes a file whole or not at all: somebody may be reading it.
    pub fn write(&self, name: &str, content: &str) -> io::Result<()> {
        let (dir, name) = self.parent(name, true)?;
        let partial = partial_name();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | PLAIN;
        let mut file = File::from(openat(&dir, &partial, flags, Mode::from_raw_mode(0o644))?);
        let written = file
            .write_all(content.as_bytes())
            .and_then(|()| rustix::fs::renameat(&dir, &partial, &dir, name).map_err(Into::into));
        if written.is_err() {
            let _ = rustix::fs::unlinkat(&dir, &partial, AtFlags::empty());
        }
        written
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        let (dir, name) = self.parent(name, false)?;
        Ok(rustix::fs::unlinkat(&dir, name, AtFlags::empty())?)
    }

    /// The plain files below, with their sizes; links are none.
    pub fn files(&self, most: usize) -> Vec<(String, u64)> {
        let (mut out, mut open, mut entered) = (Vec::new(), vec![String::new()], 0);
        while let Some(prefix) = open.pop()
            && entered < MAX_FOLDERS
        {
            entered += 1;
            let Ok(dir) = self.folder(prefix.split('/').filter(|p| !p.is_empty()), false) else { continue };
            // A folder that was entered is not one that is read yet.
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | PLAIN;
            let Ok(entries) = openat(&dir, ".", flags, Mode::empty()).and_then(Dir::new) else { continue };
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().to_str() else { continue };
                if matches!(name, "." | "..") {
                    continue;
                }
                let Ok(about) = statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
                let path = format!("{prefix}{name}");
                match FileType::from_raw_mode(about.st_mode) {
                    FileType::Directory => open.push(format!("{path}/")),
                    FileType::RegularFile if out.len() < most => {
                        out.push((path, u64::try_from(about.st_size).unwrap_or(0)));
                    }
                    _ => {}
                }
            }
            if out.len() >= most {
                break;
            }
        }
        out
    }

    fn parent<'a>(&self, name: &'a str, make: bool) -> io::Result<(OwnedFd, &'a str)> {
        let parts = parts(name)?;
        let Some((last, folders)) = parts.split_last() else { return Err(refused("No file is named")) };
        Ok((self.folder(folders.iter().copied(), make)?, *last))
    }

    fn folder<'a>(&self, parts: impl Iterator<Item = &'a str>, make: bool) -> io::Result<OwnedFd> {
        let mut at = self.fd.try_clone()?;
        for part in parts {
            if make {
                match rustix::fs::mkdirat(&at, part, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(e) => return Err(e.into()),
                }
            }
            at = enter(&at, part, self.closed.as_ref())?;
        }
        Ok(at)
    }
}

fn enter<P: rustix::path::Arg + Copy>(at: &OwnedFd, name: P, closed: Option<&Stat>) -> io::Result<OwnedFd> {
    let fd = openat(at, name, ENTER | OFlags::DIRECTORY | PLAIN, Mode::empty())
        .map_err(|e| explained(at, name, e))?;
    if let Some(closed) = closed {
        let about = rustix::fs::fstat(&fd)?;
        if (about.st_dev, about.st_ino) == (closed.st_dev, closed.st_ino) {
            return Err(refused("The path leads into the program's own data"));
        }
    }
    Ok(fd)
}

fn explained<P: rustix::path::Arg>(at: &OwnedFd, name: P, error: Errno) -> io::Error {
    match statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(about) if FileType::from_raw_mode(about.st_mode) == FileType::Symlink => {
            refused("The path leads through a link")
        }
        _ => error.into(),
    }
}
