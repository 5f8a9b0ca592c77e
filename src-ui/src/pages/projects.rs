//! Projects: what issues are gathered under.

use contract::company::CompanyStatus;
use contract::operations as op;
use contract::planning::{CreateProject, Project};
use leptos::prelude::*;

use crate::components::base::{Ago, Empty, Icon, Link, State, loaded};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::labels;
use crate::state::route::Page;
use crate::state::{act, app, company};
use crate::text::checked;

const COLORS: [&str; 6] = ["#5b8def", "#8b6cef", "#d4629b", "#e0653a", "#4aa36b", "#2fa3a8"];

#[component]
pub fn Projects() -> impl IntoView {
    let co = company();
    let adding = RwSignal::new(false);
    let name = RwSignal::new(String::new());
    let create = move || {
        let text = match checked("The name", name.get_untracked()) {
            Ok(text) => text,
            Err(e) => return app().fail(&e),
        };
        let color = COLORS[name.with_untracked(String::len) % COLORS.len()];
        let input = CreateProject {
            company_id: co.id,
            name: text,
            description: None,
            status: None,
            goal_id: None,
            lead_agent_id: None,
            target_date: None,
            color: Some(color.into()),
        };
        act::<op::CreateProjectOp>(input, move |p| {
            app().say(format!("Project {} created", p.name));
            name.try_set(String::new());
            adding.try_set(false);
        });
    };
    view! {
        <div class="page">
            <Topbar title="Projects">
                <button class="btn" on:click=move |_| adding.set(true)>
                    <Icon d=i::PLUS />
                    "New project"
                </button>
            </Topbar>
            <div class="page-body">
                <div class="page-inner narrow">
                    <Show when=move || adding.get()>
                        <div class="inline-form">
                            <input
                                class="field"
                                type="text"
                                placeholder="Project name"
                                aria-label="Project name"
                                autofocus=true
                                on:input:target=move |ev| name.set(ev.target().value())
                                on:keydown=move |ev| match ev.key().as_str() {
                                    "Enter" => create(),
                                    "Escape" => adding.set(false),
                                    _ => {}
                                }
                            />
                            <button class="btn primary" on:click=move |_| create()>
                                "Create"
                            </button>
                            <button class="btn quiet" on:click=move |_| adding.set(false)>
                                "Discard"
                            </button>
                        </div>
                    </Show>
                    {loaded(
                        co.projects,
                        5,
                        move |all| {
                            view! {
                                <Show
                                    when=move || !all.with(|a| a.is_empty())
                                    fallback=move || {
                                        view! {
                                            <Empty
                                                icon=i::FOLDER
                                                title="No projects yet"
                                                text="A project gathers issues that belong together."
                                            >
                                                <button class="btn primary" on:click=move |_| adding.set(true)>
                                                    "New project"
                                                </button>
                                            </Empty>
                                        }
                                    }
                                >
                                    <section class="box">
                                        <For each=move || open_first(&all.get()) key=|p| (p.id, p.updated_at) let:p>
                                            <ProjectRow project=p />
                                        </For>
                                    </section>
                                </Show>
                            }
                        },
                    )}
                </div>
            </div>
        </div>
    }
}

/// Archived ones come last.
fn open_first(all: &[Project]) -> Vec<Project> {
    let (archived, open): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|p| p.archived_at.is_some());
    open.into_iter().chain(archived).collect()
}

/// The mark of a project's colour.
#[component]
pub fn Swatch(#[prop(into)] color: Signal<Option<String>>) -> impl IntoView {
    view! {
        <span
            class="swatch"
            style:background-color=move || color.get().unwrap_or_else(|| COLORS[0].into())
        ></span>
    }
}

#[component]
fn ProjectRow(project: Project) -> impl IntoView {
    let co = company();
    let lead = project.lead_agent_id;
    let look = match project.archived_at {
        Some(_) => labels::company_status(CompanyStatus::Archived),
        None => labels::project_status(project.status),
    };
    view! {
        <Link to=co.route(Page::Project(project.id.to_string())) class="line-item" testid="project-row">
            <Swatch color=Signal::stored(project.color.clone()) />
            <strong>{project.name.clone()}</strong>
            <span class="muted ellipsis">
                {project.description.as_deref().map(|d| crate::format::first_line(d, 90))}
            </span>
            <span class="push">
                <State look=look />
            </span>
            <span class="muted">{move || lead.map(|a| co.agent_name(a))}</span>
            <Ago at=project.updated_at />
        </Link>
    }
}
