//! The command's three standard streams.

use std::io::{self, Read, Write};
use std::process::ChildStdin;

use contract::run::OutputStream;

use super::now;
use super::output::Splitter;
use crate::host::redact::Redactor;
use crate::host::writer::LogWriter;

/// Read from one stream at a time, so that the other and the clients get their turn.
const READ_TURN: usize = 256 << 10;
pub const READ_BLOCK: usize = 64 << 10;

/// One of the command's two output streams.
pub struct Output<R> {
    pub pipe: Option<R>,
    pub splitter: Splitter,
    stream: OutputStream,
}

impl<R> Output<R> {
    pub fn new(pipe: Option<R>, stream: OutputStream) -> Self {
        Self { pipe, splitter: Splitter::default(), stream }
    }
}

/// What the command is to read.
pub struct Input {
    pub pipe: ChildStdin,
    text: Vec<u8>,
    at: usize,
}

impl Input {
    pub const fn new(pipe: ChildStdin, text: Vec<u8>) -> Self {
        Self { pipe, text, at: 0 }
    }

    /// Writes what the pipe takes. Answers whether that was all, or all that the command wants to hear.
    pub fn write(&mut self) -> bool {
        while self.at < self.text.len() {
            match self.pipe.write(&self.text[self.at..]) {
                Ok(n) if n > 0 => self.at += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
                _ => break,
            }
        }
        true
    }
}

/// Takes what a stream has, up to a turn, into the log. `line` sees every line that came whole. Answers
/// whether there was anything.
pub fn read_stream<R: Read>(
    output: &mut Output<R>,
    block: &mut [u8],
    secrets: &Redactor,
    log: &mut LogWriter,
    line: &mut dyn FnMut(&str),
) -> bool {
    let Some(pipe) = &mut output.pipe else { return false };
    let (ts, stream) = (now(), output.stream);
    let mut push = |chunk: &str, whole: bool| {
        log.push(ts, stream, chunk);
        if whole {
            line(chunk);
        }
    };
    let mut taken = 0;
    while taken < READ_TURN {
        match pipe.read(block) {
            Ok(0) => {
                output.splitter.finish(secrets, &mut push);
                output.pipe = None;
                break;
            }
            Ok(n) => {
                taken += n;
                output.splitter.feed(&block[..n], secrets, &mut push);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            Err(_) => {
                output.pipe = None;
                break;
            }
        }
    }
    taken > 0
}
