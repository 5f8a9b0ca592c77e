//! Every page of the window in both themes and two sizes, and what a person does on them: with the pointer and with
//! the keys.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::Duration;

use fantoccini::actions::{
    InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use serde_json::{Value, json};
use support::client::Client;
use support::company::{Company, text};
use support::program::client_of;
use support::window::Window;
use support::{Place, eventually};

const PATIENCE: Duration = Duration::from_secs(20);

/// A company with something on every page: agents of which one is gone, a tree of issues, a run that failed, a project,
/// a label, a goal.
struct Scene {
    company: Company,
    root: Value,
    run: String,
    project: String,
}

impl Scene {
    async fn build(client: &Client) -> Self {
        let company = Company::found(client, "process", json!({ "command": "/bin/false" })).await;
        let path = |what: &str| format!("/api/companies/{}/{what}", company.id);
        let gone =
            json!({ "name": "Grace", "adapterType": "process", "adapterConfig": { "command": "/bin/true" } });
        let gone = client.post(&path("agents"), gone).await;
        client.post(&format!("/api/agents/{}/terminate", text(&gone["id"])), json!({})).await;
        let project = json!({ "name": "Website", "description": "What customers see first." });
        let project = text(&client.post(&path("projects"), project).await["id"]);
        let label = client.post(&path("labels"), json!({ "name": "bug", "color": "#d4629b" })).await;
        client.post(&path("goals"), json!({ "title": "A thousand customers", "level": "company" })).await;
        let deploy = company.issue(client, "Deploy the landing page").await;
        let runs = format!("/api/issues/{}/runs", text(&deploy["id"]));
        let failed = |v: &Value| {
            let of = v.as_array()?.iter().find(|r| r["status"] == "failed")?;
            Some(text(&of["id"]))
        };
        let run = failed(&client.until(&runs, PATIENCE, |v| failed(v).is_some()).await).unwrap();
        let root = json!({ "title": "Relaunch", "projectId": project, "labelIds": [label["id"]], "status": "todo",
                           "description": "## Why\n\nThe old page is slow.\n\n- measure\n- mend" });
        let root = client.post(&path("issues"), root).await;
        for (title, status, priority) in [
            ("Measure the old page", "done", "low"),
            ("Draw the new one", "in_review", "high"),
            ("Write its words", "backlog", "medium"),
            ("Choose a typeface that is legible on every screen that our customers use", "todo", "critical"),
        ] {
            let issue =
                json!({ "title": title, "status": status, "priority": priority, "parentId": root["id"] });
            client.post(&path("issues"), issue).await;
        }
        Self { company, root, run, project }
    }

    fn key(&self) -> String {
        text(&self.root["identifier"])
    }

    /// Each page with what shows that it is there.
    fn pages(&self) -> Vec<(&'static str, String, &'static str)> {
        let run = &self.run;
        vec![
            ("dashboard", "/dashboard".into(), ".tiles .tile"),
            ("waiting", "/waiting".into(), ".page-body"),
            ("issues", "/issues?view=list".into(), "[data-testid=issue-row]"),
            ("board", "/issues?view=board".into(), "[data-testid=issue-card]"),
            ("issue", format!("/issues/{}", self.key()), "[data-testid=issue-title]"),
            ("agents", "/agents/all".into(), "[data-testid=agent-row]"),
            ("agents-terminated", "/agents/terminated".into(), "[data-testid=agent-row][data-name=Grace]"),
            ("agent", "/agents/ada/overview".into(), ".agent-head"),
            ("agent-runs", "/agents/ada/runs".into(), "[data-testid=run-row]"),
            ("agent-configuration", "/agents/ada/configuration".into(), "[data-testid=agent-adapter]"),
            ("agent-instructions", "/agents/ada/instructions".into(), ".editor"),
            ("agent-gone", "/agents/grace/overview".into(), ".agent-head"),
            ("agent-new", "/agents/new".into(), "[data-testid=agent-new-name]"),
            ("run", format!("/runs/{run}"), "[data-testid=run-state]"),
            ("projects", "/projects".into(), "[data-testid=project-row]"),
            ("project", format!("/projects/{}", self.project), "[data-testid=project-name]"),
            ("goals", "/goals".into(), "[data-testid=goal-row]"),
            ("activity", "/activity".into(), ".flat-list .line-item"),
            ("company", "/company/settings".into(), "[data-testid=company-status]"),
            ("settings", "/settings".into(), "[data-testid=settings-theme-dark]"),
            ("nothing", "/nothing/here".into(), ".empty"),
        ]
    }
}

async fn open(name: &str) -> (Place, Window, Client, Scene) {
    let place = Place::new(name);
    let window = Window::open(&place).await;
    window.select("body").await;
    let client = client_of(&place).await;
    let scene = Scene::build(&client).await;
    (place, window, client, scene)
}

/// What the page would scroll sideways for, which it never should.
async fn assert_nothing_sticks_out(window: &Window, page: &str) {
    let script = "return [document.documentElement, ...document.querySelectorAll('.page, .page-body, .issue-main, \
                  .panel, .sidebar')].filter(e => e.scrollWidth > e.clientWidth + 1) \
                  .map(e => `${e.className || e.tagName}: ${e.scrollWidth} of ${e.clientWidth}`)";
    let out = window.page.execute(script, Vec::new()).await.unwrap();
    assert_eq!(out, json!([]), "{page}: these stick out of the window");
}

#[tokio::test]
async fn every_page_is_there_in_both_themes_and_sizes() {
    let (place, window, _client, scene) = open("pages").await;
    for (theme, size) in
        [("dark", (1280, 800)), ("light", (1920, 1080)), ("dark", (1920, 1080)), ("light", (1280, 800))]
    {
        window.page.set_window_size(size.0, size.1).await.unwrap();
        window.lead("/settings").await;
        window.click(&format!("settings-theme-{theme}")).await;
        window.select(&format!("html[data-theme={theme}]")).await;
        for (name, path, mark) in scene.pages() {
            window.lead(&path).await;
            window.select(mark).await;
            // What follows from a first answer comes a moment later; the pictures are for people.
            tokio::time::sleep(Duration::from_millis(250)).await;
            assert_nothing_sticks_out(&window, name).await;
            window.picture(&place, &format!("{theme}-{}-{name}.png", size.0)).await;
        }
    }
    window.close().await;
}

/// Waits for an element that has this text in it.
async fn reads(window: &Window, css: &str, wanted: &str) {
    eventually(&format!("{css} to read {wanted:?}"), PATIENCE, async || {
        let element = window.page.find(fantoccini::Locator::Css(css)).await.ok()?;
        // Also what is cut off at the end of its line, which the driver does not count as text.
        element.prop("textContent").await.ok()??.contains(wanted).then_some(())
    })
    .await;
}

async fn press(window: &Window, keys: &[(&str, bool)]) {
    let mut actions = KeyActions::new("keys".to_owned());
    for (key, shift) in keys {
        let value = match *key {
            "Right" => Key::Right.into(),
            "Enter" => Key::Enter.into(),
            "Escape" => Key::Escape.into(),
            k => k.chars().next().unwrap(),
        };
        if *shift {
            actions = actions.then(KeyAction::Down { value: Key::Shift.into() });
        }
        actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        if *shift {
            actions = actions.then(KeyAction::Up { value: Key::Shift.into() });
        }
    }
    window.page.perform_actions(actions).await.unwrap();
}

/// Drags one element onto another, as a hand would.
async fn drag(window: &Window, from: &Element, to: &Element) {
    let middle = |(x, y, w, h): (f64, f64, f64, f64)| ((x + w / 2.0), (y + h.min(300.0) / 2.0));
    let (fx, fy) = middle(from.rectangle().await.unwrap());
    let (tx, ty) = middle(to.rectangle().await.unwrap());
    let glide = |x: f64, y: f64| PointerAction::MoveTo {
        duration: Some(Duration::from_millis(120)),
        x: x.round(),
        y: y.round(),
    };
    let actions = MouseActions::new("mouse".to_owned())
        .then(glide(fx, fy))
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(glide((fx + tx) / 2.0, (fy + ty) / 2.0))
        .then(glide(tx, ty))
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    window.page.perform_actions(actions).await.unwrap();
}

async fn pick(window: &Window, value: &str) {
    let item = window.select(&format!("[data-testid=menu-item][data-value='{value}']")).await;
    item.click().await.unwrap();
}

#[tokio::test]
async fn cards_are_moved_by_hand_and_by_keys_and_land_where_they_were_put() {
    let (place, window, client, scene) = open("pages-board").await;
    window.page.set_window_size(1920, 1080).await.unwrap();
    window.lead("/issues?view=board").await;
    let key = scene.key();
    let card = window.select(&format!("[data-identifier={key}]")).await;
    let column = window.select("[data-column=in_review]").await;
    drag(&window, &card, &column).await;
    let there = |status: &str| format!("[data-column={status}] [data-identifier={key}]");
    window.select(&there("in_review")).await;
    let issue = format!("/api/issues/{}", text(&scene.root["id"]));
    client.until(&issue, PATIENCE, |i| i["status"] == "in_review").await;
    window.picture(&place, "dragged.png").await;

    // The same without a hand: to the first card, along the columns to it, and it goes one further.
    press(&window, &[("j", false)]).await;
    let at = |status: &str| format!("[data-column={status}] .card.at");
    for _ in 0..8 {
        if window.page.find(fantoccini::Locator::Css(&at("in_review"))).await.is_ok() {
            break;
        }
        press(&window, &[("Right", false)]).await;
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    let chosen = window.select(&at("in_review")).await.attr("data-identifier").await.unwrap().unwrap();
    press(&window, &[("Right", true)]).await;
    window.select(&format!("[data-column=blocked] [data-identifier={chosen}]")).await;
    window.close().await;
}

#[tokio::test]
async fn lists_are_filtered_searched_and_kept_as_views() {
    let (place, window, _client, scene) = open("pages-filters").await;
    window.lead("/issues").await;
    let rows = async || {
        // Counted by the page itself: rows come and go while one looks.
        let count = "return document.querySelectorAll('[data-testid=issue-row]').length";
        window.page.execute(count, Vec::new()).await.unwrap().as_u64().unwrap()
    };
    window.select("[data-testid=issue-row]").await;
    window.click("issue-filter").await;
    pick(&window, "project").await;
    window.select(&format!("[data-testid=menu-item][data-value='{}']", scene.project)).await;
    window.picture(&place, "filtering.png").await;
    pick(&window, &scene.project).await;
    eventually("one issue of the project", PATIENCE, async || (rows().await == 1).then_some(())).await;
    reads(&window, ".toolbar", "Website").await;
    // The one group that is left says what it is.
    reads(&window, ".group-head", "Todo").await;
    window.picture(&place, "filtered.png").await;
    // Kept under a name, left, and found again.
    window.click("saved-views").await;
    window.find("menu-filter").await.send_keys("The website\u{E007}").await.unwrap();
    window.select("[data-testid=toast]").await;
    window.click_on(".filter-drop").await;
    eventually("all issues", PATIENCE, async || (rows().await > 3).then_some(())).await;
    window.click("saved-views").await;
    pick(&window, "The website").await;
    eventually("the view", PATIENCE, async || (rows().await == 1).then_some(())).await;
    window.click_on(".filter-drop").await;
    eventually("all issues again", PATIENCE, async || (rows().await > 3).then_some(())).await;
    window.fill("issue-search", "typeface").await;
    eventually("the match", PATIENCE, async || (rows().await == 1).then_some(())).await;
    window.close().await;
}

#[tokio::test]
async fn an_issue_is_changed_where_it_stands_and_its_tree_is_paused_and_resumed() {
    let (place, window, client, scene) = open("pages-issue").await;
    let id = text(&scene.root["id"]);
    window.lead(&format!("/issues/{}", scene.key())).await;
    // Its title, by typing over it.
    let title = window.find("issue-title").await;
    title.click().await.unwrap();
    let script = "const el = document.querySelector('[data-testid=issue-title]'); el.focus(); \
                  if (el.select) el.select(); else getSelection().selectAllChildren(el);";
    window.page.execute(script, Vec::new()).await.unwrap();
    window.find("issue-title").await.send_keys("Relaunch, at last\u{E007}").await.unwrap();
    client.until(&format!("/api/issues/{id}"), PATIENCE, |i| i["title"] == "Relaunch, at last").await;
    // Its work mode and its priority, from menus.
    window.click("issue-work-mode").await;
    pick(&window, "planning").await;
    client.until(&format!("/api/issues/{id}"), PATIENCE, |i| i["workMode"] == "planning").await;
    window.page.execute("document.activeElement.blur()", Vec::new()).await.unwrap();
    press(&window, &[("p", false)]).await;
    pick(&window, "critical").await;
    client.until(&format!("/api/issues/{id}"), PATIENCE, |i| i["priority"] == "critical").await;
    // The whole tree stands still, says so, and goes on.
    window.click("issue-more").await;
    pick(&window, "pause").await;
    window.select("[data-testid=tree-preview] .tree-issue").await;
    window.picture(&place, "pause.png").await;
    window.click("tree-go").await;
    window.select("[data-testid=outlook][data-state=held]").await;
    window.picture(&place, "paused.png").await;
    window.click("outlook-action").await;
    let state = format!("/api/issues/{id}/tree-control/state");
    client.until(&state, PATIENCE, |s| s["activePauseHold"].is_null()).await;
    window.close().await;
}

#[tokio::test]
async fn who_waits_for_what_nothing_moves_is_led_there_and_help_is_asked_for() {
    let (place, window, client, scene) = open("pages-halts").await;
    let issues = format!("/api/companies/{}/issues", scene.company.id);
    let ground = client.post(&issues, json!({ "title": "Choose where it is hosted" })).await;
    let waits = json!({ "title": "Move the site", "status": "blocked", "assigneeAgentId": scene.company.agent,
                        "blockedByIssueIds": [ground["id"]] });
    let waits = client.post(&issues, waits).await;
    let (key, hangs) = (text(&waits["identifier"]), text(&ground["identifier"]));
    window.lead(&format!("/issues/{key}")).await;
    reads(&window, "[data-testid=outlook][data-state=stalled]", "nobody is assigned").await;
    window.picture(&place, "hangs.png").await;
    window.click("outlook-action").await;
    reads(&window, ".page", &hangs).await;

    window.lead("/settings").await;
    reads(&window, "[data-testid=halt]", &key).await;
    window.click("settings-unblock").await;
    let settings = "/api/instance/settings/experimental";
    client.until(settings, PATIENCE, |s| s["enableIssueGraphLivenessAutoRecovery"] == true).await;
    // The switch shows what is set.
    window.select("[data-testid=settings-unblock]:checked").await;
    window.click("settings-unblock-now").await;
    let asks = format!("{issues}?originKind=harness_liveness_escalation");
    let asked = client.until(&asks, PATIENCE, |all| !all[0].is_null()).await;
    assert_eq!(asked[0]["parentId"], ground["id"], "{hangs}");
    window.select("[data-testid=toast]").await;
    window.picture(&place, "help.png").await;
    window.close().await;
}

#[tokio::test]
async fn a_company_a_project_and_an_agent_are_changed_in_the_window() {
    let (place, window, client, scene) = open("pages-settings").await;
    let company = format!("/api/companies/{}", scene.company.id);
    window.lead("/company/settings").await;
    window.fill("company-name", "Acme & Daughters").await;
    window.click("company-save").await;
    client.until(&company, PATIENCE, |c| c["name"] == "Acme & Daughters").await;
    reads(&window, "[data-testid=nav-company]", "Acme & Daughters").await;
    window.click("company-pause").await;
    window.select("[data-testid=company-status][data-status=paused]").await;
    reads(&window, ".side-foot", "This company is paused").await;
    window.picture(&place, "company-paused.png").await;
    window.click("company-resume").await;
    window.select("[data-testid=company-status][data-status=active]").await;
    window.click("company-archive").await;
    window.click("confirm-yes").await;
    window.select("[data-testid=company-status][data-status=archived]").await;
    window.click("company-resume").await;
    client.until(&company, PATIENCE, |c| c["status"] == "active").await;
    // A label is taken off everything.
    window.click_on("[data-testid=label-line] button").await;
    window.click("confirm-yes").await;
    client.until(&format!("{company}/labels"), PATIENCE, |l| *l == json!([])).await;

    let project = format!("/api/projects/{}", scene.project);
    window.lead(&format!("/projects/{}", scene.project)).await;
    window.fill("project-name", "Shop").await;
    window.click("project-save").await;
    client.until(&project, PATIENCE, |p| p["name"] == "Shop").await;
    window.click("project-status").await;
    pick(&window, "in_progress").await;
    client.until(&project, PATIENCE, |p| p["status"] == "in_progress").await;
    window.click("project-archive").await;
    window.find("project-reopen").await;
    let late = json!({ "title": "Too late", "projectId": scene.project });
    let (status, _) = client.send(reqwest::Method::POST, &format!("{company}/issues"), Some(&late)).await;
    assert_eq!(status, 422, "an archived project takes no new issue");
    window.click("project-reopen").await;
    client.until(&project, PATIENCE, |p| p["archivedAt"].is_null()).await;

    window.lead("/agents/ada/configuration").await;
    window.click("agent-may-hire").await;
    let agent = format!("/api/agents/{}", scene.company.agent);
    client.until(&agent, PATIENCE, |a| a["permissions"]["canCreateAgents"] == true).await;
    // Who is gone keeps their name in what is past.
    window.lead("/agents/grace/overview").await;
    reads(&window, ".agent-head", "Terminated").await;
    window.close().await;
}

#[tokio::test]
async fn onboarding_lets_nobody_on_whose_agent_could_not_work_and_leads_back() {
    let place = Place::new("pages-onboarding");
    let window = Window::open(&place).await;
    window.fill("onboarding-company-name", "Nordwind").await;
    window.click("onboarding-next").await;
    window.click("onboarding-adapter-process").await;
    window.find("onboarding-lacks").await;
    let next = window.find("onboarding-next").await;
    assert_eq!(next.attr("disabled").await.unwrap().as_deref(), Some("true"), "it has no command");
    window.picture(&place, "no-command.png").await;
    window.fill("onboarding-command", "/bin/true").await;
    // Back, to mend the name; there is one company and one agent all the same.
    window.click("onboarding-back").await;
    window.fill("onboarding-company-name", "Northwind").await;
    window.click("onboarding-next").await;
    window.click("onboarding-adapter-demo").await;
    window.click("onboarding-next").await;
    window.find("onboarding-create-issue").await;
    window.click("onboarding-back").await;
    window.fill("onboarding-agent-name", "Mary").await;
    window.click("onboarding-next").await;
    window.find("onboarding-create-issue").await;
    let client = client_of(&place).await;
    let companies = client.get("/api/companies").await;
    assert_eq!(companies.as_array().unwrap().len(), 1);
    assert_eq!(companies[0]["name"], "Northwind");
    let agents = client.get(&format!("/api/companies/{}/agents", text(&companies[0]["id"]))).await;
    assert_eq!(agents.as_array().unwrap().len(), 1);
    assert_eq!(agents[0]["name"], "Mary");
    window.close().await;
}
