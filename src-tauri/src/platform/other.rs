//! Systems whose web engine needs no preparation, and where starting at login is not there yet.

use std::io;
use std::path::Path;

pub fn prepare_rendering(_: &Path, _: bool) {}

pub fn rendering_began(_: &Path) {}

pub fn rendering_worked(_: &Path) {}

pub fn notification_text(text: &str) -> String {
    text.to_owned()
}

pub struct LoginEntry;

impl LoginEntry {
    pub fn of(_: &str, _: &Path) -> io::Result<Self> {
        Ok(Self)
    }

    pub fn apply(&self, wanted: bool) -> io::Result<()> {
        if wanted {
            Err(io::Error::other("starting at login is not there yet on this system"))
        } else {
            Ok(())
        }
    }
}

pub fn prepare_memory() {}

pub fn be_small() {}

pub fn forget_the_start() {}
