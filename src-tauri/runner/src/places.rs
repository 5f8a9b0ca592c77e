//! Where the program keeps its files, for every process that is part of it.

use std::path::{Path, PathBuf};

/// Environment variable that moves all files of the program.
pub const HOME_VARIABLE: &str = "PAPERCLIP_HOME";

/// The data folder: the one asked for, else `PAPERCLIP_HOME`, else `paperclip-desktop` in the user's data folder.
/// `None` when none of these is known. The result is absolute; the folder need not exist.
pub fn data_dir(asked: Option<PathBuf>) -> Option<PathBuf> {
    let from_env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let dir = asked
        .or_else(|| from_env(HOME_VARIABLE))
        .or_else(|| Some(user_data(&from_env)?.join("paperclip-desktop")))?;
    std::path::absolute(dir).ok()
}

/// The user's data folder by the customs of the system.
fn user_data(from_env: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if cfg!(windows) {
        from_env("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        Some(from_env("HOME")?.join("Library/Application Support"))
    } else {
        // The XDG rules tell to ignore a relative path here.
        from_env("XDG_DATA_HOME")
            .filter(|p| p.is_absolute())
            .or_else(|| Some(from_env("HOME")?.join(".local/share")))
    }
}

/// Written by a running program, for clients to find it: `{url, port, pid, tokenFile}`.
pub fn server_file(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}

/// The operator's token, readable by the user alone.
pub fn operator_token_file(data_dir: &Path) -> PathBuf {
    data_dir.join("operator-token")
}
