//! The program without a window, started as a script would start it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde::Deserialize;

use super::client::Client;
use super::display::{Bus, Display};
use super::processes::{self, Kept};
use super::{Place, cli, desktop, eventually};

/// What the program says of itself once it is ready.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ready {
    pub url: String,
    pub port: u16,
    pub pid: u32,
    pub token_file: PathBuf,
    pub ready_ms: u64,
}

pub struct Headless {
    pub process: Kept,
    pub ready: Ready,
    pub token: String,
}

impl Headless {
    /// Starts the program and waits for its line. Its log goes to the test's artifacts.
    pub fn start(place: &Place) -> Self {
        Self::start_with(place, |_| {})
    }

    pub fn start_with(place: &Place, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = command(place);
        change(&mut command);
        Self::start_as(place, command)
    }

    pub fn start_as(place: &Place, mut command: Command) -> Self {
        let log = place.artifact("program.log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut process = Kept(command.stdout(Stdio::piped()).stderr(file).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Ready = serde_json::from_str(&line)
            .unwrap_or_else(|e| panic!("the program said {line:?} ({e}); its log is {}", log.display()));
        // As the program sees it: it may have disks of its own.
        let token_file = format!("/proc/{}/root{}", ready.pid, ready.token_file.display());
        let token = std::fs::read_to_string(token_file).unwrap().trim().to_owned();
        Self { process, ready, token }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.ready.url, Some(&self.token))
    }

    pub fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        let _ = self.process.0.wait();
    }
}

/// The program without a window, on any free port.
pub fn command(place: &Place) -> Command {
    command_on(place, 0)
}

pub fn command_on(place: &Place, port: u16) -> Command {
    let mut command = Command::new(desktop());
    place.settle(&mut command);
    command.args(["--headless", "--port", &port.to_string(), "--data-dir"]).arg(place.data());
    command
}

/// Starts the program as a desktop would, on any free port.
pub fn on_desktop(place: &Place, display: &Display, bus: &Bus, args: &[&str]) -> Kept {
    let mut command = Command::new(desktop());
    place.settle(&mut command);
    let log = File::options().create(true).append(true).open(place.artifact("program.log")).unwrap();
    command
        .args(["--port", "0", "--data-dir"])
        .arg(place.data())
        .args(args)
        .env("DISPLAY", &display.name)
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
        .env("GDK_BACKEND", "x11")
        .env("NO_AT_BRIDGE", "1")
        .stdout(Stdio::null())
        .stderr(log);
    Kept(command.spawn().unwrap())
}

/// A client of the program that runs in a place, found as every client finds it.
pub async fn client_of(place: &Place) -> Client {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Found {
        url: String,
        token_file: PathBuf,
    }
    let file = place.data().join("server.json");
    let found: Found = eventually("the program to say where it is", Duration::from_secs(20), async || {
        serde_json::from_slice(&std::fs::read(&file).ok()?).ok()
    })
    .await;
    let client = Client::new(&found.url, Some(std::fs::read_to_string(found.token_file).unwrap().trim()));
    client.answers(Duration::from_secs(20)).await;
    client
}

/// The processes of browser engines in a place: one for an open window.
pub fn browser_engines(place: &Place) -> usize {
    processes::of(place.path()).iter().filter(|p| p.command.contains("WebKitWebProcess")).count()
}

/// What the command line did.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs the command line on the place's data folder.
pub fn paperclip(place: &Place, args: &[&str]) -> Said {
    let mut command = Command::new(cli());
    place.settle(&mut command);
    let output = command.arg("--data-dir").arg(place.data()).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}
