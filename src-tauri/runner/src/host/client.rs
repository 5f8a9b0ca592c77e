//! The program's side of a host.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use contract::RunId;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;

use super::launcher::{HostError, HostLauncher};
use super::protocol::{Hello, HostEvent, KillCause, LaunchSpec, Request};

/// A host answers at once or not at all.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// Starts a host, which starts the command at once. Returns when the spec has been handed over.
pub async fn launch(launcher: &HostLauncher, spec: LaunchSpec) -> Result<HostHandle, HostError> {
    let failed = |source| HostError::Start { program: launcher.program.clone(), source };
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
    ours.set_nonblocking(true).map_err(failed)?;
    let mut command = tokio::process::Command::new(&launcher.program);
    command
        .args(&launcher.leading_args)
        // For the person who looks at a list of processes; also names a host that wrote no journal yet.
        .arg(spec.run_id.to_string())
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(dir) = std::env::var_os("XDG_RUNTIME_DIR") {
        command.env("XDG_RUNTIME_DIR", dir);
    }
    let mut host = command.spawn().map_err(failed)?;
    drop(command);
    tokio::spawn(async move {
        // Keeps no zombie of it; how it ended is in the journal.
        let _ = host.wait().await;
    });
    let stream = UnixStream::from_std(ours).map_err(failed)?;
    let handle = HostHandle::over(stream);
    handle.control.send(&Request::Launch(Box::new(spec))).await?;
    Ok(handle)
}

/// Connects to the socket of a live host.
pub(super) async fn connect(socket: &Path, run_id: RunId) -> Result<HostHandle, HostError> {
    let attempt = async {
        let stream = UnixStream::connect(socket).await.map_err(|_| HostError::Gone)?;
        let peer = stream.peer_cred().map_err(|_| HostError::Gone)?;
        if peer.uid() != rustix::process::getuid().as_raw() {
            return Err(HostError::Protocol("it belongs to another user".into()));
        }
        let mut handle = HostHandle::over(stream);
        let hello: Hello = handle.next_message().await?;
        if hello.run_id != run_id {
            return Err(HostError::Protocol(format!("it runs {}, not {run_id}", hello.run_id)));
        }
        Ok(handle)
    };
    tokio::time::timeout(CONNECT_DEADLINE, attempt).await.unwrap_or(Err(HostError::Gone))
}

/// A connection to a live host. Dropping it leaves the host and its run alone.
pub struct HostHandle {
    lines: Lines<BufReader<OwnedReadHalf>>,
    control: HostControl,
}

impl HostHandle {
    fn over(stream: UnixStream) -> Self {
        let (read, write) = stream.into_split();
        Self {
            lines: BufReader::new(read).lines(),
            control: HostControl { write: Arc::new(Mutex::new(write)) },
        }
    }

    /// The next thing the host tells. Safe to cancel. After `Exited` nothing follows until
    /// [`HostControl::finish`], then [`HostError::Gone`].
    pub async fn next_event(&mut self) -> Result<HostEvent, HostError> {
        self.next_message().await
    }

    async fn next_message<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, HostError> {
        let line = self.lines.next_line().await.map_err(|_| HostError::Gone)?.ok_or(HostError::Gone)?;
        serde_json::from_str(&line).map_err(|e| HostError::Protocol(e.to_string()))
    }

    /// The commanding half, to be kept where events are not awaited.
    pub fn control(&self) -> HostControl {
        self.control.clone()
    }
}

/// Commands a host.
#[derive(Clone)]
pub struct HostControl {
    write: Arc<Mutex<OwnedWriteHalf>>,
}

impl HostControl {
    /// Begins the kill ladder; `grace` replaces the invocation's. `Exited` follows. The first cause is kept.
    pub async fn kill(
        &self,
        cause: KillCause,
        reason: Option<String>,
        grace: Option<Duration>,
    ) -> Result<(), HostError> {
        self.send(&Request::Kill { cause, reason, grace }).await
    }

    /// The end is recorded: the host may leave. Kills nothing; a host whose run is live stays.
    pub async fn finish(&self) -> Result<(), HostError> {
        self.send(&Request::Finish).await
    }

    async fn send(&self, request: &Request) -> Result<(), HostError> {
        let mut line = serde_json::to_vec(request).map_err(|e| HostError::Protocol(e.to_string()))?;
        line.push(b'\n');
        let mut write = self.write.lock().await;
        write.write_all(&line).await.map_err(|_| HostError::Gone)
    }
}
