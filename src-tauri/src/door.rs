//! The IPC door: what the window may ask. It has no token; that a call comes through here is what it is known by.

pub mod files;
mod follow;

use contract::{ApiError, ErrorCode, RunId};
use serde::Deserialize;
use serde_json::Value;
use tauri::ipc::{Channel, Invoke, InvokeResponseBody, Response};
use tauri::{AppHandle, State, Theme};
use tauri_plugin_dialog::DialogExt as _;
use tauri_plugin_opener::OpenerExt as _;

pub use self::follow::Follows;
use crate::desktop::{self, Shell};
use crate::{platform, window};

/// Characters of one message that the page writes to the log.
const LOG_LIMIT: usize = 4_000;

pub fn handler() -> impl Fn(Invoke<tauri::Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        call,
        follow_changes,
        follow_run,
        took,
        unfollow,
        window_ready,
        ui_log,
        open_link,
        pick_folder,
        save_text,
        set_theme,
        files::upload_begin,
        files::upload_part,
        files::upload_finish,
        files::upload_cancel,
        files::save_attachment,
        quit
    ]
}

/// Calls an operation and answers with the bytes of its output, which are JSON.
#[tauri::command]
async fn call(shell: State<'_, Shell>, name: String, input: Value) -> Result<Response, ApiError> {
    let core = shell.core.get().await?;
    Ok(Response::new(Vec::from(core.call_named(&name, input).await?.body)))
}

/// Sends pages of the change feed into the channel, and answers with the number to end it by.
#[tauri::command]
async fn follow_changes(
    shell: State<'_, Shell>,
    after: Option<i64>,
    channel: Channel<InvokeResponseBody>,
) -> Result<u64, ApiError> {
    let core = shell.core.get().await?;
    Ok(shell.follows.start(|taken| async move {
        follow::relay(core.changes(after), &channel, taken).await;
    }))
}

/// Sends pages of a run's transcript into the channel until the run ends, and answers with the number to end it by.
#[tauri::command]
async fn follow_run(
    shell: State<'_, Shell>,
    run_id: RunId,
    from_line: Option<u64>,
    raw: Option<bool>,
    channel: Channel<InvokeResponseBody>,
) -> Result<u64, ApiError> {
    let core = shell.core.get().await?;
    Ok(shell.follows.start(move |taken| async move {
        let pages = core.transcript(run_id, from_line.unwrap_or(0), raw.unwrap_or(false));
        follow::relay(pages, &channel, taken).await;
    }))
}

/// The page has drawn so many batches of what it follows: more may come.
#[tauri::command]
fn took(shell: State<'_, Shell>, id: u64, batches: u64) {
    shell.follows.took(id, batches);
}

#[tauri::command]
fn unfollow(shell: State<'_, Shell>, id: u64) {
    shell.follows.end(id);
}

/// Ends the program, as the tray's menu does: not every desktop shows a tray.
#[tauri::command]
fn quit(app: tauri::AppHandle) {
    app.exit(0);
}

/// The page has drawn itself and takes input.
#[tauri::command]
fn window_ready(shell: State<'_, Shell>) {
    platform::rendering_worked(&shell.data_dir);
    tracing::info!(ms = shell.started.elapsed().as_millis(), "window interactive");
    tauri::async_runtime::spawn(async {
        tokio::time::sleep(desktop::SETTLED).await;
        platform::forget_the_start();
    });
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

#[tauri::command]
fn ui_log(level: Level, message: String) {
    let message: String = message.chars().take(LOG_LIMIT).collect();
    match level {
        Level::Debug => tracing::debug!(target: "window", "{message}"),
        Level::Info => tracing::info!(target: "window", "{message}"),
        Level::Warn => tracing::warn!(target: "window", "{message}"),
        Level::Error => tracing::error!(target: "window", "{message}"),
    }
}

/// Opens a link in the system's browser or mail program.
#[tauri::command]
fn open_link(app: AppHandle, url: String) -> Result<(), ApiError> {
    if !is_open_to_links(&url) {
        return Err(ApiError::invalid("only http, https and mailto links are opened"));
    }
    app.opener().open_url(url, None::<&str>).map_err(|error| {
        ApiError::new(ErrorCode::Unavailable, format!("the system did not open the link: {error}"))
    })
}

/// Agents write links. One that starts a program or reads a file must not be a click away.
fn is_open_to_links(url: &str) -> bool {
    tauri::Url::parse(url).is_ok_and(|url| match url.scheme() {
        "http" | "https" => url.host_str().is_some_and(|h| !h.is_empty()),
        "mailto" => true,
        _ => false,
    })
}

/// Lets the operator choose a folder; `null` when the dialog was closed.
#[tauri::command]
async fn pick_folder(app: AppHandle) -> Result<Option<String>, ApiError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    app.dialog().file().pick_folder(move |folder| {
        let _ = sender.send(folder);
    });
    let folder = receiver.await.ok().flatten();
    Ok(folder.and_then(|f| f.into_path().ok()).map(|p| p.display().to_string()))
}

/// Lets the operator save a text as a file, and answers where; `null` when the dialog was closed.
#[tauri::command]
async fn save_text(app: AppHandle, name: String, text: String) -> Result<Option<String>, ApiError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    app.dialog().file().set_file_name(name).save_file(move |file| {
        let _ = sender.send(file);
    });
    let Some(path) = receiver.await.ok().flatten().and_then(|f| f.into_path().ok()) else { return Ok(None) };
    tokio::fs::write(&path, text).await.map_err(|e| {
        ApiError::new(ErrorCode::Unavailable, format!("{} was not written: {e}", path.display()))
    })?;
    Ok(Some(path.display().to_string()))
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ThemeChoice {
    System,
    Light,
    Dark,
}

#[tauri::command]
fn set_theme(app: AppHandle, theme: ThemeChoice) {
    let theme = match theme {
        ThemeChoice::System => None,
        ThemeChoice::Light => Some(Theme::Light),
        ThemeChoice::Dark => Some(Theme::Dark),
    };
    window::set_theme(&app, theme);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_that_lead_to_pages_and_mail_are_opened() {
        for url in ["https://example.org/a?b#c", "http://127.0.0.1:3000/", "mailto:someone@example.org"] {
            assert!(is_open_to_links(url), "{url}");
        }
        for url in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "/etc/passwd",
            "vscode://x",
            "ftp://example.org",
            "",
        ] {
            assert!(!is_open_to_links(url), "{url}");
        }
    }
}
