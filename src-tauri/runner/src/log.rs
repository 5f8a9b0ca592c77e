//! Reads a run's log: append-only segments of `{ts, stream, chunk}` lines, found by line through an index.
//!
//! On disk, in the run folder: `log-<offset>.ndjson`, each named in hex for the byte at which it begins,
//! and `log.idx`, records of two little-endian `u64` (number of a line, byte at which it begins). The index
//! only saves scanning: lines after its last record are counted, and records past the data are ignored, so
//! a host killed between two writes leaves nothing wrong. An unterminated last line is not there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use contract::Timestamp;
use contract::run::OutputStream;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::platform;

/// A line of output is cut into chunks of at most this many bytes.
pub const MAX_CHUNK: usize = 64 * 1024;

/// What logs leave of a disk to everything else, the database before all: this, or a twentieth of a small disk.
pub(crate) const RESERVE: u64 = 1 << 30;

/// Whether so little of the disk is left that logs are not written any more.
pub fn is_disk_scarce(folder: &Path) -> bool {
    platform::has_less_than(folder, RESERVE)
}

pub(crate) const INDEX_FILE: &str = "log.idx";
pub(crate) const INDEX_RECORD: u64 = 16;

/// Name of the segment that begins at this byte of the log.
#[cfg(target_os = "linux")]
pub(crate) fn segment_name(start: u64) -> String {
    format!("log-{start:016x}.ndjson")
}

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
        let text = self.chunk.strip_suffix('\n').unwrap_or(&self.chunk);
        text.strip_suffix('\r').unwrap_or(text)
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

struct Segment {
    path: PathBuf,
    start: u64,
    end: u64,
}

/// A run's log, readable while its host writes it. Blocking: call from a blocking task. Holds no file open.
#[derive(Clone, Debug)]
pub struct RunLog {
    dir: PathBuf,
}

impl RunLog {
    /// The log in a run folder. A log that is not there yet is empty.
    pub fn open(run_dir: &Path) -> io::Result<Self> {
        Ok(Self { dir: run_dir.to_owned() })
    }

    /// Whole lines written so far.
    pub fn total_lines(&self) -> io::Result<u64> {
        let view = self.view()?;
        let (line, offset) = view.nearest(|_| true)?;
        Ok(line + view.count_lines(offset)?)
    }

    /// Bytes of whole lines written so far.
    pub fn bytes(&self) -> io::Result<u64> {
        Ok(self.view()?.end)
    }

    /// Up to `limit` lines from line `from`.
    pub fn read_lines(&self, from: u64, limit: usize) -> io::Result<Vec<LogLine>> {
        self.read_page(from, from, limit, usize::MAX)
    }

    /// The lines from `lead` up to `from`, and then up to `limit` lines or about `bytes`, whichever is first, but
    /// at least one: lines can be long, and memory is not to follow what an agent writes.
    pub fn read_page(&self, lead: u64, from: u64, limit: usize, bytes: usize) -> io::Result<Vec<LogLine>> {
        let limit = limit.saturating_add(usize::try_from(from.saturating_sub(lead)).unwrap_or(usize::MAX));
        let mut room = bytes;
        let view = self.view()?;
        let (mut line, offset) = view.nearest(|record| record.0 <= lead)?;
        let mut lines = Vec::with_capacity(limit.min(1024));
        let mut reader = view.reader(offset);
        let mut text = Vec::new();
        while lines.len() < limit && room > 0 {
            text.clear();
            if reader.read_until(b'\n', &mut text)? == 0 {
                break;
            }
            if line >= lead {
                lines.push(parse_line(line, &text));
            }
            if line >= from {
                room = room.saturating_sub(text.len());
            }
            line += 1;
        }
        Ok(lines)
    }

    /// A slice for the HTTP door: whole NDJSON lines from byte `offset`, at most about `limit` bytes but at
    /// least one line, and the offset to go on from when there is more.
    pub fn read_bytes(&self, offset: u64, limit: usize) -> io::Result<(String, Option<u64>)> {
        let view = self.view()?;
        let mut reader = view.reader(offset);
        let mut text = Vec::with_capacity(limit.min(1 << 20));
        (&mut reader).take(limit as u64).read_to_end(&mut text)?;
        match text.iter().rposition(|&b| b == b'\n') {
            Some(last) => text.truncate(last + 1),
            None => {
                reader.read_until(b'\n', &mut text)?;
            }
        }
        let next = offset.min(view.end) + text.len() as u64;
        Ok((String::from_utf8_lossy(&text).into_owned(), (next < view.end).then_some(next)))
    }

    /// SHA-256 over [`RunLog::bytes`], in lower-case hex.
    pub fn sha256(&self) -> io::Result<String> {
        let view = self.view()?;
        let mut reader = view.reader(0);
        let mut hash = Sha256::new();
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            hash.update(bytes);
            let n = bytes.len();
            reader.consume(n);
        }
        Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }

    fn view(&self) -> io::Result<View> {
        let mut segments = Vec::new();
        match std::fs::read_dir(&self.dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
            Ok(entries) => {
                for entry in entries {
                    let entry = entry?;
                    if let Some(start) = segment_start(&entry.path()) {
                        let end = start + entry.metadata()?.len();
                        segments.push(Segment { path: entry.path(), start, end });
                    }
                }
            }
        }
        segments.sort_unstable_by_key(|s| s.start);
        let end = match segments.last_mut() {
            Some(last) => {
                last.end = last.start + whole_length(&last.path, last.end - last.start)?;
                last.end
            }
            None => 0,
        };
        let index = File::open(self.dir.join(INDEX_FILE)).ok();
        Ok(View { segments, end, index })
    }
}

pub(crate) fn segment_start(path: &Path) -> Option<u64> {
    let hex = path.file_name()?.to_str()?.strip_prefix("log-")?.strip_suffix(".ndjson")?;
    u64::from_str_radix(hex, 16).ok()
}

/// Length of a file up to its last line end.
pub(crate) fn whole_length(path: &Path, len: u64) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let file = File::open(path)?;
    let mut end = len;
    let mut block = vec![0; STEP as usize];
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let block = &mut block[..(end - start) as usize];
        platform::read_exact_at(&file, block, start)?;
        if let Some(at) = block.iter().rposition(|&b| b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn parse_line(line: u64, text: &[u8]) -> LogLine {
    match serde_json::from_slice::<StoredLine<String>>(text) {
        Ok(stored) => LogLine { line, ts: stored.ts, stream: stored.stream, chunk: stored.chunk },
        Err(e) => LogLine {
            line,
            ts: Timestamp::from_millis(0),
            stream: OutputStream::System,
            chunk: format!("This line of the log is damaged: {e}\n"),
        },
    }
}

/// The log as it stood at one moment.
struct View {
    segments: Vec<Segment>,
    end: u64,
    index: Option<File>,
}

impl View {
    /// The last index record within the data for which `wanted` holds; records are in order, so `wanted`
    /// must be true up to some record and false from there on.
    fn nearest(&self, wanted: impl Fn((u64, u64)) -> bool) -> io::Result<(u64, u64)> {
        let Some(index) = &self.index else { return Ok((0, 0)) };
        let record = |n: u64| -> io::Result<(u64, u64)> {
            let mut bytes = [0; INDEX_RECORD as usize];
            platform::read_exact_at(index, &mut bytes, n * INDEX_RECORD)?;
            let half = |at: usize| {
                u64::from_le_bytes(std::array::from_fn(|i| bytes.get(at + i).copied().unwrap_or_default()))
            };
            Ok((half(0), half(8)))
        };
        let (mut low, mut high) = (0, index.metadata()?.len() / INDEX_RECORD);
        let mut best = (0, 0);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = record(middle)?;
            if found.1 <= self.end && wanted(found) {
                best = found;
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(best)
    }

    fn count_lines(&self, offset: u64) -> io::Result<u64> {
        let mut reader = self.reader(offset);
        let mut lines = 0;
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(lines);
            }
            lines += bytes.iter().filter(|&&b| b == b'\n').count() as u64;
            let n = bytes.len();
            reader.consume(n);
        }
    }

    fn reader(&self, offset: u64) -> BufReader<SegmentReader<'_>> {
        BufReader::with_capacity(64 * 1024, SegmentReader { view: self, at: offset, open: None })
    }
}

/// Reads on from one segment into the next.
struct SegmentReader<'a> {
    view: &'a View,
    at: u64,
    open: Option<(usize, File)>,
}

impl Read for SegmentReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let segments = &self.view.segments;
        let Some(n) = segments.iter().position(|s| s.start <= self.at && self.at < s.end) else {
            return Ok(0);
        };
        let segment = &segments[n];
        if self.open.as_ref().is_none_or(|(open, _)| *open != n) {
            let mut file = File::open(&segment.path)?;
            file.seek(SeekFrom::Start(self.at - segment.start))?;
            self.open = Some((n, file));
        }
        let Some((_, file)) = &mut self.open else { return Ok(0) };
        let room = buf.len().min(usize::try_from(segment.end - self.at).unwrap_or(usize::MAX));
        let read = file.read(&mut buf[..room])?;
        self.at += read as u64;
        Ok(read)
    }
}
