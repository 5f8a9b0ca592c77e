//! The control plane: every operation of the contract, the queue of runs, and the clock that drives them.
//!
//! - [`Engine::call`] is the one way in, for every door: it checks who calls, reads the input into the
//!   declared type and hands it to the service that implements the operation.
//! - `wake` decides what becomes of an attempt to get an agent to work; `run` takes queued runs to their end.
//! - `budget` meters what runs use, stops what is spent, and lets it go on.
//! - `recovery` takes the step that follows from a run's end, and sees to work that nothing moves.
//! - `workspace` gives runs on issues of a project their folder, and keeps what is in it.
//! - `watchdog` looks at runs that say nothing, `productivity` at issues that get nowhere.
//! - `scheduler` rings the timers, makes the backups and keeps the feed short.

mod budget;
mod caller;
mod chains;
mod config;
mod dispatch;
mod error;
mod feed;
mod files;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod load;
mod lock;
mod monitors;
mod productivity;
mod recovery;
mod replies;
mod restore;
mod run;
mod scheduler;
mod service;
#[cfg(test)]
mod sim;
mod token;
mod unblocking;
mod wake;
mod watchdog;
mod workspace;
mod world;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use contract::instance::{ExperimentalSettings, GeneralSettings};
use contract::{AgentKeyId, RunId, Timestamp};
use store::{Options, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use caller::{Actor, Caller};
pub use config::{Config, Paths};
pub use dispatch::{HandleAny, Reply};
pub use error::EngineError;
pub use feed::{ChangeFeed, RunFeed};
pub use files::Receiving;
pub use restore::{Examined, examine, restore};
pub use world::{SystemWorld, World};

use run::LiveRun;

/// The running control plane of one data folder.
pub struct Engine {
    store: Store,
    paths: Paths,
    config: Config,
    world: Arc<dyn World>,
    operator_token_hash: String,
    settings: RwLock<Settings>,
    /// When the use of a key was last noted.
    keys_noted: Mutex<HashMap<AgentKeyId, Timestamp>>,
    /// Runs whose hosts this program follows.
    live: Mutex<HashMap<RunId, LiveRun>>,
    replies: replies::Replies,
    uploads: files::Uploads,
    turns: workspace::Turns,
    /// The state of the data that the newest backup of this program's time holds.
    backed_up: AtomicU64,
    /// Milliseconds: since when runs are listened to without a break.
    watching_since: AtomicI64,
    stop: CancellationToken,
    tasks: TaskTracker,
    _lock: lock::DataLock,
}

/// What is asked for so often that it is kept at hand.
#[derive(Clone, Debug, Default)]
struct Settings {
    general: GeneralSettings,
    experimental: ExperimentalSettings,
    paused_at: Option<Timestamp>,
    /// Base URL of the HTTP door.
    api_url: Option<String>,
}

impl Engine {
    /// Opens the data folder for this program alone.
    pub async fn open(config: Config) -> Result<Arc<Self>, EngineError> {
        Self::open_in(config, Arc::new(SystemWorld)).await
    }

    /// As [`Engine::open`], with a clock and randomness of the caller's choice.
    pub async fn open_in(config: Config, world: Arc<dyn World>) -> Result<Arc<Self>, EngineError> {
        let paths = Paths::create(&config.data_dir)?;
        let lock = lock::DataLock::take(&paths)?;
        let token = token::operator_token(&paths, &*world)?;
        // Whoever sent these is not heard of any more.
        let _ = std::fs::remove_dir_all(paths.uploads());
        let store = Store::open(Options::at(paths.database())).await?;
        let instance = store::instance::get(&mut *store.read().await?).await?;
        let settings = Settings {
            general: instance.general,
            experimental: instance.experimental,
            paused_at: instance.paused_at,
            api_url: None,
        };
        Ok(Arc::new(Self {
            store,
            paths,
            config,
            watching_since: AtomicI64::new(world.now().millis()),
            world,
            operator_token_hash: token::hash(&token),
            settings: RwLock::new(settings),
            keys_noted: Mutex::default(),
            live: Mutex::default(),
            replies: replies::Replies::default(),
            uploads: files::Uploads::default(),
            turns: workspace::Turns::default(),
            backed_up: AtomicU64::new(u64::MAX),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            _lock: lock,
        }))
    }

    /// Adopts the runs that went on without us, then starts the queue and the clock.
    pub async fn start(self: &Arc<Self>) -> Result<(), EngineError> {
        if let Err(e) = self.recover_workspaces().await {
            tracing::error!("what was under way in workspaces: {e}");
        }
        self.adopt_runs().await?;
        // The login shell is asked for its PATH once; the first run should not wait for it.
        self.tasks.spawn(async { drop(runner::path::agent_path().await) });
        let this = Arc::clone(self);
        self.tasks.spawn(async move { this.run_queue().await });
        let this = Arc::clone(self);
        self.tasks.spawn(async move { this.run_schedule().await });
        Ok(())
    }

    /// Stops the queue and the clock and closes the database. Runs go on in their hosts.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(std::time::Duration::from_secs(5), self.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not stop within five seconds");
        }
        self.store.close().await;
    }

    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Ends when the engine stops.
    pub fn stopped(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells agents where the HTTP door is. Called once the door is open.
    pub fn set_api_url(&self, url: String) {
        self.settings_mut(|s| s.api_url = Some(url));
    }

    /// The settings of the installation, as they are now.
    pub fn general_settings(&self) -> GeneralSettings {
        self.settings().general
    }

    /// Stops all writing once the database turns out to be damaged.
    pub(crate) fn mind_damage(&self, e: &contract::ApiError) {
        if e.code != contract::ErrorCode::StoreDamaged {
            return;
        }
        let reason = e.details.as_ref().and_then(|d| d["reason"].as_str()).unwrap_or(&e.message);
        if self.store.note_damage(reason) {
            tracing::error!("{e}; nothing is written any more: restore the newest backup");
        }
    }

    fn settings(&self) -> Settings {
        self.settings.read().map_or_else(|e| e.into_inner().clone(), |s| s.clone())
    }

    fn settings_mut(&self, change: impl FnOnce(&mut Settings)) {
        match self.settings.write() {
            Ok(mut s) => change(&mut s),
            Err(e) => change(&mut e.into_inner()),
        }
    }

    fn live_runs(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, LiveRun>> {
        self.live.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// A new id: UUID version 7, so that ids sort by age.
    fn new_id<T: From<Uuid>>(&self) -> T {
        let mut random = [0u8; 10];
        self.world.fill(&mut random);
        let ms = u64::try_from(self.now().millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().into()
    }
}
