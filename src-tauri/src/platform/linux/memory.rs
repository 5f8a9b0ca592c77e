//! What the program keeps in memory when there is no window to keep it for.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// Pools of memory that the allocator keeps. By default it makes eight for each processor, as threads come along, and
/// each keeps what it once needed.
#[cfg(target_env = "gnu")]
const ARENAS: i32 = 2;

/// Keeps the program small beside its window and its tray.
pub fn prepare_memory() {
    // SAFETY: a plain call into the C library, which takes its own lock.
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code)]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

/// Gives back what only a window needs. To be called when there is none.
pub fn be_small() {
    end_network_process();
    forget_the_start();
}

/// Gives back what only starting needed: memory that was freed, and code that has run its once.
pub fn forget_the_start() {
    // SAFETY: a plain call into the C library, which takes its own lock.
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (from, to) in code(&maps) {
        let _ = let_go(from, to);
    }
}

/// `WebKitGTK` leaves its network process to the next window, and starts another where there is none.
fn end_network_process() {
    for pid in children() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        // The system cuts names after 15 characters.
        if name.trim_end() == "WebKitNetworkPr"
            && let Some(pid) = Pid::from_raw(pid)
            && let Err(error) = kill_process(pid, Signal::TERM)
        {
            tracing::debug!(%error, "the engine's network process stays");
        }
    }
}

fn children() -> Vec<i32> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|t| fs::read_to_string(t.path().join("children")).ok())
        .flat_map(|line| line.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The stretches of memory that hold the code of the program and of its libraries, as the system lists them.
fn code(maps: &str) -> Vec<(usize, usize)> {
    maps.lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (from, to) = fields.next()?.split_once('-')?;
            // Neither written nor writable: such pages are as they are in the file.
            if fields.next()? != "r-xp" || !fields.nth(3)?.starts_with('/') {
                return None;
            }
            Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
        })
        .collect()
}

/// Forgets pages of code: drawing and starting took most of it, and what is still needed is there again at once.
fn let_go(from: usize, to: usize) -> rustix::io::Result<()> {
    // SAFETY: a private mapping of a file that nobody has written to reads the same after its pages are let go.
    #[allow(unsafe_code)]
    unsafe {
        rustix::mm::madvise(from as *mut _, to - from, rustix::mm::Advice::LinuxDontNeed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_that_nobody_wrote_to_is_let_go() {
        let maps = "\
            55d0c0000000-55d0c0a00000 r--p 00000000 fe:00 1 /usr/bin/paperclip-desktop\n\
            55d0c0a00000-55d0c2000000 r-xp 00a00000 fe:00 1 /usr/bin/paperclip-desktop\n\
            55d0c2000000-55d0c2100000 rw-p 02000000 fe:00 1 /usr/bin/paperclip-desktop\n\
            7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n\
            7f0000002000-7f0000003000 r-xp 00000000 00:00 0 [vdso]\n\
            7f0000004000-7f0000005000 r-xp 00000000 fe:00 2 /usr/lib/lib with space.so\n";
        assert_eq!(code(maps), [(0x55d0_c0a0_0000, 0x55d0_c200_0000), (0x7f00_0000_4000, 0x7f00_0000_5000)]);
    }

    #[test]
    fn the_program_goes_on_with_its_code_let_go() {
        let before = children().len();
        be_small();
        assert!(!code(&fs::read_to_string("/proc/self/maps").unwrap()).is_empty());
        assert!(children().len() <= before);
    }
}
