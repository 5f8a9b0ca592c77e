//! Linux: WebKitGTK draws through DMA-BUF, which some graphics drivers cannot do. The signs of that are looked for
//! before the engine starts, for it reads its environment once.

mod login;
mod memory;

use std::fs;
use std::path::{Path, PathBuf};

pub use self::login::LoginEntry;
pub use self::memory::{be_small, forget_the_start, prepare_memory};

/// There from when a window begins to draw until it has: when it is still there at the next start, drawing failed.
const MARKER: &str = "window-drawing";

/// Chooses how the window is drawn. Must run while the process has one thread.
pub fn prepare_rendering(data_dir: &Path, safe: bool) {
    let failed = fs::remove_file(marker(data_dir)).is_ok();
    let nvidia = Path::new("/proc/driver/nvidia/version").exists();
    let card = has_card(Path::new("/dev/dri")) || nvidia;
    for name in chosen(&Signs { safe, failed, nvidia, card }) {
        if std::env::var_os(name).is_none() {
            // SAFETY: nothing has started a thread yet, so nothing reads the environment at the same time.
            #[allow(unsafe_code)]
            unsafe {
                std::env::set_var(name, "1");
            }
        }
    }
}

struct Signs {
    /// The operator asked for it.
    safe: bool,
    /// The last window never came to be drawn.
    failed: bool,
    nvidia: bool,
    /// There is a graphics card to draw with.
    card: bool,
}

/// Whether a folder of graphics devices holds one that renders, not only one that shows.
fn has_card(devices: &Path) -> bool {
    fs::read_dir(devices)
        .is_ok_and(|all| all.flatten().any(|d| d.file_name().as_encoded_bytes().starts_with(b"renderD")))
}

fn chosen(signs: &Signs) -> &'static [&'static str] {
    if signs.safe {
        &["WEBKIT_DISABLE_DMABUF_RENDERER", "WEBKIT_DISABLE_COMPOSITING_MODE"]
    } else if signs.nvidia || signs.failed {
        // Keeps the card for compositing, and hands the picture over through memory.
        &["WEBKIT_DMABUF_RENDERER_FORCE_SHM"]
    } else if !signs.card {
        // The engine would paint through an OpenGL that is itself a program: 40 MB more, and slower scrolling. It goes
        // on compositing, though: with that switched off too, WebKitGTK 2.50 stops painting idle pages.
        &["WEBKIT_SKIA_ENABLE_CPU_RENDERING"]
    } else {
        &[]
    }
}

pub fn rendering_began(data_dir: &Path) {
    if let Err(error) = fs::write(marker(data_dir), "") {
        tracing::debug!(%error, "the drawing marker was not written");
    }
}

pub fn rendering_worked(data_dir: &Path) {
    let _ = fs::remove_file(marker(data_dir));
}

/// Text as a notification shows it: the bodies of notifications are markup here, and what agents write is not.
pub fn notification_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn marker(data_dir: &Path) -> PathBuf {
    data_dir.join(MARKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_changed_where_nothing_speaks_for_it() {
        let well = Signs { safe: false, failed: false, nvidia: false, card: true };
        assert!(chosen(&well).is_empty());
        assert_eq!(chosen(&Signs { failed: true, ..well }), ["WEBKIT_DMABUF_RENDERER_FORCE_SHM"]);
        assert_eq!(chosen(&Signs { safe: true, failed: true, nvidia: true, card: true }).len(), 2);
    }

    #[test]
    fn without_a_card_that_renders_the_processor_paints() {
        let devices = tempfile::tempdir().unwrap();
        assert!(!has_card(&devices.path().join("missing")));
        fs::write(devices.path().join("card0"), "").unwrap();
        assert!(!has_card(devices.path()), "a device that only shows is none that renders");
        let bare = Signs { safe: false, failed: false, nvidia: false, card: false };
        assert_eq!(chosen(&bare), ["WEBKIT_SKIA_ENABLE_CPU_RENDERING"]);
        fs::write(devices.path().join("renderD128"), "").unwrap();
        assert!(has_card(devices.path()));
    }
}
