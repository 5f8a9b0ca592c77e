//! Files at the HTTP door: brought, had back whole, refused, and gone with what they belong to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod door;

use std::path::PathBuf;

use door::Door;
use reqwest::StatusCode;
use serde_json::{Value, json};

struct House {
    door: Door,
    company: String,
    issue: String,
}

impl House {
    async fn build() -> Self {
        let door = Door::open().await;
        let company = door.company("Home").await;
        let body = json!({ "title": "Paint it" });
        let issue = door.ok("POST", &format!("/api/companies/{company}/issues"), Some(body)).await;
        let issue = issue["id"].as_str().unwrap().to_owned();
        Self { door, company, issue }
    }

    fn path(&self) -> String {
        format!("/api/companies/{}/issues/{}/attachments", self.company, self.issue)
    }

    async fn bring(&self, form: Value) -> (StatusCode, Value) {
        self.door.send("POST", &self.path(), Some(&self.door.operator), Some(form)).await
    }

    /// Every file in the folders of uploads and assets.
    fn files(&self) -> Vec<PathBuf> {
        let paths = self.door.engine.paths();
        let mut open = vec![paths.uploads(), paths.assets()];
        let mut files = Vec::new();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { open.push(entry.path()) } else { files.push(entry.path()) }
            }
        }
        files
    }
}

fn file(name: &str, kind: &str, content: &str) -> Value {
    json!({ "file": { "name": name, "type": kind, "content": content } })
}

#[tokio::test]
async fn a_file_is_had_back_as_it_was_brought() {
    let h = House::build().await;
    let (status, a) = h.bring(file("Übersicht 1.svg", "image/svg+xml", "<svg/>")).await;
    assert_eq!(status, StatusCode::CREATED, "{a}");
    assert_eq!((a["byteSize"].as_i64(), a["originalFilename"].as_str()), (Some(6), Some("Übersicht 1.svg")));
    let url = format!("{}{}", h.door.url, a["contentPath"].as_str().unwrap());
    let get = |tag: Option<String>| {
        let mut r = h.door.client.get(&url).bearer_auth(&h.door.operator);
        if let Some(tag) = tag {
            r = r.header("if-none-match", tag);
        }
        r.send()
    };
    let r = get(None).await.unwrap();
    let head = |name: &str| r.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(head("content-type"), "image/svg+xml");
    assert_eq!(head("x-content-type-options"), "nosniff");
    assert!(head("content-security-policy").starts_with("sandbox"), "an SVG runs nothing");
    assert!(head("content-disposition").contains("filename*=UTF-8''%C3%9Cbersicht%201.svg"));
    let tag = head("etag");
    assert_eq!(tag, format!("\"{}\"", a["sha256"].as_str().unwrap()));
    assert_eq!(r.bytes().await.unwrap(), "<svg/>");
    assert_eq!(get(Some(tag)).await.unwrap().status(), StatusCode::NOT_MODIFIED);
    let list = h.door.ok("GET", &format!("/api/issues/{}/attachments", h.issue), None).await;
    assert_eq!(list, json!([a]));
    let context = h.door.ok("GET", &format!("/api/issues/{}/heartbeat-context", h.issue), None).await;
    assert_eq!(context["attachments"][0]["filename"], "Übersicht 1.svg");
    let text = h.door.ok("GET", &format!("/api/attachments/{}/text", a["id"].as_str().unwrap()), None).await;
    assert_eq!(text, json!({ "text": "<svg/>", "truncated": false }));
}

#[tokio::test]
async fn what_is_refused_leaves_no_file() {
    let h = House::build().await;
    let limit = json!({ "attachmentMaxBytes": 1000 });
    h.door.ok("PATCH", &format!("/api/companies/{}", h.company), Some(limit)).await;
    let (status, e) = h.bring(file("a.txt", "text/plain", &"x".repeat(1001))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{e}");
    assert_eq!(e["details"]["maxBytes"], 1000);
    let (status, _) = h.bring(file("a.txt", "text/plain", "")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "an empty file");
    let (status, e) = h.bring(json!({ "issueCommentId": "x" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "no file: {e}");
    let mut elsewhere = file("a.txt", "text/plain", "x");
    elsewhere["issueCommentId"] = "6f1c2d9e-0000-7000-8000-000000000001".into();
    let (status, e) = h.bring(elsewhere).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{e}");
    let mut odd = file("a.txt", "text/plain", "x");
    odd["colour"] = "red".into();
    assert_eq!(h.bring(odd).await.0, StatusCode::BAD_REQUEST);
    let (status, _) = h.door.send("POST", &h.path(), Some("nonsense"), Some(file("a", "a/b", "x"))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let unused = h.files();
    // The one with the odd field and the one of the unknown comment came in whole and were not used: nothing else is left.
    assert!(unused.iter().all(|f| f.starts_with(h.door.engine.paths().uploads())), "{unused:?}");
    assert!(
        h.door
            .ok("GET", &format!("/api/issues/{}/attachments", h.issue), None)
            .await
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_file_goes_with_its_attachment_and_a_missing_one_is_said_to_be_missing() {
    let h = House::build().await;
    let (_, a) = h.bring(file("a.txt", "text/plain", "one")).await;
    let (_, b) = h.bring(file("b.txt", "text/plain", "two")).await;
    assert_eq!(h.files().len(), 2);
    let path = |v: &Value| format!("/api/attachments/{}", v["id"].as_str().unwrap());
    assert_eq!(h.door.ok("DELETE", &path(&a), None).await, json!({ "ok": true }));
    assert_eq!(h.files().len(), 1);
    std::fs::remove_file(&h.files()[0]).unwrap();
    let content = format!("{}/content", path(&b));
    let (status, e) = h.door.send("GET", &content, Some(&h.door.operator), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{e}");
    assert!(e["hint"].as_str().unwrap().contains("doctor"), "{e}");
}

#[tokio::test]
async fn one_work_product_of_an_issue_is_the_primary_one() {
    let h = House::build().await;
    let of_issue = format!("/api/issues/{}/work-products", h.issue);
    let make = |title: &str, primary: bool| {
        json!({ "type": "pull_request", "provider": "github", "title": title, "isPrimary": primary,
            "url": "https://example.org/pull/1", "metadata": { "number": 1 } })
    };
    let first = h.door.ok("POST", &of_issue, Some(make("First", true))).await;
    let second = h.door.ok("POST", &of_issue, Some(make("Second", true))).await;
    let titles = |all: Value| -> Vec<(String, bool)> {
        let one = |w: &Value| (w["title"].as_str().unwrap().to_owned(), w["isPrimary"].as_bool().unwrap());
        all.as_array().unwrap().iter().map(one).collect()
    };
    let list = || h.door.ok("GET", &of_issue, None);
    assert_eq!(titles(list().await), [("Second".to_owned(), true), ("First".to_owned(), false)]);
    let path = format!("/api/work-products/{}", first["id"].as_str().unwrap());
    let patch = json!({ "isPrimary": true, "status": "merged", "url": null });
    let now = h.door.ok("PATCH", &path, Some(patch)).await;
    assert_eq!(
        (&now["status"], &now["url"], &now["metadata"]["number"]),
        (&json!("merged"), &Value::Null, &json!(1))
    );
    assert_eq!(titles(list().await)[0], ("First".to_owned(), true));
    let primary =
        h.door.ok("GET", &format!("/api/companies/{}/work-products/primary", h.company), None).await;
    assert_eq!(titles(primary), [("First".to_owned(), true)]);
    for url in ["javascript:alert(1)", "file:///etc/passwd", "https://"] {
        let (status, e) =
            h.door.send("PATCH", &path, Some(&h.door.operator), Some(json!({ "url": url }))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}: {e}");
    }
    h.door.ok("DELETE", &format!("/api/work-products/{}", second["id"].as_str().unwrap()), None).await;
    assert_eq!(list().await.as_array().unwrap().len(), 1);
}
