//! One menu for every choice: a list under the thing that opened it, with a filter, by mouse or by keys.

use std::cell::RefCell;

use contract::issue::{IssuePriority, IssueStatus};
use contract::operations as op;
use contract::search::{Search, SearchScope};
use contract::{CompanyId, IssueId};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::api::query::{Ask, use_query};
use crate::components::base::{Avatar, Icon, PriorityIcon, StatusIcon};
use crate::components::icons as i;
use crate::state::app;

/// What stands before a choice.
#[derive(Clone, Debug, PartialEq)]
pub enum Glyph {
    None,
    Icon(&'static str),
    Status(IssueStatus),
    Priority(IssuePriority),
    Avatar(String),
    /// `#rrggbb`
    Color(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub id: String,
    pub label: String,
    pub hint: String,
    pub glyph: Glyph,
    pub selected: bool,
    pub danger: bool,
}

impl Choice {
    pub fn new(id: impl Into<String>, label: impl Into<String>, glyph: Glyph) -> Self {
        Self {
            id: id.into(),
            label: label.into(),
            hint: String::new(),
            glyph,
            selected: false,
            danger: false,
        }
    }

    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    pub fn danger(mut self) -> Self {
        self.danger = true;
        self
    }
}

/// Where choices come from.
#[derive(Clone)]
pub enum Source {
    Given(Vec<Choice>),
    /// Issues of a company, searched as one types.
    Issues(CompanyId),
}

#[derive(Clone)]
pub struct Menu {
    /// The rectangle it hangs under: x, y, width, height.
    pub at: (f64, f64, f64, f64),
    pub title: String,
    pub source: Source,
    /// Picking toggles and the menu stays.
    pub multi: bool,
    pub pick: Callback<String>,
    /// Makes something new of what was typed.
    pub create: Option<Callback<String>>,
}

thread_local! {
    /// The element that gets the focus back when the menu closes.
    static BACK: RefCell<Option<web_sys::HtmlElement>> = const { RefCell::new(None) };
}

impl Menu {
    fn new(
        at: (f64, f64, f64, f64),
        title: impl Into<String>,
        source: Source,
        pick: Callback<String>,
    ) -> Self {
        let back = document().active_element().and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
        BACK.with_borrow_mut(|b| *b = back);
        Self { at, title: title.into(), source, multi: false, pick, create: None }
    }

    /// A menu of given choices under an element.
    pub fn under(
        el: &web_sys::Element,
        title: impl Into<String>,
        choices: Vec<Choice>,
        pick: Callback<String>,
    ) -> Self {
        Self::new(rect(el), title, Source::Given(choices), pick)
    }

    /// A menu that searches issues.
    pub fn issues(
        el: &web_sys::Element,
        title: impl Into<String>,
        co: CompanyId,
        pick: Callback<String>,
    ) -> Self {
        Self::new(rect(el), title, Source::Issues(co), pick)
    }

    pub fn multi(mut self) -> Self {
        self.multi = true;
        self
    }

    pub fn create(mut self, create: Callback<String>) -> Self {
        self.create = Some(create);
        self
    }

    pub fn open(self) {
        app().menu.set(Some(self));
    }
}

fn rect(el: &web_sys::Element) -> (f64, f64, f64, f64) {
    let r = el.get_bounding_client_rect();
    (r.x(), r.y(), r.width(), r.height())
}

/// The element that an event was bound to.
pub fn anchor(ev: &web_sys::Event) -> Option<web_sys::Element> {
    ev.current_target().or_else(|| ev.target()).and_then(|t| t.dyn_into().ok())
}

fn close() {
    if let Some(back) = BACK.with_borrow_mut(Option::take) {
        let _ = back.focus();
    }
    app().menu.set(None);
}

/// Draws the open menu, if there is one, over everything else.
#[component]
pub fn MenuLayer() -> impl IntoView {
    let menu = app().menu;
    let layer = Owner::current().unwrap_or_default();
    move || {
        let layer = layer.clone();
        menu.get().map(|m| view! { <OpenMenu menu=m layer=layer /> })
    }
}

/// `layer` owns what a choice makes, a further menu for example: this one is gone by then, and all that was its own.
#[component]
fn OpenMenu(menu: Menu, layer: Owner) -> impl IntoView {
    let filter = RwSignal::new(String::new());
    let cursor = RwSignal::new(0usize);
    let given = RwSignal::new(match &menu.source {
        Source::Given(c) => c.clone(),
        Source::Issues(_) => Vec::new(),
    });
    let searching = matches!(menu.source, Source::Issues(_));
    if let Source::Issues(co) = menu.source {
        search_issues(co, filter, given);
    }
    let shown = Memo::new(move |_| {
        let f = filter.get().to_lowercase();
        given.with(|all| {
            all.iter()
                .filter(|c| searching || f.is_empty() || c.label.to_lowercase().contains(&f))
                .cloned()
                .collect::<Vec<_>>()
        })
    });
    Effect::new(move |_| {
        let f = filter.get();
        let selected = shown.with_untracked(|s| s.iter().position(|c| c.selected));
        cursor.set(if f.is_empty() { selected.unwrap_or(0) } else { 0 });
    });
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(el) = input.get() {
            let _ = el.focus();
        }
    });
    let creatable = menu.create;
    let create_label = Memo::new(move |_| {
        let f = filter.get().trim().to_owned();
        let exists = shown.with(|s| s.iter().any(|c| c.label.eq_ignore_ascii_case(&f)));
        (creatable.is_some() && !f.is_empty() && !exists).then_some(f)
    });
    let stored = StoredValue::new(menu.clone());
    let layer = StoredValue::new(layer);
    let choose = move |id: String| {
        let (m, layer) = (stored.get_value(), layer.get_value());
        if m.multi {
            given.update(|all| {
                for c in all.iter_mut().filter(|c| c.id == id) {
                    c.selected = !c.selected;
                }
            });
        } else {
            close();
        }
        layer.with(|| m.pick.run(id));
    };
    let make = move |name: String| {
        let (m, layer) = (stored.get_value(), layer.get_value());
        close();
        if let Some(c) = m.create {
            layer.with(|| c.run(name));
        }
    };
    let keydown = move |ev: web_sys::KeyboardEvent| {
        let n = shown.with_untracked(Vec::len);
        let extra = usize::from(create_label.get_untracked().is_some());
        match ev.key().as_str() {
            "ArrowDown" => cursor.update(|c| *c = (*c + 1) % (n + extra).max(1)),
            "ArrowUp" => cursor.update(|c| *c = (*c + (n + extra).max(1) - 1) % (n + extra).max(1)),
            "Enter" => {
                let at = cursor.get_untracked();
                match shown.with_untracked(|s| s.get(at).map(|c| c.id.clone())) {
                    Some(id) => choose(id),
                    None => {
                        if let Some(name) = create_label.get_untracked() {
                            make(name);
                        }
                    }
                }
            }
            "Escape" | "Tab" => close(),
            _ => {
                ev.stop_propagation();
                return;
            }
        }
        ev.stop_propagation();
        ev.prevent_default();
    };
    let (x, y, w, h) = menu.at;
    let vw = window().inner_width().ok().and_then(|v| v.as_f64()).unwrap_or(1280.0);
    let vh = window().inner_height().ok().and_then(|v| v.as_f64()).unwrap_or(800.0);
    let width = w.clamp(220.0, 340.0);
    let left = x.min(vw - width - 8.0).max(8.0);
    // Below when there is room, else above.
    let below = vh - (y + h) > 300.0 || y < 300.0;
    let room = if below { vh - y - h - 16.0 } else { y - 16.0 };
    let title = menu.title.clone();
    let label = menu.title.clone();
    view! {
        <div class="menu-scrim" on:pointerdown=move |_| close()></div>
        <div
            class="menu"
            style:left=format!("{left}px")
            style:width=format!("{width}px")
            style:top=if below { format!("{}px", y + h + 4.0) } else { "auto".into() }
            style:bottom=if below { "auto".into() } else { format!("{}px", vh - y + 4.0) }
            style:max-height=format!("{}px", room.clamp(160.0, 380.0))
            on:keydown=keydown
            data-testid="menu"
        >
            <div class="menu-filter">
                <input
                    node_ref=input
                    type="text"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="menu-list"
                    aria-label=label
                    aria-activedescendant=move || format!("menu-{}", cursor.get())
                    placeholder=format!("{title}…")
                    autocomplete="off"
                    spellcheck="false"
                    data-testid="menu-filter"
                    on:input:target=move |ev| filter.set(ev.target().value())
                />
            </div>
            <div class="menu-list" id="menu-list" role="listbox" aria-multiselectable=menu.multi.to_string()>
                {move || {
                    shown
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(n, c)| {
                            let id = c.id.clone();
                            view! {
                                <div
                                    class="menu-item"
                                    id=format!("menu-{n}")
                                    role="option"
                                    data-testid="menu-item"
                                    data-value=c.id.clone()
                                    aria-selected=c.selected.to_string()
                                    class:danger=c.danger
                                    class:at=move || cursor.get() == n
                                    on:pointermove=move |_| {
                                        if cursor.get_untracked() != n {
                                            cursor.set(n);
                                        }
                                    }
                                    on:click=move |ev| {
                                        ev.stop_propagation();
                                        choose(id.clone());
                                    }
                                >
                                    <ChoiceGlyph glyph=c.glyph.clone() />
                                    <span class="menu-label">{c.label.clone()}</span>
                                    <span class="menu-hint">{c.hint.clone()}</span>
                                    {c.selected.then(|| view! { <Icon d=i::CHECK /> })}
                                </div>
                            }
                        })
                        .collect_view()
                }}
                {move || {
                    create_label
                        .get()
                        .map(|name| {
                            let n = shown.with(Vec::len);
                            let make_name = name.clone();
                            view! {
                                <div
                                    class="menu-item"
                                    id=format!("menu-{n}")
                                    role="option"
                                    aria-selected="false"
                                    class:at=move || cursor.get() == n
                                    on:click=move |_| make(make_name.clone())
                                >
                                    <Icon d=i::PLUS />
                                    <span class="menu-label">{format!("Create “{name}”")}</span>
                                </div>
                            }
                        })
                }}
                {move || {
                    (shown.with(Vec::is_empty) && create_label.get().is_none())
                        .then(|| {
                            let text = if searching && filter.get().trim().is_empty() {
                                "Type to search issues"
                            } else {
                                "Nothing matches"
                            };
                            view! { <div class="menu-empty">{text}</div> }
                        })
                }}
            </div>
        </div>
    }
}

#[component]
pub fn ChoiceGlyph(glyph: Glyph) -> impl IntoView {
    match glyph {
        Glyph::None => ().into_any(),
        Glyph::Icon(d) => view! { <Icon d=d /> }.into_any(),
        Glyph::Status(s) => view! { <StatusIcon status=s /> }.into_any(),
        Glyph::Priority(p) => view! { <PriorityIcon priority=p /> }.into_any(),
        Glyph::Avatar(name) => view! { <Avatar name=name /> }.into_any(),
        Glyph::Color(c) => view! { <span class="swatch" style:background-color=c></span> }.into_any(),
    }
}

/// Fills `into` with the issues that match what is typed.
fn search_issues(co: CompanyId, filter: RwSignal<String>, into: RwSignal<Vec<Choice>>) {
    let typed = debounced(filter, 140);
    let found = use_query::<op::SearchCompany>(move || {
        let q = typed.get();
        (!q.trim().is_empty()).then(|| {
            Ask::within(
                Search { company_id: co, q, scope: Some(SearchScope::Issues), limit: Some(12), offset: None },
                co,
            )
        })
    });
    Effect::new(move |_| {
        let Some(found) = found.get() else { return };
        into.set(
            found
                .results
                .iter()
                .filter_map(|r| r.issue.as_ref())
                .map(|s| {
                    Choice::new(s.id.to_string(), s.title.clone(), Glyph::Status(s.status))
                        .hint(s.identifier.clone().unwrap_or_default())
                })
                .collect(),
        );
    });
}

/// The value of a signal once it has rested for some milliseconds.
pub fn debounced(source: RwSignal<String>, ms: u64) -> Signal<String> {
    let out = RwSignal::new(source.get_untracked());
    let mut set =
        leptos::leptos_dom::helpers::debounce(std::time::Duration::from_millis(ms), move |v: String| {
            let _ = out.try_set(v);
        });
    Effect::new(move |_| set(source.get()));
    out.into()
}

/// Parses the id that a menu of issues picks.
pub fn issue_id(picked: &str) -> Option<IssueId> {
    picked.parse().ok()
}
