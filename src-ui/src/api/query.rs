//! Answers that stay fresh: read once, kept while shown, read again when the feed says that they changed.
//!
//! A small cache of past answers lets a page that is opened again show at once what it showed last,
//! while the fresh answer is on its way.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use contract::{ApiError, CompanyId, ErrorCode, Operation};
use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{call, feed};

/// Answers kept for pages that are not open now.
const KEPT: usize = 48;
/// Changes that come faster than this are answered by one read.
const CALM_MS: u32 = 120;

#[derive(Default)]
struct Cache {
    answers: HashMap<String, Arc<dyn Any + Send + Sync>>,
    order: VecDeque<String>,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

fn remember(key: String, answer: Arc<dyn Any + Send + Sync>) {
    CACHE.with_borrow_mut(|c| {
        if c.answers.insert(key.clone(), answer).is_none() {
            c.order.push_back(key);
            if c.order.len() > KEPT
                && let Some(oldest) = c.order.pop_front()
            {
                c.answers.remove(&oldest);
            }
        }
    });
}

fn forget(key: &str) {
    CACHE.with_borrow_mut(|c| {
        c.answers.remove(key);
        c.order.retain(|k| k != key);
    });
}

fn recall<T: Send + Sync + 'static>(key: &str) -> Option<Arc<T>> {
    CACHE.with_borrow(|c| c.answers.get(key).cloned())?.downcast().ok()
}

/// An answer that follows its input and the feed.
pub struct Query<T: Send + Sync + 'static> {
    pub data: RwSignal<Option<Arc<T>>>,
    pub error: RwSignal<Option<ApiError>>,
    again: Trigger,
}

impl<T: Send + Sync + 'static> Clone for Query<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Query<T> {}

impl<T: Send + Sync + 'static> Query<T> {
    pub fn get(&self) -> Option<Arc<T>> {
        self.data.get()
    }

    /// Reads again now.
    pub fn refetch(&self) {
        self.again.notify();
    }

    /// Shows `change` of the present answer before the core has confirmed it.
    pub fn patch(&self, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        self.data.update(|d| {
            if let Some(d) = d {
                change(Arc::make_mut(d));
            }
        });
    }
}

/// What to ask, and whose changes concern it.
pub struct Ask<I> {
    pub input: I,
    pub company: Option<CompanyId>,
    /// Only changes of this thing concern the answer.
    pub entity: Option<String>,
}

impl<I> Ask<I> {
    pub fn of(input: I) -> Self {
        Self { input, company: None, entity: None }
    }

    pub fn within(input: I, company: CompanyId) -> Self {
        Self { input, company: Some(company), entity: None }
    }
}

struct Reader<O: Operation>
where
    O::Output: Sync,
{
    query: Query<O::Output>,
    input: RefCell<Option<(String, Rc<O::Input>)>>,
    busy: Cell<bool>,
    dirty: Cell<bool>,
    gone: Cell<bool>,
    pending: RefCell<Option<Timeout>>,
}

impl<O: Operation> Reader<O>
where
    O::Output: Sync,
{
    fn soon(self: &Rc<Self>) {
        if self.pending.borrow().is_some() {
            return;
        }
        let me = self.clone();
        let timeout = Timeout::new(CALM_MS, move || {
            me.pending.borrow_mut().take();
            me.read();
        });
        *self.pending.borrow_mut() = Some(timeout);
    }

    fn read(self: &Rc<Self>) {
        if self.busy.get() {
            self.dirty.set(true);
            return;
        }
        let Some((key, input)) = self.input.borrow().clone() else { return };
        self.busy.set(true);
        let me = self.clone();
        spawn_local(async move {
            let answer = call::<O>(&input).await;
            me.busy.set(false);
            if me.gone.get() {
                return;
            }
            // The question may have changed while the answer was on its way.
            let current = me.input.borrow().as_ref().is_some_and(|(k, _)| *k == key);
            if current {
                match answer {
                    Ok(answer) => {
                        let answer = Arc::new(answer);
                        remember(key, answer.clone());
                        me.query.error.set(None);
                        me.query.data.set(Some(answer));
                    }
                    Err(e) => {
                        // An earlier answer would show what is no more as if it were there.
                        if e.code == ErrorCode::NotFound {
                            forget(&key);
                            me.query.data.set(None);
                        }
                        me.query.error.set(Some(e));
                    }
                }
            }
            if me.dirty.replace(false) || !current {
                me.read();
            }
        });
    }
}

/// Asks an operation, again whenever `ask` or the core's data changes, until the owner is gone.
/// While `ask` gives `None`, nothing is asked.
pub fn use_query<O: Operation>(ask: impl Fn() -> Option<Ask<O::Input>> + 'static) -> Query<O::Output>
where
    O::Output: Sync,
{
    let query = Query { data: RwSignal::new(None), error: RwSignal::new(None), again: Trigger::new() };
    let reader = Rc::new(Reader::<O> {
        query,
        input: RefCell::new(None),
        busy: Cell::new(false),
        dirty: Cell::new(false),
        gone: Cell::new(false),
        pending: RefCell::new(None),
    });
    let listener = Rc::new(Cell::new(0));
    let (r, l) = (reader.clone(), listener.clone());
    Effect::new(move |_| {
        query.again.track();
        let ask = ask();
        untrack(|| follow(&r, &l, ask));
    });
    let held = StoredValue::new_local((reader, listener));
    on_cleanup(move || {
        let _ = held.try_with_value(|(r, l)| {
            r.gone.set(true);
            r.pending.borrow_mut().take();
            feed::ignore(l.get());
        });
    });
    query
}

fn follow<O: Operation>(reader: &Rc<Reader<O>>, listener: &Rc<Cell<u64>>, ask: Option<Ask<O::Input>>)
where
    O::Output: Sync,
{
    feed::ignore(listener.get());
    let Some(ask) = ask else {
        *reader.input.borrow_mut() = None;
        return;
    };
    let key = format!("{} {}", O::NAME, serde_json::to_string(&ask.input).unwrap_or_default());
    let same = reader.input.borrow().as_ref().is_some_and(|(k, _)| *k == key);
    *reader.input.borrow_mut() = Some((key.clone(), Rc::new(ask.input)));
    if !same && let Some(known) = recall::<O::Output>(&key) {
        reader.query.data.set(Some(known));
    }
    let r = reader.clone();
    listener.set(feed::listen(O::READS, ask.company, ask.entity, Rc::new(move || r.soon())));
    reader.read();
}
