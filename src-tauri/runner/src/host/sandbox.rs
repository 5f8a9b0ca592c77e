//! Keeps the program's own data out of an agent's reach.
//!
//! The agent gets a mount namespace in which the hidden folders are empty, but for the exposed paths within
//! them. As root, the agent also loses the capabilities by which it could lift the cover or look past it; as
//! another user the namespace belongs to a user namespace of its own, and the command loses every capability
//! in it when it is executed. What the kernel then still allows, a further user namespace, inherits these
//! mounts locked.
//!
//! Landlock is no substitute: it only knows lists of what is allowed, and "all but this folder" cannot be
//! said of files that do not exist yet, so an agent could not read back a file it has just replaced in its
//! home folder. Where namespaces are not allowed, the run says that it is not protected.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::{CapabilitySet, UnshareFlags};

/// What a process needs to undo or evade a mount, or to read another process's view of the files.
const DROPPED: [CapabilitySet; 8] = [
    CapabilitySet::SYS_ADMIN,
    CapabilitySet::SYS_PTRACE,
    CapabilitySet::SYS_MODULE,
    CapabilitySet::SYS_RAWIO,
    CapabilitySet::DAC_READ_SEARCH,
    CapabilitySet::MKNOD,
    CapabilitySet::BPF,
    CapabilitySet::PERFMON,
];

/// The step at which a sandbox could not be built. Sent from the child to the host as a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    Namespace = 1,
    UserMap,
    Propagation,
    Expose,
    Cover,
    Capabilities,
}

impl Stage {
    pub const fn describe(byte: u8) -> &'static str {
        match byte {
            1 => "this system does not allow a mount namespace",
            2 => "this system does not allow a user namespace",
            3 => "mounts cannot be changed; this system may restrict user namespaces",
            4 => "a path to expose cannot be reached",
            5 => "the data folder cannot be covered; this system may restrict user namespaces",
            6 => "capabilities cannot be dropped",
            _ => "the sandbox cannot be built",
        }
    }
}

struct Exposed {
    path: PathBuf,
    is_dir: bool,
}

/// What to hide and what to leave visible, worked out before the fork.
pub struct Plan {
    hidden: Vec<PathBuf>,
    exposed: Vec<Exposed>,
    is_root: bool,
    uid_map: String,
    gid_map: String,
}

impl Plan {
    /// Refuses, with a sentence, when an exposed path would expose a hidden folder whole.
    pub fn new<'a>(
        hidden: impl IntoIterator<Item = &'a Path>,
        exposed: impl IntoIterator<Item = &'a Path>,
    ) -> Result<Self, String> {
        let hidden: Vec<PathBuf> = hidden.into_iter().filter_map(|p| fs::canonicalize(p).ok()).collect();
        let mut shown = Vec::new();
        // A path that is not there needs no hole.
        for path in exposed.into_iter().filter_map(|p| fs::canonicalize(p).ok()) {
            if !hidden.iter().any(|h| path.starts_with(h)) {
                continue;
            }
            if hidden.contains(&path) {
                return Err(format!(
                    "{} is the program's own data and cannot be given to an agent",
                    path.display()
                ));
            }
            shown.push(Exposed { is_dir: path.is_dir(), path });
        }
        // Parents first; what lies within an exposed folder is exposed with it.
        shown.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let mut exposed: Vec<Exposed> = Vec::new();
        for next in shown {
            if !exposed.iter().any(|e| next.path.starts_with(&e.path)) {
                exposed.push(next);
            }
        }
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let (uid_map, gid_map) = (format!("{uid} {uid} 1"), format!("{gid} {gid} 1"));
        Ok(Self { hidden, exposed, is_root: uid == 0, uid_map, gid_map })
    }

    /// Enters the sandbox. Runs in the child between fork and exec; the host has one thread at that time, so
    /// allocating is safe. On failure the child must not go on.
    pub fn enter(&self) -> Result<(), (Stage, io::Error)> {
        let flags =
            if self.is_root { UnshareFlags::NEWNS } else { UnshareFlags::NEWNS | UnshareFlags::NEWUSER };
        // SAFETY: the flags do not contain FILES, the one for which this call has a condition.
        #[allow(unsafe_code)]
        unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(|e| (Stage::Namespace, e.into()))?;
        if !self.is_root {
            self.map_user().map_err(|e| (Stage::UserMap, e))?;
        }
        // What is mounted elsewhere later still arrives here; nothing from here gets out.
        rustix::mount::mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
            .map_err(|e| (Stage::Propagation, e.into()))?;
        // Opened now, because the covers will hide them.
        let sources = self
            .exposed
            .iter()
            .map(|e| rustix::fs::open(&e.path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()))
            .collect::<Result<Vec<OwnedFd>, _>>()
            .map_err(|e| (Stage::Expose, e.into()))?;
        self.cover(&sources).map_err(|e| (Stage::Cover, e))?;
        if self.is_root {
            for capability in DROPPED {
                match rustix::thread::remove_capability_from_bounding_set(capability) {
                    // Unknown to an older kernel: nobody has it.
                    Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                    Err(e) => return Err((Stage::Capabilities, e.into())),
                }
            }
        }
        Ok(())
    }

    fn map_user(&self) -> io::Result<()> {
        for (file, text) in [("setgroups", "deny"), ("uid_map", &self.uid_map), ("gid_map", &self.gid_map)] {
            File::options()
                .write(true)
                .open(Path::new("/proc/self").join(file))?
                .write_all(text.as_bytes())?;
        }
        Ok(())
    }

    fn cover(&self, sources: &[OwnedFd]) -> io::Result<()> {
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        let options = CString::new("mode=0755")?;
        for hidden in &self.hidden {
            rustix::mount::mount("tmpfs", hidden, "tmpfs", flags, &*options)?;
        }
        for (exposed, source) in self.exposed.iter().zip(sources) {
            if exposed.is_dir {
                fs::create_dir_all(&exposed.path)?;
            } else {
                exposed.path.parent().map_or(Ok(()), fs::create_dir_all)?;
                File::create(&exposed.path)?;
            }
            let source = format!("/proc/self/fd/{}", source.as_raw_fd());
            rustix::mount::mount_bind_recursive(source, &exposed.path)?;
        }
        for hidden in &self.hidden {
            // An agent that writes beside its own folders is told so, instead of losing what it wrote.
            rustix::mount::mount_remount(hidden, flags | MountFlags::RDONLY, &*options)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_itself_is_never_exposed() {
        let data = tempfile::tempdir().unwrap();
        let home = data.path().join("agents/a");
        fs::create_dir_all(&home).unwrap();
        assert!(Plan::new([data.path()], [data.path()]).is_err());
        let dotted = home.join("../..");
        assert!(Plan::new([data.path()], [dotted.as_path()]).is_err());
        let inner = home.join("inner");
        fs::create_dir(&inner).unwrap();
        let gone = data.path().join("gone");
        let plan = Plan::new([data.path()], [inner.as_path(), &home, &gone, Path::new("/")]).unwrap();
        assert_eq!(plan.exposed.len(), 1);
    }
}
