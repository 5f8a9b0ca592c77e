//! The first issue, ready to be sent.

use contract::issue::{CreateIssue, IssueStatus};
use contract::operations as op;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Back, Wizard, focus};
use crate::api::call;
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::state::app;
use crate::state::route::{Page, Route};
use crate::text::{checked, optional};

const FIRST_TITLE: &str = "Introduce yourself and propose a first plan";
const FIRST_TEXT: &str = "Read the company's mission. Then:\n\n\
1. Write a comment that says who you are and how you understand the mission.\n\
2. Write a document `plan` with the first three things worth doing, each with why and how one sees that it is done.\n\
3. Ask me which of them to start with.\n";

#[component]
pub fn IssueStep(w: Wizard) -> impl IntoView {
    let title = RwSignal::new(FIRST_TITLE.to_owned());
    let text = RwSignal::new(FIRST_TEXT.to_owned());
    focus("onboarding-issue-title");
    let name = w.agent.get_untracked().map_or_else(|| "your agent".into(), |a| a.name);
    let create = move || {
        let (Some(company), Some(agent)) = (w.company.get_untracked(), w.agent.get_untracked()) else {
            return;
        };
        let typed = (checked("The title", title.get_untracked()), optional("The text", text.get_untracked()));
        let (title, about) = match typed {
            (Ok(title), Ok(about)) => (title, about),
            (Err(e), _) | (_, Err(e)) => return w.error.set(Some(e)),
        };
        if w.busy.get_untracked() {
            return;
        }
        let mut input = CreateIssue::titled(company.id, title);
        input.description = about;
        input.status = Some(IssueStatus::Todo);
        input.assignee_agent_id = Some(agent.id.into());
        w.busy.set(true);
        w.error.set(None);
        spawn_local(async move {
            let answer = call::<op::CreateIssueOp>(&input).await;
            w.busy.try_set(false);
            match answer {
                Ok(d) => app().go(Route::Company(company.issue_prefix, Page::Issue(d.issue.display_key()))),
                Err(e) => w.error.set(Some(e)),
            }
        });
    };
    view! {
        <form
            class="step"
            on:submit=move |ev| {
                ev.prevent_default();
                create();
            }
        >
            <h1>{format!("Give {name} something to do")}</h1>
            <p class="lead">"An issue is a piece of work. Its agent starts at once, and you can watch."</p>
            <label class="field-label">
                "Title"
                <input
                    class="field"
                    type="text"
                    maxlength="500"
                    data-testid="onboarding-issue-title"
                    prop:value=title
                    on:input:target=move |ev| title.set(ev.target().value())
                />
            </label>
            <label class="field-label">
                "What should be true when it is done"
                <textarea
                    class="field"
                    rows="7"
                    prop:value=text
                    on:input:target=move |ev| text.set(ev.target().value())
                ></textarea>
            </label>
            <div class="step-actions">
                <Back w=w />
                <button
                    class="btn primary big"
                    type="submit"
                    data-testid="onboarding-create-issue"
                    disabled=move || w.busy.get() || title.with(|t| t.trim().is_empty())
                >
                    "Create and watch"
                    <Icon d=i::PLAY />
                </button>
            </div>
        </form>
    }
}
