//! A display and a session bus of a test's own.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt, EventMask, InputFocus, MapState,
};

use super::Place;
use super::processes::Kept;

pub struct Display {
    /// For `DISPLAY`.
    pub name: String,
    _server: Kept,
}

impl Display {
    pub fn start() -> Self {
        // The server picks a free display and prints its number once it is ready.
        let mut server = Kept(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp"])
                // Without it the server starts over when its last client leaves, and hangs up on who connects then.
                .arg("-noreset")
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("Xvfb is installed"),
        );
        let name = format!(":{}", first_line(&mut server));
        Self { name, _server: server }
    }
}

pub struct Bus {
    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub address: String,
    daemon: Kept,
}

impl Bus {
    pub fn start(place: &Place) -> Self {
        let mut command = Command::new("dbus-daemon");
        place.settle(&mut command);
        let mut daemon = Kept(
            command
                .args(["--session", "--nofork", "--print-address=1"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("dbus-daemon is installed"),
        );
        Self { address: first_line(&mut daemon), daemon }
    }

    pub fn pid(&self) -> u32 {
        self.daemon.0.id()
    }
}

fn first_line(process: &mut Kept) -> String {
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// Presses the close button of every window on the display, as a window manager would.
pub fn press_close_buttons(display: &str) {
    for window in windows(display) {
        press_close_button(display, window.id);
    }
}

/// A window that a desktop would give a frame with a close button.
#[derive(Debug)]
pub struct Framed {
    pub id: u32,
    pub title: String,
    pub class: String,
    pub size: (u16, u16),
}

/// The windows that are shown on the display.
pub fn windows(display: &str) -> Vec<Framed> {
    let (server, screen) = x11rb::connect(Some(display)).unwrap();
    let root = server.setup().roots[screen].root;
    let (protocols, delete) = (atom(&server, "WM_PROTOCOLS"), atom(&server, "WM_DELETE_WINDOW"));
    let property = |id: u32, property: u32, kind: u32| {
        server.get_property(false, id, property, kind, 0, 1024).unwrap().reply().ok()
    };
    let shown = |id: u32| {
        let reply = server.get_window_attributes(id).unwrap().reply();
        reply.is_ok_and(|a| a.map_state == MapState::VIEWABLE)
            && property(id, protocols, AtomEnum::ATOM.into())
                .is_some_and(|r| r.value32().is_some_and(|mut atoms| atoms.any(|a| a == delete)))
    };
    let text = |id: u32, kind: AtomEnum| {
        let value = property(id, kind.into(), AtomEnum::ANY.into()).map(|r| r.value).unwrap_or_default();
        String::from_utf8_lossy(&value).replace('\0', " ").trim().to_owned()
    };
    let children = server.query_tree(root).unwrap().reply().unwrap().children;
    children
        .into_iter()
        .filter(|id| shown(*id))
        .filter_map(|id| {
            // It may be gone by now.
            let place = server.get_geometry(id).unwrap().reply().ok()?;
            let (title, class) = (text(id, AtomEnum::WM_NAME), text(id, AtomEnum::WM_CLASS));
            Some(Framed { id, title, class, size: (place.width, place.height) })
        })
        .collect()
}

/// Presses the close button of a window.
pub fn press_close_button(display: &str, window: u32) {
    let (server, _) = x11rb::connect(Some(display)).unwrap();
    let (protocols, delete) = (atom(&server, "WM_PROTOCOLS"), atom(&server, "WM_DELETE_WINDOW"));
    let message = ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
    server.send_event(false, window, EventMask::NO_EVENT, message).unwrap();
    // An answer says that the server has had all before it.
    server.get_input_focus().unwrap().reply().unwrap();
}

/// Gives a window a size, as one that drags its frame does.
pub fn resize(display: &str, window: u32, size: (u16, u16)) {
    let (server, _) = x11rb::connect(Some(display)).unwrap();
    let wanted = ConfigureWindowAux::new().width(u32::from(size.0)).height(u32::from(size.1));
    server.configure_window(window, &wanted).unwrap().check().unwrap();
}

/// Looks away from all windows.
pub fn take_focus_away(display: &str) {
    let (server, _) = x11rb::connect(Some(display)).unwrap();
    // To none, not to the root: that would leave it with the window below the pointer.
    server.set_input_focus(InputFocus::NONE, x11rb::NONE, x11rb::CURRENT_TIME).unwrap().check().unwrap();
}

fn atom(server: &impl ConnectionExt, name: &str) -> u32 {
    server.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
}
