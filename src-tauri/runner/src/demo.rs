//! The built-in agent: works an issue over the HTTP door, needs no account.

use std::ffi::OsString;
use std::process::ExitCode;

/// The program behind the hidden subcommand `paperclip demo-agent`.
pub fn serve(_args: impl Iterator<Item = OsString>) -> ExitCode {
    ExitCode::FAILURE
}
