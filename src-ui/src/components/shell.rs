//! The frame: finds the company of the path, draws its sidebar and page, and what lies over them.

use contract::company::Company;
use leptos::prelude::*;

use crate::api::feed;
use crate::components::base::{Empty, Failed, Icon, Link};
use crate::components::dialog::DialogLayer;
use crate::components::icons as i;
use crate::components::menu::MenuLayer;
use crate::components::sidebar::Sidebar;
use crate::components::toasts::Toasts;
use crate::ipc;
use crate::pages;
use crate::state::keys::{self, use_keys};
use crate::state::route::{Page, Route};
use crate::state::{App, Co, Dialog, app, company, prefs};

/// What stands in the window.
#[derive(Clone, PartialEq)]
enum Place {
    Splash,
    Failed(contract::ApiError),
    Onboarding,
    Company(Box<Company>),
    NoSuchCompany(String),
}

fn place(app: App) -> Place {
    let route = app.route.get();
    let Some(companies) = app.companies.get() else {
        return app.companies.error.get().map_or(Place::Splash, Place::Failed);
    };
    match route {
        Route::Onboarding => Place::Onboarding,
        _ if companies.is_empty() => Place::Onboarding,
        Route::Home | Route::Last(_) => {
            let last: Option<String> = prefs::load("company");
            let found = companies.iter().find(|c| Some(&c.issue_prefix) == last.as_ref());
            match found.or_else(|| companies.first()) {
                Some(c) => Place::Company(Box::new(c.clone())),
                None => Place::Onboarding,
            }
        }
        Route::Company(prefix, _) => {
            match companies.iter().find(|c| c.issue_prefix.eq_ignore_ascii_case(&prefix)) {
                Some(c) => Place::Company(Box::new(c.clone())),
                None => Place::NoSuchCompany(prefix),
            }
        }
    }
}

#[component]
pub fn Root() -> impl IntoView {
    let app = App::start();
    feed::start();
    let keys = window_event_listener(leptos::ev::keydown, |ev| keys::dispatch(&ev));
    on_cleanup(move || keys.remove());
    let place = Memo::new(move |_| place(app));
    // The same company with other fields is the same place.
    let shown = Memo::new(move |before: Option<&Place>| match (before, place.get()) {
        (Some(Place::Company(a)), Place::Company(b)) if a.id == b.id => Place::Company(a.clone()),
        (_, now) => now,
    });
    announce_ready(shown);
    view! {
        {move || match shown.get() {
            Place::Splash => view! { <div class="splash"><Icon d=i::BUILDING_2 /></div> }.into_any(),
            Place::Failed(e) => view! {
                <div class="splash">
                    <Failed error=e retry=Callback::new(move |()| app.companies.refetch()) />
                </div>
            }
            .into_any(),
            Place::Onboarding => view! { <pages::onboarding::Onboarding /> }.into_any(),
            Place::Company(c) => view! { <CompanyShell of=*c /> }.into_any(),
            Place::NoSuchCompany(prefix) => view! {
                <div class="splash">
                    <Empty
                        icon=i::BUILDING_2
                        title=format!("There is no company {prefix}")
                        text="It may have been archived, or the link belongs to another machine."
                    >
                        <Link to=Route::Home class="btn primary">
                            "Open your company"
                        </Link>
                    </Empty>
                </div>
            }
            .into_any(),
        }}
        <Toasts />
        <MenuLayer />
    }
}

/// Tells the shell once, after the first frame with something to work with.
fn announce_ready(place: Memo<Place>) {
    let said = StoredValue::new(false);
    Effect::new(move |_| {
        if place.with(|p| *p == Place::Splash) || said.get_value() {
            return;
        }
        said.set_value(true);
        request_animation_frame(|| {
            request_animation_frame(|| ipc::send("window_ready", serde_json::json!({})));
        });
    });
}

#[component]
fn CompanyShell(of: Company) -> impl IntoView {
    let app = app();
    prefs::save("company", &of.issue_prefix);
    let co = Co::start(&of);
    // Links from outside of the window name no company.
    Effect::new(move |_| match app.route.get() {
        Route::Home => app.replace(co.route(Page::Dashboard)),
        Route::Last(page) => app.replace(co.route(page)),
        _ => {}
    });
    global_keys(co);
    let page = Memo::new(move |_| match app.route.get() {
        Route::Company(_, page) | Route::Last(page) => page.key(),
        Route::Home | Route::Onboarding => Page::Dashboard,
    });
    view! {
        <div class="shell" class:no-sidebar=move || !app.sidebar.get()>
            <a class="skip" href="#main">
                "Skip to the page"
            </a>
            <Sidebar />
            <main id="main" class="main">
                {move || draw(page.get())}
            </main>
        </div>
        <DialogLayer />
    }
}

fn draw(page: Page) -> AnyView {
    match page {
        Page::Dashboard => view! { <pages::dashboard::Dashboard /> }.into_any(),
        Page::Waiting => view! { <pages::waiting::Waiting /> }.into_any(),
        Page::Issues(_) => view! { <pages::issues::Issues /> }.into_any(),
        Page::Issue(id) => view! { <pages::issue::IssuePage reference=id /> }.into_any(),
        Page::Document { issue, key, .. } => {
            view! { <pages::issue::DocumentPage issue=issue document=key /> }.into_any()
        }
        Page::Agents(_) => view! { <pages::agents::Agents /> }.into_any(),
        Page::NewAgent => view! { <pages::agent_new::NewAgent /> }.into_any(),
        Page::Agent(key, _) => view! { <pages::agent::AgentPage reference=key /> }.into_any(),
        Page::Run(id) => view! { <pages::run::RunPage reference=id /> }.into_any(),
        Page::Goals => view! { <pages::goals::Goals /> }.into_any(),
        Page::Projects => view! { <pages::projects::Projects /> }.into_any(),
        Page::Project(id) => view! { <pages::project::ProjectPage reference=id /> }.into_any(),
        Page::Company => view! { <pages::company::CompanySettings /> }.into_any(),
        Page::Costs => view! { <pages::costs::Costs /> }.into_any(),
        Page::Activity => view! { <pages::activity::ActivityPage /> }.into_any(),
        Page::Settings => view! { <pages::settings::Settings /> }.into_any(),
        Page::Missing => view! {
            <Empty icon=i::CIRCLE_HELP title="There is no such page" text="The link may be from another version.">
                <Link to=company().route(Page::Dashboard) class="btn primary">
                    "Dashboard"
                </Link>
            </Empty>
        }
        .into_any(),
    }
}

/// Keys that work on every page of a company.
fn global_keys(co: Co) {
    let app = app();
    // After G, the next key names a page.
    let going = StoredValue::new(0.0_f64);
    Effect::new(move |_| {
        keys::switch(app.settings.data.with(|s| s.as_ref().is_none_or(|s| s.keyboard_shortcuts)));
    });
    keys::use_chord(move |ev, key| {
        if js_sys::Date::now() - going.get_value() >= 1_200.0 || keys::typing(ev) || keys::command(ev) {
            return false;
        }
        going.set_value(0.0);
        let page = match key {
            "d" => Page::Dashboard,
            "i" => Page::Issues(String::new()),
            "a" => Page::Agents("all".into()),
            "w" => Page::Waiting,
            _ => return false,
        };
        co.go(page);
        true
    });
    use_keys(move |ev, key| {
        if keys::command(ev) && key.eq_ignore_ascii_case("k") {
            app.dialog.update(|d| {
                *d = if matches!(d, Some(Dialog::Palette)) { None } else { Some(Dialog::Palette) };
            });
            return true;
        }
        let over = app.dialog.with_untracked(Option::is_some) || app.menu.with_untracked(Option::is_some);
        if over || keys::typing(ev) || keys::command(ev) || ev.alt_key() {
            return false;
        }
        match key {
            "g" => going.set_value(js_sys::Date::now()),
            "c" => app.dialog.set(Some(Dialog::NewIssue(crate::state::NewIssueDefaults::default()))),
            "?" => app.dialog.set(Some(Dialog::Shortcuts)),
            "[" => app.sidebar.update(|s| *s = !*s),
            "]" => app.panel.update(|p| *p = !*p),
            "/" => app.dialog.set(Some(Dialog::Palette)),
            _ => return false,
        }
        true
    });
}

/// The bar over a page: where one is, and what can be done here.
#[component]
pub fn Topbar(
    /// Leading crumbs, each with where it leads.
    #[prop(optional)]
    crumbs: Vec<(String, Page)>,
    #[prop(into)] title: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let app = app();
    let co = company();
    Effect::new(move |_| document().set_title(&format!("{} · Paperclip", title.get())));
    view! {
        <header class="topbar">
            <button
                class="icon-btn"
                aria-label="Toggle sidebar"
                title="Sidebar ["
                on:click=move |_| app.sidebar.update(|s| *s = !*s)
            >
                <Icon d=i::PANEL_LEFT />
            </button>
            <nav class="crumbs" aria-label="Breadcrumb">
                {crumbs
                    .into_iter()
                    .map(|(name, page)| {
                        view! {
                            <Link to=co.route(page) class="crumb">
                                {name}
                            </Link>
                            <Icon d=i::CHEVRON_RIGHT />
                        }
                    })
                    .collect_view()}
                <span class="crumb here" aria-current="page">
                    {title}
                </span>
            </nav>
            <div class="topbar-actions">{children.map(|c| c())}</div>
        </header>
    }
}
