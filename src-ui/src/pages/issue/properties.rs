//! The properties of an issue, each changed where it stands.

use contract::cost::IssueCostsOf;
use contract::issue::{IssueDetail, WorkMode};
use contract::operations as op;
use contract::{IssueId, LabelId, Patch, ProjectId};
use leptos::prelude::*;

use super::Current;
use crate::api::query::{Ask, use_query};
use crate::components::base::{Ago, Avatar, Icon, IssueChip, Link, PriorityIcon, StatusIcon};
use crate::components::icons as i;
use crate::components::issue_row::{AssigneeMark, SummaryRow};
use crate::components::menu::{Choice, Glyph, Menu, anchor, issue_id};
use crate::components::pickers::{
    Assignee, assignee_choices, pick_labels, priority_choices, project_choices, status_choices,
};
use crate::labels;
use crate::state::route::Page;
use crate::state::{Co, company};

/// Opens the menu of a property by its key.
pub fn open(key: &str, current: Current, co: Co) -> bool {
    let selector = match key {
        "s" => "[data-testid=issue-status]",
        "p" => "[data-testid=issue-priority]",
        _ => "[data-testid=issue-assignee]",
    };
    let at = document().query_selector(selector).ok().flatten();
    let Some(el) = at.or_else(|| document().query_selector(".issue-title").ok().flatten()) else {
        return false;
    };
    match key {
        "s" => pick_status(&el, current),
        "p" => pick_priority(&el, current),
        _ => pick_assignee(&el, current, co),
    }
    true
}

fn pick_status(el: &web_sys::Element, current: Current) {
    let now = current.detail.with_untracked(|d| d.issue.status);
    let pick = Callback::new(move |s: String| {
        if let Ok(s) = s.parse() {
            current.change(|d| d.issue.status = s, |u| u.status = Some(s));
        }
    });
    Menu::under(el, "Set status", status_choices(Some(now)), pick).open();
}

fn pick_priority(el: &web_sys::Element, current: Current) {
    let now = current.detail.with_untracked(|d| d.issue.priority);
    let pick = Callback::new(move |p: String| {
        if let Ok(p) = p.parse() {
            current.change(|d| d.issue.priority = p, |u| u.priority = Some(p));
        }
    });
    Menu::under(el, "Set priority", priority_choices(Some(now)), pick).open();
}

pub fn pick_assignee(el: &web_sys::Element, current: Current, co: Co) {
    let now = current.detail.with_untracked(|d| Assignee::of(&d.issue));
    let pick = Callback::new(move |a: String| {
        if let Some(a) = Assignee::parse(&a) {
            current.change(|d| a.show(&mut d.issue), |u| a.put(u));
        }
    });
    Menu::under(el, "Assign to", assignee_choices(co, Some(&now)), pick).open();
}

fn pick_project(el: &web_sys::Element, current: Current, co: Co) {
    let now = current.detail.with_untracked(|d| d.issue.project_id);
    let pick = Callback::new(move |p: String| {
        let p = p.parse::<ProjectId>().ok();
        current.change(|d| d.issue.project_id = p, |u| u.project_id = Patch::from(p));
    });
    Menu::under(el, "Set project", project_choices(co, now), pick).open();
}

fn pick_mode(el: &web_sys::Element, current: Current) {
    let now = current.detail.with_untracked(|d| d.issue.work_mode);
    let choices = WorkMode::ALL.iter().map(|m| {
        let (word, icon) = mode(*m);
        Choice::new(m.as_str(), word, Glyph::Icon(icon)).selected(now == *m)
    });
    let pick = Callback::new(move |m: String| {
        if let Ok(m) = m.parse() {
            current.change(|d| d.issue.work_mode = m, |u| u.work_mode = Some(m));
        }
    });
    Menu::under(el, "Work mode", choices.collect(), pick).open();
}

const fn mode(m: WorkMode) -> (&'static str, &'static str) {
    match m {
        WorkMode::Standard => ("Work on it", i::PLAY),
        WorkMode::Planning => ("Plan first", i::FILE_TEXT),
    }
}

fn pick_parent(el: &web_sys::Element, current: Current, co: Co) {
    let me = current.detail.with_untracked(|d| d.issue.id);
    let pick = Callback::new(move |p: String| {
        if let Some(p) = issue_id(&p).filter(|p| *p != me) {
            current.change(|d| d.issue.parent_id = Some(p), |u| u.parent_id = Patch::Set(p));
        }
    });
    Menu::issues(el, "Set parent", co.id, pick).open();
}

/// Replaces the set of blockers.
fn block_by(current: Current, ids: Vec<IssueId>) {
    let kept = ids.clone();
    current.change(
        move |d: &mut IssueDetail| d.blocked_by.retain(|b| kept.contains(&b.id)),
        |u| u.blocked_by_issue_ids = Some(ids),
    );
}

fn add_blocker(el: &web_sys::Element, current: Current, co: Co) {
    let me = current.detail.with_untracked(|d| d.issue.id);
    let pick = Callback::new(move |b: String| {
        let Some(b) = issue_id(&b).filter(|b| *b != me) else { return };
        let mut ids: Vec<IssueId> =
            current.detail.with_untracked(|d| d.blocked_by.iter().map(|x| x.id).collect());
        if !ids.contains(&b) {
            ids.push(b);
            block_by(current, ids);
        }
    });
    Menu::issues(el, "Blocked by", co.id, pick).open();
}

#[component]
pub(super) fn Property(label: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="property">
            <span class="property-label">{label}</span>
            <div class="property-value">{children()}</div>
        </div>
    }
}

#[component]
pub fn Properties(current: Current) -> impl IntoView {
    let co = company();
    let d = current.detail;
    let status = Memo::new(move |_| d.with(|d| d.issue.status));
    let priority = Memo::new(move |_| d.with(|d| d.issue.priority));
    let assignee = Memo::new(move |_| d.with(|d| Assignee::of(&d.issue)));
    let chosen = Memo::new(move |_| d.with(|d| d.labels.clone()));
    let project = Memo::new(move |_| d.with(|d| d.issue.project_id));
    let work_mode = Memo::new(move |_| d.with(|d| d.issue.work_mode));
    let parent = Memo::new(move |_| d.with(|d| d.ancestors.first().cloned()));
    let with = move |f: fn(&web_sys::Element, Current)| {
        move |ev: web_sys::MouseEvent| {
            if let Some(el) = anchor(&ev) {
                f(&el, current);
            }
        }
    };
    let with_co = move |f: fn(&web_sys::Element, Current, Co)| {
        move |ev: web_sys::MouseEvent| {
            if let Some(el) = anchor(&ev) {
                f(&el, current, co);
            }
        }
    };
    let open_labels = move |ev: web_sys::MouseEvent| {
        let Some(el) = anchor(&ev) else { return };
        let set = Callback::new(move |ids: Vec<LabelId>| {
            let known = co.labels.data.get_untracked();
            let shown: Vec<_> =
                known.iter().flat_map(|l| l.iter()).filter(|l| ids.contains(&l.id)).cloned().collect();
            current.change(|d| d.labels = shown, |u| u.label_ids = Some(ids));
        });
        pick_labels(&el, co, chosen.with_untracked(|l| l.iter().map(|l| l.id).collect()), set);
    };
    view! {
        <aside class="panel" aria-label="Properties">
            <Property label="Status">
                <button
                    class="value-btn"
                    data-testid="issue-status"
                    data-status=move || status.get().as_str()
                    on:click=with(pick_status)
                >
                    {move || view! { <StatusIcon status=status.get() /> }}
                    {move || labels::issue_status(status.get())}
                </button>
            </Property>
            <Property label="Priority">
                <button class="value-btn" data-testid="issue-priority" on:click=with(pick_priority)>
                    {move || view! { <PriorityIcon priority=priority.get() /> }}
                    {move || labels::priority(priority.get())}
                </button>
            </Property>
            <Property label="Assignee">
                <button class="value-btn" data-testid="issue-assignee" on:click=with_co(pick_assignee)>
                    {move || view! { <AssigneeMark assignee=assignee.get() /> }}
                    <span class="ellipsis">{move || assignee.get().label(co)}</span>
                </button>
            </Property>
            <Property label="Labels">
                <button class="value-btn wrap" on:click=open_labels>
                    {move || {
                        let all = chosen.get();
                        if all.is_empty() {
                            return view! { <span class="muted">"Add label"</span> }.into_any();
                        }
                        all.into_iter()
                            .map(|l| {
                                view! {
                                    <span class="label">
                                        <span class="swatch" style:background-color=l.color></span>
                                        {l.name}
                                    </span>
                                }
                            })
                            .collect_view()
                            .into_any()
                    }}
                </button>
            </Property>
            <Property label="Project">
                <button class="value-btn" on:click=with_co(pick_project)>
                    <Icon d=i::FOLDER />
                    <span class="ellipsis">
                        {move || project.get().and_then(|p| co.project_name(p)).unwrap_or_else(|| "No project".into())}
                    </span>
                </button>
            </Property>
            <Property label="Work mode">
                <button class="value-btn" data-testid="issue-work-mode" on:click=with(pick_mode)>
                    {move || {
                        let (word, icon) = mode(work_mode.get());
                        view! {
                            <Icon d=icon />
                            <span>{word}</span>
                        }
                    }}
                </button>
            </Property>
            <Property label="Parent">
                {move || match parent.get() {
                    Some(p) => {
                        let key = p.identifier.clone().unwrap_or_else(|| p.id.to_string());
                        view! { <IssueChip identifier=key title=p.title /> }.into_any()
                    }
                    None => {
                        view! {
                            <button class="value-btn" on:click=with_co(pick_parent)>
                                <span class="muted">"Set parent"</span>
                            </button>
                        }
                            .into_any()
                    }
                }}
            </Property>
            <super::stages::Stages current=current />
            <Blockers current=current />
            <Facts current=current />
        </aside>
    }
}

#[component]
fn Blockers(current: Current) -> impl IntoView {
    let co = company();
    let d = current.detail;
    let blocked_by = Memo::new(move |_| d.with(|d| d.blocked_by.clone()));
    let blocks = Memo::new(move |_| d.with(|d| d.blocks.clone()));
    let related = Memo::new(move |_| {
        d.with(|d| {
            let mut all: Vec<_> = Vec::new();
            for r in d.related_work.outbound.iter().chain(&d.related_work.inbound) {
                if !all.iter().any(|s: &contract::issue::IssueSummary| s.id == r.issue.id) {
                    all.push(r.issue.clone());
                }
            }
            all
        })
    });
    view! {
        <section class="panel-section">
            <header>
                <h3>"Blocked by"</h3>
                <button
                    class="icon-btn"
                    aria-label="Add a blocker"
                    title="Add a blocker"
                    on:click=move |ev| {
                        if let Some(el) = anchor(&ev) {
                            add_blocker(&el, current, co);
                        }
                    }
                >
                    <Icon d=i::PLUS />
                </button>
            </header>
            {move || {
                blocked_by
                    .get()
                    .into_iter()
                    .map(|b| {
                        let id = b.id;
                        view! {
                            <SummaryRow issue=b>
                                <button
                                    class="icon-btn row-drop"
                                    aria-label="Remove blocker"
                                    on:click=move |_| {
                                        let ids = blocked_by
                                            .with_untracked(|l| {
                                                l.iter().map(|x| x.id).filter(|x| *x != id).collect()
                                            });
                                        block_by(current, ids);
                                    }
                                >
                                    <Icon d=i::X />
                                </button>
                            </SummaryRow>
                        }
                    })
                    .collect_view()
            }}
            <Show when=move || blocked_by.with(Vec::is_empty)>
                <p class="muted">"Nothing"</p>
            </Show>
        </section>
        <Show when=move || !blocks.with(Vec::is_empty)>
            <section class="panel-section">
                <header>
                    <h3>"Blocks"</h3>
                </header>
                {move || blocks.get().into_iter().map(|b| view! { <SummaryRow issue=b /> }).collect_view()}
            </section>
        </Show>
        <Show when=move || !related.with(Vec::is_empty)>
            <section class="panel-section">
                <header>
                    <h3>"Related"</h3>
                </header>
                {move || {
                    related.get().into_iter().take(8).map(|b| view! { <SummaryRow issue=b /> }).collect_view()
                }}
            </section>
        </Show>
    }
}

/// What cannot be changed here: times, makers, locks.
#[component]
fn Facts(current: Current) -> impl IntoView {
    let co = company();
    let d = current.detail;
    move || {
        let d = d.get();
        let issue = &d.issue;
        let creator = match (issue.created_by_agent_id, &issue.created_by_user_id) {
            (Some(a), _) => co.agent_name(a),
            (None, Some(_)) => "You".to_owned(),
            (None, None) => "Paperclip".to_owned(),
        };
        let lock = issue.checkout_run_id.or(issue.execution_run_id);
        let time = |label: &'static str, at: Option<contract::Timestamp>| {
            at.map(|at| {
                view! {
                    <Property label=label>
                        <span class="fact"><Ago at=at /></span>
                    </Property>
                }
            })
        };
        view! {
            <section class="panel-section facts">
                {d.goal.as_ref().map(|g| g.title.clone()).map(|g| view! { <Property label="Goal"><span class="fact">{g}</span></Property> })}
                <Property label="Created by">
                    <span class="fact person">
                        <Avatar name=creator.clone() />
                        <span class="ellipsis">{creator.clone()}</span>
                    </span>
                </Property>
                <Cost id=issue.id />
                {time("Created", Some(issue.created_at))}
                {time("Updated", Some(issue.updated_at))}
                {time("Started", issue.started_at)}
                {time("Completed", issue.completed_at)}
                {time("Cancelled", issue.cancelled_at)}
                {lock
                    .map(|run| {
                        view! {
                            <Property label="Held by">
                                <Link to=co.route(Page::Run(run.to_string())) class="fact">
                                    <Icon d=i::LOCK />
                                    " a run"
                                </Link>
                            </Property>
                        }
                    })}
            </section>
        }
    }
}

/// What the issue cost with all below it, once a run was at work on any of it.
#[component]
fn Cost(id: contract::IssueId) -> impl IntoView {
    let co = company();
    let costs = use_query::<op::GetIssueCosts>(move || {
        Some(Ask::within(IssueCostsOf { id: id.into(), exclude_root: false }, co.id))
    });
    move || {
        costs.get().filter(|c| c.run_count > 0).map(|c| {
            let runs = crate::format::count(c.run_count, "run", "runs");
            let below = match c.issue_count {
                1 => String::new(),
                n => format!(", with {} below it", crate::format::count(n - 1, "issue", "issues")),
            };
            let tokens = crate::format::tokens(c.input_tokens + c.output_tokens);
            view! {
                <Property label="Cost">
                    <span class="fact" title=format!("{tokens} tokens in {runs}{below}") data-testid="issue-cost">
                        {crate::format::money(c.cost_cents)}
                        <span class="muted">
                            {format!(" · {runs}, {}", crate::format::duration(c.runtime_ms))}
                        </span>
                    </span>
                </Property>
            }
        })
    }
}
