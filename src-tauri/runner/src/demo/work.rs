//! One heartbeat of the demo agent.

use serde_json::{Value, json};

use super::Manner;
use super::http::{DemoError, Door};
use super::voice::Voice;

/// Asked once an issue, however often the agent is woken.
const QUESTION: &str = "depth";

/// The issue at hand.
pub(super) struct Task {
    pub id: String,
    pub agent: String,
    name: String,
    pub title: String,
    pub description: String,
    status: String,
    /// A plan is asked for rather than work.
    planning: bool,
}

impl Task {
    pub fn path(&self, rest: &str) -> String {
        format!("/api/issues/{}{rest}", self.id)
    }

    const fn document(&self) -> &'static str {
        if self.planning { "plan" } else { "notes" }
    }
}

/// What became of the question.
enum Question {
    NotAsked,
    Pending,
    /// Settled, in the operator's words or with nothing said.
    Settled(Option<String>),
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Works the issue that the wake is about, or the first in the inbox. Answers what was done.
pub fn heartbeat(
    door: &Door,
    voice: &mut Voice,
    manner: &Manner,
    var: &dyn Fn(&str) -> Option<String>,
) -> Result<String, DemoError> {
    let reason = var("PAPERCLIP_WAKE_REASON").unwrap_or_else(|| "no reason given".into());
    voice.say(&format!("I was woken ({reason}). First I find out who I am and what is mine."));
    let me = voice.must(door, "GET", "/api/agents/me", None)?;
    let inbox = voice.must(door, "GET", "/api/agents/me/inbox-lite", None)?;
    let Some(id) = var("PAPERCLIP_TASK_ID").or_else(|| first_ready(&inbox)) else {
        return Ok("Nothing in my inbox is ready to be worked on.".into());
    };
    let comment = var("PAPERCLIP_WAKE_COMMENT_ID");
    let task = read_task(door, voice, &me, &id, comment.as_deref())?;
    if matches!(task.status.as_str(), "done" | "cancelled") {
        return Ok(format!("\"{}\" is {} already; there is nothing to do.", task.title, task.status));
    }
    let expected = ["todo", "backlog", "in_progress", "in_review", "blocked"];
    let claim = json!({ "agentId": task.agent, "expectedStatuses": expected });
    let checkout = voice.call(door, "POST", &task.path("/checkout"), Some(claim))?;
    match checkout.status {
        200..300 => {}
        409 => return Ok(format!("Somebody else works on \"{}\"; I leave it to them.", task.title)),
        status => {
            let message = text(&checkout.body, "error").to_owned();
            return Err(DemoError::Refused { method: "POST", path: task.path("/checkout"), status, message });
        }
    }
    if task.planning {
        return super::plan::heartbeat(door, voice, &task);
    }
    let question = if manner.asks { question(door, voice, &task)? } else { Question::Settled(None) };
    match question {
        Question::NotAsked => ask(door, voice, &task),
        Question::Pending => wait(door, voice, &task, comment.is_some()),
        Question::Settled(answer) => finish(door, voice, &task, answer),
    }
}

fn first_ready(inbox: &Value) -> Option<String> {
    let entries = inbox.as_array()?;
    let ready = |entry: &&Value| {
        entry["dependencyReady"].as_bool().unwrap_or(true)
            && matches!(text(entry, "status"), "todo" | "in_progress")
            && entry["activeRun"].is_null()
    };
    let entry = entries.iter().find(ready)?;
    Some(text(entry, "id").to_owned()).filter(|id| !id.is_empty())
}

fn read_task(
    door: &Door,
    voice: &mut Voice,
    me: &Value,
    id: &str,
    comment: Option<&str>,
) -> Result<Task, DemoError> {
    let query = comment.map_or_else(String::new, |c| format!("?wakeCommentId={c}"));
    let path = format!("/api/issues/{id}/heartbeat-context{query}");
    let context = voice.must(door, "GET", &path, None)?;
    let issue = &context["issue"];
    let need = |value: &Value, key: &'static str| {
        value[key].as_str().map(str::to_owned).ok_or_else(|| DemoError::Missing(path.clone(), key))
    };
    Ok(Task {
        id: need(issue, "id")?,
        agent: need(me, "id")?,
        name: text(me, "name").to_owned(),
        title: need(issue, "title")?,
        description: text(issue, "description").trim().to_owned(),
        status: need(issue, "status")?,
        planning: text(issue, "workMode") == "planning",
    })
}

/// Looks whether this agent has asked already, and what was answered.
fn question(door: &Door, voice: &mut Voice, task: &Task) -> Result<Question, DemoError> {
    let cards = voice.must(door, "GET", &task.path("/interactions"), None)?;
    let mine = |card: &&Value| {
        text(card, "kind") == "ask_user_questions" && text(card, "createdByAgentId") == task.agent
    };
    let Some(card) = cards.as_array().and_then(|cards| cards.iter().rfind(mine)) else {
        return Ok(Question::NotAsked);
    };
    Ok(match text(card, "status") {
        "pending" => Question::Pending,
        "answered" => Question::Settled(Some(answer(card))),
        _ => Question::Settled(None),
    })
}

/// The labels of the chosen options, and what the operator wrote.
fn answer(card: &Value) -> String {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut said: Vec<String> = Vec::new();
    for given in array(&card["result"]["answers"]) {
        let asked = array(&card["payload"]["questions"]);
        let options = asked
            .iter()
            .find(|q| q["id"] == given["questionId"])
            .map(|q| array(&q["options"]))
            .unwrap_or_default();
        for chosen in array(&given["optionIds"]) {
            let label = options.iter().find(|o| o["id"] == chosen).map(|o| text(o, "label").to_owned());
            said.extend(label.or_else(|| chosen.as_str().map(str::to_owned)));
        }
    }
    let note = text(&card["result"], "summaryMarkdown").trim();
    if !note.is_empty() {
        said.push(note.to_owned());
    }
    if said.is_empty() { "no choice".into() } else { said.join(", ") }
}

/// The first wake: notes, a comment, and a question to the operator.
fn ask(door: &Door, voice: &mut Voice, task: &Task) -> Result<String, DemoError> {
    voice.say(&format!("I write down how I understand \"{}\".", task.title));
    write_document(door, voice, task, &draft(task), "First notes")?;
    let body = format!(
        "I have read the issue and started the `{}` document. One question before I finish.",
        task.document()
    );
    voice.must(door, "POST", &task.path("/comments"), Some(json!({ "body": body })))?;
    let card = json!({
        "kind": "ask_user_questions",
        "idempotencyKey": format!("demo-question:{}", task.id),
        "title": "How deep should this go?",
        "continuationPolicy": "wake_assignee",
        "payload": {
            "version": 1,
            "submitLabel": "Answer",
            "questions": [{
                "id": QUESTION,
                "prompt": "How detailed should the result be?",
                "selectionMode": "single",
                "required": true,
                "options": [
                    { "id": "brief", "label": "Brief", "description": "The outcome in a few lines." },
                    { "id": "thorough", "label": "Thorough", "description": "Every step with its reason." },
                ],
            }],
        },
    });
    voice.must(door, "POST", &task.path("/interactions"), Some(card))?;
    voice.say("I have asked and end my turn here; the answer will wake me.");
    Ok(format!("Started \"{}\" and asked one question.", task.title))
}

fn wait(door: &Door, voice: &mut Voice, task: &Task, addressed: bool) -> Result<String, DemoError> {
    if addressed {
        let body = "Thank you. I go on as soon as my question above is answered.";
        voice.must(door, "POST", &task.path("/comments"), Some(json!({ "body": body })))?;
    }
    voice.say("My question is still open, so there is nothing to do yet.");
    Ok(format!("\"{}\" waits for an answer to my question.", task.title))
}

/// The wake after the answer: the outcome goes into the document, and the issue is done.
fn finish(door: &Door, voice: &mut Voice, task: &Task, answer: Option<String>) -> Result<String, DemoError> {
    match &answer {
        Some(answer) => {
            voice.say(&format!("The operator answered: {answer}. I finish the work accordingly."))
        }
        None => voice.say("I finish the work."),
    }
    write_document(door, voice, task, &result(task, answer.as_deref()), "Outcome")?;
    let body = format!("Done. The outcome is in the `{}` document.", task.document());
    voice.must(door, "POST", &task.path("/comments"), Some(json!({ "body": body })))?;
    voice.must(door, "PATCH", &task.path(""), Some(json!({ "status": "done" })))?;
    Ok(format!("Finished \"{}\".", task.title))
}

/// Writes the document over whatever revision is the latest, which may change once in between.
pub(super) fn write_document(
    door: &Door,
    voice: &mut Voice,
    task: &Task,
    body: &str,
    change: &str,
) -> Result<(), DemoError> {
    let (all, path) = (task.path("/documents"), task.path(&format!("/documents/{}", task.document())));
    for last_try in [false, true] {
        let documents = voice.must(door, "GET", &all, None)?;
        let present =
            documents.as_array().and_then(|all| all.iter().find(|d| text(d, "key") == task.document()));
        let mut edit = json!({
            "title": if task.planning { "Plan" } else { "Notes" },
            "format": "markdown",
            "body": body,
            "changeSummary": change,
        });
        if let Some(present) = present {
            edit["baseRevisionId"] = present["latestRevisionId"].clone();
        }
        let written = voice.call(door, "PUT", &path, Some(edit))?;
        match written.status {
            200..300 => return Ok(()),
            409 if !last_try => {}
            status => {
                let message = text(&written.body, "error").to_owned();
                return Err(DemoError::Refused { method: "PUT", path, status, message });
            }
        }
    }
    Ok(())
}

fn draft(task: &Task) -> String {
    let asked = if task.description.is_empty() { "(no description)" } else { &task.description };
    let quoted = asked.lines().map(|l| format!("> {l}")).collect::<Vec<_>>().join("\n");
    format!(
        "# {}\n\n{quoted}\n\n## How I go about it\n\n1. Read the issue and what led to it.\n2. Ask what is unclear.\n\
         3. Write the outcome here and close the issue.\n",
        task.title
    )
}

fn result(task: &Task, answer: Option<&str>) -> String {
    let depth = answer.map_or_else(String::new, |a| format!("\n## Decided\n\nLevel of detail: {a}.\n"));
    format!(
        "{}{depth}\n## Outcome\n\n{} looked at \"{}\" from start to finish: checked out, discussed, written down \
         and closed. A real agent would have done the work itself; this one shows the way an issue takes.\n",
        draft(task),
        if task.name.is_empty() { "The demo agent" } else { &task.name },
        task.title
    )
}
