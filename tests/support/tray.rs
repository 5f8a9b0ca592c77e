//! The desktop's side of a tray icon: a StatusNotifier watcher, and a reader of its menu.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy};

use super::eventually;

struct Watcher {
    items: Arc<Mutex<Vec<(String, String)>>>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    async fn register_status_notifier_item(
        &mut self,
        service: &str,
        #[zbus(header)] header: zbus::message::Header<'_>,
    ) {
        // Ayatana passes an object path, KDE a bus name.
        let item = if service.starts_with('/') {
            (header.sender().unwrap().to_string(), service.to_owned())
        } else {
            (service.to_owned(), "/StatusNotifierItem".to_owned())
        };
        self.items.lock().unwrap().push(item);
    }

    async fn register_status_notifier_host(&mut self, _service: &str) {}

    #[zbus(property)]
    async fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    async fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    async fn registered_status_notifier_items(&self) -> Vec<String> {
        self.items.lock().unwrap().iter().map(|(name, path)| format!("{name}{path}")).collect()
    }
}

/// The tray of a desktop.
pub struct Tray {
    bus: Connection,
    items: Arc<Mutex<Vec<(String, String)>>>,
}

impl Tray {
    /// Offers a tray on this bus.
    pub async fn offer(address: &str) -> Self {
        let items = Arc::default();
        let bus = zbus::connection::Builder::address(address)
            .unwrap()
            .serve_at("/StatusNotifierWatcher", Watcher { items: Arc::clone(&items) })
            .unwrap()
            .name("org.kde.StatusNotifierWatcher")
            .unwrap()
            .build()
            .await
            .unwrap();
        Self { bus, items }
    }

    /// The icon that a program puts into it.
    pub async fn icon(&self) -> Icon {
        let (name, path) = eventually("an icon in the tray", Duration::from_secs(20), async || {
            self.items.lock().unwrap().first().cloned()
        })
        .await;
        let item = Proxy::new(&self.bus, name.clone(), path, "org.kde.StatusNotifierItem").await.unwrap();
        let menu: OwnedObjectPath = item.get_property("Menu").await.unwrap();
        let menu = Proxy::new(&self.bus, name, menu, "com.canonical.dbusmenu").await.unwrap();
        Icon { item, menu }
    }
}

/// A line of the icon's menu.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: i32,
    pub label: String,
    pub enabled: bool,
}

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

pub struct Icon {
    item: Proxy<'static>,
    menu: Proxy<'static>,
}

impl Icon {
    /// The file with the picture that the icon shows now.
    pub async fn picture(&self) -> String {
        // Never from the proxy's cache: the program announces a new icon by a signal that does not clear it.
        let destination = self.item.destination().to_owned();
        let reply = self
            .item
            .connection()
            .call_method(
                Some(destination),
                self.item.path().to_owned(),
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &("org.kde.StatusNotifierItem", "IconName"),
            )
            .await
            .unwrap();
        let value: OwnedValue = reply.body().deserialize().unwrap();
        String::try_from(value).unwrap()
    }

    pub async fn lines(&self) -> Vec<Line> {
        // The icon is announced a moment before its menu is there.
        let read = self.menu.call("GetLayout", &(0_i32, -1_i32, Vec::<&str>::new())).await;
        let Ok::<(u32, Layout), zbus::Error>((_, (_, _, children))) = read else { return Vec::new() };
        children
            .into_iter()
            .map(|child| {
                let (id, properties, _) = Layout::try_from(child).unwrap();
                let label = properties.get("label").and_then(|v| String::try_from(v.clone()).ok());
                let enabled = properties.get("enabled").and_then(|v| bool::try_from(v.clone()).ok());
                // An underscore would underline the next letter; a real one is doubled.
                let label = label.unwrap_or_default().replace("__", "_");
                Line { id, label, enabled: enabled.unwrap_or(true) }
            })
            .collect()
    }

    /// Waits for a line that says this.
    pub async fn line(&self, label: &str, at_most: Duration) -> Line {
        let mut seen = Vec::new();
        let deadline = tokio::time::Instant::now() + at_most;
        loop {
            let lines = self.lines().await;
            if let Some(line) = lines.iter().find(|l| l.label == label) {
                return line.clone();
            }
            seen.clone_from(&lines);
            assert!(tokio::time::Instant::now() < deadline, "the menu never said {label:?}: {seen:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn click(&self, label: &str) {
        let line = self.line(label, Duration::from_secs(10)).await;
        assert!(line.enabled, "{label:?} cannot be clicked");
        self.menu.call::<_, _, ()>("Event", &(line.id, "clicked", Value::from(0_i32), 0_u32)).await.unwrap();
    }
}
