//! The one list of this window: draws the rows in view and a few more, however many there are.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use crate::virtual_window::{self, Window};

/// A handle on a list, to move what it shows.
#[derive(Clone, Copy)]
pub struct ListHandle {
    node: NodeRef<html::Div>,
    scroll: RwSignal<f64>,
    viewport: RwSignal<f64>,
}

impl Default for ListHandle {
    fn default() -> Self {
        Self { node: NodeRef::new(), scroll: RwSignal::new(0.0), viewport: RwSignal::new(800.0) }
    }
}

impl ListHandle {
    /// Scrolls as little as needed to have a row in view.
    pub fn reveal(&self, index: usize, count: usize, row: f64) {
        let to = virtual_window::reveal(
            index,
            count,
            row,
            self.scroll.get_untracked(),
            self.viewport.get_untracked(),
        );
        if let Some(to) = to {
            self.scroll_to(to);
        }
    }

    pub fn scroll_to(&self, top: f64) {
        if let Some(el) = self.node.get_untracked() {
            el.set_scroll_top(top as i32);
        }
    }

    pub fn to_end(self) {
        if let Some(el) = self.node.get_untracked() {
            el.set_scroll_top(el.scroll_height());
        }
    }
}

/// Calls `resized` with the height of an element, now and whenever it changes, until the owner is gone.
pub fn watch_height(node: NodeRef<html::Div>, resized: impl Fn(f64) + 'static) {
    type Watch = (web_sys::ResizeObserver, Closure<dyn FnMut()>);
    let watch: Rc<RefCell<Option<Watch>>> = Rc::default();
    let kept = StoredValue::new_local(watch.clone());
    let resized = Rc::new(resized);
    Effect::new(move |_| {
        let Some(el) = node.get() else { return };
        let (seen, on) = (el.clone(), resized.clone());
        on(f64::from(el.client_height()));
        let callback = Closure::<dyn FnMut()>::new(move || on(f64::from(seen.client_height())));
        if let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            observer.observe(&el);
            *watch.borrow_mut() = Some((observer, callback));
        }
    });
    on_cleanup(move || {
        let _ = kept.try_with_value(|w| {
            if let Some((observer, _)) = w.borrow_mut().take() {
                observer.disconnect();
            }
        });
    });
}

/// Rows of one height. `key` tells rows apart across changes; `draw` draws the row at an index.
#[component]
pub fn VirtualList<V: IntoView + 'static>(
    #[prop(into)] count: Signal<usize>,
    row: f64,
    handle: ListHandle,
    #[prop(optional, into)] class: String,
    #[prop(optional, into)] label: String,
    #[prop(optional, into)] role: String,
    draw: impl Fn(usize) -> V + Send + Sync + Clone + 'static,
    /// Hears which rows are drawn, to fetch what they need.
    #[prop(optional, into)]
    seen: Option<Callback<(usize, usize)>>,
) -> impl IntoView {
    let ListHandle { node, scroll, viewport } = handle;
    watch_height(node, move |h| {
        let _ = viewport.try_set(h.max(1.0));
    });
    let shown: Memo<Window> =
        Memo::new(move |_| virtual_window::window(count.get(), row, scroll.get(), viewport.get(), 6));
    Effect::new(move |_| {
        let w = shown.get();
        if let Some(seen) = seen {
            seen.run((w.start, w.end));
        }
    });
    let on_scroll = move |_| {
        if let Some(el) = node.get_untracked() {
            scroll.set(f64::from(el.scroll_top()));
        }
    };
    let role = if role.is_empty() { "list".to_owned() } else { role };
    view! {
        <div node_ref=node class=format!("virtual {class}") on:scroll=on_scroll role=role aria-label=label tabindex="-1">
            <div class="virtual-space" role="presentation" style:height=move || format!("{}px", shown.get().height)>
                <div
                    class="virtual-rows"
                    role="presentation"
                    style:transform=move || format!("translateY({}px)", shown.get().top)
                >
                    <For each=move || { let w = shown.get(); w.start..w.end } key=|n| *n let:n>
                        {draw(n)}
                    </For>
                </div>
            </div>
        </div>
    }
}
