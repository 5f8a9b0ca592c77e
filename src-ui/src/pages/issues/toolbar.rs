//! The bar over the issues: presets, filters, text, order, grouping, saved views, list or board.

use contract::issue::{IssuePriority, IssueSort, IssueStatus, SortDir};
use contract::planning::InProject;
use leptos::html;
use leptos::prelude::*;

use super::SavedView;
use crate::components::base::{Avatar, Icon, PriorityIcon, StatusIcon};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor, debounced};
use crate::components::pickers::{
    Assignee, assignee_choices, label_choices, priority_choices, project_choices, status_choices,
};
use crate::filters::{Group, IssueView, PRESETS};
use crate::labels;
use crate::state::keys::{self, use_keys};
use crate::state::{app, company, prefs};

const SORTS: [(IssueSort, &str); 5] = [
    (IssueSort::Updated, "Last updated"),
    (IssueSort::Created, "Created"),
    (IssueSort::Priority, "Priority"),
    (IssueSort::Status, "Status"),
    (IssueSort::Title, "Title"),
];

#[component]
pub fn Toolbar(view: RwSignal<IssueView>) -> impl IntoView {
    let co = company();
    let typed = RwSignal::new(view.with_untracked(|v| v.text.clone()));
    let rested = debounced(typed, 180);
    Effect::new(move |_| {
        let text = rested.get();
        if view.with_untracked(|v| v.text != text) {
            view.update(|v| v.text = text);
        }
    });
    let search = NodeRef::<html::Input>::new();
    use_keys(move |ev, key| {
        if key != "/" || keys::typing(ev) || app().dialog.with_untracked(Option::is_some) {
            return false;
        }
        search.get_untracked().is_some_and(|el| el.focus().is_ok())
    });
    let open_sort = move |ev: web_sys::MouseEvent| {
        let Some(el) = anchor(&ev) else { return };
        let (now, dir) = view.with_untracked(|v| (v.sort, v.dir));
        let mut choices: Vec<Choice> = SORTS
            .iter()
            .map(|(s, label)| Choice::new(s.as_str(), *label, Glyph::None).selected(*s == now))
            .collect();
        let turn = if dir == SortDir::Desc { "Ascending" } else { "Descending" };
        choices.push(Choice::new("turn", turn, Glyph::Icon(i::ARROW_UP_DOWN)));
        let pick = Callback::new(move |id: String| {
            view.update(|v| match id.parse() {
                Ok(s) => v.sort = s,
                Err(_) => v.dir = if v.dir == SortDir::Desc { SortDir::Asc } else { SortDir::Desc },
            });
        });
        Menu::under(&el, "Order by", choices, pick).open();
    };
    let open_group = move |ev: web_sys::MouseEvent| {
        let Some(el) = anchor(&ev) else { return };
        let now = view.with_untracked(|v| v.group);
        let choices = Group::ALL
            .iter()
            .map(|g| Choice::new(g.key(), g.label(), Glyph::None).selected(*g == now))
            .collect();
        let pick = Callback::new(move |id: String| {
            if let Some(g) = Group::ALL.into_iter().find(|g| g.key() == id) {
                view.update(|v| v.group = g);
            }
        });
        Menu::under(&el, "Group by", choices, pick).open();
    };
    let board = Memo::new(move |_| view.with(|v| v.board));
    let sort_label = move || {
        let now = view.with(|v| v.sort);
        SORTS.iter().find(|(s, _)| *s == now).map_or("Order", |(_, l)| l)
    };
    view! {
        <div class="toolbar" role="toolbar" aria-label="View">
            <div class="segments" role="group" aria-label="Presets">
                {PRESETS
                    .iter()
                    .map(|(key, label, statuses)| {
                        view! {
                            <button
                                class:on=move || view.with(|v| v.preset() == Some(*key))
                                data-testid=format!("preset-{key}")
                                on:click=move |_| view.update(|v| v.status = statuses.to_vec())
                            >
                                {*label}
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
            <button class="chip-btn" data-testid="issue-filter" on:click=move |ev| open_filter(&ev, view)>
                <Icon d=i::FILTER />
                "Filter"
            </button>
            <ActiveFilters view=view />
            <div class="toolbar-end">
                <div class="search-box">
                    <Icon d=i::SEARCH />
                    <input
                        node_ref=search
                        type="search"
                        placeholder="Search issues"
                        aria-label="Search issues"
                        data-testid="issue-search"
                        prop:value=move || typed.get()
                        on:input:target=move |ev| typed.set(ev.target().value())
                        on:keydown=move |ev| {
                            if ev.key() == "Escape"
                                && let Some(el) = search.get_untracked()
                            {
                                let _ = el.blur();
                            }
                        }
                    />
                </div>
                <button class="chip-btn" title="Order" on:click=open_sort>
                    <Icon d=i::ARROW_UP_DOWN />
                    {sort_label}
                </button>
                <Show when=move || !board.get()>
                    <button class="chip-btn" title="Group" on:click=open_group>
                        <Icon d=i::GROUP />
                        {move || view.with(|v| v.group.label())}
                    </button>
                </Show>
                <button
                    class="icon-btn framed"
                    aria-label="Saved views"
                    title="Saved views"
                    data-testid="saved-views"
                    on:click=move |ev| saved_views(&ev, view, &co.id.to_string())
                >
                    <Icon d=i::LAYERS />
                </button>
                <div class="segments" role="group" aria-label="Layout">
                    <button
                        aria-label="List"
                        title="List"
                        data-testid="view-list"
                        class:on=move || !board.get()
                        on:click=move |_| view.update(|v| v.board = false)
                    >
                        <Icon d=i::LIST />
                    </button>
                    <button
                        aria-label="Board"
                        title="Board"
                        data-testid="view-board"
                        class:on=move || board.get()
                        on:click=move |_| view.update(|v| v.board = true)
                    >
                        <Icon d=i::COLUMNS_3 />
                    </button>
                </div>
            </div>
        </div>
    }
}

/// First what to filter by, then its values.
fn open_filter(ev: &web_sys::MouseEvent, view: RwSignal<IssueView>) {
    let Some(el) = anchor(ev) else { return };
    let live = view.with_untracked(|v| v.live);
    let choices = vec![
        Choice::new("status", "Status", Glyph::Icon(i::CIRCLE_DOT)),
        Choice::new("priority", "Priority", Glyph::Icon(i::CIRCLE_ALERT)),
        Choice::new("assignee", "Assignee", Glyph::Icon(i::USER)),
        Choice::new("label", "Label", Glyph::Icon(i::TAG)),
        Choice::new("project", "Project", Glyph::Icon(i::FOLDER)),
        Choice::new("live", "Live runs only", Glyph::Icon(i::ZAP)).selected(live),
    ];
    let under = StoredValue::new_local(el.clone());
    let pick = Callback::new(move |id: String| {
        if id == "live" {
            view.update(|v| v.live = !v.live);
            return;
        }
        if let Some(el) = under.try_get_value() {
            filter_values(&el, &id, view);
        }
    });
    Menu::under(&el, "Filter by", choices, pick).open();
}

fn toggle<T: PartialEq>(list: &mut Vec<T>, value: T) {
    match list.iter().position(|v| *v == value) {
        Some(at) => {
            list.remove(at);
        }
        None => list.push(value),
    }
}

fn filter_values(el: &web_sys::Element, field: &str, view: RwSignal<IssueView>) {
    let co = company();
    let now = view.get_untracked();
    match field {
        "status" => {
            let mut choices = status_choices(None);
            for c in &mut choices {
                c.selected = now.status.iter().any(|s| s.as_str() == c.id);
            }
            let pick = Callback::new(move |id: String| {
                if let Ok(s) = id.parse::<IssueStatus>() {
                    view.update(|v| toggle(&mut v.status, s));
                }
            });
            Menu::under(el, "Status", choices, pick).multi().open();
        }
        "priority" => {
            let mut choices = priority_choices(None);
            for c in &mut choices {
                c.selected = now.priority.iter().any(|p| p.as_str() == c.id);
            }
            let pick = Callback::new(move |id: String| {
                if let Ok(p) = id.parse::<IssuePriority>() {
                    view.update(|v| toggle(&mut v.priority, p));
                }
            });
            Menu::under(el, "Priority", choices, pick).multi().open();
        }
        "assignee" => {
            let holder = now.assignee.as_deref().and_then(Assignee::parse);
            let pick = Callback::new(move |id: String| view.update(|v| v.assignee = Some(id)));
            Menu::under(el, "Assignee", assignee_choices(co, holder.as_ref()), pick).open();
        }
        "label" => {
            let chosen: Vec<_> = now.label.into_iter().collect();
            let pick = Callback::new(move |id: String| view.update(|v| v.label = id.parse().ok()));
            Menu::under(el, "Label", label_choices(co, &chosen), pick).open();
        }
        "project" => {
            let pick =
                Callback::new(move |id: String| view.update(|v| v.project = InProject::try_from(id).ok()));
            let mut choices = project_choices(co, now.one_project());
            if let Some(none) = choices.first_mut() {
                none.selected = now.project == Some(InProject::None);
            }
            Menu::under(el, "Project", choices, pick).open();
        }
        _ => {}
    }
}

/// The filters that are set, each with a way to drop it.
#[component]
fn ActiveFilters(view: RwSignal<IssueView>) -> impl IntoView {
    let co = company();
    let chip = move |content: AnyView, field: &'static str, clear: fn(&mut IssueView)| {
        view! {
            <span class="filter-chip">
                <button
                    class="filter-value"
                    on:click=move |ev| {
                        if let Some(el) = anchor(&ev) {
                            filter_values(&el, field, view);
                        }
                    }
                >
                    {content}
                </button>
                <button class="filter-drop" aria-label="Remove filter" on:click=move |_| view.update(clear)>
                    <Icon d=i::X />
                </button>
            </span>
        }
    };
    move || {
        let v = view.get();
        let mut out: Vec<AnyView> = Vec::new();
        if !v.status.is_empty() && v.preset().is_none() {
            let icons = v.status.iter().map(|s| view! { <StatusIcon status=*s /> }).collect_view();
            let words = match v.status.as_slice() {
                [one] => labels::issue_status(*one).to_owned(),
                many => format!("{} statuses", many.len()),
            };
            out.push(chip(view! { {icons} {words} }.into_any(), "status", |v| v.status.clear()).into_any());
        }
        if !v.priority.is_empty() {
            let icons = v.priority.iter().map(|p| view! { <PriorityIcon priority=*p /> }).collect_view();
            let words = match v.priority.as_slice() {
                [one] => labels::priority(*one).to_owned(),
                many => format!("{} priorities", many.len()),
            };
            out.push(
                chip(view! { {icons} {words} }.into_any(), "priority", |v| v.priority.clear()).into_any(),
            );
        }
        if let Some(a) = v.assignee.as_deref().and_then(Assignee::parse) {
            let name = a.label(co);
            let content = view! { <Avatar name=name.clone() /> {name} }.into_any();
            out.push(chip(content, "assignee", |v| v.assignee = None).into_any());
        }
        if let Some(id) = v.label {
            let l = co.labels.data.with(|l| l.as_ref()?.iter().find(|l| l.id == id).cloned());
            let content = view! {
                <span class="swatch" style:background-color=l.as_ref().map_or_else(String::new, |l| l.color.clone())></span>
                {l.map_or_else(|| "Deleted label".into(), |l| l.name)}
            }
            .into_any();
            out.push(chip(content, "label", |v| v.label = None).into_any());
        }
        if let Some(p) = v.project {
            let name = match p {
                InProject::None => "No project".to_owned(),
                InProject::One(p) => co.project_name(p).unwrap_or_else(|| "Deleted project".into()),
            };
            let content = view! { <Icon d=i::FOLDER /> {name} }.into_any();
            out.push(chip(content, "project", |v| v.project = None).into_any());
        }
        if v.live {
            out.push(chip(view! { "Live" }.into_any(), "live", |v| v.live = false).into_any());
        }
        (!out.is_empty()).then(|| view! { <div class="filter-chips">{out}</div> })
    }
}

fn saved_views(ev: &web_sys::MouseEvent, view: RwSignal<IssueView>, company: &str) {
    let Some(el) = anchor(ev) else { return };
    let key = format!("views:{company}");
    let saved: Vec<SavedView> = prefs::load(&key).unwrap_or_default();
    let now = view.get_untracked();
    let mut choices: Vec<Choice> = saved
        .iter()
        .map(|s| {
            let hint = if s.view.board { "board" } else { s.view.group.key() };
            Choice::new(s.name.clone(), s.name.clone(), Glyph::Icon(i::LAYERS))
                .hint(hint)
                .selected(s.view == now)
        })
        .collect();
    if let Some(current) = saved.iter().find(|s| s.view == now) {
        choices.push(
            Choice::new("\u{0}drop", format!("Forget “{}”", current.name), Glyph::Icon(i::TRASH_2)).danger(),
        );
    }
    let keep = key.clone();
    let pick = Callback::new(move |name: String| {
        let mut saved: Vec<SavedView> = prefs::load(&keep).unwrap_or_default();
        if name == "\u{0}drop" {
            let now = view.get_untracked();
            saved.retain(|s| s.view != now);
            prefs::save(&keep, &saved);
        } else if let Some(s) = saved.into_iter().find(|s| s.name == name) {
            view.set(s.view);
        }
    });
    let create = Callback::new(move |name: String| {
        let mut saved: Vec<SavedView> = prefs::load(&key).unwrap_or_default();
        saved.retain(|s| s.name != name);
        saved.push(SavedView { name: name.clone(), view: view.get_untracked() });
        prefs::save(&key, &saved);
        app().say(format!("View “{name}” saved"));
    });
    Menu::under(&el, "Open a view, or type a name to save this one", choices, pick).create(create).open();
}
