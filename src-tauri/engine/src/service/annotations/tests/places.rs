use contract::annotation::{AnchorConfidence, AnchorReason, AnchorState};
use contract::document_annotation::{AnnotationThread, ThreadStatus};
use contract::{AnnotationThreadId, ErrorCode};
use domain::anchor::{Projection, select_source};
use serde_json::{Value, json};

use super::{Desk, place, refused, units};
use crate::Caller;
use crate::sim::{Ends, id};

const PLAN: &str =
    "# Ship it\n\nWe ship on **Friday** at noon.\n\n- test it\n- tell the others\n\nThen we rest.\n";

#[tokio::test]
async fn a_thread_stands_where_it_was_selected_whatever_characters_come_before() {
    for (seed, body, words, seen) in [
        (1, PLAN, "on **Friday** at", "on Friday at"),
        (
            2,
            "👩‍👩‍👧 grüßt 漢字.\r\n\r\nThe *second* 😀 line\r\nends here.\r\n",
            "*second* 😀 line\r\nends",
            "second 😀 line ends",
        ),
        (3, "| a | b |\n| - | - |\n| one | two 🚀 |\n", "two 🚀", "two 🚀"),
        (4, "مرحبا بالعالم و e\u{301}te\u{301}\n", "e\u{301}te\u{301}", "e\u{301}te\u{301}"),
        (5, PLAN, "noon.\n\n- test", "noon. test"),
    ] {
        let d = Desk::with(seed, body).await;
        let thread = d.annotate(words).await;
        assert_eq!(place(&thread), ("active", "exact", seen), "{body}");
        assert_eq!(thread["originalQuote"]["exact"], seen);
        let at = |key: &str| usize::try_from(thread[key].as_u64().unwrap()).unwrap();
        let source: Vec<u16> = body.encode_utf16().collect();
        let source = String::from_utf16(&source[at("markdownStart")..at("markdownEnd")]).unwrap();
        assert_eq!(source.trim_matches('*'), words.trim_matches('*'), "{body}");
        let text: Vec<u16> = Projection::of(body).text().encode_utf16().collect();
        let text = String::from_utf16(&text[at("normalizedStart")..at("normalizedEnd")]).unwrap();
        assert_eq!(text, seen);
        assert_eq!(thread["anchorSelector"]["position"]["markdownStart"], thread["markdownStart"]);
        assert_eq!(thread["comments"][0]["body"], "Why?");
    }
}

#[tokio::test]
async fn bad_selections_say_why_and_change_nothing() {
    let d = Desk::with(6, PLAN).await;
    let cursor = d.sim.ask("changes.read", json!({})).await["cursor"].clone();
    let good = d.selecting("Friday", json!({ "body": "Why?" })).await;
    let quote = |exact: &str, start: usize, end: usize| {
        json!({ "quote": { "exact": exact }, "position": { "normalizedStart": start, "normalizedEnd": end,
            "markdownStart": start, "markdownEnd": end } })
    };
    let range = |start: u32, end: u32| json!({ "markdownStart": start, "markdownEnd": end });
    let (start, end) = units(PLAN, "Friday");
    let only = |selector: Value| json!({ "range": null, "selector": selector });
    use ErrorCode::{NotFound, StaleRevision, Unprocessable, ValidationError};
    let all = [
        (json!({ "range": range(20, 20) }), Unprocessable, "invalid_range"),
        (json!({ "range": range(21, 20) }), Unprocessable, "invalid_range"),
        (json!({ "range": range(20, 20_000) }), Unprocessable, "invalid_range"),
        (json!({ "range": range(0, 1) }), Unprocessable, "invalid_range"),
        (json!({ "range": range(9, 11) }), Unprocessable, "invalid_range"),
        (json!({ "range": null }), Unprocessable, ""),
        (json!({ "selector": quote("Friday", start, end) }), Unprocessable, ""),
        (only(quote("Friday", start, 20_000)), Unprocessable, "invalid_range"),
        (only(quote("Friday", end, start)), Unprocessable, "invalid_range"),
        (only(quote("Monday", start, end)), Unprocessable, "quote_mismatch"),
        (only(quote("rest", start, end)), Unprocessable, "position_mismatch"),
        (only(quote("", start, end)), ValidationError, ""),
        (only(quote(" \n", start, end)), ValidationError, ""),
        (only(quote(&"x".repeat(10_001), start, end)), ValidationError, ""),
        (json!({ "range": { "markdownStart": -1, "markdownEnd": 5 } }), ValidationError, ""),
        (json!({ "body": " " }), ValidationError, ""),
        (json!({ "body": "x".repeat(200_001) }), ValidationError, ""),
        (json!({ "baseRevisionNumber": 2 }), StaleRevision, ""),
        (json!({ "baseRevisionId": "6f1c2d9e-0000-7000-8000-000000000001" }), StaleRevision, ""),
        (json!({ "key": "other" }), NotFound, ""),
    ];
    for (wrong, code, reason) in all {
        let mut input = good.clone();
        input.as_object_mut().unwrap().extend(wrong.as_object().cloned().unwrap());
        let e = refused(d.sim.try_ask(&Caller::operator(), "annotations.create", input).await, code);
        let details = e.details.unwrap_or_default();
        assert_eq!(details["reason"].as_str().unwrap_or_default(), reason, "{wrong}: {}", e.message);
        if code == StaleRevision {
            assert_eq!(details["latestRevisionNumber"], 1);
            assert!(details["latestRevisionId"].is_string());
        }
    }
    let unknown = json!({ "id": "6f1c2d9e-0000-7000-8000-000000000001" });
    refused(d.reply(&Caller::operator(), &unknown, "Hm").await, NotFound);
    refused(d.set(&Caller::operator(), &unknown, "resolved").await, NotFound);
    let page = d.sim.ask("changes.read", json!({ "after": cursor })).await;
    assert_eq!(page["changes"], json!([]));
    assert!(d.threads("all").await.is_empty());
}

#[tokio::test]
async fn a_selector_of_another_client_is_kept_as_this_program_would_have_made_it() {
    let d = Desk::with(7, PLAN).await;
    let mut input = d.selecting("on **Friday** at", json!({ "body": "Why?" })).await;
    let (start, end) = units(PLAN, "on **Friday** at");
    input["range"] = Value::Null;
    input["selector"] = json!({ "quote": { "exact": "on Friday  at", "prefix": "ship ", "suffix": "" },
        "position": { "normalizedStart": 1, "normalizedEnd": 14, "markdownStart": start, "markdownEnd": end } });
    let thread = d.sim.ask("annotations.create", input).await;
    assert_eq!(place(&thread).2, "on Friday at");
    assert_eq!(thread["prefixText"], "Ship it We ship ");
    assert_eq!(thread["normalizedStart"], 16);
}

#[tokio::test]
async fn threads_follow_their_words_through_save_after_save_and_say_what_became_of_them() {
    let d = Desk::with(8, PLAN).await;
    let (friday, test, rest) =
        (d.annotate("Friday").await, d.annotate("test it").await, d.annotate("Then we rest").await);
    let second =
        PLAN.replace("# Ship it", "# Ship it 🚀\r\n\r\nSoon").replace("- test it\n", "- test it twice\n");
    let saved = d.write(&second).await;
    for (thread, words) in [(&friday, "Friday"), (&rest, "Then we rest"), (&test, "test it")] {
        let now = d.thread(thread).await;
        assert_eq!(place(&now), ("active", "exact", words));
        assert_eq!(
            (&now["currentRevisionId"], &now["currentRevisionNumber"]),
            (&saved["latestRevisionId"], &json!(2))
        );
        assert_eq!(
            (now["originalRevisionNumber"].clone(), units(&second, words).0),
            (json!(1), usize::try_from(now["markdownStart"].as_u64().unwrap()).unwrap())
        );
        assert!(d.snapshots(thread).await.is_empty(), "a shift says nothing");
    }
    assert_eq!(d.thread(&friday).await["anchorReason"], "shifted");

    let third =
        second.replace("Then we rest", "Then we all rest").replace("We ship on **Friday** at noon.\n\n", "")
            + "\nWe ship on **Friday** at noon.\n";
    d.write(&third).await;
    assert_eq!(place(&d.thread(&rest).await), ("stale", "fuzzy", "Then we all rest"));
    assert_eq!(place(&d.thread(&friday).await), ("active", "exact", "Friday"));
    let told = d.snapshots(&friday).await;
    assert_eq!((told.len(), told[0]["failureReason"].as_str()), (1, Some("moved")));
    assert_eq!((&told[0]["fromRevisionNumber"], &told[0]["toRevisionNumber"]), (&json!(2), &json!(3)));
    let told = d.snapshots(&rest).await;
    assert_eq!((told.len(), told[0]["failureReason"].as_str()), (1, Some("edited")));
    assert_eq!(told[0]["previousAnchor"]["selectedText"], "Then we rest");
    assert_eq!(told[0]["nextAnchor"]["selectedText"], "Then we all rest");

    // What brings the first words back is a revision like any other.
    let first = d.thread(&rest).await["originalRevisionId"].clone();
    d.sim.ask("documents.restore", d.about(json!({ "revisionId": first }))).await;
    assert_eq!(place(&d.thread(&rest).await), ("active", "exact", "Then we rest"));
    let told = &d.snapshots(&rest).await[0];
    assert_eq!((told["anchorState"].as_str(), told["toRevisionNumber"].as_i64()), (Some("active"), Some(4)));
    let order: Vec<String> = d.threads("open").await.iter().map(id).collect();
    assert_eq!(order, [id(&friday), id(&test), id(&rest)], "as they stand in the text");
}

#[tokio::test]
async fn an_orphan_stays_on_the_list_and_is_attached_by_hand_or_comes_back_with_its_words() {
    let d = Desk::with(9, PLAN).await;
    let (friday, rest) =
        (d.annotate("We ship on **Friday** at noon").await, d.annotate("Then we rest").await);
    let without = PLAN.replace("We ship on **Friday** at noon.\n\n", "").replace("Then we rest.", "The end.");
    d.write(&without).await;
    d.write(&without.replace("tell", "inform")).await;
    for thread in [&friday, &rest] {
        let now = d.thread(thread).await;
        assert_eq!(
            (place(&now).0, place(&now).1, &now["anchorReason"]),
            ("orphaned", "missing", &json!("gone"))
        );
        let told = d.snapshots(thread).await;
        assert_eq!((told.len(), &told[0]["nextAnchor"]), (1, &Value::Null), "it was lost once");
    }
    assert_eq!(place(&d.thread(&rest).await).2, "Then we rest", "its last words are known");
    let last = d.annotate("The end").await;
    let order: Vec<String> = d.threads("open").await.iter().map(id).collect();
    assert_eq!(order[0], id(&last), "those that have lost their places come last");

    let attach = d.selecting("inform the others", json!({ "threadId": id(&friday) })).await;
    let now = d.sim.ask("annotations.attach", attach).await;
    assert_eq!(place(&now), ("active", "exact", "inform the others"));
    assert_eq!(now["originalQuote"]["exact"], "inform the others");
    assert_eq!(d.snapshots(&friday).await[0]["failureReason"], "attached_by_hand");
    assert_eq!(d.trail().await[0].0, "issue.document_annotation_attached");

    d.write(PLAN).await;
    assert_eq!(place(&d.thread(&rest).await), ("active", "exact", "Then we rest"));
    assert_eq!(d.thread(&rest).await["anchorReason"], "restored");
    assert_eq!(place(&d.thread(&friday).await).2, "tell the others", "it belongs to its new words now");
}

#[tokio::test]
async fn a_resolved_thread_is_left_alone_and_catches_up_when_it_is_opened_again() {
    let d = Desk::with(10, PLAN).await;
    let friday = d.annotate("Friday").await;
    let operator = Caller::operator();
    let resolved = d.set(&operator, &friday, "resolved").await.unwrap();
    assert_eq!((&resolved["status"], resolved["resolvedAt"].is_null()), (&json!("resolved"), false));
    d.set(&operator, &friday, "resolved").await.unwrap();
    assert!(d.threads("open").await.is_empty());
    let more = format!("Before.\n\n{PLAN}");
    d.write(&more).await;
    d.write(&more.replace("Before", "Long before")).await;
    let left = d.thread(&friday).await;
    assert_eq!(left["currentRevisionNumber"], 1);
    d.reply(&operator, &friday, "Still true").await.unwrap();

    let open = d.set(&operator, &friday, "open").await.unwrap();
    assert_eq!(
        (&open["status"], &open["resolvedAt"], &open["resolvedByUserId"]),
        (&json!("open"), &Value::Null, &Value::Null)
    );
    assert_eq!((place(&open), &open["currentRevisionNumber"]), (("active", "exact", "Friday"), &json!(3)));
    let at = units(d.read().await["body"].as_str().unwrap(), "Friday").0;
    assert_eq!(open["markdownStart"], at);
    assert_eq!(d.thread(&friday).await["comments"].as_array().unwrap().len(), 2);
    let trail: Vec<String> = d.trail().await.into_iter().map(|(a, _)| a).collect();
    let of = |what: &str| trail.iter().filter(|a| a.ends_with(what)).count();
    assert_eq!((of("annotation_resolved"), of("annotation_reopened"), of("annotation_replied")), (1, 1, 1));
}

#[tokio::test]
async fn a_deleted_document_takes_its_threads_along_and_a_new_one_does_not_find_them() {
    let d = Desk::with(11, PLAN).await;
    let thread = d.annotate("Friday").await;
    d.sim.ask("documents.delete", d.about(json!({}))).await;
    let operator = Caller::operator();
    refused(d.reply(&operator, &thread, "Hm").await, ErrorCode::NotFound);
    d.write(PLAN).await;
    for answer in [d.reply(&operator, &thread, "Hm").await, d.set(&operator, &thread, "open").await] {
        refused(answer, ErrorCode::NotFound);
    }
    let attach = d.selecting("Friday", json!({ "threadId": id(&thread) })).await;
    refused(d.sim.try_ask(&operator, "annotations.attach", attach).await, ErrorCode::NotFound);
    assert!(d.threads("all").await.is_empty());
}

#[tokio::test]
async fn what_the_program_writes_itself_is_followed_as_well() {
    let d = Desk::with(12, PLAN).await;
    let agent = d.sim.agent("Ada", json!({})).await;
    let issue = d.sim.issue(&agent).await;
    let run = d.sim.one().await;
    d.sim.end(&run, Ends::Well("The login works. Tests are missing.")).await;
    let at = Desk { sim: d.sim, issue };
    let key = json!({ "key": "continuation-summary" });
    let mut input = at.about(json!({ "body": "Does it?" }));
    let document = at.sim.ask("documents.get", at.about(key.clone())).await;
    input["key"] = key["key"].clone();
    input["baseRevisionId"] = document["latestRevisionId"].clone();
    input["baseRevisionNumber"] = document["latestRevisionNumber"].clone();
    input["range"] = json!({ "markdownStart": 4, "markdownEnd": 15 });
    let thread = at.sim.ask("annotations.create", input).await;
    assert_eq!(place(&thread).2, "login works");
    for run in at.sim.started().await {
        at.sim.end(&run, Ends::Well("Since today: The login works. Tests are missing.")).await;
    }
    let path = at.about(json!({ "key": key["key"], "threadId": id(&thread) }));
    let now = at.sim.ask("annotations.get", path).await;
    assert_eq!((place(&now), &now["currentRevisionNumber"]), (("active", "exact", "login works"), &json!(2)));
    assert_eq!(now["markdownStart"], 17);
}

/// Puts threads there without asking for each of them.
async fn fill(d: &Desk, document: &Value, words: &[String]) {
    let body = document["body"].as_str().unwrap();
    let text = Projection::of(body);
    let mut tx = d.sim.engine.store.write(d.sim.engine.now()).await.unwrap();
    let mut from = 0;
    for (n, words) in words.iter().enumerate() {
        let at = from + body[from..].find(words).unwrap();
        from = at + words.len();
        let selector = select_source(&text, at..from).unwrap();
        let parse = |key: &str| document[key].as_str().unwrap();
        let revision = parse("latestRevisionId").parse().ok();
        let thread = AnnotationThread {
            id: AnnotationThreadId(uuid::Uuid::from_u128(n as u128 + 1)),
            company_id: parse("companyId").parse().unwrap(),
            issue_id: d.issue,
            document_id: parse("id").parse().unwrap(),
            document_key: "plan".into(),
            status: ThreadStatus::Open,
            anchor_state: AnchorState::Active,
            anchor_confidence: AnchorConfidence::Exact,
            anchor_reason: AnchorReason::Unchanged,
            original_revision_id: revision,
            original_revision_number: 1,
            current_revision_id: revision,
            current_revision_number: 1,
            original_quote: selector.quote.clone(),
            anchor_selector: selector,
            created_by_agent_id: None,
            created_by_user_id: None,
            resolved_by_agent_id: None,
            resolved_by_user_id: None,
            resolved_at: None,
            created_at: tx.at(),
            updated_at: tx.at(),
        };
        store::annotations::create(&mut tx, &thread).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_thousand_threads_of_a_megabyte_are_followed_in_one_save() {
    let paragraph = |n: usize| {
        format!(
            "## Part {n}\n\nThe words numbered {n} stand here. {}\n\n",
            "They are *many* and say 漢字. ".repeat(30)
        )
    };
    let body: String = (0..1000).map(paragraph).collect();
    assert!(body.len() > 1_000_000 && body.chars().count() < 1_000_000);
    let d = Desk::with(13, &body).await;
    let words: Vec<String> = (0..1000).map(|n| format!("words numbered {n} stand")).collect();
    fill(&d, &d.read().await, &words).await;
    // Something before all of them, one of them edited, and the last part moved to the front.
    let cut = body.find("## Part 999").unwrap();
    let next = format!("😀 First.\n\n{}{}", &body[cut..], &body[..cut])
        .replace("words numbered 500 stand", "words numbered 500 now stand");
    d.write(&next).await;
    let now = d.threads("open").await;
    assert_eq!(now.len(), 1000);
    for (n, thread) in now.iter().enumerate() {
        let number = (n + 999) % 1000;
        let state = if number == 500 { "stale" } else { "active" };
        let wanted = if number == 500 { "words numbered 500 now stand" } else { &words[number] };
        assert_eq!((place(thread).0, place(thread).2), (state, wanted));
        assert_eq!(thread["currentRevisionNumber"], 2);
        let told = if number == 500 || number == 999 { 1 } else { 0 };
        assert_eq!(d.snapshots(thread).await.len(), told, "{number}");
    }
    // Everything is gone: all are kept, and each says so.
    d.write("Nothing is left.").await;
    let now = d.threads("open").await;
    assert!(now.len() == 1000 && now.iter().all(|t| place(t).0 == "orphaned"));
    assert_eq!(d.snapshots(&now[17]).await[0]["nextAnchor"], Value::Null);
    // And all come back.
    d.write(&next).await;
    let back = d.threads("open").await.iter().filter(|t| place(t).0 == "active").count();
    assert!(back >= 999, "{back}");
}

#[tokio::test]
async fn a_document_has_so_many_open_threads_and_no_more() {
    let body: String = (0..2000).map(|n| format!("Line {n}.\n\n")).collect();
    let d = Desk::with(14, &body).await;
    let words: Vec<String> = (0..2000).map(|n| format!("Line {n}.")).collect();
    fill(&d, &d.read().await, &words).await;
    let operator = Caller::operator();
    refused(d.try_annotate(&operator, "Line 7.", "One more").await, ErrorCode::Conflict);
    let all = d.threads("open").await;
    d.set(&operator, &all[0], "resolved").await.unwrap();
    d.annotate("Line 7.").await;
    refused(d.set(&operator, &all[0], "open").await, ErrorCode::Conflict);
    assert_eq!(d.threads("resolved").await.len(), 1);
}
