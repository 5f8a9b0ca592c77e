//! The program without its window: the engine with the HTTP door in front of it, its command line and its log.
//!
//! The shell puts a window and a tray around it. The `paperclip-core` binary is it alone: what the system's window
//! libraries cost in memory (some 45 MB for doing nothing) is not paid by a program that opens no window.

pub mod arguments;
mod doctor;
mod headless;
pub mod log;
mod restore;
mod running;
mod signals;

use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::arguments::{Arguments, Mode};
pub use engine::Receiving;

pub use crate::running::{Core, Options, Slot, StartError};
pub use crate::signals::told_to_stop;

/// Where the `paperclip-core` binary is installed, beside the `bin` folder with the two commands of the program.
pub const LIBEXEC: &str = "lib/paperclip-desktop";

/// What every way to run stands on: the data folder, the threads and the log.
pub struct Ground {
    pub runtime: Runtime,
    pub options: Options,
    /// Written to the end of the process: dropping the guard flushes the file.
    _log: Option<tracing_appender::non_blocking::WorkerGuard>,
}

impl Ground {
    /// Makes the data folder private, starts the threads and the log. What is missing is said on stderr.
    pub fn lay(arguments: &Arguments) -> Option<Self> {
        let Some(data_dir) = runner::places::data_dir(arguments.data_dir.clone()) else {
            log::complain("there is no folder for the program's data: set PAPERCLIP_HOME or pass --data-dir");
            return None;
        };
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                log::complain(&format!("the system gives no threads to work with: {error}"));
                return None;
            }
        };
        if let Err(error) = running::make_private(&data_dir) {
            log::complain(&format!("the data folder {} cannot be used: {error}", data_dir.display()));
            return None;
        }
        let log = log::start(&data_dir);
        Some(Self { runtime, options: Options { data_dir, port: arguments.port }, _log: log })
    }
}

/// Does what needs no window, and runs headless where the arguments name nothing else.
pub fn without_window(arguments: &Arguments) -> ExitCode {
    let Some(ground) = Ground::lay(arguments) else { return ExitCode::FAILURE };
    let Ground { runtime, options, _log } = ground;
    match arguments.mode() {
        Mode::Doctor => runtime.block_on(doctor::run(&options)),
        Mode::Restore(file) => runtime.block_on(restore::run(&options, &file)),
        Mode::Headless | Mode::Window { .. } => runtime.block_on(headless::run(options)),
    }
}
