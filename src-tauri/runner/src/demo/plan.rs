//! How the demo agent plans: it writes the plan, asks for a decision on exactly that revision, takes up what the
//! operator says about its text, and makes issues of the plan once it is accepted.

use serde_json::{Value, json};

use super::http::{DemoError, Door};
use super::voice::Voice;
use super::work::{Task, text, write_document};

/// The plan as it is now, with what is said about it.
struct Plan {
    revision: String,
    number: i64,
    body: String,
    /// Open threads, each with its comments.
    threads: Vec<Value>,
}

/// One heartbeat on an issue that is to be planned.
pub fn heartbeat(door: &Door, voice: &mut Voice, task: &Task) -> Result<String, DemoError> {
    let cards = voice.must(door, "GET", &task.path("/interactions"), None)?;
    let mine = |card: &&Value| {
        text(card, "kind") == "request_confirmation" && text(card, "createdByAgentId") == task.agent
    };
    let last = cards.as_array().and_then(|cards| cards.iter().rfind(mine));
    let Some(card) = last else {
        voice.say(&format!("I plan \"{}\" before anything is done about it.", task.title));
        write_document(door, voice, task, &draft(task), "First plan")?;
        let plan = read(door, voice, task)?;
        return ask(door, voice, task, &plan);
    };
    let plan = read(door, voice, task)?;
    let about = text(&card["payload"]["target"], "revisionId").to_owned();
    match text(card, "status") {
        "pending" => wait(door, voice, task, &plan),
        "accepted" => decompose(door, voice, task, &plan, &about),
        "rejected" if about == plan.revision => revise(door, voice, task, &plan, card),
        // Somebody else wrote the plan since: that is what there is to decide about now.
        _ => ask(door, voice, task, &plan),
    }
}

fn read(door: &Door, voice: &mut Voice, task: &Task) -> Result<Plan, DemoError> {
    let path = task.path("/documents/plan?includeAnnotations=true&includeAnnotationComments=true");
    let document = voice.must(door, "GET", &path, None)?;
    Ok(Plan {
        revision: text(&document, "latestRevisionId").to_owned(),
        number: document["latestRevisionNumber"].as_i64().unwrap_or_default(),
        body: text(&document, "body").to_owned(),
        threads: document["annotations"].as_array().cloned().unwrap_or_default(),
    })
}

/// Asks the operator to accept this revision, and no other.
fn ask(door: &Door, voice: &mut Voice, task: &Task, plan: &Plan) -> Result<String, DemoError> {
    let card = json!({
        "kind": "request_confirmation",
        "idempotencyKey": format!("demo-plan:{}:{}", task.id, plan.revision),
        "title": format!("Plan for {}", task.title),
        "continuationPolicy": "wake_assignee",
        "payload": {
            "version": 1,
            "prompt": format!("Shall I go on with revision {} of the plan?", plan.number),
            "acceptLabel": "Accept the plan",
            "rejectLabel": "Ask for changes",
            "target": {
                "type": "issue_document",
                "key": "plan",
                "revisionId": plan.revision,
                "revisionNumber": plan.number,
            },
        },
    });
    voice.must(door, "POST", &task.path("/interactions"), Some(card))?;
    voice.say("I have asked for a decision on the plan and end my turn here.");
    Ok(format!("Asked for a decision on revision {} of the plan.", plan.number))
}

/// The last comment of a thread, when it is the operator's.
fn asked_last(thread: &Value) -> Option<&str> {
    let last = thread["comments"].as_array()?.last()?;
    last["authorAgentId"].is_null().then(|| text(last, "body"))
}

/// The decision is still to come: whoever speaks in the margin is answered there.
fn wait(door: &Door, voice: &mut Voice, task: &Task, plan: &Plan) -> Result<String, DemoError> {
    let mut heard = 0;
    for thread in plan.threads.iter().filter(|t| asked_last(t).is_some()) {
        reply(door, voice, task, thread, "I have read this. I take it up when you ask for changes.")?;
        heard += 1;
    }
    voice.say("My plan is still to be decided about, so there is nothing else to do yet.");
    Ok(format!("The plan for \"{}\" waits for a decision; {heard} comments answered.", task.title))
}

fn reply(door: &Door, voice: &mut Voice, task: &Task, thread: &Value, body: &str) -> Result<(), DemoError> {
    let path = task.path(&format!("/documents/plan/annotations/{}/comments", text(thread, "id")));
    voice.must(door, "POST", &path, Some(json!({ "body": body })))?;
    Ok(())
}

/// Changes were asked for: each open comment is taken up where it stands, and the new revision is asked about.
fn revise(
    door: &Door,
    voice: &mut Voice,
    task: &Task,
    plan: &Plan,
    card: &Value,
) -> Result<String, DemoError> {
    let reason = text(&card["result"], "reason");
    let said = reason.lines().find(|l| !l.trim().is_empty()).unwrap_or("no reason given");
    voice.say(&format!("The operator asks for changes: {said}"));
    let body = revised(plan, said);
    let change = format!("Took up {} comments", plan.threads.len());
    write_document(door, voice, task, &body, &change)?;
    let next = read(door, voice, task)?;
    for thread in &next.threads {
        reply(door, voice, task, thread, &format!("Taken up in revision {}.", next.number))?;
    }
    ask(door, voice, task, &next)
}

/// What the operator wanted of a thread: their last words in it.
fn wish(thread: &Value) -> Option<&str> {
    let comments = thread["comments"].as_array()?;
    comments.iter().rfind(|c| c["authorAgentId"].is_null()).map(|c| text(c, "body"))
}

/// The plan with each comment taken up in the line that it is about.
fn revised(plan: &Plan, said: &str) -> String {
    let mut lines: Vec<String> = plan.body.lines().map(str::to_owned).collect();
    let mut rest = Vec::new();
    for thread in &plan.threads {
        let Some(wish) = wish(thread).and_then(|w| w.lines().next()) else { continue };
        let quote = text(thread, "selectedText");
        match lines.iter_mut().find(|l| !quote.is_empty() && l.contains(quote)) {
            Some(line) => line.push_str(&format!(" As you asked: {wish}")),
            None => rest.push(format!("- {wish}")),
        }
    }
    let note = format!("> Revision {}, after this was said: {said}", plan.number + 1);
    let after_title = lines.iter().position(|l| l.starts_with("# ")).map_or(0, |n| n + 1);
    lines.splice(after_title..after_title, [String::new(), note]);
    if !rest.is_empty() {
        lines.extend([String::new(), "## Also asked for".into(), String::new()]);
        lines.extend(rest);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The steps of a plan: its numbered lines, each up to its first full stop.
fn steps(body: &str) -> Vec<String> {
    body.lines()
        .filter_map(|line| {
            let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
            let step = rest.strip_prefix(". ").filter(|_| rest.len() < line.len())?;
            Some(step.split(['.', ':']).next().unwrap_or(step).trim().to_owned())
        })
        .filter(|s| !s.is_empty())
        .take(25)
        .collect()
}

/// The plan was accepted: it becomes issues, once, however often this is called.
fn decompose(
    door: &Door,
    voice: &mut Voice,
    task: &Task,
    plan: &Plan,
    accepted: &str,
) -> Result<String, DemoError> {
    let body = if accepted == plan.revision {
        plan.body.clone()
    } else {
        let path = task.path(&format!("/documents/plan/revisions/{accepted}"));
        text(&voice.must(door, "GET", &path, None)?, "body").to_owned()
    };
    let children: Vec<Value> = steps(&body).into_iter().map(|title| json!({ "title": title })).collect();
    voice.say(&format!("The plan is accepted. I make {} issues of it.", children.len()));
    let made = json!({ "acceptedPlanRevisionId": accepted, "children": children });
    voice.must(door, "POST", &task.path("/accepted-plan-decompositions"), Some(made))?;
    let body =
        format!("The plan became {} issues. Each of them can be given to somebody now.", children.len());
    voice.must(door, "POST", &task.path("/comments"), Some(json!({ "body": body })))?;
    voice.must(door, "PATCH", &task.path(""), Some(json!({ "status": "done" })))?;
    Ok(format!("Made {} issues of the plan for \"{}\".", children.len(), task.title))
}

fn draft(task: &Task) -> String {
    let asked = if task.description.is_empty() { "(no description)" } else { &task.description };
    let quoted = asked.lines().map(|l| format!("> {l}")).collect::<Vec<_>>().join("\n");
    format!(
        "# Plan: {}\n\n{quoted}\n\n## Steps\n\n1. Find out what there is: who uses it, and what must not break.\n\
         2. Build the smallest thing that works, and show it.\n3. Measure whether it is better than before.\n\
         4. Tell everybody who has to know.\n\n## Risks\n\nThe work may turn out to be larger than it looks. If so, I \
         stop after the second step and ask.\n",
        task.title
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(quote: &str, wish: &str) -> Value {
        json!({ "id": "t", "selectedText": quote, "comments": [
            { "body": wish, "authorAgentId": null },
            { "body": "I have read this.", "authorAgentId": "me" },
        ] })
    }

    #[test]
    fn each_comment_is_taken_up_where_it_stands_and_the_rest_at_the_end() {
        let body =
            "# Plan: X\n\n## Steps\n\n1. Find out what there is: who uses it.\n2. Build it.\n".to_owned();
        let threads = vec![thread("who uses it", "Ask Eve."), thread("gone", "Mind the cost."), json!({})];
        let plan = Plan { revision: "r".into(), number: 1, body, threads };
        let next = revised(&plan, "Too vague");
        assert!(next.contains("who uses it. As you asked: Ask Eve."), "{next}");
        assert!(next.ends_with("## Also asked for\n\n- Mind the cost.\n"), "{next}");
        assert!(next.starts_with("# Plan: X\n\n> Revision 2, after this was said: Too vague\n\n## Steps"));
        assert_eq!(steps(&next), ["Find out what there is", "Build it"]);
    }

    #[test]
    fn only_numbered_lines_are_steps() {
        assert_eq!(steps("1. One. More\n10. Ten\nText 1. no\n- no\n1.5 no\n. no"), ["One", "Ten"]);
    }
}
