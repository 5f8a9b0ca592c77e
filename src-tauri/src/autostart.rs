//! Starting with the operator's session, as the settings say.

use std::path::Path;

use tauri::{AppHandle, Wry};
use tauri_plugin_autostart::ManagerExt as _;

/// `data_dir` is named in the entry, so that the same folder is used whatever the session's environment says.
pub fn plugin(data_dir: &Path, id: &str) -> tauri::plugin::TauriPlugin<Wry> {
    tauri_plugin_autostart::Builder::new()
        .app_name(id)
        .args(["--minimized".to_owned(), "--data-dir".to_owned(), data_dir.display().to_string()])
        .build()
}

/// Makes the system do as the setting says.
pub fn apply(app: &AppHandle, wanted: bool) {
    let entry = app.autolaunch();
    let result = match entry.is_enabled() {
        Ok(is) if is == wanted => Ok(()),
        _ if wanted => entry.enable(),
        _ => entry.disable(),
    };
    if let Err(error) = result {
        tracing::warn!(%error, wanted, "starting at login could not be changed");
    }
}
