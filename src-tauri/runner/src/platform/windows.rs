//! Windows.

use std::fs::File;
use std::io;
use std::os::windows::fs::FileExt;
use std::path::Path;

use tokio::process::Command;

/// Here the name decides.
pub fn is_executable(file: &Path) -> bool {
    let runs = |kind: &str| ["exe", "cmd", "bat", "com"].iter().any(|k| kind.eq_ignore_ascii_case(k));
    file.extension().and_then(|e| e.to_str()).is_some_and(runs) && file.is_file()
}

pub fn read_exact_at(file: &File, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.seek_read(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                buf = buf.get_mut(n..).unwrap_or_default();
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// A program that is started from a menu has the same PATH as one from a terminal: there is nobody to ask.
pub fn login_shell() -> Option<String> {
    None
}

pub fn is_root() -> bool {
    false
}

/// Not there yet: a probe that is ended leaves what it started.
pub fn lead_group(_command: &mut Command) {}

pub fn end_group(_leader: u32) {}

/// Nobody asks the disk here yet.
pub const fn has_less_than(_folder: &Path, _reserve: u64) -> bool {
    false
}
