//! One project: what it is for, who leads it, and whether it is still open.

use std::sync::Arc;

use contract::operations as op;
use contract::planning::{InProject, Project, ProjectPath, ProjectStatus, UpdateProject};
use contract::project_workspace::ProjectDetail;
use contract::{AgentId, ErrorCode, Patch, ProjectId};
use leptos::prelude::*;

use super::projects::Swatch;
use crate::api::query::{Ask, Query, use_query};
use crate::components::about_form::{AboutForm, SaveAbout};
use crate::components::base::{Avatar, Empty, Icon, State, loaded};
use crate::components::budget::{BudgetField, Whose, budgets};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::components::open_issues::OpenIssues;
use crate::components::project_form::ProjectForm;
use crate::components::shell::Topbar;
use crate::labels;
use crate::state::route::Page;
use crate::state::{Dialog, NewIssueDefaults, act, app, company};

/// The project of the page.
#[derive(Clone, Copy)]
struct Current {
    query: Query<ProjectDetail>,
    project: Signal<Arc<Project>>,
}

impl Current {
    fn id(self) -> ProjectId {
        self.project.with_untracked(|p| p.id)
    }

    fn change(self, put: impl FnOnce(&mut UpdateProject), done: impl FnOnce() + 'static) {
        let mut input = UpdateProject::of(self.id());
        put(&mut input);
        act::<op::UpdateProjectOp>(input, move |fresh| {
            self.query.patch(|d| d.project = fresh);
            done();
        });
    }
}

#[component]
pub fn ProjectPage(reference: String) -> impl IntoView {
    let co = company();
    let Ok(id) = reference.parse::<ProjectId>() else {
        return view! { <NotThere /> }.into_any();
    };
    let query = use_query::<op::GetProject>(move || {
        let mut ask = Ask::within(ProjectPath { id }, co.id);
        ask.entity = Some(id.to_string());
        Some(ask)
    });
    let missing = Memo::new(move |_| {
        query.error.with(|e| e.as_ref().is_some_and(|e| e.code == ErrorCode::NotFound))
            && query.data.with(Option::is_none)
    });
    view! {
        <Show when=move || !missing.get() fallback=|| view! { <NotThere /> }>
            {loaded(
                query,
                6,
                move |detail| {
                    let project = Signal::derive(move || detail.with(|d| Arc::new(d.project.clone())));
                    view! { <Detail current=Current { query, project } /> }
                },
            )}
        </Show>
    }
    .into_any()
}

#[component]
fn NotThere() -> impl IntoView {
    view! {
        <div class="page">
            <Topbar crumbs=vec![("Projects".into(), Page::Projects)] title="Project" />
            <Empty icon=i::FOLDER title="There is no such project" text="It may belong to another company." />
        </div>
    }
}

#[component]
fn Detail(current: Current) -> impl IntoView {
    let p = current.project;
    let id = current.id();
    let title = Signal::derive(move || p.with(|p| p.name.clone()));
    let spending = budgets();
    let placing = RwSignal::new(false);
    let archived = Memo::new(move |_| p.with(|p| p.archived_at.is_some()));
    let new_issue = move |_| {
        let defaults = NewIssueDefaults { project: Some(id), ..NewIssueDefaults::default() };
        app().dialog.set(Some(Dialog::NewIssue(defaults)));
    };
    let reopen = move |_| {
        current.change(|u| u.archived_at = Patch::Clear, || app().say("Open again"));
    };
    let archive = move |_| {
        let now = app().now.get_untracked();
        current.change(|u| u.archived_at = Patch::Set(now), || app().say("Archived: it takes no new issues"));
    };
    view! {
        <div class="page">
            <Topbar crumbs=vec![("Projects".into(), Page::Projects)] title=title>
                <Show
                    when=move || archived.get()
                    fallback=move || {
                        view! {
                            <button class="btn" on:click=new_issue>
                                <Icon d=i::SQUARE_PEN />
                                "New issue"
                            </button>
                            <button class="btn" data-testid="project-archive" on:click=archive>
                                "Archive"
                            </button>
                        }
                    }
                >
                    <button class="btn primary" data-testid="project-reopen" on:click=reopen>
                        <Icon d=i::ROTATE_CCW />
                        "Open again"
                    </button>
                </Show>
            </Topbar>
            <div class="page-body">
                <div class="page-inner narrow form">
                    <Show when=move || archived.get()>
                        <div class="notice tone-grey">
                            <Icon d=i::INBOX />
                            <span>"Archived: it takes no new issues. Those it has stay and go on."</span>
                        </div>
                    </Show>
                    <About current=current />
                    <Standing current=current />
                    <section class="form-section">
                        <h2>"What it may spend"</h2>
                        <BudgetField label="Budget" whose=Whose::Project(id) overview=spending />
                    </section>
                    <section class="form-section">
                        <h2>"Where its issues are worked on"</h2>
                        <Show
                            when=move || placing.get()
                            fallback=move || {
                                view! {
                                    <div>
                                        <button class="btn" data-testid="project-place" on:click=move |_| placing.set(true)>
                                            <Icon d=i::SETTINGS />
                                            "Folder, branches and commands"
                                        </button>
                                    </div>
                                }
                            }
                        >
                            <ProjectForm
                                project=Some(p.with_untracked(|p| (**p).clone()))
                                done=Callback::new(move |()| {
                                    placing.set(false);
                                    current.query.refetch();
                                })
                            />
                        </Show>
                    </section>
                    <OpenIssues
                        of=move |q| q.project_id = Some(InProject::One(id))
                        query=format!("project={id}")
                        none="Nothing is open in it."
                    />
                </div>
            </div>
        </div>
    }
}

#[component]
fn About(current: Current) -> impl IntoView {
    let kept = Signal::derive(move || {
        current.project.with(|p| Some((p.name.clone(), p.description.clone().unwrap_or_default())))
    });
    let save = SaveAbout::new(move |(name, text, done)| {
        let put = |u: &mut UpdateProject| {
            u.name = Some(name);
            u.description = Patch::from(text);
        };
        current.change(put, move || {
            done.run(());
            app().say("Saved");
        });
    });
    view! {
        <AboutForm
            thing="project"
            text_label="What it is for"
            placeholder="Agents read it with every issue of the project."
            kept=kept
            save=save
        />
    }
}

/// State, lead, colour and date, each changed at once.
#[component]
fn Standing(current: Current) -> impl IntoView {
    let co = company();
    let p = current.project;
    let status = Memo::new(move |_| p.with(|p| p.status));
    let lead = Memo::new(move |_| p.with(|p| p.lead_agent_id));
    let color = Memo::new(move |_| p.with(|p| p.color.clone()));
    let date = Memo::new(move |_| p.with(|p| p.target_date.clone().unwrap_or_default()));
    let pick_status = move |ev: web_sys::MouseEvent| {
        let Some(el) = anchor(&ev) else { return };
        let choices = ProjectStatus::ALL.iter().map(|s| {
            let look = labels::project_status(*s);
            Choice::new(s.as_str(), look.word, Glyph::Icon(look.icon)).selected(status.get_untracked() == *s)
        });
        let pick = Callback::new(move |s: String| {
            if let Ok(s) = s.parse() {
                current.change(|u| u.status = Some(s), || ());
            }
        });
        Menu::under(&el, "Set state", choices.collect(), pick).open();
    };
    let pick_lead = move |ev: web_sys::MouseEvent| {
        let Some(el) = anchor(&ev) else { return };
        let now = lead.get_untracked();
        let mut choices = vec![Choice::new("none", "Nobody", Glyph::Icon(i::USER)).selected(now.is_none())];
        co.agents.data.with_untracked(|all| {
            choices.extend(all.iter().flat_map(|l| l.iter()).map(|a| {
                Choice::new(a.id.to_string(), a.name.clone(), Glyph::Avatar(a.name.clone()))
                    .selected(now == Some(a.id))
            }));
        });
        let pick = Callback::new(move |id: String| {
            current.change(|u| u.lead_agent_id = Patch::from(id.parse::<AgentId>().ok()), || ());
        });
        Menu::under(&el, "Lead", choices, pick).open();
    };
    view! {
        <section class="form-section">
            <h2>"Standing"</h2>
            <div class="setting">
                <span class="setting-text">"State"</span>
                <button class="btn" aria-haspopup="listbox" data-testid="project-status" on:click=pick_status>
                    {move || view! { <State look=labels::project_status(status.get()) /> }}
                </button>
            </div>
            <div class="setting">
                <span class="setting-text">"Lead"</span>
                <button class="btn" aria-haspopup="listbox" on:click=pick_lead>
                    {move || match lead.get() {
                        Some(id) => {
                            let name = co.agent_name(id);
                            view! {
                                <Avatar name=name.clone() />
                                {name}
                            }
                                .into_any()
                        }
                        None => "Nobody".into_any(),
                    }}
                </button>
            </div>
            <label class="setting">
                <span class="setting-text">"Target date"</span>
                <input
                    class="field"
                    type="date"
                    prop:value=date
                    on:change:target=move |ev| {
                        let day = ev.target().value();
                        current.change(|u| u.target_date = Patch::from((!day.is_empty()).then_some(day)), || ());
                    }
                />
            </label>
            <label class="setting">
                <span class="setting-text">"Colour"</span>
                <Swatch color=Signal::derive(move || color.get()) />
                <input
                    class="field"
                    type="color"
                    aria-label="Colour"
                    prop:value=move || color.get().unwrap_or_default()
                    on:change:target=move |ev| {
                        let value = ev.target().value();
                        current.change(|u| u.color = Patch::Set(value), || ());
                    }
                />
            </label>
        </section>
    }
}
