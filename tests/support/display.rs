//! A display and a session bus of a test's own.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

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
    use x11rb::connection::Connection as _;
    use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, Window};

    let (server, screen) = x11rb::connect(Some(display)).unwrap();
    let atom = |name: &str| server.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
    let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
    let takes_it = |window: Window| {
        let reply = server.get_property(false, window, protocols, AtomEnum::ATOM, 0, 16).unwrap().reply();
        reply.is_ok_and(|r| r.value32().is_some_and(|mut atoms| atoms.any(|a| a == delete)))
    };
    let root = server.setup().roots[screen].root;
    for window in server.query_tree(root).unwrap().reply().unwrap().children {
        let shown = server.get_window_attributes(window).unwrap().reply();
        let shown = shown.is_ok_and(|a| a.map_state == x11rb::protocol::xproto::MapState::VIEWABLE);
        if shown && takes_it(window) {
            let message =
                ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
            server.send_event(false, window, EventMask::NO_EVENT, message).unwrap();
        }
    }
    server.flush().unwrap();
}
