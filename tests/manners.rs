//! Desktop manners: notifications that lead somewhere, starting at login, a window that keeps its size, and what the
//! window may ask of the desktop.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use support::client::Client;
use support::company::{Company, text};
use support::display::{self, Bus, Display, Framed};
use support::notifications::Notifications;
use support::processes::Kept;
use support::program::{browser_engines, client_of, on_desktop};
use support::window::Window;
use support::{Place, desktop, eventually};

const SOON: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Value {
    json!({ "command": "/bin/sh", "args": ["-c", script] })
}

/// Asks the operator something on the issue, as an agent does.
async fn ask(client: &Client, issue: &Value, title: &str) {
    let questions = json!([{ "id": "q", "prompt": "Which?", "selectionMode": "single", "required": true,
        "options": [{ "id": "a", "label": "A" }, { "id": "b", "label": "B" }] }]);
    let card = json!({ "kind": "ask_user_questions", "title": title,
        "payload": { "version": 1, "questions": questions } });
    client.post(&format!("/api/issues/{}/interactions", text(&issue["identifier"])), card).await;
}

async fn the_window(display: &Display) -> Framed {
    eventually("the window", SOON, async || {
        display::windows(&display.name).into_iter().find(|w| w.title == "Paperclip Desktop")
    })
    .await
}

/// Gives the window a size until it has kept it for a moment: one that is still being made takes its first size last.
async fn resize(display: &Display, window: u32, size: (u16, u16)) {
    eventually(&format!("the window to take {size:?}"), SOON, async || {
        display::resize(&display.name, window, size);
        tokio::time::sleep(Duration::from_millis(600)).await;
        display::windows(&display.name).iter().any(|w| w.size == size).then_some(())
    })
    .await;
}

#[tokio::test]
async fn with_the_window_closed_a_decision_is_told_and_a_click_opens_it() {
    let place = Place::new("manners-decision");
    let (display, bus) = (Display::start(), Bus::start(&place));
    let desk = Notifications::offer(&bus.address).await;
    let _program = on_desktop(&place, &display, &bus, &["--minimized"]);
    let client = client_of(&place).await;

    // What is neither a decision nor a failure is told to nobody.
    let company = Company::found(&client, "process", shell("echo done")).await;
    let issue = company.issue(&client, "Choose the colour").await;
    client.until(&company.runs(), SOON, |runs| runs[0]["status"] == "succeeded").await;
    let path = format!("/api/issues/{}", text(&issue["identifier"]));
    client.post(&format!("{path}/comments"), json!({ "body": "How far is it?" })).await;

    ask(&client, &issue, "Is <b>5 < 6</b> & why?").await;
    let shown = desk.after(1, SOON).await;
    assert_eq!(shown.title, format!("{} waits for your decision", text(&issue["identifier"])));
    assert_eq!(shown.body, "Is &lt;b&gt;5 &lt; 6&lt;/b&gt; &amp; why?", "what agents write is no markup");
    assert_eq!(shown.icon, "dev.paperclip.desktop");
    assert_eq!(shown.actions, ["default", ""], "a click on it is reported");
    assert_eq!(desk.shown().len(), 1, "{:#?}", desk.shown());

    assert_eq!(browser_engines(&place), 0, "no window was asked for");
    let before = client.get("/api/changes").await["cursor"].clone();
    desk.click(shown.id).await;
    eventually("the window", SOON, async || (browser_engines(&place) == 1).then_some(())).await;
    // Opening the issue's page marks it as read; no other page does.
    let read = |page: &Value| {
        let changes = page["changes"].as_array().unwrap();
        changes.iter().any(|c| c["kind"] == "read_state" && c["entityId"] == issue["id"])
    };
    client.until(&format!("/api/changes?after={before}"), SOON, read).await;
}

#[tokio::test]
async fn a_failure_is_told_to_who_looks_away_and_wants_it_and_a_click_leads_the_window_there() {
    let place = Place::new("manners-failure");
    let window = Window::open(&place).await;
    let desk = Notifications::offer(&window.bus.address).await;
    window.find("onboarding").await;
    let client = client_of(&place).await;
    // A command that is not there is not tried again: the issue is the operator's at once.
    let company = Company::found(&client, "process", json!({ "command": "no-such-command-here" })).await;
    let fail = async |title: &str, told: bool| {
        let setting = json!({ "notifications": told });
        client.send(Method::PATCH, "/api/instance/settings/general", Some(&setting)).await;
        let issue = company.issue(&client, title).await;
        let path = format!("/api/issues/{}/recovery-actions", text(&issue["identifier"]));
        let open = client.until(&path, SOON, |r| r["active"]["ownerType"] == "board").await;
        (issue, text(&open["active"]["id"]))
    };
    // The shell comes to a failure a moment after it can be read, and goes by what is so then.
    let untold = async |id: &str, because: &str| {
        let said = format!("not notified about=\"{id}\" because=\"{because}\"");
        eventually(&said, SOON, async || place.log().contains(&said).then_some(())).await;
    };
    let (_, seen) = fail("Seen by whoever looks at the window", true).await;
    untold(&seen, "the window is looked at").await;
    display::take_focus_away(&window.display.name);
    let (_, off) = fail("Told to nobody", false).await;
    untold(&off, "notifications are off").await;
    let (issue, _) = fail("Told", true).await;
    let shown = desk.after(1, SOON).await;
    assert_eq!(shown.title, format!("{} needs you", text(&issue["identifier"])));
    assert!(shown.body.contains("no-such-command-here"), "{}", shown.body);
    desk.click(shown.id).await;
    let expected = format!("/ACM/issues/{}", text(&issue["identifier"]));
    eventually("the issue's page", SOON, async || {
        let url = window.page.current_url().await.ok()?;
        (url.path() == expected).then_some(())
    })
    .await;
    window.select("[data-testid=outlook][data-state=recovering]").await;
    assert_eq!(desk.shown().len(), 1, "{:#?}", desk.shown());
    window.picture(&place, "needs-you.png").await;
    window.close().await;
}

#[tokio::test]
async fn starting_at_login_is_an_entry_that_names_the_program_and_its_folder() {
    let place = Place::new("manners-login");
    let (display, bus) = (Display::start(), Bus::start(&place));
    let mut program = on_desktop(&place, &display, &bus, &["--minimized"]);
    let client = client_of(&place).await;
    let folder = place.path().join("home/config/autostart");
    let entry = || {
        let mut entries = std::fs::read_dir(&folder).into_iter().flatten();
        entries.next().map(|e| e.unwrap().path())
    };
    let set = async |wanted: bool| {
        let change = json!({ "startAtLogin": wanted });
        let (status, answer) =
            client.send(Method::PATCH, "/api/instance/settings/general", Some(&change)).await;
        assert!(status.is_success(), "{answer}");
    };
    assert_eq!(entry(), None, "nobody asked for it");

    set(true).await;
    let file = eventually("the entry", SOON, async || entry()).await;
    assert_eq!(file.extension().unwrap(), "desktop");
    let line =
        format!(r#"Exec="{}" "--minimized" "--data-dir" "{}""#, desktop().display(), place.data().display());
    let said = std::fs::read_to_string(&file).unwrap();
    assert!(said.starts_with("[Desktop Entry]\nType=Application\n"), "{said}");
    assert!(said.lines().any(|l| l == line), "{said}\n{line}");

    // The program has moved since: the next start mends the entry.
    program.signal(Signal::TERM);
    assert!(program.ended(SOON).await.success());
    std::fs::write(&file, said.replace("paperclip-desktop\" ", "elsewhere\" ")).unwrap();
    std::fs::remove_file(place.data().join("server.json")).ok();
    let _program = on_desktop(&place, &display, &bus, &["--minimized"]);
    let client = client_of(&place).await;
    eventually("the mended entry", SOON, async || {
        (std::fs::read_to_string(&file).ok()? == said).then_some(())
    })
    .await;

    let change = json!({ "startAtLogin": false });
    client.send(Method::PATCH, "/api/instance/settings/general", Some(&change)).await;
    eventually("the entry to be gone", SOON, async || entry().is_none().then_some(())).await;
}

#[tokio::test]
async fn the_window_keeps_its_size_whether_it_is_closed_or_the_program_quits() {
    let place = Place::new("manners-size");
    let (display, bus) = (Display::start(), Bus::start(&place));
    let sized = async |size: (u16, u16)| {
        eventually(&format!("a window of {size:?}"), SOON, async || {
            display::windows(&display.name).into_iter().find(|w| w.size == size)
        })
        .await
    };
    let ended = async |mut program: Kept| {
        program.signal(Signal::TERM);
        assert!(program.ended(SOON).await.success());
    };

    let program = on_desktop(&place, &display, &bus, &[]);
    let window = the_window(&display).await;
    assert_eq!(window.size, (1280, 800), "the first size");
    assert!(window.class.contains("paperclip-desktop"), "the desktop file goes by it: {window:?}");
    resize(&display, window.id, (1111, 777)).await;
    ended(program).await;

    let program = on_desktop(&place, &display, &bus, &[]);
    let window = sized((1111, 777)).await;
    resize(&display, window.id, (1000, 700)).await;
    eventually("the window to be closed", SOON, async || {
        display::press_close_buttons(&display.name);
        tokio::time::sleep(Duration::from_millis(200)).await;
        display::windows(&display.name).is_empty().then_some(())
    })
    .await;
    ended(program).await;

    let program = on_desktop(&place, &display, &bus, &[]);
    sized((1000, 700)).await;
    ended(program).await;
}

#[tokio::test]
async fn links_are_opened_outside_when_they_lead_to_pages_and_mail_and_never_otherwise() {
    let place = Place::new("manners-links");
    // The desktop's own opener, as far as the program sees it.
    let bin = place.path().join("bin");
    let opened = place.path().join("opened");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join("xdg-open"), format!("#!/bin/sh\necho \"$*\" >>{}\n", opened.display())).unwrap();
    std::fs::set_permissions(bin.join("xdg-open"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let path = std::env::join_paths(
        std::iter::once(bin).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let window = Window::open_with(&place, |command| {
        command.env("PATH", path);
    })
    .await;
    window.find("onboarding").await;
    let client = client_of(&place).await;
    let company = Company::found(&client, "process", shell("echo done")).await;
    let issue = company.issue(&client, "Links").await;
    let path = format!("/api/issues/{}", text(&issue["identifier"]));
    let links = "[page](https://example.org/a?b=1&c=2#d) [mail](mailto:someone@example.org) \
                 [file](file:///etc/passwd) [script](javascript:alert(1)) [editor](vscode://x)";
    client.post(&format!("{path}/comments"), json!({ "body": links })).await;

    window.lead(&format!("/ACM/issues/{}", text(&issue["identifier"]))).await;
    let lines = || std::fs::read_to_string(&opened).unwrap_or_default();
    let until = async |wanted: &str| {
        eventually(&format!("{wanted:?} to be opened"), SOON, async || (lines() == wanted).then_some(()))
            .await;
    };
    window.click_on("[data-testid=comment] a[href^='https:']").await;
    until("https://example.org/a?b=1&c=2#d\n").await;
    window.click_on("[data-testid=comment] a[href^='mailto:']").await;
    let both = "https://example.org/a?b=1&c=2#d\nmailto:someone@example.org\n";
    until(both).await;
    let dead =
        window.page.find_all(fantoccini::Locator::Css("[data-testid=comment] .dead-link")).await.unwrap();
    assert_eq!(dead.len(), 3, "the others are words");
    for word in dead {
        word.click().await.unwrap();
    }

    // The page could be wrong; the door behind it refuses by itself.
    for url in
        ["file:///etc/passwd", "javascript:alert(1)", "vscode://x", "/etc/passwd", "-h", "https://", ""]
    {
        let refusal = window.invoke("open_link", json!({ "url": url })).await.unwrap_err();
        assert_eq!(refusal["code"], "validation_error", "{url}: {refusal}");
    }
    window.invoke("open_link", json!({ "url": "http://127.0.0.1:9/" })).await.unwrap();
    until(&format!("{both}http://127.0.0.1:9/\n")).await;
    window.close().await;
}

#[tokio::test]
async fn a_folder_dialog_that_is_closed_chooses_nothing() {
    let place = Place::new("manners-folder");
    let window = Window::open(&place).await;
    window.find("onboarding").await;
    let script = "window.picked = 'asked'; \
                  __TAURI_INTERNALS__.invoke('pick_folder', {}).then(a => window.picked = { answer: a }, \
                  e => window.picked = { error: e });";
    window.page.execute(script, Vec::new()).await.unwrap();
    let dialog = eventually("the dialog", SOON, async || {
        display::windows(&window.display.name).into_iter().find(|w| w.title != "Paperclip Desktop")
    })
    .await;
    // Pressed again until it is heard: a dialog that is still being made has no ear yet.
    let picked = eventually("the dialog to be closed", SOON, async || {
        display::press_close_button(&window.display.name, dialog.id);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let picked = window.page.execute("return window.picked", Vec::new()).await.unwrap();
        (picked != json!("asked")).then_some(picked)
    })
    .await;
    assert_eq!(picked, json!({ "answer": null }));
    assert!(display::windows(&window.display.name).iter().any(|w| w.title == "Paperclip Desktop"));
    window.close().await;
}
