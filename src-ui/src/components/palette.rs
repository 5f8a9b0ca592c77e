//! The command palette: actions, pages, agents, projects, and issues found by the core.

use contract::operations as op;
use contract::search::{Search, SearchScope};
use leptos::prelude::*;

use crate::api::query::{Ask, use_query};
use crate::components::dialog::Overlay;
use crate::components::icons as i;
use crate::components::menu::{ChoiceGlyph, Glyph, debounced};
use crate::pages::settings::set_theme;
use crate::state::route::{AgentTab, Page, Route};
use crate::state::{Co, Dialog, NewIssueDefaults, act, app, company};

#[derive(Clone, PartialEq)]
struct Command {
    group: &'static str,
    label: String,
    hint: String,
    glyph: Glyph,
    deed: Deed,
}

#[derive(Clone, PartialEq)]
enum Deed {
    Go(Route),
    NewIssue,
    NewCompany,
    Shortcuts,
    Theme(&'static str),
    PauseAll,
    ResumeAll,
    Quit,
}

fn run(deed: Deed) {
    let app = app();
    app.dialog.set(None);
    match deed {
        Deed::Go(to) => app.go(to),
        Deed::NewIssue => app.dialog.set(Some(Dialog::NewIssue(NewIssueDefaults::default()))),
        Deed::NewCompany => app.dialog.set(Some(Dialog::NewCompany)),
        Deed::Shortcuts => app.dialog.set(Some(Dialog::Shortcuts)),
        Deed::Theme(t) => set_theme(t),
        Deed::Quit => crate::ipc::send("quit", serde_json::json!({})),
        Deed::PauseAll => {
            act::<op::PauseInstance>(contract::company::Nothing {}, move |_| app.say("All work is paused"))
        }
        Deed::ResumeAll => {
            act::<op::ResumeInstance>(contract::company::Nothing {}, move |_| app.say("Work goes on"));
        }
    }
}

fn commands(co: Co, paused: bool) -> Vec<Command> {
    let action = |label: &str, hint: &str, icon, deed| Command {
        group: "Actions",
        label: label.into(),
        hint: hint.into(),
        glyph: Glyph::Icon(icon),
        deed,
    };
    let page = |label: &str, hint: &str, icon, page| Command {
        group: "Pages",
        label: label.into(),
        hint: hint.into(),
        glyph: Glyph::Icon(icon),
        deed: Deed::Go(co.route(page)),
    };
    let mut all = vec![
        action("New issue", "C", i::SQUARE_PEN, Deed::NewIssue),
        action("New agent", "", i::BOT, Deed::Go(co.route(Page::NewAgent))),
        action("New company", "", i::BUILDING_2, Deed::NewCompany),
        if paused {
            action("Resume all work", "", i::CIRCLE_PLAY, Deed::ResumeAll)
        } else {
            action("Pause all work", "", i::CIRCLE_PAUSE, Deed::PauseAll)
        },
        action("Dark theme", "", i::MOON, Deed::Theme("dark")),
        action("Light theme", "", i::SUN, Deed::Theme("light")),
        action("System theme", "", i::MONITOR, Deed::Theme("system")),
        action("Quit: runs in flight go on", "", i::CIRCLE_STOP, Deed::Quit),
        action("Keyboard shortcuts", "?", i::KEYBOARD, Deed::Shortcuts),
        page("Dashboard", "G D", i::LAYOUT_DASHBOARD, Page::Dashboard),
        page("Waiting for you", "G W", i::BELL, Page::Waiting),
        page("Issues", "G I", i::LIST_TODO, Page::Issues(String::new())),
        page("Board", "", i::SQUARE_KANBAN, Page::Issues("view=board".into())),
        page("Agents", "G A", i::BOT, Page::Agents("all".into())),
        page("Projects", "", i::FOLDER, Page::Projects),
        page("Goals", "", i::GOAL, Page::Goals),
        page("Costs", "", i::CREDIT_CARD, Page::Costs),
        page("Activity", "", i::ACTIVITY, Page::Activity),
        page("Settings", "", i::SETTINGS, Page::Settings),
    ];
    co.agents.data.with(|agents| {
        all.extend(agents.iter().flat_map(|l| l.iter()).map(|a| Command {
            group: "Agents",
            label: a.name.clone(),
            hint: a.title.clone().unwrap_or_else(|| crate::format::words(a.role.as_str())),
            glyph: Glyph::Avatar(a.name.clone()),
            deed: Deed::Go(co.route(Page::Agent(a.url_key.clone(), AgentTab::Overview))),
        }));
    });
    co.projects.data.with(|projects| {
        all.extend(projects.iter().flat_map(|l| l.iter()).map(|p| Command {
            group: "Projects",
            label: p.name.clone(),
            hint: String::new(),
            glyph: p.color.clone().map_or(Glyph::Icon(i::FOLDER), Glyph::Color),
            deed: Deed::Go(co.route(Page::Issues(format!("project={}", p.id)))),
        }));
    });
    all
}

/// How well typed letters match a label: all in order, better together and at word starts. `None`: not at all.
pub fn score(typed: &str, label: &str) -> Option<i32> {
    let label: Vec<char> = label.to_lowercase().chars().collect();
    let (mut at, mut total, mut last) = (0usize, 0i32, None);
    for c in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let found = (at..label.len()).find(|k| label[*k] == c)?;
        total += match last {
            Some(l) if found == l + 1 => 5,
            _ if found == 0 || !label[found - 1].is_alphanumeric() => 4,
            _ => 0,
        };
        total -= (found - at).min(5) as i32;
        last = Some(found);
        at = found + 1;
    }
    Some(total - (label.len() / 8) as i32)
}

#[component]
pub fn Palette() -> impl IntoView {
    let app = app();
    let co = company();
    let typed = RwSignal::new(String::new());
    let cursor = RwSignal::new(0usize);
    let rested = debounced(typed, 120);
    let found = use_query::<op::SearchCompany>(move || {
        let q = rested.get().trim().to_owned();
        (q.chars().count() >= 2).then(|| {
            Ask::within(
                Search { company_id: co.id, q, scope: Some(SearchScope::All), limit: Some(12), offset: None },
                co.id,
            )
        })
    });
    let shown = Memo::new(move |_| {
        let q = typed.get();
        let paused = app.status.data.with(|s| s.as_ref().is_some_and(|s| s.paused_at.is_some()));
        let mut all = commands(co, paused);
        if q.trim().is_empty() {
            return all;
        }
        let mut scored: Vec<(i32, Command)> =
            all.drain(..).filter_map(|c| Some((score(&q, &c.label)?, c))).collect();
        scored.sort_by_key(|(s, _)| -s);
        let mut out: Vec<Command> = scored.into_iter().map(|(_, c)| c).take(8).collect();
        let issues = found.get().map(|r| {
            r.results
                .iter()
                .filter_map(|r| {
                    let s = r.issue.as_ref()?;
                    Some(Command {
                        group: "Issues",
                        label: s.title.clone(),
                        hint: s.identifier.clone().unwrap_or_default(),
                        glyph: Glyph::Status(s.status),
                        deed: Deed::Go(
                            co.route(Page::Issue(s.identifier.clone().unwrap_or_else(|| s.id.to_string()))),
                        ),
                    })
                })
                .collect::<Vec<_>>()
        });
        out.extend(issues.unwrap_or_default());
        out
    });
    Effect::new(move |_| {
        typed.track();
        cursor.set(0);
    });
    let choose = move |n: usize| {
        if let Some(c) = shown.with_untracked(|s| s.get(n).cloned()) {
            run(c.deed);
        }
    };
    let keydown = move |ev: web_sys::KeyboardEvent| {
        let n = shown.with_untracked(Vec::len).max(1);
        match ev.key().as_str() {
            "ArrowDown" => cursor.update(|c| *c = (*c + 1) % n),
            "ArrowUp" => cursor.update(|c| *c = (*c + n - 1) % n),
            "Enter" => choose(cursor.get_untracked()),
            _ => return,
        }
        ev.prevent_default();
        scroll_to_cursor(cursor.get_untracked());
    };
    view! {
        <Overlay label="Command palette" class="palette" close=Callback::new(move |()| app.dialog.set(None))>
            <div class="palette-input" data-testid="palette">
                <input
                    type="text"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=move || format!("palette-{}", cursor.get())
                    aria-label="Search issues, agents, pages and actions"
                    placeholder="Search issues, agents, pages and actions"
                    autocomplete="off"
                    spellcheck="false"
                    data-autofocus=""
                    data-testid="palette-input"
                    on:input:target=move |ev| typed.set(ev.target().value())
                    on:keydown=keydown
                />
            </div>
            <div class="palette-list" id="palette-list" role="listbox" aria-label="Results">
                {move || {
                    let mut group = "";
                    let all = shown.get();
                    if all.is_empty() {
                        return view! { <div class="menu-empty">"Nothing matches"</div> }.into_any();
                    }
                    all.into_iter()
                        .enumerate()
                        .map(|(n, c)| {
                            let head = (c.group != group).then_some(c.group);
                            group = c.group;
                            view! {
                                {head.map(|h| view! { <div class="menu-group">{h}</div> })}
                                <div
                                    class="menu-item"
                                    id=format!("palette-{n}")
                                    role="option"
                                    data-testid="palette-item"
                                    aria-selected=move || (cursor.get() == n).to_string()
                                    class:at=move || cursor.get() == n
                                    on:pointermove=move |_| {
                                        if cursor.get_untracked() != n {
                                            cursor.set(n);
                                        }
                                    }
                                    on:click=move |_| choose(n)
                                >
                                    <ChoiceGlyph glyph=c.glyph />
                                    <span class="menu-label">{c.label}</span>
                                    <span class="menu-hint">{c.hint}</span>
                                </div>
                            }
                        })
                        .collect_view()
                        .into_any()
                }}
            </div>
        </Overlay>
    }
}

fn scroll_to_cursor(n: usize) {
    if let Some(el) = document().get_element_by_id(&format!("palette-{n}")) {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        el.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn letters_in_order_match_and_word_starts_win() {
        assert!(score("ni", "New issue").is_some());
        assert!(score("zz", "New issue").is_none());
        assert!(score("ni", "New issue") > score("ni", "Pages running in"));
        assert!(score("dash", "Dashboard") > score("dash", "Dark ask shelf"));
    }
}
