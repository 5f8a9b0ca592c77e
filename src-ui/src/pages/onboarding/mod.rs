//! The first start: a company, its first agent, its first issue; then one watches it work.

mod agent_step;
mod issue_step;

use contract::agent::Agent;
use contract::company::{Company, CreateCompany, UpdateCompany};
use contract::operations as op;
use contract::planning::{CreateGoal, GoalLevel, GoalStatus};
use contract::{ApiError, Cents, CompanyId, Patch, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::call;
use crate::components::base::{Icon, Link};
use crate::components::dialog::Overlay;
use crate::components::icons as i;
use crate::state::route::{Page, Route};
use crate::state::{act, app};
use crate::text::{checked, optional};
use agent_step::AgentStep;
use issue_step::IssueStep;

pub use agent_step::{TestResult, test_adapter};

/// What was typed and made so far. A step that one comes back to changes what it made.
#[derive(Clone, Copy)]
struct Wizard {
    step: RwSignal<usize>,
    company: RwSignal<Option<Company>>,
    agent: RwSignal<Option<Agent>>,
    name: RwSignal<String>,
    mission: RwSignal<String>,
    agent_name: RwSignal<String>,
    adapter: RwSignal<String>,
    command: RwSignal<String>,
    error: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
}

#[component]
pub fn Onboarding() -> impl IntoView {
    let w = Wizard {
        step: RwSignal::new(0),
        company: RwSignal::new(None),
        agent: RwSignal::new(None),
        name: RwSignal::new(String::new()),
        mission: RwSignal::new(String::new()),
        agent_name: RwSignal::new("Ada".to_owned()),
        adapter: RwSignal::new("demo".to_owned()),
        command: RwSignal::new(String::new()),
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

/// The way to the step before.
#[component]
fn Back(w: Wizard) -> impl IntoView {
    let back = move |_| {
        w.error.set(None);
        w.step.update(|s| *s = s.saturating_sub(1));
    };
    view! {
        <button type="button" class="btn quiet big first" data-testid="onboarding-back" on:click=back>
            "Back"
        </button>
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

/// Gives the company that was just founded another name or mission.
async fn rename(company: CompanyId, name: String, mission: String) -> Result<Company, ApiError> {
    let input = UpdateCompany {
        name: Some(checked("The name", name)?),
        description: Patch::from(optional("The mission", mission.trim())?),
        ..UpdateCompany::of(company)
    };
    call::<op::UpdateCompanyOp>(&input).await
}

/// Founds a company, and sets its mission as its goal.
async fn found(name: String, mission: String) -> Result<Company, ApiError> {
    let name = checked("The name", name)?;
    let text = optional("The mission", mission.trim())?;
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
        // The company is there, with its mission: a goal that could not be set is told and can be set later.
        if let Err(e) = call::<op::CreateGoalOp>(&goal).await {
            app().fail(&e);
        }
    }
    Ok(company)
}

#[component]
fn CompanyStep(w: Wizard) -> impl IntoView {
    let name = w.name;
    focus("onboarding-company-name");
    let next = move || {
        if w.busy.get_untracked() || name.with_untracked(|n| n.trim().is_empty()) {
            return;
        }
        w.busy.set(true);
        w.error.set(None);
        spawn_local(async move {
            let (name, mission) = (name.get_untracked(), w.mission.get_untracked());
            let answer = match w.company.get_untracked() {
                Some(c) => rename(c.id, name, mission).await,
                None => found(name, mission).await,
            };
            w.busy.try_set(false);
            match answer {
                Ok(c) => {
                    app().companies.patch(|all| {
                        all.retain(|other| other.id != c.id);
                        all.push(c.clone());
                    });
                    w.company.set(Some(c));
                    w.step.set(1);
                }
                Err(e) => w.error.set(Some(e)),
            }
        });
    };
    // The list of companies changes when the first is founded; the wizard's own route keeps it open until its end.
    app().replace(Route::Onboarding);
    // One that was made from the command line meanwhile.
    let elsewhere = Memo::new(move |_| {
        let own = w.company.with(|c| c.as_ref().map(|c| c.id));
        app().companies.data.with(|all| {
            let all = all.as_ref().filter(|_| own.is_none())?;
            all.first().map(|c| (c.name.clone(), c.issue_prefix.clone()))
        })
    });
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
                {move || {
                    elsewhere
                        .get()
                        .map(|(name, prefix)| {
                            view! {
                                <Link
                                    to=Route::Company(prefix, Page::Dashboard)
                                    class="btn quiet"
                                    testid="onboarding-elsewhere"
                                >
                                    {format!("Open {name}")}
                                </Link>
                            }
                        })
                }}
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

/// The dialog for one more company.
#[component]
pub fn NewCompany(close: Callback<()>) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let create = move || {
        let name = match checked("The name", name.get_untracked()) {
            Ok(name) => name,
            Err(e) => return app().fail(&e),
        };
        let input = CreateCompany {
            name,
            description: None,
            budget_monthly_cents: Cents::ZERO,
            attachment_max_bytes: None,
        };
        act::<op::CreateCompanyOp>(input, |c| {
            app().companies.patch(|all| all.push(c.clone()));
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
