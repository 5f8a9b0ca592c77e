//! The program. With a window and a tray, or headless.

#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    paperclip_desktop::main()
}
