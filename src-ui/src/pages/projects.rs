//! Projects: what issues are gathered under.

use contract::planning::Project;
use leptos::prelude::*;

use crate::components::base::{Ago, Empty, Icon, Link, loaded};
use crate::components::icons as i;
use crate::components::project_form::ProjectForm;
use crate::components::shell::Topbar;
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
                                        <For each=move || all.get().to_vec() key=|p| (p.id, p.updated_at) let:p>
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

#[component]
fn ProjectRow(project: Project) -> impl IntoView {
    let co = company();
    let lead = project.lead_agent_id;
    let editing = RwSignal::new(false);
    let kept = StoredValue::new(project.clone());
    let label = format!("Settings of {}", project.name);
    view! {
        <div class="project-row">
            <Link to=co.route(Page::Issues(format!("project={}", project.id))) class="line-item">
                <span
                    class="swatch"
                    style:background-color=project.color.clone().unwrap_or_else(|| COLORS[0].into())
                ></span>
                <strong>{project.name.clone()}</strong>
                <span class="muted ellipsis">
                    {project.description.as_deref().map(|d| crate::format::first_line(d, 90))}
                </span>
                <span class="push muted">{crate::format::words(project.status.as_str())}</span>
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
