//! What can go wrong for the command line, with what to do about it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use contract::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("no command was given")]
    NoCommand,
    #[error("there is no folder to look into: neither HOME nor PAPERCLIP_HOME is set")]
    NoDataDir,
    #[error("the program is not running on {}", .data_dir.display())]
    NotRunning { data_dir: PathBuf },
    #[error("the program is running on {}; it must be stopped for this", .data_dir.display())]
    Running { data_dir: PathBuf },
    #[error("{} is not a data folder that this version understands: {why}", .path.display())]
    BadFile { path: PathBuf, why: String },
    #[error("{} does not answer: {why}", .base)]
    Unreachable { base: String, why: String },
    #[error("{why}")]
    Usage { why: String },
    #[error("the doctor found what must be mended; see above")]
    Unsound,
    #[error("{0}")]
    Refused(ApiError),
    #[error("could not start {}: {why}", .program.display())]
    NotStarted { program: PathBuf, why: std::io::Error },
    #[error("could not write the answer: {0}")]
    Output(#[from] std::io::Error),
}

impl Failure {
    pub fn usage(why: impl Into<String>) -> Self {
        Self::Usage { why: why.into() }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoCommand => Some("`paperclip --help` lists what there is".into()),
            Self::NoDataDir => Some("name a data folder with --data-dir".into()),
            Self::NotRunning { .. } => Some(
                "start it with `paperclip open`, or without a window with `paperclip-desktop --headless`; \
                 another data folder is chosen with --data-dir or PAPERCLIP_HOME"
                    .into(),
            ),
            Self::Running { .. } => Some("quit it from the tray, or end a headless one with Ctrl-C".into()),
            Self::Unreachable { .. } => Some("see whether the program is running: `paperclip status`".into()),
            Self::Refused(error) => error.hint.clone(),
            Self::NotStarted { .. } => {
                Some("paperclip-desktop is looked for beside this command: is the installation whole?".into())
            }
            Self::BadFile { .. } | Self::Unsound | Self::Usage { .. } | Self::Output(_) => None,
        }
    }

    /// 1: refused or failed; 2: called wrongly; 3: the program is not running.
    fn code(&self) -> u8 {
        match self {
            Self::NoCommand | Self::Usage { .. } => 2,
            Self::NotRunning { .. } | Self::Unreachable { .. } => 3,
            _ => 1,
        }
    }

    pub fn report(&self) -> ExitCode {
        // Whoever reads the output went away: not worth a word.
        if matches!(self, Self::Output(e) if e.kind() == std::io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "error: {self}");
        if let Self::Refused(error) = self
            && let Some(details) = &error.details
        {
            let _ = writeln!(err, "details: {details}");
        }
        if let Some(hint) = self.hint() {
            let _ = writeln!(err, "hint: {hint}");
        }
        ExitCode::from(self.code())
    }
}
