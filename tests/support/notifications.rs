//! The desktop's side of notifications: a server that keeps what it was asked to show, and clicks on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zbus::Connection;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

use super::eventually;

const PATH: &str = "/org/freedesktop/Notifications";

#[derive(Clone, Debug)]
pub struct Shown {
    pub id: u32,
    pub icon: String,
    pub title: String,
    pub body: String,
    pub actions: Vec<String>,
}

#[derive(Default)]
struct Server {
    shown: Arc<Mutex<Vec<Shown>>>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Server {
    async fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"].map(str::to_owned).into()
    }

    async fn get_server_information(&self) -> (String, String, String, String) {
        ("test".into(), "test".into(), "1".into(), "1.2".into())
    }

    // As the specification has it.
    #[allow(clippy::too_many_arguments)]
    async fn notify(
        &self,
        _app_name: String,
        _replaces_id: u32,
        icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        let mut shown = self.shown.lock().unwrap();
        let id = u32::try_from(shown.len()).unwrap() + 1;
        shown.push(Shown { id, icon, title, body, actions });
        id
    }

    async fn close_notification(&self, _id: u32) {}

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

/// The notifications of a desktop.
pub struct Notifications {
    bus: Connection,
    shown: Arc<Mutex<Vec<Shown>>>,
}

impl Notifications {
    /// Offers to show notifications on this bus.
    pub async fn offer(address: &str) -> Self {
        let server = Server::default();
        let shown = Arc::clone(&server.shown);
        let bus = zbus::connection::Builder::address(address)
            .unwrap()
            .serve_at(PATH, server)
            .unwrap()
            .name("org.freedesktop.Notifications")
            .unwrap()
            .build()
            .await
            .unwrap();
        Self { bus, shown }
    }

    pub fn shown(&self) -> Vec<Shown> {
        self.shown.lock().unwrap().clone()
    }

    /// Waits until this many were shown, and gives the last.
    pub async fn after(&self, count: usize, at_most: Duration) -> Shown {
        eventually(&format!("{count} notifications"), at_most, async || {
            let shown = self.shown();
            (shown.len() >= count).then(|| shown.last().cloned()).flatten()
        })
        .await
    }

    /// Clicks on a notification.
    pub async fn click(&self, id: u32) {
        let server = self.bus.object_server().interface::<_, Server>(PATH).await.unwrap();
        Server::action_invoked(server.signal_emitter(), id, "default").await.unwrap();
        Server::notification_closed(server.signal_emitter(), id, 2).await.unwrap();
    }
}
