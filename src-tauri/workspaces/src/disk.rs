//! How much room a folder takes.

use std::path::Path;
use std::time::{Duration, Instant};

/// What a folder takes on its disk, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskUse {
    pub bytes: u64,
    pub files: u64,
    /// Of that, in folders which a build can make anew.
    pub rebuildable_bytes: u64,
    /// Not all was counted: there is more than could be in that time.
    pub cut_short: bool,
}

/// Folders that hold what a build or an install makes.
const REBUILDABLE: [&str; 9] =
    ["target", "node_modules", ".venv", "venv", "dist", "build", ".next", ".gradle", "__pycache__"];

/// Measures a folder. Links are not followed, and other file systems below it are counted as well.
///
/// Ends after `time`, with what it has. Waits for the disk: not for an async task.
pub fn disk_use(folder: &Path, time: Duration) -> DiskUse {
    let until = Instant::now() + time;
    let mut out = DiskUse::default();
    let mut open = vec![(folder.to_owned(), false)];
    while let Some((dir, rebuildable)) = open.pop() {
        if Instant::now() >= until {
            out.cut_short = true;
            break;
        }
        // What goes away or cannot be read meanwhile takes no room that one could tell.
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            let bytes = allocated(&meta);
            out.bytes += bytes;
            if meta.is_dir() {
                let name = entry.file_name();
                let made = rebuildable || REBUILDABLE.iter().any(|r| name == *r);
                open.push((entry.path(), made));
            } else {
                out.files += 1;
            }
            if rebuildable {
                out.rebuildable_bytes += bytes;
            }
        }
    }
    out
}

#[cfg(unix)]
fn allocated(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta).saturating_mul(512)
}

#[cfg(not(unix))]
fn allocated(meta: &std::fs::Metadata) -> u64 {
    meta.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_made_is_told_apart_and_links_lead_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let ws = dir.path().join("ws");
        std::fs::create_dir_all(ws.join("target/debug")).unwrap();
        std::fs::write(dir.path().join("outside"), vec![1; 1 << 20]).unwrap();
        std::fs::write(ws.join("a"), vec![1; 100_000]).unwrap();
        std::fs::write(ws.join("target/debug/b"), vec![1; 200_000]).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path(), ws.join("link")).unwrap();
        let used = disk_use(&ws, Duration::from_secs(10));
        assert!(!used.cut_short && used.files >= 2);
        assert!((300_000..600_000).contains(&used.bytes), "{used:?}");
        assert!((200_000..300_000).contains(&used.rebuildable_bytes), "{used:?}");
        assert!(disk_use(&ws, Duration::ZERO).cut_short);
    }
}
