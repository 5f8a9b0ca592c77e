//! The sidebar: company, the way to every page, agents with what they do, projects.

use std::collections::HashMap;

use contract::AgentId;
use contract::company::{Company, CompanyStatus};
use contract::issue::ListIssues;
use contract::operations as op;
use contract::run::RunStatus;
use leptos::prelude::*;

use crate::api::query::{Ask, use_query};
use crate::components::approval::pending_approvals;
use crate::components::base::{AgentDot, Icon, Kbd, Link, LiveBadge};
use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu, anchor};
use crate::format;
use crate::labels;
use crate::state::route::{AgentTab, Page, Route};
use crate::state::{Dialog, NewIssueDefaults, app, company};

#[component]
pub fn Sidebar() -> impl IntoView {
    let app = app();
    let co = company();
    let here = Memo::new(move |_| match app.route.get() {
        Route::Company(_, page) => page,
        _ => Page::Dashboard,
    });
    let counted = use_query::<op::CountIssues>(move || {
        let mut q = ListIssues::of(co.id);
        q.waiting = true;
        Some(Ask::within(q, co.id))
    });
    // What a spent budget asks is among the approvals.
    let asked = pending_approvals();
    let waiting = Memo::new(move |_| {
        let approvals = asked.data.with(|a| a.as_ref().map_or(0, |a| a.len()));
        counted.get().map_or(0, |c| c.count) + i64::try_from(approvals).unwrap_or(0)
    });
    let live = Memo::new(move |_| {
        co.live.data.with(|l| {
            l.iter().flat_map(|l| l.iter()).filter(|r| r.status == RunStatus::Running).count() as i64
        })
    });
    view! {
        <aside class="sidebar" aria-label="Sidebar">
            <CompanySwitcher />
            <div class="sidebar-actions">
                <button
                    class="btn new-issue-btn"
                    data-testid="nav-new-issue"
                    title="New issue"
                    on:click=move |_| app.dialog.set(Some(Dialog::NewIssue(NewIssueDefaults::default())))
                >
                    <Icon d=i::SQUARE_PEN />
                    "New issue"
                    <Kbd keys="C" />
                </button>
                <button
                    class="icon-btn framed"
                    data-testid="nav-search"
                    aria-label="Search and commands"
                    title="Search and commands (Ctrl K)"
                    on:click=move |_| app.dialog.set(Some(Dialog::Palette))
                >
                    <Icon d=i::SEARCH />
                </button>
            </div>
            <nav class="nav" aria-label="Pages">
                <NavItem page=Page::Dashboard icon=i::LAYOUT_DASHBOARD label="Dashboard" testid="nav-dashboard" here>
                    {move || (live.get() > 0).then(|| view! { <LiveBadge count=live.get() /> })}
                </NavItem>
                <NavItem page=Page::Waiting icon=i::BELL label="Waiting for you" testid="nav-waiting" here>
                    {move || {
                        (waiting.get() > 0).then(|| view! { <span class="count hot">{waiting.get()}</span> })
                    }}
                </NavItem>
                <NavItem page=Page::Issues(String::new()) icon=i::LIST_TODO label="Issues" testid="nav-issues" here />
                <NavItem page=Page::Agents("all".into()) icon=i::BOT label="Agents" testid="nav-agents" here />
                <NavItem page=Page::Projects icon=i::FOLDER label="Projects" testid="nav-projects" here />
                <NavItem page=Page::Goals icon=i::GOAL label="Goals" testid="nav-goals" here />
                <NavItem page=Page::Costs icon=i::CREDIT_CARD label="Costs" testid="nav-costs" here />
                <NavItem page=Page::Activity icon=i::ACTIVITY label="Activity" testid="nav-activity" here />
            </nav>
            <div class="sidebar-scroll">
                <AgentSection here />
                <ProjectSection here />
            </div>
            <SidebarFoot here />
        </aside>
    }
}

#[component]
fn NavItem(
    page: Page,
    icon: &'static str,
    label: &'static str,
    testid: &'static str,
    here: Memo<Page>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let key = page.key();
    let active = Memo::new(move |_| here.with(|h| same_section(h, &key)));
    view! {
        <div class="nav-item" class:active=active aria-current=move || active.get().then_some("page")>
            <Link to=company().route(page) testid=testid>
                <Icon d=icon />
                <span>{label}</span>
            </Link>
            {children.map(|c| c())}
        </div>
    }
}

/// Whether a page belongs to a section of the sidebar.
fn same_section(page: &Page, section: &Page) -> bool {
    match section {
        Page::Issues(_) => matches!(page, Page::Issues(_) | Page::Issue(_)),
        Page::Agents(_) => matches!(page, Page::Agents(_) | Page::NewAgent),
        other => page.key() == *other,
    }
}

#[component]
fn CompanySwitcher() -> impl IntoView {
    let app = app();
    let co = company();
    let name = move || co.company.get().map_or_else(String::new, |c| c.name.clone());
    let open = move |ev: web_sys::MouseEvent| {
        let Some(el) = anchor(&ev) else { return };
        let mut all: Vec<Company> =
            app.companies.data.with_untracked(|l| l.iter().flat_map(|l| l.iter()).cloned().collect());
        all.sort_by_key(|c| c.status == CompanyStatus::Archived);
        let mut choices: Vec<Choice> = all
            .into_iter()
            .map(|c| {
                let hint = match c.status {
                    CompanyStatus::Active => c.issue_prefix.clone(),
                    other => labels::company_status(other).word.to_lowercase(),
                };
                Choice::new(c.issue_prefix, c.name.clone(), Glyph::Avatar(c.name))
                    .hint(hint)
                    .selected(c.id == co.id)
            })
            .collect();
        choices.push(Choice::new("*", format!("Settings of {}", name()), Glyph::Icon(i::SETTINGS)));
        choices.push(Choice::new("+", "New company", Glyph::Icon(i::PLUS)));
        let pick = Callback::new(move |id: String| match id.as_str() {
            "+" => app.dialog.set(Some(Dialog::NewCompany)),
            "*" => co.go(Page::Company),
            _ => app.go(Route::Company(id, Page::Dashboard)),
        });
        Menu::under(&el, "Switch company", choices, pick).open();
    };
    view! {
        <button class="company-switch" data-testid="nav-company" aria-haspopup="listbox" on:click=open>
            <span class="company-mark" aria-hidden="true">
                {move || format::initials(&name())}
            </span>
            <span class="ellipsis">{name}</span>
            <Icon d=i::CHEVRONS_UP_DOWN />
        </button>
    }
}

#[component]
fn AgentSection(here: Memo<Page>) -> impl IntoView {
    let co = company();
    let counts = Memo::new(move |_| {
        let mut m: HashMap<AgentId, i64> = HashMap::new();
        co.live.data.with(|l| {
            for r in l.iter().flat_map(|l| l.iter()).filter(|r| r.status == RunStatus::Running) {
                *m.entry(r.agent_id).or_default() += 1;
            }
        });
        m
    });
    view! {
        <section class="side-section">
            <header>
                <h2>"Agents"</h2>
                <Link to=co.route(Page::NewAgent) class="icon-btn" title="New agent" testid="nav-new-agent">
                    <Icon d=i::PLUS />
                </Link>
            </header>
            <For
                each=move || co.agents.data.with(|a| a.as_ref().map(|a| a.to_vec()).unwrap_or_default())
                key=|a| (a.id, a.status, a.name.clone())
                let:a
            >
                {
                    let key = a.url_key.clone();
                    let to = co.route(Page::Agent(a.url_key.clone(), AgentTab::Overview));
                    let active = Memo::new(move |_| {
                        here.with(|h| matches!(h, Page::Agent(k, _) if *k == key))
                    });
                    view! {
                        <div class="nav-item" class:active=active>
                            <Link to=to>
                                <AgentDot status=a.status />
                                <span class="ellipsis">{a.name.clone()}</span>
                            </Link>
                            {move || {
                                counts
                                    .with(|c| c.get(&a.id).copied())
                                    .map(|n| view! { <LiveBadge count=n /> })
                            }}
                        </div>
                    }
                }
            </For>
        </section>
    }
}

#[component]
fn ProjectSection(here: Memo<Page>) -> impl IntoView {
    let co = company();
    let projects = move || {
        co.projects.data.with(|p| {
            p.iter().flat_map(|p| p.iter()).filter(|p| p.archived_at.is_none()).cloned().collect::<Vec<_>>()
        })
    };
    view! {
        <Show when=move || !projects().is_empty()>
            <section class="side-section">
                <header>
                    <h2>"Projects"</h2>
                </header>
                <For each=projects key=|p| (p.id, p.name.clone()) let:p>
                    {
                        let query = format!("project={}", p.id);
                        let to = co.route(Page::Issues(query.clone()));
                        let active = Memo::new(move |_| {
                            here.with(|h| matches!(h, Page::Issues(q) if *q == query))
                        });
                        view! {
                            <div class="nav-item" class:active=active>
                                <Link to=to>
                                    <span
                                        class="swatch"
                                        style:background-color=p.color.clone().unwrap_or_else(|| "#7d8796".into())
                                    ></span>
                                    <span class="ellipsis">{p.name.clone()}</span>
                                </Link>
                            </div>
                        }
                    }
                </For>
            </section>
        </Show>
    }
}

#[component]
fn SidebarFoot(here: Memo<Page>) -> impl IntoView {
    let app = app();
    let co = company();
    let paused = Memo::new(move |_| app.status.get().is_some_and(|s| s.paused_at.is_some()));
    let problems = Memo::new(move |_| app.status.get().map_or(0, |s| s.problems.len()));
    let running = Memo::new(move |_| {
        app.status.get().map_or((0, 0, 0), |s| (s.running_runs, s.queued_runs, i64::from(s.max_live_runs)))
    });
    let standing = Memo::new(move |_| co.company.get().map_or(CompanyStatus::Active, |c| c.status));
    view! {
        <footer class="side-foot">
            {move || {
                (standing.get() != CompanyStatus::Active)
                    .then(|| {
                        let look = labels::company_status(standing.get());
                        view! {
                            <Link to=co.route(Page::Company) class=format!("side-note tone-{}", look.tone)>
                                <Icon d=look.icon />
                                <span>{format!("This company is {}", look.word.to_lowercase())}</span>
                            </Link>
                        }
                    })
            }}
            {move || {
                paused
                    .get()
                    .then(|| {
                        view! {
                            <div class="side-note tone-yellow">
                                <Icon d=i::CIRCLE_PAUSE />
                                <span>"All work is paused"</span>
                            </div>
                        }
                    })
            }}
            {move || {
                (problems.get() > 0)
                    .then(|| {
                        view! {
                            <Link to=company().route(Page::Settings) class="side-note tone-red">
                                <Icon d=i::TRIANGLE_ALERT />
                                <span>{format::count(problems.get() as i64, "problem", "problems")}</span>
                            </Link>
                        }
                    })
            }}
            <div class="side-status" title="Runs in flight, of those that may run at once">
                <Icon d=i::ZAP />
                {move || {
                    let (r, q, max) = running.get();
                    match (r, q) {
                        (0, 0) => "No run in flight".to_owned(),
                        (r, 0) => format!("{r} of {max} running"),
                        (r, q) => format!("{r} of {max} running, {q} queued"),
                    }
                }}
            </div>
            <div class="side-tools">
                <NavItem page=Page::Settings icon=i::SETTINGS label="Settings" testid="nav-settings" here />
                <button
                    class="icon-btn"
                    aria-label="Switch between dark and light"
                    title="Dark or light"
                    on:click=move |_| pages_theme()
                >
                    <Icon d=i::SUN />
                </button>
                <button
                    class="icon-btn"
                    aria-label="Keyboard shortcuts"
                    title="Keyboard shortcuts (?)"
                    on:click=move |_| app.dialog.set(Some(Dialog::Shortcuts))
                >
                    <Icon d=i::KEYBOARD />
                </button>
            </div>
        </footer>
    }
}

/// Turns to the theme that is not shown now.
fn pages_theme() {
    let theme = app().theme.get_untracked();
    let system_dark =
        window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|m| m.matches());
    let dark = theme == "dark" || (theme == "system" && system_dark);
    crate::pages::settings::set_theme(if dark { "light" } else { "dark" });
}
