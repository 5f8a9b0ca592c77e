//! What differs between systems, outside of [`crate::host`].

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{end_group, is_executable, is_root, lead_group, login_shell, read_exact_at};
#[cfg(windows)]
pub use windows::{end_group, is_executable, is_root, lead_group, login_shell, read_exact_at};
