//! Writing a comment. What is typed is kept per issue until it is sent.

use contract::ApiError;
use contract::IssueId;
use contract::comment::AddComment;
use contract::operations as op;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::call;
use crate::components::base::{Icon, Kbd};
use crate::components::editor::Editor;
use crate::components::icons as i;
use crate::components::markdown_editor::FocusRequest;
use crate::state::prefs;
use crate::text::checked;

/// What sending a comment will set off.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The issue is over; the comment opens it again and wakes its agent.
    Reopens,
    /// A run is live and will see the comment, at once if it is interrupted.
    Live(String),
    /// The agent is woken.
    Wakes(String),
    /// Nobody is assigned: nobody is woken.
    Nobody,
    None,
}

#[component]
pub fn Composer(
    issue: IssueId,
    #[prop(into)] effect: Signal<Outcome>,
    sent: Callback<()>,
    focus: FocusRequest,
) -> impl IntoView {
    let key = StoredValue::new(format!("comment:{issue}"));
    let text = RwSignal::new(prefs::load::<String>(&key.get_value()).unwrap_or_default());
    let reopen = RwSignal::new(true);
    let interrupt = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<ApiError>);
    prefs::keep(key, text);
    let send = move || {
        if text.with_untracked(|t| t.trim().is_empty()) {
            return;
        }
        let body = match checked("The comment", text.get_untracked()) {
            Ok(body) => body,
            Err(e) => return error.set(Some(e)),
        };
        if busy.get_untracked() {
            return;
        }
        let mut input = AddComment::of(issue, body);
        let now = effect.get_untracked();
        input.reopen = now == Outcome::Reopens && reopen.get_untracked();
        input.interrupt = matches!(now, Outcome::Live(_)) && interrupt.get_untracked();
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = call::<op::AddCommentOp>(&input).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(_) => {
                    prefs::forget(&key.get_value());
                    text.set(String::new());
                    interrupt.set(false);
                    sent.run(());
                }
                Err(e) => error.set(Some(e)),
            }
        });
    };
    view! {
        <div class="composer" class:blank=move || text.with(String::is_empty)>
            <Editor
                value=text
                label="Comment"
                placeholder="Write a comment. @ names an agent, # an issue"
                testid="composer"
                class="bare"
                submit=Callback::new(move |()| send())
                late=true
                focus=focus
            />
            {move || error.get().map(|e| view! { <div class="notice tone-red" role="alert"><Icon d=i::CIRCLE_ALERT /><span>{e.message}</span></div> })}
            <div class="composer-foot">
                <span class="composer-hint">
                    {move || match effect.get() {
                        Outcome::Reopens => view! {
                            <label class="check">
                                <input
                                    type="checkbox"
                                    prop:checked=reopen
                                    on:change:target=move |ev| reopen.set(ev.target().checked())
                                />
                                "Reopen the issue and wake its agent"
                            </label>
                        }
                            .into_any(),
                        Outcome::Live(name) => view! {
                            <label class="check" title="Stop the live run; a new one starts with your comment">
                                <input
                                    type="checkbox"
                                    prop:checked=interrupt
                                    on:change:target=move |ev| interrupt.set(ev.target().checked())
                                />
                                {format!("{name} is working and will read it after this run. Interrupt now")}
                            </label>
                        }
                            .into_any(),
                        Outcome::Wakes(name) => format!("Wakes {name}").into_any(),
                        Outcome::Nobody => "Nobody is assigned, so nobody is woken".into_any(),
                        Outcome::None => ().into_any(),
                    }}
                </span>
                <button
                    class="btn primary"
                    data-testid="composer-send"
                    disabled=move || busy.get() || text.with(|t| t.trim().is_empty())
                    on:click=move |_| send()
                >
                    "Comment"
                    <Kbd keys="Ctrl ↵" />
                </button>
            </div>
        </div>
    }
}
