//! What differs between systems.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub use linux::{
    LoginEntry, be_small, forget_the_start, notification_text, prepare_memory, prepare_rendering,
    rendering_began, rendering_worked,
};
#[cfg(not(target_os = "linux"))]
pub use other::{
    LoginEntry, be_small, forget_the_start, notification_text, prepare_memory, prepare_rendering,
    rendering_began, rendering_worked,
};

/// Lets the core's own binary take this process's place; comes back only where it is not there or cannot start.
pub fn become_core() {
    #[cfg(unix)]
    if let Some(core) = core_binary() {
        use std::os::unix::process::CommandExt as _;
        let error = std::process::Command::new(&core).args(std::env::args_os().skip(1)).exec();
        paperclip_core::log::complain(&format!("{} did not start: {error}", core.display()));
    }
}

#[cfg(unix)]
fn core_binary() -> Option<std::path::PathBuf> {
    let exe = std::env::current_exe().ok()?;
    let folder = exe.parent()?;
    [folder.join("paperclip-core"), folder.join("..").join(paperclip_core::LIBEXEC).join("paperclip-core")]
        .into_iter()
        .find(|path| path.is_file())
}

/// Whether a window could be opened.
pub fn has_display() -> bool {
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|v| std::env::var_os(v).is_some_and(|v| !v.is_empty()))
}
