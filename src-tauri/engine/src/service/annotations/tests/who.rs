use contract::ErrorCode;
use contract::run::Run;
use serde_json::{Value, json};

use super::{Desk, refused};
use crate::sim::{Ends, Sim, id};
use crate::{Actor, Caller};

const PLAN: &str = "We ship on Friday.\n";

/// An agent's issue with a document, and the agent at work on it.
async fn at_work(seed: u64) -> (Desk, String, Run) {
    let sim = Sim::new(seed).await;
    let agent = sim.agent("Ada", json!({})).await;
    let issue = sim.issue(&agent).await;
    let run = sim.one().await;
    let desk = Desk { sim, issue };
    desk.write(PLAN).await;
    (desk, agent, run)
}

fn agent_caller(d: &Desk, agent: &str) -> Caller {
    let company = d.sim.company.parse().unwrap();
    Caller { actor: Actor::Agent { id: agent.parse().unwrap(), company, run: None } }
}

#[tokio::test]
async fn an_agent_speaks_on_its_own_issue_and_a_stranger_only_reads() {
    let (d, _, run) = at_work(21).await;
    let ada = Sim::as_run(&run);
    let thread = d.try_annotate(&ada, "Friday", "Is that fixed?").await.unwrap();
    assert_eq!(thread["createdByAgentId"], json!(run.agent_id));
    assert_eq!(thread["comments"][0]["authorType"], "agent");
    assert_eq!(thread["comments"][0]["createdByRunId"], json!(run.id));
    d.reply(&ada, &thread, "I think so").await.unwrap();
    let resolved = d.set(&ada, &thread, "resolved").await.unwrap();
    assert_eq!(resolved["resolvedByAgentId"], json!(run.agent_id));
    d.set(&ada, &thread, "open").await.unwrap();
    let attach = d.selecting("ship", json!({ "threadId": id(&thread) })).await;
    d.sim.try_ask(&ada, "annotations.attach", attach.clone()).await.unwrap();

    let bob = agent_caller(&d, &d.sim.agent("Bob", json!({})).await);
    let read = d.about(json!({ "threadId": id(&thread) }));
    for op in ["annotations.get", "annotations.snapshots"] {
        d.sim.try_ask(&bob, op, read.clone()).await.unwrap();
    }
    d.sim.try_ask(&bob, "annotations.list", d.about(json!({}))).await.unwrap();
    let refuse = |answer: Result<Value, _>| {
        let e: contract::ApiError = answer.unwrap_err();
        assert!(matches!(e.code, ErrorCode::Forbidden | ErrorCode::Conflict), "{e:?}");
    };
    refuse(d.try_annotate(&bob, "Friday", "No").await);
    refuse(d.reply(&bob, &thread, "No").await);
    refuse(d.set(&bob, &thread, "resolved").await);
    refuse(d.sim.try_ask(&bob, "annotations.attach", attach).await);
    let now = d.thread(&thread).await;
    assert_eq!((&now["status"], now["comments"].as_array().unwrap().len()), (&json!("open"), 2));
}

#[tokio::test]
async fn an_agent_of_another_company_gets_nothing() {
    let (mut d, ..) = at_work(22).await;
    let thread = d.annotate("Friday").await;
    let home = d.sim.company.clone();
    d.sim.found("Abroad").await;
    let eve = agent_caller(&d, &d.sim.agent("Eve", json!({})).await);
    d.sim.company = home;
    let at = d.about(json!({ "threadId": id(&thread) }));
    for (op, input) in [
        ("annotations.list", d.about(json!({}))),
        ("annotations.get", at.clone()),
        ("annotations.snapshots", at),
        ("documents.get", d.about(json!({}))),
    ] {
        refused(d.sim.try_ask(&eve, op, input).await, ErrorCode::Forbidden);
    }
    refused(d.try_annotate(&eve, "Friday", "Hello").await, ErrorCode::Forbidden);
    refused(d.reply(&eve, &thread, "Hello").await, ErrorCode::Forbidden);
    refused(d.set(&eve, &thread, "resolved").await, ErrorCode::Forbidden);
    let attach = d.selecting("ship", json!({ "threadId": id(&thread) })).await;
    refused(d.sim.try_ask(&eve, "annotations.attach", attach).await, ErrorCode::Forbidden);
}

#[tokio::test]
async fn a_run_that_only_says_what_becomes_of_its_issue_says_nothing_about_documents() {
    let (d, agent) = Desk::planned(23, PLAN).await;
    let thread = d.annotate("Friday").await;
    d.sim.end(&d.sim.one().await, Ends::Well("Answered.")).await;
    let payload = json!({ "issueId": d.issue, "recoveryIntent": "status_only" });
    d.sim.ask("agents.wake", json!({ "id": agent, "payload": payload })).await;
    let ada = Sim::as_run(&d.sim.one().await);
    refused(d.try_annotate(&ada, "ship", "Hm").await, ErrorCode::Forbidden);
    refused(d.reply(&ada, &thread, "Hm").await, ErrorCode::Forbidden);
    refused(d.set(&ada, &thread, "resolved").await, ErrorCode::Forbidden);
    let attach = d.selecting("ship", json!({ "threadId": id(&thread) })).await;
    refused(d.sim.try_ask(&ada, "annotations.attach", attach).await, ErrorCode::Forbidden);
}

#[tokio::test]
async fn agents_read_a_document_with_its_open_threads_and_people_when_they_ask() {
    let (d, _, run) = at_work(24).await;
    let (open, closed) = (d.annotate("Friday").await, d.annotate("ship").await);
    let (ada, operator) = (Sim::as_run(&run), Caller::operator());
    d.set(&operator, &closed, "resolved").await.unwrap();
    let read = async |caller: &Caller, more: Value| {
        d.sim.try_ask(caller, "documents.get", d.about(more)).await.unwrap()
    };
    let document = read(&ada, json!({})).await;
    assert_eq!(document["body"], PLAN);
    assert_eq!(document["annotations"].as_array().unwrap().len(), 1);
    assert_eq!(document["annotations"][0]["id"], open["id"]);
    assert_eq!(document["annotations"][0]["selectedText"], "Friday");
    assert!(document["annotations"][0].get("comments").is_none());
    assert!(read(&ada, json!({ "includeAnnotations": false })).await.get("annotations").is_none());
    assert!(read(&operator, json!({})).await.get("annotations").is_none());
    let comments = json!({ "includeAnnotations": "true", "includeAnnotationComments": "true" });
    let document = read(&operator, comments).await;
    assert_eq!(document["annotations"][0]["comments"][0]["body"], "Why?");
    let all = d.about(json!({ "status": "all", "includeComments": true }));
    let all = d.sim.ask("annotations.list", all).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert!(all.as_array().unwrap().iter().all(|t| t["comments"].as_array().unwrap().len() == 1));
}

#[tokio::test]
async fn a_locked_document_is_the_boards_to_write_and_everybodys_to_annotate() {
    let (d, _, run) = at_work(25).await;
    let (ada, operator) = (Sim::as_run(&run), Caller::operator());
    let thread = d.annotate("Friday").await;
    let locked = d.sim.ask("documents.lock", d.about(json!({}))).await;
    assert_eq!(
        (locked["lockedAt"].is_null(), &locked["lockedByUserId"]),
        (false, &operator.user_id().into())
    );
    assert_eq!(d.sim.ask("documents.lock", d.about(json!({}))).await, locked, "twice is fine");
    refused(d.sim.try_ask(&ada, "documents.lock", d.about(json!({}))).await, ErrorCode::Forbidden);
    refused(d.sim.try_ask(&ada, "documents.unlock", d.about(json!({}))).await, ErrorCode::Forbidden);
    let text = json!({ "format": "markdown", "body": "No.", "baseRevisionId": locked["latestRevisionId"] });
    refused(d.sim.try_ask(&ada, "documents.put", d.about(text.clone())).await, ErrorCode::Conflict);
    d.write("We ship on Friday, then.\n").await;
    let first = d.about(json!({ "revisionId": locked["latestRevisionId"] }));
    refused(d.sim.try_ask(&ada, "documents.restore", first).await, ErrorCode::Conflict);
    let attach = d.selecting("ship", json!({ "threadId": id(&thread) })).await;
    refused(d.sim.try_ask(&ada, "annotations.attach", attach).await, ErrorCode::Conflict);
    d.reply(&ada, &thread, "Then it is").await.unwrap();
    d.try_annotate(&ada, "then", "Why then?").await.unwrap();

    let open = d.sim.ask("documents.unlock", d.about(json!({}))).await;
    assert_eq!((&open["lockedAt"], &open["lockedByUserId"]), (&Value::Null, &Value::Null));
    d.sim.ask("documents.unlock", d.about(json!({}))).await;
    let mut text = text;
    text["baseRevisionId"] = open["latestRevisionId"].clone();
    d.sim.try_ask(&ada, "documents.put", d.about(text)).await.unwrap();
    let trail: Vec<String> = d.trail().await.into_iter().map(|(a, _)| a).collect();
    let of = |what: &str| trail.iter().filter(|a| *a == what).count();
    assert_eq!((of("issue.document_locked"), of("issue.document_unlocked")), (1, 1));
}
