//! The loopback doors: HTTP with Paperclip's paths, and the per-company WebSocket.
//!
//! Routes are made from the contract's declarations; nothing here knows an operation by name. Only this
//! machine gets in, only by a name of this machine, never from a web page, and only with a token.

mod files;
mod guard;
mod http;
mod openapi;
mod place;
mod ws;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::serve::ListenerExt;
use engine::Engine;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use openapi::document;

/// Paperclip's port.
pub const DEFAULT_PORT: u16 = 3100;
/// Ports tried after the default one.
const TRIED: u16 = 50;

/// How to open the doors.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerConfig {
    /// A port that must be free, 0 for any. Absent: the one used last, else 3100, else the next free one.
    pub port: Option<u16>,
}

/// Why the doors stay shut.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("port {0} is taken by another program")]
    PortTaken(u16),
    #[error("no port from {DEFAULT_PORT} on is free")]
    NoPort,
    #[error("cannot listen on {addr}: {source}")]
    Listen { addr: SocketAddr, source: std::io::Error },
    #[error("cannot write {path}: {source}")]
    Place { path: PathBuf, source: std::io::Error },
}

impl ServerError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PortTaken(_) | Self::NoPort => {
                Some("Choose another with --port, or --port 0 for any free one.")
            }
            Self::Listen { .. } => None,
            Self::Place { .. } => {
                Some("Free some space on that disk, see that you may write there, and start again.")
            }
        }
    }
}

/// Open doors.
pub struct Running {
    pub addr: SocketAddr,
    /// Base URL, as written into `server.json`.
    pub url: String,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends when the engine has stopped and the last answer is out.
    pub async fn ended(self) {
        let _ = self.task.await;
    }
}

/// Opens the doors and writes where they are.
pub async fn serve(engine: Arc<Engine>, config: ServerConfig) -> Result<Running, ServerError> {
    let listener = listen(&engine, config).await?;
    let addr = listener.local_addr().map_err(|source| ServerError::Listen { addr: loopback(0), source })?;
    let url = format!("http://{addr}");
    place::write(engine.paths(), &url, addr.port())?;
    engine.set_api_url(url.clone());
    let app = http::router(Arc::clone(&engine), addr.port());
    let listener = listener.tap_io(|tcp| {
        if let Err(e) = tcp.set_nodelay(true) {
            tracing::debug!("a connection keeps its delay: {e}");
        }
    });
    let stopped = engine.stopped();
    let paths = engine.paths().clone();
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(stopped.cancelled_owned()).await;
        if let Err(e) = served {
            tracing::error!("the HTTP door: {e}");
        }
        place::remove(&paths);
    });
    Ok(Running { addr, url, task })
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

async fn listen(engine: &Engine, config: ServerConfig) -> Result<TcpListener, ServerError> {
    if let Some(port) = config.port {
        let addr = loopback(port);
        return TcpListener::bind(addr).await.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => ServerError::PortTaken(port),
            _ => ServerError::Listen { addr, source },
        });
    }
    // Runs that went on without us call back where they were told to.
    let last = place::last_port(engine.paths());
    for port in last.into_iter().chain(DEFAULT_PORT..DEFAULT_PORT + TRIED) {
        let addr = loopback(port);
        match TcpListener::bind(addr).await {
            Ok(l) => return Ok(l),
            Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(source) => return Err(ServerError::Listen { addr, source }),
        }
    }
    Err(ServerError::NoPort)
}
