//! A company's own settings: what it is called, whether it works, its rules and its labels.

use contract::Patch;
use contract::company::{Company, CompanyPath, CompanyStatus, UpdateCompany};
use contract::label::{IssueLabel, LabelPath};
use contract::operations as op;
use leptos::prelude::*;

use crate::components::about_form::{AboutForm, SaveAbout};
use crate::components::base::{Ago, Icon, State, Toggle, loaded};
use crate::components::budget::{BudgetField, Whose, budgets};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::labels;
use crate::state::{Co, Dialog, act, app, company};

#[component]
pub fn CompanySettings() -> impl IntoView {
    let co = company();
    let spending = budgets();
    let present = Memo::new(move |_| co.company.get().is_some());
    view! {
        <div class="page">
            <Topbar title="Company" />
            <div class="page-body">
                <div class="page-inner narrow form">
                    <Show when=move || present.get()>
                        <About co=co />
                        <Work co=co />
                        <section class="form-section">
                            <h2>"What it may spend"</h2>
                            <BudgetField label="Budget a month" whose=Whose::Company(co.id) overview=spending />
                        </section>
                        <Rules co=co />
                    </Show>
                    <Labels co=co />
                </div>
            </div>
        </div>
    }
}

fn change(co: Co, put: impl FnOnce(&mut UpdateCompany), said: &'static str) {
    change_then(co, put, said, || ());
}

fn change_then(
    co: Co,
    put: impl FnOnce(&mut UpdateCompany),
    said: &'static str,
    then: impl FnOnce() + 'static,
) {
    let mut input = UpdateCompany::of(co.id);
    put(&mut input);
    act::<op::UpdateCompanyOp>(input, move |fresh| {
        then();
        show(&fresh, said);
    });
}

/// Shows the company as it is now, also in the sidebar.
fn show(fresh: &Company, said: &'static str) {
    app().companies.patch(|all| {
        if let Some(c) = all.iter_mut().find(|c| c.id == fresh.id) {
            *c = fresh.clone();
        }
    });
    app().say(said);
}

#[component]
fn About(co: Co) -> impl IntoView {
    let kept = Signal::derive(move || {
        co.company.get().map(|c| (c.name.clone(), c.description.clone().unwrap_or_default()))
    });
    let save = SaveAbout::new(move |(name, description, done)| {
        let put = |u: &mut UpdateCompany| {
            u.name = Some(name);
            u.description = Patch::from(description);
        };
        change_then(co, put, "Saved", move || done.run(()));
    });
    let prefix = move || co.company.get().map(|c| c.issue_prefix.clone()).unwrap_or_default();
    view! {
        <AboutForm
            thing="company"
            text_label="Mission"
            placeholder="What should be true because this company exists? Agents read it before they work."
            kept=kept
            save=save
        >
            <p class="muted">
                {move || format!("Its issues are called {0}-1, {0}-2 and so on, for good.", prefix())}
            </p>
        </AboutForm>
    }
}

#[component]
fn Work(co: Co) -> impl IntoView {
    let status = Memo::new(move |_| co.company.get().map_or(CompanyStatus::Active, |c| c.status));
    let told = move || match status.get() {
        CompanyStatus::Active => "Its agents take up what is due.",
        CompanyStatus::Paused => "No run starts. Everything can be read and changed.",
        CompanyStatus::Archived => "It is put away: no run starts, and it is listed last. Its data stays.",
    };
    let set = move |to: CompanyStatus, said: &'static str| change(co, |u| u.status = Some(to), said);
    let archive = move |_| {
        let name = co.company.get_untracked().map(|c| c.name.clone()).unwrap_or_default();
        app().dialog.set(Some(Dialog::Confirm {
            title: format!("Archive {name}?"),
            body: "Its live runs are stopped and none starts. All its data stays, and you can open it again."
                .into(),
            action: "Archive".into(),
            danger: true,
            then: Callback::new(move |()| {
                let path = CompanyPath { company_id: co.id };
                act::<op::ArchiveCompany>(path, |fresh| show(&fresh, "Archived"));
            }),
        }));
    };
    view! {
        <section class="form-section">
            <h2>"Work"</h2>
            <div class="setting">
                <span class="setting-text">
                    <span data-testid="company-status" data-status=move || status.get().as_str()>
                        {move || view! { <State look=labels::company_status(status.get()) /> }}
                    </span>
                    <small>
                        {told}
                        {move || {
                            co.company
                                .get()
                                .and_then(|c| c.paused_at)
                                .map(|t| view! { " Since " <Ago at=t /> "." })
                        }}
                    </small>
                </span>
                {move || match status.get() {
                    CompanyStatus::Active => view! {
                        <button
                            class="btn"
                            data-testid="company-pause"
                            on:click=move |_| set(CompanyStatus::Paused, "Paused: its live runs are stopped")
                        >
                            <Icon d=i::PAUSE />
                            "Pause"
                        </button>
                    }
                    .into_any(),
                    stopped => {
                        let (icon, word, said) = if stopped == CompanyStatus::Paused {
                            (i::PLAY, "Resume", "At work again")
                        } else {
                            (i::ROTATE_CCW, "Open again", "Open again")
                        };
                        view! {
                            <button
                                class="btn primary"
                                data-testid="company-resume"
                                on:click=move |_| set(CompanyStatus::Active, said)
                            >
                                <Icon d=icon />
                                {word}
                            </button>
                        }
                            .into_any()
                    }
                }}
                <Show when=move || status.get() != CompanyStatus::Archived>
                    <button class="btn" data-testid="company-archive" on:click=archive>
                        "Archive"
                    </button>
                </Show>
            </div>
        </section>
    }
}

#[component]
fn Rules(co: Co) -> impl IntoView {
    let on =
        Signal::derive(move || co.company.get().is_some_and(|c| c.require_board_approval_for_new_agents));
    let set = Callback::new(move |on: bool| {
        change(co, |u| u.require_board_approval_for_new_agents = Some(on), "Saved");
    });
    view! {
        <section class="form-section">
            <h2>"Rules"</h2>
            <Toggle
                label="Agents hire only with your approval"
                help="An agent that may hire proposes a new one and waits for you. You yourself hire at once."
                on=on
                set=set
            />
            <LargestFile co=co />
        </section>
    }
}

/// The largest file that may be attached to an issue.
#[component]
fn LargestFile(co: Co) -> impl IntoView {
    const MIB: i64 = 1024 * 1024;
    let now = Signal::derive(move || co.company.get().map_or(10, |c| (c.attachment_max_bytes / MIB).max(1)));
    let set = move |typed: String| {
        if let Ok(n) = typed.trim().parse::<i64>() {
            change(co, |u| u.attachment_max_bytes = Some(n.clamp(1, 1024) * MIB), "Saved");
        }
    };
    view! {
        <label class="setting">
            <span class="setting-text">
                <span>"Largest attachment"</span>
                <small>"In MiB, for people and agents alike."</small>
            </span>
            <input
                class="field"
                type="number"
                min="1"
                max="1024"
                aria-label="Largest attachment in MiB"
                data-testid="company-largest-file"
                prop:value=move || now.get().to_string()
                on:change:target=move |ev| set(ev.target().value())
            />
        </label>
    }
}

#[component]
fn Labels(co: Co) -> impl IntoView {
    view! {
        <section class="form-section">
            <h2>"Labels"</h2>
            {loaded(
                co.labels,
                3,
                move |all| {
                    view! {
                        <div class="flat-list">
                            <Show when=move || all.with(|l| l.is_empty())>
                                <p class="muted">"No label yet. Type a new one where an issue's labels are set."</p>
                            </Show>
                            <For each=move || all.get().to_vec() key=|l| l.id let:l>
                                <LabelLine co=co label=l />
                            </For>
                        </div>
                    }
                },
            )}
        </section>
    }
}

#[component]
fn LabelLine(co: Co, label: IssueLabel) -> impl IntoView {
    let (id, name) = (label.id, label.name.clone());
    let delete = move |_| {
        app().dialog.set(Some(Dialog::Confirm {
            title: format!("Delete the label {name}?"),
            body: "It is taken off every issue that has it. The issues stay.".into(),
            action: "Delete".into(),
            danger: true,
            then: Callback::new(move |()| {
                act::<op::DeleteLabel>(LabelPath { label_id: id }, move |_| co.labels.refetch());
            }),
        }));
    };
    view! {
        <div class="line-item" data-testid="label-line">
            <span class="swatch" style:background-color=label.color.clone()></span>
            <span>{label.name.clone()}</span>
            <button class="btn quiet push" on:click=delete>
                "Delete"
            </button>
        </div>
    }
}
