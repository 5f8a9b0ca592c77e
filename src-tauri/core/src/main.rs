//! The core alone. `paperclip-desktop --headless` becomes this program; it takes the same arguments.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    paperclip_core::without_window(&paperclip_core::arguments::Arguments::parse())
}
