//! Follows the core's feed of changes and wakes whoever shows what changed. Nothing here polls.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use contract::feed::{Change, ChangePage};
use contract::{CompanyId, Kind};
use gloo_timers::callback::Timeout;

use crate::ipc::{self, Follow};

/// Somebody who wants to know of changes.
struct Listener {
    kinds: &'static [Kind],
    company: Option<CompanyId>,
    /// Only changes of this thing, where the listener shows a single one.
    entity: Option<String>,
    wake: Rc<dyn Fn()>,
}

#[derive(Default)]
struct Feed {
    listeners: HashMap<u64, Listener>,
    next: u64,
    follow: Option<Follow>,
    cursor: Option<i64>,
    retry: Option<Timeout>,
    failures: u32,
}

thread_local! {
    static FEED: RefCell<Feed> = RefCell::default();
}

/// Whether a change concerns a listener.
fn concerns(kinds: &[Kind], company: Option<CompanyId>, entity: Option<&str>, c: &Change) -> bool {
    kinds.contains(&c.kind)
        && (company.is_none() || c.company_id.is_none() || company == c.company_id)
        && entity.is_none_or(|e| e == c.entity_id)
}

/// Calls `wake` whenever one of these kinds changes. Give the number to [`ignore`] when done.
pub fn listen(
    kinds: &'static [Kind],
    company: Option<CompanyId>,
    entity: Option<String>,
    wake: Rc<dyn Fn()>,
) -> u64 {
    FEED.with_borrow_mut(|f| {
        f.next += 1;
        f.listeners.insert(f.next, Listener { kinds, company, entity, wake });
        f.next
    })
}

pub fn ignore(listener: u64) {
    FEED.with_borrow_mut(|f| f.listeners.remove(&listener));
}

/// Wakes the listeners that a set of changes concerns, each once.
fn deliver(page: &ChangePage) {
    let wakes: Vec<Rc<dyn Fn()>> = FEED.with_borrow_mut(|f| {
        f.cursor = Some(page.cursor);
        f.failures = 0;
        f.listeners
            .values()
            .filter(|l| {
                page.reset
                    || page.changes.iter().any(|c| concerns(l.kinds, l.company, l.entity.as_deref(), c))
            })
            .map(|l| l.wake.clone())
            .collect()
    });
    for wake in wakes {
        wake();
    }
}

/// Starts following, from where it stood if it was followed before.
pub fn start() {
    let after = FEED.with_borrow(|f| f.cursor);
    let follow = Follow::start(
        "follow_changes",
        serde_json::json!({ "after": after }),
        |page: ChangePage| deliver(&page),
        |e| {
            ipc::log("warn", &format!("the feed of changes did not start: {e}"));
            again();
        },
    );
    FEED.with_borrow_mut(|f| f.follow = Some(follow));
}

/// Tries again after a wait that doubles from one second to fifteen.
fn again() {
    FEED.with_borrow_mut(|f| {
        f.failures += 1;
        let wait = (1_000u32 << f.failures.min(4).saturating_sub(1)).min(15_000);
        f.retry = Some(Timeout::new(wait, start));
    });
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;
    use contract::feed::ChangeOp;

    use super::*;

    fn change(kind: Kind, company: Option<CompanyId>) -> Change {
        Change {
            seq: 1,
            company_id: company,
            kind,
            op: ChangeOp::Updated,
            entity_id: "x".into(),
            payload: None,
            at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_change_wakes_only_those_who_show_its_kind_company_and_thing() {
        let a: CompanyId = "6f1c2d9e-0000-7000-8000-000000000001".parse().unwrap();
        let b: CompanyId = "6f1c2d9e-0000-7000-8000-000000000002".parse().unwrap();
        let c = change(Kind::Issue, Some(a));
        assert!(concerns(&[Kind::Issue], Some(a), None, &c));
        assert!(concerns(&[Kind::Issue], None, None, &c));
        assert!(!concerns(&[Kind::Issue], Some(b), None, &c));
        assert!(!concerns(&[Kind::Run], Some(a), None, &c));
        assert!(concerns(&[Kind::Issue], Some(a), Some("x"), &c));
        assert!(!concerns(&[Kind::Issue], Some(a), Some("y"), &c));
        assert!(concerns(&[Kind::Instance], Some(a), None, &change(Kind::Instance, None)));
    }
}
