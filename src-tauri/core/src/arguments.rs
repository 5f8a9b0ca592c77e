//! The command line of the program.

use std::path::PathBuf;

use clap::Parser;

/// A native, local-only control plane for teams of AI agents.
#[derive(Debug, Parser)]
#[command(name = "paperclip-desktop", version)]
pub struct Arguments {
    /// Run without window and tray; prints one line of JSON once it is ready
    #[arg(long, conflicts_with_all = ["minimized", "safe_render"])]
    headless: bool,
    /// Folder for all files of the program [env: PAPERCLIP_HOME]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Port of the HTTP door on 127.0.0.1; 0 for any free one [default: 3100 or the next free one]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Put a backup in the database's place, and end; the program must not be running
    #[arg(long, value_name = "FILE", conflicts_with_all = ["headless", "minimized", "safe_render"])]
    restore: Option<PathBuf>,
    /// Look whether the database is sound, and end; the program must not be running
    #[arg(long, conflicts_with_all = ["headless", "minimized", "safe_render", "restore"])]
    doctor: bool,
    /// Start in the tray, without the window
    #[arg(long)]
    minimized: bool,
    /// Draw the window without the graphics card
    #[arg(long)]
    pub safe_render: bool,
}

/// What the program is started for.
#[derive(Debug, PartialEq, Eq)]
pub enum Mode {
    Window { minimized: bool },
    Headless,
    Restore(PathBuf),
    Doctor,
}

impl Arguments {
    pub fn mode(&self) -> Mode {
        if let Some(file) = &self.restore {
            Mode::Restore(file.clone())
        } else if self.doctor {
            Mode::Doctor
        } else if self.headless {
            Mode::Headless
        } else {
            Mode::Window { minimized: self.minimized }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_follows_from_the_arguments() {
        let mode = |args: &[&str]| Arguments::try_parse_from([&["x"], args].concat()).map(|a| a.mode());
        assert_eq!(mode(&[]).unwrap(), Mode::Window { minimized: false });
        assert_eq!(mode(&["--minimized"]).unwrap(), Mode::Window { minimized: true });
        assert_eq!(mode(&["--headless", "--port", "0"]).unwrap(), Mode::Headless);
        assert_eq!(mode(&["--restore", "a.db"]).unwrap(), Mode::Restore("a.db".into()));
        assert_eq!(mode(&["--doctor"]).unwrap(), Mode::Doctor);
        assert!(mode(&["--headless", "--restore", "a.db"]).is_err());
        assert!(mode(&["--port", "70000"]).is_err());
    }
}
