//! The form of an agent's settings. Its fields come from the adapter; the same form makes and changes agents.

mod adapter_fields;
mod environment;

use std::collections::BTreeMap;

use contract::adapter::AdapterInfo;
use contract::agent::{Agent, AgentRole};
use contract::company::Nothing;
use contract::operations as op;
use contract::text::Name;
use contract::{AgentId, ApiError, Cents, JsonObject};
use leptos::prelude::*;
use serde_json::Value;

use crate::api::query::{Ask, Query, use_query};
use crate::components::base::Toggle;
use crate::format;
use crate::state::company;
use crate::text::{checked, optional};

pub use adapter_fields::AdapterFields;

/// What the form holds.
#[derive(Clone, Copy)]
pub struct AgentForm {
    pub name: RwSignal<String>,
    pub title: RwSignal<String>,
    pub role: RwSignal<AgentRole>,
    pub reports_to: RwSignal<Option<AgentId>>,
    pub adapter: RwSignal<String>,
    pub config: RwSignal<JsonObject>,
    pub runtime: RwSignal<JsonObject>,
    /// What it may spend a month, as it is typed.
    pub budget: RwSignal<String>,
    /// What is wrong with what was typed into a field of the adapter, by its key. The field's setting is then as it was.
    pub wrong: RwSignal<BTreeMap<String, String>>,
    pub adapters: Query<Vec<AdapterInfo>>,
}

impl AgentForm {
    /// A form for a new agent, or for one that is there.
    pub fn of(agent: Option<&Agent>) -> Self {
        let f = Self {
            name: RwSignal::new(String::new()),
            title: RwSignal::new(String::new()),
            role: RwSignal::new(AgentRole::General),
            reports_to: RwSignal::new(None),
            adapter: RwSignal::new("claude_local".to_owned()),
            config: RwSignal::new(JsonObject::new()),
            runtime: RwSignal::new(JsonObject::new()),
            budget: RwSignal::new(String::new()),
            wrong: RwSignal::new(BTreeMap::new()),
            adapters: use_query::<op::ListAdapters>(|| Some(Ask::of(Nothing {}))),
        };
        if let Some(a) = agent {
            f.fill(a);
        }
        f
    }

    /// Takes an agent's present settings.
    pub fn fill(self, a: &Agent) {
        self.name.set(a.name.clone());
        self.title.set(a.title.clone().unwrap_or_default());
        self.role.set(a.role);
        self.reports_to.set(a.reports_to);
        self.adapter.set(a.adapter_type.clone());
        self.config.set(a.adapter_config.clone());
        self.runtime.set(a.runtime_config.clone());
        self.budget.set(format::money_field(a.budget_monthly_cents));
        self.wrong.set(BTreeMap::new());
    }

    /// Whether it holds what the agent has.
    pub fn same_as(self, a: &Agent) -> bool {
        self.name.with(|n| *n == a.name)
            && self.title.with(|t| *t == a.title.clone().unwrap_or_default())
            && self.role.get() == a.role
            && self.reports_to.get() == a.reports_to
            && self.adapter.with(|t| *t == a.adapter_type)
            && self.config.with(|c| *c == a.adapter_config)
            && self.runtime.with(|r| *r == a.runtime_config)
            && self.cents() == Ok(a.budget_monthly_cents)
            && self.wrong.with(BTreeMap::is_empty)
    }

    /// What it may spend a month, or what is wrong with what was typed.
    pub fn cents(self) -> Result<Cents, &'static str> {
        self.budget.with(|b| format::parse_money(b))
    }

    /// Its name and title, or the first field that the core would refuse.
    pub fn texts(self) -> Result<(Name, Option<Name>), ApiError> {
        if let Some(why) = self.wrong.with_untracked(|w| w.values().next().cloned()) {
            return Err(ApiError::invalid(why));
        }
        let name = checked("The name", self.name.get_untracked())?;
        Ok((name, optional("The title", self.title.get_untracked())?))
    }

    fn heartbeat(self, key: &str) -> Option<Value> {
        self.runtime.with(|r| r.get("heartbeat")?.get(key).cloned())
    }

    fn set_heartbeat(self, key: &str, value: Value) {
        self.runtime.update(|r| {
            let h = r.entry("heartbeat").or_insert_with(|| JsonObject::new().into());
            if let Some(h) = h.as_object_mut() {
                h.insert(key.to_owned(), value);
            }
        });
    }

    fn set_field(self, key: &str, value: Option<Value>) {
        self.config.update(|c| match value {
            Some(v) => {
                c.insert(key.to_owned(), v);
            }
            None => {
                c.remove(key);
            }
        });
    }
}

#[component]
pub fn IdentityFields(form: AgentForm, #[prop(optional)] myself: Option<AgentId>) -> impl IntoView {
    let co = company();
    view! {
        <section class="form-section">
            <h2>"Who it is"</h2>
            <div class="form-grid">
                <label class="field-label">
                    "Name"
                    <input
                        class="field"
                        type="text"
                        maxlength="200"
                        autocomplete="off"
                        data-testid="agent-new-name"
                        prop:value=form.name
                        aria-invalid=move || form.name.with(|n| n.trim().is_empty()).to_string()
                        on:input:target=move |ev| form.name.set(ev.target().value())
                    />
                    {move || {
                        (myself.is_some() && form.name.with(|n| n.trim().is_empty()))
                            .then(|| view! { <small class="field-error" role="alert">"An agent needs a name"</small> })
                    }}
                </label>
                <label class="field-label">
                    "Title"
                    <input
                        class="field"
                        type="text"
                        maxlength="200"
                        placeholder="Backend engineer"
                        prop:value=form.title
                        on:input:target=move |ev| form.title.set(ev.target().value())
                    />
                </label>
                <label class="field-label">
                    "Role"
                    <select
                        class="field"
                        prop:value=move || form.role.get().as_str()
                        on:change:target=move |ev| {
                            if let Ok(r) = ev.target().value().parse() {
                                form.role.set(r);
                            }
                        }
                    >
                        {AgentRole::ALL
                            .iter()
                            .map(|r| {
                                let here = form.role.get_untracked() == *r;
                                view! {
                                    <option value=r.as_str() selected=here>
                                        {role(*r)}
                                    </option>
                                }
                            })
                            .collect_view()}
                    </select>
                </label>
                <label class="field-label">
                    "Reports to"
                    <select
                        class="field"
                        on:change:target=move |ev| form.reports_to.set(ev.target().value().parse().ok())
                    >
                        <option value="">"Nobody"</option>
                        {move || {
                            co.agents
                                .get()
                                .iter()
                                .flat_map(|a| a.iter())
                                .filter(|a| Some(a.id) != myself)
                                .map(|a| {
                                    let here = form.reports_to.get() == Some(a.id);
                                    view! {
                                        <option value=a.id.to_string() selected=here>
                                            {a.name.clone()}
                                        </option>
                                    }
                                })
                                .collect_view()
                        }}
                    </select>
                </label>
            </div>
        </section>
    }
}

/// A role as a person writes it.
pub fn role(r: AgentRole) -> String {
    match r {
        AgentRole::Ceo | AgentRole::Cto | AgentRole::Cmo | AgentRole::Cfo | AgentRole::Pm | AgentRole::Qa => {
            r.as_str().to_uppercase()
        }
        other => format::words(other.as_str()),
    }
}

/// When it works: on a timer, when woken, how many runs at once.
#[component]
pub fn PolicyFields(form: AgentForm) -> impl IntoView {
    let flag = move |key: &'static str, default: bool| {
        Signal::derive(move || form.heartbeat(key).and_then(|v| v.as_bool()).unwrap_or(default))
    };
    let number = move |key: &'static str| {
        move || {
            form.heartbeat(key)
                .and_then(|v| v.as_i64())
                .filter(|n| *n > 0)
                .map_or_else(String::new, |n| n.to_string())
        }
    };
    let timer = flag("enabled", false);
    view! {
        <section class="form-section">
            <h2>"When it works"</h2>
            <Toggle
                label="Wake on demand"
                help="Assignments, comments, mentions and you may start it."
                on=flag("wakeOnDemand", true)
                set=Callback::new(move |on: bool| form.set_heartbeat("wakeOnDemand", on.into()))
            />
            <Toggle
                label="Heartbeat"
                help="Looks for due work on a timer. Nothing is started, and nothing is spent, when nothing is due."
                on=timer
                set=Callback::new(move |on: bool| {
                    form.set_heartbeat("enabled", on.into());
                    if on && form.heartbeat("intervalSec").and_then(|v| v.as_i64()).unwrap_or(0) <= 0 {
                        form.set_heartbeat("intervalSec", 3600.into());
                    }
                })
            />
            <Show when=move || timer.get()>
                <label class="setting">
                    <span class="setting-text">"Every how many minutes"</span>
                    <input
                        class="field"
                        type="number"
                        min="1"
                        prop:value=move || {
                            form.heartbeat("intervalSec")
                                .and_then(|v| v.as_i64())
                                .map_or_else(String::new, |s| (s / 60).max(1).to_string())
                        }
                        on:change:target=move |ev| {
                            let minutes = ev.target().value().parse::<i64>().unwrap_or(60).max(1);
                            form.set_heartbeat("intervalSec", (minutes * 60).into());
                        }
                    />
                </label>
            </Show>
            <label class="setting">
                <span class="setting-text">
                    <span>"Runs at once"</span>
                    <small>"More than one lets it work on several issues at the same time."</small>
                </span>
                <input
                    class="field"
                    type="number"
                    min="1"
                    max="50"
                    placeholder="default"
                    prop:value=number("maxConcurrentRuns")
                    on:change:target=move |ev| {
                        if let Ok(n) = ev.target().value().parse::<i64>() {
                            form.set_heartbeat("maxConcurrentRuns", n.clamp(1, 50).into());
                        }
                    }
                />
            </label>
        </section>
    }
}

/// What it may spend.
#[component]
pub fn BudgetFields(form: AgentForm) -> impl IntoView {
    let wrong = Memo::new(move |_| form.cents().err());
    view! {
        <section class="form-section">
            <h2>"What it may spend"</h2>
            <label class="setting">
                <span class="setting-text">
                    <span>"Budget a month"</span>
                    {move || match wrong.get() {
                        Some(why) => view! { <small class="wrong" id="budget-wrong" role="alert">{why}</small> }.into_any(),
                        None => view! { <small>"In dollars, by the calendar month (UTC). Warns at 80%; when it is spent, its runs stop."</small> }.into_any(),
                    }}
                </span>
                <span class="money">
                    <span aria-hidden="true">"$"</span>
                    <input
                        class="field"
                        type="text"
                        inputmode="decimal"
                        placeholder="No limit"
                        autocomplete="off"
                        data-testid="agent-budget"
                        aria-invalid=move || wrong.get().is_some().to_string()
                        aria-describedby=move || wrong.get().map(|_| "budget-wrong")
                        prop:value=form.budget
                        on:input:target=move |ev| form.budget.set(ev.target().value())
                    />
                </span>
            </label>
        </section>
    }
}
