//! The connections of a host.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use contract::RunId;

use crate::host::protocol::{Hello, HostEvent, LaunchSpec, Progress, Request};
use crate::host::runtime_dir;

/// A client that does not read is let go rather than waited for.
const MAX_BACKLOG: usize = 1 << 20;
/// No request but the launch is longer.
const MAX_REQUEST: usize = 64 << 10;
const MAX_CLIENTS: usize = 16;

pub struct Client {
    pub stream: UnixStream,
    input: Vec<u8>,
    backlog: Vec<u8>,
    /// Has not been told of the latest progress.
    behind: bool,
    /// Hears nothing any more; what it said before it left is still to be read.
    deaf: bool,
    gone: bool,
}

impl Client {
    fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, input: Vec::new(), backlog: Vec::new(), behind: false, deaf: false, gone: false })
    }

    pub fn wants_to_write(&self) -> bool {
        !self.backlog.is_empty()
    }

    fn send(&mut self, message: &impl serde::Serialize) {
        if self.deaf {
            return;
        }
        if serde_json::to_writer(&mut self.backlog, message).is_err() {
            self.gone = true;
        }
        self.backlog.push(b'\n');
        self.write();
    }

    pub fn write(&mut self) {
        while !self.backlog.is_empty() {
            match self.stream.write(&self.backlog) {
                Ok(n) if n > 0 => drop(self.backlog.drain(..n)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                _ => {
                    self.deaf = true;
                    self.backlog.clear();
                }
            }
        }
        self.gone |= self.backlog.len() > MAX_BACKLOG;
    }

    /// What the client asks for by now.
    pub fn read(&mut self) -> Vec<Request> {
        let mut block = [0; 4096];
        loop {
            match self.stream.read(&mut block) {
                Ok(0) => self.gone = true,
                Ok(n) => {
                    self.input.extend_from_slice(&block[..n]);
                    continue;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.gone = true,
            }
            break;
        }
        let mut requests = Vec::new();
        while let Some(at) = self.input.iter().position(|&b| b == b'\n') {
            let line: Vec<u8> = self.input.drain(..=at).collect();
            // What is not understood comes from a newer program; it sees that nothing happens.
            requests.extend(serde_json::from_slice(&line));
        }
        self.gone |= self.input.len() > MAX_REQUEST;
        requests
    }
}

pub struct Clients {
    listener: UnixListener,
    path: PathBuf,
    run_id: RunId,
    list: Vec<Client>,
}

impl Clients {
    /// Listens at the run's place among the sockets of its data folder.
    pub fn open(spec: &LaunchSpec, runtime_base: Option<&Path>) -> io::Result<Self> {
        let mut tries = 5;
        loop {
            let dir = runtime_dir::prepare(&spec.data_dir, runtime_base)?;
            match Self::listen(runtime_dir::socket(&dir, spec.run_id), spec.run_id) {
                // The last host to leave has just taken the folder away.
                Err(e) if e.kind() == io::ErrorKind::NotFound && tries > 0 => tries -= 1,
                listening => return listening,
            }
        }
    }

    /// Listens at `path`; a socket left there by an earlier attempt is replaced.
    fn listen(path: PathBuf, run_id: RunId) -> io::Result<Self> {
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path, run_id, list: Vec::new() })
    }

    pub fn listener(&self) -> &UnixListener {
        &self.listener
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn list(&self) -> &[Client] {
        &self.list
    }

    pub fn list_mut(&mut self) -> &mut [Client] {
        &mut self.list
    }

    /// Whoever launched this host; `said` is what was read beyond its launch.
    pub fn add_launcher(&mut self, stream: UnixStream, said: Vec<u8>) -> io::Result<()> {
        let mut client = Client::new(stream)?;
        client.input = said;
        self.list.push(client);
        Ok(())
    }

    /// Accepts who is waiting and brings them up to date. Only this user may command a host; the kernel says who asks.
    pub fn accept(&mut self, state: impl Fn() -> Vec<HostEvent>) {
        while let Ok((stream, _)) = self.listener.accept() {
            let ours = rustix::net::sockopt::socket_peercred(&stream)
                .is_ok_and(|peer| peer.uid == rustix::process::getuid());
            if !ours || self.list.len() >= MAX_CLIENTS {
                continue;
            }
            let Ok(mut client) = Client::new(stream) else { continue };
            client.send(&Hello { run_id: self.run_id });
            for event in state() {
                client.send(&event);
            }
            self.list.push(client);
        }
    }

    pub fn tell(&mut self, event: &HostEvent) {
        self.list.iter_mut().for_each(|client| client.send(event));
    }

    /// Progress overtakes itself: who has not read the last is told the next one when it has.
    pub fn tell_progress(&mut self, progress: &Progress) {
        let event = HostEvent::Progress(progress.clone());
        for client in &mut self.list {
            client.behind = client.wants_to_write();
            if !client.behind {
                client.send(&event);
            }
        }
    }

    /// After writing: those who can take the latest progress now.
    pub fn catch_up(&mut self, progress: &Progress) {
        for client in self.list.iter_mut().filter(|c| c.behind && c.backlog.is_empty()) {
            client.behind = false;
            client.send(&HostEvent::Progress(progress.clone()));
        }
    }

    pub fn drop_gone(&mut self) {
        self.list.retain(|client| !client.gone);
    }

    /// Waits, briefly, until everybody has what was said.
    pub fn flush(&mut self) {
        for client in &mut self.list {
            let _ = client.stream.set_nonblocking(false);
            let _ = client.stream.set_write_timeout(Some(std::time::Duration::from_millis(200)));
            client.write();
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        // Goes only when no other run's socket is in it.
        let _ = self.path.parent().map(std::fs::remove_dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_said_before_it_left_is_heard_although_it_no_longer_listens() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut client = Client::new(ours).unwrap();
        theirs.write_all(b"\"finish\"\n").unwrap();
        drop(theirs);
        client.send(&Hello { run_id: RunId(Default::default()) });
        assert!(!client.gone && !client.wants_to_write());
        assert!(matches!(client.read()[..], [Request::Finish]));
        assert!(client.gone);
    }
}
