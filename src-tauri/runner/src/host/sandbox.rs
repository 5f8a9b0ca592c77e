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

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::{CapabilitySet, UnshareFlags};

use super::protocol::LaunchSpec;

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
    read_only: bool,
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
    /// Refuses, with a sentence, when a path of the invocation would expose what is not this run's.
    pub fn new(hidden: &[&Path], spec: &LaunchSpec) -> Result<Self, String> {
        let real = |p: &Path| fs::canonicalize(p).ok();
        let hidden: Vec<PathBuf> = hidden.iter().filter_map(|p| real(p)).collect();
        let own: Vec<PathBuf> = spec.own.iter().filter_map(|p| real(p)).collect();
        let shared: Vec<PathBuf> = spec.shared.iter().filter_map(|p| real(p)).collect();
        let invocation = &spec.invocation;
        let writable = invocation.expose.iter().chain([&invocation.cwd]).map(|p| (p, false));
        let mut shown = Vec::new();
        for (path, read_only) in writable.chain(invocation.expose_read_only.iter().map(|p| (p, true))) {
            // A path that is not there needs no hole, nor does one that is not hidden.
            let Some(path) = real(path).filter(|p| hidden.iter().any(|h| p.starts_with(h))) else { continue };
            let given = own.iter().chain(shared.iter().filter(|_| read_only));
            if hidden.contains(&path) || !given.into_iter().any(|root| path.starts_with(root)) {
                return Err(format!(
                    "{} is the program's own data and cannot be given to an agent",
                    path.display()
                ));
            }
            shown.push(Exposed { is_dir: path.is_dir(), path, read_only });
        }
        // Parents first; what lies within an exposed folder is exposed with it.
        shown.sort_unstable_by(|a, b| (&a.path, a.read_only).cmp(&(&b.path, b.read_only)));
        let mut exposed: Vec<Exposed> = Vec::new();
        for next in shown {
            let covers = |e: &Exposed| next.path.starts_with(&e.path) && (next.read_only || !e.read_only);
            if !exposed.iter().any(covers) {
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
            .map(|e| open_real(&e.path))
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
            if exposed.read_only {
                // What the mount forbade before must be said again, or the kernel takes it for a wish to lift it.
                let before = rustix::fs::statvfs(&exposed.path)?.f_flag;
                let mut kept = MountFlags::BIND | MountFlags::RDONLY;
                for (flag, bit) in [
                    (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
                    (StatVfsMountFlags::NODEV, MountFlags::NODEV),
                    (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
                ] {
                    kept.set(bit, before.contains(flag));
                }
                rustix::mount::mount_remount(&exposed.path, kept, c"")?;
            }
        }
        for hidden in &self.hidden {
            // An agent that writes beside its own folders is told so, instead of losing what it wrote.
            rustix::mount::mount_remount(hidden, flags | MountFlags::RDONLY, &*options)?;
        }
        Ok(())
    }
}

/// Opens a path that was resolved: a link that has come into its way since then is not followed.
fn open_real(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // Unknown to a kernel before 5.6.
        Err(Errno::NOSYS) => rustix::fs::open(path, flags | OFlags::NOFOLLOW, Mode::empty()),
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Invocation;
    use crate::adapter::env::ChildEnv;

    fn plan(data: &Path, cwd: &Path, writable: &[&Path], read_only: &[&Path]) -> Result<Plan, String> {
        let mut invocation = Invocation::plain("/bin/true".into(), cwd.to_owned(), ChildEnv::default());
        invocation.expose = writable.iter().map(|p| p.to_path_buf()).collect();
        invocation.expose_read_only = read_only.iter().map(|p| p.to_path_buf()).collect();
        let run = contract::RunId(uuid::Uuid::new_v4());
        let spec = LaunchSpec {
            own: vec![data.join("agents/a/home")],
            shared: vec![data.join("agents/a/instructions"), data.join("bundles")],
            ..LaunchSpec::new(run, data.join("runs"), data.to_owned(), invocation)
        };
        Plan::new(&[data], &spec)
    }

    #[test]
    fn only_what_is_the_runs_own_is_exposed() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        let [home, instructions, other, bundle, backups] =
            ["agents/a/home", "agents/a/instructions", "agents/b/home", "bundles/k", "backups"]
                .map(|name| data.join(name));
        for path in [&home.join("inner"), &instructions, &other, &bundle, &backups] {
            fs::create_dir_all(path).unwrap();
        }
        fs::write(data.join("operator-token"), "t").unwrap();
        let link = home.join("link");
        std::os::unix::fs::symlink(&backups, &link).unwrap();
        let token = data.join("operator-token");
        let (dotted, agent) = (home.join("../../.."), data.join("agents/a"));
        for path in [data, &dotted, &agent, &other, &backups, &link, &token, &instructions, &bundle] {
            assert!(plan(data, path, &[], &[]).is_err(), "{} as working folder", path.display());
            assert!(plan(data, &home, &[path], &[]).is_err(), "{} to write to", path.display());
        }
        for path in [data, &agent, &other, &backups, &link, &token] {
            assert!(plan(data, &home, &[], &[path]).is_err(), "{} to read", path.display());
        }
        let (inner, gone) = (home.join("inner"), data.join("gone"));
        let made = plan(data, &inner, &[&home, &gone, Path::new("/")], &[&instructions, &bundle, &inner]);
        let shown: Vec<_> = made.unwrap().exposed.into_iter().map(|e| (e.path, e.read_only)).collect();
        assert_eq!(shown, [(home, false), (instructions, true), (bundle, true)]);
    }
}
