//! One document that lies open: what it says, the threads about it, and which of them one is at.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use contract::annotation::AnchorState;
use contract::document::{AnnotatedDocument, DocumentKey, GetDocument, IssueDocumentSummary};
use contract::document_annotation::{
    AnnotationPath, AttachAnnotation, DocumentAnnotationThread, ListAnnotations, MarkdownRange, ThreadFilter,
    ThreadStatus, UpdateAnnotation,
};
use contract::operations as op;
use contract::{AnnotationCommentId, AnnotationThreadId, DocumentId, IssueId, RevisionId};
use leptos::prelude::*;

use super::sheet::Sheet;
use crate::api::query::{Ask, Query, use_query};
use crate::markdown::outline::{Outline, outline};
use crate::state::route::Page;
use crate::state::{act, app, company};

/// A revision as it is shown, cut into parts.
pub struct Shown {
    pub document: DocumentId,
    pub revision: RevisionId,
    pub number: i64,
    pub read: Arc<AnnotatedDocument>,
    pub outline: Outline,
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.revision == other.revision
    }
}

impl Shown {
    pub fn body(&self) -> &str {
        &self.read.document.body
    }

    /// The Markdown between UTF-16 offsets.
    pub fn slice(&self, source: &Range<u32>) -> String {
        let parts = self.outline.parts_over(source);
        let (Some(first), Some(last)) =
            (self.outline.parts.get(parts.start), self.outline.parts.get(parts.end.saturating_sub(1)))
        else {
            return String::new();
        };
        let text = &self.body()[first.bytes.start..last.bytes.end];
        let units: Vec<u16> = text.encode_utf16().collect();
        let at = |offset: u32| (offset.saturating_sub(first.start) as usize).min(units.len());
        String::from_utf16_lossy(&units[at(source.start)..at(source.end)])
    }
}

/// A piece of the text that somebody selected.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected {
    pub source: Range<u32>,
    pub quote: String,
    /// Where on the screen what can be done with it is offered.
    pub x: f64,
    pub y: f64,
}

/// Which threads the panel lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    Open,
    Lost,
    Resolved,
}

impl Listed {
    pub fn of(t: &DocumentAnnotationThread) -> Self {
        match (t.thread.status, t.thread.anchor_state) {
            (ThreadStatus::Resolved, _) => Self::Resolved,
            (ThreadStatus::Open, AnchorState::Orphaned) => Self::Lost,
            (ThreadStatus::Open, _) => Self::Open,
        }
    }
}

/// What is done with the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Read,
    Edit,
    /// What one revision made of another; of a first revision, which is both, all is new.
    Compare {
        from: RevisionId,
        to: RevisionId,
    },
}

pub type Thread = Arc<DocumentAnnotationThread>;

/// The threads, in the order of their places, and by id.
#[derive(Clone, Default, PartialEq)]
pub struct Threads {
    pub all: Vec<Thread>,
    by_id: HashMap<AnnotationThreadId, usize>,
}

impl Threads {
    fn new(all: &[DocumentAnnotationThread]) -> Self {
        let all: Vec<Thread> = all.iter().map(|t| Arc::new(t.clone())).collect();
        let by_id = all.iter().enumerate().map(|(n, t)| (t.thread.id, n)).collect();
        Self { all, by_id }
    }

    pub fn find(&self, id: AnnotationThreadId) -> Option<&Thread> {
        self.all.get(*self.by_id.get(&id)?)
    }

    pub fn listed(&self, which: Listed) -> impl Iterator<Item = &Thread> {
        self.all.iter().filter(move |t| Listed::of(t) == which)
    }

    pub fn count(&self, which: Listed) -> usize {
        self.listed(which).count()
    }
}

/// Longer documents (in bytes) are shown in part on their issue's page, and whole on their own.
const LONG: usize = 12_000;

#[derive(Clone, Copy)]
pub struct Desk {
    pub issue: IssueId,
    /// It lies on its issue's page, among other things.
    inline: StoredValue<bool>,
    /// The issue as links name it.
    reference: StoredValue<String>,
    key: StoredValue<DocumentKey>,
    pub query: Query<AnnotatedDocument>,
    pub shown: Memo<Option<Arc<Shown>>>,
    pub threads: Memo<Arc<Threads>>,
    /// Whether the threads were read at least once.
    pub read: Memo<bool>,
    pub mode: RwSignal<Mode>,
    /// Whether the panel with the revisions is open.
    pub history: RwSignal<bool>,
    /// Whether the panel with the threads is open.
    pub open: RwSignal<bool>,
    pub listed: RwSignal<Listed>,
    pub active: RwSignal<Option<AnnotationThreadId>>,
    pub hovered: RwSignal<Option<AnnotationThreadId>>,
    /// A comment that a link led to.
    pub comment: RwSignal<Option<AnnotationCommentId>>,
    pub selected: RwSignal<Option<Selected>>,
    /// The place that a comment is being written about; `None` within when its text is gone.
    pub composing: RwSignal<Option<Option<Range<u32>>>>,
    /// A thread for which new text is being selected.
    pub attaching: RwSignal<Option<AnnotationThreadId>>,
    /// The thread whose reply is to take the focus.
    pub replying: RwSignal<Option<AnnotationThreadId>>,
    /// Counts how often something was drawn, so that highlights follow.
    pub drawn: RwSignal<u32>,
    sheet: StoredValue<Rc<RefCell<Sheet>>, LocalStorage>,
}

impl Desk {
    /// Opens a document while `wanted` says so.
    pub fn open(issue: IssueId, reference: String, key: DocumentKey, wanted: Signal<bool>) -> Self {
        let co = company();
        let key = StoredValue::new(key);
        let id = RwSignal::new(None::<String>);
        let query = use_query::<op::GetDocumentOp>(move || {
            wanted.get().then(|| Ask {
                input: GetDocument {
                    id: issue.into(),
                    key: key.get_value(),
                    include_annotations: Some(false),
                    include_annotation_comments: false,
                },
                company: Some(co.id),
                entity: id.get(),
            })
        });
        Effect::new(move |_| {
            let read = query.data.with(|d| d.as_ref().map(|d| d.document.summary.id.to_string()));
            if id.get_untracked() != read {
                id.set(read);
            }
        });
        let list = use_query::<op::ListAnnotationsOp>(move || {
            let entity = id.get()?;
            Some(Ask {
                input: ListAnnotations {
                    id: issue.into(),
                    key: key.get_value(),
                    status: Some(ThreadFilter::All),
                    include_comments: true,
                },
                company: Some(co.id),
                entity: Some(entity),
            })
        });
        let shown = Memo::new(move |before: Option<&Option<Arc<Shown>>>| {
            let read = query.get()?;
            let s = &read.document.summary;
            let (document, revision, number) = (s.id, s.latest_revision_id?, s.latest_revision_number);
            if let Some(Some(same)) = before
                && same.revision == revision
            {
                return Some(same.clone());
            }
            let outline = outline(&read.document.body);
            Some(Arc::new(Shown { document, revision, number, outline, read: read.clone() }))
        });
        let threads = Memo::new(move |_| {
            Arc::new(list.data.with(|l| l.as_ref().map(|l| Threads::new(l)).unwrap_or_default()))
        });
        let desk = Self {
            issue,
            inline: StoredValue::new(false),
            reference: StoredValue::new(reference),
            key,
            query,
            shown,
            threads,
            read: Memo::new(move |_| list.data.with(Option::is_some)),
            mode: RwSignal::new(Mode::Read),
            history: RwSignal::new(false),
            open: RwSignal::new(false),
            listed: RwSignal::new(Listed::Open),
            active: RwSignal::new(None),
            hovered: RwSignal::new(None),
            comment: RwSignal::new(None),
            selected: RwSignal::new(None),
            composing: RwSignal::new(None),
            attaching: RwSignal::new(None),
            replying: RwSignal::new(None),
            drawn: RwSignal::new(0),
            sheet: StoredValue::new_local(Rc::new(RefCell::new(Sheet::new()))),
        };
        // What was selected in one revision says nothing in the next.
        Effect::new(move |_| {
            shown.track();
            desk.selected.set(None);
        });
        on_cleanup(move || {
            desk.with_sheet(|s| s.borrow_mut().leave());
        });
        desk
    }

    /// The same on its issue's page.
    pub fn inline(self) -> Self {
        self.inline.set_value(true);
        self
    }

    pub fn key(self) -> DocumentKey {
        self.key.get_value()
    }

    pub fn page(self, spot: &str) -> Page {
        let key = self.key().as_str().to_owned();
        Page::Document { issue: self.reference.get_value(), key, spot: spot.to_owned() }
    }

    /// A link to a thread, or to one comment in it, in Paperclip's form.
    pub fn link(self, thread: AnnotationThreadId, comment: Option<AnnotationCommentId>) -> String {
        let issue = company().route(Page::Issue(self.reference.get_value())).href();
        let comment = comment.map(|c| format!("&comment={c}")).unwrap_or_default();
        format!("{issue}#document-{}&thread={thread}{comment}", self.key().as_str())
    }

    pub fn summary(self) -> Option<IssueDocumentSummary> {
        self.query.data.with(|d| d.as_ref().map(|d| d.document.summary.clone()))
    }

    pub fn with_sheet<T>(self, f: impl FnOnce(&Rc<RefCell<Sheet>>) -> T) -> Option<T> {
        self.sheet.try_with_value(f)
    }

    pub fn thread(self, id: AnnotationThreadId) -> Option<Thread> {
        self.threads.with(|t| t.find(id).cloned())
    }

    /// Goes to a thread: the panel shows it, and the text scrolls to its place.
    pub fn go_to(self, id: AnnotationThreadId) {
        let Some(thread) = self.threads.with_untracked(|t| t.find(id).cloned()) else { return };
        if untrack(|| self.is_cut()) {
            return company().go(self.page(&format!("thread={id}")));
        }
        self.listed.set(Listed::of(&thread));
        self.open.set(true);
        self.active.set(Some(id));
        if thread.thread.anchor_state != AnchorState::Orphaned {
            self.reveal(thread.anchor.markdown_start..thread.anchor.markdown_end);
        }
    }

    /// Scrolls the text to a place.
    pub fn reveal(self, source: Range<u32>) {
        if let Some(shown) = self.shown.get_untracked() {
            self.with_sheet(|s| Sheet::reveal(s, shown, source));
        }
    }

    /// The thread `step` on from the present one in the list.
    pub fn step(self, step: isize) {
        let next = self.threads.with_untracked(|t| {
            let ids: Vec<_> = t.listed(self.listed.get_untracked()).map(|t| t.thread.id).collect();
            let at = self.active.get_untracked().and_then(|a| ids.iter().position(|i| *i == a));
            let last = ids.len().checked_sub(1)?;
            let next = match at {
                Some(at) => at.saturating_add_signed(step).min(last),
                None if step > 0 => 0,
                None => last,
            };
            ids.get(next).copied()
        });
        if let Some(next) = next {
            self.go_to(next);
        }
    }

    /// Begins a comment about what is selected, or attaches the thread that waits for a place.
    pub fn take_selection(self) -> bool {
        // A key may come before the selection was looked at.
        let selected = self.selected.get_untracked().or_else(|| super::text::selected(self));
        let Some(selected) = selected else { return false };
        self.selected.set(None);
        if let Ok(Some(selection)) = window().get_selection() {
            let _ = selection.remove_all_ranges();
        }
        match self.attaching.get_untracked() {
            Some(thread) => self.attach(thread, selected.source),
            None => {
                self.active.set(None);
                self.listed.set(Listed::Open);
                self.open.set(true);
                self.composing.set(Some(Some(selected.source)));
            }
        }
        true
    }

    fn attach(self, thread: AnnotationThreadId, source: Range<u32>) {
        let Some(shown) = self.shown.get_untracked() else { return };
        let input = AttachAnnotation {
            id: self.issue.into(),
            key: self.key(),
            thread_id: thread,
            base_revision_id: shown.revision,
            base_revision_number: shown.number,
            selector: None,
            range: Some(MarkdownRange { markdown_start: source.start, markdown_end: source.end }),
        };
        act::<op::AttachAnnotationOp>(input, move |t| {
            self.attaching.try_set(None);
            self.listed.try_set(Listed::of(&t));
            self.active.try_set(Some(thread));
            app().say("The comment has a new place");
        });
    }

    /// Resolves a thread, or opens it again.
    pub fn settle(self, thread: &Thread) {
        let status = match thread.thread.status {
            ThreadStatus::Open => ThreadStatus::Resolved,
            ThreadStatus::Resolved => ThreadStatus::Open,
        };
        let id = thread.thread.id;
        let input =
            UpdateAnnotation { id: self.issue.into(), key: self.key(), thread_id: id, status: Some(status) };
        act::<op::UpdateAnnotationOp>(input, move |t| {
            if status == ThreadStatus::Open {
                self.listed.try_set(Listed::of(&t));
                self.active.try_set(Some(id));
            }
        });
    }

    /// Whether only its beginning is shown here.
    pub fn is_cut(self) -> bool {
        let long = self.shown.with(|s| s.as_ref().is_some_and(|s| s.body().len() > LONG));
        long && self.inline.get_value()
    }

    pub fn path_of(self, thread: AnnotationThreadId) -> AnnotationPath {
        AnnotationPath { id: self.issue.into(), key: self.key(), thread_id: thread }
    }
}
