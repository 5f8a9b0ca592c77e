//! What differs between systems, outside of [`crate::host`].

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{end_group, has_less_than, is_executable, is_root, lead_group, login_shell, read_exact_at};

/// Reckoned with where a machine's memory cannot be told.
const MODEST_MEMORY: u64 = 8 << 30;

/// Bytes of memory in this machine; a modest guess on systems other than Linux.
pub fn total_memory() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    let kib = total.and_then(|t| t.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.map_or(MODEST_MEMORY, |k| k << 10)
}

#[cfg(windows)]
pub use windows::{end_group, has_less_than, is_executable, is_root, lead_group, login_shell, read_exact_at};

/// Gives memory back to the system that was freed and is kept for later: after a burst of output most of it is never
/// needed again. Answers whether there was any; other systems' allocators do it by themselves.
pub fn give_memory_back() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: it takes a number and touches nothing that is in use.
        #[allow(unsafe_code)]
        unsafe {
            libc::malloc_trim(0) == 1
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    false
}
