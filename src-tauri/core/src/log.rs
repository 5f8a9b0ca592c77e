//! The program's own log: to stderr, and to a file a day under `logs/` in the data folder.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// Files kept, which is days.
const KEPT: usize = 14;
/// Lines waiting for the disk; beyond that they are counted and dropped, so that a slow disk stops nothing.
const QUEUE: usize = 16_384;

/// Says why the program cannot go on, where there is no log yet.
pub fn complain(message: &str) {
    let _ = writeln!(io::stderr().lock(), "paperclip-desktop: {message}");
}

/// Starts the log. `PAPERCLIP_LOG` chooses what is in it, in the manner of `RUST_LOG`.
pub fn start(data_dir: &Path) -> Option<WorkerGuard> {
    let filter =
        EnvFilter::try_from_env("PAPERCLIP_LOG").unwrap_or_else(|_| EnvFilter::new("info,zbus=warn"));
    let to_stderr = fmt::layer().compact().with_ansi(false).with_writer(Masked(io::stderr));
    let folder = data_dir.join("logs");
    // The appender looks for old files in it before it makes it.
    let _ = std::fs::create_dir_all(&folder);
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("paperclip-desktop")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(folder);
    let (to_file, guard) = match appender {
        Ok(appender) => {
            let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default()
                .buffered_lines_limit(QUEUE)
                .finish(appender);
            (Some(fmt::layer().with_ansi(false).with_writer(Masked(writer))), Some(guard))
        }
        Err(error) => {
            complain(&format!("the log file cannot be written, the log goes to stderr only: {error}"));
            (None, None)
        }
    };
    let _ = tracing_subscriber::registry().with(filter).with(to_stderr).with(to_file).try_init();
    guard
}

/// Values that must never stand in the log.
static SECRETS: Mutex<Vec<Arc<str>>> = Mutex::new(Vec::new());

/// Makes the log show `***` wherever this value would stand.
pub fn keep_out(secret: &str) {
    if !secret.is_empty() {
        SECRETS.lock().unwrap_or_else(PoisonError::into_inner).push(secret.into());
    }
}

fn masked(line: &[u8]) -> Option<Vec<u8>> {
    let secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8_lossy(line);
    let mut out = text.clone();
    for secret in secrets.iter().filter(|s| text.contains(s.as_ref())) {
        out = out.replace(secret.as_ref(), "***").into();
    }
    (out != text).then(|| out.into_owned().into_bytes())
}

/// A writer whose every write is one line of the log.
#[derive(Clone)]
struct Masked<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Masked<W> {
    type Writer = MaskedLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskedLine(self.0.make_writer())
    }
}

struct MaskedLine<W>(W);

impl<W: Write> Write for MaskedLine<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(masked(line).as_deref().unwrap_or(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_reaches_the_log() {
        keep_out("pc_operator_5f1c");
        let mut line = MaskedLine(Vec::new());
        line.write_all(b"Authorization: Bearer pc_operator_5f1c and pc_operator_5f1c\n").unwrap();
        line.write_all(b"nothing secret\n").unwrap();
        assert_eq!(line.0, b"Authorization: Bearer *** and ***\nnothing secret\n");
    }
}
