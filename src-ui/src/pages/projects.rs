//! Projects: what issues are gathered under.

use contract::company::CompanyStatus;
use contract::planning::Project;
use leptos::prelude::*;

use crate::components::base::{Ago, Empty, Icon, Link, State, loaded};
use crate::components::icons as i;
use crate::components::project_form::ProjectForm;
use crate::components::shell::Topbar;
use crate::labels;
use crate::state::company;
use crate::state::route::Page;

/// Of a project that was given none.
const COLORS: [&str; 1] = ["#5b8def"];

#[component]
pub fn Projects() -> impl IntoView {
    let co = company();
    let adding = RwSignal::new(false);
    view! {
        <div class="page">
            <Topbar title="Projects">
                <button class="btn" data-testid="project-new" on:click=move |_| adding.set(true)>
                    <Icon d=i::PLUS />
                    "New project"
                </button>
            </Topbar>
            <div class="page-body">
                <div class="page-inner narrow">
                    <Show when=move || adding.get()>
                        <ProjectForm done=Callback::new(move |()| adding.set(false)) />
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
    let editing = RwSignal::new(false);
    let kept = StoredValue::new(project.clone());
    let label = format!("Settings of {}", project.name);
    view! {
        <div class="project-row">
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
            <button
                class="icon-btn"
                aria-label=label
                title="Folder, branches and commands"
                data-testid="project-settings"
                on:click=move |_| editing.update(|e| *e = !*e)
            >
                <Icon d=i::SETTINGS />
            </button>
        </div>
        <Show when=move || editing.get()>
            <ProjectForm project=Some(kept.get_value()) done=Callback::new(move |()| editing.set(false)) />
        </Show>
    }
}
