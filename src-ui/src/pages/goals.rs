//! Goals: what the work is for, as a tree.

use contract::GoalId;
use contract::operations as op;
use contract::planning::{CreateGoal, Goal, GoalLevel, GoalStatus};
use leptos::prelude::*;

use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Empty, Icon, State, loaded};
use crate::components::icons as i;
use crate::components::shell::Topbar;
use crate::labels;
use crate::state::{act, app, company};
use crate::text::{checked, optional};

#[component]
pub fn Goals() -> impl IntoView {
    let co = company();
    let goals = use_query::<op::ListGoals>(move || {
        Some(Ask::within(contract::company::CompanyPath { company_id: co.id }, co.id))
    });
    let adding = RwSignal::new(None::<Option<GoalId>>);
    view! {
        <div class="page">
            <Topbar title="Goals">
                <button class="btn" data-testid="new-goal" on:click=move |_| adding.set(Some(None))>
                    <Icon d=i::PLUS />
                    "New goal"
                </button>
            </Topbar>
            <div class="page-body">
                <div class="page-inner narrow">
                    {move || {
                        adding
                            .get()
                            .map(|parent| {
                                let above = parent
                                    .and_then(|id| {
                                        goals.data.with_untracked(|g| g.as_ref()?.iter().find(|g| g.id == id).cloned())
                                    });
                                view! { <NewGoal above=above done=Callback::new(move |()| adding.set(None)) /> }
                            })
                    }}
                    {loaded(
                        goals,
                        4,
                        move |all| {
                            view! {
                                <Show
                                    when=move || !all.with(|a| a.is_empty())
                                    fallback=move || {
                                        view! {
                                            <Empty
                                                icon=i::GOAL
                                                title="No goals yet"
                                                text="A goal says what the work is for. Agents read it with every issue that serves it."
                                            >
                                                <button class="btn primary" on:click=move |_| adding.set(Some(None))>
                                                    "New goal"
                                                </button>
                                            </Empty>
                                        }
                                    }
                                >
                                    <section class="box" role="tree" aria-label="Goals">
                                        <For
                                            each=move || tree(&all.get())
                                            key=|(depth, g)| (*depth, g.id, g.updated_at)
                                            let:row
                                        >
                                            <GoalRow depth=row.0 goal=row.1 add=Callback::new(move |id| adding.set(Some(Some(id)))) />
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

/// Goals in the order of a tree, each with its depth. One whose parent is not there stands at the top.
fn tree(all: &[Goal]) -> Vec<(usize, Goal)> {
    fn below(all: &[Goal], parent: Option<GoalId>, depth: usize, out: &mut Vec<(usize, Goal)>) {
        for g in all {
            let known = g.parent_id.filter(|p| all.iter().any(|o| o.id == *p));
            // A ring of parents would have no top, and is not drawn: the core makes none.
            if known == parent && out.iter().all(|(_, o)| o.id != g.id) {
                out.push((depth, g.clone()));
                below(all, Some(g.id), depth + 1, out);
            }
        }
    }
    let mut out = Vec::with_capacity(all.len());
    below(all, None, 0, &mut out);
    out
}

#[component]
fn GoalRow(depth: usize, goal: Goal, add: Callback<GoalId>) -> impl IntoView {
    let co = company();
    let owner = goal.owner_agent_id;
    let id = goal.id;
    view! {
        <div class="goal-row" role="treeitem" attr:aria-level=(depth + 1).to_string() data-testid="goal-row">
            <div class="goal-text" style:padding-left=format!("{}px", depth * 22)>
                <Icon d=i::GOAL />
                <div>
                    <strong>{goal.title.clone()}</strong>
                    {goal.description.clone().filter(|d| !d.trim().is_empty()).map(|d| view! { <p class="muted">{d}</p> })}
                </div>
            </div>
            <span class="muted">{move || owner.map(|a| co.agent_name(a))}</span>
            <span class="muted">{crate::format::words(goal.level.as_str())}</span>
            <State look=labels::goal_status(goal.status) />
            <Ago at=goal.updated_at />
            <button class="icon-btn" aria-label="Add a goal below" title="Add a goal below" on:click=move |_| add.run(id)>
                <Icon d=i::PLUS />
            </button>
        </div>
    }
}

#[component]
fn NewGoal(above: Option<Goal>, done: Callback<()>) -> impl IntoView {
    let co = company();
    let title = RwSignal::new(String::new());
    let about = RwSignal::new(String::new());
    let parent = above.as_ref().map(|g| g.id);
    let create = move || {
        let typed =
            (checked("The title", title.get_untracked()), optional("The text", about.get_untracked()));
        let (name, description) = match typed {
            (Ok(name), Ok(description)) => (name, description),
            (Err(e), _) | (_, Err(e)) => return app().fail(&e),
        };
        let input = CreateGoal {
            company_id: co.id,
            title: name,
            description,
            level: Some(if parent.is_some() { GoalLevel::Team } else { GoalLevel::Company }),
            status: Some(GoalStatus::Active),
            parent_id: parent,
            owner_agent_id: None,
        };
        act::<op::CreateGoalOp>(input, move |g| {
            app().say(format!("Goal \u{201c}{}\u{201d} set", g.title));
            done.run(());
        });
    };
    let keys = move |ev: web_sys::KeyboardEvent| match ev.key().as_str() {
        "Enter" if ev.ctrl_key() || ev.meta_key() => create(),
        "Escape" => done.run(()),
        _ => {}
    };
    view! {
        <section class="form-section goal-form" on:keydown=keys>
            <h2>{above.map_or_else(|| "New goal".to_owned(), |g| format!("New goal below \u{201c}{}\u{201d}", g.title))}</h2>
            <input
                class="field"
                type="text"
                maxlength="200"
                placeholder="What shall be reached"
                aria-label="Title"
                autofocus=true
                data-testid="goal-title"
                on:input:target=move |ev| title.set(ev.target().value())
                on:keydown=move |ev| {
                    if ev.key() == "Enter" && !ev.ctrl_key() {
                        create();
                    }
                }
            />
            <textarea
                class="field"
                rows="3"
                placeholder="What it means, and how one knows that it is reached"
                aria-label="Description"
                on:input:target=move |ev| about.set(ev.target().value())
            ></textarea>
            <div class="step-actions">
                <button class="btn quiet" on:click=move |_| done.run(())>
                    "Discard"
                </button>
                <button
                    class="btn primary"
                    data-testid="goal-create"
                    disabled=move || title.with(|t| t.trim().is_empty())
                    on:click=move |_| create()
                >
                    "Set goal"
                </button>
            </div>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;

    use super::*;

    fn goal(n: u128, parent: Option<u128>) -> Goal {
        let id = |n: u128| format!("00000000-0000-7000-8000-{n:012}").parse().unwrap();
        Goal {
            id: id(n),
            company_id: "6f1c2d9e-0000-7000-8000-000000000001".parse().unwrap(),
            title: n.to_string(),
            description: None,
            level: GoalLevel::Company,
            status: GoalStatus::Active,
            parent_id: parent.map(id),
            owner_agent_id: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn every_goal_stands_once_under_its_parent_or_at_the_top() {
        let all = [goal(3, Some(1)), goal(1, None), goal(4, Some(3)), goal(2, Some(99))];
        let rows: Vec<_> = tree(&all).into_iter().map(|(d, g)| (d, g.title)).collect();
        let want = [(0, "1"), (1, "3"), (2, "4"), (0, "2")].map(|(d, t)| (d, t.to_owned()));
        assert_eq!(rows, want);
    }
}
