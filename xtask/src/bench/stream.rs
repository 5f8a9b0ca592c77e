//! What an agent of the bench runs: a mebibyte a second on standard output, for some minutes.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// The hidden command of `xtask` that does this.
pub const COMMAND: &str = "bench-stream";
const BYTES_A_SECOND: u128 = 1 << 20;
const LINE: usize = 1 << 10;
/// Longer than the calls of the table take, and short enough for the disk.
const SPAN: Duration = Duration::from_secs(180);
/// Agents write in bursts; this often.
const EVERY: Duration = Duration::from_millis(50);

pub fn stream() -> Result<()> {
    let mut line = vec![b'x'; LINE];
    line[LINE - 1] = b'\n';
    let mut out = std::io::stdout().lock();
    let begun = Instant::now();
    let mut written = 0u128;
    while begun.elapsed() < SPAN {
        let due = begun.elapsed().as_millis() * BYTES_A_SECOND / 1000;
        while written < due {
            out.write_all(&line)?;
            written += LINE as u128;
        }
        out.flush()?;
        thread::sleep(EVERY);
    }
    Ok(())
}
