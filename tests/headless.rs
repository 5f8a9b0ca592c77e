//! The program without a window: how it starts, whom it lets in, what it says when it cannot go on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use support::Place;
use support::client::Client;
use support::program::{Headless, command, command_on, paperclip};

const SOON: Duration = Duration::from_secs(15);

#[tokio::test]
async fn it_says_where_it_is_and_ends_when_told() {
    let place = Place::new("headless-start");
    let mut program = Headless::start(&place);
    assert_eq!(program.ready.pid, program.process.0.id());
    assert!(program.ready.url.ends_with(&format!("127.0.0.1:{}", program.ready.port)));
    assert!(program.ready.token_file.starts_with(place.data().canonicalize().unwrap()));
    assert!(!program.token.is_empty());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&program.ready.token_file), 0o600);
    assert_eq!(mode(&place.data()), 0o700);

    let server: Value =
        serde_json::from_slice(&std::fs::read(place.data().join("server.json")).unwrap()).unwrap();
    assert_eq!(server["url"], json!(program.ready.url));
    assert_eq!(server["port"], json!(program.ready.port));

    program.client().answers(SOON).await;
    program.process.signal(Signal::TERM);
    assert!(program.process.ended(SOON).await.success());
    support::processes::assert_none_left(place.path(), &[], SOON).await;
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_or_from_elsewhere() {
    let place = Place::new("headless-doors");
    let program = Headless::start(&place);
    let status = async |client: &Client, change: fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder| {
        change(client.request(Method::GET, "/api/companies")).send().await.unwrap().status()
    };
    let operator = program.client();
    let nobody = Client::new(&program.ready.url, None);
    let stranger = Client::new(&program.ready.url, Some("not-a-token"));

    assert_eq!(status(&operator, |r| r).await, StatusCode::OK);
    assert_eq!(status(&nobody, |r| r).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&stranger, |r| r).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status(&operator, |r| r.header("origin", "https://evil.example")).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(status(&operator, |r| r.header("host", "evil.example")).await, StatusCode::FORBIDDEN);
    let (health, body) = nobody.send(Method::GET, "/api/health", None).await;
    assert_eq!((health, &body["status"]), (StatusCode::OK, &json!("ok")));
}

#[tokio::test]
async fn a_data_folder_has_one_program_and_two_folders_have_two() {
    let (one, other) = (Place::new("headless-one"), Place::new("headless-other"));
    let first = Headless::start(&one);
    let refused = command(&one).output().unwrap();
    assert!(!refused.status.success());
    assert!(refused.stdout.is_empty(), "nothing is ready, so nothing is said on stdout");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains(&one.data().canonicalize().unwrap().display().to_string()), "{said}");
    assert!(said.contains("already uses") && said.contains("Quit that program"), "{said}");

    let second = Headless::start(&other);
    assert_ne!(first.ready.port, second.ready.port);
    let stranger = Client::new(&second.ready.url, Some(&first.token));
    assert_eq!(stranger.send(Method::GET, "/api/companies", None).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let place = Place::new("headless-port");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = command_on(&place, port).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains(&port.to_string()) && said.contains("--port"), "{said}");
}

#[tokio::test]
async fn the_token_never_stands_in_the_log() {
    let place = Place::new("headless-log");
    let mut program = Headless::start_with(&place, |c| {
        c.env("PAPERCLIP_LOG", "trace");
    });
    program.client().get("/api/companies").await;
    program.process.signal(Signal::TERM);
    program.process.ended(SOON).await;
    let mut logs = vec![place.artifact("program.log")];
    logs.extend(std::fs::read_dir(place.data().join("logs")).unwrap().map(|e| e.unwrap().path()));
    assert!(logs.len() >= 2, "the log is written to a file too");
    for log in logs {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        assert!(!text.contains(&program.token), "{} holds the operator's token", log.display());
    }
}

#[tokio::test]
async fn the_command_line_works_an_issue() {
    let place = Place::new("headless-cli");
    let absent = paperclip(&place, &["status"]);
    assert_eq!(absent.code, 3);
    assert!(absent.err.contains("not running") && absent.err.contains("paperclip open"), "{}", absent.err);

    let program = Headless::start(&place);
    let said = paperclip(&place, &["companies", "create", "--name", "Acme"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = paperclip(&place, &["issues", "create", "--title", "Write it down", "--json-output"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let issue: Value = serde_json::from_str(&said.out).unwrap();
    let identifier = issue["identifier"].as_str().unwrap().to_owned();

    let said = paperclip(&place, &["comments", "add", &identifier, "--body", "Looks @right --to me"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = paperclip(&place, &["issues", "update", &identifier, "--status", "done"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = paperclip(&place, &["issues", "list", "--status", "done,cancelled"]);
    assert!(said.out.contains(&identifier) && said.out.contains("Write it down"), "{}", said.out);
    let said = paperclip(&place, &["issues", "list", "--status", "todo"]);
    assert_eq!(said.out, "nothing\n");

    let long = "x".repeat(501);
    for (args, code, word) in [
        (["issues", "create", "--titel", "T"], 2, "--titel"),
        (["issues", "create", "--title", &long], 1, "too long"),
        (["issues", "list", "--limit", "many"], 2, "limit"),
        (["issues", "list", "--status", "finished"], 1, "status"),
        (["issues", "list", "--company-id", "acme"], 1, "companyId"),
    ] {
        let said = paperclip(&place, &args);
        assert_eq!(said.code, code, "{args:?}: {}", said.err);
        assert!(said.err.contains(word), "{args:?}: {}", said.err);
    }
    let said = paperclip(&place, &["issues", "get", "NONE-1"]);
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("error: "), "{}", said.err);
    assert_eq!(paperclip(&place, &["status"]).code, 0);
    let said = paperclip(&place, &["doctor"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(paperclip(&place, &["backups", "create"]).code, 0);
    assert!(paperclip(&place, &["backups", "list"]).out.lines().count() >= 2);
    assert_eq!(paperclip(&place, &["token"]).out.trim(), program.token);
}

#[tokio::test]
async fn a_backup_brings_back_what_was() {
    let place = Place::new("headless-restore");
    let mut program = Headless::start(&place);
    paperclip(&place, &["companies", "create", "--name", "Before"]);
    let said = paperclip(&place, &["backups", "create", "--json-output"]);
    let backup: Value = serde_json::from_str(&said.out).unwrap();
    let file = backup["backupFile"].as_str().unwrap().to_owned();
    paperclip(&place, &["companies", "create", "--name", "After"]);

    let refused = paperclip(&place, &["restore", &file]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("must be stopped"), "{}", refused.err);

    program.process.signal(Signal::TERM);
    program.process.ended(SOON).await;
    let said = paperclip(&place, &["doctor"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("sound") && said.out.contains(&file), "{}", said.out);
    let said = paperclip(&place, &["restore", &file]);
    assert_eq!(said.code, 0, "{}", said.err);
    let program = Headless::start(&place);
    let companies = program.client().get("/api/companies").await;
    let names: Vec<&str> =
        companies.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Before"]);
}
