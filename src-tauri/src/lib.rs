//! The desktop shell: window, tray, notifications and the IPC door around the engine.
//!
//! It holds no business rule. Whatever the window shows or does goes through [`engine::Engine::call`], as it does
//! for every other door.

mod desktop;
mod door;
mod notifications;
mod platform;
mod tray;
mod window;

use std::process::ExitCode;

use clap::Parser as _;
use paperclip_core::Ground;
use paperclip_core::arguments::{Arguments, Mode};

/// Runs the program until it is told to stop.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Mode::Window { minimized } = arguments.mode() else {
        platform::become_core();
        // Without the core's own binary this process does the same, only with the window's libraries in memory.
        return paperclip_core::without_window(&arguments);
    };
    // Before anything starts a thread.
    if let Some(data_dir) = runner::places::data_dir(arguments.data_dir.clone()) {
        platform::prepare_rendering(&data_dir, arguments.safe_render);
    }
    platform::prepare_memory();
    match Ground::lay(&arguments) {
        Some(ground) => desktop::run(&ground.runtime, ground.options.clone(), minimized),
        None => ExitCode::FAILURE,
    }
}
