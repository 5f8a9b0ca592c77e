use contract::run::Run;
use domain::context;
use domain::prompt::WakeBrief;
use serde_json::json;

use super::Desk;
use crate::Caller;
use crate::sim::{Ends, Sim, id, said};

const PLAN: &str = "We ship on **Friday**.\n\nThe rest of the plan is long.\n";

async fn brief(d: &Desk, run: &Run) -> WakeBrief {
    let ctx = run.context_snapshot.clone().unwrap();
    d.sim.engine.brief(&mut d.sim.engine.store.read().await.unwrap(), run, &ctx).await.unwrap()
}

#[tokio::test]
async fn a_persons_annotations_wake_the_assignee_once_with_all_of_them() {
    let (d, _) = Desk::planned(31, PLAN).await;
    let first = d.annotate("Friday").await;
    let second = d.try_annotate(&Caller::operator(), "rest", "How **long**?").await.unwrap();
    d.reply(&Caller::operator(), &first, "Monday is better").await.unwrap();
    d.sim.ask("comments.add", json!({ "id": d.issue, "body": "See my notes." })).await;
    d.set(&Caller::operator(), &second, "resolved").await.unwrap();
    let run = d.sim.one().await;
    let ctx = run.context_snapshot.clone().unwrap();
    assert_eq!(said(&run, "wakeReason"), "issue_commented");
    assert_eq!((said(&run, "annotationThreadId"), said(&run, "documentKey")), (id(&first), "plan".into()));
    let ids = context::annotation_ids(&ctx);
    assert_eq!((ids.len(), context::comment_ids(&ctx).len()), (3, 1));
    assert_eq!((&ids[0], &ids[2]), (&id(&first["comments"][0]), &said(&run, "annotationCommentId")));

    let brief = brief(&d, &run).await;
    let deltas = brief.json()["annotationDeltas"].clone();
    let told: Vec<[&str; 6]> = deltas
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            ["documentKey", "quote", "anchorState", "status", "author", "body"]
                .map(|k| d[k].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ["plan", "Friday", "active", "open", "Board", "Why?"],
            ["plan", "rest", "active", "resolved", "Board", "How **long**?"],
            ["plan", "Friday", "active", "open", "Board", "Monday is better"],
        ]
    );
    assert_eq!(deltas[1]["threadId"], second["id"]);
    let text = brief.markdown(false);
    assert!(text.contains("Monday is better") && text.contains("“Friday”"), "{text}");
    assert!(!text.contains("of the plan is long"), "nothing else of the document: {text}");
    assert!(text.contains("See my notes."));
}

#[tokio::test]
async fn an_annotation_made_while_the_agent_is_at_work_waits_for_the_next_run() {
    let (d, agent) = Desk::planned(32, PLAN).await;
    d.sim.ask("agents.wake", json!({ "id": agent, "payload": { "issueId": d.issue } })).await;
    let run = d.sim.one().await;
    d.annotate("Friday").await;
    d.annotate("rest").await;
    assert!(d.sim.started().await.is_empty());
    d.sim.end(&run, Ends::Well("Done.")).await;
    let next = d.sim.one().await;
    assert_eq!(context::annotation_ids(next.context_snapshot.as_ref().unwrap()).len(), 2);
    assert_eq!(brief(&d, &next).await.annotations.len(), 2);
}

#[tokio::test]
async fn an_issue_that_is_put_aside_or_over_wakes_nobody_but_those_mentioned() {
    let (d, _) = Desk::planned(33, PLAN).await;
    let bob = d.sim.agent("Bob", json!({})).await;
    for status in ["backlog", "done", "cancelled"] {
        d.sim.ask("issues.update", json!({ "id": d.issue, "status": status })).await;
        let _ = d.sim.started().await;
        let thread = d.annotate("Friday").await;
        assert!(d.sim.started().await.is_empty(), "{status}");
        d.reply(&Caller::operator(), &thread, "@Bob, do you know?").await.unwrap();
        let run = d.sim.one().await;
        assert_eq!(
            (run.agent_id.to_string(), said(&run, "wakeReason")),
            (bob.clone(), "issue_comment_mentioned".into())
        );
        assert_eq!(brief(&d, &run).await.annotations[0].body, "@Bob, do you know?");
        // Whom it was asked may answer there.
        d.reply(&Sim::as_run(&run), &thread, "No.").await.unwrap();
        d.sim.end(&run, Ends::Well("")).await;
        let _ = d.sim.started().await;
    }
}

#[tokio::test]
async fn an_agents_annotation_wakes_whom_it_mentions_and_nobody_else() {
    let (d, agent) = Desk::planned(34, PLAN).await;
    let bob = d.sim.agent("Bob", json!({})).await;
    d.annotate("Friday").await;
    let run = d.sim.one().await;
    let ada = Sim::as_run(&run);
    let thread = d.try_annotate(&ada, "rest", "@Ada, I should look into that").await.unwrap();
    d.reply(&ada, &thread, "Later.").await.unwrap();
    assert!(d.sim.started().await.is_empty());
    d.reply(&ada, &thread, "@Bob please").await.unwrap();
    d.sim.end(&run, Ends::Well("Answered.")).await;
    let asked = d.sim.started().await;
    let of_bob: Vec<&Run> = asked.iter().filter(|r| r.agent_id.to_string() == bob).collect();
    assert_eq!(of_bob.len(), 1);
    // And the assignee by another's mention.
    d.reply(&Sim::as_run(of_bob[0]), &thread, "@Ada it is done").await.unwrap();
    d.sim.end(of_bob[0], Ends::Well("")).await;
    let back = d.sim.started().await;
    let ada: Vec<&Run> = back.iter().filter(|r| r.agent_id.to_string() == agent).collect();
    assert_eq!((ada.len(), said(ada[0], "wakeReason")), (1, "issue_comment_mentioned".into()));
}

#[tokio::test]
async fn what_was_annotated_during_a_pause_is_heard_after_it() {
    let (d, agent) = Desk::planned(35, PLAN).await;
    d.sim.ask("agents.pause", json!({ "id": agent })).await;
    let thread = d.annotate("Friday").await;
    assert!(d.sim.started().await.is_empty());
    d.sim.ask("agents.resume", json!({ "id": agent })).await;
    let run = d.sim.one().await;
    assert_eq!(said(&run, "annotationThreadId"), id(&thread));
    assert_eq!(brief(&d, &run).await.annotations.len(), 1);
}

#[tokio::test]
async fn a_wake_tells_nothing_of_another_issues_annotations() {
    let (d, agent) = Desk::planned(36, PLAN).await;
    let thread = d.annotate("Friday").await;
    for run in d.sim.started().await {
        d.sim.end(&run, Ends::Well("Answered.")).await;
    }
    let other = d.sim.issue_with(json!({ "assigneeAgentId": agent, "status": "backlog" })).await;
    let payload =
        json!({ "issueId": other, "annotationCommentId": id(&thread["comments"][0]), "documentKey": "plan" });
    d.sim.ask("agents.wake", json!({ "id": agent, "payload": payload })).await;
    let run = d.sim.one().await;
    let brief = brief(&d, &run).await;
    assert!(brief.annotations.is_empty());
    assert_eq!(brief.json()["annotationDeltas"], json!([]));
}

#[tokio::test]
async fn the_trail_says_what_was_said_and_identifiers_are_noted() {
    let (d, _) = Desk::planned(37, PLAN).await;
    let other = d.sim.issue_with(json!({ "title": "Elsewhere" })).await;
    let key = d.sim.get(other).await.identifier.unwrap();
    let thread =
        d.try_annotate(&Caller::operator(), "Friday", &format!("See {key}. {}", "x".repeat(900))).await;
    let thread = thread.unwrap();
    let (action, details) = d.trail().await.remove(0);
    assert_eq!(action, "issue.document_annotation_created");
    assert_eq!((&details["threadId"], &details["key"]), (&thread["id"], &json!("plan")));
    assert_eq!(
        (&details["quoteSnippet"], details["bodySnippet"].as_str().unwrap().len()),
        (&json!("Friday"), 200)
    );
    let detail = d.sim.ask("issues.get", json!({ "id": d.issue })).await;
    assert_eq!(detail["relatedWork"]["outbound"][0]["issue"]["id"], json!(other));
}
