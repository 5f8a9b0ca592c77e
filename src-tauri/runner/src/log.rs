//! Reads a run's log: append-only segments of `{ts, stream, chunk}` lines, found by line through an index.

use std::io;
use std::path::Path;

use contract::Timestamp;
use contract::run::OutputStream;
use serde::{Deserialize, Serialize};

/// A line of output is cut into chunks of at most this many bytes.
pub const MAX_CHUNK: usize = 64 * 1024;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Counted from zero over all attempts of the run.
    pub line: u64,
    pub ts: Timestamp,
    pub stream: OutputStream,
    /// What was written, with its line end; without one when the line goes on in this stream's next chunk.
    pub chunk: String,
}

impl LogLine {
    /// Without the line end.
    pub fn text(&self) -> &str {
        self.chunk.strip_suffix('\n').unwrap_or(&self.chunk)
    }

    /// The line ends here.
    pub fn is_whole(&self) -> bool {
        self.chunk.ends_with('\n')
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredLine<T> {
    pub ts: Timestamp,
    pub stream: OutputStream,
    pub chunk: T,
}

/// A run's log, readable while its host writes it. Blocking: call from a blocking task.
pub struct RunLog {}

impl RunLog {
    /// Opens the log in a run folder. A log that is not there yet is empty.
    pub fn open(_run_dir: &Path) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Whole lines written so far.
    pub fn total_lines(&self) -> io::Result<u64> {
        Ok(0)
    }

    /// Bytes of whole lines written so far.
    pub fn bytes(&self) -> io::Result<u64> {
        Ok(0)
    }

    /// Up to `limit` lines from line `from`.
    pub fn read_lines(&self, _from: u64, _limit: usize) -> io::Result<Vec<LogLine>> {
        Ok(Vec::new())
    }

    /// A slice for the HTTP door: whole NDJSON lines from byte `offset`, at most about `limit` bytes but at
    /// least one line, and the offset to go on from when there is more.
    pub fn read_bytes(&self, _offset: u64, _limit: usize) -> io::Result<(String, Option<u64>)> {
        Ok((String::new(), None))
    }

    /// SHA-256 over [`RunLog::bytes`], in lower-case hex.
    pub fn sha256(&self) -> io::Result<String> {
        Ok(String::new())
    }
}
