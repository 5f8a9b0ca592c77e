//! What is not the program's fault: a disk that is full, a database that another program holds or that is damaged.
//! Each is said plainly at every door, and nothing that was acknowledged is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use contract::Timestamp;
use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use store::{Options, Store};
use support::Place;
use support::client::Client;
use support::company::{Company, text};
use support::disk::{Disk, on_small_disk};
use support::program::{Headless, Said, command, paperclip};

const SOON: Duration = Duration::from_secs(60);

fn shell(script: &str) -> Value {
    json!({ "command": "/bin/sh", "args": ["-c", script], "graceSec": 1 })
}

/// A company whose agent is never woken.
async fn quiet_company(client: &Client) -> Company {
    let company = Company::found(client, "process", json!({ "command": "/bin/true" })).await;
    client.post("/api/instance/pause", json!({})).await;
    company
}

async fn create(client: &Client, company: &Company, title: &str, characters: usize) -> (StatusCode, Value) {
    let body = json!({ "title": title, "description": "x".repeat(characters) });
    client.send(Method::POST, &format!("/api/companies/{}/issues", company.id), Some(&body)).await
}

/// The titles of all issues.
async fn titles(client: &Client, company: &Company) -> BTreeSet<String> {
    let all = client.get(&format!("/api/companies/{}/issues?limit=1000", company.id)).await;
    all.as_array().unwrap().iter().map(|i| text(&i["title"])).collect()
}

async fn doctor(client: &Client) -> Value {
    client.post("/api/instance/doctor", json!({})).await
}

fn finding<'a>(report: &'a Value, check: &str) -> &'a Value {
    report["findings"].as_array().unwrap().iter().find(|f| f["check"] == check).unwrap()
}

/// The command line, told where the program is.
fn paperclip_at(place: &Place, program: &Headless, args: &[&str]) -> Said {
    let at = ["--api-base", &program.ready.url, "--api-key", &program.token];
    paperclip(place, &[&at, args].concat())
}

fn refused_at_start(mut command: Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

async fn stop(mut program: Headless) {
    program.process.signal(Signal::TERM);
    program.process.ended(SOON).await;
}

#[tokio::test]
async fn a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing() {
    let place = Place::new("trouble-disk");
    let program = Headless::start_as(&place, on_small_disk(&place, "24m"));
    let (client, disk) = (program.client(), Disk::of(&program, &place));
    let company = quiet_company(&client).await;
    create(&client, &company, "before", 1000).await;
    let mut kept = BTreeSet::from(["before".to_owned()]);

    disk.fill();
    let refused = loop {
        let title = format!("issue {}", kept.len());
        let (status, body) = create(&client, &company, &title, 50_000).await;
        if status != StatusCode::CREATED {
            assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE, "{body}");
            break body;
        }
        assert!(kept.insert(title) && kept.len() < 1000, "the disk never was full");
    };
    assert_eq!(refused["code"], "disk_full");
    assert!(refused["hint"].as_str().unwrap().contains("space"), "{refused}");
    assert_eq!(titles(&client, &company).await, kept, "reading goes on, and nothing half-written is seen");
    let said = paperclip_at(
        &place,
        &program,
        &["issues", "create", "--title", "issue by command", "--description", &"x".repeat(50_000)],
    );
    assert_eq!(said.code, 1);
    assert!(said.err.contains("The disk is full") && said.err.contains("hint: "), "{}", said.err);

    let backups = "/api/instance/database-backups";
    let (status, body) = client.send(Method::POST, backups, Some(&json!({}))).await;
    assert_eq!((status, &body["code"]), (StatusCode::INSUFFICIENT_STORAGE, &json!("disk_full")), "{body}");
    assert!(body["hint"].as_str().unwrap().contains("No backup was kept"), "{body}");
    let left: Vec<_> = std::fs::read_dir(disk.path("backups")).unwrap().flatten().collect();
    assert!(left.is_empty(), "half a backup was left: {left:?}");

    disk.free();
    let (status, body) = create(&client, &company, "after", 50_000).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    kept.insert("after".to_owned());
    assert_eq!(titles(&client, &company).await, kept);
    client.post(backups, json!({})).await;
    let report = doctor(&client).await;
    assert_eq!(report["level"], "ok", "{report:#}");
}

#[tokio::test]
async fn a_disk_that_fills_during_a_run_costs_lines_of_its_log_but_neither_the_run_nor_its_end() {
    let place = Place::new("trouble-run");
    let program = Headless::start_as(&place, on_small_disk(&place, "24m"));
    let (client, disk) = (program.client(), Disk::of(&program, &place));
    let step = |name: &str| place.work().join(name);
    let wait_for = |name: &str| format!("while [ ! -e {} ]; do sleep 0.05; done", step(name).display());
    let script = format!(
        "echo begun; {}; seq 1 20000; touch {}; {}; echo last; {}; seq 1 20000; touch {}",
        wait_for("full"),
        step("written").display(),
        wait_for("freed"),
        wait_for("full-again"),
        step("ended").display()
    );
    let company = Company::found(&client, "process", shell(&script)).await;
    company.issue(&client, "Write a lot").await;
    let runs = client.until(&company.runs(), SOON, |runs| runs[0]["status"] == "running").await;
    let run = format!("/api/heartbeat-runs/{}", text(&runs[0]["id"]));
    let transcript = format!("{run}/transcript?fromLine=0&limit=5000&raw=true");
    let tail = format!("{run}/transcript?limit=5&raw=true");
    client.until(&transcript, SOON, |page| page["totalLines"].as_u64() >= Some(1)).await;

    let reached = async |name: &str| {
        support::eventually(name, SOON, async || step(name).exists().then_some(())).await;
    };
    disk.fill();
    std::fs::write(step("full"), "").unwrap();
    reached("written").await;
    // What is in the pipe is still to be read and lost; then a full disk is tried again after a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    disk.free();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    std::fs::write(step("freed"), "").unwrap();
    let page = client
        .until(&tail, SOON, |page| {
            page["entries"].as_array().unwrap().last().is_some_and(|e| e["text"] == "last")
        })
        .await;
    let lines: Vec<&str> =
        page["entries"].as_array().unwrap().iter().filter_map(|e| e["text"].as_str()).collect();
    let [.., note, "last"] = lines.as_slice() else { panic!("{page:#}") };
    assert!(
        note.contains("lines are missing here: the disk is full"),
        "the transcript says what it lacks: {note}"
    );
    assert_eq!(client.get(&transcript).await["entries"][0]["text"], "begun");

    // It ends while nothing can be written: neither its journal, nor its end in the database.
    disk.fill();
    std::fs::write(step("full-again"), "").unwrap();
    reached("ended").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    disk.free();
    let over = client.until(&run, SOON, |run| run["status"] != "running").await;
    assert_eq!(over["status"], "succeeded", "{over:#}");
    let said = over["resultJson"]["logTruncated"].as_str().unwrap();
    assert!(said.contains("the disk is full") && said.contains("missing"), "{said}");
    let report = doctor(&client).await;
    assert_eq!(finding(&report, "integrity")["level"], "ok", "{report:#}");
    assert_eq!(finding(&report, "dangling_locks")["level"], "ok", "{report:#}");
    support::processes::assert_none_left(place.path(), &[program.ready.pid], SOON).await;
}

#[tokio::test]
async fn a_disk_without_room_for_the_first_start_is_named() {
    let place = Place::new("trouble-start");
    let said = refused_at_start(on_small_disk(&place, "16k"));
    assert!(said.contains("Free some space") || said.contains("has room"), "{said}");
}

/// The database as another program has it.
async fn foreign(data: &Path) -> Store {
    Store::open(Options::at(data.join("paperclip.db"))).await.unwrap()
}

#[tokio::test]
async fn a_database_that_another_program_holds_is_read_on_and_written_again_when_it_lets_go() {
    let place = Place::new("trouble-locked");
    let program = Headless::start(&place);
    let client = program.client();
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done", place.work().join("go").display());
    let company = Company::found(&client, "process", shell(&script)).await;
    let key = client.post(&format!("/api/agents/{}/keys", company.agent), json!({})).await;
    let agent = Client::new(&program.ready.url, key["token"].as_str());
    company.issue(&client, "Ends while the database is held").await;
    let runs = client.until(&company.runs(), SOON, |runs| runs[0]["startedAt"].is_string()).await;
    let run = format!("/api/heartbeat-runs/{}", text(&runs[0]["id"]));

    let other = foreign(&place.data()).await;
    let held = other.write(Timestamp::from_millis(0)).await.unwrap();
    // The run ends now, and its end cannot be written.
    std::fs::write(place.work().join("go"), "").unwrap();
    assert_eq!(agent.get("/api/agents/me").await["id"], json!(company.agent), "agents read on");
    let before = titles(&client, &company).await;
    let (status, body) = create(&client, &company, "refused", 10).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("store_unavailable")),
        "{body}"
    );
    assert!(body["hint"].as_str().unwrap().contains("try again"), "{body}");
    let said = paperclip(&place, &["issues", "create", "--title", "refused"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("locked by another program") && said.err.contains("hint: "), "{}", said.err);
    assert_eq!(titles(&client, &company).await, before, "reading goes on, and nothing was written");
    let report = doctor(&client).await;
    assert_eq!(finding(&report, "integrity")["level"], "ok", "{report:#}");

    // Whoever waits gets its turn when the other lets go in time.
    let waiting = {
        let (client, id) = (client.clone(), company.id.clone());
        tokio::spawn(async move {
            let body = json!({ "title": "waited" });
            client.send(Method::POST, &format!("/api/companies/{id}/issues"), Some(&body)).await
        })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(held);
    assert_eq!(waiting.await.unwrap().0, StatusCode::CREATED);
    let over = client.until(&run, SOON, |run| run["status"] != "running").await;
    assert_eq!(over["status"], "succeeded", "{over:#}");
    other.close().await;

    // A program may start meanwhile, too.
    stop(program).await;
    let other = foreign(&place.data()).await;
    let held = other.write(Timestamp::from_millis(0)).await.unwrap();
    let program = Headless::start(&place);
    assert!(titles(&program.client(), &company).await.contains("waited"));
    drop(held);
}

/// Spoils the middle of a file.
fn spoil(file: &Path) {
    let file = std::fs::File::options().write(true).open(file).unwrap();
    let length = file.metadata().unwrap().len();
    let (from, to) = (length / 5, length * 4 / 5);
    file.write_all_at(&vec![0xA5; usize::try_from(to - from).unwrap()], from).unwrap();
}

#[tokio::test]
async fn damage_stops_all_writing_is_named_and_a_backup_brings_everything_back() {
    let place = Place::new("trouble-damage");
    let program = Headless::start(&place);
    let client = program.client();
    let company = quiet_company(&client).await;
    for n in 0..300 {
        assert_eq!(create(&client, &company, &format!("issue {n}"), 3000).await.0, StatusCode::CREATED);
    }
    let before = titles(&client, &company).await;
    let backup = text(&client.post("/api/instance/database-backups", json!({})).await["backupFile"]);
    stop(program).await;

    let program = Headless::start(&place);
    let client = program.client();
    spoil(&place.data().join("paperclip.db"));
    let list = format!("/api/companies/{}/issues?limit=1000", company.id);
    let (status, met) = client.send(Method::GET, &list, None).await;
    assert_eq!((status, &met["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("store_damaged")), "{met}");
    assert!(met["hint"].as_str().unwrap().contains("paperclip doctor"), "{met}");
    let (status, body) = create(&client, &company, "into the damage", 10).await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("store_damaged")), "{body}");
    assert_eq!(client.get("/api/health").await["status"], "degraded");
    let said = paperclip(&place, &["doctor"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("damaged") && said.out.contains(&backup), "{}", said.out);
    let (status, body) = client.send(Method::POST, "/api/instance/database-backups", Some(&json!({}))).await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("store_damaged")), "{body}");
    assert!(Path::new(&backup).is_file(), "no good backup makes room for one of damage");
    stop(program).await;

    let said = refused_at_start(command(&place));
    assert!(said.contains("damaged") && said.contains("paperclip restore"), "{said}");
    // A program that does not start cannot be asked; the doctor looks all the same.
    let said = paperclip(&place, &["doctor"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("damaged") && said.out.contains(&format!("restore {backup}")), "{}", said.out);
    let said = paperclip(&place, &["restore", &backup]);
    assert_eq!(said.code, 0, "{}", said.err);
    let program = Headless::start(&place);
    let client = program.client();
    assert_eq!(titles(&client, &company).await, before);
    let report = doctor(&client).await;
    assert_eq!(finding(&report, "integrity")["level"], "ok", "{report:#}");
    assert_eq!(create(&client, &company, "after", 10).await.0, StatusCode::CREATED);
}
