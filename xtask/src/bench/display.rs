//! What a person does to a window, over X11: keys, and the close button of its frame.

use anyhow::{Context as _, Result};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, InputFocus, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, MapState,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

pub struct Display {
    server: RustConnection,
    root: u32,
}

impl Display {
    pub fn connect(name: &str) -> Result<Self> {
        let (server, screen) = x11rb::connect(Some(name))?;
        let root = server.setup().roots.get(screen).context("a screen")?.root;
        Ok(Self { server, root })
    }

    /// Types letters into the window that is shown.
    pub fn type_letters(&self, letters: &str) -> Result<()> {
        let window = *self.windows()?.first().context("no window is shown")?;
        self.server.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?.check()?;
        for letter in letters.chars() {
            let code = self.key_code(letter)?;
            for event in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
                self.server
                    .xtest_fake_input(event, code, x11rb::CURRENT_TIME, self.root, 0, 0, 0)?
                    .check()?;
            }
        }
        Ok(())
    }

    /// Presses the close button of every window, as a window manager would.
    pub fn close_windows(&self) -> Result<()> {
        let (protocols, delete) = (self.atom("WM_PROTOCOLS")?, self.atom("WM_DELETE_WINDOW")?);
        for window in self.windows()? {
            let data = [delete, x11rb::CURRENT_TIME, 0, 0, 0];
            let message = ClientMessageEvent::new(32, window, protocols, data);
            self.server.send_event(false, window, EventMask::NO_EVENT, message)?.check()?;
        }
        Ok(())
    }

    /// Windows to which a desktop would give a frame.
    fn windows(&self) -> Result<Vec<u32>> {
        let protocols = self.atom("WM_PROTOCOLS")?;
        let mut out = Vec::new();
        for id in self.server.query_tree(self.root)?.reply()?.children {
            let shown = self
                .server
                .get_window_attributes(id)?
                .reply()
                .is_ok_and(|a| a.map_state == MapState::VIEWABLE);
            let framed = self
                .server
                .get_property(false, id, protocols, AtomEnum::ATOM, 0, 16)?
                .reply()
                .is_ok_and(|p| p.value_len > 0);
            if shown && framed {
                out.push(id);
            }
        }
        Ok(out)
    }

    /// The key that bears this letter. A letter's key symbol is its code in Latin-1.
    fn key_code(&self, letter: char) -> Result<u8> {
        let setup = self.server.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let map = self.server.get_keyboard_mapping(first, count)?.reply()?;
        let each = usize::from(map.keysyms_per_keycode);
        let at = map.keysyms.chunks(each).position(|symbols| symbols.first() == Some(&u32::from(letter)));
        let at = at.with_context(|| format!("no key bears {letter:?}"))?;
        Ok(first + u8::try_from(at)?)
    }

    fn atom(&self, name: &str) -> Result<u32> {
        Ok(self.server.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }
}
