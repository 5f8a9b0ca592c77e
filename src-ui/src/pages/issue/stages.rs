//! Who reviews and approves an issue, where it stands in that, and when it is looked at again.

use contract::execution::{
    ExecutionPolicy, ExecutionState, MonitorStatus, Principal, StageOutcome, StageStatus, StageType,
};
use contract::issue::IssuePath;
use contract::operations as op;
use contract::{JsonObject, LOCAL_OPERATOR, Patch, Timestamp};
use leptos::prelude::*;
use serde_json::{Value, json};

use super::Current;
use super::properties::Property;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Icon, State};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::components::pickers::YOU;
use crate::format;
use crate::labels;
use crate::state::{Co, act, app, company};

fn policy(of: Option<&JsonObject>) -> Option<ExecutionPolicy> {
    serde_json::from_value(Value::Object(of?.clone())).ok()
}

fn state(of: Option<&JsonObject>) -> Option<ExecutionState> {
    serde_json::from_value(Value::Object(of?.clone())).ok()
}

fn name(co: Co, p: &Principal) -> String {
    p.agent_id.map_or_else(|| YOU.to_owned(), |id| co.agent_name(id))
}

/// How often it is looked at again, from now on.
const LATER: [(&str, &str, u64); 5] = [
    ("15m", "In 15 minutes", 15 * 60),
    ("1h", "In an hour", 3600),
    ("4h", "In four hours", 4 * 3600),
    ("1d", "Tomorrow at this time", 24 * 3600),
    ("7d", "In a week", 7 * 24 * 3600),
];

#[component]
pub fn Stages(current: Current) -> impl IntoView {
    let co = company();
    let d = current.detail;
    let id = d.with_untracked(|d| d.issue.id);
    let policy = Memo::new(move |_| d.with(|d| policy(d.issue.execution_policy.as_ref())));
    let state = Memo::new(move |_| d.with(|d| state(d.issue.execution_state.as_ref())));
    let decisions =
        use_query::<op::ListStageDecisions>(move || Some(Ask::within(IssuePath { id: id.into() }, co.id)));
    let of = move |kind: StageType| {
        Memo::new(move |_| {
            policy.with(|p| {
                p.iter()
                    .flat_map(|p| &p.stages)
                    .filter(|s| s.r#type == kind)
                    .flat_map(|s| s.participants.clone())
                    .collect::<Vec<_>>()
            })
        })
    };
    let (reviewers, approvers) = (of(StageType::Review), of(StageType::Approval));
    let pick = move |ev: web_sys::MouseEvent, kind: StageType| {
        if let Some(el) = anchor(&ev) {
            open(&el, current, co, kind, policy.get_untracked());
        }
    };
    let names = move |all: Vec<Principal>| all.iter().map(|p| name(co, p)).collect::<Vec<_>>().join(", ");
    let people = move |kind: StageType, all: Memo<Vec<Principal>>, testid: &'static str| {
        view! {
            <button class="value-btn" data-testid=testid on:click=move |ev| pick(ev, kind)>
                {move || {
                    let told = names(all.get());
                    if told.is_empty() {
                        view! { <span class="muted">"Nobody"</span> }.into_any()
                    } else {
                        view! { <span class="ellipsis">{told}</span> }.into_any()
                    }
                }}
            </button>
        }
    };
    let stands = move || {
        let s = state.get().filter(|s| s.status != StageStatus::Idle)?;
        let look = labels::stage_status(s.status);
        let who = s.current_participant.as_ref().map(|p| format!("by {}", name(co, p)));
        Some(view! {
            <Property label="Stage">
                <span class="fact" data-testid="stage-state" data-status=s.status.as_str()>
                    <State look=look />
                    " "
                    <span class="muted ellipsis">{who}</span>
                </span>
            </Property>
        })
    };
    view! {
        <Property label="Reviewers">{people(StageType::Review, reviewers, "issue-reviewers")}</Property>
        <Property label="Approvers">{people(StageType::Approval, approvers, "issue-approvers")}</Property>
        {stands}
        <Monitor current=current state=state policy=policy />
        {move || {
            let all = decisions.get().unwrap_or_default();
            (!all.is_empty())
                .then(|| {
                    let rows = all
                        .iter()
                        .rev()
                        .take(6)
                        .map(|d| {
                            let who = d.actor_agent_id.map_or_else(|| YOU.to_owned(), |a| co.agent_name(a));
                            let did = match d.outcome {
                                StageOutcome::Approved => "approved",
                                StageOutcome::ChangesRequested => "asked for changes",
                            };
                            view! {
                                <div class="decision" title=d.body.clone()>
                                    <span>{format!("{who} {did}")}</span>
                                    <Ago at=d.created_at />
                                    <p class="muted">{format::first_line(&d.body, 90)}</p>
                                </div>
                            }
                        })
                        .collect_view();
                    view! {
                        <section class="panel-section">
                            <header>
                                <h3>"Decisions"</h3>
                            </header>
                            {rows}
                        </section>
                    }
                })
        }}
    }
}

/// The menu of who may look at the issue at a stage; each pick adds or removes one.
fn open(el: &web_sys::Element, current: Current, co: Co, kind: StageType, now: Option<ExecutionPolicy>) {
    let stages = now.map(|p| p.stages).unwrap_or_default();
    let of = |kind: StageType| -> Vec<Principal> {
        stages.iter().filter(|s| s.r#type == kind).flat_map(|s| s.participants.clone()).collect()
    };
    let chosen = StoredValue::new((of(StageType::Review), of(StageType::Approval)));
    let is = |p: &Principal| of(kind).contains(p);
    let mut choices = vec![
        Choice::new("me", YOU, Glyph::Avatar(YOU.into())).selected(is(&Principal::user(LOCAL_OPERATOR))),
    ];
    co.agents.data.with_untracked(|all| {
        choices.extend(all.iter().flat_map(|l| l.iter()).map(|a| {
            Choice::new(a.id.to_string(), a.name.clone(), Glyph::Avatar(a.name.clone()))
                .selected(is(&Principal::agent(a.id)))
        }));
    });
    let pick = Callback::new(move |id: String| {
        let who = match id.parse() {
            Ok(agent) => Principal::agent(agent),
            Err(_) => Principal::user(LOCAL_OPERATOR),
        };
        chosen.update_value(|(review, approval)| {
            let list = if kind == StageType::Review { review } else { approval };
            match list.iter().position(|p| *p == who) {
                Some(at) => {
                    list.remove(at);
                }
                None => list.push(who),
            }
        });
        let (review, approval) = chosen.get_value();
        let stage = |kind: &str, all: Vec<Principal>| {
            (!all.is_empty()).then(|| json!({ "type": kind, "participants": all }))
        };
        let stages: Vec<Value> =
            [stage("review", review), stage("approval", approval)].into_iter().flatten().collect();
        set(current, &json!({ "stages": stages }));
    });
    let title = if kind == StageType::Review { "Reviewers" } else { "Approvers" };
    Menu::under(el, title, choices, pick).multi().open();
}

/// Sets stages or the monitor and leaves the other one as it is.
fn set(current: Current, part: &Value) {
    let before = current.detail.with_untracked(|d| d.issue.execution_policy.clone()).unwrap_or_default();
    let mut policy = before;
    policy.extend(part.as_object().cloned().unwrap_or_default());
    policy.retain(|_, v| !v.is_null());
    let shown = policy.clone();
    current.change(|d| d.issue.execution_policy = Some(shown), |u| u.execution_policy = Patch::Set(policy));
}

#[component]
fn Monitor(
    current: Current,
    state: Memo<Option<ExecutionState>>,
    policy: Memo<Option<ExecutionPolicy>>,
) -> impl IntoView {
    let id = current.detail.with_untracked(|d| d.issue.id);
    let at = Memo::new(move |_| {
        state.with(|s| {
            let m = s.as_ref()?.monitor.as_ref()?;
            (m.status == MonitorStatus::Scheduled).then_some(m.next_check_at?)
        })
    });
    let now = app().now;
    let pick = move |ev: web_sys::MouseEvent| {
        let Some(el) = anchor(&ev) else { return };
        let mut choices: Vec<Choice> =
            LATER.iter().map(|(key, label, _)| Choice::new(*key, *label, Glyph::Icon(i::TIMER))).collect();
        if at.get_untracked().is_some() {
            choices.push(Choice::new("now", "Look now", Glyph::Icon(i::ZAP)));
            choices.push(Choice::new("never", "Do not look again", Glyph::Icon(i::X)));
        }
        let pick = Callback::new(move |key: String| match key.as_str() {
            "now" => act::<op::CheckMonitorNow>(IssuePath { id: id.into() }, move |_| {
                current.query.refetch();
                app().say("Its agent is asked to look");
            }),
            "never" => set(current, &json!({ "monitor": null })),
            key => {
                let Some((.., seconds)) = LATER.iter().find(|(k, ..)| *k == key) else { return };
                let at: Timestamp = now.get_untracked().plus(std::time::Duration::from_secs(*seconds));
                set(current, &json!({ "monitor": { "nextCheckAt": at } }));
            }
        });
        Menu::under(&el, "Look again", choices, pick).open();
    };
    // Only where somebody would look.
    let fits = Memo::new(move |_| {
        policy.with(|p| p.as_ref().is_some_and(|p| p.monitor.is_some()))
            || current.detail.with(|d| {
                use contract::issue::IssueStatus::{InProgress, InReview};
                d.issue.assignee_agent_id.is_some() && matches!(d.issue.status, InProgress | InReview)
            })
    });
    view! {
        <Show when=move || fits.get()>
            <Property label="Look again">
                <button class="value-btn" data-testid="issue-monitor" on:click=pick>
                    {move || match at.get() {
                        Some(t) => {
                            view! {
                                <Icon d=i::TIMER />
                                <span class="num">{move || format::ahead(t, now.get())}</span>
                            }
                                .into_any()
                        }
                        None => view! { <span class="muted">"Not set"</span> }.into_any(),
                    }}
                </button>
            </Property>
        </Show>
    }
}
