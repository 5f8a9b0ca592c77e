//! Writes a run's log. See [`crate::log`] for the format.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contract::Timestamp;
use contract::run::OutputStream;

use crate::log::{INDEX_FILE, INDEX_RECORD, RunLog, StoredLine, segment_name, whole_length};

/// A segment is closed once it is this long.
const SEGMENT_BYTES: u64 = 8 << 20;
/// An index record is due after so many lines, or so many bytes, whichever is first.
const INDEX_LINES: u64 = 64;
const INDEX_BYTES: u64 = 256 << 10;
/// How soon a full disk is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long what was seen of the disk holds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A batch is written when it is this long, without waiting for a flush: short lines grow manyfold.
const BATCH_BYTES: usize = 256 << 10;

/// Lines that could not be kept.
#[derive(Debug)]
struct Trouble {
    reason: String,
    lines: u64,
    bytes: u64,
    tried: Instant,
}

/// How much of the disk is left.
#[derive(Debug)]
struct Room {
    reserve: u64,
    looked: Option<Instant>,
    is_scarce: bool,
}

/// The writing end of a log. A disk that is full costs lines, never the run; and one that is nearly full takes no more
/// of them, or fifty talkative agents would leave no room to note how they ended.
pub struct LogWriter {
    dir: PathBuf,
    segment: File,
    /// Where in the log the open segment begins.
    segment_start: u64,
    index: File,
    /// Written: bytes and lines.
    end: u64,
    lines: u64,
    /// Last index record.
    indexed: (u64, u64),
    limit: u64,
    /// The limit has been reached.
    full: bool,
    /// Collected since the last flush.
    batch: Vec<u8>,
    batch_lines: u64,
    batch_index: Vec<u8>,
    trouble: Option<Trouble>,
    room: Room,
    lost: (u64, u64),
    truncated: Option<String>,
    /// The same, until somebody has taken notice.
    news: Option<String>,
}

impl LogWriter {
    /// Opens the log of a run folder, goes on after its last whole line.
    pub fn open(dir: &Path, limit: u64) -> io::Result<Self> {
        let log = RunLog::open(dir)?;
        let (end, lines) = (log.bytes()?, log.total_lines()?);
        let (segment, segment_start) = open_last_segment(dir)?;
        let index = append(&dir.join(INDEX_FILE))?;
        // Records of lines that never reached the disk would stand before those of the lines to come.
        index.set_len(valid_index(&std::fs::read(dir.join(INDEX_FILE))?, end))?;
        Ok(Self {
            dir: dir.to_owned(),
            segment,
            segment_start,
            index,
            end,
            lines,
            indexed: (lines, end),
            limit,
            full: false,
            batch: Vec::new(),
            batch_lines: 0,
            batch_index: Vec::new(),
            trouble: None,
            room: Room { reserve: crate::log::RESERVE, looked: None, is_scarce: false },
            lost: (0, 0),
            truncated: None,
            news: None,
        })
    }

    pub const fn lines(&self) -> u64 {
        self.lines
    }

    pub const fn bytes(&self) -> u64 {
        self.end
    }

    /// Why the log does not hold everything, in one sentence.
    pub fn truncated(&self) -> Option<String> {
        let reason = self.truncated.as_ref()?;
        Some(format!("{reason}; {} lines ({} bytes) of the log are missing", self.lost.0, self.lost.1))
    }

    /// Adds a line; it is written with the batch, at the latest by [`LogWriter::flush`].
    pub fn push(&mut self, ts: Timestamp, stream: OutputStream, chunk: &str) {
        let (line, offset) = (self.lines + self.batch_lines, self.end + self.batch.len() as u64);
        if line - self.indexed.0 >= INDEX_LINES || offset - self.indexed.1 >= INDEX_BYTES {
            self.indexed = (line, offset);
            self.batch_index.extend_from_slice(&line.to_le_bytes());
            self.batch_index.extend_from_slice(&offset.to_le_bytes());
        }
        let before = self.batch.len();
        if serde_json::to_writer(&mut self.batch, &StoredLine { ts, stream, chunk }).is_err() {
            self.batch.truncate(before);
            return;
        }
        self.batch.push(b'\n');
        self.batch_lines += 1;
        if self.batch.len() >= BATCH_BYTES {
            self.flush(Instant::now(), ts);
        }
    }

    /// The reason, once, when something has been lost for the first time.
    pub fn take_news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// Writes what was collected.
    pub fn flush(&mut self, now: Instant, ts: Timestamp) {
        if self.batch.is_empty() {
            return;
        }
        self.full |= self.end + self.batch.len() as u64 > self.limit;
        if self.full || self.trouble.as_ref().is_some_and(|t| now.duration_since(t.tried) < RETRY) {
            let reason = format!("the log has reached its limit of {} bytes", self.limit);
            return self.lose(now, &reason);
        }
        if self.room.is_scarce(&self.dir, now) {
            return self.lose(now, "the disk is nearly full, and what is left of it is for everything else");
        }
        if let Some(trouble) = self.trouble.take() {
            // Room again, perhaps: say first what is missing at this place.
            let note = format!("{} lines are missing here: {}\n", trouble.lines, trouble.reason);
            let (batch, lines) = (std::mem::take(&mut self.batch), std::mem::take(&mut self.batch_lines));
            self.batch_index.clear();
            self.indexed = (self.lines, self.end);
            self.push(ts, OutputStream::System, &note);
            self.batch.extend_from_slice(&batch);
            self.batch_lines += lines;
        }
        if let Err(e) = self.write_batch() {
            let reason = match e.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
                _ => format!("the log cannot be written ({e})"),
            };
            self.lose(now, &reason);
        }
    }

    fn write_batch(&mut self) -> io::Result<()> {
        if self.end - self.segment_start >= SEGMENT_BYTES {
            self.segment = append(&self.dir.join(segment_name(self.end)))?;
            self.segment_start = self.end;
        }
        let mut written = 0;
        let outcome = loop {
            match self.segment.write(&self.batch[written..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => written += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => break Err(e),
            }
            if written == self.batch.len() {
                break Ok(());
            }
        };
        // Of a batch that was cut short, its whole lines are kept.
        let kept = self.batch[..written].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let lines = match outcome {
            Ok(()) => self.batch_lines,
            Err(_) => self.batch[..kept].iter().filter(|&&b| b == b'\n').count() as u64,
        };
        self.end += kept as u64;
        self.lines += lines;
        self.batch.drain(..kept);
        self.batch_lines -= lines;
        if outcome.is_err() {
            // Should this fail too, readers still leave out a torn last line.
            let _ = self.segment.set_len(self.end - self.segment_start);
            return outcome;
        }
        // The index only saves time: readers do without what is missing.
        let _ = self.index.write_all(&self.batch_index);
        self.batch_index.clear();
        Ok(())
    }

    fn lose(&mut self, now: Instant, reason: &str) {
        let trouble = self.trouble.get_or_insert_with(|| Trouble {
            reason: reason.to_owned(),
            lines: 0,
            bytes: 0,
            tried: now,
        });
        if now.duration_since(trouble.tried) >= RETRY {
            trouble.tried = now;
        }
        trouble.lines += self.batch_lines;
        trouble.bytes += self.batch.len() as u64;
        self.lost.0 += self.batch_lines;
        self.lost.1 += self.batch.len() as u64;
        self.batch.clear();
        self.batch_lines = 0;
        self.batch_index.clear();
        self.indexed = (self.lines, self.end);
        if self.truncated.is_none() {
            self.truncated = Some(reason.to_owned());
            self.news = self.truncated.clone();
        }
    }

    pub fn sync(&self) -> io::Result<()> {
        self.segment.sync_data()
    }
}

impl Room {
    fn is_scarce(&mut self, dir: &Path, now: Instant) -> bool {
        if self.looked.is_none_or(|t| now.duration_since(t) >= LOOK_EVERY) {
            self.looked = Some(now);
            self.is_scarce = crate::platform::has_less_than(dir, self.reserve);
        }
        self.is_scarce
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Length of the index up to its first record past the data.
fn valid_index(index: &[u8], end: u64) -> u64 {
    let within = |record: &&[u8]| record[8..].try_into().is_ok_and(|at| u64::from_le_bytes(at) <= end);
    index.chunks_exact(INDEX_RECORD as usize).take_while(within).count() as u64 * INDEX_RECORD
}

/// The segment to go on with, cut back to its last whole line, and where it begins.
fn open_last_segment(dir: &Path) -> io::Result<(File, u64)> {
    let mut last = None;
    for entry in std::fs::read_dir(dir)? {
        last = last.max(crate::log::segment_start(&entry?.path()));
    }
    let start = last.unwrap_or(0);
    let path = dir.join(segment_name(start));
    let file = append(&path)?;
    let len = file.metadata()?.len();
    let whole = whole_length(&path, len)?;
    if whole < len {
        file.set_len(whole)?;
    }
    Ok((file, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::from_millis(0);

    fn fill(writer: &mut LogWriter, from: u64, to: u64) {
        for n in from..to {
            writer.push(T, OutputStream::Stdout, &format!("line {n}\n"));
            if n % 100 == 0 {
                writer.flush(Instant::now(), T);
            }
        }
        writer.flush(Instant::now(), T);
        assert_eq!(writer.take_news(), None);
    }

    #[test]
    fn any_page_of_many_segments_is_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(dir.path(), u64::MAX).unwrap();
        fill(&mut writer, 0, 250_000);
        let log = RunLog::open(dir.path()).unwrap();
        assert_eq!(log.total_lines().unwrap(), 250_000);
        assert_eq!(log.bytes().unwrap(), writer.bytes());
        assert!(std::fs::read_dir(dir.path()).unwrap().count() > 2, "more than one segment");
        for from in [0, 63, 64, 65, 99_990, 124_999, 249_990] {
            let page = log.read_lines(from, 50).unwrap();
            assert_eq!(page.len() as u64, 50.min(250_000 - from));
            for (n, line) in (from..).zip(&page) {
                assert_eq!((line.line, line.text()), (n, &*format!("line {n}")));
            }
        }
        assert!(log.read_lines(250_000, 10).unwrap().is_empty());
    }

    #[test]
    fn slices_by_byte_join_to_the_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(dir.path(), u64::MAX).unwrap();
        fill(&mut writer, 0, 5000);
        let log = RunLog::open(dir.path()).unwrap();
        let (mut all, mut at) = (String::new(), Some(0));
        while let Some(offset) = at {
            let (text, next) = log.read_bytes(offset, 10_000).unwrap();
            assert!(text.ends_with('\n'));
            all.push_str(&text);
            at = next;
        }
        assert_eq!(all.lines().count(), 5000);
        assert_eq!(all.len() as u64, log.bytes().unwrap());
        let (one, next) = log.read_bytes(0, 3).unwrap();
        assert_eq!((one.lines().count(), next), (1, Some(one.len() as u64)));
        assert_eq!(log.read_bytes(1 << 40, 100).unwrap(), (String::new(), None));
        let sum: String = Sha256::digest(&all).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(log.sha256().unwrap(), sum);
    }

    use sha2::{Digest, Sha256};

    #[test]
    fn a_torn_last_line_is_not_read_and_is_cut_when_the_log_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        fill(&mut LogWriter::open(dir.path(), u64::MAX).unwrap(), 0, 200);
        append(&dir.path().join(segment_name(0))).unwrap().write_all(b"{\"ts\":\"20").unwrap();
        let log = RunLog::open(dir.path()).unwrap();
        assert_eq!(log.total_lines().unwrap(), 200);
        assert_eq!(log.read_lines(199, 10).unwrap().len(), 1);
        fill(&mut LogWriter::open(dir.path(), u64::MAX).unwrap(), 200, 400);
        assert_eq!(log.total_lines().unwrap(), 400);
        assert_eq!(log.read_lines(399, 1).unwrap()[0].text(), "line 399");
        assert_eq!(log.read_lines(201, 1).unwrap()[0].text(), "line 201");
    }

    #[test]
    fn an_index_that_is_ahead_of_the_data_or_gone_misleads_nobody() {
        let dir = tempfile::tempdir().unwrap();
        fill(&mut LogWriter::open(dir.path(), u64::MAX).unwrap(), 0, 1000);
        let index = dir.path().join(INDEX_FILE);
        let far = [5000u64.to_le_bytes(), (1u64 << 40).to_le_bytes()].concat();
        append(&index).unwrap().write_all(&far).unwrap();
        let log = RunLog::open(dir.path()).unwrap();
        assert_eq!(log.total_lines().unwrap(), 1000);
        fill(&mut LogWriter::open(dir.path(), u64::MAX).unwrap(), 1000, 2000);
        assert_eq!(log.read_lines(1999, 1).unwrap()[0].text(), "line 1999");
        std::fs::remove_file(index).unwrap();
        assert_eq!(log.total_lines().unwrap(), 2000);
        assert_eq!(log.read_lines(700, 1).unwrap()[0].text(), "line 700");
    }

    #[test]
    fn the_last_of_a_disk_is_left_to_everything_else() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(dir.path(), u64::MAX).unwrap();
        let (now, ts) = (Instant::now(), Timestamp::from_millis(0));
        // As if a twentieth of this disk were never free.
        writer.room = Room { reserve: u64::MAX, looked: Some(now), is_scarce: true };
        writer.push(ts, OutputStream::Stdout, "lost\n");
        writer.flush(now, ts);
        assert!(writer.take_news().unwrap().contains("nearly full"));
        assert_eq!(writer.lines(), 0);
        // Somebody made room.
        writer.room = Room { reserve: 0, looked: None, is_scarce: true };
        writer.push(ts, OutputStream::Stdout, "kept\n");
        writer.flush(now + RETRY, ts);
        let lines = RunLog::open(dir.path()).unwrap().read_lines(0, 10).unwrap();
        assert!(lines[0].text().starts_with("1 lines are missing here: the disk is nearly full"));
        assert_eq!(lines[1].text(), "kept");
    }

    #[test]
    fn a_full_disk_costs_lines_and_is_said_once() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.path().join(segment_name(0))).unwrap();
        let mut writer = LogWriter::open(dir.path(), u64::MAX).unwrap();
        writer.push(T, OutputStream::Stdout, "lost\n");
        writer.flush(Instant::now(), T);
        assert_eq!(writer.take_news().as_deref(), Some("the disk is full"));
        writer.push(T, OutputStream::Stdout, "lost too\n");
        writer.flush(Instant::now(), T);
        assert_eq!(writer.take_news(), None);
        assert_eq!(writer.lines(), 0);
        assert!(writer.truncated().unwrap().contains("2 lines"));

        // Room again: the log goes on and says what is missing.
        std::fs::remove_file(dir.path().join(segment_name(0))).unwrap();
        writer.segment = append(&dir.path().join(segment_name(0))).unwrap();
        writer.push(T, OutputStream::Stdout, "kept\n");
        writer.flush(Instant::now() + RETRY, T);
        let lines = RunLog::open(dir.path()).unwrap().read_lines(0, 10).unwrap();
        assert_eq!(lines[0].text(), "2 lines are missing here: the disk is full");
        assert_eq!(lines[1].text(), "kept");
    }

    #[test]
    fn the_limit_ends_the_log_not_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(dir.path(), 1000).unwrap();
        let mut said = Vec::new();
        for n in 0..100 {
            writer.push(T, OutputStream::Stdout, &format!("line {n}\n"));
            writer.flush(Instant::now(), T);
            said.extend(writer.take_news());
        }
        assert_eq!(said, ["the log has reached its limit of 1000 bytes"]);
        assert!(writer.bytes() <= 1000);
    }
}
