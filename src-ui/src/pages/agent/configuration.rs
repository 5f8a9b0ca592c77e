//! An agent's settings, their revisions, and its keys.

use contract::agent::{
    AgentKey, AgentKeyPath, AgentPermissions, AgentRevisionPath, CreateAgentKey, UpdateAgent,
    UpdateAgentPermissions,
};
use contract::operations as op;
use contract::{ApiError, Patch, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Current;
use crate::api::call;
use crate::api::query::{Ask, use_query};
use crate::components::agent_form::{AdapterFields, AgentForm, BudgetFields, IdentityFields, PolicyFields};
use crate::components::base::{Ago, Icon, Toggle, copy, loaded};
use crate::components::icons as i;
use crate::format;
use crate::state::{Dialog, act, app, company};

#[component]
pub fn Configuration(current: Current) -> impl IntoView {
    let d = current.detail;
    let form = d.with_untracked(|d| AgentForm::of(Some(&d.agent)));
    let id = d.with_untracked(|d| d.agent.id);
    let touched = RwSignal::new(false);
    let dirty = Memo::new(move |_| !d.with(|d| form.same_as(&d.agent)));
    // A change from elsewhere is taken over unless one has begun to edit.
    Effect::new(move |_| {
        let fresh = d.get();
        if !touched.get_untracked() {
            form.fill(&fresh.agent);
        }
    });
    let save = move |_| {
        let budget = match form.cents() {
            Ok(budget) => budget,
            Err(why) => return app().fail(&ApiError::invalid(why)),
        };
        let (name, title) = match form.texts() {
            Ok(texts) => texts,
            Err(e) => return app().fail(&e),
        };
        let input = UpdateAgent {
            id: id.into(),
            company_id: None,
            name: Some(name),
            role: Some(form.role.get_untracked()),
            title: Patch::from(title),
            icon: Patch::Keep,
            reports_to: Patch::from(form.reports_to.get_untracked()),
            capabilities: Patch::Keep,
            adapter_type: Text::new(form.adapter.get_untracked()).ok(),
            adapter_config: Some(form.config.get_untracked()),
            replace_adapter_config: true,
            runtime_config: Some(form.runtime.get_untracked()),
            budget_monthly_cents: Some(budget),
            metadata: Patch::Keep,
        };
        act::<op::UpdateAgentOp>(input, move |fresh| {
            touched.try_set(false);
            current.query.data.try_set(Some(std::sync::Arc::new(fresh)));
            app().say("Saved. Its next run uses the new settings.");
        });
    };
    let discard = move |_| {
        touched.set(false);
        d.with_untracked(|d| form.fill(&d.agent));
    };
    view! {
        <div class="page-inner narrow form" on:input=move |_| touched.set(true) on:change=move |_| touched.set(true)>
            <IdentityFields form=form myself=id />
            <AdapterFields form=form />
            <PolicyFields form=form />
            <BudgetFields form=form />
            <Show when=move || dirty.get()>
                <div class="dirty-bar">
                    <span>"Unsaved changes"</span>
                    <button class="btn quiet" on:click=discard>
                        "Discard"
                    </button>
                    <button class="btn primary" data-testid="agent-save" on:click=save>
                        "Save"
                    </button>
                </div>
            </Show>
            <Permissions current=current />
            <Keys current=current />
            <Revisions current=current />
        </div>
    }
}

#[component]
fn Permissions(current: Current) -> impl IntoView {
    let d = current.detail;
    let now = move || d.with_untracked(|d| d.agent.permissions);
    let set = move |p: AgentPermissions| {
        let input = UpdateAgentPermissions {
            id: current.path().id,
            can_create_agents: p.can_create_agents,
            can_assign_tasks: p.can_assign_tasks,
        };
        act::<op::UpdatePermissions>(input, move |fresh| {
            current.query.data.try_set(Some(std::sync::Arc::new(fresh)));
            app().say("Saved");
        });
    };
    view! {
        <section class="form-section">
            <h2>"Permissions"</h2>
            <Toggle
                label="May assign work to others"
                help="Gives issues to other agents of the company."
                on=Signal::derive(move || d.with(|d| d.agent.permissions.can_assign_tasks))
                set=Callback::new(move |on| set(AgentPermissions { can_assign_tasks: on, ..now() }))
                testid="agent-may-assign".to_owned()
            />
            <Toggle
                label="May hire agents"
                help="Makes new agents and changes how others describe themselves; never how they are started or paid for."
                on=Signal::derive(move || d.with(|d| d.agent.permissions.can_create_agents))
                set=Callback::new(move |on| set(AgentPermissions { can_create_agents: on, ..now() }))
                testid="agent-may-hire".to_owned()
            />
        </section>
    }
}

#[component]
fn Keys(current: Current) -> impl IntoView {
    let co = company();
    let keys = use_query::<op::ListKeys>(move || Some(Ask::within(current.path(), co.id)));
    let token = RwSignal::new(None::<String>);
    let create = move |_| {
        let input = CreateAgentKey { id: current.path().id, name: Text::new("default").ok() };
        spawn_local(async move {
            match call::<op::CreateKey>(&input).await {
                Ok(k) => {
                    token.try_set(Some(k.token));
                    keys.refetch();
                }
                Err(e) => app().fail(&e),
            }
        });
    };
    let revoke = move |k: &AgentKey| {
        let path = AgentKeyPath { id: current.path().id, key_id: k.id };
        app().dialog.set(Some(Dialog::Confirm {
            title: format!("Revoke the key {}?", k.name),
            body: "Whoever uses it is refused from now on.".into(),
            action: "Revoke".into(),
            danger: true,
            then: Callback::new(move |()| {
                act::<op::RevokeKey>(path.clone(), move |_| keys.refetch());
            }),
        }));
    };
    view! {
        <section class="form-section">
            <h2>"Keys"</h2>
            <p>"Runs get tokens of their own. A key is for an agent that runs elsewhere."</p>
            {move || {
                token
                    .get()
                    .map(|t| {
                        let text = t.clone();
                        view! {
                            <div class="notice tone-yellow">
                                <Icon d=i::KEY />
                                <span>"This token is shown only now. Keep it where it is safe."</span>
                            </div>
                            <div class="token">
                                <code>{t}</code>
                                <button class="btn" on:click=move |_| copy(text.clone(), "Token")>
                                    <Icon d=i::COPY />
                                    "Copy"
                                </button>
                            </div>
                        }
                    })
            }}
            {loaded(
                keys,
                1,
                move |all| {
                    view! {
                        <div class="flat-list">
                            <For each=move || all.get().to_vec() key=|k| (k.id, k.revoked_at) let:k>
                                <div class="line-item">
                                    <Icon d=i::KEY />
                                    <strong>{k.name.clone()}</strong>
                                    <span class="muted">
                                        {match (k.revoked_at, k.last_used_at) {
                                            (Some(_), _) => view! { "Revoked" }.into_any(),
                                            (None, Some(t)) => view! { "Last used " <Ago at=t /> }.into_any(),
                                            (None, None) => view! { "Never used" }.into_any(),
                                        }}
                                    </span>
                                    {
                                        let key = k.clone();
                                        k.revoked_at
                                            .is_none()
                                            .then(move || {
                                                view! {
                                                    <button class="btn quiet push" on:click=move |_| revoke(&key)>
                                                        "Revoke"
                                                    </button>
                                                }
                                            })
                                    }
                                </div>
                            </For>
                        </div>
                    }
                },
            )}
            <div>
                <button class="btn" on:click=create>
                    <Icon d=i::PLUS />
                    "New key"
                </button>
            </div>
        </section>
    }
}

#[component]
fn Revisions(current: Current) -> impl IntoView {
    let co = company();
    let revisions = use_query::<op::ListRevisions>(move || Some(Ask::within(current.path(), co.id)));
    let restore = move |revision_id| {
        let input = AgentRevisionPath { id: current.path().id, revision_id };
        act::<op::RollbackAgent>(input, move |_| {
            current.query.refetch();
            app().say("Restored as a new revision");
        });
    };
    view! {
        <section class="form-section">
            <h2>"Revisions"</h2>
            {loaded(
                revisions,
                2,
                move |all| {
                    view! {
                        <div class="flat-list">
                            <For
                                each={move || all.get().iter().cloned().enumerate().collect::<Vec<_>>()}
                                key=|(n, r)| (*n == 0, r.id)
                                let:item
                            >
                                {
                                    let (n, r) = item;
                                    let who = r
                                        .created_by_agent_id
                                        .map_or_else(|| "You".to_owned(), |a| co.agent_name(a));
                                    let keys = r
                                        .changed_keys
                                        .iter()
                                        .map(|k| format::words(k).to_lowercase())
                                        .collect::<Vec<_>>()
                                        .join(", ");
                                    let did = match r.source.as_str() {
                                        "create" => "created it".to_owned(),
                                        "rollback" => "restored an earlier revision".to_owned(),
                                        _ if keys.is_empty() => "changed it".to_owned(),
                                        _ => format!("changed {keys}"),
                                    };
                                    let id = r.id;
                                    view! {
                                        <div class="line-item">
                                            <Icon d=i::HISTORY />
                                            <span class="ellipsis">
                                                <b>{who}</b>
                                                " "
                                                {did}
                                            </span>
                                            <Ago at=r.created_at />
                                            {if n == 0 {
                                                view! { <span class="muted push">"Present"</span> }.into_any()
                                            } else {
                                                view! {
                                                    <button class="btn quiet push" on:click=move |_| restore(id)>
                                                        "Restore"
                                                    </button>
                                                }
                                                    .into_any()
                                            }}
                                        </div>
                                    }
                                }
                            </For>
                        </div>
                    }
                },
            )}
        </section>
    }
}
