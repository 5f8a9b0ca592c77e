//! A new operator's first hour, in the program's real window: from onboarding to an issue that the demo agent finished.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use fantoccini::Locator;
use serde_json::{Value, json};
use support::Place;
use support::window::Window;

/// Time for the demo agent to do its work.
const WORK: Duration = Duration::from_secs(60);

async fn found_company(window: &Window, place: &Place, name: &str) {
    window.find("onboarding").await;
    window.fill("onboarding-company-name", name).await;
    window.picture(place, "1-company.png").await;
    window.click("onboarding-next").await;
    window.click("onboarding-adapter-demo").await;
    window.picture(place, "2-agent.png").await;
    window.click("onboarding-next").await;
    window.find("onboarding-create-issue").await;
    window.picture(place, "3-issue.png").await;
    window.click("onboarding-create-issue").await;
}

/// Answers whatever the agent asks until its issue is done.
async fn watch_it_finish(window: &Window, place: &Place) {
    window.select("[data-testid=interaction-card]").await;
    window.picture(place, "4-question.png").await;
    window.click("answer-option").await;
    window.click("answer-submit").await;
    let done = Locator::Css("[data-testid=issue-status][data-status=done]");
    if window.page.wait().at_most(WORK).for_element(done).await.is_err() {
        window.picture(place, "not-done.png").await;
        panic!("the issue was never done; the page:\n{}", window.text().await);
    }
    window.select("[data-testid=comment][data-author=agent]").await;
    window.select("[data-testid=document]").await;
    window.picture(place, "5-done.png").await;
}

/// Visits the pages of a company that has just done its first work.
async fn look_around(window: &Window, place: &Place) {
    for page in ["dashboard", "issues", "agents", "projects", "goals", "activity", "settings"] {
        window.click(&format!("nav-{page}")).await;
        if page == "issues" {
            window.select("[data-testid=issue-row][data-status=done]").await;
        }
        // A moment for what the page loads; the pictures are for people.
        tokio::time::sleep(Duration::from_millis(400)).await;
        window.picture(place, &format!("6-{page}.png")).await;
    }
}

async fn first_hour(name: &str, theme: &str, size: (u32, u32)) {
    let place = Place::new(&format!("window-{theme}"));
    let window = Window::open(&place).await;
    window.page.set_window_size(size.0, size.1).await.unwrap();
    let chosen = format!("document.documentElement.dataset.theme = '{theme}'");
    window.page.execute(&chosen, Vec::new()).await.unwrap();
    found_company(&window, &place, name).await;
    watch_it_finish(&window, &place).await;

    count_fast_calls(&window).await;
    window.click("nav-settings").await;
    window.click(&format!("settings-theme-{theme}")).await;
    look_around(&window, &place).await;
    assert_calls_were_fast(&window).await;
    window.close().await;
}

/// Counts the calls that go over the protocol of the IPC door from now on.
async fn count_fast_calls(window: &Window) {
    let script = "window.fastCalls = 0; const plain = window.fetch; window.fetch = (to, ...rest) => { \
                  if (String(to).startsWith('ipc:')) window.fastCalls += 1; return plain(to, ...rest); };";
    window.page.execute(script, Vec::new()).await.unwrap();
}

/// Should the page's policy shut that protocol out, Tauri falls back to a way many times slower and says so nowhere
/// but in the console.
async fn assert_calls_were_fast(window: &Window) {
    let calls = window.page.execute("return window.fastCalls", Vec::new()).await.unwrap();
    assert!(calls.as_u64().is_some_and(|n| n > 0), "no call went over the IPC protocol: {calls}");
}

#[tokio::test]
async fn from_onboarding_to_a_finished_issue_in_the_dark() {
    first_hour("Northwind", "dark", (1280, 800)).await;
}

#[tokio::test]
async fn from_onboarding_to_a_finished_issue_in_the_light() {
    first_hour("Ødegård & Söhne", "light", (1920, 1080)).await;
}

/// Calls an operation as the page does: `{answer}` or `{error}`.
async fn call(window: &Window, name: &str, input: Value) -> Value {
    let script = "const [name, input, done] = arguments; \
                  window.__TAURI_INTERNALS__.invoke('call', { name, input }).then( \
                  bytes => done({ answer: JSON.parse(new TextDecoder().decode(bytes)) }), error => done({ error }));";
    window.page.execute_async(script, vec![name.into(), input]).await.unwrap()
}

#[tokio::test]
async fn the_windows_door_names_bad_input_as_the_other_doors_do() {
    let place = Place::new("window-door");
    let window = Window::open(&place).await;
    window.select("body").await;
    let company = call(&window, "companies.create", json!({ "name": "Acme" })).await["answer"]["id"].clone();
    let with = |mut input: Value| {
        input["companyId"] = company.clone();
        input
    };
    for (name, input, code, word) in [
        ("issues.create", with(json!({ "title": "T", "titel": "U" })), "validation_error", "titel"),
        ("issues.create", with(json!({ "title": 7 })), "validation_error", "title"),
        ("issues.create", with(json!({ "title": "x".repeat(501) })), "validation_error", "too long"),
        ("issues.create", json!({ "title": "T" }), "validation_error", "companyId"),
        ("issues.get", json!({ "id": "ACM-9" }), "not_found", "Issue"),
        ("no.such.thing", json!({}), "not_found", "Operation"),
    ] {
        let refused = call(&window, name, input).await;
        assert_eq!(refused["error"]["code"], code, "{name}: {refused}");
        assert!(refused["error"]["error"].as_str().unwrap().contains(word), "{name}: {refused}");
    }
    assert_eq!(
        call(&window, "issues.list", with(json!({}))).await["answer"],
        json!([]),
        "nothing was written"
    );
    window.close().await;
}
