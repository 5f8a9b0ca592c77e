//! The program with its window, on a display of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Figures;
use super::client::percentile;
use super::display;
use super::memory;
use crate::build::Built;
use crate::project::say;

const STARTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

pub fn measure(built: &Built, data: &Path, figures: &mut Figures) -> Result<()> {
    say("xtask: measure the window");
    let (_server, name) = server()?;
    let mut times = Vec::new();
    for n in 0..STARTS {
        let begun = Instant::now();
        let mut program = start(built, data, &name)?;
        let mut log = BufReader::new(program.0.stderr.take().context("its log")?);
        wait_for(&mut log, "window interactive")?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        if n + 1 == STARTS {
            // The log goes on being read, or the program would wait for a reader.
            thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            at_rest(&program, &display::Display::connect(&name)?, figures)?;
        }
    }
    figures.insert("window interactive", percentile(&mut times, 0.5));
    Ok(())
}

/// The memory of one program: with the list of issues open, and after its window was closed.
fn at_rest(program: &Ended, display: &display::Display, figures: &mut Figures) -> Result<()> {
    thread::sleep(Duration::from_secs(2));
    // The shortcut for the list of issues.
    display.type_letters("gi")?;
    thread::sleep(Duration::from_secs(8));
    figures.insert("memory, issue list open", memory::pss_of_tree(program.0.id()));
    display.close_windows()?;
    thread::sleep(Duration::from_secs(8));
    figures.insert("memory, window closed to the tray", memory::pss_of_tree(program.0.id()));
    Ok(())
}

fn server() -> Result<(Ended, String)> {
    let mut child = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("Xvfb is needed to measure the window")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("its number")?).read_line(&mut line)?;
    Ok((Ended(child), format!(":{}", line.trim())))
}

fn start(built: &Built, data: &Path, display: &str) -> Result<Ended> {
    let child = Command::new(&built.desktop)
        .args(["--port", "0", "--data-dir"])
        .arg(data)
        .env("DISPLAY", display)
        .env("GDK_BACKEND", "x11")
        .env("NO_AT_BRIDGE", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok(Ended(child))
}

fn wait_for(log: &mut impl std::io::BufRead, word: &str) -> Result<()> {
    let begun = Instant::now();
    let mut line = String::new();
    while begun.elapsed() < PATIENCE {
        line.clear();
        if log.read_line(&mut line)? == 0 {
            bail!("the program ended before it said {word:?}");
        }
        if line.contains(word) {
            return Ok(());
        }
    }
    bail!("the program did not say {word:?} in time")
}
