//! The host process itself.

use std::ffi::OsString;
use std::process::ExitCode;

/// The program behind the hidden subcommand `paperclip run-host`. Reads its launch spec from stdin.
pub fn serve(_args: impl Iterator<Item = OsString>) -> ExitCode {
    ExitCode::FAILURE
}
