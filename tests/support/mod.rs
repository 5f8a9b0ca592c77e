//! What the end-to-end tests share: a private place for the program under test, and hands to work it with.

// Each test file takes of this what it needs.
#![allow(dead_code)]

pub mod client;
pub mod company;
pub mod disk;
pub mod display;
pub mod model;
pub mod notifications;
pub mod processes;
pub mod program;
pub mod tray;
pub mod window;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Folders of one test's own. Whatever a program under test writes, it writes below here; whatever still runs when
/// the test ends is found by it.
pub struct Place {
    dir: tempfile::TempDir,
    name: String,
}

impl Place {
    pub fn new(name: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("paperclip-test-").tempdir().unwrap();
        for part in ["home", "data", "run", "work"] {
            std::fs::create_dir(dir.path().join(part)).unwrap();
        }
        let place = Self { dir, name: name.to_owned() };
        // What an earlier run of the same test left would be read as this one's.
        let _ = std::fs::remove_dir_all(place.artifacts());
        place
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A folder for agents to work in.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Gives a command this place instead of the developer's own home and settings.
    pub fn settle(&self, command: &mut Command) {
        let home = self.dir.path().join("home");
        for name in
            ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PAPERCLIP_HOME", "PAPERCLIP_LOG"]
        {
            command.env_remove(name);
        }
        for name in ["PAPERCLIP_API_URL", "PAPERCLIP_API_KEY", "PAPERCLIP_COMPANY_ID", "PAPERCLIP_RUN_ID"] {
            command.env_remove(name);
        }
        command
            .env("HOME", &home)
            .env("XDG_DATA_HOME", home.join("share"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_RUNTIME_DIR", self.dir.path().join("run"))
            .current_dir(self.work());
    }

    /// What the program has written into its log so far.
    pub fn log(&self) -> String {
        let files = std::fs::read_dir(self.data().join("logs")).into_iter().flatten().flatten();
        files.filter_map(|f| std::fs::read_to_string(f.path()).ok()).collect()
    }

    fn artifacts(&self) -> PathBuf {
        let root = std::env::var_os("PAPERCLIP_TEST_ARTIFACTS")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts"), PathBuf::from);
        root.join(&self.name)
    }

    /// A file that outlives the test: screenshots, logs of programs.
    pub fn artifact(&self, file: &str) -> PathBuf {
        let dir = self.artifacts();
        std::fs::create_dir_all(&dir).unwrap();
        dir.join(file)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What a failed test leaves running would wait for its data folder for ever.
        for left in processes::of(self.path()) {
            processes::kill(left.pid);
        }
    }
}

/// The program under test.
pub fn desktop() -> PathBuf {
    env!("CARGO_BIN_EXE_paperclip-desktop").into()
}

/// The command line, which is built beside the program.
pub fn cli() -> PathBuf {
    let path = desktop().with_file_name("paperclip");
    assert!(path.is_file(), "{} is not built: use `cargo xtask test`", path.display());
    path
}

/// Tries until something is there, and says what was waited for when it never is.
pub async fn eventually<T>(what: &str, at_most: Duration, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + at_most;
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {at_most:?} in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
