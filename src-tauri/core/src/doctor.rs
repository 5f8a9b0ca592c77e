//! Looks whether a database is sound that no program has open.

use std::io::Write as _;
use std::process::ExitCode;

use crate::log;
use crate::running::Options;

/// Backups that are named.
const NAMED: usize = 5;

pub async fn run(options: &Options) -> ExitCode {
    let found = match engine::examine(&options.data_dir).await {
        Ok(found) => found,
        Err(error) => {
            log::complain(&format!("the data folder cannot be looked into: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let mut out = std::io::stdout().lock();
    // Whoever closed the other end wants no more of it.
    let _ = match &found.trouble {
        None => writeln!(out, "ok     the program is not running; its database is sound"),
        Some(what) => writeln!(out, "error  the program is not running; its database: {what}"),
    };
    let sound = found.backups.iter().find(|(_, sound)| *sound == Some(true));
    if let (Some(_), Some((file, _))) = (&found.trouble, sound) {
        let _ = writeln!(out, "       this backup is sound: paperclip restore {}", file.display());
    }
    let _ = match found.backups.len() {
        0 => writeln!(out, "warn   there is no backup"),
        n => writeln!(out, "ok     {n} backups, the newest first:"),
    };
    for (file, sound) in found.backups.iter().take(NAMED) {
        let word = if *sound == Some(false) { " (damaged)" } else { "" };
        let _ = writeln!(out, "       {}{word}", file.display());
    }
    if found.trouble.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
