//! The desktop shell: window, tray, notifications and the IPC door around the engine.
//!
//! It holds no business rule. Whatever the window shows or does goes through [`engine::Engine::call`], as it does
//! for every other door.

mod arguments;
mod core;
mod desktop;
mod door;
mod headless;
mod log;
mod notifications;
mod platform;
mod restore;
mod tray;
mod window;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Mode};

/// Runs the program until it is told to stop.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Some(data_dir) = runner::places::data_dir(arguments.data_dir.clone()) else {
        log::complain("there is no folder for the program's data: set PAPERCLIP_HOME or pass --data-dir");
        return ExitCode::FAILURE;
    };
    let mode = arguments.mode();
    if matches!(mode, Mode::Window { .. }) {
        // Before anything starts a thread.
        platform::prepare_rendering(&data_dir, arguments.safe_render);
        platform::prepare_memory();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            log::complain(&format!("the system gives no threads to work with: {error}"));
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = core::make_private(&data_dir) {
        log::complain(&format!("the data folder {} cannot be used: {error}", data_dir.display()));
        return ExitCode::FAILURE;
    }
    // Written to the end of the process: dropping the guard flushes the file.
    let _log = log::start(&data_dir);
    let options = core::Options { data_dir, port: arguments.port };
    match mode {
        Mode::Restore(file) => runtime.block_on(restore::run(&options, &file)),
        Mode::Headless => runtime.block_on(headless::run(options)),
        Mode::Window { minimized } => desktop::run(&runtime, options, minimized),
    }
}
