//! The first start: a company, its first agent, its first issue; then one watches it work.

use contract::adapter::{
    AdapterDetection, AdapterInfo, DetectAdapters, EnvironmentTest, TestEnvironment, TestStatus,
};
use contract::agent::{Agent, AgentRole, CreateAgent};
use contract::company::{Company, CreateCompany, Nothing};
use contract::issue::{CreateIssue, IssueStatus};
use contract::operations as op;
use contract::planning::{CreateGoal, GoalLevel, GoalStatus};
use contract::{ApiError, Cents, CompanyId, JsonObject, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, Skeleton};
use crate::components::dialog::Overlay;
use crate::components::icons as i;
use crate::labels;
use crate::state::route::{Page, Route};
use crate::state::{act, app};

/// Adapters that a first start offers, in this order; others wait in the agent form.
const OFFERED: [&str; 3] = ["demo", "claude_local", "process"];

const FIRST_TITLE: &str = "Introduce yourself and propose a first plan";
const FIRST_TEXT: &str = "Read the company's mission. Then:\n\n\
1. Write a comment that says who you are and how you understand the mission.\n\
2. Write a document `plan` with the first three things worth doing, each with why and how one sees that it is done.\n\
3. Ask me which of them to start with.\n";

#[derive(Clone, Copy)]
struct Wizard {
    step: RwSignal<usize>,
    company: RwSignal<Option<Company>>,
    agent: RwSignal<Option<Agent>>,
    mission: RwSignal<String>,
    error: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
}

#[component]
pub fn Onboarding() -> impl IntoView {
    let w = Wizard {
        step: RwSignal::new(0),
        company: RwSignal::new(None),
        agent: RwSignal::new(None),
        mission: RwSignal::new(String::new()),
        error: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    let steps = ["Company", "First agent", "First issue"];
    view! {
        <div class="onboarding" data-testid="onboarding">
            <div class="onboarding-card">
                <ol class="steps" aria-label="Steps">
                    {steps
                        .into_iter()
                        .enumerate()
                        .map(|(n, name)| {
                            view! {
                                <li
                                    class:done=move || w.step.get().gt(&n)
                                    class:here=move || w.step.get() == n
                                    aria-current=move || (w.step.get() == n).then_some("step")
                                >
                                    <span class="step-mark">
                                        {move || {
                                            if w.step.get() > n {
                                                view! { <Icon d=i::CHECK /> }.into_any()
                                            } else {
                                                (n + 1).into_any()
                                            }
                                        }}
                                    </span>
                                    {name}
                                </li>
                            }
                        })
                        .collect_view()}
                </ol>
                {move || match w.step.get() {
                    0 => view! { <CompanyStep w=w /> }.into_any(),
                    1 => view! { <AgentStep w=w /> }.into_any(),
                    _ => view! { <IssueStep w=w /> }.into_any(),
                }}
                {move || {
                    w.error
                        .get()
                        .map(|e| {
                            view! {
                                <div class="notice tone-red" role="alert">
                                    <Icon d=i::CIRCLE_ALERT />
                                    <span>
                                        {e.message} " " {e.hint}
                                    </span>
                                </div>
                            }
                        })
                }}
            </div>
            <p class="onboarding-foot">
                "Everything stays on this machine. No account, no telemetry."
            </p>
        </div>
    }
}

/// Puts the focus into the field that a step begins with.
fn focus(testid: &'static str) {
    request_animation_frame(move || {
        use wasm_bindgen::JsCast;
        let el = document().query_selector(&format!("[data-testid={testid}]")).ok().flatten();
        if let Some(el) = el.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = el.focus();
        }
    });
}

/// Founds a company, and sets its mission as its goal.
async fn found(name: String, mission: String) -> Result<Company, ApiError> {
    let name = Text::new(name).map_err(|e| ApiError::invalid(format!("The name {e}")))?;
    let text = Text::new(mission.trim()).ok().filter(|t| !t.is_empty());
    let input = CreateCompany {
        name,
        description: text,
        budget_monthly_cents: Cents::ZERO,
        attachment_max_bytes: None,
    };
    let company = call::<op::CreateCompanyOp>(&input).await?;
    let (first, rest) = mission.trim().split_once('\n').unwrap_or((mission.trim(), ""));
    let title: String = first.chars().take(200).collect();
    if let Ok(title) = Text::new(title) {
        let goal = CreateGoal {
            company_id: company.id,
            title,
            description: Text::new(rest.trim()).ok().filter(|t| !t.is_empty()),
            level: Some(GoalLevel::Company),
            status: Some(GoalStatus::Active),
            parent_id: None,
            owner_agent_id: None,
        };
        call::<op::CreateGoalOp>(&goal).await?;
    }
    Ok(company)
}

#[component]
fn CompanyStep(w: Wizard) -> impl IntoView {
    let name = RwSignal::new(String::new());
    focus("onboarding-company-name");
    let next = move || {
        if w.busy.get_untracked() || name.with_untracked(|n| n.trim().is_empty()) {
            return;
        }
        w.busy.set(true);
        w.error.set(None);
        spawn_local(async move {
            let answer = found(name.get_untracked(), w.mission.get_untracked()).await;
            w.busy.try_set(false);
            match answer {
                Ok(c) => {
                    w.company.set(Some(c));
                    w.step.set(1);
                }
                Err(e) => w.error.set(Some(e)),
            }
        });
    };
    // The list of companies changes when the first is founded; the wizard's own route keeps it open until its end.
    app().replace(Route::Onboarding);
    view! {
        <form
            class="step"
            on:submit=move |ev| {
                ev.prevent_default();
                next();
            }
        >
            <h1>"What is your company called?"</h1>
            <p class="lead">"A company holds your agents, their work and what it costs. You can have several."</p>
            <label class="field-label">
                "Name"
                <input
                    class="field big"
                    type="text"
                    maxlength="200"
                    placeholder="Northwind"
                    autocomplete="off"
                    data-testid="onboarding-company-name"
                    prop:value=name
                    on:input:target=move |ev| name.set(ev.target().value())
                />
            </label>
            <label class="field-label">
                "Mission"
                <span class="optional">"optional"</span>
                <textarea
                    class="field"
                    rows="3"
                    placeholder="What should be true because this company exists? Agents read this before they work."
                    data-testid="onboarding-mission"
                    prop:value=w.mission
                    on:input:target=move |ev| w.mission.set(ev.target().value())
                ></textarea>
            </label>
            <div class="step-actions">
                <button
                    class="btn primary big"
                    type="submit"
                    data-testid="onboarding-next"
                    disabled=move || w.busy.get() || name.with(|n| n.trim().is_empty())
                >
                    "Continue"
                    <Icon d=i::ARROW_RIGHT />
                </button>
            </div>
        </form>
    }
}

fn test_status(s: TestStatus) -> labels::Look {
    match s {
        TestStatus::Pass => labels::Look { icon: i::CIRCLE_CHECK, word: "Ready", tone: "green" },
        TestStatus::Warn => {
            labels::Look { icon: i::TRIANGLE_ALERT, word: "Works, with warnings", tone: "yellow" }
        }
        TestStatus::Fail => labels::Look { icon: i::CIRCLE_X, word: "Not ready", tone: "red" },
    }
}

/// The result of an environment test, check by check.
#[component]
pub fn TestResult(test: EnvironmentTest) -> impl IntoView {
    use contract::adapter::CheckLevel;
    let look = test_status(test.status);
    view! {
        <div class="test-result" role="status">
            <span class=format!("state tone-{}", look.tone)>
                <Icon d=look.icon />
                {look.word}
            </span>
            <ul>
                {test
                    .checks
                    .into_iter()
                    .map(|c| {
                        let (icon, tone) = match c.level {
                            CheckLevel::Info => (i::CHECK, "green"),
                            CheckLevel::Warn => (i::TRIANGLE_ALERT, "yellow"),
                            CheckLevel::Error => (i::X, "red"),
                        };
                        view! {
                            <li>
                                <span class=format!("state tone-{tone}")>
                                    <Icon d=icon />
                                </span>
                                <span>
                                    {c.message} {c.detail.map(|d| view! { <code>{d}</code> })}
                                    {c.hint.map(|h| view! { <small>{h}</small> })}
                                </span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </div>
    }
}

/// Tests an adapter's settings and keeps the result.
pub fn test_adapter(
    company: CompanyId,
    kind: &str,
    config: JsonObject,
    busy: RwSignal<bool>,
    into: RwSignal<Option<Result<EnvironmentTest, ApiError>>>,
) {
    let Ok(kind) = Text::new(kind) else { return };
    let input =
        TestEnvironment { company_id: company, r#type: kind, adapter_config: config, environment_id: None };
    busy.set(true);
    into.set(None);
    spawn_local(async move {
        let answer = call::<op::TestAdapter>(&input).await;
        busy.try_set(false);
        into.try_set(Some(answer));
    });
}

#[component]
fn AgentStep(w: Wizard) -> impl IntoView {
    let name = RwSignal::new("Ada".to_owned());
    let chosen = RwSignal::new("demo".to_owned());
    let command = RwSignal::new(String::new());
    let testing = RwSignal::new(false);
    let result = RwSignal::new(None::<Result<EnvironmentTest, ApiError>>);
    let adapters = use_query::<op::ListAdapters>(|| Some(Ask::of(Nothing {})));
    let found =
        use_query::<op::DetectAdaptersOp>(|| Some(Ask::of(DetectAdapters { r#type: None, command: None })));
    focus("onboarding-agent-name");
    let offered = Memo::new(move |_| {
        let all = adapters.get();
        OFFERED
            .iter()
            .filter_map(|t| all.as_ref()?.iter().find(|a| a.r#type == *t && !a.disabled).cloned())
            .collect::<Vec<_>>()
    });
    let detection = move |kind: &str| -> Option<AdapterDetection> {
        found.data.with(|f| f.as_ref()?.iter().find(|d| d.r#type == kind).cloned())
    };
    let config = move || {
        let mut c = JsonObject::new();
        if chosen.get_untracked() == "process" {
            let typed = command.get_untracked();
            let mut words = typed.split_whitespace();
            if let Some(first) = words.next() {
                c.insert("command".into(), first.into());
                c.insert("args".into(), words.collect::<Vec<_>>().into());
            }
        }
        c
    };
    let test = move |_| {
        if let Some(company) = w.company.get_untracked() {
            test_adapter(company.id, &chosen.get_untracked(), config(), testing, result);
        }
    };
    let next = move || {
        let Some(company) = w.company.get_untracked() else { return };
        let (Ok(name), Ok(kind)) = (Text::new(name.get_untracked()), Text::new(chosen.get_untracked()))
        else {
            w.error.set(Some(ApiError::invalid("The agent needs a name")));
            return;
        };
        if w.busy.get_untracked() {
            return;
        }
        w.busy.set(true);
        w.error.set(None);
        let input = first_agent(company.id, name, kind, config());
        spawn_local(async move {
            let answer = call::<op::CreateAgentOp>(&input).await;
            w.busy.try_set(false);
            match answer {
                Ok(a) => {
                    w.agent.set(Some(a));
                    w.step.set(2);
                }
                Err(e) => w.error.set(Some(e)),
            }
        });
    };
    view! {
        <form
            class="step"
            on:submit=move |ev| {
                ev.prevent_default();
                next();
            }
        >
            <h1>"Hire your first agent"</h1>
            <p class="lead">"An agent is a program that works on issues. You can change everything about it later."</p>
            <label class="field-label">
                "Name"
                <input
                    class="field"
                    type="text"
                    maxlength="200"
                    autocomplete="off"
                    data-testid="onboarding-agent-name"
                    prop:value=name
                    on:input:target=move |ev| name.set(ev.target().value())
                />
            </label>
            <fieldset class="adapters">
                <legend class="field-label">"What runs it"</legend>
                <Show when=move || adapters.data.with(Option::is_none)>
                    <Skeleton rows=3 />
                </Show>
                {move || adapters.error.get().map(|e| view! { <p class="field-error">{e.message}</p> })}
                <For each=move || offered.get() key=|a| a.r#type.clone() let:a>
                    <AdapterCard
                        adapter=a.clone()
                        chosen=chosen
                        detection=Signal::derive({
                            let kind = a.r#type;
                            move || detection(&kind)
                        })
                        on_choose=Callback::new(move |()| result.set(None))
                    />
                </For>
            </fieldset>
            <Show when=move || chosen.get() == "process">
                <label class="field-label">
                    "Command"
                    <input
                        class="field mono"
                        type="text"
                        placeholder="/path/to/program --flag"
                        data-testid="onboarding-command"
                        prop:value=command
                        on:input:target=move |ev| command.set(ev.target().value())
                    />
                </label>
            </Show>
            {move || match result.get() {
                Some(Ok(t)) => view! { <TestResult test=t /> }.into_any(),
                Some(Err(e)) => view! { <p class="field-error" role="alert">{e.message}</p> }.into_any(),
                None => ().into_any(),
            }}
            <div class="step-actions">
                <button type="button" class="btn big" data-testid="onboarding-test" disabled=testing on:click=test>
                    <Icon d=i::HEART_PULSE />
                    {move || if testing.get() { "Testing" } else { "Test it" }}
                </button>
                <button
                    class="btn primary big"
                    type="submit"
                    data-testid="onboarding-next"
                    disabled=move || w.busy.get() || name.with(|n| n.trim().is_empty())
                >
                    "Continue"
                    <Icon d=i::ARROW_RIGHT />
                </button>
            </div>
        </form>
    }
}

fn first_agent(
    company_id: CompanyId,
    name: Text<1, 200>,
    kind: Text<1, 60>,
    config: JsonObject,
) -> CreateAgent {
    CreateAgent {
        company_id,
        name,
        role: AgentRole::Ceo,
        title: None,
        icon: None,
        reports_to: None,
        capabilities: None,
        desired_skills: None,
        adapter_type: kind,
        adapter_config: config,
        instructions_bundle: None,
        runtime_config: JsonObject::new(),
        default_environment_id: None,
        budget_monthly_cents: Cents::ZERO,
        permissions: None,
        metadata: None,
    }
}

#[component]
fn AdapterCard(
    adapter: AdapterInfo,
    chosen: RwSignal<String>,
    detection: Signal<Option<AdapterDetection>>,
    on_choose: Callback<()>,
) -> impl IntoView {
    let kind = StoredValue::new(adapter.r#type.clone());
    let on = Memo::new(move |_| chosen.with(|c| kind.with_value(|k| c == k)));
    let demo = adapter.r#type == "demo";
    let icon = match adapter.r#type.as_str() {
        "demo" => i::SPARKLES,
        "process" => i::TERMINAL,
        _ => i::BOT,
    };
    view! {
        <label class="adapter" class:on=on data-testid=format!("onboarding-adapter-{}", adapter.r#type)>
            <input
                type="radio"
                name="adapter"
                prop:checked=on
                on:change=move |_| {
                    chosen.set(kind.get_value());
                    on_choose.run(());
                }
            />
            <span class="adapter-icon">
                <Icon d=icon />
            </span>
            <span class="adapter-text">
                <span class="adapter-name">
                    {adapter.label}
                    {demo.then(|| view! { <span class="badge tone-blue">"Recommended for a look"</span> })}
                </span>
                <small>{adapter.description}</small>
                {move || {
                    detection
                        .get()
                        .filter(|_| !demo)
                        .map(|d| {
                            let there = d.executable.is_some();
                            view! {
                                <small class="found" title=d.why.clone()>
                                    <span class=if there { "state tone-green" } else { "state tone-yellow" }>
                                        <Icon d=if there { i::CIRCLE_CHECK } else { i::CIRCLE_ALERT } />
                                    </span>
                                    {match (&d.executable, &d.version) {
                                        (Some(e), Some(v)) => format!("{e} ({v})"),
                                        (Some(e), None) => e.clone(),
                                        (None, _) => d.why.clone(),
                                    }}
                                </small>
                            }
                        })
                }}
            </span>
        </label>
    }
}

#[component]
fn IssueStep(w: Wizard) -> impl IntoView {
    let title = RwSignal::new(FIRST_TITLE.to_owned());
    let text = RwSignal::new(FIRST_TEXT.to_owned());
    focus("onboarding-issue-title");
    let name = w.agent.get_untracked().map_or_else(|| "your agent".into(), |a| a.name);
    let create = move || {
        let (Some(company), Some(agent)) = (w.company.get_untracked(), w.agent.get_untracked()) else {
            return;
        };
        let Ok(title) = Text::new(title.get_untracked()) else {
            w.error.set(Some(ApiError::invalid("The issue needs a title")));
            return;
        };
        if w.busy.get_untracked() {
            return;
        }
        let mut input = CreateIssue::titled(company.id, title);
        input.description = Text::new(text.get_untracked()).ok();
        input.status = Some(IssueStatus::Todo);
        input.assignee_agent_id = Some(agent.id);
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

/// The dialog for one more company.
#[component]
pub fn NewCompany(close: Callback<()>) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let create = move || {
        let Ok(name) = Text::new(name.get_untracked()) else { return };
        let input = CreateCompany {
            name,
            description: None,
            budget_monthly_cents: Cents::ZERO,
            attachment_max_bytes: None,
        };
        act::<op::CreateCompanyOp>(input, |c| {
            app().companies.refetch();
            app().go(Route::Company(c.issue_prefix, Page::Dashboard));
        });
    };
    view! {
        <Overlay label="New company" class="confirm" close=close>
            <h2>"New company"</h2>
            <input
                class="field"
                type="text"
                placeholder="Name"
                aria-label="Name"
                data-autofocus=""
                on:input:target=move |ev| name.set(ev.target().value())
                on:keydown=move |ev| {
                    if ev.key() == "Enter" {
                        create();
                    }
                }
            />
            <div class="dialog-actions">
                <button class="btn" on:click=move |_| close.run(())>
                    "Discard"
                </button>
                <button
                    class="btn primary"
                    disabled=move || name.with(|n| n.trim().is_empty())
                    on:click=move |_| create()
                >
                    "Create company"
                </button>
            </div>
        </Overlay>
    }
}
