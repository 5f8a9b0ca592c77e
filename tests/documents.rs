//! Documents in the window: a plan that is written, annotated, revised, accepted and taken apart; and text that is
//! edited, overtaken, merged, compared and brought back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::time::{Duration, Instant};

use fantoccini::Locator;
use fantoccini::actions::{
    InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
};
use reqwest::Method;
use serde_json::{Value, json};
use support::client::Client;
use support::company::{Company, text};
use support::program::client_of;
use support::window::Window;
use support::{Place, eventually};

const SOON: Duration = Duration::from_secs(20);
/// Time for the demo agent to do its work.
const WORK: Duration = Duration::from_secs(60);

async fn open(name: &str) -> (Place, Window, Client) {
    let place = Place::new(name);
    let window = Window::open(&place).await;
    window.select("body").await;
    let client = client_of(&place).await;
    (place, window, client)
}

async fn script(window: &Window, script: &str, arguments: Vec<Value>) -> Value {
    window.page.execute(script, arguments).await.unwrap()
}

/// Selects words of the document with the pointer, as a hand would.
async fn select_words(window: &Window, words: &str) {
    let find = "const words = arguments[0], root = document.querySelector('.document-text'); \
        if (!root) return null; \
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), nodes = []; let all = ''; \
        for (let node; (node = walker.nextNode());) { nodes.push([all.length, node]); all += node.data; } \
        const at = all.indexOf(words); if (at < 0) return null; \
        const place = at => nodes.findLast(([from]) => from <= at); \
        const range = document.createRange(), first = place(at), last = place(at + words.length - 1); \
        range.setStart(first[1], at - first[0]); range.setEnd(last[1], at + words.length - last[0]); \
        first[1].parentElement.scrollIntoView({ block: 'center' }); \
        const rects = range.getClientRects(), a = rects[0], b = rects[rects.length - 1]; \
        return [a.left + 0.5, a.top + a.height / 2, b.right - 0.5, b.top + b.height / 2]";
    let rect = eventually(&format!("the words {words:?}"), SOON, async || {
        let rect = script(window, find, vec![json!(words)]).await;
        rect.is_array().then_some(rect)
    })
    .await;
    let at = |n: usize| rect[n].as_f64().unwrap();
    let glide = |x: f64, y: f64| PointerAction::MoveTo { duration: Some(Duration::from_millis(80)), x, y };
    let actions = MouseActions::new("mouse".to_owned())
        .then(glide(at(0), at(1)))
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(glide((at(0) + at(2)) / 2.0, at(1)))
        .then(glide(at(2), at(3)))
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    window.page.perform_actions(actions).await.unwrap();
    let selected = script(window, "return getSelection().toString()", Vec::new()).await;
    assert_eq!(text(&selected).trim(), words, "the pointer selects what it is drawn over");
}

async fn press(window: &Window, keys: &[char]) {
    let mut actions = KeyActions::new("keys".to_owned());
    for value in keys {
        actions = actions.then(KeyAction::Down { value: *value }).then(KeyAction::Up { value: *value });
    }
    window.page.perform_actions(actions).await.unwrap();
}

/// The words that are highlighted in a way, in the order of the page.
async fn highlighted(window: &Window, name: &str) -> Vec<String> {
    let all = "return [...(CSS.highlights.get(arguments[0]) || [])] \
        .sort((a, b) => a.compareBoundaryPoints(Range.START_TO_START, b)).map(String)";
    let all = script(window, all, vec![json!(name)]).await;
    all.as_array().unwrap().iter().map(text).collect()
}

async fn until_highlighted(window: &Window, name: &str, wanted: &[&str]) {
    eventually(&format!("{name} on {wanted:?}"), SOON, async || {
        (highlighted(window, name).await == wanted).then_some(())
    })
    .await;
}

async fn reads(window: &Window, css: &str, wanted: &str) {
    eventually(&format!("{css} to read {wanted:?}"), SOON, async || {
        let element = window.page.find(Locator::Css(css)).await.ok()?;
        element.prop("textContent").await.ok()??.contains(wanted).then_some(())
    })
    .await;
}

async fn write_note(window: &Window, words: &str) {
    // The field gives way to the editor once that is there.
    window.click("note").await;
    window.select(".cm-content[data-testid=note]").await.click().await.unwrap();
    window.select(".cm-content[data-testid=note]").await.send_keys(words).await.unwrap();
    window.click("note-send").await;
}

/// Draws the window in both themes and sizes.
async fn portrait(window: &Window, place: &Place, name: &str) {
    for (theme, size) in [("dark", (1280, 800)), ("light", (1920, 1080))] {
        window.page.set_window_size(size.0, size.1).await.unwrap();
        let set = "document.documentElement.dataset.theme = arguments[0]";
        script(window, set, vec![json!(theme)]).await;
        tokio::time::sleep(Duration::from_millis(350)).await;
        window.picture(place, &format!("{name}-{theme}.png")).await;
    }
}

#[tokio::test]
async fn a_plan_is_annotated_revised_accepted_and_becomes_issues_exactly_once() {
    let (place, window, client) = open("documents-plan").await;
    let company = Company::found(&client, "demo", json!({ "pace": 20 })).await;
    let issue = json!({ "title": "A new landing page", "description": "The old one is slow.", "status": "todo",
                        "workMode": "planning", "assigneeAgentId": company.agent });
    let issue = client.post(&format!("/api/companies/{}/issues", company.id), issue).await;
    let (id, key) = (text(&issue["id"]), text(&issue["identifier"]));
    let of = |what: &str| format!("/api/issues/{id}/{what}");
    let cards = of("interactions");
    client.until(&cards, WORK, |c| c[0]["status"] == "pending").await;

    // From the issue to the plan, where the decision waits.
    window.lead(&format!("/issues/{key}")).await;
    window.select("[data-testid=document][data-key=plan]").await;
    reads(&window, ".document-text", "Build the smallest thing").await;
    portrait(&window, &place, "1-issue").await;
    window.click("document-large").await;
    window.select("[data-testid=verdict][data-status=pending]").await;

    // Two comments on text that the pointer selects: by the button, and by the key.
    select_words(&window, "who uses it, and what must not break").await;
    window.find("annotate").await;
    portrait(&window, &place, "2-selected").await;
    select_words(&window, "who uses it, and what must not break").await;
    window.click("annotate").await;
    until_highlighted(&window, "note-draft", &["who uses it, and what must not break"]).await;
    write_note(&window, "Ask the support team first").await;
    until_highlighted(&window, "note", &["who uses it, and what must not break"]).await;
    select_words(&window, "Measure whether it is better").await;
    window.find("annotate").await;
    press(&window, &['a']).await;
    write_note(&window, "By the time to the first paint").await;
    let quotes = ["who uses it, and what must not break", "Measure whether it is better"];
    until_highlighted(&window, "note", &quotes).await;
    // The agent was woken by each and has read both.
    let threads = of("documents/plan/annotations?includeComments=true");
    let answered = |all: &Value| {
        let all = all.as_array().unwrap();
        all.len() == 2 && all.iter().all(|t| t["comments"].as_array().unwrap().len() == 2)
    };
    client.until(&threads, WORK, answered).await;
    window.select("[data-testid=thread-comment][data-author=agent]").await;
    portrait(&window, &place, "3-annotated").await;

    // Changes are asked for, with both comments.
    window.click("verdict-change").await;
    reads(&window, ".verdict", "2 open comments").await;
    portrait(&window, &place, "4-changes").await;
    write_note(&window, "Too vague to begin with").await;
    let declined = client.until(&cards, SOON, |c| c[0]["status"] == "rejected").await;
    let reason = text(&declined[0]["result"]["reason"]);
    for said in ["Too vague to begin with", "Ask the support team first", quotes[1]] {
        assert!(reason.contains(said), "{said:?} in {reason:?}");
    }
    client.until(&of("documents/plan"), WORK, |d| d["latestRevisionNumber"] == 2).await;
    client.until(&cards, WORK, |c| c[1]["status"] == "pending").await;
    // Both threads followed their words into the new revision.
    reads(&window, ".document-text", "As you asked: By the time to the first paint").await;
    until_highlighted(&window, "note", &quotes).await;
    portrait(&window, &place, "5-revised").await;
    let followed = client.get(&threads).await;
    for (thread, quote) in followed.as_array().unwrap().iter().zip(quotes) {
        assert_eq!(thread["anchorState"], "active", "{thread:#}");
        assert_eq!(thread["currentRevisionNumber"], 2);
        assert_eq!(thread["selectedText"], quote);
    }
    // One is settled by the keys, and the plan accepted.
    press(&window, &['k', 'd']).await;
    client.until(&threads, SOON, |t| t.as_array().unwrap().len() == 1).await;
    until_highlighted(&window, "note", &quotes[1..]).await;
    window.click("verdict-accept").await;
    let children = format!("/api/companies/{}/issues?parentId={id}", company.id);
    client.until(&children, WORK, |c| c.as_array().unwrap().len() == 4).await;
    client.until(&format!("/api/issues/{id}"), WORK, |i| i["status"] == "done").await;
    window.lead(&format!("/issues/{key}")).await;
    reads(&window, "[data-testid=decomposition]", "The plan became 4 issues").await;
    portrait(&window, &place, "6-became").await;
    // The same again is the same four.
    let accepted = client.get(&cards).await[1]["payload"]["target"]["revisionId"].clone();
    let path = of("accepted-plan-decompositions");
    let plans = client.get(&path).await;
    let body = json!({ "acceptedPlanRevisionId": accepted, "children": plans[0]["requestedChildren"] });
    let (status, answer) = client.send(Method::POST, &path, Some(&body)).await;
    assert!(status.is_success(), "{answer}");
    assert_eq!(answer["newlyCreatedChildIssueIds"], json!([]));
    assert_eq!(client.get(&children).await.as_array().unwrap().len(), 4);
    window.close().await;
}

/// An issue that nobody works on, with a document.
async fn with_document(client: &Client, body: &str) -> (String, String) {
    let company = Company::found(client, "process", json!({ "command": "/bin/true" })).await;
    let path = format!("/api/companies/{}/issues", company.id);
    let issue = client.post(&path, json!({ "title": "Think it over" })).await;
    let id = text(&issue["id"]);
    put(client, &id, "design", body, Value::Null).await;
    (id, text(&issue["identifier"]))
}

/// Writes a document and answers its newest revision.
async fn put(client: &Client, issue: &str, key: &str, body: &str, base: Value) -> Value {
    let path = format!("/api/issues/{issue}/documents/{key}");
    let mut edit = json!({ "format": "markdown", "body": body, "title": "Design" });
    if !base.is_null() {
        edit["baseRevisionId"] = base;
    }
    let (status, answer) = client.send(Method::PUT, &path, Some(&edit)).await;
    assert!(status.is_success(), "{answer}");
    answer["latestRevisionId"].clone()
}

/// The editor of a document: its text as lines.
const WRITTEN: &str = "[data-testid=document-editor] .cm-content, .cm-content[data-testid=document-editor]";

/// Writes other words in place of some in the editor.
async fn edit_document(window: &Window, words: &str, instead: &str) {
    window.select(WRITTEN).await;
    let change = "const [css, words, instead] = arguments, root = document.querySelector(css); root.focus(); \
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT); \
        for (let node; (node = walker.nextNode());) { \
          const at = node.data.indexOf(words); if (at < 0) continue; \
          getSelection().setBaseAndExtent(node, at, node, at + words.length); \
          return new Promise(done => setTimeout(() => done(document.execCommand('insertText', false, instead)), 100)); \
        } return false";
    let done = script(window, change, vec![json!(WRITTEN), json!(words), json!(instead)]).await;
    assert_eq!(done, json!(true), "{words} were written over");
}

/// What stands in the editor.
async fn written(window: &Window) -> String {
    window.select(WRITTEN).await;
    let read = "return [...document.querySelector(arguments[0]).querySelectorAll('.cm-line')] \
        .map(line => line.textContent).join('\\n')";
    text(&script(window, read, vec![json!(WRITTEN)]).await).to_owned()
}

const DESIGN: &str = "# Design\n\nThe page loads in two seconds.\n\n- One server\n- One cache\n\nThe end.\n";

#[tokio::test]
async fn nothing_that_is_typed_is_lost_and_two_edits_are_merged_or_left_to_choose() {
    let (place, window, client) = open("documents-edit").await;
    let (id, key) = with_document(&client, DESIGN).await;
    let path = format!("/api/issues/{id}/documents/design");
    let base = client.get(&path).await["latestRevisionId"].clone();
    window.lead(&format!("/issues/{key}/documents/design")).await;
    window.click("document-edit").await;
    edit_document(&window, "two seconds", "one second").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    // The page goes down with the text in it.
    window.page.refresh().await.unwrap();
    window.find("kept-draft").await;
    portrait(&window, &place, "1-kept").await;
    window.click("draft-continue").await;
    let kept = written(&window).await;
    assert!(kept.contains("one second"), "{kept}");

    // Somebody writes meanwhile, elsewhere in the text: both are merged.
    let base = put(&client, &id, "design", &DESIGN.replace("One cache", "Two caches"), base).await;
    window.find("overtaken").await;
    portrait(&window, &place, "2-overtaken").await;
    window.click("document-save").await;
    window.find("merged").await;
    let merged = written(&window).await;
    assert_eq!(merged, DESIGN.replace("two seconds", "one second").replace("One cache", "Two caches"));

    // And again, at the same words: the operator chooses.
    let theirs = DESIGN.replace("One cache", "Two caches").replace("two seconds", "three seconds");
    put(&client, &id, "design", &theirs, base).await;
    window.find("overtaken").await;
    window.click("document-merge").await;
    window.find("conflict").await;
    portrait(&window, &place, "3-conflict").await;
    window.click("keep-both").await;
    window.click("merge-use").await;
    window.click("document-save").await;
    let saved = client.until(&path, SOON, |d| d["latestRevisionNumber"] == 4).await;
    let body = text(&saved["body"]);
    assert!(body.contains("one second.\nThe page loads in three seconds."), "{body}");
    window.select("[data-testid=document-text]").await;
    assert!(!window.has("kept-draft").await, "what is saved is no draft");

    // What each revision changed, and back to the first.
    press(&window, &['h']).await;
    window.select("[data-testid=revision][data-number='4']").await;
    window.click_on("[data-testid=revision][data-number='4'] .revision-head").await;
    reads(&window, "[data-testid=compare]", "three seconds").await;
    portrait(&window, &place, "4-compare").await;
    window.click("compare-inline").await;
    window.select(".compared:not(.side) ins").await;
    portrait(&window, &place, "5-inline").await;
    window.click_on("[data-testid=revision][data-number='1'] [data-testid=revision-restore]").await;
    window.click("confirm-yes").await;
    let back = client.until(&path, SOON, |d| d["latestRevisionNumber"] == 5).await;
    assert_eq!(back["body"], DESIGN);

    // Locked, unlocked, and gone.
    for (what, locked) in [("lock", true), ("unlock", false)] {
        window.click("document-more").await;
        window.click_on(&format!("[data-testid=menu-item][data-value={what}]")).await;
        client.until(&path, SOON, |d| d["lockedAt"].is_null() != locked).await;
    }
    window.click("document-more").await;
    window.click_on("[data-testid=menu-item][data-value=delete]").await;
    window.click("confirm-yes").await;
    window.find("issue-title").await;
    let (status, _) = client.send(Method::GET, &path, None).await;
    assert_eq!(status, 404);
    window.close().await;
}

/// Markdown that is hard to point at, and what is selected in it.
const HARD: &str = "# Ein *schöner* Titel\n\n😀 Emoji first, then **bold words** and `some code`, é and e\u{301}.\n\n\
    שלום עולם, right to left.\n\n| Name | Wert |\n|---|---|\n| Zeile | zwölf &amp; mehr |\n\n- [ ] a task\n  1. nested \
    [link text](https://example.org) here\n\n```rust\nlet answer = 42;\nlet more = answer;\n```\n\nLast \\*not starred\\* line.\n";

#[tokio::test]
async fn what_is_selected_is_what_is_annotated_whatever_it_is_written_in() {
    let (place, window, client) = open("documents-hard").await;
    let (id, key) = with_document(&client, HARD).await;
    window.page.set_window_size(1920, 1080).await.unwrap();
    window.lead(&format!("/issues/{key}/documents/design")).await;
    let threads = format!("/api/issues/{id}/documents/design/annotations");
    let quotes = [
        "schöner",
        "Emoji first",
        "bold words",
        "some code",
        "é and e\u{301}",
        "right to left",
        "zwölf & mehr",
        "a task",
        "nested link text here",
        "let more",
        "*not starred*",
    ];
    for (n, quote) in quotes.into_iter().enumerate() {
        select_words(&window, quote).await;
        window.find("annotate").await;
        press(&window, &['a']).await;
        write_note(&window, &format!("About {quote}")).await;
        let all = client.until(&threads, SOON, |t| t.as_array().unwrap().len() == n + 1).await;
        let found = all.as_array().unwrap().iter().any(|t| t["selectedText"] == quote);
        assert!(found, "{quote:?} in {all:#}");
    }
    until_highlighted(&window, "note", &quotes).await;
    portrait(&window, &place, "hard").await;

    // A thread is found by a click on its text, and by a link.
    let css = "const r = [...CSS.highlights.get('note')].find(r => String(r) === arguments[0]); \
               r.startContainer.parentElement.scrollIntoView({ block: 'center' }); \
               const b = r.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]";
    let at = script(&window, css, vec![json!("bold words")]).await;
    let click = MouseActions::new("mouse".to_owned())
        .then(PointerAction::MoveTo {
            duration: None,
            x: at[0].as_f64().unwrap(),
            y: at[1].as_f64().unwrap(),
        })
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    window.page.perform_actions(click).await.unwrap();
    until_highlighted(&window, "note-active", &["bold words"]).await;
    reads(&window, ".remark.active", "About bold words").await;
    let all = client.get(&threads).await;
    let last = all.as_array().unwrap().iter().find(|t| t["selectedText"] == "let more").unwrap();
    let link = format!("/issues/{key}#document-design&thread={}", text(&last["id"]));
    window.lead(&link).await;
    until_highlighted(&window, "note-active", &["let more"]).await;

    // Its text goes; the thread stays in the panel, and is attached to other text by hand.
    let base = client.get(&format!("/api/issues/{id}/documents/design")).await["latestRevisionId"].clone();
    put(&client, &id, "design", &HARD.replace("let more = answer;\n", ""), base).await;
    window.click("threads-lost").await;
    let lost = format!("[data-thread='{}'][data-state=orphaned]", text(&last["id"]));
    window.select(&lost).await;
    portrait(&window, &place, "lost").await;
    if window.page.find(Locator::Css(&format!("{lost} [data-testid=thread-attach]"))).await.is_err() {
        window.click_on(&format!("{lost} [data-testid=thread-open]")).await;
    }
    window.click("thread-attach").await;
    select_words(&window, "let answer").await;
    window.click("annotate").await;
    let attached = |t: &Value| {
        let all = t.as_array().unwrap();
        all.iter().any(|t| {
            t["id"] == last["id"] && t["anchorState"] == "active" && t["selectedText"] == "let answer"
        })
    };
    client.until(&threads, SOON, attached).await;
    window.close().await;
}

/// Milliseconds between frames while the page scrolls through the whole document.
const SCROLL: &str = "const done = arguments[arguments.length - 1]; \
    const el = document.querySelector('.document-main'); const gaps = []; let last = performance.now(); \
    const steps = arguments[0]; let n = 0; \
    const tick = now => { gaps.push(now - last); last = now; n += 1; \
      if (n > steps) { gaps.shift(); gaps.sort((a, b) => a - b); \
        return done({ median: gaps[gaps.length >> 1], p95: gaps[Math.floor(gaps.length * 0.95)], \
                      p99: gaps[Math.floor(gaps.length * 0.99)], worst: gaps[gaps.length - 1], \
                      height: el.scrollHeight, nodes: document.querySelectorAll('.document-text *').length }); } \
      el.scrollTop = arguments[1] ? el.scrollTop + arguments[1] : el.scrollHeight * n / steps; \
      requestAnimationFrame(tick); }; requestAnimationFrame(tick);";

/// A megabyte with a thousand threads. The numbers are told; what is checked is that the window stays usable.
#[tokio::test]
#[ignore = "a measurement, to become one of the bench"]
async fn a_megabyte_with_a_thousand_threads_is_read_without_a_hitch() {
    let (place, window, client) = open("documents-large").await;
    let section = |n: usize| {
        format!(
            "## Section {n}\n\nThe quick brown fox number {n} jumps over **lazy** dogs and [reads](https://example.org) \
             `code`.\n\n- first of {n}\n- second of {n}\n\n"
        )
    };
    let short: String = (0..1000).map(section).collect();
    let (id, key) = with_document(&client, &short).await;
    let path = format!("/api/issues/{id}/documents/design");
    let base = client.get(&path).await["latestRevisionId"].clone();
    let begun = Instant::now();
    for n in 0..1000 {
        let words = format!("fox number {n} jumps");
        let at = short.find(&words).unwrap();
        let thread = json!({ "baseRevisionId": base, "baseRevisionNumber": 1, "body": format!("About fox {n}"),
            "range": { "markdownStart": at, "markdownEnd": at + words.len() } });
        client.post(&format!("{path}/annotations"), thread).await;
    }
    println!("1000 threads made in {:?}", begun.elapsed());
    let filler =
        "More words that say what there is to say about it, at some length and with care. ".repeat(10);
    let long: String = (0..1000).map(|n| format!("{}{filler}\n\n", section(n))).collect();
    assert!((900_000..1_000_000).contains(&long.len()), "{}", long.len());
    put(&client, &id, "design", &long, base).await;

    let begun = Instant::now();
    window.lead(&format!("/issues/{key}/documents/design")).await;
    window.select(".document-text .md-part h3").await;
    println!("first text after {:?}", begun.elapsed());
    eventually("1000 threads in the panel", SOON, async || {
        let count = "return document.querySelectorAll('[data-testid=thread]').length";
        (script(&window, count, Vec::new()).await == 1000).then_some(())
    })
    .await;
    println!("all threads after {:?}", begun.elapsed());
    portrait(&window, &place, "large").await;
    // As by the wheel, and as by the scrollbar from one end to the other.
    for (name, steps, by) in [("wheel", 240, 120), ("scrollbar", 120, 0)] {
        let told = window.page.execute_async(SCROLL, vec![json!(steps), json!(by)]).await.unwrap();
        println!("{name}: {told}");
        window.picture(&place, &format!("scrolled-{name}.png")).await;
    }
    // Far down, by the last thread.
    let begun = Instant::now();
    press(&window, &['k']).await;
    until_highlighted(&window, "note-active", &["fox number 999 jumps"]).await;
    println!("to the last thread in {:?}", begun.elapsed());
    tokio::time::sleep(Duration::from_millis(400)).await;
    window.picture(&place, "last.png").await;
    let seen = "const r = [...CSS.highlights.get('note-active')][0].getBoundingClientRect(); \
                return r.top > 0 && r.bottom < innerHeight";
    assert_eq!(script(&window, seen, Vec::new()).await, true, "the text of the thread is in view");
    window.close().await;
}
