//! The program's real window, driven by WebDriver.

use std::process::{Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::display::{Bus, Display};
use super::processes::Kept;
use super::{Place, desktop, eventually};

/// Time for the page to come to show something.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Window {
    pub page: fantoccini::Client,
    pub display: Display,
    pub bus: Bus,
    _driver: Kept,
}

impl Window {
    /// Starts the program with a display and a bus of its own, and takes hold of its window.
    pub async fn open(place: &Place) -> Self {
        Self::open_with(place, |_| {}).await
    }

    /// The same, in an environment that `change` has changed.
    pub async fn open_with(place: &Place, change: impl FnOnce(&mut Command)) -> Self {
        let display = Display::start();
        let bus = Bus::start(place);
        let port = free_port();
        let mut command = Command::new("WebKitWebDriver");
        place.settle(&mut command);
        let log = std::fs::File::create(place.artifact("window.log")).unwrap();
        command
            .arg(format!("--port={port}"))
            .env("DISPLAY", &display.name)
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .stdout(Stdio::null())
            .stderr(log);
        change(&mut command);
        let driver = Kept(command.spawn().expect("WebKitWebDriver is installed"));
        let mut wanted = Capabilities::new();
        let args = ["--port", "0", "--data-dir", &place.data().to_string_lossy()].map(str::to_owned);
        wanted.insert("webkitgtk:browserOptions".into(), json!({ "binary": desktop(), "args": args }));
        let page = eventually("the window", Duration::from_secs(40), async || {
            ClientBuilder::new(HttpConnector::new())
                .capabilities(wanted.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await
                .ok()
        })
        .await;
        Self { page, display, bus, _driver: driver }
    }

    /// The element with this test id, once it is shown.
    pub async fn find(&self, id: &str) -> Element {
        self.select(&format!("[data-testid={id}]")).await
    }

    pub async fn select(&self, css: &str) -> Element {
        match self.page.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("{css} was never shown ({error}); the page:\n{}", self.text().await),
        }
    }

    /// Clicks the element with this test id once it takes a click. As a person would, it is scrolled to first, away
    /// from the edges where something may lie over it.
    pub async fn click(&self, id: &str) {
        self.click_on(&format!("[data-testid={id}]")).await;
    }

    /// The same with any selector.
    pub async fn click_on(&self, css: &str) {
        let script = "arguments[0].scrollIntoView({ block: 'center' })";
        eventually(&format!("{css} to take a click"), PATIENCE, async || {
            let element = self.select(css).await;
            self.page.execute(script, vec![serde_json::to_value(&element).ok()?]).await.ok()?;
            element.click().await.ok()
        })
        .await;
    }

    pub async fn fill(&self, id: &str, text: &str) {
        let element = self.find(id).await;
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    pub async fn has(&self, id: &str) -> bool {
        self.page.find(Locator::Css(&format!("[data-testid={id}]"))).await.is_ok()
    }

    /// What the page says.
    pub async fn text(&self) -> String {
        match self.page.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }

    pub async fn picture(&self, place: &Place, name: &str) {
        let shot = tokio::time::timeout(PATIENCE, self.page.screenshot()).await;
        let png = shot.expect("the engine paints").unwrap();
        std::fs::write(place.artifact(name), png).unwrap();
    }

    /// Leads the page to a path, as a link in it would.
    pub async fn lead(&self, path: &str) {
        let script =
            "history.pushState(null, '', arguments[0]); dispatchEvent(new PopStateEvent('popstate'));";
        self.page.execute(script, vec![json!(path)]).await.unwrap();
    }

    /// Calls a command of the IPC door from within the page: its answer, or why it refused.
    pub async fn invoke(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        let script = "const [command, args, done] = arguments; \
                      __TAURI_INTERNALS__.invoke(command, args).then(ok => done({ ok }), err => done({ err }));";
        let answer = self.page.execute_async(script, vec![json!(command), arguments]).await.unwrap();
        match answer.get("err") {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(answer["ok"].clone()),
        }
    }

    pub async fn close(self) {
        self.page.close().await.unwrap();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
