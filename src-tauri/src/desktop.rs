//! The program with window and tray.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::company::Nothing;
use contract::operations::{GetGeneralSettings, GetInstanceStatus};
use contract::{ApiError, Kind};
use futures_util::StreamExt as _;
use paperclip_core::{Core, Options, Slot, log};
use tauri::{App, AppHandle, Manager as _, RunEvent, Window, WindowEvent};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogKind};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::door::Follows;
use crate::door::files::{self, Uploads};
use crate::notifications::Notifier;
use crate::platform::LoginEntry;
use crate::tray::Tray;
use crate::{door, notifications, platform, tray, window};

/// Time for the core to close when the program quits.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Time for a start to be over, and for all that belonged to a closed window to be freed.
pub const SETTLED: Duration = Duration::from_secs(2);
/// How often the tray is looked over although nothing changed: what it says of today and of the next wake ages.
const REFRESH: Duration = Duration::from_secs(60);
/// Changes that come this close together are shown in the tray at once.
const GATHER: Duration = Duration::from_millis(150);

/// What the parts of the shell share.
pub struct Shell {
    pub core: Slot,
    pub data_dir: PathBuf,
    pub started: Instant,
    pub follows: Follows,
    pub uploads: Uploads,
    login_entry: io::Result<LoginEntry>,
    close_to_tray: AtomicBool,
}

pub fn run(runtime: &Runtime, options: Options, minimized: bool) -> ExitCode {
    if !platform::has_display() {
        log::complain("there is no display to open a window on; `--headless` runs without one");
        return ExitCode::FAILURE;
    }
    tauri::async_runtime::set(runtime.handle().clone());
    // Listened to from the first moment on: a stop while the program starts is a stop.
    let stop = runtime.spawn(paperclip_core::told_to_stop());
    let started = Instant::now();
    let id = instance_id(&options.data_dir);
    // Worked out now: once an upgrade has replaced the program, the system no longer says where it lies.
    let login_entry = LoginEntry::of(&id, &options.data_dir);
    let app = tauri::Builder::default()
        // The first of all: a second start must get no further than this.
        .plugin(
            tauri_plugin_single_instance::Builder::new()
                .dbus_id(format!("dev.paperclip.desktop.{id}"))
                .callback(second_start)
                .build(),
        )
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .register_asynchronous_uri_scheme_protocol(files::SCHEME, files::serve)
        .invoke_handler(door::handler())
        .on_window_event(window_event)
        .setup(move |app| {
            set_up(app, options, login_entry, minimized, started, stop);
            Ok(())
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => u8::try_from(app.run_return(event)).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            log::complain(&format!("the window system refused: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn set_up(
    app: &App,
    options: Options,
    login_entry: io::Result<LoginEntry>,
    minimized: bool,
    started: Instant,
    stop: JoinHandle<()>,
) {
    let handle = app.handle().clone();
    let data_dir = options.data_dir.clone();
    let core = Slot::start(tauri::async_runtime::handle().inner(), options);
    app.manage(Shell {
        core: core.clone(),
        data_dir: data_dir.clone(),
        started,
        follows: Follows::default(),
        uploads: Uploads::default(),
        login_entry,
        close_to_tray: AtomicBool::new(true),
    });
    // While the core still starts: both take their time.
    if minimized {
        be_small_soon(handle.clone());
    } else {
        window::open(&handle, None);
    }
    let tray = tray::put(&handle, &data_dir);
    notifications::listen(&handle);
    tauri::async_runtime::spawn(attend(handle.clone(), core, tray));
    tauri::async_runtime::spawn(async move {
        if stop.await.is_ok() {
            handle.exit(0);
        }
    });
}

/// Follows what changes, for the tray, the notifications and the settings that the shell carries out.
async fn attend(app: AppHandle, core: Slot, tray: Option<Tray>) {
    let core = match core.get().await {
        Ok(core) => core,
        Err(error) => return give_up(&app, &error),
    };
    let mut notifier = Notifier::default();
    let mut minute = tokio::time::interval(REFRESH);
    let mut pages = std::pin::pin!(core.changes(None).ready_chunks(64));
    settings(&app, &core).await;
    refresh(&core, tray.as_ref()).await;
    loop {
        let held_back = async {
            match notifier.due() {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let chunk = tokio::select! {
            chunk = pages.next() => chunk,
            _ = minute.tick() => {
                // What is spent today begins anew at midnight, and the next wake comes closer.
                refresh(&core, tray.as_ref()).await;
                continue;
            }
            () = held_back => {
                notifier.tell_held_back(&app);
                continue;
            }
        };
        let Some(chunk) = chunk else { return };
        let changes: Vec<_> = chunk.into_iter().flat_map(|page| page.changes).collect();
        if changes.iter().any(|c| c.kind == Kind::Instance) {
            settings(&app, &core).await;
        }
        notifier.look(&app, &core, &changes).await;
        tokio::time::sleep(GATHER).await;
        refresh(&core, tray.as_ref()).await;
    }
}

async fn refresh(core: &Arc<Core>, tray: Option<&Tray>) {
    let Some(tray) = tray else { return };
    match core.call::<GetInstanceStatus>(Nothing {}).await {
        Ok(status) => tray.show(&status),
        Err(error) => tracing::warn!(%error, "the tray shows an older state"),
    }
}

async fn settings(app: &AppHandle, core: &Arc<Core>) {
    match core.call::<GetGeneralSettings>(Nothing {}).await {
        Ok(settings) => {
            app.state::<Shell>().close_to_tray.store(settings.close_to_tray, Ordering::Relaxed);
            start_at_login(app, settings.start_at_login);
        }
        Err(error) => tracing::warn!(%error, "the settings could not be read"),
    }
}

/// Without a core there is nothing to show. Says why, and ends.
fn give_up(app: &AppHandle, error: &ApiError) {
    log::complain(&error.to_string());
    let handle = app.clone();
    app.dialog()
        .message(error.to_string())
        .title("Paperclip Desktop cannot start")
        .kind(MessageDialogKind::Error)
        .show(move |_| handle.exit(1));
}

fn start_at_login(app: &AppHandle, wanted: bool) {
    let shell = app.state::<Shell>();
    let applied = match &shell.login_entry {
        Ok(entry) => entry.apply(wanted).map_err(|e| e.to_string()),
        Err(error) if wanted => Err(error.to_string()),
        Err(_) => Ok(()),
    };
    if let Err(error) = applied {
        tracing::warn!(%error, wanted, "starting at login could not be changed");
    }
}

/// The program was started once more on the same data folder.
fn second_start(app: &AppHandle, args: Vec<String>, _: String) {
    if !args.iter().any(|a| a == "--minimized") && app.try_state::<Shell>().is_some() {
        window::open(app, None);
    }
}

fn window_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { .. } => window::remember(window.app_handle()),
        WindowEvent::Destroyed => {
            window.state::<Shell>().follows.end_all();
            window.state::<Shell>().uploads.forget();
            be_small_soon(window.app_handle().clone());
        }
        _ => {}
    }
}

/// Gives back, in a moment, what only a window needs, unless there is a window by then.
fn be_small_soon(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(SETTLED).await;
        let handle = app.clone();
        // Where windows are made, so that none is made in the meantime.
        let asked = app.run_on_main_thread(move || {
            if handle.webview_windows().is_empty() {
                platform::be_small();
            }
        });
        if let Err(error) = asked {
            tracing::debug!(%error, "the program stays as large as it is");
        }
    });
}

fn event(app: &AppHandle, event: RunEvent) {
    match event {
        // No code: the last window was closed, nobody asked to quit.
        RunEvent::ExitRequested { code: None, api, .. }
            if app.state::<Shell>().close_to_tray.load(Ordering::Relaxed)
                && app.tray_by_id(tray::ID).is_some() =>
        {
            api.prevent_exit();
        }
        // Quitting closes the window without asking it.
        RunEvent::ExitRequested { .. } => window::remember(app),
        RunEvent::Exit => stop(app),
        _ => {}
    }
}

fn stop(app: &AppHandle) {
    let Some(core) = app.state::<Shell>().core.now() else { return };
    tracing::info!("quitting; runs in flight go on in their hosts");
    tauri::async_runtime::block_on(async {
        if tokio::time::timeout(LAST_WORDS, core.stop()).await.is_err() {
            tracing::warn!("the core took too long to close; the next start looks after what it left");
        }
    });
}

/// A name for the data folder that a bus name and a file name can carry: two folders are two programs.
fn instance_id(data_dir: &Path) -> String {
    let path = data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_path_buf());
    // FNV-1a: the same in every version, which the standard library's hasher does not promise.
    let hash = path.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("d{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_data_folders_are_two_programs() {
        let (a, b) = (instance_id(Path::new("/a")), instance_id(Path::new("/b")));
        assert_ne!(a, b);
        assert_eq!(a, instance_id(Path::new("/a")));
        assert!(a.bytes().all(|c| c.is_ascii_alphanumeric()) && !a.as_bytes()[0].is_ascii_digit());
    }
}
