//! A new agent.

use contract::ApiError;
use contract::agent::CreateAgent;
use contract::operations as op;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::call;
use crate::components::agent_form::{AdapterFields, AgentForm, BudgetFields, IdentityFields, PolicyFields};
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::state::route::{AgentTab, Page};
use crate::state::{app, company};
use crate::text::checked;

#[component]
pub fn NewAgent() -> impl IntoView {
    let co = company();
    let form = AgentForm::of(None);
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<ApiError>);
    let create = move |_| {
        let typed = (form.texts(), checked("The adapter", form.adapter.get_untracked()));
        let ((name, title), adapter_type) = match typed {
            (Ok(texts), Ok(adapter)) => (texts, adapter),
            (Err(e), _) | (_, Err(e)) => return error.set(Some(e)),
        };
        let budget_monthly_cents = match form.cents() {
            Ok(cents) => cents,
            Err(why) => return error.set(Some(ApiError::invalid(why))),
        };
        let input = CreateAgent {
            company_id: co.id,
            name,
            role: form.role.get_untracked(),
            title,
            icon: None,
            reports_to: form.reports_to.get_untracked(),
            capabilities: None,
            desired_skills: None,
            adapter_type,
            adapter_config: form.config.get_untracked(),
            instructions_bundle: None,
            runtime_config: form.runtime.get_untracked(),
            default_environment_id: None,
            budget_monthly_cents,
            permissions: None,
            metadata: None,
        };
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = call::<op::CreateAgentOp>(&input).await;
            busy.try_set(false);
            match answer {
                Ok(a) => {
                    app().say(format!("{} joined", a.name));
                    co.go(Page::Agent(a.url_key, AgentTab::Overview));
                }
                Err(e) => {
                    error.try_set(Some(e));
                }
            }
        });
    };
    view! {
        <div class="page">
            <Topbar crumbs=vec![("Agents".into(), Page::Agents("all".into()))] title="New agent" />
            <div class="page-body">
                <div class="page-inner narrow form">
                    <IdentityFields form=form />
                    <AdapterFields form=form />
                    <PolicyFields form=form />
                    <BudgetFields form=form />
                    {move || {
                        error
                            .get()
                            .map(|e| {
                                view! {
                                    <div class="notice tone-red" role="alert">
                                        <Icon d=i::CIRCLE_ALERT />
                                        <span>{e.message} " " {e.hint}</span>
                                    </div>
                                }
                            })
                    }}
                    <div class="step-actions">
                        <button
                            class="btn primary big"
                            data-testid="agent-new-submit"
                            disabled=move || busy.get() || form.name.with(|n| n.trim().is_empty())
                            on:click=create
                        >
                            "Create agent"
                        </button>
                    </div>
                </div>
            </div>
        </div>
    }
}
