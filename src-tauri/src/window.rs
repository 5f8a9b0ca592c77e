//! The one window: made when it is wanted, gone when it is closed, so that a closed window costs no memory.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tauri::window::Color;
use tauri::{AppHandle, LogicalSize, Manager as _, Theme, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

use crate::desktop::Shell;
use crate::platform;

const LABEL: &str = "main";
const TITLE: &str = "Paperclip Desktop";
const SMALLEST: (f64, f64) = (900.0, 600.0);
/// What is seen before the page has drawn itself, so that nothing flashes.
const DARK: Color = Color(20, 21, 26, 255);
const LIGHT: Color = Color(251, 251, 253, 255);

/// Shows the window, making it if there is none, and leads it to a path if one is given.
pub fn open(app: &AppHandle, path: Option<&str>) {
    if let Some(window) = app.get_webview_window(LABEL) {
        if let Some(path) = path {
            lead(&window, path);
        }
        raise(&window);
    } else if let Err(error) = create(app, path.unwrap_or("/")) {
        tracing::error!(%error, "the window could not be opened");
    }
}

/// Whether the operator is looking at the window.
pub fn is_looked_at(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL)
        .is_some_and(|w| w.is_focused().unwrap_or(false) && !w.is_minimized().unwrap_or(false))
}

/// Draws the window in this theme from now on; `None` follows the system.
pub fn set_theme(app: &AppHandle, theme: Option<Theme>) {
    let shell = app.state::<Shell>();
    let mut kept = Kept::read(&shell.data_dir);
    kept.theme = theme.map(|t| if t == Theme::Dark { Shade::Dark } else { Shade::Light });
    kept.write(&shell.data_dir);
    if let Some(window) = app.get_webview_window(LABEL)
        && let Err(error) = window.set_theme(theme)
    {
        tracing::debug!(%error, "the window keeps its theme");
    }
}

fn create(app: &AppHandle, path: &str) -> tauri::Result<()> {
    let shell = app.state::<Shell>();
    let kept = Kept::read(&shell.data_dir);
    let page = match path.trim_start_matches('/') {
        "" => "index.html",
        deeper => deeper,
    };
    platform::rendering_began(&shell.data_dir);
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App(page.into()))
        .title(TITLE)
        .inner_size(kept.width, kept.height)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .maximized(kept.maximized)
        .theme(kept.theme.map(Theme::from))
        .background_color(if kept.theme == Some(Shade::Light) { LIGHT } else { DARK })
        // The engine's own files belong to this data folder like all others.
        .data_directory(shell.data_dir.join("webview"))
        // The page is the program: it leads nowhere else. Links are opened outside, by the door.
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"))
        .disable_drag_drop_handler()
        .build()?;
    raise(&window);
    Ok(())
}

fn raise(window: &WebviewWindow) {
    for result in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = result {
            tracing::debug!(%error, "the window was not raised");
        }
    }
}

/// Leads a page that is there to a path as the browser's own buttons would.
fn lead(window: &WebviewWindow, path: &str) {
    let path = serde_json::Value::from(path);
    let script =
        format!("history.pushState(null, '', {path}); dispatchEvent(new PopStateEvent('popstate'));");
    if let Err(error) = window.eval(script) {
        tracing::warn!(%error, "the window was not led on");
    }
}

/// Keeps the window's size for the next time, where there is a window.
pub fn remember(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let shell = app.state::<Shell>();
    let mut kept = Kept::read(&shell.data_dir);
    kept.maximized = window.is_maximized().unwrap_or(false);
    if !kept.maximized
        && let (Ok(size), Ok(scale)) = (window.inner_size(), window.scale_factor())
    {
        let LogicalSize { width, height } = size.to_logical(scale);
        (kept.width, kept.height) = (width, height);
    }
    kept.write(&shell.data_dir);
}

/// What is remembered of the window. Its place is not: Wayland tells nobody where a window is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    width: f64,
    height: f64,
    maximized: bool,
    theme: Option<Shade>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shade {
    Dark,
    Light,
}

impl From<Shade> for Theme {
    fn from(shade: Shade) -> Self {
        match shade {
            Shade::Dark => Self::Dark,
            Shade::Light => Self::Light,
        }
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self { width: 1280.0, height: 800.0, maximized: false, theme: None }
    }
}

impl Kept {
    fn file(data_dir: &Path) -> PathBuf {
        data_dir.join("window.json")
    }

    /// A file that is missing or damaged is no reason for a word: the window opens at its first size.
    fn read(data_dir: &Path) -> Self {
        let kept: Self = fs::read(Self::file(data_dir))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let usable = |v: f64, least: f64| if v.is_finite() { v.clamp(least, 10_000.0) } else { least };
        Self { width: usable(kept.width, SMALLEST.0), height: usable(kept.height, SMALLEST.1), ..kept }
    }

    fn write(&self, data_dir: &Path) {
        let result = serde_json::to_vec(self)
            .map_err(std::io::Error::from)
            .and_then(|bytes| fs::write(Self::file(data_dir), bytes));
        if let Err(error) = result {
            tracing::warn!(%error, "the window's size was not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_nonsense_does_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Kept::read(dir.path()), Kept::default());
        let kept = Kept { width: 1500.0, height: 900.0, maximized: true, theme: Some(Shade::Dark) };
        kept.write(dir.path());
        assert_eq!(Kept::read(dir.path()), kept);
        fs::write(Kept::file(dir.path()), r#"{"width": -4, "height": 1e9}"#).unwrap();
        assert_eq!((Kept::read(dir.path()).width, Kept::read(dir.path()).height), (900.0, 10_000.0));
        fs::write(Kept::file(dir.path()), "{").unwrap();
        assert_eq!(Kept::read(dir.path()), Kept::default());
    }
}
