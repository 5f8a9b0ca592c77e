//! Prepares what the shell embeds: the frontend, the icons and the list of commands open to the window.

use std::path::Path;
use std::{fs, io};

const COMMANDS: &[&str] = &[
    "call",
    "follow_changes",
    "follow_run",
    "took",
    "unfollow",
    "window_ready",
    "ui_log",
    "open_link",
    "pick_folder",
    "save_text",
    "set_theme",
    "upload_begin",
    "upload_part",
    "upload_finish",
    "upload_cancel",
    "save_attachment",
    "quit",
];

const STUB: &str = "<!doctype html><meta charset=\"utf-8\"><title>Paperclip Desktop</title>\
    <p>The window was built without its frontend. Build it with <code>cargo xtask run</code>.</p>\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Embedding refuses a folder that is not there, so that a bare `cargo check` on a fresh checkout gets a page.
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    if !dist.join("index.html").exists() {
        stub(&dist)?;
    }
    // The folder itself as well as its files: a file that is added must be embedded too.
    println!("cargo::rerun-if-changed=../dist");
    println!("cargo::rerun-if-changed=../icons");
    tauri_build::try_build(
        tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(COMMANDS)),
    )?;
    Ok(())
}

fn stub(dist: &Path) -> io::Result<()> {
    fs::create_dir_all(dist)?;
    fs::write(dist.join("index.html"), STUB)?;
    println!("cargo::warning=the frontend is not built; a page that says so is embedded");
    Ok(())
}
