//! A data folder on a small disk of its own, which a test can fill.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::Place;
use super::program::{Headless, command};

/// Mounted in a mount namespace that the program starts in, so that nothing is left of it when the program and its
/// hosts are gone. `$0` is the size, `$1` the folder, the rest the program.
const MOUNT: &str = r#"mount -t tmpfs -o "size=$0,mode=0700" paperclip-test "$1" && shift && exec "$@""#;

/// The program's command, with its data folder on a disk of this size (`12m`).
pub fn on_small_disk(place: &Place, size: &str) -> Command {
    let program = command(place);
    let mut small = Command::new("unshare");
    place.settle(&mut small);
    small.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        // Needs user namespaces; where a system forbids them to all but root, the tests are to be run as root.
        small.args(["--user", "--map-root-user"]);
    }
    small.args(["--", "sh", "-c", MOUNT, size]).arg(place.data());
    small.arg(program.get_program()).args(program.get_args());
    small
}

/// The data folder as the program sees it.
pub struct Disk {
    data: PathBuf,
}

impl Disk {
    pub fn of(program: &Headless, place: &Place) -> Self {
        let root = PathBuf::from(format!("/proc/{}/root", program.ready.pid));
        Self { data: root.join(place.data().strip_prefix("/").unwrap()) }
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.data.join(inside)
    }

    /// Takes all the room there is.
    pub fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        let mut block = vec![0; 64 << 10];
        while !block.is_empty() {
            if filler.write_all(&block).is_err() {
                block.truncate(block.len() / 2);
            }
        }
    }

    pub fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.data.join("filler")
    }
}
