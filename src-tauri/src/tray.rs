//! The tray icon: what the company does, seen without the window.

mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use contract::company::Nothing;
use contract::instance::InstanceStatus;
use contract::operations::{PauseInstance, ResumeInstance};
use tauri::AppHandle;
use tauri::image::Image;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{Manager as _, Wry};

use self::view::{Icon, View};
use crate::desktop::Shell;
use crate::window;

pub struct Tray {
    icon: TrayIcon,
    running: MenuItem<Wry>,
    waiting: MenuItem<Wry>,
    spent: MenuItem<Wry>,
    next_wake: MenuItem<Wry>,
    pause: MenuItem<Wry>,
    resume: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

/// The name of the icon within the program.
pub const ID: &str = "paperclip";

/// Puts the icon into the tray. `None` where the system has no tray; the program then works without.
pub fn put(app: &AppHandle, data_dir: &Path) -> Option<Tray> {
    // On Linux the library behind the icon is loaded when it is needed, and its binding panics when it is missing.
    match catch_unwind(AssertUnwindSafe(|| build(app, data_dir))) {
        Ok(Ok(tray)) => Some(tray),
        Ok(Err(error)) => {
            tracing::warn!(%error, "there is no tray icon");
            None
        }
        Err(_) => {
            tracing::warn!("there is no tray icon: libayatana-appindicator3 is not installed");
            None
        }
    }
}

fn build(app: &AppHandle, data_dir: &Path) -> tauri::Result<Tray> {
    let view = View::starting();
    let item = |id: &str, text: &str, enabled: bool| MenuItem::with_id(app, id, text, enabled, None::<&str>);
    let running = item("running", &view.running, false)?;
    let waiting = item("waiting", &view.waiting, false)?;
    let spent = item("spent", &view.spent, false)?;
    let next_wake = item("next-wake", &view.next_wake, false)?;
    let pause = item("pause", "Pause all", false)?;
    let resume = item("resume", "Resume", false)?;
    let open = item("open", "Open Paperclip Desktop", true)?;
    let quit = item("quit", &view.quit, true)?;
    let line = || PredefinedMenuItem::separator(app);
    let menu = Menu::with_items(
        app,
        &[&running, &waiting, &spent, &next_wake, &line()?, &pause, &resume, &line()?, &open, &quit],
    )?;
    let icon = TrayIconBuilder::with_id(ID)
        .icon(picture(view.icon)?)
        .tooltip("Paperclip Desktop")
        .menu(&menu)
        // Pictures are handed to the tray as files; two data folders must not share them.
        .temp_dir_path(data_dir.join("tray"))
        .on_menu_event(chosen)
        .build(app)?;
    Ok(Tray { icon, running, waiting, spent, next_wake, pause, resume, quit })
}

impl Tray {
    pub fn show(&self, status: &InstanceStatus) {
        let view = View::of(status, &jiff::tz::TimeZone::system());
        if let Err(error) = self.apply(&view) {
            tracing::warn!(%error, "the tray icon shows an older state");
        }
    }

    fn apply(&self, view: &View) -> tauri::Result<()> {
        self.running.set_text(&view.running)?;
        self.waiting.set_text(&view.waiting)?;
        self.waiting.set_enabled(view.something_waits)?;
        self.spent.set_text(&view.spent)?;
        self.next_wake.set_text(&view.next_wake)?;
        self.pause.set_enabled(!view.paused)?;
        self.resume.set_enabled(view.paused)?;
        self.quit.set_text(&view.quit)?;
        self.icon.set_tooltip(Some(&view.tooltip))?;
        self.icon.set_icon(Some(picture(view.icon)?))
    }
}

fn picture(icon: Icon) -> tauri::Result<Image<'static>> {
    Image::from_bytes(match icon {
        Icon::Idle => include_bytes!("../../icons/tray/idle.png"),
        Icon::Working => include_bytes!("../../icons/tray/working.png"),
        Icon::Waiting => include_bytes!("../../icons/tray/waiting.png"),
        Icon::Error => include_bytes!("../../icons/tray/error.png"),
    })
}

fn chosen(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        "open" => window::open(app, None),
        "waiting" => window::open(app, Some("/waiting")),
        "quit" => app.exit(0),
        "pause" => ask(app, true),
        "resume" => ask(app, false),
        _ => {}
    }
}

/// Pauses or resumes everything. The menu follows when the change feed says so.
fn ask(app: &AppHandle, pause: bool) {
    let core = app.state::<Shell>().core.clone();
    tauri::async_runtime::spawn(async move {
        let result = async {
            let core = core.get().await?;
            if pause {
                core.call::<PauseInstance>(Nothing {}).await
            } else {
                core.call::<ResumeInstance>(Nothing {}).await
            }
        };
        if let Err(error) = result.await {
            tracing::error!(%error, pause, "asked from the tray, and refused");
        }
    });
}
