//! What the whole window shares: where it is, whose company it shows, what lies on top of it.

pub mod keys;
pub mod prefs;
pub mod route;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use contract::agent::{Agent, ListAgentsIn};
use contract::company::{Company, CompanyPath, Nothing};
use contract::instance::{GeneralSettings, InstanceStatus};
use contract::issue::IssueStatus;
use contract::label::IssueLabel;
use contract::operations as op;
use contract::planning::Project;
use contract::run::{ListLiveRuns, RunSummary};
use contract::tree::TreeMode;
use contract::{AgentId, ApiError, CompanyId, IssueId, Operation, ProjectId, Timestamp};
use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;

use crate::api::call;
use crate::api::query::{Ask, Query, use_query};
use crate::components::menu::Menu;
use crate::state::route::{Page, Route};

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Info,
    Good,
    Bad,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub id: u64,
    pub tone: Tone,
    pub title: String,
    pub body: Option<String>,
    /// Where it leads.
    pub to: Option<Route>,
}

/// What a new issue starts from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewIssueDefaults {
    pub status: Option<IssueStatus>,
    pub assignee: Option<AgentId>,
    pub project: Option<ProjectId>,
    /// Id, identifier and title of the parent.
    pub parent: Option<(IssueId, String)>,
}

/// What lies over the page.
#[derive(Clone)]
pub enum Dialog {
    Palette,
    Shortcuts,
    NewIssue(NewIssueDefaults),
    NewCompany,
    /// An act on an issue with all below it.
    Tree {
        issue: IssueId,
        key: String,
        mode: TreeMode,
    },
    CloseWorkspace(contract::ExecutionWorkspaceId),
    Confirm {
        title: String,
        body: String,
        action: String,
        danger: bool,
        then: Callback<()>,
    },
}

#[derive(Clone, Copy)]
pub struct App {
    pub route: RwSignal<Route>,
    pub companies: Query<Vec<Company>>,
    pub settings: Query<GeneralSettings>,
    pub status: Query<InstanceStatus>,
    /// `system`, `light` or `dark`.
    pub theme: RwSignal<String>,
    pub sidebar: RwSignal<bool>,
    pub panel: RwSignal<bool>,
    pub dialog: RwSignal<Option<Dialog>>,
    pub menu: RwSignal<Option<Menu>>,
    pub toasts: RwSignal<Vec<Toast>>,
    /// The time, every second.
    pub now: RwSignal<Timestamp>,
    /// The time, every ten seconds: what ages by minutes need not be drawn each second.
    pub slow: RwSignal<Timestamp>,
}

thread_local! {
    static APP: RefCell<Option<App>> = const { RefCell::new(None) };
    // One company is shown at a time.
    static CO: Cell<Option<Co>> = const { Cell::new(None) };
}

/// The window's shared state; also within event handlers and tasks.
pub fn app() -> App {
    APP.with_borrow(|a| *a).unwrap_or_else(expect_context::<App>)
}

pub fn clock() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

fn location() -> Route {
    let Some(l) = web_sys::window().map(|w| w.location()) else { return Route::Home };
    let query = l.search().unwrap_or_default();
    let hash = l.hash().unwrap_or_default();
    let path = l.pathname().unwrap_or_default();
    Route::parse(&path, query.trim_start_matches('?')).at(hash.trim_start_matches('#'))
}

impl App {
    /// Makes the shared state under the present owner, which must live as long as the window.
    pub fn start() -> Self {
        let app = Self {
            route: RwSignal::new(location()),
            companies: use_query::<op::ListCompanies>(|| Some(Ask::of(Nothing {}))),
            settings: use_query::<op::GetGeneralSettings>(|| Some(Ask::of(Nothing {}))),
            status: use_query::<op::GetInstanceStatus>(|| Some(Ask::of(Nothing {}))),
            theme: RwSignal::new(prefs::load("theme").unwrap_or_else(|| "system".into())),
            sidebar: RwSignal::new(prefs::load("sidebar").unwrap_or(true)),
            panel: RwSignal::new(prefs::load("panel").unwrap_or(true)),
            dialog: RwSignal::new(None),
            menu: RwSignal::new(None),
            toasts: RwSignal::new(Vec::new()),
            now: RwSignal::new(clock()),
            slow: RwSignal::new(clock()),
        };
        APP.with_borrow_mut(|a| *a = Some(app));
        provide_context(app);
        app.keep();
        app
    }

    /// Ties the state to the browser: history, clock, storage, theme.
    fn keep(self) {
        let back = window_event_listener(leptos::ev::popstate, move |_| self.route.set(location()));
        let tick = set_interval_with_handle(
            move || {
                let now = clock();
                self.now.set(now);
                if now.since(self.slow.get_untracked()).as_secs() >= 10 {
                    self.slow.set(now);
                }
            },
            std::time::Duration::from_secs(1),
        );
        on_cleanup(move || {
            back.remove();
            if let Ok(tick) = tick {
                tick.clear();
            }
        });
        Effect::new(move |_| prefs::save("sidebar", &self.sidebar.get()));
        Effect::new(move |_| prefs::save("panel", &self.panel.get()));
        Effect::new(move |_| {
            let theme = self.theme.get();
            prefs::save("theme", &theme);
            if let Some(root) = document().document_element() {
                let _ = root.set_attribute("data-theme", &theme);
            }
            crate::ipc::send("set_theme", serde_json::json!({ "theme": theme }));
        });
        Effect::new(move |_| {
            if let Some(s) = self.settings.get()
                && self.theme.get_untracked() != s.theme
            {
                self.theme.set(s.theme.clone());
            }
        });
    }

    /// Opens a page and leaves the present one in the history.
    pub fn go(self, to: Route) {
        self.enter(to, true);
    }

    /// Opens a page in the place of the present one.
    pub fn replace(self, to: Route) {
        self.enter(to, false);
    }

    fn enter(self, to: Route, push: bool) {
        if self.route.get_untracked() == to {
            return;
        }
        if let Ok(history) = window().history() {
            let href = to.href();
            let _ = if push {
                history.push_state_with_url(&JsValue::NULL, "", Some(&href))
            } else {
                history.replace_state_with_url(&JsValue::NULL, "", Some(&href))
            };
        }
        self.menu.set(None);
        self.dialog.set(None);
        self.route.set(to);
    }

    pub fn toast(self, tone: Tone, title: impl Into<String>, body: Option<String>, to: Option<Route>) {
        let id = js_sys::Math::random().to_bits();
        self.toasts.update(|t| {
            t.push(Toast { id, tone, title: title.into(), body, to });
            if t.len() > 4 {
                t.remove(0);
            }
        });
        let stay = if tone == Tone::Bad { 9_000 } else { 5_000 };
        Timeout::new(stay, move || self.toasts.update(|t| t.retain(|x| x.id != id))).forget();
    }

    pub fn say(self, title: impl Into<String>) {
        self.toast(Tone::Good, title, None, None);
    }

    pub fn fail(self, e: &ApiError) {
        self.toast(Tone::Bad, e.message.clone(), e.hint.clone(), None);
    }
}

/// Calls an operation for its effect; a refusal becomes a toast.
pub fn act<O: Operation>(input: O::Input, done: impl FnOnce(O::Output) + 'static) {
    act_or::<O>(input, done, || ());
}

/// Asks before something that was typed is thrown away.
pub fn ask_to_discard(then: Callback<()>) {
    app().dialog.set(Some(Dialog::Confirm {
        title: "Discard your changes?".into(),
        body: "What you typed is not saved and cannot be brought back.".into(),
        action: "Discard".into(),
        danger: true,
        then,
    }));
}

/// As [`act`]; `undo` takes back what was shown before the core had confirmed it.
pub fn act_or<O: Operation>(
    input: O::Input,
    done: impl FnOnce(O::Output) + 'static,
    undo: impl FnOnce() + 'static,
) {
    spawn_local(async move {
        match call::<O>(&input).await {
            Ok(out) => done(out),
            Err(e) => {
                undo();
                app().fail(&e);
            }
        }
    });
}

const fn agents_of(company_id: CompanyId, include_terminated: bool) -> ListAgentsIn {
    ListAgentsIn { company_id, include_terminated }
}

/// The company that is shown, with the small lists that every page of it needs.
#[derive(Clone, Copy)]
pub struct Co {
    pub id: CompanyId,
    pub company: Signal<Option<Arc<Company>>>,
    prefix: StoredValue<String>,
    /// Those that are not terminated.
    pub agents: Query<Vec<Agent>>,
    /// All that there ever were, for the names in what is past.
    pub everyone: Query<Vec<Agent>>,
    pub projects: Query<Vec<Project>>,
    pub labels: Query<Vec<IssueLabel>>,
    pub live: Query<Vec<RunSummary>>,
}

/// The company of the page; also within event handlers and tasks.
pub fn company() -> Co {
    CO.get().unwrap_or_else(expect_context::<Co>)
}

impl Co {
    pub fn start(of: &Company) -> Self {
        let id = of.id;
        let companies = app().companies;
        let path = move || Some(Ask::within(CompanyPath { company_id: id }, id));
        let co = Self {
            id,
            company: Signal::derive(move || {
                companies.get().and_then(|l| l.iter().find(|c| c.id == id).map(|c| Arc::new(c.clone())))
            }),
            prefix: StoredValue::new(of.issue_prefix.clone()),
            agents: use_query::<op::ListAgents>(move || Some(Ask::within(agents_of(id, false), id))),
            everyone: use_query::<op::ListAgents>(move || Some(Ask::within(agents_of(id, true), id))),
            projects: use_query::<op::ListProjects>(path),
            labels: use_query::<op::ListLabels>(path),
            live: use_query::<op::ListLiveRunsOp>(move || {
                Some(Ask::within(ListLiveRuns { company_id: id, min_count: None, limit: None }, id))
            }),
        };
        provide_context(co);
        CO.set(Some(co));
        co
    }

    pub fn prefix(self) -> String {
        self.prefix.get_value()
    }

    pub fn route(self, page: Page) -> Route {
        Route::Company(self.prefix(), page)
    }

    pub fn go(self, page: Page) {
        app().go(self.route(page));
    }

    /// The name of an agent, also of one that is terminated; one that is not known yet keeps a word.
    pub fn agent_name(self, id: AgentId) -> String {
        self.agent(id).map_or_else(|| "An agent".into(), |a| a.name)
    }

    pub fn agent(self, id: AgentId) -> Option<Agent> {
        let among =
            |all: Query<Vec<Agent>>| all.data.with(|a| a.as_ref()?.iter().find(|a| a.id == id).cloned());
        among(self.agents).or_else(|| among(self.everyone))
    }

    pub fn project_name(self, id: ProjectId) -> Option<String> {
        self.projects.data.with(|p| p.as_ref()?.iter().find(|p| p.id == id).map(|p| p.name.clone()))
    }
}
