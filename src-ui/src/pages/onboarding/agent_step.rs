//! The first agent: its name, and what runs it.

use contract::adapter::{
    AdapterDetection, AdapterInfo, DetectAdapters, EnvironmentTest, TestEnvironment, TestStatus,
};
use contract::agent::{AgentRole, CreateAgent, UpdateAgent};
use contract::company::Nothing;
use contract::operations as op;
use contract::{AgentId, ApiError, Cents, CompanyId, JsonObject, Patch, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Back, Wizard, focus};
use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Icon, Skeleton};
use crate::components::icons as i;
use crate::labels;

/// Adapters that a first start offers, in this order; others wait in the agent form.
const OFFERED: [&str; 3] = ["demo", "claude_local", "process"];

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
pub fn AgentStep(w: Wizard) -> impl IntoView {
    let Wizard { agent_name: name, adapter: chosen, command, .. } = w;
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
    // What keeps it from working at all, if it is known.
    let lacks = Memo::new(move |_| match chosen.get().as_str() {
        "process" if command.with(|c| c.trim().is_empty()) => Some("Say which command it runs.".to_owned()),
        "process" | "demo" => None,
        kind => detection(kind).filter(|d| d.executable.is_none()).map(|d| d.why),
    });
    let next = move || {
        if lacks.with_untracked(Option::is_some) {
            return;
        }
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
        let (made, config) = (w.agent.get_untracked(), config());
        spawn_local(async move {
            let answer = match made {
                Some(a) => {
                    let change = other_agent(a.id, name, kind, config);
                    call::<op::UpdateAgentOp>(&change).await.map(|d| d.agent)
                }
                None => call::<op::CreateAgentOp>(&first_agent(company.id, name, kind, config)).await,
            };
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
            {move || {
                lacks
                    .get()
                    .map(|why| view! { <p class="field-error" role="status" data-testid="onboarding-lacks">{why}</p> })
            }}
            <div class="step-actions">
                <Back w=w />
                <button type="button" class="btn big" data-testid="onboarding-test" disabled=testing on:click=test>
                    <Icon d=i::HEART_PULSE />
                    {move || if testing.get() { "Testing" } else { "Test it" }}
                </button>
                <button
                    class="btn primary big"
                    type="submit"
                    data-testid="onboarding-next"
                    disabled=move || {
                        w.busy.get() || name.with(|n| n.trim().is_empty()) || lacks.with(Option::is_some)
                    }
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

/// The agent that was made already, as it was chosen now.
fn other_agent(id: AgentId, name: Text<1, 200>, kind: Text<1, 60>, config: JsonObject) -> UpdateAgent {
    UpdateAgent {
        id: id.into(),
        company_id: None,
        name: Some(name),
        role: None,
        title: Patch::Keep,
        icon: Patch::Keep,
        reports_to: Patch::Keep,
        capabilities: Patch::Keep,
        adapter_type: Some(kind),
        adapter_config: Some(config),
        replace_adapter_config: true,
        runtime_config: None,
        budget_monthly_cents: None,
        metadata: Patch::Keep,
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
