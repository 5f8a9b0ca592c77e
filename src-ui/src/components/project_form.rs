//! A project's name and where its issues are worked on: folder, base, mode, commands.

use contract::operations as op;
use contract::planning::{CreateProject, Project, ProjectPath, UpdateProject};
use contract::workspace::{CreateProjectWorkspace, ProjectWorkspace, UpdateProjectWorkspace};
use contract::{ApiError, JsonObject, Patch, ProjectId, Text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use crate::api::call;
use crate::components::base::Icon;
use crate::components::icons as i;
use crate::ipc;
use crate::state::{app, company};
use crate::text::checked;

/// The modes that a person can choose, with what each means.
const MODES: [(&str, &str); 4] = [
    ("isolated_workspace", "A worktree for each issue"),
    ("shared_workspace", "All issues in the project's folder"),
    ("operator_branch", "In the project's folder, on the branch that is checked out there"),
    ("adapter_default", "Where each agent's settings say"),
];

#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    folder: RwSignal<String>,
    base: RwSignal<String>,
    mode: RwSignal<String>,
    template: RwSignal<String>,
    provision: RwSignal<String>,
    teardown: RwSignal<String>,
    cleanup: RwSignal<String>,
}

fn said(o: Option<&JsonObject>, key: &str) -> String {
    o.and_then(|o| o.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn strategy(policy: Option<&JsonObject>) -> Option<&JsonObject> {
    policy?.get("workspaceStrategy")?.as_object()
}

impl Form {
    fn of(project: Option<&Project>) -> Self {
        let policy = project.and_then(|p| p.execution_workspace_policy.as_ref());
        let off = policy.and_then(|p| p.get("enabled")).and_then(Value::as_bool) == Some(false);
        let mode = match said(policy, "defaultMode") {
            _ if off => "shared_workspace".to_owned(),
            m if m.is_empty() => "isolated_workspace".to_owned(),
            m => m,
        };
        Self {
            name: RwSignal::new(project.map(|p| p.name.clone()).unwrap_or_default()),
            folder: RwSignal::default(),
            base: RwSignal::new(said(strategy(policy), "baseRef")),
            mode: RwSignal::new(mode),
            template: RwSignal::new(said(strategy(policy), "branchTemplate")),
            provision: RwSignal::new(said(strategy(policy), "provisionCommand")),
            teardown: RwSignal::new(said(strategy(policy), "teardownCommand")),
            cleanup: RwSignal::default(),
        }
    }

    /// The policy with what the form says, and whatever else stood in it.
    fn policy(self, before: Option<&JsonObject>) -> JsonObject {
        let mut policy = before.cloned().unwrap_or_default();
        policy.insert("enabled".into(), true.into());
        policy.insert("defaultMode".into(), self.mode.get_untracked().into());
        let mut own = strategy(before).cloned().unwrap_or_default();
        for (key, value) in [
            ("baseRef", self.base),
            ("branchTemplate", self.template),
            ("provisionCommand", self.provision),
            ("teardownCommand", self.teardown),
        ] {
            let text = value.get_untracked().trim().to_owned();
            own.insert(key.into(), if text.is_empty() { Value::Null } else { text.into() });
        }
        policy.insert("workspaceStrategy".into(), own.into());
        policy
    }

    /// Writes the project, then where its code lies.
    async fn save(
        self,
        project: Option<Project>,
        code: Option<ProjectWorkspace>,
    ) -> Result<Project, ApiError> {
        let name = checked("The name", self.name.get_untracked())?;
        let folder = self.folder.get_untracked().trim().to_owned();
        let cleanup = self.cleanup.get_untracked().trim().to_owned();
        let saved = match project {
            None => {
                let input = CreateProject {
                    company_id: company().id,
                    name,
                    description: None,
                    status: None,
                    goal_id: None,
                    lead_agent_id: None,
                    target_date: None,
                    color: None,
                    execution_workspace_policy: (!folder.is_empty()).then(|| self.policy(None)),
                    workspace: None,
                };
                call::<op::CreateProjectOp>(&input).await?
            }
            Some(p) => {
                let mut input = UpdateProject::of(p.id);
                input.name = Some(name);
                input.execution_workspace_policy =
                    Patch::Set(self.policy(p.execution_workspace_policy.as_ref()));
                call::<op::UpdateProjectOp>(&input).await?
            }
        };
        place(saved.id, code, folder, cleanup).await?;
        Ok(saved)
    }
}

async fn place(
    project: ProjectId,
    code: Option<ProjectWorkspace>,
    folder: String,
    cleanup: String,
) -> Result<(), ApiError> {
    let cleanup: Option<Text<0, 8000>> = (!cleanup.is_empty())
        .then(|| Text::new(cleanup).map_err(|e| ApiError::invalid(format!("The cleanup command {e}"))))
        .transpose()?;
    if folder.is_empty() {
        return Ok(());
    }
    let cwd: Text<1, 4000> = Text::new(folder).map_err(|e| ApiError::invalid(format!("The folder {e}")))?;
    match code {
        None => {
            let mut input = CreateProjectWorkspace::at(project, cwd);
            input.cleanup_command = cleanup;
            call::<op::CreateProjectWorkspaceOp>(&input).await.map(drop)
        }
        Some(w) => {
            let mut input = UpdateProjectWorkspace::of(&w);
            input.cwd = Patch::Set(cwd);
            input.cleanup_command = cleanup.into();
            call::<op::UpdateProjectWorkspaceOp>(&input).await.map(drop)
        }
    }
}

/// The form of a new project, or of one that is there.
#[component]
pub fn ProjectForm(#[prop(optional_no_strip)] project: Option<Project>, done: Callback<()>) -> impl IntoView {
    let form = Form::of(project.as_ref());
    let code = RwSignal::new(None::<ProjectWorkspace>);
    let error = RwSignal::new(None::<ApiError>);
    let new = project.is_none();
    // What is not known yet would be written over.
    let known = RwSignal::new(new);
    let busy = RwSignal::new(false);
    if let Some(id) = project.as_ref().map(|p| p.id) {
        spawn_local(async move {
            match call::<op::ListProjectWorkspaces>(&ProjectPath { id }).await {
                Ok(all) => {
                    let first = all.into_iter().next();
                    form.folder.try_set(first.as_ref().and_then(|w| w.cwd.clone()).unwrap_or_default());
                    let cleanup = first.as_ref().and_then(|w| w.cleanup_command.clone());
                    form.cleanup.try_set(cleanup.unwrap_or_default());
                    code.try_set(first);
                    known.try_set(true);
                }
                Err(e) => {
                    error.try_set(Some(e));
                }
            }
        });
    }
    let project = StoredValue::new(project);
    let save = move || {
        if busy.get_untracked() || !known.get_untracked() {
            return;
        }
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            match form.save(project.get_value(), code.get_untracked()).await {
                Ok(p) => {
                    let what = if new { "created" } else { "saved" };
                    app().say(format!("Project {} {what}", p.name));
                    done.run(());
                }
                Err(e) => {
                    error.try_set(Some(e));
                    busy.try_set(false);
                }
            }
        });
    };
    view! {
        <form
            class="form-section"
            data-testid="project-form"
            on:submit=move |ev| {
                ev.prevent_default();
                save();
            }
            on:keydown=move |ev| {
                if ev.key() == "Escape" {
                    done.run(());
                }
            }
        >
            <label class="field-label">
                "Name"
                <input
                    class="field"
                    type="text"
                    maxlength="200"
                    placeholder="Project name"
                    aria-label="Project name"
                    autofocus=true
                    prop:value=form.name
                    on:input:target=move |ev| form.name.set(ev.target().value())
                />
            </label>
            <Folder value=form.folder />
            <div class="form-grid">
                <Mode value=form.mode />
                <Line
                    label="Base of new branches"
                    placeholder="the branch that is checked out"
                    value=form.base
                    testid="project-base"
                />
                <Line
                    label="Branch names"
                    placeholder="{{issue.identifier}}-{{slug}}"
                    value=form.template
                    testid="project-template"
                />
                <Line
                    label="Command after a worktree is made"
                    placeholder="npm ci"
                    value=form.provision
                    testid="project-provision"
                />
                <Line
                    label="Command before it is torn down"
                    placeholder="docker compose down"
                    value=form.teardown
                    testid="project-teardown"
                />
                <Line
                    label="Command that cleans up"
                    placeholder="none"
                    value=form.cleanup
                    testid="project-cleanup"
                />
            </div>
            {move || {
                error
                    .get()
                    .map(|e| {
                        let hint = e.hint.map(|h| format!(" {h}"));
                        view! { <p class="field-error" role="alert">{e.message} {hint}</p> }
                    })
            }}
            <div class="dialog-actions">
                <button class="btn quiet" type="button" on:click=move |_| done.run(())>
                    "Discard"
                </button>
                <button
                    class="btn primary"
                    type="submit"
                    data-testid="project-save"
                    disabled=move || busy.get() || !known.get()
                >
                    {if new { "Create" } else { "Save" }}
                </button>
            </div>
        </form>
    }
}

#[component]
fn Folder(value: RwSignal<String>) -> impl IntoView {
    view! {
        <label class="field-label">
            "Repository folder"
            <span class="inline-form">
                <input
                    class="field mono"
                    type="text"
                    placeholder="none: agents work where their own settings say"
                    data-testid="project-folder"
                    prop:value=value
                    on:input:target=move |ev| value.set(ev.target().value())
                />
                <button
                    type="button"
                    class="btn"
                    on:click=move |_| {
                        spawn_local(async move {
                            match ipc::pick_folder().await {
                                Ok(Some(folder)) => {
                                    value.try_set(folder);
                                }
                                Ok(None) => {}
                                Err(e) => app().fail(&e),
                            }
                        });
                    }
                >
                    <Icon d=i::FOLDER />
                    "Choose"
                </button>
            </span>
            <small>"In a git repository each issue gets a branch and a worktree of its own."</small>
        </label>
    }
}

#[component]
fn Mode(value: RwSignal<String>) -> impl IntoView {
    view! {
        <label class="field-label full">
            "Where issues are worked on"
            <select
                class="field"
                data-testid="project-mode"
                on:change:target=move |ev| value.set(ev.target().value())
            >
                {MODES
                    .iter()
                    .map(|(word, told)| {
                        let here = value.with_untracked(|v| v == word);
                        view! {
                            <option value=*word selected=here>
                                {*told}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </label>
    }
}

#[component]
fn Line(
    label: &'static str,
    placeholder: &'static str,
    value: RwSignal<String>,
    testid: &'static str,
) -> impl IntoView {
    view! {
        <label class="field-label">
            {label}
            <input
                class="field mono"
                type="text"
                placeholder=placeholder
                data-testid=testid
                prop:value=value
                on:input:target=move |ev| value.set(ev.target().value())
            />
        </label>
    }
}
