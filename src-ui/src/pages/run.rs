//! A run's own page: its state and why, what it said and did, how it was started.

use std::sync::Arc;

use contract::issue::IssuePath;
use contract::operations as op;
use contract::recovery::{OutlookAction, RunOutlook};
use contract::run::{ListRunEvents, Run, RunEvent, RunPath, RunStatus};
use contract::watchdog::{OutputSilence, RunDetail};
use contract::{ErrorCode, RunId};
use leptos::prelude::*;
use serde_json::Value;

use crate::api::query::{Ask, Query, use_query};
use crate::components::base::{Ago, Avatar, Elapsed, Empty, Icon, IssueChip, Link, State, copy, loaded};
use crate::components::icons as i;
use crate::components::raw_log::RawLog;
use crate::components::shell::Topbar;
use crate::components::silence::Silence;
use crate::components::transcript::Transcript;
use crate::format;
use crate::labels;
use crate::state::route::{AgentTab, Page};
use crate::state::{act, app, company};

#[component]
pub fn RunPage(reference: String) -> impl IntoView {
    let co = company();
    let Ok(id) = reference.parse::<RunId>() else {
        return view! { <Empty icon=i::ZAP title="There is no such run" /> }.into_any();
    };
    let query = use_query::<op::GetRun>(move || {
        let mut ask = Ask::within(RunPath { run_id: id }, co.id);
        ask.entity = Some(id.to_string());
        Some(ask)
    });
    let missing = Memo::new(move |_| {
        query.error.with(|e| e.as_ref().is_some_and(|e| e.code == ErrorCode::NotFound))
            && query.data.with(Option::is_none)
    });
    view! {
        <Show
            when=move || !missing.get()
            fallback=|| view! { <Empty icon=i::ZAP title="There is no such run" text="It may belong to another company." /> }
        >
            {loaded(
                query,
                8,
                move |detail| {
                    let run = Memo::new(move |_| detail.with(|d| Arc::new(d.run.clone())));
                    let silence = Signal::derive(move || detail.with(|d| Some(d.output_silence.clone())));
                    view! { <Detail run=run.into() silence=silence query=query /> }
                },
            )}
        </Show>
    }
    .into_any()
}

/// A field of the run's own account, wherever the adapter put it.
fn number(run: &Run, keys: &[&str]) -> Option<f64> {
    [&run.usage_json, &run.result_json]
        .into_iter()
        .flatten()
        .find_map(|o| keys.iter().find_map(|k| o.get(*k)?.as_f64()))
}

/// Why the agent was woken.
fn why(run: &Run) -> String {
    let snapshot = run.context_snapshot.as_ref();
    let reason = snapshot.and_then(|s| s.get("wakeReason").or_else(|| s.get("reason"))?.as_str());
    labels::wake_reason(reason, run.invocation_source)
}

#[component]
fn Detail(
    run: Signal<Arc<Run>>,
    silence: Signal<Option<OutputSilence>>,
    query: Query<RunDetail>,
) -> impl IntoView {
    let co = company();
    let id = run.with_untracked(|r| r.id);
    let agent = run.with_untracked(|r| r.agent_id);
    let status = Memo::new(move |_| run.with(|r| r.status));
    let issue = Memo::new(move |_| run.with(|r| r.issue_id));
    let name = Signal::derive(move || co.agent_name(agent));
    let waits = use_query::<op::GetRunOutlook>(move || {
        let waiting = matches!(status.get(), RunStatus::Queued | RunStatus::ScheduledRetry);
        waiting.then(|| Ask::within(RunPath { run_id: id }, co.id))
    });
    let tab = RwSignal::new("transcript");
    let cancel = move |_| {
        act::<op::CancelRun>(RunPath { run_id: id }, move |_| {
            query.refetch();
            app().say("Run stopped");
        });
    };
    let url_key = move || co.agent(agent).map_or_else(|| agent.to_string(), |a| a.url_key);
    let tabs =
        [("transcript", "Transcript"), ("raw", "Raw"), ("events", "Steps"), ("invocation", "Invocation")];
    view! {
        <div class="page run-page">
            <Topbar
                crumbs=vec![
                    ("Agents".into(), Page::Agents("all".into())),
                    (untrack(|| name.get()), Page::Agent(untrack(url_key), AgentTab::Runs)),
                ]
                title=format!("Run {}", id.to_string().chars().take(8).collect::<String>())
            >
                <Show when=move || !status.get().is_terminal()>
                    <button class="btn" data-testid="cancel-run" on:click=cancel>
                        <Icon d=i::CIRCLE_STOP />
                        "Stop run"
                    </button>
                </Show>
                <button class="icon-btn" aria-label="Copy the run's id" title="Copy id" on:click=move |_| copy(id.to_string(), "Id")>
                    <Icon d=i::COPY />
                </button>
            </Topbar>
            <div class="run-head">
                <h1>
                    {move || view! { <Avatar name=name.get() /> }}
                    {name}
                    <span data-testid="run-state" data-status=move || status.get().as_str()>
                        {move || view! { <State look=labels::run_status(status.get()) /> }}
                    </span>
                    {move || issue.get().map(|i| view! { <IssueOf id=i /> })}
                </h1>
                {move || {
                    let waiting = matches!(status.get(), RunStatus::Queued | RunStatus::ScheduledRetry);
                    if waiting {
                        waits.get().and_then(|w| w.as_ref().clone()).map(|w| view! { <Waits run=run outlook=w /> }.into_any())
                    } else {
                        run.with(|r| trouble(r))
                    }
                }}
                <Silence run=id silence=silence />
                <div class="facts-row">
                    {move || run.with(|r| facts(r, query.get().and_then(|d| d.processes)))}
                </div>
            </div>
            <div class="run-tabs">
                <div class="tabs" role="tablist">
                    {tabs
                        .into_iter()
                        .map(|(key, label)| {
                            view! {
                                <button
                                    role="tab"
                                    data-testid=format!("transcript-{key}")
                                    aria-selected=move || (tab.get() == key).to_string()
                                    on:click=move |_| tab.set(key)
                                >
                                    {label}
                                </button>
                            }
                        })
                        .collect_view()}
                </div>
            </div>
            {move || match tab.get() {
                "raw" => view! { <RawLog run=id /> }.into_any(),
                "events" => view! { <Events run=id /> }.into_any(),
                "invocation" => view! { <Invocation run=id /> }.into_any(),
                _ => view! { <Transcript run=id tall=true /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn IssueOf(id: contract::IssueId) -> impl IntoView {
    let co = company();
    let issue = use_query::<op::GetIssue>(move || {
        let mut ask = Ask::within(contract::issue::IssuePath { id: id.into() }, co.id);
        ask.entity = Some(id.to_string());
        Some(ask)
    });
    move || {
        issue.get().map(|d| {
            view! {
                <IssueChip identifier=d.issue.display_key() />
                <span class="muted ellipsis">{d.issue.title.clone()}</span>
            }
        })
    }
}

/// What a run that is not at work waits for, and what brings it forward.
#[component]
fn Waits(run: Signal<Arc<Run>>, outlook: RunOutlook) -> impl IntoView {
    let look = run.with_untracked(|r| labels::run_status(r.status));
    let attempt = run.with_untracked(|r| r.scheduled_retry_attempt);
    let issue = run.with_untracked(|r| r.issue_id);
    let now = app().now;
    let retry = issue.filter(|_| outlook.action == Some(OutlookAction::RetryNow)).map(|issue| {
        view! {
            <button
                class="btn"
                data-testid="run-retry-now"
                on:click=move |_| {
                    act::<op::RetryNowOp>(IssuePath { id: issue.into() }, |answer| app().say(answer.message));
                }
            >
                <Icon d=i::ROTATE_CCW />
                "Retry now"
            </button>
        }
    });
    view! {
        <div class=format!("notice tone-{}", look.tone) data-testid="run-waits">
            <Icon d=look.icon />
            <span>
                {outlook.reason}
                {(attempt > 0).then(|| format!(" (attempt {attempt})"))}
            </span>
            {outlook
                .at
                .map(|t| view! { <span class="num muted">{move || format::ahead(t, now.get())}</span> })}
            {retry}
        </div>
    }
}

/// What went wrong.
fn trouble(r: &Run) -> Option<AnyView> {
    let failed = matches!(r.status, RunStatus::Failed | RunStatus::TimedOut | RunStatus::Cancelled);
    let error = failed.then(|| labels::run_error(r.error_code.as_deref(), r.error.as_deref())).flatten();
    let excerpt = r.stderr_excerpt.clone().filter(|s| r.status == RunStatus::Failed && !s.trim().is_empty());
    let error = error?;
    let tone = labels::run_status(r.status).tone;
    let icon = labels::run_status(r.status).icon;
    Some(
        view! {
            <div class=format!("notice tone-{tone}")>
                <Icon d=icon />
                <span class="selectable">{error}</span>
            </div>
            {excerpt.map(|e| view! { <pre class="fold-text error">{e}</pre> })}
        }
        .into_any(),
    )
}

fn facts(r: &Run, processes: Option<u32>) -> AnyView {
    let fact = |name: &'static str, value: AnyView| view! { <div><span>{name}</span><span class="num">{value}</span></div> };
    let tokens =
        number(r, &["inputTokens", "input_tokens"]).zip(number(r, &["outputTokens", "output_tokens"]));
    let cost = number(r, &["costUsd", "cost_usd", "total_cost_usd"]);
    let unaccounted = r.result_json.as_ref().and_then(|o| o.get("unaccounted")?.as_str()).map(str::to_owned);
    let session = r.session_id_after.clone().or_else(|| r.session_id_before.clone());
    view! {
        {fact("Why", why(r).into_any())}
        {fact("Queued", view! { <Ago at=r.created_at /> }.into_any())}
        {r.started_at.map(|s| fact("Took", view! { <Elapsed start=s end=r.finished_at /> }.into_any()))}
        {tokens
            .map(|(i, o)| {
                fact("Tokens", format!("{} in, {} out", format::tokens(i as i64), format::tokens(o as i64)).into_any())
            })}
        {cost.filter(|_| unaccounted.is_none()).map(|c| fact("Cost", format::usd(c).into_any()))}
        {unaccounted
            .map(|why| {
                let known = cost.map_or_else(|| "not known".to_owned(), |c| format!("{} at least", format::usd(c)));
                fact("Cost", view! { <span title=why>{known}</span> }.into_any())
            })}
        {r.exit_code.map(|c| fact("Exit code", c.to_string().into_any()))}
        {r.signal.clone().map(|s| fact("Signal", s.into_any()))}
        {r.process_pid.filter(|_| !r.status.is_terminal()).map(|p| {
            let others = processes.filter(|n| *n > 1).map(|n| format!(" and {} more", n - 1));
            fact("Process", format!("{p}{}", others.unwrap_or_default()).into_any())
        })}
        {session.map(|s| fact("Session", view! { <code title=s.clone()>{format::first_line(&s, 10)}</code> }.into_any()))}
        {r.log_bytes.map(|b| fact("Log", format::bytes(b.unsigned_abs()).into_any()))}
        {r.retry_of_run_id
            .map(|of| {
                let to = company().route(Page::Run(of.to_string()));
                fact("Retries", view! { <Link to=to class="quiet-link">"an earlier run"</Link> }.into_any())
            })}
    }
    .into_any()
}

fn events(run: RunId) -> Query<Vec<RunEvent>> {
    let co = company();
    use_query::<op::ListRunEventsOp>(move || {
        let input = ListRunEvents { run_id: run, after_seq: None, limit: Some(1000) };
        Some(Ask::within(input, co.id))
    })
}

#[component]
fn Events(run: RunId) -> impl IntoView {
    view! {
        <div class="page-body">
            <div class="page-inner narrow">
                {loaded(
                    events(run),
                    6,
                    |all| {
                        view! {
                            <div class="flat-list">
                                <Show when=move || all.with(|e| e.is_empty())>
                                    <p class="muted">"No step is recorded yet."</p>
                                </Show>
                                <For each=move || all.get().to_vec() key=|e| e.id let:e>
                                    <div class="line-item step-row">
                                        <span class="num muted">{e.seq}</span>
                                        <code class="mono">{e.event_type.clone()}</code>
                                        <span class="selectable">{e.message.clone()}</span>
                                        <span class="push">
                                            <Ago at=e.created_at />
                                        </span>
                                    </div>
                                </For>
                            </div>
                        }
                    },
                )}
            </div>
        </div>
    }
}

/// How the run was started: command, folder, environment with secrets masked, prompt.
#[component]
fn Invocation(run: RunId) -> impl IntoView {
    view! {
        <div class="page-body">
            <div class="page-inner narrow form">
                {loaded(
                    events(run),
                    6,
                    |all| {
                        let payload = Memo::new(move |_| {
                            all.with(|e| {
                                e.iter().rev().find(|e| e.event_type == "adapter.invoke").and_then(|e| e.payload.clone())
                            })
                        });
                        move || match payload.get() {
                            Some(p) => invocation(&p),
                            None => {
                                view! {
                                    <Empty
                                        icon=i::TERMINAL
                                        title="Nothing was started yet"
                                        text="The command, its folder and its environment are shown once the agent's program runs."
                                    />
                                }
                                    .into_any()
                            }
                        }
                    },
                )}
            </div>
        </div>
    }
}

fn invocation(p: &contract::JsonObject) -> AnyView {
    let text = |k: &str| p.get(k).and_then(Value::as_str).map(str::to_owned);
    let args: Vec<String> = p
        .get("commandArgs")
        .and_then(Value::as_array)
        .map(|a| a.iter().filter_map(Value::as_str).map(quoted).collect())
        .unwrap_or_default();
    let command =
        text("command").map(|c| std::iter::once(quoted(&c)).chain(args).collect::<Vec<_>>().join(" "));
    let notes: Vec<String> = p
        .get("commandNotes")
        .and_then(Value::as_array)
        .map(|a| a.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let env = p.get("env").and_then(Value::as_object).map(|env| {
        let mut lines: Vec<String> = env
            .iter()
            .map(|(k, v)| format!("{k}={}", v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
            .collect();
        lines.sort();
        lines.join("\n")
    });
    let part = |title: &'static str, value: Option<String>| {
        value.filter(|v| !v.is_empty()).map(|v| {
            let copied = v.clone();
            view! {
                <section class="block">
                    <header class="block-head">
                        <h2>{title}</h2>
                        <button class="icon-btn push" aria-label="Copy" on:click=move |_| copy(copied.clone(), title)>
                            <Icon d=i::COPY />
                        </button>
                    </header>
                    <pre class="fold-text whole">{v}</pre>
                </section>
            }
        })
    };
    view! {
        {part("Command", command)}
        {part("Folder", text("cwd"))}
        {part("Notes", Some(notes.join("\n")))}
        {part("Environment, secrets masked", env)}
        {part("Prompt", text("prompt"))}
    }
    .into_any()
}

/// An argument as a shell would need it.
fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn arguments_are_quoted_as_a_shell_needs_them() {
        assert_eq!(quoted("--model=a"), "--model=a");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
