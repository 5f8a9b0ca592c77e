//! The running core: the engine and the HTTP door in front of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::attachment::{AttachmentPath, FileContent};
use contract::feed::ChangePage;
use contract::operations::GetAttachmentContent;
use contract::transcript::TranscriptPage;
use contract::{ApiError, AttachmentId, CompanyId, ErrorCode, Operation, RunId};
use engine::{Caller, Engine, Receiving, Reply};
use futures_util::{Stream, stream};
use serde_json::Value;
use tokio::sync::watch;

use crate::log;

/// Time for the HTTP door to send what it has begun to answer.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub struct Options {
    pub data_dir: PathBuf,
    /// 0 for any free one; absent: 3100 or the next free one.
    pub port: Option<u16>,
}

/// Why the core did not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
    #[error(transparent)]
    Server(#[from] server::ServerError),
}

impl StartError {
    /// What is wrong and what to do about it.
    pub fn explained(&self) -> String {
        let hint = match self {
            Self::Engine(error) => error.hint(),
            Self::Server(error) => error.hint(),
        };
        hint.map_or_else(|| self.to_string(), |hint| format!("{self}\n{hint}"))
    }
}

pub struct Core {
    pub engine: Arc<Engine>,
    pub url: String,
    pub port: u16,
    pub token_file: PathBuf,
    pub ready_ms: u128,
    server: Mutex<Option<server::Running>>,
}

impl Core {
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        let begun = Instant::now();
        let engine = Engine::open(engine::Config::new(options.data_dir.clone(), paperclip_command())).await?;
        let token_file = runner::places::operator_token_file(&options.data_dir);
        if let Ok(token) = std::fs::read_to_string(&token_file) {
            log::keep_out(token.trim());
        }
        let server = server::serve(engine.clone(), server::ServerConfig { port: options.port }).await?;
        engine.start().await?;
        let (port, url) = (server.addr.port(), server.url.clone());
        let ready_ms = begun.elapsed().as_millis();
        tracing::info!(%url, data_dir = %options.data_dir.display(), ready_ms, "ready");
        Ok(Self { engine, url, port, token_file, ready_ms, server: Mutex::new(Some(server)) })
    }

    /// Calls an operation as the operator.
    pub async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, ApiError> {
        let input = serde_json::to_value(input).map_err(unreadable)?;
        let reply = self.call_named(O::NAME, input).await?;
        serde_json::from_slice(&reply.body).map_err(unreadable)
    }

    pub async fn call_named(&self, name: &str, input: Value) -> Result<Reply, ApiError> {
        self.engine.call(&Caller::operator(), name, input).await
    }

    /// Begins to receive a file from the operator.
    pub async fn receive(&self, company: CompanyId) -> Result<Receiving, ApiError> {
        self.engine.receive(&Caller::operator(), company).await
    }

    /// An attachment with its bytes.
    pub async fn file(&self, id: AttachmentId) -> Result<(FileContent, tokio::fs::File), ApiError> {
        let content = self.call::<GetAttachmentContent>(AttachmentPath { id }).await?;
        let file = self.engine.open_file(&content).await?;
        Ok((content, file))
    }

    /// Pages of the change feed after a cursor, or from now on.
    pub fn changes(&self, after: Option<i64>) -> impl Stream<Item = ChangePage> + Send + use<> {
        let feed = self.engine.follow_changes(after, None);
        stream::unfold(feed, |mut feed| async move { feed.next().await.map(|page| (page, feed)) })
    }

    /// Pages of a run's transcript from a log line on, until the run ends.
    pub fn transcript(
        &self,
        run: RunId,
        from_line: u64,
        raw: bool,
    ) -> impl Stream<Item = TranscriptPage> + Send + use<> {
        let feed = self.engine.follow_run(run, from_line, raw);
        stream::unfold(feed, move |mut feed| async move {
            match feed.next().await? {
                Ok(page) => Some((page, feed)),
                Err(error) => {
                    tracing::warn!(%run, %error, "the transcript could not be read on");
                    None
                }
            }
        })
    }

    /// Closes the doors and the database. Runs in flight go on in their hosts and are found at the next start.
    pub async fn stop(&self) {
        self.engine.shutdown().await;
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server
            && tokio::time::timeout(LAST_ANSWERS, server.ended()).await.is_err()
        {
            tracing::debug!("a client keeps its connection open; it is closed with the program");
        }
    }
}

fn unreadable(error: serde_json::Error) -> ApiError {
    ApiError::internal(format!("the shell and the engine disagree on a type: {error}"))
}

/// The core while it starts, when it runs, and when it could not start: whoever needs it waits here.
#[derive(Clone)]
pub struct Slot(watch::Receiver<State>);

#[derive(Clone)]
enum State {
    Starting,
    Running(Arc<Core>),
    Failed(Arc<str>),
}

impl Slot {
    /// Starts the core in the background.
    pub fn start(runtime: &tokio::runtime::Handle, options: Options) -> Self {
        let (sender, receiver) = watch::channel(State::Starting);
        runtime.spawn(async move {
            let state = match Core::start(&options).await {
                Ok(core) => State::Running(Arc::new(core)),
                Err(error) => {
                    tracing::error!(%error, "the core did not start");
                    State::Failed(error.explained().into())
                }
            };
            let _ = sender.send(state);
        });
        Self(receiver)
    }

    /// The core, once it runs; or why it never will.
    pub async fn get(&self) -> Result<Arc<Core>, ApiError> {
        let mut state = self.0.clone();
        match state.wait_for(|s| !matches!(s, State::Starting)).await.as_deref() {
            Ok(State::Running(core)) => Ok(core.clone()),
            Ok(State::Failed(why)) => Err(ApiError::new(ErrorCode::Unavailable, why.to_string())),
            _ => Err(ApiError::new(ErrorCode::Unavailable, "the program is stopping")),
        }
    }

    /// The core, if it runs now.
    pub fn now(&self) -> Option<Arc<Core>> {
        match &*self.0.borrow() {
            State::Running(core) => Some(core.clone()),
            _ => None,
        }
    }
}

/// The data folder, there and readable by its owner alone.
pub fn make_private(data_dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data_dir)
}

/// The `paperclip` command, which run hosts and the demo agent are started with. It is built beside the program;
/// where it is installed, the core alone lies in a folder of its own, as [`crate::LIBEXEC`] says.
fn paperclip_command() -> PathBuf {
    let name = format!("paperclip{}", std::env::consts::EXE_SUFFIX);
    let Ok(exe) = std::env::current_exe() else { return PathBuf::from(name) };
    let beside = exe.with_file_name(&name);
    let folder = exe.parent().filter(|f| f.ends_with(crate::LIBEXEC));
    let installed = folder.and_then(|f| f.ancestors().nth(2)).map(|prefix| prefix.join("bin").join(&name));
    installed.filter(|path| path.is_file()).unwrap_or(beside)
}
